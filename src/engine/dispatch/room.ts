/**
 * Which workers take tasks at all, now or later, whatever the demand. `placement.ts` says which of them suit a task.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import { Phase } from "../protocol/Phase.ts"
import type { State } from "../state/State.ts"
import type { WorkerRecord } from "../state/WorkerRecord.ts"

/**
 * Whether a worker may start an attempt now. A worker at its mark may not, unless all its attempts wait for tasks, which must run
 * somewhere.
 */
export const hasRoom = (state: State, worker: WorkerRecord): boolean =>
  worker.running < worker.slots && (worker.attempts < worker.mark || doesWait(state, worker))

/** Whether a worker takes tasks and may start one now. */
export const isFree = (state: State, worker: WorkerRecord): boolean => worker.phase === "open" && hasRoom(state, worker)

/** Whether some worker may start an attempt now. */
export const canStart = (state: State): boolean => {
  for (const worker of state.workers) if (isFree(state, worker)) return true
  return false
}

/** Whether some local worker may start an attempt now, and so any task. */
export const canStartAny = (state: State): boolean => {
  for (const worker of state.workers) if (worker.kind === "local" && isFree(state, worker)) return true
  return false
}

/** Whether each attempt on a worker waits for tasks. */
const doesWait = (state: State, { attempts, index }: WorkerRecord): boolean => {
  const waiting = new Set<TaskId>()
  for (const [task, waits] of [...state.waitsOf, ...state.keeping]) {
    // Finalizers of a released result are no attempt.
    const isThere = state.tasks.worker[task] === index && state.tasks.phase[task] !== Phase.releasing
    if (isThere && waits.some(({ mode }) => mode !== "never")) waiting.add(task)
  }
  return waiting.size >= attempts
}
