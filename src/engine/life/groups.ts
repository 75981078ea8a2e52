/**
 * Progress of tasks with policies: for each group of dependencies, how its members ended and the verdict so far. Tasks without
 * policies have no entry.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import type { Out } from "../protocol/Instruction.ts"
import { outcomeIn } from "../protocol/Outcome.ts"
import { hasEnded, Phase } from "../protocol/Phase.ts"
import { decide, isDefault } from "../protocol/policies.ts"
import type { EndKind, Group } from "../protocol/policies.ts"
import type { Impossibility } from "../protocol/Reason.ts"
import { dependenciesOf, dependencyRows } from "../state/dependencies.ts"
import type { GroupProgress } from "../state/Extras.ts"
import { unlisten } from "../state/later.ts"
import { keysOf, phaseOf, settingsOf } from "../state/lookups.ts"
import { extrasFor, extrasOf } from "../state/rare.ts"
import type { State } from "../state/State.ts"
import * as leaving from "./leaving.ts"
import { unref } from "./release.ts"

/** The end of a task that will not start: that of a dependency, or its own. */
export type Verdict =
  | { readonly _tag: "Refused"; readonly by: TaskId }
  | { readonly _tag: "Skipped" }
  | { readonly _tag: "Impossible"; readonly why: Impossibility }

/** How a task that has ended did so. */
export const outcomeOfEnd = (state: State, task: TaskId): EndKind => {
  switch (state.tasks.phase[task]) {
    case Phase.succeeded:
      return "success"
    case Phase.failed:
      return "failed"
    case Phase.upstreamFailed:
      return "upstreamFailed"
    default:
      return outcomeIn(extrasOf(state, task)!.outcome!)
  }
}

/** The group of a dependency by its index, or -1. */
const groupAt = (groups: ReadonlyArray<Group>, place: number): number =>
  groups.findIndex(({ from, to }) => place >= from && place < to)

const none: ReadonlySet<number> = new Set()

/** The progress of a task's groups, counted from the states of its dependencies. Dropped dependencies are not counted. */
const survey = (state: State, task: TaskId): GroupProgress => {
  const groups = settingsOf(state, task)!.policies!
  const dropped = new Set(extrasOf(state, task)?.needs?.dropped ?? none)
  const tallies = groups.map(() => ({ success: 0, failed: 0, upstreamFailed: 0, skipped: 0 }))
  const open = new Map<TaskId, Array<number>>()
  const needs: GroupProgress = { groups, tallies, met: groups.map(() => false), open, dropped, left: groups.length }
  for (const [place, dependency] of dependencyRows(state, task).entries()) {
    if (dropped.has(place)) continue
    const group = groupAt(groups, place)
    if (hasEnded(phaseOf(state, dependency))) {
      if (group >= 0) {
        tallies[group]![outcomeOfEnd(state, dependency)]++
        take(state, groups[group]!, dependency)
      }
      continue
    }
    const places = open.get(dependency)
    if (places === undefined) open.set(dependency, [place])
    else places.push(place)
    if (group < 0) needs.left++
  }
  return needs
}

/** Marks a failure that a policy counts as seen: the dependent acts on it. */
const take = (state: State, { policy }: Group, dependency: TaskId): void => {
  if (policy._tag !== "Rule" && policy.on === "success") return
  const outcome = extrasOf(state, dependency)?.outcome
  if (outcome !== undefined) state.taken.add(outcome.reason)
}

/** The first dependency outside of all groups that has ended without success. */
const refusalOf = (state: State, task: TaskId, { dropped, groups }: GroupProgress): TaskId | undefined =>
  dependencyRows(state, task).find((dependency, place) =>
    !dropped.has(place) && groupAt(groups, place) < 0 && hasEnded(phaseOf(state, dependency)) &&
    state.tasks.phase[dependency] !== Phase.succeeded
  )

/** Counts again, and lets a task wait for what is left and for `delay`: it is new, or runs again, or something was lost. */
export const recount = (state: State, task: TaskId, delay: number, out: Out): Verdict | undefined => {
  const needs = survey(state, task)
  extrasFor(state, task).needs = needs
  const refusal = refusalOf(state, task, needs)
  let verdict: Verdict | undefined = refusal === undefined ? undefined : { _tag: "Refused", by: refusal }
  for (let group = 0; group < needs.groups.length && verdict === undefined; group++) {
    verdict = judge(state, task, needs, group, undefined, out)
  }
  state.tasks.waiting[task] = needs.left + delay
  return verdict
}

/** Counts the end of one dependency, at all its indices. */
export const ended = (state: State, task: TaskId, dependency: TaskId, out: Out): Verdict | undefined => {
  const needs = extrasOf(state, task)!.needs!
  const places = needs.open.get(dependency)
  // It is notified once for each index, and it may have been dropped.
  if (places === undefined) return undefined
  needs.open.delete(dependency)
  const outcome = outcomeOfEnd(state, dependency)
  const before = needs.left
  const touched = new Set<number>()
  let verdict: Verdict | undefined
  for (const place of places) {
    const group = groupAt(needs.groups, place)
    if (group >= 0) {
      needs.tallies[group]![outcome]++
      take(state, needs.groups[group]!, dependency)
      touched.add(group)
    } else if (outcome === "success") needs.left--
    else verdict ??= { _tag: "Refused", by: dependency }
  }
  for (const group of touched) verdict ??= judge(state, task, needs, group, dependency, out)
  state.tasks.waiting[task]! -= before - needs.left
  return verdict
}

