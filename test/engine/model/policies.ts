/** What dependencies with policies allow, and which tasks are ready (D1 to D13). */
import type { EndKind, Group } from "../../../src/engine/protocol/policies.ts"
import { verdictOn } from "../policyTable.ts"
import { hasEnded, heldBy } from "./facts.ts"
import type { Task } from "./facts.ts"

/** Whether a group ends its task as the member ended that did so otherwise. */
export const isDefault = ({ of, policy }: Group): boolean =>
  policy._tag === "All" && policy.on === "success" && of !== "follow"

/** How a task that has ended did so, as policies see it. */
export const outcomeOf = (task: Task): EndKind =>
  task.status === "succeeded"
    ? "success"
    : task.status === "skipped"
    ? "skipped"
    : task.upstream
    ? "upstreamFailed"
    : "failed"

export const groupsOf = ({ settings }: Task): ReadonlyArray<Group> => settings.policies ?? []

export const isIn = ({ from, to }: Group, place: number): boolean => place >= from && place < to

export const inGroup = (task: Task, group: Group): ReadonlyArray<Task> =>
  heldBy(task).filter(([place]) => isIn(group, place)).map(([, each]) => each)

export const outsideGroups = (task: Task): ReadonlyArray<Task> =>
  heldBy(task).filter(([place]) => !groupsOf(task).some((group) => isIn(group, place))).map(([, each]) => each)

export const verdictOf = (task: Task, group: Group) => {
  const members = inGroup(task, group)
  const tally = { success: 0, failed: 0, upstreamFailed: 0, skipped: 0 }
  for (const member of members) if (hasEnded(member)) tally[outcomeOf(member)]++
  return verdictOn(group.policy, members.length, tally)
}

/** What keeps a pending task from being ready. */
export const awaitedBy = (task: Task): ReadonlyArray<Task> => {
  const formers = task.formers.filter((each) => !hasEnded(each))
  if (task.settings.policies === undefined) return [...task.deps.filter((each) => !hasEnded(each)), ...formers]
  const open = groupsOf(task).filter((group) => verdictOf(task, group) === undefined)
  const members = [...outsideGroups(task), ...open.flatMap((group) => inGroup(task, group))]
  return [...members.filter((each) => !hasEnded(each)), ...formers]
}

export const isReady = (task: Task): boolean =>
  task.status === "pending" && task.alias === undefined && !task.retrying && awaitedBy(task).length === 0

/** What a computation that goes on wishes to end, of the tasks that are new and what they depend on, and what it tells of each. */
export const exposedBy = (
  target: Task,
  own: ReadonlySet<Task>,
  told: Task["told"]
): ReadonlyMap<Task, Task["told"]> => {
  const found = new Map<Task, Task["told"]>()
  const visit = (task: Task, told: Task["told"]): void => {
    const before = found.get(task)
    if (before !== undefined && told.every((each) => before.includes(each))) return
    found.set(task, [...new Set([...before ?? [], ...told])])
    if (!own.has(task) || task.settings.absorbs === true) return
    for (const dependency of outsideGroups(task)) visit(dependency, told)
    for (const group of groupsOf(task)) {
      const isRule = group.policy._tag === "Rule" && !mayBeMetAfter(group, "skip")
      if (!isDefault(group) && !isRule && mayBeMetAfter(group, "failure")) continue
      const left = isDefault(group) ? told : isRule ? told.filter((each) => each === "skip") : []
      for (const dependency of task.deps.slice(group.from, group.to)) visit(dependency, left)
    }
  }
  visit(target, told)
  return found
}

/** Whether a group may be met after a member has ended so. */
const mayBeMetAfter = ({ from, policy, to }: Group, kind: "failure" | "skip"): boolean => {
  const size = to - from
  for (let success = 0; success < size; success++) {
    for (let failed = 0; success + failed < size; failed++) {
      const tally = { success, failed, upstreamFailed: 0, skipped: size - 1 - success - failed }
      tally[kind === "failure" ? "failed" : "skipped"]++
      if (verdictOn(policy, size, tally) === "run") return true
    }
  }
  return false
}

/** Whether the end of a member is one of those for which a group waits. */
export const isCounted = ({ policy }: Group, outcome: EndKind): boolean => {
  const isFailure = outcome === "failed" || outcome === "upstreamFailed"
  const on = policy._tag === "Rule" ? policy.rule : policy.on
  if (on === "success" || on === "oneSuccess" || on === "noneFailedOneSuccess") return outcome === "success"
  if (on === "failure" || on === "oneFailed") return isFailure
  return on !== "oneDone" || outcome === "success" || outcome === "failed"
}

/** How many of those that count must have been in one place. */
export const neededOf = ({ policy }: Group, counted: number): number => {
  if (policy._tag === "AtLeast") return Math.min(policy.count, counted)
  if (policy._tag === "Rule" && policy.rule === "always") return 0
  return policy._tag === "Rule" && policy.rule.startsWith("one") ? Math.min(1, counted) : counted
}
