/**
 * Microseconds a task and memory: Skein beside the floor and the peers, in one process, in interleaved rounds.
 *
 *     npm run bench -- [--quick] [--sizes 1000,10000] [--shapes chain,tree] [--json file] [--without-skein]
 *                      [--without-peers] [--without-memory] [--without-nested] [--nested] [--submission] [--threads] [--streams] [--cores]
 *
 * `--nested` measures recursion by tasks and nothing else, `--submission` how large graphs are entered, `--threads` tasks in threads beside peers, `--streams` streams of results,
 * `--cores` when other cores pay.
 *
 * Figures are lower quartiles: what others do on the machine only ever adds, and to long runs more than to short ones. They
 * drift all the same: compare ratios within one run. Times are reported, not enforced; only a wrong answer makes the exit
 * code 1.
 */
import { execFileSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { cpus } from "node:os"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { type Contestant, type Outcome, total } from "./contestant.ts"
import { floor } from "./floor.ts"
import type { RunMemory, WaitingMemory } from "./memory.ts"
import { peers } from "./peers.ts"
import { type Body, type Graph, make, type ShapeName, shapeNames } from "./shapes.ts"

const { values: flags } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    sizes: { type: "string" },
    shapes: { type: "string" },
    json: { type: "string" },
    "without-skein": { type: "boolean", default: false },
    "without-peers": { type: "boolean", default: false },
    "without-memory": { type: "boolean", default: false },
    "without-nested": { type: "boolean", default: false },
    nested: { type: "boolean", default: false },
    submission: { type: "boolean", default: false },
    threads: { type: "boolean", default: false },
    streams: { type: "boolean", default: false },
    cores: { type: "boolean", default: false }
  }
})

const sizes = (flags.sizes ?? (flags.quick ? "1000,10000" : "1000,10000,100000,1000000")).split(",").map(Number)
const shapes = flags.shapes === undefined
  ? shapeNames
  : shapeNames.filter((shape) => flags.shapes!.split(",").includes(shape))
const subject = flags["without-skein"] ? undefined : await import("./skein.ts")
const contestants: ReadonlyArray<Contestant> = [
  floor,
  ...(subject ? [subject.skein] : []),
  ...(flags["without-peers"] ? [] : peers)
]

// ---- the loop

/** One contestant on one graph: samples in microseconds a task, by phase. */
interface Cell {
  readonly contestant: string
  readonly shape: ShapeName
  readonly size: number
  readonly tasks: number
  readonly body: Body
  readonly samples: Array<Readonly<Record<string, number>>>
  spentMillis: number
  missing?: string
}

const cells: Array<Cell> = []

const rehearsalTasks = 10_000
const rehearsalMillis = flags.quick ? 60 : 200
const slowestMillis = 5_000
const enoughMillis = 2_500
const hangMillis = 120_000

const turns = (size: number) => flags.quick ? 3 : size <= 10_000 ? 7 : size <= 100_000 ? 5 : 3
const runsPerTurn = (size: number) => size <= 1000 ? 10 : size <= 10_000 ? 5 : size <= 100_000 ? 2 : 1

/**
 * Runs `contestant` on a small graph of the same shape for a while, then as often as asked on the graph itself.
 *
 * Other contestants' rounds have filled the heap, so large runs begin with a collection. That throws optimised code away
 * (the floor runs several times slower just after one), so every turn begins with a rehearsal.
 */
const turn = async (contestant: Contestant, graph: Graph, rehearsal: Graph, cell: Cell): Promise<void> => {
  if (graph.size > 20_000) globalThis.gc!()
  const start = performance.now()
  do await attempt(contestant, rehearsal, cell.body)
  while (performance.now() - start < rehearsalMillis)
  const began = performance.now()
  for (let i = 0; i < runsPerTurn(graph.size); i++) {
    const { millis } = await attempt(contestant, graph, cell.body)
    cell.samples.push(Object.fromEntries(Object.entries(millis).map(([k, v]) => [k, v * 1000 / graph.size])))
  }
  cell.spentMillis += performance.now() - began
}

