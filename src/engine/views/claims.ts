/**
 * Queries about claims. A live claim is found by its number; after its end only its record remains.
 *
 * @since 0.1.0
 */
import type { Engine } from "../protocol/Engine.ts"
import type { CancelRequested } from "../protocol/Event.ts"
import type { ClaimId, TaskId } from "../protocol/ids.ts"
import { firstOf } from "../protocol/Outcome.ts"
import type { Outcome } from "../protocol/Outcome.ts"
import { numberOf } from "../protocol/Registered.ts"
import type { Place, Registered } from "../protocol/Registered.ts"
import { findClaim } from "../state/claims.ts"
import { open } from "../state/State.ts"

/** A claim, read-only. When the claim ends, the engine updates this record once more and forgets it. */
export interface Claim {
  readonly id: ClaimId
  readonly owner: { readonly id: number; readonly name: string }
  readonly task: TaskId
  readonly state: "live" | "cancelled" | "released"
  /** Set with `cancelled`, as are the starts of the task until then and the name of the worker of the last one. */
  readonly outcome: Outcome | undefined
  readonly starts: number
  readonly worker: string | undefined
}

/** The record of a live claim. */
export const claimOf = (engine: Engine, claim: ClaimId): Claim => findClaim(open(engine), claim)!

/** What is registered of an announced plan: its record, and the claims so far. */
export interface Registering {
  readonly submission: Registered
  /** `undefined` if they are made with the submission. */
  readonly claims: ReadonlyArray<Claim | undefined> | undefined
}

export const registering = (engine: Engine, announced: number): Registering | undefined => {
  const present = open(engine).announced.get(announced)
  return present && { submission: present.submission, claims: present.block?.claims }
}

/** The fields of {@link CancelRequested} for a claim on the task at this place. */
export const cancelOf = (
  { id, outcome, owner }: Claim,
  place: Place
): Pick<CancelRequested, "claim" | "owner" | "serial" | "cancelled"> => {
  const first = outcome && firstOf(outcome.trail).place
  return { claim: id, owner: owner.id, serial: numberOf(place), cancelled: first && numberOf(first) }
}
