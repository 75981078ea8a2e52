/**
 * A task that was submitted. The verbs are those of `Fiber`: `join` returns the value or fails as the task did, `await` returns
 * the `Exit`, `poll` looks without waiting.
 *
 * A `Future` belongs to the scope in which it was submitted. When that scope closes, the result is released, unless another scope
 * took it over with `Future.keep`.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { dual } from "effect/Function"
import type * as Option from "effect/Option"
import { hasProperty } from "effect/Predicate"
import type * as Scope from "effect/Scope"
import { misplacedFault, strayFault } from "./internal/client/computing.ts"
import type { Failure, Result } from "./internal/client/computing.ts"
import * as inline from "./internal/client/inline.ts"
import { releaseAll as releaseEach } from "./internal/client/verbs.ts"
import { whenOver } from "./internal/client/whenOver.ts"
import type { Until } from "./internal/client/whenOver.ts"
import { cancelRequest, ofCancel } from "./internal/tasks/cancelling.ts"
import type { CancelOptions } from "./internal/tasks/cancelling.ts"
import {
  count,
  given,
  invalidOption,
  modeOfValues,
  name as isName,
  names,
  optionsFault,
  subjectFirst,
  valueFault
} from "./internal/tasks/checks.ts"
import type { Checks, Mode } from "./internal/tasks/checks.ts"
import type { Metadata } from "./internal/tasks/futures.ts"
import type { Future } from "./internal/tasks/handles.ts"
import { listed, scan } from "./internal/tasks/inputs.ts"
import type { Scan } from "./internal/tasks/inputs.ts"
import type { Mistake } from "./internal/tasks/mistake.ts"
import type { Exits, Listed, Unsubmitted } from "./internal/tasks/shapes.ts"
import * as internal from "./internal/tasks/task.ts"
import type { Status } from "./internal/text/reasons.ts"
import { FutureTypeId } from "./internal/values/typeIds.ts"
import * as collect from "./internal/views/collect.ts"
import type { Root, SkeinError, SubmitError } from "./SkeinError.ts"

export type { CancelOptions } from "./internal/tasks/cancelling.ts"
export type { AttemptMetadata, Metadata } from "./internal/tasks/futures.ts"
export type { Future } from "./internal/tasks/handles.ts"
export type { Status } from "./internal/text/reasons.ts"

/**
 * Any future, as a bound for generic code.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Any = Future<any, any>

/**
 * What the task of a future succeeds with.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Success<F> = F extends Future<infer A, infer _E> ? A : never

/**
 * What the task of a future fails with.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Error<F> = F extends Future<infer _A, infer E> ? E : never

/**
 * Whether a value is a `Future`.
 *
 * @stability unstable
 * @category guards
 * @since 0.1.0
 */
export const isFuture = (u: unknown): u is Future<unknown, unknown> => hasProperty(u, FutureTypeId)

/**
 * Waits for the task and returns its value, or fails as it failed.
 *
 * **Details**
 *
 * Inside a task this frees the task's slot meanwhile, except in a region of `Worker.keepSlot`. Interrupting the wait, or a timeout
 * of it, does not affect the task.
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const join = <A, E>(self: Future<A, E>): Effect.Effect<A, E | SkeinError> =>
  Effect.suspend(() => valueOf<A, E>(internal.implOf(self)))

const await_ = <A, E>(self: Future<A, E>): Effect.Effect<Exit.Exit<A, E | SkeinError>> =>
  Effect.suspend(() => {
    // A wrong future is a defect of the caller: the task did not end that way.
    const future = internal.implOf(self)
    return Effect.exit(valueOf<A, E>(future))
  })

const valueOf = <A, E>(future: internal.FutureImpl): Effect.Effect<A, E | SkeinError> => {
  const { home: { desk, view, waits }, claim } = future
  if (view.hasEnded(claim)) {
    const coming = desk.bring([future])
    return coming === undefined
      ? view.exitOfClaim(future) as Exit.Exit<A, E | SkeinError>
      : Effect.flatMap(coming, () => valueOf<A, E>(future))
  }
  // By then the result may have been lost.
  return Effect.flatMap(waits.forFutures([future], "all"), () => valueOf<A, E>(future))
}

export {
  /**
   * Waits for the task and returns its `Exit`.
   *
   * @stability unstable
   * @category combinators
   * @since 0.1.0
   */
  await_ as await
}

