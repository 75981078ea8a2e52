/**
 * The far end of a thread.
 *
 * @internal
 */
import { parentPort, workerData } from "node:worker_threads"
import { wordsIn } from "./block.ts"
import type { ThreadData } from "./block.ts"
import { sharingSealer } from "./sealer.ts"
import type { Post } from "./serving.ts"
import { uplinkOver } from "./uplink.ts"

/** The post of this thread, if Skein has started it. */
export const threadPost = (): Post | undefined => {
  const data = workerData as Partial<ThreadData> | null | undefined
  const port = parentPort
  if (port === null || data?.skein === undefined) return undefined
  const { block, entry, modules } = data.skein
  const { answered, control } = wordsIn(block)
  return {
    seat: { entry, modules },
    tell: (told) => port.postMessage(told),
    uplink: uplinkOver({
      control,
      sealer: sharingSealer,
      post: (message, transfer) => port.postMessage(message, transfer),
      hear: (listener) => port.on("message", listener),
      answer: (ping) => Atomics.store(answered, 0, ping)
    }),
    leave: () => process.exit(0)
  }
}
