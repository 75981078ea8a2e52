/**
 * Access to the rare facts of tasks. A plain task costs one look at one bit.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import { Flag, Phase } from "../protocol/Phase.ts"
import type { State } from "./State.ts"
import { Extras } from "./TaskExtras.ts"

/** The rare facts of a live task, if it has any. */
export const extrasOf = ({ extras, tasks: { flags } }: State, task: TaskId): Extras | undefined =>
  (flags[task]! & Flag.hasExtras) === 0 ? undefined : extras.get(task)

/** The task for which a live task stands since its body returned a graph, if it does. */
export const aliasOf = ({ tasks: { alias, flags } }: State, task: TaskId): TaskId | undefined =>
  (flags[task]! & Flag.isAlias) === 0 ? undefined : alias[task]

/** A task now stands for another. */
export const setAlias = ({ tasks: { alias, flags } }: State, task: TaskId, target: TaskId): void => {
  flags[task]! |= Flag.isAlias
  alias[task] = target
}

/** All tasks that stand for others, each with that one. Costs a walk over all tasks. */
export const allAliases = (state: State): ReadonlyArray<readonly [task: TaskId, target: TaskId]> => {
  const { phase, used } = state.tasks
  const found: Array<readonly [TaskId, TaskId]> = []
  for (let task = 0; task < used; task++) {
    const target = phase[task] === Phase.free ? undefined : aliasOf(state, task)
    if (target !== undefined) found.push([task, target])
  }
  return found
}

/** The record of a live task for its rare facts. */
export const extrasFor = (state: State, task: TaskId): Extras => {
  const known = extrasOf(state, task)
  if (known !== undefined) return known
  const extras = new Extras()
  state.extras.set(task, extras)
  state.tasks.flags[task]! |= Flag.hasExtras
  return extras
}

/** Drops one of the rare facts of a task. */
export const dropExtra = (state: State, task: TaskId, name: keyof Extras): void => {
  const extras = extrasOf(state, task)
  if (extras !== undefined) extras[name] = undefined
}

/** One rare fact of all tasks that have it. Costs a walk over all records. */
export const allExtras = <K extends keyof Extras>(state: State, name: K): Map<TaskId, NonNullable<Extras[K]>> => {
  const found = new Map<TaskId, NonNullable<Extras[K]>>()
  for (const [task, extras] of state.extras) {
    const value = extras[name]
    if (value !== undefined) found.set(task, value)
  }
  return found
}
