/**
 * A worker behind a border: each message and each report is plain data, and passes `structuredClone`; nothing arrives in the
 * call that sent it. A body is found by the numbers of its submission and its index, so that closures may stay. A value is
 * cloned where it is data and the mode says so; otherwise it travels under a number.
 *
 * Results are kept at the near side, where reports bring them, or at the far side, where readers fetch them, or they are handed over
 * to the scheduler. Attempts that are sent ahead wait in line at the far side.
 */
import type * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import type { LostInput } from "../../src/engine/protocol/Event.ts"
import type { TaskId } from "../../src/engine/protocol/ids.ts"
import type { Begin, Finalize, Overdue, Stop, TakeBack } from "../../src/engine/protocol/Instruction.ts"
import type { WorkerKind } from "../../src/engine/protocol/Plan.ts"
import type { Registered } from "../../src/engine/protocol/Registered.ts"
import type { Obstacle } from "../../src/internal/bodies/attempt.ts"
import type { LivePlan } from "../../src/internal/bodies/livePlan.ts"
import { captureAsyncScope } from "../../src/internal/platform/asyncScope.ts"
import type { AsyncScope } from "../../src/internal/platform/asyncScope.ts"
import { Away } from "../../src/internal/workers/away.ts"
import type { Setup, WorkerPort, WorkerReports } from "../../src/internal/workers/port.ts"
import type { Carrier } from "../../src/testing/internal/carriedPort.ts"
import { PortAround } from "../../src/testing/internal/portAround.ts"

/** How values travel. */
export type Mode = "by reference" | "as clones"

/** What the far side does beyond running bodies. */
export interface Far {
  /** Results stay there. */
  readonly keeps: boolean
  /** Results are handed over, but for those that own a resource. */
  readonly handsOver?: boolean | undefined
  /** How many attempts are sent there beyond the slots. */
  readonly ahead: number
  /** Whether a result that is to be kept is forgotten. */
  readonly forgets?: (() => boolean) | undefined
  /** Defaults to `local`. */
  readonly kind?: WorkerKind | undefined
}

const plain: Far = { keeps: false, ahead: 0 }

/** A value on its way. */
type Parcel = { readonly data: unknown } | { readonly number: number }

/** An input: a value, a result that the far side keeps, or one that comes from another worker. */
type Input = Parcel | { readonly kept: number; readonly isExit: boolean } | { readonly comes: true }

interface Start {
  readonly _tag: "Start"
  readonly task: TaskId
  readonly attempt: number
  readonly number: number
  readonly submission: number
  readonly index: number
  readonly inputs: ReadonlyArray<Input> | undefined
  readonly ahead: boolean
}

/** An input has come from another worker. */
interface Provide {
  readonly _tag: "Provide"
  readonly attempt: number
  readonly place: number
  readonly parcel: Parcel
}

type Down =
  | Start
  | Provide
  /** Other workers do not have these inputs. */
  | { readonly _tag: "GiveUp"; readonly attempt: number; readonly inputs: ReadonlyArray<LostInput> }
  | { readonly _tag: "Fetch"; readonly request: number; readonly result: number }
  | { readonly _tag: "Drop"; readonly result: number }
  | Begin
  | TakeBack
  | Stop
  | Finalize
  | Overdue

type Up =
  | {
    readonly _tag: "Succeeded" | "HandedOver" | "Failed" | "Expanded"
    readonly task: TaskId
    readonly attempt: number
    readonly parcel: Parcel
  }
  | { readonly _tag: "Kept"; readonly task: TaskId; readonly attempt: number; readonly size: number | undefined }
  | {
    readonly _tag: "InputsLost"
    readonly task: TaskId
    readonly attempt: number
    readonly inputs: ReadonlyArray<LostInput>
  }
  | { readonly _tag: "Began" | "Unbegun" | "Finalized"; readonly task: TaskId; readonly attempt: number }
  | { readonly _tag: "Fetched"; readonly request: number; readonly parcel: Parcel }
  | { readonly _tag: "Missing"; readonly request: number }
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

