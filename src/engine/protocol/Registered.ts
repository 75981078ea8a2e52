/**
 * A registered plan, as code outside the engine reads it: the facts that it has about its tasks, by their index in the plan. They can
 * be read even if a task's row belongs to another task now. Events and instructions never contain it.
 *
 * @since 0.1.0
 */
import type { TaskId } from "./ids.ts"
import type { Defaults, Plan, Reference, TaskKind } from "./Plan.ts"

/** One registered plan, read-only. Only the engine changes it. */
export interface Registered {
  readonly number: number
  /** Facts that only the engine keeps, of a submission whose tasks are forgotten for good; see `horizon.ts`. */
  readonly plan: Plan
  /** The row of each task; below 0 for a task without one. */
  readonly ids: Int32Array
  /** The priority by which each task ranks, by plan index; `undefined` if it is `priority` for all. */
  readonly priorities: Float64Array | undefined
  /** The priority of tasks without their own: the parent's. */
  readonly priority: number
  /** The name of the task from whose body it came. Nothing else is kept, because that task may be forgotten long before. */
  readonly parent: Name | undefined
  /** Number of the first task, for automatic keys. */
  readonly sequence: number
  readonly submittedAt: number
  /** The origins of dependencies on tasks of other submissions, by their index among the plan's `targets`. */
  readonly origins: ReadonlyMap<number, Place> | undefined
  /** The number of submissions between it and the last one at which the lineage was measured; see `horizon.ts`. */
  readonly reach: number
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
  readonly submission: Registered
  readonly index: number
}

/** The live task that a reference of this submission means. The hot loops have this inlined. */
export const liveOf = ({ ids }: Pick<Registered, "ids">, reference: Reference): TaskId =>
  reference >= 0 ? ids[reference]! : ~reference

/** The settings of a task of a submission, or the defaults of its plan. */
export const saidAt = <K extends keyof Defaults>(
  { plan: { defaults, settings } }: Registered,
  index: number,
  name: K
): Defaults[K] => (settings.size === 0 ? undefined : settings.get(index)?.[name]) ?? defaults?.[name]

/** The key of a task of a submission: its own, or one formed from its label and its number among all tasks. */
export const keyAt = (submission: Registered, index: number): string =>
  ownKeyAt(submission, index) ?? automaticKey(labelAt(submission, index), submission.sequence + index)

const ownKeyAt = ({ plan: { settings } }: Registered, index: number): string | undefined =>
  settings.size === 0 ? undefined : settings.get(index)?.key

const automaticKey = (label: string | undefined, number: number): string => `${label ?? "task"}#${number}`

/** The number of a task among all tasks, which distinguishes tasks of one key. */
export const numberOf = ({ index, submission }: Place): number => submission.sequence + index

export const nameAt = (submission: Registered, index: number): Name => ({
  key: ownKeyAt(submission, index),
  label: labelAt(submission, index),
  number: submission.sequence + index
})

/** The key of a task with this name. */
export const keyNamed = ({ key, label, number }: Name): string => key ?? automaticKey(label, number)

/** The label of a task of a submission. */
export const labelAt = (submission: Registered, index: number): string | undefined =>
  saidAt(submission, index, "label") ?? namedAt(submission.plan, index)

/** The name of a portable task for people. */
const namedAt = ({ names, portable }: Plan, index: number): string | undefined =>
  names === undefined || portable === undefined ? undefined : names[Math.abs(portable[index]!)]

/** The workers that may run a task of a submission. */
export const kindAt = ({ plan: { portable } }: Registered, index: number): TaskKind =>
  portable === undefined ? "local" : kindOf(portable[index]!)

/** The kind of a task, by its entry in a plan. */
export const kindOf = (entry: number): TaskKind => entry === 0 ? "local" : entry > 0 ? "portable" : "remote"

/** Whether a task of a submission may be started again once it may have started. */
export const mayRepeatAt = (submission: Registered, index: number): boolean =>
  saidAt(submission, index, "idempotent") !== false

/** The priority with which a task of a submission ranks: its own, or a higher one of a task that needs it. */
export const priorityAt = ({ priorities, priority }: Registered, index: number): number =>
  priorities === undefined ? priority : priorities[index]!

/** The key of the task from whose body a submission came. */
export const submitterOf = ({ parent }: Registered): string => parent === undefined ? "program" : keyNamed(parent)

/** Whether the tasks of a plan are forgotten for good: none of them is made anew. */
export const isBeyond = ({ reach }: Pick<Registered, "reach">): boolean => reach < 0

/** Where a dependency was registered, whatever became of its row. */
export const originOf = (submission: Registered, edge: number): Place => {
  const target = submission.plan.targets[edge]!
  return target >= 0 ? { submission, index: target } : submission.origins!.get(edge)!
}

/** Where the dependencies of a task were registered, dropped ones included. */
export const originsOf = ({ index, submission }: Place): ReadonlyArray<Place> => {
  const { offsets } = submission.plan
  const places: Array<Place> = []
  for (let edge = offsets[index]!; edge < offsets[index + 1]!; edge++) places.push(originOf(submission, edge))
  return places
}
