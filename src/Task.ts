/**
 * Lazy, typed descriptions of work. A task is a value: making one runs nothing; the same task may be used in many graphs.
 *
 * Tasks, and futures of submitted ones, are dependencies wherever they lie in the inputs of another task. The type of a task has
 * all errors and requirements of its body and its dependencies.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { constVoid, dual, identity } from "effect/Function"
import type * as Option from "effect/Option"
import { hasProperty } from "effect/Predicate"
import type * as EffectResult from "effect/Result"
import type { ExcludeTag, ExtractTag, NoInfer, Tags } from "effect/Types"
import { givenEffect } from "./internal/bodies/bodies.ts"
import { callback, isForPipe } from "./internal/tasks/checks.ts"
import type { Future, Task } from "./internal/tasks/handles.ts"
import { codeOfFunction } from "./internal/tasks/keys.ts"
import { makeExit, makeTask, remakeTask } from "./internal/tasks/makeTask.ts"
import { normalize, replaced, withInvalid } from "./internal/tasks/options.ts"
import type { Ran, RanError, RanServices, RanSuccess } from "./internal/tasks/ran.ts"
import type { Called as CallResult, Given, GivenMembers, Result, Returned } from "./internal/tasks/refusals.ts"
import type { Handle, Lifted, Needs, Own, Services, Upstream, Values } from "./internal/tasks/shapes.ts"
import * as internal from "./internal/tasks/task.ts"
import type {
  AnyOptions,
  NoOptions,
  OptionErrors,
  Options,
  OptionServices,
  OptionsFor,
  Retries
} from "./internal/tasks/taskOptions.ts"
import { brief } from "./internal/text/brief.ts"
import { quote } from "./internal/text/text.ts"
import type { IsAny } from "./internal/values/isAny.ts"
import { mean } from "./internal/values/strangers.ts"
import type { MeantAsValue } from "./internal/values/strangers.ts"
import { TaskTypeId } from "./internal/values/typeIds.ts"
import type { SkeinError, SubmitError } from "./SkeinError.ts"

export type { Task } from "./internal/tasks/handles.ts"

/**
 * Any task, as a bound for generic code.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Any = Task<any, any, any>

/**
 * What a task succeeds with.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Success<T> = T extends Task<infer A, infer _E, infer _R> ? A : never

/**
 * What a task fails with.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Error<T> = T extends Task<infer _A, infer E, infer _R> ? E : never

export type {
  Errors,
  Exits,
  Handle,
  Leaves,
  Lifted,
  Needs,
  Own,
  Services,
  Unsubmitted,
  Upstream,
  Values,
  WithoutSignals
} from "./internal/tasks/shapes.ts"

export type {
  AnyOptions,
  NoOptions,
  OptionErrors,
  Options,
  OptionServices,
  OptionsFor,
  RetryOptions,
  WorkerInfo,
  WorkerRestriction
} from "./internal/tasks/taskOptions.ts"

const wrap = (body: internal.Body, inputs: unknown, options: AnyOptions | undefined): any =>
  makeTask(body, inputs, normalize(options))

/**
 * Whether a value is a `Task`, also one of another copy of Skein, which everything that takes a task refuses in words.
 *
 * @stability unstable
 * @category guards
 * @since 0.1.0
 */
export const isTask = (u: unknown): u is Task<unknown, unknown, unknown> => hasProperty(u, TaskTypeId)

/**
 * A task whose value is there from the start.
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const succeed = <A>(value: A): Task<A> => wrap({ _tag: "value", value }, undefined, undefined)

/**
 * A task that fails with this error.
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const fail = <E>(error: E): Task<never, Own<E>> =>
  constantly(Effect.fail(error) as never, internal.noOptions) as any

const void_: Task<void> = succeed(undefined)

export {
  /**
   * A task whose value is `undefined`, which is there from the start.
   *
   * @stability unstable
   * @category constructors
   * @since 0.1.0
   */
  void_ as void
}

