/**
 * A search for an order of a small graph that holds less: breadth first over the sets of tasks that may have run.
 *
 * Two rules make it small. A ready task that releases a result may always run at once: held results never grow by it,
 * and moving it forward in any order raises no step. And what is held is submodular in the set that has run: when a set
 * is reached that holds no more than the one searched from, and no smaller such set was, then every order that goes on
 * from the first can be led through the second without raising its peak, so all else is dropped. A sink that releases
 * nothing waits until nothing else is ready, for the same reason as the first rule. While no row of sets is cut to
 * `width`, work lasts and no two hashes collide, not finding an order therefore means that there is none.
 */
import { Frontier } from "./frontier.ts"
import { scramble } from "./graph.ts"
import type { Sides } from "./graph.ts"

/** Sets expanded at most of one size. */
const width = 64
/** Sets remembered at most in one search. */
const capacity = 2048
const tableMask = 2 * capacity - 1

/** A bounded search over one graph, for one peak after another. */
export class Search {
  readonly frontier: Frontier
  readonly sequence: Int32Array
  readonly words: number
  readonly workMax: number
  /** One bit a task, `words` a set. */
  readonly sets: Int32Array
  readonly parents = new Int32Array(capacity)
  readonly moves = new Int32Array(capacity)
  readonly helds = new Int32Array(capacity)
  readonly counts = new Int32Array(capacity)
  readonly hashes = new Int32Array(capacity)
  /** The next set of the same size. */
  readonly nexts = new Int32Array(capacity)
  readonly heads: Int32Array
  readonly table = new Int32Array(2 * capacity)
  saved = 0

  /** `workMax` bounds the edges touched by all searches of this instance together. */
  constructor(sides: Sides, workMax: number) {
    const { size } = sides
    this.frontier = new Frontier(sides)
    this.sequence = sides.sequence ?? Int32Array.from({ length: size }, (_, i) => i)
    this.words = (size + 31) >> 5
    this.workMax = workMax
    this.sets = new Int32Array(capacity * this.words)
    this.heads = new Int32Array(size + 1)
  }

  /** An order whose peak is at most `peak`; undefined when none is found. */
  find(peak: number): Int32Array | undefined {
    const { frontier, helds } = this
    this.reset()
    let least = 0
    for (let count = 0; count < this.heads.length - 1; count++) {
      let row = this.row(count)
      if (count > 0 && row.length > 0 && helds[row[0]!]! <= least) {
        least = helds[row[0]!]!
        row = row.slice(0, 1)
        this.heads.fill(-1)
      }
      for (const set of row) {
        this.load(set)
        if (this.expand(set, peak)) return this.positions()
        if (frontier.work > this.workMax) return undefined
      }
    }
    return undefined
  }

  reset(): void {
    this.sets.fill(0)
    this.table.fill(-1)
    this.heads.fill(-1)
    this.saved = 0
    for (let k = this.sequence.length - 1; k >= 0; k--) {
      if (this.frontier.ran[this.sequence[k]!] === 1) this.frontier.unrun(this.sequence[k]!)
    }
    this.save(-1, -1)
  }

  /** The sets of one size, those that hold least first, cut to `width`. */
  row(count: number): Array<number> {
    const row: Array<number> = []
    for (let set = this.heads[count]!; set !== -1; set = this.nexts[set]!) row.push(set)
    if (row.length > 1) row.sort((a, b) => this.helds[a]! - this.helds[b]! || this.hashes[a]! - this.hashes[b]!)
    return row.length > width ? row.slice(0, width) : row
  }

  has(set: number, task: number): boolean {
    return ((this.sets[set * this.words + (task >> 5)]! >>> (task & 31)) & 1) === 1
  }

  /** Brings the frontier to a saved set. */
  load(set: number): void {
    const { frontier, sequence } = this
    for (let k = sequence.length - 1; k >= 0; k--) {
      if (frontier.ran[sequence[k]!] === 1 && !this.has(set, sequence[k]!)) frontier.unrun(sequence[k]!)
    }
    for (let k = 0; k < sequence.length; k++) {
      if (frontier.ran[sequence[k]!] === 0 && this.has(set, sequence[k]!)) frontier.run(sequence[k]!)
    }
    frontier.work += sequence.length
  }

  /** Saves what each ready task leads to from a set; true when that is the end, with the frontier left there. */
  expand(set: number, peak: number): boolean {
    const { frontier } = this
    const size = this.sequence.length
    const before = frontier.held
    const sinksToo = this.onlySinksReady()
    for (let task = 0; task < size; task++) {
      if (frontier.ran[task] === 1 || frontier.missing[task]! > 0) continue
      if (frontier.waiting[task] === 0 && !sinksToo) continue
      frontier.advance(task)
      // The first step adds one to what is held; a second, if there is one, comes on top of it.
      const fits = before + (frontier.trailEnd > 1 || frontier.count < size ? 2 : 1) <= peak
      if (fits && frontier.count === size) {
        this.parents[this.saved] = set
        this.moves[this.saved] = task
        return true
      }
      if (fits && frontier.held + (size - frontier.count > 1 ? 2 : 1) <= peak) this.save(set, task)
      frontier.retreat()
    }
    return false
  }

  onlySinksReady(): boolean {
    const { missing, ran, waiting } = this.frontier
    for (let task = 0; task < ran.length; task++) {
      if (ran[task] === 0 && missing[task] === 0 && waiting[task]! > 0) return false
    }
    return true
  }

  /** Remembers the frontier, unless one like it is known or memory is full. The last place is kept for the end. */
  save(parent: number, move: number): void {
    const { frontier } = this
    if (this.saved === capacity - 1) return
    let at = scramble(frontier.hash + frontier.count) & tableMask
    for (; this.table[at] !== -1; at = (at + 1) & tableMask) {
      const set = this.table[at]!
      const alike = this.hashes[set] === frontier.hash && this.counts[set] === frontier.count
      if (alike && this.helds[set] === frontier.held) return
    }
    const set = this.saved++
    this.table[at] = set
    for (let task = 0; task < frontier.ran.length; task++) {
      if (frontier.ran[task] === 1) this.sets[set * this.words + (task >> 5)]! |= 1 << (task & 31)
    }
    this.parents[set] = parent
    this.moves[set] = move
    this.helds[set] = frontier.held
    this.counts[set] = frontier.count
    this.hashes[set] = frontier.hash
    this.nexts[set] = this.heads[frontier.count]!
    this.heads[frontier.count] = set
  }

  /** The order that led to the end: the moves to it, each with what it let run. */
  positions(): Int32Array {
    const { frontier } = this
    const moves: Array<number> = []
    for (let set = this.saved; set > 0; set = this.parents[set]!) moves.push(this.moves[set]!)
    this.load(0)
    frontier.trailEnd = 0
    for (let k = moves.length - 1; k >= 0; k--) frontier.advance(moves[k]!)
    const positions = new Int32Array(this.sequence.length)
    for (let k = 0; k < positions.length; k++) positions[frontier.trail[k]!] = k
    frontier.trailEnd = 0
    return positions
  }
}
