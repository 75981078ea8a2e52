/**
 * A port that wraps a port: what is said and reported of attempts, and of what they acquired for their results, passes
 * `carry`, which delivers it now or later. What is told of results arrives at once.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Finalize, Stop } from "../../engine/protocol/Instruction.ts"
import { captureAsyncScope } from "../../internal/platform/asyncScope.ts"
import type { Setup, WorkerPort, WorkerReports } from "../../internal/workers/port.ts"
import { PortAround } from "./portAround.ts"

/** What is carried. */
export interface Carried {
  readonly _tag: "Start" | "Stop" | "Finalize" | "Ended" | "Finalized"
  readonly task: TaskId
  /** By the time a `Stop` is sent the attempt may have ended, and the task's row may belong to another. */
  readonly attempt: number
  readonly worker: WorkerPort
}

/** How messages are carried. */
export interface Carrier {
  readonly carry: (message: Carried, deliver: () => void) => void
  /** Whether an attempt whose start arrives was cancelled meanwhile: then its body never runs. */
  readonly isStopping: (task: TaskId, attempt: number) => boolean
  /** Draws a number below `below`, for ports that differ. */
  readonly below: (below: number) => number
}

/** Makes the port around a worker. */
export type MakePort = (setup: Setup, make: (setup: Setup) => WorkerPort, carrier: Carrier) => WorkerPort

/** The ports of a simulation. */
export const Ports = Context.Reference<MakePort>("skein/testing/Ports", {
  defaultValue: () => (setup, make, carrier) => new CarriedPort(setup, make, carrier)
})

export class CarriedPort extends PortAround {
  protected readonly inner: WorkerPort
  private readonly reports: WorkerReports
  private readonly carrier: Carrier

  constructor(setup: Setup, make: (setup: Setup) => WorkerPort, carrier: Carrier) {
    super()
    this.carrier = carrier
    this.reports = this.carried(setup.reports)
    this.inner = make({ ...setup, reports: this.reports })
  }

  private carried(to: WorkerReports): WorkerReports {
    const ended = (task: TaskId, attempt: number, deliver: () => void): void =>
      this.carrier.carry({ _tag: "Ended", task, attempt, worker: this }, deliver)
    return {
      endedAtOnce: (task, attempt, value) => ended(task, attempt, () => to.succeeded(task, attempt, value)),
      succeeded: (task, attempt, value) => ended(task, attempt, () => to.succeeded(task, attempt, value)),
      handedOver: (task, attempt, value, micros) =>
        ended(task, attempt, () => to.handedOver(task, attempt, value, micros)),
      // Each is on its way by itself.
      together: (count, report) => {
        for (let i = 0; i < count; i++) report(i)
      },
      failed: (task, attempt, cause) => ended(task, attempt, () => to.failed(task, attempt, cause)),
      expanded: (task, attempt, returned) => ended(task, attempt, () => to.expanded(task, attempt, returned)),
      finalized: (task, attempt) =>
        this.carrier.carry({ _tag: "Finalized", task, attempt, worker: this }, () => to.finalized(task, attempt)),
      began: (task, attempt) => ended(task, attempt, () => to.began(task, attempt)),
      unbegun: (task, attempt) => ended(task, attempt, () => to.unbegun(task, attempt)),
      kept: (task, attempt, size) => ended(task, attempt, () => to.kept(task, attempt, size)),
      inputsLost: (task, attempt, inputs) => ended(task, attempt, () => to.inputsLost(task, attempt, inputs)),
      // At once, as what a body asks.
      stopCame: (stop, hearing) => to.stopCame(stop, hearing),
      bodyEnded: (attempt) => to.bodyEnded(attempt),
      attemptEnded: (attempt) => to.attemptEnded(attempt),
      copied: (copy) => to.copied(copy),
      fetched: (request, value) => to.fetched(request, value),
      missing: (request) => to.missing(request),
      overdue: (order, obstacle) => to.overdue(order, obstacle)
    }
  }

  override start(...message: Parameters<WorkerPort["start"]>): void {
    const [task, attempt] = message
    const asyncScope = captureAsyncScope()
    this.carrier.carry({ _tag: "Start", task, attempt, worker: this }, () => {
      if (this.carrier.isStopping(task, attempt)) this.reports.failed(task, attempt, Cause.interrupt())
      else asyncScope.runInAsyncScope(() => this.inner.start(...message))
    })
  }

  override stop(order: Stop): void {
    const { attempt, task } = order
    this.carrier.carry({ _tag: "Stop", task, attempt, worker: this }, () => this.inner.stop(order))
  }

  override finalize(order: Finalize): void {
    const { attempt, task } = order
    this.carrier.carry({ _tag: "Finalize", task, attempt, worker: this }, () => this.inner.finalize(order))
  }
}
