/**
 * Skein for programs in plain async TypeScript: functions that may return promises in place of effects, promises in place of fibers,
 * an `AbortSignal` in place of interruption. All rules are those of the scheduler.
 *
 * It needs `AsyncLocalStorage`, which Node, Deno, Bun and most edge runtimes have.
 *
 * @stability unstable
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import type { Client, Conflict, Mode } from "../Client.ts"
import type * as Futures from "../Future.ts"
import type { Computable } from "../internal/client/computing.ts"
import { optionsFault } from "../internal/tasks/checks.ts"
import type { PauseOf, PauseOptions, Scheduler } from "../Scheduler.ts"
import * as Skein from "../Skein.ts"
import type * as Task from "../Task.ts"
import { bodyHere } from "./internal/bodies.ts"
import { Face } from "./internal/face.ts"
import { ofTask } from "./internal/options.ts"
import { callIn, taskOf } from "./internal/tasks.ts"
import type { TaskOptions } from "./internal/tasks.ts"

export type { RetryOptions, TaskOptions } from "./internal/tasks.ts"

/**
 * Options of a submission: those of its task, and a signal.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface SubmitOptions extends TaskOptions, RunOptions {}

/**
 * Options of {@link PromiseClient.map}: those of each task, and some of all together.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface MapOptions<M extends Mode = Mode> extends Omit<SubmitOptions, "key"> {
  /**
   * What a failure does. `"failFast"`, the default, stops the others and rejects with the error. `"continue"` lets the others end, and
   * rejects with an `AggregateError` of all errors. `"collect"` gives the ends of all, as `Promise.allSettled` does.
   */
  readonly mode?: M | undefined
  /** The most tasks of this call that run at once. Defaults to `"unbounded"`: the slots of the workers are the limit. */
  readonly concurrency?: number | "unbounded" | undefined
  /** What becomes of tasks with keys among the items, as in {@link RunOptions}. The calls themselves have no keys. */
  readonly conflict?: Conflict | undefined
}

/**
 * Options of {@link PromiseClient.stream}: those of each task, and some of all together.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface StreamOptions<M extends Mode = Mode, P extends boolean = boolean>
  extends Omit<MapOptions<M>, "concurrency">
{
  /** The most items that are taken and whose results you are not done with. Defaults to twice the slots. */
  readonly outstanding?: number | undefined
  /** Whether results come as calls end, and not in the order of the items. Defaults to false. */
  readonly unordered?: boolean | undefined
  /** Pairs each result with its item. Defaults to false. */
  readonly withInput?: P | undefined
  /**
   * How many items are called one after the other in one task, for functions so short that a task for each costs more than they do.
   * Each call has its own result or error. With `"auto"` the size follows the time they take. Defaults to 1.
   */
  readonly batch?: number | "auto" | undefined
  /**
   * With the modes `continue` and `collect`: how many failures stop the rest. Then no more items are taken, and what comes after the
   * last of these is stopped. Defaults to no limit.
   */
  readonly maxFailures?: number | undefined
  /** The name under which `Progress` and a progress bar show it. Defaults to the label of its tasks, which is the name of the function. */
  readonly name?: string | undefined
  /** How many items the source has, for progress. Known of arrays, sets and other iterables that have a length or a size. */
  readonly total?: number | undefined
}

/**
 * What {@link PromiseClient.stream} gives for an item.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Streamed<A, B, M extends Mode, P> =
  & (P extends true ? { readonly input: A; readonly index: number } : unknown)
  & (M extends "collect" ? PromiseSettledResult<B> : P extends true ? { readonly value: B } : B)

/**
 * Options of {@link PromiseClient.run}, and of a submission beside those of its task.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface RunOptions {
  /**
   * Stops what was started when it is aborted, as far as nothing else needs it. The promise or the future then rejects with the
   * reason of the signal.
   */
  readonly signal?: AbortSignal | undefined
  /**
   * What becomes of a task whose key a live task has. `"join"`, the default: the same task object joins the live run, and
   * any other task is a run of its own. Each call with a function makes a new task, so make one with {@link task} and submit that
   * twice. `"refuse"`: the submission is refused. `"replace"`: the live task is cancelled for all, and the new one starts when that
   * has stopped.
   */
  readonly conflict?: Conflict | undefined
}

