/**
 * The time of a scheduler. What is due, and how long things take, is measured by the monotonic clock, which nobody can set.
 * Instants that people read are those of the wall clock.
 *
 * @internal
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"

const nanosInMilli = 1_000_000n

/** Milliseconds of the monotonic clock. Divided before it is converted: that costs 20 ns less, and as much as the wall clock. */
export const monotonicMillis = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe() / nanosInMilli)

/** Steps of the wall clock that do not count: with smaller ones instants would go back where only readings differ. */
const tolerance = 100

/** For so long the wall clock counts as unchanged. */
const trusted = 100

export class Time {
  private readonly clock: Clock.Clock
  /** What the wall clock is ahead of the monotonic one, and when that was measured. */
  private ahead: number
  private measuredAt: number

  constructor(clock: Clock.Clock) {
    this.clock = clock
    this.measuredAt = monotonicMillis(clock)
    this.ahead = clock.currentTimeMillisUnsafe() - this.measuredAt
  }

  /** A moment of the monotonic clock. */
  now(): number {
    return monotonicMillis(this.clock)
  }

  sleep(millis: number): Effect.Effect<void> {
    return this.clock.sleep(Duration.millis(millis))
  }

  /** The wall time of a moment that has just been: a step of the wall clock is seen a little later. */
  instantOf(moment: number): number {
    if (moment - this.measuredAt >= trusted) this.measure()
    return moment + this.ahead
  }

  /** What to add to moments for their wall time, as the wall clock is set now: one number for all that is told together. */
  offset(): number {
    this.measure()
    return this.ahead
  }

  private measure(): void {
    this.measuredAt = monotonicMillis(this.clock)
    const ahead = this.clock.currentTimeMillisUnsafe() - this.measuredAt
    if (Math.abs(ahead - this.ahead) >= tolerance) this.ahead = ahead
  }
}
