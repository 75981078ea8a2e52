/**
 * The progress of a scheduler's tasks by group and by worker, and of its streams. A group is a label, or for tasks without a label
 * the name of their stream, or "task".
 *
 * Counting begins with the subscription and follows events alone. So the total grows as tasks are submitted: a graph that a
 * `flatMap` task has not returned yet is not counted yet.
 *
 * @stability unstable
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { dual } from "effect/Function"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Loads } from "./internal/client/loads.ts"
import type { WorkerLoad } from "./internal/client/loads.ts"
import { Counter } from "./internal/client/progress.ts"
import type { Counts, Group } from "./internal/client/progress.ts"
import { listenToStreams } from "./internal/client/scheduler.ts"
import { StreamCounter } from "./internal/client/streamProgress.ts"
import type { StreamProgress } from "./internal/client/streamProgress.ts"
import { monotonicMillis } from "./internal/platform/time.ts"
import { dieOfOptions, durationAboveZero } from "./internal/tasks/checks.ts"
import type { Checks } from "./internal/tasks/checks.ts"
import { warning } from "./internal/text/warnings.ts"
import { hush, isGenerator, isThenable } from "./internal/values/strangers.ts"
import * as Scheduler from "./Scheduler.ts"

export type { WorkerLoad } from "./internal/client/loads.ts"
export type { Counts, Group } from "./internal/client/progress.ts"
export type { StreamProgress } from "./internal/client/streamProgress.ts"

/**
 * The progress in total and by group, in the order in which the groups appeared, of each stream, and what each worker does.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Progress extends Counts {
  /** How many of those that wait could start, but for the rate of a tag or of the layer. */
  readonly rateLimited: number
  /** How many of those that wait could start, but for a pause. */
  readonly paused: number
  /** Whether a stream may add tasks, so that the total grows. */
  readonly isOpen: boolean
  readonly groups: ReadonlyArray<Group>
  /** The streams by name, in the order in which they began. */
  readonly streams: ReadonlyArray<StreamProgress>
  /** The workers that have not left, in the order of their ids: threads and processes have one each, and fibers one for all. */
  readonly workers: ReadonlyArray<WorkerLoad>
  /** The time since the subscription, by the `Clock` of the subscriber. */
  readonly elapsedMillis: number
}

/**
 * How often to report.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The time between reports. Defaults to 100 milliseconds. */
  readonly interval?: Duration.Input | undefined
}

const checks: Checks<Options> = { interval: durationAboveZero }

const defaultInterval: Duration.Input = "100 millis"

const notDelayed: Scheduler.Delayed = { rateLimited: 0, paused: 0 }

/** Counts until the scope closes. `onChange` is called during a step of the engine, so it may only take notes. */
const count = (
  onChange: () => void,
  onEnd?: () => void
): Effect.Effect<Effect.Effect<Progress>, never, Scheduler.Scheduler | Scope.Scope> =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const now = (): number => monotonicMillis(clock)
    const counter = new Counter()
    const loads = new Loads(now)
    const scheduler = yield* Scheduler.Scheduler
    const started = now()
    const streams = new StreamCounter(started)
    const before = yield* listenToStreams(scheduler, (stream, last) => {
      streams.note(stream, last)
      onChange()
    })
    streams.begin(before)
    yield* scheduler.listen((event) => {
      loads.add(event)
      // The release of a result says that the consumer of a stream is done with it.
      if (counter.add(event) || event.stream !== undefined) onChange()
    }, onEnd)
    return Effect.map(scheduler.stats, ({ delayed = notDelayed, streams: running = [], workers }) => {
      const open = new Set(running.flatMap(({ isOpen, name }) => isOpen ? [name] : []))
      return {
        ...counter.read(open),
        ...delayed,
        isOpen: open.size > 0,
        streams: streams.read(now(), running),
        workers: loads.read(workers),
        elapsedMillis: now() - started
      }
    })
  })

/**
 * Snapshots of the progress of the scheduler's tasks after each change, at most one per `interval`. The state after the last
 * change is always reported.
 *
 * **Details**
 *
 * The first change is reported at once. A slow consumer misses snapshots and never slows the tasks. The stream ends when the
 * scheduler closes, after the last snapshot.
 *
 * @stability unstable
 * @category subscriptions
 * @since 0.1.0
 */
