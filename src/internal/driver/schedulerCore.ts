/**
 * The scheduler actor: its parts, and which of them uses which.
 *
 * A part is given the parts that it uses, which are made before it. Three are made before parts that they use: `Life`, `Crew` and
 * `Carrying` are given the scheduler, by the name of what they use of it.
 *
 * @internal
 */
import { workersOf } from "../../engine/views/workers.ts"
import type { Home } from "../bodies/home.ts"
import { View } from "../views/view.ts"
import { Copies } from "../workers/copying.ts"
import { Crew } from "../workers/crew.ts"
import { Sharing } from "../workers/sharing.ts"
import { Alarm } from "./alarm.ts"
import { AsyncScopes } from "./asyncScopes.ts"
import { Attempts } from "./attempts.ts"
import { Caching } from "./caching.ts"
import { Carrying } from "./carrying.ts"
import { Computes } from "./computes.ts"
import { Desk } from "./desk.ts"
import { Detached } from "./detached.ts"
import { Expansion } from "./expansion.ts"
import { Ground } from "./ground.ts"
import { Inputs } from "./inputs.ts"
import { Life } from "./life.ts"
import { LiveEngine } from "./liveEngine.ts"
import { Mailbox } from "./mailbox.ts"
import { Observers } from "./observers.ts"
import { Outbox } from "./outbox.ts"
import { Owners } from "./ownership.ts"
import { Published } from "./published.ts"
import { Reports } from "./reports.ts"
import { Retrying } from "./retrying.ts"
import { Settling } from "./settling.ts"
import { Streams } from "./streams.ts"
import { Submissions } from "./submissions.ts"
import { Waits } from "./waiters.ts"

export class SchedulerCore extends Ground implements Home {
  readonly home: Home = this
  readonly observers = new Observers(this.warn, this.time)
  readonly view = new View(this.state, this.workers, this.failures, this.atHome, this.time)
  readonly scopes = new AsyncScopes(this.state)
  readonly attempts = new Attempts(this.state)
  readonly inputs = new Inputs(this.state, this.workers, this.view)
  readonly live = new LiveEngine(this, this.state, this.view, this.attempts)
  readonly life = new Life(this)
  readonly sharing = new Sharing(this.state, (f) => this.wire.defer(f))
  readonly crew = new Crew(this)
  readonly desk = new Desk(this.view, this.state, this.crew, this.life)
  readonly caching = new Caching(this.state, this.desk)
  readonly outbox = new Outbox(
    this.workers,
    this.crew,
    this.failures,
    this.schedules,
    this.atHome,
    this.view,
    this.caching
  )
  readonly carrying = new Carrying(
    this,
    this.state,
    this.workers,
    this.scopes,
    this.inputs,
    this.attempts,
    this.caching,
    this.schedules,
    this.atHome,
    this.wire,
    this.desk
  )
  readonly mailbox = new Mailbox(
    this.state,
    this.log,
    this.outbox,
    this.carrying,
    this.observers,
    this.life,
    this.time,
    this.scopes,
    this.dispatcher,
    this.wire,
    this.tape,
    this.sizeOf,
    this.sharing
  )
  readonly alarm = new Alarm(this.context, this.time, this.mailbox, this.life)
  readonly copies = new Copies(this.mailbox, this.state, this.workers, this.desk, this.time)
  readonly expansion = new Expansion(this.mailbox, this.live, this.attempts, this.time)
  readonly settling = new Settling(this.mailbox, this.outbox, this.failures, this.state, this.time)
  readonly waits = new Waits(this, this.mailbox, this.life, this.view, this.attempts, this.state, this.time)
  readonly retrying = new Retrying(
    this,
    this.waits,
    this.schedules,
    this.attempts,
    this.workers,
    this.life,
    this.time
  )
  readonly reports = new Reports(
    this.mailbox,
    this.attempts,
    this.retrying,
    this.waits,
    this.expansion,
    this.caching,
    this.failures,
    this.inputs,
    this.desk,
    this.atHome,
    this.workers,
    this.state,
    this.time,
    this.warn
  )
  readonly owners = new Owners(this, this.mailbox, this.waits, this.view, this.attempts, this.state, this.time)
  readonly published = new Published(this.owners)
  readonly submissions = new Submissions(
    this,
    this.mailbox,
    this.life,
    this.waits,
    this.owners,
    this.observers,
    this.view,
    this.live,
    this.time,
    this.pieces,
    this.warn
  )
  readonly computes = new Computes(
    this,
    this.submissions,
    this.owners,
    this.waits,
    this.life,
    this.observers,
    this.view,
    this.desk,
    this.live,
    this.state
  )
  readonly streams = new Streams(
    this.submissions,
    this.owners,
    this.waits,
    this.mailbox,
    this.life,
    this.live,
    this.time
  )
  readonly detached = new Detached(
    this,
    this.life,
    this.mailbox,
    this.submissions,
    this.owners,
    this.waits,
    this.view,
    this.time
  )

  constructor(...ground: ConstructorParameters<typeof Ground>) {
    super(...ground)
    this.wire.opened()
  }

  slots(): number {
    return workersOf(this.state).reduce((sum, { phase, slots }) => phase === "open" ? sum + slots : sum, 0)
  }
}
