/**
 * Signals: what a body fails with to tell the scheduler something.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import { Reschedule } from "../SkeinError.ts"

const isSignal = (reason: Cause.Reason<unknown>): boolean =>
  Cause.isFailReason(reason) && reason.error instanceof Reschedule

/** A finalizer that dies makes a defect of what the body had failed with. */
const isTrace = (reason: Cause.Reason<unknown>): boolean =>
  isSignal(reason) || (Cause.isDieReason(reason) && reason.defect instanceof Reschedule)

/** What is left of a cause without signals: they count only where nothing is, for a body that also failed or died did that. */
export const withoutSignals = (cause: Cause.Cause<unknown>): Cause.Cause<unknown> => {
  if (!cause.reasons.some(isTrace)) return cause
  const rest = cause.reasons.filter((reason) => !isTrace(reason))
  return rest.length > 0 || cause.reasons.some(isSignal) ? Cause.fromReasons(rest) : cause
}
