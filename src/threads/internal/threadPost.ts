/**
 * The far end of a thread.
 *
 * @internal
 */
import { parentPort, workerData } from "node:worker_threads"
import type { Transfer } from "../../internal/remote/link.ts"
import { Awake, Posted } from "./awake.ts"
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
  const { answered, control, posted } = wordsIn(block)
  const awake = new Awake(posted, Posted.far)
  const post = (message: unknown, transfer?: Transfer): void => {
    port.postMessage(message, transfer)
    awake.sent()
  }
  return {
    seat: { entry, modules },
    tell: post,
    uplink: uplinkOver({
      control,
      sealer: sharingSealer,
      post,
      hear: (listener) =>
        port.on("message", (message) => {
          awake.received()
          listener(message)
        }),
      answer: (ping) => Atomics.store(answered, 0, ping)
    }),
    leave: () => process.exit(0)
  }
}
