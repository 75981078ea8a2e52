/**
 * Lazy, typed descriptions of work. A task is a value: making one runs nothing; the same task may be used in many graphs.
 *
 * Tasks, and futures of submitted ones, are dependencies wherever they lie in the inputs of another task. The type of a
 * task says everything its body can fail with and needs, its dependencies included.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { dual, identity } from "effect/Function"
import type { Pipeable } from "effect/Pipeable"
import type * as Schedule from "effect/Schedule"
import type { Dependency } from "./Dependency.ts"
import type { WorkerInfo } from "./engine/Plan.ts"
import type { Future } from "./Future.ts"
import type { Handle, Lifted, Needs, Own, Raises, Services, Upstream, Values } from "./Inputs.ts"
import { keyOfBody, missingLabels } from "./internal/attempt.ts"
import { givenEffect } from "./internal/bodies.ts"
import { makeExit, makeTask, remakeTask } from "./internal/makeTask.ts"
import { normalize, replaced, withInvalid } from "./internal/options.ts"
import * as internal from "./internal/task.ts"
import { DependenciesLost, Reschedule, TaskSkipped, Unmet } from "./SkeinError.ts"
import type {
  DependencyTimeout,
  GraphError,
  ImpossibleDependency,
  NoSuitableWorker,
  RuntimeFailure,
  TaskTimeout
} from "./SkeinError.ts"
import { Worker } from "./Worker.ts"

/** @internal */
export declare const TypeId: unique symbol

