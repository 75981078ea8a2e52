/**
 * Attempts that are sent to a worker beyond its slots, so that it need not ask before it goes on. They stay `assigned`, in order.
 * A slot that is free passes to the oldest of them before a rejoiner or a ready task takes it, since the worker may have begun it
 * already. Those that have no slot can be taken back, for another worker that has one free, or because they are paused.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import type { Out } from "../protocol/Instruction.ts"
import { Phase } from "../protocol/Phase.ts"
import type { TaskKind, WorkerKind } from "../protocol/Plan.ts"
import { kindOf } from "../state/lookups.ts"
import type { State } from "../state/State.ts"
import { Use } from "../state/Use.ts"
import { isUsed } from "../state/uses.ts"
import type { WorkerRecord } from "../state/WorkerRecord.ts"
import * as brakes from "./brakes.ts"
import { isHeldBack, isPaused, pausedGroupOf } from "./delays.ts"
import { holdsSlot } from "./keepers.ts"
import type { Kinds } from "./lanes.ts"
import * as pacing from "./pacing.ts"
import { siteOf, unfailed } from "./placement.ts"
import * as ready from "./ready.ts"
import { isFree } from "./room.ts"
import * as shares from "./shares.ts"
import * as slots from "./slots.ts"

/** Whether remote workers may run nothing that is ready, and nothing is sent ahead. */
export const isAllHere = (state: State): boolean => {
  const { isDivided, portableLanes, remoteLanes, step: { lone }, workers } = state
  if (portableLanes.length + remoteLanes.length > 0) return false
  if (isDivided && lone >= 0 && kindOf(state, lone) !== "local") return false
  for (let i = 0; i < workers.length; i++) {
    const { ahead, kind, phase, sent } = workers[i]!
    // One that has just come divides the lanes.
    if (sent.size > 0 || (kind === "local" ? ahead > 0 : !isDivided && phase === "open")) return false
  }
  return true
}

/** Gives free slots to attempts that were sent ahead, rejoiners and ready tasks; then sends attempts ahead. */
export const dispatch = (state: State, out: Out): void => {
  if (isUsed(state, Use.kinds)) ready.arrange(state)
  if (!isUsed(state, Use.ahead)) return slots.fill(state, out)
  for (const worker of state.workers) passOn(state, worker, out)
  slots.fill(state, out)
  if (isUsed(state, Use.delays)) takeBackPaused(state, out)
  if (isPaused(state)) return
  send(state, out)
  takeBack(state, out)
}

/** Attempts that are paused, and have no slot yet, come back. One that its worker has begun by itself goes on. */
const takeBackPaused = (state: State, out: Out): void => {
  const isAll = isPaused(state)
  if (!isAll && state.delays.groups.size === 0) return
  for (const worker of state.workers) {
    for (const task of worker.sent.keys()) {
      if (worker.askedBack.has(task) || !isSent(state, task)) continue
      if (isAll || pausedGroupOf(state, task) !== undefined) askBack(state, worker, task, out)
    }
  }
}

const askBack = (state: State, worker: WorkerRecord, task: TaskId, out: Out): void => {
  worker.askedBack.add(task)
  out.push({ _tag: "TakeBack", task, attempt: state.tasks.attempt[task]!, worker: worker.serial })
}

/** Whether an attempt was sent ahead, and has no slot yet. */
export const isSent = (state: State, task: TaskId): boolean =>
  state.tasks.phase[task] === Phase.assigned && !holdsSlot(state, task)

const passOn = (state: State, worker: WorkerRecord, out: Out): void => {
  while (worker.sent.size > 0 && worker.running < worker.slots) {
    const task = worker.sent.first
    slots.leaveLine(state, worker, task)
    slots.hold(state, task, worker)
    out.push({ _tag: "Begin", task, attempt: state.tasks.attempt[task]!, worker: worker.serial })
  }
}

/**
 * Fills up the lines of which half is gone. A task that is not sent holds up those behind it on the workers that could run it, or
 * they would take the slot that is free next.
 */
