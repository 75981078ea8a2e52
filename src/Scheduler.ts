/**
 * The scheduler as its operators see it: events, stories, states of tasks, and workers.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Failure, Mode, Result } from "./Client.ts"
import { phaseNames } from "./engine/protocol/Phase.ts"
import type { PhaseName } from "./engine/protocol/Phase.ts"
import type { Transition, WorkerPhase, WorkerTransition } from "./engine/protocol/Transition.ts"
import { explain as explainIn, explainAll as explainAllIn, serialOf as serialIn } from "./engine/views/explain.ts"
import type { Because, Explanation, TaskName } from "./engine/views/explain.ts"
import { isPresent, resourcesOf, snapshot, tagsOf } from "./engine/views/snapshot.ts"
import type { Snapshot } from "./engine/views/snapshot.ts"
import type { Future, WaitOptions } from "./Future.ts"
import type { Needs, Own } from "./Inputs.ts"
import { awaitWorkers as awaitWorkersOf } from "./internal/client/awaitWorkers.ts"
import { runOnEach as runOnEachOf } from "./internal/client/runOnEach.ts"
import type { SchedulerCore } from "./internal/driver/schedulerCore.ts"
import { postingOf } from "./internal/settings/terms.ts"
import { callback, count, name, valueFault } from "./internal/tasks/checks.ts"
import { checkedExit, implOf } from "./internal/tasks/task.ts"
import { closed } from "./internal/text/closed.ts"
import { explainText as textOf } from "./internal/text/explainText.ts"
import { quote } from "./internal/text/text.ts"
import type { WorkerOptions, WorkerTerms } from "./Skein.ts"
import { GraphError } from "./SkeinError.ts"
import type { NoSuitableWorker } from "./SkeinError.ts"
import type { Task } from "./Task.ts"

export type { Because, Explanation, Snapshot, TaskName }

/**
 * One transition of one task: its time (Unix milliseconds, by the layer's `Clock`), the task, the states before and after, the
 * worker, and the name of the event that caused it.
 *
 * **Details**
 *
 * A key names a task within its graph, whose number is `graph`. Tasks of other graphs may have the same key. `serial` is the
 * number of the task among all that the scheduler has known, and tells them apart. `owner` is the number of the scope or compute
 * for which the task was submitted. `computation` is the number of the request from outside of tasks that led to it. Tasks that a
 * body submits belong to the computation of that body's task, but to an owner of their own.
 *
 * @category models
 * @since 0.1.0
 */
export interface TaskEvent extends Transition {}

/**
 * One transition of one worker: its time (Unix milliseconds, by the layer's `Clock`), the worker, the states before and after,
 * and the name of the event that caused it.
 *
 * **Details**
 *
 * A worker that replaces another is `starting` until its `onStart` has succeeded. Then it is `open`, as an added worker is.
 * `draining`: it starts nothing new, and is `gone` when its last task has ended. `lost`: it crashed, was silent for its `ttl`, or
 * could not be started. `serial` is the number of the worker among all that the scheduler has known, and distinguishes workers of
 * one name.
 *
 * @category models
 * @since 0.1.0
 */
export interface WorkerEvent extends WorkerTransition {}

export type { WorkerPhase }

/**
 * How long to wait for workers.
 *
 * @category models
 * @since 0.1.0
 */
export interface AwaitWorkersOptions {
  /** The time to wait for the first worker. Defaults to 5 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /** The time to wait for another worker since the last one joined. Defaults to 60 seconds. */
  readonly stableTimeout?: Duration.Input | undefined
}

/**
 * Options of {@link runOnEach}.
 *
 * @category models
 * @since 0.1.0
 */
export interface RunOnEachOptions<M extends Mode = Mode> extends WaitOptions {
  /** The effect of a failure on the runs of other workers, as in `Client.compute`. Defaults to `failFast`. */
  readonly errors?: M | undefined
  /** The label of the tasks. Defaults to "runOnEach". */
  readonly label?: string | undefined
}

/**
 * The number of tasks in each state, and the load of the workers.
 *
 * @category models
 * @since 0.1.0
 */
