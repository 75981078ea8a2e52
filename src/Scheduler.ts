/**
 * The scheduler as its operators see it: events, stories, states of tasks, and workers.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { WorkerPhase } from "./engine/protocol/Transition.ts"
import type { Delayed } from "./engine/views/delayed.ts"
import type { Because, Explanation, TaskName } from "./engine/views/explain.ts"
import type { AwaitWorkersOptions } from "./internal/client/awaitWorkers.ts"
import type { Failure, ModeIn, Result } from "./internal/client/computing.ts"
import type { PauseError, PauseOf, PauseOptions } from "./internal/client/pausing.ts"
import * as picture from "./internal/client/picture.ts"
import type { RunOnEachOptions } from "./internal/client/runOnEach.ts"
import { Scheduler } from "./internal/client/scheduler.ts"
import type { Snapshot, Stats } from "./internal/client/scheduler.ts"
import type { TagOptions, WorkerOptions } from "./internal/settings/layerOptions.ts"
import { given, subjectFirst } from "./internal/tasks/checks.ts"
import type { Mode } from "./internal/tasks/checks.ts"
import type { Task } from "./internal/tasks/handles.ts"
import type { Needs, Own } from "./internal/tasks/shapes.ts"
import { explainText as textOf } from "./internal/text/explainText.ts"
import type { TaskEvent, WorkerEvent } from "./internal/views/events.ts"
import type { NoSuitableWorker, SubmitError } from "./SkeinError.ts"

export type { StreamCounts } from "./internal/bodies/streamCounts.ts"
export type { AwaitWorkersOptions } from "./internal/client/awaitWorkers.ts"
export type { PauseError, PauseOf, PauseOptions } from "./internal/client/pausing.ts"
export type { RunOnEachOptions } from "./internal/client/runOnEach.ts"
export { Scheduler } from "./internal/client/scheduler.ts"
export type { Snapshot, Stats, StreamStats } from "./internal/client/scheduler.ts"
export type { TaskEvent, WorkerEvent } from "./internal/views/events.ts"

export type { Because, Delayed, Explanation, TaskName }

export type { WorkerPhase }

/**
 * All transitions of tasks, from the subscription until the scheduler closes.
 *
 * **Details**
 *
 * Each subscriber gets every event, in order. When the scheduler closes, the stream ends after the last event.
 *
 * **Gotchas**
 *
 * Events wait in an unbounded queue, so that a slow subscriber never slows the tasks; the queue of a subscriber that stays behind
 * grows. `Stream.buffer` with the strategy "sliding" drops the oldest events instead.
 *
 * @stability unstable
 * @category subscriptions
 * @since 0.1.0
 */
export const events: Stream.Stream<TaskEvent, never, Scheduler> = Stream.unwrap(
  Scheduler.use((s) => Effect.succeed(s.events))
)

/**
 * The transitions of the newest live task with a key, or of the one in a graph, oldest first. If no such task is live, the
 * transitions of all tasks that had the name. Needs a layer with `stories`.
 *
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const story = (name: TaskName): Effect.Effect<ReadonlyArray<TaskEvent>, never, Scheduler> =>
  Scheduler.use((s) => s.story(name))

/**
 * The state of a live task, and why it is not running. `Option.none` if there is no such task.
 *
 * **Details**
 *
 * Tasks of several graphs may have one key. A key alone means the newest of them, and `more` says how many others are live. A key
 * with the number of a graph means the one in that graph; events, metadata and dumps have that number.
 *
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const explain = (name: TaskName): Effect.Effect<Option.Option<Explanation>, never, Scheduler> =>
  Scheduler.use((s) => s.explain(name))

/**
 * {@link explain} for many tasks, in the order given; without an argument, for all tasks that have not ended. Names without a
 * live task are left out.
 *
 * **Details**
 *
 * Costs one pass over all tasks for all names together; {@link explain} costs one pass for each name.
 *
 * **Example** (What stands still, and why)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Scheduler, Skein, Task } from "skein"
 *
 * const slow = Task.make(Effect.never, { key: "slow" })
 * const sum = Task.map([slow], () => 1, { key: "sum" })
 *
 * const program = Effect.gen(function*() {
 *   yield* Client.submit(sum)
 *   yield* Effect.yieldNow
 *   const explained = yield* Scheduler.explainAll()
 *   return explained.map(({ because, key }) => `${key}: ${because._tag}`)
 * }).pipe(Effect.scoped, Effect.provide(Skein.layer()))
 * program // => ["slow: Running", "sum: WaitsForDependencies"]
 * ```
 *
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const explainAll = (
  names?: Iterable<TaskName>
): Effect.Effect<ReadonlyArray<Explanation>, never, Scheduler> => Scheduler.use((s) => s.explainAll(names))

/**
 * An explanation as a sentence for people.
 *
 * @stability unstable
 * @category formatting
 * @since 0.1.0
 */
