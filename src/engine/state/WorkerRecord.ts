/**
 * What is known of a worker.
 *
 * @since 0.1.0
 */
import type { Terms } from "../protocol/Event.ts"
import type { TaskId } from "../protocol/ids.ts"
import type { WorkerInfo } from "../protocol/Plan.ts"
import type { WorkerPhase } from "../protocol/Transition.ts"
import type { Amount } from "./Extras.ts"

export interface WorkerRecord {
  readonly index: number
  readonly name: string
  readonly slots: number
  /** What tasks may hold there beside a slot. */
  readonly amounts: ReadonlyMap<string, Amount> | undefined
  /** Its number among all that this engine has known: what tells it from others of the same name or row. */
  readonly serial: number
  readonly terms: Terms
  /** It is one of the pool. */
  readonly isPooled: boolean
  /** When others with its name were replaced because they were lost, as far as it counts. */
  readonly restarts: ReadonlyArray<number>
  /** What a user's functions are told of it. */
  readonly info: WorkerInfo
  /** So many attempts it carries at most; see `suitable.hasRoom`. */
  readonly mark: number
  /** The last attempt that it was given, or 0. */
  usedAt: number
  /** Attempts that hold a slot (S4). */
  running: number
  /** Attempts of any phase that have not ended. */
  attempts: number
  /** Changed by `workers.moveTo` alone. */
  phase: WorkerPhase
  /** When it began to take tasks; before that, when it was asked for. */
  since: number
  /** How many attempts it was given. */
  started: number
  /** When it was heard last, and when to look whether it has been heard since. */
  heardAt: number
  silentAt: number
  /** Since when it has nothing to do; `Infinity` while it has. Noted for those of the pool. */
  idleSince: number
  /** Tasks that wait to take a slot back, with the wait that ends then; first come, first served. */
  readonly rejoining: Map<TaskId, number>
}

/** An amount as the engine counts it. */
export const unitsOf = (amount: number): number => Math.round(amount * 1000)

/** What a worker has, as the engine counts it. */
export const stockOf = (amounts: Readonly<Record<string, number>> = {}): ReadonlyMap<string, Amount> | undefined => {
  const entries = Object.entries(amounts)
  if (entries.length === 0) return undefined
  return new Map(entries.map(([name, amount]) => [name, { total: unitsOf(amount), used: 0 }]))
}

/** Whether a worker takes new tasks, now or when it has started. */
export const takesTasks = ({ phase }: WorkerRecord): boolean => phase === "open" || phase === "starting"
