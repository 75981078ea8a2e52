/**
 * Options of a region for all tasks that are submitted in it. They are in the context of fibers, so regions nest, apply to bodies
 * of tasks that are submitted there, and never mix with those of other fibers.
 *
 * @internal
 */
import * as Context from "effect/Context"
import type { Defaults, Settings } from "../../engine/protocol/Plan.ts"
import { holdsValues } from "../tasks/checks.ts"
import { checksOfRegions, contradiction, replaced, withInvalid } from "../tasks/options.ts"
import { noOptions } from "../tasks/task.ts"
import type { TaskOptions } from "../tasks/task.ts"
import type { Annotations as Annotated } from "../tasks/taskOptions.ts"
import type { Attempt } from "./attempt.ts"
import { ambientAt } from "./livePlan.ts"

export const Annotations = Context.Reference<TaskOptions>("skein/internal/Annotations", {
  defaultValue: () => noOptions
})

/** The region's options that plans hold for all their tasks. Other options, such as `retry`, are looked up where they apply. */
const ofPlans = ["label", "priority", "share", "graceMillis", "idempotent"] as const satisfies ReadonlyArray<
  keyof Defaults
>

/** The defaults of a region for tasks that are submitted there from inside `parent`, or from no task. */
export const defaultsFrom = (annotations: TaskOptions, parent: Attempt | undefined): Defaults | undefined => {
  if (annotations === noOptions) return undefined
  const defaults: Defaults = Object.fromEntries(ofPlans.map((name) => [name, annotations[name]]))
  // In one region, the parent's own priority counts as the inner one, so children have it.
  const isInherited = parent !== undefined && parent.task >= 0 && ambientAt(parent).annotations === annotations
  return isInherited ? defaultsOfChildren(defaults) : defaults
}

/** The same for the graph that a flatMap task returns. */
export const defaultsOfChildren = (defaults: Defaults): Defaults =>
  defaults.priority === undefined ? defaults : { ...defaults, priority: undefined }

/** Settings, completed by the defaults of their plan. */
export const withDefaults = (settings: Settings | undefined, defaults: Defaults): Settings => ({
  ...settings,
  ...Object.fromEntries(ofPlans.map((name) => [name, settings?.[name] ?? defaults[name]]))
})

/** The name of a namespace inside another. */
const nested = (outer: TaskOptions, inner: TaskOptions, annotations: Annotated): TaskOptions =>
  outer.namespace === undefined || annotations?.namespace === undefined
    ? inner
    : { ...inner, namespace: `${outer.namespace}/${inner.namespace}` }

/** The options of a region inside another. `retry` and `idempotent: false` exclude each other. */
export const inside = (outer: TaskOptions, annotations: Annotated): TaskOptions => {
  const options = nested(outer, replaced(outer, annotations, checksOfRegions), annotations)
  if (!holdsValues(annotations)) return options
  const { idempotent, retry } = annotations
  const wrong = contradiction({ idempotent, retry })
  if (wrong !== undefined) return withInvalid(options, wrong)
  if (idempotent === false) return { ...options, retry: undefined }
  return retry === undefined || options.idempotent !== false ? options : { ...options, idempotent: undefined }
}
