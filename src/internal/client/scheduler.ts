/**
 * The service behind the functions of `Scheduler`.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { phaseNames } from "../../engine/protocol/Phase.ts"
import type { PhaseName } from "../../engine/protocol/Phase.ts"
import type { WorkerPhase } from "../../engine/protocol/Transition.ts"
import { columnsOf } from "../../engine/views/columns.ts"
import { delayedIn } from "../../engine/views/delayed.ts"
import type { Delayed } from "../../engine/views/delayed.ts"
import {
  explain as explainIn,
  explainAll as explainAllIn,
  explainTasks,
  serialOf as serialIn
} from "../../engine/views/explain.ts"
import type { Explanation, TaskName } from "../../engine/views/explain.ts"
import { countsOf, isHere, resourcesOf, snapshot, tagsIn } from "../../engine/views/snapshot.ts"
import type { LimitsSnapshot, Snapshot as EngineSnapshot } from "../../engine/views/snapshot.ts"
import { workersOf } from "../../engine/views/workers.ts"
import { SubmitError } from "../../SkeinError.ts"
import type { NoSuitableWorker } from "../../SkeinError.ts"
import { withoutAttempt } from "../bodies/ambient.ts"
import { attemptOf } from "../bodies/attempt.ts"
import type { StreamCounts, StreamListener } from "../bodies/streamCounts.ts"
import type { SchedulerCore } from "../driver/schedulerCore.ts"
import { limitOf, limitsOfTag } from "../settings/fairness.ts"
import type { TagOptions, WorkerOptions } from "../settings/layerOptions.ts"
import { postingOf } from "../settings/terms.ts"
import type { LayerTerms, Posting } from "../settings/terms.ts"
import { callback, checkOf, name, valueFault } from "../tasks/checks.ts"
import type { Check, Mode } from "../tasks/checks.ts"
import { closed } from "../tasks/closed.ts"
import type { Task } from "../tasks/handles.ts"
import { Mistake } from "../tasks/mistake.ts"
import type { Needs, Own } from "../tasks/shapes.ts"
import { WorkerFailed } from "../text/reasons.ts"
import { quote } from "../text/text.ts"
import { byReference } from "../values/identity.ts"
import type { TaskEvent, WorkerEvent } from "../views/events.ts"
import { awaitWorkers as awaitWorkersOf } from "./awaitWorkers.ts"
import type { AwaitWorkersOptions } from "./awaitWorkers.ts"
import type { Failure, Result } from "./computing.ts"
import { pause, resume } from "./pausing.ts"
import type { PauseError, PauseOf, PauseOptions } from "./pausing.ts"
import { runOnEach as runOnEachOf } from "./runOnEach.ts"
import type { RunOnEachOptions } from "./runOnEach.ts"

/**
 * One stream that has not closed: its name, the number of its owner, which events of its tasks have, and where its items are.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface StreamStats extends StreamCounts {
  readonly name: string
  readonly owner: number
}

/** One stream in a dump. */
export interface StreamSnapshot extends StreamStats {
  /** The most items that are taken and not done with. */
  readonly outstanding: number
  /** Its first task that has not ended, and why not. Without one: the source, which has to give an item, or the reader. */
  readonly waitsFor: "source" | "reader" | Explanation
}

/**
 * Everything that is known at one moment.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Snapshot extends EngineSnapshot {
  /** The streams that have not closed, if there are any. */
  readonly streams?: ReadonlyArray<StreamSnapshot>
}

/**
 * The number of tasks in each state, and the load of the workers.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Stats extends LimitsSnapshot {
  readonly tasks: { readonly [P in PhaseName]: number }
  /** How many ready tasks a rate or a pause holds back, if any. */
  readonly delayed?: Delayed
  /** The streams that have not closed, if there are any. */
  readonly streams?: ReadonlyArray<StreamStats>
  /** The number of results that are held. */
  readonly held: number
  /** The number of scopes and computes that own something, and of open waits. */
  readonly owners: number
  readonly waits: number
  /** The workers that have not left: the state of each, and the number of tasks that hold its slots. */
  readonly workers: ReadonlyArray<{
    readonly id: string
    readonly phase: WorkerPhase
    readonly slots: number
    readonly running: number
    /** Its resources, in total and used. Absent if it has slots only. */
    readonly resources?: Readonly<Record<string, { readonly total: number; readonly used: number }>>
  }>
}

