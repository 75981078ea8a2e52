/**
 * Bodies that report dependencies as lost: a file is gone, a row was deleted. The engine holds a result for each of them, and
 * takes the body's word that it is worth nothing.
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
import type { Phase as PhaseOf } from "../protocol/Phase.ts"
import type { Going } from "../protocol/Reason.ts"
import { dependencyRows } from "../state/dependencies.ts"
import { keyOf, placeOf, settingsOf } from "../state/lookups.ts"
import { outcomeOf } from "../state/outcomes.ts"
import type { State } from "../state/State.ts"
import { keyAt, mayRepeatAt } from "../state/Submission.ts"
import type { Place } from "../state/Submission.ts"
import { isBeyond } from "./horizon.ts"
import * as lineage from "./lineage.ts"

type Missed = Extract<Ending, { readonly _tag: "DependenciesLost" }>

/**
 * Requeues a task whose attempt has ended because dependencies are lost, and lets those run again that have not done so since
 * the attempt started. It does not count as an attempt.
 */
export const reportLost = (state: State, task: TaskId, { behind = none, places }: Missed, out: Out): void => {
  const attempt = state.tasks.attempt[task]!
  const all = dependencyRows(state, task)
  // What it let go of is none of its dependencies any more.
  const rows = [...places.map((place) => all[place]!), ...behind.map((way) => rowBehind(state, all, way))]
  const named = [...new Set(rows)].filter((dependency) => dependency >= 0)
  const isFresh = (dependency: TaskId): boolean => !isMadeSince(state, dependency, attempt)
  // Others have reported all of it first: it is there again, or on its way.
  // With a policy it need not wait for that, and could report for ever.
  const waitsForAll = settingsOf(state, task)?.policies === undefined
  if (named.length > 0 && waitsForAll && !named.some(isFresh)) {
    requeue(state, task)
    return waitAgain(state, task, false, out)
  }
  const lost = lostResults(state, named.filter(isFresh), attempt)
  const reports = (state.reports.get(task) ?? 0) + 1
  const end = (reason: Going, keys: Iterable<string>): void =>
    fail(state, task, outcomeOf(state, task, { _tag: "DependenciesGone", keys: [...keys], reports, reason }), out)
  if (reports >= state.limits.dependenciesLost) return end("limit", new Set(named.map((each) => keyOf(state, each))))
  const { final, forgotten } = unrepeatable(state, lost)
  if (final.size > 0) return end("idempotent", final)
  if (forgotten.size > 0) return end("forgotten", forgotten)
  state.reports.set(task, reports)
  const renewal = lineage.makeRenewal()
  requeue(state, task)
  renewal.again.add(task)
  for (const dependency of lost) makeAnew(state, dependency, renewal, out)
  lineage.renew(state, renewal, out)
}

const none: ReadonlyArray<never> = []

/** The row of what lies behind a dependency, which need not hold it: -1 if it was forgotten, and so is made anew with that. */
const rowBehind = (state: State, all: ReadonlyArray<TaskId>, [first, ...others]: ReadonlyArray<number>): TaskId => {
  let row = all[first!]!
  if (row < 0) return -1
  let place = placeOf(state, row)
  for (const other of others) {
    if (isBeyond(place.submission)) return -1
    place = lineage.originOf(place.submission, place.submission.plan.offsets[place.index]! + other)
    row = rowOf(place)
  }
  return row
}

/** Whether a task has been started since this attempt of another one was, or is about to be. */
const isMadeSince = ({ tasks }: State, task: TaskId, attempt: number): boolean =>
  !hasEnded(tasks.phase[task] as PhaseOf) || ((tasks.attempt[task]! - attempt) | 0) > 0

/** The results that are worth nothing: an exit that was handed on is that of another task, whose result is meant. */
const lostResults = (state: State, named: ReadonlyArray<TaskId>, attempt: number): ReadonlySet<TaskId> => {
  const isLost = (task: TaskId): boolean =>
    state.tasks.phase[task] === Phase.succeeded && !isMadeSince(state, task, attempt)
  const lost = new Set(named.filter(isLost))
  // Those that are added on the way are looked at in their turn.
  for (const task of lost) {
    if (settingsOf(state, task)?.absorbs !== true) continue
    for (const origin of lineage.originsOf(placeOf(state, task))) {
      const present = rowOf(origin)
      if (present >= 0 && isLost(present)) lost.add(present)
    }
  }
  return lost
}

/** The keys of what would have to run, to make these results again, and must not be started twice, or is too far back. */
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
    // What has a row is there, on its way, or as lost as this.
    stack.push(...lineage.originsOf(place).filter((origin) => rowOf(origin) < 0))
  }
  return { final, forgotten }
}

/** The row of the task that was registered there, or -1. */
const rowOf = ({ index, submission }: Place): TaskId => submission.ids[index]!

/** A resource that is not what it was is finalized first, and acquired anew when that is done. */
const makeAnew = (state: State, task: TaskId, renewal: lineage.Renewal, out: Out): void => {
  if ((state.tasks.flags[task]! & Flag.resource) !== 0) {
    state.tasks.flags[task]! |= Flag.recomputed
    renewal.reopened.add(task)
    return finalize(state, task, out)
  }
  lineage.dropAlias(state, task, out)
  out.push({ _tag: "Discard", task, worker: state.tasks.worker[task]! })
  lineage.reopen(state, task, renewal, out)
}
