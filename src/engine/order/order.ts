/** The static order of a graph: the order of its tasks when only the graph is known, so that few results are held at once. */
import type { Edges } from "../structures/edges.ts"
import { atOnce, everything, pieces } from "../structures/pieces.ts"
import type { InPieces } from "../structures/pieces.ts"
import { dig, policies } from "./dig.ts"
import type { Found } from "./dig.ts"
import { sides } from "./graph.ts"
import type { Sides } from "./graph.ts"
import { maxSearchedSize, Search } from "./search.ts"

/** Above this many tasks the other policies are not tried: they cost as much as all else together, and gain 1 % on average. */
export const maxTriedSize = 512

/** Words looked at by the searches for one graph at most: half a millisecond to one. */
const searchWork = 60_000

/** What an order costs: the most results held at any moment, and the sum of those held over all steps. */
export interface Held {
  readonly peak: number
  readonly sum: number
}

/**
 * Counts the results held when tasks run one at a time in an order. A result is held until all its dependents have run,
 * a sink's to the end; a step's own result is counted before its inputs are let go.
 */
export const held = (edges: Edges, positions: Int32Array): Held =>
  atOnce(heldInPieces(edges, positions, positions.length))

function* sumOf(edges: Edges, positions: Int32Array, rows: number): InPieces<number> {
  return (yield* heldInPieces(edges, positions, rows)).sum
}

function* heldInPieces({ offsets, targets }: Edges, positions: Int32Array, rows: number): InPieces<Held> {
  const size = positions.length
  const sequence = new Int32Array(size)
  const waiting = new Int32Array(size)
  yield* pieces(size, rows, (from, to) => {
    for (let i = from; i < to; i++) sequence[positions[i]!] = i
  })
  yield* pieces(targets.length, rows, (from, to) => {
    for (let e = from; e < to; e++) waiting[targets[e]!]!++
  })
  let now = 0
  let peak = 0
  let sum = 0
  yield* pieces(size, rows, (from, to) => {
    for (let k = from; k < to; k++) {
      const i = sequence[k]!
      now++
      sum += now
      if (now > peak) peak = now
      for (let e = offsets[i]!; e < offsets[i + 1]!; e++) if (--waiting[targets[e]!]! === 0) now--
    }
  })
  return { peak, sum }
}

/** The order of a graph that is one chain; undefined for any other. */
const chain = ({ offsets, targets }: Edges): Int32Array | undefined => {
  const size = offsets.length - 1
  if (targets.length !== size - 1) return undefined
  const next = new Int32Array(size).fill(-1)
  let task = -1
  for (let i = 0; i < size; i++) {
    const width = offsets[i + 1]! - offsets[i]!
    if (width > 1 || (width === 1 && next[targets[offsets[i]!]!] !== -1)) return undefined
    if (width === 0) task = i
    else next[targets[offsets[i]!]!] = i
  }
  const positions = new Int32Array(size)
  for (let k = 0; k < size; k++) {
    positions[task] = k
    task = next[task]!
  }
  return positions
}

/**
 * A peak that no order can be below: a task's inputs and its result are held together, and so are all sinks with the
 * inputs of the last of them. Where no result has two dependents the first order is optimal, so its own peak is the
 * bound.
 */
function* boundOf({ dependencies, dependents, size }: Sides, peak: number, rows: number): InPieces<number> {
  let bound = 1
  let shared = false
  let sinks = 0
  let fewestInputs = size
  yield* pieces(size, rows, (from, to) => {
    for (let i = from; i < to; i++) {
      const inputs = dependencies.offsets[i + 1]! - dependencies.offsets[i]!
      const waiting = dependents.offsets[i + 1]! - dependents.offsets[i]!
      bound = Math.max(bound, inputs + 1)
      if (waiting > 1) shared = true
      if (waiting > 0) continue
      sinks++
      fewestInputs = Math.min(fewestInputs, inputs)
    }
  })
  return shared ? Math.max(bound, sinks + fewestInputs) : peak
}

/**
 * Breadth first: the order in which tasks become ready, beginning with the sources in the order of their numbers. It sweeps over
 * a grid row by row, and holds little more than one row. Gives up when more than `peakMax` results are held.
 */
