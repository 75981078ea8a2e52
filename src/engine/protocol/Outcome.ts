/**
 * The outcome of a task without success: the reason, and the path from the task that failed first.
 *
 * @since 0.1.0
 */
import { Path } from "../structures/path.ts"
import { Phase } from "./Phase.ts"
import type { EndKind } from "./policies.ts"
import type { Reason } from "./Reason.ts"
import type { Place } from "./Registered.ts"

/** How a task ended without success. Dependents share the reason of the task that failed first. */
export interface Outcome {
  readonly reason: Reason
  readonly trail: Trail
}

/** The path of a failure: from the task that failed first, through its dependents, to this task. */
export interface Trail {
  readonly task: string
  readonly from: Trail | undefined
  /** The task stood for that of `from` and ended as it did. */
  readonly isAlias?: boolean
  /** Where the task that failed first ran. */
  readonly where?: Where
  /** Where the task was registered. */
  readonly place?: Place
}

/** Where and how often a task ran. */
export interface Where {
  /** Which start of the task it was, from 1; 0 if it never started. */
  readonly attempt: number
  readonly label: string | undefined
  /** The number of the graph in which its key names it. */
  readonly graph: number
  /** The key of the task from whose body it was submitted, or "program". */
  readonly submitter: string
  readonly worker: string | undefined
}

/** The keys from the task that failed first to the one at the end of a trail; adds the lists on the way to `known`. */
export const pathOf = (trail: Trail, known: Map<Trail, Path>): Path => {
  const steps: Array<Trail> = []
  let at: Trail | undefined = trail
  for (; at !== undefined && !known.has(at); at = at.from) steps.push(at)
  let path = at && known.get(at)
  for (let i = steps.length - 1; i >= 0; i--) {
    path = new Path(path, steps[i]!.task, graphOf(steps[i]!))
    known.set(steps[i]!, path)
  }
  return path!
}

/** The number of the graph in which the key of a step names its task. */
export const graphOf = ({ place, where }: Trail): number | undefined => place?.submission.number ?? where?.graph

/** The first step of a trail: the end that began it. */
export const firstOf = (trail: Trail): Trail => {
  let first = trail
  while (first.from !== undefined) first = first.from
  return first
}

/** The task that ended by itself: tasks that stand for another end as that one does. */
export const meantBy = (trail: Trail): Trail => {
  let meant = trail
  while (meant.isAlias === true) meant = meant.from!
  return meant
}

/** The phase in which a task ends without success. */
export const phaseAfter = (outcome: Outcome): Phase => {
  const { _tag } = outcome.reason
  if (_tag === "Cancelled") return Phase.cancelled
  if (_tag === "Skipped") return Phase.skipped
  return outcomeIn(outcome) === "upstreamFailed" ? Phase.upstreamFailed : Phase.failed
}

/** The kind of an end without success, for policies. */
export const outcomeIn = ({ reason, trail }: Outcome): EndKind => {
  if (reason._tag === "Skipped") return "skipped"
  // A task that no worker could run failed by itself, not because of a dependency.
  const isUnreachable = reason._tag === "Impossible" && reason.why._tag === "Unreachable"
  return meantBy(trail).from !== undefined || isUnreachable ? "upstreamFailed" : "failed"
}
