/** A state with a narrator: events by name, every step checked. */
import { assert } from "@effect/vitest"
import { check } from "../../src/engine/check/check.ts"
import * as Engine from "../../src/engine/Engine.ts"
import { Told } from "../../src/engine/life/wishes.ts"
import type { Ending, Event, Succession, TagLimit, TaskSettled, WaitMode } from "../../src/engine/protocol/Event.ts"
import { fairnessOf } from "../../src/engine/protocol/fairness.ts"
import type { ClaimId, TaskId } from "../../src/engine/protocol/ids.ts"
import type { Instruction } from "../../src/engine/protocol/Instruction.ts"
import type { Trail } from "../../src/engine/protocol/Outcome.ts"
import { Flag, phaseNames } from "../../src/engine/protocol/Phase.ts"
import { defaultLimits } from "../../src/engine/protocol/Settings.ts"
import type { Limits, SchedulerSettings } from "../../src/engine/protocol/Settings.ts"
import type { Transition } from "../../src/engine/protocol/Transition.ts"
import { findClaim } from "../../src/engine/state/claims.ts"
import { dependencyRows } from "../../src/engine/state/dependencies.ts"
import { keyOf, placeOf } from "../../src/engine/state/lookups.ts"
import type { Claim } from "../../src/engine/state/Owner.ts"
import { extrasOf } from "../../src/engine/state/rare.ts"
import * as State from "../../src/engine/state/State.ts"
import type { Place } from "../../src/engine/state/Submission.ts"
import { cancelOf } from "../../src/engine/views/claims.ts"
import { plan, referenceTo } from "./plans.ts"
import type { Dependency, Options } from "./plans.ts"
import { Narrator } from "./story.ts"

type Timeless<E> = E extends Event ? Omit<E, "now"> : never

export type Graph = Readonly<Record<string, ReadonlyArray<Dependency>>>

export interface Submission extends Options {
  /** Sinks of the graph unless told. */
  readonly targets?: ReadonlyArray<Dependency>
  /** The name of the task from whose body it comes. */
  readonly inside?: string
  readonly wait?: number
  readonly wishes?: ReadonlyArray<Dependency>
  readonly keepsSlot?: boolean
  readonly standing?: number
  readonly successions?: ReadonlyArray<Succession>
}

/** What holds for the scheduler; of limits and fairness what is not as it is unless told. */
export interface Settings extends Partial<Omit<SchedulerSettings, "limits" | "fairness">> {
  readonly limits?: Partial<Limits>
  readonly fairness?: Parameters<typeof fairnessOf>[0]
}

export class Rig {
  readonly state: State.State
  now = 0
  readonly transitions: Array<Transition> = []
  /** What the engine asked for in the last step, as text. */
  told: ReadonlyArray<string> = []
  private readonly narrator: Narrator
  private readonly ids = new Map<string, TaskId>()
  private readonly claims = new Map<string, Claim>()
  private readonly places = new Map<Claim, Place>()
  private next = 100
  /** Where steps write transitions; `undefined` where there would be too many. */
  log: Array<Transition> | undefined = []

  /** One worker with one slot, unless told. */
  constructor(
    slots: Readonly<Record<string, number | { slots: number; amounts: Readonly<Record<string, number>> }>> = { w1: 1 },
    { fairness = {}, limits, ...settings }: Settings = {}
  ) {
    this.state = State.make({ ...settings, limits: { ...defaultLimits, ...limits }, fairness: fairnessOf(fairness) })
    this.narrator = new Narrator(this.state)
    for (const [name, offer] of Object.entries(slots)) {
      this.send({ _tag: "WorkerAdded", name, ...typeof offer === "number" ? { slots: offer } : offer })
    }
  }

  send(event: Timeless<Event>): ReadonlyArray<Instruction> {
    const timed = { ...event, now: this.now } as Event
    const out = Engine.step(this.state, timed, { tasks: this.log, workers: undefined })
    const from = this.narrator.lines.length
    this.narrator.tell(timed, out, this.log)
    const lines = this.narrator.lines.slice(from)
    this.told = lines.filter((line) => line.startsWith("<")).map((line) => line.slice(2))
    const problems = check(this.state)
    if (this.log !== undefined) this.transitions.push(...this.log.splice(0))
    if (problems.length > 0) throw new Error(`${problems.join("\n")}\n\n${this.story}`)
    return out
  }

  /** The dialogue so far. */
  get story(): string {
    return this.narrator.lines.join("\n") + "\n"
  }

  open(name = "main", limits?: TagLimit): number {
    const owner = this.next++
    this.send({ _tag: "OwnerOpened", owner, name, limits })
    return owner
  }

