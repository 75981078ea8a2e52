/**
 * Attempts after their start: their ends in all forms, further attempts, time limits, and bodies that return a graph. Reports of
 * former attempts change nothing (S7).
 *
 * @since 0.1.0
 */
import { isSent } from "../dispatch/ahead.ts"
import * as brakes from "../dispatch/brakes.ts"
import * as pacing from "../dispatch/pacing.ts"
import { exclude } from "../dispatch/placement.ts"
import * as ready from "../dispatch/ready.ts"
import * as slots from "../dispatch/slots.ts"
import { acquireAgain, met, remember, requeue, uncharge, waitAgain } from "../life/again.ts"
import { stop } from "../life/cancel.ts"
import { fail, resolveAlias, succeed, succeedPlain } from "../life/ends.ts"
import * as lack from "../life/lack.ts"
import { dropDependencies, finalize, forget, releaseInputs } from "../life/release.ts"
import * as spent from "../life/spent.ts"
import * as stranded from "../life/stranded.ts"
import * as waits from "../life/waits.ts"
import * as wishes from "../life/wishes.ts"
import { interrupted } from "../protocol/Event.ts"
import type { Ending, TaskEnded, TaskExpanded, TaskFinalized, TaskStarted } from "../protocol/Event.ts"
import { atHome } from "../protocol/home.ts"
import type { TaskId } from "../protocol/ids.ts"
import type { Out } from "../protocol/Instruction.ts"
import { Flag, hasEnded, Phase } from "../protocol/Phase.ts"
import type { Reason } from "../protocol/Reason.ts"
import { liveOf } from "../protocol/Registered.ts"
import { addLater } from "../state/later.ts"
import { refusalOf, unfoldingRefusal } from "../state/limits.ts"
import { isEndFixed, keyOf, mayRepeat, phaseOf, sequenceOf, settingsOf, workerOf } from "../state/lookups.ts"
import { dropFailure, forgetOutcome, outcomeOf } from "../state/outcomes.ts"
import { dropExtra, extrasOf, setAlias } from "../state/rare.ts"
import type { State } from "../state/State.ts"
import type { Timer } from "../state/Timer.ts"
import * as timers from "../state/timers.ts"
import { transition } from "../state/transitions.ts"
import { Look } from "../state/Use.ts"
import { isRare } from "../state/uses.ts"
import { isHere } from "../state/WorkerRecord.ts"
import { inputsLost, reportLost } from "./reports.ts"
import { hold, holderFor } from "./settled.ts"
import * as submit from "./submit.ts"

/** Whether this attempt of the task has not ended. */
export const isCurrent = (state: State, task: TaskId, attempt: number): boolean => {
  const phase = state.tasks.phase[task]!
  return state.tasks.attempt[task] === attempt && phase >= Phase.assigned && phase <= Phase.stopping
}

/**
 * Handles {@link TaskStarted}: shows when the body began. Reports keep their order, so the end that made room for an attempt sent
 * ahead has been heard by now; one that still has no slot has not begun.
 */
export const started = (state: State, { attempt, task }: TaskStarted): void => {
  const { attempt: attempts, phase, startedAt } = state.tasks
  if (attempts[task] !== attempt || phase[task] !== Phase.assigned || isSent(state, task)) return
  startedAt[task] = state.now
  slots.begin(state, task)
}

/** An attempt has ended whose start was not reported. */
export const noteBegun = (state: State, task: TaskId): void => {
  if (state.tasks.phase[task] === Phase.assigned) transition(state, task, Phase.running)
}

/** Handles {@link TaskEnded}. */
export const ended = (state: State, event: TaskEnded, out: Out): void => {
  const { attempt, ending, task } = event
  const { attempt: attempts, phase } = state.tasks
  const hasSucceeded = attempts[task] === attempt && phase[task] === Phase.running && ending._tag === "Succeeded"
  if (!hasSucceeded || (isRare(state, task, Look.end) && !endsHere(state, task))) return endedRarely(state, event, out)
  slots.leavePlain(state, task)
  succeedPlain(state, task)
}

/** Whether only an attempt on some other worker would end in another way than a plain one. */
const endsHere = (state: State, task: TaskId): boolean =>
  !isRare(state, task, Look.endHere) && isHere(state.workers[state.tasks.worker[task]!]!)

