/**
 * A snapshot of the state in plain records, by key: the result of `Scheduler.dump`. It shares nothing with the state, prints as
 * JSON, and lists everything in an order that depends on the events alone.
 *
 * @since 0.1.0
 */
import { amountOf, holdersOfTag } from "../dispatch/amounts.ts"
import { isPattern, prefixOf } from "../dispatch/delays.ts"
import { awaitedDependenciesOf } from "../life/groups.ts"
import { isWatching } from "../life/waits.ts"
import type { Engine } from "../protocol/Engine.ts"
import type { PauseTarget } from "../protocol/Event.ts"
import type { TaskId } from "../protocol/ids.ts"
import { pathOf } from "../protocol/Outcome.ts"
import type { Outcome, Trail } from "../protocol/Outcome.ts"
import { Flag, Phase, phaseNames } from "../protocol/Phase.ts"
import type { PhaseName } from "../protocol/Phase.ts"
import type { Reason } from "../protocol/Reason.ts"
import { tasksClaimedBy } from "../state/claims.ts"
import { dependenciesOf } from "../state/dependencies.ts"
import type { RateLog } from "../state/Extras.ts"
import { holdsDependencies, keyOf, keysOf, labelOf, nameOfWorker, sequenceOf, settingsOf } from "../state/lookups.ts"
import type { Owner, Wait } from "../state/Owner.ts"
import type { Lane } from "../state/Queue.ts"
import { aliasOf, extrasOf } from "../state/rare.ts"
import { open } from "../state/State.ts"
import type { State } from "../state/State.ts"
import type { WorkerRecord } from "../state/WorkerRecord.ts"
import type { Path } from "../structures/path.ts"

/**
 * Everything the engine knows at one moment.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Snapshot {
  /** The time of the last event, in milliseconds. */
  readonly now: number
  /** The time of the next timer. */
  readonly wakeAt: number | undefined
  readonly workers: ReadonlyArray<WorkerSnapshot>
  readonly owners: ReadonlyArray<OwnerSnapshot>
  /** In order of submission. */
  readonly tasks: ReadonlyArray<TaskSnapshot>
  /** The keys of the ready tasks, in the order in which they will start. */
  readonly queue: ReadonlyArray<string>
  /** In the order in which they began. */
  readonly waits: ReadonlyArray<WaitSnapshot>
  /** The tags that are limited, held or paused, and patterns with a rate. */
  readonly tags?: Readonly<Record<string, TagSnapshot>>
  /** The rate of the layer, if it has one. */
  readonly rate?: RateSnapshot
  /** Present if everything is paused. */
  readonly paused?: PauseSnapshot
  /** The groups that are paused. */
  readonly groups?: Readonly<Record<string, PauseSnapshot>>
}

/** One tag: the number of its holders, and its limits. */
export interface TagSnapshot {
  readonly limit?: number
  readonly used: number
  readonly rate?: RateSnapshot
  readonly paused?: PauseSnapshot
}

/** A rate, and how many starts it allows at the moment of the snapshot; a rate of a pattern counts under each of its tags. */
export interface RateSnapshot {
  readonly starts: number
  readonly perMillis: number
  readonly left: number
  /** The time from which it allows another start, if it allows none now. */
  readonly nextAt?: number
}

/** A pause, and its end, if it has one. */
export interface PauseSnapshot {
  readonly until?: number
}

/** One task; what does not apply is absent. */
export interface TaskSnapshot {
  readonly key: string
  /** The number of its graph. */
  readonly graph: number
  readonly label?: string
  /** The name of the stream that submitted it for one of its items. */
  readonly stream?: string
  readonly state: PhaseName
  /** The keys of the dependencies that have not ended, or of the task it stands for. */
  readonly waitsOn?: ReadonlyArray<string>
  /** It stands for that task since its body returned a graph. */
  readonly standsFor?: string
  /** The number of claims, wishes and dependents that hold it. */
  readonly users: number
  /** The number of its users that are tasks. */
  readonly dependents: number
  /** The names of the owners that claim its result, one by one or in bulk. */
  readonly owners: ReadonlyArray<string>
  /** The worker that runs it, ran it last, or holds its result. */
  readonly worker?: string
  /** Other workers that hold its result. */
  readonly copies?: ReadonlyArray<string>
  /** Which start of its body this is, from 1. */
  readonly attempt?: number
  readonly holdsSlot?: true
  /** The resources and tags that it holds. */
  readonly holds?: HoldingSnapshot
  /** Whether its result can be read. */
  readonly held?: true
  /** Its end without success; for a stopping task, its fixed end. */
  readonly outcome?: OutcomeSnapshot
}

