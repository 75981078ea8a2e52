/** Random streams: of every kind of source, closed early, interrupted and in bodies, on workers that die. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as Client from "skein/Client"
import * as Progress from "skein/Progress"
import * as Scheduler from "skein/Scheduler"
import * as Task from "skein/Task"
import type { Chance } from "skein/testing"
import { expectValue } from "./programs.ts"

/** Items of which it is known how many were taken and are not consumed; it may be closed once. */
class Watched {
  taken = 0
  consumed = 0
  private returned = 0
  private hasEnded = false
  /** Whether the stream is over: nothing may be taken after that. */
  isOver = false
  fault: string | undefined
  private readonly count: number
  private readonly outstanding: number

  constructor(count: number, outstanding: number) {
    this.count = count
    this.outstanding = outstanding
  }

  private next(): IteratorResult<number, undefined> {
    if (this.isOver) this.fault ??= "an item was taken after the stream was over"
    if (this.taken === this.count) {
      this.hasEnded = true
      return { done: true, value: undefined }
    }
    const value = this.taken++
    if (this.taken - this.consumed > this.outstanding) {
      this.fault ??= `${this.taken} were taken and ${this.consumed} consumed, with ${this.outstanding} outstanding`
    }
    return { done: false, value }
  }

  private return(): IteratorResult<number, undefined> {
    this.returned++
    return { done: true, value: undefined }
  }

  readonly iterable: Iterable<number> = {
    [Symbol.iterator]: () => ({ next: () => this.next(), return: () => this.return() })
  }

  readonly later: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.resolve(this.next()),
      return: () => Promise.resolve(this.return())
    })
  }

  /** A stream that takes its time. */
  readonly stream: Stream.Stream<number> = Stream.fromIterable(this.iterable, { chunkSize: 1 }).pipe(
    Stream.tap((n) => n % 3 === 0 ? Effect.sleep(1) : Effect.void)
  )

  /** The stream is over, whatever ended it. An end that was on its way may not have been seen. */
  over(kind: Kind): void {
    this.isOver = true
    // Effect's own stream of an iterable calls no return.
    if (kind === "stream") return
    const most = this.hasEnded && kind === "iterable" ? 0 : 1
    const least = this.hasEnded || this.taken === 0 ? 0 : 1
    if (this.returned < least || this.returned > most) this.fault ??= `return was called ${this.returned} times`
  }
}

type Kind = "iterable" | "later" | "stream"

/** Bodies at work; none may be when the stream is over. */
class AtWork {
  count = 0

  during<A>(body: Effect.Effect<A>): Effect.Effect<A> {
    return Effect.acquireUseRelease(
      Effect.sync(() => void this.count++),
      () => body,
      () => Effect.andThen(Effect.yieldNow, Effect.sync(() => void this.count--))
    )
  }
}

type Program = Effect.Effect<void, never, Client.Client | Scheduler.Scheduler>

/** What a program knows of one run of a stream, beside what progress says. */
class Books {
  /** The items whose bodies have succeeded. */
  readonly succeeded = new Set<number>()
  /** How many values and failures the consumer was given, and how many of the values it is done with. */
  values = 0
  failures = 0
  done = 0
  /** Whether the stream has ended by itself, so that nothing was given up. */
  isWhole = false
  readonly name: string
  readonly source: Watched
  readonly outstanding: number
  /** Whether what is read counts as taken in the same turn. */
  private readonly isReadAtOnce: boolean

  constructor(name: string, source: Watched, outstanding: number, isReadAtOnce: boolean) {
    this.name = name
    this.source = source
    this.outstanding = outstanding
    this.isReadAtOnce = isReadAtOnce
  }

