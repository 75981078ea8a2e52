/**
 * The loss of a worker: its attempts start elsewhere, and results that it alone held are recomputed if they are claimed or
 * needed.
 *
 * @since 0.1.0
 */
import { remember, uncharge } from "../life/again.ts"
import { propagate } from "../life/agenda.ts"
import { fail } from "../life/ends.ts"
import { releaseInputs } from "../life/release.ts"
import { interrupted } from "../protocol/Event.ts"
import type { ResultMissing, WorkerLost } from "../protocol/Event.ts"
import type { TaskId } from "../protocol/ids.ts"
import type { Out } from "../protocol/Instruction.ts"
import { Flag, Phase } from "../protocol/Phase.ts"
import { holdsDependencies, mayRepeat, workerWith } from "../state/lookups.ts"
import { outcomeOf } from "../state/outcomes.ts"
import { extrasOf } from "../state/rare.ts"
import type { State } from "../state/State.ts"
import { transition } from "../state/transitions.ts"
import { Use } from "../state/Use.ts"
import { isUsed } from "../state/uses.ts"
import { takesTasks } from "../state/WorkerRecord.ts"
import type { WorkerRecord } from "../state/WorkerRecord.ts"
import { workerLost } from "../workers/copies.ts"
import * as workers from "../workers/workers.ts"
import { closed, leave, noteBegun, stopped } from "./attempts.ts"
import * as elastic from "./elastic.ts"
import * as lineage from "./lineage.ts"

/** Handles {@link WorkerLost}. */
export const lose = (state: State, event: WorkerLost, out: Out): void => {
  const worker = workerWith(state, event.worker)
  if (worker === undefined || worker.phase === "lost") return workers.refuse(event._tag, out)
  takeAway(state, worker, out, event.begun, event.isEnded)
}

/** Handles {@link ResultMissing}. A result that is no longer counted on there changes nothing. */
export const distrust = (state: State, { attempt, begun, task, worker: serial }: ResultMissing, out: Out): void => {
  const { tasks } = state
  const worker = workerWith(state, serial)
  const isThere = hasResult(tasks.phase[task] as Phase) && tasks.attempt[task] === attempt
  if (!isThere || worker === undefined || tasks.worker[task] !== worker.index) return
  out.push({ _tag: "WorkerExpired", worker: serial, why: "missing" })
  takeAway(state, worker, out, begun)
}

/** Declares workers lost that were silent for their time to live. */
export const expire = (state: State, out: Out): void => {
  if (!isUsed(state, Use.watching)) return
  for (const worker of state.workers) {
    if (!workers.isSilent(state, worker)) continue
    out.push({ _tag: "WorkerExpired", worker: worker.serial, why: "silent" })
    takeAway(state, worker, out)
    propagate(state, out)
  }
}

const takeAway = (
  state: State,
  worker: WorkerRecord,
  out: Out,
  begun?: WorkerLost["begun"],
  isEnded = false
): void => {
  const told = state.step.workerLog?.length ?? 0
  if (takesTasks(worker)) {
    if (!isEnded) elastic.noteLoss(state, worker)
    workers.replaceLost(state, worker, isEnded, out)
  }
  workers.moveTo(state, worker, "lost")
  // The replacement is requested first, so the scheduler is never without a worker, but its cause is the loss.
  const loss = state.step.workerLog?.pop()
  if (loss !== undefined) state.step.workerLog!.splice(told, 0, loss)
  workerLost(state, worker.index)
  const renewal = lineage.makeRenewal()
  for (const task of tasksOf(state, worker.index, isAttempt)) {
    if (begun?.includes(state.tasks.attempt[task]!) === false) takeOff(state, task, renewal, out)
    else endAttempt(state, task, renewal, out)
  }
  propagate(state, out)
  for (const task of tasksOf(state, worker.index, isLeaving)) endLeaving(state, task, out)
  for (const task of tasksOf(state, worker.index, hasResult)) forsake(state, task, out)
  // Tasks without users are forgotten and do not run again.
  propagate(state, out)
  // All tasks with results have users (S3).
  for (const task of tasksOf(state, worker.index, hasResult)) lineage.reopen(state, task, renewal, out)
  lineage.renew(state, renewal, out)
}

const isAttempt = (phase: Phase): boolean => phase >= Phase.assigned && phase < Phase.stopping

const isLeaving = (phase: Phase): boolean => phase === Phase.stopping || phase === Phase.releasing

const hasResult = (phase: Phase): boolean => phase === Phase.succeeded

const tasksOf = (
  { tasks }: State,
  worker: number,
  isMeant: (phase: Phase) => boolean
): ReadonlyArray<TaskId> => {
  const found: Array<TaskId> = []
  for (let task = 0; task < tasks.used; task++) {
    if (tasks.worker[task] === worker && isMeant(tasks.phase[task] as Phase)) found.push(task)
  }
  return found
}

/** Starts the lost attempts again, unless too many workers died of the task. */
const endAttempt = (state: State, task: TaskId, renewal: lineage.Renewal, out: Out): void => {
  noteBegun(state, task)
  leave(state, task, out)
  remember(state, task, "died")
  const deaths = extrasOf(state, task)!.history!.filter(({ fate }) => fate === "died").length
  const isFatal = deaths >= state.limits.deaths
  if (isFatal || !mayRepeat(state, task)) {
    const reason = isFatal ? "deaths" : "lost"
    return fail(state, task, outcomeOf(state, task, { _tag: "Killed", deaths, reason }), out)
  }
  startAgain(state, task, renewal)
}

/** An attempt whose body had not begun killed nothing. */
const takeOff = (state: State, task: TaskId, renewal: lineage.Renewal, out: Out): void => {
  leave(state, task, out)
  startAgain(state, task, renewal)
}

const startAgain = (state: State, task: TaskId, { again }: lineage.Renewal): void => {
  uncharge(state, task)
  state.tasks.waiting[task] = 0
  transition(state, task, Phase.waiting)
  again.add(task)
}

/** The outcome of a stopping task was fixed, and a resource that was being finalized is gone. */
const endLeaving = (state: State, task: TaskId, out: Out): void => {
  if (state.tasks.phase[task] === Phase.releasing) closed(state, task, out)
  else {
    leave(state, task, out)
    stopped(state, task, interrupted, out)
  }
  propagate(state, out)
}

/** Tasks that must not run again end here. Other results keep the inputs that they live on, for their new runs. */
const forsake = (state: State, task: TaskId, out: Out): void => {
  if (mayRepeat(state, task)) return lineage.dropAlias(state, task, out)
  if (holdsDependencies(state, task)) {
    releaseInputs(state, task, out)
    state.tasks.flags[task]! &= ~Flag.retains
  }
  lineage.kill(state, task, "lost", out)
}