/**
 * A value that is marked by {@link value}.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Meant<A> = A & MeantAsValue

/**
 * Marks something as a value, whatever it looks like, and returns it.
 *
 * **When to use**
 *
 * To pass on something that a task refuses because it is most likely a mistake: an Effect, an Exit, a Task, a Future, a promise,
 * or a query that runs when it is awaited. As a result of a body it is a value like any other. Among inputs it is passed on as it
 * is and not searched for tasks; a marked task or future itself is still a dependency.
 *
 * **Example** (A task that chooses an effect)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Task } from "skein"
 *
 * const chosen = Task.sync(() => Task.value(Effect.succeed(42)))
 * const program = Effect.flatten(Task.run(chosen))
 * program // => 42
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const value = <A>(value: A): Meant<A> => mean(value) as Meant<A>

/** The options after an effect. The compiler reports errors of the last overload alone. */
type OptionsOf<I> = [I extends Effect.Effect<any, any, any> ? never : true] extends [never] ? OptionsOfEffect<I>
  : unknown

type OptionsOfEffect<I> = I extends Effect.Effect<any, infer E, any> ? OptionsFor<{ readonly timeout: 1 }, E> : never

/**
 * A task that runs an effect, or an effect of its inputs' values.
 *
 * **Details**
 *
 * A function of the inputs may be a generator function, which runs as in `Effect.gen`. With one task as input, the task may come
 * through `pipe`.
 *
 * A body that requires `Scope` gets the scope of its attempt. That closes, with everything that the body submitted, before the
 * attempt counts as ended.
 *
 * Inputs are read when the task is made: later changes of arrays and records have no effect. Where they hold tasks, the body gets
 * copies with values in place of tasks; parts without tasks are passed on as they are.
 *
 * **Gotchas**
 *
 * A function alone is the form for `pipe`. A body without inputs is an effect: `Task.make(Effect.gen(function*() {...}))`.
 *
 * An instance of a class that holds tasks is copied with the same prototype and fields, but without its constructor, so its
 * `#private` members are missing. Put such tasks into a plain record. An instance with symbols as keys is refused.
 *
 * **Example** (A dependency is an input)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Task } from "skein"
 *
 * const raw = Task.make(Effect.succeed("3,4,5"), { key: "raw" })
 * const numbers = raw.pipe(Task.make((raw) => Effect.succeed(raw.split(",").map(Number))))
 * const total = Task.make({ numbers }, function*({ numbers }) {
 *   yield* Effect.logDebug(`adds ${numbers.length} numbers`)
 *   return numbers.reduce((a, b) => a + b)
 * })
 * Task.run(total) // => 12
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const make: {
  <A, E, R, const O extends OptionsFor<O, E> = NoOptions<E>>(
    run: Effect.Effect<A, E, R> & Result<A>,
    options?: O
  ): Task<A, Own<E> | OptionErrors<O>, Needs<R> | OptionServices<O>>
  <V, X extends Ran, const O extends OptionsFor<O, RanError<X>> = NoOptions<RanError<X>>>(
    run: ((value: V) => X) & Result<RanSuccess<X>>,
    options?: O
  ): <E, R = never>(self: Task<V, E, R> | Future<V, E>) => Task<
    RanSuccess<X>,
    Own<RanError<X>> | Upstream<Future<V, E>> | OptionErrors<O>,
    Needs<RanServices<X>> | R | OptionServices<O>
  >
  <const I, X extends Ran, const O extends OptionsFor<O, RanError<X>> = NoOptions<RanError<X>>>(
    inputs: I,
    run: ((values: Values<I>) => X) & OptionsOf<I> & Result<RanSuccess<X>> & GivenMembers<I>,
    options?: O
  ): Task<
    RanSuccess<X>,
    Own<RanError<X>> | Upstream<I> | OptionErrors<O>,
    Needs<RanServices<X>> | Services<I> | OptionServices<O>
  >
} = (first: unknown, second?: unknown, third?: Options): any => effectful(first, second, third, normalize)

/** A task whose body is an effect, or a function of the inputs that gives one. */
const effectful = (
  first: unknown,
  second: unknown,
  third: Options | undefined,
  normal: (options: Options | undefined) => internal.TaskOptions
): unknown =>
  isForPipe(first, second)
    ? (self: unknown) => effectful(self, first, second as Options | undefined, normal)
    : typeof second === "function"
    ? makeTask({ _tag: "effect", run: second as never }, first, normal(third))
    : constantly(givenEffect("The body of the task", first as never), normal(second as Options | undefined))

const constantly = (effect: Effect.Effect<unknown>, options: internal.TaskOptions): internal.TaskImpl =>
  makeTask({ _tag: "effect", run: () => effect, constant: effect }, undefined, options)

