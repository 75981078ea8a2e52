/**
 * One run of a stream of results: it takes items, submits their tasks, hears of ends, and gives results.
 *
 * ```text
 * [source] -- item --> [task] -- submitted, as many as fit --> [scheduler] -- end --> [ready] -- pull --> [consumer]
 * ```
 *
 * @internal
 */
import * as Arr from "effect/Array"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Pull from "effect/Pull"
import * as Result from "effect/Result"
import type { ClaimId, TaskId } from "../../engine/protocol/ids.ts"
import { attemptOf, secededIn } from "../bodies/attempt.ts"
import type { Home, StreamRun } from "../bodies/home.ts"
import type { OpenStream, StreamCounts } from "../bodies/streamCounts.ts"
import { turn } from "../settings/turn.ts"
import type { Mode } from "../tasks/checks.ts"
import { causeOfRefusal, isRefused } from "../tasks/mistake.ts"
import type { Refused } from "../tasks/mistake.ts"
import * as internal from "../tasks/task.ts"
import { asksForEach, BatchSize, grouped, mayJoin, together } from "./batching.ts"
import { strayFault } from "./computing.ts"
import { ItemCounts } from "./counting.ts"
import { taskOfEach } from "./mapping.ts"
import type { Run } from "./mapping.ts"
import { Roots } from "./roots.ts"
import type { Reader } from "./sources.ts"
import type { StreamEachOptions } from "./streamOptions.ts"

interface Item {
  readonly input: unknown
  readonly index: number
  readonly task: internal.Handle
  /** The future of the task that it runs in, once that is submitted. */
  future: internal.FutureImpl | undefined
  /** What it runs with, if it does not run alone. */
  batch: Batch | undefined
  /** Its exit, if it ran with others. */
  exit: Exit.Exit<unknown, unknown> | undefined
  hasEnded: boolean
}

/** Several items of one task. */
interface Batch {
  readonly items: ReadonlyArray<Item>
  /** The number of items whose results the consumer has not finished with. */
  left: number
}

/** The items of the task of one item. */
const allWith = (item: Item): ReadonlyArray<Item> => item.batch?.items ?? [item]

/** An item of each task: items of one task come one after the other. */
const firstOfEach = (items: ReadonlyArray<Item>): ReadonlyArray<Item> =>
  items.filter(({ future }, i) => future !== items[i - 1]?.future)

const nothing: ReadonlyArray<Item> = []

export class Flow implements OpenStream {
  private readonly home: Home
  private readonly reader: Reader | undefined
  private readonly run: StreamRun
  private readonly withInput: boolean
  readonly name: string
  readonly outstanding: number
  private readonly total: number | undefined
  private readonly isOrdered: boolean
  private readonly mode: Mode
  private readonly slots: number
  private readonly size: number | BatchSize
  private readonly maxFailures: number
  private readonly taskOf: (input: unknown, index: number) => internal.Handle
  /** The first item of each task whose end is open, by claim. */
  private readonly open = new Map<ClaimId, Item>()
  /** Items in the order in which their results are given: all of them, or those that have ended. */
  private line: Array<Item> = []
  /** What the consumer has now, and is done with at its next pull. */
  private inHand: ReadonlyArray<Item> = []
  /** Items that were taken and wait for others to run with, and items that run again, alone. */
  private gathered: Array<Item> = []
  private again: Array<Item> = []
  /** How many items were taken, and how many of these the consumer is done with. */
  private taken = 0
  private done = 0
  /** Whether no more items are taken. Then the stream ends with `ending`, after all results. */
  private isOver = false
  private ending: Effect.Effect<never, unknown> = Cause.done()
  /** Whether the source has ended, without a failure. */
  private hasAll = false
  /** The item of the failure that ends the stream. */
  private failed: Item | undefined
  private failures = 0
  private failuresRead = 0
  private readonly roots = new Roots()
  /** Opened when there is room for more items, or when an item or the end of the source has come. */
  private readonly room = Latch.makeUnsafe(false)
  private readonly news = Latch.makeUnsafe(false)

