/**
 * Exits as observers see them, from the engine's trail of a failure and the cause that the driver kept.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { StackFrame } from "effect/References"
import { graphOf } from "../../engine/protocol/Outcome.ts"
import type { Outcome, Trail, Where } from "../../engine/protocol/Outcome.ts"
import type { Reason } from "../../engine/protocol/Reason.ts"
import { listOf, Path } from "../../engine/structures/path.ts"
import {
  DependenciesGone,
  DependencyFailed,
  DependencyTimeout,
  ImpossibleDependency,
  NoSuitableWorker,
  SkeinError,
  Starved,
  TaskCancelled,
  TaskInfo,
  TaskSkipped,
  TaskTimeout,
  WorkerKilled
} from "../../SkeinError.ts"
import type { SkeinReason } from "../../SkeinError.ts"
import { endingOf, withoutInterrupts, withoutSignals } from "../bodies/signals.ts"
import { FailedPart } from "../passes/failedPart.ts"
import { failedIn, refusedIn, skippedIn } from "../passes/unfused.ts"
import { infoOf, pathBehind, Told, withPath } from "../text/fact.ts"
import { impossibleReason } from "../text/reasons.ts"
import { asError, TaskFrame } from "../text/rendering.ts"
import { isA } from "../values/looks.ts"

/** The root failure: its cause, and where it began. */
interface Origin {
  readonly raw: Cause.Cause<unknown>
  readonly path: Path
  readonly where: Where
  /** Whether a part of a fused task failed, and not the last task of the engine's trail. */
  readonly isPart: boolean
  /** The annotated cause, and the frame of the fiber for which it was made. */
  told: Cause.Cause<unknown> | undefined
  frame: StackFrame | undefined
  /** `told` as errors have it. */
  shown: Cause.Cause<unknown> | undefined
}

/** The path of a failure from the root to one task, as observers see it: without fusing. */
interface Way {
  readonly origin: Origin
  readonly path: Path
  /** The path to the task that ended; a task that stands for another ends as that one does. */
  readonly meant: Path
}

/** Known paths. Without these, each task of a chain would walk the whole path before it. */
const ways = new WeakMap<Trail, Way>()

type CauseOf = (failure: number) => Cause.Cause<unknown>

const wayOf = ({ reason, trail }: Outcome, causeOf: CauseOf): Way => {
  const steps: Array<Trail> = []
  let at = trail
  let way = ways.get(at)
  while (way === undefined && at.from !== undefined) {
    steps.push(at)
    at = at.from
    way = ways.get(at)
  }
  if (way === undefined) {
    way = firstWay(reason, at, causeOf)
    if (at !== trail) ways.set(at, way)
  }
  for (let i = steps.length - 1; i >= 0; i--) {
    way = nextWay(way, steps[i]!)
    if (i > 0) ways.set(steps[i]!, way)
  }
  return way
}

const firstWay = (reason: Reason, root: Trail, causeOf: CauseOf): Way => {
  const raw = ownCause(reason, root, causeOf)
  const { keys: [first, ...rest], where } = failedIn(root, raw)
  const graph = graphOf(root)
  const begin = new Path(pathOfJoined(raw), first, graph)
  const path = listOf(rest, begin, graph)!
  const origin = {
    raw,
    path: begin,
    where,
    isPart: rest.length > 0,
    told: undefined,
    frame: undefined,
    shown: undefined
  }
  return { origin, path, meant: path }
}

const nextWay = ({ meant, origin, path: before }: Way, trail: Trail): Way => {
  const graph = graphOf(trail)
  const path = new Path(listOf(refusedIn(trail, trail.from!), before, graph), trail.task, graph)
  return { origin, path, meant: trail.isAlias === true ? meant : path }
}

/** The annotated cause of the root failure. Reads in one fiber share it. */
const toldCause = (origin: Origin): Cause.Cause<unknown> => {
  const frame = Fiber.getCurrent()?.cache.stackFrame
  if (origin.told === undefined || origin.frame !== frame) {
    origin.told = annotated(origin.raw, origin.path, origin.where)
    origin.frame = frame
    origin.shown = undefined
  }
  return origin.told
}

/** The exit of a task that ended without success and is observed `where`. */
export const exitOf = (outcome: Outcome, causeOf: CauseOf, at: Where): Exit.Exit<never, unknown> => {
  const { meant, origin, path } = wayOf(outcome, causeOf)
  const { trail } = outcome
  const own = toldCause(origin)
  const label = meant === path ? at.label : undefined
  const cause = meant === origin.path ? own : dependentCause(own, () => origin.shown ??= asError(own), meant, label)
  return Exit.failCause(annotated(cause, path, trail.from === undefined ? whereOfFirst(origin, trail, at) : at))
}

/** Where a task failed by itself, possibly as a part of a fused task. */
const whereOfFirst = ({ isPart, where }: Origin, trail: Trail, at: Where): Where => {
  // Dependents of a failed part never started.
  if (isPart) return { ...at, attempt: 0, worker: undefined }
  return where === trail.where ? at : where
}

/** The cause of a root failure, for `mode: "continue"`. */
export const rootCause = (outcome: Outcome, causeOf: CauseOf): Cause.Cause<unknown> => {
  const { origin } = wayOf(outcome, causeOf)
  const error = Cause.findErrorOption(origin.raw)
  if (error._tag === "Some" && isA(error.value, DependencyFailed)) return error.value.cause
  return toldCause(origin)
}

