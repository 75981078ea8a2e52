/**
 * A task that was submitted. The verbs are those of `Fiber`: `join` returns the value or fails as the task did, `await` returns
 * the `Exit`, `poll` looks without waiting.
 *
 * A `Future` belongs to the scope in which it was submitted. When that scope closes, the result is released, unless another scope
 * took it over with `Client.keep`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import { hasProperty } from "effect/Predicate"
import { ofWait, optionsFault } from "./internal/tasks/checks.ts"
import type { Metadata, WaitOptions } from "./internal/tasks/futures.ts"
import type { Future } from "./internal/tasks/handles.ts"
import * as internal from "./internal/tasks/task.ts"
import type { Status } from "./internal/text/reasons.ts"
import { FutureTypeId } from "./internal/values/typeIds.ts"
import type { SkeinError } from "./SkeinError.ts"

export type { AttemptMetadata, Metadata, WaitOptions } from "./internal/tasks/futures.ts"
export type { Future } from "./internal/tasks/handles.ts"
export type { Status } from "./internal/text/reasons.ts"

/**
 * Any future, as a bound for generic code.
 *
 * @category utility types
 * @since 0.1.0
 */
export type Any = Future<any, any>

/**
 * What the task of a future succeeds with.
 *
 * @category utility types
 * @since 0.1.0
 */
export type Success<F> = F extends Future<infer A, infer _E> ? A : never

/**
 * What the task of a future fails with.
 *
 * @category utility types
 * @since 0.1.0
 */
export type Error<F> = F extends Future<infer _A, infer E> ? E : never

/**
 * Whether a value is a `Future`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isFuture = (u: unknown): u is Future<unknown, unknown> => hasProperty(u, FutureTypeId)

/**
 * Waits for the task and returns its value, or fails as it failed.
 *
 * **Details**
 *
 * Inside a task this frees the task's slot meanwhile, unless `keepSlot` is set. Interrupting the wait, or a timeout of it, does
 * not affect the task.
 *
 * @category combinators
 * @since 0.1.0
 */
export const join = <A, E>(
  self: Future<A, E>,
  // A number is the index that `Effect.forEach(futures, Future.join)` passes.
  options?: WaitOptions | number
): Effect.Effect<A, E | SkeinError> => ask(self, options, (future, keepSlot) => valueOf<A, E>(future, keepSlot))

const await_ = <A, E>(
  self: Future<A, E>,
  options?: WaitOptions | number
): Effect.Effect<Exit.Exit<A, E | SkeinError>> =>
  ask(self, options, (future, keepSlot) => Effect.exit(valueOf<A, E>(future, keepSlot)))

/** A wrong future or wrong options are a defect of the caller: the task did not end that way. */
const ask = <A, E>(
  self: Future<unknown, unknown>,
  options: WaitOptions | number | undefined,
  use: (future: internal.FutureImpl, keepSlot: boolean | undefined) => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    const future = internal.implOf(self)
    const fault = optionsFault(options, ofWait)
    return fault === undefined
      ? use(future, typeof options === "object" ? options.keepSlot : undefined)
      : Effect.die(fault)
  })

const valueOf = <A, E>(
  future: internal.FutureImpl,
  keepSlot: boolean | undefined
): Effect.Effect<A, E | SkeinError> => {
  const { home: { view, waits }, claim } = future
  if (view.hasEnded(claim)) return view.exitOfClaim(future) as Exit.Exit<A, E | SkeinError>
  // By then the result may have been lost.
  return Effect.flatMap(waits.forFutures([future], "all", keepSlot), () => valueOf<A, E>(future, keepSlot))
}

export {
  /**
   * Waits for the task and returns its `Exit`.
   *
   * @category combinators
   * @since 0.1.0
   */
  await_ as await
}

/**
 * The task's `Exit` if it has ended, without waiting.
 *
 * @category getters
 * @since 0.1.0
 */
export const poll = <A, E>(self: Future<A, E>): Effect.Effect<Exit.Exit<A, E | SkeinError> | undefined> =>
  Effect.sync(() => {
    const future = internal.implOf(self)
    return future.home.view.hasEnded(future.claim)
      ? future.home.view.exitOfClaim(future) as Exit.Exit<A, E | SkeinError>
      : undefined
  })

/**
 * The state of the task.
 *
 * @category getters
 * @since 0.1.0
 */
export const status = (self: Future<unknown, unknown>): Effect.Effect<Status> =>
  Effect.sync(() => internal.implOf(self).home.view.statusOf(internal.implOf(self).claim))

/**
 * The task's key.
 *
 * @category getters
 * @since 0.1.0
 */
export const key = (self: Future<unknown, unknown>): string => self.key

/**
 * What is known of the task.
 *
 * @category getters
 * @since 0.1.0
 */
export const metadata = (self: Future<unknown, unknown>): Effect.Effect<Metadata> =>
  Effect.sync(() => internal.implOf(self).home.view.metadataOf(internal.implOf(self)))
