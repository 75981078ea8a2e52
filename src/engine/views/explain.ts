/**
 * Why a task is not running, read from the state.
 *
 * @since 0.1.0
 */
import { isSent } from "../dispatch/ahead.ts"
import { amountOf, holdersOfTag, holdersOnWorker, isForAmounts, missing } from "../dispatch/amounts.ts"
import type { Asked } from "../dispatch/amounts.ts"
import { brakeOf, forSources, isBraked } from "../dispatch/brakes.ts"
import { delayOf, pausedGroupOf } from "../dispatch/delays.ts"
import { holdsSlot } from "../dispatch/keepers.ts"
import { mayRun, suits, wantedOf } from "../dispatch/placement.ts"
import type { Wanted } from "../dispatch/placement.ts"
import { awaitedDependenciesOf } from "../life/groups.ts"
import { lackOf, restrictionOf } from "../life/lack.ts"
import { isOver } from "../life/stranded.ts"
import { awaitedIn } from "../life/waits.ts"
import type { Engine } from "../protocol/Engine.ts"
import type { PauseTarget, Rate } from "../protocol/Event.ts"
import type { TaskId } from "../protocol/ids.ts"
import { hasEnded, Phase, phaseNames } from "../protocol/Phase.ts"
import type { PhaseName } from "../protocol/Phase.ts"
import type { Exclusion, Restriction } from "../protocol/Plan.ts"
import type { Group, Policy, Tally } from "../protocol/policies.ts"
import type { Reason } from "../protocol/Reason.ts"
import { keyOf, keysOf, phaseOf, sequenceOf, settingsOf } from "../state/lookups.ts"
import type { Wait } from "../state/Owner.ts"
import { aliasOf, extrasOf } from "../state/rare.ts"
import { open } from "../state/State.ts"
import type { State } from "../state/State.ts"
import type { Timer } from "../state/Timer.ts"
import { unitsOf } from "../state/WorkerRecord.ts"
import type { WorkerRecord } from "../state/WorkerRecord.ts"
import { compareReady, readyOf } from "./snapshot.ts"

/**
 * The newest task with a key, or the task with a key in the graph of this number.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type TaskName = string | { readonly key: string; readonly graph: number }

/**
 * The state of a task, and the reason for it.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Explanation {
  readonly key: string
  /** The number of its graph. */
  readonly graph: number
  /** How many other live tasks have this key, in other graphs; absent if there are none, or if the graph was named. */
  readonly more?: number
  /** The name of the stream that submitted it for one of its items; absent if none did. */
  readonly stream?: string
  readonly status: PhaseName
  readonly because: Because
}

/** A set of dependencies with a policy, which is not met yet. */
export interface Need {
  readonly of: Group["of"]
  readonly policy: Policy
  /** The number of its dependencies, and of their ends of each kind. */
  readonly size: number
  readonly ended: Tally
  /** The keys of open dependencies. */
  readonly keys: ReadonlyArray<string>
}

