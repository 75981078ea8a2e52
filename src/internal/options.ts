/**
 * Options as users give them, made ready for the compiler.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import type { Options } from "../Task.ts"
import { noOptions } from "./task.ts"
import type { Invalid, TaskOptions } from "./task.ts"

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

/** What is no duration counts as none, and is refused. */
const millis = (input: Duration.Input | undefined): number | undefined =>
  input === undefined
    ? undefined
    : Option.match(Duration.fromInput(input), { onNone: () => 0, onSome: Duration.toMillis })

const invalid = ({ deadline, dependencyTimeout, key, priority, timeout }: Options): ReadonlyArray<Invalid> => {
  const found: Array<Invalid> = []
  if (key === "") found.push({ option: "key", value: key, expected: "a non-empty string" })
  if (priority !== undefined && !Number.isFinite(priority)) {
    found.push({ option: "priority", value: priority, expected: "a finite number" })
  }
  for (const [option, value] of Object.entries({ timeout, deadline, dependencyTimeout })) {
    const length = millis(value)
    if (length !== undefined && length <= 0) found.push({ option, value, expected: "a duration above zero" })
  }
  return found.length === 0 ? nothing : found
}

const nothing: ReadonlyArray<Invalid> = []

/** The same options with others added or replaced. */
export const replaced = (options: TaskOptions, by: Options): TaskOptions => {
  const given = normalize(by)
  const still = (options.invalid ?? nothing).filter(({ option }) => by[option as keyof Options] === undefined)
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return { ...options, ...known, invalid: [...still, ...given.invalid ?? nothing] }
}
