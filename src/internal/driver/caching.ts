/**
 * Results on their way into the caches of their runs.
 *
 * @internal
 */
import * as Exit from "effect/Exit"
import type { Engine } from "../../engine/protocol/Engine.ts"
import type { TaskId } from "../../engine/protocol/ids.ts"
import { Flag } from "../../engine/protocol/Phase.ts"
import { columnsOf } from "../../engine/views/columns.ts"
import { settingsOf } from "../../engine/views/tasks.ts"
import { ambientOf, isFor, taskAt } from "../bodies/livePlan.ts"
import type { LivePlan } from "../bodies/livePlan.ts"
import { Away } from "../workers/away.ts"
import type { Fetching } from "../workers/away.ts"
import { isSealed } from "../workers/sealed.ts"
import type { Sealed } from "../workers/sealed.ts"
import { inputOf } from "./inputs.ts"

/** Adds a result to a cache. */
export type Write = () => void

export class Caching {
  private readonly state: Engine
  private readonly desk: Fetching

  constructor(state: Engine, desk: Fetching) {
    this.state = state
    this.desk = desk
  }

  /** Adds the result of a task with a key to the cache of its submission, if there is one. */
  add(task: TaskId, value: unknown): void {
    this.writeOf(task, value)?.()
  }

  /** The write of a task's result into the cache of its submission, if it belongs there. */
  writeOf(task: TaskId, value: unknown): Write | undefined {
    const { index, submission } = columnsOf(this.state)
    const plan = submission[task]!.plan as LivePlan
    const { cache } = ambientOf(plan, index[task]!)
    const isMeant = cache !== undefined && isFor(cache, taskAt({ submission: submission[task]!, index: index[task]! }))
    const key = isMeant ? plan.settings.get(index[task]!)?.key : undefined
    if (key === undefined || this.ownsResource(task)) return undefined
    if (isSealed(value)) return () => this.addOpened(value, (opened) => cache!.set(key, opened))
    if (!(value instanceof Away)) return () => cache!.set(key, value)
    return () =>
      this.desk.fetch(value, (found) => {
        if (found !== undefined) cache!.set(key, found.value)
      })
  }

  /** A cache has values. What cannot be read is not added. */
  private addOpened({ exit }: Sealed, add: (value: unknown) => void): void {
    if (Exit.isSuccess(exit)) add(exit.value)
  }

  /** Whether the result of a task must not outlive it: it owns a resource, or passes one on. */
  private ownsResource(task: TaskId): boolean {
    const { flags } = columnsOf(this.state)
    const owns = (each: TaskId): boolean => (flags[each]! & (Flag.resource | Flag.retains)) !== 0
    return owns(task) || (settingsOf(this.state, task)?.absorbs === true && owns(inputOf(this.state, task)))
  }
}
