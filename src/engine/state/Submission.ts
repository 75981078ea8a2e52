/**
 * A registered plan, and the facts that it has about its tasks, by their index in the plan: they can be read even if a task's row
 * belongs to another task now.
 *
 * @since 0.1.0
 */
import type { Plan, TaskKind } from "../protocol/Plan.ts"
import type { Registered } from "../protocol/Registered.ts"
import type { Owner } from "./Owner.ts"
import type { Lane } from "./Queue.ts"

/** The refusals of a recursion so far: one object for all its submissions, at any depth. */
export interface Guard {
  refusals: number
  /** The limit that it reached last. */
  limit: "nesting" | "unfolding" | "seceded" | undefined
}

type LanesByPriority = ReadonlyMap<number, Lane>

/** One registered plan. */
export interface Submission extends Registered {
  /** Facts that only the engine keeps, of a submission whose tasks are forgotten for good; see `horizon.ts`. */
  plan: Plan
  /** The reverse of the plan's dependencies, by plan index. */
  readonly dependentOffsets: Int32Array
  readonly dependents: Int32Array
  /** The index of each task in its lane. */
  readonly ranks: Int32Array
  /** The lane of all its tasks; `undefined` if they differ in kind or priority. */
  readonly lane: Lane | undefined
  /** The lanes by kind and priority, if its tasks differ in one of the two; else `undefined`. */
  readonly otherLanes: Readonly<Record<TaskKind, LanesByPriority>> | undefined
  readonly owner: Owner
  /** The number of nested bodies above it. */
  readonly nesting: number
  /**
   * `undefined` for a submission from outside. Each submission by one of its tasks has a new one, shared by all submissions
   * below.
   */
  readonly guard: Guard | undefined
  readonly computation: number
  readonly ancestor: number
  /** The number of its ancestors, parent over parent. */
  readonly depth: number
  /** The share of tasks without their own: the parent's. */
  readonly share: string | undefined
  /** The origins of dependencies on tasks of other submissions, by their index among the plan's `targets`. */
  origins: Map<number, Place> | undefined
  /** The number of submissions between it and the last one at which the lineage was measured; see `horizon.ts`. */
  reach: number
}

/** Where a task was registered: identifies it even if its row belongs to another task now. */
export interface Place {
  readonly submission: Submission
  readonly index: number
}

/** The share of a task of a submission, if it has one: its own, or that of its region or parent. */
export const shareAt = (submission: Submission, index: number): string | undefined =>
  submission.plan.settings.get(index)?.share ?? submission.share

/** Whether a task of a submission is a source: it depends on nothing, and no body submitted it. */
export const isSourceAt = ({ parent, plan: { offsets } }: Submission, index: number): boolean =>
  parent === undefined && offsets[index] === offsets[index + 1]
