/** Workers that are not here, over a link in memory: bodies are found by name, and all that passes is cloned. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Client from "skein/Client"
import * as Skein from "skein/Skein"
import { RemoteWorker } from "../src/internal/remote/remoteWorker.ts"
import type { RemotePosting } from "../src/internal/workers/port.ts"
import { coreOf } from "../src/testing/internal/leftovers.ts"
import { type Maker, type MemoryOptions, memoryTransport, named, type Wire } from "./testing/memoryLink.ts"

interface Options extends MemoryOptions {
  readonly id?: string
  readonly slots?: number
  readonly ahead?: number
}

/** Adds a remote worker to the scheduler of the context, until the scope closes. Returns what passes. */
const addRemote = (
  makers: ReadonlyArray<Maker>,
  { ahead = 64, id = "far", slots = 1, ...options }: Options = {}
) =>
  Effect.gen(function*() {
    const core = coreOf(Context.get(yield* Effect.context<Client.Client>(), Client.Client))
    const wires: Array<Wire> = []
    const transport = memoryTransport(makers, { ...options, opened: (wire) => wires.push(wire) })
    const posting: RemotePosting = {
      id,
      slots,
      labels: [],
      terms: {},
      onStart: undefined,
      kind: "remote",
      ahead,
      handsOver: true,
      port: (setup) => new RemoteWorker(setup, transport, { slots, ahead })
    }
    yield* core.crew.add(posting)
    return wires
  })

const none = Skein.layer({ workers: [], waitForWorkers: "1 minute" })

describe("a worker that is not here", () => {
  it.effect("W20: runs portable tasks, and their results come back", () =>
    Effect.gen(function*() {
      const double = named("double", (x: number) => 2 * x)
      yield* addRemote([double])
      const tasks = [1, 2, 3].map((x) => double.task(x))
      assert.deepStrictEqual(yield* Client.compute(tasks), [2, 4, 6])
    }).pipe(Effect.scoped, Effect.provide(none)))

  it.effect("W20: runs functions, promises and Effects, with the results of tasks as payloads", () =>
    Effect.gen(function*() {
      const plain = named("plain", (x: number) => x + 1)
      const promise = named("promise", (x: number) => Promise.resolve(x + 1))
      const effect = named("effect", (x: number) => Effect.as(Effect.yieldNow, x + 1))
      yield* addRemote([plain, promise, effect])
      assert.strictEqual(yield* Client.compute(effect.task(promise.task(plain.task(0)))), 3)
    }).pipe(Effect.scoped, Effect.provide(none)))

  it.effect("W19: many small tasks take few messages", () =>
    Effect.gen(function*() {
      const next = named("next", (x: number) => x + 1)
      const wires = [...yield* addRemote([next], { ahead: 256 }), ...yield* addRemote([next], { ahead: 256, id: "b" })]
      const tasks = Array.from({ length: 10_000 }, (_, i) => next.task(i))
      const sum = (yield* Client.compute(tasks)).reduce((a, b) => a + b, 0)
      assert.strictEqual(sum, 50_005_000)
      const messages = wires.reduce((count, { downs, ups }) => count + downs.length + ups.length, 0)
      assert.isAtMost(messages, 1400)
    }).pipe(Effect.scoped, Effect.provide(none)))
})