export interface Stats {
  readonly tasks: { readonly [P in PhaseName]: number }
  /** The number of results that are held. */
  readonly held: number
  /** The number of scopes and computes that own something, and of open waits. */
  readonly owners: number
  readonly waits: number
  /** The workers that have not left: the state of each, and the number of tasks that hold its slots. */
  readonly workers: ReadonlyArray<{
    readonly name: string
    readonly phase: WorkerPhase
    readonly slots: number
    readonly running: number
    /** Its resources, in total and used. Absent if it has slots only. */
    readonly resources?: Readonly<Record<string, { readonly total: number; readonly used: number }>>
  }>
  /** The number of tasks that hold each tag, and the limits. Absent if no tag is limited or held. */
  readonly tags?: Readonly<Record<string, { readonly limit?: number; readonly used: number }>>
}

/**
 * The scheduler of a layer.
 *
 * @category services
 * @since 0.1.0
 */
export class Scheduler extends Context.Service<Scheduler, {
  /** All transitions of tasks, from the subscription until the scheduler closes. Costs nothing without subscribers. */
  readonly events: Stream.Stream<TaskEvent>
  /** The transitions of one task, oldest first, as far back as the layer's `stories` reaches. */
  readonly story: (name: TaskName) => Effect.Effect<ReadonlyArray<TaskEvent>>
  /** The state of the live task of this name, and why it is not running; `undefined` if there is none. */
  readonly explain: (name: TaskName) => Effect.Effect<Explanation | undefined>
  /** The same for many names, or for all tasks that have not ended. */
  readonly explainAll: (names?: Iterable<TaskName>) => Effect.Effect<ReadonlyArray<Explanation>>
  /** Every key with its state, what it waits for and which workers hold its result: plain data for a person or a test. */
  readonly dump: Effect.Effect<Snapshot>
  readonly stats: Effect.Effect<Stats>
  /** Adds a fiber worker. When the scope closes, the worker starts nothing new and leaves once its tasks have ended. */
  readonly addWorker: (options: WorkerOptions) => Effect.Effect<string, GraphError, Scope.Scope>
  /** Limits how many tasks with this tag run at once, on all workers together; `undefined` removes the limit. */
  readonly limitTag: (tag: string, limit: number | undefined) => Effect.Effect<void, GraphError>
  /** Drains the worker with this name, and waits until it has left. Returns whether there was one. */
  readonly retire: (id: string) => Effect.Effect<boolean>
  /** Waits for workers; see {@link awaitWorkers}. */
  readonly awaitWorkers: (
    count: number,
    options?: AwaitWorkersOptions
  ) => Effect.Effect<number, NoSuitableWorker | GraphError>
  /** Runs an effect once on every worker; see {@link runOnEach}. */
  readonly runOnEach: <A, E, R, const M extends Mode = "failFast">(
    effect: Effect.Effect<A, E, R>,
    options?: RunOnEachOptions<M>
  ) => Effect.Effect<
    ReadonlyMap<string, Result<Task<A, Own<E>>, M>>,
    Failure<Task<A, Own<E>>, M> | GraphError,
    Needs<R>
  >
  /** All transitions of workers, from the subscription until the scheduler closes. */
  readonly workerEvents: Stream.Stream<WorkerEvent>
  /** Moves results from workers that hold many to those that hold few. */
  readonly rebalance: Effect.Effect<void>
  /** Calls `f` with each transition as it happens, until the scope closes; calls `end` if the scheduler closes first. */
  readonly listen: (f: (event: TaskEvent) => void, end?: () => void) => Effect.Effect<void, never, Scope.Scope>
}>()("skein/Scheduler") {}

