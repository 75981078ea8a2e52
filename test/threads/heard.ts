/** A link without a scheduler, for tests of transports. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
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
    let wake: ((up: Up) => void) | undefined
    const link = yield* transport({
      received: (up) => wake?.(up),
      lost: ({ why }) => Deferred.doneUnsafe(lost, Exit.succeed(why))
    })
    const next = Effect.callback<Up>((resume) => {
      wake = (up) => resume(Effect.succeed(up))
    })
    return { link, lost, next }
  })

/** Lets a scripted far side do one thing. */
export const perform = (deed: string): Down => ({ _tag: "Batch", starts: new Int32Array(5), payloads: [deed] })

export const open: Down = { _tag: "Open", version: 1, worker: "test", labels: [], slots: 1 }
