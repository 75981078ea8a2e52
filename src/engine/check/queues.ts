/**
 * Checks of ready tasks (S6): each is in its lane and queue, and both are in order.
 *
 * @since 0.1.0
 */
import { delayOf } from "../dispatch/delays.ts"
import { demandOf, suits } from "../dispatch/placement.ts"
import { kindOf, nameOfKind } from "../dispatch/ready.ts"
import type { TaskId } from "../protocol/ids.ts"
import { Phase } from "../protocol/Phase.ts"
import { priorityAt } from "../protocol/Registered.ts"
import { kindOf as taskKindOf, phaseOf, settingsOf } from "../state/lookups.ts"
import type { Lane } from "../state/Queue.ts"
import { allExtras, extrasOf } from "../state/rare.ts"
import type { State } from "../state/State.ts"
import { shareAt } from "../state/Submission.ts"
import { compareReady } from "../views/snapshot.ts"
import { heapsOf, withParents } from "./facts.ts"
import type { Facts, Rule } from "./facts.ts"

/** S6: each ready task is in its lane, each lane in its queue, and nothing else is there. */
export const lanes: Rule = function*(state, { live, members, name }) {
  const places = new Map<TaskId, Lane>()
  for (const heap of heapsOf(state)) {
    for (const lane of heap) {
      for (const task of members.get(lane)!) {
        places.set(task, lane)
        const plain = lane.kind === "remote"
          ? state.remoteLanes
          : lane.kind === "portable" && state.isDivided
          ? state.portableLanes
          : state.lanes
        if ((extrasOf(state, task)?.queue?.lanes ?? plain) !== heap) yield `S6: ${name(task)} is in the wrong queue`
      }
    }
  }
  for (const task of live) {
    const isReady = phaseOf(state, task) === Phase.ready
    const lane = places.get(task)
    if (isReady !== (lane !== undefined)) yield `S6: ${name(task)} is ${isReady ? "in no lane" : "in a lane"}`
    const submission = state.tasks.submission[task]!
    const priority = priorityAt(submission, state.tasks.index[task]!)
    const isAlike = lane?.priority === priority && lane.submission === submission.number &&
      lane.kind === taskKindOf(state, task)
    if (lane !== undefined && !isAlike) {
      yield `S6: ${name(task)} is in the lane of others`
    }
    const kind = isReady ? kindOf(state, task) : undefined
    const own = extrasOf(state, task)?.queue
    if (own?.name !== (kind && nameOfKind(state, kind))) yield `S6: ${name(task)} is in the queue of others`
    const common = submission.lane ?? submission.otherLanes![taskKindOf(state, task)].get(priority)!
    const expected = own === undefined ? common : own.parts.get(common)
    if (lane !== undefined && (extrasOf(state, task)?.ownLane !== undefined) !== (lane !== expected)) {
      yield `S6: ${name(task)} is in the wrong lane`
    }
    places.delete(task)
  }
  for (const task of allExtras(state, "ownLane").keys()) {
    if (phaseOf(state, task) !== Phase.ready) yield `S6: ${name(task)} is not ready and gave its place up`
  }
  for (const task of places.keys()) yield `S6: the free row ${task} is ready`
}

