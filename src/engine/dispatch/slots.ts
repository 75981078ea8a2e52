/**
 * Slots and their holders. A worker never runs more attempts than it has slots (S4). An attempt that waits gives its slot away in
 * the same step, and takes one again, ahead of every ready task, before its body goes on.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import type { Out } from "../protocol/Instruction.ts"
import { Flag, Phase } from "../protocol/Phase.ts"
import type { Pair } from "../protocol/Reason.ts"
import { kindOf, settingsOf } from "../state/lookups.ts"
import type { Crowd, Queue } from "../state/Queue.ts"
import { dropExtra, extrasOf } from "../state/rare.ts"
import type { State } from "../state/State.ts"
import * as timers from "../state/timers.ts"
import { transition } from "../state/transitions.ts"
import { Look, Use } from "../state/Use.ts"
import { isRare, isUsed } from "../state/uses.ts"
import { isHere } from "../state/WorkerRecord.ts"
import type { WorkerRecord } from "../state/WorkerRecord.ts"
import { countStart } from "../workers/workers.ts"
import * as amounts from "./amounts.ts"
import type { Round } from "./amounts.ts"
import * as brakes from "./brakes.ts"
import * as heads from "./crowds.ts"
import * as delays from "./delays.ts"
import { releaseDue } from "./held.ts"
import { choose, elsewhere, elsewhereOfKind, isSpent, leastLoaded, siteOf, workersFor } from "./placement.ts"
import * as ready from "./ready.ts"
import { canStart, isFree } from "./room.ts"
import * as shares from "./shares.ts"

/** Gives free slots to rejoiners, then to ready tasks, until one of the two runs out (S6). */
export const fill = (state: State, out: Out): void => {
  const workers = state.workers
  const round = state.demanding > 0 && isContended(state) ? amounts.begin(state) : undefined
  for (let i = 0; i < workers.length; i++) {
    if (workers[i]!.rejoining.size > 0) letRejoin(state, workers[i]!, round, out)
  }
  if (state.balance.overtaken.size > 0) amounts.tidy(state)
  if (state.queues.size === 0 && state.balance.shares.size > 0) shares.forget(state)
  if (isUsed(state, Use.delays)) {
    releaseDue(state)
    if (delays.isPaused(state)) return ready.flushLone(state)
  }
  if (state.queues.size > 0 || isUsed(state, Use.steering)) {
    return canStart(state) ? dispatchQueues(state, round ?? amounts.begin(state), out) : ready.flushLone(state)
  }
  if (state.isDivided) fillBoth(state, out)
  else fillPlain(state, out)
}

/** Gives free slots to ready tasks that ask for a slot alone. */
export const fillPlain = (state: State, out: Out): void => {
  const { workers } = state
  while (!ready.isEmpty(state)) {
    const worker = leastLoaded(workers)
    if (worker === undefined) return ready.flushLone(state)
    const task = ready.take(state)
    if (isRare(state, task, Look.start)) start(state, task, elsewhere(state, task, workers) ?? worker, out)
    else startPlain(state, task, worker, out)
  }
}

/** Starts an attempt of a task of which nothing rare is known: it begins in the same step. */
const startPlain = (state: State, task: TaskId, worker: WorkerRecord, out: Out): void => {
  takeSlot(state, task, worker)
  const attempt = give(state, task, worker)
  state.tasks.phase[task] = Phase.running
  out.start(task, attempt)
}

/** The same with remote workers that may run none of these tasks. */
export const fillHere = (state: State, out: Out): void => {
  while (!ready.isEmpty(state)) {
    const worker = leastLoaded(state.workers, "local")
    if (worker === undefined) return ready.flushLone(state)
    startAt(state, ready.take(state), worker, out)
  }
}

/** The same with workers of both kinds. */
const fillBoth = (state: State, out: Out): void => {
  ready.flushLone(state)
  for (;;) {
    const local = leastLoaded(state.workers, "local")
    const isAnyFar = state.portableLanes.length + state.remoteLanes.length > 0
    const remote = isAnyFar ? leastLoaded(state.workers, "remote") : undefined
    if (local === undefined && remote === undefined) return
    const kinds = { local: local !== undefined, remote: remote !== undefined }
    const task = ready.takeFor(state, kinds)
    if (task < 0) return
    startAt(state, task, siteOf(kindOf(state, task), kinds) === "remote" ? remote! : local!, out)
  }
}

