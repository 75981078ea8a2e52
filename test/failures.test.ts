import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import * as Client from "skein/Client"
import * as Dependency from "skein/Dependency"
import * as Future from "skein/Future"
import * as Skein from "skein/Skein"
import {
  DependenciesGone,
  DependencyFailed,
  DependencyTimeout,
  ImpossibleDependency,
  Locality,
  NoSuitableWorker,
  Released,
  SkeinError,
  Starved,
  type SubmitError,
  TaskCancelled,
  TaskInfo,
  TaskSkipped,
  TaskTimeout,
  WorkerKilled
} from "skein/SkeinError"
import * as Task from "skein/Task"
import { Faults } from "skein/testing"
import * as Worker from "skein/Worker"
import { inScheduler, type Log, note } from "./harness.ts"
import { causeOf, causeOfExit, defectsIn, errorOf, errorsIn, infoOf, onlyError, reasonIn, reasonOf } from "./support.ts"

class Boom extends Data.TaggedError("Boom")<{ readonly at: string }> {}

const boom = (key: string, options?: Pick<Task.Options, "label" | "retry">) =>
  Task.make(Effect.suspend(() => Effect.fail(new Boom({ at: key }))), { key, ...options })

const bug = new Error("a bug")

const dying = (key: string) => Task.make(Effect.die(bug), { key })

const value = <A>(a: A, key: string) => Task.make(Effect.succeed(a), { key })

const after = <A, E, R>(input: Task.Task<A, E, R>, key: string, log: Log = []) =>
  Task.make({ input }, () => note(log, key), { key })

const isDependencyFailed = (error: unknown): DependencyFailed<unknown> => {
  assert.instanceOf(error, DependencyFailed)
  return error
}

describe("outcomes", () => {
  it.effect("F1: compute fails with the task's own typed error, the same object", () =>
    Effect.gen(function*() {
      const error = new Boom({ at: "x" })
      const task = Task.make(Effect.fail(error))
      assert.strictEqual(yield* errorOf(Client.compute(task)), error)
      assert.strictEqual(yield* errorOf(Client.compute({ deep: [task] })), error)
      const future = yield* Client.submit(task)
      assert.strictEqual(yield* errorOf(Future.join(future)), error)
      assert.strictEqual(onlyError(causeOfExit(yield* Future.await(future))), error)
    }).pipe(inScheduler()))

  it.effect("F1: errors that are not objects stay as they are, falsy ones too", () =>
    Effect.gen(function*() {
      for (const error of ["", 0, false, null, undefined, Number.NaN, 10n]) {
        const cause = yield* causeOf(Client.compute(Task.make(Effect.fail(error))))
        assert.deepStrictEqual(cause.reasons.map((reason) => reason._tag), ["Fail"])
        assert.deepStrictEqual(errorsIn(cause), [error])
        const failed = isDependencyFailed(yield* errorOf(Client.compute(after(Task.make(Effect.fail(error)), "y"))))
        assert.deepStrictEqual(failed.error, error)
        assert.isString(failed.message)
      }
    }).pipe(inScheduler()))

  it.effect("F1: falsy values are results", () =>
    Effect.gen(function*() {
      const all = [0, "", false, null, undefined, -0, 0n, Number.NaN]
      assert.deepStrictEqual(yield* Client.compute(all.map((a) => Task.make(Effect.succeed(a)))), all)
      const passed = all.map((a) => Task.map({ a: Task.make(Effect.succeed(a)) }, ({ a }) => [a]))
      assert.deepStrictEqual(yield* Client.compute(passed), all.map((a) => [a]))
    }).pipe(inScheduler()))

  it.effect("F1: a defect stays that defect, of an effect, of a plain function and of a function that makes an effect", () =>
    Effect.gen(function*() {
      const thrower = (): never => {
        throw bug
      }
      const tasks = [
        Task.make(Effect.die(bug)),
        Task.make({ n: 1 }, thrower),
        Task.map(1, thrower),
        Task.flatMap(1, thrower),
        Task.fn(thrower)()
      ]
      for (const task of tasks) {
        const cause = yield* causeOf(Client.compute(task as Task.Task<unknown>))
        assert.deepStrictEqual(cause.reasons.map((reason) => reason._tag), ["Die"])
        assert.strictEqual(defectsIn(cause)[0], bug)
      }
    }).pipe(inScheduler()))

  it.effect("F1: a body that interrupts itself ends TaskCancelled by itself, and no interrupt leaves the task", () =>
    Effect.gen(function*() {
      const self = Task.make(Effect.interrupt, { key: "self" })
      const cause = yield* causeOf(Client.compute(self))
      assert.deepStrictEqual(cause.reasons.map((reason) => reason._tag), ["Fail"])
      const error = reasonIn(onlyError(cause)) as TaskCancelled
      assert.instanceOf(error, TaskCancelled)
      assert.strictEqual(error.message, "Task \"self\" was cancelled by self: its body interrupted itself.")
      const below = yield* reasonOf(Client.compute(after(self, "below")))
      assert.instanceOf(below, TaskCancelled)
      assert.propertyVal(below, "key", "self")
    }).pipe(inScheduler()))

  it.effect("F1: of a failure with an interrupt beside it, the failure is what counts", () =>
    Effect.gen(function*() {
      const both = Cause.fromReasons<string>([Cause.makeInterruptReason(1), Cause.makeFailReason("no")])
      assert.deepStrictEqual(yield* errorOf(Client.compute(Task.make(Effect.failCause(both)))), "no")
    }).pipe(inScheduler()))

  it.effect("F1: several reasons of one body all reach the observer", () =>
    Effect.gen(function*() {
      const both = Cause.fromReasons<string>([Cause.makeFailReason("no"), Cause.makeDieReason(bug)])
      const cause = yield* causeOf(Client.compute(Task.make(Effect.failCause(both))))
      assert.deepStrictEqual([errorsIn(cause), defectsIn(cause)], [["no"], [bug]])
    }).pipe(inScheduler()))
})

