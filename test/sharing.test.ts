/** Large buffers on their way to workers elsewhere and back: what is copied, how often, what is shared, and what stays as it was. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Client from "skein/Client"
import * as Portable from "skein/Portable"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { copied, hasLargeBuffer, replaceLarge, viewOf } from "../src/internal/portable/buffers.ts"
import { addRemote, restarts } from "./testing/addRemote.ts"
import { type Maker, memoryTransport, named, type Wire } from "./testing/memoryLink.ts"

/** Two workers that serve these tasks, and the sharing of their scheduler. */
const addRemotes = (makers: ReadonlyArray<Maker>, shares = true, count = 2) =>
  Effect.gen(function*() {
    const wires: Array<Wire> = []
    const transport = memoryTransport(makers, { shares, opened: (wire) => wires.push(wire) })
    const ids = Array.from({ length: count }, (_, i) => `far${i}`)
    const [core] = yield* Effect.forEach(ids, (id) => addRemote(transport, { id, labels: ["far"], terms: restarts }))
    return { sharing: core!.sharing, wires }
  })

const layer = Skein.layer({ workers: [{ id: "here", concurrency: 1 }], waitForWorkers: "1 minute", grace: "1 second" })

const remoteAlone = Skein.layer({ workers: [], waitForWorkers: "1 minute", grace: "1 second" })

/** Lets everything happen that needs no time. */
const calm = Effect.repeat(Effect.yieldNow, { times: 100 })

const size = 20_000
const numbers = (first = 1): Float64Array<ArrayBuffer> => new Float64Array(size).fill(1).fill(first, 0, 1)

const kindOf = (view: ArrayBufferView): string => view.buffer instanceof SharedArrayBuffer ? "shared" : "own"

/** What a body sees of a buffer: its memory, that memory's length, and its first two numbers. */
const look = named("look", ([view]: readonly [Float64Array, unknown]) => [
  kindOf(view),
  view.buffer.byteLength,
  view[0],
  view[1]
])
const after = named("after", ([view, before]: readonly [Float64Array, number]) => before + view[0]!)
const make = named("make", (first: number) => numbers(first))
const lookIn = named("lookIn", ({ image: { data } }: { image: { data: Uint8Array } }) => [kindOf(data), data.length])

