/**
 * The wire between the scheduler and its workers in a world: a seed decides when messages arrive and which bodies get faults.
 *
 * @internal
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import type { WorkerId } from "../../engine/protocol/ids.ts"
import { keyAt } from "../../engine/protocol/Registered.ts"
import type { Registered } from "../../engine/protocol/Registered.ts"
import type { Transition } from "../../engine/protocol/Transition.ts"
import { takersOf, workersOf } from "../../engine/views/workers.ts"
import type { SchedulerCore } from "../../internal/driver/schedulerCore.ts"
import { Pieces } from "../../internal/settings/turn.ts"
import { inLine } from "../../internal/text/text.ts"
import { FiberWorker } from "../../internal/workers/fiberWorker.ts"
import type { Setup, WorkerPort } from "../../internal/workers/port.ts"
import { direct, Wiring } from "../../internal/workers/wire.ts"
import type { Wire } from "../../internal/workers/wire.ts"
import type { Chance } from "../Chance.ts"
import type { Carried, Carrier, MakePort } from "./carriedPort.ts"
import { faulty, plainKey, Sites } from "./faults.ts"
import type { FaultPlan, Hanging } from "./faults.ts"
import { hash } from "./hash.ts"
import { wrong } from "./leftovers.ts"
import type { World } from "./world.ts"

/** Thousands of failing runs would log too much. */
export const quiet = Effect.provideService(References.MinimumLogLevel, "None")

/** Runs schedulers in a world in which the pump takes one step at a time, and messages arrive at once. */
export const stepByStep = <A, E, R>(self: Effect.Effect<A, E, R>, world: World): Effect.Effect<A, E, R> =>
  Effect.provideService(self, Wiring, () => ({ ...direct, defer: (pump) => world.later(pump), instructions: 1 }))

/**
 * A problem of a run.
 *
 * - `mismatch`: a result is not what the interpreter says.
 * - `program`: the program failed or died.
 * - `invariant`: the scheduler's tables contradict each other.
 * - `leftover`: something is left in the scheduler, or still running.
 * - `stall`: nothing can go on, or it goes on for ever.
 * - `crash`: the scheduler died.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Problem {
  readonly kind: "mismatch" | "program" | "invariant" | "leftover" | "stall" | "crash"
  readonly text: string
}

/** Large submissions are too dear for a simulation, so small ones go in turns of one step. */
export const eachStep: Pieces = { atOnce: 1, steps: 1, perTurn: 1 }

/** The wire between the scheduler and its workers in a simulation, which watches both. */
export class Rails implements Wire, Carrier {
  core: SchedulerCore | undefined
  events = 0
  print = 0
  readonly instructions: number
  /** Walks have turns of one step where the pump has turns of one instruction. */
  readonly pieces: Pieces
  readonly problems: Array<Problem> = []
  readonly story: Array<string> = []
  private readonly world: World
  private readonly chance: Chance
  private readonly plan: FaultPlan
  private readonly hanging: Hanging
  private readonly isLate: boolean
  private readonly checkEvery: number
  private readonly tells: boolean
  private readonly makePort: MakePort
  /** Messages on their way, by worker. */
  private readonly toWorkers = new Map<number, Array<() => void>>()
  private readonly fromWorkers = new Map<number, Array<() => void>>()
  private readonly sites = new Sites()
  /** Cancels the pending losses. */
  private readonly ahead = new Set<() => void>()
  /** How many workers have been named, including those of the layer. */
  private workers = 2
  /** Of workers that have joined. */
  private readonly scope = Scope.makeUnsafe()

  constructor(
    { chance, checkEvery, hanging, makePort, plan, tells, world }: {
      readonly world: World
      readonly chance: Chance
      readonly plan: FaultPlan
      readonly hanging: Hanging
      readonly checkEvery: number
      readonly tells: boolean
      readonly makePort: MakePort
    }
  ) {
    this.world = world
    this.chance = chance
    this.plan = plan
    this.hanging = hanging
    this.checkEvery = checkEvery
    this.tells = tells
    this.makePort = makePort
    this.instructions = chance.pick([Infinity, 1, 3])
    this.pieces = this.instructions === 1 ? eachStep : Pieces.defaultValue()
    this.isLate = chance.with(0.3)
  }

  readonly open: Wiring<SchedulerCore> = (core) => {
    this.core = core
    return this
  }

  opened(): void {
    this.core!.observers.listen((transition) => this.note(transition))
  }

  readonly worker = (setup: Setup): WorkerPort => this.makePort(setup, (inner) => new FaultyWorker(inner, this), this)

  isStopping(task: number, attempt: number): boolean {
    return this.core!.attempts.isStopping(task, attempt)
  }

  below(below: number): number {
    return this.chance.below(below)
  }

  private note({ cause, from, key, to, worker }: Transition): void {
    this.print = hash(`${plainKey(key)} ${to}`, this.print)
    if (!this.tells) return
    const where = worker === undefined ? "" : ` on ${worker}`
    this.tell(`${from === undefined ? "" : `${from} -> `}${to}${where} (${cause})`, key)
  }

