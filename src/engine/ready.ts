/**
 * The ready tasks in the order in which they start: priority (high first), computation (earlier first), position of the
 * top-level ancestor, deeper first, later submission first, static position. Tasks that differ in the last alone share
 * a {@link Lane}; a heap orders the lanes, which are few.
 *
 * @since 0.1.0
 */
import { Positions } from "./positions.ts"
import type { Lane, State, Submission, TaskId } from "./State.ts"

/** The lane of a task: that of its submission and priority. */
export const laneOf = (submission: Submission, index: number): Lane => {
  if (submission.otherLanes === undefined) return submission.lane
  const priority = submission.plan.settings.get(index)?.priority ?? submission.priority
  return submission.otherLanes.get(priority)!
}

/** The lane in which a ready task is, its own if it gave its place up, and the task's place there. */
const placeOf = (state: State, task: TaskId): readonly [Lane, number] => {
  const own = state.rescheduled.get(task)
  if (own !== undefined) return [own, 0]
  const submission = state.tasks.submission[task]!
  const index = state.tasks.index[task]!
  return [laneOf(submission, index), submission.ranks[index]!]
}

/**
 * From now until it starts, a task ranks as if it had just been submitted as a computation of its own: behind all that is
 * ready, or it could hold a slot by giving it up for ever.
 */
export const moveBack = (state: State, task: TaskId): void => {
  const submission = state.tasks.submission[task]!
  state.rescheduled.set(task, {
    priority: laneOf(submission, state.tasks.index[task]!).priority,
    computation: state.nextComputation++,
    ancestor: -1,
    depth: 0,
    submission: submission.number,
    members: new Positions(1),
    taskAt: Int32Array.of(task),
    heapIndex: -1
  })
}

/**
 * Puts a task among the ready ones. While it is the only one it stays out of its lane: most steps make one task ready and
 * start it at once (a chain's step costs 60 ns instead of 110).
 */
export const add = (state: State, task: TaskId): void => {
  if (state.lanes.length === 0 && state.lone < 0) {
    state.lone = task
    return
  }
  settleLone(state)
  enter(state, task)
}

export const isEmpty = (state: State): boolean => state.lone < 0 && state.lanes.length === 0

/** Puts the lone ready task in its lane: it has company, or the step ends before it could start. */
export const settleLone = (state: State): void => {
  if (state.lone < 0) return
  const task = state.lone
  state.lone = -1
  enter(state, task)
}

const enter = (state: State, task: TaskId): void => {
  if (state.rescheduled.size > 0) return enterLane(state, ...placeOf(state, task))
  const submission = state.tasks.submission[task]!
  const index = state.tasks.index[task]!
  enterLane(state, laneOf(submission, index), submission.ranks[index]!)
}

const enterLane = (state: State, lane: Lane, rank: number): void => {
  lane.members.add(rank)
  if (lane.heapIndex < 0) {
    lane.heapIndex = state.lanes.push(lane) - 1
    siftUp(state, lane)
  } else if (lane.ancestor < 0 && state.lanes.length > 1) {
    siftUp(state, lane)
  }
}

/** Takes the best ready task out, or returns -1. */
export const take = (state: State): TaskId => {
  if (state.lone >= 0) {
    const task = state.lone
    state.lone = -1
    return task
  }
  const lane = state.lanes[0]
  if (lane === undefined) return -1
  const rank = lane.members.least()
  lane.members.delete(rank)
  settle(state, lane)
  return lane.taskAt[rank]!
}

/** Takes one given ready task out. */
export const remove = (state: State, task: TaskId): void => {
  if (state.lone === task) {
    state.lone = -1
    state.rescheduled.delete(task)
    return
  }
  const [lane, rank] = placeOf(state, task)
  lane.members.delete(rank)
  settle(state, lane)
  state.rescheduled.delete(task)
}

/** Puts a lane that lost a member in its place again. */
const settle = (state: State, lane: Lane): void => {
  if (lane.members.count > 0) {
    if (lane.ancestor < 0 && state.lanes.length > 1) siftDown(state, lane)
    return
  }
  const last = state.lanes.pop()!
  if (last !== lane) {
    place(state, last, lane.heapIndex)
    siftDown(state, last)
    siftUp(state, last)
  }
  lane.heapIndex = -1
}

const ancestorOf = (state: State, lane: Lane): number => {
  if (lane.ancestor >= 0) return lane.ancestor
  const task = lane.taskAt[lane.members.least()]!
  return state.tasks.submission[task]!.plan.positions[state.tasks.index[task]!]!
}

const isBefore = (state: State, a: Lane, b: Lane): boolean => {
  if (a.priority !== b.priority) return a.priority > b.priority
  if (a.computation !== b.computation) return a.computation < b.computation
  const difference = ancestorOf(state, a) - ancestorOf(state, b)
  if (difference !== 0) return difference < 0
  if (a.depth !== b.depth) return a.depth > b.depth
  return a.submission > b.submission
}

const place = (state: State, lane: Lane, index: number): void => {
  state.lanes[index] = lane
  lane.heapIndex = index
}

const siftUp = (state: State, lane: Lane): void => {
  let index = lane.heapIndex
  while (index > 0) {
    const parent = state.lanes[(index - 1) >> 1]!
    if (!isBefore(state, lane, parent)) break
    place(state, parent, index)
    index = (index - 1) >> 1
  }
  place(state, lane, index)
}

const siftDown = (state: State, lane: Lane): void => {
  const lanes = state.lanes
  let index = lane.heapIndex
  for (;;) {
    let child = 2 * index + 1
    if (child >= lanes.length) break
    if (child + 1 < lanes.length && isBefore(state, lanes[child + 1]!, lanes[child]!)) child++
    if (!isBefore(state, lanes[child]!, lane)) break
    place(state, lanes[child]!, index)
    index = child
  }
  place(state, lane, index)
}
