/**
 * Users' inputs, read item by item. They may be endless, and any item may take long.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import { SubmitError } from "../../SkeinError.ts"
import type { Home } from "../bodies/home.ts"
import { turn } from "../settings/turn.ts"
import { LimitExceeded } from "../text/reasons.ts"

/**
 * All items of an input; more than a graph may have tasks are refused. Reading takes turns with all that runs, and can be
 * interrupted between two items. An input that has not ended is told that no more is wanted, once.
 */
export const readItems = (
  home: Home,
  input: Iterable<unknown>
): Effect.Effect<ReadonlyArray<unknown>, SubmitError> =>
  Effect.suspend(() => {
    const max = home.limits.tasks
    const reader = new Reader(input)
    const goOn: Effect.Effect<ReadonlyArray<unknown>, SubmitError> = Effect.suspend(() => {
      const started = home.time.now()
      for (let read = 1; reader.next(); read++) {
        if (reader.items.length > max) {
          const reason = new LimitExceeded({ limit: "tasks", value: max + 1, max })
          return Effect.fail(new SubmitError({ reason }))
        }
        if (read === turn.instructions || ((read & 15) === 0 && home.time.now() - started >= turn.millis)) {
          return Effect.andThen(Effect.yieldNow, goOn)
        }
      }
      return Effect.succeed(reader.items)
    })
    return Effect.ensuring(goOn, Effect.sync(() => reader.close()))
  })

class Reader {
  readonly items: Array<unknown> = []
  private readonly input: Iterable<unknown>
  private iterator: Iterator<unknown> | undefined
  private isOpen = false

  constructor(input: Iterable<unknown>) {
    this.input = input
  }

  /** Reads one more item. Returns whether there was one. */
  next(): boolean {
    this.iterator ??= this.input[Symbol.iterator]()
    // An iterator that ends or throws closes itself.
    this.isOpen = false
    const result = this.iterator.next()
    if (result.done === true) return false
    this.isOpen = true
    this.items.push(result.value)
    return true
  }

  close(): void {
    if (this.isOpen) this.iterator?.return?.()
  }
}
