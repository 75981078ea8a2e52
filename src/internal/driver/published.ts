/**
 * Futures under names, for those who do not have them. A name belongs to the scope in which it was published.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { SkeinError } from "../../SkeinError.ts"
import type { FutureImpl } from "../tasks/task.ts"
import type { Owners } from "./ownership.ts"

export class Published {
  private readonly owners: Owners
  private readonly byName = new Map<string, FutureImpl>()

  constructor(owners: Owners) {
    this.owners = owners
  }

  /** Publishes a future until the scope closes, and returns whether the name was free. */
  publish(future: FutureImpl, name: string, scope: Scope.Scope): Effect.Effect<boolean, SkeinError> {
    return Effect.suspend(() => {
      if (this.byName.has(name)) return Effect.succeed(false)
      return Effect.flatMap(this.owners.keep(future, scope), (own) => {
        this.byName.set(name, own)
        const end = Effect.sync(() => {
          if (this.byName.get(name) === own) this.byName.delete(name)
        })
        return Effect.as(Scope.addFinalizer(scope, end), true)
      })
    })
  }

  /** The future with a name, for an owner of its own. One that is being released has no name any more. */
  pick(name: string, scope: Scope.Scope): Effect.Effect<Option.Option<FutureImpl>> {
    return Effect.suspend(() => {
      const future = this.byName.get(name)
      return future === undefined ? Effect.succeedNone : Effect.option(this.owners.keep(future, scope))
    })
  }

  /** Frees a name, gives the claim of its owner back, and returns whether something had it. */
  withdraw(name: string): Effect.Effect<boolean> {
    return Effect.suspend(() => {
      const future = this.byName.get(name)
      if (future === undefined) return Effect.succeed(false)
      this.byName.delete(name)
      return Effect.as(this.owners.release([future]), true)
    })
  }
}
