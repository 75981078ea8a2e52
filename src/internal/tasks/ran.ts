/**
 * What bodies return: effects, and generators that run as in `Effect.gen`.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"

/** What the function of a body may return. */
export type Ran = Effect.Effect<any, any, any> | Generator<Effect.Effect<any, any, any>, any, never>

export type RanSuccess<X> = X extends Effect.Effect<infer A, infer _E, infer _R> ? A
  : X extends Generator<infer _Y, infer A, infer _N> ? A
  : never

export type RanError<X> = X extends Effect.Effect<infer _A, infer E, infer _R> ? E
  : X extends Generator<infer Y, infer _A, infer _N> ? Effect.Error<Y>
  : never

export type RanServices<X> = X extends Effect.Effect<infer _A, infer _E, infer R> ? R
  : X extends Generator<infer Y, infer _A, infer _N> ? Effect.Services<Y>
  : never
