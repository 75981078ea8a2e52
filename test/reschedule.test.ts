import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { TestClock } from "effect/testing"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import { TaskRescheduled } from "skein/SkeinError"
import * as Task from "skein/Task"
import { Gate, InterruptSweep, Leftovers, Simulation } from "skein/testing"
import * as Worker from "skein/Worker"
import { leftoversOf } from "../src/engine/views/leftovers.ts"
import { coreOf } from "../src/testing/internal/leftovers.ts"
import { endless, gate, inQuietScheduler, inScheduler, type Log, note, reluctant, turns } from "./harness.ts"
import { longOr } from "./long.ts"
import { causeOf, defectsIn, explanationOf, reasonOf } from "./support.ts"

/** Gives its place up the first `times` times, then does as it is told. */
const politely = (times: number) => {
  let left = times
  return <A, E, R>(body: Effect.Effect<A, E, R>): Effect.Effect<A, E | TaskRescheduled, R | Worker.Worker> =>
    Effect.suspend((): Effect.Effect<A, E | TaskRescheduled, R | Worker.Worker> =>
      left-- > 0 ? Worker.reschedule : body
    )
}

for (const isAway of [false, true]) {
  const leave = isAway ? Worker.secede : Effect.void

  describe(isAway ? "a body that has seceded and gives its place up" : "a body that gives its place up", () => {
    it.effect("F10: runs again, behind what is ready, and succeeds", () =>
      Effect.gen(function*() {
        const log: Log = []
        const again = politely(1)
        const body = Effect.andThen(leave, Effect.andThen(note(log, "polite"), again(Effect.succeed(42))))
        const polite = Task.make(body)
        const others = ["a", "b", "c"].map((name) => Task.make(note(log, name)))
        const [value] = yield* Client.compute([polite, ...others])
        assert.strictEqual(value, 42)
        // One that is away has let the others have its slot already.
        assert.deepStrictEqual(log.filter((each) => each === "polite").length, 2)
        assert.strictEqual(log.at(-1), "polite")
      }).pipe(inScheduler({ concurrency: 1 })))

    it.effect("F10: its slot is free in the same step", () =>
      Effect.gen(function*() {
        const log: Log = []
        const passing = gate()
        const polite = Task.make(Effect.andThen(leave, politely(1)(note(log, "polite"))), { key: "polite" })
        const other = Task.make(Effect.andThen(note(log, "other"), passing.pass), { key: "other" })
        yield* Effect.scoped(Effect.gen(function*() {
          const futures = yield* Client.submitAll([polite, other])
          yield* passing.arrived(1)
          assert.strictEqual((yield* explanationOf("polite"))?.status, "ready")
          assert.deepStrictEqual((yield* Scheduler.dump).workers[0]!.running, ["other"])
          yield* passing.open
          yield* Future.joinAll(futures)
        }))
        assert.deepStrictEqual(log, ["other", "polite"])
      }).pipe(inScheduler({ concurrency: 1 })))

    it.effect("F10: it is no attempt, neither for the body nor for the retry schedule", () =>
      Effect.gen(function*() {
        const numbers: Array<number> = []
        const again = politely(3)
        const body = Effect.gen(function*() {
          yield* leave
          const { attempt } = yield* Worker.current
          numbers.push(attempt)
          yield* again(Effect.void)
          if (numbers.length < 6) return yield* Effect.fail("no")
        })
        const future = yield* Client.submit(Task.make(body, { retry: Schedule.recurs(2) }))
        yield* Future.join(future)
        assert.deepStrictEqual(numbers, [1, 1, 1, 1, 2, 3])
        const { attempts } = yield* Future.metadata(future)
        assert.deepStrictEqual(attempts.map(({ attempt }) => attempt), [1, 2, 3])
      }).pipe(inScheduler({ concurrency: 1 })))

    it.effect("F10: dependencies do not run again", () =>
      Effect.gen(function*() {
        const log: Log = []
        const again = politely(2)
        const value = yield* Client.compute(
          Task.make(Task.make(note(log, "up")), (up) => Effect.andThen(leave, again(Effect.succeed(up))))
        )
        assert.deepStrictEqual([value, log], ["up", ["up"]])
      }).pipe(inScheduler()))

    it.effect("F10: cancelled at the same time it is cancelled, and not run again", () => {
      const news = Gate.makeUnsafe()
      return Effect.gen(function*() {
        let runs = 0
        yield* Effect.scoped(Effect.gen(function*() {
          const body = Effect.andThen(
            leave,
            Effect.suspend(() => Effect.andThen(Effect.sync(() => runs++), Worker.reschedule))
          )
          const future = yield* Client.submit(Task.make(body))
          yield* Gate.arrived(news)
          const cancelling = yield* Effect.forkChild(Future.cancel(future), { startImmediately: true })
          yield* turns()
          yield* Gate.open(news)
          yield* Fiber.join(cancelling)
          assert.strictEqual(yield* Future.status(future), "cancelled")
          assert.strictEqual((yield* reasonOf(Future.join(future)))._tag, "TaskCancelled")
        }))
        assert.strictEqual(runs, 1)
        yield* Leftovers.assertNone
      }).pipe(Effect.provide(Skein.layer()), Gate.holdMessages(news, ({ _tag }) => _tag === "Ended"))
    })

    it.effect("F10: while it stops it cannot give its place up any more", () =>
      Effect.gen(function*() {
        const log: Log = []
        const body = Effect.andThen(leave, endless(log, "body"))
        const future = yield* Client.submit(Task.make(Effect.catchCause(body, () => Worker.reschedule)))
        yield* Effect.repeat(Effect.yieldNow, { until: () => log.length > 0 })
        yield* Future.cancel(future)
        assert.strictEqual(yield* Future.status(future), "cancelled")
        assert.deepStrictEqual(log, ["body starts", "body is finalized"])
      }).pipe(inScheduler()))
  })
}

