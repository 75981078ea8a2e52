/**
 * Which workers may take tasks at all, some day or now, whatever these ask for. Which of them suits a certain task is said in
 * `placement.ts`.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import { Phase } from "../protocol/Phase.ts"
import type { State } from "../state/State.ts"
import type { WorkerRecord } from "../state/WorkerRecord.ts"

/** Whether there is a worker that could take a task some day. */
export const hasTaker = (state: State): boolean => state.takers > 0

/**
 * Whether a worker may start something now. One that is at its mark may not, unless all that it carries waits for tasks: those
 * must run somewhere, or nothing would ever go on.
 */
export const hasRoom = (state: State, worker: WorkerRecord): boolean =>
  worker.running < worker.slots && (worker.attempts < worker.mark || doesWait(state, worker))

/** Whether a worker takes tasks and may start one now. */
export const isFree = (state: State, worker: WorkerRecord): boolean => worker.phase === "open" && hasRoom(state, worker)

/** Whether some worker may start something now. */
export const canStart = (state: State): boolean => {
  for (const worker of state.workers) if (isFree(state, worker)) return true
  return false
}

/** Whether each attempt on a worker waits for tasks. */
const doesWait = (state: State, { attempts, index }: WorkerRecord): boolean => {
  const waiting = new Set<TaskId>()
  for (const [task, waits] of [...state.waitsOf, ...state.keeping]) {
    // Finalizers of a result that was released are no attempt.
    const isThere = state.tasks.worker[task] === index && state.tasks.phase[task] !== Phase.releasing
    if (isThere && waits.some(({ mode }) => mode !== "never")) waiting.add(task)
  }
  return waiting.size >= attempts
}
