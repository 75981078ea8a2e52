import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import { NoSuitableWorker } from "skein/SkeinError"
import * as Task from "skein/Task"
import { Faults } from "skein/testing"
import * as Worker from "skein/Worker"
import { workersOf } from "../src/engine/views/workers.ts"
import { coreOf } from "../src/testing/internal/leftovers.ts"
import { gate, inQuietScheduler, inScheduler, turns } from "./harness.ts"
import type { Log } from "./harness.ts"
import {
  causeOf,
  errorOf,
  explanationOf,
  infoOf,
  mistakeOf,
  onlyError,
  reasonIn,
  reasonOf,
  submitErrorOf
} from "./support.ts"

const where = Task.make(Effect.map(Worker.current, ({ id }) => id))

/** Everything that can run now has run, and the clock stands where it stood. */
const calm = turns(20)

const pass = (
  duration: "1 second" | "2 seconds" | "5 seconds" | "9 seconds" | "10 seconds" | "59 seconds" | "60 seconds"
) => Effect.andThen(calm, Effect.andThen(TestClock.adjust(duration), calm))

const workers: Effect.Effect<ReadonlyArray<string>, never, Scheduler.Scheduler> = Effect.map(
  Scheduler.stats,
  (stats) => stats.workers.map(({ id, phase }) => `${id} ${phase}`)
)

const noneYet = { workers: [], waitForWorkers: "10 seconds" } as const

/** What has happened to workers since. */
const watched = Effect.gen(function*() {
  const log: Log = []
  const note = ({ from, id, serial, to }: Scheduler.WorkerEvent): void =>
    void log.push(`${id}/${serial}: ${from ?? "new"} -> ${to}`)
  const fiber = yield* Effect.forkChild(
    Stream.runForEach(Scheduler.workerEvents, (event) => Effect.sync(() => note(event)))
  )
  yield* calm
  return { log, fiber }
})

describe("awaitWorkers", () => {
  it.effect("W8: returns when so many are there, at once if they are", () =>
    Effect.gen(function*() {
      const waiting = yield* Effect.forkChild(Scheduler.awaitWorkers(2))
      yield* calm
      yield* Scheduler.addWorker({ id: "a", concurrency: 1 })
      yield* calm
      assert.isUndefined(waiting.pollUnsafe())
      yield* Scheduler.addWorker({ id: "b", concurrency: 1 })
      assert.strictEqual(yield* Fiber.join(waiting), 2)
      assert.strictEqual(yield* Scheduler.awaitWorkers(1), 2)
    }).pipe(inScheduler(noneYet)))

  it.effect("W8: without any within the connectTimeout it fails, 5 seconds unless told", () =>
    Effect.gen(function*() {
      const waiting = yield* Effect.forkChild(errorOf(Scheduler.awaitWorkers(2)))
      const shorter = yield* Effect.forkChild(errorOf(Scheduler.awaitWorkers(2, { connectTimeout: "1 second" })))
      yield* pass("1 second")
      assert.deepInclude(yield* Fiber.join(shorter), { _tag: "NoSuitableWorker", key: undefined, millis: 1000 })
      yield* pass("2 seconds")
      assert.isUndefined(waiting.pollUnsafe())
      yield* pass("2 seconds")
      assert.deepInclude(yield* Fiber.join(waiting), { _tag: "NoSuitableWorker", millis: 5000 })
    }).pipe(inScheduler(noneYet)))

  it.effect("W8: it returns with fewer when none has joined for the stableTimeout, which begins anew with each", () =>
    Effect.gen(function*() {
      const waiting = yield* Effect.forkChild(Scheduler.awaitWorkers(5, { stableTimeout: "10 seconds" }))
      yield* pass("2 seconds")
      yield* Scheduler.addWorker({ id: "a", concurrency: 1 })
      yield* pass("9 seconds")
      yield* Scheduler.addWorker({ id: "b", concurrency: 1 })
      yield* pass("9 seconds")
      assert.isUndefined(waiting.pollUnsafe())
      yield* pass("1 second")
      assert.strictEqual(yield* Fiber.join(waiting), 2)
    }).pipe(inScheduler(noneYet)))

  it.effect("W8: when the scheduler closes the wait fails, and so does one that begins then", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(Skein.layer({ concurrency: 1 }), scope)
      const waiting = yield* Effect.forkChild(
        submitErrorOf(Effect.provideContext(Scheduler.awaitWorkers(2), context))
      )
      yield* calm
      yield* Scope.close(scope, Exit.void)
      assert.deepInclude((yield* Fiber.join(waiting)).reason, { _tag: "Closed", what: "scheduler" })
      for (const count of [1, 2]) {
        const late = yield* submitErrorOf(Effect.provideContext(Scheduler.awaitWorkers(count), context))
        assert.deepInclude(late.reason, { _tag: "Closed", what: "scheduler" })
      }
    }))

  it.effect("W8: interrupting the wait leaves nothing of it", () =>
    Effect.gen(function*() {
      const { log } = coreOf(yield* Client.Client)
      const waiting = yield* Effect.forkChild(Scheduler.awaitWorkers(2))
      yield* calm
      assert.deepStrictEqual(log.workers, [])
      yield* Fiber.interrupt(waiting)
      assert.isUndefined(log.workers)
    }).pipe(inScheduler(noneYet)))

  it.effect("W8: the stableTimeout is a minute unless told", () =>
    Effect.gen(function*() {
      yield* Scheduler.addWorker({ id: "a", concurrency: 1 })
      const waiting = yield* Effect.forkChild(Scheduler.awaitWorkers(2))
      yield* pass("59 seconds")
      assert.isUndefined(waiting.pollUnsafe())
      yield* pass("1 second")
      assert.strictEqual(yield* Fiber.join(waiting), 1)
    }).pipe(inScheduler(noneYet)))

  it.effect("W8: a count that is none is refused", () =>
    Effect.gen(function*() {
      const error = yield* mistakeOf(Scheduler.awaitWorkers(0))
      assert.include(error.message, "The option count cannot be 0: expected a positive whole number.")
    }).pipe(inScheduler()))
})

