/** Where results are held and copied (M7, M9). */
import type { Event } from "../../../src/engine/protocol/Event.ts"
import type { TaskId } from "../../../src/engine/protocol/ids.ts"
import type { Discard, Instruction } from "../../../src/engine/protocol/Instruction.ts"
import type { Copying, Facts, Task } from "./facts.ts"
import { noteEnd } from "./waits.ts"

/** Whether a copy still has its result to come from, where it was, and a worker that stays to go to. */
export const isOnItsWay = (model: Facts, { from, isMove, task, to }: Copying): boolean => {
  const isThere = task.status === "succeeded" && !task.forgotten && task.worker === from
  return isThere && (isMove || !task.copies.has(to)) && model.workers[to]?.phase === "open"
}

/** No result that only one worker holds could go to one that holds less by two. */
export const compareLoads = (model: Facts): void => {
  const results = [...model.tasks].filter((task) => task.status === "succeeded" && !task.forgotten)
  const loads = model.workers.map(() => 0)
  const add = (row: number, count = 1) => loads[row] = loads[row]! + count
  for (const { copies, worker } of results) for (const row of [worker, ...copies]) add(row)
  for (const { from, isMove, to } of model.copying.values()) {
    add(to)
    if (isMove) add(from, -1)
  }
  const least = Math.min(...loads.filter((_, row) => model.workers[row]!.phase === "open"))
  for (const task of results) {
    const isMoving = [...model.copying.values()].some((copying) => copying.task === task)
    if (task.copies.size > 0 || isMoving || task.retains || task.isResource) continue
    if (model.workers[task.worker]?.phase !== "open" || loads[task.worker]! - least < 2) continue
    model.complain(`M9: ${task.name} should have moved from worker ${task.worker}`)
  }
}

export const compareCopies = (
  model: Facts,
  { copies, task: row, workers: names }: Event & { readonly _tag: "CopiesRequested" }
): void => {
  const task = model.byRow.get(row)
  if (task?.status !== "succeeded" || task.retains || task.isResource || task.worker < 0) return
  const coming = [...model.copying.values()].filter((copying) => copying.task === task).map(({ to }) => to)
  const holders = new Set([task.worker, ...task.copies, ...coming])
  const others =
    model.workers.filter(({ name, phase }, index) =>
      phase === "open" && !holders.has(index) && (names?.includes(name) ?? true)
    ).length
  if (holders.size < copies && others > 0) model.complain(`M9: ${task.name} has ${holders.size} of ${copies} copies`)
}

/** Another holder is the first from now on: one that takes tasks if there is one. */
export const promote = (model: Facts, task: Task): void => {
  const others = [...task.copies]
  task.worker = others.find((each) => model.workers[each]!.phase === "open") ?? others[0]!
  task.copies.delete(task.worker)
}

/** A value from outside that an earlier loss in this step brought to a worker is lost with that, also for what adopted it. */
export const holdAt = (model: Facts, worker: number, out: ReadonlyArray<Instruction>): void => {
  for (const each of out) {
    if ((each._tag !== "Hold" && each._tag !== "Adopt") || each.worker !== worker) continue
    const task = model.byRow.get(each.task)
    const isMeant = each._tag === "Hold" ? task?.unheld : task?.adopted
    if (task === undefined || isMeant !== true) continue
    task.unheld = false
    task.adopted = false
    task.worker = worker
    noteEnd(model, task)
    model.judged.add(each)
  }
}

/** The task of a row whose former result is dropped: the row may have gone to another within the step. */
export const droppedIn = (model: Facts, row: TaskId): Task | undefined => {
  const displaced = model.displaced.get(row)
  const isMeant = (task: Task): boolean => task.serial === displaced?.serial
  return [...model.discarded].find(isMeant) ?? model.byRow.get(row)
}

/** A copy goes with its result, or with a worker that leaves. */
export const discardedCopy = (model: Facts, { task: row, worker }: Discard): boolean => {
  const struck = model.struck.findIndex(([task, from]) => task.row === row && from === worker)
  if (struck >= 0) {
    model.struck.splice(struck, 1)
    return true
  }
  for (const task of [model.displaced.get(row), model.byRow.get(row)]) {
    if (task === undefined) continue
    if (task.copies.delete(worker)) return true
    if (
      task.status !== "succeeded" || task.worker !== worker || task.copies.size === 0 ||
      model.workers[worker]?.phase !== "draining"
    ) continue
    promote(model, task)
    return true
  }
  return false
}
