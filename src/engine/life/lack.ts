/**
 * Tasks that no worker could ever run, ready or not. They wait for a suitable worker up to their limit, and then end: nothing
 * waits silently for a worker that may never come.
 *
 * @since 0.1.0
 */
import { couldHold } from "../dispatch/amounts.ts"
import * as heads from "../dispatch/crowds.ts"
import { demandOf, isFollowing, mayRun, maySuit, meets, needsSome, wantedOf } from "../dispatch/placement.ts"
import type { Wanted } from "../dispatch/placement.ts"
import * as ready from "../dispatch/ready.ts"
import type { TaskId } from "../protocol/ids.ts"
import type { Out } from "../protocol/Instruction.ts"
import { Phase } from "../protocol/Phase.ts"
import type { Demand, Restriction } from "../protocol/Plan.ts"
import type { Impossibility, Reason } from "../protocol/Reason.ts"
import { settingsOf } from "../state/lookups.ts"
import { outcomeOf } from "../state/outcomes.ts"
import { aliasOf, allExtras, dropExtra, extrasFor, extrasOf } from "../state/rare.ts"
import type { State } from "../state/State.ts"
import * as timers from "../state/timers.ts"
import { takesTasks } from "../state/WorkerRecord.ts"
import type { WorkerRecord } from "../state/WorkerRecord.ts"
import { propagate } from "./agenda.ts"
import { fail } from "./ends.ts"

/** How long a task waits for a worker. */
export const waitOf = (state: State, task: TaskId): number =>
  settingsOf(state, task)?.waitForWorkersMillis ?? state.waitForWorkersMillis

/** Determines which tasks lack a worker since this step, and which no longer do. Ends those that do not wait. */
export const endHomeless = (state: State, out: Out): void => {
  const { step: { unplaced }, tasks } = state
  if (state.crew.hasChanged) {
    regroup(state)
    for (let task = 0; task < tasks.used; task++) look(state, task, out)
  } else for (const task of unplaced) look(state, task, out)
  state.crew.hasChanged = false
  unplaced.length = 0
  propagate(state, out)
}

/** Moves ready tasks to another queue if their ratings of the present workers differ from those of their queue. */
const regroup = (state: State): void => {
  const rated = [...state.queues.values()].filter((queue) => queue.demand?.locality !== undefined)
  const stale = new Set(rated.filter((queue) => ready.nameOfKind(state, queue) !== queue.name))
  if (stale.size > 0) {
    const queued = [...allExtras(state, "queue")]
    ready.move(state, queued.flatMap(([task, queue]) => stale.has(queue) ? [task] : []))
  }
  heads.regroup(state)
}

const look = (state: State, task: TaskId, out: Out): void => {
  const phase = state.tasks.phase[task]!
  if ((phase !== Phase.waiting && phase !== Phase.ready) || aliasOf(state, task) !== undefined) return
  const lack = lackOf(state, task)
  if (lack === undefined) dropExtra(state, task, "lacking")
  else if (isFinal(state, task, lack)) end(state, task, out)
  else if (extrasOf(state, task)?.lacking === undefined) begin(state, task, out)
}

const begin = (state: State, task: TaskId, out: Out): void => {
  const millis = waitOf(state, task)
  if (millis === 0) return end(state, task, out)
  if (millis === Infinity) return void (extrasFor(state, task).lacking = -1)
  const serial = state.next.timer
  timers.arm(state, "workers", task, serial, millis)
  extrasFor(state, task).lacking = serial
}

/** Ends a task that lacks a worker, unless one comes in this step. */
export const end = (state: State, task: TaskId, out: Out): void => {
  const lack = lackOf(state, task)
  if (lack !== undefined) fail(state, task, outcomeOf(state, task, lack), out)
}

/** Other workers would not change the answer of a function, and followed tasks did not run on them. */
const isFinal = (state: State, task: TaskId, reason: Reason): boolean =>
  demandOf(state, task)?.followed !== undefined ||
  (reason._tag === "Impossible" && reason.why._tag === "Locality" && reason.why.fault !== undefined)

/** Why no worker that takes tasks could ever run a task; `undefined` if one could, or if no worker takes tasks. */
export const lackOf = (state: State, task: TaskId): Reason | undefined => {
  const wanted = wantedOf(state, task)
  const { demand } = wanted
  if (demand === undefined) return undefined
  const open = state.workers.filter((worker) => takesTasks(worker) && mayRun(worker, wanted))
  const able = open.filter((worker) =>
    couldHold(worker, demand) && (demand.allowOthers === true || meets(worker, demand))
  )
  const fault = faultOf(open, demand)
  if (fault !== undefined) {
    return impossible({ _tag: "Locality", workers: able.map(({ name }) => name), fault })
  }
  if (able.some((worker) => maySuit(state, worker, wanted))) return undefined
  const { excluded, followed } = demand
  const permitted = able.filter((worker) => isFollowing(worker, demand))
  if (followed !== undefined && permitted.length === 0) {
    return impossible({ _tag: followed.on.size === 0 ? "Apart" : "Away", workers: followed.workers })
  }
  if (able.length === 0 && needsSome(demand)) {
    return { _tag: "NoSuitableWorker", restriction: restrictionOf(state, wanted), millis: waitOf(state, task) }
  }
  if (excluded !== undefined) return impossible({ _tag: "Unmet", on: [...excluded.values()] })
  if (permitted.length === 0) return undefined
  return impossible({ _tag: "Locality", workers: permitted.map(({ name }) => name), fault: undefined })
}

const impossible = (why: Impossibility): Reason => ({ _tag: "Impossible", why })

/** The restriction of a task that no worker could run. */
export const restrictionOf = (
  { crew: { remoteTakers, takers } }: State,
  { demand: { amounts, labels, workers } = {}, kind }: Wanted
): Restriction => ({
  ...(kind === "local" && takers === 0 && remoteTakers > 0 && { kind }),
  ...(kind === "remote" && takers > 0 && remoteTakers === 0 && { kind }),
  ...(workers !== undefined && { workers }),
  ...(labels !== undefined && { labels }),
  ...(amounts !== undefined && { resources: amounts })
})

/** The fault in a task's ratings of the workers that take tasks and are of a kind that may run it, if any. */
const faultOf = (workers: ReadonlyArray<WorkerRecord>, { locality }: Demand): string | undefined => {
  if (locality === undefined) return undefined
  for (const worker of workers) {
    const rating = locality(worker.info)
    if (typeof rating === "string") return rating
  }
  return undefined
}