describe("no worker", () => {
  const lone = inScheduler({ workers: [{ id: "w", concurrency: 1 }] })

  it.effect("W9: with no worker left what is queued ends with NoSuitableWorker, and so does what is submitted then", () =>
    lone(Effect.gen(function*() {
      const queued = yield* Client.submit(Task.make(Effect.never, { key: "queued" }))
      yield* calm
      yield* Faults.loseWorker("w")
      const error = yield* reasonOf(Future.join(queued))
      assert.instanceOf(error, NoSuitableWorker)
      assert.strictEqual(
        error.message,
        "Task \"queued\" has no worker: none takes tasks. Add one with Scheduler.addWorker, or wait for it with waitForWorkers."
      )
      const cause = yield* causeOf(Client.compute(Task.map({ up: Task.withOptions(where, { key: "up" }) }, () => 1)))
      assert.deepInclude(reasonIn(onlyError(cause)), { _tag: "NoSuitableWorker", key: "up", millis: 0 })
      assert.lengthOf(infoOf(cause)!.path, 2)
    })))

  it.effect("W9: a layer without workers is one whose tasks wait for the first; after that time they end", () =>
    Effect.gen(function*() {
      const early = yield* Client.submit(where)
      yield* pass("9 seconds")
      assert.deepStrictEqual((yield* explanationOf(early.key))?.because, { _tag: "NoWorker", until: 10_000 })
      yield* pass("1 second")
      assert.deepInclude(yield* reasonOf(Future.join(early)), { _tag: "NoSuitableWorker", millis: 10_000 })
      const late = yield* Client.submit(where)
      yield* pass("9 seconds")
      yield* Scheduler.addWorker({ id: "a", concurrency: 1 })
      assert.strictEqual(yield* Future.join(late), "a")
    }).pipe(inScheduler(noneYet)))

  it.effect("W9: a task's own waitForWorkers goes before that of the layer", () =>
    Effect.gen(function*() {
      const short = yield* Client.submit(Task.withOptions(where, { waitForWorkers: "1 second" }))
      const none = yield* Client.submit(Task.withOptions(where, { waitForWorkers: 0 }))
      assert.deepInclude(yield* reasonOf(Future.join(none)), { _tag: "NoSuitableWorker", millis: 0 })
      yield* pass("1 second")
      assert.deepInclude(yield* reasonOf(Future.join(short)), { _tag: "NoSuitableWorker", millis: 1000 })
    }).pipe(inScheduler(noneYet)))

  it.effect("W9: what is no duration is refused", () =>
    Effect.gen(function*() {
      const wrong = Task.withOptions(where, { key: "x", waitForWorkers: "soon" as never })
      assert.include((yield* mistakeOf(Client.compute(wrong))).message, "The option waitForWorkers of task \"x\"")
    }).pipe(inScheduler()))
})

