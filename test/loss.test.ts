import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as FiberScheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import { type SubmitError, WorkerKilled } from "skein/SkeinError"
import * as Task from "skein/Task"
import { Faults, Gate, Leftovers } from "skein/testing"
import * as Worker from "skein/Worker"
import { inScheduler, type Log, note } from "./harness.ts"
import {
  causeOf,
  errorOf,
  exitNow,
  explanationOf,
  infoOf,
  mistakeOf,
  onlyError,
  reasonIn,
  reasonOf
} from "./support.ts"

/** Two workers of one slot. */
const two = inScheduler({ workers: [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1 }] })

/** Lets everything happen that can. */
const calm = Effect.repeat(Effect.yieldNow, { times: 20 })

/** A body that notes where it runs, and goes on when it is told to. */
const gated = (log: Log, key: string, gate: Deferred.Deferred<void>, options: Task.Options = {}) =>
  Task.make(
    Effect.gen(function*() {
      const { attempt, id: worker } = yield* Worker.current
      log.push(`${key} on ${worker} (${attempt})`)
      yield* Deferred.await(gate)
      return worker
    }),
    { key, ...options }
  )

describe("loss of a worker", () => {
  it.effect("F8: what runs there starts elsewhere, its attempt is not charged, and its finalizers run", () =>
    two(Effect.gen(function*() {
      const log: Log = []
      const gate = yield* Deferred.make<void>()
      const future = yield* Client.submit(gated(log, "x", gate))
      yield* calm
      assert.isTrue(yield* Faults.loseWorker("a"))
      yield* calm
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual(yield* Future.join(future), "b")
      assert.deepStrictEqual(log, ["x on a (1)", "x on b (1)"])
      const { attempts } = yield* Future.metadata(future)
      assert.deepStrictEqual(
        attempts.map(({ attempt, lost, worker }) => [attempt, worker, lost]),
        [[1, "a", true], [1, "b", undefined]]
      )
      assert.isFalse(yield* Faults.loseWorker("a"))
    })))

  it.effect("F8: a task that waits there is lost with what it submitted, and submits it again under the same keys", () =>
    two(Effect.gen(function*() {
      const log: Log = []
      const gate = yield* Deferred.make<void>()
      const parent = Task.make(
        Effect.gen(function*() {
          log.push(`parent on ${(yield* Worker.current).id}`)
          const child = yield* Client.submit(gated(log, "child", gate))
          return yield* Future.join(child)
        }),
        { key: "parent" }
      )
      const future = yield* Client.submit(parent)
      yield* calm
      yield* Faults.loseWorker("a")
      yield* calm
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual(yield* Future.join(future), "b")
      assert.deepStrictEqual(log.filter((line) => line.startsWith("parent")), ["parent on a", "parent on b"])
    })))

  it.effect("F8, N10: a child whose worker is lost starts elsewhere, and its parent waits on", () =>
    two(Effect.gen(function*() {
      const log: Log = []
      const gate = yield* Deferred.make<void>()
      const child = gated(log, "child", gate, { workers: ["b"], allowOthers: true })
      const parent = Task.make(
        Effect.gen(function*() {
          log.push(`parent on ${(yield* Worker.current).id}`)
          return yield* Future.join(yield* Client.submit(child))
        }),
        { key: "parent", workers: ["a"] }
      )
      const future = yield* Client.submit(parent)
      yield* calm
      yield* Faults.loseWorker("b")
      yield* calm
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual(yield* Future.join(future), "a")
      assert.deepStrictEqual(log, ["parent on a", "child on b (1)", "child on a (1)"])
    })))

  it.effect("F8: the keys of what it submitted are free at once, though its finalizers take their time", () =>
    two(Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const finalizer = yield* Deferred.make<void>()
      const parent = Task.make(
        Effect.gen(function*() {
          // A child of its own in each run: an equal key would be a conflict.
          const child = yield* Client.submit(Task.make(Deferred.await(gate), { key: "child" }))
          yield* Effect.onInterrupt(Future.join(child), () => Deferred.await(finalizer))
          return (yield* Worker.current).id
        })
      )
      const future = yield* Client.submit(parent)
      yield* calm
      const losing = yield* Effect.forkChild(Faults.loseWorker("a"))
      yield* calm
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual(yield* Future.join(future), "b")
      yield* Deferred.succeed(finalizer, undefined)
      yield* Fiber.join(losing)
    })))

  it.effect("F8: what still runs of a lost body submits nothing more, and takes no key from the body in its place", () =>
    two(Effect.gen(function*() {
      const gates = { a: yield* Deferred.make<void>(), b: yield* Deferred.make<void>() }
      const exits: Array<readonly [string, Exit.Exit<unknown, unknown>]> = []
      const verbs: ReadonlyArray<(child: Task.Task<number>) => Effect.Effect<unknown, unknown, any>> = [
        Client.compute,
        Client.submit,
        Client.fireAndForget
      ]
      const parent = Task.make(
        Effect.uninterruptible(Effect.gen(function*() {
          const { id: worker } = yield* Worker.current
          yield* Deferred.await(gates[worker as "a" | "b"])
          for (const [i, verb] of verbs.entries()) {
            exits.push([worker, yield* Effect.exit(verb(Task.make(Effect.succeed(i), { key: `child ${i}` })))])
          }
        })) as Effect.Effect<void, never, Client.Client>
      )
      const future = yield* Client.submit(parent)
      yield* calm
      const losing = yield* Effect.forkChild(Faults.loseWorker("a"))
      yield* calm
      yield* Deferred.succeed(gates.a, undefined)
      yield* Fiber.join(losing)
      yield* Deferred.succeed(gates.b, undefined)
      yield* Future.join(future)
      for (const [worker, exit] of exits) assert.strictEqual(Exit.isSuccess(exit), worker === "b")
      assert.lengthOf(exits, 6)
      const late = exits.find(([worker]) => worker === "a")![1]
      assert.strictEqual(
        yield* Effect.map(errorOf(late), (error) => (error as SubmitError).message),
        "The worker that ran this body was lost, so the body submits nothing more."
      )
    })))

  it.effect("F8: a loss is no failure: a schedule knows nothing of it", () =>
    two(Effect.gen(function*() {
      const log: Log = []
      const gate = yield* Deferred.make<void>()
      const task = Task.make(
        Effect.gen(function*() {
          const { attempt, id: worker } = yield* Worker.current
          log.push(`${worker} ${attempt}`)
          if (attempt === 1) return yield* Effect.fail("once")
          yield* Deferred.await(gate)
          return attempt
        }),
        { retry: Schedule.recurs(1) }
      )
      const future = yield* Client.submit(task)
      yield* calm
      yield* Faults.loseWorker("b")
      yield* calm
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual(yield* Future.join(future), 2)
      assert.deepStrictEqual(log, ["a 1", "b 2", "a 2"])
    })))

  it.effect("F8: after four deaths a task ends WorkerKilled, and says what to look for", () =>
    inScheduler({ workers: [{ id: "w0", concurrency: 1 }] })(Effect.gen(function*() {
      const future = yield* Client.submit(Task.make(Effect.never, { key: "deadly" }))
      const dependent = yield* Client.submit(Task.map({ future }, () => 1, { key: "after" }))
      for (let death = 0; death < 4; death++) {
        yield* calm
        yield* Scheduler.addWorker({ id: `w${death + 1}`, concurrency: 1 })
        yield* Faults.loseWorker(`w${death}`)
      }
      const error = yield* reasonOf(Future.join(future))
      assert.instanceOf(error, WorkerKilled)
      assert.deepInclude(error, { key: "deadly", deaths: 4, why: "deaths" })
      assert.include(error.message, `Task "deadly" is not started again: 4 workers were lost while they ran it.`)
      const cause = yield* causeOf(Future.join(dependent))
      assert.deepInclude(reasonIn(onlyError(cause)), { _tag: "WorkerKilled", key: "deadly" })
      assert.deepStrictEqual(infoOf(cause)?.path, ["deadly", "after"])
    })))

  it.effect("F8: limits.deaths says how many workers may die of one task", () =>
    inScheduler({ workers: [{ id: "w", concurrency: 1 }], limits: { deaths: 1 } })(Effect.gen(function*() {
      const future = yield* Client.submit(Task.make(Effect.never))
      yield* calm
      yield* Faults.loseWorker("w")
      assert.instanceOf(yield* reasonOf(Future.join(future)), WorkerKilled)
    })))

  it.effect("F8: with no worker left tasks that may wait do, explain says so, and the next worker takes them", () =>
    inScheduler({ workers: [{ id: "w", concurrency: 1 }], waitForWorkers: "1 day" })(Effect.gen(function*() {
      const future = yield* Client.submit(Task.make(Effect.map(Worker.current, ({ id }) => id), { key: "x" }))
      yield* Faults.loseWorker("w")
      assert.deepStrictEqual((yield* explanationOf("x"))?.because, { _tag: "NoWorker", until: 86_400_000 })
      yield* Scheduler.addWorker({ id: "w", concurrency: 1 })
      assert.strictEqual(yield* Future.join(future), "w")
    })))

  it.effect("F16: a task that was stopping when its worker was lost ends, and whoever waits for that goes on", () =>
    two(Effect.gen(function*() {
      const finalizer = yield* Deferred.make<void>()
      const stubborn = Task.make(Effect.onInterrupt(Effect.never, () => Deferred.await(finalizer)), { key: "stubborn" })
      const future = yield* Client.submit(stubborn)
      yield* calm
      const cancelling = yield* Effect.forkChild(Future.cancel(future))
      yield* calm
      const losing = yield* Effect.forkChild(Faults.loseWorker("a"))
      yield* Fiber.join(cancelling)
      assert.strictEqual(yield* Future.status(future), "cancelled")
      // What runs there still is awaited by nobody but the loss itself.
      assert.isUndefined(losing.pollUnsafe())
      yield* Deferred.succeed(finalizer, undefined)
      assert.isTrue(yield* Fiber.join(losing))
    })))

  it.effect("C4: the layer closes when the finalizers of what was lost have run, too", () =>
    Effect.gen(function*() {
      const finalizer = yield* Deferred.make<void>()
      const log: Log = []
      const stubborn = Task.make(
        Effect.onInterrupt(Effect.never, () => Effect.andThen(Deferred.await(finalizer), note(log, "finalized")))
      )
      const layer = Skein.layer({ workers: [{ id: "a", concurrency: 1 }] })
      const program = Effect.gen(function*() {
        yield* Client.submit(stubborn)
        yield* calm
        yield* Effect.forkChild(Faults.loseWorker("a"))
      })
      const fiber = yield* Effect.forkChild(Effect.provide(Effect.scoped(program), layer, { local: true }))
      yield* calm
      assert.isUndefined(fiber.pollUnsafe())
      yield* Deferred.succeed(finalizer, undefined)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(log, ["finalized"])
    }))

  it.effect("trap 11: the late result of a lost attempt has no effect, whichever ends first", () =>
    two(Effect.gen(function*() {
      const gates = [yield* Deferred.make<string>(), yield* Deferred.make<string>()]
      let runs = 0
      // It cannot be interrupted, so the lost one goes on.
      const task = Task.make(
        Effect.uninterruptible(Effect.suspend(() => Deferred.await(gates[runs++]!))),
        { key: "x" }
      )
      let ends = 0
      yield* Scheduler.listen(({ key, to }) => {
        if (key === "dependent" && to === "succeeded") ends++
      })
      const future = yield* Client.submit(task)
      const dependent = yield* Client.submit(
        Task.map({ future }, ({ future }) => `after ${future}`, { key: "dependent" })
      )
      yield* calm
      yield* Effect.forkChild(Faults.loseWorker("a"))
      yield* calm
      assert.strictEqual(runs, 2)
      yield* Deferred.succeed(gates[0]!, "lost")
      yield* calm
      assert.strictEqual(yield* Future.status(future), "running")
      yield* Deferred.succeed(gates[1]!, "second")
      assert.strictEqual(yield* Future.join(dependent), "after second")
      assert.strictEqual(ends, 1)
    })))
})

