/**
 * Records of tasks, queues and pools with rare features.
 *
 * @since 0.1.0
 */
import type { PoolOpened, Rate } from "../protocol/Event.ts"
import type { TaskId } from "../protocol/ids.ts"
import type { Demand, WorkerKind } from "../protocol/Plan.ts"
import type { EndKind, Group } from "../protocol/policies.ts"

/** The attempts of a task before the present one. Kept only for tasks that are started again. */
export interface FormerAttempt {
  readonly number: number
  readonly worker: number
  readonly startedAt: number
  readonly endedAt: number
  /** `died`: its worker was lost while it ran; `lost`: its result was lost afterwards. Neither counts: the next has its number. */
  readonly fate: "failed" | "died" | "lost"
}

/** A counted resource: its total, and how much is held. Amounts of workers are in thousandths. */
export interface Amount {
  readonly total: number
  used: number
}

/** The amounts and tags that an attempt holds beside its slot. */
export type Holding = Pick<Demand, "amounts" | "keepsAmounts" | "tags">

/** A rate, and the moments of its last starts: as many as it allows within its interval. */
export interface RateLog {
  readonly rate: Rate
  /** A ring once it is full: `next` is then the place of the oldest. */
  readonly log: Array<number>
  next: number
  /** It is that of a pattern, for one tag. */
  readonly isOfPattern: boolean
}

export const newLog = (rate: Rate, isOfPattern = false): RateLog => ({ rate, log: [], next: 0, isOfPattern })

/** How many tasks that ask for some of the same started while a queue waited, and the attempt with which that was too many. */
export interface Overtaken {
  readonly count: number
  readonly since: number
}

/** A copy of a result that is on its way. */
export interface Copying {
  readonly task: TaskId
  readonly from: number
  readonly to: number
  /** It replaces the one at `from`. */
  readonly isMove: boolean
}

/** The attempt of a task that was asked to stop. */
export interface Stopping {
  /** When it was first asked. */
  readonly since: number
  /** It has exceeded its grace. */
  overdue: boolean
}

/**
 * Holds of ending tasks. Counted at the first query and kept up to date from then on, because a walk for each query is expensive.
 */
export interface Held {
  /** Cancelled or unwanted attempts that are stopping, and resources that are finalized for good, each with its holds. */
  readonly ending: Map<TaskId, ReadonlyArray<TaskId>>
  /** How many of the users of a task are ending. */
  readonly uses: Map<TaskId, number>
  /** The tasks in `uses` that may hold others: they had not ended when they were counted, or held some. */
  readonly deep: Set<TaskId>
}

/** An elastic pool of workers. */
export interface Pool extends Omit<PoolOpened, "_tag" | "now"> {
  readonly kind: WorkerKind
  readonly ahead: number
  readonly handsOver: boolean
  /** The number of its workers so far. */
  count: number
  /** When its workers were lost, within the window that counts. */
  lost: ReadonlyArray<number>
  /** When to look for idle workers again, and for lost ones that may be replaced. */
  reviewAt: number
}

/** The progress of a task's groups: its dependencies with policies. Valid while the task waits. */
export interface GroupProgress {
  readonly groups: ReadonlyArray<Group>
  /** The number of ends of each kind in each group, until the group is met. */
  readonly tallies: ReadonlyArray<Record<EndKind, number>>
  readonly met: Array<boolean>
  /** Dependencies not yet counted as ended, each with its indices among the dependencies of the task. */
  readonly open: Map<TaskId, ReadonlyArray<number>>
  /** The indices of dependencies that the task has dropped, because a group was met without them. */
  readonly dropped: Set<number>
  /** The number of open dependencies without a group, and of open groups. */
  left: number
}

/** The starts of a share. */
export interface Share {
  /** Its place among the shares: each start moves it by the inverse of its weight. */
  at: number
  /** The number of its last start among all starts. */
  last: number
  /** The number of its starts. */
  starts: number
}

/**
 * The dependents of a task in later submissions, each with the number of its dependencies on the task. The id alone where there is
 * one that counts once: most tasks have no more.
 */
export type Later = TaskId | Map<TaskId, number>

/** The live tasks with keys, by key. */
export type Runs = Map<string, Set<TaskId>>
