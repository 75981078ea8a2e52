import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as fs from "node:fs"
import { inspect } from "node:util"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as SkeinError from "skein/SkeinError"
import * as Task from "skein/Task"
import { inScheduler } from "./harness.ts"
import { causeOf, errorOf, onlyError } from "./support.ts"

class Silent extends Data.TaggedError("Silent")<{}> {}

class HttpError extends Data.TaggedError("HttpError")<{ readonly status: number; readonly url: string }> {
  override get message(): string {
    return `${this.status} from ${this.url}`
  }
}

const get = (url: string): Effect.Effect<string, HttpError> =>
  Effect.gen(function* get() {
    return yield* new HttpError({ status: 503, url })
  })

const parse = (text: string): number => {
  if (text === "") throw new TypeError("empty line")
  return Number(text)
}

// flights -> clean -> delays, flights -> daily -> delays
const diamond = () => {
  const flights = Task.make(Effect.suspend(() => get("https://example.org/flights.csv")), {
    key: "flights",
    label: "download"
  })
  const clean = Task.map({ flights }, ({ flights }) => flights.trim(), { key: "clean" })
  const daily = Task.map({ flights }, ({ flights }) => flights.split("\n"), { key: "daily" })
  return Task.map({ clean, daily }, () => 0, { key: "delays", label: "report" })
}

const defective = () => {
  const row = Task.map("", function readRow(line) {
    return parse(line)
  }, { key: "row", label: "parse" })
  return Task.map({ row }, ({ row }) => row, { key: "sum" })
}

const several = () => Client.compute([defective(), diamond()], { mode: "continue" })

/** Frames with the name of their file alone: places move. */
const normal = (text: string): string => text.replaceAll(/\(?(?:file:\/\/)?\/\S*\/([\w.-]+\.ts):\d+:\d+\)?/g, "($1)")

const rendered = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<string, never, R> =>
  Effect.map(causeOf(effect), (cause) => normal(SkeinError.pretty(cause)))

/** The examples of the page, in order. */
const examples = Array.from(
  fs.readFileSync(new URL("../docs/failures.md", import.meta.url), "utf8").matchAll(/```text\n(.*?)\n```/gs),
  ([, text]) => normal(text!)
)

