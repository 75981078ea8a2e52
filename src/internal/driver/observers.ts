/**
 * Observers: listeners of transitions, callbacks of computations, caches of results. Without listeners, the engine records
 * nothing. An observer may use the scheduler. An observer that throws is not called again, and never affects a run.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import type * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import type { Transition } from "../../engine/protocol/Transition.ts"
import type { Callbacks } from "../bodies/callbacks.ts"
import type { Cache, ResultCache } from "../bodies/livePlan.ts"
import { captureAsyncScope } from "../platform/asyncScope.ts"
import type { Time } from "../platform/time.ts"
import { isA, looked } from "../values/looks.ts"

/** A listener of transitions, and of their end. */
interface Listener {
  readonly hear: (transition: Transition) => unknown
  readonly end: () => void
  /** The number of transitions before it began to listen, which it does not get. */
  readonly since: number
  /** Whether it gets the end alone. */
  hasThrown: boolean
  hasLeft: boolean
}

/** The engine records moments; listeners get instants. */
interface Noted extends Omit<Transition, "at"> {
  at: number
}

export class Observers {
  /** Listeners that leave during a delivery are dropped after it. */
  private listeners: Array<Listener> = []
  /** Transitions, to which the engine appends. Those before `next` have been delivered. */
  private readonly log: Array<Noted> = []
  private next = 0
  /** How many listeners have got the next transition already. */
  private toldTo = 0
  /** How many transitions were delivered before those of the log. */
  private told = 0
  private isTelling = false
  private haveLeft = false
  private isClosed = false
  private readonly warn: (...line: ReadonlyArray<unknown>) => void
  private readonly time: Time

  constructor(warn: (...line: ReadonlyArray<unknown>) => void, time: Time) {
    this.warn = warn
    this.time = time
  }

  /** The list for the engine's transitions, if there are listeners. */
  get wanted(): Array<Transition> | undefined {
    return this.listeners.length === 0 ? undefined : this.log
  }

  /**
   * Delivers the log to all listeners, in the order of the transitions. Transitions that a listener causes come after those of
   * the delivery.
   */
  tell(): void {
    if (this.next < this.log.length) this.drain()
  }

  /** Ends all listeners, after the last transition. */
  close(): void {
    this.isClosed = true
    this.drain()
  }

  private drain(): void {
    if (this.isTelling) return
    this.isTelling = true
    while (this.next < this.log.length) {
      const result = Result.try(this.tellRest)
      if (Result.isFailure(result)) this.dismiss(this.listeners[this.toldTo - 1]!, result.failure)
    }
    this.told += this.log.length
    this.log.length = this.next = 0
    this.isTelling = false
    if (this.haveLeft) this.dropLeft()
    if (!this.isClosed) return
    for (const { end } of this.listeners) end()
    this.listeners = []
  }

  /** Delivers pending transitions until a listener throws: one guard for each call would cost more than all the rest. */
  private readonly tellRest = (): void => {
    const { listeners, log } = this
    while (this.next < log.length) {
      const transition = log[this.next]!
      if (this.toldTo === 0) transition.at = this.time.instantOf(transition.at)
      const count = this.told + this.next + 1
      while (this.toldTo < listeners.length) {
        const listener = listeners[this.toldTo++]!
        if (listener.hasThrown || listener.hasLeft || listener.since >= count) continue
        const value = listener.hear(transition)
        if (typeof value === "object") watch(value, (error) => this.dismiss(listener, error))
      }
      this.toldTo = 0
      this.next++
    }
  }

  /** A listener that threw is not called again. */
  private dismiss(listener: Listener, error: unknown): void {
    if (listener.hasThrown) return
    listener.hasThrown = true
    this.warn(threw, Cause.die(error))
  }

  private leave(listener: Listener): void {
    listener.hasLeft = true
    this.haveLeft = true
    if (!this.isTelling) this.dropLeft()
  }

  private dropLeft(): void {
    this.listeners = this.listeners.filter(({ hasLeft }) => !hasLeft)
    this.haveLeft = false
  }

  /** Follows all transitions until the result is called; calls `end` if the scheduler closes before, or has closed. */
  listen(f: (transition: Transition) => void, end: () => void = () => {}): () => void {
    const listener: Listener = {
      hear: f,
      end: this.guarded<void, void>(end),
      since: this.told + this.log.length,
      hasThrown: false,
      hasLeft: false
    }
    this.listeners.push(listener)
    if (this.isClosed) this.drain()
    return () => this.leave(listener)
  }

  /** Lets callbacks follow the tasks of one owner, of which there are `size` at first. Call the result at the end. */
  follow(
    owner: number,
    size: number,
    callbacks: Callbacks | undefined
  ): (exit: Exit.Exit<unknown, unknown>) => void {
    if (callbacks === undefined) return () => {}
    const scope = captureAsyncScope()
    // Each has a guard of its own: `onExit` is called even if `beforeTask` threw.
    const before = this.guarded((key: string) => scope.runInAsyncScope(() => callbacks.beforeTask?.(key)))
    const after = this.guarded((
      [key, outcome]: readonly [string, Parameters<NonNullable<Callbacks["afterTask"]>>[1]]
    ) => scope.runInAsyncScope(() => callbacks.afterTask?.(key, outcome)))
    this.guarded(() => callbacks.start?.())(undefined)
    this.guarded(() => callbacks.startState?.(size))(undefined)
    const stop = this.listen((transition) => {
      if (transition.owner !== owner) return
      const { from, key, to } = transition
      if (to === "running" && from === "assigned") before(key)
      switch (to) {
        case "succeeded":
        case "failed":
        case "upstreamFailed":
        case "cancelled":
        case "skipped":
          after([key, to])
      }
    })
    return (exit) => {
      stop()
      this.guarded(() => callbacks.onExit?.(exit))(undefined)
    }
  }

  /** A user's cache, as long as it does not throw. */
  cache(cache: ResultCache): Cache {
    const find = this.guarded(
      (key: string) => cache.has(key) ? { value: cache.get(key) } : undefined,
      "A cache failed to give a result and is not asked again"
    )
    const set = this.guarded(
      ([key, value]: readonly [string, unknown]) => cache.set(key, value),
      "A cache failed to take a result and is given no more"
    )
    return { find, set: (key, value) => set([key, value]) }
  }

  /** Calls `f` until it throws for the first time, which is logged. An async function throws later. */
  private guarded<A, B>(
    f: (a: A) => B,
    warning = threw
  ): (a: A) => B | undefined {
    let isBroken = false
    const broken = (cause: Cause.Cause<unknown>): undefined => {
      if (isBroken) return
      isBroken = true
      this.warn(warning, cause)
    }
    return (a) => {
      if (isBroken) return undefined
      const result = Result.try(() => f(a))
      if (Result.isFailure(result)) return broken(Cause.die(result.failure))
      const value = result.success
      watch(value, (error) => broken(Cause.die(error)))
      return value
    }
  }
}

const threw = "An observer threw and is not called again"

/** Handles the return value of an observer, which may be a promise: an unhandled rejection would end the process. */
const watch = (value: unknown, failed: (error: unknown) => void): void => {
  if (isA<Promise<unknown>>(value, Promise)) void looked(() => value.catch(failed), undefined)
}
