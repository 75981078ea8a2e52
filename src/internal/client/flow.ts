/**
 * One run of a stream of results: it takes items, submits their tasks, hears of ends, and gives results.
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
import type { ClaimId } from "../../engine/protocol/ids.ts"
import { attemptOf, secededIn } from "../bodies/attempt.ts"
import type { Home } from "../bodies/home.ts"
import { turn } from "../settings/turn.ts"
import type { Mode } from "../tasks/checks.ts"
import { makeTask } from "../tasks/makeTask.ts"
import { causeOfRefusal, isRefused } from "../tasks/mistake.ts"
import type { Refused } from "../tasks/mistake.ts"
import { normalize } from "../tasks/options.ts"
import * as internal from "../tasks/task.ts"
import type { AnyOptions, Options } from "../tasks/taskOptions.ts"
import { isEffectOnly } from "../values/strangers.ts"
import { strayFault } from "./computing.ts"
import type { SubmitOptions } from "./computing.ts"
import type { Reader } from "./sources.ts"

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

interface Item {
  readonly input: unknown
  readonly index: number
  future: internal.FutureImpl | undefined
  hasEnded: boolean
}

export type Run = (item: any, index: number) => Effect.Effect<unknown, unknown, unknown>

export class Flow {
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
  /** The root failures, and the first item that each of them ended. */
  private readonly roots = new Map<object, { readonly index: number; readonly cause: Cause.Cause<unknown> }>()
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
    const tasks: Array<internal.Handle> = []
    // Options of an item may throw.
    const made = Result.try(() => {
      for (const item of items) tasks.push(this.taskOf(item))
    })
    if (Result.isFailure(made)) this.endWith(Effect.die(made.failure))
    if (tasks.length === 0) return
    const refusal = this.submit(items, tasks, fiber)
    if (refusal === undefined) return
    for (const [i, task] of tasks.entries()) {
      const alone = tasks.length === 1 ? refusal : this.submit([items[i]!], [task], fiber)
      if (alone === undefined) continue
      return this.endWith(Effect.failCause(isRefused(alone) ? causeOfRefusal(alone) : Cause.die(alone)))
    }
  }

  private submit(
    items: ReadonlyArray<Item>,
    tasks: ReadonlyArray<internal.Handle>,
    fiber: Fiber.Fiber<unknown, unknown>
  ): Refused | Cause.IllegalArgumentError | undefined {
    const stray = tasks.findIndex((task) => !internal.isEither(task))
    if (stray >= 0) return strayFault(tasks[stray], "task")
    const futures = this.home.streams.submit(tasks, this.owner, this.wait, fiber, this.options)
    if (isRefused(futures)) return futures
    for (const [i, future] of futures.entries()) {
      const item = items[i]!
      item.future = future
      this.open.set(future.claim.id, item)
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

  private noteRoot({ future, index }: Item): void {
    const rooted = this.home.view.rootOfClaim(future!)
    if (rooted === undefined || this.roots.size === mostRoots) return
    const [origin, cause] = rooted
    const former = this.roots.get(origin)
    if (former === undefined || former.index > index) this.roots.set(origin, { index, cause })
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
    const roots = [...this.roots.values()].toSorted((a, b) => a.index - b.index)
    return Effect.failCause(Cause.fromReasons(roots.flatMap(({ cause }) => cause.reasons)))
  }

  /** Waits without the slot of the body, if it is in one. */
  private away(effect: Effect.Effect<void>): Effect.Effect<void> {
    return Effect.withFiber((fiber) => {
      const attempt = attemptOf(this.home, fiber)
      return attempt === undefined ? this.home.waits.counted(() => effect) : secededIn(attempt, effect)
    })
  }
}

/** The most root failures of one stream that are kept. */
const mostRoots = 1000
