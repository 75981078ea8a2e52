/**
 * Graphs in words.
 *
 * @internal
 */
import * as Context from "effect/Context"
import { ambientIn } from "../../internal/bodies/ambient.ts"
import { compile, nobody } from "../../internal/plans/compile.ts"
import { scan } from "../../internal/tasks/inputs.ts"
import { isRefused } from "../../internal/tasks/mistake.ts"
import { isTask } from "../../internal/tasks/task.ts"
import type { TaskImpl } from "../../internal/tasks/task.ts"
import { inLine } from "../../internal/text/text.ts"

/** All tasks of a shape, dependencies first. */
export const tasksOf = (shape: unknown): ReadonlyArray<TaskImpl> => {
  const tasks = scan(shape).handles.filter(isTask)
  const compiled = compile(tasks, nobody, ambientIn(Context.empty()))
  return isRefused(compiled) ? tasks : compiled.plan.nodes
}

/** One line a task: its name, its body and what it depends on. */
export const describe = (shape: unknown): ReadonlyArray<string> => {
  const tasks = tasksOf(shape)
  const name = (task: TaskImpl): string => {
    const index = tasks.indexOf(task)
    // As in the story, where it is the first graph of its scheduler.
    return inLine(task.options.key ?? `${task.options.label ?? "task"}#${index + 1}`)
  }
  return tasks.map((task, index) => {
    const dependencies = [...new Set(task.handles.filter(isTask))]
    const on = dependencies.length === 0 ? "" : ` <- ${dependencies.map(name).join(", ")}`
    return `${index}: ${name(task)} (${task.body._tag})${on}`
  })
}
