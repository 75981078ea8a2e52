/** Attempts that are sent to a worker beyond its slots (W19, W12, W20). */
import type { TakeBack } from "../../../src/engine/protocol/Instruction.ts"
import type { TaskKind, WorkerKind } from "../../../src/engine/protocol/Plan.ts"
import { extrasOf } from "../../../src/engine/state/rare.ts"
import type { State } from "../../../src/engine/state/State.ts"
import { isDelayed, isPaused } from "./delays.ts"
import { armTimer, inAttempt, isSentAhead, mayRun } from "./facts.ts"
import type { Facts, Task, Worker } from "./facts.ts"
import { compareRanks } from "./order.ts"
import { suits } from "./placement.ts"
import { isReady } from "./policies.ts"
import { hasRoom, runningOn } from "./slots.ts"
import { isBraked, waitsInQueue } from "./turns.ts"

/** The body of an attempt begins. */
export const beginBody = (model: Facts, task: Task): void => {
  task.isAssigned = false
  if (task.settings.timeoutMillis !== undefined) armTimer(model, "timeout", task, task.settings.timeoutMillis)
}

/** Tasks that were sent to a worker and have no slot, in order. */
export const sentTo = (model: Facts, worker: number): ReadonlyArray<Task> =>
  [...model.tasks].filter((task) => isSentAhead(task) && task.worker === worker)
    .toSorted((a, b) => a.attempt - b.attempt)

/** Whether an attempt may be sent to a worker ahead: no slot is free there, and no rejoiner waits there. */
const takesMore = (model: Facts, state: State, { ahead, mark, phase, row, slots }: Worker): boolean => {
  const carried = [...model.tasks].filter((task) => inAttempt(task) && task.worker === row).length
  return phase === "open" && runningOn(model, row) >= slots && sentTo(model, row).length < ahead && carried < mark &&
    state.workers[row]!.rejoining.size === 0
}

/** 4 ms for each slot, by the times that were likely when the attempts were sent. */
const horizon = 4000

const lineOf = (model: Facts, { row }: Worker): number =>
  sentTo(model, row).reduce((sum, { likely }) => sum + likely, 0)

/** B2: whether half of the line of a worker is gone: of the longest that it may be, and of what it was last. */
const isLow = (model: Facts, worker: Worker): boolean => {
  const { length } = sentTo(model, worker.row)
  const isShort = 2 * length <= worker.full && 2 * lineOf(model, worker) <= horizon * worker.slots
  return length <= worker.slots || isShort
}

const likelyOf = (model: Facts, { body }: Task): number => Math.max(1, Math.round(model.paces.get(body) ?? horizon))

const readyPlain = (model: Facts): ReadonlyArray<Task> =>
  [...model.tasks].filter((task) =>
    isReady(task) && !task.forgotten && !waitsInQueue(model, task) && !isPaused(model, task)
  )

/** B2, B3: whether the line of a worker has room for one more body, also if few are left. */
const fits = (model: Facts, worker: Worker, task: Task): boolean => {
  const those = model.workers.filter(({ ahead, phase }) => ahead > 0 && phase === "open")
  const there = [...model.tasks].filter((each) => inAttempt(each) && those.some(({ row }) => row === each.worker))
  const ready = readyPlain(model).filter((each) => those.some((other) => mayRun(each, other)))
  const slots = those.reduce((sum, each) => sum + each.slots, 0)
  const share = Math.ceil((there.length + ready.length) * worker.slots / (2 * slots))
  const { length } = sentTo(model, worker.row)
  return length < share &&
    (length < 2 * worker.slots || lineOf(model, worker) + likelyOf(model, task) <= horizon * worker.slots)
}

/** Whether a ready task with demands could take the next slot of a worker. */
const isWanted = (model: Facts, { row }: Worker): boolean =>
  [...model.tasks].some((task) =>
    isReady(task) && !task.forgotten && waitsInQueue(model, task) && suits(model, task, row) && !isDelayed(model, task)
  )

const mayGoAhead = ({ settings: { idempotent, timeoutMillis } }: Task): boolean =>
  idempotent !== false && timeoutMillis === undefined

/** Notes of which workers the lines may be filled up in this step. */
export const noteLow = (model: Facts): void => {
  for (const worker of model.workers) if (isLow(model, worker)) model.low.add(worker)
}

/**
 * The task that is sent ahead next, and those of these workers that it may go to: one that is not sent holds up those behind it
 * where it may run.
 */
const nextAhead = (
  model: Facts,
  takers: ReadonlyArray<Worker>
): { readonly task: Task; readonly to: ReadonlyArray<Worker> } | undefined => {
  const all = readyPlain(model).toSorted((a, b) => compareRanks(a.rank, b.rank))
  let left = takers
  for (const task of all) {
    const suitable = left.filter((worker) => mayRun(task, worker))
    const to = suitable.filter((worker) => fits(model, worker, task))
    if (mayGoAhead(task) && to.length > 0) return { task, to }
    left = left.filter((worker) => !suitable.includes(worker))
  }
  return undefined
}

