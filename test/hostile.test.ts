import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import { TestClock } from "effect/testing"
import { inspect } from "node:util"
import * as Client from "skein/Client"
import * as Dependency from "skein/Dependency"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import * as SkeinError from "skein/SkeinError"
import * as Task from "skein/Task"
import { Gate } from "skein/testing"
import * as Worker from "skein/Worker"
import { endless, inScheduler, type Log, turns } from "./harness.ts"
import { hostile } from "./hostile.ts"
import { causeOf } from "./support.ts"

/** The ways in which a body ends with a value. */
const ends: Readonly<Record<string, (value: unknown) => Task.Task<unknown, unknown>>> = {
  fails: (value) => Task.make(Effect.fail(value)),
  "fails after a pause": (value) => Task.make(Effect.andThen(Effect.yieldNow, Effect.fail(value))),
  dies: (value) => Task.make(Effect.die(value)),
  "throws in a plain function": (value) =>
    Task.map([], () => {
      throw value
    }),
  "throws in a function that gives an effect": (value) =>
    Task.make([], (): Effect.Effect<never> => {
      throw value
    }),
  "throws in a flatMap": (value) =>
    Task.flatMap([], (): Task.Task<never> => {
      throw value
    }),
  "fails with a schedule": (value) =>
    Task.make(Effect.andThen(Effect.yieldNow, Effect.fail(value)), { retry: Schedule.recurs(1) }),
  "fails in a finalizer": (value) =>
    Task.make(Effect.andThen(Effect.addFinalizer(() => Effect.die(value)), Effect.yieldNow)) as never,
  "misses it": (value) => Task.make(Worker.dependenciesLost([value] as never)) as never
}

const quiet = Effect.provide(Logger.layer([]))

/** Keeps what is logged, or throws at it. */
const loggedTo = (log: Log, isBroken = false) =>
  Effect.provide(Logger.layer([
    Logger.make(({ cause, message }) => {
      log.push(...[message].flat().map((line) => typeof line === "string" ? line : "?"))
      if (cause.reasons.length > 0) log.push(`${cause.reasons.length} reasons`)
      if (isBroken) throw new Error("this logger is broken")
    })
  ]))

const isDependencyFailed = (error: unknown): error is SkeinError.DependencyFailed<unknown> =>
  Result.getOrElse(Result.try(() => error instanceof SkeinError.DependencyFailed), () => false)

/** All that prints a failure in this library, and Node. */
const printed = (cause: Cause.Cause<unknown>): ReadonlyArray<string> => [
  SkeinError.pretty(cause),
  ...cause.reasons.flatMap((reason) => {
    if (!Cause.isFailReason(reason) || !isDependencyFailed(reason.error)) return []
    const { error } = reason
    return [error.message, error.stack!, String(error), JSON.stringify(error), inspect(error)]
  })
]

