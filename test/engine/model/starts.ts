/** Whether a task may start, or go on with its slot (S6, W1, W2). */
import type { Begin, Instruction, Start, WaitEnded } from "../../../src/engine/protocol/Instruction.ts"
import type { State } from "../../../src/engine/state/State.ts"
import { beginBody, judgeAhead, sentTo } from "./ahead.ts"
import { countStart, judgeDelay } from "./delays.ts"
import { hasEnded, holderOf, isNamed, leftOf } from "./facts.ts"
import type { Facts, Task } from "./facts.ts"
import { lookAgain } from "./lacks.ts"
import { noteStart, queueOf, turnOf } from "./order.ts"
import { suits } from "./placement.ts"
import { awaitedBy, isReady } from "./policies.ts"
import { needsOn } from "./slots.ts"
import { believeStarved, starvedOfSlots } from "./starvation.ts"
import { judgeBrakes, judgeOrder, takeTurn } from "./turns.ts"
import { isOver } from "./waits.ts"

export const judgeStart = (model: Facts, start: Start, state: State, out: ReadonlyArray<Instruction>): void => {
  const { attempt, holders, inputs, number, task: row, worker } = start
  const task = model.byRow.get(row)
  if (task !== undefined && !isReady(task)) lookAgain(model)
  if (task === undefined || task.status !== "pending" || task.alias !== undefined || task.retrying) {
    return model.complain(`${task?.name ?? row} may not start`)
  }
  if (awaitedBy(task).length > 0) model.complain(`${task.name} starts before ${awaitedBy(task)[0]!.name} ended`)
  for (const [i, dependency] of task.deps.entries()) {
    if (task.dropped.has(i)) {
      if (inputs[i] !== -1) model.complain(`${task.name} gets an input that it dropped`)
      continue
    }
    if (task.settings.policies === undefined && !hasEnded(dependency)) {
      model.complain(`${task.name} starts before ${dependency.name} ended`)
    }
    if (dependency.forgotten) model.complain(`${task.name} starts without the result of ${dependency.name}`)
    if (dependency.row !== inputs[i]) model.complain(`${task.name} gets the wrong inputs`)
    const holder = holders === undefined ? worker : holders[i]
    if (dependency.status === "succeeded" && holderOf(dependency) !== holder) {
      model.complain(`${dependency.name} is not at ${holder}`)
    }
  }
  if (task.deps.length !== inputs.length) model.complain(`${task.name} gets too many inputs`)
  const isAhead = start.ahead === true
  if (isAhead) judgeAhead(model, state, task, worker)
  else if (model.order === "ranks") judgeRank(model, state, task, worker, out)
  if (!suits(model, task, worker)) model.complain(`W6: ${task.name} starts on worker ${worker}`)
  judgeBrakes(model, task, worker)
  judgeDelay(model, task)
  if (model.order === "turns" && !isAhead) judgeOrder(model, task)
  takeTurn(model, task)
  if (model.attempts.has(attempt)) model.complain(`attempt ${attempt} is started twice`)
  model.attempts.add(attempt)
  const name = queueOf(model, task)
  model.overdueNames = model.overdueNames.filter((other) => other !== name)
  task.status = "active"
  task.begun = true
  model.starts.set(task.serial, (model.starts.get(task.serial) ?? 0) + 1)
  task.starts++
  task.rank = task.place
  task.attempt = attempt
  task.worker = worker
  if (number !== task.starts) model.complain(`${task.name} starts for the ${number}. time`)
  if (model.workers[worker]?.phase !== "open") model.complain(`${task.name} starts on a worker that takes nothing`)
  task.isAssigned = true
  if (model.workers[worker]!.ahead === 0) beginBody(model, task)
  if (!isAhead) occupy(model, task, state, out)
  noteStart(model, task)
  countStart(model, task)
  const runner = model.workers[worker]!
  if (++runner.started !== runner.terms.maxTasks) return
  runner.phase = "draining"
  model.crewMoved = true
  model.replaced.add(worker)
}

