/**
 * The wait for workers.
 *
 * @internal
 */
import type * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import { workersOf } from "../../engine/views/workers.ts"
import { NoSuitableWorker } from "../../SkeinError.ts"
import type { SubmitError } from "../../SkeinError.ts"
import type { SchedulerCore } from "../driver/schedulerCore.ts"
import { count as positive, duration, optionsFault, valueFault } from "../tasks/checks.ts"
import type { Checks } from "../tasks/checks.ts"
import { closed } from "../tasks/closed.ts"
import { millisIn } from "../tasks/durations.ts"

/**
 * How long to wait for workers.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface AwaitWorkersOptions {
  /** The time to wait for the first worker. Defaults to 5 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /** The time to wait for another worker since the last one joined. Defaults to 60 seconds. */
  readonly stableTimeout?: Duration.Input | undefined
}

const checks: Checks<AwaitWorkersOptions> = { connectTimeout: duration, stableTimeout: duration }

/** Waits until `count` workers take tasks, or until no more of them come. */
export const awaitWorkers = (
  core: SchedulerCore,
  count: number,
  options: AwaitWorkersOptions | undefined
): Effect.Effect<number, NoSuitableWorker | SubmitError> => {
  const fault = optionsFault(options, checks) ?? valueFault(positive, "count", count)
  if (fault !== undefined) return Effect.die(fault)
  const connectMillis = millisIn(options?.connectTimeout) ?? 5_000
  const stableMillis = millisIn(options?.stableTimeout) ?? 60_000
  const open = (): number => workersOf(core.state).filter(({ phase }) => phase === "open").length
  const wait = Effect.gen(function*() {
    const joins = yield* Queue.unbounded<void, Cause.Done>()
    const listen = Effect.sync(() =>
      core.crew.listen(
        ({ to }) => to === "open" && Queue.offerUnsafe(joins, undefined),
        () => void Queue.endUnsafe(joins)
      )
    )
    yield* Effect.acquireRelease(listen, (stop) => Effect.sync(stop))
    const joined = Effect.mapError(Queue.take(joins), () => closed("scheduler"))
    const until = core.time.now() + connectMillis
    while (!core.life.isClosed && open() < count) {
      const isNone = open() === 0
      const millis = isNone ? Math.max(0, until - core.time.now()) : stableMillis
      if (Option.isSome(yield* Effect.timeoutOption(joined, Duration.millis(millis)))) continue
      if (open() > 0) break
      if (isNone || core.time.now() >= until) {
        return yield* new NoSuitableWorker({ key: undefined, restriction: {}, millis: connectMillis })
      }
    }
    return core.life.isClosed ? yield* closed("scheduler") : open()
  })
  return Effect.scoped(wait)
}
