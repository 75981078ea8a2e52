/**
 * What attempts hold beside their slot: amounts of their worker's resources (option `resources`), and limited tags across
 * workers. Taken and given back with the slot, in one step.
 *
 * First come, first served. What a rejoiner or the best task of a queue waits for is withheld from those behind it: its tags, and
 * once these are free, amounts on the one worker that lacks least for it. So a wide request gathers what narrow ones give back.
 * Nothing is withheld that is kept by a waiting attempt, because that attempt may wait for a task that needs what would be
 * withheld. Tasks that rank higher do not overtake for ever: each start that takes some of the same is counted, and after
 * `limits.overtakes` of them the waiting task goes first.
 *
 * Amounts are counted in thousandths, so that they add up exactly: 0.1 + 0.2 is 0.3.
 *
 * @since 0.1.0
 */
import type { TagLimit } from "../protocol/Event.ts"
import type { TaskId } from "../protocol/ids.ts"
import type { Demand } from "../protocol/Plan.ts"
import type { Amount } from "../state/Extras.ts"
import { settingsOf } from "../state/lookups.ts"
import type { Crowd, Queue } from "../state/Queue.ts"
import type { State } from "../state/State.ts"
import { unitsOf } from "../state/WorkerRecord.ts"
import type { WorkerRecord } from "../state/WorkerRecord.ts"
import { isHeldBack } from "./delays.ts"
import { holdsSlot, keepersOf } from "./keepers.ts"

/** The part of a demand that an attempt holds. */
export type Asked = Pick<Demand, "amounts" | "tags">

/** Whether this is a valid amount: a number above zero with at most three decimals. */
export const isAmount = (amount: unknown): amount is number =>
  typeof amount === "number" && amount > 0 && unitsOf(amount) / 1000 === amount && Number.isSafeInteger(unitsOf(amount))

/** An amount as users see it. */
export const amountOf = (units: number): number => units / 1000

/** Whether a demand asks for amounts or tags. */
export const isForAmounts = ({ amounts, tags }: Asked): boolean => amounts !== undefined || tags !== undefined

/** Whether a worker has these total amounts, held or not. */
export const couldHold = (worker: WorkerRecord, { amounts }: Asked): boolean => {
  if (amounts === undefined) return true
  for (const name of Object.keys(amounts)) {
    const amount = worker.amounts?.get(name)
    if (amount === undefined || amount.total < unitsOf(amounts[name]!)) return false
  }
  return true
}

/** The units of each counted resource. */
type Need = readonly [amount: Amount, units: number]

/** The amounts that must be free on a worker. */
const amountsOn = (worker: WorkerRecord, { amounts }: Asked): ReadonlyArray<Need> =>
  amounts === undefined
    ? nothing
    : Object.entries(amounts).map(([name, amount]) => [worker.amounts!.get(name)!, unitsOf(amount)])

const nothing: ReadonlyArray<Need> = []

/** The tags among those asked for that are limited. */
const limited = ({ tags: limits }: State, { tags }: Asked): ReadonlyArray<Need> => {
  if (tags === undefined || limits.size === 0) return nothing
  let found: Array<Need> | undefined
  for (let i = 0; i < tags.length; i++) {
    const amount = limits.get(tags[i]!)
    if (amount === undefined) continue
    if (found === undefined) found = [[amount, 1]]
    else found.push([amount, 1])
  }
  return found ?? nothing
}

/** All units that must be free there. */
const needsOn = (state: State, worker: WorkerRecord, needs: Asked): ReadonlyArray<Need> => {
  const tags = limited(state, needs)
  return needs.amounts === undefined ? tags : [...amountsOn(worker, needs), ...tags]
}

/** What a task needs beside its slot and does not hold: its whole demand, or the tags alone if it kept its amounts. */
export const missing = (state: State, task: TaskId): Asked | undefined => {
  const demand = settingsOf(state, task)?.demand
  if (demand === undefined || !isForAmounts(demand)) return undefined
  return state.holding.has(task) ? { tags: demand.tags } : demand
}

/** An attempt takes its amounts and tags together with its slot. */
export const take = (state: State, task: TaskId, worker: WorkerRecord): void => {
  const needs = missing(state, task)
  if (needs === undefined) return
  for (const [amount, units] of needsOn(state, worker, needs)) amount.used += units
  state.holding.set(task, settingsOf(state, task)!.demand!)
  state.keepingAmounts.delete(task)
}

/** An attempt has ended: nothing is held any more. */
export const giveBack = (state: State, task: TaskId): void => {
  const held = state.holding.get(task)
  if (held === undefined) return
  const worker = state.workers[state.tasks.worker[task]!]!
  for (const [amount, units] of needsOn(state, worker, held)) amount.used -= units
  state.holding.delete(task)
  state.keepingAmounts.delete(task)
}

