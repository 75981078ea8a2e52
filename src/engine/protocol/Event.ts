/**
 * The events of the engine. Each event brings the time; the engine has no clock of its own.
 *
 * @since 0.1.0
 */
import type { ClaimId, TaskId, WorkerId } from "./ids.ts"
import type { Plan, Reference, WorkerKind } from "./Plan.ts"
import type { Reason, Replacement } from "./Reason.ts"

/** Why and by whom something was cancelled. */
export interface Cancellation {
  /** Who asked: the key of a task, or the name of an owner. */
  readonly by: string
  readonly reason: string
  /** The task that runs in its place, if any. */
  readonly replacement?: Replacement | undefined
}

/** How an attempt ended, as its worker reports it. Values and causes stay with the driver; events only name them. */
export type Ending =
  /** The size of its result, a whole number, counts towards the budget of the layer. Defaults to 1. */
  | { readonly _tag: "Succeeded"; readonly size?: number | undefined }
  /** A typed failure or a defect, whose cause the driver keeps under the number `failure`. */
  | { readonly _tag: "Failed"; readonly failure: number; readonly defect: boolean }
  | { readonly _tag: "Interrupted" }
  /** The attempt failed and its schedule asks for another one after `delayMillis`. */
  | { readonly _tag: "Retried"; readonly delayMillis: number }
  /**
   * The body never began, because these inputs were not where they should be. They are taken from there or made anew, then the
   * task starts again; the attempt is not charged.
   */
  | { readonly _tag: "InputsLost"; readonly inputs: ReadonlyArray<LostInput> }
  /** The body gave its place up: it runs again, and this attempt is not charged. */
  | { readonly _tag: "Rescheduled" }
  /**
   * The body reported that the results of these dependencies are gone. They run again, then the body does, and this attempt is
   * not charged. Each is named by its index among the dependencies of the task.
   */
  | {
    readonly _tag: "DependenciesLost"
    readonly places: ReadonlyArray<number>
    /**
     * Paths to tasks behind dependencies: an index among the dependencies, then one among the dependencies of that task, and so
     * on.
     */
    readonly behind?: ReadonlyArray<ReadonlyArray<number>> | undefined
  }
  /** The body skipped its work: dependents are skipped too, unless a policy says otherwise. */
  | { readonly _tag: "Skipped" }
  /** The body cannot run on this worker: it runs on another, and this attempt is not charged. */
  | { readonly _tag: "Unmet"; readonly reason: string }
  /** The body never began: the attempt was taken back, or asked to stop, before that. It is not charged. */
  | { readonly _tag: "Unbegun" }

/** An input that an attempt was to be given, and that its holder does not have. */
export interface LostInput {
  /** Its index among the dependencies of the task. */
  readonly place: number
  /** The worker that should hold it; -1 if none does any more. */
  readonly holder: WorkerId
}

/** Endings without further fields share one object each. */
export const succeeded = { _tag: "Succeeded" } as const
export const interrupted = { _tag: "Interrupted" } as const
export const skipped = { _tag: "Skipped" } as const

/** The terms of a worker beside its slots. All times are in milliseconds. */
export interface Terms {
  /** The silence after which it counts as lost. */
  readonly ttlMillis?: number | undefined
  /** The number of starts after which it retires and is replaced. */
  readonly maxTasks?: number | undefined
  /** The age at which it retires. */
  readonly maxAgeMillis?: number | undefined
  /** Whether it is replaced when it is lost. */
  readonly restart?: Restart | undefined
}

/** How often lost workers are replaced. */
export interface Restart {
  /** The most replacements within `withinMillis`. */
  readonly times: number
  readonly withinMillis: number
  /** A worker that is lost before it has run for this long is not replaced: the next would be lost too. */
  readonly minRunMillis: number
}

/** A worker joins and takes tasks. The answer is `WorkerJoined`. */
export interface WorkerAdded {
  readonly _tag: "WorkerAdded"
  readonly now: number
  readonly name: string
  readonly slots: number
  /** Its resources, in total: what tasks may hold there beside a slot. */
  readonly amounts?: Readonly<Record<string, number>> | undefined
  readonly terms?: Terms | undefined
  /** Labels that tasks may ask for. */
  readonly labels?: ReadonlyArray<string> | undefined
  /** Defaults to `local`. */
  readonly kind?: WorkerKind | undefined
  /** The most attempts that it carries, including those that wait inside their bodies; see `room.hasRoom`. */
  readonly mark?: number | undefined
  /**
   * The most attempts that are sent to it beyond its slots, where they wait in order. Such a worker reports `TaskStarted` when a
   * body begins. Defaults to 0: an attempt begins in the step in which it is sent.
   */
  readonly ahead?: number | undefined
  /**
   * It hands its results over: no worker holds them, so they are never lost or copied. Results that own a resource stay there.
   * Defaults to `false`.
   */
  readonly handsOver?: boolean | undefined
}

