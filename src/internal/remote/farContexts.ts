/**
 * What bodies at the far side see around them: the services of their handlers, and what has travelled of the context of their
 * submitters.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import { encodeCause } from "../portable/causes.ts"
import { contextFor } from "../portable/handlers.ts"
import type { Implementation } from "../portable/named.ts"
import { contextWith, FarClock, plainRecord } from "./contexts.ts"
import type { FarAsks } from "./farAsks.ts"
import { Border } from "./farAttempt.ts"
import type { FarAttempt } from "./farAttempt.ts"
import type { ClockData, ContextData } from "./messages.ts"
import type { Reporting } from "./reporting.ts"
import type { Started, StartedAt } from "./started.ts"

export class FarContexts {
  private readonly reporting: Reporting
  private readonly asks: FarAsks
  private readonly seats: StartedAt
  private readonly base: Context.Context<never>
  /** The clock of the scheduler, if that is not the live one. */
  readonly clock: FarClock | undefined
  /** The last reading of clocks that are not live. */
  reading: ClockData | undefined
  private lastContext: ContextData | undefined
  private lastBase: Context.Context<never>
  /** The contexts of bodies with the last context, by name. */
  private readonly contexts: Array<Context.Context<never> | undefined> = []

  constructor(
    context: Context.Context<never>,
    clock: ClockData | undefined,
    reporting: Reporting,
    asks: FarAsks,
    seats: StartedAt
  ) {
    this.reporting = reporting
    this.asks = asks
    this.seats = seats
    this.base = Context.add(Context.omit(Scope.Scope)(context), Logger.CurrentLoggers, new Set([this.logger]))
    this.lastBase = this.base
    // What bodies leave behind sleeps by it too, so it asks for no attempt.
    this.clock = clock && this.clockFrom(clock, (millis) => asks.askForWorker("sleep", millis))
  }

  /** The services of a handler, and the context of the submitter, as far as it travels, over that of this worker. */
  of(
    { context: data, name }: Started,
    { context: services }: Implementation,
    attempt: FarAttempt
  ): Context.Context<never> {
    if (data !== this.lastContext) {
      this.lastContext = data
      this.lastBase = data === undefined ? this.base : contextWith(this.base, data, this.clock)
      this.contexts.length = 0
    }
    const context = this.contexts[name] ??= contextFor(services, this.lastBase)
    const clock = data?.clock
    return typeof clock === "object" ? Context.add(context, Clock.Clock, this.clockOf(clock, attempt)) : context
  }

  private clockOf(first: ClockData, attempt: FarAttempt): FarClock {
    return this.clockFrom(first, (millis) => this.asks.ask(attempt, "sleep", millis))
  }

  private clockFrom(first: ClockData, sleep: (millis: number) => Effect.Effect<unknown, unknown>): FarClock {
    return new FarClock({
      now: () => this.reading ?? first,
      sleep: (millis) => Effect.asVoid(Effect.orDie(sleep(millis)))
    })
  }

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
}
