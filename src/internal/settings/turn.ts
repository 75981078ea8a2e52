/**
 * How long work goes on without a pause.
 *
 * @internal
 */

/** After this many steps, or this long by the layer's clock, timers and I/O have a turn. */
export const turn = { instructions: 2048, millis: 10 } as const
