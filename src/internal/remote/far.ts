/**
 * The far side: a worker's loop in a thread, a process or a machine of its own.
 *
 * ```text
 * [near side] -- batches of starts and orders --> [line] -- a slot is free --> [body: a call, or a fiber]
 *             <-- batches of ends, asks, logs -------------------------------------'
 * ```
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Result from "effect/Result"
import * as FiberScheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import { keyNamed } from "../../engine/protocol/Registered.ts"
import { Fifo } from "../../engine/structures/fifo.ts"
import { contextIn } from "../bodies/attempt.ts"
import type { Host, Obstacle } from "../bodies/attempt.ts"
import { isInterruptible } from "../bodies/hearing.ts"
import type { Home } from "../bodies/home.ts"
import { decodeCause, encodeCause, stranded } from "../portable/causes.ts"
import { contextFor, effectIn } from "../portable/handlers.ts"
import { givenIn } from "../portable/moved.ts"
import type { Implementation, Registry } from "../portable/named.ts"
import { plainBody } from "../tasks/worker.ts"
import { describeError } from "../text/rendering.ts"
import { quote } from "../text/text.ts"
import { keptIn } from "../workers/kept.ts"
import { contextWith, FarClock, plainRecord } from "./contexts.ts"
import { Control } from "./control.ts"
import { Border, FarAttempt, waitsOf } from "./farAttempt.ts"
import type { Uplink } from "./link.ts"
import { End, Flags, startWidth, Verb, version } from "./messages.ts"
import type { Answer, Batch, ClockData, ContextData, Down } from "./messages.ts"
import { Reporting } from "./reporting.ts"
import type { Defer } from "./reporting.ts"

/** How long bodies run before their ends are sent, and before other code of the event loop has a turn, in microseconds. */
const untilSent = 1000
const untilTurn = 8000

/** A body is slow if it takes longer than this: its beginning is told before it begins. */
const slow = 1000

const nothingMoved: ReadonlyArray<ArrayBuffer> = []

type Open = Extract<Down, { readonly _tag: "Open" }>

/** How far an attempt has come. */
const Stage = { free: 0, inLine: 1, running: 2 } as const

/** What an attempt is, from its start on. */
interface Started {
  readonly seat: number
  readonly name: number
  readonly number: number
  readonly serial: number
  readonly flags: number
  readonly payload: unknown
  readonly key: string | undefined
  readonly context: ContextData | undefined
  stage: number
  began: number
  attempt: FarAttempt | undefined
}

/** What bodies have beside the services of their handlers, for a worker with so many slots. */
export type Surroundings = (
  registry: Registry,
  slots: number
) => Effect.Effect<Context.Context<never>, never, Scope.Scope>

export interface ServeOptions {
  /** Does something soon, after what runs now. Defaults to a microtask. */
  readonly defer?: Defer | undefined
  /** Defaults to the context in which `serve` runs. */
  readonly surroundings?: Surroundings | undefined
}

/**
 * Runs tasks of a registry until the near side asks to close; then ends all bodies, and what `build` has acquired. Never fails: a
 * registry that cannot be built is told to the near side.
 */
export const serve = (
  uplink: Uplink,
  build: Effect.Effect<Registry, unknown, Scope.Scope>,
  { defer = (f) => queueMicrotask(f), surroundings = () => Effect.context() }: ServeOptions = {}
): Effect.Effect<void> =>
  Effect.gen(function*() {
    const open = yield* Deferred.make<Open>()
    const close = yield* Deferred.make<void>()
    let worker: FarWorker | undefined
    uplink.receive((down) => {
      if (down._tag === "Batch") worker!.receive(down)
      else if (down._tag === "Close") Deferred.doneUnsafe(close, Exit.void)
      else Deferred.doneUnsafe(open, Exit.succeed(down))
    })
    const opened = yield* Deferred.await(open)
    const life = Effect.gen(function*() {
      const registry = yield* build
      const context = yield* surroundings(registry, opened.slots)
      const own = worker = new FarWorker(uplink, registry, context, opened, defer)
      yield* Effect.addFinalizer(() => own.stopAll)
      uplink.send({ _tag: "Up", version, names: registry.names })
      yield* Deferred.await(close)
    })
    const exit = yield* Effect.exit(Effect.scoped(life))
    if (Exit.isFailure(exit) && worker === undefined) {
      uplink.send({ _tag: "Refused", why: describeError(Cause.squash(exit.cause)) })
      yield* Deferred.await(close)
    }
    uplink.send({ _tag: "Closed" })
  })

