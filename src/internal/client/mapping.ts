/**
 * Tasks made from items.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { SubmitError } from "../../SkeinError.ts"
import type { Home } from "../bodies/home.ts"
import type { Checks, Mode } from "../tasks/checks.ts"
import { anything, callback, invalidOption, optionsFault, valueFault } from "../tasks/checks.ts"
import type { Task } from "../tasks/handles.ts"
import { makeTask } from "../tasks/makeTask.ts"
import type { Mistake } from "../tasks/mistake.ts"
import { normalize } from "../tasks/options.ts"
import type { Needs, Own, Services, Upstream } from "../tasks/shapes.ts"
import type { AnyOptions, OptionErrors, Options, OptionServices } from "../tasks/taskOptions.ts"
import { isEffectOnly } from "../values/strangers.ts"
import { computeShape, ofCompute } from "./computing.ts"
import type { ComputeOptions, Failure, Result } from "./computing.ts"
import { readItems } from "./reading.ts"

/**
 * Options of {@link forEach}.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface ForEachOptions<A, M extends Mode = Mode, O extends AnyOptions = Options> extends ComputeOptions<M> {
  /** Options of the tasks, such as their label or priority, or a function that returns the options of each. */
  readonly task?: O | ((item: A, index: number) => O) | undefined
}

/** The tasks made from items. */
export type Mapped<A, B, E, R, O> = Array<
  Task<B, Own<E> | Upstream<A> | OptionErrors<O>, Needs<R> | Services<A> | OptionServices<O>>
>

/** What the run of a function for each item gives. */
export type ComputedEach<A, B, E, R, M extends Mode, O> = Effect.Effect<
  Result<Mapped<A, B, E, R, O>, M>,
  Failure<Mapped<A, B, E, R, O>, M> | SubmitError,
  Services<Mapped<A, B, E, R, O>>
>

export const mapItems = (
  home: Home,
  items: Iterable<unknown>,
  f: (item: unknown, index: number) => Effect.Effect<unknown, unknown, unknown>,
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
  f: (item: unknown, index: number) => Effect.Effect<unknown, unknown, unknown>,
  options: ForEachOptions<unknown> = {}
): Effect.Effect<unknown, unknown> => {
  const { task } = options
  const optionsOf = typeof task === "function" ? task : () => task
  const tasks = items.map((item, index) =>
    // Items may be effects: `f` decides what to do with them.
    isEffectOnly(item)
      ? makeTask({ _tag: "effect", run: () => f(item, index) }, undefined, normalize(optionsOf(item, index)))
      : makeTask({ _tag: "effect", run: (value) => f(value, index) }, item, normalize(optionsOf(item, index)))
  )
  return computeShape(home, tasks, options)
}

/** The refusal of arguments from untyped code that cannot be read or called. */
const mapFault = (items: unknown, f: unknown, options: unknown): Mistake | undefined => {
  const fault = optionsFault(options, ofMap) ?? valueFault(callback, "function of Client.forEach", f)
  if (fault !== undefined || Predicate.isIterable(items)) return fault
  return invalidOption("input of Client.forEach", items, "an array, or something else to iterate over")
}

const ofMap: Checks<ForEachOptions<unknown>> = { ...ofCompute, task: anything }
