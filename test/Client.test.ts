import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { pipe } from "effect/Function"
import * as Option from "effect/Option"
import { TestClock } from "effect/testing"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Task from "skein/Task"
import * as Worker from "skein/Worker"
import { fib, gate, inQuietScheduler, inScheduler, type Log, note, turns } from "./harness.ts"
import { longOr } from "./long.ts"
import {
  causeOf,
  causeOfExit,
  defectsIn,
  errorOf,
  errorsIn,
  exitNow,
  mistakeOf,
  onlyError,
  submitErrorOf
} from "./support.ts"

const fails = (error: string) => Task.make(Effect.fail(error), { key: error })

describe("submit", () => {
  it.effect("A1: two awaits of a future run its task once and give one value", () =>
    Effect.gen(function*() {
      const log: Log = []
      const future = yield* Client.submit(Task.make(note(log, "ran")))
      const [a, b] = yield* Effect.all([Future.join(future), Future.join(future)], { concurrency: 2 })
      const exit = yield* Future.await(future)
      assert.deepStrictEqual([a, b, exit, log], ["ran", "ran", Exit.succeed("ran"), ["ran"]])
    }).pipe(inScheduler()))

  it.effect("A1: a future tells its key, status and exit while it goes from waiting to its end", () =>
    Effect.gen(function*() {
      const door = gate()
      const first = Task.make(Effect.as(door.pass, 1), { key: "first" })
      const [one, two] = yield* Client.submitAll([first, Task.map(first, (n) => n + 1)])
      yield* door.arrived(1)
      assert.deepStrictEqual([yield* Future.status(one), yield* Future.status(two)], ["running", "waiting"])
      assert.deepStrictEqual(yield* Future.poll(one), Option.none())
      yield* door.open
      assert.strictEqual(yield* Future.join(two), 2)
      assert.deepStrictEqual([yield* Future.status(one), yield* Future.status(two)], ["succeeded", "succeeded"])
      assert.deepStrictEqual([yield* Future.poll(one), yield* Future.poll(two)], [
        Option.some(Exit.succeed(1)),
        Option.some(Exit.succeed(2))
      ])
      assert.strictEqual(one.key, "first")
      assert.notStrictEqual(two.key, one.key)
    }).pipe(inScheduler()))

  it.effect("A1: metadata has the times, the worker, the submitter and the dependencies of a task", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust(1000)
      const slow = Task.make(Effect.sleep(50), { key: "slow" })
      const next = Task.make({ slow }, () => Effect.sleep(30), { key: "next", label: "step", priority: 3 })
      const future = yield* Client.submit(next)
      yield* turns()
      yield* TestClock.adjust(50)
      yield* turns()
      yield* TestClock.adjust(30)
      yield* Future.join(future)
      assert.deepStrictEqual(yield* Future.metadata(future), {
        key: "next",
        graph: 1,
        label: "step",
        status: "succeeded",
        priority: 3,
        submitter: "program",
        dependencies: ["slow"],
        worker: "local",
        submitted: 1000,
        started: 1050,
        completed: 1080,
        attempts: [{ attempt: 1, worker: "local", started: 1050, completed: 1080 }]
      })
    }).pipe(inScheduler()))

  it.effect("A1: a keyed task that is live is joined, and runs anew once it is gone", () =>
    Effect.gen(function*() {
      const log: Log = []
      const task = Task.make(note(log, "ran"), { key: "k" })
      yield* Effect.scoped(Effect.gen(function*() {
        const one = yield* Client.submit(task)
        yield* Future.join(one)
        const two = yield* Client.submit(task)
        assert.strictEqual(yield* Future.join(two), "ran")
        assert.deepStrictEqual(log, ["ran"])
      }))
      yield* Future.join(yield* Client.submit(task))
      assert.deepStrictEqual(log, ["ran", "ran"])
    }).pipe(inScheduler()))

  it.effect("A1: a task without a key runs anew at each submission, once within one", () =>
    Effect.gen(function*() {
      const log: Log = []
      const task = Task.make(note(log, "ran"))
      const [a, b] = yield* Client.submitAll([task, task])
      yield* Future.joinAll([a, b])
      assert.lengthOf(log, 1)
      yield* Future.join(yield* Client.submit(task))
      assert.lengthOf(log, 2)
    }).pipe(inScheduler()))

  it.effect("A1: submitting nothing gives nothing", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* Client.submitAll([]), [])
    }).pipe(inScheduler()))
})

