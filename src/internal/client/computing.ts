/**
 * Requests to a client, their modes and results: `Client.compute` and everything made from it.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { TagLimit } from "../../engine/protocol/Event.ts"
import { SubmitError } from "../../SkeinError.ts"
import type { Root, SkeinError } from "../../SkeinError.ts"
import type { Callbacks } from "../bodies/callbacks.ts"
import type { Home } from "../bodies/home.ts"
import type { Conflict, ResultCache } from "../bodies/livePlan.ts"
import { isTaskGraph } from "../graphs/graph.ts"
import type { TaskGraph } from "../graphs/typed.ts"
import { misplaced as refuseMisplaced } from "../plans/compile.ts"
import { cache, callback, conflict, mode, optionsFault, passes, recordOf } from "../tasks/checks.ts"
import type { Checks, Mode } from "../tasks/checks.ts"
import { scan } from "../tasks/inputs.ts"
import type { Scan } from "../tasks/inputs.ts"
import type { Errors, Exits, Handle, Needs, Services, Values, WithoutSignals } from "../tasks/shapes.ts"
import { isRecord } from "../tasks/task.ts"
import type * as internal from "../tasks/task.ts"
import { brief, briefResult } from "../text/brief.ts"
import { InvalidDependency } from "../text/reasons.ts"
import type { IsAny } from "../values/isAny.ts"
import { foreignText, isMeant, isThenable, keepOneCopy } from "../values/strangers.ts"
import * as collect from "../views/collect.ts"

export type { Callbacks, Conflict, ResultCache }

/** Refuses at compile time what `compute` does not run. */
export type Computable<I> = I extends Handle | TaskGraph<any> ? unknown : Refused<Open<I> | Work<I> | Work<Member<I>>>

/** What `Task.make` and its kin make of a function alone. */
type Open<I> = IsAny<I> extends true ? never
  : I extends (...args: any) => any
    ? "A function is no task. Call it with the task that it waits for, as in task.pipe(Task.map(f))."
  : never

/** In generic code the compiler may know of a shape only that it holds tasks. */
export type ShapeOfTasks = Handle | TaskGraph<any> | ReadonlyArray<Handle> | { readonly [name: string]: Handle }

type Refused<Hint> = [Hint] extends [never] ? unknown : Hint

type Member<I> = I extends ReadonlyArray<infer X> ? X : I extends object ? I[keyof I] : never

/** Work that is no task: effects and promises. An `Exit` is an Effect to the compiler, and a value here. */
type Work<I> = IsAny<I> extends true ? never
  : I extends Exit.Exit<any, any> ? never
  : I extends Effect.Effect<any, any, any>
    ? "An Effect is no task. Make one of it with Task.make, or run the effect itself."
  : I extends PromiseLike<any> ? "A Promise is no task. Make one with Task.make and Effect.tryPromise."
  : never

export type Shape<I> = I extends TaskGraph<infer Tasks> ? Tasks : I

/**
 * @internal
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Result<I, M extends Mode> = M extends "collect" ? Exits<I> : Values<I>

/**
 * @internal
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Failure<I, M extends Mode> = FailureOf<Errors<I>, M>

/** The same for tasks with these errors. */
export type FailureOf<E, M extends Mode> = M extends "collect" ? never
  : SkeinError | WithoutSignals<M extends "continue" ? Root<E> : E>

/** What a computation gives. */
export type Computed<I, M extends Mode> = Effect.Effect<
  Result<Shape<I>, M>,
  Failure<Shape<I>, M> | SubmitError,
  Needs<Services<Shape<I>>>
>

/**
 * A rewrite of a graph before it runs that changes only its cost: `fuse` makes one task of a chain of tasks; `inline` computes
 * constants, and tasks with the option `inline`, in each task that needs them.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Pass = internal.Pass

/**
 * Options of a submission.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface SubmitOptions {
  /** Results by key, such as a `Map`: tasks found here do not run, and results of keyed tasks are added. */
  readonly cache?: ResultCache | undefined
  /** Passes that rewrite the graph before it runs, and graphs that its `flatMap` tasks return. Defaults to none. */
  readonly passes?: ReadonlyArray<Pass> | undefined
  /**
   * What becomes of a task whose key a live task of another graph has, in the same namespace or outside of all. `"join"`, the
   * default: it joins that run where both do the same. `"refuse"`: the submission is refused with `KeyConflict`. `"replace"`: that
   * run is cancelled for all who want it, and ends `TaskCancelled` with the `replacement`; the new one starts when it has stopped.
   * Not `"replace"` together with `passes`.
   */
  readonly conflict?: Conflict | undefined
}

