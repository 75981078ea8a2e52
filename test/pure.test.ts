import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as fc from "fast-check"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Task from "skein/Task"
import { inScheduler, type Log, note } from "./harness.ts"
import { causeOf, errorsIn, submitErrorOf } from "./support.ts"

/** A pure function that logs its calls, and the key of a call. */
const logged = (log: Log, name = "f") =>
  Task.fn((..._: ReadonlyArray<unknown>): number => log.push(name), { pure: true, name })

const cacheOf = (results: Record<string, unknown>) => new Map(Object.entries(results))

const keyOf = (task: Task.Task<unknown, unknown>) => Effect.scoped(Effect.map(Client.submit(task), Future.key))

describe("pure", () => {
  it.effect("G9: equal pure calls of one submission run once", () =>
    Effect.gen(function*() {
      const log: Log = []
      const f = logged(log)
      const args = () => [1, "a", { b: [2, { c: null }] }] as const
      assert.deepStrictEqual(yield* Client.compute([f(...args()), f(...args()), { deep: f(...args()) }]), [1, 1, {
        deep: 1
      }])
      assert.lengthOf(log, 1)
    }).pipe(inScheduler()))

  it.effect("G9: equal pure calls run once across submissions while the run is live, and anew after", () =>
    Effect.gen(function*() {
      const log: Log = []
      const f = logged(log)
      const futures = [yield* Client.submit(f(1)), yield* Client.submit(f(1))]
      assert.deepStrictEqual(yield* Future.joinAll(futures), [1, 1])
      assert.strictEqual(yield* Client.compute(f(1)), 1)
      assert.deepStrictEqual(futures.map(Future.key), ["f(1)", "f(1)"])
      yield* Future.release(futures[0]!)
      yield* Future.release(futures[1]!)
      assert.strictEqual(yield* Client.compute(f(1)), 2)
    }).pipe(inScheduler()))

  it.effect("G9: pure: false never merges", () =>
    Effect.gen(function*() {
      const log: Log = []
      const f = Task.fn((_: number) => log.push("f"), { name: "f", pure: false })
      const g = Task.fn((_: number) => log.push("g"), { name: "g" })
      assert.deepStrictEqual(yield* Client.compute([f(1), f(1), g(1), g(1)]), [1, 2, 3, 4])
      const future = yield* Client.submit(f(1))
      assert.strictEqual(yield* Client.compute(f(1)), 6)
      assert.strictEqual(yield* Future.join(future), 5)
    }).pipe(inScheduler()))

  it.effect("G9: a pure function's name tells its calls from those of others", () =>
    Effect.gen(function*() {
      const log: Log = []
      function named(n: number): string {
        return `named ${n}`
      }
      assert.strictEqual(yield* keyOf(Task.fn(named, { pure: true })(1)), "named(1)")
      assert.strictEqual(yield* keyOf(logged(log)()), "f()")
      const calls = [logged(log, "f")(1), logged(log, "g")(1)]
      assert.deepStrictEqual(yield* Client.compute(calls), [1, 2])
    }).pipe(inScheduler()))

  it.effect("G9: a pure call shares its failure too", () =>
    Effect.gen(function*() {
      const log: Log = []
      const f = Task.fn((_: number) => Effect.andThen(note(log, "f"), Effect.fail("no")), { name: "f", pure: true })
      const cause = yield* causeOf(Client.compute([f(1), f(1), f(1)], { mode: "continue" }))
      assert.deepStrictEqual([errorsIn(cause), log], [["no"], ["f"]])
    }).pipe(inScheduler()))
})

