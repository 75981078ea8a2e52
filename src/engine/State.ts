/**
 * What the engine knows. Changed in place by {@link step} alone; everybody else reads, or takes a snapshot.
 *
 * Tasks are rows of a table of columns: a waiting task costs tens of bytes rather than an object with fields. The
 * numbered invariants below hold between any two events; `check` tests them all, and other text cites them by number.
 *
 * **Invariants**
 *
 * - S1 Phases are exclusive; only the transitions of `transitions.ts` happen.
 * - S2 `waiting` is the number of dependencies that have not been met, a group with a policy counting as one, and one for a
 *   retry delay that runs; a task is `waiting` as long as it is above 0, or its alias is open.
 * - S3 `refs` is the number of claims, wishes and dependents (not ended, or with a result that lives on it) of a task; at 0 a
 *   task is cancelled if it has not ended, and forgotten if it has.
 * - S4 The slots in use on a worker are the attempts there that hold one; never more than its slots. The same of the amounts
 *   in use on a worker, and of those in use under a tag, unless its limit was lowered.
 * - S5 A slot is freed only by the end of the attempt, a secede, or the loss of the worker; amounts and tags go with it, but
 *   for amounts that are kept.
 * - S6 If a worker has a free slot, no rejoiner waits there and no task is ready that it could run, unless amounts or tags are
 *   missing for it, or withheld for others, or a brake of the layer holds it back.
 * - S7 A task ends once; what comes from a former attempt changes nothing.
 * - S8 A result is held exactly while it is claimed or needed, by all that hold it, and one that owns a resource until that is finalized.
 * - S9 Without owners every table of tasks, waits, failures and timers is empty.
 * - S10 No attempt keeps its slot or amounts in a wait that could never end.
 * - S11 A worker that joins takes the row of one that is gone, or was lost, and that nothing names any more.
 * - S12 While no worker takes tasks, each ready task has a limit to its wait for one, unless it waits for ever.
 * - S13 A task that has not started, and that no worker which takes tasks could ever run, is among the `lacking`, with a limit
 *   to its wait unless it waits for ever.
 *
 * @since 0.1.0
 */
import type { Copying } from "./copies.ts"
import type { Cancellation, PoolOpened, Terms, WaitMode } from "./Event.ts"
import { inOrder } from "./fairness.ts"
import type { Fairness, Turn } from "./fairness.ts"
import { Fifo } from "./fifo.ts"
import { defaultLimits } from "./limits.ts"
import type { Limits } from "./limits.ts"
import { Flag, hasEnded, Phase } from "./Phase.ts"
import type { Phase as PhaseOf, PhaseName } from "./Phase.ts"
import type { Defaults, Demand, Exclusion, Plan, Reference, Restriction, Settings, WorkerInfo } from "./Plan.ts"
import type { Group, Outcome as EndedAs, Policy, Tally } from "./policies.ts"
import type { Members } from "./positions.ts"
import type { Scheme } from "./schemes.ts"
import { TaskTable } from "./TaskTable.ts"

export { Flag, hasEnded, Phase, phaseNames } from "./Phase.ts"
export type { PhaseName } from "./Phase.ts"

/** A row of the task table. Given to another task once the record is forgotten. */
export type TaskId = number

/** The way a failure came: from the task that failed first, over its dependents, to here. */
export interface Trail {
  readonly task: string
  readonly from: Trail | undefined
  /** The task stood for that of `from` and ended as it did. */
  readonly isAlias?: boolean
  /** Where the task that failed first had come to. */
  readonly where?: Where
  /** Where the task was registered. */
  readonly place?: Place
}

/** Where a task was registered: what tells of it even when its row belongs to another. */
export interface Place {
  readonly submission: Submission
  readonly index: number
}

/** Where and how often a task ran. */
export interface Where {
  /** Which start of the task it was, from 1; 0 if it never started. */
  readonly attempt: number
  readonly label: string | undefined
  /** The key of the task from whose body it was submitted, or "program". */
  readonly submitter: string
  readonly worker: string | undefined
}