/** The end of a task without success. */
export interface OutcomeSnapshot {
  readonly reason: Reason["_tag"]
  /** The keys from the task that failed first to this one. */
  readonly path: ReadonlyArray<string>
}

/** The resources and tags of an attempt. */
export interface HoldingSnapshot {
  readonly resources?: Readonly<Record<string, number>>
  readonly tags?: ReadonlyArray<string>
}

/** The total of a resource, and how much is held. */
export interface UseSnapshot {
  readonly total: number
  readonly used: number
}

/** One worker that has not left. */
export interface WorkerSnapshot {
  readonly id: string
  readonly state: WorkerRecord["phase"]
  /** Present if it runs portable tasks only. */
  readonly kind?: "remote"
  readonly slots: number
  /** The keys of the tasks that hold its slots. */
  readonly running: ReadonlyArray<string>
  /** The keys of the rejoiners, in their order. */
  readonly rejoining: ReadonlyArray<string>
  /** The keys of tasks that were sent there ahead and have no slot yet, in their order; absent if there are none. */
  readonly sent?: ReadonlyArray<string>
  /** The number of attempts that have not ended, with or without a slot. */
  readonly attempts: number
  /** Its resources, if it has any. */
  readonly resources?: Readonly<Record<string, UseSnapshot>>
}

/** One owner that is open. */
export interface OwnerSnapshot {
  /** Its number, which events of its tasks have. */
  readonly owner: number
  readonly name: string
  /** The keys of its claimed tasks. */
  readonly claims: ReadonlyArray<string>
}

/** One wait that is not over. */
export interface WaitSnapshot {
  readonly wait: number
  readonly mode: Wait["mode"]
  /** The key of the task whose body waits. */
  readonly waiter?: string
  /** Whether that task keeps its slot meanwhile. */
  readonly keepsSlot?: true
  /** The keys of the awaited tasks that have not ended. */
  readonly waitsOn: ReadonlyArray<string>
}

/** Takes a snapshot. Costs a walk over everything. */
export const snapshot = (engine: Engine, offset = 0): Snapshot => {
  const state = open(engine)
  const live = liveTasks(state)
  const dependents = dependentsOf(state, live)
  const owners = ownersOf(state)
  const paths = new Map<Trail, Path>()
  return {
    now: state.now,
    wakeAt: state.timers.wakeAt === Infinity ? undefined : state.timers.wakeAt,
    workers: state.workers.filter(isHere).map((worker) => workerOf(state, worker, live)),
    owners: Array.from(state.owners.values(), (owner) => ({
      owner: owner.id,
      name: owner.name,
      claims: keysOf(state, [...tasksClaimedBy(state, owner), ...owner.targets])
    })),
    tasks: live.map((task) => taskOf(state, task, dependents.get(task) ?? 0, owners.get(task) ?? [], paths)),
    queue: queueOf(state),
    waits: Array.from(state.waits.values(), (wait) => waitOf(state, wait, live)),
    ...tagsIn(state, offset)
  }
}

/** Tags that are limited, held or paused, and patterns, by name. */
const tagsOf = (state: State, offset: number): NonNullable<Snapshot["tags"]> => {
  const { patterns, rates } = state.delays
  const paused = new Map([...state.delays.tags, ...state.delays.tagPatterns])
  const names = new Set([
    ...state.tags.keys(),
    ...rates.keys(),
    ...Array.from(patterns.keys(), (prefix) => `${prefix}*`),
    ...paused.keys(),
    ...[...state.holding.values()].flatMap(({ tags }) => tags ?? [])
  ])
  return Object.fromEntries(
    [...names].sort().map((tag) => {
      const limit = state.tags.get(tag)?.total
      const own = rates.get(tag)
      const pattern = patterns.get(prefixOf(tag))
      const rate = own !== undefined
        ? rateOf(state, own, offset)
        : isPattern(tag) && pattern !== undefined
        ? { ...pattern, left: pattern.starts }
        : undefined
      const until = paused.get(tag)
      return [tag, {
        ...(limit !== undefined && { limit }),
        used: holdersOfTag(state, tag).length,
        ...(rate !== undefined && { rate }),
        ...(until !== undefined && { paused: pauseOf(until, offset) })
      }]
    })
  )
}

const rateOf = ({ now }: State, { log, next, rate }: RateLog, offset: number): RateSnapshot => {
  const left = rate.starts - log.filter((at) => at + rate.perMillis > now).length
  return { ...rate, left, ...(left === 0 && { nextAt: log[next]! + rate.perMillis + offset }) }
}

const pauseOf = (until: number, offset: number): PauseSnapshot => until === Infinity ? {} : { until: until + offset }