/**
 * What a function of {@link PromiseClient.map} is given beside an item.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface ItemContext {
  readonly index: number
  /** Aborted when the task is asked to stop. */
  readonly signal: AbortSignal
}

/**
 * A task that was submitted: a promise of its result, and an input of other tasks.
 *
 * **Details**
 *
 * It rejects with what the function threw, the same object, also if a task upstream threw it. A future that is not awaited causes
 * no unhandled rejection: a failure that nobody has seen is a warning in the log when the client closes. Its result is held as
 * long as the future is referenced. Each `await` in a body gives the slot of that body away meanwhile.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Future<out A> extends Futures.Future<A, unknown>, Promise<A> {
  /** The state of the task. */
  readonly status: Futures.Status
  /**
   * Withdraws this call, and no other: the future rejects, and the task is stopped unless something else needs it, such as another call
   * of the same task or a call that has it as an argument. Resolves when what was stopped has settled.
   */
  readonly cancel: (reason?: string) => Promise<void>
  /** Cancels it at the end of a block with `await using`. */
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/** The options of a stream of tasks. */
type OfTasks = Exclude<keyof StreamOptions, keyof TaskOptions>

/** What `run` cannot run here. */
type Provided<I, R> = [Exclude<Task.Needs<Task.Services<I>>, R | Client | Scheduler>] extends [never] ? unknown
  : "These tasks need services that the layer of this client does not give."

/**
 * A client of a scheduler for plain code. See {@link start}.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface PromiseClient<R = never> {
  /**
   * Submits a call of a function and returns its future at once. Arguments may be futures and tasks, also inside arrays and records:
   * the call starts when they have ended, and gets their values. Options stand before the function.
   *
   * **Details**
   *
   * The function gets its arguments and nothing else; {@link signal} is for the signal. In a body this submits a child of its task,
   * which ends with that task. A submission that is refused throws.
   */
  readonly submit: {
    <const A, E, S>(task: Task.Task<A, E, S> & Provided<Task.Task<A, E, S>, R>, options?: RunOptions): Future<A>
    <I extends ReadonlyArray<unknown>, B>(f: (...args: Task.Values<I>) => B, ...args: I): Future<Awaited<B>>
    <I extends ReadonlyArray<unknown>, B>(
      options: SubmitOptions,
      f: (...args: Task.Values<I>) => B,
      ...args: I
    ): Future<Awaited<B>>
  }
  /**
   * Calls a function for each item, in a task of its own, and gives the results in the order of the items. It owns the tasks: none
   * of them is running when the promise settles.
   */
  readonly map: <A, B, const M extends Mode = "failFast">(
    items: Iterable<A>,
    f: (item: Task.Values<A>, context: ItemContext) => B,
    options?: MapOptions<M>
  ) => Promise<M extends "collect" ? Array<PromiseSettledResult<Awaited<B>>> : Array<Awaited<B>>>
  /**
   * Calls a function for each item of a source that is read as the results are used, or runs the tasks that it gives. For `for await`.
   *
   * **Details**
   *
   * Items that are waiting, running or not read yet are never more than `outstanding`, so a source may be endless. The end of the
   * loop, also by `break` or an error, takes no more items, calls `return` of the source, stops what runs and waits for it. It does not
   * wait for a source that is at work on its next item: that closes when it has it.
   */
  readonly stream: {
    <A, B, const M extends Mode = "failFast", const P extends boolean = false>(
      source: Iterable<A> | AsyncIterable<A>,
      f: (item: Task.Values<A>, context: ItemContext) => B,
      options?: StreamOptions<M, P>
    ): AsyncIterable<Streamed<A, Awaited<B>, M, P>>
    <T extends Task.Any, const M extends Mode = "failFast", const P extends boolean = false>(
      tasks: (Iterable<T> | AsyncIterable<T>) & Provided<ReadonlyArray<T>, R>,
      options?: Pick<StreamOptions<M, P>, OfTasks>
    ): AsyncIterable<Streamed<T, Task.Success<T>, M, P>>
  }
  /**
   * Runs a task, or tasks in arrays and records, with all that they need, each once, and gives the values in the same shape. It owns
   * what it runs: none of it is running when the promise settles.
   */
  readonly run: <const I>(targets: I & Computable<I> & Provided<I, R>, options?: RunOptions) => Promise<Task.Values<I>>
  /**
   * Stops tasks from starting until `resume`: those of a `tag`, those of a `group`, or without either all tasks. With `for` the pause
   * ends by itself after this time. Tasks that run go on. For a service that asks its callers to wait, as with the status 429 and a
   * `Retry-After`. A function may call it. Rejects if nothing has the tag or the group.
   */
  readonly pause: (options?: PauseOptions) => Promise<void>
  /** Ends a pause, and tells whether there was one. */
  readonly resume: (of?: PauseOf) => Promise<boolean>
  /** Cancels what has not ended. Resolves when nothing is running any more. */
  readonly close: () => Promise<void>
  /** Closes it at the end of a block with `await using`. */
  readonly [Symbol.asyncDispose]: () => Promise<void>
  /** The services behind it, for code that uses Effect: `Effect.runPromiseWith(skein.context)`. */
  readonly context: Context.Context<R | Client | Scheduler>
}

