/**
 * How graphs come to the engine: compiled and submitted for an owner, from the fiber and the region of whoever asks.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { Wishes } from "../../engine/protocol/Event.ts"
import type { Rejected } from "../../engine/protocol/Instruction.ts"
import { GraphError } from "../../SkeinError.ts"
import { attemptOf } from "../bodies/attempt.ts"
import type { Compiled, ResultCache, Run } from "../bodies/livePlan.ts"
import { runIn } from "../bodies/runs.ts"
import { compile } from "../plans/compile.ts"
import { recompile } from "../plans/rerun.ts"
import type { FutureImpl, Handle, Pass } from "../tasks/task.ts"
import { closed } from "../text/closed.ts"
import { releaseText } from "../text/reasonText.ts"
import type { Answer } from "./outbox.ts"
import { futureOf } from "./ownership.ts"
import type { SchedulerCore } from "./schedulerCore.ts"

/** What a submission is given beside its tasks. */
export interface Given {
  readonly cache?: ResultCache | undefined
  readonly passes?: ReadonlyArray<Pass> | undefined
}

const nothingGiven: Given = {}

/** Why the engine did not accept a plan, as users see it. */
export const refused = ({ reason }: Rejected): GraphError =>
  reason._tag === "Gone" ? closed("scope") : new GraphError({ reason })

export class Submissions {
  private readonly core: SchedulerCore

  constructor(core: SchedulerCore) {
    this.core = core
  }

  /** Submits for the owner that stands for `scope`, and gives a future for each target. */
  submit(
    handles: ReadonlyArray<Handle>,
    scope: Scope.Scope,
    fiber: Fiber.Fiber<unknown, unknown>,
    given: Given
  ): Effect.Effect<ReadonlyArray<FutureImpl>, GraphError> {
    const refusal = this.core.life.refusal(fiber)
    if (refusal !== undefined) return Effect.fail(refusal)
    // In one go: what is live may be gone after any pause, and an interruption may come in it.
    return this.submitCompiled(compile(handles, this.core, this.runIn(fiber, given)), scope, fiber)
  }

  private submitCompiled(
    compiled: Compiled | GraphError,
    scope: Scope.Scope,
    fiber: Fiber.Fiber<unknown, unknown>
  ): Effect.Effect<ReadonlyArray<FutureImpl>, GraphError> {
    if (compiled instanceof GraphError) return Effect.fail(compiled)
    const owner = this.core.owners.ownerOf(scope, fiber)
    if (owner === undefined) return Effect.fail(closed("scope"))
    const answer = this.submitPlan(compiled, owner, fiber)
    if (answer._tag === "Rejected") return Effect.fail(refused(answer))
    return Effect.succeed(answer.claims.map((claim) => futureOf(this.core, claim)))
  }

  /** Runs again what futures that ended without success stand for, and gives a future for each. */
  retry(
    futures: ReadonlyArray<FutureImpl>,
    scope: Scope.Scope,
    fiber: Fiber.Fiber<unknown, unknown>
  ): Effect.Effect<ReadonlyArray<FutureImpl>, GraphError> {
    if (futures.length === 0) return Effect.succeed([])
    const refusal = this.core.life.refusal(fiber)
    if (refusal !== undefined) return Effect.fail(refusal)
    for (const future of futures) {
      const refused = this.refuseRetry(future)
      if (refused !== undefined) return Effect.fail(refused)
    }
    for (const { claim } of futures) this.core.view.see(claim)
    return this.submitCompiled(recompile(futures, this.core), scope, fiber)
  }

  /** Why a future's task cannot be run again, if it cannot. */
  refuseRetry({ claim, core, key }: FutureImpl): GraphError | undefined {
    const status = core.view.statusOf(claim)
    const why = core !== this.core
      ? "it belongs to another scheduler; retry it there"
      : claim.state === "released"
      ? `its result ${releaseText(core.view.releaseOf(claim))}; submit its task again`
      : status === "succeeded"
      ? "it succeeded; join its future"
      : core.view.isSettled(claim)
      ? undefined
      : `it is ${status}; wait for its end, or cancel it first`
    return why === undefined ? undefined : new GraphError({ reason: { _tag: "NotRetriable", key, status, why } })
  }

  /** Submits one task for an owner of its own, and gives both. */
  submitAlone(
    task: Handle,
    name: string,
    fiber: Fiber.Fiber<unknown, unknown>
  ): { readonly owner: number; readonly future: FutureImpl } | GraphError {
    const refusal = this.core.life.refusal(fiber)
    if (refusal !== undefined) return refusal
    const compiled = compile([task], this.core, this.runIn(fiber, nothingGiven))
    if (compiled instanceof GraphError) return compiled
    const owner = this.core.owners.open(name)
    const answer = this.submitPlan(compiled, owner, fiber)
    if (answer._tag === "Submitted") return { owner, future: futureOf(this.core, answer.claims[0]!) }
    this.core.owners.dismiss(owner, name)
    return refused(answer)
  }

  /** Hands a plan to the engine, for an owner. */
  submitPlan(
    { plan, targets }: Compiled,
    owner: number,
    fiber: Fiber.Fiber<unknown, unknown>,
    bulk?: {
      readonly wait: number
      readonly wishes: Wishes | undefined
      readonly keepsSlot: boolean | undefined
    }
  ): Answer {
    const { attempt, now, waiter: parent } = this.core.waits.origin(fiber)
    return this.core.ask({ _tag: "GraphSubmitted", now, plan, owner, targets, parent, attempt, ...bulk })
  }

  /** The world of a submission from this fiber. */
  runIn(fiber: Fiber.Fiber<unknown, unknown>, { cache, passes }: Given): Run {
    const kept = cache === undefined ? undefined : this.core.observers.cache(cache)
    return runIn(fiber.context, attemptOf(this.core, fiber), kept, passes)
  }
}
