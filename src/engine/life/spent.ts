/**
 * What only attempts hold that stop because they were cancelled, or resources that are finalized for good. It is there for
 * them alone, so its keys are free like theirs.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import { Phase } from "../protocol/Phase.ts"
import { dependenciesOf } from "../state/dependencies.ts"
import { holdsDependencies, isGivenValue } from "../state/lookups.ts"
import type { State } from "../state/State.ts"

/** All such tasks. Empty, without a walk, while nothing stops. */
export const spentTasks = (state: State): ReadonlySet<TaskId> => {
  const spent = new Set<TaskId>()
  if (state.leaving.size === 0) return spent
  const uses = new Map<TaskId, number>()
  const ending = new Set<TaskId>()
  for (const task of state.leaving.keys()) {
    const { phase, refs } = state.tasks
    const isReleased = phase[task] === Phase.releasing && refs[task] === 0
    const isCancelled = phase[task] === Phase.stopping && !isGivenValue(state, task) &&
      (refs[task] === 0 || state.outcomes.get(task)!.reason._tag === "Cancelled")
    if (isReleased || isCancelled) ending.add(task)
  }
  // Those that are added on the way are looked at in their turn.
  for (const task of ending) {
    for (const held of heldBy(state, task)) {
      const count = (uses.get(held) ?? 0) + 1
      uses.set(held, count)
      if (count !== state.tasks.refs[held]) continue
      spent.add(held)
      if (holdsDependencies(state, held)) ending.add(held)
    }
  }
  return spent
}

const heldBy = (state: State, task: TaskId): ReadonlyArray<TaskId> => {
  const alias = state.aliases.get(task)
  return alias === undefined ? dependenciesOf(state, task) : [alias]
}
