/**
 * Where results are held: most by one worker, some by several. A worker that leaves hands its results over first. Results that
 * own a resource stay in place.
 *
 * @since 0.1.0
 */
import type { CopiesRequested, RebalanceRequested, TaskCopied } from "../protocol/Event.ts"
import type { TaskId } from "../protocol/ids.ts"
import type { Out } from "../protocol/Instruction.ts"
import { Flag, Phase } from "../protocol/Phase.ts"
import { serialAt, workerWith } from "../state/lookups.ts"
import { allExtras, dropExtra, extrasFor, extrasOf } from "../state/rare.ts"
import type { State } from "../state/State.ts"
import { Use } from "../state/Use.ts"
import { use } from "../state/uses.ts"
import type { WorkerRecord } from "../state/WorkerRecord.ts"
import * as workers from "./workers.ts"

/** Handles {@link CopiesRequested}: asks open workers for copies, up to the requested number in all. */
export const request = (state: State, { copies, task, workers: names }: CopiesRequested, out: Out): void => {
  if (!isMovable(state, task)) {
    out.push({ _tag: "Rejected", event: "CopiesRequested", reason: { _tag: "Gone", what: "task" } })
    return
  }
  const counts = countResults(state)
  for (let missing = copies - holdersOf(state, task).size; missing > 0; missing--) {
    const holders = holdersOf(state, task)
    const isMeant = ({ index, name }: WorkerRecord) => !holders.has(index) && (names?.includes(name) ?? true)
    const to = emptiest(state, counts, isMeant)
    if (to === undefined) return
    counts[to.index]!++
    copy(state, task, to.index, "copy")
  }
}

/** Handles {@link RebalanceRequested}: moves results from workers that hold many to workers that hold few. */
export const rebalance = (state: State, _: RebalanceRequested): void => {
  const counts = countResults(state)
  for (let task = 0; task < state.tasks.used; task++) {
    const from = state.tasks.worker[task]!
    if (!isMovable(state, task) || holdersOf(state, task).size > 1 || state.workers[from]!.phase !== "open") continue
    const to = emptiest(state, counts, () => true)
    if (to === undefined || counts[from]! - counts[to.index]! < 2) continue
    counts[from]!--
    counts[to.index]!++
    copy(state, task, to.index, "move")
  }
}

/** Handles {@link TaskCopied}. A copy of a result that is gone changes nothing. */
export const copied = (state: State, { copy }: TaskCopied, out: Out): void => {
  const copying = state.copying.get(copy)
  if (copying === undefined) return
  state.copying.delete(copy)
  const { isMove, task, to } = copying
  if (!isMove) return add(state, task, to)
  const from = state.tasks.worker[task]!
  passOn(state, task, to)
  discard(state, task, from, out)
  redirect(state, task)
}

/** Has the worker in a row drop a result. */
const discard = (state: State, task: TaskId, row: number, out: Out): void =>
  out.push({ _tag: "Discard", task, worker: serialAt(state, row) })

/** Makes a worker the first holder of a result. */
const passOn = (state: State, task: TaskId, to: number): void => {
  const { attempt, worker } = state.tasks
  // A value from outside has no attempt.
  if (attempt[task] !== 0 && extrasOf(state, task)?.maker === undefined) {
    extrasFor(state, task).maker = state.workers[worker[task]!]!.name
  }
  worker[task] = to
  workers.noteMoved(state)
}

/** Redirects the pending copies of a result to its first holder, which has changed. */
const redirect = (state: State, task: TaskId): void => {
  for (const [number, copying] of Array.from(state.copying)) {
    if (copying.task !== task || copying.from === state.tasks.worker[task]) continue
    state.copying.delete(number)
    const isOpen = state.workers[copying.to]!.phase === "open"
    if (isOpen && !copying.isMove && !holdersOf(state, task).has(copying.to)) copy(state, task, copying.to, "copy")
  }
}

/** Whether a task has a result that may be held elsewhere. */
const isMovable = ({ tasks: { flags, phase, worker } }: State, task: TaskId): boolean =>
  phase[task] === Phase.succeeded && worker[task]! >= 0 && (flags[task]! & (Flag.resource | Flag.retains)) === 0

/** The workers that hold a result, or soon will. */
export const holdersOf = (state: State, task: TaskId): ReadonlySet<number> => {
  const holders = new Set([state.tasks.worker[task]!, ...(extrasOf(state, task)?.copies ?? [])])
  for (const copying of state.copying.values()) if (copying.task === task) holders.add(copying.to)
  return holders
}

/** How many results each worker holds, or soon will. */
const countResults = (state: State): Array<number> => {
  const counts = state.workers.map(() => 0)
  const { phase, used, worker } = state.tasks
  for (let task = 0; task < used; task++) {
    if (phase[task] === Phase.succeeded && worker[task]! >= 0) counts[worker[task]!]!++
  }
  for (const others of allExtras(state, "copies").values()) for (const index of others) counts[index]!++
  for (const { from, isMove, to } of state.copying.values()) {
    counts[to]!++
    if (isMove) counts[from]!--
  }
  return counts
}

/** The open worker with the fewest results; the first of equals. */
const emptiest = (
  { workers }: State,
  counts: ReadonlyArray<number>,
  isMeant: (worker: WorkerRecord) => boolean
): WorkerRecord | undefined => {
  let best: WorkerRecord | undefined
  for (const worker of workers) {
    if (worker.phase !== "open" || !isMeant(worker)) continue
    if (best === undefined || counts[worker.index]! < counts[best.index]!) best = worker
  }
  return best
}

