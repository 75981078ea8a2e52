import { assert, describe, it, vi } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import type { SkeinError, SubmitError, TaskCancelled } from "skein/SkeinError"
import * as Task from "skein/Task"
import * as Worker from "skein/Worker"
import { Mailbox } from "../src/internal/driver/mailbox.ts"
import { endless, gate, inScheduler, type Log, note, reluctant, turns } from "./harness.ts"
import { errorOf, reasonOf } from "./support.ts"

const started = (log: Log, name: string) =>
  Effect.repeat(Effect.yieldNow, { until: () => log.includes(`${name} starts`) })

const resource = (log: Log, name: string) =>
  Effect.acquireRelease(note(log, `${name} is acquired`), () => note(log, `${name} is released`))

describe("scopes", () => {
  it.effect("C4: resources acquired before a submission outlive its tasks, whichever submission it was", () =>
    Effect.gen(function*() {
      const log: Log = []
      yield* Effect.scoped(Effect.gen(function*() {
        for (const n of [1, 2, 3, 4, 5, 6]) {
          yield* resource(log, `r${n}`)
          yield* Client.submit(Task.make(reluctant(log, `t${n}`)))
          yield* started(log, `t${n}`)
        }
      }))
      const at = (entry: string) => log.indexOf(entry)
      for (const n of [1, 2, 3, 4, 5, 6]) {
        assert.isAbove(at(`t${n} is finalized`), 0)
        assert.isAbove(at(`r${n} is released`), at(`t${n} is finalized`), `resource ${n}`)
      }
    }).pipe(inScheduler()))

  it.effect("C4: a scope whose first submission is refused takes the next one, and stops its tasks at its end", () =>
    Effect.gen(function*() {
      const log: Log = []
      const tooMany = Task.all(Array.from({ length: 10 }, (_, i) => Task.map([], () => i)))
      const useScope = Effect.scoped(Effect.gen(function*() {
        const refused = yield* Effect.flip(Client.submit(tooMany))
        assert.strictEqual(refused.reason._tag, "LimitExceeded")
        const kept = yield* Client.submit(Task.make(Effect.succeed(1)))
        assert.strictEqual(yield* Future.join(kept), 1)
        yield* Client.submit(Task.make(reluctant(log, "t")))
        yield* started(log, "t")
      }))
      yield* useScope
      yield* Client.compute(Task.make(useScope))
      assert.deepStrictEqual(log.filter((entry) => entry === "t is finalized"), ["t is finalized", "t is finalized"])
      // Nothing is left of a scope in which all was refused.
      yield* Effect.scoped(Effect.flip(Client.submit(tooMany)))
    }).pipe(inScheduler({ limits: { tasks: 10 } })))

  it.effect("C4: a listener that submits for a scope during its first submission leaves it all its tasks", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const context = Context.add(yield* Effect.context<Client.Client>(), Scope.Scope, scope)
      const never = Task.make(Effect.never)
      const submitted: Array<Future.Future<never>> = []
      let isFirst = true
      yield* Scheduler.listen(() => {
        if (!isFirst) return
        isFirst = false
        submitted.push(Effect.runSyncWith(context)(Client.submit(never)))
      })
      submitted.push(yield* Scope.provide(Client.submit(never), scope))
      yield* turns()
      yield* Scope.close(scope, Exit.void)
      const statuses = yield* Effect.forEach(submitted, Future.status)
      assert.deepStrictEqual(statuses, ["released", "released"])
    }).pipe(Effect.scoped, inScheduler()))

  it.effect("C4: a scope that a listener closes during its first submission refuses that, and stops its tasks", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const ends: Array<string> = []
      let isOpen = true
      yield* Scheduler.listen(({ to }) => {
        ends.push(to)
        if (!isOpen) return
        isOpen = false
        Effect.runFork(Scope.close(scope, Exit.void))
      })
      const refused = yield* Effect.flip(Scope.provide(Client.submit(Task.make(Effect.never)), scope))
      assert.strictEqual(refused.reason._tag, "Closed")
      yield* turns()
      assert.strictEqual(ends.at(-1), "released")
    }).pipe(Effect.scoped, inScheduler()))

  it.effect("C4: resources that come and go between submissions change nothing about that", () =>
    Effect.gen(function*() {
      const log: Log = []
      yield* Effect.scoped(Effect.gen(function*() {
        const scope = yield* Effect.scope
        const passing = yield* Scope.fork(scope)
        yield* Client.submit(Task.make(reluctant(log, "t1")))
        yield* Scope.close(passing, Exit.void)
        yield* resource(log, "r")
        yield* Client.submit(Task.make(reluctant(log, "t2")))
        yield* started(log, "t2")
        const next = yield* Scope.fork(scope)
        yield* Client.submit(Task.make(reluctant(log, "t3")))
        yield* Scope.close(next, Exit.void)
        yield* resource(log, "s")
        yield* Client.submit(Task.make(reluctant(log, "t4")))
        yield* started(log, "t4")
      }))
      const at = (entry: string) => log.indexOf(entry)
      assert.isAbove(at("r is released"), at("t2 is finalized"))
      assert.isAbove(at("s is released"), at("t4 is finalized"))
    }).pipe(inScheduler()))

  it.effect("C4: a scope has one owner, whatever else it acquires between its submissions", () =>
    Effect.gen(function*() {
      const apply = vi.spyOn(Mailbox.prototype, "apply")
      yield* Effect.scoped(Effect.gen(function*() {
        yield* resource([], "first")
        for (const n of [1, 2, 3]) {
          yield* Client.submit(Task.make(Effect.succeed(n)))
          yield* resource([], `r${n}`)
        }
      }))
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Client.submit(Task.make(Effect.succeed(4)))
        yield* Client.submit(Task.make(Effect.succeed(5)))
        yield* resource([], "last")
        yield* Client.submit(Task.make(Effect.succeed(6)))
      }))
      const events = apply.mock.calls.map(([event]) => event)
      apply.mockRestore()
      const owners = events.flatMap((event) => event._tag === "GraphSubmitted" ? [event.owner] : [])
      const [a, , , b] = owners
      assert.deepStrictEqual(owners, [a, a, a, b, b, b])
      assert.deepStrictEqual(events.flatMap((event) => event._tag === "OwnerClosed" ? [event.owner] : []), [a, b])
    }).pipe(inScheduler()))

  it.effect("C4: a resource acquired after the last submission is released before its tasks are stopped", () =>
    Effect.gen(function*() {
      const log: Log = []
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Client.submit(Task.make(reluctant(log, "t")))
        yield* started(log, "t")
        yield* resource(log, "r")
      }))
      assert.deepStrictEqual(log.slice(2), ["r is released", "t is finalized"])
    }).pipe(inScheduler()))

  it.effect("M2: a future survives other submissions to its scope, and an inner scope closes alone", () =>
    Effect.gen(function*() {
      const log: Log = []
      const outer = yield* Client.submit(Task.make(endless(log, "outer")))
      yield* Effect.scoped(Effect.gen(function*() {
        yield* resource(log, "r")
        yield* Client.submit(Task.make(endless(log, "inner")))
        yield* started(log, "inner")
      }))
      assert.strictEqual(yield* Future.status(outer), "running")
      assert.deepStrictEqual(log.slice(-2), ["inner is finalized", "r is released"])
    }).pipe(inScheduler()))

  it.effect("M2: submitting to a closed scope is a SubmitError and leaves nothing", () =>
    Effect.gen(function*() {
      const log: Log = []
      const scope = yield* Scope.make()
      const task = Task.make(note(log, "ran"))
      yield* Client.submit(task).pipe(Scope.provide(scope))
      yield* Scope.close(scope, Exit.void)
      const never = yield* Scope.make()
      yield* Scope.close(never, Exit.void)
      for (const closed of [scope, never]) {
        const error = yield* errorOf(Client.submit(task).pipe(Scope.provide(closed)))
        assert.deepInclude(error.reason, { _tag: "Closed", what: "scope" })
      }
      yield* turns()
      assert.deepStrictEqual(log, [])
    }).pipe(inScheduler()))

  it.effect("T5: a submission that is interrupted leaves nothing that its scope does not end", () =>
    Effect.gen(function*() {
      const log: Log = []
      for (let i = 0; i < 5; i++) {
        yield* Effect.scoped(Effect.gen(function*() {
          const scope = yield* Effect.scope
          const submit = Client.submit(Task.make(endless(log, "body"))).pipe(Scope.provide(scope))
          const fiber = yield* Effect.forkChild(submit)
          yield* turns(i + 1)
          yield* Fiber.interrupt(fiber)
        }))
      }
      yield* turns()
      const starts = log.filter((entry) => entry === "body starts").length
      assert.strictEqual(log.length, 2 * starts)
    }).pipe(inScheduler()))
})

