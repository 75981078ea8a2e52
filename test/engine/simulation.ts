/**
 * A driver without fibers that lives through a random life: it carries out what the engine asks, and lets happen what
 * may happen to a scheduler. After each step the invariants are tested and the naive model is asked for its opinion.
 */
import { inspect, isDeepStrictEqual } from "node:util"
import { check } from "../../src/engine/check/check.ts"
import { factsOf } from "../../src/engine/check/facts.ts"
import { isQueued } from "../../src/engine/dispatch/keepers.ts"
import { suits, wantedOf } from "../../src/engine/dispatch/placement.ts"
import * as Engine from "../../src/engine/Engine.ts"
import { isSpent as isSpentIn } from "../../src/engine/life/spent.ts"
import type {
  Ending,
  Event,
  GraphSubmitted,
  LostInput,
  PauseTarget,
  Rate,
  Succession,
  TaskSettled,
  Terms,
  WaitMode
} from "../../src/engine/protocol/Event.ts"
import { fairnessOf, inOrder } from "../../src/engine/protocol/fairness.ts"
import type { Fairness } from "../../src/engine/protocol/fairness.ts"
import type { TaskId, WorkerId } from "../../src/engine/protocol/ids.ts"
import type { Finalize, Instruction } from "../../src/engine/protocol/Instruction.ts"
import { Flag, hasEnded as hasEndedPhase, isFailed, Phase } from "../../src/engine/protocol/Phase.ts"
import type { Demand, Plan, Reference, Settings, WorkerKind } from "../../src/engine/protocol/Plan.ts"
import { rules } from "../../src/engine/protocol/policies.ts"
import type { Group, Policy } from "../../src/engine/protocol/policies.ts"
import { isBeyond, originsOf } from "../../src/engine/protocol/Registered.ts"
import { defaultLimits } from "../../src/engine/protocol/Settings.ts"
import type { Scheme } from "../../src/engine/protocol/Settings.ts"
import type { Transition } from "../../src/engine/protocol/Transition.ts"
import { findClaim } from "../../src/engine/state/claims.ts"
import { dependencyRows } from "../../src/engine/state/dependencies.ts"
import { isGivenValue, placeOf, settingsOf } from "../../src/engine/state/lookups.ts"
import type { Claim } from "../../src/engine/state/Owner.ts"
import { allAliases, allExtras, extrasOf } from "../../src/engine/state/rare.ts"
import { runsOf } from "../../src/engine/state/runs.ts"
import * as State from "../../src/engine/state/State.ts"
import type { Place } from "../../src/engine/state/Submission.ts"
import type { WorkerRecord } from "../../src/engine/state/WorkerRecord.ts"
import { reversedOf } from "../../src/engine/structures/edges.ts"
import { cancelOf } from "../../src/engine/views/claims.ts"
import { Chance } from "../chance.ts"
import { hasEnded, hasTaker } from "./model/facts.ts"
import type { Order, Task } from "./model/facts.ts"
import { Model } from "./model/Model.ts"
import { isReady } from "./model/policies.ts"
import { Narrator } from "./story.ts"

/** An attempt, as its worker sees it. */
interface Run {
  readonly task: TaskId
  readonly worker: WorkerId
  readonly attempt: number
  /** The attempt's own owner, of what its body submits. */
  owner: number | undefined
  closing: "not yet" | number | "done"
  stopping: boolean
  timedOut: boolean
  /** It has a slot, or had one; its body has begun; it was asked back. */
  hasSlot: boolean
  hasBegun: boolean
  isAskedBack: boolean
}

interface Owner {
  readonly id: number
  readonly claims: Array<Claim>
  /** The wait of a `compute`, which closes its owner at its end. */
  readonly wait: number | undefined
  isOpen: boolean
  /** It opens with its first submission that is not refused. */
  isNew: boolean
}

const workerNames = ["w0", "w1", "w2", "w3"]

const groupNames = ["g", "h"]
const shareNames = ["a", "b", "c"]
const labelsOf: Readonly<Record<string, ReadonlyArray<string>>> = { w0: ["x"], w1: ["x", "y"], w2: ["y"], w3: [] }

/** The common one in half of the lives. */
const schemes: ReadonlyArray<Scheme> = [
  "steady",
  "steady",
  "steady",
  "steady",
  "steady",
  "steady",
  "leastLoad",
  "lru",
  "plainRandom",
  "twoBin",
  "weighted",
  (workers, random) => random() < 0.1 ? -1 : Math.floor(random() * workers.length)
]

/** Thrown when the engine and the laws disagree. */
export class Disagreement extends Error {}

export class Simulation {
  readonly state: State.State
  /** Gets the same events without a log: with one, no task is plain. */
  readonly silent: State.State
  readonly model: Model
  readonly seed: number
  events = 0
  losses = 0
  readonly seen = new Map<string, number>()
  private readonly chance: Chance
  private readonly narrator: Narrator
  private readonly runs = new Map<number, Run>()
  /** The attempts whose finalizers run, for a result that is released. */
  private readonly finalizing = new Map<number, Finalize>()
  /** Workers that were silent for too long, and whose work has not been cleared away. */
  private readonly expired: Array<WorkerId> = []
  /** Workers that are to be started. */
  private readonly starting = new Set<WorkerId>()
  /** The plans that the engine without a log was given. */
  private readonly twins = new WeakMap<Plan, Plan>()
  /** Copies of results that are on their way, wanted or not. */
  private readonly copying = new Set<number>()
  private readonly owners = new Map<number, Owner>()
  /** Plans that were announced and are submitted later, if at all. */
  private readonly announcements = new Map<number, Pick<GraphSubmitted, "owner" | "plan" | "targets">>()
  private nextAnnounced = 1
  /** Tags that owners have limited, which may have closed since. */
  private readonly tagsOfOwners: Array<string> = []
  private readonly attemptsSeen: Array<Run> = []
  private readonly claims: Array<Claim> = []
  private readonly registered = new Map<Claim, Place>()
  private readonly log: Array<Transition> = []
  private now = 0
  private wakeAt = Infinity
  private next = 1
  /** How often all workers were replaced at the end. */
  private replaced = 0
  private readonly checkEvery: number
  /** In half of the lives tasks ask for more than a slot. */
  private readonly demands: boolean
  /** In some they name shares. */
  private readonly shares: boolean
  /** Where the model is to know of turns, nobody asks for amounts. */
  private readonly order: Order
  /** In half of them it is forgotten soon what results were made of. */
  private readonly isForgetful: boolean
  /** In some of them attempts are sent to workers ahead. */
  private readonly isFar: boolean
  /** In a quarter of them some workers have marks. */
  private readonly marks: boolean
  /** In half of them some workers run portable tasks only. */
  private readonly isMixed: boolean
  /** In half of them something is paused now and then, and tags have rates. */
  private readonly isDelayed: boolean
  /** In half of them some workers hand their results over. */
  private readonly isHandedOver: boolean

  constructor(seed: number, checkEvery = 1) {
    this.seed = seed
    // Of every third seed, submissions from outside share computations.
    const windowMillis = seed % 3 === 0 ? 5 : 0
    this.checkEvery = checkEvery
    this.chance = new Chance(seed)
    this.demands = this.chance.with(0.5)
    const overtakes = 1 + this.chance.below(6)
    this.isForgetful = this.chance.with(0.5)
    const lineage = this.isForgetful ? 1 + this.chance.below(3) : defaultLimits.lineage
    this.marks = this.chance.with(0.25)
    this.isFar = this.chance.with(0.5)
    this.isMixed = this.chance.with(0.5)
    this.isHandedOver = this.chance.with(0.5)
    this.shares = this.chance.with(0.3)
    const others = this.fairness()
    const isPlain = !this.shares && others === inOrder
    // In some of them the layer has a rate.
    const fairness = this.chance.with(0.12) ? fairnessOf({ ...others, rate: this.rate() }) : others
    this.isDelayed = this.chance.with(0.5)
    this.order = isPlain ? "ranks" : this.chance.with(0.7) ? "turns" : "any"
    const settings = {
      limits: { ...defaultLimits, lineage, overtakes },
      fairness,
      windowMillis,
      scheme: this.chance.pick(schemes)!,
      seed: this.chance.below(1000)
    }
    this.state = State.make(settings)
    this.silent = State.make(settings)
    // From the first query on the table of live tasks by key is kept up to date.
    if (seed % 2 === 0) runsOf(this.state, "")
    // So that the table of tasks is cut whenever it may be.
    for (const { tasks } of [this.state, this.silent]) tasks.kept = 0
    this.model = new Model({ fairness, lineage, order: this.order, overtakes, windowMillis })
    this.narrator = new Narrator(this.state)
    for (let i = 1 + this.chance.below(3); i > 0; i--) this.addWorker()
    if (this.chance.with(0.25)) this.openPool()
    this.openOwner()
  }

  /** Everything that happened, and what the engine asked for. */
  get story(): string {
    return this.narrator.lines.join("\n")
  }

  /** Lives through `count` random events, lets everything end, and closes. */
  live(count: number): void {
    this.begin(count)
    this.finish()
  }