/** S6: the lanes of a queue are a heap, and so are the queues of a crowd, which have the same workers. */
export const heaps: Rule = function*(state, { members }) {
  const isRemote = state.workers.some(({ kind, phase }) => kind === "remote" && phase === "open")
  if (isRemote && !state.isDivided) yield "S6: a remote worker finds no portable tasks"
  for (const heap of heapsOf(state)) {
    const isPlain = heap === state.lanes || heap === state.portableLanes || heap === state.remoteLanes
    if (!isPlain && heap.length === 0) yield "S6: an empty queue is kept"
    for (const [place, lane] of heap.entries()) {
      const { length } = members.get(lane)!
      if (lane.heapIndex !== place) yield `S6: lane ${place} believes to be ${lane.heapIndex}`
      if (length === 0 || length !== lane.members.count) yield `S6: lane ${place} counts its members wrong`
    }
    for (const [lane, parent, place] of withParents(heap)) {
      if (ranksBefore(state, members, lane, parent)) yield `S6: lane ${place} ranks before its parent`
    }
  }
  for (const { group, heads, workers } of state.crowds.values()) {
    for (const [place, queue] of heads.entries()) {
      const { crowd, heapIndex, name } = queue
      if (crowd.heads !== heads || queue.group !== group) yield `S6: queue ${name} is in the crowd of others`
      if (heapIndex !== place) yield `S6: queue ${name} believes to be ${heapIndex}`
      if (!state.workers.every((worker) => workers.includes(worker) === suits(state, worker, queue))) {
        yield `S6: queue ${name} waits for the wrong workers`
      }
    }
    for (const [{ lanes: [lane], name }, { lanes: [parent] }] of withParents(heads)) {
      if (ranksBefore(state, members, lane, parent)) yield `S6: queue ${name} ranks before its parent`
    }
  }
  const { delays: { held }, now } = state
  for (const [place, crowd] of held.entries()) {
    const { heapIndex, heldUntil, name } = crowd
    if (heapIndex !== place || state.crowds.get(name) !== crowd || state.awake.has(crowd)) {
      yield `S6: crowd ${name} does not wait`
    }
    if (heldUntil <= now) yield `S6: crowd ${name} may start, and no dispatch looks at it`
    if (heldUntil > Math.max(now, delayOf(state, crowd)?.until ?? now)) yield `S6: crowd ${name} waits for too long`
  }
  for (const [crowd, parent] of withParents(held)) {
    if (crowd.heldUntil < parent.heldUntil) yield `S6: crowd ${crowd.name} may start before its parent`
  }
  if (state.awake.size + held.length !== state.crowds.size) yield "S6: no dispatch looks at some crowd"
  const inOrder = new Set([...state.crowds.values()].flatMap(({ heads }) => heads))
  if (inOrder.size !== state.queues.size || [...state.queues.values()].some((queue) => !inOrder.has(queue))) {
    yield "S6: the queues are not those in order"
  }
}

/** Whether the best member of a lane ranks before the best member of another, by docs/semantics.md (Selection). */
const ranksBefore = (state: State, members: Facts["members"], lane?: Lane, other?: Lane): boolean => {
  const [task, otherTask] = [lane && members.get(lane)![0], other && members.get(other)![0]]
  return task !== undefined && otherTask !== undefined &&
    compareReady(state, { lane: lane!, task }, { lane: other!, task: otherTask }) < 0
}

/** S6: the counts of queues are correct: ages, shares, overtakes, and tasks that ask for more than a slot. */
export const queues: Rule = function*(state, { live, members }) {
  for (const { lanes, name, since } of state.queues.values()) {
    const tasks = lanes.flatMap((lane) => members.get(lane)!)
    const ages = [...since.values()]
    if (state.fairness.aging < Infinity && since.size !== tasks.length) yield `S6: queue ${name} forgot an age`
    if ([...since.keys()].some((task) => !tasks.includes(task))) yield `S6: queue ${name} keeps an age`
    if (ages.some((age, i) => i > 0 && age < ages[i - 1]!)) yield `S6: the ages of queue ${name} are out of order`
  }
  for (const queue of state.balance.overtaken.keys()) {
    if (!state.queues.has(queue)) yield `S6: nobody waits in the queue ${queue}`
  }
  if (state.queues.size === 0 && (state.balance.shares.size > 0 || state.balance.lastPlace > 0)) {
    yield "S6: shares are kept for nobody"
  }
  const others = (state.fairness.queues === "none" ? 0 : 1) + (state.delays.groups.size === 0 ? 0 : 1)
  const demanding = others + live.filter((task) => asksForMore(state, task)).length
  if (demanding !== state.demanding) yield `S6: ${state.demanding} of ${demanding} tasks that ask for more are counted`
}

/** Whether a task asks for more than a slot or names a share, now or when it is ready. */
const asksForMore = (state: State, task: TaskId): boolean => {
  const { index, submission } = state.tasks
  return demandOf(state, task) !== undefined || shareAt(submission[task]!, index[task]!) !== undefined ||
    settingsOf(state, task)?.policies?.some(({ of }) => of === "follow") === true
}
