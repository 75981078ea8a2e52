/** Who wants a task: claims, wishes and dependents (C3, S3). */
import type { ClaimId } from "../../../src/engine/protocol/ids.ts"
import { findClaim } from "../../../src/engine/state/claims.ts"
import { dependsOn, hasEnded, isOpen } from "./facts.ts"
import type { Facts, Interest, Owner, Task } from "./facts.ts"

/** Wishes for the end of a task; gives it if it is awaited. */
export const addWish = (owner: Owner, task: Task, isOwn: boolean, told: Task["told"]): ReadonlyArray<Task> => {
  if (!isOwn && !told.includes("failure")) return []
  if (!isOwn) owner.bulk.push(task)
  else {
    task.wished = !hasEnded(task)
    task.told = told
    // What was refused as soon as it was there has ended in this step.
    if (hasEnded(task)) tellRoot(task)
  }
  return [task]
}

export const tellRoot = (task: Task): void => {
  const kind = task.status === "skipped" ? "skip" : "failure"
  if (task.status !== "succeeded" && !task.refused && task.told.includes(kind)) task.owner.roots.push(task.name)
}

export const addClaim = (model: Facts, owner: Owner, task: Task, id: ClaimId): void => {
  const claim = findClaim(model.state!, id)
  if (claim === undefined) return model.complain(`claim ${id} of owner ${owner.id} is not known`)
  if (model.interests.has(id)) return model.complain(`a claim of owner ${owner.id} on ${task.name} is given twice`)
  const interest: Interest = { owner, task, claim, state: "live", cancelledFor: undefined }
  owner.claims.add(interest)
  model.interests.set(id, interest)
}

/** Whether a task is claimed, wished or needed. */
export const isWanted = (model: Facts, task: Task): boolean => {
  if (task.wished) return true
  for (const owner of model.owners.values()) {
    if (!owner.isOpen) continue
    if (owner.bulk.includes(task)) return true
    for (const interest of owner.claims) if (interest.task === task) return true
  }
  for (const other of model.tasks) if (dependsOn(other, task) && holdsInputs(model, other)) return true
  return false
}

/** Whether a task keeps what it depends on: for itself, or for a result that lives on it. */
export const holdsInputs = (model: Facts, task: Task): boolean => {
  if (task.status !== "succeeded") return isOpen(task)
  return task.isResource || (task.retains && !task.forgotten && isWanted(model, task))
}