describe("keys of pure calls", () => {
  const distinct: ReadonlyArray<unknown> = [
    0,
    -0,
    1,
    Number.NaN,
    Infinity,
    -Infinity,
    1n,
    -1n,
    0n,
    "1",
    "1n",
    "NaN",
    "",
    " ",
    true,
    false,
    "true",
    null,
    "null",
    undefined,
    "undefined",
    [],
    [[]],
    [undefined],
    new Array(1),
    new Array(2),
    [null],
    [1, 2],
    [[1], 2],
    [[1, 2]],
    ["1,2"],
    [-0],
    {},
    { a: undefined },
    { a: 1 },
    { a: "1" },
    { b: 1 },
    { a: 1, b: 1 },
    { "a\":1,\"b": 1 },
    [{ a: 1 }],
    "{\"a\":1}",
    new Date(0),
    new Date(1),
    new Date(Number.NaN),
    "Date(0)",
    new Map(),
    new Map([[1, 2]]),
    new Map([["1", 2]]),
    new Map([[1, 2], [3, 4]]),
    new Map([[{ a: 1 }, 2]]),
    "Map(1:2)",
    new Set(),
    new Set([1]),
    new Set(["1"]),
    new Set([1, 2]),
    new Set([[1, 2]]),
    new Uint8Array(1),
    new Uint8Array([1]),
    new Uint8Array([0, 1]),
    new Int8Array([1]),
    new Uint16Array([1]),
    new Float64Array([0]),
    new Float64Array([-0]),
    new DataView(new ArrayBuffer(1)),
    "\ud800",
    "\udc00",
    "\ud83d\ude00",
    "a\u0000b",
    "task(\"k\")",
    "future(1)",
    "\"",
    "\\",
    "\\\""
  ]

  it.effect("G9: distinct arguments never collide", () =>
    Effect.gen(function*() {
      const f = Task.fn((_: unknown, __?: unknown) => 0, { name: "f", pure: true })
      const calls: ReadonlyArray<Task.Task<number>> = [
        ...distinct.map((argument) => f(argument)),
        f(1, 2),
        f([1, 2], 3)
      ]
      const keys = yield* Effect.forEach(calls, keyOf)
      const seen = new Map<string, number>()
      for (const [i, key] of keys.entries()) {
        const other = seen.get(key)
        assert.isUndefined(other, `${key} is the key of arguments ${other} and ${i}`)
        seen.set(key, i)
      }
    }).pipe(inScheduler()))

  it.effect("G9: equal arguments have equal keys, whatever the order of keys and entries", () =>
    Effect.gen(function*() {
      const f = Task.fn((_: unknown) => 0, { name: "f", pure: true })
      const equal: ReadonlyArray<readonly [unknown, unknown]> = [
        [{ a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 }],
        [new Map<unknown, unknown>([[1, 2], ["a", { x: 1 }]]), new Map<unknown, unknown>([["a", { x: 1 }], [1, 2]])],
        [new Set([1, 2, 3]), new Set([3, 1, 2])],
        [Number.NaN, 0 / 0],
        [new Date(5), new Date(5)],
        [new Uint8Array([1, 2]), new Uint8Array([9, 1, 2, 9]).subarray(1, 3)]
      ]
      for (const [a, b] of equal) assert.strictEqual(yield* keyOf(f(a)), yield* keyOf(f(b)))
      const shared = { deep: [1] }
      assert.strictEqual(yield* keyOf(f([shared, shared])), yield* keyOf(f([{ deep: [1] }, { deep: [1] }])))
    }).pipe(inScheduler()))

  it.effect("G9: random plain data has equal keys exactly if it is equal", () =>
    Effect.gen(function*() {
      const f = Task.fn((_: unknown) => 0, { name: "f", pure: true })
      const anything = fc.anything({
        withBigInt: true,
        withDate: true,
        withMap: true,
        withSet: true,
        withSparseArray: true
      })
      const samples = fc.sample(anything, { seed: 20261121, numRuns: 400 })
      const keys = new Map<string, unknown>()
      for (const sample of samples) {
        const key = yield* keyOf(f(sample))
        if (keys.has(key)) assert.deepStrictEqual(keys.get(key), sample)
        keys.set(key, sample)
      }
      assert.isAbove(keys.size, 200)
    }).pipe(inScheduler()))

  it.effect("G9: long keys are shortened to a digest, and stay distinct and equal", () =>
    Effect.gen(function*() {
      const f = Task.fn((_: string) => 0, { name: "f", pure: true })
      const text = "x".repeat(1000)
      const keys = yield* Effect.forEach([`${text}a`, `${text}b`, `${text}a`], (argument) => keyOf(f(argument)))
      for (const key of keys) assert.match(key, /^f\([0-9a-f]{32}\)$/)
      assert.notStrictEqual(keys[0], keys[1])
      assert.strictEqual(keys[0], keys[2])
    }).pipe(inScheduler()))
})

