/**
 * The life of a scheduler: workers come, leave and are lost, and in the end everything is stopped.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { GraphError } from "../SkeinError.ts"
import { attemptOf } from "./attempt.ts"
import { FiberWorker } from "./fiberWorker.ts"
import type { SchedulerCore } from "./schedulerCore.ts"

const gone = (what: "scheduler" | "worker"): GraphError => new GraphError({ reason: { _tag: "Closed", what } })

export class Life {
  /** Nothing more is taken. */
  isClosed = false
  private readonly core: SchedulerCore

  constructor(core: SchedulerCore) {
    this.core = core
  }

  /** Why nothing may be submitted from this fiber. A lost body would take keys and slots from the one in its place. */
  refusal(fiber: Fiber.Fiber<unknown, unknown>): GraphError | undefined {
    if (this.isClosed) return gone("scheduler")
    return this.core.hasLost && attemptOf(this.core, fiber)?.isLost === true ? gone("worker") : undefined
  }

  /** Adds a worker that is drained when the scope closes. */
  addWorker(
    name: string,
    slots: number,
    resources?: Readonly<Record<string, number>>
  ): Effect.Effect<string, never, Scope.Scope> {
    const add = Effect.sync(() => {
      const worker = new FiberWorker(this.core, this.core.workers.length, name)
      this.core.workers.push(worker)
      this.core.ask({ _tag: "WorkerAdded", now: this.core.now(), name, slots, amounts: resources })
      return worker
    })
    const drain = (worker: FiberWorker): Effect.Effect<void> => Effect.sync(() => this.drain(worker))
    return Effect.map(Effect.acquireRelease(add, drain), (worker) => worker.name)
  }

  private drain({ index }: FiberWorker): void {
    if (!this.isClosed) this.core.ask({ _tag: "WorkerDrained", now: this.core.now(), worker: index })
  }

  /**
   * Takes a worker for lost, with all that runs there and all results that it holds. What runs there is interrupted, and `rest`
   * of the worker returns when that has ended; but nobody has to wait for it, and nothing that it brings counts.
   */
  loseWorker(worker: FiberWorker): void {
    this.core.hasLost = true
    const scopes = worker.lose()
    this.core.ask({ _tag: "WorkerLost", now: this.core.now(), worker: worker.index })
    // Before anything starts elsewhere: what the lost bodies have submitted would hold its keys.
    for (const scope of scopes) {
      const owner = this.core.owners.find(scope)
      if (owner !== undefined) this.core.owners.dismiss(owner, "scheduler", "the worker was lost that ran its body")
    }
    worker.interrupt()
  }

  /** Cancels everything and returns when nothing is running any more. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.isClosed = true
    // Others may be closing at the moment, or an owner of a fired task has closed while its finalizers run: what they wait for
    // is awaited here too.
    const { detached, observers, owners, state, workers } = this.core
    const open = new Set([...state.owners.keys(), ...owners.closingOwners(), ...detached.owners()])
    return Effect.forEach(open, (owner) => owners.close(owner, "scheduler"), {
      // At once: a finalizer of one may wait for a task of another.
      concurrency: "unbounded",
      discard: true
    }).pipe(
      Effect.andThen(Effect.forEach(workers, (worker) => worker.rest, { discard: true })),
      Effect.andThen(Effect.sync(() => {
        this.core.silence()
        observers.close()
      }))
    )
  })
}
