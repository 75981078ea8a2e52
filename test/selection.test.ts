import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import type * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { gate, inScheduler } from "./harness.ts"
import { mistakeOf } from "./support.ts"

describe("priority", () => {
  it.effect("O9: urgent tasks and what they need are scheduled before what is less urgent", () =>
    inScheduler({ concurrency: 1 })(Effect.gen(function*() {
      const started: Array<string> = []
      const step = (
        name: string,
        needs: ReadonlyArray<Task.Task<undefined>>,
        options: { readonly priority?: number } = {}
      ) => Task.map(needs, () => void started.push(name), options)
      //  low    load
      //   |      |
      //  plain  parse -- low
      //          |
      //         alert (10)
      const low = step("low", [], { priority: -1 })
      const plain = step("plain", [low])
      const first = step("first", [], { priority: 9 })
      const alert = step("alert", [step("parse", [step("load", []), low])], { priority: 10 })
      yield* Client.compute([plain, first, alert])
      assert.sameMembers(started.slice(0, 2), ["load", "low"])
      assert.deepStrictEqual(started.slice(2), ["parse", "alert", "first", "plain"])
    })))

  it.effect("O9: metadata shows the priority that counts, and what a body submits has it", () =>
    inScheduler()(Effect.gen(function*() {
      const inner = Effect.scoped(Effect.gen(function*() {
        const child = yield* Client.submit(Task.sync(() => 1))
        return (yield* Future.metadata(child)).priority
      }))
      const needed = Task.make(inner)
      const [future] = yield* Client.submitAll([needed, Task.map(needed, () => 2, { priority: 4 })])
      assert.strictEqual((yield* Future.metadata(future)).priority, 4)
      assert.strictEqual(yield* Future.join(future), 4)
    })))
})

describe("computations", () => {
  /** Three layers of four tasks, each submitted by itself and waiting for the one before; the second comes 90 ms later. */
  const started = (options: Skein.Options) =>
    inScheduler({ concurrency: 1, ...options })(Effect.gen(function*() {
      const started: Array<string> = []
      const holds = gate()
      yield* Client.submit(Task.make(holds.pass))
      yield* holds.arrived(1)
      const step = (name: string) => () => void started.push(name)
      const all = [0, 1, 2, 3]
      const xs = yield* Client.submitAll(all.map((i) => Task.map([], step(`x${i}`))))
      yield* TestClock.adjust(90)
      const ys = yield* Client.submitAll(all.map((i) => Task.map(xs[i]!, step(`y${i}`))))
      const zs = yield* Client.submitAll(all.map((i) => Task.map([xs[i]!, ys[i]!], step(`z${i}`))))
      yield* holds.open
      yield* Future.awaitAll(zs)
      return started
    }))

  const wide = ["x0", "x1", "x2", "x3", "y0", "y1", "y2", "y3", "z0", "z1", "z2", "z3"]
  const deep = ["x0", "y0", "z0", "x1", "y1", "z1", "x2", "y2", "z2", "x3", "y3", "z3"]

  it.effect("O6: layers that are submitted one by one within the window interleave", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* started({ computationWindow: "100 millis" }), deep)
    }))

  it.effect("O6: without a window each submission is a computation, and the earlier ones go first", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* started({}), wide)
    }))

  it.effect("O6: the clock of the layer decides what comes too late", () =>
    Effect.gen(function*() {
      const late = ["x0", "x1", "x2", "x3", "y0", "z0", "y1", "z1", "y2", "z2", "y3", "z3"]
      assert.deepStrictEqual(yield* started({ computationWindow: 89 }), late)
    }))

  it.effect("O6: a window that is no duration, or a negative one, is refused", () =>
    Effect.gen(function*() {
      for (const computationWindow of ["soon", -1] as ReadonlyArray<unknown> as ReadonlyArray<never>) {
        const error = yield* mistakeOf(inScheduler({ computationWindow })(Effect.void))
        assert.deepInclude(error.reason, { _tag: "InvalidOption", option: "computationWindow" })
      }
    }))
})
