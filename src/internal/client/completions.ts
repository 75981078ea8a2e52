/**
 * Futures in the order in which they end, of one scheduler or of several.
 *
 * ```text
 * [program] -- add --> [a standing wait for each scheduler] -- report --> [ended] -- take --> [program]
 * ```
 *
 * @internal
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Predicate from "effect/Predicate"
import type * as Pull from "effect/Pull"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ClaimId } from "../../engine/protocol/ids.ts"
import type { SkeinError } from "../../SkeinError.ts"
import { flag, invalidOption, optionsFault } from "../tasks/checks.ts"
import type { Checks } from "../tasks/checks.ts"
import type { Future } from "../tasks/handles.ts"
import { implOf } from "../tasks/task.ts"
import type { FutureHome } from "../tasks/task.ts"
import { releaseAll } from "./verbs.ts"

/**
 * Options of {@link asCompleted} and {@link completions}.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface CompletionOptions {
  /** Releases each future when the next ones are asked for, as `Future.release` does. Defaults to false. */
  readonly release?: boolean | undefined
}

const ofCompletions: Checks<CompletionOptions> = { release: flag }

/**
 * Futures that are given out as they end, with more futures added meanwhile.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Completions<F extends Future<any, any>> {
  /** Adds futures. A future that is added twice is given twice. */
  readonly add: (...futures: ReadonlyArray<F>) => Effect.Effect<void>
  /**
   * Waits until at least one future has ended, and gives all that have ended since, in the order of their ends. Ends with `Done`
   * if nothing is left to wait for.
   */
  readonly take: Pull.Pull<NonEmptyReadonlyArray<F>, SkeinError>
  /** Ends when all futures that were added have been given. */
  readonly stream: Stream.Stream<F, SkeinError>
  /**
   * How many futures were reported as ended and not given yet, and how many are open. The scheduler reports in its next turn: until
   * then a future counts as open also if it had ended before it was added.
   */
  readonly size: Effect.Effect<{ readonly ended: number; readonly open: number }>
  /** Drops all futures that were not given yet. The tasks go on. */
  readonly clear: Effect.Effect<void>
}

export const makeCompletions = <F extends Future<any, any>>(
  futures: Iterable<F>,
  options: CompletionOptions = {}
): Effect.Effect<Completions<F>, never, Scope.Scope> =>
  Effect.suspend(() => {
    const fault = optionsFault(options, ofCompletions) ??
      (Predicate.isIterable(futures)
        ? undefined
        : invalidOption("futures", futures, "an array, or something else to iterate over"))
    if (fault !== undefined) return Effect.die(fault)
    const make = Effect.sync(() => {
      const collector = new Collector<F>(options.release === true)
      collector.add(Array.from(futures))
      return collector
    })
    return Effect.map(Effect.acquireRelease(make, (collector) => Effect.sync(() => collector.clear())), faceOf)
  })

const faceOf = <F extends Future<any, any>>(collector: Collector<F>): Completions<F> => ({
  add: (...futures) => Effect.sync(() => collector.add(futures)),
  take: collector.take,
  stream: Stream.fromPull(Effect.succeed(collector.take)),
  size: Effect.sync(() => collector.size),
  clear: Effect.sync(() => collector.clear())
})

export const streamOf = <F extends Future<any, any>>(
  futures: Iterable<F>,
  options?: CompletionOptions
): Stream.Stream<F, SkeinError> => Stream.unwrap(Effect.map(makeCompletions(futures, options), ({ stream }) => stream))

/** The futures of one scheduler. */
interface Feed<F> {
  readonly home: FutureHome
  readonly wait: number
  /** The open ones, by claim. */
  readonly futures: Map<ClaimId, Array<F>>
  open: number
}

class Collector<F extends Future<any, any>> {
  private readonly feeds = new Map<FutureHome, Feed<F>>()
  private readonly releases: boolean
  /** Open when a scheduler may have open futures that those who wait do not know of. */
  private readonly news = Latch.makeUnsafe(false)
  private ended: Array<F> = []
  /** The futures that were given last, unless results are kept. */
  private inHand: ReadonlyArray<F> = []

  constructor(releases: boolean) {
    this.releases = releases
  }

  add(futures: ReadonlyArray<F>): void {
    for (const [home, own] of Map.groupBy(futures, (future) => implOf(future).home)) {
      const feed = this.feedOf(home)
      const claims = own.map((future) => {
        const { id } = implOf(future).claim
        const present = feed.futures.get(id)
        if (present === undefined) feed.futures.set(id, [future])
        else present.push(future)
        return id
      })
      if (feed.open === 0) this.news.openUnsafe()
      feed.open += claims.length
      home.waits.addTo(feed.wait, claims)
    }
  }

  private feedOf(home: FutureHome): Feed<F> {
    const present = this.feeds.get(home)
    if (present !== undefined) return present
    const feed: Feed<F> = {
      home,
      wait: home.waits.stand((claim) => this.report(feed, claim)),
      futures: new Map(),
      open: 0
    }
    this.feeds.set(home, feed)
    return feed
  }

  private report(feed: Feed<F>, claim: ClaimId): void {
    const futures = feed.futures.get(claim)!
    this.ended.push(futures.shift()!)
    if (futures.length === 0) feed.futures.delete(claim)
    feed.open--
  }

  get size(): { readonly ended: number; readonly open: number } {
    let open = 0
    for (const feed of this.feeds.values()) open += feed.open
    return { ended: this.ended.length, open }
  }

  clear(): void {
    for (const { home, wait } of this.feeds.values()) home.waits.endStanding(wait)
    for (const feed of this.feeds.values()) feed.open = 0
    this.feeds.clear()
    this.ended = []
  }

  readonly take: Pull.Pull<NonEmptyReadonlyArray<F>, SkeinError> = Effect.suspend(() =>
    this.inHand.length === 0 ? this.next : Effect.andThen(this.finish(), this.next)
  )

  /** Releases the futures that were given last. */
  private finish(): Effect.Effect<void> {
    const done = this.inHand.map((future) => implOf(future))
    this.inHand = []
    return releaseAll(done)
  }

  private readonly next: Pull.Pull<NonEmptyReadonlyArray<F>, SkeinError> = Effect.suspend(() => {
    const [first, ...others] = this.ended
    if (first !== undefined) {
      this.ended = []
      const given: NonEmptyReadonlyArray<F> = [first, ...others]
      if (this.releases) this.inHand = given
      return Effect.succeed(given)
    }
    this.news.closeUnsafe()
    const open = Array.from(this.feeds.values()).filter((feed) => feed.open > 0)
    return open.length === 0 ? Cause.done() : Effect.flatMap(this.untilReport(open), () => this.next)
  })

  private untilReport(open: ReadonlyArray<Feed<F>>): Effect.Effect<void, SkeinError> {
    const waits = open.map((feed) =>
      feed.home.waits.untilReport(feed.wait, () => feed.open, () => this.ended.length > 0 || feed.open === 0)
    )
    return Effect.raceAllFirst([this.news.await, ...waits])
  }
}