describe("dependents", () => {
  // x -> a -> b -> c
  it.effect("F2: a dependent of a failed task never starts; at any distance its error names root, path and cause", () =>
    Effect.gen(function*() {
      const log: Log = []
      const c = after(after(after(boom("x"), "a", log), "b", log), "c", log)
      const error = isDependencyFailed(yield* errorOf(Client.compute(c)))
      assert.deepStrictEqual(
        { key: error.key, root: error.root, path: error.path },
        { key: "c", root: "x", path: ["x", "a", "b", "c"] }
      )
      assert.deepStrictEqual(error.error, new Boom({ at: "x" }))
      assert.strictEqual(onlyError(error.cause), error.error)
      assert.strictEqual(error.message, "Task \"c\" did not start, because \"x\" failed: Boom")
      assert.deepStrictEqual(log, [])
    }).pipe(inScheduler()))

  it.effect("F2: an error has its message after a test runner has put its own record in place of the cause", () =>
    Effect.gen(function*() {
      const failed = yield* Effect.flip(Client.compute(Task.map(Task.make(Effect.fail("no"), { key: "x" }), () => 1)))
      const { message } = failed
      Object.assign(failed, { cause: { _id: "Cause", reasons: [] } })
      assert.strictEqual(failed.message, message)
    }).pipe(inScheduler()))

  it.effect("F2: the message shows errors of every kind", () =>
    Effect.gen(function*() {
      const circular: { self?: unknown } = {}
      circular.self = circular
      const shown = new Map<unknown, string>([
        ["text", "text"],
        [10n, "10n"],
        [undefined, "undefined"],
        [{ code: 7 }, "{\"code\":7}"],
        [circular, "{\"self\":[Circular]}"],
        [Object.create(null), "{}"],
        [new TypeError("wrong"), "TypeError: wrong"]
      ])
      for (const [error, text] of shown) {
        const failed = yield* errorOf(Client.compute(after(Task.make(Effect.fail(error), { key: "x" }), "y")))
        assert.strictEqual(
          isDependencyFailed(failed).message,
          `Task "y" did not start, because "x" failed: ${text}`
        )
        assert.isString(Cause.pretty(Cause.fail(failed)))
      }
    }).pipe(inScheduler()))

  // a -> b -> c, a -> c: b's failure must not end c again
  it.effect("F2 trap 8: through a diamond each task fails once", () =>
    Effect.gen(function*() {
      const ends: Array<string> = []
      const a = boom("a")
      const b = Task.map({ a }, () => 0, { key: "b" })
      const c = Task.map({ b, a }, () => 0, { key: "c" })
      const d = Task.map({ c, b, a }, () => 0, { key: "d" })
      const afterTask = (key: string, outcome: string): void => void ends.push(`${key} ${outcome}`)
      const error = isDependencyFailed(
        yield* errorOf(Client.compute(d, { callbacks: { afterTask }, mode: "failFast" }))
      )
      assert.deepStrictEqual([error.root, error.path.at(0), error.path.at(-1)], ["a", "a", "d"])
      assert.deepStrictEqual(ends.toSorted(), [
        "a failed",
        "b upstreamFailed",
        "c upstreamFailed",
        "d upstreamFailed"
      ])
    }).pipe(inScheduler()))

  it.effect("F2: a defect passes to every dependent as the same defect, its path annotated", () =>
    Effect.gen(function*() {
      const log: Log = []
      const cause = yield* causeOf(Client.compute(after(after(dying("x"), "a", log), "b", log)))
      assert.deepStrictEqual(cause.reasons.map((reason) => reason._tag), ["Die"])
      assert.strictEqual(defectsIn(cause)[0], bug)
      const { key, path, root } = infoOf(cause)!
      assert.deepStrictEqual({ key, path, root }, { key: "b", path: ["x", "a", "b"], root: "x" })
      assert.deepStrictEqual(log, [])
    }).pipe(inScheduler()))

  it.effect("F2: after passes failures on as inputs do", () =>
    Effect.gen(function*() {
      const log: Log = []
      const y = Task.make(note(log, "y"), { key: "y", after: [boom("x")] })
      const error = isDependencyFailed(yield* errorOf(Client.compute(y)))
      assert.deepStrictEqual([error.root, error.path, log], ["x", ["x", "y"], []])
      const dead = yield* causeOf(Client.compute(Task.make(note(log, "z"), { key: "z", after: dying("w") })))
      assert.deepStrictEqual([defectsIn(dead), log], [[bug], []])
    }).pipe(inScheduler()))

  it.effect("F2: of two failed dependencies the one that ended first decides, whatever their places", () =>
    Effect.gen(function*() {
      for (const swapped of [false, true]) {
        const late = Task.make(Effect.delay(Effect.fail("late"), "2 seconds"), { key: "late" })
        const early = Task.make(Effect.delay(Effect.fail("early"), "1 second"), { key: "early" })
        const y = Task.map(swapped ? [early, late] : [late, early], () => 0, { key: "y" })
        const fiber = yield* Effect.forkChild(errorOf(Client.compute(y)))
        yield* TestClock.adjust("3 seconds")
        const error = isDependencyFailed(yield* Fiber.join(fiber))
        assert.deepStrictEqual([error.root, error.error], ["early", "early"])
      }
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("F2: a dependency that had failed before the submission counts at once", () =>
    Effect.gen(function*() {
      const failed = yield* Client.submit(boom("x"))
      yield* Future.await(failed)
      const error = isDependencyFailed(yield* errorOf(Client.compute(Task.map({ failed }, () => 0, { key: "y" }))))
      assert.deepStrictEqual([error.root, error.path], ["x", ["x", "y"]])
    }).pipe(inScheduler()))

  it.effect("F2: a timeout of a dependency is a typed failure for those below", () =>
    Effect.gen(function*() {
      const slow = Task.make(Effect.never, { key: "slow", timeout: "1 second" })
      const fiber = yield* Effect.forkChild(errorOf(Client.compute(after(slow, "y"))))
      yield* TestClock.adjust("1 second")
      const error = isDependencyFailed(yield* Fiber.join(fiber))
      assert.instanceOf(error.error, TaskTimeout)
      assert.deepStrictEqual([error.root, error.path], ["slow", ["slow", "y"]])
    }).pipe(inScheduler()))

  it.effect("F2: a chain of 10 000 dependents ends with the path of all of them", () =>
    Effect.gen(function*() {
      let task: Task.Task<unknown, unknown> = boom("k0")
      for (let i = 1; i <= 10_000; i++) task = Task.map(task, () => 0, { key: `k${i}` })
      const error = isDependencyFailed(yield* errorOf(Client.compute(task)))
      assert.deepStrictEqual([error.root, error.path.length, error.path.at(-1)], ["k0", 10_001, "k10000"])
    }).pipe(inScheduler()))

  it.effect("F2: a body that joins a failed child fails as the child did; those below name the child as the root", () =>
    Effect.gen(function*() {
      const parent = Task.make(Effect.flatMap(Client.submit(boom("child")), Future.join), { key: "parent" })
      const own = yield* causeOf(Client.compute(parent))
      assert.deepStrictEqual(onlyError(own), new Boom({ at: "child" }))
      const error = isDependencyFailed(yield* errorOf(Client.compute(after(parent, "below"))))
      assert.deepStrictEqual([error.root, error.path], ["child", ["child", "parent", "below"]])
      assert.deepStrictEqual(error.error, new Boom({ at: "child" }))
    }).pipe(inScheduler()))

  it.effect("F2: a body that passes on the DependencyFailed of a task it joined does not hide the root", () =>
    Effect.gen(function*() {
      const inner = after(boom("x"), "mid")
      const join = Effect.flatMap(Client.submit(inner), Future.join)
      const again = Effect.catch(join, (error) => Effect.fail(error))
      for (const body of [join, again]) {
        const parent = Task.make(body, { key: "parent" })
        const own = isDependencyFailed(yield* errorOf(Client.compute(parent)))
        assert.deepStrictEqual([own.key, own.root, own.path], ["mid", "x", ["x", "mid"]])
        const error = isDependencyFailed(yield* errorOf(Client.compute(after(parent, "below"))))
        assert.deepStrictEqual([error.key, error.root], ["below", "x"])
        assert.deepStrictEqual(error.path, ["x", "mid", "parent", "below"])
        assert.deepStrictEqual(error.error, new Boom({ at: "x" }))
        assert.strictEqual(infoOf(error.cause)?.key, "x")
      }
    }).pipe(inScheduler()))
})

describe("finalizers", () => {
  const failing = (body: Effect.Effect<number, Boom>) =>
    Task.make(Effect.andThen(Effect.addFinalizer(() => Effect.die(bug)), body), { key: "x" })

  it.effect("F1: a body that succeeds and whose finalizer dies has died", () =>
    Effect.gen(function*() {
      const cause = yield* causeOf(Client.compute(failing(Effect.succeed(1))))
      assert.deepStrictEqual([errorsIn(cause), defectsIn(cause)], [[], [bug]])
    }).pipe(inScheduler()))

  it.effect("F1: a body that fails and whose finalizer dies keeps its failure, beside the defect", () =>
    Effect.gen(function*() {
      const task = failing(Effect.fail(new Boom({ at: "body" })))
      const cause = yield* causeOf(Client.compute(task))
      assert.deepStrictEqual([errorsIn(cause), defectsIn(cause)], [[new Boom({ at: "body" })], [bug]])
      const below = isDependencyFailed(yield* errorOf(Client.compute(after(task, "y"))))
      assert.deepStrictEqual(below.error, new Boom({ at: "body" }))
      assert.deepStrictEqual(defectsIn(below.cause), [bug])
    }).pipe(inScheduler()))

  it.effect("F1: finalizers have run, the last acquired first, before the task counts as ended", () =>
    Effect.gen(function*() {
      const log: Log = []
      const body = Effect.gen(function*() {
        yield* Effect.addFinalizer(() => note(log, "first"))
        yield* Effect.addFinalizer(() => Effect.andThen(Effect.yieldNow, note(log, "second")))
        return yield* Effect.fail("no")
      })
      yield* errorOf(Client.compute(Task.make(body)))
      assert.deepStrictEqual(log, ["second", "first"])
    }).pipe(inScheduler()))
})

describe("Task.exit", () => {
  const exitOf = <A, E, R>(task: Task.Task<A, E, R>) => Client.compute(Task.map(Task.exit(task), (exit) => exit))

  it.effect("F2: Task.exit hands any end to its dependent as a value", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* exitOf(value(1, "ok")), Exit.succeed(1))
      assert.deepStrictEqual(onlyError(causeOfExit(yield* exitOf(boom("typed")))), new Boom({ at: "typed" }))
      assert.deepStrictEqual(defectsIn(causeOfExit(yield* exitOf(dying("dead")))), [bug])
      assert.instanceOf(
        reasonIn(onlyError(causeOfExit(yield* exitOf(Task.make(Effect.interrupt))))),
        TaskCancelled
      )
      const below = isDependencyFailed(onlyError(causeOfExit(yield* exitOf(after(boom("x"), "y")))))
      assert.deepStrictEqual(below.path, ["x", "y"])
      assert.deepStrictEqual(defectsIn(causeOfExit(yield* exitOf(after(dying("x"), "y")))), [bug])
    }).pipe(inScheduler()))

  it.effect("F2: Task.exit absorbs timeouts and cancellations", () =>
    Effect.gen(function*() {
      const slow = Task.make(Effect.never, { key: "slow", timeout: "1 second" })
      const timed = yield* Effect.forkChild(exitOf(slow))
      yield* TestClock.adjust("1 second")
      assert.instanceOf(onlyError(causeOfExit(yield* Fiber.join(timed))), TaskTimeout)
      const started = yield* Deferred.make<void>()
      const endless = yield* Client.submit(
        Task.make(Effect.andThen(Deferred.succeed(started, undefined), Effect.never))
      )
      const cancelled = yield* Client.submit(Task.map(Task.exit(endless), (exit) => exit))
      yield* Deferred.await(started)
      yield* Future.cancel(endless, { force: true, why: "enough" })
      const reason = reasonIn(onlyError(causeOfExit(yield* Future.join(cancelled))))
      assert.deepInclude(reason as TaskCancelled, { why: "enough" })
    }).pipe(inScheduler()))

  it.effect("F2: Task.exit of a Future that ended before gives that end", () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(boom("x"))
      yield* Future.await(future)
      assert.deepStrictEqual(
        onlyError(causeOfExit(yield* Client.compute(Task.exit(future)))),
        new Boom({ at: "x" })
      )
    }).pipe(inScheduler()))

  it.effect("F3: an absorbed failure is no failure of the computation, in any mode", () =>
    Effect.gen(function*() {
      const log: Log = []
      const tasks = {
        safe: Task.map(Task.exit(after(boom("x"), "y")), Exit.isFailure),
        other: after(value(1, "v"), "z", log)
      }
      for (const mode of ["failFast", "continue"] as const) {
        assert.deepStrictEqual(yield* Client.compute(tasks, { mode }), { safe: true, other: "z" })
      }
      const collected = yield* Client.compute(tasks, { mode: "collect" })
      assert.deepStrictEqual(collected, { safe: Exit.succeed(true), other: Exit.succeed("z") })
    }).pipe(inScheduler()))
})

