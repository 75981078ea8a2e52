/**
 * Facts of running tasks from the engine, for the driver and for workers.
 *
 * @internal
 */
import { isCurrent } from "../../engine/Engine.ts"
import type { Engine } from "../../engine/protocol/Engine.ts"
import type { TaskId } from "../../engine/protocol/ids.ts"
import { Flag, Phase } from "../../engine/protocol/Phase.ts"
import type { Place, Registered } from "../../engine/protocol/Registered.ts"
import { columnsOf } from "../../engine/views/columns.ts"
import { isSentAhead, keyOf, placeOf } from "../../engine/views/tasks.ts"

export class Attempts {
  private readonly state: Engine

  constructor(state: Engine) {
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
    return columnsOf(this.state).submission[task]!
  }

  indexOf(task: TaskId): number {
    return columnsOf(this.state).index[task]!
  }

  /** How often the task was started. */
  startsOf(task: TaskId): number {
    return columnsOf(this.state).starts[task]!
  }

  /** The row of the worker that the task was given to. */
  workerOf(task: TaskId): number {
    return columnsOf(this.state).worker[task]!
  }

  /** Whether this attempt of the task has not ended. */
  isPresent(task: TaskId, attempt: number): boolean {
    return isCurrent(this.state, task, attempt)
  }

  /** Whether an attempt was sent ahead, and has no slot yet. */
  isSentAhead(task: TaskId): boolean {
    return isSentAhead(this.state, task)
  }

  /** Whether this attempt was sent to a worker that has not begun its body, as far as it is known. */
  isAssigned(task: TaskId, attempt: number): boolean {
    const tasks = columnsOf(this.state)
    return tasks.phase[task] === Phase.assigned && tasks.attempt[task] === attempt
  }

  isStopping(task: TaskId, attempt: number): boolean {
    const tasks = columnsOf(this.state)
    return tasks.phase[task] === Phase.stopping && tasks.attempt[task] === attempt
  }

  /** Whether the result of the task is to own a resource. */
  ownsResource(task: TaskId): boolean {
    return (columnsOf(this.state).flags[task]! & Flag.resource) !== 0
  }

  hasTimedOut(task: TaskId): boolean {
    return (columnsOf(this.state).flags[task]! & Flag.timedOut) !== 0
  }
}
