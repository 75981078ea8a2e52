/**
 * What a call of a recursion by tasks costs in counts: each call is a task that launches two others. It listens at the doors of
 * the driver and of Effect's run loop, and counts what is made of Maps and typed arrays.
 */
import * as FiberScheduler from "effect/Scheduler"
import { Mailbox } from "../../src/internal/driver/mailbox.ts"
import { callsOf, ways } from "./nested.ts"
import type { Way } from "./nested.ts"

/** Counts for a call that has two children, one of which is a leaf on average. */
export interface NestedCounts {
  readonly events: number
  /** Operations of Effect's run loop. */
  readonly effects: number
  readonly typedArrays: number
  readonly maps: number
  /** Entries of weak maps, which the collector must look after one by one. */
  readonly weakEntries: number
}

const global = globalThis as Record<string, any>

/** Calls `made` for each object that these constructors make, until the result is called. */
const watchMade = (names: ReadonlyArray<string>, made: () => void): () => void => {
  const originals = names.map((name) => [name, global[name]] as const)
  for (const [name, original] of originals) {
    global[name] = new Proxy(original, {
      construct(target, args, newTarget) {
        made()
        return Reflect.construct(target, args, newTarget === global[name] ? target : newTarget)
      }
    })
  }
  return () => originals.forEach(([name, original]) => global[name] = original)
}

/** Copies of typed arrays. */
const watchCopies = (made: () => void): () => void => {
  const prototype = Object.getPrototypeOf(Int32Array.prototype)
  const originals = ["slice", "map", "subarray"].map((name) => [name, prototype[name]] as const)
  for (const [name, original] of originals) {
    prototype[name] = function(this: unknown, ...args: Array<unknown>) {
      made()
      return original.apply(this, args)
    }
  }
  return () => originals.forEach(([name, original]) => prototype[name] = original)
}

/** Calls `called` for each call of a method, until the result is called. */
export const watchCalls = (prototype: any, name: string, called: () => void): () => void => {
  const original = prototype[name]
  prototype[name] = function(this: unknown, ...args: Array<unknown>) {
    called()
    return original.apply(this, args)
  }
  return () => prototype[name] = original
}

const measure = async (way: Way, n: number, slots: number): Promise<NestedCounts> => {
  const counts = { events: 0, effects: 0, typedArrays: 0, maps: 0, weakEntries: 0 }
  const restore = [
    watchCalls(Mailbox.prototype, "apply", () => counts.events++),
    watchCalls(FiberScheduler.MixedScheduler.prototype, "shouldYield", () => counts.effects++),
    watchMade(["Int32Array", "Float64Array", "Uint8Array"], () => counts.typedArrays++),
    watchCopies(() => counts.typedArrays++),
    watchMade(["Map"], () => counts.maps++),
    watchCalls(WeakMap.prototype, "set", () => counts.weakEntries++)
  ]
  try {
    await way.run(n, slots)
  } finally {
    for (const undo of restore) undo()
  }
  return counts
}

/** The counts of one more call with two children: what a larger recursion has more than a smaller one. */
export const countCall = async (name: string, slots: number): Promise<NestedCounts> => {
  const way = ways.find((each) => each.name === name)!
  // Once in vain, so that all is made that is made once.
  await way.run(12, slots)
  const [few, many] = [await measure(way, 10, slots), await measure(way, 14, slots)]
  const calls = (callsOf(14) - callsOf(10)) / 2
  const perCall = (of: keyof NestedCounts): number => Math.round((many[of] - few[of]) / calls * 10) / 10
  return {
    events: perCall("events"),
    effects: perCall("effects"),
    typedArrays: perCall("typedArrays"),
    maps: perCall("maps"),
    weakEntries: perCall("weakEntries")
  }
}
