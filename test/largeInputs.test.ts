import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Client from "skein/Client"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"

const rowsOf = (size: number) => Array.from({ length: size }, (_, id) => ({ id, tags: ["a", "b"] }))

const deeplyFrozen = <A>(value: A): A => {
  if (typeof value !== "object" || value === null) return value
  for (const each of Object.values(value)) deeplyFrozen(each)
  return Object.freeze(value)
}

/** The same object, and how often one of its members was read. */
const watched = <A extends object>(target: A): { readonly value: A; readonly reads: () => number } => {
  let reads = 0
  const value = new Proxy(target, {
    get: (target, key, receiver) => {
      if (typeof key === "string" && key !== "length") reads++
      return Reflect.get(target, key, receiver)
    }
  })
  return { value, reads: () => reads }
}

const sizeOf = (table: ReadonlyArray<unknown>): number => table.length

/** A look finds nothing in these, so the values must be those of a walk. */
const awkward: ReadonlyArray<readonly [string, (task: Task.Task<number>) => object]> = [
  [
    "a task under a getter of a frozen record",
    (task) => Object.freeze(Object.defineProperty({}, "x", { get: () => task, enumerable: true }))
  ],
  ["a task in a record without a prototype", (task) => Object.assign(Object.create(null), { x: task })],
  ["a task behind 40 rows", (task) => [...rowsOf(40), task]],
  ["a task before 40 rows", (task) => [task, ...rowsOf(40)]],
  ["a task at the fifth level", (task) => [{ a: { b: [1, { c: 1 }, task] } }]]
]

describe("large inputs", () => {
  it("G2: what is frozen at every level is searched once, by itself and beside other inputs", () => {
    const { reads, value } = watched(deeplyFrozen(rowsOf(1000)))
    for (const inputs of [value, [value, 1], { value }]) Task.map(inputs, () => 1)
    // The first member says at once whether all are tasks.
    assert.isAtMost(reads(), 1001)
  })

  it("G2: what is marked with Task.value is not searched, also when it changes later", () => {
    const { reads, value } = watched(rowsOf(1000))
    Task.map(Task.value(value), () => 1)
    Task.map([Task.value(value), Task.sync(() => 1)], () => 1)
    assert.isAtMost(reads(), 1)
  })

  it.effect("G2: what is frozen on the outside alone is searched each time, so a task that comes into it is found", () =>
    Effect.gen(function*() {
      const rows: Array<unknown> = rowsOf(100)
      const table = Object.freeze({ rows })
      assert.deepStrictEqual(yield* Client.compute(Task.map(table, ({ rows }) => rows.length)), 100)
      rows.push(Task.sync(() => 7))
      assert.strictEqual(yield* Client.compute(Task.map(table, ({ rows }) => rows.at(-1))), 7)
    }).pipe(Effect.provide(Skein.layer())))

  it.effect("G2: a frozen record whose accessor gives a task later is not taken for data", () =>
    Effect.gen(function*() {
      let given: unknown = 1
      const fields = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`f${i}`, i]))
      const record = Object.freeze(Object.defineProperty(fields, "x", { get: () => given, enumerable: true }))
      Task.map(record, () => 1)
      given = Task.sync(() => 7)
      assert.strictEqual(yield* Client.compute(Task.map(record, ({ x }) => x)), 7)
    }).pipe(Effect.provide(Skein.layer())))

  for (const [name, make] of awkward) {
    it.effect(`G2: ${name} is found`, () =>
      Effect.gen(function*() {
        const inputs = make(Task.sync(() => 7))
        const values = yield* Client.compute(Task.map(inputs, (values) => values))
        assert.include(JSON.stringify(values), "7")
      }).pipe(Effect.provide(Skein.layer())))
  }

  it.effect("G2: one warning names the cure when a large input is searched for the tenth time", () => {
    const logged: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => {
      if (logLevel === "Warn") logged.push(String(message))
    })
    const table = rowsOf(10_000)
    const other = rowsOf(10_000)
    const program = Effect.gen(function*() {
      for (let i = 0; i < 9; i++) yield* Client.compute(Task.map([table, i], ([table]) => sizeOf(table)))
      assert.deepStrictEqual(logged, [])
      for (let i = 0; i < 20; i++) yield* Client.compute(Task.map({ table, i }, ({ table }) => sizeOf(table)))
      for (let i = 0; i < 20; i++) yield* Client.compute(Task.map(other, sizeOf))
      yield* Effect.yieldNow
      assert.lengthOf(logged, 1)
      assert.match(logged[0]!, /An input of 50000 values .* 10 times.*Task\.value/)
    })
    return program.pipe(Effect.provide(Layer.provideMerge(Skein.layer(), Logger.layer([logger]))))
  })
})
