/**
 * Checks the invariants of {@link State} from first principles: everything that the engine counts is counted again, and
 * everything that it keeps twice is compared. Slow; for tests and bug reports.
 *
 * Tasks by themselves are in `tasks.ts` (S1, S2, S7, S15), who wants them in `owners.ts` (S3, S14), who waits for them in
 * `waits.ts` (S2, S6, S10), what attempts hold in `slots.ts` (S4, S5, S6), where ready tasks are in `queues.ts`
 * (S6), results in `results.ts` (S8), workers and tasks that lack one in `workers.ts` (S11, S12, S13), and what is due
 * in `timers.ts` (S2). That nothing is left in the end (S9) is here.
 *
 * @since 0.1.0
 */
import type { Engine } from "../protocol/Engine.ts"
import { open } from "../state/State.ts"
import { factsOf } from "./facts.ts"
import type { Rule } from "./facts.ts"
import { claims, dependents, held, leaving, users } from "./owners.ts"
import { heaps, lanes, queues } from "./queues.ts"
import { copies, results } from "./results.ts"
import { amounts, idleSlots, slots } from "./slots.ts"
import { announcements, attempts, betweenSteps, outcomes, phases, rows, uses, waiting } from "./tasks.ts"
import { timers } from "./timers.ts"
import { awaited, starvation, waits } from "./waits.ts"
import { lacks, takers, workers } from "./workers.ts"

/** The broken invariants of a state, a sentence each, with the number of the invariant first. */
export const check = (engine: Engine): ReadonlyArray<string> => {
  const state = open(engine)
  // Ends that came together are decided on after the last.
  if (state.step.isUndecided) return []
  const facts = factsOf(state)
  return rules.flatMap((rule) => [...rule(state, facts)])
}

/** S9: without owners, and after all attempts have ended, nothing is left. */
const emptiness: Rule = function*(state) {
  if (state.owners.size > 0 || state.leaving.size > 0) return
  const open = [...state.waits.values()].filter(({ mode, waiter }) => mode !== "never" || waiter >= 0)
  const sizes = {
    tasks: state.tasks.size,
    keys: state.keys.size,
    runs: state.runs?.size ?? 0,
    claims: state.claims.size,
    claimBlocks: state.claimBlocks.length,
    waits: open.length,
    waitsOf: state.waitsOf.size,
    keeping: state.keeping.size,
    lanes: state.lanes.length + state.portableLanes.length + state.remoteLanes.length,
    queues: state.queues.size,
    demanding: state.demanding - (state.fairness.queues === "none" ? 0 : 1) - (state.delays.groups.size === 0 ? 0 : 1),
    shares: state.balance.shares.size,
    sources: state.balance.sources.size,
    heldSize: state.balance.heldSize,
    later: state.later.size,
    extras: state.extras.size,
    failures: state.failures.size,
    copying: state.copying.size,
    successors: state.successors.size,
    resources: state.resources,
    holding: state.holding.size,
    keepingAmounts: state.keepingAmounts.size,
    overtaken: state.balance.overtaken.size,
    starved: state.starved.size,
    endingWaits: state.step.endingWaits.length,
    copies: state.step.copies.length,
    timers: state.timers.heap.length,
    rejoining: state.workers.reduce((sum, worker) => sum + worker.rejoining.size, 0),
    attempts: state.workers.reduce((sum, worker) => sum + worker.attempts, 0)
  }
  for (const [table, size] of Object.entries(sizes)) if (size > 0) yield `S9: ${size} left in ${table}`
}

const rules: ReadonlyArray<Rule> = [
  phases,
  announcements,
  rows,
  betweenSteps,
  uses,
  waiting,
  outcomes,
  attempts,
  users,
  claims,
  dependents,
  leaving,
  held,
  waits,
  awaited,
  starvation,
  slots,
  idleSlots,
  amounts,
  lanes,
  heaps,
  queues,
  results,
  copies,
  workers,
  takers,
  lacks,
  timers,
  emptiness
]
