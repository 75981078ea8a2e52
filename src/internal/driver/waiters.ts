/**
 * Fibers that wait for the engine. A wait begins and is known to the engine in the same operation, so there is no point at
 * which an interruption could leave one behind.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { Engine } from "../../engine/protocol/Engine.ts"
import type { Event, WaitBegan, WaitMode } from "../../engine/protocol/Event.ts"
import type { ClaimId, TaskId } from "../../engine/protocol/ids.ts"
import type { Stop } from "../../engine/protocol/Instruction.ts"
import { Flag } from "../../engine/protocol/Phase.ts"
import type { Pair } from "../../engine/protocol/Reason.ts"
import { columnsOf } from "../../engine/views/columns.ts"
import { isAnyStopping } from "../../engine/views/tasks.ts"
import { SkeinError, Starved } from "../../SkeinError.ts"
import { attemptOf, keepsSlotIn, lenderOf, secededIn } from "../bodies/attempt.ts"
import { isInterruptible } from "../bodies/hearing.ts"
import type { Hearing } from "../bodies/hearing.ts"
import type { Home, Seat } from "../bodies/home.ts"
import { captureAsyncScope } from "../platform/asyncScope.ts"
import type { Time } from "../platform/time.ts"
import type { FutureImpl } from "../tasks/task.ts"
import type { View } from "../views/view.ts"
import type { Attempts } from "./attempts.ts"
import type { Life } from "./life.ts"
import type { Mailbox } from "./mailbox.ts"

/** A wait as the driver sees it: whether it is over, and what to resume. */
interface Waiting {
  over: boolean
  starved: ReadonlyArray<Pair> | undefined
  resume: (() => void) | undefined
  /** Whether it is an explicit secede, which only a rejoin follows, if any. */
  readonly isAway: boolean
}

/** When, and from which attempt, an event comes. */
export interface Origin {
  readonly now: number
  /** The task in whose body it is asked, or -1. */
  readonly waiter: TaskId
  readonly attempt: number
}

/** The purpose of a wait. */
type Awaited = Pick<WaitBegan, "claims" | "targetsOf" | "standing" | "open" | "mode">

/** Calls `resume` in the present async context: for waits whose end resumes no fiber. */
const inPresentScope = (resume: () => void): () => void => {
  const scope = captureAsyncScope()
  return () => scope.runInAsyncScope(resume)
}

export class Waits {
  private readonly open = new Map<number, Waiting>()
  private readonly home: Home
  private readonly mailbox: Mailbox
  private readonly life: Life
  private readonly view: View
  private readonly attempts: Attempts
  private readonly state: Engine
  private readonly time: Time
  /**
   * The attempts whose bodies were asked to stop, and whether they go on, so that they need a slot. Unknown for a body that could
   * not be interrupted, within a wait of its own or of another fiber.
   */
  private readonly goingOn = new Map<number, boolean | undefined>()
  /** Standing waits, and whom their reports are for. */
  private readonly standing = new Map<number, (claim: ClaimId) => void>()
  private next = 1

  constructor(
    home: Home,
    mailbox: Mailbox,
    life: Life,
    view: View,
    attempts: Attempts,
    state: Engine,
    time: Time
  ) {
    this.home = home
    this.mailbox = mailbox
    this.life = life
    this.view = view
    this.attempts = attempts
    this.state = state
    this.time = time
  }

  origin(fiber: Fiber.Fiber<unknown, unknown>): Origin {
    return this.originIn(attemptOf(this.home, fiber))
  }

  /** The origin of an event from the body of an attempt, or from no body. */
  originIn(seat: Seat | undefined): Origin {
    if (seat !== undefined) this.noteBegun(seat)
    return { now: this.time.now(), waiter: seat?.task ?? -1, attempt: seat?.serial ?? 0 }
  }

  /** What a body asks shows that the body has begun, though the report of that may come later. */
  private noteBegun({ serial, task }: Seat): void {
    if (!this.attempts.isAssigned(task, serial)) return
    this.mailbox.ask({ _tag: "TaskStarted", now: this.time.now(), task, attempt: serial })
  }

  /** A number for a wait that begins now; `away` if the fiber has no slot and wants it again. */
  expect(from: "slot" | "away" = "slot"): number {
    const wait = this.next++
    this.register(wait, from === "away")
    return wait
  }

  private register(wait: number, isAway = false): void {
    this.open.set(wait, { over: false, starved: undefined, resume: undefined, isAway })
  }

