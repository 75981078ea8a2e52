import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { Gate, Leftovers } from "skein/testing"

describe("Gate", () => {
  it.effect("T4: holds what comes until it is opened, counts it, and stays open", () =>
    Effect.gen(function*() {
      const gate = yield* Gate.make
      const log: Array<number> = []
      const fibers = yield* Effect.forEach([1, 2], (n) =>
        Effect.forkChild(Gate.hold(Effect.sync(() => log.push(n)), gate)))
      yield* Gate.arrived(gate, 2)
      assert.deepStrictEqual([gate.arrivals, log], [2, []])
      yield* Gate.open(gate)
      yield* Effect.forEach(fibers, Fiber.join)
      yield* Gate.wait(gate)
      assert.deepStrictEqual([gate.arrivals, log], [3, [1, 2]])
    }))

  it.effect("T4: openOnce lets the first go that came, and says whether there was one", () =>
    Effect.gen(function*() {
      const gate = yield* Gate.make
      const log: Array<number> = []
      for (const n of [1, 2]) {
        yield* Effect.forkChild(Gate.hold(gate)(Effect.sync(() => log.push(n))), { startImmediately: true })
      }
      assert.isTrue(yield* Gate.openOnce(gate))
      assert.deepStrictEqual(log, [1])
      assert.isTrue(yield* Gate.openOnce(gate))
      assert.isFalse(yield* Gate.openOnce(gate))
    }))

  it.effect("T4: an interrupted wait leaves nothing at the gate", () =>
    Effect.gen(function*() {
      const gate = yield* Gate.make
      const fiber = yield* Effect.forkChild(Gate.wait(gate), { startImmediately: true })
      const watcher = yield* Effect.forkChild(Gate.arrived(gate, 5), { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      yield* Fiber.interrupt(watcher)
      assert.deepStrictEqual([gate.held.size, gate.watchers.size], [0, 0])
    }))

  it.effect("T4: holds a worker: its only slot is taken until the gate opens", () =>
    Effect.gen(function*() {
      const gate = yield* Gate.make
      const blocker = yield* Client.submit(Task.make(Gate.wait(gate), { key: "blocker" }))
      const next = yield* Client.submit(Task.make(Effect.succeed(1), { key: "next" }))
      yield* Gate.arrived(gate)
      assert.deepStrictEqual([yield* Future.status(blocker), yield* Future.status(next)], ["running", "ready"])
      yield* Gate.open(gate)
      assert.strictEqual(yield* Future.join(next), 1)
    }).pipe(Effect.scoped, Effect.provide(Skein.layer({ concurrency: 1 }))))

  for (const tag of ["Start", "Stop", "Ended"] as const) {
    it.effect(`T4: holds ${tag} messages of one task; those of others pass by`, () => {
      const gate = Gate.makeUnsafe()
      return Effect.gen(function*() {
        const held = yield* Client.submit(Task.make(tag === "Stop" ? Effect.never : Effect.succeed(1), { key: "held" }))
        assert.strictEqual(yield* Client.compute(Task.make(Effect.succeed(2), { key: "free" })), 2)
        const cancelling = yield* Effect.forkChild(tag === "Stop" ? Future.cancel(held) : Effect.void)
        yield* Gate.arrived(gate)
        assert.strictEqual(yield* Future.status(held), tag === "Stop" ? "cancelled" : "running")
        yield* Gate.open(gate)
        yield* Fiber.join(cancelling)
        const exit = yield* Future.await(held)
        assert.strictEqual(Exit.isSuccess(exit), tag !== "Stop")
      }).pipe(
        Effect.scoped,
        Effect.andThen(Leftovers.assertNone),
        Effect.provide(Skein.layer({ concurrency: 2 })),
        Gate.holdMessages(gate, ({ _tag, key }) => _tag === tag && key === "held")
      )
    })
  }

  it.effect("T4: a task that is cancelled while its start is on its way never runs", () => {
    const gate = Gate.makeUnsafe()
    let starts = 0
    return Effect.gen(function*() {
      const future = yield* Client.submit(Task.make(Effect.sync(() => ++starts)))
      yield* Gate.arrived(gate)
      const cancelling = yield* Effect.forkChild(Future.cancel(future), { startImmediately: true })
      yield* Gate.open(gate)
      yield* Fiber.join(cancelling)
      assert.strictEqual(starts, 0)
    }).pipe(
      Effect.scoped,
      Effect.andThen(Leftovers.assertNone),
      Effect.provide(Skein.layer()),
      Gate.holdMessages(gate, ({ _tag }) => _tag === "Start")
    )
  })
})

describe("assertEmpty", () => {
  it.effect("T7: names every table that something is left in, and is silent when nothing is", () =>
    Effect.gen(function*() {
      yield* Leftovers.assertNone
      const left = yield* Effect.scoped(Effect.gen(function*() {
        yield* Client.submit(Task.make(Effect.never, { key: "k" }))
        return yield* Effect.flip(Leftovers.assertNone)
      }))
      assert.include(left.message, "1 left in owners of engine")
      assert.include(left.message, "1 left in fibers of local")
      assert.include(left.message, "1 slots of local are taken")
      yield* Leftovers.assertNone
      assert.deepStrictEqual((yield* Scheduler.dump).tasks, [])
    }).pipe(Effect.provide(Skein.layer())))
})
