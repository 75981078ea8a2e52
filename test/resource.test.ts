import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
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
import * as Progress from "skein/Progress"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import * as TaskGraph from "skein/TaskGraph"
import { type Chance, Gate, InterruptSweep, Leftovers, Simulation } from "skein/testing"
import * as Worker from "skein/Worker"
import { endless, gate, inScheduler, type Log, note, turns } from "./harness.ts"
import { longOr } from "./long.ts"
import { errorOf, explanationOf, reasonOf } from "./support.ts"

/** A body that opens something; its finalizer yields, and logs that it is closed. */
const opened = (log: Log, name: string) =>
  Effect.acquireRelease(note(log, `open ${name}`), () => Effect.andThen(turns(3), note(log, `close ${name}`)))

const using = (log: Log, name: string) => (value: string) => note(log, `${name} uses ${value.slice(5)}`)

const hasLogged = (log: Log, entry: string) => Effect.repeat(Effect.yieldNow, { until: () => log.includes(entry) })

const countOf = (log: Log, entry: string) => log.filter((each) => each === entry).length

describe("a result that owns a resource", () => {
  //   r
  //  / \
  // a   b
  it.effect("M7: stays open for all that depends on it, and is closed once, before the run ends", () =>
    Effect.gen(function*() {
      const log: Log = []
      const r = Task.resource(opened(log, "r"))
      yield* Client.compute([Task.make(r, using(log, "a")), Task.make(r, using(log, "b"))])
      assert.deepStrictEqual(log, ["open r", "a uses r", "b uses r", "close r"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("M7: is closed in mid-run, when its last dependent has ended", () =>
    Effect.gen(function*() {
      const log: Log = []
      const r = Task.resource(opened(log, "r"))
      const used = Task.make(r, using(log, "a"))
      const later = Task.make({ used }, () => Effect.andThen(hasLogged(log, "close r"), note(log, "later")))
      yield* Client.compute(later)
      assert.deepStrictEqual(log, ["open r", "a uses r", "close r", "later"])
    }).pipe(inScheduler()))

  it.effect("M7: the finalizers hold no slot", () =>
    Effect.gen(function*() {
      const log: Log = []
      const release = yield* Deferred.make<void>()
      const r = Task.resource(Effect.acquireRelease(note(log, "open r"), () => Deferred.await(release)))
      const used = Task.make(r, using(log, "a"))
      yield* Client.compute(Task.make({ used }, () => Deferred.succeed(release, undefined)))
      assert.deepStrictEqual(log, ["open r", "a uses r"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("M7: is closed when its future is released, and the scope's close waits for that", () =>
    Effect.gen(function*() {
      const log: Log = []
      yield* Effect.scoped(Effect.gen(function*() {
        const future = yield* Client.submit(Task.resource(opened(log, "r")))
        assert.strictEqual(yield* Future.join(future), "open r")
        yield* turns()
        assert.deepStrictEqual(log, ["open r"])
        yield* Future.release(future)
        assert.strictEqual((yield* reasonOf(Future.join(future)))._tag, "Released")
        assert.strictEqual(countOf(log, "close r"), 0)
      }))
      assert.deepStrictEqual(log, ["open r", "close r"])
    }).pipe(inScheduler()))

  it.effect("M7: the close of a scope returns when its resources are closed", () =>
    Effect.gen(function*() {
      const log: Log = []
      yield* Effect.scoped(Effect.gen(function*() {
        const r = Task.resource(opened(log, "r"))
        const s = Task.resource(opened(log, "s"))
        const [future] = yield* Client.submitAll([Task.make({ r, s }, ({ r }) => using(log, "a")(r)), r])
        yield* Future.join(future)
        yield* hasLogged(log, "close s")
        assert.strictEqual(countOf(log, "close r"), 0)
      }))
      assert.strictEqual(log.at(-1), "close r")
    }).pipe(inScheduler()))

  it.effect("M7: the close of a scope waits for what is closed only when a running dependent has stopped", () =>
    Effect.gen(function*() {
      const log: Log = []
      yield* Effect.scoped(Effect.gen(function*() {
        const r = Task.resource(opened(log, "r"))
        const user = Task.make(r, () => Effect.onExit(endless(log, "user"), () => turns(3)))
        yield* Client.submit(user)
        yield* hasLogged(log, "user starts")
      }))
      assert.deepStrictEqual(log, ["open r", "user starts", "user is finalized", "close r"])
    }).pipe(inScheduler()))

  it.effect("M7: a resource made of another is closed before that", () =>
    Effect.gen(function*() {
      const log: Log = []
      const pool = Task.resource(opened(log, "pool"))
      const connection = Task.resource(pool, () => opened(log, "connection"))
      const session = Task.resource({ connection }, () => opened(log, "session"))
      yield* Client.compute(Task.make(session, using(log, "a")))
      const opens = ["open pool", "open connection", "open session", "a uses session"]
      assert.deepStrictEqual(log, [...opens, "close session", "close connection", "close pool"])
      log.length = 0
      yield* Effect.scoped(Effect.flatMap(Client.submit(session), Future.join))
      assert.deepStrictEqual(log.slice(3), ["close session", "close connection", "close pool"])
    }).pipe(inScheduler()))

  it.effect("M7: kept by another scope it stays open until that closes", () =>
    Effect.gen(function*() {
      const log: Log = []
      yield* Effect.scoped(Effect.gen(function*() {
        const outer = yield* Effect.scope
        const kept = yield* Effect.scoped(Effect.gen(function*() {
          const future = yield* Client.submit(Task.resource(opened(log, "r")))
          yield* Future.join(future)
          return yield* Future.keep(future).pipe(Scope.provide(outer))
        }))
        assert.deepStrictEqual(log, ["open r"])
        assert.strictEqual(yield* Client.compute(Task.map({ kept }, ({ kept }) => kept)), "open r")
        yield* turns()
        assert.deepStrictEqual(log, ["open r"])
      }))
      assert.deepStrictEqual(log, ["open r", "close r"])
    }).pipe(inScheduler()))

  it.effect("M7: a flatMap task that stands for it keeps it open as long as its own result is needed", () =>
    Effect.gen(function*() {
      const log: Log = []
      const r = Effect.acquireRelease(note(log, "open r"), () => note(log, "close r"))
      const alias = Task.flatMap(Task.succeed(1), () => Task.flatMap([], () => Task.resource(r)))
      const first = Task.make(alias, using(log, "a"))
      yield* Client.compute(Task.make({ alias, first }, ({ alias }) => using(log, "b")(alias)))
      assert.deepStrictEqual(log, ["open r", "a uses r", "b uses r", "close r"])
    }).pipe(inScheduler()))

  it.effect("M7: Task.exit of it keeps it open too", () =>
    Effect.gen(function*() {
      const log: Log = []
      const r = Effect.acquireRelease(note(log, "open r"), () => note(log, "close r"))
      const exit = Task.exit(Task.resource(r))
      const first = Task.make(exit, () => note(log, "a"))
      const both = Task.make({ exit, first }, ({ exit }) => note(log, `b sees ${exit._tag}`))
      yield* Client.compute(both)
      assert.deepStrictEqual(log, ["open r", "a", "b sees Success", "close r"])
    }).pipe(inScheduler()))

  it("M7: a chain of 20,000 flatMap tasks lets go of it without a deep stack", () =>
    Effect.runPromise(
      Effect.gen(function*() {
        const log: Log = []
        const unfold = (n: number): Task.Task<string, any> =>
          n === 0 ? Task.resource(note(log, "open")) : Task.flatMap([], () => unfold(n - 1))
        assert.strictEqual(yield* Client.compute(unfold(20_000)), "open")
        yield* Leftovers.assertNone
      }).pipe(Effect.provide(Skein.layer()))
    ))

  it.effect("M7: its key is free at once, and a resubmission opens a new one", () =>
    Effect.gen(function*() {
      const log: Log = []
      const closing = gate()
      let number = 0
      const r = Task.resource(
        Effect.acquireRelease(
          Effect.sync(() => ++number),
          (n) => Effect.andThen(closing.pass, note(log, `close ${n}`))
        ),
        { key: "r" }
      )
      yield* Effect.scoped(Effect.gen(function*() {
        const first = yield* Client.submit(r)
        const shared = yield* Client.submit(r)
        assert.deepStrictEqual(yield* Future.joinAll([first, shared]), [1, 1])
        yield* Future.release(first)
        yield* Future.release(shared)
        yield* closing.arrived(1)
        assert.deepStrictEqual((yield* explanationOf("r"))?.because, { _tag: "Releasing", reason: undefined })
        const second = yield* Client.submit(r)
        assert.strictEqual(yield* Future.join(second), 2)
        assert.deepStrictEqual((yield* Scheduler.dump).tasks.map(({ held, state }) => [state, held]), [
          ["releasing", undefined],
          ["succeeded", true]
        ])
        const { tasks } = yield* Scheduler.stats
        assert.deepStrictEqual([tasks.releasing, tasks.succeeded], [1, 1])
        yield* closing.open
      }))
      assert.deepStrictEqual(log, ["close 1", "close 2"])
    }).pipe(inScheduler()))

  it.effect("M7, V8: in a picture it has succeeded, whatever became of it since", () =>
    Effect.gen(function*() {
      const events: Array<Scheduler.TaskEvent> = []
      yield* Scheduler.listen((event) => events.push(event))
      const r = Task.resource(Effect.acquireRelease(Effect.succeed(1), () => turns(3)), { key: "r" })
      yield* Client.compute(Task.map(r, (n) => n, { key: "user" }))
      assert.deepStrictEqual(events.filter(({ key }) => key === "r").map(({ to }) => to), [
        "waiting",
        "ready",
        "assigned",
        "running",
        "succeeded",
        "releasing",
        "released"
      ])
      assert.deepStrictEqual([...TaskGraph.states(events)], [["r", "succeeded"], ["user", "succeeded"]])
    }).pipe(inScheduler()))

  it.effect("M7: progress counts it once", () =>
    Effect.gen(function*() {
      const task = Task.make(Task.resource(Effect.acquireRelease(Effect.succeed(1), () => turns(3))), Effect.succeed)
      let last: unknown
      const see = ({ running, succeeded, total }: Progress.Counts) => {
        last = { running, succeeded, total }
      }
      yield* Client.compute(task).pipe(Progress.withProgress(see))
      assert.deepStrictEqual(last, { running: 0, succeeded: 2, total: 2 })
    }).pipe(inScheduler()))

  it.effect("M7: results are neither put into a cache nor taken from one", () =>
    Effect.gen(function*() {
      const log: Log = []
      const cache = new Map<string, unknown>([["r", "stale"]])
      const r = Task.resource(opened(log, "r"), { key: "r" })
      const alias = Task.flatMap([], () => r, { key: "alias" })
      const exit = Task.withOptions(Task.exit(r), { key: "exit" })
      const used = Task.make({ alias, exit }, ({ alias }) => using(log, "a")(alias), { key: "used" })
      yield* Client.compute(used, { cache })
      assert.deepStrictEqual([...cache.keys()], ["r", "used"])
      assert.strictEqual(cache.get("r"), "stale")
      assert.deepStrictEqual(log, ["open r", "a uses r", "close r"])
    }).pipe(inScheduler()))

  it.effect("M7: a finalizer that fails is a warning, and harms neither result nor close", () => {
    const warnings: Array<readonly [unknown, Cause.Cause<unknown>]> = []
    const logger = Logger.make<unknown, void>(({ cause, logLevel, message }) => {
      if (logLevel === "Warn") warnings.push([message, cause])
    })
    return Effect.gen(function*() {
      const acquire = Effect.acquireRelease(Effect.succeed(1), () => Effect.die("stuck"))
      const r = Task.resource(acquire, { key: "r" })
      assert.strictEqual(yield* Client.compute(Task.map(r, (n) => n + 1)), 2)
      assert.strictEqual(warnings.length, 1)
      assert.include(String(warnings[0]![0]), `A finalizer of the result of task "r" failed`)
      assert.isTrue(Cause.hasDies(warnings[0]![1]))
    }).pipe(inScheduler(), Effect.provide(Logger.layer([logger])))
  })

  it.effect("M7: what its body submitted runs on, and is cancelled when it is released", () =>
    Effect.gen(function*() {
      const log: Log = []
      const server = Task.resource(Effect.gen(function*() {
        yield* opened(log, "r")
        yield* Client.submit(Task.make(endless(log, "child")))
        return "open r"
      }))
      const user = Task.make(server, (value) => Effect.andThen(hasLogged(log, "child starts"), using(log, "a")(value)))
      yield* Client.compute(user)
      assert.deepStrictEqual(log, ["open r", "child starts", "a uses r", "child is finalized", "close r"])
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("M7: fibers that its body forked into its scope run on until it is released", () =>
    Effect.gen(function*() {
      const log: Log = []
      const server = Task.resource(Effect.as(Effect.forkScoped(endless(log, "fiber")), 1))
      yield* Client.compute(Task.make(server, () => hasLogged(log, "fiber starts")))
      assert.deepStrictEqual(log, ["fiber starts", "fiber is finalized"])
    }).pipe(inScheduler()))

  it.effect("M7: its finalizers may use the client, and are told so when they wait for themselves", () =>
    Effect.gen(function*() {
      const log: Log = []
      const holder = yield* Effect.scope
      const finalizer = Effect.gen(function*() {
        log.push(yield* Client.compute(Task.make(note(log, "in finalizer"))))
        // Nobody but itself is being released here.
        yield* Effect.scoped(Client.submit(Task.succeed(1)))
        log.push((yield* Worker.current).key)
      })
      const r = Task.resource(
        Effect.acquireRelease(Effect.succeed(1), () => Effect.orDie(finalizer as Effect.Effect<void>)),
        { key: "r" }
      )
      yield* Client.compute(Task.map(r, (n) => n)).pipe(Scope.provide(holder))
      assert.deepStrictEqual(log, ["in finalizer", "in finalizer", "r"])
    }).pipe(inScheduler({ concurrency: 1 })))
})

describe("acquiring", () => {
  it.effect("M7: an attempt that fails closes what it had acquired, and another one acquires anew", () =>
    Effect.gen(function*() {
      const log: Log = []
      let attempts = 0
      const r = Task.resource(
        Effect.tap(opened(log, "r"), () => ++attempts < 3 ? Effect.fail("no") : Effect.void),
        { retry: Schedule.recurs(2) }
      )
      yield* Client.compute(Task.make(r, using(log, "a")))
      const failed = ["open r", "close r"]
      assert.deepStrictEqual(log, [...failed, ...failed, "open r", "a uses r", "close r"])
    }).pipe(inScheduler()))

  it.effect("M7: a failure closes it with the attempt", () =>
    Effect.gen(function*() {
      const log: Log = []
      const r = Task.resource(Effect.andThen(opened(log, "r"), Effect.fail("no" as const)))
      const error = yield* errorOf(Client.compute(Task.make(r, using(log, "a"))))
      assert.strictEqual(error._tag, "DependencyFailed")
      assert.deepStrictEqual(log, ["open r", "close r"])
    }).pipe(inScheduler()))

  it.effect("M7: cancelled while it is acquired, it is closed when the cancellation returns", () =>
    Effect.gen(function*() {
      const log: Log = []
      const future = yield* Client.submit(Task.resource(Effect.andThen(opened(log, "r"), endless(log, "body"))))
      yield* hasLogged(log, "body starts")
      yield* Future.cancel(future)
      assert.deepStrictEqual(log, ["open r", "body starts", "body is finalized", "close r"])
      assert.strictEqual((yield* reasonOf(Future.join(future)))._tag, "TaskCancelled")
    }).pipe(inScheduler()))

  it.effect("M7: one that is acquired all the same is closed before the cancellation returns", () =>
    Effect.gen(function*() {
      const log: Log = []
      const future = yield* Client.submit(
        Task.resource(Effect.uninterruptible(Effect.andThen(opened(log, "r"), turns(5))))
      )
      yield* hasLogged(log, "open r")
      yield* Future.cancel(future)
      assert.deepStrictEqual(log, ["open r", "close r"])
    }).pipe(inScheduler()))

  it.effect("M7: news of an acquisition that come after the request to stop: closed before the task has ended", () => {
    const news = Gate.makeUnsafe()
    return Effect.gen(function*() {
      const log: Log = []
      yield* Effect.scoped(Effect.gen(function*() {
        const future = yield* Client.submit(Task.resource(opened(log, "r"), { key: "r" }))
        yield* Gate.arrived(news)
        const cancelling = yield* Effect.forkChild(Future.cancel(future), { startImmediately: true })
        yield* turns()
        assert.isUndefined(cancelling.pollUnsafe())
        yield* Gate.open(news)
        yield* Fiber.join(cancelling)
        assert.deepStrictEqual(log, ["open r", "close r"])
      }))
      yield* Leftovers.assertNone
    }).pipe(Effect.provide(Skein.layer()), Gate.holdMessages(news, ({ _tag }) => _tag === "Ended"))
  })

  it.effect("M7, C9: a timeout while it is acquired closes it with the attempt", () =>
    Effect.gen(function*() {
      const log: Log = []
      const r = Task.resource(Effect.andThen(opened(log, "r"), Effect.never), { timeout: "1 second" })
      const fiber = yield* Effect.forkChild(Effect.exit(Client.compute(r)))
      yield* hasLogged(log, "open r")
      yield* TestClock.adjust("1 second")
      assert.isTrue(Exit.isFailure(yield* Fiber.join(fiber)))
      assert.deepStrictEqual(log, ["open r", "close r"])
    }).pipe(inScheduler()))

  it.effect("M7, C9: one that is acquired when its time is over is closed, and acquired again", () =>
    Effect.gen(function*() {
      const log: Log = []
      let attempts = 0
      const late = Effect.suspend(() => ++attempts < 3 ? Effect.sleep("2 seconds") : Effect.void)
      const acquire = Effect.uninterruptible(Effect.tap(opened(log, "r"), late))
      const r = Task.resource(acquire, { timeout: "1 second", retry: Schedule.recurs(2) })
      const fiber = yield* Effect.forkChild(Client.compute(Task.make(r, using(log, "a"))))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(fiber)
      const failed = ["open r", "close r"]
      assert.deepStrictEqual(log, [...failed, ...failed, "open r", "a uses r", "close r"])
    }).pipe(inScheduler()))

  it.effect("M7: cancel of one that is held has no effect", () =>
    Effect.gen(function*() {
      const log: Log = []
      yield* Effect.scoped(Effect.gen(function*() {
        const future = yield* Client.submit(Task.resource(opened(log, "r")))
        yield* Future.join(future)
        yield* Future.cancel(future)
        yield* Future.cancel(future, { force: true })
        assert.strictEqual(yield* Future.join(future), "open r")
        assert.deepStrictEqual(log, ["open r"])
      }))
      assert.deepStrictEqual(log, ["open r", "close r"])
    }).pipe(inScheduler()))

  it.effect("M7: cancel of the last dependent returns when it is closed", () =>
    Effect.gen(function*() {
      const log: Log = []
      const r = Task.resource(opened(log, "r"))
      const other = yield* Client.submit(Task.make(Task.resource(opened(log, "s")), () => endless(log, "other")))
      const future = yield* Client.submit(Task.make(r, () => endless(log, "user")))
      yield* hasLogged(log, "user starts")
      yield* hasLogged(log, "other starts")
      yield* Future.cancel(future)
      assert.deepStrictEqual(log.slice(-2), ["user is finalized", "close r"])
      assert.strictEqual(yield* Future.status(other), "running")
    }).pipe(inScheduler({ concurrency: 2 })))
})

describe("the end of a run", () => {
  it.effect("M7, F3: when a sibling fails, compute returns with it closed", () =>
    Effect.gen(function*() {
      const log: Log = []
      const r = Task.resource(opened(log, "r"))
      const user = Task.make(r, () => endless(log, "user"))
      const failing = Task.make(Effect.andThen(hasLogged(log, "user starts"), Effect.fail("no" as const)))
      assert.strictEqual(yield* errorOf(Client.compute([user, failing])), "no")
      assert.deepStrictEqual(log, ["open r", "user starts", "user is finalized", "close r"])
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("M7: a dependent that fails lets it go", () =>
    Effect.gen(function*() {
      const log: Log = []
      const r = Task.resource(opened(log, "r"))
      const exit = yield* Effect.exit(Client.compute(Task.make(r, () => Effect.fail("no"))))
      assert.isTrue(Exit.isFailure(exit))
      assert.deepStrictEqual(log, ["open r", "close r"])
    }).pipe(inScheduler()))

  it.effect("M7, F11: a retry opens anew what was released, also while that is being closed", () =>
    Effect.gen(function*() {
      const log: Log = []
      let runs = 0
      const r = Task.resource(opened(log, "r"))
      const use = Task.make(r, (value) => ++runs === 1 ? Effect.fail("no" as const) : using(log, "a")(value))
      yield* Effect.scoped(Effect.gen(function*() {
        const future = yield* Client.submit(use)
        yield* Future.await(future)
        yield* Future.join(yield* Client.retry(future))
      }))
      assert.deepStrictEqual(log.filter((each) => each === "a uses r").length, 1)
      assert.deepStrictEqual(log.toSorted(), ["a uses r", "close r", "close r", "open r", "open r"])
    }).pipe(inScheduler()))

  it.effect("M7, F13: a body that is run inline has it open", () =>
    Effect.gen(function*() {
      const log: Log = []
      const use = Task.make(Task.resource(opened(log, "r")), (value) =>
        Effect.andThen(turns(), Effect.andThen(using(log, "a")(value), Effect.fail("no" as const))))
      yield* Effect.scoped(Effect.gen(function*() {
        const future = yield* Client.submit(use)
        yield* Future.await(future)
        yield* hasLogged(log, "close r")
        log.length = 0
        assert.strictEqual(yield* Effect.flip(Future.rerunInline(future)), "no")
        assert.deepStrictEqual(log, ["open r", "a uses r", "close r"])
      }))
    }).pipe(inScheduler()))

  it.effect("M7: in a body, what compute opened is closed when it returns, and the slot is back", () =>
    Effect.gen(function*() {
      const log: Log = []
      const r = Task.resource(opened(log, "r"))
      yield* Client.compute(Task.make(Effect.gen(function*() {
        yield* Client.compute(Task.make(r, using(log, "a")))
        yield* note(log, "body goes on")
      })))
      assert.deepStrictEqual(log, ["open r", "a uses r", "close r", "body goes on"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("C4, M7: the close of a layer returns when every resource is closed, also one that nobody's close waits for", () =>
    Effect.gen(function*() {
      const log: Log = []
      const scope = yield* Scope.make()
      yield* Effect.gen(function*() {
        yield* Effect.scoped(Effect.gen(function*() {
          const mine = yield* Scope.make()
          const future = yield* Client.submit(Task.resource(opened(log, "s"))).pipe(Scope.provide(mine))
          const user = Client.submit(Task.make({ future }, () => turns(3)))
          yield* Effect.provideService(user, Scope.Scope, scope)
          yield* Scope.close(mine, Exit.void)
        }))
        yield* Effect.provideService(Client.submit(Task.resource(opened(log, "r"))), Scope.Scope, yield* Scope.make())
        yield* hasLogged(log, "open r")
      }).pipe(Effect.provide(Skein.layer(), { local: true }))
      assert.deepStrictEqual(log.toSorted(), ["close r", "close s", "open r", "open s"])
    }))

  it.effect("C4, M7: the close of a layer waits for what others are closing already", () =>
    Effect.gen(function*() {
      const log: Log = []
      const closing = gate()
      yield* Effect.gen(function*() {
        const scope = yield* Scope.make()
        const slow = Effect.acquireRelease(
          note(log, "open r"),
          () => Effect.andThen(closing.pass, note(log, "close r"))
        )
        const future = yield* Effect.provideService(Client.submit(Task.resource(slow)), Scope.Scope, scope)
        yield* Future.join(future)
        yield* Effect.forkDetach(Scope.close(scope, Exit.void))
        yield* closing.arrived(1)
        yield* Effect.forkDetach(Effect.andThen(turns(), closing.open))
      }).pipe(Effect.provide(Skein.layer(), { local: true }))
      assert.deepStrictEqual(log, ["open r", "close r"])
    }))

  it.live("M7, T5: whenever a submission and a release are interrupted, nothing stays open", () =>
    Effect.gen(function*() {
      let open = 0
      const acquire = Effect.acquireRelease(
        Effect.sync(() => ++open),
        () => Effect.andThen(Effect.yieldNow, Effect.sync(() => void open--))
      )
      const program = Effect.scoped(Effect.gen(function*() {
        const r = Task.resource(Effect.tap(acquire, () => Effect.yieldNow))
        const s = Task.resource(r, () => acquire)
        const alias = Task.flatMap(s, () => Task.resource(acquire))
        const [future, user] = yield* Client.submitAll([r, Task.make([s, alias], () => Effect.yieldNow)])
        yield* Future.join(future)
        yield* Future.release(future)
        yield* Future.join(user)
        yield* Client.compute(Task.make(r, () => Effect.yieldNow))
      }))
      const report = yield* InterruptSweep.run(program, {
        layer: Skein.layer({ concurrency: 1 }),
        check: () =>
          Effect.andThen(Leftovers.assertNone, Effect.sync(() => assert.strictEqual(open, 0, `${open} are open`)))
      })
      assert.isAbove(report.points, 100)
    }))

  it.live(
    "M7, T3: simulated runs with resources open and close each once, whatever fails",
    () =>
      Effect.gen(function*() {
        let [acquired, released] = [0, 0]
        const subject = (chance: Chance.Chance) => {
          const open = (name: string) =>
            Effect.acquireRelease(
              Effect.sync(() => {
                acquired++
                return name
              }),
              () => Effect.andThen(Effect.yieldNow, Effect.sync(() => void released++))
            )
          const r = Task.resource(open("r"), { label: "r" })
          const s = Task.resource({ r }, () => open("s"), { label: "s", retry: Schedule.recurs(1) })
          const t = Task.flatMap({ s }, () => Task.resource(open("t"), { label: "t" }), { label: "alias" })
          const users = Array.from({ length: 1 + chance.below(4) }, (_, i) =>
            Task.make({ r, s, t }, ({ r, s, t }) =>
              Effect.as(Effect.yieldNow, `${r}${s}${t}${i}`), { label: `u${i}` }))
          return { users, exit: Task.exit(s), r }
        }
        const report = yield* Simulation.run(subject, { seeds: longOr(300, 80) })
        assert.isAbove(report.interleavings, longOr(100, 30))
        assert.isAbove(acquired, longOr(1000, 250))
        assert.strictEqual(released, acquired)
      })
  )
})
