/**
 * What a submission looks like before it is registered: numbers in rows, so that a graph of a million tasks is a handful
 * of arrays.
 *
 * @since 0.1.0
 */
import type { Edges } from "../structures/edges.ts"
import type { Group } from "./policies.ts"

/**
 * The static side of one submitted graph. Tasks are `0 .. size - 1`; dependencies have smaller numbers than dependents.
 *
 * A dependency `t >= 0` is a task of this plan; `t < 0` is the live task with id `~t`, already known to the engine. The
 * engine alone writes such a reference anew, when a task that was forgotten runs again in another row.
 */
export interface Plan extends Edges {
  readonly size: number
  /** Static order: `positions[i]` is the place of task `i` among all tasks of the plan, 0 first. */
  readonly positions: Int32Array
  /** Only tasks that differ from the default appear. */
  readonly settings: ReadonlyMap<number, Settings>
  /** What tasks have that name none of their own. */
  readonly defaults?: Defaults | undefined
}

/** What the tasks of a plan have in common unless they say otherwise. */
export type Defaults = Pick<Settings, "label" | "priority" | "share" | "graceMillis" | "idempotent">

/** What a task asks for beyond its dependencies. All times in milliseconds. */
export interface Settings {
  /** Names the task within its plan. Tasks of several plans may have one key. */
  readonly key?: string | undefined
  /** Finds the live run of the task, so that others can join it: of a task with a key, whatever its driver compares by. */
  readonly identity?: Identity | undefined
  /** What the task does, for a driver that compares tasks of one identity. The engine never looks at it. */
  readonly work?: Identity | undefined
  readonly label?: string | undefined
  /** Higher runs sooner; 0 unless told. */
  readonly priority?: number | undefined
  /** Starts whatever the outcomes of its dependencies are, and receives them as exits. */
  readonly absorbs?: boolean | undefined
  /** Its value is there from the start: once its dependencies let it, it has succeeded, without an attempt or a worker. */
  readonly literal?: boolean | undefined
  /** What sets of its dependencies must come to; the others must all succeed. Without overlaps, in order. */
  readonly policies?: ReadonlyArray<Group> | undefined
  /** Its result owns a resource: when it is released, finalizers run. */
  readonly resource?: boolean | undefined
  readonly timeoutMillis?: number | undefined
  readonly deadlineMillis?: number | undefined
  readonly dependencyTimeoutMillis?: number | undefined
  /** How long an attempt may go on after it was asked to stop before that is reported; the scheduler's unless told. */
  readonly graceMillis?: number | undefined
  /** What it asks of a worker beyond a slot. */
  readonly demand?: Demand | undefined
  /** The share whose turn it is when it starts; that of the task from whose body it comes unless told. */
  readonly share?: string | undefined
  /** How long it waits for a worker when none that takes tasks could run it; the scheduler's unless told. */
  readonly waitForWorkersMillis?: number | undefined
  /** `false`: it is never started again once it may have started. */
  readonly idempotent?: boolean | undefined
}

/** Equal for tasks that may share a run, and for no others. The engine compares it and looks at nothing of it. */
export type Identity = string | object

/** What a task asks of a worker beyond a slot. */
export interface Demand extends Pick<Restriction, "labels" | "workers"> {
  /** It may run anywhere as long as no worker that meets the restriction takes tasks. */
  readonly allowOthers?: boolean | undefined
  /** How much it holds of what its worker has, by name, beside its slot. */
  readonly amounts?: Readonly<Record<string, number>> | undefined
  /** It holds these while its body waits, too. */
  readonly keepsAmounts?: boolean | undefined
  /** Under each of them no more tasks run than its limit allows, on all workers together. No name twice. */
  readonly tags?: ReadonlyArray<string> | undefined
  readonly locality?: Locality | undefined
  /** What workers said that cannot run it, by serial. The engine alone writes this. */
  readonly excluded?: ReadonlyMap<number, Exclusion> | undefined
  /** Where what it follows ran. The engine alone writes this. */
  readonly followed?: Followed | undefined
}

/** On which workers a task may run. */
export interface Restriction {
  /** The names of these. */
  readonly workers?: ReadonlyArray<string> | undefined
  /** Labels that they have, all of them. */
  readonly labels?: ReadonlyArray<string> | undefined
  /** Amounts of what they have, held by others or not. */
  readonly resources?: Readonly<Record<string, number>> | undefined
}

/** A worker as functions of the user see it. */
export interface WorkerInfo {
  readonly id: string
  readonly labels: ReadonlyArray<string>
}

/**
 * How much a task prefers a worker: the higher the more, below 0 never; or what is wrong with the answer. Gives the same for
 * the same worker each time, and never throws.
 */
export type Locality = (worker: WorkerInfo) => number | string

/** A body said that this worker cannot run it. */
export interface Exclusion {
  readonly worker: string
  readonly reason: string
}

/** Where what a task follows ran. */
export interface Followed {
  /** The serials of the workers on which enough of it did. */
  readonly on: ReadonlySet<number>
  /** The names of all on which some of it did. */
  readonly workers: ReadonlyArray<string>
}

/** The plan index or live task that `reference` means: `>= 0` an index of this plan, `< 0` the live task `~reference`. */
export type Reference = number