  /**
   * Begins a wait in an event, and returns what waits for its end: `undefined` if there is nothing to wait for, and the scheduler
   * works.
   */
  beginNow(seat: Seat | undefined, eventOf: (wait: number, origin: Origin) => Event) {
    if (this.life.failure !== undefined) return Effect.failCause(this.life.failure)
    const wait = this.next++
    if (this.mailbox.isOverAtOnce(wait, eventOf(wait, this.originIn(seat)))) return undefined
    // Its end is in the queue at the earliest.
    this.register(wait)
    return this.join(wait)
  }

  /** Begins a wait and returns when it is over, or fails if it never could be. */
  begin(ask: (wait: number, origin: Origin) => void): Effect.Effect<void, SkeinError> {
    return Effect.withFiber((fiber) =>
      this.life.failure !== undefined ?
        Effect.failCause(this.life.failure) :
        Effect.callback<void, SkeinError>((resume) => {
          const wait = this.expect()
          ask(wait, this.origin(fiber))
          this.follow(wait, resume)
          return this.abandon(wait)
        })
    )
  }

  /** Returns when a wait that has begun is over. A fiber that is interrupted here must {@link abandon} the wait at the end. */
  join(wait: number): Effect.Effect<void, SkeinError> {
    return Effect.callback<void, SkeinError>((resume) => this.follow(wait, resume))
  }

  /** Whether the end of this wait has not been seen. */
  isOpen(wait: number): boolean {
    return this.open.has(wait)
  }

  /** Begins a wait that no fiber follows: calls `over` at its end. */
  notify(ask: (wait: number) => void, over: () => void): void {
    if (this.life.failure !== undefined) return over()
    const wait = this.expect()
    this.open.get(wait)!.resume = inPresentScope(over)
    ask(wait)
  }

  /** Makes a standing wait: `report` is called for the end of each claim that joins it. Claims join by its number. */
  stand(report: (claim: ClaimId) => void): number {
    const wait = this.next++
    this.standing.set(wait, report)
    return wait
  }

  /** Adds claims to a standing wait, which may be open. */
  addTo(wait: number, claims: ReadonlyArray<ClaimId>): void {
    const now = this.time.now()
    this.mailbox.ask({ _tag: "WaitBegan", now, wait, claims, mode: "each", waiter: -1, attempt: 0 })
  }

  /** Waits until a standing wait has reported, and `isOver`. `open` counts the claims whose ends were not reported yet. */
  untilReport(standing: number, open: () => number, isOver: () => boolean): Effect.Effect<void, SkeinError> {
    const awaited: Awaited = {
      claims: [],
      standing,
      mode: "firstCompleted",
      // Counted anew each time it is asked.
      get open() {
        return open()
      }
    }
    return this.until(awaited, isOver, "lent")
  }

  /** Gives a standing wait up: nothing is reported any more. */
  endStanding(wait: number): void {
    if (this.standing.delete(wait)) this.mailbox.ask({ _tag: "WaitAbandoned", now: this.time.now(), wait })
  }

  /** The engine reports the end of a claim. */
  report(wait: number, claim: ClaimId): void {
    this.standing.get(wait)?.(claim)
  }

  /** Begins a wait whose end is ignored. */
  unattended(ask: (wait: number) => void): void {
    const wait = this.expect()
    ask(wait)
    this.ignore(wait)
  }

  /** Resumes a fiber with the end of a wait. The fiber goes on in its own async context. */
  follow(wait: number, resume: (end: Exit.Exit<void, SkeinError>) => void): void {
    const { life } = this
    const waiting = this.open.get(wait)!
    const finish = (): void => {
      if (life.failure !== undefined) return resume(Exit.failCause(life.failure))
      resume(
        waiting.starved === undefined
          ? Exit.void
          : Exit.fail(new SkeinError({ reason: new Starved({ waits: waiting.starved }) }))
      )
    }
    if (waiting.over) {
      this.open.delete(wait)
      finish()
    } else waiting.resume = finish
  }

  /** Gives a wait up. A task takes its slot again before its body goes on, and that cannot be interrupted. */
  abandon(wait: number): Effect.Effect<void> {
    const over = Effect.callback<void>((resume) => {
      const waiting = this.open.get(wait)
      if (waiting === undefined || waiting.over || this.life.failure !== undefined) {
        this.open.delete(wait)
        return resume(Effect.void)
      }
      waiting.resume = () => resume(Effect.void)
      this.mailbox.ask({ _tag: "WaitAbandoned", now: this.time.now(), wait })
    })
    return Effect.uninterruptible(Effect.andThen(over, Effect.suspend(() => this.comeBack(true))))
  }

