/**
 * What observers of a task see: its exit, made of what the engine knows (who failed first, over which tasks) and of the
 * cause that the worker kept.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { meantBy, pathOf } from "../engine/Outcome.ts"
import type { Outcome, Reason, Trail, Where } from "../engine/Outcome.ts"
import {
  DependenciesGone,
  DependencyFailed,
  DependencyTimeout,
  ImpossibleDependency,
  NoSuitableWorker,
  Starved,
  TaskCancelled,
  TaskInfo,
  TaskSkipped,
  TaskTimeout,
  WorkerKilled
} from "../SkeinError.ts"
import { infoOf } from "./fact.ts"
import { FailedPart } from "./failedPart.ts"
import { TaskFrame } from "./rendering.ts"
import { isRuntimeFailure } from "./runtimeFailure.ts"
import { skippedIn, unfused } from "./unfused.ts"

/** The exit of a task that ended without success and is observed `where`. */
export const exitOf = (
  { reason, trail: given }: Outcome,
  causeOf: (failure: number) => Cause.Cause<unknown>,
  at: Where
): Exit.Exit<never, unknown> => {
  const raw = ownCause(reason, rootOf(given), causeOf)
  const { trail, where } = unfused(raw, { trail: given, where: at })
  const root = rootOf(trail)
  const joined = pathOfJoined(raw)
  const own = annotated(raw, [...joined, root.task], root.where!)
  const meant = meantBy(trail)
  const cause = meant.from === undefined
    ? own
    : dependentCause(own, [...joined, ...pathOf(meant)], meant === trail ? where.label : undefined)
  return Exit.failCause(annotated(cause, [...joined, ...pathOf(trail)], where))
}

/** The cause of the failure that came first, for `errors: "continue"`. */
export const rootCause = (
  { reason, trail }: Outcome,
  causeOf: (failure: number) => Cause.Cause<unknown>
): Cause.Cause<unknown> => {
  const given = rootOf(trail)
  const cause = ownCause(reason, given, causeOf)
  const root = rootOf(unfused(cause, { trail: given, where: given.where! }).trail)
  const error = Cause.findErrorOption(cause)
  if (error._tag === "Some" && error.value instanceof DependencyFailed) return error.value.cause
  return annotated(cause, [...pathOfJoined(cause), root.task], root.where!)
}

/** Where the failure began. */
export const rootOf = (trail: Trail): Trail => {
  let root = trail
  while (root.from !== undefined) root = root.from
  return root
}

const annotated = <E>(cause: Cause.Cause<E>, path: ReadonlyArray<string>, where: Where): Cause.Cause<E> => {
  const info = { key: path[path.length - 1]!, root: path[0]!, path, ...where }
  const context = Context.make(TaskInfo, info)
  const error = Cause.findErrorOption(cause)
  // It says itself where it comes from.
  const isTold = error._tag === "Some" && error.value instanceof DependencyFailed
  const told = isTold ? context : Context.add(context, Cause.StackTrace, frameOf(cause, info))
  return Cause.annotate(cause, told, { overwrite: true })
}

/** The tasks on the way, above the frames that the cause or its observer has. */
const frameOf = (cause: Cause.Cause<unknown>, info: TaskInfo["Service"]): TaskFrame => {
  const present = Context.getOrUndefined(
    Cause.annotations(cause) as Context.Context<Cause.StackTrace>,
    Cause.StackTrace
  )
  if (present instanceof TaskFrame) return new TaskFrame(present.place, info.path, present.beyond)
  return new TaskFrame(info, info.path, present ?? Fiber.getCurrent()?.cache.stackFrame)
}

/** The way that a failure had come before the body of a task passed it on: from a task that it joined. */
const pathOfJoined = (cause: Cause.Cause<unknown>): ReadonlyArray<string> => {
  const error = Cause.findErrorOption(cause)
  if (error._tag === "Some" && error.value instanceof DependencyFailed) return error.value.path
  return infoOf(cause)?.path ?? []
}

const ownCause = (
  reason: Reason,
  first: Trail,
  causeOf: (failure: number) => Cause.Cause<unknown>
): Cause.Cause<unknown> => {
  const key = first.task
  switch (reason._tag) {
    case "Failed":
      return causeOf(reason.failure)
    case "Cancelled":
      return Cause.fail(new TaskCancelled({ key: reason.task, by: reason.by, reason: reason.reason }))
    case "Starved":
      return Cause.fail(new Starved({ waits: reason.waits }))
    case "Killed":
      return Cause.fail(new WorkerKilled({ key, deaths: reason.deaths, reason: reason.reason }))
    case "DependenciesGone":
      return Cause.fail(
        new DependenciesGone({ key, keys: reason.keys, reports: reason.reports, reason: reason.reason })
      )
    case "NoWorker":
      return Cause.fail(new NoSuitableWorker({ key, restriction: {}, millis: reason.millis }))
    case "NoSuitableWorker":
      return Cause.fail(new NoSuitableWorker({ key, restriction: reason.restriction, millis: reason.millis }))
    case "TimedOut":
      return Cause.fail(timeoutOf(reason, key))
    case "Skipped":
      return skipCause(first)
    case "Impossible":
      return Cause.fail(new ImpossibleDependency({ key, reason: reason.why }))
  }
}

const skipCause = (first: Trail): Cause.Cause<unknown> => {
  const part = skippedIn(first)
  const key = part?.path[0]?.key ?? first.task
  const cause = Cause.fail(new TaskSkipped({ key, root: key }))
  return part === undefined ? cause : Cause.annotate(cause, Context.make(FailedPart, part))
}

const timeoutOf = ({ millis, of }: Reason & { _tag: "TimedOut" }, key: string): TaskTimeout | DependencyTimeout =>
  of === "dependencies" ? new DependencyTimeout({ key, millis }) : new TaskTimeout({ key, of, millis })

/** Runtime failures and defects pass through as they are, and a skip goes on; typed failures become `DependencyFailed`. */
const dependentCause = (
  own: Cause.Cause<unknown>,
  path: ReadonlyArray<string>,
  label: string | undefined
): Cause.Cause<unknown> => {
  const found = Cause.findErrorOption(own)
  if (found._tag === "None" || isRuntimeFailure(found.value)) return own
  const key = path[path.length - 1]!
  // Also one that a body passed on which had joined a skipped task: in types it looks the same.
  if (found.value instanceof TaskSkipped) return Cause.fail(new TaskSkipped({ key, root: found.value.root }))
  // A body that joined a failed task passed its failure on: what counts is the failure that came first.
  const { cause, error } = found.value instanceof DependencyFailed ? found.value : { cause: own, error: found.value }
  return Cause.fail(new DependencyFailed({ key, label, root: path[0]!, error, path, cause }))
}

/** What is left of a cause without interruptions. */
export const withoutInterrupts = ({ reasons }: Cause.Cause<unknown>): Cause.Cause<unknown> =>
  Cause.fromReasons(reasons.filter((reason) => !Cause.isInterruptReason(reason)))
