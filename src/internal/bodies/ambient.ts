/**
 * What the tasks of a submission take from where it is made.
 *
 * @internal
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import { captureAsyncScope } from "../platform/asyncScope.ts"
import type { AsyncScope } from "../platform/asyncScope.ts"
import type { Pass } from "../tasks/task.ts"
import { Worker } from "../tasks/worker.ts"
import { annotationsIn, defaultsFrom } from "./annotations.ts"
import type { Attempt } from "./attempt.ts"
import type { Ambient, Cache, Conflict } from "./livePlan.ts"

/**
 * A context without the attempt of its body and that attempt's scopes: tasks that are submitted from there may outlive both, and
 * have their own.
 */
export const withoutAttempt = (
  context: Context.Context<never>,
  attempt: Attempt | undefined
): Context.Context<never> => {
  if (attempt === undefined) return context
  return context === attempt.context ? attempt.base! : ofNobody(context)
}

const ofNobody: (context: Context.Context<never>) => Context.Context<never> = Context.omit(Worker, Scope.Scope)

/** The ambient of a submission made in this context, from inside `parent` or from no task. */
export const ambientIn = (
  context: Context.Context<never>,
  parent?: Attempt,
  cache?: Cache,
  passes?: ReadonlyArray<Pass>,
  conflict?: Conflict,
  asyncScope: AsyncScope = captureAsyncScope()
): Ambient => {
  // Most bodies submit where they began: as their own submitter did, but for the options of the call.
  const same = context === parent?.context ? parent.ambient : undefined
  const annotations = same?.annotations ?? annotationsIn(context)
  const own = same?.context ?? withoutAttempt(context, parent)
  return {
    context: own,
    annotations,
    defaults: defaultsFrom(annotations, parent),
    fork: same?.fork ?? Effect.runForkWith(own),
    asyncScope,
    cache,
    passes,
    conflict
  }
}
