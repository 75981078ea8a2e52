/** Workers that come, go and are replaced; the pool (W7, W13, W14, W18). */
import type { Terms } from "../../../src/engine/protocol/Event.ts"
import { rowOf } from "../../../src/engine/protocol/home.ts"
import type { StartWorker } from "../../../src/engine/protocol/Instruction.ts"
import type { State } from "../../../src/engine/state/State.ts"
import { isDelayed } from "./delays.ts"
import { hasTaker, inAttempt, isSentAhead, leftOf, mayRun, takesTasks } from "./facts.ts"
import type { Facts, Task, Worker } from "./facts.ts"
import { accepts, followedWorkers, isBound, meets } from "./placement.ts"
import { isReady } from "./policies.ts"
import { tagsFor } from "./slots.ts"
import { isBraked } from "./turns.ts"

export const makeWorker = (
  model: Facts,
  row: number,
  name: string,
  slots: number,
  terms: Terms,
  isPooled = false,
  restarts: ReadonlyArray<number> = []
): Worker => {
  const times = { since: model.now, heardAt: model.now, started: 0, idleSince: undefined, full: 0 }
  return {
    serial: model.crew++,
    row,
    name,
    kind: "local",
    labels: [],
    slots,
    amounts: {},
    mark: Infinity,
    ahead: 0,
    handsOver: false,
    terms,
    isPooled,
    restarts,
    phase: "open",
    ...times
  }
}

/** S11: a row is new, or that of a worker of which nothing is left. */
export const enterWorker = (model: Facts, worker: Worker): void => {
  judgeRow(model, worker)
  model.workers[worker.row] = worker
}

const judgeRow = (model: Facts, worker: Worker): void => {
  const former = model.workers[worker.row]
  const isUsed = former === undefined
    ? worker.row !== model.workers.length
    : (former.phase !== "gone" && former.phase !== "lost") ||
      [...model.tasks].some((task) => !task.forgotten && rowOf(task.worker) === worker.row)
  if (isUsed) model.complain(`S11: the row ${worker.row} is not free`)
}

/** One-for-one, at most so often within a window, and not for one that died at once. */
const isRestarted = (model: Facts, { isPooled, restarts, since, terms: { restart } }: Worker): boolean => {
  if (restart === undefined || isPooled || model.now - since < restart.minRunMillis) return false
  return restarts.filter((at) => model.now - at < restart.withinMillis).length < restart.times
}

/** One that was ended here is replaced whatever was before, unless none ever is. */
export const markLost = (model: Facts, worker: Worker, isEnded: boolean): void => {
  if (takesTasks(worker)) {
    const isFree = isEnded && !worker.isPooled && (worker.terms.restart?.times ?? 0) > 0
    if (isFree || isRestarted(model, worker)) model.replaced.add(worker.row)
    if (worker.isPooled && !isEnded) model.poolLosses.push(model.now)
  }
  worker.phase = "lost"
}

/** The size that the pool has must be one that it may have. */
export const watchPool = (model: Facts): void => {
  for (const task of model.tasks) if (hasTaker(model, task)) task.lacksSince = undefined
  for (const worker of model.workers) {
    const isBusy = worker.phase !== "open" ||
      [...model.tasks].some((task) => inAttempt(task) && task.worker === worker.row)
    worker.idleSince = isBusy ? undefined : worker.idleSince ?? model.now
  }
  const pool = model.pool
  if (pool === undefined) return
  const members = poolMembers(model)
  if (members.length > pool.max) model.complain(`W18: ${members.length} workers of ${pool.max}`)
  if (isOneWanted(model)) model.complain(`W18: ${members.length} workers are too few`)
  const isIdle = members.some(({ idleSince }) => idleSince !== undefined && model.now - idleSince >= pool.idleMillis)
  if (isIdle && members.length > pool.min && !isShort(model)) {
    model.complain(`W18: ${members.length} workers are too many`)
  }
}

/** The pool dismisses an idle worker. No instruction says so until the worker has handed its results over and left. */
export const dismissIdle = (model: Facts, worker: Worker): void => {
  const idle = model.now - (worker.idleSince ?? model.now)
  if (!worker.isPooled || worker.phase !== "open" || idle < model.pool!.idleMillis) return
  worker.phase = "draining"
  model.crewMoved = true
}

/** Whether the pool must start a worker. */
export const isOneWanted = (model: Facts): boolean => {
  if (model.pool === undefined || !mayGrow(model)) return false
  const { max, min } = model.pool
  const members = poolMembers(model)
  if (members.length < min) return true
  return members.length < max && !members.some(({ phase }) => phase === "starting") && isShort(model)
}

const poolMembers = (model: Facts): ReadonlyArray<Worker> =>
  model.workers.filter((worker) => worker.isPooled && takesTasks(worker))

const mayGrow = (model: Facts): boolean => {
  const rule = model.pool?.terms?.restart
  if (rule === undefined) return true
  return model.poolLosses.filter((at) => model.now - at < rule.withinMillis).length <= rule.times
}

const isShort = (model: Facts): boolean => {
  const all = [...model.tasks]
  const wouldStart = (task: Task) => {
    if (isBraked(model, task) || isDelayed(model, task)) return false
    const { demand } = task.settings
    if (isBound(demand) || followedWorkers(model, task) !== undefined) return false
    if (
      demand?.allowOthers === true && model.workers.some((each) => accepts(model, task, each) && meets(each, demand))
    ) {
      return false
    }
    const { tags } = demand ?? {}
    return tags === undefined || tagsFor(model, task, all).every((tag) => leftOf(tag) >= tag.needed)
  }
  const isFree = ({ phase, row, slots }: Worker) =>
    phase === "open" && all.filter((task) => task.holds && task.worker === row).length < slots
  const isWaiting = (task: Task) => (!task.forgotten && isReady(task) && wouldStart(task)) || isSentAhead(task)
  const { kind = "local" } = model.pool!
  const wouldHelp = (task: Task) =>
    mayRun(task, { kind }) && !model.workers.some((worker) => mayRun(task, worker) && isFree(worker))
  return all.some((task) => isWaiting(task) && wouldHelp(task))
}

export const judgeStartWorker = (model: Facts, { name, replaces, worker: row }: StartWorker, state: State): void => {
  const { slots, terms = {} } = model.workers[replaces] ?? model.pool!
  const { ahead = 0, handsOver = false, kind = "local" } = model.workers[replaces] ?? model.pool!
  const { amounts = {}, isPooled = true, labels = [], mark = Infinity } = model.workers[replaces] ?? {}
  const record = state.workers[row]!
  if (record.kind !== kind) model.complain(`W20: worker ${row} is of the kind of another`)
  if (record.slots !== slots) model.complain(`worker ${row} has the slots of another`)
  const worker = makeWorker(model, row, name, slots, terms, isPooled, record.restarts)
  const starting: Worker = { ...worker, kind, labels, mark, ahead, handsOver, amounts, phase: "starting" }
  // Early, what makes its row free may not be forgotten yet.
  if (!model.isEarly) judgeRow(model, starting)
  const isWanted = replaces >= 0 || poolMembers(model).length < model.pool!.min || isShort(model)
  model.workers[row] = starting
  model.crewMoved = true
  if (replaces >= 0) {
    if (!model.replaced.delete(replaces)) model.complain(`worker ${replaces} is not replaced`)
    return
  }
  if (!mayGrow(model) || !isWanted) model.complain(`W18: worker ${row} is one too many`)
}
