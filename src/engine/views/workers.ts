/**
 * What is asked of workers.
 *
 * @since 0.1.0
 */
import type { Engine } from "../protocol/Engine.ts"
import type { WorkerPhase } from "../protocol/Transition.ts"
import { open } from "../state/State.ts"
import { takesTasks } from "../state/WorkerRecord.ts"

/** A worker, to be read. */
export interface Worker {
  /** Its row, which is given to another once nothing names it. */
  readonly index: number
  readonly name: string
  /** Its number among all that this engine has known: what tells it from others of the same name or row. */
  readonly serial: number
  readonly slots: number
  readonly phase: WorkerPhase
  /** Attempts that hold a slot. */
  readonly running: number
  /** Attempts of any phase that have not ended. */
  readonly attempts: number
  /** What tasks may hold there beside a slot, in thousandths. */
  readonly amounts: ReadonlyMap<string, { readonly total: number; readonly used: number }> | undefined
}

/** All workers, by row: those included that have left or are lost, until their rows are given to others. */
export const workersOf = (engine: Engine): ReadonlyArray<Worker> => open(engine).workers

/** Those that take new tasks, now or when they have started. */
export const takersOf = (engine: Engine): ReadonlyArray<Worker> => open(engine).workers.filter(takesTasks)

/** Whether any worker takes new tasks, now or when it has started. */
export const isAnyTaker = (engine: Engine): boolean => open(engine).crew.takers > 0

export { isAmount } from "../dispatch/amounts.ts"
