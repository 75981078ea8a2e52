/** Which of those who wait goes first (S6, O5, O11). */
import type { Demand, Plan } from "../../../src/engine/protocol/Plan.ts"
import { extrasOf } from "../../../src/engine/state/rare.ts"
import type { State } from "../../../src/engine/state/State.ts"
import { isDelayed, pausedGroup } from "./delays.ts"
import { leftOf } from "./facts.ts"
import type { Facts, Need, Rank, Task, Withheld, Worker } from "./facts.ts"
import { followedWorkers, prefers, rateOf, suits } from "./placement.ts"
import { isReady } from "./policies.ts"
import { hasRoom, idleTasks, needsOn, runningOn, tagsFor } from "./slots.ts"

export const compareRanks = (a: Rank, b: Rank): number =>
  b.priority - a.priority || a.computation - b.computation || a.ancestor - b.ancestor || b.depth - a.depth ||
  b.submission - a.submission || a.position - b.position

/** Each task's own priority, or a higher one of any that needs it. */
export const prioritiesIn = (plan: Plan, standard: number): ReadonlyArray<number> => {
  const needs = (i: number): ReadonlyArray<number> =>
    Array.from(plan.targets.subarray(plan.offsets[i], plan.offsets[i + 1]))
  const own = (i: number): number => plan.settings.get(i)?.priority ?? standard
  const found = new Map<number, number>()
  const rank = (i: number): number => {
    const above = Array.from({ length: plan.size }, (_, j) => j).filter((j) => needs(j).includes(i))
    const priority = found.get(i) ?? Math.max(own(i), ...above.map(rank))
    found.set(i, priority)
    return priority
  }
  return Array.from({ length: plan.size }, (_, i) => rank(i))
}

/** The first of all who wait that could go on now, in the order in which they are served; each is shown to `canGo`. */
export const walk = (
  model: Facts,
  state: State,
  canGo: (task: Task, workers: ReadonlyArray<number>) => boolean | void
): void => {
  const ready = [...model.tasks].filter((task) => isReady(task) && !isDelayed(model, task))
    .sort((a, b) => compareRanks(a.rank, b.rank))
  if (ready.length === 0 && state.workers.every(({ rejoining }) => rejoining.size === 0)) return
  const withheld: Withheld = new Map()
  const all = [...model.tasks].filter(({ holds, holdsAmounts }) => holds || holdsAmounts)
  const idle = idleTasks(model)
  const withhold = (needs: ReadonlyArray<Need>) => {
    for (const { needed, what } of needs) withheld.set(what, (withheld.get(what) ?? 0) + needed)
  }
  const lackOf = (need: Need): number =>
    need.needed - Math.min(need.needed, Math.max(0, leftOf(need) - (withheld.get(need.what) ?? 0)))
  const isThere = (needs: ReadonlyArray<Need>): boolean => needs.every((need) => lackOf(need) === 0)
  /** Nobody who waits keeps what is missing. */
  const willCome = (task: Task, worker: number): boolean =>
    needsOn(model, task, worker, idle).every((need) => leftOf(need) >= need.needed)
  const amountsFor = (task: Task, worker: number) =>
    needsOn(model, task, worker, all).filter(({ what }) => what.startsWith(`${worker} `))
  const hasSlot = (worker: number): boolean => runningOn(model, worker) < model.workers[worker]!.slots

  // Rejoiners: the tags first, by the age of their waits.
  const rejoiners = model.workers.flatMap((_, worker) =>
    [...state.workers[worker]!.rejoining].flatMap(([row, wait]) => {
      const waiting = model.waits.get(wait)
      const isNews = state.starved.has(wait) && waiting?.starvedAway !== true
      return isNews ? [] : [{ task: model.byRow.get(row)!, wait, worker }]
    })
  )
  const late = new Set<Task>()
  for (const { task, worker } of rejoiners.toSorted((a, b) => a.wait - b.wait)) {
    const tags = tagsFor(model, task, all)
    if (!isThere(tags) || !willCome(task, worker)) late.add(task)
    if (willCome(task, worker)) withhold(tags)
  }
  for (const { task, worker } of rejoiners) {
    const amounts = amountsFor(task, worker)
    if (hasSlot(worker) && !late.has(task) && isThere(amounts) && canGo(task, [worker]) === true) return
    if (!late.has(task) && willCome(task, worker)) withhold(amounts)
  }

  // Ready tasks: those that were overtaken too often, then the others; of those that ask alike the best.
  const considered = new Set<string>()
  const firsts = model.overdueNames.flatMap((name) => ready.find((task) => queueOf(model, task) === name) ?? [])
  for (const task of [...firsts, ...ready]) {
    const name = queueOf(model, task)
    if (considered.has(name)) continue
    considered.add(name)
    const suitable = model.workers.flatMap((_, worker) => suits(model, task, worker) ? [worker] : [])
    const tags = tagsFor(model, task, all)
    const hasTags = isThere(tags)
    const free = suitable.filter((worker) => hasTags && hasRoom(model, worker) && isThere(amountsFor(task, worker)))
    if (free.length > 0 && canGo(task, free) === true) return
    if (free.length > 0) continue
    const coming = suitable.filter((worker) => willCome(task, worker))
    if (coming.length === 0) continue
    withhold(tags)
    const lacks = coming.map((worker) => amountsFor(task, worker).reduce((sum, need) => sum + lackOf(need), 0))
    if (hasTags) withhold(amountsFor(task, coming[lacks.indexOf(Math.min(...lacks))]!))
  }
}

