/**
 * The worker that runs the present task, as its body sees it: who it is, and its slot.
 *
 * A worker has a number of slots; each running attempt holds one. A body that waits for a `Future`, or for
 * `Client.compute`, gives its slot to others for the while by itself; these functions do the same for waits of other
 * kinds. Outside a body they do not compile: `Worker` is provided to bodies alone.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Attempt } from "./internal/attempt.ts"

/**
 * Where the present body runs.
 *
 * @category models
 * @since 0.1.0
 */
export interface Info {
  /** The worker's name. */
  readonly worker: string
  /** Which start of the task this is, from 1. */
  readonly attempt: number
  /** The task's key. */
  readonly key: string
}

/**
 * The worker inside a body. The runtime provides it; a task's own requirements never mention it.
 *
 * @category services
 * @since 0.1.0
 */
export class Worker extends Context.Service<Worker, { readonly info: Info }>()("skein/Worker") {}

/**
 * The worker, the attempt and the key of the present body.
 *
 * @category getters
 * @since 0.1.0
 */
export const current: Effect.Effect<Info, never, Worker> = Worker.use(({ info }) => Effect.succeed(info))

const withAttempt = (f: (attempt: Attempt) => Effect.Effect<void>): Effect.Effect<void, never, Worker> =>
  Worker.use((worker) => f(worker as unknown as Attempt))

/**
 * Frees this task's slot until {@link rejoin}.
 *
 * **Details**
 *
 * The slot is free in the same engine step, so the next ready task starts. A second secede does nothing. A body that ends
 * seceded just ends. The idea is dask.distributed's `secede`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const secede: Effect.Effect<void, never, Worker> = withAttempt((attempt) => attempt.core.waits.secede(attempt))

/**
 * Waits for a slot and takes it: the task counts as running again.
 *
 * **Details**
 *
 * Rejoining ranks ahead of every ready task. It does nothing unless the task has seceded.
 *
 * @category combinators
 * @since 0.1.0
 */
export const rejoin: Effect.Effect<void, never, Worker> = withAttempt((attempt) => attempt.core.waits.rejoin(attempt))

/**
 * Frees this task's slot while `effect` runs, and waits for a slot again before returning.
 *
 * **When to use**
 *
 * For waits that the scheduler cannot see: a timer, a message, a lock. Awaiting a `Future` inside a task does this by
 * itself.
 *
 * **Details**
 *
 * The task rejoins on every kind of exit. Inside another `seceded` it does nothing.
 *
 * @category combinators
 * @since 0.1.0
 */
export const seceded = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | Worker> =>
  Worker.use((worker) => {
    const { core: { waits } } = worker as unknown as Attempt
    // Each has a wait of its own, so that of several fibers the last one to come back rejoins.
    return Effect.acquireUseRelease(
      waits.away(worker as unknown as Attempt),
      () => effect,
      (wait) => waits.abandon(wait)
    )
  })
