import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Task from "skein/Task"
import * as TaskGraph from "skein/TaskGraph"
import * as Worker from "skein/Worker"
import { endless, gate, inScheduler, type Log, note, turns } from "./harness.ts"
import {
  causeOfExit,
  errorOf,
  exitNow,
  mistakeOf,
  nothingIsLeft,
  onlyError,
  reasonIn,
  reasonOf,
  submitErrorOf
} from "./support.ts"

/** Submits in a scope of its own and closes that. */
const passing = <A, E>(task: Task.Task<A, E>) => Effect.scoped(Client.submit(task))

describe("release", () => {
  it.effect("M1: at the end exactly the requested results are held; inputs go when their last dependent has ended", () =>
    Effect.gen(function*() {
      const door = gate()
      const a = Task.make(Effect.succeed("a"), { key: "a" })
      const b = Task.map(a, () => "b", { key: "b" })
      const c = Task.make([a, b], () => Effect.as(door.pass, "c"), { key: "c" })
      const future = yield* Client.submit(c)
      yield* door.arrived(1)
      assert.strictEqual((yield* Scheduler.stats).held, 2)
      yield* door.open
      yield* Future.join(future)
      const { tasks } = yield* Scheduler.dump
      assert.deepStrictEqual(tasks.map(({ key }) => key), ["c"])
      assert.strictEqual((yield* Scheduler.stats).held, 1)
    }).pipe(inScheduler()))

  it.effect("M1: a result that nobody asked to keep goes with the end of its dependent, whatever that end is", () =>
    Effect.gen(function*() {
      const a = Task.make(Effect.succeed("a"))
      const ends = [Effect.succeed(1), Effect.fail("no"), Effect.die("bug"), Effect.interrupt]
      for (const end of ends) {
        const future = yield* Client.submit(Task.make(a, () => end as Effect.Effect<number, string>))
        yield* Future.await(future)
        assert.strictEqual((yield* Scheduler.stats).held, end === ends[0] ? 1 : 0)
        yield* Future.release(future)
      }
    }).pipe(inScheduler()))

  it.effect("M2: a future keeps its result while its scope is open; then it is Released", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const future = yield* Client.submit(Task.make(Effect.succeed(1), { key: "k" })).pipe(Scope.provide(scope))
      assert.strictEqual(yield* Future.join(future), 1)
      yield* turns()
      assert.strictEqual(yield* Future.join(future), 1)
      yield* Scope.close(scope, Exit.void)
      const released = { _tag: "Released", key: "k", owner: "scope" } as const
      assert.deepInclude(yield* reasonOf(Future.join(future)), released)
      assert.deepInclude(yield* reasonOf(Future.joinAll([future])), released)
      assert.isTrue(Exit.isFailure((yield* exitNow(future))!))
      assert.deepStrictEqual((yield* Future.awaitFirst([future])).ended, [future])
      assert.strictEqual(yield* Future.status(future), "released")
      yield* Future.cancel(future)
      yield* Future.release(future)
    }).pipe(inScheduler()))

  it.effect("M2: release gives the result back before the scope closes and stops what nobody else wants", () =>
    Effect.gen(function*() {
      const log: Log = []
      const ended = yield* Client.submit(Task.make(Effect.succeed(1)))
      const running = yield* Client.submit(Task.make(endless(log, "running")))
      yield* Future.join(ended)
      yield* turns()
      yield* Future.release(ended)
      yield* Future.release(ended)
      assert.strictEqual((yield* Scheduler.stats).held, 0)
      const joiner = yield* Effect.forkChild(reasonOf(Future.join(running)), { startImmediately: true })
      yield* Future.release(running)
      assert.deepInclude(yield* Fiber.join(joiner), { _tag: "Released" })
      yield* turns()
      assert.deepStrictEqual(log, ["running starts", "running is finalized"])
    }).pipe(inScheduler()))

  it.effect("M2: releasing the tip of a chain frees the chain, and nothing that is still claimed", () =>
    Effect.gen(function*() {
      const a = Task.make(Effect.succeed(1), { key: "a" })
      const b = Task.map(a, (n) => n + 1, { key: "b" })
      const c = Task.map(b, (n) => n + 1, { key: "c" })
      const keys = Effect.map(Scheduler.dump, ({ tasks }) => tasks.map(({ key }) => key))
      const [tip, middle] = yield* Client.submitAll([c, b])
      yield* Future.joinAll([tip, middle])
      assert.deepStrictEqual(yield* keys, ["b", "c"])
      yield* Future.release(tip)
      assert.deepStrictEqual(yield* keys, ["b"])
      assert.strictEqual(yield* Future.join(middle), 2)
    }).pipe(inScheduler()))

  it.effect("M2: submitting with a released or foreign-scope future as input is a SubmitError that names it", () =>
    Effect.gen(function*() {
      const future = yield* passing(Task.make(Effect.succeed(1), { key: "gone" }))
      const refused = [
        Client.submit(Task.map(future, (n) => n, { key: "below" })),
        Client.compute(Task.map(future, (n) => n, { key: "below" })),
        Client.compute({ future }),
        Client.submitAll([Task.succeed(1), Task.all([future])])
      ]
      for (const effect of refused) {
        const { reason } = yield* submitErrorOf(effect as Effect.Effect<unknown, unknown>)
        assert.deepInclude(reason, { _tag: "InvalidDependency", dependency: "the future \"gone\"" })
      }
      const inner: any = yield* errorOf(Client.compute(Task.flatMap(1, () => Task.map(future, (n) => n))))
      assert.deepInclude(inner, { _tag: "SubmitError" })
    }).pipe(inScheduler()))

  it.effect("M2: a future used as an input holds its task until that dependent ends", () =>
    Effect.gen(function*() {
      const door = gate()
      const scope = yield* Scope.make()
      const first = yield* Client.submit(Task.make(Effect.as(door.pass, 20))).pipe(Scope.provide(scope))
      const second = yield* Client.submit(Task.map(first, (n) => n + 1))
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* Future.status(first), "released")
      yield* door.open
      assert.strictEqual(yield* Future.join(second), 21)
      assert.strictEqual((yield* Scheduler.stats).held, 1)
    }).pipe(inScheduler()))

  it.effect("M2: metadata of a future tells the keys of dependencies that are long gone", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const first = yield* Client.submit(Task.make(Effect.succeed(1), { key: "first" })).pipe(Scope.provide(scope))
      const second = yield* Client.submit(Task.map(first, (n) => n, { key: "second" }))
      yield* Future.join(second)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual((yield* Future.metadata(second)).dependencies, ["first"])
      const other = yield* Client.submit(Task.make(Effect.succeed(2), { key: "other" }))
      yield* Future.join(other)
      assert.deepStrictEqual((yield* Future.metadata(second)).dependencies, ["first"])
      const { status, submitter } = yield* Future.metadata(first)
      assert.deepStrictEqual({ status, submitter }, { status: "released", submitter: "program" })
    }).pipe(inScheduler()))

  it.effect("M2: keep takes a future over into another scope, also while it runs; a released one cannot be kept", () =>
    Effect.gen(function*() {
      const door = gate()
      const inner = yield* Scope.make()
      const future = yield* Client.submit(Task.make(Effect.as(door.pass, "kept"), { key: "k" })).pipe(
        Scope.provide(inner)
      )
      const kept = yield* Future.keep(future)
      yield* Scope.close(inner, Exit.void)
      yield* door.open
      assert.strictEqual(yield* Future.join(kept), "kept")
      assert.strictEqual(kept.key, "k")
      assert.deepInclude(yield* reasonOf(Future.join(future)), { _tag: "Released" })
      assert.deepInclude(yield* reasonOf(Future.keep(future)), { _tag: "Released", key: "k" })
    }).pipe(inScheduler()))

  it.effect("M2: a failure is kept as long as a future holds it, and its branch's intermediates are freed (M4)", () =>
    Effect.gen(function*() {
      const good = Task.make(Effect.succeed("good"), { key: "good" })
      const bad = Task.make(good, () => Effect.fail("bad"), { key: "bad" })
      const tip = Task.map([good, bad], () => 1, { key: "tip" })
      const future = yield* Client.submit(tip)
      yield* Future.await(future)
      assert.deepStrictEqual((yield* Scheduler.dump).tasks.map(({ key }) => key), ["tip"])
      assert.strictEqual((yield* Scheduler.stats).held, 0)
      assert.deepInclude(yield* errorOf(Future.join(future)), { _tag: "DependencyFailed", error: "bad" })
      assert.deepInclude(yield* errorOf(Future.join(future)), { _tag: "DependencyFailed", error: "bad" })
    }).pipe(inScheduler()))

  it.effect("M5: a thousand scopes of submissions that come and go leave nothing behind", () =>
    Effect.gen(function*() {
      for (let i = 0; i < 1000; i++) {
        yield* Effect.scoped(Effect.gen(function*() {
          const a = Task.make(Effect.succeed(i), { key: "a" })
          const bad = Task.make(Effect.fail(i), { label: "bad" })
          const futures = yield* Client.submitAll([a, Task.map(a, (n) => n), bad, Task.map(bad, () => 1)])
          const running = yield* Client.submit(Task.make(Effect.never))
          if (i % 3 === 0) yield* Future.awaitAll(futures)
          if (i % 3 === 1) yield* Future.cancel(running, { wait: i % 2 === 0 })
        }))
      }
      assert.deepStrictEqual((yield* Scheduler.dump).tasks, [])
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("M5: a released task with time limits leaves nothing behind, in any table of a scheduler with stories", () =>
    Effect.gen(function*() {
      const future = yield* passing(Task.make(Effect.fail("no"), { timeout: 5, deadline: 10, dependencyTimeout: 10 }))
      yield* Effect.andThen(turns(), TestClock.adjust(100))
      assert.strictEqual(yield* Future.status(future), "released")
    }).pipe(inScheduler({ stories: 10 })))
})

describe("a future inside and outside of bodies", () => {
  it.effect("N11: a future handed to a body as data is joined there while its owner lives", () =>
    Effect.gen(function*() {
      const door = gate()
      const future = yield* Client.submit(Task.make(Effect.as(door.pass, "late")))
      const reader = yield* Client.submit(Task.make(Future.join(future)))
      const second = yield* Client.submit(Task.make(Effect.succeed("free")))
      assert.strictEqual(yield* Future.join(second), "free")
      yield* door.open
      assert.strictEqual(yield* Future.join(reader), "late")
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("N11: a future that is the input of a child holds its task, whoever has released it since (trap 18)", () =>
    Effect.gen(function*() {
      const door = gate()
      const scope = yield* Scope.make()
      const future = yield* Client.submit(Task.make(Effect.as(door.pass, "late"))).pipe(Scope.provide(scope))
      const parent = yield* Client.submit(Task.make(Effect.gen(function*() {
        const child = yield* Client.submit(Task.map(future, (value) => `${value} to the child`))
        yield* Scope.close(scope, Exit.void)
        yield* door.open
        return yield* Future.join(child)
      })))
      assert.strictEqual(yield* Future.join(parent), "late to the child")
      assert.deepInclude(yield* reasonOf(Future.join(future)), { _tag: "Released" })
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("N11: a body may keep what it was handed, in its own scope or one outside, before the owner lets go", () =>
    Effect.gen(function*() {
      const door = gate()
      const outside = yield* Effect.scope
      const scope = yield* Scope.make()
      const future = yield* Client.submit(Task.make(Effect.succeed("value"))).pipe(Scope.provide(scope))
      const keeper = yield* Client.submit(Task.make(Effect.gen(function*() {
        const own = yield* Future.keep(future)
        const kept = yield* Future.keep(future).pipe(Scope.provide(outside))
        yield* Worker.seceded(door.pass)
        return [yield* Future.join(own), kept] as const
      })))
      yield* door.arrived(1)
      yield* Scope.close(scope, Exit.void)
      yield* door.open
      const [value, kept] = yield* Future.join(keeper)
      assert.deepStrictEqual([value, yield* Future.join(kept)], ["value", "value"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("N11: a future that comes too late is Released for every use: join, await, keep, joinAll, input, after", () =>
    Effect.gen(function*() {
      const future = yield* Effect.scoped(Client.submit(Task.make(Effect.succeed(1), { key: "late" })))
      const released = { _tag: "Released", key: "late" } as const
      const uses: ReadonlyArray<Effect.Effect<unknown, object, Scope.Scope>> = [
        Future.join(future),
        Future.keep(future),
        Future.joinAll({ future })
      ]
      for (const use of uses) {
        assert.deepInclude(yield* reasonOf(use), released)
        assert.deepInclude(yield* reasonOf(Client.compute(Task.make(use))), released)
      }
      assert.deepInclude(reasonIn(onlyError(causeOfExit(yield* Future.await(future)))), released)
      for (const task of [Task.map(future, (n) => n), Task.make(Effect.void, { after: future })]) {
        assert.deepInclude((yield* submitErrorOf(Client.compute(task))).reason, { _tag: "InvalidDependency" })
      }
      assert.deepStrictEqual(yield* Future.awaitFirst([future]), { ended: [future], open: [] })
    }).pipe(inScheduler()))

  it.effect("M2: two futures of one keyed task in one scope are given back one by one", () =>
    Effect.gen(function*() {
      const log: Log = []
      const task = Task.make(endless(log, "body"), { key: "k" })
      const [first, second] = yield* Client.submitAll([task, task])
      const third = yield* Client.submit(task)
      const kept = yield* Future.keep(third)
      yield* turns()
      for (const future of [first, second, third]) {
        yield* Future.release(future)
        yield* Future.release(future)
        assert.deepInclude(yield* reasonOf(Future.join(future)), { _tag: "Released" })
      }
      assert.strictEqual(yield* Future.status(kept), "running")
      yield* Effect.andThen(Future.release(kept), turns())
      assert.deepStrictEqual(log, ["body starts", "body is finalized"])
    }).pipe(inScheduler()))

  it.effect("G3: submitAll gives futures in the shape of the tasks: arrays, records, sets, iterators, graphs", () =>
    Effect.gen(function*() {
      const [one, two] = [Task.succeed(1), Task.make(Effect.succeed(2), { key: "two" })]
      const shapes = yield* Client.submitAll({ one, others: [two, { deep: [one] }], none: [] })
      assert.deepStrictEqual(yield* Future.joinAll(shapes), { one: 1, others: [2, { deep: [1] }], none: [] })
      const set = yield* Client.submitAll(new Set([one, two]))
      const named = new Map([["one", one], ["two", two]])
      const iterated = yield* Client.submitAll(named.values())
      const graph = yield* Client.submitAll(TaskGraph.make({ one, two }))
      assert.deepStrictEqual([yield* Future.joinAll(set), yield* Future.joinAll(iterated)], [[1, 2], [1, 2]])
      assert.strictEqual(yield* Future.join(graph.two), 2)
      assert.deepStrictEqual(yield* Client.submitAll([]), [])
      // One submission: a key is of one task there.
      const other = Task.make(Effect.succeed(3), { key: "two" })
      const error = yield* submitErrorOf(Client.submitAll({ two, others: new Array(1).fill(other) }))
      assert.strictEqual(error.reason._tag, "KeyConflict")
    }).pipe(inScheduler()))

  it.effect("F3: submitAll refuses what is no task, in any place of a shape", () =>
    Effect.gen(function*() {
      const one = Task.succeed(1)
      const wrong: ReadonlyArray<readonly [unknown, string]> = [
        [{ one, n: 5 }, "5: it is no task"],
        [[one, [undefined]], "undefined: it is no task"],
        [{ a: [[[[[[one]]]]]] }, "it is no task"],
        [new Map([["a", one]]), "it is no array, record, set or graph of tasks"],
        [one, "it is no array, record, set or graph of tasks"],
        [new Set([one, 5]), "5: it is no task"]
      ]
      for (const [shape, message] of wrong) {
        const submitted = Client.submitAll(shape as Array<typeof one>)
        assert.include((yield* mistakeOf(submitted)).message, message)
      }
      yield* nothingIsLeft
    }).pipe(inScheduler()))

  it.effect("A3, C1, M2: joinAll, awaitAll, cancelAll and releaseAll take the members of sets and iterators", () =>
    Effect.gen(function*() {
      const done = yield* Client.submitAll({ a: Task.succeed("a"), b: Task.succeed("b") })
      const all = new Map(Object.entries(done))
      assert.deepStrictEqual(yield* Future.joinAll(all.values()), ["a", "b"])
      assert.lengthOf(yield* Future.awaitAll(new Set(all.values())), 2)
      const log: Log = []
      const open = new Set(yield* Client.submitAll([1, 2].map((n) => Task.make(endless(log, `body ${n}`)))))
      yield* turns()
      yield* Future.cancelAll(open)
      assert.deepStrictEqual(log.slice(2), ["body 1 is finalized", "body 2 is finalized"])
      yield* Future.releaseAll(all.values())
      assert.deepStrictEqual(yield* Effect.forEach(all.values(), Future.status), ["released", "released"])
    }).pipe(inScheduler()))

  it.effect("N11: joining a future that is released meanwhile fails Released, in the program and in a body", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const log: Log = []
      const future = yield* Client.submit(Task.make(endless(log, "body"), { key: "k" })).pipe(Scope.provide(scope))
      const outside = yield* Effect.forkChild(errorOf(Future.join(future)), { startImmediately: true })
      const inside = yield* Client.submit(Task.make(errorOf(Future.join(future))))
      const gathered = yield* Effect.forkChild(errorOf(Future.joinAll([future])), { startImmediately: true })
      const waited = yield* Effect.forkChild(Future.awaitFirstFailure([future]), { startImmediately: true })
      yield* turns()
      yield* Scope.close(scope, Exit.void)
      for (const error of [yield* Fiber.join(outside), yield* Future.join(inside), yield* Fiber.join(gathered)]) {
        assert.deepInclude(reasonIn(error), { _tag: "Released", key: "k" })
      }
      assert.lengthOf((yield* Fiber.join(waited)).ended, 1)
    }).pipe(inScheduler()))

  it.effect("N6: a body that waits for itself, or for what waits for it, fails Starved with the cycle", () =>
    Effect.gen(function*() {
      const self = yield* Deferred.make<Future.Future<unknown, unknown>>()
      const waitForSelf = Task.make(Effect.flatMap(Deferred.await(self), Future.join), { key: "self" })
      const future = yield* Client.submit(waitForSelf)
      yield* Deferred.succeed(self, future)
      const starved = yield* reasonOf(Future.join(future))
      assert.deepInclude(starved, { _tag: "Starved", waits: [["self", "self"]] })
      const other = yield* Deferred.make<Future.Future<unknown, unknown>>()
      const first = yield* Client.submit(
        Task.make(Effect.flatMap(Deferred.await(other), Future.join), { key: "first" })
      )
      const below = yield* Client.submit(Task.map(first, () => 1, { key: "below" }))
      yield* Deferred.succeed(other, below)
      const round = yield* reasonOf(Future.join(first))
      assert.deepInclude(round, { _tag: "Starved", waits: [["first", "below"], ["below", "first"]] })
    }).pipe(inScheduler()))

  it.effect("N3: two futures that race in a body end the wait of both, and the body goes on in a slot", () =>
    Effect.gen(function*() {
      const doors = [gate(), gate()]
      const [a, b] = yield* Client.submitAll([
        Task.make(Effect.as(doors[0]!.pass, 0)),
        Task.make(Effect.as(doors[1]!.pass, 1))
      ])
      const racer = yield* Client.submit(Task.make(Effect.race(Future.join(a), Future.join(b))))
      yield* Effect.all(doors.map((door) => door.arrived(1)))
      yield* turns()
      yield* doors[1]!.open
      assert.strictEqual(yield* Future.join(racer), 1)
      assert.strictEqual((yield* Scheduler.stats).waits, 0)
      yield* doors[0]!.open
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("M1: what ran once is not run again by a later dependent while it is claimed", () =>
    Effect.gen(function*() {
      const log: Log = []
      const future = yield* Client.submit(Task.make(note(log, "once")))
      for (let i = 0; i < 3; i++) yield* Client.compute(Task.map(future, (s) => s))
      assert.deepStrictEqual(log, ["once"])
    }).pipe(inScheduler()))
})
