/**
 * A naive reference for the engine, written from docs/semantics.md: plain objects, no counters, everything found
 * again by search after each event. It does not choose what starts; it judges whether each choice was allowed, and it
 * knows how every task must end, what is held, who waits, and which waits are over.
 *
 * It judges alone: of the engine's functions it uses none, and of its tables the names of phases and one flag, to compare. Where
 * the laws leave a choice, it believes the engine within bounds that it checks:
 *
 * - The rows of tasks and workers: new ones are free, and no row is given twice (`register`, `rowOf`, `judgeRow`).
 * - What starts, and where: it must be allowed, and nothing may be left that could start (`started`, `walk`).
 * - Which members a group lets go of as losers: the group is met without them (`believeDropped`).
 * - Which of several refusals at once ends a task (`chosenOf`, `isOwnEnd`).
 * - Which task of a cycle that a loss closed ends as `Starved`: it is part of one (`believeCycle`).
 * - In which step a stuck wait that keeps amounts alone is told so (`believeStarved`).
 * - Which of the tasks a cancellation or a close may wait for it waits for, with all for which it must (`leavingFor`).
 * - The order in which bodies that go on wait for their slots (`walk`).
 * - Which copies are called off: of these nothing was left to copy (`isOnItsWay`).
 * - The worker that holds a value from outside, which is not lost (`Hold`, `placeOf`).
 * - How often a worker's place was taken by a fresh one (`startWorker`).
 * - What lies too far back to be made anew: some submission lies further from it than `limits.lineage` (`isBeyond`).
 */
import type { Ending, Event, PoolOpened, SlotWanted, Terms, WaitMode } from "../../src/engine/protocol/Event.ts"
import type { Fairness } from "../../src/engine/protocol/fairness.ts"
import type { ClaimId, TaskId } from "../../src/engine/protocol/ids.ts"
import type { Discard, Instruction, Start, StartWorker, WaitEnded } from "../../src/engine/protocol/Instruction.ts"
import { Flag, Phase, phaseNames } from "../../src/engine/protocol/Phase.ts"
import type { Demand, Plan, Reference, Settings } from "../../src/engine/protocol/Plan.ts"
import type { Group, Outcome } from "../../src/engine/protocol/policies.ts"
import type { Claim } from "../../src/engine/state/Owner.ts"
import { extrasOf } from "../../src/engine/state/rare.ts"
import type { State } from "../../src/engine/state/State.ts"
import type { Submission as Known } from "../../src/engine/state/Submission.ts"
import { verdictOn } from "./policyTable.ts"

type Ended = "succeeded" | "failed" | "cancelled" | "skipped"

export interface Task {
  readonly name: string
  /** What tells it from all others, in whatever row. */
  readonly serial: number
  row: TaskId
  readonly deps: ReadonlyArray<Task>
  readonly settings: Settings
  readonly owner: Owner
  readonly submission: Submission
  /** Where it was submitted, and where it stands now: one that gave its place up goes behind all others. */
  readonly place: Rank
  rank: Rank
  status: "pending" | "active" | "stopping" | "releasing" | Ended
  readonly share: string
  /** It depends on nothing, and no body submitted it. */
  readonly isSource: boolean
  /** That of its result. */
  size: number
  /** How many of its share had started when it was ready. */
  since: number | undefined
  /** Its result is, or has, one that owns a resource, and lives on what it was made of. */
  retains: boolean
  /** What its body makes owns a resource; a value from outside does not. */
  isResource: boolean
  /** The workers that hold its result besides the first. */
  readonly copies: Set<number>
  /** It was settled with a value, which no worker holds yet. */
  unheld: boolean
  /** The finalizers of its resource were asked for, and have run. */
  finalizeTold: boolean
  finalized: boolean
  forgotten: boolean
  alias: Task | undefined
  /** Its result came from its alias. */
  adopted: boolean
  wished: boolean
  /** The ends that are told of a wished task. */
  told: ReadonlyArray<"failure" | "skip">
  /** The graph that its body returned. */
  inner: ReadonlyArray<Task>
  retrying: boolean
  timedOut: boolean
  attempt: number
  starts: number
  /** It was started at some time, in an attempt that counts or not. */
  begun: boolean
  /** Workers that died while they ran it. */
  deaths: number
  /** How often its body has reported dependencies as lost. */
  reports: number
  /** Workers on which its body said that it cannot run there. */
  readonly unmet: Set<Worker>
  /** What limits its wait for a worker, while none could run it. */
  lack: Due | "none" | undefined
  /** It had ended, and its result was lost. */
  recomputed: boolean
  worker: number
  holds: boolean
  /** It holds the amounts and tags that it asks for. */
  holdsAmounts: boolean
  holdsTags: boolean
  /** It was asked to stop, goes on, and waits for its slot. */
  wanted: Waiting | undefined
  /** The waits open inside its body. */
  readonly open: Set<Waiting>
  /** The outcome fixed at the request to stop. */
  fixed: readonly [Ended, string] | undefined
  /** On whose behalf it leaves for certain, and may. */
  must: ReadonlyArray<Behalf>
  may: ReadonlyArray<Behalf>
  stopTold: boolean
  /** Stops because nobody wants it. */
  unwanted: boolean
  refused: boolean
  /** Since when it has lacked nothing but a worker, while there was none. */
  lacksSince: number | undefined
  /** It ended because of what it depended on. */
  upstream: boolean
  /** The places of dependencies of which it let go when their group was met. */
  dropped: ReadonlySet<number>
  endedAt: number
  /** `reason:root`, all that are allowed. */
  why: Set<string>
}

/** The tasks that came together, and what came later and needs some of them. */
interface Submission {
  readonly users: Set<Submission>
  /** What the engine has of it. */
  readonly known: Known | undefined
}

/** What decides which of two ready tasks starts first, in this order. */
interface Rank {
  readonly priority: number
  readonly computation: number
  readonly ancestor: number
  readonly depth: number
  readonly submission: number
  readonly position: number
}

const compare = (a: Rank, b: Rank): number =>
  b.priority - a.priority || a.computation - b.computation || a.ancestor - b.ancestor || b.depth - a.depth ||
  b.submission - a.submission || a.position - b.position

/** Each task's own priority, or a higher one of any that needs it. */
const prioritiesIn = (plan: Plan, standard: number): ReadonlyArray<number> => {
  const needs = (i: number): ReadonlyArray<number> =>
    Array.from(plan.targets.subarray(plan.offsets[i], plan.offsets[i + 1]))
  const own = (i: number): number => plan.settings.get(i)?.priority ?? standard
  const found = new Map<number, number>()
  const rank = (i: number): number => {
    const above = Array.from({ length: plan.size }, (_, j) => j).filter((j) => needs(j).includes(i))
    const priority = found.get(i) ?? Math.max(own(i), ...above.map(rank))
    found.set(i, priority)
    return priority
  }
  return Array.from({ length: plan.size }, (_, i) => rank(i))
}

interface Owner {
  readonly id: number
  isOpen: boolean
  readonly claims: Set<Interest>
  readonly bulk: Array<Task>
  /** The names of wished tasks that ended by themselves without success. */
  readonly roots: Array<string>
  /** The wait of its computation. */
  wait: number
}

interface Interest {
  readonly owner: Owner
  readonly task: Task
  readonly claim: Claim
  state: Claim["state"]
  cancelledFor: Task | undefined
}

interface Waiting {
  readonly id: number
  readonly mode: WaitMode | "slot"
  awaited: ReadonlyArray<Interest | Task>
  /** On whose behalf all must have stopped and been released, and with which cancellation it began. */
  readonly behalf: Behalf | undefined
  /** Nothing more is awaited. */
  complete: boolean
  waiter: Task | undefined
  /** A request to stop does not end it. */
  readonly closing: boolean
  readonly keepsSlot: boolean
  /** What has ended while it was awaited, and whether well: a claim that is let go of later changes nothing. */
  readonly ended: Map<Interest | Task, "good" | "bad">
  abandoned: boolean
  starved: boolean
  /** It can never end, and its task must take its slot again before it hears of that. */
  starvedAway: boolean
}

/** How everything stood before an event. */
interface Before {
  readonly leaving: ReadonlyMap<Task, Pick<Task, "must" | "may">>
  /** Who held a task: others that need it, and owners that claim or wish it. */
  readonly users: ReadonlyMap<Task, ReadonlyArray<Task>>
  readonly claimers: ReadonlyMap<Task, ReadonlyArray<Owner>>
  readonly statuses: ReadonlyMap<Task, Task["status"]>
  readonly open: ReadonlySet<Owner>
}

interface Behalf {
  readonly owner: Owner
  readonly cancelled: Task | undefined
}

interface Due {
  readonly at: number
  readonly sequence: number
  readonly kind: "timeout" | "deadline" | "dependencies" | "retry" | "grace" | "workers" | "stranded"
  readonly task: Task
  readonly attempt: number
}

interface Copying {
  readonly task: Task
  readonly from: number
  readonly to: number
  isMove: boolean
}

interface Worker {
  /** What tells it from all others, in whatever row. */
  readonly serial: number
  readonly name: string
  readonly row: number
  readonly labels: ReadonlyArray<string>
  readonly slots: number
  /** In thousandths. */
  readonly amounts: Readonly<Record<string, number>>
  readonly mark: number
  readonly terms: Terms
  readonly isPooled: boolean
  readonly restarts: ReadonlyArray<number>
  phase: "starting" | "open" | "draining" | "gone" | "lost"
  since: number
  heardAt: number
  started: number
  idleSince: number | undefined
}

/** Whether a task may run on some workers only, which it names, or which have what it needs. */
const isBound = (demand: Demand | undefined): boolean =>
  demand?.amounts !== undefined || (demand?.allowOthers !== true && (demand?.workers ?? demand?.labels) !== undefined)

/** Whether a task may run on any worker. */
const isAnywhere = ({ settings: { demand, policies }, unmet }: Task): boolean =>
  demand === undefined && policies === undefined && unmet.size === 0

const takesTasks = ({ phase }: Worker): boolean => phase === "open" || phase === "starting"

/** Whether a value from outside can be held there. */
const mayHold = ({ phase }: Worker): boolean => phase !== "lost" && phase !== "starting"

export const hasEnded = (task: Task): boolean =>
  task.status === "succeeded" || task.status === "failed" || task.status === "cancelled" || task.status === "skipped"

/** Whether the end of a task, with all that it leaves behind, is still to come. */
const isOpen = (task: Task): boolean => !hasEnded(task) && !task.finalized

/** Whether a result owns a resource, or passes one on. */
const owns = (task: Task): boolean => task.status === "succeeded" && task.retains

const isForgotten = ({ known }: Submission): boolean => known !== undefined && known.reach < 0

/** Whether a group ends its task as the member ended that did so otherwise. */
const isDefault = ({ of, policy }: Group): boolean =>
  policy._tag === "All" && policy.on === "success" && of !== "follow"

/** How a task that has ended did so, as policies see it. */
const outcomeOf = (task: Task): Outcome =>
  task.status === "succeeded"
    ? "success"
    : task.status === "skipped"
    ? "skipped"
    : task.upstream
    ? "upstreamFailed"
    : "failed"

/** The dependencies that a task has not let go of, with their places. */
const heldBy = ({ deps, dropped }: Task): ReadonlyArray<readonly [number, Task]> =>
  deps.map((each, place) => [place, each] as const).filter(([place]) => !dropped.has(place))

const groupsOf = ({ settings }: Task): ReadonlyArray<Group> => settings.policies ?? []

const isIn = ({ from, to }: Group, place: number): boolean => place >= from && place < to

const inGroup = (task: Task, group: Group): ReadonlyArray<Task> =>
  heldBy(task).filter(([place]) => isIn(group, place)).map(([, each]) => each)

const outsideGroups = (task: Task): ReadonlyArray<Task> =>
  heldBy(task).filter(([place]) => !groupsOf(task).some((group) => isIn(group, place))).map(([, each]) => each)

const verdictOf = (task: Task, group: Group) => {
  const members = inGroup(task, group)
  const tally = { success: 0, failed: 0, upstreamFailed: 0, skipped: 0 }
  for (const member of members) if (hasEnded(member)) tally[outcomeOf(member)]++
  return verdictOn(group.policy, members.length, tally)
}

/** What keeps a pending task from being ready. */
const awaitedBy = (task: Task): ReadonlyArray<Task> => {
  if (task.settings.policies === undefined) return task.deps.filter((each) => !hasEnded(each))
  const open = groupsOf(task).filter((group) => verdictOf(task, group) === undefined)
  return [...outsideGroups(task), ...open.flatMap((group) => inGroup(task, group))].filter((each) => !hasEnded(each))
}

const inAttempt = (task: Task): boolean => task.status === "active" || task.status === "stopping"

const thousandths = (amounts: Readonly<Record<string, number>> = {}): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, Math.round(amount * 1000)]))

/** What a task needs of something, on a worker or on all, and how much others hold of that. */
interface Need {
  readonly what: string
  readonly total: number
  readonly needed: number
  readonly shares: ReadonlyArray<readonly [Task, number]>
}

/** What may not be taken by those who come later, by what it is. */
type Withheld = Map<string, number>

const leftOf = ({ shares, total }: Pick<Need, "shares" | "total">): number =>
  shares.reduce((left, [, share]) => left - share, total)

/** What the model knows of who comes first: all of it where ranks and amounts alone decide, or turns alone; not of both. */
export type Order = "ranks" | "turns" | "any"

/** What holds for the scheduler. */
export interface ModelSettings {
  readonly fairness: Fairness
  readonly lineage: number
  readonly order: Order
  readonly overtakes: number
  readonly windowMillis: number
}

export class Model {
  readonly tasks = new Set<Task>()
  readonly byRow = new Map<TaskId, Task>()
  /** Forgotten in the step in which their rows are given away: `Forget` is still to be judged. */
  private readonly displaced = new Map<TaskId, Task>()
  /** Revived and forgotten in one step. */
  private readonly rowless = new Set<Task>()
  /** Results that are taken from who should have held them. */
  private readonly struck: Array<readonly [task: Task, from: number]> = []
  /** Copies that are on their way. */
  private readonly copying = new Map<number, Copying>()
  readonly owners = new Map<number, Owner>()
  readonly interests = new Map<ClaimId, Interest>()
  readonly waits = new Map<number, Waiting>()
  readonly workers: Array<Worker> = []
  readonly failures = new Set<number>()
  /** How often which task was started, by serial. */
  readonly starts = new Map<number, number>()
  /** How often an attempt of which task asked for another one. */
  readonly asked = new Map<number, number>()
  /** Why attempts did not end a task: `Start`s that had to come again. */
  readonly restarts = {
    retried: 0,
    died: 0,
    lost: 0,
    inputsLost: 0,
    gaveWay: 0,
    unmet: 0,
    killed: 0,
    revived: 0,
    starved: 0,
    reported: 0,
    staleReports: 0
  }
  /** How often something was made anew because a body missed it. */
  reports = 0
  /** Starts in spite of a brake, of what was overdue, and among several shares. */
  readonly fair = { braked: 0, overdue: 0, turns: 0 }
  /**
   * What came of policies: tasks that could not start, or were skipped, and dependencies that were let go of; and what could not
   * be made anew, for it was too far back.
   */
  readonly verdicts = { impossible: 0, ruledOut: 0, letGo: 0, forgotten: 0 }
  /** Settled tasks by how they ended, for the record. */
  readonly ends = { succeeded: 0, failed: 0, cancelled: 0, skipped: 0 }
  private state: State | undefined
  /** Groups without which a task should not have let go of others. */
  private readonly toJudge = new Set<readonly [Task, Group]>()
  private timers: Array<Due> = []
  private armed = 0
  private pool: PoolOpened | undefined
  /** When workers of the pool were lost. */
  private readonly poolLosses: Array<number> = []
  /** Workers that must be replaced, or must be said to be lost, in this step. */
  private readonly replaced = new Set<number>()
  /** What has been judged in this step, some of it ahead of its turn. */
  private readonly judged = new Set<Instruction>()
  private isEarly = false
  /** What tasks wait for that have not heard yet of what ended in this step. */
  private readonly unaware = new Map<Task, ReadonlyArray<Task>>()
  /** Workers came or went in this step since it was found out who lacks one. */
  private crewMoved = false
  private readonly silent = new Set<number>()
  /** Tasks whose wait for a worker ends in this step. */
  private readonly late = new Set<Task>()
  private problems: Array<string> = []
  private clock = 0
  private now = 0
  private sequence = 1
  private computations = 0
  private crew = 0
  private window: { readonly number: number; readonly at: number } | undefined
  private readonly windowMillis: number
  private submissions = 0
  private attempts = new Set<number>()
  /** Those of which must be said now that they do not stop. */
  private readonly overdue = new Set<Task>()
  /** How everything stood before this step, and because of whom tasks leave in it. */
  private before: Before | undefined
  private cause: Pick<Task, "must" | "may"> = { must: [], may: [] }
  private readonly limits = new Map<string, number>()
  /** How often the tasks that ask alike were overtaken since one of them started, and since which attempt that is too often. */
  private readonly overtaken = new Map<string, { count: number; since: number }>()
  /** Those that go first in this step. */
  private overdueNames: Array<string> = []
  private readonly overtakes: number
  /** Somebody settles an open task in this step. */
  private isSettling = false
  private isDeaf = false
  /** Their attempts were lost in this step. */
  private readonly returning = new Set<Task>()
  /** Where shares stand, as long as somebody waits who takes turns. */
  private turns: Map<string, { at: number; last: number; starts: number }> | undefined
  private lastTurn = 0
  private readonly fairness: Fairness
  private readonly order: Order
  private readonly lineage: number
  /** Their former results are dropped, and come again. */
  private readonly discarded = new Set<Task>()

