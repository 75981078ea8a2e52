/** Ends that bodies report, and ends from outside (F9, F10). */
import type { Event } from "../../../src/engine/protocol/Event.ts"
import type { State } from "../../../src/engine/state/State.ts"
import { askFor, finish, finishStopped, holdGiven, leaveAttempt, requeue, stop, tryAgain } from "./ends.ts"
import { isToComeAgain, mayHold, owns, placeOfResult, presentTask } from "./facts.ts"
import type { Facts, Task } from "./facts.ts"
import { dependenciesLost, inputsLost, missedBy } from "./loss.ts"
import { isWanted } from "./owners.ts"
import { believeCycle } from "./starvation.ts"

export const attemptEnded = (
  model: Facts,
  { attempt, ending, micros, task: row }: Event & { readonly _tag: "TaskEnded" },
  state: State
): void => {
  const task = presentTask(model, row, attempt)
  if (ending._tag === "Failed") model.failures.add(ending.failure)
  if (task === undefined) return
  if (micros !== undefined && task.body > 0) {
    const before = model.paces.get(task.body)
    model.paces.set(task.body, before === undefined ? micros : before * 0.7 + micros * 0.3)
  }
  if (ending._tag !== "Unbegun" && ending._tag !== "InputsLost") task.isAssigned = false
  if (task.status === "stopping") model.cause = { must: task.must, may: task.may }
  if (task.status === "stopping" && ending._tag === "Succeeded" && task.isResource) {
    leaveAttempt(task)
    task.timedOut = false
    task.status = "releasing"
    return
  }
  if (task.status === "stopping") {
    if (task.timedOut && ending._tag === "Failed") {
      leaveAttempt(task)
      return finish(model, task, "failed", `Failed:${task.name}`)
    }
    if (!task.timedOut || ending._tag !== "Retried") return finishStopped(model, task)
    askFor(model, task)
    model.restarts.retried++
    tryAgain(model, task, ending.delayMillis)
    return believeCycle(model, task, state)
  }
  switch (ending._tag) {
    case "Succeeded":
      leaveAttempt(task)
      task.size = ending.size ?? 1
      task.retains = task.isResource || (task.settings.absorbs === true && task.deps.some(owns))
      // Finalizers run where their resource is.
      if (!task.isResource) task.worker = placeOfResult(model, task.worker)
      return finish(model, task, "succeeded")
    case "Failed":
      leaveAttempt(task)
      return finish(model, task, "failed", `Failed:${task.name}`)
    case "Interrupted":
      leaveAttempt(task)
      return finish(model, task, "cancelled", `Cancelled:${task.name}`)
    case "Skipped":
      leaveAttempt(task)
      return finish(model, task, "skipped", `Skipped:${task.name}`)
    case "Retried":
      askFor(model, task)
      model.restarts.retried++
      tryAgain(model, task, ending.delayMillis)
      return believeCycle(model, task, state)
    case "InputsLost":
      model.restarts.inputsLost++
      return inputsLost(model, task, ending, attempt, state)
    case "Unbegun":
      askFor(model, task)
      model.restarts.unbegun++
      requeue(task)
      return believeCycle(model, task, state)
    case "Unmet":
      askFor(model, task)
      model.restarts.unmet++
      task.unmet.add(model.workers[task.worker]!)
      requeue(task)
      return believeCycle(model, task, state)
    case "Rescheduled": {
      askFor(model, task)
      model.restarts.gaveWay++
      requeue(task)
      const { position, priority, submission } = task.place
      task.rank = { priority, computation: ++model.computations, ancestor: position, depth: 0, submission, position }
      return believeCycle(model, task, state)
    }
    case "DependenciesLost":
      return dependenciesLost(model, task, missedBy(model, task, ending), attempt, state)
  }
}

export const settleFromOutside = (
  model: Facts,
  { ending, task: row }: Event & { readonly _tag: "TaskSettled" }
): void => {
  const task = model.byRow.get(row)
  if (ending._tag === "Failed") model.failures.add(ending.failure)
  const isOpen = (each: Task): boolean =>
    each.status === "pending" || each.status === "active" || (isToComeAgain(each) && isWanted(model, each))
  if (task === undefined || !isOpen(task)) return
  model.isSettling = ending._tag !== "Succeeded" || model.workers.some(mayHold)
  if (!model.isSettling) return
  const [status, why] = ending._tag === "Succeeded"
    ? ["succeeded", ""] as const
    : ending._tag === "Failed"
    ? ["failed", `Failed:${task.name}`] as const
    : ending._tag === "Skipped"
    ? ["skipped", `Skipped:${task.name}`] as const
    : ["cancelled", `Cancelled:${task.name}`] as const
  if (task.status === "pending") {
    if (status === "succeeded") holdGiven(model, task)
    else finish(model, task, status, why)
    return
  }
  stop(model, task, status, why)
}
