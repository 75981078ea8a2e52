/**
 * Submits tasks and gets their results. A client belongs to one scheduler; `Skein.layer` provides both.
 *
 * Inside a body the same client is available: tasks submitted there are children of that body's task, and waiting frees its slot.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import type * as Option from "effect/Option"
import { isIterable } from "effect/Predicate"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { replicate } from "./Future.ts"
import { CurrentAnnotations, inside } from "./internal/bodies/annotations.ts"
import { withClient } from "./internal/client/client.ts"
import type { Client } from "./internal/client/client.ts"
import { makeCompletions, streamOf } from "./internal/client/completions.ts"
import type { CompletionOptions, Completions } from "./internal/client/completions.ts"
import type {
  Computable,
  ComputeOptions,
  Failure,
  Result,
  Shape,
  ShapeOfTasks,
  SubmitOptions
} from "./internal/client/computing.ts"
import type { ForEach, ForEachInPipe } from "./internal/client/mapping.ts"
import { isSource } from "./internal/client/sources.ts"
import type { StreamInPipe, StreamOf } from "./internal/client/streaming.ts"
import { submitShape } from "./internal/client/submitting.ts"
import type { FuturesIn, Submittable, TasksIn } from "./internal/client/submitting.ts"
import { defaultGroup } from "./internal/client/verbs.ts"
import type { FireOptions } from "./internal/client/verbs.ts"
import type { CancelOptions } from "./internal/tasks/cancelling.ts"
import { flag, given, isForPipe, optionsFault, subjectFirst } from "./internal/tasks/checks.ts"
import type { Checks, Mode } from "./internal/tasks/checks.ts"
import type { Future, Task } from "./internal/tasks/handles.ts"
import { codeOfFunction } from "./internal/tasks/keys.ts"
import { makeTask } from "./internal/tasks/makeTask.ts"
import { normalize } from "./internal/tasks/options.ts"
import type { Listed, Needs, Services, WithoutSignals } from "./internal/tasks/shapes.ts"
import type * as internal from "./internal/tasks/task.ts"
import type { Annotations } from "./internal/tasks/taskOptions.ts"
import type { IsAny } from "./internal/values/isAny.ts"
import type { SkeinError, SubmitError } from "./SkeinError.ts"

export { CurrentAnnotations } from "./internal/bodies/annotations.ts"

export { Client } from "./internal/client/client.ts"

export type { CompletionOptions, Completions } from "./internal/client/completions.ts"
export type {
  Callbacks,
  ComputeOptions,
  Conflict,
  Failure,
  Pass,
  Result,
  ResultCache,
  SubmitOptions
} from "./internal/client/computing.ts"
export type { StreamEachOptions, StreamOptions } from "./internal/client/streamOptions.ts"
export type { Mode } from "./internal/tasks/checks.ts"
export type { Annotations } from "./internal/tasks/taskOptions.ts"

export { defaultGroup } from "./internal/client/verbs.ts"

export type { FireOptions } from "./internal/client/verbs.ts"

export type { ForEachOptions } from "./internal/client/mapping.ts"

/**
 * Submits a task and returns its future at once.
 *
 * **Details**
 *
 * The current `Scope` claims the result until it closes. Closing cancels the task if it has not ended and no other owner wants
 * it. Its dependencies are submitted with it, each task once. A graph of some 16,384 tasks or more is entered in turns: timers and
 * I/O go on meanwhile, and the future is there when all is entered.
 *
 * @stability unstable
 * @category forking
 * @since 0.1.0
 */
export const submit: <Arg extends Task<any, any, any> | SubmitOptions>(
  taskOrOptions: Arg,
  // A number is the index that `Effect.forEach(tasks, Client.submit)` passes.
  options?: SubmitOptions | number
) => Submit<Arg> = dual(
  subjectFirst,
  (task: internal.TaskImpl, options?: SubmitOptions | number): any =>
    Effect.map(
      withClient((client) => client.submitAll([task as unknown as Task<any, any, any>], given(options))),
      ([future]) => future
    )
)

