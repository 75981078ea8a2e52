/**
 * Tasks from their bodies and inputs.
 *
 * @internal
 */
import { briefResult } from "../text/brief.ts"
import { foreignText, keepOneCopy } from "../values/strangers.ts"
import { isDependency, orderOnly } from "./dependency.ts"
import { rewrite, scan } from "./inputs.ts"
import { withInvalid } from "./options.ts"
import { isFuture, isHandle, isTask, noHandles, noOptions, TaskImpl } from "./task.ts"
import type { Body, Handle, TaskOptions } from "./task.ts"

/** A task has its inputs as they are now: later changes of an array or a record have no effect. */
export const makeTask = (body: Body, inputs: unknown, options: TaskOptions): TaskImpl => {
  const { groups, handles, inputs: own, invalid, misplaced, shape } = scan(inputs)
  const whole = groups === undefined ? options : { ...options, inputGroups: groups }
  const all = isOrdered(options) ? [...handles, ...orderOnly(options)] : handles
  return new TaskImpl(body, own, shape, all, invalid === undefined ? whole : withInvalid(whole, invalid), misplaced)
}

const isOrdered = ({ after, follow }: TaskOptions): boolean => after !== undefined || follow !== undefined

/** The same work with other options, and with `swap` applied to each task or future that it depends on. */
export const remakeTask = (
  { body, handles, inputs, misplaced, options: former, shape }: TaskImpl,
  options: TaskOptions,
  swap?: (handle: Handle) => Handle
): TaskImpl => {
  const data = isOrdered(former) ? handles.slice(0, handles.length - orderOnly(former).length) : handles
  const swapped = swap === undefined ? data : data.map(swap)
  const own = swap === undefined || shape === "none"
    ? inputs
    : shape === "array"
    ? swapped
    : rewrite(
      inputs,
      (leaf) => isDependency(leaf) ? leaf.over(leaf.handles.map(swap)) : isHandle(leaf) ? swap(leaf) : leaf
    )
  const all = isOrdered(options) ? [...swapped, ...orderOnly(options)] : swapped
  return new TaskImpl(body, own, shape, all, options, misplaced)
}

/** A task that gives the exit of another, which in untyped code may not be a task. */
export const makeExit = (of: unknown): TaskImpl => {
  const handles = isTask(of) || isFuture(of) ? [of] : noHandles
  const foreign = foreignText(of)
  const misplaced = handles.length > 0
    ? undefined
    : foreign === undefined
    ? { what: briefResult(of), why: "Task.exit takes a task or a future" }
    : { what: foreign, why: keepOneCopy }
  return new TaskImpl({ _tag: "exit" }, of, handles.length > 0 ? "single" : "none", handles, noOptions, misplaced)
}
