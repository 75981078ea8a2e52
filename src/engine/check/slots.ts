/**
 * Checks of what attempts hold: slots, amounts and tags (S4, S5), and that no task waits for a free slot (S6).
 *
 * @since 0.1.0
 */
import { isHeldBack, pausedGroupOf } from "../dispatch/delays.ts"
import { suits, wantedOf } from "../dispatch/placement.ts"
import { hasRoom } from "../dispatch/room.ts"
import type { TaskId } from "../protocol/ids.ts"
import { Flag, Phase } from "../protocol/Phase.ts"
import { kindOf, phaseOf, settingsOf } from "../state/lookups.ts"
import type { State } from "../state/State.ts"
import { unitsOf } from "../state/WorkerRecord.ts"
import type { WorkerRecord } from "../state/WorkerRecord.ts"
import { has, heapsOf, isLive, isSource } from "./facts.ts"
import type { Rule } from "./facts.ts"

/** S4: slots and attempts are counted correctly, and slots are never exceeded. */
export const slots: Rule = function*(state, { live, name: named }) {
  const { fairness, tasks } = state
  const holders = state.workers.map(() => 0)
  const attempts = state.workers.map(() => 0)
  for (const task of live) {
    const phase = phaseOf(state, task)
    const holds = has(state, task, Flag.holdsSlot)
    const worker = tasks.worker[task]!
    if (phase >= Phase.assigned && phase <= Phase.stopping) attempts[worker]!++
    if (holds) holders[worker]!++
    const isFixed = phase !== Phase.stopping && phase !== Phase.assigned
    if (isFixed && (phase === Phase.running) !== holds) {
      yield `S4: ${named(task)} ${holds ? "holds a" : "has no"} slot`
    }
    const isAhead = state.workers[worker]?.sent.has(task) === true
    if (
      isAhead
        ? holds || (phase !== Phase.assigned && phase !== Phase.stopping)
        : phase === Phase.assigned && !holds
    ) {
      yield `S4: ${named(task)} was ${isAhead ? "" : "not "}sent ahead`
    }
    if (phase === Phase.assigned && state.workers[worker]!.ahead === 0) yield `S4: ${named(task)} has not begun`
    const counts = fairness.sourceSaturation < 1 && holds && isSource(state, task)
    if (state.balance.sources.has(task) !== counts) {
      yield `S4: ${named(task)} is ${counts ? "not " : ""}counted as a source`
    }
  }
  const draining = state.workers.filter(({ phase }) => phase === "draining").length
  if (draining !== state.crew.draining) yield `S4: ${state.crew.draining} of ${draining} draining workers are counted`
  for (const worker of state.workers) {
    const { ahead, index, name, phase, running, sent, slots } = worker
    if (running !== holders[index]) yield `S4: ${running} of ${holders[index]} slots on ${name} are counted`
    if (worker.attempts !== attempts[index]) {
      yield `S4: ${worker.attempts} of ${attempts[index]} attempts on ${name} are counted`
    }
    const line = sent.values().reduce((sum, micros) => sum + micros, 0)
    if (line !== worker.line) yield `S4: the line of ${name} is ${worker.line} and not ${line}`
    for (const kind of ["local", "portable", "remote"] as const) {
      const count = sent.keys().filter((task) => kindOf(state, task) === kind).length
      if (count !== worker.sentOf[kind]) {
        yield `S4: ${worker.sentOf[kind]} of ${count} ${kind} tasks sent to ${name} are counted`
      }
    }
    for (const task of worker.askedBack) if (!sent.has(task)) yield `S4: ${named(task)} was asked back`
    if (sent.size > ahead) yield `S4: ${sent.size} attempts were sent to ${name} ahead, not ${ahead}`
    if (sent.size > 0 && running < slots) yield `S6: a slot is free on ${name} and an attempt was sent ahead`
    if (running > slots) yield `S4: ${running} attempts on ${name} hold ${slots} slots`
    const isBusy = worker.attempts > 0 ||
      [...state.copying.values()].some(({ from, isMove }) => isMove && from === index)
    if (phase !== "open" && isBusy !== (phase === "draining")) {
      yield `S4: ${name} is ${phase} with ${worker.attempts} attempts`
    }
  }
}

