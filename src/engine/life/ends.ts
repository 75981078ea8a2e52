/**
 * The end of a task and its consequences: waits are notified, dependents become ready or end, dependencies lose a user. One end
 * may cause thousands, so they go through an agenda and not the stack.
 *
 * @since 0.1.0
 */
import * as brakes from "../dispatch/brakes.ts"
import * as ready from "../dispatch/ready.ts"
import { atHome } from "../protocol/home.ts"
import type { TaskId } from "../protocol/ids.ts"
import type { Out } from "../protocol/Instruction.ts"
import { phaseAfter } from "../protocol/Outcome.ts"
import type { Outcome } from "../protocol/Outcome.ts"
import { Flag, hasEnded, Phase } from "../protocol/Phase.ts"
import { liveOf } from "../protocol/Registered.ts"
import type { Later } from "../state/Extras.ts"
import { dropLater, laterOf } from "../state/later.ts"
import { hasTaker, holdsDependencies, keyOf, phaseOf, placeOf, serialAt, settingsOf } from "../state/lookups.ts"
import { noteOutcome, outcomeOf } from "../state/outcomes.ts"
import { aliasOf, dropExtra, extrasFor, extrasOf } from "../state/rare.ts"
import type { State } from "../state/State.ts"
import type { Submission } from "../state/Submission.ts"
import { transition } from "../state/transitions.ts"
import { Look } from "../state/Use.ts"
import { isRare } from "../state/uses.ts"
import * as follow from "./follow.ts"
import * as groups from "./groups.ts"
import * as leaving from "./leaving.ts"
import { dropDependencies, loseAll, release } from "./release.ts"
import * as waits from "./waits.ts"
import * as wishes from "./wishes.ts"

/** Ends a task with success. Its dependents are notified when the agenda comes to it. */
export const succeed = (state: State, task: TaskId): void => end(state, task, Phase.succeeded)

/** The same for a task of which nothing rare is known, and that runs. */
export const succeedPlain = (state: State, task: TaskId): void => {
  state.tasks.phase[task] = Phase.succeeded
  stampEnd(state, task)
  state.step.agenda.push(task)
}

/** Ends a task without success. */
export const fail = (state: State, task: TaskId, outcome: Outcome, out: Out): void =>
  failAs(state, task, phaseAfter(outcome), outcome, out)

const failAs = (state: State, task: TaskId, phase: Phase, outcome: Outcome, out: Out): void => {
  if (state.tasks.phase[task] === Phase.ready) ready.remove(state, task)
  dropExtra(state, task, "lacking")
  noteOutcome(state, task, outcome, out)
  end(state, task, phase)
}

const end = (state: State, task: TaskId, phase: Phase): void => {
  noteEnd(state, task, phase)
  state.step.agenda.push(task)
}

/** Marks a task as ended, without notifying others. */
export const noteEnd = (state: State, task: TaskId, phase: Phase): void => {
  transition(state, task, phase)
  stampEnd(state, task)
}

const stampEnd = (state: State, task: TaskId): void => {
  state.tasks.endedAt[task] = state.now
  state.tasks.endNumber[task] = state.next.end++ | 0
}

/** Notifies waits, dependents and dependencies that a task has ended. */
export const tellEnd = (state: State, task: TaskId, out: Out): void => {
  const { flags, refs, submission } = state.tasks
  waits.taskEnded(state, task, out)
  if ((flags[task]! & Flag.hasLater) !== 0 || isRare(state, task, Look.tell)) return tellRarely(state, task, out)
  tellOwnDependents(state, task, submission[task]!, out)
  loseAll(state, task, submission[task]!, out)
  flags[task]! |= Flag.told
  if (refs[task] === 0) release(state, task, out)
}

const tellRarely = (state: State, task: TaskId, out: Out): void => {
  const tasks = state.tasks
  const submission = tasks.submission[task]!
  const isOwning = state.resources > 0 && livesOn(state, task, submission)
  const later = laterOf(state, task)
  if (state.successors.size > 0) succeedFormer(state, task)
  tellOwnDependents(state, task, submission, out)
  if (later !== undefined) tellLater(state, task, later, out)
  if (submission.owner.wishing !== undefined && aliasOf(state, task) !== undefined) wishes.withdraw(state, task, out)
  if (!isOwning) dropDependencies(state, task, submission, out)
  // Until here they count as its users.
  if (later !== undefined) dropLater(state, task)
  tasks.flags[task]! |= Flag.told
  if ((tasks.flags[task]! & Flag.wished) !== 0) wishes.fulfil(state, task, submission)
  if (tasks.refs[task] === 0) release(state, task, out)
  else if (state.leaving.size > 0) state.leaving.delete(task)
}