/**
 * Like {@link make}, for a result that owns a resource: a connection, a pool, a file, a process. What the body acquires in its
 * `Scope` stays open as long as the result is there.
 *
 * **When to use**
 *
 * When several tasks share something that must be closed. The result of {@link make} must not need the body's scope, which closes
 * with the attempt.
 *
 * **Details**
 *
 * The finalizers run once, when the result is released: when it is not claimed and every dependent has ended. They hold no slot.
 * The owner that gives up the result last waits for them: the close of the scope in which it was submitted, the end of
 * `Client.compute`, or the close of the layer. An attempt that fails, is interrupted or times out closes what it acquired before
 * it counts as ended, so it can be tried again. A finalizer that fails is a warning in the log: the result was fine.
 *
 * Tasks that the body submits in its scope belong to the result too, and are cancelled at its release. A resource that is made
 * from another keeps that open until it is closed itself. Such results are never put into a cache.
 *
 * **Gotchas**
 *
 * A task whose own result contains the resource does not keep it open; `Task.flatMap` and `Task.exit` do. When `Client.compute`
 * returns a resource, it is already closed.
 *
 * **Example** (Two tasks share a connection)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Task } from "skein"
 *
 * const log: Array<string> = []
 * const connect = Effect.acquireRelease(Effect.succeed("connection"), () => Effect.sync(() => log.push("closed")))
 * const connection = Task.resource(connect)
 * const ask = (n: number) => Task.make(connection, (it) => Effect.sync(() => log.push(`${it}: ${n}`)))
 * const program = Effect.as(Task.run(Task.all([ask(1), ask(2)])), log)
 * program // => ["connection: 1", "connection: 2", "closed"]
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const resource: typeof make = (first: unknown, second?: unknown, third?: Options): any =>
  effectful(first, second, third, (options) => ({ ...normalize(options), resource: true }))

/**
 * A task that computes its value with a plain function. A throw is a defect. So is a returned promise, generator, Effect, Task or
 * Future, which nothing would run or wait for: use {@link make}, with `Effect.tryPromise` around a promise, or {@link flatMap}.
 * {@link value} marks one as a value.
 *
 * **Example** (One input, and several)
 *
 * ```ts import.meta.vitest
 * import { Task } from "skein"
 *
 * const words = Task.succeed("a bc d").pipe(Task.map((text) => text.split(" ")))
 * const lengths = words.pipe(Task.map((words) => words.map((word) => word.length), { label: "lengths" }))
 * const longest = Task.map({ words, lengths }, ({ words, lengths }) => words[lengths.indexOf(Math.max(...lengths))])
 * Task.run(longest) // => "bc"
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const map: {
  <V, A, const O extends OptionsFor<O, never> = NoOptions>(
    f: ((value: V) => A) & Returned<A>,
    options?: O
  ): <E, R = never>(
    self: Task<V, E, R> | Future<V, E>
  ) => Task<A, Upstream<Future<V, E>> | OptionErrors<O>, R | OptionServices<O>>
  <const I, A, const O extends OptionsFor<O, never> = NoOptions>(
    inputs: I,
    f: ((values: Values<I>) => A) & Returned<A> & Given<I>,
    options?: O
  ): Task<A, Upstream<I> | OptionErrors<O>, Services<I> | OptionServices<O>>
} = (first: unknown, second?: unknown, third?: Options): any =>
  isForPipe(first, second)
    ? (self: unknown) => wrap({ _tag: "map", run: first as never }, self, second as Options | undefined)
    : wrap({ _tag: "map", run: second as never }, first, third)

/**
 * A task without inputs that computes its value with a plain function. A throw is a defect, and so is a Promise or an Effect.
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const sync = <A, const O extends OptionsFor<O, never> = NoOptions>(
  f: (() => A) & Returned<A>,
  options?: O
): Task<A, OptionErrors<O>, OptionServices<O>> => wrap({ _tag: "map", run: f }, undefined, options)

/**
 * A task that ends as the task that `f` returns: for graphs that depend on data.
 *
 * **Details**
 *
 * `f` is the body; attempt, slot, retry and timeout cover `f` alone. Then the task waits without a slot while the returned graph
 * runs as its children. It ends with the inner task's own error. `SubmitError` is in its type because that graph is checked only
 * then.
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const flatMap: {
  <V, A, E2, R2, const O extends OptionsFor<O, never> = NoOptions>(
    f: (value: V) => Task<A, E2, R2>,
    options?: O
  ): <E, R = never>(self: Task<V, E, R> | Future<V, E>) => Task<
    A,
    E2 | Upstream<Future<V, E>> | SubmitError | OptionErrors<O>,
    R2 | R | OptionServices<O>
  >
  <const I, A, E, R, const O extends OptionsFor<O, never> = NoOptions>(
    inputs: I,
    f: ((values: Values<I>) => Task<A, E, R>) & Given<I>,
    options?: O
  ): Task<A, E | Upstream<I> | SubmitError | OptionErrors<O>, R | Services<I> | OptionServices<O>>
} = (first: unknown, second?: unknown, third?: Options): any =>
  isForPipe(first, second)
    ? (self: unknown) => wrap({ _tag: "flatMap", run: first as never }, self, second as Options | undefined)
    : wrap({ _tag: "flatMap", run: second as never }, first, third)

/**
 * A task whose value has the values of all its inputs, in the same shape.
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const all = <const I, const O extends OptionsFor<O, never> = NoOptions>(
  inputs: I & Given<I>,
  options?: O
): Task<Values<I>, Upstream<I> | OptionErrors<O>, Services<I> | OptionServices<O>> =>
  wrap({ _tag: "map", run: identity }, inputs, options)

/**
 * A task without a value that ends when all of its dependencies have. A task that starts `after` it starts after all of them.
 *
 * **When to use**
 *
 * When each of m tasks must start after all of n others. Listed one by one these are n x m edges; through a barrier they are n +
 * m, with the same results and failures.
 *
 * **Example** (Two phases)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Task } from "skein"
 *
 * const done: Array<string> = []
 * const step = (name: string, after?: Task.Task<void>) =>
 *   Task.make(Effect.sync(() => void done.push(name)), after === undefined ? {} : { after })
 *
 * const loaded = Task.barrier(["load a", "load b", "load c"].map((name) => step(name)))
 * const program = Effect.map(Task.run(Task.all([step("check", loaded), step("sum", loaded)])), () => done)
 * program // => ["load a", "load b", "load c", "check", "sum"]
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const barrier = <
  const I extends Handle | ReadonlyArray<Handle>,
  const O extends Omit<OptionsFor<O, never>, "after"> = NoOptions
>(
  before: I,
  options?: O
): Task<void, Upstream<I> | OptionErrors<O>, Services<I> | OptionServices<O>> =>
  wrap({ _tag: "map", run: internal.noValue }, undefined, { ...options, after: before as AnyOptions["after"] })

/**
 * A task that gives the value of another without it: this value in its place.
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const as: {
  <B>(
    value: B & Returned<B>
  ): <A, E, R = never>(self: Task<A, E, R> | Future<A, E>) => Task<B, Upstream<Future<A, E>>, R>
  <A, E, B, R = never>(self: Task<A, E, R> | Future<A, E>, value: B & Returned<B>): Task<B, Upstream<Future<A, E>>, R>
} = dual(2, (self: unknown, value: unknown): any => wrap({ _tag: "map", run: () => value }, self, undefined))

/**
 * A task without a value that ends as another does.
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const asVoid = <A, E, R = never>(self: Task<A, E, R> | Future<A, E>): Task<void, Upstream<Future<A, E>>, R> =>
  wrap({ _tag: "map", run: constVoid }, self, undefined)

/**
 * A task that runs an effect of the value of another, and gives that value on. It fails as the effect does.
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const tap: {
  <A, X, E2, R2>(
    f: (value: NoInfer<A>) => Effect.Effect<X, E2, R2>
  ): <E, R = never>(self: Task<A, E, R> | Future<A, E>) => Task<A, Own<E2> | Upstream<Future<A, E>>, Needs<R2> | R>
  <A, E, X, E2, R2, R = never>(
    self: Task<A, E, R> | Future<A, E>,
    f: (value: NoInfer<A>) => Effect.Effect<X, E2, R2>
  ): Task<A, Own<E2> | Upstream<Future<A, E>>, Needs<R2> | R>
} = dual(2, (self: unknown, f: (value: unknown) => Effect.Effect<unknown>): any =>
  wrap(
    { _tag: "effect", run: (value) => Effect.as(givenEffect("The effect of Task.tap", f(value)), value) },
    self,
    undefined
  ))

/**
 * A task that succeeds with the exit of another, whatever that is: failures stop here.
 *
 * **Details**
 *
 * The exit is an Effect, so `Task.make(Task.exit(task), f)` applies any operator of Effect to the end of a task. {@link catch},
 * {@link catchTag}, {@link mapError}, {@link result}, {@link option} and {@link orElseSucceed} are made in this way: two tasks
 * each, of which the one that gives the exit takes no slot.
 *
 * @stability unstable
 * @category error handling
 * @since 0.1.0
 */
