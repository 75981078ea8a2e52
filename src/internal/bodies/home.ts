/**
 * What a body may ask of the scheduler that runs it, through `Client`, `Worker`, and the futures that it has.
 *
 * @internal
 */
import type * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { TagLimit } from "../../engine/protocol/Event.ts"
import type { ClaimId, TaskId } from "../../engine/protocol/ids.ts"
import type { Place } from "../../engine/protocol/Registered.ts"
import type { Limits } from "../../engine/protocol/Settings.ts"
import type { Delayed } from "../../engine/views/delayed.ts"
import type { Bulk } from "../../engine/views/owners.ts"
import type { SkeinError, SubmitError } from "../../SkeinError.ts"
import type { Refused } from "../tasks/mistake.ts"
import type { CancelRequest, FutureHome, FutureImpl, Handle, Pass, TaskImpl } from "../tasks/task.ts"
import type { Callbacks } from "./callbacks.ts"
import type { Ambient, Conflict, ResultCache } from "./livePlan.ts"
import type { OpenStream, StreamCounts } from "./streamCounts.ts"

type Caller = Fiber.Fiber<unknown, unknown>

/** What a submission is given beside its tasks. */
export interface Given {
  readonly cache?: ResultCache | undefined
  readonly passes?: ReadonlyArray<Pass> | undefined
  readonly conflict?: Conflict | undefined
}

/** How a compute treats failures and results. */
export interface ComputeOptions extends Given {
  /** Run all that is not downstream of a failure. */
  readonly keepGoing: boolean
  readonly callbacks: Callbacks | undefined
  /** A tag that is limited until it is over. */
  readonly limits?: TagLimit | undefined
}

/** One run of a stream, which submits again and again. */
export interface StreamRun {
  readonly owner: number
  /** The standing wait in which it hears of ends. */
  readonly standing: number
  readonly given: Given
  /** What its last submission took from the context of its fiber. */
  last: { readonly context: Context.Context<never>; readonly ambient: Ambient } | undefined
}

/** Tasks to read; none when the scheduler has closed meanwhile. */
export type Targets = ReadonlyArray<TaskId> | undefined

/** An attempt as far as its slot is concerned. */
export interface Seat {
  readonly task: TaskId
  readonly serial: number
  /** The wait that an explicit secede holds open, or -1. */
  away: number
  /** The fiber that has seceded, until it has rejoined. */
  awayIn: Caller | undefined
}

export interface Home extends FutureHome {
  /** Its bodies run in another process: they give their slots away while they wait in a scheduler there. */
  readonly lends?: true
  readonly limits: Limits
  readonly time: { readonly now: () => number }
  readonly submissions: {
    readonly submit: (
      tasks: ReadonlyArray<Handle>,
      scope: Scope.Scope,
      caller: Caller,
      given: Given
    ) => Effect.Effect<ReadonlyArray<FutureImpl>, SubmitError>
    readonly retry: (
      futures: ReadonlyArray<FutureImpl>,
      scope: Scope.Scope,
      caller: Caller
    ) => Effect.Effect<ReadonlyArray<FutureImpl>, SubmitError>
    readonly refuseRetry: (future: FutureImpl) => SubmitError | undefined
  }
  readonly computes: {
    /** A tag that no other call has. */
    readonly tagOfCall: () => string
    readonly run: <A, E>(
      tasks: ReadonlyArray<Handle>,
      options: ComputeOptions,
      collect: (targets: Targets, owner: Bulk) => Exit.Exit<A, E>
    ) => Effect.Effect<A, E | SubmitError | SkeinError>
    readonly runInputs: <A, E>(
      place: Place,
      keepGoing: boolean,
      collect: (targets: Targets) => Effect.Effect<A, E>
    ) => Effect.Effect<A, E | SubmitError | SkeinError>
  }
  readonly streams: {
    /** `report` is called for the end of each task. */
    readonly open: (stream: OpenStream, given: Given, report: (claim: ClaimId) => void) => StreamRun
    readonly submit: (
      tasks: ReadonlyArray<Handle>,
      run: StreamRun,
      caller: Caller
    ) => ReadonlyArray<FutureImpl> | Refused
    readonly release: (claims: ReadonlyArray<ClaimId>) => void
    /** `last` are its counts at the end. */
    readonly close: (run: StreamRun, last: StreamCounts) => Effect.Effect<void>
  }
  /** The slots of all workers. */
  readonly slots: () => number
  readonly detached: {
    readonly fire: (task: TaskImpl, group: string, caller: Caller, given: Given) => Effect.Effect<void, SubmitError>
    readonly await: (group: string) => Effect.Effect<void, SkeinError>
    readonly cancel: (group: string, request: CancelRequest) => Effect.Effect<void>
  }
  readonly waits: FutureHome["waits"] & {
    readonly secede: (seat: Seat) => Effect.Effect<void>
    readonly rejoin: (seat: Seat) => Effect.Effect<void>
    readonly away: (seat: Seat) => Effect.Effect<number>
    readonly abandon: (wait: number) => Effect.Effect<void>
    readonly counted: <A, E, R>(wait: () => Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  }
  readonly owners: FutureHome["owners"] & {
    readonly closeScope: (
      scope: Scope.Closeable,
      exit: Exit.Exit<unknown, unknown>,
      seat: Seat
    ) => Effect.Effect<void> | undefined
  }
  readonly view: FutureHome["view"] & {
    readonly exitOf: (task: TaskId) => Exit.Exit<unknown, unknown>
    readonly valuesOf: (tasks: ReadonlyArray<TaskId>) => ReadonlyArray<unknown> | undefined
    /** What holds the task of a claim back, if it is ready. */
    readonly delayedAs: (claim: FutureImpl["claim"]) => keyof Delayed | undefined
    readonly unseenAt: (task: TaskId) => { readonly key: string; readonly cause: Cause.Cause<unknown> } | undefined
    readonly rootsOf: (
      targets: ReadonlyArray<TaskId>,
      owner: Bulk
    ) => Cause.Cause<unknown> | undefined
  }
  readonly published: FutureHome["published"] & {
    readonly pick: (name: string, scope: Scope.Scope) => Effect.Effect<Option.Option<FutureImpl>>
    readonly withdraw: (name: string) => Effect.Effect<boolean>
  }
  /** The retry schedules that have begun: a part of a fused task begins its own anew. */
  readonly schedules: { readonly size: number; readonly delete: (task: TaskId) => unknown }
}

/** A future has its home from a scheduler. */
export const homeOfFuture = ({ home }: FutureImpl): Home => home as Home