  private tell(what: string, key: string): void {
    // Not the time of the transition: that is of the wall clock, which is set back and forth.
    this.story.push(`${this.world.now.toFixed(3)} ms  ${inLine(key)}: ${what}`)
  }

  applied(): void {
    this.events++
    if (this.problems.length === 0 && this.events % this.checkEvery === 0) this.inspect(this.core!)
  }

  inspect(core: SchedulerCore): void {
    for (const text of wrong(core)) {
      this.problems.push({ kind: "invariant", text: `after event ${this.events}: ${text}` })
    }
  }

  defer(pump: () => void): void {
    this.world.later(pump)
  }

  /** Messages between the scheduler and one worker keep their order, in each direction. */
  carry({ _tag, worker: { serial: worker } }: Carried, deliver: () => void): void {
    const channels = _tag === "Ended" || _tag === "Finalized" ? this.fromWorkers : this.toWorkers
    const channel = channels.get(worker)
    if (channel !== undefined) {
      channel.push(deliver)
      return
    }
    const queue = [deliver]
    channels.set(worker, queue)
    const next = (): void => {
      const first = queue.shift()
      if (first === undefined) {
        channels.delete(worker)
        return
      }
      first()
      this.soon(next)
    }
    this.soon(next)
  }

  afterMessages(deliver: () => void): void {
    let ahead = this.toWorkers.size
    if (ahead === 0) return deliver()
    const pass = (): void => {
      if (--ahead === 0) deliver()
    }
    for (const channel of this.toWorkers.values()) channel.push(pass)
  }

  private soon(deliver: () => void): void {
    if (!this.isLate || !this.chance.with(0.2)) return this.world.later(deliver)
    // A little late: other fibers may sleep and wake meanwhile.
    this.world.wakeAt(this.world.now + 0.001 * this.chance.between(1, 9), deliver)
  }

  /** Now, or so much later that the attempt may be over and the result be what is lost. */
  private vanishLater(core: SchedulerCore, worker: WorkerId, detail: number): void {
    const delay = [0, 0.37, 3.37, 20.37][detail % 4]!
    const stop = this.world.wakeAt(this.world.now + delay, () => {
      this.ahead.delete(stop)
      this.vanish(core, worker)
    })
    this.ahead.add(stop)
  }

  /** A body whose worker vanishes before it first yields: there it is stopped. */
  private outlived(site: string): Effect.Effect<void> {
    const text = `the attempt ${site} goes on though its worker was lost`
    return Effect.andThen(Effect.yieldNow, Effect.sync(() => void this.problems.push({ kind: "leftover", text })))
  }

  /** Returns whether it was there. */
  private vanish(core: SchedulerCore, worker: WorkerId): boolean {
    const record = workersOf(core.state).find(({ serial }) => serial === worker)
    if (record === undefined || record.phase === "lost") return false
    const { index, name, slots } = record
    if (this.tells) this.tell("vanishes", name)
    core.crew.lose(core.workers[index]!)
    // Another worker is there that runs all tasks, or replaces it.
    if (takersOf(core.state).some(({ kind }) => kind === "local")) return true
    const posting = { id: `w${++this.workers}`, slots, labels: [], terms: {}, onStart: undefined }
    const joins = Effect.provideService(Effect.orDie(core.crew.add(posting)), Scope.Scope, this.scope)
    Effect.runForkWith(this.world.context(Context.empty()))(joins)
    return true
  }

  /** Lets no worker vanish any more. */
  settle(): void {
    for (const stop of this.ahead) stop()
    this.ahead.clear()
  }

  /** What an attempt runs in place of `body`. */
  bodyOn(
    worker: WorkerId,
    body: Effect.Effect<unknown, unknown>,
    submission: Registered,
    index: number,
    number: number
  ): Effect.Effect<unknown, unknown> {
    const core = this.core!
    const site = this.sites.of(submission, index, number)
    const isSecond = this.plan.happened.has(site)
    const fault = this.plan.at(site)
    // The attempt after a loss has the number of the lost one.
    if (fault === undefined || (fault.kind === "vanish" && isSecond)) return body
    fault.key = keyAt(submission, index)
    if (this.tells) this.tell(`fault ${fault.kind}`, fault.key)
    if (fault.kind === "vanish") {
      if (fault.detail % 5 === 4) return Effect.suspend(() => this.vanish(core, worker) ? this.outlived(site) : body)
      this.vanishLater(core, worker, fault.detail)
    }
    return faulty(fault, body, this.hanging)
  }
}

/** Runs bodies with faults. */
class FaultyWorker extends FiberWorker {
  protected override readonly around: FiberWorker["around"]

  constructor(setup: Setup, rails: Rails) {
    super(setup)
    this.around = (body, submission, index, number) => rails.bodyOn(this.serial, body, submission, index, number)
  }
}
