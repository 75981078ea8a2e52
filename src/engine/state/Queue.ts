/**
 * Structures of ready tasks: lanes of tasks that rank alike, queues of tasks with the same demands, and crowds of queues that
 * wait for the same.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import type { Demand, TaskKind } from "../protocol/Plan.ts"
import type { Members } from "../structures/positions.ts"
import type { WorkerRecord } from "./WorkerRecord.ts"

/** Ready tasks that rank alike except for their static position. */
export interface Lane {
  readonly priority: number
  readonly computation: number
  /** Static position of the top-level ancestor, or -1 at the top level, where each task is its own. */
  readonly ancestor: number
  readonly depth: number
  readonly submission: number
  /** The kind of its tasks. */
  readonly kind: TaskKind
  /** Whether its rank depends on its best member: without an ancestor, or beside a lane that ranks alike. */
  readonly isMoving: boolean
  readonly members: Members
  readonly taskAt: Int32Array
  /** Index in the heap of lanes, or -1. */
  heapIndex: number
}

/** Ready tasks with the same demands, under the same brakes: if the best of them can start nowhere, none can. */
export interface Queue {
  /** Its identity. */
  readonly name: string
  readonly demand: Demand | undefined
  readonly share: string | undefined
  /** Its tasks are sources, and the layer throttles sources. */
  readonly isSource: boolean
  /** The group of its tasks, if that is paused. */
  readonly group: string | undefined
  /** The kind of its tasks. */
  readonly kind: TaskKind
  /** Its tasks by age, each with the number of its share's starts when it became ready; if tasks age or name shares. */
  readonly since: Map<TaskId, number>
  readonly lanes: Array<Lane>
  /** Its lanes, by the lanes of submissions that they are parts of. */
  readonly parts: Map<Lane, Lane>
  /** Its crowd, which changes when a worker comes or goes. */
  crowd: Crowd
  /** Index in the heap of its crowd, or -1. */
  heapIndex: number
}

/** Queues whose tasks may run on the same workers, and need amounts and tags of the same names beside a slot. */
export interface Crowd {
  /** Its identity. */
  readonly name: string
  readonly isSource: boolean
  readonly group: string | undefined
  readonly workers: ReadonlyArray<WorkerRecord>
  readonly amounts: ReadonlyArray<string>
  readonly tags: ReadonlyArray<string>
  /** The queues, the one with the best task first (a binary heap). */
  readonly heads: Array<Queue>
  /** Until when a rate or a pause holds it back at least, if it is in the heap of those that wait; `-Infinity` otherwise. */
  heldUntil: number
  /** Index in that heap, or -1. */
  heapIndex: number
}