export const judgeAhead = (model: Facts, state: State, task: Task, worker: number): void => {
  const to = model.workers[worker]!
  noteLow(model)
  if (!takesMore(model, state, to)) model.complain(`W19: worker ${worker} takes no more`)
  if (!model.low.has(to) || !fits(model, to, task)) model.complain(`B2: the line of worker ${worker} is long enough`)
  if (!mayGoAhead(task)) model.complain(`B2: ${task.name} goes ahead`)
  if (isPaused(model, task)) model.complain(`W23: ${task.name} is paused and sent ahead`)
  if (isWanted(model, to)) model.complain(`W19: ${task.name} takes the slot of others`)
  const takers = model.workers.filter((each) =>
    model.low.has(each) && takesMore(model, state, each) && !isWanted(model, each)
  )
  const first = nextAhead(model, takers)
  if (first?.task !== task) model.complain(`O5: ${first?.task.name ?? "nothing"} should be sent before ${task.name}`)
  const isRetried = extrasOf(state, task.row)?.history !== undefined
  if (task.kind === "portable" && !isRetried && to.kind === "local") {
    if (first?.to.some(({ kind }) => kind === "remote") === true) {
      model.complain(`W20: ${task.name} is sent to a local worker`)
    }
  }
  task.likely = likelyOf(model, task)
  to.full = sentTo(model, worker).length + 1
}

export const judgeTakeBack = (model: Facts, { attempt, task: row, worker }: TakeBack): void => {
  const task = model.byRow.get(row)
  if (task === undefined || !isSentAhead(task) || !isLeft(task) || task.attempt !== attempt) {
    return model.complain(`W19: ${task?.name} is taken back`)
  }
  if (isPaused(model, task)) {
    task.askedBack = true
    return
  }
  if (sentTo(model, worker).some((each) => each.attempt > attempt && isLeft(each) && hasSlotFor(model, each))) {
    model.complain(`W19: ${task.name} is not the newest`)
  }
  const { bunch } = model
  if (bunch.left > 0 && bunch.worker === worker && bunch.kind === task.kind) bunch.left--
  else {
    if (!hasSlotFor(model, task)) model.complain(`W19: no slot is free for ${task.name}`)
    // Half of those that suit a free slot, or would if newer ones did not.
    const line = sentTo(model, worker).filter(isLeft)
    model.bunch = { worker, kind: task.kind, left: Math.ceil((line.indexOf(task) + 1) / 2) - 1 }
  }
  task.askedBack = true
}

/**
 * Whether a slot is free elsewhere for a task that was sent ahead, and is not for one of those that will report by themselves that
 * they never began. Portable ones among these take remote slots first.
 */
const hasSlotFor = (model: Facts, { kind }: Task): boolean => {
  const free = (of: WorkerKind): number =>
    model.workers.filter((each) => each.kind === of && each.phase === "open" && hasRoom(model, each.row))
      .reduce((sum, { row, slots }) => sum + slots - runningOn(model, row), 0)
  const due = [...model.tasks].filter((task) => isSentAhead(task) && !isLeft(task))
  const count = (of: TaskKind): number => due.filter((task) => task.kind === of).length
  const far = free("remote") - count("remote")
  const here = free("local") - count("local")
  const remote = far - count("portable")
  const local = here + Math.min(0, remote - Math.min(0, far))
  return (kind !== "remote" && local > 0) || (kind !== "local" && remote > 0)
}

const isLeft = ({ askedBack, status }: Task): boolean => status === "active" && !askedBack

/** No attempt waits for a slot of one worker while another worker has a free slot; workers have all that they take. */
export const judgeLines = (model: Facts, state: State): void => {
  const sent = [...model.tasks].filter(isSentAhead)
  const paused = sent.find((task) => isLeft(task) && isPaused(model, task))
  if (paused !== undefined) model.complain(`W23: ${paused.name} is paused and not taken back`)
  const left = sent.find((task) => isLeft(task) && hasSlotFor(model, task))
  if (left !== undefined) model.complain(`W12: ${left.name} is not taken back`)
  const blocked = sent.find(({ worker }) => runningOn(model, worker) < model.workers[worker]!.slots)
  if (blocked !== undefined) model.complain(`W19: ${blocked.name} could begin`)
  model.low.clear()
  model.bunch.left = 0
  const takers = model.workers.filter((worker) =>
    isLow(model, worker) && takesMore(model, state, worker) && !isWanted(model, worker)
  )
  const next = nextAhead(model, takers)
  if (next !== undefined && !isBraked(model, next.task)) model.complain(`W19: ${next.task.name} is not sent ahead`)
}
