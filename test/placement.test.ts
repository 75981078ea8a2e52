import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Client, Skein, Task, Worker } from "skein"

const twoWorkers = Skein.layer({ workers: [{ id: "cpu", concurrency: 2 }, { id: "io", concurrency: 1 }] })

const where = Effect.map(Worker.current, ({ worker }) => worker)

describe("placement", () => {
  it.effect("W6: tasks run on the workers that they name", () =>
    Effect.gen(function*() {
      const tasks = Array.from({ length: 6 }, (_, i) => Task.make(where, { workers: [i < 4 ? "io" : "cpu"] }))
      const found = yield* Client.compute(Task.all(tasks))
      assert.deepStrictEqual(found, ["io", "io", "io", "io", "cpu", "cpu"])
    }).pipe(Effect.provide(twoWorkers)))
})