/**
 * The scheduler of a layer.
 *
 * @stability unstable
 * @category services
 * @since 0.1.0
 */
export class Scheduler extends Context.Service<Scheduler, {
  /** All transitions of tasks, from the subscription until the scheduler closes. Costs nothing without subscribers. */
  readonly events: Stream.Stream<TaskEvent>
  /** The transitions of one task, oldest first, as far back as the layer's `stories` reaches. */
  readonly story: (name: TaskName) => Effect.Effect<ReadonlyArray<TaskEvent>>
  /** The state of the live task of this name, and why it is not running; `undefined` if there is none. */
  readonly explain: (name: TaskName) => Effect.Effect<Option.Option<Explanation>>
  /** The same for many names, or for all tasks that have not ended. */
  readonly explainAll: (names?: Iterable<TaskName>) => Effect.Effect<ReadonlyArray<Explanation>>
  /** Every key with its state, what it waits for and which workers hold its result: plain data for a person or a test. */
  readonly dump: Effect.Effect<Snapshot>
  readonly stats: Effect.Effect<Stats>
  /** Adds a fiber worker. When the scope closes, the worker starts nothing new and leaves once its tasks have ended. */
  readonly addWorker: <E = never, R = never>(
    options: WorkerOptions<E, R>
  ) => Effect.Effect<string, E | SubmitError, Exclude<R, Scope.Scope> | Scope.Scope>
  /** Limits how many tasks with this tag run at once, or start within a time, on all workers together. */
  readonly limitTag: (tag: string, limits: number | TagOptions | undefined) => Effect.Effect<void>
  /** Lets nothing of this start until it is resumed; see {@link pause}. */
  readonly pause: <const O extends PauseOptions = {}>(options?: O) => Effect.Effect<void, PauseError<O>>
  /** Ends a pause. Returns whether there was one. */
  readonly resume: (of?: PauseOf) => Effect.Effect<boolean>
  /** Drains the worker with this name, and waits until it has left. Returns whether there was one. */
  readonly retire: (id: string) => Effect.Effect<boolean>
  /** Waits for workers; see {@link awaitWorkers}. */
  readonly awaitWorkers: (
    count: number,
    options?: AwaitWorkersOptions
  ) => Effect.Effect<number, NoSuitableWorker | SubmitError>
  /** Runs an effect once on every worker; see {@link runOnEach}. */
  readonly runOnEach: <A, E, R, const M extends Mode = "failFast">(
    effect: Effect.Effect<A, E, R>,
    options?: RunOnEachOptions<M>
  ) => Effect.Effect<
    ReadonlyMap<string, Result<Task<A, Own<E>>, M>>,
    Failure<Task<A, Own<E>>, M> | SubmitError,
    Needs<R>
  >
  /** All transitions of workers, from the subscription until the scheduler closes. */
  readonly workerEvents: Stream.Stream<WorkerEvent>
  /** Moves results from workers that hold many to those that hold few. */
  readonly rebalance: Effect.Effect<void>
  /** Calls `f` with each transition as it happens, until the scope closes; calls `end` if the scheduler closes first. */
  readonly listen: (f: (event: TaskEvent) => void, end?: () => void) => Effect.Effect<void, never, Scope.Scope>
}>()("skein/Scheduler") {}