/**
 * The task's `Exit` if it has ended, without waiting; `Option.none` if it has not.
 *
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const poll = <A, E>(self: Future<A, E>): Effect.Effect<Option.Option<Exit.Exit<A, E | SkeinError>>> =>
  Effect.suspend(() => {
    const future = internal.implOf(self)
    const { claim, home: { desk, view } } = future
    if (!view.hasEnded(claim)) return Effect.succeedNone
    const coming = desk.bring([future])
    return coming === undefined
      ? Effect.succeedSome(view.exitOfClaim(future) as Exit.Exit<A, E | SkeinError>)
      : Effect.flatMap(coming, () => poll(self))
  })

/**
 * The state of the task.
 *
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const status = (self: Future<unknown, unknown>): Effect.Effect<Status> =>
  Effect.sync(() => internal.implOf(self).home.view.statusOf(internal.implOf(self).claim))

/**
 * The task's key.
 *
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const key = (self: Future<unknown, unknown>): string => self.key

/**
 * What is known of the task.
 *
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const metadata = (self: Future<unknown, unknown>): Effect.Effect<Metadata> =>
  Effect.sync(() => internal.implOf(self).home.view.metadataOf(internal.implOf(self)))

/**
 * Options of {@link joinAll}.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface JoinAllOptions<M extends JoinMode = JoinMode> {
  readonly mode?: M | undefined
}

type JoinMode = Exclude<Mode, "collect">

const ofJoinAll: Checks<JoinAllOptions> = { mode: modeOfValues }

/**
 * Waits for futures and returns their values in the same shape. Owns nothing: a failure or an interruption ends the wait, not the
 * tasks.
 *
 * **Details**
 *
 * Futures may stand in arrays and records, or be the members of a set or an iterator. Fails with the first failure; with the mode
 * `continue`, waits for all futures and fails with every root failure. {@link awaitAll} returns exits and does not fail.
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const joinAll = <const I, const M extends JoinMode = "failFast">(
  futures: I,
  options?: JoinAllOptions<M> | number
): Effect.Effect<Result<Listed<I>, M>, Failure<Listed<I>, M>, Unsubmitted<Listed<I>>> =>
  waitForAll("joinAll", futures, given(options)?.mode ?? "failFast", optionsFault(options, ofJoinAll)) as any

/**
 * Waits for futures and returns their exits in the same shape.
 *
 * **Details**
 *
 * Futures may stand in arrays and records, or be the members of a set or an iterator. Fails only if the wait itself can never end.
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const awaitAll = <const I>(futures: I): Effect.Effect<Exits<Listed<I>>, SkeinError, Unsubmitted<Listed<I>>> =>
  waitForAll("awaitAll", futures, "collect") as any

/** The futures in a shape, or the fault in it. */
const futuresIn = (verb: string, scanned: Scan) => {
  const all: ReadonlyArray<internal.FutureImpl> = scanned.handles.filter(internal.isFuture)
  if (all.length === scanned.handles.length) return misplacedFault(scanned) ?? all
  const instead = "submit it with Client.submit, or run it with Client.compute"
  return new TypeError(`Future.${verb} futures, and found a task: ${instead}.`)
}