const attempt = async (contestant: Contestant, graph: Graph, body: Body): Promise<Outcome> => {
  let timer: NodeJS.Timeout | undefined
  const hang = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no result in ${hangMillis / 1000} s`)), hangMillis)
  })
  try {
    const outcome = await Promise.race([contestant.run(graph, body), hang])
    if (outcome.answer !== graph.answer) {
      process.exitCode = 1
      throw new Error(`wrong answer: ${outcome.answer}, not ${graph.answer}`)
    }
    return outcome
  } finally {
    clearTimeout(timer)
  }
}

const measure = async (shape: ShapeName, size: number, body: Body): Promise<void> => {
  const graph = make(shape, size)
  const rehearsal = make(shape, Math.min(size, rehearsalTasks))
  const running = contestants.map((contestant) => {
    const cell: Cell = {
      contestant: contestant.name,
      shape,
      size,
      tasks: graph.size,
      body,
      samples: [],
      spentMillis: 0
    }
    cells.push(cell)
    const missing = contestant.refuses?.(graph, body) ?? tooSlow(cell)
    if (missing !== undefined) cell.missing = missing
    return { contestant, cell }
  })
  for (let round = 0; round < turns(size); round++) {
    for (const { cell, contestant } of running) {
      if (cell.missing !== undefined || cell.spentMillis > enoughMillis) continue
      try {
        await turn(contestant, graph, rehearsal, cell)
      } catch (error) {
        cell.missing = `${cell.contestant}, ${shape} of ${size}: ${String(error).split("\n")[0]}`
      }
    }
  }
}

/** What the next smaller size foretells. */
const tooSlow = ({ body, contestant, shape, size, tasks }: Cell): string | undefined => {
  if (contestant === "floor" || contestant === "Skein") return undefined
  const smaller = cells.findLast((c) =>
    c.contestant === contestant && c.shape === shape && c.body === body && c.size < size
  )
  if (smaller === undefined) return undefined
  if (smaller.missing !== undefined) return smaller.missing
  return micros(smaller)! * tasks / 1000 > slowestMillis
    ? `${contestant}, ${shape} of ${size}: would take over ${slowestMillis / 1000} s`
    : undefined
}

// ---- reading the samples

const lowerQuartile = (samples: ReadonlyArray<number>): number | undefined =>
  samples.toSorted((a, b) => a - b)[(samples.length - 1) >> 2]

const micros = (cell: Cell | undefined, phase?: string): number | undefined =>
  cell === undefined || cell.missing !== undefined ? undefined : lowerQuartile(
    cell.samples.map((millis) => phase === undefined ? total({ answer: 0, millis }) : millis[phase] ?? 0)
  )

/** From the end of submission, when all tasks are entered and none has started, to results. */
const runMicros = (shape: ShapeName, size: number): number | undefined => micros(find("Skein", shape, size), "run")

const overFloor = (shape: ShapeName, size: number): number | undefined =>
  ratio(runMicros(shape, size), micros(find("floor", shape, size)))

const find = (contestant: string, shape: ShapeName, size: number, body: Body = "sync"): Cell | undefined =>
  cells.find((c) => c.contestant === contestant && c.shape === shape && c.size === size && c.body === body)

const ratio = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : a / b

// ---- tables

const lines: Array<string> = []
const say = (line = "") => {
  lines.push(line)
  process.stdout.write(line + "\n")
}

const figure = (value: number | undefined): string =>
  value === undefined ? "-" : value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0)

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): void => {
  const widths = head.map((_, i) => Math.max(3, ...[head, ...rows].map((row) => row[i]!.length)))
  const line = (row: ReadonlyArray<string>) =>
    `| ${row.map((cell, i) => i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join(" | ")} |`
  say(line(head))
  say(`|${widths.map((width, i) => i === 0 ? "-".repeat(width + 2) : "-".repeat(width + 1) + ":").join("|")}|`)
  for (const row of rows) say(line(row))
  say()
}

const timesTable = (size: number, body: Body): void => {
  say(`## ${size.toLocaleString("en")} tasks, ${body === "sync" ? "synchronous" : "promise"} bodies: µs a task`)
  say()
  const footnotes = new Set<string>()
  const cellOf = (name: string, shape: ShapeName) => {
    const cell = find(name, shape, size, body)
    if (cell?.missing !== undefined) footnotes.add(cell.missing)
    return cell
  }
  table(
    [
      "shape",
      ...contestants.map(({ name }) => name),
      ...(subject ? ["run/floor", "total/p-graph"] : [])
    ],
    shapes.map((shape) => {
      const skein = cellOf("Skein", shape)
      return [
        shape,
        ...contestants.map(({ name }) => figure(micros(cellOf(name, shape)))),
        ...(subject
          ? [
            figure(ratio(micros(skein, "run"), micros(cellOf("floor", shape)))),
            figure(ratio(micros(skein), micros(cellOf("p-graph", shape))))
          ]
          : [])
      ]
    })
  )
  for (const footnote of footnotes) say(`- "-": ${footnote}`)
  if (footnotes.size > 0) say()
}

const phasesTable = (): void => {
  say("## Skein's phases: µs a task")
  say()
  say("Submission: finding, checking, ordering and entering the tasks, before any starts. Run: from there to results.")
  say()
  table(
    ["shape", "tasks", "build", "submission", "run", "total", "floor", "run/floor"],
    sizes.flatMap((size) =>
      shapes.map((shape) => {
        const cell = find("Skein", shape, size)
        return [
          shape,
          size.toLocaleString("en"),
          figure(micros(cell, "build")),
          figure(micros(cell, "submission")),
          figure(runMicros(shape, size)),
          figure(micros(cell)),
          figure(micros(find("floor", shape, size))),
          figure(overFloor(shape, size))
        ]
      })
    )
  )
}

// ---- memory

const memoryTasks = 100_000
const memoryOf = new Map<string, RunMemory>()
const waitingOf = new Map<ShapeName, WaitingMemory>()

const child = <A>(...args: ReadonlyArray<string>): A | undefined => {
  const script = fileURLToPath(new URL("memory.ts", import.meta.url))
  try {
    const output = execFileSync(
      process.execPath,
      ["--conditions=source", "--expose-gc", "--max-old-space-size=8192", script, ...args],
      { encoding: "utf8", timeout: hangMillis }
    )
    return JSON.parse(output) as A
  } catch (error) {
    process.stderr.write(`memory.ts ${args.join(" ")}: ${String(error).split("\n")[0]}\n`)
    return undefined
  }
}

const mebibytes = (bytes: number | undefined): string => bytes === undefined ? "-" : (bytes / 2 ** 20).toFixed(0)

const memoryTables = (): void => {
  const names = ["floor", ...(subject ? ["Skein"] : []), "p-graph", "p-queue", "Effect.forEach"]
  for (const shape of shapes) {
    for (const name of names) {
      const memory = child<RunMemory>("run", name, shape, String(memoryTasks))
      if (memory) memoryOf.set(`${name} ${shape}`, memory)
    }
    const waiting = subject && child<WaitingMemory>("waiting", shape, String(memoryTasks))
    if (waiting) waitingOf.set(shape, waiting)
  }
  say(`## Memory, ${memoryTasks.toLocaleString("en")} tasks: peak resident MiB of one run in a fresh process`)
  say()
  say("In brackets what was resident before it, with everything loaded and the graph's arrays made.")
  say()
  table(
    ["shape", ...names],
    shapes.map((shape) => [
      shape,
      ...names.map((name) => {
        const memory = memoryOf.get(`${name} ${shape}`)
        return memory ? `${mebibytes(memory.peak)} (${mebibytes(memory.resident)})` : "-"
      })
    ])
  )
  if (!subject) return
  say(`## Memory, ${memoryTasks.toLocaleString("en")} waiting tasks: bytes a task, after forced collections`)
  say()
  say("A gate blocks everything. Left: still held when all have ended and only the user's objects live.")
  say()
  table(
    ["shape", "user's objects", "Skein's", "left", "resident MiB, waiting", "peak"],
    shapes.map((shape) => {
      const waiting = waitingOf.get(shape)
      const each = (bytes: number) => (bytes / waiting!.size).toFixed(0)
      return waiting
        ? [
          shape,
          each(waiting.user),
          each(waiting.waiting),
          each(waiting.left),
          mebibytes(waiting.residentWaiting),
          mebibytes(waiting.peak)
        ]
        : [shape, "-", "-", "-", "-", "-"]
    })
  )
}

// ---- after a collection

const collectedTable = async (): Promise<void> => {
  const { measure: measureCollected } = await import("./collected.ts")
  const tasks = 10_000
  say(`## The first run after a large collection, ${tasks.toLocaleString("en")} tasks: milliseconds in all`)
  say()
  say("Nothing of a graph was left then. Warm: the runs before it.")
  say()
  const rows: Array<ReadonlyArray<string>> = []
  for (const shape of shapes) {
    const row: Array<string> = [shape]
    for (const contestant of collectedContestants) {
      const { first, warm } = await measureCollected(contestant, make(shape, tasks))
      row.push(figure(warm), figure(first), figure(first / warm))
    }
    rows.push(row)
  }
  table(
    ["shape", ...collectedContestants.flatMap(({ name }) => [`${name}, warm`, "first", "first/warm"])],
    rows
  )
}

const collectedContestants: ReadonlyArray<Contestant> = [floor, ...(subject ? [subject.skein] : [])]

// ---- listening

const listeningTable = async (): Promise<void> => {
  const { measure: measureListening } = await import("./listening.ts")
  const tasks = 10_000
  say(`## Listening, ${tasks.toLocaleString("en")} tasks: µs of processor time a task`)
  say()
  say("In one scheduler, in interleaved runs. Six transitions a task are heard.")
  say()
  const rows: Array<ReadonlyArray<string>> = []
  for (const shape of shapes) {
    const { listen, nobody, progress } = await measureListening(make(shape, tasks))
    rows.push([shape, ...[nobody, listen, listen - nobody, progress, progress - nobody].map(figure)])
  }
  table(["shape", "nobody listens", "listen", "more", "progress", "more"], rows)
}

// ---- nested tasks

const nestedTable = async (): Promise<void> => {
  const { bytesACall, callsOf, measure, ways } = await import("./nested.ts")
  const cells = await measure(flags.quick ? [16, 20] : [16, 17, 18, 19, 20], [1, 2, 8])
  const bytes = await bytesACall()
  say("## Nested tasks: fib(n), each call a task: µs of processor time a call, and times of a fiber")
  say()
  say("Flat: as many independent tasks. Fibers, forked at once, and promises know no slots, order or owners.")
  say()
  const fibers = ways.findIndex(({ name }) => name === "fibers")
  table(
    ["fib", "calls", "slots", ...ways.map(({ name }) => name)],
    cells.map(({ micros, n, slots }) => [
      `fib(${n})`,
      callsOf(n).toLocaleString("en"),
      String(slots),
      ...micros.map((each) => `${figure(each)} (${figure(each / micros[fibers]!)})`)
    ])
  )
  say()
  say("Bytes of the heap a call, runs of fib(12) on one slot:")
  say()
  table(ways.map(({ name }) => name), [bytes.map((each) => Math.round(each).toLocaleString("en"))])
}

// ---- submission

const submissionTables = async (): Promise<void> => {
  const { measure: measureSubmission, measureTables } = await import("./submission.ts")
  say(
    "## Submission by `Client.submitAll`: µs of processor time a task, and the longest block of the event loop in ms of it"
  )
  say()
  say("At once: the same without pauses.")
  say()
  const rows: Array<ReadonlyArray<string>> = []
  for (const size of sizes) {
    for (const shape of shapes) {
      const { atOnce, turns } = await measureSubmission(shape, size, size > 100_000 ? 2 : size > 10_000 ? 5 : 15)
      const ratio = turns.micros / atOnce.micros
      const name = `${shape}, ${size.toLocaleString("en")}`
      rows.push([name, ...[turns.micros, atOnce.micros, ratio, turns.block, turns.own, atOnce.block].map(figure)])
    }
  }
  table(["graph", "in turns", "at once", "ratio", "longest block", "without collections", "at once"], rows)
  say("## A task whose input is a table of 10,000 rows: µs")
  say()
  table(["", "µs"], measureTables(15).map(({ micros, name }) => [name, figure(micros)]))
}

// ---- threads

const threadsTables = async (): Promise<void> => {
  const { measure: measureThreads } = await import("./threads.ts")
  for (const { figures, note, title } of await measureThreads(2, flags.quick)) {
    say(`## ${title}: µs a task`)
    say()
    say(note)
    say()
    const skein = figures.find(([name]) => name.startsWith("Skein"))![1]
    table(
      ["", "µs a task", "of Skein's"],
      figures.map(([name, micros]) => [name, figure(micros), figure(micros / skein)])
    )
  }
  const { measureKinds } = await import("./kinds.ts")
  const { figures, note, title } = await measureKinds(flags.quick)
  say(`## ${title}: µs a task`)
  say()
  say(note)
  say()
  const base = figures[0]![1]
  table(
    ["", "µs a task", "of a fiber task's"],
    figures.map(([name, micros]) => [name, figure(micros), figure(micros / base)])
  )
  await largeTables()
}

const largeTables = async (): Promise<void> => {
  const { measureLarge } = await import("./large.ts")
  for (const { figures, note, title } of await measureLarge(flags.quick)) {
    say(`## ${title}: ms`)
    say()
    say(note)
    say()
    const last = figures.at(-1)![1]
    table(
      ["", "ms", "of a clone's"],
      figures.map(([name, micros]) => [name, figure(micros / 1000), figure(micros / last)])
    )
  }
}

// ---- streams

const streamsTables = async (): Promise<void> => {
  const { close, compare, completed, heaps, submitted, waysInBatches, waysOf, waysOneByOne } = await import(
    "./streams.ts"
  )
  const count = 10_000
  const rounds = flags.quick ? 5 : 15
  for (const body of ["sync", "promise"] as const) {
    const bases = [
      "mapEffect, unordered",
      "mapEffect, unordered, chunks of one",
      ...body === "promise" ? ["a window of promises"] : []
    ]
    for (const window of [16, 64, 1024]) {
      say(
        `## Streams, ${
          count.toLocaleString("en")
        } items, window ${window}, ${body} bodies: µs of processor time an item`
      )
      say()
      const rows = await compare(waysOf(body), bases, count, window, rounds)
      table(
        ["", "µs an item", ...bases.map((base) => `of ${base}`)],
        rows.map(({ micros, name, ratios }) => [name, figure(micros), ...ratios.map(figure)])
      )
    }
  }
  say("## Ends that come one by one: µs of processor time an item, by window")
  say()
  const windows = [16, 64, 256, 1024]
  const byWindow: Array<ReadonlyArray<number>> = []
  for (const window of windows) {
    byWindow.push((await compare(waysOneByOne, [], 4000, window, rounds)).map(({ micros }) => micros))
  }
  table(
    ["", ...windows.map(String)],
    waysOneByOne.map(({ name }, i) => [name, ...byWindow.map((each) => figure(each[i]))])
  )
  say(`## Items in batches, ${count.toLocaleString("en")} items, window 1024: µs of processor time an item`)
  say()
  const [alone] = waysInBatches
  const batches = await compare(waysInBatches, [alone!.name], count, 1024, rounds)
  table(
    ["", "µs an item", `of ${alone!.name}`],
    batches.map(({ micros, name, ratios }) => [name, figure(micros), ...ratios.map(figure)])
  )
  say(`## Futures as they end, ${count.toLocaleString("en")}: µs of processor time each, with the tasks`)
  say()
  const ends = await compare([submitted, completed], [submitted.name], count, 0, rounds)
  table(
    ["", "µs each", `of ${submitted.name}`],
    ends.map(({ micros, name, ratios }) => [name, figure(micros), ...ratios.map(figure)])
  )
  await close()
  const items = flags.quick ? 1_000_000 : 10_000_000
  say(`## ${items.toLocaleString("en")} items made lazily: MiB of the heap after each tenth`)
  say()
  const rows: Array<ReadonlyArray<string>> = []
  for (const beside of [false, true]) {
    const after = await heaps(items, beside)
    rows.push([beside ? "beside a live task" : "alone", ...after.map((each) => (each / 2 ** 20).toFixed(1))])
  }
  table(["", ...Array.from({ length: 10 }, (_, i) => `${i + 1}`)], rows)
}

// ---- other cores

const coresTables = async (): Promise<void> => {
  const { measure: measureCores } = await import("./cores.ts")
  const { bodies, payloads } = await measureCores(flags.quick)
  say("## Bodies that compute: µs a task")
  say()
  say("All at once, a number there and a number back.")
  say()
  table(
    ["body", "fibers", "2 threads", "2 processes"],
    bodies.map(([name, ...micros]) => [name, ...micros.map(figure)])
  )
  say("## Buffers there and back: µs a task")
  say()
  table(
    ["buffer", "2 threads, copied", "moved", "2 processes"],
    payloads.map(([name, ...micros]) => [name, ...micros.map(figure)])
  )
}

// ---- budgets

interface Budget {
  readonly law: string
  readonly verdict: "PASS" | "FAIL" | "not measured"
  readonly figures: string
}

/** A budget over several figures: it holds if every figure that was measured is at most `most`. */
const budget = (
  law: string,
  most: number,
  figures: ReadonlyArray<readonly [string, number | undefined]>,
  show: (value: number) => string = figure
): Budget => {
  const measured = figures.filter((entry): entry is [string, number] => entry[1] !== undefined)
  return {
    law,
    verdict: measured.length === 0 ? "not measured" : measured.every(([, value]) => value <= most) ? "PASS" : "FAIL",
    figures: measured.map(([name, value]) => `${name} ${show(value)}${value <= most ? "" : "!"}`).join(", ")
  }
}

const label = (shape: ShapeName, size: number): string => `${shape} ${size.toExponential(0).replace("+", "")}`

const budgets = (): ReadonlyArray<Budget> => {
  const pairs = sizes.flatMap((size) => shapes.map((shape) => [shape, size] as const))
  const large = pairs.filter(([, size]) => size >= 10_000)
  return [
    budget(
      "run at most 3 x the floor, 1e4 to 1e6",
      3,
      large.map(([shape, size]) => [label(shape, size), overFloor(shape, size)])
    ),
    budget(
      "build + submission (checks, order) at most 1.5 µs a task",
      1.5,
      large.map(([shape, size]) => {
        const built = micros(find("Skein", shape, size), "build")
        const entered = micros(find("Skein", shape, size), "submission")
        return [label(shape, size), built === undefined || entered === undefined ? undefined : built + entered]
      })
    ),
    budget(
      "ahead of p-graph with building counted",
      1,
      pairs.map(([shape, size]) => [
        label(shape, size),
        ratio(micros(find("Skein", shape, size)), micros(find("p-graph", shape, size)))
      ])
    ),
    budget(
      "the ratio to the floor grows at most 1.5 times from 1e4 to 1e6",
      1.5,
      shapes.map((shape) => [shape, ratio(overFloor(shape, 1_000_000), overFloor(shape, 10_000))])
    ),
    budget(
      "under 400 bytes a waiting task beyond the user's objects",
      400,
      shapes.map((shape) => {
        const waiting = waitingOf.get(shape)
        return [shape, waiting && waiting.waiting / waiting.size]
      }),
      (value) => value.toFixed(0)
    ),
    budget(
      "1e5 tasks under 400 MiB resident, at the peak of a run",
      400 * 2 ** 20,
      shapes.map((shape) => [shape, memoryOf.get(`Skein ${shape}`)?.peak]),
      mebibytes
    )
  ]
}

// ---- the report

/** Only one part is measured. */
const isPart = flags.nested || flags.submission || flags.threads || flags.streams || flags.cores

say(
  `# Benchmark: Node ${process.version}, ${cpus()[0]?.model.trim()} x ${cpus().length}${isPart ? "" : ", 8 slots"}`
)
say()
if (!isPart) {
  for (const { note } of contestants) say(`- ${note}`)
  say()
}
const measureShapes = async (): Promise<void> => {
  for (const size of sizes) {
    for (const shape of shapes) await measure(shape, size, "sync")
    timesTable(size, "sync")
    if (size === 10_000) {
      for (const shape of shapes) await measure(shape, size, "promise")
      timesTable(size, "promise")
    }
  }
  if (subject) phasesTable()
  await collectedTable()
  if (subject) await listeningTable()
  if (!flags["without-memory"]) memoryTables()
}

if (!isPart) await measureShapes()
if (subject && (flags.nested || !isPart) && !flags["without-nested"]) await nestedTable()
if (subject && flags.submission) await submissionTables()
if (flags.threads) await threadsTables()
if (flags.streams) await streamsTables()
if (flags.cores) await coresTables()
const verdicts = subject && !isPart ? budgets() : []
if (verdicts.length > 0) {
  say("## Budgets")
  say()
  for (const { figures, law, verdict } of verdicts) say(`- ${verdict}: ${law}${figures && `: ${figures}`}`)
}
if (flags.json !== undefined) {
  writeFileSync(
    flags.json,
    JSON.stringify(
      {
        node: process.version,
        cells,
        memory: Object.fromEntries(memoryOf),
        waiting: Object.fromEntries(waitingOf),
        budgets: verdicts,
        report: lines
      },
      undefined,
      2
    ) + "\n"
  )
}
