/**
 * Tasks that lack nothing but a worker, whichever it is, while no worker takes tasks: they wait for one as long as they were
 * told, and end then. What lacks a certain worker is seen to in `lack.ts`.
 *
 * @since 0.1.0
 */
import { hasTaker } from "../dispatch/room.ts"
import type { TaskId } from "../protocol/ids.ts"
import type { Out } from "../protocol/Instruction.ts"
import { Phase } from "../protocol/Phase.ts"
import { sequenceOf } from "../state/lookups.ts"
import { outcomeOf } from "../state/outcomes.ts"
import type { State } from "../state/State.ts"
import type { Timer } from "../state/Timer.ts"
import * as timers from "../state/timers.ts"
import { propagate } from "./agenda.ts"
import { fail } from "./ends.ts"
import { lackOf, waitOf } from "./lack.ts"
import * as owners from "./owners.ts"

/** Starts the clocks of those that found no worker in this step, and ends those that do not wait. */
export const settle = (state: State, out: Out): void => {
  // What absorbs the end of one is ready by that, and has no worker either.
  while (state.stranded.length > 0) {
    for (const task of state.stranded.splice(0)) limit(state, task, out)
    propagate(state, out)
  }
  if (state.endingWaits.length > 0) owners.endWaits(state, out)
}

const limit = (state: State, task: TaskId, out: Out): void => {
  if (state.tasks.phase[task] !== Phase.ready || hasTaker(state)) return
  // It lacks a certain one, and has its time for that since it was submitted.
  if (state.lacking.has(task) || lackOf(state, task) !== undefined) return
  const millis = waitOf(state, task)
  if (millis === 0) end(state, task, out)
  else if (millis !== Infinity) timers.arm(state, "stranded", task, sequenceOf(state, task), millis)
}

/** Ends a task for want of a worker. */
export const end = (state: State, task: TaskId, out: Out): void =>
  fail(state, task, outcomeOf(state, task, { _tag: "NoWorker", millis: waitOf(state, task) }), out)

/** Whether the wait for a worker that this timer limits is over. */
export const isOver = (state: State, { sequence, serial, task }: Timer): boolean =>
  hasTaker(state) || sequence < state.strandedFrom || state.tasks.phase[task] !== Phase.ready ||
  sequenceOf(state, task) !== serial
