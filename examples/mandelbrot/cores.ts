/** A line for each core, redrawn while a graph runs: how many bands each worker has computed. */
import * as Effect from "effect/Effect"
import { createLogUpdate } from "log-update"
import * as Scheduler from "skein/Scheduler"
import * as Table from "../table.ts"

const barWidth = 40

/** The lines of workers with these counts, the most of which fills its bar. */
export const lines = (counts: ReadonlyMap<string, number>): ReadonlyArray<string> => {
  const most = Math.max(1, ...counts.values())
  const name = Math.max(0, ...[...counts.keys()].map(({ length }) => length))
  return Array.from(counts).sort(([a], [b]) => a.localeCompare(b)).map(([id, count]) => {
    const filled = Math.round(barWidth * count / most)
    return `${id.padEnd(name)}  ${"█".repeat(filled)}${"░".repeat(barWidth - filled)}  ${Table.counted(count, "band")}`
  })
}

/**
 * Runs an effect, and gives its result with the number of tasks that each worker has run. In a terminal the counts are drawn
 * meanwhile.
 */
export const counted = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  output: NodeJS.WriteStream = process.stderr
): Effect.Effect<readonly [A, ReadonlyMap<string, number>], E, R | Scheduler.Scheduler> =>
  Effect.scoped(Effect.gen(function*() {
    const counts = new Map<string, number>()
    const draw = createLogUpdate(output)
    yield* Scheduler.listen(({ to, worker }) => {
      if (to !== "succeeded" || worker === undefined) return
      counts.set(worker, (counts.get(worker) ?? 0) + 1)
      if (output.isTTY) draw(lines(counts).join("\n"))
    })
    yield* Effect.addFinalizer(() => Effect.sync(() => draw.done()))
    return [yield* effect, counts] as const
  }))