describe("map", () => {
  it.effect("A2: results come in the order of the items, whatever ends first", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(
        Client.forEach([3, 1, 2], (n, i) => Effect.as(Effect.sleep(n), `${i}:${n}`)),
        { startImmediately: true }
      )
      yield* turns()
      for (let i = 0; i < 3; i++) yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* Fiber.join(fiber), ["0:3", "1:1", "2:2"])
    }).pipe(inScheduler()))

  it.effect("A2: no items give no results and run nothing", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* Client.forEach([], () => Effect.die("never")), [])
    }).pipe(inScheduler()))

  it.effect("A2: zipped inputs give one argument from each, with tasks among them, as far as the shortest goes", () =>
    Effect.gen(function*() {
      const f = ([a, b]: readonly [number, string]) => Effect.succeed(a + b)
      assert.deepStrictEqual(yield* Client.forEach(Arr.zip([1, 2, 3], ["a", "b"]), f), ["1a", "2b"])
      const tasks = [Task.succeed(1), Task.succeed(2)]
      assert.deepStrictEqual(yield* Client.forEach(Arr.zip(tasks, ["a", "b"]), f), ["1a", "2b"])
    }).pipe(inScheduler()))

  /** Bodies that are at work until the clock moves, with the most that were at once, and the order of their starts. */
  const crowd = () => {
    const started: Array<number> = []
    let busy = 0
    const seen = { most: 0, started }
    const body = (n: number) =>
      Effect.acquireUseRelease(
        Effect.sync(() => {
          started.push(n)
          seen.most = Math.max(seen.most, ++busy)
        }),
        () => Effect.as(Effect.sleep(10), n),
        () => Effect.sync(() => void busy--)
      )
    return { body, seen }
  }

  const untilEnd = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
      for (let i = 0; i < 10; i++) {
        yield* turns()
        yield* TestClock.adjust(10)
      }
      return yield* Fiber.join(fiber)
    })

  it.effect("A2: with a concurrency no more tasks of a call run at once, in the order of the items, on all workers", () =>
    Effect.gen(function*() {
      const [one, two, other] = [crowd(), crowd(), crowd()]
      const numbers = [1, 2, 3, 4, 5]
      yield* untilEnd(Effect.all([
        Client.forEach(numbers, one.body, { concurrency: 1 }),
        Client.forEach(numbers, two.body, { concurrency: 2, task: { tags: ["own"] } }),
        Client.forEach(numbers, other.body, { concurrency: "unbounded" })
      ], { concurrency: "unbounded" }))
      assert.deepStrictEqual([one.seen.most, two.seen.most, other.seen.most], [1, 2, 5])
      // Without a bound, the bodies of one worker may all begin before those of another.
      for (const { seen } of [one, two]) assert.deepStrictEqual(seen.started, numbers)
      assert.isUndefined((yield* Scheduler.stats).tags)
    }).pipe(inScheduler({ workers: [{ id: "a", concurrency: 4 }, { id: "b", concurrency: 4 }] })))

  it.effect("A2: a task of a call that waits for others counts no more meanwhile, so calls in calls go on", () =>
    Effect.gen(function*() {
      const { body, seen } = crowd()
      const nested = Client.forEach([1, 2], (n) => Client.forEach([n, n + 2], body, { concurrency: 1 }), {
        concurrency: 1
      })
      assert.deepStrictEqual(yield* untilEnd(nested), [[1, 3], [2, 4]])
      assert.deepStrictEqual(seen, { most: 2, started: [1, 2, 3, 4] })
    }).pipe(inScheduler({ concurrency: 4 })))

  it.effect("A2: nothing is left of a limit when its call has failed, was interrupted, or is over", () =>
    Effect.gen(function*() {
      const tags = Effect.map(Scheduler.stats, ({ tags }) => tags)
      const { body } = crowd()
      const failing = (n: number) => n === 2 ? Effect.fail("no" as const) : body(n)
      for (const mode of ["failFast", "continue", "collect"] as const) {
        yield* untilEnd(Effect.exit(Client.forEach([1, 2, 3], failing, { concurrency: 1, mode })))
        assert.isUndefined(yield* tags)
      }
      const running = yield* Effect.forkChild(
        Client.forEach([1, 2, 3], body, { concurrency: 2, task: { label: "x" } }),
        {
          startImmediately: true
        }
      )
      yield* turns()
      const [name, held] = Object.entries((yield* tags)!)[0]!
      assert.deepStrictEqual(held, { limit: 2, used: 2 })
      const waiting = (yield* Scheduler.dump).tasks.find(({ state }) => state === "ready")!
      const explained = Option.map(yield* Scheduler.explain(waiting.key), Scheduler.explainText)
      assert.include(Option.getOrThrow(explained), `lacks 1 of the tag "${name}", where 0 is free (held by "x#`)
      yield* Fiber.interrupt(running)
      assert.isUndefined(yield* tags)
      const refused = yield* mistakeOf(Client.forEach([1, 2], body, { concurrency: 0 }))
      assert.strictEqual(
        refused.message,
        "The option concurrency cannot be 0: expected a positive whole number, or \"unbounded\"."
      )
    }).pipe(inScheduler({ concurrency: 4 })))

  it.effect("A2: with discard all run, and the call gives nothing, in each mode and through a pipe", () =>
    Effect.gen(function*() {
      const log: Log = []
      const f = (n: number) => n === 2 ? Effect.fail("no" as const) : note(log, `${n}`)
      assert.isUndefined(yield* Client.forEach([1, 3], f, { discard: true }))
      assert.isUndefined(yield* Client.forEach([4, 2, 5], f, { discard: true, mode: "collect" }))
      const cause = yield* causeOf(Client.forEach([2, 6], f, { discard: true, mode: "continue" }))
      assert.deepStrictEqual(errorsIn(cause), ["no"])
      assert.isUndefined(
        yield* pipe(
          [Task.succeed(7), 8],
          Client.forEach(function*(n) {
            yield* f(n)
          }, { discard: true })
        )
      )
      assert.deepStrictEqual(log, ["1", "3", "4", "5", "6", "7", "8"])
      const cache = new Map<string, unknown>()
      yield* Client.forEach([9], f, { discard: true, cache, task: { key: "nine" } })
      assert.deepStrictEqual([...cache], [["nine", "9"]])
      const stray = Client.forEach([1], (() => Effect.succeed(Task.void)) as never, { discard: true })
      assert.include(String(defectsIn(yield* causeOf(stray))[0]), "gave a Task, which nothing runs")
      const none = Client.forEach([1], (() => 5) as never, { discard: true })
      assert.include(String(defectsIn(yield* causeOf(none))[0]), "returned 5 instead of an Effect")
    }).pipe(inScheduler()))

  it.effect("G20: items come through a pipe, once for each of several inputs too", () =>
    Effect.gen(function*() {
      const double = Client.forEach((n: number) => Effect.succeed(2 * n), { task: { label: "double" } })
      assert.deepStrictEqual(yield* Effect.forEach([[1, 2], [3]], double), [[2, 4], [6]])
      const piped = pipe([Task.succeed("a"), "b"], Client.forEach((text, i) => Effect.succeed(`${text}${i}`)))
      assert.deepStrictEqual(yield* piped, ["a0", "b1"])
      assert.deepStrictEqual(yield* Effect.flatMap(Effect.succeed([1]), double), [2])
    }).pipe(inScheduler()))

  it.effect("A2: each call has its own key, label and priority", () =>
    Effect.gen(function*() {
      const log: Log = []
      const f = (n: number) =>
        Effect.flatMap(Worker.current, ({ key }) => Effect.sync(() => void log.push(`${key}=${n}`)))
      yield* Client.forEach([1, 2, 3], f, { task: (n, i) => ({ key: `item${i}`, label: "item", priority: n }) })
      assert.deepStrictEqual(log, ["item2=3", "item1=2", "item0=1"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("A2: items may be tasks and futures, each run once", () =>
    Effect.gen(function*() {
      const log: Log = []
      const a = Task.make(note(log, "a"))
      const b = yield* Client.submit(Task.make(note(log, "b")))
      const result = yield* Client.forEach([a, b, "c", a] as const, (item) => Effect.succeed(`${item}!`))
      assert.deepStrictEqual(result, ["a!", "b!", "c!", "a!"])
      assert.deepStrictEqual(log.toSorted(), ["a", "b"])
    }).pipe(inScheduler()))
})

describe("joinAll", () => {
  it.effect("A3: values come in the shape of the futures, plain values between them kept", () =>
    Effect.gen(function*() {
      const [a, b] = yield* Client.submitAll([Task.succeed(1), Task.make(Effect.succeed("two"))])
      const shape = yield* Future.joinAll({ a, deep: [b, { again: a }], n: 7 })
      assert.deepStrictEqual(shape, { a: 1, deep: ["two", { again: 1 }], n: 7 })
    }).pipe(inScheduler()))

  it.effect("A3: joinAll of nothing, of plain values and of falsy results gives what was asked (trap 7)", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* Future.joinAll([]), [])
      assert.deepStrictEqual(yield* Future.joinAll({}), {})
      assert.deepStrictEqual(yield* Future.joinAll({ n: 0 }), { n: 0 })
      const falsy = [0, "", false, null, undefined]
      const futures = yield* Client.submitAll(falsy.map((value) => Task.make(Effect.succeed(value))))
      assert.deepStrictEqual(yield* Future.joinAll(futures), falsy)
      assert.deepStrictEqual(yield* Future.awaitAll(futures), falsy.map((v) => Exit.succeed(v)))
      for (const [i, future] of futures.entries()) {
        assert.deepStrictEqual(yield* exitNow(future), Exit.succeed(falsy[i]))
        assert.strictEqual(yield* Future.join(future), falsy[i])
      }
    }).pipe(inScheduler()))

  it.effect("A3: failFast fails with the first failure while others still run, and stops none of them", () =>
    Effect.gen(function*() {
      const door = gate()
      const [slow, bad] = yield* Client.submitAll([Task.make(Effect.as(door.pass, "done")), fails("bad")])
      assert.strictEqual(yield* errorOf(Future.joinAll([slow, bad])), "bad")
      assert.strictEqual(yield* Future.status(slow), "running")
      yield* door.open
      assert.strictEqual(yield* Future.join(slow), "done")
    }).pipe(inScheduler()))

  it.effect("A3: continue waits for all and fails with every root failure once", () =>
    Effect.gen(function*() {
      const door = gate()
      const a = fails("a")
      const futures = yield* Client.submitAll([
        Task.make(Effect.andThen(door.pass, Effect.fail("late"))),
        a,
        Task.map(a, () => 1),
        Task.succeed(2)
      ])
      const fiber = yield* Effect.forkChild(causeOf(Future.joinAll(futures, { mode: "continue" })))
      yield* turns()
      assert.isUndefined(fiber.pollUnsafe())
      yield* door.open
      assert.sameMembers([...errorsIn(yield* Fiber.join(fiber))], ["a", "late"])
    }).pipe(inScheduler()))

  it.effect("A3: collect gives an exit for each", () =>
    Effect.gen(function*() {
      const futures = yield* Client.submitAll([Task.succeed(1), fails("bad")])
      const [good, bad] = yield* Future.awaitAll(futures)
      assert.deepStrictEqual(good, Exit.succeed(1))
      assert.strictEqual(onlyError(causeOfExit(bad)), "bad")
    }).pipe(inScheduler()))
})