  /** While it runs. */
  readonly look: Effect.Effect<void, never, Scheduler.Scheduler> = Effect.map(Scheduler.stats, ({ streams = [] }) => {
    const counts = streams.find(({ name }) => name === this.name)
    if (counts === undefined) return
    const { consumed, failed, running, taken, unread, waiting } = counts
    this.source.fault ??= this.wrong(counts, {
      taken: this.isReadAtOnce ? taken !== this.source.taken : taken > this.source.taken,
      outstanding: waiting + running + unread > this.outstanding,
      consumed: consumed > this.done || consumed < this.values - Math.max(1, this.outstanding >> 2),
      failed: failed < this.failures,
      given: consumed + unread < this.values,
      succeeded: consumed + unread > this.succeeded.size
    })
  })

  /** When it is over. */
  over(counts: Progress.StreamProgress): string | undefined {
    const { consumed, dropped, failed, running, streams, taken, unread, waiting } = counts
    return this.wrong(counts, {
      streams: streams > 0,
      left: waiting + running + unread > 0,
      taken: taken > this.source.taken,
      consumed: this.isWhole ? consumed !== this.values : consumed < this.done,
      failed: failed < this.failures || (this.isWhole && taken !== consumed + failed),
      dropped: this.isWhole && dropped > 0,
      total: this.isWhole && counts.total !== taken
    })
  }

  private wrong(counts: Scheduler.StreamCounts, wrong: Readonly<Record<string, boolean>>): string | undefined {
    const { consumed, dropped, failed, running, taken, unread, waiting } = counts
    const places = [waiting, running, unread, consumed, failed, dropped]
    const isSum = places.every((count) => count >= 0) && places.reduce((a, b) => a + b) === taken
    const all = Object.entries({ ...wrong, sum: !isSum }).filter(([, is]) => is).map(([what]) => what)
    const { done, failures, succeeded, values } = this
    const own = { taken: this.source.taken, values, done, failures, succeeded: succeeded.size }
    return all.length === 0
      ? undefined
      : `progress has wrong ${all.join()}: ${JSON.stringify(counts)} beside ${JSON.stringify(own)}`
  }
}

