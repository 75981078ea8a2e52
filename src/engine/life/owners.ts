/**
 * Owners and their claims. Cancelling and closing are the same at two sizes: claims are withdrawn, and tasks without users end.
 *
 * @since 0.1.0
 */
import { limit } from "../dispatch/amounts.ts"
import type { CancelRequested, ClaimShared, ClaimsReleased, OwnerClosed, OwnerOpened } from "../protocol/Event.ts"
import type { TaskId } from "../protocol/ids.ts"
import type { Out } from "../protocol/Instruction.ts"
import type { Trail } from "../protocol/Outcome.ts"
import { Flag, hasEnded, Phase } from "../protocol/Phase.ts"
import { claimsOn, findClaim, leaveBlock } from "../state/claims.ts"
import { dependentsOf } from "../state/dependencies.ts"
import { keyOf, nameOfWorker, phaseOf, placeOf, sequenceOf } from "../state/lookups.ts"
import { dropFailure, outcomeOf } from "../state/outcomes.ts"
import { unwanted } from "../state/Owner.ts"
import type { Claim, Owner } from "../state/Owner.ts"
import type { State } from "../state/State.ts"
import { propagate } from "./agenda.ts"
import { cancel, cancelledBy } from "./cancel.ts"
import * as leaving from "./leaving.ts"
import { unref } from "./release.ts"
import * as waits from "./waits.ts"

/** Handles {@link OwnerOpened}. */
export const open = (state: State, { group, limits, name, owner, stream }: OwnerOpened): void => {
  openAs(state, owner, name, limits?.tag, group, stream)
  if (limits !== undefined) limit(state, limits)
}

/** Opens an owner. */
export const openAs = (
  state: State,
  id: number,
  name: string,
  tag?: string,
  group?: string,
  stream?: string
): Owner => {
  const owner: Owner = { id, name, tag, group, stream, claims: noneYet, targets: [], wishing: undefined, roots: [] }
  state.owners.set(id, owner)
  return owner
}

/** Handles {@link CancelRequested}. A task that has ended is not affected. */
export const request = (state: State, event: CancelRequested, out: Out): void => {
  const { alone = false, by, force, owner, reason, replacement } = event
  const claim = findClaim(state, event.claim)
  // With `force`, the owner need not have an interest to withdraw.
  const task = claim?.task ?? (force ? liveTask(state, event.serial) : -1)
  const isOpen = task >= 0 && !hasEnded(phaseOf(state, task)) && state.tasks.refs[task]! > 0
  const isMeant = task >= 0 && (isOpen || claim !== undefined || event.cancelled === undefined)
  const cancelled = isMeant ? sequenceOf(state, task) : event.cancelled
  if (isOpen) {
    state.step.cancelling = { task: placeOf(state, task), by, reason, replacement, owner }
    if (force || claim === undefined) {
      leaving.note(state, task, -1)
      cancel(state, task, out)
    } else cancelClaims(state, claim, alone, out)
    followUp(state, out)
  }
  // The owner of a gone claim may have closed: its number still marks what leaves because of this.
  const behalf = cancelled === undefined ? undefined : { owner, cancelled }
  const open = behalf === undefined ? [] : leaving.leavingOn(state, behalf)
  waits.enter(state, { ...event, mode: "all", behalf }, open, undefined, out)
}

/** The live task with this number among all tasks, or -1. Costs a walk over all of them. */
const liveTask = (state: State, serial: number): TaskId => {
  const { phase, used } = state.tasks
  for (let task = 0; task < used; task++) {
    if (phase[task] !== Phase.free && sequenceOf(state, task) === serial) return task
  }
  return -1
}

/** Cancels a claim of an owner, alone or with all on the same task and downstream of it. */
const cancelClaims = (state: State, first: Claim, alone: boolean, out: Out): void => {
  const { starts, worker } = state.tasks
  const { owner, task } = first
  const outcome = outcomeOf(state, task, cancelledBy(state, task))
  const claims = alone ? [[first, outcome.trail] as const] : claimsDownstream(state, owner, task, outcome.trail)
  for (const [claim, trail] of claims) {
    removeClaim(state, claim)
    claim.state = "cancelled"
    claim.outcome = { reason: outcome.reason, trail }
    claim.starts = starts[claim.task]!
    claim.worker = nameOfWorker(state, worker[claim.task]!)
    waits.claimEnded(state, claim, out)
    withdraw(state, claim.task, out)
  }
}

/** What follows from these withdrawals. Tasks that end in this step for another reason do not name the withdrawal. */
const followUp = (state: State, out: Out): void => {
  propagate(state, out)
  state.step.cancelling = unwanted
}

/** Removes an owner from the users of a task. A task that already leaves, for any reason, then leaves on its behalf too. */
const withdraw = (state: State, task: TaskId, out: Out): void => {
  if (state.leaving.size > 0 && state.leaving.has(task)) leaving.note(state, task, -1)
  unref(state, task, out, -1)
}

/** Handles {@link ClaimsReleased}. Other claims of the same owners on the same tasks stay. */
export const release = (state: State, { claims }: ClaimsReleased, out: Out): void => {
  let withdrawal = unwanted
  for (const id of claims) {
    const claim = findClaim(state, id)
    if (claim === undefined) continue
    removeClaim(state, claim)
    const { owner: { id: owner } } = claim
    // Mostly all are of one owner.
    if (withdrawal.owner !== owner) withdrawal = { ...unwanted, owner }
    state.step.cancelling = withdrawal
    dropClaim(state, claim, out)
    // Its consequences have its owner.
    followUp(state, out)
  }
}

