/**
 * Attempts that are sent to a worker beyond its slots, so that it need not ask before it goes on. They stay `assigned`, in order.
 * A slot that is free passes to the oldest of them before a rejoiner or a ready task takes it, since the worker may have begun it
 * already. Those that have no slot can be taken back, for another worker that has one free.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import type { Out } from "../protocol/Instruction.ts"
import { Phase } from "../protocol/Phase.ts"
import type { State } from "../state/State.ts"
import { Use } from "../state/Use.ts"
import { isUsed } from "../state/uses.ts"
import type { WorkerRecord } from "../state/WorkerRecord.ts"
import { holdsSlot } from "./keepers.ts"
import { unfailed } from "./placement.ts"
import * as ready from "./ready.ts"
import { isFree } from "./room.ts"
import * as slots from "./slots.ts"

/** Gives free slots to attempts that were sent ahead, rejoiners and ready tasks; then sends attempts ahead. */
export const dispatch = (state: State, out: Out): void => {
  if (!isUsed(state, Use.ahead)) return slots.fill(state, out)
  for (const worker of state.workers) passOn(state, worker, out)
  slots.fill(state, out)
  send(state, out)
  takeBack(state, out)
}

/** Whether an attempt was sent ahead, and has no slot yet. */
export const isSent = (state: State, task: TaskId): boolean =>
  state.tasks.phase[task] === Phase.assigned && !holdsSlot(state, task)

const passOn = (state: State, worker: WorkerRecord, out: Out): void => {
  for (const task of worker.sent.keys()) {
    if (worker.running >= worker.slots) return
    worker.sent.delete(task)
    slots.hold(state, task, worker)
    out.push({ _tag: "Begin", task, attempt: state.tasks.attempt[task]!, worker: worker.serial })
  }
}

/** While tasks with demands are ready nothing is sent ahead: it would take slots that they could have. */
const send = (state: State, out: Out): void => {
  while (state.queues.size === 0 && !ready.isEmpty(state)) {
    const able = state.workers.filter(takesMore)
    if (able.length === 0) return
    const task = ready.take(state)
    const others = unfailed(state, task, able)
    const from = others === undefined || others.length === 0 ? able : others
    slots.startAhead(state, task, from.reduce((best, worker) => hasFewer(worker, best) ? worker : best), out)
  }
}

/** Whether an attempt may be sent to a worker ahead. Rejoiners would wait for it. */
const takesMore = ({ ahead, attempts, mark, phase, rejoining, running, sent, slots }: WorkerRecord): boolean =>
  phase === "open" && running >= slots && sent.size < ahead && rejoining.size === 0 && attempts < mark

const hasFewer = (a: WorkerRecord, b: WorkerRecord): boolean => a.sent.size * b.slots < b.sent.size * a.slots

/** Asks for as many attempts back as there are free slots elsewhere, the newest of the longest line first. */
const takeBack = (state: State, out: Out): void => {
  let free = 0
  for (const worker of state.workers) if (isFree(state, worker)) free += worker.slots - worker.running
  if (free === 0 || state.workers.every(({ sent }) => sent.size === 0)) return
  const waiting = state.workers.map((worker) => ({ worker, tasks: stillSent(state, worker) }))
  for (const { tasks, worker } of waiting) free -= worker.sent.size - tasks.length
  for (; free > 0; free--) {
    const { tasks, worker } = waiting.reduce((a, b) => b.tasks.length > a.tasks.length ? b : a)
    const task = tasks.pop()
    if (task === undefined) return
    worker.sent.set(task, true)
    out.push({ _tag: "TakeBack", task, attempt: state.tasks.attempt[task]!, worker: worker.serial })
  }
}

/** The tasks of attempts that were not asked back. One that stops answers by itself. */
const stillSent = (state: State, { sent }: WorkerRecord): Array<TaskId> =>
  Array.from(sent).flatMap(([task, isAskedBack]) => isAskedBack || !isSent(state, task) ? [] : [task])
