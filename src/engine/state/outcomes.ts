/**
 * The outcomes of tasks without success. The cause of a failure is kept as long as an outcome names it.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import type { Out } from "../protocol/Instruction.ts"
import type { Outcome } from "../protocol/Outcome.ts"
import type { Reason } from "../protocol/Reason.ts"
import { keyOf, placeOf, whereOf } from "./lookups.ts"
import { dropExtra, extrasFor, extrasOf } from "./rare.ts"
import type { State } from "./State.ts"

/** The outcome of a task that ended without success by itself. */
export const outcomeOf = (state: State, task: TaskId, reason: Reason): Outcome => ({
  reason,
  trail: { task: keyOf(state, task), from: undefined, where: whereOf(state, task), place: placeOf(state, task) }
})

/** Sets the outcome of a task without success, in place of a former one. */
export const noteOutcome = (state: State, task: TaskId, outcome: Outcome, out: Out): void => {
  forgetOutcome(state, task, out)
  extrasFor(state, task).outcome = outcome
  keepFailure(state, outcome)
}

export const keepFailure = (state: State, { reason }: Outcome): void => {
  if (reason._tag === "Failed") state.failures.set(reason.failure, (state.failures.get(reason.failure) ?? 0) + 1)
}

export const dropFailure = (state: State, { reason }: Outcome, out: Out): void => {
  if (reason._tag !== "Failed") return
  const count = state.failures.get(reason.failure)! - 1
  if (count > 0) {
    state.failures.set(reason.failure, count)
    return
  }
  state.failures.delete(reason.failure)
  out.push({ _tag: "ForgetFailure", failure: reason.failure })
}

export const forgetOutcome = (state: State, task: TaskId, out: Out): void => {
  const outcome = extrasOf(state, task)?.outcome
  if (outcome === undefined) return
  dropExtra(state, task, "outcome")
  dropFailure(state, outcome, out)
}