describe("modes of compute", () => {
  it.effect("F3: failFast fails with the target that failed first and interrupts the rest, finalizers included", () =>
    Effect.gen(function*() {
      const log: Log = []
      const started = yield* Deferred.make<void>()
      const endless = Task.make(
        Effect.andThen(Deferred.succeed(started, undefined), Effect.never).pipe(
          Effect.onInterrupt(() => Effect.andThen(Effect.yieldNow, note(log, "finalized")))
        )
      )
      const failing = Task.make(Effect.andThen(Deferred.await(started), Effect.fail("first")))
      const queued = Task.make(note(log, "queued"), { after: endless })
      assert.strictEqual(yield* errorOf(Client.compute([endless, failing, queued])), "first")
      assert.deepStrictEqual(log, ["finalized"])
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("F3: failFast prefers the task that failed to the targets that failed because of it", () =>
    Effect.gen(function*() {
      const x = boom("x")
      const y = after(x, "y")
      assert.deepStrictEqual(yield* errorOf(Client.compute([y, x])), new Boom({ at: "x" }))
      assert.deepStrictEqual(yield* errorOf(Client.compute([x, y])), new Boom({ at: "x" }))
      assert.deepStrictEqual(isDependencyFailed(yield* errorOf(Client.compute([after(y, "z"), y]))).path, ["x", "y"])
    }).pipe(inScheduler()))

  it.effect("F3: failFast goes by targets: the failure of what nobody asked for stops nothing until a target ends", () =>
    Effect.gen(function*() {
      const log: Log = []
      const slow = Task.make(Effect.delay(note(log, "slow"), "1 second"))
      const both = { safe: Task.map(Task.exit(boom("x")), Exit.isFailure), slow }
      const fiber = yield* Effect.forkChild(Client.compute(both))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Fiber.join(fiber), { safe: true, slow: "slow" })
    }).pipe(inScheduler()))

  // x1 fails, x2 dies, x3 fails; y1..y3 below; z1, z2 are downstream of nothing that fails
  it.effect("F3, F4: continue runs all that is not downstream, then fails with every root failure in static order", () =>
    Effect.gen(function*() {
      const log: Log = []
      const late = Task.make(Effect.delay(Effect.fail("late"), "1 second"), { key: "x1" })
      const roots = [late, dying("x2"), boom("x3")]
      const below = roots.map((root, i) => after(root as Task.Task<never, unknown>, `y${i + 1}`, log))
      const twice = Task.map(below, () => log.push("never"), { key: "all" })
      const free = [after(value(1, "v"), "z1", log), after(after(value(2, "w"), "z2", log), "z3", log)]
      const fiber = yield* Effect.forkChild(
        causeOf(Client.compute([below, twice, free, roots], { mode: "continue" }))
      )
      yield* TestClock.adjust("1 second")
      const cause = yield* Fiber.join(fiber)
      assert.deepStrictEqual(
        cause.reasons.map((reason) =>
          Cause.isFailReason(reason) ? reason.error : Cause.isDieReason(reason) && reason.defect
        ),
        ["late", bug, new Boom({ at: "x3" })]
      )
      assert.deepStrictEqual(log.toSorted(), ["z1", "z2", "z3"])
    }).pipe(inScheduler({ concurrency: 1 })))

  /** Ten tasks that take a second each, of which the third and the last fail at once and late. */
  const ten = (name: string, log: Log) =>
    Array.from({ length: 10 }, (_, i) => {
      const key = `${name}${i}`
      const run = i === 2
        ? Effect.fail(key)
        : Effect.delay(i === 9 ? Effect.fail(key) : Effect.asVoid(note(log, key)), "1 second")
      return Task.make(run, { key })
    })
  const eight = (name: string) => [0, 1, 3, 4, 5, 6, 7, 8].map((i) => `${name}${i}`)

  /** What ran, and which failures were told. */
  const goOn = (make: (log: Log) => Task.Task<unknown, unknown, never>) =>
    Effect.gen(function*() {
      const runs = yield* Effect.forEach(["continue", "collect"] as const, (mode) =>
        Effect.gen(function*() {
          const log: Log = []
          const last = boom("last")
          const fiber = yield* Effect.forkChild(Effect.exit(Client.compute([make(log), last], { mode })))
          // In steps: what comes later may sleep too.
          yield* Effect.repeat(TestClock.adjust("1 second"), { times: 60 })
          const exit = yield* Fiber.join(fiber)
          return [log.toSorted(), Exit.isFailure(exit) ? errorsIn(exit.cause) : []] as const
        }))
      assert.deepStrictEqual(runs[0][0], runs[1]![0])
      return [runs[0][0], runs[0][1].slice(0, -1)]
    })

  it.effect("F3, F4: continue and collect hold in graphs that flatMap returned, at any depth", () =>
    Effect.gen(function*() {
      const flat = (log: Log) => Task.flatMap(1, () => Task.all(ten("a", log)))
      assert.deepStrictEqual(yield* goOn(flat), [eight("a"), ["a2", "a9"]])
      const nested = (log: Log) =>
        Task.flatMap(1, () => {
          const inner = Task.flatMap(1, () => Task.flatMap(1, () => Task.all([...ten("b", log), boom("c")])))
          return Task.all([...ten("a", log), inner, Task.make(Effect.delay(Effect.fail("d"), "1 second"))])
        })
      const errors = ["a2", "a9", "b2", "b9", new Boom({ at: "c" }), "d"]
      assert.deepStrictEqual(yield* goOn(nested), [[...eight("a"), ...eight("b")], errors])
    }).pipe(inScheduler({ concurrency: 100 })))

  it.effect("F3: continue and collect hold under follow, and under a rule or a policy that takes no failure", () =>
    Effect.gen(function*() {
      const tasks = [
        (members: ReadonlyArray<Task.Task<void, string>>) => Task.make(Effect.void, { follow: members, key: "x" }),
        (members: ReadonlyArray<Task.Task<void, string>>) =>
          Task.map(Dependency.rule("allSuccess", members), () => 0, { key: "x" }),
        (members: ReadonlyArray<Task.Task<void, string>>) =>
          Task.map(Dependency.rule("noneFailedOneSuccess", members), () => 0, { key: "x" }),
        (members: ReadonlyArray<Task.Task<void, string>>) =>
          Task.map(Dependency.atLeast(10, members), () => 0, { key: "x" })
      ]
      for (const make of tasks) {
        const [ran, told] = yield* goOn((log) => make(ten("a", log)))
        assert.deepStrictEqual(ran, eight("a"))
        // Errors of members are not in the type of such a task.
        assert.deepStrictEqual(told!.map((error) => error instanceof ImpossibleDependency && error.key), ["x"])
        assert.deepStrictEqual((yield* goOn((log) => Task.flatMap(1, () => make(ten("a", log)))))[0], eight("a"))
      }
    }).pipe(inScheduler({ concurrency: 100 })))

  it.effect("F3, G19: continue goes on after a skip inside a flatMap, and what a policy takes is not told", () =>
    Effect.gen(function*() {
      const skipped = Task.make(Worker.skip, { key: "s" })
      const [ran, told] = yield* goOn((log) =>
        Task.flatMap(1, () => Task.all([skipped, ...ten("a", log)])) as Task.Task<unknown, unknown>
      )
      assert.deepStrictEqual(ran, eight("a"))
      assert.deepStrictEqual(told, [new TaskSkipped({ key: "s", root: "s" }), "a2", "a9"])
      const taken = yield* goOn((log) =>
        Task.flatMap(1, () => Task.map([Dependency.rule("noneFailed", [skipped, ten("a", log)[0]!])], () => 0))
      )
      assert.deepStrictEqual(taken, [["a0"], []])
    }).pipe(inScheduler({ concurrency: 100 })))

  it.effect("F3: what a flatMap task returned stops with it, in any mode: at its deadline, and when it is cancelled", () =>
    Effect.gen(function*() {
      const [ran, told] = yield* goOn((log) =>
        Task.flatMap(1, () => Task.all([Task.flatMap(1, () => Task.all(ten("a", log))), ...ten("b", log)]), {
          key: "x",
          deadline: "500 millis"
        })
      )
      // The first failure has ended it before, and the rest goes on.
      assert.deepStrictEqual([ran, told], [[...eight("a"), ...eight("b")], ["a2", "a9", "b2", "b9"]])
      const late = yield* goOn((log) => {
        const slow = Task.make(Effect.delay(note(log, "slow"), "1 second"))
        return Task.flatMap(1, () => Task.all([slow, Task.flatMap(1, () => slow)]), {
          key: "x",
          deadline: "500 millis"
        })
      })
      assert.deepStrictEqual(late, [[], [new TaskTimeout({ key: "x", of: "deadline", millis: 500 })]])
    }).pipe(inScheduler({ concurrency: 100 })))

  it.effect("F4: equal errors of different tasks are different failures", () =>
    Effect.gen(function*() {
      const tasks = ["a", "b", "c"].map((key) => Task.make(Effect.fail("same"), { key }))
      const cause = yield* causeOf(Client.compute(tasks, { mode: "continue" }))
      assert.deepStrictEqual(errorsIn(cause), ["same", "same", "same"])
      const keys = cause.reasons.map((reason) =>
        Context.getOrUndefined(Cause.reasonAnnotations(reason) as Context.Context<TaskInfo>, TaskInfo)?.key
      )
      assert.deepStrictEqual(keys, ["a", "b", "c"])
    }).pipe(inScheduler()))

  it.effect("F4: one root that reaches several targets is one failure", () =>
    Effect.gen(function*() {
      const x = boom("x")
      const cause = yield* causeOf(Client.compute([after(x, "a"), after(x, "b"), x, x], { mode: "continue" }))
      assert.deepStrictEqual(errorsIn(cause), [new Boom({ at: "x" })])
    }).pipe(inScheduler()))

  it.effect("F4: a root is reported even when every target below it failed because of another", () =>
    Effect.gen(function*() {
      const first = Task.make(Effect.fail("first"), { key: "first" })
      const second = Task.make(Effect.delay(Effect.fail("second"), "1 second"), { key: "second" })
      const target = Task.map({ first, second }, () => 0, { key: "target" })
      const fiber = yield* Effect.forkChild(causeOf(Client.compute(target, { mode: "continue" })))
      yield* TestClock.adjust("1 second")
      assert.sameMembers([...errorsIn(yield* Fiber.join(fiber))], ["first", "second"])
    }).pipe(inScheduler()))

  it.effect("F4: the failure within a flatMap is reported even when its target failed because of another", () =>
    Effect.gen(function*() {
      const first = Task.make(Effect.fail("first"), { key: "first" })
      const inner = () => Task.map(Task.make(Effect.delay(Effect.fail("inner"), "1 second"), { key: "inner" }), () => 0)
      const target = Task.map({ first, flat: Task.flatMap(0, inner, { key: "flat" }) }, () => 0, { key: "target" })
      const fiber = yield* Effect.forkChild(causeOf(Client.compute(target, { mode: "continue" })))
      yield* TestClock.adjust("1 second")
      assert.sameMembers([...errorsIn(yield* Fiber.join(fiber))], ["first", "inner"])
    }).pipe(inScheduler()))

  it.effect("F4: a child's failure that a body passed on is named by its own error", () =>
    Effect.gen(function*() {
      const parent = Task.make(Effect.flatMap(Client.submit(after(boom("x"), "mid")), Future.join), { key: "parent" })
      const cause = yield* causeOf(Client.compute(after(parent, "below"), { mode: "continue" }))
      assert.deepStrictEqual(errorsIn(cause), [new Boom({ at: "x" })])
      assert.strictEqual(infoOf(cause)?.root, "x")
    }).pipe(inScheduler()))

  it.effect("F3: continue with no failure gives the values", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* Client.compute({ a: value(1, "a"), b: [2] }, { mode: "continue" }), {
        a: 1,
        b: [2]
      })
    }).pipe(inScheduler()))

  it.effect("F3: collect gives an Exit for each leaf and never fails", () =>
    Effect.gen(function*() {
      const x = boom("x")
      const result = yield* Client.compute(
        { x, y: [after(x, "y")], ok: value(1, "ok"), plain: "plain", there: Task.succeed(2), dead: dying("d") },
        { mode: "collect" }
      )
      assert.deepStrictEqual(onlyError(causeOfExit(result.x)), new Boom({ at: "x" }))
      assert.deepStrictEqual(isDependencyFailed(onlyError(causeOfExit(result.y[0]))).path, ["x", "y"])
      assert.deepStrictEqual(defectsIn(causeOfExit(result.dead)), [bug])
      const { ok, plain, there } = result
      assert.deepStrictEqual({ ok, plain, there }, { ok: Exit.succeed(1), plain: "plain", there: Exit.succeed(2) })
    }).pipe(inScheduler()))

  it.effect("F3: an empty request gives an empty result in every mode", () =>
    Effect.gen(function*() {
      for (const mode of ["failFast", "continue", "collect"] as const) {
        assert.deepStrictEqual(yield* Client.compute({}, { mode }), {})
        assert.deepStrictEqual(yield* Client.compute([], { mode }), [])
        assert.deepStrictEqual(yield* Client.compute({ a: { b: [] } }, { mode }), { a: { b: [] } })
        assert.deepStrictEqual(yield* (mode === "collect" ? Future.awaitAll([]) : Future.joinAll([], { mode })), [])
      }
    }).pipe(inScheduler()))

  it.effect("F3: what a failed compute started is over when it returns, and a second run is not affected", () =>
    Effect.gen(function*() {
      let runs = 0
      const flaky = Task.make(Effect.suspend(() => ++runs === 1 ? Effect.fail("once") : Effect.succeed(runs)), {
        key: "flaky"
      })
      assert.strictEqual(yield* errorOf(Client.compute(flaky)), "once")
      assert.strictEqual(yield* Client.compute(flaky), 2)
    }).pipe(inScheduler()))
})

