/**
 * Waits. A wait from inside a task frees its slot. The engine sees the whole graph of waits, so it refuses a wait that could
 * never end.
 *
 * @since 0.1.0
 */
import * as amounts from "../dispatch/amounts.ts"
import { holdsSlot, waitsInside } from "../dispatch/keepers.ts"
import * as slots from "../dispatch/slots.ts"
import type { SlotWanted, WaitAbandoned, WaitBegan, WaitMode } from "../protocol/Event.ts"
import type { ClaimId, TaskId } from "../protocol/ids.ts"
import type { Out } from "../protocol/Instruction.ts"
import { hasEnded, Phase } from "../protocol/Phase.ts"
import type { Pair } from "../protocol/Reason.ts"
import { liveOf } from "../protocol/Registered.ts"
import { findClaim } from "../state/claims.ts"
import { keysOf, phaseOf, settingsOf } from "../state/lookups.ts"
import type { Behalf, Claim, Standing, Wait } from "../state/Owner.ts"
import { aliasOf, extrasOf } from "../state/rare.ts"
import type { State } from "../state/State.ts"
import { transition } from "../state/transitions.ts"
import { Use } from "../state/Use.ts"
import { use } from "../state/uses.ts"
import type { WorkerRecord } from "../state/WorkerRecord.ts"
import { awaitedDependenciesOf } from "./groups.ts"

/** The part of a wait that does not depend on the awaited tasks. */
export interface Request {
  readonly wait: number
  readonly mode: WaitMode
  /** The running task that waits, or -1. */
  readonly waiter: TaskId
  readonly attempt: number
  /** See `Wait.closing`. */
  readonly closing?: boolean
  /** See `Wait.keepsSlot`. */
  readonly keepsSlot?: boolean | undefined
  /** See `Wait.behalf`. */
  readonly behalf?: Behalf | undefined
  /** The awaited tasks are new, and so is all that they depend on: the wait closes no cycle. */
  readonly areNew?: boolean
}

/** Handles {@link WaitBegan}. Claims that are gone count as ended without success. */
export const begin = (state: State, event: WaitBegan, out: Out): void => {
  const { claims, mode, standing, targetsOf } = event
  if (mode === "each") return stand(state, event.wait, claims, claims.map((id) => findClaim(state, id)), out)
  if (standing !== undefined) return enterTaking(state, event, state.waits.get(standing), out)
  if (targetsOf !== undefined) return enter(state, event, targetsOfOwner(state, targetsOf), undefined, out)
  // A join, as most waits are.
  const only = claims.length === 1 ? findClaim(state, claims[0]!) : undefined
  if (only !== undefined) return enter(state, event, [only.task], only, out)
  const live = new Set<Claim>()
  let isOneGone = false
  for (const id of claims) {
    const claim = findClaim(state, id)
    if (claim === undefined) isOneGone = true
    else live.add(claim)
  }
  if (isOneGone && (mode === "firstCompleted" || mode === "firstFailure")) return answer(event.wait, undefined, out)
  enter(state, event, Array.from(live, (claim) => claim.task), live, out)
}

const none: ReadonlyArray<TaskId> = []

/** The bulk claims of an owner; none once it has closed. */
const targetsOfOwner = ({ owners }: State, owner: number): ReadonlyArray<TaskId> => owners.get(owner)?.targets ?? none

