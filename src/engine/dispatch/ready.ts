/**
 * The ready tasks in the order in which they start: priority (high first), computation (earlier first), position of the top-level
 * ancestor, deeper first, later submission first, static position. Tasks that differ in the last alone share a {@link Lane}; a
 * heap orders the lanes, which are few. Tasks that ask for more than a slot share a {@link Queue} with tasks of the same demand:
 * a task that cannot start yet holds up no other.
 *
 * Lanes of portable tasks are in a heap of their own while a remote worker takes part, so that it finds what it may run, and lanes
 * of remote tasks always are. A worker takes the better of the heads of its two heaps: the order is the same.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import { Flag } from "../protocol/Phase.ts"
import type { Group } from "../protocol/policies.ts"
import { kindAt, priorityAt } from "../protocol/Registered.ts"
import { kindOf as taskKindOf } from "../state/lookups.ts"
import type { Crowd, Lane, Queue } from "../state/Queue.ts"
import { dropExtra, extrasFor, extrasOf } from "../state/rare.ts"
import type { State } from "../state/State.ts"
import { shareAt } from "../state/Submission.ts"
import type { Submission } from "../state/Submission.ts"
import { Use } from "../state/Use.ts"
import { isUsed, use } from "../state/uses.ts"
import { insert } from "../structures/heap.ts"
import { FewPositions, WordPositions } from "../structures/positions.ts"
import { isBraked } from "./brakes.ts"
import * as heads from "./crowds.ts"
import { pausedGroupOf } from "./delays.ts"
import { enterLane, firstFor, isBefore, kindsOfFree, leaveLane, moveLane } from "./lanes.ts"
import type { Kinds, Lanes } from "./lanes.ts"
import { demandOf, nameOf } from "./placement.ts"
import * as shares from "./shares.ts"

/** The lane of a task, by its submission and priority. */
export const laneOf = (submission: Submission, index: number): Lane => {
  const { lane, otherLanes } = submission
  return lane ?? otherLanes![kindAt(submission, index)].get(priorityAt(submission, index))!
}

/** The lane of a ready task, its own one if it gave its place up, and the task's index there. */
const standingOf = (state: State, task: TaskId): readonly [Lane, number] => {
  const own = extrasOf(state, task)?.ownLane
  if (own !== undefined) return [own, 0]
  const submission = state.tasks.submission[task]!
  const index = state.tasks.index[task]!
  return [laneOf(submission, index), submission.ranks[index]!]
}

/**
 * Until it starts, a task that gave its place up ranks as a computation submitted now, behind all ready tasks. Otherwise it could
 * occupy a slot for ever by giving it up again and again.
 */
export const moveBack = (state: State, task: TaskId): void => {
  const submission = state.tasks.submission[task]!
  const { kind, priority } = laneOf(submission, state.tasks.index[task]!)
  extrasFor(state, task).ownLane = {
    priority,
    computation: state.next.computation++,
    ancestor: -1,
    depth: 0,
    submission: submission.number,
    kind,
    isMoving: false,
    members: new WordPositions(),
    taskAt: Int32Array.of(task),
    heapIndex: -1
  }
}

/** Adds a ready task. */
export const add = (state: State, task: TaskId): void => {
  const kind = state.demanding > 0 ? kindOf(state, task) : undefined
  if (kind !== undefined) return enqueue(state, task, kind)
  // The lone task goes to any worker.
  if (isUsed(state, Use.away) && taskKindOf(state, task) === "remote") enter(state, task)
  else addPlain(state, task)
}

/**
 * Adds a task that asks for a slot alone. While it is the only one, it stays out of its lane: most steps make one task ready and
 * start it at once (a step of a chain costs 60 ns in place of 110).
 */
export const addPlain = (state: State, task: TaskId): void => {
  if (state.lanes.length === 0 && state.step.lone < 0) {
    state.step.lone = task
    return
  }
  flushLone(state)
  enter(state, task)
}

/** Whether no task that asks for a slot alone is ready, as long as all workers are local. */
export const isEmpty = (state: State): boolean => state.step.lone < 0 && state.lanes.length === 0

/** Puts the lone ready task in its lane: another is ready, or the step ends before it could start. */
export const flushLone = (state: State): void => {
  if (state.step.lone < 0) return
  const task = state.step.lone
  state.step.lone = -1
  enter(state, task)
}

