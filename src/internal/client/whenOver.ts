/**
 * Waits for several futures, which may belong to several schedulers.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { WaitMode } from "../../engine/protocol/Event.ts"
import type { SkeinError } from "../../SkeinError.ts"
import type { FutureImpl } from "../tasks/task.ts"

/** The mode of a wait for futures. */
export type Until = Exclude<WaitMode, "never">

/** Waits, and then reads. If a result is lost in between, waits for it again. */
export const whenOver = <A, E>(
  futures: ReadonlyArray<FutureImpl>,
  mode: Until,
  read: () => Exit.Exit<A, E>
): Effect.Effect<A, E | SkeinError> =>
  Effect.flatMap(
    awaitFutures(futures, mode),
    () => isOver(futures, mode) ? read() : whenOver(futures, mode, read)
  )

const isOver = (futures: ReadonlyArray<FutureImpl>, mode: Until) => {
  const isSettled = ({ claim, home }: FutureImpl) => home.view.hasEnded(claim)
  if (mode === "firstCompleted") return futures.length === 0 || futures.some(isSettled)
  return futures.every(isSettled) || (mode === "firstFailure" && futures.some((future) => hasFailed(future)))
}

const hasFailed = ({ claim, home }: FutureImpl): boolean => home.view.hasEnded(claim) && !home.view.hasSucceeded(claim)

const awaitFutures = (
  futures: ReadonlyArray<FutureImpl>,
  mode: Until
): Effect.Effect<void, SkeinError> => {
  const home = futures[0]?.home
  if (home === undefined) return Effect.void
  if (futures.some((future) => future.home !== home)) return awaitAcross(futures, mode)
  return home.waits.forFutures(futures, mode)
}

/** Waits for futures of several independent schedulers. */
const awaitAcross = (
  futures: ReadonlyArray<FutureImpl>,
  mode: Until
): Effect.Effect<void, SkeinError> => {
  const groups = Array.from(Map.groupBy(futures, ({ home }) => home).values())
  const waits = groups.map((group) => awaitFutures(group, mode))
  if (mode === "firstCompleted") return Effect.raceAllFirst(waits)
  const isDecided = (group: ReadonlyArray<FutureImpl>) => mode === "firstFailure" && group.some(hasFailed)
  const all = groups.map((group, i) =>
    Effect.flatMap(waits[i]!, () => isDecided(group) ? Effect.fail("decided" as const) : Effect.void)
  )
  return Effect.all(all, { concurrency: "unbounded", discard: true }).pipe(
    Effect.catch((error) => error === "decided" ? Effect.void : Effect.fail(error))
  )
}
