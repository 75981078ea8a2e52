/**
 * The record of a worker.
 *
 * @since 0.1.0
 */
import type { Terms } from "../protocol/Event.ts"
import type { TaskId } from "../protocol/ids.ts"
import type { TaskKind, WorkerInfo, WorkerKind } from "../protocol/Plan.ts"
import type { WorkerPhase } from "../protocol/Transition.ts"
import type { Line } from "../structures/line.ts"
import type { Amount } from "./Extras.ts"

export interface WorkerRecord {
  readonly index: number
  readonly name: string
  readonly kind: WorkerKind
  readonly slots: number
  /** The resources that tasks may hold there beside a slot. */
  readonly amounts: ReadonlyMap<string, Amount> | undefined
  /** Its number among all workers of this engine, which distinguishes it from others of the same name or row. */
  readonly serial: number
  readonly terms: Terms
  /** It belongs to the pool. */
  readonly isPooled: boolean
  /** When lost workers of its name were replaced, within the window that counts. */
  readonly restarts: ReadonlyArray<number>
  /** The worker as functions of users see it. */
  readonly info: WorkerInfo
  /** The most attempts that it carries; see `room.hasRoom`. */
  readonly mark: number
  /** The most attempts that are sent there beyond its slots; see `pacing.ts`. */
  readonly ahead: number
  /** Its results are at home, but for those that own a resource. */
  readonly handsOver: boolean
  /** The last attempt that it was given, or 0. */
  usedAt: number
  /** Attempts that hold a slot (S4). */
  running: number
  /** Attempts of any phase that have not ended. */
  attempts: number
  /** Changed by `workers.moveTo` alone. */
  phase: WorkerPhase
  /** When it began to take tasks; before that, when it was requested. */
  since: number
  /** The number of attempts that it was given. */
  started: number
  /** When it was last heard, and when to check that again. */
  heardAt: number
  silentAt: number
  /** Since when it is idle; `Infinity` while it is not. Kept for workers of the pool. */
  idleSince: number
  /** Tasks whose attempts were sent ahead and have no slot yet, oldest first, each with the likely time of its body. */
  readonly sent: Line
  /** The sum of these times, in microseconds. */
  line: number
  /** How many they were when the last one was sent. */
  full: number
  /** How many of these tasks are of each kind: a look at them all at each event would cost more than the rest of the step. */
  readonly sentOf: Record<TaskKind, number>
  /** Those that were asked back. */
  readonly askedBack: Set<TaskId>
  /** Tasks that wait for a slot again, each with the wait that then ends; first come, first served. */
  readonly rejoining: Map<TaskId, number>
}

/** An amount as the engine counts it. */
export const unitsOf = (amount: number): number => Math.round(amount * 1000)

/** The resources of a worker, as the engine counts them. */
export const stockOf = (amounts: Readonly<Record<string, number>> = {}): ReadonlyMap<string, Amount> | undefined => {
  const entries = Object.entries(amounts)
  if (entries.length === 0) return undefined
  return new Map(entries.map(([name, amount]) => [name, { total: unitsOf(amount), used: 0 }]))
}

/** Whether nothing is sent to a worker ahead, and it keeps its results: then its attempts may start and end as on a lone one. */
export const isHere = ({ ahead, handsOver }: WorkerRecord): boolean => ahead === 0 && !handsOver

/** Whether a worker takes new tasks, now or once it has started. */
export const takesTasks = ({ phase }: WorkerRecord): boolean => phase === "open" || phase === "starting"