/**
 * A description of work that succeeds with `A`, fails with `E` and needs `R`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Task<out A, out E = never, out R = never> extends Pipeable {
  readonly [TypeId]: { readonly _A: () => A; readonly _E: () => E; readonly _R: () => R }
}

/**
 * What a task can be told.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /**
   * A name of your own. Without one each submission is a new run; with one, submitting the same task object while it is live
   * joins its run, and another object with the same key is a `KeyConflict`.
   */
  readonly key?: string | undefined
  /** A word for people: automatic keys begin with it, events and errors carry it. */
  readonly label?: string | undefined
  /**
   * Higher runs sooner; 0 unless told. Tasks submitted from a body have their parent's, and those that a task of the same
   * submission needs have that one's if it is higher.
   */
  readonly priority?: number | undefined
  /** Equal inputs give equal results: tasks with the same key then share one run. See {@link fn}. */
  readonly pure?: boolean | undefined
  /**
   * Tasks that must have succeeded before this one starts, without giving it values; with a `Dependency`, what it asks of its
   * members.
   */
  readonly after?: Ordered | ReadonlyArray<Ordered> | undefined
  /**
   * Tasks that must have succeeded before this one starts, and where it runs: on the worker on which all of them ran. With a
   * `Dependency`, on one on which as many of its members ran as it needs. It ends with `ImpossibleDependency` when too many of
   * them end otherwise, when they ran apart, or when no worker on which they ran takes tasks and may run it.
   */
  readonly follow?: Ordered | ReadonlyArray<Ordered> | undefined
  /** How long one attempt may take, from its start. It is interrupted then. */
  readonly timeout?: Duration.Input | undefined
  /** How long the task may take in all, from its submission. */
  readonly deadline?: Duration.Input | undefined
  /** How long the task may wait for its first start, from its submission. */
  readonly dependencyTimeout?: Duration.Input | undefined
  /**
   * How long an attempt may go on after it was asked to stop before a warning in the log says so; that of the layer unless
   * told. Nothing is killed.
   */
  readonly grace?: Duration.Input | undefined
  /** Whether and when to try again after a typed failure or a timeout. Dependencies do not run again. */
  readonly retry?: Schedule.Schedule<any, any, any, any> | undefined
  /**
   * `false`: it is never started again once it may have started, so it runs at most once. When its worker is lost then, it ends
   * with `WorkerKilled`, as do those that need its result when only a lost worker held that. Not together with `retry`.
   */
  readonly idempotent?: boolean | undefined
  /**
   * It is cheap: where a graph is submitted with the pass `inline`, it is computed in each task that needs it, as often as
   * there are such tasks. It then has no start, no result and no place in the queue of its own.
   */
  readonly inline?: boolean | undefined
  /**
   * On which workers it may run: those with these ids, those that have all of these labels, or with both, those of these ids
   * that have these labels. It waits for a slot of one of them, and holds up nothing that may run elsewhere. When none of them
   * takes tasks, see `allowOthers` and `waitForWorkers`.
   */
  readonly workers?: ReadonlyArray<string> | WorkerRestriction | undefined
  /** It may run anywhere as long as none of `workers` takes tasks. `false` unless told. Not without `workers`. */
  readonly allowOthers?: boolean | undefined
  /**
   * How much it uses up of what its worker has, beside a slot, such as `{ gpu: 1, memory: 0.5 }`. It starts when all of it is
   * free on one worker, and gives it back when its attempt has ended, and while its body waits for other tasks. Numbers above
   * zero, with at most three decimals. Nothing is measured: they are what you say. Not to be mixed up with {@link resource}.
   */
  readonly resources?: Readonly<Record<string, number>> | undefined
  /**
   * `true`: it keeps its `resources` while its body waits for other tasks, for something is there that cannot be handed over.
   * Where those need them too, the wait fails with `Starved`. `false` unless told. Not without `resources`.
   */
  readonly keepResources?: boolean | undefined
  /**
   * Names of what it uses that all workers share, such as `["db"]`. Under a name that the layer limits (`Skein.layer`'s `tags`)
   * no more tasks run at once than that, on all workers together. Held as long as the slot is; a name without a limit limits
   * nothing.
   */
  readonly tags?: ReadonlyArray<string> | undefined
  /**
   * How much it prefers which worker, among those on which it may run: the highest first, 0 for one like any other, below 0
   * never. It does not wait for one that it prefers while another has a free slot. Asked once for each worker; a task that is
   * given anything but a number ends with `ImpossibleDependency`, as one that may run nowhere.
   */
  readonly locality?: ((worker: WorkerInfo) => number) | undefined
  /**
   * How long it waits when no worker that takes tasks could ever run it: not at all unless told here or by the layer, for ever
   * with `Duration.infinity`. Then it ends with `NoSuitableWorker`, or where its locality or its body ruled the workers out, with
   * `ImpossibleDependency`. The time counts from its submission, or from when the last one stopped taking tasks; where any worker
   * would do and there is none, from when it lacks nothing else.
   */
  readonly waitForWorkers?: Duration.Input | undefined
}

/**
 * On which workers a task may run.
 *
 * @category options
 * @since 0.1.0
 */
export interface WorkerRestriction {
  /** One of these. */
  readonly ids?: ReadonlyArray<string> | undefined
  /** Those that have all of these. */
  readonly labels?: ReadonlyArray<string> | undefined
}

export type {
  /**
   * A worker as `locality` is told of it.
   *
   * @category models
   * @since 0.1.0
   */
  WorkerInfo
}

declare const None: unique symbol

/**
 * The type of options that are not there. It has those with functions, for where the compiler knows nothing yet of the options it
 * goes by this, and parameters would have no type.
 *
 * @internal
 */
export interface NoOptions extends Pick<Options, "locality"> {
  readonly [None]?: never
}

/** What a task may wait for without getting its value. */
type Ordered = Handle | Dependency<any, any, any, any>

type When<O, K extends PropertyKey, Err> = K extends keyof O ? [O[K]] extends [undefined] ? never : Err : never

/** @internal */
export type OptionErrors<O> =
  | When<O, "timeout" | "deadline", TaskTimeout>
  | When<O, "dependencyTimeout", DependencyTimeout>
  | When<O, "workers" | "resources", NoSuitableWorker>
  | (typeof None extends keyof O ? never : When<O, "locality", ImpossibleDependency>)
  | (O extends { readonly after?: infer H } ? Upstream<H> : never)
  | When<O, "follow", ImpossibleDependency>
  | (O extends { readonly follow?: infer H } ? Raises<H> : never)
  | (O extends { readonly retry?: infer S } ? S extends Schedule.Schedule<any, any, infer SE, any> ? SE : never : never)

