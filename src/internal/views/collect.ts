/**
 * Results of computations: values or exits in the requested shape, or the failure that the mode makes of ends without
 * success.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Bulk } from "../../engine/views/owners.ts"
import { SkeinError, TaskCancelled } from "../../SkeinError.ts"
import type { Home } from "../bodies/home.ts"
import type { Mode } from "../tasks/checks.ts"
import { fill } from "../tasks/inputs.ts"
import type { Scan } from "../tasks/inputs.ts"
import type { FutureImpl } from "../tasks/task.ts"
import { isUnread } from "../workers/sealed.ts"
import { firstFailedOf, rootsOfFutures } from "./view.ts"

/** The ends of the targets, by index. */
interface Ends {
  readonly exitOf: (place: number) => Exit.Exit<unknown, unknown>
  readonly firstFailed: () => Exit.Exit<never, unknown> | undefined
  /** Every root failure, or `undefined` if nothing failed. */
  readonly roots: () => Cause.Cause<unknown> | undefined
}

const collect = (scan: Scan, mode: Mode, ends: Ends): Exit.Exit<unknown, unknown> => {
  let place = 0
  if (mode === "collect") return Exit.succeed(fill(scan, () => ends.exitOf(place++), Exit.succeed))
  if (mode === "failFast") {
    const failed = ends.firstFailed()
    if (failed !== undefined) return failed
  } else {
    const cause = ends.roots()
    if (cause !== undefined) return Exit.failCause(cause)
  }
  const reading = new Reading()
  const values = fill(scan, () => reading.valueOf(ends.exitOf(place++)))
  return reading.fault ?? Exit.succeed(values)
}

/** Values of ends, as far as they can be read. */
class Reading {
  /** The first result that could not be read. */
  fault: Exit.Exit<never, unknown> | undefined

  valueOf(exit: Exit.Exit<unknown, unknown>): unknown {
    if (Exit.isSuccess(exit)) return exit.value
    if (isUnread(exit)) this.fault ??= exit
    return undefined
  }
}

/** The result of a compute of `targets`; there are none if the scheduler has closed meanwhile. */
export const ofTargets = (
  view: Home["view"],
  scan: Scan,
  mode: Mode,
  targets: ReadonlyArray<TaskId> | undefined,
  owner: Bulk
): Exit.Exit<unknown, unknown> => {
  if (targets === undefined) return collect(scan, mode, cancelled)
  // As most are: without exits on the way.
  const values = mode === "failFast" && scan.shape === "array" ? view.valuesOf(targets) : undefined
  return values === undefined ? collect(scan, mode, endsOf(view, targets, owner)) : Exit.succeed(values)
}

const endsOf = (view: Home["view"], targets: ReadonlyArray<TaskId>, owner: Bulk): Ends => ({
  exitOf: (place) => view.exitOf(targets[place]!),
  firstFailed: () => view.firstFailed(targets),
  roots: () => view.rootsOf(targets, owner)
})

/** The inputs of a body: values, and exits where it accepts failures. */
export const ofInputs = (
  view: Home["view"],
  isExit: (place: number) => boolean,
  targets: ReadonlyArray<TaskId> | undefined
): Exit.Exit<ReadonlyArray<unknown>, unknown> => {
  if (targets === undefined) return Exit.failCause(closing)
  const failed = view.firstFailed(targets.filter((_, place) => !isExit(place)))
  if (failed !== undefined) return failed
  const reading = new Reading()
  const values = targets.map((task, place) => isExit(place) ? view.exitOf(task) : reading.valueOf(view.exitOf(task)))
  return reading.fault ?? Exit.succeed(values)
}

const closing = Cause.fail(
  new SkeinError({ reason: new TaskCancelled({ key: "compute", by: "scheduler", why: "the scheduler closed" }) })
)

const cancelled: Ends = {
  exitOf: () => Exit.failCause(closing),
  firstFailed: () => Exit.failCause(closing),
  roots: () => closing
}

/** The result of a wait for `futures`. */
export const ofFutures = (
  scan: Scan,
  mode: Mode,
  futures: ReadonlyArray<FutureImpl>
): Exit.Exit<unknown, unknown> => {
  const exitOf = (future: FutureImpl) => future.home.view.exitOfClaim(future)
  const settled = futures.filter((future) => future.home.view.hasEnded(future.claim))
  return collect(scan, mode, {
    exitOf: (place) => exitOf(futures[place]!),
    firstFailed: () => firstFailedOf(settled),
    roots: () => rootsOfFutures(settled)
  })
}
