/**
 * Carries out the engine's instructions one by one in the turns of the pump: each goes to its worker, wait or clock, in the async
 * context of the user's code that runs there.
 *
 * @internal
 */
import { isPresent } from "../../engine/events/attempts.ts"
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Instruction, Overdue } from "../../engine/protocol/Instruction.ts"
import type { State } from "../../engine/state/State.ts"
import { runOf } from "../bodies/livePlan.ts"
import type { LivePlan } from "../bodies/livePlan.ts"
import type { Copies } from "../workers/copying.ts"
import type { Crew } from "../workers/crew.ts"
import type { FiberWorker } from "../workers/fiberWorker.ts"
import type { Line } from "../workers/wire.ts"
import type { Alarm } from "./alarm.ts"
import type { AsyncScopes } from "./asyncScopes.ts"
import type { Attempts } from "./attempts.ts"
import type { Inputs } from "./inputs.ts"
import type { Mailbox } from "./mailbox.ts"
import type { Carrier } from "./outbox.ts"
import { overdueLine } from "./overdue.ts"
import type { Waits } from "./waiters.ts"

/** The receivers of instructions. They are made after this, because they use the engine. */
interface Addressees {
  readonly alarm: Pick<Alarm, "set">
  readonly copies: Pick<Copies, "make">
  readonly crew: Pick<Crew, "bury" | "depart" | "start">
  readonly mailbox: Pick<Mailbox, "ended">
  readonly waits: Pick<Waits, "end">
}

export class Carrying implements Carrier {
  private readonly to: Addressees
  private readonly state: State
  private readonly workers: ReadonlyArray<FiberWorker>
  private readonly scopes: AsyncScopes
  private readonly inputs: Inputs
  private readonly attempts: Attempts
  private readonly line: Line | undefined
  private readonly warn: (line: string) => void

  constructor(
    to: Addressees,
    state: State,
    workers: ReadonlyArray<FiberWorker>,
    scopes: AsyncScopes,
    inputs: Inputs,
    attempts: Attempts,
    line: Line | undefined,
    warn: (line: string) => void
  ) {
    this.to = to
    this.state = state
    this.workers = workers
    this.scopes = scopes
    this.inputs = inputs
    this.attempts = attempts
    this.line = line
    this.warn = warn
  }

  start(task: TaskId, attempt: number): void {
    if (this.line === undefined) this.startNow(task, attempt)
    else this.line.carry("Start", task, attempt, () => this.startNow(task, attempt))
  }

  private startNow(task: TaskId, attempt: number): void {
    const { index, submission, worker } = this.state.tasks
    if (this.inputs.haveBeenLost) {
      // The worker to which it was sent was lost before it began.
      if (!isPresent(this.state, task, attempt)) return
      if (!this.inputs.areThere(task) && !this.attempts.isStopping(task, attempt)) {
        return this.to.mailbox.ended(task, attempt, { _tag: "InputsLost", inputs: this.inputs.missing(task) })
      }
    }
    const plan = submission[task]!.plan as LivePlan
    const place = index[task]!
    const to = this.workers[worker[task]!]!
    const { asyncScope } = runOf(plan, place)
    if (this.scopes.isIn(asyncScope)) to.start(task, attempt, plan, place)
    else asyncScope.runInAsyncScope(() => to.start(task, attempt, plan, place))
  }

  carryOut(instruction: Instruction): void {
    const { scopes: { layer }, to } = this
    switch (instruction._tag) {
      case "Stop": {
        const stop = (): void => this.workers[instruction.worker]!.stop(instruction)
        return this.line === undefined ? stop() : this.line.carryOut(instruction, stop)
      }
      case "Finalize": {
        const finalize = (): void => this.workers[instruction.worker]!.finalize(instruction)
        return this.line === undefined ? finalize() : this.line.carryOut(instruction, finalize)
      }
      case "Copy":
        return to.copies.make(instruction)
      case "WaitEnded": {
        const end = (): void => to.waits.end(instruction.wait, instruction.starved)
        return this.line === undefined ? end() : this.line.carryLast(end)
      }
      case "WakeAt":
        // Most stopping attempts have stopped by now: no alarm for a time that is no longer requested.
        if (instruction.at !== this.state.timers.wakeAt) return
        return layer.runInAsyncScope(() => to.alarm.set(instruction.at))
      case "Overdue":
        return this.scopes.of(instruction.task).runInAsyncScope(() => this.warnOverdue(instruction))
      case "StartWorker":
        return layer.runInAsyncScope(() => to.crew.start())
      case "WorkerLeft":
        return layer.runInAsyncScope(() => to.crew.depart())
      case "WorkerExpired":
        return layer.runInAsyncScope(() => to.crew.bury())
      default:
        return
    }
  }

  private warnOverdue(overdue: Overdue): void {
    const { attempt, task, worker } = overdue
    if (!this.attempts.isStopping(task, attempt)) return
    this.warn(overdueLine(this.state, overdue, this.workers[worker]!.obstacleOf(task)))
  }
}
