/**
 * Checks of waits: both ends reference each other (S2, S6), and no keeping wait is stuck (S10).
 *
 * @since 0.1.0
 */
import { isSent } from "../dispatch/ahead.ts"
import { isAtWork, isQueued, waitsInside } from "../dispatch/keepers.ts"
import { maySuit, wantedOf } from "../dispatch/placement.ts"
import { awaitedDependenciesOf } from "../life/groups.ts"
import { awaitedBy, awaitedIn, isAwaitedByTasks, isWatching } from "../life/waits.ts"
import type { TaskId } from "../protocol/ids.ts"
import { Flag, hasEnded, Phase } from "../protocol/Phase.ts"
import { findClaim } from "../state/claims.ts"
import { phaseOf, settingsOf } from "../state/lookups.ts"
import type { Wait } from "../state/Owner.ts"
import { aliasOf } from "../state/rare.ts"
import type { WorkerRecord } from "../state/WorkerRecord.ts"
import { unitsOf } from "../state/WorkerRecord.ts"
import type { Rule } from "./facts.ts"
import { has, isOpen } from "./facts.ts"

/** S2, S6, S10: waits are registered with the awaited tasks and the waiter, and nowhere else. */
export const waits: Rule = function*(state, { live, name }) {
  const watched = new Map<Wait, number>()
  for (const task of live) {
    for (const wait of [state.tasks.waits[task] ?? []].flat()) {
      watched.set(wait, (watched.get(wait) ?? 0) + 1)
      if (hasEnded(phaseOf(state, task))) yield `S2: wait ${wait.id} waits for ${name(task)}`
      if (state.waits.get(wait.id) !== wait) yield `S2: wait ${wait.id} is over and still watches ${name(task)}`
      if (!isWatching(state, wait, task) || (wait.standing === undefined && !wait.tasks.includes(task))) {
        yield `S2: wait ${wait.id} never asked for ${name(task)}`
      }
    }
    const isAway = phaseOf(state, task) === Phase.seceded
    const isWaiting = (state.waitsOf.get(task)?.length ?? 0) > 0
    if (isAway && !isWaiting) yield `S6: ${name(task)} waits for nothing`
    if (isWaiting && !isAway && phaseOf(state, task) < Phase.stopping) yield `S6: ${name(task)} waits and is not away`
  }
  for (const wait of state.waits.values()) {
    const remaining = watched.get(wait) ?? 0
    if (wait.remaining !== remaining) yield `S2: wait ${wait.id} counts ${wait.remaining} of ${remaining}`
    const isTaking = wait.standing?.takers.has(wait) === true
    if (remaining === 0 && wait.mode !== "never" && !isTaking) yield `S2: wait ${wait.id} should be over`
    if (isTaking && wait.standing.open.size === 0) yield `S2: wait ${wait.id} is for a report that never comes`
    if (wait.mode === "each") {
      const open = [...wait.standing!.open.values()].flat()
      if (open.length !== remaining) yield `S2: standing wait ${wait.id} has ${open.length} claims, not ${remaining}`
      for (const { id } of open) {
        if (findClaim(state, id) === undefined) yield `S2: standing wait ${wait.id} has a claim that is gone`
      }
      for (const taker of wait.standing!.takers) {
        if (state.waits.get(taker.id) !== taker) yield `S2: wait ${taker.id} is over and still takes`
      }
    }
    const table = wait.keepsSlot ? state.keeping : state.waitsOf
    if (wait.waiter >= 0 && table.get(wait.waiter)?.includes(wait) !== true) {
      yield `S6: ${name(wait.waiter)} does not know that it waits`
    }
  }
  for (const wait of state.starved.keys()) {
    if (!state.workers.some(({ rejoining }) => [...rejoining.values()].includes(wait))) {
      yield `S10: nobody will hear that wait ${wait} is starved`
    }
  }
  for (const [task, open] of [...state.waitsOf, ...state.keeping]) {
    const phase = phaseOf(state, task)
    if (open.length === 0) yield `S6: ${name(task)} keeps an empty list of waits`
    if (phase < Phase.running || phase > Phase.releasing) yield `S6: ${name(task)} waits and is not in an attempt`
    for (const wait of open) {
      if (wait.waiter !== task || state.waits.get(wait.id) !== wait) yield `S6: ${name(task)} keeps wait ${wait.id}`
    }
  }
}

