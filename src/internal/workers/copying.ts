/**
 * Copies of results: inside a process a copy is the same value in another worker's results.
 *
 * @internal
 */
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Copy } from "../../engine/protocol/Instruction.ts"
import { Phase } from "../../engine/protocol/Phase.ts"
import { holdersOf } from "../../engine/workers/copies.ts"
// oxlint-disable-next-line no-restricted-imports -- an arrow that looks up: test/architecture.test.ts counts them
import type { SchedulerCore } from "../driver/schedulerCore.ts"
import type { FutureImpl } from "../tasks/task.ts"

export class Copies {
  private readonly core: SchedulerCore

  constructor(core: SchedulerCore) {
    this.core = core
  }

  make({ copy, task, to }: Pick<Copy, "copy" | "task" | "to">): void {
    const { state, workers } = this.core
    // What has ended may have let go of it.
    this.core.catchUp()
    // It was called off, or did not wait for its turn.
    if (!state.copying.has(copy)) return
    workers[to]!.results.set(task, workers[state.tasks.worker[task]!]!.results.get(task))
    this.core.ask({ _tag: "TaskCopied", now: this.core.now(), copy })
  }

  /** For those who ask for copies: they need not wait for their turn. */
  private makeNow(task?: TaskId): void {
    for (const [copy, { task: its, to }] of Array.from(this.core.state.copying)) {
      if (task === undefined || its === task) this.make({ copy, task: its, to })
    }
  }

  /** Spreads results evenly over the workers. */
  rebalance(): void {
    this.core.ask({ _tag: "RebalanceRequested", now: this.core.now() })
    this.makeNow()
  }

  /** Has up to so many workers hold the result of a settled future; gives the names of those that do. */
  replicate(
    { claim: { state: of, task } }: FutureImpl,
    copies: number,
    workers: ReadonlyArray<string> | undefined
  ): ReadonlyArray<string> {
    const { state } = this.core
    if (of !== "live") return []
    this.core.ask({ _tag: "CopiesRequested", now: this.core.now(), task, copies, workers })
    this.makeNow(task)
    if (state.tasks.phase[task] !== Phase.succeeded) return []
    return Array.from(holdersOf(state, task)).flatMap((index) => index < 0 ? [] : [state.workers[index]!.name])
  }
}
