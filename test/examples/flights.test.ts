import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type { FileMetaData, SchemaElement } from "hyparquet"
import { join } from "node:path"
import * as Client from "skein/Client"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import { DependencyFailed } from "skein/SkeinError"
import * as Task from "skein/Task"
import { Threads } from "skein/threads"
import * as Data from "../../examples/flights/data.ts"
import * as Graph from "../../examples/flights/graph.ts"
import { allOf, peakOf, weigh } from "../../examples/flights/held.ts"
import { type Reference, reference, type Sums } from "../../examples/flights/reference.ts"
import * as Report from "../../examples/flights/report.ts"
import * as Statistics from "../../examples/flights/statistics.ts"
import * as Table from "../../examples/table.ts"
import { isLong, longOr } from "../long.ts"
import { runExample } from "./run.ts"

const flightsOf = (rows: ReadonlyArray<readonly [hour: number, delay: number, route: string]>): Data.Flights => ({
  hour: Uint8Array.from(rows, ([hour]) => hour),
  delay: Int16Array.from(rows, ([, delay]) => delay),
  origin: Uint16Array.from(rows, ([, , route]) => Data.airportCode(route.slice(0, 3))!),
  destination: Uint16Array.from(rows, ([, , route]) => Data.airportCode(route.slice(4))!)
})

const few = flightsOf([
  [0, -5, "ATL-LAX"],
  [6, 14, "ATL-LAX"],
  [6, 15, "BOS-ATL"],
  [23, 90, "ATL-BOS"],
  [6, 0, "ATL-LAX"]
])

const rowsOf = (table: Statistics.Table, name: (key: number) => string) =>
  Array.from(table.keys, (key, i) => [name(key), table.flights[i], table.late[i], table.minutes[i]])

const originHour = (key: number) => `${Data.airportName(Math.floor(key / 24))} ${key % 24}`
const route = (key: number) => `${Data.airportName(key >>> 16)} ${Data.airportName(key & 0xffff)}`

describe("flights: statistics", () => {
  it("a slice is summed by origin and hour, and by route, in the order of keys", () => {
    const { byOriginHour, byRoute, flights } = Statistics.summarize(few)
    assert.strictEqual(flights, 5)
    assert.deepStrictEqual(rowsOf(byOriginHour, originHour), [
      ["ATL 0", 1, 0, -5],
      ["ATL 6", 2, 0, 14],
      ["ATL 23", 1, 1, 90],
      ["BOS 6", 1, 1, 15]
    ])
    assert.deepStrictEqual(rowsOf(byRoute, route), [
      ["ATL BOS", 1, 1, 90],
      ["ATL LAX", 3, 0, 9],
      ["BOS ATL", 1, 1, 15]
    ])
  })

  it("merging slices, however they are cut and grouped, gives the statistics of the whole", () => {
    const whole = Statistics.summarize(few)
    const cut = (from: number, to: number) => Statistics.summarize(Data.subarray(few, from, to))
    assert.deepStrictEqual(Statistics.merge([cut(0, 2), cut(2, 5)]), whole)
    assert.deepStrictEqual(Statistics.merge([cut(4, 5), Statistics.merge([cut(1, 4), cut(0, 1)])]), whole)
    assert.deepStrictEqual(Statistics.merge([cut(3, 3), whole, Statistics.empty]), whole)
    assert.deepStrictEqual(Statistics.merge([]), Statistics.empty)
  })

  it("the largest airport code and the largest sum are kept exactly", () => {
    const late = flightsOf(Array.from({ length: 100_000 }, () => [23, 32_767, "ZZZ-ZZZ"]))
    const statistics = Statistics.merge([Statistics.summarize(late), Statistics.summarize(late)])
    assert.deepStrictEqual(rowsOf(statistics.byRoute, route), [["ZZZ ZZZ", 200_000, 200_000, 6_553_400_000]])
    assert.deepStrictEqual(rowsOf(statistics.byOriginHour, originHour), [["ZZZ 23", 200_000, 200_000, 6_553_400_000]])
  })

  it("delays by origin come busiest first, with hours and parts of the day", () => {
    const [atl, bos, ...others] = Statistics.delaysByOrigin(Statistics.summarize(few))
    assert.deepStrictEqual([atl?.origin, bos?.origin, others], ["ATL", "BOS", []])
    assert.deepStrictEqual(atl?.all, { flights: 4, late: 1, minutes: 99, meanMinutes: 24.75, lateShare: 0.25 })
    assert.deepStrictEqual(atl?.byDayPart.map(({ flights }) => flights), [1, 2, 0, 1])
    assert.deepStrictEqual(atl?.byHour[6], { flights: 2, late: 0, minutes: 14, meanMinutes: 7, lateShare: 0 })
    assert.isNaN(atl?.byDayPart[2]?.meanMinutes)
  })

  it("the worst routes have the flights they need, and the names of their airports", () => {
    const statistics = Statistics.summarize(few)
    const worst = Statistics.worstRoutes(statistics, { count: 2, minimumFlights: 1 })
    assert.deepStrictEqual(worst.map(({ destination, origin }) => origin + destination), ["ATLBOS", "BOSATL"])
    const often = Statistics.worstRoutes(statistics, { count: 2, minimumFlights: 3 })
    const atlanta = { iata: "ATL", name: "Hartsfield", city: "Atlanta", state: "GA" }
    const [named, ...others] = Statistics.nameRoutes(often, new Map([["ATL", atlanta]]))
    assert.deepStrictEqual([named?.from, named?.to.name, others], [atlanta, "LAX", []])
  })

  it("bytes are those of the buffers, at any depth", () => {
    assert.strictEqual(Statistics.bytesOf(few), 5 * 7)
    assert.strictEqual(Statistics.bytesOf(Statistics.summarize(few)), (4 + 3) * 20)
    assert.strictEqual(Statistics.bytesOf("text"), 0)
  })
})