/** What a submission gives or, of options alone, the function that submits. An editor shows it in full, as it has no other name. */
type Submit<Arg> = IsAny<Arg> extends true ? Effect.Effect<Future<any, any>, SubmitError, Client | Scope.Scope>
  : [Arg] extends [Task<infer A, infer E, infer R>]
    ? Effect.Effect<Future<A, WithoutSignals<E>>, SubmitError, Needs<R> | Client | Scope.Scope>
  : <A, E, R>(
    task: Task<A, E, R>
  ) => Effect.Effect<Future<A, WithoutSignals<E>>, SubmitError, Needs<R> | Client | Scope.Scope>

/**
 * Submits several tasks as one graph, and returns a future for each, in the same shape.
 *
 * **Details**
 *
 * Tasks stand in arrays and records, up to five levels down, are the members of a set or an iterator, or those of a `TaskGraph`.
 *
 * **Example** (Futures by name)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Future, Skein, Task } from "skein"
 *
 * const program = Effect.gen(function*() {
 *   const futures = yield* Client.submitAll({ one: Task.succeed(1), others: [Task.succeed(2), Task.succeed(3)] })
 *   const one = yield* Future.join(futures.one)
 *   return [one, yield* Future.joinAll(futures.others)]
 * }).pipe(Effect.scoped, Effect.provide(Skein.layer()))
 * program // => [1, [2, 3]]
 * ```
 *
 * @stability unstable
 * @category forking
 * @since 0.1.0
 */
export const submitAll = <const I>(
  tasks: I & (Submittable<I> | TasksIn),
  options?: SubmitOptions | number
): Effect.Effect<FuturesIn<I>, SubmitError, Needs<Services<Shape<Listed<I>>>> | Client | Scope.Scope> =>
  withClient((client) => submitShape(tasks, (tasks) => client.submitAll(tasks, given(options)))) as any

/**
 * Runs a task that ended without success again, and returns a new future for it.
 *
 * **When to use**
 *
 * When the cause is mended: a file is there now, a server is up. For failures that pass by themselves, use the option `retry` of
 * the task.
 *
 * **Details**
 *
 * The task runs, and of its upstream the tasks without a result: those that failed, were cancelled or never started, and those
 * whose results were released since. Held results are reused, whoever claims them; a task that has not ended is joined. So only
 * the failed part of a computation runs twice.
 *
 * Everything runs as it was submitted, with the same bodies, options and services. It is a new submission in the current scope:
 * attempts count from 1, schedules and deadlines start over, and automatic keys are new. A key of your own names the new run from
 * now on.
 *
 * The old future, and all that failed with it, keep their outcomes. A task that was cancelled, timed out or was `Starved` may be
 * retried like one that failed. One that has not ended, has succeeded, or whose result was released is refused with the reason
 * `NotRetriable`.
 *
 * **Gotchas**
 *
 * A `flatMap` task calls its function again, which returns a new graph: of the former one only tasks with keys are reused. Two
 * retries of one future are two runs, unless a key joins them; {@link retryAll} runs the tasks that several futures share once.
 *
 * **Example** (Once the file is there)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Future, Skein, Task } from "skein"
 *
 * const files = new Map<string, string>()
 * const read = Task.make(Effect.suspend(() => Effect.fromNullishOr(files.get("data.csv"))))
 *
 * const program = Effect.gen(function*() {
 *   const length = yield* Client.submit(Task.map(read, (text) => text.length))
 *   const failed = yield* Effect.exit(Future.join(length))
 *   files.set("data.csv", "1,2,3")
 *   const again = yield* Client.retry(length)
 *   return [failed._tag, yield* Future.join(again)]
 * }).pipe(Effect.scoped, Effect.provide(Skein.layer()))
 * program // => ["Failure", 5]
 * ```
 *
 * @stability unstable
 * @category forking
 * @since 0.1.0
 */
export const retry = <A, E>(
  future: Future<A, E>
): Effect.Effect<Future<A, E>, SubmitError, Client | Scope.Scope> =>
  Effect.map(withClient((client) => client.retryAll([future])), ([again]) => again)

/**
 * {@link retry} for several futures at once: tasks that they share run once.
 *
 * @stability unstable
 * @category forking
 * @since 0.1.0
 */
export const retryAll = <const F extends ReadonlyArray<Future<any, any>>>(
  futures: F
): Effect.Effect<{ -readonly [K in keyof F]: F[K] }, SubmitError, Client | Scope.Scope> =>
  withClient((client) => client.retryAll<F>(futures))