describe("pretty", () => {
  it.effect("F12: a typed failure reads as the first example of the page says", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* rendered(Client.compute(diamond())), examples[0])
    }).pipe(inScheduler()))

  it.effect("F12: a defect reads as the second example of the page says", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* rendered(Client.compute(defective())), examples[1])
    }).pipe(inScheduler()))

  it.effect("F4: several failures read as the third example of the page says, one after the other", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* rendered(several()), examples[2])
    }).pipe(inScheduler()))

  it.effect("F12: a timeout, a cancellation and a failure of a child say where", () =>
    Effect.gen(function*() {
      const slow = Task.make(Effect.never, { key: "slow", timeout: "1 second" })
      const fiber = yield* Effect.forkChild(rendered(Client.compute(slow)))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(
        yield* Fiber.join(fiber),
        "TaskTimeout: An attempt of task \"slow\" took longer than its timeout of 1000 ms and was interrupted.\n" +
          "    where: attempt 1 of \"slow\" on worker \"local\", submitted by the program"
      )
      const x = yield* Client.submit(Task.make(Effect.never, { key: "x" }))
      const y = yield* Client.submit(Task.map({ x }, () => 0, { key: "y" }))
      yield* Future.cancel(x, { why: "no longer needed" })
      assert.match(
        yield* rendered(Future.join(y)),
        /^SkeinError: Task "[xy]" was cancelled by program: no longer needed/
      )
      const child = Task.make(Effect.suspend(() => get("b")), { key: "child" })
      const parent = Task.make(Effect.flatMap(Client.submit(child), Future.join), { key: "parent", label: "all" })
      assert.strictEqual(
        yield* rendered(Client.compute(parent)),
        "Task \"parent\" (all) failed, because \"child\" failed: HttpError: 503 from b\n" +
          "    path: child -> parent\n" +
          "    where: attempt 1 of \"child\" on worker \"local\", submitted by \"parent\"\n" +
          "  Caused by HttpError: 503 from b\n" +
          "      at get (rendering.test.ts)"
      )
    }).pipe(inScheduler()))

  it.effect("F12: errors that are not objects, causes of causes, and causes that no task had", () =>
    Effect.gen(function*() {
      const words = yield* rendered(Client.compute(Task.make(Effect.fail("no\nway"), { key: "x" })))
      assert.strictEqual(
        words,
        "Task \"x\" failed: no …\n    where: attempt 1 of \"x\" on worker \"local\", submitted by the program\n" +
          "  Caused by Error: no\n  way"
      )
      const long = yield* rendered(Client.compute(Task.make(Effect.die(new Error(`${"x".repeat(300)}\nway`)))))
      assert.match(long.split("\n")[0]!, /xx …$/)
      assert.notInclude(long, "… …")
      const deep = new Error("outer", { cause: new RangeError("inner") })
      const lines = (yield* rendered(Client.compute(Task.make(Effect.fail(deep), { key: "x" })))).split("\n")
      assert.deepStrictEqual(lines.filter((line) => line.startsWith("  Caused by")), [
        "  Caused by Error: outer",
        "  Caused by RangeError: inner"
      ])
      assert.match(SkeinError.pretty(Cause.fail(new Error("elsewhere"))), /^Error: elsewhere\n {4}at /)
      assert.match(SkeinError.pretty(Cause.interrupt(1)), /interrupted/)
      assert.strictEqual(SkeinError.pretty(Cause.empty), "")
    }).pipe(inScheduler()))

  it.effect("F12: what is no error is told in the first line alone, and an error without a message by its name", () =>
    Effect.gen(function*() {
      for (
        const [error, text] of [["no", "no"], [undefined, "undefined"], [5n, "5n"], [{ a: 1 }, `{"a":1}`]] as const
      ) {
        const words = yield* rendered(Client.compute(Task.make(Effect.fail(error), { key: "x" })))
        assert.strictEqual(
          words,
          `Task "x" failed: ${text}\n    where: attempt 1 of "x" on worker "local", submitted by the program`
        )
        const y = Task.map(Task.make(Effect.fail(error), { key: "x" }), () => 0, { key: "y" })
        assert.notInclude(yield* rendered(Client.compute(y)), "Caused by")
      }
      const mute = yield* rendered(Client.compute(Task.make(Effect.suspend(() => Effect.fail(new Silent())))))
      assert.match(mute, /failed: Silent\n/)
      assert.match(mute, /\n {2}Caused by Silent\n {6}at /)
    }).pipe(inScheduler()))

  it.effect("F12: a path of 10,000 keys is printed without its middle, and whole in the error", () =>
    Effect.gen(function*() {
      let last: Task.Task<number, any> = Task.make(Effect.fail("no"), { key: "k0" })
      for (let i = 1; i < 10_000; i++) last = Task.map(last, () => 0, { key: `k${i}` })
      const cause = yield* causeOf(Client.compute(last))
      const error = onlyError(cause) as SkeinError.DependencyFailed<string>
      assert.lengthOf(error.path, 10_000)
      const path = "path: k0 -> k1 -> k2 -> k3 -> … 9992 more … -> k9996 -> k9997 -> k9998 -> k9999\n"
      for (const text of [SkeinError.pretty(cause), Cause.pretty(cause), inspect(error), error.stack!]) {
        assert.include(text, path)
        assert.isBelow(text.length, 1000)
      }
    }).pipe(inScheduler()))
})

