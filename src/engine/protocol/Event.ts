/**
 * Everything that can happen to the engine. Time comes in with each event; the engine has no clock of its own.
 *
 * @since 0.1.0
 */
import type { ClaimId, TaskId } from "./ids.ts"
import type { Plan, Reference } from "./Plan.ts"

/** Why and by whom something was cancelled. */
export interface Cancellation {
  /** Who asked: the key of a task, or the name of an owner. */
  readonly by: string
  readonly reason: string
}

/** How an attempt ended, as its worker reports it. Values and causes stay with the worker; here are only their names. */
export type Ending =
  /** The size of its result counts towards the budget of the layer, if there is one: 1 unless told, a whole number. */
  | { readonly _tag: "Succeeded"; readonly size?: number | undefined }
  /** A typed failure or a defect, whose cause the driver keeps under the number `failure`. */
  | { readonly _tag: "Failed"; readonly failure: number; readonly defect: boolean }
  | { readonly _tag: "Interrupted" }
  /** The attempt failed and its schedule asks for another one after `delayMillis`. */
  | { readonly _tag: "Retried"; readonly delayMillis: number }
  /** The body never began, for an input was lost on its way. */
  | { readonly _tag: "InputsLost" }
  /** The body gave its place up: it runs again, and this was no attempt. */
  | { readonly _tag: "Rescheduled" }
  /**
   * The body found that what these of its dependencies made is not there any more: they run again, then it does, and this was
   * no attempt. Each is named by its place among the dependencies of the task.
   */
  | {
    readonly _tag: "DependenciesLost"
    readonly places: ReadonlyArray<number>
    /** Ways to what lies behind dependencies, each a place among these, and then one among those of what is there, and so on. */
    readonly behind?: ReadonlyArray<ReadonlyArray<number>> | undefined
  }
  /** The body chose not to do its work: what depends on it is not done either, unless a policy says otherwise. */
  | { readonly _tag: "Skipped" }
  /** The body cannot run on this worker: it runs on another, and this was no attempt. */
  | { readonly _tag: "Unmet"; readonly reason: string }

/** The endings of which there is no more to say: one object each. */
export const succeeded = { _tag: "Succeeded" } as const
export const interrupted = { _tag: "Interrupted" } as const
export const skipped = { _tag: "Skipped" } as const

/** What holds for a worker beyond its slots. All times in milliseconds. */
export interface Terms {
  /** Silent for so long, it counts as lost. */
  readonly ttlMillis?: number | undefined
  /** After so many starts it retires: a fresh one takes its place. */
  readonly maxTasks?: number | undefined
  /** At this age it retires. */
  readonly maxAgeMillis?: number | undefined
  /** Whether a fresh one takes its place when it is lost. */
  readonly restart?: Restart | undefined
}

/** How often workers that are lost are replaced. */
export interface Restart {
  /** At most so many of them within `withinMillis`. */
  readonly times: number
  readonly withinMillis: number
  /** One that is lost before it has run for so long is not replaced: it would be lost again. */
  readonly minRunMillis: number
}

/** A worker is there and takes tasks; the answer is `WorkerJoined`. */
export interface WorkerAdded {
  readonly _tag: "WorkerAdded"
  readonly now: number
  readonly name: string
  readonly slots: number
  /** What tasks may hold there beside a slot, and how much of it there is. */
  readonly amounts?: Readonly<Record<string, number>> | undefined
  readonly terms?: Terms | undefined
  /** What tasks may ask for. */
  readonly labels?: ReadonlyArray<string> | undefined
  /** So many attempts it carries at most, those that wait inside their bodies included; see `suitable.hasRoom`. */
  readonly mark?: number | undefined
}

/** From now on at most `limit` attempts hold this tag, on all workers together; any number without one. */
export interface TagLimited {
  readonly _tag: "TagLimited"
  readonly now: number
  readonly tag: string
  readonly limit: number | undefined
}

/** The worker that `StartWorker` asked for takes tasks from now on. */
export interface WorkerStarted {
  readonly _tag: "WorkerStarted"
  readonly now: number
  readonly worker: number
}

/** The worker is alive. */
export interface WorkerBeat {
  readonly _tag: "WorkerBeat"
  readonly now: number
  readonly worker: number
}

/** From now on there are between `min` and `max` workers of this pool, as many as it takes. */
export interface PoolOpened {
  readonly _tag: "PoolOpened"
  readonly now: number
  /** What the names of its workers begin with. */
  readonly name: string
  readonly min: number
  readonly max: number
  /** Of each worker. */
  readonly slots: number
  /** A worker that had nothing to do for so long leaves. */
  readonly idleMillis: number
  readonly terms?: Terms | undefined
}

