/**
 * The state of the engine. Only {@link step} changes it, in place; other code reads it, or takes a snapshot.
 *
 * Tasks are rows of a table of columns: a waiting task costs tens of bytes in place of an object. The numbered invariants below
 * hold between any two events; `check` tests them all, and other text cites them by number.
 *
 * The records in the tables are in files of their own: owners and waits in `Owner.ts`, registered plans in `Submission.ts`, ready
 * tasks in `Queue.ts`, workers in `WorkerRecord.ts`, ends without success in `Outcome.ts`, and rare records in `Extras.ts`.
 * `lookups.ts` has the most frequent queries about a task.
 *
 * **Invariants**
 *
 * - S1 Phases are exclusive; only the transitions of `transitions.ts` happen. Nothing names a row that is free.
 * - S2 `waiting` is the number of dependencies that have not been met, a group with a policy counting as one, and one for a
 *   retry delay that runs; a task is `waiting` as long as it is above 0, or its alias is open. Whatever is due some day is
 *   armed. A standing wait reports each claim once, and is there as long as it has open ones.
 * - S3 `refs` is the number of claims, wishes, aliases and dependents (not ended, or with a result that lives on it) of a task;
 *   at 0 a task is cancelled if it has not ended, and forgotten if it has. An open owner is the only one of its number.
 * - S4 The slots in use on a worker are the attempts there that hold one; never more than its slots. The same is true for amounts
 *   in use on a worker, and for holders of a tag, unless its limit was lowered.
 * - S5 A slot is freed only by the end of the attempt, a secede, or the loss of the worker; amounts and tags go with it, but
 *   for amounts that are kept.
 * - S6 If a worker has a free slot, no rejoiner waits there and no task is ready that it could run, unless amounts or tags are
 *   missing for it, or withheld for others, or a brake of the layer, a rate or a pause holds it back.
 * - S7 A task ends once; reports of a former attempt change nothing.
 * - S8 A result is held exactly while it is claimed or needed, by one worker that is not lost or by several; one that owns a
 *   resource until that is finalized.
 * - S9 Without owners, and once all attempts have ended, every table of tasks, waits, failures and timers is empty.
 * - S10 No attempt keeps its slot or amounts in a wait that could never end.
 * - S11 A worker that joins takes the row of a gone or lost worker that is no longer referenced.
 * - S12 While no worker takes tasks, the wait of each ready task for one has a limit, unless it waits for ever. The same is true
 *   for local tasks while no local worker takes tasks.
 * - S13 A task that has not started, and that no worker which takes tasks could ever run, is registered as lacking one
 *   (`Extras.lacking`), with a limit to its wait unless it waits for ever.
 * - S14 A task that stops or is released has a list of owners on whose behalf it does so: the owner of its submission, the owner
 *   who withdrew, and the owners in the list of its last user. If the owner of its submission has closed, the list also has the
 *   owners who want the task. A wait on behalf of an owner is open as long as a list has that owner, but for the lists of tasks
 *   that wait for the waiter.
 * - S15 `uses` has the bit of each rare feature that has data, and of no other; some bits stay once they are set (`Use`).
 * - S16 The rows of an announced plan have no phase, nothing but the announcement names them, and `tasks.announced` counts them.
 *
 * @since 0.1.0
 */
