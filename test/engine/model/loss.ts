/** Lost workers and inputs, and results that are made anew (F7, F8, M3, W10). */
import type { Ending, ResultMissing } from "../../../src/engine/protocol/Event.ts"
import type { Instruction } from "../../../src/engine/protocol/Instruction.ts"
import type { State } from "../../../src/engine/state/State.ts"
import { askFor, finish, finishFixed, leaveAttempt, requeue } from "./ends.ts"
import { hasEnded, heldBy, isForgotten, isOpen, rowOf } from "./facts.ts"
import type { Facts, Task } from "./facts.ts"
import { follow } from "./follow.ts"
import { isWanted } from "./owners.ts"
import { isReady } from "./policies.ts"
import { holdAt, promote } from "./results.ts"
import { believeCycle } from "./starvation.ts"
import { noteEnd, stays } from "./waits.ts"
import { markLost } from "./workers.ts"

/** Dependencies, and what is live of what lies behind them. */
export const missedBy = (
  model: Facts,
  task: Task,
  { behind = [], places }: Ending & { readonly _tag: "DependenciesLost" }
): Array<Task> => {
  const isHeld = (place: number): boolean => !task.dropped.has(place)
  const all = behind.filter(([first]) => isHeld(first!)).map(([first, ...others]) =>
    others.reduce((each, place) => each.deps[place]!, task.deps[first!]!)
  )
  const named = [
    ...places.filter(isHeld).map((place) => task.deps[place]!),
    ...all.filter((each) => model.tasks.has(each))
  ]
  return [...new Set(named)]
}

/** What its body misses runs again, unless it has since this attempt started. */
export const dependenciesLost = (
  model: Facts,
  task: Task,
  named: ReadonlyArray<Task>,
  attempt: number,
  state: State
): void => {
  const isFresh = (each: Task): boolean => hasEnded(each) && each.attempt <= attempt
  const lost = new Set(named.filter((each) => isFresh(each) && each.status === "succeeded"))
  // The exit of a task is as good as that task.
  for (const each of lost) {
    if (each.settings.absorbs !== true) continue
    for (const dep of each.deps) {
      if (model.tasks.has(dep) && dep.status === "succeeded" && isFresh(dep)) lost.add(dep)
    }
  }
  restore(model, task, named, lost, attempt, state)
}

/** Who should hold an input, and does not, holds it no more. It comes from others, or is made anew. */
export const inputsLost = (
  model: Facts,
  task: Task,
  { inputs }: Ending & { readonly _tag: "InputsLost" },
  attempt: number,
  state: State
): void => {
  const isHeld = ({ place }: { readonly place: number }): boolean =>
    place < task.deps.length && !task.dropped.has(place)
  const named = inputs.filter(isHeld).map(({ place }) => task.deps[place]!)
  const lost = new Set<Task>()
  for (const { holder: serial, place } of inputs.filter(isHeld)) {
    const input = task.deps[place]!
    if (input.status !== "succeeded" || input.attempt > attempt) continue
    const row = model.workers.findIndex((each) => each.serial === serial && each.phase !== "lost")
    if (row < 0 || (input.worker !== row && !input.copies.has(row))) continue
    if (input.copies.size === 0) {
      lost.add(input)
      continue
    }
    model.struck.push([input, row])
    if (input.worker === row) promote(model, input)
    else input.copies.delete(row)
  }
  restore(model, task, [...new Set(named)], lost, attempt, state)
}

/** A task that missed a dependency waits for it, and the lost result is made again. */
const restore = (
  model: Facts,
  task: Task,
  named: ReadonlyArray<Task>,
  lost: ReadonlySet<Task>,
  attempt: number,
  state: State
): void => {
  const isFresh = (each: Task): boolean => hasEnded(each) && each.attempt <= attempt
  if (named.length > 0 && task.settings.policies === undefined && !named.some(isFresh)) {
    model.restarts.staleReports++
    askFor(model, task)
    requeue(task)
    return believeCycle(model, task, state)
  }
  task.reports++
  if (task.reports >= 20 || [...lost].some((each) => isFinal(model, each))) {
    leaveAttempt(task)
    return finish(model, task, "failed", `DependenciesGone:${task.name}`)
  }
  model.reports++
  model.restarts.reported++
  requeue(task)
  // Not those of values from outside, which own nothing until they are made anew.
  const owning = [...lost].filter(({ isResource }) => isResource)
  for (const each of lost) {
    if (owning.includes(each)) {
      each.status = "releasing"
      continue
    }
    model.discarded.add(each)
    if (each.alias !== undefined) {
      each.alias = undefined
      each.retains = false
    }
    reopen(model, each)
  }
  waitAnew(model)
  for (const each of lost) if (!owning.includes(each)) reviveInputs(model, each, new Set(), state)
  follow(model)
  for (const each of model.tasks) believeCycle(model, each, state)
}

