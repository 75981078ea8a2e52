/**
 * The instructions of the engine. A driver carries out the instructions of a step in order.
 *
 * @since 0.1.0
 */
import type { ClaimId, TaskId, WorkerId } from "./ids.ts"
import type { Pair } from "./Reason.ts"

/** Run one attempt of a task. */
export interface Start {
  readonly _tag: "Start"
  readonly task: TaskId
  readonly attempt: number
  /** Which start of this task it is, from 1. */
  readonly number: number
  readonly worker: WorkerId
  /** The dependencies in the order of the plan; -1 for one that the task has dropped. */
  readonly inputs: ReadonlyArray<TaskId>
  /** The worker that holds each input, or -1 for none; absent when `worker` holds them all. */
  readonly holders: ReadonlyArray<WorkerId> | undefined
  /** The attempt has no slot yet: it begins after `Begin`, or in the place of one that has ended there. */
  readonly ahead?: true
}

/** Begin an attempt that was sent ahead: it has a slot now. */
export interface Begin {
  readonly _tag: "Begin"
  readonly task: TaskId
  readonly attempt: number
  readonly worker: WorkerId
}

/** Give an attempt back that was sent ahead, with the ending `Unbegun`; if it has begun, nothing is done. */
export interface TakeBack {
  readonly _tag: "TakeBack"
  readonly task: TaskId
  readonly attempt: number
  readonly worker: WorkerId
}

/** Interrupt an attempt. Its slot stays taken until the worker reports its end. */
export interface Stop {
  readonly _tag: "Stop"
  readonly task: TaskId
  readonly attempt: number
  readonly worker: WorkerId
  /** An attempt that ran out of its own time may be tried again; a cancelled one may not. */
  readonly timedOut: boolean
}

/** An attempt exceeds its grace after it was asked to stop. It is reported, and nothing else is done. */
export interface Overdue {
  readonly _tag: "Overdue"
  readonly task: TaskId
  readonly attempt: number
  readonly worker: WorkerId
}

/** Run the finalizers of the resource that a result owns, and report `TaskFinalized`. They hold no slot. */
export interface Finalize {
  readonly _tag: "Finalize"
  readonly task: TaskId
  /** The attempt that acquired it. */
  readonly attempt: number
  readonly worker: WorkerId
}

/** The graph is known: `ids[i]` is the live task of plan index `i`. */
export interface Submitted {
  readonly _tag: "Submitted"
  readonly ids: Int32Array
  /** One for each target, in order; empty for an owner that claims in bulk. */
  readonly claims: ReadonlyArray<ClaimId>
}

/** The result of `task` is, from now on, the result of `from` too. */
export interface Adopt {
  readonly _tag: "Adopt"
  readonly task: TaskId
  readonly from: TaskId
  readonly worker: WorkerId
}

/** The value with which `task` was settled is its result from now on, held by this worker. */
export interface Hold {
  readonly _tag: "Hold"
  readonly task: TaskId
  readonly worker: WorkerId
}

/** Have the worker `to` hold the result of `task` that `from` holds, and report `TaskCopied` with this number. */
export interface Copy {
  readonly _tag: "Copy"
  readonly copy: number
  readonly task: TaskId
  readonly from: WorkerId
  readonly to: WorkerId
}

/** The result and the record of `task` are no longer needed: its number may be given to another task. */
export interface Forget {
  readonly _tag: "Forget"
  readonly task: TaskId
  /** The worker that holds its result, or -1. */
  readonly holder: WorkerId
}

/** Drop a result that came too late, or that is not needed. */
export interface Discard {
  readonly _tag: "Discard"
  readonly task: TaskId
  /** -1 for a result at home, and for the value of a settled task if no worker is left to hold it. */
  readonly worker: WorkerId
}

/** This failure can no longer be observed. */
export interface ForgetFailure {
  readonly _tag: "ForgetFailure"
  readonly failure: number
}

/** The wait is over. With `starved` it could never have ended by itself: a cycle, or no slot left for what it waits for. */
export interface WaitEnded {
  readonly _tag: "WaitEnded"
  readonly wait: number
  readonly starved: ReadonlyArray<Pair> | undefined
}

/** A claim of the standing wait `wait` has ended: its task has, or the claim is gone. */
export interface ClaimEnded {
  readonly _tag: "ClaimEnded"
  readonly wait: number
  readonly claim: ClaimId
}

/** Send `TimeCame` at this time (milliseconds), not before; replaces any earlier request. */
export interface WakeAt {
  readonly _tag: "WakeAt"
  readonly at: number
}

/** The number of the worker: the answer to `WorkerAdded`. */
export interface WorkerJoined {
  readonly _tag: "WorkerJoined"
  readonly worker: WorkerId
}

/** Start a worker with this number, and report `WorkerStarted`; or `WorkerLost` if that cannot be. */
export interface StartWorker {
  readonly _tag: "StartWorker"
  readonly worker: WorkerId
  readonly name: string
  /** The worker that it replaces; -1 for an additional worker of the pool. */
  readonly replaces: WorkerId
}

/**
 * The worker was silent for too long, or does not have a result that it reported: it is lost from now on, as after `WorkerLost`.
 */
export interface WorkerExpired {
  readonly _tag: "WorkerExpired"
  readonly worker: WorkerId
  readonly why: "silent" | "missing"
}

/** The worker has ended its last attempt and is gone. */
export interface WorkerLeft {
  readonly _tag: "WorkerLeft"
  readonly worker: WorkerId
}

/** The event cannot happen in this state; nothing was changed. */
export interface Rejected {
  readonly _tag: "Rejected"
  readonly event: string
  readonly reason: Refusal
}

export type Refusal =
  /** The owner, the claim, the worker or the task is gone. */
  | { readonly _tag: "Gone"; readonly what: "owner" | "claim" | "worker" | "task" }
  | NestingLimit
  | LimitExceeded

/**
 * Bodies submit from inside bodies deeper than `max`, flatMap tasks unfold into flatMap tasks deeper than `max`, or more than `max`
 * tasks wait inside their bodies. `refusals` is present if a recursion has reached this limit that many times, and therefore
 * launches nothing more.
 */
export interface NestingLimit {
  readonly _tag: "NestingLimit"
  readonly of: "nesting" | "unfolding" | "seceded"
  readonly max: number
  readonly refusals?: number | undefined
}

/** More than the layer's `limits` allow: `tasks` or `depth` of this graph, or `live` tasks with it. */
export interface LimitExceeded {
  readonly _tag: "LimitExceeded"
  readonly limit: "tasks" | "depth" | "live"
  readonly value: number
  readonly max: number
}

export type Instruction =
  // to a worker
  | Start
  | Begin
  | TakeBack
  | Stop
  | Finalize
  | Adopt
  | Hold
  | Copy
  | Forget
  | Discard
  // to a client: the program, or a body
  | Submitted
  | Rejected
  | WaitEnded
  | ClaimEnded
  // to the layer, which has the workers
  | WorkerJoined
  | StartWorker
  | WorkerExpired
  | WorkerLeft
  // to the clock
  | WakeAt
  // to the scheduler's own tables and log
  | ForgetFailure
  | Overdue

/**
 * The receiver of a step's instructions. The two instructions that every task causes have methods of their own, so that a driver
 * in the same process need not allocate objects for them, nor look up numbers of workers.
 */
export interface Out {
  push(instruction: Exclude<Instruction, Start | Forget>): void
  /** {@link Start} */
  start(task: TaskId, attempt: number): void
  /** {@link Forget}, with the row of the holder, which is its row within this step. */
  forget(task: TaskId, row: number): void
}
