/**
 * What a graph means, for a test to compare with.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Client from "../Client.ts"
import { replace } from "../internal/tasks/inputs.ts"
import type { Exits, Needs, Services } from "../internal/tasks/shapes.ts"
import type { SubmitError } from "../SkeinError.ts"
import { Interpreter } from "./internal/interpreter.ts"

/**
 * Says what a graph means: runs its tasks one after the other, without a scheduler, and gives the exit of each.
 *
 * **When to use**
 *
 * As an oracle: a scheduler must give the same values and the same typed failures, whatever the order in which things happen.
 *
 * **Details**
 *
 * Bodies may submit, compute, join and wait; what they submit runs when something asks for it. Attempts, retries and timeouts
 * of attempts count; slots, priorities, deadlines, ownership and cancellation do not exist here, and what is fired and
 * forgotten does not run. Where several dependencies
 * of a task fail, a scheduler may come upon another of them first.
 *
 * **Example** (Values and failures)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit } from "effect"
 * import { Task } from "skein"
 * import { Interpreter } from "skein/testing"
 *
 * const one = Task.make(Effect.succeed(1))
 * const none = Task.make(Effect.fail("no"))
 * const both = Task.all([one, none])
 * Interpreter.run({ one, both }).pipe(Effect.map(({ one, both }) => [Exit.isSuccess(one), Exit.isSuccess(both)])) // => [true, false]
 * ```
 *
 * @stability unstable
 * @category running
 * @since 0.1.0
 */
export const run = <const I>(
  targets: I
): Effect.Effect<Exits<I>, SubmitError, Exclude<Needs<Services<I>>, Client.Client>> =>
  Effect.suspend(() => {
    const interpreter = new Interpreter()
    return Effect.map(interpreter.interpret(targets), (ids) => {
      let place = 0
      return replace(targets, () => interpreter.rows.exitOf(ids[place++]!), Exit.succeed)
    })
  }) as any
