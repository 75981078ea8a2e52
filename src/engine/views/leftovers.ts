/**
 * Entries left in the tables of an engine. A new table is counted without a change here.
 *
 * @since 0.1.0
 */
import type { Engine } from "../protocol/Engine.ts"
import { open } from "../state/State.ts"

/** Tables that are not empty in an unused scheduler: workers, times of bodies, limits of tags, and the log of the last step. */
const standing: ReadonlySet<string> = new Set(["paces", "workers", "tags", "log", "workerLog"])

/** Entries by name of their table; tables without entries are left out. */
export const leftoversOf = (engine: Engine): ReadonlyMap<string, number> => {
  const { balance, step, timers, ...tables } = open(engine)
  const found = new Map<string, number>()
  for (const [name, table] of [tables, balance, step, timers].flatMap((group) => Object.entries(group))) {
    const size = standing.has(name) ? 0 : sizeOf(table)
    if (size > 0) found.set(name, size)
  }
  return found
}

/** The number of entries of a table; 0 for a value that is not a table. */
export const sizeOf = (table: unknown): number => {
  if (typeof table !== "object" || table === null) return 0
  if (Array.isArray(table)) return table.length
  return "size" in table && typeof table.size === "number" ? table.size : 0
}
