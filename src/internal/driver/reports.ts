/**
 * What workers report, made events of the engine. What a report means is decided here, by what the engine knows of the attempt:
 * whether it counts, whether the task is tried again, under which number its cause is kept.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import type { Engine } from "../../engine/protocol/Engine.ts"
import { interrupted } from "../../engine/protocol/Event.ts"
import type { LostInput } from "../../engine/protocol/Event.ts"
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Overdue, Stop } from "../../engine/protocol/Instruction.ts"
import { originsOf } from "../../engine/protocol/Registered.ts"
import { TaskTimeout } from "../../SkeinError.ts"
import type { Obstacle } from "../bodies/attempt.ts"
import type { Hearing } from "../bodies/hearing.ts"
import { ambientAt, taskAt } from "../bodies/livePlan.ts"
import { missedBy } from "../bodies/missed.ts"
import { isDone, isRetriable, retryOf } from "../bodies/retries.ts"
import type { RetrySchedule } from "../bodies/retries.ts"
import { endingOf, missedIn, withoutInterrupts, withoutSignals } from "../bodies/signals.ts"
import type { Time } from "../platform/time.ts"
import { causeOfRefusal } from "../tasks/mistake.ts"
import { quote } from "../text/text.ts"
import { looked } from "../values/looks.ts"
import { Away } from "../workers/away.ts"
import type { HomeResults } from "../workers/homeResults.ts"
import type { WorkerPort, WorkerReports } from "../workers/port.ts"
import type { Attempts } from "./attempts.ts"
import type { Caching } from "./caching.ts"
import type { Desk } from "./desk.ts"
import type { Expansion } from "./expansion.ts"
import type { Failures } from "./failures.ts"
import type { Inputs } from "./inputs.ts"
import type { Mailbox } from "./mailbox.ts"
import { overdueLine } from "./overdue.ts"
import type { Retrying } from "./retrying.ts"
import type { Waits } from "./waiters.ts"

export class Reports implements WorkerReports {
  private readonly mailbox: Mailbox
  private readonly attempts: Attempts
  private readonly retrying: Retrying
  private readonly waits: Waits
  private readonly expansion: Expansion
  private readonly caching: Caching
  private readonly failures: Failures
  private readonly inputs: Inputs
  private readonly desk: Desk
  private readonly atHome: HomeResults
  private readonly workers: ReadonlyArray<WorkerPort>
  private readonly state: Engine
  private readonly time: Time
  private readonly warn: (line: string) => void

  constructor(
    mailbox: Mailbox,
    attempts: Attempts,
    retrying: Retrying,
    waits: Waits,
    expansion: Expansion,
    caching: Caching,
    failures: Failures,
    inputs: Inputs,
    desk: Desk,
    atHome: HomeResults,
    workers: ReadonlyArray<WorkerPort>,
    state: Engine,
    time: Time,
    warn: (line: string) => void
  ) {
    this.mailbox = mailbox
    this.attempts = attempts
    this.retrying = retrying
    this.waits = waits
    this.expansion = expansion
    this.caching = caching
    this.failures = failures
    this.inputs = inputs
    this.desk = desk
    this.atHome = atHome
    this.workers = workers
    this.state = state
    this.time = time
    this.warn = warn
  }

  endedAtOnce(task: TaskId, attempt: number, value: unknown): void {
    this.mailbox.endedAtOnce(task, attempt, value)
  }

  succeeded(task: TaskId, attempt: number, value: unknown): void {
    const { attempts } = this
    if (!attempts.isPresent(task, attempt)) return
    // A resource is there, and the engine has it finalized.
    if (attempts.isStopping(task, attempt) && !attempts.ownsResource(task)) {
      this.workers[attempts.workerOf(task)]!.drop(task)
      return this.stopped(task, attempt)
    }
    this.caching.add(task, value)
    this.mailbox.succeeded(task, attempt, value)
  }

  began(task: TaskId, attempt: number): void {
    this.mailbox.ask({ _tag: "TaskStarted", now: this.time.now(), task, attempt })
  }

  unbegun(task: TaskId, attempt: number): void {
    if (!this.attempts.isPresent(task, attempt)) return
    if (this.attempts.isStopping(task, attempt)) this.stopped(task, attempt)
    else this.mailbox.ended(task, attempt, { _tag: "Unbegun" })
  }

  kept(task: TaskId, attempt: number, size: number | undefined): void {
    const { attempts } = this
    if (!attempts.isPresent(task, attempt)) return
    this.desk.isUsed = true
    const worker = this.workers[attempts.workerOf(task)]!
    if (attempts.isStopping(task, attempt) && !attempts.ownsResource(task)) {
      worker.drop(task)
      return this.stopped(task, attempt)
    }
    this.caching.add(task, worker.peek(task))
    this.mailbox.kept(task, attempt, size)
  }

  together(count: number, report: (i: number) => void): void {
    this.mailbox.together(count, report)
  }

  handedOver(task: TaskId, attempt: number, value: unknown, micros?: number): void {
    const { attempts } = this
    if (!attempts.isPresent(task, attempt)) return
    if (attempts.isStopping(task, attempt)) return this.stopped(task, attempt)
    if (value instanceof Away) this.desk.isUsed = true
    this.atHome.set(task, value)
    this.caching.add(task, value)
    this.mailbox.handedOver(task, attempt, value, micros)
  }

  inputsLost(task: TaskId, attempt: number, inputs: ReadonlyArray<LostInput>): void {
    const { attempts } = this
    if (!attempts.isPresent(task, attempt)) return
    if (attempts.isStopping(task, attempt)) return this.stopped(task, attempt)
    this.inputs.haveBeenLost = true
    this.mailbox.ended(task, attempt, { _tag: "InputsLost", inputs })
  }

  fetched(request: number, value: unknown): void {
    this.desk.answer(request, { value })
  }

  missing(request: number): void {
    this.desk.answer(request, undefined)
  }

  failed(task: TaskId, attempt: number, given: Cause.Cause<unknown>): void {
    const { attempts, mailbox } = this
    if (!attempts.isPresent(task, attempt)) return
    if (attempts.isStopping(task, attempt)) return this.stopped(task, attempt)
    const cause = withoutInterrupts(given)
    const own = withoutSignals(cause)
    if (own.reasons.length > 0) this.failedBy(task, attempt, own)
    else if (cause.reasons.length === 0) mailbox.ended(task, attempt, interrupted)
    else this.signalled(task, attempt, cause)
  }

  expanded(task: TaskId, attempt: number, returned: unknown): void {
    const { attempts } = this
    if (!attempts.isPresent(task, attempt)) return
    if (attempts.isStopping(task, attempt)) return this.stopped(task, attempt)
    const refusal = this.expansion.expand(task, attempt, returned)
    if (refusal !== undefined) this.fail(task, attempt, causeOfRefusal(refusal))
  }

  finalized(task: TaskId, attempt: number): void {
    this.mailbox.finalized(task, attempt)
  }

  copied(copy: number): void {
    this.mailbox.ask({ _tag: "TaskCopied", now: this.time.now(), copy })
  }

  stopCame(stop: Stop, hearing: Hearing): void {
    this.waits.stopCame(stop, hearing)
  }

  bodyEnded(attempt: number): void {
    this.waits.bodyEnded(attempt)
  }

  attemptEnded(attempt: number): void {
    this.waits.attemptEnded(attempt)
  }

  overdue(order: Overdue, obstacle: Obstacle): void {
    if (this.attempts.isStopping(order.task, order.attempt)) this.warn(overdueLine(this.state, order, obstacle))
  }

  /** Ends an attempt with a failure, whose cause is kept for those who observe it. */
  private fail(task: TaskId, attempt: number, cause: Cause.Cause<unknown>): void {
    const defect = Cause.findErrorOption(cause)._tag === "None"
    this.mailbox.ended(task, attempt, { _tag: "Failed", failure: this.failures.keep(cause), defect })
  }

  /** The outcome was fixed when the attempt was asked to stop, whatever it ended with; only a timeout may be tried again. */
  private stopped(task: TaskId, attempt: number): void {
    const { attempts } = this
    const give = (): void => this.mailbox.ended(task, attempt, interrupted)
    const place = attempts.placeOf(task)
    const { options: { timeoutMillis } } = taskAt(place)
    const retry = attempts.hasTimedOut(task) ? retryOf(taskAt(place), ambientAt(place)) : undefined
    if (retry === undefined) return give()
    const error = new TaskTimeout({ key: attempts.keyOf(task), of: "attempt", millis: timeoutMillis! })
    this.decide(task, attempt, retry, error, give)
  }

  private failedBy(task: TaskId, attempt: number, cause: Cause.Cause<unknown>): void {
    const error = Cause.findErrorOption(cause)
    const place = this.attempts.placeOf(task)
    const retry = retryOf(taskAt(place), ambientAt(place))
    const isFinal = retry === undefined || error._tag === "None" || cause.reasons.some(Cause.isDieReason) ||
      !isRetriable(error.value)
    if (isFinal) this.fail(task, attempt, cause)
    else this.decide(task, attempt, retry, error.value, () => this.fail(task, attempt, cause))
  }

  /** Asks the task's schedule whether and when to try again. */
  private decide(task: TaskId, attempt: number, retry: RetrySchedule, error: unknown, giveUp: () => void): void {
    this.retrying.ask(task, attempt, retry, error, (answer) => {
      if (Exit.isSuccess(answer)) {
        const delayMillis = Duration.toMillis(answer.value[1])
        this.mailbox.ended(task, attempt, { _tag: "Retried", delayMillis })
      } else if (isDone(answer.cause)) giveUp()
      else this.scheduleFailed(task, attempt, answer.cause)
    })
  }

  /** A schedule failed by itself, or was interrupted with its task. */
  private scheduleFailed(task: TaskId, attempt: number, cause: Cause.Cause<unknown>): void {
    const rest = withoutInterrupts(cause)
    if (rest.reasons.length === 0) this.mailbox.ended(task, attempt, interrupted)
    else this.fail(task, attempt, rest)
  }

  /** The body is skipped, gave its place up, cannot run here, or misses what it was given. */
  private signalled(task: TaskId, attempt: number, cause: Cause.Cause<unknown>): void {
    const { attempts, inputs, mailbox } = this
    const missed = missedIn(cause)
    const ending = endingOf(cause)
    if (missed === undefined || ending._tag === "Skipped") return mailbox.ended(task, attempt, ending)
    const key = attempts.keyOf(task)
    const { handles } = taskAt(attempts.placeOf(task))
    const found = looked(
      () => missedBy(missed, handles, key, inputs.placesOf(task), originsOf),
      new TypeError(`What task ${quote(key)} named in Worker.dependenciesLost throws when it is looked at.`)
    )
    if (found instanceof TypeError) return this.fail(task, attempt, Cause.die(found))
    inputs.haveBeenLost = true
    mailbox.ended(task, attempt, { _tag: "DependenciesLost", ...found })
  }
}
