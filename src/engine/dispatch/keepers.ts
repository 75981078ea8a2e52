/**
 * Keepers: attempts that hold a slot or amounts while they wait.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import { Flag, Phase } from "../protocol/Phase.ts"
import type { Wait } from "../state/Owner.ts"
import type { State } from "../state/State.ts"

/** All that the body of a task waits for now. */
export const waitsInside = (state: State, task: TaskId): ReadonlyArray<Wait> => {
  const away = state.waitsOf.get(task) ?? none
  const keeping = state.keeping.size === 0 ? undefined : state.keeping.get(task)
  return keeping === undefined ? away : [...away, ...keeping]
}

const none: ReadonlyArray<Wait> = []

/** Whether a body may be at work: it is in no wait that the engine sees. */
export const isAtWork = (state: State, task: TaskId): boolean =>
  state.tasks.phase[task]! >= Phase.assigned &&
  // A body that seceded by hand and then waits for a task depends on that task.
  waitsInside(state, task).every(({ mode }) => mode === "never")

export const holdsSlot = (state: State, task: TaskId): boolean => (state.tasks.flags[task]! & Flag.holdsSlot) !== 0

/** Whether an attempt waits for its slot alone, including one that was asked to stop and goes on. */
export const isQueued = (state: State, task: TaskId): boolean => {
  const phase = state.tasks.phase[task]
  if (phase !== Phase.stopping) return phase === Phase.rejoining
  return state.workers[state.tasks.worker[task]!]!.rejoining.has(task)
}

/** The attempts that keep a slot, or amounts without one, until they go on. */
export const keepersOf = (state: State): ReadonlyArray<TaskId> => {
  const keepers: Array<TaskId> = []
  for (const task of state.keeping.keys()) if (holdsSlot(state, task)) keepers.push(task)
  for (const task of state.keepingAmounts) {
    if (isQueued(state, task) || !isAtWork(state, task)) keepers.push(task)
  }
  return keepers
}
