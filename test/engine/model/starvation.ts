/** Waits that can never end, and cycles that a loss closed (N6). */
import type { Instruction, WaitEnded } from "../../../src/engine/protocol/Instruction.ts"
import { extrasOf } from "../../../src/engine/state/rare.ts"
import type { State } from "../../../src/engine/state/State.ts"
import { finish } from "./ends.ts"
import { hasEnded, isNamed, isSentAhead, leftOf, rowOf, stateOf } from "./facts.ts"
import type { Facts, Task, Waiting } from "./facts.ts"
import { follow } from "./follow.ts"
import { overdueNow } from "./order.ts"
import { maySuit } from "./placement.ts"
import { awaitedBy } from "./policies.ts"
import { idleTasks, needsOn } from "./slots.ts"
import { comesBack, isOver, reaches, waitsInside } from "./waits.ts"

/** One task of each cycle that a loss has closed ends: the engine says which. */
export const believeCycle = (model: Facts, task: Task, state: State): void => {
  if (task.status !== "pending" || task.alias !== undefined || task.forgotten) return
  // One that nobody else needs is forgotten in the same step, and so is, cancelled, what it alone needed of the cycle.
  const hasFailed = state.step.log!.some(({ serial, to }) => serial === task.serial && to === "failed")
  const isGone = hasFailed && rowOf(task, state) < 0 && reaches(model, task.deps, task)
  const reason = extrasOf(state, task.row)?.outcome?.reason
  if (!isGone && (reason?._tag !== "Starved" || !isNamed(reason.waits[0]?.[0], task))) return
  if (!reaches(model, awaitedBy(task), task)) return model.complain(`${task.name} is part of no cycle`)
  model.restarts.starved++
  finish(model, task, "failed", `Starved:${task.name}`)
  follow(model)
}

/** The waits that keep something and could never end, though everybody else did all they can. */
export const stuckWaits = (model: Facts): ReadonlyArray<Waiting> => {
  const keeping = [...model.waits.values()].filter(({ keepsSlot, mode, starvedAway, waiter }) =>
    waiter !== undefined && !starvedAway && mode !== "never" && mode !== "slot" &&
    (waiter.holds ? keepsSlot : waiter.holdsAmounts)
  )
  if (keeping.length === 0) return []
  const able = new Set<Task>()
  // What had ended once, and runs again, is not awaited any more.
  const canEnd = ({ awaited, ended }: Waiting): boolean =>
    awaited.some((each) => !ended.has(each) && stateOf(each) === "open" && able.has("claim" in each ? each.task : each))
  const idle = idleTasks(model)
  const hasPlace = (task: Task, worker: number): boolean => {
    const kept = needsOn(model, task, worker, idle).filter((need) => leftOf(need) < need.needed)
    return kept.length === 0 || kept.some(({ shares }) => shares.some(([each, share]) => share > 0 && able.has(each)))
  }
  const canStart = (task: Task): boolean =>
    model.workers.some((_, worker) => maySuit(model, task, worker) && hasPlace(task, worker))
  const canGetOn = (task: Task): boolean => {
    if (task.status === "pending") {
      if (task.alias !== undefined) return able.has(task.alias)
      const open = awaitedBy(task)
      return open.length > 0 ? open.some((dependency) => able.has(dependency)) : canStart(task)
    }
    if (isSentAhead(task)) return task.status === "stopping" || canStart(task)
    const inside = waitsInside(task)
    if (inside.some(canEnd)) return true
    return comesBack(task) ? hasPlace(task, task.worker) : inside.every(({ mode }) => mode === "never")
  }
  for (let before = -1; before < able.size;) {
    before = able.size
    for (const task of model.tasks) if (!hasEnded(task) && canGetOn(task)) able.add(task)
  }
  return keeping.filter((wait) => !wait.abandoned && !isOver(wait) && !canEnd(wait))
}

/**
 * Waits that keep amounts without a slot end when they are stuck, the newest first, down to one; those that must not end give
 * the amounts back. Those that keep a slot are told so at once, and judged then.
 */
export const believeStarved = (
  model: Facts,
  state: State,
  out: ReadonlyArray<Instruction>,
  downTo = -Infinity
): void => {
  for (let stuck = stuckWaits(model); stuck.length > 0; stuck = stuckWaits(model)) {
    const newest = stuck.reduce((a, b) => b.id > a.id ? b : a)
    const { id, waiter } = newest
    if (id < downTo || newest.keepsSlot) return
    if (newest.behalf !== undefined || waiter!.status !== "active") waiter!.holdsAmounts = false
    else {
      const isTold = out.some((each) => each._tag === "WaitEnded" && each.wait === id && each.starved !== undefined)
      if (!isTold && !state.starved.has(id)) return
      newest.starvedAway = true
      waiter!.open.delete(newest)
    }
    model.overdueNames = overdueNow(model)
  }
}

export const starvedOfSlots = (model: Facts, wait: Waiting, starved: NonNullable<WaitEnded["starved"]>): void => {
  const stuck = stuckWaits(model)
  const newest = Math.max(...stuck.map(({ id }) => id))
  if (!stuck.includes(wait)) model.complain(`wait ${wait.id} can end`)
  else if (wait.id !== newest) model.complain(`wait ${newest} is stuck and newer than ${wait.id}`)
  tellsOf(model, wait, starved)
  model.waits.delete(wait.id)
  wait.waiter!.open.delete(wait)
}

/** Whether those are there of whom the starvation of a wait tells. */
const tellsOf = (model: Facts, wait: Waiting, starved: NonNullable<WaitEnded["starved"]>): void => {
  // A key is free while the task that had it stops.
  const named = (name: string) => [...model.tasks].filter((task) => isNamed(name, task) && !hasEnded(task))
  if (!isNamed(starved[0]?.[0], wait.waiter)) model.complain(`the starvation of wait ${wait.id} begins elsewhere`)
  for (const [from, to, of] of starved) {
    const [waiting, awaited] = [named(from), named(to)]
    if (waiting.length === 0 || awaited.length === 0) model.complain(`${from} and ${to} have ended`)
    const keeps = ({ holds, holdsAmounts, holdsTags }: Task) =>
      of === "slot" ? holds : of === "resources" ? holdsAmounts : holdsTags
    if (of !== undefined && !awaited.some(keeps)) model.complain(`${to} keeps no ${of}`)
  }
}
