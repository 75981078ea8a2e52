/**
 * The life of workers: they join, are replaced, retire, drain and leave. `loss.ts` has what a loss does to tasks.
 *
 * @since 0.1.0
 */
import type { Terms, WorkerAdded, WorkerBeat, WorkerDrained, WorkerStarted } from "../protocol/Event.ts"
import { rowOf } from "../protocol/home.ts"
import type { Out } from "../protocol/Instruction.ts"
import { Phase } from "../protocol/Phase.ts"
import type { WorkerInfo } from "../protocol/Plan.ts"
import type { WorkerPhase } from "../protocol/Transition.ts"
import { hasTaker, kindOf, workerWith } from "../state/lookups.ts"
import { allExtras } from "../state/rare.ts"
import type { State } from "../state/State.ts"
import { Use } from "../state/Use.ts"
import { isUsed, use } from "../state/uses.ts"
import { stockOf, takesTasks } from "../state/WorkerRecord.ts"
import type { WorkerRecord } from "../state/WorkerRecord.ts"
import { Line } from "../structures/line.ts"
import { restartsAfter } from "./restart.ts"

/** Handles {@link WorkerAdded}: ready tasks may start there at once. */
export const add = (
  state: State,
  { ahead = 0, amounts, handsOver = false, kind = "local", labels = [], mark = Infinity, name, slots, terms }:
    WorkerAdded,
  out: Out
): void => {
  const has = { kind, slots, amounts: stockOf(amounts), info: { id: name, labels }, mark, ahead, handsOver }
  const worker = enter(state, { ...has, name, terms, restarts: [], isPooled: false }, "open")
  out.push({ _tag: "WorkerJoined", worker: worker.serial })
}

/** The settings of a worker before it joins. */
interface Newcomer {
  readonly name: string
  readonly kind: WorkerRecord["kind"]
  readonly slots: number
  readonly amounts: WorkerRecord["amounts"]
  readonly info: WorkerInfo
  readonly mark: number
  readonly ahead: number
  readonly handsOver: boolean
  readonly terms: Terms | undefined
  readonly restarts: ReadonlyArray<number>
  readonly isPooled: boolean
}

/** Asks for a worker to be started: one more of the pool, or a replacement. */
export const start = (state: State, newcomer: Newcomer, replaces: number, out: Out): void => {
  const { name, serial } = enter(state, newcomer, "starting")
  out.push({ _tag: "StartWorker", worker: serial, name, replaces })
}

const noTerms: Terms = {}

/** The same resources as another worker, with nothing held. */
const unused = (amounts: WorkerRecord["amounts"]): WorkerRecord["amounts"] =>
  amounts && new Map(Array.from(amounts, ([name, { total }]) => [name, { total, used: 0 }]))

const enter = (state: State, newcomer: Newcomer, phase: WorkerPhase): WorkerRecord => {
  const terms = newcomer.terms ?? noTerms
  const index = freeRow(state)
  const worker: WorkerRecord = {
    index,
    name: newcomer.name,
    kind: newcomer.kind,
    slots: newcomer.slots,
    amounts: unused(newcomer.amounts),
    info: newcomer.info,
    mark: newcomer.mark,
    ahead: newcomer.ahead,
    handsOver: newcomer.handsOver,
    usedAt: 0,
    serial: state.next.worker++,
    terms,
    isPooled: newcomer.isPooled,
    restarts: newcomer.restarts,
    running: 0,
    attempts: 0,
    phase,
    since: state.now,
    started: 0,
    heardAt: state.now,
    silentAt: Infinity,
    idleSince: Infinity,
    sent: new Line(),
    line: 0,
    full: 0,
    sentOf: { local: 0, portable: 0, remote: 0 },
    askedBack: new Set(),
    rejoining: new Map()
  }
  state.workers[index] = worker
  if (terms.maxTasks !== undefined) use(state, Use.counting)
  if (terms.ttlMillis !== undefined || terms.maxAgeMillis !== undefined) use(state, Use.watching)
  if (worker.mark < Infinity) use(state, Use.steering)
  if (worker.ahead > 0) use(state, Use.ahead)
  if (worker.kind === "remote") use(state, Use.kinds)
  if (worker.handsOver) use(state, Use.home)
  countTaker(state, worker, 1)
  state.crew.hasChanged = true
  if (phase === "open") begin(state, worker)
  note(state, worker, undefined)
  return worker
}

/**
 * The row of a worker that is gone and unreferenced (S11), or a new one. Costs a walk over all tasks if some workers are gone.
 */
const freeRow = (state: State): number => freeRows(state).values().next().value ?? state.workers.length

/** The rows of workers that are gone or lost, and that no task or former attempt references. */
const freeRows = (state: State): ReadonlySet<number> => {
  const rows = new Set<number>()
  for (const { index, phase } of state.workers) if (phase === "gone" || phase === "lost") rows.add(index)
  if (rows.size === 0) return rows
  const { tasks } = state
  for (let task = 0; task < tasks.used; task++) {
    if (tasks.phase[task] !== Phase.free) rows.delete(rowOf(tasks.worker[task]!))
  }
  for (const attempts of allExtras(state, "history").values()) for (const { worker } of attempts) rows.delete(worker)
  return rows
}

/** The only function that changes the phase of a worker. */
export const moveTo = (state: State, worker: WorkerRecord, to: WorkerPhase): void => {
  const from = worker.phase
  const took = takesTasks(worker)
  worker.phase = to
  if (from === "draining") state.crew.draining--
  else {
    // A draining worker takes no tasks, so its end changes nothing for tasks that lack a worker.
    state.crew.hasChanged = true
    if (to === "draining") {
      state.crew.draining++
      use(state, Use.draining)
    }
  }
  note(state, worker, from)
  if (to === "open") begin(state, worker)
  if (!took || takesTasks(worker)) return
  countTaker(state, worker, -1)
  if (worker.handsOver) noteMoved(state)
  strand(state, worker)
}

