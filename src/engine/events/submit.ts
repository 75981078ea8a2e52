/**
 * Makes a plan live: its tasks get rows, ranks and links, and those without open dependencies become ready.
 *
 * @since 0.1.0
 */
import { addLane, demand, isDemanding } from "../dispatch/ready.ts"
import { conclude, dependencyEnded, makeReady, succeedAfter } from "../life/ends.ts"
import { recount } from "../life/groups.ts"
import * as owners from "../life/owners.ts"
import * as waits from "../life/waits.ts"
import { wish } from "../life/wishes.ts"
import type { GraphSubmitted } from "../protocol/Event.ts"
import type { TaskId } from "../protocol/ids.ts"
import type { Out, Refusal } from "../protocol/Instruction.ts"
import { Flag, hasEnded, Phase } from "../protocol/Phase.ts"
import type { Identity, Plan, Reference, TaskKind } from "../protocol/Plan.ts"
import { kindOf, liveOf, nameAt, priorityAt } from "../protocol/Registered.ts"
import type { Announced, ClaimBlock } from "../state/Announced.ts"
import { findClaim } from "../state/claims.ts"
import { addLater } from "../state/later.ts"
import { nestingOf, nestingRefusal, refusalOf } from "../state/limits.ts"
import { phaseOf, placeOf } from "../state/lookups.ts"
import type { Owner } from "../state/Owner.ts"
import type { Lane } from "../state/Queue.ts"
import { noteRun } from "../state/runs.ts"
import type { State } from "../state/State.ts"
import { shareAt } from "../state/Submission.ts"
import type { Place, Submission } from "../state/Submission.ts"
import * as timers from "../state/timers.ts"
import { Look, Use } from "../state/Use.ts"
import { isUsed, use } from "../state/uses.ts"
import { positionsOutOf } from "../structures/positions.ts"
import * as announcements from "./announced.ts"
import * as horizon from "./horizon.ts"
import { commonFlags, fillRows, noteRows, reversedIn } from "./rows.ts"

/** Handles {@link GraphSubmitted}. */
export const submit = (state: State, event: GraphSubmitted, out: Out): void => {
  const owner = event.opens === undefined
    ? state.owners.get(event.owner)
    : owners.openAs(state, event.owner, event.opens)
  const parent = livingParent(state, event)
  const announced = event.announced === undefined ? undefined : announcements.take(state, event.announced)
  const reason = owner === undefined ? gone : refusalOf(state, event.plan) ?? nestingRefusal(state, parent)
  if (owner === undefined || reason !== undefined) {
    if (event.opens !== undefined) state.owners.delete(event.owner)
    if (announced !== undefined) announcements.drop(state, announced)
    out.push({ _tag: "Rejected", event: event._tag, reason: reason ?? gone })
    return
  }
  if (announced !== undefined) announcements.fillOn(state, announced, Infinity)
  const submission = register(state, event.plan, owner, parent, nestingOf(state, parent), announced)
  for (const { formers, index } of event.successions ?? none) succeedAfter(state, submission.ids[index]!, formers)
  const block = announced?.block
  if (event.wait !== undefined) {
    out.push({ _tag: "Submitted", ids: submission.ids, claims: block?.numbers ?? none })
    claimInBulk(state, submission, event, event.wait, out)
  } else if (block === undefined) claimEach(state, submission, event, out)
  else claimBlock(state, block, event, out)
  const lane = announced && plainLaneOf(state, submission, event)
  if (lane === undefined) link(state, submission, out)
  else linkPlain(state, announced!, lane, out)
}

/** A body that outlived its task's record submits as if from outside. */
const livingParent = ({ tasks }: State, { attempt, parent }: GraphSubmitted): TaskId =>
  parent >= 0 && tasks.attempt[parent] === attempt && tasks.submission[parent] !== undefined ? parent : -1

const none: ReadonlyArray<never> = []
const gone: Refusal = { _tag: "Gone", what: "owner" }