/** What ended the first task of a trail. */
export type Reason =
  | { readonly _tag: "Failed"; readonly failure: number; readonly defect: boolean }
  | { readonly _tag: "Cancelled"; readonly task: string; readonly by: string; readonly reason: string }
  | { readonly _tag: "TimedOut"; readonly of: "attempt" | "deadline" | "dependencies"; readonly millis: number }
  | { readonly _tag: "Starved"; readonly waits: ReadonlyArray<Pair> }
  | { readonly _tag: "Killed"; readonly deaths: number; readonly reason: Killing }
  | {
    readonly _tag: "DependenciesGone"
    readonly keys: ReadonlyArray<string>
    readonly reports: number
    readonly reason: Going
  }
  /** No worker takes tasks at all, and none came for so long. */
  | { readonly _tag: "NoWorker"; readonly millis: number }
  /** No worker that takes tasks meets the restriction, and none came for so long. */
  | { readonly _tag: "NoSuitableWorker"; readonly restriction: Restriction; readonly millis: number }
  | { readonly _tag: "Skipped" }
  | { readonly _tag: "Impossible"; readonly why: Impossibility }

/** Why a task can never start. */
export type Impossibility =
  /** It said so on each worker on which it may run by its restriction. */
  | { readonly _tag: "Unmet"; readonly on: ReadonlyArray<Exclusion> }
  /** Its locality is below 0 for each of them, or `fault`. */
  | { readonly _tag: "Locality"; readonly workers: ReadonlyArray<string>; readonly fault: string | undefined }
  /** What it follows ran on these workers, and on none of them enough of it. */
  | { readonly _tag: "Apart"; readonly workers: ReadonlyArray<string> }
  /** What it follows ran on these workers, and none of them takes tasks and may run it. */
  | { readonly _tag: "Away"; readonly workers: ReadonlyArray<string> }
  /** So many dependencies of a group have ended otherwise that its policy can never be met. */
  | {
    readonly _tag: "Unreachable"
    readonly of: Group["of"]
    readonly policy: Policy
    /** How many dependencies the group has, and how those ended that have. */
    readonly size: number
    readonly ended: Tally
    /** The keys of the first few that ended otherwise. */
    readonly refusedBy: ReadonlyArray<string>
  }

/**
 * The key that waits and the key that it waits for; with a third part, for the slot, the resources or the tag which that one
 * keeps while it waits itself.
 */
export type Pair = readonly [waiting: string, awaited: string, of?: "slot" | "resources" | "tag"]

/** Why a task ended with its worker: too many died while they ran it, or it must not be started twice. */
export type Killing = "deaths" | "lost"

/** Why what a body reported as lost is not made anew: it has reported that too often, or those keys must not be started twice. */
export type Going = "limit" | "idempotent"

/** How a task ended without success. Dependents share the reason of the task that failed first. */
export interface Outcome {
  readonly reason: Reason
  readonly trail: Trail
}

/** An owner's interest in one result, once for each time it asked. Lives as long as the owner, unless cancelled or released. */
export interface Claim {
  readonly owner: Owner
  readonly task: TaskId
  state: "live" | "cancelled" | "released"
  /** Set with `cancelled`, as are the starts of the task until then and the name of the worker of the last one. */
  outcome: Outcome | undefined
  starts: number
  worker: string | undefined
}

/** Whoever claims results: a scope, or one `compute`. */
export interface Owner {
  readonly id: number
  readonly name: string
  /** Its claims by task; more than one on the same task are a set. */
  readonly claims: Map<TaskId, Claim | Set<Claim>>
  /** Claims of a `compute`, which nobody cancels one by one. */
  readonly targets: Array<TaskId>
  /** The submission whose tasks it wished to run to their end. */
  wishing: Submission | undefined
  /** Failures of wished tasks, for a report of all of them. */
  readonly roots: Array<Root>
}

