/**
 * Safe reads of users' values. Such a value may throw at any access: a revoked proxy, a trap, a getter. The scheduler must not
 * fail because of that.
 *
 * @internal
 */
import * as Result from "effect/Result"

/** The text for an unreadable value. */
export const unreadable = "a value that throws when it is looked at"

/** The text for a certain unreadable value: `Array.isArray` throws for a revoked proxy alone. */
export const unreadableAs = (value: unknown): string =>
  Result.isFailure(Result.try(() => Array.isArray(value))) ? "a revoked proxy" : unreadable

/** The result of `look`, or `otherwise` if it throws. */
export const looked = <A, B>(look: () => A, otherwise: B): A | B => Result.getOrElse(Result.try(look), () => otherwise)

/** Whether a value is an instance of a class; `false` if the value throws. */
export const isA = <A>(value: unknown, type: abstract new(...args: any) => A): value is A =>
  typeof value === "object" && value !== null && looked(() => value instanceof type, false)