/** The exit of a part that failed within a task; `undefined` if its signals ask for another run. */
export const exitWithin = (
  cause: Cause.Cause<unknown>,
  key: string,
  where: Where
): Exit.Exit<never, unknown> | undefined => {
  const uncut = withoutInterrupts(cause)
  const own = withoutSignals(uncut)
  const path = new Path(pathOfJoined(own), key, where.graph)
  if (own.reasons.length > 0) return Exit.failCause(annotated(own, path, where))
  if (uncut.reasons.length === 0) {
    const cancelled = new TaskCancelled({ key, by: key, why: "its body interrupted itself" })
    return Exit.failCause(annotated(byRuntime(cancelled), path, where))
  }
  return endingOf(uncut)._tag === "Skipped"
    ? Exit.failCause(annotated(Cause.fail(new TaskSkipped({ key, root: key })), path, where))
    : undefined
}

/** Where the failure began. */
export const rootOf = (trail: Trail): Trail => {
  let root = trail
  while (root.from !== undefined) root = root.from
  return root
}

const annotated = <E>(cause: Cause.Cause<E>, path: Path, where: Where): Cause.Cause<E> => {
  const info = new Told(path, where)
  const context = Context.make(TaskInfo, info)
  const error = Cause.findErrorOption(cause)
  // It has its origin already.
  const isTold = error._tag === "Some" && isA(error.value, DependencyFailed)
  const told = isTold ? context : Context.add(context, Cause.StackTrace, frameOf(cause, info, path))
  return Cause.annotate(cause, told, { overwrite: true })
}

/** The tasks on the path, above the frames of the cause or its observer. */
const frameOf = (cause: Cause.Cause<unknown>, info: TaskInfo["Service"], path: Path): TaskFrame => {
  const present = Context.getOrUndefined(
    Cause.annotations(cause) as Context.Context<Cause.StackTrace>,
    Cause.StackTrace
  )
  if (present instanceof TaskFrame) return new TaskFrame(present.place, path, present.beyond)
  return new TaskFrame(info, path, present ?? Fiber.getCurrent()?.cache.stackFrame)
}

/** The path of a failure before a body passed it on, from a task that the body joined. */
const pathOfJoined = (cause: Cause.Cause<unknown>): Path | undefined => {
  const error = Cause.findErrorOption(cause)
  if (error._tag === "Some" && isA(error.value, DependencyFailed)) return pathBehind(error.value)
  const info = infoOf(cause)
  return info && pathBehind(info)
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
      return byRuntime(
        new TaskCancelled({
          key: reason.task,
          by: reason.by,
          why: reason.reason,
          ...(reason.replacement !== undefined && { replacement: reason.replacement })
        })
      )
    case "Starved":
      return byRuntime(new Starved({ waits: reason.waits }))
    case "Killed":
      return byRuntime(new WorkerKilled({ key, deaths: reason.deaths, why: reason.reason }))
    case "DependenciesGone":
      return byRuntime(
        new DependenciesGone({ key, keys: reason.keys, reports: reason.reports, why: reason.reason })
      )
    case "NoWorker":
      return byRuntime(new NoSuitableWorker({ key, restriction: {}, millis: reason.millis }))
    case "NoSuitableWorker": {
      const error = new NoSuitableWorker({ key, restriction: reason.restriction, millis: reason.millis })
      const isRestricted = Object.keys(reason.restriction).some((name) => name !== "kind")
      return isRestricted ? Cause.fail(error) : byRuntime(error)
    }
    case "TimedOut":
      return Cause.fail(timeoutOf(reason, key))
    case "Skipped":
      return skipCause(first)
    case "Impossible":
      return Cause.fail(new ImpossibleDependency({ key, reason: impossibleReason(reason.why) }))
  }
}

const byRuntime = (reason: SkeinReason): Cause.Cause<unknown> => Cause.fail(new SkeinError({ reason }))

const skipCause = (first: Trail): Cause.Cause<unknown> => {
  const part = skippedIn(first)
  const key = part?.path[0]?.key ?? first.task
  const cause = Cause.fail(new TaskSkipped({ key, root: key }))
  return part === undefined ? cause : Cause.annotate(cause, Context.make(FailedPart, part))
}

const timeoutOf = ({ millis, of }: Reason & { _tag: "TimedOut" }, key: string): TaskTimeout | DependencyTimeout =>
  of === "dependencies" ? new DependencyTimeout({ key, millis }) : new TaskTimeout({ key, of, millis })

/** Failures by the runtime, defects and skips pass through unchanged; typed failures become `DependencyFailed`. */
const dependentCause = (
  own: Cause.Cause<unknown>,
  shown: () => Cause.Cause<unknown>,
  path: Path,
  label: string | undefined
): Cause.Cause<unknown> => {
  const found = Cause.findErrorOption(own)
  if (found._tag === "None" || isA(found.value, SkeinError)) return own
  const { key, root } = path
  // Also a skip that a body passed on from a task that it joined: the type is the same.
  if (isA(found.value, TaskSkipped)) return Cause.fail(new TaskSkipped({ key, root: found.value.root }))
  // A body passed the failure of a joined task on: the root failure counts.
  const { cause, error } = isA(found.value, DependencyFailed)
    ? found.value
    : { cause: shown(), error: found.value }
  return Cause.fail(new DependencyFailed(withPath({ key, label, root, error, cause }, path)))
}
