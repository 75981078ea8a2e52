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
import type { Attempt } from "./internal/bodies/attempt.ts"

/**
 * Where the present body runs.
 *
 * @category models
 * @since 0.1.0
 */
export interface Info {
  /** The worker's name. */
  readonly worker: string
  /** The worker's labels. */
  readonly labels: ReadonlyArray<string>
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
 * Runs a part of a body that a stop does not cut: once begun it goes on to its end, and only then the body is interrupted.
 *
 * **When to use**
 *
 * For what must be done wholly or not at all, such as a commit, or the removal of what half a commit has left.
 *
 * **Details**
 *
 * Whatever asks the attempt to stop waits for the section: a cancel, the end of a compute, a scope that closes, a timeout of
 * the attempt. The slot stays taken meanwhile. What comes after the section does not run then, and the value of the body is
 * dropped. Inside another section it does nothing. A section that goes on longer than the `grace` of its task is reported
 * in the log; nothing is killed.
 *
 * **Gotchas**
 *
 * `Effect.timeout` works inside, and what it times out is interrupted. So is what the section itself makes interruptible, with
 * `Effect.interruptible`.
 *
 * **Example** (A cancel waits for the commit)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Skein, Task, Worker } from "skein"
 *
 * const program = Effect.gen(function*() {
 *   const log: Array<string> = []
 *   const commit = Effect.andThen(Effect.sleep("5 millis"), Effect.sync(() => log.push("committed")))
 *   const body = Effect.andThen(Worker.shielded(commit), Effect.sync(() => log.push("never")))
 *   const future = yield* Client.submit(Task.make(body))
 *   yield* Effect.yieldNow
 *   yield* Client.cancel(future)
 *   return [...log, "cancelled"]
 * }).pipe(Effect.scoped, Effect.provide(Skein.layer()))
 * program // => ["committed", "cancelled"]
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const shielded = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | Worker> =>
  Worker.use((worker) => {
    const attempt = worker as unknown as Attempt
    const open = Effect.sync(() => {
      attempt.shields++
    })
    const close = Effect.sync(() => {
      attempt.shields--
    })
    return Effect.uninterruptible(Effect.andThen(open, Effect.ensuring(effect, close)))
  })

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
    return waits.counted(() =>
      // Each has a wait of its own, so that of several fibers the last one to come back rejoins.
      Effect.acquireUseRelease(
        waits.away(worker as unknown as Attempt),
        () => effect,
        (wait) => waits.abandon(wait)
      )
    )
  })
