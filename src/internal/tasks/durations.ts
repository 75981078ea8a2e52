/**
 * Durations as users give them.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

/** The length in milliseconds; NaN if it is no duration. */
export const millisOf = (input: unknown): number =>
  saysNothing(input)
    ? NaN
    : Option.match(Duration.fromInput(input as Duration.Input), { onNone: () => NaN, onSome: Duration.toMillis })

/** The same for an option, which may be left out. */
export const millisIn = (input: Duration.Input | undefined): number | undefined =>
  input === undefined ? undefined : millisOf(input)

const units: ReadonlySet<string> = new Set([
  "weeks",
  "days",
  "hours",
  "minutes",
  "seconds",
  "milliseconds",
  "microseconds",
  "nanoseconds"
])

/** Values that Effect takes for zero although they name no length: NaN, or an object with fields other than units. */
const saysNothing = (input: unknown): boolean => {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return Number.isNaN(input)
  if (Duration.isDuration(input)) return false
  const fields = Object.entries(input)
  return fields.length === 0 || !fields.every(([unit, amount]) => units.has(unit) && !Number.isNaN(amount))
}
