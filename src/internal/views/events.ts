/**
 * Transitions of tasks and workers, as listeners see them.
 *
 * @internal
 */
import type { Transition, WorkerTransition } from "../../engine/protocol/Transition.ts"

/**
 * One transition of one task: its time (Unix milliseconds, by the layer's `Clock`), the task, the states before and after, the
 * worker, and the name of the event that caused it.
 *
 * **Details**
 *
 * A key names a task within its graph, whose number is `graph`. Tasks of other graphs may have the same key. `serial` is the
 * number of the task among all that the scheduler has known, and tells them apart. `owner` is the number of the scope or compute
 * for which the task was submitted. `computation` is the number of the request from outside of tasks that led to it. Tasks that a
 * body submits belong to the computation of that body's task, but to an owner of their own.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface TaskEvent extends Transition {}

/**
 * One transition of one worker: its time (Unix milliseconds, by the layer's `Clock`), the worker, the states before and after,
 * and the name of the event that caused it.
 *
 * **Details**
 *
 * A worker that replaces another is `starting` until its `onStart` has succeeded. Then it is `open`, as an added worker is.
 * `draining`: it starts nothing new, and is `gone` when its last task has ended. `lost`: it crashed, was silent for its `ttl`, or
 * could not be started. `serial` is the number of the worker among all that the scheduler has known, and distinguishes workers of
 * one id.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface WorkerEvent extends WorkerTransition {}
