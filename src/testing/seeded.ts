/**
 * Any effect in a world of its own.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { count, countOrInfinity, dieOfOptions, rate } from "../internal/tasks/checks.ts"
import type { Checks } from "../internal/tasks/checks.ts"
import { Chance } from "./chance.ts"
import { stepByStep } from "./rails.ts"
import { World } from "./world.ts"

/**
 * What {@link withSeed} can be told.
 *
 * @category options
 * @since 0.1.0
 */
export interface SeedOptions {
  /** How often another fiber than the first in line goes on, from 0 to 1; always unless told. */
  readonly shuffle?: number | undefined
  /** Fibers yield after at most so many operations, 12 unless told. */
  readonly operations?: number | undefined
  /** More steps count as endless; 200,000 unless told. */
  readonly steps?: number | undefined
}

/**
 * The effect can go on no more: nothing can run and no time is waited for, or there seems to be no end.
 *
 * @category errors
 * @since 0.1.0
 */
export class Stalled extends Data.TaggedError("Stalled")<{ readonly seed: number; readonly why: string }> {
  override get message(): string {
    return `With seed ${this.seed}, ${this.why}.`
  }
}

/**
 * Runs an effect in a world of its own: a seed chooses which fiber goes on and where fibers yield, and time is virtual. The
 * same seed gives the same run. An effect that can never go on dies with {@link Stalled}.
 *
 * **Example** (Some orders lose an update)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import * as Testing from "skein/testing"
 *
 * const racy = Effect.gen(function*() {
 *   let n = 0
 *   const bump = Effect.flatMap(Effect.sync(() => n), (before) => Effect.sync(() => { n = before + 1 }))
 *   yield* Effect.all([bump, bump, bump], { concurrency: 3 })
 *   return n
 * })
 * const seeds = Array.from({ length: 100 }, (_, seed) => Testing.withSeed(racy, seed))
 * Effect.map(Effect.all(seeds), (results) => results.some((n) => n < 3)) // => true
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const withSeed = <A, E, R>(
  self: Effect.Effect<A, E, R>,
  seed: number,
  options: SeedOptions = {}
): Effect.Effect<A, E, R> =>
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

const checks: Checks<SeedOptions> = { shuffle: rate, operations: count, steps: countOrInfinity }
