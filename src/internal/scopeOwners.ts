/**
 * The owners that stand for scopes: one a scope, closed by a finalizer of that scope.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { attemptOf } from "./attempt.ts"
import type { SchedulerCore } from "./schedulerCore.ts"

/** The owner that stands for a scope, and the last finalizer that closes it. */
interface ScopeOwner {
  readonly owner: number
  readonly last: Scope.Closeable | undefined
  finalizers: number
}

export class ScopeOwners {
  private readonly entries = new WeakMap<Scope.Scope, ScopeOwner>()
  private readonly core: SchedulerCore

  constructor(core: SchedulerCore) {
    this.core = core
  }

  /** The owner that stands for a scope. It closes before any resource that was acquired before its last submission. */
  ownerOf(scope: Scope.Scope, fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<number> {
    const present = this.entries.get(scope)
    if (present !== undefined && present.finalizers === finalizersOf(scope)) return Effect.succeed(present.owner)
    const attempt = attemptOf(this.core, fiber)
    const by = attempt === undefined ? "its scope" : this.core.keyOf(attempt.task)
    if (present === undefined) {
      const owner = this.core.openOwner("scope")
      const added = Scope.addFinalizer(scope, Effect.suspend(() => this.core.closeOwner(owner, by)))
      return Effect.map(added, () => this.remember(scope, { owner, last: undefined, finalizers: 0 }))
    }
    // Something was acquired since: from now on this owner closes before that.
    const { last, owner } = present
    return Scope.fork(scope).pipe(
      Effect.tap((child) => Scope.addFinalizer(child, Effect.suspend(() => this.closeLast(scope, child, owner, by)))),
      Effect.map((child) => this.remember(scope, { owner, last: child, finalizers: 0 })),
      Effect.tap(() => last === undefined ? Effect.void : Scope.close(last, Exit.void))
    )
  }

  private closeLast(scope: Scope.Scope, child: Scope.Scope, owner: number, by: string): Effect.Effect<void> {
    return this.entries.get(scope)?.last === child ? this.core.closeOwner(owner, by) : Effect.void
  }

  private remember(scope: Scope.Scope, entry: ScopeOwner): number {
    entry.finalizers = finalizersOf(scope)
    this.entries.set(scope, entry)
    return entry.owner
  }
}

/** The number of finalizers of an open scope: what tells whether something was acquired since. */
const finalizersOf = ({ state }: Scope.Scope): number =>
  state._tag !== "Open" ? 0 : state.finalizers === undefined ? 1 : state.finalizers.size