/** The claims of a `submit`, which a standing wait may take over. */
const claimEach = (state: State, submission: Submission, { standing, targets }: GraphSubmitted, out: Out): void => {
  const claims = targets.map((target) => owners.claim(state, submission.owner, liveOf(submission, target)))
  const numbers = claims.map(({ id }) => id)
  out.push({ _tag: "Submitted", ids: submission.ids, claims: numbers })
  if (standing !== undefined) waits.stand(state, standing, numbers, claims, out)
}

/** The claims that were registered before the submission. */
const claimBlock = (
  state: State,
  { numbers, submission: { ids } }: ClaimBlock,
  { standing }: GraphSubmitted,
  out: Out
): void => {
  out.push({ _tag: "Submitted", ids, claims: numbers })
  if (standing !== undefined) waits.stand(state, standing, numbers, numbers.map((id) => findClaim(state, id)), out)
}

/** The claims of a `compute`, and its wait for them, or with wishes for all wished tasks. */
const claimInBulk = (
  state: State,
  submission: Submission,
  event: GraphSubmitted,
  wait: number,
  out: Out
): void => {
  const { owner } = submission
  const { refs } = state.tasks
  const targets = event.targets.map((target) => liveOf(submission, target))
  for (const task of targets) refs[task]!++
  // An array that grows has room for a dozen more.
  owner.targets = owner.targets.length === 0 ? targets : [...owner.targets, ...targets]
  let awaited: ReadonlyArray<TaskId> = owner.targets
  if (event.wishes !== undefined) {
    awaited = wish(state, owner, submission, { wishes: event.wishes, wait, within: undefined })
  }
  const mode = event.wishes === undefined ? "firstFailure" : "all"
  const { attempt, keepsSlot, parent: waiter, plan } = event
  const areNew = event.wishes === undefined && event.successions === undefined && isClosed(plan) &&
    event.targets.every(isOwn)
  const request = { wait, mode, waiter, attempt, keepsSlot, areNew } as const
  waits.enter(state, request, awaited, undefined, out)
}

const isOwn = (reference: Reference): boolean => reference >= 0

/** Whether the tasks of a plan depend on no others. */
export const isClosed = ({ reversed, targets }: Plan): boolean => {
  if (reversed !== undefined) return reversed.targets.length === targets.length
  for (let i = 0; i < targets.length; i++) if (targets[i]! < 0) return false
  return true
}

/** Gives the tasks of a plan their rows, unless it was announced. Nothing is ready before {@link link}. */
export const register = (
  state: State,
  plan: Plan,
  owner: Owner,
  parentTask: TaskId,
  nesting: number,
  announced?: Announced
): Submission => {
  const ids = announced?.submission.ids ?? takeRows(state, plan.size)
  const place = parentTask < 0 ? undefined : placeOf(state, parentTask)
  const parent = place && nameAt(place.submission, place.index)
  const number = state.next.submission++
  const { offsets: dependentOffsets, targets: dependents } = reversedIn(plan)
  const { portable, positions } = plan
  const kinds = portable === undefined ? localAlone : kindsIn(portable)
  if (kinds.includes("remote")) use(state, Use.away)
  const standing = standingOf(state, plan, place)
  const { ancestor, computation, depth, guard, priority, share } = standing
  const priorities = prioritiesOf(plan, priority)
  const isOneLane = priorities === undefined && kinds.length === 1
  const split = isOneLane ? undefined : lanesOf(standing, number, plan, ids, priorities, kinds)
  // Written out, because spread fields would be in an object of their own: one more load for every step of every task.
  const submission: Submission = {
    number,
    plan,
    ids,
    dependentOffsets,
    dependents,
    ranks: split?.ranks ?? positions,
    lane: isOneLane
      ? laneOf(standing, number, priority, announced?.taskAt ?? inOrder(ids, positions), kinds[0]!, false)
      : undefined,
    otherLanes: split?.otherLanes,
    priorities,
    computation,
    ancestor,
    depth,
    priority,
    share,
    owner,
    parent,
    nesting,
    guard,
    sequence: state.next.sequence,
    submittedAt: state.now,
    origins: undefined,
    reach: 0
  }
  state.next.sequence += plan.size
  if (announced !== undefined) return registerAnnounced(state, announced, submission)
  fillRows(state, submission, Phase.waiting)
  if (plan.settings.size > 0) noteSettings(state, plan.settings, ids)
  return submission
}

