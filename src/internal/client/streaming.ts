/**
 * Streams of results over a source that is read as the results are used.
 *
 * ```text
 * [source] -- item --> [task] -- submitted, as many as fit --> [scheduler] -- end --> [ready] -- pull --> [consumer]
 * ```
 *
 * @internal
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import type * as Pull from "effect/Pull"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ClaimId } from "../../engine/protocol/ids.ts"
import type { SkeinError, SubmitError } from "../../SkeinError.ts"
import { attemptOf } from "../bodies/attempt.ts"
import type { Home } from "../bodies/home.ts"
import { turn } from "../settings/turn.ts"
import { anything, callback, count, flag, invalidOption, optionsFault, valueFault } from "../tasks/checks.ts"
import type { Checks, Mode } from "../tasks/checks.ts"
import type { Task } from "../tasks/handles.ts"
import { makeTask } from "../tasks/makeTask.ts"
import { causeOfRefusal, isRefused } from "../tasks/mistake.ts"
import type { Refused } from "../tasks/mistake.ts"
import { normalize } from "../tasks/options.ts"
import type { Ran, RanError, RanServices, RanSuccess } from "../tasks/ran.ts"
import type { Result as Returned } from "../tasks/refusals.ts"
import type { Needs, Own, Services, Upstream, Values, WithoutSignals } from "../tasks/shapes.ts"
import * as internal from "../tasks/task.ts"
import type { AnyOptions, NoOptions, OptionErrors, Options, OptionServices, OptionsFor } from "../tasks/taskOptions.ts"
import { isEffectOnly } from "../values/strangers.ts"
import { ofCompute, strayFault } from "./computing.ts"
import type { FailureOf, SubmitOptions } from "./computing.ts"
import { isSource, pullOf, Reader } from "./sources.ts"
import type { Source, SourceError, SourceItem, SourceServices } from "./sources.ts"

/**
 * Options of {@link stream}.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface StreamOptions<M extends Mode = Mode, P extends boolean = boolean> extends SubmitOptions {
  /**
   * The most items that are taken from the source and whose results the consumer has not finished with. Defaults to twice the slots
   * of the workers, and to at most 1,024.
   */
  readonly outstanding?: number | undefined
  /** Whether results come in the order of their items, or as tasks end. Defaults to true. */
  readonly ordered?: boolean | undefined
  readonly mode?: M | undefined
  /** Pairs each result with its item: `{ input, index, value }`, or `exit` with the mode `collect`. Defaults to false. */
  readonly withInput?: P | undefined
}

/**
 * Options of {@link stream} with a function.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface StreamEachOptions<
  A,
  M extends Mode = Mode,
  P extends boolean = boolean,
  O extends AnyOptions = Options
> extends StreamOptions<M, P> {
  /** Options of the tasks, or a function that returns the options of each. */
  readonly task?: O | ((item: A, index: number) => O) | undefined
}

/** What a stream gives for an item. */
export type Delivered<A, B, E, M extends Mode, P> = P extends true
  ? M extends "collect" ? { readonly input: A; readonly index: number; readonly exit: Exit.Exit<B, E | SkeinError> }
  : { readonly input: A; readonly index: number; readonly value: B }
  : M extends "collect" ? Exit.Exit<B, E | SkeinError>
  : B

type EachError<A, X, O> = Own<RanError<X>> | Upstream<A> | OptionErrors<O>

/** The verb with its source first. `R` is what the verb itself needs. */
export interface StreamOf<R> {
  <
    S extends Source,
    X extends Ran,
    const M extends Mode = "failFast",
    const O extends OptionsFor<O, RanError<X>> = NoOptions<RanError<X>>,
    const P extends boolean = false
  >(
    source: S,
    f: ((item: Values<SourceItem<S>>, index: number) => X) & Returned<RanSuccess<X>>,
    options?: StreamEachOptions<SourceItem<S>, M, P, O>
  ): Stream.Stream<
    Delivered<SourceItem<S>, RanSuccess<X>, EachError<SourceItem<S>, X, O>, M, P>,
    FailureOf<EachError<SourceItem<S>, X, O>, M> | SubmitError | SourceError<S>,
    Needs<RanServices<X>> | Services<SourceItem<S>> | OptionServices<O> | SourceServices<S> | R
  >
  <
    S extends Source<Task<any, any, any>>,
    const M extends Mode = "failFast",
    const P extends boolean = false
  >(
    tasks: S,
    options?: StreamOptions<M, P>
  ): SourceItem<S> extends Task<infer B, infer E, infer Q> ? Stream.Stream<
      Delivered<SourceItem<S>, B, WithoutSignals<E>, M, P>,
      FailureOf<E, M> | SubmitError | SourceError<S>,
      Needs<Q> | SourceServices<S> | R
    >
    : never
}

