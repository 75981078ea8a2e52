/**
 * Futures under names, for those who do not have them. A name belongs to the scope in which it was published.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { SkeinError } from "../../SkeinError.ts"
import type { FutureImpl } from "../tasks/task.ts"
import type { Owners } from "./ownership.ts"
import { closeFirst } from "./scopeOwners.ts"

interface Entry {
  readonly future: FutureImpl
  /** All names of the scope to which this one belongs. */
  readonly names: Set<string>
}

export class Published {
  private readonly owners: Owners
  private readonly byName = new Map<string, Entry>()
  /** The names that the one finalizer of a scope ends. */
  private readonly byScope = new WeakMap<Scope.Scope, Set<string>>()

  constructor(owners: Owners) {
    this.owners = owners
  }

  /**
   * Publishes a future until the scope closes, and returns whether the name was free. One step: nothing comes between the look at
   * the name, the claim and the finalizer.
   */
  publish(future: FutureImpl, name: string, scope: Scope.Scope): Effect.Effect<boolean, SkeinError> {
    return Effect.withFiber((fiber) => {
      if (this.byName.has(name)) return Effect.succeed(false)
      const own = this.owners.keepNow(future, scope, fiber)
      if (own instanceof SkeinError) return Effect.fail(own)
      const names = this.byScope.get(scope) ?? new Set()
      this.byScope.set(scope, names.add(name))
      this.byName.set(name, { future: own, names })
      closeFirst(scope, names, () => this.end(names))
      return Effect.succeed(true)
    })
  }

  /** The future with a name, for an owner of its own. A future that was released is not found. */
  pick(name: string, scope: Scope.Scope): Effect.Effect<Option.Option<FutureImpl>> {
    return Effect.suspend(() => {
      const entry = this.byName.get(name)
      return entry === undefined ? Effect.succeedNone : Effect.option(this.owners.keep(entry.future, scope))
    })
  }

  /** Frees a name, gives the claim of its owner back, and returns whether something had it. */
  withdraw(name: string): Effect.Effect<boolean> {
    return Effect.uninterruptible(Effect.suspend(() => {
      const entry = this.byName.get(name)
      if (entry === undefined) return Effect.succeed(false)
      this.byName.delete(name)
      entry.names.delete(name)
      return Effect.as(this.owners.release([entry.future]), true)
    }))
  }

  private end(names: Set<string>): Effect.Effect<void> {
    return Effect.sync(() => {
      for (const name of names) this.byName.delete(name)
      names.clear()
    })
  }
}
