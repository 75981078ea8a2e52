/**
 * What observers of a task see: its exit, made of what the engine knows (who failed first, over which tasks) and of the
 * cause that the worker kept.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Exit from "effect/Exit"
import type { Outcome, Reason, Trail } from "../engine/State.ts"
import { DependencyFailed, DependencyTimeout, Starved, TaskCancelled, TaskInfo, TaskTimeout } from "../SkeinError.ts"

/** The keys from the task that failed first to the one observed. */
export const pathOf = (trail: Trail): ReadonlyArray<string> => {
  const path: Array<string> = []
  for (let at: Trail | undefined = trail; at !== undefined; at = at.from) path.push(at.task)
  return path.reverse()
}

/** Where and how often a task ran, for the annotation of its failure. */
export type Whereabouts = Pick<TaskInfo["Service"], "attempt" | "label" | "submitter" | "worker">

/** The exit of a task that ended without success. */
export const exitOf = (
  { reason, trail }: Outcome,
  causeOf: (failure: number) => Cause.Cause<unknown>,
  whereabouts: Whereabouts
): Exit.Exit<never, unknown> => {
  const path = pathOf(trail)
  const info = { key: trail.task, root: path[0]!, path, ...whereabouts }
  const cause = path.length === 1 ? ownCause(reason, path[0]!, causeOf) : dependentCause(reason, path, causeOf)
  return Exit.failCause(Cause.annotate(cause, Context.make(TaskInfo, info)))
}

const ownCause = (
  reason: Reason,
  key: string,
  causeOf: (failure: number) => Cause.Cause<unknown>
): Cause.Cause<unknown> => {
  switch (reason._tag) {
    case "Failed":
      return causeOf(reason.failure)
    case "Cancelled":
      return Cause.fail(new TaskCancelled({ key: reason.task, by: reason.by, reason: reason.reason }))
    case "Starved":
      return Cause.fail(new Starved({ waits: reason.waits }))
    case "TimedOut":
      return Cause.fail(timeoutOf(reason, key))
  }
}

const timeoutOf = ({ millis, of }: Reason & { _tag: "TimedOut" }, key: string): TaskTimeout | DependencyTimeout =>
  of === "dependencies" ? new DependencyTimeout({ key, millis }) : new TaskTimeout({ key, of, millis })

/** Runtime failures and defects pass through as they are; typed failures become `DependencyFailed`. */
const dependentCause = (
  reason: Reason,
  path: ReadonlyArray<string>,
  causeOf: (failure: number) => Cause.Cause<unknown>
): Cause.Cause<unknown> => {
  const cause = ownCause(reason, path[0]!, causeOf)
  const found = Cause.findErrorOption(cause)
  if (found._tag === "None" || isRuntimeFailure(found.value)) return cause
  const key = path[path.length - 1]!
  const error = found.value
  if (error instanceof DependencyFailed) {
    // A body that joined a failed task passed its failure on: name the task that failed first of all.
    const whole = [...error.path, ...path]
    return Cause.fail(new DependencyFailed({ key, root: error.root, error: error.error, path: whole, cause: error.cause }))
  }
  return Cause.fail(new DependencyFailed({ key, root: path[0]!, error, path, cause }))
}

/** Whether the runtime, and no body, made this error. */
const isRuntimeFailure = (error: unknown): boolean => error instanceof TaskCancelled || error instanceof Starved

/** The cause that names the failure which came first, for `errors: "continue"`. */
export const rootCause = (
  outcome: Outcome,
  causeOf: (failure: number) => Cause.Cause<unknown>
): Cause.Cause<unknown> => {
  let root = outcome.trail
  while (root.from !== undefined) root = root.from
  const cause = ownCause(outcome.reason, root.task, causeOf)
  const error = Cause.findErrorOption(cause)
  if (error._tag === "Some" && error.value instanceof DependencyFailed) return error.value.cause
  return cause
}
