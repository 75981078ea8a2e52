/**
 * A registered plan, and the facts that it has about its tasks, by their index in the plan: they can be read even if a task's row
 * belongs to another task now.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import type { Defaults, Plan, Reference } from "../protocol/Plan.ts"
import type { Owner } from "./Owner.ts"
import type { Lane } from "./Queue.ts"

/** The refusals of a recursion so far: one object for all its submissions, at any depth. */
export interface Guard {
  refusals: number
  /** The limit that it reached last. */
  limit: "nesting" | "unfolding" | "seceded" | undefined
}

/** One registered plan. */
export interface Submission {
  readonly number: number
  /** Facts that only the engine keeps, of a submission whose tasks are forgotten for good; see `horizon.ts`. */
  plan: Plan
  readonly ids: Int32Array
  /** The reverse of the plan's dependencies, by plan index. */
  readonly dependentOffsets: Int32Array
  readonly dependents: Int32Array
  /** The index of each task in its lane. */
  readonly ranks: Int32Array
  readonly lane: Lane
  /** Lanes of priorities other than that of `lane`, by priority. */
  readonly otherLanes: ReadonlyMap<number, Lane> | undefined
  /** The priority by which each task ranks, by plan index; `undefined` if it is `priority` for all. */
  readonly priorities: Float64Array | undefined
  readonly owner: Owner
  /** The name of the task from whose body it came. Nothing else is kept, because that task may be forgotten long before. */
  readonly parent: Name | undefined
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
  /** The priority of tasks without their own: the parent's. */
  readonly priority: number
  /** The share of tasks without their own: the parent's. */
  readonly share: string | undefined
  /** Number of the first task, for automatic keys. */
  readonly sequence: number
  readonly submittedAt: number
  /** The origins of dependencies on tasks of other submissions, by their index among the plan's `targets`. */
  origins: Map<number, Place> | undefined
  /** The number of submissions between it and the last one at which the lineage was measured; see `horizon.ts`. */
  reach: number
}

/** The parts of a task's key. */
export interface Name {
  /** Its own key, if it has one. */
  readonly key: string | undefined
  readonly label: string | undefined
  /** Its number among all tasks. */
  readonly number: number
}

/** Where a task was registered: identifies it even if its row belongs to another task now. */
export interface Place {
  readonly submission: Submission
  readonly index: number
}

/** The live task that a reference of this submission means. The hot loops have this inlined. */
export const liveOf = ({ ids }: Pick<Submission, "ids">, reference: Reference): TaskId =>
  reference >= 0 ? ids[reference]! : ~reference

/** The settings of a task of a submission, or the defaults of its plan. */
export const saidAt = <K extends keyof Defaults>(
  { plan: { defaults, settings } }: Submission,
  index: number,
  name: K
): Defaults[K] => (settings.size === 0 ? undefined : settings.get(index)?.[name]) ?? defaults?.[name]

/** The key of a task of a submission: its own, or one formed from its label and its number among all tasks. */
export const keyAt = (submission: Submission, index: number): string =>
  ownKeyAt(submission, index) ?? automaticKey(labelAt(submission, index), submission.sequence + index)

const ownKeyAt = ({ plan: { settings } }: Submission, index: number): string | undefined =>
  settings.size === 0 ? undefined : settings.get(index)?.key

const automaticKey = (label: string | undefined, number: number): string => `${label ?? "task"}#${number}`

/** The number of a task among all tasks, which distinguishes tasks of one key. */
export const numberOf = ({ index, submission }: Place): number => submission.sequence + index

export const nameAt = (submission: Submission, index: number): Name => ({
  key: ownKeyAt(submission, index),
  label: labelAt(submission, index),
  number: submission.sequence + index
})

/** The key of a task with this name. */
export const keyNamed = ({ key, label, number }: Name): string => key ?? automaticKey(label, number)

/** The label of a task of a submission. */
export const labelAt = (submission: Submission, index: number): string | undefined => saidAt(submission, index, "label")

/** Whether a task of a submission may be started again once it may have started. */
export const mayRepeatAt = (submission: Submission, index: number): boolean =>
  saidAt(submission, index, "idempotent") !== false

/** The priority with which a task of a submission ranks: its own, or a higher one of a task that needs it. */
export const priorityAt = ({ priorities, priority }: Submission, index: number): number =>
  priorities === undefined ? priority : priorities[index]!

/** The share of a task of a submission, if it has one: its own, or that of its region or parent. */
export const shareAt = (submission: Submission, index: number): string | undefined =>
  submission.plan.settings.get(index)?.share ?? submission.share

/** Whether a task of a submission is a source: it depends on nothing, and no body submitted it. */
export const isSourceAt = ({ parent, plan: { offsets } }: Submission, index: number): boolean =>
  parent === undefined && offsets[index] === offsets[index + 1]

/** The key of the task from whose body a submission came. */
export const submitterOf = ({ parent }: Submission): string => parent === undefined ? "program" : keyNamed(parent)