/** One stream, which dies if it gives what it must not give, takes too much, tells it wrong, or leaves something. */
const makeStream = (chance: Chance.Chance, of: string, all: Array<Books>): Program => {
  const count = chance.below(14)
  const outstanding = chance.between(1, 6)
  const isOrdered = chance.with(0.5)
  const kind = chance.pick<Kind>(["iterable", "later", "stream"])
  const mode = chance.pick(["failFast", "continue", "collect"] as const)
  const batch = chance.pick([1, 1, 1, 2, 4, "auto"] as const)
  const failing = chance.with(0.3) ? chance.below(8) : -1
  const pause = chance.pick([Effect.void, Effect.yieldNow, Effect.sleep(1.5)])
  const most = chance.with(0.4) ? chance.below(6) : Infinity
  const asTasks = chance.with(0.3)
  const isAlone = chance.with(0.2)
  const millis = chance.between(0, 6) + 0.25
  const cut = chance.pick(["none", "none", "interrupted", "timeout"] as const)
  const isInBody = chance.with(0.4)
  const once: Program = Effect.flatMap(Effect.service(Scheduler.Scheduler), (scheduler) => {
    // Failures that are passed over are consumed unseen.
    const source = new Watched(count, mode === "continue" ? Infinity : outstanding)
    const atWork = new AtWork()
    // A body may run again, with a stream of its own.
    const name = `${of}.${all.length}`
    const books = new Books(name, source, outstanding, kind === "iterable")
    all.push(books)
    const look = Effect.provideService(books.look, Scheduler.Scheduler, scheduler)
    const work = (n: number) => {
      const slow = n % 2 === 0 ? Effect.yieldNow : Effect.sleep(n % 4)
      return Effect.as(Effect.andThen(slow, Effect.sync(() => books.succeeded.add(n))), n)
    }
    const body = (n: number): Effect.Effect<number, "refused"> =>
      n === failing
        ? Effect.andThen(Effect.yieldNow, Effect.fail("refused" as const))
        : atWork.during(n % 5 === 0 ? Effect.andThen(look, work(n)) : work(n))
    const options = { name, outstanding, ordered: isOrdered, batch, withInput: true, mode: "collect" } as const
    const task = isAlone ? { priority: 1, deadline: "1 hour" } as const : {}
    const items = source[kind] as Iterable<number>
    const taken: Array<number> = []
    const given = asTasks && kind === "iterable"
      ? Stream.map(
        Client.stream(
          (function*() {
            for (const n of items) yield Task.make(body(n))
          })(),
          options
        ),
        ({ exit, index }) => ({ exit: exit as Exit.Exit<number, unknown>, index })
      )
      : Client.stream(items, body, { ...options, task })
    // The other modes give values alone.
    const plain: Stream.Stream<
      { readonly exit: Exit.Exit<number, unknown>; readonly index: number },
      unknown,
      Client.Client
    > = mode === "collect"
      ? given
      : Stream.map(
        Client.stream(items, body, { name, outstanding, ordered: isOrdered, batch, mode, withInput: true }),
        ({ index, value }) => ({ index, exit: Exit.succeed(value) })
      )
    const consume = plain.pipe(
      Stream.take(most),
      Stream.runForEach(({ exit, index }) =>
        Effect.gen(function*() {
          if (index !== failing) yield* expectValue(exit, index)
          else if (Exit.isSuccess(exit)) source.fault ??= `item ${index} succeeded`
          if (taken.includes(index)) source.fault ??= `item ${index} came twice`
          if (isOrdered && index < (taken.at(-1) ?? 0)) source.fault ??= `item ${index} came after ${taken.at(-1)}`
          taken.push(index)
          if (Exit.isSuccess(exit)) books.values++
          else books.failures++
          yield* books.look
          yield* pause
          yield* books.look
          source.consumed++
          if (Exit.isSuccess(exit)) books.done++
        })
      )
    )
    const run = Effect.onExit(consume, (exit) =>
      Effect.sync(() => {
        source.over(kind)
        books.isWhole = Exit.isSuccess(exit) && most === Infinity && mode === "collect"
        if (atWork.count > 0) source.fault ??= `${atWork.count} bodies run after the stream was over`
        if (books.isWhole && taken.length !== count) source.fault ??= `${taken.length} of ${count} came`
        if (isOrdered && mode !== "continue" && taken.some((index, i) => index !== i)) {
          source.fault ??= `an item is missing in ${taken.join()}`
        }
      }))
    const cutShort = cut === "interrupted"
      ? Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(Effect.exit(run))
        yield* Effect.sleep(millis)
        yield* Fiber.interrupt(fiber)
      })
      : cut === "timeout"
      ? Effect.exit(Effect.timeoutOption(run, millis))
      : Effect.exit(run)
    return Effect.andThen(
      cutShort,
      Effect.suspend(() => source.fault === undefined ? Effect.void : Effect.die(source.fault))
    )
  })
  if (!isInBody) return once
  return Effect.flatMap(
    Effect.exit(Client.compute(Task.make(once))),
    (exit) => Exit.isSuccess(exit) ? Effect.void : expectValue(Exit.failCause(exit.cause), 0)
  )
}

/** Some streams, one after the other and at once. */
export const randomStreams = (chance: Chance.Chance): Program => {
  const all: Array<Books> = []
  const streams = Array.from({ length: chance.between(1, 4) }, (_, i) => makeStream(chance, `stream ${i}`, all))
  const program = Effect.forEach(streams, (stream) => stream, { concurrency: chance.between(1, 3), discard: true })
  let last: Progress.Progress | undefined
  const watched = Progress.withProgress(program, (progress) => void (last = progress), { interval: Infinity })
  return Effect.andThen(
    watched,
    Effect.suspend(() => {
      const faults = all.flatMap((books) => {
        const counts = last!.streams.find(({ name }) => name === books.name)
        return counts === undefined ? [] : books.over(counts) ?? []
      })
      if (last!.isOpen) faults.push("progress says that a stream is open")
      return faults.length === 0 ? Effect.void : Effect.die(faults[0])
    })
  )
}