describe("time to live", () => {
  it.effect("W10: a worker whose loss is reported twice harms no other, even one that has taken its row", () =>
    Effect.gen(function*() {
      const core = coreOf(yield* Client.Client)
      const first = core.workers[0]!
      core.crew.lose(first)
      yield* Scheduler.addWorker({ id: "second", concurrency: 1 })
      assert.strictEqual(core.workers[0]!.name, "second")
      const door = gate()
      const future = yield* Client.submit(Task.make(Effect.as(door.pass, 1)))
      yield* door.arrived(1)
      core.crew.lose(first)
      core.mailbox.ask({ _tag: "WorkerLost", now: core.time.now(), worker: first.serial })
      assert.deepStrictEqual(yield* workers, ["second open"])
      yield* door.open
      assert.strictEqual(yield* Future.join(future), 1)
    }).pipe(inScheduler({ concurrency: 1 })))

  const ttl = "3 seconds"
  const two = inScheduler({
    workers: [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1 }],
    ttl,
    waitForWorkers: "60 seconds"
  })

  it.effect("W10: workers that are heard live on, and one that is silent is lost: what it ran starts elsewhere", () =>
    two(Effect.gen(function*() {
      const { log } = yield* watched
      const door = gate()
      const future = yield* Client.submit(Task.make(Effect.andThen(door.pass, Worker.current)))
      yield* door.arrived(1)
      yield* pass("60 seconds")
      assert.deepStrictEqual(yield* workers, ["a open", "b open"])
      assert.isTrue(yield* Faults.silenceWorker("a"))
      yield* pass("2 seconds")
      assert.deepStrictEqual(yield* workers, ["a open", "b open"])
      yield* pass("1 second")
      assert.deepStrictEqual([yield* workers, log], [["b open"], ["a/0: open -> lost"]])
      yield* door.arrived(2)
      yield* door.open
      assert.strictEqual((yield* Future.join(future)).id, "b")
      assert.isFalse(yield* Faults.silenceWorker("a"))
    })))

  it.effect("W10: one that comes back is a new worker; what the lost one brings is refused", () =>
    Effect.gen(function*() {
      const late = yield* Deferred.make<string>()
      const starts: Log = []
      const body = Effect.gen(function*() {
        starts.push("start")
        if (starts.length > 1) return "second"
        return yield* Effect.uninterruptible(Deferred.await(late))
      })
      const future = yield* Client.submit(Task.make(body))
      yield* calm
      yield* Faults.silenceWorker("a")
      yield* pass("5 seconds")
      yield* Scheduler.addWorker({ id: "a", concurrency: 1 })
      assert.strictEqual(yield* Future.join(future), "second")
      yield* Deferred.succeed(late, "first")
      yield* calm
      assert.strictEqual(yield* Future.join(future), "second")
      assert.deepStrictEqual((yield* Future.metadata(future)).attempts.map(({ lost }) => lost === true), [true, false])
    }).pipe(inScheduler({ workers: [{ id: "a", concurrency: 1, ttl }], waitForWorkers: "60 seconds" })))
})

describe("restart", () => {
  const restart = { times: 2, within: "60 seconds", minRunTime: "1 second" } as const
  const one = inScheduler({ workers: [{ id: "a", concurrency: 1, restart }] })

  it.effect("W13: a lost worker is replaced under its name, and no task notices", () =>
    one(Effect.gen(function*() {
      const { log } = yield* watched
      const door = gate()
      const future = yield* Client.submit(Task.make(Effect.andThen(door.pass, Worker.current)))
      yield* door.arrived(1)
      yield* pass("1 second")
      yield* Faults.loseWorker("a")
      yield* door.arrived(2)
      yield* door.open
      assert.strictEqual((yield* Future.join(future)).id, "a")
      yield* calm
      assert.deepStrictEqual(log, ["a/0: open -> lost", "a/1: new -> starting", "a/1: starting -> open"])
    })))

  it.effect("W13: at most so often within the window, and not when it dies within its minRunTime", () =>
    one(Effect.gen(function*() {
      for (let i = 0; i < 2; i++) {
        yield* pass("1 second")
        yield* Faults.loseWorker("a")
        yield* calm
        assert.deepStrictEqual(yield* workers, ["a open"])
      }
      yield* pass("60 seconds")
      yield* Faults.loseWorker("a")
      yield* calm
      assert.deepStrictEqual(yield* workers, ["a open"])
      yield* Faults.loseWorker("a")
      yield* calm
      assert.deepStrictEqual(yield* workers, [])
      assert.deepInclude(yield* reasonOf(Client.compute(where)), { _tag: "NoSuitableWorker" })
    })))

  it.effect("W13: a clean stop stays a stop: retire, and the close of the worker's scope", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      yield* Scope.provide(Scheduler.addWorker({ id: "b", concurrency: 1 }), scope)
      yield* pass("1 second")
      yield* Faults.loseWorker("b")
      yield* pass("1 second")
      yield* Scope.close(scope, Exit.void)
      yield* calm
      assert.deepStrictEqual(yield* workers, ["a open"])
      assert.isTrue(yield* Scheduler.retire("a"))
      assert.deepStrictEqual(yield* workers, [])
      assert.isFalse(yield* Scheduler.retire("a"))
    }).pipe(inScheduler({ workers: [{ id: "a", concurrency: 1 }], restart })))
})