/**
 * Runs the targets and all their dependencies, and returns the values in the shape of the targets.
 *
 * **Details**
 *
 * Needs no scope: it owns the tasks that it starts, and none of them is running when it returns or is interrupted. Tasks that
 * targets share run once. `targets` may be a task, a future, or arrays and records of them, or a `TaskGraph`, for all of its tasks.
 *
 * @stability unstable
 * @category running
 * @since 0.1.0
 */
export const compute = <const I, const M extends Mode = "failFast">(
  targets: I & (Computable<I> | ShapeOfTasks),
  // A number is the index that `Effect.forEach(tasks, Client.compute)` passes.
  options?: ComputeOptions<M> | number
): Effect.Effect<
  Result<Shape<I>, M>,
  Failure<Shape<I>, M> | SubmitError,
  Needs<Services<Shape<I>>> | Client
> => withClient((client) => client.compute<I, M>(targets, given(options))) as any

/**
 * Runs `f` for each item in a task of its own, and returns the results in the order of the items. Items may be tasks or futures.
 *
 * **Details**
 *
 * All items are read before anything starts. An input that throws is a defect, and an input with more items than `limits.tasks`
 * of the layer (defaults to 10 million) is refused. Reading many items takes turns with other fibers, and can be interrupted; the
 * input is then closed, as by `for ... of`.
 *
 * @stability unstable
 * @category running
 * @since 0.1.0
 */
export const forEach: ForEachInPipe<Client> & ForEach<Client> = (first: any, second?: any, third?: any): any =>
  isForPipe(first, second)
    ? (items: Iterable<unknown>) => withClient((client) => client.forEach(items, first, second))
    : withClient((client) => client.forEach(first, second, third))

/**
 * Runs `f` for each item of a source in a task of its own, or tasks that the source gives, and streams the results. The source is
 * read as the results are used. In a pipe it takes the function, or for tasks its options alone.
 *
 * **When to use**
 *
 * For input without end or too large to hold, and to use results before all are there. {@link forEach} reads all items first.
 *
 * **Details**
 *
 * The source is an iterable, an async iterable or a `Stream`. Items are taken one by one: never more than `outstanding` of them
 * wait, run, are unread, or are what the consumer was given last. The next pull says that these are done with, and releases them.
 * What one pull takes from an iterable is one submission.
 *
 * Results come in the order of the items, or with `unordered: true` as tasks end. In the mode `failFast` a failure comes in its
 * place: in order, after the results of all items before it; no item is taken from then on, and what comes after it is cancelled.
 * `continue` passes failures over and fails at the end with every root failure, of the first 1,000; `collect` gives the `Exit` of
 * each. A failure of the source comes after the results of all items taken before it. `maxFailures` bounds how many failures the
 * last two modes bear.
 *
 * With `batch`, several short items run in one task, and travel as one message; each has its own result or failure.
 *
 * The close of the stream takes no more items, cancels what is open, waits for finalizers, and calls `return` of an iterator that
 * has not ended, once; it does not wait for an async one that is at work on its next item. Inside a body the tasks are children,
 * and a pull gives the slot to other tasks.
 *
 * **Example** (Two at a time from a list without end)
 *
 * ```ts import.meta.vitest
 * import { Effect, Stream } from "effect"
 * import { Client, Skein } from "skein"
 *
 * let taken = 0
 * function* numbers() {
 *   while (true) yield taken++
 * }
 *
 * const program = Client.stream(numbers(), (n) => Effect.succeed(n * n), { outstanding: 2 }).pipe(
 *   Stream.take(3),
 *   Stream.runCollect,
 *   Effect.map((squares) => ({ squares, taken })),
 *   Effect.provide(Skein.layer())
 * )
 * program // => { squares: [0, 1, 4], taken: 4 }
 * ```
 *
 * @stability unstable
 * @category running
 * @since 0.1.0
 */
export const stream: StreamInPipe<Client> & StreamOf<Client> = function(first: any, second?: any, third?: any): any {
  if (typeof first === "function") return (source: any) => streamFrom(source, first, second)
  return isSource(first) || subjectFirst(arguments)
    ? streamFrom(first, second, third)
    : (source: any) => streamFrom(source, first, undefined)
} as any

