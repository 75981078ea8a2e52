/**
 * The attempts that a worker elsewhere has, as the near side knows them: columns by seat.
 *
 * @internal
 */
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Registered } from "../../engine/protocol/Registered.ts"
import type { Named } from "../portable/named.ts"
import type { Lent, Sharing } from "../workers/sharing.ts"

/** How far an attempt has come. */
export const Stage = {
  free: 0,
  sent: 1,
  /** Its end was reported to the scheduler; the far side has not said that it is done with the seat. */
  settled: 2,
  /** Its body has ended, and what it asked for here ends. */
  closing: 3
} as const

export class Seats {
  readonly task: Array<TaskId> = []
  readonly attempt: Array<number> = []
  readonly stage: Array<number> = []
  /** Which start of the task it is. */
  readonly number: Array<number> = []
  readonly named: Array<Named> = []
  readonly submission: Array<Registered | undefined> = []
  readonly index: Array<number> = []
  /** Whether its payload has buffers that were moved. */
  readonly moves: Array<boolean> = []
  /** How its order to stop stands: 0 for none, 1 for one on its way, 2 for one that was answered. */
  readonly stop: Array<number> = []
  /** The number of the ping that was sent after its order to stop. */
  readonly ping: Array<number> = []
  /** The large buffers of payloads, by seat. */
  private readonly lent = new Map<number, ReadonlyArray<Lent>>()
  private readonly sharing: Sharing
  private readonly unused: Array<number> = []
  /** Seats that may not have another attempt yet: an order to the former one may be under way with the next batch. */
  private readonly left: Array<number> = []
  /** The seat of the last attempt of each task, plus 1. */
  private ofTask = new Int32Array(256)

  constructor(sharing: Sharing) {
    this.sharing = sharing
  }

  get size(): number {
    return this.task.length - this.unused.length - this.left.length
  }

  take(task: TaskId, attempt: number, number: number, named: Named, submission: Registered, index: number): number {
    const seat = this.unused.pop() ?? this.task.length
    this.task[seat] = task
    this.attempt[seat] = attempt
    this.stage[seat] = Stage.sent
    this.number[seat] = number
    this.named[seat] = named
    this.submission[seat] = submission
    this.index[seat] = index
    this.moves[seat] = false
    this.stop[seat] = 0
    this.ping[seat] = 0
    if (task >= this.ofTask.length) this.grow(task)
    this.ofTask[task] = seat + 1
    return seat
  }

  private grow(task: TaskId): void {
    const grown = new Int32Array(Math.max(2 * this.ofTask.length, task + 1))
    grown.set(this.ofTask)
    this.ofTask = grown
  }

  /** The seat of an attempt whose end was not reported, or -1. */
  find(task: TaskId, attempt: number): number {
    const seat = (this.ofTask[task] ?? 0) - 1
    return seat >= 0 && this.task[seat] === task && this.attempt[seat] === attempt && this.stage[seat] === Stage.sent
      ? seat
      : -1
  }

  /** The attempt of a seat takes these until the seat is released. */
  lend(seat: number, lent: ReadonlyArray<Lent>): void {
    this.lent.set(seat, lent)
  }

  release(seat: number): void {
    this.stage[seat] = Stage.free
    this.submission[seat] = undefined
    this.left.push(seat)
    if (this.sharing.isUsed) this.giveBack(seat)
  }

  /** No order is under way to attempts whose seats were released. */
  recycle(): void {
    for (let seat = this.left.pop(); seat !== undefined; seat = this.left.pop()) this.unused.push(seat)
  }

  private giveBack(seat: number): void {
    const lent = this.lent.get(seat)
    if (lent === undefined) return
    this.lent.delete(seat)
    this.sharing.release(lent)
  }

  /** The seats of attempts that the far side may still have. */
  used(): ReadonlyArray<number> {
    return this.stage.flatMap((stage, seat) => stage === Stage.free ? [] : [seat])
  }

  clear(): void {
    for (const seat of this.used()) this.release(seat)
  }
}
