/** A remote worker beside local ones: behind a cloning port, with attempts sent ahead, and with results that stay there. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Client from "skein/Client"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { Faults } from "skein/testing"
import * as Worker from "skein/Worker"
import { direct, Wiring } from "../src/internal/workers/wire.ts"
import { explanationOf } from "./support.ts"
import { clonedWire } from "./testing/clonedWire.ts"
import { portable } from "./testing/portable.ts"

/** A layer with workers of these names and slots; those whose names begin with `far` are remote. */
const layerOf = (slots: Readonly<Record<string, number>>, options: Skein.Options = {}) => {
  const far = { keeps: true, ahead: 2, kind: "remote" } as const
  const wire = { ...direct, ...clonedWire("as clones", 1, (name) => name.startsWith("far") ? far : undefined) }
  const workers = Object.entries(slots).map(([id, concurrency]) => ({ id, concurrency }))
  return Layer.provide(Skein.layer({ ...options, workers }), Layer.succeed(Wiring, () => wire))
}

/** The name of the worker on which it runs, after the values of its inputs. */
const where = (...inputs: ReadonlyArray<Task.Task<string>>): Task.Task<string> =>
  Task.make(inputs, (values) => Effect.map(Worker.current, ({ id: worker }) => [...values, worker].join(" "))) as never

describe("a remote worker beside fibers", () => {
  it.effect("W20: closures run on fibers, portable tasks on both, and values pass from one to the other", () =>
    Effect.gen(function*() {
      const closures = Array.from({ length: 4 }, () => where())
      const far = portable(where())
      const here = where(far)
      const back = portable(where(here))
      assert.deepStrictEqual(yield* Client.compute(closures), ["here", "here", "here", "here"])
      assert.strictEqual(yield* Client.compute(back), "far here far")
      // More than there are slots far away: the last runs on the local worker, while the others wait for it.
      const last = yield* Deferred.make<string>()
      const waiting = () => portable(Task.make(Deferred.await(last)))
      const first = portable(
        Task.make(Effect.flatMap(Worker.current, ({ id: worker }) => Deferred.succeed(last, worker)))
      )
      yield* Client.compute([waiting(), waiting(), first])
      assert.strictEqual(yield* Deferred.await(last), "here")
    }).pipe(Effect.provide(layerOf({ here: 1, far: 2 }))))

  it.effect("W20, F8: when a remote worker is lost, portable tasks run on fibers", () =>
    Effect.gen(function*() {
      const begun = yield* Deferred.make<void>()
      const gate = yield* Deferred.make<void>()
      const slow = portable(
        Task.make(Effect.gen(function*() {
          yield* Deferred.succeed(begun, undefined)
          yield* Deferred.await(gate)
          return (yield* Worker.current).id
        }))
      )
      const fiber = yield* Effect.forkChild(Client.compute(slow))
      yield* Deferred.await(begun)
      yield* Effect.orDie(Faults.loseWorker("far"))
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual(yield* Fiber.join(fiber), "here")
    }).pipe(Effect.provide(layerOf({ here: 1, far: 1 }))))

  it.effect("W20, W9, V11: where all workers are remote a closure ends, or waits, and both say what would help", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Client.compute(portable(where())), "far")
      const exit = yield* Effect.exit(Client.compute(where()))
      assert.isTrue(Exit.isFailure(exit))
      const text = String(Exit.isFailure(exit) && exit.cause)
      assert.include(text, "needs a worker that is in this process: there is none that takes tasks")
      const waiting = Task.make(Effect.void, { key: "waiting", waitForWorkers: "1 minute" })
      yield* Effect.forkChild(Client.compute(waiting))
      yield* Effect.yieldNow
      const explanation = yield* explanationOf("waiting")
      assert.include(Scheduler.explainText(explanation!), "waits for a worker in this process")
    }).pipe(Effect.provide(layerOf({ far: 1 }, { waitForWorkers: 0 }))))

  it.effect("W20, A15: an effect for each worker runs on those that can run it", () =>
    Effect.gen(function*() {
      const names = yield* Scheduler.runOnEach(Effect.map(Worker.current, ({ id }) => id))
      assert.deepStrictEqual([...names.keys()], ["here"])
    }).pipe(Effect.provide(layerOf({ here: 1, far: 1 }))))

  it.effect("W20, W18: the workers of a remote pool run portable tasks only", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Client.compute(portable(where())), "far-1")
      const exit = yield* Effect.exit(Client.compute(where()))
      assert.isTrue(Exit.isFailure(exit))
    }).pipe(Effect.provide(layerOf({}, { elastic: { id: "far", min: 0, max: 1, concurrency: 1 }, waitForWorkers: 0 }))))
})