const endedRarely = (state: State, { attempt, ending, micros, task }: TaskEnded, out: Out): void => {
  if (!isCurrent(state, task, attempt)) {
    if (ending._tag === "Failed") out.push({ _tag: "ForgetFailure", failure: ending.failure })
    return
  }
  if (ending._tag !== "Unbegun" && ending._tag !== "InputsLost") noteBegun(state, task)
  if (micros !== undefined) pacing.note(state, task, micros)
  leave(state, task, out)
  if (state.tasks.phase[task] === Phase.stopping) return stopped(state, task, ending, out)
  switch (ending._tag) {
    case "Succeeded":
      if (state.fairness.budget !== undefined) brakes.noteHeld(state, task, ending.size)
      if (isHandedOver(state, task)) state.tasks.worker[task] = atHome(state.tasks.worker[task]!)
      return succeed(state, task)
    case "Failed":
    case "Skipped":
      return fail(state, task, outcomeOf(state, task, ending), out)
    case "Interrupted":
      return fail(state, task, outcomeOf(state, task, selfCancelled(keyOf(state, task))), out)
    case "Retried":
      return tryAgain(state, task, ending.delayMillis, out)
    case "Unbegun":
      requeue(state, task)
      return waitAgain(state, task, "atOnce", out)
    case "InputsLost":
      return inputsLost(state, task, ending, out)
    case "Rescheduled":
      return giveWay(state, task, out)
    case "DependenciesLost":
      return reportLost(state, task, ending, out)
    case "Unmet":
      return goElsewhere(state, task, ending.reason, out)
  }
}

/** Whether the result of an attempt goes home rather than stay with its worker. */
const isHandedOver = ({ tasks: { flags, worker }, workers }: State, task: TaskId): boolean =>
  workers[worker[task]!]!.handsOver && (flags[task]! & Flag.resource) === 0

const selfCancelled = (key: string): Reason => ({
  _tag: "Cancelled",
  task: key,
  by: key,
  reason: "its body interrupted itself"
})

/** Whether an attempt may have open waits. One with a slot that was not asked to stop has no others than those that keep it. */
const mayWait = ({ keeping, tasks: { phase, worker }, waitsOf, workers }: State, task: TaskId): boolean =>
  keeping.size > 0 ||
  (phase[task] !== Phase.running && (waitsOf.size > 0 || workers[worker[task]!]!.rejoining.size > 0))

/** Removes an ending attempt from its worker. */
export const leave = (state: State, task: TaskId, out: Out): void => {
  slots.leave(state, task)
  if (mayWait(state, task)) waits.attemptEnded(state, task, out)
}

/**
 * The outcome of an attempt was fixed when it was asked to stop, and its own end is dropped. After a timeout its schedule
 * decides.
 */
export const stopped = (state: State, task: TaskId, ending: Ending, out: Out): void => {
  const tasks = state.tasks
  state.stopping.delete(task)
  if (ending._tag === "Succeeded") {
    out.push({ _tag: "Discard", task, worker: isHandedOver(state, task) ? -1 : workerOf(state, task) })
    if ((tasks.flags[task]! & Flag.resource) !== 0) {
      tasks.flags[task]! &= ~Flag.timedOut
      return finalize(state, task, out)
    }
  }
  if ((tasks.flags[task]! & Flag.timedOut) !== 0) {
    if (ending._tag === "Retried" || ending._tag === "Failed") forgetOutcome(state, task, out)
    if (ending._tag === "Retried") {
      stay(state, task, out)
      return tryAgain(state, task, ending.delayMillis, out)
    }
    // The failure of its schedule, which was asked for another attempt.
    if (ending._tag === "Failed") return fail(state, task, outcomeOf(state, task, ending), out)
  }
  if (ending._tag === "Failed") out.push({ _tag: "ForgetFailure", failure: ending.failure })
  publish(state, task, out)
}

/** Ends a task with the outcome that was fixed when it was asked to stop. */
const publish = (state: State, task: TaskId, out: Out): void => {
  dropExtra(state, task, "isGiven")
  const outcome = extrasOf(state, task)?.outcome
  if (outcome === undefined) return publishValue(state, task, out)
  dropExtra(state, task, "outcome")
  fail(state, task, outcome, out)
  // The failure was referenced all the time, and is now once more.
  dropFailure(state, outcome, out)
}