/**
 * Why a task does not run now, or what it is doing.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Because =
  /** These dependencies have not ended. Not all of those in `needs` have to. */
  | {
    readonly _tag: "WaitsForDependencies"
    readonly keys: ReadonlyArray<string>
    readonly needs?: ReadonlyArray<Need>
  }
  /** Its last attempt failed; the next may start at this time (milliseconds of the layer's clock). */
  | { readonly _tag: "WaitsForRetry"; readonly at: number }
  /** Its body returned a graph, and it ends as that task ends. */
  | { readonly _tag: "StandsFor"; readonly key: string }
  /** No worker takes tasks. If none comes by `until` (milliseconds of the layer's clock), if given, it ends. */
  | { readonly _tag: "NoWorker"; readonly until: number | undefined }
  /**
   * No worker that takes tasks could run it: its restriction excludes them, its body reported Unmet there (`unmet`), or its
   * locality rules them out (`never`). It ends at `until` (milliseconds of the layer's clock), if given.
   */
  | {
    readonly _tag: "NoSuitableWorker"
    readonly restriction: Restriction
    readonly unmet: ReadonlyArray<Exclusion>
    readonly never: ReadonlyArray<string>
    /** The workers on which the followed tasks ran. */
    readonly followed?: ReadonlyArray<string>
    readonly until: number | undefined
  }
  /** All slots of the workers on which it may run are taken, by `running`, and `ahead` ready tasks rank before it. */
  | {
    readonly _tag: "NoFreeSlot"
    readonly ahead: number
    readonly running: ReadonlyArray<string>
    /** The workers on which it may run, if not on all. */
    readonly on?: ReadonlyArray<string>
  }
  /**
   * A slot is free for it, but not all of its resources and tags: what it lacks on which worker, and which tasks hold that. If it
   * lacks nothing, the free units are withheld for tasks before it.
   */
  | { readonly _tag: "LacksResources"; readonly ahead: number; readonly lacks: ReadonlyArray<Lack> }
  /** It is paused, as all of this are, until this time (milliseconds of the layer's clock) or, without it, until it is resumed. */
  | { readonly _tag: "Paused"; readonly of: PauseTarget; readonly until: number | undefined }
  /**
   * As many tasks with this tag have started as its rate allows, or without a tag, as the rate of the layer allows. The next one may
   * start at `until` (milliseconds of the layer's clock), and `ahead` ready tasks rank before this one.
   */
  | {
    readonly _tag: "RateLimited"
    readonly tag: string | undefined
    readonly rate: Rate
    readonly until: number
    readonly ahead: number
  }
  /** Held results exceed the budget of the layer: tasks like this start again at `most` or below. */
  | { readonly _tag: "OverBudget"; readonly held: number; readonly most: number }
  /** It is a source, and these sources hold all slots that sources may have. */
  | { readonly _tag: "SourcesThrottled"; readonly running: ReadonlyArray<string> }
  /** It was sent to a worker that has no free slot, and `ahead` others get a slot there before it. */
  | { readonly _tag: "SentAhead"; readonly worker: string; readonly ahead: number }
  /** It runs, or is about to. */
  | { readonly _tag: "Running"; readonly worker: string }
  /** Its body waits for these tasks and keeps its slot meanwhile. */
  | { readonly _tag: "KeepsSlot"; readonly worker: string; readonly waitsFor: ReadonlyArray<string> }
  /** Its body waits, for these tasks or for something that the scheduler does not see. Its slot is free meanwhile. */
  | { readonly _tag: "GaveSlotAway"; readonly waitsFor: ReadonlyArray<string> }
  /** Its wait is over, and `ahead` others get a slot of that worker again before it. */
  | { readonly _tag: "WaitsForSlot"; readonly worker: string; readonly ahead: number }
  /** It was asked to stop at this time (milliseconds of the layer's clock) and goes on. If overdue, it has exceeded its grace. */
  | {
    readonly _tag: "Stopping"
    readonly reason: Reason["_tag"] | "Settled"
    readonly since: number
    readonly overdue: boolean
  }
  /**
   * Its result owns a resource whose finalizers run: the result is no longer needed or, with a reason, it came after the task was
   * asked to stop.
   */
  | { readonly _tag: "Releasing"; readonly reason: Reason["_tag"] | undefined }
  | { readonly _tag: "Ended"; readonly reason: Reason["_tag"] | undefined }

/** Units that a task lacks. */
export interface Lack {
  readonly of: "resource" | "tag"
  readonly name: string
  /** The worker; absent for a tag, which all workers share. */
  readonly worker?: string
  readonly needed: number
  readonly free: number
  /** The keys of the holders. */
  readonly heldBy: ReadonlyArray<string>
}

/** Explains the newest live task of this name; `undefined` if there is none. Costs a walk over all tasks. */
export const explain = (engine: Engine, name: TaskName): Explanation | undefined => {
  const state = open(engine)
  const found = find(state, name)
  return found.newest < 0 ? undefined : explained(state, found, new Survey(state))
}

/**
 * Explains the newest live task of each name, in the order given, or all tasks that have not ended. Costs one walk over all
 * tasks, however many they are.
 */
export const explainAll = (engine: Engine, names?: Iterable<TaskName>): ReadonlyArray<Explanation> => {
  const state = open(engine)
  const survey = new Survey(state)
  return (names === undefined ? openTasks(state) : findAll(state, names)).map((each) => explained(state, each, survey))
}

/** Explains these tasks, in the order given. Costs one walk over all tasks, however many they are. */
export const explainTasks = (engine: Engine, tasks: ReadonlyArray<TaskId>): ReadonlyArray<Explanation> => {
  const state = open(engine)
  const survey = new Survey(state)
  return tasks.map((newest) => explained(state, { newest, others: 0 }, survey))
}