/** A waiting body gave its slot away: it gives back everything it may not keep. */
export const giveAway = (state: State, task: TaskId): void => {
  const held = state.holding.get(task)
  if (held?.keepsAmounts !== true || held.amounts === undefined) return giveBack(state, task)
  for (const [amount] of limited(state, held)) amount.used--
  state.holding.set(task, { amounts: held.amounts, keepsAmounts: true })
  state.keepingAmounts.add(task)
}

/** Limits a tag, or ends its limit. Holders keep the tag, even beyond a lowered limit. */
export const limit = (state: State, { limit: total, tag }: TagLimit): void => {
  if (total === undefined) state.tags.delete(tag)
  else state.tags.set(tag, { total, used: holdersOfTag(state, tag).length })
}

/** The tasks that hold a tag. */
export const holdersOfTag = ({ holding }: State, tag: string): ReadonlyArray<TaskId> =>
  [...holding].flatMap(([task, { tags }]) => tags?.includes(tag) === true ? [task] : [])

/** The tasks that hold some of a worker's resource. */
export const holdersOnWorker = ({ holding, tasks }: State, worker: WorkerRecord, name: string): ReadonlyArray<TaskId> =>
  [...holding].flatMap(([task, { amounts }]) =>
    tasks.worker[task] === worker.index && amounts?.[name] !== undefined ? [task] : []
  )

/** Units with the waiting tasks that keep them: amounts, and slots of workers. */
export type Kept = ReadonlyMap<Amount | WorkerRecord, number>

export const keptBy = (state: State, keepers: ReadonlyArray<TaskId>): Kept => {
  const kept = new Map<Amount | WorkerRecord, number>()
  const add = (what: Amount | WorkerRecord, units: number) => kept.set(what, (kept.get(what) ?? 0) + units)
  for (const task of keepers) {
    const worker = state.workers[state.tasks.worker[task]!]!
    if (holdsSlot(state, task)) add(worker, 1)
    const held = state.holding.get(task)
    if (held === undefined) continue
    for (const [amount, units] of needsOn(state, worker, held)) add(amount, units)
  }
  return kept
}

/** The units that a task needs on a worker and that waiting tasks keep; the worker stands for its slots. */
export const keptFrom = (
  state: State,
  kept: Kept,
  worker: WorkerRecord,
  needs: Asked | undefined
): ReadonlyArray<Amount | WorkerRecord> => {
  const isKept = (what: Amount | WorkerRecord, total: number, units: number) => total - (kept.get(what) ?? 0) < units
  const slots = isKept(worker, worker.slots, 1) ? [worker] : []
  if (needs === undefined) return slots
  return [
    ...slots,
    ...needsOn(state, worker, needs).flatMap(([amount, units]) => isKept(amount, amount.total, units) ? [amount] : [])
  ]
}

/** One dispatch: the units withheld from tasks that come later in it. */
export interface Round {
  readonly kept: Kept
  readonly withheld: Map<Amount, number>
  /** Rejoiners whose tags are not all free. */
  readonly late: Set<TaskId>
}

/** Begins with the tags of rejoiners, in the order in which they began to wait, on all workers. */
export const begin = (state: State): Round => {
  const hasKeepers = state.keeping.size > 0 || state.keepingAmounts.size > 0
  const round: Round = {
    kept: hasKeepers ? keptBy(state, keepersOf(state)) : nothingKept,
    withheld: new Map(),
    late: new Set()
  }
  if (state.tags.size === 0) return round
  const rejoiners = state.workers.flatMap((worker) =>
    Array.from(worker.rejoining, ([task, wait]) => ({ task, wait, worker, needs: missing(state, task) }))
  )
  for (const { needs, task, worker } of rejoiners.sort((a, b) => a.wait - b.wait)) {
    if (needs === undefined) continue
    if (!hasTags(state, needs, round)) round.late.add(task)
    if (keptFrom(state, round.kept, worker, needs).length === 0) withhold(round, limited(state, needs))
    else round.late.add(task)
  }
  return round
}

const nothingKept: Kept = new Map()

const withhold = ({ withheld }: Round, needs: ReadonlyArray<Need>, sign = 1): void => {
  for (const [amount, units] of needs) withheld.set(amount, (withheld.get(amount) ?? 0) + sign * units)
}

/** How much is missing of the units that are neither held nor withheld. */
const lackOf = ({ withheld }: Round, needs: ReadonlyArray<Need>): number => {
  let lack = 0
  for (const [amount, units] of needs) {
    lack += Math.max(0, units - Math.max(0, amount.total - amount.used - (withheld.get(amount) ?? 0)))
  }
  return lack
}

/** Whether a task at this rank of the round may take its tags now. */
export const hasTags = (state: State, needs: Asked, round: Round): boolean =>
  needs.tags === undefined || lackOf(round, limited(state, needs)) === 0

