/**
 * Callbacks of a computation.
 *
 * @internal
 */
import type * as Exit from "effect/Exit"

/**
 * Functions that follow a computation and the tasks that it submits itself, called one after the other. A function that throws,
 * or returns a promise that fails, is not called again, with a warning in the log; the run and the other functions are not
 * affected. `onExit` is called whenever `start` was, however the computation ends. The idea is Dask's callbacks.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Callbacks {
  readonly start?: (() => void) | undefined
  /** The number of tasks that this computation adds. */
  readonly startState?: ((tasks: number) => void) | undefined
  readonly beforeTask?: ((key: string) => void) | undefined
  readonly afterTask?:
    | ((key: string, outcome: "succeeded" | "failed" | "upstreamFailed" | "cancelled" | "skipped") => void)
    | undefined
  /** The exit of the computation; an interruption is a failure whose cause says so. */
  readonly onExit?: ((exit: Exit.Exit<unknown, unknown>) => void) | undefined
}
