import { fromWritable } from "@effect/platform-node/NodeSink"
import { assert, describe, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { systemError } from "effect/PlatformError"
import * as Sink from "effect/Sink"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as Terminal from "effect/Terminal"
import { TestClock } from "effect/testing"
import { Writable } from "node:stream"
import { stripVTControlCharacters } from "node:util"
import * as Client from "skein/Client"
import type { Progress } from "skein/Progress"
import * as Task from "skein/Task"
import { ProgressBar } from "skein/terminal"
import { duration, frame, summary, widthOf } from "../src/terminal/internal/render.ts"
import { inScheduler } from "./harness.ts"

const withoutStreams = { rateLimited: 0, paused: 0, isOpen: false, streams: [], stream: undefined }

const counts = (
  succeeded: number,
  failed: number,
  running: number,
  total: number,
  cancelled = 0,
  skipped = 0,
  upstreamFailed = 0
) => ({
  waiting: total - succeeded - failed - running - cancelled - skipped - upstreamFailed,
  running,
  succeeded,
  failed,
  upstreamFailed,
  cancelled,
  skipped,
  total,
  ...withoutStreams
})

const progress = (): Progress => ({
  ...counts(24, 1, 3, 40),
  groups: [{ name: "load", ...counts(10, 0, 0, 10) }, { name: "parse", ...counts(14, 1, 3, 30) }],
  workers: [],
  elapsedMillis: 3250
})

const plain = { colors: false, workers: false }
const wide = { columns: 100, rows: 24, ...plain }

const ofStream = { waiting: 0, rateLimited: 0, paused: 0, running: 0, unread: 0, failed: 0, dropped: 0, streams: 1 }

const streams: Progress["streams"] = [
  {
    ...ofStream,
    name: "pages",
    taken: 632,
    running: 4,
    unread: 8,
    consumed: 617,
    failed: 3,
    total: 1000,
    isOpen: true,
    perSecond: 41.4,
    remainingMillis: 9200
  },
  {
    ...ofStream,
    name: "feed",
    taken: 1620,
    waiting: 1,
    rateLimited: 2,
    unread: 1,
    consumed: 1618,
    total: undefined,
    isOpen: true,
    perSecond: 3.46,
    remainingMillis: undefined
  }
]

/** The tasks of pages are in no line of their own. */
const withStreams = (): Progress => ({
  ...progress(),
  isOpen: true,
  rateLimited: 2,
  paused: 1,
  streams,
  groups: [
    { name: "pages", ...counts(14, 1, 3, 30), stream: "pages", isOpen: true },
    { name: "load", ...counts(10, 0, 0, 10) },
    { name: "row", ...counts(14, 1, 3, 30), stream: "feed", isOpen: true }
  ]
})

/** Of 3250 ms. */
const workers: Progress["workers"] = [
  { id: "core-1", slots: 1, running: [{ key: "parse#3", label: "parse" }], ended: 14, busyMillis: 3250 },
  { id: "core-2", slots: 1, running: [], ended: 8, busyMillis: 1625 },
  {
    id: "local",
    slots: 2,
    running: [{ key: "load#1", label: "load" }, { key: "x".repeat(40), label: undefined }],
    ended: 3,
    busyMillis: 3249
  }
]

describe("terminal: frames", () => {
  it("V6: there is a line for each group and one for all, with percent, counts, failures, time and rate", () => {
    assert.deepStrictEqual(frame(progress(), wide).split("\n"), [
      "load  █████████████████████████████████ 100% 10/10",
      "parse ████████████████░░░░░░░░░░░░░░░░░  50% 15/30 1 failed 3 running",
      "total ████████████████████░░░░░░░░░░░░░  62% 25/40 1 failed 3.2s 7.7/s 3 running"
    ])
  })

  it("V12: a stream has a line with its speed and its rest, and an open total has no percentage", () => {
    const lines = frame(withStreams(), wide).split("\n")
    assert.deepStrictEqual(lines, [
      "stream pages ████████████████░░░░░░░░░░░  62%   620/1000 3 failed 41/s 9.2s left 8 unread 4 running",
      "stream feed  ···························      1618/1620+ 3.5/s 1 unread 2 wait for a rate",
      "load         ███████████████████████████ 100%      10/10",
      "row          ···························          15/30+ 1 failed 3 running",
      "total        ···························          25/40+ 1 failed 3.2s 7.7/s 2 wait for a rate"
    ])
    assert.strictEqual(
      summary(withStreams(), plain),
      "25/40+ tasks, 3 running, 1 failed, 3.2s, 7.7/s, 2 wait for a rate, 1 paused; " +
        "stream pages: 620/1000 (62%), 3 failed, 41/s, 9.2s left, 8 unread, 4 running; " +
        "stream feed: 1618/1620+, 3.5/s, 1 unread, 2 wait for a rate"
    )
    const closed = {
      ...streams[1]!,
      streams: 0,
      unread: 0,
      taken: 1618,
      dropped: 0,
      rateLimited: 0,
      total: 1618,
      isOpen: false
    }
    assert.include(frame({ ...withStreams(), streams: [closed] }, wide), "100% 1618/1618 3.5/s\n")
    assert.include(
      summary({ ...withStreams(), streams: Array.from({ length: 9 }, () => streams[0]!) }, plain),
      "; 5 more streams"
    )
    const unnamed = { ...withStreams(), streams: [{ ...streams[0]!, name: "stream" }] }
    assert.match(frame(unnamed, wide), /^stream +█/)
    assert.include(summary(unnamed, plain), "; stream: 620/1000")
    for (let columns = 1; columns <= 130; columns++) {
      const narrow = stripVTControlCharacters(frame(withStreams(), { ...wide, columns, colors: true })).split("\n")
      for (const line of narrow) assert.isBelow(widthOf(line), Math.max(columns, 2), `${columns}: ${line}`)
    }
  })

  it("V12: a line for a log begins with the streams that have closed, which no later one has", () => {
    const running = Array.from({ length: 9 }, (_, i) => ({ ...streams[0]!, name: `r${i}` }))
    const closed = { ...streams[0]!, name: "closed", streams: 0, failed: 7 }
    const line = summary({ ...withStreams(), streams: [...running, closed] }, plain)
    assert.deepStrictEqual(Array.from(line.matchAll(/; stream (\w+)/g), ([, name]) => name), [
      "closed",
      "r0",
      "r1",
      "r2"
    ])
    assert.include(line, "stream closed: 624/1000 (62%), 7 failed")
  })

  it("V12: the line of a stream says so: a group of other tasks may have the same name", () => {
    const group = { name: "pages", ...counts(10, 0, 0, 10), stream: undefined }
    const names = frame({ ...withStreams(), streams: streams.slice(0, 1), groups: [group] }, wide).split("\n")
      .map((line) => line.replace(/ *[█░·].*/, ""))
    assert.deepStrictEqual(names, ["stream pages", "pages", "total"])
  })

  it("failures are red only when colors are allowed", () => {
    assert.notInclude(frame(progress(), wide), "\u001B")
    const colored = frame(progress(), { ...wide, colors: true })
    assert.include(colored, "\u001B[31m1 failed\u001B[39m")
    assert.strictEqual(stripVTControlCharacters(colored), frame(progress(), wide))
    const { failed: _, ...rest } = progress()
    const clean = { ...rest, failed: 0, groups: [] }
    assert.notInclude(frame(clean, { ...wide, colors: true }), "\u001B[31m")
  })

  it("V6, F2: tasks that failed are told apart from those that never started because of one", () => {
    const state: Progress = { ...counts(5, 2, 0, 10, 0, 0, 3), groups: [], workers: [], elapsedMillis: 1000 }
    assert.deepStrictEqual(frame(state, wide).split("\n"), [
      "total █████████████████████████████████ 100% 10/10 2 failed 3 upstream failed 1.0s 10/s"
    ])
    assert.include(frame(state, { ...wide, colors: true }), "\u001B[31m██████\u001B[39m\u001B[33m█████████\u001B[39m")
    assert.strictEqual(summary(state, plain), "10/10 tasks (100%), 2 failed, 3 upstream failed, 1.0s, 10/s")
  })

  it("no line is wider than the terminal, whatever its width and the names", () => {
    const groups = ["短い名前です", "👩‍👩‍👧 family", "a\u001B[31m\nbreak", "x".repeat(90)].map((name) => ({
      name,
      ...counts(1234, 56, 7, 9999)
    }))
    for (let columns = 1; columns <= 130; columns++) {
      const lines = stripVTControlCharacters(frame({ ...progress(), groups }, { ...wide, columns, colors: true }))
        .split("\n")
      assert.strictEqual(lines.length, 5)
      for (const line of lines) assert.isBelow(widthOf(line), Math.max(columns, 2), `${columns}: ${line}`)
    }
  })

  it("groups that do not fit are counted in one line; those that run stay", () => {
    const groups = Array.from({ length: 50 }, (_, i) => ({ name: `group ${i}`, ...counts(i, 0, i === 40 ? 1 : 0, 50) }))
    const lines = frame({ ...progress(), groups }, { ...wide, rows: 6 }).split("\n")
    assert.deepStrictEqual(lines.map((line) => line.slice(0, 20).replace(/[█░].*/, "").trim()), [
      "group 0",
      "group 1",
      "group 40",
      "… and 47 more groups",
      "total"
    ])
    for (const rows of [1, 2, 3]) {
      assert.isAtMost(frame({ ...progress(), groups }, { ...wide, rows }).split("\n").length, Math.max(1, rows - 1))
    }
  })

  it("V6: with workers there is a line for each, with how busy it was, what has ended there and what runs", () => {
    const lines = frame({ ...progress(), workers }, { ...wide, workers: true }).split("\n")
    assert.deepStrictEqual(lines.slice(2), [
      "total  ████████████████████░░░░░░░░░░░░░  62% 25/40 1 failed 3.2s 7.7/s 3 running",
      "core-1 █████████████████████████████████ 100% busy 14 done parse#3",
      "core-2 ████████████████░░░░░░░░░░░░░░░░░  50% busy  8 done idle",
      "local  ████████████████░░░░░░░░░░░░░░░░░  49% busy  3 done load#1, xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"
    ])
    assert.strictEqual(
      summary({ ...progress(), workers }, { colors: false, workers: true }),
      "25/40 tasks (62%), 3 running, 1 failed, 3.2s, 7.7/s, busy: core-1 100%, core-2 50%, local 49%"
    )
  })

  it("V6: workers that do not fit are counted in one line, and leave half of the room to groups", () => {
    const groups = Array.from({ length: 50 }, (_, i) => ({ name: `group ${i}`, ...counts(i, 0, 0, 50) }))
    const many = Array.from({ length: 64 }, (_, i) => ({ ...workers[1]!, id: `core-${i + 1}` }))
    const state = { ...progress(), groups, workers: many }
    for (let rows = 1; rows <= 130; rows++) {
      const lines = frame(state, { ...wide, rows, workers: true }).split("\n")
      assert.isAtMost(lines.length, Math.max(1, rows - 1))
    }
    const names = (rows: number, groups: Progress["groups"]) =>
      frame({ ...state, groups }, { ...wide, rows, workers: true }).split("\n").map((line) =>
        line.replace(/ *[█░].*/, "")
      )
    assert.deepStrictEqual(names(8, groups), [
      "group 0",
      "group 1",
      "… and 48 more groups",
      "total",
      "core-1",
      "core-2",
      "… and 62 more workers"
    ])
    assert.deepStrictEqual(names(6, groups.slice(0, 1)), [
      "group 0",
      "total",
      "core-1",
      "core-2",
      "… and 62 more workers"
    ])
    const words = summary({ ...state, groups: [] }, { colors: false, workers: true })
    assert.match(words, /core-8 50%, 56 more$/)
  })

  it("no line of a worker is wider than the terminal", () => {
    const ids = ["短い名前です", "a\u001B[31m\nbreak", "x".repeat(90)]
    const strange = ids.map((id, i) => ({ ...workers[i]!, id }))
    for (let columns = 1; columns <= 130; columns++) {
      const screen = { ...wide, columns, colors: true, workers: true }
      const lines = stripVTControlCharacters(frame({ ...progress(), workers: strange }, screen)).split("\n")
      assert.strictEqual(lines.length, 6)
      for (const line of lines) assert.isBelow(widthOf(line), Math.max(columns, 2), `${columns}: ${line}`)
    }
  })

  it("a group called total does not look like the line of all tasks", () => {
    const groups = [{ name: "total", ...counts(1, 0, 0, 1) }]
    const names = frame({ ...progress(), groups }, wide).split("\n").map((line) => line.split(" ")[0])
    assert.deepStrictEqual(names, ["\"total\"", "total"])
  })

  it("a hundred percent is said only when all have ended", () => {
    const almost = { ...progress(), ...counts(99_999, 0, 1, 100_000), groups: [] }
    assert.include(frame(almost, wide), " 99% ")
    assert.strictEqual(
      summary({ ...progress(), ...counts(1, 1, 0, 3, 1) }, plain),
      "2/3 tasks (66%), 1 failed, 1 cancelled, 3.2s, 0.6/s"
    )
  })

  it("G19: a task that was skipped has come to its end as it should", () => {
    assert.strictEqual(
      summary({ ...progress(), ...counts(1, 0, 0, 2, 0, 1) }, plain),
      "2/2 tasks (100%), 1 skipped, 3.2s, 0.6/s"
    )
  })

  it("times read as people say them", () => {
    assert.deepStrictEqual([0, 950, 59_999, 60_000, 3_599_999, 7_380_000].map(duration), [
      "0.0s",
      "0.9s",
      "59.9s",
      "1m 00s",
      "59m 59s",
      "2h 03m"
    ])
  })
})

const terminal = (isTTY: boolean) => {
  const written: Array<string> = []
  return { isTTY, columns: 80, rows: 24, written, write: (text: string) => void written.push(text) }
}

const sleeps = (count: number) =>
  Array.from({ length: count }, () => Task.make(Effect.sleep("1 second"), { label: "load" }))

describe("terminal: terminals", () => {
  it.effect("V12: without a terminal, a stream that has closed is in the next line with its failures, and in that alone", () =>
    Effect.gen(function*() {
      const log = terminal(false)
      const items = (name: string, seconds: number) =>
        Stream.runDrain(
          Client.stream(
            Array.from({ length: 100 }, (_, n) => n),
            (n) => n === 0 ? Effect.sleep(`${seconds} seconds`) : n % 10 === 1 ? Effect.fail("odd") : Effect.succeed(n),
            { batch: 10, mode: "collect", name, outstanding: 100 }
          )
        )
      const program = Effect.andThen(items("first", 1), items("second", 6))
      const fiber = yield* Effect.forkChild(ProgressBar.show(program, { output: log }))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(fiber)
      const lines = log.written.map((line) =>
        line.split("; ").slice(1).map((part) => part.trim().replace(/, [\d.]+\/s.*/, ""))
      )
      assert.deepStrictEqual(lines[0], ["stream first: 100/100 (100%), 10 failed", "stream second: 0/100 (0%)"])
      assert.lengthOf(lines.flat().filter((part) => part.startsWith("stream first")), 1)
      assert.deepStrictEqual(lines.at(-1), ["stream second: 100/100 (100%), 10 failed"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("V6: without a terminal, lines are written now and then when something has changed, and a last one", () =>
    Effect.gen(function*() {
      const log = terminal(false)
      const fiber = yield* Client.compute(sleeps(12)).pipe(ProgressBar.show({ output: log }), Effect.forkChild)
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual((yield* Fiber.join(fiber)).length, 12)
      assert.deepStrictEqual(log.written, [
        "4/12 tasks (33%), 1 running, 5.0s, 0.8/s\n",
        "9/12 tasks (75%), 1 running, 10.0s, 0.9/s\n",
        "12/12 tasks (100%), 12.0s, 1.0/s\n"
      ])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("V6: a terminal that says that it has no columns is drawn on as one of 80", () =>
    Effect.gen(function*() {
      const screen = { ...terminal(true), columns: 0, rows: 0 }
      const effect = Client.compute(sleeps(1))
      const fiber = yield* Effect.forkChild(ProgressBar.show(effect, { output: screen, colors: false }))
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(fiber)
      assert.include(stripVTControlCharacters(screen.written.at(-1)!), "100% 1/1")
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("V6: in a terminal the frame is drawn anew in place and the last one stays", () =>
    Effect.gen(function*() {
      const screen = terminal(true)
      const effect = Client.compute(sleeps(2))
      const fiber = yield* Effect.forkChild(
        ProgressBar.show(effect, { output: screen, interval: "500 millis", colors: false })
      )
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(fiber)
      const frames = screen.written.map(stripVTControlCharacters)
      assert.include(frames[0], "0/2 0.5s")
      assert.include(frames.at(-1), "100% 2/2 2.0s 1.0/s\n")
      assert.include(screen.written.at(-1), "\u001B[2K")
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("V6: with workers the frame shows what each does, and the last one how busy it was", () =>
    Effect.gen(function*() {
      const screen = terminal(true)
      const tasks = ["a", "b", "c"].map((key) => Task.make(Effect.sleep("1 second"), { key }))
      const fiber = yield* Client.compute(tasks).pipe(
        ProgressBar.show({ output: screen, interval: "500 millis", colors: false, workers: true }),
        Effect.forkChild
      )
      yield* TestClock.adjust("900 millis")
      const lines = stripVTControlCharacters(screen.written.at(-1)!).trim().split("\n").slice(-2)
      assert.match(lines[0]!, /^w1 +█+ 100% busy 0 done [abc]$/)
      assert.match(lines[1]!, /^w2 +█+ 100% busy 0 done [abc]$/)
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(fiber)
      const last = stripVTControlCharacters(screen.written.at(-1)!).trim().split("\n").slice(-2)
      assert.match(last[0]!, /^w1 +█+ 100% busy 2 done idle$/)
      assert.match(last[1]!, /^w2 +█+░+ {2}50% busy 1 done idle$/)
    }).pipe(inScheduler({ workers: [{ id: "w1", concurrency: 1 }, { id: "w2", concurrency: 1 }] })))

  it.effect("V6: what the effect prints through Effect's console stays above the bar", () =>
    Effect.gen(function*() {
      const screen = terminal(true)
      const task = Effect.andThen(Effect.sleep("1 second"), Console.log("half way"))
      const work = Client.compute([Task.make(task), ...sleeps(1)])
      const fiber = yield* work.pipe(
        ProgressBar.show({ output: screen, colors: false }),
        Effect.provideService(Console.Console, { ...console, log: (text: string) => screen.write(`${text}\n`) }),
        Effect.forkChild
      )
      yield* TestClock.adjust("1500 millis")
      const at = screen.written.indexOf("half way\n")
      assert.isAbove(at, 0)
      // Erased, printed, drawn again as it was.
      assert.include(screen.written[at - 1], "\u001B[1A")
      assert.strictEqual(stripVTControlCharacters(screen.written[at - 1]!).trim(), "")
      assert.include(stripVTControlCharacters(screen.written[at + 1]!), "total")
      yield* Fiber.interrupt(fiber)
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("an interruption leaves the last state", () =>
    Effect.gen(function*() {
      const screen = terminal(true)
      const fiber = yield* Client.compute(sleeps(2)).pipe(ProgressBar.show({ output: screen }), Effect.forkChild)
      yield* TestClock.adjust("1500 millis")
      yield* Fiber.interrupt(fiber)
      assert.include(stripVTControlCharacters(screen.written.at(-1)!), " 50% 1/2 1 cancelled 1.5s")
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("nothing is written when nothing runs, and a broken terminal harms nobody", () =>
    Effect.gen(function*() {
      const log = terminal(false)
      yield* ProgressBar.show(Effect.void, { output: log })
      assert.deepStrictEqual(log.written, [])
      const broken = {
        write: () => {
          throw new Error("EPIPE")
        }
      }
      assert.strictEqual(
        yield* ProgressBar.show(Client.compute(Task.make(Effect.succeed(1))), { output: broken }),
        1
      )
      const tty = { ...broken, isTTY: true }
      assert.strictEqual(yield* ProgressBar.show(Client.compute(Task.make(Effect.succeed(2))), { output: tty }), 2)
    }).pipe(inScheduler()))

  /** The standard error and the size of a terminal, as services. */
  const services = (isTerminal: boolean, columns: number) => {
    const texts: Array<string> = []
    const stderr = () => Sink.forEach((text: string | Uint8Array) => Effect.sync(() => texts.push(text.toString())))
    const none = Effect.die("not used")
    const terminal = Terminal.make({
      columns: Effect.succeed(columns),
      rows: Effect.succeed(24),
      size: none,
      readInput: none,
      readLine: none,
      display: () => none
    })
    const layer = Layer.mergeAll(
      Stdio.layerTest({ stderr, stderrIsTerminal: Effect.succeed(isTerminal) }),
      Layer.succeed(Terminal.Terminal, terminal)
    )
    return { texts, layer }
  }

  it.effect("V6: the bar is written to the Stdio in context, at the width of the Terminal in context", () =>
    Effect.gen(function*() {
      const { layer, texts } = services(true, 50)
      const fiber = yield* Client.compute(sleeps(2)).pipe(
        ProgressBar.show({ colors: false }),
        Effect.provide(layer),
        Effect.forkChild
      )
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(fiber)
      const last = stripVTControlCharacters(texts.findLast((text) => text.includes("2/2"))!)
      assert.include(last, "100% 2/2 2.0s 1.0/s")
      for (const line of last.split("\n")) assert.isBelow(widthOf(line), 50)
      assert.include(texts.join(""), "\u001B[2K")
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("V6: to a Stdio that is no terminal, lines are written", () =>
    Effect.gen(function*() {
      const { layer, texts } = services(false, 50)
      const bar = Client.compute(sleeps(2)).pipe(ProgressBar.show(), Effect.provide(layer))
      const fiber = yield* Effect.forkChild(bar)
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(texts, ["2/2 tasks (100%), 2.0s, 1.0/s\n"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("V6: on the Stdio of Node the bar is erased before the program prints, and is whole at the end", () =>
    Effect.gen(function*() {
      const written: Array<string> = []
      const stream = new Writable({
        highWaterMark: 1,
        write: (chunk, _, done) => {
          written.push(`${chunk}`)
          queueMicrotask(done)
        }
      })
      const stderr = () =>
        fromWritable({
          evaluate: () => stream,
          endOnDone: false,
          onError: (cause) => systemError({ module: "Stdio", method: "stderr", _tag: "Unknown", cause })
        })
      const task = Effect.andThen(Effect.sleep("1 second"), Console.log("half way"))
      const fiber = yield* Client.compute([Task.make(task), ...sleeps(1)]).pipe(
        ProgressBar.show({ colors: false }),
        Effect.provide(Stdio.layerTest({ stderr, stderrIsTerminal: Effect.succeed(true) })),
        Effect.provideService(Console.Console, { ...console, log: (text: string) => written.push(`${text}\n`) }),
        Effect.forkChild
      )
      yield* TestClock.adjust("1500 millis")
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      const at = written.indexOf("half way\n")
      assert.include(written[at - 1], "\u001B[1A")
      assert.include(stripVTControlCharacters(written[at + 1]!), "total")
      assert.include(stripVTControlCharacters(written.join("")), "100% 2/2")
    }).pipe(inScheduler({ concurrency: 1 })))
})