/** Whether a task cannot be made again: it must not run twice, or something that is gone and would have to must not. */
const isFinal = (model: Facts, task: Task): boolean => {
  if (task.settings.idempotent === false || isBeyond(model, task)) return true
  return task.deps.some((dep) => !model.tasks.has(dep) && isFinal(model, dep))
}

/** Whether it is not known any more what a task was made of: the engine says so, of what lies far enough behind some other. */
const isBeyond = (model: Facts, { name, submission }: Task): boolean => {
  if (!isForgotten(submission)) return false
  model.verdicts.forgotten++
  const seen = new Set([submission])
  let ring = [submission]
  for (let distance = 0; distance <= model.lineage && ring.length > 0; distance++) {
    ring = ring.flatMap(({ users }) => [...users]).filter((user) => !seen.has(user))
    // Through what is forgotten itself nothing is made anew.
    if (ring.some(isForgotten)) return true
    for (const user of ring) seen.add(user)
  }
  if (ring.length === 0) model.complain(`M3: ${name} is forgotten too early`)
  return true
}

export const workerLost = (
  model: Facts,
  index: number,
  state: State,
  begun?: ReadonlyArray<number>,
  isEnded = false
): void => {
  const worker = model.workers[index]
  if (worker === undefined || worker.phase === "lost") return
  markLost(model, worker, isEnded)
  for (const [number, { from, to }] of model.copying) if (from === index || to === index) model.copying.delete(number)
  for (const task of model.tasks) {
    task.copies.delete(index)
    if (task.worker === index && task.copies.size > 0) promote(model, task)
  }
  const there = [...model.tasks].filter((task) => task.worker === index).toSorted((a, b) => a.row - b.row)
  for (const task of there) {
    if (task.status !== "active") continue
    if (begun?.includes(task.attempt) === false) {
      model.restarts.unbegun++
      requeue(task)
    } else loseAttempt(model, task)
    // It goes by what it depends on when everybody knows what was lost.
    model.returning.add(task)
  }
  follow(model)
  // Each on behalf of its own; what was being finalized is gone.
  for (const task of there) {
    if (task.status !== "stopping" && (task.status !== "releasing" || task.finalized)) continue
    leaveAttempt(task)
    if (task.fixed !== undefined) finishFixed(model, task)
    else endFinalizing(model, task)
    believeCycle(model, task, state)
    follow(model)
  }
  // What must not run again ends; what stood for another task needs that no more.
  const isThere = (task: Task): boolean => task.status === "succeeded" && task.worker === index
  const results = there.filter((task) => isThere(task) && isWanted(model, task))
  for (const task of results) {
    if (task.settings.idempotent === false) kill(model, task)
    if (task.alias === undefined) continue
    task.alias = undefined
    task.retains = false
  }
  // Dependents are refused when everybody knows what was lost.
  model.isDeaf = true
  follow(model)
  model.isDeaf = false
  // What nobody wants by now is forgotten; it may be needed again in this very step.
  const gone = new Set([...model.tasks].filter((task) => !isOpen(task) && !isWanted(model, task)))
  const reopened = there.filter((task) => isThere(task) && !gone.has(task))
  // All at once: what is needed for a lost result may be lost itself.
  for (const task of reopened) reopen(model, task)
  waitAnew(model)
  for (const task of reopened) reviveInputs(model, task, gone, state)
  model.returning.clear()
  follow(model)
  for (const task of model.tasks) believeCycle(model, task, state)
}

/** What was made of it may have been lost meanwhile: then it is made anew. */
export const endFinalizing = (model: Facts, task: Task): void => {
  task.finalized = true
  if (!isWanted(model, task)) return
  stays(model, task)
  task.finalized = false
  model.discarded.add(task)
  if (task.settings.idempotent === false) return kill(model, task)
  model.restarts.revived++
  task.status = "pending"
  task.starts = 0
  task.attempt = 0
  task.deaths = 0
  renew(task)
}

