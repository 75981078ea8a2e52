/**
 * Layers: a scheduler inside your program, with fiber workers.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as FiberScheduler from "effect/Scheduler"
import type * as Scope from "effect/Scope"
import * as Client from "./Client.ts"
import { defaultLimits } from "./engine/protocol/Settings.ts"
import type { Limits, SchedulerSettings } from "./engine/protocol/Settings.ts"
import { SchedulerCore } from "./internal/driver/schedulerCore.ts"
import { checksOfScheduling, rulesOf } from "./internal/settings/fairness.ts"
import { isRandom, isScheme } from "./internal/settings/schemes.ts"
import { checksOfTerms, elastic, poolOf, postingOf, workers } from "./internal/settings/terms.ts"
import type { Posting } from "./internal/settings/terms.ts"
import {
  byName,
  checkOf,
  count,
  countOrInfinity,
  duration,
  durationAboveZero,
  highWaterMark,
  invalidOption,
  optionsFault,
  recordOf,
  said
} from "./internal/tasks/checks.ts"
import type { Checks } from "./internal/tasks/checks.ts"
import { millisIn } from "./internal/tasks/durations.ts"
import type { Scheme } from "./Placement.ts"
import * as Scheduler from "./Scheduler.ts"
import { GraphError } from "./SkeinError.ts"

/**
 * How often a worker that was lost is replaced.
 *
 * @category models
 * @since 0.1.0
 */
export interface RestartOptions {
  /** At most so many times within `within`; one more, and it stays away. */
  readonly times: number
  /** The window in which they count. */
  readonly within: Duration.Input
  /** One that is lost before it has run for so long is not replaced, for the next one would be lost again. Zero unless told. */
  readonly minRunTime?: Duration.Input | undefined
}

/**
 * What holds for a worker beyond its slots. Said of a layer, it holds for all of its workers that do not say otherwise.
 *
 * @category models
 * @since 0.1.0
 */
export interface WorkerTerms {
  /** Not heard for so long, the worker counts as lost. It is heard three times as often. Never unless told. */
  readonly ttl?: Duration.Input | undefined
  /** Whether a fresh worker takes its place, under the same name, when it is lost. Not unless told. One that leaves stays away. */
  readonly restart?: RestartOptions | undefined
  /** After it was given so many attempts it takes no more; a fresh worker takes its place at once, and it leaves with its last task. */
  readonly maxTasks?: number | undefined
  /** At this age it takes no more, as with `maxTasks`. */
  readonly maxAge?: Duration.Input | undefined
  /**
   * Runs once for each worker, before its first task; what it acquires is released when the worker has left or was lost. If it
   * fails, so does the layer, or `Scheduler.addWorker`, with a `GraphError`; a worker that takes the place of another does not
   * come then.
   */
  readonly onStart?: Effect.Effect<unknown, unknown, Scope.Scope> | undefined
}

/**
 * One fiber worker.
 *
 * @category models
 * @since 0.1.0
 */
export interface WorkerOptions extends WorkerTerms {
  /** Its name in events, metadata and errors. */
  readonly id: string
  /** How many tasks it runs at once. A positive whole number. */
  readonly concurrency: number
  /** What tasks that run there may use up, and how much of it there is, such as `{ gpu: 2, memory: 16 }`. */
  readonly resources?: Readonly<Record<string, number>> | undefined
  /** Words that say what it is or has. Tasks may be restricted to workers that have some; see `workers` of `Task.Options`. */
  readonly labels?: ReadonlyArray<string> | undefined
  /**
   * How many attempts it carries at once, those that wait inside their bodies included; 0, as when not told, for no limit. At its
   * mark a worker starts nothing new, unless all that it carries waits for tasks, which must run somewhere.
   */
  readonly highWaterMark?: number | undefined
}

/**
 * What a layer may say of whose turn it is to start, and of what is held back. All of it is off unless told.
 *
 * @category models
 * @since 0.1.0
 */
export interface SchedulingOptions {
  /**
   * Of the slots of each worker, those that sources may hold at once: `sourceSaturation * concurrency`, rounded up, at least one.
   * Sources are tasks that depend on nothing and that no body submitted. Below 1, the other slots are kept for what is deeper, so
   * fewer results are held at once. A number above zero; no limit unless told.
   */
  readonly sourceSaturation?: number | undefined
  /** How much may be held in results before less is started; no limit unless told. */
  readonly budget?: BudgetOptions | undefined
  /**
   * How many tasks that rank higher may start before one that has been ready for longer; then it goes first, whatever its
   * rank. A positive whole number; as many as come unless told.
   */
  readonly aging?: number | undefined
  /** How often shares have their turn, for each turn of a share that is not listed. Numbers above zero, such as `{ alice: 3 }`. */
  readonly shares?: Readonly<Record<string, number>> | undefined
}

