/**
 * Runs tasks in child processes: for native code that may fault, and for memory that must be contained.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { ChildProcess, ForkOptions } from "node:child_process"
import process from "node:process"
import type { Scheduler } from "../internal/client/scheduler.ts"
import { checkOf, holdsValues } from "../internal/tasks/checks.ts"
import type { Any, Handlers } from "../Portable.ts"
import type { SubmitError } from "../SkeinError.ts"
import { capsFor } from "../threads/internal/innerThreads.ts"
import type { CommonOptions } from "../threads/internal/options.ts"
import { open } from "../threads/internal/pool.ts"
import { serving } from "../threads/internal/serve.ts"
import { offer } from "../threads/internal/serving.ts"
import { hasChannel, onPost } from "./internal/processPost.ts"
import { startProcess } from "./internal/startProcess.ts"

/**
 * Options of child processes.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Options<out E = never, out R = never> extends CommonOptions<E, R> {
  /** Arguments for Node, such as `["--max-old-space-size=512"]`. Default to those of this process. */
  readonly execArgv?: ReadonlyArray<string> | undefined
  /** Variables of the environment, beside those of this process. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /**
   * Makes a process of an entry, in place of `entry`, with a file that a bundler has made:
   * `(options) => fork(new URL("./entry.js", import.meta.url), options)`.
   */
  readonly spawn?: ((options: ForkOptions) => ChildProcess) | undefined
}

const checks = {
  execArgv: checkOf("an array of arguments for Node", Array.isArray),
  env: checkOf("a record of texts", (value) => holdsValues(value) || Object.keys(value as object).length === 0),
  spawn: checkOf(
    "a function that forks a process with the options that it gets",
    (value) => typeof value === "function"
  )
}

/**
 * Adds child processes to the scheduler, which run the tasks that are named. It is used as `Threads.layer` is.
 *
 * **When to use**
 *
 * For native code that may end its process, and for bodies that may run out of memory by one large allocation: both end a whole
 * process, with all its threads. Otherwise take threads: there buffers are moved or shared, and a stop needs no message.
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
      kind: "processes",
      serve: "Processes.serve",
      start: (seat, { cores, size }) => {
        const { env, execArgv, innerThreads = Math.max(1, Math.floor(cores / size)), spawn } = options
        return startProcess({ seat, execArgv, env: { ...capsFor(innerThreads, process.env), ...env }, spawn })
      }
    },
    options,
    checks
  )) as Layer.Layer<any, any, any>

/**
 * Serves the handlers of a layer: the whole of the entry of a process.
 *
 * @stability unstable
 * @category running
 * @since 0.1.0
 */
export const serve = (handlers: Layer.Layer<never, unknown> = Layer.empty): void =>
  offer(serving(handlers), (serve) => {
    if (!hasChannel()) throw new TypeError("Processes.serve was called outside of a process of Processes.layer.")
    onPost(serve)
  })
