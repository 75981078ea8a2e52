/**
 * The end of a scheduler, which stops everything, and refuses further requests.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import { lastEvent } from "../../engine/Engine.ts"
import type { Engine } from "../../engine/protocol/Engine.ts"
import type { Instruction } from "../../engine/protocol/Instruction.ts"
import { Phase, phaseNames } from "../../engine/protocol/Phase.ts"
import type { Transition } from "../../engine/protocol/Transition.ts"
import { columnsOf } from "../../engine/views/columns.ts"
import { openOwners } from "../../engine/views/owners.ts"
import { keyOf, sequenceOf } from "../../engine/views/tasks.ts"
import type { SubmitError } from "../../SkeinError.ts"
import { attemptOf } from "../bodies/attempt.ts"
import type { Home } from "../bodies/home.ts"
import { closed } from "../tasks/closed.ts"
import { describeError } from "../text/rendering.ts"
import { quote } from "../text/text.ts"
import { fatal } from "../text/warnings.ts"
import { looked } from "../values/looks.ts"

/** What runs something, as its scheduler ends it. */
interface Mortal {
  readonly abort: () => void
  readonly rest: Effect.Effect<void>
}

/** The parts that end with a scheduler. */
interface Ending {
  readonly home: Home
  readonly context: Context.Context<never>
  readonly state: Engine
  readonly outbox: { readonly last: Instruction | number | undefined }
  readonly inputs: { readonly haveBeenLost: boolean }
  readonly alarm: { readonly silence: () => void }
  readonly observers: { readonly close: () => void }
  readonly waits: { readonly endAll: () => void }
  readonly desk: { readonly abort: () => void }
  readonly retrying: Mortal
  readonly owners: {
    readonly closingOwners: () => Iterable<number>
    readonly close: (owner: number, by: string) => Effect.Effect<void>
  }
  readonly detached: { readonly openOwners: () => Iterable<number> }
  readonly crew: {
    readonly everyone: () => ReadonlyArray<Mortal>
    readonly abort: (cause: Cause.Cause<never>) => void
    readonly close: Effect.Effect<void>
  }
}

export class Life {
  /** Whether the scheduler has closed, and refuses submissions. */
  isClosed = false
  /** The defect that ended the scheduler. */
  failure: Cause.Cause<never> | undefined
  /** The transitions that are remembered, oldest first. */
  remembered: () => ReadonlyArray<Transition> = () => []
  private readonly ending: Ending

  constructor(ending: Ending) {
    this.ending = ending
  }

  /** The refusal of submissions from this fiber, if any. A lost body would take keys and slots from its replacement. */
  refusal(fiber: Fiber.Fiber<unknown, unknown>): SubmitError | undefined {
    if (this.failure !== undefined) throw Cause.squash(this.failure)
    if (this.isClosed) return closed("scheduler")
    return this.ending.inputs.haveBeenLost && attemptOf(this.ending.home, fiber)?.isLost === true
      ? closed("worker")
      : undefined
  }

  /** Runs code that no fiber waits for: an exception there would be unnoticed, and its consequences would never come. */
  guard(f: () => void): void {
    const result = Result.try(f)
    if (Result.isFailure(result)) this.fail(result.failure)
  }

  /** The scheduler itself has failed: ends it loudly, because otherwise nothing would ever end. */
  fail(error: unknown): void {
    if (this.failure !== undefined) return
    this.isClosed = true
    const { context, crew, desk, observers, retrying, waits } = this.ending
    const text = looked(() => storyOf(this.ending, error, this.remembered()), describeError(error))
    const defect = new Error(text, { cause: error })
    defect.name = "SchedulerFailed"
    this.failure = Cause.die(defect)
    Effect.runForkWith(context)(fatal("A scheduler has failed and stops all that it runs", this.failure))
    for (const worker of crew.everyone()) worker.abort()
    retrying.abort()
    waits.endAll()
    desk.abort()
    crew.abort(this.failure)
    observers.close()
  }

  /** Cancels everything and returns when nothing is running any more. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.isClosed = true
    // Other owners may be closing, or an owner of a fired task has closed while finalizers run: this waits for them too.
    const { crew, desk, detached, observers, owners, retrying, state } = this.ending
    const open = new Set([...openOwners(state), ...owners.closingOwners(), ...detached.openOwners()])
    const stopped = this.failure !== undefined ? Effect.void : Effect.exit(
      Effect.forEach(open, (owner) => owners.close(owner, "scheduler"), {
        // All at once, because a finalizer of one may wait for a task of another.
        concurrency: "unbounded",
        discard: true
      })
    )
    return stopped.pipe(
      Effect.andThen(Effect.forEach([...crew.everyone(), retrying], ({ rest }) => rest, { discard: true })),
      // Nothing runs any more, so beats and their timers end.
      Effect.andThen(Effect.sync(() => this.ending.alarm.silence())),
      Effect.andThen(crew.close),
      Effect.andThen(Effect.sync(() => {
        desk.abort()
        observers.close()
      })),
      Effect.andThen(Effect.suspend(() => this.failure === undefined ? Effect.void : Effect.failCause(this.failure)))
    )
  })
}

/** The description of the failure, with the last instruction and transitions. */
const storyOf = (
  { outbox: { last }, state }: Ending,
  error: unknown,
  remembered: ReadonlyArray<Transition>
): string => {
  const task = typeof last === "number"
    ? last
    : last !== undefined && "task" in last
    ? last.task
    : -1
  const phase = columnsOf(state).phase[task]
  const isThere = phase !== undefined && phase !== Phase.free
  const what = typeof last === "number" ? "Start" : last?._tag ?? "nothing"
  const about = isThere ? ` of task ${quote(keyOf(state, task))} (${phaseNames[phase]})` : ""
  const serial = isThere ? sequenceOf(state, task) : undefined
  const transitions = remembered.filter((each) => serial === undefined || each.serial === serial).slice(-20)
  const story = transitions.map(({ at, cause, from = "new", to, worker }) =>
    `\n  ${at} ms: ${from} -> ${to}${worker === undefined ? "" : ` on ${quote(worker)}`} (${cause})`
  )
  return `The scheduler failed by itself and has closed: ${describeError(error)}. The last event was ${
    lastEvent(state)
  }, the last ` +
    `instruction ${what}${about}.${story.join("")} This is a fault of Skein: please report it.`
}