const enter = (state: State, task: TaskId): void => {
  const { flags, index, submission } = state.tasks
  if ((flags[task]! & Flag.rare) === 0) {
    const at = index[task]!
    const { lane = laneOf(submission[task]!, at), ranks } = submission[task]!
    return enterLane(state, heapFor(state, lane), lane, ranks[at]!)
  }
  const [lane, rank] = standingOf(state, task)
  enterLane(state, heapFor(state, lane), lane, rank)
}

/** Adds the ready tasks of a lane in which none was ready before, and that asks for a slot alone. */
export const addLane = (state: State, lane: Lane): void => {
  flushLone(state)
  if (lane.members.count > 0) insert(state, heapFor(state, lane), lane, isBefore)
}

/** The heap of a lane whose tasks ask for a slot alone. */
export const heapFor = (state: State, { kind }: Pick<Lane, "kind">): Lanes => {
  if (kind === "remote") return state.remoteLanes
  return kind === "portable" && state.isDivided ? state.portableLanes : state.lanes
}

/** All lanes of tasks that ask for a slot alone, in no order. Call {@link flushLone} first. */
export const lanesOf = ({ lanes, portableLanes, remoteLanes }: State): ReadonlyArray<Lane> => [
  ...lanes,
  ...portableLanes,
  ...remoteLanes
]

/** Divides the lanes of local and portable tasks into two heaps when a remote worker takes part, and unites them when the last one has gone. */
export const arrange = (state: State): void => {
  const isDivided = state.workers.some(({ kind, phase }) => kind === "remote" && phase === "open")
  if (isDivided === state.isDivided) return
  const [from, to] = isDivided ? [state.lanes, state.portableLanes] : [state.portableLanes, state.lanes]
  state.isDivided = isDivided
  for (const lane of from.filter(({ kind }) => kind === "portable")) moveLane(state, from, to, lane)
}

const isFollow = ({ of }: Group): boolean => of === "follow"

/** Whether a task of a submission asks for more than a slot or names a share, now or when it is ready. */
export const isDemanding = (submission: Submission, index: number): boolean => {
  if (submission.share !== undefined) return true
  const settings = submission.plan.settings.get(index)
  return settings !== undefined &&
    (settings.demand !== undefined || settings.share !== undefined || settings.policies?.some(isFollow) === true)
}

/** Counts tasks that are demanding. */
export const demand = (state: State, count = 1): void => {
  state.demanding += count
  use(state, Use.demands)
}

/** The common properties of the tasks of a queue. */
export type Kind = Pick<Queue, "demand" | "group" | "share" | "kind" | "isSource">

/** The kind of a live task; `undefined` if it waits in no queue. */
export const kindOf = (state: State, task: TaskId): Kind | undefined => {
  const demand = demandOf(state, task)
  const share = shareAt(state.tasks.submission[task]!, state.tasks.index[task]!)
  const isSource = isBraked(state, task)
  const group = pausedGroupOf(state, task)
  const isPlain = demand === undefined && share === undefined && !isSource && group === undefined
  if (isPlain && state.fairness.queues !== "all") return undefined
  return { demand, share, isSource, group, kind: taskKindOf(state, task) }
}

/** One name for tasks of one kind. */
export const nameOfKind = (state: State, { demand, group, isSource, kind, share }: Kind): string => {
  const name = share === undefined && !isSource && group === undefined
    ? demand === undefined ? "" : nameOf(state, demand)
    : JSON.stringify([isSource, share, demand && nameOf(state, demand), ...group === undefined ? [] : [group]])
  return kind === "local" ? name : `${name} ${kind}`
}

const enqueue = (state: State, task: TaskId, kind: Kind): void => {
  const name = nameOfKind(state, kind)
  let queue = state.queues.get(name)
  if (queue === undefined) {
    const crowd = heads.crowdOf(state, kind)
    queue = { name, ...kind, since: new Map(), lanes: [], parts: new Map(), crowd, heapIndex: -1 }
    state.queues.set(name, queue)
  }
  if (kind.share !== undefined || state.fairness.aging < Infinity) {
    queue.since.set(task, shares.shareOf(state, kind.share).starts)
  }
  const [lane, rank] = standingOf(state, task)
  enterLane(state, queue.lanes, partOf(queue, lane), rank)
  heads.reposition(state, queue)
  extrasFor(state, task).queue = queue
}