describe("flights: report", () => {
  it("a table sets text to the left and numbers to the right", () => {
    const text = Table.table(
      [{ title: "name", align: "left" }, { title: "n", align: "right" }],
      [["a", "1"], ["longer", "200"]]
    )
    assert.strictEqual(text, ["name      n", "───────────", "a         1", "longer  200"].join("\n"))
  })

  it("bytes and counts have units that a reader sees at once", () => {
    assert.deepStrictEqual([0, 999, 1000, 117_360, 1_909_089].map(Table.bytes), [
      "0 B",
      "999 B",
      "1 kB",
      "117 kB",
      "1.9 MB"
    ])
    assert.strictEqual(Table.count(3_000_000), "3,000,000")
  })

  it("a part of the day without flights is a dash, and an airport without a name its letters", () => {
    const statistics = Statistics.summarize(few)
    const report = Report.delaysReport(Statistics.delaysByOrigin(statistics), new Map(), 1)
    const row = report.split("\n").at(-1)!.split(/ {2,}/)
    assert.deepStrictEqual(row, [
      "ATL",
      "4",
      "24.8 25%",
      "-5.0",
      "0%",
      "7.0",
      "0%",
      "–",
      "90.0 100%"
    ])
    const routes = Statistics.nameRoutes(Statistics.worstRoutes(statistics, { count: 1, minimumFlights: 1 }), new Map())
    const line = Report.routesReport(routes, 1).split("\n").at(-1)!
    assert.deepStrictEqual(line.split(/ {2,}/), ["ATL", "BOS", "1", "90.0 min", "100%"])
  })
})

describe("flights: airports", () => {
  it("cells may be quoted, and hold commas, quotes and line ends", () => {
    assert.deepStrictEqual(Data.parseCsv("a,b\r\n\"x, \"\"y\"\"\n\",\n,2"), [["a", "b"], ["x, \"y\"\n", ""], ["", "2"]])
    assert.deepStrictEqual(Data.parseCsv(""), [])
  })

  it.effect("a table without a column that is needed fails with its name", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Data.parseAirports("airports.csv", "iata,name,city\nATL,Hartsfield,Atlanta\n"))
      assert.strictEqual(error.message, "column state of airports.csv: it is missing; there are iata, name, city")
    }))

  it("a code of three digits and letters is a number and back; others are none", () => {
    assert.deepStrictEqual(["ATL", "0Z9", "ZZZ"].map((iata) => Data.airportName(Data.airportCode(iata)!)), [
      "ATL",
      "0Z9",
      "ZZZ"
    ])
    assert.deepStrictEqual(["", "AT", "atl", "KATL", "A L"].map(Data.airportCode), Array(5).fill(undefined))
  })
})

