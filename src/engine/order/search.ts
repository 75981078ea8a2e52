/**
 * A search for an order of a small graph that holds less, over the sets of tasks that may have run.
 *
 * A move runs what is missing until some result can be let go: the tasks that read it, and all that these depend on. Only moves
 * that contain no other are tried. That loses no order: what an order runs beside the first such move to be complete was not
 * needed for it and has let nothing go, so it can as well run after it. Inside a move each task adds one result to those held, in
 * whatever order they run, and its end lets some go.
 *
 * Two rules drop more, because what is held is submodular in the set that has run. If a move leaves no more results held than
 * there were, then every order that goes on from before it can be led through its end without raising its peak; so it is made, and
 * no other is tried. The same holds for any set, reached by several moves, that holds no more than the one searched from if no
 * smaller one does: all else is dropped. While no row of sets is cut to `width`, memory and work last and no two hashes collide,
 * not finding an order therefore means that there is none.
 */
import { scramble } from "./graph.ts"
import type { Sides } from "./graph.ts"

/** Tasks at most: a set is two words of bits. */
export const maxSearchedSize = 64

/** Sets expanded at most of one size. */
const width = 64
/** Sets remembered at most in one search. */
const capacity = 2048
const tableMask = 2 * capacity - 1

/** The number of bits of a word. */
const bitsOf = (word: number): number => {
  const pairs = word - ((word >>> 1) & 0x55555555)
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333)
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

/** Moves, or what is needed for them: two words of tasks each. */
class Moves {
  readonly low: Int32Array
  readonly high: Int32Array
  /** The number of tasks. */
  readonly sizes: Int32Array
  /** The number of results that the move lets go. */
  readonly freed: Int32Array

  constructor(capacity: number) {
    this.low = new Int32Array(capacity)
    this.high = new Int32Array(capacity)
    this.sizes = new Int32Array(capacity)
    this.freed = new Int32Array(capacity)
  }

  put(at: number, low: number, high: number, size: number, freed: number): void {
    this.low[at] = low
    this.high[at] = high
    this.sizes[at] = size
    this.freed[at] = freed
  }

  isAt(at: number, low: number, high: number): boolean {
    return this.low[at] === low && this.high[at] === high
  }
}

/** A bounded search over one graph, for one peak after another. */
export class Search {
  readonly sides: Sides
  readonly workMax: number
  /** Words looked at so far: the clock of the search. */
  work = 0
  /** The tasks, dependencies first. */
  readonly sequence: Int32Array
  /** The bit of each task: its rank, so that nothing depends on how tasks are numbered. */
  readonly bits: Int32Array
  /** The tasks whose results some task reads, by rank. */
  readonly results: Int32Array
  /** All that must have run before a result is let go. */
  readonly needs: Moves
  /** Every task that is in some move. */
  allLow = 0
  allHigh = 0
  /** The moves that are possible from a set, and those that contain no other. */
  readonly moves: Moves
  readonly least: Moves
  leastEnd = 0
  /** Whether the graph may have symmetries: some tasks have the same color. */
  readonly isSymmetric: boolean
  /** How a task looks in the set whose number is beside it. */
  readonly looks: Int32Array
  readonly looked: Int32Array
  hashed = 0
  readonly lows = new Int32Array(capacity)
  readonly highs = new Int32Array(capacity)
  readonly helds = new Int32Array(capacity)
  readonly hashes = new Int32Array(capacity)
  readonly parents = new Int32Array(capacity)
  /** The next set of the same size. */
  readonly nexts = new Int32Array(capacity)
  readonly heads: Int32Array
  readonly table = new Int32Array(2 * capacity)
  saved = 0

  /** `workMax` bounds the work of all searches of this instance together. */
  constructor(sides: Sides, workMax: number) {
    const { color, dependents, ranked, size } = sides
    this.sides = sides
    this.workMax = workMax
    // Without a sequence, dependencies have smaller numbers.
    this.sequence = sides.sequence ?? ranked.toSorted()
    this.bits = new Int32Array(size)
    ranked.forEach((task, rank) => this.bits[task] = rank)
    this.results = ranked.filter((task) => dependents.offsets[task] !== dependents.offsets[task + 1])
    this.needs = new Moves(this.results.length)
    this.moves = new Moves(this.results.length)
    this.least = new Moves(this.results.length)
    this.isSymmetric = new Set(color).size < size
    this.looks = new Int32Array(size)
    this.looked = new Int32Array(size)
    this.heads = new Int32Array(size + 1)
    this.findNeeds()
  }

