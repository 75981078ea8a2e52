import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Task from "skein/Task"
import { Results } from "../src/internal/workers/results.ts"
import { inQuietScheduler, turns } from "./harness.ts"
import { longOr } from "./long.ts"

const most = longOr(1_000_000, 50_000)
const many = longOr(100_000, 10_000)
const inWords = (count: number): string => count.toLocaleString("en-US")

describe("a large run", () => {
  it.live(`G15: ${inWords(most)} tasks complete, each once, and a timer fires meanwhile`, () =>
    Effect.gen(function*() {
      let ran = 0
      let ranAtTick = -1
      const tasks = Array.from({ length: most - 1 }, (_, i) =>
        Task.map(i, (i) => {
          ran++
          return i & 1
        }))
      const sum = Task.map(tasks, (bits) => bits.reduce((a, b) => a + b, 0))
      const timer = yield* Effect.forkChild(
        Effect.andThen(
          Effect.repeat(Effect.sleep(1), { until: () => ran > 0 }),
          Effect.sync(() => {
            ranAtTick = ran
          })
        ),
        { startImmediately: true }
      )
      assert.strictEqual(yield* Client.compute(sum), most / 2 - 1)
      yield* Fiber.join(timer)
      assert.strictEqual(ran, most - 1)
      assert.isAbove(ranAtTick, 0)
      assert.isBelow(ranAtTick, most - 1, "the timer had to wait for the end of the run")
    }).pipe(inQuietScheduler()))

  it.live(`G15: a timer fires while ${inWords(many)} tasks run that wait for nothing but promises`, () =>
    Effect.gen(function*() {
      let ran = 0
      let ranAtTick = -1
      const tasks = Array.from({ length: many }, () => Task.make(Effect.promise(() => Promise.resolve(ran++))))
      const timer = yield* Effect.forkChild(
        Effect.andThen(
          Effect.repeat(Effect.sleep(1), { until: () => ran > 0 }),
          Effect.sync(() => {
            ranAtTick = ran
          })
        ),
        { startImmediately: true }
      )
      yield* Client.compute(tasks)
      yield* Fiber.join(timer)
      assert.strictEqual(ran, many)
      assert.isBelow(ranAtTick, many, "the timer had to wait for the end of the run")
    }).pipe(inQuietScheduler()))

  it.live(
    `interrupting a run of ${
      inWords(many)
    } tasks half way leaves nothing running, every finalizer run, every table empty`,
    () =>
      Effect.gen(function*() {
        const size = many
        let started = 0
        let running = 0
        const body = Effect.acquireUseRelease(
          Effect.sync(() => {
            started++
            running++
          }),
          () => Effect.yieldNow,
          () => Effect.sync(() => void running--)
        )
        const tasks = Array.from({ length: size }, () => Task.make(body))
        const fiber = yield* Effect.forkChild(Client.compute(Task.map(tasks, () => "done")))
        yield* Effect.repeat(Effect.yieldNow, { until: () => started >= size / 2 })
        yield* Fiber.interrupt(fiber)
        const startedUntilThen = started
        assert.strictEqual(running, 0)
        assert.isBelow(startedUntilThen, size)
        yield* turns()
        assert.strictEqual(started, startedUntilThen)
        assert.deepStrictEqual((yield* Scheduler.dump).tasks, [])
      }).pipe(inQuietScheduler({ concurrency: 64 }))
  )

  it.live(`C4: interrupting a run of ${inWords(many)} tasks that all run stops them all`, () =>
    Effect.gen(function*() {
      const size = many
      let started = 0
      let finalized = 0
      const body = Effect.onExit(
        Effect.andThen(Effect.sync(() => void started++), Effect.never),
        () => Effect.sync(() => void finalized++)
      )
      const tasks = Array.from({ length: size }, () => Task.make(body))
      const fiber = yield* Effect.forkChild(Client.compute(tasks))
      yield* Effect.repeat(Effect.yieldNow, { until: () => started >= size })
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual([started, finalized], [size, size])
    }).pipe(inQuietScheduler({ concurrency: many })))

  it.live(`M5: after ${inWords(many)} futures have come and gone nothing is left`, () =>
    Effect.gen(function*() {
      for (let i = 0; i < 10; i++) {
        const tasks = Array.from({ length: many / 10 }, (_, n) => Task.make(Effect.succeed(n)))
        yield* Effect.scoped(Effect.flatMap(Client.submitAll(tasks), (futures) => Future.joinAll([...futures])))
      }
      assert.deepStrictEqual((yield* Scheduler.dump).tasks, [])
    }).pipe(inQuietScheduler()))

  it.live("W6: 2,000 tasks that each ask for something else run, each once", () =>
    Effect.gen(function*() {
      const size = 2000
      const tasks = Array.from({ length: size }, (_, i) =>
        Task.make(Effect.succeed(i), { workers: [i % 2 === 0 ? "a" : "b", `other${i}`] }))
      const values = yield* Client.compute(tasks)
      assert.deepStrictEqual(
        values,
        Array.from({ length: size }, (_, i) =>
          i)
      )
    }).pipe(inQuietScheduler({ workers: [{ id: "a", concurrency: 2 }, { id: "b", concurrency: 2 }] })))

  it("M5, W6: a worker whose results come and go one at a time keeps the table for them until as many have paid for it", () => {
    const results = new Results()
    let [made, last]: [number, unknown] = [0, undefined]
    for (let i = 0; i < 40_000; i++) {
      results.set(80_000, i)
      const { values } = results as unknown as { readonly values: unknown }
      if (values !== last) made++
      last = values
      results.delete(80_000)
    }
    assert.isAtMost(made, 5)
    assert.isAtLeast(made, 4)
  })
})
