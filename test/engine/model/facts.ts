/** The vocabulary of the model: tasks, owners, waits and workers as plain objects, and what can be read off one of them. */
import type { PauseTarget, PoolOpened, Rate, Terms, WaitMode } from "../../../src/engine/protocol/Event.ts"
import type { Fairness } from "../../../src/engine/protocol/fairness.ts"
import { atHome } from "../../../src/engine/protocol/home.ts"
import type { ClaimId, TaskId } from "../../../src/engine/protocol/ids.ts"
import type { Instruction, StartWorker } from "../../../src/engine/protocol/Instruction.ts"
import { Phase } from "../../../src/engine/protocol/Phase.ts"
import type { Settings, TaskKind, WorkerKind } from "../../../src/engine/protocol/Plan.ts"
import type { Group } from "../../../src/engine/protocol/policies.ts"
import type { Claim } from "../../../src/engine/state/Owner.ts"
import type { State } from "../../../src/engine/state/State.ts"
import type { Submission as Known } from "../../../src/engine/state/Submission.ts"

export type Ended = "succeeded" | "failed" | "cancelled" | "skipped"

export interface Task {
  readonly name: string
  /** Distinguishes it from all others, whatever their row. */
  readonly serial: number
  row: TaskId
  readonly deps: ReadonlyArray<Task>
  readonly settings: Settings
  /** Those that it replaces and that had not ended. */
  formers: ReadonlyArray<Task>
  readonly owner: Owner
  readonly submission: Submission
  /** Where it was submitted, and where it stands now: one that gave its place up goes behind all others. */
  readonly place: Rank
  rank: Rank
  status: "pending" | "active" | "stopping" | "releasing" | Ended
  readonly share: string
  /** It depends on nothing, and no body submitted it. */
  readonly isSource: boolean
  readonly kind: TaskKind
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
  /** Where it runs or its result is: the row of a worker, or for a result at home what the engine's table has. */
  worker: number
  holds: boolean
  /** It was sent to its worker, and its body has not begun. */
  isAssigned: boolean
  /** It was asked back. */
  askedBack: boolean
  /** The number of its name, and how long its body was likely to take when it was sent ahead. */
  readonly body: number
  likely: number
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
  /** It stops because it has no user. */
  unwanted: boolean
  refused: boolean
  /** Since when it has lacked nothing but a worker, while there was none. */
  lacksSince: number | undefined
  /** It ended because of a dependency. */
  upstream: boolean
  /** The places of dependencies that it dropped when their group was met. */
  dropped: ReadonlySet<number>
  endedAt: number
  /** `reason:root`, all that are allowed. */
  why: Set<string>
}

/** The tasks that came together, and what came later and needs some of them. */
export interface Submission {
  readonly users: Set<Submission>
  /** What the engine has of it. */
  readonly known: Known | undefined
}

/** What decides which of two ready tasks starts first, in this order. */
export interface Rank {
  readonly priority: number
  readonly computation: number
  readonly ancestor: number
  readonly depth: number
  readonly submission: number
  readonly position: number
}

export interface Owner {
  readonly id: number
  isOpen: boolean
  /** The tag that it limits while it is open. */
  readonly tag: string | undefined
  readonly group: string | undefined
  readonly claims: Set<Interest>
  readonly bulk: Array<Task>
  /** The names of wished tasks that ended by themselves without success. */
  readonly roots: Array<string>
  /** The wait of its computation. */
  wait: number
}

export interface Interest {
  readonly owner: Owner
  readonly task: Task
  readonly claim: Claim
  state: Claim["state"]
  cancelledFor: Task | undefined
}

/** A claim in a standing wait, until its end is reported. */
export interface Standee {
  readonly interest: Interest
  /** It has ended, whatever happened to its task since. */
  ended: boolean
}

/** A standing wait. */
export interface Standing {
  standees: Array<Standee>
  /** How often an end was reported, or claims have joined. */
  changes: number
}

export interface Waiting {
  readonly id: number
  /** The standing wait for whose next report it waits, and how often that had changed before. */
  readonly next?: { readonly of: Standing; readonly after: number }
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
  /** Tasks that ended while they were awaited, and whether with success. A claim that is released later changes nothing. */
  readonly ended: Map<Interest | Task, "good" | "bad">
  abandoned: boolean
  starved: boolean
  /** It can never end, and its task must take its slot again before it hears of that. */
  starvedAway: boolean
}