/** A task that failed by itself while an owner wished it to end. */
export interface Root {
  /** Static position. */
  readonly position: number
  readonly outcome: Outcome
}

/** Somebody waits for tasks to end. */
export interface Wait {
  readonly id: number
  readonly mode: WaitMode
  /** The tasks awaited, once a claim; those that have ended since included. */
  tasks: ReadonlyArray<TaskId>
  /** How many of them have not ended. */
  remaining: number
  /** The claims through which it waits; a withdrawn claim ends for it. */
  readonly claims: ReadonlySet<Claim> | undefined
  /** The task inside which it waits, or -1. */
  readonly waiter: TaskId
  /** It waits for what its waiter must not outlive, so a request to stop does not end it. */
  readonly closing: boolean
  /** Its waiter has not given its slot away for it. */
  readonly keepsSlot: boolean
  /** It waits for all that stops, or is released, on this behalf. */
  readonly behalf: Behalf | undefined
}

/** Because of whom a task stops or is released. */
export interface Behalf {
  /** The number of the owner who lost interest; `undefined` if it is nobody who could wait. */
  readonly owner: number | undefined
  /** The key of the task with whose cancellation it began, if it began with one. */
  readonly cancelled: string | undefined
}

/** One registered plan. */
export interface Submission {
  readonly number: number
  readonly plan: Plan
  readonly ids: Int32Array
  /** The reverse of the plan's dependencies, by plan index. */
  readonly dependentOffsets: Int32Array
  readonly dependents: Int32Array
  /** Place of each task in its lane. */
  readonly ranks: Int32Array
  readonly lane: Lane
  /** Lanes of priorities other than that of `lane`, by priority. */
  readonly otherLanes: ReadonlyMap<number, Lane> | undefined
  /** With which each task ranks, by plan index; `undefined` if it is `priority` for all. */
  readonly priorities: Float64Array | undefined
  readonly owner: Owner
  /** The task from whose body it came. */
  readonly parent: Place | undefined
  /** How many bodies, one inside the other, have submitted down to it. */
  readonly nesting: number
  readonly computation: number
  readonly ancestor: number
  /** How many tasks, one the parent of the other, stand above it. */
  readonly depth: number
  /** Priority of tasks that name none: that of the parent. */
  readonly priority: number
  /** Share of tasks that name none: that of the parent. */
  readonly share: string | undefined
  /** Number of the first task, for automatic keys. */
  readonly sequence: number
  readonly submittedAt: number
  /** Where the dependencies on tasks of other submissions come from, by their place among the plan's `targets`. */
  origins: Map<number, Place> | undefined
}

/** Ready tasks that rank alike but for their static position. */
export interface Lane {
  readonly priority: number
  readonly computation: number
  /** Static position of the top-level ancestor, or -1 at the top level, where each task is its own. */
  readonly ancestor: number
  readonly depth: number
  readonly submission: number
  readonly members: Members
  readonly taskAt: Int32Array
  /** Place in the heap of lanes, or -1. */
  heapIndex: number
}

/** Ready tasks that ask alike of a worker and are held back alike: if the best of them can start nowhere, none can. */
export interface Queue {
  /** What tells it from others. */
  readonly name: string
  readonly demand: Demand | undefined
  readonly share: string | undefined
  /** They are sources, and the layer holds sources back. */
  readonly isSource: boolean
  /** The oldest first, each with the starts of its share until it was ready; where tasks age or name shares. */
  readonly since: Map<TaskId, number>
  readonly lanes: Array<Lane>
  /** Its lanes, by those of the submissions of which they are parts. */
  readonly parts: Map<Lane, Lane>
  /** Place in the heap of queues, or -1. */
  headIndex: number
}

/** Something of which there is a number, and how much of that is held; amounts of workers in thousandths. */
export interface Amount {
  readonly total: number
  used: number
}

/** What an attempt holds beside its slot. */
export type Holding = Pick<Demand, "amounts" | "keepsAmounts" | "tags">

