/**
 * The scheduler actor: the engine, the queue of what it asks for, and the workers behind it.
 *
 * ```text
 * [fibers, workers, timers] -- ask(event) --> [engine] -- instructions --> [queue] -- pump --> [workers, waiters, clock]
 * ```
 *
 * An event is applied when it comes, one at a time, and its sender reads the answer; that runs nobody's code. What follows
 * from it waits in the queue, which a microtask drains. So a completion never runs its waiter inside the completer's stack,
 * and a chain of a million synchronous tasks is as flat as one of two.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberScheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import { advance } from "../engine/Engine.ts"
import type { Ending, Event, TaskEnded, WaitMode } from "../engine/Event.ts"
import type { Instruction, Start, Submitted } from "../engine/Instruction.ts"
import { Flag, hasEnded, keyAt, keyOf, make as makeState, Phase, phaseNames } from "../engine/State.ts"
import type { Claim, Phase as PhaseOf, PhaseName, Reason, Root, State, Submission, TaskId, Transition } from "../engine/State.ts"
import { GraphError, Released, Starved } from "../SkeinError.ts"
import { attemptOf } from "./attempt.ts"
import type { Attempt } from "./attempt.ts"
import { exitOf, rootCause } from "./causes.ts"
import type { Whereabouts } from "./causes.ts"
import { compile } from "./compile.ts"
import type { Compiled, Live, LivePlan, ResultCache, Run } from "./compile.ts"
import type { Callbacks } from "../Client.ts"
import type { Metadata } from "../Future.ts"
import { FiberWorker } from "./fiberWorker.ts"
import { Fifo } from "./fifo.ts"
import { FutureImpl, isTask } from "./task.ts"
import type { Handle, TaskImpl } from "./task.ts"

type Mutable<A> = { -readonly [K in keyof A]: A[K] }

const succeeded: Ending = { _tag: "Succeeded" }

/** A wait as the driver sees it: over or not, and whom to tell. */
interface Waiting {
  over: boolean
  starved: ReadonlyArray<readonly [string, string]> | undefined
  resume: (() => void) | undefined
}

/** After this many instructions, or this long by the layer's clock, the pump lets timers and I/O have a turn. */
export const turn = { instructions: 2048, millis: 10 } as const

/** The owner that stands for a scope, and the last finalizer that closes it. */
interface ScopeOwner {
  readonly owner: number
  readonly last: Scope.Closeable | undefined
  finalizers: number
}

/** How a compute treats failures and results. */
export interface ComputeOptions {
  /** Run all that is not downstream of a failure. */
  readonly keepGoing: boolean
  readonly cache: ResultCache | undefined
  readonly callbacks: Callbacks | undefined
}

const closed = new GraphError({ reason: { _tag: "Closed", what: "scheduler" } })

const scopeClosed = new GraphError({ reason: { _tag: "Closed", what: "scope" } })

/** The answer to a submission for an owner that has closed since. */
const nothing: Submitted = { _tag: "Submitted", ids: new Int32Array(0), claims: [] }

let cores = 0

export class SchedulerCore implements Live {
  readonly name = `scheduler${++cores}`
  readonly state: State = makeState()
  readonly workers: Array<FiberWorker> = []
  /** Called with each transition while there is at least one. */
  readonly listeners = new Set<(transition: Transition) => void>()
  private readonly clock: Clock.Clock
  private readonly context: Context.Context<never>
  private readonly dispatcher: FiberScheduler.SchedulerDispatcher
  private readonly inAsyncScope: (f: () => void) => void
  private readonly causes = new Map<number, Cause.Cause<unknown>>()
  private readonly waiting = new Map<number, Waiting>()
  private readonly owners = new WeakMap<Scope.Scope, ScopeOwner>()
  private readonly instructions = new Fifo<Instruction>()
  private readonly taskEnded: Mutable<TaskEnded> = { _tag: "TaskEnded", now: 0, task: 0, attempt: 0, ending: succeeded }
  /** What the event being applied has submitted. */
  private submitted: Submitted = nothing
  private isAwake = false
  private isClosed = false
  private alarm: Fiber.Fiber<void> | undefined
  private nextOwner = 1
  private nextWait = 1
  private nextCause = 1

  constructor(context: Context.Context<never>, clock: Clock.Clock, scheduler: FiberScheduler.Scheduler) {
    this.context = context
    this.clock = clock
    this.dispatcher = scheduler.makeDispatcher()
    this.inAsyncScope = captureAsyncScope()
  }

