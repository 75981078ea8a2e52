/**
 * The world in which the tasks of a submission run.
 *
 * @internal
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import { captureAsyncScope } from "../platform/asyncScope.ts"
import type { Pass } from "../tasks/task.ts"
import { Worker } from "../tasks/worker.ts"
import { Annotations, defaultsFrom } from "./annotations.ts"
import type { Attempt } from "./attempt.ts"
import type { Cache, Run } from "./livePlan.ts"

/**
 * A context without the attempt to whose body it belongs, and the scopes of that: what is submitted from there may outlive
 * both, and has its own.
 */
export const withoutAttempt = (
  context: Context.Context<never>,
  attempt: Attempt | undefined
): Context.Context<never> => {
  if (attempt === undefined) return context
  return context === attempt.context ? attempt.base! : ofNobody(context)
}

const ofNobody: (context: Context.Context<never>) => Context.Context<never> = Context.omit(Worker, Scope.Scope)

/** That of a submission in this context, from inside `parent` or from no task. */
export const runIn = (
  context: Context.Context<never>,
  parent?: Attempt,
  cache?: Cache,
  passes?: ReadonlyArray<Pass>
): Run => {
  const annotations = Context.get(context, Annotations)
  const own = withoutAttempt(context, parent)
  return {
    context: own,
    annotations,
    defaults: defaultsFrom(annotations, parent),
    fork: Effect.runForkWith(own),
    asyncScope: captureAsyncScope(),
    cache,
    passes
  }
}
