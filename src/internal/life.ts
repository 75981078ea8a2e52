/**
 * The end of a scheduler, and who may still ask it for something: in the end everything is stopped.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { GraphError } from "../SkeinError.ts"
import { attemptOf } from "./attempt.ts"
import type { SchedulerCore } from "./schedulerCore.ts"

/** Why nothing more is taken. */
export const closed = (what: "scheduler" | "worker" | "scope"): GraphError =>
  new GraphError({ reason: { _tag: "Closed", what } })

export class Life {
  /** Nothing more is taken. */
  isClosed = false
  private readonly core: SchedulerCore

  constructor(core: SchedulerCore) {
    this.core = core
  }

  /** Why nothing may be submitted from this fiber. A lost body would take keys and slots from the one in its place. */
  refusal(fiber: Fiber.Fiber<unknown, unknown>): GraphError | undefined {
    if (this.isClosed) return closed("scheduler")
    return this.core.hasLost && attemptOf(this.core, fiber)?.isLost === true ? closed("worker") : undefined
  }

  /** Cancels everything and returns when nothing is running any more. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.isClosed = true
    // Others may be closing at the moment, or an owner of a fired task has closed while its finalizers run: what they wait for
    // is awaited here too.
    const { crew, detached, observers, owners, state } = this.core
    const open = new Set([...state.owners.keys(), ...owners.closingOwners(), ...detached.owners()])
    return Effect.forEach(open, (owner) => owners.close(owner, "scheduler"), {
      // At once: a finalizer of one may wait for a task of another.
      concurrency: "unbounded",
      discard: true
    }).pipe(
      Effect.andThen(Effect.forEach(crew.everyone(), (worker) => worker.rest, { discard: true })),
      // Nothing runs any more: nobody beats from now on, and nobody is missed.
      Effect.andThen(Effect.sync(() => this.core.silence())),
      Effect.andThen(crew.close),
      Effect.andThen(Effect.sync(() => observers.close()))
    )
  })
}
