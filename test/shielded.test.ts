import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import { TaskCancelled } from "skein/SkeinError"
import * as Task from "skein/Task"
import { InterruptSweep, Leftovers } from "skein/testing"
import * as Worker from "skein/Worker"
import { endless, gate, inScheduler, type Log, note, turns } from "./harness.ts"
import { causeOfExit, errorOf, exitNow, explanationOf, mistakeOf, onlyError, reasonIn } from "./support.ts"

/** A commit of ten seconds, and something after it that a stop must not let run. */
const committing = (log: Log, name = "section") =>
  Effect.andThen(
    Worker.shielded(
      note(log, `${name} begins`).pipe(
        Effect.andThen(Effect.sleep("10 seconds")),
        Effect.andThen(note(log, `${name} ends`))
      )
    ),
    note(log, "after")
  )

const whole = ["section begins", "section ends"]

/** Forks what waits for the section, and lets ten seconds pass, of which nine must not suffice. */
const waitsFor = <A, E, R>(log: Log, stop: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(stop, { startImmediately: true })
    yield* TestClock.adjust("9 seconds")
    yield* turns()
    assert.isUndefined(fiber.pollUnsafe())
    assert.deepStrictEqual(log, ["section begins"])
    yield* TestClock.adjust("1 second")
    const exit = yield* Fiber.await(fiber)
    assert.deepStrictEqual(log, whole)
    return exit
  })

