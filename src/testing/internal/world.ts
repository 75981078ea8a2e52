/**
 * A closed world for fibers: a scheduler that chooses by a seed which fiber runs next and where fibers yield, and a clock that
 * advances only when nothing else can run.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as FiberScheduler from "effect/Scheduler"
import type { Chance } from "../Chance.ts"

interface Job {
  readonly run: () => void
  readonly priority: number
}

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

/** How fibers and messages are mixed. */
export interface Mixing {
  /** The probability that a fiber other than the first in line runs. */
  readonly shuffle: number
  /** A fiber yields after 3 to this many operations; 0 leaves that to Effect. */
  readonly operations: number
  /** A fiber yields after exactly this many operations. */
  readonly isRegular?: boolean
}

/** Fibers run in the order in which they became ready: the plainest world. */
export const plainMixing: Mixing = { shuffle: 0, operations: 0 }

/** Effect's own budget of operations. */
const usualOperations = 2048

/** The third operation after a yield is the first that is new. */
const leastOperations = 3

/** The most turns outside a world without an event inside. */
const patient = 20

/** Why a world stopped before its program had ended. */
export type Stall = "nothing can run, and no time is waited for" | "it goes on without end"

export class World implements FiberScheduler.Scheduler {
  readonly executionMode = "async"
  /** Choices and time steps so far. */
  steps = 0
  /** Called before each step. */
  onStep: (() => void) | undefined
  /** Called when nothing can run. Returns whether it has changed that. */
  onIdle: (() => boolean) | undefined
  private millis = 0
  /** How often time has passed. */
  private passed = 0
  private readonly chance: Chance
  private readonly mixing: Mixing
  private readonly most: number
  private readonly jobs: Array<Job> = []
  private readonly sleepers = new Set<Sleeper>()
  /** Operations until some fiber yields. */
  private budget = 0

  constructor(chance: Chance, mixing: Mixing = plainMixing, most = 200_000) {
    this.chance = chance
    this.mixing = mixing
    this.most = most
  }

  get now(): number {
    return this.millis
  }

  /** Jobs and sleepers that are left. */
  get left(): number {
    return this.jobs.length + this.sleepers.size
  }

  // ---- Scheduler

  shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    const { isRegular, operations } = this.mixing
    if (isRegular === true) return fiber.currentOpCount >= operations
    if (operations === 0) return fiber.currentOpCount >= usualOperations
    // An operation that has just been delayed must not be delayed again, or nothing would ever happen.
    if (--this.budget > 0 || fiber.currentOpCount < leastOperations) return false
    const drawn = this.chance.below(operations)
    this.budget = drawn === 0 ? usualOperations : leastOperations + drawn
    return true
  }

  makeDispatcher(): FiberScheduler.SchedulerDispatcher {
    return {
      scheduleTask: (run, priority) => {
        this.jobs.push({ run, priority })
      },
      flush: () => {
        while (this.runNext());
      }
    }
  }

  later(run: () => void): void {
    this.jobs.push({ run, priority: 0 })
  }

  private runNext(): boolean {
    const { jobs } = this
    if (jobs.length === 0) return false
    let first = 0
    for (let i = 1; i < jobs.length; i++) if (jobs[i]!.priority < jobs[first]!.priority) first = i
    const { priority } = jobs[first]!
    if (this.mixing.shuffle > 0 && jobs.length > 1) {
      const equal: Array<number> = []
      for (let i = 0; i < jobs.length; i++) if (jobs[i]!.priority === priority) equal.push(i)
      if (equal.length > 1 && (this.mixing.shuffle === 1 || this.chance.with(this.mixing.shuffle))) {
        first = equal[this.chance.below(equal.length)]!
      }
    }
    const [job] = jobs.splice(first, 1)
    job!.run()
    return true
  }

  // ---- time

  readonly clock = this.clockOf(() => this.millis)

  /** The clock of a layer: the wall clock is set forward and back by an hour whenever time passes, which must change nothing. */
  readonly unsteadyClock = this.clockOf(() => this.millis + (this.passed % 3 - 1) * hour)

  private clockOf(wall: () => number): Clock.Clock {
    return {
      currentTimeMillisUnsafe: wall,
      currentTimeMillis: Effect.sync(wall),
      currentTimeNanosUnsafe: () => nanos(wall()),
      currentTimeNanos: Effect.sync(() => nanos(wall())),
      monotonicTimeNanosUnsafe: () => nanos(this.millis),
      monotonicTimeNanos: Effect.sync(() => nanos(this.millis)),
      sleep: (duration) => {
        const millis = Duration.toMillis(duration)
        if (!(millis > 0)) return Effect.void
        return Effect.callback<void>((resume) => {
          const stop = this.wakeAt(this.millis + millis, () => resume(Effect.void))
          return Effect.sync(stop)
        })
      }
    }
  }

  /** Calls `wake` when the time has come. The result withdraws the call. */
  wakeAt(at: number, wake: () => void): () => void {
    const sleeper = { at, wake }
    this.sleepers.add(sleeper)
    return () => this.sleepers.delete(sleeper)
  }

  /** Goes on to the next moment at which something is due. */
  private passTime(): boolean {
    let next = Infinity
    for (const { at } of this.sleepers) next = Math.min(next, at)
    if (next === Infinity) return false
    this.millis = Math.max(this.millis, next)
    this.passed++
    for (const sleeper of this.sleepers) {
      if (sleeper.at > this.millis) continue
      this.sleepers.delete(sleeper)
      this.later(sleeper.wake)
    }
    return true
  }

  // ---- running

  /** The context of this world's fibers. */
  context<R>(context: Context.Context<R>): Context.Context<R> {
    return context.pipe(
      Context.add(FiberScheduler.Scheduler, this),
      Context.add(Clock.Clock, this.clock),
      Context.add(Random.Random, {
        nextIntUnsafe: () => this.chance.below(0x7fffffff),
        nextDoubleUnsafe: () => this.chance.below(0x7fffffff) / 0x7fffffff
      })
    )
  }

  /** Runs an effect to its end in this world, or until the world stalls; then the effect is interrupted. */
  run<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<Exit.Exit<A, E>, Stall, R> {
    return Effect.contextWith((context: Context.Context<R>) =>
      Effect.suspend(() => {
        const fiber = Effect.runForkWith(this.context(context))(effect)
        return Effect.flatMap(this.drive(fiber), (stall) => {
          const exit = fiber.pollUnsafe()
          if (stall === undefined && exit !== undefined) return Effect.succeed(exit)
          fiber.interruptUnsafe()
          return Effect.andThen(this.drive(fiber, this.most), Effect.fail(stall!))
        }).pipe(Effect.onInterrupt(() => {
          fiber.interruptUnsafe()
          return this.drive(fiber, this.most)
        }))
      })
    )
  }

  /** Takes steps until the fiber has ended and nothing is left to do, or until nothing can be done. */
  private drive(fiber: Fiber.Fiber<unknown, unknown>, more = 0, patience = patient): Effect.Effect<Stall | undefined> {
    return Effect.suspend(() => {
      let left = patience
      for (let turn = 0; turn < 20_000; turn++) {
        if (this.steps++ > this.most + more) return Effect.succeed("it goes on without end" as const)
        this.onStep?.()
        if (this.runNext()) {
          left = patient
          continue
        }
        if (fiber.pollUnsafe() !== undefined) return Effect.undefined
        if (this.passTime() || this.onIdle?.() === true) continue
        if (left === 0) return Effect.succeed("nothing can run, and no time is waited for" as const)
        // A promise may be on its way.
        return Effect.andThen(Effect.yieldNow, this.drive(fiber, more, left - 1))
      }
      return Effect.andThen(Effect.yieldNow, this.drive(fiber, more, left))
    })
  }
}

const hour = 3_600_000

const nanos = (millis: number): bigint => BigInt(Math.round(millis * 1e6))