/** Whether a task may take its amounts on this worker now. */
export const fits = (worker: WorkerRecord, needs: Asked, round: Round): boolean =>
  needs.amounts === undefined || lackOf(round, amountsOn(worker, needs)) === 0

/** Whether the tasks of a crowd ask for counted resources beside a slot. */
export const isLimited = ({ tags: limits }: State, { amounts, tags }: Crowd): boolean =>
  amounts.length > 0 || tags.some((tag) => limits.has(tag))

/** Whether the round has nothing left of all that the tasks of a crowd ask for: then none starts, and none withholds more. */
export const isUsedUp = (state: State, { amounts, tags, workers }: Crowd, { withheld }: Round): boolean => {
  const isGone = (amount: Amount): boolean => amount.total - amount.used <= (withheld.get(amount) ?? 0)
  let hasLimits = false
  for (let i = 0; i < tags.length; i++) {
    const limit = state.tags.get(tags[i]!)
    if (limit === undefined) continue
    if (!isGone(limit)) return false
    hasLimits = true
  }
  // Without its tags a task withholds no amounts.
  if (hasLimits) return true
  return workers.every((worker) =>
    worker.phase !== "open" || amounts.every((name) => isGone(worker.amounts!.get(name)!))
  )
}

/** Whether a rejoiner may take all that it needs beside a slot. Units withheld for it are released. */
export const admits = (state: State, worker: WorkerRecord, task: TaskId, round: Round): boolean => {
  const needs = missing(state, task)
  if (needs === undefined) return true
  if (round.late.has(task) || !fits(worker, needs, round)) return false
  if (state.tags.size > 0) withhold(round, limited(state, needs), -1)
  return true
}

/** A rejoiner goes on waiting. */
export const withholdForRejoiner = (state: State, worker: WorkerRecord, task: TaskId, round: Round): void => {
  const needs = missing(state, task)
  if (needs === undefined || round.late.has(task)) return
  if (keptFrom(state, round.kept, worker, needs).length === 0) withhold(round, amountsOn(worker, needs))
}

/** The best task of a queue goes on waiting, with these workers to choose from. */
export const withholdForReady = (
  state: State,
  workers: ReadonlyArray<WorkerRecord>,
  needs: Asked,
  round: Round
): void => {
  const open = workers.filter((worker) =>
    worker.phase === "open" && keptFrom(state, round.kept, worker, needs).length === 0
  )
  if (open.length === 0) return
  const tags = limited(state, needs)
  const hasTags = lackOf(round, tags) === 0
  withhold(round, tags)
  // Without its tags it could not use the amounts.
  if (!hasTags || needs.amounts === undefined) return
  let best: ReadonlyArray<Need> = []
  let least = Infinity
  for (const worker of open) {
    const wanted = amountsOn(worker, needs)
    const lack = lackOf(round, wanted)
    if (lack >= least) continue
    least = lack
    best = wanted
  }
  withhold(round, best)
}

/** Whether two demands overlap. */
const isRival = (a: Asked, b: Asked): boolean => {
  for (const name of Object.keys(a.amounts ?? {})) if (b.amounts?.[name] !== undefined) return true
  return a.tags?.some((tag) => b.tags?.includes(tag) === true) === true
}

/**
 * A task of this queue starts: it overtakes tasks of other queues that wait for the same, those that were put aside among them.
 * What a rate or a pause holds back could not start, and is not overtaken.
 */
export const noteStart = (state: State, queue: Queue, attempt: number, aside: ReadonlyArray<Queue>): void => {
  const started = queue.demand
  if (started === undefined || !isForAmounts(started)) return
  const { awake, balance: { overtaken }, limits } = state
  overtaken.delete(queue.name)
  const overtake = (queues: ReadonlyArray<Queue>): void => {
    for (const { crowd, demand, name } of queues) {
      if (name === queue.name || demand === undefined || !isRival(demand, started) || isHeldBack(state, crowd)) continue
      const present = overtaken.get(name) ?? { count: 0, since: Infinity }
      const count = present.count + 1
      overtaken.set(name, { count, since: count === limits.overtakes ? attempt : present.since })
    }
  }
  for (const { heads } of awake) overtake(heads)
  overtake(aside)
}

/** The queues that were overtaken too often, the longest waiting first. */
export const overdue = (state: State): ReadonlyArray<Queue> => {
  if (state.balance.overtaken.size === 0) return []
  const due = [...state.balance.overtaken].filter(([, { since }]) => since < Infinity)
  return due.sort(([a, { since }], [b, other]) => since - other.since || (a < b ? -1 : 1)).map(([name]) =>
    state.queues.get(name)!
  )
}

/** Drops the counts of empty queues. */
export const tidy = (state: State): void => {
  for (const name of state.balance.overtaken.keys()) if (!state.queues.has(name)) state.balance.overtaken.delete(name)
}
