/** Tasks that no worker can run (W9). */
import { finish } from "./ends.ts"
import { armTimer, hasEnded, hasTaker, lackOfAny, mayRun } from "./facts.ts"
import type { Facts, Task } from "./facts.ts"
import { follow } from "./follow.ts"
import { lackOf } from "./placement.ts"
import { isReady } from "./policies.ts"
import { isOneWanted } from "./workers.ts"

/** W9: what lacks nothing but a worker ends when it has waited for one as long as it may. */
export const lackWorkers = (model: Facts): void => {
  const isStranded = (task: Task): boolean => isReady(task) && task.lacksSince === undefined && task.lack === undefined
  const find = () =>
    [...model.tasks].filter((task) => isStranded(task) && !hasTaker(model, task) && !willHaveOne(model, task))
  for (let stranded = find(); stranded.length > 0;) {
    for (const task of stranded) {
      task.lacksSince = model.now
      const limit = task.settings.waitForWorkersMillis ?? Infinity
      if (limit === 0) finish(model, task, "failed", `${lackOfAny(model)}:${task.name}`)
      else if (limit < Infinity) armTimer(model, "stranded", task, limit)
    }
    // All of them end at once, and then others hear of it.
    follow(model)
    // What follows one of them knows by now where it could go.
    endLacks(model)
    stranded = find()
  }
}

/** Whether the pool is about to start a worker that may run a task. */
const willHaveOne = (model: Facts, task: Task): boolean =>
  isOneWanted(model) && mayRun(task, { kind: model.pool!.kind ?? "local" })

/** Workers came or went while others were given something. */
export const lookAgain = (model: Facts): void => {
  if (!model.crewMoved) return
  model.crewMoved = false
  endLacks(model)
  lackWorkers(model)
}

/** Who lacks a worker ends, and so does who follows one of those to where nothing may run. */
export const endLacks = (model: Facts): void => {
  const open = () => [...model.tasks].filter((task) => !hasEnded(task)).length
  for (let before = Infinity, now = open(); now < before; before = now, now = open()) {
    findLacks(model)
    follow(model)
  }
}

/** Who has not started and lacks a worker since now ends, or waits for one; who does no more is free of that. */
const findLacks = (model: Facts): void => {
  // All that lack one now, before any of them ends.
  const lacks = [...model.tasks].map((task) => {
    const isOpen = task.status === "pending" && task.alias === undefined
    return [task, isOpen ? lackOf(model, task) : undefined] as const
  })
  for (const [task, lack] of lacks) {
    if (lack === undefined) {
      task.lack = undefined
      continue
    }
    const millis = lack.isFinal ? 0 : task.settings.waitForWorkersMillis ?? Infinity
    if (millis === 0) finish(model, task, "failed", `${lack.why}:${task.name}`)
    else task.lack ??= millis === Infinity ? "none" : armTimer(model, "workers", task, millis)
  }
}