describe("bodies", () => {
  it.effect("N10: a body that requires Scope gets its attempt's own, closed when the attempt ends and before it counts as ended", () =>
    Effect.gen(function*() {
      const log: Log = []
      const body = (n: number) =>
        Effect.andThen(
          Effect.acquireRelease(note(log, `acquire ${n}`), () => Effect.andThen(turns(3), note(log, `release ${n}`))),
          n === 1 ? Effect.fail("no") : note(log, `body ${n}`)
        )
      const tasks = [0, 1].map((n) => Task.make(body(n)))
      const below = Task.make(Task.exit(tasks[1]!), () => note(log, "below"))
      yield* Client.compute([tasks[0]!, below])
      assert.deepStrictEqual(log.filter((entry) => entry.endsWith("0")), ["acquire 0", "body 0", "release 0"])
      assert.deepStrictEqual(log.filter((entry) => !entry.endsWith("0")), ["acquire 1", "release 1", "below"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("N10: children unfinished when their parent's body ends are stopped before the parent counts as ended", () =>
    Effect.gen(function*() {
      const log: Log = []
      const parent = Task.make(
        Effect.gen(function*() {
          yield* Client.submit(Task.make(reluctant(log, "child"), { key: "child" }))
          yield* Worker.seceded(started(log, "child"))
          return "parent"
        }),
        { key: "parent" }
      )
      const below = Task.make(parent, () => note(log, "below"))
      assert.strictEqual(yield* Client.compute(below), "below")
      assert.deepStrictEqual(log, ["child starts", "child is finalized", "below"])
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("N10: children are stopped when their parent fails, dies, interrupts itself, or is cancelled", () =>
    Effect.gen(function*() {
      const ends = {
        fails: Effect.fail("no"),
        dies: Effect.die("bug"),
        interrupts: Effect.interrupt,
        cancelled: Effect.never
      }
      for (const [name, end] of Object.entries(ends)) {
        const log: Log = []
        const grandchild = Task.make(reluctant(log, "grandchild"))
        const child = Task.make(Effect.ensuring(Client.compute(grandchild), note(log, "child ends")))
        const parent = Task.make(Effect.gen(function*() {
          yield* Client.submit(child)
          yield* Worker.seceded(started(log, "grandchild"))
          return yield* (end as Effect.Effect<never, string>)
        }))
        const future = yield* Client.submit(parent)
        yield* started(log, "grandchild")
        yield* turns()
        if (name === "cancelled") yield* Future.cancel(future)
        yield* Future.await(future)
        assert.deepStrictEqual(log, ["grandchild starts", "grandchild is finalized", "child ends"], name)
      }
    }).pipe(inScheduler({ concurrency: 2 })))

  const ways: Readonly<
    Record<string, (parent: Future.Future<unknown, unknown>) => Effect.Effect<unknown, unknown, Client.Client>>
  > = {
    "cancels it": (parent) => Future.cancel(parent),
    "cancels it without waiting": (parent) => Future.cancel(parent, { wait: false }),
    "waits for it": (parent) => Future.await(parent),
    "waits for it in vain and then cancels it": (parent) =>
      Effect.andThen(Effect.exit(Future.join(parent)), Future.cancel(parent)),
    "waits for another one that waits for it": (parent) =>
      Effect.scoped(Effect.flatMap(Client.submit(Task.make(Future.await(parent))), Future.await)),
    "cancels it in another fiber": (parent) => Effect.all([Future.cancel(parent), turns(3)], { concurrency: 2 })
  }
  const ends: Readonly<Record<string, (parent: Future.Future<unknown, unknown>) => Effect.Effect<void, unknown, any>>> =
    {
      "ends by itself": () => Effect.void,
      "is cancelled": (parent) => Future.cancel(parent),
      "is cancelled by a third": (parent) => Client.compute(Task.make(Future.cancel(parent)))
    }
  for (const [way, wait] of Object.entries(ways)) {
    for (const [end, stop] of Object.entries(ends)) {
      it.effect(`N10, C4: a parent that ${end} ends after a child that is cancelled before and whose finalizer ${way}`, () =>
        Effect.gen(function*() {
          const log: Log = []
          const self = yield* Deferred.make<Future.Future<unknown, unknown>>()
          const door = gate()
          yield* Scheduler.listen(({ key, to }) => {
            if (key === "parent" && (to === "cancelled" || to === "succeeded")) log.push("parent ends")
          })
          const finalizer = Deferred.await(self).pipe(
            Effect.flatMap((parent) => Effect.exit(wait(parent))),
            Effect.andThen(turns()),
            Effect.andThen(note(log, "child is finalized"))
          )
          const child = Task.make(
            Effect.onExit(Effect.andThen(note(log, "child starts"), Effect.never), () => finalizer),
            { key: "child" }
          )
          const parent = Effect.gen(function*() {
            const future = yield* Client.submit(child)
            yield* started(log, "child")
            yield* Future.cancel(future, { wait: false })
            yield* door.pass
          })
          const future = yield* Client.submit(Task.make(parent, { key: "parent" }))
          yield* door.arrived(1)
          yield* Deferred.succeed(self, future)
          yield* turns()
          yield* door.open
          yield* Effect.forkScoped(stop(future) as Effect.Effect<void>)
          yield* turns(40)
          assert.deepStrictEqual(log, ["child starts", "child is finalized", "parent ends"])
        }).pipe(inScheduler({ concurrency: 4 })))
    }
  }

  it.effect("N10: each attempt has a scope of its own: what one left is gone before the next starts", () =>
    Effect.gen(function*() {
      const log: Log = []
      const body = Effect.gen(function*() {
        const { attempt } = yield* Worker.current
        yield* resource(log, `r${attempt}`)
        yield* Client.submit(Task.make(endless(log, `child ${attempt}`)))
        yield* Worker.seceded(started(log, `child ${attempt}`))
        if (attempt < 3) return yield* Effect.fail("again")
      })
      const { Schedule } = yield* Effect.promise(() => import("effect"))
      yield* Client.compute(Task.make(body, { retry: Schedule.recurs(5) }))
      const one = (
        n: number
      ) => [`r${n} is acquired`, `child ${n} starts`, `child ${n} is finalized`, `r${n} is released`]
      assert.deepStrictEqual(log, [...one(1), ...one(2), ...one(3)])
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("N10: a child that fails and is not joined does not fail its parent", () =>
    Effect.gen(function*() {
      const parent = Task.make(Effect.gen(function*() {
        const child = yield* Client.submit(Task.make(Effect.fail("child")))
        yield* Future.awaitAll([child])
        return "fine"
      }))
      assert.strictEqual(yield* Client.compute(parent), "fine")
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("N11: a future handed on from a body with Task.value is Released, unless it was kept in a scope that lives on", () =>
    Effect.gen(function*() {
      const scope = yield* Effect.scope
      const child = Task.make(Effect.succeed("value"), { key: "child" })
      const leaked = yield* Client.compute(Task.make(Effect.map(Client.submit(child), Task.value)))
      assert.deepInclude(yield* reasonOf(Future.join(leaked)), { _tag: "Released", key: "child" })
      const keeping = Effect.flatMap(Client.submit(child), (future) => Future.keep(future).pipe(Scope.provide(scope)))
      const kept = yield* Client.compute(Task.make(Effect.map(keeping, Task.value)))
      assert.strictEqual(yield* Future.join(kept), "value")
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("N10: a body may submit to a scope outside: such a task outlives it", () =>
    Effect.gen(function*() {
      const log: Log = []
      const door = gate()
      const outside = yield* Effect.scope
      const parent = Task.make(Effect.gen(function*() {
        const task = Task.make(Effect.andThen(door.pass, note(log, "grown up")))
        return Task.value(yield* Client.submit(task).pipe(Scope.provide(outside)))
      }))
      const child = yield* Client.compute(parent)
      yield* door.arrived(1)
      yield* door.open
      assert.strictEqual(yield* Future.join(child), "grown up")
      assert.notStrictEqual((yield* Future.metadata(child)).submitter, "program")
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("N13: a fiber that outlives its body still knows who it was, and can submit to no scope that has closed", () =>
    Effect.gen(function*() {
      const log: Log = []
      const door = gate()
      const result = yield* Deferred.make<ReadonlyArray<unknown>>()
      const victim = yield* Client.submit(Task.make(endless(log, "victim"), { key: "victim" }))
      const daemon = Effect.gen(function*() {
        yield* door.pass
        const { key } = yield* Worker.current
        yield* Worker.secede
        yield* Worker.rejoin
        const refused = yield* errorOf(Client.submit(Task.make(note(log, "never"))))
        const computed = yield* Client.compute(Task.make(Effect.succeed("computed")))
        yield* Future.cancel(victim)
        const { by } = (yield* reasonOf(Future.join(victim))) as TaskCancelled
        return [key, refused.reason._tag, computed, by]
      })
      const body = Effect.asVoid(Effect.forkDetach(Effect.flatMap(daemon, (r) => Deferred.succeed(result, r))))
      yield* Client.compute(Task.make(body, { key: "parent" }))
      yield* Client.compute(Task.make(Effect.succeed("another row"), { key: "other" }))
      yield* door.open
      assert.deepStrictEqual(yield* Deferred.await(result), ["parent", "Closed", "computed", "parent"])
      assert.notInclude(log, "never")
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("N1: Scope and Worker are no requirement of a task that runs outside of one", () => {
    class Setting extends Context.Service<Setting, number>()("test/Setting") {}
    const body = Effect.gen(function*() {
      yield* Effect.addFinalizer(() => Effect.void)
      const { key } = yield* Worker.current
      return `${key} ${yield* Setting}`
    })
    // The annotation is the test: neither Scope nor Worker remains.
    const program: Effect.Effect<string, SkeinError | SubmitError, Client.Client | Setting> = Client.compute(
      Task.make(body, { key: "k" })
    )
    return program.pipe(
      Effect.map((result) => assert.strictEqual(result, "k 7")),
      Effect.provideService(Setting, 7),
      inScheduler()
    )
  })

  it.effect("N1: a body sees the services of its submitter, not of whoever completed before it", () => {
    class Name extends Context.Service<Name, string>()("test/Name") {}
    const named = Effect.flatMap(Name, (name) => Effect.as(turns(2), name))
    return Effect.gen(function*() {
      const names = yield* Effect.all(
        ["a", "b", "c"].map((name) =>
          Client.compute([Task.make(named), Task.make(1, () => named)]).pipe(Effect.provideService(Name, name))
        ),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(names, [["a", "a"], ["b", "b"], ["c", "c"]])
    }).pipe(inScheduler({ concurrency: 2 }))
  })
})

describe("failures that nobody joins", () => {
  const failed = Task.make(Effect.fail("no"), { key: "child" })

  const warnings = <A, E, R>(program: Effect.Effect<A, E, R>) =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const logger = Logger.make(({ message }) => void lines.push(String(message)))
      yield* Effect.provide(program, Logger.layer([logger]))
      return lines
    })

  it.effect("F12: a child that fails unjoined is a line in the log, and does not fail its parent", () =>
    Effect.gen(function*() {
      const parent = Task.make(Effect.gen(function*() {
        yield* Future.awaitFirst([yield* Client.submit(failed)])
        return 1
      }))
      const lines = yield* warnings(
        Effect.gen(function*() {
          assert.strictEqual(yield* Client.compute(parent), 1)
        }).pipe(Effect.provide(Skein.layer({ concurrency: 2 })))
      )
      assert.deepStrictEqual(lines, ["Task \"child\" failed, and nobody joined it"])
    }))

  it.effect("F12: whoever leaves a scope without looking at a failure in it finds it in the log, once a root", () =>
    Effect.gen(function*() {
      const unseen = yield* warnings(
        Effect.gen(function*() {
          const [first] = yield* Client.submitAll([failed, Task.map(failed, (n) => n, { key: "next" })])
          yield* Future.awaitFirst([first])
        }).pipe(Effect.scoped, Effect.provide(Skein.layer()))
      )
      assert.deepStrictEqual(unseen, ["Task \"child\" failed, and nobody joined it"])
      const seen = yield* warnings(
        Effect.gen(function*() {
          const [, next] = yield* Client.submitAll([failed, Task.map(failed, (n) => n)])
          yield* Future.await(next)
        }).pipe(Effect.scoped, Effect.provide(Skein.layer()))
      )
      assert.deepStrictEqual(seen, [])
    }))

  it.effect("F11, F12: a failure that was retried, or whose body was run again, counts as looked at", () =>
    Effect.gen(function*() {
      const lines = yield* warnings(
        Effect.gen(function*() {
          const [first, second] = yield* Client.submitAll([failed, Task.make(Effect.fail("no"))])
          yield* Future.awaitAll([first, second])
          const again = yield* Client.retry(first)
          yield* Future.await(again)
          yield* Effect.exit(Future.rerunInline(second))
        }).pipe(Effect.scoped, Effect.provide(Skein.layer()))
      )
      assert.deepStrictEqual(lines, [])
    }))
})
