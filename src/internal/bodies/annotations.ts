/**
 * Options that a region of a program gives to all that is submitted in it. They ride on the context of fibers, so regions
 * nest, reach the bodies of the tasks that are submitted there, and never meet those of other fibers.
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
import { runAt } from "./livePlan.ts"

export const Annotations = Context.Reference<TaskOptions>("skein/internal/Annotations", {
  defaultValue: () => noOptions
})

/** What plans say for all of their tasks. Other options of a region are looked up where they count, as `retry` is. */
const ofPlans = ["label", "priority", "share", "graceMillis", "idempotent"] as const satisfies ReadonlyArray<
  keyof Defaults
>

/** What the annotations of a region give to the tasks that are submitted there from inside `parent`, or from no task. */
export const defaultsFrom = (annotations: TaskOptions, parent: Attempt | undefined): Defaults | undefined => {
  if (annotations === noOptions) return undefined
  const defaults: Defaults = Object.fromEntries(ofPlans.map((name) => [name, annotations[name]]))
  // Of one region, the parent's own priority is the inner one, and children have it.
  const isInherited = parent !== undefined && parent.task >= 0 && runAt(parent).annotations === annotations
  return isInherited ? defaultsOfChildren(defaults) : defaults
}

/** The same for the graph that a flatMap task returns. */
export const defaultsOfChildren = (defaults: Defaults): Defaults =>
  defaults.priority === undefined ? defaults : { ...defaults, priority: undefined }

/** What settings say, and the defaults of their plan where they say nothing. */
export const withDefaults = (settings: Settings | undefined, defaults: Defaults): Settings => ({
  ...settings,
  ...Object.fromEntries(ofPlans.map((name) => [name, settings?.[name] ?? defaults[name]]))
})

/** A namespace lies in the one around it. */
const nested = (outer: TaskOptions, inner: TaskOptions, annotations: Annotated): TaskOptions =>
  outer.namespace === undefined || annotations?.namespace === undefined
    ? inner
    : { ...inner, namespace: `${outer.namespace}/${inner.namespace}` }

/** The options of a region inside another one. To be tried again and never to be started again exclude each other. */
export const inside = (outer: TaskOptions, annotations: Annotated): TaskOptions => {
  const options = nested(outer, replaced(outer, annotations, checksOfRegions), annotations)
  if (!holdsValues(annotations)) return options
  const { idempotent, retry } = annotations
  const wrong = contradiction({ idempotent, retry })
  if (wrong !== undefined) return withInvalid(options, wrong)
  if (idempotent === false) return { ...options, retry: undefined }
  return retry === undefined || options.idempotent !== false ? options : { ...options, idempotent: undefined }
}