/** How everything stood before an event. */
export interface Before {
  readonly leaving: ReadonlyMap<Task, Pick<Task, "must" | "may">>
  /** Who held a task: others that need it, and owners that claim or wish it. */
  readonly users: ReadonlyMap<Task, ReadonlyArray<Task>>
  readonly claimers: ReadonlyMap<Task, ReadonlyArray<Owner>>
  readonly statuses: ReadonlyMap<Task, Task["status"]>
  readonly open: ReadonlySet<Owner>
}

export interface Behalf {
  readonly owner: Owner
  readonly cancelled: Task | undefined
}

export interface Due {
  readonly at: number
  readonly sequence: number
  readonly kind: "timeout" | "deadline" | "dependencies" | "retry" | "grace" | "workers" | "stranded"
  readonly task: Task
  readonly attempt: number
}

export interface Copying {
  readonly task: Task
  readonly from: number
  readonly to: number
  isMove: boolean
}

export interface Worker {
  /** Distinguishes it from all others, whatever their row. */
  readonly serial: number
  readonly name: string
  readonly row: number
  readonly kind: WorkerKind
  readonly labels: ReadonlyArray<string>
  readonly slots: number
  /** In thousandths. */
  readonly amounts: Readonly<Record<string, number>>
  readonly mark: number
  readonly ahead: number
  readonly handsOver: boolean
  readonly terms: Terms
  readonly isPooled: boolean
  readonly restarts: ReadonlyArray<number>
  phase: "starting" | "open" | "draining" | "gone" | "lost"
  since: number
  heardAt: number
  started: number
  idleSince: number | undefined
  /** How many attempts were in its line when the last one was sent. */
  full: number
}

export const takesTasks = ({ phase }: Worker): boolean => phase === "open" || phase === "starting"

/** Whether a worker is of a kind that may run a task (W20). */
export const mayRun = ({ kind }: Pick<Task, "kind">, worker: Pick<Worker, "kind">): boolean =>
  kind === "portable" || kind === worker.kind

/** Whether some worker that takes tasks, or will, is of a kind that may run this one. */
export const hasTaker = ({ workers }: Facts, task: Task): boolean =>
  workers.some((worker) => takesTasks(worker) && mayRun(task, worker))

/** Why a task ends that no worker of its kind has come for. A worker that replaces another counts from the loss on. */
export const lackOfAny = ({ replaced, workers }: Facts): "NoSuitableWorker" | "NoWorker" =>
  workers.some(takesTasks) || replaced.size > 0 ? "NoSuitableWorker" : "NoWorker"

/** Whether the row of a worker that has left is that of one by now which was started in the place of a lost one. */
export const isTaken = (model: Facts, { row }: Worker): boolean =>
  model.starting.some(({ replaces, worker }) => worker === row && model.workers[replaces]?.phase === "lost")

/** Whether a value from outside can be held there. */
export const mayHold = ({ phase }: Worker): boolean => phase !== "lost" && phase !== "starting"

export const hasEnded = (task: Task): boolean =>
  task.status === "succeeded" || task.status === "failed" || task.status === "cancelled" || task.status === "skipped"

/** Whether the end of a task, with all that it leaves behind, is still to come. */
export const isOpen = (task: Task): boolean => !hasEnded(task) && !task.finalized

/** Whether a result owns a resource, or passes one on. */
export const owns = (task: Task): boolean => task.status === "succeeded" && task.retains

export const isForgotten = ({ known }: Submission): boolean => known !== undefined && known.reach < 0

/** The dependencies that a task has not dropped, with their places. */
export const heldBy = ({ deps, dropped }: Task): ReadonlyArray<readonly [number, Task]> =>
  deps.map((each, place) => [place, each] as const).filter(([place]) => !dropped.has(place))

export const inAttempt = (task: Task): boolean => task.status === "active" || task.status === "stopping"

/** The worker that holds a result; -1 if it is at home. */
export const holderOf = ({ worker }: Pick<Task, "worker">): number => Math.max(-1, worker)

/** Where a result is that comes from a worker. */
export const placeOfResult = ({ workers }: Facts, row: number): number => workers[row]!.handsOver ? atHome(row) : row

/** Whether an attempt waits on its worker for its first slot. */
export const isSentAhead = (task: Task): boolean => inAttempt(task) && task.isAssigned && !task.holds

