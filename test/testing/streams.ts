/**
 * Random streams: of every kind of source, closed early, interrupted and in bodies, with failures of items and of sources, on workers
 * that die at any moment of a stream.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Client from "skein/Client"
import * as Progress from "skein/Progress"
import * as Scheduler from "skein/Scheduler"
import * as Task from "skein/Task"
import type { Chance } from "skein/testing"
import * as Worker from "skein/Worker"
import { takersOf } from "../../src/engine/views/workers.ts"
import type { SchedulerCore } from "../../src/internal/driver/schedulerCore.ts"
import { nameOfHostile } from "../../src/testing/internal/hostile.ts"
import { coreOf } from "../../src/testing/internal/leftovers.ts"
import { expectValue } from "./programs.ts"

/** An item that fails by itself. */
class Refused {
  readonly index: number

  constructor(index: number) {
    this.index = index
  }
}

/** The items among these failures that failed by themselves. Others may throw when they are looked at. */
const refusedIn = (reasons: ReadonlyArray<Cause.Reason<unknown>>): ReadonlyArray<number> =>
  reasons.flatMap((reason) => {
    const error = Cause.isFailReason(reason) && nameOfHostile(reason.error) === undefined ? reason.error : undefined
    return error instanceof Refused ? [error.index] : []
  })

const theSource = "the source is broken"

type Kind = "iterable" | "later" | "stream"

/**
 * Moments in a stream at which a worker may be lost: item `n` is taken or runs, result `n` is consumed, then the next ones have ended
 * unread, or the source is closed.
 */
type Moment = "taken" | "running" | "consumed" | "unread" | "closed"

interface Loss {
  readonly at: Moment
  readonly n: number
  readonly which: number
}

/** Loses workers at the moments that were chosen, if others are there that take tasks. */
class Losses {
  private readonly left: Set<Loss>
  private readonly core: SchedulerCore

  constructor(core: SchedulerCore, left: Set<Loss>) {
    this.core = core
    this.left = left
  }

  isAt(moment: Moment, n: number): boolean {
    for (const loss of this.left) if (loss.at === moment && loss.n === n) return true
    return false
  }

  at(moment: Moment, n: number): void {
    for (const loss of this.left) {
      if (loss.at !== moment || loss.n !== n) continue
      this.left.delete(loss)
      const here = takersOf(this.core.state)
      if (here.length > 1) this.core.crew.lose(this.core.workers[here[loss.which % here.length]!.index]!)
    }
  }
}

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
  /** The item in whose place the source fails, or -1. */
  private readonly broken: number
  private readonly isBadlyClosed: boolean
  private readonly losses: Losses

  constructor(count: number, outstanding: number, broken: number, isBadlyClosed: boolean, losses: Losses) {
    this.count = count
    this.outstanding = outstanding
    this.broken = broken
    this.isBadlyClosed = isBadlyClosed
    this.losses = losses
  }

  private next(): IteratorResult<number, undefined> {
    if (this.isOver) this.fault ??= "an item was taken after the stream was over"
    if (this.hasEnded) this.fault ??= "an item was taken after the last"
    if (this.taken === this.broken) {
      this.hasEnded = true
      throw new Error(theSource)
    }
    if (this.taken === this.count) {
      this.hasEnded = true
      return { done: true, value: undefined }
    }
    const value = this.taken++
    if (this.taken - this.consumed > this.outstanding) {
      this.fault ??= `${this.taken} were taken and ${this.consumed} consumed, with ${this.outstanding} outstanding`
    }
    this.losses.at("taken", value)
    return { done: false, value }
  }

  private return(): IteratorResult<number, undefined> {
    this.returned++
    this.losses.at("closed", 0)
    if (this.isBadlyClosed) throw new Error(theSource)
    return { done: true, value: undefined }
  }

  readonly iterable: Iterable<number> = {
    [Symbol.iterator]: () => ({ next: () => this.next(), return: () => this.return() })
  }

  readonly later: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise((resolve) => resolve(this.next())),
      return: () => new Promise((resolve) => resolve(this.return()))
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

