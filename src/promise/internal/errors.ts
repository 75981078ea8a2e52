/**
 * Failures as plain code catches them.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import type * as Exit from "effect/Exit"
import { DependencyFailed, Released, SkeinError, SubmitError } from "../../SkeinError.ts"

/** The error that was thrown first, as it is, however far upstream that was, or by the source of a stream. */
const rootOf = (error: unknown): unknown =>
  error instanceof DependencyFailed ? error.error : Cause.isUnknownError(error) ? error.cause : error

export const thrownIn = (cause: Cause.Cause<unknown>): unknown => rootOf(Cause.squash(cause))

/** All errors that were thrown, by tasks or by the source of a stream, as one. A refused submission has no others. */
export const allThrownIn = (cause: Cause.Cause<unknown>): unknown => {
  const errors = cause.reasons.flatMap((reason) =>
    Cause.isFailReason(reason) ? [rootOf(reason.error)] : Cause.isDieReason(reason) ? [reason.defect] : []
  )
  if (errors.length === 0 || errors[0] instanceof SubmitError) return thrownIn(cause)
  return new AggregateError(errors, errors.length === 1 ? "One failure" : `${errors.length} failures`)
}

/** An end, as `Promise.allSettled` gives it. */
export const settledOf = <A>(exit: Exit.Exit<A, unknown>): PromiseSettledResult<A> =>
  exit._tag === "Success"
    ? { status: "fulfilled", value: exit.value }
    : { status: "rejected", reason: thrownIn(exit.cause) }

/** The same beside its item. */
export const settledItemOf = (
  { exit, ...item }: { readonly exit: Exit.Exit<unknown, unknown> }
): PromiseSettledResult<unknown> => ({ ...item, ...settledOf(exit) })

/** The same error, with the client as the owner of what the scope of the client owned: plain code knows no scopes. */
export const byClient = (error: unknown): unknown => {
  if (!(error instanceof SkeinError) || error.reason._tag !== "Released") return error
  const { body, by, key } = error.reason
  return body === undefined && by === undefined
    ? new SkeinError({ reason: new Released({ key, owner: "client" }) })
    : error
}

/** Whether a task was cancelled for this reason, and neither failed by itself nor was stopped for another one. */
export const isCancelledFor = (why: string, error: unknown): boolean =>
  error instanceof SkeinError && error.reason._tag === "TaskCancelled" && error.reason.why === why
