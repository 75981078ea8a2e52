/**
 * A link inside one process: two queues of clones, whose messages arrive in microtasks. The far side is the real one, with a
 * registry of its own.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import type { SchedulerCore } from "../../src/internal/driver/schedulerCore.ts"
import { batchOf } from "../../src/internal/portable/batches.ts"
import { effectIn, finding, placing, ran } from "../../src/internal/portable/handlers.ts"
import { type Implementation, makeNamed, type Named, registryOf, unchecked } from "../../src/internal/portable/named.ts"
import { controlBytes } from "../../src/internal/remote/control.ts"
import { serve, type Surroundings } from "../../src/internal/remote/far.ts"
import type { FarWorker } from "../../src/internal/remote/farWorker.ts"
import type { Hears, Link, Transport, Uplink } from "../../src/internal/remote/link.ts"
import type { Down, Up } from "../../src/internal/remote/messages.ts"
import { packedDown, packedUp, unpackedDown, unpackedUp } from "../../src/internal/remote/packed.ts"
import type { Task } from "../../src/internal/tasks/handles.ts"
import { makeTask } from "../../src/internal/tasks/makeTask.ts"
import { noOptions } from "../../src/internal/tasks/task.ts"
import type { Sealer } from "../../src/internal/workers/sealed.ts"
import { direct, Wiring } from "../../src/internal/workers/wire.ts"

/** A task maker, and what runs its tasks at the far side. */
export interface Maker extends Implementation {
  readonly task: (payload: unknown, options?: object) => Task<any, any>
}

/** A named task whose values travel as they are. */
export const named = (name: string, run: (payload: any) => unknown, codec: Partial<Named["codec"]> = {}): Maker => {
  const all = { payload: unchecked, success: unchecked, error: unchecked, ...codec }
  const own = makeNamed(
    name,
    all,
    (context) => placing(name)(context) === "asked" ? "asked" : "here",
    batchOf
  )
  const here = (payload: unknown): Effect.Effect<unknown, unknown> =>
    Effect.contextWith((context: Context.Context<never>) => {
      const asked = finding(name)(context)?.ask?.(own, payload)
      if (asked !== undefined) return asked
      const returned = ran(run(payload))
      return effectIn(returned) ?? Effect.succeed(returned)
    })
  return {
    named: own,
    label: undefined,
    run: (payload) => ran(run(payload)),
    context: Context.empty(),
    task: (payload, options = noOptions) => makeTask({ _tag: "effect", run: here, named: own }, payload, options) as any
  }
}

/** One far side: what passed, and what a test does to it. */
export interface Wire {
  readonly downs: Array<Down>
  readonly ups: Array<Up>
  /** The far side, once it is up. */
  far: FarWorker | undefined
  /** The far side dies: nothing more comes from it, and nothing arrives. */
  readonly die: (why: string) => void
}

export interface MemoryOptions {
  /** Whether memory is shared. Defaults to true. */
  readonly shares?: boolean | undefined
  /** How messages of one direction are carried, in order. Defaults to a microtask for each. */
  readonly carry?: (to: "far" | "near", deliver: () => void) => void
  readonly defer?: (f: () => void) => void
  readonly opened?: (wire: Wire) => void
  /** What bodies of the far side have. */
  readonly surroundings?: Surroundings
  /** By which the far side measures how long bodies take. Defaults to the live one. */
  readonly clock?: Clock.Clock
  /** Called with each scheduler that bodies of the far side begin. */
  readonly nested?: (scheduler: SchedulerCore) => void
  /** Runs at the far side before it is up. */
  readonly build?: Effect.Effect<unknown, unknown, Scope.Scope>
  /** Runs at the end of the link. */
  readonly after?: Effect.Effect<void>
  /** Seals results at the far side. Defaults to none. */
  readonly sealer?: Sealer | undefined
  /** Opens at the near side. Defaults to `sealer`. */
  readonly nearSealer?: Sealer | undefined
  /** Whether the event loop of the far side answers pings. */
  readonly answers?: () => boolean
}

const inMicrotasks = (_: "far" | "near", deliver: () => void): void => queueMicrotask(deliver)

export const memoryTransport = (
  implementations: ReadonlyArray<Implementation>,
  {
    after = Effect.void,
    answers,
    build = Effect.void,
    carry = inMicrotasks,
    clock,
    defer,
    nearSealer,
    nested,
    opened,
    sealer,
    shares = true,
    surroundings
  }: MemoryOptions = {}
): Transport =>
(hears: Hears) => {
  const control = shares ? new Int32Array(new SharedArrayBuffer(controlBytes)) : undefined
  const ended = Deferred.makeUnsafe<void>()
  let isDead = false
  let pings = 0
  const early: Array<Down> = []
  let listener: ((down: Down) => void) | undefined
  const uplink: Uplink = {
    control,
    sealer,
    receive: (listens) => {
      listener = listens
      for (const message of early.splice(0)) listens(message)
    },
    send: (message, transfer = []) => {
      const clone = unpackedUp(structuredClone(packedUp(message), { transfer: [...transfer] }))
      wire.ups.push(message)
      carry("near", () => {
        if (!isDead) hears.received(clone)
      })
    }
  }
  let fiber: Fiber.Fiber<void> | undefined
  const wire: Wire = {
    far: undefined,
    downs: [],
    ups: [],
    die: (why) => {
      if (isDead) return
      isDead = true
      hears.lost({ why })
      fiber?.interruptUnsafe()
    }
  }
  const link: Link = {
    control,
    sealer: nearSealer ?? sealer,
    send: (message, transfer = []) => {
      const clone = unpackedDown(structuredClone(packedDown(message), { transfer: [...transfer] }))
      wire.downs.push(message)
      carry("far", () => {
        if (isDead) return
        // The far side has not begun: it hears this when it does.
        if (listener === undefined) early.push(clone)
        else listener(clone)
      })
    },
    kill: Effect.suspend(() => {
      isDead = true
      fiber?.interruptUnsafe()
      return Deferred.await(ended)
    }),
    ...answers !== undefined && { ping: () => ++pings, answered: () => answers() ? pings : 0 }
  }
  const open = Effect.gen(function*() {
    opened?.(wire)
    const far = serve(uplink, Effect.as(build, registryOf(implementations)), {
      defer,
      surroundings,
      opened: (worker) => {
        wire.far = worker
      }
    })
    // The far side has a life and a clock of its own, and so has the scheduler of its bodies.
    const around = Context.omit(Scope.Scope, Clock.Clock, Random.Random)(yield* Effect.context())
    const wiring = Context.get(around, Wiring)
    const nestedWire: Wiring = (scheduler) => {
      nested?.(scheduler)
      return defer === undefined ? wiring(scheduler) : { ...direct, defer }
    }
    const wired = Context.add(around, Wiring, nestedWire)
    const world = clock === undefined ? wired : Context.add(wired, Clock.Clock, clock)
    fiber = Effect.runForkWith(world)(far)
    fiber.addObserver(() => Deferred.doneUnsafe(ended, Exit.void))
    return link
  })
  return Effect.acquireRelease(open, () => Effect.andThen(link.kill, after))
}