describe("leaving", () => {
  it.effect("W7: a worker whose onStart outlives the scheduler does not join, and what it acquired is released", () =>
    Effect.gen(function*() {
      const log: Log = []
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(Skein.layer(), scope)
      const onStart = Effect.acquireRelease(
        Effect.andThen(Effect.sleep("10 seconds"), Effect.sync(() => log.push("acquired"))),
        () => Effect.sync(() => log.push("released"))
      )
      const adding = Scheduler.addWorker({ id: "late", concurrency: 1, ttl: "1 second", onStart })
      const fiber = yield* Effect.forkChild(submitErrorOf(Effect.scoped(Effect.provideContext(adding, context))))
      yield* calm
      yield* Scope.close(scope, Exit.void)
      yield* pass("10 seconds")
      assert.deepInclude((yield* Fiber.join(fiber)).reason, { _tag: "Closed", what: "scheduler" })
      assert.deepStrictEqual(log, ["acquired", "released"])
      assert.deepStrictEqual(workersOf(coreOf(Context.get(context, Client.Client)).state).map(({ name }) => name), [
        "local"
      ])
    }))

  it.effect("W10, W12: while what onStart acquired is released in the end, no worker counts as lost or grows too old", () =>
    Effect.gen(function*() {
      const log: Log = []
      const scope = yield* Scope.make()
      const onStart = Effect.acquireRelease(
        Effect.void,
        () => Effect.andThen(Effect.sleep("10 seconds"), Effect.sync(() => log.push("released")))
      )
      const restart = { times: 1, within: "1 minute" } as const
      const worker = { id: "a", concurrency: 1, onStart }
      const layers = [{ ttl: "2 seconds", restart }, { maxAge: "2 seconds" }] as const
      const cores = yield* Effect.forEach(layers, (terms) =>
        Effect.map(
          Layer.buildWithScope(Skein.layer({ workers: [{ ...worker, ...terms }] }), scope),
          (context) => coreOf(Context.get(context, Client.Client))
        ))
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* pass("10 seconds")
      yield* pass("10 seconds")
      yield* Fiber.join(closing)
      assert.deepStrictEqual(log, ["released", "released"])
      for (const { state } of cores) assert.deepStrictEqual(workersOf(state).map(({ phase }) => phase), ["open"])
    }))

  it.effect("W10: a worker that counts as lost in the moment in which the layer has closed is forgotten with the rest", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(Skein.layer({ concurrency: 1, ttl: "1 second" }), scope)
      const { crew } = coreOf(Context.get(context, Client.Client))
      // What the engine says is carried out later.
      crew.expire({ _tag: "WorkerExpired", worker: 0, why: "silent" })
      yield* Scope.close(scope, Exit.void)
      crew.bury()
      assert.lengthOf(crew.everyone(), 1)
    }))

  it.effect("W7: interrupting addWorker releases what onStart has acquired, and the name is free again", () =>
    Effect.gen(function*() {
      const log: Log = []
      const acquired = Effect.acquireRelease(Effect.void, () => Effect.sync(() => log.push("released")))
      const worker = { id: "late", concurrency: 1, onStart: Effect.andThen(acquired, Effect.never) }
      const adding = yield* Effect.forkChild(Effect.scoped(Scheduler.addWorker(worker)))
      yield* calm
      yield* Fiber.interrupt(adding)
      yield* calm
      assert.deepStrictEqual(log, ["released"])
      assert.deepStrictEqual(yield* workers, ["local open"])
      assert.strictEqual(yield* Scheduler.addWorker({ id: "late", concurrency: 1 }), "late")
    }).pipe(inScheduler()))

  it.effect("W7: who begins to listen hears nothing of what had happened to workers before", () =>
    Effect.gen(function*() {
      const core = coreOf(yield* Client.Client)
      const heard: Log = []
      const stops = [core.crew.listen(({ to }) => void heard.push(`first: ${to}`))]
      core.mailbox.ask({ _tag: "WorkerDrained", now: core.time.now(), worker: 0 })
      stops.push(core.crew.listen(({ to }) => void heard.push(`second: ${to}`)))
      yield* calm
      assert.deepStrictEqual(heard, ["first: draining", "first: gone"])
      for (const stop of stops) stop()
    }).pipe(inScheduler()))

  it.effect("W7: interrupting retire ends the wait alone; the worker leaves all the same", () =>
    Effect.gen(function*() {
      const door = gate()
      const last = yield* Client.submit(Task.make(door.pass, { workers: ["a"] }))
      yield* door.arrived(1)
      const retiring = yield* Effect.forkChild(Scheduler.retire("a"))
      yield* calm
      yield* Fiber.interrupt(retiring)
      assert.deepStrictEqual(yield* workers, ["a draining", "b open"])
      yield* door.open
      yield* Future.join(last)
      yield* calm
      assert.deepStrictEqual(yield* workers, ["b open"])
    }).pipe(inScheduler({ workers: [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1 }] })))

  it.effect("W7: a body that retires the worker on which it runs does not wait for its own end", () =>
    Effect.gen(function*() {
      const body = Effect.flatMap(Worker.current, ({ id: worker }) => Scheduler.retire(worker))
      const future = yield* Client.submit(Task.make(body, { workers: ["a"] }))
      yield* calm
      assert.isTrue(yield* Future.join(future))
      yield* calm
      assert.deepStrictEqual(yield* workers, ["b open"])
    }).pipe(inScheduler({ workers: [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1 }] })))

  it.effect("W7: retire waits for the last task; what the worker held stays readable, and its row is used again", () =>
    Effect.gen(function*() {
      yield* Scheduler.addWorker({ id: "b", concurrency: 1 })
      const door = gate()
      const body = Effect.andThen(door.pass, Effect.map(Worker.current, ({ id }) => id))
      const futures = yield* Client.submitAll([Task.make(body), Task.make(body)])
      yield* door.arrived(2)
      const retiring = yield* Effect.forkChild(Scheduler.retire("b"))
      yield* calm
      assert.deepStrictEqual(yield* workers, ["a open", "b draining"])
      assert.isUndefined(retiring.pollUnsafe())
      yield* door.open
      assert.isTrue(yield* Fiber.join(retiring))
      assert.sameMembers(yield* Future.joinAll(futures), ["a", "b"])
      for (let i = 0; i < 20; i++) {
        yield* Effect.scoped(Scheduler.addWorker({ id: `c${i}`, concurrency: 1 }))
        yield* calm
      }
      const records = workersOf(coreOf(yield* Client.Client).state)
      // Worker a, which holds all results, and one more row.
      assert.lengthOf(records, 2)
      const names = yield* Effect.forEach(
        futures,
        (future) => Effect.map(Future.metadata(future), ({ worker }) => worker)
      )
      assert.sameMembers(names, ["a", "b"])
    }).pipe(inScheduler({ workers: [{ id: "a", concurrency: 1 }] })))
})

