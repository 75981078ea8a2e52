/**
 * The types of functions that a module exports, as makers of tasks that run in other processes. What cannot travel is refused, with
 * the reason as text.
 *
 * @internal
 */
import type * as Scope from "effect/Scope"
import type {
  DependencyFailed,
  DependencyTimeout,
  ImpossibleDependency,
  Signal,
  SkeinError,
  SubmitError,
  TaskSkipped,
  TaskTimeout
} from "../../SkeinError.ts"
import type { IsAny } from "../values/isAny.ts"
import type { Task } from "./handles.ts"
import type { Ran, RanError, RanServices, RanSuccess } from "./ran.ts"
import type { Lifted, Own, Services, Upstream } from "./shapes.ts"
import type { Worker } from "./worker.ts"

/**
 * A function that cannot run in another process; the text says why.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Refused<Why extends string> {
  readonly "this function cannot travel": Why
}

type Prev = [never, 0, 1, 2, 3, 4, 5]

/** Does a structured clone keep every value of this type, as far as five levels down? */
type IsCloned<A, D extends number = 5> = [D] extends [never] ? true
  : IsAny<A> extends true ? true
  : A extends Primitive | Buffers | Date | RegExp ? true
  : A extends ((...args: any) => any) | (abstract new(...args: any) => any) | symbol | Error ? false
  : A extends ReadonlyArray<infer X> ? IsCloned<X, Prev[D]>
  : A extends ReadonlyMap<infer K, infer V> ? IsCloned<K | V, Prev[D]>
  : A extends ReadonlySet<infer V> ? IsCloned<V, Prev[D]>
  : A extends object ? false extends { [K in keyof A]-?: IsField<K, A[K], D> }[keyof A] ? false : true
  : true

/** A symbol as a key is lost. */
type IsField<K, A, D extends number> = K extends symbol ? false : IsCloned<A, Prev[D]> extends true ? true : false

type Primitive = string | number | bigint | boolean | null | undefined | void

type Buffers = ArrayBuffer | SharedArrayBuffer | ArrayBufferView

/** Is there anything in this type of which a clone keeps less? */
type IsLost<A> = false extends IsCloned<A> ? true : false

/** Errors that both sides know without being told. */
type OfSkein = Signal | TaskSkipped | SkeinError | SubmitError | TaskTimeout | DependencyTimeout | ImpossibleDependency

/** Errors of a function that have to travel by themselves. */
type Foreign<E, Known> = E extends Known | OfSkein ? never
  : E extends DependencyFailed<infer Root> ? Foreign<Root, Known>
  : E

/** The services that a body has in another process. `Provided` are those of clients and handlers. */
type Unmet<R, Provided> = Exclude<R, Scope.Scope | Worker | Provided>

/** An exported function as a maker of tasks. `Known` are the instances of the listed classes. */
export type Exported<F, Known, Provided, Handlers> = F extends
  (...args: infer P extends ReadonlyArray<any>) => infer Return
  ? IsAny<Return> extends true ? Call<P, any, never, never>
  : Return extends Ran
    ? [Unmet<RanServices<Return>, Provided | Handlers>] extends [never]
      ? Checked<P, RanSuccess<Return>, RanError<Return>, Known, Extract<RanServices<Return>, Handlers>>
    : Refused<"It needs services. Provide them in its module, or use Portable.make and toLayer.">
  : Checked<P, Return extends PromiseLike<infer A> ? A : Return, never, Known, never>
  : never

type Checked<P extends ReadonlyArray<any>, A, E, Known, R> = true extends IsLost<P[number]>
  ? Refused<"An argument is no plain data. Use Portable.make with a schema.">
  : true extends IsLost<A> ? Refused<"Its result is no plain data. Use Portable.make with a schema.">
  : true extends IsLost<Foreign<E, Known>>
    ? Refused<"It fails with an instance of a class. List the class in errors, as a Schema.TaggedError.">
  : Call<P, A, E, R>

/**
 * An exported function that makes tasks. Arguments may be tasks, futures or values, also nested ones.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Call<P extends ReadonlyArray<any>, A, E, R> {
  <const I extends { readonly [K in keyof P]: Lifted<P[K]> }>(
    ...args: I
  ): Task<A, Own<E> | Upstream<I>, R | Services<I>>
}
