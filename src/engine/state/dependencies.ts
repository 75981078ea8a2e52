/**
 * The dependencies and the dependents of a live task, as rows of the table.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import { liveOf } from "../protocol/Registered.ts"
import { entriesOf } from "./later.ts"
import { aliasOf, extrasOf } from "./rare.ts"
import type { State } from "./State.ts"

/**
 * The dependencies of a live task by index, ended or not, with duplicates; -1 for one that it has dropped before its own end, or
 * that is forgotten.
 */
export const dependencyRows = (state: State, task: TaskId): ReadonlyArray<TaskId> => {
  const submission = state.tasks.submission[task]!
  const { offsets, targets } = submission.plan
  const index = state.tasks.index[task]!
  const rows = Array.from(targets.subarray(offsets[index], offsets[index + 1]), (target) => liveOf(submission, target))
  // The rows of dropped dependencies may belong to other tasks by now.
  for (const place of extrasOf(state, task)?.needs?.dropped ?? none) rows[place] = -1
  return rows
}

const none: Iterable<number> = []

/** The dependencies of a live task without the dropped ones. */
export const dependenciesOf = (state: State, task: TaskId): ReadonlyArray<TaskId> => {
  const rows = dependencyRows(state, task)
  const dropped = extrasOf(state, task)?.needs?.dropped
  return dropped === undefined || dropped.size === 0 ? rows : rows.filter((_, place) => !dropped.has(place))
}

/** The live dependents of a task, in its own and in later submissions; some may have dropped it at their end. */
export const dependentsOf = (state: State, task: TaskId): ReadonlyArray<TaskId> => {
  const { dependentOffsets, dependents, ids } = state.tasks.submission[task]!
  const index = state.tasks.index[task]!
  const own = Array.from(
    dependents.subarray(dependentOffsets[index], dependentOffsets[index + 1]),
    (dependent) => ids[dependent]!
  )
  // A task that stands for another has dropped its dependencies.
  const live = own.filter((dependent) =>
    dependent >= 0 && aliasOf(state, dependent) === undefined &&
    (extrasOf(state, dependent)?.needs === undefined || dependenciesOf(state, dependent).includes(task))
  )
  return [...live, ...Array.from(entriesOf(state.later.get(task)), ([dependent]) => dependent)]
}
