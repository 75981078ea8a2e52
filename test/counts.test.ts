import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Client from "skein/Client"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { turn } from "../src/internal/settings/turn.ts"
import { TaskImpl } from "../src/internal/tasks/task.ts"
import { FiberWorker } from "../src/internal/workers/fiberWorker.ts"
import type { Setup } from "../src/internal/workers/port.ts"
import { direct, Wiring } from "../src/internal/workers/wire.ts"
import { count } from "./bench/counts.ts"
import { make, shapeNames } from "./bench/shapes.ts"

const size = 10_000

/** Events, instructions and fibers of a run that do not grow with its graph: owners, the wait, the runtime. */
const overhead = 20

const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0)

describe("what a task costs, in counts", () => {
  for (const shape of shapeNames) {
    it(`${shape}: one start, one end, one fiber, two instructions, no log`, async () => {
      const graph = make(shape, size)
      const { events, fibers, instructions, logged, longestTurn } = await count(graph, "sync")
      assert.strictEqual(events["TaskEnded"], graph.size)
      assert.isAtMost(sum(events), graph.size + overhead)
      assert.strictEqual(instructions["Start"], graph.size)
      assert.strictEqual(instructions["Forget"], graph.size)
      assert.isAtMost(sum(instructions), 2 * graph.size + overhead)
      assert.isAtLeast(fibers, graph.size)
      assert.isAtMost(fibers, graph.size + overhead)
      assert.strictEqual(logged, 0)
      assert.isAtMost(longestTurn, turn.instructions)
    })
  }

  it("a body that waits for a promise costs no more", async () => {
    const graph = make("random", size)
    const { events, fibers, instructions } = await count(graph, "promise")
    assert.strictEqual(events["TaskEnded"], graph.size)
    assert.isAtMost(sum(instructions), 2 * graph.size + overhead)
    assert.isAtMost(fibers, graph.size + overhead)
  })

  it("the pump lets timers and I/O have a turn after 2,048 instructions at most", async () => {
    const { longestTurn } = await count(make("chain", 3 * turn.instructions), "sync")
    assert.strictEqual(turn.instructions, 2048)
    assert.isAtMost(longestTurn, turn.instructions)
    assert.isAtLeast(longestTurn, 16)
  })

  it("a listener costs no fiber, event or instruction, and hears six transitions a task", async () => {
    const graph = make("chain", size)
    const { events, fibers, heard, instructions, logged } = await count(graph, "sync", true)
    assert.strictEqual(heard, 6 * graph.size)
    assert.isAbove(logged, graph.size)
    assert.isAtMost(sum(events), graph.size + overhead)
    assert.isAtMost(sum(instructions), 2 * graph.size + overhead)
    assert.isAtMost(fibers, graph.size + overhead)
  })

  it("the body of a plain function is not read from its description to its result: each read makes an object", async () => {
    const body = Object.getOwnPropertyDescriptor(TaskImpl.prototype, "body")!
    let reads = 0
    Object.defineProperty(TaskImpl.prototype, "body", {
      configurable: true,
      get(this: TaskImpl): unknown {
        reads++
        return body.get!.call(this)
      }
    })
    for (const shape of shapeNames) await count(make(shape, 100), "sync")
    Object.defineProperty(TaskImpl.prototype, "body", body)
    assert.strictEqual(reads, 0)
  })

  it("a task is three messages of its worker's port: start it, it has ended, drop its result", async () => {
    const counts: Record<string, number> = {}
    const counting = <A extends object>(of: string, target: A): A =>
      new Proxy(target, {
        get: (object, name) => {
          const value: unknown = Reflect.get(object, name, object)
          if (typeof value !== "function") return value
          return (...args: ReadonlyArray<unknown>): unknown => {
            counts[`${of}.${String(name)}`] = (counts[`${of}.${String(name)}`] ?? 0) + 1
            return Reflect.apply(value, object, args)
          }
        },
        set: (object, name, value) => Reflect.set(object, name, value, object)
      })
    const wire = {
      ...direct,
      worker: (setup: Setup) =>
        counting("port", direct.worker({ ...setup, reports: counting("reports", setup.reports) }))
    }
    const chain = [Task.map([], () => 0)]
    while (chain.length < 100) chain.push(Task.map([chain.at(-1)!], ([n]) => n + 1))
    const layer = Skein.layer({ concurrency: 1 })
    const program = Client.compute(chain.at(-1)!).pipe(Effect.provide(layer), Effect.provideService(Wiring, () => wire))
    assert.strictEqual(await Effect.runPromise(program), 99)
    assert.deepStrictEqual(counts, {
      "port.start": 100,
      "reports.endedAtOnce": 100,
      "port.peek": 100,
      "port.drop": 100
    })
  })

  it("a task that is forgotten costs one call of the worker that holds its result, however many workers there are", async () => {
    const { prototype } = FiberWorker
    const { drop } = prototype
    let calls = 0
    prototype.drop = function(this: FiberWorker, task) {
      calls++
      drop.call(this, task)
    }
    const workers = Array.from({ length: 16 }, (_, i) => ({ id: `w${i}`, concurrency: 1 }))
    const tasks = Array.from({ length: 100 }, (_, i) => Task.map([], () => i))
    const refused = Task.map([], () => {
      throw new Error("refused")
    })
    await Effect.runPromise(
      Client.compute([...tasks, refused], { mode: "collect" }).pipe(Effect.provide(Skein.layer({ workers })))
    )
    prototype.drop = drop
    assert.strictEqual(calls, tasks.length)
  })
})
