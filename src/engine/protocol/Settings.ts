/**
 * Settings of a whole scheduler.
 *
 * @since 0.1.0
 */
import type { Fairness } from "./fairness.ts"

/** Upper bounds. */
export interface Limits {
  /** Tasks of one graph, and items of one input of `Client.forEach`. Defaults to 10 million. */
  readonly tasks: number
  /** Tasks on the longest way through one graph. */
  readonly depth: number
  /** Tasks that are live at once, including ended ones that are still claimed or needed. */
  readonly live: number
  /** How deep bodies may submit from inside bodies. */
  readonly nesting: number
  /** The depth of flatMap tasks that return flatMap tasks. */
  readonly unfolding: number
  /** Tasks that wait inside their body at once. */
  readonly seceded: number
  /** How often one recursion may reach `nesting`, `unfolding` or `seceded` before it launches nothing more. */
  readonly refusals: number
  /** The number of workers lost while they run one task at which the task fails. */
  readonly deaths: number
  /** The number of reports of lost dependencies by one task at which the task fails. */
  readonly dependenciesLost: number
  /** Starts that may take amounts or tags that a ready task waits for, before that task goes first. */
  readonly overtakes: number
  /** Submissions, each made from a result of the one before, over which released tasks are remembered, to run again if needed. */
  readonly lineage: number
}

/** The defaults stop an endless recursion or input while it fits into memory. Everything else is up to the user. */
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

/** Settings for the life of a scheduler. */
export interface SchedulerSettings {
  readonly limits: Limits
  /** The grace of tasks without their own; `Infinity` for ever. */
  readonly graceMillis: number
  readonly fairness: Fairness
  /** How long a computation takes in submissions from outside, from its first; with 0 each is a computation of its own. */
  readonly windowMillis: number
  /** How long tasks without their own limit wait if no worker that takes tasks could run them; `Infinity` for ever. */
  readonly waitForWorkersMillis: number
  /** Chooses among several workers for a task. */
  readonly scheme: Scheme
  /** The seed of placement schemes. */
  readonly seed: number
}
