/**
 * Computations that own what they start: they submit, wait, read, and end all of it before they return.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
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

/** Reads the targets; there are none if the scheduler has closed meanwhile. */
type Collect<A, E> = (targets: ReadonlyArray<TaskId> | undefined, owner: Bulk) => Effect.Effect<A, E>

const isExit = <A, E>(effect: Effect.Effect<A, E>): effect is Exit.Exit<A, E> => Exit.isExit(effect)

const ignore: (exit: Exit.Exit<unknown, unknown>) => void = () => {}
const noCallbacks: (owner: number, size: number) => void = () => {}

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
      (targets) => Effect.uninterruptible(collect(targets))
    )
  }

  private own<A, E>(
    compileIn: (fiber: Fiber.Fiber<unknown, unknown>) => Compiled | Refused,
    options: ComputeOptions,
    collect: Collect<A, E>
  ): Effect.Effect<A, E | SubmitError | SkeinError> {
    return this.waits.counted((fiber) => {
      if (options.callbacks === undefined) return this.ownIn(fiber, compileIn, options, collect, noCallbacks)
      let finish = ignore
      const follow = (owner: number, size: number): void => {
        finish = this.observers.follow(owner, size, options.callbacks)
      }
      const results = this.ownIn(fiber, compileIn, options, collect, follow)
      return Effect.onExitPrimitive(results, (exit) => {
        finish(exit)
        return undefined
      })
    })
  }

  /**
   * One operation of its fiber: no interruption comes between the submission and the close of the owner. The owner is closed at the
   * end of the wait, or when the wait is interrupted.
   */
  private ownIn<A, E>(
    fiber: Fiber.Fiber<unknown, unknown>,
    compileIn: (fiber: Fiber.Fiber<unknown, unknown>) => Compiled | Refused,
    { keepGoing, limits }: ComputeOptions,
    collect: Collect<A, E>,
    follow: (owner: number, size: number) => void
  ): Effect.Effect<A, E | SubmitError | SkeinError> {
    return Effect.callback<A, E | SubmitError | SkeinError>((resume) => {
      const refusal = this.life.refusal(fiber)
      if (refusal !== undefined) return resume(Effect.fail(refusal))
      const compiled = compileIn(fiber)
      if (isRefused(compiled)) return resume(refuse(compiled))
      // An owner without limits opens with its submission.
      const opens = limits === undefined ? "compute" : undefined
      const owner = limits === undefined ? this.owners.number() : this.owners.open("compute", limits)
      const wait = this.waits.expect()
      follow(owner, compiled.plan.size)
      const keepsSlot = this.waits.keepsSlot(fiber)
      const wishes = keepGoing ? exposed(compiled.plan, compiled.targets, Told.all) : undefined
      const answer = this.submissions.submitPlan(compiled, owner, fiber, { opens, wait, wishes, keepsSlot })
      if (answer._tag === "Rejected") {
        this.waits.ignore(wait)
        if (opens === undefined) this.owners.dismiss(owner, "compute")
        return resume(Effect.fail(refused(answer)))
      }
      const targets = liveTargets(compiled, answer)
      const bulk = bulkOf(this.state, owner)
      let isEnding = false
      let closing: Effect.Effect<void> | undefined
      const end = (): Effect.Effect<void> | undefined => {
        if (isEnding) return closing
        isEnding = true
        closing = this.end(owner, wait, fiber)
        return closing
      }
      // Taken once. The wait may end between an interruption and what that runs: then this fiber is not resumed.
      const rest = Effect.suspend(() => {
        const open = end()
        closing = undefined
        return open ?? Effect.void
      })
      const ended = (exit: Exit.Exit<A, E | SkeinError>): Effect.Effect<A, E | SkeinError> => {
        return end() === undefined ? exit : Effect.uninterruptible(Effect.andThen(rest, exit))
      }
      this.waits.follow(wait, (over) => {
        if (Exit.isFailure(over)) return resume(ended(Exit.failCause(over.cause)))
        const read = this.readOrWait(
          owner,
          targets,
          keepGoing,
          keepsSlot,
          () => collect(isOpen(this.state, owner) ? targets : undefined, bulk)
        )
        // Most are over and read with their wait.
        resume(isExit(read) ? ended(read) : Effect.onExitPrimitive(read, () => rest))
      })
      return rest
    })
  }

  /** Reads the targets if they are over; else waits on: its task's end does not interrupt it, or a result was lost meanwhile. */
  private readOrWait<A, E>(
    owner: number,
    targets: ReadonlyArray<TaskId>,
    keepGoing: boolean,
    keepsSlot: true | undefined,
    read: () => Effect.Effect<A, E>
  ): Effect.Effect<A, E | SkeinError> {
    const mode = keepGoing ? "all" : "firstFailure"
    const again = () => this.readOrWait(owner, targets, keepGoing, keepsSlot, read)
    const isOver = () => !isOpen(this.state, owner) || this.view.haveEnded(targets, mode)
    if (!isOver()) {
      const wish = { targetsOf: owner, claims: [], mode, keepsSlot } as const
      return Effect.flatMap(this.waits.until(wish, isOver), again)
    }
    const coming = isOpen(this.state, owner) ? this.desk.bringTasks(targets) : undefined
    // With a failure that ends the wait no value is read.
    const isRead = coming !== undefined && (keepGoing || this.view.firstFailed(targets) === undefined)
    return isRead ? Effect.flatMap(coming, again) : read()
  }

  private end(
    owner: number,
    wait: number,
    fiber: Fiber.Fiber<unknown, unknown>
  ): Effect.Effect<void> | undefined {
    if (!this.waits.isOpen(wait)) return this.owners.closeNow(owner, "compute", fiber)
    // Interrupted. Its tasks stop first, because they may hold the slot that this task takes again at the end.
    return Effect.andThen(this.owners.close(owner, "compute", wait), this.waits.abandon(wait))
  }
}

const liveTargets = ({ targets }: Compiled, submitted: Submitted): ReadonlyArray<TaskId> =>
  targets.map((target) => liveOf(submitted, target))
