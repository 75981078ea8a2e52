/**
 * The causes of failures, by the numbers under which the engine knows them.
 *
 * @internal
 */
import type * as Cause from "effect/Cause"

export class Failures extends Map<number, Cause.Cause<unknown>> {
  private next = 1

  /** Keeps a cause until the engine forgets the failure; gives its number. */
  keep(cause: Cause.Cause<unknown>): number {
    const number = this.next++
    this.set(number, cause)
    return number
  }
}
