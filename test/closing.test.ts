import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import * as Client from "skein/Client"
import * as Dependency from "skein/Dependency"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Task from "skein/Task"
import * as Worker from "skein/Worker"
import { inScheduler, type Log, note, reluctant, turns } from "./harness.ts"

const started = (log: Log, ...names: ReadonlyArray<string>) =>
  Effect.repeat(Effect.yieldNow, { until: () => names.every((name) => log.includes(`${name} starts`)) })

/** Everything that has started is finalized. */
const assertStopped = (log: Log) => {
  const left = log.filter((line) => line.endsWith(" starts") && !log.includes(line.replace("starts", "is finalized")))
  assert.deepStrictEqual(left, [])
}

/** A task that has started with one member of a set, while the other is at work. */
const early = (log: Log) => {
  const slow = Task.make(reluctant(log, "slow"))
  const fast = Task.make(note(log, "fast"))
  const body = reluctant(log, "body")
  const some = Dependency.any([fast, slow])
  const twoOf = Dependency.atLeast(2, [fast, Task.make(note(log, "fast too")), slow])
  const oneSucceeded = Dependency.rule("oneSuccess", [fast, slow])
  return {
    "an input of any": Task.make({ some }, () => body),
    "an input of atLeast": Task.make({ twoOf }, () => body),
    "an input with an early rule": Task.make({ oneSucceeded }, () => body),
    after: Task.make(body, { after: some }),
    follow: Task.make(body, { follow: some }),
    "a set of a set": Task.make({ inner: Task.exit(Task.make({ some }, () => body)) }, () => Effect.void),
    "a task that a flatMap returns": Task.flatMap(Task.succeed(1), () => Task.make({ some }, () => body))
  }
}

type Early = ReturnType<typeof early>[keyof ReturnType<typeof early>]

/** Ways to end what `task` needs; each returns when the owner says that it is over. */
const ways: Readonly<Record<string, (task: Early, log: Log) => Effect.Effect<unknown, unknown, Client.Client>>> = {
  "an interrupted compute": (task, log) =>
    Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(Client.compute(task), { startImmediately: true })
      yield* started(log, "slow", "body")
      yield* Fiber.interrupt(fiber)
    }),
  "a compute that runs out of time": (task, log) =>
    Effect.gen(function*() {
      const timed = Effect.timeoutOption(Client.compute(task), 5)
      const fiber = yield* Effect.forkChild(timed, { startImmediately: true })
      yield* started(log, "slow", "body")
      yield* TestClock.adjust(5)
      yield* Fiber.join(fiber)
    }),
  "a compute that fails fast": (task, log) =>
    Effect.exit(Client.compute([task, Task.make(Effect.andThen(started(log, "slow", "body"), Effect.fail("bad")))])),
  "a scope": (task, log) => Effect.scoped(Effect.andThen(Client.submit(task), started(log, "slow", "body"))),
  cancel: (task, log) =>
    Effect.scoped(Effect.gen(function*() {
      const future = yield* Client.submit(task)
      yield* started(log, "slow", "body")
      yield* Future.cancel(future)
      assertStopped(log)
    })),
  "a forced cancel of another owner": (task, log) =>
    Effect.scoped(Effect.gen(function*() {
      const future = yield* Client.submit(task)
      yield* started(log, "slow", "body")
      yield* Effect.scoped(Effect.gen(function*() {
        const kept = yield* Future.keep(future)
        yield* Future.cancel(kept, { force: true })
        assertStopped(log)
      }))
    })),
  "the scope of a body": (task, log) =>
    Client.compute(Task.make(Effect.andThen(Client.submit(task), started(log, "slow", "body"))))
}

