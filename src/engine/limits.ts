/**
 * Bounds on what may be submitted: a graph that is too large, or a recursion that does not end, is refused before any of
 * it is registered.
 *
 * @since 0.1.0
 */
import type { Refusal } from "./Instruction.ts"
import type { Plan } from "./Plan.ts"
import type { State } from "./State.ts"
import type { TaskId } from "./TaskTable.ts"

/** Greatest numbers that are accepted. */
export interface Limits {
  /** Tasks of one graph, and items of one input of `Client.map`; 10 million unless told. */
  readonly tasks: number
  /** Tasks on the longest way through one graph. */
  readonly depth: number
  /** Tasks that are live at once, those that have ended and are still claimed or needed included. */
  readonly live: number
  /** How deep bodies may submit from inside bodies. */
  readonly nesting: number
  /** How often a flatMap task may stand for a flatMap task that stands for another, and so on. */
  readonly unfolding: number
  /** Tasks that wait inside their body at once. */
  readonly seceded: number
  /** Workers that may be lost while they run one task, the one with which it fails included. */
  readonly deaths: number
  /** How often the body of one task may report that dependencies are lost, the report with which it fails included. */
  readonly dependenciesLost: number
  /** Starts that may take of what a ready task waits for, amounts or tags, before that task goes first. */
  readonly overtakes: number
  /** Submissions, one made of a result of the other, over which what was released is remembered, to be made anew if it must. */
  readonly lineage: number
}

/** A recursion or an input without end is stopped while it fits into memory; everything else is up to the user. */
export const defaultLimits: Limits = {
  tasks: 10_000_000,
  depth: Infinity,
  live: Infinity,
  nesting: 10_000,
  unfolding: 200_000,
  seceded: 100_000,
  deaths: 4,
  dependenciesLost: 20,
  overtakes: 100,
  lineage: 1000
}

/** Why a plan is not accepted, if it is not. */
export const refusalOf = (state: State, plan: Plan): Refusal | undefined => {
  const { limits } = state
  if (plan.size > limits.tasks) return exceeds("tasks", plan.size, limits)
  const live = state.tasks.size + plan.size
  if (live > limits.live) return exceeds("live", live, limits)
  if (limits.depth === Infinity || plan.size <= limits.depth) return undefined
  const depth = depthOf(plan)
  return depth > limits.depth ? exceeds("depth", depth, limits) : undefined
}

/** The nesting of what the body of `parent` (-1 for none) submits. */
export const nestingOf = (state: State, parent: TaskId): number =>
  parent < 0 ? 0 : state.tasks.submission[parent]!.nesting + 1

/** Why the body of `parent` may submit nothing, if it may not. */
export const nestingRefusal = (state: State, parent: TaskId): Refusal | undefined => {
  if (parent < 0) return undefined
  const { nesting, seceded } = state.limits
  if (nestingOf(state, parent) > nesting) return { _tag: "NestingLimit", of: "nesting", max: nesting }
  if (state.waitsOf.size >= seceded && !state.waitsOf.has(parent)) {
    return { _tag: "NestingLimit", of: "seceded", max: seceded }
  }
  return undefined
}

/** Why `task` may not stand for another, if it may not. */
export const unfoldingRefusal = (state: State, task: TaskId): Refusal | undefined => {
  const { unfolding } = state.limits
  const { depth } = state.tasks.submission[task]!
  return depth < unfolding ? undefined : { _tag: "NestingLimit", of: "unfolding", max: unfolding }
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