export const exit = <A, E, R = never>(
  self: Task<A, E, R> | Future<A, E>
): Task<Exit.Exit<A, E | SkeinError>, never, R> => exitOf(self) as any

const exitOf = (handle: unknown): unknown =>
  internal.isTask(handle) && internal.isPlainValue(handle)
    ? succeed(handle.body._tag === "value" ? Exit.succeed(handle.body.value) : handle)
    : makeExit(handle)

/** A task that ends as an operator of Effect says, applied to the exit of another. */
const observed = (self: unknown, f: (exit: Effect.Effect<unknown, unknown>) => Effect.Effect<unknown, unknown>): any =>
  wrap({ _tag: "effect", run: f as never }, exitOf(self), undefined)

/**
 * A task that succeeds with the value of another, or with the error with which it ended. A defect stays one.
 *
 * @stability unstable
 * @category error handling
 * @since 0.1.0
 */
export const result = <A, E, R = never>(
  self: Task<A, E, R> | Future<A, E>
): Task<EffectResult.Result<A, E | SkeinError>, never, R> => observed(self, Effect.result)

/**
 * A task that succeeds with the value of another, or with none if it ended with an error. A defect stays one.
 *
 * @stability unstable
 * @category error handling
 * @since 0.1.0
 */
export const option = <A, E, R = never>(self: Task<A, E, R> | Future<A, E>): Task<Option.Option<A>, never, R> =>
  observed(self, Effect.option)

