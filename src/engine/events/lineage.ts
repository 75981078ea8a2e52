/**
 * Recomputes results from their lineage, after the loss of a worker or the report of a body. Forgotten tasks that this needs get
 * rows again, as far back as necessary, and run once. Tasks that need them wait again. Costs a walk over all tasks.
 *
 * @since 0.1.0
 */
import * as brakes from "../dispatch/brakes.ts"
import * as ready from "../dispatch/ready.ts"
import { breakCycles, remember, uncharge } from "../life/again.ts"
import { conclude, isRefusal, makeReady, noteEnd, refuse } from "../life/ends.ts"
import * as follow from "../life/follow.ts"
import { recount } from "../life/groups.ts"
import type { Verdict } from "../life/groups.ts"
import { releaseInputs } from "../life/release.ts"
import { rowOf } from "../protocol/home.ts"
import type { TaskId } from "../protocol/ids.ts"
import type { Out } from "../protocol/Instruction.ts"
import { Flag, hasEnded, Phase } from "../protocol/Phase.ts"
import type { Killing } from "../protocol/Reason.ts"
import { isBeyond, liveOf, originOf } from "../protocol/Registered.ts"
import { dependenciesOf } from "../state/dependencies.ts"
import { addLater, unlisten } from "../state/later.ts"
import { holdsDependencies, mayRepeat, phaseOf, settingsOf } from "../state/lookups.ts"
import { noteOutcome, outcomeOf } from "../state/outcomes.ts"
import { aliasOf, extrasOf } from "../state/rare.ts"
import { noteRun } from "../state/runs.ts"
import type { State } from "../state/State.ts"
import type { Place } from "../state/Submission.ts"
import { transition } from "../state/transitions.ts"
import { dropCopies } from "../workers/copies.ts"
import { fillRows } from "./rows.ts"
import { markResource } from "./submit.ts"

/** The tasks to run again, and the tasks that need them. */
export interface Renewal {
  /** Tasks that must run again, including forgotten ones. */
  readonly again: Set<TaskId>
  /** Tasks whose result was held. */
  readonly reopened: Set<TaskId>
  /** Tasks whose dependencies are not held yet. */
  readonly rootless: Array<TaskId>
}

export const makeRenewal = (): Renewal => ({ again: new Set(), reopened: new Set(), rootless: [] })

/** A task that stood for another runs its own body again, and drops the other. */
export const dropAlias = (state: State, task: TaskId, out: Out): void => {
  if (aliasOf(state, task) === undefined) return
  releaseInputs(state, task, out)
  state.tasks.flags[task]! &= ~Flag.retains
}

/** Reopens a task that has succeeded: its result is gone, and it runs again. */
export const reopen = (state: State, task: TaskId, renewal: Renewal, out: Out): void => {
  dropCopies(state, task, out)
  // Before it waits, because a waiting task holds its dependencies in any case.
  if (!holdsDependencies(state, task)) renewal.rootless.push(task)
  brakes.noteGone(state, task)
  // A value from outside has no attempt to count.
  if (state.tasks.attempt[task] !== 0) {
    remember(state, task, "lost")
    uncharge(state, task)
  }
  state.tasks.worker[task] = rowOf(state.tasks.worker[task]!)
  state.tasks.flags[task]! &= ~(Flag.told | Flag.retains)
  state.tasks.flags[task]! |= Flag.recomputed
  // A value set from outside owned no resource; the result of the new run will.
  if (settingsOf(state, task)?.resource === true) markResource(state, task)
  transition(state, task, Phase.waiting)
  renewal.reopened.add(task)
  renewal.again.add(task)
}

/** Ends a task that cannot produce its result again. It has dropped its dependencies. */
export const kill = (state: State, task: TaskId, reason: Killing, out: Out): void => {
  noteOutcome(state, task, outcomeOf(state, task, { _tag: "Killed", deaths: 0, reason }), out)
  brakes.noteGone(state, task)
  dropCopies(state, task, out)
  noteEnd(state, task, Phase.failed)
  state.tasks.flags[task]! |= Flag.told | Flag.recomputed
}

/** Restores all that the tasks of a renewal need, and lets their dependents wait. */
export const renew = (state: State, renewal: Renewal, out: Out): void => {
  // Tasks that ending tasks hold may be open or needed again. The next query counts anew.
  state.held = undefined
  for (let task = renewal.rootless.pop(); task !== undefined; task = renewal.rootless.pop()) {
    root(state, task, renewal, out)
  }
  regroup(state, renewal, out)
}

/** Takes the dependencies of a task again that it had dropped, and gives forgotten ones rows. */
const root = (state: State, task: TaskId, renewal: Renewal, out: Out): void => {
  const submission = state.tasks.submission[task]!
  const index = state.tasks.index[task]!
  const { offsets, targets } = submission.plan
  for (let edge = offsets[index]!; edge < offsets[index + 1]!; edge++) {
    const origin = originOf(submission, edge) as Place
    const present = origin.submission.ids[origin.index]!
    const dependency = present >= 0 ? present : revive(state, origin, renewal, out)
    if (targets[edge]! < 0) targets[edge] = ~dependency
    state.tasks.refs[dependency]!++
  }
}

