/**
 * Bounds on submissions: a graph that is too large, or an endless recursion, is refused before any of it is registered.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import type { LimitExceeded, Refusal } from "../protocol/Instruction.ts"
import type { Plan } from "../protocol/Plan.ts"
import type { Limits } from "../protocol/Settings.ts"
import type { State } from "./State.ts"
import type { Guard, Submission } from "./Submission.ts"

/** The refusal of a plan, if any. */
export const refusalOf = (state: State, plan: Plan): Refusal | undefined => {
  const { limits } = state
  if (plan.size > limits.tasks) return exceeds("tasks", plan.size, limits)
  const live = state.tasks.size + plan.size
  if (live > limits.live) return exceeds("live", live, limits)
  if (limits.depth === Infinity || plan.size <= limits.depth) return undefined
  const depth = depthOf(plan)
  return depth > limits.depth ? exceeds("depth", depth, limits) : undefined
}

/** The nesting of a submission by the body of `parent` (-1 for none). */
export const nestingOf = (state: State, parent: TaskId): number =>
  parent < 0 ? 0 : state.tasks.submission[parent]!.nesting + 1

/** The refusal of submissions by the body of `parent`, if any. */
export const nestingRefusal = (state: State, parent: TaskId): Refusal | undefined => {
  if (parent < 0) return undefined
  const { nesting, seceded } = state.limits
  const submission = state.tasks.submission[parent]!
  if (nestingOf(state, parent) > nesting) return refuse(state, submission, "nesting")
  if (state.waitsOf.size >= seceded && !state.waitsOf.has(parent)) return refuse(state, submission, "seceded")
  return refusedForGood(state, submission)
}

/** The refusal of `task` standing for another, if any. */
export const unfoldingRefusal = (state: State, task: TaskId): Refusal | undefined => {
  const submission = state.tasks.submission[task]!
  return submission.depth < state.limits.unfolding
    ? refusedForGood(state, submission)
    : refuse(state, submission, "unfolding")
}

/** Refuses a submission by a task of `submission`. */
const refuse = (state: State, submission: Submission, limit: NonNullable<Guard["limit"]>): Refusal => {
  const refused = refusedForGood(state, submission)
  if (refused !== undefined) return refused
  const { guard } = submission
  if (guard !== undefined) {
    guard.refusals++
    guard.limit = limit
  }
  return { _tag: "NestingLimit", of: limit, max: state.limits[limit] }
}

/**
 * The refusal of a whole recursion, if any. A recursion that reaches a limit again and again has no base case: otherwise each of
 * its waiting bodies would reach the limit once more, and their number is exponential.
 */
const refusedForGood = ({ limits }: State, { guard }: Submission): Refusal | undefined => {
  if (guard?.limit === undefined || guard.refusals < limits.refusals) return undefined
  const { limit, refusals } = guard
  return { _tag: "NestingLimit", of: limit, max: limits[limit], refusals }
}

const exceeds = (limit: LimitExceeded["limit"], value: number, limits: Limits): LimitExceeded => ({
  _tag: "LimitExceeded",
  limit,
  value,
  max: limits[limit]
})

/** The number of tasks on the longest path through a plan. */
const depthOf = ({ offsets, positions, size, targets }: Plan): number => {
  const depths = new Int32Array(size)
  const inOrder = new Int32Array(size)
  for (let i = 0; i < size; i++) inOrder[positions[i]!] = i
  let deepest = 0
  for (const i of inOrder) {
    for (let j = offsets[i]!; j < offsets[i + 1]!; j++) {
      if (targets[j]! >= 0) depths[i] = Math.max(depths[i]!, depths[targets[j]!]!)
    }
    depths[i]!++
    deepest = Math.max(deepest, depths[i]!)
  }
  return deepest
}
