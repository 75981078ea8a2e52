/**
 * Carries out the engine's instructions one by one in the turns of the pump: each goes to its worker, wait or clock, in the async
 * context of the user's code that runs there.
 *
 * @internal
 */
import * as Exit from "effect/Exit"
import { wakesAt } from "../../engine/Engine.ts"
import type { Engine } from "../../engine/protocol/Engine.ts"
import { interrupted } from "../../engine/protocol/Event.ts"
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Overdue } from "../../engine/protocol/Instruction.ts"
import type { Registered } from "../../engine/protocol/Registered.ts"
import { columnsOf } from "../../engine/views/columns.ts"
import type { LivePlan } from "../bodies/livePlan.ts"
import type { TaskImpl } from "../tasks/task.ts"
import type { Copies } from "../workers/copying.ts"
import type { Crew } from "../workers/crew.ts"
import type { HomeResults } from "../workers/homeResults.ts"
import { numbered } from "../workers/numbered.ts"
import type { WorkerPort } from "../workers/port.ts"
import { isAnyOfSealed, openAll } from "../workers/sealed.ts"
import type { Wire } from "../workers/wire.ts"
import type { Alarm } from "./alarm.ts"
import type { AsyncScopes } from "./asyncScopes.ts"
import type { Attempts } from "./attempts.ts"
import type { Caching } from "./caching.ts"
import type { Desk } from "./desk.ts"
import { Gathering } from "./gathering.ts"
import type { Inputs } from "./inputs.ts"
import type { Mailbox } from "./mailbox.ts"
import type { Carrier, Queued } from "./outbox.ts"
import type { Reports } from "./reports.ts"
import type { Retrying } from "./retrying.ts"
import type { Waits } from "./waiters.ts"

const hasNoBody = ({ kind }: TaskImpl): boolean => kind === "exit" || kind === "value"

/** The receivers of instructions. They are made after this, because they use the engine. */
interface Addressees {
  readonly alarm: Pick<Alarm, "set">
  readonly copies: Pick<Copies, "make">
  readonly crew: Pick<Crew, "bury" | "depart" | "start">
  readonly mailbox: Pick<Mailbox, "catchUp" | "ended" | "succeeded">
  readonly reports: Pick<Reports, "failed" | "inputsLost" | "overdue" | "unbegun">
  readonly retrying: Pick<Retrying, "isOpen" | "stop">
  readonly waits: Pick<Waits, "end" | "report">
}

export class Carrying implements Carrier {
  private readonly to: Addressees
  private readonly state: Engine
  private readonly workers: ReadonlyArray<WorkerPort>
  private readonly scopes: AsyncScopes
  private readonly inputs: Inputs
  private readonly attempts: Attempts
  private readonly caching: Caching
  private readonly schedules: Map<TaskId, unknown>
  private readonly atHome: HomeResults
  private readonly wire: Wire
  private readonly desk: Desk
  readonly gathering: Gathering

  constructor(
    to: Addressees,
    state: Engine,
    workers: ReadonlyArray<WorkerPort>,
    scopes: AsyncScopes,
    inputs: Inputs,
    attempts: Attempts,
    caching: Caching,
    schedules: Map<TaskId, unknown>,
    atHome: HomeResults,
    wire: Wire,
    desk: Desk
  ) {
    this.to = to
    this.state = state
    this.workers = workers
    this.scopes = scopes
    this.inputs = inputs
    this.attempts = attempts
    this.caching = caching
    this.schedules = schedules
    this.atHome = atHome
    this.wire = wire
    this.desk = desk
    this.gathering = new Gathering(desk, inputs, attempts)
  }

  /** Starts an attempt, in the async context of its submitter. */
  start(task: TaskId, attempt: number): void {
    const { index, submission, worker } = columnsOf(this.state)
    if (this.inputs.haveBeenLost) {
      // The worker to which it was sent was lost before it began.
      if (!this.attempts.isPresent(task, attempt)) return
      if (!this.inputs.areThere(task) && !this.attempts.isStopping(task, attempt)) {
        return this.to.mailbox.ended(task, attempt, { _tag: "InputsLost", inputs: this.inputs.missing(task) })
      }
    }
    this.send(task, attempt, submission[task]!, index[task]!, this.workers[worker[task]!]!)
  }

