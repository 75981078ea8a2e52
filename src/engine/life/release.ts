/**
 * Results and records go when the last claim on them and the last task that needed them are gone (S3, S8).
 *
 * @since 0.1.0
 */
import * as brakes from "../dispatch/brakes.ts"
import { isDemanding } from "../dispatch/ready.ts"
import type { TaskId } from "../protocol/ids.ts"
import type { Out } from "../protocol/Instruction.ts"
import { Flag, hasEnded, Phase, phaseNames } from "../protocol/Phase.ts"
import type { PhaseName } from "../protocol/Phase.ts"
import { unlisten } from "../state/later.ts"
import { isEndFixed, phaseOf, settingsOf, workerOf } from "../state/lookups.ts"
import { forgetOutcome } from "../state/outcomes.ts"
import { aliasOf, extrasOf } from "../state/rare.ts"
import { dropRun } from "../state/runs.ts"
import type { State } from "../state/State.ts"
import type { Submission } from "../state/Submission.ts"
import { note, transition } from "../state/transitions.ts"
import { Look } from "../state/Use.ts"
import { isRare } from "../state/uses.ts"
import { dropCopies } from "../workers/copies.ts"
import * as leaving from "./leaving.ts"
import * as spent from "./spent.ts"

/** Removes one claim, wish or dependent: `user`, or -1 if it is no task. */
export const unref = (state: State, task: TaskId, out: Out, user: TaskId): void => {
  const tasks = state.tasks
  const refs = tasks.refs[task]! - 1
  tasks.refs[task] = refs
  if (refs > 0) return
  if (!hasEnded(phaseOf(state, task))) {
    leaving.note(state, task, user)
    state.step.agenda.push(~task)
    return
  }
  const flags = tasks.flags[task]!
  // A task that ended in this step goes when the agenda comes to it.
  if ((flags & Flag.told) === 0) return
  if ((flags & (Flag.resource | Flag.retains)) !== 0) leaving.note(state, task, user)
  release(state, task, out)
}

/** Forgets an ended task without users, or first has its resource finalized, unless that was lost. */
export const release = (state: State, task: TaskId, out: Out): void => {
  if (isRare(state, task, Look.forget)) releaseRarely(state, task, out)
  else drop(state, task, state.tasks.worker[task]!, out)
}

const releaseRarely = (state: State, task: TaskId, out: Out): void => {
  if (state.resources === 0 || state.tasks.phase[task] !== Phase.succeeded) return forget(state, task, out)
  const { flags, worker } = state.tasks
  const isLost = state.workers[worker[task]!]?.phase === "lost"
  if ((flags[task]! & Flag.resource) !== 0 && !isLost) {
    freeKey(state, task)
    return finalize(state, task, out)
  }
  if ((flags[task]! & (Flag.resource | Flag.retains)) !== 0) releaseInputs(state, task, out)
  forget(state, task, out)
}

/** Asks for the resource of a result to be finalized. The record stays until then, because others wait for that. */
export const finalize = (state: State, task: TaskId, out: Out): void => {
  const attempt = state.tasks.attempt[task]!
  transition(state, task, Phase.releasing)
  leaving.noteOwn(state, task)
  spent.update(state, task)
  out.push({ _tag: "Finalize", task, attempt, worker: workerOf(state, task) })
}

/** Whether a result is being finalized without a fixed end: if it is needed again, its task runs again after that. */
export const isToComeAgain = (state: State, task: TaskId): boolean =>
  state.tasks.phase[task] === Phase.releasing && !isEndFixed(state, task)

/** Revokes the end of such a result: its task ends again when it is finalized, with the end fixed next. */
export const endLater = (state: State, task: TaskId, out: Out): void => {
  out.push({ _tag: "Discard", task, worker: workerOf(state, task) })
  brakes.noteGone(state, task)
  state.tasks.flags[task]! &= ~Flag.told
}

/** Drops the inputs that a result has lived on. Chains of these go through the agenda, which keeps the stack flat. */
export const releaseInputs = (state: State, task: TaskId, out: Out): void =>
  dropDependencies(state, task, state.tasks.submission[task]!, out, unrefLater)

const unrefLater: typeof unref = (state, task, _, user) => {
  if (--state.tasks.refs[task]! > 0) return
  leaving.note(state, task, user)
  state.step.agenda.push(~task)
}

/** Drops the dependencies of a task that has ended, or now stands for another task. */
export const dropDependencies = (
  state: State,
  task: TaskId,
  submission: Submission,
  out: Out,
  lose: typeof unref = unref
): void => {
  spent.noteDropped(state, task)
  const alias = aliasOf(state, task)
  if (alias !== undefined) {
    state.tasks.flags[task]! &= ~Flag.isAlias
    return dropLater(state, task, alias, out, lose)
  }
  const extras = extrasOf(state, task)
  if (extras === undefined) return loseAll(state, task, submission, out, lose)
  const { needs } = extras
  extras.needs = undefined
  loseAll(state, task, submission, out, lose, needs?.dropped)
}

/** Drops the dependencies of a task, but for those at these indices, which it has dropped before. */
export const loseAll = (
  state: State,
  task: TaskId,
  submission: Submission,
  out: Out,
  lose: typeof unref = unref,
  dropped?: ReadonlySet<number>
): void => {
  const { offsets, targets } = submission.plan
  const index = state.tasks.index[task]!
  for (let i = offsets[index]!; i < offsets[index + 1]!; i++) {
    const target = targets[i]!
    if (dropped?.has(i - offsets[index]!) === true) continue
    if (target >= 0) lose(state, submission.ids[target]!, out, task)
    else dropLater(state, task, ~target, out, lose)
  }
}

/** Drops a dependency of an earlier submission. */
const dropLater = (state: State, task: TaskId, dependency: TaskId, out: Out, lose: typeof unref): void => {
  unlisten(state, task, dependency)
  lose(state, dependency, out, task)
}

/** Drops all data of a task. */
export const forget = (state: State, task: TaskId, out: Out): void => {
  const { flags, worker } = state.tasks
  const phase = phaseOf(state, task)
  if (state.step.log !== undefined) note(state, task, phaseNames[phase] as PhaseName, "released")
  freeKey(state, task)
  dropRun(state, task)
  if ((flags[task]! & Flag.resource) !== 0) state.resources--
  if (state.demanding > 0 && isCounted(state, task)) state.demanding--
  if ((flags[task]! & Flag.hasExtras) !== 0) forgetExtras(state, task, out)
  drop(state, task, phase === Phase.succeeded || phase === Phase.releasing ? worker[task]! : -1, out)
}

const drop = (state: State, task: TaskId, holder: number, out: Out): void => {
  const { tasks } = state
  tasks.submission[task]!.ids[tasks.index[task]!] = -1
  tasks.giveBack(task)
  out.forget(task, holder)
}

/** Whether a task is one of those that `State.demanding` counts. */
const isCounted = (state: State, task: TaskId): boolean =>
  isDemanding(state.tasks.submission[task]!, state.tasks.index[task]!) || extrasOf(state, task)?.barred !== undefined

const forgetExtras = (state: State, task: TaskId, out: Out): void => {
  forgetOutcome(state, task, out)
  dropCopies(state, task, out)
  brakes.noteGone(state, task)
  state.leaving.delete(task)
  state.extras.delete(task)
}

/** From now on submissions do not join this run under its key. */
export const freeKey = (state: State, task: TaskId): void => {
  if (state.keys.size === 0) return
  const identity = settingsOf(state, task)?.identity
  if (identity !== undefined && state.keys.get(identity) === task) state.keys.delete(identity)
}