describe("loss of results", () => {
  it.effect("M3: a claimed result is made anew, with what it was made of, each once; the future is unsettled meanwhile", () =>
    two(Effect.gen(function*() {
      const log: Log = []
      const a = Task.make(note(log, "a"), { key: "a" })
      const b = Task.make({ a }, () => note(log, "b"), { key: "b" })
      const future = yield* Client.submit(b)
      yield* Future.join(future)
      const { worker } = yield* Future.metadata(future)
      yield* Faults.loseWorker(worker!)
      assert.isUndefined(yield* exitNow(future))
      assert.strictEqual(yield* Future.join(future), "b")
      assert.deepStrictEqual(log, ["a", "b", "a", "b"])
    })))

  it.effect("M3: joinAll, wait and compute wait again for what was lost after they had waited", () =>
    two(Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const quick = Task.make(Effect.map(Worker.current, ({ id }) => id), { key: "quick" })
      const slow = Task.make(Effect.as(Deferred.await(gate), "slow"), { key: "slow" })
      const futures = yield* Client.submitAll([quick, slow])
      const fibers = yield* Effect.forEach([
        Future.joinAll(futures),
        Effect.as(Future.awaitAll(futures), futures.map(Future.key)),
        Client.compute([quick, slow])
      ], (each: Effect.Effect<ReadonlyArray<string>, unknown, Client.Client>) => Effect.forkChild(each))
      yield* calm
      const holder = (yield* Future.metadata(futures[0])).worker!
      const runner = (yield* Future.metadata(futures[1])).worker!
      assert.notStrictEqual(holder, runner)
      // The only other slot is taken: what was lost waits for it, though everything else has ended.
      yield* Faults.loseWorker(holder)
      yield* Deferred.succeed(gate, undefined)
      const results = yield* Effect.forEach(fibers, Fiber.join)
      assert.deepStrictEqual(results, [[runner, "slow"], ["quick", "slow"], [runner, "slow"]])
    })))

  it.effect("M3: a result that is lost between the end of a wait and its reading is waited for again", () =>
    Effect.gen(function*() {
      for (let operations = 3; operations <= 12; operations++) {
        for (let turns = 0; turns <= 12; turns++) {
          yield* two(Effect.gen(function*() {
            const ended = yield* Deferred.make<string>()
            yield* Scheduler.listen(({ key, to, worker }) => {
              if (key === "x" && to === "succeeded") Deferred.doneUnsafe(ended, Exit.succeed(worker!))
            })
            const future = yield* Client.submit(Task.make(Effect.as(Effect.yieldNow, 1), { key: "x" }))
            const readers = [
              Future.join(future),
              Effect.map(Future.joinAll([future]), ([value]) => value),
              Effect.map(Future.awaitAll([future]), (exits) => exits.length),
              Effect.map(Client.compute([future]), ([value]) => value)
            ]
            const fibers = yield* Effect.forEach(
              readers,
              (reader) =>
                Effect.forkChild(
                  Effect.provideService(
                    reader as Effect.Effect<number>,
                    FiberScheduler.MaxOpsBeforeYield,
                    operations
                  )
                )
            )
            const holder = yield* Deferred.await(ended)
            yield* Effect.forEach(Array.from({ length: turns }), () => Effect.yieldNow, { discard: true })
            yield* Faults.loseWorker(holder)
            assert.deepStrictEqual(yield* Effect.forEach(fibers, Fiber.join), [1, 1, 1, 1])
          }))
        }
      }
    }))

  it.effect("M3: joinAll of futures of two schedulers waits again for what one of them lost while the other worked", () =>
    two(Effect.gen(function*() {
      const other = yield* Layer.build(Skein.layer({ concurrency: 1 }))
      const [here, there] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const quick = yield* Client.submit(Task.make(Effect.succeed("quick"), { key: "quick" }))
      yield* Future.join(quick)
      yield* Client.submit(Task.make(Deferred.await(here), { key: "filler" }))
      yield* Client.submit(Task.make(Deferred.await(here), { key: "filler too" }))
      const slow = yield* Effect.provide(Client.submit(Task.make(Effect.as(Deferred.await(there), "slow"))), other)
      const fiber = yield* Effect.forkChild(Future.joinAll([quick, slow]))
      yield* calm
      yield* Faults.loseWorker((yield* Future.metadata(quick)).worker!)
      yield* Deferred.succeed(there, undefined)
      yield* calm
      assert.isUndefined(fiber.pollUnsafe())
      yield* Deferred.succeed(here, undefined)
      assert.deepStrictEqual(yield* Fiber.join(fiber), ["quick", "slow"])
    })))

  it.effect("trap 12: the worker that holds an input dies while one dependent runs and another is queued: both finish", () =>
    two(Effect.gen(function*() {
      const log: Log = []
      const gate = yield* Deferred.make<void>()
      const g = yield* Client.submit(Task.make(note(log, "g"), { key: "g" }))
      yield* Future.join(g)
      const holder = (yield* Future.metadata(g)).worker!
      const dependent = (key: string) =>
        Task.make({ g }, ({ g }) => Effect.as(Deferred.await(gate), `${key} with ${g}`), { key })
      const futures = yield* Client.submitAll(["h1", "h2", "h3"].map(dependent))
      yield* calm
      yield* Faults.loseWorker(holder)
      yield* Deferred.succeed(gate, undefined)
      assert.deepStrictEqual(yield* Future.joinAll(futures), ["h1 with g", "h2 with g", "h3 with g"])
      assert.deepStrictEqual(log, ["g", "g"])
    })))

  it.effect("F8: a dependent that was told to start when its input was lost waits for that", () =>
    two(Effect.gen(function*() {
      const log: Log = []
      const a = yield* Client.submit(Task.make(note(log, "a"), { key: "a" }))
      yield* Future.join(a)
      const holder = (yield* Future.metadata(a)).worker!
      yield* Client.submit(Task.make(Effect.never, { key: "filler" }))
      const scope = yield* Scope.make()
      const b = yield* Scope.provide(Client.submit(Task.map({ a }, ({ a }) => `b with ${a}`, { key: "b" })), scope)
      // Submitted and lost in one turn: the start of b is on its way.
      yield* Faults.loseWorker(holder)
      yield* Scheduler.addWorker({ id: "c", concurrency: 2 })
      assert.strictEqual(yield* Future.join(b), "b with a")
      yield* Scope.close(scope, Exit.void)
    })))

  it.effect("F8: the results of a worker that has left are lost with it", () =>
    two(Effect.gen(function*() {
      const scope = yield* Scope.make()
      yield* Scope.provide(Scheduler.addWorker({ id: "c", concurrency: 8 }), scope)
      const futures = yield* Client.submitAll(
        Array.from({ length: 8 }, (_, i) => Task.make(Effect.as(Effect.yieldNow, i)))
      )
      yield* Future.joinAll(futures)
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(yield* Faults.loseWorker("c"))
      assert.deepStrictEqual(yield* Future.joinAll(futures), [0, 1, 2, 3, 4, 5, 6, 7])
    })))
})