/** S10: each task that another one waits for is known as awaited, or no cycle through it would be looked for. */
export const awaited: Rule = function*(state, { live, name }) {
  for (const task of live) {
    if (hasEnded(phaseOf(state, task))) continue
    for (const other of awaitedBy(state, task)) {
      if (!isOpen(state, other) || isAwaitedByTasks(state, other)) continue
      yield `S10: ${name(other)} does not count as awaited by ${name(task)}`
    }
  }
}

/**
 * S10: the tasks that can go on, from below: first those at work, then those that wait for one of these, until no more is found.
 */
export const starvation: Rule = function*(state, { live, name, needs }) {
  if (state.keeping.size + state.keepingAmounts.size === 0) return
  const able = new Set<TaskId>()
  const canEnd = (wait: Wait) => awaitedIn(state, wait).some((task) => able.has(task))
  const isBusy = (task: TaskId) => !isQueued(state, task) && isAtWork(state, task)
  // The holdings of attempts that are not at work and not yet known to go on.
  const idle = live.filter((task) => (has(state, task, Flag.holdsSlot) || state.holding.has(task)) && !isBusy(task))
  const hasPlace = (task: TaskId, { amounts, index, slots }: WorkerRecord): boolean => {
    const there = idle.filter((other) => state.tasks.worker[other] === index)
    const demand = settingsOf(state, task)?.demand
    const lacksAmounts = !state.holding.has(task)
    const needsThere = [
      {
        total: slots,
        needed: 1,
        shares: there.map((other) => [other, has(state, other, Flag.holdsSlot) ? 1 : 0] as const)
      },
      ...Object.entries((lacksAmounts ? demand?.amounts : undefined) ?? {}).map(([what, amount]) => ({
        total: amounts!.get(what)!.total,
        needed: unitsOf(amount),
        shares: there.map((other) => [other, unitsOf(state.holding.get(other)?.amounts?.[what] ?? 0)] as const)
      })),
      ...(demand?.tags ?? []).flatMap((tag) => {
        const limit = state.tags.get(tag)
        if (limit === undefined) return []
        const shares = idle.map((other) =>
          [other, state.holding.get(other)?.tags?.includes(tag) === true ? 1 : 0] as const
        )
        return [{ total: limit.total, needed: 1, shares }]
      })
    ]
    const kept = needsThere.filter(({ needed, shares, total }) =>
      shares.reduce((left, [, share]) => left - share, total) < needed
    )
    return kept.length === 0 || kept.some(({ shares }) => shares.some(([other, share]) => share > 0 && able.has(other)))
  }
  const canRun = (task: TaskId): boolean =>
    isQueued(state, task)
      ? hasPlace(task, state.workers[state.tasks.worker[task]!]!)
      : state.workers.some((worker) => maySuit(state, worker, wantedOf(state, task)) && hasPlace(task, worker))
  const canGetOn = (task: TaskId): boolean => {
    const phase = phaseOf(state, task)
    if (hasEnded(phase)) return false
    const alias = aliasOf(state, task)
    if (alias !== undefined) return able.has(alias)
    const open = needs.has(task) ? awaitedDependenciesOf(state, task) : []
    if (phase === Phase.waiting && open.length > 0) return open.some((need) => able.has(need))
    if (phase < Phase.assigned || isSent(state, task)) return canRun(task)
    return isBusy(task) || waitsInside(state, task).some(canEnd) || (isQueued(state, task) && canRun(task))
  }
  for (let found = -1; found < able.size;) {
    found = able.size
    for (const task of live) if (canGetOn(task)) able.add(task)
  }
  for (const [task, open] of [...state.keeping, ...state.waitsOf]) {
    const what = has(state, task, Flag.holdsSlot) ? "slot" : "resources"
    if (what === "resources" && !state.keepingAmounts.has(task)) continue
    for (const wait of open) {
      if (wait.mode !== "never" && !canEnd(wait)) {
        yield `S10: ${name(task)} keeps its ${what} in wait ${wait.id} for ever`
      }
    }
  }
}