/** Results as the near side knows them: the number of each, and the values that are here. */
class NearResults {
  private readonly numbers = new Map<TaskId, number>()
  /** How many tasks have a result. */
  private readonly users = new Map<number, number>()
  private readonly values = new Map<number, unknown>()
  private next = -1

  get size(): number {
    return this.numbers.size
  }

  /** What is known of the result of a task. */
  get(task: TaskId): { readonly number: number; readonly isHere: boolean; readonly value: unknown } | undefined {
    const number = this.numbers.get(task)
    return number === undefined
      ? undefined
      : { number, isHere: this.values.has(number), value: this.values.get(number) }
  }

  /** This value is the result of a task. */
  set(task: TaskId, value: unknown): void {
    this.values.set(this.next, value)
    this.name(task, this.next--)
  }

  /** The result with this number is that of a task. */
  name(task: TaskId, number: number): void {
    this.numbers.set(task, number)
    this.users.set(number, (this.users.get(number) ?? 0) + 1)
  }

  /** A result has come, for readers. */
  arrived(number: number, value: unknown): void {
    if (this.users.has(number)) this.values.set(number, value)
  }

  /** Returns the number of the result if no task has it any more. */
  delete(task: TaskId): number | undefined {
    const number = this.numbers.get(task)
    if (number === undefined) return undefined
    this.numbers.delete(task)
    const left = this.users.get(number)! - 1
    if (left > 0) {
      this.users.set(number, left)
      return undefined
    }
    this.users.delete(number)
    this.values.delete(number)
    return number
  }

  clear(): void {
    this.numbers.clear()
    this.users.clear()
    this.values.clear()
  }
}

/** An attempt at the far side whose body has begun. */
interface AtWork {
  /** Whether its body is a plain function. */
  readonly isPlain: boolean
  readonly ownsResource: boolean
}

/** An attempt at the far side whose body has not begun. */
interface InLine {
  readonly start: Start
  readonly values: Array<unknown> | undefined
  /** How many inputs have not come. */
  lacks: number
  hasSlot: boolean
}

export class CloningPort extends PortAround {
  /** The far side. */
  protected readonly inner: WorkerPort
  private readonly reports: WorkerReports
  private readonly desk: Setup["desk"]
  private readonly sizeOf: Setup["sizeOf"]
  private readonly carrier: Carrier
  private readonly mode: Mode
  private readonly far: Far
  private readonly results = new NearResults()
  /** The numbers of results that were asked for, by request. */
  private readonly asked = new Map<number, number>()
  /** Values on their way that are not data, by number. */
  private readonly parcels = new Map<number, unknown>()
  /** What the far side has of the program: bodies, by the number of their submission, with the count of starts on their way. */
  private readonly bodies = new Map<number, { readonly submission: Registered; starts: number }>()
  /** The async context of each start on its way: user code runs in that of its submitter, which no message can carry. */
  private readonly scopes = new Map<number, AsyncScope>()
  private next = 0
  /** At the far side: results that stay there, attempts that have not begun, in order, and attempts that have. */
  private readonly kept = new Map<number, unknown>()
  private readonly line = new Map<number, InLine>()
  private readonly atWork = new Map<number, AtWork>()

  constructor(
    setup: Setup,
    make: (setup: Setup) => WorkerPort,
    carrier: Carrier,
    mode: Mode,
    far: Far = plain
  ) {
    super()
    this.carrier = carrier
    this.mode = mode
    this.far = far
    this.reports = setup.reports
    this.desk = setup.desk
    this.sizeOf = setup.sizeOf
    this.inner = make({ ...setup, reports: this.farReports() })
  }

