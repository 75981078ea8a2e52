/**
 * A set of tasks that have run, changed by one task at a time in either direction, for a search over such sets.
 */
import { scramble } from "./graph.ts"
import type { Sides } from "./graph.ts"

/** How a search moves among sets of run tasks: what is held, what is ready, and a hash to know a set by. */
export class Frontier {
  readonly sides: Sides
  readonly ran: Uint8Array
  readonly missing: Int32Array
  readonly waiting: Int32Array
  /** All waiting dependents xored. */
  readonly last: Int32Array
  /** The colors, summed, of the dependencies that have run. */
  readonly given: Int32Array
  /** How the waiting dependents of a run task look, summed. */
  readonly ahead: Int32Array
  /** Edges touched when a task is run or unrun. */
  readonly costs: Int32Array
  /** What `advance` ran, in order. */
  readonly trail: Int32Array
  trailEnd = 0
  /**
   * Two sets with the same hash look alike: each held result is waited for by tasks that look alike. Sets that differ
   * by a symmetry of the graph share it, so one of them is searched for all.
   */
  hash = 0
  held = 0
  count = 0
  /** Edges touched so far: the clock of the search. */
  work = 0

  constructor(sides: Sides) {
    const { dependencies, dependents, size } = sides
    this.sides = sides
    this.ran = new Uint8Array(size)
    this.missing = new Int32Array(size)
    this.waiting = new Int32Array(size)
    this.last = new Int32Array(size)
    this.given = new Int32Array(size)
    this.ahead = new Int32Array(size)
    this.costs = new Int32Array(size)
    this.trail = new Int32Array(size)
    for (let i = 0; i < size; i++) this.missing[i] = dependencies.offsets[i + 1]! - dependencies.offsets[i]!
    for (let i = 0; i < size; i++) {
      this.waiting[i] = dependents.offsets[i + 1]! - dependents.offsets[i]!
      this.costs[i] = 1 + this.missing[i]! + this.waiting[i]!
      for (let e = dependents.offsets[i]!; e < dependents.offsets[i + 1]!; e++) {
        this.last[i]! ^= dependents.targets[e]!
        this.costs[i]! += this.missing[dependents.targets[e]!]!
      }
    }
  }

  /** How a task that has not run looks: its color, and which of its dependencies have run. */
  look(task: number): number {
    return scramble((this.sides.color[task]! + Math.imul(this.given[task]!, 31)) | 0)
  }

  /** What a held result adds to the hash. */
  mark(task: number): number {
    return scramble((Math.imul(this.sides.color[task]!, 17) + this.ahead[task]!) | 0)
  }

  /** Updates the dependents of a task that runs (1) or is undone (-1), and the other results held for them. */
  tell(task: number, sign: number): void {
    const { dependencies, dependents } = this.sides
    const color = scramble(this.sides.color[task]!)
    for (let e = dependents.offsets[task]!; e < dependents.offsets[task + 1]!; e++) {
      const dependent = dependents.targets[e]!
      const before = this.look(dependent)
      this.given[dependent]! += sign * color
      this.missing[dependent]! -= sign
      const change = (this.look(dependent) - before) | 0
      for (let f = dependencies.offsets[dependent]!; f < dependencies.offsets[dependent + 1]!; f++) {
        const other = dependencies.targets[f]!
        if (this.ran[other] === 0) continue
        this.hash = (this.hash - this.mark(other)) | 0
        this.ahead[other]! += change
        this.hash = (this.hash + this.mark(other)) | 0
      }
    }
  }

  run(task: number): void {
    const { dependencies, dependents } = this.sides
    const look = this.look(task)
    for (let e = dependencies.offsets[task]!; e < dependencies.offsets[task + 1]!; e++) {
      const input = dependencies.targets[e]!
      this.hash = (this.hash - this.mark(input)) | 0
      this.ahead[input]! -= look
      this.last[input]! ^= task
      if (--this.waiting[input]! > 0) this.hash = (this.hash + this.mark(input)) | 0
      else this.held--
    }
    this.tell(task, 1)
    let ahead = 0
    for (let e = dependents.offsets[task]!; e < dependents.offsets[task + 1]!; e++) {
      ahead = (ahead + this.look(dependents.targets[e]!)) | 0
    }
    this.ahead[task] = ahead
    this.ran[task] = 1
    if (this.waiting[task]! > 0) this.hash = (this.hash + this.mark(task)) | 0
    this.held++
    this.count++
    this.work += this.costs[task]!
  }

  /** Undoes `run`. The dependents of the task must not have run. */
  unrun(task: number): void {
    const { dependencies } = this.sides
    this.work += this.costs[task]!
    this.count--
    this.held--
    if (this.waiting[task]! > 0) this.hash = (this.hash - this.mark(task)) | 0
    this.ran[task] = 0
    this.tell(task, -1)
    const look = this.look(task)
    for (let e = dependencies.offsets[task]!; e < dependencies.offsets[task + 1]!; e++) {
      const input = dependencies.targets[e]!
      if (this.waiting[input]!++ > 0) this.hash = (this.hash - this.mark(input)) | 0
      else this.held++
      this.last[input]! ^= task
      this.ahead[input]! += look
      this.hash = (this.hash + this.mark(input)) | 0
    }
  }

  /** Whether a ready task is the last dependent for which some result is held. */
  releases(task: number): boolean {
    const { offsets, targets } = this.sides.dependencies
    for (let e = offsets[task]!; e < offsets[task + 1]!; e++) if (this.waiting[targets[e]!] === 1) return true
    return false
  }

  /** Runs a task, then whatever releases a result, until nothing does. */
  advance(task: number): void {
    const { dependencies, dependents } = this.sides
    let next = this.trailEnd
    this.append(task)
    for (; next < this.trailEnd; next++) {
      const done = this.trail[next]!
      for (let e = dependencies.offsets[done]!; e < dependencies.offsets[done + 1]!; e++) {
        const input = dependencies.targets[e]!
        if (this.waiting[input] === 1 && this.missing[this.last[input]!] === 0) this.append(this.last[input]!)
      }
      for (let e = dependents.offsets[done]!; e < dependents.offsets[done + 1]!; e++) {
        const dependent = dependents.targets[e]!
        if (this.ran[dependent] === 0 && this.missing[dependent] === 0 && this.releases(dependent)) {
          this.append(dependent)
        }
      }
    }
  }

  append(task: number): void {
    this.run(task)
    this.trail[this.trailEnd++] = task
  }

  /** Undoes one `advance` that began with an empty trail. */
  retreat(): void {
    while (this.trailEnd > 0) this.unrun(this.trail[--this.trailEnd]!)
  }
}
