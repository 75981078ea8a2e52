/**
 * The engine's instructions on their way to workers, waiters and the clock. Instructions that only move or drop values are
 * carried out at once; those that run code of users wait in a queue.
 *
 * @internal
 */
import type * as Cause from "effect/Cause"
import { isAtHome } from "../../engine/protocol/home.ts"
import type { TaskId } from "../../engine/protocol/ids.ts"
import type {
  Adopt,
  Discard,
  Forget,
  ForgetFailure,
  Hold,
  Instruction,
  Out,
  Rejected,
  Start,
  Submitted,
  WorkerJoined
} from "../../engine/protocol/Instruction.ts"
import { Fifo } from "../../engine/structures/fifo.ts"
import type { View } from "../views/view.ts"
import type { Crew } from "../workers/crew.ts"
import type { HomeResults } from "../workers/homeResults.ts"
import { numbered } from "../workers/numbered.ts"
import type { WorkerPort } from "../workers/port.ts"
import type { Caching, Write } from "./caching.ts"

/** The immediate answer to the sender of an event. */
export type Answer = Submitted | Rejected

/** The answer to all events but submissions. */
export const nothing: Submitted = { _tag: "Submitted", ids: new Int32Array(0), claims: [] }

/** The instructions that wait in the queue: the others are carried out at once. */
export type Queued = Exclude<
  Instruction,
  Start | Forget | Answer | Adopt | Hold | Discard | ForgetFailure | WorkerJoined
>

/** Carries out queued instructions. */
export interface Carrier {
  readonly start: (task: TaskId, attempt: number) => void
  readonly carryOut: (instruction: Queued) => void
}

export class Outbox implements Out {
  /** The answer to the event that is being applied. */
  answer: Answer = nothing
  /** The wait that the present event begins, if its sender asks whether that is over at once; -1 for none. */
  asked = -1
  /** Values with which tasks were settled, until a worker holds them. */
  readonly given = new Map<TaskId, unknown>()
  /** A start is two numbers, task and attempt, because it is by far the most frequent; the rest is in the state. */
  private readonly queue = new Fifo<Queued | number>()
  private carried: Queued | number | undefined
  private readonly workers: ReadonlyArray<WorkerPort>
  private readonly crew: Pick<Crew, "expire" | "joined" | "left" | "prepare">
  private readonly causes: Map<number, Cause.Cause<unknown>>
  private readonly schedules: Map<TaskId, unknown>
  /** Writes of adopted results into users' caches. They run code of users, which must not run during a step. */
  private readonly writes = new Fifo<Write>()
  private readonly atHome: HomeResults
  private readonly view: View
  private readonly caching: Caching

  constructor(
    workers: ReadonlyArray<WorkerPort>,
    crew: Crew,
    causes: Map<number, Cause.Cause<unknown>>,
    schedules: Map<TaskId, unknown>,
    atHome: HomeResults,
    view: View,
    caching: Caching
  ) {
    this.workers = workers
    this.crew = crew
    this.causes = causes
    this.schedules = schedules
    this.atHome = atHome
    this.view = view
    this.caching = caching
  }

  /** Whether a start is the first in the queue. */
  get startsNext(): boolean {
    return typeof this.queue.first === "number"
  }

  /** The current or last instruction, for messages about failures. */
  get last(): Queued | number | undefined {
    return this.carried
  }

  /** The task of the start that is first in the queue, or -1. */
  get nextStart(): TaskId {
    const { first } = this.queue
    return typeof first === "number" ? first : -1
  }

  get size(): number {
    return this.queue.size
  }

  start(task: TaskId, attempt: number): void {
    this.queue.push(task)
    this.queue.push(attempt)
  }

  forget(task: TaskId, row: number): void {
    if (row >= 0) this.workers[row]!.drop(task)
    else if (isAtHome(row)) this.atHome.delete(task)
    if (this.schedules.size > 0) this.schedules.delete(task)
  }

  push(instruction: Exclude<Instruction, Start | Forget>): void {
    switch (instruction._tag) {
      case "WaitEnded":
        if (instruction.wait !== this.asked) break
        this.asked = -1
        return
      case "Adopt": {
        const { from, task, worker } = instruction
        const value = this.view.resultOf(from)
        if (worker < 0) this.atHome.set(task, value)
        else numbered(this.workers, worker)?.adopt(task, from)
        return this.noteWrite(task, value)
      }
      case "Hold": {
        const { task, worker } = instruction
        const value = this.given.get(task)
        this.given.delete(task)
        if (worker < 0) this.atHome.set(task, value)
        else numbered(this.workers, worker)?.hold(task, value)
        return this.noteWrite(task, value)
      }
      case "Discard":
        if (instruction.worker < 0) this.drop(instruction.task)
        else numbered(this.workers, instruction.worker)?.drop(instruction.task)
        return
      case "ForgetFailure":
        this.causes.delete(instruction.failure)
        return
      case "WorkerJoined":
        return this.crew.joined(instruction.worker)
      case "StartWorker":
        this.crew.prepare(instruction)
        break
      case "WorkerLeft":
        this.crew.left(instruction.worker)
        break
      case "WorkerExpired":
        this.crew.expire(instruction)
        break
      case "Rejected":
      case "Submitted":
        this.answer = instruction
        return
      default:
    }
    this.queue.push(instruction)
  }

  /** Drops a value that no worker holds. */
  private drop(task: TaskId): void {
    this.given.delete(task)
    this.atHome.delete(task)
  }

  private noteWrite(task: TaskId, value: unknown): void {
    // Looked up now: the task may be forgotten within the same step.
    const write = this.caching.writeOf(task, value)
    if (write !== undefined) this.writes.push(write)
  }

  /** Does the pending writes after a step of the engine. */
  flush(): void {
    for (let write = this.writes.shift(); write !== undefined; write = this.writes.shift()) write()
  }

  /** Passes the first in the queue to `carrier`. Returns whether there was one. */
  next(carrier: Carrier): boolean {
    const first = this.queue.shift()
    if (first === undefined) return false
    this.carried = first
    if (typeof first === "number") carrier.start(first, this.queue.shift() as number)
    else carrier.carryOut(first)
    return true
  }
}