describe("errors that throw when they are looked at", () => {
  for (const [what, make] of Object.entries(hostile)) {
    it.effect(`F16, F12: a task that ends with ${what} has ended, whatever way, and others go on`, () =>
      inScheduler({ concurrency: 2 })(Effect.gen(function*() {
        const value = make()
        for (const [how, end] of Object.entries(ends)) {
          const bad = end(value)
          const other = Task.make(Effect.as(Effect.yieldNow, 1))
          const [exit, beside] = yield* Client.compute([bad, other], { mode: "collect" })
          assert.isTrue(Exit.isFailure(exit), how)
          assert.deepStrictEqual(beside, Exit.succeed(1), how)
          const dependent = Task.make({ bad }, () => Effect.succeed(1))
          const report = SkeinError.report(yield* Client.compute({ bad, dependent, other }, { mode: "collect" }))
          assert.deepStrictEqual([report.failures.length, report.failures[0]!.heldUp], [1, ["dependent"]], how)
          assert.isBelow(SkeinError.prettyReport(report).length, 20_000, how)
          for (const mode of ["failFast", "continue"] as const) {
            const cause = yield* causeOf(Client.compute([dependent, other], { mode }))
            for (const text of printed(cause)) assert.isBelow(text.length, 20_000, how)
          }
          for (const text of printed(yield* causeOf(Client.compute(dependent)))) assert.isString(text)
          assert.isTrue(Exit.isFailure(yield* Client.compute(Task.exit(bad))), how)
          yield* Client.compute(Task.make({ a: Dependency.all([bad], { on: "completion" }) }, () => Effect.succeed(1)))
          const joined = Task.make(Effect.flatMap(Client.submit(bad), Future.join))
          assert.isTrue(Exit.isFailure(yield* Effect.exit(Client.compute(joined))), how)
          yield* Effect.scoped(Effect.flatMap(Client.submit(dependent), Future.await))
        }
      })).pipe(quiet))

    it.effect(`F12: a scope closes whole though nobody joined a task that failed with ${what}`, () =>
      inScheduler({ concurrency: 3 })(Effect.gen(function*() {
        const value = make()
        for (const isBroken of [false, true]) {
          const log: Log = []
          const said: Log = []
          yield* Effect.scoped(Effect.gen(function*() {
            yield* Client.submit(Task.make(Effect.fail(value)))
            yield* Client.submit(Task.make(endless(log, "other")))
            yield* Client.fireAndForget(Task.make(Effect.die(value)))
            yield* turns()
          })).pipe(loggedTo(said, isBroken))
          assert.deepStrictEqual(log, ["other starts", "other is finalized"])
          assert.include(said.join("\n"), "nobody joined it")
        }
      })))
  }

  it.effect("F12: a revoked proxy is called one", () =>
    inScheduler()(Effect.gen(function*() {
      const proxy = hostile["a revoked proxy"]!()
      const bad = Task.make(Effect.fail(proxy), { key: "bad" })
      const cause = yield* causeOf(Client.compute(Task.make({ bad }, () => Effect.succeed(1), { key: "below" })))
      for (const text of printed(cause)) assert.include(text, "a revoked proxy")
      assert.include(SkeinError.pretty(yield* causeOf(Client.compute(bad))), `Task "bad" failed: a revoked proxy\n`)
      const caused = Cause.fail(new Error("fine", { cause: proxy }))
      assert.include(SkeinError.pretty(caused), "Caused by Error: a revoked proxy")
      const refused = yield* causeOf(Client.compute(Task.make(Effect.void, { priority: proxy as never })))
      assert.include(SkeinError.pretty(refused), "cannot be a revoked proxy")
    })).pipe(quiet))

  it.effect("F9, F12: a task may be settled with such a failure", () =>
    inScheduler()(Effect.gen(function*() {
      for (const make of Object.values(hostile)) {
        const future = yield* Client.submit(Task.make(Effect.never as Effect.Effect<number, unknown>))
        assert.isTrue(yield* Future.settle(future, Exit.fail(make())))
        assert.isTrue(Exit.isFailure(yield* Future.await(future)))
      }
    })).pipe(quiet))

  it.effect("G9: a pure call whose argument throws when it is looked at is refused", () =>
    inScheduler()(Effect.gen(function*() {
      const f = Task.fn((_: unknown) => 1, { pure: true, name: "f" })
      const argument = {
        get field(): never {
          throw new Error("do not look")
        }
      }
      const exit = yield* Effect.exit(Effect.suspend(() => Client.compute(f(argument))))
      assert.isTrue(Exit.isFailure(exit))
    })))

  it.effect("V3, M8: an observer and a sizeOf that give such values harm nobody", () =>
    Effect.gen(function*() {
      for (const make of Object.values(hostile)) {
        const value = make()
        yield* inScheduler({ budget: { target: 1, sizeOf: () => value as number } })(Effect.gen(function*() {
          yield* Scheduler.listen(() => value as void)
          assert.strictEqual(yield* Client.compute(Task.make(Effect.as(Effect.yieldNow, 1))), 1)
        }))
      }
    }).pipe(quiet))
})

describe("the log of a scope that closes", () => {
  const failing = (i: number) => Task.make(Effect.fail(`no ${i}`), { key: `t${i}` })

  it.effect("F12: many failures that nobody joined are one warning, with their keys and the first causes", () =>
    Effect.gen(function*() {
      const said: Log = []
      yield* inScheduler()(Effect.scoped(Effect.gen(function*() {
        for (let i = 0; i < 20; i++) yield* Client.submit(failing(i))
        yield* turns()
      }))).pipe(loggedTo(said))
      assert.deepStrictEqual(said, [
        `20 tasks failed, and nobody joined them: ${
          Array.from({ length: 8 }, (_, i) => `"t${i}"`).join(", ")
        }, and 12 more. The first 3:`,
        "3 reasons"
      ])
    }))

  it.effect("C4: all has stopped when the warning is written", () =>
    Effect.gen(function*() {
      const said: Log = []
      yield* inScheduler({ concurrency: 2 })(Effect.scoped(Effect.gen(function*() {
        yield* Client.submit(failing(1))
        yield* Client.submit(Task.make(endless(said, "other")))
        yield* turns()
      }))).pipe(loggedTo(said))
      assert.deepStrictEqual(said.slice(0, 2), ["other starts", "other is finalized"])
      assert.include(said[2], "nobody joined it")
    }))

  it.effect("W15: a release that fails in what onStart acquired is a warning", () =>
    Effect.gen(function*() {
      const said: Log = []
      const onStart = Effect.addFinalizer(() => Effect.die("will not close"))
      yield* Client.compute(Task.succeed(1)).pipe(
        Effect.provide(Skein.layer({ workers: [{ id: "a", concurrency: 1, onStart }] }), { local: true }),
        loggedTo(said)
      )
      assert.deepStrictEqual(said, [`A finalizer of what onStart of worker "a" acquired failed`, "1 reasons"])
    }))
})