/** Waits for `tasks`, ended or not. Frees the slot of a waiter meanwhile, unless it keeps it. */
export const enter = (
  state: State,
  request: Request,
  tasks: ReadonlyArray<TaskId>,
  claims: Wait["claims"],
  out: Out
): void => {
  const open = openOf(state, tasks)
  const isOver = open.length < tasks.length &&
    tasks.some((task) => hasEnded(phaseOf(state, task)) && decides(state, request.mode, task))
  if (isOver || (open.length === 0 && request.mode !== "never")) return answer(request.wait, undefined, out)
  const waiter = livingWaiter(state, request)
  // A wait of a former attempt: nothing else would ever end it.
  if (request.mode === "never" && waiter !== request.waiter) return answer(request.wait, undefined, out)
  const { behalf, closing = false, keepsSlot = false, mode, wait: id } = request
  const starved = waiter < 0 || request.areNew === true ? undefined : cycle(state, waiter, open)
  if (starved !== undefined && behalf === undefined) return answer(id, starved, out)
  const awaited = starved === undefined ? open : withoutWay(state, { waiter, closing }, open, out)
  // All leaving tasks wait for the waiter, which must go on for them to end.
  if (awaited.length === 0 && mode !== "never") return answer(id, starved, out)
  const { length: remaining } = awaited
  const standing = undefined
  const wait: Wait = { id, mode, tasks: awaited, remaining, claims, waiter, closing, keepsSlot, behalf, standing }
  watch(state, wait)
  pause(state, wait, out)
}

/** Those of some tasks that have not ended, as a new list: mostly all. */
const openOf = (state: State, tasks: ReadonlyArray<TaskId>): Array<TaskId> => {
  for (const task of tasks) {
    if (hasEnded(phaseOf(state, task))) return tasks.filter((each) => !hasEnded(phaseOf(state, each)))
  }
  return tasks.slice()
}

/** The waiter of a new wait gives its slot away, or keeps it. */
const pause = (state: State, wait: Wait, out: Out): void => {
  if (wait.waiter < 0) return
  if (!wait.keepsSlot) return secede(state, wait.waiter, wait, out)
  use(state, Use.waits)
  add(state.keeping, wait)
}

/**
 * Adds claims to a standing wait, which begins with its first open claim. A claim that has ended, or is gone, is reported at once.
 * Waits for the next report end, because a task of the new ones may wait for their waiter.
 */
export const stand = (
  state: State,
  id: number,
  numbers: ReadonlyArray<ClaimId>,
  claims: ReadonlyArray<Claim | undefined>,
  out: Out
): void => {
  let wait = state.waits.get(id)
  endTakers(state, wait?.standing, out)
  for (let i = 0; i < claims.length; i++) {
    const claim = claims[i]
    if (claim !== undefined && !hasEnded(phaseOf(state, claim.task))) {
      standFor(state, wait ??= beginStanding(state, id), claim)
    } else out.push({ _tag: "ClaimEnded", wait: id, claim: numbers[i]! })
  }
}

const nothingAwaited: Array<TaskId> = []

const beginStanding = (state: State, id: number): Wait => {
  const wait: Wait = {
    id,
    mode: "each",
    tasks: nothingAwaited,
    remaining: 0,
    claims: undefined,
    waiter: -1,
    closing: false,
    keepsSlot: false,
    behalf: undefined,
    standing: { open: new Map(), takers: new Set() }
  }
  state.waits.set(id, wait)
  return wait
}

const standFor = (state: State, wait: Wait, claim: Claim): void => {
  wait.remaining++
  const { open } = wait.standing!
  // If nothing waits for the task, this does not either.
  const present = state.tasks.waits[claim.task] === undefined ? undefined : open.get(claim.task)
  if (present === undefined) open.set(claim.task, claim)
  else if (Array.isArray(present)) present.push(claim)
  else open.set(claim.task, [present, claim])
  watchOne(state, wait, claim.task)
}

/** Ends the waits for the next report of a standing wait. */
const endTakers = (state: State, standing: Standing | undefined, out: Out): void => {
  if (standing === undefined || standing.takers.size === 0) return
  for (const taker of standing.takers) end(state, taker, out)
}

