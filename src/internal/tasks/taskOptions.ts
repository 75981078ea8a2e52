/**
 * The options of a task, and their effect on its type.
 *
 * @internal
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Schedule from "effect/Schedule"
import type { WorkerInfo } from "../../engine/protocol/Plan.ts"
import type {
  DependencyFailed,
  DependencyTimeout,
  ImpossibleDependency,
  NoSuitableWorker,
  Signal,
  SkeinError,
  SubmitError,
  TaskSkipped,
  TaskTimeout
} from "../../SkeinError.ts"
import type { Dependency, Future, Task } from "./handles.ts"
import type { Needs, Raises, Services, Upstream } from "./shapes.ts"

/**
 * The options of a task. `E` and `R` are the errors and requirements that `after`, `follow` and `retry` may add to those of
 * the task; `In` is the least input of `retry`.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface Options<E = never, R = never, In = unknown> {
  /**
   * A name of your own, unique in the graph in which the task is submitted: another task with it there is a `KeyConflict`.
   * Without a key, each submission is a new run; with one, submitting the same task object while it is live joins its run.
   */
  readonly key?: string | undefined
  /** A word for people: automatic keys begin with it, events and errors carry it. */
  readonly label?: string | undefined
  /**
   * Higher runs sooner. Defaults to 0, and in a body to the parent's priority. A task ranks at least as high as the tasks of its
   * submission that need it.
   */
  readonly priority?: number | undefined
  /** Equal inputs give equal results: tasks with the same key, function and inputs share one run. See `Task.fn`. */
  readonly pure?: boolean | undefined
  /** Tasks that must succeed before this one starts, without giving it values. A `Dependency` sets another policy. */
  readonly after?: Ordered<E, R> | ReadonlyArray<Ordered<E, R>> | undefined
  /**
   * Tasks that must succeed before this one starts, and that determine its worker: the one on which all of them ran. With a
   * `Dependency`, a worker on which as many members ran as its policy needs. The task ends with `ImpossibleDependency` if too
   * many of them end otherwise, if they ran apart, or if no worker on which they ran takes tasks and may run it.
   */
  readonly follow?: Ordered<E, R> | ReadonlyArray<Ordered<E, R>> | undefined
  /** How long one attempt may take, from its start. Then it is interrupted. */
  readonly timeout?: Duration.Input | undefined
  /** How long the task may take in all, from its submission. */
  readonly deadline?: Duration.Input | undefined
  /** How long the task may wait for its first start, from its submission. */
  readonly dependencyTimeout?: Duration.Input | undefined
  /**
   * How long an attempt may go on after it was asked to stop, before the log has a warning. Defaults to the layer's `grace`.
   * Nothing is killed.
   */
  readonly grace?: Duration.Input | undefined
  /**
   * Whether and when to try again after a typed failure or a timeout: a schedule, or options as those of `Effect.retry`.
   * Dependencies do not run again. Both must take the errors of the body, and with `timeout` a `TaskTimeout`.
   */
  readonly retry?: Schedule.Schedule<unknown, In, E, R> | RetryOptions<In, E, R> | undefined
  /**
   * `false`: the task is never started again once it may have started, so it runs at most once. If its worker is lost then, it
   * ends with `WorkerKilled`. So do tasks that need its result, if only a lost worker held that. Not together with `retry`.
   */
  readonly idempotent?: boolean | undefined
  /**
   * Marks a cheap task. In a graph submitted with the pass `inline`, it is computed inside each task that needs it, once for
   * each. It then has no start, no result and no place in the queue of its own.
   */
  readonly inline?: boolean | undefined
  /**
   * The workers on which the task may run: those with one of these ids, and with all of these labels. It waits for a slot on one
   * of them, without holding up tasks that may run elsewhere. If none of them takes tasks, see `allowOthers` and
   * `waitForWorkers`.
   */
  readonly workers?: ReadonlyArray<string> | WorkerRestriction | undefined
  /** Whether the task may run anywhere while none of `workers` takes tasks. Defaults to `false`. Not without `workers`. */
  readonly allowOthers?: boolean | undefined
  /**
   * The amounts of its worker's resources that the task holds beside a slot, such as `{ gpu: 1, memory: 0.5 }`. It starts when
   * all of them are free on one worker. It returns them when its attempt has ended, and while its body waits for other tasks.
   * Numbers above zero, with at most three decimals. They are declared, not measured. `Task.resource` is something else.
   */
  readonly resources?: Readonly<Record<string, number>> | undefined
  /**
   * Whether the task keeps its `resources` while its body waits for other tasks, as when it has loaded something there. If those
   * tasks need them too, the wait fails with `Starved`. Defaults to `false`. Not without `resources`.
   */
  readonly keepResources?: boolean | undefined
  /**
   * Names of things that all workers share, such as `["db"]`. The layer may limit how many tasks with a tag run at once, on all
   * workers together: see `tags` of `Skein.layer`. A tag is held as long as the slot. A tag without a limit limits nothing.
   */
  readonly tags?: ReadonlyArray<string> | undefined
  /**
   * Rates the workers on which the task may run: the highest is preferred, 0 is neutral, below 0 rules a worker out. The task
   * does not wait for a preferred worker while another has a free slot. Called once for each worker. If it returns anything but a
   * number, the task ends with `ImpossibleDependency`.
   */
  readonly locality?: ((worker: WorkerInfo) => number) | undefined
  /**
   * How long the task waits if no worker that takes tasks could ever run it. Defaults to the layer's `waitForWorkers`;
   * `Duration.infinity` waits for ever. Then it ends with `NoSuitableWorker`, or with `ImpossibleDependency` if its locality or
   * its body ruled the workers out. The time counts from its submission, or from when the last suitable worker stopped taking
   * tasks. If any worker may run it and there is none, the time counts from when it lacks nothing else.
   */
  readonly waitForWorkers?: Duration.Input | undefined
}

