/**
 * Tasks that run without a future: fired, and forgotten by whoever fired them. Each has an owner of its own, which closes
 * when its task has ended; they are found again by group.
 *
 * ```text
 * [caller] -- fire --> [owner of one task] -- the task has ended --> a log line if it failed, close, nothing left
 *                         ^ cancelGroup, close of the layer
 * ```
 *
 * No fiber waits for the end: the engine's wait resumes a callback.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { GraphError, Starved } from "../SkeinError.ts"
import type { CancelRequest } from "./owners.ts"
import type { SchedulerCore } from "./schedulerCore.ts"
import { warnUnseen } from "./scopeOwners.ts"
import type { FutureImpl, TaskImpl } from "./task.ts"

/** The future that stands for a fired task, by the owner that closes with it. */
type Group = Map<number, FutureImpl>

export class Detached {
  private readonly groups = new Map<string, Group>()
  private readonly core: SchedulerCore

  constructor(core: SchedulerCore) {
    this.core = core
  }

  /** Every owner of a fired task whose finalizers have not all run. */
  *owners(): Iterable<number> {
    for (const group of this.groups.values()) yield* group.keys()
  }

  /** Submits a task for an owner of its own. A body that fires counts as its submitter, and not as its owner. */
  fire(task: TaskImpl, name: string, fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<void, GraphError> {
    const fired = this.core.submissions.submitAlone(task, `group ${name}`, fiber)
    if (!("owner" in fired)) return Effect.fail(fired)
    const { future, owner } = fired
    const group = this.groups.get(name)
    if (group === undefined) this.groups.set(name, new Map([[owner, future]]))
    else group.set(owner, future)
    const fork = Effect.runForkWith(fiber.context)
    this.core.waits.notify(
      (wait) => {
        const now = this.core.now()
        this.core.ask({ _tag: "WaitBegan", now, wait, claims: [future.claim], mode: "all", waiter: -1, attempt: 0 })
      },
      () => {
        for (const unseen of this.core.view.unseenOf(owner)) fork(warnUnseen(unseen))
        this.close(name, owner)
      }
    )
    return Effect.void
  }

  /** What nobody else needs of it is stopped, and the entry goes when its finalizers have run. */
  private close(name: string, owner: number): void {
    this.core.waits.notify(
      (wait) => this.core.owners.closeAlone(owner, `group ${name}`, wait),
      () => {
        const group = this.groups.get(name)!
        group.delete(owner)
        if (group.size === 0) this.groups.delete(name)
      }
    )
  }

  /** Returns when nothing of the group is left to end, what is fired meanwhile included. */
  await(name: string): Effect.Effect<void, Starved> {
    return Effect.suspend(() => {
      const { view, waits } = this.core
      const open = Array.from(this.groups.get(name)?.values() ?? [], ({ claim }) => claim)
        .filter((claim) => !view.isSettled(claim))
      return open.length === 0 ? Effect.void : Effect.andThen(waits.forClaims(open, "all"), this.await(name))
    })
  }

  /** Asks for all in one go, so that an interruption of the wait leaves none of them running; then waits for their finalizers. */
  cancel(name: string, request: CancelRequest): Effect.Effect<void> {
    return Effect.uninterruptibleMask((restore) => {
      const futures = [...this.groups.get(name)?.values() ?? []]
      const cancel = (wait: boolean) => (future: FutureImpl) => this.core.owners.cancel(future, { ...request, wait })
      const requests = Effect.forEach(futures, cancel(false), { discard: true })
      if (!request.wait) return requests
      const waits = Effect.forEach(futures, cancel(true), { concurrency: "unbounded", discard: true })
      return Effect.andThen(requests, restore(waits))
    })
  }
}
