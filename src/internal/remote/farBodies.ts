/**
 * Runs the body of one attempt at the far side: a call, and a fiber if the call returns an Effect.
 *
 * @internal
 */
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import { keyNamed } from "../../engine/protocol/Registered.ts"
import { contextIn } from "../bodies/attempt.ts"
import type { Host } from "../bodies/attempt.ts"
import type { Home } from "../bodies/home.ts"
import { runBatches } from "../portable/batches.ts"
import { hasLargeBuffer, withCopies } from "../portable/buffers.ts"
import { encodeCause, stranded } from "../portable/causes.ts"
import { effectIn } from "../portable/handlers.ts"
import { givenIn } from "../portable/moved.ts"
import type { Implementation, Registry } from "../portable/named.ts"
import { plainBody } from "../tasks/worker.ts"
import { keptIn } from "../workers/kept.ts"
import type { SealedData, Sealer } from "../workers/sealed.ts"
import type { Control } from "./control.ts"
import { tellBegun } from "./farAsks.ts"
import type { FarAsks } from "./farAsks.ts"
import { Border, FarAttempt, waitsOf } from "./farAttempt.ts"
import type { FarContexts } from "./farContexts.ts"
import { End, Flags } from "./messages.ts"
import type { Reporting } from "./reporting.ts"
import { joined } from "./sealedInputs.ts"
import { Stage } from "./started.ts"
import type { Started } from "./started.ts"

/** A body is slow if it takes longer than this: its beginning is told before it begins. */
const slow = 1000

const nothingMoved: ReadonlyArray<ArrayBuffer> = []

/** What has become of a body: its end, with the moment at which it ended, and that others may have room. */
export interface Line {
  readonly end: (started: Started, kind: number, value: unknown, moved: ReadonlyArray<ArrayBuffer>, now: number) => void
  readonly work: () => void
}

export class FarBodies {
  private readonly reporting: Reporting
  private readonly control: Control | undefined
  private readonly sealer: Sealer | undefined
  private readonly contexts: FarContexts
  private readonly asks: FarAsks
  private readonly line: Line
  private readonly implementations: ReadonlyArray<Implementation>
  /** The same for several calls at once, by name. */
  private readonly batches: Array<Implementation | undefined> = []
  /** The smoothed times of bodies, by name. */
  private readonly times: Array<number>
  private readonly host: Host
  private readonly home: Home
  private readonly clock: Clock.Clock
  private present = -1
  private readonly fibers = new Set<Fiber.Fiber<unknown, unknown>>()
  private readonly closing = new Set<Fiber.Fiber<unknown, unknown>>()

  constructor(
    registry: Registry,
    clock: Clock.Clock,
    host: Host,
    reporting: Reporting,
    control: Control | undefined,
    sealer: Sealer | undefined,
    contexts: FarContexts,
    asks: FarAsks,
    line: Line
  ) {
    this.implementations = registry.names.map((each) => registry.find(each)!)
    this.times = registry.names.map(() => 0)
    this.clock = clock
    this.host = host
    this.home = { name: host.name, lends: true, waits: waitsOf(asks.ask) } as unknown as Home
    this.reporting = reporting
    this.control = control
    this.sealer = sealer
    this.contexts = contexts
    this.asks = asks
    this.line = line
  }

  micros(): number {
    return Number(this.clock.monotonicTimeNanosUnsafe()) / 1000
  }