/** The service of a scheduler. */
export const make = (core: SchedulerCore, stories: number, terms: LayerTerms): Scheduler["Service"] => {
  const story = ring(stories)
  if (stories > 0) core.observers.listen(story.add)
  core.life.remembered = story.entries
  const service: Scheduler["Service"] = {
    events: eventsOf(core),
    story: (name) => valid(taskName, "name", name, () => storyOf(story.entries(), name, serialIn(core.state, name))),
    explain: (name) =>
      valid(
        taskName,
        "name",
        name,
        () => Option.map(Option.fromNullishOr(explainIn(core.state, name)), (each) => dated(core, each))
      ),
    explainAll: (names) =>
      valid(
        taskNames,
        "names of explainAll",
        names,
        () => explainAllIn(core.state, names).map((each) => dated(core, each))
      ),
    dump: Effect.sync(() => dumpOf(core)),
    stats: Effect.sync(() => statsOf(core)),
    addWorker: (options) => addWorkerTo(core, options, terms) as any,
    retire: (id) =>
      Effect.suspend(() => {
        const record = workersOf(core.state).find((worker) => worker.name === id && isHere(worker))
        return record === undefined
          ? Effect.succeed(false)
          : Effect.as(core.crew.retire(core.workers[record.index]!), true)
      }),
    awaitWorkers: (count, options) => awaitWorkersOf(core, count, options),
    runOnEach: (effect, options) => runOnEachOf(core, effect, options) as any,
    workerEvents: queued((add, end) => core.crew.listen(add, end)),
    limitTag: (tag, limits) => {
      const fault = valueFault(name, "tag", tag) ??
        (limits === undefined ? undefined : valueFault(limitsOfTag(tag), `limit of tag ${quote(tag)}`, limits))
      if (fault !== undefined) return Effect.die(fault)
      return Effect.sync(() =>
        void core.mailbox.ask({ _tag: "TagLimited", now: core.time.now(), ...limitOf(tag, limits) })
      )
    },
    pause: (options) => pause(core, options) as Effect.Effect<void, any>,
    resume: (of) => resume(core, of),
    rebalance: Effect.sync(() => core.copies.rebalance()),
    listen: (f, end) => {
      const fault = valueFault(callback, "f of listen", f) ??
        (end === undefined ? undefined : valueFault(callback, "end of listen", end))
      return fault === undefined ? listenTo(core, f, end) : Effect.die(fault)
    }
  }
  cores.set(service, core)
  return Object.defineProperties(service, byReference)
}

/** What is behind a service. */
const cores = new WeakMap<Scheduler["Service"], SchedulerCore>()

/** The scheduler behind a service, for layers that bring workers of their own. */
export const coreOf = (service: Scheduler["Service"]): SchedulerCore => {
  const core = cores.get(service)
  if (core === undefined) throw new TypeError("Workers can be added to a scheduler of Skein.layer or Skein.make alone.")
  return core
}

/**
 * Calls `f` when a stream begins or closes, until the scope closes, and returns those that run. A service that was put in place of
 * a scheduler has no streams.
 */
export const listenToStreams = (
  service: Scheduler["Service"],
  f: StreamListener
): Effect.Effect<ReadonlyArray<StreamStats>, never, Scope.Scope> => {
  const core = cores.get(service)
  if (core === undefined) return Effect.succeed([])
  const begin = Effect.sync(() => ({ running: runningIn(core), stop: core.streams.listen(f) }))
  return Effect.map(Effect.acquireRelease(begin, ({ stop }) => Effect.sync(stop)), ({ running }) => running)
}

const runningIn = ({ streams: { running } }: SchedulerCore): ReadonlyArray<StreamStats> =>
  Array.from(running, ([owner, stream]) => ({ name: stream.name, owner, ...stream.counts() }))

const addWorkerTo = (
  core: SchedulerCore,
  options: WorkerOptions<unknown, any>,
  terms: LayerTerms
): Effect.Effect<string, unknown, Scope.Scope> =>
  Effect.withFiber((fiber) => {
    const posting = postingOf(options, terms, withoutAttempt(fiber.context, attemptOf(core.home, fiber)))
    if (posting instanceof Mistake) return Effect.die(posting)
    if (core.life.isClosed) return Effect.fail(closed("scheduler"))
    return core.crew.add(options.onStart === undefined ? failingTyped(posting) : posting)
  })