const catch_: {
  <E, B, E2, R2>(
    f: ((error: E | SkeinError) => Effect.Effect<B, E2, R2>) & Result<B>
  ): <A, R = never>(self: Task<A, E, R> | Future<A, E>) => Task<A | B, Own<E2>, Needs<R2> | R>
  <A, E, B, E2, R2, R = never>(
    self: Task<A, E, R> | Future<A, E>,
    f: ((error: E | SkeinError) => Effect.Effect<B, E2, R2>) & Result<B>
  ): Task<A | B, Own<E2>, Needs<R2> | R>
} = dual(
  2,
  (self: unknown, f: (error: unknown) => Effect.Effect<unknown>): any =>
    observed(self, Effect.catch((error) => givenEffect("The handler of Task.catch", f(error))))
)

export {
  /**
   * A task that ends as another does or, if that fails, as an effect of its error.
   *
   * **When to use**
   *
   * To go on after a failure. {@link orElse} goes on with another task.
   *
   * **Details**
   *
   * The handler sees what {@link exit} sees: the errors in the type of the task, and those that can happen to any task, such as a
   * cancellation. An error of something that the task depends on is a `DependencyFailed` there, as it is for the task itself. A
   * defect is not caught. `retry` of the task comes first: the handler sees its last error.
   *
   * **Example** (A default for one error)
   *
   * ```ts import.meta.vitest
   * import { Effect } from "effect"
   * import { Task } from "skein"
   *
   * const config = Task.make(Effect.fail("no such file")).pipe(
   *   Task.catch((error) => Effect.succeed({ port: 80, because: String(error) }))
   * )
   * Task.run(config) // => { port: 80, because: "no such file" }
   * ```
   *
   * @stability unstable
   * @category error handling
   * @since 0.1.0
   */
  catch_ as catch
}

/** The tags of a tag or of a list of them. */
type TagOf<K> = K extends ReadonlyArray<infer T extends string> ? T : K & string