const send = (state: State, out: Out): void => {
  ready.flushLone(state)
  // Most steps find no line, or no task: that is looked up first.
  if (ready.nextFor(state, kindsOf(state.workers, isHungry)) < 0 || isBraked(state)) return
  const hungry = state.workers.filter(isHungry)
  let low: ReadonlyArray<WorkerRecord> = state.queues.size === 0
    ? hungry
    : hungry.filter((worker) => !isWanted(state, worker))
  const { left, slots: all } = leftFor(state)
  for (;;) {
    const kinds = kindsOf(low, takesMore)
    const task = ready.nextFor(state, kinds)
    if (task < 0) return
    const micros = pacing.likely(state, task)
    const hasRoom = (worker: WorkerRecord): boolean =>
      takesMore(worker) && pacing.fits(worker, micros, pacing.shareOf(worker, left, all))
    const to = pacing.mayGoAhead(state, task) ? lineFor(state, task, low, hasRoom) : undefined
    if (to === undefined) {
      const kind = kindOf(state, task)
      low = kind === "portable" ? none : low.filter((worker) => worker.kind !== kind)
      continue
    }
    ready.takeFor(state, kinds)
    // Tasks without a share alternate with the shares.
    if (state.balance.shares.size > 0) shares.take(state, undefined)
    slots.startAhead(state, task, to, micros, out)
  }
}

const none: ReadonlyArray<WorkerRecord> = []

/** Whether the budget of held results holds all tasks back. */
const isBraked = (state: State): boolean => brakes.brakeOf(state) === "all" && brakes.isAnyAtWork(state)

const isHungry = (worker: WorkerRecord): boolean => takesMore(worker) && pacing.isLow(worker)

/** Whether a ready task with demands could take the next slot of a worker, which an attempt sent ahead would take instead. */
const isWanted = (state: State, worker: WorkerRecord): boolean => {
  for (const crowd of state.awake) {
    if (crowd.workers.includes(worker) && !isHeldBack(state, crowd)) return true
  }
  return false
}

/** The kinds of some workers. */
const kindsOf = (workers: ReadonlyArray<WorkerRecord>, isOne: (worker: WorkerRecord) => boolean): Kinds => {
  let local = false
  let remote = false
  for (let i = 0; i < workers.length; i++) {
    const worker = workers[i]!
    if (!isOne(worker)) continue
    if (worker.kind === "local") local = true
    else remote = true
  }
  return { local, remote }
}

/** The line for a task: of workers on which it has not failed yet, if one of them has room. */
const lineFor = (
  state: State,
  task: TaskId,
  workers: ReadonlyArray<WorkerRecord>,
  hasRoom: (worker: WorkerRecord) => boolean
): WorkerRecord | undefined => {
  const others = unfailed(state, task, workers)
  return (others && shortest(state, task, others, hasRoom)) ?? shortest(state, task, workers, hasRoom)
}

/** The worker with the shortest line of those with room that a task takes. */
const shortest = (
  state: State,
  task: TaskId,
  workers: ReadonlyArray<WorkerRecord>,
  hasRoom: (worker: WorkerRecord) => boolean
): WorkerRecord | undefined => {
  let local: WorkerRecord | undefined
  let remote: WorkerRecord | undefined
  for (const worker of workers) {
    if (!hasRoom(worker)) continue
    if (worker.kind === "local") local = shorter(local, worker)
    else remote = shorter(remote, worker)
  }
  const site = siteOf(kindOf(state, task), { local: local !== undefined, remote: remote !== undefined })
  return site === "remote" ? remote : site && local
}

/** What is left for the workers to which attempts are sent ahead, as far as it counts, and the slots of these. */
const leftFor = (state: State): { readonly left: number; readonly slots: number } => {
  const workers = state.workers.filter(({ ahead, phase }) => ahead > 0 && phase === "open")
  const all = workers.reduce((sum, each) => sum + each.slots, 0)
  // More than this fills all lines.
  const most = workers.reduce((sum, each) => Math.max(sum, 2 * all * Math.ceil(each.ahead / each.slots)), 0)
  const left = workers.reduce((sum, each) => sum + each.attempts, 0)
  const isAny = (of: WorkerKind): boolean => workers.some(({ kind }) => kind === of)
  const kinds = { local: isAny("local"), remote: isAny("remote") }
  return { left: left + ready.count(state, kinds, most - left), slots: all }
}

