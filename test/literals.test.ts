import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Client from "skein/Client"
import * as Dependency from "skein/Dependency"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import * as TaskGraph from "skein/TaskGraph"
import { Faults } from "skein/testing"
import * as Worker from "skein/Worker"
import { inScheduler, type Log, note } from "./harness.ts"

const one = Task.succeed(1)
const keyed = Task.withOptions(Task.succeed(2), { key: "two" })

const withoutWorkers = Effect.provide(Skein.layer({ workers: [], waitForWorkers: "1 hour" }))

describe("a literal", () => {
  it.effect("G2, W3: needs no worker, whether it is submitted, has a key, or is asked for in a shape or a graph", () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(one)
      assert.strictEqual(yield* Future.status(future), "succeeded")
      assert.deepStrictEqual(yield* Future.join(future), 1)
      assert.strictEqual(yield* Client.compute(keyed), 2)
      assert.deepStrictEqual(yield* Client.compute({ one, keyed, deep: [keyed] }), { one: 1, keyed: 2, deep: [2] })
      assert.deepStrictEqual(yield* Client.compute([one, keyed], { mode: "collect" }), [
        Exit.succeed(1),
        Exit.succeed(2)
      ])
      assert.deepStrictEqual(yield* Client.compute(TaskGraph.empty.pipe(TaskGraph.add("x", one))), { x: 1 })
      const futures = yield* Client.submitAll([keyed, one])
      assert.deepStrictEqual(yield* Future.joinAll(futures), [2, 1])
      const metadata = yield* Future.metadata(futures[0])
      assert.deepStrictEqual([metadata.status, metadata.worker, metadata.started, metadata.attempts], [
        "succeeded",
        undefined,
        undefined,
        []
      ])
      assert.isDefined(metadata.completed)
      assert.deepStrictEqual(yield* Future.replicate(futures[0], { copies: 2 }), [])
      assert.isFalse(yield* Future.settle(futures[1], Exit.succeed(3)))
    }).pipe(Effect.scoped, withoutWorkers))

  it.effect("N6: is joined by a body that keeps the only slot, and by one that returns it", () =>
    Effect.gen(function*() {
      const inner = Effect.flatMap(Client.submit(keyed), (future) => Worker.keepSlot(Future.join(future)))
      assert.strictEqual(yield* Client.compute(Task.make(Effect.scoped(inner))), 2)
      const flat = Task.flatMap(0, () => keyed)
      assert.strictEqual(yield* Client.compute(Task.map({ flat }, ({ flat }) => flat + 1)), 3)
      const future = yield* Client.submit(Task.flatMap(0, () => Task.flatMap(0, () => one), { key: "flat" }))
      assert.strictEqual(yield* Future.join(future), 1)
      const { attempts, worker } = yield* Future.metadata(future)
      assert.deepStrictEqual([worker, attempts.length], ["w1", 1])
      assert.deepStrictEqual(yield* Client.compute(Task.exit(keyed)), Exit.succeed(2))
      assert.strictEqual(yield* Client.compute(Task.make({ keyed }, ({ keyed }) => Effect.succeed(keyed * 2))), 4)
    }).pipe(Effect.scoped, Effect.provide(Skein.layer({ workers: [{ id: "w1", concurrency: 1 }] }))))

  it.effect("G11: waits for what it comes after, and fails as that does", () =>
    Effect.gen(function*() {
      const log: Log = []
      const before = Task.make(note(log, "before"))
      assert.strictEqual(yield* Client.compute(Task.withOptions(one, { after: before })), 1)
      assert.deepStrictEqual(log, ["before"])
      const refused = yield* Effect.exit(Client.compute(Task.withOptions(one, { after: Task.make(Effect.fail("no")) })))
      assert.isTrue(Exit.isFailure(refused))
      const any = Dependency.any([Task.make(Effect.never), keyed])
      assert.deepStrictEqual(yield* Client.compute(Task.map({ any }, ({ any }) => any.length)), 2)
    }).pipe(inScheduler({ concurrency: 3 })))

  it.effect("R1, W8: is in no cache, and is there after a loss", () =>
    Effect.gen(function*() {
      const cache = new Map<string, unknown>([["known", 5]])
      const known = Task.make(Effect.succeed(4), { key: "known" })
      const more = Task.map([known, keyed], ([a, b]) => a + b, { key: "sum" })
      assert.strictEqual(yield* Client.compute(more, { cache }), 7)
      assert.deepStrictEqual([...cache.keys()], ["known", "sum"])
      const future = yield* Client.submit(keyed)
      const flat = yield* Client.submit(Task.flatMap(0, () => keyed))
      yield* Future.join(flat)
      yield* Faults.loseWorker("w1")
      assert.deepStrictEqual(yield* Future.joinAll([future, flat]), [2, 2])
      const again = Task.make([future], ([n]) => Effect.succeed(n))
      assert.strictEqual(yield* Client.compute(again), 2)
      yield* Scheduler.rebalance
    }).pipe(
      Effect.scoped,
      Effect.provide(Skein.layer({ workers: [{ id: "w1", concurrency: 1 }, { id: "w2", concurrency: 1 }] }))
    ))

  it.effect("F8: named as lost it is there again, and its dependent runs anew", () =>
    Effect.gen(function*() {
      let runs = 0
      const task = Task.make([keyed], ([two]) => ++runs === 1 ? Worker.dependenciesLost(keyed) : Effect.succeed(two))
      assert.deepStrictEqual([yield* Client.compute(task), runs], [2, 2])
    }).pipe(inScheduler({ concurrency: 1 })))
})
