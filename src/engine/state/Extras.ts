/**
 * Records that only tasks, queues and pools with rare features have.
 *
 * @since 0.1.0
 */
import type { PoolOpened } from "../protocol/Event.ts"
import type { TaskId } from "../protocol/ids.ts"
import type { Demand } from "../protocol/Plan.ts"
import type { Group, Outcome } from "../protocol/policies.ts"

/** The attempts of a task before the present one. Kept only for tasks that are started again. */
export interface FormerAttempt {
  readonly number: number
  readonly worker: number
  readonly startedAt: number
  readonly endedAt: number
  /** `died`: its worker was lost while it ran; `lost`: its result was lost afterwards. Neither counts: the next has its number. */
  readonly fate: "failed" | "died" | "lost"
}

/** Something of which there is a number, and how much of that is held; amounts of workers in thousandths. */
export interface Amount {
  readonly total: number
  used: number
}

/** What an attempt holds beside its slot. */
export type Holding = Pick<Demand, "amounts" | "keepsAmounts" | "tags">

/** How often others that ask for some of the same started while a queue waited, and the attempt with which that became too often. */
export interface Overtaken {
  readonly count: number
  readonly since: number
}

/** A copy of a result that is on its way. */
export interface Copying {
  readonly task: TaskId
  readonly from: number
  readonly to: number
  /** It is held in place of the one at `from`. */
  readonly isMove: boolean
}

/** The attempt of a task that was asked to stop. */
export interface Stopping {
  /** When it was asked first. */
  readonly since: number
  /** It goes on longer than its grace. */
  overdue: boolean
}

/** What ending tasks hold. Counted at the first question and kept up to date from then on: a walk for each question is dear. */
export interface Held {
  /** Attempts that stop because they were cancelled or nobody wants them, and resources that are finalized for good; each with what it holds. */
  readonly ending: Map<TaskId, ReadonlyArray<TaskId>>
  /** How many of the users of a task are ending. */
  readonly uses: Map<TaskId, number>
  /** Those of the tasks in `uses` that may hold others: they had not ended when they were counted, or held some. */
  readonly deep: Set<TaskId>
}

/** An elastic pool of workers. */
export interface Pool extends Omit<PoolOpened, "_tag" | "now"> {
  /** How many workers of it there have been. */
  count: number
  /** When the last of them were lost, as far as it counts. */
  lost: ReadonlyArray<number>
  /** When to look whether some have been idle for too long, or whether lost ones may be replaced again. */
  reviewAt: number
}

/** How far the groups of a task are: those of its dependencies that have a policy. Right as long as the task waits. */
export interface Needs {
  readonly groups: ReadonlyArray<Group>
  /** How many of each group have ended in each way, until the group is met. */
  readonly tallies: ReadonlyArray<Record<Outcome, number>>
  readonly met: Array<boolean>
  /** What has not been counted as ended, each with its places among the dependencies of the task. */
  readonly open: Map<TaskId, ReadonlyArray<number>>
  /** The places of those that the task has let go of, for a group was met without them. */
  readonly dropped: Set<number>
  /** What is left to wait for: dependencies without a group, and groups. */
  left: number
}

/** Where a share stands among others. */
export interface Turn {
  /** When it is its turn next: each start moves it on, the further the less its weight. */
  at: number
  /** Which of all starts was its last one. */
  last: number
  /** How many of its tasks have started. */
  starts: number
}