/** The part of a lane in this queue is a lane of its own. */
const partOf = ({ parts }: Queue, lane: Lane): Lane => {
  const known = parts.get(lane)
  if (known !== undefined) return known
  const part = { ...lane, members: new FewPositions(), heapIndex: -1 }
  parts.set(lane, part)
  return part
}

/** Takes the best ready task that asks for a slot alone, or returns -1. */
export const take = (state: State): TaskId => {
  if (state.step.lone >= 0) {
    const task = state.step.lone
    state.step.lone = -1
    return task
  }
  const lane = state.lanes[0]
  if (lane === undefined) return -1
  const rank = lane.members.least()
  leaveLane(state, state.lanes, lane, rank)
  return lane.taskAt[rank]!
}

/**
 * Takes the best ready task that asks for a slot alone and may run on workers of these kinds, or returns -1. Call
 * {@link flushLone} first.
 */
export const takeFor = (state: State, kinds: Kinds): TaskId => {
  const lane = firstFor(state, kinds)
  if (lane === undefined) return -1
  const rank = lane.members.least()
  leaveLane(state, heapFor(state, lane), lane, rank)
  return lane.taskAt[rank]!
}

/** The task that {@link takeFor} takes. */
export const nextFor = (state: State, kinds: Kinds): TaskId => {
  const lane = firstFor(state, kinds)
  return lane === undefined ? -1 : firstIn(lane)
}

/** How many ready tasks ask for a slot alone and may run on workers of these kinds; stops counting at `most`. */
export const count = (state: State, { local, remote }: Kinds, most: number): number => {
  let found = 0
  for (const heap of [local ? state.lanes : [], state.portableLanes, remote ? state.remoteLanes : []]) {
    for (const { members } of heap) {
      found += members.count
      if (found >= most) return most
    }
  }
  return found
}

/**
 * The best ready task of these crowds and of the tasks that ask for a slot alone, or -1. At least one worker is free. Call
 * {@link flushLone} first.
 */
export const best = (state: State, crowds: Iterable<Crowd>): TaskId => {
  let first = firstFor(state, kindsOfFree(state))
  for (const { heads: [head] } of crowds) {
    if (head !== undefined && (first === undefined || isBefore(state, head.lanes[0]!, first))) [first] = head.lanes
  }
  return first === undefined ? -1 : firstIn(first)
}

/** The best task of a heap of lanes. */
export const firstOf = (lanes: Lanes): TaskId => firstIn(lanes[0]!)

const firstIn = ({ members, taskAt }: Lane): TaskId => taskAt[members.least()]!

/** Removes a given ready task. */
export const remove = (state: State, task: TaskId): void => {
  withdraw(state, task)
  dropExtra(state, task, "ownLane")
}

/** The same, but a task that gave its place up keeps the rank that it got for that. */
export const withdraw = (state: State, task: TaskId): void => {
  if (state.step.lone === task) {
    state.step.lone = -1
    return
  }
  const [lane, rank] = standingOf(state, task)
  const queue = extrasOf(state, task)?.queue
  if (queue === undefined) return leaveLane(state, heapFor(state, lane), lane, rank)
  dropExtra(state, task, "queue")
  queue.since.delete(task)
  const part = queue.parts.get(lane)!
  leaveLane(state, queue.lanes, part, rank)
  if (part.members.count === 0) queue.parts.delete(lane)
  heads.reposition(state, queue)
  if (queue.lanes.length === 0) state.queues.delete(queue.name)
}

/** Changes the demands of ready tasks, and moves them to the matching queues with their age. */
export const move = (state: State, tasks: Iterable<TaskId>, change?: (task: TaskId) => void): void => {
  const touched = new Set<Queue>()
  for (const task of tasks) {
    const age = extrasOf(state, task)?.queue?.since.get(task)
    withdraw(state, task)
    change?.(task)
    add(state, task)
    const queue = extrasOf(state, task)?.queue
    if (age === undefined || queue === undefined) continue
    queue.since.set(task, age)
    touched.add(queue)
  }
  for (const queue of touched) sortByAge(queue)
}

const sortByAge = ({ since }: Queue): void => {
  const ages = [...since].sort(([, a], [, b]) => a - b)
  since.clear()
  for (const [task, age] of ages) since.set(task, age)
}
