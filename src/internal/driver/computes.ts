/**
 * Computations that own what they start: they submit, wait, read, and end all of it before they return.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { Engine } from "../../engine/protocol/Engine.ts"
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Place } from "../../engine/protocol/Registered.ts"
import { bulkOf, exposed, isOpen, Told } from "../../engine/views/owners.ts"
import type { Bulk } from "../../engine/views/owners.ts"
import { isAnyStopping } from "../../engine/views/tasks.ts"
import type { SkeinError, SubmitError } from "../../SkeinError.ts"
import { attemptOf, keepsSlotIn } from "../bodies/attempt.ts"
import type { Attempt } from "../bodies/attempt.ts"
import type { ComputeOptions, Home } from "../bodies/home.ts"
import type { Compiled } from "../bodies/livePlan.ts"
import { isWalking } from "../plans/compile.ts"
import type { Live, Walking } from "../plans/compile.ts"
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

type CompileIn = (
  fiber: Fiber.Fiber<unknown, unknown>,
  attempt: Attempt | undefined
) => Compiled | Refused | Walking

/** A computation: what it is asked for, and what it has submitted. */
interface Computing<A, E> {
  readonly fiber: Fiber.Fiber<unknown, unknown>
  /** The attempt in whose body it is. */
  readonly attempt: Attempt | undefined
  readonly options: ComputeOptions
  readonly collect: Collect<A, E>
  /** Hears of the owner and of the size of the plan. */
  readonly follow: (owner: number, size: number) => void
  /** Whether its task takes its slot again at the end, if it was asked to stop meanwhile and goes on. */
  readonly comesBack: boolean
  /** Its owner, wait and claims: there are none before it has submitted its tasks. */
  owner: number
  wait: number
  bulk: Bulk
  isEnding: boolean
  closing: Effect.Effect<void> | undefined
}

const modeOf = ({ options: { keepGoing } }: Computing<unknown, unknown>) => keepGoing ? "all" : "firstFailure"

const nothing: Bulk = { targets: [], roots: [] }

const computingOf = <A, E>(
  fiber: Fiber.Fiber<unknown, unknown>,
  attempt: Attempt | undefined,
  options: ComputeOptions,
  collect: Collect<A, E>,
  follow: (owner: number, size: number) => void,
  comesBack: boolean
): Computing<A, E> => ({
  fiber,
  attempt,
  options,
  collect,
  follow,
  comesBack,
  owner: -1,
  wait: -1,
  bulk: nothing,
  isEnding: false,
  closing: undefined
})

const isExit = <A, E>(effect: Effect.Effect<A, E>): effect is Exit.Exit<A, E> => Exit.isExit(effect)

const ignore: (exit: Exit.Exit<unknown, unknown>) => void = () => {}
const noCallbacks: (owner: number, size: number) => void = () => {}

export class Computes {
  private readonly home: Home
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
    home: Home,
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
    this.home = home
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
      (fiber, attempt) => this.submissions.compile(handles, fiber, options, attempt),
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

  /**
   * One operation of its fiber: no interruption comes between the submission and the close of the owner. The owner is closed at the
   * end of the wait, or when the wait is interrupted.
   */
  private own<A, E>(
    compileIn: CompileIn,
    options: ComputeOptions,
    collect: Collect<A, E>
  ): Effect.Effect<A, E | SubmitError | SkeinError> {
    return Effect.callback((resume) => {
      const fiber = Fiber.getCurrent()!
      const attempt = attemptOf(this.home, fiber)
      // Most bodies are not asked to stop, and count their wait at its end if they are asked meanwhile.
      if (attempt !== undefined && options.callbacks === undefined && !isAnyStopping(this.state)) {
        return this.begin(computingOf(fiber, attempt, options, collect, noCallbacks, true), compileIn, resume)
      }
      return resume(this.waits.counted(() => this.followed(fiber, attempt, compileIn, options, collect)))
    })
  }

  private followed<A, E>(
    fiber: Fiber.Fiber<unknown, unknown>,
    attempt: Attempt | undefined,
    compileIn: CompileIn,
    options: ComputeOptions,
    collect: Collect<A, E>
  ): Effect.Effect<A, E | SubmitError | SkeinError> {
    let finish = ignore
    const follow = (owner: number, size: number): void => {
      finish = this.observers.follow(owner, size, options.callbacks)
    }
    const results = this.begun(computingOf(fiber, attempt, options, collect, follow, false), compileIn)
    if (options.callbacks === undefined) return results
    return Effect.onExitPrimitive(results, (exit) => {
      finish(exit)
      return undefined
    })
  }

  private begun<A, E>(
    computing: Computing<A, E>,
    compileIn: CompileIn
  ): Effect.Effect<A, E | SubmitError | SkeinError> {
    return Effect.callback((resume) => this.begin(computing, compileIn, resume))
  }

