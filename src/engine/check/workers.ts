/**
 * Checks of the table of workers (S11), and of tasks that lack any worker (S12) or a suitable one (S13).
 *
 * @since 0.1.0
 */
import { mayRun } from "../dispatch/placement.ts"
import { followedBy } from "../life/follow.ts"
import { lackOf, waitOf } from "../life/lack.ts"
import { rowOf } from "../protocol/home.ts"
import { Phase } from "../protocol/Phase.ts"
import { kindOf, phaseOf, sequenceOf } from "../state/lookups.ts"
import { aliasOf, allExtras, extrasOf } from "../state/rare.ts"
import { takesTasks } from "../state/WorkerRecord.ts"
import { isHere } from "../views/snapshot.ts"
import type { Rule } from "./facts.ts"

/** S11: the table of workers does not grow while one of its rows is unreferenced. */
export const workers: Rule = function*(state, { live }) {
  for (const [row, { index, name }] of state.workers.entries()) if (row !== index) yield `S11: ${name} is in row ${row}`
  const serials = state.workers.map(({ serial }) => serial)
  if (new Set(serials).size < serials.length || Math.max(-1, ...serials) >= state.next.worker) {
    yield "S11: two workers have one number"
  }
  const named = new Set(
    [...allExtras(state, "history").values()].flatMap((attempts) => attempts.map(({ worker }) => worker))
  )
  for (const task of live) named.add(rowOf(state.tasks.worker[task]!))
  for (const row of named) if (row >= state.workers.length) yield `S11: there is no worker ${row}`
  const last = state.workers.at(-1)
  // A worker that just took a new row found no other. A task that started there may have freed one since.
  const isNew = state.step.cause === "WorkerAdded" && last?.serial === state.next.worker - 1 && last.attempts === 0
  const unused = isNew ? state.workers.filter((worker) => !isHere(worker) && !named.has(worker.index)) : []
  for (const worker of unused) yield `S11: the row of ${worker.name} is not used again`
}

/** S12: while no worker of its kind takes tasks, no ready task waits for one without a limit. */
export const takers: Rule = function*(state, { isArmed, live, name }) {
  const takers = state.workers.filter(takesTasks)
  const locals = takers.filter(({ kind }) => kind === "local").length
  const remotes = takers.length - locals
  if (locals !== state.crew.takers) yield `S12: ${state.crew.takers} of ${locals} workers take tasks`
  if (remotes !== state.crew.remoteTakers) {
    yield `S12: ${state.crew.remoteTakers} of ${remotes} remote workers take tasks`
  }
  for (const task of live) {
    if (takers.some((worker) => mayRun(worker, { kind: kindOf(state, task) }))) continue
    const isLimited = extrasOf(state, task)?.lacking !== undefined || isArmed(task, "stranded", sequenceOf(state, task))
    if (phaseOf(state, task) === Phase.ready && waitOf(state, task) !== Infinity && !isLimited) {
      yield `S12: ${name(task)} waits for a worker without end`
    }
  }
}

/** S13: tasks that have not started and lack a worker are registered with their limit. */
export const lacks: Rule = function*(state, { isArmed, live, name }) {
  for (const task of live) {
    const phase = phaseOf(state, task)
    const isOpen = (phase === Phase.waiting || phase === Phase.ready) && aliasOf(state, task) === undefined
    const bound = extrasOf(state, task)?.barred?.followed
    if (isOpen && phase === Phase.waiting && bound !== undefined) yield `S13: ${name(task)} is bound too early`
    if (phase === Phase.ready) {
      const [is, ought] = [bound, followedBy(state, task)].map((each) =>
        each && [...each.on].toSorted((a, b) => a - b).join()
      )
      if (is !== ought) yield `S13: ${name(task)} is bound to ${is}, not to ${ought}`
    }
    const isLacking = isOpen && lackOf(state, task) !== undefined
    const serial = extrasOf(state, task)?.lacking
    if (isLacking !== (serial !== undefined)) yield `S13: ${name(task)} ${isLacking ? "lacks a" : "has its"} worker`
    if (serial === undefined) continue
    const isLimited = serial >= 0 && isArmed(task, "workers", serial)
    if (isLimited !== (waitOf(state, task) !== Infinity)) {
      yield `S13: the wait of ${name(task)} for a worker has the wrong limit`
    }
  }
}
