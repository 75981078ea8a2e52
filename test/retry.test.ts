import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Skein from "skein/Skein"
import { DependencyFailed, SubmitError, TaskCancelled, TaskTimeout } from "skein/SkeinError"
import * as Task from "skein/Task"
import * as Worker from "skein/Worker"
import { numbersFrom } from "./chance.ts"
import { endless, gate, inScheduler, type Log, reluctant, turns } from "./harness.ts"
import { causeOf, defectsIn, errorOf, infoOf, mistakeOf, reasonOf, submitErrorOf } from "./support.ts"

/** Bodies that count their runs by name, and fail as long as what they need is broken. */
const workshop = (...parts: ReadonlyArray<string>) => {
  const broken = new Set(parts)
  const runs: Record<string, number> = {}
  const body = (name: string): Effect.Effect<string, string> =>
    Effect.suspend(() => {
      runs[name] = (runs[name] ?? 0) + 1
      return broken.has(name) ? Effect.fail(`${name} is broken`) : Effect.succeed(name)
    })
  return { body, broken, mend: () => broken.clear(), runs }
}

const names = (values: ReadonlyArray<string>): string => `(${values.join(" ")})`

/** A task that concatenates what its inputs give. */
const over = ({ body }: ReturnType<typeof workshop>, name: string, inputs: ReadonlyArray<Task.Task<string, any>>) =>
  Task.make(inputs, (values) => Effect.map(body(name), (own) => `${own}${names(values)}`)) as Task.Task<string, unknown>

const one = { concurrency: 1 }

