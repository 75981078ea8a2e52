/**
 * Runs a failed body again in the calling fiber, where a breakpoint or a stack trace leads into it.
 *
 * @internal
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { Group } from "../../engine/protocol/policies.ts"
import type { Place } from "../../engine/protocol/Registered.ts"
import { SubmitError } from "../../SkeinError.ts"
import { Attempt, attemptOf } from "../bodies/attempt.ts"
import type { Host } from "../bodies/attempt.ts"
import { assembled, bodyOf, strayResult } from "../bodies/bodies.ts"
import { homeOfFuture } from "../bodies/home.ts"
import type { Home } from "../bodies/home.ts"
import { ambientAt, isKnownAt, taskAt } from "../bodies/livePlan.ts"
import { tooFarBack } from "../plans/rerun.ts"
import { policiesOf } from "../tasks/dependency.ts"
import type { FutureImpl } from "../tasks/task.ts"
import { Worker } from "../tasks/worker.ts"
import { rootOf } from "../views/causes.ts"
import { ofInputs } from "../views/collect.ts"

/** Runs the body of the root failure of a future, with the same inputs. */
export const rerunInline = (future: FutureImpl): Effect.Effect<unknown, unknown> =>
  Effect.withFiber((fiber) => {
    const home = homeOfFuture(future)
    const refused = home.submissions.refuseRetry(future)
    if (refused !== undefined) return Effect.fail(refused)
    home.view.see(future.claim)
    const { place, where } = rootOf(home.view.outcomeOf(future.claim)!.trail)
    if (!isKnownAt(place!)) return Effect.fail(new SubmitError({ reason: tooFarBack(place!) }))
    const attempt = attemptFor(home, place!, Math.max(1, where!.attempt), fiber)
    return withInputs(home, place!, (values) => inScope(home, place!, attempt, values))
  })

/** Passes the inputs of the body to `use`, from held results or from tasks that run again; they are held meanwhile. */
const withInputs = (
  home: Home,
  place: Place,
  use: (values: ReadonlyArray<unknown>) => Effect.Effect<unknown, unknown>
): Effect.Effect<unknown, unknown> => {
  const task = taskAt(place)
  if (task.handles.length === 0) return use(task.handles)
  const groups = policiesOf(task)
  const absorbs = task.kind === "exit"
  const isExit = (input: number): boolean => absorbs || isGrouped(groups, input)
  return Effect.uninterruptibleMask((restore) =>
    restore(home.computes.runInputs(
      place,
      absorbs || groups !== undefined,
      (targets) => Effect.flatMap(ofInputs(home.view, isExit, targets), (values) => restore(use(values)))
    ))
  )
}

const isGrouped = (groups: ReadonlyArray<Group> | undefined, place: number): boolean =>
  groups?.some(({ from, to }) => place >= from && place < to) === true

const keyOfAttempt = ({ key }: Attempt): string => key

const inline: Host = { name: "inline", isLost: false }

/** The worker as the body sees it. Its waits and submissions belong to the calling task, if there is one. */
const attemptFor = (
  home: Home,
  { index, submission }: Place,
  number: number,
  fiber: Fiber.Fiber<unknown, unknown>
): Attempt => {
  const caller = attemptOf(home, fiber)
  return new Attempt(home, inline, caller?.task ?? -1, caller?.serial ?? 0, number, undefined, submission, index)
}

/** The ambient is that of the task's submitter. The scope is closed and the slot is taken again in any case. */
const inScope = (
  home: Home,
  place: Place,
  attempt: Attempt,
  values: ReadonlyArray<unknown>
): Effect.Effect<unknown, unknown> =>
  Effect.acquireUseRelease(
    Scope.make(),
    (scope) => {
      const context = Context.add(Context.add(ambientAt(place).context, Worker, attempt), Scope.Scope, scope)
      const task = taskAt(place)
      const checked = Effect.flatMap(bodyOf(task, values, keyOfAttempt, attempt, 0), (value) => {
        const wrong = strayResult(task, value, () => assembled(task, values), keyOfAttempt, attempt, 0)
        return wrong === undefined ? Effect.succeed(value) : Effect.die(wrong)
      })
      return Effect.provideContext(checked, context)
    },
    (scope, exit) => Effect.andThen(Scope.close(scope, exit), home.waits.rejoin(attempt))
  )