const takeRows = ({ tasks }: State, size: number): Int32Array => {
  tasks.reserve(size)
  const ids = new Int32Array(size)
  for (let i = 0; i < size; i++) ids[i] = tasks.take()
  return ids
}

/** Makes the rows of an announced plan live. Futures have its record already. */
const registerAnnounced = (state: State, { block, submission }: Announced, facts: Submission): Submission => {
  const { ids, plan: { settings, size } } = Object.assign(submission, facts)
  const { flags, phase } = state.tasks
  const common = commonFlags(submission)
  for (let i = 0; i < size; i++) {
    phase[ids[i]!] = Phase.waiting
    flags[ids[i]!] = common
  }
  state.tasks.announced -= size
  noteRows(state, submission, 0, size)
  if (settings.size > 0) noteSettings(state, settings, ids)
  if (block !== undefined && block.size > 0) state.claimBlocks.push(block)
  return submission
}

const noteSettings = (state: State, settings: Plan["settings"], ids: Int32Array): void => {
  // A new run also takes over the key of a task that ended without success and is still claimed.
  for (const [index, { identity, literal }] of settings) {
    state.tasks.flags[ids[index]!]! |= Flag.hasSettings
    if (identity !== undefined) noteKey(state, identity, ids[index]!)
    if (literal === true) state.hasLiterals = true
  }
}

const noteKey = (state: State, identity: Identity, task: TaskId): void => {
  state.keys.set(identity, task)
  noteRun(state, task)
}

/** Tasks by position; the same array where that is their order already. */
const inOrder = (ids: Int32Array, positions: Int32Array): Int32Array => {
  let at = 0
  while (at < ids.length && positions[at] === at) at++
  if (at === ids.length) return ids
  const taskAt = new Int32Array(ids.length)
  for (let i = 0; i < ids.length; i++) taskAt[positions[i]!] = ids[i]!
  return taskAt
}

type Standing = Pick<Submission, "computation" | "ancestor" | "depth" | "priority" | "share" | "guard">

const laneOf = (
  { ancestor, computation, depth }: Standing,
  submission: number,
  priority: number,
  taskAt: Int32Array,
  kind: TaskKind,
  isMixed: boolean
): Lane => ({
  priority,
  computation,
  ancestor,
  depth,
  submission,
  kind,
  isMoving: isMixed || ancestor < 0,
  members: positionsOutOf(taskAt.length),
  taskAt,
  heapIndex: -1
})

/** The lanes of tasks of several priorities or kinds: one for each of both. */
const lanesOf = (
  standing: Standing,
  submission: number,
  { portable, positions, size }: Plan,
  ids: Int32Array,
  priorities: Float64Array | undefined,
  kinds: ReadonlyArray<TaskKind>
): Pick<Submission, "otherLanes" | "ranks"> => {
  const otherLanes = { local: new Map<number, Lane>(), portable: new Map(), remote: new Map() }
  const add = (priority: number, taskAt: Int32Array, kind: TaskKind): void =>
    void otherLanes[kind].set(priority, laneOf(standing, submission, priority, taskAt, kind, kinds.length > 1))
  if (priorities === undefined) {
    const taskAt = inOrder(ids, positions)
    for (const kind of kinds) add(standing.priority, taskAt, kind)
    return { otherLanes, ranks: positions }
  }
  const ranks = new Int32Array(size)
  for (const kind of kinds) {
    const isMember = (index: number): boolean => kindOf(portable?.[index] ?? 0) === kind
    for (const [priority, members] of groupsOf(size, (index) => priorities[index]!, isMember)) {
      members.sort((a, b) => positions[a]! - positions[b]!)
      members.forEach((index, rank) => ranks[index] = rank)
      add(priority, Int32Array.from(members, (index) => ids[index]!), kind)
    }
  }
  return { otherLanes, ranks }
}

