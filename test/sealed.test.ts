/** Results that come from workers elsewhere as bytes, over a link in memory: who opens them, how often, and what else they cost. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Client from "skein/Client"
import * as Dependency from "skein/Dependency"
import * as Future from "skein/Future"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { wayOf } from "../src/internal/portable/ways.ts"
import { isLarge } from "../src/internal/remote/weight.ts"
import { Sealed, type Sealer } from "../src/internal/workers/sealed.ts"
import { coreOf } from "../src/testing/internal/leftovers.ts"
import { sealer as real } from "../src/threads/internal/sealer.ts"
import { addRemote, restarts } from "./testing/addRemote.ts"
import { type Maker, memoryTransport, named, type Wire } from "./testing/memoryLink.ts"

/** Counts what is sealed at the far sides, and what is opened at either side. */
class Counting implements Sealer {
  sealed = 0
  openedThere = 0
  openedHere = 0
  readonly isWorth: Sealer["isWorth"]
  readonly near: Sealer
  private readonly damage: (bytes: Uint8Array) => Uint8Array

  constructor(isWorth: Sealer["isWorth"] = isLarge, damage = (bytes: Uint8Array) => bytes) {
    this.isWorth = isWorth
    this.damage = damage
    this.near = {
      ...real,
      open: (bytes) => {
        this.openedHere++
        return real.open(bytes)
      }
    }
  }

  seal = (value: unknown): Uint8Array => {
    const bytes = real.seal(value)
    this.sealed++
    return this.damage(bytes)
  }

  open = (bytes: Uint8Array): unknown => {
    this.openedThere++
    return real.open(bytes)
  }

  /** Sealed and opened at far sides, and opened at home. */
  get counts(): ReadonlyArray<number> {
    return [this.sealed, this.openedThere, this.openedHere]
  }
}

const addSealing = (makers: ReadonlyArray<Maker>, counting: Counting | undefined, id = "far") =>
  Effect.gen(function*() {
    const wires: Array<Wire> = []
    const transport = memoryTransport(makers, {
      sealer: counting,
      nearSealer: counting?.near,
      opened: (wire) => wires.push(wire)
    })
    yield* addRemote(transport, { id, labels: [id], terms: restarts })
    return wires
  })

const layer = Skein.layer({ workers: [{ id: "here", concurrency: 1 }], waitForWorkers: "1 minute", grace: "1 second" })

interface Row {
  readonly id: number
  readonly name: string
}

const rowsOf = (count: number): ReadonlyArray<Row> => Array.from({ length: count }, (_, id) => ({ id, name: `n${id}` }))

const many = 3000

const rows = named("rows", (count: number) => rowsOf(count))
const lastOf = named("lastOf", ([rows, plus]: readonly [ReadonlyArray<Row>, number]) => rows.at(-1)!.id + plus)
const lastIn = named("lastIn", ({ at: { rows } }: { at: { rows: ReadonlyArray<Row> } }) => rows.at(-1)!.id)
const whole = named("whole", (rows: ReadonlyArray<Row>) => rows.length)
const checked = named("checked", (count: number) => rowsOf(count), {
  success: wayOf(Schema.Array(Schema.Struct({ id: Schema.Number, name: Schema.Literal("n0") })))
})
const encoded = named("encoded", ([rows]: readonly [ReadonlyArray<Row>, unknown]) => rows.length, {
  payload: wayOf(Schema.Tuple([Schema.Array(Schema.Any), Schema.Option(Schema.Number)]))
})
const all: ReadonlyArray<Maker> = [rows, lastOf, lastIn, whole, checked, encoded]

/** Asks for a worker with this label. */
const on = (task: Task.Task<any, any>, label = "far", options: Task.Options = {}): Task.Task<any> =>
  Task.withOptions(task, { ...options, workers: { labels: [label] } }) as Task.Task<any>