describe("graphs of pure calls", () => {
  const pair = Task.fn((a: unknown, b: unknown) => [a, b], { name: "pair", pure: true })

  it.effect("G9: a call of a call is known by both, so equal graphs built twice run once", () =>
    Effect.gen(function*() {
      const log: Log = []
      const f = Task.fn((n: number) => Effect.as(note(log, `f(${n})`), n), { name: "f", pure: true })
      const build = () => pair(f(1), pair(f(2), f(1)))
      assert.deepStrictEqual(yield* Client.compute([build(), build()]), [[1, [2, 1]], [1, [2, 1]]])
      assert.sameMembers(log, ["f(1)", "f(2)"])
      const held = yield* Client.submit(build())
      assert.deepStrictEqual(yield* Client.compute([build(), f(3)]), [[1, [2, 1]], 3])
      assert.deepStrictEqual(yield* Future.join(held), [1, [2, 1]])
      assert.sameMembers(log, ["f(1)", "f(2)", "f(1)", "f(2)", "f(3)"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("G9: a pure call may have keyed tasks, futures and Task.succeed as arguments", () =>
    Effect.gen(function*() {
      const keyed = Task.make(Effect.succeed(1), { key: "k" })
      assert.strictEqual(yield* keyOf(pair(keyed, 2)), "pair(task(\"k\"),2)")
      assert.strictEqual(yield* keyOf(pair(Task.succeed(1), 2)), yield* keyOf(pair(1, 2)))
      const future = yield* Client.submit(Task.make(Effect.succeed(5)))
      const other = yield* Client.submit(Task.make(Effect.succeed(6)))
      assert.strictEqual(yield* keyOf(pair(future, 0)), yield* keyOf(pair(future, 0)))
      assert.notStrictEqual(yield* keyOf(pair(future, 0)), yield* keyOf(pair(other, 0)))
      assert.deepStrictEqual(yield* Client.compute(pair(future, other)), [5, 6])
      const conflict = yield* submitErrorOf(
        Client.compute([pair(1, 2), Task.make(Effect.succeed(0), { key: "pair(1,2)" })])
      )
      assert.strictEqual(conflict.reason._tag, "KeyConflict")
    }).pipe(inScheduler()))

  it.effect("G9: the members of a pure call with tuple are pure", () =>
    Effect.gen(function*() {
      let runs = 0
      const divide = Task.fn((a: number, b: number) => {
        runs++
        return [Math.floor(a / b), a % b] as const
      }, { name: "divide", tuple: 2, pure: true })
      const [q, r] = divide(17, 5)
      const [again] = divide(17, 5)
      assert.deepStrictEqual(yield* Client.compute([pair(q, r), pair(again, r)]), [[3, 2], [3, 2]])
      assert.strictEqual(runs, 1)
    }).pipe(inScheduler()))

  it.effect("G9: a chain of pure calls 10 000 deep runs, merges with its equal, and joins it while it is live", () =>
    Effect.gen(function*() {
      let runs = 0
      const step = Task.fn((n: number) => {
        runs++
        return n + 1
      }, { name: "step", pure: true })
      const chain = () => {
        let task: Task.Task<number, any> = step(0)
        for (let i = 1; i < 10_000; i++) task = step(task)
        return task
      }
      assert.deepStrictEqual(yield* Client.compute([chain(), chain()]), [10_000, 10_000])
      assert.strictEqual(runs, 10_000)
      const gate = yield* Deferred.make<number>()
      const start = Task.make(Deferred.await(gate), { key: "start" })
      const from = () => {
        let task: Task.Task<number, any> = start
        for (let i = 0; i < 10_000; i++) task = step(task)
        return task
      }
      const first = yield* Client.submit(from())
      const second = yield* Client.submit(from())
      const more = yield* Client.submit(step(from()))
      yield* Deferred.succeed(gate, 0)
      assert.deepStrictEqual(yield* Future.joinAll([first, second, more]), [10_000, 10_000, 10_001])
      assert.strictEqual(runs, 20_001)
    }).pipe(inScheduler()))
})

/** How many texts are shortened while a graph is submitted, and how many of those are keys. */
const digestsIn = (task: Task.Task<unknown, unknown>) =>
  Effect.gen(function*() {
    const { prototype } = TextEncoder
    const { encode } = prototype as { readonly encode: (text: string) => unknown }
    const keys = new Set<string>()
    let digests = 0
    yield* Scheduler.listen(({ key }) => {
      if (/\([0-9a-f]{32}\)$/.test(key)) keys.add(key)
    })
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        Reflect.set(prototype, "encode", function(this: unknown, text: string): unknown {
          digests++
          return encode.call(this, text)
        })
      }),
      () => Effect.sync(() => Reflect.set(prototype, "encode", encode))
    )
    yield* Client.compute(task)
    return { digests, keys: keys.size }
  }).pipe(Effect.scoped)

describe("what pure calls cost", () => {
  const load = Task.fn((n: number) => n, { pure: true, name: "load" })
  const add = Task.fn((a: number, b: number) => a + b, { pure: true, name: "add" })

  it.effect("G9: what the calls of a tree do is shortened for few of them, beside the keys that are", () =>
    Effect.gen(function*() {
      let row: ReadonlyArray<Task.Task<number, unknown>> = Array.from({ length: 64 }, (_, i) => load(i))
      while (row.length > 1) row = Array.from({ length: row.length / 2 }, (_, i) => add(row[2 * i]!, row[2 * i + 1]!))
      const { digests, keys } = yield* digestsIn(row[0]!)
      assert.isAbove(keys, 5)
      assert.isAtMost(digests - keys, 6)
    }).pipe(inScheduler()))

  it.effect("G9: what the calls of a chain do is shortened for few of them, beside the keys that are", () =>
    Effect.gen(function*() {
      let last: Task.Task<number, unknown> = load(0)
      for (let i = 1; i < 200; i++) last = add(last, i)
      const { digests, keys } = yield* digestsIn(last)
      assert.isAbove(keys, 40)
      assert.isAtMost(digests - keys, 14)
    }).pipe(inScheduler()))
})

describe("cache", () => {
  it.effect("R1: a task whose key is in the cache does not run, nor does anything above it", () =>
    Effect.gen(function*() {
      const log: Log = []
      const a = Task.make(note(log, "a"), { key: "a" })
      const b = Task.make({ a }, ({ a }) => Effect.as(note(log, "b"), `${a}b`), { key: "b" })
      const c = Task.make({ b }, ({ b }) => Effect.as(note(log, "c"), `${b}c`), { key: "c" })
      assert.strictEqual(yield* Client.compute(c, { cache: cacheOf({ b: "cached " }) }), "cached c")
      assert.deepStrictEqual(log, ["c"])
      assert.deepStrictEqual(
        yield* Client.compute([c, b, a] as ReadonlyArray<Task.Task<unknown, unknown>>, {
          cache: cacheOf({ a: 3, b: 2, c: 1 })
        }),
        [1, 2, 3]
      )
      assert.deepStrictEqual(log, ["c"])
    }).pipe(inScheduler()))

  it.effect("R1: falsy values in the cache are values", () =>
    Effect.gen(function*() {
      for (const value of [0, "", false, null, undefined, Number.NaN]) {
        const task = Task.make(Effect.die("never runs"), { key: "k" })
        const cache = new Map<string, unknown>([["k", value]])
        assert.deepStrictEqual(yield* Client.compute([task, Task.map(task, (k) => [k])], { cache }), [value, [value]])
      }
    }).pipe(inScheduler()))

  it.effect("R1: results of tasks with keys, automatic ones of pure calls too, are added to the cache when they succeed", () =>
    Effect.gen(function*() {
      const cache = new Map<string, unknown>()
      const one = Task.make(Effect.succeed(1), { key: "one" })
      const unkeyed = Task.map(one, (n) => n + 1)
      const f = Task.fn((n: number) => n * 10, { name: "f", pure: true })
      const g = Task.fn((n: unknown) => [n], { name: "g", pure: true })
      const failing = Task.make(Effect.fail("no"), { key: "failing" })
      const flat = Task.flatMap(one, (n) => Task.make(Effect.succeed(n + 6), { key: "inner" }), { key: "flat" })
      const nothing = Task.make(Effect.succeed(undefined), { key: "nothing" })
      yield* Effect.exit(Client.compute([unkeyed, f(3), g(one), flat, nothing, failing], { cache, mode: "continue" }))
      assert.deepStrictEqual(
        new Map([...cache].toSorted(([a], [b]) => a < b ? -1 : 1)),
        // "inner" names a task within the graph that flatMap returned, and is no key of the cache.
        new Map<string, unknown>([
          ["f(3)", 30],
          ["flat", 7],
          ["g(task(\"one\"))", [1]],
          ["nothing", undefined],
          ["one", 1]
        ])
      )
      const before = new Map(cache)
      assert.deepStrictEqual(yield* Client.compute([f(3), flat, nothing], { cache }), [30, 7, undefined])
      assert.deepStrictEqual(cache, before)
    }).pipe(inScheduler()))

  it.effect("R1: a pure call found in the cache does not run, nor does anything above it", () =>
    Effect.gen(function*() {
      const log: Log = []
      const cache = new Map<string, unknown>()
      const f = logged(log, "f")
      const g = Task.fn((n: number) => Effect.as(note(log, "g"), n * 10), { name: "g", pure: true })
      assert.strictEqual(yield* Client.compute(g(f(1)), { cache }), 10)
      assert.strictEqual(yield* Client.compute(g(f(1)), { cache }), 10)
      assert.deepStrictEqual(log, ["f", "g"])
      cache.delete("g(task(\"f(1)\"))")
      assert.strictEqual(yield* Client.compute(g(f(1)), { cache }), 10)
      assert.deepStrictEqual(log, ["f", "g", "g"])
    }).pipe(inScheduler()))

  it.effect("R1: submit takes a cache too, and a task that came from it is the same task for others", () =>
    Effect.gen(function*() {
      const task = Task.make(Effect.succeed("run"), { key: "k" })
      const cache = new Map<string, unknown>([["k", "cached"]])
      const first = yield* Client.submit(task, { cache })
      const second = yield* Client.submit(task)
      const [third] = yield* Client.submitAll([Task.map({ task }, ({ task }) => task)], { cache })
      assert.deepStrictEqual(yield* Future.joinAll([first, second, third]), ["cached", "cached", "cached"])
      const other = Task.make(Effect.succeed("other"), { key: "k" })
      assert.deepStrictEqual([yield* Client.compute(other, { cache }), yield* Client.compute(other)], [
        "cached",
        "other"
      ])
      const conflict = yield* submitErrorOf(
        Client.compute([Task.withOptions(task, { key: "x" }), Task.withOptions(task, { key: "x" })], {
          cache: cacheOf({ x: 1 })
        })
      )
      assert.strictEqual(conflict.reason._tag, "KeyConflict")
    }).pipe(inScheduler()))

  it.effect("R1: a live run is joined rather than read from the cache", () =>
    Effect.gen(function*() {
      const task = Task.make(Effect.succeed("run"), { key: "k" })
      yield* Client.submit(task)
      assert.strictEqual(yield* Client.compute(task, { cache: cacheOf({ k: "cached" }) }), "run")
    }).pipe(inScheduler()))

  it.effect("R1: a result is in the cache before the task's dependents start", () =>
    Effect.gen(function*() {
      const cache = new Map<string, unknown>()
      const a = Task.make(Effect.succeed(1), { key: "a" })
      const seen = Task.make({ a }, () => Effect.sync(() => cache.get("a")))
      assert.strictEqual(yield* Client.compute(seen, { cache }), 1)
    }).pipe(inScheduler()))

  it.effect("R1, V3: a cache that throws is not used again and never harms the run", () =>
    Effect.gen(function*() {
      const fail = (): never => {
        throw new Error("broken cache")
      }
      const nothing = { has: () => false, get: () => undefined, set: () => undefined }
      const inner = Task.make(Effect.succeed(1), { key: "inner" })
      const task = Task.flatMap(Task.make(Effect.succeed(0), { key: "a" }), () => inner, { key: "flat" })
      for (const method of ["has", "get", "set"] as const) {
        const cache = { ...nothing, has: () => method === "get", [method]: fail }
        assert.deepStrictEqual(yield* Client.compute({ task }, { cache }), { task: 1 })
      }
    }).pipe(inScheduler()))

  it.effect("R1: what is cancelled or fails leaves the cache alone", () =>
    Effect.gen(function*() {
      const cache = new Map<string, unknown>()
      const started = yield* Deferred.make<void>()
      const endless = Task.make(Effect.andThen(Deferred.succeed(started, undefined), Effect.never), { key: "endless" })
      const fiber = yield* Effect.forkChild(Client.compute(endless, { cache }))
      yield* Deferred.await(started)
      yield* Fiber.interrupt(fiber)
      assert.isTrue(Exit.isFailure(yield* Fiber.await(fiber)))
      yield* Effect.exit(Client.compute(Task.make(Effect.die("bug"), { key: "dead" }), { cache }))
      assert.deepStrictEqual(cache, new Map())
    }).pipe(inScheduler()))
})
