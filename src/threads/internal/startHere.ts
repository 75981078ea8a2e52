/**
 * The other side in this process, where there can be no thread and no child process: bodies are fibers here.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { MessageChannel } from "node:worker_threads"
import { serving } from "./serve.ts"
import { offerOf } from "./serving.ts"
import type { Post, Serve } from "./serving.ts"
import type { Seat, Start } from "./side.ts"
import { uplinkOver } from "./uplink.ts"

/** A file is loaded once in a process, and offers once. */
const offers = new Map<string, Promise<Exit.Exit<Serve, string>>>()

const offerIn = (entry: string, name: string): Promise<Exit.Exit<Serve, string>> => {
  const known = offers.get(entry)
  if (known !== undefined) return known
  // One file after the other: each has the board for itself.
  const before = Effect.promise(() => Promise.all(offers.values()))
  const made = Effect.runPromiseExit(Effect.andThen(before, offerOf(entry, name)))
  offers.set(entry, made)
  return made
}

export const startHere = (seat: Seat, name: string): Start => (ears) => {
  const { port1: near, port2: far } = new MessageChannel()
  near.on("message", ears.message)
  near.once("close", () => ears.gone("it was ended"))
  let hear: ((message: unknown) => void) | undefined
  // The other side is here: it ends with its link, and bodies alone keep the program alive.
  far.once("close", () => hear?.({ _tag: "Close" }))
  const post: Post = {
    seat,
    tell: (told) => far.postMessage(told),
    uplink: uplinkOver({
      control: undefined,
      post: (message, transfer) => far.postMessage(message, transfer),
      hear: (listener) => {
        hear = listener
        far.on("message", listener)
        far.unref()
      },
      answer: (ping) => far.postMessage(ping)
    }),
    leave: () => far.close()
  }
  const { entry } = seat
  const offered = entry === undefined ? Promise.resolve(Exit.succeed(serving(Layer.empty))) : offerIn(entry, name)
  void offered.then((exit) => {
    if (Exit.isSuccess(exit)) return exit.value(post)
    post.tell({ _tag: "Failed", why: String(Cause.squash(exit.cause)) })
  })
  return {
    post: (message, transfer) => near.postMessage(message, transfer),
    control: undefined,
    answered: undefined,
    kill: () => near.close(),
    hold: (alive) => alive ? near.ref() : near.unref(),
    stack: Effect.void as Effect.Effect<undefined>,
    sealer: undefined
  }
}
