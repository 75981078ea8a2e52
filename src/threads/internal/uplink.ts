/**
 * The far end of a channel of Node: the one place at which threads, processes, and fibers in their place pack what they send and
 * unpack what they hear.
 *
 * @internal
 */
import type { Transfer, Uplink } from "../../internal/remote/link.ts"
import { packedUp, unpackedDown } from "../../internal/remote/packed.ts"
import type { PackedDown } from "../../internal/remote/packed.ts"

/** A channel, and what its two ends share beside it. */
export interface Channel extends Pick<Uplink, "control" | "sealer"> {
  readonly post: (message: unknown, transfer: Transfer | undefined) => void
  readonly hear: (listener: (message: unknown) => void) => void
  /** Answers a number, by which the near end asks whether the event loop here turns. */
  readonly answer: (ping: number) => void
}

export const uplinkOver = ({ answer, control, hear, post, sealer }: Channel): Uplink => ({
  control,
  sealer,
  send: (up, transfer) => post(packedUp(up), transfer),
  receive: (listener) =>
    hear((message) => {
      if (typeof message === "number") answer(message)
      else listener(unpackedDown(message as PackedDown))
    })
})