  constructor(
    { fairness, lineage, order, overtakes, windowMillis }: ModelSettings
  ) {
    this.overtakes = overtakes
    this.fairness = fairness
    this.order = order
    this.windowMillis = windowMillis
    this.lineage = lineage
  }

  /** What the engine did wrong with this event. */
  apply(state: State, event: Event, out: ReadonlyArray<Instruction>): ReadonlyArray<string> {
    this.problems = []
    this.state = state
    this.before = this.lookBefore()
    this.cause = { must: [], may: [] }
    this.isSettling = false
    this.clock++
    this.now = event.now
    this.happen(event, out, state)
    this.follow()
    this.crewMoved = false
    // Those in the place of workers that this event took away were there before these went.
    this.isEarly = true
    for (const [i, each] of out.entries()) {
      if (each._tag !== "StartWorker" || each.replaces < 0 || takesTasks(this.workers[each.replaces]!)) continue
      // One may take the row of another that has left in this step.
      const left = out.find((other, j) => j < i && other._tag === "WorkerLeft" && other.worker === each.worker)
      if (left !== undefined) this.judgeOnce(state, event, left, out)
      this.judgeOnce(state, event, each, out)
    }
    this.isEarly = false
    for (const task of this.late) {
      const lack = task.status === "pending" ? this.lackOf(task) : undefined
      if (lack !== undefined) this.finish(task, "failed", `${lack.why}:${task.name}`)
    }
    this.late.clear()
    this.endLacks()
    this.lackWorkers()
    if (this.believeDropped(true)) {
      this.follow()
      this.endLacks()
    }
    for (const [task, group] of this.toJudge) {
      if (task.status === "pending" && verdictOf(task, group) !== "run") this.complain(`${task.name} let go too early`)
    }
    this.toJudge.clear()
    this.noteLeaving()
    for (const wait of this.waits.values()) this.goOn(wait)
    this.waitAnew()
    // The engine calls off copies of what is gone, or to where nobody stays.
    const calledOff: Array<Copying> = []
    for (const [number, copying] of this.copying) {
      const present = state.copying.get(number)
      if (present !== undefined) copying.isMove = present.isMove
      else if (this.copying.delete(number)) calledOff.push(copying)
    }
    this.queueUp()
    // A worker that joined and left in this step was known between the two.
    this.dropOvertaken()
    this.overdueNames = this.overdueNow()
    for (const worker of this.workers) {
      const { attempts, phase } = state.workers[worker.row]!
      if ((phase === "draining" || phase === "gone") && attempts === 0) this.letGo(worker)
    }
    for (const instruction of out) this.judgeOnce(state, event, instruction, out)
    this.judged.clear()
    this.lookAgain()
    for (const each of calledOff) {
      if (this.isOnItsWay(each)) this.complain(`M9: a copy of ${each.task.name} was called off`)
    }
    this.believeStarved(state, out)
    if (this.order === "ranks") {
      this.walk(state, (task) => {
        this.complain(`S6: ${task.name} could start or go on`)
      })
    }
    this.dropOvertaken()
    if (event._tag === "CopiesRequested") this.compareCopies(event)
    if (event._tag === "RebalanceRequested") this.compareLoads()
    if (![...this.tasks].some((task) => this.waitsInQueue(task))) this.turns = undefined
    this.watchPool()
    this.compare(state)
    for (const task of this.tasks) if (task.forgotten) this.tasks.delete(task)
    return this.problems
  }

  /** Whether a copy still has its result to come from, where it was, and a worker that stays to go to. */
  private isOnItsWay({ from, isMove, task, to }: Copying): boolean {
    const isThere = task.status === "succeeded" && !task.forgotten && task.worker === from
    return isThere && (isMove || !task.copies.has(to)) && this.workers[to]?.phase === "open"
  }

  /** No result that only one worker holds could go to one that holds less by two. */
  private compareLoads(): void {
    const results = [...this.tasks].filter((task) => task.status === "succeeded" && !task.forgotten)
    const loads = this.workers.map(() => 0)
    const add = (row: number, count = 1) => loads[row] = loads[row]! + count
    for (const { copies, worker } of results) for (const row of [worker, ...copies]) add(row)
    for (const { from, isMove, to } of this.copying.values()) {
      add(to)
      if (isMove) add(from, -1)
    }
    const least = Math.min(...loads.filter((_, row) => this.workers[row]!.phase === "open"))
    for (const task of results) {
      const isMoving = [...this.copying.values()].some((copying) => copying.task === task)
      if (task.copies.size > 0 || isMoving || task.retains || task.isResource) continue
      if (this.workers[task.worker]?.phase !== "open" || loads[task.worker]! - least < 2) continue
      this.complain(`M9: ${task.name} should have moved from worker ${task.worker}`)
    }
  }

  private compareCopies({ copies, task: row, workers: names }: Event & { readonly _tag: "CopiesRequested" }): void {
    const task = this.byRow.get(row)
    if (task?.status !== "succeeded" || task.retains || task.isResource || task.worker < 0) return
    const coming = [...this.copying.values()].filter((copying) => copying.task === task).map(({ to }) => to)
    const holders = new Set([task.worker, ...task.copies, ...coming])
    const others =
      this.workers.filter(({ name, phase }, index) =>
        phase === "open" && !holders.has(index) && (names?.includes(name) ?? true)
      ).length
    if (holders.size < copies && others > 0) this.complain(`M9: ${task.name} has ${holders.size} of ${copies} copies`)
  }

  // Workers.

  private makeWorker(
    row: number,
    name: string,
    slots: number,
    terms: Terms,
    isPooled = false,
    restarts: ReadonlyArray<number> = []
  ): Worker {
    const times = { since: this.now, heardAt: this.now, started: 0, idleSince: undefined }
    return {
      serial: this.crew++,
      row,
      name,
      labels: [],
      slots,
      amounts: {},
      mark: Infinity,
      terms,
      isPooled,
      restarts,
      phase: "open",
      ...times
    }
  }

  /** S11: a row is new, or that of a worker of which nothing is left. */
  private enter(worker: Worker): void {
    this.judgeRow(worker)
    this.workers[worker.row] = worker
  }

  private judgeRow(worker: Worker): void {
    const former = this.workers[worker.row]
    const isUsed = former === undefined
      ? worker.row !== this.workers.length
      : (former.phase !== "gone" && former.phase !== "lost") ||
        [...this.tasks].some((task) => !task.forgotten && task.worker === worker.row)
    if (isUsed) this.complain(`S11: the row ${worker.row} is not free`)
  }

  /** One-for-one, at most so often within a window, and not for one that died at once. */
  private isRestarted({ isPooled, restarts, since, terms: { restart } }: Worker): boolean {
    if (restart === undefined || isPooled || this.now - since < restart.minRunMillis) return false
    return restarts.filter((at) => this.now - at < restart.withinMillis).length < restart.times
  }

  private lost(worker: Worker): void {
    if (takesTasks(worker)) {
      if (this.isRestarted(worker)) this.replaced.add(worker.row)
      if (worker.isPooled) this.poolLosses.push(this.now)
    }
    worker.phase = "lost"
  }

  /** W9: what lacks nothing but a worker ends when it has waited for one as long as it may. */
  private lackWorkers(): void {
    const isStranded = (task: Task): boolean =>
      this.isReady(task) && task.lacksSince === undefined && task.lack === undefined
    for (let stranded = [...this.tasks].filter(isStranded); stranded.length > 0;) {
      if (this.workers.some(takesTasks) || this.isOneWanted()) return
      for (const task of stranded) {
        task.lacksSince = this.now
        const limit = task.settings.waitForWorkersMillis ?? Infinity
        if (limit === 0) this.finish(task, "failed", `NoWorker:${task.name}`)
        else if (limit < Infinity) this.arm("stranded", task, limit)
      }
      // All of them end at once, and then others hear of it.
      this.follow()
      // What follows one of them knows by now where it could go.
      this.endLacks()
      stranded = [...this.tasks].filter(isStranded)
    }
  }

  /** Which of several dependencies came first decides what others are let go of: the engine says, and must have a reason. */
  private believeDropped(isLate = false): boolean {
    let changed = false
    for (const task of this.tasks) {
      if (task.settings.policies === undefined || task.forgotten || hasEnded(task)) continue
      const { submission, index } = this.state!.tasks
      const place = submission[task.row]
      if (place === undefined || place.sequence + index[task.row]! !== task.serial) continue
      const dropped = extrasOf(this.state!, task.row)?.needs?.dropped ?? this.droppedAtLast(task)
      if (dropped === undefined) continue
      const before = task.dropped
      const added = [...dropped].filter((place) => !before.has(place))
      if (added.length === 0 && before.size === dropped.size) continue
      // A loss may have brought that about, of which everybody is to know first: what has ended is never let go of.
      const mayWait = added.some((place) => {
        const group = groupsOf(task).find((each) => isIn(each, place))
        return group !== undefined && (verdictOf(task, group) !== "run" || hasEnded(task.deps[place]!))
      })
      if (task.status === "pending" && !isLate && mayWait) continue
      changed = true
      task.dropped = new Set(dropped)
      for (const place of added) {
        const group = groupsOf(task).find((each) => isIn(each, place))
        const mayLose = group?.policy._tag === "AtLeast" && group.policy.losers === "cancel"
        if (!mayLose) this.complain(`${task.name} lets go of ${task.deps[place]!.name}`)
        else this.toJudge.add([task, group])
        this.verdicts.letGo++
      }
    }
    return changed
  }

  /**
   * A task that became impossible in the step in which it let go of losers does not say of which any more: of those that ended
   * later in that step and never began, or they would count where it looked for workers.
   */
  private droppedAtLast(task: Task): ReadonlySet<number> | undefined {
    if (task.status !== "pending" || extrasOf(this.state!, task.row)?.outcome?.reason._tag !== "Impossible") {
      return undefined
    }
    const isLost = (place: number): boolean => {
      const group = groupsOf(task).find((each) => each.of === "follow" && isIn(each, place))
      const mayLose = group?.policy._tag === "AtLeast" && group.policy.losers === "cancel"
      return mayLose && verdictOf(task, group) === "run" && task.deps[place]!.endedAt === this.clock &&
        !task.deps[place]!.begun
    }
    const places = task.deps.flatMap((_, place) => isLost(place) ? [place] : [])
    return places.length === 0 ? undefined : new Set([...task.dropped, ...places])
  }

  /** The size that the pool has must be one that it may have. */
  private watchPool(): void {
    if (this.workers.some(takesTasks)) { for (const task of this.tasks) task.lacksSince = undefined }
    for (const worker of this.workers) {
      const isBusy = worker.phase !== "open" ||
        [...this.tasks].some((task) => inAttempt(task) && task.worker === worker.row)
      worker.idleSince = isBusy ? undefined : worker.idleSince ?? this.now
    }
    const pool = this.pool
    if (pool === undefined) return
    const members = this.members()
    if (members.length > pool.max) this.complain(`W18: ${members.length} workers of ${pool.max}`)
    if (this.isOneWanted()) this.complain(`W18: ${members.length} workers are too few`)
    const isIdle = members.some(({ idleSince }) => idleSince !== undefined && this.now - idleSince >= pool.idleMillis)
    if (isIdle && members.length > pool.min && !this.isShort()) {
      this.complain(`W18: ${members.length} workers are too many`)
    }
  }

  /** Nothing else says so where the pool lets one go: it leaves, or hands on what it holds. */
  private letGo(worker: Worker): void {
    const idle = this.now - (worker.idleSince ?? this.now)
    if (!worker.isPooled || worker.phase !== "open" || idle < this.pool!.idleMillis) return
    worker.phase = "draining"
  }

  /** Whether the pool must start a worker. */
  private isOneWanted(): boolean {
    if (this.pool === undefined || !this.mayGrow()) return false
    const { max, min } = this.pool
    const members = this.members()
    if (members.length < min) return true
    return members.length < max && !members.some(({ phase }) => phase === "starting") && this.isShort()
  }

  private members(): ReadonlyArray<Worker> {
    return this.workers.filter((worker) => worker.isPooled && takesTasks(worker))
  }

  private mayGrow(): boolean {
    const rule = this.pool?.terms?.restart
    if (rule === undefined) return true
    return this.poolLosses.filter((at) => this.now - at < rule.withinMillis).length <= rule.times
  }

  private isShort(): boolean {
    const all = [...this.tasks]
    const wouldStart = (task: Task) => {
      if (this.isBraked(task)) return false
      const { demand } = task.settings
      if (isBound(demand) || this.followed(task) !== undefined) return false
      if (
        demand?.allowOthers === true && this.workers.some((each) => this.accepts(task, each) && meets(each, demand))
      ) {
        return false
      }
      const { tags } = demand ?? {}
      return tags === undefined || this.tagsFor(task, all).every((tag) => leftOf(tag) >= tag.needed)
    }
    if (!all.some((task) => !task.forgotten && this.isReady(task) && wouldStart(task))) return false
    return this.workers.every(({ phase, row, slots }) => {
      const holders = [...this.tasks].filter((task) => task.holds && task.worker === row)
      return phase !== "open" || holders.length >= slots
    })
  }

  /** Workers came or went while others were given something. */
  private lookAgain(): void {
    if (!this.crewMoved) return
    this.crewMoved = false
    this.endLacks()
    this.lackWorkers()
  }

  private complain(problem: string): void {
    this.problems.push(`model: ${problem}`)
  }

  // What an event means.

