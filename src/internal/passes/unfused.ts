/**
 * Failures as they would appear without fusing.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type { Trail, Where } from "../../engine/protocol/Outcome.ts"
import type { Place } from "../../engine/protocol/Registered.ts"
import type { LivePlan } from "../bodies/livePlan.ts"
import { FailedPart } from "./failedPart.ts"
import { FusedTask } from "./fused.ts"

/** The part that was skipped first, if several tasks ran as one. */
export const skippedIn = ({ place }: Trail): FailedPart["Service"] | undefined =>
  place === undefined ? undefined : fusedAt(place)?.skippedAt(place)

const fusedAt = (place: Place | undefined): FusedTask | undefined => {
  const node = place === undefined ? undefined : (place.submission.plan as Partial<LivePlan>).nodes?.[place.index]
  return node instanceof FusedTask ? node : undefined
}

const isSame = (a: Place, b: Place | undefined): boolean => a.submission === b?.submission && a.index === b.index

/** The root failure, as an observer sees it. */
interface Failed {
  /** The first task of a trail, or its failed part, with the later parts that this ended. */
  readonly keys: readonly [string, ...ReadonlyArray<string>]
  readonly where: Where
}

export const failedIn = (root: Trail, cause: Cause.Cause<unknown>): Failed => {
  const where = root.where!
  const annotations = root.place === undefined || fusedAt(root.place) === undefined
    ? undefined
    : Cause.annotations(cause) as Context.Context<FailedPart>
  const part = annotations && Context.getOrUndefined(annotations, FailedPart)
  if (part === undefined || !isSame(part, root.place)) return { keys: [root.task], where }
  const [failed, ...others] = part.path
  if (failed === undefined) return { keys: [root.task], where: { ...where, attempt: part.attempt } }
  return {
    keys: [failed.key, ...others.map(({ key }) => key), root.task],
    where: { ...where, attempt: part.attempt, label: failed.label }
  }
}

/** The keys of the parts that a failure from `origin` ended before it reached the task itself. */
export const refusedIn = ({ place }: Trail, { place: origin }: Trail): ReadonlyArray<string> => {
  const fused = fusedAt(place)
  if (fused === undefined || origin === undefined) return []
  const { index, submission } = place!
  const { origins, plan: { offsets, targets } } = submission
  // Of several paths the shortest: a later part.
  for (let edge = offsets[index + 1]! - 1; edge >= offsets[index]!; edge--) {
    const target = targets[edge]!
    const dependency = target >= 0 ? { submission, index: target } : origins?.get(edge)
    if (dependency !== undefined && isSame(dependency, origin)) {
      return fused.refusedBy(place!, edge - offsets[index]!).map(({ key }) => key)
    }
  }
  return []
}
