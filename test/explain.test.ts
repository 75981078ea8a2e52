import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import * as Worker from "skein/Worker"
import { explanationOf } from "./support.ts"

const because = (key: string) => Effect.map(explanationOf(key), (explanation) => explanation?.because)

/** Lets the pump carry out what it has. */
const settle = Effect.yieldNow

describe("explain", () => {
  it.effect("V11: explainAll says of each name what explain says, and leaves out what is not live", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<number>()
      const retried = Task.make(Effect.fail("no"), { key: "retried", retry: Schedule.spaced("1 minute") })
      const root = Task.make(Deferred.await(gate), { key: "root" })
      const rows = Array.from({ length: 5 }, (_, i) => Task.make(Effect.succeed(i), { key: `row${i}` }))
      const next = Task.map({ root }, ({ root }) => root, { key: "next" })
      const away = Task.make(Effect.succeed(1), { key: "away", workers: ["none"], waitForWorkers: "1 hour" })
      const automatic = yield* Client.submit(Task.map([root], () => 0, { label: "automatic" }))
      yield* Client.submitAll([retried, next, ...rows, away])
      // Another graph with the same key.
      yield* Client.submit(Task.make(Effect.succeed(0), { key: "row3" }))
      yield* settle
      const names = ["row3", "nobody", "root", "next", "retried", "row0", "away", "row4", automatic.key, "row3"]
      const explained = yield* Scheduler.explainAll(names)
      const each = yield* Effect.forEach(names, (name) => explanationOf(name))
      assert.deepStrictEqual(explained, each.filter((one) => one !== undefined))
      assert.strictEqual(explained[0]!.more, 1)
      const { graph, key } = explained.find(({ key }) => key === "row0")!
      const older = { key: "row3", graph }
      assert.deepStrictEqual(yield* Scheduler.explainAll([older, { key, graph }]), [
        (yield* explanationOf(older))!,
        (yield* explanationOf({ key, graph }))!
      ])
      const all = yield* Scheduler.explainAll()
      assert.deepStrictEqual(
        all.map(({ key }) => key).sort(),
        [...names.slice(2), "row1", "row2", "row3"].sort()
      )
    }).pipe(Effect.scoped, Effect.provide(Skein.layer({ concurrency: 1 }))))

  it.effect("V11: each state of a task has its reason", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<number>()
      const root = Task.make(Deferred.await(gate), { key: "root" })
      const next = Task.map({ root }, ({ root }) => root, { key: "next" })
      const queued = Task.make(Effect.succeed(1), { key: "queued" })
      const futures = yield* Client.submitAll([next, queued])
      yield* settle
      assert.deepStrictEqual(yield* because("root"), { _tag: "Running", worker: "local" })
      assert.deepStrictEqual(yield* because("next"), { _tag: "WaitsForDependencies", keys: ["root"] })
      assert.deepStrictEqual(yield* because("queued"), { _tag: "NoFreeSlot", ahead: 0, running: ["root"] })
      assert.isUndefined(yield* because("nobody"))
      yield* Deferred.succeed(gate, 5)
      assert.strictEqual(yield* Future.join(futures[0]), 5)
      assert.deepStrictEqual(yield* because("next"), { _tag: "Ended", reason: undefined })
    }).pipe(Effect.scoped, Effect.provide(Skein.layer({ concurrency: 1 }))))

  it.effect("V11: a body that waits names what it waits for, and one that rejoins what stands before it", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const hold = yield* Deferred.make<void>()
      const call = yield* Deferred.make<void>()
      const child = Task.make(Deferred.await(gate), { key: "child" })
      const parent = Task.make(Effect.flatMap(Client.submit(child), Future.join), { key: "parent" })
      yield* Client.submit(parent)
      yield* settle
      assert.deepStrictEqual(yield* because("parent"), { _tag: "GaveSlotAway", waitsFor: ["child"] })
      yield* Deferred.succeed(gate, undefined)
      yield* settle

      const away = Task.make(Worker.seceded(Deferred.await(call)), { key: "away" })
      yield* Client.submit(away)
      yield* settle
      yield* Client.submit(Task.make(Deferred.await(hold), { key: "holder" }))
      yield* settle
      assert.deepStrictEqual(yield* because("away"), { _tag: "GaveSlotAway", waitsFor: [] })
      yield* Deferred.succeed(call, undefined)
      yield* settle
      assert.deepStrictEqual(yield* because("away"), { _tag: "WaitsForSlot", worker: "local", ahead: 0 })
      yield* Deferred.succeed(hold, undefined)
      yield* settle
      assert.deepStrictEqual(yield* because("away"), { _tag: "Ended", reason: undefined })
    }).pipe(Effect.scoped, Effect.provide(Skein.layer({ concurrency: 1 }))))

  it.effect("V11: a task between two attempts says when the next is due; a flatMap task what it stands for", () =>
    Effect.gen(function*() {
      const failing = Task.make(Effect.fail("no"), { key: "failing", retry: Schedule.spaced("1 minute") })
      yield* Client.submit(failing)
      const inner = Task.make(Effect.never, { key: "inner" })
      yield* Client.submit(Task.flatMap({}, () => inner, { key: "outer" }))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* because("failing"), { _tag: "WaitsForRetry", at: 60_000 })
      assert.deepStrictEqual(yield* because("outer"), { _tag: "StandsFor", key: "inner" })
    }).pipe(Effect.scoped, Effect.provide(Skein.layer({ concurrency: 2 }))))
})
