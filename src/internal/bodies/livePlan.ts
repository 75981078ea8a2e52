/**
 * Plans as the driver sees them: with bodies and the ambients, which the engine never reads.
 *
 * @internal
 */
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { Succession } from "../../engine/protocol/Event.ts"
import type { Defaults, Plan, Reference } from "../../engine/protocol/Plan.ts"
import { isBeyond } from "../../engine/protocol/Registered.ts"
import type { Place } from "../../engine/protocol/Registered.ts"
import type { AsyncScope } from "../platform/asyncScope.ts"
import { noOptions } from "../tasks/task.ts"
import type { FutureImpl, Pass, Plain, TaskImpl, TaskOptions } from "../tasks/task.ts"

/**
 * Results of earlier runs by key, such as a `Map`; new ones are added to it.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface ResultCache {
  readonly has: (key: string) => boolean
  readonly get: (key: string) => unknown
  readonly set: (key: string, value: unknown) => unknown
}

/** A cache as a run sees it, which never throws. */
export interface Cache {
  readonly find: (key: string) => { readonly value: unknown } | undefined
  readonly set: (key: string, value: unknown) => void
  /** Whether only calls use it: other keys mean nothing outside of their graph, which a flatMap task returned. */
  readonly forCallsAlone?: true
}

/**
 * What becomes of a task of a submission whose key a live task of another graph has. `join`: it is joined where both do the same,
 * as without the option. `refuse`: the submission is refused with `KeyConflict`. `replace`: the live one is cancelled, also for
 * others that want it, and the new one starts when it has stopped.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Conflict = "join" | "refuse" | "replace"

/** Whether a cache may hold the result of a task: the keys of calls contain all that their results depend on. */
export const isFor = (cache: Cache, { options: { key } }: TaskImpl): boolean =>
  cache.forCallsAlone !== true || key === undefined

/** What a submission takes from where it is made: the context of its submitter, the options of its region, and a cache for results. */
export interface Ambient {
  readonly context: Context.Context<never>
  readonly annotations: TaskOptions
  readonly defaults: Defaults | undefined
  readonly fork: (effect: Effect.Effect<any, any>) => Fiber.Fiber<any, any>
  /** The async context of the submitter. */
  readonly asyncScope: AsyncScope
  readonly cache: Cache | undefined
  /** The passes that rewrite the plan before it is submitted. */
  readonly passes: ReadonlyArray<Pass> | undefined
  /** What becomes of a task whose key a live one has. */
  readonly conflict: Conflict | undefined
}

/** A plan with bodies and their ambient, which the engine never reads. It lives as long as one of its tasks. */
export interface LivePlan extends Plan {
  /** The task of each plan index. */
  readonly nodes: ReadonlyArray<TaskImpl>
  /**
   * The function of each task that only takes the results of its dependencies as an array: its start need not read the task,
   * which in a large graph saves two cache misses.
   */
  readonly functions: ReadonlyArray<Plain | undefined>
  readonly ambient: Ambient
  /** The ambients of tasks that run again, which come from several submissions. */
  readonly ambients: ReadonlyArray<Ambient> | undefined
  /** Whether the body of a flatMap task returned it, and the engine accepted it. */
  isUnfolded: boolean
}

/** The ambient of a task of a plan. */
export const ambientOf = ({ ambient, ambients }: LivePlan, index: number): Ambient =>
  ambients === undefined ? ambient : ambients[index]!

export const ambientAt = ({ index, submission }: Place): Ambient => ambientOf(submission.plan as LivePlan, index)

export const taskAt = ({ index, submission }: Place): TaskImpl => (submission.plan as LivePlan).nodes[index]!

/** The value of the literal that was registered there. */
export const literalAt = (place: Place): unknown => {
  const { body } = taskAt(place)
  return body._tag === "value" ? body.value : undefined
}

/** Whether the task that was registered there is still known; otherwise it cannot run again. */
export const isKnownAt = ({ submission }: Pick<Place, "submission">): boolean => !isBeyond(submission)

/** The function of a task that needs its dependencies alone; see `LivePlan.functions`. */
export const functionOf = ({ options, plain, shape }: TaskImpl): Plain | undefined =>
  shape === "array" && options === noOptions ? plain : undefined

export interface Compiled {
  readonly plan: LivePlan
  /** Where each target is, in the order given. */
  readonly targets: ReadonlyArray<Reference>
  /** The tasks that replace live ones, which are to be cancelled. */
  readonly successions?: ReadonlyArray<Succession> | undefined
  /** What is registered of it before its submission, in turns; until that. */
  announced?: Ahead | undefined
}

/** An announced plan. */
export interface Ahead {
  readonly number: number
  /** A future for each target, if they are claimed already. */
  readonly futures: ReadonlyArray<FutureImpl> | undefined
}
