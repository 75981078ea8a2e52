/**
 * The facts of a graph that each way of ordering needs: its edges in both directions, and a ranking of its tasks by structure
 * alone, so that choices by rank do not depend on the numbering of the tasks.
 */
import type { Edges } from "../structures/edges.ts"
import { pieces, summed } from "../structures/pieces.ts"
import type { InPieces } from "../structures/pieces.ts"

/** A graph in both directions. The rows of both are sorted by rank, lowest first. */
export interface Sides {
  readonly size: number
  readonly dependencies: Edges
  readonly dependents: Edges
  /** The tasks by need (greatest first), then color, then index. A task's rank is its place here. */
  readonly ranked: Int32Array
  /** A hash of a task's surroundings. Tasks that look alike from both directions have the same one. */
  readonly color: Int32Array
  /** Every task after its dependencies; undefined when the indices are already so. */
  readonly sequence: Int32Array | undefined
}

/** The finalizer of MurmurHash3: every bit of the input moves every bit of the output. */
export const scramble = (x: number): number => {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return x ^ (x >>> 16)
}

/** Where the rows start when the edges are reversed, and whether the dependencies of all tasks have smaller numbers. */
function* startsOfReversed(
  { offsets, targets }: Edges,
  rows: number
): InPieces<{ readonly starts: Int32Array; readonly ascend: boolean }> {
  const size = offsets.length - 1
  const starts = new Int32Array(size + 1)
  let ascend = true
  yield* pieces(size, rows, (from, to) => {
    let ascends = true
    for (let i = from; i < to; i++) {
      const end = offsets[i + 1]!
      for (let e = offsets[i]!; e < end; e++) {
        const target = targets[e]!
        starts[target + 1]!++
        if (target >= i) ascends = false
      }
    }
    if (!ascends) ascend = false
  })
  yield* summed(starts, rows)
  return { starts, ascend }
}

/** Reverses edges. Rows fill in the order in which `visit` names the old rows: a sorted visit gives sorted rows. */
function* reversed(
  { offsets, targets }: Edges,
  starts: Int32Array,
  visit: Int32Array | undefined,
  rows: number
): InPieces<Edges> {
  const fill = starts.slice()
  const out = new Int32Array(targets.length)
  yield* pieces(offsets.length - 1, rows, (from, to) => {
    for (let k = from; k < to; k++) {
      const i = visit === undefined ? k : visit[k]!
      const end = offsets[i + 1]!
      for (let e = offsets[i]!; e < end; e++) out[fill[targets[e]!]!++] = i
    }
  })
  return { offsets: starts, targets: out }
}

/** Lists the tasks in the order in which they become ready. */
function* topological({ offsets }: Edges, dependents: Edges, rows: number): InPieces<Int32Array> {
  const size = offsets.length - 1
  const missing = new Int32Array(size)
  const sequence = new Int32Array(size)
  let end = 0
  yield* pieces(size, rows, (from, to) => {
    for (let i = from; i < to; i++) {
      missing[i] = offsets[i + 1]! - offsets[i]!
      if (missing[i] === 0) sequence[end++] = i
    }
  })
  // Without a cycle each task has its place by the time it is looked at.
  yield* pieces(size, rows, (from, to) => {
    for (let next = from; next < to; next++) {
      const i = sequence[next]!
      for (let e = dependents.offsets[i]!; e < dependents.offsets[i + 1]!; e++) {
        const d = dependents.targets[e]!
        if (--missing[d]! === 0) sequence[end++] = d
      }
    }
  })
  return sequence
}

/**
 * The need of one task: how many results must be held at once to make it, were its dependencies trees (the Sethi-Ullman
 * number). Made in order of need, greatest first, each dependency needs its own number and the results made before it.
 */
const needOf = (i: number, { offsets, targets }: Edges, needs: Int32Array, counts: Int32Array): number => {
  const start = offsets[i]!
  const end = offsets[i + 1]!
  const width = end - start
  if (width === 0) return 1
  if (width === 1) return Math.max(2, needs[targets[start]!]!)
  let most = 0
  for (let e = start; e < end; e++) most = Math.max(most, needs[targets[e]!]!)
  // Only needs within `width` of the greatest can decide, so they are counted, not sorted.
  for (let e = start; e < end; e++) {
    const below = most - needs[targets[e]!]!
    if (below < width) counts[below]!++
  }
  let need = width + 1
  let before = 0
  for (let below = 0; below < width; below++) {
    before += counts[below]!
    counts[below] = 0
    if (before > 0) need = Math.max(need, most - below + before - 1)
  }
  return need
}

