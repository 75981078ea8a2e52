/**
 * What of the context of a submitter reaches bodies elsewhere: the parent span, annotations, spans and levels of logs, the options
 * of its region, a clock that is not the live one, and a seed.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import { CurrentAnnotations } from "../bodies/annotations.ts"
import { brief } from "../text/brief.ts"
import type { ClockData, ContextData } from "./messages.ts"
import { annotationsFrom, regionIn } from "./regions.ts"

const defaults = Context.empty()

const differing = <A>(context: Context.Context<never>, reference: Context.Reference<A>): A | undefined => {
  const value = Context.get(context, reference)
  return value === Context.get(defaults, reference) ? undefined : value
}

/** The clock of a context, unless it is the live one. */
export const clockOf = (context: Context.Context<never>): Clock.Clock | undefined => differing(context, Clock.Clock)

export const readingOf = (clock: Clock.Clock): ClockData => ({
  millis: clock.currentTimeMillisUnsafe(),
  nanos: clock.currentTimeNanosUnsafe(),
  monotonicNanos: clock.monotonicTimeNanosUnsafe()
})

/** Contexts of which nothing travels. Most submissions of a program have the same one. */
const bare = new WeakSet<object>()

/** What travels of a context; `undefined` if that is nothing. `own` is the clock of the scheduler, if that is not the live one. */
export const dataOf = (context: Context.Context<never>, own: Clock.Clock | undefined): ContextData | undefined => {
  if (bare.has(context)) return undefined
  const annotations = differing(context, References.CurrentLogAnnotations)
  const logSpans = differing(context, References.CurrentLogSpans)
  const minimumLogLevel = differing(context, References.MinimumLogLevel)
  const logLevel = differing(context, References.CurrentLogLevel)
  const span = Context.getOrUndefined(context as Context.Context<Tracer.ParentSpan>, Tracer.ParentSpan)
  const region = regionIn(context)
  const clock = clockOf(context)
  const seed = seedIn(context)
  const values = [annotations, logSpans, minimumLogLevel, logLevel, region, span, clock, seed]
  if (values.every((value) => value === undefined)) {
    bare.add(context)
    return undefined
  }
  return {
    annotations: annotations && plainRecord(annotations),
    logSpans,
    minimumLogLevel,
    logLevel,
    region,
    span: span && { spanId: span.spanId, traceId: span.traceId, sampled: span.sampled },
    clock: clock && (clock === own ? "scheduler" : readingOf(clock)),
    seed
  }
}

/** By context, so that all bodies of a submission have one, whatever batches they go in. */
const seeds = new WeakMap<object, number>()

const seedIn = (context: Context.Context<never>): number | undefined => {
  const random = differing(context, Random.Random)
  if (random === undefined) return undefined
  const known = seeds.get(context)
  if (known !== undefined) return known
  const seed = random.nextIntUnsafe()
  seeds.set(context, seed)
  return seed
}

/** A record of annotations whose values a clone keeps. */
export const plainRecord = (record: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, primitiveOf(value)]))

/** A primitive value, or a text in place of any other. */
const primitiveOf = (value: unknown): unknown =>
  (typeof value === "object" && value !== null) || typeof value === "function" || typeof value === "symbol"
    ? brief(value)
    : value

/** A clock elsewhere, as it was last read. */
export interface FarTime {
  readonly now: () => ClockData
  readonly sleep: (millis: number) => Effect.Effect<void>
}

/** The clock of bodies whose submitter has a clock that is not the live one. */
export class FarClock implements Clock.Clock {
  private readonly time: FarTime

  constructor(time: FarTime) {
    this.time = time
  }

  currentTimeMillisUnsafe(): number {
    return this.time.now().millis
  }

  currentTimeNanosUnsafe(): bigint {
    return this.time.now().nanos
  }

  monotonicTimeNanosUnsafe(): bigint {
    return this.time.now().monotonicNanos
  }

  readonly currentTimeMillis = Effect.sync(() => this.currentTimeMillisUnsafe())
  readonly currentTimeNanos = Effect.sync(() => this.currentTimeNanosUnsafe())
  readonly monotonicTimeNanos = Effect.sync(() => this.monotonicTimeNanosUnsafe())

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    return Effect.suspend(() => {
      const millis = Duration.toMillis(duration)
      return Number.isFinite(millis) ? this.time.sleep(millis) : Effect.never
    })
  }
}

/** A context with what came of that of a submitter. `own` is the clock of the scheduler, if that is not the live one. */
export const contextWith = (
  base: Context.Context<never>,
  { annotations, clock, logLevel, logSpans, minimumLogLevel, region, span }: ContextData,
  own: Clock.Clock | undefined
): Context.Context<never> => {
  let context = base
  const set = <A>(reference: Context.Reference<A>, value: A | undefined): void => {
    if (value !== undefined) context = Context.add(context, reference, value)
  }
  set(References.CurrentLogAnnotations, annotations)
  set(References.CurrentLogSpans, logSpans as ReadonlyArray<[string, number]> | undefined)
  set(References.MinimumLogLevel, minimumLogLevel as any)
  set(References.CurrentLogLevel, logLevel as any)
  if (clock === "scheduler") set(Clock.Clock, own)
  set(CurrentAnnotations, region && annotationsFrom(region))
  return span === undefined ? context : Context.add(context, Tracer.ParentSpan, Tracer.externalSpan(span))
}
