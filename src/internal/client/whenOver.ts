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

/** Waits, and then reads. If a result is lost in between, waits for it again. `reads` are the futures whose results are read. */
export const whenOver = <A, E>(
  futures: ReadonlyArray<FutureImpl>,
  mode: Until,
  reads: ReadonlyArray<FutureImpl>,
  read: () => Exit.Exit<A, E>
): Effect.Effect<A, E | SkeinError> => {
  const wait = Effect.suspend(() => Effect.flatMap(awaitFutures(futures, mode), readOrWait))
  const readOrWait = (): Effect.Effect<A, E | SkeinError> => {
    if (!isOver(futures, mode)) return wait
    const coming = bringAll(reads)
    // With a failure that ends the wait no value is read.
    const isRead = coming !== undefined && !(mode === "firstFailure" && futures.some(hasFailed))
    return !isRead ? read() : Effect.flatMap(coming, readOrWait)
  }
  return wait
}

/** Brings results that stay with workers, of several schedulers; `undefined` if there is none. */
const bringAll = (futures: ReadonlyArray<FutureImpl>): Effect.Effect<void> | undefined => {
  const homes = Array.from(Map.groupBy(futures, ({ home }) => home))
  const coming = homes.flatMap(([{ desk }, all]) => desk.bring(all) ?? [])
  return coming.length === 0 ? undefined : Effect.all(coming, { concurrency: "unbounded", discard: true })
}

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