/** @internal */
export type OptionServices<O> =
  | (O extends { readonly after?: infer H } ? Services<H> : never)
  | (O extends { readonly follow?: infer H } ? Services<H> : never)
  | (O extends { readonly retry?: infer S } ? S extends Schedule.Schedule<any, any, any, infer SR> ? Needs<SR> : never
    : never)

const wrap = (body: internal.Body, inputs: unknown, options: Options | undefined): any =>
  makeTask(body, inputs, normalize(options))

/**
 * Whether a value is a `Task`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isTask = (u: unknown): u is Task<unknown, unknown, unknown> => internal.isTask(u)

/**
 * A task whose value is there from the start.
 *
 * @category constructors
 * @since 0.1.0
 */
export const succeed = <A>(value: A): Task<A> => wrap({ _tag: "value", value }, undefined, undefined)

/**
 * A task that runs an effect, or an effect of its inputs' values.
 *
 * **Details**
 *
 * A body that requires `Scope` gets one of its own attempt: it closes, with everything that the body submitted, before the
 * attempt counts as ended.
 *
 * Inputs are those of the moment: arrays and records that are changed later change nothing. Where they hold tasks the body
 * gets copies, with values in their places; parts without tasks are passed on as they are.
 *
 * **Gotchas**
 *
 * An instance of a class that holds tasks is copied too: same prototype, same fields, but no constructor runs, so its
 * `#private` members are missing. Put such tasks into a plain record. With keys that are symbols it is refused.
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
  <A, E, R, const O extends Options = NoOptions>(
    run: Effect.Effect<A, E, R>,
    options?: O
  ): Task<A, Own<E> | OptionErrors<O>, Needs<R> | OptionServices<O>>
  <const I, A, E, R, const O extends Options = NoOptions>(
    inputs: I,
    run: (values: Values<I>) => Effect.Effect<A, E, R>,
    options?: O
  ): Task<A, Own<E> | Upstream<I> | OptionErrors<O>, Needs<R> | Services<I> | OptionServices<O>>
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
    : makeTask(
      { _tag: "effect", run: () => first as never, constant: Effect.isEffect(first) ? first : undefined },
      undefined,
      normal(second as Options | undefined)
    )

/**
 * Like {@link make}, for a result that owns a resource: a connection, a pool, a file, a process. What the body acquires in its
 * `Scope` stays open as long as the result is there.
 *
 * **When to use**
 *
 * When several tasks use one thing that must be closed. The result of {@link make} must not need the body's scope, which closes
 * with the attempt.
 *
 * **Details**
 *
 * The finalizers run once, when the result is released: when nobody claims it and every task that depends on it has ended. They
 * hold no slot, and whoever lets go of the result last waits for them: the close of the scope in which it was submitted, the end
 * of `Client.compute`, or the close of the layer. An attempt that fails, is interrupted or times out closes what it acquired
 * before it counts as ended, so it can be tried again. A finalizer that fails is a warning in the log: the result was fine.
 *
 * What the body submits in its scope belongs to the result too, and is cancelled at its release. A resource that is made of
 * another one keeps that open until it is closed itself. Such results are never in a user's cache.
 *
 * **Gotchas**
 *
 * A task that hands the resource on in a result of its own does not keep it open; `Task.flatMap` and `Task.exit` do. A value that
 * `Client.compute` returns is closed by then.
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
 * What a body fails with to give its place up: the task goes back to the queue and runs again.
 *
 * **When to use**
 *
 * When a body finds that it cannot go on yet, or that others should go first, and waiting would only take a slot from them.
 *
 * **Details**
 *
 * The slot is free in the same step. The task ranks behind all ready tasks of its priority, as if it had just been submitted as a
 * computation of its own. It is no attempt: `Worker.current` and `retry` count on as if the body had not run, and dependencies
 * keep their results. `timeout` starts anew, `deadline` goes on. What the body submitted or acquired ends with it. A body that
 * also fails or dies does just that, and one that was asked to stop stops. The idea is dask.distributed's `Reschedule`.
 *
 * **Gotchas**
 *
 * A body that is the only one ready runs again at once. To wait for something, wait for it.
 *
 * **Example** (Let the others go first)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Task } from "skein"
 *
 * const log: Array<string> = []
 * const polite = Task.make(Effect.suspend(() => log.push("polite") === 1 ? Task.reschedule : Effect.succeed(log)))
 * const other = Task.sync(() => log.push("other"))
 * Task.run(Task.map([polite, other], ([log]) => log), { concurrency: 1 }) // => ["polite", "other", "polite"]
 * ```
 *
 * @category signals
 * @since 0.1.0
 */