/**
 * Options of a computation.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface ComputeOptions<M extends Mode = Mode> extends SubmitOptions {
  readonly mode?: M | undefined
  readonly callbacks?: Callbacks | undefined
}

/** The mode in the options of a verb whose subject comes through a pipe. */
export type ModeIn<O> = O extends { readonly mode: infer M extends Mode } ? M : "failFast"

export const ofSubmit: Checks<SubmitOptions> = { cache, passes, conflict }

const ofCallbacks: Checks<Callbacks> = {
  start: callback,
  startState: callback,
  beforeTask: callback,
  afterTask: callback,
  onExit: callback
}

export const ofCompute: Checks<ComputeOptions> = {
  mode,
  cache,
  callbacks: recordOf(ofCallbacks),
  passes,
  conflict
}

/** What `Client.compute` runs. */
export const computeTargets = (
  home: Home,
  targets: unknown,
  options: ComputeOptions | undefined
): Effect.Effect<unknown, unknown> => {
  const unknown = optionsFault(options, ofCompute)
  return unknown === undefined ? computeShape(home, shapeOf(targets), options ?? {}) : Effect.die(unknown)
}

/** A graph stands for the record of its tasks. */
const shapeOf = (targets: unknown): unknown => !Array.isArray(targets) && isTaskGraph(targets) ? targets.tasks : targets

export const computeShape = (
  home: Home,
  shape: unknown,
  { cache, callbacks, conflict, mode = "failFast", passes }: ComputeOptions,
  limits?: TagLimit
): Effect.Effect<unknown, unknown> => {
  const scanned = scan(shape)
  const refused = strangerOf(shape, scanned) ?? refusalOf(scanned)
  if (refused !== undefined) return Effect.fail(refused)
  const { handles } = scanned
  const options = { keepGoing: mode !== "failFast", cache, passes, conflict, callbacks, limits }
  return home.computes.run(
    handles,
    options,
    (targets, owner) => collect.ofTargets(home.view, scanned, mode, targets, owner)
  )
}

/** The refusal of an effect or a promise as a target. A promise may be a value deeper in a shape, but not beside targets. */
const strangerOf = (shape: unknown, { shape: kind }: Scan): SubmitError | undefined => {
  // Tasks and futures alone: the walk has looked at each.
  if (kind === "array" || kind === "single") return undefined
  if (typeof shape === "function" || Effect.isEffect(shape) || isThenable(shape)) return stray(shape, "task")
  if (typeof shape !== "object" || shape === null || (kind !== "none" && kind !== "nested")) return undefined
  const members: ReadonlyArray<unknown> = Array.isArray(shape) || isRecord(shape) ? Object.values(shape) : []
  const promise = members.find((member) => isThenable(member) && !isMeant(member))
  return promise === undefined ? undefined : stray(promise, "task")
}

type Expected = "task" | "future" | "array, record, set or graph of tasks" | "array of futures"

/** The mistake of a value in place of what the type of a verb asks for. */
export const strayFault = (value: unknown, expected: Expected): Cause.IllegalArgumentError =>
  new Cause.IllegalArgumentError(stray(value, expected).message)

/** The refusal of a value in place of what was expected. */
const stray = (value: unknown, expected: Expected): SubmitError => {
  const [dependency, instead] = expected === "task" ? wordsOf(value) : [brief(value)]
  const why = `it is no ${expected}${instead === undefined ? "" : `; ${instead}`}`
  return new SubmitError({ reason: new InvalidDependency({ key: undefined, dependency, why }) })
}

const wordsOf = (value: unknown): readonly [string, string?] => {
  if (Effect.isEffect(value)) return ["an Effect", "make one of it with Task.make, or run the effect itself"]
  if (typeof value === "function") {
    return ["a function", "call it with the task that it waits for, as in task.pipe(Task.map(f))"]
  }
  const foreign = foreignText(value)
  if (foreign !== undefined) return [foreign, keepOneCopy]
  const found = briefResult(value)
  return isThenable(value) ? [found, "make one with Task.make and Effect.tryPromise"] : [found]
}

const policyAsTarget = { what: "a Dependency", why: "a policy is for the inputs of a task; ask for its members" }

/** The mistake of a wait that is given a shape with values in places that are not searched, if any. */
export const misplacedFault = (scanned: Scan): Cause.IllegalArgumentError | undefined => {
  const refused = refusalOf(scanned)
  return refused && new Cause.IllegalArgumentError(refused.message)
}

/** The refusal of a request, if any. */
const refusalOf = ({ groups, misplaced }: Scan): SubmitError | undefined => {
  const wrong = groups === undefined ? misplaced : policyAsTarget
  return wrong && new SubmitError({ reason: refuseMisplaced(undefined, wrong) })
}
