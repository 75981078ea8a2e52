/**
 * Queues grouped by what they wait for. The queues of a {@link Crowd} may run on the same workers and ask for amounts and tags of
 * the same names. A dispatch looks at crowds, and at the best queues of crowds for which something is free: thousands of queues
 * that wait for one busy worker cost no more than one.
 *
 * The queues of a crowd form a binary heap by their best tasks. A dispatch removes queues whose best task can start nowhere, and
 * puts them back at the end.
 *
 * @since 0.1.0
 */
import type { Crowd, Queue } from "../state/Queue.ts"
import type { State } from "../state/State.ts"
import { insert, remove, rise, sink } from "../structures/heap.ts"
import * as held from "./held.ts"
import { isBefore } from "./lanes.ts"
import { suits } from "./placement.ts"

/** The crowd of queues of this kind, until a worker comes or goes. */
export const crowdOf = (state: State, queue: Pick<Queue, "demand" | "group" | "kind" | "isSource">): Crowd => {
  const { demand, group, isSource } = queue
  const open = state.workers.filter(({ phase }) => phase === "open")
  const workers = open.filter((worker) => suits(state, worker, queue))
  const amounts = Object.keys(demand?.amounts ?? {}).sort()
  const tags = demand?.tags?.toSorted() ?? []
  const where = workers.length === open.length ? "" : workers.map(({ index }) => index)
  const name = JSON.stringify([isSource, where, amounts, tags, group])
  const known = state.crowds.get(name)
  return known ?? { name, isSource, group, workers, amounts, tags, heads: [], heldUntil: -Infinity, heapIndex: -1 }
}

/** Regroups all queues, because other workers take tasks now. */
export const regroup = (state: State): void => {
  held.clear(state)
  for (const queue of state.queues.values()) {
    queue.heapIndex = -1
    queue.crowd = crowdOf(state, queue)
    reposition(state, queue)
  }
}

/** Moves a queue whose best task has changed, or that was or became empty. */
export const reposition = (state: State, queue: Queue): void => {
  if (queue.lanes.length === 0) return takeOut(state, queue)
  const { crowd, crowd: { heads } } = queue
  if (heads.length === 0) held.enter(state, crowd)
  if (queue.heapIndex < 0) return insert(state, heads, queue, precedes)
  sink(state, heads, queue, precedes)
  rise(state, heads, queue, precedes)
}

/** Removes a queue, if it is there. */
export const takeOut = (state: State, queue: Queue): void => {
  if (queue.heapIndex < 0) return
  const { crowd, crowd: { heads } } = queue
  remove(state, heads, queue, precedes)
  if (heads.length === 0) held.leave(state, crowd)
}

const precedes = (state: State, a: Queue, b: Queue): boolean => isBefore(state, a.lanes[0]!, b.lanes[0]!)
