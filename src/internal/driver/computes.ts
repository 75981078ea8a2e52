/**
 * Computations that own what they start: they submit, wait, read, and end all of it before they return.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { Engine } from "../../engine/protocol/Engine.ts"
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Submitted } from "../../engine/protocol/Instruction.ts"
import { liveOf } from "../../engine/protocol/Registered.ts"
import type { Place } from "../../engine/protocol/Registered.ts"
import { bulkOf, exposed, isOpen, Told } from "../../engine/views/owners.ts"
import type { Bulk } from "../../engine/views/owners.ts"
import type { SkeinError, SubmitError } from "../../SkeinError.ts"
import type { ComputeOptions } from "../bodies/home.ts"
import type { Compiled } from "../bodies/livePlan.ts"
import { compile } from "../plans/compile.ts"
import type { Live } from "../plans/compile.ts"
import { recompileInputs } from "../plans/rerun.ts"
import type { Past } from "../plans/rerun.ts"
import { isRefused, refuse } from "../tasks/mistake.ts"
import type { Refused } from "../tasks/mistake.ts"
import type { Handle } from "../tasks/task.ts"
import type { View } from "../views/view.ts"
import type { Desk } from "./desk.ts"
import type { Life } from "./life.ts"
import type { Observers } from "./observers.ts"
import type { Owners } from "./ownership.ts"
import { refused } from "./submissions.ts"
import type { Submissions } from "./submissions.ts"
import type { Waits } from "./waiters.ts"

/** Names of tags that belong to one call begin with this. */
export const tagsOfCalls = "Client.forEach#"

export class Computes {
  private readonly submissions: Submissions
  private readonly owners: Owners
  private readonly waits: Waits
  private readonly life: Life
  private readonly observers: Observers
  private readonly view: View
  private readonly desk: Desk
  private readonly live: Live & Past
  private readonly state: Engine
  private calls = 0

  constructor(
    submissions: Submissions,
    owners: Owners,
    waits: Waits,
    life: Life,
    observers: Observers,
    view: View,
    desk: Desk,
    live: Live & Past,
    state: Engine
  ) {
    this.submissions = submissions
    this.owners = owners
    this.waits = waits
    this.life = life
    this.observers = observers
    this.view = view
    this.desk = desk
    this.live = live
    this.state = state
  }

  tagOfCall(): string {
    return `${tagsOfCalls}${++this.calls}`
  }

  /**
   * Submits for an owner of its own, waits, reads with `collect`, and ends all that it started. There are no targets if the
   * scheduler has closed meanwhile.
   */
  run<A, E>(
    handles: ReadonlyArray<Handle>,
    options: ComputeOptions,
    collect: (targets: ReadonlyArray<TaskId> | undefined, owner: Bulk) => Exit.Exit<A, E>
  ): Effect.Effect<A, E | SubmitError | SkeinError> {
    return this.own(
      (fiber) => compile(handles, this.live, this.submissions.ambientIn(fiber, options)),
      options,
      collect
    )
  }

  /** Passes the inputs of the task at a place to `collect`, and runs those again that are not held; owns them meanwhile. */
  runInputs<A, E>(
    place: Place,
    keepGoing: boolean,
    collect: (targets: ReadonlyArray<TaskId> | undefined) => Effect.Effect<A, E>
  ): Effect.Effect<A, E | SubmitError | SkeinError> {
    return this.own(
      () => recompileInputs(place, this.live),
      { keepGoing, callbacks: undefined },
      collect
    )
  }

  private own<A, E>(
    compileIn: (fiber: Fiber.Fiber<unknown, unknown>) => Compiled | Refused,
    options: ComputeOptions,
    collect: (
      targets: ReadonlyArray<TaskId> | undefined,
      owner: Bulk
    ) => Effect.Effect<A, E>
  ): Effect.Effect<A, E | SubmitError | SkeinError> {
    return this.waits.counted(() =>
      Effect.uninterruptibleMask((restore) =>
        Effect.withFiber((fiber): Effect.Effect<A, E | SubmitError | SkeinError> => {
          const refusal = this.life.refusal(fiber)
          if (refusal !== undefined) return Effect.fail(refusal)
          const compiled = compileIn(fiber)
          if (isRefused(compiled)) return refuse(compiled)
          const number = this.owners.open("compute", options.limits)
          const bulk = bulkOf(this.state, number)
          const wait = this.waits.expect()
          const finish = this.observers.follow(number, compiled.plan.size, options.callbacks)
          const keeps = this.waits.keepsSlot(fiber)
          const wishes = options.keepGoing ? exposed(compiled.plan, compiled.targets, Told.all) : undefined
          const answer = this.submissions.submitPlan(compiled, number, fiber, {
            wait,
            wishes,
            keepsSlot: keeps
          })
          const targets = answer._tag === "Rejected" ? [] : liveTargets(compiled, answer)
          const results: Effect.Effect<A, E | SubmitError | SkeinError> = answer._tag === "Rejected"
            ? Effect.andThen(Effect.sync(() => this.waits.ignore(wait)), Effect.fail(refused(answer)))
            : this.untilOver(
              wait,
              number,
              targets,
              options.keepGoing,
              keeps,
              restore,
              () => collect(isOpen(this.state, number) ? targets : undefined, bulk)
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
    owner: number,
    targets: ReadonlyArray<TaskId>,
    keepGoing: boolean,
    keepsSlot: true | undefined,
    restore: <B, F>(effect: Effect.Effect<B, F>) => Effect.Effect<B, F>,
    read: () => Effect.Effect<A, E>
  ): Effect.Effect<A, E | SkeinError> {
    const mode = keepGoing ? "all" : "firstFailure"
    const isOver = () => !isOpen(this.state, owner) || this.view.haveEnded(targets, mode)
    const wish = { targetsOf: owner, claims: [], mode, keepsSlot } as const
    const readOrWait = (): Effect.Effect<A, E | SkeinError> => {
      if (!isOver()) return Effect.flatMap(restore(this.waits.until(wish, isOver)), readOrWait)
      const coming = isOpen(this.state, owner) ? this.desk.bringTasks(targets) : undefined
      // With a failure that ends the wait no value is read.
      const isRead = coming !== undefined && (keepGoing || this.view.firstFailed(targets) === undefined)
      return !isRead ? read() : Effect.flatMap(restore(coming), readOrWait)
    }
    return Effect.flatMap(restore(this.waits.join(wait)), readOrWait)
  }

  private end(owner: number, wait: number): Effect.Effect<void> {
    if (!this.waits.isOpen(wait)) return this.owners.close(owner, "compute")
    // Interrupted. Its tasks stop first, because they may hold the slot that this task takes again at the end.
    return Effect.andThen(this.owners.close(owner, "compute", wait), this.waits.abandon(wait))
  }
}

const liveTargets = ({ targets }: Compiled, submitted: Submitted): ReadonlyArray<TaskId> =>
  targets.map((target) => liveOf(submitted, target))
