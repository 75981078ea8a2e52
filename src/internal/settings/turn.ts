/**
 * How long work goes on without a pause.
 *
 * @internal
 */
import * as Context from "effect/Context"

/** After this many steps, or this long by the layer's clock, timers and I/O have a turn. */
export const turn = { instructions: 2048, millis: 10 } as const

/**
 * The pauses of a submission, in steps of its walk: a task or a dependency is one. A walk of up to `atOnce` steps has none. A longer
 * one looks at the clock after `piece` steps, and pauses after `turn.millis`, or after so many `pieces` where the clock stands still.
 */
export interface Pauses {
  readonly atOnce: number
  readonly piece: number
  readonly pieces: number
}

/** 16,384 tasks with three dependencies each are entered at once. */
const pauses: Pauses = { atOnce: 65_536, piece: 2048, pieces: 128 }

export const Pauses = Context.Reference<Pauses>("skein/internal/Pauses", { defaultValue: () => pauses })