describe("wait", () => {
  const three = Effect.gen(function*() {
    const doors = [gate(), gate(), gate()]
    const [a, b, c] = yield* Client.submitAll([
      Task.make(doors[0]!.pass, { key: "a" }),
      Task.make(Effect.andThen(doors[1]!.pass, Effect.fail("b")), { key: "b" }),
      Task.make(doors[2]!.pass, { key: "c" })
    ])
    return { futures: [a, b, c], open: (i: number) => doors[i]!.open }
  })

  const keys = (futures: ReadonlyArray<Future.Future<unknown, unknown>>) => futures.map(({ key }) => key)

  it.effect("A4: awaitAll returns the exits when every one has ended, success or not", () =>
    Effect.gen(function*() {
      const { futures, open } = yield* three
      const fiber = yield* Effect.forkChild(Future.awaitAll(futures), { startImmediately: true })
      for (const i of [1, 0]) yield* Effect.andThen(open(i), turns())
      assert.isUndefined(fiber.pollUnsafe())
      yield* open(2)
      const exits = yield* Fiber.join(fiber)
      assert.deepStrictEqual(exits.map(({ _tag }) => _tag), ["Success", "Failure", "Success"])
    }).pipe(inScheduler()))

  it.effect("A4: awaitFirst returns with the first, success or not", () =>
    Effect.gen(function*() {
      const { futures, open } = yield* three
      const fiber = yield* Effect.forkChild(Future.awaitFirst(futures), { startImmediately: true })
      yield* open(2)
      const { ended, open: rest } = yield* Fiber.join(fiber)
      assert.deepStrictEqual([keys(ended), keys(rest)], [["c"], ["a", "b"]])
      assert.deepStrictEqual(keys((yield* Future.awaitFirst(futures)).ended), ["c"])
      for (const i of [0, 1]) yield* open(i)
    }).pipe(inScheduler()))

  it.effect("A4: awaitFirstFailure returns with the first failure, or when all have succeeded", () =>
    Effect.gen(function*() {
      const { futures, open } = yield* three
      const fiber = yield* Effect.forkChild(Future.awaitFirstFailure(futures), { startImmediately: true })
      yield* Effect.andThen(open(0), turns())
      assert.isUndefined(fiber.pollUnsafe())
      yield* open(1)
      const { ended, open: rest } = yield* Fiber.join(fiber)
      assert.deepStrictEqual([keys(ended), keys(rest)], [["a", "b"], ["c"]])
      yield* open(2)
      const good = [futures[0]!, futures[2]!]
      assert.deepStrictEqual(keys((yield* Future.awaitFirstFailure(good)).ended), ["a", "c"])
    }).pipe(inScheduler()))

  it.effect("A4: waiting for nothing returns at once, and a future given twice counts twice", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* Future.awaitAll([]), [])
      for (const wait of [Future.awaitFirst, Future.awaitFirstFailure]) {
        assert.deepStrictEqual(yield* wait([]), { ended: [], open: [] })
      }
      const door = gate()
      const future = yield* Client.submit(Task.make(door.pass))
      const fiber = yield* Effect.forkChild(Future.awaitAll([future, future]), { startImmediately: true })
      yield* Effect.andThen(turns(), door.open)
      assert.lengthOf(yield* Fiber.join(fiber), 2)
    }).pipe(inScheduler()))
})

