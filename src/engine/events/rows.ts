/**
 * The rows of a submission.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import { Flag, Phase } from "../protocol/Phase.ts"
import type { Plan } from "../protocol/Plan.ts"
import type { State } from "../state/State.ts"
import type { Submission } from "../state/Submission.ts"
import { note } from "../state/transitions.ts"
import { Use } from "../state/Use.ts"
import { isUsed } from "../state/uses.ts"
import { reversedOf } from "../structures/edges.ts"
import type { Edges } from "../structures/edges.ts"

const noEdges = new Int32Array(0)
const noReversed: Edges = { offsets: new Int32Array(2), targets: noEdges }

/** The dependencies of a plan in reverse; live tasks of other submissions are left to `later`. */
export const reversedIn = (plan: Plan): Edges => plan.reversed ?? (plan.size === 1 ? noReversed : reversedOf(plan))

/** Initializes the rows of a submission, or of its tasks from `from` up to `to`. */
export const fillRows = (
  state: State,
  submission: Submission,
  first: Phase,
  from = 0,
  to = submission.plan.size
): void => {
  const { attempt, flags, index, phase, refs, starts, submission: submissions, waiting, worker } = state.tasks
  const { dependentOffsets, ids, plan } = submission
  const common = commonFlags(submission)
  for (let i = from; i < to; i++) {
    const task = ids[i]!
    phase[task] = first
    flags[task] = common
    waiting[task] = plan.offsets[i + 1]! - plan.offsets[i]!
    refs[task] = dependentOffsets[i + 1]! - dependentOffsets[i]!
    attempt[task] = 0
    starts[task] = 0
    worker[task] = -1
    index[task] = i
    submissions[task] = submission
    state.tasks.startedAt[task] = 0
    state.tasks.endedAt[task] = 0
  }
  if (first !== Phase.free) noteRows(state, submission, from, to)
}

/** Flags that all tasks of a submission have. */
export const commonFlags = ({ share }: Submission): number => share === undefined ? 0 : Flag.hasSettings

/** Notes that tasks are there. */
export const noteRows = (
  state: State,
  { ids }: { readonly ids: ArrayLike<TaskId> },
  from: number,
  to: number
): void => {
  if (!isUsed(state, Use.log)) return
  for (let i = from; i < to; i++) note(state, ids[i]!, undefined, "waiting")
}