export const thousandths = (amounts: Readonly<Record<string, number>> = {}): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, Math.round(amount * 1000)]))

/** What a task needs of something, on a worker or on all, and how much others hold of that. */
export interface Need {
  readonly what: string
  readonly total: number
  readonly needed: number
  readonly shares: ReadonlyArray<readonly [Task, number]>
}

/** What may not be taken by those who come later, by what it is. */
export type Withheld = Map<string, number>

export const leftOf = ({ shares, total }: Pick<Need, "shares" | "total">): number =>
  shares.reduce((left, [, share]) => left - share, total)

/** What the model knows of who comes first: all of it where ranks and amounts alone decide, or turns alone; not of both. */
export type Order = "ranks" | "turns" | "any"

/** What holds for the scheduler. */
interface ModelSettings {
  readonly fairness: Fairness
  readonly lineage: number
  readonly order: Order
  readonly overtakes: number
  readonly windowMillis: number
}

export const presentTask = (model: Facts, row: TaskId, attempt: number): Task | undefined => {
  const task = model.byRow.get(row)
  return task !== undefined && task.attempt === attempt && inAttempt(task) ? task : undefined
}

export const rowOf = ({ serial }: Task, { tasks }: State): TaskId => {
  for (let row = 0; row < tasks.used; row++) {
    const submission = tasks.submission[row]
    const place = tasks.index[row]!
    // Rows of a graph that is only announced have no numbers yet.
    if (tasks.phase[row] === Phase.free) continue
    if (submission !== undefined && submission.sequence + place === serial) return row
  }
  return -1
}

/** Its resource is finalized, and if it is needed then it is made anew. */
export const isToComeAgain = ({ finalized, fixed, status }: Task): boolean =>
  status === "releasing" && fixed === undefined && !finalized

export const dependsOn = (task: Task, other: Task): boolean => {
  if (task.alias !== undefined) return task.alias === other
  return task.deps.some((each, place) => each === other && !task.dropped.has(place))
}

export const isDownstream = (task: Task, of: Task, seen = new Set<Task>()): boolean => {
  if (hasEnded(task) || seen.has(task)) return false
  seen.add(task)
  const needs = task.alias === undefined ? heldBy(task).map(([, each]) => each) : [task.alias]
  return needs.some((other) => other === of || isDownstream(other, of, seen))
}

/** The task whose finalizers wait. */
export const finalizingTask = (model: Facts, row: TaskId, attempt: number): Task | undefined => {
  const task = model.byRow.get(row)
  return task?.status === "releasing" && task.attempt === attempt ? task : undefined
}

export const armTimer = (model: Facts, kind: Due["kind"], task: Task, millis: number): Due => {
  const due = { at: model.now + millis, sequence: model.armed++, kind, task, attempt: task.attempt }
  model.timers.push(due)
  return due
}

/** The tasks for whose ends a wait still waits. */
export const openOf = ({ awaited, ended }: Waiting): ReadonlyArray<Task> =>
  awaited.filter((each) => !ended.has(each)).flatMap((each) =>
    "claim" in each ? (each.state === "live" ? [each.task] : []) : [each]
  )

/** Whether that is what a cycle calls a task: by its key, with its graph where others of that key are in the cycle. */
export const isNamed = (name: string | undefined, task: Task | undefined): boolean =>
  name === task?.name || (task !== undefined && name?.startsWith(`${task.name} (graph `) === true)

/** Whether it stops, or its resource is being finalized. */
export const isLeaving = ({ finalized, status }: Task): boolean =>
  status === "stopping" || (status === "releasing" && !finalized)

export const stateOf = (awaited: Interest | Task): "open" | "good" | "bad" => {
  if ("claim" in awaited && awaited.state !== "live") return "bad"
  const task = "claim" in awaited ? awaited.task : awaited
  if (task.finalized) return "good"
  return hasEnded(task) ? (task.status === "succeeded" ? "good" : "bad") : "open"
}

