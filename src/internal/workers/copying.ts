/**
 * Copies of results: inside a process a copy is the same value in another worker's results.
 *
 * @internal
 */
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Copy } from "../../engine/protocol/Instruction.ts"
import { Phase } from "../../engine/protocol/Phase.ts"
import type { State } from "../../engine/state/State.ts"
import { holdersOf } from "../../engine/workers/copies.ts"
import type { Time } from "../platform/time.ts"
import type { FutureImpl } from "../tasks/task.ts"
import type { FiberWorker } from "./fiberWorker.ts"
import type { Post } from "./supervisor.ts"

export class Copies {
  private readonly mailbox: Post
  private readonly state: State
  private readonly workers: ReadonlyArray<FiberWorker>
  private readonly time: Time

  constructor(mailbox: Post, state: State, workers: ReadonlyArray<FiberWorker>, time: Time) {
    this.mailbox = mailbox
    this.state = state
    this.workers = workers
    this.time = time
  }

  make({ copy, task, to }: Pick<Copy, "copy" | "task" | "to">): void {
    const { state, workers } = this
    // Tasks that have ended may have dropped it.
    this.mailbox.catchUp()
    // It was called off, or did not wait for its turn.
    if (!state.copying.has(copy)) return
    workers[to]!.results.set(task, workers[state.tasks.worker[task]!]!.results.get(task))
    this.mailbox.ask({ _tag: "TaskCopied", now: this.time.now(), copy })
  }

  /** For requests of copies, which need not wait for the pump. */
  private makeNow(task?: TaskId): void {
    for (const [copy, { task: its, to }] of Array.from(this.state.copying)) {
      if (task === undefined || its === task) this.make({ copy, task: its, to })
    }
  }

  /** Spreads results evenly over the workers. */
  rebalance(): void {
    this.mailbox.ask({ _tag: "RebalanceRequested", now: this.time.now() })
    this.makeNow()
  }

  /** Lets up to `copies` workers hold the result of a settled future. Returns the names of the holders. */
  replicate(
    { claim: { state: of, task } }: FutureImpl,
    copies: number,
    workers: ReadonlyArray<string> | undefined
  ): ReadonlyArray<string> {
    const { state } = this
    if (of !== "live") return []
    this.mailbox.ask({ _tag: "CopiesRequested", now: this.time.now(), task, copies, workers })
    this.makeNow(task)
    if (state.tasks.phase[task] !== Phase.succeeded) return []
    return Array.from(holdersOf(state, task)).flatMap((index) => index < 0 ? [] : [state.workers[index]!.name])
  }
}
