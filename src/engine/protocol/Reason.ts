/**
 * Why a task did not succeed, as data.
 *
 * @since 0.1.0
 */
import type { Exclusion, Restriction } from "./Plan.ts"
import type { Group, Policy, Tally } from "./policies.ts"

/**
 * The key that waits and the key that it waits for; with a third part, for the slot, the resources or the tag which that one
 * keeps while it waits itself.
 */
export type Pair = readonly [waiting: string, awaited: string, of?: "slot" | "resources" | "tag"]

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