  submit(
    owner: number,
    graph: Graph,
    { inside, keepsSlot, standing, successions, targets, wait, wishes, ...options }: Submission = {}
  ): Int32Array {
    const names = Object.keys(graph)
    const needed = new Set(Object.values(graph).flat())
    const sinks = names.filter((name) => !needed.has(name))
    const out = this.send({
      _tag: "GraphSubmitted",
      plan: plan(graph, options),
      owner,
      targets: (targets ?? sinks).map((target) => referenceTo(names, target)),
      parent: inside === undefined ? -1 : this.id(inside),
      attempt: inside === undefined ? 0 : this.attempt(inside),
      wait,
      keepsSlot,
      standing,
      successions,
      wishes: wishes && new Map(wishes.map((wish) => [referenceTo(names, wish), Told.all]))
    })
    const answer = out.find((instruction) => instruction._tag === "Submitted")
    if (answer === undefined) return new Int32Array(0)
    names.forEach((name, i) => this.ids.set(name, answer.ids[i]!))
    const targeted = targets ?? sinks
    answer.claims.forEach((id, i) => this.noteClaim(owner, this.nameOf(targeted[i]!), id))
    return answer.ids
  }

  private noteClaim(owner: number, name: string, id: ClaimId): Claim {
    const claim = findClaim(this.state, id)!
    this.claims.set(`${owner} ${name}`, claim)
    this.places.set(claim, placeOf(this.state, claim.task))
    return claim
  }

  private nameOf(dependency: Dependency): string {
    return typeof dependency === "string" ? dependency : this.narrator.name(~dependency)
  }

  id(name: string): TaskId {
    return this.ids.get(name)!
  }

  /** A dependency on a live task. */
  ref(name: string): Dependency {
    return ~this.id(name)
  }

  attempt(name: string): number {
    return this.state.tasks.attempt[this.id(name)]!
  }

  claim(owner: number, name: string): Claim {
    return this.claims.get(`${owner} ${name}`)!
  }

  phase(name: string): string {
    return phaseNames[this.state.tasks.phase[this.id(name)]!]!
  }

  /** How a live task ended: the reason, and the keys from the first failure to it. */
  outcome(name: string): readonly [string, ...ReadonlyArray<string>] | undefined {
    const outcome = extrasOf(this.state, this.id(name))?.outcome
    if (outcome === undefined) return undefined
    const path: Array<string> = []
    for (let at: Trail | undefined = outcome.trail; at !== undefined; at = at.from) path.unshift(at.task)
    return [outcome.reason._tag, ...path]
  }

  end(name: string, ending: Ending = { _tag: "Succeeded" }, attempt = this.attempt(name)): ReadonlyArray<Instruction> {
    return this.send({ _tag: "TaskEnded", task: this.id(name), attempt, ending })
  }

  /** The body of a task begins, on a worker to which attempts are sent ahead. */
  begin(name: string, attempt = this.attempt(name)): ReadonlyArray<Instruction> {
    return this.send({ _tag: "TaskStarted", task: this.id(name), attempt })
  }

  fail(name: string, failure = 1): ReadonlyArray<Instruction> {
    return this.end(name, { _tag: "Failed", failure, defect: false })
  }

  /** Somebody says from outside how the task ended. */
  settle(name: string, ending: TaskSettled["ending"] = { _tag: "Succeeded" }): ReadonlyArray<Instruction> {
    return this.send({ _tag: "TaskSettled", task: this.id(name), ending })
  }

  /** All copies that are on their way arrive. */
  arrive(): void {
    for (const copy of Array.from(this.state.copying.keys())) this.send({ _tag: "TaskCopied", copy })
  }

  /** The finalizers of what the task acquired have run. */
  finalize(name: string, attempt = this.attempt(name)): ReadonlyArray<Instruction> {
    return this.send({ _tag: "TaskFinalized", task: this.id(name), attempt })
  }

  expand(name: string, graph: Graph, target: Dependency, options: Options = {}): void {
    const names = Object.keys(graph)
    const out = this.send({
      _tag: "TaskExpanded",
      task: this.id(name),
      attempt: this.attempt(name),
      plan: plan(graph, options),
      target: referenceTo(names, target)
    })
    const answer = out.find((instruction) => instruction._tag === "Submitted")
    names.forEach((each, i) => this.ids.set(each, answer!.ids[i]!))
  }

  wait(
    wait: number,
    claims: ReadonlyArray<Claim>,
    inside?: string,
    mode: WaitMode = "all"
  ): ReadonlyArray<Instruction> {
    return this.send({ _tag: "WaitBegan", wait, claims: claims.map(({ id }) => id), mode, ...this.from(inside) })
  }

  /** Waits inside a task for all of these, and keeps the slot. */
  keep(wait: number, claims: ReadonlyArray<Claim>, inside: string): ReadonlyArray<Instruction> {
    const ids = claims.map(({ id }) => id)
    return this.send({ _tag: "WaitBegan", wait, claims: ids, mode: "all", keepsSlot: true, ...this.from(inside) })
  }

