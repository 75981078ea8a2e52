/** Durations are measured by the monotonic clock, whatever becomes of the wall clock; instants are those of the wall clock. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Progress from "skein/Progress"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { errorOf, explanationOf, reasonOf } from "./support.ts"

const hour = 3_600_000
const minute = 60_000

/** Sets the wall clock forward by so many milliseconds, or back. */
class WallClock extends Context.Service<WallClock, { readonly step: (millis: number) => void }>()("test/WallClock") {}

/** Runs a program with a scheduler under a virtual clock whose wall can be set apart. */
const withWall = (options: Skein.Options = { concurrency: 4 }) =>
<A, E, R>(
  program: Effect.Effect<A, E, R>
): Effect.Effect<A, unknown, Exclude<R, Client.Client | Scheduler.Scheduler | Scope.Scope | WallClock>> =>
  Effect.clockWith((test) => {
    let skew = 0
    const wall = () => test.currentTimeMillisUnsafe() + skew
    const nanos = () => BigInt(wall()) * 1_000_000n
    // All else is as the test clock has it.
    const clock = Object.assign(Object.create(test) as Clock.Clock, {
      currentTimeMillisUnsafe: wall,
      currentTimeMillis: Effect.sync(wall),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos)
    })
    return Effect.scoped(program).pipe(
      Effect.provide(Skein.layer(options), { local: true }),
      Effect.provideService(WallClock, { step: (millis) => void (skew += millis) }),
      Effect.provideService(Clock.Clock, clock)
    ) as never
  })

const step = (millis: number) => WallClock.use((wall) => Effect.sync(() => wall.step(millis)))

/** Anything that the scheduler hears of: it looks at the clock. */
const stir = Client.compute(Task.sync(() => 1))

