/**
 * The owners that stand for scopes: one a scope, closed by a finalizer of that scope.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { Engine } from "../../engine/protocol/Engine.ts"
import { ownerOf } from "../../engine/views/owners.ts"
import { attemptOf } from "../bodies/attempt.ts"
import type { Host } from "../bodies/attempt.ts"
import type { Home } from "../bodies/home.ts"
import { cutList, quote } from "../text/text.ts"
import { warning } from "../text/warnings.ts"
import { looked } from "../values/looks.ts"
import type { Unseen, View } from "../views/view.ts"

/** Opens and closes owners. */
interface Opening {
  readonly open: (name: string) => number
  readonly close: (owner: number, by: string) => Effect.Effect<void>
}

/** The owner that stands for a scope, and what closes it. */
interface ScopeOwner {
  readonly owner: number
  readonly close: () => Effect.Effect<void>
}

export class ScopeOwners {
  private readonly entries = new WeakMap<Scope.Scope, ScopeOwner>()
  /** Of the scopes of attempts, as long as they are open. */
  private readonly byHost = new WeakMap<Host, Set<number>>()
  private readonly home: Home
  private readonly owners: Opening
  private readonly view: View
  private readonly state: Engine

  constructor(home: Home, owners: Opening, view: View, state: Engine) {
    this.home = home
    this.owners = owners
    this.view = view
    this.state = state
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

  /** The owners of what bodies have submitted that ran on a worker, or that results of theirs own. */
  ofHost(host: Host): ReadonlyArray<number> {
    return [...this.byHost.get(host) ?? []]
  }

  private open(scope: Scope.Scope, fiber: Fiber.Fiber<unknown, unknown>): ScopeOwner {
    const owner = this.owners.open("scope")
    const attempt = attemptOf(this.home, fiber)
    const body = attempt?.key
    if (body !== undefined) this.view.bodyOf.set(ownerOf(this.state, owner), body)
    const by = body ?? "its scope"
    const host = attempt?.scope === scope ? attempt.host : undefined
    if (host !== undefined) this.hostedBy(host).add(owner)
    const entry: ScopeOwner = { owner, close: () => this.close(owner, by, host) }
    this.entries.set(scope, entry)
    return entry
  }

  private hostedBy(host: Host): Set<number> {
    const owners = this.byHost.get(host) ?? new Set()
    this.byHost.set(host, owners)
    return owners
  }

  private close(owner: number, by: string, host: Host | undefined): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (host !== undefined) this.byHost.get(host)?.delete(owner)
      // Read before they are released, and reported after all has stopped.
      const unseen = looked(() => this.view.unseenOf(owner), [])
      return Effect.ensuring(this.owners.close(owner, by), warnUnseen(unseen))
    })
  }
}

/** How many causes a warning contains. */
const told = { causes: 3 } as const

/** Warns of failures that were not observed. */
export const warnUnseen = (unseen: ReadonlyArray<Unseen>): Effect.Effect<void> => {
  if (unseen.length === 0) return Effect.void
  const first = unseen.slice(0, told.causes).flatMap(({ cause: { reasons } }) => reasons)
  const keys = cutList(unseen, ({ key }) => quote(key))
  const line = unseen.length === 1
    ? `Task ${keys} failed, and nobody joined it`
    : `${unseen.length} tasks failed, and nobody joined them: ${keys}` +
      (unseen.length > told.causes ? `. The first ${told.causes}:` : "")
  return warning(line, Cause.fromReasons(first))
}

/** Makes `finalizer` the one that an open scope runs first, whether the scope had it already or not, in constant time. */
export const closeFirst = (scope: Scope.Scope, key: object, finalizer: () => Effect.Effect<void>): void => {
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
