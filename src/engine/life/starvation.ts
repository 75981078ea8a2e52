/**
 * Waits that keep their slot or amounts and could never end: the tasks that they wait for, directly or through a chain, need some
 * of that, and all of it is kept by such waits. Every other wait gives back what it holds, so it starves nothing.
 *
 * A task can get on if its body is at work, or if **one** of the things that it waits for can: a dependency, the task it stands
 * for, what its body waits for, a slot, amounts and tags that are free or whose holder can get on. With "one of" throughout, this
 * is a search for a path from the wait to something at work. The needs of other tasks of a set are examined when that one has
 * ended. Time limits, other fibers of a waiting body, and events from outside do not count: a deadlock must not hide behind them.
 *
 * @since 0.1.0
 */
import * as ahead from "../dispatch/ahead.ts"
import type { Asked, Kept } from "../dispatch/amounts.ts"
import { giveBack, keptBy, keptFrom, missing } from "../dispatch/amounts.ts"
import { holdsSlot, isAtWork, isQueued, keepersOf, waitsInside } from "../dispatch/keepers.ts"
import { maySuit, wantedOf } from "../dispatch/placement.ts"
import type { TaskId } from "../protocol/ids.ts"
import type { Out } from "../protocol/Instruction.ts"
import { hasEnded, Phase } from "../protocol/Phase.ts"
import type { WorkerKind } from "../protocol/Plan.ts"
import type { Pair } from "../protocol/Reason.ts"
import type { Amount } from "../state/Extras.ts"
import { keysOf, phaseOf } from "../state/lookups.ts"
import type { Wait } from "../state/Owner.ts"
import { aliasOf } from "../state/rare.ts"
import type { State } from "../state/State.ts"
import { Use } from "../state/Use.ts"
import { isUsed } from "../state/uses.ts"
import type { WorkerRecord } from "../state/WorkerRecord.ts"
import { takesTasks } from "../state/WorkerRecord.ts"
import { awaitedDependenciesOf } from "./groups.ts"
import * as waits from "./waits.ts"

/**
 * Ends stuck waits that keep a slot or amounts, the newest first, until the others can end (S10). A wait for finalizers or for
 * children, which must not end yet, gives back what it keeps.
 */
export const relieve = (state: State, out: Out): void => {
  // A body that has its slot again may have another wait that keeps it.
  while (relieveOnce(state, out)) ahead.dispatch(state, out)
}

/** Whether a task newly waits for a slot or amounts. */
const relieveOnce = (state: State, out: Out): boolean => {
  let keepers = lookAround(state)
  if (!mayStarve(state, keepers)) return false
  let mustDispatch = false
  for (const wait of keepingWaits(state).sort((a, b) => b.id - a.id)) {
    // It may have given back what it kept, because of another wait of the same body.
    const starved = keepsSomething(state, wait) ? starvationOf(state, keepers, wait) : undefined
    if (starved === undefined) continue
    if (!wait.keepsSlot) mustDispatch = true
    if (!wait.keepsSlot && (wait.behalf !== undefined || state.tasks.phase[wait.waiter]! >= Phase.stopping)) {
      giveBack(state, wait.waiter)
    } else waits.starve(state, wait, starved, out)
    // Its body goes on, so older waits may end.
    keepers = lookAround(state)
  }
  return mustDispatch
}

/** The open waits of all keepers. */
const keepingWaits = (state: State): Array<Wait> =>
  [
    ...[...state.keeping.values()].flat(),
    ...[...state.keepingAmounts].flatMap((task) => state.waitsOf.get(task) ?? []).filter(({ mode }) => mode !== "never")
  ].filter((wait) => keepsSomething(state, wait))

const keepsSomething = (state: State, { keepsSlot, waiter }: Wait): boolean =>
  state.keepingAmounts.has(waiter) || (keepsSlot && holdsSlot(state, waiter))

/** The keepers, and what each keeps. */
interface Keepers {
  readonly tasks: ReadonlyArray<TaskId>
  readonly kept: Kept
}

const lookAround = (state: State): Keepers => {
  const tasks = keepersOf(state)
  return { tasks, kept: keptBy(state, tasks) }
}

/** Whether every slot of a worker is kept in a wait. */
const isKept = (worker: WorkerRecord, { kept }: Keepers): boolean => (kept.get(worker) ?? 0) >= worker.slots

/** The common case without a search: slots become free for ready tasks of all kinds and for all rejoiners. */
const mayStarve = (state: State, keepers: Keepers): boolean => {
  const { demanding, workers } = state
  const frees = (of: WorkerKind): boolean =>
    workers.some((worker) => worker.kind === of && takesTasks(worker) && !isKept(worker, keepers))
  return demanding > 0 || !frees("local") || (isUsed(state, Use.away) && !frees("remote")) ||
    workers.some((worker) => worker.rejoining.size > 0 && isKept(worker, keepers))
}

