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

/** Does I hold a handle, at most D levels down? */
type Holds<I, D extends number> = [D] extends [never] ? false
  : IsAny<I> extends true ? false
  : I extends Handle | Dependency<any, any, any, any> ? true
  : I extends (...args: any) => any ? false
  : I extends object ? IsOfEffect<I> extends true ? false
    : true extends { [K in keyof I]-?: Holds<I[K], Prev[D]> }[keyof I] ? true
    : false
  : false

/** Effects, Options, Chunks and other types of Effect are passed on as they are. */
type IsOfEffect<I> = [Extract<keyof I, `~effect/${string}`>] extends [never] ? false : true

type HoldsAny<I, D extends number> = true extends Holds<I, D> ? true : false

/**
 * The shape with each handle replaced by its value.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Values<I> = IsAny<I> extends true ? I
  : I extends Task<infer A, any, any> ? A
  : I extends Future<infer A, any> ? A
  : I extends Dependency<infer V, any, any, any> ? V
  : HoldsAny<I, 5> extends true ? { -readonly [K in keyof I]: Values<I[K]> }
  : I

/**
 * The errors of all handles in the shape.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Errors<I> = Exclude<Found<I>, Raised<any>>

/** Marks an error of a policy, which ends the dependent itself. */
interface Raised<out P> {
  readonly "~skein/Raised": P
}

type Found<I, D extends number = 5> = [D] extends [never] ? never
  : IsAny<I> extends true ? never
  : I extends Task<any, infer E, any> ? E
  : I extends Future<any, infer E> ? E
  : I extends Dependency<any, infer E, infer P, any> ? E | ([P] extends [never] ? never : Raised<P>)
  : HoldsAny<I, D> extends true ? { [K in keyof I]-?: Found<I[K], Prev[D]> }[Places<I>]
  : never

/**
 * The errors with which policies in the shape can end a dependent.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Raises<I> = RaisesOf<Found<I>>

type RaisesOf<E> = IsAny<E> extends true ? never : E extends Raised<infer P> ? P : never

/**
 * What a task, or all tasks in a shape, need.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Services<I, D extends number = 5> = [D] extends [never] ? never
  : IsAny<I> extends true ? never
  : I extends Task<any, any, infer R> ? R
  : I extends Future<any, any> ? never
  : I extends Dependency<any, any, any, infer R> ? R
  : HoldsAny<I, D> extends true ? { [K in keyof I]-?: Services<I[K], Prev[D]> }[Places<I>]
  : never

/**
 * The text in place of a requirement where a wait is given a shape with tasks: only submitted tasks can be waited for.
 *
 * @internal
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Unsubmitted<I, D extends number = 5> = [D] extends [never] ? never
  : IsAny<I> extends true ? never
  : I extends Task<any, any, any>
    ? "Only a Future can be waited for. Submit the task with Client.submit, or run it with Client.compute."
  : I extends Future<any, any> | Dependency<any, any, any, any> ? never
  : HoldsAny<I, D> extends true ? { [K in keyof I]-?: Unsubmitted<I[K], Prev[D]> }[Places<I>]
  : never

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
  : I extends Task<infer A, infer E, any> ? Exit.Exit<A, E | SkeinError>
  : I extends Future<infer A, infer E> ? Exit.Exit<A, E | SkeinError>
  : HoldsAny<I, 5> extends true ? { -readonly [K in keyof I]: Exits<I[K]> }
  : I

/**
 * What a dependent can fail with because of the shape.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Upstream<I> = UpstreamOf<Found<I>>

/** A skip is passed on as it is, every other error as the failure of a dependency. */
type UpstreamOf<E> = Extract<E, TaskSkipped> | Failed<Exclude<E, TaskSkipped | Raised<any>>> | RaisesOf<E>

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
