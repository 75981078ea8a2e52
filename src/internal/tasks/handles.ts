/**
 * The types of tasks, futures and dependencies, below everything that uses them.
 *
 * @internal
 */
import type { Inspectable } from "effect/Inspectable"
import type { Pipeable } from "effect/Pipeable"
import type { Covariant } from "effect/Types"
import type { DependencyTypeId, FutureTypeId, TaskTypeId } from "../values/typeIds.ts"

/**
 * A description of work that succeeds with `A`, fails with `E` and needs `R`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Task<out A, out E = never, out R = never> extends Pipeable, Inspectable {
  readonly [TaskTypeId]: Task.Variance<A, E, R>
}

/**
 * The variance of {@link Task}.
 *
 * @since 0.1.0
 */
export declare namespace Task {
  /**
   * The marks of the parameters of a task.
   *
   * @stability unstable
   * @category models
   * @since 0.1.0
   */
  export interface Variance<out A, out E, out R> {
    readonly _A: Covariant<A>
    readonly _E: Covariant<E>
    readonly _R: Covariant<R>
  }
}

/**
 * A submitted task that succeeds with `A` or fails with `E`.
 *
 * As an input of another task, also inside arrays and records, it is a dependency of that task.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Future<out A, out E = never> extends Pipeable, Inspectable {
  readonly [FutureTypeId]: Future.Variance<A, E>
  /** The task's own key, or one formed of its label and number. */
  readonly key: string
}

/**
 * The variance of {@link Future}.
 *
 * @since 0.1.0
 */
export declare namespace Future {
  /**
   * The marks of the parameters of a future.
   *
   * @stability unstable
   * @category models
   * @since 0.1.0
   */
  export interface Variance<out A, out E> {
    readonly _A: Covariant<A>
    readonly _E: Covariant<E>
  }
}

/**
 * Tasks or futures, and the policy that they must meet before a dependent starts.
 *
 * **Details**
 *
 * As an input it has the value `V`: the exits of its members, in their shape. The errors `E` of its members fail a dependent as
 * those of plain inputs do. `P` is the dependent's own error when the policy can never be met, or skips it.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Dependency<out V, out E = never, out P = never, out R = never> extends Pipeable, Inspectable {
  readonly [DependencyTypeId]: Dependency.Variance<V, E, P, R>
}

/**
 * The variance of {@link Dependency}.
 *
 * @since 0.1.0
 */
export declare namespace Dependency {
  /**
   * The marks of the parameters of a dependency.
   *
   * @stability unstable
   * @category models
   * @since 0.1.0
   */
  export interface Variance<out V, out E, out P, out R> {
    readonly _V: Covariant<V>
    readonly _E: Covariant<E>
    readonly _P: Covariant<P>
    readonly _R: Covariant<R>
  }
}
