/**
 * Failures as plain code catches them.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import type * as Exit from "effect/Exit"
import { Closed, DependencyFailed, Released, SkeinError, SubmitError } from "../../SkeinError.ts"
import { bodyHere } from "./bodies.ts"

/** The error that was thrown first, as it is, however far upstream that was, or by the source of a stream. */
const rootOf = (error: unknown): unknown =>
  error instanceof DependencyFailed
    ? error.error
    : Cause.isUnknownError(error)
    ? error.cause
    : error instanceof SubmitError && error.reason._tag === "Closed"
    ? closedHere(error, error.reason)
    : error

/** Plain code knows neither layers nor scopes. */
const closedHere = (error: SubmitError, { what }: Closed): SubmitError =>
  what === "scheduler" || what === "scope"
    ? new SubmitError({
      reason: new Closed({ what: what === "scheduler" || bodyHere() === undefined ? "client" : "body" })
    })
    : error

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

/** The same error, with the client or a body as the owner of what its scope owned. */
export const byClient = (error: unknown): unknown => {
  if (!(error instanceof SkeinError) || error.reason._tag !== "Released") return error
  const { body, by, key } = error.reason
  if (by !== undefined) return error
  return new SkeinError({
    reason: new Released(body === undefined ? { key, owner: "client" } : { key, owner: "body", body })
  })
}

/** Whether a task was cancelled for this reason, and neither failed by itself nor was stopped for another one. */
export const isCancelledFor = (why: string, error: unknown): boolean =>
  error instanceof SkeinError && error.reason._tag === "TaskCancelled" && error.reason.why === why