/** At most `starts` attempts start within any `perMillis`. */
export interface Rate {
  readonly starts: number
  readonly perMillis: number
}

/**
 * At most `limit` attempts hold this tag, on all workers together, and they start no faster than the rate. Without a limit, any
 * number may; without a rate, at any time. A tag that ends in `*` may have a rate alone: one for each tag that begins like it.
 */
export interface TagLimit {
  readonly tag: string
  readonly limit: number | undefined
  readonly rate?: Rate | undefined
}

/** From now on a tag is limited, or no longer. */
export interface TagLimited extends TagLimit {
  readonly _tag: "TagLimited"
  readonly now: number
}

/** What a pause is of: a tag, or each tag that begins like one that ends in `*`; a group of owners; everything without either. */
export type PauseTarget =
  | { readonly tag: string; readonly group?: undefined }
  | { readonly group: string; readonly tag?: undefined }
  | { readonly tag?: undefined; readonly group?: undefined }

/** Nothing of this starts until it is resumed, or for a while. A pause that is there already goes on for as long as the longer one. */
export interface StartsPaused {
  readonly _tag: "StartsPaused"
  readonly now: number
  readonly of: PauseTarget
  /** Defaults to no end. */
  readonly forMillis?: number | undefined
}

/** A pause ends. */
export interface StartsResumed {
  readonly _tag: "StartsResumed"
  readonly now: number
  readonly of: PauseTarget
}

/** The worker that `StartWorker` asked for takes tasks from now on. */
export interface WorkerStarted {
  readonly _tag: "WorkerStarted"
  readonly now: number
  readonly worker: WorkerId
}

/** The worker is alive. */
export interface WorkerBeat {
  readonly _tag: "WorkerBeat"
  readonly now: number
  readonly worker: WorkerId
}

/** From now on this pool has between `min` and `max` workers, depending on the load. */
export interface PoolOpened {
  readonly _tag: "PoolOpened"
  readonly now: number
  /** The prefix of its workers' names. */
  readonly name: string
  readonly min: number
  readonly max: number
  /** The slots of each worker. */
  readonly slots: number
  /** The idle time after which a worker leaves. */
  readonly idleMillis: number
  /** The kind of each worker. Defaults to `local`. */
  readonly kind?: WorkerKind | undefined
  /** As for `WorkerAdded`. */
  readonly ahead?: number | undefined
  readonly handsOver?: boolean | undefined
  readonly terms?: Terms | undefined
}

/** The worker starts nothing new, and leaves when its last attempt has ended. */
export interface WorkerDrained {
  readonly _tag: "WorkerDrained"
  readonly now: number
  readonly worker: WorkerId
}

/** The worker is gone at once, with all that ran there and all results that it held; or it could not be started. */
export interface WorkerLost {
  readonly _tag: "WorkerLost"
  readonly now: number
  readonly worker: WorkerId
  /** The attempts there whose bodies may have begun; all of them if absent. Only these count as deaths. */
  readonly begun?: ReadonlyArray<number> | undefined
  /** It was ended here, because a body there did not stop. That is no fault of the worker, and uses up no restart. */
  readonly isEnded?: boolean | undefined
}

/**
 * A worker was asked for the result that this attempt has made, and does not have it. If it should, it is lost: nothing else that it
 * reported can be relied on.
 */
export interface ResultMissing {
  readonly _tag: "ResultMissing"
  readonly now: number
  readonly worker: WorkerId
  readonly task: TaskId
  readonly attempt: number
  /** As for `WorkerLost`. */
  readonly begun?: ReadonlyArray<number> | undefined
}

export interface OwnerOpened {
  readonly _tag: "OwnerOpened"
  readonly now: number
  readonly owner: number
  readonly name: string
  /** A tag of its own, whose limit ends with the owner. */
  readonly limits?: TagLimit | undefined
  /** The group to which it belongs. */
  readonly group?: string | undefined
  /** The name of the stream that it stands for. */
  readonly stream?: string | undefined
}

/**
 * A large plan that will be submitted: its tasks get their rows in pieces ({@link RowsFilled}), and the submission in one step needs
 * little time. Until then nobody else sees them.
 */
export interface GraphAnnounced {
  readonly _tag: "GraphAnnounced"
  readonly now: number
  /** The number of the announcement, which the driver chooses. */
  readonly announced: number
  readonly plan: Plan
  /** The owner that will claim the targets one by one, if it is open. */
  readonly owner: number | undefined
  readonly targets: ReadonlyArray<Reference>
}

