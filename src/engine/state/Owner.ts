/**
 * Owners with their claims, waits, and the behalves on which tasks stop or are released.
 *
 * @since 0.1.0
 */
import type { Cancellation, WaitMode, Wishes } from "../protocol/Event.ts"
import type { ClaimId, TaskId } from "../protocol/ids.ts"
import type { Outcome } from "../protocol/Outcome.ts"
import type { Place, Registered } from "../protocol/Registered.ts"

/** An owner claims results: a scope, or one `compute`. */
export interface Owner {
  readonly id: number
  readonly name: string
  /** The tag that is limited as long as it is open, if any. */
  readonly tag: string | undefined
  /** The group to which it belongs, if any. */
  readonly group: string | undefined
  /** The name of the stream that it stands for, if it does. */
  readonly stream: string | undefined
  /** Its claims by task; more than one on the same task are a set. */
  claims: Map<TaskId, Claim | Set<Claim>>
  /** Claims of a `compute`, which are never cancelled one by one. */
  targets: Array<TaskId>
  /** The submissions with tasks that it wants to run to their end: its own, and those that their `flatMap` tasks returned. */
  wishing: Map<Registered, Wishing> | undefined
  /** Failures of wished tasks, for a report of all of them. */
  readonly roots: Array<Root>
}

/** An owner's interest in one result, once for each time it asked. Lives as long as the owner, unless cancelled or released. */
export interface Claim {
  readonly id: ClaimId
  readonly owner: Owner
  readonly task: TaskId
  state: "live" | "cancelled" | "released"
  /** Set with `cancelled`, as are the starts of the task until then and the name of the worker of the last one. */
  outcome: Outcome | undefined
  starts: number
  worker: string | undefined
}

/** A task that failed by itself while an owner wished it to end. */
export interface Root {
  /** Static position in its plan. */
  readonly position: number
  /** Where that stands, if a `flatMap` task returned it. */
  readonly within: Within | undefined
  readonly outcome: Outcome
}

/** A wait for tasks to end. */
export interface Wait {
  readonly id: number
  readonly mode: WaitMode
  /** The awaited tasks, once for each claim, including those that have ended since. */
  tasks: Array<TaskId>
  /** The number of those that have not ended. */
  remaining: number
  /** The claims through which it waits; a withdrawn claim ends for it. */
  readonly claims: Claim | ReadonlySet<Claim> | undefined
  /** The task whose body waits, or -1, also after the end of that attempt. */
  waiter: TaskId
  /** It waits for tasks that its waiter must not outlive, so a request to stop does not end it. */
  readonly closing: boolean
  /** Its waiter has not given its slot away for it. */
  readonly keepsSlot: boolean
  /** It waits for all that leaves on this behalf, as far as that does not wait for its waiter (S14). */
  readonly behalf: Behalf | undefined
  /** Of a standing wait (mode `each`), and of each wait for its next report. These have no `tasks` of their own. */
  readonly standing: Standing | undefined
}

/** The claims whose ends are reported one by one. */
export interface Standing {
  /** The open claims by task; several on the same task are a list. */
  readonly open: Map<TaskId, Claim | Array<Claim>>
  /** The waits for the next report. */
  readonly takers: Set<Wait>
}

/** The owner on whose behalf a task leaves: the task stops, or the resource of its result is finalized. */
export interface Behalf {
  /** The number of an owner, who may have closed by now. */
  readonly owner: number
  /** The number of the task with whose cancellation it began, if it began with one. */
  readonly cancelled: number | undefined
}

/** An owner's loss of interest, and the task with which it began, if any. */
export interface Withdrawal extends Cancellation {
  readonly task?: Place
  /** The number of the owner, who may have closed by now. */
  readonly owner: number | undefined
}

/** The withdrawal of no owner: a task lost its last dependent. */
export const unwanted: Withdrawal = {
  by: "scheduler",
  reason: "nothing needs its result any more",
  owner: undefined
}

/** The wishes for one submission of an owner. */
export interface Wishing {
  readonly wishes: Wishes
  /** The number of those that are open. */
  open: number
  /** The wait for all of them. */
  readonly wait: number
  /** Where the submission stands among those of its owner; nowhere for the first one. */
  readonly within: Within | undefined
}

/** The static position of a task that stands for one of another submission, and where its own submission stands. */
export interface Within {
  readonly position: number
  readonly within: Within | undefined
}
