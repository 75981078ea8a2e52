/**
 * The table of tasks as read-only columns, for the hot path of the driver: to read one fact of a task costs one load. Functions
 * of the other views answer all other questions.
 *
 * @since 0.1.0
 */
import type { Engine } from "../protocol/Engine.ts"
import type { Registered } from "../protocol/Registered.ts"
import { open } from "../state/State.ts"

/** One fact of all tasks, by row. */
export interface Column {
  readonly [row: number]: number
}

/** The table of tasks. Read a column anew at each use: a table that grows or shrinks replaces its columns. */
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
  /** The index of the task in its plan. */
  readonly index: Column
  readonly submission: ReadonlyArray<Registered | undefined>
  readonly startedAt: Column
  readonly endedAt: Column
  /** The number of its end among all ends, which orders ends within one millisecond. */
  readonly endNumber: Column
}

/** The table of an engine. It is the same object as long as the engine lives. */
export const columnsOf = (engine: Engine): Columns => open(engine).tasks