  /** Lets `count` random events happen. */
  begin(count: number): void {
    const until = this.events + count
    for (let idle = 0; this.events < until && idle < 10_000; idle++) this.act()
  }

  /** Lets everything end, and closes. */
  finish(): void {
    this.comeToRest()
    this.countRuns()
    this.closeAll()
  }

  private send(event: Event): ReadonlyArray<Instruction> {
    const isNew = event._tag === "GraphSubmitted" && event.announced === undefined
    if (!isNew || !this.chance.with(0.3)) return this.sendAsIs(event)
    // Some of the rows are filled before the submission.
    const announced = this.announce(event)
    for (let count = this.chance.below(3); count > 0; count--) this.fill(announced)
    return this.sendAsIs({ ...event, announced })
  }

  private announce(
    { owner, plan, targets, wait }: Omit<GraphSubmitted, "_tag" | "attempt" | "now" | "parent">
  ): number {
    const announced = this.nextAnnounced++
    const claims = wait === undefined ? owner : undefined
    this.sendAsIs({ _tag: "GraphAnnounced", now: this.now, announced, plan, owner: claims, targets })
    return announced
  }

  private fill(announced: number): void {
    this.sendAsIs({ _tag: "RowsFilled", now: this.now, announced, rows: 1 + this.chance.below(4) })
  }

  private announceAlone(): void {
    const owner = this.chance.pick([...this.owners.values()].filter((each) => each.wait === undefined && each.isOpen))
    const { members, plan } = this.plan(1 + this.chance.below(6))
    const isClosed = plan.targets.every((target) => target >= 0) && members.every((member) => member >= 0)
    const isKeyed = [...plan.settings.values()].some(({ identity }) => identity !== undefined)
    if (owner === undefined || !isClosed || isKeyed) return
    const asked = { owner: owner.id, plan, targets: this.targetsOf(plan, members) }
    this.announcements.set(this.announce(asked), asked)
  }

  private goOnWithAnnounced(): void {
    const { chance } = this
    const [announced, asked] = chance.pick([...this.announcements]) ?? []
    if (announced === undefined || asked === undefined) return
    if (chance.with(0.6)) return this.fill(announced)
    this.announcements.delete(announced)
    if (chance.with(0.3)) {
      this.sendAsIs({ _tag: "GraphRecalled", now: this.now, announced })
      return
    }
    this.note("announced before")
    const from = { parent: -1, attempt: 0, announced }
    this.keep(this.owners.get(asked.owner)!, this.send({ _tag: "GraphSubmitted", now: this.now, ...asked, ...from }))
  }

  private sendAsIs(event: Event): ReadonlyArray<Instruction> {
    let out: ReadonlyArray<Instruction>
    try {
      out = Engine.step(this.state, event, { tasks: this.log, workers: undefined })
    } catch (defect) {
      this.narrator.lines.push(`> ${event._tag}`)
      throw this.disagree([`the engine died: ${(defect as Error).stack}`])
    }
    this.events++
    this.note(event._tag)
    this.narrator.tell(event, out)
    let problems = this.events % this.checkEvery === 0 ? check(this.state) : []
    if (problems.length === 0) problems = this.model.apply(this.state, event, out)
    if (problems.length === 0) problems = this.compare(event, out)
    if (problems.length > 0) throw this.disagree(problems)
    for (const { key, to } of this.log) if (to === "failed" || to === "upstreamFailed") this.noteReason(key)
    this.log.length = 0
    for (const instruction of out) {
      this.note(instruction._tag)
      const lacks = instruction._tag === "WaitEnded" ? instruction.starved?.map(([, , of]) => of) : undefined
      for (const of of new Set(lacks)) {
        if (of !== undefined) this.note(`starved of ${of}`)
      }
      this.carryOut(instruction)
    }
    for (let worker = this.expired.pop(); worker !== undefined; worker = this.expired.pop()) this.clearAway(worker)
    return out
  }

  /** The differences of the engine without a log. */
  private compare(event: Event, out: ReadonlyArray<Instruction>): ReadonlyArray<string> {
    const other = Engine.step(this.silent, "plan" in event ? { ...event, plan: this.twinOf(event.plan) } : event)
    if (!isDeepStrictEqual(other, out)) return [`T2: without a log the engine says ${inspect(other, { depth: 4 })}`]
    return this.events % (8 * this.checkEvery) === 0 ? check(this.silent) : []
  }

  /** An engine writes new rows of what is made anew into the plans that it was given: no two may share one. */
  private twinOf(plan: Plan): Plan {
    const twin = this.twins.get(plan) ?? { ...plan, targets: plan.targets.slice() }
    this.twins.set(plan, twin)
    return twin
  }

  /** For want of which worker a task ended, if it did. */
  private noteReason(key: string): void {
    for (const { reason, trail } of allExtras(this.state, "outcome").values()) {
      if (trail.task !== key || trail.from !== undefined) continue
      const tag = reason._tag === "Impossible"
        ? reason.why._tag
        : reason._tag === "Killed"
        ? reason.reason
        : reason._tag
      this.note(tag)
    }
  }

  private note(tag: string): void {
    this.seen.set(tag, (this.seen.get(tag) ?? 0) + 1)
  }

  private disagree(problems: ReadonlyArray<string>): Disagreement {
    const story = this.narrator.lines.slice(-80).join("\n")
    return new Disagreement(`seed ${this.seed}, event ${this.events}\n${story}\n\n${problems.join("\n")}`)
  }

  private carryOut(instruction: Instruction): void {
    switch (instruction._tag) {
      case "Start": {
        const { attempt, task, worker } = instruction
        const run: Run = {
          task,
          worker,
          attempt,
          owner: undefined,
          closing: "not yet",
          stopping: false,
          timedOut: false,
          hasSlot: instruction.ahead !== true,
          hasBegun: this.worker(worker)!.ahead === 0,
          isAskedBack: false
        }
        this.runs.set(attempt, run)
        this.attemptsSeen.push(run)
        if (this.worker(worker)!.kind === "remote") this.note("started on a remote worker")
        return
      }
      case "Stop": {
        const run = this.runs.get(instruction.attempt)!
        run.stopping = true
        run.timedOut = instruction.timedOut
        return
      }
      case "Begin":
        this.runs.get(instruction.attempt)!.hasSlot = true
        return
      case "TakeBack":
        this.runs.get(instruction.attempt)!.isAskedBack = true
        return
      case "Finalize":
        this.finalizing.set(instruction.attempt, instruction)
        return
      case "Copy":
        this.copying.add(instruction.copy)
        return
      case "WaitEnded":
        for (const run of this.runs.values()) if (run.closing === instruction.wait) run.closing = "done"
        return
      case "WakeAt":
        this.wakeAt = instruction.at
        return
      case "StartWorker":
        this.starting.add(instruction.worker)
        return
      case "WorkerExpired":
        this.losses++
        this.expired.push(instruction.worker)
        return
      default:
        return
    }
  }

  /** In half of the lives the layer says something about whose turn it is. */
  private fairness(): Fairness {
    const { chance } = this
    if (chance.with(0.5)) return inOrder
    const target = chance.below(5)
    return fairnessOf({
      sourceSaturation: chance.with(0.4) ? chance.pick([0.1, 0.5, 0.7])! : Infinity,
      budget: chance.with(0.4) ? { target, pause: target + chance.below(5) } : undefined,
      aging: chance.with(0.4) ? 1 + chance.below(5) : Infinity,
      weights: new Map(chance.with(0.5) ? [["a", 2], ["", 0.5]] : [])
    })
  }

  // What may happen.

  private act(): void {
    const busy = this.state.tasks.size > 40
    this.chance.weighted<() => void>([
      [busy ? 0 : 6, () => this.submit()],
      [busy ? 0 : 3, () => this.compute()],
      [busy ? 0 : 2, () => this.announceAlone()],
      [3, () => this.goOnWithAnnounced()],
      [busy || !this.isForgetful ? 0 : 5, () => this.lengthen()],
      [this.isForgetful ? 2 : 0, () => this.loseNewest()],
      [14, () => this.progress(this.chance.pick([...this.runs.values()]))],
      // Before what they miss is made anew.
      [
        10,
        () => this.progress(this.chance.pick([...this.runs.values()].filter((run) => this.madeSince(run).length > 0)))
      ],
      [5, () => this.finalize(this.chance.pick([...this.finalizing.values()]))],
      [6, () => this.wait()],
      [3, () => this.waitInVain()],
      [2, () => this.stand()],
      [4, () => this.waitForReport()],
      [3, () => this.giveUp()],
      [4, () => this.wantSlot()],
      [2, () => this.cancel()],
      [3, () => this.cancelAgain()],
      [0.7, () => this.settle()],
      [0.8, () => this.settleRun(this.chance.pick([...this.runs.values()].filter((run) => !run.stopping)))],
      [0.8, () => this.forceStopping()],
      [1.2, () => this.requestCopies()],
      [0.3, () => void this.send({ _tag: "RebalanceRequested", now: this.now })],
      [2.5, () => this.copied(this.chance.pick([...this.copying]))],
      [2, () => this.share()],
      [2, () => this.releaseClaim()],
      [1, () => this.closeOwner()],
      [1, () => this.openOwner()],
      [5, () => this.passTime()],
      [1, () => this.addWorker()],
      [4, () => this.startWorker()],
      [3, () => this.beat()],
      [0.4, () => this.drainWorker()],
      [0.4, () => this.limitTag()],
      [0.7, () => this.pause()],
      [0.9, () => this.resume()],
      [0.8, () => this.loseWorker()],
      [0.4, () => this.missResult()],
      [2, () => this.repeatOldNews()]
    ])()
    // Waits of a compute that are over close its owner.
    for (const owner of this.owners.values()) {
      if (owner.isOpen && owner.wait !== undefined && !this.model.waits.has(owner.wait)) this.close(owner)
    }
  }

