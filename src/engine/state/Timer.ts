/**
 * A moment at which something is due.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"

/** A moment at which something is due. Compared by time, then by `sequence`. */
export interface Timer {
  readonly at: number
  readonly sequence: number
  readonly kind: "timeout" | "deadline" | "dependencies" | "retry" | "grace" | "workers" | "stranded"
  readonly task: TaskId
  /**
   * Detects a stale timer: the attempt; for `deadline`, `dependencies` and `stranded` the task's sequence number; for `workers`
   * the timer's own.
   */
  readonly serial: number
}