describe("compute", () => {
  it.effect("A6: what several targets depend on runs once", () =>
    Effect.gen(function*() {
      const log: Log = []
      const shared = Task.make(note(log, "shared"))
      const left = Task.make(shared, (s) => note(log, `left of ${s}`))
      const right = Task.make([shared, left], ([s]) => note(log, `right of ${s}`))
      const result = yield* Client.compute({ left, right, shared, again: [right, shared] })
      assert.deepStrictEqual(result, {
        left: "left of shared",
        right: "right of shared",
        shared: "shared",
        again: ["right of shared", "shared"]
      })
      assert.deepStrictEqual(log, ["shared", "left of shared", "right of shared"])
    }).pipe(inScheduler()))

  it.effect("A6: two computes of one keyed task at once share its run, and one that stops leaves it to the other", () =>
    Effect.gen(function*() {
      const log: Log = []
      const door = gate()
      const task = Task.make(Effect.andThen(door.pass, note(log, "ran")), { key: "k" })
      const one = yield* Effect.forkChild(Client.compute(task), { startImmediately: true })
      const two = yield* Effect.forkChild(Client.compute([task]), { startImmediately: true })
      yield* door.arrived(1)
      yield* Fiber.interrupt(one)
      yield* door.open
      assert.deepStrictEqual(yield* Fiber.join(two), ["ran"])
      assert.deepStrictEqual(log, ["ran"])
      assert.strictEqual(door.count(), 1)
    }).pipe(inScheduler()))

  it.effect("G3: values come in the nested shape that was asked for, duplicates included", () =>
    Effect.gen(function*() {
      const a = Task.make(Effect.succeed(1))
      const b = yield* Client.submit(Task.make(Effect.succeed(2)))
      const shape = { x: [a, [b, a]], y: { z: { w: b } }, plain: [1, "two", null], a } as const
      assert.deepStrictEqual(yield* Client.compute(shape), {
        x: [1, [2, 1]],
        y: { z: { w: 2 } },
        plain: [1, "two", null],
        a: 1
      })
      assert.deepStrictEqual(yield* Client.compute([a, a, a]), [1, 1, 1])
      assert.strictEqual(yield* Client.compute(a), 1)
      assert.strictEqual(yield* Client.compute(b), 2)
    }).pipe(inScheduler()))

  it.effect("G3: an empty request gives an empty result in every mode (trap 7)", () =>
    Effect.gen(function*() {
      for (const mode of ["failFast", "continue", "collect"] as const) {
        assert.deepStrictEqual(yield* Client.compute([], { mode }), [])
        assert.deepStrictEqual(yield* Client.compute({}, { mode }), {})
        assert.deepStrictEqual(yield* Client.compute({ a: [], b: {} }, { mode }), { a: [], b: {} })
      }
      assert.deepStrictEqual(yield* Client.compute(Task.all([])), [])
      assert.deepStrictEqual(yield* Client.compute(Task.all({})), {})
    }).pipe(inScheduler()))

  it.effect("G3: falsy results are results, as inputs too (trap 7)", () =>
    Effect.gen(function*() {
      const falsy = [0, "", false, null, undefined]
      const tasks = falsy.map((value) => Task.make(Effect.succeed(value)))
      assert.deepStrictEqual(yield* Client.compute(tasks), falsy)
      assert.deepStrictEqual(yield* Client.compute(Task.map(tasks, (values) => values)), falsy)
      assert.deepStrictEqual(yield* Client.compute(tasks, { mode: "continue" }), falsy)
      assert.deepStrictEqual(
        yield* Client.compute(falsy.map((value) => Task.flatMap(1, () => Task.succeed(value)))),
        falsy
      )
      assert.deepStrictEqual(yield* Client.compute(tasks, { mode: "collect" }), falsy.map((v) => Exit.succeed(v)))
    }).pipe(inScheduler()))

  it.effect("G14: tasks may depend on ended, failed, cancelled and running ones; those that ended count at once (D9)", () =>
    Effect.gen(function*() {
      const door = gate()
      const [ended, failed, running, cancelled] = yield* Client.submitAll([
        Task.make(Effect.succeed(1), { key: "ended" }),
        fails("failed"),
        Task.make(Effect.as(door.pass, 2), { key: "running" }),
        Task.make(Effect.never, { key: "cancelled" })
      ])
      yield* Future.awaitAll([ended, failed])
      assert.strictEqual(yield* Client.compute(Task.map(ended, (n) => n + 1)), 2)
      const error = yield* errorOf(Client.compute(Task.map([ended, failed], () => 0, { key: "below" })))
      assert.deepInclude(error, { _tag: "DependencyFailed", root: "failed", path: ["failed", "below"] })
      const caught = yield* Client.compute(Task.map(Task.exit(failed), Exit.isFailure))
      assert.isTrue(caught)
      const later = yield* Client.submit(Task.map([running, ended], ([a, b]) => a + b))
      yield* turns()
      assert.strictEqual(yield* Future.status(later), "waiting")
      yield* door.open
      assert.strictEqual(yield* Future.join(later), 3)
      yield* Future.cancel(cancelled)
      const refused = yield* submitErrorOf(Client.submit(Task.map(cancelled, () => 0)))
      assert.strictEqual(refused.reason._tag, "InvalidDependency")
    }).pipe(inScheduler()))

  it.effect("G14: a running future may stand in the inputs more than once, and come before as well", () =>
    Effect.gen(function*() {
      const door = gate()
      const two = Task.make(Effect.as(door.pass, 2), { key: "two" })
      const [running, failing] = yield* Client.submitAll([two, Task.make(Effect.andThen(door.pass, Effect.fail("e")))])
      const again = yield* Client.submit(two)
      const sum = yield* Client.submit(
        Task.map({ running, deep: [running, again] }, ({ deep, running }) => running + deep[0] + deep[1], {
          after: running
        })
      )
      const failed = yield* Client.submit(Task.all([failing, failing, running]))
      yield* turns()
      yield* door.open
      assert.strictEqual(yield* Future.join(sum), 6)
      assert.strictEqual((yield* Effect.flip(Future.join(failed)))._tag, "DependencyFailed")
    }).pipe(inScheduler()))

  for (const length of longOr([10_000, 100_000], [30_000])) {
    it.effect(`G15: a chain of ${length} synchronous tasks completes, by inputs, effects, flatMap and failure`, () =>
      Effect.gen(function*() {
        const chain = (first: Task.Task<number, any>, next: (n: Task.Task<number, any>) => Task.Task<number, any>) => {
          let last = first
          for (let i = 1; i < length; i++) last = next(last)
          return last
        }
        const one = Task.make(Effect.succeed(1))
        assert.strictEqual(yield* Client.compute(chain(one, (n) => Task.map(n, (n) => n + 1))), length)
        assert.strictEqual(yield* Client.compute(chain(one, (n) => Task.make(n, (n) => Effect.succeed(n + 1)))), length)
        const nested = (n: number): Task.Task<number, any> =>
          n === 1 ? Task.succeed(1) : Task.flatMap(n, (n) => nested(n - 1))
        assert.strictEqual(yield* Client.compute(nested(length)), 1)
        const error: any = yield* errorOf(Client.compute(chain(fails("root"), (n) => Task.map(n, (n) => n))))
        assert.deepInclude(error, { _tag: "DependencyFailed", root: "root", error: "root" })
        assert.lengthOf(error.path, length)
      }).pipe(inQuietScheduler({ concurrency: 2 })))
  }
})

