/**
 * The owners that stand for scopes: one a scope, closed by a finalizer of that scope.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { attemptOf } from "./attempt.ts"
import type { SchedulerCore } from "./schedulerCore.ts"
import type { Unseen } from "./view.ts"

/** The owner that stands for a scope, and what closes it. */
interface ScopeOwner {
  readonly owner: number
  readonly close: () => Effect.Effect<void>
}

export class ScopeOwners {
  private readonly entries = new WeakMap<Scope.Scope, ScopeOwner>()
  private readonly core: SchedulerCore

  constructor(core: SchedulerCore) {
    this.core = core
  }

  /**
   * The owner that stands for a scope, or `undefined` if that has closed. It closes before any resource that was acquired
   * before its last submission.
   */
  ownerOf(scope: Scope.Scope, fiber: Fiber.Fiber<unknown, unknown>): number | undefined {
    if (scope.state._tag === "Closed") return undefined
    const entry = this.entries.get(scope) ?? this.open(scope, fiber)
    closeFirst(scope, entry, entry.close)
    return entry.owner
  }

  /** The owner that stands for a scope, if there is one by now. */
  find(scope: Scope.Scope): number | undefined {
    return this.entries.get(scope)?.owner
  }

  private open(scope: Scope.Scope, fiber: Fiber.Fiber<unknown, unknown>): ScopeOwner {
    const owner = this.core.owners.open("scope")
    const by = attemptOf(this.core, fiber)?.key ?? "its scope"
    const entry: ScopeOwner = { owner, close: () => this.close(owner, by) }
    this.entries.set(scope, entry)
    return entry
  }

  private close(owner: number, by: string): Effect.Effect<void> {
    const unseen = Effect.suspend(() => Effect.forEach(this.core.view.unseenOf(owner), warnUnseen, { discard: true }))
    return Effect.andThen(unseen, this.core.owners.close(owner, by))
  }
}

/** A failure that nobody looked at must not pass in silence. */
export const warnUnseen = ({ cause, key }: Unseen): Effect.Effect<void> =>
  Effect.logWarning(`Task ${JSON.stringify(key)} failed, and nobody joined it`, cause)

/** Makes `finalizer` the one that an open scope runs first, whether it had it already or not, in no more than one step. */
const closeFirst = (scope: Scope.Scope, key: object, finalizer: () => Effect.Effect<void>): void => {
  const { state } = scope
  if (state._tag === "Closed") return
  if (state._tag === "Empty") {
    scope.state = { _tag: "Open", finalizerKey: key, finalizer, finalizers: undefined }
  } else if (state.finalizers !== undefined) {
    // Finalizers run in reverse order of insertion.
    state.finalizers.delete(key)
    state.finalizers.set(key, finalizer)
  } else if (state.finalizerKey !== key) {
    state.finalizers = new Map([[state.finalizerKey!, state.finalizer!], [key, finalizer]])
    state.finalizerKey = undefined
    state.finalizer = undefined
  }
}
