/**
 * Lanes in a heap, the one with the best task first.
 *
 * @since 0.1.0
 */
import type { WorkerKind } from "../protocol/Plan.ts"
import type { Lane } from "../state/Queue.ts"
import type { State } from "../state/State.ts"
import { insert, remove, rise, sink } from "../structures/heap.ts"
import { canStart } from "./room.ts"

/** A heap of lanes, each with at least one member. */
export type Lanes = Array<Lane>

/** Adds a task to its lane, and moves the lane to its place. */
export const enterLane = (state: State, lanes: Lanes, lane: Lane, rank: number): void => {
  lane.members.add(rank)
  if (lane.heapIndex < 0) insert(state, lanes, lane, isBefore)
  else if (lane.isMoving && lanes.length > 1) rise(state, lanes, lane, isBefore)
}

/** Removes a task from its lane, and moves the lane to its place. */
export const leaveLane = (state: State, lanes: Lanes, lane: Lane, rank: number): void => {
  lane.members.delete(rank)
  if (lane.members.count === 0) remove(state, lanes, lane, isBefore)
  else if (lane.isMoving && lanes.length > 1) sink(state, lanes, lane, isBefore)
}

/** Whether some worker of each kind counts. */
export type Kinds = Readonly<Record<WorkerKind, boolean>>

/** The lane with the best task that asks for a slot alone and may run on workers of these kinds. */
export const firstFor = (state: State, { local, remote }: Kinds): Lane | undefined => {
  const either = local || remote ? state.portableLanes[0] : undefined
  const first = local ? better(state, state.lanes[0], either) : either
  return remote ? better(state, first, state.remoteLanes[0]) : first
}

const better = (state: State, a: Lane | undefined, b: Lane | undefined): Lane | undefined =>
  a === undefined || (b !== undefined && isBefore(state, b, a)) ? b : a

/** The kinds of the free workers. */
export const kindsOfFree = (state: State): Kinds => ({
  local: canStart(state, "local"),
  remote: state.isDivided && canStart(state, "remote")
})

/** The heaps of tasks that ask for a slot alone and may start on a free worker. */
export const startable = (state: State): ReadonlyArray<Lanes> => {
  const { local, remote } = kindsOfFree(state)
  const heaps = [...local ? [state.lanes] : [], state.portableLanes, ...remote ? [state.remoteLanes] : []]
  return heaps.filter((lanes) => lanes.length > 0)
}

/** Moves a lane from one heap to another. */
export const moveLane = (state: State, from: Lanes, to: Lanes, lane: Lane): void => {
  remove(state, from, lane, isBefore)
  insert(state, to, lane, isBefore)
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
  // Parts of one lane in different queues, or tasks of different kinds of one submission.
  return a !== b && positionOf(state, a) < positionOf(state, b)
}

/** The static position of the best member of a lane. */
const positionOf = (state: State, lane: Lane): number => {
  const task = lane.taskAt[lane.members.least()]!
  return state.tasks.submission[task]!.plan.positions[state.tasks.index[task]!]!
}
