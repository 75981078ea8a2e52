/**
 * The scheduler actor: its parts, and which of them uses which.
 *
 * Those that stand lower are there first. The few that use what comes later, as instructions and the end of the scheduler do,
 * are given the scheduler by the name of what they use of it.
 *
 * @internal
 */
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as FiberScheduler from "effect/Scheduler"
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Limits, SchedulerSettings } from "../../engine/protocol/Settings.ts"
import type { Log } from "../../engine/protocol/Transition.ts"
import { make as makeState } from "../../engine/state/State.ts"
import type { State } from "../../engine/state/State.ts"
import type { Home } from "../bodies/home.ts"
import type { Step } from "../bodies/retries.ts"
import { Time } from "../platform/time.ts"
import { measured } from "../settings/fairness.ts"
import type { SizeOf } from "../settings/fairness.ts"
import { safe } from "../settings/schemes.ts"
import { warning } from "../text/warnings.ts"
import { View } from "../views/view.ts"
import { Copies } from "../workers/copying.ts"
import { Crew } from "../workers/crew.ts"
import type { FiberWorker } from "../workers/fiberWorker.ts"
import { Line, Wire } from "../workers/wire.ts"
import { Alarm } from "./alarm.ts"
import { AsyncScopes } from "./asyncScopes.ts"
import { Attempts } from "./attempts.ts"
import { Caching } from "./caching.ts"
import { Causes } from "./causes.ts"
import { Computes } from "./computes.ts"
import { Detached } from "./detached.ts"
import { Expansion } from "./expansion.ts"
import { Inputs } from "./inputs.ts"
import { Life } from "./life.ts"
import { LiveEngine } from "./liveEngine.ts"
import { Mailbox } from "./mailbox.ts"
import { Observers } from "./observers.ts"
import { Orders } from "./orders.ts"
import { Outbox } from "./outbox.ts"
import { Owners } from "./ownership.ts"
import { Settling } from "./settling.ts"
import { Submissions } from "./submissions.ts"
import { Taping } from "./tape.ts"
import type { Tape } from "./tape.ts"
import { Waits } from "./waiters.ts"

let cores = 0

/** What a scheduler stands on: its tables, its clock, and where it logs. */
class Ground {
  readonly name = `scheduler${++cores}`
  readonly context: Context.Context<never>
  readonly time: Time
  readonly state: State
  readonly limits: Limits
  /** Where the engine writes transitions. */
  readonly log: { -readonly [K in keyof Log]: Log[K] } = { tasks: undefined, workers: undefined }
  readonly workers: Array<FiberWorker> = []
  readonly causes = new Causes()
  /** The values of literals that are the results of other tasks, too: no worker holds them. */
  readonly adopted = new Map<TaskId, unknown>()
  readonly schedules = new Map<TaskId, Step>()
  readonly line: Line | undefined
  protected readonly tape: Tape | undefined
  protected readonly sizeOf: SizeOf | undefined
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
    this.state = makeState({ ...settings, scheme: safe(settings.scheme, this.warn) })
    this.limits = settings.limits
    this.sizeOf = sizeOf && measured(sizeOf, this.warn)
    this.dispatcher = fibers.makeDispatcher()
    this.tape = Context.get(context, Taping)?.(settings)
    const wire = Context.get(context, Wire)
    this.line = wire && new Line(wire, this)
  }

  readonly warn = (...line: ReadonlyArray<unknown>): void => {
    Effect.runForkWith(this.context)(warning(...line))
  }
}

export class SchedulerCore extends Ground implements Home {
  readonly home: Home = this
  readonly observers = new Observers(this.warn, this.time)
  readonly view = new View(this.state, this.workers, this.causes, this.adopted, this.time)
  readonly scopes = new AsyncScopes(this.state)
  readonly attempts = new Attempts(this.state)
  readonly inputs = new Inputs(this.state, this.workers, this.view)
  readonly caching = new Caching(this.state)
  readonly live = new LiveEngine(this, this.state, this.view, this.attempts)
  readonly life = new Life(this)
  readonly crew = new Crew(this)
  readonly outbox = new Outbox(
    this.workers,
    this.crew,
    this.causes,
    this.schedules,
    this.adopted,
    this.view,
    this.caching
  )
  private readonly orders = new Orders(
    this,
    this.state,
    this.workers,
    this.scopes,
    this.inputs,
    this.attempts,
    this.line,
    this.warn
  )
  readonly mailbox = new Mailbox(
    this.state,
    this.log,
    this.outbox,
    this.orders,
    this.observers,
    this.life,
    this.time,
    this.scopes,
    this.dispatcher,
    this.line,
    this.tape,
    this.sizeOf
  )
  readonly alarm = new Alarm(this.context, this.time, this.mailbox, this.life)
  readonly copies = new Copies(this.mailbox, this.state, this.workers, this.time)
  readonly expansion = new Expansion(this.mailbox, this.live, this.attempts, this.time, this.line)
  readonly settling = new Settling(this.mailbox, this.outbox, this.causes, this.state, this.time)
  readonly waits = new Waits(this, this.mailbox, this.life, this.view, this.attempts, this.state, this.time)
  readonly owners = new Owners(this, this.mailbox, this.waits, this.view, this.attempts, this.state, this.time)
  readonly submissions = new Submissions(
    this,
    this.mailbox,
    this.life,
    this.waits,
    this.owners,
    this.observers,
    this.view,
    this.live
  )
  readonly computes = new Computes(
    this.submissions,
    this.owners,
    this.waits,
    this.life,
    this.observers,
    this.view,
    this.live,
    this.state
  )
  readonly detached = new Detached(
    this,
    this.mailbox,
    this.submissions,
    this.owners,
    this.waits,
    this.view,
    this.time
  )

  constructor(...ground: ConstructorParameters<typeof Ground>) {
    super(...ground)
    this.line?.open()
  }
}
