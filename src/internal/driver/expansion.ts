/**
 * Graphs that flatMap tasks return: each is compiled and submitted in place of the attempt that returned it.
 *
 * @internal
 */
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Registered } from "../../engine/protocol/Registered.ts"
import { SubmitError } from "../../SkeinError.ts"
import { defaultsOfChildren } from "../bodies/annotations.ts"
import { ambientOf } from "../bodies/livePlan.ts"
import type { Ambient, LivePlan } from "../bodies/livePlan.ts"
import { compile } from "../plans/compile.ts"
import type { Live } from "../plans/compile.ts"
import type { Time } from "../platform/time.ts"
import { isRefused } from "../tasks/mistake.ts"
import type { Refused } from "../tasks/mistake.ts"
import { isTask, noHandles, noOptions, TaskImpl } from "../tasks/task.ts"
import { briefResult } from "../text/brief.ts"
import { InvalidDependency } from "../text/reasons.ts"
import { foreignText, keepOneCopy } from "../values/strangers.ts"
import type { Attempts } from "./attempts.ts"
import type { Mailbox } from "./mailbox.ts"
import { nothing } from "./outbox.ts"
import { refused } from "./submissions.ts"

export class Expansion {
  private readonly mailbox: Mailbox
  private readonly live: Live
  private readonly attempts: Attempts
  private readonly time: Time

  constructor(mailbox: Mailbox, live: Live, attempts: Attempts, time: Time) {
    this.mailbox = mailbox
    this.live = live
    this.attempts = attempts
    this.time = time
  }

  /** A flatMap body has returned a task: submits it in place of the attempt, or says why not. */
  expand(task: TaskId, attempt: number, returned: unknown): Refused | undefined {
    const { index, submission } = this.attempts.placeOf(task)
    const outer = submission.plan as LivePlan
    const inner = innerOf(ambientOf(outer, index))
    const compiled = isTask(returned)
      ? compile([returned], this.live, inner)
      : notATask(this.attempts.keyOf(task), returned)
    if (isRefused(compiled)) return compiled
    const { plan, targets } = compiled
    const now = this.time.now()
    const answer = this.mailbox.ask({ _tag: "TaskExpanded", now, task, attempt, plan, target: targets[0]! })
    if (answer._tag === "Rejected") return refused(answer)
    // The attempt may be over by now, and its row free.
    if (answer === nothing) return undefined
    if (outer.isUnfolded) spend(submission, index)
    plan.isUnfolded = true
    return undefined
  }
}

/** The ambient of a graph that a flatMap task returned. */
const innerOf = (ambient: Ambient): Ambient => {
  const { annotations: { namespace }, cache, conflict, defaults } = ambient
  if (defaults === undefined && cache === undefined && conflict === undefined) return ambient
  return {
    ...ambient,
    conflict: undefined,
    defaults: defaults && defaultsOfChildren(defaults),
    cache: cache && namespace === undefined ? { ...cache, forCallsAlone: true } : cache
  }
}

/**
 * Drops the functions and inputs of a finished plan: a flatMap task returned it, and its only remaining task stands for another.
 * That task has no future, and the task that it stands in for runs itself again if necessary. Otherwise a loop would hold the
 * functions and inputs of all its rounds. A task with a key may be joined, or run again for others.
 */
const spend = ({ ids, plan }: Registered, index: number): void => {
  if (plan.settings.size > 0 || ids.some((id, other) => id >= 0 && other !== index)) return
  const { functions, nodes } = plan as unknown as { functions: Array<unknown>; nodes: Array<TaskImpl> }
  for (let i = 0; i < nodes.length; i++) {
    functions[i] = undefined
    nodes[i] = spentTask
  }
}

const spentTask = new TaskImpl({ _tag: "value", value: undefined }, undefined, "none", noHandles, noOptions, undefined)

const notATask = (key: string, returned: unknown): SubmitError => {
  const foreign = foreignText(returned)
  const dependency = `what its function returned, ${foreign ?? briefResult(returned)}`
  const why = foreign === undefined ? "it is no task" : keepOneCopy
  return new SubmitError({ reason: new InvalidDependency({ key, dependency, why }) })
}
