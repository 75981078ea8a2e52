import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

/** Tells the process to stop once it listens for that, which is when its program begins: neither its size nor its speed matter. */
const interrupted = `data:text/javascript,${
  encodeURIComponent(`process.on("newListener", (event) => {
    if (event === "SIGINT") setImmediate(() => process.kill(process.pid, event))
  })`)
}`

/** What an example prints and how it ends; with `interrupt` it is told to stop as it begins. */
export const runExample = (
  path: string,
  flags: ReadonlyArray<string>,
  { interrupt = false } = {}
): Effect.Effect<{ readonly code: number | null; readonly out: string; readonly err: string }> =>
  Effect.callback((resume) => {
    const main = fileURLToPath(new URL(`../../examples/${path}`, import.meta.url))
    const options = ["--conditions=source", ...interrupt ? ["--import", interrupted] : []]
    const child = spawn(process.execPath, [...options, main, ...flags])
    let [out, err] = ["", ""]
    child.stdout.on("data", (data) => out += data)
    child.stderr.on("data", (data) => err += data)
    child.on("close", (code) => resume(Effect.succeed({ code, out, err })))
    return Effect.sync(() => void child.kill())
  })