/** So many rows of an announced plan, and then so many of its claims, are filled. */
export interface RowsFilled {
  readonly _tag: "RowsFilled"
  readonly now: number
  readonly announced: number
  readonly rows: number
}

/** An announced plan will not be submitted. */
export interface GraphRecalled {
  readonly _tag: "GraphRecalled"
  readonly now: number
  readonly announced: number
}

export interface GraphSubmitted {
  readonly _tag: "GraphSubmitted"
  readonly now: number
  readonly plan: Plan
  readonly owner: number
  /** The tasks that the owner claims. */
  readonly targets: ReadonlyArray<Reference>
  /** The running task that submits, or -1. */
  readonly parent: TaskId
  /** The parent's present attempt. */
  readonly attempt: number
  /** Waits for the targets at once, under this number. */
  readonly wait?: number | undefined
  /** Opens the owner first, under this name; it stays closed if the submission is refused. */
  readonly opens?: string | undefined
  /** Tasks that must run to their end whatever else fails; see `Owner.roots`. */
  readonly wishes?: Wishes | undefined
  /** With `wait`: the parent keeps its slot meanwhile. */
  readonly keepsSlot?: boolean | undefined
  /** Without `wait`: the standing wait that the claims join. */
  readonly standing?: number | undefined
  /** Tasks that must not start before others have ended, however these end. */
  readonly successions?: ReadonlyArray<Succession> | undefined
  /** The number under which this plan, with these targets, was announced. What is not filled yet is filled now. */
  readonly announced?: number | undefined
}

/** The task with this index in a plan starts when these live tasks have ended. They are no dependencies of it. */
export interface Succession {
  readonly index: number
  readonly formers: ReadonlyArray<TaskId>
}

/** A `flatMap` body has returned a graph: the task now stands for `target`. */
export interface TaskExpanded {
  readonly _tag: "TaskExpanded"
  readonly now: number
  readonly task: TaskId
  readonly attempt: number
  readonly plan: Plan
  readonly target: Reference
}

/** The body of an attempt has begun, on a worker to which attempts are sent ahead. */
export interface TaskStarted {
  readonly _tag: "TaskStarted"
  readonly now: number
  readonly task: TaskId
  readonly attempt: number
}

export interface TaskEnded {
  readonly _tag: "TaskEnded"
  readonly now: number
  readonly task: TaskId
  readonly attempt: number
  readonly ending: Ending
  /** How long the body took, in microseconds, of an attempt that has succeeded on a worker that hands its results over. */
  readonly micros?: number | undefined
  /** Whether ends of others follow that came with this one: what can start is decided after the last. */
  readonly more?: boolean | undefined
}

/**
 * A task is settled from outside. The driver keeps the value of a success until `Hold`. A running attempt is asked to stop, and
 * its result does not count.
 */
export interface TaskSettled {
  readonly _tag: "TaskSettled"
  readonly now: number
  readonly task: TaskId
  readonly ending: Extract<Ending, { readonly _tag: "Succeeded" | "Failed" | "Interrupted" | "Skipped" }>
}

/** The reason of a task with this key that is settled from outside without a value. */
export const reasonOf = (
  ending: Exclude<TaskSettled["ending"], { readonly _tag: "Succeeded" }>,
  key: string
): Reason =>
  ending._tag === "Interrupted"
    ? { _tag: "Cancelled", task: key, by: "Future.settle", reason: "it was settled as interrupted" }
    : ending

/** Requests that `copies` workers hold a result, or these workers, as far as they are open. */
export interface CopiesRequested {
  readonly _tag: "CopiesRequested"
  readonly now: number
  readonly task: TaskId
  /** The number of holders in all. */
  readonly copies: number
  /** The names of the workers that may hold a copy; `undefined` for any. */
  readonly workers?: ReadonlyArray<string> | undefined
}

/** Requests that results are spread evenly over the open workers. */
export interface RebalanceRequested {
  readonly _tag: "RebalanceRequested"
  readonly now: number
}

/** A worker has what `Copy` asked for. */
export interface TaskCopied {
  readonly _tag: "TaskCopied"
  readonly now: number
  readonly copy: number
}

/** The finalizers of the resource that a result owned have run; the answer to `Finalize`. */
export interface TaskFinalized {
  readonly _tag: "TaskFinalized"
  readonly now: number
  readonly task: TaskId
  readonly attempt: number
}

/**
 * A wait for claims to end, or for all that an owner claims in bulk. An attempt that waits gives its slot away meanwhile, unless
 * it keeps it.
 */