/** Whether an attempt may be sent to a worker ahead. Rejoiners would wait for it. */
const takesMore = ({ ahead, attempts, mark, phase, rejoining, running, sent, slots }: WorkerRecord): boolean =>
  phase === "open" && running >= slots && sent.size < ahead && rejoining.size === 0 && attempts < mark

/** The one with the shorter line; the first of equals. */
const shorter = (a: WorkerRecord | undefined, b: WorkerRecord): WorkerRecord =>
  a === undefined || b.sent.size * a.slots < a.sent.size * b.slots ? b : a

/** Asks for attempts back for free slots elsewhere, the newest of the longest line first. */
const takeBack = (state: State, out: Out): void => {
  const local = freeOf(state, "local")
  const remote = freeOf(state, "remote")
  if (canMove(state, local > 0, remote > 0)) takeBackFor(state, { local, remote }, out)
}

const freeOf = (state: State, kind: WorkerKind): number => {
  let free = 0
  for (const worker of state.workers) {
    if (worker.kind === kind && isFree(state, worker)) free += worker.slots - worker.running
  }
  return free
}

/** Whether an attempt was sent ahead that could start in a free slot. */
const canMove = (state: State, isLocalFree: boolean, isRemoteFree: boolean): boolean => {
  for (const { sentOf: { local, portable, remote } } of state.workers) {
    if ((isLocalFree && local + portable > 0) || (isRemoteFree && remote + portable > 0)) return true
  }
  return false
}

/**
 * Half of a line at a time: one for each free slot would leave a worker without work for the time of a message, again and again.
 */
const takeBackFor = (state: State, all: Free, out: Out): void => {
  const due = dueOf(state)
  if (!isAnyLeft(all, due)) return
  const lines = state.workers.map((worker) => ({
    worker,
    tasks: worker.sent.keys().filter((task) => isLeft(state, worker, task))
  }))
  for (;;) {
    const free = freeAfter(all, due)
    const suits = (task: TaskId): boolean =>
      siteOf(kindOf(state, task), { local: free.local > 0, remote: free.remote > 0 }) !== undefined
    // A task that no free slot suits now suits none later in this step.
    for (const { tasks } of lines) while (tasks.length > 0 && !suits(tasks.at(-1)!)) tasks.pop()
    const { tasks, worker } = lines.reduce((a, b) => b.tasks.length > a.tasks.length ? b : a)
    const last = tasks.at(-1)
    if (last === undefined) return
    const kind = kindOf(state, last)
    for (let left = Math.ceil(tasks.length / 2); left > 0 && kindOf(state, tasks.at(-1)!) === kind; left--) {
      const task = tasks.pop()!
      due[kind]++
      askBack(state, worker, task, out)
    }
  }
}

/** The free slots of each kind. */
type Free = Record<WorkerKind, number>

/** How many attempts of each kind are on their way back: those that were asked back, and those that stop before they begin. */
type Due = Record<TaskKind, number>

const dueOf = (state: State): Due => {
  const due: Due = { local: 0, portable: 0, remote: 0 }
  for (const { askedBack, sent } of state.workers) {
    for (const task of askedBack) due[kindOf(state, task)]++
    if (state.stopping.size === 0) continue
    for (const task of sent.keys()) if (!askedBack.has(task) && !isSent(state, task)) due[kindOf(state, task)]++
  }
  return due
}

const isLeft = (state: State, { askedBack }: WorkerRecord, task: TaskId): boolean =>
  !askedBack.has(task) && isSent(state, task)

/** The slots that are free when all that is due has come back, by the rule of `siteOf`. */
const freeAfter = ({ local, remote }: Free, due: Due): Free => {
  const far = Math.min(due.portable, Math.max(0, remote - due.remote))
  return { local: local - due.local - (due.portable - far), remote: remote - due.remote - far }
}

const isAnyLeft = (all: Free, due: Due): boolean => {
  const { local, remote } = freeAfter(all, due)
  return local > 0 || remote > 0
}
