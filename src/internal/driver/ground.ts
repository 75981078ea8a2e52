/**
 * The base of a scheduler: its tables, its clock and its log.
 *
 * @internal
 */
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as FiberScheduler from "effect/Scheduler"
import { make } from "../../engine/Engine.ts"
import type { Engine } from "../../engine/protocol/Engine.ts"
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Limits, SchedulerSettings } from "../../engine/protocol/Settings.ts"
import type { Log } from "../../engine/protocol/Transition.ts"
import type { Step } from "../bodies/retries.ts"
import { Time } from "../platform/time.ts"
import { measured } from "../settings/fairness.ts"
import type { SizeOf } from "../settings/fairness.ts"
import { safe } from "../settings/schemes.ts"
import { Pieces } from "../settings/turn.ts"
import { warning } from "../text/warnings.ts"
import { HomeResults } from "../workers/homeResults.ts"
import type { WorkerPort } from "../workers/port.ts"
import { Wiring } from "../workers/wire.ts"
import type { Wire } from "../workers/wire.ts"
import { Failures } from "./failures.ts"
import { Taping } from "./tape.ts"
import type { Tape } from "./tape.ts"

let cores = 0

export class Ground {
  readonly name = `scheduler${++cores}`
  readonly context: Context.Context<never>
  readonly time: Time
  readonly state: Engine
  readonly limits: Limits
  /** Where the engine writes transitions. */
  readonly log: { -readonly [K in keyof Log]: Log[K] } = { tasks: undefined, workers: undefined }
  readonly workers: Array<WorkerPort> = []
  readonly failures = new Failures()
  /** The values of results that no worker holds, but for those of literals. */
  readonly atHome = new HomeResults()
  readonly schedules = new Map<TaskId, Step>()
  readonly wire: Wire
  protected readonly pieces: Pieces
  protected readonly tape: Tape | undefined
  readonly sizeOf: SizeOf | undefined
  protected readonly dispatcher: FiberScheduler.SchedulerDispatcher

  constructor(
    context: Context.Context<never>,
    clock: Clock.Clock,
    fibers: FiberScheduler.Scheduler,
    settings: SchedulerSettings,
    sizeOf: SizeOf | undefined
  ) {
    this.context = context
    this.time = new Time(clock)
    this.state = make({ ...settings, scheme: safe(settings.scheme, this.warn) })
    this.limits = settings.limits
    this.sizeOf = sizeOf && measured(sizeOf, this.warn)
    this.dispatcher = fibers.makeDispatcher()
    this.tape = Context.get(context, Taping)?.(settings)
    this.pieces = Context.get(context, Pieces)
    this.wire = Context.get(context, Wiring)(this)
  }

  readonly warn = (...line: ReadonlyArray<unknown>): void => {
    Effect.runForkWith(this.context)(warning(...line))
  }
}
