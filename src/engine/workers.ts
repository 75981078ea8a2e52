/**
 * Workers come and go.
 *
 * @since 0.1.0
 */
import { stockOf } from "./amounts.ts"
import type { WorkerAdded, WorkerDrained } from "./Event.ts"
import type { Out } from "./Instruction.ts"
import * as slots from "./slots.ts"
import type { State } from "./State.ts"

/** Handles {@link WorkerAdded}: ready tasks may start there at once. */
export const add = (state: State, { amounts, name, slots }: WorkerAdded): void => {
  state.workers.push({
    index: state.workers.length,
    name,
    slots,
    amounts: stockOf(amounts),
    running: 0,
    attempts: 0,
    phase: "open",
    rejoining: new Map()
  })
}

/** Handles {@link WorkerDrained}: nothing new starts there; what runs may end. */
export const drain = (state: State, event: WorkerDrained, out: Out): void => {
  const worker = state.workers[event.worker]
  if (worker === undefined || worker.phase !== "open") {
    out.push({ _tag: "Rejected", event: event._tag, reason: { _tag: "Gone", what: "worker" } })
    return
  }
  worker.phase = "draining"
  slots.leaveIfDrained(worker, out)
}