const waitForAll = (verb: string, futures: unknown, mode: Mode, fault?: Mistake): Effect.Effect<unknown, unknown> =>
  Effect.suspend(() => {
    const scanned = scan(listed(futures))
    const all = futuresIn(`${verb} waits for`, scanned)
    if (fault !== undefined || !Array.isArray(all)) return Effect.die(fault ?? all)
    const until = mode === "failFast" ? "firstFailure" : "all"
    return whenOver(all, until, all, () => collect.ofFutures(scanned, mode, all))
  })

/**
 * The futures of a wait: those whose tasks have ended, and those whose tasks are open.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Awaited<F> {
  readonly ended: Array<F>
  readonly open: Array<F>
}

/**
 * Waits until the first of the futures has ended, however it ended. Returns which have ended by then. The others go on.
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const awaitFirst = <F extends Future<any, any>>(
  futures: ReadonlyArray<F>
): Effect.Effect<Awaited<F>, SkeinError> => waitFor(futures, "firstCompleted")

/**
 * Waits until the first of the futures has ended without success, or all have ended. Returns which have ended by then. The others
 * go on.
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const awaitFirstFailure = <F extends Future<any, any>>(
  futures: ReadonlyArray<F>
): Effect.Effect<Awaited<F>, SkeinError> => waitFor(futures, "firstFailure")

const waitFor = <F extends Future<any, any>>(
  futures: ReadonlyArray<F>,
  until: Until
): Effect.Effect<Awaited<F>, SkeinError> =>
  Effect.suspend(() => {
    if (!Array.isArray(futures)) return Effect.die(strayFault(futures, "array of futures"))
    const hasEnded = (future: F) => internal.implOf(future).home.view.hasEnded(internal.implOf(future).claim)
    return whenOver(
      futures.map((future) => internal.implOf(future)),
      until,
      [],
      () => Exit.succeed({ ended: futures.filter(hasEnded), open: futures.filter((future) => !hasEnded(future)) })
    )
  })

/**
 * Withdraws the interest of the future's owner in this task and everything downstream of it. A task without interested owners is
 * cancelled.
 *
 * **Details**
 *
 * A queued task never starts. A running task is interrupted, and its finalizers have run when this returns. A task that has ended
 * is not affected. Interrupting this ends the wait alone: the cancellation goes on.
 *
 * **Example** (Cancel all of them)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Future, Skein, Task } from "skein"
 *
 * const program = Effect.gen(function*() {
 *   const futures = yield* Client.submitAll([Task.make(Effect.never), Task.make(Effect.never)])
 *   yield* Effect.forEach(futures, Future.cancel({ why: "not needed" }))
 *   return yield* Effect.forEach(futures, Future.status)
 * }).pipe(Effect.scoped, Effect.provide(Skein.layer()))
 * program // => ["cancelled", "cancelled"]
 * ```
 *
 * @stability unstable
 * @category interruption
 * @since 0.1.0
 */
export const cancel: {
  (options: CancelOptions): (self: Future<unknown, unknown>) => Effect.Effect<void>
  (self: Future<unknown, unknown>, options?: CancelOptions): Effect.Effect<void>
  (self: Future<unknown, unknown>): Effect.Effect<void>
} = dual(
  subjectFirst,
  (self: Future<unknown, unknown>, options?: CancelOptions): Effect.Effect<void> =>
    Effect.suspend(() => {
      const future = internal.implOf(self)
      const fault = optionsFault(options, ofCancel)
      return fault === undefined ? future.home.owners.cancel(future, cancelRequest(options)) : Effect.die(fault)
    })
)

/**
 * {@link cancel} for futures in arrays and records, or of a set or an iterator. All of them are asked to stop before the first one
 * is waited for.
 *
 * **Example** (Cancel all of them)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Future, Skein, Task } from "skein"
 *
 * const program = Effect.gen(function*() {
 *   const futures = yield* Client.submitAll([Task.make(Effect.never), Task.make(Effect.never)])
 *   yield* Future.cancelAll(futures, { why: "not needed" })
 *   return yield* Effect.forEach(futures, Future.status)
 * }).pipe(Effect.scoped, Effect.provide(Skein.layer()))
 * program // => ["cancelled", "cancelled"]
 * ```
 *
 * @stability unstable
 * @category interruption
 * @since 0.1.0
 */
