/**
 * The worker that runs the current task, as its body sees it: its identity, the task's slot, and the signals by which a body
 * instructs the scheduler.
 *
 * A worker has a number of slots; each running attempt holds one. A body that waits for a `Future`, or for `Client.compute`,
 * frees its slot meanwhile by itself; these functions do the same for other waits. Outside a body they do not compile, because
 * only bodies are provided with `Worker`.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { secededIn } from "./internal/bodies/attempt.ts"
import type { Attempt } from "./internal/bodies/attempt.ts"
import { plainBody, SlotKeeper, Worker } from "./internal/tasks/worker.ts"
import type { Info } from "./internal/tasks/worker.ts"

export { dependenciesLost, requireLabels, requireThat, reschedule, skip, unmet } from "./internal/bodies/bodySignals.ts"
export type { Info } from "./internal/tasks/worker.ts"
export { Worker } from "./internal/tasks/worker.ts"

/**
 * The worker, the attempt and the key of the current body.
 *
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const current: Effect.Effect<Info, never, Worker> = Worker.use(({ info }) => Effect.succeed(info))

/**
 * Whether the current body was asked to stop. For code that computes without yielding, which no interruption reaches.
 *
 * **When to use**
 *
 * In a long loop of a body that runs in a thread: look at it every few milliseconds, and return early. What the body returns then
 * does not count.
 *
 * **Details**
 *
 * In a thread the answer comes from memory that the scheduler shares with it, so it is up to date even while the event loop of the
 * thread is held. Where nothing can be asked to stop while it computes, the answer is `false`: outside of bodies, and in bodies
 * that run in the process of their scheduler, whose event loop they hold themselves.
 *
 * **Example** (A search that can be cancelled)
 *
 * ```ts import.meta.vitest
 * import { Worker } from "skein"
 *
 * const largest = (values: ReadonlyArray<number>): number | undefined => {
 *   let max: number | undefined
 *   for (const [i, value] of values.entries()) {
 *     if ((i & 1023) === 0 && Worker.isStopping()) return undefined
 *     if (max === undefined || value > max) max = value
 *   }
 *   return max
 * }
 * largest([2, 3, 1]) // => 3
 * ```
 *
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const isStopping = (): boolean => {
  if (plainBody.isStopping !== undefined) return plainBody.isStopping()
  const fiber = Fiber.getCurrent()
  const worker = fiber && Context.getOrUndefined(fiber.context, Worker)
  return (worker as Attempt | undefined)?.isStopping === true
}

const withAttempt = (f: (attempt: Attempt) => Effect.Effect<void>): Effect.Effect<void, never, Worker> =>
  Worker.use((worker) => f(worker as unknown as Attempt))

/**
 * Frees this task's slot until {@link rejoin}.
 *
 * **Details**
 *
 * The slot is free at once, so the next ready task starts. A second `secede` does nothing. A body may end while it is seceded.
 * The idea is dask.distributed's `secede`.
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const secede: Effect.Effect<void, never, Worker> = withAttempt((attempt) => attempt.home.waits.secede(attempt))

/**
 * Waits for a slot and takes it: the task counts as running again.
 *
 * **Details**
 *
 * Rejoining ranks ahead of every ready task. It does nothing unless the task has seceded.
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const rejoin: Effect.Effect<void, never, Worker> = withAttempt((attempt) => attempt.home.waits.rejoin(attempt))

/**
 * Runs a section of a body that a stop does not interrupt: once begun, it goes on to its end, and only then is the body
 * interrupted.
 *
 * **When to use**
 *
 * For an action that must be done wholly or not at all, such as a commit, or the removal of a partial commit.
 *
 * **Details**
 *
 * A request to stop waits for the section: a cancel, the end of a compute, a scope that closes, a timeout of the attempt. The
 * slot stays taken meanwhile. The code after the section does not run then, and the value of the body is dropped. Inside another
 * section it does nothing. A section that goes on longer than the `grace` of its task is reported in the log; nothing is killed.
 *
 * **Gotchas**
 *
 * `Effect.timeout` works inside the section and interrupts its effect. Parts that are made interruptible with
 * `Effect.interruptible` are interrupted too.
 *
 * **Example** (A cancel waits for the commit)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Future, Skein, Task, Worker } from "skein"
 *
 * const program = Effect.gen(function*() {
 *   const log: Array<string> = []
 *   const commit = Effect.andThen(Effect.sleep("5 millis"), Effect.sync(() => log.push("committed")))
 *   const body = Effect.andThen(Worker.shielded(commit), Effect.sync(() => log.push("never")))
 *   const future = yield* Client.submit(Task.make(body))
 *   yield* Effect.yieldNow
 *   yield* Future.cancel(future)
 *   return [...log, "cancelled"]
 * }).pipe(Effect.scoped, Effect.provide(Skein.layer()))
 * program // => ["committed", "cancelled"]
 * ```
 *
 * @stability unstable
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
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const seceded = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | Worker> =>
  Worker.use((worker) => secededIn(worker as unknown as Attempt, effect))

/**
 * Keeps this task's slot in all waits within `effect` for futures, computations and groups.
 *
 * **When to use**
 *
 * When the body must go on without waiting for a slot, because it holds a connection, say.
 *
 * **Details**
 *
 * A wait that could never end, because no slot is left for the tasks that it waits for, fails with `Starved`. Bodies of tasks that
 * are submitted within `effect` give their own slots away. Outside of a task it does nothing.
 *
 * **Example** (Wait on the only slot, and then without it)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Task, Worker } from "skein"
 *
 * const child = Task.make(Effect.succeed("child"))
 * const parent = Task.make(
 *   Worker.keepSlot(Client.compute(child)).pipe(
 *     Effect.catchReason("SkeinError", "Starved", () => Client.compute(child))
 *   )
 * )
 * Task.run(parent, { concurrency: 1 }) // => "child"
 * ```
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const keepSlot = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => Effect.provideService(effect, SlotKeeper, Context.getOrUndefined(fiber.context, Worker)))
