/**
 * What of the options of a region reaches bodies elsewhere, and goes with what they submit.
 *
 * @internal
 */
import type * as Context from "effect/Context"
import { annotationsIn } from "../bodies/annotations.ts"
import { said } from "../tasks/checks.ts"
import { timesOf } from "../tasks/options.ts"
import { noOptions } from "../tasks/task.ts"
import type { TaskOptions } from "../tasks/task.ts"
import type { Annotations } from "../tasks/taskOptions.ts"

/** The options of a region as plain data. */
export interface RegionData
  extends Pick<TaskOptions, "graceMillis" | "idempotent" | "label" | "namespace" | "priority" | "share">
{
  /** How many attempts may follow the first one; "stays" for a schedule, which does not travel. */
  readonly retry?: number | "stays" | undefined
}

/** The options of the region of a context; `undefined` if there are none. */
export const regionIn = (context: Context.Context<never>): RegionData | undefined => {
  const options = annotationsIn(context)
  if (options === noOptions) return undefined
  const { graceMillis, idempotent, label, namespace, priority, retry, share } = options
  const times = retry && (timesOf(retry) ?? "stays")
  return said({ graceMillis, idempotent, label, namespace, priority, share, retry: times })
}

/** The same as options of a region that is inside another. */
export const annotationsFrom = (
  { graceMillis: grace, retry, ...same }: RegionData,
  outer: Annotations = {}
): Annotations => said({ ...same, grace, retry: retry === undefined ? outer.retry : timesIn(retry) })

const timesIn = (retry: number | "stays"): Annotations["retry"] => retry === "stays" ? undefined : { times: retry }
