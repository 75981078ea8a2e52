/**
 * Who wants what: owners open and close, and what they claim is kept, released and cancelled.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { ClaimId } from "../../engine/protocol/ids.ts"
import { cancelOf, claimOf } from "../../engine/views/claims.ts"
import { Released } from "../../SkeinError.ts"
import { attemptOf } from "../bodies/attempt.ts"
import { FutureImpl } from "../tasks/task.ts"
import type { SchedulerCore } from "./schedulerCore.ts"
import { ScopeOwners } from "./scopeOwners.ts"
import type { Origin } from "./waiters.ts"

/** What a cancel is told. */
export interface CancelRequest {
  readonly by: string | undefined
  readonly reason: string
  readonly wait: boolean
  readonly force: boolean
}

export class Owners {
  /** Each close of an owner that is not over; one may be closed several times at once. */
  private readonly closing = new Set<{ readonly owner: number }>()
  private readonly core: SchedulerCore
  private readonly scopes: ScopeOwners
  private next = 1

  constructor(core: SchedulerCore) {
    this.core = core
    this.scopes = new ScopeOwners(core)
  }

  /** The owner that stands for a scope, or `undefined` if that has closed. See {@link ScopeOwners.ownerOf}. */
  ownerOf(scope: Scope.Scope, fiber: Fiber.Fiber<unknown, unknown>): number | undefined {
    return this.scopes.ownerOf(scope, fiber)
  }

  /** The owner that stands for a scope, if there is one by now. */
  find(scope: Scope.Scope): number | undefined {
    return this.scopes.find(scope)
  }

  /** Those that are being closed. */
  *closingOwners(): Iterable<number> {
    for (const { owner } of this.closing) yield owner
  }

  open(name: string): number {
    const owner = this.next++
    this.core.ask({ _tag: "OwnerOpened", now: this.core.now(), owner, name })
    return owner
  }

  /** Ends everything that only this owner wanted; returns when none of it is running any more. */
  close(owner: number, by: string, abandoned?: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      const entry = { owner }
      const closed = this.core.waits.begin((wait, origin) => {
        this.closing.add(entry)
        this.core.ask({ _tag: "OwnerClosed", owner, by, reason: "its owner closed", wait, ...origin })
        if (abandoned !== undefined) this.core.ask({ _tag: "WaitAbandoned", now: origin.now, wait: abandoned })
      })
      // Starved if all that is left waits for this very body, which goes on so that it can end.
      const over = Effect.ensuring(Effect.ignore(closed), Effect.sync(() => this.closing.delete(entry)))
      return Effect.andThen(over, Effect.suspend(() => this.core.waits.comeBack(true)))
    })
  }

  /** Ends what only this owner wanted; the number is that of a wait for it. */
  closeAlone(owner: number, by: string, wait: number, reason = "its owner closed"): void {
    this.core.ask({ _tag: "OwnerClosed", now: this.core.now(), owner, by, reason, wait, waiter: -1, attempt: 0 })
  }

  /** The same where nobody waits but the close of the layer, should that come meanwhile. */
  dismiss(owner: number, by: string, reason?: string): void {
    const entry = { owner }
    this.closing.add(entry)
    this.core.waits.notify(
      (wait) => this.closeAlone(owner, by, wait, reason),
      () => this.closing.delete(entry)
    )
  }

  /** Withdraws the wish of the future's owner, or with `force` everybody's. */
  cancel(
    { claim, index, submission }: FutureImpl,
    { by, force, reason, wait }: CancelRequest
  ): Effect.Effect<void> {
    return Effect.withFiber((fiber) => {
      const asker = attemptOf(this.core, fiber)
      const name = by ?? asker?.key ?? "program"
      const ask = (number: number, origin: Origin): void => {
        const meant = cancelOf(claim, { submission, index })
        this.core.ask({ _tag: "CancelRequested", ...meant, by: name, reason, force, wait: number, ...origin })
      }
      const isStopping = () => asker !== undefined && this.core.isStopping(asker.task, asker.serial)
      if (wait) {
        const stopped = this.core.waits.begin(ask)
        // The engine ends the wait of a body that is itself asked to stop. What cannot be interrupted asks again.
        const again = Effect.suspend(() => isStopping() ? stopped : Effect.void)
        // Starved if what was cancelled waits for this very body.
        const over = Effect.ignore(isStopping() ? stopped : Effect.andThen(stopped, again))
        return this.core.waits.counted(() => over)
      }
      this.core.waits.unattended((number) => ask(number, { now: this.core.now(), waiter: -1, attempt: 0 }))
      return Effect.void
    })
  }

  /** The future's owner needs it no longer. */
  release({ claim }: FutureImpl): Effect.Effect<void> {
    return Effect.withFiber((fiber) => {
      if (claim.state === "live") this.core.view.releasedBy.set(claim, attemptOf(this.core, fiber)?.key ?? "program")
      this.core.ask({ _tag: "ClaimReleased", now: this.core.now(), claim: claim.id })
      return Effect.void
    })
  }

  /** A future on the same task that belongs to `scope`. */
  keep(future: FutureImpl, scope: Scope.Scope): Effect.Effect<FutureImpl, Released> {
    return Effect.withFiber((fiber) => {
      const owner = this.ownerOf(scope, fiber)
      if (owner !== undefined) {
        const answer = this.core.ask({ _tag: "ClaimShared", now: this.core.now(), claim: future.claim.id, owner })
        if (answer._tag === "Submitted") return Effect.succeed(futureOf(this.core, answer.claims[0]!))
      }
      return Effect.fail(new Released({ key: future.key, ...this.core.view.releaseOf(future.claim) }))
    })
  }
}

/** A future that stands for a claim on a live task. */
export const futureOf = (core: SchedulerCore, id: ClaimId): FutureImpl => {
  const claim = claimOf(core.state, id)
  const { index, submission } = core.placeOf(claim.task)
  return new FutureImpl(core, claim, submission, index)
}