  /** Returns when its body has ended, or the moment until which it was followed. */
  begin(started: Started, now: number): number {
    const { flags, name, seat } = started
    started.stage = Stage.running
    started.began = now
    if ((flags & Flags.told) !== 0 || this.times[name]! > slow) {
      this.reporting.began(seat)
      this.reporting.flush()
    }
    const implementation = (flags & Flags.batch) === 0
      ? this.implementations[name]!
      : this.batches[name] ??= runBatches(this.implementations[name]!)
    const { payload: way } = implementation.named.codec
    let payload = started.payload
    if (started.sealed !== undefined) {
      const whole = joined(payload, started.sealed, this.sealer!)
      if (Exit.isFailure(whole)) return this.ended(started, implementation, whole)
      payload = whole.value
    }
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
    const around = Context.add(this.contexts.of(started, implementation, attempt), Border, attempt)
    const context = contextIn(around, attempt, scope)
    const { context: data, number, serial } = started
    // Each attempt draws numbers of its own, in whatever order attempts run.
    const seeded = data?.seed === undefined ? body : Random.withSeed(body, `${data.seed} ${serial} ${number}`)
    const fiber = Effect.runForkWith(context)(seeded)
    attempt.fiber = fiber
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return this.closeScope(started, implementation, exit, scope, context)
    this.fibers.add(fiber)
    tellBegun(this.reporting, attempt)
    fiber.addObserver((exit) => {
      this.fibers.delete(fiber)
      this.closeScope(started, implementation, exit, scope, context)
      this.line.work()
    })
    return this.micros()
  }

  private attemptOf(started: Started, scope: Scope.Scope): FarAttempt {
    const { number, seat } = started
    return new FarAttempt(
      this.home,
      this.host,
      seat,
      number,
      scope,
      this.keyOf(started),
      this.isStopping,
      this.asks.ask
    )
  }

  private keyOf({ key, name, serial }: Started): string {
    return keyNamed({ key, label: this.implementations[name]!.label, number: serial })
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
      this.line.work()
    })
    return this.micros()
  }

  private ended(started: Started, implementation: Implementation, exit: Exit.Exit<unknown, unknown>): number {
    if (Exit.isSuccess(exit)) return this.succeeded(started, implementation, exit.value)
    return this.end(started, End.failed, encodeCause(implementation.named, exit.cause), nothingMoved)
  }

  private succeeded(started: Started, implementation: Implementation, value: unknown): number {
    const { success } = implementation.named.codec
    if (success.asIs) {
      const moved = givenIn(value)
      const { sealer } = this
      // What was given away has to go as it is.
      if (moved.length === 0 && sealer?.isWorth(value) === true) {
        return this.seal(started, implementation, value, sealer)
      }
      return this.give(started, value, moved)
    }
    const encoded = success.encode(value)
    if (Result.isSuccess(encoded)) return this.give(started, encoded.success, givenIn(encoded.success))
    return this.end(started, End.stranded, encoded.failure, nothingMoved)
  }

  /** Ends with a result. Of its large buffers copies are given away, which costs the near side nothing. */
  private give(started: Started, value: unknown, moved: ReadonlyArray<ArrayBuffer>): number {
    if (this.control === undefined || !hasLargeBuffer(value)) return this.end(started, End.succeeded, value, moved)
    const copies = withCopies(value)
    return this.end(started, End.succeeded, copies.value, [...moved, ...copies.moved])
  }

  /** Ends with the bytes of a result. It is checked now, because the near side may never open it. */
  private seal(started: Started, { named }: Implementation, value: unknown, sealer: Sealer): number {
    const fault = named.codec.success.check(value)
    if (fault !== undefined) return this.end(started, End.stranded, fault, nothingMoved)
    const bytes = Result.try(() => sealer.seal(value))
    // It has something in it that no bytes stand for, such as shared memory.
    if (Result.isFailure(bytes)) return this.end(started, End.succeeded, value, nothingMoved)
    const data: SealedData = { key: this.keyOf(started), bytes: bytes.success }
    return this.end(started, End.sealed, data, nothingMoved)
  }

  /** Notes how long the body took, and returns when it ended. */
  private end(started: Started, kind: number, value: unknown, moved: ReadonlyArray<ArrayBuffer>): number {
    const { began, name } = started
    const now = this.micros()
    this.times[name] = 0.7 * this.times[name]! + 0.3 * (now - began)
    this.line.end(started, kind, value, moved, now)
    return now
  }

  /** Ends all bodies; returns when they have ended. */
  readonly stopAll: Effect.Effect<void> = Effect.suspend(() => {
    const running = [...this.fibers, ...this.closing]
    if (running.length === 0) return Effect.void
    for (const fiber of this.fibers) fiber.interruptUnsafe()
    return Effect.andThen(Fiber.awaitAll(running), this.stopAll)
  })
}
