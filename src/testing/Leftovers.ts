/**
 * Checks that nothing is left in a scheduler.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Client from "../Client.ts"
import { coreOf, leftovers, wrong } from "./internal/leftovers.ts"

/**
 * Something is left in a scheduler. Each problem is a sentence.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class NotEmpty extends Data.TaggedError("NotEmpty")<{ readonly problems: ReadonlyArray<string> }> {
  override get message(): string {
    return this.problems.join("\n")
  }
}

/**
 * Fails if anything is left in the scheduler (a task, a result, an owner, a wait, a timer, a fiber, an entry in any table), or if
 * an invariant of the engine is broken.
 *
 * **When to use**
 *
 * At the end of a test, when every scope and every compute of it has closed.
 *
 * **Example** (Nothing is left of a computation)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Skein, Task } from "skein"
 * import { Leftovers } from "skein/testing"
 *
 * const program = Effect.tap(Client.compute(Task.succeed(1)), Leftovers.assertNone)
 * program.pipe(Effect.provide(Skein.layer())) // => 1
 * ```
 *
 * @stability unstable
 * @category testing
 * @since 0.1.0
 */
export const assertNone: Effect.Effect<void, NotEmpty, Client.Client> = Effect.flatMap(
  Effect.context<Client.Client>(),
  (context) => {
    const core = coreOf(Context.get(context, Client.Client))
    // The last instructions may be on their way, and more may follow from them.
    const rest = Effect.repeat(Effect.yieldNow, { until: () => core.mailbox.isAtRest, times: 1000 })
    return Effect.andThen(
      rest,
      Effect.suspend(() => {
        const problems = [...wrong(core), ...leftovers(core)]
        return problems.length === 0 ? Effect.void : Effect.fail(new NotEmpty({ problems }))
      })
    )
  }
)