/** The first open claim of a standing wait on this task, or `which`, has ended. */
const reportOpen = (state: State, wait: Wait, task: TaskId, which: Claim | undefined, out: Out): void => {
  const { open } = wait.standing!
  const present = open.get(task)!
  const claim = which ?? (Array.isArray(present) ? present[0]! : present)
  if (Array.isArray(present) && present.length > 1) present.splice(present.indexOf(claim), 1)
  else open.delete(task)
  wait.remaining--
  if (wait.remaining === 0) state.waits.delete(wait.id)
  out.push({ _tag: "ClaimEnded", wait: wait.id, claim: claim.id })
  endTakers(state, wait.standing, out)
}

/** Waits for the next report of a standing wait. */
const enterTaking = (state: State, event: WaitBegan, of: Wait | undefined, out: Out): void => {
  const { keepsSlot = false, mode, open = 0, wait: id } = event
  const standing = of?.standing
  if (standing === undefined || of!.remaining < open) return answer(id, undefined, out)
  const waiter = livingWaiter(state, event)
  if (waiter >= 0 && (standing.open.has(waiter) || isAwaitedByTasks(state, waiter))) {
    const starved = cycle(state, waiter, [...standing.open.keys()])
    if (starved !== undefined) return answer(id, starved, out)
  }
  const wait: Wait = {
    id,
    mode,
    tasks: nothingAwaited,
    remaining: 0,
    claims: undefined,
    waiter,
    closing: false,
    keepsSlot,
    behalf: undefined,
    standing
  }
  state.waits.set(id, wait)
  standing.takers.add(wait)
  pause(state, wait, out)
}

/**
 * Whether a dependent or a successor of a task, or a wait in a body, is open: the tasks for which {@link visitAwaited} visits it.
 * Most waiters are awaited from outside alone.
 */
export const isAwaitedByTasks = (state: State, task: TaskId): boolean => {
  const { index, submission, waits } = state.tasks
  const { dependentOffsets } = submission[task]!
  const at = index[task]!
  return dependentOffsets[at]! < dependentOffsets[at + 1]! || state.later.has(task) || state.successors.has(task) ||
    [waits[task] ?? []].flat().some(({ standing, waiter }) => waiter >= 0 || (standing?.takers.size ?? 0) > 0)
}

/** The tasks that a wait waits for. */
export const awaitedIn = (state: State, wait: Wait): ReadonlyArray<TaskId> =>
  wait.standing === undefined
    ? wait.tasks.filter((task) => isWatching(state, wait, task))
    : [...wait.standing.open.keys()]

/** Ends a wait for its waiter. */
export const answer = (wait: number, starved: Starvation, out: Out): void => {
  out.push({ _tag: "WaitEnded", wait, starved })
}

/** The tasks that do not wait for the waiter themselves. With `closing`, its children first give up such waits. */
const withoutWay = (
  state: State,
  { closing, waiter }: Pick<Wait, "closing" | "waiter">,
  tasks: Array<TaskId>,
  out: Out
): Array<TaskId> => {
  if (waiter < 0 || cycle(state, waiter, tasks) === undefined) return tasks
  if (closing) outrank(state, waiter, tasks, out)
  return tasks.filter((task) => cycle(state, waiter, [task]) === undefined)
}

/** A parent does not end before its children (N10), so waits for the parent in their finalizers end. */
const outrank = (state: State, waiter: TaskId, tasks: ReadonlyArray<TaskId>, out: Out): void => {
  const inner = new Set(tasks.filter((task) => isDeeper(state, task, waiter)))
  for (const task of inner) {
    for (const wait of waitsInside(state, task)) {
      if (!wait.closing) continue
      for (const each of awaitedIn(state, wait)) if (isDeeper(state, each, task)) inner.add(each)
    }
  }
  for (const task of inner) {
    for (const wait of waitsInside(state, task).slice()) {
      const isInVain = (each: TaskId): boolean => !inner.has(each) && cycle(state, waiter, [each], inner) !== undefined
      const vain = awaitedIn(state, wait).filter(isInVain)
      if (vain.length > 0) giveUp(state, wait, vain, cycle(state, waiter, [task])!, out)
    }
  }
}

