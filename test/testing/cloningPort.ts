/**
 * A worker behind a border: each message and each report is plain data, and passes `structuredClone`; nothing arrives in the
 * call that sent it. A body is found by the numbers of its submission and its index, so that closures may stay. A value is
 * cloned where it is data and the mode says so; otherwise it travels under a number.
 *
 * Results are kept at the near side, where reports bring them; the far side keeps none.
 */
import type * as Cause from "effect/Cause"
import type { TaskId } from "../../src/engine/protocol/ids.ts"
import type { Finalize, Overdue, Stop } from "../../src/engine/protocol/Instruction.ts"
import type { Registered } from "../../src/engine/protocol/Registered.ts"
import type { Obstacle } from "../../src/internal/bodies/attempt.ts"
import { captureAsyncScope } from "../../src/internal/platform/asyncScope.ts"
import type { AsyncScope } from "../../src/internal/platform/asyncScope.ts"
import type { Setup, WorkerPort, WorkerReports } from "../../src/internal/workers/port.ts"
import type { Carrier } from "../../src/testing/internal/carriedPort.ts"
import { PortAround } from "../../src/testing/internal/portAround.ts"

/** How values travel. */
export type Mode = "by reference" | "as clones"

/** A value on its way. */
type Parcel = { readonly data: unknown } | { readonly number: number }

type Down =
  | {
    readonly _tag: "Start"
    readonly task: TaskId
    readonly attempt: number
    readonly number: number
    readonly submission: number
    readonly index: number
    readonly inputs: ReadonlyArray<Parcel> | undefined
  }
  | Stop
  | Finalize
  | Overdue

type Up =
  | {
    readonly _tag: "Succeeded" | "Failed" | "Expanded"
    readonly task: TaskId
    readonly attempt: number
    readonly parcel: Parcel
  }
  | { readonly _tag: "Finalized"; readonly task: TaskId; readonly attempt: number }
  | { readonly _tag: "Overdue"; readonly order: Overdue; readonly obstacle: Obstacle }

/** Whether a clone of a value is as good as the value. */
const isData = (value: unknown, depth = 0): boolean => {
  if (typeof value === "function" || typeof value === "symbol" || depth > 20) return false
  if (typeof value !== "object" || value === null) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== Array.prototype) return false
  return Reflect.ownKeys(value).every((key) => {
    const property = Object.getOwnPropertyDescriptor(value, key)!
    const isPlain = typeof key === "string" && "value" in property && (property.enumerable || key === "length")
    return isPlain && isData(property.value, depth + 1)
  })
}

export class CloningPort extends PortAround {
  /** The far side. */
  protected readonly inner: WorkerPort
  private readonly reports: WorkerReports
  private readonly carrier: Carrier
  private readonly mode: Mode
  private readonly results = new Map<TaskId, unknown>()
  /** Values on their way that are not data, by number. */
  private readonly parcels = new Map<number, unknown>()
  /** What the far side has of the program: bodies, by the number of their submission, with the count of starts on their way. */
  private readonly bodies = new Map<number, { readonly submission: Registered; starts: number }>()
  /** The async context of each start on its way: user code runs in that of its submitter, which no message can carry. */
  private readonly scopes = new Map<number, AsyncScope>()
  private next = 0

  constructor(
    setup: Setup,
    make: (setup: Setup) => WorkerPort,
    carrier: Carrier,
    mode: Mode
  ) {
    super()
    this.carrier = carrier
    this.mode = mode
    this.reports = setup.reports
    this.inner = make({ ...setup, reports: this.farReports() })
  }

  private pack(value: unknown): Parcel {
    if (this.mode === "as clones" && isData(value)) return { data: value }
    const number = this.next++
    this.parcels.set(number, value)
    return { number }
  }

  private unpack(parcel: Parcel): unknown {
    if ("data" in parcel) return parcel.data
    const value = this.parcels.get(parcel.number)
    this.parcels.delete(parcel.number)
    return value
  }

  // ---- down

  private send(tag: "Start" | "Stop" | "Finalize", message: Down): void {
    const { attempt, task } = message
    const clone = structuredClone(message)
    this.carrier.carry({ _tag: tag, task, attempt, worker: this }, () => this.arrive(clone))
  }