describe("modes of joinAll", () => {
  it.effect("F3: failFast ends the wait with the first failure and leaves the other tasks alone", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<number>()
      const slow = yield* Client.submit(Task.make(Deferred.await(gate)))
      const failed = yield* Client.submit(boom("x"))
      assert.deepStrictEqual(yield* errorOf(Future.joinAll([slow, failed])), new Boom({ at: "x" }))
      yield* Deferred.succeed(gate, 1)
      assert.strictEqual(yield* Future.join(slow), 1)
    }).pipe(inScheduler()))

  it.effect("F3, F4: continue waits for all and fails with every root failure, each once, in the order given", () =>
    Effect.gen(function*() {
      const x = Task.make(Effect.delay(Effect.fail("same"), "1 second"), { key: "x" })
      const y = Task.make(Effect.fail("same"), { key: "y" })
      const futures = yield* Client.submitAll([x, y, after(x, "z"), value(1, "v")])
      const fiber = yield* Effect.forkChild(causeOf(Future.joinAll(futures, { mode: "continue" })))
      yield* TestClock.adjust("1 second")
      const cause = yield* Fiber.join(fiber)
      const keys = cause.reasons.map((reason) =>
        Context.getOrUndefined(Cause.reasonAnnotations(reason) as Context.Context<TaskInfo>, TaskInfo)?.key
      )
      assert.deepStrictEqual([errorsIn(cause), keys], [["same", "same"], ["x", "y"]])
    }).pipe(inScheduler()))

  it.effect("F3: collect gives the Exit of each, in the shape given", () =>
    Effect.gen(function*() {
      const [x, v] = yield* Client.submitAll([boom("x"), value(1, "v")])
      const { deep, list } = yield* Future.awaitAll({ deep: { v }, list: [x, v, 7] })
      assert.deepStrictEqual(deep, { v: Exit.succeed(1) })
      assert.deepStrictEqual(onlyError(causeOfExit(list[0])), new Boom({ at: "x" }))
      assert.deepStrictEqual([list[1], list[2]], [Exit.succeed(1), 7])
    }).pipe(inScheduler()))

  it.effect("F3: a released or cancelled future is a failure in every mode", () =>
    Effect.gen(function*() {
      const released = yield* Effect.scoped(Client.submit(value(1, "gone")))
      const cancelled = yield* Client.submit(Task.make(Effect.never, { key: "stopped" }))
      yield* Future.cancel(cancelled)
      for (const mode of ["failFast", "continue"] as const) {
        const one = yield* causeOf(Future.joinAll([released], { mode }))
        assert.deepStrictEqual(errorsIn(one).map(({ reason }) => reason._tag), ["Released"])
        const other = yield* causeOf(Future.joinAll([cancelled], { mode }))
        assert.deepStrictEqual(errorsIn(other).map(({ reason }) => reason._tag), ["TaskCancelled"])
      }
      const both = yield* causeOf(Future.joinAll([released, cancelled], { mode: "continue" }))
      assert.deepStrictEqual(errorsIn(both).map(({ reason }) => reason._tag), ["Released", "TaskCancelled"])
    }).pipe(inScheduler()))
})