  findNeeds(): void {
    const { bits, needs, results, sequence, sides: { dependencies, dependents, size } } = this
    // Each task, and all that it depends on.
    const low = new Int32Array(size)
    const high = new Int32Array(size)
    for (const task of sequence) {
      if (bits[task]! < 32) low[task] = 1 << bits[task]!
      else high[task] = 1 << bits[task]!
      for (let e = dependencies.offsets[task]!; e < dependencies.offsets[task + 1]!; e++) {
        low[task]! |= low[dependencies.targets[e]!]!
        high[task]! |= high[dependencies.targets[e]!]!
      }
    }
    for (let k = 0; k < results.length; k++) {
      const task = results[k]!
      for (let e = dependents.offsets[task]!; e < dependents.offsets[task + 1]!; e++) {
        needs.low[k]! |= low[dependents.targets[e]!]!
        needs.high[k]! |= high[dependents.targets[e]!]!
      }
      this.allLow |= needs.low[k]!
      this.allHigh |= needs.high[k]!
    }
  }

  /** An order whose peak is at most `peak`; undefined when none is found. */
  find(peak: number): Int32Array | undefined {
    const { helds } = this
    this.table.fill(-1)
    this.heads.fill(-1)
    this.saved = 0
    this.save(-1, 0, 0, 0, 0)
    let least = 0
    for (let count = 0; count < this.heads.length; count++) {
      let row = this.row(count)
      if (count > 0 && row.length > 0 && helds[row[0]!]! <= least) {
        least = helds[row[0]!]!
        row = row.slice(0, 1)
        this.heads.fill(-1)
      }
      for (const set of row) {
        if (this.lows[set] === this.allLow && this.highs[set] === this.allHigh) return this.positions(set)
        this.expand(set, count, peak)
        if (this.work > this.workMax) return undefined
      }
    }
    return undefined
  }

  /** The sets of one size, those that hold least first, cut to `width`. */
  row(count: number): Array<number> {
    const row: Array<number> = []
    for (let set = this.heads[count]!; set !== -1; set = this.nexts[set]!) row.push(set)
    if (row.length > 1) row.sort((a, b) => this.helds[a]! - this.helds[b]! || this.hashes[a]! - this.hashes[b]!)
    return row.length > width ? row.slice(0, width) : row
  }

  /** Saves where each move leads that fits and contains no other; one of those that hold no more than before alone. */
  expand(set: number, count: number, peak: number): void {
    const { least } = this
    const held = this.helds[set]!
    const only = this.findMoves(set, peak - held)
    for (let k = only < 0 ? 0 : only; k < (only < 0 ? this.leastEnd : only + 1); k++) {
      const size = least.sizes[k]!
      const now = held + size - least.freed[k]!
      this.save(set, this.lows[set]! | least.low[k]!, this.highs[set]! | least.high[k]!, now, count + size)
    }
  }

  /** Finds the least moves of up to `room` tasks. Returns one after which no more is held than before, or -1. */
  findMoves(set: number, room: number): number {
    const { least, moves, needs, results } = this
    const low = this.lows[set]!
    const high = this.highs[set]!
    let end = 0
    let largest = 0
    this.work += results.length
    for (let k = 0; k < results.length; k++) {
      const ownLow = needs.low[k]! & ~low
      const ownHigh = needs.high[k]! & ~high
      if ((ownLow | ownHigh) === 0) continue
      const size = bitsOf(ownLow) + bitsOf(ownHigh)
      if (size > room) continue
      largest = Math.max(largest, size)
      moves.put(end++, ownLow, ownHigh, size, 0)
    }
    this.leastEnd = 0
    for (let size = 1; size <= largest; size++) {
      for (let k = 0; k < end; k++) {
        if (moves.sizes[k] !== size) continue
        const at = this.admit(moves.low[k]!, moves.high[k]!, size)
        if (at < 0 || least.freed[at]! < size) continue
        for (k++; k < end; k++) if (least.isAt(at, moves.low[k]!, moves.high[k]!)) least.freed[at]!++
        return at
      }
    }
    return -1
  }