/** `task` has more ancestors than `other`, so it is no ancestor of `other`. */
const isDeeper = ({ tasks: { submission } }: State, task: TaskId, other: TaskId): boolean =>
  submission[task]!.depth > submission[other]!.depth

/** Removes these tasks from a wait inside a finalizer, which then goes on or ends. */
const giveUp = (
  state: State,
  wait: Wait,
  tasks: ReadonlyArray<TaskId>,
  [first, ...rest]: ReadonlyArray<Pair>,
  out: Out
): void => {
  // It waits for the other leaving tasks.
  if (wait.behalf === undefined || tasks.length === wait.remaining) return starve(state, wait, [...rest, first!], out)
  for (const task of tasks) unwatch(state, wait, task)
  wait.tasks = wait.tasks.filter((task) => !tasks.includes(task))
  wait.remaining -= tasks.length
}

/** Whether the end of `task` alone ends a wait of this mode. A task whose resource was finalized does not count as failed. */
const decides = (state: State, mode: WaitMode, task: TaskId): boolean => {
  if (mode === "firstCompleted") return true
  const phase = state.tasks.phase[task]
  return mode === "firstFailure" && phase !== Phase.succeeded && phase !== Phase.releasing
}

/** The waiter, if its attempt or the finalizers of that have not ended. */
const livingWaiter = (state: State, { attempt, waiter }: Request): TaskId => {
  if (waiter < 0 || state.tasks.attempt[waiter] !== attempt) return -1
  const phase = state.tasks.phase[waiter]!
  return phase >= Phase.running && phase <= Phase.releasing ? waiter : -1
}

/** Registers a wait for tasks that have not ended. */
const watch = (state: State, wait: Wait): void => {
  state.waits.set(wait.id, wait)
  for (const task of wait.tasks) watchOne(state, wait, task)
}

const watchOne = ({ tasks: { waits } }: State, wait: Wait, task: TaskId): void => {
  const present = waits[task]
  if (present === undefined) waits[task] = wait
  else if (Array.isArray(present)) present.push(wait)
  else waits[task] = [present, wait]
}

/** Adds these tasks to an open wait, except those that wait for its waiter. */
export const waitForMore = (state: State, id: number, tasks: ReadonlyArray<TaskId>, out: Out): void => {
  const wait = state.waits.get(id)
  if (wait === undefined) return
  for (const task of withoutWay(state, wait, openOf(state, tasks), out)) {
    wait.tasks.push(task)
    wait.remaining++
    watchOne(state, wait, task)
  }
}

/** Notifies the waits for `task` that it has ended. */
export const taskEnded = (state: State, task: TaskId, out: Out): void => {
  const present = state.tasks.waits[task]
  if (present === undefined) return
  state.tasks.waits[task] = undefined
  if (!Array.isArray(present)) return count(state, present, task, out)
  for (const wait of present) count(state, wait, task, out)
}

/** Notifies waits on a behalf that a leaving task stays after all. Waits for the task itself go on. */
export const stays = (state: State, task: TaskId, out: Out): void => {
  const present = state.tasks.waits[task]
  if (present === undefined) return
  const all = Array.isArray(present) ? present : [present]
  const others = all.filter(({ behalf }) => behalf === undefined)
  state.tasks.waits[task] = others.length === 0 ? undefined : others
  for (const wait of all) if (wait.behalf !== undefined) count(state, wait, task, out)
}

/** Counts a gone claim as ended for the waits through it. */
export const claimEnded = (state: State, claim: Claim, out: Out): void => {
  const present = state.tasks.waits[claim.task]
  if (present === undefined) return
  for (const wait of new Set(Array.isArray(present) ? present : [present])) {
    while (isStandingFor(wait, claim)) {
      unwatchOnce(state, wait, claim.task)
      reportOpen(state, wait, claim.task, claim, out)
    }
    const { claims } = wait
    if (claims !== claim && !(claims instanceof Set && claims.has(claim))) continue
    unwatchOnce(state, wait, claim.task)
    wait.remaining--
    if (wait.remaining === 0 || wait.mode !== "all") end(state, wait, out)
  }
}

