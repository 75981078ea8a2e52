/**
 * Facts of a claim: by its number while it is live, and by its record alone once it is gone.
 *
 * @since 0.1.0
 */
import type { CancelRequested } from "../protocol/Event.ts"
import type { ClaimId } from "../protocol/ids.ts"
import { firstOf } from "../protocol/Outcome.ts"
import { numberOf } from "../protocol/Registered.ts"
import type { Place } from "../protocol/Registered.ts"
import type { Claim } from "../state/Owner.ts"
import type { State } from "../state/State.ts"

/** The record of a live claim. It says how the claim ended after the engine has dropped it. */
export const claimOf = (state: State, claim: ClaimId): Claim => state.claims.get(claim)!

/** The fields of a cancellation for a claim on the task at this place. */
export const cancelOf = (
  { id, outcome, owner }: Claim,
  place: Place
): Pick<CancelRequested, "claim" | "owner" | "serial" | "cancelled"> => {
  const first = outcome && firstOf(outcome.trail).place
  return { claim: id, owner: owner.id, serial: numberOf(place), cancelled: first && numberOf(first) }
}