/** The chain of waiting tasks from a wait to what it lacks; `undefined` if the wait can end. */
const starvationOf = (state: State, keepers: Keepers, wait: Wait): ReadonlyArray<Pair> | undefined => {
  const from = new Map<TaskId, TaskId>()
  const visit = (task: TaskId, by: TaskId): void => {
    if (!from.has(task) && !hasEnded(phaseOf(state, task))) from.set(task, by)
  }
  const open = waits.awaitedIn(state, wait)
  // Of thousands of awaited tasks the last mostly ends last, so not all are visited in every step until then.
  const last = open.at(-1)
  if (last !== undefined && canGetOn(state, keepers, last)) return undefined
  for (const task of open) visit(task, wait.waiter)
  let blocked = -1
  // Visited tasks are appended, so the first that lacks something is the nearest.
  for (const task of from.keys()) {
    if (canGetOn(state, keepers, task)) return undefined
    if (blocked < 0 && placesFor(state, task) !== undefined) blocked = task
    for (const [keeper] of obstaclesTo(state, keepers, task)) visit(keeper, task)
    waits.visitAwaited(state, task, visit)
  }
  return tell(state, keepers, wait, blocked, from)
}

/** Whether a task can go on by itself: its body may be at work, or there is a slot that it may get. */
const canGetOn = (state: State, { kept }: Keepers, task: TaskId): boolean => {
  const places = placesFor(state, task)
  if (places === undefined) return isAtWork(state, task)
  const needs = needsOf(state, task)
  return places.some((worker) => keptFrom(state, kept, worker, needs).length === 0)
}

/**
 * The workers on which a task could run that lacks only a slot, amounts or tags; `undefined` if it lacks something else, or
 * nothing.
 */
const placesFor = (state: State, task: TaskId): ReadonlyArray<WorkerRecord> | undefined => {
  const phase = phaseOf(state, task)
  if (isQueued(state, task)) return [state.workers[state.tasks.worker[task]!]!]
  return phase === Phase.ready || isDelayed(state, task) || ahead.isSent(state, task)
    ? suitable(state, task)
    : undefined
}

const suitable = (state: State, task: TaskId): ReadonlyArray<WorkerRecord> => {
  const wanted = wantedOf(state, task)
  return state.workers.filter((worker) => maySuit(state, worker, wanted))
}

const needsOf = (state: State, task: TaskId): Asked | undefined =>
  state.demanding === 0 ? undefined : missing(state, task)

/** The keepers of what a task lacks, on any of the workers on which it could run. */
const obstaclesTo = (
  state: State,
  { kept, tasks }: Keepers,
  task: TaskId
): ReadonlyArray<readonly [TaskId, NonNullable<Pair[2]>]> => {
  const needs = needsOf(state, task)
  return (placesFor(state, task) ?? []).flatMap((worker) => {
    const lacks = keptFrom(state, kept, worker, needs)
    return tasks.flatMap((keeper) => {
      const what = lacks.find((lack) => keeps(state, keeper, worker, lack))
      return what === undefined ? [] : [[keeper, kindOf(state, worker, what)] as const]
    })
  })
}

const kindOf = (state: State, worker: WorkerRecord, what: Amount | WorkerRecord): NonNullable<Pair[2]> =>
  what === worker ? "slot" : [...state.tags.values()].includes(what as Amount) ? "tag" : "resources"

/** Whether an attempt holds a slot of a worker, or some of an amount. */
const keeps = (state: State, task: TaskId, worker: WorkerRecord, what: Amount | WorkerRecord): boolean => {
  const isThere = state.tasks.worker[task] === worker.index
  if (what === worker) return isThere && holdsSlot(state, task)
  const { amounts = {}, tags = [] } = state.holding.get(task) ?? {}
  return tags.some((tag) => state.tags.get(tag) === what) ||
    (isThere && Object.keys(amounts).some((name) => worker.amounts!.get(name) === what))
}

/** Whether a task waits for its next attempt alone. */
const isDelayed = (state: State, task: TaskId): boolean =>
  state.tasks.phase[task] === Phase.waiting && aliasOf(state, task) === undefined &&
  awaitedDependenciesOf(state, task).length === 0

/** The path from the wait to the first task that lacks something, its keepers, and what those wait for. */
const tell = (
  state: State,
  keepers: Keepers,
  { waiter }: Wait,
  blocked: TaskId,
  from: ReadonlyMap<TaskId, TaskId>
): ReadonlyArray<Pair> => {
  const pairs: Array<readonly [TaskId, TaskId, Pair[2]?]> = []
  if (blocked < 0) return []
  for (let task = blocked; pairs.length === 0 || task !== waiter; task = from.get(task)!) {
    pairs.unshift([from.get(task)!, task])
  }
  // A kept tag is kept on every worker.
  const holders = new Map(obstaclesTo(state, keepers, blocked))
  for (const [holder, kind] of holders) pairs.push([blocked, holder, kind])
  for (const holder of holders.keys()) {
    const awaited = holder === waiter ? undefined : firstAwaited(state, holder)
    if (awaited !== undefined) pairs.push([holder, awaited])
  }
  const tasks = pairs.flatMap(([waiting, awaited]) => [waiting, awaited])
  const keys = keysOf(state, tasks)
  return pairs.map(([, , kind], i): Pair => {
    const [waiting, awaited] = [keys[2 * i]!, keys[2 * i + 1]!]
    return kind === undefined ? [waiting, awaited] : [waiting, awaited, kind]
  })
}

const firstAwaited = (state: State, task: TaskId): TaskId | undefined => {
  for (const wait of waitsInside(state, task)) {
    const [awaited] = waits.awaitedIn(state, wait)
    if (awaited !== undefined) return awaited
  }
  return undefined
}
