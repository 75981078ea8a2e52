/**
 * Results and records go when the last claim on them and the last task that needed them are gone (S3, S8).
 *
 * @since 0.1.0
 */
import type { Out } from "./Instruction.ts"
import { forgetOutcome } from "./outcomes.ts"
import { Flag, hasEnded, Phase, phaseNames, settingsOf } from "./State.ts"
import type { Phase as PhaseOf, PhaseName, State, TaskId } from "./State.ts"
import { note } from "./transitions.ts"

/** One claim, wish or dependent less. */
export const unref = (state: State, task: TaskId, out: Out): void => {
  const tasks = state.tasks
  const refs = tasks.refs[task]! - 1
  tasks.refs[task] = refs
  if (refs > 0) return
  if (!hasEnded(tasks.phase[task] as PhaseOf)) state.agenda.push(~task)
  // A task that ended within this step and waits on the agenda goes when it is settled.
  else if ((tasks.flags[task]! & Flag.settled) !== 0) release(state, task, out)
}

/** Forgets a task that has ended and that nobody claims or needs. */
export const release = (state: State, task: TaskId, out: Out): void => {
  const tasks = state.tasks
  const phase = tasks.phase[task] as PhaseOf
  if (state.log !== undefined) note(state, task, phaseNames[phase] as PhaseName, "released")
  forgetOutcome(state, task, out)
  freeKey(state, task)
  if (state.history.size > 0) state.history.delete(task)
  tasks.submission[task]!.ids[tasks.index[task]!] = -1
  tasks.giveBack(task)
  out.forget(task, phase === Phase.succeeded ? tasks.worker[task]! : -1)
}

/** From now on the key may name another task. */
export const freeKey = (state: State, task: TaskId): void => {
  if (state.keys.size === 0) return
  const key = settingsOf(state, task)?.key
  if (key !== undefined && state.keys.get(key) === task) state.keys.delete(key)
}
