/**
 * Faults: those that a simulation injects into attempts, and the loss or the silence of a worker at a moment that a test chooses.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Client from "../Client.ts"
import { isHere } from "../engine/views/snapshot.ts"
import { workersOf } from "../engine/views/workers.ts"
import { coreOf } from "./internal/leftovers.ts"

export { InjectedFault, none, usual } from "./internal/faults.ts"
export type { Fault, Faults, Kind } from "./internal/faults.ts"

/**
 * Loses the worker with this id, as if its process had died: its attempts start elsewhere, and results that it alone held are
 * computed again if they are claimed or needed. Returns whether there was such a worker.
 *
 * **When to use**
 *
 * To test that tasks can run twice, and what a program does when one cannot (`idempotent: false`).
 *
 * **Details**
 *
 * Its attempts are interrupted and have ended when this returns; their results do not count. Give the layer several workers, or
 * add one; otherwise tasks wait for ever.
 *
 * **Example** (A task outlives its worker)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Future, Skein, Task, Worker } from "skein"
 * import { Faults } from "skein/testing"
 *
 * const where = Task.make(Effect.delay(Effect.map(Worker.current, ({ id }) => id), "1 milli"))
 * const program = Effect.scoped(Effect.gen(function*() {
 *   const future = yield* Client.submit(where)
 *   yield* Effect.yieldNow
 *   yield* Faults.loseWorker("a")
 *   return yield* Future.join(future)
 * }))
 * const workers = [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1 }]
 * program.pipe(Effect.provide(Skein.layer({ workers }))) // => "b"
 * ```
 *
 * @stability unstable
 * @category testing
 * @since 0.1.0
 */
export const loseWorker = (id: string): Effect.Effect<boolean, never, Client.Client> =>
  Effect.contextWith((context: Context.Context<Client.Client>) => {
    const core = coreOf(Context.get(context, Client.Client))
    const record = workersOf(core.state).findLast(({ name, phase }) => name === id && phase !== "lost")
    if (record === undefined) return Effect.succeed(false)
    const worker = core.workers[record.index]!
    return Effect.as(Effect.andThen(Effect.sync(() => core.crew.lose(worker)), worker.rest), true)
  })

/**
 * Silences the worker with this id, as if the network had cut it off: after its `ttl` it counts as lost. Until then its attempts
 * go on, and their results count. Returns whether there was such a worker.
 *
 * **When to use**
 *
 * To test what a program does when a worker is silent for too long, under `TestClock`.
 *
 * @stability unstable
 * @category testing
 * @since 0.1.0
 */
export const silenceWorker = (id: string): Effect.Effect<boolean, never, Client.Client> =>
  Effect.contextWith((context: Context.Context<Client.Client>) =>
    Effect.sync(() => {
      const core = coreOf(Context.get(context, Client.Client))
      const record = workersOf(core.state).find((worker) => worker.name === id && isHere(worker))
      if (record !== undefined) core.crew.silence(core.workers[record.index]!)
      return record !== undefined
    })
  )