describe("idempotent: false", () => {
  it.effect("F18: a task that must not run twice ends WorkerKilled when its worker is lost, and says why", () =>
    two(Effect.gen(function*() {
      let runs = 0
      const charge = Task.make(Effect.andThen(Effect.sync(() => runs++), Effect.never), {
        key: "charge",
        idempotent: false
      })
      const future = yield* Client.submit(charge)
      yield* calm
      yield* Faults.loseWorker("a")
      const error = yield* reasonOf(Future.join(future))
      assert.instanceOf(error, WorkerKilled)
      assert.deepInclude(error, { key: "charge", deaths: 1, why: "lost" })
      assert.include(error.message, "The worker was lost that ran task \"charge\", which is not started twice")
      assert.strictEqual(runs, 1)
    })))

  it.effect("F18: its lost result ends those that need it; Task.exit absorbs that", () =>
    two(Effect.gen(function*() {
      let runs = 0
      const once = yield* Client.submit(Task.make(Effect.sync(() => ++runs), { key: "once", idempotent: false }))
      yield* Future.join(once)
      const holder = (yield* Future.metadata(once)).worker!
      yield* Faults.loseWorker(holder)
      assert.strictEqual((yield* reasonOf(Client.compute(Task.map({ once }, () => 1))))._tag, "WorkerKilled")
      assert.isTrue(Exit.isFailure(yield* Client.compute(Task.exit(once))))
      assert.include((yield* errorOf(Future.join(once))).message, "that held the result of task \"once\"")
      assert.strictEqual(runs, 1)
    })))

  it.effect("F18: together with retry it is refused, in whatever order the two are told", () =>
    two(Effect.gen(function*() {
      const retry = Schedule.recurs(1)
      const tasks = [
        Task.make(Effect.void, { idempotent: false, retry }),
        Task.withOptions(Task.make(Effect.void, { idempotent: false }), { retry }),
        Task.withOptions(Task.make(Effect.void, { retry }), { idempotent: false })
      ]
      for (const task of tasks) {
        const error = yield* mistakeOf(Client.compute(task))
        assert.strictEqual(error.reason._tag, "InvalidOption")
        assert.include(error.message, "leave one of the two out")
      }
    })))

  it.effect("F18: the retry of its region is not for it", () =>
    two(Effect.gen(function*() {
      let runs = 0
      const fails = Task.make(Effect.suspend(() => Effect.fail(++runs)), { idempotent: false })
      const region = Client.annotate(Client.compute(fails), { retry: Schedule.recurs(3) })
      assert.strictEqual(yield* errorOf(region), 1)
      assert.strictEqual(runs, 1)
    })))
})

