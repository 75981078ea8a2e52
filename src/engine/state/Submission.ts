/**
 * A plan that has been registered, and what it says of its tasks. They are named by their place in the plan: it can be asked of
 * a task whose row belongs to another by now.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import type { Defaults, Plan, Reference } from "../protocol/Plan.ts"
import type { Owner } from "./Owner.ts"
import type { Lane } from "./Queue.ts"

/** What a recursion has been refused so far: one object for all submissions of it, those in the bodies of others included. */
export interface Guard {
  refusals: number
  /** The limit that it came to last. */
  limit: "nesting" | "unfolding" | "seceded" | undefined
}

/** One registered plan. */
export interface Submission {
  readonly number: number
  /** Of one whose tasks are forgotten for good, what the engine knows alone; see `horizon.ts`. */
  plan: Plan
  readonly ids: Int32Array
  /** The reverse of the plan's dependencies, by plan index. */
  readonly dependentOffsets: Int32Array
  readonly dependents: Int32Array
  /** Place of each task in its lane. */
  readonly ranks: Int32Array
  readonly lane: Lane
  /** Lanes of priorities other than that of `lane`, by priority. */
  readonly otherLanes: ReadonlyMap<number, Lane> | undefined
  /** With which each task ranks, by plan index; `undefined` if it is `priority` for all. */
  readonly priorities: Float64Array | undefined
  readonly owner: Owner
  /** The name of the task from whose body it came, and nothing else of it: that task may end, and be forgotten, long before. */
  readonly parent: Name | undefined
  /** How many bodies, one inside the other, have submitted down to it. */
  readonly nesting: number
  /** Of a submission from outside `undefined`; what its tasks launch has a new one; all below shares that. */
  readonly guard: Guard | undefined
  readonly computation: number
  readonly ancestor: number
  /** How many tasks, one the parent of the other, stand above it. */
  readonly depth: number
  /** Priority of tasks that name none: that of the parent. */
  readonly priority: number
  /** Share of tasks that name none: that of the parent. */
  readonly share: string | undefined
  /** Number of the first task, for automatic keys. */
  readonly sequence: number
  readonly submittedAt: number
  /** Where the dependencies on tasks of other submissions come from, by their place among the plan's `targets`. */
  origins: Map<number, Place> | undefined
  /** How many submissions lie, one behind the other, between it and where it was looked last how far back they go; see `horizon.ts`. */
  reach: number
}

/** What makes the key of a task. */
export interface Name {
  /** Its own key, if it has one. */
  readonly key: string | undefined
  readonly label: string | undefined
  /** Its number among all tasks. */
  readonly number: number
}

/** Where a task was registered: what tells of it even when its row belongs to another. */
export interface Place {
  readonly submission: Submission
  readonly index: number
}

/** The live task that a plan of this submission means. The hot loops have it written out. */
export const liveOf = ({ ids }: Pick<Submission, "ids">, reference: Reference): TaskId =>
  reference >= 0 ? ids[reference]! : ~reference

/** What a task of a submission says itself, or its plan for all that say nothing. */
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

/** The number of a task among all: what tells it from others of the same key. */
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