/** How often others that ask for some of the same started while a queue waited, and the attempt with which that became too often. */
export interface Overtaken {
  readonly count: number
  readonly since: number
}

/** Where a worker stands. `gone`: it has left, and its results can be read; `lost`: they are gone with it. */
export type WorkerPhase = "starting" | "open" | "draining" | "gone" | "lost"

export interface WorkerRecord {
  readonly index: number
  readonly name: string
  readonly slots: number
  /** What tasks may hold there beside a slot. */
  readonly amounts: ReadonlyMap<string, Amount> | undefined
  /** Its number among all that this engine has known: what tells it from others of the same name or row. */
  readonly serial: number
  readonly terms: Terms
  /** It is one of the pool. */
  readonly isPooled: boolean
  /** When others with its name were replaced because they were lost, as far as it counts. */
  readonly restarts: ReadonlyArray<number>
  /** What a user's functions are told of it. */
  readonly info: WorkerInfo
  /** So many attempts it carries at most; see `placement.hasRoom`. */
  readonly mark: number
  /** The last attempt that it was given, or 0. */
  usedAt: number
  /** Attempts that hold a slot (S4). */
  running: number
  /** Attempts of any phase that have not ended. */
  attempts: number
  /** Changed by `workers.moveTo` alone. */
  phase: WorkerPhase
  /** When it began to take tasks; before that, when it was asked for. */
  since: number
  /** How many attempts it was given. */
  started: number
  /** When it was heard last, and when to look whether it has been heard since. */
  heardAt: number
  silentAt: number
  /** Since when it has nothing to do; `Infinity` while it has. Noted for those of the pool. */
  idleSince: number
  /** Tasks that wait to take a slot back, with the wait that ends then; first come, first served. */
  readonly rejoining: Map<TaskId, number>
}

/** The attempt of a task that was asked to stop. */
export interface Stopping {
  /** On whose behalf: the owner who waits for that, if it is open. */
  owner: Owner | undefined
  /** The key of the task with whose cancellation it began, where no outcome says so. */
  cancelled: string | undefined
  /** When it was asked first. */
  readonly since: number
  /** It goes on longer than its grace. */
  overdue: boolean
}

/** A moment at which something is due. Compared by time, then by `sequence`. */
export interface Timer {
  readonly at: number
  readonly sequence: number
  readonly kind: "timeout" | "deadline" | "dependencies" | "retry" | "grace" | "workers" | "stranded"
  readonly task: TaskId
  /**
   * The attempt; for `deadline`, `dependencies` and `stranded` the task's sequence number, for `workers` that of the timer: what
   * makes the timer stale.
   */
  readonly serial: number
}

/** One transition of one task, as stories and event streams show it. */
export interface Transition {
  readonly at: number
  readonly key: string
  readonly label: string | undefined
  readonly from: PhaseName | undefined
  readonly to: PhaseName | "released"
  readonly worker: string | undefined
  /** Starts of the task so far. */
  readonly attempt: number
  /** The event that led here. */
  readonly cause: string
  /** The number of the request that led to the task: all that a body submits belongs to the request of its task. */
  readonly computation: number
  /** The number of the owner of its submission: a scope, or one compute. */
  readonly owner: number
  /** The number of the task among all that this scheduler has known: what tells it from others of the same key. */
  readonly serial: number
}

/** One step in the life of a worker. */
export interface WorkerTransition {
  readonly at: number
  readonly worker: string
  /** The number of the worker among all that this scheduler has known: what tells it from others of the same name. */
  readonly serial: number
  readonly from: WorkerPhase | undefined
  readonly to: WorkerPhase
  /** The event that led here. */
  readonly cause: string
}

/** An elastic pool of workers. */
export interface Pool extends Omit<PoolOpened, "_tag" | "now"> {
  /** How many workers of it there have been. */
  count: number
  /** When the last of them were lost, as far as it counts. */
  lost: ReadonlyArray<number>
  /** When to look whether some have been idle for too long, or whether lost ones may be replaced again. */
  reviewAt: number
}

