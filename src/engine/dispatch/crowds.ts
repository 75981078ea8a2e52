/**
 * The queues by what may let them start: those are together in a {@link Crowd} whose tasks may run on the same workers and ask
 * for amounts and tags of the same names, however many of them. A dispatch looks at crowds, and at the best queues of those
 * for which something is free: thousands of queues that wait for one busy worker cost it no more than one.
 *
 * In a crowd the queues are in the order of their best tasks: a binary heap. A dispatch takes those out of it whose best task
 * can start nowhere, and puts them back in the end.
 *
 * @since 0.1.0
 */
import type { Crowd, Queue } from "../state/Queue.ts"
import type { State } from "../state/State.ts"
import { insert, remove, rise, sink } from "../structures/heap.ts"
import { isBefore } from "./lanes.ts"
import { suits } from "./placement.ts"

/** The crowd of queues of this kind, as long as no worker comes or goes. */
export const crowdOf = (state: State, { demand, isSource }: Pick<Queue, "demand" | "isSource">): Crowd => {
  const open = state.workers.filter(({ phase }) => phase === "open")
  const workers = demand === undefined ? open : open.filter((worker) => suits(state, worker, demand))
  const amounts = Object.keys(demand?.amounts ?? {}).sort()
  const tags = demand?.tags?.toSorted() ?? []
  const where = workers.length === open.length ? "" : workers.map(({ index }) => index)
  const name = JSON.stringify([isSource, where, amounts, tags])
  return state.crowds.get(name) ?? { name, isSource, workers, amounts, tags, heads: [] }
}

/** Puts all queues where they belong: other workers take tasks by now. */
export const regroup = (state: State): void => {
  state.crowds.clear()
  for (const queue of state.queues.values()) {
    queue.heapIndex = -1
    queue.crowd = crowdOf(state, queue)
    settle(state, queue)
  }
}

/** The best task of a queue is another than before; or the queue was empty, or is. */
export const settle = (state: State, queue: Queue): void => {
  if (queue.lanes.length === 0) return takeOut(state, queue)
  const { crowd: { heads, name } } = queue
  if (heads.length === 0) state.crowds.set(name, queue.crowd)
  if (queue.heapIndex < 0) return insert(state, heads, queue, precedes)
  sink(state, heads, queue, precedes)
  rise(state, heads, queue, precedes)
}

/** Takes a queue out, if it is there. */
export const takeOut = (state: State, queue: Queue): void => {
  if (queue.heapIndex < 0) return
  const { crowd: { heads, name } } = queue
  remove(state, heads, queue, precedes)
  if (heads.length === 0) state.crowds.delete(name)
}

const precedes = (state: State, a: Queue, b: Queue): boolean => isBefore(state, a.lanes[0]!, b.lanes[0]!)
