/**
 * A naive reference for the engine, written from docs/semantics.md: plain objects, no counters, everything found
 * again by search after each event. It does not choose what starts; it judges whether each choice was allowed, and it
 * knows how every task must end, what is held, who waits, and which waits are over.
 *
 * It judges alone: of the engine's functions it uses none, and of its tables the names of phases and one flag, to compare. Where
 * the laws leave a choice, it believes the engine within bounds that it checks:
 *
 * - The rows of tasks and workers: new ones are free, and no row is given twice (`register`, `rowOf`, `judgeRow`).
 * - What starts, and where: it must be allowed, and nothing may be left that could start (`judgeStart`, `walk`).
 * - Which members a group drops as losers: the group is met without them (`believeDropped`).
 * - Which of several refusals at once ends a task (`chosenOf`, `isOwnEnd`).
 * - Which task of a cycle that a loss closed ends as `Starved`: it is part of one (`believeCycle`).
 * - In which step a stuck wait that keeps amounts alone is told so (`believeStarved`).
 * - Which of the tasks a cancellation or a close may wait for it waits for, with all for which it must (`leavingFor`).
 * - The order in which bodies that go on wait for their slots (`walk`).
 * - Which copies are called off: of these nothing was left to copy (`isOnItsWay`).
 * - The worker that holds a value from outside, which is not lost (`Hold`, `placeOf`).
 * - Whether shares take turns since one was ready within a step alone (`queueUp`).
 * - How often a worker's place was taken by a fresh one (`judgeStartWorker`).
 * - What lies too far back to be made anew: some submission lies further from it than `limits.lineage` (`isBeyond`).
 */
import type { Event } from "../../../src/engine/protocol/Event.ts"
import type { Instruction } from "../../../src/engine/protocol/Instruction.ts"
import type { State } from "../../../src/engine/state/State.ts"
import { agree } from "./agreement.ts"
import { judgeLines } from "./ahead.ts"
import { finish } from "./ends.ts"
import { happen } from "./events.ts"
import { Facts, takesTasks } from "./facts.ts"
import type { Copying } from "./facts.ts"
import { believeDropped, follow } from "./follow.ts"
import { judgeOnce } from "./instructions.ts"
import { endLacks, lackWorkers, lookAgain } from "./lacks.ts"
import { extendWait, lookBefore, noteLeaving } from "./leaving.ts"
import { waitAnew } from "./loss.ts"
import { dropOvertaken, overdueNow, walk } from "./order.ts"
import { lackOf } from "./placement.ts"
import { verdictOf } from "./policies.ts"
import { compareCopies, compareLoads, isOnItsWay } from "./results.ts"
import { believeStarved } from "./starvation.ts"
import { queueUp, waitsInQueue } from "./turns.ts"
import { dismissIdle, watchPool } from "./workers.ts"

/** The model has workers in rows: replaces their numbers in an event or an instruction. A worker that is new is in the state. */
const withRows = <A extends Event | Instruction>(model: Facts, state: State, said: A): A => {
  const rowOf = (serial: number): number => {
    const row = model.workers.findIndex((worker) => worker.serial === serial)
    return row >= 0 || serial < 0 ? row : state.workers.findIndex((worker) => worker.serial === serial)
  }
  const isNumbered = (name: string): boolean =>
    ["worker", "holder", "replaces"].includes(name) || (said._tag === "Copy" && ["from", "to"].includes(name))
  const entries = Object.entries(said).map(([name, value]) => {
    if (typeof value === "number" && isNumbered(name)) return [name, rowOf(value)]
    return name === "holders" && value !== undefined ? [name, value.map(rowOf)] : [name, value]
  })
  return Object.fromEntries(entries) as A
}

export class Model extends Facts {
  /** What the engine did wrong with this event. */
  apply(state: State, given: Event, told: ReadonlyArray<Instruction>): ReadonlyArray<string> {
    const event = withRows(this, state, given)
    const out = told.map((instruction) => withRows(this, state, instruction))
    this.problems = []
    this.state = state
    this.before = lookBefore(this)
    this.cause = { must: [], may: [] }
    this.isSettling = false
    this.starting = out.filter((each) => each._tag === "StartWorker")
    this.clock++
    this.now = event.now
    happen(this, event, out, state)
    follow(this)
    this.crewMoved = false
    // Those in the place of workers that this event took away were there before these went.
    this.isEarly = true
    for (const [i, each] of out.entries()) {
      if (each._tag !== "StartWorker" || each.replaces < 0 || takesTasks(this.workers[each.replaces]!)) continue
      // One may take the row of another that has left in this step.
      const left = out.find((other, j) => j < i && other._tag === "WorkerLeft" && other.worker === each.worker)
      if (left !== undefined) judgeOnce(this, state, event, left, out)
      judgeOnce(this, state, event, each, out)
    }
    this.isEarly = false
    for (const task of this.late) {
      const lack = task.status === "pending" ? lackOf(this, task) : undefined
      if (lack !== undefined) finish(this, task, "failed", `${lack.why}:${task.name}`)
    }
    this.late.clear()
    endLacks(this)
    lackWorkers(this)
    if (believeDropped(this, true)) {
      follow(this)
      endLacks(this)
    }
    for (const [task, group] of this.toJudge) {
      if (task.status === "pending" && verdictOf(task, group) !== "run") this.complain(`${task.name} dropped too early`)
    }
    this.toJudge.clear()
    noteLeaving(this)
    for (const wait of this.waits.values()) extendWait(this, wait)
    waitAnew(this)
    // The engine calls off copies of what is gone, or to where nobody stays.
    const calledOff: Array<Copying> = []
    for (const [number, copying] of this.copying) {
      const present = state.copying.get(number)
      if (present !== undefined) copying.isMove = present.isMove
      else if (this.copying.delete(number)) calledOff.push(copying)
    }
    queueUp(this)
    // A worker that joined and left in this step was known between the two.
    dropOvertaken(this)
    this.overdueNames = overdueNow(this)
    for (const worker of this.workers) {
      const { attempts, phase } = state.workers[worker.row]!
      if ((phase === "draining" || phase === "gone") && attempts === 0) dismissIdle(this, worker)
    }
    for (const instruction of out) judgeOnce(this, state, event, instruction, out)
    this.judged.clear()
    lookAgain(this)
    for (const each of calledOff) {
      if (isOnItsWay(this, each)) this.complain(`M9: a copy of ${each.task.name} was called off`)
    }
    believeStarved(this, state, out)
    if (this.order === "ranks") {
      walk(this, state, (task) => {
        this.complain(`S6: ${task.name} could start or go on`)
      })
    }
    judgeLines(this, state)
    dropOvertaken(this)
    if (event._tag === "CopiesRequested") compareCopies(this, event)
    if (event._tag === "RebalanceRequested") compareLoads(this)
    if (![...this.tasks].some((task) => waitsInQueue(this, task))) this.turns = undefined
    watchPool(this)
    agree(this, state)
    for (const task of this.tasks) if (task.forgotten) this.tasks.delete(task)
    return this.problems
  }
}
