/**
 * The time of a scheduler. Timers and durations use the monotonic clock, which cannot be set. Instants that people read are those
 * of the wall clock.
 *
 * @internal
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"

const nanosInMilli = 1_000_000n

/** Milliseconds of the monotonic clock. Divided before it is converted: that costs 20 ns less, and as much as the wall clock. */
export const monotonicMillis = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe() / nanosInMilli)

/** Steps of the wall clock up to this are ignored: otherwise instants could go back when only readings differ. */
const tolerance = 100

/** How long the wall clock counts as unchanged. */
const trusted = 100

export class Time {
  private readonly clock: Clock.Clock
  /** The difference of the wall clock to the monotonic clock, and when it was measured. */
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

  /** The wall time of a recent moment: a step of the wall clock is noticed a little later. */
  instantOf(moment: number): number {
    if (moment - this.measuredAt >= trusted) this.measure()
    return moment + this.ahead
  }

  /**
   * What to add to moments for their wall time, as the wall clock is set now: one number for all moments that are reported
   * together.
   */
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
