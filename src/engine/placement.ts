/**
 * Where a task may run, and where it runs best.
 *
 * @since 0.1.0
 */
import { couldHold, fits, hasTags } from "./amounts.ts"
import type { Round } from "./amounts.ts"
import type { Demand } from "./Plan.ts"
import { settingsOf } from "./State.ts"
import type { State, TaskId, WorkerRecord } from "./State.ts"
import { takesTasks } from "./suitable.ts"

/** What a task asks of a worker beyond a slot, if it asks for more. */
export const demandOf = (state: State, task: TaskId): Demand | undefined => settingsOf(state, task)?.demand

/** The same name for those who ask for the same. */
export const nameOf = ({ allowOthers, amounts, keepsAmounts, tags, workers }: Demand): string =>
  JSON.stringify([
    workers?.toSorted(),
    allowOthers,
    amounts && Object.entries(amounts).sort(([a], [b]) => a < b ? -1 : 1),
    keepsAmounts,
    tags?.toSorted()
  ])

/** Whether a worker takes tasks that ask for this, when it has a free slot. */
export const suits = (state: State, worker: WorkerRecord, demand: Demand | undefined): boolean =>
  worker.phase === "open" && satisfies(state, worker, demand)

/** The same of one that may be on its way. */
export const maySuit = (state: State, worker: WorkerRecord, demand: Demand | undefined): boolean =>
  takesTasks(worker) && satisfies(state, worker, demand)

const satisfies = (state: State, worker: WorkerRecord, demand: Demand | undefined): boolean => {
  if (demand === undefined) return true
  if (!couldHold(worker, demand)) return false
  const { allowOthers, workers } = demand
  if (workers === undefined || workers.includes(worker.name)) return true
  return allowOthers === true &&
    !state.workers.some((other) => other.phase === "open" && workers.includes(other.name) && couldHold(other, demand))
}

/**
 * The worker on which a ready task starts now; `undefined` if all of `workers` that suit are busy, or what it asks for is not
 * free.
 */
export const choose = (
  state: State,
  task: TaskId,
  round: Round,
  workers: ReadonlyArray<WorkerRecord> = state.workers
): WorkerRecord | undefined => {
  const demand = demandOf(state, task)
  if (demand !== undefined && !hasTags(state, demand, round)) return undefined
  const suitable = demand === undefined
    ? workers
    : workers.filter((worker) => suits(state, worker, demand) && fits(worker, demand, round))
  return elsewhere(state, task, suitable) ?? leastLoaded(suitable)
}

/** The open worker with the greatest share of free slots; the first of equals. */
export const leastLoaded = (workers: ReadonlyArray<WorkerRecord>): WorkerRecord | undefined => {
  let best: WorkerRecord | undefined
  for (let i = 0; i < workers.length; i++) {
    const worker = workers[i]!
    if (worker.phase !== "open" || worker.running >= worker.slots) continue
    if (best === undefined || worker.running * best.slots < best.running * worker.slots) best = worker
  }
  return best
}

/** For a task that is tried again, the best worker on which it has not failed yet, if one has a free slot now. */
export const elsewhere = (
  { history }: State,
  task: TaskId,
  workers: ReadonlyArray<WorkerRecord>
): WorkerRecord | undefined => {
  const former = history.size > 0 ? history.get(task) : undefined
  return former && leastLoaded(workers.filter(({ index }) => former.every(({ worker }) => worker !== index)))
}