/** The verb for a source that comes through a pipe. */
export interface StreamInPipe<R> {
  <
    A,
    X extends Ran,
    const M extends Mode = "failFast",
    const O extends OptionsFor<O, RanError<X>> = NoOptions<RanError<X>>,
    const P extends boolean = false
  >(
    f: ((item: A, index: number) => X) & Returned<RanSuccess<X>>,
    options?: StreamEachOptions<A, M, P, O>
  ): <S extends Source<A>>(source: S) => Stream.Stream<
    Delivered<SourceItem<S>, RanSuccess<X>, EachError<A, X, O>, M, P>,
    FailureOf<EachError<A, X, O>, M> | SubmitError | SourceError<S>,
    Needs<RanServices<X>> | Services<A> | OptionServices<O> | SourceServices<S> | R
  >
}

const ofStream: Checks<StreamEachOptions<unknown>> = {
  mode: ofCompute.mode,
  cache: ofCompute.cache,
  passes: ofCompute.passes,
  outstanding: count,
  ordered: flag,
  withInput: flag,
  task: anything
}

type Run = (item: any, index: number) => Effect.Effect<unknown, unknown, unknown>

/** What `Client.stream` gives. */
export const streamItems = (
  home: Home,
  source: Source,
  f: Run | undefined,
  options: StreamEachOptions<any> = {}
): Stream.Stream<unknown, unknown> => {
  const fault = optionsFault(options, ofStream) ??
    (f === undefined ? undefined : valueFault(callback, "function of Client.stream", f)) ??
    (isSource(source)
      ? undefined
      : invalidOption("source of Client.stream", source, "an array, a Stream, or something else to iterate over"))
  if (fault !== undefined) return Stream.die(fault)
  return Stream.unwrap(Effect.map(open(home, source, f, options), (flow) => Stream.fromPull(Effect.succeed(flow.pull))))
}

/** Begins one run of a stream. At its close the source is read no more, then tasks stop, and then the source is closed. */
const open = (
  home: Home,
  source: Source,
  f: Run | undefined,
  options: StreamEachOptions<any>
): Effect.Effect<Flow, never, Scope.Scope> =>
  Effect.gen(function*() {
    const isNow = Symbol.iterator in source
    const reader = isNow ? new Reader(source) : undefined
    if (reader !== undefined) yield* Effect.addFinalizer(() => reader.close)
    const pull = isNow ? undefined : yield* pullOf(source)
    const flow = yield* Effect.acquireRelease(
      Effect.sync(() => new Flow(home, reader, f, options)),
      (flow) => flow.close
    )
    if (pull !== undefined) yield* Effect.forkScoped(flow.feed(pull))
    return flow
  })

interface Item {
  readonly input: unknown
  readonly index: number
  future: internal.FutureImpl | undefined
  hasEnded: boolean
}

class Flow {
  private readonly home: Home
  private readonly reader: Reader | undefined
  private readonly f: Run | undefined
  private readonly options: StreamEachOptions<any>
  private readonly owner: number
  private readonly wait: number
  private readonly outstanding: number
  private readonly isOrdered: boolean
  private readonly mode: Mode
  /** Items whose ends are open, by claim. */
  private readonly open = new Map<ClaimId, Item>()
  /** Items in the order in which their results are given: all of them, or those that have ended. */
  private readonly line: Array<Item> = []
  /** What the consumer has now, and is done with at its next pull. */
  private inHand: Array<internal.FutureImpl> = []
  /** Items that were taken and are not done with. */
  private unread = 0
  private taken = 0
  /** No more is taken from the source; then `ending` says how the stream ends after all results. */
  private isOver = false
  private ending: Effect.Effect<never, unknown> = Cause.done()
  /** The item of the first failure, which ends the stream. */
  private failed: Item | undefined
  private readonly roots = new Map<object, Cause.Cause<unknown>>()
  /** Opened when there is room for more items, or when an item or the end of the source has come. */
  private readonly room = Latch.makeUnsafe(false)
  private readonly news = Latch.makeUnsafe(false)