export const explainText = (explanation: Explanation): string => textOf(explanation)

/**
 * Every key with its state.
 *
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const dump: Effect.Effect<Snapshot, never, Scheduler> = Scheduler.use((s) => s.dump)

/**
 * A picture of a dump for Mermaid: the live tasks by their states, and what they wait for. Tasks of streams are one node for each
 * name of a stream, with the number of its items in each place.
 *
 * **Example** (What a scheduler does)
 *
 * ```ts import.meta.vitest
 * import { Effect, Stream } from "effect"
 * import { Client, Scheduler, Skein } from "skein"
 *
 * const program = Effect.gen(function*() {
 *   const pages = Client.stream([1, 2, 3, 4], () => Effect.never, { name: "pages", outstanding: 3 })
 *   yield* Effect.forkScoped(Stream.runDrain(pages))
 *   yield* Effect.yieldNow
 *   yield* Effect.yieldNow
 *   return Scheduler.toMermaid(yield* Scheduler.dump).split("\n")[1]
 * }).pipe(Effect.scoped, Effect.provide(Skein.layer({ concurrency: 2 })))
 * program // => "  0[[\"stream pages<br/>0 of 4<br/>2 running, 1 waiting\"]]"
 * ```
 *
 * @stability unstable
 * @category converting
 * @since 0.1.0
 */
export const toMermaid = (dump: Snapshot): string => picture.toMermaid(dump)

/**
 * The same picture in the DOT language of GraphViz.
 *
 * @stability unstable
 * @category converting
 * @since 0.1.0
 */
export const toGraphViz = (dump: Snapshot): string => picture.toGraphViz(dump)

/**
 * The number of tasks in each state.
 *
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const stats: Effect.Effect<Stats, never, Scheduler> = Scheduler.use((s) => s.stats)

/**
 * Adds a fiber worker until the scope closes, and returns its id. Ready tasks start there at once.
 *
 * **Details**
 *
 * When the scope closes, the worker starts nothing new. It leaves when its last task has ended and other workers hold its
 * results; without other workers, its results stay readable. Options default to those of the layer. A failure of its `onStart` is
 * a failure of this; a failure of the layer's `onStart` is a `SubmitError` of the reason `WorkerFailed`.
 *
 * @stability unstable
 * @category workers
 * @since 0.1.0
 */
export const addWorker = <E = never, R = never>(
  options: WorkerOptions<E, R>
): Effect.Effect<string, E | SubmitError, Exclude<R, Scope.Scope> | Scheduler | Scope.Scope> =>
  Scheduler.use((s) => s.addWorker(options))

/**
 * Moves results from workers that hold many to workers that hold few, until they differ by one at most. Results that several
 * workers hold, that own a resource, or that live on one stay in place.
 *
 * @stability unstable
 * @category workers
 * @since 0.1.0
 */
export const rebalance: Effect.Effect<void, never, Scheduler> = Scheduler.use((s) => s.rebalance)

/**
 * Limits how many tasks with this tag run at once, and how many start within a time, on all workers together.
 *
 * **Details**
 *
 * This replaces all limits of the tag: a number has no rate, and `undefined` removes both. Running tasks go on, even if they exceed
 * a lowered limit, and starts that a former rate has counted count in the new one. See the option `tags` of tasks and of
 * `Skein.layer`.
 *
 * @stability unstable
 * @category workers
 * @since 0.1.0
 */
export const limitTag = (
  tag: string,
  limits: number | TagOptions | undefined
): Effect.Effect<void, never, Scheduler> => Scheduler.use((s) => s.limitTag(tag, limits))

