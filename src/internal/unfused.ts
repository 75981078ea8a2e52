/**
 * Failures as they would be seen if no tasks ran as one.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type { Trail, Where } from "../engine/Outcome.ts"
import type { Place } from "../engine/Submission.ts"
import { FailedPart } from "./failedPart.ts"
import { FusedTask } from "./fused.ts"
import type { LivePlan } from "./livePlan.ts"

/** What is observed of a failure: over which tasks it came, and where it is observed. */
interface Observed {
  readonly trail: Trail
  readonly where: Where
}

/** The same with every task on the way that runs in another one. */
export const unfused = (cause: Cause.Cause<unknown>, observed: Observed): Observed => {
  const way: Array<Trail> = []
  for (let at: Trail | undefined = observed.trail; at !== undefined; at = at.from) way.push(at)
  way.reverse()
  if (!way.some(({ place }) => fusedAt(place) !== undefined)) return observed
  const [first, ...rest] = way
  const failed = failedIn(first!, cause)
  const trail = linked([...failed, ...rest.flatMap((at, i) => [...refusedIn(at, way[i]!), at])])
  if (rest.length > 0) return { trail, where: observed.where }
  // What depends on a part that failed never started.
  return { trail, where: failed.length > 1 ? { ...observed.where, attempt: 0, worker: undefined } : failed[0]!.where! }
}

/** The part with which a task that was skipped began to be so, if several ran as one. */
export const skippedIn = ({ place }: Trail): FailedPart["Service"] | undefined =>
  place === undefined ? undefined : fusedAt(place)?.skippedAt(place)

const fusedAt = (place: Place | undefined): FusedTask | undefined => {
  const node = place === undefined ? undefined : (place.submission.plan as Partial<LivePlan>).nodes?.[place.index]
  return node instanceof FusedTask ? node : undefined
}

const isSame = (a: Place, b: Place | undefined): boolean => a.submission === b?.submission && a.index === b.index

/** The first task of a trail, or the part of it that failed, and all that this ended in it. */
const failedIn = (root: Trail, cause: Cause.Cause<unknown>): ReadonlyArray<Trail> => {
  const part = Context.getOrUndefined(Cause.annotations(cause) as Context.Context<FailedPart>, FailedPart)
  if (part === undefined || !isSame(part, root.place)) return [root]
  const [failed, ...others] = part.path
  const where = { ...root.where!, attempt: part.attempt }
  if (failed === undefined) return [{ ...root, where }]
  const ended = [...others.map(({ key }) => key), root.task].map(named)
  return [{ ...root, task: failed.key, where: { ...where, label: failed.label } }, ...ended]
}

/** The parts that a failure ended before it came to the task itself. */
const refusedIn = ({ place }: Trail, { place: origin }: Trail): ReadonlyArray<Trail> => {
  const fused = fusedAt(place)
  if (fused === undefined || origin === undefined) return []
  const { index, submission } = place!
  const { origins, plan: { offsets, targets } } = submission
  // Of several ways the shortest: a part that comes later.
  for (let edge = offsets[index + 1]! - 1; edge >= offsets[index]!; edge--) {
    const target = targets[edge]!
    const dependency = target >= 0 ? { submission, index: target } : origins?.get(edge)
    if (dependency !== undefined && isSame(dependency, origin)) {
      return fused.refusedBy(place!, edge - offsets[index]!).map(({ key }) => named(key))
    }
  }
  return []
}

const named = (task: string): Trail => ({ task, from: undefined })

const linked = (way: ReadonlyArray<Trail>): Trail =>
  way.slice(1).reduce((from: Trail, at) => ({ ...at, from }), { ...way[0]!, from: undefined })