export const reschedule: Effect.Effect<never, Reschedule> = Effect.suspend(() => Effect.fail(new Reschedule()))

/**
 * What a body fails with when it finds that what dependencies of its task made is not there any more: they run again, then it
 * does.
 *
 * **When to use**
 *
 * When results stand for something outside the program that may go away: a file, a row, a session.
 *
 * **Details**
 *
 * Names direct dependencies, those of `after` included: the tasks or futures themselves, or their keys. What they need runs again
 * as far as it was released. It is no attempt: `Worker.current` and `retry` count on as if the body had not run. Of several tasks
 * that miss the same dependency the first has it run, once; a body that had started before that just runs again. Dependents that
 * run go on with what they have; those that have not started wait. A `Task.exit` stands for the task that it is the exit of, a
 * resource is finalized before it is acquired anew, and a `flatMap` task calls its function again.
 *
 * A body that reports for the 20th time (`limits.dependenciesLost` of the layer), or that misses what must not run twice
 * (`idempotent: false`), ends its task with `DependenciesGone`. A name that is none of a direct dependency is a defect.
 *
 * **Gotchas**
 *
 * Futures of what runs again are unsettled meanwhile. What came from a `cache` comes from it again.
 *
 * **Example** (Write a file again that somebody has removed)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Task } from "skein"
 *
 * const files = new Map<string, number>()
 * const log: Array<string> = []
 * const write = Task.sync(() => {
 *   log.push("write")
 *   files.set("squares", 49)
 *   // Somebody removes it at once, the first time.
 *   if (log.length === 1) files.delete("squares")
 *   return "squares"
 * }, { key: "write" })
 * const read = Task.make(write, (name) => files.has(name) ? Effect.succeed(files.get(name)) : Task.dependenciesLost(write))
 * Effect.map(Task.run(read), (value) => [value, log]) // => [49, ["write", "write"]]
 * ```
 *
 * @category signals
 * @since 0.1.0
 */
export const dependenciesLost = (
  ...dependencies: readonly [Named, ...ReadonlyArray<Named>]
): Effect.Effect<never, DependenciesLost> => Effect.suspend(() => Effect.fail(new DependenciesLost({ dependencies })))

/** A dependency as its dependent may name it. */
type Named = Task<any, any, any> | Future<any, any> | string

/**
 * What a body fails with to end its task as skipped: it chose not to do its work, and nothing went wrong.
 *
 * **When to use**
 *
 * For branches: the tasks of a branch that is not chosen never run, and those where branches meet take what there is.
 *
 * **Details**
 *
 * A task that depends on a skipped one is skipped too and never starts, at any distance. A `Dependency` with another policy
 * decides otherwise, and `Task.exit` gives the failure as a value. Whoever asks for the value of a skipped task gets the typed
 * failure `TaskSkipped`. A body that passes on the `TaskSkipped` of a task it joined is skipped too. A skip is never tried
 * again. A body that also fails or dies does just that. The idea is Airflow's.
 *
 * **Example** (A branch that is not taken)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Task } from "skein"
 *
 * const rows = Task.make(Effect.succeed([] as Array<string>))
 * const report = Task.make({ rows }, ({ rows }) => rows.length === 0 ? Task.skip : Effect.succeed(rows.join()))
 * const mail = Task.map({ report }, ({ report }) => `sent ${report}`, { key: "mail" })
 * Task.run(mail).pipe(Effect.catchTag("TaskSkipped", ({ key }) => Effect.succeed(`${key} was skipped`))) // => "mail was skipped"
 * ```
 *
 * @category signals
 * @since 0.1.0
 */
