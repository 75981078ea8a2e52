/**
 * The columns of the table of tasks, to be read. All else that is known of an engine is told by functions; but to look at a task is what
 * its driver does most, and a row of numbers costs one load.
 *
 * @since 0.1.0
 */
import type { Engine } from "../protocol/Engine.ts"
import type { Registered } from "../protocol/Registered.ts"
import { open } from "../state/State.ts"

/** What is known of each task, by its row. */
export interface Column {
  readonly [row: number]: number
}

/** The table. A column is another one when the table has grown: it is not to be kept beyond one look. */
export interface Columns {
  /** Rows ever used; in those that are free, the phase is `free`. */
  readonly used: number
  readonly phase: Column
  readonly flags: Column
  /** The number of the present attempt, unique for the life of the engine; 0 before the first. */
  readonly attempt: Column
  /** How often the task was started. */
  readonly starts: Column
  /** The worker that runs it or holds its result; -1 before. */
  readonly worker: Column
  /** Where the task was registered: its place in its plan. */
  readonly index: Column
  readonly submission: ReadonlyArray<Registered | undefined>
  readonly startedAt: Column
  readonly endedAt: Column
  /** Which end of all this was: the order of ends within one millisecond. */
  readonly endNumber: Column
}

/** The table of an engine, the same for all its life. */
export const columnsOf = (engine: Engine): Columns => open(engine).tasks
