/**
 * What is known of a claim: while it is live by its number, and of one that is gone by its record alone.
 *
 * @since 0.1.0
 */
import type { CancelRequested } from "../protocol/Event.ts"
import type { ClaimId } from "../protocol/ids.ts"
import { firstOf } from "../state/Outcome.ts"
import type { Claim } from "../state/Owner.ts"
import type { State } from "../state/State.ts"
import { numberOf } from "../state/Submission.ts"
import type { Place } from "../state/Submission.ts"

/** The record of a live claim. It says how the claim ended when the engine knows the claim no longer. */
export const claimOf = (state: State, claim: ClaimId): Claim => state.claims.get(claim)!

/** What a cancellation says of a claim on the task at this place. */
export const cancelOf = (
  { id, outcome, owner }: Claim,
  place: Place
): Pick<CancelRequested, "claim" | "owner" | "serial" | "cancelled"> => {
  const first = outcome && firstOf(outcome.trail).place
  return { claim: id, owner: owner.id, serial: numberOf(place), cancelled: first && numberOf(first) }
}
