/**
 * How far back it is remembered what results were made of. A chain of submissions, each on a result of the one before, would
 * otherwise keep all of them for as long as its end is held.
 *
 * @since 0.1.0
 */
import type { Plan, Settings } from "../protocol/Plan.ts"
import type { State } from "../state/State.ts"
import type { Submission } from "../state/Submission.ts"

/** Whether its tasks are forgotten for good: none of them is made anew. */
export const isBeyond = ({ reach }: Pick<Submission, "reach">): boolean => reach < 0

/**
 * Forgets what lies further back from a submission than `limits.lineage` others, if its tasks have no rows any more. Costs a
 * walk over those, once for each so many submissions.
 */
export const look = (state: State, newest: Submission): void => {
  const { lineage } = state.limits
  if (newest.reach <= lineage) return
  newest.reach = 0
  const seen = new Set([newest])
  let ring = [newest]
  // Beyond the horizon it goes on through those that have rows, but not for ever: they may be all that there are.
  for (let distance = 1; distance <= 2 * lineage && ring.length > 0; distance++) {
    const next: Array<Submission> = []
    for (const { origins } of ring) {
      for (const { submission } of origins?.values() ?? []) {
        if (seen.has(submission)) continue
        seen.add(submission)
        if (distance > lineage && submission.ids.every((task) => task < 0)) forget(submission)
        else {
          submission.reach = 0
          next.push(submission)
        }
      }
    }
    ring = next
  }
}

const forget = (submission: Submission): void => {
  submission.plan = bare(submission.plan)
  submission.origins = undefined
  submission.reach = -1
}

/** What the engine knows of a plan, without whatever its driver keeps there. */
const bare = ({ defaults, offsets, positions, settings, size, targets }: Plan): Plan => ({
  size,
  offsets,
  targets,
  positions,
  // Nothing joins its tasks any more, and an identity may be an object of the driver's.
  settings: new Map(Array.from(settings, ([index, each]) => [index, plain(each)])),
  defaults
})

const plain = (settings: Settings): Settings => ({ ...settings, identity: undefined, work: undefined })
