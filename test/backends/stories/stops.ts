/** Cancellations, and ends from outside. */
import { assert } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Task from "skein/Task"
import { turns } from "../../harness.ts"
import { causeOfExit, reasonOf } from "../../support.ts"
import { work } from "../backends.ts"
import { heard, lines, pass } from "../stage.ts"
import { one } from "../story.ts"
import type { Stories } from "../story.ts"

const { add, closes, deaf, endless, notes, place, reluctant, shielded, waits } = work.tasks

export const stops: Stories = {
  "C1: a cancel interrupts the body, and returns when its finalizers have run": () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(reluctant("it"))
      yield* heard("it begins")
      yield* Future.cancel(future)
      assert.deepStrictEqual(yield* lines, ["it begins", "it gave up"])
      assert.strictEqual(yield* Future.status(future), "cancelled")
    }),

  "C1: a cancelled task that has not begun never begins": () =>
    Effect.gen(function*() {
      const busy = yield* Client.submit(Task.withOptions(endless("busy"), one))
      const next = yield* Client.submit(Task.withOptions(notes("next"), one))
      yield* heard("busy begins")
      yield* Future.cancel(next)
      yield* Future.cancel(busy)
      assert.deepStrictEqual(yield* lines, ["busy begins", "busy: Failure"])
      assert.strictEqual((yield* Client.compute(Task.withOptions(place(), one))).attempt, 1)
    }),

  "C2: dependents of a cancelled task are cancelled, and say by whom": () =>
    Effect.gen(function*() {
      const root = endless("root")
      const future = yield* Client.submit(root)
      const dependent = yield* Client.submit(Task.map({ future }, () => 1))
      yield* heard("root begins")
      yield* Future.cancel(future)
      assert.strictEqual(yield* Future.status(dependent), "cancelled")
      assert.strictEqual((yield* reasonOf(Future.join(dependent)))._tag, "TaskCancelled")
    }),

  "C4: when a scope has closed nothing that it started is running": () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      yield* Scope.provide(Client.submitAll([reluctant("a"), endless("b"), notes("c")]), scope)
      yield* heard("a begins")
      yield* heard("b begins")
      yield* Scope.close(scope, Exit.void)
      assert.includeMembers([...yield* lines], ["a gave up", "b: Failure"])
      const { tasks } = yield* Scheduler.stats
      assert.strictEqual(tasks.running + tasks.stopping, 0)
    }),

  "C4: an interrupted compute returns when its bodies have ended": () =>
    Effect.gen(function*() {
      const running = yield* Effect.forkChild(Client.compute([reluctant("a"), endless("b")]))
      yield* heard("a begins")
      yield* heard("b begins")
      yield* Fiber.interrupt(running)
      assert.includeMembers([...yield* lines], ["a gave up", "b: Failure"])
    }),

  "C3: a task stops when its last owner withdraws": () =>
    Effect.gen(function*() {
      const task = endless("it")
      const scope = yield* Scope.make()
      const first = yield* Scope.provide(Client.submit(Task.withOptions(task, { key: "shared" })), scope)
      const second = yield* Future.keep(first)
      yield* heard("it begins")
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* Future.status(second), "running")
      yield* Future.cancel(second)
      assert.deepStrictEqual(yield* lines, ["it begins", "it: Failure"])
    }),

  "C5: a cancel in the step of the submission leaves no trace": () =>
    Effect.gen(function*() {
      const futures = yield* Client.submitAll([notes("a"), endless("b")])
      yield* Effect.forEach(futures, (future) => Future.cancel(future), { concurrency: 2 })
      assert.deepStrictEqual(yield* Effect.forEach(futures, Future.status), ["cancelled", "cancelled"])
    }),

  "C6: after a cancel the same key runs anew": () =>
    Effect.gen(function*() {
      const first = yield* Client.submit(Task.withOptions(endless("first"), { key: "k" }))
      yield* heard("first begins")
      yield* Future.cancel(first)
      assert.strictEqual(yield* Client.compute(Task.withOptions(add(1, 2), { key: "k" })), 3)
      assert.strictEqual(yield* Future.status(first), "cancelled")
    }),

  "C7: a part that cannot be interrupted goes on after a cancel, and its value is dropped": () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(deaf("it", 1000))
      yield* heard("it waits")
      const cancelling = yield* Effect.forkChild(Future.cancel(future))
      yield* turns(20)
      assert.isUndefined(cancelling.pollUnsafe())
      yield* pass(1000)
      yield* Fiber.join(cancelling)
      assert.strictEqual(yield* Future.status(future), "cancelled")
    }),

  "C14: a shielded section ends before the interruption": () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(shielded("it", 500))
      yield* heard("it waits")
      const cancelling = yield* Effect.forkChild(Future.cancel(future))
      yield* turns(20)
      yield* pass(500)
      yield* Fiber.join(cancelling)
      assert.deepStrictEqual(yield* lines, ["it waits", "it has saved", "it: Failure"])
    }),

  "C10: a timeout of a wait ends the wait alone": () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(waits("it", 2000))
      yield* heard("it waits")
      const waiting = yield* Effect.forkChild(Effect.timeoutOption(Future.join(future), "1 second"))
      yield* turns(5)
      yield* pass(1000)
      assert.propertyVal(yield* Fiber.join(waiting), "_tag", "None")
      yield* pass(1000)
      assert.strictEqual(yield* Future.join(future), "it")
    }),

  "F9: a task is ended from outside with a value, and its body is interrupted": () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(endless("it"))
      yield* heard("it begins")
      yield* Future.settle(future, Exit.succeed(7 as never))
      assert.strictEqual(yield* Future.join(future), 7 as never)
      yield* heard("it: Failure")
    }),

  "M7: the scope of a body closes with its attempt, by its exit": () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Client.compute(closes("it")), "it")
      assert.deepStrictEqual(yield* lines, ["it is closed: Success"])
    }),

  "D10: a body that refuses its worker runs on another": () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Client.compute(work.tasks.moves("pool-1")), "pool-2")
      const [first] = yield* Client.compute([Task.withOptions(work.tasks.moves("pool-1"), one)], { mode: "collect" })
      assert.include(Cause.pretty(causeOfExit(first)), "ImpossibleDependency")
    })
}
