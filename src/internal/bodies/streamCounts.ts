/**
 * What can be seen of a stream that runs.
 *
 * @internal
 */
import type { TaskId } from "../../engine/protocol/ids.ts"

/**
 * Where the items of a stream are. Each item that was taken is counted once: `taken` is the sum of `waiting`, `running`, `unread`,
 * `consumed`, `failed` and `dropped`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface StreamCounts {
  /** Items that were taken from the source. */
  readonly taken: number
  /** Not started: items whose tasks wait for a slot, a dependency or another attempt, and items that wait to run with others. */
  readonly waiting: number
  /** How many of those that wait could start, but for the rate of a tag or of the layer. */
  readonly rateLimited: number
  /** How many of those that wait could start, but for a pause. */
  readonly paused: number
  /** Started and not ended; of a batch that runs, all items until its result is read. */
  readonly running: number
  /** Succeeded, and the consumer is not done with the result. */
  readonly unread: number
  /** Succeeded, and the consumer is done with the result. */
  readonly consumed: number
  /** Ended without success, read or not. Skipped items are among them. */
  readonly failed: number
  /** Given up, because the stream failed or was closed. */
  readonly dropped: number
  /** How many items there are in all; `undefined` as long as that is not known, and for ever if the source has not ended. */
  readonly total: number | undefined
  /** Whether more items may be taken. */
  readonly isOpen: boolean
}

/** A stream that has not closed. */
export interface OpenStream {
  readonly name: string
  /** The most items that are taken and not done with. */
  readonly outstanding: number
  /** Costs a look at each item that is outstanding. */
  readonly counts: () => StreamCounts
  /** Its first task that has not ended; without one, who has to do something before it goes on. */
  readonly awaited: () => TaskId | "source" | "reader"
}

/** Is told that a stream has begun, or has closed with these counts. */
export type StreamListener = (stream: OpenStream, last: StreamCounts | undefined) => void