/** The attempts of a task before the present one. Kept only for tasks that are started again. */
export interface FormerAttempt {
  readonly number: number
  readonly worker: number
  readonly startedAt: number
  readonly endedAt: number
  /** `died`: its worker was lost while it ran; `lost`: its result was lost afterwards. Neither counts: the next has its number. */
  readonly fate: "failed" | "died" | "lost"
}

/** How far the groups of a task are: those of its dependencies that have a policy. Right as long as the task waits. */
export interface Needs {
  readonly groups: ReadonlyArray<Group>
  /** How many of each group have ended in each way, until the group is met. */
  readonly tallies: ReadonlyArray<Record<EndedAs, number>>
  readonly met: Array<boolean>
  /** What has not been counted as ended, each with its places among the dependencies of the task. */
  readonly open: Map<TaskId, ReadonlyArray<number>>
  /** The places of those that the task has let go of, for a group was met without them. */
  readonly dropped: Set<number>
  /** What is left to wait for: dependencies without a group, and groups. */
  left: number
}

/** What holds for a scheduler as long as it lives. */
export interface SchedulerSettings {
  readonly limits: Limits
  /** The grace of tasks that name none; `Infinity` for ever. */
  readonly graceMillis: number
  readonly fairness: Fairness
  /** For how long after it began a computation takes in what is submitted from outside; 0 for each its own. */
  readonly windowMillis: number
  /** How long tasks that do not say wait for a worker when none that takes tasks could run them; `Infinity` for ever. */
  readonly waitForWorkersMillis: number
  /** Which of several workers gets a task. */
  readonly scheme: Scheme
  /** Where the generator of placement schemes begins. */
  readonly seed: number
}

