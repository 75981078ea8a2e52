/**
 * What holds for a whole scheduler.
 *
 * @since 0.1.0
 */
import type { Fairness } from "./fairness.ts"

/** Greatest numbers that are accepted. */
export interface Limits {
  /** Tasks of one graph, and items of one input of `Client.map`; 10 million unless told. */
  readonly tasks: number
  /** Tasks on the longest way through one graph. */
  readonly depth: number
  /** Tasks that are live at once, those that have ended and are still claimed or needed included. */
  readonly live: number
  /** How deep bodies may submit from inside bodies. */
  readonly nesting: number
  /** How often a flatMap task may stand for a flatMap task that stands for another, and so on. */
  readonly unfolding: number
  /** Tasks that wait inside their body at once. */
  readonly seceded: number
  /** How often one recursion may come to `nesting`, `unfolding` or `seceded` before it launches nothing more. */
  readonly refusals: number
  /** Workers that may be lost while they run one task, the one with which it fails included. */
  readonly deaths: number
  /** How often the body of one task may report that dependencies are lost, the report with which it fails included. */
  readonly dependenciesLost: number
  /** Starts that may take of what a ready task waits for, amounts or tags, before that task goes first. */
  readonly overtakes: number
  /** Submissions, one made of a result of the other, over which what was released is remembered, to be made anew if it must. */
  readonly lineage: number
}

/** A recursion or an input without end is stopped while it fits into memory; everything else is up to the user. */
export const defaultLimits: Limits = {
  tasks: 10000000,
  depth: Infinity,
  live: Infinity,
  nesting: 10000,
  unfolding: 200000,
  seceded: 100000,
  refusals: 100,
  deaths: 4,
  dependenciesLost: 20,
  overtakes: 100,
  lineage: 1000
}

export type SchemeName = "steady" | "leastLoad" | "lru" | "plainRandom" | "twoBin" | "weighted"

/** The rules by name, and functions that give the index of one of the workers. */
export type Scheme = SchemeName | ((workers: ReadonlyArray<Candidate>, random: () => number) => number)

/** A worker that has a free slot for the task. */
export interface Candidate {
  readonly id: string
  readonly labels: ReadonlyArray<string>
  readonly slots: number
  /** Attempts that hold a slot. */
  readonly running: number
  /** Attempts that have not ended, those that wait inside their bodies included. */
  readonly attempts: number
}

/** What holds for a scheduler as long as it lives. */
export interface SchedulerSettings {
  readonly limits: Limits
  /** The grace of tasks that name none; `Infinity` for ever. */
  readonly graceMillis: number
  readonly fairness: Fairness
  /** For how long after it began a computation takes in what is submitted from outside; 0 for each its own. */
  readonly windowMillis: number
  /** How long tasks that do not say wait for a worker when none that takes tasks could run them; `Infinity` for ever. */
  readonly waitForWorkersMillis: number
  /** Which of several workers gets a task. */
  readonly scheme: Scheme
  /** Where the generator of placement schemes begins. */
  readonly seed: number
}
