/**
 * The table of tasks. A waiting task costs tens of bytes rather than an object with fields, and a million of them are a
 * dozen arrays.
 *
 * @since 0.1.0
 */
import type { Wait } from "./Owner.ts"
import { Phase } from "./Phase.ts"
import type { Submission } from "./Submission.ts"

/** A row of the task table. Given to another task once the record is forgotten. */
export type TaskId = number

/** The task table, a column a fact. */
export class TaskTable {
  capacity = 0
  /** Rows ever used; those below that are free again are the first `freed` of `free`. */
  used = 0
  freed = 0
  free = new Int32Array(0)
  phase = new Uint8Array(0)
  flags = new Uint8Array(0)
  waiting = new Int32Array(0)
  refs = new Int32Array(0)
  /** The number of the present attempt, unique for the life of the engine; 0 before the first. */
  attempt = new Int32Array(0)
  /** How often the task was started. */
  starts = new Int32Array(0)
  /** The worker that runs it or holds its result; -1 before. */
  worker = new Int32Array(0)
  index = new Int32Array(0)
  startedAt = new Float64Array(0)
  endedAt = new Float64Array(0)
  /** Which end of all this was: the order of ends within one millisecond. */
  endNumber = new Int32Array(0)
  readonly submission: Array<Submission | undefined> = []
  readonly waits: Array<Wait | Array<Wait> | undefined> = []

  get size(): number {
    return this.used - this.freed
  }

  /** Makes room for `count` more rows. */
  reserve(count: number): void {
    const needed = this.used + Math.max(0, count - this.freed)
    if (needed <= this.capacity) return
    this.capacity = Math.max(needed, this.capacity * 2, 64)
    this.free = grown(this.free, new Int32Array(this.capacity))
    this.phase = grown(this.phase, new Uint8Array(this.capacity))
    this.flags = grown(this.flags, new Uint8Array(this.capacity))
    this.waiting = grown(this.waiting, new Int32Array(this.capacity))
    this.refs = grown(this.refs, new Int32Array(this.capacity))
    this.attempt = grown(this.attempt, new Int32Array(this.capacity))
    this.starts = grown(this.starts, new Int32Array(this.capacity))
    this.worker = grown(this.worker, new Int32Array(this.capacity))
    this.index = grown(this.index, new Int32Array(this.capacity))
    this.startedAt = grown(this.startedAt, new Float64Array(this.capacity))
    this.endedAt = grown(this.endedAt, new Float64Array(this.capacity))
    this.endNumber = grown(this.endNumber, new Int32Array(this.capacity))
    // Filled to the brim: an array written far beyond its end turns into a dictionary, ten times as slow.
    while (this.waits.length < this.capacity) this.waits.push(undefined)
  }

  /** A free row; call {@link reserve} first. */
  take(): TaskId {
    return this.freed > 0 ? this.free[--this.freed]! : this.used++
  }

  giveBack(task: TaskId): void {
    this.phase[task] = Phase.free
    this.submission[task] = undefined
    if (this.waits[task] !== undefined) this.waits[task] = undefined
    this.free[this.freed++] = task
  }

  /**
   * Begins anew once nothing is left: rows are then given in their order again, which is that of the caches, and a burst
   * leaves no memory behind.
   */
  shrink(): void {
    if (this.used > this.freed || this.used === 0) return
    this.used = 0
    this.freed = 0
    if (this.capacity <= 65_536) return
    this.capacity = 0
    this.submission.length = 0
    this.waits.length = 0
    this.phase = this.flags = noBytes
    this.free =
      this.waiting =
      this.refs =
      this.attempt =
      this.starts =
      this.worker =
      this.index =
      this.endNumber =
        noNumbers
    this.startedAt = this.endedAt = noTimes
  }
}

const noBytes = new Uint8Array(0)
const noNumbers = new Int32Array(0)
const noTimes = new Float64Array(0)

const grown = <A extends Uint8Array | Int32Array | Float64Array>(from: A, to: A): A => {
  to.set(from)
  return to
}