export const skip: Effect.Effect<never, TaskSkipped> = Effect.withFiber((fiber) => {
  const key = keyOfBody(fiber) ?? "task"
  return Effect.fail(new TaskSkipped({ key, root: key }))
})

/**
 * What a body fails with when it cannot run on the present worker: its task goes to another one, and never to this one again.
 *
 * **When to use**
 *
 * When only the body can tell whether it can run where it is: a file that is not there, a device that does not answer. What is
 * known before has a label; see the option `workers`.
 *
 * **Details**
 *
 * The slot is free in the same step. It is no attempt: `Worker.current` and `retry` count on as if the body had not run, and
 * dependencies keep their results. Retries keep away from the worker too. When the body has said so of every worker on which it
 * may run, the task ends with `ImpossibleDependency`, which has all the reasons; with `waitForWorkers` it waits so long for a new
 * one. A worker that comes back under an old name is a new one. With `retrySame` the task only gives its place up, as with
 * {@link reschedule}: this worker is busy, and may do later. A body that also fails or dies does just that. The idea is
 * IPython's `UnmetDependency`.
 *
 * **Example** (A file that one worker has)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Skein, Task, Worker } from "skein"
 *
 * const disk = new Map([["b", "3,4,5"]])
 * const read = Task.make(Effect.gen(function*() {
 *   const { worker } = yield* Worker.current
 *   const file = disk.get(worker)
 *   return file === undefined ? yield* Task.unmet("the file is not here") : `${worker}: ${file}`
 * }))
 * const workers = [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1 }]
 * Client.compute(read).pipe(Effect.provide(Skein.layer({ workers }))) // => "b: 3,4,5"
 * ```
 *
 * @category signals
 * @since 0.1.0
 */
export const unmet = <const O extends { readonly retrySame?: boolean | undefined } = {}>(
  reason: string,
  options?: O
): Effect.Effect<never, O extends { readonly retrySame: true } ? Reschedule : Unmet> =>
  Effect.suspend(() => Effect.fail(options?.retrySame === true ? new Reschedule() : new Unmet({ reason }))) as never

/**
 * Goes on if the present worker has these labels, all of them, and is {@link unmet} if not.
 *
 * **When to use**
 *
 * In a body whose need comes out as it runs. A task that needs the labels in any case says so with `workers`, and never starts
 * where they lack.
 *
 * **Example** (Large inputs need a large worker)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Skein, Task, Worker } from "skein"
 *
 * const sum = (rows: ReadonlyArray<number>) =>
 *   Task.make(Effect.gen(function*() {
 *     if (rows.length > 2) yield* Task.require("large")
 *     const { worker } = yield* Worker.current
 *     return `${worker}: ${rows.length}`
 *   }))
 * const workers = [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1, labels: ["large"] }]
 * Client.compute(sum([1, 2, 3])).pipe(Effect.provide(Skein.layer({ workers }))) // => "b: 3"
 * ```
 *
 * @category signals
 * @since 0.1.0
 */
export const require = (...labels: ReadonlyArray<string>): Effect.Effect<void, Unmet, Worker> =>
  Effect.flatMap(Worker, (worker) => {
    const missing = missingLabels(worker, labels)
    if (missing.length === 0) return Effect.void
    const lacked = missing.map((label) => JSON.stringify(label)).join(", ")
    return unmet(`it lacks the ${missing.length === 1 ? "label" : "labels"} ${lacked}`)
  })

