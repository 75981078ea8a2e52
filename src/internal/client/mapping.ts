/**
 * Tasks made from items.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import type { Concurrency } from "effect/Types"
import type { TagLimit } from "../../engine/protocol/Event.ts"
import type { SkeinError, SubmitError } from "../../SkeinError.ts"
import type { Home } from "../bodies/home.ts"
import type { Checks, Mode } from "../tasks/checks.ts"
import { anything, callback, flag, invalidOption, optionsFault, slots, valueFault } from "../tasks/checks.ts"
import { makeTask } from "../tasks/makeTask.ts"
import type { Mistake } from "../tasks/mistake.ts"
import { normalize } from "../tasks/options.ts"
import type { Ran, RanError, RanServices, RanSuccess } from "../tasks/ran.ts"
import type { Result as Returned } from "../tasks/refusals.ts"
import type { Needs, Own, Services, Upstream, Values } from "../tasks/shapes.ts"
import type { TaskImpl, TaskOptions } from "../tasks/task.ts"
import type { AnyOptions, NoOptions, OptionErrors, Options, OptionServices, OptionsFor } from "../tasks/taskOptions.ts"
import { looked } from "../values/looks.ts"
import { isEffectOnly, isSteps, workIn } from "../values/strangers.ts"
import { computeShape, ofCompute } from "./computing.ts"
import type { ComputeOptions, FailureOf } from "./computing.ts"
import { readItems } from "./reading.ts"

/**
 * Options of {@link forEach}.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface ForEachOptions<
  A,
  M extends Mode = Mode,
  O extends AnyOptions = Options,
  D extends boolean = boolean
> extends ComputeOptions<M> {
  /** Options of the tasks, such as their label or priority, or a function that returns the options of each. */
  readonly task?: O | ((item: A, index: number) => O) | undefined
  /**
   * The most tasks of this call that run at once, on all workers together. A task that waits for others does not count meanwhile.
   * Defaults to `"unbounded"`: the slots of the workers are the limit.
   */
  readonly concurrency?: Concurrency | undefined
  /** Drops each result when its task ends, and gives nothing. Defaults to false. */
  readonly discard?: D | undefined
}

/** What a run for each item gives, discarded or not. */
type EachResult<B, E, M extends Mode, D> = D extends true ? void
  : M extends "collect" ? Array<Exit.Exit<B, E | SkeinError>>
  : Array<B>

/** What a run for each item fails with. */
export type EachError<A, X, O> = Own<RanError<X>> | Upstream<A> | OptionErrors<O>

/** The verb with its items first. Its effect has no name of its own, so an editor shows it in full. `R` is what the verb itself needs. */
export interface ForEach<R> {
  <
    A,
    X extends Ran,
    const M extends Mode = "failFast",
    const O extends OptionsFor<O, RanError<X>> = NoOptions<RanError<X>>,
    const D extends boolean = false
  >(
    items: Iterable<A>,
    f: ((item: Values<A>, index: number) => X) & Returned<RanSuccess<X>>,
    options?: ForEachOptions<A, M, O, D>
  ): Effect.Effect<
    EachResult<RanSuccess<X>, EachError<A, X, O>, M, D>,
    FailureOf<EachError<A, X, O>, M> | SubmitError,
    Needs<RanServices<X>> | Services<A> | OptionServices<O> | R
  >
}

