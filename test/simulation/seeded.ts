/** A fiber scheduler that picks what runs next, and where fibers yield, from a seed: the same seed, the same interleaving. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberScheduler from "effect/Scheduler"
import { TestClock } from "effect/testing"
import { numbersFrom } from "../chance.ts"

class SeededScheduler implements FiberScheduler.Scheduler {
  readonly executionMode = "async"
  private readonly ready: Array<{ readonly task: () => void; readonly priority: number }> = []
  private isPumping = false
  private readonly random: () => number
  private readonly yieldRate: number

  constructor(seed: number, yieldRate: number) {
    this.random = numbersFrom(seed)
    this.yieldRate = yieldRate
  }

  shouldYield(_fiber: Fiber.Fiber<unknown, unknown>): boolean {
    return this.random() < this.yieldRate
  }

  makeDispatcher(): FiberScheduler.SchedulerDispatcher {
    return {
      scheduleTask: (task, priority) => {
        this.ready.push({ task, priority })
        if (this.isPumping) return
        this.isPumping = true
        setImmediate(this.pump)
      },
      flush: this.pump
    }
  }

  /** One task a turn: what a task leaves for a microtask, as Skein's own pump does, comes before the next. */
  private readonly pump = (): void => {
    if (this.ready.length === 0) {
      this.isPumping = false
      return
    }
    const first = Math.min(...this.ready.map(({ priority }) => priority))
    const candidates = this.ready.filter(({ priority }) => priority === first)
    const pick = candidates[Math.floor(this.random() * candidates.length)]!
    this.ready.splice(this.ready.indexOf(pick), 1)
    pick.task()
    queueMicrotask(this.pump)
  }
}

/** Runs an effect under the seeded scheduler, with a TestClock on top of it. */
export const withSeed = (seed: number, yieldRate = 0.2) => <A, E, R>(self: Effect.Effect<A, E, R>) =>
  self.pipe(
    Effect.provide(TestClock.layer()),
    Effect.provideService(FiberScheduler.Scheduler, new SeededScheduler(seed, yieldRate))
  )

/** Moves the clock when nothing else can run: `TestClock.adjust` counts on fibers having reached their sleep. */
export const adjust = (duration: Duration.Input): Effect.Effect<void> =>
  Effect.andThen(Effect.yieldNowWith(1), TestClock.adjust(duration))