  private send(task: TaskId, attempt: number, from: Registered, index: number, to: WorkerPort): void {
    const { functions, nodes } = from.plan as LivePlan
    const isFunction = functions[index] !== undefined
    // A body that may look around sees all that has ended.
    if (!isFunction && nodes[index]!.plain === undefined) this.to.mailbox.catchUp()
    // Cancelled in the same turn in which it was started: the body never runs.
    if (this.attempts.isStopping(task, attempt)) return this.to.mailbox.ended(task, attempt, interrupted)
    const isBodyless = !isFunction && hasNoBody(nodes[index]!)
    if (this.desk.isUsed && (isBodyless || !to.keepsResults) && this.gather(task, attempt)) return
    if (isBodyless) return this.endNow(task, attempt, nodes[index]!, to)
    // Inputs are read now: by the time the body gets to them, the worker that holds them may be lost.
    let inputs: ReadonlyArray<unknown> | undefined = !isFunction && nodes[index]!.shape === "none"
      ? undefined
      : this.inputs.of(task)
    if (inputs !== undefined && to.kind === "local" && isAnyOfSealed(inputs)) {
      const opened = openAll(inputs)
      if (Exit.isFailure(opened)) return this.to.reports.failed(task, attempt, opened.cause)
      inputs = opened.value
    }
    const ahead = to.ahead > 0 && this.attempts.isSentAhead(task)
    to.start(task, attempt, this.attempts.startsOf(task), from, index, inputs, ahead)
  }

  private gather(task: TaskId, attempt: number): boolean {
    const goOn = (): void => this.scopes.of(task).runInAsyncScope(() => this.start(task, attempt))
    return this.gathering.begin(task, attempt, this.to.reports, goOn)
  }

  /** The exit of another task, and a value, are no work for a worker: it only holds them, or they go home. */
  private endNow(task: TaskId, attempt: number, { body, kind }: TaskImpl, to: WorkerPort): void {
    const value = body._tag === "value" ? body.value : this.inputs.exitOfOnly(task)
    if (to.handsOver) this.atHome.set(task, value)
    else to.hold(task, value)
    if (kind === "exit") this.caching.add(task, value)
    this.to.mailbox.succeeded(task, attempt, value)
  }

  carryOut(instruction: Queued): void {
    const { scopes: { layer }, to } = this
    switch (instruction._tag) {
      case "Stop":
        if (!to.retrying.stop(instruction) && !this.gathering.stop(instruction, to.reports)) {
          numbered(this.workers, instruction.worker)?.stop(instruction)
        }
        return
      case "Finalize":
        if (this.schedules.size > 0) this.schedules.delete(instruction.task)
        return numbered(this.workers, instruction.worker)?.finalize(instruction)
      case "Copy":
        return to.copies.make(instruction.copy)
      case "ClaimEnded":
        return this.wire.afterMessages(() => to.waits.report(instruction.wait, instruction.claim))
      case "WaitEnded":
        return this.wire.afterMessages(() => to.waits.end(instruction.wait, instruction.starved))
      case "WakeAt":
        // Most stopping attempts have stopped by now: no alarm for a time that is no longer requested.
        if (instruction.at !== wakesAt(this.state)) return
        return layer.runInAsyncScope(() => to.alarm.set(instruction.at))
      case "Overdue":
        return this.scopes.of(instruction.task).runInAsyncScope(() => this.inquire(instruction))
      case "StartWorker":
        return layer.runInAsyncScope(() => to.crew.start())
      case "WorkerLeft":
        return layer.runInAsyncScope(() => to.crew.depart())
      case "WorkerExpired":
        return layer.runInAsyncScope(() => to.crew.bury())
      case "Begin":
        return numbered(this.workers, instruction.worker)?.begin(instruction)
      case "TakeBack":
        if (!this.gathering.takeBack(instruction, to.reports)) {
          numbered(this.workers, instruction.worker)?.takeBack(instruction)
        }
        return
      default:
        instruction satisfies never
    }
  }

  private inquire(order: Overdue): void {
    const { reports, retrying } = this.to
    if (retrying.isOpen(order.attempt)) reports.overdue(order, "body")
    else numbered(this.workers, order.worker)?.inquire(order)
  }
}
