/**
 * Reads signals: failures by which a body instructs the scheduler.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import { interrupted, skipped } from "../../engine/protocol/Event.ts"
import type { Ending, TaskSettled } from "../../engine/protocol/Event.ts"
import { DependenciesLost, TaskRescheduled, TaskSkipped, TaskUnmet } from "../../SkeinError.ts"
import { isA, looked, unreadable } from "../values/looks.ts"

const kinds = [DependenciesLost, TaskRescheduled, TaskSkipped, TaskUnmet]

const isOne = (error: unknown): boolean => kinds.some((kind) => isA<unknown>(error, kind))

const isSignal = (reason: Cause.Reason<unknown>): boolean => Cause.isFailReason(reason) && isOne(reason.error)

/** When a finalizer dies, the failure of the body becomes a defect. */
const isTrace = (reason: Cause.Reason<unknown>): boolean =>
  isSignal(reason) || (Cause.isDieReason(reason) && isOne(reason.defect))

/**
 * A cause without its signals. Signals count only if nothing else is left, because a body that also failed or died did just that.
 */
export const withoutSignals = (cause: Cause.Cause<unknown>): Cause.Cause<unknown> => {
  if (!cause.reasons.some(isTrace)) return cause
  const rest = cause.reasons.filter((reason) => !isTrace(reason))
  return rest.length > 0 || cause.reasons.some(isSignal) ? Cause.fromReasons(rest) : cause
}

/**
 * All dependencies that the fibers of a body report as lost, in a cause of signals alone; `undefined` if there is no such report.
 */
export const missedIn = ({ reasons }: Cause.Cause<unknown>): ReadonlyArray<unknown> | undefined => {
  const reports = reasons.flatMap((reason) =>
    Cause.isFailReason(reason) && isA(reason.error, DependenciesLost) ? [reason.error] : []
  )
  return reports.length === 0 ? undefined : reports.flatMap(({ dependencies }) => dependencies)
}

/** The ending for a cause of signals alone: a skip takes precedence over another worker, and that over another turn. */
export const endingOf = ({ reasons }: Cause.Cause<unknown>): Ending => {
  const errors = reasons.flatMap((reason) => Cause.isFailReason(reason) ? [reason.error] : [])
  if (errors.some((error) => isA(error, TaskSkipped))) return skipped
  const unmet = errors.find((error) => isA(error, TaskUnmet))
  return unmet === undefined
    ? { _tag: "Rescheduled" }
    : { _tag: "Unmet", reason: looked(() => String(unmet.why as unknown), unreadable) }
}

/** The ending of a task settled from outside with `cause` (interruptions already removed), as if its body had failed with it. */
export const endingGiven = (
  cause: Cause.Cause<unknown>,
  keep: (cause: Cause.Cause<unknown>) => number
): Exclude<TaskSettled["ending"], { readonly _tag: "Succeeded" }> => {
  if (cause.reasons.length === 0) return interrupted
  const own = withoutSignals(cause)
  if (own.reasons.length === 0 && endingOf(cause)._tag === "Skipped") return skipped
  // Other signals have a meaning only for an attempt.
  const told = own.reasons.length === 0 ? cause : own
  return { _tag: "Failed", failure: keep(told), defect: Cause.findErrorOption(told)._tag === "None" }
}
/** A cause without its interruptions. */

export const withoutInterrupts = ({ reasons }: Cause.Cause<unknown>): Cause.Cause<unknown> =>
  Cause.fromReasons(reasons.filter((reason) => !Cause.isInterruptReason(reason)))
