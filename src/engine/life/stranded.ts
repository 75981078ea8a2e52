/**
 * Ready tasks that any worker of their kind could run, while none takes tasks. They wait for one up to their limit, and then end.
 * `lack.ts` has tasks that lack a certain worker.
 *
 * @since 0.1.0
 */
import { wantedOf } from "../dispatch/placement.ts"
import type { TaskId } from "../protocol/ids.ts"
import type { Out } from "../protocol/Instruction.ts"
import { Phase } from "../protocol/Phase.ts"
import type { Reason } from "../protocol/Reason.ts"
import { hasTaker, kindOf, sequenceOf } from "../state/lookups.ts"
import { outcomeOf } from "../state/outcomes.ts"
import { extrasOf } from "../state/rare.ts"
import type { State } from "../state/State.ts"
import type { Timer } from "../state/Timer.ts"
import * as timers from "../state/timers.ts"
import { propagate } from "./agenda.ts"
import { fail } from "./ends.ts"
import { lackOf, restrictionOf, waitOf } from "./lack.ts"
import * as owners from "./owners.ts"

/** Starts the timers of tasks that found no worker in this step, and ends those that do not wait. */
export const endStranded = (state: State, out: Out): void => {
  // Failing one may make an absorbing dependent ready, which is stranded too.
  while (state.step.stranded.length > 0) {
    for (const task of state.step.stranded.splice(0)) limit(state, task, out)
    propagate(state, out)
  }
  if (state.step.endingWaits.length > 0) owners.endWaits(state, out)
}

const limit = (state: State, task: TaskId, out: Out): void => {
  if (state.tasks.phase[task] !== Phase.ready || hasTaker(state, task)) return
  // It lacks a certain worker, and its timer for that runs since its submission.
  if (extrasOf(state, task)?.lacking !== undefined || lackOf(state, task) !== undefined) return
  const millis = waitOf(state, task)
  if (millis === 0) end(state, task, out)
  else if (millis !== Infinity) timers.arm(state, "stranded", task, sequenceOf(state, task), millis)
}

/** Ends a task that lacks a worker. */
export const end = (state: State, task: TaskId, out: Out): void => {
  const millis = waitOf(state, task)
  const reason: Reason = state.crew.takers + state.crew.remoteTakers > 0
    ? { _tag: "NoSuitableWorker", restriction: restrictionOf(state, wantedOf(state, task)), millis }
    : { _tag: "NoWorker", millis }
  fail(state, task, outcomeOf(state, task, reason), out)
}

/** Whether the wait that this timer limits is over. */
export const isOver = (state: State, { sequence, serial, task }: Timer): boolean => {
  if (state.tasks.phase[task] !== Phase.ready || sequenceOf(state, task) !== serial) return true
  return hasTaker(state, task) || sequence < state.crew.strandedFrom[kindOf(state, task)]
}
