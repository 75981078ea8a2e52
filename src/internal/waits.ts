/**
 * Fibers that wait for the engine. A wait begins and is known to the engine in the same operation, so there is no point at
 * which an interruption could leave one behind.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { WaitMode } from "../engine/Event.ts"
import type { Pair } from "../engine/Outcome.ts"
import type { Claim } from "../engine/Owner.ts"
import type { TaskId } from "../engine/TaskTable.ts"
import { Starved } from "../SkeinError.ts"
import { captureAsyncScope } from "./asyncScope.ts"
import { attemptOf } from "./attempt.ts"
import type { Attempt } from "./attempt.ts"
import type { SchedulerCore } from "./schedulerCore.ts"

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

/** Who waits goes on in the async context in which the wait began. */
const inPresentScope = (resume: () => void): () => void => {
  const scope = captureAsyncScope()
  return () => scope.runInAsyncScope(resume)
}

export class Waits {
  private readonly open = new Map<number, Waiting>()
  private readonly core: SchedulerCore
  private next = 1

  constructor(core: SchedulerCore) {
    this.core = core
  }

  origin(fiber: Fiber.Fiber<unknown, unknown>): Origin {
    const attempt = attemptOf(this.core, fiber)
    return { now: this.core.now(), waiter: attempt?.task ?? -1, attempt: attempt?.serial ?? 0 }
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
      this.core.life.failure !== undefined ?
        Effect.failCause(this.core.life.failure) :
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
    if (this.core.life.failure !== undefined) return over()
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
    const { life } = this.core
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
    return Effect.uninterruptible(Effect.callback<void>((resume) => {
      const waiting = this.open.get(wait)
      if (waiting === undefined || waiting.over || this.core.life.failure !== undefined) {
        this.open.delete(wait)
        return resume(Effect.void)
      }
      waiting.resume = inPresentScope(() => resume(Effect.void))
      this.core.ask({ _tag: "WaitAbandoned", now: this.core.now(), wait })
    }))
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

  /**
   * Waits until `mode` is fulfilled for `claims`. The engine ends the waits of an attempt that it stops; code that cannot be
   * interrupted then waits on, uncounted unless it keeps its slot.
   */
  forClaims(claims: ReadonlyArray<Claim>, mode: WaitMode, keepsSlot?: boolean): Effect.Effect<void, Starved> {
    const once = this.begin((wait, origin) => {
      this.core.ask({ _tag: "WaitBegan", wait, claims, mode, keepsSlot, ...origin })
    })
    return Effect.flatMap(
      once,
      () => this.core.view.isOver(claims, mode) ? Effect.void : this.forClaims(claims, mode, keepsSlot)
    )
  }

  /** A wait for nothing, until it is abandoned: how a body gives its slot away for a wait of its own. */
  away({ serial, task }: Attempt): Effect.Effect<number> {
    return Effect.sync(() => {
      const wait = this.expect(true)
      const now = this.core.now()
      this.core.ask({ _tag: "WaitBegan", now, wait, claims: [], mode: "never", waiter: task, attempt: serial })
      return wait
    })
  }

  secede(attempt: Attempt): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (attempt.away >= 0) return Effect.void
      return Effect.map(this.away(attempt), (wait) => {
        attempt.away = wait
      })
    })
  }

  rejoin(attempt: Attempt): Effect.Effect<void> {
    return Effect.uninterruptible(Effect.suspend(() => {
      const wait = attempt.away
      if (wait < 0) return Effect.void
      attempt.away = -1
      return this.abandon(wait)
    }))
  }
}
