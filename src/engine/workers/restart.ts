/**
 * Whether a lost worker is replaced, as a function of times alone.
 *
 * @since 0.1.0
 */
import type { Restart } from "../protocol/Event.ts"

/** A life of a worker, up to its loss. */
export interface Lifetime {
  /** When it began to take tasks. */
  readonly since: number
  /** When its predecessors were replaced. */
  readonly restarts: ReadonlyArray<number>
}

/**
 * One-for-one: returns the times of the restarts that count from now on if the worker is replaced, and `undefined` if it died too
 * young or too many died within the window.
 */
export const restartsAfter = (
  rule: Restart,
  { restarts, since }: Lifetime,
  now: number
): ReadonlyArray<number> | undefined => {
  if (now - since < rule.minRunMillis) return undefined
  const recent = recentOf(rule, restarts, now)
  return recent.length < rule.times ? [...recent, now] : undefined
}

/** The times within the window. */
export const recentOf = ({ withinMillis }: Restart, times: ReadonlyArray<number>, now: number): ReadonlyArray<number> =>
  times.filter((at) => now - at < withinMillis)