/**
 * Lets nothing start until it is resumed: no task with a tag, no task of a group of `Client.fireAndForget`, or nothing at all.
 *
 * **When to use**
 *
 * When a service says that it wants to be left alone for a while, as with the status 429 and a `Retry-After`; or to look at a
 * scheduler at rest. A body may call it.
 *
 * **Details**
 *
 * Ready tasks, retries and children wait; they hold nothing, and hold up no others. What runs goes on, and a body whose wait is over
 * takes its slot again. Time limits go on, and cancellations and the close of the layer work as ever. Under a pause of a group, what
 * the bodies of its running tasks submit starts.
 *
 * A second pause of the same changes at most the end: the later end counts, so a pause without an end stays one. One
 * {@link resume} ends it. Pauses of a tag, of a group and of everything are independent: a task that two of them mean starts when
 * both have ended.
 *
 * Fails with `UnknownTarget` if nothing has the name: no limit and no live task has the tag, or the group is empty.
 *
 * **Example** (A pause that ends by itself)
 *
 * ```ts import.meta.vitest
 * import { Clock, Effect } from "effect"
 * import { TestClock } from "effect/testing"
 * import { Client, Future, Scheduler, Skein, Task } from "skein"
 *
 * const call = Task.make(Clock.currentTimeMillis, { tags: ["api"] })
 *
 * const program = Effect.gen(function*() {
 *   yield* Scheduler.pause({ tag: "api", for: "5 seconds" })
 *   const future = yield* Client.submit(call)
 *   yield* TestClock.adjust("5 seconds")
 *   return yield* Future.join(future)
 * }).pipe(Effect.scoped, Effect.provide(Skein.layer({ tags: { api: 8 } })), Effect.provide(TestClock.layer()))
 * program // => 5000
 * ```
 *
 * @stability unstable
 * @category workers
 * @since 0.1.0
 */
export const pause = <const O extends PauseOptions = {}>(
  options?: O
): Effect.Effect<void, PauseError<O>, Scheduler> => Scheduler.use((s) => s.pause(options))

/**
 * Ends a pause at once, and returns whether there was one. Without a tag or a group it ends the pause of everything alone.
 *
 * @stability unstable
 * @category workers
 * @since 0.1.0
 */
export const resume = (of?: PauseOf): Effect.Effect<boolean, never, Scheduler> => Scheduler.use((s) => s.resume(of))

/**
 * Drains the worker with this id, and waits until it has left: its last task has ended, and the resources of its `onStart` are
 * released. Returns whether there was such a worker.
 *
 * **Details**
 *
 * Before it leaves, other workers take over its results. Without other workers its results stay readable, as do results that own
 * a resource. It is not replaced, whatever `restart` says. Interrupting this ends the wait alone: the worker leaves all the same.
 * A body that retires its own worker does not wait.
 *
 * **Gotchas**
 *
 * A body that waits here keeps its slot; `Worker.seceded` frees the slot meanwhile.
 *
 * @stability unstable
 * @category workers
 * @since 0.1.0
 */
export const retire = (id: string): Effect.Effect<boolean, never, Scheduler> => Scheduler.use((s) => s.retire(id))

/**
 * Waits until `count` workers take tasks, or until no more workers join. Returns their number.
 *
 * **Details**
 *
 * Returns at once when there are `count` or more. Fails with `NoSuitableWorker` if there is none within `connectTimeout`. Returns
 * with fewer when none has joined for `stableTimeout`. Fails with a `SubmitError` of the reason `Closed` when the scheduler
 * closes.
 *
 * **Gotchas**
 *
 * This starts no worker: an elastic pool grows with ready tasks alone. A body that waits here keeps its slot; `Worker.seceded`
 * frees the slot meanwhile.
 *
 * **Example** (Wait for two workers)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Scheduler, Skein } from "skein"
 *
 * const program = Effect.gen(function*() {
 *   yield* Scheduler.addWorker({ id: "a", concurrency: 1 })
 *   yield* Scheduler.addWorker({ id: "b", concurrency: 1 })
 *   return yield* Scheduler.awaitWorkers(2)
 * }).pipe(Effect.scoped, Effect.provide(Skein.layer({ workers: [], waitForWorkers: "1 minute" })))
 * program // => 2
 * ```
 *
 * @stability unstable
 * @category workers
 * @since 0.1.0
 */
