/** How much is held while a graph runs: the scheduler says when results come and go, a cache says how heavy they are. */
import type * as Client from "skein/Client"
import type * as Scheduler from "skein/Scheduler"
import { bytesOf } from "./statistics.ts"

/** The most results that were held at one time, and the most bytes in their buffers. */
export interface Held {
  readonly results: number
  readonly bytes: number
}

/** Weighs the results of keyed tasks, and follows them from their making to their release. */
export interface Meter {
  /** Give this to `Client.compute`: a cache that has nothing and keeps nothing but weights. */
  readonly cache: Client.ResultCache
  /** Give this to `Scheduler.listen`. */
  readonly listener: (event: Scheduler.TaskEvent) => void
  /** The peak so far. */
  readonly peak: () => Held
  /** Everything that was made. */
  readonly all: () => Held
}

export const makeMeter = (): Meter => {
  const weights = new Map<string, number>()
  const held = new Set<string>()
  let peak: Held = { results: 0, bytes: 0 }
  const weigh = (keys: Iterable<string>) => Array.from(keys).reduce((sum, key) => sum + (weights.get(key) ?? 0), 0)
  const measure = () => {
    peak = { results: Math.max(peak.results, held.size), bytes: Math.max(peak.bytes, weigh(held)) }
  }
  return {
    cache: {
      has: () => false,
      get: () => undefined,
      set: (key, value) => {
        weights.set(key, bytesOf(value))
        measure()
      }
    },
    listener: ({ key, to }) => {
      if (to === "succeeded") held.add(key)
      if (to === "released") held.delete(key)
      measure()
    },
    peak: () => peak,
    all: () => ({ results: weights.size, bytes: weigh(weights.keys()) })
  }
}