layer(NodeFileSystem.layer)("flights: files", (it) => {
  it.effect("a file that is not there is FileMissing, with its path", () =>
    Effect.gen(function*() {
      const flights = yield* Effect.flip(Data.openFlights("no/such.parquet"))
      const airports = yield* Effect.flip(Data.readAirports("no/such.csv"))
      assert.deepStrictEqual([flights._tag, airports._tag], ["FileMissing", "FileMissing"])
      assert.include(flights.message, "no/such.parquet")
    }))

  it.effect("a file that is no Parquet, or is cut off, is FileUnreadable", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = yield* fs.makeTempFileScoped()
      const bytes = yield* fs.readFile(Data.flightsPath)
      for (const content of [new Uint8Array(), new Uint8Array(4), new Uint8Array(100), bytes.subarray(0, 5000)]) {
        yield* fs.writeFile(path, content)
        assert.strictEqual((yield* Effect.flip(Data.openFlights(path)))._tag, "FileUnreadable")
      }
      const file = yield* Data.openFlights(Data.flightsPath)
      const error = yield* Effect.flip(Data.readFlights({ ...file, path }, file.rowGroups[0]!))
      assert.strictEqual(error._tag, "FileUnreadable")
    }))

  it.effect("a column that is missing, of another type, or holds what cannot be, is BadColumn", () =>
    Effect.gen(function*() {
      const file = yield* Data.openFlights(Data.flightsPath)
      const edited = (name: string, change: Partial<SchemaElement>) => ({
        ...file.metadata,
        schema: file.metadata.schema.map((element) => element.name === name ? { ...element, ...change } : element)
      })
      const fault = (metadata: FileMetaData) =>
        Data.checkColumns("f", metadata).pipe(Effect.flip, Effect.map((error) => error.message))
      assert.strictEqual(
        yield* fault(edited("delay", { name: "late" })),
        "column delay of f: it is missing; there are date, late, distance, origin, destination"
      )
      assert.strictEqual(yield* fault(edited("delay", { type: "INT32" })), "column delay of f: it is INT32, not INT64")
      const metadata = edited("delay", { logical_type: { type: "TIMESTAMP", unit: "MICROS", isAdjustedToUTC: false } })
      const error = yield* Effect.flip(Data.readFlights({ ...file, metadata }, file.rowGroups[1]!))
      assert.strictEqual(error._tag, "BadColumn")
      assert.match(error.message, /column delay of .*flights-3m.parquet: row 272727 holds/)
    }))

  it.effect("every airport of the flights has a name", () =>
    Effect.gen(function*() {
      const airports = yield* Data.readAirports(Data.airportsPath)
      assert.strictEqual(airports.size, 3376)
      assert.deepStrictEqual(airports.get("JFK"), {
        iata: "JFK",
        name: "John F Kennedy Intl",
        city: "New York",
        state: "NY"
      })
      const file = yield* Data.openFlights(Data.flightsPath)
      const flights = yield* Data.readFlights(file, file.rowGroups[0]!)
      const codes = new Set([...flights.origin, ...flights.destination])
      assert.deepStrictEqual([...codes].map(Data.airportName).filter((iata) => !airports.has(iata)), [])
    }))

  it.effect(`all sums of ${longOr("all flights", "the last flights")} are those of the plain computation`, () =>
    Effect.gen(function*() {
      const file = yield* Data.openFlights(Data.flightsPath)
      // Those of the first ones are compared with what the graph gives.
      const from = longOr(0, file.rowGroups.length - 1)
      const groups = yield* Effect.forEach(
        file.rowGroups.slice(from),
        (group) =>
          Effect.map(Data.readFlights(file, group), (flights) =>
            Statistics.merge([
              Statistics.summarize(Data.subarray(flights, 0, 100_001)),
              Statistics.summarize(Data.subarray(flights, 100_001, group.rows))
            ]))
      )
      const statistics = Statistics.merge(groups)
      assert.strictEqual(statistics.flights, longOr(3_000_000, 3_000_000 - 10 * 272_727))
      assertSums(statistics, yield* Effect.promise(() => reference(Data.flightsPath, from)))
    }))
})

