/**
 * Reports that results are gone though the engine holds them. A body reports a dependency as lost: a file is gone, a row was
 * deleted. A worker reports an input that its holder does not have. The engine believes both.
 *
 * @since 0.1.0
 */
import { requeue, waitAgain } from "../life/again.ts"
import { fail } from "../life/ends.ts"
import { finalize } from "../life/release.ts"
import type { Ending } from "../protocol/Event.ts"
import type { TaskId } from "../protocol/ids.ts"
import type { Out } from "../protocol/Instruction.ts"
import { Flag, hasEnded, Phase } from "../protocol/Phase.ts"
import type { Going } from "../protocol/Reason.ts"
import { isBeyond, keyAt, mayRepeatAt, originOf, originsOf } from "../protocol/Registered.ts"
import type { Place } from "../protocol/Registered.ts"
import { dependencyRows } from "../state/dependencies.ts"
import { keyOf, placeOf, settingsOf, workerOf } from "../state/lookups.ts"
import { outcomeOf } from "../state/outcomes.ts"
import { extrasFor, extrasOf } from "../state/rare.ts"
import type { State } from "../state/State.ts"
import { strike } from "../workers/copies.ts"
import * as lineage from "./lineage.ts"

type Missed = Extract<Ending, { readonly _tag: "DependenciesLost" }>
type Unheld = Extract<Ending, { readonly _tag: "InputsLost" }>

/**
 * Requeues a task whose attempt ended because dependencies are lost, and runs those again that have not run since that attempt
 * started. The attempt is not charged.
 */
export const reportLost = (state: State, task: TaskId, { behind = none, places }: Missed, out: Out): void => {
  const attempt = state.tasks.attempt[task]!
  const all = dependencyRows(state, task)
  // Dropped dependencies do not count.
  const rows = [...places.map((place) => all[place]!), ...behind.map((way) => rowBehind(state, all, way))]
  const named = [...new Set(rows)].filter((dependency) => dependency >= 0)
  const isFresh = (dependency: TaskId): boolean => !isMadeSince(state, dependency, attempt)
  restore(state, task, named, lostResults(state, named.filter(isFresh), attempt), out)
}

/**
 * Requeues a task whose body never began, because holders did not have its inputs. A holder is struck: the input comes from
 * another holder from now on, or runs again if there is none. So no two reports name one result at one holder.
 */
export const inputsLost = (state: State, task: TaskId, { inputs }: Unheld, out: Out): void => {
  const attempt = state.tasks.attempt[task]!
  const rows = dependencyRows(state, task)
  const named = new Set<TaskId>()
  const lost = new Set<TaskId>()
  for (const { holder, place } of inputs) {
    const input = rows[place] ?? -1
    if (input < 0) continue
    named.add(input)
    if (state.tasks.phase[input] !== Phase.succeeded || isMadeSince(state, input, attempt)) continue
    if (strike(state, input, holder, out)) lost.add(input)
  }
  restore(state, task, [...named], lost, out)
}

/**
 * Has a task wait for the dependencies that its attempt missed, and runs the lost ones again. Counts the report, unless other
 * tasks have reported all of them first: then they are there again, or on their way.
 */
const restore = (
  state: State,
  task: TaskId,
  named: ReadonlyArray<TaskId>,
  lost: ReadonlySet<TaskId>,
  out: Out
): void => {
  const attempt = state.tasks.attempt[task]!
  // With a policy it need not wait for them, and could report for ever.
  const waitsForAll = settingsOf(state, task)?.policies === undefined
  if (named.length > 0 && waitsForAll && named.every((each) => isMadeSince(state, each, attempt))) {
    requeue(state, task)
    return waitAgain(state, task, "atOnce", out)
  }
  const reports = (extrasOf(state, task)?.reports ?? 0) + 1
  const end = (reason: Going, keys: Iterable<string>): void =>
    fail(state, task, outcomeOf(state, task, { _tag: "DependenciesGone", keys: [...keys], reports, reason }), out)
  if (reports >= state.limits.dependenciesLost) return end("limit", new Set(named.map((each) => keyOf(state, each))))
  const { final, forgotten } = unrepeatable(state, lost)
  if (final.size > 0) return end("idempotent", final)
  if (forgotten.size > 0) return end("forgotten", forgotten)
  extrasFor(state, task).reports = reports
  const renewal = lineage.makeRenewal()
  requeue(state, task)
  renewal.again.add(task)
  for (const dependency of lost) makeAnew(state, dependency, renewal, out)
  lineage.renew(state, renewal, out)
}

const none: ReadonlyArray<never> = []

/** The row of a task behind a dependency; -1 if it is forgotten, and so runs again with that dependency. */
const rowBehind = (state: State, all: ReadonlyArray<TaskId>, [first, ...others]: ReadonlyArray<number>): TaskId => {
  let row = all[first!]!
  if (row < 0) return -1
  let place: Place = placeOf(state, row)
  for (const other of others) {
    if (isBeyond(place.submission)) return -1
    place = originOf(place.submission, place.submission.plan.offsets[place.index]! + other)
    row = rowOf(place)
  }
  return row
}

/** Whether a task has been started since this attempt of another one was, or is about to be. */
const isMadeSince = ({ tasks }: State, task: TaskId, attempt: number): boolean =>
  !hasEnded(tasks.phase[task] as Phase) || ((tasks.attempt[task]! - attempt) | 0) > 0

/** The useless results. A task that absorbs an exit stands for the task whose exit that is. */
const lostResults = (state: State, named: ReadonlyArray<TaskId>, attempt: number): ReadonlySet<TaskId> => {
  const isLost = (task: TaskId): boolean =>
    state.tasks.phase[task] === Phase.succeeded && !isMadeSince(state, task, attempt)
  const lost = new Set(named.filter(isLost))
  // Those that are added on the way are looked at in their turn.
  for (const task of lost) {
    if (settingsOf(state, task)?.absorbs !== true) continue
    for (const origin of originsOf(placeOf(state, task))) {
      const present = rowOf(origin)
      if (present >= 0 && isLost(present)) lost.add(present)
    }
  }
  return lost
}

/** The keys of tasks that these results need and that must not be started twice, or are too far back. */
const unrepeatable = (state: State, lost: ReadonlySet<TaskId>) => {
  const final = new Set<string>()
  const forgotten = new Set<string>()
  const seen = new Set<string>()
  const stack: Array<Place> = Array.from(lost, (task) => placeOf(state, task))
  for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
    const { index, submission } = place
    const name = `${submission.number} ${index}`
    if (seen.has(name)) continue
    seen.add(name)
    if (!mayRepeatAt(submission, index)) final.add(keyAt(submission, index))
    if (isBeyond(submission)) {
      forgotten.add(keyAt(submission, index))
      continue
    }
    // A task with a row is there, on its way, or lost as well.
    stack.push(...originsOf(place).filter((origin) => rowOf(origin) < 0))
  }
  return { final, forgotten }
}

/** The row of the task that was registered there, or -1. */
const rowOf = ({ index, submission }: Place): TaskId => submission.ids[index]!

/** A useless resource is finalized first, and acquired again after that. */
const makeAnew = (state: State, task: TaskId, renewal: lineage.Renewal, out: Out): void => {
  if ((state.tasks.flags[task]! & Flag.resource) !== 0) {
    state.tasks.flags[task]! |= Flag.recomputed
    renewal.reopened.add(task)
    return finalize(state, task, out)
  }
  lineage.dropAlias(state, task, out)
  out.push({ _tag: "Discard", task, worker: workerOf(state, task) })
  lineage.reopen(state, task, renewal, out)
}
