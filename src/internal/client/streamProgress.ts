/**
 * The progress of streams by name: where their items are, how fast they are used, and how long the rest takes.
 *
 * @internal
 */
import type { OpenStream, StreamCounts } from "../bodies/streamCounts.ts"
import type { StreamStats } from "./scheduler.ts"

/**
 * The streams of one name: those that run, and those that have closed since the subscription.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface StreamProgress extends StreamCounts {
  readonly name: string
  /** How many of them run. */
  readonly streams: number
  /** How many items are consumed or have failed in a second, smoothed: what was half a minute ago hardly counts. */
  readonly perSecond: number
  /** How long the rest takes at this speed; `undefined` if the total is not known, or nothing is consumed. */
  readonly remainingMillis: number | undefined
}

/** The time after which the speed of former items counts a third. */
const memoryMillis = 10_000

/** Sums in which former items and former time count less and less. */
interface Speed {
  items: number
  millis: number
  /** How many items were done when it was updated. */
  done: number
}

interface Named {
  /** The sum of those that have closed. */
  closed: StreamCounts
  readonly speed: Speed
}

export const nothing: StreamCounts = {
  taken: 0,
  waiting: 0,
  rateLimited: 0,
  paused: 0,
  running: 0,
  unread: 0,
  consumed: 0,
  failed: 0,
  dropped: 0,
  total: 0,
  isOpen: false
}

export const sum = (a: StreamCounts, b: StreamCounts): StreamCounts => ({
  taken: a.taken + b.taken,
  waiting: a.waiting + b.waiting,
  rateLimited: a.rateLimited + b.rateLimited,
  paused: a.paused + b.paused,
  running: a.running + b.running,
  unread: a.unread + b.unread,
  consumed: a.consumed + b.consumed,
  failed: a.failed + b.failed,
  dropped: a.dropped + b.dropped,
  total: a.total === undefined || b.total === undefined ? undefined : a.total + b.total,
  isOpen: a.isOpen || b.isOpen
})

const doneIn = ({ consumed, failed }: StreamCounts): number => consumed + failed

/** What closed streams have left undone never comes: the total of a name has it of the last stream alone, until the next begins. */
const settled = (closed: StreamCounts): StreamCounts => ({ ...closed, total: doneIn(closed) })

export class StreamCounter {
  private readonly named = new Map<string, Named>()
  private at: number

  constructor(now: number) {
    this.at = now
  }

  /** Some streams run already: the speed is that of what they do from now on. */
  begin(running: ReadonlyArray<StreamStats>): void {
    for (const stream of running) this.of(stream.name).speed.done += doneIn(stream)
  }

  /** Counts a stream that begins, or that has closed with these counts. */
  note({ name }: OpenStream, last: StreamCounts | undefined): void {
    const named = this.of(name)
    if (last !== undefined) named.closed = sum(settled(named.closed), last)
  }

  read(now: number, running: ReadonlyArray<StreamStats>): ReadonlyArray<StreamProgress> {
    const byName = Map.groupBy(running, ({ name }) => name)
    for (const name of byName.keys()) this.of(name)
    const millis = now - this.at
    if (millis > 0) this.at = now
    return Array.from(this.named, ([name, { closed, speed }]) => {
      const own = byName.get(name) ?? []
      const counts = own.length > 0 ? own.reduce(sum, settled(closed)) : closed
      if (millis > 0) update(speed, millis, doneIn(counts), own.length > 0)
      const perMilli = speed.millis > 0 ? speed.items / speed.millis : 0
      const { total } = counts
      return {
        name,
        streams: own.length,
        ...counts,
        perSecond: 1000 * perMilli,
        remainingMillis: own.length > 0 && total !== undefined && perMilli > 0
          ? (total - doneIn(counts)) / perMilli
          : undefined
      }
    })
  }

  private of(name: string): Named {
    let named = this.named.get(name)
    if (named === undefined) {
      this.named.set(name, named = { closed: nothing, speed: { items: 0, millis: 0, done: 0 } })
    }
    return named
  }
}

const update = (speed: Speed, millis: number, done: number, isRunning: boolean): void => {
  const items = Math.max(0, done - speed.done)
  speed.done = done
  // The time between two streams is not theirs.
  if (items === 0 && !isRunning) return
  const share = Math.exp(-millis / memoryMillis)
  speed.items = share * speed.items + items
  speed.millis = share * speed.millis + millis
}
