/**
 * The memory that a thread shares with the one that started it.
 *
 * @internal
 */
import { controlBytes } from "../../internal/remote/control.ts"
import type { Seat } from "./side.ts"

/** What a thread gets as its `workerData`. */
export interface ThreadData {
  readonly skein: Seat & { readonly block: SharedArrayBuffer }
}

/** Behind the words of attempts: the number of the last ping that was answered. */
export const blockBytes = controlBytes + Int32Array.BYTES_PER_ELEMENT

/** The words in a block of shared memory. */
export const wordsIn = (block: SharedArrayBuffer): { readonly control: Int32Array; readonly answered: Int32Array } => ({
  control: new Int32Array(block, 0, controlBytes / Int32Array.BYTES_PER_ELEMENT),
  answered: new Int32Array(block, controlBytes, 1)
})