/** S6: tasks that wait for a slot are registered, and no slot is idle while a task could use it. */
export const idleSlots: Rule = function*(state, { live, members, name }) {
  for (const task of live) {
    const isQueued = state.workers[state.tasks.worker[task]!]?.rejoining.has(task) === true
    if (phaseOf(state, task) === Phase.rejoining && !isQueued) yield `S6: ${name(task)} does not wait for its slot`
  }
  const firsts = heapsOf(state).flatMap(([lane]) => lane === undefined ? [] : members.get(lane)!.slice(0, 1))
  const isBraked = brakesOf(state, live)
  for (const worker of state.workers) {
    const where = `on ${worker.name}`
    for (const task of worker.rejoining.keys()) {
      const isThere = isLive(state, task) && state.tasks.worker[task] === worker.index
      const phase = phaseOf(state, task)
      const lacksSlot = phase === Phase.rejoining || (phase === Phase.stopping && !has(state, task, Flag.holdsSlot))
      if (!isThere || !lacksSlot) yield `S6: ${name(task)} waits for a slot ${where}`
      else if (worker.running < worker.slots && asksForNothing(state, task)) {
        yield `S6: a slot is free ${where} and ${name(task)} waits for one`
      }
    }
    for (const first of hasRoom(state, worker) ? firsts : []) {
      if (isHeldBack(state, { group: pausedGroupOf(state, first), tags: [] })) continue
      const mayStart = asksForNothing(state, first) && suits(state, worker, wantedOf(state, first))
      if (mayStart && !isBraked(worker, first)) yield `S6: a slot is free ${where} and ${name(first)} is ready`
    }
  }
}

/** Whether a task needs a slot alone. The model of the simulation tests what else may be withheld. */
const asksForNothing = (state: State, task: TaskId): boolean => {
  const { amounts, tags } = settingsOf(state, task)?.demand ?? {}
  return amounts === undefined && tags === undefined
}

/**
 * Whether a brake of the layer holds a task back from a worker. An attempt is at work if it holds a slot and does not wait for
 * tasks.
 */
const brakesOf = (state: State, live: ReadonlyArray<TaskId>) => {
  const { balance: { heldSize }, fairness: { budget, sourceSaturation } } = state
  const atWork = live.filter((task) => has(state, task, Flag.holdsSlot) && !state.keeping.has(task))
  return (worker: WorkerRecord, task: TaskId): boolean => {
    if (budget !== undefined && atWork.length > 0) {
      if (heldSize > budget.pause || (heldSize > budget.target && isSource(state, task))) return true
    }
    if (sourceSaturation >= 1 || !isSource(state, task)) return false
    const there = atWork.filter((other) => isSource(state, other) && state.tasks.worker[other] === worker.index)
    return there.length >= Math.max(1, Math.ceil(sourceSaturation * worker.slots))
  }
}

/** S4, S5: amounts and tags are held by attempts that hold a slot, or keep them, and are counted correctly. */
export const amounts: Rule = function*(state, { live, name }) {
  const used = state.workers.map(() => new Map<string, number>())
  const tagged = new Map<string, number>()
  for (const task of live) {
    const demand = settingsOf(state, task)?.demand
    const held = state.holding.get(task)
    const holds = has(state, task, Flag.holdsSlot)
    if (holds && !asksForNothing(state, task) && held !== demand) {
      yield `S4: ${name(task)} does not hold what it asks for`
    }
    if (held === undefined) continue
    const phase = phaseOf(state, task)
    const keeps = !holds && demand?.keepsAmounts === true && phase >= Phase.seceded && phase <= Phase.stopping
    if (!holds && !keeps) yield `S5: ${name(task)} holds amounts or tags`
    if (keeps !== state.keepingAmounts.has(task)) yield `S5: ${name(task)} does not keep amounts rightly`
    if (keeps && (held.tags !== undefined || held.amounts !== demand.amounts)) {
      yield `S5: ${name(task)} keeps the wrong things`
    }
    const counts = used[state.tasks.worker[task]!]!
    for (const [what, amount] of Object.entries(held.amounts ?? {})) {
      counts.set(what, (counts.get(what) ?? 0) + unitsOf(amount))
    }
    for (const tag of held.tags ?? []) tagged.set(tag, (tagged.get(tag) ?? 0) + 1)
  }
  for (const worker of state.workers) {
    const counts = used[worker.index]!
    for (const [what, { total, used }] of worker.amounts ?? []) {
      if (used !== (counts.get(what) ?? 0)) {
        yield `S4: ${used} of ${counts.get(what)} ${what} are counted on ${worker.name}`
      }
      if (used > total || used < 0) yield `S4: ${used} of ${total} ${what} are held on ${worker.name}`
      counts.delete(what)
    }
    for (const what of counts.keys()) yield `S4: ${worker.name} has no ${what}`
  }
  for (const { name, tag } of state.owners.values()) {
    if (tag === undefined) continue
    const amount = state.tags.get(tag)
    if (amount === undefined) yield `S4: the tag ${tag} of ${name} is not limited`
    else if (amount.used > amount.total) yield `S4: ${amount.used} of ${amount.total} hold the tag ${tag} of ${name}`
  }
  for (const [tag, { used }] of state.tags) {
    if (used !== (tagged.get(tag) ?? 0)) yield `S4: ${used} of ${tagged.get(tag)} holders of the tag ${tag} are counted`
  }
}