describe("what runs again", () => {
  it.effect("F11: of a chain, the failed task, what failed with it, and the inputs that were released meanwhile, each once", () =>
    Effect.gen(function*() {
      // a -> b -> c -> d; b fails
      const { body, mend, runs } = workshop("b")
      const a = Task.make(body("a"))
      const b = Task.make(a, () => body("b"))
      const c = Task.make(b, () => body("c"))
      const d = Task.make(c, () => body("d"))
      const old = yield* Client.submit(d)
      const error = yield* errorOf(Future.join(old))
      assert.instanceOf(error, DependencyFailed)
      mend()
      const again = yield* Client.retry(old)
      assert.strictEqual(yield* Future.join(again), "d")
      assert.deepStrictEqual(runs, { a: 2, b: 2, c: 1, d: 1 })
    }).pipe(inScheduler(one)))

  it.effect("F11: a success that another owner claims is reused", () =>
    Effect.gen(function*() {
      const { body, mend, runs } = workshop("c")
      const b = Task.make(Task.make(body("a")), () => body("b"), { key: "b" })
      const other = yield* Scope.make()
      const theirs = yield* Client.submit(b).pipe(Scope.provide(other))
      const old = yield* Client.submit(Task.make(b, (b) => Effect.map(body("c"), (c) => b + c)))
      yield* Future.await(old)
      mend()
      const again = yield* Client.retry(old)
      // From here on the retry holds it too.
      yield* Scope.close(other, Exit.void)
      assert.strictEqual(yield* Future.join(again), "bc")
      assert.deepStrictEqual(runs, { a: 1, b: 1, c: 2 })
      assert.propertyVal(yield* reasonOf(Future.join(theirs)), "_tag", "Released")
    }).pipe(inScheduler(one)))

  it.effect("F11: a success that is held within the same submission is reused, and what only it needed does not run", () =>
    Effect.gen(function*() {
      const { body, mend, runs } = workshop("c")
      const a = Task.make(body("a"))
      const b = Task.make(a, () => body("b"))
      const c = Task.make(b, (b) => Effect.map(body("c"), (c) => b + c))
      const [held, old] = yield* Client.submitAll([b, c])
      yield* Future.awaitAll([held, old])
      mend()
      assert.strictEqual(yield* Future.join(yield* Client.retry(old)), "bc")
      assert.deepStrictEqual(runs, { a: 1, b: 1, c: 2 })
    }).pipe(inScheduler(one)))

  it.effect("F11: of a diamond each task runs again once", () =>
    Effect.gen(function*() {
      // a -> b, c -> d; a fails
      const shop = workshop("a")
      const a = over(shop, "a", [])
      const b = over(shop, "b", [a])
      const c = over(shop, "c", [a])
      const old = yield* Client.submit(over(shop, "d", [b, c, b]))
      yield* Future.await(old)
      shop.mend()
      assert.strictEqual(yield* Future.join(yield* Client.retry(old)), "d(b(a()) c(a()) b(a()))")
      assert.deepStrictEqual(shop.runs, { a: 2, b: 1, c: 1, d: 1 })
    }).pipe(inScheduler(one)))

  it.effect("F11: of a half failed diamond the half that succeeded is reused only where it is held", () =>
    Effect.gen(function*() {
      for (const isHeld of [true, false]) {
        const shop = workshop("b")
        const a = over(shop, "a", [])
        const b = over(shop, "b", [a])
        const c = over(shop, "c", [a])
        const d = over(shop, "d", [b, c])
        const futures = yield* Client.submitAll(isHeld ? [d, c] : [d])
        yield* Future.awaitAll(futures)
        const before = { ...shop.runs }
        shop.mend()
        assert.strictEqual(yield* Future.join(yield* Client.retry(futures[0])), "d(b(a()) c(a()))")
        // Without a claim `c` was cancelled before it started, for nothing needed it any more.
        assert.deepStrictEqual(before, isHeld ? { a: 1, b: 1, c: 1 } : { a: 1, b: 1 })
        assert.deepStrictEqual(shop.runs, { a: 2, b: 2, c: 1, d: 1 })
      }
    }).pipe(inScheduler(one)))

  it.effect("F11: several roots run again, and a root that is broken still fails the new future alone", () =>
    Effect.gen(function*() {
      const shop = workshop("a", "b")
      const [a, b, c] = ["a", "b", "c"].map((name) => over(shop, name, []))
      const [old, ...roots] = yield* Client.submitAll([over(shop, "d", [a!, b!, c!]), a!, b!, c!])
      yield* Future.awaitAll([old, ...roots])
      assert.deepStrictEqual(shop.runs, { a: 1, b: 1, c: 1 })
      shop.broken.delete("a")
      const second = yield* Client.retry(old)
      const error = yield* errorOf(Future.join(second))
      assert.propertyVal(error, "error", "b is broken")
      assert.deepStrictEqual(shop.runs, { a: 2, b: 2, c: 1 })
      shop.mend()
      // `a` succeeded in the second run, but its result went with it.
      assert.strictEqual(yield* Future.join(yield* Client.retry(second)), "d(a() b() c())")
      assert.deepStrictEqual(shop.runs, { a: 3, b: 3, c: 1, d: 1 })
    }).pipe(inScheduler(one)))

  it.effect("F11: a failure that Task.exit absorbed is reused as the value it became, as long as that is held", () =>
    Effect.gen(function*() {
      for (const isHeld of [true, false]) {
        const { body, mend, runs } = workshop("x", "y")
        const x = Task.make(body("x"))
        const exit = Task.exit(x)
        const y = Task.make(exit, (exit) => Effect.as(body("y"), exit._tag))
        const futures = yield* Client.submitAll(isHeld ? [y, exit] as const : [y] as const)
        yield* Future.awaitAll(futures)
        mend()
        assert.strictEqual(yield* Future.join(yield* Client.retry(futures[0])), isHeld ? "Failure" : "Success")
        assert.deepStrictEqual(runs, isHeld ? { x: 1, y: 2 } : { x: 2, y: 2 })
      }
    }).pipe(inScheduler(one)))

  it.effect("F11: a flatMap task calls its function again, and the graph it returns is new", () =>
    Effect.gen(function*() {
      const { body, mend, runs } = workshop("inner")
      const outer = Task.make(body("outer"))
      const first = Task.make(body("first"))
      const task = Task.flatMap(outer, () => {
        runs["f"] = (runs["f"] ?? 0) + 1
        return Task.make(first, () => body("inner"))
      })
      const [old] = yield* Client.submitAll([task, outer])
      yield* Future.await(old)
      mend()
      assert.strictEqual(yield* Future.join(yield* Client.retry(old)), "inner")
      assert.deepStrictEqual(runs, { outer: 1, f: 2, first: 2, inner: 2 })
    }).pipe(inScheduler(one)))

  it.effect("F11: inputs from another submission are reused, or recomputed if their scope has closed", () =>
    Effect.gen(function*() {
      for (const isOpen of [true, false]) {
        const { body, mend, runs } = workshop("c")
        const scope = yield* Scope.make()
        const a = Task.make(body("a"))
        const b = yield* Client.submit(Task.make(a, (a) => Effect.map(body("b"), (b) => a + b))).pipe(
          Scope.provide(scope)
        )
        const c = yield* Client.submit(Task.make({ b }, ({ b }) => Effect.map(body("c"), (c) => b + c)))
        yield* Future.await(c)
        if (!isOpen) yield* Scope.close(scope, Exit.void)
        mend()
        assert.strictEqual(yield* Future.join(yield* Client.retry(c)), "abc")
        assert.deepStrictEqual(runs, isOpen ? { a: 1, b: 1, c: 2 } : { a: 2, b: 2, c: 2 })
        if (isOpen) yield* Scope.close(scope, Exit.void)
      }
    }).pipe(inScheduler(one)))

  it.effect("F11: a future that failed as an input runs again too, and it keeps its own outcome", () =>
    Effect.gen(function*() {
      const { body, mend, runs } = workshop("a")
      const a = yield* Client.submit(Task.make(body("a")))
      const b = yield* Client.submit(Task.make(a, (a) => Effect.map(body("b"), (b) => a + b)))
      yield* Future.await(b)
      mend()
      assert.strictEqual(yield* Future.join(yield* Client.retry(b)), "ab")
      assert.deepStrictEqual(runs, { a: 2, b: 1 })
      assert.strictEqual(yield* errorOf(Future.join(a)), "a is broken")
      // Once more: nothing keeps the new run of `a`.
      assert.strictEqual(yield* Future.join(yield* Client.retry(a)), "a")
      assert.deepStrictEqual(runs, { a: 3, b: 1 })
    }).pipe(inScheduler(one)))

  it.effect("F11: what is on its way is joined", () =>
    Effect.gen(function*() {
      const door = gate()
      const { body, mend, runs } = workshop("x")
      const slow = Task.make(Effect.andThen(door.pass, body("slow")))
      const x = Task.make(body("x"))
      const both = Task.make([slow, x], ([slow, x]) => Effect.map(body("both"), (own) => own + slow + x))
      const [old, held] = yield* Client.submitAll([both, slow])
      yield* Future.await(old)
      assert.strictEqual(yield* Future.status(held), "running")
      mend()
      const again = yield* Client.retry(old)
      yield* turns()
      assert.strictEqual(yield* Future.status(again), "waiting")
      yield* door.open
      assert.strictEqual(yield* Future.join(again), "bothslowx")
      assert.deepStrictEqual(runs, { slow: 1, x: 2, both: 1 })
      assert.strictEqual(door.count(), 1)
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("F11: what is being stopped is not joined but runs anew", () =>
    Effect.gen(function*() {
      const log: Log = []
      const { body, mend, runs } = workshop("x")
      let isReluctant = true
      const slow = Task.make(
        Effect.suspend(() => isReluctant ? reluctant(log, "slow") : body("slow"))
      )
      const x = Task.make(Effect.andThen(turns(3), body("x")))
      const old = yield* Client.submit(Task.make([slow, x], ([slow, x]) => Effect.succeed(slow + x)))
      yield* Future.await(old)
      assert.deepStrictEqual(log, ["slow starts"])
      isReluctant = false
      mend()
      const again = yield* Client.retry(old)
      assert.strictEqual(yield* Future.join(again), "slowx")
      assert.deepStrictEqual(runs, { slow: 1, x: 2 })
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("F11: what stops because an attempt took too long, and will be tried again, is joined", () =>
    Effect.gen(function*() {
      const retry = Schedule.recurs(1)
      for (const [options, region] of [[{ retry }, {}], [{}, { retry }]]) {
        const { body, mend, runs } = workshop("x")
        const first = Effect.onInterrupt(Effect.never, () => Effect.sleep(10))
        const slow = Task.make(
          Effect.flatMap(
            Worker.current,
            ({ attempt }) => Effect.andThen(body("slow"), attempt === 1 ? first : Effect.void)
          ),
          { timeout: 10, ...options }
        )
        const x = Task.make(body("x"), { retry: Schedule.recurs(0) })
        const both = Task.make([slow, x], () => body("both"))
        const [old, held] = yield* Client.submitAll([both, slow]).pipe(Client.annotate(region!))
        yield* Future.await(old)
        yield* TestClock.adjust(15)
        assert.strictEqual(yield* Future.status(held), "stopping")
        mend()
        const again = yield* Client.retry(old)
        yield* TestClock.adjust(5)
        assert.strictEqual(yield* Future.join(again), "both")
        assert.deepStrictEqual(runs, { slow: 2, x: 2, both: 1 })
      }
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("F11: plain values, and results that a cache gave, are not computed", () =>
    Effect.gen(function*() {
      const { body, mend, runs } = workshop("c")
      const cached = Task.make(body("cached"), { key: "cached" })
      const c = Task.make([cached, Task.succeed("plain")], (values) => Effect.as(body("c"), names(values)), {
        key: "c"
      })
      const cache = new Map<string, unknown>([["cached", "from the cache"]])
      const old = yield* Client.submit(c, { cache })
      yield* Future.await(old)
      mend()
      assert.strictEqual(yield* Future.join(yield* Client.retry(old)), "(from the cache plain)")
      assert.deepStrictEqual(runs, { c: 2 })
      assert.strictEqual(cache.get("c"), "(from the cache plain)")
    }).pipe(inScheduler(one)))

  it.effect("F11: retryAll runs what several futures have in common once, where two retries run it twice", () =>
    Effect.gen(function*() {
      const shop = workshop("a")
      const a = over(shop, "a", [])
      const olds = yield* Client.submitAll([over(shop, "b", [a]), over(shop, "c", [a])])
      yield* Future.awaitAll(olds)
      shop.mend()
      const [b, c] = yield* Client.retryAll(olds)
      assert.deepStrictEqual(yield* Future.joinAll([b, c]), ["b(a())", "c(a())"])
      assert.deepStrictEqual(shop.runs, { a: 2, b: 1, c: 1 })
      for (const old of olds) yield* Future.join(yield* Client.retry(old))
      assert.deepStrictEqual(shop.runs, { a: 4, b: 2, c: 2 })
      assert.deepStrictEqual(yield* Client.retryAll([]), [])
    }).pipe(inScheduler(one)))

  it.effect("F11: on random graphs exactly what is needed and not held runs, each once", () =>
    Effect.gen(function*() {
      for (let seed = 1; seed <= 150; seed++) {
        const next = numbersFrom(seed)
        const below = (n: number) => Math.floor(next() * n)
        const size = 2 + below(10)
        const edges = Array.from({ length: size }, (_, i) =>
          Array.from({ length: i }, (_, j) => j).filter(() => next() < 0.4))
        const isBroken = Array.from({ length: size }, () =>
          next() < 0.3)
        const claimed = Array.from({ length: size }, (_, i) => i).filter((i) => i === size - 1 || next() < 0.3)
        isBroken[size - 1] ||= edges[size - 1]!.length === 0
        const runs = Array.from({ length: size }, () => 0)
        const tasks: Array<Task.Task<number, unknown>> = []
        for (const [i, needs] of edges.entries()) {
          const inputs = needs.map((need) => tasks[need]!)
          const body = Effect.suspend(() => {
            runs[i]!++
            return isBroken[i]! ? Effect.fail(i) : Effect.succeed(i)
          })
          tasks.push(Task.make(inputs, () => Effect.andThen(Effect.yieldNow, body)))
        }
        yield* Effect.scoped(Effect.gen(function*() {
          const futures = yield* Client.submitAll(claimed.map((i) => tasks[i]!))
          yield* Future.awaitAll(futures)
          // What was stopped gives back what it needed.
          yield* turns()
          const old = futures.at(-1)!
          if ((yield* Future.status(old)) === "succeeded") return
          const statuses = yield* Effect.forEach(futures, Future.status)
          const isHeld = (task: number) => statuses[claimed.indexOf(task)] === "succeeded"
          const expected = [...runs]
          const needed = new Set([size - 1])
          for (const task of needed) {
            expected[task]!++
            for (const need of edges[task]!) if (!isHeld(need)) needed.add(need)
          }
          isBroken.fill(false)
          assert.strictEqual(yield* Future.join(yield* Client.retry(old)), size - 1)
          assert.deepStrictEqual(runs, expected, `seed ${seed}`)
        }))
      }
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("F11: a chain of 20,000 tasks runs again", () =>
    Effect.gen(function*() {
      let isBroken = true
      let task: Task.Task<number> = Task.map([], () => {
        if (isBroken) throw new Error("broken")
        return 0
      })
      for (let i = 0; i < 20_000; i++) task = Task.map(task, (n) => n + 1)
      const old = yield* Client.submit(task)
      yield* Future.await(old)
      isBroken = false
      assert.strictEqual(yield* Future.join(yield* Client.retry(old)), 20_000)
    }).pipe(inScheduler(one)))
})

describe("what is kept", () => {
  it.effect("F11: the old future and the dependents that failed with it keep their outcomes", () =>
    Effect.gen(function*() {
      const { body, mend } = workshop("a")
      const a = Task.make(body("a"), { label: "a" })
      const b = Task.make(a, () => body("b"))
      const [old, below] = yield* Client.submitAll([a, b])
      const before = [yield* Future.await(old), yield* Future.await(below)]
      mend()
      const again = yield* Client.retry(old)
      yield* Future.join(again)
      assert.deepStrictEqual([yield* Future.await(old), yield* Future.await(below)], before)
      assert.strictEqual(yield* Future.status(old), "failed")
      assert.notStrictEqual(again.key, old.key)
      assert.match(again.key, /^a#/)
    }).pipe(inScheduler(one)))

  it.effect("F11: options stay: schedules begin anew, attempts count from 1", () =>
    Effect.gen(function*() {
      const attempts: Array<number> = []
      let isBroken = true
      const body = Effect.flatMap(Worker.current, ({ attempt }) => {
        attempts.push(attempt)
        return isBroken || attempt < 3 ? Effect.fail("no") : Effect.succeed(attempt)
      })
      const old = yield* Client.submit(Task.make(body, { retry: Schedule.recurs(2), label: "flaky", priority: 3 }))
      yield* Future.await(old)
      assert.deepStrictEqual(attempts, [1, 2, 3])
      isBroken = false
      const again = yield* Client.retry(old)
      assert.strictEqual(yield* Future.join(again), 3)
      assert.deepStrictEqual(attempts, [1, 2, 3, 1, 2, 3])
      const { attempts: history, label, priority } = yield* Future.metadata(again)
      assert.deepStrictEqual([history.length, label, priority], [3, "flaky", 3])
    }).pipe(inScheduler(one)))

  it.effect("F11: a deadline runs from the retry, and a timeout from each start", () =>
    Effect.gen(function*() {
      for (const options of [{ deadline: 100 }, { timeout: 100 }]) {
        let length = 150
        const body = Effect.suspend(() => Effect.as(Effect.sleep(length), "done"))
        const old = yield* Client.submit(Task.make(body, options))
        yield* TestClock.adjust(200)
        assert.instanceOf(yield* errorOf(Future.join(old)), TaskTimeout)
        const late = yield* Client.retry(old)
        yield* TestClock.adjust(120)
        assert.instanceOf(yield* errorOf(Future.join(late)), TaskTimeout)
        length = 50
        const again = yield* Client.retry(late)
        yield* TestClock.adjust(50)
        assert.strictEqual(yield* Future.join(again), "done")
      }
    }).pipe(inScheduler(one)))

  it.effect("F11: bodies run with the services of whoever submitted them first, also where several did", () =>
    Effect.gen(function*() {
      class Tag extends Context.Service<Tag, string>()("test/retry/Tag") {}
      const { body, mend } = workshop("b")
      const a = Task.make(Tag.useSync((tag) => tag))
      const b = (a: Future.Future<string>) =>
        Task.make({ a }, ({ a }) => Effect.flatMap(Tag, (own) => Effect.as(body("b"), `${a} ${own}`)))
      const first = yield* Client.submit(a).pipe(Effect.provideService(Tag, "first"))
      const old = yield* Client.submit(b(first)).pipe(Effect.provideService(Tag, "second"))
      yield* Future.await(old)
      yield* Future.release(first)
      mend()
      const again = yield* Client.retry(old).pipe(Effect.provideService(Tag, "third"))
      assert.strictEqual(yield* Future.join(again), "first second")
    }).pipe(inScheduler(one)))

  it.effect("F11: a retry may be retried", () =>
    Effect.gen(function*() {
      const { body, mend, runs } = workshop("a")
      let future = yield* Client.submit(Task.make(Task.make(body("a")), () => body("b")))
      for (let i = 0; i < 3; i++) {
        assert.isTrue(Exit.isFailure(yield* Future.await(future)))
        future = yield* Client.retry(future)
      }
      assert.isTrue(Exit.isFailure(yield* Future.await(future)))
      mend()
      assert.strictEqual(yield* Future.join(yield* Client.retry(future)), "b")
      assert.deepStrictEqual(runs, { a: 5, b: 1 })
    }).pipe(inScheduler(one)))

  it.effect("F11: a retry of a retry reuses what is held since the first submission", () =>
    Effect.gen(function*() {
      const { body, mend, runs } = workshop("b", "c")
      const a = Task.make(body("a"))
      const b = Task.make(a, () => body("b"))
      const [held, old] = yield* Client.submitAll([a, Task.make([a, b], () => body("c"))])
      yield* Future.awaitAll([held, old])
      const second = yield* Client.retry(old)
      yield* Future.await(second)
      // Rows are given to others meanwhile.
      yield* Client.compute([1, 2, 3].map((n) => Task.make(body(`other ${n % 1}`))))
      mend()
      assert.strictEqual(yield* Future.join(yield* Client.retry(second)), "c")
      assert.deepStrictEqual(runs, { a: 1, b: 3, c: 1, "other 0": 3 })
    }).pipe(inScheduler(one)))

  it.effect("F11, G16: what a region said of a task holds for its new run, whatever the present region says", () =>
    Effect.gen(function*() {
      let attempts = 0
      const task = Task.make(Effect.suspend(() => ++attempts < 4 ? Effect.fail("no") : Effect.succeed("yes")))
      const old = yield* Client.submit(task).pipe(
        Client.annotate({ label: "first", priority: 2, retry: Schedule.recurs(1) })
      )
      yield* Future.await(old)
      assert.strictEqual(attempts, 2)
      const again = yield* Client.retry(old).pipe(Client.annotate({ label: "second", priority: 1 }))
      assert.strictEqual(yield* Future.join(again), "yes")
      const { attempts: history, label, priority } = yield* Future.metadata(again)
      assert.deepStrictEqual([history.length, label, priority], [2, "first", 2])
    }).pipe(inScheduler(one)))

  it.effect("F11: the path, the root and the submitter of a failure are those of the new run", () =>
    Effect.gen(function*() {
      const { body } = workshop("a")
      const a = Task.make(body("a"), { key: "a" })
      const old = yield* Client.submit(Task.make(a, () => body("b"), { key: "b" }))
      yield* Future.await(old)
      const exit = yield* Future.await(yield* Client.retry(old))
      assert.isTrue(Exit.isFailure(exit))
      const info = Exit.isFailure(exit) ? infoOf(exit.cause) : undefined
      assert.deepInclude(info, { key: "b", root: "a", path: ["a", "b"], submitter: "program" })
    }).pipe(inScheduler(one)))
})

describe("keys", () => {
  it.effect("F11, A1: the new run takes the key over from the failed one, and a third submission joins it", () =>
    Effect.gen(function*() {
      const { body, mend, runs } = workshop("k")
      const door = gate()
      const task = Task.make(Effect.andThen(door.pass, body("k")), { key: "k" })
      yield* door.open
      const old = yield* Client.submit(task)
      yield* Future.await(old)
      const joined = yield* Client.submit(task)
      assert.strictEqual(yield* errorOf(Future.join(joined)), "k is broken")
      mend()
      const again = yield* Client.retry(old)
      const third = yield* Client.submit(task)
      assert.deepStrictEqual(yield* Future.joinAll([again, third]), ["k", "k"])
      assert.deepStrictEqual(runs, { k: 2 })
      assert.strictEqual(again.key, "k")
      // The old record goes, and the key stays with the new run.
      yield* Future.release(old)
      yield* Future.release(joined)
      assert.strictEqual(yield* Client.compute(task), "k")
      assert.deepStrictEqual(runs, { k: 2 })
    }).pipe(inScheduler(one)))

  it.effect("F11: a second retry joins the run of the first by its key, on its way or succeeded", () =>
    Effect.gen(function*() {
      const { body, mend, runs } = workshop("a")
      const a = Task.make(body("a"), { key: "a" })
      const [b, c] = yield* Client.submitAll([Task.make(a, () => body("b")), Task.make(a, () => body("c"))])
      const root = yield* Client.submit(a)
      yield* Future.awaitAll([b, c])
      mend()
      const again = yield* Client.retry(root)
      const first = yield* Client.retry(b)
      assert.strictEqual(yield* Future.join(first), "b")
      assert.strictEqual(yield* Future.join(yield* Client.retry(c)), "c")
      assert.strictEqual(yield* Future.join(again), "a")
      assert.deepStrictEqual(runs, { a: 2, b: 1, c: 1 })
      // The old future of `a` again: its key has a result now.
      assert.strictEqual(yield* Future.join(yield* Client.retry(root)), "a")
      assert.deepStrictEqual(runs, { a: 2, b: 1, c: 1 })
    }).pipe(inScheduler(one)))

  it.effect("F11, G9: pure calls are one run in a retry, from however many submissions they come", () =>
    Effect.gen(function*() {
      let isBroken = true
      let runs = 0
      const load = Task.fn((n: number) => {
        runs++
        if (isBroken) throw new Error("broken")
        return n
      }, { name: "load", pure: true })
      const f = yield* Client.submit(load(1))
      const both = yield* Client.submit(Task.map({ f, own: load(1) }, ({ f, own }) => f + own))
      yield* Future.await(both)
      assert.strictEqual(runs, 1)
      isBroken = false
      yield* Future.release(f)
      assert.strictEqual(yield* Future.join(yield* Client.retry(both)), 2)
      assert.strictEqual(runs, 2)
    }).pipe(inScheduler(one)))

  it.effect("F11, C6: two futures of one key that was cancelled and submitted anew are one run again", () =>
    Effect.gen(function*() {
      const { body, mend, runs } = workshop("k")
      const task = Task.make(Effect.andThen(Effect.yieldNow, body("k")), { key: "k" })
      const cancelled = yield* Client.submit(task)
      yield* Future.cancel(cancelled)
      const failed = yield* Client.submit(task)
      yield* Future.await(failed)
      mend()
      assert.deepStrictEqual(yield* Future.joinAll(yield* Client.retryAll([cancelled, failed])), ["k", "k"])
      assert.deepStrictEqual(runs, { k: 2 })
    }).pipe(inScheduler(one)))

  it.effect("F11, A1: a run that was joined under its key and is gone is submitted anew, with the services of whoever joined it", () =>
    Effect.gen(function*() {
      class Tag extends Context.Service<Tag, string>()("test/retry/Shared") {}
      const { body, broken, mend, runs } = workshop("shared")
      const below = Task.make(Effect.andThen(body("below"), Tag))
      const shared = Task.make(below, (tag) => Effect.as(body("shared"), tag), { key: "shared" })
      const scope = yield* Scope.make()
      const first = yield* Client.submit(shared).pipe(Scope.provide(scope), Effect.provideService(Tag, "first"))
      const old = yield* Client.submit(Task.make(shared, (tag) => Effect.as(body("top"), tag))).pipe(
        Effect.provideService(Tag, "second")
      )
      yield* Future.await(old)
      broken.delete("shared")
      // As long as the record is there, what it needs is known.
      const held = yield* Client.retry(first)
      assert.strictEqual(yield* Future.join(yield* Client.retry(old)), "first")
      assert.deepStrictEqual(runs, { below: 2, shared: 2, top: 1 })
      yield* Future.release(held)
      yield* Scope.close(scope, Exit.void)
      mend()
      assert.strictEqual(yield* Future.join(yield* Client.retry(old)), "second")
      assert.deepStrictEqual(runs, { below: 3, shared: 3, top: 2 })
    }).pipe(inScheduler(one)))

  it.effect("F11, G9: pure calls below a run that is gone are found by their keys, in the retry and in the scheduler", () =>
    Effect.gen(function*() {
      const runs: Array<string> = []
      let isBroken = true
      const call = <I>(name: string) =>
        Task.fn((input: I) => {
          runs.push(name)
          if (isBroken && name === "top") throw new Error("broken")
          return JSON.stringify(input)
        }, { name, pure: true })
      const [low, mid, top] = [call("low"), call("mid"), call<unknown>("top")]
      const source = Task.make(Effect.sync(() => runs.push("source")), { key: "source" })
      // source -> low -> mid -> top, and low -> top; `mid` is joined, and gone when `top` is retried
      const outer = yield* Effect.scope
      const failed = (inputs: unknown) =>
        Effect.scoped(Effect.gen(function*() {
          yield* Future.join(yield* Client.submit(mid(low(source))))
          const future = yield* Client.submit(top(inputs)).pipe(Scope.provide(outer))
          yield* Future.await(future)
          return future
        })).pipe(Effect.tap(() => Effect.sync(() => runs.length = 0)))
      for (const inputs of [[low(source), mid(low(source))], [mid(low(source)), low(source)]]) {
        isBroken = true
        const old = yield* failed(inputs)
        isBroken = false
        const again = yield* Client.retry(old)
        assert.isString(yield* Future.join(again))
        assert.deepStrictEqual(runs, ["source", "low", "mid", "top"])
        yield* Effect.forEach([old, again], Future.release)
      }
      // With `low` in the scheduler, what only it needs does not run.
      isBroken = true
      const old = yield* failed(mid(low(source)))
      isBroken = false
      const held = yield* Client.submit(low(source))
      yield* Future.join(held)
      runs.length = 0
      yield* Future.join(yield* Client.retry(old))
      yield* turns()
      assert.deepStrictEqual(runs, ["mid", "top"])
    }).pipe(inScheduler(one)))

  it.effect("F11: futures below a run that is gone are reused or run again too", () =>
    Effect.gen(function*() {
      const { body, mend, runs } = workshop("top")
      const kept = yield* Client.submit(Task.make(body("kept")))
      const lost = yield* Client.submit(Task.make(body("lost")))
      const shared = Task.make([kept, lost], ([a, b]) => Effect.as(body("shared"), a + b), { key: "shared" })
      const first = yield* Client.submit(shared)
      const old = yield* Client.submit(Task.make(shared, (shared) => Effect.as(body("top"), shared)))
      yield* Future.awaitAll([first, old])
      yield* Effect.forEach([first, lost], Future.release)
      mend()
      assert.strictEqual(yield* Future.join(yield* Client.retry(old)), "keptlost")
      assert.deepStrictEqual(runs, { kept: 1, lost: 2, shared: 2, top: 2 })
    }).pipe(inScheduler(one)))
})

describe("what may be retried", () => {
  const refusal = <A, E>(future: Future.Future<A, E>) =>
    Effect.map(submitErrorOf(Client.retry(future)), ({ message, reason }) => {
      assert.strictEqual(reason._tag, "NotRetriable")
      return reason._tag === "NotRetriable" ? [reason.status, message] : []
    })

  it.effect("F11: a future that has not ended, has succeeded or was released is refused, with what to do", () =>
    Effect.gen(function*() {
      const door = gate()
      const running = yield* Client.submit(Task.make(door.pass, { key: "running" }))
      const queued = yield* Client.submit(Task.make(Effect.void, { key: "queued" }))
      yield* door.arrived(1)
      assert.deepStrictEqual(yield* refusal(running), [
        "running",
        "Task \"running\" cannot be run again: it is running; wait for its end, or cancel it first."
      ])
      assert.strictEqual((yield* refusal(queued))[0], "ready")
      yield* door.open
      yield* Future.join(running)
      assert.deepStrictEqual(yield* refusal(running), [
        "succeeded",
        "Task \"running\" cannot be run again: it succeeded; join its future."
      ])
      const released = yield* Effect.scoped(Client.submit(Task.make(Effect.fail("no"), { key: "released" })))
      assert.deepStrictEqual(yield* refusal(released), [
        "released",
        "Task \"released\" cannot be run again: its result was released when its scope closed; submit its task again."
      ])
    }).pipe(inScheduler(one)))

  it.effect("F11: a future that is being stopped has not ended", () =>
    Effect.gen(function*() {
      const log: Log = []
      const future = yield* Client.submit(Task.make(reluctant(log, "body"), { deadline: 10 }))
      yield* turns(3)
      const adjusting = yield* Effect.forkChild(TestClock.adjust(10))
      yield* Effect.repeat(Effect.yieldNow, {
        until: () => Effect.runSync(Future.status(future)) === "stopping"
      })
      assert.strictEqual((yield* refusal(future))[0], "stopping")
      yield* Fiber.join(adjusting)
      yield* Future.await(future)
      yield* Client.retry(future)
    }).pipe(inScheduler(one)))

  it.effect("F11: a future of another scheduler is refused", () =>
    Effect.gen(function*() {
      const old = yield* Client.submit(Task.make(Effect.fail("no")))
      yield* Future.await(old)
      const elsewhere = refusal(old).pipe(Effect.provide(Skein.layer(), { local: true }))
      assert.match((yield* elsewhere)[1]!, /belongs to another scheduler/)
    }).pipe(inScheduler(one)))

  it.effect("F11: what is no future is refused", () =>
    Effect.gen(function*() {
      const error = yield* mistakeOf(Client.retry(Task.succeed(1) as never))
      assert.match(error.message, /it is no future/)
    }).pipe(inScheduler(one)))

  it.effect("F11: one refusal refuses all, and nothing has started", () =>
    Effect.gen(function*() {
      const { body, runs } = workshop("a")
      const [a, b] = yield* Client.submitAll([Task.make(body("a")), Task.make(body("b"))])
      yield* Future.awaitAll([a, b])
      const error = yield* submitErrorOf(Client.retryAll([a, b]))
      assert.strictEqual(error.reason._tag, "NotRetriable")
      yield* turns()
      assert.deepStrictEqual(runs, { a: 1, b: 1 })
    }).pipe(inScheduler(one)))

  it.effect("F11, X4: the limits of the layer hold for a retry", () =>
    Effect.gen(function*() {
      const { body } = workshop("b")
      const a = Task.make(body("a"))
      const old = yield* Client.submit(Task.make(a, () => body("b")))
      yield* Future.await(old)
      const error = yield* submitErrorOf(Client.retry(old))
      assert.deepInclude(error.reason, { _tag: "LimitExceeded", limit: "live", value: 3, max: 2 })
    }).pipe(inScheduler({ concurrency: 1, limits: { live: 2 } })))

  it.effect("F11, M2: a retry into a closed scope or after the layer has closed is a SubmitError", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      yield* Scope.close(scope, Exit.void)
      const old = yield* Client.submit(Task.make(Effect.fail("no")))
      yield* Future.await(old)
      const error = yield* submitErrorOf(Client.retry(old).pipe(Scope.provide(scope)))
      assert.deepInclude(error.reason, { _tag: "Closed", what: "scope" })
    }).pipe(inScheduler(one)))

  it.effect("F11, C6: a cancelled future may be retried at once, and nothing of the old run reaches the new one", () =>
    Effect.gen(function*() {
      const log: Log = []
      let isEndless = true
      const task = Task.make(Effect.suspend(() => isEndless ? reluctant(log, "body") : Effect.succeed("done")), {
        key: "k"
      })
      const old = yield* Client.submit(task)
      yield* turns(3)
      yield* Future.cancel(old, { wait: false, why: "first" })
      isEndless = false
      const again = yield* Client.retry(old)
      assert.deepStrictEqual(log, ["body starts"])
      assert.strictEqual(yield* Future.join(again), "done")
      const error = yield* reasonOf(Future.join(old))
      assert.instanceOf(error, TaskCancelled)
      assert.propertyVal(error, "why", "first")
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("F11, C3: a cancelled future whose task runs on for others joins that run", () =>
    Effect.gen(function*() {
      const door = gate()
      const task = Task.make(Effect.as(door.pass, "done"), { key: "k" })
      const other = yield* Scope.make()
      const theirs = yield* Client.submit(task).pipe(Scope.provide(other))
      const ours = yield* Client.submit(task)
      yield* Future.cancel(ours)
      assert.instanceOf(yield* reasonOf(Future.join(ours)), TaskCancelled)
      const again = yield* Client.retry(ours)
      yield* door.open
      assert.deepStrictEqual(yield* Future.joinAll([again, theirs]), ["done", "done"])
      assert.strictEqual(door.count(), 1)
      yield* Future.cancel(ours)
      // Ended meanwhile: the result that others hold will do.
      assert.strictEqual(yield* Future.join(yield* Client.retry(ours)), "done")
      yield* Scope.close(other, Exit.void)
    }).pipe(inScheduler(one)))

  it.effect("F11: what was cancelled upstream runs again", () =>
    Effect.gen(function*() {
      const log: Log = []
      let isEndless = true
      const a = Task.make(Effect.suspend(() => isEndless ? endless(log, "a") : Effect.succeed("a")))
      const [source, sink] = yield* Client.submitAll([a, Task.map(a, (a) => `${a}b`)])
      yield* turns(3)
      yield* Future.cancel(source)
      isEndless = false
      const [first, second] = yield* Client.retryAll([sink, source])
      assert.deepStrictEqual(yield* Future.joinAll([first, second]), ["ab", "a"])
    }).pipe(inScheduler(one)))

  it.effect("F11, N6: a task that was refused a wait as Starved may be retried", () =>
    Effect.gen(function*() {
      let own: Future.Future<unknown, unknown> | undefined
      const task = Task.make(Effect.suspend(() => own === undefined ? Effect.succeed("fine") : Future.join(own)))
      own = yield* Client.submit(task)
      assert.propertyVal(yield* reasonOf(Future.join(own)), "_tag", "Starved")
      const old = own
      own = undefined
      assert.strictEqual(yield* Future.join(yield* Client.retry(old)), "fine")
    }).pipe(inScheduler(one)))
})

describe("ownership", () => {
  it.effect("F11, trap 18: a batch that is cancelled and retried at once gives every result, and no spurious TaskCancelled", () =>
    Effect.gen(function*() {
      const log: Log = []
      let isEndless = true
      const tasks = Array.from(
        { length: 6 },
        (_, n) =>
          Task.make(Effect.suspend(() => isEndless ? reluctant(log, `${n}`) : Effect.succeed(n)), { key: `batch ${n}` })
      )
      const olds = yield* Client.submitAll(tasks)
      yield* turns(3)
      yield* Effect.forEach(olds, (old) => Future.cancel(old, { wait: false }))
      isEndless = false
      const news = yield* Client.retryAll(olds)
      assert.deepStrictEqual(yield* Future.joinAll(news), [0, 1, 2, 3, 4, 5])
      for (const old of olds) assert.instanceOf(yield* reasonOf(Future.join(old)), TaskCancelled)
      assert.deepStrictEqual(yield* Future.joinAll(news), [0, 1, 2, 3, 4, 5])
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("F11, trap 18: a body that closes over a future which its submitter has released says Released, and a retry runs it again", () =>
    Effect.gen(function*() {
      const log: Log = []
      const scope = yield* Scope.make()
      const data = yield* Client.submit(Task.succeed("data")).pipe(Scope.provide(scope))
      const door = gate()
      const reads = yield* Client.submit(Task.make(Effect.andThen(door.pass, Future.join(data))))
      yield* door.arrived(1)
      yield* Scope.close(scope, Exit.void)
      yield* door.open
      assert.propertyVal(yield* reasonOf(Future.join(reads)), "_tag", "Released")
      const again = yield* Client.retry(reads)
      assert.propertyVal(yield* reasonOf(Future.join(again)), "_tag", "Released")
      assert.deepStrictEqual(log, [])
    }).pipe(inScheduler(one)))

  it.effect("F11, trap 18: waiting twice over a failed future, before and after its retry, gives it each time", () =>
    Effect.gen(function*() {
      const { body, mend } = workshop("a")
      const old = yield* Client.submit(Task.make(body("a")))
      for (let i = 0; i < 2; i++) assert.deepStrictEqual((yield* Future.awaitFirst([old])).ended, [old])
      mend()
      const again = yield* Client.retry(old)
      yield* Future.await(again)
      for (let i = 0; i < 2; i++) {
        assert.deepStrictEqual((yield* Future.awaitFirst([old, again])).ended, [old, again])
        assert.strictEqual((yield* Future.awaitAll([old, again]))[1]._tag, "Success")
      }
    }).pipe(inScheduler(one)))

  it.effect("F11, C4: the new run belongs to the scope of the retry, and stops with it", () =>
    Effect.gen(function*() {
      const log: Log = []
      let isEndless = false
      const task = Task.make(Effect.suspend(() => isEndless ? reluctant(log, "body") : Effect.fail("no")))
      const old = yield* Client.submit(task)
      yield* Future.await(old)
      isEndless = true
      const again = yield* Effect.scoped(Effect.tap(Client.retry(old), () => turns(3)))
      assert.deepStrictEqual(log, ["body starts", "body is finalized"])
      assert.propertyVal(yield* reasonOf(Future.join(again)), "_tag", "Released")
      assert.strictEqual(yield* errorOf(Future.join(old)), "no")
    }).pipe(inScheduler(one)))

  it.effect("F11, C4: the new run outlives the scope of the old one", () =>
    Effect.gen(function*() {
      const door = gate()
      let isBroken = true
      const scope = yield* Scope.make()
      const a = Task.make(Effect.suspend(() => isBroken ? Effect.fail("no") : Effect.as(door.pass, "a")))
      const old = yield* Client.submit(Task.map(a, (a) => `${a}b`)).pipe(Scope.provide(scope))
      yield* Future.await(old)
      isBroken = false
      const again = yield* Client.retry(old)
      yield* door.arrived(1)
      yield* Scope.close(scope, Exit.void)
      yield* door.open
      assert.strictEqual(yield* Future.join(again), "ab")
    }).pipe(inScheduler(one)))

  it.effect("F11, N10: a retry inside a body makes children of that body, which end with it", () =>
    Effect.gen(function*() {
      const log: Log = []
      let isEndless = false
      const task = Task.make(Effect.suspend(() => isEndless ? reluctant(log, "child") : Effect.fail("no")), {
        key: "child"
      })
      const old = yield* Client.submit(task)
      yield* Future.await(old)
      isEndless = true
      const submitter = yield* Client.compute(Task.make(
        Effect.gen(function*() {
          const again = yield* Client.retry(old)
          yield* Worker.seceded(turns(5))
          return (yield* Future.metadata(again)).submitter
        }),
        { key: "parent" }
      ))
      assert.strictEqual(submitter, "parent")
      assert.deepStrictEqual(log, ["child starts", "child is finalized"])
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("F11, N5: a body that retries and joins on one slot goes on", () =>
    Effect.gen(function*() {
      const { body, mend, runs } = workshop("a")
      const task = Task.make(Effect.gen(function*() {
        const old = yield* Client.submit(Task.make(Task.make(body("a")), () => body("b")))
        yield* Future.await(old)
        mend()
        return yield* Future.join(yield* Client.retry(old))
      }))
      assert.strictEqual(yield* Client.compute(task), "b")
      assert.deepStrictEqual(runs, { a: 2, b: 1 })
    }).pipe(inScheduler(one)))

  it.effect("F11, C2: cancelling the new future leaves the old one and what it reused alone", () =>
    Effect.gen(function*() {
      const log: Log = []
      const { body, mend, runs } = workshop("b")
      const a = Task.make(body("a"))
      const b = Task.make(a, () => body("b"))
      const [held, old] = yield* Client.submitAll([a, Task.make(b, () => endless(log, "c"))])
      yield* Future.awaitAll([held, old])
      mend()
      const again = yield* Client.retry(old)
      yield* turns()
      yield* Future.cancel(again)
      assert.deepStrictEqual(log, ["c starts", "c is finalized"])
      assert.instanceOf(yield* reasonOf(Future.join(again)), TaskCancelled)
      assert.instanceOf(yield* errorOf(Future.join(old)), DependencyFailed)
      assert.strictEqual(yield* Future.join(held), "a")
      assert.deepStrictEqual(runs, { a: 1, b: 2 })
    }).pipe(inScheduler(one)))
})

describe("rerunInline", () => {
  it.effect("F13: runs the body that failed first in the calling fiber, with the inputs it had, and gives what it gives", () =>
    Effect.gen(function*() {
      const { body, mend, runs } = workshop("b")
      const fibers: Array<number> = []
      const a = Task.make(body("a"))
      const b = Task.make(a, (a) =>
        Effect.withFiber((fiber) => {
          fibers.push(fiber.id)
          return Effect.map(body("b"), (b) => a + b)
        }))
      const c = Task.make(b, () => body("c"))
      const [held, old] = yield* Client.submitAll([a, Task.make(c, () => body("d"))])
      yield* Future.awaitAll([held, old])
      assert.strictEqual(yield* Effect.flip(Future.rerunInline(old)), "b is broken")
      mend()
      assert.strictEqual(yield* Future.rerunInline(old), "ab")
      const own = yield* Effect.withFiber((fiber) => Effect.succeed(fiber.id))
      assert.deepStrictEqual(fibers.slice(1), [own, own])
      assert.notStrictEqual(fibers[0], own)
      assert.deepStrictEqual(runs, { a: 1, b: 3 })
      assert.strictEqual(yield* Future.status(old), "upstreamFailed")
    }).pipe(inScheduler(one)))

  it.effect("F13: a plain function that gave a promise fails as it failed", () =>
    Effect.gen(function*() {
      const old = yield* Client.submit(
        Task.map([Task.make(Effect.succeed(1))], (): unknown => Promise.resolve(1), { key: "x" })
      )
      const [first] = defectsIn(yield* causeOf(Future.join(old)))
      const [again] = defectsIn(yield* causeOf(Future.rerunInline(old)))
      assert.include(String(first), "The function of task \"x\" returned a Promise")
      assert.strictEqual(String(again), String(first))
    }).pipe(inScheduler(one)))

  it.effect("F13: inputs that were released are computed again first, and released after", () =>
    Effect.gen(function*() {
      const { body, runs } = workshop("c")
      const a = Task.make(body("a"))
      const b = Task.make(a, () => body("b"))
      const old = yield* Client.submit(
        Task.make({ a, b, plain: 1 }, ({ a, b, plain }) =>
          Effect.andThen(
            Effect.sync(() => runs["inputs"] = [a, b, plain].length),
            body("c")
          ))
      )
      yield* Future.await(old)
      assert.strictEqual(yield* Effect.flip(Future.rerunInline(old)), "c is broken")
      assert.deepStrictEqual(runs, { a: 2, b: 2, c: 2, inputs: 3 })
    }).pipe(inScheduler(one)))

  it.effect("F13: an input that fails this time ends it, and the body does not run", () =>
    Effect.gen(function*() {
      const { body, broken, runs } = workshop("b")
      const old = yield* Client.submit(Task.make(Task.make(body("a")), () => body("b")))
      yield* Future.await(old)
      broken.add("a")
      assert.strictEqual(yield* Effect.flip(Future.rerunInline(old)), "a is broken")
      assert.deepStrictEqual(runs, { a: 2, b: 1 })
    }).pipe(inScheduler(one)))

  it.effect("F13: a defect comes with the stack of the function that threw it", () =>
    Effect.gen(function*() {
      const old = yield* Client.submit(Task.map(Task.succeed(1), function guilty(): number {
        throw new Error("here")
      }))
      yield* Future.await(old)
      const exit = yield* Effect.exit(Future.rerunInline(old))
      assert.match(Exit.isFailure(exit) ? String((exit.cause.reasons[0] as any).defect.stack) : "", /guilty/)
    }).pipe(inScheduler(one)))

  it.effect("F13: the root of a flatMap's failure is the task of its graph that failed", () =>
    Effect.gen(function*() {
      const { body, runs } = workshop("inner")
      const first = Task.make(body("first"))
      const task = Task.flatMap(Task.make(body("outer")), () => Task.make(first, () => body("inner")))
      const old = yield* Client.submit(Task.map(task, (value) => value))
      yield* Future.await(old)
      assert.strictEqual(yield* Effect.flip(Future.rerunInline(old)), "inner is broken")
      assert.deepStrictEqual(runs, { outer: 1, first: 2, inner: 2 })
    }).pipe(inScheduler(one)))

  it.effect("F13: the body has the services of its submitter, and a scope of its own that closes in the end", () =>
    Effect.gen(function*() {
      class Tag extends Context.Service<Tag, string>()("test/retry/Inline") {}
      const log: Log = []
      const body = Effect.gen(function*() {
        log.push(yield* Tag)
        yield* Effect.acquireRelease(
          Effect.sync(() => log.push("acquired")),
          () => Effect.sync(() => log.push("released"))
        )
        yield* Client.submit(Task.make(endless(log, "child")))
        yield* Worker.seceded(turns(3))
        yield* Worker.secede
        const { attempt, key, id: worker } = yield* Worker.current
        log.push(`${key} ${attempt} ${worker}`)
        return yield* Effect.fail("no")
      })
      const task = Task.make(body, { key: "task", retry: Schedule.recurs(1) })
      const old = yield* Client.submit(task).pipe(Effect.provideService(Tag, "its own"))
      yield* Future.await(old)
      const first = log.splice(0)
      assert.strictEqual(yield* Effect.flip(Future.rerunInline(old)), "no")
      const each = ["its own", "acquired", "child starts", "task 2 inline", "child is finalized", "released"]
      assert.deepStrictEqual(log, each)
      assert.strictEqual(first.at(-3), "task 2 local")
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("F13, G16: what its body submits has what the region of its submitter says", () =>
    Effect.gen(function*() {
      const priorities: Array<number> = []
      const body = Effect.gen(function*() {
        const child = yield* Client.submit(Task.succeed(1))
        priorities.push((yield* Future.metadata(child)).priority)
        return yield* Effect.fail("no")
      })
      const old = yield* Client.submit(Task.make(body)).pipe(Client.annotate({ priority: 3 }))
      yield* Future.await(old)
      yield* Effect.exit(Future.rerunInline(old))
      assert.deepStrictEqual(priorities, [3, 3])
    }).pipe(inScheduler(one)))

  it.effect("F13: in a body it waits on behalf of that body, and gives the slot back", () =>
    Effect.gen(function*() {
      const { body, runs } = workshop("b")
      const old = yield* Client.submit(Task.make(Task.make(body("a")), () =>
        Effect.andThen(Worker.secede, Effect.andThen(Client.compute(Task.make(body("inner"))), body("b")))))
      yield* Future.await(old)
      const outer = Task.make(
        Effect.gen(function*() {
          const error = yield* Effect.flip(Future.rerunInline(old))
          return [error, yield* Client.compute(Task.make(body("last"))), (yield* Worker.current).key]
        }),
        { key: "outer" }
      )
      assert.deepStrictEqual(yield* Client.compute(outer), ["b is broken", "last", "outer"])
      assert.deepStrictEqual(runs, { a: 2, inner: 2, b: 2, last: 1 })
    }).pipe(inScheduler(one)))

  it.effect("F13: a task that timed out or was cancelled runs without its limits; one that did not fail is refused", () =>
    Effect.gen(function*() {
      let length = 100
      const body = Effect.suspend(() => Effect.as(length === 0 ? Effect.void : Effect.sleep(length), "done"))
      const [late, cancelled] = yield* Client.submitAll([
        Task.make(body, { timeout: 10 }),
        Task.map(Task.exit(Task.make(body)), (exit) => exit._tag)
      ])
      yield* turns()
      yield* TestClock.adjust(10)
      yield* Future.cancel(cancelled)
      length = 0
      assert.strictEqual(yield* Future.rerunInline(late), "done")
      assert.strictEqual(yield* Future.rerunInline(cancelled), "Success")
      const fine = yield* Client.submit(Task.succeed(1))
      yield* Future.join(fine)
      const error = yield* Effect.flip(Future.rerunInline(fine))
      assert.instanceOf(error, SubmitError)
      assert.strictEqual(error.reason._tag, "NotRetriable")
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("F13: a Task.exit that was cancelled gives the exit of what it waits for", () =>
    Effect.gen(function*() {
      let isEndless = true
      const x = Task.make(Effect.suspend(() => isEndless ? Effect.never : Effect.fail("no")))
      const exit = yield* Client.submit(Task.exit(x))
      yield* Future.cancel(exit)
      isEndless = false
      const found = yield* Future.rerunInline(exit)
      assert.isTrue(Exit.isExit(found) && Exit.isFailure(found))
    }).pipe(inScheduler(one)))

  it.effect("T5, F13: interrupted, it stops what it had computed again, and closes its scope", () =>
    Effect.gen(function*() {
      const log: Log = []
      let isEndless = false
      const a = Task.make(Effect.suspend(() => isEndless ? reluctant(log, "a") : Effect.succeed("a")))
      const old = yield* Client.submit(Task.make(a, () => Effect.fail("no")))
      yield* Future.await(old)
      isEndless = true
      const fiber = yield* Effect.forkChild(Future.rerunInline(old))
      yield* turns()
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(log, ["a starts", "a is finalized"])
    }).pipe(inScheduler(one)))
})