export interface WaitBegan {
  readonly _tag: "WaitBegan"
  readonly now: number
  readonly wait: number
  readonly claims: ReadonlyArray<ClaimId>
  /** Waits for the targets of this owner, which claims them in bulk, in place of `claims`. */
  readonly targetsOf?: number | undefined
  /** Waits until this standing wait reports an end, is given more claims, or has no open one, in place of `claims`. */
  readonly standing?: number | undefined
  /**
   * With `standing`: how many of its claims are open, as far as the waiter knows. If there are fewer, a report is on its way, and the
   * wait ends at once.
   */
  readonly open?: number | undefined
  readonly mode: WaitMode
  /** The running task that waits, or -1. */
  readonly waiter: TaskId
  readonly attempt: number
  /** The waiter keeps its slot meanwhile. */
  readonly keepsSlot?: boolean | undefined
}

/**
 * `all`: until all have ended; `firstCompleted`: until one has ended; `firstFailure`: until one has ended without success, or all
 * have ended; `never`: until it is abandoned.
 *
 * `each` is a standing wait: it reports the end of each claim by `ClaimEnded`, once, and no task waits in it. The same number may
 * come again with more claims, and a claim that was reported may join again. It lasts as long as it has open claims.
 */
export type WaitMode = "all" | "firstCompleted" | "firstFailure" | "never" | "each"

/** A wait is given up (a timeout, a lost race, an explicit rejoin). A standing wait ends without an answer. */
export interface WaitAbandoned {
  readonly _tag: "WaitAbandoned"
  readonly now: number
  readonly wait: number
}

/**
 * An attempt goes on after it gave its slot away and was asked to stop: its code was not interrupted. `WaitEnded` comes when it
 * has a slot.
 */
export interface SlotWanted {
  readonly _tag: "SlotWanted"
  readonly now: number
  readonly wait: number
  readonly task: TaskId
  readonly attempt: number
}

/** Withdraws the interest of the claim's owner in the task and everything downstream of it. */
export interface CancelRequested extends Cancellation {
  readonly _tag: "CancelRequested"
  readonly now: number
  readonly claim: ClaimId
  /** The owner of the claim, which may be gone. */
  readonly owner: number
  /** The number of its task among all tasks: what finds the task with `force` once the claim is gone. */
  readonly serial: number
  /** Of a claim that was cancelled before: the number of the task with whose cancellation that began. */
  readonly cancelled: number | undefined
  /** Stops the task even if other owners want it; its dependents end as it does. */
  readonly force: boolean
  /** Withdraws this claim alone: other claims of the owner stay, those downstream too. */
  readonly alone?: boolean | undefined
  /** The wait that ends when the finalizers of all stopped tasks have run. */
  readonly wait: number
  /** The running task that asks and waits, or -1. */
  readonly waiter: TaskId
  readonly attempt: number
}

/** The owners of these claims no longer need the results. */
export interface ClaimsReleased {
  readonly _tag: "ClaimsReleased"
  readonly now: number
  readonly claims: ReadonlyArray<ClaimId>
}

/** Another owner claims a task that is already claimed. */
export interface ClaimShared {
  readonly _tag: "ClaimShared"
  readonly now: number
  readonly claim: ClaimId
  readonly owner: number
}

export interface OwnerClosed extends Cancellation {
  readonly _tag: "OwnerClosed"
  readonly now: number
  readonly owner: number
  /** The wait that ends when nothing that only this owner wanted is running. */
  readonly wait: number
  /** The running task that asks and waits, or -1. */
  readonly waiter: TaskId
  readonly attempt: number
}

/** The time asked for by `WakeAt` has come. */
export interface TimeCame {
  readonly _tag: "TimeCame"
  readonly now: number
}

export type Event =
  // from a client: the program, or a body
  | OwnerOpened
  | GraphSubmitted
  | GraphAnnounced
  | RowsFilled
  | GraphRecalled
  | WaitBegan
  | WaitAbandoned
  | SlotWanted
  | ClaimShared
  | ClaimsReleased
  | CancelRequested
  | OwnerClosed
  | TaskSettled
  | CopiesRequested
  | RebalanceRequested
  // from the layer, and from programs that add workers
  | WorkerAdded
  | WorkerDrained
  | PoolOpened
  | TagLimited
  | StartsPaused
  | StartsResumed
  // from a worker, or about it
  | WorkerStarted
  | WorkerBeat
  | WorkerLost
  | ResultMissing
  | TaskStarted
  | TaskEnded
  | TaskExpanded
  | TaskCopied
  | TaskFinalized
  // from the clock
  | TimeCame

/** The tasks that a computation wants to run to their end, each with the ends to report. */
export type Wishes = ReadonlyMap<Reference, number>