describe("a large buffer", () => {
  it.effect("K7: that several tasks take is copied once, and shared", () =>
    Effect.gen(function*() {
      const { sharing } = yield* addRemotes([look])
      const table = numbers(7)
      const ends = yield* Client.compute(Array.from({ length: 10 }, (_, i) => look.task([table, i])))
      assert.deepStrictEqual(ends, ends.map(() => ["shared", 8 * size, 7, 1]))
      assert.strictEqual(sharing.copies, 1)
      assert.strictEqual(table.length, size)
      yield* calm
      assert.strictEqual(sharing.held, 0)
      assert.isFalse(sharing.isUsed || sharing.hasIdle)
    }).pipe(Effect.provide(remoteAlone)))

  it.effect("K7: that one task takes comes as a copy of its own, and so does a part of one", () =>
    Effect.gen(function*() {
      const { sharing } = yield* addRemotes([look, lookIn])
      const table = numbers(7)
      const half = size / 2
      const parts = [table.subarray(0, half), table.subarray(half)]
      assert.deepStrictEqual(yield* Client.compute(look.task([table, 0])), ["own", 8 * size, 7, 1])
      assert.deepStrictEqual(yield* Client.compute(parts.map((part) => look.task([part, 0]))), [
        ["own", 4 * size, 7, 1],
        ["own", 4 * size, 1, 1]
      ])
      const data = Buffer.alloc(100_000)
      assert.deepStrictEqual(yield* Client.compute(lookIn.task({ image: { data } })), ["own", 100_000])
      assert.deepStrictEqual([table.length, data.length, sharing.copies], [size, 100_000, 0])
    }).pipe(Effect.provide(layer)))

  it.effect("K7: that a task has made is copied once for all that take it, and stays whole where it is read", () =>
    Effect.gen(function*() {
      const { sharing } = yield* addRemotes([look, make])
      const made = make.task(5)
      const here = Task.map(made, (view: Float64Array) => view[0])
      const looks = [1, 2, 3].map((i) => Task.withOptions(look.task([made, i]), { workers: { labels: ["far"] } }))
      const ends = yield* Client.compute([...looks, here, made])
      const there = ["shared", 8 * size, 5, 1]
      assert.deepStrictEqual(ends, [there, there, there, 5, numbers(5)])
      assert.strictEqual(sharing.copies, 1)
    }).pipe(Effect.provide(layer)))

  it.effect("K7: stays shared as long as tasks of its submission need it, one after the other", () =>
    Effect.gen(function*() {
      const { sharing } = yield* addRemotes([after])
      const table = numbers(1)
      let last: Task.Task<any, any> = after.task([table, 0])
      for (let i = 0; i < 9; i++) last = after.task([table, last])
      assert.strictEqual(yield* Client.compute(last), 10)
      // The first had a copy of its own.
      assert.strictEqual(sharing.copies, 1)
      yield* calm
      assert.strictEqual(sharing.held, 0)
    }).pipe(Effect.provide(layer)))

  it.effect("K7: that is written to between two computations arrives as it is then", () =>
    Effect.gen(function*() {
      const { sharing } = yield* addRemotes([look])
      const scratch = numbers()
      for (const first of [1, 2, 3]) {
        scratch[0] = first
        const ends = yield* Client.compute([look.task([scratch, 0]), look.task([scratch, 1])])
        assert.deepStrictEqual(ends.map(([, , first]) => first), [first, first])
      }
      assert.strictEqual(sharing.copies, 3)
    }).pipe(Effect.provide(layer)))

  it.effect("K7, F8: is there for the attempt after a death", () => {
    const gate = Deferred.makeUnsafe<void>()
    const waits = named("waits", ([view]: readonly [Float64Array, unknown]) => Effect.as(Deferred.await(gate), view[0]))
    return Effect.gen(function*() {
      const { sharing, wires } = yield* addRemotes([waits])
      const table = numbers(7)
      const tasks = [0, 1, 2].map((i) => waits.task([table, i]))
      const fiber = yield* Effect.forkChild(Client.compute(tasks))
      yield* calm
      assert.deepStrictEqual([sharing.copies, sharing.held], [1, 1])
      wires[0]!.die("it died")
      yield* calm
      yield* Deferred.succeed(gate, undefined)
      assert.deepStrictEqual(yield* Fiber.join(fiber), [7, 7, 7])
      yield* calm
      assert.strictEqual(sharing.held, 0)
    }).pipe(Effect.provide(layer))
  })

  it.effect("K7: is let go after a cancel", () => {
    const stays = named("stays", () => Effect.never)
    return Effect.gen(function*() {
      const { sharing } = yield* addRemotes([stays])
      const table = numbers(7)
      const fiber = yield* Effect.forkChild(Client.compute([0, 1, 2, 3].map((i) => stays.task([table, i]))))
      yield* calm
      assert.strictEqual(sharing.held, 1)
      yield* Fiber.interrupt(fiber)
      yield* calm
      assert.strictEqual(sharing.held, 0)
      assert.isFalse(sharing.isUsed || sharing.hasIdle)
    }).pipe(Effect.provide(layer))
  })

  it.effect("K7: that a body returns stays whole in its worker, and its copy is given away", () => {
    const kept = numbers(3)
    const gives = named("gives", () => ({ kept, length: kept.length }))
    return Effect.gen(function*() {
      const { wires } = yield* addRemotes([gives], true, 1)
      const first = yield* Client.compute(gives.task(0))
      const second = yield* Client.compute(gives.task(1))
      assert.deepStrictEqual([first, second], [{ kept, length: size }, { kept, length: size }])
      assert.notStrictEqual(first.kept.buffer, second.kept.buffer)
      const sent = wires[0]!.ups.flatMap((up) => up._tag === "Report" ? up.values as ReadonlyArray<any> : [])
      // Given away: empty where they were sent.
      assert.deepStrictEqual(sent.map(({ kept }) => kept.length), [0, 0])
      assert.strictEqual(kept.length, size)
    }).pipe(Effect.provide(layer))
  })

  it.effect("K7: in shared memory goes as it is, both ways", () => {
    const echo = named("echo", ([view]: readonly [Float64Array]) => {
      view[1] = 2
      return view
    })
    return Effect.gen(function*() {
      const { sharing } = yield* addRemotes([echo])
      const view = new Float64Array(new SharedArrayBuffer(8 * size))
      const back = yield* Client.compute(echo.task([view]))
      assert.strictEqual(view[1], 2)
      back[0] = 3
      assert.strictEqual(view[0], 3)
      assert.strictEqual(sharing.copies, 0)
    }).pipe(Effect.provide(layer))
  })

  it.effect("K7: is copied for each task where no memory is shared", () =>
    Effect.gen(function*() {
      const { sharing } = yield* addRemotes([look], false)
      const table = numbers(7)
      const ends = yield* Client.compute([look.task([table, 1]), look.task([table, 2])])
      const own = ["own", 8 * size, 7, 1]
      assert.deepStrictEqual<ReadonlyArray<unknown>>(ends, [own, own])
      assert.deepStrictEqual([sharing.copies, table.length], [0, size])
    }).pipe(Effect.provide(layer)))

  it.effect("K7, F9: that was given away is made again by its task for whoever takes it next", () => {
    let made = 0
    return Effect.gen(function*() {
      yield* addRemotes([look])
      const task = Task.make(Effect.sync(() => Portable.move(numbers(++made))))
      const first = look.task([task, 0])
      const [one, two] = yield* Client.compute([first, look.task([task, first])])
      assert.deepStrictEqual<ReadonlyArray<unknown>>([one, two], [["own", 8 * size, 1, 1], ["own", 8 * size, 2, 1]])
      assert.strictEqual(made, 2)
    }).pipe(Effect.provide(layer))
  })

  it.effect("K7: that a program gave away is gone for the next task, which says so", () =>
    Effect.gen(function*() {
      yield* addRemotes([look])
      const given = Portable.move(numbers())
      yield* Client.compute(look.task([given, 0]))
      const cause = yield* Effect.flip(Effect.sandbox(Client.compute(look.task([given, 1]))))
      assert.include(String(cause), "a buffer that Portable.move gave to a former attempt is gone")
    }).pipe(Effect.provide(layer)))
})