  private openOwner(): void {
    if ([...this.owners.values()].filter((owner) => owner.isOpen).length < 5) this.open()
  }

  private open(wait?: number, opens: "now" | "with a submission" = "now"): Owner {
    const owner = this.newOwner(wait)
    const name = `owner${owner.id}`
    const limits = this.demands && this.chance.with(0.4)
      ? { tag: `of ${name}`, limit: 1 + this.chance.below(2) }
      : undefined
    if (limits !== undefined) this.tagsOfOwners.push(limits.tag)
    const group = this.isDelayed && this.chance.with(0.5) ? this.chance.pick(groupNames) : undefined
    // Half of those that may: a scope opens with its first submission that is not refused.
    owner.isNew = opens === "with a submission" && limits === undefined && group === undefined && owner.id % 2 === 0
    owner.isOpen = !owner.isNew
    if (owner.isOpen) this.send({ _tag: "OwnerOpened", now: this.now, owner: owner.id, name, limits, group })
    return owner
  }

  private newOwner(wait?: number): Owner {
    const owner: Owner = { id: this.next++, claims: [], wait, isOpen: true, isNew: false }
    this.owners.set(owner.id, owner)
    return owner
  }

  private close(owner: Owner, run?: Run): void {
    owner.isOpen = false
    const wait = this.next++
    if (run !== undefined) run.closing = wait
    this.send({
      _tag: "OwnerClosed",
      now: this.now,
      owner: owner.id,
      by: `owner${owner.id}`,
      reason: "closed",
      wait,
      waiter: run?.task ?? -1,
      attempt: run?.attempt ?? 0
    })
  }

  private closeOwner(): void {
    const scopes = [...this.owners.values()].filter((owner) => owner.isOpen && !this.isOfARun(owner))
    const owner = this.chance.pick(scopes)
    if (owner === undefined) return
    this.close(owner)
    if (owner.wait !== undefined && this.chance.with(0.5)) {
      this.send({ _tag: "WaitAbandoned", now: this.now, wait: owner.wait })
    }
  }

  private isOfARun(owner: Owner): boolean {
    return [...this.runs.values()].some((run) => run.owner === owner.id)
  }

  /** A body that is at work: it has not been asked to stop, and one of its fibers does not wait. */
  private someBody(): Run | undefined {
    return this.chance.pick(this.bodies().filter((run) => run.closing === "not yet"))
  }

  /** The attempts whose bodies have begun. */
  private bodies(): ReadonlyArray<Run> {
    return [...this.runs.values()].filter(({ hasBegun }) => hasBegun)
  }

  private liveClaims(): ReadonlyArray<Claim> {
    return [...this.owners.values()].filter((owner) => owner.isOpen).flatMap((owner) =>
      owner.claims.filter((claim) => claim.state === "live")
    )
  }

  /** A key, and which of two tasks of that key it is. */
  private named(): Pick<Settings, "identity" | "key"> {
    const key = `k${this.chance.below(6)}`
    return { key, identity: `${key} ${this.chance.below(2)}` }
  }

  private settings(): Settings | undefined {
    if (this.chance.with(0.4)) return undefined
    if (this.chance.with(0.1)) {
      return {
        key: this.chance.with(0.4) ? `k${this.chance.below(8)}` : undefined,
        literal: true,
        deadlineMillis: this.chance.with(0.2) ? this.chance.below(30) : undefined
      }
    }
    return {
      ...(this.chance.with(0.2) && this.named()),
      label: this.chance.with(0.2) ? "x" : undefined,
      priority: this.chance.with(0.2) ? this.chance.below(4) - 1 : undefined,
      resource: this.chance.with(0.18) ? true : undefined,
      absorbs: this.chance.with(0.15) ? true : undefined,
      idempotent: this.chance.with(0.1) ? false : undefined,
      demand: this.demands && this.chance.with(0.5) ? this.demand() : undefined,
      share: this.shares && this.chance.with(0.05) ? this.chance.pick(shareNames) : undefined,
      waitForWorkersMillis: this.demands
        ? this.chance.weighted([[2, undefined], [3, 0], [2, this.chance.below(20)]])
        : this.chance.with(0.15)
        ? this.chance.below(12)
        : undefined,
      timeoutMillis: this.chance.with(0.15) ? this.chance.below(12) : undefined,
      deadlineMillis: this.chance.with(0.12) ? this.chance.below(30) : undefined,
      dependencyTimeoutMillis: this.chance.with(0.1) ? this.chance.below(15) : undefined,
      graceMillis: this.chance.with(0.2) ? 1 + this.chance.below(8) : undefined
    }
  }

  /** What at least one of the workers can give. */
  private demand(): Demand {
    const { chance } = this
    const [places, amounts, tags] = this.order === "turns" ? [true, false, false] : chance.weighted([
      [3, [true, false, false]],
      [4, [false, true, false]],
      [2, [false, false, true]],
      [2, [false, true, true]],
      [1, [true, true, true]]
    ])
    return {
      ...(places && this.places()),
      ...(amounts && { amounts: this.amounts([0.7, 1, 1.3, 2]), ...(chance.with(0.7) && { keepsAmounts: true }) }),
      ...(tags && {
        tags: chance.with(0.3) ? ["t", "u"] : [chance.pick(["t", "u", "p:1", "p:12", ...this.tagsOfOwners.slice(-2)])!]
      })
    }
  }

  /** Some of one or two things. */
  private amounts(choices: ReadonlyArray<number>): Readonly<Record<string, number>> {
    const pick = () => this.chance.pick(choices)!
    return this.chance.weighted<() => Readonly<Record<string, number>>>([
      [3, () => ({ a: pick() })],
      [1, () => ({ b: pick() })],
      [2, () => ({ a: pick(), b: pick() })]
    ])()
  }

  /** What at least one of the workers meets. */
  private places(): Demand {
    const { chance } = this
    const able = chance.pick(workerNames)!
    const allowOthers = chance.with(0.3)
    return {
      workers: chance.with(0.7)
        ? [able, ...workerNames.filter((name) => name !== able && chance.with(0.3))]
        : undefined,
      labels: chance.with(0.3) ? labelsOf[able]!.filter(() => chance.with(0.6)) : undefined,
      allowOthers,
      locality: chance.with(0.4) ? this.locality(able) : undefined
    }
  }

  private locality(able: string): Demand["locality"] {
    const ratings = new Map<string, number | string>(workerNames.map((name) => [name, this.chance.below(4) - 1]))
    if (Number(ratings.get(able)) < 0) ratings.set(able, 0)
    if (this.chance.with(0.05)) ratings.set(this.chance.pick(workerNames)!, "no number")
    const others = this.chance.below(4) - 1
    return ({ id }) => ratings.get(id) ?? others
  }

  private limitTag(): void {
    const { chance } = this
    const limit = chance.with(0.2) ? undefined : 1 + chance.below(3)
    if (!this.demands) return
    const isOfPattern = this.isDelayed && chance.with(0.3)
    this.send({
      _tag: "TagLimited",
      now: this.now,
      tag: isOfPattern ? chance.pick(["p:*", "p:1*"])! : chance.pick(["t", "u"])!,
      limit: isOfPattern ? undefined : limit,
      rate: this.isDelayed && chance.with(0.7) ? this.rate() : undefined
    })
  }

  private rate(): Rate {
    return { starts: 1 + this.chance.below(3), perMillis: 1 + this.chance.below(12) }
  }

  private pause(): void {
    const { chance } = this
    if (!this.isDelayed) return
    const of = this.pauseTarget()
    this.send({ _tag: "StartsPaused", now: this.now, of, forMillis: chance.with(0.6) ? chance.below(15) : undefined })
  }

  private resume(): void {
    if (this.isDelayed) this.send({ _tag: "StartsResumed", now: this.now, of: this.pauseTarget() })
  }

  private pauseTarget(): PauseTarget {
    return this.chance.weighted<PauseTarget>([
      [2, {}],
      [2, { tag: this.chance.pick(["t", "u", "p:1", "p:*"])! }],
      [3, { group: this.chance.pick(groupNames)! }]
    ])
  }

