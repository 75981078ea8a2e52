/**
 * Announced plans: their tasks get rows, ranks and claims in pieces, before they are submitted in one step. A million rows take a
 * tenth of a second to fill; their phases, which make them live, take some milliseconds.
 *
 * @since 0.1.0
 */
import type { ClaimId, TaskId } from "../protocol/ids.ts"
import type { Reference } from "../protocol/Plan.ts"
import type { Members } from "../structures/positions.ts"
import type { Claim, Owner } from "./Owner.ts"
import type { Submission } from "./Submission.ts"

/** A plan before its submission. */
export interface Announced {
  /** It has no place among others yet. */
  readonly submission: Submission
  readonly targets: ReadonlyArray<Reference>
  /** How many tasks have their rows. */
  filled: number
  /** The tasks by position. */
  readonly taskAt: Int32Array
  /** The positions of tasks without dependencies. */
  readonly members: Members
  /** The plan indices of tasks that depend on tasks of other submissions. */
  readonly outer: Array<number>
  /** `undefined` if the targets are claimed with the submission. */
  readonly block: ClaimBlock | undefined
}

/**
 * The claims of an owner on the tasks of one announced plan. They come and go one by one like others, but have consecutive numbers
 * and need no entries in tables: a table of a million entries takes half a second, and grows in steps of 50 ms.
 */
export interface ClaimBlock {
  readonly owner: Owner
  readonly submission: Submission
  /** The number of the first claim. */
  readonly first: ClaimId
  /** By number; `undefined` for those that have ended. */
  readonly claims: Array<Claim | undefined>
  readonly numbers: Array<ClaimId>
  /** For each plan index the last claim on it, as 1 + its place; 0 without claims. */
  readonly last: Int32Array
  /** For each claim the one before it on the same task, in the same way. */
  readonly former: Int32Array
  /** How many have not ended. */
  size: number
}

/** Where a claim with this number is, if it is in a block. */
export const blockOf = (blocks: ReadonlyArray<ClaimBlock>, claim: ClaimId): ClaimBlock | undefined =>
  blocks.find(({ claims, first }) => claim >= first && claim < first + claims.length)

/** The live claims of a block on a task. */
export const claimsIn = (
  { claims, former, last, submission }: ClaimBlock,
  task: TaskId,
  index: number
): ReadonlyArray<Claim> => {
  if (submission.ids[index] !== task) return []
  const found: Array<Claim> = []
  for (let place = last[index]!; place > 0; place = former[place - 1]!) {
    const claim = claims[place - 1]
    if (claim !== undefined) found.unshift(claim)
  }
  return found
}