const streamFrom = (source: any, ...rest: [any, any]): Stream.Stream<any, any, Client> =>
  Stream.unwrap(withClient((client) => Effect.succeed((client.stream as any)(source, ...rest))))

/**
 * Gives futures as their tasks end, whatever the end.
 *
 * **When to use**
 *
 * To go on with each result as soon as it is there. {@link completions} is for futures that come meanwhile.
 *
 * **Details**
 *
 * Futures that have ended come first, in the order given; the others come in the order in which they end. A cancelled or released
 * future has ended, and a future that is given twice comes twice. Futures may belong to several schedulers. The stream owns nothing:
 * the end of the stream stops no task. With the option `release`, each future is released when the next ones are pulled.
 *
 * Inside a body a pull gives the slot to other tasks, as each wait does. A pull that could never end fails with `Starved`.
 *
 * **Example** (In the order of their ends)
 *
 * ```ts import.meta.vitest
 * import { Effect, Stream } from "effect"
 * import { Client, Future, Skein, Task } from "skein"
 *
 * const program = Effect.gen(function*() {
 *   const slow = Task.make(Effect.as(Effect.sleep("20 millis"), "slow"))
 *   const futures = yield* Client.submitAll([slow, Task.succeed("fast")])
 *   return yield* Client.asCompleted(futures).pipe(Stream.mapEffect(Future.join), Stream.runCollect)
 * }).pipe(Effect.scoped, Effect.provide(Skein.layer()))
 * program // => ["fast", "slow"]
 * ```
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const asCompleted: <Arg extends Iterable<Future<any, any>> | CompletionOptions>(
  futuresOrOptions: Arg,
  options?: CompletionOptions | number
) => AsCompleted<Arg> = dual(
  ({ 0: futures, length }) => length !== 1 || isIterable(futures),
  (futures: Iterable<Future<any, any>>, options?: CompletionOptions | number): any => streamOf(futures, given(options))
)

/** The futures as they end or, of options alone, the function that gives them. */
type AsCompleted<Arg> = IsAny<Arg> extends true ? Stream.Stream<Future<any, any>, SkeinError>
  : [Arg] extends [Iterable<infer F extends Future<any, any>>] ? Stream.Stream<F, SkeinError>
  : <F extends Future<any, any>>(futures: Iterable<F>) => Stream.Stream<F, SkeinError>

/**
 * Futures that are given out as they end, with more futures added meanwhile, until the scope closes.
 *
 * **Details**
 *
 * `add` takes futures of any scheduler. `take` waits until at least one has ended, and gives all that have ended since; it ends as
 * a queue does, with `Done`, when nothing is left to wait for. `stream` does so until all that was added has been given. Inside a
 * body both give the slot to other tasks. Nothing here owns a task.
 *
 * **Example** (The result of each task adds another)
 *
 * ```ts import.meta.vitest
 * import { Effect, Stream } from "effect"
 * import { Client, Future, Skein, Task } from "skein"
 *
 * const halve = (n: number) => Client.submit(Task.succeed(Math.floor(n / 2)))
 *
 * const program = Effect.gen(function*() {
 *   const halves = yield* Client.completions([yield* halve(10)])
 *   return yield* halves.stream.pipe(
 *     Stream.mapEffect(Future.join),
 *     Stream.tap((n) => n > 0 ? Effect.flatMap(halve(n), halves.add) : Effect.void),
 *     Stream.runCollect
 *   )
 * }).pipe(Effect.scoped, Effect.provide(Skein.layer()))
 * program // => [5, 2, 1, 0]
 * ```
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const completions = <F extends Future<any, any>>(
  futures: Iterable<F> = [],
  options?: CompletionOptions | number
): Effect.Effect<Completions<F>, never, Scope.Scope> => makeCompletions(futures, given(options))

/**
 * The future that was published under a name with `Future.publish`, if there is one. The current scope claims its result.
 *
 * @stability unstable
 * @category resource management
 * @since 0.1.0
 */
export const published = (
  name: string
): Effect.Effect<Option.Option<Future<unknown, unknown>>, never, Client | Scope.Scope> =>
  withClient((client) => client.published(name))