/** The value of a settled task is lost if no worker is left to hold it. Then its body runs, as for any lost result. */
const publishValue = (state: State, task: TaskId, out: Out): void => {
  if (holderFor(state, task) >= 0) return hold(state, task, out)
  out.push({ _tag: "Discard", task, worker: -1 })
  if (!mayRepeat(state, task)) {
    return fail(state, task, outcomeOf(state, task, { _tag: "Killed", deaths: 0, reason: "lost" }), out)
  }
  uncharge(state, task)
  // It had ended in time.
  state.tasks.flags[task]! |= Flag.recomputed
  transition(state, task, Phase.waiting)
  if (state.tasks.refs[task] === 0) state.step.agenda.push(~task)
  else stay(state, task, out)
  waitAgain(state, task, "atOnce", out)
}

/** A leaving task runs again. */
const stay = (state: State, task: TaskId, out: Out): void => {
  state.leaving.delete(task)
  spent.noteDropped(state, task)
  waits.stays(state, task, out)
}

/** Handles {@link TaskFinalized}, the end of a result that was released or came too late. */
export const finalized = (state: State, { attempt, task }: TaskFinalized, out: Out): void => {
  if (state.tasks.attempt[task] === attempt && state.tasks.phase[task] === Phase.releasing) closed(state, task, out)
}

/** Forgets a task whose resource is gone, unless it is needed again, or ends it with its fixed outcome. */
export const closed = (state: State, task: TaskId, out: Out): void => {
  if (state.waitsOf.size > 0 || state.keeping.size > 0) waits.attemptEnded(state, task, out)
  if (isEndFixed(state, task)) return publish(state, task, out)
  if (state.tasks.refs[task]! > 0) {
    stay(state, task, out)
    return acquireAgain(state, task, out)
  }
  waits.taskEnded(state, task, out)
  releaseInputs(state, task, out)
  forget(state, task, out)
}

/** Sends a task to the back of the queue, without charging the attempt. If it must wait again, it later ranks as before. */
const giveWay = (state: State, task: TaskId, out: Out): void => {
  requeue(state, task)
  ready.moveBack(state, task)
  waitAgain(state, task, "atOnce", out)
  if (state.tasks.phase[task] !== Phase.ready) dropExtra(state, task, "ownLane")
}

/** Makes the task ready for workers other than this one, without charging the attempt. */
const goElsewhere = (state: State, task: TaskId, reason: string, out: Out): void => {
  const { index, submission } = state.tasks
  if (extrasOf(state, task)?.barred === undefined && !ready.isDemanding(submission[task]!, index[task]!)) {
    ready.demand(state)
  }
  exclude(state, task, reason)
  requeue(state, task)
  waitAgain(state, task, "atOnce", out)
}

/** Makes the task ready for another attempt, at once or after a delay. */
const tryAgain = (state: State, task: TaskId, delayMillis: number, out: Out): void => {
  const tasks = state.tasks
  tasks.flags[task]! &= ~Flag.timedOut
  remember(state, task, "failed")
  transition(state, task, Phase.waiting)
  const isDelayed = delayMillis > 0
  if (isDelayed) timers.arm(state, "retry", task, tasks.attempt[task]!, delayMillis)
  waitAgain(state, task, isDelayed ? "afterDelay" : "atOnce", out)
}

/**
 * Handles {@link TaskExpanded}: the task now waits, holding no slot, as an alias of another. If the plan is rejected the
 * attempt goes on, for its worker to end it.
 */