const explained = (state: State, { newest, others }: Found, survey: Survey): Explanation => {
  const { stream } = state.tasks.submission[newest]!.owner
  return {
    key: keyOf(state, newest),
    graph: graphOf(state, newest),
    ...(others > 0 && { more: others }),
    ...(stream !== undefined && { stream }),
    status: phaseNames[state.tasks.phase[newest]!] as PhaseName,
    because: becauseOf(state, newest, survey)
  }
}

/** Facts for many tasks, computed once at first use. */
class Survey {
  private readonly state: State
  private places: ReadonlyMap<TaskId, number> | undefined
  private runningTasks: ReadonlyArray<TaskId> | undefined
  private timers: ReadonlyMap<string, Timer> | undefined
  private readonly queues = new Map<WorkerRecord, ReadonlyMap<TaskId, number>>()

  constructor(state: State) {
    this.state = state
  }

  /** How many ready tasks rank before this one. */
  ahead(task: TaskId): number {
    const { state } = this
    this.places ??= placesOf(readyOf(state).toSorted((a, b) => compareReady(state, a, b)).map((entry) => entry.task))
    return this.places.get(task)!
  }

  /** How many tasks get a slot of the worker again before this one. */
  aheadOn(worker: WorkerRecord, task: TaskId): number {
    const queue = this.queues.get(worker) ?? placesOf([...worker.rejoining.keys()])
    this.queues.set(worker, queue)
    return queue.get(task)!
  }

  /** The tasks that run on one of these workers, or have a slot there and are about to. */
  runningOn(workers: ReadonlyArray<WorkerRecord>): ReadonlyArray<TaskId> {
    const { phase, used, worker } = this.state.tasks
    const { state } = this
    this.runningTasks ??= Array.from({ length: used }, (_, task) => task).filter((task) =>
      phase[task] === Phase.running || (phase[task] === Phase.assigned && holdsSlot(state, task))
    )
    const indices = new Set(workers.map(({ index }) => index))
    return this.runningTasks.filter((task) => indices.has(worker[task]!))
  }

  /** The first timer of a kind that is due for a task, or under a number. */
  timer(kind: "retry" | "stranded" | "workers", number: number | undefined): Timer | undefined {
    this.timers ??= timersOf(this.state)
    return number === undefined ? undefined : this.timers.get(`${kind} ${number}`)
  }
}

const placesOf = (tasks: ReadonlyArray<TaskId>): ReadonlyMap<TaskId, number> =>
  new Map(tasks.map((task, place) => [task, place]))

const timersOf = (state: State): ReadonlyMap<string, Timer> => {
  const timers = new Map<string, Timer>()
  for (const timer of state.timers.heap) {
    const { kind, serial, task } = timer
    if (kind === "stranded" && isOver(state, timer)) continue
    const name = `${kind} ${kind === "stranded" ? task : serial}`
    if (!timers.has(name)) timers.set(name, timer)
  }
  return timers
}

/** The number of the newest live task of this name among all tasks; `undefined` if there is none. */
export const serialOf = (engine: Engine, name: TaskName): number | undefined => {
  const state = open(engine)
  const { newest } = find(state, name)
  return newest < 0 ? undefined : sequenceOf(state, newest)
}

const graphOf = ({ tasks }: State, task: TaskId): number => tasks.submission[task]!.number

/** The newest live task of a name, or -1, and how many others there are. */
interface Found {
  newest: TaskId
  others: number
}

