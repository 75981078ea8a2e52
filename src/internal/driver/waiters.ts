/**
 * Fibers that wait for the engine. A wait begins and is known to the engine in the same operation, so there is no point at
 * which an interruption could leave one behind.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { WaitBegan, WaitMode } from "../../engine/protocol/Event.ts"
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Stop } from "../../engine/protocol/Instruction.ts"
import { Flag } from "../../engine/protocol/Phase.ts"
import type { Pair } from "../../engine/protocol/Reason.ts"
import type { State } from "../../engine/state/State.ts"
import { Starved } from "../../SkeinError.ts"
import { attemptOf } from "../bodies/attempt.ts"
import type { Home, Seat } from "../bodies/home.ts"
import { captureAsyncScope } from "../platform/asyncScope.ts"
import type { Time } from "../platform/time.ts"
import type { FutureImpl } from "../tasks/task.ts"
import type { View } from "../views/view.ts"
import type { Attempts } from "./attempts.ts"
import type { Life } from "./life.ts"
import type { Mailbox } from "./mailbox.ts"

/** A wait as the driver sees it: over or not, and whom to tell. */
interface Waiting {
  over: boolean
  starved: ReadonlyArray<Pair> | undefined
  resume: (() => void) | undefined
  /** An explicit secede: nobody follows it but the rejoin, which may never come. */
  readonly isAway: boolean
}

/** When, and from which attempt, an event comes. */
export interface Origin {
  readonly now: number
  /** The task in whose body it is asked, or -1. */
  readonly waiter: TaskId
  readonly attempt: number
}

/** What a wait is for. */
type Awaited = Pick<WaitBegan, "claims" | "targetsOf" | "mode" | "keepsSlot">