/**
 * Starts a scheduler and gives a client of it, from options or from a layer.
 *
 * **Details**
 *
 * A client closes with `close`, or at the end of a block with `await using`. Running functions are asked to stop by their signals,
 * and the close waits until all of them have settled. Options are those of `Skein.layer`. A layer is for anything else, such as
 * threads.
 *
 * **Gotchas**
 *
 * In a block with `await using`, return what is awaited: `return await skein.submit(f)`. Without `await` the block ends, and the
 * client closes, before the task does.
 *
 * **Example** (Two calls, one of which needs the other)
 *
 * ```ts import.meta.vitest
 * import { start } from "skein/promise"
 *
 * const download = async (path: string) => `the page of ${path}`
 * const words = (page: string) => page.split(" ").length
 *
 * const program = async () => {
 *   await using skein = await start({ concurrency: 4 })
 *   const page = skein.submit(download, "/index")
 *   return await skein.submit(words, page)
 * }
 * await program() // => 4
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const start: {
  (options?: Skein.Options): Promise<PromiseClient>
  <R, E>(layer: Layer.Layer<Client | Scheduler | R, E>): Promise<PromiseClient<R>>
} = (given?: Skein.Options | Layer.Layer<Client | Scheduler, unknown>): Promise<any> => {
  const layer = Layer.isLayer(given)
    ? given as Layer.Layer<Client | Scheduler, unknown>
    : Skein.layer(given as Skein.Options | undefined)
  const scope = Scope.makeUnsafe()
  const made = Effect.map(Layer.buildWithScope(layer, scope), (context) => new Face(context, scope))
  return Effect.runPromise(Effect.onError(made, (cause) => Scope.close(scope, Exit.failCause(cause))))
}

/**
 * Describes a call of a function as a task, which {@link PromiseClient.run} and `submit` run, and which may be an argument of others.
 * Making one runs nothing; a task that several others need runs once. Options stand before the function.
 *
 * **Example** (A graph)
 *
 * ```ts import.meta.vitest
 * import { start, task } from "skein/promise"
 *
 * const download = async (path: string) => `the page of ${path}`
 *
 * const page = task({ retry: 3, timeout: "10 seconds" }, download, "/index")
 * const words = task((page: string) => page.split(" "), page)
 * const report = task((page, words) => `${page}: ${words.length}`, page, words)
 *
 * const program = async () => {
 *   await using skein = await start()
 *   return await skein.run({ report, words })
 * }
 * await program() // => { report: "the page of /index: 4", words: ["the", "page", "of", "/index"] }
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const task: {
  <I extends ReadonlyArray<unknown>, B>(
    f: (...args: Task.Values<I>) => B,
    ...args: I
  ): Task.Task<Awaited<B>, unknown, Task.Services<I>>
  <I extends ReadonlyArray<unknown>, B>(
    options: TaskOptions,
    f: (...args: Task.Values<I>) => B,
    ...args: I
  ): Task.Task<Awaited<B>, unknown, Task.Services<I>>
} = (...given: ReadonlyArray<unknown>): any => {
  const call = callIn<TaskOptions>(given)
  const fault = optionsFault(call.options, ofTask)
  if (fault !== undefined) throw fault
  return taskOf(call)
}

/**
 * The signal of the body in which this is called: aborted when its task is asked to stop. Outside of a body it is never aborted, so a
 * function that uses it can be called anywhere.
 *
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const signal = (): AbortSignal => bodyHere()?.signal ?? new AbortController().signal