function* needsOf(
  size: number,
  edges: Edges,
  sequence: Int32Array | undefined,
  rows: number
): InPieces<Int32Array> {
  const needs = new Int32Array(size)
  const counts = new Int32Array(size + 1)
  yield* pieces(size, rows, (from, to) => {
    for (let k = from; k < to; k++) {
      const i = sequence === undefined ? k : sequence[k]!
      needs[i] = needOf(i, edges, needs, counts)
    }
  })
  return needs
}

/** Above this many tasks there are no colors: they cost half of the reading, and change a peak by 2 % either way. */
const maxColoredSize = 512

/** How often colors are refined both ways. Once is not enough: sinks may differ in what else their inputs feed. */
const refinements = 3

/** Hashes each task with its dependencies, then with its dependents: an up-and-down Weisfeiler-Leman refinement. */
const recolor = (hashes: Int32Array, { offsets, targets }: Edges, sequence: Int32Array | undefined): void => {
  const size = offsets.length - 1
  const absorb = (i: number, seen: number) => hashes[i] = scramble((Math.imul(hashes[i]!, 31) + seen) | 0)
  for (let k = 0; k < size; k++) {
    const i = sequence === undefined ? k : sequence[k]!
    let seen = 0x1e3779b9
    for (let e = offsets[i]!; e < offsets[i + 1]!; e++) seen = (seen + scramble(hashes[targets[e]!]!)) | 0
    absorb(i, seen)
  }
  const sums = new Int32Array(size).fill(0x7f4a7c15)
  for (let k = size - 1; k >= 0; k--) {
    const i = sequence === undefined ? k : sequence[k]!
    absorb(i, sums[i]!)
    const own = scramble(hashes[i]! ^ 0x3c6ef372)
    for (let e = offsets[i]!; e < offsets[i + 1]!; e++) sums[targets[e]!]! += own
  }
}

function* rankedBy(needs: Int32Array, color: Int32Array, rows: number): InPieces<Int32Array> {
  const size = needs.length
  if (size > maxColoredSize) return yield* rankedByNeed(needs, rows)
  const tasks = new Int32Array(size)
  for (let i = 0; i < size; i++) tasks[i] = i
  return tasks.sort((a, b) => needs[b]! - needs[a]! || color[a]! - color[b]! || a - b)
}

/** The tasks by need, greatest first, then index. A need is at most the number of tasks. */
function* rankedByNeed(needs: Int32Array, rows: number): InPieces<Int32Array> {
  const size = needs.length
  const starts = new Int32Array(size + 2)
  yield* pieces(size, rows, (from, to) => {
    for (let i = from; i < to; i++) starts[size - needs[i]! + 1]!++
  })
  yield* summed(starts, rows)
  const tasks = new Int32Array(size)
  yield* pieces(size, rows, (from, to) => {
    for (let i = from; i < to; i++) tasks[starts[size - needs[i]!]!++] = i
  })
  return tasks
}

/** The color of each task; all alike where there are too many. */
const colorsOf = (edges: Edges, sequence: Int32Array | undefined): Int32Array => {
  const size = edges.offsets.length - 1
  const color = new Int32Array(size)
  for (let round = size > maxColoredSize ? 0 : refinements; round > 0; round--) recolor(color, edges, sequence)
  return color
}

/** Reads a graph from both sides, in time linear in its tasks and edges, and yields after so many rows. */
export function* sides(edges: Edges, rows: number): InPieces<Sides> {
  const size = edges.offsets.length - 1
  const { ascend, starts } = yield* startsOfReversed(edges, rows)
  const sequence = ascend
    ? undefined
    : yield* topological(edges, yield* reversed(edges, starts, undefined, rows), rows)
  const color = colorsOf(edges, sequence)
  const ranked = yield* rankedBy(yield* needsOf(size, edges, sequence, rows), color, rows)
  const dependents = yield* reversed(edges, starts, ranked, rows)
  const dependencies = yield* reversed(dependents, edges.offsets, ranked, rows)
  return { size, dependencies, dependents, ranked, color, sequence }
}
