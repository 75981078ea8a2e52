/** A scheduler for one test, which is checked when the test is over, and bodies that tell what becomes of them. */
import { assert } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as Client from "skein/Client"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import type { SubmitError } from "skein/SkeinError"
import * as Task from "skein/Task"
import type { Engine } from "../src/engine/protocol/Engine.ts"
import { open } from "../src/engine/state/State.ts"
import { nothingIsLeft } from "./support.ts"

/**
 * Runs a program in a scheduler of its own. Slots are counted at every transition. When the scope of the program has closed
 * nothing may be left of it: no task, no result, no owner, no wait, no fiber, nothing in any table.
 */
export const inScheduler = (options?: Skein.Options) =>
<A, E, R>(
  program: Effect.Effect<A, E, R>
): Effect.Effect<A, E | SubmitError, Exclude<Exclude<R, Scope.Scope>, Client.Client | Scheduler.Scheduler>> =>
  Effect.scoped(Effect.andThen(watchSlots, program)).pipe(
    Effect.tap(() => isWhole),
    Effect.provide(Skein.layer(options), { local: true })
  ) as never

/** Like {@link inScheduler} with nobody listening, for runs too long to be watched. */
export const inQuietScheduler = (options?: Skein.Options) =>
<A, E, R>(
  program: Effect.Effect<A, E, R>
): Effect.Effect<A, E | SubmitError, Exclude<Exclude<R, Scope.Scope>, Client.Client | Scheduler.Scheduler>> =>
  Effect.scoped(program).pipe(
    Effect.tap(() => isWhole),
    Effect.provide(Skein.layer(options), { local: true })
  ) as never

/** Fails the scope's program if a worker ever runs more tasks than it has slots. */
const watchSlots: Effect.Effect<void, never, Scope.Scope | Scheduler.Scheduler> = Effect.gen(function*() {
  const overruns: Array<string> = []
  const running = new Map<string, number>()
  const slots = new Map((yield* Scheduler.stats).workers.map(({ id, slots }) => [id, slots]))
  yield* Effect.addFinalizer(() => Effect.sync(() => assert.deepStrictEqual(overruns, [])))
  yield* Scheduler.listen(({ from, key, to, worker }) => {
    if (worker === undefined || (from !== "running" && to !== "running")) return
    const count = (running.get(worker) ?? 0) + (to === "running" ? 1 : -1)
    running.set(worker, count)
    if (count > (slots.get(worker) ?? Infinity)) overruns.push(`${key} is number ${count} on ${worker}`)
  })
})

interface Insides {
  readonly state: Engine
  readonly workers: ReadonlyArray<object>
  readonly waits: object
  readonly detached: object
  readonly owners: object
  readonly streams: object
  readonly outbox: object
  readonly observers: object
}

/** The tables that a part of a scheduler holds, with something in them. */
const tablesIn = (part: object): ReadonlyArray<readonly [string, number]> =>
  Object.entries(part).flatMap(([name, table]: [string, unknown]) => {
    if (kept.has(name)) return []
    const size = Array.isArray(table) ? table.length : (table as { readonly size?: unknown } | undefined)?.size
    return typeof size === "number" && size > 0 ? [[name, size] as const] : []
  })

/** The engine, the workers of the layer with what they are known for and have, the log of the last step, and listeners of stories and of fibers that outlive the program. */
const kept = new Set(["state", "workers", "restarts", "labels", "amounts", "paces", "tags", "log", "listeners"])

/** Nothing else is left, as the scheduler counts it and in any table of its own. */
const isWhole: Effect.Effect<void, never, Client.Client | Scheduler.Scheduler> = Effect.gen(function*() {
  yield* Effect.yieldNow
  yield* nothingIsLeft
  assert.deepStrictEqual((yield* Scheduler.dump).tasks, [])
  const client: { readonly [core: symbol]: unknown } = yield* Client.Client
  const core = (client[Symbol.for("skein/Client/core")] as () => Insides)()
  const { detached, observers, outbox, owners, streams, waits, workers } = core
  const state = open(core.state)
  const left = [core, state, waits, detached, owners, streams, outbox, observers, ...workers, ...state.workers].flatMap(
    tablesIn
  )
  assert.deepStrictEqual(left, [])
})

/** What bodies did, in order. */
export type Log = Array<string>

/** A body that never ends by itself, and logs its start and how its finalizers found it. */
export const endless = (log: Log, name: string): Effect.Effect<never> =>
  Effect.sync(() => log.push(`${name} starts`)).pipe(
    Effect.andThen(Effect.never),
    Effect.onExit(() => Effect.sync(() => log.push(`${name} is finalized`)))
  )

/** Endless, and slow to give up: its finalizer yields several times. */
export const reluctant = (log: Log, name: string): Effect.Effect<never> =>
  Effect.sync(() => log.push(`${name} starts`)).pipe(
    Effect.andThen(Effect.never),
    Effect.onExit(() => turns(5).pipe(Effect.andThen(Effect.sync(() => log.push(`${name} is finalized`)))))
  )

/** Lets everything that can run now run. */
export const turns = (count = 10): Effect.Effect<void> => Effect.repeat(Effect.yieldNow, { times: count - 1 })

/** A body that logs its name and succeeds with it. */
export const note = (log: Log, name: string): Effect.Effect<string> =>
  Effect.sync(() => {
    log.push(name)
    return name
  })

/** A gate that bodies wait at, and a count of those that have come to it. */
export interface Gate {
  /** Comes to the gate and waits until it opens. */
  readonly pass: Effect.Effect<void>
  readonly open: Effect.Effect<void>
  /** Returns when `count` have come. */
  readonly arrived: (count: number) => Effect.Effect<void>
  readonly count: () => number
}

export const gate = (): Gate => {
  const latch = Deferred.makeUnsafe<void>()
  let count = 0
  const waiters = new Map<number, Deferred.Deferred<void>>()
  const waiterFor = (n: number): Deferred.Deferred<void> => {
    const present = waiters.get(n) ?? Deferred.makeUnsafe<void>()
    waiters.set(n, present)
    if (count >= n) Deferred.doneUnsafe(present, Exit.void)
    return present
  }
  return {
    pass: Effect.suspend(() => {
      count++
      Deferred.doneUnsafe(waiterFor(count), Exit.void)
      return Deferred.await(latch)
    }),
    open: Effect.asVoid(Deferred.succeed(latch, undefined)),
    arrived: (n) => Effect.suspend(() => Deferred.await(waiterFor(n))),
    count: () => count
  }
}

/** `fib(n)` by recursive tasks. */
export const fib = (n: number): Task.Task<number, unknown, Client.Client> =>
  n < 2 ? Task.succeed(n) : Task.make(
    Effect.flatMap(Client.compute([fib(n - 1), fib(n - 2)]), ([a, b]) => Effect.succeed(a + b))
  ) as never
