/**
 * A task that was submitted. The words are those of `Fiber`: `join` gives the value or fails as the task did, `await`
 * gives the `Exit`, `poll` looks without waiting.
 *
 * A `Future` belongs to the scope in which it was submitted. When that closes the result is released, unless another scope
 * took it over with `Client.keep`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { Pipeable } from "effect/Pipeable"
import type { PhaseName } from "./engine/protocol/Phase.ts"
import { ofWait, optionsFault } from "./internal/tasks/checks.ts"
import * as internal from "./internal/tasks/task.ts"
import type { RuntimeFailure } from "./SkeinError.ts"

/** @internal */
export declare const TypeId: unique symbol

/**
 * A submitted task that succeeds with `A` or fails with `E`.
 *
 * Give it to another task as an input, also inside arrays and records, and it is a dependency of that task.
 *
 * @category models
 * @since 0.1.0
 */
export interface Future<out A, out E = never> extends Pipeable {
  readonly [TypeId]: { readonly _A: () => A; readonly _E: () => E }
  /** The task's own key, or one formed of its label and number. */
  readonly key: string
}

/**
 * Where a task stands. `released`: its result is gone.
 *
 * @category models
 * @since 0.1.0
 */
export type Status = PhaseName | "released"

/**
 * What is known of a task. Times in milliseconds of the layer's clock, `undefined` where it has not come to that yet.
 *
 * @category models
 * @since 0.1.0
 */
export interface Metadata {
  readonly key: string
  /** The number of the graph in which the key names it: a submission, a compute, or what a flatMap task returned. */
  readonly graph: number
  readonly label: string | undefined
  readonly status: Status
  /** With which it ranks: its own, or a higher one of a task that needs it. */
  readonly priority: number
  /** The key of the task from whose body it was submitted, or "program". */
  readonly submitter: string
  /** The keys of the tasks it depends on, those of `after` included. */
  readonly dependencies: ReadonlyArray<string>
  /** The worker that runs it or has run it last, whoever holds its result now. */
  readonly worker: string | undefined
  readonly submitted: number
  readonly started: number | undefined
  readonly completed: number | undefined
  /** The attempts so far, oldest first; the last one may be running. */
  readonly attempts: ReadonlyArray<AttemptMetadata>
}

/**
 * One start of a body.
 *
 * @category models
 * @since 0.1.0
 */
export interface AttemptMetadata {
  /** From 1. */
  readonly attempt: number
  readonly worker: string
  readonly started: number
  readonly completed: number | undefined
  /** Its worker was lost during it, or its result later. It does not count: the next one has its number. */
  readonly lost?: true
}

/**
 * Whether a value is a `Future`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isFuture = (u: unknown): u is Future<unknown, unknown> => internal.isFuture(u)

/**
 * How a wait inside a task treats the task's slot.
 *
 * @category options
 * @since 0.1.0
 */
export interface WaitOptions {
  /**
   * Keep the slot while waiting, instead of giving it to others. A wait that could never end because no slot is left for what
   * it waits for fails with `Starved`. Outside a task it has no effect.
   */
  readonly keepSlot?: boolean | undefined
}

/**
 * Waits for the task and gives its value, or fails as it failed.
 *
 * **Details**
 *
 * Inside a task this frees the task's slot for the while, unless it is told to keep it. Interrupting the wait, or a timeout of
 * it, leaves the task alone.
 *
 * @category combinators
 * @since 0.1.0
 */
export const join = <A, E>(
  self: Future<A, E>,
  // A number is the index that `Effect.forEach(futures, Future.join)` hands over.
  options?: WaitOptions | number
): Effect.Effect<A, E | RuntimeFailure> => ask(self, options, (future, keepSlot) => valueOf<A, E>(future, keepSlot))

const await_ = <A, E>(
  self: Future<A, E>,
  options?: WaitOptions | number
): Effect.Effect<Exit.Exit<A, E | RuntimeFailure>> =>
  ask(self, options, (future, keepSlot) => Effect.exit(valueOf<A, E>(future, keepSlot)))

/** What is no future, or no options of a wait, is a defect of whoever asks: it is not how the task ended. */
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
): Effect.Effect<A, E | RuntimeFailure> => {
  const { core: { view, waits }, claim } = future
  if (view.isSettled(claim)) return view.exitOfClaim(future) as Exit.Exit<A, E | RuntimeFailure>
  // By then the result may have been lost.
  return Effect.flatMap(waits.forFutures([future], "all", keepSlot), () => valueOf<A, E>(future, keepSlot))
}

export {
  /**
   * Waits for the task and gives its `Exit`.
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
export const poll = <A, E>(self: Future<A, E>): Effect.Effect<Exit.Exit<A, E | RuntimeFailure> | undefined> =>
  Effect.sync(() => {
    const future = internal.implOf(self)
    return future.core.view.isSettled(future.claim)
      ? future.core.view.exitOfClaim(future) as Exit.Exit<A, E | RuntimeFailure>
      : undefined
  })

/**
 * Where the task stands now.
 *
 * @category getters
 * @since 0.1.0
 */
export const status = (self: Future<unknown, unknown>): Effect.Effect<Status> =>
  Effect.sync(() => internal.implOf(self).core.view.statusOf(internal.implOf(self).claim))

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
  Effect.sync(() => internal.implOf(self).core.view.metadataOf(internal.implOf(self)))
