/**
 * Puts a task that must run again back to waiting. Its inputs are usually still held; but results can be lost while their
 * dependents run.
 *
 * @since 0.1.0
 */
import * as brakes from "../dispatch/brakes.ts"
import { rowOf } from "../protocol/home.ts"
import type { TaskId } from "../protocol/ids.ts"
import type { Out } from "../protocol/Instruction.ts"
import { Flag, hasEnded, Phase } from "../protocol/Phase.ts"
import { dependenciesOf } from "../state/dependencies.ts"
import type { FormerAttempt } from "../state/Extras.ts"
import { keysOf, mayRepeat, phaseOf, workerOf } from "../state/lookups.ts"
import { outcomeOf } from "../state/outcomes.ts"
import { dropExtra, extrasFor, extrasOf } from "../state/rare.ts"
import type { State } from "../state/State.ts"
import { transition } from "../state/transitions.ts"
import { conclude, fail, isRefusal, makeReady, refuse } from "./ends.ts"
import * as follow from "./follow.ts"
import { recount } from "./groups.ts"
import { awaitedBy } from "./waits.ts"

/** Records the present attempt, because the task is started again. */
export const remember = (state: State, task: TaskId, fate: FormerAttempt["fate"]): void => {
  const { endedAt, startedAt, starts, worker } = state.tasks
  const former = {
    number: starts[task]!,
    worker: rowOf(worker[task]!),
    startedAt: startedAt[task]!,
    endedAt: fate === "lost" ? endedAt[task]! : state.now,
    fate
  }
  const history = extrasOf(state, task)?.history
  if (history === undefined) extrasFor(state, task).history = [former]
  else history.push(former)
}

/** Revokes the present attempt of a task: it does not count, and later reports of it change nothing (S7). */
export const uncharge = ({ tasks }: State, task: TaskId): void => {
  tasks.starts[task]!--
  tasks.attempt[task] = 0
  tasks.flags[task]! |= Flag.begun
}

/** Puts a task back to waiting, without charging its attempt. The caller determines what it waits for. */
export const requeue = (state: State, task: TaskId): void => {
  uncharge(state, task)
  transition(state, task, Phase.waiting)
}

/**
 * Runs a task again whose resource was being released when a result made from it was lost, as if it had been forgotten. It still
 * holds its dependencies.
 */
export const acquireAgain = (state: State, task: TaskId, out: Out): void => {
  const { tasks } = state
  out.push({ _tag: "Discard", task, worker: workerOf(state, task) })
  brakes.noteGone(state, task)
  if (!mayRepeat(state, task)) {
    return fail(state, task, outcomeOf(state, task, { _tag: "Killed", deaths: 0, reason: "lost" }), out)
  }
  dropExtra(state, task, "history")
  tasks.starts[task] = 0
  tasks.attempt[task] = 0
  const lasting = Flag.hasExtras | Flag.hasSettings | Flag.hasLater
  tasks.flags[task] = (tasks.flags[task]! & lasting) | Flag.begun | Flag.recomputed | Flag.resource
  transition(state, task, Phase.waiting)
  waitAgain(state, task, "atOnce", out)
}

/** Whether a task starts as soon as it has its dependencies, or after a delay that runs. */
type When = "atOnce" | "afterDelay"

/** Lets a waiting task wait for its dependencies again, and for a delay if there is one. */
export const waitAgain = (state: State, task: TaskId, when: When, out: Out): void => {
  if (state.demanding > 0) state.step.unplaced.push(task)
  follow.unbind(state, task)
  if (extrasOf(state, task)?.needs !== undefined) return waitForGroups(state, task, when, out)
  const dependencies = dependenciesOf(state, task)
  const open = dependencies.filter((dependency) => !hasEnded(phaseOf(state, dependency)))
  const refusal = dependencies.find((dependency) => !open.includes(dependency) && isRefusal(state, task, dependency))
  if (refusal !== undefined) return refuse(state, task, refusal, out)
  state.tasks.waiting[task] = open.length + (when === "afterDelay" ? 1 : 0)
  if (open.length > 0) breakCycles(state, new Set([task]), out)
  else if (when === "atOnce") makeReady(state, task)
}

const waitForGroups = (state: State, task: TaskId, when: When, out: Out): void => {
  const verdict = recount(state, task, when === "afterDelay" ? 1 : 0, out)
  conclude(state, task, verdict, out)
  if (verdict === undefined && extrasOf(state, task)!.needs!.left > 0) breakCycles(state, new Set([task]), out)
}

/** Counts one thing that the task no longer waits for: a dependency, or its delay. */
export const met = (state: State, task: TaskId): void => {
  if (--state.tasks.waiting[task]! === 0) makeReady(state, task)
}

/** A step of the search: a task, and what it waits for that is not searched yet. */
interface Step {
  readonly task: TaskId
  readonly next: Array<TaskId>
}

/**
 * Breaks each cycle of waits that `tasks` closed by waiting for their dependencies again: one of its tasks fails. Refusing waits
 * that would close a cycle cannot prevent these cycles, because the dependency had ended when the wait began. Searches depth
 * first, each task once.
 */
export const breakCycles = (state: State, tasks: ReadonlySet<TaskId>, out: Out): void => {
  // Dependencies alone never close a cycle.
  if (state.waitsOf.size + state.keeping.size + state.later.size + state.extras.size === 0) return
  const seen = new Set<TaskId>()
  const onWay = new Set<TaskId>()
  const way: Array<Step> = []
  const enter = (task: TaskId): void => {
    if (seen.has(task) || hasEnded(phaseOf(state, task))) return
    seen.add(task)
    onWay.add(task)
    way.push({ task, next: awaitedBy(state, task) })
  }
  const leave = (): TaskId => {
    const { task } = way.pop()!
    onWay.delete(task)
    return task
  }
  for (const first of tasks) {
    enter(first)
    while (way.length > 0) {
      const next = way[way.length - 1]!.next.pop()
      if (next === undefined) leave()
      else if (!onWay.has(next)) enter(next)
      else {
        const cycle = way.slice(way.findIndex(({ task }) => task === next)).map(({ task }) => task)
        const victim = cycle.find((task) => tasks.has(task))!
        starve(state, victim, cycle, out)
        // The path from the victim to here may be part of another cycle.
        for (let left = leave(); left !== victim; left = leave()) seen.delete(left)
      }
    }
  }
}

const starve = (state: State, victim: TaskId, cycle: ReadonlyArray<TaskId>, out: Out): void => {
  const from = cycle.indexOf(victim)
  const keys = keysOf(state, [...cycle.slice(from), ...cycle.slice(0, from)])
  const waits = keys.map((key, i) => [key, keys[(i + 1) % keys.length]!] as const)
  fail(state, victim, outcomeOf(state, victim, { _tag: "Starved", waits }), out)
}
