/**
 * Submissions: graphs are compiled and submitted for an owner, from the fiber and the region of the caller.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { constVoid } from "effect/Function"
import type * as Scope from "effect/Scope"
import type { GraphSubmitted, Succession } from "../../engine/protocol/Event.ts"
import type { Rejected } from "../../engine/protocol/Instruction.ts"
import type { InPieces } from "../../engine/structures/pieces.ts"
import { SubmitError } from "../../SkeinError.ts"
import { ambientIn } from "../bodies/ambient.ts"
import { attemptOf } from "../bodies/attempt.ts"
import type { Attempt } from "../bodies/attempt.ts"
import type { Given, Home } from "../bodies/home.ts"
import type { Ambient, Compiled } from "../bodies/livePlan.ts"
import { compileWithin, isWalking } from "../plans/compile.ts"
import type { Live, Settle, Walking } from "../plans/compile.ts"
import { recompile } from "../plans/rerun.ts"
import type { Past } from "../plans/rerun.ts"
import type { AsyncScope } from "../platform/asyncScope.ts"
import type { Time } from "../platform/time.ts"
import { turn } from "../settings/turn.ts"
import type { Pieces } from "../settings/turn.ts"
import { closed } from "../tasks/closed.ts"
import { isRefused, refuse } from "../tasks/mistake.ts"
import type { Refused } from "../tasks/mistake.ts"
import { takeAdvice } from "../tasks/plainData.ts"
import type { FutureImpl, Handle } from "../tasks/task.ts"
import { NotRetriable, refusalReason } from "../text/reasons.ts"
import { releaseText } from "../text/reasonText.ts"
import type { View } from "../views/view.ts"
import type { Life } from "./life.ts"
import type { Mailbox } from "./mailbox.ts"
import type { Observers } from "./observers.ts"
import type { Answer } from "./outbox.ts"
import type { Owners } from "./ownership.ts"
import { scopeName } from "./scopeOwners.ts"
import type { ScopeOwner } from "./scopeOwners.ts"
import type { Waits } from "./waiters.ts"

/** Why the engine did not accept a plan, as users see it. */
export const refused = ({ reason }: Rejected): SubmitError => new SubmitError({ reason: refusalReason(reason) })

/** What a submission asks for beside its tasks. */
type Asked = Partial<Pick<GraphSubmitted, "opens" | "wait" | "wishes" | "keepsSlot" | "standing">>

const nothingAsked: Asked = {}

/** The plan that the turns of a submission have registered. */
interface Registered {
  compiled: Compiled | undefined
}

/** The owner of a scope opens with its first submission. */
const opening: Asked = { opens: scopeName }

export class Submissions {
  private readonly home: Home
  private readonly mailbox: Mailbox
  private readonly life: Life
  private readonly waits: Waits
  private readonly owners: Owners
  private readonly observers: Observers
  private readonly view: View
  private readonly live: Live & Past
  private readonly time: Time
  private readonly pieces: Pieces
  /** The number of the next announced plan. */
  private announced = 1
  private readonly warn: (...line: ReadonlyArray<unknown>) => void

  constructor(
    home: Home,
    mailbox: Mailbox,
    life: Life,
    waits: Waits,
    owners: Owners,
    observers: Observers,
    view: View,
    live: Live & Past,
    time: Time,
    pieces: Pieces,
    warn: (...line: ReadonlyArray<unknown>) => void
  ) {
    this.home = home
    this.mailbox = mailbox
    this.life = life
    this.waits = waits
    this.owners = owners
    this.observers = observers
    this.view = view
    this.live = live
    this.time = time
    this.pieces = pieces
    this.warn = warn
  }

  /** Submits for the owner of `scope`, and returns a future for each target. */
  submit(
    handles: ReadonlyArray<Handle>,
    scope: Scope.Scope,
    fiber: Fiber.Fiber<unknown, unknown>,
    given: Given
  ): Effect.Effect<ReadonlyArray<FutureImpl>, SubmitError> {
    const refusal = this.life.refusal(fiber)
    if (refusal !== undefined) return Effect.fail(refusal)
    return this.submitWalked(this.compile(handles, fiber, given), scope, fiber)
  }

  private submitWalked(
    compiled: Compiled | Refused | Walking,
    scope: Scope.Scope,
    fiber: Fiber.Fiber<unknown, unknown>
  ): Effect.Effect<ReadonlyArray<FutureImpl>, SubmitError> {
    return isWalking(compiled)
      ? this.inTurns(
        compiled,
        fiber,
        (settle) => this.submitWalked(settle(), scope, fiber),
        () => this.owners.openOf(scope, fiber)
      )
      : this.submitCompiled(compiled, scope, fiber)
  }