  /** Drops a wait. */
  ignore(wait: number): void {
    this.open.delete(wait)
  }

  /** Ends all waits, because the scheduler has failed. */
  endAll(): void {
    for (const wait of this.open.keys()) this.end(wait, undefined)
  }

  /** Ends a wait for the engine. */
  end(wait: number, starved: Waiting["starved"]): void {
    const waiting = this.open.get(wait)
    if (waiting === undefined) return
    waiting.over = true
    waiting.starved = starved
    // Its end will be read later.
    if (waiting.resume === undefined && !waiting.isAway) return
    this.open.delete(wait)
    waiting.resume?.()
  }

  /** Waits until `mode` is fulfilled for futures of this scheduler. */
  forFutures(futures: ReadonlyArray<FutureImpl>, mode: WaitMode): Effect.Effect<void, SkeinError> {
    const awaited = { claims: futures.map(({ claim }) => claim.id), mode }
    return this.until(awaited, () => this.view.isOver(futures, mode), "lent")
  }

  /** A body of another process that waits here gives its slot there away meanwhile. */
  private lent<A, E, R>(
    fiber: Fiber.Fiber<unknown, unknown>,
    wait: () => Effect.Effect<A, E, R>
  ): Effect.Effect<A, E, R> {
    const lender = lenderOf(this.home, fiber)
    return lender === undefined ? wait() : secededIn(lender, Effect.suspend(wait))
  }

  /**
   * Waits for `awaited` until `isOver`. The engine ends the waits of an attempt that it stops; uninterruptible code then waits
   * on. With `lent`, a body of another process gives its slot there away meanwhile.
   */
  until(awaited: Awaited, isOver: () => boolean, slot: "own" | "lent" = "own"): Effect.Effect<void, SkeinError> {
    return Effect.callback((resume) => {
      if (this.life.failure !== undefined) return resume(Effect.failCause(this.life.failure))
      const fiber = Fiber.getCurrent()!
      const own = attemptOf(this.home, fiber)
      const lender = slot === "lent" && own === undefined ? lenderOf(this.home, fiber) : undefined
      if (lender !== undefined) {
        return resume(secededIn(lender, Effect.suspend(() => this.until(awaited, isOver))))
      }
      const { attempt, now, waiter } = this.originIn(own)
      const isLate = this.goingOn.has(attempt)
      const { claims, mode, open, standing, targetsOf } = awaited
      const keepsSlot = own && keepsSlotIn(own, fiber)
      const wait = this.expect()
      const began = {
        _tag: "WaitBegan",
        now,
        wait,
        claims,
        targetsOf,
        standing,
        open,
        mode,
        waiter,
        attempt,
        keepsSlot
      } as const
      this.mailbox.ask(began)
      this.follow(wait, (end) => {
        if (Exit.isFailure(end)) return resume(end)
        resume(isOver() && !isAnyStopping(this.state) ? Effect.void : this.after(awaited, isOver, isLate))
      })
      return Effect.suspend(() => this.abandon(wait))
    })
  }

  /** Goes on after a wait, which began after its attempt was asked to stop if it `isLate`, or waits on. */
  private after(awaited: Awaited, isOver: () => boolean, isLate: boolean): Effect.Effect<void, SkeinError> {
    return Effect.suspend(() => {
      const isDone = isOver()
      if (!isAnyStopping(this.state)) return isDone ? Effect.void : this.until(awaited, isOver)
      return isDone ? this.comeBack(isLate) : Effect.andThen(this.noteUncut(isLate), this.until(awaited, isOver))
    })
  }

  /** A wait that lasts until it is abandoned: a body's own wait without a slot. */
  away(seat: Seat): Effect.Effect<number> {
    return Effect.sync(() => {
      const { serial, task } = seat
      this.noteBegun(seat)
      const wait = this.expect("away")
      const now = this.time.now()
      this.mailbox.ask({ _tag: "WaitBegan", now, wait, claims: [], mode: "never", waiter: task, attempt: serial })
      return wait
    })
  }

  secede(seat: Seat): Effect.Effect<void> {
    return Effect.withFiber((fiber) => {
      if (seat.away >= 0) return Effect.void
      return Effect.map(this.away(seat), (wait) => {
        seat.away = wait
        seat.awayIn = fiber
      })
    })
  }

  rejoin(seat: Seat): Effect.Effect<void> {
    const back = Effect.uninterruptible(Effect.suspend(() => {
      const wait = seat.away
      if (wait < 0) return Effect.void
      seat.away = -1
      return this.abandon(wait)
    }))
    const counted = Effect.suspend(() => {
      seat.awayIn = undefined
      return this.comeBack(true)
    })
    return Effect.andThen(back, counted)
  }

