/**
 * The typed face of graphs.
 *
 * @internal
 */
import type { Inspectable } from "effect/Inspectable"
import type { Pipeable } from "effect/Pipeable"
import type { Covariant } from "effect/Types"
import type { Task } from "../tasks/handles.ts"
import type { TaskGraphTypeId } from "../values/typeIds.ts"

/**
 * A keyed set of tasks: `Tasks` is a record of them. Immutable.
 *
 * **Details**
 *
 * Within a graph, a task has the key that the graph gives it, whatever key it had. It is the same task wherever tasks of the
 * graph use it as an input.
 *
 * **Gotchas**
 *
 * A pure call under a key of the graph has that key, so it does not share its run with equal calls outside of that key.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface TaskGraph<out Tasks = {}> extends Pipeable, Inspectable {
  readonly [TaskGraphTypeId]: TaskGraph.Variance<Tasks>
  /** The tasks under their keys. */
  readonly tasks: Tasks
}

/**
 * The variance of {@link TaskGraph}.
 *
 * @since 0.1.0
 */
export declare namespace TaskGraph {
  /**
   * The mark of the parameter of a graph.
   *
   * @stability unstable
   * @category models
   * @since 0.1.0
   */
  export interface Variance<out Tasks> {
    readonly _Tasks: Covariant<Tasks>
  }
}

/**
 * A graph whose keys are known only at run time.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Untyped<E = unknown, R = never> = TaskGraph<Readonly<Record<string, Task<unknown, E, R>>>>
