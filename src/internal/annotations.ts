/**
 * Options that a region of a program gives to all that is submitted in it. They ride on the context of fibers, so regions
 * nest, reach the bodies of the tasks that are submitted there, and never meet those of other fibers.
 *
 * @internal
 */
import * as Context from "effect/Context"
import type { Defaults } from "../engine/Plan.ts"
import type { Attempt } from "./attempt.ts"
import { runAt } from "./livePlan.ts"
import { noOptions } from "./task.ts"
import type { TaskOptions } from "./task.ts"

export const Annotations = Context.Reference<TaskOptions>("skein/internal/Annotations", {
  defaultValue: () => noOptions
})

/** What the annotations of a region give to the tasks that are submitted there from inside `parent`, or from no task. */
export const defaultsFrom = (annotations: TaskOptions, parent: Attempt | undefined): Defaults | undefined => {
  if (annotations === noOptions) return undefined
  const { label, priority, share } = annotations
  // Of one region, the parent's own priority is the inner one, and children have it.
  const isInherited = parent !== undefined && parent.task >= 0 && runAt(parent).annotations === annotations
  return isInherited ? { label, share } : { label, priority, share }
}

/** The same for the graph that a flatMap task returns. */
export const defaultsOfChildren = (defaults: Defaults | undefined): Defaults | undefined =>
  defaults?.priority === undefined ? defaults : { label: defaults.label, share: defaults.share }
