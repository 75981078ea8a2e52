/**
 * Slots and what holds them. A worker never runs more attempts than it has slots (S4); an attempt that waits gives its
 * slot away in the same step and takes one again, ahead of every ready task, before its body goes on.
 *
 * @since 0.1.0
 */
import type { Out } from "./Instruction.ts"
import type { Lanes } from "./laneHeap.ts"
import { choose, elsewhere, leastLoaded } from "./placement.ts"
import * as ready from "./ready.ts"
import { Flag, Phase, settingsOf } from "./State.ts"
import type { State, TaskId, WorkerRecord } from "./State.ts"
import * as timers from "./timers.ts"
import { transition } from "./transitions.ts"

/** Gives free slots to rejoiners, then to ready tasks, until one of the two runs out (S6). */
export const dispatch = (state: State, out: Out): void => {
  const workers = state.workers
  for (let i = 0; i < workers.length; i++) {
    if (workers[i]!.rejoining.size > 0) letRejoin(state, workers[i]!, out)
  }
  if (state.queues.size > 0) return dispatchQueues(state, out)
  while (!ready.isEmpty(state)) {
    const worker = leastLoaded(workers)
    if (worker === undefined) return ready.settleLone(state)
    const task = ready.take(state)
    start(state, task, elsewhere(state, task, workers) ?? worker, out)
  }
}

/** The same where some ask for more than a slot: those that can start nowhere yet hold nobody else up. */
const dispatchQueues = (state: State, out: Out): void => {
  ready.settleLone(state)
  const stuck = new Set<Lanes>()
  for (let next = ready.best(state, stuck); next !== undefined; next = ready.best(state, stuck)) {
    const [lanes, task] = next
    const worker = choose(state, task)
    if (worker === undefined) stuck.add(lanes)
    else {
      ready.withdraw(state, task)
      start(state, task, worker, out)
    }
  }
}

/** A rejoiner goes first, or recursion would fill every slot with parents. */
const letRejoin = (state: State, worker: WorkerRecord, out: Out): void => {
  for (const [task, wait] of worker.rejoining) {
    if (worker.running >= worker.slots) return
    worker.rejoining.delete(task)
    transition(state, task, Phase.running)
    hold(state, task, worker)
    out.push({ _tag: "WaitEnded", wait, starved: undefined })
  }
}

const start = (state: State, task: TaskId, worker: WorkerRecord, out: Out): void => {
  const tasks = state.tasks
  const attempt = state.nextAttempt++ | 0
  tasks.attempt[task] = attempt
  tasks.starts[task]!++
  if (state.rescheduled.size > 0) state.rescheduled.delete(task)
  tasks.worker[task] = worker.index
  tasks.startedAt[task] = state.now
  transition(state, task, Phase.assigned)
  // A fiber worker starts what it is sent within the same step.
  transition(state, task, Phase.running)
  hold(state, task, worker)
  worker.attempts++
  const timeout = settingsOf(state, task)?.timeoutMillis
  if (timeout !== undefined) timers.arm(state, "timeout", task, attempt, timeout)
  out.start(state, task)
}

const hold = (state: State, task: TaskId, worker: WorkerRecord): void => {
  worker.running++
  state.tasks.flags[task]! |= Flag.holdsSlot
}

/** Frees the slot of an attempt, if it holds one. */
export const free = (state: State, task: TaskId): void => {
  const tasks = state.tasks
  if ((tasks.flags[task]! & Flag.holdsSlot) === 0) return
  tasks.flags[task]! &= ~Flag.holdsSlot
  state.workers[tasks.worker[task]!]!.running--
}

/** An attempt has ended: its slot is free, and a draining worker may leave. */
export const leave = (state: State, task: TaskId, out: Out): void => {
  free(state, task)
  const worker = state.workers[state.tasks.worker[task]!]!
  worker.attempts--
  leaveIfDrained(worker, out)
}

export const leaveIfDrained = (worker: WorkerRecord, out: Out): void => {
  if (worker.phase !== "draining" || worker.attempts > 0) return
  worker.phase = "gone"
  out.push({ _tag: "WorkerLeft", worker: worker.index })
}