  private happen(event: Event, out: ReadonlyArray<Instruction>, state: State): void {
    switch (event._tag) {
      case "WorkerAdded": {
        const row = out.find((instruction) => instruction._tag === "WorkerJoined")?.worker
        if (row === undefined) return this.complain("a worker got no row")
        const worker = this.makeWorker(row, event.name, event.slots, event.terms ?? {})
        const { labels = [], mark = Infinity } = event
        return this.enter({ ...worker, labels, mark, amounts: thousandths(event.amounts) })
      }
      case "WorkerStarted": {
        const worker = this.workers[event.worker]
        if (worker?.phase !== "starting") return
        worker.phase = "open"
        worker.since = worker.heardAt = this.now
        return
      }
      case "WorkerBeat": {
        const worker = this.workers[event.worker]
        if (worker?.phase === "open" || worker?.phase === "draining") worker.heardAt = this.now
        return
      }
      case "PoolOpened":
        this.pool = event
        return
      case "TagLimited":
        if (event.limit === undefined) this.limits.delete(event.tag)
        else this.limits.set(event.tag, event.limit)
        return
      case "WorkerDrained": {
        const worker = this.workers[event.worker]
        if (worker !== undefined && takesTasks(worker)) worker.phase = "draining"
        return
      }
      case "WorkerLost":
        return this.workerLost(event.worker, state)
      case "OwnerOpened":
        this.owners.set(event.owner, {
          id: event.owner,
          isOpen: true,
          claims: new Set(),
          bulk: [],
          roots: [],
          wait: -1
        })
        return
      case "GraphSubmitted": {
        const owner = this.owners.get(event.owner)
        const answer = out.find((instruction) => instruction._tag === "Submitted")
        if (owner?.isOpen !== true) return
        if (answer === undefined) return this.complain("a submission got no answer")
        const parent = this.byRow.get(event.parent)
        const made = this.register(
          event.plan,
          owner,
          answer.ids,
          parent?.attempt === event.attempt ? parent : undefined
        )
        const live = (reference: Reference) => reference >= 0 ? made[reference]! : this.byRow.get(~reference)!
        const targets = event.targets.map(live)
        if (event.wait === undefined) {
          targets.forEach((task, i) => this.claim(owner, task, answer.claims[i]!))
          return
        }
        owner.bulk.push(...targets)
        owner.wait = event.wait
        const wishes = Array.from(event.wishes ?? []).flatMap(([wish, told]) =>
          this.wish(
            owner,
            live(wish),
            wish >= 0,
            (["failure", "skip"] as const).filter((_, bit) => (told & 1 << bit) > 0)
          )
        )
        const mode = event.wishes === undefined ? "firstFailure" : "all"
        const awaited = event.wishes === undefined ? targets : wishes
        return this.await(event.wait, mode, awaited, event.parent, event.attempt, false, event.keepsSlot)
      }
      case "TaskExpanded": {
        const task = this.present(event.task, event.attempt)
        if (task === undefined) return
        if (task.status === "stopping") {
          this.cause = { must: task.must, may: task.may }
          return this.finishStopped(task)
        }
        this.leave(task)
        const answer = out.find((instruction) => instruction._tag === "Submitted")
        if (answer === undefined) return this.complain("an expansion got no answer")
        const made = this.register(event.plan, task.owner, answer.ids, task)
        const inner = event.target >= 0 ? made[event.target]! : this.byRow.get(~event.target)!
        // What ended before refuses at once and breaks a cycle; what follows from that comes too late.
        // Tasks with policies first, one after the other.
        for (const each of made) {
          if (each.settings.policies !== undefined && each.deps.some(hasEnded)) this.resolve(each)
        }
        // These hear of the ends of others in their plan only later.
        for (const each of made) if (each.settings.policies !== undefined) this.unaware.set(each, awaitedBy(each))
        const refuses = (other: Task) => !made.includes(other) && hasEnded(other) && other.status !== "succeeded"
        for (const each of made) {
          if (each.status === "pending" && each.settings.policies === undefined && each.deps.some(refuses)) {
            this.resolve(each)
          }
        }
        const isStarved = this.reaches([inner], task)
        this.unaware.clear()
        for (let changed = true; changed;) {
          changed = made.some((each) => each.status === "pending" && this.resolve(each))
        }
        task.status = "pending"
        task.alias = inner
        task.inner = made
        if (task.wished) {
          const wait = this.waits.get(task.owner.wait)
          const wishes = exposedBy(inner, new Set(made), task.told)
          const more = Array.from(wishes).flatMap(([each, told]) =>
            this.wish(task.owner, each, made.includes(each), told)
          )
          // What waits for the waiter itself is not awaited.
          const inside = wait?.waiter
          const open = inside === undefined ? more : more.filter((each) => !this.reaches([each], inside))
          if (wait !== undefined && !wait.abandoned) wait.awaited = [...wait.awaited, ...open]
        }
        if (!isStarved) return
        return this.finish(task, "failed", `Starved:${task.name}`)
      }
      case "TaskEnded":
        return this.taskEnded(event, state)
      case "TaskFinalized": {
        const task = this.byRow.get(event.task)
        if (task?.status !== "releasing" || task.attempt !== event.attempt) return
        this.leave(task)
        this.cause = { must: task.must, may: task.may }
        if (task.fixed !== undefined) return this.finishFixed(task)
        this.finalize(task)
        return this.believeCycle(task, state)
      }
      case "CopiesRequested":
      case "RebalanceRequested":
        return
      case "TaskCopied": {
        const copying = this.copying.get(event.copy)
        this.copying.delete(event.copy)
        if (copying === undefined) return
        const { isMove, task, to } = copying
        if (!isMove) return void task.copies.add(to)
        this.discarded.add(task)
        task.worker = to
        return
      }
      case "TaskSettled":
        return this.settleFromOutside(event)
      case "WaitBegan": {
        const awaited = [...new Set(event.claims)].map((claim) => this.interests.get(claim)!)
        return this.await(event.wait, event.mode, awaited, event.waiter, event.attempt, false, event.keepsSlot)
      }
      case "WaitAbandoned": {
        const wait = this.waits.get(event.wait)
        // Whoever is about to take the slot does so.
        if (wait !== undefined && wait.mode !== "slot") wait.abandoned = true
        return
      }
      case "SlotWanted":
        return this.want(event)
      case "CancelRequested": {
        const interest = this.interests.get(event.claim)!
        const { owner, task } = interest
        const isLive = interest.state === "live"
        const isThere = this.tasks.has(task) && (isLive || event.force)
        const isMeant = isThere && !hasEnded(task) && this.isWanted(task)
        const root = isThere && (isMeant || interest.cancelledFor === undefined) ? task : interest.cancelledFor
        if (isMeant) this.causedBy({ owner, cancelled: task })
        if (isMeant && event.force) {
          if (task.status === "pending") {
            this.finish(task, "cancelled", `Cancelled:${task.name}`)
          } else {
            this.stop(task, "cancelled", `Cancelled:${task.name}`)
          }
          this.follow(`Cancelled:${task.name}`)
        } else if (isMeant) {
          for (const each of interest.owner.claims) {
            if (each.task !== task && !this.isDownstream(each.task, task)) continue
            interest.owner.claims.delete(each)
            each.state = "cancelled"
            each.cancelledFor = task
          }
          this.follow(`Cancelled:${task.name}`)
        }
        return this.awaitLeaving(event, root === undefined ? undefined : { owner, cancelled: root }, false, out)
      }
      case "ClaimShared": {
        const owner = this.owners.get(event.owner)
        const interest = this.interests.get(event.claim)!
        const answer = out.find((instruction) => instruction._tag === "Submitted")
        if (owner?.isOpen !== true || interest.state !== "live") return
        if (answer === undefined) return this.complain("a shared claim got no answer")
        return this.claim(owner, interest.task, answer.claims[0]!)
      }
      case "ClaimReleased": {
        const interest = this.interests.get(event.claim)!
        if (interest.state !== "live") return
        interest.state = "released"
        interest.owner.claims.delete(interest)
        return this.causedBy({ owner: interest.owner, cancelled: undefined })
      }
      case "OwnerClosed": {
        const owner = this.owners.get(event.owner)
        if (owner?.isOpen === true) this.close(owner, event.by)
        return this.awaitLeaving(event, owner === undefined ? undefined : { owner, cancelled: undefined }, true, out)
      }
      case "TimeCame":
        this.lookAtWorkers(state, out)
        return this.timeCame()
    }
  }

  /** Which computation a submission from outside belongs to. */
  private computation(): number {
    const begun = this.window
    if (begun !== undefined && begun.number === this.computations && this.now - begun.at <= this.windowMillis) {
      return begun.number
    }
    this.window = this.windowMillis > 0 ? { number: this.computations + 1, at: this.now } : undefined
    return ++this.computations
  }

  private register(plan: Plan, owner: Owner, rows: Int32Array, parent: Task | undefined): ReadonlyArray<Task> {
    const computation = parent === undefined ? this.computation() : parent.place.computation
    const priorities = prioritiesIn(plan, parent?.place.priority ?? 0)
    const submission = ++this.submissions
    const record: Submission = { users: new Set(), known: this.knownOf(rows) }
    const deps = Array.from(rows, (): Array<Task> => [])
    const made = Array.from(rows, (row, i): Task => {
      const settings = plan.settings.get(i) ?? {}
      const place = {
        priority: priorities[i]!,
        computation,
        ancestor: parent?.place.ancestor ?? plan.positions[i]!,
        depth: parent === undefined ? 0 : parent.place.depth + 1,
        submission,
        position: plan.positions[i]!
      }
      return {
        name: settings.key ?? `${settings.label ?? "task"}#${this.sequence + i}`,
        serial: this.sequence + i,
        row,
        deps: deps[i]!,
        settings,
        owner,
        submission: record,
        place,
        rank: place,
        status: "pending",
        share: settings.share ?? plan.defaults?.share ?? parent?.share ?? "",
        isSource: parent === undefined && plan.offsets[i] === plan.offsets[i + 1],
        size: 0,
        since: undefined,
        retains: false,
        isResource: settings.resource === true,
        copies: new Set(),
        unheld: false,
        finalizeTold: false,
        finalized: false,
        forgotten: false,
        alias: undefined,
        adopted: false,
        wished: false,
        told: [],
        inner: [],
        retrying: false,
        timedOut: false,
        attempt: 0,
        starts: 0,
        begun: false,
        deaths: 0,
        reports: 0,
        unmet: new Set(),
        lack: undefined,
        recomputed: false,
        worker: -1,
        holds: false,
        holdsAmounts: false,
        holdsTags: false,
        wanted: undefined,
        open: new Set(),
        fixed: undefined,
        must: [],
        may: [],
        stopTold: false,
        unwanted: false,
        refused: false,
        lacksSince: undefined,
        upstream: false,
        dropped: new Set(),
        endedAt: -1,
        why: new Set()
      }
    })
    this.sequence += plan.size
    for (const [i, task] of made.entries()) {
      for (let j = plan.offsets[i]!; j < plan.offsets[i + 1]!; j++) {
        const target = plan.targets[j]!
        const dependency = target >= 0 ? made[target] : this.byRow.get(~target)
        if (dependency === undefined) throw new Error(`the simulation depends on nothing: ${target}`)
        deps[i]!.push(dependency)
        if (target < 0) dependency.submission.users.add(record)
      }
      this.tasks.add(task)
    }
    for (const task of made) {
      if (this.byRow.has(task.row)) this.complain(`row ${task.row} is given twice`)
      this.byRow.set(task.row, task)
    }
    for (const i of plan.settings.keys()) {
      const { deadlineMillis, dependencyTimeoutMillis } = made[i]!.settings
      if (deadlineMillis !== undefined) this.arm("deadline", made[i]!, deadlineMillis)
      if (dependencyTimeoutMillis !== undefined) this.arm("dependencies", made[i]!, dependencyTimeoutMillis)
    }
    return made
  }

  /** What the engine has of new tasks; nothing if it has forgotten all of them in this step. */
  private knownOf(rows: Int32Array): Known | undefined {
    const { submission } = this.state!.tasks
    return Array.from(rows, (row) => submission[row]).find((known) => known?.sequence === this.sequence)
  }

  /** Wishes for the end of a task; gives it if it is awaited. */
  private wish(owner: Owner, task: Task, isOwn: boolean, told: Task["told"]): ReadonlyArray<Task> {
    if (!isOwn && !told.includes("failure")) return []
    if (!isOwn) owner.bulk.push(task)
    else {
      task.wished = !hasEnded(task)
      task.told = told
      // What was refused as soon as it was there has ended in this step.
      if (hasEnded(task)) this.tellRoot(task)
    }
    return [task]
  }

  private tellRoot(task: Task): void {
    const kind = task.status === "skipped" ? "skip" : "failure"
    if (task.status !== "succeeded" && !task.refused && task.told.includes(kind)) task.owner.roots.push(task.name)
  }

  private claim(owner: Owner, task: Task, id: ClaimId): void {
    const claim = this.state!.claims.get(id)
    if (claim === undefined) return this.complain(`claim ${id} of owner ${owner.id} is not known`)
    if (this.interests.has(id)) return this.complain(`a claim of owner ${owner.id} on ${task.name} is given twice`)
    const interest: Interest = { owner, task, claim, state: "live", cancelledFor: undefined }
    owner.claims.add(interest)
    this.interests.set(id, interest)
  }

  private close(owner: Owner, by: string): void {
    this.causedBy({ owner, cancelled: undefined })
    for (const interest of owner.claims) interest.state = "released"
    owner.claims.clear()
    owner.bulk.length = 0
    owner.roots.length = 0
    for (const task of this.tasks) if (task.owner === owner) task.wished = false
    this.follow(`Cancelled:${by}`)
    owner.isOpen = false
  }

  // What leaves: it stops, or is released. Who waits for it follows from how everything stood before the step.

  private causedBy(behalf: Behalf): void {
    this.cause = { must: [behalf], may: [behalf] }
  }

  private lookBefore(): Before {
    const users = new Map<Task, Array<Task>>()
    const claimers = new Map<Task, Array<Owner>>()
    const leaving = new Map<Task, Pick<Task, "must" | "may">>()
    const statuses = new Map<Task, Task["status"]>()
    const add = <A>(map: Map<Task, Array<A>>, task: Task, user: A): void => {
      const present = map.get(task)
      if (present === undefined) map.set(task, [user])
      else if (!present.includes(user)) present.push(user)
    }
    for (const task of this.tasks) {
      statuses.set(task, task.status)
      if (isLeaving(task)) leaving.set(task, { must: task.must, may: task.may })
      if (task.wished) add(claimers, task, task.owner)
      if (!this.holds(task)) continue
      const held = task.alias === undefined ? heldBy(task).map(([, each]) => each) : [task.alias]
      for (const each of held) add(users, each, task)
    }
    for (const owner of this.owners.values()) {
      if (!owner.isOpen) continue
      for (const { task } of owner.claims) add(claimers, task, owner)
      for (const task of owner.bulk) add(claimers, task, owner)
    }
    const open = new Set([...this.owners.values()].filter(({ isOpen }) => isOpen))
    return { leaving, users, claimers, statuses, open }
  }

  /** Notes on whose behalf what leaves since this step does so, and who has lost interest since in what leaves already. */
  private noteLeaving(): void {
    const before = this.before!
    const { cause } = this
    const isMoved = (task: Task): boolean => before.statuses.get(task) !== task.status
    const moved = [...this.tasks].filter(isMoved)
    const all = moved.some((task) => !before.open.has(task.owner)) ? [...before.open] : []
    const involved = [...moved.map(({ owner }) => owner), ...all].map(ownedBy)
    const may = distinct([...cause.may, ...cause.must, ...involved, ...moved.flatMap((task) => task.may)])
    for (const task of this.tasks) {
      if (!isLeaving(task)) {
        task.must = []
        task.may = []
        continue
      }
      if (before.leaving.has(task)) {
        const claimers = before.claimers.get(task) ?? []
        const left = cause.must.filter(({ owner }) => claimers.includes(owner) && !this.claims(owner, task))
        task.must = distinct([...task.must, ...left])
        task.may = distinct([...task.may, ...task.must, ...may])
      } else {
        task.must = distinct([ownedBy(task.owner), ...cause.must, ...this.certain(task)])
        task.may = distinct([...task.must, ...may])
      }
    }
  }

  private claims(owner: Owner, task: Task): boolean {
    return owner.bulk.includes(task) || [...owner.claims].some((interest) => interest.task === task)
  }

  /** On whose behalf a task leaves beside its own owner and whoever acts: those of its last user, and who alone wanted it. */
  private certain(task: Task): ReadonlyArray<Behalf> {
    const { claimers, leaving, open, users } = this.before!
    const found: Array<Behalf> = []
    const [user, ...others] = users.get(task) ?? []
    const isAlone = user !== undefined && others.length === 0 && (claimers.get(task) ?? []).length === 0
    // One that leaves by itself is needed still.
    const isLetGo = user !== undefined && !(this.needs(user, task) && this.holds(user))
    if (isAlone && isLetGo) found.push(ownedBy(user.owner), ...(leaving.get(user)?.must ?? []))
    if (open.has(task.owner)) return found
    const heirs = new Set<Owner>()
    const seen = new Set([task])
    for (const each of seen) {
      for (const owner of claimers.get(each) ?? []) heirs.add(owner)
      for (const dependent of users.get(each) ?? []) {
        if (open.has(dependent.owner)) heirs.add(dependent.owner)
        seen.add(dependent)
      }
    }
    const [heir] = heirs
    return heirs.size === 1 ? [...found, ownedBy(heir!)] : found
  }

  /** The wait for all that leaves on this behalf: as the engine says, within what must and may be awaited. */
  private awaitLeaving(
    { attempt, wait, waiter: row }: Event & { readonly _tag: "CancelRequested" | "OwnerClosed" },
    behalf: Behalf | undefined,
    isClosing: boolean,
    out: ReadonlyArray<Instruction>
  ): void {
    this.noteLeaving()
    const waiter = row < 0 ? undefined : this.present(row, attempt) ?? this.finalizing(row, attempt)
    const awaited = behalf === undefined ? [] : this.leavingFor({ id: wait, waiter, closing: isClosing }, behalf)
    this.await(wait, "all", awaited, row, attempt, isClosing, false, behalf)
    if (awaited.length > 0 || behalf === undefined) return
    const made = this.waits.get(wait)!
    made.complete = true
    // All that leaves waits for the waiter.
    const ways = (kind: "must" | "may"): ReadonlyArray<Task> =>
      [...this.tasks].filter((task) => isLeaving(task) && task[kind].some((each) => isPartOf(each, behalf)))
    made.starved = out.some((each) => each._tag === "WaitEnded" && each.wait === wait && each.starved !== undefined)
    const isRight = made.starved
      ? waiter !== undefined && ways("may").some((task) => this.reaches([task], waiter))
      : ways("must").length === 0
    if (!isRight) this.complain(`S14: wait ${wait} is ${made.starved ? "" : "not "}starved`)
  }