  /** A random plan, and for each of its members how to refer to it: tasks with keys that are live are joined, not made. */
  private plan(wanted: number): { readonly plan: Plan; readonly members: ReadonlyArray<Reference> } {
    const { chance } = this
    const live = this.liveClaims().map((claim) => ~claim.task)
    const members: Array<Reference> = []
    const deps: Array<ReadonlyArray<Reference>> = []
    const settings = new Map<number, Settings>()
    const keys = new Set<string>()
    const spent = this.spent()
    const free = [...spent].flatMap((task) => settingsOf(this.state, task) ?? []).filter(({ identity }) => identity)
    for (let i = 0; i < wanted; i++) {
      const again = free.length > 0 && chance.with(0.5) ? chance.pick(free) : undefined
      const own = again === undefined ? this.settings() : { key: again.key, identity: again.identity }
      const present = own?.identity === undefined ? undefined : this.state.keys.get(own.identity)
      // Nobody joins what is spent.
      const isTaken = present !== undefined && (spent.has(present) || (this.isReplaceable(present) && chance.with(0.5)))
      if (present !== undefined && !isTaken) {
        members.push(~present)
        continue
      }
      if (present !== undefined && spent.has(present)) this.note("taken")
      if (own?.key !== undefined && keys.has(own.key)) continue
      if (own?.key !== undefined) keys.add(own.key)
      const index = deps.length
      const wants: Array<Reference> = []
      const degree = chance.weighted([[3, 0], [3, 1], [3, 2], [1, 4]])
      for (let d = 0; d < degree; d++) {
        // The same one may stand in the inputs more than once.
        const choice = chance.with(0.1)
          ? chance.pick(wants)
          : chance.with(0.2)
          ? chance.pick(live)
          : chance.pick(members)
        if (choice !== undefined) wants.push(choice)
      }
      const policies = own?.absorbs === true || wants.length === 0 || chance.with(0.7)
        ? undefined
        : this.groups(wants.length)
      if (own !== undefined || policies !== undefined) settings.set(index, { ...own, policies })
      deps.push(wants)
      members.push(index)
    }
    const positions = deps.map((_, i) => i)
    for (let i = positions.length - 1; i > 0; i--) {
      const j = chance.below(i + 1)
      const [a, b] = [positions[i]!, positions[j]!]
      positions[i] = b
      positions[j] = a
    }
    const offsets = Int32Array.from([0, ...deps.map((_, i) => deps.slice(0, i + 1).reduce((n, d) => n + d.length, 0))])
    const targets = Int32Array.from(deps.flat())
    const isShared = targets.every((target) => target >= 0) && chance.with(0.5)
    const plan: Plan = {
      size: deps.length,
      offsets,
      targets,
      reversed: isShared ? reversedOf({ offsets, targets }) : undefined,
      positions: Int32Array.from(positions),
      settings,
      defaults: this.shares && chance.with(0.6) ? { share: chance.pick(shareNames) } : undefined,
      portable: this.portable(deps.length)
    }
    return { plan, members }
  }

  /** All, some or none of so many tasks. */
  private portable(size: number): Plan["portable"] {
    const { chance } = this
    const share = !this.isMixed || size === 0 ? 0 : chance.weighted([[1, 0], [2, 0.6], [1, 1]])
    const remote = chance.with(0.3) ? 0.4 : 0
    const entryOf = (): number => (1 + chance.below(2)) * (chance.with(remote) ? -1 : 1)
    const entries = Int32Array.from({ length: size }, () => chance.with(share) ? entryOf() : 0)
    return entries.some((entry) => entry !== 0) ? entries : undefined
  }

  /** One or two groups among so many dependencies, and maybe some that are in none. */
  private groups(size: number): ReadonlyArray<Group> {
    const { chance } = this
    const cuts = Array.from({ length: chance.with(0.3) ? 4 : 2 }, () => chance.below(size + 1)).sort((a, b) => a - b)
    const groups: Array<Group> = []
    for (let i = 0; i < cuts.length; i += 2) {
      const [from, to] = chance.with(0.5) && cuts.length === 2 ? [0, size] : [cuts[i]!, cuts[i + 1]!]
      const of = chance.pick(["inputs", "after", "follow"] as const)!
      groups.push({ of, from, to, policy: this.policy(to - from) })
    }
    return groups
  }

  private policy(size: number): Policy {
    const { chance } = this
    const on = chance.pick(["success", "success", "failure", "completion"] as const)!
    const losers = chance.with(0.5) ? "cancel" as const : undefined
    return chance.weighted<() => Policy>([
      [2, () => ({ _tag: "All", on })],
      [5, () => ({ _tag: "AtLeast", count: 1 + chance.below(Math.max(1, size)), on, losers })],
      [3, () => ({ _tag: "Rule", rule: chance.pick(rules)! })]
    ])()
  }

  /** Whether a new run may take the key of this task over. */
  private isReplaceable(task: TaskId): boolean {
    const phase = this.state.tasks.phase[task]!
    if (isGivenValue(this.state, task)) return false
    if (phase === Phase.stopping) return (this.state.tasks.flags[task]! & Flag.timedOut) === 0
    return isFailed(phase as Phase) || phase === Phase.cancelled
  }

  /** What only attempts that are cancelled and resources that are released for good hold: found from its users here. */
  private spent(): ReadonlySet<TaskId> {
    const { state } = this
    const facts = factsOf(state)
    const found = new Set(facts.live.filter((task) => isSpentIn(state, task)))
    const isOver = new Map<TaskId, boolean>()
    const isLast = (task: TaskId): boolean => {
      const phase = state.tasks.phase[task]!
      if (isGivenValue(state, task)) return isSpent(task)
      const isStopping = phase === Phase.stopping
      return (isStopping && extrasOf(state, task)!.outcome!.reason._tag === "Cancelled") ||
        ((isStopping || phase === Phase.releasing) && state.tasks.refs[task] === 0) || isSpent(task)
    }
    const isSpent = (task: TaskId): boolean => {
      const known = isOver.get(task)
      if (known !== undefined) return known
      // A task that has its inputs may hold one that runs again and waits for it.
      isOver.set(task, false)
      const uses = [...facts.needs].flatMap(([user, needed]) => needed.filter((each) => each === task).map(() => user))
      for (const [user, target] of allAliases(state)) if (target === task) uses.push(user)
      const isTrue = uses.length > 0 && uses.length === state.tasks.refs[task] && uses.every(isLast)
      isOver.set(task, isTrue)
      return isTrue
    }
    const wrong = facts.live.filter((task) => isSpent(task) !== found.has(task))
    if (wrong.length > 0) {
      throw this.disagree([`C6: wrongly spent, or not: ${wrong.map((task) => facts.name(task)).join(", ")}`])
    }
    if (found.size > 0) this.note("spent")
    return found
  }

  /** Members that nothing in the plan depends on, and some others. */
  private targetsOf(plan: Plan, members: ReadonlyArray<Reference>): ReadonlyArray<Reference> {
    const needed = new Set(plan.targets)
    return [...new Set(members.filter((member) => !needed.has(member) || this.chance.with(0.2)))]
  }

  /** A task that starts when some that have not ended have ended. */
  private successions(plan: Plan): ReadonlyArray<Succession> | undefined {
    const { chance } = this
    if (plan.size === 0 || !chance.with(0.15)) return undefined
    const open = this.liveClaims().map(({ task }) => task).filter((task) => !this.hasEndedIn(task))
    const formers = [...new Set([chance.pick(open), chance.pick(open)])].flatMap((task) => task ?? [])
    if (formers.length === 0) return undefined
    this.note("succeeded others")
    return [{ index: chance.below(plan.size), formers }]
  }

  private hasEndedIn(task: TaskId): boolean {
    return hasEndedPhase(this.state.tasks.phase[task]! as Phase)
  }

  private submit(): void {
    const { chance } = this
    const run = chance.with(0.4) ? this.someBody() : undefined
    let owner: Owner | undefined
    if (run !== undefined && chance.with(0.7)) {
      owner = run.owner === undefined ? this.open(undefined, "with a submission") : this.owners.get(run.owner)
      run.owner = owner!.id
    } else {
      const scopes = [...this.owners.values()].filter((each) => each.wait === undefined && !this.isOfARun(each))
      owner = chance.pick(chance.with(0.05) ? scopes : scopes.filter((each) => each.isOpen))
    }
    if (owner === undefined) return
    const { members, plan } = this.plan(1 + chance.below(chance.with(0.1) ? 12 : 5))
    const out = this.send({
      _tag: "GraphSubmitted",
      now: this.now,
      plan,
      owner: owner.id,
      targets: this.targetsOf(plan, members),
      parent: run?.task ?? -1,
      attempt: run?.attempt ?? 0,
      standing: chance.with(0.3) ? this.someStanding() : undefined,
      successions: this.successions(plan),
      opens: owner.isNew ? "scope" : undefined
    })
    if (owner.isNew && this.state.owners.has(owner.id)) {
      owner.isNew = false
      owner.isOpen = true
      this.note("opened by a submission")
    }
    this.keep(owner, out)
  }

  private keep(owner: Owner, out: ReadonlyArray<Instruction>): void {
    const answer = out.find((instruction) => instruction._tag === "Submitted")
    for (const id of answer?.claims ?? []) {
      const claim = findClaim(this.state, id)!
      if (!owner.claims.includes(claim)) owner.claims.push(claim)
      this.claims.push(claim)
      this.registered.set(claim, placeOf(this.state, claim.task))
    }
  }