describe("joinAll of a task", () => {
  it.effect("F1: joinAll dies with a sentence when a task was not submitted", () =>
    Effect.gen(function*() {
      const [future] = yield* Client.submitAll([value(1, "v")])
      const task = value(2, "w") as unknown as typeof future
      const cause = yield* causeOf(Future.joinAll({ future, task }))
      assert.deepStrictEqual(
        defectsIn(cause).map((defect) => (defect as Error).message),
        ["Future.joinAll waits for futures, and found a task: submit it with Client.submit, or run it with Client.compute."]
      )
    }).pipe(inScheduler()))
})

describe("flatMap", () => {
  it.effect("F1: a flatMap task ends with the inner task's own error", () =>
    Effect.gen(function*() {
      const error = yield* errorOf(Client.compute(Task.flatMap(1, () => boom("inner"), { key: "outer" })))
      assert.deepStrictEqual(error, new Boom({ at: "inner" }))
      const inner = isDependencyFailed(
        yield* errorOf(Client.compute(Task.flatMap(1, () => after(boom("x"), "inner"), { key: "outer" })))
      )
      assert.deepStrictEqual([inner.key, inner.path], ["inner", ["x", "inner"]])
    }).pipe(inScheduler()))

  it.effect("F2: a dependent of a flatMap task names the inner root, over the flatMap task", () =>
    Effect.gen(function*() {
      const outer = Task.flatMap(1, () => Task.flatMap(2, () => boom("x"), { key: "middle" }), { key: "outer" })
      const error = isDependencyFailed(yield* errorOf(Client.compute(after(outer, "y"))))
      assert.deepStrictEqual([error.key, error.root, error.path], ["y", "x", ["x", "middle", "outer", "y"]])
      assert.deepStrictEqual(error.error, new Boom({ at: "x" }))
      const dead = yield* causeOf(Client.compute(after(Task.flatMap(1, () => dying("x"), { key: "outer" }), "y")))
      assert.deepStrictEqual([defectsIn(dead), infoOf(dead)?.path], [[bug], ["x", "outer", "y"]])
    }).pipe(inScheduler()))

  it.effect("F1: a failed input of a flatMap task keeps f from running", () =>
    Effect.gen(function*() {
      const log: Log = []
      const f = () => {
        log.push("f")
        return value(1, "v")
      }
      const error = isDependencyFailed(yield* errorOf(Client.compute(Task.flatMap(boom("x"), f, { key: "outer" }))))
      assert.deepStrictEqual([error.path, log], [["x", "outer"], []])
    }).pipe(inScheduler()))

  it.effect("F1: a flatMap body that returns no task is a SubmitError that shows what it returned", () =>
    Effect.gen(function*() {
      const circular: { self?: unknown } = {}
      circular.self = circular
      const shown = new Map<unknown, string>([
        [undefined, "undefined"],
        [{ a: 1 }, "{\"a\":1}"],
        [Object.create(null), "{}"],
        [Symbol("s"), "Symbol(s)"],
        [circular, "{\"self\":[Circular]}"]
      ])
      for (const [returned, text] of shown) {
        const error = yield* errorOf(Client.compute(Task.flatMap(1, () => returned as Task.Task<1>, { key: "flat" })))
        assert.strictEqual(
          error.message,
          `Task "flat" cannot depend on what its function returned, ${text}: it is no task.`
        )
      }
    }).pipe(inScheduler()))

  it.effect("F1: the SubmitError of a returned graph is a typed failure of the flatMap task", () =>
    Effect.gen(function*() {
      const conflicting = Task.flatMap(1, () => Task.all([value(1, "k"), value(2, "k")]), { key: "flat" })
      const error = yield* errorOf(Client.compute(conflicting)) as Effect.Effect<SubmitError>
      assert.strictEqual(error.reason._tag, "KeyConflict")
      const below = isDependencyFailed(yield* errorOf(Client.compute(after(conflicting, "y"))))
      assert.deepStrictEqual([below.root, below.error], ["flat", error])
    }).pipe(inScheduler()))

  it.effect("F1: a flatMap task that returns a task depending on itself fails at once instead of waiting for ever", () =>
    Effect.gen(function*() {
      const self: Task.Task<number, unknown> = Task.flatMap(1, () => Task.map({ self }, () => 1, { key: "inner" }), {
        key: "self"
      })
      const error = yield* reasonOf(Client.compute(self))
      assert.strictEqual(error._tag, "Starved")
      assert.strictEqual(
        error.message,
        "This wait would close a cycle: \"self\" waits for \"inner\", \"inner\" waits for \"self\". Let one of them go on without waiting."
      )
    }).pipe(inScheduler()))
})

