/**
 * Gates hold bodies, or messages between a scheduler and its workers, until a test opens them.
 *
 * **Example** (Cancel a task that is known to be running)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Future, Skein, Task } from "skein"
 * import { Gate } from "skein/testing"
 *
 * const program = Effect.scoped(Effect.gen(function*() {
 *   const gate = yield* Gate.make
 *   const future = yield* Client.submit(Task.make(Gate.hold(Effect.succeed(1), gate)))
 *   yield* Gate.arrived(gate, 1)
 *   yield* Future.cancel(future)
 *   return yield* Future.status(future)
 * }))
 * program.pipe(Effect.provide(Skein.layer())) // => "cancelled"
 * ```
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import { columnsOf } from "../engine/views/columns.ts"
import type { SchedulerCore } from "../internal/driver/schedulerCore.ts"
import { byReference } from "../internal/values/identity.ts"
import { Wiring } from "../internal/workers/wire.ts"
import { CarriedPort } from "./internal/carriedPort.ts"
import type { Carrier } from "./internal/carriedPort.ts"

/**
 * Bodies and messages that arrive at a gate wait there until it is opened. It then stays open. Made by {@link make}.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export class Gate {
  static {
    Object.defineProperties(this.prototype, byReference)
  }

  /** The number of arrivals so far, including those that have gone on. */
  arrivals = 0
  /** @internal */
  isOpen = false
  /** @internal */
  readonly held = new Set<() => void>()
  /** @internal */
  readonly watchers = new Set<() => void>()

  /** @internal */
  arrive(goOn: () => void): void {
    this.arrivals++
    if (this.isOpen) goOn()
    else this.held.add(goOn)
    for (const watcher of this.watchers) watcher()
  }
}

/**
 * A closed gate.
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const makeUnsafe = (): Gate => new Gate()

/**
 * A closed gate.
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<Gate> = Effect.sync(makeUnsafe)

/**
 * Arrives at the gate and waits until it is open. Interrupting the wait leaves the gate as it is.
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const wait = (gate: Gate): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const goOn = (): void => resume(Effect.void)
    gate.arrive(goOn)
    return Effect.sync(() => gate.held.delete(goOn))
  })

/**
 * Arrives at the gate and runs `effect` when it is open.
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const hold: {
  (gate: Gate): <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(effect: Effect.Effect<A, E, R>, gate: Gate): Effect.Effect<A, E, R>
} = dual(2, (effect: Effect.Effect<any, any, any>, gate: Gate) => Effect.andThen(wait(gate), effect))

/**
 * Opens the gate for all that wait there, and for later arrivals.
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const open = (gate: Gate): Effect.Effect<void> =>
  Effect.sync(() => {
    gate.isOpen = true
    const held = [...gate.held]
    gate.held.clear()
    for (const goOn of held) goOn()
  })

/**
 * Lets the first in line pass, and leaves the gate closed. Returns whether anything waited.
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const openOnce = (gate: Gate): Effect.Effect<boolean> =>
  Effect.sync(() => {
    const [first] = gate.held
    if (first === undefined) return false
    gate.held.delete(first)
    first()
    return true
  })

/**
 * Returns when `count` have arrived at the gate. Defaults to one.
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const arrived = (gate: Gate, count = 1): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const look = (): void => {
      if (gate.arrivals < count) return
      gate.watchers.delete(look)
      resume(Effect.void)
    }
    gate.watchers.add(look)
    look()
    return Effect.sync(() => gate.watchers.delete(look))
  })

/**
 * The messages between a scheduler and a worker: `Start` an attempt, `Stop` it, it has `Ended`; `Finalize` the resource of its
 * result, which is `Finalized`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Message {
  readonly _tag: "Start" | "Stop" | "Finalize" | "Ended" | "Finalized"
  /** The key of the task. */
  readonly key: string
  readonly worker: string
}

/**
 * Holds messages between schedulers and workers: those that `which` picks wait at the gate, and others pass. Put it around the
 * layer of the scheduler.
 *
 * **When to use**
 *
 * To show the effect of late messages: a task that ended just before it was asked to stop, a start that is overtaken by a
 * cancellation.
 *
 * **Example** (The end of a task is known only when the gate opens)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Future, Skein, Task } from "skein"
 * import { Gate } from "skein/testing"
 *
 * const gate = Gate.makeUnsafe()
 * const program = Effect.scoped(Effect.gen(function*() {
 *   const future = yield* Client.submit(Task.make(Effect.succeed(1)))
 *   yield* Gate.arrived(gate)
 *   const before = yield* Future.status(future)
 *   yield* Gate.open(gate)
 *   return [before, yield* Future.join(future)] as const
 * }))
 * program.pipe(
 *   Effect.provide(Skein.layer()),
 *   Gate.holdMessages(gate, ({ _tag }) => _tag === "Ended")
 * ) // => ["running", 1]
 * ```
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const holdMessages: {
  (gate: Gate, which: (message: Message) => boolean): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(self: Effect.Effect<A, E, R>, gate: Gate, which: (message: Message) => boolean): Effect.Effect<A, E, R>
} = dual(
  3,
  (self: Effect.Effect<any, any, any>, gate: Gate, which: (message: Message) => boolean) =>
    Effect.flatMap(Effect.service(Wiring), (outer) => {
      const wiring: Wiring<SchedulerCore> = (core) => {
        const wire = outer(core)
        const carrier: Carrier = {
          carry: ({ _tag, attempt, task, worker: { name: worker } }, deliver) => {
            // A message about an attempt that has ended holds nothing up.
            const isKnown = columnsOf(core.state).attempt[task] === attempt &&
              columnsOf(core.state).submission[task] !== undefined
            if (isKnown && which({ _tag, key: core.attempts.keyOf(task), worker })) gate.arrive(deliver)
            else deliver()
          },
          isStopping: (task, attempt) => core.attempts.isStopping(task, attempt),
          below: () => 0
        }
        return {
          get instructions() {
            return wire.instructions
          },
          worker: (setup) => new CarriedPort(setup, wire.worker, carrier),
          opened: () => wire.opened(),
          applied: () => wire.applied?.(),
          defer: (pump) => wire.defer(pump),
          afterMessages: (f) => wire.afterMessages(f)
        }
      }
      return Effect.provideService(self, Wiring, wiring)
    })
)