/** What the model knows. Laws are functions of this, one file for each kind. */
export class Facts {
  readonly tasks = new Set<Task>()
  readonly byRow = new Map<TaskId, Task>()
  /** Forgotten in the step in which their rows are given away: `Forget` is still to be judged. */
  readonly displaced = new Map<TaskId, Task>()
  /** Revived and forgotten in one step. */
  readonly rowless = new Set<Task>()
  /** Results that are taken from who should have held them. */
  readonly struck: Array<readonly [task: Task, from: number]> = []
  /** Copies that are on their way. */
  readonly copying = new Map<number, Copying>()
  readonly owners = new Map<number, Owner>()
  readonly interests = new Map<ClaimId, Interest>()
  readonly waits = new Map<number, Waiting>()
  readonly standing = new Map<number, Standing>()
  readonly workers: Array<Worker> = []
  readonly failures = new Set<number>()
  /** The smoothed time of bodies by name. */
  readonly paces = new Map<number, number>()
  /** Workers of whose lines half was gone in this step before they were filled up. */
  readonly low = new Set<Worker>()
  /** How many more attempts of a kind may be taken back from the same worker at once. */
  bunch: { worker: number; kind: TaskKind; left: number } = { worker: -1, kind: "local", left: 0 }
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
    unbegun: 0,
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
   * Verdicts of policies: tasks that could not start, tasks that were skipped, and dropped dependencies. `forgotten` counts
   * results that could not be made again because their tasks were too far back.
   */
  readonly verdicts = { impossible: 0, ruledOut: 0, dropped: 0, forgotten: 0 }
  /** Settled tasks by how they ended, for the record. */
  readonly ends = { succeeded: 0, failed: 0, cancelled: 0, skipped: 0 }
  state: State | undefined
  /** Groups that must have been met for a task to drop their other members. */
  readonly toJudge = new Set<readonly [Task, Group]>()
  timers: Array<Due> = []
  armed = 0
  pool: PoolOpened | undefined
  /** When workers of the pool were lost. */
  readonly poolLosses: Array<number> = []
  /** Workers that must be replaced, or must be said to be lost, in this step. */
  readonly replaced = new Set<number>()
  /** What has been judged in this step, some of it ahead of its turn. */
  readonly judged = new Set<Instruction>()
  isEarly = false
  /** What tasks wait for that have not heard yet of what ended in this step. */
  readonly unaware = new Map<Task, ReadonlyArray<Task>>()
  /** Workers came or went in this step since it was found out who lacks one. */
  crewMoved = false
  readonly silent = new Set<number>()
  readonly distrusted = new Set<number>()
  /** Tasks whose wait for a worker ends in this step. */
  readonly late = new Set<Task>()
  problems: Array<string> = []
  clock = 0
  now = 0
  sequence = 1
  computations = 0
  crew = 0
  window: { readonly number: number; readonly at: number } | undefined
  readonly windowMillis: number
  submissions = 0
  attempts = new Set<number>()
  /** Those of which must be said now that they do not stop. */
  readonly overdue = new Set<Task>()
  /** The facts before this step, and the owners on whose behalf tasks leave in it. */
  before: Before | undefined
  cause: Pick<Task, "must" | "may"> = { must: [], may: [] }
  readonly limits = new Map<string, number>()
  /** Rates of tags and patterns, the starts that count in them, and all starts if the layer has a rate. */
  readonly rates = new Map<string, Rate>()
  readonly startsBy = new Map<string, ReadonlyArray<number>>()
  readonly allStarts: Array<number> = []
  /** Pauses by what they are of. */
  readonly pauses = new Map<string, { readonly of: PauseTarget; readonly until: number }>()
  /** How often the tasks that ask alike were overtaken since one of them started, and since which attempt that is too often. */
  readonly overtaken = new Map<string, { count: number; since: number }>()
  /** Those that go first in this step. */
  overdueNames: Array<string> = []
  readonly overtakes: number
  /** An open task is settled from outside in this step. */
  isSettling = false
  isDeaf = false
  /** Workers that the engine starts in this step. */
  starting: ReadonlyArray<StartWorker> = []
  /** Their attempts were lost in this step. */
  readonly returning = new Set<Task>()
  /** Where shares stand, as long as a task that takes turns waits. */
  turns: Map<string, { at: number; last: number; starts: number }> | undefined
  lastTurn = 0
  readonly fairness: Fairness
  readonly order: Order
  readonly lineage: number
  /** Their former results are dropped, and come again. */
  readonly discarded = new Set<Task>()

  constructor(
    { fairness, lineage, order, overtakes, windowMillis }: ModelSettings
  ) {
    this.overtakes = overtakes
    this.fairness = fairness
    this.order = order
    this.windowMillis = windowMillis
    this.lineage = lineage
  }

  complain(problem: string): void {
    this.problems.push(`model: ${problem}`)
  }
}
