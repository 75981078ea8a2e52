/**
 * Inputs of attempts: the results of dependencies, from the workers that hold them.
 *
 * @internal
 */
import type { Engine } from "../../engine/protocol/Engine.ts"
import type { LostInput } from "../../engine/protocol/Event.ts"
import type { TaskId } from "../../engine/protocol/ids.ts"
import { hasEnded, Phase } from "../../engine/protocol/Phase.ts"
import type { Group } from "../../engine/protocol/policies.ts"
import { liveOf } from "../../engine/protocol/Registered.ts"
import type { Place } from "../../engine/protocol/Registered.ts"
import { columnsOf } from "../../engine/views/columns.ts"
import {
  areAllHeld,
  areInputsThere,
  dependenciesOf,
  dependencyRows,
  groupsOf,
  placeOf,
  settingsOf
} from "../../engine/views/tasks.ts"
import type { View } from "../views/view.ts"
import type { Away } from "../workers/away.ts"
import type { WorkerPort } from "../workers/port.ts"

export class Inputs {
  /** Whether a result was ever lost, with its worker or by the report of a body. */
  haveBeenLost = false
  private readonly state: Engine
  private readonly workers: ReadonlyArray<WorkerPort>
  private readonly view: View

  constructor(state: Engine, workers: ReadonlyArray<WorkerPort>, view: View) {
    this.state = state
    this.workers = workers
    this.view = view
  }

  /** The results of all that a task depends on. */
  of(task: TaskId): Array<unknown> {
    const { workers } = this
    const groups = groupsOf(this.state, task)
    if (groups.length > 0) return this.ofGroups(task, groups)
    const { index, submission, worker } = columnsOf(this.state)
    const { ids, plan: { offsets, targets } } = submission[task]!
    const from = offsets[index[task]!]!
    const values = new Array<unknown>(offsets[index[task]! + 1]! - from)
    // Looking up the holder is a cache miss in a large table.
    const only = workers.length === 1 && areAllHeld(this.state) ? workers[0] : undefined
    for (let i = 0; i < values.length; i++) {
      const target = targets[from + i]!
      const input = target >= 0 ? ids[target]! : ~target
      values[i] = only === undefined && worker[input]! < 0
        ? this.view.resultOf(input)
        : (only ?? workers[worker[input]!])?.peek(input)
    }
    return values
  }

  /** Inputs with a policy are exits, or `undefined` if they have not ended. The row of one that was dropped may belong to another. */
  private ofGroups(task: TaskId, groups: ReadonlyArray<Group>): Array<unknown> {
    const rows = dependencyRows(this.state, task)
    const { phase } = columnsOf(this.state)
    const values = Array.from(
      rows,
      (input): unknown => input >= 0 && phase[input] === Phase.succeeded ? this.view.resultOf(input) : undefined
    )
    for (const { from, of, to } of groups) {
      if (of !== "inputs") continue
      for (let place = from; place < to; place++) {
        const input = rows[place]!
        const hasCome = input >= 0 && hasEnded(phase[input] as Phase)
        values[place] = hasCome ? this.view.exitOf(input) : undefined
      }
    }
    return values
  }

  /** The inputs of a task that only their holders have, by place. */
  away(task: TaskId): ReadonlyArray<{ readonly place: number; readonly from: Away }> {
    return dependencyRows(this.state, task).flatMap((input, place) => {
      const from = input < 0 ? undefined : this.view.awayOf(input)
      return from === undefined ? [] : [{ place, from }]
    })
  }

  /** The exit of the only dependency of `task`. */
  exitOfOnly(task: TaskId): ReturnType<View["exitOf"]> {
    return this.view.exitOf(inputOf(this.state, task))
  }

  /** Whether all inputs of a task are still held since its start was requested. */
  areThere(task: TaskId): boolean {
    if (settingsOf(this.state, task)?.policies !== undefined) return areInputsThere(this.state, task)
    return dependenciesOf(this.state, task).every((input) => hasEnded(columnsOf(this.state).phase[input] as Phase))
  }

  /** The dependencies of a task whose results were lost since. */
  missing(task: TaskId): ReadonlyArray<LostInput> {
    return dependencyRows(this.state, task).flatMap((input, place) => {
      const isGone = input >= 0 && !hasEnded(columnsOf(this.state).phase[input] as Phase)
      return isGone ? [{ place, holder: -1 }] : []
    })
  }

  /** Where the dependencies of a task were registered; `undefined` for dropped ones. */
  placesOf(task: TaskId): ReadonlyArray<Place | undefined> {
    return dependencyRows(this.state, task).map((each) => each < 0 ? undefined : placeOf(this.state, each))
  }
}

/** The only dependency of `task`. */
export const inputOf = (state: Engine, task: TaskId): TaskId => {
  const { index, submission } = columnsOf(state)
  const { offsets, targets } = submission[task]!.plan
  return liveOf(submission[task]!, targets[offsets[index[task]!]!]!)
}
