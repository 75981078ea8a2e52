/** Where a task may run (W6, W20, D10). */
import { isAtHome, rowOf } from "../../../src/engine/protocol/home.ts"
import type { Demand } from "../../../src/engine/protocol/Plan.ts"
import { hasEnded, mayRun, takesTasks, thousandths } from "./facts.ts"
import type { Facts, Task, Worker } from "./facts.ts"
import { groupsOf, inGroup, isCounted, isReady, neededOf, outcomeOf, verdictOf } from "./policies.ts"

/** Whether a task may run on some workers only, which it names, or which have what it needs. */
export const isBound = (demand: Demand | undefined): boolean =>
  demand?.amounts !== undefined || (demand?.allowOthers !== true && (demand?.workers ?? demand?.labels) !== undefined)

/** Whether a task may run on any worker. */
const isAnywhere = ({ settings: { demand, policies }, unmet }: Task): boolean =>
  demand === undefined && policies === undefined && unmet.size === 0

/** Whether a worker takes tasks, and this one may run there. */
export const suits = (model: Facts, task: Task, worker: number): boolean =>
  model.workers[worker]!.phase === "open" && maySuit(model, task, worker)

/** The same of one that may be on its way. */
export const maySuit = (model: Facts, task: Task, index: number): boolean => {
  const { settings: { demand } } = task
  if (isAnywhere(task)) return takesTasks(model.workers[index]!) && mayRun(task, model.workers[index]!)
  const others = model.workers.filter((worker) => accepts(model, task, worker))
  const worker = model.workers[index]!
  if (!others.includes(worker)) return false
  return meets(worker, demand) || (demand?.allowOthers === true && !others.some((other) => meets(other, demand)))
}

/** The workers on which enough ran of what a ready task follows; `undefined` if that binds it to none. */
export const followedWorkers = (model: Facts, task: Task): ReadonlyArray<Worker> | undefined => {
  // One that will never start, and has not ended yet, follows nobody.
  const isMet = isReady(task) && groupsOf(task).every((group) => verdictOf(task, group) === "run")
  const groups = isMet ? groupsOf(task).filter(({ of }) => of === "follow") : []
  let found: ReadonlyArray<Worker> | undefined
  for (const group of groups) {
    const counted = inGroup(task, group).filter((member) => hasEnded(member) && isCounted(group, outcomeOf(member)))
    const needed = neededOf(group, counted.length)
    const places = counted.map((member) => placeOf(model, member))
    const hasEnough = ({ row }: Worker) => places.filter((place) => place < 0 || place === row).length >= needed
    if (places.filter((place) => place < 0).length >= needed) continue
    found = (found ?? model.workers).filter(hasEnough)
  }
  return found
}

/** Where a task that has ended ran, or its result is; -1 if nowhere. */
const placeOf = (model: Facts, task: Task): number => {
  if (task.adopted && !isAtHome(task.worker)) return placeOf(model, task.alias!)
  const worker = task.unheld ? model.state!.tasks.worker[task.row]! : task.worker
  // Nobody need go where a result at home was made, and may not if that is gone.
  return isAtHome(worker) && !takesTasks(model.workers[rowOf(worker)]!) ? -1 : rowOf(worker)
}

/** Whether a worker takes tasks, or will, and nothing but its name or labels could keep this one from it. */
export const accepts = (model: Facts, task: Task, worker: Worker): boolean =>
  takesTasks(worker) && mayRun(task, worker) && !task.unmet.has(worker) && hasAmounts(worker, task.settings.demand) &&
  Number(rateOf(task, worker)) >= 0 && followedWorkers(model, task)?.includes(worker) !== false

export const prefers = (model: Facts, task: Task, worker: number, to: number): boolean =>
  Number(rateOf(task, model.workers[worker]!)) > Number(rateOf(task, model.workers[to]!))

export const rateOf = ({ settings: { demand } }: Task, { labels, name }: Worker): number | string =>
  demand?.locality?.({ id: name, labels }) ?? 0

/** Why no worker that takes tasks could run this one, and whether waiting would not help. */
export const lackOf = (model: Facts, task: Task): { readonly why: string; readonly isFinal: boolean } | undefined => {
  const { settings: { demand }, unmet } = task
  if (isAnywhere(task)) return undefined
  const open = model.workers.filter((worker) => takesTasks(worker) && mayRun(task, worker))
  if (open.some((worker) => typeof rateOf(task, worker) === "string")) return { why: "Impossible", isFinal: true }
  if (model.workers.some((_, index) => maySuit(model, task, index))) return undefined
  if (followedWorkers(model, task) !== undefined) return { why: "Impossible", isFinal: true }
  const isMet = open.some((worker) =>
    hasAmounts(worker, demand) && (demand?.allowOthers === true || meets(worker, demand))
  )
  if (isBound(demand) && !isMet) return { why: "NoSuitableWorker", isFinal: false }
  return unmet.size > 0 || open.length > 0 ? { why: "Impossible", isFinal: false } : undefined
}

/** Whether a worker has as much as a task asks for. */
const hasAmounts = ({ amounts }: Worker, demand: Demand | undefined): boolean =>
  Object.entries(thousandths(demand?.amounts)).every(([name, amount]) => (amounts[name] ?? 0) >= amount)

/** Whether a worker is one of those to which a task is restricted. */
export const meets = ({ labels, name }: Worker, demand: Demand | undefined): boolean =>
  demand?.workers?.includes(name) !== false && (demand?.labels ?? []).every((label) => labels.includes(label))