for (const [way, millis] of [["forward", hour], ["back", -hour]] as const) {
  describe(`a wall clock that is set ${way} by an hour`, () => {
    it.effect("C9: moves no timeout, deadline or retry delay", () =>
      Effect.gen(function*() {
        const slow = yield* Client.submit(Task.make(Effect.never, { timeout: 10 * minute }))
        const late = yield* Client.submit(Task.make(Effect.never, { deadline: 10 * minute }))
        let attempts = 0
        const failing = Effect.suspend(() => ++attempts < 2 ? Effect.fail("no") : Effect.succeed(attempts))
        const retried = yield* Client.submit(Task.make(failing, { retry: Schedule.spaced(10 * minute) }))
        const futures = [slow, late, retried]
        const statuses = Effect.forEach(futures, Future.status)
        yield* TestClock.adjust(minute)
        yield* step(millis)
        yield* stir
        yield* TestClock.adjust(9 * minute - 1)
        yield* stir
        assert.deepStrictEqual(yield* statuses, ["running", "running", "waiting"])
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(yield* statuses, ["failed", "failed", "succeeded"])
        assert.strictEqual((yield* errorOf(Future.join(slow)))._tag, "TaskTimeout")
        assert.strictEqual(attempts, 2)
      }).pipe(withWall()))

    it.effect("C13: moves no wait for a worker", () =>
      Effect.gen(function*() {
        const future = yield* Client.submit(Task.sync(() => 1))
        const waiting = yield* Effect.forkChild(errorOf(Scheduler.awaitWorkers(1, { connectTimeout: 5 * minute })))
        yield* TestClock.adjust(minute)
        yield* step(millis)
        yield* Effect.forkChild(stir)
        yield* TestClock.adjust(4 * minute - 1)
        assert.strictEqual(yield* Future.status(future), "ready")
        assert.isUndefined(waiting.pollUnsafe())
        yield* TestClock.adjust(1)
        assert.strictEqual((yield* Fiber.join(waiting))._tag, "NoSuitableWorker")
        yield* TestClock.adjust(5 * minute)
        assert.strictEqual((yield* reasonOf(Future.join(future)))._tag, "NoSuitableWorker")
      }).pipe(withWall({ workers: [], waitForWorkers: 10 * minute })))

    it.effect("W10, W14: neither buries a worker nor ages it", () => {
      let starts = 0
      const onStart = Effect.sync(() => void starts++)
      return Effect.gen(function*() {
        yield* TestClock.adjust(10_000)
        yield* step(millis)
        yield* stir
        yield* TestClock.adjust(20_000)
        yield* stir
        assert.strictEqual(starts, 1)
        yield* TestClock.adjust(20 * minute)
        assert.strictEqual(starts, 2)
      }).pipe(withWall({ workers: [{ id: "old", concurrency: 4, ttl: minute, maxAge: 20 * minute, onStart }] }))
    })

    it.effect("C9: does not end a retry schedule that goes by what has passed", () =>
      Effect.gen(function*() {
        let attempts = 0
        const failing = Effect.suspend(() => {
          attempts++
          return Effect.fail("no")
        })
        const retry = Schedule.upTo(Schedule.spaced(minute), { duration: 10.5 * minute })
        const future = yield* Client.submit(Task.make(failing, { retry }))
        yield* Effect.repeat(TestClock.adjust(minute), { times: 1 })
        yield* step(millis)
        yield* Effect.repeat(TestClock.adjust(minute), { times: 19 })
        assert.strictEqual(yield* errorOf(Future.join(future)), "no")
        assert.strictEqual(attempts, 12)
      }).pipe(withWall()))

    it.effect("V4: metadata has what passed, and instants of the wall clock as it is set now", () =>
      Effect.gen(function*() {
        yield* TestClock.adjust(minute)
        const gate = yield* Deferred.make<void>()
        const future = yield* Client.submit(Task.make(Deferred.await(gate)))
        yield* TestClock.adjust(2000)
        yield* step(millis)
        yield* Deferred.succeed(gate, undefined)
        yield* Future.join(future)
        const { attempts, completed, started, submitted } = yield* Future.metadata(future)
        assert.deepStrictEqual([submitted, started, completed], [
          minute + millis,
          minute + millis,
          minute + 2000 + millis
        ])
        assert.deepStrictEqual(attempts.map(({ completed, started }) => completed! - started), [2000])
        assert.strictEqual(completed, yield* Clock.currentTimeMillis)
      }).pipe(withWall()))

    it.effect("V2, V10: what listeners hear and dumps show follows the wall clock, and progress what passed", () =>
      Effect.gen(function*() {
        const heard: Array<number> = []
        yield* Scheduler.listen(({ at, to }) => void (to === "running" && heard.push(at)))
        const elapsed: Array<number> = []
        yield* Effect.gen(function*() {
          yield* stir
          yield* TestClock.adjust(1000)
          yield* step(millis)
          yield* stir
        }).pipe(Progress.withProgress(({ elapsedMillis }) => void elapsed.push(elapsedMillis), { interval: "1 day" }))
        assert.deepStrictEqual(heard, [0, 1000 + millis])
        assert.deepStrictEqual(elapsed, [0, 1000])
        assert.strictEqual((yield* Scheduler.dump).now, 1000 + millis)
        const retry = Schedule.spaced(minute)
        yield* Client.submit(Task.make(Effect.fail("no"), { key: "x", retry }))
        yield* TestClock.adjust(0)
        const because = (yield* explanationOf("x"))?.because
        assert.deepStrictEqual(because, { _tag: "WaitsForRetry", at: 1000 + millis + minute })
      }).pipe(withWall()))

    it.effect("V11: explain names instants of the wall clock, and explainText writes them as dates", () =>
      Effect.gen(function*() {
        yield* TestClock.adjust(1000)
        const gate = yield* Deferred.make<void>()
        const submitted = Effect.gen(function*() {
          const body = Effect.uninterruptible(Deferred.await(gate))
          const stuck = yield* Client.submit(Task.make(body, { key: "stuck" }))
          const options = { key: "gpu", workers: { labels: ["gpu"] }, waitForWorkers: minute }
          yield* Client.submit(Task.make(Effect.void, options))
          yield* TestClock.adjust(0)
          yield* Future.cancel(stuck, { wait: false })
          yield* step(millis)
          const explained = yield* Scheduler.explainAll(["stuck", "gpu"])
          return [...explained, yield* explanationOf("stuck"), yield* explanationOf("gpu")]
        })
        const explained = yield* Effect.ensuring(submitted, Deferred.succeed(gate, undefined))
        const date = (at: number) => DateTime.formatIso(DateTime.makeUnsafe(at))
        const stuck = [1000 + millis, `was asked to stop at ${date(1000 + millis)} (Cancelled)`] as const
        const gpu = [1000 + minute + millis, `it ends at ${date(1000 + minute + millis)} without one`] as const
        const expected = [stuck, gpu, stuck, gpu]
        for (const [i, explanation] of explained.entries()) {
          assert.include(Object.values(explanation!.because), expected[i]![0])
          assert.include(Scheduler.explainText(explanation!), expected[i]![1])
        }
      }).pipe(withWall()))

    it.effect("V11: so it does where no worker takes tasks", () =>
      Effect.gen(function*() {
        yield* TestClock.adjust(1000)
        yield* Client.submit(Task.make(Effect.void, { key: "any" }))
        yield* step(millis)
        const because = (yield* explanationOf("any"))?.because
        assert.deepStrictEqual(because, { _tag: "NoWorker", until: 1000 + minute + millis })
      }).pipe(withWall({ workers: [], waitForWorkers: minute })))
  })
}
