/**
 * What a transport gives: a near end for the scheduler and a far end for the worker, between which plain data goes in both
 * directions, in order.
 *
 * @internal
 */
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Sealer } from "../workers/sealed.ts"
import type { Down, Up } from "./messages.ts"

/** What is given away with a message rather than copied: array buffers, and whatever else the transport can move. */
export type Transfer = ReadonlyArray<ArrayBuffer>

/** The near end. */
export interface Link {
  /** Throws, and sends nothing, if the message has something in it that cannot be cloned. What is sent to the dead is lost. */
  readonly send: (down: Down, transfer?: Transfer) => void
  /** Words in memory that both ends share, if there is such; see `control.ts`. */
  readonly control: Int32Array | undefined
  /** Opens what the other side has sealed. */
  readonly sealer?: Sealer | undefined
  /** Ends the other side at once. Returns when its exit was seen; returns at once if it has been. */
  readonly kill: Effect.Effect<void>
  /** Asks the event loop of the other side to turn once; returns the number of the request. */
  readonly ping?: () => number
  /** The highest number of a request that the event loop of the other side has answered: less than the last if it is busy. */
  readonly answered?: () => number
  /** Where the code of the other side is at work, as lines of a stack, if that can be found out soon. */
  readonly stack?: Effect.Effect<string | undefined>
}

/** The end of the other side, seen from here. */
export interface Loss {
  /** For people: "it exited with code 3", "it ran out of memory", "it threw a TypeError: ...". */
  readonly why: string
}

/** What the near end hears. */
export interface Hears {
  readonly received: (up: Up) => void
  /** The other side is gone, unasked. Comes at most once, after all that was received. */
  readonly lost: (loss: Loss) => void
}

/** The other side could not be started. */
export class LinkFailed extends Data.TaggedError("LinkFailed")<{ readonly why: string }> {
  override get message(): string {
    return this.why
  }
}

/**
 * Starts the other side, which lives until the scope closes. It has been asked to close before that, and has answered `Closed`, or
 * was lost or killed.
 */
export type Transport = (hears: Hears) => Effect.Effect<Link, LinkFailed, Scope.Scope>

/** The far end. */
export interface Uplink {
  /** Throws, and sends nothing, if the message has something in it that cannot be cloned. */
  readonly send: (up: Up, transfer?: Transfer) => void
  /** Hears what comes; messages that came before are heard now. Called once. */
  readonly receive: (listener: (down: Down) => void) => void
  readonly control: Int32Array | undefined
  /** Seals large results. */
  readonly sealer?: Sealer | undefined
}