/** The error of the layer's `onStart` is not in the type of `addWorker`. */
const failingTyped = (posting: Posting): Posting => ({
  ...posting,
  onStart: posting.onStart && Effect.catchCause(posting.onStart, (cause) =>
    Cause.hasInterruptsOnly(cause)
      ? Effect.failCause(cause)
      : Effect.fail(new SubmitError({ reason: new WorkerFailed({ worker: posting.id, cause }) })))
})

const isTaskName = (value: unknown): boolean =>
  typeof value === "string" || (Predicate.hasProperty(value, "key") && typeof value.key === "string")

const taskName = checkOf("a key, or a record with a key and the number of a graph", isTaskName)

/** A text can be iterated over, too: its characters are no names. */
const taskNames = checkOf(
  "an array, or something else with names of tasks to iterate over; for one name use Scheduler.explain",
  (value) => value === undefined || (typeof value === "object" && Predicate.isIterable(value))
)

/** The result of `f`, if an argument passes its check. */
const valid = <A>(check: Check, argument: string, value: unknown, f: () => A): Effect.Effect<A> =>
  Effect.suspend(() => {
    const fault = valueFault(check, argument, value)
    return fault === undefined ? Effect.succeed(f()) : Effect.die(fault)
  })

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
    case "RateLimited":
      return { ...explanation, because: { ...because, until: because.until + time.offset() } }
    case "NoWorker":
    case "NoSuitableWorker":
    case "Paused":
      return because.until === undefined
        ? explanation
        : { ...explanation, because: { ...because, until: because.until + time.offset() } }
    case "Stopping":
      return { ...explanation, because: { ...because, since: because.since + time.offset() } }
    default:
      return explanation
  }
}

const dumpOf = (core: SchedulerCore): Snapshot => {
  const { state, streams: { running }, time } = core
  const offset = time.offset()
  const { now, wakeAt, ...rest } = snapshot(state, offset)
  const streams = running.size === 0 ? undefined : streamsIn(core)
  return { now: now + offset, wakeAt: wakeAt && wakeAt + offset, ...rest, ...(streams !== undefined && { streams }) }
}

const streamsIn = (core: SchedulerCore): ReadonlyArray<StreamSnapshot> => {
  const running = Array.from(core.streams.running, ([owner, stream]) => ({ owner, stream, awaited: stream.awaited() }))
  const tasks = running.flatMap(({ awaited }) => typeof awaited === "number" ? [awaited] : [])
  const explained = explainTasks(core.state, tasks).values()
  return running.map(({ awaited, owner, stream }) => ({
    name: stream.name,
    owner,
    outstanding: stream.outstanding,
    ...stream.counts(),
    waitsFor: typeof awaited === "number" ? dated(core, explained.next().value!) : awaited
  }))
}

const statsOf = (core: SchedulerCore): Stats => {
  const { owners, waits } = countsOf(core.state)
  const delayed = delayedIn(core.state)
  const tasks = columnsOf(core.state)
  const counts: Array<number> = phaseNames.map(() => 0)
  for (let task = 0; task < tasks.used; task++) counts[tasks.phase[task]!]!++
  const named = phaseNames.flatMap((name, phase) => name === "free" ? [] : [[name, counts[phase]!] as const])
  return {
    tasks: Object.fromEntries(named) as Stats["tasks"],
    held: core.workers.reduce((sum, worker) => sum + worker.held, 0),
    owners,
    waits,
    ...(delayed.rateLimited + delayed.paused > 0 && { delayed }),
    ...(core.streams.running.size > 0 && { streams: runningIn(core) }),
    workers: workersOf(core.state).filter(isHere).map((worker) => ({
      id: worker.name,
      phase: worker.phase,
      slots: worker.slots,
      running: worker.running,
      ...(worker.amounts !== undefined && { resources: resourcesOf(worker) })
    })),
    ...tagsIn(core.state, core.time.offset())
  }
}