  private leavingFor(
    { closing, id, waiter }: Pick<Waiting, "id" | "waiter" | "closing">,
    behalf: Behalf
  ): ReadonlyArray<Task> {
    const isMeant = (each: Behalf): boolean => isPartOf(each, behalf)
    const awaited = (this.state!.waits.get(id)?.tasks ?? []).map((each) => this.byRow.get(each)!)
    if (closing && waiter !== undefined) {
      const must = [...this.tasks].filter((task) => isLeaving(task) && task.must.some(isMeant))
      this.outrank(waiter, [...awaited, ...must])
    }
    for (const task of this.tasks) {
      if (!isLeaving(task) || awaited.includes(task) || !task.must.some(isMeant)) continue
      if (waiter !== undefined && this.reaches([task], waiter)) continue
      this.complain(`S14: wait ${id} does not wait for ${task.name}`)
    }
    for (const task of awaited) {
      if (!task.may.some(isMeant)) this.complain(`S14: wait ${id} has nothing to do with ${task.name}`)
    }
    return awaited
  }

  /** Children for which a closing waiter waits, and theirs, wait no longer for what leads back to the waiter. */
  private outrank(waiter: Task, tasks: ReadonlyArray<Task>): void {
    const depthOf = ({ place }: Task): number => place.depth
    const inner = new Set(tasks.filter((task) => depthOf(task) > depthOf(waiter)))
    for (const task of inner) {
      for (const wait of this.waitsInside(task)) {
        if (!wait.closing) continue
        for (const each of openOf(wait)) if (depthOf(each) > depthOf(task)) inner.add(each)
      }
    }
    for (const task of inner) {
      for (const wait of this.waitsInside(task)) {
        const isInVain = (each: Task): boolean => !inner.has(each) && this.reaches([each], waiter, inner)
        const rest = openOf(wait).filter((each) => !isInVain(each))
        if (rest.length === openOf(wait).length) continue
        if (wait.behalf !== undefined && rest.length > 0) wait.awaited = rest
        else {
          wait.starved = true
          task.open.delete(wait)
        }
      }
    }
  }

  /** A wait for all that leaves on somebody's behalf goes on as long as anything does. */
  private goOn(wait: Waiting): void {
    if (wait.behalf === undefined || wait.abandoned || wait.complete || !this.isOver(wait)) return
    const more = this.leavingFor(wait, wait.behalf)
    if (more.length === 0) wait.complete = true
    for (const task of more) wait.ended.delete(task)
    wait.awaited = [...wait.awaited, ...more]
  }

  private present(row: TaskId, attempt: number): Task | undefined {
    const task = this.byRow.get(row)
    return task !== undefined && task.attempt === attempt && inAttempt(task) ? task : undefined
  }

  private taskEnded({ attempt, ending, task: row }: Event & { readonly _tag: "TaskEnded" }, state: State): void {
    const task = this.present(row, attempt)
    if (ending._tag === "Failed") this.failures.add(ending.failure)
    if (task === undefined) return
    if (task.status === "stopping") this.cause = { must: task.must, may: task.may }
    if (task.status === "stopping" && ending._tag === "Succeeded" && task.isResource) {
      this.leave(task)
      task.timedOut = false
      task.status = "releasing"
      return
    }
    if (task.status === "stopping") {
      if (task.timedOut && ending._tag === "Failed") {
        this.leave(task)
        return this.finish(task, "failed", `Failed:${task.name}`)
      }
      if (!task.timedOut || ending._tag !== "Retried") return this.finishStopped(task)
      this.askFor(task)
      this.restarts.retried++
      this.tryAgain(task, ending.delayMillis)
      return this.believeCycle(task, state)
    }
    switch (ending._tag) {
      case "Succeeded":
        this.leave(task)
        task.size = ending.size ?? 1
        task.retains = task.isResource || (task.settings.absorbs === true && task.deps.some(owns))
        return this.finish(task, "succeeded")
      case "Failed":
        this.leave(task)
        return this.finish(task, "failed", `Failed:${task.name}`)
      case "Interrupted":
        this.leave(task)
        return this.finish(task, "cancelled", `Cancelled:${task.name}`)
      case "Skipped":
        this.leave(task)
        return this.finish(task, "skipped", `Skipped:${task.name}`)
      case "Retried":
        this.askFor(task)
        this.restarts.retried++
        this.tryAgain(task, ending.delayMillis)
        return this.believeCycle(task, state)
      case "InputsLost":
        this.restarts.inputsLost++
        return this.inputsLost(task, ending, attempt, state)
      case "Unmet":
        this.askFor(task)
        this.restarts.unmet++
        task.unmet.add(this.workers[task.worker]!)
        this.requeue(task)
        return this.believeCycle(task, state)
      case "Rescheduled": {
        this.askFor(task)
        this.restarts.gaveWay++
        this.requeue(task)
        const { position, priority, submission } = task.place
        task.rank = { priority, computation: ++this.computations, ancestor: position, depth: 0, submission, position }
        return this.believeCycle(task, state)
      }
      case "DependenciesLost":
        return this.dependenciesLost(
          task,
          this.missedBy(task, ending),
          attempt,
          state
        )
    }
  }

  /** Dependencies, and what is live of what lies behind them. */
  private missedBy(task: Task, { behind = [], places }: Ending & { readonly _tag: "DependenciesLost" }): Array<Task> {
    const isHeld = (place: number): boolean => !task.dropped.has(place)
    const all = behind.filter(([first]) => isHeld(first!)).map(([first, ...others]) =>
      others.reduce((each, place) => each.deps[place]!, task.deps[first!]!)
    )
    const named = [
      ...places.filter(isHeld).map((place) => task.deps[place]!),
      ...all.filter((each) => this.tasks.has(each))
    ]
    return [...new Set(named)]
  }

  /** What its body misses runs again, unless it has since this attempt started. */
  private dependenciesLost(task: Task, named: ReadonlyArray<Task>, attempt: number, state: State): void {
    const isFresh = (each: Task): boolean => hasEnded(each) && each.attempt <= attempt
    const lost = new Set(named.filter((each) => isFresh(each) && each.status === "succeeded"))
    // The exit of a task is as good as that task.
    for (const each of lost) {
      if (each.settings.absorbs !== true) continue
      for (const dep of each.deps) {
        if (this.tasks.has(dep) && dep.status === "succeeded" && isFresh(dep)) lost.add(dep)
      }
    }
    this.restore(task, named, lost, attempt, state)
  }

  /** Who should hold an input, and does not, holds it no more. It comes from others, or is made anew. */
  private inputsLost(
    task: Task,
    { inputs }: Ending & { readonly _tag: "InputsLost" },
    attempt: number,
    state: State
  ): void {
    const isHeld = ({ place }: { readonly place: number }): boolean =>
      place < task.deps.length && !task.dropped.has(place)
    const named = inputs.filter(isHeld).map(({ place }) => task.deps[place]!)
    const lost = new Set<Task>()
    for (const { holder: serial, place } of inputs.filter(isHeld)) {
      const input = task.deps[place]!
      if (input.status !== "succeeded" || input.attempt > attempt) continue
      const row = this.workers.findIndex((each) => each.serial === serial - 1 && each.phase !== "lost")
      if (row < 0 || (input.worker !== row && !input.copies.has(row))) continue
      if (input.copies.size === 0) {
        lost.add(input)
        continue
      }
      this.struck.push([input, row])
      if (input.worker === row) this.promote(input)
      else input.copies.delete(row)
    }
    this.restore(task, [...new Set(named)], lost, attempt, state)
  }

  /** Whoever missed something waits for it, and what is lost is made anew. */
  private restore(
    task: Task,
    named: ReadonlyArray<Task>,
    lost: ReadonlySet<Task>,
    attempt: number,
    state: State
  ): void {
    const isFresh = (each: Task): boolean => hasEnded(each) && each.attempt <= attempt
    if (named.length > 0 && task.settings.policies === undefined && !named.some(isFresh)) {
      this.restarts.staleReports++
      this.askFor(task)
      this.requeue(task)
      return this.believeCycle(task, state)
    }
    task.reports++
    if (task.reports >= 20 || [...lost].some((each) => this.isFinal(each))) {
      this.leave(task)
      return this.finish(task, "failed", `DependenciesGone:${task.name}`)
    }
    this.reports++
    this.restarts.reported++
    this.requeue(task)
    // Not those of values from outside, which own nothing until they are made anew.
    const owning = [...lost].filter(({ isResource }) => isResource)
    for (const each of lost) {
      if (owning.includes(each)) {
        each.status = "releasing"
        continue
      }
      this.discarded.add(each)
      if (each.alias !== undefined) {
        each.alias = undefined
        each.retains = false
      }
      this.reopen(each)
    }
    this.waitAnew()
    for (const each of lost) if (!owning.includes(each)) this.reviveInputs(each, new Set(), state)
    this.follow()
    for (const each of this.tasks) this.believeCycle(each, state)
  }

  /** Whether a task cannot be made again: it must not run twice, or something that is gone and would have to must not. */
  private isFinal(task: Task): boolean {
    if (task.settings.idempotent === false || this.isBeyond(task)) return true
    return task.deps.some((dep) => !this.tasks.has(dep) && this.isFinal(dep))
  }

  /** Whether it is not known any more what a task was made of: the engine says so, of what lies far enough behind some other. */
  private isBeyond({ name, submission }: Task): boolean {
    if (!isForgotten(submission)) return false
    this.verdicts.forgotten++
    const seen = new Set([submission])
    let ring = [submission]
    for (let distance = 0; distance <= this.lineage && ring.length > 0; distance++) {
      ring = ring.flatMap(({ users }) => [...users]).filter((user) => !seen.has(user))
      // Through what is forgotten itself nothing is made anew.
      if (ring.some(isForgotten)) return true
      for (const user of ring) seen.add(user)
    }
    if (ring.length === 0) this.complain(`M3: ${name} is forgotten too early`)
    return true
  }

  private settleFromOutside({ ending, task: row }: Event & { readonly _tag: "TaskSettled" }): void {
    const task = this.byRow.get(row)
    if (ending._tag === "Failed") this.failures.add(ending.failure)
    const isOpen = (each: Task): boolean =>
      each.status === "pending" || each.status === "active" || (this.isToComeAgain(each) && this.isWanted(each))
    if (task === undefined || !isOpen(task)) return
    this.isSettling = ending._tag !== "Succeeded" || this.workers.some(mayHold)
    if (!this.isSettling) return
    const [status, why] = ending._tag === "Succeeded"
      ? ["succeeded", ""] as const
      : ending._tag === "Failed"
      ? ["failed", `Failed:${task.name}`] as const
      : ending._tag === "Skipped"
      ? ["skipped", `Skipped:${task.name}`] as const
      : ["cancelled", `Cancelled:${task.name}`] as const
    if (task.status === "pending") {
      if (status === "succeeded") this.hold(task)
      else this.finish(task, status, why)
      return
    }
    this.stop(task, status, why)
  }

  /** Ends a task with a value from outside. */
  private hold(task: Task): void {
    task.isResource = false
    task.retains = false
    task.unheld = true
    task.size = 1
    task.attempt = 0
    task.worker = -1
    this.finish(task, "succeeded")
    task.alias = undefined
  }

  private askFor({ serial }: Task): void {
    this.asked.set(serial, (this.asked.get(serial) ?? 0) + 1)
  }

  /** An attempt that does not count. */
  private requeue(task: Task): void {
    this.leave(task)
    task.status = "pending"
    task.starts--
    task.attempt = 0
  }

  // The loss of a worker.

  private workerLost(index: number, state: State): void {
    const worker = this.workers[index]
    if (worker === undefined || worker.phase === "lost") return
    this.lost(worker)
    for (const [number, { from, to }] of this.copying) if (from === index || to === index) this.copying.delete(number)
    for (const task of this.tasks) {
      task.copies.delete(index)
      if (task.worker === index && task.copies.size > 0) this.promote(task)
    }
    const there = [...this.tasks].filter((task) => task.worker === index).toSorted((a, b) => a.row - b.row)
    for (const task of there) {
      if (task.status !== "active") continue
      this.died(task)
      // It goes by what it depends on when everybody knows what was lost.
      this.returning.add(task)
    }
    this.follow()
    // Each on behalf of its own; what was being finalized is gone.
    for (const task of there) {
      if (task.status !== "stopping" && (task.status !== "releasing" || task.finalized)) continue
      this.leave(task)
      if (task.fixed !== undefined) this.finishFixed(task)
      else this.finalize(task)
      this.believeCycle(task, state)
      this.follow()
    }
    // What must not run again ends; what stood for another task needs that no more.
    const isThere = (task: Task): boolean => task.status === "succeeded" && task.worker === index
    const results = there.filter((task) => isThere(task) && this.isWanted(task))
    for (const task of results) {
      if (task.settings.idempotent === false) this.killed(task)
      if (task.alias === undefined) continue
      task.alias = undefined
      task.retains = false
    }
    // Dependents are refused when everybody knows what was lost.
    this.isDeaf = true
    this.follow()
    this.isDeaf = false
    // What nobody wants by now is forgotten; it may be needed again in this very step.
    const gone = new Set([...this.tasks].filter((task) => !isOpen(task) && !this.isWanted(task)))
    const reopened = there.filter((task) => isThere(task) && !gone.has(task))
    // All at once: what is needed for a lost result may be lost itself.
    for (const task of reopened) this.reopen(task)
    this.waitAnew()
    for (const task of reopened) this.reviveInputs(task, gone, state)
    this.returning.clear()
    this.follow()
    for (const task of this.tasks) this.believeCycle(task, state)
  }

  /** Another holder is the first from now on: one that takes tasks if there is one. */
  private promote(task: Task): void {
    const others = [...task.copies]
    task.worker = others.find((each) => this.workers[each]!.phase === "open") ?? others[0]!
    task.copies.delete(task.worker)
  }

  /** What was made of it may have been lost meanwhile: then it is made anew. */
  private finalize(task: Task): void {
    task.finalized = true
    if (!this.isWanted(task)) return
    this.stays(task)
    task.finalized = false
    this.discarded.add(task)
    if (task.settings.idempotent === false) return this.killed(task)
    this.restarts.revived++
    task.status = "pending"
    task.starts = 0
    task.attempt = 0
    task.deaths = 0
    this.renew(task)
  }

  private died(task: Task): void {
    task.deaths++
    this.restarts.died++
    if (task.deaths < 4 && task.settings.idempotent !== false) return this.requeue(task)
    this.leave(task)
    this.restarts.killed++
    this.finish(task, "failed", `Killed:${task.name}`)
  }

  private reopen(task: Task): void {
    this.restarts.lost++
    task.status = "pending"
    if (task.attempt !== 0) task.starts--
    task.attempt = 0
    // What lives on its dependencies holds them still, without those of which it let go.
    if (!task.retains) task.dropped = new Set()
    this.renew(task)
  }

  private renew(task: Task): void {
    task.recomputed = true
    task.begun = true
    task.rank = task.place
    task.lacksSince = undefined
    task.retains = false
    task.isResource = task.settings.resource === true
    task.finalizeTold = false
    task.finalized = false
    task.alias = undefined
    task.adopted = false
    task.unheld = false
    task.endedAt = -1
    task.why = new Set()
    task.refused = false
    task.upstream = false
    task.unwanted = false
    task.fixed = undefined
    task.stopTold = false
    task.timedOut = false
    task.retrying = false
  }

  /** Who has to wait again ranks, and ages, as if it had never been ready: a literal may be there again within the step. */
  private waitAnew(): void {
    for (const task of this.tasks) {
      if (task.status !== "pending" || this.isReady(task)) continue
      task.rank = task.place
      task.since = undefined
    }
  }

  private killed(task: Task): void {
    this.restarts.killed++
    task.recomputed = true
    task.status = "failed"
    task.endedAt = this.clock
    task.why = new Set([`Killed:${task.name}`])
  }

  /** Whatever a lost result was made of is made again too, as far as it was forgotten. */
  private reviveInputs(task: Task, gone: Set<Task>, state: State): void {
    for (const [, dependency] of heldBy(task)) {
      if (gone.has(dependency)) {
        this.noteEnd(dependency)
        this.displaced.set(dependency.row, { ...dependency })
        if (this.byRow.get(dependency.row) === dependency) this.byRow.delete(dependency.row)
      } else if (this.tasks.has(dependency)) {
        // It may be stopping: then it is let go of once more.
        dependency.unwanted = false
        continue
      }
      gone.delete(dependency)
      this.restarts.revived++
      dependency.forgotten = false
      dependency.row = this.rowOf(dependency, state)
      dependency.attempt = 0
      dependency.starts = 0
      dependency.deaths = 0
      dependency.unmet.clear()
      dependency.worker = -1
      dependency.dropped = new Set()
      dependency.status = "pending"
      this.renew(dependency)
      this.tasks.add(dependency)
      this.place(dependency)
      if (dependency.settings.idempotent === false || this.isBeyond(dependency)) this.killed(dependency)
      else this.reviveInputs(dependency, gone, state)
    }
  }

  private place(task: Task): void {
    if (task.row < 0) return void this.rowless.add(task)
    const former = this.byRow.get(task.row)
    if (former !== undefined) this.displaced.set(task.row, former)
    this.byRow.set(task.row, task)
  }

