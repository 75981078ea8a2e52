/**
 * The end of a child process whose parent is gone. The channel closes then, but a body that computes holds that event back, so a thread
 * looks.
 *
 * @internal
 */
import * as Result from "effect/Result"
import process from "node:process"
import { Worker } from "node:worker_threads"

/** The parent at the start: a process whose parent is gone gets another. */
const parent = process.ppid

/** Plain code, so that the thread has nothing to load. Windows keeps the number of a parent that is gone. */
const watch = `
const { workerData: { parent, millis } } = require("node:worker_threads")
const isThere = () => {
  if (process.ppid !== parent) return false
  try {
    return process.kill(parent, 0)
  } catch (error) {
    return error.code === "EPERM"
  }
}
setInterval(() => {
  if (!isThere()) process.kill(process.pid, "SIGKILL")
}, millis)
`

/** How long a process may outlive its parent. */
const millis = 500

/** Ends this process soon after its parent, whatever runs here. Where there can be no threads, only the end of the channel does. */
export const endWithParent = (): void => {
  const options = { eval: true, execArgv: [], env: {}, workerData: { parent, millis } }
  const started = Result.try(() => new Worker(watch, options))
  if (Result.isFailure(started)) return
  started.success.on("error", () => {})
  started.success.unref()
}
