/**
 * Tasks from their bodies and inputs.
 *
 * @internal
 */
import { brief } from "./brief.ts"
import { rewrite, scan } from "./inputs.ts"
import { isFuture, isHandle, isTask, noHandles, noOptions, TaskImpl } from "./task.ts"
import type { Body, Handle, TaskOptions } from "./task.ts"

/** A task has the inputs of this moment: an array or a record that is changed later changes nothing. */
export const makeTask = (body: Body, inputs: unknown, options: TaskOptions): TaskImpl => {
  const { handles, inputs: own, misplaced, shape } = scan(inputs)
  const all = options.after === undefined ? handles : [...handles, ...options.after]
  return new TaskImpl(body, own, shape, all, options, misplaced)
}

/** The same work with other options, and with `swap` of each task or future that it depends on. */
export const remakeTask = (
  { body, handles, inputs, misplaced, options: { after }, shape }: TaskImpl,
  options: TaskOptions,
  swap?: (handle: Handle) => Handle
): TaskImpl => {
  const data = after === undefined ? handles : handles.slice(0, handles.length - after.length)
  const swapped = swap === undefined ? data : data.map(swap)
  const own = swap === undefined || shape === "none"
    ? inputs
    : shape === "array"
    ? swapped
    : rewrite(inputs, (leaf) => isHandle(leaf) ? swap(leaf) : leaf)
  const all = options.after === undefined ? swapped : [...swapped, ...options.after]
  return new TaskImpl(body, own, shape, all, options, misplaced)
}

/** A task that gives the exit of another, which in untyped code may be anything. */
export const makeExit = (of: unknown): TaskImpl => {
  const handles = isTask(of) || isFuture(of) ? [of] : noHandles
  const misplaced = handles.length > 0 ? undefined : { what: brief(of), why: "Task.exit takes a task or a future" }
  return new TaskImpl({ _tag: "exit" }, of, handles.length > 0 ? "single" : "none", handles, noOptions, misplaced)
}
