/** A link without a scheduler, for tests of transports. */
import { assert } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import type { Link, LinkFailed, Transport } from "../../src/internal/remote/link.ts"
import type { Down, Up } from "../../src/internal/remote/messages.ts"

/** A link, with what was heard over it. */
export interface Heard {
  readonly link: Link
  readonly lost: Deferred.Deferred<string>
  /** Waits for the next message. */
  readonly next: Effect.Effect<Up>
}

export const connect = (transport: Transport): Effect.Effect<Heard, LinkFailed, Scope.Scope> =>
  Effect.gen(function*() {
    const lost = Deferred.makeUnsafe<string>()
    // Several messages may come in one turn of the event loop.
    const heard = yield* Queue.unbounded<Up>()
    const link = yield* transport({
      received: (up) => void Queue.offerUnsafe(heard, up),
      lost: ({ why }) => Deferred.doneUnsafe(lost, Exit.succeed(why))
    })
    return { link, lost, next: Queue.take(heard) }
  })

/** Lets a scripted far side do one thing. */
export const perform = (deed: string): Down => ({
  _tag: "Batch",
  heard: 0,
  starts: new Int32Array(5),
  payloads: [deed]
})

export const open: Down = { _tag: "Open", version: 1, worker: "test", labels: [], slots: 1 }

/** Opens the other side, and closes it after `between`. */
export const openAndClose = (
  transport: Transport,
  between: (heard: Heard) => Effect.Effect<void> = () => Effect.void
): Effect.Effect<void, LinkFailed> =>
  Effect.scoped(Effect.gen(function*() {
    const heard = yield* connect(transport)
    heard.link.send(open)
    assert.strictEqual((yield* heard.next)._tag, "Up")
    yield* between(heard)
    heard.link.send({ _tag: "Close" })
    yield* Effect.repeat(heard.next, { until: ({ _tag }) => _tag === "Closed" })
  }))