/** The resources of a worker, with the amounts held. */
export const resourcesOf = ({ amounts }: Pick<WorkerRecord, "amounts">): NonNullable<WorkerSnapshot["resources"]> =>
  Object.fromEntries(
    Array.from(amounts ?? [], ([name, { total, used }]) => [name, { total: amountOf(total), used: amountOf(used) }])
  )

/** Whether a worker has not left yet. */
export const isHere = ({ phase }: Pick<WorkerRecord, "phase">): boolean => phase !== "gone" && phase !== "lost"

/** The tasks in order of submission. */
const liveTasks = (state: State): ReadonlyArray<TaskId> =>
  Array.from({ length: state.tasks.used }, (_, task) => task)
    .filter((task) => state.tasks.phase[task] !== Phase.free)
    .sort((a, b) => sequenceOf(state, a) - sequenceOf(state, b))

/**
 * The tasks that a task holds, because it may need them or its result lives on them: its dependencies, or the task that it stands
 * for.
 */
const needsOf = (state: State, task: TaskId): ReadonlyArray<TaskId> => {
  if (!holdsDependencies(state, task)) return []
  const alias = aliasOf(state, task)
  return alias === undefined ? dependenciesOf(state, task) : [alias]
}

const dependentsOf = (state: State, live: ReadonlyArray<TaskId>): ReadonlyMap<TaskId, number> => {
  const counts = new Map<TaskId, number>()
  for (const task of live) for (const need of needsOf(state, task)) counts.set(need, (counts.get(need) ?? 0) + 1)
  return counts
}

const ownersOf = (state: State): ReadonlyMap<TaskId, ReadonlyArray<string>> => {
  const names = new Map<TaskId, Array<string>>()
  const add = (task: TaskId, { name }: Owner): void => {
    const present = names.get(task)
    if (present === undefined) names.set(task, [name])
    else present.push(name)
  }
  for (const owner of state.owners.values()) {
    for (const task of new Set([...tasksClaimedBy(state, owner), ...owner.targets])) add(task, owner)
  }
  return names
}

const taskOf = (
  state: State,
  task: TaskId,
  dependents: number,
  owners: ReadonlyArray<string>,
  paths: Map<Trail, Path>
): TaskSnapshot => {
  const { flags, phase, refs, starts, worker } = state.tasks
  const label = labelOf(state, task)
  const { stream } = state.tasks.submission[task]!.owner
  const alias = aliasOf(state, task)
  const open = phase[task] === Phase.waiting ?
    (alias === undefined ? awaitedDependenciesOf(state, task) : [alias]) :
    []
  const outcome = extrasOf(state, task)?.outcome
  const copies = extrasOf(state, task)?.copies
  const { amounts, tags } = state.holding.get(task) ?? {}
  return {
    key: keyOf(state, task),
    graph: state.tasks.submission[task]!.number,
    ...(label !== undefined && { label }),
    ...(stream !== undefined && { stream }),
    state: phaseNames[phase[task]!] as PhaseName,
    ...(open.length > 0 && { waitsOn: keysOf(state, open, task) }),
    ...(alias !== undefined && { standsFor: keysOf(state, [alias], task)[0]! }),
    users: refs[task]!,
    dependents,
    owners,
    ...(worker[task] !== -1 && { worker: nameOfWorker(state, worker[task]!)! }),
    ...(copies !== undefined && { copies: Array.from(copies, (index) => state.workers[index]!.name).sort() }),
    ...(starts[task]! > 0 && { attempt: starts[task]! }),
    ...((flags[task]! & Flag.holdsSlot) !== 0 && { holdsSlot: true as const }),
    ...((amounts !== undefined || tags !== undefined) && {
      holds: { ...(amounts !== undefined && { resources: amounts }), ...(tags !== undefined && { tags }) }
    }),
    ...(phase[task] === Phase.succeeded && { held: true as const }),
    ...(outcome !== undefined && { outcome: outcomeOf(outcome, pathOf(outcome.trail, paths)) })
  }
}

/** The path is built when it is read: the paths of a chain have quadratic length in total. */
const outcomeOf = ({ reason }: Outcome, path: Path): OutcomeSnapshot => ({
  reason: reason._tag,
  get path() {
    return path.toArray()
  }
})

const workerOf = (state: State, worker: WorkerRecord, live: ReadonlyArray<TaskId>): WorkerSnapshot => ({
  id: worker.name,
  state: worker.phase,
  ...(worker.kind === "remote" && { kind: worker.kind }),
  slots: worker.slots,
  running: keysOf(
    state,
    live.filter((task) =>
      state.tasks.worker[task] === worker.index && (state.tasks.flags[task]! & Flag.holdsSlot) !== 0
    )
  ),
  rejoining: keysOf(state, worker.rejoining.keys()),
  ...(worker.sent.size > 0 && { sent: keysOf(state, worker.sent.keys()) }),
  attempts: worker.attempts,
  ...(worker.amounts !== undefined && { resources: resourcesOf(worker) })
})