const copy = (state: State, task: TaskId, to: number, how: "copy" | "move"): void => {
  const number = state.next.copy++
  state.copying.set(number, { task, from: state.tasks.worker[task]!, to, isMove: how === "move" })
  extrasFor(state, task).isCopied = true
  state.step.copies.push(number)
  use(state, Use.step)
}

/** Asks for the copies of this step, but not for those that it has called off: a result may lose several holders at once. */
export const tell = (state: State, out: Out): void => {
  for (const number of state.step.copies.splice(0)) {
    const copying = state.copying.get(number)
    if (copying === undefined) continue
    const { from, task, to } = copying
    out.push({ _tag: "Copy", copy: number, task, from: serialAt(state, from), to: serialAt(state, to) })
  }
}

const add = (state: State, task: TaskId, worker: number): void => {
  const others = extrasOf(state, task)?.copies
  if (others === undefined) extrasFor(state, task).copies = new Set([worker])
  else others.add(worker)
}

const remove = (state: State, task: TaskId, worker: number): void => {
  const others = extrasOf(state, task)?.copies
  if (others?.delete(worker) === true && others.size === 0) dropExtra(state, task, "copies")
}

/** Drops the copies of a released result, pending ones included. The first holder hears of it by `Forget`. */
export const dropCopies = (state: State, task: TaskId, out: Out): void => {
  for (const row of extrasOf(state, task)?.copies ?? []) discard(state, task, row, out)
  dropExtra(state, task, "copies")
  dropExtra(state, task, "maker")
  if (extrasOf(state, task)?.isCopied !== true) return
  for (const [number, copying] of state.copying) if (copying.task === task) state.copying.delete(number)
}

/** Results of a lost worker that other workers hold too are not lost. */
export const workerLost = (state: State, index: number): void => {
  for (const [number, { to }] of state.copying) if (to === index) state.copying.delete(number)
  for (const task of Array.from(allExtras(state, "copies").keys())) {
    remove(state, task, index)
    if (state.tasks.worker[task] === index && promote(state, task)) redirect(state, task)
  }
  for (const [number, { from }] of state.copying) if (from === index) state.copying.delete(number)
}

/**
 * Takes a result from a worker that should have it and does not. Says whether no other worker has it: then it is lost. Changes
 * nothing if the worker is not a holder.
 */
export const strike = (state: State, task: TaskId, serial: number, out: Out): boolean => {
  const worker = workerWith(state, serial)
  if (worker === undefined || worker.phase === "lost") return false
  const holder = worker.index
  const isFirst = state.tasks.worker[task] === holder
  const others = extrasOf(state, task)?.copies
  if (isFirst && others === undefined) return true
  if (!isFirst && others?.has(holder) !== true) return false
  if (isFirst) promote(state, task)
  else remove(state, task, holder)
  discard(state, task, holder, out)
  redirect(state, task)
  return false
}

/** Makes another holder of a result the first. Returns whether there was one. */
const promote = (state: State, task: TaskId): boolean => {
  const others = [...(extrasOf(state, task)?.copies ?? [])]
  const next = others.find((worker) => state.workers[worker]!.phase === "open") ?? others[0]
  if (next === undefined) return false
  remove(state, task, next)
  passOn(state, task, next)
  return true
}

/** Lets draining workers without attempts leave, once open workers hold their results. */
export const handOver = (state: State, out: Out): void => {
  const idle = (): WorkerRecord | undefined =>
    state.workers.find(({ attempts, index, phase }) =>
      phase === "draining" && attempts === 0 && !isHandingOver(state, index)
    )
  // A leaving worker takes no copies any more; they go to another worker.
  for (let worker = idle(); worker !== undefined; worker = idle()) {
    moveAll(state, worker.index, out)
    if (isHandingOver(state, worker.index)) continue
    workers.moveTo(state, worker, "gone")
    out.push({ _tag: "WorkerLeft", worker: worker.serial })
  }
}

const isHandingOver = ({ copying }: State, worker: number): boolean => {
  for (const { from, isMove } of copying.values()) if (isMove && from === worker) return true
  return false
}

const moveAll = (state: State, from: number, out: Out): void => {
  for (const [number, { to }] of state.copying) if (to === from) state.copying.delete(number)
  for (const [task, others] of Array.from(allExtras(state, "copies"))) {
    const isFirst = state.tasks.worker[task] === from
    if (!isFirst && !others.has(from)) continue
    if (isFirst) promote(state, task)
    else remove(state, task, from)
    discard(state, task, from, out)
    redirect(state, task)
  }
  const counts = countResults(state)
  for (let task = 0; task < state.tasks.used; task++) {
    if (state.tasks.worker[task] !== from || !isMovable(state, task) || turnIntoMove(state, task)) continue
    const to = emptiest(state, counts, () => true)
    if (to === undefined) return
    counts[to.index]!++
    copy(state, task, to.index, "move")
  }
}

/** Whether a copy is pending to a worker that stays, which then suffices. */
const turnIntoMove = (state: State, task: TaskId): boolean => {
  for (const [number, copying] of state.copying) {
    if (copying.task !== task || state.workers[copying.to]!.phase !== "open") continue
    state.copying.set(number, { ...copying, isMove: true })
    return true
  }
  return false
}