  /** Keeps a move unless it contains another, or lets go of one more result at the end of an equal one. Returns where it is. */
  admit(low: number, high: number, size: number): number {
    const { least } = this
    let at = 0
    while (at < this.leastEnd && ((least.low[at]! & ~low) | (least.high[at]! & ~high)) !== 0) at++
    this.work += at + 1
    if (at === this.leastEnd) least.put(this.leastEnd++, low, high, size, 1)
    else if (least.sizes[at]! < size) return -1
    else least.freed[at]!++
    return at
  }

  /** Remembers a set, unless one like it is known or memory is full. */
  save(parent: number, low: number, high: number, held: number, count: number): void {
    if (this.saved === capacity) return
    const hash = this.isSymmetric ? this.hashOf(low, high) : scramble(low) ^ Math.imul(scramble(~high), 31)
    let at = scramble(hash + count) & tableMask
    for (; this.table[at] !== -1; at = (at + 1) & tableMask) {
      const set = this.table[at]!
      const isSame = this.lows[set] === low && this.highs[set] === high
      if (isSame || (this.isSymmetric && this.hashes[set] === hash && this.helds[set] === held)) return
    }
    const set = this.saved++
    this.table[at] = set
    this.lows[set] = low
    this.highs[set] = high
    this.helds[set] = held
    this.hashes[set] = hash
    this.parents[set] = parent
    this.nexts[set] = this.heads[count]!
    this.heads[count] = set
  }

  /**
   * Two sets with the same hash look alike: each held result is waited for by tasks that look alike. Sets that differ by a symmetry
   * of the graph share it, so one of them is searched for all.
   */
  hashOf(low: number, high: number): number {
    const { bits, needs, results, sides: { color, dependents: { offsets, targets } } } = this
    this.hashed++
    let hash = bitsOf(low) + bitsOf(high)
    for (let k = 0; k < results.length; k++) {
      const task = results[k]!
      if (!has(low, high, bits[task]!) || ((needs.low[k]! & ~low) | (needs.high[k]! & ~high)) === 0) continue
      let ahead = 0
      for (let e = offsets[task]!; e < offsets[task + 1]!; e++) {
        if (!has(low, high, bits[targets[e]!]!)) ahead = (ahead + this.lookOf(targets[e]!, low, high)) | 0
      }
      this.work += offsets[task + 1]! - offsets[task]!
      hash = (hash + scramble((Math.imul(color[task]!, 17) + ahead) | 0)) | 0
    }
    return hash
  }

  /** How a task that has not run looks: its color, and which of its dependencies have run. */
  lookOf(task: number, low: number, high: number): number {
    const { bits, sides: { color, dependencies: { offsets, targets } } } = this
    if (this.looked[task] === this.hashed) return this.looks[task]!
    let given = 0
    for (let e = offsets[task]!; e < offsets[task + 1]!; e++) {
      if (has(low, high, bits[targets[e]!]!)) given = (given + scramble(color[targets[e]!]!)) | 0
    }
    this.work += offsets[task + 1]! - offsets[task]!
    this.looked[task] = this.hashed
    return this.looks[task] = scramble((color[task]! + Math.imul(given, 31)) | 0)
  }

  /** The order that led to a set that has all: the moves to it, and then the tasks that are in none. */
  positions(end: number): Int32Array {
    const { bits, sequence } = this
    const path: Array<number> = []
    for (let set = end; set > 0; set = this.parents[set]!) path.push(set)
    const positions = new Int32Array(sequence.length).fill(-1)
    let next = 0
    for (const set of path.reverse()) {
      for (const task of sequence) {
        if (positions[task]! < 0 && has(this.lows[set]!, this.highs[set]!, bits[task]!)) positions[task] = next++
      }
    }
    for (const task of sequence) if (positions[task]! < 0) positions[task] = next++
    return positions
  }
}

/** Whether a set has a bit. Shifts count modulo 32. */
const has = (low: number, high: number, bit: number): boolean => (((bit < 32 ? low : high) >>> bit) & 1) === 1