  // ---- what goes on though it was asked to stop

  /** Before an attempt is stopped: records whether its body is uninterruptible now, as far as that can be seen. */
  stopCame({ attempt: serial, task }: Stop, { isAwayDeaf, isDeaf, isShielded, mayWait }: Hearing): void {
    if (this.goingOn.get(serial) === true || !this.attempts.isStopping(task, serial)) return
    const holdsSlot = (columnsOf(this.state).flags[task]! & Flag.holdsSlot) !== 0
    // Within a wait, its end will show: the code after it runs only if it was not interrupted.
    const isAtWorkDeaf = mayWait && holdsSlot && isDeaf
    const goesOn = isShielded || (isAwayDeaf === undefined ? isAtWorkDeaf : isDeaf || isAwayDeaf)
    this.goingOn.set(serial, goesOn || (isDeaf ? undefined : false))
  }

  /** From now on only finalizers of the attempt run. */
  bodyEnded(attempt: number): void {
    if (this.goingOn.size > 0 && this.goingOn.has(attempt)) this.goingOn.set(attempt, false)
  }

  attemptEnded(attempt: number): void {
    if (this.goingOn.size > 0) this.goingOn.delete(attempt)
  }

  /**
   * Whether the body of this fiber was asked to stop before, so that a new wait may be a finalizer's. A body that goes on until the
   * request reaches it does not know of it: its wait is as any other.
   */
  isLate(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    if (this.goingOn.size === 0) return false
    const attempt = attemptOf(this.home, fiber)
    return attempt !== undefined && this.goingOn.has(attempt.serial)
  }

  /**
   * Takes the slot again after a wait, if the attempt was asked to stop and goes on. Call it in the code that began the wait,
   * which is not reached after an interruption. `isLate`: the wait began after the request to stop.
   */
  comeBack(isLate: boolean): Effect.Effect<void> {
    if (!isAnyStopping(this.state)) return Effect.void
    return Effect.andThen(this.noteUncut(isLate), Effect.withFiber((fiber) => this.takeSlot(fiber)))
  }

  /** An effect that waits, followed by {@link comeBack}, whatever its exit. */
  counted<A, E, R>(wait: (fiber: Fiber.Fiber<unknown, unknown>) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.withFiber((fiber) => {
      if (attemptOf(this.home, fiber) === undefined) return this.lent(fiber, () => wait(fiber))
      return this.comingBack(this.isLate(fiber), wait(fiber))
    })
  }

  /** An effect, followed by {@link comeBack}, whatever its exit. */
  comingBack<A, E, R>(isLate: boolean, wait: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.matchCauseEffect(wait, {
      onFailure: (cause) => Effect.andThen(this.comeBack(isLate), Effect.failCause(cause)),
      onSuccess: (value) => !isAnyStopping(this.state) ? Effect.succeed(value) : Effect.as(this.comeBack(isLate), value)
    })
  }

  /** Records that a wait from before a request to stop has ended in code that was not interrupted. */
  private noteUncut(isLate: boolean): Effect.Effect<void> {
    return Effect.withFiber((fiber) => {
      const attempt = attemptOf(this.home, fiber)
      if (attempt === undefined || !this.attempts.isStopping(attempt.task, attempt.serial)) return Effect.void
      const { scope, serial } = attempt
      // Only finalizers run after the end of a body, which nobody asked to stop.
      if (scope?.state._tag === "Closed") return Effect.void
      const isDeaf = this.goingOn.has(serial) && this.goingOn.get(serial) === undefined
      // A fiber that may be interrupted was not, so the body around it goes on.
      if (isInterruptible(fiber) && !isDeaf) return Effect.void
      // A body that has not been asked yet was not interrupted either.
      if (!isLate || !this.goingOn.has(serial)) this.goingOn.set(serial, true)
      return Effect.void
    })
  }

  private takeSlot(fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<void> {
    const attempt = attemptOf(this.home, fiber)
    if (attempt === undefined || this.goingOn.get(attempt.serial) !== true) return Effect.void
    return Effect.uninterruptible(Effect.callback<void>((resume) => {
      if (this.life.failure !== undefined) return resume(Effect.void)
      const wait = this.expect()
      this.open.get(wait)!.resume = () => resume(Effect.void)
      const { serial, task } = attempt
      this.mailbox.ask({ _tag: "SlotWanted", now: this.time.now(), wait, task, attempt: serial })
    }))
  }
}