export const cancelAll = <const I>(
  futures: I,
  options?: CancelOptions | number
): Effect.Effect<void, never, Unsubmitted<Listed<I>>> =>
  Effect.suspend(() => {
    const fault = optionsFault(options, ofCancel)
    const all = futuresIn("cancelAll cancels", scan(listed(futures)))
    if (fault !== undefined || !Array.isArray(all)) return Effect.die(fault ?? all)
    const request = cancelRequest(given(options))
    const cancelEach = (wait: boolean): Effect.Effect<void> =>
      Effect.forEach(all, (future) => future.home.owners.cancel(future, { ...request, wait }), { discard: true })
    return request.wait ? Effect.andThen(cancelEach(false), cancelEach(true)) : cancelEach(false)
  }) as any

/**
 * Gives the claim on a result back before its scope closes. A task that has not ended, and that no other owner wants, is
 * cancelled.
 *
 * @stability unstable
 * @category resource management
 * @since 0.1.0
 */
export const release = (self: Future<unknown, unknown>): Effect.Effect<void> =>
  Effect.suspend(() => internal.implOf(self).home.owners.release([internal.implOf(self)]))

/**
 * {@link release} for futures in arrays and records, or of a set or an iterator: those of one owner are released in one step.
 *
 * @stability unstable
 * @category resource management
 * @since 0.1.0
 */
export const releaseAll = <const I>(futures: I): Effect.Effect<void, never, Unsubmitted<Listed<I>>> =>
  Effect.suspend(() => {
    const all = futuresIn("releaseAll releases", scan(listed(futures)))
    return Array.isArray(all) ? releaseEach(all) : Effect.die(all)
  }) as any

/**
 * Takes a future over into the current scope: the result is held until that closes too.
 *
 * @stability unstable
 * @category resource management
 * @since 0.1.0
 */
export const keep = <A, E>(self: Future<A, E>): Effect.Effect<Future<A, E>, SkeinError, Scope.Scope> =>
  Effect.flatMap(
    Effect.scope,
    (scope) => internal.implOf(self).home.owners.keep(internal.implOf(self), scope)
  ) as any

/**
 * Publishes a future under a name, for others that pick it up with `Client.published`. Returns whether the name was free.
 *
 * **Details**
 *
 * The name belongs to the current scope, which claims the result: both end with the scope, or with `Client.unpublish`. A scope
 * that has picked the future up has a claim of its own, and keeps the result. Names are those of one scheduler. A task that has not
 * ended, or has failed, may be published too.
 *
 * **Example** (A model that many requests use)
 *
 * ```ts import.meta.vitest
 * import { Effect, Option } from "effect"
 * import { Client, Future, Skein, Task } from "skein"
 *
 * const request = Effect.scoped(Effect.gen(function*() {
 *   const model = Option.getOrThrow(yield* Client.published("model"))
 *   return yield* Client.compute(Task.map(model, (weights) => `answered with ${weights}`))
 * }))
 * const program = Effect.gen(function*() {
 *   const model = yield* Client.submit(Task.make(Effect.succeed("weights")))
 *   yield* Future.publish(model, "model")
 *   return yield* request
 * }).pipe(Effect.scoped, Effect.provide(Skein.layer()))
 * program // => "answered with weights"
 * ```
 *
 * @stability unstable
 * @category resource management
 * @since 0.1.0
 */
export const publish: {
  (name: string): (self: Future<unknown, unknown>) => Effect.Effect<boolean, SkeinError, Scope.Scope>
  (self: Future<unknown, unknown>, name: string): Effect.Effect<boolean, SkeinError, Scope.Scope>
} = dual(
  2,
  (self: Future<unknown, unknown>, name: string): Effect.Effect<boolean, SkeinError, Scope.Scope> =>
    Effect.flatMap(Effect.scope, (scope) => {
      const future = internal.implOf(self)
      const fault = valueFault(isName, "name", name)
      return fault === undefined ? future.home.published.publish(future, name, scope) : Effect.die(fault)
    })
)

