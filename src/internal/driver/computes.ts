/**
 * Computations that own what they start: they submit, wait, read, and end all of it before they return.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { Callbacks } from "../../Client.ts"
import { exposed, Told } from "../../engine/life/wishes.ts"
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Submitted } from "../../engine/protocol/Instruction.ts"
import type { Owner } from "../../engine/state/Owner.ts"
import { liveOf } from "../../engine/state/Submission.ts"
import type { Place } from "../../engine/state/Submission.ts"
import { GraphError } from "../../SkeinError.ts"
import type { Starved } from "../../SkeinError.ts"
import type { Compiled } from "../bodies/livePlan.ts"
import { compile } from "../plans/compile.ts"
import { recompileInputs } from "../plans/rerun.ts"
import type { Handle } from "../tasks/task.ts"
import type { SchedulerCore } from "./schedulerCore.ts"
import { refused } from "./submissions.ts"
import type { Given } from "./submissions.ts"

/** How a compute treats failures and results. */
export interface ComputeOptions extends Given {
  /** Run all that is not downstream of a failure. */
  readonly keepGoing: boolean
  readonly callbacks: Callbacks | undefined
  /** In a task: wait without giving the slot away. */
  readonly keepsSlot?: boolean | undefined
}

export class Computes {
  private readonly core: SchedulerCore

  constructor(core: SchedulerCore) {
    this.core = core
  }

  /**
   * Submits for an owner of its own, waits, reads with `collect`, and ends all that it started. There are no targets to read
   * when the scheduler has closed meanwhile.
   */
  run<A, E>(
    handles: ReadonlyArray<Handle>,
    options: ComputeOptions,
    collect: (targets: ReadonlyArray<TaskId> | undefined, owner: Pick<Owner, "roots" | "targets">) => Exit.Exit<A, E>
  ): Effect.Effect<A, E | GraphError | Starved> {
    return this.own(
      (fiber) => compile(handles, this.core, this.core.submissions.runIn(fiber, options)),
      options,
      collect
    )
  }

  /** Uses what the task at a place needs with `collect`, running again what is not held; owns that for the while. */
  runInputs<A, E>(
    place: Place,
    keepGoing: boolean,
    collect: (targets: ReadonlyArray<TaskId> | undefined) => Effect.Effect<A, E>
  ): Effect.Effect<A, E | GraphError | Starved> {
    return this.own(
      () => recompileInputs(place, this.core),
      { keepGoing, callbacks: undefined },
      collect
    )
  }

  private own<A, E>(
    compileIn: (fiber: Fiber.Fiber<unknown, unknown>) => Compiled | GraphError,
    options: ComputeOptions,
    collect: (
      targets: ReadonlyArray<TaskId> | undefined,
      owner: Pick<Owner, "roots" | "targets">
    ) => Effect.Effect<A, E>
  ): Effect.Effect<A, E | GraphError | Starved> {
    const { core } = this
    return core.waits.counted(() =>
      Effect.uninterruptibleMask((restore) =>
        Effect.withFiber((fiber): Effect.Effect<A, E | GraphError | Starved> => {
          const refusal = core.life.refusal(fiber)
          if (refusal !== undefined) return Effect.fail(refusal)
          const compiled = compileIn(fiber)
          if (compiled instanceof GraphError) return Effect.fail(compiled)
          const number = core.owners.open("compute")
          const owner = core.state.owners.get(number)!
          const wait = core.waits.expect()
          const finish = core.observers.follow(number, compiled.plan.size, options.callbacks)
          const wishes = options.keepGoing ? exposed(compiled.plan, compiled.targets, Told.all) : undefined
          const answer = core.submissions.submitPlan(compiled, number, fiber, {
            wait,
            wishes,
            keepsSlot: options.keepsSlot
          })
          const targets = answer._tag === "Rejected" ? [] : liveTargets(compiled, answer)
          const results: Effect.Effect<A, E | GraphError | Starved> = answer._tag === "Rejected"
            ? Effect.andThen(Effect.sync(() => core.waits.ignore(wait)), Effect.fail(refused(answer)))
            : this.untilOver(
              wait,
              owner,
              targets,
              options,
              restore,
              () => collect(core.state.owners.has(number) ? targets : undefined, owner)
            )
          return Effect.onExit(
            results,
            (exit) => Effect.andThen(this.end(number, wait), Effect.sync(() => finish(exit)))
          )
        })
      )
    )
  }

  /**
   * Reads when the targets are over: with their wait, or later, in code that its task's end does not interrupt, or when a
   * result was lost meanwhile.
   */
  private untilOver<A, E>(
    wait: number,
    owner: Owner,
    targets: ReadonlyArray<TaskId>,
    { keepGoing, keepsSlot }: ComputeOptions,
    restore: <B, F>(effect: Effect.Effect<B, F>) => Effect.Effect<B, F>,
    read: () => Effect.Effect<A, E>
  ): Effect.Effect<A, E | Starved> {
    const mode = keepGoing ? "all" : "firstFailure"
    const isOver = () => !this.core.state.owners.has(owner.id) || this.core.view.haveEnded(targets, mode)
    const wish = { targetsOf: owner.id, claims: [], mode, keepsSlot } as const
    const readOrWait = (): Effect.Effect<A, E | Starved> =>
      isOver() ? read() : Effect.flatMap(restore(this.core.waits.until(wish, isOver)), readOrWait)
    return Effect.flatMap(restore(this.core.waits.join(wait)), readOrWait)
  }

  private end(owner: number, wait: number): Effect.Effect<void> {
    if (!this.core.waits.isOpen(wait)) return this.core.owners.close(owner, "compute")
    // Interrupted. What it started stops first, for that may hold the slot that this task takes again in the end.
    return Effect.andThen(this.core.owners.close(owner, "compute", wait), this.core.waits.abandon(wait))
  }
}

const liveTargets = ({ targets }: Compiled, submitted: Submitted): ReadonlyArray<TaskId> =>
  targets.map((target) => liveOf(submitted, target))
