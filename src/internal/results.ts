/**
 * The results that one worker holds, by task.
 *
 * @internal
 */
import type { TaskId } from "../engine/TaskTable.ts"

/** An array rather than a map: rows of the task table are dense, and a look-up is a task's most frequent cost. */
export class Results {
  private values: Array<unknown> = []
  private count = 0
  /** How many were written to this array: they pay for filling the next one. */
  private written = 0

  get size(): number {
    return this.count
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
    const { length } = this.values
    if (--this.count === 0 && length > 65_536 && this.written > length >> 3) this.drop()
  }

  private drop(): void {
    this.values = []
    this.written = 0
  }
}
