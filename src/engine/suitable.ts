/**
 * Which workers may take tasks at all: the rule behind waits for workers, pools and starvation. Rules that keep a task from
 * some workers belong here, so that what none could ever take is found in the same way.
 *
 * @since 0.1.0
 */
import type { State, WorkerRecord } from "./State.ts"

/** Whether a worker takes new tasks, now or when it has started. */
export const takesTasks = ({ phase }: WorkerRecord): boolean => phase === "open" || phase === "starting"

/** Whether there is a worker that could take a task some day. */
export const hasTaker = (state: State): boolean => state.takers > 0
