import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

/** What an example prints and how it ends; with `interrupt` it is told to stop once it has said something of its progress. */
export const runExample = (
  path: string,
  flags: ReadonlyArray<string>,
  { interrupt = false } = {}
): Effect.Effect<{ readonly code: number | null; readonly out: string; readonly err: string }> =>
  Effect.callback((resume) => {
    const main = fileURLToPath(new URL(`../../examples/${path}`, import.meta.url))
    const child = spawn(process.execPath, ["--conditions=source", main, ...flags])
    let [out, err] = ["", ""]
    // Once: a second signal would end it without its finalizers.
    if (interrupt) child.stderr.once("data", () => child.kill("SIGINT"))
    child.stdout.on("data", (data) => out += data)
    child.stderr.on("data", (data) => err += data)
    child.on("close", (code) => resume(Effect.succeed({ code, out, err })))
    return Effect.sync(() => void child.kill())
  })