const judgeRank = (model: Facts, state: State, task: Task, worker: number, out: ReadonlyArray<Instruction>): void => {
  // A wait that gave something back, and let it start, says nothing of that.
  let wrong = turnOf(model, state, task, worker)
  if (wrong !== undefined) {
    believeStarved(model, state, out)
    wrong = turnOf(model, state, task, worker)
  }
  if (wrong !== undefined) model.complain(wrong)
}

/** An attempt takes a slot, and what else its task asks for. */
export const occupy = (model: Facts, task: Task, state: State, out: ReadonlyArray<Instruction>): void => {
  const lacks = () => needsOn(model, task, task.worker, [...model.tasks]).filter((need) => leftOf(need) < need.needed)
  // A wait that gave something back for it says nothing of that.
  if (lacks().length > 0) believeStarved(model, state, out)
  for (const { what } of lacks()) model.complain(`W1, W5, W17: ${task.name} lacks ${what}`)
  task.holds = true
  task.holdsAmounts = task.settings.demand?.amounts !== undefined
  task.holdsTags = task.settings.demand?.tags !== undefined
}

export const judgeBegin = (
  model: Facts,
  { attempt, task: row, worker }: Begin,
  state: State,
  out: ReadonlyArray<Instruction>
): void => {
  const task = model.byRow.get(row)
  if (task === undefined || task !== sentTo(model, worker)[0] || task.attempt !== attempt) {
    return model.complain(`W19: it is not the turn of ${task?.name} to begin`)
  }
  occupy(model, task, state, out)
}

export const judgeWaitEnded = (
  model: Facts,
  { starved, wait: id }: WaitEnded,
  state: State,
  out: ReadonlyArray<Instruction>
): void => {
  const wait = model.waits.get(id)
  if (wait?.mode === "slot") {
    model.waits.delete(id)
    if (wait.abandoned) return
    wait.waiter!.wanted = undefined
    return occupy(model, wait.waiter!, state, out)
  }
  if (wait !== undefined && starved === undefined && !wait.abandoned && !isOver(wait)) lookAgain(model)
  if (wait === undefined) return model.complain(`wait ${id} ends twice`)
  if (starved !== undefined && !wait.starved) {
    if (!wait.starvedAway) believeStarved(model, state, out, id)
    if (wait.keepsSlot) return starvedOfSlots(model, wait, starved)
    if (!wait.starvedAway) model.complain(`wait ${id} can end`)
    // By now others may have ended.
    if (!isNamed(starved[0]?.[0], wait.waiter)) model.complain(`the starvation of wait ${id} begins elsewhere`)
    model.waits.delete(id)
    return resume(model, wait.waiter!, state, out)
  }
  model.waits.delete(id)
  if ((starved !== undefined) !== wait.starved) {
    return model.complain(`wait ${id} is ${starved === undefined ? "not " : ""}starved`)
  }
  if (starved !== undefined) {
    starved.forEach(([, awaited], i) => {
      if (awaited !== starved[(i + 1) % starved.length]![0]) model.complain(`the cycle of wait ${id} is none`)
    })
    if (!isNamed(starved[0]?.[0], wait.waiter)) model.complain(`the cycle of wait ${id} begins elsewhere`)
    return
  }
  if (!wait.abandoned && !isOver(wait)) model.complain(`wait ${id} ends too early`)
  const task = wait.waiter
  if (task === undefined || !task.open.delete(wait) || wait.keepsSlot) return
  resume(model, task, state, out)
}

/** The last wait of a body that gave its slot away is over. */
const resume = (model: Facts, task: Task, state: State, out: ReadonlyArray<Instruction>): void => {
  if (task.status !== "active" || ![...task.open].every(({ keepsSlot }) => keepsSlot)) return
  occupy(model, task, state, out)
}
