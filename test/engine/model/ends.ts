/** How attempts and tasks end (C7, F9). */
import { armTimer, hasEnded, isTaken, isToComeAgain, mayHold } from "./facts.ts"
import type { Ended, Facts, Task } from "./facts.ts"
import { tellRoot } from "./owners.ts"
import { stays, unwant } from "./waits.ts"

/** Ends a task with a value from outside. */
export const holdGiven = (model: Facts, task: Task): void => {
  task.isResource = false
  task.retains = false
  task.unheld = true
  task.size = 1
  task.attempt = 0
  task.worker = -1
  finish(model, task, "succeeded")
  task.alias = undefined
}

export const askFor = (model: Facts, { serial }: Task): void => {
  model.asked.set(serial, (model.asked.get(serial) ?? 0) + 1)
}

/** An attempt that does not count. */
export const requeue = (task: Task): void => {
  leaveAttempt(task)
  task.status = "pending"
  task.starts--
  task.attempt = 0
}

export const tryAgain = (model: Facts, task: Task, delayMillis: number): void => {
  leaveAttempt(task)
  if (task.status === "stopping") stays(model, task)
  task.status = "pending"
  task.fixed = undefined
  task.stopTold = false
  task.timedOut = false
  task.retrying = delayMillis > 0
  if (task.retrying) armTimer(model, "retry", task, delayMillis)
}

export const finishStopped = (model: Facts, task: Task): void => {
  leaveAttempt(task)
  finishFixed(model, task)
}

export const finishFixed = (model: Facts, task: Task): void => {
  const [status, why] = task.fixed!
  if (status !== "succeeded") return finish(model, task, status, why)
  if (model.workers.some((each) => mayHold(each) && !isTaken(model, each))) return holdGiven(model, task)
  model.discarded.add(task)
  if (task.settings.idempotent === false) return finish(model, task, "failed", `Killed:${task.name}`)
  model.restarts.lost++
  stays(model, task)
  task.recomputed = true
  task.status = "pending"
  task.starts--
  task.attempt = 0
  task.fixed = undefined
  task.stopTold = false
  task.unwanted = false
}

export const leaveAttempt = (task: Task): void => {
  task.isAssigned = false
  task.askedBack = false
  task.holds = false
  task.holdsAmounts = false
  task.holdsTags = false
  unwant(task)
  for (const wait of task.open) {
    if (!wait.closing) wait.abandoned = true
    else {
      // The wait of a closing owner goes on, but not inside this attempt.
      wait.waiter = undefined
      task.open.delete(wait)
    }
  }
}

export const finish = (model: Facts, task: Task, status: Ended, why?: string, isAlias = false): void => {
  if (hasEnded(task)) model.complain(`${task.name} ends twice`)
  task.status = status
  task.endedAt = model.clock
  if (task.wished) tellRoot(task)
  task.wished = false
  // It does not end as the task for which it stands, so its graph is wished for no more.
  if (task.inner.includes(task.alias!) && !isAlias) { for (const each of task.inner) each.wished = false }
  model.ends[status]++
  if (why !== undefined) task.why.add(why)
}

export const stop = (model: Facts, task: Task, status: Ended, why: string, isTimeout = false): void => {
  if (isToComeAgain(task)) model.discarded.add(task)
  // What was fixed stays; an attempt that timed out could have been tried again.
  if (task.fixed === undefined || task.timedOut) task.fixed = [status, why]
  task.timedOut = isTimeout
  if (task.status === "stopping" || task.status === "releasing") return
  task.status = "stopping"
  if (task.settings.graceMillis !== undefined) armTimer(model, "grace", task, task.settings.graceMillis)
  for (const wait of task.open) if (!wait.closing) wait.abandoned = true
}