/**
 * {@link catch} for the errors with one of these tags. The task fails with the others as the first one did.
 *
 * **Example** (One error of several)
 *
 * ```ts import.meta.vitest
 * import { Data, Effect } from "effect"
 * import { Task } from "skein"
 *
 * class NotFound extends Data.TaggedError("NotFound")<{ readonly id: number }> {}
 * class Refused extends Data.TaggedError("Refused") {}
 *
 * const find = (id: number) => Task.make(id > 0 ? Effect.fail(new NotFound({ id })) : Effect.fail(new Refused()))
 * // Task<string, Refused>
 * const name = find(7).pipe(Task.catchTag("NotFound", ({ id }) => Effect.succeed(`nobody ${id}`)))
 * Task.run(name) // => "nobody 7"
 * ```
 *
 * @stability unstable
 * @category error handling
 * @since 0.1.0
 */
export const catchTag: {
  <
    const K extends
      | Tags<E | SkeinError>
      | readonly [Tags<E | SkeinError>, ...ReadonlyArray<Tags<E | SkeinError>>],
    E,
    B,
    E2,
    R2
  >(
    tag: K,
    f: ((error: ExtractTag<NoInfer<E> | SkeinError, TagOf<K>>) => Effect.Effect<B, E2, R2>) & Result<B>
  ): <A, R = never>(
    self: Task<A, E, R> | Future<A, E>
  ) => Task<A | B, ExcludeTag<E, TagOf<K>> | Own<E2>, Needs<R2> | R>
  <
    A,
    E,
    const K extends
      | Tags<E | SkeinError>
      | readonly [Tags<E | SkeinError>, ...ReadonlyArray<Tags<E | SkeinError>>],
    B,
    E2,
    R2,
    R = never
  >(
    self: Task<A, E, R> | Future<A, E>,
    tag: K,
    f: ((error: ExtractTag<E | SkeinError, TagOf<K>>) => Effect.Effect<B, E2, R2>) & Result<B>
  ): Task<A | B, ExcludeTag<E, TagOf<K>> | Own<E2>, Needs<R2> | R>
} = dual(3, (self: unknown, tag: never, f: (error: unknown) => Effect.Effect<unknown>): any =>
  observed(
    self,
    (exit) => Effect.catchTag(exit, tag, (error: unknown) => givenEffect("The handler of Task.catchTag", f(error)))
  ))

/**
 * A task that ends as another does, with its error mapped. The function sees the errors that {@link catch} sees.
 *
 * @stability unstable
 * @category error handling
 * @since 0.1.0
 */
export const mapError: {
  <E, E2>(
    f: (error: E | SkeinError) => E2
  ): <A, R = never>(self: Task<A, E, R> | Future<A, E>) => Task<A, Own<E2>, R>
  <A, E, E2, R = never>(
    self: Task<A, E, R> | Future<A, E>,
    f: (error: E | SkeinError) => E2
  ): Task<A, Own<E2>, R>
} = dual(2, (self: unknown, f: (error: unknown) => unknown): any => observed(self, Effect.mapError(f)))

/**
 * A task that ends as another does or, if that fails with an error, with a value.
 *
 * @stability unstable
 * @category error handling
 * @since 0.1.0
 */
export const orElseSucceed: {
  <B>(value: () => B & Returned<B>): <A, E, R = never>(self: Task<A, E, R> | Future<A, E>) => Task<A | B, never, R>
  <A, E, B, R = never>(self: Task<A, E, R> | Future<A, E>, value: () => B & Returned<B>): Task<A | B, never, R>
} = dual(2, (self: unknown, value: () => unknown): any => observed(self, Effect.orElseSucceed(value)))

/**
 * A task that ends as another does or, if that fails, as the task that `f` returns: a {@link flatMap} of the failure.
 *
 * **Example** (Another mirror)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Task } from "skein"
 *
 * const main = Task.make(Effect.fail("down"), { key: "main" })
 * const mirror = Task.make(Effect.succeed("text"), { key: "mirror" })
 * Task.run(main.pipe(Task.orElse(() => mirror))) // => "text"
 * ```
 *
 * @stability unstable
 * @category error handling
 * @since 0.1.0
 */
export const orElse: {
  <E, B, E2, R2>(
    f: (error: E | SkeinError) => Task<B, E2, R2>
  ): <A, R = never>(self: Task<A, E, R> | Future<A, E>) => Task<A | B, E2 | SubmitError, R2 | R>
  <A, E, B, E2, R2, R = never>(
    self: Task<A, E, R> | Future<A, E>,
    f: (error: E | SkeinError) => Task<B, E2, R2>
  ): Task<A | B, E2 | SubmitError, R2 | R>
} = dual(
  2,
  (self: unknown, f: (error: unknown) => unknown): any =>
    wrap(
      { _tag: "flatMap", run: (exit) => elseTask(exit as Exit.Exit<unknown, unknown>, f) as never },
      exitOf(self),
      undefined
    )
)