/**
 * A body that runs only where a condition holds: where the condition gives `false` the task is {@link unmet}.
 *
 * **Details**
 *
 * The condition runs on the worker, in the attempt, before the body. If it fails, so does the body. The idea is IPython's
 * `depend`.
 *
 * **Example** (Where the file is)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Skein, Task, Worker } from "skein"
 *
 * const where = Effect.map(Worker.current, ({ worker }) => worker)
 * const isThere = Effect.map(where, (worker) => worker === "b")
 * const read = Task.make(where.pipe(Task.dependsOn(isThere)))
 * const workers = [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1 }]
 * Client.compute(read).pipe(Effect.provide(Skein.layer({ workers }))) // => "b"
 * ```
 *
 * @category signals
 * @since 0.1.0
 */
export const dependsOn: {
  <E2, R2>(
    condition: Effect.Effect<boolean, E2, R2>
  ): <A, E, R>(body: Effect.Effect<A, E, R>) => Effect.Effect<A, E | E2 | Unmet, R | R2>
  <A, E, R, E2, R2>(
    body: Effect.Effect<A, E, R>,
    condition: Effect.Effect<boolean, E2, R2>
  ): Effect.Effect<A, E | E2 | Unmet, R | R2>
} = dual(
  2,
  <A, E, R, E2, R2>(body: Effect.Effect<A, E, R>, condition: Effect.Effect<boolean, E2, R2>) => {
    const guarded = givenEffect("The body of Task.dependsOn", body)
    return Effect.flatMap(
      givenEffect("The condition of Task.dependsOn", condition),
      (holds): Effect.Effect<A, E | Unmet, R> => holds ? guarded : unmet("its condition does not hold there")
    )
  }
)

/**
 * A task that computes its value with a plain function. A throw is a defect, and so is a Promise or an Effect, which nobody
 * would wait for or run: for those there is {@link make}, with `Effect.tryPromise` around what gives a promise.
 *
 * @category constructors
 * @since 0.1.0
 */
export const map = <const I, A, const O extends Options = NoOptions>(
  inputs: I,
  f: (values: Values<I>) => A,
  options?: O
): Task<A, Upstream<I> | OptionErrors<O>, Services<I> | OptionServices<O>> =>
  wrap({ _tag: "map", run: f as never }, inputs, options)

/**
 * A task without inputs that computes its value with a plain function. A throw is a defect, and so is a Promise or an Effect.
 *
 * @category constructors
 * @since 0.1.0
 */
export const sync = <A, const O extends Options = NoOptions>(
  f: () => A,
  options?: O
): Task<A, OptionErrors<O>, OptionServices<O>> => wrap({ _tag: "map", run: f }, undefined, options)

/**
 * A task that ends as the task ends which `f` returns: a graph that depends on data.
 *
 * **Details**
 *
 * `f` is the body; attempt, slot, retry and timeout cover it alone. Then the task waits, holding no slot, while the returned
 * graph runs as its children. It ends with the inner task's own error; `GraphError` is in its type because that graph is
 * checked only then.
 *
 * @category constructors
 * @since 0.1.0
 */
export const flatMap = <const I, A, E, R, const O extends Options = NoOptions>(
  inputs: I,
  f: (values: Values<I>) => Task<A, E, R>,
  options?: O
): Task<A, E | Upstream<I> | GraphError | OptionErrors<O>, R | Services<I> | OptionServices<O>> =>
  wrap({ _tag: "flatMap", run: f as never }, inputs, options)

/**
 * A task whose value has the values of all its inputs, in the same shape.
 *
 * @category constructors
 * @since 0.1.0
 */
export const all = <const I, const O extends Options = NoOptions>(
  inputs: I,
  options?: O
): Task<Values<I>, Upstream<I> | OptionErrors<O>, Services<I> | OptionServices<O>> =>
  wrap({ _tag: "map", run: identity }, inputs, options)