/** The worker takes nothing new; it leaves when its last attempt has ended. */
export interface WorkerDrained {
  readonly _tag: "WorkerDrained"
  readonly now: number
  readonly worker: number
}

/** The worker is gone at once, with all that ran there and all results that it held; or it could not be started. */
export interface WorkerLost {
  readonly _tag: "WorkerLost"
  readonly now: number
  readonly worker: number
}

export interface OwnerOpened {
  readonly _tag: "OwnerOpened"
  readonly now: number
  readonly owner: number
  readonly name: string
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
  /** Tasks that must run to their end whatever else fails; see `Owner.roots`. */
  readonly wishes?: Wishes | undefined
  /** With `wait`: the parent keeps its slot meanwhile. */
  readonly keepsSlot?: boolean | undefined
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

export interface TaskEnded {
  readonly _tag: "TaskEnded"
  readonly now: number
  readonly task: TaskId
  readonly attempt: number
  readonly ending: Ending
}

/**
 * Somebody outside says how a task ended. The driver keeps the value of a success until `Hold`; what still runs of the task is
 * asked to stop, and what that brings does not count.
 */
export interface TaskSettled {
  readonly _tag: "TaskSettled"
  readonly now: number
  readonly task: TaskId
  readonly ending: Extract<Ending, { readonly _tag: "Succeeded" | "Failed" | "Interrupted" | "Skipped" }>
}

/** A result is to be held by so many workers, or by some of these, as far as they are open. */
export interface CopiesRequested {
  readonly _tag: "CopiesRequested"
  readonly now: number
  readonly task: TaskId
  /** In all. */
  readonly copies: number
  /** The names of those that may take one; any may if it is `undefined`. */
  readonly workers?: ReadonlyArray<string> | undefined
}

/** Results are to be spread evenly over the open workers. */
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
 * Somebody waits for claims to end, or for all that an owner claims in bulk. With `waiter`, the attempt gives its slot to others
 * for the while, unless it keeps it.
 */
export interface WaitBegan {
  readonly _tag: "WaitBegan"
  readonly now: number
  readonly wait: number
  readonly claims: ReadonlyArray<ClaimId>
  /** Waits for the targets of this owner, which claims them in bulk, in place of `claims`. */
  readonly targetsOf?: number | undefined
  readonly mode: WaitMode
  /** The running task that waits, or -1. */
  readonly waiter: TaskId
  readonly attempt: number
  /** The waiter keeps its slot meanwhile. */
  readonly keepsSlot?: boolean | undefined
}

/**
 * `all`: until every one has ended; `firstCompleted`: until one has; `firstFailure`: until one has ended without
 * success, or all have ended; `never`: until abandoned.
 */
export type WaitMode = "all" | "firstCompleted" | "firstFailure" | "never"

/** Whoever waited gave up (a timeout, a lost race, an explicit rejoin). */
export interface WaitAbandoned {
  readonly _tag: "WaitAbandoned"
  readonly now: number
  readonly wait: number
}

/** An attempt that was asked to stop, and gave its slot away, goes on: its code was not cut. `WaitEnded` when it has a slot. */
export interface SlotWanted {
  readonly _tag: "SlotWanted"
  readonly now: number
  readonly wait: number
  readonly task: TaskId
  readonly attempt: number
}

/** Withdraws the wish of the claim's owner for the task and everything downstream of it. */
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
  /** Stops the task whoever else wants it; its dependents end as it does. */
  readonly force: boolean
  /** Ends when the finalizers of all that was stopped have run. */
  readonly wait: number
  /** The running task that asks and waits, or -1. */
  readonly waiter: TaskId
  readonly attempt: number
}

/** The claim's owner needs the result no longer. */
export interface ClaimReleased {
  readonly _tag: "ClaimReleased"
  readonly now: number
  readonly claim: ClaimId
}

/** Another owner takes an interest in a task that is already claimed. */
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
  /** Ends when nothing that only this owner wanted is running any more. */
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
  | WaitBegan
  | WaitAbandoned
  | SlotWanted
  | ClaimShared
  | ClaimReleased
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
  // from a worker, or about it
  | WorkerStarted
  | WorkerBeat
  | WorkerLost
  | TaskEnded
  | TaskExpanded
  | TaskCopied
  | TaskFinalized
  // from the clock
  | TimeCame

/** What a computation wishes to run to its end, each with the ends that it tells. */
export type Wishes = ReadonlyMap<Reference, number>
