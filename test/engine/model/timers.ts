/** Timers (C9, C14, D6). */
import { finish, stop } from "./ends.ts"
import { hasEnded, lackOfAny } from "./facts.ts"
import type { Due, Facts } from "./facts.ts"
import { lackOf } from "./placement.ts"
import { isReady } from "./policies.ts"

export const timeCame = (model: Facts): void => {
  const due = model.timers.filter((timer) => timer.at <= model.now)
  model.timers = model.timers.filter((timer) => timer.at > model.now)
  due.sort((a, b) => a.at - b.at || a.sequence - b.sequence)
  for (const timer of due) fireTimer(model, timer)
}

const fireTimer = (model: Facts, due: Due): void => {
  const { at, attempt, kind, task } = due
  if (hasEnded(task) || task.status === "releasing") return
  switch (kind) {
    case "retry":
      if (task.attempt === attempt && task.status === "pending") task.retrying = false
      return
    case "timeout":
      if (task.attempt !== attempt || task.status !== "active") return
      return stop(model, task, "failed", `attempt:${task.name}`, true)
    case "grace":
      if (task.attempt === attempt && task.status === "stopping") model.overdue.add(task)
      return
    case "workers":
      if (task.lack !== due) return
      // One in the place of another may come in time.
      if (model.replaced.size > 0) model.late.add(task)
      else finish(model, task, "failed", `${lackOf(model, task)!.why}:${task.name}`)
      return
    case "stranded": {
      const limit = task.settings.waitForWorkersMillis ?? Infinity
      const isLacking = task.lacksSince !== undefined && isReady(task) && at - task.lacksSince >= limit
      if (isLacking) finish(model, task, "failed", `${lackOfAny(model)}:${task.name}`)
      return
    }
    case "dependencies":
      if (!task.begun) finish(model, task, "failed", `dependencies:${task.name}`)
      return
    case "deadline":
      if (task.recomputed) return
      if (task.status === "pending") return finish(model, task, "failed", `deadline:${task.name}`)
      if (task.status === "stopping" && !task.timedOut) return
      return stop(model, task, "failed", `deadline:${task.name}`)
  }
}
