import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Task from "skein/Task"
import { Faults, Leftovers } from "skein/testing"
import { inScheduler, type Log, note, turns } from "./harness.ts"
import { mistakeOf } from "./support.ts"

const two = inScheduler({ workers: [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1 }] })

describe("results on several workers", () => {
  it.effect("M9: a worker lost whose results another one holds costs nothing", () =>
    Effect.gen(function*() {
      const log: Log = []
      const future = yield* Client.submit(Task.make(note(log, "made")))
      assert.sameMembers([...yield* Future.replicate(future, { copies: 2 })], ["a", "b"])
      assert.strictEqual((yield* Scheduler.stats).held, 2)
      yield* Faults.loseWorker("a")
      assert.strictEqual((yield* Future.metadata(future)).status, "succeeded")
      assert.deepStrictEqual([yield* Future.join(future), log], ["made", ["made"]])
    }).pipe(Effect.scoped, two))

  it.effect("M9: all copies are released together", () =>
    Effect.gen(function*() {
      yield* Effect.scoped(Effect.gen(function*() {
        const future = yield* Client.submit(Task.make(Effect.succeed(1)))
        // There are no more workers than that.
        assert.sameMembers([...yield* Future.replicate(future, { copies: 7 })], ["a", "b"])
      }))
      assert.strictEqual((yield* Scheduler.stats).held, 0)
      yield* Leftovers.assertNone
    }).pipe(two))

  it.effect("M9: a failure has no copies, and neither has what owns a resource", () =>
    Effect.gen(function*() {
      const failed = yield* Client.submit(Task.make(Effect.fail("no")))
      const owning = yield* Client.submit(Task.resource(Effect.acquireRelease(Effect.succeed(1), () => Effect.void)))
      assert.deepStrictEqual(yield* Future.replicate(failed, { copies: 2 }), [])
      assert.lengthOf(yield* Future.replicate(owning, { copies: 2 }), 1)
      assert.lengthOf(yield* Future.replicate(owning, { workers: ["a", "b"] }), 1)
    }).pipe(Effect.scoped, two))

  it.effect("M9: workers can be named; those that are not there are passed over", () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(Task.withOptions(Task.make(Effect.succeed(1)), { workers: ["a"] }))
      assert.deepStrictEqual(yield* Future.replicate(future, { workers: ["c", "nobody"] }), ["a", "c"])
      assert.strictEqual((yield* Scheduler.stats).held, 2)
      assert.deepStrictEqual(yield* Future.replicate(future, { workers: ["c"] }), ["a", "c"])
      const dumped = (yield* Scheduler.dump).tasks.map(({ copies, worker }) => [worker, copies])
      assert.deepStrictEqual(dumped, [["a", ["c"]]])
    }).pipe(
      Effect.scoped,
      inScheduler({ workers: ["a", "b", "c"].map((id) => ({ id, concurrency: 1 })) })
    ))

  it.effect("M9: what replicate cannot do is refused", () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(Task.make(Effect.succeed(1)))
      const messageOf = (options: any) =>
        Effect.map(mistakeOf(Future.replicate(future, options)), ({ message }) => message)
      assert.strictEqual(
        yield* messageOf({ copies: 0 }),
        "The option copies cannot be 0: expected a positive whole number."
      )
      assert.match(yield* messageOf({ workers: [] }), /The option workers cannot be .*: expected a non-empty array/)
      assert.match(yield* messageOf({ copies: 2, workers: ["a"] }), /The option copies cannot be 2/)
      assert.match(yield* messageOf({ copy: 2 }), /copy/)
      for (const missing of [undefined, {}]) {
        assert.strictEqual(
          yield* messageOf(missing),
          "The option copies cannot be undefined: expected a positive whole number."
        )
      }
    }).pipe(Effect.scoped, two))

  it.effect("W7, M9: metadata says where a task ran, whoever holds its result", () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(Task.withOptions(Task.make(Effect.succeed(1)), { workers: ["b"] }))
      yield* Future.join(future)
      assert.isTrue(yield* Scheduler.retire("b"))
      const { attempts, worker } = yield* Future.metadata(future)
      assert.deepStrictEqual([worker, ...attempts.map((attempt) => attempt.worker)], ["b", "b"])
      assert.deepStrictEqual((yield* Scheduler.dump).tasks.map(({ worker }) => worker), ["a"])
      assert.strictEqual(yield* Future.join(future), 1)
    }).pipe(Effect.scoped, two))

  it.effect("W7, M9: a worker that leaves hands its results on, and losing it later costs nothing", () =>
    Effect.gen(function*() {
      const log: Log = []
      const scope = yield* Scope.make()
      yield* Scope.provide(Scheduler.addWorker({ id: "guest", concurrency: 9 }), scope)
      const futures = yield* Client.submitAll(["x", "y"].map((name) => Task.make(note(log, name))))
      yield* Future.joinAll(futures)
      yield* Scope.close(scope, Exit.void)
      yield* turns()
      yield* Faults.loseWorker("guest")
      assert.deepStrictEqual([yield* Future.joinAll(futures), log.toSorted()], [["x", "y"], ["x", "y"]])
    }).pipe(Effect.scoped, inScheduler({ concurrency: 1 })))

  it.effect("M9: rebalance evens out how many results workers hold", () =>
    Effect.gen(function*() {
      const log: Log = []
      const futures = yield* Client.submitAll(["w", "x", "y", "z"].map((name) => Task.make(note(log, name))))
      yield* Future.joinAll(futures)
      yield* Scheduler.addWorker({ id: "guest", concurrency: 1 })
      yield* Scheduler.rebalance
      // Half of them are gone with it, and made anew.
      yield* Faults.loseWorker("guest")
      yield* Future.joinAll(futures)
      assert.strictEqual(log.length, 6)
    }).pipe(Effect.scoped, inScheduler({ concurrency: 1 })))
})
