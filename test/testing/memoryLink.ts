/**
 * A link inside one process: two queues of clones, whose messages arrive in microtasks. The far side is the real one, with a
 * registry of its own.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { type Implementation, makeNamed, type Named, registryOf, unchecked } from "../../src/internal/portable/named.ts"
import { controlBytes } from "../../src/internal/remote/control.ts"
import { serve } from "../../src/internal/remote/far.ts"
import type { Hears, Link, Transfer, Transport } from "../../src/internal/remote/link.ts"
import type { Down, Up } from "../../src/internal/remote/messages.ts"
import type { Task } from "../../src/internal/tasks/handles.ts"
import { makeTask } from "../../src/internal/tasks/makeTask.ts"
import { noOptions } from "../../src/internal/tasks/task.ts"

/** A task maker, and what runs its tasks at the far side. */
export interface Maker extends Implementation {
  readonly task: (payload: unknown, options?: object) => Task<any, any>
}

/** A named task whose values travel as they are. */
export const named = (name: string, run: (payload: any) => unknown, codec: Partial<Named["codec"]> = {}): Maker => {
  const all = { payload: unchecked, success: unchecked, error: unchecked, ...codec }
  const own = makeNamed(name, all, () => "elsewhere")
  const here = (): never => {
    throw new Error(`${name} has no handler here`)
  }
  return {
    named: own,
    run,
    context: Context.empty(),
    task: (payload, options = noOptions) => makeTask({ _tag: "effect", run: here, named: own }, payload, options) as any
  }
}

/** One far side: what passed, and what a test does to it. */
export interface Wire {
  readonly downs: Array<Down>
  readonly ups: Array<Up>
  /** The far side dies: nothing more comes from it, and nothing arrives. */
  readonly die: (why: string) => void
}

export interface MemoryOptions {
  /** Whether memory is shared. Defaults to true. */
  readonly shares?: boolean
  /** How many microtasks a message takes. */
  readonly hops?: () => number
  readonly opened?: (wire: Wire) => void
  /** Runs at the far side before it is up. */
  readonly build?: Effect.Effect<unknown, unknown, Scope.Scope>
}

const later = (hops: number, f: () => void): void => queueMicrotask(hops <= 1 ? f : () => later(hops - 1, f))

/** Messages of one direction, in order. */
const laneOf = <A>(hops: () => number, deliver: (message: A) => void) => {
  const queue: Array<A> = []
  const next = (): void => {
    deliver(queue.shift()!)
    if (queue.length > 0) later(hops(), next)
  }
  return (message: A, transfer: Transfer = []): void => {
    queue.push(structuredClone(message, { transfer: [...transfer] }))
    if (queue.length === 1) later(hops(), next)
  }
}

export const memoryTransport = (
  implementations: ReadonlyArray<Implementation>,
  { build = Effect.void, hops = () => 1, opened, shares = true }: MemoryOptions = {}
): Transport =>
(hears: Hears) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const control = shares ? new Int32Array(new SharedArrayBuffer(controlBytes)) : undefined
      const ended = Deferred.makeUnsafe<void>()
      let isDead = false
      let listener: ((down: Down) => void) | undefined
      const wire: Wire = {
        downs: [],
        ups: [],
        die: (why) => {
          if (isDead) return
          isDead = true
          fiber.interruptUnsafe()
          hears.lost({ why })
          Deferred.doneUnsafe(ended, Exit.void)
        }
      }
      const down = laneOf<Down>(hops, (message) => {
        if (!isDead) listener!(message)
      })
      const up = laneOf<Up>(hops, (message) => {
        if (!isDead) hears.received(message)
      })
      const uplink = {
        control,
        receive: (listens: (down: Down) => void) => {
          listener = listens
        },
        send: (message: Up, transfer?: Transfer) => {
          up(message, transfer)
          wire.ups.push(message)
        }
      }
      const fiber: Fiber.Fiber<void, unknown> = Effect.runFork(
        serve(uplink, Effect.as(build, registryOf(implementations)))
      )
      fiber.addObserver((exit) => {
        const why = Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "it returned"
        if (!isDead && Exit.isFailure(exit)) wire.die(why)
        Deferred.doneUnsafe(ended, Exit.void)
      })
      opened?.(wire)
      const link: Link = {
        control,
        send: (message, transfer) => {
          down(message, transfer)
          wire.downs.push(message)
        },
        kill: Effect.suspend(() => {
          isDead = true
          fiber.interruptUnsafe()
          return Deferred.await(ended)
        })
      }
      return { link, ended }
    }),
    ({ ended, link }) => Effect.andThen(link.kill, Deferred.await(ended))
  ).pipe(Effect.map(({ link }) => link))
