/**
 * Waits that keep their slot and could never end: what they wait for needs a slot, directly or at the end of a chain, and
 * all slots that it could have are kept by such waits. Every other wait frees its slot, so it can starve nobody.
 *
 * A task can get on if its body is at work, or if **one** of the things that it waits for can: a dependency, the task it
 * stands for, what its body waits for, a slot that is free or whose holder can get on. With "one of" throughout, this is a
 * search for a way from the wait to something at work. What other tasks of a set would need is asked again when that one
 * has ended. Time limits, other fibers of a waiting body, and whatever may come from outside do not count: a deadlock
 * must not hide behind them.
 *
 * @since 0.1.0
 */
import type { Out } from "./Instruction.ts"
import { demandOf, suits } from "./placement.ts"
import { dependenciesOf } from "./snapshot.ts"
import { Flag, hasEnded, keyOf, Phase } from "./State.ts"
import type { Pair, Phase as PhaseOf, State, TaskId, Wait, WorkerRecord } from "./State.ts"
import * as waits from "./waits.ts"

/** Ends waits that keep a slot and are stuck, the newest first, until the others can end (S10). */
export const relieve = (state: State, out: Out): void => {
  let keepers = keepersOf(state)
  if (!mayStarve(state, keepers)) return
  const open = [...state.keeping.values()].flat().filter(({ waiter }) => holdsSlot(state, waiter))
  for (const wait of open.sort((a, b) => b.id - a.id)) {
    const starved = starvationOf(state, keepers, wait)
    if (starved === undefined) continue
    waits.starve(state, wait, starved, out)
    // Its body gets on, so the older ones may.
    keepers = keepersOf(state)
  }
}

/** The attempts that keep a slot in a wait, by worker. */
type Keepers = ReadonlyArray<ReadonlyArray<TaskId>>

const keepersOf = (state: State): Keepers => {
  const keepers = state.workers.map((): Array<TaskId> => [])
  for (const task of state.keeping.keys()) {
    if (holdsSlot(state, task)) keepers[state.tasks.worker[task]!]!.push(task)
  }
  return keepers
}

const holdsSlot = (state: State, task: TaskId): boolean => (state.tasks.flags[task]! & Flag.holdsSlot) !== 0

/** Whether every slot of a worker is kept in a wait. */
const isKept = ({ index, running, slots }: WorkerRecord, keepers: Keepers): boolean =>
  running >= slots && keepers[index]!.length >= running

/** The common case in which no search is needed: slots turn for ready tasks, and for everybody who wants one back. */
const mayStarve = ({ demanding, workers }: State, keepers: Keepers): boolean =>
  demanding > 0 || !workers.some((worker) => worker.phase === "open" && !isKept(worker, keepers)) ||
  workers.some((worker) => worker.rejoining.size > 0 && isKept(worker, keepers))

/** Who waits for whom, from a wait to the slots that are kept from it; `undefined` if it can end. */
const starvationOf = (state: State, keepers: Keepers, wait: Wait): ReadonlyArray<Pair> | undefined => {
  const from = new Map<TaskId, TaskId>()
  const visit = (task: TaskId, by: TaskId): void => {
    if (!from.has(task) && !hasEnded(state.tasks.phase[task] as PhaseOf)) from.set(task, by)
  }
  const isOpen = (task: TaskId): boolean => waits.isWatching(state, wait, task)
  // Of thousands that are awaited the last mostly ends last: no need to visit them all in every step until then.
  const last = wait.tasks.findLast(isOpen)
  if (last !== undefined && canGetOn(state, keepers, last)) return undefined
  for (const task of wait.tasks) if (isOpen(task)) visit(task, wait.waiter)
  let blocked = -1
  // Whatever is visited on the way is added at the end, so the first to lack a slot is the nearest.
  for (const task of from.keys()) {
    if (canGetOn(state, keepers, task)) return undefined
    const places = placesFor(state, task)
    if (places !== undefined && blocked < 0) blocked = task
    for (const { index } of places ?? []) for (const keeper of keepers[index]!) visit(keeper, task)
    waits.visitAwaited(state, task, visit)
  }
  return tell(state, keepers, wait, blocked, from)
}

/** Whether a task can get on by itself: its body may be at work, or there is a slot that it may take some time. */
const canGetOn = (state: State, keepers: Keepers, task: TaskId): boolean => {
  const places = placesFor(state, task)
  return places === undefined ? isAtWork(state, task) : places.some((worker) => !isKept(worker, keepers))
}

/** The workers on which a task could run that lacks but a slot; `undefined` if it lacks something else, or nothing. */
const placesFor = (state: State, task: TaskId): ReadonlyArray<WorkerRecord> | undefined => {
  const phase = state.tasks.phase[task] as PhaseOf
  if (phase === Phase.rejoining) return [state.workers[state.tasks.worker[task]!]!]
  return phase === Phase.ready || isDelayed(state, task)
    ? state.workers.filter((worker) => suits(state, worker, demandOf(state, task)))
    : undefined
}

/** Whether a task waits for its next attempt alone. */
const isDelayed = (state: State, task: TaskId): boolean =>
  state.tasks.phase[task] === Phase.waiting && !state.aliases.has(task) &&
  dependenciesOf(state, task).every((dependency) => hasEnded(state.tasks.phase[dependency] as PhaseOf))

/** Whether a body may be doing something: it does not wait, or only for what the engine does not see. */
const isAtWork = (state: State, task: TaskId): boolean =>
  state.tasks.phase[task]! >= Phase.assigned &&
  // A body that has seceded by hand and then waits for a task is as far as that task is.
  waits.waitsInside(state, task).every(({ mode }) => mode === "never")

/** The way from the wait to the first task that lacks a slot, who keeps the slots from that, and what those wait for. */
const tell = (
  state: State,
  keepers: Keepers,
  { waiter }: Wait,
  blocked: TaskId,
  from: ReadonlyMap<TaskId, TaskId>
): ReadonlyArray<Pair> => {
  const key = (task: TaskId): string => keyOf(state, task)
  const pairs: Array<Pair> = []
  if (blocked < 0) return pairs
  for (let task = blocked; pairs.length === 0 || task !== waiter; task = from.get(task)!) {
    pairs.unshift([key(from.get(task)!), key(task)])
  }
  const holders = placesFor(state, blocked)!.flatMap(({ index }) => keepers[index]!)
  for (const holder of holders) pairs.push([key(blocked), key(holder), "slot"])
  for (const holder of holders) {
    const awaited = holder === waiter ? undefined : firstAwaited(state, holder)
    if (awaited !== undefined) pairs.push([key(holder), key(awaited)])
  }
  return pairs
}

const firstAwaited = (state: State, task: TaskId): TaskId | undefined => {
  for (const wait of waits.waitsInside(state, task)) {
    const awaited = wait.tasks.find((each) => waits.isWatching(state, wait, each))
    if (awaited !== undefined) return awaited
  }
  return undefined
}
