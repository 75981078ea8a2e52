/** Turns of shares, aging, and what the budget and the saturation of sources hold back (O8, O10, O11, M8). */
import { isDelayed, pausedGroup } from "./delays.ts"
import type { Facts, Task } from "./facts.ts"
import { compareRanks } from "./order.ts"
import { followedWorkers, suits } from "./placement.ts"
import { isReady } from "./policies.ts"
import { hasRoom } from "./slots.ts"

const canStartNow = (model: Facts, task: Task): boolean =>
  !isDelayed(model, task) &&
  model.workers.some((_, worker) =>
    suits(model, task, worker) && hasRoom(model, worker) && !isThrottled(model, task, worker)
  )

/** Whether a task waits in a queue of its kind. */
export const waitsInQueue = (model: Facts, task: Task): boolean => {
  const { aging, budget, rate, sourceSaturation } = model.fairness
  return isReady(task) && !task.forgotten &&
    (task.settings.demand !== undefined || task.unmet.size > 0 || followedWorkers(model, task) !== undefined ||
      task.share !== "" || pausedGroup(model, task) !== undefined || rate !== undefined ||
      budget !== undefined || aging < Infinity || (task.isSource && sourceSaturation < 1))
}

/** Tasks that are ready now wait from now on. */
export const queueUp = (model: Facts): void => {
  const queued = [...model.tasks].filter((task) => waitsInQueue(model, task))
  const takesTurns = ({ share }: Task): boolean => share !== "" || model.fairness.aging < Infinity
  // One that was ready within this step alone counts, if the engine says so.
  const hasPassed = (task: Task): boolean => task.endedAt === model.clock && !task.begun && takesTurns(task)
  const isBelieved = model.state!.balance.shares.size > 0 && [...model.tasks].some(hasPassed)
  if (model.turns === undefined && (queued.some(takesTurns) || isBelieved)) {
    model.turns = new Map()
    model.lastTurn = 0
  }
  for (const task of model.tasks) {
    task.since = isReady(task) ? task.since ?? shareTurn(model, task.share).starts : undefined
  }
}

const shareTurn = (model: Facts, share: string) => {
  const turn = model.turns?.get(share) ?? { at: 0, last: 0, starts: 0 }
  model.turns?.set(share, turn)
  return turn
}

export const takeTurn = (model: Facts, task: Task): void => {
  task.since = undefined
  if (model.turns === undefined) return
  const turn = shareTurn(model, task.share)
  model.lastTurn = Math.max(model.lastTurn, turn.at)
  turn.at = model.lastTurn + 1 / (model.fairness.weights.get(task.share) ?? 1)
  turn.last = model.attempts.size + 1
  turn.starts++
}

/** Holds a slot, and waits for nothing that the engine sees. */
const isAtWork = (task: Task): boolean => task.holds && ![...task.open].some(({ keepsSlot }) => keepsSlot)

const isThrottled = (model: Facts, task: Task, worker: number): boolean => {
  const { sourceSaturation } = model.fairness
  if (!task.isSource || sourceSaturation >= 1) return false
  const sources = [...model.tasks].filter((other) => other.isSource && other.worker === worker && isAtWork(other))
  return sources.length >= Math.max(1, Math.ceil(sourceSaturation * model.workers[worker]!.slots))
}

/** What the budget holds back while an attempt is at work. */
const brakeNow = (model: Facts): "none" | "sources" | "all" => {
  const { budget } = model.fairness
  if (budget === undefined) return "none"
  let held = 0
  for (const task of model.tasks) {
    const isHeld = task.status === "succeeded" || (task.status === "releasing" && task.fixed === undefined)
    if (isHeld && !task.forgotten) held += task.size
  }
  return held > budget.pause ? "all" : held > budget.target ? "sources" : "none"
}

/** Whether the budget holds a ready task back. */
export const isBraked = (model: Facts, { isSource }: Task): boolean => {
  const brake = brakeNow(model)
  return (brake === "all" || (brake === "sources" && isSource)) && [...model.tasks].some((each) => isAtWork(each))
}

export const judgeBrakes = (model: Facts, task: Task, worker: number): void => {
  if (isThrottled(model, task, worker)) model.complain(`O8: ${task.name} starts on worker ${worker}`)
  const brake = brakeNow(model)
  if (brake === "none") return
  model.fair.braked++
  const others = [...model.tasks].filter((other) => isAtWork(other))
  if (others.length > 0 && (brake === "all" || task.isSource)) {
    model.complain(`M8: ${task.name} starts while ${others[0]!.name} is at work`)
  }
}

export const judgeOrder = (model: Facts, task: Task): void => {
  const { aging } = model.fairness
  const isBraked = brakeNow(model) !== "none"
  const rivals = [...model.tasks].filter((other) => other !== task && isReady(other) && canStartNow(model, other))
  // Sources last, and then the brake makes no difference among equals.
  const inner = isBraked ? rivals.find((other) => !other.isSource && task.isSource) : undefined
  if (inner !== undefined) model.complain(`M8: ${inner.name} should start before ${task.name}, which is a source`)
  const equals = rivals.filter((other) => !isBraked || other.isSource === task.isSource)
  const place = (other: Task) => {
    const { at, last } = shareTurn(model, other.share)
    return [Math.max(at, model.lastTurn), last] as const
  }
  const [at, last] = place(task)
  const earlier = model.turns === undefined ? undefined : equals.find((other) => {
    const [otherAt, otherLast] = place(other)
    return otherAt < at || (otherAt === at && otherLast < last)
  })
  if (earlier !== undefined) model.complain(`O10: it is the turn of ${earlier.share}, not of ${task.share}`)
  if (equals.some(({ share }) => share !== task.share)) model.fair.turns++
  const own = equals.filter(({ share }) => model.turns === undefined || share === task.share)
  const isOverdue = ({ share, since }: Task) => shareTurn(model, share).starts - since! >= aging
  const oldest = [task, ...own].filter(isOverdue).toSorted((a, b) => a.since! - b.since!)[0]
  if (oldest !== undefined) {
    model.fair.overdue++
    if (!isOverdue(task) || task.since! > oldest.since!) model.complain(`O11: ${oldest.name} is overdue`)
    return
  }
  const better = own.find((other) => compareRanks(other.rank, task.rank) < 0)
  if (better !== undefined) model.complain(`O5: ${better.name} should start before ${task.name}`)
}
