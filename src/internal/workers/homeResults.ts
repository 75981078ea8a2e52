/**
 * Results at home: values that the scheduler keeps and no worker holds. Workers hand them over, or they are those of literals that
 * other tasks pass on.
 *
 * @internal
 */
import type { TaskId } from "../../engine/protocol/ids.ts"
import { Results } from "./results.ts"

/** Stands for `undefined`, which would look like no result. */
const nothing = Symbol("nothing")

export class HomeResults {
  private readonly results = new Results()

  get size(): number {
    return this.results.size
  }

  get(task: TaskId): unknown {
    const value = this.results.get(task)
    return value === nothing ? undefined : value
  }

  set(task: TaskId, value: unknown): void {
    this.results.set(task, value === undefined ? nothing : value)
  }

  /** Drops the result of a task, if there is one. */
  delete(task: TaskId): void {
    if (this.results.get(task) !== undefined) this.results.delete(task)
  }
}
