/**
 * The types of tasks, futures and dependencies, below everything that uses them.
 *
 * @internal
 */
import type { Pipeable } from "effect/Pipeable"

/** @internal */
export declare const TaskTypeId: unique symbol

/**
 * A description of work that succeeds with `A`, fails with `E` and needs `R`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Task<out A, out E = never, out R = never> extends Pipeable {
  readonly [TaskTypeId]: { readonly _A: () => A; readonly _E: () => E; readonly _R: () => R }
}

/** @internal */
export declare const FutureTypeId: unique symbol

/**
 * A submitted task that succeeds with `A` or fails with `E`.
 *
 * As an input of another task, also inside arrays and records, it is a dependency of that task.
 *
 * @category models
 * @since 0.1.0
 */
export interface Future<out A, out E = never> extends Pipeable {
  readonly [FutureTypeId]: { readonly _A: () => A; readonly _E: () => E }
  /** The task's own key, or one formed of its label and number. */
  readonly key: string
}

/** @internal */
export declare const DependencyTypeId: unique symbol

/**
 * Tasks or futures, and the policy that they must meet before a dependent starts.
 *
 * **Details**
 *
 * As an input it has the value `V`: the exits of its members, in their shape. The errors `E` of its members fail a dependent as
 * those of plain inputs do. `P` is the dependent's own error when the policy can never be met, or skips it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Dependency<out V, out E = never, out P = never, out R = never> extends Pipeable {
  readonly [DependencyTypeId]: {
    readonly _V: () => V
    readonly _E: () => E
    readonly _P: () => P
    readonly _R: () => R
  }
}
