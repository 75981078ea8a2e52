/** What the tests of the services share. */
import { assert } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import { SkeinError, type SkeinReason, type SubmitError, TaskInfo } from "skein/SkeinError"
import type { Mistake } from "../src/internal/tasks/mistake.ts"

/** The cause with which `effect` fails; succeeding is a failure of the test. */
export const causeOf = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<Cause.Cause<E>, never, R> =>
  Effect.map(Effect.exit(effect), causeOfExit)

/** The cause in an exit. */
export const causeOfExit = <A, E>(exit: Exit.Exit<A, E>): Cause.Cause<E> => {
  assert.isTrue(Exit.isFailure(exit), `expected a failure, got ${String(exit)}`)
  return Exit.isFailure(exit) ? exit.cause : Cause.empty
}

/** The typed errors in a cause, in order. */
export const errorsIn = <E>(cause: Cause.Cause<E>): ReadonlyArray<E> =>
  cause.reasons.filter(Cause.isFailReason).map(({ error }) => error)

/** The defects in a cause, in order. */
export const defectsIn = (cause: Cause.Cause<unknown>): ReadonlyArray<unknown> =>
  cause.reasons.filter(Cause.isDieReason).map(({ defect }) => defect)

/** The one reason of a cause that has a single typed error. */
export const onlyError = <E>(cause: Cause.Cause<E>): E => {
  assert.lengthOf(cause.reasons, 1, Cause.pretty(cause))
  const [error] = errorsIn(cause)
  assert.isDefined(error, Cause.pretty(cause))
  return error
}

/** The typed error with which `effect` fails, and nothing beside it. */
export const errorOf = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<E, never, R> =>
  Effect.map(causeOf(effect), onlyError)

/** The reason of a `SkeinError`. */
export const reasonIn = (error: unknown): SkeinReason => {
  assert.instanceOf(error, SkeinError)
  return error.reason
}

/** The reason of the `SkeinError` with which `effect` fails. */
export const reasonOf = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<SkeinReason, never, R> =>
  Effect.map(errorOf(effect), reasonIn)

/** Where a failure happened. */
export const infoOf = (cause: Cause.Cause<unknown>): TaskInfo["Service"] | undefined =>
  Context.getOrUndefined(Cause.annotations(cause) as Context.Context<TaskInfo>, TaskInfo)

/** The `SubmitError` with which `effect` fails. */
export const submitErrorOf = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<SubmitError, never, R> =>
  Effect.map(errorOf(effect), (error) => {
    assert.propertyVal(error, "_tag", "SubmitError")
    return error as unknown as SubmitError
  })

/** The mistake of the program of which `effect` dies. */
export const mistakeOf = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<Mistake, never, R> =>
  Effect.map(causeOf(effect), (cause) => {
    assert.lengthOf(cause.reasons, 1, Cause.pretty(cause))
    const [defect] = defectsIn(cause)
    assert.isTrue(Cause.isIllegalArgumentError(defect), Cause.pretty(cause))
    return defect as Mistake
  })

/** How `effect` is refused: a `SubmitError`, or a mistake. */
export const refusalOf = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<SubmitError | Mistake, never, R> =>
  Effect.flatMap(
    causeOf(effect),
    (cause): Effect.Effect<SubmitError | Mistake> =>
      defectsIn(cause).length > 0 ? mistakeOf(Effect.failCause(cause)) : submitErrorOf(Effect.failCause(cause))
  )

/** Nothing is left of what was submitted. */
export const nothingIsLeft: Effect.Effect<void, never, Scheduler.Scheduler> = Effect.map(Scheduler.stats, (stats) => {
  const { held, owners, tasks, waits, workers } = stats
  const standing = Object.entries(tasks).filter(([, count]) => count > 0)
  assert.deepStrictEqual({ held, owners, standing, waits }, { held: 0, owners: 0, standing: [], waits: 0 })
  for (const { running } of workers) assert.strictEqual(running, 0)
})

/** What `Scheduler.explain` says; `undefined` if there is no such task. */
export const explanationOf = (name: Scheduler.TaskName) => Effect.map(Scheduler.explain(name), Option.getOrUndefined)

/** The exit of a future that has ended, else `undefined`. */
export const exitNow = <A, E>(future: Future.Future<A, E>) => Effect.map(Future.poll(future), Option.getOrUndefined)