  abandon(wait: number): ReadonlyArray<Instruction> {
    return this.send({ _tag: "WaitAbandoned", wait })
  }

  wantSlot(wait: number, name: string): ReadonlyArray<Instruction> {
    return this.send({ _tag: "SlotWanted", wait, task: this.id(name), attempt: this.attempt(name) })
  }

  cancel(
    owner: number,
    name: string,
    wait: number,
    { alone, force = false, inside }: { alone?: boolean; force?: boolean; inside?: string } = {}
  ) {
    const claim = this.claim(owner, name)
    return this.send({
      _tag: "CancelRequested",
      ...cancelOf(claim, this.places.get(claim)!),
      force,
      ...(alone !== undefined && { alone }),
      by: inside ?? "main",
      reason: "told so",
      wait,
      ...this.from(inside)
    })
  }

  share(owner: number, claim: Claim): Claim {
    const out = this.send({ _tag: "ClaimShared", claim: claim.id, owner })
    const made = out.find((instruction) => instruction._tag === "Submitted")?.claims[0]
    if (made === undefined) return claim
    return this.noteClaim(owner, this.narrator.name(claim.task), made)
  }

  /** The owner needs the task no longer. */
  release(owner: number, name: string): ReadonlyArray<Instruction> {
    return this.send({ _tag: "ClaimsReleased", claims: [this.claim(owner, name).id] })
  }

  close(owner: number, wait: number, inside?: string): ReadonlyArray<Instruction> {
    return this.send({ _tag: "OwnerClosed", owner, by: "main", reason: "closed", wait, ...this.from(inside) })
  }

  /** Loses the worker with this name. */
  lose(name: string): ReadonlyArray<Instruction> {
    const worker = this.state.workers.find((each) => each.name === name)!.serial
    return this.learnAgain(this.send({ _tag: "WorkerLost", worker }))
  }

  /** The worker with this name does not have the result of a task. */
  lack(name: string, task: string, begun?: ReadonlyArray<number>): ReadonlyArray<Instruction> {
    const worker = this.state.workers.find((each) => each.name === name)!.serial
    const about = { task: this.id(task), attempt: this.attempt(task) }
    return this.learnAgain(this.send({ _tag: "ResultMissing", worker, ...about, begun }))
  }

  /** The body of a task finds that these dependencies are gone. */
  miss(name: string, ...dependencies: ReadonlyArray<string>): ReadonlyArray<Instruction> {
    const own = dependencyRows(this.state, this.id(name))
    const places = dependencies.map((each) => own.indexOf(this.id(each)))
    return this.learnAgain(this.end(name, { _tag: "DependenciesLost", places }))
  }

  /** The body of a task never began: these workers do not have these inputs, though they should. */
  loseInputs(name: string, ...inputs: ReadonlyArray<readonly [input: string, worker: string]>) {
    const own = dependencyRows(this.state, this.id(name))
    const lost = inputs.map(([input, worker]) => ({
      place: own.indexOf(this.id(input)),
      holder: this.state.workers.find((each) => each.name === worker)?.serial ?? -1
    }))
    return this.learnAgain(this.end(name, { _tag: "InputsLost", inputs: lost }))
  }

  /** What had been forgotten may have another row now. */
  private learnAgain(out: ReadonlyArray<Instruction>): ReadonlyArray<Instruction> {
    const { flags, submission, used } = this.state.tasks
    for (let task = 0; task < used; task++) {
      const isRevived = submission[task] !== undefined && (flags[task]! & Flag.recomputed) !== 0
      if (isRevived) this.ids.set(keyOf(this.state, task), task)
    }
    return out
  }

  at(now: number): ReadonlyArray<Instruction> {
    this.now = now
    return this.send({ _tag: "TimeCame" })
  }

  private from(inside: string | undefined): { readonly waiter: TaskId; readonly attempt: number } {
    return inside === undefined ?
      { waiter: -1, attempt: 0 } :
      { waiter: this.id(inside), attempt: this.attempt(inside) }
  }
}

/** Every table is empty. */
export const assertNothingIsLeft = ({ state }: Rig): void => {
  const {
    balance: { overtaken },
    extras,
    failures,
    holding,
    keys,
    later,
    leaving,
    owners
  } = state
  const { copying, tasks, waits } = state
  const tables = {
    copying,
    extras,
    failures,
    holding,
    keys,
    later,
    leaving,
    overtaken,
    owners,
    tasks,
    waits
  }
  const left = Object.entries(tables).filter(([, { size }]) => size > 0).map(([name]) => name)
  assert.deepStrictEqual([left, state.resources], [[], 0])
}
