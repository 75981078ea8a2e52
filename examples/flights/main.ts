/**
 * Which flights are late? Three million of them, summarized in slices by a graph of tasks.
 *
 * ```sh
 * npm start
 * npm start -- --workers 2 --concurrency 1 --slices 200 --minimum-flights 1000
 * npm start -- --workers none
 * ```
 *
 * Flights are read and summed up in threads, on all cores, unless there is only one: then a thread has nothing to run beside, and
 * costs its start.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { availableParallelism } from "node:os"
import { dirname } from "node:path"
import * as Client from "skein/Client"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import * as TaskGraph from "skein/TaskGraph"
import { ProgressBar } from "skein/terminal"
import { Threads } from "skein/threads"
import { told } from "../cli.ts"
import * as Table from "../table.ts"
import { airportsPath, flightsPath, openFlights } from "./data.ts"
import * as FlightsGraph from "./graph.ts"
import { allOf, peakOf, weigh } from "./held.ts"
import * as Report from "./report.ts"

/** How many threads read and sum up: a number, one on each core, or none. */
type Workers = number | "cores" | "none"

interface Options extends FlightsGraph.Options {
  readonly concurrency: number
  readonly workers: Workers
  readonly flights: string
  readonly airports: string
  readonly origins: number
  readonly picture: string
}

/** Computes the answers and prints them. */
const run = Effect.fnUntraced(function*(options: Options) {
  const file = yield* openFlights(options.flights)
  const graph = FlightsGraph.make(file, options.airports, options)
  const events: Array<Scheduler.TaskEvent> = []
  const weights = new Map<string, number>()
  yield* Scheduler.listen((event) => events.push(event))
  const [duration, { airports, delays, routes }] = yield* Client.compute(graph, { cache: weigh(weights) }).pipe(
    ProgressBar.show({ workers: options.workers !== "none" }),
    Effect.timed,
    Effect.onExit(() => draw(graph, events, options.picture))
  )
  const flights = delays.reduce((sum, { all }) => sum + all.flights, 0)
  yield* Console.log([
    `${Table.count(flights)} flights in ${Duration.toSeconds(duration).toFixed(1)} s, ${yield* where}.`,
    Report.delaysReport(delays, airports, options.origins),
    Report.routesReport(routes, options.minimumFlights),
    Report.heldReport(peakOf(events, weights), allOf(weights)),
    `The graph as it ran: ${options.picture}`
  ].join("\n\n"))
}, Effect.scoped)

/** Where flights were read and summed up. */
const where = Effect.map(Scheduler.stats, ({ workers }) => {
  const threads = workers.filter(({ id }) => id.startsWith("core-")).length
  return threads === 0 ? "on fibers" : `on ${Table.counted(threads, "thread")}`
})

/** Writes a picture of the graph, colored by what became of its tasks. */
const draw = Effect.fnUntraced(
  function*(graph: TaskGraph.Shape, events: ReadonlyArray<Scheduler.TaskEvent>, path: string) {
    const fs = yield* FileSystem.FileSystem
    yield* fs.makeDirectory(dirname(path), { recursive: true })
    yield* fs.writeFileString(path, TaskGraph.toMermaid(graph, { states: TaskGraph.states(events), direction: "LR" }))
  }
)

const number = (name: string, least: number, byDefault: number, description: string) =>
  Flag.Int(name).pipe(
    Flag.filter((n) => n >= least, () => `a number of at least ${least}`),
    Flag.withDefault(byDefault),
    Flag.withDescription(description)
  )

const text = (name: string, byDefault: string, description: string) =>
  Flag.String(name).pipe(Flag.withDefault(byDefault), Flag.withDescription(description))

const workersOf = (text: string): Option.Option<Workers> => {
  if (text === "cores" || text === "none") return Option.some(text)
  return /^[1-9]\d{0,2}$/.test(text) ? Option.some(Number(text)) : Option.none()
}

const flags = {
  workers: Flag.String("workers").pipe(
    Flag.filterMap(workersOf, () => "a number of threads from 1 to 999, \"cores\" or \"none\""),
    Flag.withDefault<Workers>(availableParallelism() > 1 ? "cores" : "none"),
    Flag.withDescription("how many threads work: a number, \"cores\", or \"none\"")
  ),
  concurrency: number("concurrency", 1, 4, "how many tasks run at once"),
  slices: number("slices", 1, 60, "into how many slices the flights are cut"),
  fanIn: number("fan-in", 2, 4, "how many results one merge takes"),
  origins: number("origins", 1, 10, "how many airports are shown"),
  routes: number("routes", 1, 10, "how many routes are shown"),
  minimumFlights: number("minimum-flights", 1, 365, "how many flights a route needs to be compared"),
  flights: text("flights", flightsPath, "the flights, a Parquet file"),
  airports: text("airports", airportsPath, "the airports, a CSV file"),
  picture: text("picture", "out/flights.mmd", "where the picture of the graph goes")
}

/** A scheduler, with threads that read. */
const layer = ({ concurrency, workers }: Options) => {
  const scheduler = Skein.layer({ concurrency })
  if (workers === "none") return scheduler
  const threads = Threads.layer({ size: workers, tasks: [FlightsGraph.work], id: "core" })
  return Layer.provideMerge(threads, scheduler)
}

Command.make("flights", flags, (options) =>
  run(options).pipe(
    Effect.provide(layer(options)),
    Effect.mapError(told)
  )).pipe(
    Command.withDescription("Answers which flights are late, from three million flights"),
    Command.run({ version: "0.1.0" }),
    Effect.provide(NodeServices.layer),
    NodeRuntime.runMain
  )
