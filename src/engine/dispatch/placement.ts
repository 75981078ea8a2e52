/**
 * The workers on which a task may run, and which of them are best.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import type { Demand, Exclusion, Locality, TaskKind, WorkerKind } from "../protocol/Plan.ts"
import { kindOf, settingsOf } from "../state/lookups.ts"
import type { Crowd } from "../state/Queue.ts"
import { extrasFor, extrasOf } from "../state/rare.ts"
import type { State } from "../state/State.ts"
import { takesTasks } from "../state/WorkerRecord.ts"
import type { WorkerRecord } from "../state/WorkerRecord.ts"
import { couldHold, fits, hasTags, isLimited, isUsedUp } from "./amounts.ts"
import type { Round } from "./amounts.ts"
import { forSources } from "./brakes.ts"
import { mustWait } from "./delays.ts"
import type { Kinds } from "./lanes.ts"
import { isFree } from "./room.ts"
import { pick } from "./schemes.ts"

/** The demand of a task on a worker beside a slot, if any. */
export const demandOf = (state: State, task: TaskId): Demand | undefined =>
  extrasOf(state, task)?.barred ?? settingsOf(state, task)?.demand

/** What decides on which workers a task may run: its demand and its kind. */
export interface Wanted {
  readonly demand: Demand | undefined
  readonly kind: TaskKind
}

export const wantedOf = (state: State, task: TaskId): Wanted => ({
  demand: demandOf(state, task),
  kind: kindOf(state, task)
})

/** Whether a worker is of a kind that may run a task. */
export const mayRun = (worker: Pick<WorkerRecord, "kind">, { kind }: Pick<Wanted, "kind">): boolean =>
  kind === "portable" || kind === worker.kind

/** One name for equal demands. It includes the ratings of the workers, so it changes as workers come and go. */
export const nameOf = (state: State, demand: Demand): string => {
  const { allowOthers, amounts, excluded, followed, keepsAmounts, labels, locality, tags, workers } = demand
  return JSON.stringify([
    workers?.toSorted(),
    labels?.toSorted(),
    allowOthers,
    amounts && Object.entries(amounts).sort(([a], [b]) => a < b ? -1 : 1),
    keepsAmounts,
    tags?.toSorted(),
    excluded && [...excluded.keys()].toSorted((a, b) => a - b),
    followed && [...followed.on].toSorted((a, b) => a - b),
    locality && ratingsOf(state, locality)
  ])
}

const ratingsOf = ({ workers }: State, locality: Locality): ReadonlyArray<number | string> =>
  workers.flatMap(({ info, phase, serial }) => phase === "open" ? [serial, locality(info)] : [])

/** Whether a worker meets the demand's names and labels. */
export const meets = ({ info, name }: WorkerRecord, { labels, workers }: Demand): boolean =>
  (workers === undefined || workers.includes(name)) &&
  (labels === undefined || labels.every((label) => info.labels.includes(label)))

/** Whether a new worker with nothing but slots, of a kind that may run it, could run a task. */
export const maySuitNew = (state: State, wanted: Wanted): boolean => {
  const { demand } = wanted
  return demand === undefined || (!needsSome(demand) && demand.followed === undefined && (demand.allowOthers !== true ||
    !state.workers.some((worker) => maySuit(state, worker, wanted) && meets(worker, demand))))
}

/** Whether a demand restricts the workers by name, label or resources. */
export const needsSome = ({ allowOthers, amounts, labels, workers }: Demand): boolean =>
  amounts !== undefined || (allowOthers !== true && (workers ?? labels) !== undefined)

/** Whether only its name and labels could rule a worker out. */
const accepts = (worker: WorkerRecord, demand: Demand): boolean =>
  couldHold(worker, demand) && demand.excluded?.has(worker.serial) !== true && isFollowing(worker, demand) &&
  (demand.locality === undefined || rate(worker, demand.locality) >= 0)

/** Whether enough of the followed tasks ran on a worker. */
export const isFollowing = ({ serial }: WorkerRecord, { followed }: Demand): boolean =>
  followed === undefined || followed.on.has(serial)

/** The rating of a worker by a task; below 0 if the task never runs there. */
const rate = ({ info }: WorkerRecord, locality: Locality): number => {
  const rating = locality(info)
  return typeof rating === "number" ? rating : -1
}

/** Whether a worker takes such tasks, once it has a free slot. */
export const suits = (state: State, worker: WorkerRecord, wanted: Wanted): boolean =>
  worker.phase === "open" && satisfies(state, worker, wanted)

/** The same for a worker that may be starting. */
export const maySuit = (state: State, worker: WorkerRecord, wanted: Wanted): boolean =>
  takesTasks(worker) && satisfies(state, worker, wanted)

const satisfies = (state: State, worker: WorkerRecord, wanted: Wanted): boolean => {
  const { demand } = wanted
  if (!mayRun(worker, wanted)) return false
  if (demand === undefined) return true
  if (!accepts(worker, demand)) return false
  const isAskedFor = (other: WorkerRecord): boolean =>
    takesTasks(other) && mayRun(other, wanted) && accepts(other, demand) && meets(other, demand)
  return meets(worker, demand) || (demand.allowOthers === true && !state.workers.some(isAskedFor))
}