  private arrive(message: Down): void {
    switch (message._tag) {
      case "Start": {
        const { attempt, index, inputs, number, submission, task } = message
        const values = inputs?.map((parcel) => this.unpack(parcel))
        const scope = this.scopes.get(attempt)!
        this.scopes.delete(attempt)
        const known = this.bodies.get(submission)!
        if (--known.starts === 0) this.bodies.delete(submission)
        return scope.runInAsyncScope(() => this.inner.start(task, attempt, number, known.submission, index, values))
      }
      case "Stop":
        return this.inner.stop(message)
      case "Finalize":
        return this.inner.finalize(message)
      case "Overdue":
        return this.inner.inquire(message)
    }
  }

  override start(
    task: TaskId,
    attempt: number,
    number: number,
    submission: Registered,
    index: number,
    inputs: ReadonlyArray<unknown> | undefined
  ): void {
    const known = this.bodies.get(submission.number)
    if (known === undefined) this.bodies.set(submission.number, { submission, starts: 1 })
    else known.starts++
    this.scopes.set(attempt, captureAsyncScope())
    // Inputs may have holes: for dependencies that the task has dropped.
    const parcels = inputs && Array.from(inputs, (value) => this.pack(value))
    this.send("Start", { _tag: "Start", task, attempt, number, submission: submission.number, index, inputs: parcels })
  }

  override stop(order: Stop): void {
    this.send("Stop", order)
  }

  override finalize(order: Finalize): void {
    this.send("Finalize", order)
  }

  override inquire(order: Overdue): void {
    this.send("Stop", order)
  }

  // ---- up

  private report(tag: "Ended" | "Finalized", task: TaskId, attempt: number, message: Up): void {
    const clone = structuredClone(message)
    this.carrier.carry({ _tag: tag, task, attempt, worker: this }, () => this.hear(clone))
  }

  private farReports(): WorkerReports {
    const ended =
      (_tag: "Succeeded" | "Failed" | "Expanded") => (task: TaskId, attempt: number, value: unknown): void => {
        // The far side keeps no results.
        if (_tag === "Succeeded") this.inner.drop(task)
        this.report("Ended", task, attempt, { _tag, task, attempt, parcel: this.pack(value) })
      }
    return {
      endedAtOnce: ended("Succeeded"),
      succeeded: ended("Succeeded"),
      failed: ended("Failed"),
      expanded: ended("Expanded"),
      finalized: (task, attempt) => this.report("Finalized", task, attempt, { _tag: "Finalized", task, attempt }),
      copied: (copy) => this.reports.copied(copy),
      overdue: (order, obstacle) =>
        this.report("Ended", order.task, order.attempt, { _tag: "Overdue", order, obstacle })
    }
  }

  private hear(message: Up): void {
    const { reports } = this
    switch (message._tag) {
      case "Succeeded": {
        const value = this.unpack(message.parcel)
        if (!this.isLost) this.results.set(message.task, value)
        return reports.succeeded(message.task, message.attempt, value)
      }
      case "Failed":
        return reports.failed(message.task, message.attempt, this.unpack(message.parcel) as Cause.Cause<unknown>)
      case "Expanded":
        return reports.expanded(message.task, message.attempt, this.unpack(message.parcel))
      case "Finalized":
        return reports.finalized(message.task, message.attempt)
      case "Overdue":
        return reports.overdue(message.order, message.obstacle)
    }
  }

  // ---- results, at the near side

  override get held(): number {
    return this.results.size
  }

  override hold(task: TaskId, value: unknown): void {
    this.results.set(task, value)
  }

  override adopt(task: TaskId, from: TaskId): void {
    this.results.set(task, this.results.get(from))
  }

  override copy(copy: number, task: TaskId, value: unknown): void {
    this.results.set(task, value)
    this.reports.copied(copy)
  }

  override drop(task: TaskId): void {
    this.results.delete(task)
  }

  override peek(task: TaskId): unknown {
    return this.results.get(task)
  }

  override lose(): void {
    super.lose()
    this.results.clear()
  }
}
