/**
 * Checks that nothing is left in a scheduler.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Client from "../Client.ts"
import { check } from "../engine/check/check.ts"
import { leftoversOf, sizeOf } from "../engine/views/leftovers.ts"
import { tagsIn } from "../engine/views/snapshot.ts"
import { workersOf } from "../engine/views/workers.ts"
import type { SchedulerCore } from "../internal/driver/schedulerCore.ts"

/**
 * Something is left in a scheduler. Each problem is a sentence.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotEmpty extends Data.TaggedError("NotEmpty")<{ readonly problems: ReadonlyArray<string> }> {
  override get message(): string {
    return this.problems.join("\n")
  }
}

/** @internal */
export const coreOf = (client: Client.Client["Service"]): SchedulerCore =>
  (client as unknown as { readonly [core: symbol]: SchedulerCore })[Symbol.for("skein/Client/core")]!

/** Fields that are not empty in an unused scheduler. */
const standing: ReadonlySet<string> = new Set(["workers", "restarts", "labels", "amounts", "listeners", "log"])

/**
 * Entries left in the tables of an unused scheduler, whatever tables there are.
 *
 * @internal
 */
export const leftovers = (core: SchedulerCore): ReadonlyArray<string> => {
  const holders: ReadonlyArray<readonly [string, object]> = [
    ["scheduler", core],
    ["scheduler", core.mailbox],
    ["scheduler", core.outbox],
    ["scheduler", core.waits],
    ["scheduler", core.detached],
    ["scheduler", core.owners],
    ...core.workers.map((worker) => [worker.name, worker] as const),
    ...workersOf(core.state).map((worker) => [worker.name, worker] as const)
  ]
  const tables = holders.flatMap(([of, holder]) =>
    Object.entries(holder).flatMap(([name, table]) => {
      const size = standing.has(name) ? 0 : sizeOf(table)
      return size > 0 ? [`${size} left in ${name} of ${of}`] : []
    })
  )
  const busy = workersOf(core.state).filter(({ attempts, running }) => attempts > 0 || running > 0)
  const held = Object.entries(tagsIn(core.state).tags ?? {}).filter(([, { used }]) => used > 0)
  return [
    ...tables,
    ...Array.from(leftoversOf(core.state), ([name, size]) => `${size} left in ${name} of engine`),
    ...held.map(([tag, { used }]) => `${used} tasks hold tag ${tag}`),
    ...busy.map(({ name, running }) => `${running} slots of ${name} are taken`)
  ]
}

/**
 * The problems of a scheduler, in use or not.
 *
 * @internal
 */
export const wrong = (core: SchedulerCore): ReadonlyArray<string> => check(core.state)

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
 * import * as Testing from "skein/testing"
 *
 * const program = Effect.tap(Client.compute(Task.succeed(1)), Testing.assertEmpty)
 * program.pipe(Effect.provide(Skein.layer())) // => 1
 * ```
 *
 * @category assertions
 * @since 0.1.0
 */
export const assertEmpty: Effect.Effect<void, NotEmpty, Client.Client> = Effect.flatMap(
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