/** Rules out a task's worker for that task, after its body reported Unmet there. This adds to the task's demand. */
export const exclude = (state: State, task: TaskId, why: string): void => {
  const demand = demandOf(state, task)
  const { name, serial } = state.workers[state.tasks.worker[task]!]!
  const excluded = new Map<number, Exclusion>(demand?.excluded)
  extrasFor(state, task).barred = { ...demand, excluded: excluded.set(serial, { worker: name, why }) }
}

/** The workers on which the tasks of a crowd may start. */
export const workersFor = (state: State, { isSource, workers }: Crowd): ReadonlyArray<WorkerRecord> =>
  isSource ? forSources(state, workers) : workers

/** Whether no task of a crowd can start in this round or withhold more. */
export const isSpent = (state: State, crowd: Crowd, round: Round): boolean => {
  if (mustWait(state, crowd)) return true
  return isLimited(state, crowd)
    ? isUsedUp(state, crowd, round)
    : !workersFor(state, crowd).some((worker) => isFree(state, worker))
}

/** The worker on which a ready task starts now; `undefined` if all are busy, or its amounts or tags are not free. */
export const choose = (
  state: State,
  task: TaskId,
  round: Round,
  workers: ReadonlyArray<WorkerRecord>
): WorkerRecord | undefined => {
  const demand = demandOf(state, task)
  if (demand !== undefined && !hasTags(state, demand, round)) return undefined
  const able = workers.filter((worker) =>
    isFree(state, worker) && (demand === undefined || fits(worker, demand, round))
  )
  const kind = state.isDivided ? kindOf(state, task) : undefined
  const permitted = kind === undefined ? able : able.filter((worker) => mayRun(worker, { kind }))
  if (permitted.length === 0) return undefined
  const others = unfailed(state, task, permitted)
  const from = others === undefined || others.length === 0 ? permitted : others
  const preferred = demand?.locality === undefined ? from : best(from, demand.locality)
  return pick(state, kind === undefined ? preferred : atSite(kind, preferred))
}

/**
 * The kind of the worker that a task takes, if workers of these kinds have room: a portable task leaves local ones to local tasks. All
 * that starts or is sent ahead follows this rule.
 */
export const siteOf = (kind: TaskKind, { local, remote }: Kinds): WorkerKind | undefined => {
  if (remote && kind !== "local") return "remote"
  return local && kind !== "remote" ? "local" : undefined
}

/** The workers that a task takes of these, which are free. */
const atSite = (kind: TaskKind, workers: ReadonlyArray<WorkerRecord>): ReadonlyArray<WorkerRecord> => {
  const isAny = (of: WorkerKind): boolean => workers.some((worker) => worker.kind === of)
  const site = siteOf(kind, { local: isAny("local"), remote: isAny("remote") })
  return workers.filter((worker) => worker.kind === site)
}

/** The workers that are preferred most. */
const best = (workers: ReadonlyArray<WorkerRecord>, locality: Locality): ReadonlyArray<WorkerRecord> => {
  const ratings = workers.map((worker) => rate(worker, locality))
  const highest = Math.max(...ratings)
  return workers.filter((_, i) => ratings[i] === highest)
}

/** The open worker with the greatest share of free slots; the first of equals. */
export const leastLoaded = (workers: ReadonlyArray<WorkerRecord>, kind?: WorkerKind): WorkerRecord | undefined => {
  let best: WorkerRecord | undefined
  for (let i = 0; i < workers.length; i++) {
    const worker = workers[i]!
    if (worker.phase !== "open" || worker.running >= worker.slots) continue
    if (kind !== undefined && worker.kind !== kind) continue
    if (best === undefined || worker.running * best.slots < best.running * worker.slots) best = worker
  }
  return best
}

/** For a retry, the best worker on which the task has not failed yet, if one has a free slot. */
export const elsewhere = (
  state: State,
  task: TaskId,
  workers: ReadonlyArray<WorkerRecord>
): WorkerRecord | undefined => {
  const others = unfailed(state, task, workers)
  return others && leastLoaded(others)
}

/** The same as {@link elsewhere} with workers of both kinds, by the rule of {@link siteOf}. */
export const elsewhereOfKind = (state: State, task: TaskId): WorkerRecord | undefined => {
  const others = unfailed(state, task, state.workers)
  if (others === undefined) return undefined
  const free = others.filter(({ phase, running, slots }) => phase === "open" && running < slots)
  return leastLoaded(atSite(kindOf(state, task), free))
}

/** For a retry, the workers on which the task has not failed yet. */
export const unfailed = (
  state: State,
  task: TaskId,
  workers: ReadonlyArray<WorkerRecord>
): ReadonlyArray<WorkerRecord> | undefined => {
  const former = extrasOf(state, task)?.history
  return former && workers.filter(({ index }) => former.every(({ worker }) => worker !== index))
}
