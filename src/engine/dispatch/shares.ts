/**
 * Which queue starts a task next if the rank alone does not decide: first the shares, then aging, then the rank.
 *
 * Shares alternate by their weights. Each start moves the place of its share by 1 / weight. Among the shares that can start a
 * task, the one with the earliest place goes next; of equals the one that has waited longer. A share that could start nothing
 * for a while takes part from now on, and catches up on nothing. So `k` shares of equal weight that can start something each start at
 * least one task in any `k` starts.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import type { Share } from "../state/Extras.ts"
import type { Crowd, Queue } from "../state/Queue.ts"
import type { State } from "../state/State.ts"
import { brakeOf, isAnyAtWork } from "./brakes.ts"
import { isBefore, startable } from "./lanes.ts"

/** Tasks of one kind. */
type Heap = Pick<Queue, "lanes" | "share" | "isSource" | "since">

const noTasks = new Map<TaskId, number>()

/** The task that starts next if a worker takes it, among these crowds and the tasks in no queue; -1 if there is none. */
export const next = (state: State, crowds: Iterable<Crowd>): TaskId => {
  const all: Array<Heap> = []
  for (const lanes of startable(state)) all.push({ lanes, share: undefined, isSource: false, since: noTasks })
  for (const { heads } of crowds) for (const queue of heads) all.push(queue)
  const heaps = released(state, all)
  if (heaps.length === 0) return -1
  const own = ofNextShare(state, heaps)
  return overdue(state, own) ?? bestOf(state, own)
}

const bestOf = (state: State, heaps: ReadonlyArray<Heap>): TaskId => {
  const { lanes } = heaps.reduce((a, b) => isBefore(state, b.lanes[0]!, a.lanes[0]!) ? b : a)
  const { members, taskAt } = lanes[0]!
  return taskAt[members.least()]!
}

/** The queues that the budget does not hold back. While no attempt is at work it lets tasks start, sources last. */
const released = (state: State, heaps: ReadonlyArray<Heap>): ReadonlyArray<Heap> => {
  const brake = brakeOf(state)
  if (brake === "none") return heaps
  const inner = heaps.filter(({ isSource }) => !isSource)
  if (isAnyAtWork(state)) return brake === "all" ? [] : inner
  return inner.length > 0 ? inner : heaps
}

/** The queues of the share that goes next. */
const ofNextShare = (state: State, heaps: ReadonlyArray<Heap>): ReadonlyArray<Heap> => {
  if (heaps.every(({ share }) => share === heaps[0]!.share)) return heaps
  const first = heaps.reduce((a, b) => comesBefore(state, b, a) ? b : a)
  return heaps.filter(({ share }) => share === first.share)
}

const comesBefore = (state: State, a: Heap, b: Heap): boolean => {
  const [first, second] = [shareOf(state, a.share), shareOf(state, b.share)]
  // No place is earlier than that of the last start.
  const difference = Math.max(first.at, state.balance.lastPlace) - Math.max(second.at, state.balance.lastPlace)
  if (difference !== 0) return difference < 0
  return first.last !== second.last ? first.last < second.last : isBefore(state, a.lanes[0]!, b.lanes[0]!)
}

/** The task that has been ready for longest, if too many others of its share have started since. */
const overdue = (state: State, heaps: ReadonlyArray<Heap>): TaskId | undefined => {
  const { aging } = state.fairness
  if (aging === Infinity) return undefined
  const limit = shareOf(state, heaps[0]!.share).starts - aging
  let oldest: TaskId | undefined
  let earliest = limit + 1
  for (const { since } of heaps) {
    // The first task of each queue is its oldest.
    const [task, began] = since.entries().next().value ?? [-1, Infinity]
    if (began >= earliest) continue
    oldest = task
    earliest = began
  }
  return oldest
}

/** The starts of the share of this name, from its first waiting task on. */
export const shareOf = ({ balance: { shares } }: State, name = ""): Share => {
  const known = shares.get(name)
  if (known !== undefined) return known
  const share = { at: 0, last: 0, starts: 0 }
  shares.set(name, share)
  return share
}

/** A task of this share starts. */
export const take = (state: State, name: string | undefined): void => {
  const share = shareOf(state, name)
  state.balance.lastPlace = Math.max(share.at, state.balance.lastPlace)
  share.at = state.balance.lastPlace + 1 / (state.fairness.weights.get(name ?? "") ?? 1)
  share.last = state.next.attempt
  share.starts++
  if (state.balance.shares.size > 2 * state.queues.size + 16) sweep(state)
}

/** Drops shares that equal new ones: no task of them waits, and their place is not later than that of others. */
const sweep = (state: State): void => {
  const waiting = new Set(Array.from(state.queues.values(), ({ share = "" }) => share))
  if (state.lanes.length + state.portableLanes.length + state.remoteLanes.length > 0) waiting.add("")
  for (const [share, { at }] of state.balance.shares) {
    if (at <= state.balance.lastPlace && !waiting.has(share)) state.balance.shares.delete(share)
  }
}

/** No task waits in a queue: all shares are equal again. */
export const forget = (state: State): void => {
  state.balance.shares.clear()
  state.balance.lastPlace = 0
}