describe("a look for large buffers", () => {
  it("K7: finds them among arguments and in their fields, and in nothing else", () => {
    const large = new Uint8Array(70_000)
    class Own {
      readonly data = large
    }
    const yes = [large, large.buffer, [1, large], { a: large }, [{ a: large }], [[large]], { a: [large] }]
    const no = [
      1,
      null,
      "x",
      [],
      new Uint8Array(60_000),
      large.subarray(0, 100),
      new Uint8Array(new SharedArrayBuffer(70_000)),
      [[[large]]],
      new Own(),
      new Map([[1, large]]),
      Portable.move(new Uint8Array(70_000)),
      {
        get a() {
          throw new Error("no")
        }
      }
    ]
    assert.deepStrictEqual(yes.map(hasLargeBuffer), yes.map(() => true))
    assert.deepStrictEqual(no.map(hasLargeBuffer), no.map(() => false))
  })

  it("K7: replaces them in copies of what holds them", () => {
    const large = new Uint8Array(70_000)
    const value = { a: [large, { x: 1 }], b: large, c: { y: 2 } }
    const replaced = replaceLarge(value, () => new Uint8Array(1)) as typeof value
    assert.deepStrictEqual(value, { a: [large, { x: 1 }], b: large, c: { y: 2 } })
    assert.deepStrictEqual([replaced.a[0], replaced.b], [new Uint8Array(1), new Uint8Array(1)])
    assert.strictEqual(replaced.a[0], replaced.b)
    assert.strictEqual(replaced.c, value.c)
    assert.strictEqual(replaced.a[1], value.a[1])
  })

  it("K7: copies what a view shows, in the kind that a clone has", () => {
    const whole = new Uint8Array(200_000).fill(1)
    const part = copied(whole.subarray(100, 70_100)) as Uint8Array
    assert.deepStrictEqual([part.length, part.buffer.byteLength, part[0]], [70_000, 70_000, 1])
    assert.strictEqual(copied(Buffer.alloc(70_000)).constructor, Uint8Array)
    const kinds: ReadonlyArray<new(buffer: ArrayBuffer) => ArrayBufferView> = [Int16Array, BigInt64Array, DataView]
    for (const Kind of kinds) {
      assert.strictEqual(viewOf(new Kind(new ArrayBuffer(16)), new ArrayBuffer(8)).constructor, Kind)
    }
  })
})