  /** The plan of few tasks; of many, a walk that is not over. */
  compile(
    handles: ReadonlyArray<Handle>,
    fiber: Fiber.Fiber<unknown, unknown>,
    given: Given,
    attempt?: Attempt
  ): Compiled | Refused | Walking {
    return compileWithin(handles, this.live, this.ambientIn(fiber, given, undefined, attempt), this.pieces.atOnce)
  }

  /**
   * Walks on and registers what was found, in turns, and then calls `submit`, which settles the walk and submits in one step: without
   * a yield, because live tasks may be gone after it, and an interruption may come in it. Claims of the owner, if one is named, are
   * registered too.
   */
  inTurns<A, E>(
    walk: Walking,
    fiber: Fiber.Fiber<unknown, unknown>,
    submit: (settle: Settle) => Effect.Effect<A, E>,
    ownerOf?: () => ScopeOwner | undefined
  ): Effect.Effect<A, E | SubmitError> {
    const registered: Registered = { compiled: undefined }
    const work: Iterator<void, Settle> = this.registerInPieces(walk, registered, ownerOf)
    const turns = Effect.suspend(() => {
      work.next()
      return Effect.andThen(Effect.yieldNow, this.goOn(work))
    })
    const submitted = Effect.flatMap(
      Effect.ensuring(turns, Effect.sync(() => work.return?.())),
      (settle): Effect.Effect<A, E | SubmitError> => {
        const refusal = this.life.refusal(fiber)
        return refusal === undefined ? submit(settle) : Effect.fail(refusal)
      }
    )
    return this.recallingAfter(submitted, registered)
  }

  /** Apart, because closures of one function share what they capture: the walk must not live as long as its tasks. */
  private recallingAfter<A, E>(effect: Effect.Effect<A, E>, registered: Registered): Effect.Effect<A, E> {
    return Effect.ensuring(effect, Effect.sync(() => this.recall(registered)))
  }

  /** An announced plan that was not submitted is dropped. */
  private recall({ compiled }: Registered): void {
    const announced = compiled?.announced
    if (announced === undefined) return
    this.mailbox.ask({ _tag: "GraphRecalled", now: this.time.now(), announced: announced.number })
  }

  private *registerInPieces(
    walk: Walking,
    registered: Registered,
    ownerOf: (() => ScopeOwner | undefined) | undefined
  ): InPieces<Settle> {
    const { steps } = this.pieces
    const settle = yield* walk.inPieces(steps)
    const { likely } = settle
    if (likely === undefined) return settle
    const { plan, targets } = likely
    const announced = this.announced++
    likely.announced = { number: announced, futures: undefined }
    registered.compiled = likely
    const entry = ownerOf?.()
    const owner = entry?.owner
    this.mailbox.ask({ _tag: "GraphAnnounced", now: this.time.now(), announced, plan, owner, targets })
    for (let left = plan.size + (owner === undefined ? 0 : targets.length); left > 0; left -= steps) {
      yield
      this.mailbox.ask({ _tag: "RowsFilled", now: this.time.now(), announced, rows: steps })
    }
    const futures = yield* this.owners.futuresInPieces(announced, targets, steps, entry)
    likely.announced = { number: announced, futures }
    return settle
  }

  /** Timers and I/O go first when the turn is over. */
  private goOn<A>(work: Iterator<void, A>): Effect.Effect<A> {
    return Effect.suspend(() => {
      const began = this.time.now()
      for (let left = this.pieces.perTurn; left > 0; left--) {
        const { done, value } = work.next()
        if (done === true) return Effect.succeed(value)
        if (this.time.now() - began >= turn.millis) break
      }
      return Effect.andThen(Effect.yieldNow, this.goOn(work))
    })
  }

  private submitCompiled(
    compiled: Compiled | Refused,
    scope: Scope.Scope,
    fiber: Fiber.Fiber<unknown, unknown>
  ): Effect.Effect<ReadonlyArray<FutureImpl>, SubmitError> {
    if (isRefused(compiled)) return refuse(compiled)
    const entry = this.owners.ofScope(scope, fiber)
    if (entry === undefined) return Effect.fail(closed("scope"))
    const { isOpen, owner } = entry
    // A listener that hears of these tasks may submit for the same scope, or close it.
    entry.isOpen = true
    const futures = compiled.announced?.futures
    const answer = this.submitPlan(compiled, owner, fiber, isOpen ? undefined : opening)
    if (answer._tag === "Rejected") {
      entry.isOpen = isOpen
      return Effect.fail(refused(answer))
    }
    // Its close stops what it has just submitted.
    if (scope.state._tag === "Closed") return Effect.fail(closed("scope"))
    if (!isOpen) this.owners.opened(entry)
    return Effect.succeed(futures ?? answer.claims.map((claim) => this.owners.futureOf(claim, entry)))
  }

