/**
 * Checks of results (S8): their presence, sizes, further holders, and resources.
 *
 * @since 0.1.0
 */
import { Flag, Phase } from "../protocol/Phase.ts"
import { isEndFixed, phaseOf } from "../state/lookups.ts"
import { allExtras, extrasOf } from "../state/rare.ts"
import type { WorkerRecord } from "../state/WorkerRecord.ts"
import { has, hasResult } from "./facts.ts"
import type { Rule } from "./facts.ts"

/** S8: results are there, and resources and sizes are counted correctly. */
export const results: Rule = function*(state, { live, name }) {
  const { fairness: { budget }, tasks } = state
  for (const task of live) {
    const phase = phaseOf(state, task)
    const isReleasing = phase === Phase.releasing
    if ((phase === Phase.succeeded || isReleasing) && state.workers[tasks.worker[task]!]?.phase === "lost") {
      yield `S8: the result of ${name(task)} was lost`
    }
    if (isReleasing && !has(state, task, Flag.resource)) yield `S8: ${name(task)} owns nothing`
    const isHeld = phase === Phase.succeeded || (isReleasing && !isEndFixed(state, task))
    if ((extrasOf(state, task)?.size !== undefined) !== (budget !== undefined && isHeld)) {
      yield `S8: the size of ${name(task)} is miscounted`
    }
  }
  const owning = live.filter((task) => has(state, task, Flag.resource)).length
  if (owning !== state.resources) yield `S8: ${state.resources} of ${owning} tasks with resources are counted`
  const size = [...allExtras(state, "size").values()].reduce((sum, each) => sum + each, 0)
  if (size !== state.balance.heldSize) yield `S8: ${state.balance.heldSize} of ${size} is counted`
}

/** S8: copies, held or pending, exist only of results. */
export const copies: Rule = function*(state, { name }) {
  for (const [task, others] of allExtras(state, "copies")) {
    if (!hasResult(state, task)) yield `S8: copies of ${name(task)} are kept`
    if (others.size === 0) yield `S8: an empty set of copies of ${name(task)} is kept`
    if (others.has(state.tasks.worker[task]!)) yield `S8: ${name(task)} is a copy of itself`
    for (const index of others) {
      const worker = state.workers[index]!
      if (!mayHold(worker)) yield `S8: a copy of ${name(task)} is at a worker that is ${worker.phase}`
    }
  }
  for (const task of allExtras(state, "maker").keys()) {
    if (!hasResult(state, task)) yield `S8: who made ${name(task)} is kept`
  }
  for (const [number, { from, task, to }] of state.copying) {
    if (!hasResult(state, task) || state.tasks.worker[task] !== from) {
      yield `S8: copy ${number} is that of another result`
    }
    const worker = state.workers[to]!
    if (!mayHold(worker)) yield `S8: copy ${number} goes to a worker that is ${worker.phase}`
    if (to === from || extrasOf(state, task)?.copies?.has(to) === true) yield `S8: copy ${number} is there already`
  }
}

const mayHold = ({ phase }: WorkerRecord): boolean => phase === "open" || phase === "draining"
