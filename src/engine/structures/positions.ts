/**
 * A set of positions `0 .. size - 1` that yields its least member in a handful of machine operations, however many it
 * holds: a tree of 32-bit words in which a set bit says "something below". A binary heap of a million ready tasks costs
 * twenty cache misses a take; this costs four.
 *
 * @since 0.1.0
 */
import { keepSpecimen } from "./specimens.ts"

export class Positions {
  count = 0
  /** `levels[0]` has a bit a position; each further level has a bit a non-zero word of the one below. */
  private readonly levels: Array<Int32Array>
  private readonly lowest: Int32Array
  /** No word of the lowest level before this one has a bit: the next position is mostly beside the last. */
  private first = 0

  constructor(size: number) {
    this.levels = []
    let words = size
    do {
      words = (words + 31) >>> 5
      this.levels.push(new Int32Array(words))
    } while (words > 1)
    this.lowest = this.levels[0]!
  }

  add(position: number): void {
    this.count++
    const at = position >>> 5
    if (at < this.first) this.first = at
    const before = this.lowest[at]!
    this.lowest[at] = before | (1 << (position & 31))
    if (before === 0) this.mark(at)
  }

  /** Sets the bits of the upper levels for a word of the lowest that now has a bit. */
  private mark(at: number): void {
    const levels = this.levels
    let index = at
    for (let level = 1; level < levels.length; level++) {
      const words = levels[level]!
      const before = words[index >>> 5]!
      words[index >>> 5] = before | (1 << (index & 31))
      if (before !== 0) return
      index >>>= 5
    }
  }

  has(position: number): boolean {
    return (this.lowest[position >>> 5]! & (1 << (position & 31))) !== 0
  }

  delete(position: number): void {
    this.count--
    const at = position >>> 5
    const after = this.lowest[at]! & ~(1 << (position & 31))
    this.lowest[at] = after
    if (after === 0) this.unmark(at)
  }

  /** Clears the bits of the upper levels for a word of the lowest that is now empty. */
  private unmark(at: number): void {
    const levels = this.levels
    let index = at
    for (let level = 1; level < levels.length; level++) {
      const words = levels[level]!
      const after = words[index >>> 5]! & ~(1 << (index & 31))
      words[index >>> 5] = after
      if (after !== 0) return
      index >>>= 5
    }
  }

  /** The least member. The set must not be empty. */
  least(): number {
    if (this.lowest[this.first] === 0) this.first = this.find()
    const word = this.lowest[this.first]!
    return (this.first << 5) | (31 - Math.clz32(word & -word))
  }

  /** The first word of the lowest level that has a bit. */
  private find(): number {
    const levels = this.levels
    let index = 0
    for (let level = levels.length - 1; level > 0; level--) {
      const word = levels[level]![index]!
      index = (index << 5) | (31 - Math.clz32(word & -word))
    }
    return index
  }
}

/** The same for up to 32 positions, without arrays: most lanes of a recursion are so small. */
export class WordPositions {
  count = 0
  private word = 0

  add(position: number): void {
    this.count++
    this.word |= 1 << position
  }

  has(position: number): boolean {
    return (this.word & (1 << position)) !== 0
  }

  delete(position: number): void {
    this.count--
    this.word &= ~(1 << position)
  }

  /** The least member. The set must not be empty. */
  least(): number {
    return 31 - Math.clz32(this.word & -this.word)
  }
}

/** A set of positions out of `size`. */
export const positionsOutOf = (size: number): Members => size <= 32 ? new WordPositions() : new Positions(size)

/** The interface of a set of positions that a lane needs. */
export type Members = Readonly<Pick<Positions, "add" | "count" | "delete" | "has" | "least">>

/**
 * The same for few positions out of many: it takes memory for its members alone, so that a short-lived set can be made anew each
 * time. A binary heap; deleted members stay until they come up.
 */
export class FewPositions implements Members {
  private readonly members = new Set<number>()
  private heap: Array<number> = []

  get count(): number {
    return this.members.size
  }

  add(position: number): void {
    this.members.add(position)
    const heap = this.heap
    let index = heap.push(position) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (heap[parent]! <= position) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = position
  }

  has(position: number): boolean {
    return this.members.has(position)
  }

  delete(position: number): void {
    this.members.delete(position)
    if (this.heap.length > 64 + 2 * this.count) this.heap = [...this.members].sort((a, b) => a - b)
  }

  /** The least member. The set must not be empty. */
  least(): number {
    while (!this.members.has(this.heap[0]!)) this.dropFirst()
    return this.heap[0]!
  }

  private dropFirst(): void {
    const heap = this.heap
    const last = heap.pop()!
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++
      if (heap[child]! >= last) break
      heap[index] = heap[child]!
      index = child
    }
    if (heap.length > 0) heap[index] = last
  }
}

keepSpecimen(new Positions(1))
