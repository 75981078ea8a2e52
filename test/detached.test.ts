import { assert, describe, it } from "@effect/vitest"
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import type { SubmitError } from "skein/SkeinError"
import * as Task from "skein/Task"
import { Faults, InterruptSweep, Leftovers, Simulation } from "skein/testing"
import { endless, gate, inQuietScheduler, inScheduler, type Log, note, reluctant, turns } from "./harness.ts"
import {
  errorOf,
  explanationOf,
  infoOf,
  mistakeOf,
  nothingIsLeft,
  onlyError,
  reasonOf,
  submitErrorOf
} from "./support.ts"

const started = (log: Log, name: string) =>
  Effect.repeat(Effect.yieldNow, { until: () => log.includes(`${name} starts`) })

/** Gives what a program logs. */
const warnings = <A, E, R>(program: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const lines: Array<{ readonly message: string; readonly cause: Cause.Cause<unknown> }> = []
    const logger = Logger.make(({ cause, message }) => void lines.push({ message: String(message), cause }))
    yield* Effect.provide(program, Logger.layer([logger]))
    return lines
  })

describe("fire and forget", () => {
  it.effect("A11: it runs without a handle and needs no scope; its result is released at its end", () => {
    const log: Log = []
    // The annotation is the test: no Scope.
    const fire: Effect.Effect<void, SubmitError, Client.Client> = Client.fireAndForget(Task.make(note(log, "ran")))
    return Effect.gen(function*() {
      assert.isUndefined(yield* fire)
      assert.deepStrictEqual(log, [])
      yield* turns()
      assert.deepStrictEqual(log, ["ran"])
      yield* nothingIsLeft
      yield* Leftovers.assertNone
    }).pipe(Effect.provide(Skein.layer(), { local: true }))
  })

  it.effect("A11: awaitGroup waits for what was fired, and for what is fired meanwhile, failed or not", () =>
    Effect.gen(function*() {
      const log: Log = []
      const late = Effect.andThen(Effect.sleep("1 second"), note(log, "late"))
      const fails = Task.make(Effect.andThen(Effect.sleep("1 second"), Effect.fail("no")))
      const first = Task.make(Effect.gen(function*() {
        yield* Effect.sleep("1 second")
        yield* Client.fireAndForget(Task.make(late), { group: "g" })
      }))
      yield* Client.fireAndForget(first, { group: "g" })
      yield* Client.fireAndForget(fails, { group: "g" })
      yield* Client.fireAndForget(Task.make(endless(log, "other")), { group: "other" })
      const waiting = yield* Effect.forkChild(Effect.andThen(Client.awaitGroup("g"), note(log, "over")))
      yield* TestClock.adjust("1 second")
      assert.notInclude(log, "over")
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(waiting)
      assert.deepStrictEqual(log, ["other starts", "late", "over"])
      yield* Client.awaitGroup("nothing was ever fired here")
      yield* Client.cancelGroup("other")
    }).pipe(inScheduler()))

  it.effect("A11: awaitGroup returns when finalizers have run, of what was cancelled and of resources", () =>
    Effect.gen(function*() {
      const log: Log = []
      yield* Client.fireAndForget(Task.make(reluctant(log, "fired")))
      const opened = Effect.acquireRelease(note(log, "open"), () => Effect.andThen(turns(), note(log, "close")))
      yield* Client.fireAndForget(Task.resource(opened))
      yield* started(log, "fired")
      yield* Client.cancelGroup(Client.defaultGroup, { wait: false })
      assert.notInclude(log, "fired is finalized")
      yield* Client.awaitGroup()
      assert.sameMembers(log, ["fired starts", "open", "fired is finalized", "close"])
      yield* Leftovers.assertNone
    }).pipe(inScheduler()))

  it.effect("A11: a finalizer that waits for its own group is told that it waits for itself", () =>
    Effect.gen(function*() {
      const errors: Array<unknown> = []
      const waits = Effect.map(Effect.flip(Client.awaitGroup("g")), (error) => errors.push(error.reason._tag))
      const task = Task.make(Effect.onExit(Effect.never, () => Effect.ignore(waits)))
      yield* Client.fireAndForget(task, { group: "g" })
      yield* turns()
      yield* Client.cancelGroup("g")
      assert.deepStrictEqual(errors, ["Starved"])
    }).pipe(inScheduler()))

  it.effect("A11: a task that waits for its own group is told that it waits for itself", () =>
    Effect.gen(function*() {
      const errors: Array<unknown> = []
      const task = Task.make(Effect.map(Effect.flip(Client.awaitGroup("g")), (error) => errors.push(error.reason._tag)))
      yield* Client.fireAndForget(task, { group: "g" })
      yield* Client.awaitGroup("g")
      assert.deepStrictEqual(errors, ["Starved"])
    }).pipe(inScheduler()))

  it.effect("A11: it survives the scope in which it was fired, and what it depends on does too", () =>
    Effect.gen(function*() {
      const log: Log = []
      const door = gate()
      yield* Effect.scoped(Effect.gen(function*() {
        const input = yield* Client.submit(Task.make(Effect.as(door.pass, "input")))
        yield* Client.fireAndForget(Task.make(input, (value) => note(log, value)))
        yield* door.arrived(1)
      }))
      assert.deepStrictEqual(log, [])
      yield* Effect.andThen(door.open, turns())
      assert.deepStrictEqual(log, ["input"])
    }).pipe(inScheduler()))

  it.effect("A11, N10: it survives the body that fired it, and the cancellation of its task", () =>
    Effect.gen(function*() {
      const log: Log = []
      const door = gate()
      const fired = Task.make(Effect.andThen(door.pass, note(log, "detached")), { key: "fired" })
      const ends = { succeeds: Effect.void, fails: Effect.fail("no"), dies: Effect.die("bug"), waits: Effect.never }
      for (const [name, end] of Object.entries(ends)) {
        const body: Effect.Effect<void, string | SubmitError, Client.Client> = Effect.andThen(
          Client.fireAndForget(Task.withOptions(fired, { key: name })),
          end
        )
        const future = yield* Client.submit(Task.make(body, { key: `body ${name}` }))
        yield* turns()
        yield* Future.cancel(future, { force: true })
        assert.notStrictEqual(yield* Future.status(future), "running")
        assert.strictEqual((yield* explanationOf(name))?.status, "running")
      }
      yield* door.open
      yield* turns()
      assert.strictEqual(log.length, 4)
    }).pipe(inScheduler()))

  it.effect("A11: a failure is a line in the log with its cause, which names the body that fired it", () =>
    Effect.gen(function*() {
      const failing = Task.make(Effect.fail("no journal"), { key: "entry" })
      const lines = yield* warnings(
        Effect.gen(function*() {
          yield* Client.compute(Task.make(Client.fireAndForget(failing), { key: "order" }))
          yield* Client.fireAndForget(Task.make(Effect.interrupt))
          yield* turns()
        }).pipe(inScheduler())
      )
      assert.lengthOf(lines, 1)
      const { cause, message } = lines[0]!
      assert.include(message, "Task \"entry\" failed, and nobody joined it")
      assert.strictEqual(onlyError(cause), "no journal")
      assert.deepInclude(infoOf(cause), { key: "entry", submitter: "order", attempt: 1 })
    }))

  it.effect("A11: what somebody joins who shares it is no line in the log", () =>
    Effect.gen(function*() {
      const shared = Task.make(Effect.andThen(turns(), Effect.fail("no")), { key: "shared" })
      const lines = yield* warnings(
        Effect.gen(function*() {
          const future = yield* Client.submit(shared)
          const joining = yield* Effect.forkChild(errorOf(Future.join(future)), { startImmediately: true })
          yield* Client.fireAndForget(shared)
          assert.strictEqual(yield* Fiber.join(joining), "no")
        }).pipe(inScheduler())
      )
      assert.deepStrictEqual(lines, [])
    }))

  it.effect("A11: a graph that cannot run is a SubmitError at once, and leaves nothing", () =>
    Effect.gen(function*() {
      const key = "taken"
      const [first, second] = [Task.make(Effect.never, { key }), Task.make(Effect.never, { key })]
      yield* Client.submit(first)
      const conflict = yield* submitErrorOf(Client.fireAndForget(Task.all([first, second])))
      assert.deepInclude(conflict.reason, { _tag: "KeyConflict", key })
      const tooMany = Task.all([1, 2, 3].map((n) => Task.make(Effect.succeed(n))))
      assert.deepInclude((yield* submitErrorOf(Client.fireAndForget(tooMany))).reason, { _tag: "LimitExceeded" })
      const stranger = yield* mistakeOf(Client.fireAndForget(1 as unknown as Task.Task<number>))
      assert.include(stranger.message, "1: it is no task")
      assert.strictEqual((yield* Scheduler.stats).owners, 1)
    }).pipe(inScheduler({ limits: { tasks: 3 } })))

  it.effect("A11: it ends with the layer, whose close waits for its finalizers and takes nothing more", () =>
    Effect.gen(function*() {
      const log: Log = []
      const client = yield* Effect.gen(function*() {
        yield* Client.fireAndForget(Task.make(reluctant(log, "fired")))
        yield* started(log, "fired")
        return yield* Client.Client
      }).pipe(Effect.provide(Skein.layer(), { local: true }))
      assert.deepStrictEqual(log, ["fired starts", "fired is finalized"])
      const late = Client.fireAndForget(Task.make(note(log, "late"))).pipe(Effect.provideService(Client.Client, client))
      assert.deepInclude((yield* submitErrorOf(late)).reason, { _tag: "Closed", what: "scheduler" })
    }))

  it.effect("A11: the layer waits for what a group that was cancelled without waiting still runs", () =>
    Effect.gen(function*() {
      const log: Log = []
      yield* Effect.gen(function*() {
        yield* Client.fireAndForget(Task.make(reluctant(log, "fired")))
        yield* started(log, "fired")
        yield* Client.cancelGroup(Client.defaultGroup, { wait: false })
        yield* turns(2)
        assert.strictEqual((yield* Scheduler.stats).owners, 0)
      }).pipe(Effect.provide(Skein.layer(), { local: true }))
      assert.deepStrictEqual(log, ["fired starts", "fired is finalized"])
    }))

  it.effect("A11: cancelGroup stops what is in the group, and no other; finalizers have run when it returns", () =>
    Effect.gen(function*() {
      const log: Log = []
      const door = gate()
      for (const name of ["a", "b"]) yield* Client.fireAndForget(Task.make(reluctant(log, name)), { group: "mail" })
      yield* Client.fireAndForget(Task.make(Effect.andThen(door.pass, note(log, "other"))))
      yield* Client.fireAndForget(Task.make(note(log, "queued")), { group: "mail" })
      yield* started(log, "b")
      yield* Client.cancelGroup("mail", { by: "me", why: "enough" })
      assert.deepStrictEqual(log, ["a starts", "b starts", "a is finalized", "b is finalized"])
      yield* Client.cancelGroup("mail")
      yield* Client.cancelGroup("nothing is in it")
      yield* Effect.andThen(door.open, turns())
      assert.deepStrictEqual(log.slice(4), ["other"])
      yield* Client.fireAndForget(Task.make(note(log, "again")), { group: "mail" })
      yield* turns()
      assert.deepStrictEqual(log.slice(4), ["other", "again"])
    }).pipe(inScheduler({ concurrency: 3 })))

  it.effect("A11: with wait: false it returns at once; a second cancelGroup waits for the finalizers", () =>
    Effect.gen(function*() {
      const log: Log = []
      yield* Client.fireAndForget(Task.make(reluctant(log, "fired"), { key: "fired" }))
      yield* started(log, "fired")
      yield* Client.cancelGroup("default", { wait: false, why: "first" })
      assert.deepStrictEqual(log, ["fired starts"])
      assert.deepInclude((yield* explanationOf("fired"))?.because, { _tag: "Stopping", reason: "Cancelled" })
      yield* Client.cancelGroup("default")
      assert.deepStrictEqual(log, ["fired starts", "fired is finalized"])
    }).pipe(inScheduler()))

  it.effect("A11: interrupting a cancelGroup ends its wait; the cancellation of all of them goes on", () =>
    Effect.gen(function*() {
      const log: Log = []
      const names = ["a", "b", "c"]
      for (const name of names) yield* Client.fireAndForget(Task.make(reluctant(log, name), { key: name }))
      yield* started(log, "c")
      const cancelling = yield* Effect.forkChild(Client.cancelGroup("default"), { startImmediately: true })
      yield* Fiber.interrupt(cancelling)
      for (const name of names) assert.strictEqual((yield* explanationOf(name))?.status, "stopping")
      yield* Client.cancelGroup("default")
      assert.strictEqual(log.length, 6)
    }).pipe(inScheduler({ concurrency: 3 })))

  it.effect("A11, C3: what others want goes on for them, unless the cancel is forced", () =>
    Effect.gen(function*() {
      const log: Log = []
      const task = Task.make(endless(log, "shared"), { key: "shared" })
      const future = yield* Client.submit(task)
      yield* Client.fireAndForget(task)
      yield* started(log, "shared")
      yield* Client.cancelGroup("default")
      assert.strictEqual(yield* Future.status(future), "running")
      yield* Client.fireAndForget(task)
      yield* Client.cancelGroup("default", { force: true, by: "me" })
      assert.deepInclude(yield* reasonOf(Future.join(future)), { _tag: "TaskCancelled", by: "me" })
      assert.deepStrictEqual(log, ["shared starts", "shared is finalized"])
    }).pipe(inScheduler()))

  it.effect("A11: a body may cancel the group that it is in", () =>
    Effect.gen(function*() {
      const log: Log = []
      const body = Effect.onExit(Client.cancelGroup("default"), (exit) => note(log, exit._tag))
      yield* Client.fireAndForget(Task.make(reluctant(log, "other")))
      yield* started(log, "other")
      yield* Client.fireAndForget(Task.make(body))
      yield* turns(30)
      assert.deepStrictEqual(log.toSorted(), ["Failure", "other is finalized", "other starts"])
    }).pipe(inScheduler()))

  it.effect("A11: with a dependency that fails, what else it depends on is stopped, and its finalizers are waited for", () =>
    Effect.gen(function*() {
      const log: Log = []
      const failing = Task.make(Effect.andThen(started(log, "side"), Effect.fail("no")))
      yield* Client.fireAndForget(Task.all([failing, Task.make(reluctant(log, "side"))]))
      yield* turns(30)
      assert.deepStrictEqual(log, ["side starts", "side is finalized"])
      yield* Leftovers.assertNone
    }).pipe(Effect.provide(Skein.layer(), { local: true })))

  it.effect("A11: a retry, a timeout and a flatMap are those of any task", () =>
    Effect.gen(function*() {
      const log: Log = []
      yield* Client.fireAndForget(Task.make(endless(log, "slow"), { timeout: "1 second" }))
      yield* Client.fireAndForget(Task.flatMap(1, (n) => Task.make(note(log, `inner ${n}`))))
      yield* turns()
      yield* TestClock.adjust("1 second")
      yield* turns()
      assert.deepStrictEqual(log, ["slow starts", "inner 1", "slow is finalized"])
    }).pipe(inScheduler()))

  it.effect("A11: a body sees the services of who fired it", () => {
    class Name extends Context.Service<Name, string>()("test/Name") {}
    const log: Log = []
    return Effect.gen(function*() {
      yield* Client.fireAndForget(Task.make(Effect.flatMap(Name, (name) => note(log, name)))).pipe(
        Effect.provideService(Name, "mine")
      )
      yield* turns()
      assert.deepStrictEqual(log, ["mine"])
    }).pipe(inScheduler())
  })

  it.effect("A11, N7: a recursion of tasks that each fire two more is refused in the end, and stays narrow (trap 15)", () =>
    Effect.gen(function*() {
      let runs = 0
      let refused = 0
      let most = 0
      const f: Task.Task<void, never, Client.Client | Scheduler.Scheduler> = Task.make(
        Effect.gen(function*() {
          runs++
          const { owners } = yield* Scheduler.stats
          most = Math.max(most, owners)
          for (let i = 0; i < 2; i++) {
            const exit = yield* Effect.exit(Client.fireAndForget(f))
            if (Exit.isSuccess(exit)) continue
            refused++
            assert.deepInclude((yield* errorOf(exit)).reason, { _tag: "NestingLimit", of: "nesting", max: 8 })
          }
        })
      )
      yield* Client.fireAndForget(f)
      yield* Effect.repeat(Effect.yieldNow, { until: () => runs === 2 ** 9 - 1 })
      yield* turns()
      assert.deepStrictEqual([runs, refused], [511, 512])
      // Deep before wide: on each slot a sibling for each level, and not a whole level.
      assert.isAtMost(most, 2 * 8 + 2)
      yield* Leftovers.assertNone
    }).pipe(
      Effect.provide(Skein.layer({ concurrency: 2, limits: { nesting: 8, refusals: Infinity } }), { local: true })
    ))

  it.effect("A11: a task that fires itself again and again ends when its group is cancelled", () =>
    Effect.gen(function*() {
      let runs = 0
      const again: Task.Task<void, SubmitError, Client.Client> = Task.make(Effect.gen(function*() {
        runs++
        yield* Effect.yieldNow
        yield* Client.fireAndForget(again, { group: "loop" })
      }))
      yield* Client.fireAndForget(again, { group: "loop" })
      yield* turns(20)
      yield* Client.cancelGroup("loop")
      const until = runs
      yield* turns(20)
      assert.isAbove(until, 2)
      assert.strictEqual(runs, until)
    }).pipe(inScheduler()))

  it.effect("A11, M5: ten thousand that succeed, fail and are cancelled leave nothing in any table", () =>
    Effect.gen(function*() {
      const lines = yield* warnings(
        Effect.gen(function*() {
          for (let i = 0; i < 100; i++) {
            for (let j = 0; j < 100; j++) {
              const body = j % 10 < 3 ? Effect.fail(j) : j % 10 === 3 ? Effect.never : Effect.succeed(j)
              yield* Client.fireAndForget(Task.make(body), { group: j % 10 === 3 ? "cancelled" : "others" })
            }
            yield* Client.cancelGroup("cancelled", { wait: i % 2 === 0 })
          }
          yield* turns(20)
        }).pipe(inQuietScheduler())
      )
      assert.lengthOf(lines, 3000)
    }))

  it.live("A11: interrupted at any point it leaves nothing behind that cancelGroup does not end", () =>
    Effect.asVoid(InterruptSweep.run(
      Effect.gen(function*() {
        yield* Client.fireAndForget(Task.make(Effect.yieldNow))
        yield* Client.fireAndForget(Task.make(Effect.never))
        yield* Client.cancelGroup("default")
      }),
      {
        layer: Skein.layer({ concurrency: 1 }),
        check: () => Effect.andThen(Client.cancelGroup("default"), Leftovers.assertNone)
      }
    )))

  it.live("trap 18: fired while its input's owner lets go of it, a task runs with the input or is refused, in every order", () =>
    Effect.asVoid(Simulation.run(() =>
      Effect.gen(function*() {
        const seen: Array<number> = []
        const scope = yield* Scope.make()
        const input = yield* Client.submit(Task.make(Effect.as(Effect.sleep(1), 1))).pipe(Scope.provide(scope))
        const firing = yield* Effect.forkChild(
          Effect.exit(Client.fireAndForget(Task.map(input, (n) => void seen.push(n))))
        )
        yield* Effect.forkChild(Scope.close(scope, Exit.void))
        const exit = yield* Fiber.join(firing)
        yield* Effect.sleep(10)
        assert.deepStrictEqual(seen, Exit.isSuccess(exit) ? [1] : [])
      }), { seeds: 200, faults: Faults.none, abandon: 0 })))
})
