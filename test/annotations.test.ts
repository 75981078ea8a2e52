import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Skein from "skein/Skein"
import { WorkerKilled } from "skein/SkeinError"
import * as Task from "skein/Task"
import { Faults, Simulation } from "skein/testing"
import * as Worker from "skein/Worker"
import { inScheduler } from "./harness.ts"
import { errorOf, explanationOf, mistakeOf, reasonOf } from "./support.ts"

const known = Effect.fnUntraced(function*<A, E>(future: Future.Future<A, E>) {
  const { label, priority } = yield* Future.metadata(future)
  return { label, priority }
})

const submitted = <A, E, R>(task: Task.Task<A, E, R>) => Effect.flatMap(Client.submit(task), known)

describe("annotations", () => {
  it.effect("G16: a region gives its options to what is submitted there, and to nothing else", () =>
    inScheduler()(Effect.gen(function*() {
      const task = Task.succeed(1)
      const plain = { label: undefined, priority: 0 }
      assert.deepStrictEqual(yield* submitted(task), plain)
      const inside = submitted(task).pipe(Client.annotate({ label: "nightly", priority: 3 }))
      assert.deepStrictEqual(yield* inside, { label: "nightly", priority: 3 })
      assert.deepStrictEqual(yield* submitted(task), plain)
    })))

  it.effect("G16: a layer sets the options of a region, which are read back, and annotate adds to them", () =>
    inScheduler()(Effect.gen(function*() {
      const task = Task.sync(() => 1)
      const present = Effect.gen(function*() {
        return yield* Client.CurrentAnnotations
      })
      assert.deepStrictEqual(yield* present, {})
      const child = Effect.scoped(submitted(task))
      const both = Effect.all([
        child,
        Client.compute(Task.make(child)),
        Client.annotate(child, { priority: 5 }),
        Client.annotate(present, { namespace: "b", priority: 5 }),
        Client.annotate(present, { priority: undefined })
      ])
      const region = { label: "nightly", priority: 3, namespace: "a" }
      const expected = { label: "nightly", priority: 3 }
      const found = [
        expected,
        expected,
        { ...expected, priority: 5 },
        { ...region, namespace: "a/b", priority: 5 },
        region
      ]
      assert.deepStrictEqual<unknown>(
        yield* Effect.provide(both, Layer.succeed(Client.CurrentAnnotations, region)),
        found
      )
      assert.deepStrictEqual<unknown>(yield* Effect.provideService(both, Client.CurrentAnnotations, region), found)
      assert.deepStrictEqual(yield* submitted(task), { label: undefined, priority: 0 })
    })))

  it.effect("G16: what a layer sets wrongly is refused as annotate refuses it, until a region inside replaces it", () =>
    inScheduler()(Effect.gen(function*() {
      const task = Task.sync(() => 1)
      const given: ReadonlyArray<unknown> = [
        { priority: "high" },
        { labl: "x" },
        { retry: Schedule.recurs(1), idempotent: false },
        ["label"],
        task,
        "label"
      ]
      for (const wrong of given as ReadonlyArray<Client.Annotations>) {
        const set = yield* mistakeOf(Effect.provideService(Client.compute(task), Client.CurrentAnnotations, wrong))
        const annotated = yield* mistakeOf(Client.annotate(Client.compute(task), wrong))
        assert.strictEqual(set.message, annotated.message)
        const inner = Client.annotate(Client.compute(task), { label: "x" })
        yield* mistakeOf(Effect.provideService(inner, Client.CurrentAnnotations, wrong))
      }
      const mended = Client.annotate(submitted(task), { priority: 2 })
      const wrong = { priority: "high" } as unknown as Client.Annotations
      assert.deepStrictEqual(yield* Effect.provideService(mended, Client.CurrentAnnotations, wrong), {
        label: undefined,
        priority: 2
      })
    })))

  it.effect("G16: a key formed by itself begins with the label of the region", () =>
    inScheduler()(Effect.gen(function*() {
      const future = yield* Client.annotate(Client.submit(Task.sync(() => 1)), { label: "nightly" })
      assert.match(future.key, /^nightly#\d+$/)
    })))

  it.effect("G16: a task's own options win, and an inner region wins option by option", () =>
    inScheduler()(Effect.gen(function*() {
      const own = Task.sync(() => 1, { label: "own" })
      const inner = Effect.all([submitted(own), submitted(Task.sync(() => 2))]).pipe(Client.annotate({ priority: 2 }))
      assert.deepStrictEqual(yield* Client.annotate(inner, { label: "outer", priority: 1 }), [
        { label: "own", priority: 2 },
        { label: "outer", priority: 2 }
      ])
    })))

  it.effect("G16: every task of a graph has them, and starts by the priority of the region", () =>
    inScheduler({ concurrency: 1 })(Effect.gen(function*() {
      const started: Array<string> = []
      const step = (name: string) => Task.sync(() => void started.push(name), { label: name })
      const gate = yield* Client.submit(Task.make(Effect.yieldNow))
      yield* Client.submitAll([step("a"), step("b")])
      const urgent = yield* Client.annotate(
        Client.submit(Task.map([step("c"), step("d")], () => void started.push("e"))),
        { priority: 1 }
      )
      yield* Future.join(urgent)
      yield* Future.join(gate)
      assert.deepStrictEqual(started, ["c", "d", "e"])
    })))

  it.effect("G16: what bodies submit has them, and of one region the priority of the task that submits", () =>
    inScheduler()(Effect.gen(function*() {
      const child = Effect.scoped(submitted(Task.sync(() => 1)))
      const tree = Task.make(child, { priority: 7 })
      const flat = Task.flatMap([], () => Task.make(child), { priority: 5 })
      const found = Client.compute([tree, flat, Task.make(child)]).pipe(
        Client.annotate({ label: "region", priority: 1 })
      )
      assert.deepStrictEqual(yield* found, [
        { label: "region", priority: 7 },
        { label: "region", priority: 5 },
        { label: "region", priority: 1 }
      ])
    })))

  it.effect("G16: a region inside a body counts for what is submitted there", () =>
    inScheduler()(Effect.gen(function*() {
      const child = Effect.scoped(submitted(Task.sync(() => 1)))
      const parent = Task.make(Client.annotate(child, { priority: 2 }), { priority: 7 })
      assert.deepStrictEqual(yield* Client.annotate(Client.compute(parent), { label: "l", priority: 1 }), {
        label: "l",
        priority: 2
      })
    })))

  it.effect("G16: tasks without a schedule of their own are tried again by that of the region", () =>
    inScheduler()(Effect.gen(function*() {
      const attempts = Effect.flatMap(Worker.current, ({ attempt }) => Effect.fail(attempt))
      const ends = Client.compute([Task.make(attempts), Task.make(attempts, { retry: Schedule.recurs(0) })], {
        mode: "collect"
      })
      const exits = yield* Client.annotate(ends, { retry: Schedule.recurs(2) })
      assert.deepStrictEqual(exits.map((exit) => Exit.isFailure(exit) && Exit.findErrorOption(exit)), [
        Exit.findErrorOption(Exit.fail(3)),
        Exit.findErrorOption(Exit.fail(1))
      ] as never)
    })))

  it.effect("G16: an attempt has the grace of its region, unless its task names one", () =>
    inScheduler({ grace: "1 hour" })(Effect.gen(function*() {
      const door = yield* Deferred.make<void>()
      const stubborn = (options: { readonly key: string; readonly grace?: string }) =>
        Task.make(Effect.uninterruptible(Deferred.await(door)), options as { readonly key: string })
      const tasks = [stubborn({ key: "region" }), stubborn({ key: "own", grace: "1 minute" })] as const
      const futures = yield* Client.annotate(Client.submitAll(tasks), { grace: "1 second" })
      const [patient] = yield* Client.submitAll([stubborn({ key: "patient" })])
      yield* Effect.repeat(Effect.yieldNow, { times: 9 })
      yield* Effect.forEach([...futures, patient], (future) => Future.cancel(future, { wait: false }))
      yield* TestClock.adjust("1 second")
      const overdue = Effect.forEach(
        ["region", "own", "patient"],
        (key) => Effect.map(explanationOf(key), (found) => found?.because._tag === "Stopping" && found.because.overdue)
      )
      assert.deepStrictEqual(yield* overdue, [true, false, false])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* overdue, [true, true, false])
      yield* Deferred.succeed(door, undefined)
    })))

  it.effect("G16: in a region that is not idempotent no task is started twice, but those with a schedule of their own", () =>
    inScheduler({ workers: ["a", "b", "c"].map((id) => ({ id, concurrency: 1 })) })(Effect.gen(function*() {
      const runs: Array<string> = []
      const twice = (key: string, options: Task.Options = {}) =>
        Task.make(
          Effect.suspend(() => runs.push(key) < 3 ? Effect.never : Effect.succeed(key)),
          { key, ...options }
        )
      const charge = twice("charge")
      const again = twice("again", { retry: Schedule.recurs(1) })
      const futures = yield* Client.annotate(Client.submitAll([charge, again]), { idempotent: false })
      yield* Effect.repeat(Effect.yieldNow, { times: 9 })
      assert.sameMembers(runs, ["charge", "again"])
      for (const future of futures) yield* Faults.loseWorker((yield* Future.metadata(future)).worker!)
      assert.instanceOf(yield* reasonOf(Future.join(futures[0])), WorkerKilled)
      assert.strictEqual(yield* Future.join(futures[1]), "again")
      assert.sameMembers(runs, ["charge", "again", "again"])
    })))

  it.effect("G16: retry and idempotent exclude each other: the inner region wins, and one that says both is refused", () =>
    inScheduler()(Effect.gen(function*() {
      const never = { idempotent: false } as const
      const often = { retry: Schedule.recurs(2) } as const
      const attempts = Client.compute(
        Task.make(Effect.flatMap(Worker.current, ({ attempt }) => Effect.fail(attempt)))
      )
      const attempt = (outer: Client.Annotations, inner: Client.Annotations) =>
        errorOf(attempts.pipe(Client.annotate(inner), Client.annotate(outer)))
      assert.strictEqual(yield* attempt(often, never), 1)
      assert.strictEqual(yield* attempt(never, often), 3)
      const { reason } = yield* mistakeOf(attempts.pipe(Client.annotate({ ...never, ...often })))
      assert.deepInclude(reason, { _tag: "InvalidOption", option: "idempotent" })
    })))

  it.live("G16, T6: a simulation knows what a region says", () =>
    Effect.gen(function*() {
      const subject = () => {
        let runs = 0
        const third = Task.make(Effect.suspend(() => ++runs < 3 ? Effect.fail("again") : Effect.succeed("third")))
        return Task.make(Client.annotate(Client.compute(third), { retry: Schedule.recurs(2) }))
      }
      const { schedules } = yield* Simulation.run(subject, { seeds: 10, faults: Faults.none })
      assert.strictEqual(schedules, 10)
    }))

  it.effect("G16: an annotation that cannot be is refused before anything starts", () =>
    inScheduler()(Effect.gen(function*() {
      let ran = 0
      const program = Client.compute(Task.sync(() => ++ran)).pipe(Client.annotate({ priority: NaN }))
      const error = yield* mistakeOf(program)
      assert.strictEqual(error.message, "The option priority cannot be NaN: expected a finite number.")
      assert.strictEqual(ran, 0)
    })))

  it.effect("trap 19: fifty fibers, each with an annotation of its own and sleeps, each see their own", () =>
    Effect.gen(function*() {
      const run = Effect.fnUntraced(function*(n: number) {
        yield* Effect.sleep(yield* Random.nextIntBetween(0, 20))
        const child = Effect.scoped(submitted(Task.make(Effect.sleep(1))))
        const slow = Task.make(Effect.andThen(Effect.sleep(1 + n % 3), child))
        return yield* Client.compute([slow, Task.flatMap(slow, () => slow)])
      })
      const all = Effect.forEach(
        Array.from({ length: 50 }, (_, n) => n),
        (n) => Client.annotate(run(n), { label: `l${n}`, priority: n }),
        { concurrency: "unbounded" }
      ).pipe(Random.withSeed(19), Effect.provide(Skein.layer({ concurrency: 5 })))
      const fiber = yield* Effect.forkChild(all)
      yield* TestClock.adjust("1 minute")
      for (const [n, seen] of (yield* Fiber.join(fiber)).entries()) {
        const own = { label: `l${n}`, priority: n }
        assert.deepStrictEqual(seen, [own, own])
      }
    }))
})