export interface State extends Omit<SchedulerSettings, "seed"> {
  now: number
  /** Where that generator stands. */
  chance: number
  /** Placement is not the common one: there is another scheme, or a worker with a mark. */
  isSteered: boolean
  readonly tasks: TaskTable
  /** Explicit keys of live tasks. */
  readonly keys: Map<string, TaskId>
  readonly owners: Map<number, Owner>
  readonly workers: Array<WorkerRecord>
  /** How many workers take tasks, or will when they have started. */
  takers: number
  /** Timers of waits for workers that are older than this one were armed before a worker came. */
  strandedFrom: number
  /** Tasks that became ready within this step, or were, while no worker takes tasks. */
  readonly stranded: Array<TaskId>
  /** Some worker has a time to live or an age at which it retires: something may be due at `watchAt`. */
  isWatching: boolean
  watchAt: number
  /** Some worker retires after a number of tasks. */
  isCounting: boolean
  pool: Pool | undefined
  readonly waits: Map<number, Wait>
  /** The open waits of tasks that wait inside their body, and have given their slot away for it. */
  readonly waitsOf: Map<TaskId, Array<Wait>>
  /** The open waits of tasks that keep their slot meanwhile. */
  readonly keeping: Map<TaskId, Array<Wait>>
  /** Ready tasks that ask for nothing but a slot: lanes with at least one member, best first (a binary heap). */
  readonly lanes: Array<Lane>
  /** The only one of these, within a step and not yet in its lane; -1 for none. */
  lone: TaskId
  /** Ready tasks that ask for more than a slot, or that do not start by their rank alone, by name of their queue. */
  readonly queues: Map<string, Queue>
  /** The same queues, the one with the best task first (a binary heap). */
  readonly heads: Array<Queue>
  /** The queue of each of them. */
  readonly queueOf: Map<TaskId, Queue>
  /** How many live tasks ask for more than a slot, follow others or name a share; one more if the layer has others in queues too. */
  demanding: number
  /** What attempts hold beside their slots. */
  readonly holding: Map<TaskId, Holding>
  /** Those among them that have given their slot away and keep amounts. */
  readonly keepingAmounts: Set<TaskId>
  /** The tags that are limited, each with its limit. */
  readonly tags: Map<string, Amount>
  /** How often queues were overtaken since one of their tasks started, by name. */
  readonly overtaken: Map<string, Overtaken>
  /** Waits that ended because they could never end, of bodies that still take their slot again. */
  readonly starved: Map<number, ReadonlyArray<Pair>>
  /** The shares that have taken turns since a task waited in a queue last; "" is that of tasks that name none. */
  readonly turns: Map<string, Turn>
  /** The turn that was taken last. */
  lastTurn: number
  /** The sources that hold a slot, where the layer throttles them. */
  readonly sources: Set<TaskId>
  /** The sizes of all results that are held, where the layer has a budget for them. */
  readonly sizes: Map<TaskId, number>
  /** Their sum. */
  heldSize: number
  /** What tasks demand whose bodies said that some workers cannot run them, or that are ready and follow others. */
  readonly barred: Map<TaskId, Demand>
  /** Tasks that no worker which takes tasks could run, each with the serial of the timer that limits its wait; -1 for none. */
  readonly lacking: Map<TaskId, number>
  /** Tasks that have come to wait in this step, and that may lack a worker. */
  readonly unplaced: Array<TaskId>
  /** A worker has joined or has stopped taking tasks since it was asked who lacks one. */
  crewChanged: boolean
  /** Tasks of later submissions that depend on a task, each with how often: the same one may stand in its inputs twice. */
  readonly later: Map<TaskId, Map<TaskId, number>>
  /** Tasks that stand for another: flatMap tasks whose body has returned. */
  readonly aliases: Map<TaskId, TaskId>
  /** Tasks with policies, as long as they hold what they depend on. */
  readonly needs: Map<TaskId, Needs>
  /** How tasks ended, or for those that are stopping, how they will end. Success has no entry. */
  readonly outcomes: Map<TaskId, Outcome>
  /** Tasks that were settled with a value while an attempt ran, and end with that when it has ended. */
  readonly settled: Set<TaskId>
  /** The workers that hold a result besides the first, where there are some. */
  readonly copies: Map<TaskId, Set<number>>
  /** The first holder of a result is another one since this step began. */
  hasMoved: boolean
  /** The names of the workers that made results of which another one is the first holder now. */
  readonly makers: Map<TaskId, string>
  /** Copies of results that are on their way, by number. */
  readonly copying: Map<number, Copying>
  /** How many workers are draining. */
  draining: number
  /** Attempts that stop. */
  readonly stopping: Map<TaskId, Stopping>
  /** Tasks whose resources are being finalized. */
  readonly releasing: Map<TaskId, Behalf>
  /** How many live tasks have results that own resources. */
  resources: number
  /** Because of whom results are released in this step, where it is not the owner of their submission. */
  behalf: Behalf | undefined
  /** Waits for all that stops on somebody's behalf, in a step that may release resources on that behalf yet. */
  readonly endingWaits: Array<Wait>
  /** The lanes of ready tasks that gave their place up, one each. */
  readonly rescheduled: Map<TaskId, Lane>
  /** How many outcomes and roots name a failure. */
  readonly failures: Map<number, number>
  readonly history: Map<TaskId, Array<FormerAttempt>>
  /** How often the body of a task has reported dependencies as lost. */
  readonly reports: Map<TaskId, number>
  /** A binary heap of timers; stale ones are dropped when they come up, or when they are too many. */
  readonly timers: Array<Timer>
  /** How many timers were left when the stale ones were last dropped all together. */
  timersKept: number
  /** When the driver was last asked to wake the engine. */
  wakeAt: number
  /** Tasks that have ended within this step and are not settled yet; `~task` for one that nobody wants any more. */
  readonly agenda: Fifo<TaskId>
  /** Why tasks are cancelled in this step. */
  cancelling: Withdrawal
  /** Transitions of this step, when somebody listens. */
  log: Array<Transition> | undefined
  /** Steps in the lives of workers, when somebody listens. */
  workerLog: Array<WorkerTransition> | undefined
  /** Name of the event of this step. */
  cause: string
  nextAttempt: number
  nextSequence: number
  nextSubmission: number
  nextComputation: number
  /** The last computation that was begun from outside, where there is a window. */
  window: { readonly began: number; readonly computation: number } | undefined
  nextTimer: number
  nextEnd: number
  nextWorker: number
  nextCopy: number
}