/** A success and a defect stay as they are. */
const elseTask = (exit: Exit.Exit<unknown, unknown>, f: (error: unknown) => unknown): unknown => {
  if (Exit.isSuccess(exit)) return succeed(exit.value)
  const error = Cause.findErrorOption(exit.cause)
  return error._tag === "Some" ? f(error.value) : constantly(exit as Exit.Exit<never>, internal.noOptions)
}

/**
 * The same work as another task, with options added or replaced.
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const withOptions: {
  <const O extends AnyOptions>(
    options: O
  ): <A, E, R>(self: Task<A, E, R> & Retries<O, E>) => Task<A, E | OptionErrors<O>, R | OptionServices<O>>
  <A, E, R, const O extends OptionsFor<O, E>>(
    self: Task<A, E, R>,
    options: O
  ): Task<A, E | OptionErrors<O>, R | OptionServices<O>>
} = dual(
  2,
  (self: internal.TaskImpl, options: Options): any =>
    internal.isTask(self)
      ? remakeTask(self, replaced(self.options, options))
      : makeTask(
        { _tag: "value", value: undefined },
        undefined,
        withInvalid(normalize(options), { option: "task of Task.withOptions", value: self, expected: "a task" })
      )
)

/**
 * Options of a wrapped function.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface FnOptions<N extends number = number, E = never, R = never, In = unknown> extends Options<E, R, In> {
  /** The prefix of keys of pure calls. Defaults to the function's name. */
  readonly name?: string | undefined
  /** The length of the tuple that the function returns, a whole number. Calls then return a task for each member. */
  readonly tuple?: N | undefined
}

/** The bound of the options of a function that returns `Return`. */
interface FnOptionsFor<O, Return> extends OptionsFor<O, RanError<Return>>, Pick<FnOptions, "name" | "tuple"> {}

/** The options of a function that has its name before it. */
interface NamedFnOptions extends AnyOptions, Pick<FnOptions, "tuple"> {}

/**
 * {@link NoOptions} of a wrapped function.
 *
 * @internal
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface NoFnOptions extends NoOptions, Pick<FnOptions, "name" | "tuple"> {}

/**
 * The same for a function that has its name before it.
 *
 * @internal
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface NoNamedFnOptions extends NoOptions, Pick<FnOptions, "tuple"> {}

/** To the types, an untyped function returns a plain value, and so does one that throws. */
type Called<Return, I, O> = IsAny<Return> extends true
  ? Split<any, Upstream<I> | OptionErrors<O>, Services<I> | OptionServices<O>, O>
  : [Return] extends [never] ? Task<never, Upstream<I> | OptionErrors<O>, Services<I> | OptionServices<O>>
  : Return extends Ran ? Split<
      RanSuccess<Return>,
      Own<RanError<Return>> | Upstream<I> | OptionErrors<O>,
      Needs<RanServices<Return>> | Services<I> | OptionServices<O>,
      O
    >
  : Split<Return, Upstream<I> | OptionErrors<O>, Services<I> | OptionServices<O>, O>

type Split<A, E, R, O> = O extends { readonly tuple: number }
  ? IsAny<A> extends true ? ReadonlyArray<Task<any, Member<E, R>, R>>
  : A extends ReadonlyArray<unknown> ? { readonly [K in keyof A]: Task<A[K], Member<E, R>, R> }
  : never
  : Task<A, E, R>

/** The errors of a member of a call's tuple. */
type Member<E, R> = [E] extends [never] ? never : Upstream<Task<unknown, E, R>>

