/**
 * Why a task did not succeed, as data.
 *
 * @since 0.1.0
 */
import type { Exclusion, Restriction } from "./Plan.ts"
import type { Group, Policy, Tally } from "./policies.ts"

/**
 * A waiting key and the key that it waits for. With a third part, it waits for the slot, the resources or the tag that the other
 * keeps while waiting itself.
 */
export type Pair = readonly [waiting: string, awaited: string, of?: "slot" | "resources" | "tag"]

/** A task by its key, and the number of its graph. */
export interface Replacement {
  readonly key: string
  readonly graph: number
}

/** The reason that ended the first task of a trail. */
export type Reason =
  | { readonly _tag: "Failed"; readonly failure: number; readonly defect: boolean }
  | {
    readonly _tag: "Cancelled"
    readonly task: string
    readonly by: string
    readonly reason: string
    readonly replacement?: Replacement
  }
  | { readonly _tag: "TimedOut"; readonly of: "attempt" | "deadline" | "dependencies"; readonly millis: number }
  | { readonly _tag: "Starved"; readonly waits: ReadonlyArray<Pair> }
  | { readonly _tag: "Killed"; readonly deaths: number; readonly reason: Killing }
  | {
    readonly _tag: "DependenciesGone"
    readonly keys: ReadonlyArray<string>
    readonly reports: number
    readonly reason: Going
  }
  /** No worker takes tasks, and none came within this time. */
  | { readonly _tag: "NoWorker"; readonly millis: number }
  /** No worker that takes tasks meets the restriction, and none came within this time. */
  | { readonly _tag: "NoSuitableWorker"; readonly restriction: Restriction; readonly millis: number }
  | { readonly _tag: "Skipped" }
  | { readonly _tag: "Impossible"; readonly why: Impossibility }

/** Why a task can never start. */
export type Impossibility =
  /** Its body reported Unmet on each worker that its restriction allows. */
  | { readonly _tag: "Unmet"; readonly on: ReadonlyArray<Exclusion> }
  /** Its locality is below 0 for each of these workers, or failed with `fault`. */
  | { readonly _tag: "Locality"; readonly workers: ReadonlyArray<string>; readonly fault: string | undefined }
  /** The followed tasks ran on these workers, but not enough of them on one. */
  | { readonly _tag: "Apart"; readonly workers: ReadonlyArray<string> }
  /** The followed tasks ran on these workers, none of which takes tasks and may run it. */
  | { readonly _tag: "Away"; readonly workers: ReadonlyArray<string> }
  /** Too many dependencies of a group have ended otherwise for its policy to be met. */
  | {
    readonly _tag: "Unreachable"
    readonly of: Group["of"]
    readonly policy: Policy
    /** The size of the group, and the number of its ends of each kind. */
    readonly size: number
    readonly ended: Tally
    /** The keys of the first few that ended otherwise. */
    readonly refusedBy: ReadonlyArray<string>
  }

/**
 * Why a task ended with its worker: too many workers died while they ran it, it must not be started twice, or it is too far back.
 */
export type Killing = "deaths" | "lost" | "forgotten"

/**
 * Why dependencies that a body reported as lost do not run again: it has reported too often, or those keys must not be started
 * twice, or are too far back.
 */
export type Going = "limit" | "idempotent" | "forgotten"