describe("flights: graph", () => {
  const options = { slices: 12, fanIn: 4, routes: 5, minimumFlights: 50 }

  /** The first row groups of the file. */
  const opened = Effect.map(
    Data.openFlights(Data.flightsPath),
    (file) => ({ ...file, rowGroups: file.rowGroups.slice(0, 2) })
  )

  it.effect("a tree combines neighbours in order, and nothing to combine is combined too", () =>
    Effect.gen(function*() {
      const letters = Array.from(
        "abcdefghijk",
        (letter) => Task.map(Task.make(Effect.succeed(letter)), (letter) => letter)
      )
      const combine = (parts: ReadonlyArray<string>) => `(${parts.join("")})`
      const trees = Task.all(
        [11, 3, 1, 0].map((n) => Graph.treeReduce(letters.slice(0, n), combine, { fanIn: 3, key: `tree of ${n}` }))
      )
      assert.deepStrictEqual(yield* Task.run(trees), ["(((abc)(def)(ghi))((jk)))", "(abc)", "a", "()"])
    }))

  let computed: Promise<Reference> | undefined
  const expectation = Effect.promise(() => computed ??= reference(Data.flightsPath, 0, 2))

  const threads = Layer.provideMerge(Threads.layer({ size: 2, tasks: [Graph.work] }), Skein.layer())
  const inThreads = { name: "in 2 threads", concurrency: Infinity, scheduler: threads }
  const inSlots = longOr([1, 4], [4]).map((concurrency) => ({
    name: `with ${concurrency} slots`,
    concurrency,
    scheduler: Skein.layer({ concurrency })
  }))

  for (const { concurrency, name, scheduler } of [...inSlots, inThreads]) {
    it.live(`${name} the answers are those of the plain computation, and little is held`, () =>
      Effect.gen(function*() {
        const events: Array<Scheduler.TaskEvent> = []
        const weights = new Map<string, number>()
        yield* Scheduler.listen((event) => events.push(event))
        const graph = Graph.make(yield* opened, Data.airportsPath, options)
        const { airports, delays, routes } = yield* Client.compute(graph, { cache: weigh(weights) })
        const expected = yield* expectation
        assert.deepStrictEqual(
          delays.flatMap(({ byHour, origin }) => byHour.flatMap((delay, hour) => sumsOf(`${origin} ${hour}`, delay)))
            .sort(),
          plain(expected.byOriginHour)
        )
        assert.deepStrictEqual(
          routes.map(({ route }) => sumsOf(`${route.origin} ${route.destination}`, route)[0]),
          plain(expected.byRoute)
            .filter(([, flights]) => flights >= options.minimumFlights)
            .sort(([, flights, , minutes], [, others, , otherMinutes]) => otherMinutes / others - minutes / flights)
            .slice(0, options.routes)
        )
        assert.strictEqual(routes[0]?.from, airports.get(routes[0]!.route.origin))
        assert.strictEqual(weights.get("read 0"), 7 * 272_727)
        assert.strictEqual(allOf(weights).results, 2 + 12 + 3 + 1 + 4)
        const peak = peakOf(events, weights)
        assert.isAtMost(peak.results, 8 + concurrency)
        assert.isAtMost(peak.bytes, allOf(weights).bytes / (concurrency === 1 ? 2 : 1))
      }).pipe(Effect.scoped, Effect.provide([NodeFileSystem.layer, scheduler])), 60_000)
  }

  for (const scheduler of [Skein.layer(), threads]) {
    it.live(
      `a file that cannot be read ends the graph with its own error${
        scheduler === threads ? ", from threads too" : ""
      }`,
      () =>
        Effect.gen(function*() {
          const file = yield* opened
          const graph = Graph.make({ ...file, path: "no/such.parquet" }, Data.airportsPath, options)
          const error = yield* Effect.flip(Client.compute(graph))
          assert.instanceOf(error, DependencyFailed)
          assert.instanceOf(error.error, Data.FileMissing)
          assert.include(error.message, "no/such.parquet does not exist")
        }).pipe(Effect.provide([NodeFileSystem.layer, scheduler])),
      60_000
    )
  }
})

