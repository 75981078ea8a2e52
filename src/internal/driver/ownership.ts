/**
 * Owners: they open and close, and their claims are kept, released and cancelled.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { Engine } from "../../engine/protocol/Engine.ts"
import type { TagLimit } from "../../engine/protocol/Event.ts"
import type { ClaimId } from "../../engine/protocol/ids.ts"
import type { Reference } from "../../engine/protocol/Plan.ts"
import { pieces } from "../../engine/structures/pieces.ts"
import type { InPieces } from "../../engine/structures/pieces.ts"
import { cancelOf, claimOf, registering } from "../../engine/views/claims.ts"
import { isAnyStopping } from "../../engine/views/tasks.ts"
import { Released, SkeinError } from "../../SkeinError.ts"
import { attemptOf } from "../bodies/attempt.ts"
import type { Host } from "../bodies/attempt.ts"
import type { Home, Seat } from "../bodies/home.ts"
import type { Time } from "../platform/time.ts"
import { FutureImpl } from "../tasks/task.ts"
import type { CancelRequest } from "../tasks/task.ts"
import type { View } from "../views/view.ts"
import type { Attempts } from "./attempts.ts"
import type { Mailbox } from "./mailbox.ts"
import { ScopeOwners } from "./scopeOwners.ts"
import type { ScopeOwner } from "./scopeOwners.ts"
import type { Origin, Waits } from "./waiters.ts"

export class Owners {
  /** Each close of an owner that is not over; one may be closed several times at once. */
  private readonly closing = new Set<{ readonly owner: number }>()
  private readonly home: Home
  private readonly mailbox: Mailbox
  private readonly waits: Waits
  private readonly view: View
  private readonly attempts: Attempts
  private readonly state: Engine
  private readonly time: Time
  private readonly scopes: ScopeOwners
  private next = 1

  constructor(
    home: Home,
    mailbox: Mailbox,
    waits: Waits,
    view: View,
    attempts: Attempts,
    state: Engine,
    time: Time
  ) {
    this.home = home
    this.mailbox = mailbox
    this.waits = waits
    this.view = view
    this.attempts = attempts
    this.state = state
    this.time = time
    this.scopes = new ScopeOwners(home, this, view)
  }

  /** The owner that stands for a scope, which its first submission opens, or `undefined` if the scope has closed. */
  ofScope(scope: Scope.Scope, fiber: Fiber.Fiber<unknown, unknown>): ScopeOwner | undefined {
    return this.scopes.of(scope, fiber)
  }

  /** The owner that stands for a scope, which is open from now on; `undefined` if the scope has closed. */
  openOf(scope: Scope.Scope, fiber: Fiber.Fiber<unknown, unknown>): ScopeOwner | undefined {
    return this.scopes.openOf(scope, fiber)
  }

  /** A submission has opened the owner that stands for a scope. */
  opened(entry: ScopeOwner): void {
    this.scopes.opened(entry)
  }

  /** Closes the scope of an attempt, and returns what is still to do for that, if anything. */
  closeScope(
    scope: Scope.Closeable,
    exit: Exit.Exit<unknown, unknown>,
    seat: Seat
  ): Effect.Effect<void> | undefined {
    return this.scopes.closeScope(scope, exit, seat)
  }

  /** The open owners that stand for scopes of attempts on a worker. */
  ofHost(host: Host): ReadonlyArray<number> {
    return this.scopes.ofHost(host)
  }

  /** The owners that are being closed. */
  *closingOwners(): Iterable<number> {
    for (const { owner } of this.closing) yield owner
  }

  /** Opens an owner, with a tag that is limited until it closes, if any. */
  open(name: string, limits?: TagLimit, group?: string, stream?: string): number {
    const owner = this.number()
    this.openAs(owner, name, limits, group, stream)
    return owner
  }

  openAs(owner: number, name: string, limits?: TagLimit, group?: string, stream?: string): void {
    this.mailbox.ask({ _tag: "OwnerOpened", now: this.time.now(), owner, name, limits, group, stream })
  }

  /** Ends everything that only this owner wanted. Returns when none of it is running. */
  close(owner: number, by: string, abandoned?: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      const entry = { owner }
      const closed = this.waits.begin((wait, origin) => {
        this.mailbox.ask({ _tag: "OwnerClosed", owner, by, reason: "its owner closed", wait, ...origin })
        if (abandoned !== undefined) this.mailbox.ask({ _tag: "WaitAbandoned", now: origin.now, wait: abandoned })
      })
      return this.closed(entry, closed)
    })
  }

  /** A number for an owner that a submission opens. */
  number(): number {
    return this.next++
  }

  /** Ends everything that only this owner wanted, and returns what waits for it, in code that nothing interrupts. */
  closeNow(owner: number, by: string, seat: Seat | undefined): Effect.Effect<void> | undefined {
    // A body that was asked to stop counts its waits.
    if (isAnyStopping(this.state)) return this.close(owner, by)
    const closed = this.waits.beginNow(
      seat,
      (wait, origin) => ({ _tag: "OwnerClosed", owner, by, reason: "its owner closed", wait, ...origin })
    )
    return closed && this.closed({ owner }, closed)
  }

  private closed(entry: { readonly owner: number }, closed: Effect.Effect<void, SkeinError>): Effect.Effect<void> {
    this.closing.add(entry)
    // Starved if all the rest waits for this very body, which goes on so that it can end.
    const over = Effect.ensuring(Effect.ignore(closed), Effect.sync(() => this.closing.delete(entry)))
    return Effect.andThen(over, Effect.suspend(() => this.waits.comeBack(true)))
  }

  /** Ends everything that only this owner wanted, with a wait of this number. */
  closeAlone(owner: number, by: string, wait: number, reason = "its owner closed"): void {
    this.mailbox.ask({ _tag: "OwnerClosed", now: this.time.now(), owner, by, reason, wait, waiter: -1, attempt: 0 })
  }

  /** The same without a waiter, except a close of the layer that comes meanwhile. */
  dismiss(owner: number, by: string, reason?: string): void {
    const entry = { owner }
    this.closing.add(entry)
    this.waits.notify(
      (wait) => this.closeAlone(owner, by, wait, reason),
      () => this.closing.delete(entry)
    )
  }

  /** Withdraws the interest of the future's owner, or with `force` of all owners. */
  cancel(
    { claim, index, submission }: FutureImpl,
    { alone, by, force, reason, wait }: CancelRequest
  ): Effect.Effect<void> {
    return Effect.withFiber((fiber) => {
      const asker = attemptOf(this.home, fiber)
      const name = by ?? asker?.key ?? "program"
      const ask = (number: number, origin: Origin): void => {
        const meant = cancelOf(claim, { submission, index })
        const asked = { by: name, reason, force, ...(alone === true && { alone }) }
        this.mailbox.ask({ _tag: "CancelRequested", ...meant, ...asked, wait: number, ...origin })
      }
      const isStopping = () => asker !== undefined && this.attempts.isStopping(asker.task, asker.serial)
      if (wait) {
        const stopped = this.waits.begin(ask)
        // The engine ends the wait of a body that is itself asked to stop. Uninterruptible code asks again.
        const again = Effect.suspend(() => isStopping() ? stopped : Effect.void)
        // Starved if what was cancelled waits for this very body.
        const over = Effect.ignore(isStopping() ? stopped : Effect.andThen(stopped, again))
        return this.waits.counted(() => over)
      }
      this.waits.unattended((number) => ask(number, { now: this.time.now(), waiter: -1, attempt: 0 }))
      return Effect.void
    })
  }

  /** Releases futures of their owners. */
  release(futures: ReadonlyArray<FutureImpl>): Effect.Effect<void> {
    return Effect.withFiber((fiber) => {
      const by = attemptOf(this.home, fiber)?.key ?? "program"
      for (const { claim } of futures) if (claim.state === "live") this.view.releasedBy.set(claim, by)
      for (const own of Map.groupBy(futures, ({ claim }) => claim.owner).values()) {
        const claims = own.map(({ claim }) => claim.id)
        this.mailbox.ask({ _tag: "ClaimsReleased", now: this.time.now(), claims })
      }
      return Effect.void
    })
  }

  /** A future on the same task that belongs to `scope`. */
  keep(future: FutureImpl, scope: Scope.Scope): Effect.Effect<FutureImpl, SkeinError> {
    return Effect.withFiber((fiber) => {
      const own = this.keepNow(future, scope, fiber)
      return own instanceof SkeinError ? Effect.fail(own) : Effect.succeed(own)
    })
  }

  /** {@link keep} in one step: the future, or the reason why there is none. */
  keepNow(future: FutureImpl, scope: Scope.Scope, fiber: Fiber.Fiber<unknown, unknown>): FutureImpl | SkeinError {
    const entry = this.scopes.openOf(scope, fiber)
    if (entry !== undefined) {
      const { owner } = entry
      const answer = this.mailbox.ask({ _tag: "ClaimShared", now: this.time.now(), claim: future.claim.id, owner })
      if (answer._tag === "Submitted") return this.futureOf(answer.claims[0]!, entry)
    }
    return new SkeinError({ reason: new Released({ key: future.key, ...this.view.releaseOf(future) }) })
  }

  /** The futures for the targets of an announced plan, in pieces of so many; `undefined` if they are not claimed yet. */
  *futuresInPieces(
    announced: number,
    targets: ReadonlyArray<Reference>,
    steps: number,
    within: ScopeOwner | undefined
  ): InPieces<ReadonlyArray<FutureImpl> | undefined> {
    const { claims, submission } = registering(this.state, announced) ?? {}
    if (claims === undefined || submission === undefined) return undefined
    const futures: Array<FutureImpl> = []
    yield* pieces(targets.length, steps, (from, to) => {
      for (let i = from; i < to; i++) {
        futures.push(new FutureImpl(this.home, claims[i]!, submission, targets[i]!, within))
      }
    })
    return futures
  }

  /** A future that stands for a claim on a live task, of the owner that stands for a scope if one does. */
  futureOf(id: ClaimId, within?: ScopeOwner): FutureImpl {
    const claim = claimOf(this.state, id)
    const { attempts } = this
    return new FutureImpl(
      this.home,
      claim,
      attempts.submissionOf(claim.task),
      attempts.indexOf(claim.task),
      within
    )
  }
}
