/**
 * Bounds on what may be submitted: a graph that is too large, or a recursion that does not end, is refused before any of
 * it is registered.
 *
 * @since 0.1.0
 */
import type { GraphSubmitted, TaskExpanded } from "./Event.ts"
import type { Refusal } from "./Instruction.ts"
import type { Plan } from "./Plan.ts"
import type { State, TaskId } from "./State.ts"

/** Greatest numbers that are accepted. */
export interface Limits {
  /** Tasks of one graph. */
  readonly tasks: number
  /** Tasks on the longest way through one graph. */
  readonly depth: number
  /** Tasks that are live at once, those that have ended and are still claimed or needed included. */
  readonly live: number
  /** How deep tasks may submit from inside tasks. */
  readonly nesting: number
  /** Tasks that wait inside their body at once. */
  readonly seceded: number
}

/** A recursion without end is stopped while it fits into memory; everything else is up to the user. */
export const defaultLimits: Limits = {
  tasks: Infinity,
  depth: Infinity,
  live: Infinity,
  nesting: 10_000,
  seceded: 100_000
}

/** Why a plan submitted from `parent` (-1 for none) is not accepted, if it is not. */
export const refusalOf = (
  state: State,
  { plan }: Pick<GraphSubmitted | TaskExpanded, "plan">,
  parent: TaskId
): Refusal | undefined => {
  const { limits } = state
  if (parent >= 0) {
    const nesting = state.tasks.submission[parent]!.depth + 1
    if (nesting > limits.nesting) return { _tag: "NestingLimit", of: "nesting", max: limits.nesting }
    if (state.waitsOf.size > limits.seceded) return { _tag: "NestingLimit", of: "seceded", max: limits.seceded }
  }
  if (plan.size > limits.tasks) return exceeds("tasks", plan.size, limits)
  const live = state.tasks.size + plan.size
  if (live > limits.live) return exceeds("live", live, limits)
  if (limits.depth === Infinity || plan.size <= limits.depth) return undefined
  const depth = depthOf(plan)
  return depth > limits.depth ? exceeds("depth", depth, limits) : undefined
}

const exceeds = (limit: "tasks" | "depth" | "live", value: number, limits: Limits): Refusal => ({
  _tag: "LimitExceeded",
  limit,
  value,
  max: limits[limit]
})

/** Tasks on the longest way through a plan. */
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
