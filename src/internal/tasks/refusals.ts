/**
 * Compile-time refusals of work that nothing would run or wait for.
 *
 * The condition of each refusal is certain to fail for a type parameter: so it refuses where the type is known, and generic code
 * compiles.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { IsAny } from "../values/isAny.ts"
import type { MeantAsValue } from "../values/strangers.ts"
import type { Future, Task } from "./handles.ts"
import type { Ran, RanSuccess } from "./ran.ts"

/** The text of a refusal, if any. */
type Unless<Message> = [NoneOf<Message>] extends [never] ? Message : unknown

type NoneOf<Message> = [Message] extends [never] ? true : never

/** Errors made by Effect are Effects, and values too. */
type OfResult<A> = IsAny<A> extends true ? never
  : A extends MeantAsValue | Error ? never
  : A extends Task<any, any, any> ? "A Task is no result. Use Task.flatMap, or Task.value to hand it on as it is."
  : A extends Future<any, any> ?
    "A Future is no result. Join it, make it an input, or use Task.value to hand it on as it is."
  : A extends Exit.Exit<any, any> ? never
  : A extends Effect.Effect<any, any, any>
    ? "An Effect is no result. Flatten it, or use Task.value to hand it on as it is."
  : A extends PromiseLike<any>
    ? "A Promise is no result. Use Task.make and Effect.tryPromise, or Task.value to hand it on as it is."
  : A extends Generator<any, any, any> | AsyncGenerator<any, any, any>
    ? "A generator is no result. Give the generator function to Task.make or Task.fn, or use Task.value to hand it on as it is."
  : never

type OfFunction<A> = IsAny<A> extends true ? never
  // It may return one of its inputs.
  : A extends MeantAsValue | Error | Exit.Exit<any, any> ? never
  : A extends Effect.Effect<any, any, any>
    ? "An Effect is no value of a plain function. Use Task.make, or Task.value to hand it on as it is."
  : OfResult<A>

/** The refusal of an effect's value as the result of a task. */
export type Result<A> = Unless<OfResult<A>>

/** The refusal of a plain function's value as the result of a task. */
export type Returned<A> = Unless<OfFunction<A>>

/** The refusal of the value of a function that may return an effect, or a generator that runs as one. */
export type Called<A> = Unless<A extends Ran ? OfResult<RanSuccess<A>> : OfResult<A>>

type OfInput<I> = IsAny<I> extends true ? never
  : I extends MeantAsValue | Error ? never
  : I extends Effect.Effect<any, any, any>
    ? "An Effect is no input. Make a task of it with Task.make, or use Task.value to hand it on as it is."
  : never

type Member<I> = I extends Task<any, any, any> | Future<any, any> ? never
  : I extends ReadonlyArray<infer X> ? X
  : I extends object ? I[keyof I]
  : never

/** The refusal of inputs of a task. */
export type Given<I> = Unless<OfInput<I> | OfInput<Member<I>>>

/** The same for functions that also accept an effect alone. */
export type GivenMembers<I> = Unless<I extends Effect.Effect<any, any, any> ? never : OfInput<Member<I>>>
