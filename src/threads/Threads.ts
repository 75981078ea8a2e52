/**
 * Runs tasks in threads, on all cores.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { ResourceLimits, Worker, WorkerOptions } from "node:worker_threads"
import type { Scheduler } from "../internal/client/scheduler.ts"
import { checkOf, holdsValues } from "../internal/tasks/checks.ts"
import type { Any, Handlers } from "../Portable.ts"
import type { SubmitError } from "../SkeinError.ts"
import { capsFor, setHere } from "./internal/innerThreads.ts"
import type { CommonOptions } from "./internal/options.ts"
import { open } from "./internal/pool.ts"
import { serving } from "./internal/serve.ts"
import { offer } from "./internal/serving.ts"
import { startThread } from "./internal/startThread.ts"
import { threadPost } from "./internal/threadPost.ts"

/**
 * Options of threads.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Options<out E = never, out R = never> extends CommonOptions<E, R> {
  /** Limits of the memory of each thread. A thread that runs out of it is lost. Memory of buffers does not count. */
  readonly resourceLimits?: ResourceLimits | undefined
  /**
   * Makes a thread of an entry, in place of `entry`, where a bundler has to see the expression that makes it:
   * `(options) => new Worker(new URL("./entry.ts", import.meta.url), options)`.
   */
  readonly spawn?: ((options: WorkerOptions) => Worker) | undefined
}

const checks = {
  resourceLimits: checkOf("limits of node:worker_threads, such as { maxOldGenerationSizeMb: 256 }", holdsValues),
  spawn: checkOf("a function that makes a Worker with the options that it gets", (value) => typeof value === "function")
}

/**
 * Adds threads to the scheduler, which run the tasks that are named.
 *
 * **When to use**
 *
 * For bodies that compute. What waits is better off in fibers: they cost less, and take values as they are.
 *
 * **Details**
 *
 * The layer starts when all threads have loaded what they serve. A module or an entry that cannot be loaded, or that lacks a task of
 * `tasks`, fails it with a `SubmitError` whose reason is `WorkerFailed`. Lost threads are replaced, by default three times in a
 * minute. Where there can be no threads, the tasks run on fibers, after one warning.
 *
 * **Gotchas**
 *
 * A native fault, or one array that is larger than the memory of a thread, ends the whole program; see `Processes.layer`.
 *
 * **Example** (Count primes on all cores)
 *
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { Client, Portable, Skein } from "skein"
 * import { Threads } from "skein/threads"
 * import type * as functions from "./work.ts"
 *
 * const work = Portable.module<typeof functions>()(new URL("./work.ts", import.meta.url))
 * const slices = Array.from({ length: 100 }, (_, i) => work.tasks.primes(i * 10_000, (i + 1) * 10_000))
 *
 * export const program = Client.compute(slices).pipe(
 *   Effect.provide(Threads.layer({ size: "cores", tasks: [work] }).pipe(Layer.provideMerge(Skein.layer())))
 * )
 * ```
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layer = <const T extends ReadonlyArray<Any>, E = never, R = never>(
  options: Options<E, R> & { readonly tasks: T }
): Layer.Layer<Handlers<T[number]>, SubmitError | E, Scheduler | Exclude<R, Scope.Scope>> =>
  Layer.effectContext(open(
    {
      kind: "threads",
      serve: "Threads.serve",
      start: (seat, { id }) =>
        startThread({ seat, name: id, resourceLimits: options.resourceLimits, spawn: options.spawn }),
      prepare: () =>
        options.innerThreads === undefined
          ? Effect.void
          : setHere(capsFor(options.innerThreads, process.env), process.env)
    },
    options,
    checks
  )) as Layer.Layer<any, any, any>

/**
 * Serves the handlers of a layer: the whole of the entry of a thread.
 *
 * **Details**
 *
 * The layer is built in each thread before its first task, and closed with the thread unless that is lost. It needs nothing. Modules
 * are served beside it; without handlers, modules alone.
 *
 * @stability unstable
 * @category running
 * @since 0.1.0
 */
export const serve = (handlers: Layer.Layer<never, unknown> = Layer.empty): void =>
  offer(serving(handlers), (serve) => {
    const post = threadPost()
    if (post === undefined) throw new TypeError("Threads.serve was called outside of a thread of Threads.layer.")
    serve(post)
  })
