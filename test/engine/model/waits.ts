/** Waits of bodies: when they are over, and who waits for whom (N2, N3). */
import type { SlotWanted } from "../../../src/engine/protocol/Event.ts"
import type { TaskId } from "../../../src/engine/protocol/ids.ts"
import { finalizingTask, isOpen, openOf, presentTask, stateOf } from "./facts.ts"
import type { Behalf, Facts, Interest, Standee, Standing, Task, Waiting } from "./facts.ts"
import { awaitedBy } from "./policies.ts"

/** Those who wait for what leaves wait no more for one that was about to. */
export const stays = (model: Facts, task: Task): void => {
  for (const wait of model.waits.values()) if (wait.behalf !== undefined) wait.ended.set(task, "good")
}

/** The waits for its end have seen it, though the task is about to be forgotten. */
export const noteEnd = (model: Facts, task: Task): void => {
  for (const wait of model.waits.values()) noteEndFor(wait, task)
  for (const { standees } of model.standing.values()) {
    for (const each of standees) if (each.interest.task === task) each.ended ||= isOverFor(each)
  }
}

/** The claims whose ends a standing wait has not reported. */
export const standingOf = (model: Facts, id: number): Standing => {
  const present = model.standing.get(id) ?? { standees: [], changes: 0 }
  model.standing.set(id, present)
  return present
}

/** Claims join a standing wait. */
export const stand = (model: Facts, id: number, interests: ReadonlyArray<Interest>): void => {
  const standing = standingOf(model, id)
  standing.changes++
  for (const interest of interests) standing.standees.push({ interest, ended: false })
}

/** Whether the end of a claim is to be reported. */
export const isOverFor = ({ ended, interest }: Standee): boolean => ended || stateOf(interest) !== "open"

const noteEndFor = ({ awaited, ended }: Waiting, task: Task): void => {
  for (const each of awaited) {
    const isMeant = each === task || ("claim" in each && each.task === task)
    const now = stateOf(each)
    if (isMeant && now !== "open" && !ended.has(each)) ended.set(each, now)
  }
}

export const beginWait = (
  model: Facts,
  id: number,
  mode: Waiting["mode"],
  awaited: ReadonlyArray<Interest | Task>,
  waiterRow: TaskId,
  attempt: number,
  closing = false,
  keepsSlot = false,
  behalf?: Behalf,
  next?: Waiting["next"]
): void => {
  const waiter = waiterRow < 0
    ? undefined
    : presentTask(model, waiterRow, attempt) ?? finalizingTask(model, waiterRow, attempt)
  const rest = { ended: new Map(), abandoned: false, starved: false, starvedAway: false, complete: false }
  const wait: Waiting = { id, mode, awaited, waiter, closing, keepsSlot, behalf, ...rest, ...next && { next } }
  model.waits.set(id, wait)
  if (isOver(wait)) return
  const tasks = awaited.flatMap((each) => "claim" in each ? (each.state === "live" ? [each.task] : []) : [each])
  if (waiter === undefined) {
    // A former attempt goes away to nowhere.
    wait.abandoned = mode === "never" && waiterRow >= 0
    return
  }
  // What leaves and waits for the waiter itself is not awaited.
  wait.starved = behalf === undefined && reaches(model, tasks, waiter)
  if (wait.starved) return
  waiter.open.add(wait)
  // Asked to stop, it would come back uncounted.
  if (keepsSlot || (mode === "never" && waiter.status !== "active")) return
  unwant(waiter)
  waiter.holds = false
  waiter.holdsTags = false
  if (waiter.settings.demand?.keepsAmounts !== true) waiter.holdsAmounts = false
}

/** The last fiber of a stopping body to come back waits for its slot. */
export const wantSlot = (model: Facts, { attempt, task: row, wait: id }: SlotWanted): void => {
  const task = presentTask(model, row, attempt)
  const rest = { ended: new Map(), starved: false, starvedAway: false, complete: false, behalf: undefined }
  const isAway = task !== undefined &&
    waitsInside(task).some(({ keepsSlot, mode }) => !keepsSlot && mode !== "never")
  const abandoned = task?.status !== "stopping" || task.holds || isAway
  const wait: Waiting = {
    id,
    mode: "slot",
    awaited: [],
    waiter: task,
    closing: false,
    keepsSlot: false,
    abandoned,
    ...rest
  }
  model.waits.set(id, wait)
  if (abandoned) return
  unwant(task)
  task.wanted = wait
}

export const unwant = (task: Task): void => {
  if (task.wanted !== undefined) task.wanted.abandoned = true
  task.wanted = undefined
}

/** The waits of a body that are not over. */
export const waitsInside = (task: Task): ReadonlyArray<Waiting> =>
  [...task.open].filter((wait) => !wait.abandoned && !isOver(wait))

/** Whether its waits are over, and it needs its slot to go on. */
export const comesBack = (task: Task): boolean => {
  if (task.wanted !== undefined) return true
  return task.status === "active" && !task.holds && !task.isAssigned &&
    waitsInside(task).every(({ keepsSlot }) => keepsSlot)
}

export const isOver = ({ awaited, ended, mode, next }: Waiting): boolean => {
  if (next !== undefined) {
    const { of: { changes, standees }, after } = next
    return changes > after || standees.length === 0 || standees.some(isOverFor)
  }
  const states = awaited.map((each) => ended.get(each) ?? stateOf(each))
  switch (mode) {
    case "all":
      return states.every((each) => each !== "open")
    case "firstCompleted":
      return states.length === 0 || states.some((each) => each !== "open")
    case "firstFailure":
      return states.some((each) => each === "bad") || states.every((each) => each !== "open")
    case "each":
    case "never":
    case "slot":
      return false
  }
}

/** Whether the end of one of `from` waits, however far, for the end of `task`. */
export const reaches = (model: Facts, from: ReadonlyArray<Task>, task: Task, without: Iterable<Task> = []): boolean => {
  const seen = new Set(without)
  const visit = (each: Task): boolean => {
    if (!isOpen(each) || seen.has(each)) return false
    if (each === task) return true
    seen.add(each)
    const next = each.alias !== undefined ?
      [each.alias] :
      each.status === "pending" ?
      model.unaware.get(each) ?? awaitedBy(each) :
      waitsInside(each).flatMap((wait) => openOf(wait))
    return next.some(visit)
  }
  return from.some(visit)
}