/** Lets a task start only when these have ended. Their record makes their end one that is told. */
export const succeedAfter = (state: State, task: TaskId, formers: ReadonlyArray<TaskId>): void => {
  const open = formers.filter((former) => !hasEnded(phaseOf(state, former)))
  if (open.length === 0) return
  extrasFor(state, task).formers = new Set(open)
  for (const former of open) {
    extrasFor(state, former)
    const successors = state.successors.get(former)
    if (successors === undefined) state.successors.set(former, [task])
    else successors.push(task)
  }
}

/** A task has ended that others replace. */
const succeedFormer = (state: State, former: TaskId): void => {
  const successors = state.successors.get(former)
  if (successors === undefined) return
  state.successors.delete(former)
  for (const task of successors) {
    // The row may belong to another task by now.
    const formers = extrasOf(state, task)?.formers
    if (formers?.delete(former) !== true || formers.size > 0) continue
    dropExtra(state, task, "formers")
    const { phase, waiting } = state.tasks
    const isFree = phase[task] === Phase.waiting && waiting[task] === 0 && aliasOf(state, task) === undefined
    if (isFree) makeReady(state, task)
  }
}

/** Whether a result lives only as long as its inputs: it owns a resource, or passes one on. */
const livesOn = (state: State, task: TaskId, submission: Submission): boolean => {
  const { attempt, flags, index, phase } = state.tasks
  // A value from outside has no inputs.
  const passesOn = phase[task] === Phase.succeeded && attempt[task] !== 0 && settingsOf(state, task)?.absorbs === true
  if (passesOn && aliasOf(state, task) === undefined) {
    const { offsets, targets } = submission.plan
    const at = index[task]!
    for (let i = offsets[at]!; i < offsets[at + 1]!; i++) {
      if (ownsResource(state, liveOf(submission, targets[i]!))) flags[task]! |= Flag.retains
    }
  }
  return holdsDependencies(state, task)
}

/** Whether the result of a task owns a resource or passes one on. */
const ownsResource = ({ tasks: { flags, phase } }: State, task: TaskId): boolean =>
  phase[task] === Phase.succeeded && (flags[task]! & (Flag.resource | Flag.retains)) !== 0

const tellOwnDependents = (state: State, task: TaskId, submission: Submission, out: Out): void => {
  const { dependentOffsets, dependents, ids } = submission
  const index = state.tasks.index[task]!
  for (let i = dependentOffsets[index]!; i < dependentOffsets[index + 1]!; i++) {
    const dependent = ids[dependents[i]!]!
    if (dependent >= 0) dependencyEnded(state, dependent, task, out)
  }
}

/** Notifies the dependents in later submissions. */
const tellLater = (state: State, task: TaskId, later: Later, out: Out): void => {
  if (typeof later === "number") return tellDependent(state, task, later, 1, out)
  for (const [dependent, times] of later) tellDependent(state, task, dependent, times, out)
}

const tellDependent = (state: State, task: TaskId, dependent: TaskId, times: number, out: Out): void => {
  if (aliasOf(state, dependent) === task) resolveAlias(state, dependent, task, out)
  else for (let i = 0; i < times; i++) dependencyEnded(state, dependent, task, out)
}

/** Counts one dependency as met, or ends the dependent. */
export const dependencyEnded = (
  state: State,
  task: TaskId,
  dependency: TaskId,
  out: Out
): void => {
  const { flags, phase } = state.tasks
  if ((flags[task]! & (Flag.hasExtras | Flag.isAlias)) !== 0) dependencyEndedRarely(state, task, dependency, out)
  else if (phase[task] === Phase.waiting) countDown(state, task, dependency, out)
}

