/**
 * The queues in the order of their best tasks: a binary heap, so that a dispatch looks at those that may start something and
 * not at all that wait.
 *
 * A dispatch takes the queues out of it whose best task can start nowhere, and puts them back in the end.
 *
 * @since 0.1.0
 */
import { isBefore } from "./laneHeap.ts"
import type { Queue } from "./Queue.ts"
import type { State } from "./State.ts"

/** The best task of a queue is another than before; or the queue was empty, or is. */
export const settle = (state: State, queue: Queue): void => {
  if (queue.lanes.length === 0) return takeOut(state, queue)
  if (queue.headIndex < 0) queue.headIndex = state.heads.push(queue) - 1
  siftDown(state, queue)
  siftUp(state, queue)
}

/** Takes a queue out, if it is there. */
export const takeOut = (state: State, queue: Queue): void => {
  if (queue.headIndex < 0) return
  const last = state.heads.pop()!
  if (last !== queue) {
    place(state, last, queue.headIndex)
    siftDown(state, last)
    siftUp(state, last)
  }
  queue.headIndex = -1
}

const place = (state: State, queue: Queue, index: number): void => {
  state.heads[index] = queue
  queue.headIndex = index
}

const precedes = (state: State, a: Queue, b: Queue): boolean => isBefore(state, a.lanes[0]!, b.lanes[0]!)

const siftUp = (state: State, queue: Queue): void => {
  const { heads } = state
  let index = queue.headIndex
  while (index > 0) {
    const above = heads[(index - 1) >> 1]!
    if (!precedes(state, queue, above)) break
    place(state, above, index)
    index = (index - 1) >> 1
  }
  place(state, queue, index)
}

const siftDown = (state: State, queue: Queue): void => {
  const { heads } = state
  let index = queue.headIndex
  for (;;) {
    let below = 2 * index + 1
    if (below >= heads.length) break
    if (below + 1 < heads.length && precedes(state, heads[below + 1]!, heads[below]!)) below++
    if (!precedes(state, heads[below]!, queue)) break
    place(state, heads[below]!, index)
    index = below
  }
  place(state, queue, index)
}
