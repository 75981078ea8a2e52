/** Bodies that start in one turn of the pump. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Task from "skein/Task"
import { inScheduler } from "./harness.ts"

describe("turns", () => {
  it.effect("A body that may look around sees all that has ended before it", () =>
    Effect.gen(function*() {
      const futures: Array<Future.Future<number>> = []
      const look = Task.make(Effect.suspend(() => Effect.forEach(futures, (future) => Future.status(future))))
      for (const n of [1, 2, 3]) futures.push(yield* Client.submit(Task.sync(() => n)))
      assert.deepStrictEqual(yield* Client.compute(look), ["succeeded", "succeeded", "succeeded"])
    }).pipe(inScheduler({ concurrency: 4 })))

  it.effect("Ends are told in the order of the bodies, failures among them", () =>
    Effect.gen(function*() {
      const ended: Array<string> = []
      yield* Scheduler.listen(({ key, to }) => {
        if (to === "succeeded" || to === "failed") ended.push(`${key} ${to}`)
      })
      const throws = (key: string) =>
        Task.sync((): number => {
          throw new Error(key)
        }, { key })
      const tasks = [Task.sync(() => 1, { key: "a" }), throws("b"), Task.sync(() => 3, { key: "c" }), throws("d")]
      const exits = yield* Client.compute(tasks, { mode: "collect" })
      assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, false, true, false])
      assert.deepStrictEqual(ended, ["a succeeded", "b failed", "c succeeded", "d failed"])
    }).pipe(inScheduler({ concurrency: 4 })))

  it.effect("V4: no task starts before the end of what it depends on, and none ends before its start", () =>
    Effect.gen(function*() {
      let now = 0
      const tick = () => now++
      const own = { currentTimeMillisUnsafe: tick, currentTimeMillis: Effect.sync(tick) }
      const clock: Clock.Clock = Object.assign(Object.create(yield* Clock.Clock), own)
      const program = Effect.gen(function*() {
        const first = Array.from({ length: 6 }, (_, i) => Task.sync(() => i))
        const second = Array.from(
          { length: 6 },
          (_, i) => Task.map([first[i]!, first[(i + 1) % 6]!], ([a, b]) => a + b)
        )
        const futures = yield* Client.submitAll([...first, ...second])
        yield* Future.awaitAll(futures)
        const known = yield* Effect.forEach(futures, (future) => Future.metadata(future))
        const byKey = new Map(known.map((task) => [task.key, task]))
        for (const { completed, dependencies, started } of known) {
          assert.isAtLeast(completed!, started!)
          for (const before of dependencies) assert.isAtLeast(started!, byKey.get(before)!.completed!)
        }
      }).pipe(inScheduler({ concurrency: 3 }))
      yield* Effect.provideService(program, Clock.Clock, clock)
    }))
})