/**
 * A pool of workers that grows while tasks are ready and no slot is free, and shrinks when workers have nothing to do.
 *
 * **Gotchas**
 *
 * Its workers have no labels and no resources. A task that asks for those does not make it grow, nor does
 * `Scheduler.awaitWorkers`.
 *
 * @category models
 * @since 0.1.0
 */
export interface ElasticOptions extends WorkerTerms {
  /** The fewest and the most workers; at least 0 and at least 1. */
  readonly min: number
  readonly max: number
  /** How many tasks each runs at once. */
  readonly concurrency: number
  /** A worker that had nothing to do for so long leaves; 10 seconds unless told. */
  readonly idle?: Duration.Input | undefined
  /** What their names begin with, "elastic" unless told; a number follows. */
  readonly id?: string | undefined
}

/**
 * What an embedded scheduler can be told.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends WorkerTerms, SchedulingOptions {
  /** How many tasks run at once. A positive whole number, 8 unless told. Not together with `workers` or `elastic`. */
  readonly concurrency?: number | undefined
  /** That of the only worker; see {@link WorkerOptions}. Not together with `workers`. */
  readonly highWaterMark?: number | undefined
  /** Which of several workers gets a task that could start on any of them; `Placement.steady` unless told. */
  readonly placement?: Scheme | undefined
  /** The workers, when there is more than one, or when they have resources. */
  readonly workers?: ReadonlyArray<WorkerOptions> | undefined
  /** How many tasks with a tag may run at once, on all workers together, such as `{ db: 2 }`. See `Scheduler.limitTag`. */
  readonly tags?: Readonly<Record<string, number>> | undefined
  /** A pool of workers, beside those of `workers` if there are any. Its lost ones are replaced, three in a minute unless `restart` says otherwise. */
  readonly elastic?: ElasticOptions | undefined
  /** What is refused as too much; see {@link Limits}. */
  readonly limits?: Partial<Limits> | undefined
  /**
   * How long an attempt may go on after it was asked to stop before a warning in the log says so; 30 seconds unless told,
   * never with `Duration.infinity`. A task's own `grace` goes before it. Nothing is killed.
   */
  readonly grace?: Duration.Input | undefined
  /**
   * For how long after it began a computation takes in what else is submitted from outside of tasks; zero unless told, so
   * that each such submission is a computation of its own. Those of one computation interleave, so that graphs submitted
   * layer by layer are held as little as one that is submitted at once. Dask has it for each call, as `fifo_timeout`.
   */
  readonly computationWindow?: Duration.Input | undefined
  /**
   * How long a task waits when no worker that takes tasks could ever run it, before it ends with `NoSuitableWorker`; not at all
   * unless told, for ever with `Duration.infinity`. A task's own `waitForWorkers` goes before it.
   */
  readonly waitForWorkers?: Duration.Input | undefined
  /** How many of the last transitions to remember for `Scheduler.story`; none unless told. */
  readonly stories?: number | undefined
}

/**
 * A brake on what is held in results: those of all tasks that have succeeded and are claimed or needed.
 *
 * **Details**
 *
 * It is a brake, no wall. What runs goes on, and so does what waited inside a body. While no body is at work something starts
 * all the same, one task at a time and sources last, so every computation ends, however little is allowed.
 *
 * **Gotchas**
 *
 * A body that waits for another by means of its own, such as a `Deferred`, is at work: with `pause` the other may not start.
 * Wait for its future instead.
 *
 * @category models
 * @since 0.1.0
 */
export interface BudgetOptions {
  /** Above it no source starts: no task that depends on nothing and that no body submitted. */
  readonly target?: number | undefined
  /** Above it nothing starts. Not less than `target`. */
  readonly pause?: number | undefined
  /** The size of a result, in whole units of your choice; fractions count as the next. 1 each unless told. */
  readonly sizeOf?: ((result: unknown) => number) | undefined
}

export type {
  /**
   * What is refused as too much: `tasks` of one graph, `depth` of one graph, `live` tasks at once, `nesting` of submissions
   * from inside bodies (10,000 unless told), `unfolding` of flatMap tasks into flatMap tasks (200,000 unless told),
   * `seceded` tasks that wait inside their bodies at once (100,000 unless told), `refusals`: how often one recursion comes to
   * one of these three before it launches nothing more (100 unless told), `deaths`: how many workers are lost while they
   * run a task before it is not started again (4 unless told), `dependenciesLost`: how often a body reports dependencies as lost
   * before its task ends (20 unless told), `overtakes`: how many tasks may start that rank before a ready one, and take of the
   * resources or tags that it waits for, before it goes first (100 unless told), and `lineage`: over how many submissions, one made
   * of a result of the other, it is remembered at least what was released, so that it can be made anew (1000 unless told). Each a
   * positive whole number, or `Infinity`.
   *
   * @category models
   * @since 0.1.0
   */
  Limits
}

