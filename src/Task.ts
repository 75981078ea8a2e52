/**
 * Lazy, typed descriptions of work. A task is a value: making one runs nothing; the same task may be used in many graphs.
 *
 * Tasks, and futures of submitted ones, are dependencies wherever they lie in the inputs of another task. The type of a task has
 * all errors and requirements of its body and its dependencies.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { dual, identity } from "effect/Function"
import { hasProperty } from "effect/Predicate"
import type { Handle, Lifted, Needs, Own, Services as ServicesOf, Upstream, Values } from "./Inputs.ts"
import { givenEffect } from "./internal/bodies/bodies.ts"
import { callback } from "./internal/tasks/checks.ts"
import type { Future, Task } from "./internal/tasks/handles.ts"
import { codeOfFunction } from "./internal/tasks/keys.ts"
import { makeExit, makeTask, remakeTask } from "./internal/tasks/makeTask.ts"
import { normalize, replaced, withInvalid } from "./internal/tasks/options.ts"
import type { Called as CallResult, Given, GivenMembers, Result, Returned } from "./internal/tasks/refusals.ts"
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
 * @category utility types
 * @since 0.1.0
 */
export type Any = Task<any, any, any>

/**
 * What a task succeeds with.
 *
 * @category utility types
 * @since 0.1.0
 */
export type Success<T> = T extends Task<infer A, infer _E, infer _R> ? A : never

/**
 * What a task fails with.
 *
 * @category utility types
 * @since 0.1.0
 */
export type Error<T> = T extends Task<infer _A, infer E, infer _R> ? E : never

/**
 * What a task needs.
 *
 * @category utility types
 * @since 0.1.0
 */
export type Services<T> = T extends Task<infer _A, infer _E, infer R> ? R : never

export type {
  AnyOptions,
  NoOptions,
  OptionErrors,
  Options,
  OptionServices,
  OptionsFor,
  WorkerInfo,
  WorkerRestriction
} from "./internal/tasks/taskOptions.ts"

const wrap = (body: internal.Body, inputs: unknown, options: AnyOptions | undefined): any =>
  makeTask(body, inputs, normalize(options))

/**
 * Whether a value is a `Task`, also one of another copy of Skein, which everything that takes a task refuses in words.
 *
 * @category guards
 * @since 0.1.0
 */
export const isTask = (u: unknown): u is Task<unknown, unknown, unknown> => hasProperty(u, TaskTypeId)

/**
 * A task whose value is there from the start.
 *
 * @category constructors
 * @since 0.1.0
 */
export const succeed = <A>(value: A): Task<A> => wrap({ _tag: "value", value }, undefined, undefined)

/**
 * A value that is marked by {@link value}.
 *
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
 * A body that requires `Scope` gets the scope of its attempt. That closes, with everything that the body submitted, before the
 * attempt counts as ended.
 *
 * Inputs are read when the task is made: later changes of arrays and records have no effect. Where they hold tasks, the body gets
 * copies with values in place of tasks; parts without tasks are passed on as they are.
 *
 * **Gotchas**
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
 * const numbers = Task.make({ raw }, ({ raw }) => Effect.succeed(raw.split(",").map(Number)))
 * Task.run(numbers) // => [3, 4, 5]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: {
  <A, E, R, const O extends OptionsFor<O, E> = NoOptions>(
    run: Effect.Effect<A, E, R> & Result<A>,
    options?: O
  ): Task<A, Own<E> | OptionErrors<O>, Needs<R> | OptionServices<O>>
  <const I, A, E, R, const O extends OptionsFor<O, E> = NoOptions>(
    inputs: I,
    run: ((values: Values<I>) => Effect.Effect<A, E, R>) & OptionsOf<I> & Result<A> & GivenMembers<I>,
    options?: O
  ): Task<A, Own<E> | Upstream<I> | OptionErrors<O>, Needs<R> | ServicesOf<I> | OptionServices<O>>
} = (first: unknown, second?: unknown, third?: Options): any => effectful(first, second, third, normalize)

/** A task whose body is an effect, or a function of the inputs that gives one. */
const effectful = (
  first: unknown,
  second: unknown,
  third: Options | undefined,
  normal: (options: Options | undefined) => internal.TaskOptions
): unknown =>
  typeof second === "function"
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
 * @category constructors
 * @since 0.1.0
 */