  now(): number {
    return this.clock.currentTimeMillisUnsafe()
  }

  // ---- the mailbox

  /** Applies an event and says what it submitted. What follows from it is carried out by the pump, later. */
  ask(event: Event): Submitted {
    const submitted = this.apply(event)
    if (!this.isAwake && this.instructions.size > 0) this.wake()
    return submitted
  }

  /** Applies the end of an attempt. One event object serves them all: the engine keeps none. */
  ended(task: TaskId, attempt: number, ending: Ending): void {
    const event = this.taskEnded
    event.now = this.now()
    event.task = task
    event.attempt = attempt
    event.ending = ending
    this.ask(event)
  }

  /** Steps the engine. Tables are brought up to date at once; what runs anybody's code waits for the pump. */
  private apply(event: Event): Submitted {
    const { instructions, state } = this
    const log = this.listeners.size === 0 ? undefined : []
    state.log = log
    this.submitted = nothing
    const mark = instructions.mark()
    advance(state, event, instructions)
    instructions.keepIf(mark, this.isForPump)
    const { submitted } = this
    if (log !== undefined && log.length > 0) this.tell(log)
    return submitted
  }

  private tell(transitions: ReadonlyArray<Transition>): void {
    for (const listener of this.listeners) for (const transition of transitions) listener(transition)
  }

  private wake(): void {
    this.isAwake = true
    queueMicrotask(() => this.inAsyncScope(this.pump))
  }

  /** Carries instructions out until none is left or the turn is over; then timers and I/O go first. */
  private readonly pump = (): void => {
    const started = this.now()
    for (let done = 1; done <= turn.instructions; done++) {
      const instruction = this.instructions.shift()
      if (instruction === undefined) {
        this.isAwake = false
        return
      }
      this.carryOut(instruction)
      if ((done & 15) === 0 && this.now() - started >= turn.millis) break
    }
    this.dispatcher.scheduleTask(() => this.inAsyncScope(this.pump), 0)
  }

  /** Carries out at once what only moves or drops what workers keep; says whether the rest must wait for the pump. */
  private readonly isForPump = (instruction: Instruction): boolean => {
    switch (instruction._tag) {
      case "Forget": {
        const { holder, task } = instruction
        for (let i = 0; i < this.workers.length; i++) this.workers[i]!.forget(task, i === holder)
        return false
      }
      case "Adopt": {
        const { results } = this.workers[instruction.worker]!
        results.set(instruction.task, results.get(instruction.from))
        return false
      }
      case "Discard":
        this.workers[instruction.worker]!.results.delete(instruction.task)
        return false
      case "ForgetFailure":
        this.causes.delete(instruction.failure)
        return false
      case "Submitted":
        this.submitted = instruction
        return false
      default:
        return true
    }
  }

  private carryOut(instruction: Instruction): void {
    switch (instruction._tag) {
      case "Start": {
        const { index, submission } = this.state.tasks
        const { nodes, run } = submission[instruction.task]!.plan as LivePlan
        return this.workers[instruction.worker]!.start(instruction, nodes[index[instruction.task]!]!, run)
      }
      case "Stop":
        return this.workers[instruction.worker]!.stop(instruction)
      case "WaitEnded":
        return this.endWait(instruction.wait, instruction.starved)
      case "WakeAt":
        return this.setAlarm(instruction.at)
      default:
        return
    }
  }

  private setAlarm(at: number): void {
    this.alarm?.interruptUnsafe()
    const sleep = this.clock.sleep(Duration.millis(Math.max(0, at - this.now())))
    const ring = Effect.sync(() => {
      this.ask({ _tag: "TimeCame", now: this.now() })
    })
    this.alarm = Effect.runForkWith(this.context)(Effect.andThen(sleep, ring))
  }

  // ---- what workers ask

  keyOf(task: TaskId): string {
    return keyOf(this.state, task)
  }

  isStopping(task: TaskId, attempt: number): boolean {
    const { tasks } = this.state
    return tasks.phase[task] === Phase.stopping && tasks.attempt[task] === attempt
  }

  hasTimedOut(task: TaskId): boolean {
    return (this.state.tasks.flags[task]! & Flag.timedOut) !== 0
  }

  keepCause(cause: Cause.Cause<unknown>): number {
    const number = this.nextCause++
    this.causes.set(number, cause)
    return number
  }

