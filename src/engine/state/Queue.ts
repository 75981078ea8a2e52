/**
 * Where ready tasks wait to start: lanes of those that rank alike, queues of those that ask alike of a
 * worker, and crowds of queues that wait for the same.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import type { Demand } from "../protocol/Plan.ts"
import type { Members } from "../structures/positions.ts"
import type { WorkerRecord } from "./WorkerRecord.ts"

/** Ready tasks that rank alike but for their static position. */
export interface Lane {
  readonly priority: number
  readonly computation: number
  /** Static position of the top-level ancestor, or -1 at the top level, where each task is its own. */
  readonly ancestor: number
  readonly depth: number
  readonly submission: number
  readonly members: Members
  readonly taskAt: Int32Array
  /** Place in the heap of lanes, or -1. */
  heapIndex: number
}

/** Ready tasks that ask alike of a worker and are held back alike: if the best of them can start nowhere, none can. */
export interface Queue {
  /** What tells it from others. */
  readonly name: string
  readonly demand: Demand | undefined
  readonly share: string | undefined
  /** They are sources, and the layer holds sources back. */
  readonly isSource: boolean
  /** The oldest first, each with the starts of its share until it was ready; where tasks age or name shares. */
  readonly since: Map<TaskId, number>
  readonly lanes: Array<Lane>
  /** Its lanes, by those of the submissions of which they are parts. */
  readonly parts: Map<Lane, Lane>
  /** Those that wait for the same. Another one when a worker comes or goes. */
  crowd: Crowd
  /** Place in the heap of its crowd, or -1. */
  heapIndex: number
}

/** Queues whose tasks may run on the same workers, and need amounts and tags of the same names beside a slot. */
export interface Crowd {
  /** What tells it from others. */
  readonly name: string
  readonly isSource: boolean
  readonly workers: ReadonlyArray<WorkerRecord>
  readonly amounts: ReadonlyArray<string>
  readonly tags: ReadonlyArray<string>
  /** The queues, the one with the best task first (a binary heap). */
  readonly heads: Array<Queue>
}
