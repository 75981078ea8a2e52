/**
 * The worker at the far side: its slots, the line of attempts that were sent ahead, and the orders of the scheduler.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberScheduler from "effect/Scheduler"
import { Fifo } from "../../engine/structures/fifo.ts"
import type { Obstacle } from "../bodies/attempt.ts"
import { isInterruptible } from "../bodies/hearing.ts"
import type { Registry } from "../portable/named.ts"
import { Control } from "./control.ts"
import { FarAsks } from "./farAsks.ts"
import type { FarAttempt } from "./farAttempt.ts"
import { FarBodies } from "./farBodies.ts"
import { FarContexts } from "./farContexts.ts"
import type { Uplink } from "./link.ts"
import { End, Flags, startWidth, Verb } from "./messages.ts"
import type { Batch, Down } from "./messages.ts"
import { Reporting } from "./reporting.ts"
import type { Defer } from "./reporting.ts"
import { Stage } from "./started.ts"
import type { Started, StartedAt } from "./started.ts"

/** How long bodies run before their ends are sent, and before other code of the event loop has a turn, in microseconds. */
const untilSent = 1000
const untilTurn = 8000

const nothingMoved: ReadonlyArray<ArrayBuffer> = []

export type Open = Extract<Down, { readonly _tag: "Open" }>

/** What keeps an attempt from ending. */
const obstacleTo = (attempt: FarAttempt | undefined): Obstacle => {
  if (attempt?.fiber === undefined || attempt.fiber.pollUnsafe() !== undefined) return "ending"
  return attempt.shields > 0 ? "shielded" : "body"
}

export class FarWorker {
  private readonly reporting: Reporting
  private readonly control: Control | undefined
  private readonly contexts: FarContexts
  private readonly asks: FarAsks
  private readonly bodies: FarBodies
  private readonly dispatcher: FiberScheduler.SchedulerDispatcher
  private readonly seats: StartedAt = []
  /** Attempts that have a slot, and those that were sent ahead, in order. */
  private readonly ready = new Fifo<Started>()
  private readonly line = new Fifo<Started>()
  /** Slots that pass to the line: they have become free here, and the scheduler has not heard of it. */
  private free = 0
  /** How many ends were reported, and which of those that the scheduler has not heard of left a slot free. */
  private ended = 0
  private readonly unheard = new Fifo<number>()
  private isWorking = false
  private isLater = false

  constructor(
    uplink: Uplink,
    registry: Registry,
    context: Context.Context<never>,
    { clock, labels, worker: name }: Open,
    defer: Defer
  ) {
    const { seats } = this
    const isRunning = (seat: number): boolean => seats[seat]?.stage === Stage.running
    const refuse = (ask: number, fault: string): void => this.asks.refuse(ask, fault)
    this.reporting = new Reporting(uplink, isRunning, refuse, defer)
    this.control = uplink.control && new Control(uplink.control)
    this.asks = new FarAsks(this.reporting, seats)
    this.contexts = new FarContexts(context, clock, this.reporting, this.asks, seats)
    this.bodies = new FarBodies(
      registry,
      Context.get(context, Clock.Clock),
      { name, labels, isLost: false },
      this.reporting,
      this.control,
      uplink.sealer,
      this.contexts,
      this.asks,
      this
    )
    this.dispatcher = Context.get(context, FiberScheduler.Scheduler).makeDispatcher()
  }

  /** The clock of the scheduler, if that is not the live one. */
  get clock(): Clock.Clock | undefined {
    return this.contexts.clock
  }

  /** What it consists of, as far as that has tables of its own. */
  get parts(): ReadonlyArray<object> {
    return [this.asks, this.bodies, this.reporting]
  }

  // ---- what comes

  receive(batch: Batch): void {
    const { answers, clock, heard, orders } = batch
    this.note(heard)
    if (clock !== undefined) this.contexts.reading = clock
    if (batch.payloads.length > 0) this.enqueue(batch)
    if (orders !== undefined) { for (let i = 0; i < orders.length; i += 2) this.obey(orders[i]!, orders[i + 1]!) }
    if (answers !== undefined) { for (const answer of answers) this.asks.hear(answer) }
    this.work()
  }

  /** Slots of which the scheduler has heard are its own to give: to others than those in line, perhaps. */
  private note(heard: number): void {
    const { unheard } = this
    while (unheard.size > 0 && unheard.first! <= heard) unheard.shift()
    if (this.free > unheard.size) this.free = unheard.size
  }

