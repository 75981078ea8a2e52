/**
 * The table of tasks. A waiting task costs tens of bytes in place of an object, and a million tasks are a dozen arrays.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import { Phase } from "../protocol/Phase.ts"
import type { Wait } from "./Owner.ts"
import type { Submission } from "./Submission.ts"

/** The task table, with a column for each fact. */
export class TaskTable {
  capacity = 0
  /** Rows ever used. Free rows among them are the first `freed` entries of `free`. */
  used = 0
  freed = 0
  /** The rows of announced plans: nothing else sees them. */
  announced = 0
  free = new Int32Array(0)
  phase = new Uint8Array(0)
  flags = new Uint16Array(0)
  waiting = new Int32Array(0)
  refs = new Int32Array(0)
  /** The number of the present attempt, unique for the life of the engine; 0 before the first. */
  attempt = new Int32Array(0)
  /** How often the task was started. */
  starts = new Int32Array(0)
  /** The worker that runs it or holds its result; -1 before. Below -1 its result is at home, see `home.ts`. */
  worker = new Int32Array(0)
  index = new Int32Array(0)
  /** The task for which it stands, if its flags say that it does. */
  alias = new Int32Array(0)
  startedAt = new Float64Array(0)
  endedAt = new Float64Array(0)
  /** The number of its end among all ends, which orders ends within one millisecond. */
  endNumber = new Int32Array(0)
  readonly submission: Array<Submission | undefined> = []
  readonly waits: Array<Wait | Array<Wait> | undefined> = []
  /** A table of no more rows than this never shrinks. */
  kept = 65_536
  /** Rows freed since the table was last compacted: they pay for the next time. */
  private returned = 0

  get size(): number {
    return this.used - this.freed - this.announced
  }

  /** Makes room for `count` more rows. */
  reserve(count: number): void {
    const needed = this.makeRoom(count)
    // An array written far beyond its end becomes a dictionary, ten times as slow.
    while (this.waits.length < needed) this.waits.push(undefined)
  }

  /** Makes room in the columns of numbers, which is fast for any number of rows. Returns how many rows are used then. */
  makeRoom(count: number): number {
    const needed = this.used + Math.max(0, count - this.freed)
    if (needed > this.capacity) this.resize(Math.max(needed, this.capacity * 2, 64))
    return needed
  }

  private resize(capacity: number): void {
    this.capacity = capacity
    this.free = resized(this.free, new Int32Array(capacity))
    this.phase = resized(this.phase, new Uint8Array(capacity))
    this.flags = resized(this.flags, new Uint16Array(capacity))
    this.waiting = resized(this.waiting, new Int32Array(capacity))
    this.refs = resized(this.refs, new Int32Array(capacity))
    this.attempt = resized(this.attempt, new Int32Array(capacity))
    this.starts = resized(this.starts, new Int32Array(capacity))
    this.worker = resized(this.worker, new Int32Array(capacity))
    this.index = resized(this.index, new Int32Array(capacity))
    this.alias = resized(this.alias, new Int32Array(capacity))
    this.startedAt = resized(this.startedAt, new Float64Array(capacity))
    this.endedAt = resized(this.endedAt, new Float64Array(capacity))
    this.endNumber = resized(this.endNumber, new Int32Array(capacity))
  }

  /** A free row; call {@link reserve} first. */
  take(): TaskId {
    return this.freed > 0 ? this.free[--this.freed]! : this.used++
  }

  /** A free row for a plan that is announced. */
  takeAhead(): TaskId {
    this.announced++
    return this.take()
  }

  giveBack(task: TaskId): void {
    this.phase[task] = Phase.free
    this.submission[task] = undefined
    if (this.waits[task] !== undefined) this.waits[task] = undefined
    this.free[this.freed++] = task
    this.returned++
  }

  /**
   * Resets an empty table: rows are then given in their order again, which suits the caches, and a burst leaves no memory behind.
   * A nearly empty table shrinks as far as its last row in use allows.
   */
  shrink(): void {
    const { capacity, freed, used } = this
    if (used > freed) {
      const isNearlyEmpty = capacity > this.kept && used - freed <= capacity >> 3 && this.announced === 0
      if (isNearlyEmpty && this.returned > capacity >> 1) this.trim()
      return
    }
    if (used === 0) return
    this.used = 0
    this.freed = 0
    if (capacity > this.kept) this.cut(0)
  }

  /** Drops the free rows at the end, and reuses the first free rows next, so that more rows become free at the end. */
  private trim(): void {
    this.returned = 0
    while (this.phase[this.used - 1] === Phase.free) this.used--
    this.freed = 0
    for (let task = this.used - 1; task >= 0; task--) {
      if (this.phase[task] === Phase.free) this.free[this.freed++] = task
    }
    const capacity = Math.max(this.kept, 2 * this.used)
    if (capacity <= this.capacity >> 1) this.cut(capacity)
  }

  private cut(capacity: number): void {
    this.resize(capacity)
    if (this.submission.length > capacity) this.submission.length = capacity
    if (this.waits.length > capacity) this.waits.length = capacity
  }
}

const resized = <A extends Uint8Array | Uint16Array | Int32Array | Float64Array>(from: A, to: A): A => {
  to.set(from.length > to.length ? from.subarray(0, to.length) : from)
  return to
}