describe("retirement", () => {
  it.effect("W14: after maxTasks a fresh worker of its name takes its place, between tasks", () =>
    Effect.gen(function*() {
      const { log } = yield* watched
      assert.deepStrictEqual(yield* Client.compute([1, 2, 3].map((n) => Task.withOptions(where, { key: `t${n}` }))), [
        "a",
        "a",
        "a"
      ])
      yield* calm
      const of = (worker: string) => log.filter((line) => line.startsWith(worker))
      assert.deepStrictEqual(of("a/0"), ["a/0: open -> draining", "a/0: draining -> gone"])
      assert.deepStrictEqual(of("a/1"), ["a/1: new -> starting", "a/1: starting -> open"])
      assert.lengthOf(log, 4)
      // The last task of the one may still end while the other runs the next.
    }).pipe(inQuietScheduler({ workers: [{ id: "a", concurrency: 1, maxTasks: 2 }] })))

  it.effect("W14: at maxAge it takes no more; what runs there ends there", () =>
    Effect.gen(function*() {
      const { log } = yield* watched
      const door = gate()
      const future = yield* Client.submit(Task.make(door.pass))
      yield* door.arrived(1)
      yield* pass("10 seconds")
      assert.deepStrictEqual(yield* workers, ["a draining", "a open"])
      assert.sameMembers(log, ["a/1: new -> starting", "a/0: open -> draining", "a/1: starting -> open"])
      yield* door.open
      yield* Future.join(future)
      yield* calm
      assert.deepStrictEqual(yield* workers, ["a open"])
    }).pipe(inScheduler({ workers: [{ id: "a", concurrency: 1 }], maxAge: "10 seconds" })))
})