/** A task of the queue. */
interface Ready {
  readonly lane: Lane
  readonly task: TaskId
}

/** The members of a lane, best first. */
export const membersOf = (lane: Lane): ReadonlyArray<TaskId> =>
  Array.from(lane.taskAt).filter((_, rank) => lane.members.has(rank))

const positionOf = (state: State, task: TaskId): number =>
  state.tasks.submission[task]!.plan.positions[state.tasks.index[task]!]!

/** The order in which ready tasks start, written out a second time from docs/semantics.md (Selection). */
export const compareReady = (state: State, a: Ready, b: Ready): number => {
  const ancestorOf = ({ lane, task }: Ready): number => lane.ancestor >= 0 ? lane.ancestor : positionOf(state, task)
  return b.lane.priority - a.lane.priority ||
    a.lane.computation - b.lane.computation ||
    ancestorOf(a) - ancestorOf(b) ||
    b.lane.depth - a.lane.depth ||
    b.lane.submission - a.lane.submission ||
    positionOf(state, a.task) - positionOf(state, b.task)
}

/** All ready tasks, in no order. */
export const readyOf = ({ lanes, portableLanes, queues, remoteLanes }: State): ReadonlyArray<Ready> =>
  [lanes, portableLanes, remoteLanes, ...[...queues.values()].map((queue) => queue.lanes)].flat().flatMap((lane) =>
    membersOf(lane).map((task) => ({ lane, task }))
  )

const queueOf = (state: State): ReadonlyArray<string> => {
  const entries = [...readyOf(state)]
  return keysOf(state, entries.sort((a, b) => compareReady(state, a, b)).map(({ task }) => task))
}

const waitOf = (state: State, wait: Wait, live: ReadonlyArray<TaskId>): WaitSnapshot => {
  const { id, keepsSlot, mode, waiter } = wait
  return {
    wait: id,
    mode,
    ...(waiter >= 0 && { waiter: keyOf(state, waiter) }),
    ...(waiter >= 0 && keepsSlot && { keepsSlot: true as const }),
    waitsOn: keysOf(state, live.filter((task) => isWatching(state, wait, task)))
  }
}

/** What of a snapshot is about limits of starts. */
export type LimitsSnapshot = Pick<Snapshot, "groups" | "paused" | "rate" | "tags">

/** The limits of tags and starts, and the pauses, as far as there are any. `offset` is added to moments. */
export const tagsIn = (engine: Engine, offset = 0): LimitsSnapshot => {
  const state = open(engine)
  const { groups, patterns, paused, rate, rates, tagPatterns, tags } = state.delays
  return {
    ...(state.tags.size + state.holding.size + rates.size + patterns.size + tags.size + tagPatterns.size > 0 && {
      tags: tagsOf(state, offset)
    }),
    ...(rate !== undefined && { rate: rateOf(state, rate, offset) }),
    ...(paused !== undefined && { paused: pauseOf(paused, offset) }),
    ...(groups.size > 0 && {
      groups: Object.fromEntries(Array.from(groups, ([group, until]) => [group, pauseOf(until, offset)]))
    })
  }
}

/** The tags that are limited or paused, or that live tasks have. */
export const knownTags = (engine: Engine): ReadonlySet<string> => {
  const state = open(engine)
  const known = new Set(Object.keys(tagsOf(state, 0)))
  for (let task = 0; task < state.tasks.used; task++) {
    if (state.tasks.phase[task] === Phase.free) continue
    for (const tag of settingsOf(state, task)?.demand?.tags ?? []) known.add(tag)
  }
  return known
}

/** Whether this is paused. */
export const isPaused = (engine: Engine, { group, tag }: PauseTarget): boolean => {
  const { groups, paused, tagPatterns, tags } = open(engine).delays
  return tag !== undefined
    ? (tags.has(tag) || tagPatterns.has(tag))
    : group !== undefined
    ? groups.has(group)
    : paused !== undefined
}

/** The groups that are paused, or that have open owners. */
export const knownGroups = (engine: Engine): ReadonlySet<string> => {
  const { delays: { groups }, owners } = open(engine)
  return new Set([...groups.keys(), ...Array.from(owners.values(), ({ group }) => group ?? [])].flat())
}

/** The number of open owners, and of open waits. */
export const countsOf = (engine: Engine): { readonly owners: number; readonly waits: number } => {
  const { owners, waits } = open(engine)
  return { owners: owners.size, waits: waits.size }
}
