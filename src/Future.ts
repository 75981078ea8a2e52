/**
 * A task that was submitted. The verbs are those of `Fiber`: `join` returns the value or fails as the task did, `await` returns
 * the `Exit`, `poll` looks without waiting.
 *
 * A `Future` belongs to the scope in which it was submitted. When that scope closes, the result is released, unless another scope
 * took it over with `Client.keep`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { Pipeable } from "effect/Pipeable"
import type { PhaseName } from "./engine/protocol/Phase.ts"
import { ofWait, optionsFault } from "./internal/tasks/checks.ts"
import * as internal from "./internal/tasks/task.ts"
import type { RuntimeFailure } from "./SkeinError.ts"

/** @internal */
export declare const TypeId: unique symbol

/**
 * A submitted task that succeeds with `A` or fails with `E`.
 *
 * As an input of another task, also inside arrays and records, it is a dependency of that task.
 *
 * @category models
 * @since 0.1.0
 */
export interface Future<out A, out E = never> extends Pipeable {
  readonly [TypeId]: { readonly _A: () => A; readonly _E: () => E }
  /** The task's own key, or one formed of its label and number. */
  readonly key: string
}

/**
 * The state of a task. `released`: its result is gone.
 *
 * @category models
 * @since 0.1.0
 */
export type Status = PhaseName | "released"

/**
 * What is known of a task. Times are in milliseconds of the layer's clock, `undefined` for what has not happened yet.
 *
 * @category models
 * @since 0.1.0
 */
export interface Metadata {
  readonly key: string
  /**
   * The number of its graph, within which its key is unique: a submission, a compute, or the graph that a flatMap task returned.
   */
  readonly graph: number
  readonly label: string | undefined
  readonly status: Status
  /** The priority by which it ranks: its own, or a higher one of a task that needs it. */
  readonly priority: number
  /** The key of the task from whose body it was submitted, or "program". */
  readonly submitter: string
  /** The keys of the tasks it depends on, those of `after` included. */
  readonly dependencies: ReadonlyArray<string>
  /** The worker that runs it or ran it last, whichever worker holds its result. */
  readonly worker: string | undefined
  readonly submitted: number
  readonly started: number | undefined
  readonly completed: number | undefined
  /** The attempts so far, oldest first; the last one may be running. */
  readonly attempts: ReadonlyArray<AttemptMetadata>
}

/**
 * One start of a body.
 *
 * @category models
 * @since 0.1.0
 */
export interface AttemptMetadata {
  /** From 1. */
  readonly attempt: number
  readonly worker: string
  readonly started: number
  readonly completed: number | undefined
  /** Its worker was lost during the attempt, or its result later. The attempt does not count: the next one has its number. */
  readonly lost?: true
}

/**
 * Whether a value is a `Future`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isFuture = (u: unknown): u is Future<unknown, unknown> => internal.isFuture(u)

/**
 * How a wait inside a task treats the task's slot.
 *
 * @category options
 * @since 0.1.0
 */
export interface WaitOptions {
  /**
   * Whether to keep the slot while waiting. A wait that could never end, because no slot is left for the tasks that it waits for,
   * fails with `Starved`. Without effect outside of tasks.
   */
  readonly keepSlot?: boolean | undefined
}

/**
 * Waits for the task and returns its value, or fails as it failed.
 *
 * **Details**
 *
 * Inside a task this frees the task's slot meanwhile, unless `keepSlot` is set. Interrupting the wait, or a timeout of it, does
 * not affect the task.
 *
 * @category combinators
 * @since 0.1.0
 */
export const join = <A, E>(
  self: Future<A, E>,
  // A number is the index that `Effect.forEach(futures, Future.join)` passes.
  options?: WaitOptions | number
): Effect.Effect<A, E | RuntimeFailure> => ask(self, options, (future, keepSlot) => valueOf<A, E>(future, keepSlot))

const await_ = <A, E>(
  self: Future<A, E>,
  options?: WaitOptions | number
): Effect.Effect<Exit.Exit<A, E | RuntimeFailure>> =>
  ask(self, options, (future, keepSlot) => Effect.exit(valueOf<A, E>(future, keepSlot)))

/** A wrong future or wrong options are a defect of the caller: the task did not end that way. */
const ask = <A, E>(
  self: Future<unknown, unknown>,
  options: WaitOptions | number | undefined,
  use: (future: internal.FutureImpl, keepSlot: boolean | undefined) => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    const future = internal.implOf(self)
    const fault = optionsFault(options, ofWait)
    return fault === undefined
      ? use(future, typeof options === "object" ? options.keepSlot : undefined)
      : Effect.die(fault)
  })

const valueOf = <A, E>(
  future: internal.FutureImpl,
  keepSlot: boolean | undefined
): Effect.Effect<A, E | RuntimeFailure> => {
  const { home: { view, waits }, claim } = future
  if (view.isSettled(claim)) return view.exitOfClaim(future) as Exit.Exit<A, E | RuntimeFailure>
  // By then the result may have been lost.
  return Effect.flatMap(waits.forFutures([future], "all", keepSlot), () => valueOf<A, E>(future, keepSlot))
}

export {
  /**
   * Waits for the task and returns its `Exit`.
   *
   * @category combinators
   * @since 0.1.0
   */
  await_ as await
}

/**
 * The task's `Exit` if it has ended, without waiting.
 *
 * @category getters
 * @since 0.1.0
 */
export const poll = <A, E>(self: Future<A, E>): Effect.Effect<Exit.Exit<A, E | RuntimeFailure> | undefined> =>
  Effect.sync(() => {
    const future = internal.implOf(self)
    return future.home.view.isSettled(future.claim)
      ? future.home.view.exitOfClaim(future) as Exit.Exit<A, E | RuntimeFailure>
      : undefined
  })

/**
 * The state of the task.
 *
 * @category getters
 * @since 0.1.0
 */
export const status = (self: Future<unknown, unknown>): Effect.Effect<Status> =>
  Effect.sync(() => internal.implOf(self).home.view.statusOf(internal.implOf(self).claim))

/**
 * The task's key.
 *
 * @category getters
 * @since 0.1.0
 */
export const key = (self: Future<unknown, unknown>): string => self.key

/**
 * What is known of the task.
 *
 * @category getters
 * @since 0.1.0
 */
export const metadata = (self: Future<unknown, unknown>): Effect.Effect<Metadata> =>
  Effect.sync(() => internal.implOf(self).home.view.metadataOf(internal.implOf(self)))