describe("what an owner stopped in consequence", () => {
  for (const of of Object.keys(early([])) as ReadonlyArray<keyof ReturnType<typeof early>>) {
    for (const [way, end] of Object.entries(ways)) {
      it.effect(`C4, D13: of ${of}, a member that was still at work has stopped when it is over (${way})`, () =>
        Effect.gen(function*() {
          const log: Log = []
          yield* end(early(log)[of], log)
          assertStopped(log)
        }).pipe(inScheduler({ concurrency: 6 })))
    }
  }

  it.effect("C4: to any depth: each was held by the finalizers of the one before", () =>
    Effect.gen(function*() {
      const log: Log = []
      let task = Task.make(reluctant(log, "0"))
      for (let depth = 1; depth < 5; depth++) {
        const below = task
        const some = Dependency.any([Task.succeed(depth), below])
        task = Task.make({ some }, () => reluctant(log, `${depth}`)) as never
      }
      yield* Effect.scoped(Effect.andThen(Client.submit(task), started(log, "0", "1", "2", "3", "4")))
      assert.deepStrictEqual(log.slice(5), [4, 3, 2, 1, 0].map((depth) => `${depth} is finalized`))
    }).pipe(inScheduler({ concurrency: 6 })))

  it.effect("C4, F7: what runs again because a body missed it, while the body of another dependent runs", () =>
    Effect.gen(function*() {
      const log: Log = []
      let runs = 0
      const dependency = Task.make(Effect.suspend(() => runs++ === 0 ? Effect.succeed(1) : reluctant(log, "again")))
      const missing = Task.make(
        { dependency },
        () => Effect.andThen(started(log, "other"), Worker.dependenciesLost(dependency))
      )
      const other = Task.make({ dependency }, () => reluctant(log, "other"))
      const fiber = yield* Effect.forkChild(Client.compute([missing, other]), { startImmediately: true })
      yield* started(log, "other", "again")
      yield* Fiber.interrupt(fiber)
      assertStopped(log)
    }).pipe(inScheduler({ concurrency: 4 })))

  it.effect("C4: a scope waits for what another owner stops by force meanwhile", () =>
    Effect.gen(function*() {
      const log: Log = []
      const [mine, theirs] = [yield* Scope.make(), yield* Scope.make()]
      const future = yield* Client.submit(Task.make(reluctant(log, "shared"))).pipe(Scope.provide(mine))
      const beside = yield* Client.submit(Task.make(reluctant(log, "beside"))).pipe(Scope.provide(mine))
      const kept = yield* Future.keep(future).pipe(Scope.provide(theirs))
      yield* started(log, "shared", "beside")
      const closing = yield* Effect.forkChild(Scope.close(mine, Exit.void), { startImmediately: true })
      yield* Future.cancel(kept, { force: true, wait: false })
      yield* Fiber.join(closing)
      assertStopped(log)
      assert.strictEqual(yield* Future.status(beside), "released")
      yield* Scope.close(theirs, Exit.void)
    }).pipe(inScheduler({ concurrency: 4 })))

  it.effect("C4: a cancellation waits for what another owner has stopped by force before", () =>
    Effect.gen(function*() {
      const log: Log = []
      const future = yield* Client.submit(Task.make(reluctant(log, "shared")))
      yield* Effect.scoped(Effect.gen(function*() {
        const kept = yield* Future.keep(future)
        yield* started(log, "shared")
        yield* Future.cancel(kept, { force: true, wait: false })
        yield* Future.cancel(future)
        assertStopped(log)
      }))
    }).pipe(inScheduler({ concurrency: 4 })))

  it.effect("C4: a compute in a fiber that outlives its body returns when what it started has stopped", () =>
    Effect.gen(function*() {
      const log: Log = []
      const over = yield* Deferred.make<void>()
      const inner = Client.compute(Task.make(reluctant(log, "inner")))
      const body = Effect.gen(function*() {
        const fiber = yield* Effect.forkDetach(inner)
        yield* started(log, "inner")
        yield* Effect.forkDetach(Effect.andThen(
          Fiber.interrupt(fiber),
          Effect.andThen(Effect.sync(() => assertStopped(log)), Deferred.succeed(over, undefined))
        ))
        yield* Effect.yieldNow
      })
      yield* Client.compute(Task.make(body))
      yield* Deferred.await(over)
    }).pipe(inScheduler({ concurrency: 4 })))
})

/** What a dependent may do that kept a task of a closed scope alive. */
const lettingGo: Readonly<
  Record<
    string,
    (
      future: Future.Future<unknown, unknown>,
      scope: Scope.Closeable
    ) => Effect.Effect<unknown, unknown, Client.Client | Scheduler.Scheduler>
  >
