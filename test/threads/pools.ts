/** What the tests of threads and of processes share. */
import { assert } from "@effect/vitest"
import { Effect, Layer, Logger, Schedule } from "effect"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Skein } from "../../src/index.ts"
import type { Client, Scheduler } from "../../src/index.ts"

/** A scheduler with workers elsewhere, whose warnings go to `warnings`. */
export const withWorkers = (
  workers: Layer.Layer<never, unknown, Scheduler.Scheduler>,
  warnings: Array<string>,
  options: Skein.Options = {}
): Layer.Layer<Client.Client | Scheduler.Scheduler, unknown> => {
  const logger = Logger.layer([Logger.make(({ message }) => void warnings.push(String(message)))])
  const here = Skein.layer({ grace: "20 millis", ...options })
  return workers.pipe(Layer.provideMerge(here), Layer.provideMerge(logger))
}

/** Runs a program with a layer, of which nothing is left afterwards. */
export const endingWith = <A>(
  program: Effect.Effect<A, unknown, any>,
  layer: Layer.Layer<Client.Client | Scheduler.Scheduler, unknown>,
  left: Effect.Effect<number>
): Effect.Effect<A, unknown> =>
  Effect.gen(function*() {
    const exit = yield* Effect.exit(Effect.provide(program, layer, { local: true }) as Effect.Effect<A, unknown>)
    assert.strictEqual(yield* left, 0)
    return yield* exit
  })

/** A file for the time of a test. */
export const temporary = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "skein-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  ),
  (folder) => join(folder, "file")
)

/** Waits until a file has so many lines. */
export const lines = (file: string, count: number) =>
  Effect.sync(() => existsSync(file) ? readFileSync(file, "utf8").split("\n").length - 1 : 0).pipe(
    Effect.repeat({ until: (found) => found >= count, schedule: Schedule.spaced("2 millis") })
  )

/** Everything that keeps this process alive because of a thread. */
export const threadsLeft = (): number =>
  process.getActiveResourcesInfo().filter((each) => /Worker|MessagePort/.test(each)).length

/** The same for child processes, whose handles are closed a turn after their end. */
export const processesLeft: Effect.Effect<number> = Effect.callback((resume) =>
  void setImmediate(() =>
    setImmediate(() =>
      resume(Effect.sync(() => process.getActiveResourcesInfo().filter((each) => each === "ProcessWrap").length))
    )
  )
)