  /** Tasks are made one of the result of the other, which is released then: what the last is made of lies further back. */
  private lengthen(): void {
    const { chance } = this
    const isScope = (each: Owner): boolean => each.isOpen && each.wait === undefined && !this.isOfARun(each)
    const owner = chance.pick(
      [...this.owners.values()].filter((each) => isScope(each) && this.newest(each) !== undefined)
    )
    for (let left = owner === undefined ? 0 : 1 + chance.below(4); left > 0; left--) {
      const former = this.newest(owner!)
      if (former === undefined) return
      const plan = planOfOne({ idempotent: chance.with(0.05) ? false : undefined }, [~former.task])
      const from = { owner: owner!.id, targets: [0], parent: -1, attempt: 0 }
      this.keep(owner!, this.send({ _tag: "GraphSubmitted", now: this.now, plan, ...from }))
      this.note("lengthened")
      const task = owner!.claims.at(-1)!.task
      const run = [...this.runs.values()].find((each) => each.task === task)
      if (run?.hasSlot !== true || chance.with(0.1)) return
      this.runs.delete(run.attempt)
      const isMissed = chance.with(0.15)
      const ending: Ending = isMissed ? { _tag: "DependenciesLost", places: [0] } : { _tag: "Succeeded" }
      this.send({ _tag: "TaskEnded", now: this.now, task, attempt: run.attempt, ending })
      // What that takes may run for long, or lie too far back.
      if (isMissed) return this.note("newest missed")
      if (former.state === "live" && chance.with(0.95)) {
        this.send({ _tag: "ClaimsReleased", now: this.now, claims: [former.id] })
      }
    }
  }

  /** The claim of the newest result of an owner, at the end of the longest chain. */
  private newest({ claims }: Owner): Claim | undefined {
    return claims.findLast(({ state, task }) => state === "live" && this.state.tasks.phase[task] === Phase.succeeded)
  }

  /** The worker of such a result is lost. */
  private loseNewest(): void {
    const claims = [...this.owners.values()].flatMap((owner) => owner.isOpen ? this.newest(owner) ?? [] : [])
    const { submission, worker } = this.state.tasks
    const claim = this.chance.pick(claims.filter(({ task }) => submission[task]!.origins !== undefined))
    if (claim === undefined || worker[claim.task]! < 0) return
    this.note("newest lost")
    this.loseWorker(this.state.workers[worker[claim.task]!]!.serial)
  }

  private compute(): void {
    const { chance } = this
    const run = chance.with(0.5) ? this.someBody() : undefined
    const opens = chance.with(0.6) ? "compute" : undefined
    const owner = opens === undefined ? this.open(this.next++) : this.newOwner(this.next++)
    const { members, plan } = this.plan(1 + chance.below(6))
    const targets = this.targetsOf(plan, members)
    const own = Array.from({ length: plan.size }, (_, i) => i)
    this.send({
      _tag: "GraphSubmitted",
      now: this.now,
      plan,
      owner: owner.id,
      targets,
      parent: run?.task ?? -1,
      attempt: run?.attempt ?? 0,
      wait: owner.wait,
      opens,
      keepsSlot: chance.with(0.4) ? true : undefined,
      wishes: chance.with(0.4)
        ? new Map([...own, ...targets].map((each) => [each, chance.with(0.8) ? 3 : chance.pick([1, 2])!]))
        : undefined
    })
    if (!this.state.owners.has(owner.id)) owner.isOpen = false
  }

  private progress(run: Run | undefined): void {
    if (run === undefined || (!run.hasBegun && this.beginOrNot(run))) return
    // A body does not wait for what fibers close that outlive it.
    if (typeof run.closing === "number") return this.chance.with(0.05) ? this.end(run) : undefined
    if (this.isWaiting(run) && this.chance.with(0.9)) return
    const owner = run.owner === undefined ? undefined : this.owners.get(run.owner)!
    if (owner?.isOpen === true && run.closing === "not yet") return this.close(owner, run)
    this.end(run)
  }

  /** A worker begins an attempt, or gives it back; says whether it did. Of some it says when they have ended that they began. */
  private beginOrNot(run: Run): boolean {
    const isUnwanted = run.stopping || run.isAskedBack
    if (isUnwanted && (!run.hasSlot || this.chance.with(0.7))) {
      this.giveBack(run)
      return true
    }
    if (!run.hasSlot) return true
    if (this.chance.with(0.2)) return false
    run.hasBegun = true
    this.send({ _tag: "TaskStarted", now: this.now, task: run.task, attempt: run.attempt })
    return true
  }

  private giveBack({ attempt, task }: Run): void {
    this.runs.delete(attempt)
    this.send({ _tag: "TaskEnded", now: this.now, task, attempt, ending: { _tag: "Unbegun" } })
  }

  /** Whether a fiber of the body waits, or is about to take the slot again. */
  private isWaiting({ task }: Run): boolean {
    const { keeping, waitsOf } = this.state
    return waitsOf.has(task) || keeping.has(task) || isQueued(this.state, task)
  }

  private end(run: Run): void {
    const { chance } = this
    this.runs.delete(run.attempt)
    const isResource = settingsOf(this.state, run.task)?.resource === true
    const expands = !isResource && chance.with(run.stopping ? 0.05 : 0.12)
    if (expands) return this.expand(run)
    this.send({
      _tag: "TaskEnded",
      now: this.now,
      task: run.task,
      attempt: run.attempt,
      micros: this.microsOf(run),
      ending: chance.weighted<Ending>([
        [run.stopping ? 2 : 12, { _tag: "Succeeded", size: chance.pick([undefined, 0, 1, 3]) }],
        [run.stopping ? 1 : 3, { _tag: "Failed", failure: this.next++, defect: chance.with(0.3) }],
        [run.stopping ? 6 : 1, { _tag: "Interrupted" }],
        [run.stopping ? 0.5 : 1, { _tag: "Rescheduled" }],
        [run.stopping ? 0.5 : this.madeSince(run).length > 0 ? 60 : 2, this.report(run)],
        [run.stopping ? 0.5 : 2, { _tag: "Skipped" }],
        [extrasOf(this.state, run.task)?.barred !== undefined ? 8 : this.demands ? 2 : 0.1, {
          _tag: "Unmet",
          reason: "it cannot"
        }],
        [
          run.stopping ? (run.timedOut ? 12 : 1) : 2,
          { _tag: "Retried", delayMillis: chance.with(0.5) ? 0 : chance.below(10) }
        ],
        [run.stopping ? 0.2 : this.mayMiss(run) ? 8 : 1, {
          _tag: "InputsLost",
          inputs: this.lostInputs(run)
        }]
      ])
    })
  }

  /** Workers to which attempts are sent ahead time bodies. */
  private microsOf({ worker }: Run): number | undefined {
    const isTimed = (this.worker(worker)?.ahead ?? 0) > 0 && this.chance.with(0.5)
    return isTimed ? this.chance.pick([1, 100, 900, 3000, 9000]) : undefined
  }

  /** A body misses some of what it depends on, or nothing that it could name. */
  private report(run: Run): Ending {
    const stale = this.madeSince(run)
    const places = stale.length > 0 && this.chance.with(0.9)
      ? stale
      : [...dependencyRows(this.state, run.task).keys()].filter(() => this.chance.with(0.6))
    const behind = this.behind(run)
    if (behind.length === 0 || this.chance.with(0.6)) return { _tag: "DependenciesLost", places }
    const way = this.chance.pick(behind)!
    this.note("behind")
    return { _tag: "DependenciesLost", places: [...new Set([...places, way[0]])], behind: [way] }
  }

  /** Whether it was given what is being made again, or what several workers hold. */
  private mayMiss(run: Run): boolean {
    return this.madeSince(run).length > 0 ||
      dependencyRows(this.state, run.task).some((row) => row >= 0 && extrasOf(this.state, row)?.copies !== undefined)
  }

  /** Inputs that a worker does not have, and others that it never had. */
  private lostInputs({ task }: Run): ReadonlyArray<LostInput> {
    const { tasks, workers } = this.state
    return dependencyRows(this.state, task).flatMap((row, place) => {
      if (row < 0 || this.chance.with(0.3)) return []
      const holders = [tasks.worker[row]!, ...(extrasOf(this.state, row)?.copies ?? [])]
      const holder = this.chance.with(0.9) ? this.chance.pick(holders)! : this.chance.below(workers.length)
      return [{ place, holder: workers[holder]?.serial ?? -1 }]
    })
  }

  /** The ways to what its dependencies depend on, held or not. */
  private behind({ task }: Run): ReadonlyArray<readonly [number, number]> {
    const rows = dependencyRows(this.state, task)
    return rows.flatMap((row, place) => {
      // What was forgotten for good knows no origins.
      const isKnown = row >= 0 && !isBeyond(this.state.tasks.submission[row]!)
      return isKnown ? originsOf(placeOf(this.state, row)).map((_, i) => [place, i] as const) : []
    })
  }

