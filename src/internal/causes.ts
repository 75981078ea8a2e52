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
import {
  DependencyFailed,
  DependencyTimeout,
  Released,
  Starved,
  TaskCancelled,
  TaskInfo,
  TaskTimeout
} from "../SkeinError.ts"

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
  const own = ownCause(reason, pathOf(trail)[0]!, causeOf)
  const path = [...pathWithin(own), ...pathOf(trail)]
  const info = { key: trail.task, root: path[0]!, path, ...whereabouts }
  const cause = trail.from === undefined ? own : dependentCause(own, path)
  return Exit.failCause(Cause.annotate(cause, Context.make(TaskInfo, info), { overwrite: true }))
}

/** The way a failure had come before the body of its task passed it on: from a child that it joined. */
const pathWithin = (cause: Cause.Cause<unknown>): ReadonlyArray<string> =>
  Context.getOrUndefined(Cause.annotations(cause) as Context.Context<TaskInfo>, TaskInfo)?.path ?? []

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
const dependentCause = (own: Cause.Cause<unknown>, path: ReadonlyArray<string>): Cause.Cause<unknown> => {
  const found = Cause.findErrorOption(own)
  if (found._tag === "None" || isRuntimeFailure(found.value)) return own
  // A body that joined a failed task passed its failure on: what counts is the failure that came first.
  const { cause, error } = found.value instanceof DependencyFailed ? found.value : { cause: own, error: found.value }
  return Cause.fail(new DependencyFailed({ key: path[path.length - 1]!, root: path[0]!, error, path, cause }))
}

/** Whether it is a `RuntimeFailure`, of the task itself or of one that it joined. */
const isRuntimeFailure = (error: unknown): boolean =>
  error instanceof TaskCancelled || error instanceof Starved || error instanceof Released

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
