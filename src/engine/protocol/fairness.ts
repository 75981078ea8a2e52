/**
 * Rules of a layer about the order in which ready tasks start: shares, aging, and brakes. By default there are none, and
 * the rank alone decides.
 *
 * @since 0.1.0
 */

import type { Rate } from "./Event.ts"

/** The rules of one layer. */
export interface Fairness {
  /** The share of a worker's slots that sources may hold; from 1 on it is no limit. */
  readonly sourceSaturation: number
  /** How much may be held in results. */
  readonly budget: Budget | undefined
  /** The rate of all starts. */
  readonly rate: Rate | undefined
  /** How many tasks of a share may start before one that has been ready for longer. */
  readonly aging: number
  /** The starts of a share for each start of a share of weight 1. Defaults to 1. */
  readonly weights: ReadonlyMap<string, number>
  /** The tasks that wait in queues by these rules, beside tasks that ask for more than a slot or name a share. */
  readonly queues: "none" | "sources" | "all"
}

/** Sizes of held results, all together. */
export interface Budget {
  /** Above it no source starts. */
  readonly target: number
  /** Above it nothing starts. */
  readonly pause: number
}

/** The rules of a layer without options. */
export const inOrder: Fairness = {
  sourceSaturation: Infinity,
  budget: undefined,
  rate: undefined,
  aging: Infinity,
  weights: new Map(),
  queues: "none"
}

/** The rules of a layer with these options. */
export const fairnessOf = (told: Partial<Omit<Fairness, "queues">>): Fairness => {
  const rules = { ...inOrder, ...told }
  // Above `pause` nothing starts, all tasks age, and all count in the rate.
  const queues = rules.budget !== undefined || rules.aging < Infinity || rules.rate !== undefined
    ? "all"
    : rules.sourceSaturation < 1
    ? "sources"
    : "none"
  return { ...rules, queues }
}
