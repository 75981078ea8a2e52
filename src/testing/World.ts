/**
 * Any effect in a world of its own.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import { count, countOrInfinity, dieOfOptions, rate } from "../internal/tasks/checks.ts"
import type { Checks } from "../internal/tasks/checks.ts"
import { Chance } from "./Chance.ts"
import { stepByStep } from "./internal/rails.ts"
import { World } from "./internal/world.ts"

/**
 * Options of {@link withSeed}.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The probability, from 0 to 1, that a fiber other than the first in line goes on. Defaults to 1. */
  readonly shuffle?: number | undefined
  /** The most operations after which fibers yield. Defaults to 12. */
  readonly operations?: number | undefined
  /** The number of steps beyond which a run counts as endless. Defaults to 200,000. */
  readonly steps?: number | undefined
}

/**
 * The effect is stuck: nothing can run and nothing waits for time, or it seems to run for ever.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class Stalled extends Data.TaggedError("Stalled")<{ readonly seed: number; readonly why: string }> {
  override get message(): string {
    return `With seed ${this.seed}, ${this.why}.`
  }
}

/**
 * Runs an effect in a world of its own: a seed chooses which fiber goes on and where fibers yield, and time is virtual. The same
 * seed gives the same run. An effect that is stuck dies with {@link Stalled}.
 *
 * **Example** (Some orders lose an update)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { World } from "skein/testing"
 *
 * const racy = Effect.gen(function*() {
 *   let n = 0
 *   const bump = Effect.flatMap(Effect.sync(() => n), (before) => Effect.sync(() => { n = before + 1 }))
 *   yield* Effect.all([bump, bump, bump], { concurrency: 3 })
 *   return n
 * })
 * const seeds = Array.from({ length: 100 }, (_, seed) => World.withSeed(racy, seed))
 * Effect.map(Effect.all(seeds), (results) => results.some((n) => n < 3)) // => true
 * ```
 *
 * @stability unstable
 * @category running
 * @since 0.1.0
 */
export const withSeed: {
  (seed: number, options?: Options): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(self: Effect.Effect<A, E, R>, seed: number, options?: Options): Effect.Effect<A, E, R>
} = dual(
  (args) => Effect.isEffect(args[0]),
  (self: Effect.Effect<any, any, any>, seed: number, options: Options = {}): Effect.Effect<any, any, any> =>
    Effect.andThen(
      dieOfOptions(options, checks),
      Effect.suspend(() => {
        const { operations = 12, shuffle = 1, steps } = options
        const world = new World(new Chance(seed), { operations, shuffle }, steps)
        return world.run(stepByStep(self, world)).pipe(
          Effect.catch((why) => Effect.die(new Stalled({ seed, why }))),
          Effect.flatten
        )
      })
    )
)

const checks: Checks<Options> = { shuffle: rate, operations: count, steps: countOrInfinity }
