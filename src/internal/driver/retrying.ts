/**
 * The retry schedules of tasks. After a failed attempt the schedule of its task decides, with the context and the clock of the
 * fiber that submitted the task. The attempt goes on until the schedule has decided.
 *
 * @internal
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Stop } from "../../engine/protocol/Instruction.ts"
import { Attempt, contextIn } from "../bodies/attempt.ts"
import { hearingOf } from "../bodies/hearing.ts"
import type { Home } from "../bodies/home.ts"
import { ambientOf } from "../bodies/livePlan.ts"
import type { LivePlan } from "../bodies/livePlan.ts"
import { delayOf } from "../bodies/retries.ts"
import type { RetrySchedule, Step } from "../bodies/retries.ts"
import type { AsyncScope } from "../platform/asyncScope.ts"
import type { Time } from "../platform/time.ts"
import type { WorkerPort, WorkerReports } from "../workers/port.ts"
import type { Attempts } from "./attempts.ts"
import type { Life } from "./life.ts"

/** Who must know which attempts go on though they were asked to stop. */
type Witness = Pick<WorkerReports, "attemptEnded" | "bodyEnded" | "stopCame">

/** A schedule that takes its time. */
interface Question {
  readonly worker: WorkerPort
  readonly fiber: Fiber.Fiber<unknown, unknown>
  readonly asyncScope: AsyncScope
}

/** What a schedule said last, and after what time to try again. */
type Answer = Exit.Exit<[unknown, Duration.Duration], unknown>

export class Retrying {
  /** By attempt. */
  private readonly open = new Map<number, Question>()
  private readonly home: Home
  private readonly witness: Witness
  private readonly schedules: Map<TaskId, Step>
  private readonly attempts: Attempts
  private readonly workers: ReadonlyArray<WorkerPort>
  private readonly life: Life
  private readonly time: Time

  constructor(
    home: Home,
    witness: Witness,
    schedules: Map<TaskId, Step>,
    attempts: Attempts,
    workers: ReadonlyArray<WorkerPort>,
    life: Life,
    time: Time
  ) {
    this.home = home
    this.witness = witness
    this.schedules = schedules
    this.attempts = attempts
    this.workers = workers
    this.life = life
    this.time = time
  }

  /** Asks the schedule of a task whether and when another attempt follows, which the present one is part of until then. */
  ask(
    task: TaskId,
    serial: number,
    retry: RetrySchedule,
    error: unknown,
    answered: (answer: Answer) => void
  ): void {
    const { attempts, home, witness } = this
    const worker = this.workers[attempts.workerOf(task)]!
    const submission = attempts.submissionOf(task)
    const index = attempts.indexOf(task)
    const { asyncScope, context } = ambientOf(submission.plan as LivePlan, index)
    const scope = Scope.makeUnsafe()
    const attempt = new Attempt(home, worker.host, task, serial, attempts.startsOf(task), scope, submission, index)
    const delay = delayOf(this.schedules, this.time, task, retry, error)
    const fiber = Effect.runForkWith(contextIn(context, attempt, scope))(Effect.scoped(delay))
    const decided = (answer: Answer): void => {
      witness.attemptEnded(serial)
      if (!worker.isLost && attempts.isPresent(task, serial)) answered(answer)
    }
    const answer = fiber.pollUnsafe()
    if (answer !== undefined) return decided(answer)
    this.open.set(serial, { worker, fiber, asyncScope })
    fiber.addObserver((answer) => {
      this.open.delete(serial)
      witness.bodyEnded(serial)
      this.life.guard(() => decided(answer))
    })
    // Lost within the call that asked.
    if (worker.isLost) fiber.interruptUnsafe()
  }

  /** Whether the schedule of an attempt is being asked. */
  isOpen(attempt: number): boolean {
    return this.open.size > 0 && this.open.has(attempt)
  }

  /** Interrupts the schedule of an attempt, if it is being asked; says whether it is. */
  stop(stop: Stop): boolean {
    const question = this.open.size === 0 ? undefined : this.open.get(stop.attempt)
    if (question === undefined) return false
    this.witness.stopCame(stop, hearingOf(this.home, question.fiber, stop.attempt))
    interrupt(question)
    return true
  }

  /** A worker is lost: nobody wants to know any more whether what ran there is to be tried again. */
  lose(worker: WorkerPort): void {
    for (const question of Array.from(this.open.values())) if (question.worker === worker) interrupt(question)
  }

  /** The scheduler has failed. */
  abort(): void {
    for (const question of Array.from(this.open.values())) interrupt(question)
  }

  /** Returns when no schedule is being asked. */
  readonly rest: Effect.Effect<void> = Effect.suspend(() =>
    this.open.size === 0
      ? Effect.void
      : Effect.andThen(Fiber.awaitAll(Array.from(this.open.values(), ({ fiber }) => fiber)), this.rest)
  )
}

/** What the schedule does then is done in its own async context. */
const interrupt = ({ asyncScope, fiber }: Question): void => asyncScope.runInAsyncScope(() => fiber.interruptUnsafe())
