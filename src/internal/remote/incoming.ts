/**
 * What the far side reports, made reports to the scheduler.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as References from "effect/References"
import * as Result from "effect/Result"
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Overdue, Stop } from "../../engine/protocol/Instruction.ts"
import type { Obstacle } from "../bodies/attempt.ts"
import { ambientOf } from "../bodies/livePlan.ts"
import type { LivePlan } from "../bodies/livePlan.ts"
import type { Travelling, WireCause } from "../portable/causes.ts"
import { decodeCause, stranded } from "../portable/causes.ts"
import type { Named, Way } from "../portable/named.ts"
import type { WorkerPort, WorkerReports } from "../workers/port.ts"
import { Sealed } from "../workers/sealed.ts"
import type { SealedData, Sealer } from "../workers/sealed.ts"
import type { Asking } from "./asking.ts"
import { End } from "./messages.ts"
import type { HearingData, LogData, Report } from "./messages.ts"
import { Stage } from "./seats.ts"
import type { Seats } from "./seats.ts"

export class Incoming {
  private readonly port: Pick<WorkerPort, "serial">
  private readonly reports: WorkerReports
  private readonly seats: Seats
  private readonly asking: Asking
  /** Opens what the far side has sealed. Set with the link. */
  sealer: Sealer | undefined
  /** How many ends were heard of. */
  heard = 0

  constructor(port: Pick<WorkerPort, "serial">, reports: WorkerReports, seats: Seats, asking: Asking) {
    this.port = port
    this.reports = reports
    this.seats = seats
    this.asking = asking
  }

  hear(report: Report): void {
    const { asks, begun, dropped, ends, logs, obstacles, stopping, times, values } = report
    if (logs !== undefined) { for (const log of logs) this.log(log) }
    this.heard += values.length
    const end = (i: number): void => this.endSeat(ends[2 * i]!, ends[2 * i + 1]!, values[i], times[i]!)
    if (values.length === 1) end(0)
    else if (values.length > 1) this.reports.together(values.length, end)
    if (begun !== undefined) { for (const seat of begun) this.noteBegun(seat) }
    if (stopping !== undefined) { for (const each of stopping) this.stopCame(each) }
    if (obstacles !== undefined) { for (const { obstacle, seat } of obstacles) this.overdue(seat, obstacle) }
    if (asks !== undefined) { for (const ask of asks) this.asking.ask(ask) }
    if (dropped !== undefined) { for (const ask of dropped) this.asking.drop(ask) }
  }

  private endSeat(seat: number, kind: number, value: unknown, micros: number): void {
    const { seats } = this
    // It was reported before.
    if (seats.stage[seat] !== Stage.sent) return seats.release(seat)
    if (this.asking.isIdle || !this.asking.has(seat)) return this.settle(seat, kind, value, micros)
    seats.stage[seat] = Stage.closing
    const named = seats.named[seat]!
    const exit = exitOf(named, kind, value)
    this.reports.bodyEnded(seats.attempt[seat]!)
    this.asking.end(seat, exit, (closed) => {
      if (!hasSucceeded(kind) || Exit.isSuccess(closed)) return this.settle(seat, kind, value, micros)
      const { attempt, task } = seats
      const at = [task[seat]!, attempt[seat]!] as const
      seats.release(seat)
      this.reports.attemptEnded(at[1])
      this.reports.failed(...at, closed.cause)
    })
  }

  private settle(seat: number, kind: number, value: unknown, micros: number): void {
    const { reports, seats } = this
    const task = seats.task[seat]!
    const attempt = seats.attempt[seat]!
    const named = seats.named[seat]!
    seats.release(seat)
    if (kind === End.succeeded) {
      const { success } = named.codec
      const result = success.asIs ? value : decoded(success, value)
      const fault = success.asIs ? success.check(value) : result instanceof Fault ? result.why : undefined
      if (fault !== undefined) return this.strand(task, attempt, named, "result", fault)
      reports.attemptEnded(attempt)
      return reports.handedOver(task, attempt, result, micros)
    }
    if (kind === End.stranded) return this.strand(task, attempt, named, "result", value as string)
    reports.attemptEnded(attempt)
    if (kind === End.sealed) {
      return reports.handedOver(task, attempt, new Sealed(value as SealedData, this.sealer!), micros)
    }
    if (kind === End.unbegun) reports.unbegun(task, attempt)
    else reports.failed(task, attempt, decodeCause(named, value as WireCause))
  }

  private noteBegun(seat: number): void {
    const { attempt, stage, task } = this.seats
    if (stage[seat] === Stage.sent) this.reports.began(task[seat]!, attempt[seat]!)
  }

  private stopCame({ seat, ...hearing }: HearingData): void {
    const { attempt, stage, stop, task } = this.seats
    if (stage[seat] !== Stage.sent) return
    stop[seat] = 2
    const order: Stop = {
      _tag: "Stop",
      task: task[seat]!,
      attempt: attempt[seat]!,
      worker: this.port.serial,
      timedOut: false
    }
    this.reports.stopCame(order, hearing)
  }

  private overdue(seat: number, obstacle: string): void {
    const { attempt, stage, task } = this.seats
    if (stage[seat] !== Stage.sent) return
    const order: Overdue = { _tag: "Overdue", task: task[seat]!, attempt: attempt[seat]!, worker: this.port.serial }
    this.reports.overdue(order, obstacle as Obstacle)
  }

  /** Something is logged there: it goes to the loggers of the submitter of its body, or else to those of the scheduler. */
  private log({ annotations, cause, level, message, seat, spans }: LogData): void {
    const submission = this.seats.submission[seat]
    const context = submission === undefined
      ? this.asking.context()
      : ambientOf(submission.plan as LivePlan, this.seats.index[seat]!).context
    const messages = Array.isArray(message) ? message : [message]
    const given = cause === undefined ? messages : [...messages, decodeCause(undefined, cause)]
    Effect.logWithLevel(level as any)(...given).pipe(
      Effect.provideService(References.CurrentLogAnnotations, annotations),
      Effect.provideService(References.CurrentLogSpans, spans as ReadonlyArray<[string, number]>),
      // The body has seen to the level.
      Effect.provideService(References.MinimumLogLevel, "All"),
      Effect.runForkWith(context)
    )
  }

  /** What does not travel fails its task alone. */
  strand(task: TaskId, attempt: number, { name }: Named, what: Travelling, fault: string): void {
    this.reports.attemptEnded(attempt)
    this.reports.failed(task, attempt, Cause.die(stranded(name, what, fault)))
  }
}

const hasSucceeded = (kind: number): boolean => kind === End.succeeded || kind === End.sealed

/** The exit of a body, as far as what it has asked for is concerned. */
const exitOf = (named: Named, kind: number, value: unknown): Exit.Exit<void, unknown> => {
  if (hasSucceeded(kind)) return Exit.void
  if (kind === End.stranded) return Exit.die(stranded(named.name, "result", value as string))
  return Exit.failCause(decodeCause(named, value as WireCause))
}

/** A value that did not decode. */
class Fault {
  readonly why: string

  constructor(why: string) {
    this.why = why
  }
}

const decoded = (way: Way, wire: unknown): unknown => {
  const result = way.decode(wire)
  return Result.isSuccess(result) ? result.success : new Fault(result.failure)
}