describe("resources on a worker that is lost", () => {
  /** Opens `name`, with the worker's id, and says when that is closed. */
  const opened = (log: Log, name: string) =>
    Effect.flatMap(Worker.current, ({ id: worker }) =>
      Effect.acquireRelease(
        Effect.as(note(log, `open ${name} on ${worker}`), worker),
        () => Effect.andThen(Effect.yieldNow, note(log, `close ${name} on ${worker}`))
      ))

  const wide = inScheduler({ workers: [{ id: "a", concurrency: 2 }, { id: "b", concurrency: 1 }] })

  it.effect("M7, F8: are closed, the last acquired first, and acquired anew for those who want them", () =>
    wide(Effect.gen(function*() {
      const log: Log = []
      yield* Effect.scoped(Effect.gen(function*() {
        const pool = yield* Client.submit(Task.resource(opened(log, "pool"), { key: "pool" }))
        yield* Future.join(pool)
        const connection = yield* Client.submit(Task.resource(pool, () => opened(log, "connection")))
        assert.strictEqual(yield* Future.join(connection), "a")
        yield* Faults.loseWorker("a")
        assert.deepStrictEqual(log.slice(2).filter((line) => line.endsWith("a")), [
          "close connection on a",
          "close pool on a"
        ])
        assert.strictEqual(yield* Future.join(connection), "b")
        assert.strictEqual(yield* Future.join(pool), "b")
        log.length = 0
      }))
      assert.deepStrictEqual(log, ["close connection on b", "close pool on b"])
      yield* Leftovers.assertNone
    })))

  it.effect("M7, F8: nobody waits for finalizers that run there when it is lost, and what they bring changes nothing", () =>
    two(Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const closed: Log = []
      const r = Task.resource(
        Effect.acquireRelease(Effect.void, () => Effect.andThen(Deferred.await(gate), note(closed, "closed")))
      )
      const losing = yield* Effect.forkChild(Effect.andThen(calm, Faults.loseWorker("a")))
      yield* Client.compute(r)
      assert.deepStrictEqual(closed, [])
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(losing)
      assert.deepStrictEqual(closed, ["closed"])
      yield* Leftovers.assertNone
    })))

  it.effect("M7, F8: a body that takes its time to stop closes what it acquired", () =>
    two(Effect.gen(function*() {
      const log: Log = []
      const gate = yield* Deferred.make<void>()
      const body = Effect.tap(opened(log, "r"), (worker) => worker === "a" ? Deferred.await(gate) : Effect.void)
      const r = Task.resource(Effect.uninterruptible(body))
      const future = yield* Client.submit(r)
      yield* calm
      const losing = yield* Effect.forkChild(Faults.loseWorker("a"))
      assert.strictEqual(yield* Future.join(future), "b")
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(losing)
      assert.deepStrictEqual(log, ["open r on a", "open r on b", "close r on a"])
    })))

  for (const [when, startImmediately] of [["before", true], ["while it is closed", false]] as const) {
    it.effect(`C4, M7, F8: a layer's close waits for what a body opened elsewhere that was lost ${when}`, () =>
      Effect.gen(function*() {
        const log: Log = []
        const workers = ["a", "b", "c"].map((id) => ({ id, concurrency: 1 }))
        const pool = Task.resource(opened(log, "pool"), { workers: ["a"] })
        const connection = Task.resource(pool, () => opened(log, "connection"), { workers: ["b"] })
        const body = Task.make(Effect.andThen(Client.submit(connection), Effect.never), { workers: ["c"] })
        const program = Effect.gen(function*() {
          yield* Client.submit(body)
          yield* calm
          yield* Effect.forkChild(Faults.loseWorker("c"), { startImmediately })
        })
        yield* Effect.provide(Effect.scoped(program), Skein.layer({ workers }), { local: true })
        assert.deepStrictEqual(log.slice(2), ["close connection on b", "close pool on a"])
      }))
  }

  it.effect("M7, F8: the keys of what it submitted are free at once, though its finalizers take their time", () =>
    two(Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const r = Task.resource(Effect.gen(function*() {
        // Its finalizer runs before the scope lets go of the child.
        const child = yield* Client.submit(Task.make(Effect.void, { key: "child" }))
        yield* Effect.addFinalizer(() => Deferred.await(gate))
        yield* Future.join(child)
        return (yield* Worker.current).id
      }))
      const future = yield* Client.submit(r)
      yield* Future.join(future)
      const losing = yield* Effect.forkChild(Faults.loseWorker("a"))
      yield* calm
      assert.strictEqual(yield* Future.join(future), "b")
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(losing)
    })))
})