describe("hooks", () => {
  const hook = (log: Log, name = "worker") =>
    Effect.acquireRelease(
      Effect.sync(() => void log.push(`${name} starts`)),
      () => Effect.sync(() => void log.push(`${name} stops`))
    )

  it.effect("W15: onStart runs once for each worker before its first task, and is undone when the layer closes", () =>
    Effect.gen(function*() {
      const log: Log = []
      const note = (text: string) => Task.make(Effect.sync(() => void log.push(text)))
      yield* Effect.gen(function*() {
        yield* Client.compute(note("first"))
        yield* Client.compute(note("second"))
      }).pipe(Effect.provide(Skein.layer({ concurrency: 1, onStart: hook(log) })))
      assert.deepStrictEqual(log, ["worker starts", "first", "second", "worker stops"])
    }))

  it.effect("W15: it is undone when the worker has left, after its last task", () =>
    Effect.gen(function*() {
      const log: Log = []
      const scope = yield* Scope.make()
      yield* Scope.provide(Scheduler.addWorker({ id: "b", concurrency: 1, onStart: hook(log) }), scope)
      const door = gate()
      const done = Effect.andThen(door.pass, Effect.sync(() => void log.push("done")))
      const futures = yield* Client.submitAll([Task.make(done), Task.make(done)])
      yield* door.arrived(2)
      yield* Scope.close(scope, Exit.void)
      yield* calm
      assert.deepStrictEqual(log, ["worker starts"])
      yield* door.open
      yield* Future.joinAll(futures)
      yield* calm
      assert.deepStrictEqual(log, ["worker starts", "done", "done", "worker stops"])
    }).pipe(inScheduler({ workers: [{ id: "a", concurrency: 1 }] })))

  it.effect("W15: a failure of onStart is that of the layer, or of addWorker, and nothing is left open", () =>
    Effect.gen(function*() {
      const log: Log = []
      const failing = Effect.andThen(hook(log, "half"), Effect.fail("no disk"))
      const refused = yield* errorOf(
        Effect.provide(
          Client.compute(where),
          Skein.layer({
            workers: [{ id: "a", concurrency: 1, onStart: hook(log, "a") }, {
              id: "b",
              concurrency: 1,
              onStart: failing
            }]
          })
        )
      )
      assert.strictEqual(refused, "no disk")
      assert.deepStrictEqual(log, ["a starts", "half starts", "half stops", "a stops"])
      const added = errorOf(Effect.scoped(Scheduler.addWorker({ id: "c", concurrency: 1, onStart: failing })))
      assert.strictEqual(yield* added, "no disk")
      assert.deepStrictEqual(yield* workers, ["local open"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("W15: that the layer's onStart fails for a worker that is added is a SubmitError, which says which worker", () =>
    Effect.gen(function*() {
      let starts = 0
      const onStart = Effect.suspend(() => starts++ === 0 ? Effect.void : Effect.fail("no disk"))
      yield* Effect.gen(function*() {
        const refused = yield* submitErrorOf(Effect.scoped(Scheduler.addWorker({ id: "c", concurrency: 1 })))
        assert.deepInclude(refused.reason, { _tag: "WorkerFailed", worker: "c" })
        assert.strictEqual(refused.message, "Worker \"c\" was not started, because its onStart failed: no disk")
        assert.deepStrictEqual(yield* workers, ["local open"])
      }).pipe(Effect.provide(Skein.layer({ onStart, concurrency: 1 })))
    }))

  it.effect("W15, W13: onStart has the services of its layer or of the caller of addWorker, and so has a replacement's", () =>
    Effect.gen(function*() {
      class Disk extends Context.Service<Disk, string>()("test/Disk") {}
      const log: Log = []
      const onStart = Effect.flatMap(Disk, (disk) => hook(log, disk))
      const layer: Layer.Layer<Client.Client | Scheduler.Scheduler, never, Disk> = Skein.layer({
        workers: [{ id: "a", concurrency: 1, restart: { times: 1, within: "1 minute" }, onStart }],
        waitForWorkers: "1 minute"
      })
      yield* Effect.gen(function*() {
        const add = Scheduler.addWorker({ id: "b", concurrency: 1, restart: { times: 1, within: "1 minute" }, onStart })
        yield* Effect.provideService(add, Disk, "of the caller")
        yield* Faults.loseWorker("a")
        yield* calm
        yield* Faults.loseWorker("b")
        yield* calm
      }).pipe(Effect.scoped, Effect.provide(Layer.provide(layer, Layer.succeed(Disk, "of the layer"))))
      assert.deepStrictEqual(log.filter((line) => line.endsWith("starts")), [
        "of the layer starts",
        "of the caller starts",
        "of the layer starts",
        "of the caller starts"
      ])
      assert.deepStrictEqual(log.filter((line) => line.endsWith("stops")).length, 4)
    }))

  it.effect("W13, W15: each worker that takes the place of a lost one runs it anew; one for which it fails does not come", () =>
    Effect.gen(function*() {
      const log: Log = []
      const onStart = Effect.suspend(() =>
        log.filter((line) => line === "worker starts").length < 2 ? hook(log) : Effect.fail("no more")
      )
      const restart = { times: 10, within: "60 seconds", minRunTime: "1 second" } as const
      yield* Scheduler.addWorker({ id: "b", concurrency: 1, restart, onStart })
      yield* pass("1 second")
      yield* Faults.loseWorker("b")
      yield* calm
      assert.deepStrictEqual([log, yield* workers], [["worker starts", "worker stops", "worker starts"], [
        "a open",
        "b open"
      ]])
      yield* pass("1 second")
      yield* Faults.loseWorker("b")
      yield* calm
      assert.deepStrictEqual(yield* workers, ["a open"])
    }).pipe(inScheduler({ workers: [{ id: "a", concurrency: 1 }] })))

  it.effect("W15: tasks wait while the only worker is being replaced", () =>
    Effect.gen(function*() {
      const ready = gate()
      const scope = yield* Scope.make()
      let starts = 0
      const onStart = Effect.suspend(() => starts++ === 0 ? Effect.void : ready.pass)
      const restart = { times: 10, within: "60 seconds" } as const
      yield* Scope.provide(Scheduler.addWorker({ id: "b", concurrency: 1, restart, onStart }), scope)
      yield* Faults.loseWorker("b")
      const future = yield* Client.submit(where)
      yield* calm
      assert.deepStrictEqual([yield* Future.status(future), yield* workers], ["ready", ["b starting"]])
      yield* ready.open
      assert.strictEqual(yield* Future.join(future), "b")
      yield* Scope.close(scope, Exit.void)
    }).pipe(inScheduler({ workers: [], waitForWorkers: "1 second" })))
})

describe("closing", () => {
  it.effect("W15: the close of a layer waits for the finalizers of an onStart that it interrupts", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const onStart = Effect.onInterrupt(
        Effect.never,
        () => Effect.andThen(turns(20), Effect.sync(() => void log.push("stopped")))
      )
      const pool = { min: 0, max: 1, concurrency: 1, onStart }
      yield* Effect.scoped(Effect.andThen(Client.submit(where), turns(3))).pipe(
        Effect.provide(Skein.layer({ elastic: pool }))
      )
      log.push("closed")
      assert.deepStrictEqual(log, ["stopped", "closed"])
    }))
})

describe("an elastic pool", () => {
  const elastic = { min: 1, max: 3, concurrency: 1, idle: "10 seconds" } as const

  it.effect("W18: it grows while tasks wait for a slot, and shrinks to its least when workers were idle for long enough", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* workers, ["elastic-1 open"])
      const door = gate()
      const futures = yield* Client.submitAll(Array.from({ length: 5 }, () => Task.make(door.pass)))
      yield* door.arrived(3)
      yield* calm
      assert.strictEqual(door.count(), 3)
      yield* door.open
      yield* Future.joinAll(futures)
      yield* pass("9 seconds")
      assert.lengthOf(yield* workers, 3)
      yield* pass("1 second")
      assert.lengthOf(yield* workers, 1)
    }).pipe(inScheduler({ elastic })))

  it.effect("W18: unless told, three lost workers are replaced in a minute, and an idle one leaves after 10 seconds", () =>
    Effect.gen(function*() {
      for (const id of ["elastic-1", "elastic-2", "elastic-3"]) {
        yield* Faults.loseWorker(id)
        yield* calm
      }
      assert.deepStrictEqual(yield* workers, ["elastic-4 open"])
      yield* Faults.loseWorker("elastic-4")
      yield* pass("59 seconds")
      assert.deepStrictEqual(yield* workers, [])
      yield* pass("1 second")
      assert.deepStrictEqual(yield* workers, ["elastic-5 open"])
      yield* Client.compute([where, Task.withOptions(where, { label: "other" })])
      assert.deepStrictEqual(yield* workers, ["elastic-5 open", "elastic-6 open"])
      yield* pass("9 seconds")
      assert.lengthOf(yield* workers, 2)
      yield* pass("1 second")
      assert.lengthOf(yield* workers, 1)
    }).pipe(inScheduler({ elastic: { min: 1, max: 2, concurrency: 1 } })))

  it.effect("W18: a load in the shape of a saw starts each worker once", () =>
    Effect.gen(function*() {
      const { log } = yield* watched
      for (let tooth = 0; tooth < 10; tooth++) {
        yield* Client.forEach([1, 2, 3, 4, 5, 6], () => Effect.sleep("1 second")).pipe(Effect.forkChild)
        yield* pass("9 seconds")
      }
      assert.deepStrictEqual(log.filter((line) => line.endsWith("-> open")), [
        "elastic-2/1: starting -> open",
        "elastic-3/2: starting -> open"
      ])
      assert.deepStrictEqual(log.filter((line) => line.endsWith("-> draining")), [])
    }).pipe(inScheduler({ elastic })))

  it.effect("W18: a pool of none starts the first worker for the first task", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* workers, [])
      assert.strictEqual(yield* Client.compute(where), "crew-1")
      yield* pass("10 seconds")
      assert.deepStrictEqual(yield* workers, [])
      assert.strictEqual(yield* Client.compute(where), "crew-2")
    }).pipe(inScheduler({ elastic: { ...elastic, min: 0, id: "crew" } })))

  it.effect("W18, W15: its first workers have started when the layer is there, and their failure is its own", () =>
    Effect.gen(function*() {
      const failing = { ...elastic, min: 2, onStart: Effect.fail("no disk") }
      const refused = yield* errorOf(Effect.provide(Client.compute(where), Skein.layer({ elastic: failing })))
      assert.strictEqual(refused, "no disk")
      const slow = { ...elastic, min: 2, onStart: turns(50) }
      const there = yield* Effect.provide(workers, Skein.layer({ elastic: slow }))
      assert.deepStrictEqual(there, ["elastic-1 open", "elastic-2 open"])
    }))

  it.effect("W18: a pool opens beside workers of the layer, and grows when they are full", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* workers, ["own open"])
      const door = gate()
      const futures = yield* Client.submitAll([Task.make(door.pass), Task.make(door.pass)])
      yield* door.arrived(2)
      assert.deepStrictEqual(yield* workers, ["own open", "elastic-1 open"])
      yield* door.open
      yield* Future.joinAll(futures)
    }).pipe(inScheduler({ workers: [{ id: "own", concurrency: 1 }], elastic: { min: 0, max: 1, concurrency: 1 } })))

  it.effect("W18: a pool stands beside workers, and none of its own is called as one of them", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* workers, ["elastic-1 open", "elastic-2 open"])
    }).pipe(inScheduler({ elastic, workers: [{ id: "elastic-1", concurrency: 1 }] })))

  it.effect("W18, D10: a body that is unmet on the last worker of a pool is started on a fresh one", () =>
    Effect.gen(function*() {
      const picky = Task.make(
        Effect.flatMap(
          Worker.current,
          ({ id }) => id === "elastic-1" ? Worker.unmet("not here") : Effect.succeed(id)
        ),
        { waitForWorkers: Duration.infinity }
      )
      const future = yield* Client.submit(picky)
      yield* pass("10 seconds")
      assert.strictEqual(yield* Future.join(future), "elastic-2")
    }).pipe(inScheduler({ elastic: { ...elastic, min: 0 } })))

  it.effect("W18: sizes that are none are refused", () =>
    Effect.gen(function*() {
      for (
        const [wrong, option] of [[{ max: 0 }, "elastic.max"], [{ min: 4 }, "elastic.min"], [
          { idle: 0 },
          "elastic.idle"
        ]] as const
      ) {
        const refused = mistakeOf(
          Effect.provide(Client.compute(where), Skein.layer({ elastic: { ...elastic, ...wrong } }))
        )
        assert.include((yield* refused).message, `The option ${option} cannot be`)
      }
      const both = mistakeOf(Effect.provide(Client.compute(where), Skein.layer({ elastic, concurrency: 2 })))
      assert.include((yield* both).message, "no value beside elastic")
    }))
})

