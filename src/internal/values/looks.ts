/**
 * Looks at values that users' code made, and failed with. Such a value may throw at any question: a revoked proxy, a trap of
 * one, a getter. Nobody but its maker must suffer from that.
 *
 * @internal
 */
import * as Result from "effect/Result"

/** What stands in texts for what cannot be read. */
export const unreadable = "a value that throws when it is looked at"

/** The same for a value that is known: `Array.isArray` throws for a revoked proxy, and for nothing else. */
export const unreadableAs = (value: unknown): string =>
  Result.isFailure(Result.try(() => Array.isArray(value))) ? "a revoked proxy" : unreadable

/** What `look` finds, or `otherwise` if it throws. */
export const looked = <A, B>(look: () => A, otherwise: B): A | B => Result.getOrElse(Result.try(look), () => otherwise)

/** Whether a value is an instance of a class; one that throws at the question is not. */
export const isA = <A>(value: unknown, type: abstract new(...args: any) => A): value is A =>
  typeof value === "object" && value !== null && looked(() => value instanceof type, false)
