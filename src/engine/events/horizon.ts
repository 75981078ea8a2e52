/**
 * How far back the lineage of results is remembered. Otherwise a chain of submissions, each using a result of the one before,
 * would keep all of them while its end is held.
 *
 * @since 0.1.0
 */
import type { Plan, Settings } from "../protocol/Plan.ts"
import { isBeyond } from "../protocol/Registered.ts"
import type { State } from "../state/State.ts"
import type { Submission } from "../state/Submission.ts"

/**
 * Forgets submissions further back than `limits.lineage`, if their tasks have no rows. Costs a walk over these, once for each
 * `limits.lineage` submissions.
 */
export const look = (state: State, newest: Submission): void => {
  const { lineage } = state.limits
  if (newest.reach <= lineage) return
  newest.reach = 0
  const seen = new Set([newest])
  let ring = [newest]
  // Beyond the horizon the walk goes on through submissions with rows, up to a bound, because all may have rows.
  for (let distance = 1; distance <= 2 * lineage && ring.length > 0; distance++) {
    const next: Array<Submission> = []
    for (const { origins } of ring) {
      for (const { submission } of origins?.values() ?? []) {
        // What was forgotten stays so, however near it is to the newest.
        if (seen.has(submission) || isBeyond(submission)) continue
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

/** The engine's part of a plan, without the fields of its driver. */
const bare = ({ defaults, names, offsets, portable, positions, settings, size, targets }: Plan): Plan => ({
  size,
  offsets,
  targets,
  positions,
  // Its tasks are no longer joined, and an identity may be an object of the driver.
  settings: new Map(Array.from(settings, ([index, each]) => [index, plain(each)])),
  defaults,
  portable,
  names
})

const plain = (settings: Settings): Settings => ({ ...settings, identity: undefined, work: undefined })