describe("the pump", () => {
  it.effect("F9, C14: a body that goes on though its task was settled with a value is a warning, and the scheduler goes on", () =>
    Effect.gen(function*() {
      const said: Log = []
      yield* inScheduler({ grace: "1 second" })(Effect.gen(function*() {
        const latch = yield* Deferred.make<void>()
        const future = yield* Client.submit(Task.make(Effect.uninterruptible(Effect.as(Deferred.await(latch), 1))))
        yield* turns()
        assert.isTrue(yield* Future.settle(future, Exit.succeed(2)))
        yield* TestClock.adjust("2 seconds")
        yield* turns()
        assert.include(said.join(), "it was settled with a value")
        const next = yield* Effect.forkChild(Client.compute(Task.succeed(3)))
        yield* Deferred.succeed(latch, undefined)
        assert.deepStrictEqual([yield* Future.join(future), yield* Fiber.join(next)], [2, 3])
      })).pipe(loggedTo(said))
    }))

  it.effect("F9, C14: the warning about a body that goes on says how its task was settled", () =>
    Effect.gen(function*() {
      const said: Log = []
      yield* inScheduler({ grace: "1 second" })(Effect.gen(function*() {
        for (const error of ["no", new SkeinError.TaskSkipped({ key: "x", root: "x" })]) {
          const latch = yield* Deferred.make<void>()
          const body = Effect.uninterruptible(Effect.andThen(Deferred.await(latch), Effect.fail(error)))
          const future = yield* Client.submit(Task.make(body))
          yield* turns()
          yield* Future.settle(future, Exit.fail(error))
          yield* TestClock.adjust("2 seconds")
          yield* Deferred.succeed(latch, undefined)
          yield* Future.await(future)
        }
      })).pipe(loggedTo(said))
      const ways = said.flatMap((line) => /it was settled [a-z ]+/.exec(line) ?? [])
      assert.deepStrictEqual(ways, ["it was settled with a failure", "it was settled as skipped"])
    }))

  /** A scheduler whose pump throws at the start of the task "boom". */
  const breaking = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Gate.holdMessages(effect, Gate.makeUnsafe(), ({ key }) => {
      if (key === "boom") throw new Error("broken inside")
      return false
    })

  it.live("F16: what throws inside the scheduler ends all that waits, in its words, stops what runs, and closes the layer", () =>
    Effect.gen(function*() {
      const log: Log = []
      const said: Log = []
      const boom = Task.make(Effect.never, { key: "boom" })
      const exit = yield* Effect.exit(
        Effect.gen(function*() {
          const running = yield* Effect.forkChild(Client.compute(Task.make(endless(log, "other"))))
          const nested = yield* Effect.forkChild(
            Client.compute(Task.make(Client.compute(Task.make(endless(log, "child")))))
          )
          yield* turns()
          const fiber = yield* Effect.forkChild(Client.compute(boom))
          const causes = yield* Effect.forEach(
            [fiber, running, nested],
            (each) =>
              Effect.map(Fiber.await(each), (exit) => Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "a success")
          )
          for (const text of causes) {
            assert.include(text, "The scheduler failed by itself and has closed: Error: broken inside")
          }
          assert.include(causes[0], `the last instruction Start of task "boom" (running)`)
          assert.include(causes[0], "ready -> assigned")
          assert.include(Cause.pretty(yield* causeOf(Client.compute(Task.succeed(1)))), "broken inside")
          assert.include(Cause.pretty(yield* causeOf(Effect.scoped(Client.submit(Task.succeed(1))))), "broken inside")
          return "the program went on"
        }).pipe(
          Effect.provide(Skein.layer({ concurrency: 4, stories: 100 }), { local: true }),
          breaking,
          loggedTo(said)
        )
      )
      assert.sameMembers(log, ["other starts", "child starts", "other is finalized", "child is finalized"])
      assert.include(said[0], "A scheduler has failed")
      // Loud to the end, for a program that waited for nothing.
      assert.isTrue(Exit.isFailure(exit))
      assert.include(String(exit), "broken inside")
    }))

  it.live("F16: so it does where a body launched what broke it, or waits uninterruptibly", () =>
    Effect.gen(function*() {
      const boom = Task.make(Effect.never, { key: "boom" })
      for (
        const body of [
          Client.compute(boom),
          Effect.uninterruptible(Client.compute(boom)),
          Effect.scoped(Effect.flatMap(Client.submit(boom), Future.await)),
          Effect.andThen(Worker.secede, Effect.andThen(Client.compute(boom), Worker.rejoin))
        ]
      ) {
        const cause = yield* causeOf(
          Client.compute(Task.make(body as Effect.Effect<unknown, unknown, Client.Client>)).pipe(
            Effect.provide(Skein.layer(), { local: true }),
            breaking,
            quiet
          )
        )
        assert.include(Cause.pretty(cause), "broken inside")
      }
    }))
})
