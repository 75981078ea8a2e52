/**
 * Signals: what a body fails with to tell the scheduler something.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import { interrupted, skipped } from "../../engine/protocol/Event.ts"
import type { Ending, TaskSettled } from "../../engine/protocol/Event.ts"
import { DependenciesLost, Reschedule, TaskSkipped, Unmet } from "../../SkeinError.ts"
import { isA, looked, unreadable } from "../values/looks.ts"

const kinds = [DependenciesLost, Reschedule, TaskSkipped, Unmet]

const isOne = (error: unknown): boolean => kinds.some((kind) => isA<unknown>(error, kind))

const isSignal = (reason: Cause.Reason<unknown>): boolean => Cause.isFailReason(reason) && isOne(reason.error)

/** A finalizer that dies makes a defect of what the body had failed with. */
const isTrace = (reason: Cause.Reason<unknown>): boolean =>
  isSignal(reason) || (Cause.isDieReason(reason) && isOne(reason.defect))

/** What is left of a cause without signals: they count only where nothing is, for a body that also failed or died did that. */
export const withoutSignals = (cause: Cause.Cause<unknown>): Cause.Cause<unknown> => {
  if (!cause.reasons.some(isTrace)) return cause
  const rest = cause.reasons.filter((reason) => !isTrace(reason))
  return rest.length > 0 || cause.reasons.some(isSignal) ? Cause.fromReasons(rest) : cause
}

/** All that the fibers of a body miss, in a cause of signals alone; `undefined` if it does not say that it misses something. */
export const missedIn = ({ reasons }: Cause.Cause<unknown>): ReadonlyArray<unknown> | undefined => {
  const reports = reasons.flatMap((reason) =>
    Cause.isFailReason(reason) && isA(reason.error, DependenciesLost) ? [reason.error] : []
  )
  return reports.length === 0 ? undefined : reports.flatMap(({ dependencies }) => dependencies)
}

/** The ending that a cause of signals alone asks for: to be skipped goes before another worker, and that before another turn. */
export const endingOf = ({ reasons }: Cause.Cause<unknown>): Ending => {
  const errors = reasons.flatMap((reason) => Cause.isFailReason(reason) ? [reason.error] : [])
  if (errors.some((error) => isA(error, TaskSkipped))) return skipped
  const unmet = errors.find((error) => isA(error, Unmet))
  return unmet === undefined
    ? { _tag: "Rescheduled" }
    : { _tag: "Unmet", reason: looked(() => String(unmet.reason as unknown), unreadable) }
}

/** How a task ends that is settled from outside with this cause, without its interruptions: as if its body had said so. */
export const endingGiven = (
  cause: Cause.Cause<unknown>,
  keep: (cause: Cause.Cause<unknown>) => number
): Exclude<TaskSettled["ending"], { readonly _tag: "Succeeded" }> => {
  if (cause.reasons.length === 0) return interrupted
  const own = withoutSignals(cause)
  if (own.reasons.length === 0 && endingOf(cause)._tag === "Skipped") return skipped
  // Other signals mean something of an attempt alone.
  const told = own.reasons.length === 0 ? cause : own
  return { _tag: "Failed", failure: keep(told), defect: Cause.findErrorOption(told)._tag === "None" }
}
/** What is left of a cause without interruptions. */

export const withoutInterrupts = ({ reasons }: Cause.Cause<unknown>): Cause.Cause<unknown> =>
  Cause.fromReasons(reasons.filter((reason) => !Cause.isInterruptReason(reason)))
