/**
 * An attempt at the far side: what `Worker` is inside a body there. What it asks of the scheduler goes home.
 *
 * @internal
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { Registered } from "../../engine/protocol/Registered.ts"
import { Attempt } from "../bodies/attempt.ts"
import type { Host } from "../bodies/attempt.ts"
import type { Home, Seat } from "../bodies/home.ts"
import { Border as AnyBorder, Worker } from "../tasks/worker.ts"

/** Asks home, and waits for the answer. */
export type AskHome = (attempt: FarAttempt, verb: string, data: unknown) => Effect.Effect<unknown, unknown>

const nowhere = {} as Registered

export class FarAttempt extends Attempt {
  readonly seat: number
  private readonly own: string
  private readonly stopping: (seat: number) => boolean
  private readonly askHome: AskHome
  /** Whether it has asked for something that may move slots: then only its scheduler knows whether it has one. */
  hasMoved = false
  /** Whether it was told that its body has begun. */
  isTold = false
  fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  isStopped = false

  constructor(
    home: Home,
    host: Host,
    seat: number,
    number: number,
    scope: Scope.Scope,
    key: string,
    stopping: (seat: number) => boolean,
    askHome: AskHome
  ) {
    super(home, host, -1, seat, number, scope, nowhere, 0)
    this.seat = seat
    this.own = key
    this.stopping = stopping
    this.askHome = askHome
  }

  override get key(): string {
    return this.own
  }

  /** Whether it was asked to stop, which code that holds the event loop can see too if memory is shared. */
  override get isStopping(): boolean {
    return this.isStopped || this.stopping(this.seat)
  }

  /** Asks its scheduler. The answer is data. */
  ask(verb: string, data: unknown): Effect.Effect<unknown, unknown> {
    return this.askHome(this, verb, data)
  }
}

/** The attempt in whose body all this runs, or was submitted, however deep. */
export const Border = AnyBorder as Context.Reference<FarAttempt | undefined>

/** The part of a home that `Worker` needs: waits without a slot. */
export const waitsOf = (ask: AskHome): Pick<Home["waits"], "abandon" | "away" | "counted" | "rejoin" | "secede"> => {
  const own = (seat: Seat): FarAttempt => seat as FarAttempt
  return {
    // Its scheduler and this side must agree on who has the slot, so the answer is waited for.
    secede: (seat) =>
      Effect.uninterruptible(Effect.withFiber((fiber) => {
        if (seat.away >= 0) return Effect.void
        return Effect.map(Effect.orDie(ask(own(seat), "secede", undefined)), () => {
          seat.away = 1
          seat.awayIn = fiber
        })
      })),
    rejoin: (seat) =>
      Effect.uninterruptible(Effect.suspend(() => {
        seat.away = -1
        return Effect.asVoid(Effect.orDie(ask(own(seat), "rejoin", undefined)))
      })).pipe(Effect.tap(() =>
        Effect.sync(() => {
          seat.awayIn = undefined
        })
      )),
    away: (seat) => Effect.orDie(ask(own(seat), "away", undefined)) as Effect.Effect<number>,
    abandon: (wait) =>
      Effect.withFiber((fiber) => {
        const attempt = Context.getOrUndefined(fiber.context, Worker)
        return attempt instanceof FarAttempt ? Effect.asVoid(Effect.orDie(ask(attempt, "abandon", wait))) : Effect.void
      }),
    counted: (wait) => wait()
  }
}