  private rowOf({ serial }: Task, { tasks }: State): TaskId {
    for (let row = 0; row < tasks.used; row++) {
      const submission = tasks.submission[row]
      const place = tasks.index[row]!
      if (submission !== undefined && submission.sequence + place === serial) return row
    }
    return -1
  }

  /** One task of each cycle that a loss has closed ends: the engine says which. */
  private believeCycle(task: Task, state: State): void {
    if (task.status !== "pending" || task.alias !== undefined || task.forgotten) return
    // One that nobody else needs is forgotten in the same step, and so is, cancelled, what it alone needed of the cycle.
    const hasFailed = state.step.log!.some(({ serial, to }) => serial === task.serial && to === "failed")
    const isGone = hasFailed && this.rowOf(task, state) < 0 && this.reaches(task.deps, task)
    const reason = extrasOf(state, task.row)?.outcome?.reason
    if (!isGone && (reason?._tag !== "Starved" || !isNamed(reason.waits[0]?.[0], task))) return
    if (!this.reaches(awaitedBy(task), task)) return this.complain(`${task.name} is part of no cycle`)
    this.restarts.starved++
    this.finish(task, "failed", `Starved:${task.name}`)
    this.follow()
  }

  /** Those who wait for what leaves wait no more for one that was about to. */
  private stays(task: Task): void {
    for (const wait of this.waits.values()) if (wait.behalf !== undefined) wait.ended.set(task, "good")
  }

  private tryAgain(task: Task, delayMillis: number): void {
    this.leave(task)
    if (task.status === "stopping") this.stays(task)
    task.status = "pending"
    task.fixed = undefined
    task.stopTold = false
    task.timedOut = false
    task.retrying = delayMillis > 0
    if (task.retrying) this.arm("retry", task, delayMillis)
  }

  private finishStopped(task: Task): void {
    this.leave(task)
    this.finishFixed(task)
  }

  private finishFixed(task: Task): void {
    const [status, why] = task.fixed!
    if (status !== "succeeded") return this.finish(task, status, why)
    if (this.workers.some(mayHold)) return this.hold(task)
    this.discarded.add(task)
    if (task.settings.idempotent === false) return this.finish(task, "failed", `Killed:${task.name}`)
    this.restarts.lost++
    this.stays(task)
    task.recomputed = true
    task.status = "pending"
    task.starts--
    task.attempt = 0
    task.fixed = undefined
    task.stopTold = false
    task.unwanted = false
  }

  private leave(task: Task): void {
    task.holds = false
    task.holdsAmounts = false
    task.holdsTags = false
    this.unwant(task)
    for (const wait of task.open) {
      if (!wait.closing) wait.abandoned = true
      else {
        // Whoever closes waits on, but not inside this attempt.
        wait.waiter = undefined
        task.open.delete(wait)
      }
    }
  }

  private finish(task: Task, status: Ended, why?: string, isAlias = false): void {
    if (hasEnded(task)) this.complain(`${task.name} ends twice`)
    task.status = status
    task.endedAt = this.clock
    if (task.wished) this.tellRoot(task)
    task.wished = false
    // It does not end as the task for which it stands, so its graph is wished for no more.
    if (task.inner.includes(task.alias!) && !isAlias) { for (const each of task.inner) each.wished = false }
    this.ends[status]++
    if (why !== undefined) task.why.add(why)
  }

  private stop(task: Task, status: Ended, why: string, isTimeout = false): void {
    if (this.isToComeAgain(task)) this.discarded.add(task)
    // What was fixed stays; an attempt that timed out could have been tried again.
    if (task.fixed === undefined || task.timedOut) task.fixed = [status, why]
    task.timedOut = isTimeout
    if (task.status === "stopping" || task.status === "releasing") return
    task.status = "stopping"
    if (task.settings.graceMillis !== undefined) this.arm("grace", task, task.settings.graceMillis)
    for (const wait of task.open) if (!wait.closing) wait.abandoned = true
  }

  // What follows from what.

  private follow(reason = "Cancelled:nobody"): void {
    for (let changed = true; changed;) {
      changed = this.believeDropped()
      for (const task of this.tasks) {
        const hears = !this.isDeaf && !this.returning.has(task)
        if (task.status === "pending" && hears && this.resolve(task)) changed = true
        if (task.refused && task.endedAt === this.clock) {
          const before = task.why.size
          for (const dependency of task.deps) for (const why of dependency.why) task.why.add(why)
          if (task.why.size > before) changed = true
        }
      }
      if (changed) continue
      for (const task of this.tasks) {
        if (this.isWanted(task)) {
          // One that was settled keeps its key, so it may be wanted again while it stops.
          if (task.fixed?.[0] === "succeeded" || this.isToComeAgain(task)) task.unwanted = false
          continue
        }
        if (task.status === "succeeded" && task.isResource) {
          this.noteEnd(task)
          task.status = "releasing"
          if (this.workers[task.worker]!.phase === "lost") {
            task.finalizeTold = true
            task.finalized = true
            changed = true
            continue
          }
          task.unwanted = true
          continue
        }
        if (!isOpen(task) || task.unwanted) continue
        task.unwanted = true
        if (this.isToComeAgain(task)) continue
        const why = reason === "Cancelled:nobody" ? `Cancelled:${task.name}` : reason
        changed = true
        if (task.status === "pending") {
          this.finish(task, "cancelled", why)
        } else {
          this.stop(task, "cancelled", why)
        }
      }
    }
  }

  /** Its resource is finalized, and if it is needed then it is made anew. */
  private isToComeAgain({ finalized, fixed, status }: Task): boolean {
    return status === "releasing" && fixed === undefined && !finalized
  }

  /** Whoever waited for its end has seen it, though it is on its way to be forgotten by now. */
  private noteEnd(task: Task): void {
    for (const wait of this.waits.values()) this.noteEndFor(wait, task)
  }

  private noteEndFor({ awaited, ended }: Waiting, task: Task): void {
    for (const each of awaited) {
      const isMeant = each === task || ("claim" in each && each.task === task)
      const now = stateOf(each)
      if (isMeant && now !== "open" && !ended.has(each)) ended.set(each, now)
    }
  }

  /** Ends a pending task that a dependency refuses, or whose alias has ended. */
  private resolve(task: Task): boolean {
    if (task.alias !== undefined) {
      if (!hasEnded(task.alias)) return false
      task.wished = false
      this.finish(task, task.alias.status as Ended, undefined, true)
      if (!task.why.has("either")) task.why = task.alias.why
      task.upstream = task.alias.upstream
      task.adopted = task.status as Ended === "succeeded"
      // Where its attempt ran is nothing to its result.
      if (task.adopted) task.worker = task.alias.worker
      task.size = task.alias.size
      task.retains = owns(task.alias)
      return true
    }
    if (task.settings.absorbs === true) return false
    if (task.settings.policies !== undefined) return this.resolveGroups(task) || this.isThere(task)
    const refusals = task.deps.filter((dependency) => hasEnded(dependency) && dependency.status !== "succeeded")
    if (refusals.length === 0) return this.isThere(task)
    task.refused = true
    const isFailure = refusals.some((dependency) => dependency.status === "failed")
    const statuses = new Set(refusals.map(({ status }) => status as Ended))
    task.upstream = true
    // Several refusals at once: the engine may take any.
    const chosen = statuses.size > 1 ? this.chosenOf(task, statuses) : undefined
    this.finish(task, chosen ?? (isFailure ? "failed" : refusals[0]!.status as Ended))
    if (statuses.size > 1 && chosen === undefined) task.why.add("either")
    return true
  }

  /** Ends a literal that has all it waits for: no worker makes it or holds it. */
  private isThere(task: Task): boolean {
    if (task.settings.literal !== true || !this.isReady(task)) return false
    task.worker = -1
    task.size = 0
    this.finish(task, "succeeded")
    return true
  }

  /** How a task ended in this step, as the engine says. */
  private chosenOf({ serial }: Task, statuses: ReadonlySet<Ended>): Ended | undefined {
    const entries = this.state!.step.log!.filter((entry) => entry.serial === serial)
    return [...statuses].find((status) =>
      entries.some(({ to }) => (to === "upstreamFailed" ? "failed" : to) === status)
    )
  }

  /** Ends a pending task that one of its groups, or what is outside of them, keeps from starting. */
  private resolveGroups(task: Task): boolean {
    const ways: Array<readonly [Ended, why: string | undefined]> = []
    const refuse = (by: ReadonlyArray<Task>): void => {
      for (const each of by) ways.push([each.status as Ended, undefined])
    }
    refuse(outsideGroups(task).filter((each) => hasEnded(each) && each.status !== "succeeded"))
    for (const group of groupsOf(task)) {
      const verdict = verdictOf(task, group)
      const members = inGroup(task, group).filter(hasEnded)
      if (verdict === "skip") {
        const skipped = members.filter(({ status }) => status === "skipped")
        refuse(skipped)
        if (members.length > skipped.length) ways.push(["skipped", `Skipped:${task.name}`])
      } else if (verdict === "upstreamFailed") {
        if (isDefault(group)) refuse(members.filter(({ status }) => status !== "succeeded"))
        else ways.push(["failed", `Impossible:${task.name}`])
      }
    }
    if (ways.length === 0) return false
    const statuses = new Set(ways.map(([status]) => status))
    const chosen = statuses.size > 1 ? this.chosenOf(task, statuses) : ways[0]![0]
    const isOwn = this.isOwnEnd(task, ways)
    if (isOwn && ways[0]![0] === "failed") this.verdicts.impossible++
    if (isOwn && ways[0]![0] === "skipped") this.verdicts.ruledOut++
    task.upstream = true
    task.refused = !isOwn
    this.finish(task, chosen ?? ways[0]![0])
    for (const [, why] of ways) if (why !== undefined) task.why.add(why)
    if (ways.some(([, why]) => why === undefined)) {
      for (const each of task.deps) for (const why of each.why) task.why.add(why)
    }
    if (chosen === undefined) task.why.add("either")
    return true
  }

  /** Whether a task ended by itself rather than as a dependency did. */
  private isOwnEnd(task: Task, ways: ReadonlyArray<readonly [Ended, string | undefined]>): boolean {
    const owns = new Set(ways.map(([, why]) => why !== undefined))
    if (owns.size === 1) return owns.has(true)
    const outcome = extrasOf(this.state!, task.row)?.outcome
    const roots = this.state!.owners.get(task.owner.id)?.roots ?? []
    return outcome?.trail.task === task.name
      ? outcome.trail.from === undefined
      : roots.some(({ outcome: { trail } }) => trail.task === task.name)
  }

  /** Whether somebody claims, wishes or needs a task. */
  isWanted(task: Task): boolean {
    if (task.wished) return true
    for (const owner of this.owners.values()) {
      if (!owner.isOpen) continue
      if (owner.bulk.includes(task)) return true
      for (const interest of owner.claims) if (interest.task === task) return true
    }
    for (const other of this.tasks) if (this.needs(other, task) && this.holds(other)) return true
    return false
  }

  /** Whether a task keeps what it depends on: for itself, or for a result that lives on it. */
  private holds(task: Task): boolean {
    if (task.status !== "succeeded") return isOpen(task)
    return task.isResource || (task.retains && !task.forgotten && this.isWanted(task))
  }

  private needs(task: Task, other: Task): boolean {
    if (task.alias !== undefined) return task.alias === other
    return task.deps.some((each, place) => each === other && !task.dropped.has(place))
  }

  private isDownstream(task: Task, of: Task, seen = new Set<Task>()): boolean {
    if (hasEnded(task) || seen.has(task)) return false
    seen.add(task)
    const needs = task.alias === undefined ? heldBy(task).map(([, each]) => each) : [task.alias]
    return needs.some((other) => other === of || this.isDownstream(other, of, seen))
  }

  // Waits.

  private await(
    id: number,
    mode: Waiting["mode"],
    awaited: ReadonlyArray<Interest | Task>,
    waiterRow: TaskId,
    attempt: number,
    closing = false,
    keepsSlot = false,
    behalf?: Behalf
  ): void {
    const waiter = waiterRow < 0 ? undefined : this.present(waiterRow, attempt) ?? this.finalizing(waiterRow, attempt)
    const rest = { ended: new Map(), abandoned: false, starved: false, starvedAway: false, complete: false }
    const wait: Waiting = { id, mode, awaited, waiter, closing, keepsSlot, behalf, ...rest }
    this.waits.set(id, wait)
    if (this.isOver(wait)) return
    const tasks = awaited.flatMap((each) => "claim" in each ? (each.state === "live" ? [each.task] : []) : [each])
    if (waiter === undefined) {
      // A former attempt goes away to nowhere.
      wait.abandoned = mode === "never" && waiterRow >= 0
      return
    }
    // What leaves and waits for the waiter itself is not awaited.
    wait.starved = behalf === undefined && this.reaches(tasks, waiter)
    if (wait.starved) return
    waiter.open.add(wait)
    // Asked to stop, it would come back uncounted.
    if (keepsSlot || (mode === "never" && waiter.status !== "active")) return
    this.unwant(waiter)
    waiter.holds = false
    waiter.holdsTags = false
    if (waiter.settings.demand?.keepsAmounts !== true) waiter.holdsAmounts = false
  }

  /** The last fiber of a stopping body to come back waits for its slot. */
  private want({ attempt, task: row, wait: id }: SlotWanted): void {
    const task = this.present(row, attempt)
    const rest = { ended: new Map(), starved: false, starvedAway: false, complete: false, behalf: undefined }
    const isAway = task !== undefined &&
      this.waitsInside(task).some(({ keepsSlot, mode }) => !keepsSlot && mode !== "never")
    const abandoned = task?.status !== "stopping" || task.holds || isAway
    const wait: Waiting = {
      id,
      mode: "slot",
      awaited: [],
      waiter: task,
      closing: false,
      keepsSlot: false,
      abandoned,
      ...rest
    }
    this.waits.set(id, wait)
    if (abandoned) return
    this.unwant(task)
    task.wanted = wait
  }

  private unwant(task: Task): void {
    if (task.wanted !== undefined) task.wanted.abandoned = true
    task.wanted = undefined
  }

  /** The waits of a body that are not over. */
  private waitsInside(task: Task): ReadonlyArray<Waiting> {
    return [...task.open].filter((wait) => !wait.abandoned && !this.isOver(wait))
  }

  /** Whether its waits are over, and it needs its slot to go on. */
  private comesBack(task: Task): boolean {
    if (task.wanted !== undefined) return true
    return task.status === "active" && !task.holds && this.waitsInside(task).every(({ keepsSlot }) => keepsSlot)
  }

  /** Those who hold something and can do nothing themselves. */
  private idle(): ReadonlyArray<Task> {
    return [...this.tasks].filter((task) => {
      if (!task.holds && !task.holdsAmounts && !task.holdsTags) return false
      return this.comesBack(task) || this.waitsInside(task).some(({ mode }) => mode !== "never")
    })
  }

  /** What a task needs on a worker that it does not hold, and who of these has how much of it. */
  private needsOn(task: Task, index: number, holders: ReadonlyArray<Task>): ReadonlyArray<Need> {
    const demand = task.settings.demand ?? {}
    const worker = this.workers[index]!
    const there = holders.filter((other) => other.worker === index)
    const slot = {
      what: `${index}`,
      total: worker.slots,
      needed: 1,
      shares: there.map((each) => [each, +each.holds] as const)
    }
    const amounts = Object.entries(task.holdsAmounts ? {} : thousandths(demand.amounts)).map(([name, needed]) => ({
      what: `${index} ${name}`,
      total: worker.amounts[name] ?? 0,
      needed,
      shares: there.map((each) => {
        const share = each.holdsAmounts ? thousandths(each.settings.demand?.amounts)[name] ?? 0 : 0
        return [each, share] as const
      })
    }))
    return [slot, ...amounts, ...this.tagsFor(task, holders)]
  }

  private tagsFor({ settings: { demand } }: Task, holders: ReadonlyArray<Task>): ReadonlyArray<Need> {
    return (demand?.tags ?? []).filter((tag) => this.limits.has(tag)).map((tag) => ({
      what: `tag ${tag}`,
      total: this.limits.get(tag)!,
      needed: 1,
      shares: holders.map((each) =>
        [each, each.holdsTags && each.settings.demand?.tags?.includes(tag) === true ? 1 : 0] as const
      )
    }))
  }

