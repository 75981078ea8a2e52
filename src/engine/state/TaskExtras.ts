/**
 * The record of one task with rare facts.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import type { Outcome } from "../protocol/Outcome.ts"
import type { Demand } from "../protocol/Plan.ts"
import type { FormerAttempt, GroupProgress } from "./Extras.ts"
import type { Lane, Queue } from "./Queue.ts"

/**
 * Facts that only few tasks have. A task has one such record from the first of them until it is forgotten, and a bit that says so:
 * `Flag.hasExtras`. A new rare fact is one more field here.
 */
export class Extras {
  /** How the task ended without success, or for a task that stops, how it will. */
  outcome: Outcome | undefined = undefined
  /** Of a task with policies, as long as it holds its dependencies. */
  needs: GroupProgress | undefined = undefined
  /** The queue in which it is ready. */
  queue: Queue | undefined = undefined
  /** Demand of a task that reported unmet workers, or that is ready and follows others. */
  barred: Demand | undefined = undefined
  /** Of a task that replaces others: those that have not ended. */
  formers: Set<TaskId> | undefined = undefined
  history: Array<FormerAttempt> | undefined = undefined
  /** Serial of the timer that limits its wait for a worker that could run it; -1 without a limit. Absent if there is one. */
  lacking: number | undefined = undefined
  /** The lane of a ready task that gave its place up. */
  ownLane: Lane | undefined = undefined
  /** Settled while an attempt ran: the task ends so when the attempt has ended. Without an outcome it was given a value. */
  isGiven: true | undefined = undefined
  /** How often its body has reported dependencies as lost. */
  reports: number | undefined = undefined
  /** The workers that hold its result besides the first. */
  copies: Set<number> | undefined = undefined
  /** A copy of its result was asked for at some time. */
  isCopied: true | undefined = undefined
  /** The name of the worker that made its result, if another worker is the first holder. */
  maker: string | undefined = undefined
  /** The size of its result, where the layer has a budget. */
  size: number | undefined = undefined
}
