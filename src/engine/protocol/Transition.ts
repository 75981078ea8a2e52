/**
 * Steps in the lives of tasks and workers, as event streams show them.
 *
 * @since 0.1.0
 */
import type { PhaseName } from "./Phase.ts"

/** One transition of one task, as stories and event streams show it. */
export interface Transition {
  readonly at: number
  readonly key: string
  /** The number of the graph in which the key names the task: a submission, a compute, or what a flatMap task returned. */
  readonly graph: number
  readonly label: string | undefined
  readonly from: PhaseName | undefined
  readonly to: PhaseName | "released"
  readonly worker: string | undefined
  /** Starts of the task so far. */
  readonly attempt: number
  /** The event that led here. */
  readonly cause: string
  /** The number of the request that led to the task: tasks that a body submits belong to the request of its task. */
  readonly computation: number
  /** The number of the owner of its submission: a scope, or one compute. */
  readonly owner: number
  /** The name of the stream that submitted it for one of its items, if one did. */
  readonly stream: string | undefined
  /** The number of the task among all tasks of this scheduler, which distinguishes it from others with the same key. */
  readonly serial: number
}

/** One step in the life of a worker. */
export interface WorkerTransition {
  readonly at: number
  /** The id of the worker. */
  readonly id: string
  /** The number of the worker among all workers of this scheduler, which distinguishes it from others with the same id. */
  readonly serial: number
  readonly from: WorkerPhase | undefined
  readonly to: WorkerPhase
  /** The event that led here. */
  readonly cause: string
}

/** The lists to which a step adds transitions; none is kept where a list is `undefined`. */
export interface Log {
  readonly tasks: Array<Transition> | undefined
  readonly workers: Array<WorkerTransition> | undefined
}

/**
 * The state of a worker. `gone`: it has left, and its results can be read; `lost`: its results are lost too.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type WorkerPhase = "starting" | "open" | "draining" | "gone" | "lost"