/**
 * A task that ends when all of some others have, and has no value of its own. Whatever starts `after` it starts after all of
 * them.
 *
 * **When to use**
 *
 * Where each of m tasks must start after all of n others. Listed one by one these are n times m edges; through a barrier
 * they are n plus m, with the same results and the same failures.
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
  const O extends Omit<Options, "after"> = NoOptions
>(
  before: I,
  options?: O
): Task<void, Upstream<I> | OptionErrors<O>, Services<I> | OptionServices<O>> =>
  wrap({ _tag: "map", run: () => undefined }, undefined, { ...options, after: before })

/**
 * A task that succeeds with the exit of another, whatever it is: failures stop here.
 *
 * @category combinators
 * @since 0.1.0
 */
export const exit: {
  <A, E, R>(task: Task<A, E, R>): Task<Exit.Exit<A, E | RuntimeFailure>, never, R>
  <A, E>(future: Future<A, E>): Task<Exit.Exit<A, E | RuntimeFailure>>
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
  <const O extends Options>(
    options: O
  ): <A, E, R>(self: Task<A, E, R>) => Task<A, E | OptionErrors<O>, R | OptionServices<O>>
  <A, E, R, const O extends Options>(
    self: Task<A, E, R>,
    options: O
  ): Task<A, E | OptionErrors<O>, R | OptionServices<O>>
} = dual(
  2,
  (self: internal.TaskImpl, options: Options): any => remakeTask(self, replaced(self.options, options))
)

/**
 * What a wrapped function can be told.
 *
 * @category options
 * @since 0.1.0
 */
export interface FnOptions<N extends number = number> extends Options {
  /** The name that keys of pure calls begin with; the function's own unless told. */
  readonly name?: string | undefined
  /** The function returns a tuple of this length, a whole number; calls then give a task for each member. */
  readonly nout?: N | undefined
}

type Called<Return, I, O> = Return extends Effect.Effect<infer A, infer E, infer R>
  ? Split<A, Own<E> | Upstream<I> | OptionErrors<O>, Needs<R> | Services<I> | OptionServices<O>, O>
  : Split<Return, Upstream<I> | OptionErrors<O>, Services<I> | OptionServices<O>, O>

type Split<A, E, R, O> = O extends { readonly nout: number }
  ? A extends ReadonlyArray<unknown>
    ? { readonly [K in keyof A]: Task<A[K], [E] extends [never] ? never : Upstream<Task<A, E, R>>, R> }
  : never
  : Task<A, E, R>

/**
 * Turns a function into one that makes tasks: calling it adds a task and runs nothing. Arguments may be tasks, futures or
 * values, also nested ones.
 *
 * **Details**
 *
 * The function may return an `Effect` or a plain value. With `pure`, the key of a call is the function's name with its
 * arguments, so equal calls run once; an argument that has no canonical encoding is a `GraphError` at submission. With
 * `nout` a function that returns a tuple gives a task for each member. The idea is that of Dask's `delayed`.
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
export const fn = <P extends ReadonlyArray<any>, Return, const O extends FnOptions = NoOptions>(
  f: (...args: P) => Return,
  options?: O
): <const I extends { readonly [K in keyof P]: Lifted<P[K]> }>(...args: I) => Called<Return, I, O> => {
  const { name = f.name, nout, ...rest }: FnOptions = options ?? {}
  const body: internal.Body = { _tag: "effect", run: (args) => internal.toEffect(f(...args as P)) }
  const given = normalize(rest.pure === true ? { ...rest, name } : rest)
  const isCount = nout === undefined || (Number.isInteger(nout) && nout >= 0)
  const normal = isCount ? given : withInvalid(given, { option: "nout", value: nout, expected: "a whole number" })
  return (...args): any => {
    const call = makeTask(body, args, normal) as any
    if (nout === undefined) return call
    // A member of a pure call is as pure as the call.
    const purely = (i: number) => rest.pure === true ? { pure: true, name: `${name}[${i}]` } : undefined
    return Array.from(
      { length: isCount ? nout : 1 },
      (_, i) => wrap({ _tag: "map", run: (all: any) => all[i] }, call, purely(i))
    )
  }
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
} from "./internal/run.ts"