  /** A flatMap body has returned a task: submits it in place of the attempt. */
  expand({ attempt, task }: Start, returned: unknown, run: Run, worker: FiberWorker): void {
    const compiled = isTask(returned)
      ? compile([returned], this, run)
      : new GraphError({
        reason: { _tag: "InvalidDependency", key: this.keyOf(task), dependency: String(returned), why: "it is no task" }
      })
    if (compiled instanceof GraphError) return worker.fail(task, attempt, Cause.fail(compiled))
    const { plan, targets } = compiled
    this.ask({ _tag: "TaskExpanded", now: this.now(), task, attempt, plan, target: targets[0]! })
  }

  // ---- compiling

  find(key: string): TaskId {
    return this.state.keys.get(key) ?? -1
  }

  taskOf(id: TaskId): TaskImpl {
    const { index, submission } = this.state.tasks
    return (submission[id]!.plan as LivePlan).nodes[index[id]!]!
  }

  refuse({ claim, core }: FutureImpl): string | undefined {
    if (core !== this) return "it belongs to another scheduler; join it there and pass the value"
    return claim.state === "live" ? undefined : `it was ${claim.state} with its ${claim.owner.name}`
  }

  /** For handles that lie where nobody looks. */
  refuseMisplaced(at: string): Effect.Effect<never, GraphError> {
    return Effect.fail(
      new GraphError({
        reason: {
          _tag: "InvalidDependency",
          key: "the request",
          dependency: `the task or future at ${at}`,
          why: "targets are searched in arrays and records to depth 5, not deeper and not in a Map or Set"
        }
      })
    )
  }

  // ---- submitting

  /** Submits for the owner that stands for `scope`, and gives a future for each target. */
  submit(
    handles: ReadonlyArray<Handle>,
    scope: Scope.Scope,
    fiber: Fiber.Fiber<unknown, unknown>,
    cache: ResultCache | undefined
  ): Effect.Effect<ReadonlyArray<FutureImpl>, GraphError> {
    if (this.isClosed) return Effect.fail(closed)
    const compiled = compile(handles, this, runIn(fiber, cache))
    if (compiled instanceof GraphError) return Effect.fail(compiled)
    return Effect.flatMap(this.ownerOf(scope, fiber), (owner) => {
      const { claims } = this.submitPlan(compiled, owner, fiber)
      if (claims.length < handles.length) return Effect.fail(scopeClosed)
      return Effect.succeed(claims.map((claim) => this.futureOf(claim)))
    })
  }

  private futureOf(claim: Claim): FutureImpl {
    const { index, submission } = this.state.tasks
    const submitted = submission[claim.task]!
    return new FutureImpl(this, claim, submitted, index[claim.task]!)
  }

  private submitPlan(
    { plan, targets }: Compiled,
    owner: number,
    fiber: Fiber.Fiber<unknown, unknown>,
    bulk?: { readonly wait: number; readonly wishes: ReadonlyArray<number> | undefined }
  ): Submitted {
    const { attempt, now, waiter: parent } = this.from(fiber)
    return this.ask({ _tag: "GraphSubmitted", now, plan, owner, targets, parent, attempt, ...bulk })
  }

  private openOwner(name: string): number {
    const owner = this.nextOwner++
    this.ask({ _tag: "OwnerOpened", now: this.now(), owner, name })
    return owner
  }

