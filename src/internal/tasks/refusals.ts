/**
 * What the compiler says where work stands that nobody would run or wait for.
 *
 * Each refusal is a conditional type whose condition is certain to fail for a type parameter: so what it refuses is refused
 * where the type is known, and generic code compiles.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { IsAny } from "../values/isAny.ts"
import type { MeantAsValue } from "../values/strangers.ts"
import type { Future, Task } from "./handles.ts"

/** Says what is wrong, if anything is. */
type Unless<Message> = [NoneOf<Message>] extends [never] ? Message : unknown

type NoneOf<Message> = [Message] extends [never] ? true : never

/** Errors of Effect's making are Effects, and values. */
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
  : never

type OfFunction<A> = IsAny<A> extends true ? never
  // One that it was given it may return.
  : A extends MeantAsValue | Error | Exit.Exit<any, any> ? never
  : A extends Effect.Effect<any, any, any>
    ? "An Effect is no value of a plain function. Use Task.make, or Task.value to hand it on as it is."
  : OfResult<A>

/** What an effect gives as the result of a task. */
export type Result<A> = Unless<OfResult<A>>

/** What a plain function returns as the result of a task. */
export type Returned<A> = Unless<OfFunction<A>>

/** What a function returns that may give an effect. */
export type Called<A> = Unless<A extends Effect.Effect<infer X, any, any> ? OfResult<X> : OfResult<A>>

type OfInput<I> = IsAny<I> extends true ? never
  : I extends MeantAsValue | Error ? never
  : I extends Effect.Effect<any, any, any>
    ? "An Effect is no input. Make a task of it with Task.make, or use Task.value to hand it on as it is."
  : never

type Member<I> = I extends Task<any, any, any> | Future<any, any> ? never
  : I extends ReadonlyArray<infer X> ? X
  : I extends object ? I[keyof I]
  : never

/** What stands among the inputs of a task. */
export type Given<I> = Unless<OfInput<I> | OfInput<Member<I>>>

/** The same where an effect by itself is another way to call a function. */
export type GivenMembers<I> = Unless<I extends Effect.Effect<any, any, any> ? never : OfInput<Member<I>>>