describe("Worker.reschedule", () => {
  it.effect("F10: what the body submitted or acquired ends with it", () =>
    Effect.gen(function*() {
      const log: Log = []
      const again = politely(1)
      const body = Effect.gen(function*() {
        yield* Effect.acquireRelease(note(log, "open"), () => note(log, "close"))
        yield* Client.submit(Task.make(reluctant(log, "child")))
        yield* Effect.repeat(Effect.yieldNow, { until: () => log.includes("child starts") })
        yield* again(note(log, "done"))
      })
      yield* Client.compute(Task.make(body))
      const [begin, end] = [["open", "child starts"], ["child is finalized", "close"]]
      assert.deepStrictEqual(log, [...begin, ...end, ...begin, "done", ...end])
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("F10, O5: it goes behind what is ready of its priority, and before what is submitted later", () =>
    Effect.gen(function*() {
      const log: Log = []
      const [passing, last] = [gate(), gate()]
      const again = politely(1)
      const polite = Task.make(Effect.andThen(note(log, "polite"), Effect.andThen(passing.pass, again(Effect.void))))
      const named = (name: string, priority: number) => Task.make(note(log, name), { priority })
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Client.submit(polite)
        yield* passing.arrived(1)
        yield* Client.submitAll([named("low", -1), named("a", 0), named("b", 0)])
        yield* Client.submit(Task.make(Effect.andThen(note(log, "c"), last.pass)))
        yield* passing.open
        yield* last.arrived(1)
        yield* Client.submit(named("later", 0))
        yield* last.open
        yield* Effect.repeat(Effect.yieldNow, { until: () => log.length === 7 })
      }))
      assert.deepStrictEqual(log, ["polite", "a", "b", "c", "polite", "later", "low"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("F10: bodies that give way to each other take turns, and none of them starves", () =>
    Effect.gen(function*() {
      const log: Log = []
      const tasks = ["a", "b", "c"].map((name) => {
        const again = politely(2)
        return Task.make(Effect.andThen(note(log, name), again(Effect.void)))
      })
      yield* Client.compute(tasks)
      assert.strictEqual(log.join(""), "abcabcabc")
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("F10, C9: timeout starts anew, deadline goes on", () =>
    Effect.gen(function*() {
      let runs = 0
      const body = Effect.andThen(
        Effect.sync(() => runs++),
        Effect.andThen(Effect.sleep("2 seconds"), Worker.reschedule)
      )
      const options = { timeout: "3 seconds", deadline: "9 seconds", dependencyTimeout: "1 second" } as const
      const fiber = yield* Effect.forkChild(causeOf(Client.compute(Task.make(body, options))))
      yield* TestClock.adjust("8 seconds")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 second")
      const cause = yield* Fiber.join(fiber)
      assert.include(Cause.pretty(cause), "TaskTimeout")
      assert.strictEqual(runs, 5)
    }).pipe(inScheduler()))

  it.effect("F10: a defect or a failure beside it decides", () =>
    Effect.gen(function*() {
      const dying = Effect.ensuring(Worker.reschedule, Effect.die("stuck"))
      assert.deepStrictEqual(defectsIn(yield* causeOf(Client.compute(Task.make(dying)))), ["stuck"])
      const failing = Effect.failCause(Cause.combine(Cause.fail(new TaskRescheduled()), Cause.fail("no" as const)))
      const exit = yield* Effect.exit(Client.compute(Task.make(failing)))
      assert.isTrue(Exit.isFailure(exit))
      const cause = yield* causeOf(Client.compute(Task.make(failing)))
      assert.deepStrictEqual(cause.reasons.map((reason) => Cause.isFailReason(reason) && reason.error), ["no"])
      const closing = Effect.andThen(Effect.addFinalizer(() => Effect.die("open")), Worker.reschedule)
      assert.deepStrictEqual(defectsIn(yield* causeOf(Client.compute(Task.make(closing)))), ["open"])
    }).pipe(inScheduler()))

  it.effect("F10: functions of inputs, wrapped functions and items may do it too", () =>
    Effect.gen(function*() {
      const [a, b, c] = [politely(1), politely(1), politely(1)]
      const wrapped = Task.fn((n: number) => b(Effect.succeed(n + 1)))
      const made = Task.make(wrapped(1), (n) => a(Effect.succeed(n + 1)))
      assert.strictEqual(yield* Client.compute(made), 3)
      assert.deepStrictEqual(yield* Client.forEach([1, 2], (n) => c(Effect.succeed(n))), [1, 2])
      const resource = Task.resource(politely(1)(Effect.succeed(1)))
      assert.strictEqual(yield* Client.compute(Task.map(resource, (n) => n)), 1)
    }).pipe(inScheduler()))

  it.effect("F10: a body that waits and then gives its place up on one slot lets what it waits for finish", () =>
    Effect.gen(function*() {
      let isReady = false
      const poll = Task.make(Effect.suspend(() => isReady ? Effect.succeed("ready") : Worker.reschedule))
      const steps = Array.from({ length: 20 }, () => Task.make(Effect.yieldNow))
      const last = Task.map(steps, () => {
        isReady = true
      })
      assert.deepStrictEqual(yield* Client.compute([poll, last]), ["ready", undefined])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("F10: a body that does it for ever blocks nobody, and no table grows", () =>
    Effect.gen(function*() {
      let runs = 0
      const sizes: Array<number> = []
      const body = Effect.suspend(() => {
        runs++
        return Worker.reschedule
      })
      yield* Effect.scoped(Effect.gen(function*() {
        const { state } = coreOf(yield* Client.Client)
        yield* Client.submit(Task.make(body, { timeout: "1 second", deadline: "1 hour" }))
        const until = (count: number) => Effect.repeat(Effect.yieldNow, { until: () => runs >= count })
        for (const count of [5_000, longOr(50_000, 20_000)]) {
          yield* until(count)
          sizes.push([...leftoversOf(state).values()].reduce((sum, size) => sum + size, 0))
        }
      }))
      assert.isBelow(sizes[1]!, sizes[0]! + 70)
      const ended = runs
      yield* turns()
      assert.strictEqual(runs, ended)
    }).pipe(inQuietScheduler({ concurrency: 1 })))

  it.live("F10, T5: interrupted at any point it leaves nothing", () =>
    Effect.gen(function*() {
      const program = Effect.suspend(() => {
        const again = politely(2)
        const polite = Task.make(Effect.andThen(Effect.yieldNow, again(Effect.succeed(1))))
        return Client.compute(Task.all([polite, Task.make(Effect.yieldNow)]))
      })
      const layer = Skein.layer({ concurrency: 1 })
      const report = yield* InterruptSweep.run(program, { layer, check: () => Leftovers.assertNone })
      assert.isAbove(report.points, 50)
    }))

  it.live("F10, T3: simulated runs end as the interpreter says, whoever gives way", () =>
    Effect.gen(function*() {
      const subject = () =>
        Array.from({ length: 4 }, (_, i) => {
          const again = politely(i)
          return Task.make(Effect.andThen(Effect.yieldNow, again(Effect.succeed(i))), {
            label: `t${i}`,
            priority: i % 2,
            retry: Schedule.recurs(1)
          })
        })
      const report = yield* Simulation.run(subject, { seeds: 200 })
      assert.isAbove(report.interleavings, 50)
    }))
})
