/**
 * The linear-time order: dig depth first for what a target lacks, and run tasks that release a result at once.
 *
 * The ideas of walking depth first, of preferring what releases, and of going on beside what is held are those of
 * Dask's static order (dask/order.py, BSD-3-Clause); the sorting by need is Sethi and Ullman's. No code is taken from
 * either.
 */
import type { Edges } from "../structures/edges.ts"
import { atOnce, pieces } from "../structures/pieces.ts"
import type { InPieces } from "../structures/pieces.ts"
import { keepSpecimen } from "../structures/specimens.ts"
import { sides } from "./graph.ts"
import type { Sides } from "./graph.ts"

/** An order, and the most results that are held when tasks run in it one at a time. */
export interface Found {
  readonly positions: Int32Array
  readonly peak: number
}

/** The two choices that no rule decides well for all graphs. */
export interface Policy {
  /** Where a walk with nothing held begins: at the neediest sink or the neediest source. */
  readonly fromSinks: boolean
  /** Which dependent of a held result is the next target. */
  readonly neediestDependent: boolean
}

/** The first is the best single one on the reference graphs, and the only one for graphs above `maxTriedSize`. */
export const policies: ReadonlyArray<Policy> = [
  { fromSinks: true, neediestDependent: false },
  { fromSinks: true, neediestDependent: true },
  { fromSinks: false, neediestDependent: false },
  { fromSinks: false, neediestDependent: true }
]

// A task's four changing numbers lie side by side, for one miss of the cache instead of four.
/** Dependencies not yet run. */
const Missing = 0
/** Dependents not yet run: the result is held while there are any. */
const Waiting = 1
/** All waiting dependents xored: if one is left, its number. */
const Last = 2
/** 0 until the task has run, then 1 + its position. */
const Ran = 3

class Walk {
  readonly sides: Sides
  readonly policy: Policy
  readonly cells: Int32Array
  /** How far each task's rows have been searched; what lies before has run. */
  readonly dependenciesTried: Int32Array
  readonly dependentsTried: Int32Array
  /** Ready tasks that release something when they run; some may have run since. */
  readonly releasing: Int32Array
  releasingEnd = 0
  /** The target, what it lacks, what that lacks... */
  readonly targets: Int32Array
  targetsEnd = 0
  /** Results in the order in which they were made, without those dropped at the end. */
  readonly made: Int32Array
  madeEnd = 0
  starts = 0
  ran = 0
  /** Results held now, and the most that were held at any moment. */
  held = 0
  peak = 0

  constructor(sides: Sides, policy: Policy) {
    const { size } = sides
    this.sides = sides
    this.policy = policy
    this.cells = new Int32Array(4 * size)
    this.dependenciesTried = new Int32Array(size)
    this.dependentsTried = new Int32Array(size)
    this.releasing = new Int32Array(2 * size)
    this.targets = new Int32Array(size)
    this.made = new Int32Array(size)
  }

  /** Fills the cells of a range of tasks. */
  begin(from: number, to: number): void {
    const { sides: { dependencies, dependents } } = this
    for (let i = from; i < to; i++) {
      const end = dependents.offsets[i + 1]!
      let last = 0
      for (let e = dependents.offsets[i]!; e < end; e++) last ^= dependents.targets[e]!
      this.cells[4 * i + Missing] = dependencies.offsets[i + 1]! - dependencies.offsets[i]!
      this.cells[4 * i + Waiting] = end - dependents.offsets[i]!
      this.cells[4 * i + Last] = last
    }
  }

  run(task: number): void {
    const { cells, sides: { dependencies, dependents } } = this
    cells[4 * task + Ran] = ++this.ran
    this.made[this.madeEnd++] = task
    let now = this.held + 1
    if (now > this.peak) this.peak = now
    const end = dependencies.offsets[task + 1]!
    for (let e = dependencies.offsets[task]!; e < end; e++) {
      const cell = 4 * dependencies.targets[e]!
      const last = cells[cell + Last]! ^ task
      cells[cell + Last] = last
      const waiting = --cells[cell + Waiting]!
      if (waiting === 0) now--
      else if (waiting === 1 && cells[4 * last + Missing] === 0) this.releasing[this.releasingEnd++] = last
    }
    this.held = now
    const stop = dependents.offsets[task + 1]!
    for (let e = dependents.offsets[task]!; e < stop; e++) {
      const dependent = dependents.targets[e]!
      if (--cells[4 * dependent + Missing]! === 0 && this.releases(dependent)) {
        this.releasing[this.releasingEnd++] = dependent
      }
    }
  }