const runMain = (flags: ReadonlyArray<string>, interrupt: boolean | "at work" = false) =>
  runExample("flights/main.ts", flags, { interrupt })

layer(NodeFileSystem.layer)("flights: npm start", (it) => {
  it.effect("prints the answers, and writes the picture", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const picture = join(yield* fs.makeTempDirectoryScoped(), "deep", "flights.mmd")
      const flags = ["--workers", "2", "--picture", picture, "--slices", "22", "--origins", "3"]
      const { code, err, out } = yield* runMain(flags)
      assert.strictEqual(code, 0, err)
      assert.match(out, /^3,000,000 flights in \d+\.\d s, on 2 threads\./)
      assert.match(out, /ORD Chicago +166,341 +9\.3 +26%/)
      assert.match(out, /JFK New York NY +CLE Cleveland OH +412 +37\.5 min +56%/)
      assert.match(out, /Held at the peak: \d+ of 46 results, about .* MB of .* MB\./)
      assert.match(err, /46\/46 tasks.* busy: .*core-1/)
      for (const line of out.split("\n")) assert.isAtMost(line.length, 80, line)
      assert.match(yield* fs.readFileString(picture), /^flowchart LR\n.*"read 0\b/)
    }))

  it.effect("a failure is a sentence, and the picture shows where it happened", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const picture = join(yield* fs.makeTempDirectoryScoped(), "flights.mmd")
      const { code, err, out } = yield* runMain([
        "--workers",
        "none",
        "--airports",
        "no/such.csv",
        "--picture",
        picture
      ])
      assert.strictEqual(code, 1)
      assert.strictEqual(out, "")
      assert.include(err, "no/such.csv does not exist")
      assert.notInclude(err, "    at ")
      assert.match(yield* fs.readFileString(picture), /failed/)
    }))

  it.effect("a wrong number of threads is refused in words", () =>
    Effect.gen(function*() {
      for (const workers of longOr(["0", "x", "1.5", "-1"], ["0", "x"])) {
        const { code, err, out } = yield* runMain([`--workers=${workers}`])
        assert.strictEqual(code, 1)
        assert.include(
          out + err,
          `Invalid value for flag --workers: "${workers}". Expected: a number of threads from 1 to 999, "cores" or "none"`
        )
        assert.notInclude(err, "    at ")
      }
    }))

  it.effect("told to stop while threads work, it leaves no thread and no half of a picture", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped()
      const flags = ["--workers", "2", "--slices", "500", "--picture", join(folder, "flights.mmd")]
      const { code, err, out } = yield* runMain(flags, "at work")
      assert.strictEqual(code, 130, err)
      assert.strictEqual(out, "")
      assert.notInclude(err, "    at ")
      assert.match(err, /threads left: 0$/)
      assert.deepStrictEqual(yield* fs.readDirectory(folder), ["flights.mmd"])
      const picture = yield* fs.readFileString(join(folder, "flights.mmd"))
      assert.match(picture, /cancelled/)
      assert.match(picture, /"named routes\b/)
    }))

  // In short runs that of tree-walk shows it.
  it.effect.skipIf(!isLong)("stops when told to, without a word", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const picture = join(yield* fs.makeTempDirectoryScoped(), "flights.mmd")
      const { code, err, out } = yield* runMain(["--picture", picture, "--slices", "500"], true)
      assert.strictEqual(code, 130)
      assert.strictEqual(out, "")
      assert.notInclude(err, "    at ")
    }))
})

type Line = [name: string, flights: number, late: number, minutes: number]

const sumsOf = (name: string, { flights, late, minutes }: Statistics.Delay): Array<Line> =>
  flights === 0 ? [] : [[name, flights, late, minutes]]

const plain = (table: Map<string, Sums>): Array<Line> =>
  Array.from(
    table,
    ([name, { flights, late, minutes }]): Line => [name, Number(flights), Number(late), Number(minutes)]
  )
    .sort()

const assertSums = (statistics: Statistics.Statistics, expected: Reference) => {
  assert.strictEqual(statistics.flights, expected.flights)
  assert.deepStrictEqual(rowsOf(statistics.byOriginHour, originHour).sort(), plain(expected.byOriginHour))
  assert.deepStrictEqual(rowsOf(statistics.byRoute, route).sort(), plain(expected.byRoute))
}
