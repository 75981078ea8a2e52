/**
 * The other side of a link, as this process starts and ends it: a thread or a child process.
 *
 * ```text
 * [here] -- number: a ping; data: Down ----------------------------> [there]
 *        <-- number: the answer to a ping; data: Told, then Up ------
 * ```
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
import type { Transfer } from "../../internal/remote/link.ts"
import type { Sealer } from "../../internal/workers/sealed.ts"

/** What the other side says of itself before anything else: that it has loaded what it serves, or why not; and after everything else. */
export type Told =
  | { readonly _tag: "Loaded" }
  | { readonly _tag: "Failed"; readonly why: string }
  | { readonly _tag: "Left" }

/** What is heard of the other side. */
export interface Ears {
  readonly message: (data: unknown) => void
  /**
   * It has ended. Comes once, after all messages. `why` is for people. `refusal` is the error by which the system refused to start
   * it: nothing has run then.
   */
  readonly gone: (why: string, refusal?: unknown) => void
}

/** A thread or a process that runs. */
export interface Side {
  /** Throws if the message cannot be cloned. */
  readonly post: (message: unknown, transfer?: Transfer) => void
  /** Words in memory that both sides share, for the control of attempts. */
  readonly control: Int32Array | undefined
  /** The number of the last ping that the other side has answered in shared memory; where there is none it answers by message. */
  readonly answered: (() => number) | undefined
  /** Ends it at once. */
  readonly kill: () => void
  /** Whether it keeps this process alive. */
  readonly hold: (alive: boolean) => void
  /** Where its code is at work, if that can be found out. */
  readonly stack: Effect.Effect<string | undefined>
  /** Opens what it seals. */
  readonly sealer: Sealer | undefined
}

/** Starts the other side. Throws if the system refuses to start it, or says so by `gone`: some refusals come later. */
export type Start = (ears: Ears) => Side

/** What the other side loads, as plain data. */
export interface Seat {
  /** The URL of a file that calls `serve`. */
  readonly entry: string | undefined
  /** The URLs of modules whose functions are tasks. */
  readonly modules: ReadonlyArray<string>
}
