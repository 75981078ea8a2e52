/**
 * Options of a cancellation.
 *
 * @internal
 */
import { flag, text } from "./checks.ts"
import type { Checks } from "./checks.ts"

/**
 * Options of {@link cancel}.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface CancelOptions {
  /** Why, in words for people: `TaskCancelled` tells it. Defaults to "cancel was called". */
  readonly why?: string | undefined
  /** Who asks. Defaults to the key of the task in whose body this is called, or "program". */
  readonly by?: string | undefined
  /** Whether to wait until the finalizers of running tasks have run. Defaults to `true`. */
  readonly wait?: boolean | undefined
  /** Whether to stop the task even if other owners want it, or if this future was cancelled or released before. */
  readonly force?: boolean | undefined
}

export const ofCancel: Checks<CancelOptions> = { why: text, by: text, wait: flag, force: flag }

export const cancelRequest = (
  { by, force = false, wait = true, why = "cancel was called" }: CancelOptions = {}
) => ({
  by,
  force,
  reason: why,
  wait
})
