/** Random streams: of every kind of source, closed early, interrupted and in bodies, on workers that die. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as Client from "skein/Client"
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

type Program = Effect.Effect<void, never, Client.Client>

/** One stream, which dies if it gives what it must not give, takes too much, or leaves something. */
const makeStream = (chance: Chance.Chance): Program => {
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
  const once = Effect.suspend(() => {
    // Failures that are passed over are consumed unseen.
    const source = new Watched(count, mode === "continue" ? Infinity : outstanding)
    const atWork = new AtWork()
    const body = (n: number): Effect.Effect<number, "refused"> =>
      n === failing
        ? Effect.andThen(Effect.yieldNow, Effect.fail("refused" as const))
        : atWork.during(n % 2 === 0 ? Effect.as(Effect.yieldNow, n) : Effect.as(Effect.sleep(n % 4), n))
    const options = { outstanding, ordered: isOrdered, batch, withInput: true, mode: "collect" } as const
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
        Client.stream(items, body, { outstanding, ordered: isOrdered, batch, mode, withInput: true }),
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
          yield* pause
          source.consumed++
        })
      )
    )
    const run = Effect.onExit(consume, (exit) =>
      Effect.sync(() => {
        source.over(kind)
        if (atWork.count > 0) source.fault ??= `${atWork.count} bodies run after the stream was over`
        const isWhole = Exit.isSuccess(exit) && most === Infinity && mode === "collect"
        if (isWhole && taken.length !== count) source.fault ??= `${taken.length} of ${count} came`
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
  const streams = Array.from({ length: chance.between(1, 4) }, () => makeStream(chance))
  return Effect.forEach(streams, (stream) => stream, { concurrency: chance.between(1, 3), discard: true })
}