  /** The waits that keep something and could never end, though everybody else did all they can. */
  private stuck(): ReadonlyArray<Waiting> {
    const keeping = [...this.waits.values()].filter(({ keepsSlot, mode, starvedAway, waiter }) =>
      waiter !== undefined && !starvedAway && mode !== "never" && mode !== "slot" &&
      (waiter.holds ? keepsSlot : waiter.holdsAmounts)
    )
    if (keeping.length === 0) return []
    const able = new Set<Task>()
    // What had ended once, and runs again, is not awaited any more.
    const canEnd = ({ awaited, ended }: Waiting): boolean =>
      awaited.some((each) =>
        !ended.has(each) && stateOf(each) === "open" && able.has("claim" in each ? each.task : each)
      )
    const idle = this.idle()
    const hasPlace = (task: Task, worker: number): boolean => {
      const kept = this.needsOn(task, worker, idle).filter((need) => leftOf(need) < need.needed)
      return kept.length === 0 || kept.some(({ shares }) => shares.some(([each, share]) => share > 0 && able.has(each)))
    }
    const canStart = (task: Task): boolean =>
      this.workers.some((_, worker) => this.maySuit(task, worker) && hasPlace(task, worker))
    const canGetOn = (task: Task): boolean => {
      if (task.status === "pending") {
        if (task.alias !== undefined) return able.has(task.alias)
        const open = awaitedBy(task)
        return open.length > 0 ? open.some((dependency) => able.has(dependency)) : canStart(task)
      }
      const inside = this.waitsInside(task)
      if (inside.some(canEnd)) return true
      return this.comesBack(task) ? hasPlace(task, task.worker) : inside.every(({ mode }) => mode === "never")
    }
    for (let before = -1; before < able.size;) {
      before = able.size
      for (const task of this.tasks) if (!hasEnded(task) && canGetOn(task)) able.add(task)
    }
    return keeping.filter((wait) => !wait.abandoned && !this.isOver(wait) && !canEnd(wait))
  }

  /**
   * Waits that keep amounts without a slot end when they are stuck, the newest first, down to one; those that must not end give
   * the amounts back. Those that keep a slot are told so at once, and judged then.
   */
  private believeStarved(state: State, out: ReadonlyArray<Instruction>, downTo = -Infinity): void {
    for (let stuck = this.stuck(); stuck.length > 0; stuck = this.stuck()) {
      const newest = stuck.reduce((a, b) => b.id > a.id ? b : a)
      const { id, waiter } = newest
      if (id < downTo || newest.keepsSlot) return
      if (newest.behalf !== undefined || waiter!.status !== "active") waiter!.holdsAmounts = false
      else {
        const isTold = out.some((each) => each._tag === "WaitEnded" && each.wait === id && each.starved !== undefined)
        if (!isTold && !state.starved.has(id)) return
        newest.starvedAway = true
        waiter!.open.delete(newest)
      }
      this.overdueNames = this.overdueNow()
    }
  }

  /** The task whose finalizers wait. */
  private finalizing(row: TaskId, attempt: number): Task | undefined {
    const task = this.byRow.get(row)
    return task?.status === "releasing" && task.attempt === attempt ? task : undefined
  }

  isOver({ awaited, ended, mode }: Waiting): boolean {
    const states = awaited.map((each) => ended.get(each) ?? stateOf(each))
    switch (mode) {
      case "all":
        return states.every((each) => each !== "open")
      case "firstCompleted":
        return states.length === 0 || states.some((each) => each !== "open")
      case "firstFailure":
        return states.some((each) => each === "bad") || states.every((each) => each !== "open")
      case "never":
      case "slot":
        return false
    }
  }

  /** Whether the end of one of `from` waits, however far, for the end of `task`. */
  private reaches(from: ReadonlyArray<Task>, task: Task, without: Iterable<Task> = []): boolean {
    const seen = new Set(without)
    const visit = (each: Task): boolean => {
      if (!isOpen(each) || seen.has(each)) return false
      if (each === task) return true
      seen.add(each)
      const next = each.alias !== undefined ?
        [each.alias] :
        each.status === "pending" ?
        this.unaware.get(each) ?? awaitedBy(each) :
        this.waitsInside(each).flatMap((wait) => openOf(wait))
      return next.some(visit)
    }
    return from.some(visit)
  }

  // Time.

  private lookAtWorkers(state: State, out: ReadonlyArray<Instruction>): void {
    for (const { heardAt, phase, row, terms: { ttlMillis = Infinity } } of this.workers) {
      if ((phase !== "open" && phase !== "draining") || this.now - heardAt < ttlMillis) continue
      this.silent.add(row)
      this.holdAt(row, out)
      this.workerLost(row, state)
    }
    for (const worker of this.workers) {
      const { phase, row, since, terms: { maxAgeMillis = Infinity } } = worker
      if (phase !== "open" || this.now - since < maxAgeMillis) continue
      worker.phase = "draining"
      this.replaced.add(row)
    }
  }

  /** A value from outside that an earlier loss in this step brought to a worker is lost with that, also for what adopted it. */
  private holdAt(worker: number, out: ReadonlyArray<Instruction>): void {
    for (const each of out) {
      if ((each._tag !== "Hold" && each._tag !== "Adopt") || each.worker !== worker) continue
      const task = this.byRow.get(each.task)
      const isMeant = each._tag === "Hold" ? task?.unheld : task?.adopted
      if (task === undefined || isMeant !== true) continue
      task.unheld = false
      task.adopted = false
      task.worker = worker
      this.noteEnd(task)
      this.judged.add(each)
    }
  }

  private arm(kind: Due["kind"], task: Task, millis: number): Due {
    const due = { at: this.now + millis, sequence: this.armed++, kind, task, attempt: task.attempt }
    this.timers.push(due)
    return due
  }

  private timeCame(): void {
    const due = this.timers.filter((timer) => timer.at <= this.now)
    this.timers = this.timers.filter((timer) => timer.at > this.now)
    due.sort((a, b) => a.at - b.at || a.sequence - b.sequence)
    for (const timer of due) this.fire(timer)
  }

  private fire(due: Due): void {
    const { at, attempt, kind, task } = due
    if (hasEnded(task) || task.status === "releasing") return
    switch (kind) {
      case "retry":
        if (task.attempt === attempt && task.status === "pending") task.retrying = false
        return
      case "timeout":
        if (task.attempt !== attempt || task.status !== "active") return
        return this.stop(task, "failed", `attempt:${task.name}`, true)
      case "grace":
        if (task.attempt === attempt && task.status === "stopping") this.overdue.add(task)
        return
      case "workers":
        if (task.lack !== due) return
        // One in the place of another may come in time.
        if (this.replaced.size > 0) this.late.add(task)
        else this.finish(task, "failed", `${this.lackOf(task)!.why}:${task.name}`)
        return
      case "stranded": {
        const limit = task.settings.waitForWorkersMillis ?? Infinity
        const isLacking = task.lacksSince !== undefined && this.isReady(task) && at - task.lacksSince >= limit
        if (isLacking) this.finish(task, "failed", `NoWorker:${task.name}`)
        return
      }
      case "dependencies":
        if (!task.begun) this.finish(task, "failed", `dependencies:${task.name}`)
        return
      case "deadline":
        if (task.recomputed) return
        if (task.status === "pending") return this.finish(task, "failed", `deadline:${task.name}`)
        if (task.status === "stopping" && !task.timedOut) return
        return this.stop(task, "failed", `deadline:${task.name}`)
    }
  }

  // What the engine asks for.

  private judgeOnce(state: State, event: Event, instruction: Instruction, out: ReadonlyArray<Instruction>): void {
    if (this.judged.has(instruction)) return
    this.judged.add(instruction)
    this.judge(state, event, instruction, out)
  }

  private judge(state: State, event: Event, instruction: Instruction, out: ReadonlyArray<Instruction>): void {
    switch (instruction._tag) {
      case "Start":
        return this.started(instruction, state, out)
      case "Stop": {
        const task = this.byRow.get(instruction.task)
        // A worker may have retired in this step, and that was the last for somebody.
        if (task?.status !== "stopping") this.lookAgain()
        // Two workers were lost at once: it stopped for the one, and was over with the other.
        if (task !== undefined && hasEnded(task) && this.silent.has(instruction.worker)) return
        if (task?.status !== "stopping" || task.attempt !== instruction.attempt || task.stopTold) {
          return this.complain(`${task?.name} should not stop`)
        }
        if (task.timedOut !== instruction.timedOut && task.timedOut) {
          this.complain(`${task.name} stops for another reason`)
        }
        task.stopTold = true
        return
      }
      case "Overdue": {
        const task = this.byRow.get(instruction.task)
        if (task === undefined || !this.overdue.delete(task) || task.attempt !== instruction.attempt) {
          this.complain(`${task?.name} is not overdue`)
        }
        return
      }
      case "Finalize": {
        const task = this.byRow.get(instruction.task)
        const isRight = task?.status === "releasing" && !task.finalizeTold && task.attempt === instruction.attempt
        if (!isRight || task.worker !== instruction.worker) {
          return this.complain(`M7: ${task?.name} should not be finalized`)
        }
        task.finalizeTold = true
        return
      }
      case "Adopt": {
        const task = this.byRow.get(instruction.task)
        if (task?.adopted !== true || task.alias !== this.byRow.get(instruction.from)) {
          return this.complain(`${task?.name} adopts the wrong result`)
        }
        if (task.alias!.worker !== instruction.worker) this.complain(`${task.name} adopts from the wrong worker`)
        task.worker = instruction.worker
        task.adopted = false
        return
      }
      case "Copy": {
        const { copy, from, to } = instruction
        const task = this.byRow.get(instruction.task)
        if (task?.status !== "succeeded" || task.retains || task.isResource) {
          return this.complain(`M9: ${task?.name} has no result to copy`)
        }
        const isThere = to === task.worker || task.copies.has(to) ||
          [...this.copying.values()].some((other) => other.task === task && other.to === to)
        if (isThere || from !== task.worker) this.complain(`M9: ${task.name} is copied from ${from} to ${to}`)
        // One that has reached its age at the same moment was open when another one was taken for lost.
        const isAging = event._tag === "TimeCame" && this.workers[to]?.phase === "draining"
        if (this.workers[to]?.phase !== "open" && !isAging) {
          this.complain(`M9: ${task.name} is copied to a worker that takes nothing`)
        }
        this.copying.set(copy, { task, from, to, isMove: state.copying.get(copy)?.isMove === true })
        return
      }
      case "Hold": {
        const present = this.byRow.get(instruction.task)
        // Its row may have gone to another within the step.
        const task = present?.unheld === true ? present : this.displaced.get(instruction.task)
        if (task?.unheld !== true) return this.complain(`${task?.name} was not settled`)
        const isLost = this.workers[instruction.worker]?.phase === "lost" && !this.silent.has(instruction.worker)
        if (isLost) this.complain(`${task.name} is held by a lost worker`)
        task.unheld = false
        task.worker = instruction.worker
        return
      }
      case "Forget": {
        const displaced = this.displaced.get(instruction.task)
        this.displaced.delete(instruction.task)
        const task = displaced ?? this.byRow.get(instruction.task) ?? this.someRowless()
        // It may have followed to a worker that retired in this step.
        if (task !== undefined && (isOpen(task) || this.isWanted(task))) this.lookAgain()
        if (task === undefined || isOpen(task) || this.isWanted(task)) {
          return this.complain(`${task?.name ?? instruction.task} (${task?.status}) is forgotten too early`)
        }
        const holder = task.status === "succeeded" || task.finalized ? task.worker : -1
        if (holder !== instruction.holder) this.complain(`${task.name} is not held by worker ${instruction.holder}`)
        if (task.copies.size > 0) this.complain(`M9: copies of ${task.name} are left`)
        task.forgotten = true
        if (displaced === undefined) this.byRow.delete(task.row)
        this.rowless.delete(task)
        return
      }
      case "Discard":
        if (this.discardedCopy(instruction)) return
        if (this.discarded.delete(this.droppedIn(instruction.task)!)) return
        if (event._tag !== "TaskEnded" || event.ending._tag !== "Succeeded" || event.task !== instruction.task) {
          this.complain("something is discarded that never came")
        }
        return
      case "ForgetFailure":
        if (!this.failures.delete(instruction.failure)) {
          this.complain(`failure ${instruction.failure} is forgotten twice`)
        }
        return
      case "WaitEnded":
        return this.waitEnded(instruction, state, out)
      case "WorkerJoined":
        return
      case "StartWorker":
        return this.startWorker(instruction, state)
      case "WorkerExpired":
        if (!this.silent.delete(instruction.worker)) this.complain(`worker ${instruction.worker} was heard`)
        return
      case "WorkerLeft": {
        const worker = this.workers[instruction.worker]!
        this.letGo(worker)
        if (worker.phase !== "draining") this.complain(`worker ${instruction.worker} left`)
        for (const task of this.tasks) {
          const isMovable = task.status === "succeeded" && !task.forgotten && !task.isResource && !task.retains
          if (isMovable && task.worker === instruction.worker && this.workers.some(({ phase }) => phase === "open")) {
            this.complain(`M9: ${task.name} was left behind`)
          }
        }
        worker.phase = "gone"
        this.crewMoved = true
        for (const task of this.tasks) {
          if (inAttempt(task) && task.worker === instruction.worker) this.complain(`${task.name} lost its worker`)
        }
        return
      }
      case "Rejected": {
        const isRight = event._tag === "TaskSettled" ?
          !this.isSettling :
          event._tag === "GraphSubmitted" ?
          this.owners.get(event.owner)?.isOpen !== true :
          event._tag === "ClaimShared" ?
          this.owners.get(event.owner)?.isOpen !== true || this.interests.get(event.claim)?.state !== "live" :
          ["WorkerDrained", "WorkerLost", "WorkerStarted", "WorkerBeat", "CopiesRequested"].includes(event._tag)
        if (!isRight) this.complain(`${event._tag} was rejected: ${instruction.reason._tag}`)
        return
      }
      case "Submitted":
      case "WakeAt":
        return
    }
  }

  /** The task of a row whose former result is dropped: the row may have gone to another within the step. */
  private droppedIn(row: TaskId): Task | undefined {
    const displaced = this.displaced.get(row)
    const isMeant = (task: Task): boolean => task.serial === displaced?.serial
    return [...this.discarded].find(isMeant) ?? this.byRow.get(row)
  }

  /** A copy goes with its result, or with a worker that leaves. */
  private discardedCopy({ task: row, worker }: Discard): boolean {
    const struck = this.struck.findIndex(([task, from]) => task.row === row && from === worker)
    if (struck >= 0) {
      this.struck.splice(struck, 1)
      return true
    }
    for (const task of [this.displaced.get(row), this.byRow.get(row)]) {
      if (task === undefined) continue
      if (task.copies.delete(worker)) return true
      if (
        task.status !== "succeeded" || task.worker !== worker || task.copies.size === 0 ||
        this.workers[worker]?.phase !== "draining"
      ) continue
      this.promote(task)
      return true
    }
    return false
  }

  private startWorker({ name, replaces, worker: row }: StartWorker, state: State): void {
    const { slots, terms = {} } = this.workers[replaces] ?? this.pool!
    const { amounts = {}, isPooled = true, labels = [], mark = Infinity } = this.workers[replaces] ?? {}
    const record = state.workers[row]!
    if (record.slots !== slots) this.complain(`worker ${row} has the slots of another`)
    const worker = this.makeWorker(row, name, slots, terms, isPooled, record.restarts)
    const starting: Worker = { ...worker, labels, mark, amounts, phase: "starting" }
    // Early, what makes its row free may not be forgotten yet.
    if (!this.isEarly) this.judgeRow(starting)
    this.workers[row] = starting
    this.crewMoved = true
    if (replaces >= 0) {
      if (!this.replaced.delete(replaces)) this.complain(`worker ${replaces} is not replaced`)
      return
    }
    const isWanted = this.members().length <= this.pool!.min || this.isShort()
    if (!this.mayGrow() || !isWanted) this.complain(`W18: worker ${row} is one too many`)
  }

  private someRowless(): Task | undefined {
    for (const task of this.rowless) return task
    return undefined
  }

