/**
 * A submission before it is registered: rows of numbers, so that a graph of a million tasks is a few arrays.
 *
 * @since 0.1.0
 */
import type { Edges } from "../structures/edges.ts"
import type { Group } from "./policies.ts"

/**
 * The static side of one submitted graph. Tasks are `0 .. size - 1`; dependencies have smaller numbers than dependents.
 *
 * A dependency `t >= 0` is a task of this plan; `t < 0` is the live task with id `~t`, already known to the engine. Only the
 * engine rewrites such a reference, when a forgotten task runs again in another row.
 */
export interface Plan extends Edges {
  readonly size: number
  /** Static order: `positions[i]` is the position of task `i` among all tasks of the plan, from 0. */
  readonly positions: Int32Array
  /** The edges in reverse, where they are known before the submission. Negative references are left out. */
  readonly reversed?: Edges | undefined
  /** Only tasks that differ from the default appear. */
  readonly settings: ReadonlyMap<number, Settings>
  /** The defaults of tasks without settings of their own. */
  readonly defaults?: Defaults | undefined
  /**
   * 0 for each local task. Others have the number of their name, from 1, which tasks with the same body share: above 0 a portable
   * task, below 0 a remote one. Absent if all are local.
   */
  readonly portable?: Int32Array | undefined
  /** The labels of portable tasks without one of their own, by the numbers of their names. */
  readonly names?: { readonly [number: number]: string | undefined } | undefined
}

/** A local worker is in the process of the scheduler, a remote one is not. */
export type WorkerKind = "local" | "remote"

/**
 * The workers that may run a task: local ones, because its body exists in the process of the scheduler alone; remote ones, because
 * it does not exist there; or for a portable task either.
 */
export type TaskKind = WorkerKind | "portable"

/** Defaults of all tasks of a plan. */
export type Defaults = Pick<Settings, "label" | "priority" | "share" | "graceMillis" | "idempotent">

/** The settings of a task beside its dependencies. All times are in milliseconds. */
export interface Settings {
  /** Names the task within its plan. Tasks of several plans may have one key. */
  readonly key?: string | undefined
  /** The identity by which the driver finds the live run of a task with a key, so that others can join it. */
  readonly identity?: Identity | undefined
  /** The work of the task, for a driver that compares tasks of one identity. The engine never reads it. */
  readonly work?: Identity | undefined
  readonly label?: string | undefined
  /** Higher runs sooner. Defaults to 0. */
  readonly priority?: number | undefined
  /** The task starts whatever the outcomes of its dependencies, and receives them as exits. */
  readonly absorbs?: boolean | undefined
  /** The task is a literal: it succeeds as soon as its dependencies allow it, without an attempt or a worker. */
  readonly literal?: boolean | undefined
  /** Policies of groups of its dependencies, in order and without overlaps. All other dependencies must succeed. */
  readonly policies?: ReadonlyArray<Group> | undefined
  /** Its result owns a resource: when it is released, finalizers run. */
  readonly resource?: boolean | undefined
  readonly timeoutMillis?: number | undefined
  readonly deadlineMillis?: number | undefined
  readonly dependencyTimeoutMillis?: number | undefined
  /** How long an attempt may go on after it was asked to stop before it is reported. Defaults to the scheduler's grace. */
  readonly graceMillis?: number | undefined
  /** Its demands on a worker beside a slot. */
  readonly demand?: Demand | undefined
  /** The share that it is of. Defaults to the share of the task from whose body it comes. */
  readonly share?: string | undefined
  /** How long it waits for a worker if none that takes tasks could run it. Defaults to the scheduler's limit. */
  readonly waitForWorkersMillis?: number | undefined
  /** `false`: it is never started again once it may have started. */
  readonly idempotent?: boolean | undefined
}

/** Equal for tasks that may share a run, and for no others. The engine only compares it. */
export type Identity = string | object

/** The demands of a task on a worker beside a slot. */
export interface Demand extends Pick<Restriction, "labels" | "workers"> {
  /** The task may run anywhere while no worker that meets the restriction takes tasks. */
  readonly allowOthers?: boolean | undefined
  /** The amounts of its worker's resources that it holds beside its slot, by name. */
  readonly amounts?: Readonly<Record<string, number>> | undefined
  /** Whether it keeps these amounts while its body waits. */
  readonly keepsAmounts?: boolean | undefined
  /** Its tags: for each, no more tasks run than its limit allows, on all workers together. No duplicates. */
  readonly tags?: ReadonlyArray<string> | undefined
  readonly locality?: Locality | undefined
  /** Workers on which the body reported Unmet, by serial. Only the engine writes this. */
  readonly excluded?: ReadonlyMap<number, Exclusion> | undefined
  /** Where the followed tasks ran. Only the engine writes this. */
  readonly followed?: Followed | undefined
}

/** The workers on which a task may run. */
export interface Restriction {
  /** Workers of this kind only, and none of them takes tasks, though one of the other kind does. Only the engine writes this. */
  readonly kind?: WorkerKind | undefined
  /** Their names. */
  readonly workers?: ReadonlyArray<string> | undefined
  /** Labels that each of them has. */
  readonly labels?: ReadonlyArray<string> | undefined
  /** Total amounts that each of them has at least. */
  readonly resources?: Readonly<Record<string, number>> | undefined
}

/** A worker as functions of users see it. */
export interface WorkerInfo {
  readonly id: string
  readonly labels: ReadonlyArray<string>
}

/**
 * The rating of a worker by a task: higher is preferred, below 0 rules it out; or the text that says what is wrong with the
 * answer. Returns the same for the same worker each time, and never throws.
 */
export type Locality = (worker: WorkerInfo) => number | string

/** A body reported that it cannot run on this worker. */
export interface Exclusion {
  readonly worker: string
  readonly why: string
}

/** Where the tasks that a task follows ran. */
export interface Followed {
  /** The serials of the workers on which enough of them ran. */
  readonly on: ReadonlySet<number>
  /** The names of all workers on which some of them ran. */
  readonly workers: ReadonlyArray<string>
}

/** The plan index or live task that `reference` means: `>= 0` an index of this plan, `< 0` the live task `~reference`. */
export type Reference = number