/**
 * Ends a name, and gives back the claim of the scope that published the future. Returns whether there was such a name.
 *
 * @stability unstable
 * @category resource management
 * @since 0.1.0
 */
export const unpublish = (name: string): Effect.Effect<boolean, never, Client> =>
  withClient((client) => client.unpublish(name))

/**
 * Options of {@link scatter}.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface ScatterOptions {
  /**
   * Gives it the digest of the value as its key: equal values that are there at once are one. The value must have a canonical
   * encoding, as arguments of pure functions do. Tasks within it are its inputs. Defaults to false.
   */
  readonly pure?: boolean | undefined
  /** Lets all workers hold the value before this returns. Defaults to false. */
  readonly broadcast?: boolean | undefined
}

/**
 * Makes a future of a value.
 *
 * **When to use**
 *
 * For a value that many tasks need as an input, such as a table: it then has a key, an owner and a place, as a result has. For few
 * tasks close over the value, or pass it as an argument.
 *
 * **Example** (Equal values are one)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Skein, Task } from "skein"
 *
 * const program = Effect.gen(function*() {
 *   const table = yield* Client.scatter([1, 2, 3], { pure: true })
 *   const same = yield* Client.scatter([1, 2, 3], { pure: true })
 *   const sum = yield* Client.compute(Task.map(table, (numbers) => numbers.reduce((a, b) => a + b)))
 *   return { isSame: table.key === same.key, sum }
 * }).pipe(Effect.scoped, Effect.provide(Skein.layer()))
 * program // => { isSame: true, sum: 6 }
 * ```
 *
 * @stability unstable
 * @category forking
 * @since 0.1.0
 */
export const scatter = <A>(
  value: A,
  options?: ScatterOptions | number
): Effect.Effect<Future<A>, SubmitError | SkeinError, Client | Scope.Scope> => {
  const fault = optionsFault(options, ofScatter)
  if (fault !== undefined) return Effect.die(fault)
  const { broadcast, pure } = given(options) ?? {}
  const future = submit(scattered(value, { broadcast, pure }) as unknown as Task<A>)
  return broadcast === true ? Effect.tap(future, replicate({ copies: Number.MAX_SAFE_INTEGER })) : future
}

const ofScatter: Checks<ScatterOptions> = { pure: flag, broadcast: flag }

const first = ([value]: ReadonlyArray<unknown>): unknown => value

/** The task that has a value. No worker holds a literal, so one that all shall hold is a result, and so is one with tasks in it. */
const scattered = (value: unknown, { broadcast, pure }: ScatterOptions): internal.TaskImpl => {
  const options = normalize({ label: "scatter" })
  if (pure !== true && broadcast !== true) return makeTask({ _tag: "value", value }, undefined, options)
  const name = broadcast === true ? "broadcast" : "scatter"
  const shared = pure === true ? { pure, name, code: codeOfFunction(first, undefined) } : {}
  const result = makeTask({ _tag: "map", run: first as never }, [value], { ...options, ...shared })
  return broadcast === true || result.shape !== "none"
    ? result
    : makeTask({ _tag: "value", value }, [value], { ...options, ...shared })
}

/**
 * Gives options to all tasks that `effect` and its child fibers submit.
 *
 * **Details**
 *
 * A task's own options win. Regions nest, option by option: the inner region wins. Regions also apply to tasks that bodies
 * submit. There the submitting task counts as the inner region, so children have its priority. Fibers outside the region are not
 * affected. {@link CurrentAnnotations} has the options of the present region. The idea is Dask's `annotate`.
 *
 * **Example** (A nightly job that gives way)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Future, Skein, Task } from "skein"
 *
 * const report = Task.make(Effect.succeed("42 orders"))
 * const nightly = Effect.scoped(Effect.gen(function*() {
 *   const future = yield* Client.submit(report)
 *   return yield* Future.metadata(future)
 * })).pipe(Client.annotate({ label: "nightly", priority: -1 }))
 *
 * const program = nightly.pipe(
 *   Effect.map(({ label, priority }) => ({ label, priority })),
 *   Effect.provide(Skein.layer())
 * )
 * program // => { label: "nightly", priority: -1 }
 * ```
 *
 * @stability unstable
 * @category annotations
 * @since 0.1.0
 */