/**
 * A function that makes tasks from the function given to {@link fn}. Arguments may be tasks, futures or values, also nested ones.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Fn<P extends ReadonlyArray<any>, Return, O> {
  <const I extends { readonly [K in keyof P]: Lifted<P[K]> }>(...args: I): Called<Return, I, O>
}

/**
 * Turns a function into one that makes tasks: a call makes a task and runs nothing. Arguments may be tasks, futures or values,
 * also nested ones.
 *
 * **Details**
 *
 * The function may return an `Effect` or a plain value, or be a generator function, which runs as in `Effect.gen`. A name before
 * it, as in `Effect.fn`, is the label of the calls. With `pure`, the key of a call is the function's name with its arguments,
 * so equal calls of one function run once; an argument that has no canonical encoding is a `SubmitError` at submission. With
 * `tuple` a function that returns a tuple gives a task for each member. The idea is Dask's `delayed`.
 *
 * **Example** (Calls that build a graph)
 *
 * ```ts import.meta.vitest
 * import { Task } from "skein"
 *
 * const add = Task.fn((a: number, b: number) => a + b)
 * Task.run(add(add(1, 2), add(3, 4))) // => 10
 * ```
 *
 * **Example** (A generator function with a name)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Task } from "skein"
 *
 * const load = Task.fn("load")(function*(id: number) {
 *   yield* Effect.logDebug(`loads ${id}`)
 *   return { id, name: `user ${id}` }
 * })
 * Task.run(Task.map(load(7), ({ name }) => name)) // => "user 7"
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const fn: {
  <const O extends NamedFnOptions = NoNamedFnOptions>(
    name: string,
    options?: O
  ): <P extends ReadonlyArray<any>, Return>(
    f: ((...args: P) => Return) & CallResult<Return> & Retries<O, RanError<Return>>
  ) => Fn<P, Return, O>
  <P extends ReadonlyArray<any>, Return, const O extends FnOptionsFor<O, Return> = NoFnOptions>(
    f: ((...args: P) => Return) & CallResult<Return>,
    options?: O
  ): Fn<P, Return, O>
} = (first: unknown, options?: NamedFnOptions): any =>
  typeof first === "string"
    ? (f: unknown) => wrapped(f, { label: first, ...options, name: first })
    : wrapped(first, options)

const wrapped = (given: unknown, options: FnOptions<number, any, any, any> | undefined) => {
  const f = given as (...args: ReadonlyArray<unknown>) => unknown
  const { name = nameOf(f), tuple, ...rest } = options ?? {}
  const call = (args: unknown) => internal.toEffect(f(...args as ReadonlyArray<unknown>))
  const run = tuple === undefined ? call : (args: unknown) => Effect.map(call(args), (all) => tupleOf(all, tuple, name))
  const body: internal.Body = { _tag: "effect", run }
  const code = rest.pure === true ? codeOfFunction(f, tuple) : undefined
  const normalized = code === undefined ? normalize(rest) : { ...normalize({ ...rest, name }), code }
  const isCount = tuple === undefined || (Number.isInteger(tuple) && tuple >= 0)
  const wrong = callback("function of Task.fn", f) ??
    (isCount ? undefined : { option: "tuple", value: tuple, expected: "a whole number" })
  const normal = wrong === undefined ? normalized : withInvalid(normalized, wrong)
  return (...args: ReadonlyArray<unknown>): any => {
    const call = makeTask(body, args, normal) as any
    if (tuple === undefined) return call
    // A member of a pure call is as pure as the call.
    const purely = (i: number) =>
      code === undefined
        ? internal.noOptions
        : { ...normalize({ pure: true, name: `${name}[${i}]` }), code: `${code}.${i}` }
    return Array.from(
      { length: isCount ? tuple : 1 },
      (_, i) => makeTask({ _tag: "map", run: (all: any) => all[i] }, call, purely(i)) as any
    )
  }
}

const nameOf = (f: unknown): string => typeof f === "function" ? f.name : ""

/** The result of a call with `tuple`, which must have a member for each task. */
const tupleOf = (all: unknown, length: number, name: string): ReadonlyArray<unknown> => {
  if (Array.isArray(all) && all.length === length) return all
  const found = Array.isArray(all) ? `a tuple of ${all.length}` : brief(all)
  const whose = name === "" ? "A function" : `The function ${quote(name)}`
  throw new TypeError(
    `${whose} with the option tuple ${length} gave ${found}: give a tuple of ${length}, or change the option.`
  )
}

export {
  /**
   * Runs one task in a scheduler of its own, and stops the scheduler.
   *
   * **When to use**
   *
   * For scripts and examples. An application keeps one `Skein.layer` and uses `Client.compute`.
   *
   * @stability unstable
   * @category running
   * @since 0.1.0
   */
  run
} from "./internal/client/run.ts"
