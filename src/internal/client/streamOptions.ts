/**
 * Options of streams of results, and their checks.
 *
 * @internal
 */
import { anything, checkOf, count, countOrNone, flag, isCount, name } from "../tasks/checks.ts"
import type { Checks, Mode } from "../tasks/checks.ts"
import type { AnyOptions, Options } from "../tasks/taskOptions.ts"
import { ofCompute } from "./computing.ts"
import type { SubmitOptions } from "./computing.ts"

/**
 * Options of {@link stream}.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface StreamOptions<M extends Mode = Mode, P extends boolean = boolean> extends SubmitOptions {
  /**
   * The most items that are taken from the source and whose results the consumer has not finished with. Defaults to twice the slots
   * of the workers, and to at most 1,024.
   */
  readonly outstanding?: number | undefined
  /** The name under which progress, dumps and explanations show it. Defaults to the label of `task`, and else to "stream". */
  readonly name?: string | undefined
  /** How many items the source has, for progress. Known of arrays, sets, chunks and other iterables that have a length or a size. */
  readonly total?: number | undefined
  /** Whether results come as tasks end, and not in the order of their items. Defaults to false. */
  readonly unordered?: boolean | undefined
  readonly mode?: M | undefined
  /**
   * How many items run in one task, for bodies that are so short that a task for each costs more than they do. The items of a task
   * run one after the other, and each has a result or a failure of its own. Items with options that hold for one run, such as
   * `retry`, `timeout` or `key`, and items that wait for tasks, have a task each. With `"auto"` the size follows the time that
   * batches take, which grows to a fifth of a second. Defaults to 1.
   */
  readonly batch?: number | "auto" | undefined
  /**
   * With the modes `continue` and `collect`: how many failures stop the rest. Then no more items are taken, and what comes after
   * the last of these failures is cancelled. Defaults to no limit.
   */
  readonly maxFailures?: number | undefined
  /** Pairs each result with its item: `{ input, index, value }`, or `exit` with the mode `collect`. Defaults to false. */
  readonly withInput?: P | undefined
}

/**
 * Options of {@link stream} with a function.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface StreamEachOptions<
  A,
  M extends Mode = Mode,
  P extends boolean = boolean,
  O extends AnyOptions = Options
> extends StreamOptions<M, P> {
  /** Options of the tasks, or a function that returns the options of each. */
  readonly task?: O | ((item: A, index: number) => O) | undefined
}

export const ofStream: Checks<StreamEachOptions<unknown>> = {
  mode: ofCompute.mode,
  cache: ofCompute.cache,
  conflict: ofCompute.conflict,
  passes: ofCompute.passes,
  outstanding: count,
  unordered: flag,
  batch: checkOf("a positive whole number, or \"auto\"", (value) => isCount(value) || value === "auto"),
  maxFailures: count,
  withInput: flag,
  name,
  total: countOrNone,
  task: anything
}