const localAlone: ReadonlyArray<TaskKind> = ["local"]
const taskKinds: ReadonlyArray<TaskKind> = ["local", "portable", "remote"]

/** The kinds of the tasks of a plan. */
const kindsIn = (portable: Int32Array): ReadonlyArray<TaskKind> => {
  const found = { local: false, portable: false, remote: false }
  for (let i = 0; i < portable.length; i++) found[kindOf(portable[i]!)] = true
  return taskKinds.filter((kind) => found[kind])
}

/**
 * The priority by which each task ranks, or `undefined` if all have the same. Dependencies rank no lower than their dependents,
 * which would otherwise wait for the lowest of them.
 */
const prioritiesOf = ({ offsets, settings, size, targets }: Plan, standard: number): Float64Array | undefined => {
  if (settings.size === 0) return undefined
  let mixed = false
  for (const { priority } of settings.values()) if (priority !== undefined && priority !== standard) mixed = true
  if (!mixed) return undefined
  const priorities = new Float64Array(size).fill(standard)
  for (const [index, { priority }] of settings) if (priority !== undefined) priorities[index] = priority
  // Dependencies have smaller numbers than their dependents.
  for (let i = size - 1; i >= 0; i--) {
    for (let j = offsets[i]!; j < offsets[i + 1]!; j++) {
      const target = targets[j]!
      if (target >= 0 && priorities[target]! < priorities[i]!) priorities[target] = priorities[i]!
    }
  }
  return priorities
}

/** The plan indices of members, by the priority with which they rank. */
const groupsOf = (
  size: number,
  priorityOf: (index: number) => number,
  isMember: (index: number) => boolean
): ReadonlyMap<number, Array<number>> => {
  const groups = new Map<number, Array<number>>()
  for (let index = 0; index < size; index++) {
    if (!isMember(index)) continue
    const priority = priorityOf(index)
    const group = groups.get(priority)
    if (group === undefined) groups.set(priority, [index])
    else group.push(index)
  }
  return groups
}

/** A submission from inside a task ranks by that task's position; one from outside begins a computation. */
const standingOf = (state: State, { defaults }: Plan, parent: Place | undefined): Standing => {
  if (parent === undefined) {
    const priority = defaults?.priority ?? 0
    const share = defaults?.share
    return { computation: computationOf(state), ancestor: -1, depth: 0, priority, share, guard: undefined }
  }
  const { index, submission } = parent
  return {
    computation: submission.computation,
    ancestor: submission.ancestor >= 0 ? submission.ancestor : submission.plan.positions[index]!,
    depth: submission.depth + 1,
    priority: defaults?.priority ?? priorityAt(submission, index),
    share: defaults?.share ?? shareAt(submission, index),
    guard: submission.guard ?? { refusals: 0, limit: undefined }
  }
}

/** The computation of a submission from outside: a new one, or within the window the last one. */
const computationOf = (state: State): number => {
  const { now, window, windowMillis } = state
  if (windowMillis === 0) return state.next.computation++
  // A task that gave its place up has ended the window: it goes before later submissions.
  if (window?.computation === state.next.computation - 1 && now - window.began <= windowMillis) {
    return window.computation
  }
  state.window = { began: now, computation: state.next.computation++ }
  return state.window.computation
}

/**
 * Links a registered plan to the live tasks that it depends on, starts its timers, and makes tasks without open dependencies
 * ready.
 */
export const link = (state: State, submission: Submission, out: Out): void => {
  const { ids, plan: { offsets, settings, size, targets } } = submission
  if (submission.share !== undefined) demand(state, size)
  const hasGroups = settings.size > 0 && linkSettings(state, submission, out)
  for (let i = 0; i < size; i++) {
    const from = offsets[i]!
    const to = offsets[i + 1]!
    if (hasGroups && settings.get(i)?.policies !== undefined) continue
    if (from === to) {
      makeReady(state, ids[i]!)
      continue
    }
    for (let j = from; j < to; j++) {
      if (targets[j]! >= 0) continue
      noteOrigin(state, submission, j, ~targets[j]!)
      linkToLive(state, ids[i]!, ~targets[j]!, out)
    }
  }
  horizon.look(state, submission)
}