  /** The owner that stands for a scope. It closes before any resource that was acquired before its last submission. */
  private ownerOf(scope: Scope.Scope, fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<number> {
    const present = this.owners.get(scope)
    if (present !== undefined && present.finalizers === finalizersOf(scope)) return Effect.succeed(present.owner)
    const attempt = attemptOf(this, fiber)
    const by = attempt === undefined ? "its scope" : this.keyOf(attempt.task)
    if (present === undefined) {
      const owner = this.openOwner("scope")
      const added = Scope.addFinalizer(scope, Effect.suspend(() => this.closeOwner(owner, by)))
      return Effect.map(added, () => this.remember(scope, { owner, last: undefined, finalizers: 0 }))
    }
    // Something was acquired since: from now on this owner closes before that.
    const { last, owner } = present
    return Scope.fork(scope).pipe(
      Effect.tap((child) => Scope.addFinalizer(child, Effect.suspend(() => this.closeLast(scope, child, owner, by)))),
      Effect.map((child) => this.remember(scope, { owner, last: child, finalizers: 0 })),
      Effect.tap(() => last === undefined ? Effect.void : Scope.close(last, Exit.void))
    )
  }

  private closeLast(scope: Scope.Scope, child: Scope.Scope, owner: number, by: string): Effect.Effect<void> {
    return this.owners.get(scope)?.last === child ? this.closeOwner(owner, by) : Effect.void
  }

  private remember(scope: Scope.Scope, entry: ScopeOwner): number {
    entry.finalizers = finalizersOf(scope)
    this.owners.set(scope, entry)
    return entry.owner
  }

  /** Ends everything that only this owner wanted; returns when none of it is running any more. */
  closeOwner(owner: number, by: string): Effect.Effect<void> {
    return Effect.withFiber((fiber) => {
      const wait = this.expect()
      this.ask({ _tag: "OwnerClosed", owner, by, reason: "its owner closed", wait, ...this.from(fiber) })
      return Effect.ignore(this.awaitWait(wait))
    })
  }

  /** Withdraws the wish of the future's owner, or with `force` everybody's. */
  cancel(
    { claim }: FutureImpl,
    { by, force, reason, wait }: { by: string | undefined; force: boolean; reason: string; wait: boolean }
  ): Effect.Effect<void> {
    return Effect.withFiber((fiber) => {
      const number = this.expect()
      const asker = attemptOf(this, fiber)
      const name = by ?? (asker === undefined ? "program" : this.keyOf(asker.task))
      this.ask({ _tag: "CancelRequested", claim, by: name, reason, force, wait: number, ...this.from(fiber) })
      if (wait) return Effect.ignore(this.awaitWait(number))
      this.waiting.delete(number)
      return Effect.void
    })
  }

  /** The future's owner needs it no longer. */
  release({ claim }: FutureImpl): Effect.Effect<void> {
    return Effect.sync(() => {
      this.ask({ _tag: "ClaimReleased", now: this.now(), claim })
    })
  }

  /** A future on the same task that belongs to `scope`. */
  keep(future: FutureImpl, scope: Scope.Scope): Effect.Effect<FutureImpl, Released> {
    return Effect.withFiber((fiber) =>
      Effect.flatMap(this.ownerOf(scope, fiber), (owner) => {
        const { claims } = this.ask({ _tag: "ClaimShared", now: this.now(), claim: future.claim, owner })
        if (claims.length > 0) return Effect.succeed(this.futureOf(claims[0]!))
        return Effect.fail(new Released({ key: future.key, owner: future.claim.owner.name }))
      })
    )
  }

  /** When and from which attempt an event comes. */
  private from(fiber: Fiber.Fiber<unknown, unknown>): { now: number; waiter: TaskId; attempt: number } {
    const attempt = attemptOf(this, fiber)
    return { now: this.now(), waiter: attempt?.task ?? -1, attempt: attempt?.serial ?? 0 }
  }

  /** Submits for an owner of its own, waits, reads with `collect`, and ends all that it started. */
  compute<A, E>(
    handles: ReadonlyArray<Handle>,
    options: ComputeOptions,
    collect: (targets: ReadonlyArray<TaskId>, roots: ReadonlyArray<Root>) => Exit.Exit<A, E>
  ): Effect.Effect<A, E | GraphError | Starved> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.withFiber((fiber): Effect.Effect<A, E | GraphError | Starved> => {
        if (this.isClosed) return Effect.fail(closed)
            const compiled = compile(handles, this, runIn(fiber, options.cache))
        if (compiled instanceof GraphError) return Effect.fail(compiled)
        const number = this.openOwner("compute")
        const owner = this.state.owners.get(number)!
        const wait = this.expect()
        const finish = this.callBack(options.callbacks, compiled.plan.size)
        const targets = this.submitBulk(compiled, number, fiber, wait, options)
        return restore(this.awaitWait(wait)).pipe(
          Effect.andThen(Effect.suspend(() => collect(targets, owner.roots))),
          Effect.onExit((exit) => Effect.andThen(this.closeOwner(number, "compute"), Effect.sync(() => finish(exit))))
        )
      })
    )
  }

  /** Lets callbacks follow the next computation; call the result when it is over. */
  private callBack(
    callbacks: Callbacks | undefined,
    size: number
  ): (exit: Exit.Exit<unknown, unknown>) => void {
    if (callbacks === undefined) return () => {}
    const computation = this.state.nextComputation
    const call = this.guarded((f: () => void) => f())
    call(() => callbacks.start?.())
    call(() => callbacks.startState?.(size))
    const listener = (transition: Transition): void => {
      if (transition.computation !== computation) return
      const { key, to } = transition
      if (to === "running" && transition.from === "assigned") call(() => callbacks.beforeTask?.(key))
      if (to === "succeeded" || to === "failed" || to === "cancelled") call(() => callbacks.afterTask?.(key, to))
    }
    this.listeners.add(listener)
    return (exit) => {
      this.listeners.delete(listener)
      call(() => callbacks.finish?.(Exit.isFailure(exit)))
    }
  }

  /** Calls an observer's function until it throws for the first time; that is logged and harms nobody else. */
  private guarded<A>(f: (a: A) => void): (a: A) => void {
    let isBroken = false
    return (a) => {
      if (isBroken) return
      const exit = Effect.runSyncExit(Effect.sync(() => f(a)))
      if (Exit.isSuccess(exit)) return
      isBroken = true
      Effect.runForkWith(this.context)(Effect.logWarning("An observer threw and is not called again", exit.cause))
    }
  }

  /** Follows all transitions until the result is called. */
  listen(f: (transition: Transition) => void): () => void {
    const listener = this.guarded(f)
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** The live tasks of the targets. */
  private submitBulk(
    compiled: Compiled,
    owner: number,
    fiber: Fiber.Fiber<unknown, unknown>,
    wait: number,
    { keepGoing }: ComputeOptions
  ): ReadonlyArray<TaskId> {
    const wishes = keepGoing ? exposed(compiled) : undefined
    const { ids } = this.submitPlan(compiled, owner, fiber, { wait, wishes })
    return compiled.targets.map((target) => target >= 0 ? ids[target]! : ~target)
  }

  // ---- waiting

  /** A number for a wait that is about to begin. */
  private expect(): number {
    const wait = this.nextWait++
    this.waiting.set(wait, { over: false, starved: undefined, resume: undefined })
    return wait
  }

  /** Returns when the wait is over, or fails if it never could be. */
  private awaitWait(wait: number): Effect.Effect<void, Starved> {
    return Effect.callback<void, Starved>((resume) => {
      const waiting = this.waiting.get(wait)!
      const finish = (): void => {
        this.waiting.delete(wait)
        resume(waiting.starved === undefined ? Effect.void : Effect.fail(new Starved({ waits: waiting.starved })))
      }
      if (waiting.over) return finish()
      waiting.resume = finish
      return this.abandonWait(wait, waiting)
    })
  }

  /** A task that gives up waiting takes its slot again before its body goes on. */
  private abandonWait(wait: number, waiting: Waiting): Effect.Effect<void> {
    return Effect.uninterruptible(Effect.callback<void>((resume) => {
      if (waiting.over) return resume(Effect.void)
      waiting.resume = () => {
        this.waiting.delete(wait)
        resume(Effect.void)
      }
      this.ask({ _tag: "WaitAbandoned", now: this.now(), wait })
    }))
  }

  private endWait(wait: number, starved: Waiting["starved"]): void {
    const waiting = this.waiting.get(wait)
    if (waiting === undefined) return
    waiting.over = true
    waiting.starved = starved
    waiting.resume?.()
  }

  /** Waits until `mode` is fulfilled for `claims`. */
  awaitClaims(claims: ReadonlyArray<Claim>, mode: WaitMode): Effect.Effect<void, Starved> {
    return Effect.withFiber((fiber) => {
      if (mode === "all" && claims.every((claim) => this.isSettled(claim))) return Effect.void
      const wait = this.expect()
      this.ask({ _tag: "WaitBegan", wait, claims, mode, ...this.from(fiber) })
      return this.awaitWait(wait)
    })
  }

  /** An explicit secede is a wait for nothing, which the rejoin abandons. */
  secede(attempt: Attempt): Effect.Effect<void> {
    return Effect.sync(() => {
      if (attempt.away >= 0) return
      attempt.away = this.expect()
      const { serial, task } = attempt
      this.ask({
        _tag: "WaitBegan",
        now: this.now(),
        wait: attempt.away,
        claims: [],
        mode: "never",
        waiter: task,
        attempt: serial
      })
    })
  }

  rejoin(attempt: Attempt): Effect.Effect<void> {
    return Effect.suspend(() => {
      const wait = attempt.away
      if (wait < 0) return Effect.void
      attempt.away = -1
      return this.abandonWait(wait, this.waiting.get(wait)!)
    })
  }

  // ---- observing

  isSettled(claim: Claim): boolean {
    return claim.state !== "live" || hasEnded(this.state.tasks.phase[claim.task] as PhaseOf)
  }

  phaseOf(claim: Claim): PhaseName | "released" {
    if (claim.state !== "live") return claim.state
    return phaseNames[this.state.tasks.phase[claim.task]!] as PhaseName
  }

  /** The exit of a settled future. */
  exitOfClaim(future: FutureImpl): Exit.Exit<unknown, unknown> {
    const { claim } = future
    if (claim.state === "released") return Exit.fail(new Released({ key: future.key, owner: claim.owner.name }))
    if (claim.state === "live") return this.exitOf(claim.task)
    const { submission } = future
    return exitOf(claim.outcome!, this.causeOf, {
      attempt: 0,
      label: submission.plan.settings.get(future.index)?.label,
      submitter: submitterOf(submission),
      worker: undefined
    })
  }

  /** The exit of a task that has ended. */
  exitOf(task: TaskId): Exit.Exit<unknown, unknown> {
    const { tasks } = this.state
    if (tasks.phase[task] === Phase.succeeded) {
      return Exit.succeed(this.workers[tasks.worker[task]!]!.results.get(task))
    }
    return exitOf(this.state.outcomes.get(task)!, this.causeOf, this.whereaboutsOf(task))
  }

  /** The failure of the target that made a compute fail, if one did: the one that ended first. */
  firstFailed(targets: ReadonlyArray<TaskId>): Exit.Exit<never, unknown> | undefined {
    const { endedAt, phase } = this.state.tasks
    const failed = targets.filter((task) => hasEnded(phase[task] as PhaseOf) && phase[task] !== Phase.succeeded)
    const first = failed.reduce((a, b) => endedAt[b]! < endedAt[a]! ? b : a, failed[0]!)
    return first === undefined ? undefined : this.exitOf(first) as Exit.Exit<never, unknown>
  }

  /** Every failure that came first, in static order, in one cause; `undefined` if there is none. */
  rootsOf(targets: ReadonlyArray<TaskId>, roots: ReadonlyArray<Root>): Cause.Cause<unknown> | undefined {
    const wished = roots.toSorted((a, b) => a.position - b.position).map(({ outcome }) => outcome)
    const others = targets.flatMap((task) => this.state.outcomes.get(task) ?? [])
    const reasons = new Set<Reason>()
    const causes = [...wished, ...others].flatMap((outcome) => {
      if (reasons.has(outcome.reason)) return []
      reasons.add(outcome.reason)
      return [rootCause(outcome, this.causeOf)]
    })
    return causes.length === 0 ? undefined : causes.reduce((all, cause) => Cause.combine(all, cause))
  }

  /** The cause of what failed first on the way to this future, if it failed. */
  rootOfClaim({ claim }: FutureImpl): Cause.Cause<unknown> | undefined {
    const outcome = claim.outcome ?? (claim.state === "live" ? this.state.outcomes.get(claim.task) : undefined)
    return outcome === undefined ? undefined : rootCause(outcome, this.causeOf)
  }

  metadataOf(future: FutureImpl): Metadata {
    const { claim, index, key, submission } = future
    const settings = submission.plan.settings.get(index)
    const common = {
      key,
      label: settings?.label,
      status: this.phaseOf(claim),
      priority: settings?.priority ?? submission.priority,
      submitter: submitterOf(submission),
      dependencies: this.dependenciesOf(submission, index),
      submitted: submission.submittedAt
    }
    if (claim.state !== "live") {
      return { ...common, worker: undefined, started: undefined, completed: undefined, attempts: [] }
    }
    return { ...common, ...this.timesOf(claim.task) }
  }

  private dependenciesOf(submission: Submission, index: number): ReadonlyArray<string> {
    const { offsets, targets } = submission.plan
    const own = targets.subarray(offsets[index]!, offsets[index + 1]!)
    return Array.from(own, (target) => target >= 0 ? keyAt(submission, target) : this.keyOf(~target))
  }

  private timesOf(task: TaskId): Pick<Metadata, "attempts" | "completed" | "started" | "worker"> {
    const { endedAt, phase, startedAt, starts, worker } = this.state.tasks
    const completed = hasEnded(phase[task] as PhaseOf) ? endedAt[task]! : undefined
    const former = (this.state.history.get(task) ?? []).map((attempt) => ({
      attempt: attempt.number,
      worker: this.workers[attempt.worker]!.name,
      started: attempt.startedAt,
      completed: attempt.endedAt
    }))
    if (starts[task]! === 0) return { worker: undefined, started: undefined, completed, attempts: former }
    const name = this.workers[worker[task]!]!.name
    const isFresh = starts[task]! > former.length
    const present = { attempt: starts[task]!, worker: name, started: startedAt[task]!, completed }
    return { worker: name, started: startedAt[task]!, completed, attempts: isFresh ? [...former, present] : former }
  }

  /** The value of a task that has succeeded. */
  valueOf(task: TaskId): unknown {
    return this.workers[this.state.tasks.worker[task]!]!.results.get(task)
  }

  private readonly causeOf = (failure: number): Cause.Cause<unknown> => this.causes.get(failure)!

  private whereaboutsOf(task: TaskId): Whereabouts {
    const { index, starts, submission, worker } = this.state.tasks
    const submitted = submission[task]!
    return {
      attempt: starts[task]!,
      label: submitted.plan.settings.get(index[task]!)?.label,
      submitter: submitterOf(submitted),
      worker: worker[task]! < 0 ? undefined : this.workers[worker[task]!]!.name
    }
  }

  // ---- the life of the scheduler

  /** Adds a worker that is drained when the scope closes. */
  addWorker(name: string, slots: number): Effect.Effect<string, never, Scope.Scope> {
    const add = Effect.sync(() => {
      const worker = new FiberWorker(this, this.workers.length, name)
      this.workers.push(worker)
      this.ask({ _tag: "WorkerAdded", now: this.now(), name, slots })
      return worker
    })
    const drain = (worker: FiberWorker): Effect.Effect<void> => Effect.sync(() => this.drain(worker))
    return Effect.map(Effect.acquireRelease(add, drain), (worker) => worker.name)
  }

  private drain({ index }: FiberWorker): void {
    if (!this.isClosed) this.ask({ _tag: "WorkerDrained", now: this.now(), worker: index })
  }

  /** Cancels everything and returns when nothing is running any more. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.isClosed = true
    const owners = [...this.state.owners.keys()]
    return Effect.forEach(owners, (owner) => this.closeOwner(owner, "scheduler"), { discard: true }).pipe(
      Effect.andThen(Effect.sync(() => this.alarm?.interruptUnsafe()))
    )
  })
}

const runIn = ({ context }: Fiber.Fiber<unknown, unknown>, cache: ResultCache | undefined): Run => ({
  context,
  fork: Effect.runForkWith(context),
  cache
})

/** The key of the task from whose body a submission came. */
export const submitterOf = ({ parent }: Submission): string =>
  parent === undefined ? "program" : keyAt(parent.submission, parent.index)

/**
 * The references whose failure no `Task.exit` absorbs on every way to a target: what `errors: "continue"` runs to its end
 * and reports.
 */
const exposed = ({ plan, targets }: Compiled): ReadonlyArray<number> => {
  const found = new Set<number>(targets)
  for (const reference of found) {
    if (reference < 0 || plan.settings.get(reference)?.absorbs === true) continue
    for (let i = plan.offsets[reference]!; i < plan.offsets[reference + 1]!; i++) found.add(plan.targets[i]!)
  }
  return [...found]
}

/** The number of finalizers of an open scope: what tells whether something was acquired since. */
const finalizersOf = ({ state }: Scope.Scope): number =>
  state._tag !== "Open" ? 0 : state.finalizers === undefined ? 1 : state.finalizers.size

interface AsyncContext {
  readonly runInAsyncScope: (f: () => void) => void
}

/** Runs the pump in the async context of the scheduler, so that it does not inherit that of whoever completed last. */
const captureAsyncScope = (): (f: () => void) => void => {
  const hooks = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process
    ?.getBuiltinModule?.("node:async_hooks") as { AsyncResource?: new(type: string) => AsyncContext } | undefined
  if (hooks?.AsyncResource === undefined) return (f) => f()
  const resource = new hooks.AsyncResource("skein/Scheduler")
  return (f) => resource.runInAsyncScope(f)
}

