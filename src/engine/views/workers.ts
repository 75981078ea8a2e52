/**
 * Queries about workers.
 *
 * @since 0.1.0
 */
import type { Engine } from "../protocol/Engine.ts"
import type { WorkerId } from "../protocol/ids.ts"
import { Phase } from "../protocol/Phase.ts"
import type { WorkerKind } from "../protocol/Plan.ts"
import type { WorkerPhase } from "../protocol/Transition.ts"
import { open } from "../state/State.ts"
import { takesTasks } from "../state/WorkerRecord.ts"

/** A worker, read-only. */
export interface Worker {
  /** Its row. Another worker takes the row once nothing references this one. */
  readonly index: number
  readonly name: string
  readonly kind: WorkerKind
  readonly ahead: number
  readonly handsOver: boolean
  /** Its number among all workers of this engine, which distinguishes it from others with the same name or row. */
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

/** All workers, by row. One that left or is lost stays until another worker takes its row. */
export const workersOf = (engine: Engine): ReadonlyArray<Worker> => open(engine).workers

/** The workers that take new tasks, now or once they have started. */
export const takersOf = (engine: Engine): ReadonlyArray<Worker> => open(engine).workers.filter(takesTasks)

/** The attempts on the worker with this number that have not ended. */
export const attemptsOn = (engine: Engine, serial: WorkerId): ReadonlyArray<number> => {
  const { tasks, workers } = open(engine)
  const row = workers.findIndex((worker) => worker.serial === serial)
  const found: Array<number> = []
  for (let task = 0; task < tasks.used; task++) {
    const phase = tasks.phase[task]!
    const isAttempt = phase >= Phase.assigned && phase <= Phase.stopping
    if (isAttempt && tasks.worker[task] === row) found.push(tasks.attempt[task]!)
  }
  return found
}

export { isAmount } from "../dispatch/amounts.ts"
