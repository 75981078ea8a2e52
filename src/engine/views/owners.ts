/**
 * Queries about owners and their claims.
 *
 * @since 0.1.0
 */
import type { Engine } from "../protocol/Engine.ts"
import type { TaskId } from "../protocol/ids.ts"
import type { Outcome } from "../protocol/Outcome.ts"
import { tasksClaimedBy } from "../state/claims.ts"
import { open } from "../state/State.ts"

/** Whether an owner has not closed. */
export const isOpen = (engine: Engine, owner: number): boolean => open(engine).owners.has(owner)

/** The numbers of the owners that have not closed. */
export const openOwners = (engine: Engine): Iterable<number> => open(engine).owners.keys()

/** The static position of a task that stands for one of another submission, and where its own submission stands. */
export interface Within {
  readonly position: number
  readonly within: Within | undefined
}

/** A task that failed by itself while an owner wished it to end. */
export interface Root extends Within {
  readonly outcome: Outcome
}

/** The bulk claims of an owner, and the tasks it wished for that failed by themselves. Both are empty once it has closed. */
export interface Bulk {
  readonly targets: ReadonlyArray<TaskId>
  readonly roots: ReadonlyArray<Root>
}

const nothing: Bulk = { targets: [], roots: [] }

/** The bulk claims of an owner. It is the same object until the owner closes. */
export const bulkOf = (engine: Engine, owner: number): Bulk => open(engine).owners.get(owner) ?? nothing

const none: ReadonlyArray<TaskId> = []

/** The tasks that an owner claims one by one. */
export const claimedBy = (engine: Engine, owner: number): Iterable<TaskId> => {
  const state = open(engine)
  const present = state.owners.get(owner)
  return present === undefined ? none : tasksClaimedBy(state, present)
}

export { exposed, Told } from "../life/wishes.ts"
