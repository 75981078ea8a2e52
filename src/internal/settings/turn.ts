/**
 * How long work goes on before other work has a turn.
 *
 * @internal
 */
import * as Context from "effect/Context"

/** After this many steps, or this long by the layer's clock, timers and I/O have a turn. */
export const turn = { instructions: 2048, millis: 10 } as const

/**
 * The pieces of a submission. A step of its walk is a target, a task or a dependency. A walk of up to `atOnce` steps is one piece. A
 * longer one goes on in pieces of `steps` each. It looks at the clock after each piece, and its turn is over after `turn.millis`, or
 * after `perTurn` pieces where the clock stands still.
 */
export interface Pieces {
  readonly atOnce: number
  readonly steps: number
  readonly perTurn: number
}

/** 16,384 tasks with three dependencies each are entered at once. */
const pieces: Pieces = { atOnce: 65_536, steps: 2048, perTurn: 128 }

export const Pieces = Context.Reference<Pieces>("skein/internal/Pieces", { defaultValue: () => pieces })