  private started(start: Start, state: State, out: ReadonlyArray<Instruction>): void {
    const { attempt, holders, inputs, number, task: row, worker } = start
    const task = this.byRow.get(row)
    if (task !== undefined && !this.isReady(task)) this.lookAgain()
    if (task === undefined || task.status !== "pending" || task.alias !== undefined || task.retrying) {
      return this.complain(`${task?.name ?? row} may not start`)
    }
    if (awaitedBy(task).length > 0) this.complain(`${task.name} starts before ${awaitedBy(task)[0]!.name} ended`)
    for (const [i, dependency] of task.deps.entries()) {
      if (task.dropped.has(i)) {
        if (inputs[i] !== -1) this.complain(`${task.name} gets what it let go of`)
        continue
      }
      if (task.settings.policies === undefined && !hasEnded(dependency)) {
        this.complain(`${task.name} starts before ${dependency.name} ended`)
      }
      if (dependency.forgotten) this.complain(`${task.name} starts without the result of ${dependency.name}`)
      if (dependency.row !== inputs[i]) this.complain(`${task.name} gets the wrong inputs`)
      const holder = holders === undefined ? worker : holders[i]
      if (dependency.status === "succeeded" && dependency.worker !== holder) {
        this.complain(`${dependency.name} is not at ${holder}`)
      }
    }
    if (task.deps.length !== inputs.length) this.complain(`${task.name} gets too many inputs`)
    if (this.order === "ranks") this.judgeRank(state, task, worker, out)
    if (!this.suits(task, worker)) this.complain(`W6: ${task.name} starts on worker ${worker}`)
    this.judgeBrakes(task, worker)
    if (this.order === "turns") this.judgeOrder(task)
    this.takeTurn(task)
    if (this.attempts.has(attempt)) this.complain(`attempt ${attempt} is started twice`)
    this.attempts.add(attempt)
    const name = this.queueOf(task)
    this.overdueNames = this.overdueNames.filter((other) => other !== name)
    task.status = "active"
    task.begun = true
    this.starts.set(task.serial, (this.starts.get(task.serial) ?? 0) + 1)
    task.starts++
    task.rank = task.place
    task.attempt = attempt
    task.worker = worker
    if (number !== task.starts) this.complain(`${task.name} starts for the ${number}. time`)
    if (this.workers[worker]?.phase !== "open") this.complain(`${task.name} starts on a worker that takes nothing`)
    if (task.settings.timeoutMillis !== undefined) this.arm("timeout", task, task.settings.timeoutMillis)
    this.occupy(task, state, out)
    this.noteStart(task)
    const runner = this.workers[worker]!
    if (++runner.started !== runner.terms.maxTasks) return
    runner.phase = "draining"
    this.crewMoved = true
    this.replaced.add(worker)
  }

  private isReady(task: Task): boolean {
    return task.status === "pending" && task.alias === undefined && !task.retrying && awaitedBy(task).length === 0
  }

  /** Whether a worker takes tasks, and this one may run there. */
  private suits(task: Task, worker: number): boolean {
    return this.workers[worker]!.phase === "open" && this.maySuit(task, worker)
  }

  /** The same of one that may be on its way. */
  private maySuit(task: Task, index: number): boolean {
    const { settings: { demand } } = task
    if (isAnywhere(task)) return takesTasks(this.workers[index]!)
    const others = this.workers.filter((worker) => this.accepts(task, worker))
    const worker = this.workers[index]!
    if (!others.includes(worker)) return false
    return meets(worker, demand) || (demand?.allowOthers === true && !others.some((other) => meets(other, demand)))
  }

  /** The workers on which enough ran of what a ready task follows; `undefined` if that binds it to none. */
  private followed(task: Task): ReadonlyArray<Worker> | undefined {
    // One that will never start, and has not ended yet, follows nobody.
    const isMet = this.isReady(task) && groupsOf(task).every((group) => verdictOf(task, group) === "run")
    const groups = isMet ? groupsOf(task).filter(({ of }) => of === "follow") : []
    let found: ReadonlyArray<Worker> | undefined
    for (const group of groups) {
      const counted = inGroup(task, group).filter((member) => hasEnded(member) && isCounted(group, outcomeOf(member)))
      const needed = neededOf(group, counted.length)
      const places = counted.map((member) => this.placeOf(member))
      const hasEnough = ({ row }: Worker) => places.filter((place) => place < 0 || place === row).length >= needed
      if (places.filter((place) => place < 0).length >= needed) continue
      found = (found ?? this.workers).filter(hasEnough)
    }
    return found
  }

  /** Where a task that has ended ran, or its result is; -1 if nowhere. */
  private placeOf(task: Task): number {
    if (task.adopted) return this.placeOf(task.alias!)
    return task.unheld ? this.state!.tasks.worker[task.row]! : task.worker
  }

  /** Whether a worker takes tasks, or will, and nothing but its name or labels could keep this one from it. */
  private accepts(task: Task, worker: Worker): boolean {
    return takesTasks(worker) && !task.unmet.has(worker) && has(worker, task.settings.demand) &&
      Number(this.rate(task, worker)) >= 0 && this.followed(task)?.includes(worker) !== false
  }

  // Who comes first.

  /** The first of all who wait that could go on now, in the order in which they are served; each is shown to `canGo`. */
  private walk(state: State, canGo: (task: Task, workers: ReadonlyArray<number>) => boolean | void): void {
    const ready = [...this.tasks].filter((task) => this.isReady(task)).sort((a, b) => compare(a.rank, b.rank))
    if (ready.length === 0 && state.workers.every(({ rejoining }) => rejoining.size === 0)) return
    const withheld: Withheld = new Map()
    const all = [...this.tasks].filter(({ holds, holdsAmounts }) => holds || holdsAmounts)
    const idle = this.idle()
    const withhold = (needs: ReadonlyArray<Need>) => {
      for (const { needed, what } of needs) withheld.set(what, (withheld.get(what) ?? 0) + needed)
    }
    const lackOf = (need: Need): number =>
      need.needed - Math.min(need.needed, Math.max(0, leftOf(need) - (withheld.get(need.what) ?? 0)))
    const isThere = (needs: ReadonlyArray<Need>): boolean => needs.every((need) => lackOf(need) === 0)
    /** Nobody who waits keeps what is missing. */
    const willCome = (task: Task, worker: number): boolean =>
      this.needsOn(task, worker, idle).every((need) => leftOf(need) >= need.needed)
    const amountsFor = (task: Task, worker: number) =>
      this.needsOn(task, worker, all).filter(({ what }) => what.startsWith(`${worker} `))
    const hasSlot = (worker: number): boolean => this.running(worker) < this.workers[worker]!.slots

    // Rejoiners: the tags first, by the age of their waits.
    const rejoiners = this.workers.flatMap((_, worker) =>
      [...state.workers[worker]!.rejoining].flatMap(([row, wait]) => {
        const waiting = this.waits.get(wait)
        const isNews = state.starved.has(wait) && waiting?.starvedAway !== true
        return isNews ? [] : [{ task: this.byRow.get(row)!, wait, worker }]
      })
    )
    const late = new Set<Task>()
    for (const { task, worker } of rejoiners.toSorted((a, b) => a.wait - b.wait)) {
      const tags = this.tagsFor(task, all)
      if (!isThere(tags) || !willCome(task, worker)) late.add(task)
      if (willCome(task, worker)) withhold(tags)
    }
    for (const { task, worker } of rejoiners) {
      const amounts = amountsFor(task, worker)
      if (hasSlot(worker) && !late.has(task) && isThere(amounts) && canGo(task, [worker]) === true) return
      if (!late.has(task) && willCome(task, worker)) withhold(amounts)
    }

    // Ready tasks: those that were overtaken too often, then the others; of those that ask alike the best.
    const considered = new Set<string>()
    const firsts = this.overdueNames.flatMap((name) => ready.find((task) => this.queueOf(task) === name) ?? [])
    for (const task of [...firsts, ...ready]) {
      const name = this.queueOf(task)
      if (considered.has(name)) continue
      considered.add(name)
      const suitable = this.workers.flatMap((_, worker) => this.suits(task, worker) ? [worker] : [])
      const tags = this.tagsFor(task, all)
      const hasTags = isThere(tags)
      const free = suitable.filter((worker) => hasTags && this.hasRoom(worker) && isThere(amountsFor(task, worker)))
      if (free.length > 0 && canGo(task, free) === true) return
      if (free.length > 0) continue
      const coming = suitable.filter((worker) => willCome(task, worker))
      if (coming.length === 0) continue
      withhold(tags)
      const lacks = coming.map((worker) => amountsFor(task, worker).reduce((sum, need) => sum + lackOf(need), 0))
      if (hasTags) withhold(amountsFor(task, coming[lacks.indexOf(Math.min(...lacks))]!))
    }
  }

  /** The same for ready tasks that ask for the same, and rate the workers that are there alike. */
  private queueOf(task: Task): string {
    const { settings: { demand }, unmet } = task
    const followed = this.followed(task)
    if (demand === undefined && unmet.size === 0 && followed === undefined) return ""
    const { allowOthers, amounts, keepsAmounts, labels, locality, tags, workers } = demand ?? {}
    const serials = (some: Iterable<Worker>) => Array.from(some, ({ serial }) => serial).toSorted((a, b) => a - b)
    const ratings = this.workers.flatMap((each) => each.phase === "open" ? [each.serial, this.rate(task, each)] : [])
    return JSON.stringify([
      workers?.toSorted(),
      labels?.toSorted(),
      allowOthers,
      amounts && Object.entries(amounts).toSorted(([a], [b]) => a < b ? -1 : 1),
      keepsAmounts,
      tags?.toSorted(),
      unmet.size > 0 ? serials(unmet) : null,
      followed && serials(followed),
      locality && ratings
    ])
  }

  private isQueued(name: string): boolean {
    return [...this.tasks].some((task) => this.isReady(task) && this.queueOf(task) === name)
  }

  /** Workers that come and go change the names of queues that rate workers. */
  private dropOvertaken(): void {
    for (const name of this.overtaken.keys()) if (!this.isQueued(name)) this.overtaken.delete(name)
  }

  private overdueNow(): Array<string> {
    return [...this.overtaken].filter(([name, { since }]) => since < Infinity && this.isQueued(name))
      .sort(([a, { since }], [b, other]) => since - other.since || (a < b ? -1 : 1)).map(([name]) => name)
  }

  /** Why it is not the turn of a ready task to start there. */
  private turnOf(state: State, task: Task, worker: number): string | undefined {
    let wrong: string | undefined = `O11: it is not the turn of ${task.name}`
    this.walk(state, (other, workers) => {
      if (other !== task) wrong = `O5: ${other.name} should start before ${task.name}`
      else if (!workers.includes(worker)) wrong = `W5: ${task.name} lacks something on worker ${worker}`
      // One that is tried again goes where it has not failed yet first.
      else if (
        extrasOf(state, task.row)?.history === undefined && workers.some((each) => this.prefers(task, each, worker))
      ) {
        wrong = `W2: ${task.name} prefers another worker to ${worker}`
      } else wrong = undefined
      return true
    })
    return wrong
  }

  /** Others that ask for some of the same were overtaken. */
  private noteStart(task: Task): void {
    const { attempt, settings: { demand } } = task
    if (demand === undefined) return
    this.overtaken.delete(this.queueOf(task))
    const names = new Map<string, Demand>()
    for (const task of this.tasks) {
      if (this.isReady(task) && task.settings.demand !== undefined) names.set(this.queueOf(task), task.settings.demand)
    }
    const parts = (
      { amounts, tags }: Demand
    ) => [...Object.keys(amounts ?? {}), ...(tags ?? []).map((tag) => `#${tag}`)]
    for (const [name, other] of names) {
      if (name === this.queueOf(task) || !parts(other).some((part) => parts(demand).includes(part))) continue
      const present = this.overtaken.get(name) ?? { count: 0, since: Infinity }
      present.count++
      if (present.count === this.overtakes) present.since = attempt
      this.overtaken.set(name, present)
    }
  }

  private judgeRank(state: State, task: Task, worker: number, out: ReadonlyArray<Instruction>): void {
    // A wait that gave something back, and let it start, says nothing of that.
    let wrong = this.turnOf(state, task, worker)
    if (wrong !== undefined) {
      this.believeStarved(state, out)
      wrong = this.turnOf(state, task, worker)
    }
    if (wrong !== undefined) this.complain(wrong)
  }

  private canStartNow(task: Task): boolean {
    return this.workers.some((_, worker) =>
      this.suits(task, worker) && this.hasRoom(worker) && !this.isThrottled(task, worker)
    )
  }

  // Brakes and turns.

  /** Whether a task waits in a queue of its kind. */
  private waitsInQueue(task: Task): boolean {
    const { aging, budget, sourceSaturation } = this.fairness
    return this.isReady(task) && !task.forgotten &&
      (task.settings.demand !== undefined || task.unmet.size > 0 || this.followed(task) !== undefined ||
        task.share !== "" ||
        budget !== undefined || aging < Infinity || (task.isSource && sourceSaturation < 1))
  }

  /** Tasks that are ready now wait from now on. */
  private queueUp(): void {
    const queued = [...this.tasks].filter((task) => this.waitsInQueue(task))
    if (this.turns === undefined && queued.some(({ share }) => share !== "" || this.fairness.aging < Infinity)) {
      this.turns = new Map()
      this.lastTurn = 0
    }
    for (const task of this.tasks) {
      task.since = this.isReady(task) ? task.since ?? this.shareTurn(task.share).starts : undefined
    }
  }

  private shareTurn(share: string) {
    const turn = this.turns?.get(share) ?? { at: 0, last: 0, starts: 0 }
    this.turns?.set(share, turn)
    return turn
  }

  private takeTurn(task: Task): void {
    task.since = undefined
    if (this.turns === undefined) return
    const turn = this.shareTurn(task.share)
    this.lastTurn = Math.max(this.lastTurn, turn.at)
    turn.at = this.lastTurn + 1 / (this.fairness.weights.get(task.share) ?? 1)
    turn.last = this.attempts.size + 1
    turn.starts++
  }

  /** Holds a slot, and waits for nothing that the engine sees. */
  private isAtWork(task: Task): boolean {
    return task.holds && ![...task.open].some(({ keepsSlot }) => keepsSlot)
  }

  private isThrottled(task: Task, worker: number): boolean {
    const { sourceSaturation } = this.fairness
    if (!task.isSource || sourceSaturation >= 1) return false
    const sources = [...this.tasks].filter((other) => other.isSource && other.worker === worker && this.isAtWork(other))
    return sources.length >= Math.max(1, Math.ceil(sourceSaturation * this.workers[worker]!.slots))
  }

  /** What the budget holds back while somebody is at work. */
  private brake(): "none" | "sources" | "all" {
    const { budget } = this.fairness
    if (budget === undefined) return "none"
    let held = 0
    for (const task of this.tasks) {
      const isHeld = task.status === "succeeded" || (task.status === "releasing" && task.fixed === undefined)
      if (isHeld && !task.forgotten) held += task.size
    }
    return held > budget.pause ? "all" : held > budget.target ? "sources" : "none"
  }

  /** Whether the budget holds a ready task back. */
  private isBraked({ isSource }: Task): boolean {
    const brake = this.brake()
    return (brake === "all" || (brake === "sources" && isSource)) && [...this.tasks].some((each) => this.isAtWork(each))
  }

  private judgeBrakes(task: Task, worker: number): void {
    if (this.isThrottled(task, worker)) this.complain(`O8: ${task.name} starts on worker ${worker}`)
    const brake = this.brake()
    if (brake === "none") return
    this.fair.braked++
    const others = [...this.tasks].filter((other) => this.isAtWork(other))
    if (others.length > 0 && (brake === "all" || task.isSource)) {
      this.complain(`M8: ${task.name} starts while ${others[0]!.name} is at work`)
    }
  }

  private judgeOrder(task: Task): void {
    const { aging } = this.fairness
    const isBraked = this.brake() !== "none"
    const rivals = [...this.tasks].filter((other) => other !== task && this.isReady(other) && this.canStartNow(other))
    // Sources last, and then the brake makes no difference among equals.
    const inner = isBraked ? rivals.find((other) => !other.isSource && task.isSource) : undefined
    if (inner !== undefined) this.complain(`M8: ${inner.name} should start before ${task.name}, which is a source`)
    const equals = rivals.filter((other) => !isBraked || other.isSource === task.isSource)
    const place = (other: Task) => {
      const { at, last } = this.shareTurn(other.share)
      return [Math.max(at, this.lastTurn), last] as const
    }
    const [at, last] = place(task)
    const earlier = this.turns === undefined ? undefined : equals.find((other) => {
      const [otherAt, otherLast] = place(other)
      return otherAt < at || (otherAt === at && otherLast < last)
    })
    if (earlier !== undefined) this.complain(`O10: it is the turn of ${earlier.share}, not of ${task.share}`)
    if (equals.some(({ share }) => share !== task.share)) this.fair.turns++
    const own = equals.filter(({ share }) => this.turns === undefined || share === task.share)
    const isOverdue = ({ share, since }: Task) => this.shareTurn(share).starts - since! >= aging
    const oldest = [task, ...own].filter(isOverdue).toSorted((a, b) => a.since! - b.since!)[0]
    if (oldest !== undefined) {
      this.fair.overdue++
      if (!isOverdue(task) || task.since! > oldest.since!) this.complain(`O11: ${oldest.name} is overdue`)
      return
    }
    const better = own.find((other) => compare(other.rank, task.rank) < 0)
    if (better !== undefined) this.complain(`O5: ${better.name} should start before ${task.name}`)
  }

  private prefers(task: Task, worker: number, to: number): boolean {
    return Number(this.rate(task, this.workers[worker]!)) > Number(this.rate(task, this.workers[to]!))
  }

  private rate({ settings: { demand } }: Task, { labels, name }: Worker): number | string {
    return demand?.locality?.({ id: name, labels }) ?? 0
  }

