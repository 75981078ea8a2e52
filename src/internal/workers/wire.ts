/**
 * What lies between a scheduler and its workers. Inside a process nothing does: messages arrive in the turn in which they
 * are sent. A simulation puts itself there, and chooses when the pump runs, when a message arrives and what a body does.
 *
 * @internal
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { TaskId } from "../../engine/protocol/ids.ts"
// oxlint-disable-next-line no-restricted-imports -- an arrow that looks up: test/architecture.test.ts counts them
import type { SchedulerCore } from "../driver/schedulerCore.ts"

/** What a scheduler and a worker tell each other of an attempt, and of what it acquired for its result. */
export interface Message {
  readonly _tag: "Start" | "Stop" | "Finalize" | "Ended" | "Finalized"
  readonly task: TaskId
  /** By the time a `Stop` is sent the attempt may have ended, and the task's row may belong to another. */
  readonly attempt: number
  readonly worker: number
}

export interface Wire {
  /** A scheduler begins to use this wire. */
  readonly opened: (core: SchedulerCore) => void
  /** An event has been applied. */
  readonly applied: (core: SchedulerCore) => void
  /** Runs the pump soon. */
  readonly defer: (pump: () => void) => void
  /** How many instructions the pump carries out before others have a turn. */
  readonly instructions: number
  readonly carry: (core: SchedulerCore, message: Message, deliver: () => void) => void
  /** Delivers the end of a wait, which must not overtake what workers were told before: a body that stops must not go on. */
  readonly carryLast: (deliver: () => void) => void
  /** What an attempt runs in place of `body`. */
  readonly body: (
    core: SchedulerCore,
    task: TaskId,
    body: Effect.Effect<unknown, unknown>
  ) => Effect.Effect<unknown, unknown>
}

export const Wire = Context.Reference<Wire | undefined>("skein/internal/Wire", { defaultValue: () => undefined })

/** When the pump runs where there is no wire: at the end of the present turn. */
export const soon = (pump: () => void): void => queueMicrotask(pump)