function* sweep({ dependencies, dependents, size }: Sides, rows: number, peakMax: number): InPieces<Found | undefined> {
  const missing = new Int32Array(size)
  const waiting = new Int32Array(size)
  const positions = new Int32Array(size)
  const sequence = new Int32Array(size)
  let ready = 0
  yield* pieces(size, rows, (from, to) => {
    let end = ready
    for (let i = from; i < to; i++) {
      missing[i] = dependencies.offsets[i + 1]! - dependencies.offsets[i]!
      waiting[i] = dependents.offsets[i + 1]! - dependents.offsets[i]!
      if (missing[i] === 0) sequence[end++] = i
    }
    ready = end
  })
  let heldNow = 0
  let peak = 0
  // Without a cycle each task has its place by the time it is looked at.
  yield* pieces(size, rows, (from, to) => {
    let end = ready
    let now = heldNow
    let most = peak
    for (let k = from; k < to && most <= peakMax; k++) {
      const i = sequence[k]!
      positions[i] = k
      if (++now > most) most = now
      for (let e = dependents.offsets[i]!; e < dependents.offsets[i + 1]!; e++) {
        const d = dependents.targets[e]!
        if (--missing[d]! === 0) sequence[end++] = d
      }
      for (let e = dependencies.offsets[i]!; e < dependencies.offsets[i + 1]!; e++) {
        if (--waiting[dependencies.targets[e]!]! === 0) now--
      }
    }
    ready = end
    heldNow = now
    peak = most
  })
  return peak > peakMax ? undefined : { positions, peak }
}

/** The best of the first order, a sweep, the other policies' and what a search finds below them. */
function* improved(edges: Edges, both: Sides, first: Found, rows: number): InPieces<Int32Array> {
  let best = first
  /** The sum of the best, once it is known. */
  let sum: number | undefined
  const bound = yield* boundOf(both, first.peak, rows)
  const others = both.size > maxTriedSize ? 1 : policies.length
  for (let k = 0; k < others && best.peak > bound; k++) {
    const other = k === 0 ? yield* sweep(both, rows, best.peak) : yield* dig(both, policies[k]!, rows, best.peak)
    if (other === undefined) continue
    let otherSum: number | undefined
    if (other.peak === best.peak) {
      sum ??= yield* sumOf(edges, best.positions, rows)
      otherSum = yield* sumOf(edges, other.positions, rows)
      if (otherSum >= sum) continue
    }
    best = other
    sum = otherSum
  }
  if (best.peak === bound || both.size > maxSearchedSize) return best.positions
  const search = new Search(both, searchWork)
  while (best.peak > bound) {
    const positions = search.find(best.peak - 1)
    if (positions === undefined) break
    best = { positions, peak: held(edges, positions).peak }
  }
  return best.positions
}

/**
 * The static order of a graph: `order(edges)[i]` is the position (0 runs first) of task i.
 *
 * **Details**
 *
 * Dependencies come before dependents, and few results are held at once when one task runs at a time. Every graph gets
 * a first order ({@link dig}) and a breadth-first one, both in time linear in its tasks and edges; up to `maxTriedSize`
 * tasks three more are tried. The one with the lowest peak, then sum, is kept; up to `maxSearchedSize` a search goes
 * below it, bounded by a count of its looks (about 1 ms at most). Each stage ends early when the peak meets a bound
 * that no order can be below: chains, forests of reductions, stars and independent tasks never get past the first.
 *
 * Ties are broken by the structure around a task, then by its index. Up to `maxTriedSize` tasks, numbering them
 * otherwise changes the peak only where breadth first holds least: its order is that of the numbers.
 *
 * **Gotchas**
 *
 * Structure is told apart by color refinement, up to `maxColoredSize` tasks. Tasks that it cannot tell apart though no
 * symmetry exchanges them, whose hashes collide, or that are too many, fall back on their index, so a graph too large
 * to be searched may then cost another peak when renumbered.
 */
export const order = (edges: Edges): Int32Array => atOnce(ordering(edges, everything))

/** Finds the same order as {@link order}, and yields after so many rows. */
export function* ordering(edges: Edges, rows: number): InPieces<Int32Array> {
  const size = edges.offsets.length - 1
  if (size <= 1) return new Int32Array(size)
  if (edges.targets.length === 0) return new Int32Array(size).map((_, i) => i)
  const straight = chain(edges)
  if (straight !== undefined) return straight
  const both = yield* sides(edges, rows)
  const first = yield* dig(both, policies[0]!, rows, size)
  return yield* improved(edges, both, first!, rows)
}