  /** Submits, and resumes its fiber in the end. Returns what runs if the wait is interrupted. */
  private begin<A, E>(
    computing: Computing<A, E>,
    compileIn: CompileIn,
    resume: (result: Effect.Effect<A, E | SubmitError | SkeinError>) => void
  ): Effect.Effect<void> | void {
    const { attempt, collect, comesBack, fiber, follow, options } = computing
    const refusal = this.life.refusal(fiber)
    if (refusal !== undefined) return resume(Effect.fail(refusal))
    const compiled = compileIn(fiber, attempt)
    if (isWalking(compiled)) {
      return resume(this.submissions.inTurns(
        compiled,
        fiber,
        // Its task may have been asked to stop since.
        (settle) => comesBack ? this.own(settle, options, collect) : this.begun(computing, settle)
      ))
    }
    const { keepGoing, limits } = options
    if (isRefused(compiled)) return resume(refuse(compiled))
    // An owner without limits opens with its submission.
    const opens = limits === undefined ? "compute" : undefined
    const owner = limits === undefined ? this.owners.number() : this.owners.open("compute", limits)
    const wait = this.waits.expect()
    follow(owner, compiled.plan.size)
    const keepsSlot = attempt && keepsSlotIn(attempt, fiber)
    const wishes = keepGoing ? exposed(compiled.plan, compiled.targets, Told.all) : undefined
    const answer = this.submissions.submitPlan(compiled, owner, fiber, { opens, wait, wishes, keepsSlot }, attempt)
    if (answer._tag === "Rejected") {
      this.waits.ignore(wait)
      if (opens === undefined) this.owners.dismiss(owner, "compute")
      return resume(Effect.fail(refused(answer)))
    }
    computing.owner = owner
    computing.wait = wait
    computing.bulk = bulkOf(this.state, owner)
    // Within the fiber, and so in its async context.
    const over = Effect.suspend(() => this.readAndEnd(computing))
    this.waits.follow(wait, (end) => {
      resume(Exit.isSuccess(end) ? over : Effect.suspend(() => this.ended(computing, Exit.failCause(end.cause))))
    })
    return Effect.suspend(() => this.rest(computing))
  }

  private readAndEnd<A, E>(computing: Computing<A, E>): Effect.Effect<A, E | SkeinError> {
    const read = this.readOrWait(computing)
    // Most are over and read with their wait.
    if (isExit(read)) return this.ended(computing, read)
    const closed = Effect.onExitPrimitive(read, () => this.rest(computing))
    return computing.comesBack ? this.waits.comingBack(false, closed) : closed
  }

  /** Reads the targets if they are over; else waits on: its task's end does not interrupt it, or a result was lost meanwhile. */
  private readOrWait<A, E>(computing: Computing<A, E>): Effect.Effect<A, E | SkeinError> {
    const { bulk, collect, options: { keepGoing }, owner } = computing
    if (!isOpen(this.state, owner)) return collect(undefined, bulk)
    const { targets } = bulk
    if (!this.view.haveEnded(targets, modeOf(computing))) return this.waitAgain(computing)
    const coming = this.desk.bringTasks(targets)
    // With a failure that ends the wait no value is read.
    const isRead = coming !== undefined && (keepGoing || this.view.firstFailed(targets) === undefined)
    return isRead ? this.readAfter(computing, coming) : collect(targets, bulk)
  }

  private waitAgain<A, E>(computing: Computing<A, E>): Effect.Effect<A, E | SkeinError> {
    const { bulk, owner } = computing
    const mode = modeOf(computing)
    const isOver = () => !isOpen(this.state, owner) || this.view.haveEnded(bulk.targets, mode)
    return this.readAfter(computing, this.waits.until({ targetsOf: owner, claims: [], mode }, isOver))
  }

  /** Apart, because a function in which a closure is made pays for it even when it makes none. */
  private readAfter<A, E>(
    computing: Computing<A, E>,
    before: Effect.Effect<void, SkeinError>
  ): Effect.Effect<A, E | SkeinError> {
    return Effect.flatMap(before, () => this.readOrWait(computing))
  }

  /** Ends all that the computation has started, and then with this exit. */
  private ended<A, E>(
    computing: Computing<A, E>,
    exit: Exit.Exit<A, E | SkeinError>
  ): Effect.Effect<A, E | SkeinError> {
    const closing = this.end(computing)
    const isBack = !computing.comesBack || !isAnyStopping(this.state)
    if (closing === undefined && isBack) return exit
    const rest = Effect.uninterruptible(Effect.suspend(() => this.rest(computing)))
    const back = Effect.suspend(() => computing.comesBack ? this.waits.comeBack(false) : Effect.void)
    return Effect.andThen(rest, Effect.andThen(back, exit))
  }

  /**
   * Ends the computation. Only the first call returns the close of its owner, which its caller awaits. An interruption of the wait
   * calls this too, because a wait that ends after the interruption resumes no fiber.
   */
  private rest(computing: Computing<unknown, unknown>): Effect.Effect<void> {
    const open = this.end(computing)
    computing.closing = undefined
    return open ?? Effect.void
  }

  private end(computing: Computing<unknown, unknown>): Effect.Effect<void> | undefined {
    if (computing.isEnding) return computing.closing
    computing.isEnding = true
    return computing.closing = this.close(computing)
  }

  private close({ attempt, owner, wait }: Computing<unknown, unknown>): Effect.Effect<void> | undefined {
    if (!this.waits.isOpen(wait)) return this.owners.closeNow(owner, "compute", attempt)
    // Interrupted. Its tasks stop first, because they may hold the slot that this task takes again at the end.
    return Effect.andThen(this.owners.close(owner, "compute", wait), this.waits.abandon(wait))
  }
}
