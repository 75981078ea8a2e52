/** Threads that are killed in the midst of their work, by count and not by time. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber } from "effect"
import type { Layer } from "effect"
import { TestClock } from "effect/testing"
import { Worker } from "node:worker_threads"
import type { WorkerOptions } from "node:worker_threads"
import { Client, Future, Portable, Scheduler } from "../../src/index.ts"
import type { Task } from "../../src/index.ts"
import { Interpreter } from "../../src/testing/index.ts"
import { Threads } from "../../src/threads/index.ts"
import { turns } from "../harness.ts"
import { longOr } from "../long.ts"
import type * as functions from "./files/work.ts"
import { endingWith, threadsLeft, withWorkers } from "./pools.ts"

const url = (name: string): URL => new URL(`./files/${name}`, import.meta.url)

const work = Portable.module<typeof functions>()(url("work.ts"))

type Workers = Layer.Layer<never, unknown, Scheduler.Scheduler>

const count = longOr(10_000, 1600)
const kills = longOr(25, 4)

/** Tasks of which each needs three former ones, so that work is lost at all depths. */
const graph = (runs: Int32Array): ReadonlyArray<Task.Task<number, any>> => {
  const tasks: Array<Task.Task<number, any>> = []
  for (let own = 0; own < count; own++) {
    const inputs = [own - 97, own - 98, own - 131].flatMap((each) => tasks[each] ?? [])
    tasks.push(work.tasks.counted(runs, own, inputs))
  }
  return tasks
}

const counters = (): Int32Array => new Int32Array(new SharedArrayBuffer(4 * count))

describe("threads that are killed", () => {
  it.live("F8, W13, W21: after every 400th end one is killed, and nothing is lost", () => {
    const alive: Array<Worker> = []
    const spawn = (options: WorkerOptions): Worker => {
      const worker = new Worker(url("modules.ts"), options)
      alive.push(worker)
      worker.once("exit", () => alive.splice(alive.indexOf(worker), 1))
      return worker
    }
    const runs = counters()
    /** The losses that each task has met while it was on the worker. */
    const met = new Map<string, number>()
    let killed = 0
    const program = Effect.scoped(Effect.gen(function*() {
      let ends = 0
      yield* Scheduler.listen(({ from, key, to }) => {
        // An attempt that was lost with its worker starts from the beginning.
        if ((from === "running" || from === "assigned") && to === "waiting") met.set(key, (met.get(key) ?? 0) + 1)
        if (to !== "succeeded" || ++ends % 400 !== 0 || killed === kills) return
        killed++
        void alive[0]!.terminate()
      })
      const futures = yield* Client.submitAll(graph(runs))
      const values = yield* Future.joinAll(futures)
      assert.strictEqual(killed, kills)
      assert.strictEqual(ends, count)
      for (const [i, { key }] of futures.entries()) {
        assert.isAtLeast(runs[i]!, 1)
        assert.isAtMost(runs[i]!, 1 + (met.get(key) ?? 0), key)
      }
      return values
    }))
    const layer = Threads.layer({
      size: 2,
      tasks: [work],
      spawn,
      restart: { times: 2 * kills, within: "1 hour", minRunTime: 0 }
    })
    return Effect.gen(function*() {
      const here = withWorkers(layer, [], { limits: { deaths: 2 * kills } })
      const values = yield* endingWith(program, here, Effect.sync(threadsLeft))
      const meant = yield* Interpreter.run(graph(counters()))
      assert.deepStrictEqual(values.map((value) => Exit.succeed(value)), [...meant] as never)
      assert.deepStrictEqual(alive, [])
    })
  })

  it.effect("C8: a spin is ended in the moment in which its grace is over", () => {
    const words = new Int32Array(new SharedArrayBuffer(4))
    const warnings: Array<string> = []
    const begun = Effect.promise(() => Promise.resolve(Atomics.waitAsync(words, 0, 0).value))
    const program = Effect.scoped(Effect.gen(function*() {
      const future = yield* Client.submit(work.tasks.spinAloud(words))
      yield* begun
      const from = yield* Clock.currentTimeMillis
      const cancelling = yield* Effect.forkChild(Future.cancel(future))
      yield* turns(20)
      yield* TestClock.adjust("19 millis")
      yield* turns(20)
      assert.isUndefined(cancelling.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(cancelling)
      assert.strictEqual((yield* Clock.currentTimeMillis) - from, 20)
      assert.match(warnings.join(), /its event loop has not turned since task "spinAloud#1" was asked to stop/)
    }))
    const layer = Threads.layer({ size: 1, tasks: [work] })
    return endingWith(program, withWorkers(layer as Workers, warnings), Effect.sync(threadsLeft))
  })
})
