/**
 * The far end of a child process.
 *
 * @internal
 */
import process from "node:process"
import { sealer } from "../../threads/internal/sealer.ts"
import type { Post } from "../../threads/internal/serving.ts"
import type { Seat } from "../../threads/internal/side.ts"
import { uplinkOver } from "../../threads/internal/uplink.ts"
import { endWithParent } from "./orphan.ts"

/** Whether this process has a channel to one that may have started it for Skein. */
export const hasChannel = (): boolean => process.send !== undefined

/** Calls `begin` with the post of this process, once its first message has come. */
export const onPost = (begin: (post: Post) => void): void => {
  const send = (message: unknown, sent = (): void => {}): void => void process.send!(message, sent)
  // Nobody is left to close this process, or to read what it says.
  process.once("disconnect", () => process.exit(1))
  // An interrupt from the keyboard goes to all processes. The one with the scheduler decides what it means.
  process.on("SIGINT", () => {})
  process.once("message", (seat: Seat) => {
    endWithParent()
    begin({
      seat,
      tell: send,
      uplink: uplinkOver({
        control: undefined,
        sealer,
        post: (message) => send(message),
        hear: (listener) => process.on("message", listener),
        answer: send
      }),
      // After everything that was sent before.
      leave: () => send({ _tag: "Left" }, () => process.exit(0))
    })
  })
}
