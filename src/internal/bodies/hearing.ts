/**
 * What an interruption would meet in the fiber of a body.
 *
 * @internal
 */
import type * as Fiber from "effect/Fiber"
import { attemptOf } from "./attempt.ts"
import type { Home } from "./home.ts"

/** How a body stands to a request to stop, as its worker sees it just before the interruption. */
export interface Hearing {
  /** Whether a section is open that a stop does not interrupt. */
  readonly isShielded: boolean
  /** Whether the fiber of the body cannot be interrupted where it is. */
  readonly isDeaf: boolean
  /** Whether the body may wait for tasks: a plain function may not. */
  readonly mayWait: boolean
  /** Whether the fiber that has seceded cannot be interrupted; `undefined` if none has. */
  readonly isAwayDeaf: boolean | undefined
}

/** How the body of an attempt stands to a request to stop. */
export const hearingOf = (home: Home, fiber: Fiber.Fiber<unknown, unknown>, serial: number): Hearing => {
  const attempt = attemptOf(home, fiber)
  const isOwn = attempt?.serial === serial
  return {
    isShielded: isOwn && attempt.shields > 0,
    isDeaf: !isInterruptible(fiber),
    mayWait: isOwn,
    isAwayDeaf: isOwn && attempt.awayIn !== undefined ? !isInterruptible(attempt.awayIn) : undefined
  }
}

/** Whether a fiber can be interrupted now. Effect does not export this. */
export const isInterruptible = (fiber: Fiber.Fiber<unknown, unknown>): boolean =>
  (fiber as { readonly interruptible?: boolean }).interruptible !== false
