/**
 * The alarm of a scheduler: one sleep, until the moment in which the engine next wants to hear of the time.
 *
 * @internal
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { Time } from "../platform/time.ts"
import type { Life } from "./life.ts"
import type { Mailbox } from "./mailbox.ts"

export class Alarm {
  private readonly context: Context.Context<never>
  private readonly time: Time
  private readonly mailbox: Mailbox
  private readonly life: Life
  private sleeping: Fiber.Fiber<void> | undefined

  constructor(context: Context.Context<never>, time: Time, mailbox: Mailbox, life: Life) {
    this.context = context
    this.time = time
    this.mailbox = mailbox
    this.life = life
  }

  /** Rings at this moment, in place of the one before. */
  set(at: number): void {
    this.silence()
    const sleep = this.time.sleep(Math.max(0, at - this.time.now()))
    const ring = Effect.sync(() => {
      // A sleep of a fraction of a millisecond may end slightly early by the clock, and a repeated one might never advance.
      this.life.guard(() => this.mailbox.ask({ _tag: "TimeCame", now: Math.max(at, this.time.now()) }))
    })
    this.sleeping = Effect.runForkWith(this.context)(Effect.andThen(sleep, ring))
  }

  /** No alarm rings any more. */
  silence(): void {
    this.sleeping?.interruptUnsafe()
  }
}
