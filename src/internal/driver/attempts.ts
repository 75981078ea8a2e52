/**
 * Facts of running tasks from the engine, for workers.
 *
 * @internal
 */
import { isPresent } from "../../engine/events/attempts.ts"
import type { TaskId } from "../../engine/protocol/ids.ts"
import { Flag, Phase } from "../../engine/protocol/Phase.ts"
import type { Place, Registered } from "../../engine/protocol/Registered.ts"
import { keyOf, placeOf } from "../../engine/state/lookups.ts"
import type { State } from "../../engine/state/State.ts"

export class Attempts {
  private readonly state: State

  constructor(state: State) {
    this.state = state
  }

  keyOf(task: TaskId): string {
    return keyOf(this.state, task)
  }

  placeOf(task: TaskId): Place {
    return placeOf(this.state, task)
  }

  /** The submission in which the task was registered, and its index there: a place without an object. */
  submissionOf(task: TaskId): Registered {
    return this.state.tasks.submission[task]!
  }

  indexOf(task: TaskId): number {
    return this.state.tasks.index[task]!
  }

  /** How often the task was started. */
  startsOf(task: TaskId): number {
    return this.state.tasks.starts[task]!
  }

  /** The row of the worker that the task was given to. */
  workerOf(task: TaskId): number {
    return this.state.tasks.worker[task]!
  }

  /** Whether this attempt of the task has not ended. */
  isPresent(task: TaskId, attempt: number): boolean {
    return isPresent(this.state, task, attempt)
  }

  isStopping(task: TaskId, attempt: number): boolean {
    const { tasks } = this.state
    return tasks.phase[task] === Phase.stopping && tasks.attempt[task] === attempt
  }

  /** Whether the result of the task is to own a resource. */
  ownsResource(task: TaskId): boolean {
    return (this.state.tasks.flags[task]! & Flag.resource) !== 0
  }

  hasTimedOut(task: TaskId): boolean {
    return (this.state.tasks.flags[task]! & Flag.timedOut) !== 0
  }
}