const dropClaim = (state: State, claim: Claim, out: Out): void => {
  claim.state = "released"
  waits.claimEnded(state, claim, out)
  withdraw(state, claim.task, out)
}

/** The owner's claims on a task and on everything downstream of it, each with the path there. */
const claimsDownstream = (
  state: State,
  owner: Owner,
  from: TaskId,
  start: Trail
): ReadonlyArray<readonly [Claim, Trail]> => {
  const found: Array<readonly [Claim, Trail]> = []
  const trails = new Map<TaskId, Trail>([[from, start]])
  for (const [task, trail] of trails) {
    for (const own of claimsOn(state, owner, task)) found.push([own, trail])
    for (const dependent of dependentsOf(state, task)) {
      if (hasEnded(phaseOf(state, dependent)) || trails.has(dependent)) continue
      trails.set(dependent, { task: keyOf(state, dependent), from: trail, place: placeOf(state, dependent) })
    }
  }
  return found
}

/** Handles {@link OwnerClosed}: tasks that only this owner wanted end. */
export const close = (state: State, event: OwnerClosed, out: Out): void => {
  const owner = state.owners.get(event.owner)
  if (owner !== undefined) withdrawAll(state, owner, event, out)
  // An owner may be closed twice, by its scope and by the scheduler: both wait.
  if (state.leaving.size === 0) waits.answer(event.wait, undefined, out)
  else {
    const behalf = { owner: event.owner, cancelled: undefined }
    const open = leaving.leavingOn(state, behalf)
    waits.enter(state, { ...event, mode: "all", closing: true, behalf }, open, undefined, out)
  }
  state.owners.delete(event.owner)
}

const withdrawAll = (state: State, owner: Owner, event: OwnerClosed, out: Out): void => {
  state.step.cancelling = event
  if (state.claimBlocks.length > 0) withdrawBlocks(state, owner, out)
  if (owner.claims.size > 0) withdrawClaims(state, owner, out)
  for (const task of owner.targets) withdraw(state, task, out)
  dropWishes(state, owner, out)
  followUp(state, out)
  // What others want goes on without the limit.
  if (owner.tag !== undefined) limit(state, { tag: owner.tag, limit: undefined })
  if (owner.roots.length > 0) { for (const root of owner.roots.splice(0)) dropFailure(state, root.outcome, out) }
}

const withdrawBlocks = (state: State, owner: Owner, out: Out): void => {
  for (const block of state.claimBlocks.filter((each) => each.owner === owner)) {
    state.claimBlocks.splice(state.claimBlocks.indexOf(block), 1)
    for (const claim of block.claims) if (claim !== undefined) dropClaim(state, claim, out)
  }
}

const withdrawClaims = (state: State, { claims }: Owner, out: Out): void => {
  for (const present of claims.values()) {
    if (!(present instanceof Set)) withdrawClaim(state, present, out)
    else for (const claim of present) withdrawClaim(state, claim, out)
  }
  claims.clear()
}

const withdrawClaim = (state: State, claim: Claim, out: Out): void => {
  state.claims.delete(claim.id)
  dropClaim(state, claim, out)
}

const dropWishes = (state: State, owner: Owner, out: Out): void => {
  if (owner.wishing === undefined) return
  for (const { ids } of owner.wishing.keys()) {
    for (const task of ids) {
      if (task < 0 || (state.tasks.flags[task]! & Flag.wished) === 0) continue
      state.tasks.flags[task]! &= ~Flag.wished
      withdraw(state, task, out)
    }
  }
  owner.wishing = undefined
}

/** Ends the waits whose tasks have all left, unless others now leave on their behalf (S14). */
export const endWaits = (state: State, out: Out): void => {
  for (const wait of state.step.endingWaits.splice(0)) {
    waits.endOrGoOn(state, wait, leaving.leavingOn(state, wait.behalf!), out)
  }
}

/** Handles {@link ClaimShared}. */
export const share = (state: State, event: ClaimShared, out: Out): void => {
  const owner = state.owners.get(event.owner)
  const present = findClaim(state, event.claim)
  if (owner === undefined || present === undefined) {
    out.push({ _tag: "Rejected", event: event._tag, reason: { _tag: "Gone", what: "claim" } })
    return
  }
  out.push({ _tag: "Submitted", ids: noIds, claims: [claim(state, owner, present.task).id] })
}

const noIds = new Int32Array(0)

/** The claims of owners that have none; the owner of a computation has bulk claims alone. */
const noneYet: Owner["claims"] = new Map()

/** Adds a claim of the owner on a task. Each claim is given back by itself. */
export const claim = (state: State, owner: Owner, task: TaskId): Claim => {
  if (owner.claims === noneYet) owner.claims = new Map()
  const { claims } = owner
  const id = state.next.claim++
  const made: Claim = { id, owner, task, state: "live", outcome: undefined, starts: 0, worker: undefined }
  state.claims.set(id, made)
  // Without users, it has no claims either.
  const present = state.tasks.refs[task] === 0 ? undefined : claims.get(task)
  if (present === undefined) claims.set(task, made)
  else if (present instanceof Set) present.add(made)
  else claims.set(task, new Set([present, made]))
  state.tasks.refs[task]!++
  return made
}

const removeClaim = (state: State, claim: Claim): void => {
  if (state.claimBlocks.length > 0 && leaveBlock(state, claim)) return
  state.claims.delete(claim.id)
  const { owner: { claims }, task } = claim
  const present = state.tasks.refs[task] === 1 ? claim : claims.get(task)
  if (!(present instanceof Set)) claims.delete(task)
  else if (present.delete(claim) && present.size === 0) claims.delete(task)
}
