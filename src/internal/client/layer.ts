/**
 * What is behind a layer: a scheduler made from its options, checked, with its first workers.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as FiberScheduler from "effect/Scheduler"
import type * as Scope from "effect/Scope"
import { defaultLimits } from "../../engine/protocol/Settings.ts"
import type { SchedulerSettings, Scheme } from "../../engine/protocol/Settings.ts"
import { SchedulerCore } from "../driver/schedulerCore.ts"
import { checksOfScheduling, limitOf, rulesOf, tags } from "../settings/fairness.ts"
import type { Options } from "../settings/layerOptions.ts"
import { isRandom, isScheme } from "../settings/schemes.ts"
import { checksOfTerms, elastic, poolOf, postingOf, provided, workers } from "../settings/terms.ts"
import type { Posting } from "../settings/terms.ts"
import {
  checkOf,
  count,
  countOrInfinity,
  duration,
  durationAboveZero,
  highWaterMark,
  invalidOption,
  optionsFault,
  recordOf,
  said,
  slots
} from "../tasks/checks.ts"
import type { Checks } from "../tasks/checks.ts"
import { millisIn } from "../tasks/durations.ts"
import { Mistake } from "../tasks/mistake.ts"
import { Client } from "./client.ts"
import { make as makeClient } from "./makeClient.ts"
import { make as makeScheduler, Scheduler } from "./scheduler.ts"

const defaultConcurrency = 8

const defaultGrace = 30_000

const limits = Object.fromEntries(Object.keys(defaultLimits).map((limit) => [limit, countOrInfinity]))

/** Options with any `onStart`. */
type AnyOptions = Options<unknown, any>

/** The checks of the options of a layer. */
export const checksOfLayers: Checks<Options> = {
  ...checksOfTerms,
  ...checksOfScheduling,
  concurrency: slots,
  workers,
  limits: recordOf(limits),
  grace: durationAboveZero,
  stories: count,
  tags,
  computationWindow: duration,
  elastic,
  highWaterMark,
  placement: checkOf("a scheme of Placement, such as Placement.leastLoad", isScheme),
  waitForWorkers: duration
}

/** The workers that a layer begins with. */
const postingsOf = (options: AnyOptions, services: Context.Context<never>): ReadonlyArray<Posting> | Mistake => {
  const { concurrency = defaultConcurrency, elastic, highWaterMark, workers } = options
  if (workers === undefined && elastic !== undefined) return []
  if (workers === undefined) return allOf([postingOf({ id: "local", concurrency, highWaterMark }, options, services)])
  return allOf(workers.map((worker, i) => postingOf(worker, options, services, `workers[${i}]`)))
}

const allOf = (postings: ReadonlyArray<Posting | Mistake>): ReadonlyArray<Posting> | Mistake =>
  postings.find((posting) => posting instanceof Mistake) ?? postings as ReadonlyArray<Posting>

/** Why options that are valid alone contradict each other. */
const contradictionIn = (
  { concurrency, elastic, highWaterMark, sourceSaturation, waitForWorkers, workers }: AnyOptions,
  postings: ReadonlyArray<Posting>
): Mistake | undefined => {
  if (elastic !== undefined && concurrency !== undefined) {
    return invalidOption("concurrency", concurrency, "no value beside elastic, whose own concurrency counts")
  }
  if (workers !== undefined && concurrency !== undefined) {
    return invalidOption("concurrency", concurrency, "no value beside workers, whose own concurrency counts")
  }
  if (workers !== undefined && highWaterMark !== undefined) {
    return invalidOption("highWaterMark", highWaterMark, "no value beside workers, whose own marks count")
  }
  if (elastic !== undefined && highWaterMark !== undefined) {
    return invalidOption("highWaterMark", highWaterMark, "no value beside elastic, whose workers have no mark")
  }
  if (concurrency === "unbounded" && sourceSaturation !== undefined) {
    return invalidOption(
      "sourceSaturation",
      sourceSaturation,
      "no value beside unbounded slots, of which a share is no limit"
    )
  }
  const mayComeLater = elastic !== undefined || (millisIn(waitForWorkers) ?? 0) > 0
  if (postings.length === 0 && !mayComeLater) {
    return invalidOption("workers", workers, "at least one worker, or waitForWorkers")
  }
  const ids = postings.map(({ id }) => id)
  return new Set(ids).size === ids.length ? undefined : invalidOption("workers", ids, "a different id for each worker")
}

/** Why a layer cannot have these options. */
export const mistakeIn = (options: AnyOptions): Mistake | undefined => {
  const fault = optionsFault(options, checksOfLayers)
  if (fault !== undefined) return fault
  const postings = postingsOf(options, Context.empty())
  return postings instanceof Mistake ? postings : contradictionIn(options, postings)
}

/** A seed is drawn only if the scheme may need one. */
const seedFor = (scheme: Scheme): Effect.Effect<number> =>
  Effect.map(isRandom(scheme) ? Random.nextInt : Effect.succeed(0), (seed) => seed | 0)

/**
 * A scheduler, and a client of it.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Services {
  readonly client: Client["Service"]
  readonly scheduler: Scheduler["Service"]
}

/** The scheduler of a layer, and a client of it. */
export const make = <E, R>(given: Options<E, R>): Effect.Effect<Services, E, Exclude<R, Scope.Scope> | Scope.Scope> =>
  Effect.gen(function*() {
    const mistake = mistakeIn(given)
    if (mistake !== undefined) return yield* Effect.die(mistake)
    const context = yield* Effect.context<never>()
    const options: AnyOptions = provided(given, context)
    const postings = postingsOf(options, context) as ReadonlyArray<Posting>
    const { placement: scheme = "steady" } = options
    const settings: SchedulerSettings = {
      limits: { ...defaultLimits, ...said(options.limits ?? {}) },
      graceMillis: millisIn(options.grace) ?? defaultGrace,
      fairness: rulesOf(options),
      windowMillis: millisIn(options.computationWindow) ?? 0,
      waitForWorkersMillis: millisIn(options.waitForWorkers) ?? 0,
      scheme,
      seed: yield* seedFor(scheme)
    }
    const core = new SchedulerCore(
      context,
      yield* Clock.Clock,
      yield* FiberScheduler.Scheduler,
      settings,
      options.budget?.sizeOf
    )
    for (const [tag, limits] of Object.entries(options.tags ?? {})) {
      core.mailbox.ask({ _tag: "TagLimited", now: core.time.now(), ...limitOf(tag, limits) })
    }
    const first = Effect.forEach(postings, (posting) => core.crew.add(posting), { discard: true })
    const all = options.elastic === undefined
      ? first
      : Effect.andThen(first, core.crew.openPool(poolOf(options.elastic, options, context)))
    yield* Effect.onError(all, () => core.life.close)
    yield* Effect.addFinalizer(() => core.life.close)
    return { client: makeClient(core), scheduler: makeScheduler(core, options.stories ?? 0, options) }
  }) as Effect.Effect<Services, E, Exclude<R, Scope.Scope> | Scope.Scope>

/** The same as services. */
export const makeContext = <E, R>(
  options: Options<E, R>
): Effect.Effect<Context.Context<Client | Scheduler>, E, Exclude<R, Scope.Scope> | Scope.Scope> =>
  Effect.map(
    make(options),
    ({ client, scheduler }) => Context.make(Client, client).pipe(Context.add(Scheduler, scheduler))
  )
