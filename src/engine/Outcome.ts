/**
 * How a task ends without success: why, and the way from the task that failed first.
 *
 * @since 0.1.0
 */
import { Path } from "./Path.ts"
import type { Exclusion, Restriction } from "./Plan.ts"
import type { Group, Policy, Tally } from "./policies.ts"
import type { Place } from "./Submission.ts"

/** How a task ended without success. Dependents share the reason of the task that failed first. */
export interface Outcome {
  readonly reason: Reason
  readonly trail: Trail
}

/** The way a failure came: from the task that failed first, over its dependents, to here. */
export interface Trail {
  readonly task: string
  readonly from: Trail | undefined
  /** The task stood for that of `from` and ended as it did. */
  readonly isAlias?: boolean
  /** Where the task that failed first had come to. */
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

/** What ended the first task of a trail. */
export type Reason =
  | { readonly _tag: "Failed"; readonly failure: number; readonly defect: boolean }
  | { readonly _tag: "Cancelled"; readonly task: string; readonly by: string; readonly reason: string }
  | { readonly _tag: "TimedOut"; readonly of: "attempt" | "deadline" | "dependencies"; readonly millis: number }
  | { readonly _tag: "Starved"; readonly waits: ReadonlyArray<Pair> }
  | { readonly _tag: "Killed"; readonly deaths: number; readonly reason: Killing }
  | {
    readonly _tag: "DependenciesGone"
    readonly keys: ReadonlyArray<string>
    readonly reports: number
    readonly reason: Going
  }
  /** No worker takes tasks at all, and none came for so long. */
  | { readonly _tag: "NoWorker"; readonly millis: number }
  /** No worker that takes tasks meets the restriction, and none came for so long. */
  | { readonly _tag: "NoSuitableWorker"; readonly restriction: Restriction; readonly millis: number }
  | { readonly _tag: "Skipped" }
  | { readonly _tag: "Impossible"; readonly why: Impossibility }

/** Why a task can never start. */
export type Impossibility =
  /** It said so on each worker on which it may run by its restriction. */
  | { readonly _tag: "Unmet"; readonly on: ReadonlyArray<Exclusion> }
  /** Its locality is below 0 for each of them, or `fault`. */
  | { readonly _tag: "Locality"; readonly workers: ReadonlyArray<string>; readonly fault: string | undefined }
  /** What it follows ran on these workers, and on none of them enough of it. */
  | { readonly _tag: "Apart"; readonly workers: ReadonlyArray<string> }
  /** What it follows ran on these workers, and none of them takes tasks and may run it. */
  | { readonly _tag: "Away"; readonly workers: ReadonlyArray<string> }
  /** So many dependencies of a group have ended otherwise that its policy can never be met. */
  | {
    readonly _tag: "Unreachable"
    readonly of: Group["of"]
    readonly policy: Policy
    /** How many dependencies the group has, and how those ended that have. */
    readonly size: number
    readonly ended: Tally
    /** The keys of the first few that ended otherwise. */
    readonly refusedBy: ReadonlyArray<string>
  }

/**
 * Why a task ended with a worker: too many died while they ran it, it must not be started twice, or it is too far back.
 */
export type Killing = "deaths" | "lost" | "forgotten"

/**
 * Why what a body reported as lost is not made anew: it has reported that too often, or those keys must not be started twice, or
 * are too far back.
 */
export type Going = "limit" | "idempotent" | "forgotten"

/**
 * The key that waits and the key that it waits for; with a third part, for the slot, the resources or the tag which that one
 * keeps while it waits itself.
 */
export type Pair = readonly [waiting: string, awaited: string, of?: "slot" | "resources" | "tag"]

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

/** The first step of a trail: the end with which it began. */
export const firstOf = (trail: Trail): Trail => {
  let first = trail
  while (first.from !== undefined) first = first.from
  return first
}

/** Whose end it was: tasks that stand for another end as that one does. */
export const meantBy = (trail: Trail): Trail => {
  let meant = trail
  while (meant.isAlias === true) meant = meant.from!
  return meant
}
