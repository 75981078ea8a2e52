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

/** Behind the words of attempts: the number of the last ping that was answered, and how many messages each end has posted. */
export const blockBytes = controlBytes + 3 * Int32Array.BYTES_PER_ELEMENT

interface Words {
  readonly control: Int32Array
  readonly answered: Int32Array
  readonly posted: Int32Array
}

/** The words in a block of shared memory. */
export const wordsIn = (block: SharedArrayBuffer): Words => ({
  control: new Int32Array(block, 0, controlBytes / Int32Array.BYTES_PER_ELEMENT),
  answered: new Int32Array(block, controlBytes, 1),
  posted: new Int32Array(block, controlBytes + Int32Array.BYTES_PER_ELEMENT, 2)
})