const find = (state: State, name: TaskName): Found => {
  const { graph, key } = typeof name === "string" ? { key: name, graph: undefined } : name
  // No key of a user ends like that.
  const number = Number(/#(\d+)$/.exec(key)?.[1] ?? -1)
  let newest = -1
  let others = -1
  for (let task = 0; task < state.tasks.used; task++) {
    if (state.tasks.phase[task] === Phase.free || (graph !== undefined && graphOf(state, task) !== graph)) continue
    const isMeant = number < 0
      ? settingsOf(state, task)?.key === key
      : sequenceOf(state, task) === number && keyOf(state, task) === key
    if (!isMeant) continue
    others++
    if (newest < 0 || sequenceOf(state, task) > sequenceOf(state, newest)) newest = task
  }
  return { newest, others }
}

/** The newest live task of each name that has one. */
const findAll = (state: State, names: Iterable<TaskName>): ReadonlyArray<Found> => {
  const sought = Array.from(names, (name) => ({
    ...(typeof name === "string" ? { key: name, graph: undefined } : name),
    newest: -1,
    others: -1
  }))
  const byKey = Map.groupBy(sought, ({ key }) => key)
  for (let task = 0; task < state.tasks.used; task++) {
    if (state.tasks.phase[task] === Phase.free) continue
    for (const each of byKey.get(keyOf(state, task)) ?? []) {
      if (each.graph !== undefined && each.graph !== graphOf(state, task)) continue
      each.others++
      if (each.newest < 0 || sequenceOf(state, task) > sequenceOf(state, each.newest)) each.newest = task
    }
  }
  return sought.filter(({ newest }) => newest >= 0)
}

/** All tasks that have not ended. */
const openTasks = (state: State): ReadonlyArray<Found> => {
  const open: Array<Found> = []
  for (let task = 0; task < state.tasks.used; task++) {
    const phase = phaseOf(state, task)
    if (phase !== Phase.free && !hasEnded(phase)) open.push({ newest: task, others: 0 })
  }
  return open
}

const becauseOf = (state: State, task: TaskId, survey: Survey): Because => {
  const phase = phaseOf(state, task)
  switch (phase) {
    case Phase.waiting:
      return waitingBecause(state, task, survey)
    case Phase.ready:
      return readyBecause(state, task, survey)
    case Phase.assigned:
    case Phase.running: {
      const worker = workerOf(state, task)
      const { name } = worker
      if (isSent(state, task)) return { _tag: "SentAhead", worker: name, ahead: worker.sent.keys().indexOf(task) }
      const keeping = state.keeping.get(task)
      if (keeping === undefined) return { _tag: "Running", worker: name }
      return { _tag: "KeepsSlot", worker: name, waitsFor: awaitedBy(state, keeping) }
    }
    case Phase.seceded:
      return { _tag: "GaveSlotAway", waitsFor: awaitedBy(state, state.waitsOf.get(task) ?? []) }
    case Phase.rejoining: {
      const worker = workerOf(state, task)
      const { name } = worker
      const needs = missing(state, task)
      if (needs !== undefined && worker.running < worker.slots) {
        const ahead = survey.aheadOn(worker, task)
        return { _tag: "LacksResources", ahead, lacks: lacksOf(state, [worker], needs) }
      }
      return { _tag: "WaitsForSlot", worker: name, ahead: survey.aheadOn(worker, task) }
    }
    case Phase.stopping: {
      const { overdue, since } = state.stopping.get(task)!
      return { _tag: "Stopping", reason: extrasOf(state, task)?.outcome?.reason._tag ?? "Settled", since, overdue }
    }
    case Phase.releasing:
      return { _tag: "Releasing", reason: extrasOf(state, task)?.outcome?.reason._tag }
    default:
      return { _tag: "Ended", reason: extrasOf(state, task)?.outcome?.reason._tag }
  }
}

const workerOf = (state: State, task: TaskId) => state.workers[state.tasks.worker[task]!]!

const waitingBecause = (state: State, task: TaskId, survey: Survey): Because => {
  const alias = aliasOf(state, task)
  if (alias !== undefined) return { _tag: "StandsFor", key: keysOf(state, [alias], task)[0]! }
  const open = [...new Set(awaitedDependenciesOf(state, task))]
  if (open.length > 0) {
    const needs = needsOf(state, task)
    const keys = keysOf(state, open, task)
    return { _tag: "WaitsForDependencies", keys, ...(needs.length > 0 && { needs }) }
  }
  return { _tag: "WaitsForRetry", at: survey.timer("retry", state.tasks.attempt[task])?.at ?? state.now }
}

/** The groups of a task that are not met. */
const needsOf = (state: State, task: TaskId): ReadonlyArray<Need> => {
  const needs = extrasOf(state, task)?.needs
  if (needs === undefined) return []
  const { groups, met, open, tallies } = needs
  return groups.flatMap(({ from, of, policy, to }, i) => {
    if (met[i] === true) return []
    const isInside = (places: ReadonlyArray<number>) => places.some((place) => place >= from && place < to)
    const needed = Array.from(open).flatMap(([need, places]) => isInside(places) ? [need] : [])
    return [{ of, policy, size: to - from, ended: { ...tallies[i]! }, keys: keysOf(state, needed, task) }]
  })
}

const readyBecause = (state: State, task: TaskId, survey: Survey): Because => {
  const wanted = wantedOf(state, task)
  const { demand } = wanted
  const open = state.workers.filter((worker) => worker.phase === "open")
  const suitable = open.filter((worker) => suits(state, worker, wanted))
  if (suitable.length === 0) {
    const ofKind = open.filter((worker) => mayRun(worker, wanted))
    const { kind } = restrictionOf(state, wanted)
    return ofKind.length === 0 && kind === undefined && (demand === undefined || lackOf(state, task) === undefined)
      ? { _tag: "NoWorker", until: survey.timer("stranded", task)?.at }
      : lackingBecause(state, task, wanted, ofKind, survey)
  }
  const delay = delayOf(state, { group: pausedGroupOf(state, task), tags: demand?.tags ?? [] })
  if (delay?._tag === "Paused") return { ...delay, until: delay.until === Infinity ? undefined : delay.until }
  if (delay !== undefined) return { ...delay, ahead: survey.ahead(task) }
  const brake = brakeOf(state)
  if (brake === "all" || (brake === "sources" && isBraked(state, task))) {
    const { pause, target } = state.fairness.budget!
    return { _tag: "OverBudget", held: state.balance.heldSize, most: brake === "all" ? pause : target }
  }
  const free = suitable.filter(({ running, slots }) => running < slots)
  if (free.length > 0 && isBraked(state, task) && forSources(state, free).length === 0) {
    const sources = [...state.balance.sources].filter((source) =>
      free.some(({ index }) => index === state.tasks.worker[source])
    )
    return { _tag: "SourcesThrottled", running: keysOf(state, sources, task) }
  }
  const ahead = survey.ahead(task)
  if (free.length > 0 && demand !== undefined && isForAmounts(demand)) {
    return { _tag: "LacksResources", ahead, lacks: lacksOf(state, free, demand) }
  }
  const running = keysOf(state, survey.runningOn(suitable), task)
  const on = suitable.map(({ name }) => name)
  return { _tag: "NoFreeSlot", ahead, running, ...(on.length < open.length && { on }) }
}

const lackingBecause = (
  state: State,
  task: TaskId,
  wanted: Wanted,
  open: ReadonlyArray<WorkerRecord>,
  survey: Survey
): Because => {
  const { excluded, followed, locality } = wanted.demand ?? {}
  const serial = extrasOf(state, task)?.lacking
  return {
    _tag: "NoSuitableWorker",
    restriction: restrictionOf(state, wanted),
    unmet: excluded === undefined ? [] : [...excluded.values()],
    never: locality === undefined ? [] : open.flatMap(({ info, name }) => Number(locality(info)) >= 0 ? [] : [name]),
    ...(followed !== undefined && { followed: followed.workers }),
    until: survey.timer("workers", serial)?.at ?? survey.timer("stranded", task)?.at
  }
}

/** The tags that a task lacks, and the amounts on each of these workers. */
const lacksOf = (state: State, workers: ReadonlyArray<WorkerRecord>, { amounts = {}, tags = [] }: Asked) => {
  const lacks: Array<Lack> = []
  for (const tag of tags) {
    const limit = state.tags.get(tag)
    if (limit === undefined || limit.used < limit.total) continue
    lacks.push({ of: "tag", name: tag, needed: 1, free: 0, heldBy: keysOf(state, holdersOfTag(state, tag)) })
  }
  for (const worker of workers) {
    for (const [name, needed] of Object.entries(amounts)) {
      const { total, used } = worker.amounts!.get(name)!
      if (total - used >= unitsOf(needed)) continue
      const heldBy = keysOf(state, holdersOnWorker(state, worker, name))
      lacks.push({ of: "resource", name, worker: worker.name, needed, free: amountOf(total - used), heldBy })
    }
  }
  return lacks
}

/** The tasks that a body waits for. */
const awaitedBy = (state: State, open: ReadonlyArray<Wait>): ReadonlyArray<string> => {
  return keysOf(state, new Set(open.flatMap((wait) => awaitedIn(state, wait))))
}
