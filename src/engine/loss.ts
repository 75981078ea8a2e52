/**
 * The loss of a worker: what ran there starts elsewhere, and what only it held is made anew from what it was made of, as far
 * as somebody claims or needs it. Costs a walk over all tasks.
 *
 * @since 0.1.0
 */
import { breakCycles, uncharge } from "./again.ts"
import { propagate } from "./agenda.ts"
import { closed, leave, remember, stopped } from "./attempts.ts"
import type { WorkerLost } from "./Event.ts"
import type { Out } from "./Instruction.ts"
import { noteOutcome, outcomeOf } from "./outcomes.ts"
import * as ready from "./ready.ts"
import { letGo } from "./release.ts"
import { fail, isRefusal, makeReady, refuse } from "./settle.ts"
import { dependenciesOf } from "./snapshot.ts"
import { Flag, hasEnded, holdsDependencies, Phase, settingsOf } from "./State.ts"
import type { Phase as PhaseOf, State, Submission, TaskId } from "./State.ts"
import { addLater } from "./submit.ts"
import { note, transition } from "./transitions.ts"

/** What a loss has changed so far. */
interface Loss {
  /** Tasks that must start again, with those that were forgotten and are needed for that. */
  readonly again: Set<TaskId>
  /** Those among them whose result had been there. */
  readonly reopened: Set<TaskId>
  /** Tasks whose dependencies are not held yet. */
  readonly rootless: Array<TaskId>
}

/** Handles {@link WorkerLost}. */
export const lose = (state: State, event: WorkerLost, out: Out): void => {
  const worker = state.workers[event.worker]
  if (worker === undefined || worker.phase === "lost") {
    out.push({ _tag: "Rejected", event: event._tag, reason: { _tag: "Gone", what: "worker" } })
    return
  }
  worker.phase = "lost"
  const loss: Loss = { again: new Set(), reopened: new Set(), rootless: [] }
  for (const task of tasksOf(state, worker.index, isAtWork)) endAttempt(state, task, loss, out)
  propagate(state, out)
  for (const task of tasksOf(state, worker.index, isLeaving)) endLeaving(state, task, out)
  for (const task of tasksOf(state, worker.index, hasResult)) forsake(state, task, out)
  // What nobody needs any more by now is forgotten rather than made anew.
  propagate(state, out)
  for (const task of tasksOf(state, worker.index, hasResult)) reopen(state, task, loss)
  for (let task = loss.rootless.pop(); task !== undefined; task = loss.rootless.pop()) root(state, task, loss, out)
  regroup(state, loss, out)
}

const isAtWork = (phase: PhaseOf): boolean => phase >= Phase.assigned && phase < Phase.stopping

const isLeaving = (phase: PhaseOf): boolean => phase === Phase.stopping || phase === Phase.releasing

const hasResult = (phase: PhaseOf): boolean => phase === Phase.succeeded

const tasksOf = (
  { tasks }: State,
  worker: number,
  isMeant: (phase: PhaseOf) => boolean
): ReadonlyArray<TaskId> => {
  const found: Array<TaskId> = []
  for (let task = 0; task < tasks.used; task++) {
    if (tasks.worker[task] === worker && isMeant(tasks.phase[task] as PhaseOf)) found.push(task)
  }
  return found
}

const mayRepeat = (state: State, task: TaskId): boolean => settingsOf(state, task)?.idempotent !== false

/** What ran there starts again, unless too many workers died of it. */
const endAttempt = (state: State, task: TaskId, { again }: Loss, out: Out): void => {
  leave(state, task, out)
  remember(state, task, "died")
  const deaths = state.history.get(task)!.filter(({ fate }) => fate === "died").length
  const isFatal = deaths >= state.limits.deaths
  if (isFatal || !mayRepeat(state, task)) {
    const reason = isFatal ? "deaths" : "lost"
    return fail(state, task, outcomeOf(state, task, { _tag: "Killed", deaths, reason }), out)
  }
  uncharge(state, task)
  state.tasks.waiting[task] = 0
  transition(state, task, Phase.waiting)
  again.add(task)
}

/** The outcome of one that stops was fixed, and a resource that was being finalized is gone. */
const endLeaving = (state: State, task: TaskId, out: Out): void => {
  if (state.tasks.phase[task] === Phase.releasing) closed(state, task, out)
  else {
    leave(state, task, out)
    stopped(state, task, { _tag: "Interrupted" }, out)
  }
  // Each on somebody's behalf: what it was the last to need elsewhere is released on that.
  propagate(state, out)
  state.behalf = undefined
}

/**
 * What must not run again ends here. A task that stood for another one runs its own body again, and needs that no more. Other
 * results that live on something keep hold of it, for those that make them anew.
 */
const forsake = (state: State, task: TaskId, out: Out): void => {
  const isFinal = !mayRepeat(state, task)
  if (isFinal ? holdsDependencies(state, task) : state.aliases.has(task)) {
    letGo(state, task, out)
    state.tasks.flags[task]! &= ~Flag.retains
  }
  if (isFinal) kill(state, task, out)
}

