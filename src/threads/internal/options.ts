/**
 * Options that layers of threads and of processes have in common.
 *
 * @internal
 */
import type * as Duration from "effect/Duration"
import type { Size } from "../../internal/platform/cores.ts"
import type { WorkerTerms } from "../../internal/settings/layerOptions.ts"
import type { Any } from "../../Portable.ts"

/**
 * Options of a pool of threads or processes.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface CommonOptions<out E = never, out R = never> extends WorkerTerms<E, R> {
  /**
   * How many there are. `"cores"` means one for each core that this process may use: those to which it is bound, within the quota of
   * its container. A negative number counts from there, as in joblib: -1 means all cores, -2 all but one, and at least one.
   */
  readonly size: Size
  /** What they run: modules, and named tasks. */
  readonly tasks: ReadonlyArray<Any>
  /** How many tasks each of them runs at once. More than one is of use for bodies that wait. Defaults to 1. */
  readonly concurrency?: number | undefined
  /** The name of the pool: the prefix of the names of its workers, and a label that they have. Defaults to `threads`, or to `processes`, which is a label of them in any case. Tasks may ask for labels. */
  readonly id?: string | undefined
  /** Words that describe the workers; see `WorkerOptions`. */
  readonly labels?: ReadonlyArray<string> | undefined
  /** A file that gives the handlers of named tasks to `serve`. Modules need none. */
  readonly entry?: URL | undefined
  /**
   * Whether one more is started and waits, to take the place of one that is lost or retires. Without, there is one after the first
   * such change.
   */
  readonly spare?: boolean | undefined
  /**
   * The log has a warning with the stack, if that can be had, when the event loop of a worker has not turned for so long. Defaults to
   * no limit. With `ttl`, such a worker counts as lost, and is ended and replaced.
   */
  readonly stuck?: Duration.Input | undefined
  /** How long each may take to close its layer, before it is ended. Defaults to 30 seconds. */
  readonly closing?: Duration.Input | undefined
  /**
   * How many threads native libraries such as OpenBLAS and OpenMP start in each of them, unless the environment says so already. By
   * default each process has its share of the cores. Threads have the environment of their process: there it is set, while the layer
   * is open, with this option alone, and counts for libraries that are loaded later.
   */
  readonly innerThreads?: number | undefined
}
