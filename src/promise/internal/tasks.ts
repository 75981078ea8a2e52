/**
 * Tasks of plain functions.
 *
 * @internal
 */
import type * as Duration from "effect/Duration"
import * as Schedule from "effect/Schedule"
import { callback, valueFault } from "../../internal/tasks/checks.ts"
import * as Task from "../../Task.ts"
import { called } from "./bodies.ts"

/**
 * When a function is tried again after an error or a timeout.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface RetryOptions {
  /** How many attempts may follow the first one. */
  readonly times: number
  /** The delay before the first of them, such as `"100 millis"` or a number of milliseconds. Defaults to none. */
  readonly delay?: Duration.Input | undefined
  /** How much longer each delay is than the one before. Defaults to 2. */
  readonly factor?: number | undefined
  /** Only after errors for which this is `true`. */
  readonly while?: ((error: unknown) => boolean) | undefined
}

/**
 * Options of a task of a plain function. Durations are numbers of milliseconds, or texts such as `"10 seconds"`.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface TaskOptions extends Omit<Task.Options<unknown, any>, "retry" | "pure" | "inline"> {
  /** Whether and when the function is called again after an error or a timeout: how often, or {@link RetryOptions}. */
  readonly retry?: number | RetryOptions | undefined
}

/** A function of the user, of any type. */
export type Called = (...args: ReadonlyArray<any>) => unknown

/** A call that is to be made by a task. */
export interface Call<O> {
  readonly options: O | undefined
  readonly f: Called
  readonly args: ReadonlyArray<unknown>
}

/** The call in the arguments of a verb: a function with its arguments, and perhaps options before it. */
export const callIn = <O>([first, ...rest]: ReadonlyArray<unknown>): Call<O> => {
  const hasOptions = typeof first === "object" && first !== null
  const [f, ...args] = hasOptions ? rest : [first, ...rest]
  const fault = valueFault(callback, "function", f)
  if (fault !== undefined) throw fault
  return { options: hasOptions ? first as O : undefined, f: f as Called, args }
}

/** The task that makes a call. */
export const taskOf = ({ args, f, options }: Call<TaskOptions>): Task.Task<unknown, unknown> =>
  Task.make(args, (values) => called(() => f(...values)), optionsOf(f, options) as {})

/** The options of a task that calls this function, whose name is the label. */
export const optionsOf = ({ name }: Called, { retry, ...own }: TaskOptions = {}): Task.AnyOptions => ({
  ...name === "" ? {} : { label: name },
  ...own,
  ...retry === undefined ? {} : { retry: retryOf(retry) }
})

const retryOf = (retry: number | RetryOptions): Task.AnyOptions["retry"] => {
  if (typeof retry !== "object" || retry === null) return { times: retry }
  const { delay, factor, ...own } = retry
  return delay === undefined ? own : { ...own, schedule: Schedule.exponential(delay, factor) }
}