describe("attempts", () => {
  const flaky = (failures: number, fail: (n: number) => Effect.Effect<never, unknown>) => {
    let runs = 0
    return { body: Effect.suspend(() => ++runs <= failures ? fail(runs) : Effect.succeed(runs)), runs: () => runs }
  }

  it.effect("F5: retries n means at most n + 1 runs; the last error surfaces; dependencies do not run again", () =>
    Effect.gen(function*() {
      const log: Log = []
      const input = Task.make(note(log, "input"))
      const { body, runs } = flaky(9, (n) => Effect.fail(n))
      const task = Task.make({ input }, () => body, { retry: Schedule.recurs(2), key: "x" })
      const cause = yield* causeOf(Client.compute(task))
      assert.deepStrictEqual([onlyError(cause), runs(), log, infoOf(cause)?.attempt], [3, 3, ["input"], 3])
      const second = flaky(2, (n) => Effect.fail(n))
      assert.strictEqual(yield* Client.compute(Task.make(second.body, { retry: Schedule.recurs(2) })), 3)
    }).pipe(inScheduler()))

  it.effect("F5: defects, interruptions and failures of other tasks are not tried again", () =>
    Effect.gen(function*() {
      const ends: ReadonlyArray<Effect.Effect<never, unknown, never>> = [
        Effect.die(bug),
        Effect.interrupt,
        Effect.fail(new DependencyFailed({ key: "k", root: "r", error: 1, path: ["r", "k"], cause: Cause.fail(1) })),
        Effect.fail(new SkeinError({ reason: new TaskCancelled({ key: "k", by: "b", why: "r" }) }))
      ]
      for (const end of ends) {
        const { body, runs } = flaky(9, () => end)
        yield* causeOf(Client.compute(Task.make(body, { retry: Schedule.recurs(3) })))
        assert.strictEqual(runs(), 1)
      }
    }).pipe(inScheduler()))

  const key = "joined"
  const ofTheRuntime: ReadonlyArray<SkeinError> = [
    new TaskCancelled({ key, by: "b", why: "r" }),
    new WorkerKilled({ key, deaths: 4, why: "deaths" }),
    new NoSuitableWorker({ key, restriction: {}, millis: 0 }),
    new DependenciesGone({ key, keys: [], reports: 20, why: "limit" }),
    new Starved({ waits: [] }),
    new Released({ key, owner: "scope" })
  ].map((reason) => new SkeinError({ reason }))
  const ofOptions = [
    new TaskTimeout({ key, of: "attempt", millis: 1 }),
    new DependencyTimeout({ key, millis: 1 }),
    new NoSuitableWorker({ key, restriction: { workers: ["a"] }, millis: 0 }),
    new ImpossibleDependency({ key, reason: new Locality({ workers: [], fault: undefined }) })
  ]

  it.effect("F5: what the runtime did to a task that a body joined is not tried again, what its options did is", () =>
    Effect.gen(function*() {
      const runsAfter = (error: unknown) =>
        Effect.gen(function*() {
          const { body, runs } = flaky(9, () => Effect.fail(error))
          yield* causeOf(Client.compute(Task.make(body, { retry: Schedule.recurs(1) })))
          return runs()
        })
      assert.deepStrictEqual(yield* Effect.forEach(ofTheRuntime, runsAfter), ofTheRuntime.map(() => 1))
      assert.deepStrictEqual(yield* Effect.forEach(ofOptions, runsAfter), ofOptions.map(() => 2))
    }).pipe(inScheduler()))

  it.effect("F1: the runtime's failures are one error, whose reasons are errors that can be handled one by one", () =>
    Effect.gen(function*() {
      const cancelled = yield* Client.submit(Task.make(Effect.never, { key: "x" }))
      yield* Future.cancel(cancelled, { why: "enough" })
      const join = Future.join(cancelled)
      const caught = yield* Effect.catchReason(join, "SkeinError", "TaskCancelled", ({ key }) => Effect.succeed(key))
      assert.strictEqual(caught, "x")
      const other = yield* errorOf(Effect.catchReason(join, "SkeinError", "Starved", () => Effect.succeed("no")))
      assert.instanceOf(other, SkeinError)
      assert.strictEqual(
        yield* Effect.catchReasons(join, "SkeinError", { TaskCancelled: () => Effect.succeed(1) }),
        1
      )
      const reason = yield* errorOf(Effect.unwrapReason(join, "SkeinError"))
      assert.instanceOf(reason, TaskCancelled)
      assert.instanceOf(reason, Error)
      assert.strictEqual(reason.message, other.message)
      for (const failure of ofTheRuntime) {
        assert.strictEqual(failure.message, failure.reason.message)
        assert.strictEqual(String(failure), `SkeinError: ${failure.message}`)
      }
    }).pipe(inScheduler()))

  it.effect("F5, W8: that a body waited for workers in vain is its own failure, which is tried again and fails its dependents", () =>
    Effect.gen(function*() {
      // As `Scheduler.awaitWorkers` fails.
      const inVain = new NoSuitableWorker({ key: undefined, restriction: {}, millis: 5000 })
      const { body, runs } = flaky(9, () => Effect.fail(inVain))
      const waiting = Task.make(body, { key: "waiting", retry: Schedule.recurs(1) })
      const error = yield* errorOf(Client.compute(Task.make([waiting], () => Effect.void)))
      assert.deepStrictEqual([runs(), error instanceof DependencyFailed && error.error], [2, inVain])
    }).pipe(inScheduler()))
})

