/**
 * Where the items of a stream are.
 *
 * @internal
 */
import type * as Exit from "effect/Exit"
import type { Home } from "../bodies/home.ts"
import type { FutureImpl } from "../tasks/task.ts"
import { kinds } from "./progress.ts"
import type { Kind } from "./progress.ts"

/** The task of an item, what runs with it, and its exit, if it ran with others and these have been told apart. */
interface Counted {
  readonly batch: { readonly items: ReadonlyArray<unknown> } | undefined
  readonly exit: Exit.Exit<unknown, unknown> | undefined
  readonly future: FutureImpl | undefined
}

/** Counts items that are not done with. */
export class ItemCounts {
  waiting = 0
  rateLimited = 0
  paused = 0
  running = 0
  unread = 0
  failed = 0
  private readonly view: Home["view"]

  constructor(view: Home["view"]) {
    this.view = view
  }

  /** Counts items of one task. Until the result of a batch is read, it is not known which of its items have failed: all of them run. */
  private addTask({ batch, future }: Counted, items: number): void {
    const { claim } = future!
    const kind = this.kindOf(claim)
    if (kind === "running" || (kind === "succeeded" && batch !== undefined)) this.running += items
    else if (kind === "succeeded") this.unread += items
    else if (kind !== "waiting") this.failed += items
    else {
      this.waiting += items
      const delay = this.view.delayedAs(claim)
      if (delay !== undefined) this[delay] += items
    }
  }

  /** Counts an item that the consumer has. Its result may be lost meanwhile, and be made anew. */
  addGiven({ exit, future }: Counted): void {
    if (exit === undefined ? this.hasFailed(future!) : exit._tag === "Failure") this.failed++
    else this.unread++
  }

  private hasFailed({ claim }: FutureImpl): boolean {
    const kind = this.kindOf(claim)
    return kind !== "waiting" && kind !== "running" && kind !== "succeeded"
  }

  private kindOf(claim: FutureImpl["claim"]): Kind {
    return kinds[this.view.statusOf(claim) as keyof typeof kinds]
  }

  /** Counts an item that has ended, with nothing of those beside it. */
  addEnded(item: Counted): void {
    const { exit } = item
    if (exit === undefined) this.addTask(item, 1)
    else if (exit._tag === "Success") this.unread++
    else this.failed++
  }

  /** Counts an item whose end is open, and those beside it. */
  addOpen(item: Counted): void {
    this.addTask(item, item.batch?.items.length ?? 1)
  }
}
