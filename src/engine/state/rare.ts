/**
 * Access to the rare facts of tasks. A plain task costs one look at one bit.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import { Flag } from "../protocol/Phase.ts"
import type { State } from "./State.ts"
import { Extras } from "./TaskExtras.ts"

/** The rare facts of a live task, if it has any. */
export const extrasOf = ({ extras, tasks: { flags } }: State, task: TaskId): Extras | undefined =>
  (flags[task]! & Flag.hasExtras) === 0 ? undefined : extras.get(task)

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
