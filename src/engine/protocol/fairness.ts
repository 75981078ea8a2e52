/**
 * What a layer may say about the order in which ready tasks start: whose turn it is, what has waited for too long, and what is
 * held back. By default nothing: the rank decides alone.
 *
 * @since 0.1.0
 */

/** The rules of one layer. */
export interface Fairness {
  /** Of the slots of a worker, those that sources may hold; from 1 on it is no limit. */
  readonly sourceSaturation: number
  /** How much may be held in results. */
  readonly budget: Budget | undefined
  /** How many tasks of its share may start before one that has been ready for longer. */
  readonly aging: number
  /** How many turns a share has in the time in which others have one; 1 unless told. */
  readonly weights: ReadonlyMap<string, number>
  /** What waits in queues by these rules, beside tasks that ask for more than a slot or name a share. */
  readonly queues: "none" | "sources" | "all"
}

/** Sizes of held results, all together. */
export interface Budget {
  /** Above it no source starts. */
  readonly target: number
  /** Above it nothing starts. */
  readonly pause: number
}

/** A layer that says nothing. */
export const inOrder: Fairness = {
  sourceSaturation: Infinity,
  budget: undefined,
  aging: Infinity,
  weights: new Map(),
  queues: "none"
}

/** The rules of a layer that says this much. */
export const fairnessOf = (told: Partial<Omit<Fairness, "queues">>): Fairness => {
  const rules = { ...inOrder, ...told }
  // Above `pause` nothing starts, and all tasks age.
  const queues = rules.budget !== undefined || rules.aging < Infinity
    ? "all"
    : rules.sourceSaturation < 1
    ? "sources"
    : "none"
  return { ...rules, queues }
}