/** The answer to asks when the link has gone. */
const gone = Exit.die(new Error("The scheduler of this body has gone"))

/** What keeps an attempt from ending. */
const obstacleTo = (attempt: FarAttempt | undefined): Obstacle => {
  if (attempt?.fiber === undefined || attempt.fiber.pollUnsafe() !== undefined) return "ending"
  return attempt.shields > 0 ? "shielded" : "body"
}

export class FarWorker {
  private readonly reporting: Reporting
  private readonly control: Control | undefined
  private readonly implementations: ReadonlyArray<Implementation>
  /** The smoothed times of bodies, by name. */
  private readonly times: Array<number>
  private readonly base: Context.Context<never>
  private readonly host: Host
  private readonly home: Home
  private readonly clock: Clock.Clock
  private readonly dispatcher: FiberScheduler.SchedulerDispatcher
  private readonly seats: Array<Started | undefined> = []
  /** Attempts that have a slot, and those that were sent ahead, in order. */
  private readonly ready = new Fifo<Started>()
  private readonly line = new Fifo<Started>()
  /** Slots that have become free here, and of which the scheduler need not be asked. */
  private free = 0
  private isWorking = false
  private isLater = false
  private isOver = false
  private present = -1
  private nextAsk = 1
  private readonly answers = new Map<number, (exit: Exit.Exit<unknown, unknown>) => void>()
  private readonly fibers = new Set<Fiber.Fiber<unknown, unknown>>()
  private readonly closing = new Set<Fiber.Fiber<unknown, unknown>>()
  private reading: ClockData | undefined
  private lastContext: ContextData | undefined
  private lastBase: Context.Context<never>
  /** The contexts of bodies with the last context, by name. */
  private readonly contexts: Array<Context.Context<never> | undefined> = []

  constructor(
    uplink: Uplink,
    registry: Registry,
    context: Context.Context<never>,
    { labels, worker: name }: Open,
    defer: Defer
  ) {
    const isRunning = (seat: number): boolean => this.seats[seat]?.stage === Stage.running
    this.reporting = new Reporting(uplink, isRunning, this.refuseAsk, defer)
    this.control = uplink.control && new Control(uplink.control)
    this.implementations = registry.names.map((each) => registry.find(each)!)
    this.times = registry.names.map(() => 0)
    this.base = Context.add(Context.omit(Scope.Scope)(context), Logger.CurrentLoggers, new Set([this.logger]))
    this.lastBase = this.base
    this.host = { name, labels, isLost: false }
    this.home = { name, lends: true, waits: waitsOf(this.ask) } as unknown as Home
    this.clock = Context.get(context, Clock.Clock)
    this.dispatcher = Context.get(context, FiberScheduler.Scheduler).makeDispatcher()
  }

  private micros(): number {
    return Number(this.clock.monotonicTimeNanosUnsafe()) / 1000
  }

  // ---- what comes

  receive(batch: Batch): void {
    const { answers, clock, orders } = batch
    if (clock !== undefined) this.reading = clock
    if (batch.payloads.length > 0) this.enqueue(batch)
    if (orders !== undefined) { for (let i = 0; i < orders.length; i += 2) this.obey(orders[i]!, orders[i + 1]!) }
    if (answers !== undefined) { for (const answer of answers) this.hear(answer) }
    this.work()
  }