  /** The places of dependencies that run again since an attempt has started, or have by now. */
  private madeSince({ attempt, task }: Run): ReadonlyArray<number> {
    const { tasks } = this.state
    // With a policy some may be open from the start.
    if (settingsOf(this.state, task)?.policies !== undefined) return []
    const all = dependencyRows(this.state, task)
    return [...all.keys()].filter((place) => {
      const dependency = all[place]!
      return tasks.phase[dependency]! < Phase.succeeded || tasks.attempt[dependency]! > attempt
    })
  }

  private finalize(finalizing: Finalize | undefined): void {
    if (finalizing === undefined) return
    const { attempt, task } = finalizing
    this.finalizing.delete(attempt)
    this.send({ _tag: "TaskFinalized", now: this.now, task, attempt })
  }

  private expand(run: Run): void {
    const { chance } = this
    const { members, plan } = this.plan(1 + chance.below(4))
    const sinks = this.sinks(plan)
    const target = sinks.length > 1 ? plan.size : sinks.length === 1 ? sinks[0]! : members[0]!
    this.send({
      _tag: "TaskExpanded",
      now: this.now,
      task: run.task,
      attempt: run.attempt,
      plan: sinks.length > 1 ? withSink(plan, sinks) : plan,
      target
    })
  }

  private sinks(plan: Plan): ReadonlyArray<number> {
    const needed = new Set(plan.targets)
    return Array.from({ length: plan.size }, (_, i) => i).filter((i) => !needed.has(i))
  }

  private wait(): void {
    const { chance } = this
    // Bodies and finalizers.
    const run = chance.with(0.7) ? chance.pick([...this.bodies(), ...this.finalizing.values()]) : undefined
    const mode = chance.weighted<WaitMode>([[6, "all"], [2, "firstCompleted"], [2, "firstFailure"], [2, "never"]])
    if (mode === "never" && run === undefined) return
    const pool = chance.with(0.9) ? this.liveClaims() : this.claims
    const claims = Array.from({ length: 1 + chance.below(3) }, () => chance.pick(pool)!)
    if (claims[0] === undefined) return
    const isStale = chance.with(0.05)
    this.send({
      _tag: "WaitBegan",
      now: this.now,
      wait: this.next++,
      claims: mode === "never" ? [] : claims.map(({ id }) => id),
      mode,
      waiter: run?.task ?? -1,
      attempt: (run?.attempt ?? 0) - (isStale ? 1 : 0),
      keepsSlot: mode !== "never" && chance.with(0.4) ? true : undefined
    })
  }

  /** Claims join a standing wait, of which there are few. */
  private stand(): void {
    const { chance } = this
    const pool = chance.with(0.9) ? this.liveClaims() : this.claims
    const claims = Array.from({ length: 1 + chance.below(4) }, () => chance.pick(pool)!)
    if (claims[0] === undefined) return
    this.send({
      _tag: "WaitBegan",
      now: this.now,
      wait: this.someStanding(),
      claims: claims.map(({ id }) => id),
      mode: "each",
      waiter: -1,
      attempt: 0
    })
  }

  /** No wait of another mode has a number below 0. */
  private someStanding(): number {
    return -1 - this.chance.below(3)
  }

  /** Somebody waits for the next report. */
  private waitForReport(): void {
    const { chance } = this
    const run = chance.with(0.7) ? chance.pick([...this.bodies(), ...this.finalizing.values()]) : undefined
    const standing = this.someStanding()
    this.send({
      _tag: "WaitBegan",
      now: this.now,
      wait: this.next++,
      claims: [],
      mode: "firstCompleted",
      standing,
      open: chance.with(0.5) ? (this.state.waits.get(standing)?.remaining ?? 0) + chance.below(2) : undefined,
      waiter: run?.task ?? -1,
      attempt: (run?.attempt ?? 0) - (chance.with(0.05) ? 1 : 0),
      keepsSlot: chance.with(0.4) ? true : undefined
    })
  }

  /** A body waits for what lacks a slot or amounts, and keeps some of that. */
  private waitInVain(): void {
    const { chance } = this
    const keepers = this.demands && chance.with(0.8) ? this.keepers() : []
    // All of them, or others could give it to what lacks it.
    for (const keeper of keepers) if (this.runs.has(keeper.attempt)) this.waitFor(keeper, true)
    if (keepers.length === 0) this.waitFor(chance.pick([...this.bodies(), ...this.finalizing.values()]), false)
  }

  private waitFor(run: Run | Finalize | undefined, isKeeper: boolean): void {
    const { chance } = this
    const lacking = this.liveClaims().filter(({ task }) =>
      isKeeper ? this.lacksAmounts(task) : this.state.tasks.phase[task] === Phase.ready
    )
    if (run === undefined || lacking.length === 0) return
    this.send({
      _tag: "WaitBegan",
      now: this.now,
      wait: this.next++,
      claims: lacking.slice(0, 1 + chance.below(2)).map(({ id }) => id),
      mode: "all",
      waiter: run.task,
      attempt: run.attempt,
      keepsSlot: !isKeeper || chance.with(0.4) ? true : undefined
    })
  }

  /** The bodies that keep amounts of their worker, whether they wait or not. */
  private keepers(): ReadonlyArray<Run> {
    return this.bodies().filter(({ task }) => this.state.holding.get(task)?.keepsAmounts === true)
  }

  private lacksAmounts(task: TaskId): boolean {
    if (this.state.tasks.phase[task] !== Phase.ready) return false
    const demand = settingsOf(this.state, task)?.demand
    const wanted = wantedOf(this.state, task)
    return demand?.amounts !== undefined && this.state.workers.some((worker) => suits(this.state, worker, wanted))
  }

  private giveUp(): void {
    const waits = [...this.state.waits.keys()].filter((wait) =>
      ![...this.runs.values()].some((run) => run.closing === wait)
    )
    const wait = this.chance.with(0.1) ? this.chance.below(this.next) : this.chance.pick(waits)
    if (wait === undefined || [...this.runs.values()].some((run) => run.closing === wait)) return
    this.send({ _tag: "WaitAbandoned", now: this.now, wait })
  }

  /** Code that goes on though its attempt was asked to stop. */
  private wantSlot(): void {
    const { chance } = this
    const runs = this.bodies().filter(({ stopping }) => stopping || chance.with(0.05))
    const run = chance.pick(runs)
    if (run === undefined) return
    const attempt = run.attempt - (chance.with(0.05) ? 1 : 0)
    this.send({ _tag: "SlotWanted", now: this.now, wait: this.next++, task: run.task, attempt })
  }

  private cancel(): void {
    const { chance } = this
    const claim = chance.with(0.9) ? chance.pick(this.liveClaims()) : chance.pick(this.claims)
    // Through a claim that is gone nothing else does anything.
    if (claim !== undefined) this.cancelBy(claim, chance.with(claim.state === "live" ? 0.2 : 0.6))
  }

  /** Another task of the key and owner of one that stops because it was cancelled, which is cancelled too. */
  private cancelAgain(): void {
    const { chance, state } = this
    const first = chance.pick([...state.stopping.keys()].filter((task) => this.mayStopTwice(task)))
    if (first === undefined) return
    const owner = this.owners.get(state.tasks.submission[first]!.owner.id)!
    const { identity, key } = settingsOf(state, first)!
    if (!state.keys.has(identity!)) {
      const plan = planOfOne({ identity, key, graceMillis: chance.with(0.2) ? 3 : undefined })
      const from = { owner: owner.id, targets: [0], parent: -1, attempt: 0 }
      this.keep(owner, this.send({ _tag: "GraphSubmitted", now: this.now, plan, ...from }))
    }
    const second = state.keys.get(identity!)!
    const claim = owner.claims.find((each) => each.state === "live" && each.task === second)
    if (claim === undefined) return
    this.cancelBy(claim, chance.with(0.2))
    if (!state.stopping.has(first) || !state.stopping.has(second)) return
    this.note("stopped twice")
    // Whoever cancelled the first asks again.
    const former = owner.claims.find((each) => each.state === "cancelled" && each.task === first)
    if (former !== undefined && chance.with(0.5)) this.cancelBy(former, chance.with(0.5))
  }

  private mayStopTwice(task: TaskId): boolean {
    const { tasks } = this.state
    const owner = this.owners.get(tasks.submission[task]!.owner.id)
    return settingsOf(this.state, task)?.identity !== undefined &&
      extrasOf(this.state, task)?.outcome?.reason._tag === "Cancelled" &&
      owner?.isOpen === true && owner.wait === undefined && !this.isOfARun(owner)
  }

  private cancelBy(claim: Claim, force: boolean): void {
    const { chance } = this
    const run = chance.with(0.4) ? chance.pick([...this.bodies(), ...this.finalizing.values()]) : undefined
    this.send({
      _tag: "CancelRequested",
      now: this.now,
      ...cancelOf(claim, this.registered.get(claim)!),
      force,
      ...(chance.with(0.4) && { alone: true }),
      by: "somebody",
      reason: "told so",
      wait: this.next++,
      waiter: run?.task ?? -1,
      attempt: run?.attempt ?? 0
    })
  }