/** @internal */
export const make = (core: SchedulerCore, stories: number, terms: WorkerTerms): Scheduler["Service"] => {
  const story = ring(stories)
  if (stories > 0) core.observers.listen(story.add)
  core.life.remembered = story.entries
  return {
    events: eventsOf(core),
    story: (name) => Effect.sync(() => storyOf(story.entries(), name, serialIn(core.state, name))),
    explain: (name) =>
      Effect.sync(() => {
        const explanation = explainIn(core.state, name)
        return explanation && dated(core, explanation)
      }),
    explainAll: (names) => Effect.sync(() => explainAllIn(core.state, names).map((each) => dated(core, each))),
    dump: Effect.sync(() => dumpOf(core)),
    stats: Effect.sync(() => statsOf(core)),
    addWorker: (options) =>
      Effect.suspend(() => {
        const posting = postingOf(options, terms)
        if (posting instanceof GraphError) return Effect.fail(posting)
        if (core.life.isClosed) return Effect.fail(closed("scheduler"))
        return core.crew.add(posting)
      }),
    retire: (id) =>
      Effect.suspend(() => {
        const record = core.state.workers.find((worker) => worker.name === id && isPresent(worker))
        return record === undefined
          ? Effect.succeed(false)
          : Effect.as(core.crew.retire(core.workers[record.index]!), true)
      }),
    awaitWorkers: (count, options) => awaitWorkersOf(core, count, options),
    runOnEach: (effect, options) => runOnEachOf(core, effect, options) as any,
    workerEvents: queued((add, end) => core.crew.listen(add, end)),
    limitTag: (tag, limit) => {
      const fault = valueFault(name, "tag", tag) ??
        (limit === undefined ? undefined : valueFault(count, `limit of tag ${quote(tag)}`, limit))
      if (fault !== undefined) return Effect.fail(fault)
      return Effect.sync(() => void core.mailbox.ask({ _tag: "TagLimited", now: core.time.now(), tag, limit }))
    },
    rebalance: Effect.sync(() => core.copies.rebalance()),
    listen: (f, end) => {
      const fault = valueFault(callback, "f of listen", f) ??
        (end === undefined ? undefined : valueFault(callback, "end of listen", end))
      return fault === undefined ? listenTo(core, f, end) : Effect.die(fault)
    }
  }
}

const listenTo = (core: SchedulerCore, f: (event: TaskEvent) => void, end?: () => void) =>
  Effect.asVoid(Effect.acquireRelease(Effect.sync(() => core.observers.listen(f, end)), (stop) => Effect.sync(stop)))

const eventsOf = (core: SchedulerCore): Stream.Stream<TaskEvent> =>
  queued((add, end) => core.observers.listen(add, end))

/** A stream of what `listen` adds. `listen` returns the function that ends it. */
const queued = <A>(listen: (add: (event: A) => void, end: () => void) => () => void): Stream.Stream<A> =>
  Stream.unwrap(Effect.gen(function*() {
    const queue = yield* Queue.unbounded<A, Cause.Done>()
    const begin = Effect.sync(() =>
      listen((event) => void Queue.offerUnsafe(queue, event), () => void Queue.endUnsafe(queue))
    )
    yield* Effect.acquireRelease(begin, (stop) => Effect.sync(stop))
    return Stream.fromQueue(queue)
  }))

/** The last `size` events. */
const ring = (size: number) => {
  const events: Array<TaskEvent> = []
  let next = 0
  return {
    add: (event: TaskEvent): void => {
      events[next % size] = event
      next++
    },
    entries: (): ReadonlyArray<TaskEvent> =>
      next <= size ? events : [...events.slice(next % size), ...events.slice(0, next % size)]
  }
}

/** The remembered events of the live task with this number, or of all tasks with the name if there is none. */
const storyOf = (entries: ReadonlyArray<TaskEvent>, name: TaskName, live: number | undefined) => {
  if (live !== undefined) return entries.filter(({ serial }) => serial === live)
  if (typeof name === "string") return entries.filter(({ key }) => key === name)
  return entries.filter(({ graph, key }) => key === name.key && graph === name.graph)
}

/** The explanation with instants for people, in place of the engine's monotonic moments. */
const dated = ({ time }: SchedulerCore, explanation: Explanation): Explanation => {
  const { because } = explanation
  switch (because._tag) {
    case "WaitsForRetry":
      return { ...explanation, because: { ...because, at: because.at + time.offset() } }
    case "NoWorker":
    case "NoSuitableWorker":
      return because.until === undefined
        ? explanation
        : { ...explanation, because: { ...because, until: because.until + time.offset() } }
    case "Stopping":
      return { ...explanation, because: { ...because, since: because.since + time.offset() } }
    default:
      return explanation
  }
}