const defaultConcurrency = 8

const defaultGrace = 30_000

const limits = Object.fromEntries(Object.keys(defaultLimits).map((limit) => [limit, countOrInfinity]))

const checks: Checks<Options> = {
  ...checksOfTerms,
  ...checksOfScheduling,
  concurrency: count,
  workers,
  limits: recordOf(limits),
  grace: durationAboveZero,
  stories: count,
  tags: byName("limits by name, such as { db: 2 }", count),
  computationWindow: duration,
  elastic,
  highWaterMark,
  placement: checkOf("a scheme of Placement, such as Placement.leastLoad", isScheme),
  waitForWorkers: duration
}

/** The workers that a layer begins with. */
const postingsOf = (options: Options): ReadonlyArray<Posting> | GraphError => {
  const { concurrency = defaultConcurrency, elastic, highWaterMark, workers } = options
  if (workers === undefined && elastic !== undefined) return []
  if (workers === undefined) return allOf([postingOf({ id: "local", concurrency, highWaterMark }, options)])
  return allOf(workers.map((worker, i) => postingOf(worker, options, `workers[${i}]`)))
}

const allOf = (postings: ReadonlyArray<Posting | GraphError>): ReadonlyArray<Posting> | GraphError =>
  postings.find((posting) => posting instanceof GraphError) ?? postings as ReadonlyArray<Posting>

/** Why options cannot stand beside each other that could alone. */
const contradictionIn = (
  { concurrency, elastic, highWaterMark, waitForWorkers, workers }: Options,
  postings: ReadonlyArray<Posting>
): GraphError | undefined => {
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
  const mayComeLater = elastic !== undefined || (millisIn(waitForWorkers) ?? 0) > 0
  if (postings.length === 0 && !mayComeLater) {
    return invalidOption("workers", workers, "at least one worker, or waitForWorkers")
  }
  const ids = postings.map(({ id }) => id)
  return new Set(ids).size === ids.length ? undefined : invalidOption("workers", ids, "a different id for each worker")
}

/** Chance is asked for only where the scheme may want some. */
const seedFor = (scheme: Scheme): Effect.Effect<number> =>
  Effect.map(isRandom(scheme) ? Random.nextInt : Effect.succeed(0), (seed) => seed | 0)

const make = (options: Options) =>
  Effect.gen(function*() {
    const fault = optionsFault(options, checks)
    if (fault !== undefined) return yield* fault
    const postings = postingsOf(options)
    if (postings instanceof GraphError) return yield* postings
    const contradiction = contradictionIn(options, postings)
    if (contradiction !== undefined) return yield* contradiction
    const { placement: scheme = "steady" } = options
    const context = yield* Effect.context<never>()
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
    for (const [tag, limit] of Object.entries(options.tags ?? {})) {
      core.ask({ _tag: "TagLimited", now: core.now(), tag, limit })
    }
    const first = Effect.forEach(postings, (posting) => core.crew.add(posting), { discard: true })
    const all = options.elastic === undefined
      ? first
      : Effect.andThen(first, core.crew.openPool(poolOf(options.elastic, options)))
    yield* Effect.onError(all, () => core.life.close)
    yield* Effect.addFinalizer(() => core.life.close)
    return Context.make(Scheduler.Scheduler, Scheduler.make(core, options.stories ?? 0, options)).pipe(
      Context.add(Client.Client, Client.make(core))
    )
  })

/**
 * A scheduler inside this process, and a client of it.
 *
 * **Details**
 *
 * Tasks run as fibers of your program, as many at once as the workers have slots. When the layer closes, everything that
 * runs is interrupted and its finalizers have run before the close returns. Time is the `Clock` in the context of the
 * layer; bodies use that of their submitter.
 *
 * **Gotchas**
 *
 * Layers are shared by reference: keep the layer in a constant to use one scheduler in several places.
 *
 * **Example** (Eight tasks at once)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Skein, Task } from "skein"
 *
 * const squares = Task.all([1, 2, 3].map((n) => Task.make(Effect.succeed(n * n))))
 * const program = Client.compute(squares).pipe(Effect.provide(Skein.layer({ concurrency: 8 })))
 * program // => [1, 4, 9]
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<Client.Client | Scheduler.Scheduler, GraphError> =>
  Layer.effectContext(make(options))

/**
 * One task at a time, in static order: the simplest deterministic backend, for tests and for debugging.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerSequential: Layer.Layer<Client.Client | Scheduler.Scheduler, GraphError> = layer({ concurrency: 1 })