describe("TaskInfo", () => {
  it.effect("F12: the failure of a task that ran carries key, label, attempt, worker, submitter, root and path", () =>
    Effect.gen(function*() {
      const cause = yield* causeOf(Client.compute(boom("x", { label: "load", retry: Schedule.recurs(1) })))
      assert.deepStrictEqual(infoOf(cause), {
        key: "x",
        graph: 1,
        label: "load",
        attempt: 2,
        worker: "w",
        submitter: "program",
        root: "x",
        path: ["x"]
      })
    }).pipe(inScheduler({ workers: [{ id: "w", concurrency: 1 }] })))

  it.effect("F12: a task without key or label has an automatic key in its failure, the one of its Future", () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(Task.make(Effect.fail("no")))
      const labelled = yield* Client.submit(Task.make(Effect.fail("no"), { label: "load" }))
      assert.strictEqual(infoOf(yield* causeOf(Future.join(future)))?.key, future.key)
      assert.strictEqual(infoOf(yield* causeOf(Future.join(labelled)))?.key, labelled.key)
      assert.match(labelled.key, /^load#\d+$/)
    }).pipe(inScheduler()))

  it.effect("F12: DependencyFailed is annotated with the dependent, its cause with the root", () =>
    Effect.gen(function*() {
      const y = Task.map(boom("x", { label: "load" }), () => 0, { key: "y", label: "parse" })
      const cause = yield* causeOf(Client.compute(y))
      const common = { graph: 1, submitter: "program", root: "x" }
      assert.deepStrictEqual(infoOf(cause), {
        ...common,
        key: "y",
        label: "parse",
        attempt: 0,
        worker: undefined,
        path: ["x", "y"]
      })
      assert.deepStrictEqual(infoOf(isDependencyFailed(onlyError(cause)).cause), {
        ...common,
        key: "x",
        label: "load",
        attempt: 1,
        worker: "local",
        path: ["x"]
      })
    }).pipe(inScheduler()))

  it.effect("F12: cancelled and timed-out tasks carry it, and dependents of them their own", () =>
    Effect.gen(function*() {
      const started = yield* Deferred.make<void>()
      const x = yield* Client.submit(
        Task.make(Effect.andThen(Deferred.succeed(started, undefined), Effect.never), { key: "x", label: "endless" })
      )
      const y = yield* Client.submit(Task.map({ x }, () => 0, { key: "y" }))
      const slow = yield* Client.submit(Task.make(Effect.never, { key: "slow", timeout: "1 second" }))
      yield* Deferred.await(started)
      yield* Future.cancel(x)
      yield* TestClock.adjust("1 second")
      const of = (future: Future.Future<unknown, unknown>) =>
        Effect.map(causeOf(Future.join(future)), (cause) => {
          const { key, path, root } = infoOf(cause)!
          return { key, path, root }
        })
      assert.deepStrictEqual(yield* of(x), { key: "x", path: ["x"], root: "x" })
      assert.strictEqual((yield* of(y)).root, "x")
      const timed = infoOf(yield* causeOf(Future.join(slow)))!
      assert.deepStrictEqual([timed.key, timed.attempt, timed.worker], ["slow", 1, "local"])
    }).pipe(inScheduler()))

  it.effect("F12: whatever ended a task, its failure carries all of key, label, attempt, worker, submitter, root and path", () =>
    Effect.gen(function*() {
      const label = "step"
      const door = yield* Deferred.make<Future.Future<never, never>>()
      const joinsItself = Effect.flatMap(Deferred.await(door), (self) => Future.join(self))
      const kinds: Record<string, Task.Task<unknown, unknown, Client.Client>> = {
        "Boom": Task.make(Effect.fail(new Boom({ at: "x" })), { key: "Boom", label }),
        "a defect": Task.make(Effect.die(bug), { key: "a defect", label }),
        "a throw": Task.sync(() => {
          throw bug
        }, { key: "a throw", label }),
        "TaskCancelled": Task.make(Effect.interrupt, { key: "TaskCancelled", label }),
        "TaskTimeout": Task.make(Effect.never, { label, key: "TaskTimeout", timeout: 5 }),
        "TaskTimeout of the deadline": Task.make(Effect.never, {
          label,
          key: "TaskTimeout of the deadline",
          deadline: 5
        }),
        "Starved": Task.make(joinsItself, { key: "Starved", label }),
        "WorkerKilled": Task.make(Effect.never, { key: "WorkerKilled", label, idempotent: false })
      }
      const futures = yield* Client.submitAll(Object.values(kinds))
      yield* Deferred.succeed(door, futures[Object.keys(kinds).indexOf("Starved")] as never)
      yield* TestClock.adjust("5 millis")
      yield* Faults.loseWorker("w")
      for (const [i, key] of Object.keys(kinds).entries()) {
        const cause = yield* causeOf(Future.join(futures[i]!))
        const where = { graph: 1, attempt: 1, worker: "w", submitter: "program" }
        assert.deepStrictEqual(infoOf(cause), { key, label, root: key, path: [key], ...where }, key)
        const [reason] = cause.reasons
        const tagOf = (error: unknown): string => (error instanceof SkeinError ? error.reason : error as Boom)._tag
        if (Cause.isFailReason(reason!)) assert.strictEqual(tagOf(reason.error), key.split(" ")[0])
        else assert.deepStrictEqual(defectsIn(cause), [bug])
      }
      const busy = yield* Client.submit(Task.make(Effect.never))
      const waiting = yield* Client.submit(
        Task.make(Effect.void, { key: "late", label, after: busy, dependencyTimeout: 5 })
      )
      yield* TestClock.adjust("5 millis")
      const none = { graph: 3, attempt: 0, worker: undefined, submitter: "program" }
      assert.deepStrictEqual(infoOf(yield* causeOf(Future.join(waiting))), {
        key: "late",
        label,
        root: "late",
        path: ["late"],
        ...none
      })
    }).pipe(inScheduler({ workers: [{ id: "w", concurrency: 8 }], waitForWorkers: "1 hour" })))

  it.effect("F12: what a body submitted names the task as its submitter; what the body passes on names the body's task", () =>
    Effect.gen(function*() {
      const parent = Task.make(
        Effect.gen(function*() {
          const child = yield* Client.submit(boom("child"))
          const info = infoOf(yield* causeOf(Future.join(child)))!
          assert.deepStrictEqual([info.key, info.submitter], ["child", "parent"])
          return yield* Future.join(child)
        }),
        { key: "parent", label: "outer" }
      )
      const { attempt, key, label, path, root, submitter } = infoOf(yield* causeOf(Client.compute(parent)))!
      assert.deepStrictEqual(
        { attempt, key, label, path, root, submitter },
        { attempt: 1, key: "parent", label: "outer", path: ["child", "parent"], root: "child", submitter: "program" }
      )
      const dead = Task.make(Effect.flatMap(Client.submit(dying("child")), Future.join), { key: "parent" })
      const info = infoOf(yield* causeOf(Client.compute(Task.map(dead, () => 0, { key: "below" }))))!
      assert.deepStrictEqual([info.key, info.path], ["below", ["child", "parent", "below"]])
    }).pipe(inScheduler()))

  it.effect("F12: a flatMap task's failure names the flatMap task, over the inner one", () =>
    Effect.gen(function*() {
      const cause = yield* causeOf(Client.compute(Task.flatMap(1, () => boom("inner"), { key: "outer", label: "o" })))
      const { key, label, path, root } = infoOf(cause)!
      assert.deepStrictEqual(
        { key, label, path, root },
        { key: "outer", label: "o", path: ["inner", "outer"], root: "inner" }
      )
    }).pipe(inScheduler()))

  it.effect("F12: roots in a continued computation carry their own place", () =>
    Effect.gen(function*() {
      const slow = Task.make(Effect.never, { key: "slow", timeout: "1 second", label: "s" })
      const fiber = yield* Effect.forkChild(
        causeOf(Client.compute([after(boom("x"), "y"), after(slow, "z")], { mode: "continue" }))
      )
      yield* TestClock.adjust("1 second")
      const cause = yield* Fiber.join(fiber)
      const infos = cause.reasons.map((reason) =>
        Context.getOrUndefined(Cause.reasonAnnotations(reason) as Context.Context<TaskInfo>, TaskInfo)
      )
      assert.deepStrictEqual(infos.map((info) => [info?.key, info?.attempt, info?.worker, info?.label]), [
        ["x", 1, "local", undefined],
        ["slow", 1, "local", "s"]
      ])
    }).pipe(inScheduler()))
})

