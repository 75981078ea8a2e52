/**
 * What is asked of owners: who they are, and what they claim.
 *
 * @since 0.1.0
 */
import type { Engine } from "../protocol/Engine.ts"
import type { TaskId } from "../protocol/ids.ts"
import type { Outcome } from "../protocol/Outcome.ts"
import { open } from "../state/State.ts"

/** Whether an owner has not closed. */
export const isOpen = (engine: Engine, owner: number): boolean => open(engine).owners.has(owner)

/** An owner that has not closed: the one that its claims have. */
export const ownerOf = (engine: Engine, owner: number): { readonly id: number; readonly name: string } =>
  open(engine).owners.get(owner)!

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

/** What an owner claims in bulk, and which of the tasks that it wished for failed first. Nothing once it has closed. */
export interface Bulk {
  readonly targets: ReadonlyArray<TaskId>
  readonly roots: ReadonlyArray<Root>
}

const nothing: Bulk = { targets: [], roots: [] }

/** The same object for all that time. */
export const bulkOf = (engine: Engine, owner: number): Bulk => open(engine).owners.get(owner) ?? nothing

const none: Iterable<TaskId> = []

/** The tasks that an owner claims one by one. */
export const claimedBy = (engine: Engine, owner: number): Iterable<TaskId> =>
  open(engine).owners.get(owner)?.claims.keys() ?? none

export { exposed, Told } from "../life/wishes.ts"