/**
 * When a task is tried again, as in `Effect.retry`: as long as all fields allow it. Without `schedule` there is no delay.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface RetryOptions<In = unknown, E = never, R = never> {
  /** How many attempts may follow the first one. */
  readonly times?: number | undefined
  /** Only after errors for which this is `true`. */
  readonly while?: ((error: In) => boolean | Effect.Effect<boolean, E, R>) | undefined
  /** Not after errors for which this is `true`. */
  readonly until?: ((error: In) => boolean | Effect.Effect<boolean, E, R>) | undefined
  readonly schedule?: Schedule.Schedule<unknown, In, E, R> | undefined
}

/**
 * The workers on which a task may run.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface WorkerRestriction {
  /** Its id is one of these. */
  readonly ids?: ReadonlyArray<string> | undefined
  /** It has all of these labels. */
  readonly labels?: ReadonlyArray<string> | undefined
}

export type {
  /**
   * A worker as `locality` sees it.
   *
   * @stability unstable
   * @category models
   * @since 0.1.0
   */
  WorkerInfo
}

/**
 * Any options: the bound for functions that take options of their own.
 *
 * @internal
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface AnyOptions extends Options<any, any, any> {}

declare const None: unique symbol

/**
 * The type of absent options. It has all fields, because the compiler falls back to it while options are incomplete: without the
 * fields there would be no names to complete, and parameters would have no type. `E` is the error of the body.
 *
 * @internal
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface NoOptions<E = any> extends Options<any, any, Tried<E>> {
  readonly [None]?: never
}

/** Something that a task may wait for without getting its value. */
type Ordered<E, R> = Task<unknown, E, R> | Future<unknown, E> | Dependency<unknown, E, E | ImpossibleDependency, R>

type When<O, K extends PropertyKey, Err> = K extends keyof O ? [O[K]] extends [undefined] ? never : Err : never

