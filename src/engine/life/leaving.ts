/**
 * On whose behalf tasks stop and results are released (S14): a list of owners for each task that leaves. A task that loses its last
 * user takes over the list of that user, so a wait on behalf of an owner goes on with what follows from what it stopped, to any
 * depth.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import { Flag } from "../protocol/Phase.ts"
import { numberOf } from "../protocol/Registered.ts"
import { claimsOn } from "../state/claims.ts"
import { dependentsOf } from "../state/dependencies.ts"
import { holdsDependencies } from "../state/lookups.ts"
import type { Behalf, Owner } from "../state/Owner.ts"
import { extrasFor } from "../state/rare.ts"
import type { State } from "../state/State.ts"

/** Records that `task` leaves because `user` no longer needs it; -1 for the owner that withdraws in this step, if any. */
export const note = (state: State, task: TaskId, user: TaskId): void => {
  const because = user >= 0 ? behalvesOf(state, user) : withdrawing(state)
  put(state, task, both(state, task, because))
}

/** Records that `task` leaves by itself, unless it has a reason already. */
export const noteOwn = (state: State, task: TaskId): void => {
  if (!state.leaving.has(task)) put(state, task, ownBehalves(state, task))
}

/** A task that ends because of `by` also leaves on the behalves of `by`. */
export const inherit = (state: State, task: TaskId, by: TaskId): void => {
  const because = state.leaving.get(by)
  if (because !== undefined) put(state, task, both(state, task, because))
}

const put = (state: State, task: TaskId, behalves: ReadonlyArray<Behalf>): void => {
  state.leaving.set(task, behalves)
  // So that the entry is dropped with all others.
  extrasFor(state, task)
}

/** The tasks that leave on this behalf; with a cancelled task, only those of that cancellation. */
export const leavingOn = (state: State, { cancelled, owner }: Behalf): Array<TaskId> => {
  const isMeant = (behalf: Behalf): boolean =>
    behalf.owner === owner && (cancelled === undefined || behalf.cancelled === cancelled)
  const found: Array<TaskId> = []
  for (const [task, behalves] of state.leaving) if (behalves.some(isMeant)) found.push(task)
  return found
}

/** The behalves of a task together with these. Thousands of tasks may leave at once for one reason: they share a list. */
const both = (state: State, task: TaskId, because: ReadonlyArray<Behalf>): ReadonlyArray<Behalf> => {
  const { id } = state.tasks.submission[task]!.owner
  const isShared = !state.leaving.has(task) && state.owners.has(id) && because.some(({ owner }) => owner === id)
  return isShared ? because : union(behalvesOf(state, task), because)
}

/** On whose behalf a task leaves, or would if it left by itself. */
const behalvesOf = (state: State, task: TaskId): ReadonlyArray<Behalf> =>
  state.leaving.get(task) ?? ownBehalves(state, task)

const none: ReadonlyArray<Behalf> = []

const withdrawing = ({ step: { cancelling: { owner, task } } }: State): ReadonlyArray<Behalf> =>
  owner === undefined ? none : [{ owner, cancelled: task && numberOf(task) }]

const ownBehalves = (state: State, task: TaskId): ReadonlyArray<Behalf> => {
  const { owner } = state.tasks.submission[task]!
  const own = { owner: owner.id, cancelled: undefined }
  return state.owners.has(owner.id) ? [own] : union([own], heirsOf(state, task))
}

/**
 * The owners that want a task whose own owner has closed: those that claim it, and the owners of its dependents. One walk over
 * these tasks, and one over the owners.
 */
const heirsOf = (state: State, task: TaskId): ReadonlyArray<Behalf> => {
  if (state.tasks.refs[task] === 0) return none
  const heirs = new Map<string, Behalf>()
  const add = (behalf: Behalf) => heirs.set(`${behalf.owner} ${behalf.cancelled}`, behalf)
  // The task, and its dependents whose owners have closed.
  const wanted = new Set([task])
  // Those that are added on the way are looked at in their turn.
  for (const each of wanted) {
    for (const dependent of dependentsOf(state, each)) {
      const isUser = holdsDependencies(state, dependent) || (state.tasks.flags[dependent]! & Flag.told) === 0
      if (!isUser) continue
      const { id } = state.tasks.submission[dependent]!.owner
      const known = state.leaving.get(dependent)
      if (known !== undefined) { for (const behalf of known) add(behalf) }
      else if (state.owners.has(id)) add({ owner: id, cancelled: undefined })
      else wanted.add(dependent)
    }
  }
  for (const owner of state.owners.values()) {
    if (wants(state, owner, wanted)) add({ owner: owner.id, cancelled: undefined })
  }
  return [...heirs.values()]
}

/** Whether an owner wants any of these tasks. */
const wants = (state: State, owner: Owner, tasks: ReadonlySet<TaskId>): boolean => {
  const { claims, targets } = owner
  if (state.claimBlocks.length > 0) {
    for (const task of tasks) {
      if (claimsOn(state, owner, task).length > 0) return true
    }
  }
  const [some, others] = claims.size < tasks.size ? [claims.keys(), tasks] : [tasks, claims]
  for (const task of some) if (others.has(task)) return true
  return targets.some((task) => tasks.has(task))
}

const union = (some: ReadonlyArray<Behalf>, others: ReadonlyArray<Behalf>): ReadonlyArray<Behalf> => {
  const isNew = ({ cancelled, owner }: Behalf): boolean =>
    !some.some((behalf) => behalf.owner === owner && behalf.cancelled === cancelled)
  const more = others.filter(isNew)
  return more.length === 0 ? some : [...some, ...more]
}