  private releaseClaim(): void {
    const pool = this.chance.with(0.9) ? this.liveClaims() : this.claims
    const first = this.chance.pick(pool)
    if (first === undefined) return
    const others = pool.filter((claim) => claim.owner === first.owner && this.chance.with(0.1))
    this.send({ _tag: "ClaimsReleased", now: this.now, claims: [first, ...others].map(({ id }) => id) })
  }

  private share(): void {
    const claim = this.chance.with(0.9) ? this.chance.pick(this.liveClaims()) : this.chance.pick(this.claims)
    const owner = this.chance.pick([...this.owners.values()].filter((each) => each.isOpen && each.wait === undefined))
    if (claim === undefined || owner === undefined) return
    this.keep(owner, this.send({ _tag: "ClaimShared", now: this.now, claim: claim.id, owner: owner.id }))
  }

  /** Somebody says how some task ended, open or not. */
  private settle(): void {
    const row = this.chance.below(Math.max(1, this.state.tasks.used))
    if (this.state.tasks.used > 0) this.settleAs(row)
  }

  private settleAs(task: TaskId): void {
    const ending = this.chance.weighted<TaskSettled["ending"]>([
      [4, { _tag: "Succeeded" }],
      [2, { _tag: "Failed", failure: this.next++, defect: this.chance.with(0.3) }],
      [1, { _tag: "Interrupted" }],
      [1, { _tag: "Skipped" }]
    ])
    this.send({ _tag: "TaskSettled", now: this.now, task, ending })
  }

  /** A body is told how its task ended, and goes on for longer than its grace, or not. */
  private settleRun(run: Run | undefined): void {
    if (run === undefined) return
    this.settleAs(run.task)
    const grace = settingsOf(this.state, run.task)?.graceMillis
    if (grace === undefined || extrasOf(this.state, run.task)?.isGiven === undefined || this.chance.with(0.3)) return
    this.now += grace
    this.timeCame()
    if (this.state.stopping.get(run.task)?.overdue === true) this.note("settled and overdue")
  }

  /** A task that stops, for whatever reason, is cancelled by force. */
  private forceStopping(): void {
    const { stopping } = this.state
    const isSettled = ({ task }: Claim): boolean => extrasOf(this.state, task)?.isGiven === true
    const claims = this.liveClaims().filter((claim) => isSettled(claim) || stopping.has(claim.task))
    const claim = this.chance.pick(this.chance.with(0.6) ? claims.filter(isSettled) : claims)
    if (claim === undefined) return
    const reason = extrasOf(this.state, claim.task)?.outcome?.reason
    const why = reason?._tag === "TimedOut" ? reason.of : reason?._tag ?? "Succeeded"
    this.note(`forced and ${isSettled(claim) ? "settled" : "stopped"} as ${why}`)
    this.cancelBy(claim, true)
  }

  private requestCopies(): void {
    const rows = [...this.state.tasks.phase.keys()].filter((row) => this.state.tasks.phase[row] === Phase.succeeded)
    const task = this.chance.with(0.9) ? this.chance.pick(rows) : this.chance.below(this.state.tasks.used)
    if (task === undefined || task >= this.state.tasks.used) return
    const workers = this.chance.with(0.3) ? ["w0", "w2", "w3"] : undefined
    this.send({ _tag: "CopiesRequested", now: this.now, task, copies: 1 + this.chance.below(4), workers })
  }

  private copied(copy: number | undefined): void {
    if (copy === undefined) return
    this.copying.delete(copy)
    this.send({ _tag: "TaskCopied", now: this.now, copy })
  }

  private passTime(): void {
    this.now += this.chance.below(6)
    if (this.now >= this.wakeAt || this.chance.with(0.1)) this.timeCame()
  }

  private timeCame(): void {
    // The alarm has rung, early or not.
    this.wakeAt = Infinity
    this.send({ _tag: "TimeCame", now: this.now })
  }

  /** A new worker, or one that comes back under its name. */
  private addWorker(): void {
    const name = this.chance.pick(this.missing())
    if (name !== undefined) this.addNamed(name, this.chance.with(0.5) ? this.terms() : undefined)
  }

  private missing(): ReadonlyArray<string> {
    const open = new Set(
      this.state.workers.filter(({ phase }) => phase === "open" || phase === "starting").map(({ name }) => name)
    )
    return workerNames.filter((name) => !open.has(name))
  }

  private addNamed(name: string, terms?: Terms): void {
    const slots = 1 + this.chance.below(3)
    const amounts = this.demands && this.chance.with(0.8) ? this.amounts([1.5, 2, 3]) : undefined
    const ahead = this.ahead()
    const mark = this.marks && this.chance.with(0.5) ? 1 + this.chance.below(4) : undefined
    const kind = this.kind()
    const labels = labelsOf[name]
    const handsOver = this.handsOver()
    this.send({ _tag: "WorkerAdded", now: this.now, name, kind, slots, amounts, labels, mark, ahead, handsOver, terms })
  }

  private ahead(): number | undefined {
    return this.isFar && this.chance.with(0.85) ? 1 + this.chance.below(8) : undefined
  }

  private kind(): WorkerKind | undefined {
    return this.isMixed && this.chance.with(0.4) ? "remote" : undefined
  }

  private handsOver(): boolean | undefined {
    return this.isHandedOver && this.chance.with(0.5) ? true : undefined
  }

  private terms(): Terms {
    const { chance } = this
    return {
      ttlMillis: chance.with(0.3) ? 3 + chance.below(20) : undefined,
      maxTasks: chance.with(0.2) ? 1 + chance.below(6) : undefined,
      maxAgeMillis: chance.with(0.15) ? 4 + chance.below(30) : undefined,
      restart: chance.with(0.6)
        ? { times: 1 + chance.below(3), withinMillis: 5 + chance.below(20), minRunMillis: chance.below(4) }
        : undefined
    }
  }

  private openPool(): void {
    const { chance } = this
    const min = chance.below(3)
    const sizes = { min, max: min + 1 + chance.below(2), slots: 1 + chance.below(2), idleMillis: 1 + chance.below(8) }
    const terms = chance.with(0.6) ? this.terms() : undefined
    const each = { kind: this.kind(), ahead: this.ahead(), handsOver: this.handsOver() }
    this.send({ _tag: "PoolOpened", now: this.now, name: "p", ...each, ...sizes, terms })
  }

  /** Starts one that the engine asked for, or cannot. */
  private startWorker(succeeds = this.chance.with(0.85)): void {
    const worker = this.chance.pick([...this.starting]) ?? -1
    if (!this.starting.delete(worker)) return
    const phase = this.worker(worker)?.phase
    // It was drained meanwhile, and its row is that of another worker.
    if (phase === undefined && this.chance.with(0.9)) return
    if (succeeds || phase !== "starting") {
      this.send({ _tag: "WorkerStarted", now: this.now, worker })
    } else this.send({ _tag: "WorkerLost", now: this.now, worker })
  }

  private beat(): void {
    const present = this.state.workers.filter(({ phase, terms }) => phase === "open" && terms.ttlMillis !== undefined)
    const worker = this.chance.with(0.9)
      ? this.chance.pick(present)?.serial
      : this.anyWorker()
    if (worker !== undefined) this.send({ _tag: "WorkerBeat", now: this.now, worker })
  }

  /** The worker with this number, if its row is still that of the worker. */
  private worker(worker: WorkerId): WorkerRecord | undefined {
    return this.state.workers.find(({ serial }) => serial === worker)
  }

  /** The number of some worker: of one that has a row, of a former one, or of none. */
  private anyWorker(): WorkerId {
    const { next, workers } = this.state
    return this.chance.with(0.8) ? this.chance.pick(workers)?.serial ?? 0 : this.chance.below(next.worker + 1)
  }

  private drainWorker(): void {
    this.send({ _tag: "WorkerDrained", now: this.now, worker: this.anyWorker() })
  }

  /** A worker dies with its attempts; the driver closes what their bodies own. */
  private loseWorker(worker = this.anyWorker()): void {
    if (this.chance.with(0.5)) this.bury(this.runsOn(worker))
    this.losses++
    // One in three was ended here, because a body did not stop.
    const isEnded = this.losses % 3 === 0
    this.send({ _tag: "WorkerLost", now: this.now, worker, begun: this.begunOn(worker), isEnded })
    this.clearAway(worker)
  }

  private runsOn(worker: WorkerId): ReadonlyArray<Run> {
    return [...this.runs.values()].filter((run) => run.worker === worker)
  }

  /** The attempts that may have begun there, if the driver knows. */
  private begunOn(worker: WorkerId): ReadonlyArray<number> | undefined {
    const begun = this.runsOn(worker).filter(({ hasBegun, hasSlot }) => hasBegun || (hasSlot && this.chance.with(0.3)))
    return this.chance.with(0.5) ? begun.map(({ attempt }) => attempt) : undefined
  }

  /** A worker does not have a result that is there, or that was there once, or that another has. */
  private missResult(): void {
    const { chance, state: { tasks, workers } } = this
    const hasResult = (row: number): boolean => tasks.phase[row] === Phase.succeeded && tasks.worker[row]! >= 0
    const task = chance.pick([...tasks.phase.keys()].filter(hasResult))
    if (task === undefined) return
    const worker = chance.with(0.7) ? workers[tasks.worker[task]!]?.serial : this.anyWorker()
    if (worker === undefined) return
    const attempt = tasks.attempt[task]! - (chance.with(0.3) ? 1 : 0)
    this.send({ _tag: "ResultMissing", now: this.now, worker, task, attempt, begun: this.begunOn(worker) })
  }

