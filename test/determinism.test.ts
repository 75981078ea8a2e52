import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import { TestClock } from "effect/testing"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import type * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { fib, inScheduler, turns } from "./harness.ts"
import { longOr } from "./long.ts"
import { adjust, withSeed } from "./simulation/seeded.ts"

const flaky = (name: string) =>
  Task.make(
    Effect.gen(function*() {
      yield* Effect.sleep(yield* Random.nextIntBetween(1, 30))
      if ((yield* Random.next) < 0.5) return yield* Effect.fail(name)
      return name
    }),
    {
      label: name,
      timeout: 20,
      deadline: 200,
      dependencyTimeout: 90,
      retry: Schedule.max([Schedule.exponential(5), Schedule.recurs(4)]).pipe(Schedule.jittered)
    }
  )

/** Everything that has to do with time and chance, over several workers, with everything nested in everything. */
const program = (move: Effect.Effect<void>) =>
  Effect.gen(function*() {
    const events: Array<string> = []
    yield* Scheduler.listen((event) => void events.push(JSON.stringify(event)))
    const names = Array.from({ length: 12 }, (_, i) => `flaky${i}`)
    const double = Task.fn((n: number) => Effect.as(Effect.sleep(3), n * 2), { name: "double", pure: true })
    const run = Effect.gen(function*() {
      const claimed = yield* Client.submit(Task.make(Effect.as(Effect.sleep(5), 4), { label: "claimed" }))
      const endless = yield* Client.submit(Task.make(Effect.never, { label: "endless" }))
      const all = yield* Effect.forkChild(Client.compute(names.map(flaky), { mode: "collect" }))
      const pure = yield* Effect.forkChild(Client.compute([double(claimed), double(claimed), double(5)]))
      const nested = yield* Effect.forkChild(Client.compute([fib(5), Task.flatMap(1, () => fib(3))]))
      yield* Effect.sleep(40)
      yield* Future.cancel(endless)
      const results = [
        yield* Fiber.join(all),
        yield* Fiber.join(pure),
        yield* Fiber.join(nested),
        yield* Future.await(endless)
      ]
      return JSON.stringify(results)
    })
    const fiber = yield* Effect.forkChild(run)
    while (fiber.pollUnsafe() === undefined) yield* move
    events.push(yield* Fiber.join(fiber))
    return events.join("\n")
  })

const workers: Skein.Options = { workers: [{ id: "a", concurrency: 2 }, { id: "b", concurrency: 1 }] }

describe("T1: the same program under TestClock and a seed", () => {
  const log = (seed: string) =>
    program(Effect.andThen(turns(), TestClock.adjust(1))).pipe(
      inScheduler(workers),
      Effect.provide(TestClock.layer(), { local: true }),
      Random.withSeed(seed)
    )

  it.live("T1: gives a byte-equal event log twice, and another one for another seed", () =>
    Effect.gen(function*() {
      const first = yield* log("one")
      assert.strictEqual(yield* log("one"), first)
      assert.notStrictEqual(yield* log("two"), first)
      for (const word of ["TimeCame", "stopping", "seceded", "rejoining", "cancelled", "released", "\"attempt\":2"]) {
        assert.include(first, word)
      }
    }))

  it.live("T1: gives a byte-equal event log twice under each of some interleavings of its fibers", () =>
    Effect.gen(function*() {
      const logs = new Set<string>()
      for (let seed = 1; seed <= longOr(30, 3); seed++) {
        const once = program(adjust(1)).pipe(inScheduler(workers), Random.withSeed("one"))
        const first = yield* once.pipe(withSeed(seed))
        assert.strictEqual(yield* once.pipe(withSeed(seed)), first, `seed ${seed}`)
        logs.add(first)
      }
      assert.isAbove(logs.size, 1)
    }))
})
