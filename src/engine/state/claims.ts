/**
 * Where claims are found.
 */
import type { ClaimId, TaskId } from "../protocol/ids.ts"
import { blockOf, claimsIn } from "./Announced.ts"
import type { ClaimBlock } from "./Announced.ts"
import type { Claim, Owner } from "./Owner.ts"
import type { State } from "./State.ts"

type Claims = Pick<State, "claimBlocks" | "claims">

/** The claim with this number, unless it has ended. */
export const findClaim = ({ claimBlocks, claims }: Claims, id: ClaimId): Claim | undefined =>
  claims.get(id) ?? (claimBlocks.length === 0 ? undefined : inBlock(claimBlocks, id))

const inBlock = (blocks: ReadonlyArray<ClaimBlock>, id: ClaimId): Claim | undefined => {
  const block = blockOf(blocks, id)
  return block?.claims[id - block.first]
}

const noClaims: ReadonlyArray<Claim> = []

/** The owner's claims on one task, as a new list. */
export const claimsOn = (state: State, owner: Owner, task: TaskId): ReadonlyArray<Claim> => {
  const present = owner.claims.get(task)
  const own = present === undefined ? noClaims : present instanceof Set ? [...present] : [present]
  if (state.claimBlocks.length === 0) return own
  const { index, submission } = state.tasks
  const blocks = state.claimBlocks.filter((block) => block.owner === owner && block.submission === submission[task])
  return [...blocks.flatMap((block) => claimsIn(block, task, index[task]!)), ...own]
}

/** All claims of an owner. */
export function* claimsOf({ claimBlocks }: Claims, owner: Owner): Iterable<Claim> {
  for (const block of claimBlocks) {
    if (block.owner === owner) { for (const claim of block.claims) if (claim !== undefined) yield claim }
  }
  for (const present of owner.claims.values()) {
    if (present instanceof Set) yield* present
    else yield present
  }
}

/** Forgets a claim that is in a block. Returns whether it was. */
export const leaveBlock = ({ claimBlocks }: Claims, { id }: Claim): boolean => {
  const block = blockOf(claimBlocks, id)
  if (block === undefined) return false
  block.claims[id - block.first] = undefined
  block.size--
  if (block.size === 0) claimBlocks.splice(claimBlocks.indexOf(block), 1)
  return true
}

/** The tasks that an owner claims one by one, each once. */
export const tasksClaimedBy = (state: Claims, owner: Owner): Iterable<TaskId> =>
  state.claimBlocks.length === 0
    ? owner.claims.keys()
    : new Set(Array.from(claimsOf(state, owner), ({ task }) => task))
