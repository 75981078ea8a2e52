/**
 * What a task can be told, and what that does to its type.
 *
 * @internal
 */
import type * as Duration from "effect/Duration"
import type * as Schedule from "effect/Schedule"
import type { Dependency } from "../../Dependency.ts"
import type { WorkerInfo } from "../../engine/protocol/Plan.ts"
import type { Future } from "../../Future.ts"
import type { Needs, Raises, Services, Upstream } from "../../Inputs.ts"
import type {
  DependencyFailed,
  DependencyTimeout,
  GraphError,
  ImpossibleDependency,
  NoSuitableWorker,
  RuntimeFailure,
  Signal,
  TaskSkipped,
  TaskTimeout
} from "../../SkeinError.ts"
import type { Task } from "../../Task.ts"

/**
 * What a task can be told. `E` and `R` are what its options may add to the errors and requirements of the task, by what is in
 * `after` and `follow` and by the schedule of `retry`; `In` is what that schedule takes at least.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options<E = never, R = never, In = unknown> {
  /**
   * A name of your own, within the graph in which the task is submitted: there, another task with it is a `KeyConflict`.
   * Without one each submission is a new run; with one, submitting the same task object while it is live joins its run.
   */
  readonly key?: string | undefined
  /** A word for people: automatic keys begin with it, events and errors carry it. */
  readonly label?: string | undefined
  /**
   * Higher runs sooner; 0 unless told. Tasks submitted from a body have their parent's, and those that a task of the same
   * submission needs have that one's if it is higher.
   */
  readonly priority?: number | undefined
  /** Equal inputs give equal results: tasks with the same key, function and inputs share one run. See `Task.fn`. */
  readonly pure?: boolean | undefined
  /**
   * Tasks that must have succeeded before this one starts, without giving it values; with a `Dependency`, what it asks of its
   * members.
   */
  readonly after?: Ordered<E, R> | ReadonlyArray<Ordered<E, R>> | undefined
  /**
   * Tasks that must have succeeded before this one starts, and where it runs: on the worker on which all of them ran. With a
   * `Dependency`, on one on which as many of its members ran as it needs. It ends with `ImpossibleDependency` when too many of
   * them end otherwise, when they ran apart, or when no worker on which they ran takes tasks and may run it.
   */
  readonly follow?: Ordered<E, R> | ReadonlyArray<Ordered<E, R>> | undefined
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
  /**
   * Whether and when to try again after a typed failure or a timeout. Dependencies do not run again. The schedule must take the
   * errors of the body, and with `timeout` a `TaskTimeout`.
   */
  readonly retry?: Schedule.Schedule<unknown, In, E, R> | undefined
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
   * zero, with at most three decimals. Nothing is measured: they are what you say. Not to be mixed up with `Task.resource`.
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

/**
 * Any options: what a function that takes options of its own is bound by.
 *
 * @internal
 */
export interface AnyOptions extends Options<any, any, any> {}

declare const None: unique symbol

/**
 * The type of options that are not there. It has all of them: where the compiler knows nothing yet of the options it goes by this,
 * and there would be no names to complete, and parameters would have no type.
 *
 * @internal
 */
export interface NoOptions extends AnyOptions {
  readonly [None]?: never
}

/** What a task may wait for without getting its value. */
type Ordered<E, R> = Task<unknown, E, R> | Future<unknown, E> | Dependency<unknown, E, E | ImpossibleDependency, R>

type When<O, K extends PropertyKey, Err> = K extends keyof O ? [O[K]] extends [undefined] ? never : Err : never

/** @internal */
export type OptionErrors<O> = typeof None extends keyof O ? never : GivenErrors<O>

type GivenErrors<O> =
  | When<O, "timeout" | "deadline", TaskTimeout>
  | When<O, "dependencyTimeout", DependencyTimeout>
  | When<O, "workers" | "resources", NoSuitableWorker>
  | When<O, "locality", ImpossibleDependency>
  | (O extends { readonly after?: infer H } ? Upstream<H> : never)
  | When<O, "follow", ImpossibleDependency>
  | (O extends { readonly follow?: infer H } ? Raises<H> : never)
  | (O extends { readonly retry?: infer S } ? S extends Schedule.Schedule<any, any, infer SE, any> ? SE : never : never)

/** @internal */
export type OptionServices<O> = typeof None extends keyof O ? never : GivenServices<O>

type GivenServices<O> =
  | (O extends { readonly after?: infer H } ? Services<H> : never)
  | (O extends { readonly follow?: infer H } ? Services<H> : never)
  | (O extends { readonly retry?: infer S } ? S extends Schedule.Schedule<any, any, any, infer SR> ? Needs<SR> : never
    : never)

/** What a schedule is asked about, of what a body fails with: what may be another failure the next time. */
type Tried<E> = Exclude<E, Signal | RuntimeFailure | DependencyFailed<any> | GraphError | TaskSkipped>

/**
 * What bounds the options `O` of a task whose body fails with `E`: the schedule of `retry` must take each error after which the
 * task is tried again.
 *
 * @internal
 */
export interface OptionsFor<O, E> extends Options<any, any, Tried<E> | When<O, "timeout", TaskTimeout>> {}

/**
 * Nothing, or what is wrong with the schedule of `retry` for a task that is there already.
 *
 * @internal
 */
export type Retries<O, E> = O extends { readonly retry?: infer S }
  ? Exclude<S, undefined> extends Schedule.Schedule<any, infer In, any, any>
    ? [Tried<E> | When<O, "timeout", TaskTimeout>] extends [In] ? unknown
    : "The schedule of retry does not take all errors after which the task is tried again."
  : unknown
  : unknown
