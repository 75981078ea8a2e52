/**
 * The types of shapes: what values, errors and requirements the inputs of a task stand for.
 *
 * Handles (tasks and futures) are found in arrays and objects to depth 5, as they are at run time. Functions, Map, Set and
 * Effects are passed as they are. So are instances of your classes without handles; instances with handles are copied without
 * their `#private` members.
 *
 * @internal
 */
import type * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type {
  DependencyFailed,
  ImpossibleDependency,
  Root,
  Signal,
  SkeinError,
  TaskSkipped,
  TaskUnmet
} from "../../SkeinError.ts"
import type { IsAny } from "../values/isAny.ts"
import type { Dependency, Future, Task } from "./handles.ts"
import type { Worker } from "./worker.ts"

/**
 * Any task or future: something whose value must be waited for.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Handle = Task<any, any, any> | Future<any, any>

type Prev = [never, 0, 1, 2, 3, 4, 5]

type Leaf = Handle | Dependency<any, any, any, any>

/**
 * All handles and dependencies in the shape, at most D levels down: the one walk through a shape, whose result the compiler keeps
 * for every question about it.
 *
 * @internal
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Leaves<I, D extends number = 5> = IsAny<I> extends true ? never
  : I extends Leaf ? I
  : I extends (...args: any) => any ? never
  : I extends object ? IsOfEffect<I> extends true ? never
    : D extends 0 ? never
    : LeavesOfMembers<I, Prev[D]>
  : never

type LeavesOfMembers<I, D extends number> = { [K in keyof I]-?: Leaves<I[K], D> }[Places<I>]

/** Effects, Options, Chunks and other types of Effect are passed on as they are. */
type IsOfEffect<I> = [Extract<keyof I, `~effect/${string}`>] extends [never] ? false : true

/**
 * The shape with each handle replaced by its value.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Values<I> = IsAny<I> extends true ? I
  : I extends Leaf ? ValueOf<I>
  : [Leaves<I>] extends [never] ? I
  : { -readonly [K in keyof I]: Values<I[K]> }

type ValueOf<H> = H extends Task<infer A, any, any> ? A
  : H extends Future<infer A, any> ? A
  : H extends Dependency<infer V, any, any, any> ? V
  : never

/**
 * The errors of all handles in the shape.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Errors<I> = ErrorsOf<Leaves<I>>

type ErrorsOf<H> = H extends Task<any, infer E, any> ? E
  : H extends Future<any, infer E> ? E
  : H extends Dependency<any, infer E, any, any> ? E
  : never

/**
 * The errors with which policies in the shape can end a dependent.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Raises<I> = RaisesOf<Leaves<I>>

type RaisesOf<H> = H extends Dependency<any, any, infer P, any> ? P : never

/**
 * What a task, or all tasks in a shape, need.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Services<I> = ServicesOf<Leaves<I>>

type ServicesOf<H> = H extends Task<any, any, infer R> ? R : H extends Dependency<any, any, any, infer R> ? R : never

/**
 * The text in place of a requirement where a wait is given a shape with tasks: only submitted tasks can be waited for.
 *
 * @internal
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Unsubmitted<I> = UnsubmittedOf<Leaves<I>>

type UnsubmittedOf<H> = H extends Task<any, any, any>
  ? "Only a Future can be waited for. Submit the task with Client.submit, or run it with Client.compute."
  : never

/**
 * A set or an iterator of tasks or futures as the list of its members, for verbs that read it once.
 *
 * @internal
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Listed<I> = IsAny<I> extends true ? I
  : I extends ReadonlySet<infer X> ? Array<X>
  : I extends Iterator<infer X, any, any> & Iterable<any> ? Array<X>
  : I

/** Where handles may lie: the members of arrays, not their methods. */
type Places<I> = I extends ReadonlyArray<any> ? number & keyof I : keyof I

/**
 * The shape with each handle replaced by its exit, as an observer sees it.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Exits<I> = IsAny<I> extends true ? I
  : I extends Handle ? ExitOf<I>
  : [Leaves<I>] extends [never] ? I
  : { -readonly [K in keyof I]: Exits<I[K]> }

type ExitOf<H> = H extends Task<infer A, infer E, any> ? Exit.Exit<A, E | SkeinError>
  : H extends Future<infer A, infer E> ? Exit.Exit<A, E | SkeinError>
  : never

/**
 * What a dependent can fail with because of the shape.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Upstream<I> = UpstreamOf<Errors<I>> | Raises<I>

/** A skip is passed on as it is, every other error as the failure of a dependency. */
type UpstreamOf<E> = Extract<E, TaskSkipped> | Failed<Exclude<E, TaskSkipped>>

type Failed<E> = [E] extends [never] ? never : DependencyFailed<Root<E>>

/**
 * A value of `T`, with handles in any places of it.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Lifted<T> =
  | T
  | Task<T, any, any>
  | Future<T, any>
  | (T extends (...args: any) => any ? never : T extends object ? { readonly [K in keyof T]: Lifted<T[K]> } : never)

/**
 * The requirements of a body, without those that the runtime provides to every attempt.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Needs<R> = Exclude<R, Scope.Scope | Worker>

/**
 * The errors of a task whose body fails with `E`, without signals. A body that may be unmet on every worker may end with
 * `ImpossibleDependency`.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Own<E> = E extends TaskUnmet ? ImpossibleDependency : E extends Signal ? never : E

/**
 * The errors of a submitted task, without signals, which generic code may not know to be absent.
 *
 * @internal
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type WithoutSignals<E> = Exclude<E, Signal>
