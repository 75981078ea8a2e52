/**
 * When a worker that was lost is replaced, as a function of times alone.
 *
 * @since 0.1.0
 */
import type { Restart } from "../protocol/Event.ts"

/** A life of a worker, up to its loss. */
export interface Life {
  /** When it began to take tasks. */
  readonly since: number
  /** When others in its place were replaced. */
  readonly restarts: ReadonlyArray<number>
}

/**
 * One-for-one: gives the times of the restarts that count from now on if the worker is replaced, and `undefined` if it is
 * not, because it died too young or too many have died of late.
 */
export const restartsAfter = (
  rule: Restart,
  { restarts, since }: Life,
  now: number
): ReadonlyArray<number> | undefined => {
  if (now - since < rule.minRunMillis) return undefined
  const recent = recentOf(rule, restarts, now)
  return recent.length < rule.times ? [...recent, now] : undefined
}

/** The times that are not longer ago than the window. */
export const recentOf = ({ withinMillis }: Restart, times: ReadonlyArray<number>, now: number): ReadonlyArray<number> =>
  times.filter((at) => now - at < withinMillis)
