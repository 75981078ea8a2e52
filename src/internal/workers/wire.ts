/**
 * What lies between a scheduler and its workers. Inside a process nothing does: messages arrive in the turn in which they
 * are sent. A simulation puts itself there, and chooses when the pump runs, when a message arrives and what a body does.
 *
 * @internal
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { State } from "../../engine/state/State.ts"

/** What a scheduler and a worker tell each other of an attempt, and of what it acquired for its result. */
export interface Message {
  readonly _tag: "Start" | "Stop" | "Finalize" | "Ended" | "Finalized"
  readonly task: TaskId
  /** By the time a `Stop` is sent the attempt may have ended, and the task's row may belong to another. */
  readonly attempt: number
  readonly worker: number
}

/** A scheduler at one end of a wire. A wire of tests knows more of it than this. */
export interface Wired {
  readonly state: State
}

export interface Wire<Scheduler = any> {
  /** A scheduler begins to use this wire. */
  readonly opened: (scheduler: Scheduler) => void
  /** An event has been applied. */
  readonly applied: (scheduler: Scheduler) => void
  /** Runs the pump soon. */
  readonly defer: (pump: () => void) => void
  /** How many instructions the pump carries out before others have a turn. */
  readonly instructions: number
  readonly carry: (scheduler: Scheduler, message: Message, deliver: () => void) => void
  /** Delivers the end of a wait, which must not overtake what workers were told before: a body that stops must not go on. */
  readonly carryLast: (deliver: () => void) => void
  /** What an attempt runs in place of `body`. */
  readonly body: (
    scheduler: Scheduler,
    task: TaskId,
    body: Effect.Effect<unknown, unknown>
  ) => Effect.Effect<unknown, unknown>
}

export const Wire = Context.Reference<Wire | undefined>("skein/internal/Wire", { defaultValue: () => undefined })

/** A wire with the scheduler that uses it. */
export class Line {
  private readonly wire: Wire
  private readonly scheduler: Wired

  constructor(wire: Wire, scheduler: Wired) {
    this.wire = wire
    this.scheduler = scheduler
  }

  get instructions(): number {
    return this.wire.instructions
  }

  open(): void {
    this.wire.opened(this.scheduler)
  }

  applied(): void {
    this.wire.applied(this.scheduler)
  }

  defer(pump: () => void): void {
    this.wire.defer(pump)
  }

  /** Carries what is told of an attempt between the scheduler and the worker that has it. */
  carry(tag: Message["_tag"], task: TaskId, attempt: number, deliver: () => void): void {
    this.carryOut({ _tag: tag, task, attempt, worker: this.scheduler.state.tasks.worker[task]! }, deliver)
  }

  carryOut(message: Message, deliver: () => void): void {
    this.wire.carry(this.scheduler, message, deliver)
  }

  carryLast(deliver: () => void): void {
    this.wire.carryLast(deliver)
  }

  body(task: TaskId, body: Effect.Effect<unknown, unknown>): Effect.Effect<unknown, unknown> {
    return this.wire.body(this.scheduler, task, body)
  }
}

/** When the pump runs where there is no wire: at the end of the present turn. */
export const soon = (pump: () => void): void => queueMicrotask(pump)
