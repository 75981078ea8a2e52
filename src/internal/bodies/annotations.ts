/**
 * Options of a region for all tasks that are submitted in it. They are in the context of fibers, so regions nest, apply to bodies
 * of tasks that are submitted there, and never mix with those of other fibers.
 *
 * @internal
 */
import * as Context from "effect/Context"
import type { Defaults, Settings } from "../../engine/protocol/Plan.ts"
import { holdsValues, isName, said } from "../tasks/checks.ts"
import { checksOfRegions, contradiction, normalize, withInvalid } from "../tasks/options.ts"
import { isTask, noOptions } from "../tasks/task.ts"
import type { TaskOptions } from "../tasks/task.ts"
import type { Annotations as Annotated } from "../tasks/taskOptions.ts"
import type { Attempt } from "./attempt.ts"
import { ambientAt } from "./livePlan.ts"

/**
 * The options of the present region. {@link annotate} adds to them.
 *
 * **When to use**
 *
 * To give options to all that a layer or a fiber submits, or to read which options a region has.
 *
 * **Details**
 *
 * A layer, or `Effect.provideService`, sets them in place of those outside. {@link annotate} inside adds its own, option by
 * option. Wrong options are refused when a task is submitted. The options are read once: later changes of the record have no
 * effect.
 *
 * **Example** (A program whose tasks have a label)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer } from "effect"
 * import { Client, Skein, Task, Worker } from "skein"
 *
 * const Reports = Layer.succeed(Client.CurrentAnnotations, { label: "reports", priority: -1 })
 * const program = Client.compute(Task.make(Worker.current)).pipe(
 *   Effect.map(({ key }) => key),
 *   Effect.provide([Reports, Skein.layer()])
 * )
 * program // => "reports#1"
 * ```
 *
 * @stability unstable
 * @category references
 * @since 0.1.0
 */
export const CurrentAnnotations = Context.Reference<Annotated>("skein/Client/CurrentAnnotations", {
  defaultValue: () => none
})

const none: Annotated = {}

/** What is known of the records of regions. */
const known = new WeakMap<object, TaskOptions>()

/** The options of a region, prepared once for each record. */
export const annotationsIn = (context: Context.Context<never>): TaskOptions => {
  const annotations: unknown = Context.get(context, CurrentAnnotations)
  if (annotations === none) return noOptions
  const found = isObject(annotations) ? known.get(annotations) : undefined
  if (found !== undefined) return found
  const prepared = prepare(annotations as Annotated)
  if (isObject(annotations)) known.set(annotations, prepared)
  return prepared
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

const prepare = (annotations: Annotated): TaskOptions => {
  const options = normalize(annotations, checksOfRegions)
  if (!holdsValues(annotations)) return options
  const { idempotent, retry } = annotations
  const wrong = contradiction({ idempotent, retry })
  return wrong === undefined ? options : withInvalid(options, wrong)
}

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

/** The options of a region inside another. `retry` and `idempotent: false` exclude each other. */
export const inside = (outer: Annotated, annotations: Annotated): Annotated => {
  // What is no record is refused later, and so is all inside.
  if (!holdsValues(outer) && outer !== none) return outer
  if (!holdsValues(annotations) || isTask(annotations)) {
    return annotations === undefined || typeof annotations === "number" ? outer : annotations
  }
  const own = said(annotations)
  const all: Annotated = { ...outer, ...own, ...nested(outer, own) }
  if (own.idempotent === false && own.retry === undefined) return { ...all, retry: undefined }
  return own.retry !== undefined && own.idempotent === undefined && outer.idempotent === false
    ? { ...all, idempotent: undefined }
    : all
}

/** The name of a namespace inside another. */
const nested = ({ namespace: outer }: Annotated, { namespace: inner }: Annotated): Annotated =>
  isName(outer) && isName(inner) ? { namespace: `${outer}/${inner}` } : none