import type { Engine } from "../protocol/Engine.ts"
import type { Rate } from "../protocol/Event.ts"
import { inOrder } from "../protocol/fairness.ts"
import type { ClaimId, TaskId } from "../protocol/ids.ts"
import type { Identity, TaskKind } from "../protocol/Plan.ts"
import type { Pair, Reason } from "../protocol/Reason.ts"
import { defaultLimits } from "../protocol/Settings.ts"
import type { SchedulerSettings } from "../protocol/Settings.ts"
import type { Transition, WorkerTransition } from "../protocol/Transition.ts"
import { Fifo } from "../structures/fifo.ts"
import type { Announced, ClaimBlock } from "./Announced.ts"
import { newLog } from "./Extras.ts"
import type {
  Amount,
  Copying,
  Held,
  Holding,
  Later,
  Overtaken,
  Pool,
  RateLog,
  Runs,
  Share,
  Stopping
} from "./Extras.ts"
import { unwanted } from "./Owner.ts"
import type { Behalf, Claim, Owner, Wait, Withdrawal } from "./Owner.ts"
import type { Crowd, Lane, Queue } from "./Queue.ts"
import type { Extras } from "./TaskExtras.ts"
import { TaskTable } from "./TaskTable.ts"
import type { Timer } from "./Timer.ts"
import { Use } from "./Use.ts"
import type { WorkerRecord } from "./WorkerRecord.ts"

/** Data of one step: empty between steps, except the log and the name of the event. */
export interface Step {
  /** The agenda: tasks that ended in this step and whose end is not propagated yet; `~task` for a task without users. */
  readonly agenda: Fifo<TaskId>
  /** The only ready task of this step that is not yet in its lane; -1 for none. */
  lone: TaskId
  /** Tasks that began to wait in this step, and that may lack a worker. */
  readonly unplaced: Array<TaskId>
  /** Tasks that are ready in this step while no worker takes tasks. */
  readonly stranded: Array<TaskId>
  /** Whether in this step the first holder of a result has changed, or a worker that hands results over takes no more tasks. */
  hasMoved: boolean
  /** Waits on behalf of an owner, in a step in which more tasks may still leave on that behalf. */
  readonly endingWaits: Array<Wait>
  /** The copies that this step asks for, with those that it calls off again. */
  readonly copies: Array<number>
  /** Why tasks are cancelled in this step. */
  cancelling: Withdrawal
  /** The log of the current or last step. */
  log: Array<Transition> | undefined
  workerLog: Array<WorkerTransition> | undefined
  /** Name of the event of the present or last step. */
  cause: string
  /** Whether ends follow that came with the last one: until the last of them, tasks may be ready beside free slots. */
  isUndecided: boolean
}

/** Data of all workers together. */
export interface Crew {
  /** Whether a worker has joined or stopped taking tasks since the last check of tasks that lack one. */
  hasChanged: boolean
  /** How many local workers take tasks, now or once they have started. */
  takers: number
  /** How many remote workers do. */
  remoteTakers: number
  /** How many workers are draining. */
  draining: number
  /** When the workers or the pool must be checked again. */
  watchAt: number
  /** For each kind of tasks: timers of waits for workers that are older than this one were armed before such a worker came. */
  readonly strandedFrom: Record<TaskKind, number>
  pool: Pool | undefined
}

/** Counts of shares, brakes, budgets and overtaken queues. */
export interface Balance {
  /** The shares that alternate; "" is the share of tasks without one. Emptied when no task waits in a queue. */
  readonly shares: Map<string, Share>
  /** The latest place of a share that has started a task. */
  lastPlace: number
  /** How often queues were overtaken since one of their tasks started, by name. */
  readonly overtaken: Map<string, Overtaken>
  /** The sources that hold a slot, if the layer throttles them. */
  readonly sources: Set<TaskId>
  /** The total size of held results, if the layer has a budget. */
  heldSize: number
}

/** What delays starts: rates and pauses. */
export interface Delays {
  /** The rate of all starts. */
  readonly rate: RateLog | undefined
  /** Rates by tag; those of a pattern stand under the tags that were asked for. */
  readonly rates: Map<string, RateLog>
  /** Rates for each tag that begins so. */
  readonly patterns: Map<string, Rate>
  /** How many rates were left when the idle ones of patterns were last dropped. */
  kept: number
  /** The end of the pause of everything: `Infinity` until it is resumed, `undefined` if there is none. */
  paused: number | undefined
  /** The ends of the pauses of tags, of patterns of tags, and of groups. */
  readonly tags: Map<string, number>
  readonly tagPatterns: Map<string, number>
  readonly groups: Map<string, number>
  /** The first of all these ends. */
  endsAt: number
  /** Crowds that wait for a rate or a pause, the one that may start first before the others (a binary heap). */
  readonly held: Array<Crowd>
}

