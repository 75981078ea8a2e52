/**
 * Which workers take tasks at all, now or later, whatever the demand. `placement.ts` says which of them suit a task.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import { Phase } from "../protocol/Phase.ts"
import type { WorkerKind } from "../protocol/Plan.ts"
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

/** Whether some worker, or some of this kind, may start an attempt now. */
export const canStart = (state: State, kind?: WorkerKind): boolean => {
  for (const worker of state.workers) {
    if ((kind === undefined || worker.kind === kind) && isFree(state, worker)) return true
  }
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