describe("loss within the first stretch of a body", () => {
  /** A body that comes to the gate in its first attempt, and what its fiber and its finalizers did. */
  const held = (log: Log, at: Gate.Gate) =>
    Task.make(
      Effect.gen(function*() {
        const { id: worker } = yield* Worker.current
        log.push(`starts on ${worker}`)
        if (worker === "b") return worker
        yield* Gate.wait(at)
        log.push("goes on")
        return worker
      }).pipe(Effect.onExit(() => Effect.sync(() => log.push("is finalized")))),
      { key: "x" }
    )

  it.effect("F8, C4: a worker may be lost by whoever a body resumes before its first pause: it is stopped, and the layer closes", () =>
    Effect.gen(function*() {
      const log: Log = []
      yield* two(Effect.gen(function*() {
        const gate = yield* Gate.make
        const future = yield* Client.submit(held(log, gate))
        yield* Gate.arrived(gate)
        assert.isTrue(yield* Faults.loseWorker("a"))
        log.push("the loss is over")
        assert.strictEqual(yield* Future.join(future), "b")
      }))
      assert.isBelow(log.indexOf("is finalized"), log.indexOf("the loss is over"))
      assert.notInclude(log, "goes on")
    }))

  it.effect("F8, C4: what such a body had submitted before is stopped with it, and its keys are free", () =>
    two(Effect.gen(function*() {
      const log: Log = []
      const gate = yield* Gate.make
      const child = Task.make(note(log, "child"), { key: "child" })
      const parent = Task.make(Effect.gen(function*() {
        yield* Client.submit(child)
        yield* Gate.wait(gate)
        return (yield* Worker.current).id
      }))
      const future = yield* Client.submit(parent)
      yield* Gate.arrived(gate)
      yield* Faults.loseWorker("a")
      yield* Gate.open(gate)
      assert.strictEqual(yield* Future.join(future), "b")
    })))

  it.effect("F8, C4: a finalizer that lets the worker be lost before its first pause is awaited, by the loss and by the layer", () =>
    Effect.gen(function*() {
      const log: Log = []
      const gate = yield* Gate.make
      const slow = (worker: string) =>
        Effect.andThen(
          worker === "a" ? Gate.wait(gate) : Effect.void,
          Effect.andThen(calm, note(log, `closed on ${worker}`))
        )
      const body = Effect.flatMap(
        Worker.current,
        ({ id: worker }) => Effect.as(Effect.addFinalizer(() => slow(worker)), worker)
      )
      yield* two(Effect.gen(function*() {
        const future = yield* Client.submit(Task.make(body))
        yield* Gate.arrived(gate)
        const losing = yield* Effect.forkChild(
          Effect.andThen(Faults.loseWorker("a"), note(log, "the loss is over")),
          { startImmediately: true }
        )
        yield* Gate.open(gate)
        assert.strictEqual(yield* Future.join(future), "b")
        yield* Fiber.join(losing)
      }))
      assert.sameMembers(log, ["closed on a", "closed on b", "the loss is over"])
      assert.isBelow(log.indexOf("closed on a"), log.indexOf("the loss is over"))
    }))

  it.effect("F8, M7: a resource that is released when its worker is lost, by its own finalizer, is closed before the layer is", () =>
    Effect.gen(function*() {
      const log: Log = []
      const gate = yield* Gate.make
      const acquire = Task.resource(
        Effect.acquireRelease(
          Effect.succeed(1),
          () => Effect.andThen(Gate.wait(gate), Effect.andThen(calm, note(log, "closed")))
        )
      )
      const layer = Skein.layer({ workers: [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1 }] })
      yield* Effect.gen(function*() {
        yield* Effect.scoped(Effect.gen(function*() {
          const future = yield* Client.submit(acquire)
          yield* Future.join(future)
          yield* Future.release(future)
          yield* Gate.arrived(gate)
          const losing = yield* Effect.forkChild(Faults.loseWorker("a"), { startImmediately: true })
          yield* Gate.open(gate)
          yield* Fiber.join(losing)
          log.push("the loss is over")
        }))
      }).pipe(Effect.provide(layer, { local: true }))
      assert.deepStrictEqual(log, ["closed", "the loss is over"])
    }))

  it.effect("W15: an onStart that lets its own worker be lost before its first pause is stopped, and the layer closes", () =>
    Effect.gen(function*() {
      const log: Log = []
      const gate = yield* Gate.make
      let starts = 0
      const onStart = Effect.suspend(() => {
        if (++starts === 1) return Effect.void
        return Effect.onInterrupt(Gate.wait(gate), () => note(log, "onStart is stopped"))
      })
      yield* Effect.gen(function*() {
        yield* Faults.loseWorker("a")
        yield* Gate.arrived(gate)
        yield* Faults.loseWorker("a")
      }).pipe(
        Effect.provide(
          Skein.layer({
            workers: [{ id: "a", concurrency: 1, onStart }, { id: "b", concurrency: 1 }],
            restart: { times: 1, within: "1 minute" }
          }),
          { local: true }
        )
      )
      assert.deepStrictEqual(log, ["onStart is stopped"])
    }))

  it.effect("N13: a lost body that secedes by hand leaves nothing behind, whether it comes back or not", () =>
    two(Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const stubborn = (rest: Effect.Effect<unknown, never, Worker.Worker>) =>
        Task.make(Effect.gen(function*() {
          const { id: worker } = yield* Worker.current
          if (worker === "a") yield* Effect.uninterruptible(Effect.andThen(Deferred.await(gate), rest))
          return worker
        }))
      const all = yield* Effect.forEach([
        Worker.secede,
        Effect.andThen(Worker.secede, Worker.rejoin),
        Worker.seceded(Effect.yieldNow)
      ], (rest) => Client.submit(stubborn(rest)))
      yield* calm
      yield* Effect.forkChild(Faults.loseWorker("a"), { startImmediately: true })
      yield* Deferred.succeed(gate, undefined)
      for (const future of all) assert.strictEqual(yield* Future.join(future), "b")
      yield* calm
    })))
})
