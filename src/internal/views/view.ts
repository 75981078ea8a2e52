/**
 * The state of tasks as seen from outside: phases, ends and results.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import type { Engine } from "../../engine/protocol/Engine.ts"
import type { WaitMode } from "../../engine/protocol/Event.ts"
import { isAtHome, rowOf } from "../../engine/protocol/home.ts"
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Outcome } from "../../engine/protocol/Outcome.ts"
import { hasEnded, isFailed, Phase, phaseNames } from "../../engine/protocol/Phase.ts"
import type { Phase as PhaseOf } from "../../engine/protocol/Phase.ts"
import type { Reason } from "../../engine/protocol/Reason.ts"
import { keyAt, labelAt, priorityAt, submitterOf } from "../../engine/protocol/Registered.ts"
import type { Registered } from "../../engine/protocol/Registered.ts"
import type { Claim } from "../../engine/views/claims.ts"
import { columnsOf } from "../../engine/views/columns.ts"
import { delayedAs } from "../../engine/views/delayed.ts"
import type { Delayed } from "../../engine/views/delayed.ts"
import { claimedBy } from "../../engine/views/owners.ts"
import type { Bulk, Root } from "../../engine/views/owners.ts"
import { formerAttemptsOf, isTaken, keyOf, makerOf, outcomeOf, whereOf } from "../../engine/views/tasks.ts"
import { Released, SkeinError } from "../../SkeinError.ts"
import { literalAt } from "../bodies/livePlan.ts"
import type { Time } from "../platform/time.ts"
import type { Metadata } from "../tasks/futures.ts"
import type { FutureImpl, Rooted } from "../tasks/task.ts"
import type { Status } from "../text/reasons.ts"
import type { Release } from "../text/reasonText.ts"
import { Away } from "../workers/away.ts"
import type { HomeResults } from "../workers/homeResults.ts"
import type { WorkerPort } from "../workers/port.ts"
import { exitOfResult, isSealed } from "../workers/sealed.ts"
import { exitOf, exitWithin, rootCause } from "./causes.ts"

const oneCause = (rooted: ReadonlyArray<Rooted>): Cause.Cause<unknown> | undefined =>
  rooted.length === 0 ? undefined : Cause.fromReasons([...new Map(rooted).values()].flatMap(({ reasons }) => reasons))

/** Every root failure of these settled futures, in one cause; `undefined` if there is none. */
export const rootsOfFutures = (futures: ReadonlyArray<FutureImpl>): Cause.Cause<unknown> | undefined =>
  oneCause(futures.flatMap((future) => {
    const rooted = future.home.view.rootOfClaim(future)
    return rooted === undefined ? [] : [rooted]
  }))

/** A failure that was not observed. */
export interface Unseen {
  readonly key: string
  readonly cause: Cause.Cause<unknown>
}

const none: ReadonlyArray<never> = []

/** Failures in a graph that a `flatMap` task returned have the position of that task. */
const inStaticOrder = (roots: ReadonlyArray<Root>): ReadonlyArray<Root> => {
  const ways = new Map(roots.map((root) => [root, wayOf(root)]))
  return roots.toSorted((a, b) => {
    const [first, second] = [ways.get(a)!, ways.get(b)!]
    const at = first.findIndex((position, i) => position !== second[i])
    return at < 0 ? first.length - second.length : first[at]! - (second[at] ?? -1)
  })
}

const wayOf = ({ position, within }: Root): ReadonlyArray<number> => {
  const way = [position]
  for (let at = within; at !== undefined; at = at.within) way.push(at.position)
  return way.reverse()
}

export class View {
  private readonly seen = new WeakSet<Reason>()
  private readonly state: Engine
  private readonly workers: ReadonlyArray<WorkerPort>
  private readonly causes: ReadonlyMap<number, Cause.Cause<unknown>>
  private readonly atHome: HomeResults
  private readonly time: Time

  constructor(
    state: Engine,
    workers: ReadonlyArray<WorkerPort>,
    causes: ReadonlyMap<number, Cause.Cause<unknown>>,
    atHome: HomeResults,
    time: Time
  ) {
    this.state = state
    this.workers = workers
    this.causes = causes
    this.atHome = atHome
    this.time = time
  }

  hasEnded(claim: Claim): boolean {
    return claim.state !== "live" || hasEnded(columnsOf(this.state).phase[claim.task] as PhaseOf)
  }

  /** Whether a wait of this mode for these futures is over. */
  isOver(futures: ReadonlyArray<FutureImpl>, mode: WaitMode): boolean {
    if (mode === "firstCompleted") return futures.some(({ claim }) => this.hasEnded(claim))
    return futures.every(({ claim }) => this.hasEnded(claim)) || (mode === "firstFailure" &&
      futures.some(({ claim }) => this.hasEnded(claim) && !this.hasSucceeded(claim)))
  }

  /** The same for tasks whose rows are theirs still. */
  haveEnded(tasks: ReadonlyArray<TaskId>, mode: "all" | "firstFailure"): boolean {
    const { phase } = columnsOf(this.state)
    const isOpen = (task: TaskId): boolean => !hasEnded(phase[task] as PhaseOf)
    if (!tasks.some(isOpen)) return true
    return mode === "firstFailure" && tasks.some((task) => !isOpen(task) && phase[task] !== Phase.succeeded)
  }

