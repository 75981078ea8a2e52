import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Client from "skein/Client"
import * as Portable from "skein/Portable"
import * as Skein from "skein/Skein"
import { NoSuitableWorker } from "skein/SkeinError"
import * as Task from "skein/Task"
import * as Worker from "skein/Worker"
import { errorOf } from "./support.ts"
import { elsewhere } from "./testing/elsewhere.ts"

const Where = Portable.make("Where", { success: Schema.String })
const handler = Where.toLayer(() => Effect.map(Worker.current, ({ id }) => id))

/** One slot here, and one on a worker elsewhere with the label of its kind. */
const layer = (here: Layer.Layer<Client.Client> = Skein.layer({ concurrency: 1 })) =>
  elsewhere([Where], handler, { workers: 1, labels: () => ["threads"], here: here as never })

/** The same, where the scheduler's process may run the task too. */
const both = layer(Layer.provideMerge(handler, Skein.layer({ concurrency: 1 })))

const anywhere = Task.make(Effect.map(Worker.current, ({ id }) => id))

describe("kinds of workers", () => {
  it.effect("K3: a task prefers a kind of worker by a rating, and runs on another if that has no free slot", () =>
    Effect.gen(function*() {
      const locality = ({ labels }: Task.WorkerInfo) => labels.includes("threads") ? 1 : 0
      const preferred = Where(undefined, { locality })
      assert.strictEqual(yield* Client.compute(preferred), "far-0")
      const opposite = ({ labels }: Task.WorkerInfo) => labels.includes("threads") ? 0 : 1
      assert.strictEqual(yield* Client.compute(Where(undefined, { locality: opposite })), "local")
      const two = yield* Client.compute([preferred, Where(undefined, { locality })])
      assert.sameMembers(two, ["far-0", "local"])
    }).pipe(Effect.provide(both, { local: true })))

  it.effect("K3: a task requires a kind of worker by its label or id, and waits for it", () =>
    Effect.gen(function*() {
      const there = Array.from({ length: 4 }, () => Where(undefined, { workers: { labels: ["threads"] } }))
      assert.deepStrictEqual(yield* Client.compute(there), Array(4).fill("far-0"))
      const here = Array.from({ length: 4 }, () => Where(undefined, { workers: ["local"] }))
      assert.deepStrictEqual(yield* Client.compute(here), Array(4).fill("local"))
    }).pipe(Effect.provide(both, { local: true })))

  it.effect("K3: what can never be is a typed error: a closure elsewhere, or a task here without a handler", () =>
    Effect.gen(function*() {
      const closure = Task.withOptions(anywhere, { workers: { labels: ["threads"] } })
      assert.instanceOf(yield* errorOf(Client.compute(closure)), NoSuitableWorker)
      assert.instanceOf(yield* errorOf(Client.compute(Where(undefined, { workers: ["local"] }))), NoSuitableWorker)
      const soft = Where(undefined, { workers: ["local"], allowOthers: true })
      assert.strictEqual(yield* Client.compute(soft), "far-0")
    }).pipe(Effect.provide(layer(), { local: true })))
})
