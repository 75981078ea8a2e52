/**
 * What a computation tells whoever asked for it.
 *
 * @internal
 */

/**
 * Functions that are told how a computation goes, one call after the other, about the tasks that it submits itself. One that
 * throws, or gives a promise that fails, is not called again, with a warning in the log; it never harms the run or the
 * others. `finish` is called whenever `start` was, however the computation ends. The idea is that of Dask's callbacks.
 *
 * @category models
 * @since 0.1.0
 */
export interface Callbacks {
  readonly start?: (() => void) | undefined
  /** The tasks that this computation adds. */
  readonly startState?: ((tasks: number) => void) | undefined
  readonly beforeTask?: ((key: string) => void) | undefined
  readonly afterTask?:
    | ((key: string, outcome: "succeeded" | "failed" | "upstreamFailed" | "cancelled" | "skipped") => void)
    | undefined
  readonly finish?: ((failed: boolean) => void) | undefined
}