/** Timers, and when the driver wakes the engine for them. */
export interface Timers {
  /** A binary heap of timers; stale ones are dropped when they come up, or when they are too many. */
  readonly heap: Array<Timer>
  /** How many timers were left when the stale ones were last dropped all together. */
  kept: number
  /** When the driver was last asked to wake the engine. */
  wakeAt: number
}

/** The next number of each kind. */
export interface Numbers {
  attempt: number
  claim: number
  sequence: number
  submission: number
  computation: number
  timer: number
  end: number
  worker: number
  copy: number
}

export interface State extends Engine, Omit<SchedulerSettings, "seed"> {
  now: number
  /** The state of the generator. */
  chance: number
  /** The rare features in use: bits of `Use`. */
  uses: number
  readonly tasks: TaskTable
  /** The rare facts of tasks. */
  readonly extras: Map<TaskId, Extras>
  /** Whether a literal was ever submitted. Its result is held by no worker. */
  hasLiterals: boolean
  /** Live tasks with keys, by identity. */
  readonly keys: Map<Identity, TaskId>
  /** The live tasks of each key; `undefined` until the first query. */
  runs: Runs | undefined
  readonly owners: Map<number, Owner>
  /** The claims of owners that are neither cancelled nor released. */
  readonly claims: Map<ClaimId, Claim>
  /** The same of announced plans, in blocks. */
  readonly claimBlocks: Array<ClaimBlock>
  /** The announced plans, by number. */
  readonly announced: Map<number, Announced>
  readonly workers: Array<WorkerRecord>
  readonly crew: Crew
  readonly waits: Map<number, Wait>
  /** The open waits of tasks that wait inside their body without their slot. */
  readonly waitsOf: Map<TaskId, Array<Wait>>
  /** The open waits of tasks that keep their slot. */
  readonly keeping: Map<TaskId, Array<Wait>>
  /** Ready tasks that ask for a slot alone: lanes with at least one member, best first (a binary heap). */
  readonly lanes: Array<Lane>
  /** Portable ones among them, in a heap of their own while `isDivided`. */
  readonly portableLanes: Array<Lane>
  /** Remote ones: no other worker takes them. */
  readonly remoteLanes: Array<Lane>
  /** Whether a remote worker takes part in the dispatch, so that local and portable tasks are in two heaps. */
  isDivided: boolean
  /** Ready tasks that ask for more than a slot, or that do not start by their rank alone, by name of their queue. */
  readonly queues: Map<string, Queue>
  /** The same queues in crowds, by name. */
  readonly crowds: Map<string, Crowd>
  /** The crowds at which a dispatch looks: all but those in `delays.held`. */
  readonly awake: Set<Crowd>
  /**
   * How many live tasks ask for more than a slot, follow others or name a share; one more if the layer queues other tasks too.
   */
  demanding: number
  /** The amounts and tags of attempts. */
  readonly holding: Map<TaskId, Holding>
  /** The attempts without a slot that keep amounts. */
  readonly keepingAmounts: Set<TaskId>
  readonly balance: Balance
  readonly delays: Delays
  /** The tags that are limited, each with its limit. */
  readonly tags: Map<string, Amount>
  /** The smoothed time of bodies with a name, in microseconds, by the number of the name. */
  readonly paces: Map<number, number>
  /** Starved waits whose bodies have not taken their slot again yet. */
  readonly starved: Map<number, ReadonlyArray<Pair>>
  /** Dependents in later submissions, by their dependency. */
  readonly later: Map<TaskId, Later>
  /** Tasks that start when another has ended, by that one. They may have ended before. */
  readonly successors: Map<TaskId, Array<TaskId>>
  /** Pending copies of results, by number. */
  readonly copying: Map<number, Copying>
  /** Stopping attempts. */
  readonly stopping: Map<TaskId, Stopping>
  /** Reasons of failures that a dependent's policy accepted. */
  readonly taken: WeakSet<Reason>
  /** Leaving tasks (stopping, or with a resource that is being finalized), each with the owners on whose behalf (S14). */
  readonly leaving: Map<TaskId, ReadonlyArray<Behalf>>
  /** The holds of those that end for good; `undefined` until the first query. */
  held: Held | undefined
  /** How many live tasks have results that own resources. */
  resources: number
  /** How many outcomes and roots reference a failure. */
  readonly failures: Map<number, number>
  /** The last computation begun from outside, if there is a window. */
  window: { readonly began: number; readonly computation: number } | undefined
  readonly timers: Timers
  readonly step: Step
  readonly next: Numbers
}