it.effect("F3: the exit of a plain value is a success, alone, as an input and beside after", () =>
  Effect.gen(function*() {
    const exit = Task.exit(Task.succeed(1))
    assert.deepStrictEqual(yield* Task.run(exit), Exit.succeed(1))
    assert.deepStrictEqual(yield* Task.run(Task.map({ exit }, ({ exit }) => exit)), Exit.succeed(1))
    const later = Task.withOptions(exit, { after: Task.make(Effect.succeed("other")) })
    assert.deepStrictEqual(yield* Task.run(later), Exit.succeed(1))
  }))

it.effect("F16: a body that throws before it gives an effect dies, whatever its inputs, and nothing else does", () =>
  Effect.gen(function*() {
    const thrower = (): Effect.Effect<number> => {
      throw new Error("boom")
    }
    for (const task of [Task.make(undefined, thrower), Task.make([], thrower), Task.make({}, thrower)]) {
      const exit = yield* Effect.exit(Client.compute(task))
      assert.isTrue(Exit.isFailure(exit) && exit.cause.reasons.every(Cause.isDieReason))
    }
    const mapped = yield* Effect.exit(Client.forEach([undefined, 1], thrower))
    assert.isTrue(Exit.isFailure(mapped))
    assert.strictEqual(yield* Client.compute(Task.make(Effect.succeed(1))), 1)
  }).pipe(Effect.provide(Skein.layer({ concurrency: 1 }))))

it.effect("F3: of two targets that fail in the same millisecond the first to end decides, in compute and in joinAll", () =>
  Effect.gen(function*() {
    const failing = (key: string, priority: number) => Task.make(Effect.fail(key), { key, priority })
    const targets = [failing("late", 0), failing("early", 1)]
    assert.strictEqual(yield* Effect.flip(Client.compute(targets)), "early")
    yield* Effect.scoped(Effect.gen(function*() {
      const futures = yield* Client.submitAll(targets)
      yield* Future.awaitAll(futures)
      assert.strictEqual(yield* Effect.flip(Future.joinAll(futures)), "early")
    }))
  }).pipe(Effect.provide(Skein.layer({ concurrency: 1 }))))

it.effect("F5: an error of the user's own that has the tag of one of ours is tried again", () =>
  Effect.gen(function*() {
    let runs = 0
    const failing = Task.make(
      Effect.suspend(() => {
        runs++
        return Effect.fail({ _tag: "Released" as const })
      }),
      { retry: Schedule.recurs(2) }
    )
    yield* Effect.flip(Task.run(failing))
    assert.strictEqual(runs, 3)
  }))

it.effect("C9: a body that succeeds while its timeout is stopping it is tried again, and its value goes nowhere", () =>
  Effect.gen(function*() {
    let runs = 0
    const cache = new Map<string, unknown>()
    const slowToClose = Effect.addFinalizer(() => Effect.sleep("2 seconds"))
    const late = Task.make(Effect.andThen(slowToClose, Effect.sync(() => `run ${++runs}`)), {
      key: "late",
      timeout: "1 second",
      retry: Schedule.recurs(1)
    })
    const fiber = yield* Effect.forkChild(Effect.exit(Client.compute(late, { cache })))
    yield* TestClock.adjust("1 minute")
    const exit: any = yield* Fiber.join(fiber)
    assert.strictEqual(Cause.squash(exit.cause as Cause.Cause<unknown>)!.constructor.name, "TaskTimeout")
    assert.strictEqual(runs, 2)
    assert.deepStrictEqual([...cache], [])
  }).pipe(Effect.provide(Skein.layer())))

it.effect("F1: a function that returns no effect is a defect that names the task and the way out", () =>
  Effect.gen(function*() {
    const messageOf = (returned: unknown) =>
      Effect.map(
        Effect.exit(Task.run(Task.make({}, () => returned as Effect.Effect<number>, { key: "k" }))),
        (exit) => Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : ""
      )
    assert.strictEqual(
      yield* messageOf(1),
      "TypeError: The function of task \"k\" returned 1 instead of an Effect: use Task.map for a plain value."
    )
    assert.strictEqual(
      yield* messageOf(Promise.resolve(1)),
      "TypeError: The function of task \"k\" returned a Promise instead of an Effect: wrap it with Effect.tryPromise."
    )
  }))
