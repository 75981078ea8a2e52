/**
 * Collects the reports of the far side, and sends them as one batch.
 *
 * @internal
 */
import * as Result from "effect/Result"
import { givenIn } from "../portable/moved.ts"
import { brief } from "../text/brief.ts"
import { describeError } from "../text/rendering.ts"
import type { Transfer, Uplink } from "./link.ts"
import { End } from "./messages.ts"
import type { Ask, HearingData, LogData, Report } from "./messages.ts"

/** Does something at the end of the present turn. */
export type Defer = (f: () => void) => void

/** What most reports have nothing of. */
interface Rest {
  /** Seats whose bodies have begun; those that have ended meanwhile are left out. */
  begun?: Array<number>
  stopping?: Array<HearingData>
  obstacles?: Array<{ readonly seat: number; readonly obstacle: string }>
  asks?: Array<Ask>
  dropped?: Array<number>
  logs?: Array<LogData>
}

const noneMoved: Transfer = []

export class Reporting {
  private readonly uplink: Uplink
  private ends: Array<number> = []
  private values: Array<unknown> = []
  private times: Array<number> = []
  private moved: Array<ArrayBuffer> | undefined
  private rest: Rest | undefined
  private readonly refuseAsk: (ask: number, fault: string) => void
  private readonly defer: Defer
  private readonly isRunning: (seat: number) => boolean
  private isFlushing = false

  constructor(
    uplink: Uplink,
    isRunning: (seat: number) => boolean,
    refuseAsk: (ask: number, fault: string) => void,
    defer: Defer
  ) {
    this.refuseAsk = refuseAsk
    this.uplink = uplink
    this.defer = defer
    this.isRunning = isRunning
  }

  /** Within one report ends come first: an end after an ask goes with the next. */
  end(seat: number, kind: number, value: unknown, micros: number, moved: Transfer): void {
    if (this.rest !== undefined && (this.rest.asks ?? this.rest.dropped ?? this.rest.stopping) !== undefined) {
      this.flush()
    }
    this.ends.push(seat, kind)
    this.values.push(value)
    this.times.push(micros)
    if (moved.length > 0) (this.moved ??= []).push(...moved)
    this.flushSoon()
  }

  began(seat: number): void {
    const rest = this.rested()
    ;(rest.begun ??= []).push(seat)
  }

  stopCame(hearing: HearingData): void {
    const rest = this.rested()
    ;(rest.stopping ??= []).push(hearing)
  }

  obstacle(seat: number, obstacle: string): void {
    const rest = this.rested()
    ;(rest.obstacles ??= []).push({ seat, obstacle })
  }

  ask(ask: Ask): void {
    const rest = this.rested()
    ;(rest.asks ??= []).push(ask)
  }

  drop(ask: number): void {
    const rest = this.rested()
    ;(rest.dropped ??= []).push(ask)
  }

  log(data: LogData): void {
    const rest = this.rested()
    ;(rest.logs ??= []).push(data)
  }

  /** What goes beside the ends, with the next report. */
  private rested(): Rest {
    this.flushSoon()
    return this.rest ??= {}
  }

  flushSoon(): void {
    if (this.isFlushing) return
    this.isFlushing = true
    this.defer(this.flush)
  }

  readonly flush = (): void => {
    this.isFlushing = false
    const { ends, moved = noneMoved, rest, times, values } = this
    if (values.length === 0 && rest === undefined) return
    const report: Report = { _tag: "Report", ends, values, times }
    if (rest !== undefined) Object.assign(report, rest, rest.begun && { begun: rest.begun.filter(this.isRunning) })
    this.ends = []
    this.values = []
    this.times = []
    this.moved = this.rest = undefined
    this.send(report, moved)
  }

  private send(report: Report, moved: Transfer): void {
    const sent = Result.try(() => this.uplink.send(report, moved.length === 0 ? undefined : [...new Set(moved)]))
    if (Result.isFailure(sent)) this.sendInParts(report, sent.failure, moved)
  }

  /** One by one, because not all of it can be cloned: what cannot fails its own attempt. */
  private sendInParts(report: Report, fault: unknown, moved: Transfer): void {
    const { asks = [], ends, logs = [], times, values, ...rest } = report
    const parts = values.length + asks.length + logs.length
    if (parts === 0) throw fault
    if (parts === 1 && values.length === 1) return this.sendFault(report, fault)
    if (parts === 1) return this.sendText(report, fault)
    const none = { ends: [], values: [], times: [] }
    for (const log of logs) this.send({ _tag: "Report", ...none, logs: [log] }, [])
    for (const [i, value] of values.entries()) {
      this.send(
        { _tag: "Report", ends: ends.slice(2 * i, 2 * i + 2), values: [value], times: [times[i]!] },
        moved.length === 0 ? moved : givenIn(value)
      )
    }
    this.send({ ...rest, ...none }, [])
    for (const ask of asks) this.send({ _tag: "Report", ...none, asks: [ask] }, [])
  }

  private sendFault(report: Report, fault: unknown): void {
    this.uplink.send({ ...report, ends: [report.ends[0]!, End.stranded], values: [describeError(fault)] })
  }

  /** An ask that does not travel ends here; a log entry goes with what can be said of its data. */
  private sendText(report: Report, fault: unknown): void {
    const { asks = [], logs = [], ...rest } = report
    this.uplink.send({
      ...rest,
      logs: logs.map((log) => ({ ...log, message: brief(log.message), annotations: {} }))
    })
    for (const { ask } of asks) this.refuseAsk(ask, describeError(fault))
  }
}
