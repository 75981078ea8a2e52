/**
 * The example as a graph of tasks. Reading and summarizing are as wide as the file, and a tree of merges brings them
 * together:
 *
 * ```text
 * read 0 ─┬─ slice 0 ─┐
 *         ├─ slice 1 ─┼─ merge 0.0 ─┐
 *         └─ slice 2 ─┘             ├─ merge 1.0 ─┬─ delays
 * read 1 ─┬─ slice 3 ─┐             │             │
 *         ├─ slice 4 ─┼─ merge 0.1 ─┘             └─ worst ── named routes
 *         └─ slice 5 ─┘                  airports ──────────────┘
 * ```
 *
 * Row groups are read and summarized by the functions of a module, which can run in threads; where no thread serves them, they run
 * here. All else runs here.
 *
 * A row group is dropped as soon as its slices are summarized, and a summary as soon as it is merged: the scheduler goes
 * deep, not wide, so that a few megabytes are held whatever the size of the file.
 */
import * as Portable from "skein/Portable"
import type { DependencyFailed } from "skein/SkeinError"
import * as Task from "skein/Task"
import { BadColumn, FileMissing, FileUnreadable, type FlightsFile, readAirports, type RowGroup } from "./data.ts"
import { delaysByOrigin, merge, nameRoutes, worstRoutes } from "./statistics.ts"
import type * as Work from "./work.ts"

/** What can be given to threads. */
export const work = Portable.module<typeof Work>()(new URL("./work.ts", import.meta.url), {
  errors: [FileMissing, FileUnreadable, BadColumn]
})

export interface Options {
  /** Into how many slices the flights are cut; at least one a row group. */
  readonly slices: number
  /** How many results one merge takes. */
  readonly fanIn: number
  /** How many of the worst routes are wanted. */
  readonly routes: number
  /** How many flights a route must have to be compared. */
  readonly minimumFlights: number
}

/** The graph that answers both questions about a file of flights. */
export const make = (file: FlightsFile, airportsPath: string, options: Options) => {
  const slices = file.rowGroups.flatMap((group) => summaries(file, group, options.slices))
  const statistics = treeReduce(slices, merge, { fanIn: options.fanIn, key: "merge" })
  // First, so that a file that is not there is known before the work is done.
  const airports = Task.make(readAirports(airportsPath), { key: "airports", label: "read", priority: 1 })
  const delays = Task.map(statistics, delaysByOrigin, { key: "delays", label: "answer" })
  const worst = Task.map(
    statistics,
    (statistics) => worstRoutes(statistics, { count: options.routes, minimumFlights: options.minimumFlights }),
    { key: "worst routes", label: "answer" }
  )
  const routes = Task.map({ worst, airports }, ({ airports, worst }) => nameRoutes(worst, airports), {
    key: "named routes",
    label: "answer"
  })
  return { delays, routes, airports }
}

/** Reads one row group and summarizes it in its share of the slices. */
const summaries = (file: FlightsFile, group: RowGroup, slices: number) => {
  const flights = Task.withOptions(work.tasks.read(file, group), { key: `read ${group.index}`, label: "read" })
  const first = Math.floor(group.index * slices / file.rowGroups.length)
  const count = Math.max(1, Math.floor((group.index + 1) * slices / file.rowGroups.length) - first)
  return Array.from({ length: count }, (_, i) => {
    const from = Math.floor(i * group.rows / count)
    const to = Math.floor((i + 1) * group.rows / count)
    return Task.withOptions(work.tasks.summarize(flights, from, to), {
      key: `slice ${group.index}.${i}`,
      label: "slice"
    })
  })
}

/**
 * Combines the values of many tasks into one, `fanIn` neighbours at a time: a tree, so that a value is dropped soon after
 * it is there, and no task waits for all of them. The tasks have `key` as their label.
 */
export const treeReduce = <A, E, R>(
  tasks: ReadonlyArray<Task.Task<A, DependencyFailed<E>, R>>,
  combine: (values: ReadonlyArray<A>) => A,
  { fanIn, key }: { readonly fanIn: number; readonly key: string }
): Task.Task<A, DependencyFailed<E>, R> => {
  let level = tasks
  for (let height = 0; level.length > 1; height++) {
    level = chunks(level, fanIn).map((group, i) =>
      Task.map(group, combine, { key: `${key} ${height}.${i}`, label: key })
    )
  }
  return level[0] ?? Task.map([], combine, { key, label: key })
}

const chunks = <A>(items: ReadonlyArray<A>, size: number): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size))
