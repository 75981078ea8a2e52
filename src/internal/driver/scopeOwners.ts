/**
 * The owners that stand for scopes: one a scope, closed by a finalizer of that scope.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { attemptOf } from "../bodies/attempt.ts"
import type { Host } from "../bodies/attempt.ts"
import type { Home, Seat } from "../bodies/home.ts"
import { cutList, quote } from "../text/text.ts"
import { warning } from "../text/warnings.ts"
import { looked } from "../values/looks.ts"
import type { Unseen, View } from "../views/view.ts"

/** Opens and closes owners. */
interface Opening {
  readonly number: () => number
  readonly openAs: (owner: number, name: string) => void
  readonly close: (owner: number, by: string) => Effect.Effect<void>
  readonly closeNow: (owner: number, by: string, seat: Seat | undefined) => Effect.Effect<void> | undefined
}

/** The name of owners that stand for scopes. */
export const scopeName = "scope"

/** The owner that stands for a scope, and what closes it. It is the key of the finalizer that closes it. */
export class ScopeOwner {
  readonly owner: number
  /** The key of the task in whose body the scope is. */
  readonly body: string | undefined
  /** The worker of the attempt whose scope it is. */
  readonly host: Host | undefined
  /** It opens with its first submission. */
  isOpen = false
  private readonly owners: ScopeOwners

  constructor(owners: ScopeOwners, owner: number, body: string | undefined, host: Host | undefined) {
    this.owners = owners
    this.owner = owner
    this.body = body
    this.host = host
  }

  /** Whether it belongs to the scheduler with these owners. */
  isOf(owners: ScopeOwners): boolean {
    return this.owners === owners
  }

  readonly close = (): Effect.Effect<void> => this.owners.close(this)
}

export class ScopeOwners {
  /** The owners of scopes with other finalizers beside them. A scope without others holds its owner itself. */
  private readonly entries = new WeakMap<Scope.Scope, ScopeOwner>()
  /** The open owners that stand for scopes of attempts. */
  private readonly hosted = new Map<number, ScopeOwner>()
  private readonly home: Home
  private readonly owners: Opening
  private readonly view: View

  constructor(home: Home, owners: Opening, view: View) {
    this.home = home
    this.owners = owners
    this.view = view
  }

  /**
   * The owner that stands for a scope, or `undefined` if that has closed. It closes before any resource that was acquired
   * before its last submission.
   */
  of(scope: Scope.Scope, fiber: Fiber.Fiber<unknown, unknown>): ScopeOwner | undefined {
    if (scope.state._tag === "Closed") return undefined
    const entry = this.known(scope) ?? this.make(scope, fiber)
    closeFirst(scope, entry, entry.close)
    return entry
  }

  private known(scope: Scope.Scope): ScopeOwner | undefined {
    const { state } = scope
    if (state._tag !== "Open") return undefined
    if (state.finalizers === undefined) return this.ownIn([state.finalizerKey])
    const known = this.entries.get(scope) ?? this.ownIn(state.finalizers.keys())
    if (known !== undefined) this.entries.set(scope, known)
    return known
  }

  /** The owner among the keys of a scope's finalizers. */
  private ownIn(keys: Iterable<unknown>): ScopeOwner | undefined {
    for (const key of keys) if (key instanceof ScopeOwner && key.isOf(this)) return key
    return undefined
  }

  /** The owner that stands for a scope, after opening it; `undefined` if the scope has closed. */
  openOf(scope: Scope.Scope, fiber: Fiber.Fiber<unknown, unknown>): ScopeOwner | undefined {
    const entry = this.of(scope, fiber)
    if (entry === undefined) return undefined
    if (!entry.isOpen) {
      this.owners.openAs(entry.owner, scopeName)
      this.opened(entry)
    }
    return entry
  }

  /** An owner has opened. */
  opened(entry: ScopeOwner): void {
    const { host, owner } = entry
    entry.isOpen = true
    if (host !== undefined) this.hosted.set(owner, entry)
  }

  /**
   * Closes the scope of an attempt, and returns what is still to do for that, if anything. Where tasks were submitted, and nothing
   * else was acquired, mostly nothing is.
   */
  closeScope(
    scope: Scope.Closeable,
    exit: Exit.Exit<unknown, unknown>,
    seat: Seat
  ): Effect.Effect<void> | undefined {
    const entry = scope.state._tag === "Open" ? scope.state.finalizerKey : undefined
    if (!(entry instanceof ScopeOwner) || !entry.isOf(this)) return Scope.close(scope, exit)
    // The rest of this method does what the finalizer would do.
    Scope.closeUnsafe(scope, exit)
    if (!entry.isOpen) return undefined
    const unseen = this.leave(entry)
    const closing = this.owners.closeNow(entry.owner, closerOf(entry), seat)
    return unseen.length === 0 ? closing : Effect.ensuring(closing ?? Effect.void, warnUnseen(unseen))
  }

  /** The open owners that stand for scopes of attempts on a worker. The scope of a resource is open as long as its result is held. */
  ofHost(host: Host): ReadonlyArray<number> {
    return Array.from(this.hosted.values()).filter((entry) => entry.host === host).map(({ owner }) => owner)
  }

  private make(scope: Scope.Scope, fiber: Fiber.Fiber<unknown, unknown>): ScopeOwner {
    const attempt = attemptOf(this.home, fiber)
    const host = attempt?.scope === scope ? attempt.host : undefined
    return new ScopeOwner(this, this.owners.number(), attempt?.key, host)
  }

  /** Closes an owner when its scope closes. */
  close(entry: ScopeOwner): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (!entry.isOpen) return Effect.void
      const unseen = this.leave(entry)
      return Effect.ensuring(this.owners.close(entry.owner, closerOf(entry)), warnUnseen(unseen))
    })
  }

  /** An owner closes: its failures are read before they are released, and reported after all has stopped. */
  private leave({ host, owner }: ScopeOwner): ReadonlyArray<Unseen> {
    if (host !== undefined) this.hosted.delete(owner)
    return looked(() => this.view.unseenOf(owner), [])
  }
}

const closerOf = ({ body }: ScopeOwner): string => body ?? "its scope"

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