/** Starts a task on this worker of several kinds, or after a failure on another that may run it. */
const startAt = (state: State, task: TaskId, worker: WorkerRecord, out: Out): void => {
  if (isRare(state, task, isHere(worker) ? Look.startHere : Look.start)) {
    start(state, task, elsewhereOfKind(state, task) ?? worker, out)
  } else startPlain(state, task, worker, out)
}

/** Whether queues or rejoiners compete for what is free. */
const isContended = (state: State): boolean =>
  (state.queues.size > 0 && canStart(state)) || state.workers.some(({ rejoining }) => rejoining.size > 0)

/** The dispatch with queues: tasks that can start nowhere yet hold up others only for the units that they wait for. */
const dispatchQueues = (state: State, round: Round, out: Out): void => {
  ready.flushLone(state)
  const aside: Array<Queue> = []
  const open = new Set(state.awake)
  const close = (crowds: Iterable<Crowd>): void => {
    for (const crowd of crowds) if (crowd.heads.length === 0 || isSpent(state, crowd, round)) open.delete(crowd)
  }
  const consider = (task: TaskId): void => {
    const queue = extrasOf(state, task)?.queue
    const worker = choose(state, task, round, queue === undefined ? state.workers : workersFor(state, queue.crowd))
    if (worker === undefined) {
      // A worker has room, so a task that asks for a slot alone can start.
      aside.push(queue!)
      heads.takeOut(state, queue!)
      withhold(state, queue!, round)
      return close([queue!.crowd])
    }
    if (state.balance.shares.size > 0) shares.take(state, queue?.share)
    ready.withdraw(state, task)
    start(state, task, worker, out)
    if (queue?.isSource === true) brakes.noteSource(state, task)
    if (queue !== undefined) amounts.noteStart(state, queue, state.tasks.attempt[task]!, aside)
    const isUsedUp = delays.noteStart(state, queue?.demand?.tags)
    if (isUsedUp || !isFree(state, worker)) close(open)
    else if (queue !== undefined) close([queue.crowd])
  }
  close(open)
  // Above a budget, overtaken queues wait like all others.
  if (brakes.brakeOf(state) === "none") {
    for (const { crowd, lanes } of amounts.overdue(state)) if (open.has(crowd)) consider(ready.firstOf(lanes))
  }
  const best = state.balance.shares.size > 0 || state.fairness.budget !== undefined ? shares.next : ready.best
  while (canStart(state)) {
    const task = best(state, open)
    if (task < 0) break
    consider(task)
  }
  for (const queue of aside) {
    heads.reposition(state, queue)
    delays.mustWait(state, queue.crowd)
  }
  if (state.balance.overtaken.size > 0) amounts.tidy(state)
  if (state.queues.size === 0) shares.forget(state)
}

/** Units that a ready task waits for are withheld from those behind it. */
const withhold = (state: State, { crowd: { workers }, demand }: Queue, round: Round): void => {
  if (demand !== undefined && amounts.isForAmounts(demand)) amounts.withholdForReady(state, workers, demand, round)
}

/** Rejoiners go first, or recursion would fill every slot with parents. A rejoiner that lacks amounts blocks no slot. */
const letRejoin = (state: State, worker: WorkerRecord, round: Round | undefined, out: Out): void => {
  for (const [task, wait] of worker.rejoining) {
    if (worker.running >= worker.slots && round === undefined) return
    if (worker.running >= worker.slots || (round !== undefined && !amounts.admits(state, worker, task, round))) {
      amounts.withholdForRejoiner(state, worker, task, round!)
      continue
    }
    worker.rejoining.delete(task)
    if (state.tasks.phase[task] === Phase.rejoining) transition(state, task, Phase.running)
    holdAgain(state, task, worker)
    out.push({ _tag: "WaitEnded", wait, starved: starvedOf(state, wait) })
  }
}

const holdAgain = (state: State, task: TaskId, worker: WorkerRecord): void => {
  hold(state, task, worker)
  if (state.fairness.sourceSaturation < 1) brakes.noteSource(state, task)
}

/** Gives a body whose waits are over a slot without a queue, if one is free and all that is asked for is slots. Returns whether it did. */
export const retake = (state: State, task: TaskId): boolean => {
  const worker = state.workers[state.tasks.worker[task]!]!
  if (isUsed(state, Look.dispatchHere) || !isHere(worker) || worker.running >= worker.slots) return false
  transition(state, task, Phase.running)
  holdAgain(state, task, worker)
  return true
}