/** Gives a forgotten task a row again. Its key stays free. */
const revive = (state: State, { index, submission }: Place, renewal: Renewal, out: Out): TaskId => {
  const { tasks } = state
  tasks.reserve(1)
  const task = tasks.take()
  submission.ids[index] = task
  ready.laneOf(submission, index).taskAt[submission.ranks[index]!] = task
  fillRows(state, submission, Phase.waiting, index, index + 1)
  tasks.flags[task]! |= Flag.begun | Flag.recomputed | (submission.plan.settings.has(index) ? Flag.hasSettings : 0)
  noteRun(state, task)
  tasks.waiting[task] = 0
  tasks.refs[task] = 0
  if (ready.isDemanding(submission, index)) ready.demand(state)
  if (settingsOf(state, task)?.resource === true) markResource(state, task)
  if (!mayRepeat(state, task)) kill(state, task, "lost", out)
  else if (isBeyond(submission)) kill(state, task, "forgotten", out)
  else {
    renewal.again.add(task)
    renewal.rootless.push(task)
  }
  return task
}

/** Updates what each task that needs a renewed one waits for. */
const regroup = (state: State, renewal: Renewal, out: Out): void => {
  const { again } = renewal
  const changed = new Set<TaskId>()
  const refused = new Map<TaskId, TaskId>()
  const judged = new Map<TaskId, Verdict>()
  for (let task = 0; task < state.tasks.used; task++) {
    const phase = phaseOf(state, task)
    if (phase === Phase.free || !holdsDependencies(state, task) || aliasOf(state, task) !== undefined) continue
    if (state.demanding > 0 && again.has(task)) state.step.unplaced.push(task)
    if (settingsOf(state, task)?.policies !== undefined) {
      const verdict = regroupNeeds(state, task, renewal, out)
      if (verdict !== undefined) judged.set(task, verdict)
      else if (phase <= Phase.ready && state.tasks.phase[task] === Phase.waiting) changed.add(task)
      continue
    }
    const missing = countMissing(state, task, renewal)
    // Running tasks and held results go on: they have their inputs.
    if (phase > Phase.ready) continue
    const refusal = dependenciesOf(state, task).find((dependency) => refuses(state, task, dependency))
    if (refusal !== undefined) refused.set(task, refusal)
    if (missing === 0 && !again.has(task)) continue
    changed.add(task)
    if (phase === Phase.ready) {
      ready.remove(state, task)
      transition(state, task, Phase.waiting)
    }
    state.tasks.waiting[task] = missing + (again.has(task) ? 0 : state.tasks.waiting[task]!)
  }
  // Only now, after all have counted: dependents of these are notified by the agenda.
  for (const [task, dependency] of refused) refuse(state, task, dependency, out)
  for (const [task, verdict] of judged) conclude(state, task, verdict, out)
  for (const task of changed) {
    if (state.tasks.phase[task] === Phase.waiting && state.tasks.waiting[task] === 0) makeReady(state, task)
  }
  breakCycles(state, changed, out)
}

/** Counts the groups of a task anew, if it has not started. */
const regroupNeeds = (state: State, task: TaskId, { again }: Renewal, out: Out): Verdict | undefined => {
  const phase = phaseOf(state, task)
  listenAnew(state, task)
  if (phase > Phase.ready) return undefined
  const needs = extrasOf(state, task)?.needs
  const isDelayed = needs !== undefined && !again.has(task) && state.tasks.waiting[task]! > needs.left
  const verdict = recount(state, task, isDelayed ? 1 : 0, out)
  if (verdict !== undefined) return verdict
  if (phase === Phase.ready && state.tasks.waiting[task] === 0) follow.rebind(state, task)
  else follow.unbind(state, task)
  if (phase === Phase.waiting || state.tasks.waiting[task] === 0) return undefined
  ready.remove(state, task)
  transition(state, task, Phase.waiting)
  return undefined
}

const refuses = (state: State, task: TaskId, dependency: TaskId): boolean =>
  hasEnded(phaseOf(state, dependency)) && isRefusal(state, task, dependency)

/** The number of dependencies that a task newly waits for. Registers it with them. */
const countMissing = (state: State, task: TaskId, { again, reopened }: Renewal): number => {
  let missing = 0
  for (const dependency of dependenciesOf(state, task)) {
    if (hasEnded(phaseOf(state, dependency))) continue
    if (again.has(task) || reopened.has(dependency)) missing++
  }
  listenAnew(state, task)
  return missing
}

/** Registers a task for the ends of its dependencies in other submissions. */
const listenAnew = (state: State, task: TaskId): void => {
  const submission = state.tasks.submission[task]!
  const { offsets, targets } = submission.plan
  const index = state.tasks.index[task]!
  const dropped = extrasOf(state, task)?.needs?.dropped
  const later: Array<TaskId> = []
  for (let edge = offsets[index]!; edge < offsets[index + 1]!; edge++) {
    if (targets[edge]! >= 0 || dropped?.has(edge - offsets[index]!) === true) continue
    const dependency = liveOf(submission, targets[edge]!)
    if (!hasEnded(phaseOf(state, dependency))) later.push(dependency)
  }
  // Once for each index, replacing former registrations.
  for (const dependency of later) unlisten(state, task, dependency)
  for (const dependency of later) addLater(state, dependency, task)
}