  hasSucceeded({ state, task }: Claim): boolean {
    return state === "live" && columnsOf(this.state).phase[task] === Phase.succeeded
  }

  delayedAs({ task }: Claim): keyof Delayed | undefined {
    return delayedAs(this.state, task)
  }

  /** The callers of `Future.release`, by claim. */
  readonly releasedBy = new WeakMap<Claim, string>()

  /** How the result behind a future was released. */
  releaseOf({ claim, within }: FutureImpl): Release {
    return { owner: claim.owner.name, by: this.releasedBy.get(claim), body: within?.body }
  }

  private released(future: FutureImpl): SkeinError {
    return new SkeinError({ reason: new Released({ key: future.key, ...this.releaseOf(future) }) })
  }

  statusOf(claim: Claim): Status {
    if (claim.state !== "live") return claim.state
    return phaseNames[columnsOf(this.state).phase[claim.task]!] as Status
  }

  /** The exit of a settled future. */
  exitOfClaim(future: FutureImpl): Exit.Exit<unknown, unknown> {
    const { claim } = future
    if (claim.state === "released") return Exit.fail(this.released(future))
    if (claim.state === "live") return this.exitOf(claim.task)
    const { submission } = future
    return exitOf(claim.outcome!, this.causeOf, {
      attempt: claim.starts,
      label: labelAt(submission, future.index),
      graph: submission.number,
      submitter: submitterOf(submission),
      worker: claim.worker
    })
  }

  /** The exit of a part of a task, which ran on its own; `undefined` if a signal asks for another run of the part. */
  exitWithin(future: FutureImpl, exit: Exit.Exit<unknown, unknown>): Exit.Exit<unknown, unknown> | undefined {
    return Exit.isSuccess(exit) ? exit : exitWithin(exit.cause, future.key, whereOf(this.state, future.claim.task))
  }

  /** How long the last attempt of a task ran. */
  millisOf({ claim: { task } }: FutureImpl): number {
    const { endedAt, startedAt } = columnsOf(this.state)
    return endedAt[task]! - startedAt[task]!
  }

  /** The exit of a task that has ended. */
  exitOf(task: TaskId): Exit.Exit<unknown, unknown> {
    if (columnsOf(this.state).phase[task] === Phase.succeeded) {
      return exitOfResult(this.resultOf(task))
    }
    const outcome = outcomeOf(this.state, task)!
    this.seen.add(outcome.reason)
    return exitOf(outcome, this.causeOf, whereOf(this.state, task))
  }

  /**
   * The result of a task that has succeeded, from the worker that holds it or from home; or an `Away`, which readers bring to the
   * desk first, or a `Sealed`, which readers open. A literal's value is in its plan.
   */
  resultOf(task: TaskId): unknown {
    const { index, submission, worker } = columnsOf(this.state)
    const holder = worker[task]!
    if (holder >= 0) return this.workers[holder]!.peek(task)
    if (isAtHome(holder)) return this.atHome.get(task)
    return literalAt({ submission: submission[task]!, index: index[task]! })
  }

  /** The results of tasks, if all of them have succeeded and no result must be opened. */
  valuesOf(tasks: ReadonlyArray<TaskId>): ReadonlyArray<unknown> | undefined {
    const { phase } = columnsOf(this.state)
    if (tasks.some((task) => phase[task] !== Phase.succeeded)) return undefined
    // An array that grows would take room for 17.
    const values = tasks.map((task) => this.resultOf(task))
    return values.some(isSealed) ? undefined : values
  }

  /** A task's result that must be fetched. */
  awayOf(task: TaskId): Away | undefined {
    const { phase, worker } = columnsOf(this.state)
    if (phase[task] !== Phase.succeeded || worker[task] === -1) return undefined
    const value = this.resultOf(task)
    return value instanceof Away ? value : undefined
  }

  /** The unobserved failures of an owner's claims, here or at a dependent; each counts as observed from now on. */
  unseenOf(owner: number): ReadonlyArray<Unseen> {
    let found: Array<Unseen> | undefined
    for (const task of claimedBy(this.state, owner)) {
      const unseen = this.unseenAt(task)
      if (unseen !== undefined) (found ??= []).push(unseen)
    }
    return found ?? none
  }

  /** The same for one task. */
  unseenAt(task: TaskId): Unseen | undefined {
    const outcome = outcomeOf(this.state, task)
    if (
      outcome === undefined || !isFailed(columnsOf(this.state).phase[task] as PhaseOf) ||
      this.seen.has(outcome.reason) || isTaken(this.state, outcome.reason)
    ) {
      return undefined
    }
    const exit = this.exitOf(task)
    return Exit.isFailure(exit) ? { key: keyOf(this.state, task), cause: exit.cause } : undefined
  }