/** Tasks that follow others may be bound to other workers from now on. */
export const noteMoved = (state: State): void => {
  state.step.hasMoved = true
  use(state, Use.step)
}

const countTaker = ({ crew }: State, { kind }: WorkerRecord, by: 1 | -1): void => {
  if (kind === "local") crew.takers += by
  else crew.remoteTakers += by
}

const note = (state: State, { name, phase, serial }: WorkerRecord, from: WorkerPhase | undefined): void =>
  void state.step.workerLog?.push({ at: state.now, id: name, serial, from, to: phase, cause: state.step.cause })

const begin = (state: State, worker: WorkerRecord): void => {
  worker.since = state.now
  worker.heardAt = state.now
  worker.silentAt = state.now + (worker.terms.ttlMillis ?? Infinity)
}

/** Where the last worker leaves that could run them, ready tasks wait for another one. */
const strand = (state: State, { kind }: WorkerRecord): void => {
  const { remoteTakers, strandedFrom, takers } = state.crew
  if ((kind === "local" ? takers : remoteTakers) > 0) return
  if (kind === "local") use(state, Use.noTaker)
  strandedFrom[kind] = state.next.timer
  if (takers + remoteTakers === 0) strandedFrom.portable = state.next.timer
  // Other workers run all tasks but remote ones.
  else if (kind === "remote" && !isUsed(state, Use.away)) return
  for (let task = 0; task < state.tasks.used; task++) {
    if (state.tasks.phase[task] !== Phase.ready || hasTaker(state, task)) continue
    // Tasks of the other kind have waited for a worker already.
    const its = kindOf(state, task)
    if (its === kind || its === "portable") state.step.stranded.push(task)
  }
}

/** Handles {@link WorkerStarted}. */
export const started = (state: State, event: WorkerStarted, out: Out): void => {
  const worker = workerWith(state, event.worker)
  if (worker?.phase !== "starting") return refuse(event._tag, out)
  moveTo(state, worker, "open")
}

/** Handles {@link WorkerBeat}. Beats of a lost worker are refused. */
export const beat = (state: State, event: WorkerBeat, out: Out): void => {
  const worker = workerWith(state, event.worker)
  if (worker?.phase !== "open" && worker?.phase !== "draining") return refuse(event._tag, out)
  worker.heardAt = state.now
}

/** Handles {@link WorkerDrained}: nothing new starts there; running attempts go on. */
export const drain = (state: State, event: WorkerDrained, out: Out): void => {
  const worker = workerWith(state, event.worker)
  if (worker === undefined || !takesTasks(worker)) return refuse(event._tag, out)
  dismiss(state, worker)
}

/** A draining worker leaves when its last attempt has ended and others hold its results; see `copies.handOver`. */
export const dismiss = (state: State, worker: WorkerRecord): void => moveTo(state, worker, "draining")

export const refuse = (event: string, out: Out): void =>
  out.push({ _tag: "Rejected", event, reason: { _tag: "Gone", what: "worker" } })

/** Counts an attempt that a worker was given. After `maxTasks` of them it retires. */
export const countStart = (state: State, worker: WorkerRecord, out: Out): void => {
  worker.started++
  if (worker.started === worker.terms.maxTasks) retire(state, worker, out)
}

/** Retires workers that have reached their age. */
export const retireAged = (state: State, out: Out): void => {
  for (const worker of state.workers) {
    const { phase, since, terms: { maxAgeMillis = Infinity } } = worker
    if (phase === "open" && state.now - since >= maxAgeMillis) retire(state, worker, out)
  }
}

/** Replaces a worker that leaves. The replacement is requested first, so the scheduler is never without a worker. */
const retire = (state: State, worker: WorkerRecord, out: Out): void => {
  start(state, worker, worker.serial, out)
  dismiss(state, worker)
}

/** Replaces a worker that is about to be lost, if its terms allow it. The pool replaces its own workers. */
export const replaceLost = (state: State, worker: WorkerRecord, isEnded: boolean, out: Out): void => {
  const { terms: { restart } } = worker
  if (restart === undefined || worker.isPooled) return
  const restarts = isEnded && restart.times > 0 ? worker.restarts : restartsAfter(restart, worker, state.now)
  if (restarts !== undefined) start(state, { ...worker, restarts }, worker.serial, out)
}

/** Whether a worker was silent for its time to live. */
export const isSilent = (state: State, worker: WorkerRecord): boolean => {
  const { heardAt, phase, terms: { ttlMillis } } = worker
  if (ttlMillis === undefined || (phase !== "open" && phase !== "draining")) return false
  return state.now - heardAt >= ttlMillis
}

/** Determines when to check the workers again. Beats alone never change that, or each would set another alarm. */
export const watch = (state: State): void => {
  let at = state.crew.pool?.reviewAt ?? Infinity
  for (const worker of state.workers) {
    const { phase, since, terms: { maxAgeMillis, ttlMillis } } = worker
    if (phase !== "open" && phase !== "draining") continue
    if (ttlMillis !== undefined) {
      if (worker.silentAt <= state.now) worker.silentAt = worker.heardAt + ttlMillis
      at = Math.min(at, worker.silentAt)
    }
    if (maxAgeMillis !== undefined && phase === "open") at = Math.min(at, since + maxAgeMillis)
  }
  state.crew.watchAt = at
}