export const resource: typeof make = (first: unknown, second?: unknown, third?: Options): any =>
  effectful(first, second, third, (options) => ({ ...normalize(options), resource: true }))

/**
 * A task that computes its value with a plain function. A throw is a defect. So is a returned promise, generator, Effect, Task or
 * Future, which nothing would run or wait for: use {@link make}, with `Effect.tryPromise` around a promise and `Effect.fn` around
 * a generator function, or {@link flatMap}. {@link value} marks one as a value.
 *
 * @category constructors
 * @since 0.1.0
 */
export const map = <const I, A, const O extends OptionsFor<O, never> = NoOptions>(
  inputs: I,
  f: ((values: Values<I>) => A) & Returned<A> & Given<I>,
  options?: O
): Task<A, Upstream<I> | OptionErrors<O>, ServicesOf<I> | OptionServices<O>> =>
  wrap({ _tag: "map", run: f as never }, inputs, options)

/**
 * A task without inputs that computes its value with a plain function. A throw is a defect, and so is a Promise or an Effect.
 *
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
 * @category constructors
 * @since 0.1.0
 */
export const flatMap = <const I, A, E, R, const O extends OptionsFor<O, never> = NoOptions>(
  inputs: I,
  f: ((values: Values<I>) => Task<A, E, R>) & Given<I>,
  options?: O
): Task<A, E | Upstream<I> | SubmitError | OptionErrors<O>, R | ServicesOf<I> | OptionServices<O>> =>
  wrap({ _tag: "flatMap", run: f as never }, inputs, options)

/**
 * A task whose value has the values of all its inputs, in the same shape.
 *
 * @category constructors
 * @since 0.1.0
 */
export const all = <const I, const O extends OptionsFor<O, never> = NoOptions>(
  inputs: I & Given<I>,
  options?: O
): Task<Values<I>, Upstream<I> | OptionErrors<O>, ServicesOf<I> | OptionServices<O>> =>
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
 * @category constructors
 * @since 0.1.0
 */
export const barrier = <
  const I extends Handle | ReadonlyArray<Handle>,
  const O extends Omit<OptionsFor<O, never>, "after"> = NoOptions
>(
  before: I,
  options?: O
): Task<void, Upstream<I> | OptionErrors<O>, ServicesOf<I> | OptionServices<O>> =>
  wrap({ _tag: "map", run: internal.noValue }, undefined, { ...options, after: before as AnyOptions["after"] })

/**
 * A task that succeeds with the exit of another, whatever that is: failures stop here.
 *
 * @category combinators
 * @since 0.1.0
 */
export const exit: {
  <A, E, R>(task: Task<A, E, R>): Task<Exit.Exit<A, E | SkeinError>, never, R>
  <A, E>(future: Future<A, E>): Task<Exit.Exit<A, E | SkeinError>>
} = (handle: unknown): any =>
  internal.isTask(handle) && internal.isPlainValue(handle)
    ? succeed(handle.body._tag === "value" ? Exit.succeed(handle.body.value) : handle)
    : makeExit(handle)

/**
 * The same work as another task, with options added or replaced.
 *
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
 * @category options
 * @since 0.1.0
 */
export interface FnOptions<N extends number = number, E = never, R = never, In = unknown> extends Options<E, R, In> {
  /** The prefix of keys of pure calls. Defaults to the function's name. */
  readonly name?: string | undefined
  /** The length of the tuple that the function returns, a whole number. Calls then return a task for each member. */
  readonly nout?: N | undefined
}

/** The bound of the options of a function that returns `Return`. */
interface FnOptionsFor<O, Return>
  extends OptionsFor<O, Return extends Effect.Effect<any, infer E, any> ? E : never>, Pick<FnOptions, "name" | "nout">
{}

/** {@link NoOptions} of a wrapped function. */
interface NoFnOptions extends NoOptions, Pick<FnOptions, "name" | "nout"> {}