/** The lane of all tasks, if those without dependencies are ready at once. */
const plainLaneOf = (
  state: State,
  { lane, plan, share }: Submission,
  { successions }: GraphSubmitted
): Lane | undefined => {
  const isPlain = plan.settings.size === 0 && share === undefined && successions === undefined
  return isPlain && !isUsed(state, Look.ready) ? lane : undefined
}

/** Does the same as {@link link} for a plan that was announced. */
const linkPlain = (state: State, { members, outer, submission }: Announced, lane: Lane, out: Out): void => {
  const { ids, plan: { offsets, targets } } = submission
  const { phase, waiting } = state.tasks
  for (let i = 0; i < ids.length; i++) if (waiting[ids[i]!] === 0) phase[ids[i]!] = Phase.ready
  addLane(state, Object.assign(lane, { members }))
  for (const i of outer) {
    for (let j = offsets[i]!; j < offsets[i + 1]!; j++) {
      if (targets[j]! >= 0) continue
      noteOrigin(state, submission, j, ~targets[j]!)
      linkToLive(state, ids[i]!, ~targets[j]!, out)
    }
  }
  horizon.look(state, submission)
}

/** Does what the settings of tasks ask for. Returns whether some tasks have policies, whose dependencies are linked here. */
const linkSettings = (state: State, submission: Submission, out: Out): boolean => {
  const { ids, plan: { settings } } = submission
  let hasGroups = false
  for (const [index, { deadlineMillis, demand: own, dependencyTimeoutMillis, policies, resource }] of settings) {
    if (submission.share === undefined && isDemanding(submission, index)) demand(state)
    if (own !== undefined) state.step.unplaced.push(ids[index]!)
    if (resource === true) markResource(state, ids[index]!)
    const serial = submission.sequence + index
    if (deadlineMillis !== undefined) timers.arm(state, "deadline", ids[index]!, serial, deadlineMillis)
    if (dependencyTimeoutMillis !== undefined) {
      timers.arm(state, "dependencies", ids[index]!, serial, dependencyTimeoutMillis)
    }
    // Last, because this may make it ready or end it.
    if (policies === undefined) continue
    hasGroups = true
    linkGroups(state, submission, index, out)
  }
  return hasGroups
}

/** Marks a task whose result will own a resource. */
export const markResource = (state: State, task: TaskId): void => {
  if ((state.tasks.flags[task]! & Flag.resource) !== 0) return
  state.tasks.flags[task]! |= Flag.resource
  state.resources++
  use(state, Use.resources)
}

/** Dependencies that have ended count at once and together: none may decide before the others are known. */
const linkGroups = (state: State, submission: Submission, index: number, out: Out): void => {
  const { ids, plan: { offsets, targets } } = submission
  const task = ids[index]!
  for (let edge = offsets[index]!; edge < offsets[index + 1]!; edge++) {
    if (targets[edge]! >= 0) continue
    const dependency = ~targets[edge]!
    noteOrigin(state, submission, edge, dependency)
    state.tasks.refs[dependency]!++
    if (!hasEnded(phaseOf(state, dependency))) addLater(state, dependency, task)
  }
  conclude(state, task, recount(state, task, 0, out), out)
}

/** By the time the dependency has to run again, its row may belong to another task. */
const noteOrigin = (state: State, submission: Submission, edge: number, dependency: TaskId): void => {
  submission.origins ??= new Map()
  const origin = placeOf(state, dependency)
  submission.origins.set(edge, origin)
  submission.reach = Math.max(submission.reach, origin.submission.reach + 1)
}

/** A dependency that ended before the submission counts at once. */
const linkToLive = (state: State, task: TaskId, dependency: TaskId, out: Out): void => {
  state.tasks.refs[dependency]!++
  if (hasEnded(phaseOf(state, dependency))) dependencyEnded(state, task, dependency, out)
  else addLater(state, dependency, task)
}
