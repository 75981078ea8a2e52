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
  /** The most replacements within `within`. Further lost workers are not replaced. */
  readonly times: number
  /** The window in which replacements count. */
  readonly within: Duration.Input
  /** A worker that is lost before it has run for this long is not replaced: the next would be lost too. Defaults to zero. */
  readonly minRunTime?: Duration.Input | undefined
}

/**
 * Options of a worker beside its slots. Given to a layer, they are the defaults of its workers.
 *
 * @category models
 * @since 0.1.0
 */
export interface WorkerTerms {
  /**
   * The silence after which the worker counts as lost. It gives a sign of life three times in that period. Defaults to no limit.
   */
  readonly ttl?: Duration.Input | undefined
  /** Whether a lost worker is replaced by a fresh one of its name. Defaults to no. A worker that leaves is not replaced. */
  readonly restart?: RestartOptions | undefined
  /** The number of attempts after which a fresh worker replaces it. It leaves when its last task has ended. */
  readonly maxTasks?: number | undefined
  /** The age at which a fresh worker replaces it, as with `maxTasks`. */
  readonly maxAge?: Duration.Input | undefined
  /**
   * Runs once for each worker, before its first task. Its resources are released when the worker has left or was lost. If it
   * fails, the layer or `Scheduler.addWorker` fails with a `GraphError`; a replacement for another worker then does not start.
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
  /** The number of its slots: how many tasks it runs at once. A positive whole number. */
  readonly concurrency: number
  /** The resources that its tasks may hold, with their amounts, such as `{ gpu: 2, memory: 16 }`. */
  readonly resources?: Readonly<Record<string, number>> | undefined
  /** Words that describe the worker. Tasks may be restricted to workers with certain labels; see `workers` of `Task.Options`. */
  readonly labels?: ReadonlyArray<string> | undefined
  /**
   * The most attempts that it carries at once, including those that wait inside their bodies. Defaults to 0, which is no limit. A
   * worker at its mark starts nothing new, unless all its attempts wait for tasks, which must run somewhere.
   */
  readonly highWaterMark?: number | undefined
}

/**
 * Options about which tasks take turns, and which are held back. All are off by default.
 *
 * @category models
 * @since 0.1.0
 */
export interface SchedulingOptions {
  /**
   * The share of each worker's slots that sources may hold at once: `sourceSaturation * concurrency` slots, rounded up, at least
   * one. Sources are tasks without dependencies that no body submitted. Below 1, the other slots are kept for deeper tasks, so
   * fewer results are held at once. A number above zero. Defaults to no limit.
   */
  readonly sourceSaturation?: number | undefined
  /** How much may be held in results before fewer tasks start. Defaults to no limit. */
  readonly budget?: BudgetOptions | undefined
  /**
   * How many tasks of higher rank may start before a task that has been ready for longer. After that the older task goes first. A
   * positive whole number. Defaults to no limit.
   */
  readonly aging?: number | undefined
  /** The weights of shares, such as `{ alice: 3 }`: turns for each turn of a share that is not listed. Numbers above zero. */
  readonly shares?: Readonly<Record<string, number>> | undefined
}

/**
 * A pool of workers that grows while tasks are ready and no slot is free, and shrinks when workers have nothing to do.
 *
 * **Gotchas**
 *
 * Its workers have no labels and no resources. The pool does not grow for tasks that ask for those, nor for
 * `Scheduler.awaitWorkers`.
 *
 * @category models
 * @since 0.1.0
 */
export interface ElasticOptions extends WorkerTerms {
  /** The fewest workers, at least 0, and the most, at least 1. */
  readonly min: number
  readonly max: number
  /** The number of slots of each worker. */
  readonly concurrency: number
  /** The idle time after which a worker leaves. Defaults to 10 seconds. */
  readonly idle?: Duration.Input | undefined
  /** The prefix of the workers' names, before a number. Defaults to "elastic". */
  readonly id?: string | undefined
}

