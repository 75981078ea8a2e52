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
 * What `rowOf` makes of one item of each input at a time, until the shortest ends; more rows than a graph may have tasks are refused. Reading takes
 * turns with all that runs, and can be interrupted between two. Inputs that have not ended are told that no more is wanted,
 * once each.
 */
export const readRows = <A>(
  home: Home,
  inputs: ReadonlyArray<Iterable<unknown>>,
  rowOf: (items: ReadonlyArray<unknown>) => A
): Effect.Effect<ReadonlyArray<A>, SubmitError> =>
  Effect.suspend(() => {
    const max = home.limits.tasks
    const reader = new Reader(inputs, rowOf)
    const goOn: Effect.Effect<ReadonlyArray<A>, SubmitError> = Effect.suspend(() => {
      const started = home.time.now()
      for (let read = 1; reader.next(); read++) {
        if (reader.rows.length > max) {
          const reason = new LimitExceeded({ limit: "tasks", value: max + 1, max })
          return Effect.fail(new SubmitError({ reason }))
        }
        if (read === turn.instructions || ((read & 15) === 0 && home.time.now() - started >= turn.millis)) {
          return Effect.andThen(Effect.yieldNow, goOn)
        }
      }
      return Effect.succeed(reader.rows)
    })
    return Effect.ensuring(goOn, Effect.suspend(() => reader.close()))
  })

class Reader<A> {
  readonly rows: Array<A> = []
  private readonly inputs: ReadonlyArray<Iterable<unknown>>
  private readonly rowOf: (items: ReadonlyArray<unknown>) => A
  private iterators: ReadonlyArray<Iterator<unknown>> | undefined
  /** The open iterators. */
  private readonly open = new Set<Iterator<unknown>>()

  constructor(inputs: ReadonlyArray<Iterable<unknown>>, rowOf: (items: ReadonlyArray<unknown>) => A) {
    this.inputs = inputs
    this.rowOf = rowOf
  }

  /** Reads one more row. Returns whether there was one. */
  next(): boolean {
    this.iterators ??= this.inputs.map((input) => {
      const iterator = input[Symbol.iterator]()
      this.open.add(iterator)
      return iterator
    })
    const row: Array<unknown> = []
    for (const iterator of this.iterators) {
      // An iterator that ends or throws closes itself.
      this.open.delete(iterator)
      const result = iterator.next()
      if (result.done === true) return false
      this.open.add(iterator)
      row.push(result.value)
    }
    if (row.length === 0) return false
    this.rows.push(this.rowOf(row))
    return true
  }

  /** Closes all open iterators, even if closing one throws. */
  close(): Effect.Effect<void> {
    const closing = Array.from(this.open, (iterator) => Effect.sync(() => void iterator.return?.()))
    return closing.reduce<Effect.Effect<void>>((before, close) => Effect.ensuring(before, close), Effect.void)
  }
}