  private enqueue({ contexts, keys, payloads, places, starts }: Batch): void {
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
        key: keys?.[i],
        context: place > 0 ? contexts![place - 1] : undefined,
        stage: Stage.inLine,
        began: 0,
        attempt: undefined
      }
      this.seats[seat] = started
      if ((flags & Flags.ahead) !== 0) this.line.push(started)
      else {
        // The scheduler knows of a slot that is free here.
        if (this.free > 0) this.free--
        this.ready.push(started)
      }
    }
  }

  private obey(verb: number, seat: number): void {
    const started = this.seats[seat]
    // It has ended.
    if (started === undefined) return
    const { attempt, stage } = started
    switch (verb) {
      case Verb.begin:
        if (stage !== Stage.inLine) return
        // The slot that has become free here, if the scheduler has heard of it.
        if (this.free > 0) this.free--
        this.ready.push(started)
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

  // ---- bodies

  /** Begins bodies as slots are free, until none is left or others must have a turn. */
  private readonly work = (): void => {
    if (this.isWorking) return
    this.isWorking = true
    const from = this.micros()
    let sent = from
    let now = from
    for (let next = this.next(); next !== undefined; next = this.next()) {
      now = this.begin(next, now)
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

  /** Returns when its body has ended, or the moment until which it was followed. */
  private begin(started: Started, now: number): number {
    const { flags, name, seat } = started
    started.stage = Stage.running
    started.began = now
    if ((flags & Flags.told) !== 0 || this.times[name]! > slow) {
      this.reporting.began(seat)
      this.reporting.flush()
    }
    const implementation = this.implementations[name]!
    const { payload: way } = implementation.named.codec
    let payload = started.payload
    let fault: string | undefined
    if (way.asIs) fault = way.check(payload)
    else {
      const decoded = way.decode(payload)
      if (Result.isSuccess(decoded)) payload = decoded.success
      else fault = decoded.failure
    }
    if (fault !== undefined) {
      return this.ended(started, implementation, Exit.die(stranded(implementation.named.name, "payload", fault)))
    }
    this.present = seat
    plainBody.isStopping = this.isPresentStopping
    const called = Result.try(() => implementation.run(payload))
    plainBody.isStopping = undefined
    if (Result.isFailure(called)) return this.ended(started, implementation, Exit.die(called.failure))
    const value = called.success
    const effect = effectIn(value)
    // A plain value, the most frequent one, needs no fiber.
    return effect === undefined
      ? this.succeeded(started, implementation, value)
      : this.fork(started, implementation, effect)
  }

  private readonly isPresentStopping = (): boolean => this.isStopping(this.present)

  private readonly isStopping = (seat: number): boolean =>
    this.control?.covers(seat) === true && this.control.isStopping(seat)

  private fork(started: Started, implementation: Implementation, body: Effect.Effect<unknown, unknown>): number {
    const scope = Scope.makeUnsafe()
    const attempt = this.attemptOf(started, scope)
    started.attempt = attempt
    const around = Context.add(this.contextOf(started, implementation, attempt), Border, attempt)
    const context = contextIn(around, attempt, scope)
    const fiber = Effect.runForkWith(context)(body)
    attempt.fiber = fiber
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return this.closeScope(started, implementation, exit, scope, context)
    this.fibers.add(fiber)
    this.tellBegun(attempt)
    fiber.addObserver((exit) => {
      this.fibers.delete(fiber)
      this.closeScope(started, implementation, exit, scope, context)
      this.work()
    })
    return this.micros()
  }

  /** Its scheduler must know that it has begun before it asks for anything. */
  private tellBegun(attempt: FarAttempt): void {
    if (attempt.isTold) return
    attempt.isTold = true
    this.reporting.began(attempt.seat)
  }

  private attemptOf({ key: own, name, number, seat, serial }: Started, scope: Scope.Scope): FarAttempt {
    const key = keyNamed({ key: own, label: this.implementations[name]!.label, number: serial })
    return new FarAttempt(this.home, this.host, seat, number, scope, key, this.isStopping, this.ask)
  }

  /** The services of a handler, and the context of the submitter, as far as it travels, over that of this worker. */
  private contextOf(
    { context: data, name }: Started,
    { context: services }: Implementation,
    attempt: FarAttempt
  ): Context.Context<never> {
    if (data !== this.lastContext) {
      this.lastContext = data
      this.lastBase = data === undefined ? this.base : contextWith(this.base, data)
      this.contexts.length = 0
    }
    const context = this.contexts[name] ??= contextFor(services, this.lastBase)
    return data?.clock === undefined ? context : Context.add(context, Clock.Clock, this.clockOf(data.clock, attempt))
  }

  private clockOf(first: ClockData, attempt: FarAttempt): FarClock {
    const sleep = (millis: number): Effect.Effect<void> =>
      Effect.asVoid(Effect.orDie(this.ask(attempt, "sleep", millis)))
    return new FarClock({ now: () => this.reading ?? first, sleep })
  }

  private closeScope(
    started: Started,
    implementation: Implementation,
    exit: Exit.Exit<unknown, unknown>,
    scope: Scope.Closeable,
    context: Context.Context<never>
  ): number {
    if (scope.state._tag === "Empty") {
      Scope.closeUnsafe(scope, exit)
      return this.ended(started, implementation, exit)
    }
    const closing = keptIn(this.closing, context, Effect.exit(Scope.close(scope, exit)))
    const done = (closed: Exit.Exit<Exit.Exit<void>>): number => {
      const both = Exit.isSuccess(closed) && Exit.isFailure(closed.value) ? Exit.asVoidAll([exit, closed.value]) : exit
      return this.ended(started, implementation, Exit.isFailure(both) ? both : exit)
    }
    const closed = closing.pollUnsafe()
    if (closed !== undefined) return done(closed)
    closing.addObserver((closed) => {
      done(closed)
      this.work()
    })
    return this.micros()
  }

  private ended(started: Started, implementation: Implementation, exit: Exit.Exit<unknown, unknown>): number {
    if (Exit.isSuccess(exit)) return this.succeeded(started, implementation, exit.value)
    return this.end(started, End.failed, encodeCause(implementation.named, exit.cause), nothingMoved)
  }

  private succeeded(started: Started, { named }: Implementation, value: unknown): number {
    const { success } = named.codec
    if (success.asIs) return this.end(started, End.succeeded, value, givenIn(value))
    const encoded = success.encode(value)
    if (Result.isSuccess(encoded)) return this.end(started, End.succeeded, encoded.success, givenIn(encoded.success))
    return this.end(started, End.stranded, encoded.failure, nothingMoved)
  }

  /** Reports the end of an attempt, whose slot passes to the next in line if the attempt still has it. */
  private end(started: Started, kind: number, value: unknown, moved: ReadonlyArray<ArrayBuffer>): number {
    const { attempt, began, name, seat } = started
    const now = this.micros()
    const took = now - began
    this.times[name] = 0.7 * this.times[name]! + 0.3 * took
    started.stage = Stage.free
    this.seats[seat] = undefined
    if (attempt?.hasMoved !== true) this.free++
    this.reporting.end(seat, kind, value, took, moved)
    return now
  }

  // ---- asks

  /** Asks home for something on behalf of an attempt. */
  readonly ask = (attempt: FarAttempt, verb: string, data: unknown): Effect.Effect<unknown, unknown> =>
    Effect.withFiber((fiber) => {
      // Its seat may belong to another by now.
      if (this.seats[attempt.seat]?.attempt !== attempt) {
        return Effect.die(
          new TypeError(`The body of task ${quote(attempt.key)} has ended: nothing can be asked for it.`)
        )
      }
      return Effect.callback<unknown, unknown>((resume) => {
        if (this.isOver) return resume(gone)
        const ask = this.nextAsk++
        if (verb !== "sleep") attempt.hasMoved = true
        this.tellBegun(attempt)
        this.answers.set(ask, resume)
        this.reporting.ask({ ask, seat: attempt.seat, verb, data, isDeaf: !isInterruptible(fiber) })
        // What was asked for ends first, as if it had run here.
        return Effect.callback<void>((resume) => {
          if (!this.answers.has(ask)) return resume(Effect.void)
          this.answers.set(ask, () => resume(Effect.void))
          this.reporting.drop(ask)
        })
      })
    })

  /** What was to be asked does not travel. */
  private readonly refuseAsk = (ask: number, fault: string): void => {
    const resume = this.answers.get(ask)
    this.answers.delete(ask)
    resume?.(Exit.die(new TypeError(`What the body asked for does not travel: ${fault}.`)))
  }

  private hear({ ask, exit }: Answer): void {
    const resume = this.answers.get(ask)
    this.answers.delete(ask)
    // The slot of an attempt that has waited at home may have come from here.
    if (this.free > 0) this.free--
    resume?.(exit._tag === "Success" ? Exit.succeed(exit.value) : Exit.failCause(decodeCause(undefined, exit.cause)))
  }

  // ---- logs

  /** Logs go home, to the loggers of the submitter. */
  private readonly logger = Logger.make<unknown, void>(({ cause, fiber, logLevel, message }) => {
    const border = fiber.getRef(Border)
    // The seat of a body that has ended may belong to another.
    const isThere = border !== undefined && this.seats[border.seat]?.attempt === border
    this.reporting.log({
      seat: isThere ? border.seat : -1,
      level: logLevel,
      message,
      cause: cause.reasons.length === 0 ? undefined : encodeCause(undefined, cause),
      annotations: plainRecord(fiber.getRef(References.CurrentLogAnnotations)),
      spans: fiber.getRef(References.CurrentLogSpans)
    })
  })

  /** Ends all bodies; returns when they have ended, and all was sent. No answer comes any more. */
  readonly stopAll: Effect.Effect<void> = Effect.suspend(() => {
    this.isOver = true
    for (const resume of Array.from(this.answers.values())) resume(gone)
    this.answers.clear()
    const running = [...this.fibers, ...this.closing]
    if (running.length === 0) return Effect.sync(this.reporting.flush)
    for (const fiber of this.fibers) fiber.interruptUnsafe()
    return Effect.andThen(Fiber.awaitAll(running), this.stopAll)
  })
}