export const awaitWorkers = (
  count: number,
  options?: AwaitWorkersOptions
): Effect.Effect<number, NoSuitableWorker | SubmitError, Scheduler> =>
  Scheduler.use((s) => s.awaitWorkers(count, options))

/**
 * Runs an effect once on every worker that takes tasks, and returns the results by the names of the workers.
 *
 * **When to use**
 *
 * To inspect or change each worker: read a counter, warm a cache, change a setting.
 *
 * **Details**
 *
 * The workers are those that take tasks when it is called, or will when they have started. Workers that join later are left out,
 * and without workers the result is empty. Each run is a task restricted to its worker. It takes a slot like any task, and ranks
 * ahead of ready tasks. `Worker.current` tells the effect where it runs. This call owns the runs: none is left when it returns or
 * is interrupted. `mode` is as in `Client.compute`; with `collect` there is an `Exit` for each worker.
 *
 * If a worker leaves or is lost before its run has begun, the run begins on the worker that replaces it under its id, or ends
 * with `NoSuitableWorker` without one. No run happens twice: if its worker is lost after the run may have begun, it ends with
 * `WorkerKilled`. The idea is that of Dask's `Client.run`, which takes no slot.
 *
 * **Gotchas**
 *
 * The call waits for workers whose slots are all taken. `Effect.timeout` on the whole limits that.
 *
 * **Example** (Who is there)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Scheduler, Skein, Worker } from "skein"
 *
 * const layer = Skein.layer({ workers: [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 2 }] })
 * const program = Scheduler.runOnEach(Effect.map(Worker.current, ({ id }) => id.toUpperCase())).pipe(
 *   Effect.map((found) => [...found]),
 *   Effect.provide(layer)
 * )
 * program // => [["a", "A"], ["b", "B"]]
 * ```
 *
 * @stability unstable
 * @category workers
 * @since 0.1.0
 */
export const runOnEach: <
  const Arg extends Effect.Effect<any, any, any> | RunOnEachOptions,
  const M extends Mode = "failFast"
>(
  effectOrOptions: Arg,
  options?: RunOnEachOptions<M> | number
) => OnEach<Arg, M> = dual(
  subjectFirst,
  (effect: Effect.Effect<unknown>, options?: RunOnEachOptions | number): any =>
    Scheduler.use((s) => s.runOnEach(effect, given(options)))
)

/** What a run on each worker gives. An editor shows it in full, as it has no other name. */
type OnEach<Arg, M extends Mode> = [Arg] extends [Effect.Effect<infer A, infer E, infer R>] ? Effect.Effect<
    ReadonlyMap<string, Result<Task<A, Own<E>>, M>>,
    Failure<Task<A, Own<E>>, M> | SubmitError,
    Needs<R> | Scheduler
  >
  : <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<
    ReadonlyMap<string, Result<Task<A, Own<E>>, ModeIn<Arg>>>,
    Failure<Task<A, Own<E>>, ModeIn<Arg>> | SubmitError,
    Needs<R> | Scheduler
  >

/**
 * All transitions of workers, from the subscription until the scheduler closes: which join, drain, leave, are lost, and which
 * replace others.
 *
 * @stability unstable
 * @category subscriptions
 * @since 0.1.0
 */
export const workerEvents: Stream.Stream<WorkerEvent, never, Scheduler> = Stream.unwrap(
  Scheduler.use((s) => Effect.succeed(s.workerEvents))
)

/**
 * Calls `f` with each transition as it happens, until the scope closes. Calls `end`, if given, when the scheduler closes first.
 *
 * **Details**
 *
 * All listeners see the same order. `f` may submit or cancel: the transitions of that follow those that are being delivered. A
 * listener that throws, or returns a promise that fails, is not called again.
 *
 * @stability unstable
 * @category subscriptions
 * @since 0.1.0
 */
export const listen = (
  f: (event: TaskEvent) => void,
  end?: () => void
): Effect.Effect<void, never, Scheduler | Scope.Scope> => Scheduler.use((s) => s.listen(f, end))