/** The same for ready tasks that ask for the same, and rate the workers that are there alike. */
export const queueOf = (model: Facts, task: Task): string => {
  const { settings: { demand }, unmet } = task
  const followed = followedWorkers(model, task)
  const group = pausedGroup(model, task)
  if (demand === undefined && unmet.size === 0 && followed === undefined && group === undefined) return task.kind
  const { allowOthers, amounts, keepsAmounts, labels, locality, tags, workers } = demand ?? {}
  const serials = (some: Iterable<Worker>) => Array.from(some, ({ serial }) => serial).toSorted((a, b) => a - b)
  const ratings = model.workers.flatMap((each) => each.phase === "open" ? [each.serial, rateOf(task, each)] : [])
  return JSON.stringify([
    workers?.toSorted(),
    labels?.toSorted(),
    allowOthers,
    amounts && Object.entries(amounts).toSorted(([a], [b]) => a < b ? -1 : 1),
    keepsAmounts,
    tags?.toSorted(),
    unmet.size > 0 ? serials(unmet) : null,
    followed && serials(followed),
    locality && ratings,
    task.kind,
    group
  ])
}

const isQueued = (model: Facts, name: string): boolean =>
  [...model.tasks].some((task) => isReady(task) && queueOf(model, task) === name)

/** Workers that come and go change the names of queues that rate workers. */
export const dropOvertaken = (model: Facts): void => {
  for (const name of model.overtaken.keys()) if (!isQueued(model, name)) model.overtaken.delete(name)
}

export const overdueNow = (model: Facts): Array<string> =>
  [...model.overtaken].filter(([name, { since }]) => since < Infinity && isQueued(model, name))
    .sort(([a, { since }], [b, other]) => since - other.since || (a < b ? -1 : 1)).map(([name]) => name)

/** Why it is not the turn of a ready task to start there. */
export const turnOf = (model: Facts, state: State, task: Task, worker: number): string | undefined => {
  let wrong: string | undefined = `O11: it is not the turn of ${task.name}`
  walk(model, state, (other, workers) => {
    if (other !== task) wrong = `O5: ${other.name} should start before ${task.name}`
    else if (!workers.includes(worker)) wrong = `W5: ${task.name} lacks something on worker ${worker}`
    // One that is tried again goes where it has not failed yet first.
    else if (
      extrasOf(state, task.row)?.history === undefined && workers.some((each) => prefers(model, task, each, worker))
    ) {
      wrong = `W2: ${task.name} prefers another worker to ${worker}`
    } else if (isTakingLocal(model, state, task, worker, workers)) {
      wrong = `W20: ${task.name} takes a slot of worker ${worker}, which local tasks may need`
    } else wrong = undefined
    return true
  })
  return wrong
}

/** Whether a portable task starts on a local worker, though it might as well start on a remote one of these. */
const isTakingLocal = (
  model: Facts,
  state: State,
  task: Task,
  worker: number,
  workers: ReadonlyArray<number>
): boolean => {
  const isRetried = extrasOf(state, task.row)?.history !== undefined
  const isRemote = (each: number) => model.workers[each]!.kind === "remote"
  return !isRetried && !isRemote(worker) &&
    workers.some((each) => isRemote(each) && !prefers(model, task, worker, each))
}

/** Others that ask for some of the same were overtaken, but for those that had to wait for a rate or a pause. */
export const noteStart = (model: Facts, task: Task): void => {
  const { attempt, settings: { demand } } = task
  if (demand === undefined) return
  model.overtaken.delete(queueOf(model, task))
  const names = new Map<string, Demand>()
  for (const task of model.tasks) {
    if (isReady(task) && task.settings.demand !== undefined && !isDelayed(model, task)) {
      names.set(queueOf(model, task), task.settings.demand)
    }
  }
  const parts = (
    { amounts, tags }: Demand
  ) => [...Object.keys(amounts ?? {}), ...(tags ?? []).map((tag) => `#${tag}`)]
  for (const [name, other] of names) {
    if (name === queueOf(model, task) || !parts(other).some((part) => parts(demand).includes(part))) continue
    const present = model.overtaken.get(name) ?? { count: 0, since: Infinity }
    present.count++
    if (present.count === model.overtakes) present.since = attempt
    model.overtaken.set(name, present)
  }
}
