/**
 * The facts of a graph that each way of ordering needs: its edges in both directions, and a ranking of its tasks by structure
 * alone, so that choices by rank do not depend on the numbering of the tasks.
 */
import type { Edges } from "../structures/edges.ts"
import { keepSpecimen } from "../structures/specimens.ts"

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

/** Where the rows start when the edges are reversed. */
const startsOfReversed = (size: number, targets: Int32Array): Int32Array => {
  const starts = new Int32Array(size + 1)
  for (let e = 0; e < targets.length; e++) starts[targets[e]! + 1]!++
  for (let i = 0; i < size; i++) starts[i + 1]! += starts[i]!
  return starts
}

/** Reverses edges. Rows fill in the order in which `visit` names the old rows: a sorted visit gives sorted rows. */
const reversed = ({ offsets, targets }: Edges, starts: Int32Array, visit: Int32Array | undefined): Edges => {
  const size = offsets.length - 1
  const fill = starts.slice()
  const out = new Int32Array(targets.length)
  for (let k = 0; k < size; k++) {
    const i = visit === undefined ? k : visit[k]!
    const end = offsets[i + 1]!
    for (let e = offsets[i]!; e < end; e++) out[fill[targets[e]!]!++] = i
  }
  return { offsets: starts, targets: out }
}

const indicesAscend = ({ offsets, targets }: Edges): boolean => {
  const size = offsets.length - 1
  for (let i = 0; i < size; i++) {
    const end = offsets[i + 1]!
    for (let e = offsets[i]!; e < end; e++) if (targets[e]! >= i) return false
  }
  return true
}

/** Lists each task after its dependencies. */
const topological = ({ offsets }: Edges, dependents: Edges): Int32Array => {
  const size = offsets.length - 1
  const missing = new Int32Array(size)
  const sequence = new Int32Array(size)
  let end = 0
  for (let i = 0; i < size; i++) {
    missing[i] = offsets[i + 1]! - offsets[i]!
    if (missing[i] === 0) sequence[end++] = i
  }
  for (let next = 0; next < end; next++) {
    const i = sequence[next]!
    for (let e = dependents.offsets[i]!; e < dependents.offsets[i + 1]!; e++) {
      const d = dependents.targets[e]!
      if (--missing[d]! === 0) sequence[end++] = d
    }
  }
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

const needsOf = (size: number, edges: Edges, sequence: Int32Array | undefined): Int32Array => {
  const needs = new Int32Array(size)
  const counts = new Int32Array(size + 1)
  for (let k = 0; k < size; k++) {
    const i = sequence === undefined ? k : sequence[k]!
    needs[i] = needOf(i, edges, needs, counts)
  }
  return needs
}

/** How often colors are refined both ways. Once is not enough: sinks may differ in what else their inputs feed. */
const refinements = (size: number): number => size <= 512 ? 3 : 2

/** What a neighbour adds to the second half of a hash, given what it adds to the first. */
const tint = (seen: number, second: number): number => Math.imul(second ^ (seen >>> 5) ^ 0x27d4eb2f, 0x165667b1)

/**
 * Hashes each task with its dependencies, then with its dependents: an up-and-down Weisfeiler-Leman refinement. A hash
 * is two numbers side by side, as 32 bits collide too often among a million tasks.
 */
const recolor = (hashes: Int32Array, { offsets, targets }: Edges, sequence: Int32Array | undefined): void => {
  const size = offsets.length - 1
  const absorb = (i: number, first: number, second: number) => {
    hashes[2 * i] = scramble((Math.imul(hashes[2 * i]!, 31) + first) | 0)
    hashes[2 * i + 1] = Math.imul(hashes[2 * i + 1]!, 0x2c1b3c6d) + scramble(second)
  }
  for (let k = 0; k < size; k++) {
    const i = sequence === undefined ? k : sequence[k]!
    const end = offsets[i + 1]!
    let first = 0x1e3779b9
    let second = 0
    for (let e = offsets[i]!; e < end; e++) {
      const seen = scramble(hashes[2 * targets[e]!]!)
      first = (first + seen) | 0
      second = (second + tint(seen, hashes[2 * targets[e]! + 1]!)) | 0
    }
    absorb(i, first, second)
  }
  const sums = new Int32Array(2 * size).fill(0x7f4a7c15)
  for (let k = size - 1; k >= 0; k--) {
    const i = sequence === undefined ? k : sequence[k]!
    const end = offsets[i + 1]!
    absorb(i, sums[2 * i]!, sums[2 * i + 1]!)
    const first = scramble(hashes[2 * i]! ^ 0x3c6ef372)
    const second = tint(first, hashes[2 * i + 1]!)
    for (let e = offsets[i]!; e < end; e++) {
      sums[2 * targets[e]!]! += first
      sums[2 * targets[e]! + 1]! += second
    }
  }
}

/** A radix sort of the tasks by several arrays of keys: each pass is stable, so the last key sorts foremost. */
class Sort {
  tasks: Int32Array
  spare: Int32Array

  constructor(tasks: Int32Array) {
    this.tasks = tasks
    this.spare = new Int32Array(tasks.length)
  }

  /** Sorts by the lowest `bits` bits of the keys, 11 at a time. */
  by(keys: Int32Array, bits: number): void {
    for (let shift = 0; shift < bits; shift += 11) this.pass(keys, shift)
  }

  pass(keys: Int32Array, shift: number): void {
    const { spare, tasks } = this
    const starts = new Int32Array(2049)
    for (let i = 0; i < keys.length; i++) starts[((keys[i]! >>> shift) & 2047) + 1]!++
    for (let b = 0; b < 2048; b++) starts[b + 1]! += starts[b]!
    for (let k = 0; k < tasks.length; k++) spare[starts[(keys[tasks[k]!]! >>> shift) & 2047]!++] = tasks[k]!
    this.tasks = spare
    this.spare = tasks
  }
}

/** Below this many tasks a comparison sort costs less than clearing the counters of a radix sort. */
const radixSize = 512

const rankedBy = (needs: Int32Array, color: Int32Array, second: Int32Array): Int32Array => {
  const tasks = new Int32Array(needs.length)
  for (let i = 0; i < tasks.length; i++) tasks[i] = i
  if (tasks.length < radixSize) return tasks.sort((a, b) => needs[b]! - needs[a]! || color[a]! - color[b]! || a - b)
  let most = 0
  for (let i = 0; i < needs.length; i++) most = Math.max(most, needs[i]!)
  const sort = new Sort(tasks)
  sort.by(second, 22)
  sort.by(color, 32)
  sort.by(needs.map((need) => most - need), 32 - Math.clz32(most))
  return sort.tasks
}

/** Reads a graph from both sides, in time linear in its tasks and edges. */
export const sides = (edges: Edges): Sides => {
  const size = edges.offsets.length - 1
  const starts = startsOfReversed(size, edges.targets)
  const sequence = indicesAscend(edges) ? undefined : topological(edges, reversed(edges, starts, undefined))
  const hashes = new Int32Array(2 * size)
  for (let round = refinements(size); round > 0; round--) recolor(hashes, edges, sequence)
  const color = new Int32Array(size)
  const second = new Int32Array(size)
  for (let i = 0; i < size; i++) {
    color[i] = hashes[2 * i]!
    second[i] = hashes[2 * i + 1]!
  }
  const ranked = rankedBy(needsOf(size, edges, sequence), color, second)
  const dependents = reversed(edges, starts, ranked)
  const dependencies = reversed(dependents, edges.offsets, ranked)
  return { size, dependencies, dependents, ranked, color, sequence }
}

keepSpecimen(new Sort(new Int32Array(0)))