  override get kind(): WorkerKind {
    return this.far.kind ?? "local"
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

  private send(message: Down): void {
    const clone = structuredClone(message)
    const tag = message._tag === "Start" || message._tag === "Finalize" ? message._tag : "Stop"
    const { attempt = 0, task = -1 } = message as { readonly attempt?: number; readonly task?: TaskId }
    this.carrier.carry({ _tag: tag, task, attempt, worker: this }, () => this.arrive(clone))
  }

  override start(
    task: TaskId,
    attempt: number,
    number: number,
    submission: Registered,
    index: number,
    inputs: ReadonlyArray<unknown> | undefined,
    ahead: boolean
  ): void {
    const known = this.bodies.get(submission.number)
    if (known === undefined) this.bodies.set(submission.number, { submission, starts: 1 })
    else known.starts++
    this.scopes.set(attempt, captureAsyncScope())
    const coming: Array<{ readonly place: number; readonly from: Away; readonly isExit: boolean }> = []
    // Inputs may have holes: for dependencies that the task has dropped.
    const given = inputs && Array.from(inputs, (value, place): Input => {
      const isExit = Exit.isExit(value) && Exit.isSuccess(value)
      const from = isExit ? value.value : value
      if (!(from instanceof Away)) return this.pack(value)
      if (from.holder === this) return { kept: from.result, isExit }
      coming.push({ place, from, isExit })
      return { comes: true }
    })
    this.send({ _tag: "Start", task, attempt, number, submission: submission.number, index, inputs: given, ahead })
    let left = coming.length
    const lost: Array<LostInput> = []
    for (const { from, isExit, place } of coming) {
      this.desk.fetch(from, (found) => {
        if (this.isLost) return
        if (found === undefined) lost.push({ place, holder: from.holder.serial })
        else {
          const parcel = this.pack(isExit ? Exit.succeed(found.value) : found.value)
          this.send({ _tag: "Provide", attempt, place, parcel })
        }
        if (--left === 0 && lost.length > 0) this.send({ _tag: "GiveUp", attempt, inputs: lost })
      })
    }
  }

  override begin(order: Begin): void {
    this.send(order)
  }

  override takeBack(order: TakeBack): void {
    this.send(order)
  }

  override stop(order: Stop): void {
    this.send(order)
  }

  override finalize(order: Finalize): void {
    this.send(order)
  }

  override inquire(order: Overdue): void {
    this.send(order)
  }

  override fetch(request: number, result: number): void {
    this.asked.set(request, result)
    this.send({ _tag: "Fetch", request, result })
  }

  // ---- at the far side

  private arrive(message: Down): void {
    switch (message._tag) {
      case "Start":
        return this.queue(message)
      case "Provide": {
        const each = this.line.get(message.attempt)
        const value = this.unpack(message.parcel)
        if (each === undefined) return
        each.values![message.place] = value
        each.lacks--
        return this.beginNext(each)
      }
      case "GiveUp": {
        const each = this.leaveLine(message.attempt)
        return each && this.loseInputs(each.start, message.inputs)
      }
      case "Fetch": {
        const { request, result } = message
        if (!this.kept.has(result)) return this.report({ _tag: "Missing", request })
        return this.report({ _tag: "Fetched", request, parcel: this.pack(this.kept.get(result)) })
      }
      case "Drop":
        this.kept.delete(message.result)
        return
      case "Begin": {
        const each = this.line.get(message.attempt)
        if (each === undefined) return
        each.hasSlot = true
        return this.beginNext(each)
      }
      case "TakeBack": {
        const each = this.leaveLine(message.attempt)
        return each && this.report({ _tag: "Unbegun", task: message.task, attempt: message.attempt })
      }
      case "Stop": {
        const { attempt, task } = message
        if (this.leaveLine(attempt) === undefined) return this.inner.stop(message)
        return this.report({ _tag: "Unbegun", task, attempt })
      }
      case "Finalize":
        return this.inner.finalize(message)
      case "Overdue":
        return this.inner.inquire(message)
    }
  }

  private queue(start: Start): void {
    if (this.isLost) return void this.release(start)
    const missing: Array<LostInput> = []
    let lacks = 0
    const values = start.inputs?.map((input, place) => {
      if ("comes" in input) lacks++
      else if (!("kept" in input)) return this.unpack(input)
      else if (!this.kept.has(input.kept)) missing.push({ place, holder: this.serial })
      else return input.isExit ? Exit.succeed(this.kept.get(input.kept)) : this.kept.get(input.kept)
      return undefined
    })
    const each: InLine = { start, values, lacks, hasSlot: !start.ahead }
    if (missing.length > 0) {
      this.release(start)
      return this.loseInputs(start, missing)
    }
    this.line.set(start.attempt, each)
    this.beginNext(each)
  }

  /** The submission and the async context of a start, which are not needed any more after it. */
  private release({ attempt, submission }: Start): { readonly scope: AsyncScope; readonly submission: Registered } {
    const scope = this.scopes.get(attempt)!
    this.scopes.delete(attempt)
    const known = this.bodies.get(submission)!
    if (--known.starts === 0) this.bodies.delete(submission)
    return { scope, submission: known.submission }
  }

  private leaveLine(attempt: number): InLine | undefined {
    const each = this.line.get(attempt)
    if (each === undefined) return undefined
    this.line.delete(attempt)
    this.release(each.start)
    return each
  }

  private loseInputs({ attempt, task }: Start, inputs: ReadonlyArray<LostInput>): void {
    this.report({ _tag: "InputsLost", task, attempt, inputs })
  }

  /** Begins the body of an attempt that has a slot and its inputs. */
  private beginNext({ hasSlot, lacks, start, values }: InLine): void {
    if (!hasSlot || lacks > 0 || this.isLost) return
    const { attempt, index, number, task } = start
    this.line.delete(attempt)
    this.atWork.set(attempt, { isPlain: this.isPlain(start), ownsResource: this.ownsResource(start) })
    const { scope, submission } = this.release(start)
    if (this.far.ahead > 0) this.report({ _tag: "Began", task, attempt })
    scope.runInAsyncScope(() => this.inner.start(task, attempt, number, submission, index, values, false))
  }

  /**
   * The slot of an attempt that has ended passes to the next in line. Not from a body that may have given the slot away before; and
   * not to a body that may ask for something: here that would overtake the report of the end.
   */
  private passSlot(attempt: number): void {
    const ended = this.atWork.get(attempt)
    this.atWork.delete(attempt)
    if (ended?.isPlain !== true || this.far.ahead === 0) return
    const next = Array.from(this.line.values()).find(({ hasSlot }) => !hasSlot)
    if (next === undefined || !this.isPlain(next.start)) return
    next.hasSlot = true
    this.beginNext(next)
  }

  /** Whether the body is a plain function, which asks the scheduler for nothing. */
  private isPlain({ index, submission }: Start): boolean {
    const { functions, nodes } = this.bodies.get(submission)!.submission.plan as LivePlan
    return functions[index] !== undefined || nodes[index]!.plain !== undefined
  }

  private ownsResource({ index, submission }: Start): boolean {
    const { nodes } = this.bodies.get(submission)!.submission.plan as LivePlan
    return nodes[index]!.options.resource === true
  }

  // ---- up

  private report(message: Up): void {
    const clone = structuredClone(message)
    const { attempt = 0, task = -1 } = message as { readonly attempt?: number; readonly task?: TaskId }
    const tag = message._tag === "Finalized" ? message._tag : "Ended"
    this.carrier.carry({ _tag: tag, task, attempt, worker: this }, () => this.hear(clone))
  }

  private farReports(): WorkerReports {
    const succeeded = (task: TaskId, attempt: number, value: unknown): void => {
      // The inner worker keeps no results.
      this.inner.drop(task)
      const isHandedOver = this.handsOver && this.atWork.get(attempt)?.ownsResource === false
      if (isHandedOver) return ended("HandedOver")(task, attempt, value)
      if (!this.far.keeps) return ended("Succeeded")(task, attempt, value)
      if (this.far.forgets?.() !== true) this.kept.set(attempt, value)
      this.report({ _tag: "Kept", task, attempt, size: this.sizeOf?.(value) })
      this.passSlot(attempt)
    }
    const ended =
      (_tag: "Succeeded" | "HandedOver" | "Failed" | "Expanded") =>
      (task: TaskId, attempt: number, value: unknown): void => {
        this.report({ _tag, task, attempt, parcel: this.pack(value) })
        this.passSlot(attempt)
      }
    return {
      endedAtOnce: succeeded,
      succeeded,
      failed: ended("Failed"),
      expanded: ended("Expanded"),
      finalized: (task, attempt) => this.report({ _tag: "Finalized", task, attempt }),
      overdue: (order, obstacle) => this.report({ _tag: "Overdue", order, obstacle }),
      // At once, as what a body asks.
      stopCame: (stop, hearing) => this.reports.stopCame(stop, structuredClone(hearing)),
      bodyEnded: (attempt) => this.reports.bodyEnded(attempt),
      attemptEnded: (attempt) => this.reports.attemptEnded(attempt),
      copied: (copy) => this.reports.copied(copy),
      // A fiber worker reports none of these.
      handedOver: () => {},
      together: () => {},
      kept: () => {},
      inputsLost: () => {},
      began: () => {},
      unbegun: () => {},
      fetched: () => {},
      missing: () => {}
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
      case "HandedOver":
        return reports.handedOver(message.task, message.attempt, this.unpack(message.parcel))
      case "Kept":
        if (!this.isLost) this.results.name(message.task, message.attempt)
        return reports.kept(message.task, message.attempt, message.size)
      case "InputsLost":
        return reports.inputsLost(message.task, message.attempt, message.inputs)
      case "Began":
        return reports.began(message.task, message.attempt)
      case "Unbegun":
        return reports.unbegun(message.task, message.attempt)
      case "Fetched": {
        const value = this.unpack(message.parcel)
        const result = this.asked.get(message.request)
        this.asked.delete(message.request)
        if (result !== undefined) this.results.arrived(result, value)
        return reports.fetched(message.request, value)
      }
      case "Missing":
        this.asked.delete(message.request)
        return reports.missing(message.request)
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

  override get keepsResults(): boolean {
    return this.far.keeps
  }

  override get handsOver(): boolean {
    return this.far.handsOver === true
  }

  override get ahead(): number {
    return this.far.ahead
  }

  override get begun(): ReadonlyArray<number> | undefined {
    return this.far.ahead > 0 ? [...this.atWork.keys()] : undefined
  }

  override get held(): number {
    return this.results.size
  }

  override hold(task: TaskId, value: unknown): void {
    this.results.set(task, value)
  }

  override adopt(task: TaskId, from: TaskId): void {
    this.results.name(task, this.results.get(from)!.number)
  }

  override copy(copy: number, task: TaskId, value: unknown): void {
    this.results.set(task, value)
    this.reports.copied(copy)
  }

  override drop(task: TaskId): void {
    const result = this.results.delete(task)
    if (result !== undefined && result > 0) this.send({ _tag: "Drop", result })
  }

  override peek(task: TaskId): unknown {
    const known = this.results.get(task)
    return known === undefined || known.isHere ? known?.value : new Away(this, known.number)
  }

  override lose(): void {
    super.lose()
    this.results.clear()
    this.asked.clear()
    // The far side is gone.
    this.kept.clear()
    this.parcels.clear()
    for (const attempt of Array.from(this.line.keys())) this.leaveLine(attempt)
    this.atWork.clear()
  }
}