  /** Whether a task is the last dependent for which some result is held. */
  releases(task: number): boolean {
    const { cells, sides: { dependencies } } = this
    const end = dependencies.offsets[task + 1]!
    for (let e = dependencies.offsets[task]!; e < end; e++) {
      if (cells[4 * dependencies.targets[e]! + Waiting] === 1) return true
    }
    return false
  }

  /** Runs the top target, or puts the first dependency it lacks above it. */
  dig(): void {
    const { cells, sides: { dependencies } } = this
    const task = this.targets[this.targetsEnd - 1]!
    if (cells[4 * task + Ran]! > 0) {
      this.targetsEnd--
    } else if (cells[4 * task + Missing] === 0) {
      this.targetsEnd--
      this.run(task)
    } else {
      let at = dependencies.offsets[task]! + this.dependenciesTried[task]!
      while (cells[4 * dependencies.targets[at]! + Ran]! > 0) at++
      this.dependenciesTried[task] = at - dependencies.offsets[task]!
      this.targets[this.targetsEnd++] = dependencies.targets[at]!
    }
  }

  /** Chooses a target: a dependent of the latest result still waited for, else a new place to start. */
  choose(): void {
    while (this.madeEnd > 0 && this.cells[4 * this.made[this.madeEnd - 1]! + Waiting] === 0) this.madeEnd--
    this.targets[this.targetsEnd++] = this.madeEnd > 0 ? this.dependentOf(this.made[this.madeEnd - 1]!) : this.start()
  }

  dependentOf(task: number): number {
    const { cells, sides: { dependents: { offsets, targets } } } = this
    const step = this.policy.neediestDependent ? 1 : -1
    const first = step === 1 ? offsets[task]! : offsets[task + 1]! - 1
    let tried = this.dependentsTried[task]!
    while (cells[4 * targets[first + step * tried]! + Ran]! > 0) tried++
    this.dependentsTried[task] = tried
    return targets[first + step * tried]!
  }

  start(): number {
    const { dependencies, dependents, ranked } = this.sides
    const { offsets } = this.policy.fromSinks ? dependents : dependencies
    for (;;) {
      const task = ranked[this.starts++]!
      if (this.cells[4 * task + Ran] === 0 && offsets[task] === offsets[task + 1]) return task
    }
  }

  /** Goes on for so many steps. Returns whether it is over: all tasks have run, or more than `peakMax` results were held. */
  goOn(steps: number, peakMax: number): boolean {
    const { cells, sides: { size } } = this
    for (let left = steps; this.ran < size && this.peak <= peakMax; left--) {
      if (left === 0) return false
      if (this.releasingEnd > 0) {
        const task = this.releasing[--this.releasingEnd]!
        if (cells[4 * task + Ran] === 0) this.run(task)
      } else if (this.targetsEnd > 0) {
        this.dig()
      } else {
        this.choose()
      }
    }
    return true
  }

  found(): Found {
    const { cells, peak, sides: { size } } = this
    const positions = new Int32Array(size)
    for (let i = 0; i < size; i++) positions[i] = cells[4 * i + Ran]! - 1
    return { positions, peak }
  }
}

/**
 * Orders a graph in time linear in its tasks and edges, without recursion, and yields after so many rows. Optimal where no
 * result has two dependents (forests of reductions, chains). Gives up when more than `peakMax` results are held.
 */
export function* dig(sides: Sides, policy: Policy, rows: number, peakMax: number): InPieces<Found | undefined> {
  const walk = new Walk(sides, policy)
  yield* pieces(sides.size, rows, (from, to) => walk.begin(from, to))
  while (!walk.goOn(rows, peakMax)) yield
  return walk.peak > peakMax ? undefined : walk.found()
}

const nothing: Edges = { offsets: new Int32Array(1), targets: new Int32Array(0) }

keepSpecimen(new Walk(atOnce(sides(nothing, 1)), policies[0]!))