  /** Runs the tasks of futures that ended without success again, and returns a future for each. */
  retry(
    futures: ReadonlyArray<FutureImpl>,
    scope: Scope.Scope,
    fiber: Fiber.Fiber<unknown, unknown>
  ): Effect.Effect<ReadonlyArray<FutureImpl>, SubmitError> {
    if (futures.length === 0) return Effect.succeed([])
    const refusal = this.life.refusal(fiber)
    if (refusal !== undefined) return Effect.fail(refusal)
    for (const future of futures) {
      const refused = this.refuseRetry(future)
      if (refused !== undefined) return Effect.fail(refused)
    }
    for (const { claim } of futures) this.view.see(claim)
    return this.submitCompiled(recompile(futures, this.live), scope, fiber)
  }

  /** Why a future's task cannot be run again, if it cannot. */
  refuseRetry(future: FutureImpl): SubmitError | undefined {
    const { claim, home, key } = future
    const status = home.view.statusOf(claim)
    const why = home !== this.home
      ? "it belongs to another scheduler; retry it there"
      : claim.state === "released"
      ? `its result ${releaseText(this.view.releaseOf(future))}; submit its task again`
      : status === "succeeded"
      ? "it succeeded; join its future"
      : home.view.hasEnded(claim)
      ? undefined
      : `it is ${status}; wait for its end, or cancel it first`
    return why === undefined ? undefined : new SubmitError({ reason: new NotRetriable({ key, status, why }) })
  }

  /** Submits one task for an owner of its own in this group, and returns both. */
  submitAlone(
    compiled: Compiled | Refused,
    group: string,
    fiber: Fiber.Fiber<unknown, unknown>
  ): { readonly owner: number; readonly future: FutureImpl } | Refused {
    if (isRefused(compiled)) return compiled
    const name = `group ${group}`
    const owner = this.owners.open(name, undefined, group)
    const answer = this.submitPlan(compiled, owner, fiber)
    if (answer._tag === "Submitted") return { owner, future: this.owners.futureOf(answer.claims[0]!) }
    this.owners.dismiss(owner, name)
    return refused(answer)
  }

  /** Submits a plan to the engine, for an owner. */
  submitPlan(
    compiled: Compiled,
    owner: number,
    fiber: Fiber.Fiber<unknown, unknown>,
    { keepsSlot, opens, standing, wait, wishes }: Asked = nothingAsked,
    by = attemptOf(this.home, fiber)
  ): Answer {
    const { attempt, now, waiter: parent } = this.waits.originIn(by)
    const { announced, plan, successions, targets } = compiled
    const answer = this.mailbox.ask({
      _tag: "GraphSubmitted",
      now,
      plan,
      owner,
      targets,
      parent,
      attempt,
      opens,
      wait,
      wishes,
      keepsSlot,
      standing,
      successions,
      announced: announced?.number
    })
    if (announced !== undefined) compiled.announced = undefined
    if (successions !== undefined && answer._tag === "Submitted") this.cancelFormers(successions, answer.ids, owner, by)
    return answer
  }

  /** Cancels live tasks that are replaced. Those that replace them wait for their ends already. */
  private cancelFormers(
    successions: ReadonlyArray<Succession>,
    ids: Int32Array,
    owner: number,
    attempt: Attempt | undefined
  ): void {
    const requests = successions.flatMap(({ formers, index }) => {
      const { submission } = this.live.placeOf(ids[index]!)
      const replacement = { key: submission.plan.settings.get(index)!.key!, graph: submission.number }
      return formers.map((former) => ({ replacement, place: this.live.placeOf(former) }))
    })
    const by = attempt?.key ?? "program"
    for (const { place: { index, submission }, replacement } of requests) {
      const serial = submission.sequence + index
      this.waits.notify((wait) => {
        const { now } = this.waits.originIn(attempt)
        const asked = { by, reason: "another run has taken its place", replacement, force: true } as const
        const of = { claim: -1, owner, serial, cancelled: undefined, wait, waiter: -1, attempt: 0 } as const
        this.mailbox.ask({ _tag: "CancelRequested", now, ...asked, ...of })
      }, constVoid)
    }
  }

  /** Warns of what was seen while the tasks of a submission were made. */
  passAdviceOn(): void {
    const advice = takeAdvice()
    if (advice !== undefined) this.warn(advice)
  }

  /** The ambient of a submission from this fiber, in its async context unless another one is given. */
  ambientIn(
    fiber: Fiber.Fiber<unknown, unknown>,
    { cache, conflict, passes }: Given,
    asyncScope?: AsyncScope,
    attempt = attemptOf(this.home, fiber)
  ): Ambient {
    this.passAdviceOn()
    const kept = cache === undefined ? undefined : this.observers.cache(cache)
    return ambientIn(fiber.context, attempt, kept, passes, conflict, asyncScope)
  }
}
