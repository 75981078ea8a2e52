/**
 * The world in which the tasks of a submission run.
 *
 * @internal
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { Annotations, defaultsFrom } from "./annotations.ts"
import type { Attempt } from "./attempt.ts"
import type { Cache, Run } from "./livePlan.ts"
import type { Pass } from "./task.ts"

/** That of a submission in this context, from inside `parent` or from no task. */
export const runIn = (
  context: Context.Context<never>,
  parent?: Attempt,
  cache?: Cache,
  passes?: ReadonlyArray<Pass>
): Run => {
  const annotations = Context.get(context, Annotations)
  return {
    context,
    annotations,
    defaults: defaultsFrom(annotations, parent),
    fork: Effect.runForkWith(context),
    cache,
    passes
  }
}
