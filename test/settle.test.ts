import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import { DependencyFailed, TaskCancelled, TaskSkipped } from "skein/SkeinError"
import * as Task from "skein/Task"
import { Faults, Leftovers } from "skein/testing"
import * as Worker from "skein/Worker"
import { endless, inScheduler, type Log, note, turns } from "./harness.ts"
import { causeOf, defectsIn, errorOf, explanationOf, reasonOf } from "./support.ts"

describe("settle", () => {
  it.effect("F9: a task that has not started never does, and its dependents go on with the value", () =>
    Effect.gen(function*() {
      const log: Log = []
      const blocker = Task.make(turns(20))
      const up = Task.make(Effect.as(note(log, "up"), 1), { key: "up" })
      yield* Client.submit(blocker)
      const [made, down] = yield* Client.submitAll([up, Task.map(up, (n) => n + 1)])
      assert.isTrue(yield* Future.settle(made, Exit.succeed(41)))
      assert.deepStrictEqual([yield* Future.join(down), yield* Future.join(made), log], [42, 41, []])
      const { attempts, completed, status } = yield* Future.metadata(made)
      assert.deepStrictEqual([status, attempts, completed], ["succeeded", [], 0])
    }).pipe(Effect.scoped, inScheduler({ concurrency: 1 })))

  it.effect("F9: settled in the turn in which it was submitted, nothing of it runs", () =>
    Effect.gen(function*() {
      const log: Log = []
      const future = yield* Client.submit(Task.make(note(log, "ran")))
      assert.isTrue(yield* Future.settle(future, Exit.succeed("told")))
      assert.deepStrictEqual([yield* Future.join(future), log], ["told", []])
    }).pipe(Effect.scoped, inScheduler()))

  //   a        b, one of which runs
  //   |        |
  //  after a   after b
  it.effect("F9, G19: one that is settled with a skip is skipped, and so is what depends on it, queued or running", () =>
    Effect.gen(function*() {
      const log: Log = []
      const skipped = (key: string) => new TaskSkipped({ key, root: key })
      const b = Task.make(endless(log, "b"), { key: "b" }) as Task.Task<number, TaskSkipped>
      const a = Task.make(endless(log, "a"), { key: "a" }) as Task.Task<number, TaskSkipped>
      const [one, other, afterA, afterB] = yield* Client.submitAll([
        b,
        a,
        Task.map(a, (n) => n, { key: "after a" }),
        Task.map(b, (n) => n, { key: "after b" })
      ])
      yield* turns()
      assert.isTrue(yield* Future.settle(other, Exit.fail(skipped("a"))))
      assert.isTrue(
        yield* Future.settle(one, Exit.failCause(Cause.combine(Cause.fail(skipped("b")), Cause.interrupt())))
      )
      const told = []
      for (const each of [one, other, afterA, afterB]) {
        const error = yield* errorOf(Future.join(each))
        told.push([yield* Future.status(each), error instanceof TaskSkipped && [error.key, error.root]])
      }
      assert.deepStrictEqual(told, [
        ["skipped", ["b", "b"]],
        ["skipped", ["a", "a"]],
        ["skipped", ["after a", "a"]],
        ["skipped", ["after b", "b"]]
      ])
    }).pipe(Effect.scoped, inScheduler({ concurrency: 1 })))

  it.effect("F9, G19: a failure beside the skip decides, as in a body", () =>
    Effect.gen(function*() {
      const task = Task.make(Effect.never, { key: "a" }) as Task.Task<number, string | TaskSkipped>
      const future = yield* Client.submit(task)
      const skip = Cause.fail(new TaskSkipped({ key: "a", root: "a" }))
      yield* Future.settle(
        future,
        Exit.failCause(Cause.combine<string | TaskSkipped, string>(skip, Cause.fail("no")))
      )
      assert.deepStrictEqual([yield* errorOf(Future.join(future)), yield* Future.status(future)], ["no", "failed"])
    }).pipe(Effect.scoped, inScheduler()))

  for (const isAway of [false, true]) {
    it.effect(`F9: one that ${isAway ? "has seceded" : "runs"} is interrupted, its finalizers run, and what it brings is discarded`, () =>
      Effect.gen(function*() {
        const log: Log = []
        const finalizing = yield* Deferred.make<void>()
        const body = Effect.onInterrupt(
          Effect.andThen(isAway ? Worker.secede : Effect.void, Effect.as(Effect.never, "brought")),
          () => Effect.andThen(note(log, "finalizer"), Deferred.await(finalizing))
        )
        const future = yield* Client.submit(Task.make(body, { key: "x" }))
        yield* turns()
        assert.isTrue(yield* Future.settle(future, Exit.succeed("told")))
        yield* turns()
        const explained = yield* explanationOf("x")
        assert.strictEqual(explained?.because._tag === "Stopping" && explained.because.reason, "Settled")
        // The first word counts.
        assert.isFalse(yield* Future.settle(future, Exit.succeed("told again")))
        yield* Deferred.succeed(finalizing, undefined)
        assert.deepStrictEqual([yield* Future.join(future), log], ["told", ["finalizer"]])
      }).pipe(Effect.scoped, inScheduler()))
  }

  it.effect("F9, C7: a forced cancel of a task that was settled while it ran waits, and the end stays", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const body = Effect.uninterruptible(Effect.andThen(Deferred.await(gate), Effect.fail("late")))
      const future = yield* Client.submit(Task.make(body, { key: "x" }))
      yield* turns()
      assert.isTrue(yield* Future.settle(future, Exit.fail("told")))
      const cancelling = yield* Effect.forkChild(Future.cancel(future, { force: true }))
      yield* turns()
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(cancelling)
      assert.strictEqual(yield* Effect.flip(Future.join(future)), "told")
    }).pipe(Effect.scoped, inScheduler()))

  it.effect("F9: a late success of its body changes nothing", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const body = Effect.uninterruptible(Effect.as(Deferred.await(gate), "brought"))
      const future = yield* Client.submit(Task.make(body))
      yield* turns()
      yield* Future.settle(future, Exit.succeed("told"))
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual(yield* Future.join(future), "told")
    }).pipe(Effect.scoped, inScheduler()))

  it.effect("F9: a failure, a defect and an interruption end it and its dependents as they would from its body", () =>
    Effect.gen(function*() {
      const run = <E>(exit: Exit.Exit<string, E>) =>
        Effect.scoped(Effect.gen(function*() {
          const up = Task.make(endless([], "up") as Effect.Effect<string, E>, { key: "up" })
          const [made, down] = yield* Client.submitAll([up, Task.map(up, (n) => n)])
          yield* turns()
          assert.isTrue(yield* Future.settle(made, exit as Exit.Exit<string, never>))
          return [yield* Future.await(made), yield* Future.await(down)] as const
        }))
      const [failed, refused] = yield* run(Exit.fail("no" as const))
      assert.deepStrictEqual(yield* errorOf(failed), "no")
      assert.instanceOf(yield* errorOf(refused), DependencyFailed)
      const [died] = yield* run(Exit.die("bug"))
      assert.deepStrictEqual(Exit.isFailure(died) && defectsIn(died.cause), ["bug"])
      const [cancelled] = yield* run(Exit.interrupt(7))
      const error = yield* reasonOf(cancelled)
      assert.instanceOf(error, TaskCancelled)
      assert.strictEqual(
        error.message,
        "Task \"up\" was cancelled by Future.settle: it was settled as interrupted."
      )
    }).pipe(inScheduler()))

  it.effect("F9: one that has ended, was asked to stop or was released is not affected", () =>
    Effect.gen(function*() {
      const ended = yield* Client.submit(Task.make(Effect.succeed(1)))
      yield* Future.join(ended)
      const stopping = yield* Client.submit(Task.make(Effect.onInterrupt(Effect.as(Effect.never, 1), () => turns(30))))
      yield* turns()
      yield* Future.cancel(stopping, { wait: false })
      const released = yield* Client.submit(Task.make(Effect.succeed(1)))
      yield* Future.release(released)
      for (const future of [ended, stopping, released]) {
        assert.isFalse(yield* Future.settle(future, Exit.succeed(2)))
        assert.isFalse(yield* Future.settle(future, Exit.fail("no") as never))
      }
      assert.strictEqual(yield* Future.join(ended), 1)
    }).pipe(Effect.scoped, inScheduler()))

  it.effect("F9: a job whose tasks are all done returns at once", () =>
    Effect.gen(function*() {
      const log: Log = []
      const tasks = ["a", "b", "c"].map((name) => Task.make(note(log, name), { key: name }))
      const futures = yield* Client.submitAll(tasks)
      for (const future of futures) yield* Future.settle(future, Exit.succeed("done"))
      // The same objects join the live tasks.
      assert.deepStrictEqual(yield* Client.compute(tasks), ["done", "done", "done"])
      assert.deepStrictEqual(log, [])
    }).pipe(Effect.scoped, inScheduler({ concurrency: 1 })))

  it.effect("F9: a task inside a graph is reached by submitting the same object", () =>
    Effect.gen(function*() {
      const inner = Task.make(endless([], "inner") as Effect.Effect<number>, { key: "inner" })
      const outer = yield* Client.submit(Task.map({ deep: [inner] }, ({ deep: [n] }) => n + 1))
      yield* turns()
      yield* Future.settle(yield* Client.submit(inner), Exit.succeed(1))
      assert.strictEqual(yield* Future.join(outer), 2)
    }).pipe(Effect.scoped, inScheduler()))

  it.effect("F9: a flatMap task lets go of its graph", () =>
    Effect.gen(function*() {
      const log: Log = []
      const future = yield* Client.submit(Task.flatMap([], () => Task.make(Effect.as(endless(log, "inner"), 0))))
      yield* turns()
      yield* Future.settle(future, Exit.succeed(1))
      assert.strictEqual(yield* Future.join(future), 1)
      yield* turns()
      assert.include(log.join(), "inner")
      assert.strictEqual((yield* Scheduler.stats).tasks.running, 0)
    }).pipe(Effect.scoped, inScheduler()))

  it.effect("F9, M7: a value from outside owns nothing", () =>
    Effect.gen(function*() {
      const log: Log = []
      const pool = Task.resource(Effect.acquireRelease(note(log, "open"), () => note(log, "close")), { key: "pool" })
      yield* Effect.scoped(Effect.gen(function*() {
        const future = yield* Client.submit(pool)
        yield* Future.settle(future, Exit.succeed("lent"))
        assert.strictEqual(yield* Future.join(future), "lent")
      }))
      assert.deepStrictEqual(log, [])
      yield* Leftovers.assertNone
    }).pipe(inScheduler()))

  it.effect("F9, F8: a value from outside is lost with its worker; then the task runs after all", () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(Task.make(Effect.succeed("made")))
      yield* Future.settle(future, Exit.succeed("told"))
      assert.strictEqual(yield* Future.join(future), "told")
      yield* Faults.loseWorker("a")
      assert.strictEqual(yield* Future.join(future), "made")
    }).pipe(Effect.scoped, inScheduler({ workers: [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1 }] })))

  it.effect("F9: its attempt may be lost with its worker: the value stays", () =>
    Effect.gen(function*() {
      const body = Effect.onInterrupt(Effect.as(Effect.never, "made"), () => turns(30))
      const future = yield* Client.submit(Task.make(body))
      yield* turns()
      yield* Future.settle(future, Exit.succeed("told"))
      yield* Faults.loseWorker("a")
      assert.strictEqual(yield* Future.join(future), "told")
    }).pipe(Effect.scoped, inScheduler({ workers: [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1 }] })))

  it.effect("F9: a retry that is due does not come, and nothing is left behind", () =>
    Effect.gen(function*() {
      const log: Log = []
      yield* Effect.scoped(Effect.gen(function*() {
        const body = Effect.andThen(note(log, "ran"), Effect.fail("no"))
        const future = yield* Client.submit(
          Task.make(body as Effect.Effect<number, string>, { retry: Schedule.spaced("1 hour") })
        )
        yield* turns()
        assert.isTrue(yield* Future.settle(future, Exit.succeed(7)))
        assert.strictEqual(yield* Future.join(future), 7)
      }))
      assert.deepStrictEqual(log, ["ran"])
      yield* Leftovers.assertNone
    }).pipe(Effect.provide(Skein.layer())))

  it.effect("F9: what is no Exit, or no Future, is a defect that says what it found, and settles nothing", () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(Task.make(turns(3)))
      const wrongs: ReadonlyArray<readonly [unknown, string]> = [
        [4, "4."],
        [undefined, "undefined."],
        [Effect.sync(() => 4), "an Effect: yield Effect.exit of it first."],
        [future, "Future(\"task#1\")."],
        [Promise.reject(new Error("unseen")), "a Promise."]
      ]
      for (const [wrong, found] of wrongs) {
        const [defect] = defectsIn(yield* causeOf(Future.settle(future, wrong as Exit.Exit<void>)))
        assert.strictEqual(String(defect), `TypeError: Expected an Exit, found ${found}`)
      }
      const [defect] = defectsIn(yield* causeOf(Future.settle(4 as never, Exit.void)))
      assert.strictEqual(String(defect), "TypeError: Expected a Future, found 4.")
      assert.isTrue(yield* Future.settle(future, Exit.void))
    }).pipe(Effect.scoped, inScheduler()))
})