  constructor(home: Home, reader: Reader | undefined, f: Run | undefined, options: StreamEachOptions<any>) {
    this.home = home
    this.reader = reader
    this.f = f
    this.options = options
    this.owner = home.streams.open()
    this.wait = home.waits.stand((claim) => this.report(claim))
    this.outstanding = options.outstanding ?? Math.max(1, Math.min(2 * home.slots(), 1024))
    this.isOrdered = options.ordered !== false
    this.mode = options.mode ?? "failFast"
  }

  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.isOver = true
    this.home.waits.endStanding(this.wait)
    return this.home.streams.close(this.owner)
  })

  // ---- taking items

  private get hasRoom(): boolean {
    return !this.isOver && this.unread < this.outstanding
  }

  /** Takes items that are there now, as many as fit; those of one turn are one submission. */
  private refill(fiber: Fiber.Fiber<unknown, unknown>): void {
    while (this.hasRoom) {
      const inputs: Array<unknown> = []
      const most = Math.min(this.outstanding - this.unread, turn.instructions)
      const read = Result.try(() => {
        while (inputs.length < most) {
          const { done, value } = this.reader!.next()
          if (done === true) {
            this.isOver = true
            return
          }
          inputs.push(value)
        }
      })
      this.take(inputs, fiber)
      if (Result.isFailure(read)) this.endWith(Effect.die(read.failure))
    }
  }

  /** Takes items of a source that gives them later, one chunk after the other. */
  feed(pull: Pull.Pull<ReadonlyArray<unknown>, unknown, void, any>): Effect.Effect<void, never, any> {
    const untilRoom: Effect.Effect<void> = Effect.suspend(() => {
      if (this.hasRoom) return Effect.void
      this.room.closeUnsafe()
      return Effect.andThen(this.room.await, untilRoom)
    })
    const takeAll = (chunk: ReadonlyArray<unknown>): Effect.Effect<void> =>
      chunk.length === 0 ? Effect.void : Effect.flatMap(untilRoom, () =>
        Effect.withFiber((fiber) => {
          const fits = chunk.slice(0, this.outstanding - this.unread)
          this.take(fits, fiber)
          this.news.openUnsafe()
          return takeAll(chunk.slice(fits.length))
        }))
    const goOn: Effect.Effect<never, unknown, any> = Effect.andThen(
      untilRoom,
      Effect.flatMap(pull, (chunk) => Effect.andThen(takeAll(chunk), goOn))
    )
    return Effect.catchCause(goOn, (cause) =>
      Effect.sync(() => {
        if (!this.isOver) this.endWith(Effect.failCause(cause))
        this.news.openUnsafe()
      }))
  }

  private endWith(ending: Effect.Effect<never, unknown>): void {
    this.isOver = true
    this.ending = ending
  }

  /** Submits the tasks of items that were taken. If they are refused together, the first that is refused alone ends the stream. */
  private take(inputs: ReadonlyArray<unknown>, fiber: Fiber.Fiber<unknown, unknown>): void {
    if (inputs.length === 0) return
    const items = inputs.map((input): Item => ({
      input,
      index: this.taken++,
      future: undefined,
      hasEnded: false
    }))
    this.unread += items.length
    const tasks = items.map((item) => this.taskOf(item))
    const refusal = this.submit(items, tasks, fiber)
    if (refusal === undefined) return
    for (const [i, item] of items.entries()) {
      const alone = items.length === 1 ? refusal : this.submit([item], [tasks[i]!], fiber)
      if (alone === undefined) continue
      this.unread -= items.length - i
      return this.endWith(Effect.failCause(isRefused(alone) ? causeOfRefusal(alone) : Cause.die(alone)))
    }
  }

  private submit(
    items: ReadonlyArray<Item>,
    tasks: ReadonlyArray<internal.Handle>,
    fiber: Fiber.Fiber<unknown, unknown>
  ): Refused | Cause.IllegalArgumentError | undefined {
    const stray = tasks.find((task) => !internal.isEither(task))
    if (stray !== undefined) return strayFault(stray, "task")
    const futures = this.home.streams.submit(tasks, this.owner, this.wait, fiber, this.options)
    if (isRefused(futures)) return futures
    for (const [i, item] of items.entries()) {
      item.future = futures[i]!
      this.open.set(item.future.claim.id, item)
      if (this.isOrdered) this.line.push(item)
    }
    return undefined
  }

  private taskOf({ index, input }: Item): internal.Handle {
    const { f, options: { task } } = this
    if (f === undefined) return input as internal.Handle
    const options = normalize(typeof task === "function" ? task(input, index) : task)
    return isEffectOnly(input)
      ? makeTask({ _tag: "effect", run: () => f(input, index) }, undefined, options)
      : makeTask({ _tag: "effect", run: (value: unknown) => f(value, index) }, input, options)
  }

  // ---- ends

  private report(claim: ClaimId): void {
    const item = this.open.get(claim)
    if (item === undefined) return
    this.open.delete(claim)
    item.hasEnded = true
    if (!this.isOrdered) this.line.push(item)
    const { view } = this.home
    const hasFailed = view.hasEnded(item.future!.claim) && !view.hasSucceeded(item.future!.claim)
    if (this.mode === "failFast" && hasFailed) this.fail(item)
  }

  /** Nothing after the first failure is wanted. */
  private fail(item: Item): void {
    this.isOver = true
    if (this.failed !== undefined && (!this.isOrdered || this.failed.index < item.index)) return
    this.failed = item
    const dropped = this.isOrdered
      ? this.line.splice(this.line.indexOf(item) + 1)
      : [...this.open.values()]
    for (const { future } of dropped) this.open.delete(future!.claim.id)
    this.home.streams.release(dropped.map(({ future }) => future!))
  }

  // ---- giving results

  readonly pull: Pull.Pull<NonEmptyReadonlyArray<unknown>, unknown> = Effect.withFiber((fiber) => {
    this.finish()
    if (this.reader === undefined) this.room.openUnsafe()
    else this.refill(fiber)
    return this.give
  })

  /** The consumer is done with what it has. */
  private finish(): void {
    this.home.streams.release(this.inHand)
    this.unread -= this.inHand.length
    this.inHand = []
  }

  private readonly give: Pull.Pull<NonEmptyReadonlyArray<unknown>, unknown> = Effect.suspend(() => {
    const most = Math.max(1, this.outstanding >> 2)
    const batch: Array<Item> = []
    while (batch.length < most && this.line[batch.length]?.hasEnded === true) batch.push(this.line[batch.length]!)
    if (batch.length > 0) return this.read(batch)
    if (this.open.size > 0) {
      const isReady = (): boolean => this.line[0]?.hasEnded === true || this.open.size === 0
      return Effect.flatMap(this.home.waits.untilReport(this.wait, () => this.open.size, isReady), () => this.give)
    }
    if (this.isOver) return this.end()
    this.news.closeUnsafe()
    return Effect.flatMap(this.away(this.news.await), () => this.give)
  })

  /** Reads the results of the first items in line. */
  private read(batch: ReadonlyArray<Item>): Pull.Pull<NonEmptyReadonlyArray<unknown>, unknown> {
    const { desk, view } = this.home
    const lost = batch.filter(({ future }) => !view.hasEnded(future!.claim))
    if (lost.length > 0) return this.waitAgain(lost)
    const coming = desk.bring(batch.map(({ future }) => future!))
    if (coming !== undefined) return Effect.flatMap(coming, () => this.give)
    const given: Array<unknown> = []
    let read = 0
    for (const item of batch) {
      const exit = view.exitOfClaim(item.future!)
      if (exit._tag === "Failure" && this.mode === "failFast") {
        if (given.length > 0) break
        return Effect.failCause(exit.cause)
      }
      read++
      if (exit._tag === "Success" || this.mode === "collect") given.push(this.delivered(item, exit))
      else this.noteRoot(item)
    }
    this.line.splice(0, read)
    for (let i = 0; i < read; i++) this.inHand.push(batch[i]!.future!)
    const [first, ...others] = given
    // Failures alone are no results.
    return given.length === 0 ? this.pull : Effect.succeed([first, ...others])
  }

  private delivered({ index, input }: Item, exit: Exit.Exit<unknown, unknown>): unknown {
    const { withInput } = this.options
    if (this.mode === "collect") return withInput === true ? { input, index, exit } : exit
    const { value } = exit as Exit.Success<unknown>
    return withInput === true ? { input, index, value } : value
  }

  private noteRoot({ future }: Item): void {
    const rooted = this.home.view.rootOfClaim(future!)
    if (rooted !== undefined && this.roots.size < mostRoots) this.roots.set(...rooted)
  }

  /** Results that were lost before they were read are made anew, and come in their place. */
  private waitAgain(lost: ReadonlyArray<Item>): Pull.Pull<NonEmptyReadonlyArray<unknown>, unknown> {
    for (const item of lost) {
      item.hasEnded = false
      this.open.set(item.future!.claim.id, item)
      if (!this.isOrdered) this.line.splice(this.line.indexOf(item), 1)
    }
    this.home.waits.addTo(this.wait, lost.map(({ future }) => future!.claim.id))
    return this.give
  }

  private end(): Effect.Effect<never, unknown> {
    if (this.roots.size === 0) return this.ending
    const roots = [...this.roots.values()].flatMap(({ reasons }) => reasons)
    return Effect.failCause(Cause.fromReasons(roots))
  }

  /** Waits without the slot of the body, if it is in one. */
  private away(effect: Effect.Effect<void>): Effect.Effect<void> {
    const { waits } = this.home
    return Effect.withFiber((fiber) => {
      const seat = attemptOf(this.home, fiber)
      if (seat === undefined) return effect
      return waits.counted(() =>
        Effect.acquireUseRelease(waits.away(seat), () => effect, (wait) => waits.abandon(wait))
      )
    })
  }
}

/** The most root failures of one stream that are kept. */
const mostRoots = 1000