export const expanded = (state: State, event: TaskExpanded, out: Out): void => {
  const { attempt, plan, target, task } = event
  if (!isCurrent(state, task, attempt)) return
  if (state.tasks.phase[task] === Phase.stopping) {
    leave(state, task, out)
    return stopped(state, task, interrupted, out)
  }
  const reason = refusalOf(state, plan) ?? unfoldingRefusal(state, task)
  if (reason !== undefined) {
    out.push({ _tag: "Rejected", event: event._tag, reason })
    return
  }
  noteBegun(state, task)
  leave(state, task, out)
  const outer = state.tasks.submission[task]!
  const submission = submit.register(state, plan, outer.owner, task, outer.nesting)
  out.push({ _tag: "Submitted", ids: submission.ids, claims: noClaims })
  const inner = liveOf(submission, target)
  state.tasks.refs[inner]!++
  const isWished = (state.tasks.flags[task]! & Flag.wished) !== 0
  const more = isWished ? wishes.extend(state, task, submission, target) : undefined
  submit.link(state, submission, out)
  if (more !== undefined) waits.waitForMore(state, more.wait, more.tasks, out)
  const starved = target >= 0 && submit.isClosed(plan) ? undefined : waits.cycle(state, task, [inner])
  dropDependencies(state, task, outer, out)
  transition(state, task, Phase.waiting)
  setAlias(state, task, inner)
  if (starved !== undefined) fail(state, task, outcomeOf(state, task, { _tag: "Starved", waits: starved }), out)
  else if (hasEnded(phaseOf(state, inner))) resolveAlias(state, task, inner, out)
  else addLater(state, inner, task)
}

const noClaims: ReadonlyArray<never> = []

/** Handles the timers that are due. */
export const timeCame = (state: State, out: Out): void => {
  // Timers that are not due yet are requested again, because clocks may ring early.
  state.timers.wakeAt = Infinity
  for (let timer = timers.due(state); timer !== undefined; timer = timers.due(state)) {
    if (!isStale(state, timer)) fire(state, timer, out)
  }
}

const fire = (state: State, timer: Timer, out: Out): void => {
  const { kind, task } = timer
  if (kind === "retry") return met(state, task)
  if (kind === "grace") return overdue(state, task, out)
  if (kind === "workers") return lack.end(state, task, out)
  if (kind === "stranded") return stranded.end(state, task, out)
  const settings = settingsOf(state, task)!
  const phase = phaseOf(state, task)
  const reason: Reason = kind === "timeout" ?
    { _tag: "TimedOut", of: "attempt", millis: settings.timeoutMillis! } :
    kind === "deadline" ?
    { _tag: "TimedOut", of: "deadline", millis: settings.deadlineMillis! } :
    { _tag: "TimedOut", of: "dependencies", millis: settings.dependencyTimeoutMillis! }
  const outcome = outcomeOf(state, task, reason)
  if (phase < Phase.assigned) return fail(state, task, outcome, out)
  stop(state, task, outcome, kind === "timeout" ? "timeout" : "wish", out)
}

/** Reports an attempt that does not stop. It goes on, and keeps its slot. */
const overdue = (state: State, task: TaskId, out: Out): void => {
  state.stopping.get(task)!.overdue = true
  out.push({
    _tag: "Overdue",
    task,
    attempt: state.tasks.attempt[task]!,
    worker: workerOf(state, task)
  })
}

/** Whether the timer is stale. */
export const isStale = (state: State, timer: Timer): boolean => {
  const { kind, serial, task } = timer
  // The table may have dropped the row.
  const phase = (state.tasks.phase[task] ?? Phase.free) as Phase
  if (phase === Phase.free || phase >= Phase.releasing) return true
  if (kind === "workers") return extrasOf(state, task)?.lacking !== serial
  if (kind === "stranded") return stranded.isOver(state, timer)
  if (kind === "grace") return phase !== Phase.stopping || state.tasks.attempt[task] !== serial
  // A timed-out attempt may be tried again, but not beyond the deadline.
  const isTryable = (state.tasks.flags[task]! & Flag.timedOut) !== 0
  if (phase === Phase.stopping && !(isTryable && kind === "deadline")) return true
  if (kind === "timeout") return state.tasks.attempt[task] !== serial || phase < Phase.assigned
  if (kind === "retry") return state.tasks.attempt[task] !== serial || phase !== Phase.waiting
  if (sequenceOf(state, task) !== serial) return true
  const flags = state.tasks.flags[task]!
  // These run once, from the submission: a task that has ended in time is in time, however late it runs again.
  if ((flags & Flag.recomputed) !== 0) return true
  return kind === "dependencies" && (state.tasks.starts[task]! > 0 || (flags & Flag.begun) !== 0)
}
