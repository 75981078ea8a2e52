/**
 * The first run after a large collection in which nothing of a graph was left, as between two computations of an app: V8
 * throws away the code that it compiled for objects of which none is left.
 */
import type { Contestant } from "./contestant.ts"
import { total } from "./contestant.ts"
import type { Graph } from "./shapes.ts"

export interface Collected {
  /** Milliseconds of a run in optimised code. */
  readonly warm: number
  /** Those of the first run after a collection. */
  readonly first: number
}

const rounds = 5
/** In the first of them code is optimised again. */
const runsBefore = 40
const runsWarm = 10

/** Medians. */
export const measure = async (contestant: Contestant, graph: Graph): Promise<Collected> => {
  const warm: Array<number> = []
  const first: Array<number> = []
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < runsBefore; i++) await contestant.run(graph, "sync")
    for (let i = 0; i < runsWarm; i++) warm.push(total(await contestant.run(graph, "sync")))
    globalThis.gc!()
    first.push(total(await contestant.run(graph, "sync")))
  }
  return { warm: median(warm), first: median(first) }
}

const median = (samples: ReadonlyArray<number>): number => samples.toSorted((a, b) => a - b)[samples.length >> 1]!
