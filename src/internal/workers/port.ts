/**
 * The seam between a scheduler and its workers: what the scheduler says to one worker, and what a worker reports.
 *
 * ```text
 * [driver] -- WorkerPort: start, stop, finalize, hold, ... ---------------> [worker] -- runs --> [one fiber an attempt]
 *          <-- WorkerReports: succeeded, failed, expanded, finalized, ... --
 * ```
 *
 * Messages to one worker arrive in the order in which they were sent, and so do its reports. A report may come within the
 * call that sent the message, or much later. No message is answered in place, and a worker knows of a task what it was told.
 *
 * @internal
 */
import type * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { LostInput } from "../../engine/protocol/Event.ts"
import type { TaskId, WorkerId } from "../../engine/protocol/ids.ts"
import type { Begin, Finalize, Overdue, Stop, TakeBack } from "../../engine/protocol/Instruction.ts"
import type { WorkerKind } from "../../engine/protocol/Plan.ts"
import type { Registered } from "../../engine/protocol/Registered.ts"
import type { Host, Obstacle } from "../bodies/attempt.ts"
import type { Hearing } from "../bodies/hearing.ts"
import type { Home } from "../bodies/home.ts"
import type { SizeOf } from "../settings/fairness.ts"
import type { Posting } from "../settings/terms.ts"
import type { Fetching, Holder } from "./away.ts"
import type { Sharing } from "./sharing.ts"

/** What the engine is told of a worker beside its posting. */
export interface Traits {
  /** Whether it is in this process. */
  readonly kind: WorkerKind
  /** The most attempts that are sent there beyond its slots; 0 if a body begins in the call that sends it. */
  readonly ahead: number
  /**
   * Whether results go home rather than stay there: the end of an attempt is `handedOver`, and the scheduler has the value from then
   * on. A result that owns a resource stays, and its end is `succeeded`.
   */
  readonly handsOver: boolean
}

/** One worker, as its scheduler uses it. */
export interface WorkerPort extends Host, Holder, Traits {
  /** What its attempts run on. */
  readonly host: Host
  /** Its number, from the moment in which it joins. Never used again. */
  serial: WorkerId
  readonly labels: ReadonlyArray<string>
  /** What still runs there belongs to nobody: it reports nothing, and leaves no results. */
  readonly isLost: boolean
  /** Whether results stay there. Then `peek` may answer an `Away`, and `start` takes one for an input, or the exit of one. */
  readonly keepsResults: boolean
  /**
   * The attempts there whose bodies may have begun, for one that is lost; `undefined` if that is not known of any. An attempt that is
   * not among them starts elsewhere even if it must not run twice.
   */
  readonly begun: ReadonlyArray<number> | undefined
  /** The number of results that it holds. */
  readonly held: number
  /** What it consists of, as far as that has tables of its own: tests look whether something is left there. */
  readonly parts?: ReadonlyArray<object> | undefined
  /** Gets it ready, before `onStart` and before it takes tasks; what is acquired is released when the worker is gone. */
  readonly open?: Effect.Effect<void, unknown, Scope.Scope> | undefined

  /** Whether its event loop has turned since the last call: a sign of life for its `ttl`. Absent where it is that of the scheduler. */
  heard?(): boolean

  /**
   * Runs the body of a task. `number` is which start of the task it is, from 1; `inputs` are the results of all that the task
   * depends on, or `undefined` for a body that takes none. An attempt that is sent `ahead` has no slot yet.
   */
  start(
    task: TaskId,
    attempt: number,
    number: number,
    submission: Registered,
    index: number,
    inputs: ReadonlyArray<unknown> | undefined,
    ahead: boolean
  ): void
  /** An attempt that was sent ahead has a slot. */
  begin(order: Begin): void
  /** Gives an attempt that was sent ahead back, unless its body has begun. */
  takeBack(order: TakeBack): void
  /** Interrupts an attempt. It may come twice: a timeout first, and then a wish. */
  stop(order: Stop): void
  /** Runs the finalizers of the resource that a result owns. */
  finalize(order: Finalize): void
  /** Asks what keeps an attempt from ending. */
  inquire(order: Overdue): void
  /** This value is the result of `task`. */
  hold(task: TaskId, value: unknown): void
  /** The result of `from` is that of `task` too. */
  adopt(task: TaskId, from: TaskId): void
  /** This value is the result of `task`, which another worker holds too. */
  copy(copy: number, task: TaskId, value: unknown): void
  /** Nobody needs the result of `task` here. */
  drop(task: TaskId): void
  /**
   * The result of `task` as it came with a report or a message, and an `Away` for one that has stayed there: no question to the
   * worker.
   */
  peek(task: TaskId): unknown
  /**
   * Asks for a result that has stayed there. The answer is `fetched` or `missing`; none comes from a worker that is lost first.
   * After `fetched`, `peek` answers the value.
   */
  fetch(request: number, result: number): void

