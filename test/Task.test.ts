import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import type { DependencyFailed } from "skein/SkeinError"
import * as Task from "skein/Task"
import * as TaskGraph from "skein/TaskGraph"
import { inScheduler, type Log, note } from "./harness.ts"
import { submitErrorOf } from "./support.ts"

class Name extends Context.Service<Name, string>()("Name") {}

const counted = () => {
  const count = { runs: 0 }
  return { count, body: Effect.sync(() => ++count.runs) }
}

describe("fn", () => {
  it.effect("G8: calling a wrapped function runs nothing until it is computed", () =>
    Effect.gen(function*() {
      const log: Log = []
      const f = Task.fn((name: string) => note(log, name))
      const both = Task.all([f("a"), f("b")])
      yield* Effect.yieldNow
      assert.deepStrictEqual(log, [])
      assert.deepStrictEqual(yield* Client.compute(both), ["a", "b"])
      assert.deepStrictEqual(log, ["a", "b"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("G8: a call given as an argument is an edge, also nested in arrays and records", () =>
    Effect.gen(function*() {
      const one = Task.fn(() => 1)()
      const sum = Task.fn((of: { readonly list: ReadonlyArray<number>; readonly more: number }, factor: number) =>
        (of.list.reduce((a, b) => a + b, 0) + of.more) * factor
      )
      assert.strictEqual(yield* Client.compute(sum({ list: [one, 2, one], more: one }, one)), 5)
      assert.strictEqual(
        yield* Client.compute(sum({ list: Task.succeed([1, 2]), more: 3 }, sum({ list: [], more: one }, 2))),
        12
      )
    }).pipe(inScheduler()))

  it.effect("G8: a function that returns an effect is run, one that returns a value gives it, and a throw is a defect", () =>
    Effect.gen(function*() {
      const effectful = Task.fn((n: number) => n > 0 ? Effect.succeed(n) : Effect.fail("negative"))
      assert.strictEqual(yield* Client.compute(effectful(1)), 1)
      assert.deepStrictEqual(yield* Effect.exit(Client.compute(effectful(-1))).pipe(Effect.map(Exit.isFailure)), true)
    }).pipe(inScheduler()))

  it.effect("G8: tuple splits a tuple, and the function runs once for all members", () =>
    Effect.gen(function*() {
      let runs = 0
      const divide = Task.fn((a: number, b: number) => {
        runs++
        return [Math.floor(a / b), a % b] as const
      }, { tuple: 2 })
      const [quotient, rest] = divide(17, 5)
      assert.deepStrictEqual(yield* Client.compute({ quotient, rest }), { quotient: 3, rest: 2 })
      assert.strictEqual(yield* Client.compute(Task.map([rest, quotient], ([r, q]) => q * 10 + r)), 32)
      assert.strictEqual(runs, 2)
      assert.deepStrictEqual(Task.fn(() => [] as const, { tuple: 0 })(), [])
    }).pipe(inScheduler()))

  it.effect("G8: options of a wrapped function are those of every call", () =>
    Effect.gen(function*() {
      const f = Task.fn((n: number) => n, { label: "load", priority: 3 })
      const futures = yield* Client.submitAll([f(1), f(2)])
      for (const future of futures) {
        assert.match(future.key, /^load#\d+$/)
        assert.strictEqual((yield* Future.metadata(future)).priority, 3)
      }
    }).pipe(inScheduler()))
})

describe("after", () => {
  it.effect("G11, D7: a task starts after those it comes after have ended, and gets no value from them", () =>
    Effect.gen(function*() {
      const log: Log = []
      const gate = yield* Deferred.make<void>()
      const first = Task.make(Effect.andThen(Deferred.await(gate), note(log, "first")))
      const b = Task.make({ n: 1 }, (values) => Effect.as(note(log, "b"), values), { after: [first, Task.succeed(0)] })
      const bare = Task.make(note(log, "bare"), { after: first })
      const fiber = yield* Effect.forkChild(Client.compute([b, bare]))
      yield* Effect.yieldNow
      assert.deepStrictEqual(log, [])
      yield* Deferred.succeed(gate, undefined)
      assert.deepStrictEqual(yield* Fiber.join(fiber), [{ n: 1 }, "bare"])
      assert.deepStrictEqual(log, ["first", "b", "bare"])
    }).pipe(inScheduler()))

  it.effect("G11: inputs of every shape stay as they are beside after", () =>
    Effect.gen(function*() {
      const one = Task.make(Effect.succeed(1))
      const after = { after: [Task.make(Effect.succeed("never seen")), Task.make(Effect.succeed("nor this"))] }
      const shapes = [one, [one], [one, one], { one }, { deep: [{ one }, 2] }, [], {}, 7, undefined]
      const values = [1, [1], [1, 1], { one: 1 }, { deep: [{ one: 1 }, 2] }, [], {}, 7, undefined]
      for (const [i, shape] of shapes.entries()) {
        assert.deepStrictEqual(yield* Client.compute(Task.all(shape as unknown, after)), values[i])
        const again = Task.withOptions(Task.map(shape as unknown, (seen) => seen), after)
        assert.deepStrictEqual(yield* Client.compute(again), values[i])
      }
    }).pipe(inScheduler()))

  it.effect("G11: the same task may be an input and come before", () =>
    Effect.gen(function*() {
      const { body, count } = counted()
      const one = Task.make(body)
      assert.deepStrictEqual(yield* Client.compute(Task.all([one, one], { after: [one, one] })), [1, 1])
      assert.strictEqual(count.runs, 1)
    }).pipe(inScheduler()))
})

describe("barrier", () => {
  const n = 30
  const m = 40
  const firsts = (body: (i: number) => Effect.Effect<number, string>) =>
    Array.from({ length: n }, (_, i) => Task.make(body(i), { key: `first ${i}` }))
  const seconds = (after: Task.Task<void, any> | ReadonlyArray<Task.Task<number, string>>) =>
    Array.from({ length: m }, (_, i) => Task.make(Effect.succeed(i), { key: `second ${i}`, after }))
  const edgesOf = (tasks: ReadonlyArray<Task.Task<unknown, unknown>>) =>
    TaskGraph.toJson(tasks).tasks.flatMap(({ after = [] }) => after).length

  it.effect("G12: n tasks before m others are n + m edges, and the results are the same", () =>
    Effect.gen(function*() {
      const succeed = (i: number) => Effect.succeed(i)
      const direct = seconds(firsts(succeed))
      const through = seconds(Task.barrier(firsts(succeed)))
      assert.strictEqual(edgesOf(direct), n * m)
      assert.strictEqual(edgesOf(through), n + m)
      assert.deepStrictEqual(yield* Client.compute(through), yield* Client.compute(direct))
      assert.strictEqual(yield* Client.compute(Task.barrier([])), undefined)
    }).pipe(inScheduler()))

  it.effect("G12: a failure before a barrier fails all behind it, with the same root and error", () =>
    Effect.gen(function*() {
      const fail = (i: number) => i === 7 ? Effect.fail("disk full") : Effect.succeed(i)
      const direct = seconds(firsts(fail))
      const through = seconds(Task.barrier(firsts(fail), { key: "barrier" }))
      for (const [tasks, path] of [[direct, []], [through, ["barrier"]]] as const) {
        const exits = yield* Client.compute(tasks, { mode: "collect" })
        for (const [i, exit] of exits.entries()) {
          const error = Option.getOrThrow(Exit.findErrorOption(exit)) as DependencyFailed<string>
          assert.strictEqual(error.root, "first 7")
          assert.strictEqual(error.error, "disk full")
          assert.deepStrictEqual(error.path, ["first 7", ...path, `second ${i}`])
        }
      }
    }).pipe(inScheduler()))
})

describe("identity", () => {
  it.effect("Identity: one Task object is one node within a submission, wherever it occurs", () =>
    Effect.gen(function*() {
      const { body, count } = counted()
      const one = Task.make(body)
      const shape = { one, again: [one, { one }], below: Task.map({ one }, ({ one }) => one) }
      assert.deepStrictEqual(yield* Client.compute(shape), { one: 1, again: [1, { one: 1 }], below: 1 })
      assert.strictEqual(count.runs, 1)
      const [a, b] = yield* Client.submitAll([one, one])
      assert.deepStrictEqual([yield* Future.join(a), yield* Future.join(b)], [2, 2])
      assert.strictEqual(a.key, b.key)
    }).pipe(inScheduler()))

  it.effect("Identity: without a key each submission is a new run, also while an earlier one is live", () =>
    Effect.gen(function*() {
      const { body } = counted()
      const task = Task.make(body)
      const first = yield* Client.submit(task)
      const second = yield* Client.submit(task)
      assert.deepStrictEqual([yield* Future.join(first), yield* Future.join(second)], [1, 2])
      assert.notStrictEqual(first.key, second.key)
      assert.strictEqual(yield* Client.compute(task), 3)
    }).pipe(inScheduler()))

  it.effect("Identity: with a key the same object joins the live run, running or ended, and runs anew after its release", () =>
    Effect.gen(function*() {
      const { body, count } = counted()
      const gate = yield* Deferred.make<void>()
      const task = Task.make(Effect.andThen(Deferred.await(gate), body), { key: "k" })
      const first = yield* Client.submit(task)
      const other = yield* Scope.make()
      const second = yield* Scope.provide(Client.submit(task), other)
      yield* Deferred.succeed(gate, undefined)
      assert.deepStrictEqual(yield* Future.joinAll([first, second]), [1, 1])
      assert.strictEqual(yield* Client.compute(Task.map({ task }, ({ task }) => task)), 1)
      assert.strictEqual(count.runs, 1)
      yield* Future.release(first)
      assert.strictEqual(yield* Client.compute(task), 1)
      yield* Scope.close(other, Exit.void)
      assert.strictEqual(yield* Client.compute(task), 2)
    }).pipe(inScheduler()))

  it.effect("Identity: other options make another task, with a key of its own or in conflict", () =>
    Effect.gen(function*() {
      const task = Task.make(Effect.succeed(1), { key: "k" })
      const renamed = Task.withOptions(task, { key: "other" })
      assert.deepStrictEqual(yield* Client.compute([task, renamed]), [1, 1])
      const error = yield* submitErrorOf(Client.compute([task, Task.withOptions(task, { label: "l" })]))
      assert.strictEqual(error.reason._tag, "KeyConflict")
    }).pipe(inScheduler()))

  it.effect("Identity: a run that is shared uses the context of its first submitter", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const name = Effect.andThen(Deferred.await(gate), Name.use(Effect.succeed))
      const task = Task.make(name, { key: "k" })
      const first = yield* Effect.provideService(Client.submit(task), Name, "first")
      const second = yield* Effect.provideService(Client.submit(task), Name, "second")
      yield* Deferred.succeed(gate, undefined)
      assert.deepStrictEqual(yield* Future.joinAll([first, second]), ["first", "first"])
    }).pipe(inScheduler()))

  it.effect("Identity: automatic keys count per scheduler", () =>
    Effect.gen(function*() {
      const keys = Effect.scoped(Effect.gen(function*() {
        const task = Task.make(Effect.succeed(1))
        const futures = [yield* Client.submit(task), yield* Client.submit(Task.withOptions(task, { label: "load" }))]
        return futures.map(Future.key)
      }))
      const fresh = () => Effect.provide(keys, Skein.layer(), { local: true })
      assert.deepStrictEqual(yield* fresh(), yield* fresh())
      assert.deepStrictEqual(yield* fresh(), ["task#1", "load#2"])
    }))
})

describe("inputs", () => {
  const one = Task.make(Effect.succeed(1))
  const seen = <I>(inputs: I) => Client.compute(Task.map(inputs, (values) => values))

  it.effect("G2: Task.succeed stands for its value in any place, runs nothing and holds nothing", () =>
    Effect.gen(function*() {
      const shape = { a: Task.succeed(1), b: [Task.succeed("x"), { c: Task.succeed(undefined) }] }
      assert.deepStrictEqual(yield* Client.compute(shape), { a: 1, b: ["x", { c: undefined }] })
      assert.deepStrictEqual(yield* seen(shape), { a: 1, b: ["x", { c: undefined }] })
      assert.strictEqual(yield* Client.compute(Task.succeed(null)), null)
      const future = yield* Client.submit(Task.succeed("alone"))
      assert.strictEqual(yield* Future.join(future), "alone")
    }).pipe(inScheduler()))

  it.effect("G2: plain data is handed over untouched and not copied", () =>
    Effect.gen(function*() {
      const data = Object.freeze({ rows: Object.freeze([1, 2]), deep: { map: new Map(), date: new Date(0) } })
      assert.strictEqual(yield* seen(data), data)
      const mixed = yield* seen({ data, one })
      assert.strictEqual(mixed.data, data)
      assert.strictEqual((yield* seen([data, [one]]))[0], data)
      for (
        const value of [
          new Map(),
          new Set(),
          new Date(),
          /x/,
          new Error("e"),
          Promise.resolve(),
          new Uint8Array(2),
          () => 1
        ] as ReadonlyArray<unknown>
      ) {
        assert.strictEqual((yield* seen({ value, one })).value, value)
        assert.strictEqual(yield* seen(value), value)
      }
    }).pipe(inScheduler()))

  it.effect("G2: Options and all else of Effect's that does nothing are values, and effects that are meant as such", () =>
    Effect.gen(function*() {
      const effect = Effect.succeed(1)
      const option = Option.some(one)
      const values = yield* seen({ effect: Task.value(effect), option, one })
      assert.strictEqual(values.effect, effect)
      assert.strictEqual(values.option, option)
    }).pipe(inScheduler()))

  it.effect("G2: strings that look like keys are strings", () =>
    Effect.gen(function*() {
      const keyed = Task.make(Effect.succeed("value"), { key: "k" })
      assert.deepStrictEqual(yield* seen({ keyed, name: "k", list: ["k", "task#1"] }), {
        keyed: "value",
        name: "k",
        list: ["k", "task#1"]
      })
    }).pipe(inScheduler()))

  it.effect("G2: sparse and empty arrays and records keep their shape", () =>
    Effect.gen(function*() {
      // oxlint-disable-next-line no-sparse-arrays
      const sparse = [one, , Task.make(Effect.succeed(3)), ,] as ReadonlyArray<unknown>
      const values = yield* seen(sparse)
      assert.deepStrictEqual([values.length, Object.keys(values), values[0], values[2]], [4, ["0", "2"], 1, 3])
      const computed = yield* Client.compute(sparse)
      assert.deepStrictEqual([computed.length, Object.keys(computed)], [4, ["0", "2"]])
      assert.deepStrictEqual(yield* seen(new Array<number>(3)), new Array<number>(3))
      assert.deepStrictEqual(yield* seen({ a: [], b: {}, one }), { a: [], b: {}, one: 1 })
      assert.deepStrictEqual(yield* seen([undefined, null, one]), [undefined, null, 1])
    }).pipe(inScheduler()))

  it.effect("G2: instances of a user's class are searched and keep their class", () =>
    Effect.gen(function*() {
      class Point {
        readonly x: unknown
        readonly y: unknown
        constructor(x: unknown, y: unknown) {
          this.x = x
          this.y = y
        }
        sum(): unknown {
          return (this.x as number) + (this.y as number)
        }
      }
      const given = new Point(one, 2)
      const values = yield* seen({ point: given })
      assert.instanceOf(values.point, Point)
      assert.strictEqual(values.point.sum(), 3)
      assert.strictEqual(given.x, one)
    }).pipe(inScheduler()))

  it.effect("G2: the order of keys and optional handles are kept", () =>
    Effect.gen(function*() {
      const shape: { z: unknown; t?: unknown; a: unknown; u: undefined } = { z: one, a: one, u: undefined }
      assert.deepStrictEqual(Object.entries(yield* Client.compute(shape)), [["z", 1], ["a", 1], ["u", undefined]])
      assert.deepStrictEqual(Object.entries(yield* seen(shape)), [["z", 1], ["a", 1], ["u", undefined]])
      const bare = Object.assign(Object.create(null), { one })
      assert.deepStrictEqual({ ...yield* seen(bare) }, { one: 1 })
    }).pipe(inScheduler()))

  it.effect("G2: a key named __proto__ is a key like any other", () =>
    Effect.gen(function*() {
      const shape = JSON.parse("{\"__proto__\": 0, \"b\": 0}") as Record<string, unknown>
      Object.defineProperty(shape, "__proto__", { value: one, enumerable: true, configurable: true, writable: true })
      for (const wrap of [(x: unknown) => x, (x: unknown) => [x, 2]]) {
        Object.defineProperty(shape, "b", { value: wrap(one), enumerable: true, configurable: true, writable: true })
        const values = yield* seen(shape)
        assert.deepStrictEqual(Object.entries(values), [["__proto__", 1], ["b", wrap(1)]])
        assert.strictEqual(Object.getPrototypeOf(values), Object.prototype)
      }
    }).pipe(inScheduler()))

  it.effect("G2: a task has the inputs of the moment it was made, also those in records and nested", () =>
    Effect.gen(function*() {
      const [a, b] = [Task.make(Effect.succeed("A")), Task.make(Effect.succeed("B"))]
      const record: Record<string, unknown> = { a, b }
      const nested = { x: [a], y: b as unknown, plain: { list: [] as Array<unknown> } }
      const tasks = [Task.all(record), Task.all(nested), Task.withOptions(Task.all(nested), { label: "again" })]
      delete record["a"]
      record["z"] = a
      nested.x.push(b)
      nested.y = 1
      nested.plain.list.push(b)
      const [fromRecord, fromNested, again] = yield* Client.compute(tasks)
      assert.deepStrictEqual(fromRecord, { a: "A", b: "B" })
      const expected = { x: ["A"], y: "B", plain: nested.plain }
      assert.deepStrictEqual([fromNested, again], [expected, expected])
    }).pipe(inScheduler()))

  it.effect("G2: a request has the shape of the moment it was made", () =>
    Effect.gen(function*() {
      const shape: Record<string, unknown> = {}
      shape["x"] = Task.sync(() => {
        delete shape["x"]
        return 1
      })
      shape["y"] = [Task.sync(() => 2)]
      assert.deepStrictEqual(yield* Client.compute(shape), { x: 1, y: [2] })
      const x = Task.make(Effect.succeed(1), { key: "arg" })
      const args: Array<unknown> = [x, [2]]
      const call = Task.fn((list: ReadonlyArray<unknown>) => list, { pure: true, name: "f" })(args)
      args.pop()
      const future = yield* Client.submit(call)
      assert.deepStrictEqual([future.key, yield* Future.join(future)], ["f([task(\"arg\"),[2]])", [1, [2]]])
    }).pipe(inScheduler()))

  it.effect("G3: duplicates are allowed anywhere in a request", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* Client.compute([one, one, { one, list: [one] }]), [1, 1, { one: 1, list: [1] }])
    }).pipe(inScheduler()))
})

describe("running", () => {
  it.effect("O5: higher priority runs sooner, equal ones in static order", () =>
    Effect.gen(function*() {
      const log: Log = []
      const named = (name: string, priority?: number) => Task.make(note(log, name), { priority })
      yield* Client.compute([named("low", -1), named("a"), named("high", 5), named("b"), named("higher", 5.5)])
      assert.deepStrictEqual(log, ["higher", "high", "a", "b", "low"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("O5: what a body submits has its task's priority unless told", () =>
    Effect.gen(function*() {
      const child = Effect.flatMap(Client.submit(Task.make(Effect.succeed(1))), Future.metadata)
      const { priority } = yield* Client.compute(Task.make(child, { priority: 7 }))
      assert.strictEqual(priority, 7)
    }).pipe(inScheduler()))

  it.effect("G7: only what the targets need runs", () =>
    Effect.gen(function*() {
      const log: Log = []
      const a = Task.make(note(log, "a"))
      const b = Task.make({ a }, () => note(log, "b"))
      Task.make({ b }, () => note(log, "c"))
      yield* Client.compute(b)
      assert.deepStrictEqual(log, ["a", "b"])
    }).pipe(inScheduler()))

  it.effect("G15: a chain 10 000 deep of tasks that complete synchronously runs, as inputs and as flatMaps", () =>
    Effect.gen(function*() {
      let task: Task.Task<number> = Task.make(Effect.succeed(0))
      for (let i = 0; i < 10_000; i++) task = Task.map(task, (n) => n + 1)
      assert.strictEqual(yield* Client.compute(task), 10_000)
      const down = (n: number): Task.Task<number, unknown> =>
        n === 0 ? Task.succeed(0) : Task.flatMap(n, (n) => down(n - 1))
      assert.strictEqual(yield* Client.compute(down(10_000)), 0)
    }).pipe(inScheduler()))

  it.effect("Task.run gives a task a scheduler of its own, with the options given", () =>
    Effect.gen(function*() {
      const workers = Task.make(Effect.map(Scheduler.stats, ({ workers }) => workers.map(({ id }) => id)))
      assert.deepStrictEqual(yield* Task.run(workers, { workers: [{ id: "w", concurrency: 1 }] }), ["w"])
    }))

  it.effect("F5: options added later count like those given at once", () =>
    Effect.gen(function*() {
      const never = Task.make(Effect.never, { key: "k" }).pipe(Task.withOptions({ timeout: "1 second", label: "l" }))
      const future = yield* Client.submit(never)
      yield* TestClock.adjust("1 second")
      const { key, label } = yield* Future.metadata(future)
      assert.deepStrictEqual([key, label, yield* Future.status(future)], ["k", "l", "failed"])
    }).pipe(inScheduler()))
})
