/**
 * Dependents in later submissions than their dependency's.
 */
import type { TaskId } from "../protocol/ids.ts"
import { Flag } from "../protocol/Phase.ts"
import type { Later } from "./Extras.ts"
import type { State } from "./State.ts"

const tableOf = (later: Later): Map<TaskId, number> => typeof later === "number" ? new Map([[later, 1]]) : later

/** The dependents of a live task in later submissions, if it has any: mostly one look at a bit. */
export const laterOf = ({ later, tasks: { flags } }: State, task: TaskId): Later | undefined =>
  (flags[task]! & Flag.hasLater) === 0 ? undefined : later.get(task)

/** Drops them all. */
export const dropLater = (state: State, task: TaskId): void => {
  state.tasks.flags[task]! &= ~Flag.hasLater
  state.later.delete(task)
}

/** Registers `task` for the end of a task of an earlier submission. */
export const addLater = (state: State, dependency: TaskId, task: TaskId): void => {
  const later = laterOf(state, dependency)
  if (later === undefined) {
    state.tasks.flags[dependency]! |= Flag.hasLater
    state.later.set(dependency, task)
    return
  }
  const table = tableOf(later)
  state.later.set(dependency, table.set(task, (table.get(task) ?? 0) + 1))
}

/** Sets for how many of its indices a task is notified of the end of a task of an earlier submission, if it is at all. */
export const unlisten = (state: State, task: TaskId, dependency: TaskId, places = 0): void => {
  const later = laterOf(state, dependency)
  if (later === undefined || timesOf(later, task) === 0) return
  if (places === 0 && later === task) return dropLater(state, dependency)
  const table = tableOf(later)
  if (places > 0) table.set(task, places)
  else table.delete(task)
  if (table.size === 0) dropLater(state, dependency)
  else state.later.set(dependency, table)
}

/** For how many of its indices a task is notified. */
export const timesOf = (later: Later | undefined, task: TaskId): number => {
  if (typeof later === "number") return later === task ? 1 : 0
  return later?.get(task) ?? 0
}

/** Each dependent, with the number of its dependencies on the task. */
export const entriesOf = (later: Later | undefined): Iterable<readonly [TaskId, number]> =>
  later === undefined ? [] : typeof later === "number" ? [[later, 1]] : later