describe("other printers", () => {
  it.effect("F12: Cause.pretty shows the path, the place and the user's own error", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        normal(Cause.pretty(yield* causeOf(Client.compute(diamond())))),
        "DependencyFailed: Task \"delays\" (report) did not start, because \"flights\" (download) failed: " +
          "HttpError: 503 from https://example.org/flights.csv\n" +
          "    path: flights -> clean -> delays\n" +
          "    where: attempt 1 of \"flights\" on worker \"local\", submitted by the program {\n" +
          "  [cause]: HttpError: 503 from https://example.org/flights.csv\n" +
          "      at get (rendering.test.ts)\n}"
      )
    }).pipe(inScheduler()))

  it.effect("F12: Cause.pretty shows tasks as frames under a defect, and none of the scheduler's own", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        normal(Cause.pretty(yield* causeOf(Client.compute(defective())))),
        "TypeError: empty line\n    at parse (rendering.test.ts)\n    at readRow (rendering.test.ts)\n" +
          "    at task \"row\" (parse), attempt 1 on worker \"local\", submitted by the program\n    at task \"sum\""
      )
    }).pipe(inScheduler()))

  it.effect("F12: the frames of the effects that asked stay, below the tasks", () =>
    Effect.gen(function*() {
      const ask = Effect.fn("ask")(function*() {
        return yield* Client.compute(defective())
      })
      assert.match(Cause.pretty(yield* causeOf(ask())), /at task "sum"\n {4}at ask \(/)
    }).pipe(inScheduler()))

  it.effect("F12: console.log shows what pretty does, and JSON the facts", () =>
    Effect.gen(function*() {
      const error = yield* errorOf(Client.compute(diamond()))
      assert.strictEqual(normal(inspect(error)), examples[0])
      assert.deepStrictEqual(JSON.parse(JSON.stringify(error)), {
        _tag: "DependencyFailed",
        message: (error as Error).message,
        key: "delays",
        label: "report",
        root: "flights",
        path: ["flights", "clean", "delays"],
        error: { _tag: "HttpError", status: 503, url: "https://example.org/flights.csv" }
      })
      const far: unknown = new RangeError("far")
      const plain = yield* errorOf(Client.compute(Task.map(Task.make(Effect.fail(far)), () => 0)))
      assert.deepInclude(JSON.parse(JSON.stringify(plain)), { error: { name: "RangeError", message: "far" } })
    }).pipe(inScheduler()))

  it.effect("F12: what Node prints of an uncaught failure has the user's error as its cause and no internals", () =>
    Effect.gen(function*() {
      const error = yield* errorOf(Client.compute(diamond()))
      const text = inspect(error, { customInspect: false, depth: 5 })
      assert.include(text, "[cause]: Error [HttpError]: 503 from https://example.org/flights.csv\n      at get (")
      assert.notMatch(text, /internal|node_modules|reasons/)
    }).pipe(inScheduler()))

  it.effect("F2: the cause of DependencyFailed is a cause to Effect, and an error to everything else", () =>
    Effect.gen(function*() {
      const error = yield* errorOf(Client.compute(diamond()))
      assert.instanceOf(error, SkeinError.DependencyFailed)
      const { cause } = error
      assert.isTrue(Cause.isCause(cause))
      assert.strictEqual(onlyError(cause), SkeinError.root(error))
      assert.strictEqual(onlyError(yield* causeOf(Effect.failCause(cause))), SkeinError.root(error))
      assert.instanceOf(cause, Error)
      assert.strictEqual((cause as unknown as Error).name, "HttpError")
      assert.isTrue(Cause.isCause(Cause.map(cause, String)))
    }).pipe(inScheduler()))

  it("F12: an error of the scheduler takes no frames down", () => {
    const before = Error.stackTraceLimit
    const error = new SkeinError.TaskTimeout({ key: "x", of: "attempt", millis: 1 })
    assert.strictEqual(error.stack, `TaskTimeout: ${error.message}`)
    assert.strictEqual(Error.stackTraceLimit, before)
  })
})