/**
 * Options of an embedded scheduler.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends WorkerTerms, SchedulingOptions {
  /** How many tasks run at once. A positive whole number. Defaults to 8. Not together with `workers` or `elastic`. */
  readonly concurrency?: number | undefined
  /** The high-water mark of the only worker; see {@link WorkerOptions}. Not together with `workers`. */
  readonly highWaterMark?: number | undefined
  /** Chooses among several workers that could start a task. Defaults to `Placement.steady`. */
  readonly placement?: Scheme | undefined
  /** The workers, when there is more than one, or when they have resources. */
  readonly workers?: ReadonlyArray<WorkerOptions> | undefined
  /** How many tasks with a tag may run at once, on all workers together, such as `{ db: 2 }`. See `Scheduler.limitTag`. */
  readonly tags?: Readonly<Record<string, number>> | undefined
  /** A pool of workers, beside those of `workers`. Its lost workers are replaced; `restart` defaults to three in a minute. */
  readonly elastic?: ElasticOptions | undefined
  /** Upper bounds; see {@link Limits}. */
  readonly limits?: Partial<Limits> | undefined
  /**
   * How long an attempt may go on after it was asked to stop, before the log has a warning. Defaults to 30 seconds;
   * `Duration.infinity` turns the warning off. A task's own `grace` takes precedence. Nothing is killed.
   */
  readonly grace?: Duration.Input | undefined
  /**
   * How long a computation takes in further submissions from outside of tasks, counted from its first. Defaults to zero: each
   * such submission is a computation of its own. The submissions of one computation interleave, so graphs submitted layer by
   * layer hold as few results as one graph submitted at once. Dask has this for each call, as `fifo_timeout`.
   */
  readonly computationWindow?: Duration.Input | undefined
  /**
   * How long a task waits if no worker that takes tasks could ever run it, before it ends with `NoSuitableWorker`. Defaults to
   * zero; `Duration.infinity` waits for ever. A task's own `waitForWorkers` takes precedence.
   */
  readonly waitForWorkers?: Duration.Input | undefined
  /** How many of the last transitions to remember for `Scheduler.story`. Defaults to 0. */
  readonly stories?: number | undefined
}

/**
 * A brake on held results: those of all tasks that have succeeded and are claimed or needed.
 *
 * **Details**
 *
 * A budget delays starts and stops nothing. Running bodies go on, and so do bodies after a wait. While no body is at work, tasks
 * start in spite of the budget, one at a time and sources last. So every computation ends, however small the budget.
 *
 * **Gotchas**
 *
 * A body that waits for another by other means, such as a `Deferred`, counts as at work: with `pause` the other may never start.
 * Wait for its future instead.
 *
 * @category models
 * @since 0.1.0
 */
export interface BudgetOptions {
  /** Above this, no source starts: no task without dependencies that no body submitted. */
  readonly target?: number | undefined
  /** Above this, nothing starts. Not less than `target`. */
  readonly pause?: number | undefined
  /** The size of a result, in whole units of your choice; fractions are rounded up. Defaults to 1. */
  readonly sizeOf?: ((result: unknown) => number) | undefined
}

export type {
  /**
   * Upper bounds. Beyond `tasks` of one graph, `depth` of one graph, `live` tasks at once, `nesting` of submissions from inside
   * bodies (defaults to 10,000), `unfolding` of flatMap tasks into flatMap tasks (200,000), and `seceded` tasks that wait inside
   * their bodies at once (100,000), submissions and waits are refused. `refusals`: how often one recursion may reach one of the
   * last three before it launches nothing more (100). `deaths`: how many workers may be lost while they run a task before it is
   * not started again (4). `dependenciesLost`: how often a body may report dependencies as lost before its task ends (20).
   * `overtakes`: how many tasks of higher rank may take resources or tags that a ready task waits for before it goes first (100).
   * `lineage`: over how many submissions, each made from a result of the one before, released tasks are remembered at least, so
   * that lost results can be computed again (1000). Each is a positive whole number, or `Infinity`.
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

/** Why options that are valid alone contradict each other. */
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

/** A seed is drawn only if the scheme may need one. */
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
      core.mailbox.ask({ _tag: "TagLimited", now: core.time.now(), tag, limit })
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
 * Tasks run as fibers of your program, as many at once as the workers have slots. The close of the layer interrupts everything
 * that runs, and returns when the finalizers have run. Time is the `Clock` in the context of the layer; bodies use the clock of
 * their submitter.
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