const dumpOf = ({ state, time }: SchedulerCore): Snapshot => {
  const { now, wakeAt, ...rest } = snapshot(state)
  const offset = time.offset()
  return { now: now + offset, wakeAt: wakeAt && wakeAt + offset, ...rest }
}

const statsOf = (core: SchedulerCore): Stats => {
  const { owners, tasks, waits, workers } = core.state
  const counts: Array<number> = phaseNames.map(() => 0)
  for (let task = 0; task < tasks.used; task++) counts[tasks.phase[task]!]!++
  const named = phaseNames.flatMap((name, phase) => name === "free" ? [] : [[name, counts[phase]!] as const])
  return {
    tasks: Object.fromEntries(named) as Stats["tasks"],
    held: core.workers.reduce((sum, worker) => sum + worker.results.size, 0),
    owners: owners.size,
    waits: waits.size,
    workers: workers.filter(isPresent).map((worker) => ({
      name: worker.name,
      phase: worker.phase,
      slots: worker.slots,
      running: worker.running,
      ...(worker.amounts !== undefined && { resources: resourcesOf(worker) })
    })),
    ...(core.state.tags.size + core.state.holding.size > 0 && { tags: tagsOf(core.state) })
  }
}

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
 * @category observing
 * @since 0.1.0
 */
export const events: Stream.Stream<TaskEvent, never, Scheduler> = Stream.unwrap(
  Scheduler.use((s) => Effect.succeed(s.events))
)

/**
 * The transitions of the newest live task with a key, or of the one in a graph, oldest first. If no such task is live, the
 * transitions of all tasks that had the name. Needs a layer with `stories`.
 *
 * @category observing
 * @since 0.1.0
 */
export const story = (name: TaskName): Effect.Effect<ReadonlyArray<TaskEvent>, never, Scheduler> =>
  Scheduler.use((s) => s.story(name))

/**
 * The state of a live task, and why it is not running. `undefined` if there is no such task.
 *
 * **Details**
 *
 * Tasks of several graphs may have one key. A key alone means the newest of them, and `more` says how many others are live. A key
 * with the number of a graph means the one in that graph; events, metadata and dumps have that number.
 *
 * @category observing
 * @since 0.1.0
 */
export const explain = (name: TaskName): Effect.Effect<Explanation | undefined, never, Scheduler> =>
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
 * @category observing
 * @since 0.1.0
 */
export const explainAll = (
  names?: Iterable<TaskName>
): Effect.Effect<ReadonlyArray<Explanation>, never, Scheduler> => Scheduler.use((s) => s.explainAll(names))

/**
 * An explanation as a sentence for people.
 *
 * @category observing
 * @since 0.1.0
 */
export const explainText = (explanation: Explanation): string => textOf(explanation)

/**
 * Every key with its state.
 *
 * @category observing
 * @since 0.1.0
 */
export const dump: Effect.Effect<Snapshot, never, Scheduler> = Scheduler.use((s) => s.dump)

/**
 * The number of tasks in each state.
 *
 * @category observing
 * @since 0.1.0
 */
export const stats: Effect.Effect<Stats, never, Scheduler> = Scheduler.use((s) => s.stats)

/**
 * Adds a fiber worker until the scope closes, and returns its name. Ready tasks start there at once.
 *
 * **Details**
 *
 * When the scope closes, the worker starts nothing new. It leaves when its last task has ended and other workers hold its
 * results; without other workers, its results stay readable. Options default to those of the layer.
 *
 * @category workers
 * @since 0.1.0
 */
export const addWorker = (options: WorkerOptions): Effect.Effect<string, GraphError, Scheduler | Scope.Scope> =>
  Scheduler.use((s) => s.addWorker(options))

/**
 * Moves results from workers that hold many to workers that hold few, until they differ by one at most. Results that several
 * workers hold, that own a resource, or that live on one stay in place.
 *
 * @category workers
 * @since 0.1.0
 */
export const rebalance: Effect.Effect<void, never, Scheduler> = Scheduler.use((s) => s.rebalance)