/**
 * How many workers shall hold a result, or which.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type ReplicateOptions =
  | { readonly copies: number; readonly workers?: never }
  | { readonly workers: ReadonlyArray<string>; readonly copies?: never }

const ofReplicate: Checks<{ copies: number; workers: ReadonlyArray<string> }> = { copies: count, workers: names }

const replicateFault = (options: ReplicateOptions | undefined): Mistake | undefined => {
  const fault = optionsFault(options, ofReplicate)
  if (fault !== undefined) return fault
  const { copies, workers } = options ?? {}
  if (workers === undefined) return valueFault(count, "copies", copies)
  return copies === undefined ? undefined : invalidOption("copies", copies, "none beside workers")
}

/**
 * Lets several workers hold the result of a task, once it has one. Returns the ids of the workers that hold it.
 *
 * **When to use**
 *
 * For a result that is expensive to compute, when a worker may be lost: it is not computed again while another worker holds it.
 *
 * **Details**
 *
 * `copies` counts all holders; workers that hold the fewest results are chosen. `workers` names additional holders. Workers that
 * take no tasks are passed over, so the answer may have fewer workers than asked for. It is empty for a task that ended without
 * success, or whose future was cancelled or released. All copies are released together. A copy that is lost, or whose worker
 * leaves, is not replaced.
 *
 * **Gotchas**
 *
 * A result that owns a resource, or lives on such a result, stays with the worker that made it: the answer names that worker
 * alone.
 *
 * **Example** (Survive the loss of a worker)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Future, Skein, Task } from "skein"
 *
 * const program = Effect.gen(function*() {
 *   const model = yield* Client.submit(Task.make(Effect.succeed("weights")))
 *   return yield* Future.replicate(model, { workers: ["b"] })
 * }).pipe(
 *   Effect.scoped,
 *   Effect.provide(Skein.layer({ workers: [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1 }] }))
 * )
 * program // => ["a", "b"]
 * ```
 *
 * @stability unstable
 * @category resource management
 * @since 0.1.0
 */
export const replicate: {
  (options: ReplicateOptions): (
    self: Future<unknown, unknown>
  ) => Effect.Effect<ReadonlyArray<string>, SkeinError>
  (
    self: Future<unknown, unknown>,
    options: ReplicateOptions
  ): Effect.Effect<ReadonlyArray<string>, SkeinError>
} = dual(
  subjectFirst,
  (
    self: Future<unknown, unknown>,
    options: ReplicateOptions
  ): Effect.Effect<ReadonlyArray<string>, SkeinError> =>
    Effect.suspend((): Effect.Effect<ReadonlyArray<string>, SkeinError> => {
      const future = internal.implOf(self)
      const fault = replicateFault(options)
      if (fault !== undefined) return Effect.die(fault)
      const { copies = Infinity, workers } = options
      const replicated = Effect.sync(() => future.home.copies.replicate(future, copies, workers))
      // A result that stays with its worker comes here first, so that the copies are there when this returns.
      const brought = Effect.suspend(() => future.home.desk.bring([future]) ?? Effect.void)
      return Effect.andThen(awaitFirst([self]), Effect.andThen(brought, replicated))
    })
)

