import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

/** Tells the process to stop once it listens for that, which is when its program begins: neither its size nor its speed matter. */
const interrupted = `data:text/javascript,${
  encodeURIComponent(`process.on("newListener", (event) => {
    if (event === "SIGINT") setImmediate(() => process.kill(process.pid, event))
  })`)
}`

/**
 * Tells the process to stop when one of its threads speaks for the third time: it has loaded, opened, and run something. At the exit
 * the process tells how many threads it has left.
 */
const interruptedAtWork = `data:text/javascript,${
  encodeURIComponent(`process.on("worker", (worker) => {
    let count = 0
    worker.on("message", () => ++count === 3 && process.kill(process.pid, "SIGINT"))
  })
  process.on("exit", () => {
    const left = process.getActiveResourcesInfo().filter((each) => /Worker|MessagePort/.test(each))
    process.stderr.write("threads left: " + left.length)
  })`)
}`

/** What an example prints and how it ends; with `interrupt` it is told to stop as it begins, or when its threads are at work. */
export const runExample = (
  path: string,
  flags: ReadonlyArray<string>,
  { interrupt = false }: { readonly interrupt?: boolean | "at work" } = {}
): Effect.Effect<{ readonly code: number | null; readonly out: string; readonly err: string }> =>
  Effect.callback((resume) => {
    const main = fileURLToPath(new URL(`../../examples/${path}`, import.meta.url))
    const options = ["--conditions=source", ...preload(interrupt)]
    const child = spawn(process.execPath, [...options, main, ...flags])
    let [out, err] = ["", ""]
    child.stdout.on("data", (data) => out += data)
    child.stderr.on("data", (data) => err += data)
    child.on("close", (code) => resume(Effect.succeed({ code, out, err })))
    return Effect.sync(() => void child.kill())
  })

const preload = (interrupt: boolean | "at work"): ReadonlyArray<string> => {
  if (interrupt === false) return []
  return ["--import", interrupt === true ? interrupted : interruptedAtWork]
}
