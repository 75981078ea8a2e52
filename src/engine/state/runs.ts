/**
 * The live tasks of each key. The table is made at the first query and kept up to date from then on, because few schedulers ask.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import { Phase } from "../protocol/Phase.ts"
import type { Runs } from "./Extras.ts"
import { settingsOf } from "./lookups.ts"
import type { State } from "./State.ts"

const none: ReadonlySet<TaskId> = new Set()

/** The live tasks of a key, in all namespaces. */
export const runsOf = (state: State, key: string): ReadonlySet<TaskId> => {
  state.runs ??= runsNow(state)
  return state.runs.get(key) ?? none
}

/** The same table, from first principles. */
export const runsNow = (state: State): Runs => {
  const { phase, used } = state.tasks
  const runs: Runs = new Map()
  for (let task = 0; task < used; task++) if (phase[task] !== Phase.free) add(state, runs, task)
  return runs
}

/** Records a task that has a row now. */
export const noteRun = (state: State, task: TaskId): void => {
  if (state.runs !== undefined) add(state, state.runs, task)
}

/** Records that a task loses its row. */
export const dropRun = (state: State, task: TaskId): void => {
  const key = state.runs && keyOfRun(state, task)
  if (key === undefined) return
  const runs = state.runs!.get(key)!
  runs.delete(task)
  if (runs.size === 0) state.runs!.delete(key)
}

const add = (state: State, runs: Runs, task: TaskId): void => {
  const key = keyOfRun(state, task)
  if (key === undefined) return
  const present = runs.get(key)
  if (present === undefined) runs.set(key, new Set([task]))
  else present.add(task)
}

const keyOfRun = (state: State, task: TaskId): string | undefined => {
  const settings = settingsOf(state, task)
  return settings?.identity === undefined ? undefined : settings.key
}