const isStandingFor = ({ standing }: Wait, claim: Claim): boolean => {
  const open = standing?.open.get(claim.task)
  return open === claim || (Array.isArray(open) && open.includes(claim))
}

/** Claims of two owners on one task are watched separately. */
const unwatchOnce = (state: State, wait: Wait, task: TaskId): void => {
  const present = state.tasks.waits[task]
  if (Array.isArray(present) && present.length > 1) present.splice(present.indexOf(wait), 1)
  else state.tasks.waits[task] = undefined
}

const count = (state: State, wait: Wait, task: TaskId, out: Out): void => {
  if (wait.standing !== undefined) return reportOpen(state, wait, task, undefined, out)
  wait.remaining--
  const over = wait.remaining === 0 || decides(state, wait.mode, task)
  if (!over || !state.waits.has(wait.id)) return
  // A task that has left may have been the last to need others, which leave on the same behalf in this step.
  if (wait.behalf === undefined) return end(state, wait, out)
  state.step.endingWaits.push(wait)
  use(state, Use.step)
}

/** Ends a wait whose tasks have all ended, or adds these tasks to it. */
export const endOrGoOn = (state: State, wait: Wait, tasks: Array<TaskId>, out: Out): void => {
  if (state.waits.get(wait.id) !== wait) return
  const awaited = withoutWay(state, wait, tasks, out)
  if (awaited.length === 0) return end(state, wait, out)
  wait.tasks = awaited
  wait.remaining = awaited.length
  watch(state, wait)
}

const unwatch = (state: State, wait: Wait, task: TaskId): void => {
  const present = state.tasks.waits[task]
  if (present === wait) state.tasks.waits[task] = undefined
  else if (Array.isArray(present)) {
    const rest = present.filter((other) => other !== wait)
    state.tasks.waits[task] = rest.length === 0 ? undefined : rest
  }
}

/** Whether `wait` still waits for `task`, whose row may belong to another task by now. */
export const isWatching = (state: State, wait: Wait, task: TaskId): boolean => {
  if (wait.standing !== undefined) return wait.standing.open.has(task)
  const present = state.tasks.waits[task]
  return present === wait || (Array.isArray(present) && present.includes(wait))
}

/** Handles {@link WaitAbandoned}. Treated as an end, so that the task takes its slot again first. */
export const abandon = (state: State, event: WaitAbandoned, out: Out): void => {
  const wait = state.waits.get(event.wait)
  if (wait === undefined) return
  if (wait.mode !== "each") return end(state, wait, out)
  endTakers(state, wait.standing, out)
  close(state, wait)
}

/** Handles {@link SlotWanted}. As among the fibers of any body, the last one to come back takes the slot. */
export const comeBack = (state: State, { attempt, task, wait }: SlotWanted, out: Out): void => {
  const isStopping = state.tasks.phase[task] === Phase.stopping && state.tasks.attempt[task] === attempt
  const isAway = state.waitsOf.get(task)?.some(({ mode }) => mode !== "never") === true
  if (!isStopping || isAway || holdsSlot(state, task)) return answer(wait, undefined, out)
  dequeue(state, task, out)
  enqueue(state, task, wait)
}

/** The fiber that waits by this number goes on when its task has a slot again. */
const enqueue = (state: State, task: TaskId, wait: number): void => {
  use(state, Use.waits)
  workerOf(state, task).rejoining.set(task, wait)
}

const workerOf = (state: State, task: TaskId): WorkerRecord => state.workers[state.tasks.worker[task]!]!

/** A fiber that was about to take the slot goes on without it. */
const dequeue = (state: State, task: TaskId, out: Out): void => {
  const { rejoining } = workerOf(state, task)
  const wait = rejoining.get(task)
  if (wait === undefined) return
  rejoining.delete(task)
  answer(wait, slots.starvedOf(state, wait), out)
}

