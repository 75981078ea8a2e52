/**
 * Whether the event loop of the far side turns, as far as the link can tell.
 *
 * @internal
 */
import type { Link } from "./link.ts"
import type { Seats } from "./seats.ts"

export class Pulse {
  private readonly link: Link
  private readonly seats: Seats
  private lastPing = 0
  private wasSilent = false
  /** Seats whose order to stop goes with the next batch. */
  readonly asked: Array<number> = []

  constructor(link: Link, seats: Seats) {
    this.link = link
    this.seats = seats
  }

  /** An attempt is asked to stop. */
  stop(seat: number): void {
    if (this.seats.stop[seat] !== 0) return
    this.seats.stop[seat] = 1
    this.asked.push(seat)
  }

  /** A batch was sent. */
  sent(): void {
    if (this.asked.length === 0) return
    const number = this.link.ping?.() ?? 0
    for (const seat of this.asked) this.seats.ping[seat] = number
    this.asked.length = 0
  }

  /** Whether the event loop of the far side has turned since an attempt was asked to stop. */
  hasTurned(seat: number): boolean {
    const { ping, stop } = this.seats
    return stop[seat] === 2 || (this.link.answered?.() ?? -1) >= ping[seat]!
  }

  /** Whether its event loop has turned since the last call. */
  heard(): boolean {
    const { answered, ping } = this.link
    if (answered === undefined || ping === undefined) return true
    if (answered() < this.lastPing) {
      // Without shared memory its answer may wait to be read here: only the second look counts.
      const isSilent = this.link.control !== undefined || this.wasSilent
      this.wasSilent = true
      return !isSilent
    }
    this.wasSilent = false
    this.lastPing = ping()
    return true
  }
}