/** Who waits goes on in the async context in which the wait began. */
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
  private readonly state: State
  private readonly time: Time
  /**
   * The attempts whose bodies have been told to stop, or know it, and whether they go on: then what they do counts. Not known yet
   * of a body that could not be interrupted, within a wait of its own or of another fiber.
   */
  private readonly goingOn = new Map<number, boolean | undefined>()
  private next = 1

  constructor(
    home: Home,
    mailbox: Mailbox,
    life: Life,
    view: View,
    attempts: Attempts,
    state: State,
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
    const attempt = attemptOf(this.home, fiber)
    return { now: this.time.now(), waiter: attempt?.task ?? -1, attempt: attempt?.serial ?? 0 }
  }

  /** A number for a wait that begins now. */
  expect(isAway = false): number {
    const wait = this.next++
    this.open.set(wait, { over: false, starved: undefined, resume: undefined, isAway })
    return wait
  }

  /** Begins a wait and returns when it is over, or fails if it never could be. */
  begin(ask: (wait: number, origin: Origin) => void): Effect.Effect<void, Starved> {
    return Effect.withFiber((fiber) =>
      this.life.failure !== undefined ?
        Effect.failCause(this.life.failure) :
        Effect.callback<void, Starved>((resume) => {
          const wait = this.expect()
          ask(wait, this.origin(fiber))
          return this.follow(wait, resume)
        })
    )
  }

  /** Returns when a wait that has begun is over. Who is interrupted here must {@link abandon} the wait in the end. */
  join(wait: number): Effect.Effect<void, Starved> {
    return Effect.callback<void, Starved>((resume) => void this.follow(wait, resume))
  }

  /** Whether somebody has yet to see the end of this wait. */
  isOpen(wait: number): boolean {
    return this.open.has(wait)
  }

  /** Begins a wait that no fiber follows: calls `over` when it is. */
  notify(ask: (wait: number) => void, over: () => void): void {
    if (this.life.failure !== undefined) return over()
    const wait = this.expect()
    this.open.get(wait)!.resume = inPresentScope(over)
    ask(wait)
  }

  /** Begins a wait that nobody sees the end of. */
  unattended(ask: (wait: number) => void): void {
    const wait = this.expect()
    ask(wait)
    this.ignore(wait)
  }

  private follow(
    wait: number,
    resume: (effect: Effect.Effect<void, Starved>) => void
  ): Effect.Effect<void> | undefined {
    const { life } = this
    const waiting = this.open.get(wait)!
    const finish = (): void => {
      if (life.failure !== undefined) return resume(Effect.failCause(life.failure))
      resume(waiting.starved === undefined ? Effect.void : Effect.fail(new Starved({ waits: waiting.starved })))
    }
    if (waiting.over) {
      this.open.delete(wait)
      finish()
      return undefined
    }
    waiting.resume = inPresentScope(finish)
    return this.abandon(wait)
  }

  /** Gives a wait up. A task takes its slot again before its body goes on, and that cannot be interrupted. */
  abandon(wait: number): Effect.Effect<void> {
    const over = Effect.callback<void>((resume) => {
      const waiting = this.open.get(wait)
      if (waiting === undefined || waiting.over || this.life.failure !== undefined) {
        this.open.delete(wait)
        return resume(Effect.void)
      }
      waiting.resume = inPresentScope(() => resume(Effect.void))
      this.mailbox.ask({ _tag: "WaitAbandoned", now: this.time.now(), wait })
    })
    return Effect.uninterruptible(Effect.andThen(over, Effect.suspend(() => this.comeBack(true))))
  }

  /** Nobody waits for this any more. */
  ignore(wait: number): void {
    this.open.delete(wait)
  }

  /** Nothing will end any more: whoever waits learns why. */
  endAll(): void {
    for (const wait of this.open.keys()) this.end(wait, undefined)
  }

  /** The engine says that a wait is over. */
  end(wait: number, starved: Waiting["starved"]): void {
    const waiting = this.open.get(wait)
    if (waiting === undefined) return
    waiting.over = true
    waiting.starved = starved
    // Somebody will look for it yet.
    if (waiting.resume === undefined && !waiting.isAway) return
    this.open.delete(wait)
    waiting.resume?.()
  }

  /** Waits until `mode` is fulfilled for futures of this scheduler. */
  forFutures(futures: ReadonlyArray<FutureImpl>, mode: WaitMode, keepsSlot?: boolean): Effect.Effect<void, Starved> {
    const awaited = { claims: futures.map(({ claim }) => claim.id), mode, keepsSlot }
    return this.until(awaited, () => this.view.isOver(futures, mode))
  }

  /**
   * Waits until `isOver`, in the way of `awaited`. The engine ends the waits of an attempt that it stops; code that cannot be
   * interrupted then waits on.
   */
  until(awaited: Awaited, isOver: () => boolean): Effect.Effect<void, Starved> {
    return Effect.suspend(() => {
      let isLate = false
      const once = this.begin((wait, origin) => {
        isLate = this.attempts.isStopping(origin.waiter, origin.attempt)
        this.mailbox.ask({ _tag: "WaitBegan", wait, ...awaited, ...origin })
      })
      return Effect.flatMap(once, () => {
        const isDone = isOver()
        if (this.state.stopping.size === 0) return isDone ? Effect.void : this.until(awaited, isOver)
        return isDone ? this.comeBack(isLate) : Effect.andThen(this.noteUncut(isLate), this.until(awaited, isOver))
      })
    })
  }

  /** A wait for nothing, until it is abandoned: how a body gives its slot away for a wait of its own. */
  away({ serial, task }: Seat): Effect.Effect<number> {
    return Effect.sync(() => {
      const wait = this.expect(true)
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

  /** An attempt is about to be stopped: notes whether its body cannot be interrupted now, as far as that can be seen. */
  stopComes({ attempt: serial, task }: Stop, fiber: Fiber.Fiber<unknown, unknown>): void {
    if (this.goingOn.get(serial) === true || !this.attempts.isStopping(task, serial)) return
    const attempt = attemptOf(this.home, fiber)
    const holdsSlot = (this.state.tasks.flags[task]! & Flag.holdsSlot) !== 0
    // Within a wait its end will tell: the code that follows runs only if it was not cut.
    const at = attempt?.awayIn ?? (holdsSlot ? fiber : undefined)
    const isDeaf = !isInterruptible(fiber)
    const goesOn = attempt?.serial === serial &&
      (attempt.shields > 0 || (at !== undefined && (isDeaf || !isInterruptible(at))))
    this.goingOn.set(serial, goesOn || (isDeaf ? undefined : false))
  }

  /** What runs of an attempt from now on are finalizers. */
  bodyEnded(attempt: number): void {
    if (this.goingOn.size > 0 && this.goingOn.has(attempt)) this.goingOn.set(attempt, false)
  }

  attemptEnded(attempt: number): void {
    if (this.goingOn.size > 0) this.goingOn.delete(attempt)
  }

  /** Whether the body of this fiber was asked to stop before. What it begins now may be a finalizer's. */
  isLate(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    if (this.state.stopping.size === 0) return false
    const attempt = attemptOf(this.home, fiber)
    return attempt !== undefined && this.attempts.isStopping(attempt.task, attempt.serial)
  }

  /**
   * Takes the slot again after a wait, if the attempt was asked to stop and goes on. To be done where the wait was begun: what
   * was cut does not come to it. `isLate`: the wait began after the request to stop.
   */
  comeBack(isLate: boolean): Effect.Effect<void> {
    if (this.state.stopping.size === 0) return Effect.void
    return Effect.andThen(this.noteUncut(isLate), Effect.withFiber((fiber) => this.takeSlot(fiber)))
  }

  /** An effect that waits; the slot is taken again as {@link comeBack} says, whatever its end. */
  counted<A, E, R>(wait: () => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.withFiber((fiber) => {
      if (attemptOf(this.home, fiber) === undefined) return wait()
      const isLate = this.isLate(fiber)
      return Effect.matchCauseEffect(wait(), {
        onFailure: (cause) => Effect.andThen(this.comeBack(isLate), Effect.failCause(cause)),
        onSuccess: (value) =>
          this.state.stopping.size === 0 ? Effect.succeed(value) : Effect.as(this.comeBack(isLate), value)
      })
    })
  }

  /** A wait from before a request to stop is over after it, in code that the request has not cut. */
  private noteUncut(isLate: boolean): Effect.Effect<void> {
    return Effect.withFiber((fiber) => {
      if (!this.isLate(fiber)) return Effect.void
      const { serial } = attemptOf(this.home, fiber)!
      const isDeaf = this.goingOn.has(serial) && this.goingOn.get(serial) === undefined
      // A fiber that may be interrupted was not, so the body around it goes on.
      if (isInterruptible(fiber) && !isDeaf) return Effect.void
      // What has not been told yet was not cut either.
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

/** Whether an interruption would cut what a fiber is doing now. Effect tells that to itself alone. */
const isInterruptible = (fiber: Fiber.Fiber<unknown, unknown>): boolean =>
  (fiber as { readonly interruptible?: boolean }).interruptible !== false
