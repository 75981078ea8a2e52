/**
 * Who follows what happens: listeners of transitions, callbacks of computations, caches of results. While nobody listens,
 * the engine notes nothing. An observer that throws is not called again; it never harms a run.
 *
 * @internal
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Callbacks } from "../Client.ts"
import type { Transition } from "../engine/State.ts"
import type { Cache, ResultCache } from "./compile.ts"

export class Observers {
  private readonly listeners = new Set<(transition: Transition) => void>()
  private readonly context: Context.Context<never>

  constructor(context: Context.Context<never>) {
    this.context = context
  }

  /** A log for the transitions of a step, if anybody wants them. */
  log(): Array<Transition> | undefined {
    return this.listeners.size === 0 ? undefined : []
  }

  tell(transitions: ReadonlyArray<Transition>): void {
    for (const listener of this.listeners) for (const transition of transitions) listener(transition)
  }

  /** Follows all transitions until the result is called. */
  listen(f: (transition: Transition) => void): () => void {
    const listener = this.guarded(f)
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Lets callbacks follow the tasks of one owner, `size` to begin with; call the result when it is over. */
  follow(
    owner: number,
    size: number,
    callbacks: Callbacks | undefined
  ): (exit: Exit.Exit<unknown, unknown>) => void {
    if (callbacks === undefined) return () => {}
    // Each has a guard of its own: `finish` is called even if `beforeTask` threw.
    const before = this.guarded((key: string) => callbacks.beforeTask?.(key))
    const after = this.guarded(([key, outcome]: readonly [string, "succeeded" | "failed" | "cancelled"]) =>
      callbacks.afterTask?.(key, outcome)
    )
    this.guarded(() => callbacks.start?.())(undefined)
    this.guarded(() => callbacks.startState?.(size))(undefined)
    const stop = this.listen((transition) => {
      if (transition.owner !== owner) return
      const { from, key, to } = transition
      if (to === "running" && from === "assigned") before(key)
      if (to === "succeeded" || to === "failed" || to === "cancelled") after([key, to])
    })
    return (exit) => {
      stop()
      this.guarded(() => callbacks.finish?.(Exit.isFailure(exit)))(undefined)
    }
  }

  /** A user's cache, as long as it does not throw. */
  cache(cache: ResultCache): Cache {
    const find = this.guarded((key: string) => cache.has(key) ? { value: cache.get(key) } : undefined)
    const set = this.guarded(([key, value]: readonly [string, unknown]) => void cache.set(key, value))
    return { find, set: (key, value) => set([key, value]) }
  }

  /** Calls `f` until it throws for the first time, which is logged. */
  private guarded<A, B>(f: (a: A) => B): (a: A) => B | undefined {
    let isBroken = false
    return (a) => {
      if (isBroken) return undefined
      const exit = Effect.runSyncExit(Effect.sync(() => f(a)))
      if (Exit.isSuccess(exit)) return exit.value
      isBroken = true
      Effect.runForkWith(this.context)(Effect.logWarning("An observer threw and is not called again", exit.cause))
      return undefined
    }
  }
}
