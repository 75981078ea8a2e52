/**
 * Options of layers and workers.
 *
 * @internal
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Limits, Scheme } from "../../engine/protocol/Settings.ts"

/**
 * How often a worker that was lost is replaced.
 *
 * @stability unstable
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
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface WorkerTerms<out E = never, out R = never> {
  /**
   * The silence after which the worker counts as lost. It gives a sign of life three times in that period. Defaults to no limit.
   */
  readonly ttl?: Duration.Input | undefined
  /** Whether a lost worker is replaced by a fresh one of its id. Defaults to no. A worker that leaves is not replaced. */
  readonly restart?: RestartOptions | undefined
  /** The number of attempts after which a fresh worker replaces it. It leaves when its last task has ended. */
  readonly maxTasks?: number | undefined
  /** The age at which a fresh worker replaces it, as with `maxTasks`. */
  readonly maxAge?: Duration.Input | undefined
  /**
   * Runs once for each worker, before its first task. Its resources are released when the worker has left or was lost. If it
   * fails, so does the layer or `Scheduler.addWorker`; a replacement for another worker then does not start. Its services are
   * those of the layer or of the caller of `Scheduler.addWorker`, also for replacements.
   */
  readonly onStart?: Effect.Effect<unknown, E, R | Scope.Scope> | undefined
}

/**
 * One fiber worker.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface WorkerOptions<out E = never, out R = never> extends WorkerTerms<E, R> {
  /** Its name in events, metadata and errors. */
  readonly id: string
  /** The number of its slots: how many tasks it runs at once. A positive whole number, or `"unbounded"`; see {@link Options}. */
  readonly concurrency: number | "unbounded"
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
 * How many tasks may start within a time.
 *
 * **Details**
 *
 * Of any interval of length `per`, wherever it begins, no more than `starts` starts fall into it. A start is an attempt that is
 * given to a worker, so each retry counts, and so does a start after the loss of a worker. The end of a task does not matter. A
 * body that goes on after a wait, a result from a cache and what a `flatMap` task stands for are no starts.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Rate {
  /** A positive whole number. `{ starts: 1, per: "100 millis" }` spaces starts evenly. */
  readonly starts: number
  readonly per: Duration.Input
}

/**
 * The limits of a tag.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface TagOptions {
  /** How many tasks with the tag run at once. Defaults to no limit. */
  readonly limit?: number | undefined
  /** How many tasks with the tag start within a time. Defaults to no limit. */
  readonly rate?: Rate | undefined
}

/**
 * Options about which tasks take turns, and which are held back. All are off by default.
 *
 * @stability unstable
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
  /** How many tasks start within a time, all together. Defaults to no limit. */
  readonly rate?: Rate | undefined
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
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface ElasticOptions<out E = never, out R = never> extends WorkerTerms<E, R> {
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
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Options<out E = never, out R = never> extends WorkerTerms<E, R>, SchedulingOptions {
  /**
   * How many tasks run at once. A positive whole number, or `"unbounded"`: then every task starts as soon as it is ready, so order
   * and priorities decide little, and a wide graph has a fiber and a result for each of its tasks at once. Defaults to 8. Not
   * together with `workers` or `elastic`.
   */
  readonly concurrency?: number | "unbounded" | undefined
  /** The high-water mark of the only worker; see {@link WorkerOptions}. Not together with `workers`. */
  readonly highWaterMark?: number | undefined
  /** Chooses among several workers that could start a task. Defaults to `Placement.steady`. */
  readonly placement?: Scheme | undefined
  /** The workers, when there is more than one, or when they have resources. */
  readonly workers?: ReadonlyArray<WorkerOptions<E, R>> | undefined
  /**
   * The limits of tags, on all workers together: how many tasks run at once, such as `{ db: 2 }`, and how many start within a time,
   * such as `{ api: { limit: 8, rate: { starts: 10, per: "1 second" } } }`. A name that ends in `*` gives a rate to each tag that
   * begins like it, as in `{ "host:*": { rate: { starts: 1, per: "500 millis" } } }`. See `Scheduler.limitTag`.
   */
  readonly tags?: Readonly<Record<string, number | TagOptions>> | undefined
  /** A pool of workers, beside those of `workers`. Its lost workers are replaced; `restart` defaults to three in a minute. */
  readonly elastic?: ElasticOptions<E, R> | undefined
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
 * @stability unstable
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
