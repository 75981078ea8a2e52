/**
 * Starts a thread, and says in words how it ended.
 *
 * @internal
 */
import { Worker } from "node:worker_threads"
import type { ResourceLimits, WorkerOptions } from "node:worker_threads"
import { describeError } from "../../internal/text/rendering.ts"
import { Awake, Posted } from "./awake.ts"
import { blockBytes, wordsIn } from "./block.ts"
import type { ThreadData } from "./block.ts"
import { ownEntry } from "./files.ts"
import { sharingSealer } from "./sealer.ts"
import type { Seat, Side, Start } from "./side.ts"
import { stackOf } from "./stack.ts"

export interface ThreadOptions {
  readonly seat: Seat
  readonly name: string
  readonly resourceLimits: ResourceLimits | undefined
  /** Makes the thread, where a bundler has to see the expression that does. */
  readonly spawn: ((options: WorkerOptions) => Worker) | undefined
}

const entry = ownEntry(import.meta.url, "threadEntry")

export const startThread = ({ name, resourceLimits, seat, spawn }: ThreadOptions): Start => (ears): Side => {
  const block = new SharedArrayBuffer(blockBytes)
  const { answered, control, posted } = wordsIn(block)
  const awake = new Awake(posted, Posted.near)
  const data: ThreadData = { skein: { ...seat, block } }
  const options: WorkerOptions = { name, workerData: data, ...(resourceLimits !== undefined && { resourceLimits }) }
  const worker = spawn === undefined ? new Worker(entry, options) : spawn(options)
  let fault: string | undefined
  let refusal: unknown
  let isHeard = false
  worker.on("message", (data) => {
    isHeard = true
    awake.received()
    ears.message(data)
  })
  // A message that cannot be read is lost, and with it whatever it said.
  worker.on("messageerror", (error) => {
    fault ??= `a message from it could not be read: ${describeError(error)}`
    void worker.terminate()
  })
  worker.on("error", (error) => {
    fault ??= faultOf(error, resourceLimits)
    if (codeOf(error) === "ERR_WORKER_INIT_FAILED") refusal = error
  })
  worker.once("exit", (code) => {
    worker.removeAllListeners()
    ears.gone(fault ?? (isHeard || code !== 0 ? exitOf(code) : neverServed), refusal)
  })
  return {
    post: (message, transfer) => {
      worker.postMessage(message, transfer)
      awake.sent()
    },
    control,
    answered: () => Atomics.load(answered, 0),
    kill: () => void worker.terminate(),
    hold: (alive) => alive ? worker.ref() : worker.unref(),
    stack: stackOf(worker),
    sealer: sharingSealer
  }
}

const codeOf = (error: unknown): unknown => (error as { readonly code?: unknown } | null | undefined)?.code

const faultOf = (error: unknown, limits: ResourceLimits | undefined): string => {
  if (codeOf(error) !== "ERR_WORKER_OUT_OF_MEMORY") {
    return `it failed outside of a task: ${describeError(error)}`
  }
  const most = limits?.maxOldGenerationSizeMb
  return `it ran out of memory${most === undefined ? "" : `, of which it may have ${most} MB`}`
}

/** Only a call of `serve` listens, and keeps a thread alive. */
const neverServed = "its entry came to its end without a call of Threads.serve"

/** A thread ends itself by `process.exit` alone, for what it listens to keeps it alive. */
const exitOf = (code: number): string => `something in it called process.exit(${code})`