describe("a large result", () => {
  it.effect("K7: goes from worker to worker as bytes, which nobody opens at home", () =>
    Effect.gen(function*() {
      const counting = new Counting()
      yield* addSealing(all, counting)
      const made = rows.task(many)
      const ends = yield* Client.compute([
        lastOf.task([made, 1]),
        lastIn.task({ at: { rows: made } }),
        whole.task(made),
        lastOf.task([made, 2])
      ])
      assert.deepStrictEqual(ends, [many, many - 1, many, many + 1])
      assert.deepStrictEqual(counting.counts, [1, 4, 0])
      // Its bytes are let go with it.
      assert.strictEqual(coreOf(Context.get(yield* Effect.context<Client.Client>(), Client.Client)).atHome.size, 0)
    }).pipe(Effect.provide(Skein.layer({ workers: [], waitForWorkers: "1 minute" }))))

  it.effect("K7: is opened at home once, by the first who reads it", () =>
    Effect.gen(function*() {
      const counting = new Counting()
      yield* addSealing(all, counting)
      const made = yield* Client.submit(on(rows.task(many)))
      const count = Task.map(made, (rows: ReadonlyArray<Row>) => rows.length)
      const exit = Task.map(Task.exit(made), (exit) => exit._tag)
      const rule = Task.map(Dependency.rule("allDone", [made]), () => "done")
      assert.deepStrictEqual(yield* Client.compute([count, exit, rule] as any), [many, "Success", "done"])
      assert.deepStrictEqual((yield* Future.join(made)) as unknown, rowsOf(many))
      yield* Future.await(made)
      assert.deepStrictEqual(counting.counts, [1, 0, 1])
    }).pipe(Effect.provide(layer)))

  it.effect("K7: is not opened for a task that only runs after it", () =>
    Effect.gen(function*() {
      const counting = new Counting()
      yield* addSealing(all, counting)
      const made = on(rows.task(many))
      const later = on(rows.task(1), "far", { after: [made] })
      assert.deepStrictEqual(yield* Client.compute(later), rowsOf(1))
      assert.deepStrictEqual(counting.counts, [1, 0, 0])
    }).pipe(Effect.provide(layer)))

  it.effect("K7, X2: is opened at home for a payload that must be encoded, and for a worker that takes no bytes", () =>
    Effect.gen(function*() {
      const counting = new Counting()
      yield* addSealing(all, counting)
      yield* addSealing(all, undefined, "plain")
      const made = yield* Client.submit(on(rows.task(many)))
      assert.strictEqual(yield* Client.compute(on(encoded.task([made, Option.none()]))), many)
      assert.strictEqual(yield* Client.compute(on(whole.task(made), "plain")), many)
      assert.deepStrictEqual(counting.counts, [1, 0, 1])
    }).pipe(Effect.provide(layer)))

  it.effect("F14: that its schema refuses fails its task, though nobody opens it at home", () =>
    Effect.gen(function*() {
      const counting = new Counting()
      yield* addSealing(all, counting)
      const error = yield* Effect.flip(Effect.sandbox(Client.compute(on(checked.task(many)))))
      assert.include(String(error), "The result of \"checked\" does not travel: at [1].name")
      assert.deepStrictEqual(counting.counts, [0, 0, 0])
    }).pipe(Effect.provide(layer)))

  it.effect("K7: with shared memory in it goes as it is", () => {
    const shares = named("shares", () => ({ rows: rowsOf(many), words: new Int32Array(new SharedArrayBuffer(8)) }))
    return Effect.gen(function*() {
      const counting = new Counting()
      yield* addSealing([shares], counting)
      const { rows, words } = yield* Client.compute(on(shares.task(0)))
      assert.instanceOf(words.buffer, SharedArrayBuffer)
      assert.deepStrictEqual(rows, rowsOf(many))
      assert.deepStrictEqual(counting.counts, [0, 0, 0])
    }).pipe(Effect.provide(layer))
  })

  it.effect("W20: survives the worker that made it, and is sent again to the next", () =>
    Effect.gen(function*() {
      const counting = new Counting()
      const wires = yield* addSealing(all, counting)
      const made = yield* Client.submit(on(rows.task(many)))
      yield* Future.await(made as never).pipe(Effect.timeout("1 second"), Effect.ignore)
      wires.at(-1)!.die("it died")
      assert.strictEqual(yield* Client.compute(on(whole.task(made))), many)
      assert.strictEqual(counting.sealed, 1)
    }).pipe(Effect.provide(layer)))

  it.effect("K7, W12: goes along when half of a line is taken back for another worker", () => {
    let open: () => void = () => {}
    const gate = Effect.callback<void>((resume) => {
      open = () => resume(Effect.void)
    })
    const door = named("door", () => Effect.as(gate, "open"))
    const makers = [...all, door]
    return Effect.gen(function*() {
      const counting = new Counting()
      yield* addSealing(makers, counting, "first")
      const made = yield* Client.submit(rows.task(many))
      yield* Future.await(made)
      const busy = yield* Client.submit(door.task(0))
      const lasts = yield* Client.submitAll(Array.from({ length: 8 }, (_, i) => lastOf.task([made, i])))
      yield* Effect.repeat(Effect.yieldNow, { times: 100 })
      // All eight are in the line of the first worker, whose only slot is taken.
      yield* addSealing(makers, counting, "second")
      yield* Effect.repeat(Effect.yieldNow, { times: 500 })
      const early = yield* Effect.forEach(lasts, (last) => Future.status(last))
      assert.isAtLeast(early.filter((status) => status === "succeeded").length, 4)
      open()
      assert.deepStrictEqual(yield* Future.joinAll(lasts), lasts.map((_, i) => many - 1 + i))
      assert.strictEqual(yield* Future.join(busy), "open")
      assert.deepStrictEqual(counting.counts, [1, 8, 1])
    }).pipe(Effect.scoped, Effect.provide(Skein.layer({ workers: [], waitForWorkers: "1 minute" })))
  })

  it.effect("K7: that does not open fails those who read it with Unreadable, here and elsewhere", () =>
    Effect.gen(function*() {
      const counting = new Counting(isLarge, (bytes) => bytes.subarray(0, bytes.length >> 1))
      yield* addSealing(all, counting)
      const made = yield* Client.submit(on(rows.task(many), "far", { key: "made" }))
      const reads = [
        Future.join(made),
        Client.compute(Task.map(made, () => 1)),
        Client.compute([made] as any),
        Client.compute(on(whole.task(made))),
        Client.compute(on(encoded.task([made, Option.none()])))
      ]
      for (const read of reads) {
        const { reason } = yield* Effect.flip(read as Effect.Effect<unknown, any>)
        assert.deepInclude(reason, { _tag: "Unreadable", key: "made" })
        assert.match(reason.message, /^The result of task "made" cannot be read: /)
      }
    }).pipe(Effect.provide(layer)))

  it.effect("K7: is not opened for a cache twice, and small ones are not sealed at all", () =>
    Effect.gen(function*() {
      const counting = new Counting()
      yield* addSealing(all, counting)
      const cache = new Map<string, unknown>()
      yield* Client.compute(on(rows.task(many), "far", { key: "k" }), { cache })
      assert.deepStrictEqual(cache.get("k"), rowsOf(many))
      yield* Client.compute(on(rows.task(10)))
      assert.deepStrictEqual(counting.counts, [1, 0, 1])
    }).pipe(Effect.provide(layer)))

  it("K7: counts with its bytes where results are measured", () => {
    const bytes = real.seal(rowsOf(10))
    assert.strictEqual(new Sealed({ key: "k", bytes }, real).size, bytes.byteLength)
  })
})

