/**
 * Options as users give them, made ready for the compiler.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import type { Options } from "../Task.ts"
import { noOptions } from "./task.ts"
import type { TaskOptions } from "./task.ts"

/** Options with durations in milliseconds, and with what is wrong with them. */
export const normalize = (options: (Options & { readonly name?: string | undefined }) | undefined): TaskOptions => {
  if (options === undefined || Object.values(options).every((value) => value === undefined)) return noOptions
  const { after, deadline, dependencyTimeout, key, label, name, priority, pure, retry, timeout } = options
  return {
    key,
    label,
    priority,
    pure,
    after,
    retry,
    name,
    timeoutMillis: millis(timeout),
    deadlineMillis: millis(deadline),
    dependencyTimeoutMillis: millis(dependencyTimeout),
    invalid: invalid(options)
  }
}

const millis = (input: Duration.Input | undefined): number | undefined =>
  input === undefined ? undefined : Duration.toMillis(Duration.fromInputUnsafe(input))

const invalid = ({ deadline, dependencyTimeout, key, priority, timeout }: Options): TaskOptions["invalid"] => {
  if (key === "") return { option: "key", value: "\"\"", expected: "a non-empty string" }
  if (priority !== undefined && !Number.isFinite(priority)) {
    return { option: "priority", value: priority, expected: "a finite number" }
  }
  for (const [option, value] of Object.entries({ timeout, deadline, dependencyTimeout })) {
    const length = millis(value)
    if (length !== undefined && !(length > 0)) return { option, value, expected: "a duration above zero" }
  }
  return undefined
}
