/**
 * Interrupt sweeps run an effect again and again, and interrupt it at one point after the other.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { callback, checkOf, dieOfOptions, isCount } from "../internal/tasks/checks.ts"
import type { Checks } from "../internal/tasks/checks.ts"
import { Chance } from "./Chance.ts"
import { quiet, stepByStep } from "./internal/rails.ts"
import { World } from "./internal/world.ts"

/**
 * Options of a sweep.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface Options<A, E, ROut, E2, R2, E3, RIn> {
  /** What must hold when the effect has ended, interrupted or not. It runs with the same services as the effect. */
  readonly check: (exit: Exit.Exit<A, E>) => Effect.Effect<unknown, E2, R2>
  /** The services of the effect and the check, made anew for each run. */
  readonly layer?: Layer.Layer<ROut, E3, RIn> | undefined
  /**
   * The numbers of operations after which fibers yield, with one sweep for each. Defaults to 3 (after every new operation), 4, 7
   * and 2048.
   */
  readonly budgets?: ReadonlyArray<number> | undefined
}

/**
 * The report of a sweep.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Report {
  /** At how many points the effect was interrupted. */
  readonly points: number
}

/**
 * The check failed, or the effect did not end, after an interruption at this point. `point` counts the steps of all fibers since
 * the effect began; it is `undefined` if the effect was not interrupted.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class SweepFailed extends Data.TaggedError("SweepFailed")<{
  readonly budget: number
  readonly point: number | undefined
  readonly cause: Cause.Cause<unknown>
}> {
  override get message(): string {
    const when = this.point === undefined ? "without an interruption" : `interrupted at step ${this.point}`
    return `With a budget of ${this.budget} operations, ${when}:\n${Cause.pretty(this.cause)}`
  }
}

/**
 * Runs an effect many times, interrupts it at each point at which a fiber can yield, and checks what is left.
 *
 * **When to use**
 *
 * For code that acquires, counts or registers something: an interruption at any moment must leave nothing behind.
 *
 * **Details**
 *
 * Each run has a world of its own, with virtual time. The sweep goes on until the effect ends before its interruption, and
 * begins again with the next budget: the fewer operations a fiber may run before it yields, the more points there are.
 *
 * **Example** (A permit that is lost)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { InterruptSweep } from "skein/testing"
 *
 * let free = 1
 * const take = Effect.sync(() => { free-- })
 * const giveBack = Effect.sync(() => { free++ })
 * const careless = Effect.andThen(take, Effect.ensuring(Effect.yieldNow, giveBack))
 * const check = () => Effect.suspend(() => free === 1 ? Effect.void : Effect.fail("lost"))
 * InterruptSweep.run(careless, { check }).pipe(Effect.flip, Effect.map((failed) => failed._tag)) // => "SweepFailed"
 * ```
 *
 * @stability unstable
 * @category running
 * @since 0.1.0
 */
export const run = <A, E, R, E2, R2, ROut = never, E3 = never, RIn = never>(
  effect: Effect.Effect<A, E, R>,
  options: Options<A, E, ROut, E2, R2, E3, RIn>
): Effect.Effect<Report, SweepFailed, Exclude<R | R2, ROut> | RIn> =>
  Effect.gen(function*() {
    yield* dieOfOptions(options, checks)
    const { budgets = [3, 4, 7, 2048], check, layer } = options
    let points = 0
    for (const budget of budgets) {
      for (let point = 0;; point++) {
        const isOver = yield* sweepPoint(effect, check, layer, budget, point)
        if (isOver) break
        points++
      }
    }
    return { points }
  }) as any

const checks: Checks<Options<any, any, any, any, any, any, any>> = {
  check: callback,
  layer: checkOf("a layer", Layer.isLayer),
  budgets: checkOf("an array of positive whole numbers", (value) => Array.isArray(value) && value.every(isCount))
}

/** Interrupts at one point. Returns whether the effect had ended before. */
const sweepPoint = (
  effect: Effect.Effect<any, any, any>,
  check: (exit: Exit.Exit<any, any>) => Effect.Effect<unknown, any, any>,
  layer: Layer.Layer<any, any, any> | undefined,
  budget: number,
  point: number
): Effect.Effect<boolean, SweepFailed, any> =>
  Effect.suspend(() => {
    const world = new World(new Chance(0, []), { shuffle: 0, operations: budget, isRegular: true })
    let isInterrupted = false
    const program = Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(effect)
      const began = world.steps
      world.onStep = () => {
        if (world.steps - began <= point || isInterrupted || fiber.pollUnsafe() !== undefined) return
        isInterrupted = true
        fiber.interruptUnsafe()
      }
      const exit = yield* Fiber.await(fiber)
      // When time advances, everything else that could happen has.
      yield* Effect.sleep(1)
      yield* check(exit)
    })
    const whole = layer === undefined ? program : Effect.provide(program, layer, { local: true })
    return Effect.flatMap(Effect.exit(world.run(quiet(stepByStep(whole, world)))), (exit) => {
      const cause = Exit.isFailure(exit) ? exit.cause : Exit.isFailure(exit.value) ? exit.value.cause : undefined
      if (cause === undefined) return Effect.succeed(!isInterrupted)
      return Effect.fail(new SweepFailed({ budget, point: isInterrupted ? point : undefined, cause }))
    })
  })