describe("what is large", () => {
  const deep = (depth: number): unknown => depth === 0 ? 1 : [deep(depth - 1), deep(depth - 1)]

  it("K7: a graph of 64 KiB by a look at a part of it, without its buffers", () => {
    const large = [
      rowsOf(many),
      { a: 1, rows: rowsOf(many) },
      new Map(rowsOf(many).map((row) => [row.id, row])),
      new Set(rowsOf(many)),
      Array.from({ length: 9000 }, (_, i) => i),
      "x".repeat(70_000),
      deep(12)
    ]
    const small = [1, undefined, null, "x", [], {}, rowsOf(100), new Float64Array(1e6), new ArrayBuffer(1e6), deep(5), {
      image: new Uint8Array(1e6),
      rows: rowsOf(10)
    }]
    assert.deepStrictEqual(large.map(isLarge), large.map(() => true))
    assert.deepStrictEqual(small.map(isLarge), small.map(() => false))
  })

  it("K7: the look is bounded, and harms nobody", () => {
    let looks = 0
    const counted = Array.from({ length: 10_000 }, () => ({
      get a() {
        looks++
        return "x"
      }
    }))
    assert.strictEqual(isLarge(counted), true)
    assert.isAtMost(looks, 16)
    const round: Array<unknown> = []
    round.push(round)
    assert.strictEqual(isLarge(round), true)
    const hostile = {
      get a() {
        throw new Error("no")
      }
    }
    assert.strictEqual(isLarge(hostile), false)
  })
})