/**
 * Settles the task of a future from outside. Returns whether the task took this end.
 *
 * **When to use**
 *
 * When you know the outcome before the task does: from an earlier run, from another system, or by decision.
 *
 * **Details**
 *
 * A task that has not started never does, and its dependents go on with the value or the failure; with the failure `TaskSkipped`
 * it is skipped, as are they. A running task is interrupted: the given end is published when its finalizers have run, and its own
 * result is discarded. A `flatMap` task gives up its graph. A task that has ended, or was asked to stop, is not affected: the
 * answer is `false`. All owners and dependents see the same end. A worker holds the value like any other; if that worker is lost,
 * the task runs after all.
 *
 * To settle a task inside a graph, give it a key and submit the same `Task` object: that joins it, and returns a future of it.
 *
 * **Gotchas**
 *
 * The answer is also `false` if no worker is left that could hold a value.
 *
 * **Example** (Do not run what was done yesterday)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit } from "effect"
 * import { Client, Future, Scheduler, Skein, Task } from "skein"
 *
 * const load = Task.make(Effect.die("yesterday's server is gone"), { key: "load" })
 * const count = Task.map(load as Task.Task<string>, (text) => text.length)
 * const program = Effect.scoped(Effect.gen(function*() {
 *   const [loaded, counted] = yield* Client.submitAll([load as Task.Task<string>, count])
 *   yield* Scheduler.settle(loaded, Exit.succeed("3,4,5"))
 *   return yield* Future.join(counted)
 * }))
 * program.pipe(Effect.provide(Skein.layer())) // => 5
 * ```
 *
 * @category settling
 * @since 0.1.0
 */
export const settle = <A, E>(
  future: Future<A, E>,
  exit: Exit.Exit<NoInfer<A>, NoInfer<E>>
): Effect.Effect<boolean> =>
  Effect.sync(() => {
    const impl = implOf(future)
    return impl.home.settling.settle(impl, checkedExit(exit))
  })

/**
 * Limits how many tasks with this tag run at once, on all workers together; `undefined` removes the limit.
 *
 * **Details**
 *
 * Running tasks go on, even if they exceed a lowered limit. See the option `tags` of tasks and of `Skein.layer`.
 *
 * @category workers
 * @since 0.1.0
 */
export const limitTag = (tag: string, limit: number | undefined): Effect.Effect<void, GraphError, Scheduler> =>
  Scheduler.use((s) => s.limitTag(tag, limit))

/**
 * Drains the worker with this name, and waits until it has left: its last task has ended, and the resources of its `onStart` are
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
 * with fewer when none has joined for `stableTimeout`. Fails with a `GraphError` of the reason `Closed` when the scheduler
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
 * @category workers
 * @since 0.1.0
 */
export const awaitWorkers = (
  count: number,
  options?: AwaitWorkersOptions
): Effect.Effect<number, NoSuitableWorker | GraphError, Scheduler> =>
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
 * is interrupted. `errors` is as in `Client.compute`; with `collect` there is an `Exit` for each worker.
 *
 * If a worker leaves or is lost before its run has begun, the run begins on the worker that replaces it under its name, or ends
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
 * const program = Scheduler.runOnEach(Effect.map(Worker.current, ({ worker }) => worker.toUpperCase())).pipe(
 *   Effect.map((found) => [...found]),
 *   Effect.provide(layer)
 * )
 * program // => [["a", "A"], ["b", "B"]]
 * ```
 *
 * @category workers
 * @since 0.1.0
 */
export const runOnEach = <A, E, R, const M extends Mode = "failFast">(
  effect: Effect.Effect<A, E, R>,
  options?: RunOnEachOptions<M>
): Effect.Effect<
  ReadonlyMap<string, Result<Task<A, Own<E>>, M>>,
  Failure<Task<A, Own<E>>, M> | GraphError,
  Needs<R> | Scheduler
> => Scheduler.use((s) => s.runOnEach(effect, options))

/**
 * All transitions of workers, from the subscription until the scheduler closes: which join, drain, leave, are lost, and which
 * replace others.
 *
 * @category observing
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
 * @category observing
 * @since 0.1.0
 */
export const listen = (
  f: (event: TaskEvent) => void,
  end?: () => void
): Effect.Effect<void, never, Scheduler | Scope.Scope> => Scheduler.use((s) => s.listen(f, end))
