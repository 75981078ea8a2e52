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
import type * as Fiber from "effect/Fiber"
import type { TaskId, WorkerId } from "../../engine/protocol/ids.ts"
import type { Finalize, Overdue, Stop } from "../../engine/protocol/Instruction.ts"
import type { Registered } from "../../engine/protocol/Registered.ts"
import type { Host, Obstacle } from "../bodies/attempt.ts"
import type { Home } from "../bodies/home.ts"

/** One worker, as its scheduler uses it. */
export interface WorkerPort extends Host {
  /** What its attempts run on. */
  readonly host: Host
  /** Its number, from the moment in which it joins. Never used again. */
  serial: WorkerId
  readonly labels: ReadonlyArray<string>
  /** What still runs there belongs to nobody: it reports nothing, and leaves no results. */
  readonly isLost: boolean
  /** The number of results that it holds. */
  readonly held: number

  /**
   * Runs the body of a task. `number` is which start of the task it is, from 1; `inputs` are the results of all that the task
   * depends on, or `undefined` for a body that takes none.
   */
  start(
    task: TaskId,
    attempt: number,
    number: number,
    submission: Registered,
    index: number,
    inputs: ReadonlyArray<unknown> | undefined
  ): void
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
  /** The result of `task` as it came with a report or a message: no question to the worker. */
  peek(task: TaskId): unknown

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
  finalized(task: TaskId, attempt: number): void
  copied(copy: number): void
  /** The answer to `inquire`. */
  overdue(order: Overdue, obstacle: Obstacle): void
}

/** Who must know which bodies go on though they were asked to stop: where they run, and in the call itself. */
export interface Witness {
  /** An attempt is about to be interrupted. */
  stopComes(stop: Stop, fiber: Fiber.Fiber<unknown, unknown>): void
  /** What runs of an attempt from now on are finalizers. */
  bodyEnded(attempt: number): void
  attemptEnded(attempt: number): void
}

/** What a worker is made with. */
export interface Setup {
  readonly name: string
  readonly labels: ReadonlyArray<string>
  /** What its bodies may ask. */
  readonly home: Home
  readonly witness: Witness
  readonly reports: WorkerReports
  /** Does what no fiber asked for; what it throws ends the scheduler. */
  readonly guard: (f: () => void) => void
}
