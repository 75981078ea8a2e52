/**
 * The Mandelbrot set on all cores: bands of rows are tasks that run in threads. In a terminal a bar for each core shows which band it
 * computes, and how busy it was.
 *
 * ```sh
 * npx node --conditions=source examples/mandelbrot/main.ts
 * npx node --conditions=source examples/mandelbrot/main.ts --threads 1 --steps 100000
 * ```
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Client from "skein/Client"
import * as Portable from "skein/Portable"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { ProgressBar } from "skein/terminal"
import { Threads } from "skein/threads"
import { told } from "../cli.ts"
import * as Table from "../table.ts"
import { picture } from "./picture.ts"
import type * as Work from "./work.ts"

const work = Portable.module<typeof Work>()(new URL("./work.ts", import.meta.url))

/** The part of the plane that everybody knows. */
const viewOf = (columns: number, rows: number, steps: number): Work.View => ({
  left: -2.2,
  top: 1.2,
  width: 3.2,
  height: 2.4,
  columns,
  rows,
  steps
})

/** The whole picture, from bands of so many rows. A plain function puts them together: it runs here. */
const pictureOf = (view: Work.View, rowsOfBand: number): Task.Task<string> => {
  const bands = Array.from(
    { length: Math.ceil(view.rows / rowsOfBand) },
    (_, i) => {
      const rows = { from: i * rowsOfBand, to: Math.min(view.rows, (i + 1) * rowsOfBand) }
      return Task.withOptions(work.tasks.band(view, rows.from, rows.to), { key: `band ${i + 1}`, label: "band" })
    }
  )
  return Task.map(bands, (parts) => {
    const all = new Uint32Array(view.columns * view.rows)
    let at = 0
    for (const part of parts) {
      all.set(part, at)
      at += part.length
    }
    return picture(all, view.columns, view.steps)
  }, { key: "picture", label: "picture" })
}

const number = (name: string, byDefault: number, description: string) =>
  Flag.Int(name).pipe(
    Flag.filter((n) => n >= 1, () => "a number of at least 1"),
    Flag.withDefault(byDefault),
    Flag.withDescription(description)
  )

const flags = {
  columns: number("columns", 100, "the width of the picture"),
  rows: number("rows", 40, "its height"),
  steps: number("steps", 1_000_000, "after how many steps a point counts as one of the set"),
  threads: Flag.Int("threads").pipe(
    Flag.filter((n) => n !== 0, () => "a number of threads, or a negative one that counts from the cores"),
    Flag.withDefault(-1),
    Flag.withDescription("how many threads compute; -1 for one on each core")
  )
}

interface Options {
  readonly columns: number
  readonly rows: number
  readonly steps: number
}

const run = Effect.fnUntraced(function*({ columns, rows, steps }: Options) {
  const { workers } = yield* Scheduler.stats
  const threads = workers.filter(({ id }) => id.startsWith("core-")).length
  const drawn = Client.compute(pictureOf(viewOf(columns, rows, steps), 1))
  const [duration, text] = yield* drawn.pipe(ProgressBar.show({ workers: true }), Effect.timed)
  const took = Duration.toSeconds(duration).toFixed(1)
  yield* Console.log(`${text}\n\n${Table.counted(rows, "band")} on ${Table.counted(threads, "thread")} in ${took} s`)
})

Command.make("mandelbrot", flags, ({ threads, ...options }) =>
  run(options).pipe(
    Effect.provide(Threads.layer({ size: threads, tasks: [work], id: "core" }).pipe(Layer.provideMerge(Skein.layer()))),
    Effect.mapError(told)
  )).pipe(
    Command.withDescription("Draws the Mandelbrot set by tasks that run in threads"),
    Command.run({ version: "0.1.0" }),
    Effect.provide(NodeServices.layer),
    NodeRuntime.runMain
  )
