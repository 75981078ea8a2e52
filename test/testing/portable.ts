/** Tasks of any kind as portable ones: the mark is on the body. */
import { batchOf } from "../../src/internal/portable/batches.ts"
import { makeNamed, unchecked } from "../../src/internal/portable/named.ts"
import type { TaskImpl } from "../../src/internal/tasks/task.ts"
import type { Chance } from "../chance.ts"

/** Marks a task whose body is an effect as portable. */
export const portable = <A>(task: A): A => {
  mark(task as unknown as TaskImpl)
  return task
}

const named = makeNamed(
  "a closure",
  { payload: unchecked, success: unchecked, error: unchecked },
  () => "here",
  batchOf
)

const mark = ({ body }: TaskImpl): void => {
  if (body._tag === "effect") Object.assign(body, { named })
}

/** Marks some of these tasks, and of all that they depend on. */
export const markSome = <A>(tasks: ReadonlyArray<A>, chance: Pick<Chance, "with">): ReadonlyArray<A> => {
  const visit = (task: TaskImpl): void => {
    if (seen.has(task)) return
    seen.add(task)
    if (chance.with(0.6)) mark(task)
    for (const handle of task.handles) if ("handles" in handle) visit(handle)
  }
  const seen = new Set<TaskImpl>()
  for (const task of tasks) visit(task as unknown as TaskImpl)
  return tasks
}