const dependencyEndedRarely = (state: State, task: TaskId, dependency: TaskId, out: Out): void => {
  const needs = extrasOf(state, task)?.needs
  if (state.tasks.phase[task] !== Phase.waiting) {
    if (state.tasks.phase[task] === Phase.ready && needs !== undefined) follow.rebind(state, task)
    return
  }
  // A task that stands for another has dropped its dependencies: one that ends now ran again for other tasks.
  if (aliasOf(state, task) !== undefined) return
  if (needs === undefined) return countDown(state, task, dependency, out)
  const verdict = groups.ended(state, task, dependency, out)
  if (verdict !== undefined && state.leaving.size > 0) leaving.inherit(state, task, dependency)
  conclude(state, task, verdict, out)
}

const countDown = (state: State, task: TaskId, dependency: TaskId, out: Out): void => {
  if (isRefusal(state, task, dependency)) return refuse(state, task, dependency, out)
  const waiting = state.tasks.waiting[task]! - 1
  state.tasks.waiting[task] = waiting
  if (waiting === 0) makeReady(state, task)
}

/** Acts on the verdicts of a task's groups: the task ends, is ready, or waits on. */
export const conclude = (state: State, task: TaskId, verdict: groups.Verdict | undefined, out: Out): void => {
  if (verdict === undefined) {
    if (state.tasks.waiting[task] === 0) makeReady(state, task)
  } else if (verdict._tag === "Refused") refuse(state, task, verdict.by, out)
  else fail(state, task, outcomeOf(state, task, verdict), out)
}

/** Whether the end of `dependency` keeps `task` from starting. */
export const isRefusal = (state: State, task: TaskId, dependency: TaskId): boolean =>
  state.tasks.phase[dependency] !== Phase.succeeded && settingsOf(state, task)?.absorbs !== true

/** Ends a task as its dependency has ended, without success. */
export const refuse = (state: State, task: TaskId, dependency: TaskId, out: Out): void => {
  const { reason, trail } = extrasOf(state, dependency)!.outcome!
  if (state.leaving.size > 0) leaving.inherit(state, task, dependency)
  fail(state, task, { reason, trail: { task: keyOf(state, task), from: trail, place: placeOf(state, task) } }, out)
}

export const makeReady = (state: State, task: TaskId): void => {
  if (isRare(state, task, Look.ready)) return makeReadyRarely(state, task)
  state.tasks.phase[task] = Phase.ready
  ready.addPlain(state, task)
}

const makeReadyRarely = (state: State, task: TaskId): void => {
  if (extrasOf(state, task)?.formers !== undefined) return
  if (state.hasLiterals && settingsOf(state, task)?.literal === true) return succeedAsLiteral(state, task)
  transition(state, task, Phase.ready)
  if (extrasOf(state, task)?.needs !== undefined) follow.bind(state, task)
  ready.add(state, task)
  if (!hasTaker(state, task)) state.step.stranded.push(task)
}

const succeedAsLiteral = (state: State, task: TaskId): void => {
  dropExtra(state, task, "lacking")
  state.tasks.worker[task] = -1
  // This takes no additional memory.
  if (state.fairness.budget !== undefined) brakes.noteHeld(state, task, 0)
  succeed(state, task)
}

/** Ends a flatMap task as the task that it stands for. */
export const resolveAlias = (state: State, task: TaskId, target: TaskId, out: Out): void => {
  if (hasEnded(phaseOf(state, task))) return
  if (state.leaving.size > 0) leaving.inherit(state, task, target)
  const phase = phaseOf(state, target)
  if (phase !== Phase.succeeded) {
    const { reason, trail } = extrasOf(state, target)!.outcome!
    const outcome = {
      reason,
      trail: { task: keyOf(state, task), from: trail, isAlias: true, place: placeOf(state, task) }
    }
    failAs(state, task, phase, outcome, out)
    return
  }
  const { worker: holders } = state.tasks
  const worker = holders[target]!
  holders[task] = worker < 0 ? atHome(holders[task]!) : worker
  if (ownsResource(state, target)) state.tasks.flags[task]! |= Flag.retains
  if (state.fairness.budget !== undefined) brakes.noteHeld(state, task, extrasOf(state, target)?.size)
  out.push({ _tag: "Adopt", task, from: target, worker: serialAt(state, worker) })
  succeed(state, task)
}