/** The verb for items that come through a pipe. */
export interface ForEachInPipe<R> {
  // The items are known, or the parameter of the function says what they are.
  <
    A,
    X extends Ran,
    const M extends Mode = "failFast",
    const O extends OptionsFor<O, RanError<X>> = NoOptions<RanError<X>>,
    const D extends boolean = false
  >(
    f: ((item: Values<A>, index: number) => X) & Returned<RanSuccess<X>>,
    options?: ForEachOptions<A, M, O, D>
  ): (items: Iterable<A>) => Effect.Effect<
    EachResult<RanSuccess<X>, EachError<A, X, O>, M, D>,
    FailureOf<EachError<A, X, O>, M> | SubmitError,
    Needs<RanServices<X>> | Services<A> | OptionServices<O> | R
  >
  <
    A,
    X extends Ran,
    const M extends Mode = "failFast",
    const O extends OptionsFor<O, RanError<X>> = NoOptions<RanError<X>>,
    const D extends boolean = false
  >(
    f: ((item: A, index: number) => X) & Returned<RanSuccess<X>>,
    options?: ForEachOptions<A, M, O, D>
  ): (items: Iterable<A>) => Effect.Effect<
    EachResult<RanSuccess<X>, EachError<A, X, O>, M, D>,
    FailureOf<EachError<A, X, O>, M> | SubmitError,
    Needs<RanServices<X>> | Services<A> | OptionServices<O> | R
  >
}

/** A function that runs for each item. */
export type Run = (item: any, index: number) => Effect.Effect<unknown, unknown, unknown>

/** Makes the task of each item, with options for all or for each. */
export const taskOfEach = (
  f: Run,
  task: ForEachOptions<any>["task"],
  normal: (options: AnyOptions | undefined) => TaskOptions = normalize
): (item: unknown, index: number) => TaskImpl => {
  const common = typeof task === "function" ? undefined : normal(task)
  return (item, index) => {
    const options = common ?? normal((task as (item: unknown, index: number) => AnyOptions)(item, index))
    // Items may be effects: `f` decides what to do with them.
    return isEffectOnly(item)
      ? makeTask({ _tag: "effect", run: () => f(item, index) }, undefined, options)
      : makeTask({ _tag: "effect", run: (value) => f(value, index) }, item, options)
  }
}

export const mapItems = (
  home: Home,
  items: Iterable<unknown>,
  f: Run,
  options: ForEachOptions<unknown> | undefined
): Effect.Effect<unknown, unknown> => {
  const wrong = mapFault(items, f, options)
  return wrong !== undefined
    ? Effect.die(wrong)
    : Effect.flatMap(readItems(home, items), (given) => mapAll(home, given, f, options))
}

const mapAll = (
  home: Home,
  items: ReadonlyArray<unknown>,
  f: Run,
  options: ForEachOptions<unknown> = {}
): Effect.Effect<unknown, unknown> => {
  const { cache, concurrency, discard, task } = options
  const limits = typeof concurrency === "number"
    ? { tag: home.computes.tagOfCall(), limit: concurrency }
    : undefined
  // A cache takes the results, and holds them anyway.
  const run = discard === true && cache === undefined ? dropping(f) : f
  const tasks = items.map(taskOfEach(run, task, (own) => tagged(normalize(own), limits)))
  const computed = computeShape(home, tasks, options, limits)
  return discard === true ? Effect.asVoid(computed) : computed
}

/** The options of a task that is limited with all others of its call. */
const tagged = (options: TaskOptions, limits: TagLimit | undefined): TaskOptions =>
  limits === undefined ? options : { ...options, tags: [...options.tags ?? [], limits.tag] }

/** The same function without results. Work in place of a result stays, so that it is refused. */
const dropping = (f: Run): Run => (item, index) => {
  const returned: unknown = f(item, index)
  const effect = isSteps(returned) ? Effect.gen(() => returned) : returned
  return Effect.isEffect(effect) ? Effect.map(effect, workAlone) : effect as Effect.Effect<unknown>
}

const workAlone = (value: unknown): unknown =>
  typeof value === "object" && value !== null && looked(() => workIn(value), undefined) !== undefined
    ? value
    : undefined

/** The refusal of arguments from untyped code that cannot be read or called. */
const mapFault = (items: unknown, f: unknown, options: unknown): Mistake | undefined => {
  const fault = optionsFault(options, ofMap) ?? valueFault(callback, "function of Client.forEach", f)
  if (fault !== undefined || Predicate.isIterable(items)) return fault
  return invalidOption("input of Client.forEach", items, "an array, or something else to iterate over")
}

const ofMap: Checks<ForEachOptions<unknown>> = {
  ...ofCompute,
  task: anything,
  concurrency: slots,
  discard: flag
}
