/**
 * How much was held while a graph ran. The events of the scheduler say when a result was made and when it was dropped; how
 * heavy it is only the result itself can say.
 */
import type { ResultCache } from "skein/Client"
import type { TaskEvent } from "skein/Scheduler"
import { bytesOf } from "./statistics.ts"

/** A number of results, and the bytes of their buffers. */
export interface Held {
  readonly results: number
  readonly bytes: number
}

/** A cache that has no results and keeps nothing of new ones but their weights. */
export const weigh = (weights: Map<string, number>): ResultCache => ({
  has: () => false,
  get: () => undefined,
  set: (key, value) => weights.set(key, bytesOf(value))
})

/** The most results that were held at one time, and the most bytes. */
export const peakOf = (events: Iterable<TaskEvent>, weights: ReadonlyMap<string, number>): Held => {
  let [results, bytes, mostResults, mostBytes] = [0, 0, 0, 0]
  for (const { from, key, to } of events) {
    const change = to === "succeeded" ? 1 : from === "succeeded" ? -1 : 0
    results += change
    bytes += change * (weights.get(key) ?? 0)
    mostResults = Math.max(mostResults, results)
    mostBytes = Math.max(mostBytes, bytes)
  }
  return { results: mostResults, bytes: mostBytes }
}

/** All results that were made. */
export const allOf = (weights: ReadonlyMap<string, number>): Held => ({
  results: weights.size,
  bytes: Array.from(weights.values()).reduce((sum, weight) => sum + weight, 0)
})