> = {
  "is released": (future) => Future.release(future),
  "is settled": (future) => Future.settle(future, Exit.succeed(1)),
  "runs out of time": () => TestClock.adjust(100),
  "is cancelled": (future) => Future.cancel(future, { wait: false }),
  "is closed with its scope": (_, scope) => Scope.close(scope, Exit.void)
}

describe("a parent whose scope has closed", () => {
  for (const [how, letGo] of Object.entries(lettingGo)) {
    it.effect(`N10: ends after its children when the dependent that kept it alive ${how}`, () =>
      Effect.gen(function*() {
        const log: Log = []
        const [first, second] = [yield* Scope.make(), yield* Scope.make()]
        const parent = Task.make(
          Effect.andThen(Client.submit(Task.make(reluctant(log, "child"))), reluctant(log, "parent")),
          { key: "parent" }
        )
        const kept = yield* Client.submit(parent).pipe(Scope.provide(first))
        const dependent = yield* Client.submit(Task.make({ kept }, () => Effect.void, { deadline: 100 })).pipe(
          Scope.provide(second)
        )
        yield* started(log, "parent", "child")
        const ends: Array<string> = []
        yield* Scheduler.listen(({ key, to }) => void (key === "parent" && to === "cancelled" && ends.push(log.join())))
        yield* Scope.close(first, Exit.void)
        yield* letGo(dependent, second)
        yield* Scope.close(second, Exit.void)
        assertStopped(log)
        yield* turns(20)
        assert.lengthOf(ends, 1)
        assert.include(ends[0]!, "child is finalized")
      }).pipe(inScheduler({ concurrency: 4 })))
  }

  it.effect("N10: so does one whose dependent fails, because of another", () =>
    Effect.gen(function*() {
      const log: Log = []
      const [first, second] = [yield* Scope.make(), yield* Scope.make()]
      const body = Effect.andThen(Client.submit(Task.make(reluctant(log, "child"))), reluctant(log, "parent"))
      const kept = yield* Client.submit(Task.make(body)).pipe(Scope.provide(first))
      const bad = Task.make(Effect.andThen(started(log, "parent", "child"), Effect.fail("bad")))
      const dependent = yield* Client.submit(Task.make({ bad, kept }, () => Effect.void)).pipe(Scope.provide(second))
      yield* started(log, "parent", "child")
      yield* Scope.close(first, Exit.void)
      yield* Future.await(dependent)
      yield* Scope.close(second, Exit.void)
      assertStopped(log)
    }).pipe(inScheduler({ concurrency: 4 })))
})

describe("a cancel in a body", () => {
  it.effect("C4, C7: that cannot be interrupted waits on when the body itself is asked to stop", () =>
    Effect.gen(function*() {
      const log: Log = []
      const future = yield* Client.submit(Task.make(reluctant(log, "other")))
      const cancelling = Effect.andThen(Future.cancel(future), Effect.sync(() => log.push("cancelled")))
      const body = Effect.andThen(started(log, "other"), Effect.uninterruptible(cancelling))
      const canceller = yield* Client.submit(Task.make(body))
      yield* Effect.repeat(Effect.yieldNow, { until: () => Effect.map(Future.status(future), (s) => s !== "running") })
      yield* Future.cancel(canceller)
      assert.deepStrictEqual(log, ["other starts", "other is finalized", "cancelled"])
    }).pipe(inScheduler({ concurrency: 4 })))
})

describe("a close in a body", () => {
  it.effect("C4: of the scope that the body belongs to waits for all others of it, and for no Starved", () =>
    Effect.gen(function*() {
      const log: Log = []
      const scope = yield* Scope.make()
      const other = Task.make(reluctant(log, "other"))
      const closing = Effect.andThen(
        started(log, "other"),
        Effect.uninterruptible(Effect.andThen(Scope.close(scope, Exit.void), Effect.sync(() => log.push("closed"))))
      )
      yield* Client.submitAll([other, Task.make(closing)]).pipe(Scope.provide(scope))
      yield* Effect.repeat(Effect.yieldNow, { until: () => log.includes("closed") })
      assert.deepStrictEqual(log, ["other starts", "other is finalized", "closed"])
    }).pipe(inScheduler({ concurrency: 4 })))
})