export const changes = (options?: Options): Stream.Stream<Progress, never, Scheduler.Scheduler> =>
  Stream.unwrap(Effect.gen(function*() {
    yield* dieOfOptions(options, checks)
    // A queue wakes its taker in a turn of its own; a latch would run it inside the engine's.
    const signal = yield* Queue.sliding<void, Cause.Done>(1)
    const closed = yield* Deferred.make<void>()
    const read = yield* count(() => void Queue.offerUnsafe(signal, undefined), () => {
      Queue.endUnsafe(signal)
      Deferred.doneUnsafe(closed, Exit.void)
    })
    const changed = Effect.andThen(Queue.take(signal), read)
    const rest = Effect.timeoutOption(Deferred.await(closed), options?.interval ?? defaultInterval)
    let isFirst = true
    const next = Effect.suspend(() => {
      const pause = isFirst ? Effect.void : Effect.asVoid(rest)
      isFirst = false
      return Effect.andThen(pause, changed)
    })
    return Stream.fromEffectRepeat(next)
  }))

/**
 * Runs an effect and reports the progress of the scheduler's tasks: at once, at every interval, and a last time after the effect
 * has ended, whatever its exit.
 *
 * **Details**
 *
 * Reports run in a fiber of their own, one after the other, and take no slot. A report that fails or throws is the last one, with
 * a warning in the log; the effect is not affected. Only tasks that run during the effect are counted, including those that
 * others submit to the same scheduler.
 *
 * **Gotchas**
 *
 * The end of the effect waits for a running report and for the last one, so reports should be short.
 *
 * **Example** (The last report)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Progress, Skein, Task } from "skein"
 *
 * const squares = [1, 2, 3].map((n) => Task.make(Effect.succeed(n * n), { label: "square" }))
 * const program = Effect.gen(function*() {
 *   let last = ""
 *   yield* Client.compute(squares).pipe(
 *     Progress.withProgress(({ groups, succeeded, total }) => {
 *       last = `${groups.map(({ name }) => name)}: ${succeeded} of ${total}`
 *     })
 *   )
 *   return last
 * }).pipe(Effect.provide(Skein.layer({ concurrency: 1 })))
 * program // => "square: 3 of 3"
 * ```
 *
 * @stability unstable
 * @category subscriptions
 * @since 0.1.0
 */
export const withProgress: {
  <E2 = never, R2 = never>(
    report: (progress: Progress) => Effect.Effect<unknown, E2, R2> | void,
    options?: Options
  ): <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R | R2 | Scheduler.Scheduler>
  <A, E, R, E2 = never, R2 = never>(
    effect: Effect.Effect<A, E, R>,
    report: (progress: Progress) => Effect.Effect<unknown, E2, R2> | void,
    options?: Options
  ): Effect.Effect<A, E, R | R2 | Scheduler.Scheduler>
} = dual(
  (args) => Effect.isEffect(args[0]),
  (effect: Effect.Effect<any, any, any>, report: (progress: Progress) => unknown, options?: Options) =>
    Effect.acquireUseRelease(begin(report, options), () => effect, (end) => end)
)

/** Starts reporting. Returns the effect that ends it with the last report. */
const begin = (report: (progress: Progress) => unknown, options: Options | undefined) =>
  Effect.gen(function*() {
    yield* dieOfOptions(options, checks)
    const scope = yield* Scope.make()
    const read = yield* Scope.provide(count(() => {}), scope)
    let isBroken = false
    const once: Effect.Effect<void, never, any> = Effect.suspend(() =>
      isBroken ? Effect.void : Effect.flatMap(read, toReport)
    ).pipe(
      Effect.catchCause((cause) => {
        isBroken = true
        return warning("A progress report failed; there will be no more", cause)
      }),
      Effect.uninterruptible
    )
    const toReport = (progress: Progress) => {
      const reported: unknown = report(progress)
      if (isGenerator(reported)) {
        return Effect.die(
          new TypeError(
            "The report returned a generator, which nothing runs: use Effect.fn around the generator function."
          )
        )
      }
      if (!isThenable(reported)) return Effect.isEffect(reported) ? reported : Effect.void
      hush(reported)
      return Effect.die(
        new TypeError("The report returned a Promise: return nothing, or an Effect made with Effect.tryPromise.")
      )
    }
    const fiber = yield* Effect.sleep(options?.interval ?? defaultInterval).pipe(
      Effect.andThen(once),
      Effect.forever,
      (later) => Effect.andThen(once, later),
      Effect.forkDetach({ startImmediately: true })
    )
    return Fiber.interrupt(fiber).pipe(Effect.andThen(once), Effect.andThen(Scope.close(scope, Exit.void)))
  })
