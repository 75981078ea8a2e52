/**
 * Records the events and instructions of a scheduler, if a test provides a tape.
 *
 * @internal
 */
import * as Context from "effect/Context"
import type { Engine } from "../../engine/protocol/Engine.ts"
import type { Event } from "../../engine/protocol/Event.ts"
import type { Out } from "../../engine/protocol/Instruction.ts"
import type { SchedulerSettings } from "../../engine/protocol/Settings.ts"

/** The tape of one scheduler. */
export interface Tape {
  /** Where the engine is to put its instructions, which go on to `out`. */
  readonly through: (state: Engine, out: Out) => Out
  /** An event is about to be applied. */
  readonly event: (event: Event) => void
  /** All instructions of that event have come. */
  readonly applied: () => void
}

/** Makes the tape of a scheduler with these settings. */
export type TapeFor = (settings: SchedulerSettings) => Tape

export const Taping = Context.Reference<TapeFor | undefined>("skein/internal/Taping", { defaultValue: () => undefined })