export const annotate: {
  (annotations: Annotations): <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(effect: Effect.Effect<A, E, R>, annotations: Annotations): Effect.Effect<A, E, R>
} = dual(
  2,
  <A, E, R>(effect: Effect.Effect<A, E, R>, annotations: Annotations): Effect.Effect<A, E, R> =>
    Effect.updateService(effect, CurrentAnnotations, (outer) => inside(outer, annotations))
)

/**
 * Submits a task that runs without a future; nothing waits for it.
 *
 * **When to use**
 *
 * For work without a needed result that must not end with the part of the program that began it: a mail, an entry in a journal,
 * warming a cache.
 *
 * **Details**
 *
 * Needs no scope. The task survives the scope and the body in which this is called, and ends with the layer at the latest,
 * which waits for its finalizers. A failure is a warning in the log; the result is released when the task has ended. A task
 * that cannot be submitted is a `SubmitError` at once.
 *
 * Inside a body this makes no child: the end and the cancellation of the body's task do not affect the fired task. Otherwise the
 * fired task counts as submitted by that body: it ranks like a child, its failure names the body's task as submitter, and a task
 * that fires itself again and again reaches the limit `nesting` of the layer.
 *
 * {@link awaitGroup} waits for all tasks of a group, and {@link cancelGroup} cancels them. The group defaults to {@link
 * defaultGroup}.
 *
 * **Example** (An entry in a journal)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Skein, Task } from "skein"
 *
 * const journal: Array<string> = []
 * const entry = (text: string) => Task.sync(() => journal.push(text), { label: "journal" })
 *
 * const order = Task.make(Effect.as(Client.fireAndForget(entry("ordered"), { group: "journal" }), "done"))
 * const program = Effect.gen(function*() {
 *   const answer = yield* Client.compute(order)
 *   yield* Effect.yieldNow
 *   return [answer, ...journal]
 * }).pipe(Effect.provide(Skein.layer()))
 * program // => ["done", "ordered"]
 * ```
 *
 * @stability unstable
 * @category forking
 * @since 0.1.0
 */
export const fireAndForget: <Arg extends Task<any, any, any> | FireOptions>(
  taskOrOptions: Arg,
  options?: FireOptions | number
) => Fire<Arg> = dual(
  subjectFirst,
  (task: Task<any, any, any>, options?: FireOptions | number): any =>
    withClient((client) => client.fireAndForget(task, given(options)))
)

/** The same for a fired task. */
type Fire<Arg> = IsAny<Arg> extends true ? Effect.Effect<void, SubmitError, Client>
  : [Arg] extends [Task<infer _A, infer _E, infer R>] ? Effect.Effect<void, SubmitError, Needs<R> | Client>
  : <A, E, R>(task: Task<A, E, R>) => Effect.Effect<void, SubmitError, Needs<R> | Client>

/**
 * Waits until all tasks of a group that {@link fireAndForget} started have ended, including tasks fired meanwhile. The group
 * defaults to {@link defaultGroup}.
 *
 * **When to use**
 *
 * Before a program ends: the close of the layer cancels unfinished tasks.
 *
 * **Details**
 *
 * All finalizers have run when this returns, including those of resources and of tasks that were cancelled without waiting.
 * Failures of the tasks are in the log and do not fail this. Inside a task this frees the slot meanwhile, as every wait does. A
 * task of the group itself would wait for its own end, and fails with `Starved`.
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const awaitGroup = (group: string = defaultGroup): Effect.Effect<void, SkeinError, Client> =>
  withClient((client) => client.awaitGroup(group))

/**
 * Cancels all tasks of a group that {@link fireAndForget} started and that have not ended. Tasks fired later are not affected.
 *
 * **Details**
 *
 * The options are those of `Future.cancel`: finalizers have run when this returns, unless `wait` is false. A task that another
 * owner wants goes on for that owner, unless `force` is set. The group may be empty.
 *
 * @stability unstable
 * @category interruption
 * @since 0.1.0
 */
export const cancelGroup = (
  group: string = defaultGroup,
  options?: CancelOptions | number
): Effect.Effect<void, never, Client> => withClient((client) => client.cancelGroup(group, given(options)))