/** The starvation that ended a wait, if any, for a body that had to take its slot again first. */
export const starvedOf = (state: State, wait: number): ReadonlyArray<Pair> | undefined => {
  if (state.starved.size === 0) return undefined
  const starved = state.starved.get(wait)
  state.starved.delete(wait)
  return starved
}

/** Starts an attempt in a free slot of a worker. */
export const start = (state: State, task: TaskId, worker: WorkerRecord, out: Out): void => {
  hold(state, task, worker)
  send(state, task, worker, out)
}

/** Sends an attempt whose body is likely to take so long to a worker before a slot is free there. */
export const startAhead = (state: State, task: TaskId, worker: WorkerRecord, micros: number, out: Out): void => {
  worker.sent.push(task, micros)
  worker.sentOf[kindOf(state, task)]++
  worker.line += micros
  worker.full = worker.sent.size
  send(state, task, worker, out)
}

/** An attempt that was sent ahead has a slot or has ended. */
export const leaveLine = (state: State, worker: WorkerRecord, task: TaskId): void => {
  const micros = worker.sent.delete(task)
  if (micros === undefined) return
  worker.line -= micros
  worker.sentOf[kindOf(state, task)]--
  if (worker.askedBack.size > 0) worker.askedBack.delete(task)
}

const send = (state: State, task: TaskId, worker: WorkerRecord, out: Out): void => {
  const attempt = give(state, task, worker)
  dropExtra(state, task, "ownLane")
  transition(state, task, Phase.assigned)
  // A worker to which nothing is sent ahead begins in the same step.
  if (worker.ahead === 0) begin(state, task)
  out.start(task, attempt)
  if (isUsed(state, Use.counting)) countStart(state, worker, out)
}

/** Gives a task to a worker, as a new attempt, whose number this returns. */
const give = (state: State, task: TaskId, worker: WorkerRecord): number => {
  const { tasks } = state
  const attempt = state.next.attempt++ | 0
  tasks.attempt[task] = attempt
  tasks.starts[task]!++
  tasks.worker[task] = worker.index
  tasks.startedAt[task] = state.now
  worker.attempts++
  worker.usedAt = attempt
  return attempt
}

/** The body of an attempt begins: its time runs from now. */
export const begin = (state: State, task: TaskId): void => {
  transition(state, task, Phase.running)
  const timeout = settingsOf(state, task)?.timeoutMillis
  if (timeout !== undefined) timers.arm(state, "timeout", task, state.tasks.attempt[task]!, timeout)
}

/** An attempt takes a slot, and what else its task asks for. */
export const hold = (state: State, task: TaskId, worker: WorkerRecord): void => {
  takeSlot(state, task, worker)
  if (state.demanding > 0) amounts.take(state, task, worker)
}

const takeSlot = (state: State, task: TaskId, worker: WorkerRecord): void => {
  worker.running++
  state.tasks.flags[task]! |= Flag.holdsSlot
}

/** Frees the slot of an attempt, if it holds one. */
export const free = (state: State, task: TaskId): void => {
  const tasks = state.tasks
  if ((tasks.flags[task]! & Flag.holdsSlot) === 0) return
  tasks.flags[task]! &= ~Flag.holdsSlot
  if (state.balance.sources.size > 0) state.balance.sources.delete(task)
  state.workers[tasks.worker[task]!]!.running--
}

/** An attempt has ended of which nothing rare is known: its slot is free. */
export const leavePlain = (state: State, task: TaskId): void => {
  const { flags, worker } = state.tasks
  const there = state.workers[worker[task]!]!
  flags[task]! &= ~Flag.holdsSlot
  there.running--
  there.attempts--
}

/** An attempt has ended: its slot, amounts and tags are free. */
export const leave = (state: State, task: TaskId): void => {
  // An attempt with a slot is in no line, which need not be looked through.
  const isInLine = (state.tasks.flags[task]! & Flag.holdsSlot) === 0
  free(state, task)
  if (state.holding.size > 0) amounts.giveBack(state, task)
  const worker = state.workers[state.tasks.worker[task]!]!
  worker.attempts--
  if (isInLine && worker.sent.size > 0) leaveLine(state, worker, task)
}