describe("a shielded section", () => {
  it.effect("C14: cancel waits for it, the slot stays taken, and what comes after it does not run", () =>
    Effect.gen(function*() {
      const log: Log = []
      const future = yield* Client.submit(Task.make(committing(log)))
      const next = yield* Client.submit(Task.make(Effect.succeed("next")))
      yield* turns()
      const running = Effect.map(Scheduler.stats, ({ workers }) => workers[0]!.running)
      const cancelling = yield* Effect.forkChild(waitsFor(log, Future.cancel(future)), { startImmediately: true })
      yield* turns()
      assert.deepStrictEqual([yield* running, yield* Future.status(next)], [1, "ready"])
      assert.isTrue(Exit.isSuccess(yield* Fiber.join(cancelling)))
      assert.instanceOf(reasonIn(onlyError(causeOfExit((yield* exitNow(future))!))), TaskCancelled)
      assert.strictEqual(yield* Future.join(next), "next")
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("C14: so does the interruption of a compute, and the close of a scope", () =>
    Effect.gen(function*() {
      const first: Log = []
      const computing = yield* Effect.forkChild(Client.compute(Task.make(committing(first))), {
        startImmediately: true
      })
      yield* turns()
      yield* waitsFor(first, Fiber.interrupt(computing))
      const second: Log = []
      const scope = yield* Scope.make()
      yield* Client.submit(Task.make(committing(second))).pipe(Scope.provide(scope))
      yield* turns()
      yield* waitsFor(second, Scope.close(scope, Exit.void))
    }).pipe(inScheduler()))

  it.effect("C14: so does a failure that stops the rest of a computation", () =>
    Effect.gen(function*() {
      const log: Log = []
      const failing = Task.make(Effect.andThen(turns(), Effect.fail("no")))
      const exit = yield* waitsFor(log, Client.compute([Task.make(committing(log)), failing]))
      assert.strictEqual(onlyError(causeOfExit(exit)), "no")
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("C14: so does a timeout of the attempt, and the next attempt begins after it", () =>
    Effect.gen(function*() {
      const log: Log = []
      const body = Effect.flatMap(
        Worker.current,
        ({ attempt }) => attempt === 1 ? committing(log) : note(log, "second attempt")
      )
      const options = { key: "k", timeout: "2 seconds", retry: Schedule.recurs(1) } as const
      const future = yield* Client.submit(Task.make(body, options))
      yield* turns()
      yield* TestClock.adjust("9 seconds")
      assert.deepStrictEqual(log, ["section begins"])
      assert.deepInclude((yield* explanationOf("k"))?.because, {
        _tag: "Stopping",
        reason: "TimedOut",
        since: 2000
      })
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Future.join(future), "second attempt")
      assert.deepStrictEqual(log, [...whole, "second attempt"])
    }).pipe(inScheduler()))

  it.effect("C14: nested sections are one: the outer one goes on to its end", () =>
    Effect.gen(function*() {
      const log: Log = []
      const inner = Worker.shielded(Effect.andThen(Effect.sleep("4 seconds"), note(log, "inner ends")))
      const outer = inner.pipe(Effect.andThen(Effect.sleep("4 seconds")), Effect.andThen(note(log, "outer ends")))
      const body = Effect.andThen(Worker.shielded(outer), note(log, "after"))
      const future = yield* Client.submit(Task.make(body))
      yield* turns()
      const cancelling = yield* Effect.forkChild(Future.cancel(future), { startImmediately: true })
      yield* TestClock.adjust("4 seconds")
      yield* turns()
      assert.isUndefined(cancelling.pollUnsafe())
      yield* TestClock.adjust("4 seconds")
      yield* Fiber.join(cancelling)
      assert.deepStrictEqual(log, ["inner ends", "outer ends"])
    }).pipe(inScheduler()))

  it.effect("C14: a section that has not begun when the stop comes never begins, and one without a stop changes nothing", () =>
    Effect.gen(function*() {
      const log: Log = []
      const door = gate()
      const late = Effect.andThen(door.pass, committing(log))
      const future = yield* Client.submit(Task.make(late))
      yield* door.arrived(1)
      yield* Future.cancel(future)
      yield* door.open
      assert.deepStrictEqual(log, [])
      const calm = Effect.andThen(Worker.shielded(Effect.succeed(1)), Worker.shielded(Effect.fail("own error")))
      assert.strictEqual(yield* errorOf(Client.compute(Task.make(calm))), "own error")
      const after = Effect.andThen(Worker.shielded(Effect.void), endless(log, "interruptible"))
      const running = yield* Client.submit(Task.make(after))
      yield* turns()
      yield* Future.cancel(running)
      assert.deepStrictEqual(log, ["interruptible starts", "interruptible is finalized"])
    }).pipe(inScheduler()))

  it.effect("C14: inside it a future can be joined and a child computed although the task was asked to stop", () =>
    Effect.gen(function*() {
      const log: Log = []
      const door = gate()
      const value = yield* Client.submit(Task.make(Effect.as(door.pass, "joined")))
      const section = Effect.gen(function*() {
        const joined = yield* Future.join(value)
        const computed = yield* Client.compute(Task.make(Effect.succeed("computed")))
        const timed = yield* Effect.timeoutOption(Effect.sleep("1 hour"), "1 second")
        log.push(joined, computed, timed._tag)
      })
      const future = yield* Client.submit(Task.make(Worker.shielded(section)))
      yield* door.arrived(1)
      yield* turns()
      const cancelling = yield* Effect.forkChild(Future.cancel(future), { startImmediately: true })
      yield* Effect.andThen(door.open, turns(20))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(cancelling)
      assert.deepStrictEqual(log, ["joined", "computed", "None"])
    }).pipe(inScheduler({ concurrency: 2 })))
})

describe("a shielded section that is cut everywhere", () => {
  it.live("C14, T5: wherever its compute is interrupted, a section that has begun has ended when that returns", () => {
    let begun = 0
    let ended = 0
    const section = Worker.shielded(Effect.gen(function*() {
      begun++
      yield* Effect.yieldNow
      yield* Effect.sleep(1)
      ended++
    }))
    return Effect.asVoid(InterruptSweep.run(Client.compute([Task.make(section), Task.make(section)]), {
      layer: Skein.layer({ concurrency: 1 }),
      check: () => Effect.andThen(Leftovers.assertNone, Effect.sync(() => assert.strictEqual(ended, begun)))
    }))
  })
})

describe("grace", () => {
  /** Runs a program in a layer of its own, and gives the lines of its log. */
  const logged = <A, E>(
    program: Effect.Effect<A, E, Client.Client | Scheduler.Scheduler | Scope.Scope>,
    options?: Skein.Options
  ) =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const logger = Logger.make(({ message }) => void lines.push(String(message)))
      const logging = Logger.layer([logger])
      yield* program.pipe(inScheduler(options), Effect.provide(logging)) as Effect.Effect<A, E>
      return lines
    })

  const stubborn = (door: Deferred.Deferred<void>) => Effect.uninterruptible(Deferred.await(door))

  it.effect("C14: an attempt that goes on longer than its grace is reported once, and explained", () =>
    Effect.gen(function*() {
      const door = yield* Deferred.make<void>()
      const lines = yield* logged(
        Effect.gen(function*() {
          const task = Task.make(stubborn(door), { key: "k", label: "the body", grace: "5 seconds" })
          const future = yield* Client.submit(task)
          yield* turns()
          const stopping = yield* Effect.forkChild(Future.cancel(future, { by: "me", why: "enough" }))
          const because = Effect.map(explanationOf("k"), (explanation) => explanation?.because)
          yield* TestClock.adjust("4 seconds")
          assert.deepStrictEqual(yield* because, {
            _tag: "Stopping",
            reason: "Cancelled",
            since: 0,
            overdue: false
          })
          yield* TestClock.adjust("1 second")
          assert.deepStrictEqual(yield* because, { _tag: "Stopping", reason: "Cancelled", since: 0, overdue: true })
          yield* TestClock.adjust("1 hour")
          yield* Deferred.succeed(door, undefined)
          yield* Fiber.join(stopping)
        })
      )
      assert.deepStrictEqual(lines, [
        "Task \"k\" (the body) was asked to stop 5000 ms ago and goes on (attempt 1 on worker \"local\"): it was " +
        "cancelled by me, because enough, and its body cannot be interrupted where it is. It keeps its slot until it " +
        "ends. Let the body be interrupted, or put a timeout on what it waits for, or give the task a longer grace."
      ])
    }))

  it.effect("C14: the line says whether a section, the body or a finalizer goes on, and which time limit has passed", () =>
    Effect.gen(function*() {
      const door = yield* Deferred.make<void>()
      const wait = Deferred.await(door)
      const lines = yield* logged(
        Effect.gen(function*() {
          const limits = { grace: "1 second", timeout: "1 second" } as const
          const shielded = Task.make(Worker.shielded(wait), { ...limits, key: "shielded" })
          const finalizing = Task.make(
            Effect.andThen(Effect.addFinalizer(() => wait), Effect.never),
            { grace: "1 second", deadline: "1 second", key: "finalizing" }
          )
          const futures = yield* Client.submitAll([shielded, finalizing])
          yield* turns()
          yield* TestClock.adjust("3 seconds")
          yield* Deferred.succeed(door, undefined)
          yield* Future.awaitAll(futures)
        })
      )
      const [finalizing, shielded] = lines.filter((line) => line.includes("was asked to stop"))
      assert.include(shielded, "its timeout of 1000 ms has passed, and a section of Worker.shielded has not ended")
      assert.include(
        finalizing,
        "its deadline of 1000 ms has passed, and its finalizers or its children have not ended"
      )
    }))

  it.effect("C14: nothing is reported of what ends in time, nor with a grace of infinity", () =>
    Effect.gen(function*() {
      const log: Log = []
      const lines = yield* logged(
        Effect.gen(function*() {
          const future = yield* Client.submit(Task.make(committing(log), { grace: "11 seconds" }))
          const patient = yield* Client.submit(Task.make(committing([]), { grace: "Infinity" }))
          yield* turns()
          yield* Effect.forkChild(Effect.andThen(Future.cancel(future), Future.cancel(patient)))
          yield* TestClock.adjust("1 hour")
        }),
        { grace: "1 second" }
      )
      assert.deepStrictEqual([lines, log], [[], whole])
    }))

  it.effect("C14: the layer has a grace of 30 seconds for tasks that name none, also while it closes", () =>
    Effect.gen(function*() {
      const door = yield* Deferred.make<void>()
      const lines: Array<string> = []
      const logger = Logger.make(({ message }) => void lines.push(String(message)))
      const program = Effect.andThen(
        Effect.forkDetach(Client.compute(Task.make(stubborn(door)))),
        turns()
      ).pipe(Effect.provide(Skein.layer(), { local: true }), Effect.provide(Logger.layer([logger])))
      const closing = yield* Effect.forkChild(program)
      yield* turns(20)
      yield* TestClock.adjust("29 seconds")
      assert.deepStrictEqual(lines, [])
      yield* TestClock.adjust("1 second")
      assert.lengthOf(lines, 1)
      assert.include(lines[0], "cancelled by scheduler")
      yield* Deferred.succeed(door, undefined)
      yield* Fiber.join(closing)
    }))

  it.effect("C14: a grace that is no duration above zero is refused", () =>
    Effect.gen(function*() {
      const reason = {
        _tag: "InvalidOption",
        option: "grace",
        expected: "a duration above zero, such as \"5 seconds\""
      } as const
      const task = Task.make(Effect.void, { grace: 0 })
      assert.deepInclude((yield* mistakeOf(Client.compute(task).pipe(inScheduler()))).reason, reason)
      assert.deepInclude((yield* mistakeOf(Effect.void.pipe(inScheduler({ grace: -1 })))).reason, reason)
    }))
})
