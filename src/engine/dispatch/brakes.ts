/**
 * Brakes on starts: a budget of held results, and a throttle for sources. A brake never stalls a computation: it releases as soon
 * as nothing else can go on.
 *
 * An attempt is at work if it holds a slot and is in no wait that the engine sees. It ends or begins to wait by itself. All
 * brakes release while no attempt is at work, so some attempt is at work until nothing is ready.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import { dropExtra, extrasFor, extrasOf } from "../state/rare.ts"
import type { State } from "../state/State.ts"
import { isSourceAt } from "../state/Submission.ts"
import type { WorkerRecord } from "../state/WorkerRecord.ts"
import { holdsSlot } from "./keepers.ts"

/** Counts a result that is held from now on. */
export const noteHeld = (state: State, task: TaskId, size = 1): void => {
  extrasFor(state, task).size = size
  state.balance.heldSize += size
}

/** Counts a result no longer, if it was counted. */
export const noteGone = (state: State, task: TaskId): void => {
  const size = extrasOf(state, task)?.size
  if (size === undefined) return
  dropExtra(state, task, "size")
  state.balance.heldSize -= size
}

/** What the budget holds back while an attempt is at work. */
export const brakeOf = ({ balance: { heldSize }, fairness: { budget } }: State): "none" | "sources" | "all" => {
  if (budget === undefined) return "none"
  return heldSize > budget.pause ? "all" : heldSize > budget.target ? "sources" : "none"
}

/** Whether an attempt is at work. */
export const isAnyAtWork = (state: State): boolean => {
  let holders = 0
  for (const { running } of state.workers) holders += running
  for (const task of state.keeping.keys()) if (holdsSlot(state, task)) holders--
  return holders > 0
}

/** Whether a live task is a source that the layer may hold back. */
export const isBraked = ({ fairness, tasks: { index, submission } }: State, task: TaskId): boolean =>
  (fairness.sourceSaturation < 1 || fairness.budget !== undefined) && isSourceAt(submission[task]!, index[task]!)

/** The most sources that may be at work on a worker. */
export const mostSources = ({ fairness: { sourceSaturation } }: State, { slots }: WorkerRecord): number =>
  Math.max(1, Math.ceil(sourceSaturation * slots))

/** Counts a source that has taken a slot, if sources are throttled. */
export const noteSource = (state: State, task: TaskId): void => {
  if (state.fairness.sourceSaturation < 1 && isBraked(state, task)) state.balance.sources.add(task)
}

/**
 * The workers on which another source may start. Sources that keep their slot in a wait do not count, because they may wait for a
 * source.
 */
export const forSources = (state: State, workers: ReadonlyArray<WorkerRecord>): ReadonlyArray<WorkerRecord> => {
  if (state.balance.sources.size === 0) return workers
  const sources = state.workers.map(() => 0)
  for (const task of state.balance.sources) if (!state.keeping.has(task)) sources[state.tasks.worker[task]!]!++
  return workers.filter((worker) => sources[worker.index]! < mostSources(state, worker))
}