/** Removes an open wait. */
const close = (state: State, wait: Wait): void => {
  state.waits.delete(wait.id)
  if (wait.standing === undefined) { for (const task of wait.tasks) unwatch(state, wait, task) }
  else if (wait.mode !== "each") wait.standing.takers.delete(wait)
  else for (const task of wait.standing.open.keys()) unwatch(state, wait, task)
}

const end = (state: State, wait: Wait, out: Out): void => {
  if (wait.remaining > 0 || wait.standing !== undefined) close(state, wait)
  else state.waits.delete(wait.id)
  if (wait.waiter >= 0 && wait.keepsSlot) remove(state.keeping, wait)
  else if (wait.waiter >= 0 && rejoin(state, wait.waiter, wait)) return
  answer(wait.id, undefined, out)
}

/** Ends a wait that keeps a slot or amounts and could never end by itself. Its body goes on when it has its slot again. */
export const starve = (state: State, wait: Wait, starved: ReadonlyArray<Pair>, out: Out): void => {
  close(state, wait)
  if (wait.keepsSlot) remove(state.keeping, wait)
  else if (rejoin(state, wait.waiter, wait)) {
    state.starved.set(wait.id, starved)
    return
  }
  answer(wait.id, starved, out)
}

const add = (table: Map<TaskId, Array<Wait>>, wait: Wait): void => {
  const present = table.get(wait.waiter)
  if (present === undefined) table.set(wait.waiter, [wait])
  else present.push(wait)
}

const remove = (table: Map<TaskId, Array<Wait>>, wait: Wait): void => {
  const rest = table.get(wait.waiter)!.filter((other) => other !== wait)
  if (rest.length === 0) table.delete(wait.waiter)
  else table.set(wait.waiter, rest)
}

/** Ends the open waits of an attempt that has ended. */
export const attemptEnded = (state: State, waiter: TaskId, out: Out): void => {
  attemptStops(state, waiter, out)
  // The remaining waits are for tasks that must not be outlived. Their closer waits on, now without the attempt.
  const open = state.waitsOf.get(waiter)
  state.waitsOf.delete(waiter)
  for (const wait of open ?? []) wait.waiter = -1
}

/** Ends the waits of an attempt that is asked to stop, except for tasks that it must not outlive. It does not rejoin. */
export const attemptStops = (state: State, waiter: TaskId, out: Out): void => {
  dequeue(state, waiter, out)
  const keeping = state.keeping.get(waiter)
  state.keeping.delete(waiter)
  for (const wait of keeping ?? []) endAtStop(state, wait, out)
  const open = state.waitsOf.get(waiter)
  if (open === undefined) return
  const closing = open.filter((wait) => wait.closing)
  if (closing.length === 0) state.waitsOf.delete(waiter)
  else state.waitsOf.set(waiter, closing)
  for (const wait of open) if (!wait.closing) endAtStop(state, wait, out)
}

const endAtStop = (state: State, wait: Wait, out: Out): void => {
  close(state, wait)
  answer(wait.id, undefined, out)
}

/** Frees the slot of `task` while `wait` is open. */
const secede = (state: State, task: TaskId, wait: Wait, out: Out): void => {
  const isStopping = state.tasks.phase[task]! >= Phase.stopping
  // It would not rejoin, and so come back without a slot: it keeps the slot.
  const stays = isStopping && wait.mode === "never"
  if (!stays && state.holding.size > 0) amounts.giveAway(state, task)
  const open = state.waitsOf.get(task)
  if (open === undefined) state.waitsOf.set(task, [wait])
  else open.push(wait)
  if (isStopping) {
    // From its first wait for tasks on, its finalizers run without a slot; other code takes the slot again.
    if (stays) return
    dequeue(state, task, out)
    return slots.free(state, task)
  }
  if (open !== undefined) return
  // The last fiber to come back rejoins.
  dequeue(state, task, out)
  slots.free(state, task)
  transition(state, task, Phase.seceded)
}

