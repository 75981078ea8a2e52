/**
 * Announced plans: rows and claims in pieces, before the submission in one step.
 *
 * @since 0.1.0
 */
import type { GraphAnnounced, GraphRecalled, RowsFilled } from "../protocol/Event.ts"
import { Phase } from "../protocol/Phase.ts"
import type { Plan, Reference } from "../protocol/Plan.ts"
import type { Announced, ClaimBlock } from "../state/Announced.ts"
import { refusalOf } from "../state/limits.ts"
import type { Owner } from "../state/Owner.ts"
import type { State } from "../state/State.ts"
import type { Submission } from "../state/Submission.ts"
import { positionsOutOf } from "../structures/positions.ts"
import { fillRows, reversedIn } from "./rows.ts"

/** Whoever submits is known with the submission. */
const nobody: Owner = {
  id: 0,
  name: "",
  tag: undefined,
  group: undefined,
  stream: undefined,
  claims: new Map(),
  targets: [],
  wishing: undefined,
  roots: []
}

/** The record of a plan that has no place among others yet. */
const recordOf = (plan: Plan, ids: Int32Array, owner: Owner): Submission => {
  const { offsets: dependentOffsets, targets: dependents } = reversedIn(plan)
  // The same fields in the same order as in `register`, for one shape.
  return {
    number: 0,
    plan,
    ids,
    dependentOffsets,
    dependents,
    ranks: plan.positions,
    lane: undefined,
    otherLanes: undefined,
    priorities: undefined,
    computation: 0,
    ancestor: -1,
    depth: 0,
    priority: 0,
    share: undefined,
    owner,
    parent: undefined,
    nesting: 0,
    guard: undefined,
    sequence: 0,
    submittedAt: 0,
    origins: undefined,
    reach: 0
  }
}

/** Handles {@link GraphAnnounced}. A plan that would be refused now is registered, if ever, with its submission. */
export const announce = (state: State, { announced, owner: number, plan, targets }: GraphAnnounced): void => {
  if (refusalOf(state, plan) !== undefined || state.announced.has(announced)) return
  state.tasks.makeRoom(plan.size)
  const owner = number === undefined ? undefined : state.owners.get(number)
  const submission = recordOf(plan, new Int32Array(plan.size), owner ?? nobody)
  state.announced.set(announced, {
    submission,
    targets,
    filled: 0,
    taskAt: new Int32Array(plan.size),
    members: positionsOutOf(plan.size),
    outer: [],
    block: owner !== undefined && areOwn(targets) ? blockFor(state, owner, submission, targets.length) : undefined
  })
}

/** A loop: a call for each of a million takes 10 ms while it is not optimised. */
const areOwn = (targets: ReadonlyArray<Reference>): boolean => {
  for (let i = 0; i < targets.length; i++) if (targets[i]! < 0) return false
  return true
}

const blockFor = (state: State, owner: Owner, submission: Submission, count: number): ClaimBlock => {
  const first = state.next.claim
  state.next.claim += count
  const { plan: { size } } = submission
  const [last, former] = [new Int32Array(size), new Int32Array(count)]
  return { owner, submission, first, claims: [], numbers: [], last, former, size: 0 }
}

/** Handles {@link RowsFilled}. */
export const fill = (state: State, { announced, rows }: RowsFilled): void => {
  const present = state.announced.get(announced)
  if (present !== undefined) fillOn(state, present, rows)
}

/** Fills so many rows and claims more. */
export const fillOn = (state: State, announced: Announced, rows: number): void => {
  const { block, filled, submission: { plan: { size } } } = announced
  const to = Math.min(size, filled + rows)
  if (filled < to) fillTo(state, announced, to)
  if (block !== undefined) claimTo(state, announced, block, block.size + rows - (to - filled))
}

const fillTo = (state: State, announced: Announced, to: number): void => {
  const { filled: from, members, outer, submission, taskAt } = announced
  const { ids, plan: { offsets, positions, targets } } = submission
  const { tasks } = state
  tasks.reserve(to - from)
  for (let i = from; i < to; i++) {
    const task = tasks.takeAhead()
    ids[i] = task
    taskAt[positions[i]!] = task
    if (offsets[i] === offsets[i + 1]) members.add(positions[i]!)
    else if (targets.subarray(offsets[i], offsets[i + 1]).some(isOuter)) outer.push(i)
  }
  fillRows(state, submission, Phase.free, from, to)
  announced.filled = to
}

const isOuter = (reference: Reference): boolean => reference < 0

const claimTo = (state: State, { submission: { ids }, targets }: Announced, block: ClaimBlock, end: number): void => {
  const { claims, first, former, last, numbers, owner } = block
  const { refs } = state.tasks
  const to = Math.min(targets.length, end)
  for (let place = claims.length; place < to; place++) {
    const index = targets[place]!
    const id = first + place
    const task = ids[index]!
    claims.push({ id, owner, task, state: "live", outcome: undefined, starts: 0, worker: undefined })
    numbers.push(id)
    former[place] = last[index]!
    last[index] = place + 1
    refs[task]!++
  }
  block.size = claims.length
}

/** Handles {@link GraphRecalled}. */
export const recall = (state: State, event: GraphRecalled): void => {
  const announced = take(state, event.announced)
  if (announced !== undefined) drop(state, announced)
}

/** The announced plan with this number, which ends to be one. */
export const take = (state: State, number: number): Announced | undefined => {
  const announced = state.announced.get(number)
  state.announced.delete(number)
  return announced
}

/** Gives the rows of a plan back that is not submitted. */
export const drop = ({ tasks }: State, { filled, submission: { ids } }: Announced): void => {
  for (let i = 0; i < filled; i++) tasks.giveBack(ids[i]!)
  tasks.announced -= filled
}
