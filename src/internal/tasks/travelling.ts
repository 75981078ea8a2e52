/**
 * The options of a named task that a body elsewhere submits. The scheduler of the program applies those that it alone can apply;
 * the scheduler of the worker, in which the task waits for the answer, applies the others.
 *
 * @internal
 */
import type * as Context from "effect/Context"
import { timesOf } from "./options.ts"
import type { TaskImpl, TaskOptions } from "./task.ts"

/** Options that name a task in both schedulers. */
const ofBoth = ["key", "label", "priority", "pure", "name", "code", "idempotent", "dependencyTimeoutMillis"] as const

/** Options that concern its body, which runs anywhere. */
const ofBody = [
  "timeoutMillis",
  "graceMillis",
  "workers",
  "labels",
  "allowOthers",
  "resources",
  "keepResources",
  "tags",
  "waitForWorkersMillis"
] as const

/** What goes with a task. It is plain data. */
export interface Travelling extends Pick<TaskOptions, typeof ofBoth[number] | typeof ofBody[number]> {
  /** How many attempts may follow the first one. */
  readonly times?: number | undefined
}

/** Whether a task that is submitted in this context asks another scheduler to run it. */
export const isAsked = ({ named }: TaskImpl, context: Context.Context<never>): boolean =>
  named !== undefined && named.placeIn(context) === "asked"

/** What of its options goes with a task; `undefined` if that is nothing. */
export const travellingOf = (options: TaskOptions): Travelling | undefined => {
  const given = [...ofBoth, ...ofBody].flatMap((name) => options[name] === undefined ? [] : [[name, options[name]]])
  const times = options.retry && timesOf(options.retry)
  if (times !== undefined) given.push(["times", times])
  return given.length === 0 ? undefined : Object.fromEntries(given) as Travelling
}

/** What of its options the scheduler of the worker applies. */
export const stayingOf = (options: TaskOptions): TaskOptions => ({
  ...options,
  ...Object.fromEntries(ofBody.map((name) => [name, undefined])),
  ...(options.retry !== undefined && timesOf(options.retry) !== undefined && { retry: undefined })
})

/** The option that neither of the schedulers can apply, if any. */
export const untravelled = (
  { follow, locality }: TaskOptions
): { readonly option: string; readonly why: string } | undefined => {
  if (locality !== undefined) return { option: "locality", why: "a function does not travel" }
  return follow === undefined ? undefined : { option: "follow", why: "the workers of its tasks are not known there" }
}
