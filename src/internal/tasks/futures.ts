/**
 * Metadata of futures.
 *
 * @internal
 */
import type { Status } from "../text/reasons.ts"

/**
 * What is known of a task. Times are in milliseconds of the layer's clock, `undefined` for what has not happened yet.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Metadata {
  readonly key: string
  /**
   * The number of its graph, within which its key is unique: a submission, a compute, or the graph that a flatMap task returned.
   */
  readonly graph: number
  readonly label: string | undefined
  readonly status: Status
  /** The priority by which it ranks: its own, or a higher one of a task that needs it. */
  readonly priority: number
  /** The key of the task from whose body it was submitted, or "program". */
  readonly submitter: string
  /** The keys of the tasks it depends on, those of `after` included. */
  readonly dependencies: ReadonlyArray<string>
  /** The id of the worker that runs it or ran it last, whichever worker holds its result. */
  readonly worker: string | undefined
  readonly submitted: number
  readonly started: number | undefined
  readonly completed: number | undefined
  /** The attempts so far, oldest first; the last one may be running. */
  readonly attempts: ReadonlyArray<AttemptMetadata>
}

/**
 * One start of a body.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface AttemptMetadata {
  /** From 1. */
  readonly attempt: number
  readonly worker: string
  readonly started: number
  readonly completed: number | undefined
  /** Its worker was lost during the attempt, or its result later. The attempt does not count: the next one has its number. */
  readonly lost?: true
}