  /** What a lost worker was doing is done with, also what began when others were closed before. */
  private clearAway(worker: WorkerId): void {
    this.bury([...this.runs.values()].filter((run) => run.worker === worker))
    for (const each of this.finalizing.values()) if (each.worker === worker) this.finalizing.delete(each.attempt)
  }

  private bury(died: ReadonlyArray<Run>): void {
    for (const run of died) {
      const owner = run.owner === undefined ? undefined : this.owners.get(run.owner)!
      if (owner?.isOpen === true) this.close(owner)
    }
    // Only then: the close of one may stop another.
    for (const run of died) this.runs.delete(run.attempt)
  }

  /** Reports of attempts that have ended: nothing may change. */
  private repeatOldNews(): void {
    const { chance } = this
    const run = chance.pick(this.attemptsSeen)
    if (run === undefined || this.runs.has(run.attempt)) return
    const claim = chance.pick(this.liveClaims())
    const { attempt, task } = run
    chance.weighted<() => void>([
      [2, () => this.send({ _tag: "TaskEnded", now: this.now, task, attempt, ending: { _tag: "Succeeded" } })],
      [1, () => {
        const ending = { _tag: "Failed", failure: this.next++, defect: false } as const
        this.send({ _tag: "TaskEnded", now: this.now, task, attempt, ending })
      }],
      [1, () => {
        if (!this.finalizing.has(attempt)) this.send({ _tag: "TaskFinalized", now: this.now, task, attempt })
      }],
      [1, () => {
        this.send({ _tag: "TaskExpanded", now: this.now, task, attempt, plan: this.plan(2).plan, target: 0 })
      }],
      [1, () => {
        if (claim === undefined) return
        const wait = this.next++
        this.send({ _tag: "WaitBegan", now: this.now, wait, claims: [claim.id], mode: "all", waiter: task, attempt })
      }],
      [1, () => {
        const owner = this.chance.pick([...this.owners.values()].filter((each) => each.isOpen && !this.isOfARun(each)))
        if (owner === undefined || owner.wait !== undefined) return
        const plan = { ...this.plan(1).plan }
        const targets = Array.from({ length: plan.size }, (_, i) => i)
        const event = {
          _tag: "GraphSubmitted",
          now: this.now,
          plan,
          owner: owner.id,
          targets,
          parent: task,
          attempt
        } as const
        this.keep(owner, this.send(event))
      }]
    ])()
  }

  // How it ends.

  /** No more submissions: everything that is claimed must end by itself. */
  private comeToRest(): void {
    for (const { of } of Array.from(this.model.pauses.values())) {
      this.send({ _tag: "StartsResumed", now: this.now, of })
    }
    while (this.starting.size > 0) this.startWorker(true)
    for (const { phase, serial } of Array.from(this.state.workers)) {
      if ((this.demands || this.isMixed) && phase === "open") {
        this.send({ _tag: "WorkerDrained", now: this.now, worker: serial })
      }
    }
    for (let round = 0; round < 5_000; round++) {
      while (this.starting.size > 0) this.startWorker(true)
      // Each with enough for any task.
      for (const name of this.missing()) {
        this.addLarge(name)
      }
      for (const wait of Array.from(this.state.waits.values())) {
        if (wait.mode === "never") this.send({ _tag: "WaitAbandoned", now: this.now, wait: wait.id })
      }
      for (const owner of this.owners.values()) {
        if (owner.isOpen && owner.wait !== undefined && !this.model.waits.has(owner.wait)) this.close(owner)
      }
      const before = this.events
      for (const run of Array.from(this.runs.values())) {
        if (!run.hasSlot) {
          if (run.stopping || run.isAskedBack) this.giveBack(run)
          continue
        }
        if (this.isWaiting(run) || typeof run.closing === "number" || !this.runs.has(run.attempt)) continue
        const owner = run.owner === undefined ? undefined : this.owners.get(run.owner)!
        if (owner?.isOpen === true && run.closing === "not yet") this.close(owner, run)
        else this.endWell(run)
      }
      this.finalizeAll()
      if (this.events > before) continue
      const isOver = this.model.waits.size === 0 && [...this.model.tasks].every(hasEnded)
      if (isOver) break
      if (this.isAnyLacking() && (this.wakeAt === Infinity || round % 50 === 49)) {
        this.replaceWorkers()
        continue
      }
      if (this.wakeAt === Infinity) break
      this.now = Math.max(this.now, this.wakeAt)
      for (const { phase, serial, terms } of this.state.workers) {
        if (terms.ttlMillis === undefined || (phase !== "open" && phase !== "draining")) continue
        this.send({ _tag: "WorkerBeat", now: this.now, worker: serial })
      }
      this.timeCame()
    }
    const open = [...this.model.tasks].filter((task) => !hasEnded(task))
    if (open.length > 0) throw this.disagree(open.map((task) => `law 3: ${task.name} never ends (${task.status})`))
    for (const wait of this.model.waits.values()) throw this.disagree([`law 3: wait ${wait.id} never ends`])
  }

  private isAnyLacking(): boolean {
    const isStranded = (task: Task): boolean => isReady(task) && !hasTaker(this.model, task)
    return allExtras(this.state, "lacking").size > 0 || [...this.model.tasks].some(isStranded)
  }

  /** Bodies have said of each that they cannot run there, or they are of the wrong kind. */
  private replaceWorkers(): void {
    this.replaced++
    for (const name of workerNames) {
      const worker = this.state.workers.find((each) => each.name === name && each.phase === "open")?.serial ?? -1
      this.send({ _tag: "WorkerDrained", now: this.now, worker })
      this.addLarge(name)
    }
  }

  private addLarge(name: string): void {
    const labels = labelsOf[name]
    // Each of them is now of one kind, now of the other.
    const isRemote = this.isMixed && (workerNames.indexOf(name) + this.replaced) % 2 === 1
    const kind = isRemote ? "remote" : undefined
    this.send({ _tag: "WorkerAdded", now: this.now, name, kind, slots: 2, amounts: { a: 2, b: 2 }, labels })
  }

  private finalizeAll(): void {
    for (const each of this.finalizing.values()) this.finalize(each)
    for (const copy of this.copying) this.copied(copy)
  }

  private endWell(run: Run): void {
    this.runs.delete(run.attempt)
    const ending: Ending = run.stopping ?
      { _tag: "Interrupted" } :
      this.chance.with(0.8) ?
      { _tag: "Succeeded" } :
      { _tag: "Failed", failure: this.next++, defect: false }
    this.send({ _tag: "TaskEnded", now: this.now, task: run.task, attempt: run.attempt, ending })
  }

  /** Law 3, F8: nothing runs more often than somebody asked for or something was lost. */
  private countRuns(): void {
    const { restarts, starts } = this.model
    const total = [...starts.values()].reduce((sum, count) => sum + count, 0)
    const most = starts.size + restarts.retried + restarts.died + restarts.lost + restarts.revived +
      restarts.unbegun + restarts.gaveWay + restarts.unmet + restarts.reported + restarts.staleReports
    if (total > most) throw this.disagree([`F8: ${total} starts where ${most} would do`])
    for (const [serial, count] of starts) {
      const allowed = 1 + this.losses + this.model.reports + (this.model.asked.get(serial) ?? 0)
      if (count > allowed) throw this.disagree([`F8: task ${serial} was started ${count} times, not ${allowed}`])
    }
  }

  private closeAll(): void {
    for (const owner of this.owners.values()) if (owner.isOpen) this.close(owner)
    this.finalizeAll()
    const { failures, tasks, waits } = this.model
    if (tasks.size + waits.size + failures.size > 0) {
      throw this.disagree([`S9: ${tasks.size} tasks, ${waits.size} waits and ${failures.size} failures are left`])
    }
    const problems = check(this.state)
    if (problems.length > 0) throw this.disagree(problems)
    for (const owner of this.owners.values()) owner.claims.length = 0
    this.claims.length = 0
    this.registered.clear()
    this.open()
  }
}

/** A plan of one task. */
const planOfOne = (settings: Settings, dependencies: ReadonlyArray<Reference> = []): Plan => ({
  size: 1,
  offsets: Int32Array.of(0, dependencies.length),
  targets: Int32Array.from(dependencies),
  positions: Int32Array.of(0),
  settings: new Map([[0, settings]]),
  defaults: undefined
})

/** The plan with one more task, which depends on `sinks`. */
const withSink = (plan: Plan, sinks: ReadonlyArray<number>): Plan => ({
  size: plan.size + 1,
  offsets: Int32Array.from([...plan.offsets, plan.targets.length + sinks.length]),
  targets: Int32Array.from([...plan.targets, ...sinks]),
  positions: Int32Array.from([...plan.positions, plan.size]),
  settings: plan.settings,
  defaults: plan.defaults,
  portable: plan.portable && Int32Array.from([...plan.portable, plan.size % 2])
})