/** Bodies at work; none may be when the stream is over. */
class AtWork {
  count = 0

  during<A, E, R>(body: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
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
  /** Whether it is over: in a body on a lost worker it may be so only later. */
  isOver = false
  readonly name: string
  readonly source: Watched
  readonly outstanding: number
  /** Whether what is read counts as taken in the same turn. */
  private readonly isReadAtOnce: boolean
  private readonly all: ReadonlyArray<Books>

  constructor(
    name: string,
    source: Watched,
    outstanding: number,
    isReadAtOnce: boolean,
    all: ReadonlyArray<Books>
  ) {
    this.name = name
    this.all = all
    this.source = source
    this.outstanding = outstanding
    this.isReadAtOnce = isReadAtOnce
  }

  /** Whether streams of other owners may have its name, so that their counts are added to its own. */
  get shares(): boolean {
    return this.name === commonName
  }

  /** All that have its name, itself included. */
  namesakes(): ReadonlyArray<Books> {
    return this.all.filter(({ name }) => name === this.name)
  }

  /** While it runs. */
  readonly look: Effect.Effect<void, never, Scheduler.Scheduler> = Effect.map(Scheduler.stats, ({ streams = [] }) => {
    const counts = streams.find(({ name }) => name === this.name)
    if (counts === undefined) return
    if (this.shares) {
      this.source.fault ??= this.wrong(counts, { taken: counts.taken > takenBy(this.namesakes()) })
      return
    }
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

  /** When all are over that have its name. */
  over(counts: Progress.StreamProgress): string | undefined {
    const all = this.namesakes()
    if (all.length > 1) return this.allOver(counts, all)
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

  private allOver(counts: Progress.StreamProgress, all: ReadonlyArray<Books>): string | undefined {
    const { consumed, dropped, failed, running, streams, taken, unread, waiting } = counts
    if (all.some(({ isOver }) => !isOver)) return undefined
    const areWhole = all.every(({ isWhole }) => isWhole)
    const of = (count: (books: Books) => number): number => all.reduce((sum, books) => sum + count(books), 0)
    return this.wrong(counts, {
      streams: streams > 0,
      left: waiting + running + unread > 0,
      taken: areWhole ? taken !== takenBy(all) : taken > takenBy(all),
      consumed: areWhole ? consumed !== of(({ values }) => values) : consumed < of(({ done }) => done),
      failed: failed < of(({ failures }) => failures),
      dropped: areWhole && dropped > 0
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

/** The name of streams that share one. */
const commonName = "shared"

const takenBy = (all: ReadonlyArray<Books>): number => all.reduce((sum, { source }) => sum + source.taken, 0)

/** What all streams of a program have in common. */
interface Common {
  /** The most tasks that may be live. */
  most: number
  readonly books: Array<Books>
}

/** What a stream gave: failures with the mode `collect` alone. */
interface Given {
  readonly exit: Exit.Exit<number, unknown>
  readonly index: number
}

interface Plan {
  readonly count: number
  readonly outstanding: number
  readonly ordered: boolean
  readonly kind: Kind
  readonly mode: Client.Mode
  readonly batch: number | "auto"
  readonly failing: ReadonlySet<number>
  readonly maxFailures: number
  /** Items that give their place up once. */
  readonly yielding: ReadonlySet<number>
  readonly broken: number
  readonly isBadlyClosed: boolean
  /** After how many results the consumer stops. */
  readonly most: number
  readonly cut: "none" | "interrupted" | "timeout"
}

const indicesIn = (chance: Chance.Chance, count: number, share: number): ReadonlySet<number> =>
  new Set(Array.from({ length: count }, (_, i) => i).filter(() => chance.with(share)))

const planOf = (chance: Chance.Chance): Plan => {
  const count = chance.below(18)
  const hasFailures = chance.with(0.4)
  return {
    count,
    outstanding: chance.pick([1, 2, 3, 4, 5, 6, 8, 12]),
    ordered: chance.with(0.5),
    kind: chance.pick<Kind>(["iterable", "iterable", "later", "stream"]),
    mode: chance.pick(["failFast", "continue", "collect", "collect"]),
    batch: chance.pick([1, 1, 1, 2, 3, 4, "auto"]),
    failing: indicesIn(chance, hasFailures ? count : 0, 0.3),
    maxFailures: chance.with(0.5) ? chance.between(1, 3) : Infinity,
    yielding: indicesIn(chance, chance.with(0.3) ? count : 0, 0.3),
    broken: chance.with(0.2) ? chance.below(count + 1) : -1,
    isBadlyClosed: chance.with(0.1),
    most: chance.with(0.4) ? chance.below(6) : Infinity,
    cut: chance.pick(["none", "none", "none", "none", "interrupted", "timeout"])
  }
}

const momentsOf = (chance: Chance.Chance, { count, most }: Plan): ReadonlyArray<Loss> => {
  if (chance.with(0.4)) return []
  const last = most === Infinity ? count - 1 : most - 1
  return Array.from({ length: chance.between(1, 3) }, (): Loss => {
    const at = chance.pick<Moment>(["taken", "running", "consumed", "unread", "unread", "unread", "closed"])
    // Often in the first stretch, or when it is about to close.
    const n = at === "closed" ? 0 : chance.pick([0, 1, chance.below(count + 1), Math.max(0, last)])
    return { at, n, which: chance.below(4) }
  })
}

/** What cannot have come, or is missing, if nothing from outside has cut a stream short. */
const faultIn = (
  { batch, broken, count, failing, maxFailures, mode, ordered }: Plan,
  given: ReadonlyArray<Given>,
  taken: number,
  exit: Exit.Exit<void, unknown>
): string | undefined => {
  const indices = given.map(({ index }) => index)
  const reasons = Exit.isSuccess(exit) ? [] : exit.cause.reasons
  const refused = refusedIn(reasons)
  const failures = given.filter((each) => Exit.isFailure(each.exit)).length
  const come = `${indices.join()} of ${count} came`
  if (mode === "failFast") {
    const [first] = refused
    if (Exit.isSuccess(exit)) return indices.length === count ? undefined : `without a failure ${come}`
    if (first !== undefined && indices.includes(first)) return `${first} failed, and ${come}`
    return ordered && first !== undefined && indices.length !== first ? `${first} failed, and ${come}` : undefined
  }
  // What is before the last failure in order still comes. An item that has succeeded may fail when its result is lost and it runs again.
  const own = given.filter((each) => Exit.isFailure(each.exit) && refusedIn(each.exit.cause.reasons).length > 0).length
  if (batch === 1 && !ordered && mode === "collect" && own > maxFailures) {
    return `${own} failures in place of ${maxFailures}`
  }
  // A failure may end the rest.
  const isStopped = mode === "collect" ? failures >= (ordered ? 1 : maxFailures) : reasons.length > 0
  if (maxFailures !== Infinity && isStopped) {
    const isLast = !ordered || mode === "continue" || Exit.isFailure(exit) || Exit.isFailure(given.at(-1)!.exit) ||
      indices.length === count
    return isLast ? undefined : `something came after the last failure: ${come}`
  }
  if (broken >= 0 && broken <= count) {
    if (Exit.isSuccess(exit)) return "the failure of the source did not come"
    if (mode === "collect" && indices.length !== broken) return `of ${broken} before the failure of the source ${come}`
    return undefined
  }
  if (mode === "collect") return Exit.isFailure(exit) || indices.length === count ? undefined : come
  if (taken !== count) return `${taken} of ${count} were taken`
  // What ends the task of a batch is one failure.
  if (batch === 1 && indices.length + reasons.length < count) return `${reasons.length} failures, and ${come}`
  if (refused.some((index, i) => index < (refused[i - 1] ?? 0))) return `failures in the order ${refused.join()}`
  return Exit.isSuccess(exit) && failing.size > 0 ? "no failure came" : undefined
}

/** One stream, which dies if it gives what it must not give, takes too much, tells it wrong, or leaves something. */
const makeStream = (chance: Chance.Chance, of: string, common: Common): Program => {
  const plan = planOf(chance)
  const { batch, broken, count, cut, failing, isBadlyClosed, kind, maxFailures, mode, most, ordered, outstanding } =
    plan
  // Each comes once, also if the body of the stream is lost and runs again.
  const losses = new Set(momentsOf(chance, plan))
  const pause = chance.pick([Effect.void, Effect.yieldNow, Effect.sleep(1.5)])
  const longPause = chance.with(0.3) ? chance.below(6) : -1
  const asTasks = chance.with(0.3) && kind === "iterable"
  const isAlone = chance.with(0.2)
  const millis = chance.between(0, 12) + 0.25
  const isInBody = chance.with(0.4)
  // Of two owners, and open at once.
  const sharesName = chance.with(0.3)
  // The task in whose body it is, and an attempt of it that was lost with its own tasks.
  common.most += isInBody ? 2 * (outstanding + 1) : outstanding
  const once = Effect.contextWith((context: Context.Context<Client.Client | Scheduler.Scheduler>) => {
    const core = coreOf(Context.get(context, Client.Client))
    const at = new Losses(core, losses)
    // Failures that are passed over are consumed unseen.
    const source = new Watched(count, mode === "continue" ? Infinity : outstanding, broken, isBadlyClosed, at)
    const atWork = new AtWork()
    const hasYielded = new Set<number>()
    // A body may run again, with a stream of its own.
    const name = sharesName ? commonName : `${of}.${common.books.length}`
    const books = new Books(name, source, outstanding, kind === "iterable", common.books)
    common.books.push(books)
    const look = Effect.provideService(books.look, Scheduler.Scheduler, Context.get(context, Scheduler.Scheduler))
    const work = (n: number): Effect.Effect<number, unknown, Worker.Worker> =>
      Effect.suspend((): Effect.Effect<number, unknown, Worker.Worker> => {
        at.at("running", n)
        if (plan.yielding.has(n) && !hasYielded.has(n)) {
          hasYielded.add(n)
          return Effect.andThen(Effect.yieldNow, Worker.reschedule)
        }
        if (failing.has(n)) return Effect.andThen(Effect.yieldNow, Effect.fail(new Refused(n)))
        const slow = n % 2 === 0 ? Effect.yieldNow : Effect.sleep(n % 4)
        const succeeding = Effect.as(Effect.andThen(slow, Effect.sync(() => books.succeeded.add(n))), n)
        return n % 5 === 0 ? Effect.andThen(look, succeeding) : succeeding
      })
    const body = (n: number): Effect.Effect<number, unknown, Worker.Worker> => atWork.during(work(n))
    const options = {
      name,
      outstanding,
      unordered: !ordered,
      batch,
      withInput: true,
      ...mode === "failFast" || maxFailures === Infinity ? {} : { maxFailures }
    } as const
    const task = isAlone ? { priority: 1, deadline: "1 hour" } as const : {}
    const items = source[kind] as Iterable<number>
    const tasks = (function*() {
      for (const n of items) yield Task.make(body(n))
    })()
    const results: Stream.Stream<any, unknown, any> = asTasks
      ? Client.stream(tasks, { ...options, mode: mode as "collect" })
      : Client.stream(items, body, { ...options, mode: mode as "collect", task })
    const given: Array<Given> = []
    const note = (at: Given): void => {
      const { exit, index } = at
      if (failing.has(index) && Exit.isSuccess(exit)) source.fault ??= `item ${index} succeeded`
      for (const as of Exit.isFailure(exit) ? refusedIn(exit.cause.reasons) : []) {
        if (as !== index) source.fault ??= `item ${index} failed as ${as}`
      }
      if (given.some((each) => each.index === index)) source.fault ??= `item ${index} came twice`
      const last = given.at(-1)?.index ?? -1
      if (ordered && (mode === "continue" ? index < last : index !== last + 1)) {
        source.fault ??= `item ${index} came after ${last}`
      }
      given.push(at)
    }
    /** What a pull takes before it gives: all that fits. */
    const expectFull = (): void => {
      const isSimple = kind === "iterable" && mode === "collect" && batch === 1 && broken < 0 && !source.isOver
      if (!isSimple || maxFailures !== Infinity) return
      const due = Math.min(count, source.consumed + outstanding)
      if (source.taken !== due) source.fault ??= `${source.taken} were taken in place of ${due}`
    }
    const expectReleased = Effect.map(Scheduler.stats, ({ tasks }) => {
      // What was in hand, lost and made anew is released while it runs, and stops.
      const live = Object.values(tasks).reduce((sum, each) => sum + each, 0) - tasks.stopping
      if (live > common.most) source.fault ??= `${live} tasks are live in place of ${common.most}`
    })
    const consume = results.pipe(
      Stream.take(most),
      Stream.runForEachArray((chunk) =>
        Effect.gen(function*() {
          expectFull()
          yield* expectReleased
          for (const each of chunk) {
            const { index } = each as Given
            const exit = mode === "collect" ? (each as Given).exit : Exit.succeed(each.value as number)
            const isOwn = failing.has(index) && Exit.isFailure(exit)
            if (!isOwn) yield* expectValue(exit, index)
            note({ exit, index })
            if (Exit.isSuccess(exit)) books.values++
            else books.failures++
            yield* books.look
            const last = given.length - 1
            at.at("consumed", last)
            yield* last === longPause ? Effect.sleep(25) : at.isAt("unread", last) ? Effect.sleep(4.5) : pause
            at.at("unread", last)
            yield* books.look
            source.consumed++
            if (Exit.isSuccess(exit)) books.done++
          }
        })
      )
    )
    const run = Effect.onExit(consume, (exit) =>
      Effect.sync(() => {
        source.over(kind)
        books.isOver = true
        books.isWhole = Exit.isSuccess(exit) && most === Infinity && mode === "collect" && maxFailures === Infinity
        if (atWork.count > 0) source.fault ??= `${atWork.count} bodies run after the stream was over`
        const isCut = Exit.isFailure(exit) && Cause.hasInterrupts(exit.cause)
        if (!isCut && most === Infinity) source.fault ??= faultIn(plan, given, source.taken, exit)
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
  if (!isInBody) return once as Program
  return Effect.flatMap(
    Effect.exit(Client.compute(Task.make(once as Effect.Effect<void>))),
    (exit) => Exit.isSuccess(exit) ? Effect.void : expectValue(Exit.failCause(exit.cause), 0)
  )
}

/** Some streams, one after the other and at once, often with a worker more, so that there is one to lose. */
export const randomStreams = (
  chance: Chance.Chance
): Effect.Effect<void, never, Client.Client | Scheduler.Scheduler | Scope.Scope> => {
  const common: Common = { most: 0, books: [] }
  const streams = Array.from({ length: chance.between(1, 4) }, (_, i) => makeStream(chance, `stream ${i}`, common))
  const all = Effect.forEach(streams, (stream) => stream, { concurrency: chance.between(1, 3), discard: true })
  let last: Progress.Progress | undefined
  const watched = Progress.withProgress(all, (progress) => void (last = progress), { interval: Infinity })
  const program = Effect.andThen(
    watched,
    Effect.suspend(() => {
      const faults = common.books.flatMap((books) => {
        const counts = last!.streams.find(({ name }) => name === books.name)
        return counts === undefined || !books.isOver ? [] : books.over(counts) ?? []
      })
      if (last!.isOpen && common.books.every(({ isOver }) => isOver)) faults.push("progress says that a stream is open")
      return faults.length === 0 ? Effect.void : Effect.die(faults[0])
    })
  )
  const more = Scheduler.addWorker({ id: "more", concurrency: chance.between(1, 2) })
  return chance.with(0.7) ? Effect.andThen(Effect.orDie(more), program) : program
}