/** To the types, an untyped function returns a plain value, and so does one that throws. */
type Called<Return, I, O> = IsAny<Return> extends true
  ? Split<any, Upstream<I> | OptionErrors<O>, ServicesOf<I> | OptionServices<O>, O>
  : [Return] extends [never] ? Task<never, Upstream<I> | OptionErrors<O>, ServicesOf<I> | OptionServices<O>>
  : Return extends Effect.Effect<infer A, infer E, infer R>
    ? Split<A, Own<E> | Upstream<I> | OptionErrors<O>, Needs<R> | ServicesOf<I> | OptionServices<O>, O>
  : Split<Return, Upstream<I> | OptionErrors<O>, ServicesOf<I> | OptionServices<O>, O>

type Split<A, E, R, O> = O extends { readonly nout: number }
  ? IsAny<A> extends true ? ReadonlyArray<Task<any, Member<E, R>, R>>
  : A extends ReadonlyArray<unknown> ? { readonly [K in keyof A]: Task<A[K], Member<E, R>, R> }
  : never
  : Task<A, E, R>

/** The errors of a member of a call's tuple. */
type Member<E, R> = [E] extends [never] ? never : Upstream<Task<unknown, E, R>>

/**
 * A function that makes tasks from the function given to {@link fn}. Arguments may be tasks, futures or values, also nested ones.
 *
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
 * The function may return an `Effect` or a plain value. With `pure`, the key of a call is the function's name with its arguments,
 * so equal calls of one function run once; an argument that has no canonical encoding is a `SubmitError` at submission. With
 * `nout` a function that returns a tuple gives a task for each member. The idea is Dask's `delayed`.
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
 * @category constructors
 * @since 0.1.0
 */
export const fn = <P extends ReadonlyArray<any>, Return, const O extends FnOptionsFor<O, Return> = NoFnOptions>(
  f: ((...args: P) => Return) & CallResult<Return>,
  options?: O
): Fn<P, Return, O> => {
  const { name = nameOf(f), nout, ...rest }: FnOptions<number, any, any, any> = options ?? {}
  const call = (args: unknown) => internal.toEffect(f(...args as P))
  const run = nout === undefined ? call : (args: unknown) => Effect.map(call(args), (all) => tuple(all, nout, name))
  const body: internal.Body = { _tag: "effect", run }
  const code = rest.pure === true ? codeOfFunction(f, nout) : undefined
  const given = code === undefined ? normalize(rest) : { ...normalize({ ...rest, name }), code }
  const isCount = nout === undefined || (Number.isInteger(nout) && nout >= 0)
  const wrong = callback("function of Task.fn", f) ??
    (isCount ? undefined : { option: "nout", value: nout, expected: "a whole number" })
  const normal = wrong === undefined ? given : withInvalid(given, wrong)
  return (...args): any => {
    const call = makeTask(body, args, normal) as any
    if (nout === undefined) return call
    // A member of a pure call is as pure as the call.
    const purely = (i: number) =>
      code === undefined
        ? internal.noOptions
        : { ...normalize({ pure: true, name: `${name}[${i}]` }), code: `${code}.${i}` }
    return Array.from(
      { length: isCount ? nout : 1 },
      (_, i) => makeTask({ _tag: "map", run: (all: any) => all[i] }, call, purely(i)) as any
    )
  }
}

const nameOf = (f: unknown): string => typeof f === "function" ? f.name : ""

/** The tuple of a call with `nout`, which must have a member for each task. */
const tuple = (all: unknown, nout: number, name: string): ReadonlyArray<unknown> => {
  if (Array.isArray(all) && all.length === nout) return all
  const found = Array.isArray(all) ? `a tuple of ${all.length}` : brief(all)
  const whose = name === "" ? "A function" : `The function ${quote(name)}`
  throw new TypeError(`${whose} with nout ${nout} gave ${found}: give a tuple of ${nout}, or another nout.`)
}

export {
  /**
   * Runs one task in a scheduler of its own, and stops the scheduler.
   *
   * **When to use**
   *
   * For scripts and examples. An application keeps one `Skein.layer` and uses `Client.compute`.
   *
   * @category running
   * @since 0.1.0
   */
  run
} from "./internal/client/run.ts"

export { dependenciesLost, dependsOn, require, reschedule, skip, unmet } from "./internal/bodies/taskSignals.ts"
