/**
 * The far side: a worker's loop in a thread, a process or a machine of its own.
 *
 * ```text
 * [near side] -- batches of starts and orders --> [line] -- a slot is free --> [body: a call, or a fiber]
 *             <-- batches of ends, asks, logs -------------------------------------'
 * ```
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { Registry } from "../portable/named.ts"
import { describeError } from "../text/rendering.ts"
import { FarWorker } from "./farWorker.ts"
import type { Open } from "./farWorker.ts"
import type { Uplink } from "./link.ts"
import { version } from "./messages.ts"
import type { Defer } from "./reporting.ts"

/**
 * What bodies have beside the services of their handlers, for a worker with so many slots. `clock` is that of the scheduler if that
 * is not the live one, once the worker is there.
 */
export type Surroundings = (
  registry: Registry,
  slots: number,
  clock: () => Clock.Clock | undefined
) => Effect.Effect<Context.Context<never>, never, Scope.Scope>

export interface ServeOptions {
  /** Does something soon, after what runs now. Defaults to a microtask. */
  readonly defer?: Defer | undefined
  /** Defaults to the context in which `serve` runs. */
  readonly surroundings?: Surroundings | undefined
  /** Called with the worker when it is there: tests look what is left in it. */
  readonly opened?: ((worker: FarWorker) => void) | undefined
}

/**
 * Runs tasks of a registry until the near side asks to close; then ends all bodies, and what `build` has acquired. Never fails: a
 * registry that cannot be built is told to the near side.
 */
export const serve = (
  uplink: Uplink,
  build: Effect.Effect<Registry, unknown, Scope.Scope>,
  { defer = (f) => queueMicrotask(f), opened: met, surroundings = () => Effect.context() }: ServeOptions = {}
): Effect.Effect<void> =>
  Effect.gen(function*() {
    const open = yield* Deferred.make<Open>()
    const close = yield* Deferred.make<void>()
    let worker: FarWorker | undefined
    uplink.receive((down) => {
      if (down._tag === "Batch") worker!.receive(down)
      else if (down._tag === "Close") Deferred.doneUnsafe(close, Exit.void)
      else Deferred.doneUnsafe(open, Exit.succeed(down))
    })
    const opened = yield* Deferred.await(open)
    const life = Effect.gen(function*() {
      const registry = yield* build
      const context = yield* surroundings(registry, opened.slots, () => worker?.clock)
      const own = worker = new FarWorker(uplink, registry, context, opened, defer)
      met?.(own)
      yield* Effect.addFinalizer(() => own.stopAll)
      uplink.send({ _tag: "Up", version, names: registry.names })
      // Interrupted, it has lost the near side: what waits for an answer ends first, or nothing else could.
      yield* Effect.onInterrupt(Deferred.await(close), () => Effect.sync(() => own.endAsks()))
    })
    const exit = yield* Effect.exit(Effect.scoped(life))
    if (Exit.isFailure(exit) && worker === undefined) {
      uplink.send({ _tag: "Refused", why: describeError(Cause.squash(exit.cause)) })
      yield* Deferred.await(close)
    }
    uplink.send({ _tag: "Closed" })
  })
