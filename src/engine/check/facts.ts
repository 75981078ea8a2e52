/**
 * Facts of a state that several checks need, computed once.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import { hasEnded, Phase, phaseNames } from "../protocol/Phase.ts"
import { keyAt } from "../protocol/Registered.ts"
import { dependenciesOf } from "../state/dependencies.ts"
import { holdsDependencies, phaseOf } from "../state/lookups.ts"
import type { Lane } from "../state/Queue.ts"
import { aliasOf } from "../state/rare.ts"
import type { State } from "../state/State.ts"
import { isSourceAt } from "../state/Submission.ts"
import type { Timer } from "../state/Timer.ts"
import { membersOf } from "../views/snapshot.ts"

/** Counts a part of a state again, and yields the differences, a sentence each, with the number of the invariant first. */
export type Rule = (state: State, facts: Facts) => Iterable<string>

export interface Facts {
  /** The rows in use. */
  readonly live: ReadonlyArray<TaskId>
  /** The dependencies of each live task that still holds them, except aliases. */
  readonly needs: ReadonlyMap<TaskId, ReadonlyArray<TaskId>>
  /** The members of each lane in which tasks are ready, best first. */
  readonly members: ReadonlyMap<Lane, ReadonlyArray<TaskId>>
  readonly name: (task: TaskId) => string
  /** Whether such a timer is armed. */
  readonly isArmed: (task: TaskId, kind: Timer["kind"], serial: number) => boolean
}

export const factsOf = (state: State): Facts => {
  const { tasks } = state
  const live = Array.from({ length: tasks.used }, (_, task) => task).filter((task) =>
    isLive(state, task) && tasks.submission[task] !== undefined
  )
  const needs = live.filter((task) => holdsDependencies(state, task) && aliasOf(state, task) === undefined)
  const armed = new Set(state.timers.heap.map(({ kind, serial, task }) => `${kind} ${task} ${serial}`))
  return {
    live,
    needs: new Map(needs.map((task) => [task, dependenciesOf(state, task)])),
    members: new Map(heapsOf(state).flat().map((lane) => [lane, membersOf(lane)])),
    isArmed: (task, kind, serial) => armed.has(`${kind} ${task} ${serial}`),
    name: (task) => {
      const submission = tasks.submission[task]
      const key = submission === undefined ? "nothing" : keyAt(submission, tasks.index[task]!)
      return `${key} (row ${task}, ${phaseNames[phaseOf(state, task)]})`
    }
  }
}

/** All heaps of lanes: those of tasks that ask for a slot alone, and those of the queues. */
export const heapsOf = ({ lanes, portableLanes, queues, remoteLanes }: State): ReadonlyArray<ReadonlyArray<Lane>> => [
  lanes,
  portableLanes,
  remoteLanes,
  ...[...queues.values()].map((queue) => queue.lanes)
]

/** Each entry of a binary heap that has a parent, with its place. */
export function* withParents<A>(heap: ReadonlyArray<A>): Iterable<readonly [entry: A, parent: A, place: number]> {
  for (let place = 1; place < heap.length; place++) yield [heap[place]!, heap[(place - 1) >> 1]!, place]
}

export const has = (state: State, task: TaskId, flag: number): boolean => (state.tasks.flags[task]! & flag) !== 0

/** Whether there is a task in a row. */
export const isLive = (state: State, task: TaskId): boolean =>
  task >= 0 && task < state.tasks.used && phaseOf(state, task) !== Phase.free

/** Whether there is one that has not ended. */
export const isOpen = (state: State, task: TaskId): boolean => isLive(state, task) && !hasEnded(phaseOf(state, task))

/** Whether there is one with a result that is held. */
export const hasResult = (state: State, task: TaskId): boolean =>
  isLive(state, task) && phaseOf(state, task) === Phase.succeeded

export const isSource = ({ tasks: { index, submission } }: State, task: TaskId): boolean =>
  isSourceAt(submission[task]!, index[task]!)
