/**
 * Starts a child process, and says in words how it ended.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import { fork } from "node:child_process"
import type { ChildProcess, ForkOptions, Serializable } from "node:child_process"
import process from "node:process"
import { describeError } from "../../internal/text/rendering.ts"
import { ownEntry } from "../../threads/internal/files.ts"
import { sealer } from "../../threads/internal/sealer.ts"
import type { Seat, Side, Start } from "../../threads/internal/side.ts"

export interface ProcessOptions {
  readonly seat: Seat
  /** Arguments for Node. Default to those of this process. */
  readonly execArgv: ReadonlyArray<string> | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** Starts the process with a file that a bundler has made. */
  readonly spawn: ((options: ForkOptions) => ChildProcess) | undefined
}

const entry = ownEntry(import.meta.url, "processEntry")

/** Children that would go on if this process ended now. */
const children = new Set<ChildProcess>()

const endAll = (): void => {
  for (const child of children) child.kill("SIGKILL")
}

/** A process that ends takes its children along; one that is killed cannot, and its children see that the channel has closed. */
const enlist = (child: ChildProcess): void => {
  if (children.size === 0) process.on("exit", endAll)
  children.add(child)
}

const release = (child: ChildProcess): void => {
  children.delete(child)
  if (children.size === 0) process.off("exit", endAll)
}

/** An inspector of each process would ask for the port of this one. */
const isInherited = (argument: string): boolean => !argument.startsWith("--inspect")

export const startProcess = ({ env, execArgv, seat, spawn }: ProcessOptions): Start => (ears): Side => {
  const options: ForkOptions = {
    serialization: "advanced",
    execArgv: [...execArgv ?? process.execArgv.filter(isInherited)],
    env: { ...process.env, ...env }
  }
  const child = spawn === undefined ? fork(entry, options) : spawn(options)
  enlist(child)
  let fault: string | undefined
  let refusal: unknown
  let isHeard = false
  let code: number | null = null
  let signal: string | null = null
  // What is sent to the dead is lost.
  const send = (message: unknown): void => void child.send(message as Serializable, () => {})
  child.on("message", (data) => {
    isHeard = true
    ears.message(data)
  })
  child.on("error", (error) => {
    fault ??= `it could not be started: ${describeError(error)}`
    // A process that was not started has no exit.
    if (child.pid !== undefined) return
    refusal = error
    end()
  })
  child.once("exit", (exitCode, exitSignal) => {
    code = exitCode
    signal = exitSignal
  })
  let isOver = false
  const end = (): void => {
    if (isOver) return
    isOver = true
    release(child)
    child.removeAllListeners()
    ears.gone(fault ?? exitOf(code, signal, isHeard), refusal)
  }
  // After the exit, when all messages have been read.
  child.once("close", end)
  send(seat)
  return {
    post: send,
    control: undefined,
    answered: undefined,
    kill: () => void child.kill("SIGKILL"),
    hold: (alive) => {
      if (alive) child.ref()
      else child.unref()
      const { channel } = child
      if (alive) channel?.ref()
      else channel?.unref()
    },
    stack: Effect.void as Effect.Effect<undefined>,
    sealer
  }
}

const exitOf = (code: number | null, signal: string | null, isHeard: boolean): string => {
  if (signal === "SIGKILL") return "it was killed (SIGKILL), as the system does with processes that use too much memory"
  if (signal !== null) return `it was ended by the signal ${signal}`
  if (code === 0 && !isHeard) return "its entry came to its end without a call of Processes.serve"
  return `it exited with code ${code}`
}