/** Whether the data of a step is gone. */
export const isOver = (
  { agenda, cancelling, copies, endingWaits, hasMoved, lone, stranded, unplaced }: Step
): boolean =>
  agenda.size + copies.length + endingWaits.length + stranded.length + unplaced.length === 0 && lone < 0 && !hasMoved &&
  cancelling.owner === undefined

/** The default settings: default limits, no rules, no waiting for workers, and a fixed seed. */
const defaultSettings: SchedulerSettings = {
  limits: defaultLimits,
  graceMillis: Infinity,
  fairness: inOrder,
  windowMillis: 0,
  waitForWorkersMillis: Infinity,
  scheme: "steady",
  seed: 0
}

/** The state in an engine. */
export const open = (engine: Engine): State => engine as State

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
  uses: Use.noTaker | (fairness.queues === "none" ? 0 : Use.demands) | (scheme === "steady" ? 0 : Use.steering),
  tasks: new TaskTable(),
  extras: new Map(),
  hasLiterals: false,
  keys: new Map(),
  runs: undefined,
  owners: new Map(),
  claims: new Map(),
  claimBlocks: [],
  announced: new Map(),
  workers: [],
  waits: new Map(),
  waitsOf: new Map(),
  keeping: new Map(),
  lanes: [],
  portableLanes: [],
  remoteLanes: [],
  isDivided: false,
  queues: new Map(),
  crowds: new Map(),
  awake: new Set(),
  demanding: fairness.queues === "none" ? 0 : 1,
  holding: new Map(),
  keepingAmounts: new Set(),
  tags: new Map(),
  paces: new Map(),
  starved: new Map(),
  later: new Map(),
  successors: new Map(),
  copying: new Map(),
  stopping: new Map(),
  taken: new WeakSet(),
  leaving: new Map(),
  held: undefined,
  resources: 0,
  failures: new Map(),
  window: undefined,
  crew: {
    hasChanged: false,
    takers: 0,
    remoteTakers: 0,
    draining: 0,
    watchAt: Infinity,
    strandedFrom: { local: 0, portable: 0, remote: 0 },
    pool: undefined
  },
  balance: {
    shares: new Map(),
    lastPlace: 0,
    overtaken: new Map(),
    sources: new Set(),
    heldSize: 0
  },
  delays: {
    rate: fairness.rate && newLog(fairness.rate),
    rates: new Map(),
    patterns: new Map(),
    kept: 0,
    paused: undefined,
    tags: new Map(),
    tagPatterns: new Map(),
    groups: new Map(),
    endsAt: Infinity,
    held: []
  },
  timers: {
    heap: [],
    kept: 0,
    wakeAt: Infinity
  },
  step: {
    agenda: new Fifo(),
    lone: -1,
    unplaced: [],
    stranded: [],
    hasMoved: false,
    endingWaits: [],
    copies: [],
    cancelling: unwanted,
    log: undefined,
    workerLog: undefined,
    cause: "",
    isUndecided: false
  },
  next: {
    attempt: 1,
    claim: 1,
    sequence: 1,
    submission: 1,
    computation: 1,
    timer: 1,
    end: 1,
    worker: 0,
    copy: 1
  }
})