/** All that have a result have users (S3): it is made anew. */
const reopen = (state: State, task: TaskId, loss: Loss): void => {
  // Before it waits: then it holds them in any case.
  if (!holdsDependencies(state, task)) loss.rootless.push(task)
  remember(state, task, "lost")
  uncharge(state, task)
  state.tasks.flags[task]! &= ~(Flag.settled | Flag.retains)
  state.tasks.flags[task]! |= Flag.recomputed
  transition(state, task, Phase.waiting)
  loss.reopened.add(task)
  loss.again.add(task)
}

/** Ends a task that cannot give its result again. It has let go of its dependencies. */
const kill = (state: State, task: TaskId, out: Out): void => {
  noteOutcome(state, task, outcomeOf(state, task, { _tag: "Killed", deaths: 0, reason: "lost" }), out)
  transition(state, task, Phase.failed)
  state.tasks.flags[task]! |= Flag.settled | Flag.recomputed
  state.tasks.endedAt[task] = state.now
  state.tasks.endNumber[task] = state.nextEnd++ | 0
}

/** Takes hold of the dependencies of a task that had let go of them, and gives those that were forgotten a row again. */
const root = (state: State, task: TaskId, loss: Loss, out: Out): void => {
  const submission = state.tasks.submission[task]!
  const index = state.tasks.index[task]!
  const { offsets, targets } = submission.plan
  for (let edge = offsets[index]!; edge < offsets[index + 1]!; edge++) {
    const target = targets[edge]!
    const origin = target >= 0 ? { submission, index: target } : submission.origins!.get(edge)!
    const present = origin.submission.ids[origin.index]!
    const dependency = present >= 0 ? present : revive(state, origin.submission, origin.index, loss, out)
    if (target < 0) targets[edge] = ~dependency
    state.tasks.refs[dependency]!++
  }
}

/** Gives a task that was forgotten a row again. Its key is free, and stays so. */
const revive = (state: State, submission: Submission, index: number, loss: Loss, out: Out): TaskId => {
  const { tasks } = state
  tasks.reserve(1)
  const task = tasks.take()
  submission.ids[index] = task
  ready.laneOf(submission, index).taskAt[submission.ranks[index]!] = task
  tasks.phase[task] = Phase.waiting
  tasks.flags[task] = Flag.begun | Flag.recomputed
  tasks.waiting[task] = 0
  tasks.refs[task] = 0
  tasks.attempt[task] = 0
  tasks.starts[task] = 0
  tasks.worker[task] = -1
  tasks.index[task] = index
  tasks.submission[task] = submission
  tasks.startedAt[task] = 0
  tasks.endedAt[task] = 0
  const settings = settingsOf(state, task)
  if (settings?.demand !== undefined) state.demanding++
  if (settings?.resource === true) {
    tasks.flags[task] |= Flag.resource
    state.resources++
  }
  if (state.log !== undefined) note(state, task, undefined, "waiting")
  if (mayRepeat(state, task)) {
    loss.again.add(task)
    loss.rootless.push(task)
  } else kill(state, task, out)
  return task
}

/** Lets each task that needs something know what it has to wait for by now. */
const regroup = (state: State, loss: Loss, out: Out): void => {
  const changed = new Set<TaskId>()
  const refused = new Map<TaskId, TaskId>()
  for (let task = 0; task < state.tasks.used; task++) {
    const phase = state.tasks.phase[task] as PhaseOf
    if (phase === Phase.free || !holdsDependencies(state, task) || state.aliases.has(task)) continue
    const missing = countMissing(state, task, loss)
    // What runs or is held elsewhere goes on: it has its inputs.
    if (phase > Phase.ready) continue
    const refusal = dependenciesOf(state, task).find((dependency) => refuses(state, task, dependency))
    if (refusal !== undefined) refused.set(task, refusal)
    if (missing === 0 && !loss.again.has(task)) continue
    changed.add(task)
    if (phase === Phase.ready) {
      ready.remove(state, task)
      transition(state, task, Phase.waiting)
    }
    state.tasks.waiting[task] = missing + (loss.again.has(task) ? 0 : state.tasks.waiting[task]!)
  }
  // Only now, when all have counted: dependents of these are told when they are settled.
  for (const [task, dependency] of refused) refuse(state, task, dependency, out)
  for (const task of changed) {
    if (state.tasks.phase[task] === Phase.waiting && state.tasks.waiting[task] === 0) makeReady(state, task)
  }
  breakCycles(state, changed, out)
}

const refuses = (state: State, task: TaskId, dependency: TaskId): boolean =>
  hasEnded(state.tasks.phase[dependency] as PhaseOf) && isRefusal(state, task, dependency)

/** How many dependencies a task has to wait for that it had not to wait for before. Tells them of it. */
const countMissing = (state: State, task: TaskId, { again, reopened }: Loss): number => {
  const { ids, plan: { offsets, targets } } = state.tasks.submission[task]!
  const index = state.tasks.index[task]!
  let missing = 0
  const later: Array<TaskId> = []
  for (let edge = offsets[index]!; edge < offsets[index + 1]!; edge++) {
    const target = targets[edge]!
    const dependency = target >= 0 ? ids[target]! : ~target
    if (hasEnded(state.tasks.phase[dependency] as PhaseOf)) continue
    if (target < 0) later.push(dependency)
    if (again.has(task) || reopened.has(dependency)) missing++
  }
  // Once for each place, and anew: it may have listened to some of them already.
  for (const dependency of later) state.later.get(dependency)?.delete(task)
  for (const dependency of later) addLater(state, dependency, task)
  return missing
}
