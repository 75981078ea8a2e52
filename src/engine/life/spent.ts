/**
 * Spent tasks: held only by cancelled or unwanted attempts that are stopping, by resources that are finalized for good, or by
 * other spent tasks. Their keys are free, like those of their users.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import { hasEnded, Phase } from "../protocol/Phase.ts"
import { dependenciesOf } from "../state/dependencies.ts"
import type { Held } from "../state/Extras.ts"
import { holdsDependencies, isGivenValue, phaseOf } from "../state/lookups.ts"
import { aliasOf, extrasOf } from "../state/rare.ts"
import type { State } from "../state/State.ts"

/** Whether a task is spent. */
export const isSpent = (state: State, task: TaskId): boolean => {
  if (state.leaving.size === 0) return false
  return isSpentBy(state, state.held ??= heldNow(state), task)
}

/** The same from the counts in `held`. */
export const isSpentBy = (state: State, held: Held, task: TaskId): boolean => {
  const { refs } = state.tasks
  const uses = held.uses.get(task) ?? 0
  if (uses === refs[task]) return uses > 0
  return held.deep.size > 0 && uses + (usesBySpent(state, held).get(task) ?? 0) === refs[task]
}

/** Records whether a leaving task is ending. */
export const update = (state: State, task: TaskId): void => {
  const { held } = state
  if (held === undefined || isEnding(state, task) === held.ending.has(task)) return
  if (held.ending.has(task)) remove(held, task)
  else add(state, held, task)
}

/** Records that a task drops its holds. */
export const noteDropped = ({ held }: State, task: TaskId): void => {
  if (held?.ending.has(task) === true) remove(held, task)
}

/** The holds of ending tasks, counted from first principles. */
export const heldNow = (state: State): Held => {
  const held: Held = { ending: new Map(), uses: new Map(), deep: new Set() }
  for (const task of state.leaving.keys()) if (isEnding(state, task)) add(state, held, task)
  return held
}

const isEnding = (state: State, task: TaskId): boolean => {
  const { phase, refs } = state.tasks
  // A task that is settled with a value keeps its key and may be wanted again.
  if (isGivenValue(state, task)) return false
  if (phase[task] === Phase.releasing) return refs[task] === 0
  if (phase[task] !== Phase.stopping) return false
  return refs[task] === 0 || extrasOf(state, task)!.outcome!.reason._tag === "Cancelled"
}

const add = (state: State, { deep, ending, uses }: Held, task: TaskId): void => {
  const dependencies = heldBy(state, task)
  ending.set(task, dependencies)
  for (const each of dependencies) {
    uses.set(each, (uses.get(each) ?? 0) + 1)
    if (!hasEnded(phaseOf(state, each)) || heldBy(state, each).length > 0) deep.add(each)
  }
}

const remove = ({ deep, ending, uses }: Held, task: TaskId): void => {
  for (const each of ending.get(task)!) {
    const left = uses.get(each)! - 1
    if (left > 0) uses.set(each, left)
    else {
      uses.delete(each)
      deep.delete(each)
    }
  }
  ending.delete(task)
}

/** How many users of a task are spent. */
const usesBySpent = (state: State, { deep, uses }: Held): ReadonlyMap<TaskId, number> => {
  const { refs } = state.tasks
  const more = new Map<TaskId, number>()
  const spent = [...deep].filter((task) => uses.get(task) === refs[task])
  // Those that are added on the way are looked at in their turn.
  for (const task of spent) {
    for (const each of heldBy(state, task)) {
      const count = (more.get(each) ?? 0) + 1
      more.set(each, count)
      if ((uses.get(each) ?? 0) + count === refs[each]) spent.push(each)
    }
  }
  return more
}

const none: ReadonlyArray<TaskId> = []

const heldBy = (state: State, task: TaskId): ReadonlyArray<TaskId> => {
  if (!holdsDependencies(state, task)) return none
  const alias = aliasOf(state, task)
  return alias === undefined ? dependenciesOf(state, task) : [alias]
}