describe("options of workers", () => {
  const one = { id: "a", concurrency: 1 }
  const restart = { times: 1, within: 1 }
  const pool = { min: 0, max: 1, concurrency: 1 }
  const bad: ReadonlyArray<readonly [unknown, string, string]> = [
    [{ restart: { ...restart, minRuntime: 1 } }, "restart.minRuntime", "times, within, minRunTime"],
    [{ restart: { times: 1 } }, "restart.within", "a duration above zero"],
    [{ onStart: 3 }, "onStart", "an effect"],
    [{ workers: [{ ...one, maxtasks: 1 }] }, "maxtasks of worker \"a\"", "maxTasks"],
    [{ elastic: { ...pool, labels: ["gpu"] } }, "elastic.labels", "min, max"],
    [{ elastic: { ...pool, id: "" } }, "elastic.id", "a non-empty string"],
    [{ elastic: pool, highWaterMark: 3 }, "highWaterMark", "no value beside elastic"]
  ]
  for (const [options, option, expected] of bad) {
    it.effect(`Bad input: a layer is refused for what ${option} is`, () =>
      Effect.gen(function*() {
        const refused = mistakeOf(Effect.provide(Client.compute(where), Skein.layer(options as Skein.Options)))
        const { message } = yield* refused
        assert.include(message, `option ${option}`)
        assert.include(message, expected)
      }))
  }

  it.effect("Bad input: an added worker is refused for an option that does not exist", () =>
    Effect.gen(function*() {
      const { message } = yield* mistakeOf(Scheduler.addWorker({ ...one, resource: { gpu: 1 } } as never))
      assert.include(message, "There is no option resource of worker \"a\". Known options: ttl, ")
    }).pipe(inScheduler()))

  const wrong: ReadonlyArray<readonly [Skein.WorkerTerms, string]> = [
    [{ ttl: 0 }, "ttl"],
    [{ maxTasks: 0 }, "maxTasks"],
    [{ maxAge: 0 }, "maxAge"],
    [{ restart: { times: 0, within: 1 } }, "restart.times"],
    [{ restart: { times: 1, within: 0 } }, "restart.within"],
    [{ onStart: (() => {}) as never }, "onStart"],
    [{ onStart: null as never }, "onStart"]
  ]
  for (const [terms, option] of wrong) {
    it.effect(`Bad input: ${option} that is none is refused`, () =>
      Effect.gen(function*() {
        const refused = mistakeOf(Effect.provide(Client.compute(where), Skein.layer(terms)))
        assert.include((yield* refused).message, `The option ${option} cannot be`)
        const a = { id: "a", concurrency: 1, ...terms }
        const ofWorker = mistakeOf(Effect.provide(Client.compute(where), Skein.layer({ workers: [a] })))
        assert.include((yield* ofWorker).message, `The option ${option} of worker "a" cannot be`)
      }))
  }
})