/** An owner's loss of interest, and the task with which it began if there is one. */
export interface Withdrawal extends Cancellation {
  readonly task?: string
  readonly owner: Owner | undefined
}

/** Nobody in particular: a task that lost its last dependent. */
export const unwanted: Withdrawal = {
  by: "scheduler",
  reason: "nothing needs its result any more",
  owner: undefined
}

/** No limit but the defaults, no rules, no hurry, and no chance. */
const defaultSettings: SchedulerSettings = {
  limits: defaultLimits,
  graceMillis: Infinity,
  fairness: inOrder,
  windowMillis: 0,
  waitForWorkersMillis: Infinity,
  scheme: "steady",
  seed: 0
}

export const make = (settings: Partial<SchedulerSettings> = {}): State => stateOf({ ...defaultSettings, ...settings })

const stateOf = (
  { fairness, graceMillis, limits, scheme, seed, waitForWorkersMillis, windowMillis }: SchedulerSettings
): State => ({
  now: 0,
  limits,
  graceMillis,
  fairness,
  windowMillis,
  waitForWorkersMillis,
  scheme,
  chance: seed,
  isSteered: scheme !== "steady",
  tasks: new TaskTable(),
  keys: new Map(),
  owners: new Map(),
  workers: [],
  takers: 0,
  strandedFrom: 0,
  stranded: [],
  isWatching: false,
  watchAt: Infinity,
  isCounting: false,
  pool: undefined,
  waits: new Map(),
  waitsOf: new Map(),
  keeping: new Map(),
  lanes: [],
  lone: -1,
  queues: new Map(),
  heads: [],
  queueOf: new Map(),
  demanding: fairness.queues === "none" ? 0 : 1,
  holding: new Map(),
  keepingAmounts: new Set(),
  tags: new Map(),
  overtaken: new Map(),
  starved: new Map(),
  turns: new Map(),
  lastTurn: 0,
  sources: new Set(),
  sizes: new Map(),
  heldSize: 0,
  barred: new Map(),
  lacking: new Map(),
  unplaced: [],
  crewChanged: false,
  later: new Map(),
  aliases: new Map(),
  needs: new Map(),
  outcomes: new Map(),
  settled: new Set(),
  copies: new Map(),
  hasMoved: false,
  makers: new Map(),
  copying: new Map(),
  draining: 0,
  stopping: new Map(),
  releasing: new Map(),
  resources: 0,
  behalf: undefined,
  endingWaits: [],
  rescheduled: new Map(),
  failures: new Map(),
  history: new Map(),
  reports: new Map(),
  timers: [],
  timersKept: 0,
  wakeAt: Infinity,
  agenda: new Fifo(),
  cancelling: unwanted,
  log: undefined,
  workerLog: undefined,
  cause: "",
  nextAttempt: 1,
  nextSequence: 1,
  nextSubmission: 1,
  nextComputation: 1,
  window: undefined,
  nextTimer: 1,
  nextEnd: 1,
  nextWorker: 1,
  nextCopy: 1
})

/** Whether a task holds what it depends on: it may need it yet, or its result lives only as long as that does. */
export const holdsDependencies = ({ tasks }: State, task: TaskId): boolean => {
  const phase = tasks.phase[task] as PhaseOf
  if (!hasEnded(phase)) return true
  return phase === Phase.succeeded && (tasks.flags[task]! & (Flag.resource | Flag.retains)) !== 0
}