  private enqueue({ contexts, keys, payloads, places, sealed, starts }: Batch): void {
    for (let i = 0, at = 0; i < payloads.length; i++, at += startWidth) {
      const place = places?.[i] ?? 0
      const seat = starts[at]!
      const flags = starts[at + 4]!
      const started: Started = {
        seat,
        name: starts[at + 1]!,
        number: starts[at + 2]!,
        serial: starts[at + 3]!,
        flags,
        payload: payloads[i],
        sealed: undefined,
        key: keys?.[i],
        context: place > 0 ? contexts![place - 1] : undefined,
        stage: Stage.inLine,
        began: 0,
        attempt: undefined
      }
      this.seats[seat] = started
      if ((flags & Flags.ahead) !== 0) this.line.push(started)
      else this.ready.push(started)
    }
    if (sealed === undefined) return
    for (const [position, part] of sealed) {
      const started = this.seats[starts[startWidth * position]!]!
      started.sealed ??= []
      started.sealed.push(part)
    }
  }

  private obey(verb: number, seat: number): void {
    const started = this.seats[seat]
    // It has ended.
    if (started === undefined) return
    const { attempt, stage } = started
    switch (verb) {
      case Verb.begin:
        if (stage === Stage.inLine) this.ready.push(started)
        return
      case Verb.takeBack:
        return stage === Stage.inLine ? this.passOver(started) : undefined
      case Verb.stop:
        return stage === Stage.inLine ? this.passOver(started) : this.stop(started)
      case Verb.inquire:
        return this.reporting.obstacle(seat, obstacleTo(attempt))
    }
  }

  /** The body of an attempt will not begin. */
  private passOver(started: Started): void {
    started.stage = Stage.free
    this.seats[started.seat] = undefined
    this.ended++
    this.reporting.end(started.seat, End.unbegun, undefined, 0, nothingMoved)
  }

  private stop({ attempt, seat }: Started): void {
    const fiber = attempt?.fiber
    const isAwayDeaf = attempt?.awayIn === undefined ? undefined : !isInterruptible(attempt.awayIn)
    this.reporting.stopCame({
      seat,
      isShielded: attempt !== undefined && attempt.shields > 0,
      isDeaf: fiber !== undefined && !isInterruptible(fiber),
      mayWait: attempt !== undefined,
      isAwayDeaf
    })
    if (attempt === undefined) return
    attempt.isStopped = true
    fiber?.interruptUnsafe()
  }
  // ---- the line

  /** Begins bodies as slots are free, until none is left or others must have a turn. */
  readonly work = (): void => {
    if (this.isWorking) return
    this.isWorking = true
    const from = this.bodies.micros()
    let sent = from
    let now = from
    for (let next = this.next(); next !== undefined; next = this.next()) {
      now = this.bodies.begin(next, now)
      if (now - sent < untilSent) continue
      this.reporting.flush()
      sent = now
      if (now - from < untilTurn) continue
      this.workLater()
      break
    }
    this.isWorking = false
  }

  /** Timers, messages and fibers go first. */
  private workLater(): void {
    if (this.isLater) return
    this.isLater = true
    this.dispatcher.scheduleTask(() => {
      this.isLater = false
      this.work()
    }, 0)
  }

  /** The next attempt whose body may begin. */
  private next(): Started | undefined {
    for (let next = this.ready.shift(); next !== undefined; next = this.ready.shift()) {
      if (next.stage === Stage.inLine && this.claim(next)) return next
    }
    while (this.free > 0) {
      const next = this.line.shift()
      if (next === undefined) return undefined
      if (next.stage !== Stage.inLine || !this.claim(next)) continue
      this.free--
      return next
    }
    this.clearLine()
    return undefined
  }

  /** Gives up the seats of those at the head of the line that were taken back, though no slot is free for them. */
  private clearLine(): void {
    for (let first = this.line.first; first !== undefined; first = this.line.first) {
      const isTakenBack = this.control?.covers(first.seat) === true && this.control.isTakenBack(first.seat)
      if (first.stage === Stage.inLine && !isTakenBack) return
      this.line.shift()
      if (first.stage === Stage.inLine) this.passOver(first)
    }
  }

  /** Whether an attempt may begin: the near side has not taken it back. */
  private claim(started: Started): boolean {
    const { seat } = started
    if (this.control?.covers(seat) !== true || this.control.claim(seat)) return true
    this.passOver(started)
    return false
  }

  /** The slot of an attempt that has ended passes to the next in line, if the attempt still has it. */
  end(started: Started, kind: number, value: unknown, moved: ReadonlyArray<ArrayBuffer>, now: number): void {
    const { attempt, began, seat } = started
    started.stage = Stage.free
    this.seats[seat] = undefined
    this.ended++
    if (attempt?.hasMoved !== true) {
      this.free++
      this.unheard.push(this.ended)
    }
    this.reporting.end(seat, kind, value, now - began, moved)
  }

  /** No answer comes any more. */
  endAsks(): void {
    this.asks.end()
  }

  /** Ends all bodies; returns when they have ended, and all was sent. */
  readonly stopAll: Effect.Effect<void> = Effect.suspend(() => {
    this.endAsks()
    return Effect.andThen(this.bodies.stopAll, Effect.sync(this.reporting.flush))
  })
}