/**
 * @internal
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type OptionErrors<O> = typeof None extends keyof O ? never : GivenErrors<O>

type GivenErrors<O> =
  | When<O, "timeout" | "deadline", TaskTimeout>
  | When<O, "dependencyTimeout", DependencyTimeout>
  | When<O, "workers" | "resources", NoSuitableWorker>
  | When<O, "locality", ImpossibleDependency>
  | (O extends { readonly after?: infer H } ? Upstream<H> : never)
  | When<O, "follow", ImpossibleDependency>
  | (O extends { readonly follow?: infer H } ? Raises<H> : never)
  | (O extends { readonly retry?: infer S } ? Effect.Error<Asked<S>> : never)

/**
 * @internal
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type OptionServices<O> = typeof None extends keyof O ? never : GivenServices<O>

type GivenServices<O> =
  | (O extends { readonly after?: infer H } ? Services<H> : never)
  | (O extends { readonly follow?: infer H } ? Services<H> : never)
  | (O extends { readonly retry?: infer S } ? Needs<Effect.Services<Asked<S>>> : never)

/** Effects with the errors and services of what `retry` asks. */
type Asked<S> = S extends Schedule.Schedule<any, any, infer E, infer R> ? Effect.Effect<unknown, E, R>
  : S extends { readonly schedule?: infer P; readonly until?: infer U; readonly while?: infer W }
    ? Step<P> | Step<U> | Step<W>
  : never

type Step<P> = P extends Schedule.Schedule<any, any, infer E, infer R> ? Effect.Effect<unknown, E, R>
  : P extends (...args: any) => infer X ? Extract<X, Effect.Effect<any, any, any>>
  : never

/** The errors of a body that a schedule sees: those after which the task is tried again. */
type Tried<E> = Exclude<E, Signal | SkeinError | DependencyFailed<any> | SubmitError | TaskSkipped>

/**
 * The bound of the options `O` of a task whose body fails with `E`: `retry` must take each error after which the task is tried
 * again.
 *
 * @internal
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface OptionsFor<O, E> extends Options<any, any, Tried<E> | Late<O>> {}

type Late<O> = typeof None extends keyof O ? never : When<O, "timeout", TaskTimeout>

/**
 * Nothing, or the text that says what is wrong with `retry` for an existing task.
 *
 * @internal
 */
export type Retries<O, E> = O extends { readonly retry?: infer S } ? unknown extends S ? unknown
  : S extends NonNullable<OptionsFor<O, E>["retry"]> | undefined ? unknown
  : "The option retry does not take all errors after which the task is tried again."
  : unknown

/**
 * Options for all tasks that are submitted in a region of a program.
 *
 * Options that add an error, such as a timeout, are not among them, because the type of a task does not know where it is
 * submitted.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface Annotations {
  readonly label?: string | undefined
  readonly priority?: number | undefined
  /**
   * The share of these tasks: a name of your choice, such as a user's. Tasks of different shares take turns, whatever their
   * priorities. Tasks without a share form one share together. Weights are an option of the layer: see `shares` in
   * `Skein.Options`.
   */
  readonly share?: string | undefined
  /**
   * A space in which keys name tasks for all graphs that are submitted there, not only within their own: another task object
   * under a live key is a `KeyConflict`, unless both are pure and do the same. Namespaces nest, each with keys of its own: `b` in
   * `a` is `a/b`.
   */
  readonly namespace?: string | undefined
  /** The retry schedule of tasks that have none of their own, or options as those of `Effect.retry`. */
  readonly retry?: Schedule.Schedule<unknown> | RetryOptions | undefined
  /** How long an attempt may go on after it was asked to stop, before the log has a warning. */
  readonly grace?: Duration.Input | undefined
  /** `false`: tasks without a schedule of their own are not started again once they may have started. Not with `retry`. */
  readonly idempotent?: boolean | undefined
}
