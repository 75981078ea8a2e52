/**
 * Attempts whose inputs stay with other workers: the inputs are fetched before the attempt goes to a worker that takes values only.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import type { LostInput } from "../../engine/protocol/Event.ts"
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Stop, TakeBack } from "../../engine/protocol/Instruction.ts"
import type { WorkerReports } from "../workers/port.ts"
import type { Attempts } from "./attempts.ts"
import type { Desk } from "./desk.ts"
import type { Inputs } from "./inputs.ts"

export class Gathering {
  /** The attempts whose inputs are on their way. */
  private readonly open = new Set<number>()
  private readonly desk: Desk
  private readonly inputs: Inputs
  private readonly attempts: Attempts

  constructor(desk: Desk, inputs: Inputs, attempts: Attempts) {
    this.desk = desk
    this.inputs = inputs
    this.attempts = attempts
  }

  /** Fetches the inputs of an attempt that stay with workers, and then calls `start`. Returns whether there were any. */
  begin(task: TaskId, attempt: number, reports: Pick<WorkerReports, "inputsLost">, start: () => void): boolean {
    const away = this.inputs.away(task)
    if (away.length === 0) return false
    this.open.add(attempt)
    const lost: Array<LostInput> = []
    let left = away.length
    for (const { from, place } of away) {
      this.desk.fetch(from, (found) => {
        if (found === undefined) lost.push({ place, holder: from.holder.serial })
        if (--left > 0 || !this.open.delete(attempt) || !this.attempts.isPresent(task, attempt)) return
        if (lost.length === 0) start()
        else reports.inputsLost(task, attempt, lost)
      })
    }
    return true
  }

  /** The attempts among these whose inputs are there: their bodies may have begun. */
  withInputs(attempts: ReadonlyArray<number>): ReadonlyArray<number> {
    return attempts.filter((attempt) => !this.open.has(attempt))
  }

  /** Whether the inputs of any attempt are on their way. */
  get isBusy(): boolean {
    return this.open.size > 0
  }

  /** Ends an attempt whose inputs are on their way. Returns whether they are. */
  stop({ attempt, task }: Stop, reports: Pick<WorkerReports, "failed">): boolean {
    if (this.open.size === 0 || !this.open.delete(attempt)) return false
    reports.failed(task, attempt, Cause.interrupt())
    return true
  }

  /** Gives an attempt back whose inputs are on their way. Returns whether they are. */
  takeBack({ attempt, task }: TakeBack, reports: Pick<WorkerReports, "unbegun">): boolean {
    if (!this.open.delete(attempt)) return false
    reports.unbegun(task, attempt)
    return true
  }
}
