/**
 * The workers of a task that follows others: those on which as many of these ran as its policy needs. Determined when the task is
 * ready, and again before its start when more of them end or run again.
 *
 * @since 0.1.0
 */
import { demandOf } from "../dispatch/placement.ts"
import * as ready from "../dispatch/ready.ts"
import { isAtHome, rowOf } from "../protocol/home.ts"
import type { TaskId } from "../protocol/ids.ts"
import { hasEnded, Phase } from "../protocol/Phase.ts"
import type { Followed } from "../protocol/Plan.ts"
import { countedEnds, needOf } from "../protocol/policies.ts"
import type { EndKind, Group, Policy } from "../protocol/policies.ts"
import { dependencyRows } from "../state/dependencies.ts"
import { phaseOf } from "../state/lookups.ts"
import { allExtras, dropExtra, extrasFor, extrasOf } from "../state/rare.ts"
import type { State } from "../state/State.ts"
import { takesTasks } from "../state/WorkerRecord.ts"
import { outcomeOfEnd } from "./groups.ts"

/** Binds a task that becomes ready to the workers of the tasks that it follows. */
export const bind = (state: State, task: TaskId): void => {
  const followed = followedBy(state, task)
  if (followed === undefined) return
  put(state, task, followed)
  state.step.unplaced.push(task)
}

/** The same for a ready task, whose binding may have changed. */
export const rebind = (state: State, task: TaskId): void => {
  const followed = followedBy(state, task)
  const before = extrasOf(state, task)?.barred?.followed
  if (followed === before || (followed !== undefined && before !== undefined && isSame(followed, before))) return
  ready.move(state, [task], () => put(state, task, followed))
  state.step.unplaced.push(task)
}

/** The same for all ready tasks, because a result is held elsewhere now, or its worker takes no more tasks. */
export const rebindAll = (state: State): void => {
  state.step.hasMoved = false
  for (const task of allExtras(state, "needs").keys()) if (state.tasks.phase[task] === Phase.ready) rebind(state, task)
}

const isSame = (a: Followed, b: Followed): boolean =>
  a.on.size === b.on.size && [...a.on].every((serial) => b.on.has(serial)) && a.workers.join() === b.workers.join()

/** A task waits again: its binding is open until it is ready. */
export const unbind = (state: State, task: TaskId): void => {
  if (extrasOf(state, task)?.barred?.followed !== undefined) put(state, task, undefined)
}

const put = (state: State, task: TaskId, followed: Followed | undefined): void => {
  const demand = demandOf(state, task)
  if (followed === undefined && demand?.excluded === undefined) dropExtra(state, task, "barred")
  else extrasFor(state, task).barred = { ...demand, followed }
}

/** Where the followed tasks ran; `undefined` if that binds the task to no worker. */
export const followedBy = (state: State, task: TaskId): Followed | undefined => {
  const groups = extrasOf(state, task)?.needs?.groups.filter(({ of }) => of === "follow") ?? []
  if (groups.length === 0) return undefined
  const rows = dependencyRows(state, task)
  const binding = groups.flatMap((group) => ranOn(state, group, rows.slice(group.from, group.to)) ?? [])
  if (binding.length === 0) return undefined
  const on = binding[0]!.on.filter((worker) => binding.every((each) => each.on.includes(worker)))
  const all = [...new Set(binding.flatMap(({ all }) => [...all]))].toSorted((a, b) => a - b)
  return {
    on: new Set(on.map((worker) => state.workers[worker]!.serial)),
    workers: all.map((worker) => state.workers[worker]!.name)
  }
}

/** The rows of the workers on which enough of a group ran, and of those on which any counting member ran. */
const ranOn = (
  state: State,
  { policy }: Group,
  members: ReadonlyArray<TaskId>
): { readonly on: ReadonlyArray<number>; readonly all: Iterable<number> } | undefined => {
  const counted = members.filter((member) =>
    member >= 0 && hasEnded(phaseOf(state, member)) && counts(policy, outcomeOfEnd(state, member))
  )
  const ran = new Map<number, number>()
  let missing = neededOf(policy, counted.length)
  for (const member of counted) {
    const worker = workerFor(state, member)
    // A member that never ran binds to no worker.
    if (worker < 0) missing--
    else ran.set(worker, (ran.get(worker) ?? 0) + 1)
  }
  if (missing <= 0) return undefined
  return { on: [...ran].flatMap(([worker, count]) => count >= missing ? [worker] : []), all: ran.keys() }
}

/** The row of the worker that ran a task or holds its result; -1 if the result is at home and its worker takes no more tasks. */
const workerFor = ({ tasks: { worker }, workers }: State, task: TaskId): number => {
  const row = rowOf(worker[task]!)
  return isAtHome(worker[task]!) && !takesTasks(workers[row]!) ? -1 : row
}

/** Whether a policy is met by members that end in this way. */
const counts = (policy: Policy, outcome: EndKind): boolean => {
  if (policy._tag !== "Rule") return countedEnds[policy.on].includes(outcome)
  switch (policy.rule) {
    case "oneSuccess":
    case "noneFailedOneSuccess":
      return outcome === "success"
    case "oneFailed":
      return countedEnds.failure.includes(outcome)
    case "oneDone":
      return outcome === "success" || outcome === "failed"
    default:
      return true
  }
}

/** How many counting members must have run on the worker. */
const neededOf = (policy: Policy, counted: number): number => {
  if (policy._tag !== "Rule") return needOf(policy, counted)
  if (policy.rule === "always") return 0
  return policy.rule.startsWith("one") ? Math.min(1, counted) : counted
}
