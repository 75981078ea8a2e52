/**
 * What an item of a stream costs in counts, which do not drift with the machine. It listens at the doors of the driver and of Effect's
 * run loop, and at all Maps.
 */
import * as Effect from "effect/Effect"
import * as FiberScheduler from "effect/Scheduler"
import { AsyncResource } from "node:async_hooks"
import { Mailbox } from "../../src/internal/driver/mailbox.ts"
import { Waits } from "../../src/internal/driver/waiters.ts"
import { watchCalls } from "./nestedCounts.ts"
import type { Way } from "./streams.ts"

/** Counts for one more item. */
export interface StreamCounts {
  readonly events: number
  readonly fibers: number
  /** Operations of Effect's run loop. */
  readonly effects: number
  /** Look-ups, entries and removals of Maps. */
  readonly maps: number
  /** Waits for the next report. */
  readonly parks: number
  /** Entries of async contexts: Effect enters that of a fiber once for each promise. */
  readonly contexts: number
}

/** The number of the latest fiber: they are numbered as they are made. */
const latestFiber = (): number => Effect.runFork(Effect.void).id

function* numbers(count: number) {
  for (let n = 0; n < count; n++) yield n
}

const measure = async (way: Way, count: number, window: number): Promise<StreamCounts> => {
  const counts = { events: 0, fibers: 0, effects: 0, maps: 0, parks: 0, contexts: 0 }
  const restore = [
    watchCalls(Mailbox.prototype, "apply", () => counts.events++),
    watchCalls(AsyncResource.prototype, "runInAsyncScope", () => counts.contexts++),
    watchCalls(Waits.prototype, "untilReport", () => counts.parks++),
    watchCalls(FiberScheduler.MixedScheduler.prototype, "shouldYield", () => counts.effects++),
    ...["get", "set", "has", "delete"].map((name) => watchCalls(Map.prototype, name, () => counts.maps++))
  ]
  const before = latestFiber()
  try {
    await way.run(numbers(count), window)
  } finally {
    for (const undo of restore) undo()
  }
  counts.fibers = latestFiber() - before - 1
  return counts
}

/** The counts of one more item: what a longer stream has more than a shorter one. */
export const countItem = async (
  way: Way,
  window: number,
  [least, most]: readonly [number, number] = [500, 2500]
): Promise<StreamCounts> => {
  // Once in vain, so that all is made that is made once.
  await way.run(numbers(500), window)
  const [few, many] = [await measure(way, least, window), await measure(way, most, window)]
  const perItem = (of: keyof StreamCounts): number => Math.round(100 * (many[of] - few[of]) / (most - least)) / 100
  return {
    events: perItem("events"),
    fibers: perItem("fibers"),
    effects: perItem("effects"),
    maps: perItem("maps"),
    parks: perItem("parks"),
    contexts: perItem("contexts")
  }
}