  /** The failure of the task that ended first without success, if any. */
  firstFailed(tasks: ReadonlyArray<TaskId>): Exit.Exit<never, unknown> | undefined {
    const { endNumber, phase } = columnsOf(this.state)
    const failed = tasks.filter((task) => hasEnded(phase[task] as PhaseOf) && phase[task] !== Phase.succeeded)
    if (failed.length === 0) return undefined
    // The difference, so that numbers may wrap.
    const first = failed.reduce((a, b) => ((endNumber[b]! - endNumber[a]!) | 0) < 0 ? b : a)
    return this.exitOf(first) as Exit.Exit<never, unknown>
  }

  /** Every root failure, in static order, in one cause; `undefined` if there is none. */
  rootsOf(
    targets: ReadonlyArray<TaskId>,
    owner: Bulk
  ): Cause.Cause<unknown> | undefined {
    const wished = inStaticOrder(owner.roots).map(({ outcome }) => outcome)
    const outcomes = (tasks: ReadonlyArray<TaskId>) => tasks.flatMap((task) => outcomeOf(this.state, task) ?? [])
    // A skip of another owner's task may be accepted on the path to a target.
    const claimed = outcomes(owner.targets).filter(({ reason }) => reason._tag !== "Skipped")
    const others = [...outcomes(targets), ...claimed]
    return oneCause([...wished, ...others].map((outcome) => [outcome.reason, rootCause(outcome, this.causeOf)]))
  }

  /** The root failure of this settled future, if it failed; a released result is a failure of its own. */
  rootOfClaim(future: FutureImpl): Rooted | undefined {
    const { claim } = future
    if (claim.state === "released") return [claim, Cause.fail(this.released(future))]
    const outcome = this.outcomeOf(claim)
    return outcome === undefined ? undefined : [outcome.reason, rootCause(outcome, this.causeOf)]
  }

  /** Marks the failure of this settled future as observed. */
  see(claim: Claim): void {
    const outcome = this.outcomeOf(claim)
    if (outcome !== undefined) this.seen.add(outcome.reason)
  }

  /** The outcome of a settled future without success. */
  outcomeOf({ outcome, task }: Claim): Outcome | undefined {
    return outcome ?? outcomeOf(this.state, task)
  }

  metadataOf(future: FutureImpl): Metadata {
    const { claim, index, key, submission } = future
    const offset = this.time.offset()
    const common = {
      key,
      graph: submission.number,
      label: labelAt(submission, index),
      status: this.statusOf(claim),
      priority: priorityAt(submission, index),
      submitter: submitterOf(submission),
      dependencies: this.dependenciesOf(submission, index),
      submitted: submission.submittedAt + offset
    }
    if (claim.state !== "live") {
      return { ...common, worker: undefined, started: undefined, completed: undefined, attempts: [] }
    }
    return { ...common, ...this.timesOf(claim.task, offset) }
  }

  private dependenciesOf(submission: Registered, index: number): ReadonlyArray<string> {
    const { origins, plan: { offsets, targets } } = submission
    const own = targets.subarray(offsets[index], offsets[index + 1])
    return Array.from(own).flatMap((target, i) => {
      // It is not remembered for a task that is too far back.
      const origin = target >= 0 ? { submission, index: target } : origins?.get(offsets[index]! + i)
      return origin === undefined ? [] : [keyAt(origin.submission, origin.index)]
    })
  }

  private timesOf(task: TaskId, offset: number): Pick<Metadata, "attempts" | "completed" | "started" | "worker"> {
    const { endedAt, phase, startedAt, starts, worker } = columnsOf(this.state)
    const completed = hasEnded(phase[task] as PhaseOf) ? endedAt[task]! + offset : undefined
    const history = formerAttemptsOf(this.state, task)
    const former = history.map((attempt) => ({
      attempt: attempt.number,
      worker: this.workers[attempt.worker]!.name,
      started: attempt.startedAt + offset,
      completed: attempt.endedAt + offset,
      ...(attempt.fate !== "failed" && { lost: true as const })
    }))
    if (starts[task] === 0) return { worker: undefined, started: undefined, completed, attempts: former }
    // Another worker may hold the result by now.
    const name = makerOf(this.state, task) ?? this.workers[rowOf(worker[task]!)]!.name
    const isFresh = starts[task]! > history.filter(({ fate }) => fate === "failed").length
    const started = startedAt[task]! + offset
    const present = { attempt: starts[task]!, worker: name, started, completed }
    return { worker: name, started, completed, attempts: isFresh ? [...former, present] : former }
  }

  private readonly causeOf = (failure: number): Cause.Cause<unknown> => this.causes.get(failure)!
}

/** The first failure among settled futures: a released result, or the first end without success. */
export const firstFailedOf = (futures: ReadonlyArray<FutureImpl>): Exit.Exit<never, unknown> | undefined => {
  const gone = futures.find(({ claim }) => claim.state !== "live")
  if (gone !== undefined) return gone.home.view.exitOfClaim(gone) as Exit.Exit<never, unknown>
  // Ends are numbered by scheduler; of several, the first in the shape decides.
  for (const home of new Set(futures.map((future) => future.home))) {
    const own = futures.filter((future) => future.home === home)
    const failed = home.view.firstFailed(own.map(({ claim }) => claim.task))
    if (failed !== undefined) return failed
  }
  return undefined
}