/** Acts on the verdict of a group. `last` is the end that may have decided it. */
const judge = (
  state: State,
  task: TaskId,
  needs: GroupProgress,
  index: number,
  last: TaskId | undefined,
  out: Out
): Verdict | undefined => {
  if (needs.met[index]) return undefined
  const group = needs.groups[index]!
  const verdict = decided(needs, group, index)
  if (verdict === undefined) return undefined
  if (verdict === "run") {
    needs.met[index] = true
    needs.left--
    if (group.policy._tag === "AtLeast" && group.policy.losers === "cancel") {
      letLosersGo(state, task, needs, group, last, out)
    }
    return undefined
  }
  if (verdict === "skip") {
    const by = firstOf(state, task, needs, group, (outcome) => outcome === "skipped")
    return by === undefined ? { _tag: "Skipped" } : { _tag: "Refused", by }
  }
  if (!isDefault(group)) return { _tag: "Impossible", why: whyOf(state, task, needs, index) }
  return { _tag: "Refused", by: last ?? firstOf(state, task, needs, group, (outcome) => outcome !== "success")! }
}

/** Dropped members do not belong to a group any more. */
const sizeOf = ({ dropped }: GroupProgress, { from, to }: Group): number => {
  let size = to - from
  for (const place of dropped) if (place >= from && place < to) size--
  return size
}

/** The ended dependencies of a group, by index. */
const endedIn = (state: State, task: TaskId, { dropped }: GroupProgress, { from, to }: Group): ReadonlyArray<TaskId> =>
  dependencyRows(state, task).filter((dependency, place) =>
    place >= from && place < to && !dropped.has(place) && hasEnded(phaseOf(state, dependency))
  )

const firstOf = (
  state: State,
  task: TaskId,
  needs: GroupProgress,
  group: Group,
  isMeant: (outcome: EndKind) => boolean
): TaskId | undefined =>
  endedIn(state, task, needs, group).find((dependency) => isMeant(outcomeOfEnd(state, dependency)))

/** How many refused members are named. */
const mostNamed = 8

const whyOf = (state: State, task: TaskId, needs: GroupProgress, index: number): Impossibility => {
  const group = needs.groups[index]!
  const isRefusal = (dependency: TaskId): boolean => isRefused(group, outcomeOfEnd(state, dependency))
  return {
    _tag: "Unreachable",
    of: group.of,
    policy: group.policy,
    size: group.to - group.from,
    ended: { ...needs.tallies[index]! },
    refusedBy: keysOf(state, endedIn(state, task, needs, group).filter(isRefusal).slice(0, mostNamed), task)
  }
}

const isRefused = ({ policy }: Group, outcome: EndKind): boolean =>
  policy._tag === "Rule" || policy.on === "success"
    ? outcome !== "success"
    : outcome === "success" || outcome === "skipped"

/** Drops the other members of a group, which this task no longer needs. */
const letLosersGo = (
  state: State,
  task: TaskId,
  needs: GroupProgress,
  { from, to }: Group,
  last: TaskId | undefined,
  out: Out
): void => {
  for (const [dependency, places] of Array.from(needs.open)) {
    const lost = places.filter((place) => place >= from && place < to)
    if (lost.length === 0) continue
    const rest = places.filter((place) => place < from || place >= to)
    for (const place of lost) needs.dropped.add(place)
    if (rest.length > 0) needs.open.set(dependency, rest)
    else needs.open.delete(dependency)
    unlisten(state, task, dependency, rest.length)
    for (let i = 0; i < lost.length; i++) unref(state, dependency, out, task)
    if (last !== undefined && state.leaving.has(dependency)) leaving.inherit(state, dependency, last)
  }
}

/** The open dependencies of a task with policies that has not started, without those that its groups no longer need. */
const awaitedOf = (state: State, task: TaskId): ReadonlyArray<TaskId> => {
  // It has no entry before it is linked to its dependencies.
  const needs = extrasOf(state, task)?.needs ?? survey(state, task)
  const isNeeded = needs.groups.map((group, i) => !needs.met[i] && decided(needs, group, i) === undefined)
  return Array.from(needs.open).flatMap(([dependency, places]) =>
    places.some((place) => isNeeded[groupAt(needs.groups, place)] !== false) ? [dependency] : []
  )
}

/** The open dependencies that a task waits for: all, or those that its policies need. */
export const awaitedDependenciesOf = (state: State, task: TaskId): ReadonlyArray<TaskId> => {
  const open = settingsOf(state, task)?.policies === undefined
    ? dependenciesOf(state, task).filter((dependency) => !hasEnded(phaseOf(state, dependency)))
    : awaitedOf(state, task)
  const formers = extrasOf(state, task)?.formers
  return formers === undefined ? open : [...open, ...formers]
}

const decided = (needs: GroupProgress, group: Group, index: number) =>
  decide(group.policy, sizeOf(needs, group), needs.tallies[index]!)

/** Whether all inputs that a task needs to start are there. */
export const areInputsThere = (state: State, task: TaskId): boolean => {
  const needs = survey(state, task)
  const isMet = needs.groups.every((group, i) => decided(needs, group, i) === "run")
  return isMet && needs.left === needs.groups.length
}
