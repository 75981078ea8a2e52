import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Task from "skein/Task"
import { Faults } from "skein/testing"
import * as Worker from "skein/Worker"
import { endless, gate, inQuietScheduler, inScheduler, note, turns } from "./harness.ts"
import type { Log } from "./harness.ts"
import { causeOf, errorOf, errorsIn, infoOf, mistakeOf, reasonOf } from "./support.ts"

const where = Effect.map(Worker.current, ({ id }) => id)

const two = inScheduler({ workers: [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1 }] })

const calm = turns(20)

/** A body that keeps the slot of a worker. */
const on = (worker: string, body: Effect.Effect<unknown>) => Client.submit(Task.make(body, { workers: [worker] }))

/** Fails on one of the workers. */
const failingOn = (bad: string) =>
  Effect.filterOrFail(where, (worker) => worker !== bad, (worker) => `no ${worker}` as const)

const exits = <A, E>(found: ReadonlyMap<string, Exit.Exit<A, E>>) =>
  Array.from(found, ([worker, exit]) => [worker, Exit.isSuccess(exit) ? exit.value : errorsIn(exit.cause)[0]] as const)

describe("runOnEach", () => {
  it.effect("A15: runs once on every worker, at once, and gives the results by their names", () =>
    Effect.gen(function*() {
      const both = gate()
      const running = yield* Effect.forkChild(Scheduler.runOnEach(Effect.andThen(both.pass, where)))
      yield* both.arrived(2)
      yield* both.open
      assert.deepStrictEqual([...yield* Fiber.join(running)], [["a", "a"], ["b", "b"]])
      assert.strictEqual(both.count(), 2)
    }).pipe(two))

  it.effect("A15: it takes a slot, ahead of all that is ready", () =>
    Effect.gen(function*() {
      const log: Log = []
      const busy = gate()
      yield* on("a", busy.pass)
      yield* on("b", busy.pass)
      yield* busy.arrived(2)
      const waiting = yield* Client.submitAll(["x", "y"].map((name) => Task.make(note(log, name), { priority: 9 })))
      const running = yield* Effect.forkChild(Scheduler.runOnEach(Effect.flatMap(where, (name) => note(log, name))))
      yield* calm
      assert.deepStrictEqual(log, [])
      yield* busy.open
      yield* Fiber.join(running)
      yield* Future.joinAll(waiting)
      assert.deepStrictEqual(log.slice(0, 2).toSorted(), ["a", "b"])
    }).pipe(two))

  it.effect("A15: with failFast the first failure stops the others, and nothing of them is left", () =>
    Effect.gen(function*() {
      const log: Log = []
      const body = Effect.flatMap(where, (worker) => worker === "a" ? endless(log, worker) : Effect.fail("no" as const))
      const cause = yield* causeOf(Scheduler.runOnEach(body, { label: "check" }))
      assert.deepStrictEqual(errorsIn(cause), ["no"])
      assert.include(infoOf(cause)?.path[0], "check#")
      assert.deepStrictEqual(log, ["a starts", "a is finalized"])
    }).pipe(two))

  it.effect("A15: with continue all run to their end, and every failure is reported; with collect each has its exit", () =>
    Effect.gen(function*() {
      const cause = yield* causeOf(Scheduler.runOnEach(Effect.flatMap(where, Effect.fail), { mode: "continue" }))
      assert.deepStrictEqual(errorsIn(cause), ["a", "b"])
      const found = yield* Scheduler.runOnEach(failingOn("a"), { mode: "collect" })
      assert.deepStrictEqual(exits(found), [["a", "no a"], ["b", "b"]])
    }).pipe(two))

  it.effect("A15: interrupting it stops the runs and returns when they have stopped", () =>
    Effect.gen(function*() {
      const log: Log = []
      const running = yield* Effect.forkChild(Scheduler.runOnEach(endless(log, "it")))
      yield* calm
      yield* Fiber.interrupt(running)
      assert.deepStrictEqual(log, ["it starts", "it starts", "it is finalized", "it is finalized"])
    }).pipe(two))

  it.effect("A15: a run that has not begun when its worker leaves ends with NoSuitableWorker; one that has goes on", () =>
    Effect.gen(function*() {
      const busy = gate()
      const begun = gate()
      yield* on("a", busy.pass)
      yield* busy.arrived(1)
      const leaving = yield* Scope.make()
      yield* Scope.provide(Scheduler.addWorker({ id: "c", concurrency: 1 }), leaving)
      const running = yield* Effect.forkChild(
        Scheduler.runOnEach(Effect.andThen(begun.pass, where), { mode: "collect" })
      )
      yield* begun.arrived(2)
      yield* Scope.close(leaving, Exit.void)
      const retiring = yield* Effect.forkChild(Scheduler.retire("a"))
      yield* calm
      assert.isUndefined(running.pollUnsafe())
      yield* begun.open
      const [[, a], ...others] = exits(yield* Fiber.join(running)) as [readonly [string, any], ...Array<unknown>]
      assert.deepInclude(a, { _tag: "NoSuitableWorker", restriction: { workers: ["a"] }, millis: 0 })
      assert.deepStrictEqual(others, [["b", "b"], ["c", "c"]])
      yield* busy.open
      yield* Fiber.join(retiring)
    }).pipe(two))

  it.effect("A15: what its worker was lost under never runs twice, and ends typed, begun or not", () =>
    Effect.gen(function*() {
      const busy = gate()
      yield* on("a", busy.pass)
      yield* busy.arrived(1)
      const log: Log = []
      const running = yield* Effect.forkChild(
        Scheduler.runOnEach(Effect.flatMap(where, (name) => endless(log, name)), { mode: "collect" })
      )
      yield* calm
      yield* Faults.loseWorker("b")
      yield* Faults.loseWorker("a")
      const ends = exits(yield* Fiber.join(running))
      assert.deepStrictEqual(
        ends.map((
          [worker, end]
        ) => [worker, ((end as { reason?: { _tag: string } }).reason ?? end as { _tag: string })._tag]),
        [
          ["a", "NoSuitableWorker"],
          ["b", "WorkerKilled"]
        ]
      )
      yield* calm
      assert.deepStrictEqual(log.filter((line) => line.endsWith("starts")), ["b starts"])
    }).pipe(two))

  it.effect("A15: of two workers of one name it runs on the one that takes tasks, or will when it has started", () =>
    Effect.gen(function*() {
      const busy = gate()
      const first = yield* on("a", busy.pass)
      yield* busy.arrived(1)
      // The one that is there leaves with its task, and the one in its place is starting.
      const found = yield* Scheduler.runOnEach(where)
      assert.deepStrictEqual([...found], [["a", "a"]])
      const names = (yield* Scheduler.stats).workers.map(({ id, phase }) => `${id} ${phase}`)
      assert.deepStrictEqual(names, ["a draining", "a open"])
      yield* busy.open
      yield* Future.join(first)
    }).pipe(inQuietScheduler({ workers: [{ id: "a", concurrency: 1, maxTasks: 1 }] })))

  it.effect("A15: a lost worker's successor takes what had not begun", () =>
    Effect.gen(function*() {
      const busy = gate()
      const first = yield* on("a", busy.pass)
      yield* busy.arrived(1)
      const running = yield* Effect.forkChild(Scheduler.runOnEach(where))
      yield* calm
      yield* Faults.loseWorker("a")
      assert.deepStrictEqual([...yield* Fiber.join(running)], [["a", "a"]])
      yield* Future.cancel(first)
    }).pipe(inScheduler({ workers: [{ id: "a", concurrency: 1, restart: { times: 1, within: "1 minute" } }] })))

  it.effect("A15: without workers the result is empty", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* Scheduler.runOnEach(where)).size, 0)
    }).pipe(inScheduler({ workers: [], waitForWorkers: "1 minute" })))

  it.effect("A15: inside a task it gives the slot away; with keepSlot that could never end and fails", () =>
    Effect.gen(function*() {
      const found = yield* Client.compute(Task.make(Scheduler.runOnEach(where)))
      assert.deepStrictEqual([...found], [["a", "a"], ["b", "b"]])
      const kept = Task.make(Worker.keepSlot(Scheduler.runOnEach(where)))
      assert.propertyVal(yield* reasonOf(Client.compute(kept)), "_tag", "Starved")
    }).pipe(two))

  it.effect("A15: a timeout inside a task stops runs that hold the only slot", () =>
    Effect.gen(function*() {
      const log: Log = []
      const body = Effect.timeoutOption(Scheduler.runOnEach(endless(log, "it")), "1 second")
      const running = yield* Effect.forkChild(Client.compute(Task.make(body)))
      yield* calm
      yield* TestClock.adjust("1 second")
      assert.propertyVal(yield* Fiber.join(running), "_tag", "None")
      assert.deepStrictEqual(log, ["it starts", "it is finalized"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("A15: a schedule of the region does not run it twice", () =>
    Effect.gen(function*() {
      const log: Log = []
      const body = Effect.andThen(note(log, "ran"), Effect.fail("no" as const))
      yield* errorOf(Client.annotate(Scheduler.runOnEach(body), { retry: Schedule.recurs(3) }))
      assert.deepStrictEqual(log, ["ran"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("A15: options that are none are refused", () =>
    Effect.gen(function*() {
      const wrong = yield* mistakeOf(Scheduler.runOnEach(where, { mode: "none" as never }))
      assert.deepInclude(wrong.reason, { _tag: "InvalidOption", option: "mode" })
      const unknown = yield* mistakeOf(Scheduler.runOnEach(where, { modes: "collect" } as never))
      assert.deepInclude(unknown.reason, { _tag: "UnknownOption", option: "modes" })
    }).pipe(two))
})
