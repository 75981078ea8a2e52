/** Batches of a stream: several items in one task, each with an end of its own, on fibers and on workers that are not here. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import * as Client from "skein/Client"
import * as Portable from "skein/Portable"
import * as Scheduler from "skein/Scheduler"

import * as Task from "skein/Task"
import * as Worker from "skein/Worker"
import { BatchSize } from "../src/internal/client/batching.ts"
import { inScheduler } from "./harness.ts"
import { infoOf } from "./support.ts"
import { elsewhere } from "./testing/elsewhere.ts"

const numbers = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => i)

/** How many tasks begin while a program runs. */
const countingStarts = <A, E, R>(program: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    let starts = 0
    yield* Scheduler.listen(({ to }) => void (starts += to === "running" ? 1 : 0))
    return [yield* program, starts] as const
  })

class Odd extends Schema.TaggedError<Odd>()("Odd", { n: Schema.Number }) {}

const Turns = Portable.make("Turns", { payload: Schema.Number, success: Schema.Number })

describe("batches of a stream", () => {
  for (const unordered of [false, true]) {
    it.effect(`B4: a task runs a batch of items, and a failure is that of one item, unordered: ${unordered}`, () =>
      Effect.gen(function*() {
        const work = (n: number) => n % 7 === 3 ? Effect.fail(new Odd({ n })) : Effect.as(Effect.yieldNow, n)
        const [results, starts] = yield* countingStarts(
          Client.stream(numbers(40), work, { batch: 8, outstanding: 16, unordered, mode: "collect", withInput: true })
            .pipe(
              Stream.runCollect
            )
        )
        assert.strictEqual(starts, 5)
        assert.deepStrictEqual(results.map(({ index }) => index).toSorted((a, b) => a - b), numbers(40))
        for (const { exit, input } of results) {
          if (input % 7 !== 3) assert.deepStrictEqual(exit, Exit.succeed(input))
          else {
            assert.isTrue(Exit.isFailure(exit))
            const cause = Exit.isFailure(exit) ? exit.cause : Cause.empty
            assert.strictEqual((Cause.squash(cause) as Odd).n, input)
            assert.deepInclude(infoOf(cause), { attempt: 1, worker: "local" })
          }
        }
      }).pipe(Effect.scoped, inScheduler({ concurrency: 2 })))
  }

  for (const kind of ["functions", "one of a hundred runs in the fiber", "named"] as const) {
    it.effect(`B4: a batch of items that wait for nothing yields every 256 items: ${kind}`, () => {
      let turns = 0
      const ask = (n: number): number => {
        if (n === 0 || n === 600) setImmediate(() => turns++)
        return turns
      }
      const work = (n: number) =>
        kind === "functions" || n % 100 > 0 ? Effect.succeed(ask(n)) : Effect.sync(() => ask(n))
      const each = kind === "named" ?
        Client.stream(numbers(1000).map((n) => Turns(n)), { batch: 1000 })
        : Client.stream(numbers(1000), work, { batch: 1000 })
      return Effect.gen(function*() {
        const seen = yield* Stream.runCollect(each)
        assert.deepStrictEqual([0, 255, 256, 767, 768, 999].map((n) => seen[n]), [0, 0, 1, 1, 2, 2])
      }).pipe(inScheduler({ concurrency: 1 }), Effect.provide(Turns.toLayer((n) => ask(n))))
    })
  }

  it.effect("B4: in failFast the results of a batch before a failure come, and in continue all others", () =>
    Effect.gen(function*() {
      const work = (n: number) => n === 5 || n === 9 ? Effect.fail(`no ${n}`) : Effect.succeed(n)
      for (
        const [mode, expected, failures] of [["failFast", [0, 1, 2, 3, 4], ["no 5"]], ["continue", [
          0,
          1,
          2,
          3,
          4,
          6,
          7,
          8,
          10,
          11
        ], ["no 5", "no 9"]]] as const
      ) {
        const seen: Array<number> = []
        const exit = yield* Client.stream(numbers(12), work, { batch: 4, outstanding: 12, mode }).pipe(
          Stream.runForEach((n) => Effect.sync(() => seen.push(n))),
          Effect.exit
        )
        assert.deepStrictEqual<ReadonlyArray<number>>(seen, expected)
        const errors = Exit.isFailure(exit)
          ? exit.cause.reasons.map((reason) => Cause.isFailReason(reason) && reason.error)
          : []
        assert.deepStrictEqual<ReadonlyArray<unknown>>(errors, failures)
      }
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("B4: items whose options hold for one run, or which wait for tasks, have a task each", () =>
    Effect.gen(function*() {
      const attempts = new Map<number, number>()
      const flaky = (n: number) =>
        Effect.suspend(() => {
          attempts.set(n, (attempts.get(n) ?? 0) + 1)
          return n === 2 && attempts.get(n) === 1 ? Effect.fail("once") : Effect.succeed(n)
        })
      const retry = Schedule.recurs(2)
      const [, alone] = yield* countingStarts(
        Stream.runCollect(Client.stream(numbers(8), flaky, { batch: 8, task: { retry } }))
      )
      assert.strictEqual(alone, 9)
      attempts.clear()
      const [, region] = yield* countingStarts(
        Stream.runCollect(Client.stream(numbers(8), flaky, { batch: 8 })).pipe(Client.annotate({ retry }))
      )
      assert.strictEqual(region, 9)
      const upstream = Task.make(Effect.succeed(1))
      const dependents = numbers(4).map((n) => n === 1 ? Task.map(upstream, (one) => one + n) : Task.sync(() => n))
      const [values, mixed] = yield* countingStarts(Stream.runCollect(Client.stream(dependents, { batch: 4 })))
      assert.deepStrictEqual([values, mixed], [[0, 2, 2, 3], 4])
    }).pipe(Effect.scoped, inScheduler({ concurrency: 2 })))

  it.effect("B4: an item that gives its place up runs again alone, one that skips or interrupts itself ends so", () =>
    Effect.gen(function*() {
      const runs: Array<number> = []
      const work = (n: number): Effect.Effect<number, unknown, Worker.Worker> =>
        Effect.suspend((): Effect.Effect<number, unknown, Worker.Worker> => {
          runs.push(n)
          if (n === 1 && runs.filter((each) => each === 1).length === 1) return Worker.reschedule
          if (n === 2) return Worker.skip
          return n === 3 ? Effect.interrupt : Effect.succeed(n)
        })
      const exits = yield* Stream.runCollect(Client.stream(numbers(5), work, { batch: 5, mode: "collect" }))
      assert.deepStrictEqual(runs, [0, 1, 2, 3, 4, 1])
      assert.deepStrictEqual(
        exits.map((exit) =>
          Exit.isSuccess(exit) ? exit.value : (Cause.squash(exit.cause) as { readonly _tag: string })._tag
        ),
        [0, 1, "TaskSkipped", "SkeinError", 4]
      )
    }).pipe(inScheduler({ concurrency: 1 })))

  for (const unordered of [false, true]) {
    it.effect(`M6: a batch of which an item runs again alone is not held longer, unordered: ${unordered}`, () =>
      Effect.gen(function*() {
        const { stats } = yield* Scheduler.Scheduler
        const runs = new Set<number>()
        const work = (n: number) =>
          Effect.suspend(() => {
            if (n % 4 !== 1 || runs.has(n)) return Effect.succeed(n)
            runs.add(n)
            return Worker.reschedule
          })
        const held: Array<number> = []
        yield* Client.stream(numbers(400), work, { batch: 4, outstanding: 16, unordered }).pipe(
          Stream.runForEach(() => Effect.map(stats, (each) => void held.push(each.held)))
        )
        assert.strictEqual(runs.size, 100)
        assert.isAtMost(Math.max(...held), 16)
      }).pipe(inScheduler({ concurrency: 2 })))
  }

  it.effect("C11: each item has a scope of its own, and a close interrupts the batch and waits for its finalizers", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const work = (n: number) =>
        Effect.gen(function*() {
          yield* Effect.addFinalizer(() => Effect.sync(() => log.push(`closed ${n}`)))
          log.push(`ran ${n}`)
          return n === 3 ? yield* Effect.never : n
        })
      const fiber = yield* Effect.forkChild(Stream.runCollect(Client.stream(numbers(9), work, { batch: 9 })))
      for (const _ of numbers(10)) yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(log, ["ran 0", "closed 0", "ran 1", "closed 1", "ran 2", "closed 2", "ran 3", "closed 3"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("A7: what is taken and not consumed stays within outstanding, in batches too", () =>
    Effect.gen(function*() {
      for (const batch of [3, 5, "auto"] as const) {
        for (const unordered of [false, true]) {
          let taken = 0
          let consumed = 0
          const most: Array<number> = []
          const source = function*() {
            for (const n of numbers(50)) {
              most.push(++taken - consumed)
              yield n
            }
          }
          const results = yield* Client.stream(source(), Effect.succeed, { batch, unordered, outstanding: 10 }).pipe(
            Stream.rechunk(1),
            Stream.tap(() => Effect.sync(() => void consumed++)),
            Stream.runCollect
          )
          assert.deepStrictEqual(results.toSorted((a, b) => a - b), numbers(50))
          assert.isAtMost(Math.max(...most), 10)
        }
      }
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("B2: an automatic batch grows to a fifth of a second, and shrinks if it takes over two", () => {
    const size = new BatchSize()
    const sizes = [0, 1, 10, 50, 100, 150, 300, 3000, 1000].map((millis) => {
      size.took(size.size, millis, Infinity)
      return size.size
    })
    assert.deepStrictEqual(sizes, [2, 4, 8, 16, 32, 64, 64, 64, 64])
    for (let i = 0; i < 9; i++) size.took(size.size, 3000, Infinity)
    assert.isBelow(size.size, 64)
    return Effect.void
  })

  it.effect("B2: an automatic batch that its share bounds shrinks too", () => {
    const size = new BatchSize()
    for (let i = 0; i < 9; i++) size.took(Math.min(size.size, 6), 0, 6)
    assert.strictEqual(size.size, 6)
    size.took(4, 80_000, 4)
    assert.strictEqual(size.size, 1)
    return Effect.void
  })

  for (const outstanding of [undefined, 64]) {
    for (const kind of ["array", "generator", "stream"] as const) {
      it.effect(`B2: short items are batched automatically, from a source: ${kind}, outstanding: ${outstanding}`, () =>
        Effect.gen(function*() {
          const items = numbers(3000)
          const source = kind === "array" ? items : kind === "generator" ? items.values() : Stream.fromIterable(items)
          const [results, starts] = yield* countingStarts(
            Stream.runCollect(Client.stream(source as Iterable<number>, Effect.succeed, { batch: "auto", outstanding }))
          )
          assert.deepStrictEqual(results, items)
          assert.isBelow(starts, 600)
        }).pipe(Effect.scoped, inScheduler({ concurrency: 2 })))
    }
  }

  it.effect("B3: near a known end automatic batches shrink, so that no slot is idle", () =>
    Effect.gen(function*() {
      const [, starts] = yield* countingStarts(
        Stream.runCollect(Client.stream(numbers(40), Effect.succeed, { batch: "auto", outstanding: 40 }))
      )
      // A tenth of 40 for each of two slots, and less and less.
      assert.isAbove(starts, 20)
    }).pipe(Effect.scoped, inScheduler({ concurrency: 2 })))

  it.effect("A9: items of a source that gives them later are batched, and none waits for others that do not come", () =>
    Effect.gen(function*() {
      const source = Stream.concat(
        Stream.fromIterable(numbers(7), { chunkSize: 1 }),
        Stream.fromEffect(Effect.as(Effect.sleep(10), 7))
      )
      const seen: Array<number> = []
      const fiber = yield* Client.stream(source, Effect.succeed, { batch: 4, outstanding: 16 }).pipe(
        Stream.runForEach((n) => Effect.sync(() => seen.push(n))),
        Effect.forkChild
      )
      for (const _ of numbers(50)) yield* Effect.yieldNow
      assert.deepStrictEqual(seen, numbers(7))
      yield* TestClock.adjust(10)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(seen, numbers(8))
    }).pipe(inScheduler({ concurrency: 2 })))
})

describe("batches on workers that are not here", () => {
  const Half = Portable.make("Half", { payload: Schema.Number, success: Schema.Number, error: Odd })
  const half = (n: number) => {
    if (n === 11) throw new Error("eleven")
    return n % 5 === 3 ? new Odd({ n }) : n % 2 === 0 ? n / 2 : Effect.as(Effect.yieldNow, n / 2)
  }

  it.effect("B1, B4: one message has a batch of payloads, and each has an end of its own", () =>
    Effect.gen(function*() {
      const [exits, starts] = yield* countingStarts(
        Stream.runCollect(
          Client.stream(numbers(24).map((n) => Half(n)), { batch: 8, outstanding: 24, mode: "collect" })
        )
      )
      assert.strictEqual(starts, 3)
      assert.deepStrictEqual(
        exits.map((exit) => Exit.isSuccess(exit) ? exit.value : (Cause.squash(exit.cause) as Error).constructor),
        numbers(24).map((n) => n === 11 ? Error : n % 5 === 3 ? Odd : n / 2)
      )
      const failed = exits[3]!
      assert.strictEqual(Exit.isFailure(failed) && infoOf(failed.cause)?.worker?.startsWith("far-"), true)
    }).pipe(Effect.scoped, Effect.provide(elsewhere([Half], Half.toLayer(half)))))

  it.effect("B4: the same batch ends alike where its handler is in this process", () =>
    Effect.gen(function*() {
      const exits = yield* Stream.runCollect(
        Client.stream(numbers(24).map((n) => Half(n)), { batch: 8, mode: "collect" })
      )
      assert.deepStrictEqual(
        exits.map((exit) => Exit.isSuccess(exit) ? exit.value : (Cause.squash(exit.cause) as Error).constructor),
        numbers(24).map((n) => n === 11 ? Error : n % 5 === 3 ? Odd : n / 2)
      )
    }).pipe(inScheduler({ concurrency: 2 }), Effect.provide(Half.toLayer(half))))

  const Sum = Portable.make("Sum", { payload: Schema.Number, success: Schema.Number })
  const Twice = Portable.make("Twice", { payload: Schema.Number, success: Schema.Number })
  const SumLive = Sum.toLayer((n) =>
    Effect.gen(function*() {
      const functions = yield* Stream.runCollect(
        Client.stream(numbers(n), (x) => Effect.as(Effect.yieldNow, x), { outstanding: 3 })
      )
      const named = yield* Stream.runCollect(
        Client.stream(numbers(n).map((x) => Twice(x)), { outstanding: 3, unordered: true })
      )
      return [...functions, ...named].reduce((a, b) => a + b, 0)
    }).pipe(Effect.orDie)
  )

  it.effect("N1, N2: a body elsewhere streams functions there and named tasks anywhere, on one slot", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Client.compute(Sum(10)), 135)
    }).pipe(
      Effect.provide(elsewhere([Sum, Twice], Layer.provideMerge(SumLive, Twice.toLayer((x) => 2 * x)), { workers: 1 }))
    ))
})

describe("a bound on failures", () => {
  it.effect("F3: items that were taken and wait for others to run with do not start after maxFailures", () =>
    Effect.gen(function*() {
      const started: Array<number> = []
      const gate = yield* Deferred.make<void>()
      const work = (n: number) => {
        started.push(n)
        return n === 0 ? Effect.andThen(Deferred.await(gate), Effect.fail("no 0")) : Effect.succeed(n)
      }
      const source = Stream.concat(
        Stream.fromIterable(numbers(3), { chunkSize: 1 }),
        Stream.fromEffect(Effect.andThen(Deferred.succeed(gate, undefined), Effect.never))
      )
      const exits = yield* Stream.runCollect(
        Client.stream(source, work, { batch: 8, outstanding: 16, mode: "collect", maxFailures: 1 })
      )
      assert.deepStrictEqual([started, exits.length], [[0], 1])
    }).pipe(inScheduler({ concurrency: 2 })))

  for (const unordered of [false, true]) {
    it.effect(`F3: after maxFailures no item is taken, and what comes after is cancelled, unordered: ${unordered}`, () =>
      Effect.gen(function*() {
        let taken = 0
        const source = function*() {
          for (;;) yield taken++
        }
        const work = (n: number) => n % 2 === 1 ? Effect.fail(`no ${n}`) : Effect.as(Effect.yieldNow, n)
        const exit = yield* Client.stream(source(), work, {
          mode: "continue",
          maxFailures: 3,
          outstanding: 4,
          unordered
        })
          .pipe(
            Stream.runDrain,
            Effect.exit
          )
        const failures = Exit.isFailure(exit) ? exit.cause.reasons : []
        assert.isAtLeast(failures.length, 3)
        assert.isAtMost(failures.length, 4)
        assert.isAtMost(taken, 12)
      }).pipe(inScheduler({ concurrency: 2 })))
  }
})