/**
 * Runs the body of the task that failed first again, in the calling fiber and with the same inputs, so that a breakpoint or a
 * stack trace leads into it. Succeeds and fails as that body does.
 *
 * **When to use**
 *
 * For debugging. `Client.retry` is for getting the result.
 *
 * **Details**
 *
 * The task is the root of the future's failure, however far upstream. Released inputs are computed again first; held ones are
 * reused. The body runs once, without the task's `retry`, `timeout` and slot, with the services of its submitter and a scope of
 * its own, which is closed at the end. `Worker.current` has the key of the task, the number of the attempt that failed, and the
 * worker `"inline"`. The scheduler's record of the task stays as it is.
 *
 * The body of a `flatMap` task is its function, which returns a task. Futures that `Client.retry` refuses are refused here too,
 * with `NotRetriable`. The idea is Dask's `recreate_error_locally`.
 *
 * **Gotchas**
 *
 * If a body failed with the error of a future that it joined, that body runs, and joins the future again.
 *
 * **Example** (Into the body that failed)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Future, Skein, Task } from "skein"
 *
 * const rows = Task.succeed(["1", "two"])
 * const numbers = Task.map(rows, (rows) => rows.map((row) => JSON.parse(row) as number), { key: "numbers" })
 * const total = Task.map(numbers, (numbers) => numbers.reduce((a, b) => a + b))
 *
 * const program = Effect.gen(function*() {
 *   const future = yield* Client.submit(total)
 *   yield* Future.await(future)
 *   // A breakpoint in the function of "numbers" stops here, in this fiber.
 *   const exit = yield* Effect.exit(Future.rerunInline(future))
 *   return exit._tag
 * }).pipe(Effect.scoped, Effect.provide(Skein.layer()))
 * program // => "Failure"
 * ```
 *
 * @stability unstable
 * @category running
 * @since 0.1.0
 */
export const rerunInline = <E>(
  self: Future<unknown, E>
): Effect.Effect<unknown, E | Root<E> | SkeinError | SubmitError> =>
  Effect.suspend(() => inline.rerunInline(internal.implOf(self))) as any

/**
 * Settles the task of a future from outside. Returns whether the task took this end.
 *
 * **When to use**
 *
 * When you know the outcome before the task does: from an earlier run, from another system, or by decision.
 *
 * **Details**
 *
 * A task that has not started never does, and its dependents go on with the value or the failure; with the failure `TaskSkipped`
 * it is skipped, as are they. A running task is interrupted: the given end is published when its finalizers have run, and its own
 * result is discarded. A `flatMap` task gives up its graph. A task that has ended, or was asked to stop, is not affected: the
 * answer is `false`. All owners and dependents see the same end. A worker holds the value like any other; if that worker is lost,
 * the task runs after all.
 *
 * To settle a task inside a graph, give it a key and submit the same `Task` object: that joins it, and returns a future of it.
 *
 * **Gotchas**
 *
 * The answer is also `false` if no worker is left that could hold a value.
 *
 * **Example** (Do not run what was done yesterday)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit } from "effect"
 * import { Client, Future, Skein, Task } from "skein"
 *
 * const load = Task.make(Effect.die("yesterday's server is gone"), { key: "load" })
 * const count = Task.map(load as Task.Task<string>, (text) => text.length)
 * const program = Effect.scoped(Effect.gen(function*() {
 *   const [loaded, counted] = yield* Client.submitAll([load as Task.Task<string>, count])
 *   yield* Future.settle(loaded, Exit.succeed("3,4,5"))
 *   return yield* Future.join(counted)
 * }))
 * program.pipe(Effect.provide(Skein.layer())) // => 5
 * ```
 *
 * @stability unstable
 * @category completion
 * @since 0.1.0
 */
export const settle: {
  <A, E>(exit: Exit.Exit<A, E>): (self: Future<A, E>) => Effect.Effect<boolean>
  <A, E>(self: Future<A, E>, exit: Exit.Exit<NoInfer<A>, NoInfer<E>>): Effect.Effect<boolean>
} = dual(
  2,
  <A, E>(self: Future<A, E>, exit: Exit.Exit<A, E>): Effect.Effect<boolean> =>
    Effect.sync(() => {
      const future = internal.implOf(self)
      return future.home.settling.settle(future, internal.checkedExit(exit))
    })
)
