/**
 * The warning about an attempt that exceeds its grace.
 *
 * @internal
 */
import { timeOf } from "../../engine/Engine.ts"
import type { Engine } from "../../engine/protocol/Engine.ts"
import type { Overdue } from "../../engine/protocol/Instruction.ts"
import type { Reason } from "../../engine/protocol/Reason.ts"
import { columnsOf } from "../../engine/views/columns.ts"
import { keyOf, labelOf, outcomeOf, stoppingSince } from "../../engine/views/tasks.ts"
import { workersOf } from "../../engine/views/workers.ts"
import type { Obstacle } from "../bodies/attempt.ts"
import { inLine, quote } from "../text/text.ts"

/** The line for an attempt that is stopping now. */
export const overdueLine = (state: Engine, { task, worker }: Overdue, obstacle: Obstacle): string => {
  const label = labelOf(state, task)
  const since = stoppingSince(state, task)
  const name = label === undefined
    ? `Task ${quote(keyOf(state, task))}`
    : `Task ${quote(keyOf(state, task))} (${inLine(label)})`
  const attempt = `attempt ${columnsOf(state).starts[task]} on worker ${
    quote(workersOf(state).find(({ serial }) => serial === worker)!.name)
  }`
  return `${name} was asked to stop ${timeOf(state) - since} ms ago and goes on (${attempt}): ` +
    `${whyOf(outcomeOf(state, task)?.reason)}, and ${obstacles[obstacle].why}. ` +
    `It keeps its slot until it ends. ${obstacles[obstacle].remedy}, or give the task a longer grace.`
}

/** A task that was settled with a value has no outcome without success. */
const whyOf = (reason: Reason | undefined): string => {
  switch (reason?._tag) {
    case undefined:
      return "it was settled with a value"
    case "Cancelled":
      return `it was cancelled by ${inLine(reason.by)}, because ${inLine(reason.reason)}`
    case "TimedOut":
      return reason.of === "attempt"
        ? `its timeout of ${reason.millis} ms has passed`
        : `its deadline of ${reason.millis} ms has passed`
    case "Skipped":
      return "it was settled as skipped"
    default:
      return "it was settled with a failure"
  }
}

const obstacles: Readonly<Record<Obstacle, { readonly why: string; readonly remedy: string }>> = {
  shielded: {
    why: "a section of Worker.shielded has not ended",
    remedy: "Put a timeout on what the section waits for"
  },
  body: {
    why: "its body cannot be interrupted where it is",
    remedy: "Let the body be interrupted, or put a timeout on what it waits for"
  },
  ending: {
    why: "its finalizers or its children have not ended",
    remedy: "Look at what its finalizers wait for, and at its children"
  }
}