describe("selection", () => {
  const order = (log: Log) => (name: string, ...inputs: ReadonlyArray<Task.Task<any, any>>) =>
    Task.make(inputs, () => note(log, name), { label: name })

  it.effect("O1: the dependent of what ran last goes before what was ready earlier: depth first", () =>
    Effect.gen(function*() {
      const log: Log = []
      const task = order(log)
      const chains = ["a", "b", "c"].map((name) => task(`${name}3`, task(`${name}2`, task(`${name}1`))))
      yield* Client.compute(chains)
      const chainsSeen = log.map((name) => name[0])
      assert.deepStrictEqual(log.map((name) => name[1]), ["1", "2", "3", "1", "2", "3", "1", "2", "3"])
      assert.lengthOf(new Set(chainsSeen.filter((_, i) => i % 3 === 0)), 3)
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("O2: of the tasks that one completion makes ready, those start first that static order puts first", () =>
    Effect.gen(function*() {
      // root -> {a, b, c}; a -> sum, b -> sum, c -> sum
      const log: Log = []
      const task = order(log)
      const root = task("root")
      const legs = ["a", "b", "c"].map((name) => task(name, root))
      yield* Client.compute(task("sum", ...legs))
      assert.deepStrictEqual([log[0], log.slice(1, 4).toSorted(), log[4]], ["root", ["a", "b", "c"], "sum"])
      const again: Log = []
      const same = order(again)
      const first = same("root")
      yield* Client.compute(same("sum", ...["a", "b", "c"].map((name) => same(name, first))))
      assert.deepStrictEqual(again, log)
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("O5: priority comes first, then the earlier computation", () =>
    Effect.gen(function*() {
      const log: Log = []
      const door = gate()
      yield* Client.submit(Task.make(door.pass))
      yield* door.arrived(1)
      const low = yield* Client.submitAll(["a", "b"].map((name) => Task.make(note(log, name))))
      const late = yield* Client.submitAll(["c", "d"].map((name) => Task.make(note(log, name))))
      const high = yield* Client.submit(Task.make(note(log, "urgent"), { priority: 1 }))
      const idle = yield* Client.submit(Task.make(note(log, "idle"), { priority: -1 }))
      const last = yield* Client.submit(Task.make(note(log, "last")))
      yield* door.open
      yield* Future.joinAll([low, late, high, idle, last])
      assert.strictEqual(log[0], "urgent")
      assert.deepStrictEqual(log.slice(1, 3).toSorted(), ["a", "b"])
      assert.deepStrictEqual(log.slice(3, 5).toSorted(), ["c", "d"])
      assert.deepStrictEqual(log.slice(5), ["last", "idle"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("O7: a task submitted from a body starts before that task's queued siblings, unless they are more urgent", () =>
    Effect.gen(function*() {
      const log: Log = []
      const child = Task.make(note(log, "child"))
      const parent = Task.make(Effect.andThen(Client.compute(child), note(log, "parent")), { priority: 1 })
      const siblings = ["x", "y"].map((name) => Task.make(note(log, name), { priority: 1 }))
      const urgent = Task.make(note(log, "urgent"), { priority: 2 })
      const door = gate()
      yield* Client.submit(Task.make(door.pass))
      yield* door.arrived(1)
      const futures = yield* Client.submitAll([parent, ...siblings, urgent])
      yield* door.open
      yield* Future.joinAll(futures)
      assert.strictEqual(log[0], "urgent")
      assert.strictEqual(log.indexOf("parent"), log.indexOf("child") + 1)
      assert.sameMembers(log.slice(1), ["child", "parent", "x", "y"])
    }).pipe(inScheduler({ concurrency: 1 })))
})

describe("slots", () => {
  it.effect("W1: running tasks never exceed the slots, and all slots are used", () =>
    Effect.gen(function*() {
      let running = 0
      let peak = 0
      const body = Effect.gen(function*() {
        peak = Math.max(peak, ++running)
        yield* turns(3)
        running--
      })
      yield* Client.forEach(Array.from({ length: 40 }, (_, i) => i), () => body)
      assert.deepStrictEqual([running, peak], [0, 3])
    }).pipe(inScheduler({ concurrency: 3 })))

  it.effect("W1: with \"unbounded\" every task starts as soon as it is ready", () =>
    Effect.gen(function*() {
      const opened = gate()
      let running = 0
      const body = Effect.andThen(Effect.sync(() => running++), opened.pass)
      const leaves = Array.from({ length: 1000 }, () => Task.make(body))
      const fiber = yield* Effect.forkChild(Client.compute(Task.map(leaves, (all) => all.length)))
      yield* turns(20)
      assert.strictEqual(running, 1000)
      yield* opened.open
      assert.strictEqual(yield* Fiber.join(fiber), 1000)
    }).pipe(inScheduler({ concurrency: "unbounded" })))

  it.effect("W3: an idle worker takes a task before one of unbounded slots, which takes the rest", () =>
    Effect.gen(function*() {
      const opened = gate()
      const places: Array<string> = []
      const body = Effect.flatMap(
        Worker.current,
        ({ id: worker }) => Effect.andThen(Effect.sync(() => places.push(worker)), opened.pass)
      )
      const fiber = yield* Effect.forkChild(Client.compute(Array.from({ length: 5 }, () => Task.make(body))))
      yield* turns(10)
      assert.deepStrictEqual(places.toSorted(), ["all", "all", "all", "all", "two"])
      yield* opened.open
      yield* Fiber.join(fiber)
    }).pipe(inScheduler({ workers: [{ id: "all", concurrency: "unbounded" }, { id: "two", concurrency: 2 }] })))

  it.effect("W1: each of several workers keeps to its own slots", () =>
    Effect.gen(function*() {
      const running = new Map<string, number>()
      const peaks = new Map<string, number>()
      const body = Effect.gen(function*() {
        const { id: worker } = yield* Worker.current
        const count = (running.get(worker) ?? 0) + 1
        running.set(worker, count)
        peaks.set(worker, Math.max(count, peaks.get(worker) ?? 0))
        yield* turns(3)
        running.set(worker, running.get(worker)! - 1)
      })
      yield* Client.forEach(Array.from({ length: 60 }, (_, i) => i), () => body)
      assert.sameDeepMembers([...peaks], [["big", 4], ["small", 1]])
    }).pipe(inScheduler({ workers: [{ id: "small", concurrency: 1 }, { id: "big", concurrency: 4 }] })))

  it.effect("N1: inside a body the client is the same scheduler: submit, map, joinAll and wait go there", () =>
    Effect.gen(function*() {
      const outer = yield* Client.Client
      const body = Effect.gen(function*() {
        assert.strictEqual(yield* Client.Client, outer)
        const future = yield* Client.submit(Task.make(Effect.succeed(1)))
        const mapped = yield* Client.forEach([1, 2], (n) => Effect.succeed(n * 10))
        const exits = yield* Future.awaitAll([future])
        const meta = yield* Future.metadata(future)
        return [yield* Future.joinAll({ future }), mapped, exits.length, meta.submitter]
      })
      const result = yield* Client.compute(Task.make(body, { key: "parent" }))
      assert.deepStrictEqual(result, [{ future: 1 }, [10, 20], 1, "parent"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("N2: secede frees the slot at once and the next ready task starts; a second one does nothing", () =>
    Effect.gen(function*() {
      const log: Log = []
      const door = gate()
      const first = Task.make(Effect.gen(function*() {
        log.push("first")
        yield* Worker.secede
        yield* Worker.secede
        yield* door.pass
        log.push("first is away")
      }))
      const second = Task.make(note(log, "second"))
      const [a, b] = yield* Client.submitAll([first, second])
      yield* Future.join(b)
      assert.deepStrictEqual(log, ["first", "second"])
      assert.strictEqual(yield* Future.status(a), "seceded")
      yield* door.open
      yield* Future.join(a)
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("N2: as many tasks as there are secede one after the other on one slot (trap 1)", () =>
    Effect.gen(function*() {
      const door = gate()
      const futures = yield* Client.submitAll(
        Array.from({ length: 5 }, () => Task.make(Effect.andThen(Worker.secede, door.pass)))
      )
      yield* door.arrived(5)
      assert.strictEqual((yield* Scheduler.stats).tasks.seceded, 5)
      yield* door.open
      yield* Future.joinAll(futures)
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("N3: rejoin waits for a slot, ahead of ready tasks, and does nothing a second time", () =>
    Effect.gen(function*() {
      const log: Log = []
      const away = gate()
      const busy = gate()
      const first = Task.make(Effect.gen(function*() {
        yield* Worker.secede
        yield* away.pass
        yield* Worker.rejoin
        yield* Worker.rejoin
        log.push("rejoined")
        yield* turns(3)
        log.push("first")
      }))
      const second = Task.make(Effect.andThen(busy.pass, note(log, "second")))
      const third = Task.make(note(log, "third"))
      const futures = yield* Client.submitAll([first, second, third])
      yield* busy.arrived(1)
      yield* away.open
      yield* turns()
      assert.deepStrictEqual([log, yield* Future.status(futures[0])], [[], "rejoining"])
      yield* busy.open
      yield* Future.joinAll(futures)
      assert.deepStrictEqual(log, ["second", "rejoined", "first", "third"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("N4: of two fibers of one body that are away at once, the last to come back rejoins", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const opener = Task.make(Deferred.succeed(gate, undefined), { key: "opener" })
      const body = Effect.all([Worker.seceded(Effect.void), Worker.seceded(Deferred.await(gate))], { concurrency: 2 })
      const both = Task.make(body, { key: "both", priority: 1 })
      assert.deepStrictEqual(yield* Client.compute([Task.map(both, () => 1), Task.map(opener, () => 2)]), [1, 2])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("N4: seceded frees the slot for an effect and takes it again on success, failure and interruption", () =>
    Effect.gen(function*() {
      const statuses: Array<unknown> = []
      const self = yield* Deferred.make<Future.Future<unknown, unknown>>()
      const look = Effect.flatMap(Deferred.await(self), Future.status).pipe(
        Effect.tap((status) => Effect.sync(() => statuses.push(status)))
      )
      const body = Effect.gen(function*() {
        yield* look
        yield* Worker.seceded(Effect.andThen(look, Worker.seceded(look)))
        yield* look
        yield* Effect.ignore(Worker.seceded(Effect.andThen(look, Effect.fail("no"))))
        yield* look
        const fiber = yield* Effect.forkChild(Worker.seceded(Effect.andThen(look, Effect.never)), {
          startImmediately: true
        })
        yield* turns()
        yield* Fiber.interrupt(fiber)
        yield* look
      })
      const future = yield* Client.submit(Task.make(body))
      yield* Deferred.succeed(self, future)
      yield* Future.join(future)
      assert.deepStrictEqual(statuses, [
        "running",
        "seceded",
        "seceded",
        "running",
        "seceded",
        "running",
        "seceded",
        "running"
      ])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("N5: fib(12) by recursive tasks completes on one slot", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Client.compute(fib(12)), 144)
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("N5: fib(12) by futures completes on one slot and on three", () => {
    const fibs = (n: number): Effect.Effect<number, any, any> =>
      n < 2 ? Effect.succeed(n) : Effect.gen(function*() {
        const a = yield* Client.submit(Task.make(fibs(n - 1)))
        const b = yield* Client.submit(Task.make(fibs(n - 2)))
        return (yield* Future.join(a) as any) + (yield* Future.join(b) as any)
      })
    const program = Effect.map(Client.compute(Task.make(fibs(12))), (n) => assert.strictEqual(n, 144))
    return Effect.all([
      program.pipe(inScheduler({ concurrency: 1 })),
      program.pipe(inScheduler({ concurrency: 3 }))
    ]) as Effect.Effect<unknown>
  })

  it.effect("N5: several fibers of one body that wait at once free one slot and take one", () =>
    Effect.gen(function*() {
      const log: Log = []
      const body = Effect.gen(function*() {
        const children = ["a", "b", "c"].map((name) => Client.compute(Task.make(note(log, name))))
        yield* Effect.all(children, { concurrency: "unbounded" })
        log.push("parent")
      })
      yield* Client.compute(Array.from({ length: 3 }, () => Task.make(body)))
      assert.lengthOf(log, 12)
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("N5: waiting for what has ended already keeps the slot", () =>
    Effect.gen(function*() {
      const seceded: Array<string> = []
      yield* Scheduler.listen(({ key, to }) => {
        if (to === "seceded") seceded.push(key)
      })
      const done = yield* Client.submit(Task.make(Effect.succeed(1)))
      yield* Future.join(done)
      const body = Effect.gen(function*() {
        yield* Future.join(done)
        yield* Future.await(done)
        yield* Future.joinAll([done])
        yield* Future.awaitFirst([done])
      })
      yield* Client.compute(Task.make(body, { key: "reader" }))
      assert.deepStrictEqual(seceded, [])
    }).pipe(inScheduler({ concurrency: 1 })))
})

describe("what has been delivered", () => {
  const heldNow = Effect.map(Scheduler.stats, ({ held }) => held)

  it.effect("M6: map drops the value of an item that is a task as soon as its function has run", () =>
    Effect.gen(function*() {
      const items = Array.from({ length: 50 }, (_, i) => Task.make(Effect.succeed({ big: i })))
      let most = 0
      let done = 0
      const all = Client.forEach(items, ({ big }) =>
        Effect.map(heldNow, (held) => {
          // Beside what the request gives in the end, only what this one uses.
          most = Math.max(most, held - done)
          done++
          return big
        }))
      assert.strictEqual((yield* all).length, 50)
      assert.strictEqual(most, 1)
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("M6: what was taken out of a wait and released is held no more, while the others run", () =>
    Effect.gen(function*() {
      const tasks = Array.from({ length: 20 }, (_, i) => Task.make(Effect.as(Effect.sleep(1 + i), i)))
      let rest: ReadonlyArray<Future.Future<number>> = yield* Client.submitAll(tasks)
      const held: Array<number> = []
      const values: Array<number> = []
      while (rest.length > 0) {
        const waiting = yield* Effect.forkChild(Future.awaitFirst(rest), { startImmediately: true })
        yield* TestClock.adjust(1)
        const { ended, open } = yield* Fiber.join(waiting)
        for (const future of ended) {
          values.push(yield* Future.join(future))
          yield* Future.release(future)
        }
        held.push(yield* heldNow)
        rest = open
      }
      assert.deepStrictEqual(values, tasks.map((_, i) => i))
      assert.deepStrictEqual(held, tasks.map(() => 0))
    }).pipe(inScheduler({ concurrency: 20 })))
})
