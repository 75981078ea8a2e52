/**
 * What bodies at the far side ask of their scheduler, and wait for.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { isInterruptible } from "../bodies/hearing.ts"
import { decodeCause } from "../portable/causes.ts"
import { quote } from "../text/text.ts"
import type { FarAttempt } from "./farAttempt.ts"
import type { Answer } from "./messages.ts"
import type { Reporting } from "./reporting.ts"
import type { StartedAt } from "./started.ts"

/** The answer to asks when the link has gone. */
const gone = Exit.die(new Error("The scheduler of this body has gone"))

export class FarAsks {
  private readonly reporting: Reporting
  private readonly seats: StartedAt
  private isOver = false
  private next = 1
  private readonly answers = new Map<number, (exit: Exit.Exit<unknown, unknown>) => void>()

  constructor(reporting: Reporting, seats: StartedAt) {
    this.reporting = reporting
    this.seats = seats
  }

  /** Asks home for something on behalf of an attempt. */
  readonly ask = (attempt: FarAttempt, verb: string, data: unknown): Effect.Effect<unknown, unknown> =>
    Effect.withFiber((fiber) => {
      // Its seat may belong to another by now.
      if (this.seats[attempt.seat]?.attempt !== attempt) {
        return Effect.die(
          new TypeError(`The body of task ${quote(attempt.key)} has ended: nothing can be asked for it.`)
        )
      }
      return Effect.suspend(() => {
        if (verb !== "sleep") attempt.hasMoved = true
        tellBegun(this.reporting, attempt)
        return this.send(attempt.seat, verb, data, !isInterruptible(fiber))
      })
    })

  /** The worker itself asks. */
  askForWorker(verb: string, data: unknown): Effect.Effect<unknown, unknown> {
    return Effect.withFiber((fiber) => this.send(-1, verb, data, !isInterruptible(fiber)))
  }

  private send(seat: number, verb: string, data: unknown, isDeaf: boolean): Effect.Effect<unknown, unknown> {
    return Effect.callback<unknown, unknown>((resume) => {
      if (this.isOver) return resume(gone)
      const ask = this.next++
      this.answers.set(ask, resume)
      this.reporting.ask({ ask, seat, verb, data, isDeaf })
      // What was asked for ends first, as if it had run here.
      return Effect.callback<void>((resume) => {
        if (this.isOver || !this.answers.has(ask)) return resume(Effect.void)
        this.answers.set(ask, () => resume(Effect.void))
        this.reporting.drop(ask)
      })
    })
  }

  /** What was to be asked does not travel. */
  readonly refuse = (ask: number, fault: string): void => {
    const resume = this.answers.get(ask)
    this.answers.delete(ask)
    resume?.(Exit.die(new TypeError(`What the body asked for does not travel: ${fault}.`)))
  }

  hear({ ask, exit }: Answer): void {
    const resume = this.answers.get(ask)
    this.answers.delete(ask)
    resume?.(exit._tag === "Success" ? Exit.succeed(exit.value) : Exit.failCause(decodeCause(undefined, exit.cause)))
  }

  /** No answer comes any more. */
  end(): void {
    this.isOver = true
    for (const resume of Array.from(this.answers.values())) resume(gone)
    this.answers.clear()
  }
}

/** Its scheduler must know that a body has begun before the body asks for anything. */
export const tellBegun = (reporting: Reporting, attempt: FarAttempt): void => {
  if (attempt.isTold) return
  attempt.isTold = true
  reporting.began(attempt.seat)
}