  /** Nothing of what is there counts from now on. */
  lose(): void
  /** Interrupts everything that runs there, and closes what results own that were there: nobody else would. */
  interrupt(): void
  /** Stops everything at once, for good: the scheduler has failed. */
  abort(): void
  /** Returns when nothing runs there any more, finalizers included. */
  readonly rest: Effect.Effect<void>
}

/** What workers report to their scheduler. Reports of attempts that do not count any more change nothing. */
export interface WorkerReports {
  /** A plain function has ended within the call that started it, in a run without a cache: the way of most tasks. */
  endedAtOnce(task: TaskId, attempt: number, value: unknown): void
  succeeded(task: TaskId, attempt: number, value: unknown): void
  /** Interruptions and signals included. */
  failed(task: TaskId, attempt: number, cause: Cause.Cause<unknown>): void
  /** The body of a flatMap task returned this. */
  expanded(task: TaskId, attempt: number, returned: unknown): void
  /** The body of an attempt has begun. Only a worker to which attempts are sent ahead reports that, before anything else of one. */
  began(task: TaskId, attempt: number): void
  /** The body of an attempt will not begin: the attempt was taken back, or stopped before. */
  unbegun(task: TaskId, attempt: number): void
  /** The attempt has succeeded, and its result stays with the worker. `size` is what `sizeOf` says of it. */
  kept(task: TaskId, attempt: number, size: number | undefined): void
  /**
   * The attempt has succeeded, and the worker keeps nothing of its result. Only one that `handsOver` reports that, and how many
   * microseconds the body took, if it knows.
   */
  handedOver(task: TaskId, attempt: number, value: unknown, micros?: number): void
  /** Reports the ends of several attempts that came together, by place. */
  together(count: number, report: (i: number) => void): void
  /** The body never began: these inputs were not where they should be. */
  inputsLost(task: TaskId, attempt: number, inputs: ReadonlyArray<LostInput>): void
  finalized(task: TaskId, attempt: number): void
  copied(copy: number): void
  /** The answers to `fetch`. */
  fetched(request: number, value: unknown): void
  missing(request: number): void
  /** An attempt is about to be interrupted. Its body may go on, and then needs a slot. */
  stopCame(stop: Stop, hearing: Hearing): void
  /** What runs of an attempt from now on are finalizers. */
  bodyEnded(attempt: number): void
  /** Nothing of an attempt runs any more. A lost worker reports this too. */
  attemptEnded(attempt: number): void
  /** The answer to `inquire`. */
  overdue(order: Overdue, obstacle: Obstacle): void
}

/** What a worker is made with. */
export interface Setup {
  readonly name: string
  readonly labels: ReadonlyArray<string>
  /** What its bodies may ask. */
  readonly home: Home
  readonly reports: WorkerReports
  /** Where it fetches what other workers hold. */
  readonly desk: Fetching
  /** Large buffers that several tasks take. */
  readonly sharing: Sharing
  /** Measures results that stay there, if the layer has a budget. */
  readonly sizeOf: SizeOf | undefined
  /** Does what no fiber asked for; what it throws ends the scheduler. */
  readonly guard: (f: () => void) => void
  /** Does something at the end of the present turn. */
  readonly defer: (f: () => void) => void
  /**
   * The worker is gone, unasked, or was ended because a body did not stop: then it `isEnded`. `why` is for people. Where workers run
   * in the process of the scheduler, none ever is.
   */
  readonly lost: (why: string, isEnded?: boolean) => void
}

/** The posting of a worker that is made by a backend other than fibers. */
export interface RemotePosting extends Posting, Traits {
  /** Makes the worker, and each that replaces it, with the traits of the posting. */
  readonly port: (setup: Setup) => WorkerPort
}

/** Whether a posting says how its workers are made. */
export const isRemote = (posting: Posting): posting is RemotePosting => "port" in posting
