/**
 * The results that one worker holds, by task.
 *
 * @internal
 */
import type { TaskId } from "../../engine/protocol/ids.ts"

/** An array rather than a map: rows of the task table are dense, and a look-up is a task's most frequent cost. */
export class Results {
  private values: Array<unknown> = []
  private count = 0
  /** How many were written to this array: they pay for filling the next one. */
  private written = 0
  /** How many were deleted since the array was last cut: they pay for finding its last result. */
  private deleted = 0

  get size(): number {
    return this.count
  }

  /** For how many it has room. */
  get capacity(): number {
    return this.values.length
  }

  get(task: TaskId): unknown {
    return this.values[task]
  }

  set(task: TaskId, value: unknown): void {
    // An array written far beyond its end turns into a dictionary, ten times as slow.
    while (this.values.length < task) this.values.push(undefined)
    this.values[task] = value
    this.count++
    this.written++
  }

  clear(): void {
    this.count = 0
    this.drop()
  }

  delete(task: TaskId): void {
    this.values[task] = undefined
    this.count--
    this.deleted++
    const { length } = this.values
    if (length <= 65_536 || this.count > length >> 3) return
    if (this.count === 0 && this.written > length >> 3) this.drop()
    else if (this.deleted > length >> 1) this.trim()
  }

  /** Gives back what lies behind the last result: without it the array would be as long as it ever was, until it is empty. */
  private trim(): void {
    this.deleted = 0
    let { length } = this.values
    while (length > 0 && this.values[length - 1] === undefined) length--
    this.values.length = length
  }

  private drop(): void {
    this.values = []
    this.written = this.deleted = 0
  }
}