/** The live task that a plan of this submission means. The hot loops have it written out. */
export const liveOf = ({ ids }: Pick<Submission, "ids">, reference: Reference): TaskId =>
  reference >= 0 ? ids[reference]! : ~reference

/** The settings of a live task, if it has any beyond the default. */
export const settingsOf = (state: State, task: TaskId): Settings | undefined => {
  const settings = state.tasks.submission[task]!.plan.settings
  return settings.size === 0 ? undefined : settings.get(state.tasks.index[task]!)
}

/** The key of a task of a submission: its own, or one formed from its label and its number among all tasks. */
export const keyAt = (submission: Submission, index: number): string => {
  const key = submission.plan.settings.get(index)?.key
  return key ?? `${labelAt(submission, index) ?? "task"}#${submission.sequence + index}`
}

/** What a task of a submission says itself, or its plan for all that say nothing. */
const saidAt = <K extends keyof Defaults>({ plan: { defaults, settings } }: Submission, index: number, name: K) =>
  settings.get(index)?.[name] ?? defaults?.[name]

/** The label of a task of a submission. */
export const labelAt = (submission: Submission, index: number): string | undefined => saidAt(submission, index, "label")

/** How long an attempt of a live task may go on after it was asked to stop. */
export const graceOf = (state: State, task: TaskId): number =>
  saidAt(state.tasks.submission[task]!, state.tasks.index[task]!, "graceMillis") ?? state.graceMillis

/** Whether a live task may be started again once it may have started. */
export const mayRepeat = ({ tasks }: State, task: TaskId): boolean =>
  mayRepeatAt(tasks.submission[task]!, tasks.index[task]!)

export const mayRepeatAt = (submission: Submission, index: number): boolean =>
  saidAt(submission, index, "idempotent") !== false

/** The priority with which a task of a submission ranks: its own, or a higher one of a task that needs it. */
export const priorityAt = ({ priorities, priority }: Submission, index: number): number =>
  priorities === undefined ? priority : priorities[index]!

/** The label of a live task. */
export const labelOf = (state: State, task: TaskId): string | undefined =>
  labelAt(state.tasks.submission[task]!, state.tasks.index[task]!)

/** The key of a live task. */
export const keyOf = (state: State, task: TaskId): string =>
  keyAt(state.tasks.submission[task]!, state.tasks.index[task]!)

/** The key of the task from whose body a submission came. */
export const submitterOf = ({ parent }: Submission): string =>
  parent === undefined ? "program" : keyAt(parent.submission, parent.index)

/** Where a live task was registered. */
export const placeOf = ({ tasks: { index, submission } }: State, task: TaskId): Place => ({
  submission: submission[task]!,
  index: index[task]!
})

/** Where a live task has come to. */
export const whereOf = (state: State, task: TaskId): Where => {
  const { starts, submission, worker } = state.tasks
  return {
    attempt: starts[task]!,
    label: labelOf(state, task),
    submitter: submitterOf(submission[task]!),
    worker: nameOfWorker(state, worker[task]!)
  }
}

/** The share of a task of a submission, if it has one: its own, or that of its region or parent. */
export const shareAt = (submission: Submission, index: number): string | undefined =>
  submission.plan.settings.get(index)?.share ?? submission.share

/** Whether a task of a submission is a source: it depends on nothing, and no body submitted it. */
export const isSourceAt = ({ parent, plan: { offsets } }: Submission, index: number): boolean =>
  parent === undefined && offsets[index] === offsets[index + 1]

/** The name of the worker in a row; `undefined` for none. */
export const nameOfWorker = ({ workers }: State, worker: number): string | undefined =>
  worker < 0 ? undefined : workers[worker]!.name

/** The number of a live task among all that this engine has ever known: what tells it from others in the same row. */
export const sequenceOf = (state: State, task: TaskId): number =>
  state.tasks.submission[task]!.sequence + state.tasks.index[task]!
