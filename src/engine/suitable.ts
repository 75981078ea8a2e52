/**
 * Which workers may take tasks at all, whatever these ask for: what waits for workers, pools and starvation have in common.
 * Which of them suits a certain task is said in `placement.ts`.
 *
 * @since 0.1.0
 */
import type { State } from "./State.ts"
import type { WorkerRecord } from "./WorkerRecord.ts"

/** Whether a worker takes new tasks, now or when it has started. */
export const takesTasks = ({ phase }: WorkerRecord): boolean => phase === "open" || phase === "starting"

/** Whether there is a worker that could take a task some day. */
export const hasTaker = (state: State): boolean => state.takers > 0
