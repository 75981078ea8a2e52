/**
 * The far end of a thread.
 *
 * @internal
 */
import { parentPort, workerData } from "node:worker_threads"
import { packedUp, unpackedDown } from "../../internal/remote/packed.ts"
import type { PackedDown } from "../../internal/remote/packed.ts"
import { wordsIn } from "./block.ts"
import type { ThreadData } from "./block.ts"
import { sharingSealer } from "./sealer.ts"
import type { Post } from "./serving.ts"

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
    uplink: {
      control,
      sealer: sharingSealer,
      send: (up, transfer) => port.postMessage(packedUp(up), transfer),
      receive: (listener) =>
        port.on("message", (message: PackedDown | number) => {
          if (typeof message === "number") Atomics.store(answered, 0, message)
          else listener(unpackedDown(message))
        })
    },
    leave: () => process.exit(0)
  }
}
