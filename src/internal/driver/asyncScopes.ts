/**
 * The async contexts in which a scheduler runs code of users.
 *
 * @internal
 */
import type { Engine } from "../../engine/protocol/Engine.ts"
import type { TaskId } from "../../engine/protocol/ids.ts"
import { columnsOf } from "../../engine/views/columns.ts"
import { ambientOf } from "../bodies/livePlan.ts"
import type { LivePlan } from "../bodies/livePlan.ts"
import { captureAsyncScope } from "../platform/asyncScope.ts"
import type { AsyncScope } from "../platform/asyncScope.ts"

export class AsyncScopes {
  private readonly state: Engine
  /** The async context in which the layer was built. */
  readonly layer: AsyncScope = captureAsyncScope()
  /** The async context of the running pump. */
  private entered: AsyncScope | undefined

  constructor(state: Engine) {
    this.state = state
  }

  /** The async context of a live task's first submitter; for others, that of the layer. */
  of(task: TaskId): AsyncScope {
    const { index, submission } = columnsOf(this.state)
    const plan = submission[task]?.plan as LivePlan | undefined
    return plan === undefined ? this.layer : ambientOf(plan, index[task]!).asyncScope
  }

  /**
   * Runs the pump in the async context of the task that starts next, or of the layer: mostly starts that come one after the other
   * are of one request, and need not enter it one by one.
   */
  enter(nextStart: TaskId, pump: () => void): void {
    this.entered = nextStart < 0 ? this.layer : this.of(nextStart)
    this.entered.runInAsyncScope(pump)
    this.entered = undefined
  }

  /** Whether the pump is in the async context of this task. */
  isIn(task: TaskId): boolean {
    return this.of(task) === this.entered
  }
}
