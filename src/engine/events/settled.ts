/**
 * Tasks that are settled from outside, before their bodies end.
 *
 * @since 0.1.0
 */
import * as brakes from "../dispatch/brakes.ts"
import * as ready from "../dispatch/ready.ts"
import { stop, stopAs } from "../life/cancel.ts"
import { fail, succeed } from "../life/ends.ts"
import { endLater, isToComeAgain } from "../life/release.ts"
import { reasonOf } from "../protocol/Event.ts"
import type { TaskSettled } from "../protocol/Event.ts"
import { atHome } from "../protocol/home.ts"
import type { TaskId } from "../protocol/ids.ts"
import type { Out } from "../protocol/Instruction.ts"
import { Flag, Phase } from "../protocol/Phase.ts"
import { keyOf, serialAt } from "../state/lookups.ts"
import { outcomeOf } from "../state/outcomes.ts"
import { dropExtra, extrasFor } from "../state/rare.ts"
import type { State } from "../state/State.ts"
import type { WorkerRecord } from "../state/WorkerRecord.ts"

/** Whether a task has not ended and its end is not fixed. */
export const maySettle = (state: State, task: TaskId): boolean => {
  const phase = state.tasks.phase[task]!
  // A task whose resource is finalized to be acquired again is as open as a running one.
  const comesAgain = isToComeAgain(state, task) && state.tasks.refs[task]! > 0
  return comesAgain || (phase !== Phase.free && phase < Phase.stopping)
}

/** Handles {@link TaskSettled}. A task that has ended, or whose end is fixed, is not affected. */
export const settleFromOutside = (state: State, { ending, task }: TaskSettled, out: Out): void => {
  const phase = state.tasks.phase[task]!
  const isOpen = maySettle(state, task)
  if (!isOpen || (ending._tag === "Succeeded" && holderFor(state, task) < 0)) {
    if (ending._tag === "Failed") out.push({ _tag: "ForgetFailure", failure: ending.failure })
    out.push({ _tag: "Rejected", event: "TaskSettled", reason: { _tag: "Gone", what: isOpen ? "worker" : "task" } })
    return
  }
  if (phase === Phase.releasing) endLater(state, task, out)
  if (ending._tag === "Succeeded") {
    if (phase < Phase.assigned) return hold(state, task, out)
    extrasFor(state, task).isGiven = true
    return stopAs(state, task, "wish", out)
  }
  const outcome = outcomeOf(state, task, reasonOf(ending, keyOf(state, task)))
  if (phase < Phase.assigned) return fail(state, task, outcome, out)
  stop(state, task, outcome, "wish", out)
  extrasFor(state, task).isGiven = true
}

/** Ends a task with the value given for it, which a worker holds from now on like any other, or hands over. */
export const hold = (state: State, task: TaskId, out: Out): void => {
  const row = holderFor(state, task)
  const worker = state.workers[row]!.handsOver ? atHome(row) : row
  const { flags, phase } = state.tasks
  if (phase[task] === Phase.ready) ready.remove(state, task)
  dropExtra(state, task, "lacking")
  // No body made the value, so it owns nothing.
  if ((flags[task]! & Flag.resource) !== 0) {
    flags[task]! &= ~Flag.resource
    state.resources--
  }
  // The value has no attempt.
  state.tasks.attempt[task] = 0
  if (state.tasks.starts[task]! > 0) flags[task]! |= Flag.begun
  state.tasks.worker[task] = worker
  out.push({ _tag: "Hold", task, worker: serialAt(state, worker) })
  if (state.fairness.budget !== undefined) brakes.noteHeld(state, task)
  succeed(state, task)
}

/** The worker that will hold a value from outside: that of the task if it stays, else the first that does; -1 for none. */
export const holderFor = ({ tasks, workers }: State, task: TaskId): number => {
  const own = workers[tasks.worker[task]!]
  if (own?.phase === "open") return own.index
  // A starting worker may never come.
  const isThere = ({ phase }: WorkerRecord): boolean => phase !== "lost" && phase !== "starting"
  const stays = workers.find(({ phase }) => phase === "open") ?? workers.find(isThere)
  return stays?.index ?? -1
}
