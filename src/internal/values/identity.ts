/**
 * Equality by reference, for objects that stand for something that happens: a run, a scheduler, a worker.
 *
 * Effect's `Equal` and `Hash` compare other objects by their members. Two tasks of one function would be equal, though they are two
 * runs, and the hash of a future would walk through its whole scheduler.
 *
 * @internal
 */
import * as Equal from "effect/Equal"
import * as Hash from "effect/Hash"

/** Properties for a prototype or an object. They are not enumerable, so that copies of an object do not have them. */
export const byReference = {
  [Equal.symbol]: {
    value(this: object, that: unknown): boolean {
      return this === that
    }
  },
  [Hash.symbol]: {
    value(this: object): number {
      return Hash.random(this)
    }
  }
} satisfies PropertyDescriptorMap
