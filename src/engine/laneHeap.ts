/**
 * A binary heap of lanes, the one with the best task first.
 *
 * @since 0.1.0
 */
import type { Lane } from "./Queue.ts"
import type { State } from "./State.ts"

/** A heap of lanes, each with at least one member. */
export type Lanes = Array<Lane>

/** Puts a task in its lane, and the lane in its place. */
export const enterLane = (state: State, lanes: Lanes, lane: Lane, rank: number): void => {
  lane.members.add(rank)
  if (lane.heapIndex < 0) {
    lane.heapIndex = lanes.push(lane) - 1
    siftUp(state, lanes, lane)
  } else if (lane.ancestor < 0 && lanes.length > 1) {
    siftUp(state, lanes, lane)
  }
}

/** Takes a task out of its lane, and puts the lane in its place again. */
export const leaveLane = (state: State, lanes: Lanes, lane: Lane, rank: number): void => {
  lane.members.delete(rank)
  if (lane.members.count > 0) {
    if (lane.ancestor < 0 && lanes.length > 1) siftDown(state, lanes, lane)
    return
  }
  const last = lanes.pop()!
  if (last !== lane) {
    place(lanes, last, lane.heapIndex)
    siftDown(state, lanes, last)
    siftUp(state, lanes, last)
  }
  lane.heapIndex = -1
}

const ancestorOf = (state: State, lane: Lane): number => lane.ancestor >= 0 ? lane.ancestor : positionOf(state, lane)

/** Whether the best task of one lane starts before that of another. */
export const isBefore = (state: State, a: Lane, b: Lane): boolean => {
  if (a.priority !== b.priority) return a.priority > b.priority
  if (a.computation !== b.computation) return a.computation < b.computation
  const difference = ancestorOf(state, a) - ancestorOf(state, b)
  if (difference !== 0) return difference < 0
  if (a.depth !== b.depth) return a.depth > b.depth
  if (a.submission !== b.submission) return a.submission > b.submission
  // Parts of one lane in different queues.
  return a !== b && positionOf(state, a) < positionOf(state, b)
}

/** The static position of the best member of a lane. */
const positionOf = (state: State, lane: Lane): number => {
  const task = lane.taskAt[lane.members.least()]!
  return state.tasks.submission[task]!.plan.positions[state.tasks.index[task]!]!
}

const place = (lanes: Lanes, lane: Lane, index: number): void => {
  lanes[index] = lane
  lane.heapIndex = index
}

const siftUp = (state: State, lanes: Lanes, lane: Lane): void => {
  let index = lane.heapIndex
  while (index > 0) {
    const parent = lanes[(index - 1) >> 1]!
    if (!isBefore(state, lane, parent)) break
    place(lanes, parent, index)
    index = (index - 1) >> 1
  }
  place(lanes, lane, index)
}

const siftDown = (state: State, lanes: Lanes, lane: Lane): void => {
  let index = lane.heapIndex
  for (;;) {
    let child = 2 * index + 1
    if (child >= lanes.length) break
    if (child + 1 < lanes.length && isBefore(state, lanes[child + 1]!, lanes[child]!)) child++
    if (!isBefore(state, lanes[child]!, lane)) break
    place(lanes, lanes[child]!, index)
    index = child
  }
  place(lanes, lane, index)
}