  /** Why no worker that takes tasks could run this one, and whether waiting would not help. */
  private lackOf(task: Task): { readonly why: string; readonly isFinal: boolean } | undefined {
    const { settings: { demand }, unmet } = task
    if (isAnywhere(task)) return undefined
    const open = this.workers.filter(takesTasks)
    if (open.some((worker) => typeof this.rate(task, worker) === "string")) return { why: "Impossible", isFinal: true }
    if (this.workers.some((_, index) => this.maySuit(task, index))) return undefined
    if (this.followed(task) !== undefined) return { why: "Impossible", isFinal: true }
    const isMet = open.some((worker) => has(worker, demand) && (demand?.allowOthers === true || meets(worker, demand)))
    if (isBound(demand) && !isMet) return { why: "NoSuitableWorker", isFinal: false }
    return unmet.size > 0 || open.length > 0 ? { why: "Impossible", isFinal: false } : undefined
  }

  /** Who lacks a worker ends, and so does who follows one of those to where nothing may run. */
  private endLacks(): void {
    const open = () => [...this.tasks].filter((task) => !hasEnded(task)).length
    for (let before = Infinity, now = open(); now < before; before = now, now = open()) {
      this.findLacks()
      this.follow()
    }
  }

  /** Who has not started and lacks a worker since now ends, or waits for one; who does no more is free of that. */
  private findLacks(): void {
    for (const task of this.tasks) {
      const isOpen = task.status === "pending" && task.alias === undefined
      const lack = isOpen ? this.lackOf(task) : undefined
      if (lack === undefined) {
        task.lack = undefined
        continue
      }
      const millis = lack.isFinal ? 0 : task.settings.waitForWorkersMillis ?? Infinity
      if (millis === 0) this.finish(task, "failed", `${lack.why}:${task.name}`)
      else task.lack ??= millis === Infinity ? "none" : this.arm("workers", task, millis)
    }
  }

  /** Whether a worker may start something: at its mark only if all that it carries waits for tasks. */
  private hasRoom(worker: number): boolean {
    const { mark, slots } = this.workers[worker]!
    const carried = [...this.tasks].filter((task) => inAttempt(task) && task.worker === worker)
    const waits = (task: Task) => this.waitsInside(task).some(({ mode }) => mode !== "never")
    return this.running(worker) < slots && (carried.length < mark || carried.every(waits))
  }

  /** How many attempts hold a slot of a worker. */
  private running(worker: number): number {
    let running = 0
    for (const task of this.tasks) if (task.holds && task.worker === worker) running++
    return running
  }

  private occupy(task: Task, state: State, out: ReadonlyArray<Instruction>): void {
    const lacks = () => this.needsOn(task, task.worker, [...this.tasks]).filter((need) => leftOf(need) < need.needed)
    // A wait that gave something back for it says nothing of that.
    if (lacks().length > 0) this.believeStarved(state, out)
    for (const { what } of lacks()) this.complain(`W1, W5, W17: ${task.name} lacks ${what}`)
    task.holds = true
    task.holdsAmounts = task.settings.demand?.amounts !== undefined
    task.holdsTags = task.settings.demand?.tags !== undefined
  }

  private waitEnded({ starved, wait: id }: WaitEnded, state: State, out: ReadonlyArray<Instruction>): void {
    const wait = this.waits.get(id)
    if (wait?.mode === "slot") {
      this.waits.delete(id)
      if (wait.abandoned) return
      wait.waiter!.wanted = undefined
      return this.occupy(wait.waiter!, state, out)
    }
    if (wait !== undefined && starved === undefined && !wait.abandoned && !this.isOver(wait)) this.lookAgain()
    if (wait === undefined) return this.complain(`wait ${id} ends twice`)
    if (starved !== undefined && !wait.starved) {
      if (!wait.starvedAway) this.believeStarved(state, out, id)
      if (wait.keepsSlot) return this.starvedOfSlots(wait, starved)
      if (!wait.starvedAway) this.complain(`wait ${id} can end`)
      // By now others may have ended.
      if (!isNamed(starved[0]?.[0], wait.waiter)) this.complain(`the starvation of wait ${id} begins elsewhere`)
      this.waits.delete(id)
      return this.goesOn(wait.waiter!, state, out)
    }
    this.waits.delete(id)
    if ((starved !== undefined) !== wait.starved) {
      return this.complain(`wait ${id} is ${starved === undefined ? "not " : ""}starved`)
    }
    if (starved !== undefined) {
      starved.forEach(([, awaited], i) => {
        if (awaited !== starved[(i + 1) % starved.length]![0]) this.complain(`the cycle of wait ${id} is none`)
      })
      if (!isNamed(starved[0]?.[0], wait.waiter)) this.complain(`the cycle of wait ${id} begins elsewhere`)
      return
    }
    if (!wait.abandoned && !this.isOver(wait)) this.complain(`wait ${id} ends too early`)
    const task = wait.waiter
    if (task === undefined || !task.open.delete(wait) || wait.keepsSlot) return
    this.goesOn(task, state, out)
  }

  /** The last wait of a body that gave its slot away is over. */
  private goesOn(task: Task, state: State, out: ReadonlyArray<Instruction>): void {
    if (task.status !== "active" || ![...task.open].every(({ keepsSlot }) => keepsSlot)) return
    this.occupy(task, state, out)
  }

  private starvedOfSlots(wait: Waiting, starved: NonNullable<WaitEnded["starved"]>): void {
    const stuck = this.stuck()
    const newest = Math.max(...stuck.map(({ id }) => id))
    if (!stuck.includes(wait)) this.complain(`wait ${wait.id} can end`)
    else if (wait.id !== newest) this.complain(`wait ${newest} is stuck and newer than ${wait.id}`)
    this.tellsOf(wait, starved)
    this.waits.delete(wait.id)
    wait.waiter!.open.delete(wait)
  }

  /** Whether those are there of whom the starvation of a wait tells. */
  private tellsOf(wait: Waiting, starved: NonNullable<WaitEnded["starved"]>): void {
    // A key is free while the task that had it stops.
    const named = (name: string) => [...this.tasks].filter((task) => isNamed(name, task) && !hasEnded(task))
    if (!isNamed(starved[0]?.[0], wait.waiter)) this.complain(`the starvation of wait ${wait.id} begins elsewhere`)
    for (const [from, to, of] of starved) {
      const [waiting, awaited] = [named(from), named(to)]
      if (waiting.length === 0 || awaited.length === 0) this.complain(`${from} and ${to} have ended`)
      const keeps = ({ holds, holdsAmounts, holdsTags }: Task) =>
        of === "slot" ? holds : of === "resources" ? holdsAmounts : holdsTags
      if (of !== undefined && !awaited.some(keeps)) this.complain(`${to} keeps no ${of}`)
    }
  }

  // Whether the two agree.

  private compare(state: State): void {
    for (const task of this.discarded) this.complain(`the former result of ${task.name} is not discarded`)
    for (const [task, row] of this.struck.splice(0)) this.complain(`M9: ${task.name} is still held by ${row}`)
    for (const task of this.rowless) this.complain(`${task.name} has no row`)
    for (const task of this.tasks) {
      if (task.forgotten) continue
      if (hasEnded(task) && !this.isWanted(task)) this.complain(`${task.name} is held for nobody`)
      if (task.status === "stopping" && !task.stopTold) this.complain(`${task.name} was not asked to stop`)
      if (task.finalized) this.complain(`M7: ${task.name} is finalized and not forgotten`)
      if (task.status === "releasing" && !task.finalizeTold) this.complain(`M7: ${task.name} is not finalized`)
      const isHeld = task.status === "succeeded" && !task.why.has("either")
      const others = [...extrasOf(state, task.row)?.copies ?? []]
      if (isHeld && task.worker !== state.tasks.worker[task.row]) this.complain(`M9: ${task.name} is held elsewhere`)
      if (others.toSorted().join() !== [...task.copies].toSorted().join()) {
        this.complain(`M9: ${task.name} is also held by ${others.join()}, not ${[...task.copies].join()}`)
      }
      if (task.unheld) this.complain(`nobody holds the value given for ${task.name}`)
      if (task.adopted) this.complain(`${task.name} did not adopt a result`)
      const phase = phaseNames[state.tasks.phase[task.row]!]!
      if (!phasesOf(task).includes(phase) && !task.why.has("either")) {
        this.complain(`${task.name} is ${phase} and should be ${task.status}`)
      }
      if (inAttempt(task) && task.holds !== ((state.tasks.flags[task.row]! & Flag.holdsSlot) !== 0)) {
        this.complain(`${task.name} should ${task.holds ? "" : "not "}hold a slot`)
      }
      const held = state.holding.get(task.row)
      if (task.holdsAmounts !== (held?.amounts !== undefined)) this.complain(`W5: ${task.name} holds the wrong amounts`)
      if (task.holdsTags !== (held?.tags !== undefined)) this.complain(`W17: ${task.name} holds the wrong tags`)
      const outcome = extrasOf(state, task.row)?.outcome
      if (hasEnded(task) && outcome !== undefined && !task.why.has("either")) {
        let root = outcome.trail
        while (root.from !== undefined) root = root.from
        const { reason } = outcome
        const why = reason._tag === "TimedOut" ? reason.of : reason._tag
        const name = reason._tag === "Cancelled" ? reason.task : root.task
        if (![...task.why].some((each) => each === `${why}:${name}` || each.startsWith(`${why}:owner`))) {
          this.complain(`${task.name} ended by ${why}:${name}, allowed: ${[...task.why].join()}`)
        }
      }
    }
    for (const task of this.overdue) this.complain(`nobody said that ${task.name} does not stop`)
    this.overdue.clear()
    if (state.tasks.size !== this.byRow.size) this.complain(`${state.tasks.size} rows for ${this.byRow.size} tasks`)
    for (const wait of this.waits.values()) {
      for (const each of wait.awaited) {
        const now = stateOf(each)
        if (now !== "open" && !wait.ended.has(each)) wait.ended.set(each, now)
      }
      if (!wait.abandoned && !wait.starved && !wait.starvedAway && !this.isOver(wait)) continue
      const task = wait.waiter
      const queued = task !== undefined && task.status === "active" &&
        state.tasks.phase[task.row] === Phase.rejoining &&
        state.workers[task.worker]!.rejoining.get(task.row) === wait.id
      if (!queued) this.complain(`wait ${wait.id} should be over`)
    }
    for (const wait of this.stuck()) this.complain(`N6: wait ${wait.id} of ${wait.waiter!.name} can never end`)
    for (const interest of this.interests.values()) {
      if (interest.claim.state !== interest.state) {
        this.complain(`a claim is ${interest.claim.state}, not ${interest.state}`)
      }
      if ((interest.claim.outcome !== undefined) !== (interest.state === "cancelled")) {
        this.complain("a claim has no outcome")
      }
    }
    for (const owner of this.owners.values()) {
      const roots = (state.owners.get(owner.id)?.roots ?? []).map(({ outcome }) => outcome.trail.task)
      if (owner.isOpen && roots.toSorted().join() !== owner.roots.toSorted().join()) {
        this.complain(`F4: the roots are ${roots.join()}, not ${owner.roots.join()}`)
      }
    }
    // A wait that can never end says so, whatever was lost meanwhile.
    for (const wait of this.waits.values()) {
      if (wait.waiter === undefined || wait.abandoned || wait.behalf !== undefined || this.isOver(wait)) continue
      if (this.reaches(openOf(wait), wait.waiter)) this.complain(`wait ${wait.id} is part of a cycle`)
    }
    for (const row of this.replaced) this.complain(`W13, W14: worker ${row} is not replaced`)
    for (const row of this.silent) this.complain(`W10: worker ${row} does not count as lost`)
    this.replaced.clear()
    this.silent.clear()
    this.workers.forEach((worker, i) => {
      if (state.workers[i]?.phase !== worker.phase) this.complain(`worker ${i} should be ${worker.phase}`)
    })
  }
}

/** What a computation that goes on wishes to end, of the tasks that are new and what they depend on, and what it tells of each. */
const exposedBy = (target: Task, own: ReadonlySet<Task>, told: Task["told"]): ReadonlyMap<Task, Task["told"]> => {
  const found = new Map<Task, Task["told"]>()
  const visit = (task: Task, told: Task["told"]): void => {
    const before = found.get(task)
    if (before !== undefined && told.every((each) => before.includes(each))) return
    found.set(task, [...new Set([...before ?? [], ...told])])
    if (!own.has(task) || task.settings.absorbs === true) return
    for (const dependency of outsideGroups(task)) visit(dependency, told)
    for (const group of groupsOf(task)) {
      const isRule = group.policy._tag === "Rule" && !takes(group, "skip")
      if (!isDefault(group) && !isRule && takes(group, "failure")) continue
      const left = isDefault(group) ? told : isRule ? told.filter((each) => each === "skip") : []
      for (const dependency of task.deps.slice(group.from, group.to)) visit(dependency, left)
    }
  }
  visit(target, told)
  return found
}

/** Whether a group may be met after a member has ended so. */
const takes = ({ from, policy, to }: Group, kind: "failure" | "skip"): boolean => {
  const size = to - from
  for (let success = 0; success < size; success++) {
    for (let failed = 0; success + failed < size; failed++) {
      const tally = { success, failed, upstreamFailed: 0, skipped: size - 1 - success - failed }
      tally[kind === "failure" ? "failed" : "skipped"]++
      if (verdictOn(policy, size, tally) === "run") return true
    }
  }
  return false
}

/** Whether the end of a member is one of those for which a group waits. */
const isCounted = ({ policy }: Group, outcome: Outcome): boolean => {
  const isFailure = outcome === "failed" || outcome === "upstreamFailed"
  const on = policy._tag === "Rule" ? policy.rule : policy.on
  if (on === "success" || on === "oneSuccess" || on === "noneFailedOneSuccess") return outcome === "success"
  if (on === "failure" || on === "oneFailed") return isFailure
  return on !== "oneDone" || outcome === "success" || outcome === "failed"
}

/** How many of those that count must have been in one place. */
const neededOf = ({ policy }: Group, counted: number): number => {
  if (policy._tag === "AtLeast") return Math.min(policy.count, counted)
  if (policy._tag === "Rule" && policy.rule === "always") return 0
  return policy._tag === "Rule" && policy.rule.startsWith("one") ? Math.min(1, counted) : counted
}

/** Whether a worker has as much as a task asks for. */
const has = ({ amounts }: Worker, demand: Demand | undefined): boolean =>
  Object.entries(thousandths(demand?.amounts)).every(([name, amount]) => (amounts[name] ?? 0) >= amount)

/** Whether a worker is one of those to which a task is restricted. */
const meets = ({ labels, name }: Worker, demand: Demand | undefined): boolean =>
  demand?.workers?.includes(name) !== false && (demand?.labels ?? []).every((label) => labels.includes(label))

/** The tasks for which somebody still waits. */
const openOf = ({ awaited, ended }: Waiting): ReadonlyArray<Task> =>
  awaited.filter((each) => !ended.has(each)).flatMap((each) =>
    "claim" in each ? (each.state === "live" ? [each.task] : []) : [each]
  )

/** Whether that is what a cycle calls a task: by its key, with its graph where others of that key are in the cycle. */
const isNamed = (name: string | undefined, task: Task | undefined): boolean =>
  name === task?.name || (task !== undefined && name?.startsWith(`${task.name} (graph `) === true)

const distinct = (behalves: ReadonlyArray<Behalf>): ReadonlyArray<Behalf> => [
  ...new Map(behalves.map((behalf) => [`${behalf.owner.id} ${behalf.cancelled?.serial}`, behalf])).values()
]

/** Whether who waits on the second behalf waits for what leaves on the first. */
const isPartOf = (each: Behalf, { cancelled, owner }: Behalf): boolean =>
  each.owner === owner && (cancelled === undefined || each.cancelled === cancelled)

const ownedBy = (owner: Owner): Behalf => ({ owner, cancelled: undefined })

/** Whether it stops, or its resource is being finalized. */
const isLeaving = ({ finalized, status }: Task): boolean =>
  status === "stopping" || (status === "releasing" && !finalized)

const stateOf = (awaited: Interest | Task): "open" | "good" | "bad" => {
  if ("claim" in awaited && awaited.state !== "live") return "bad"
  const task = "claim" in awaited ? awaited.task : awaited
  if (task.finalized) return "good"
  return hasEnded(task) ? (task.status === "succeeded" ? "good" : "bad") : "open"
}

const phasesOf = (task: Task): ReadonlyArray<string> =>
  task.status === "failed" && task.upstream ? ["upstreamFailed"] : phasesOfStatus[task.status]

const phasesOfStatus: Readonly<Record<Task["status"], ReadonlyArray<string>>> = {
  pending: ["waiting", "ready"],
  active: ["running", "seceded", "rejoining"],
  stopping: ["stopping"],
  releasing: ["releasing"],
  succeeded: ["succeeded"],
  failed: ["failed"],
  cancelled: ["cancelled"],
  skipped: ["skipped"]
}
