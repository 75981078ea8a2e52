/**
 * Cancellation is the loss of interest: a task without users is cancelled. A running attempt is asked to stop, and keeps its slot
 * until its finalizers have run (S5).
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import type { Out } from "../protocol/Instruction.ts"
import type { Outcome } from "../protocol/Outcome.ts"
import { Flag, hasEnded, Phase } from "../protocol/Phase.ts"
import type { Reason } from "../protocol/Reason.ts"
import { keyAt } from "../protocol/Registered.ts"
import { graceOf, isGivenValue, keyOf, phaseOf, workerOf } from "../state/lookups.ts"
import { noteOutcome, outcomeOf } from "../state/outcomes.ts"
import { extrasOf } from "../state/rare.ts"
import type { State } from "../state/State.ts"
import * as timers from "../state/timers.ts"
import { transition } from "../state/transitions.ts"
import { fail } from "./ends.ts"
import * as leaving from "./leaving.ts"
import { endLater, freeKey, isToComeAgain, release } from "./release.ts"
import * as spent from "./spent.ts"
import * as waits from "./waits.ts"

/** Cancels a task without users. */
export const abandon = (state: State, task: TaskId, out: Out): void => {
  const phase = phaseOf(state, task)
  if (phase === Phase.free) return
  if (hasEnded(phase)) return releaseLate(state, task, out)
  // It was to run again once it is finalized.
  if (!isToComeAgain(state, task)) return cancel(state, task, out)
  freeKey(state, task)
  spent.update(state, task)
}

/** Cancels a task that has not ended, whatever its users. Its key is free from now on. */
export const cancel = (state: State, task: TaskId, out: Out): void => {
  const phase = phaseOf(state, task)
  if (isToComeAgain(state, task)) endLater(state, task, out)
  const outcome = outcomeOf(state, task, cancelledBy(state, task))
  if (!isGivenValue(state, task)) freeKey(state, task)
  if (phase < Phase.assigned) {
    fail(state, task, outcome, out)
    return
  }
  stop(state, task, outcome, "wish", out)
}

/** The cancelled task that began this step's cancellation; the task itself if there is none. */
export const cancelledBy = (state: State, task: TaskId): Reason => {
  const { by, reason, replacement, task: first } = state.step.cancelling
  const key = first === undefined ? keyOf(state, task) : keyAt(first.submission, first.index)
  return { _tag: "Cancelled", task: key, by, reason, ...(replacement !== undefined && { replacement }) }
}

/** A result that lived on another may go now. A task that ends in this step goes when its end is propagated. */
const releaseLate = (state: State, task: TaskId, out: Out): void => {
  if ((state.tasks.flags[task]! & Flag.told) === 0) return
  if (state.tasks.refs[task] === 0) release(state, task, out)
  else state.leaving.delete(task)
}

/** Why an attempt is asked to stop: its own timeout, after which it may be tried again, or any other wish. */
type Why = "timeout" | "wish"

/**
 * Asks a worker to stop an attempt. Its outcome is fixed now and published when the attempt has ended; a later request does not
 * change it. Only that of an attempt that stops by its own timeout is open still, and after this request it is not tried again.
 */
export const stop = (state: State, task: TaskId, outcome: Outcome, why: Why, out: Out): void => {
  if (!isFixed(state, task)) noteOutcome(state, task, outcome, out)
  stopAs(state, task, why, out)
}

const isFixed = (state: State, task: TaskId): boolean => {
  const extras = extrasOf(state, task)
  if (extras === undefined) return false
  return extras.isGiven === true ||
    (extras.outcome !== undefined && (state.tasks.flags[task]! & Flag.timedOut) === 0)
}

/** Asks a worker to stop an attempt whose outcome is fixed. */
export const stopAs = (state: State, task: TaskId, why: Why, out: Out): void => {
  const tasks = state.tasks
  const timedOut = why === "timeout"
  if (timedOut) tasks.flags[task]! |= Flag.timedOut
  else tasks.flags[task]! &= ~Flag.timedOut
  leaving.noteOwn(state, task)
  if (tasks.phase[task] === Phase.releasing || state.stopping.has(task)) return spent.update(state, task)
  state.stopping.set(task, { since: state.now, overdue: false })
  transition(state, task, Phase.stopping)
  spent.update(state, task)
  const grace = graceOf(state, task)
  if (grace < Infinity) timers.arm(state, "grace", task, tasks.attempt[task]!, grace)
  out.push({
    _tag: "Stop",
    task,
    attempt: tasks.attempt[task]!,
    worker: workerOf(state, task),
    timedOut
  })
  waits.attemptStops(state, task, out)
}