  constructor(home: Home, reader: Reader | undefined, f: Run | undefined, options: StreamEachOptions<any>) {
    this.home = home
    this.reader = reader
    const { batch = 1, mode = "failFast", maxFailures = Infinity, outstanding, task, unordered, withInput } = options
    this.withInput = withInput === true
    this.slots = Math.max(1, home.slots())
    this.size = batch === "auto" ? new BatchSize() : batch
    const [usual, first] = batch === "auto" ? [16, 1] : [batch, batch]
    this.outstanding = outstanding ?? Math.min(2 * this.slots * usual, Math.max(1024, 2 * first))
    this.isOrdered = unordered !== true
    this.mode = mode
    this.maxFailures = mode === "failFast" ? 1 : maxFailures
    // Without a function, the items are tasks.
    this.taskOf = f === undefined ? (input) => input as internal.Handle : taskOfEach(f, task)
    this.total = options.total ?? reader?.length
    this.name = options.name ?? (typeof task === "function" ? undefined : task?.label) ?? "stream"
    this.run = home.streams.open(this, options, (claim) => this.report(claim))
  }

  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    const last = this.lastCounts()
    this.isOver = true
    return this.home.streams.close(this.run, last)
  })

  // ---- what can be seen

  /** Where its items are now. */
  counts(): StreamCounts {
    const counts = new ItemCounts(this.home.view)
    counts.waiting = this.gathered.length + this.again.length
    for (const item of this.open.values()) counts.addOpen(item)
    for (const item of this.line) if (item.hasEnded) counts.addEnded(item)
    const failed = this.failuresRead + counts.failed
    for (const item of this.inHand) counts.addGiven(item)
    const { paused, rateLimited, running, unread, waiting } = counts
    // Failures in hand have been read, and are not done with.
    const consumed = this.done - failed + counts.failed
    const dropped = this.taken - waiting - running - unread - consumed - failed
    const { taken, wholeTotal: total } = this
    return {
      taken,
      waiting,
      rateLimited,
      paused,
      running,
      unread,
      consumed,
      failed,
      dropped,
      total,
      isOpen: !this.isOver
    }
  }

  /** What is in hand at the close counts as consumed, and all the rest is given up. */
  private lastCounts(): StreamCounts {
    const { failed, taken, total, ...counts } = this.counts()
    const inHand = new ItemCounts(this.home.view)
    for (const item of this.inHand) inHand.addGiven(item)
    const consumed = counts.consumed + inHand.unread
    const dropped = taken - consumed - failed
    const open = { waiting: 0, rateLimited: 0, paused: 0, running: 0, unread: 0 }
    return { ...open, taken, consumed, failed, dropped, total, isOpen: false }
  }

  /** A source may have another number of items than was told. */
  private get wholeTotal(): number | undefined {
    const told = this.total !== undefined && this.total >= this.taken ? this.total : undefined
    return this.hasAll ? this.taken : told
  }

  awaited(): TaskId | "source" | "reader" {
    const [first] = this.isOrdered ? this.line.filter(({ hasEnded }) => !hasEnded) : []
    const future = (first ?? this.open.values().next().value)?.future
    if (future !== undefined) return future.claim.task
    const isRead = this.line.length + this.inHand.length === 0
    return this.reader === undefined && !this.isOver && isRead ? "source" : "reader"
  }

  // ---- taking items

  /** How many items the next task may have. */
  private get sizeNow(): number {
    return typeof this.size === "number" ? this.size : Math.min(this.size.size, this.share)
  }

  /** The largest size with which no slot is idle: two tasks for each slot, and near a known end a tenth of what is left for each. */
  private get share(): number {
    const room = Math.floor(this.outstanding / (2 * this.slots))
    const left = this.reader?.length === undefined ? Infinity : (this.reader.length - this.taken) / (10 * this.slots)
    return Math.max(1, Math.min(room, Math.floor(left)))
  }

  private get hasRoom(): boolean {
    return !this.isOver && this.left < this.outstanding
  }

  /** Takes items that are there now, as many as fit; those of one turn are one submission. */
  private refill(fiber: Fiber.Fiber<unknown, unknown>): void {
    // Full batches, unless nothing else goes on.
    const least = Math.min(this.sizeNow, this.outstanding)
    if (this.left > 0 && this.outstanding - this.left < least) return
    while (this.hasRoom) {
      const inputs: Array<unknown> = []
      const most = Math.min(this.outstanding - this.left, turn.instructions)
      const read = Result.try(() => {
        while (inputs.length < most) {
          const { done, value } = this.reader!.next()
          if (done === true) {
            this.isOver = true
            this.hasAll = true
            return
          }
          inputs.push(value)
        }
      })
      this.take(inputs)
      this.submitGathered(fiber)
      // The refusal of an item that was read before comes first.
      if (Result.isFailure(read) && !this.isOver) this.endWith(Effect.die(read.failure))
    }
  }

  /** Takes items of a source that gives them later, one chunk after the other. */
  feed(pull: Pull.Pull<ReadonlyArray<unknown>, unknown, void, any>): Effect.Effect<void, never, any> {
    const untilRoom: Effect.Effect<void> = Effect.suspend(() => {
      if (this.hasRoom) return Effect.void
      this.room.closeUnsafe()
      return Effect.andThen(this.room.await, untilRoom)
    })
    const takeAll = (chunk: ReadonlyArray<unknown>, from: number): Effect.Effect<void> =>
      from >= chunk.length ? Effect.void : Effect.flatMap(untilRoom, () =>
        Effect.withFiber((fiber) => {
          // A failure may have come since.
          if (!this.hasRoom) return takeAll(chunk, from)
          const fits = chunk.slice(from, from + this.outstanding - this.left)
          this.take(fits)
          if (this.gathered.length >= this.sizeNow || !this.hasRoom || this.isIdle) this.submitGathered(fiber)
          this.news.openUnsafe()
          return takeAll(chunk, from + fits.length)
        }))
    const goOn: Effect.Effect<never, unknown, any> = Effect.andThen(
      untilRoom,
      Effect.flatMap(pull, (chunk) => Effect.andThen(takeAll(chunk, 0), goOn))
    )
    return Effect.catchCause(goOn, (cause) =>
      Effect.withFiber((fiber) => {
        this.submitGathered(fiber)
        if (!this.isOver) {
          this.endWith(Effect.failCause(cause))
          this.hasAll = Pull.isDoneCause(cause)
        }
        this.news.openUnsafe()
        return Effect.void
      }))
  }

  /** How many items were taken and are not done with. */
  private get left(): number {
    return this.taken - this.done
  }

  /** Whether no task runs and no result is unread. */
  private get isIdle(): boolean {
    return this.open.size === 0 && this.line.length === 0
  }

  private endWith(ending: Effect.Effect<never, unknown>): void {
    this.isOver = true
    this.ending = ending
  }

  /** Makes the tasks of items. The first whose options throw ends the stream. */
  private take(inputs: ReadonlyArray<unknown>): void {
    const made = Result.try(() => {
      for (const input of inputs) {
        const index = this.taken++
        const task = this.taskOf(input, index)
        this.gathered.push({
          input,
          index,
          task,
          future: undefined,
          batch: undefined,
          exit: undefined,
          hasEnded: false
        })
      }
    })
    if (Result.isFailure(made)) this.endWith(Effect.die(made.failure))
  }

  /** Submits the items that were taken, as one graph. If they are refused, the first that is refused alone ends the stream. */
  private submitGathered(fiber: Fiber.Fiber<unknown, unknown>): void {
    const items = this.gathered
    if (items.length === 0) return
    this.gathered = []
    if (this.submit(items, fiber) === undefined) return
    for (const item of items) {
      const refusal = this.submit([item], fiber)
      if (refusal === undefined) continue
      return this.endWith(Effect.failCause(isRefused(refusal) ? causeOfRefusal(refusal) : Cause.die(refusal)))
    }
  }

  private submit(
    items: ReadonlyArray<Item>,
    fiber: Fiber.Fiber<unknown, unknown>
  ): Refused | Cause.IllegalArgumentError | undefined {
    const stray = items.find(({ task }) => !internal.isEither(task))
    if (stray !== undefined) return strayFault(stray.task, "task")
    const size = this.sizeNow
    const refusal = size === 1 || asksForEach(fiber)
      ? this.submitAlone(items, fiber)
      : this.submitTogether(grouped(items, size), fiber)
    if (refusal !== undefined) return refusal
    if (this.isOrdered) { for (const item of items) this.line.push(item) }
    return undefined
  }

  /** Submits a task for each item. */
  private submitAlone(items: ReadonlyArray<Item>, fiber: Fiber.Fiber<unknown, unknown>): Refused | undefined {
    const futures = this.home.streams.submit(items.map(({ task }) => task), this.run, fiber)
    if (isRefused(futures)) return futures
    for (let i = 0; i < items.length; i++) this.enter(items[i]!, futures[i]!, undefined)
    return undefined
  }

  /** Submits a task for each group of items. */
  private submitTogether(
    groups: ReadonlyArray<ReadonlyArray<Item>>,
    fiber: Fiber.Fiber<unknown, unknown>
  ): Refused | undefined {
    const tasks = groups.map((group) =>
      group.length === 1 ? group[0]!.task : together(group.map(({ task }) => task as internal.TaskImpl))
    )
    const futures = this.home.streams.submit(tasks, this.run, fiber)
    if (isRefused(futures)) return futures
    for (let i = 0; i < groups.length; i++) {
      const items = groups[i]!
      const batch = items.length === 1 ? undefined : { items, left: items.length }
      for (const item of items) this.enter(item, futures[i]!, batch)
    }
    return undefined
  }

  private enter(item: Item, future: internal.FutureImpl, batch: Batch | undefined): void {
    item.future = future
    item.batch = batch
    if (batch === undefined || batch.items[0] === item) this.open.set(future.claim.id, item)
  }

  /** Runs items alone that a batch could not end. */
  private submitAgain(fiber: Fiber.Fiber<unknown, unknown>): void {
    const items = this.again
    this.again = []
    const done: Array<ClaimId> = []
    for (const item of items) {
      const { batch, future } = item
      const refusal = this.submitAlone([item], fiber)
      if (refusal === undefined) {
        if (--batch!.left === 0) done.push(future!.claim.id)
      } else {
        item.exit = Exit.failCause(causeOfRefusal(refusal))
        this.end(item)
      }
    }
    this.home.streams.release(done)
  }

  // ---- ends

  private report(claim: ClaimId): void {
    const item = this.open.get(claim)
    if (item === undefined) return
    this.open.delete(claim)
    const { view } = this.home
    const { batch } = item
    const future = item.future!
    if (batch === undefined) {
      const hasSucceeded = view.hasSucceeded(future.claim)
      if (hasSucceeded) this.noteTime(item)
      return this.end(item, !hasSucceeded && view.hasEnded(future.claim))
    }
    if (this.home.desk.bring([future]) === undefined) this.readBatch(batch, future)
    // It is read when it is here.
    else for (const each of batch.items) this.end(each, false)
  }

  private end(item: Item, hasFailed = true): void {
    item.hasEnded = true
    if (!this.isOrdered) this.line.push(item)
    if (hasFailed && ++this.failures >= this.maxFailures) this.fail(item)
  }

  /** The size of automatic batches follows the time of a batch, and of an item alone that might run in one. */
  private noteTime({ batch, future, task }: Item): void {
    if (!(this.size instanceof BatchSize) || (batch === undefined && !mayJoin(task))) return
    this.size.took(batch?.items.length ?? 1, this.home.view.millisOf(future!), this.share)
  }

  /** Gives the items of a task their exits. */
  private readBatch({ items }: Batch, future: internal.FutureImpl): void {
    const { view } = this.home
    // Its result was lost: it is made anew before it is read.
    if (!view.hasEnded(future.claim)) { for (const item of items) this.end(item, false) }
    else {
      const whole = view.exitOfClaim(future)
      this.noteTime(items[0]!)
      for (const [i, item] of items.entries()) {
        const exit = Exit.isSuccess(whole)
          ? view.exitWithin(future, (whole.value as ReadonlyArray<Exit.Exit<unknown, unknown>>)[i]!)
          : whole
        item.exit = exit
        // It is in line already if its exit was not here when it ended.
        if (item.hasEnded && !this.isOrdered) this.line.splice(this.line.indexOf(item), 1)
        if (exit !== undefined) this.end(item, Exit.isFailure(exit))
        else {
          item.hasEnded = false
          this.again.push(item)
        }
      }
    }
  }

  /** Nothing after this failure is wanted. */
  private fail(item: Item): void {
    this.isOver = true
    this.gathered = []
    if (this.failed !== undefined && (this.mode !== "failFast" || !this.isOrdered || this.failed.index < item.index)) {
      return
    }
    this.failed = item
    const isWanted = this.isOrdered
      ? new Set(this.line.splice(0, this.line.indexOf(item) + 1))
      : new Set(this.line)
    const dropped = new Set<ClaimId>()
    for (const each of this.isOrdered ? this.line : [...this.open.values()].flatMap(allWith)) {
      if (each.future === undefined || allWith(each).some((other) => isWanted.has(other))) continue
      dropped.add(each.future.claim.id)
    }
    if (this.isOrdered) this.line = Array.from(isWanted)
    for (const claim of dropped) this.open.delete(claim)
    this.again = this.again.filter((each) => isWanted.has(each))
    this.home.streams.release(Array.from(dropped))
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
    const { inHand } = this
    if (inHand.length === 0) return
    const done: Array<ClaimId> = []
    for (const { batch, future } of inHand) {
      if (batch === undefined || --batch.left === 0) done.push(future!.claim.id)
    }
    this.home.streams.release(done)
    this.done += inHand.length
    this.inHand = nothing
  }

  private readonly give: Pull.Pull<NonEmptyReadonlyArray<unknown>, unknown> = Effect.withFiber((fiber) => {
    if (this.again.length > 0) this.submitAgain(fiber)
    const { line } = this
    const most = Math.min(line.length, Math.max(1, this.outstanding >> 2))
    let ready = 0
    while (ready < most && line[ready]!.hasEnded) ready++
    if (ready > 0) return this.read(ready)
    if (this.open.size > 0) {
      const isReady = (): boolean => this.line[0]?.hasEnded === true || this.open.size === 0 || this.again.length > 0
      return Effect.flatMap(
        this.home.waits.untilReport(this.run.standing, () => this.open.size, isReady),
        () => this.give
      )
    }
    if (this.gathered.length > 0) {
      this.submitGathered(fiber)
      return this.give
    }
    if (this.isOver) return this.finished()
    this.news.closeUnsafe()
    return Effect.flatMap(this.away(this.news.await), () => this.give)
  })

  /** Reads the results of the first items in line, so many of them. */
  private read(count: number): Pull.Pull<NonEmptyReadonlyArray<unknown>, unknown> {
    const later = this.bringFirst(count)
    if (later !== undefined) return later
    const { line, mode } = this
    const { view } = this.home
    const given: Array<unknown> = []
    let read = 0
    for (; read < count; read++) {
      const item = line[read]!
      const exit = item.exit ?? view.exitOfClaim(item.future!)
      if (exit._tag === "Failure") {
        if (mode !== "failFast") this.failuresRead++
        else if (given.length > 0) break
        else return Effect.failCause(exit.cause)
      }
      if (exit._tag === "Success" || mode === "collect") given.push(this.delivered(item, exit))
      else this.noteRoot(item)
    }
    this.inHand = line.splice(0, read)
    // Failures alone are no results.
    return Arr.isReadonlyArrayNonEmpty(given) ? Effect.succeed(given) : this.pull
  }

  /** Brings the results of the first items in line; `undefined` if all are here. */
  private bringFirst(count: number): Pull.Pull<NonEmptyReadonlyArray<unknown>, unknown> | undefined {
    const { desk, view } = this.home
    const lost: Array<Item> = []
    let hasBatch = false
    for (let i = 0; i < count; i++) {
      const item = this.line[i]!
      if (item.exit !== undefined) continue
      hasBatch ||= item.batch !== undefined
      if (!view.hasEnded(item.future!.claim)) lost.push(item)
    }
    if (lost.length > 0) return this.waitAgain(firstOfEach(lost))
    if (!hasBatch && !desk.isUsed) return undefined
    const items = firstOfEach(this.line.slice(0, count).filter(({ exit }) => exit === undefined))
    const coming = desk.bring(items.map(({ future }) => future!))
    if (coming !== undefined) return Effect.flatMap(coming, () => this.give)
    const unread = items.filter(({ batch }) => batch !== undefined)
    if (unread.length === 0) return undefined
    for (const { batch, future } of unread) this.readBatch(batch!, future!)
    return this.give
  }

  private delivered({ index, input }: Item, exit: Exit.Exit<unknown, unknown>): unknown {
    if (this.mode === "collect") return this.withInput ? { input, index, exit } : exit
    const { value } = exit as Exit.Success<unknown>
    return this.withInput ? { input, index, value } : value
  }

  private noteRoot({ exit, future, index }: Item): void {
    const rooted = exit === undefined
      ? this.home.view.rootOfClaim(future!)
      : [exit, (exit as Exit.Failure<unknown, unknown>).cause] as const
    if (rooted !== undefined) this.roots.add(rooted, index)
  }

  /** Results that were lost before they were read are made anew, and come in their place. */
  private waitAgain(lost: ReadonlyArray<Item>): Pull.Pull<NonEmptyReadonlyArray<unknown>, unknown> {
    for (const first of lost) {
      for (const item of allWith(first)) {
        item.hasEnded = false
        if (!this.isOrdered) this.line.splice(this.line.indexOf(item), 1)
      }
      this.open.set(first.future!.claim.id, first)
    }
    this.home.waits.addTo(this.run.standing, lost.map(({ future }) => future!.claim.id))
    return this.give
  }

  private finished(): Effect.Effect<never, unknown> {
    if (this.roots.isEmpty) return this.ending
    return Effect.catchCause(this.ending, (ending) => {
      const { reasons } = this.roots
      const other = Pull.filterDone(ending)
      return Effect.failCause(
        Cause.fromReasons(Result.isSuccess(other) ? reasons : [...reasons, ...other.failure.reasons])
      )
    })
  }

  /** Waits without the slot of the body, if it is in one. */
  private away(effect: Effect.Effect<void>): Effect.Effect<void> {
    return Effect.withFiber((fiber) => {
      const attempt = attemptOf(this.home, fiber)
      return attempt === undefined ? this.home.waits.counted(() => effect) : secededIn(attempt, effect)
    })
  }
}