/** Queues `task` for a slot if `wait` was its last open wait, and it cannot have one at once. Returns whether it did. */
const rejoin = (state: State, task: TaskId, wait: Wait): boolean => {
  const open = state.waitsOf.get(task)
  if (open === undefined) return false
  if (open.length > 1) {
    open.splice(open.indexOf(wait), 1)
    return false
  }
  state.waitsOf.delete(task)
  if (state.tasks.phase[task]! >= Phase.stopping) return false
  transition(state, task, Phase.rejoining)
  if (slots.retake(state, task)) return false
  enqueue(state, task, wait.id)
  return true
}

/** Pairs of waiting and awaited key. */
export type Starvation = ReadonlyArray<Pair> | undefined

/**
 * The cycle that waiting for `awaited` inside `waiter` would close, as pairs of waiting and awaited key, or `undefined`.
 * Follows what each task itself waits for: dependencies, the task it stands for, and the waits of its body; not through
 * `without`.
 */
export const cycle = (
  state: State,
  waiter: TaskId,
  awaited: ReadonlyArray<TaskId>,
  without?: ReadonlySet<TaskId>
): Starvation => {
  if (areReady(state, awaited)) return undefined
  const from = new Map<TaskId, TaskId>()
  const stack: Array<TaskId> = []
  const visit = (task: TaskId, by: TaskId): void => {
    if (from.has(task) || without?.has(task) === true || hasEnded(phaseOf(state, task))) return
    from.set(task, by)
    stack.push(task)
  }
  for (const task of awaited) visit(task, waiter)
  while (stack.length > 0) {
    const task = stack.pop()!
    if (task === waiter) return pathTo(state, waiter, from)
    visitAwaited(state, task, visit)
  }
  return undefined
}

/** Whether tasks wait for slots alone, as most do that a body has just submitted. */
const areReady = ({ tasks: { phase } }: State, ids: ReadonlyArray<TaskId>): boolean => {
  for (const task of ids) if (phase[task] !== Phase.ready) return false
  return true
}

const pathTo = (state: State, waiter: TaskId, from: ReadonlyMap<TaskId, TaskId>) => {
  const way = [waiter]
  do way.unshift(from.get(way[0]!)!)
  while (way[0] !== waiter)
  const keys = keysOf(state, way)
  return keys.slice(1).map((key, i): Pair => [keys[i]!, key])
}

/** The tasks that a task waits for: all that have not ended, and maybe others. */
export const awaitedBy = (state: State, task: TaskId): Array<TaskId> => {
  const found = new Set<TaskId>()
  visitAwaited(state, task, (awaited) => found.add(awaited))
  return [...found]
}

/** Calls `visit` with everything that a task waits for, except slots and its own work. */
export const visitAwaited = (state: State, task: TaskId, visit: (task: TaskId, by: TaskId) => void): void => {
  const alias = aliasOf(state, task)
  if (alias !== undefined) return visit(alias, task)
  for (const wait of waitsInside(state, task)) {
    if (wait.standing !== undefined) { for (const awaited of wait.standing.open.keys()) visit(awaited, task) }
    else for (const awaited of wait.tasks) if (isWatching(state, wait, awaited)) visit(awaited, task)
  }
  if (state.tasks.phase[task] !== Phase.waiting) return
  // With a policy, some members may suffice; all uncounted ones are taken as needed, or a cycle could close unseen.
  if (settingsOf(state, task)?.policies !== undefined) {
    for (const each of awaitedDependenciesOf(state, task)) visit(each, task)
    return
  }
  for (const former of extrasOf(state, task)?.formers ?? none) visit(former, task)
  const submission = state.tasks.submission[task]!
  const { offsets, targets } = submission.plan
  const index = state.tasks.index[task]!
  for (let i = offsets[index]!; i < offsets[index + 1]!; i++) visit(liveOf(submission, targets[i]!), task)
}
