/** Slots, amounts and tags: who holds them, and what is left (S4, W5, W17). */
import { inAttempt, thousandths } from "./facts.ts"
import type { Facts, Need, Task } from "./facts.ts"
import { comesBack, waitsInside } from "./waits.ts"

/** Those who hold something and can do nothing themselves. */
export const idleTasks = (model: Facts): ReadonlyArray<Task> =>
  [...model.tasks].filter((task) => {
    if (!task.holds && !task.holdsAmounts && !task.holdsTags) return false
    return comesBack(task) || waitsInside(task).some(({ mode }) => mode !== "never")
  })

/** What a task needs on a worker that it does not hold, and who of these has how much of it. */
export const needsOn = (model: Facts, task: Task, index: number, holders: ReadonlyArray<Task>): ReadonlyArray<Need> => {
  const demand = task.settings.demand ?? {}
  const worker = model.workers[index]!
  const there = holders.filter((other) => other.worker === index)
  const slot = {
    what: `${index}`,
    total: worker.slots,
    needed: 1,
    shares: there.map((each) => [each, +each.holds] as const)
  }
  const amounts = Object.entries(task.holdsAmounts ? {} : thousandths(demand.amounts)).map(([name, needed]) => ({
    what: `${index} ${name}`,
    total: worker.amounts[name] ?? 0,
    needed,
    shares: there.map((each) => {
      const share = each.holdsAmounts ? thousandths(each.settings.demand?.amounts)[name] ?? 0 : 0
      return [each, share] as const
    })
  }))
  return [slot, ...amounts, ...tagsFor(model, task, holders)]
}

export const tagsFor = (
  model: Facts,
  { settings: { demand } }: Task,
  holders: ReadonlyArray<Task>
): ReadonlyArray<Need> =>
  (demand?.tags ?? []).filter((tag) => model.limits.has(tag)).map((tag) => ({
    what: `tag ${tag}`,
    total: model.limits.get(tag)!,
    needed: 1,
    shares: holders.map((each) =>
      [each, each.holdsTags && each.settings.demand?.tags?.includes(tag) === true ? 1 : 0] as const
    )
  }))

/** Whether a worker may start something: at its mark only if all that it carries waits for tasks. */
export const hasRoom = (model: Facts, worker: number): boolean => {
  const { mark, slots } = model.workers[worker]!
  const carried = [...model.tasks].filter((task) => inAttempt(task) && task.worker === worker)
  const waits = (task: Task) => waitsInside(task).some(({ mode }) => mode !== "never")
  return runningOn(model, worker) < slots && (carried.length < mark || carried.every(waits))
}

/** How many attempts hold a slot of a worker. */
export const runningOn = (model: Facts, worker: number): number => {
  let running = 0
  for (const task of model.tasks) if (task.holds && task.worker === worker) running++
  return running
}