const loseAttempt = (model: Facts, task: Task): void => {
  task.deaths++
  model.restarts.died++
  if (task.deaths < 4 && task.settings.idempotent !== false) return requeue(task)
  leaveAttempt(task)
  model.restarts.killed++
  finish(model, task, "failed", `Killed:${task.name}`)
}

const reopen = (model: Facts, task: Task): void => {
  model.restarts.lost++
  task.status = "pending"
  if (task.attempt !== 0) task.starts--
  task.attempt = 0
  // A result that lives on its dependencies still holds them, except for dropped ones.
  if (!task.retains) task.dropped = new Set()
  renew(task)
}

const renew = (task: Task): void => {
  task.recomputed = true
  task.begun = true
  task.rank = task.place
  task.lacksSince = undefined
  task.retains = false
  task.isResource = task.settings.resource === true
  task.finalizeTold = false
  task.finalized = false
  task.alias = undefined
  task.adopted = false
  task.unheld = false
  task.endedAt = -1
  task.why = new Set()
  task.refused = false
  task.upstream = false
  task.unwanted = false
  task.fixed = undefined
  task.stopTold = false
  task.timedOut = false
  task.retrying = false
}

/** Who has to wait again ranks, and ages, as if it had never been ready: a literal may be there again within the step. */
export const waitAnew = (model: Facts): void => {
  for (const task of model.tasks) {
    if (task.status !== "pending" || isReady(task)) continue
    task.rank = task.place
    task.since = undefined
  }
}

const kill = (model: Facts, task: Task): void => {
  model.restarts.killed++
  task.recomputed = true
  task.status = "failed"
  task.endedAt = model.clock
  task.why = new Set([`Killed:${task.name}`])
}

/** Whatever a lost result was made of is made again too, as far as it was forgotten. */
const reviveInputs = (model: Facts, task: Task, gone: Set<Task>, state: State): void => {
  for (const [, dependency] of heldBy(task)) {
    if (gone.has(dependency)) {
      noteEnd(model, dependency)
      model.displaced.set(dependency.row, { ...dependency })
      if (model.byRow.get(dependency.row) === dependency) model.byRow.delete(dependency.row)
    } else if (model.tasks.has(dependency)) {
      // It may be stopping: its next loss of its last user counts again.
      dependency.unwanted = false
      continue
    }
    gone.delete(dependency)
    model.restarts.revived++
    dependency.forgotten = false
    dependency.row = rowOf(dependency, state)
    dependency.attempt = 0
    dependency.starts = 0
    dependency.deaths = 0
    dependency.unmet.clear()
    dependency.worker = -1
    dependency.dropped = new Set()
    dependency.status = "pending"
    renew(dependency)
    model.tasks.add(dependency)
    placeAgain(model, dependency)
    if (dependency.settings.idempotent === false || isBeyond(model, dependency)) kill(model, dependency)
    else reviveInputs(model, dependency, gone, state)
  }
}

const placeAgain = (model: Facts, task: Task): void => {
  if (task.row < 0) return void model.rowless.add(task)
  const former = model.byRow.get(task.row)
  if (former !== undefined) model.displaced.set(task.row, former)
  model.byRow.set(task.row, task)
}

/** Who does not have a result that is still counted on there is lost. */
export const distrust = (model: Facts, { attempt, begun, task: row, worker }: ResultMissing, state: State): void => {
  const task = model.byRow.get(row)
  if (worker < 0 || task?.status !== "succeeded" || task.attempt !== attempt || task.worker !== worker) return
  model.distrusted.add(worker)
  workerLost(model, worker, state, begun)
}

export const lookAtWorkers = (model: Facts, state: State, out: ReadonlyArray<Instruction>): void => {
  for (const { heardAt, phase, row, terms: { ttlMillis = Infinity } } of model.workers) {
    if ((phase !== "open" && phase !== "draining") || model.now - heardAt < ttlMillis) continue
    model.silent.add(row)
    holdAt(model, row, out)
    workerLost(model, row, state)
  }
  for (const worker of model.workers) {
    const { phase, row, since, terms: { maxAgeMillis = Infinity } } = worker
    if (phase !== "open" || model.now - since < maxAgeMillis) continue
    worker.phase = "draining"
    model.replaced.add(row)
  }
}

export const someRowless = (model: Facts): Task | undefined => {
  for (const task of model.rowless) return task
  return undefined
}
