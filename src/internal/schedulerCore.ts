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
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { format } from "effect/Formatter"
import type * as FiberScheduler from "effect/Scheduler"
import type * as Scope from "effect/Scope"
import type { Callbacks } from "../Client.ts"
import { isPresent } from "../engine/attempts.ts"
import { advance } from "../engine/Engine.ts"
import type { Ending, Event, TaskEnded } from "../engine/Event.ts"
import { Fifo } from "../engine/fifo.ts"
import type { Instruction, Overdue, Rejected, Submitted } from "../engine/Instruction.ts"
import type { Limits } from "../engine/limits.ts"
import { makeClaim } from "../engine/owners.ts"
import { dependenciesOf } from "../engine/snapshot.ts"
import { Flag, hasEnded, keyOf, make as makeState, Phase, placeOf, settingsOf } from "../engine/State.ts"
import type { Claim, Owner, Phase as PhaseOf, Place, Root, State, TaskId } from "../engine/State.ts"
import { GraphError, Released } from "../SkeinError.ts"
import type { Starved } from "../SkeinError.ts"
import { Annotations, defaultsFrom, defaultsOfChildren } from "./annotations.ts"
import { captureAsyncScope } from "./asyncScope.ts"
import { attemptOf } from "./attempt.ts"
import { compile, runAt, runOf, taskAt } from "./compile.ts"
import type { Compiled, Live, LivePlan, ResultCache, Run } from "./compile.ts"
import { Detached } from "./detached.ts"
import { FiberWorker, retryOf } from "./fiberWorker.ts"
import type { Step } from "./fiberWorker.ts"
import { Observers } from "./observers.ts"
import { nothing, Outbox } from "./outbox.ts"
import type { Answer, Carrier, Write } from "./outbox.ts"
import { overdueLine } from "./overdue.ts"
import { recompile, recompileInputs } from "./rerun.ts"
import type { Past } from "./rerun.ts"
import { ScopeOwners } from "./scopeOwners.ts"
import { FutureImpl, isTask } from "./task.ts"
import type { Handle } from "./task.ts"
import { View } from "./view.ts"
import { Waits } from "./waits.ts"
import type { Origin } from "./waits.ts"
import { soon, Wire } from "./wire.ts"
import type { Message } from "./wire.ts"

type Mutable<A> = { -readonly [K in keyof A]: A[K] }

const succeeded: Ending = { _tag: "Succeeded" }
const inputsLost: Ending = { _tag: "InputsLost" }

/** After this many instructions, or this long by the layer's clock, the pump lets timers and I/O have a turn. */
export const turn = { instructions: 2048, millis: 10 } as const

/** How a compute treats failures and results. */
export interface ComputeOptions {
  /** Run all that is not downstream of a failure. */
  readonly keepGoing: boolean
  readonly cache: ResultCache | undefined
  readonly callbacks: Callbacks | undefined
  /** In a task: wait without giving the slot away. */
  readonly keepsSlot?: boolean | undefined
}

/** What a cancel is told. */
export interface CancelRequest {
  readonly by: string | undefined
  readonly reason: string
  readonly wait: boolean
  readonly force: boolean
}

const closed = (): GraphError => new GraphError({ reason: { _tag: "Closed", what: "scheduler" } })

const scopeClosed = (): GraphError => new GraphError({ reason: { _tag: "Closed", what: "scope" } })

/** Why the engine did not accept a plan, as users see it. */
const refused = ({ reason }: Rejected): GraphError =>
  new GraphError({ reason: reason._tag === "Gone" ? { _tag: "Closed", what: "scope" } : reason })

let cores = 0

export class SchedulerCore implements Carrier, Live, Past {
  readonly name = `scheduler${++cores}`
  readonly state: State
  readonly workers: Array<FiberWorker> = []
  readonly observers: Observers
  readonly waits = new Waits(this)
  readonly detached = new Detached(this)
  readonly view: View
  readonly wire: Wire | undefined
  /** The state of retry schedules, from the first failure of a task to its end, whichever workers it comes to. */
  readonly schedules = new Map<TaskId, Step>()
  private readonly clock: Clock.Clock
  private readonly context: Context.Context<never>
  private readonly dispatcher: FiberScheduler.SchedulerDispatcher
  private readonly inAsyncScope: (f: () => void) => void
  private readonly causes = new Map<number, Cause.Cause<unknown>>()
  private readonly owners = new ScopeOwners(this)
  /** The owners that are being closed. */
  private readonly closing = new Set<number>()
  private readonly outbox = new Outbox(this.workers, this.causes, (task, value) => this.cacheWrite(task, value))
  /** Task and attempt of plain functions that have ended, and of which the engine has not been told; see {@link endedAtOnce}. */
  private readonly ends = new Fifo<number>()
  private readonly taskEnded: Mutable<TaskEnded> = { _tag: "TaskEnded", now: 0, task: 0, attempt: 0, ending: succeeded }
  private isAwake = false
  private isClosed = false
  /** How many workers were lost. */
  private losses = 0
  private alarm: Fiber.Fiber<void> | undefined
  private nextOwner = 1
  private nextCause = 1

  constructor(
    context: Context.Context<never>,
    clock: Clock.Clock,
    scheduler: FiberScheduler.Scheduler,
    limits: Limits,
    graceMillis: number
  ) {
    this.state = makeState(limits, graceMillis)
    this.context = context
    this.clock = clock
    this.dispatcher = scheduler.makeDispatcher()
    this.inAsyncScope = captureAsyncScope()
    this.observers = new Observers(context)
    this.view = new View(this.state, this.workers, this.causes)
    this.wire = Context.get(context, Wire)
    this.wire?.opened(this)
  }

  now(): number {
    return this.clock.currentTimeMillisUnsafe()
  }

  // ---- the mailbox

  /** Applies an event and says what it submitted, or why it did not. What follows from it is carried out by the pump, later. */
  ask(event: Event): Answer {
    this.catchUp()
    return this.apply(event)
  }

  /** The door of the engine: what all events pass. */
  apply(event: Event): Answer {
    const { outbox, state } = this
    const log = this.observers.log()
    state.log = log
    outbox.answer = nothing
    advance(state, event, outbox)
    const { answer } = outbox
    if (log !== undefined && log.length > 0) this.observers.tell(log)
    outbox.flush()
    this.wire?.applied(this)
    if (!this.isAwake && outbox.size > 0) this.wake()
    return answer
  }

  /** A worker says how an attempt ended. */
  ended(task: TaskId, attempt: number, ending: Ending): void {
    if (this.wire === undefined) this.applyEnd(task, attempt, ending)
    else this.carry("Ended", task, attempt, () => this.applyEnd(task, attempt, ending))
  }

  /** A worker has run the finalizers of a resource. */
  finalized(task: TaskId, attempt: number): void {
    const tell = (): void => void this.ask({ _tag: "TaskFinalized", now: this.now(), task, attempt })
    if (this.wire === undefined) tell()
    else this.carry("Finalized", task, attempt, tell)
  }

  private carry(tag: Message["_tag"], task: TaskId, attempt: number, deliver: () => void): void {
    this.wire!.carry(this, { _tag: tag, task, attempt, worker: this.state.tasks.worker[task]! }, deliver)
  }

  private applyEnd(task: TaskId, attempt: number, ending: Ending): void {
    const now = this.now()
    if (this.ends.size > 0) this.tellEnds(now)
    this.tellEnd(now, task, attempt, ending)
  }

  /** One event object serves all ends: the engine keeps none. */
  private tellEnd(now: number, task: TaskId, attempt: number, ending: Ending): void {
    const event = this.taskEnded
    event.now = now
    event.task = task
    event.attempt = attempt
    event.ending = ending
    this.apply(event)
  }

  /**
   * A plain function has ended within the call that started it. If another start comes next, its end waits for that one's:
   * bodies in a row, then the engine in a row, each with its code in the processor's caches. It saves up to a fifth.
   */
  endedAtOnce(task: TaskId, attempt: number): void {
    if (this.wire === undefined && this.outbox.startsNext) {
      this.ends.push(task)
      this.ends.push(attempt)
    } else this.ended(task, attempt, succeeded)
  }

  /** Tells the engine of all that has ended. */
  catchUp(): void {
    if (this.ends.size > 0) this.tellEnds(this.now())
  }

  /** In the order in which the bodies ran. */
  private tellEnds(now: number): void {
    const { ends } = this
    for (let task = ends.shift(); task !== undefined; task = ends.shift()) {
      this.tellEnd(now, task, ends.shift()!, succeeded)
    }
  }

  /** Whether what was asked for last has been carried out. */
  get isAtRest(): boolean {
    return !this.isAwake
  }

  private wake(): void {
    this.isAwake = true
    const pump = (): void => this.inAsyncScope(this.pump)
    if (this.wire === undefined) soon(pump)
    else this.wire.defer(pump)
  }

  /** Carries instructions out until none is left or the turn is over; then timers and I/O go first. */
  private readonly pump = (): void => {
    const { outbox } = this
    const started = this.now()
    const most = this.wire?.instructions ?? turn.instructions
    for (let done = 1; done <= most; done++) {
      if (!outbox.next(this)) {
        this.isAwake = false
        return
      }
      if ((done & 15) === 0 && this.now() - started >= turn.millis) break
    }
    this.catchUp()
    this.dispatcher.scheduleTask(() => this.inAsyncScope(this.pump), 0)
  }

  start(task: TaskId, attempt: number): void {
    if (this.wire === undefined) this.startNow(task, attempt)
    else this.carry("Start", task, attempt, () => this.startNow(task, attempt))
  }

  private startNow(task: TaskId, attempt: number): void {
    const { index, submission, worker } = this.state.tasks
    if (this.losses > 0) {
      // The worker to which it was sent was lost before it began.
      if (!isPresent(this.state, task, attempt)) return
      if (!this.hasInputs(task) && !this.isStopping(task, attempt)) return this.ended(task, attempt, inputsLost)
    }
    this.workers[worker[task]!]!.start(task, attempt, submission[task]!.plan as LivePlan, index[task]!)
  }

  carryOut(instruction: Instruction): void {
    switch (instruction._tag) {
      case "Stop": {
        const stop = (): void => this.workers[instruction.worker]!.stop(instruction)
        return this.wire === undefined ? stop() : this.wire.carry(this, instruction, stop)
      }
      case "Finalize": {
        const finalize = (): void => this.workers[instruction.worker]!.finalize(instruction)
        return this.wire === undefined ? finalize() : this.wire.carry(this, instruction, finalize)
      }
      case "WaitEnded": {
        const end = (): void => this.waits.end(instruction.wait, instruction.starved)
        return this.wire === undefined ? end() : this.wire.carryLast(end)
      }
      case "WakeAt":
        // Most attempts that are asked to stop have stopped by now: no alarm rings for what is not due any more.
        return instruction.at === this.state.wakeAt ? this.setAlarm(instruction.at) : undefined
      case "Overdue":
        return this.warnOverdue(instruction)
      default:
        return
    }
  }

  private setAlarm(at: number): void {
    this.alarm?.interruptUnsafe()
    const sleep = this.clock.sleep(Duration.millis(Math.max(0, at - this.now())))
    const ring = Effect.sync(() => {
      // A sleep of a fraction of a millisecond may end a little early by the clock: asked again, it might not go on at all.
      this.ask({ _tag: "TimeCame", now: Math.max(at, this.now()) })
    })
    this.alarm = Effect.runForkWith(this.context)(Effect.andThen(sleep, ring))
  }

  private warnOverdue(overdue: Overdue): void {
    const { attempt, task, worker } = overdue
    if (!this.isStopping(task, attempt)) return
    const line = overdueLine(this.state, overdue, this.workers[worker]!.obstacleOf(task))
    Effect.runForkWith(this.context)(Effect.logWarning(line))
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

  /** Adds the result of a task with a key to the cache of its run, if there is one. */
  cache(task: TaskId, value: unknown): void {
    this.cacheWrite(task, value)?.()
  }

  private cacheWrite(task: TaskId, value: unknown): Write | undefined {
    const { index, submission } = this.state.tasks
    const plan = submission[task]!.plan as LivePlan
    const { cache } = runOf(plan, index[task]!)
    const key = cache === undefined ? undefined : plan.settings.get(index[task]!)?.key
    return key === undefined || this.ownsResource(task) ? undefined : () => cache!.set(key, value)
  }

  /** Whether the result of a task is not to outlive it: it owns a resource, or is that of a task whose result does. */
  private ownsResource(task: TaskId): boolean {
    const { flags } = this.state.tasks
    const owns = (each: TaskId): boolean => (flags[each]! & (Flag.resource | Flag.retains)) !== 0
    return owns(task) || (settingsOf(this.state, task)?.absorbs === true && owns(this.inputOf(task)))
  }

  /** How often the task was started. */
  startsOf(task: TaskId): number {
    return this.state.tasks.starts[task]!
  }

  /** Whether nothing of what a task depends on was lost since it was told to start. */
  private hasInputs(task: TaskId): boolean {
    return dependenciesOf(this.state, task).every((input) => hasEnded(this.state.tasks.phase[input] as PhaseOf))
  }

  /** The task that `task` depends on alone. */
  inputOf(task: TaskId): TaskId {
    const { index, submission } = this.state.tasks
    const { ids, plan: { offsets, targets } } = submission[task]!
    const target = targets[offsets[index[task]!]!]!
    return target >= 0 ? ids[target]! : ~target
  }

  /** The results of all that a task depends on, from the workers that hold them. */
  inputsOf(task: TaskId): Array<unknown> {
    const { state: { tasks: { index, submission, worker } }, workers } = this
    const { ids, plan: { offsets, targets } } = submission[task]!
    const from = offsets[index[task]!]!
    const values = new Array<unknown>(offsets[index[task]! + 1]! - from)
    // A look-up of the holder is a cache miss in a large table.
    const only = workers.length === 1 ? workers[0] : undefined
    for (let i = 0; i < values.length; i++) {
      const target = targets[from + i]!
      const input = target >= 0 ? ids[target]! : ~target
      values[i] = (only ?? workers[worker[input]!])?.results.get(input)
    }
    return values
  }

  keepCause(cause: Cause.Cause<unknown>): number {
    const number = this.nextCause++
    this.causes.set(number, cause)
    return number
  }

  /** A flatMap body has returned a task: submits it in place of the attempt. */
  expand(task: TaskId, attempt: number, returned: unknown, run: Run, worker: FiberWorker): void {
    if (this.wire === undefined) this.expandNow(task, attempt, returned, run, worker)
    else this.carry("Ended", task, attempt, () => this.expandNow(task, attempt, returned, run, worker))
  }

  private expandNow(task: TaskId, attempt: number, returned: unknown, run: Run, worker: FiberWorker): void {
    const inner = run.defaults === undefined ? run : { ...run, defaults: defaultsOfChildren(run.defaults) }
    const compiled = isTask(returned) ? compile([returned], this, inner) : notATask(this.keyOf(task), returned)
    if (compiled instanceof GraphError) return worker.fail(task, attempt, Cause.fail(compiled))
    const { plan, targets } = compiled
    const answer = this.ask({ _tag: "TaskExpanded", now: this.now(), task, attempt, plan, target: targets[0]! })
    if (answer._tag === "Rejected") worker.fail(task, attempt, Cause.fail(refused(answer)))
  }

  // ---- compiling

  find(key: string): TaskId {
    return this.state.keys.get(key) ?? -1
  }

  placeOf(id: TaskId): Place {
    return placeOf(this.state, id)
  }

  refuse({ claim, core }: FutureImpl): string | undefined {
    if (core !== this) return "it belongs to another scheduler; join it there and pass the value"
    if (claim.state === "released") return `its result was released when its ${claim.owner.name} closed`
    return claim.state === "cancelled" ? "it was cancelled" : undefined
  }

  // ---- submitting

  /** Submits for the owner that stands for `scope`, and gives a future for each target. */
  submit(
    handles: ReadonlyArray<Handle>,
    scope: Scope.Scope,
    fiber: Fiber.Fiber<unknown, unknown>,
    cache: ResultCache | undefined
  ): Effect.Effect<ReadonlyArray<FutureImpl>, GraphError> {
    if (this.isClosed) return Effect.fail(closed())
    // In one go: what is live may be gone after any pause, and an interruption may come in it.
    return this.submitCompiled(compile(handles, this, this.runIn(fiber, cache)), scope, fiber)
  }

  private submitCompiled(
    compiled: Compiled | GraphError,
    scope: Scope.Scope,
    fiber: Fiber.Fiber<unknown, unknown>
  ): Effect.Effect<ReadonlyArray<FutureImpl>, GraphError> {
    if (compiled instanceof GraphError) return Effect.fail(compiled)
    const owner = this.owners.ownerOf(scope, fiber)
    if (owner === undefined) return Effect.fail(scopeClosed())
    const answer = this.submitPlan(compiled, owner, fiber)
    if (answer._tag === "Rejected") return Effect.fail(refused(answer))
    return Effect.succeed(answer.claims.map((claim) => this.futureOf(claim)))
  }

  private futureOf(claim: Claim): FutureImpl {
    const { index, submission } = this.placeOf(claim.task)
    return new FutureImpl(this, claim, submission, index)
  }

  // ---- running again

  /** Runs again what futures that ended without success stand for, and gives a future for each. */
  retry(
    futures: ReadonlyArray<FutureImpl>,
    scope: Scope.Scope,
    fiber: Fiber.Fiber<unknown, unknown>
  ): Effect.Effect<ReadonlyArray<FutureImpl>, GraphError> {
    if (futures.length === 0) return Effect.succeed([])
    if (this.isClosed) return Effect.fail(closed())
    for (const future of futures) {
      const refused = this.refuseRetry(future)
      if (refused !== undefined) return Effect.fail(refused)
    }
    for (const { claim } of futures) this.view.see(claim)
    return this.submitCompiled(recompile(futures, this), scope, fiber)
  }

  /** Why a future's task cannot be run again, if it cannot. */
  refuseRetry({ claim, core, key }: FutureImpl): GraphError | undefined {
    const status = core.view.statusOf(claim)
    const why = core !== this
      ? "it belongs to another scheduler; retry it there"
      : claim.state === "released"
      ? `its result was released when its ${claim.owner.name} closed; submit its task again`
      : status === "succeeded"
      ? "it succeeded; join its future"
      : core.view.isSettled(claim)
      ? undefined
      : `it is ${status}; wait for its end, or cancel it first`
    return why === undefined ? undefined : new GraphError({ reason: { _tag: "NotRetriable", key, status, why } })
  }

  /** The task registered there, if its result is held or on its way. */
  usable(place: Place): TaskId {
    const id = place.submission.ids[place.index]!
    if (id < 0) return -1
    const phase = this.state.tasks.phase[id] as PhaseOf
    if (hasEnded(phase)) return phase === Phase.succeeded ? id : -1
    // A resource that is being finalized is as good as gone.
    if (phase === Phase.releasing) return -1
    if (phase !== Phase.stopping) return id
    // One that stops because an attempt took too long may be tried again by itself.
    const retry = retryOf(taskAt(place), runAt(place))
    return this.hasTimedOut(id) && retry !== undefined ? id : -1
  }

  /** Uses what the task at a place needs with `collect`, running again what is not held; owns that for the while. */
  computeInputs<A, E>(
    place: Place,
    keepGoing: boolean,
    collect: (targets: ReadonlyArray<TaskId> | undefined) => Effect.Effect<A, E>
  ): Effect.Effect<A, E | GraphError | Starved> {
    return this.own(() => recompileInputs(place, this), { keepGoing, cache: undefined, callbacks: undefined }, collect)
  }

  /** Submits one task for an owner of its own, and gives both. */
  submitAlone(
    task: Handle,
    name: string,
    fiber: Fiber.Fiber<unknown, unknown>
  ): { readonly owner: number; readonly future: FutureImpl } | GraphError {
    if (this.isClosed) return closed()
    const compiled = compile([task], this, this.runIn(fiber, undefined))
    if (compiled instanceof GraphError) return compiled
    const owner = this.openOwner(name)
    const answer = this.submitPlan(compiled, owner, fiber)
    if (answer._tag === "Submitted") return { owner, future: this.futureOf(answer.claims[0]!) }
    const wait = this.waits.expect()
    this.closeAlone(owner, name, wait)
    this.waits.ignore(wait)
    return refused(answer)
  }

  /** Ends what only this owner wanted; the number is that of a wait for it. */
  closeAlone(owner: number, by: string, wait: number): void {
    const reason = "its owner closed"
    this.ask({ _tag: "OwnerClosed", now: this.now(), owner, by, reason, wait, waiter: -1, attempt: 0 })
  }

  private submitPlan(
    { plan, targets }: Compiled,
    owner: number,
    fiber: Fiber.Fiber<unknown, unknown>,
    bulk?: {
      readonly wait: number
      readonly wishes: ReadonlyArray<number> | undefined
      readonly keepsSlot: boolean | undefined
    }
  ): Answer {
    const { attempt, now, waiter: parent } = this.waits.origin(fiber)
    return this.ask({ _tag: "GraphSubmitted", now, plan, owner, targets, parent, attempt, ...bulk })
  }

  openOwner(name: string): number {
    const owner = this.nextOwner++
    this.ask({ _tag: "OwnerOpened", now: this.now(), owner, name })
    return owner
  }

  /** Ends everything that only this owner wanted; returns when none of it is running any more. */
  closeOwner(owner: number, by: string, abandoned?: number): Effect.Effect<void> {
    const closed = Effect.ignore(this.waits.begin((wait, origin) => {
      this.closing.add(owner)
      this.ask({ _tag: "OwnerClosed", owner, by, reason: "its owner closed", wait, ...origin })
      if (abandoned !== undefined) this.ask({ _tag: "WaitAbandoned", now: origin.now, wait: abandoned })
    }))
    return Effect.ensuring(closed, Effect.sync(() => this.closing.delete(owner)))
  }

  private closeCompute(owner: number, wait: number): Effect.Effect<void> {
    if (!this.waits.isOpen(wait)) return this.closeOwner(owner, "compute")
    // Interrupted. What it started stops first, for that may hold the slot that this task takes again in the end.
    return Effect.andThen(this.closeOwner(owner, "compute", wait), this.waits.abandon(wait))
  }

  /** Withdraws the wish of the future's owner, or with `force` everybody's. */
  cancel(
    { claim }: FutureImpl,
    { by, force, reason, wait }: CancelRequest
  ): Effect.Effect<void> {
    return Effect.withFiber((fiber) => {
      const asker = attemptOf(this, fiber)
      const name = by ?? asker?.key ?? "program"
      const ask = (number: number, origin: Origin): void => {
        this.ask({ _tag: "CancelRequested", claim, by: name, reason, force, wait: number, ...origin })
      }
      if (wait) return Effect.ignore(this.waits.begin(ask))
      const number = this.waits.expect()
      ask(number, { now: this.now(), waiter: -1, attempt: 0 })
      this.waits.ignore(number)
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
    return Effect.withFiber((fiber) => {
      const owner = this.owners.ownerOf(scope, fiber)
      if (owner !== undefined) {
        const answer = this.ask({ _tag: "ClaimShared", now: this.now(), claim: future.claim, owner })
        if (answer._tag === "Submitted") return Effect.succeed(this.futureOf(answer.claims[0]!))
      }
      return Effect.fail(new Released({ key: future.key, owner: future.claim.owner.name }))
    })
  }

  /**
   * Submits for an owner of its own, waits, reads with `collect`, and ends all that it started. There are no targets to read
   * when the scheduler has closed meanwhile.
   */
  compute<A, E>(
    handles: ReadonlyArray<Handle>,
    options: ComputeOptions,
    collect: (targets: ReadonlyArray<TaskId> | undefined, roots: ReadonlyArray<Root>) => Exit.Exit<A, E>
  ): Effect.Effect<A, E | GraphError | Starved> {
    return this.own((fiber) => compile(handles, this, this.runIn(fiber, options.cache)), options, collect)
  }

  private own<A, E>(
    compileIn: (fiber: Fiber.Fiber<unknown, unknown>) => Compiled | GraphError,
    options: ComputeOptions,
    collect: (targets: ReadonlyArray<TaskId> | undefined, roots: ReadonlyArray<Root>) => Effect.Effect<A, E>
  ): Effect.Effect<A, E | GraphError | Starved> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.withFiber((fiber): Effect.Effect<A, E | GraphError | Starved> => {
        if (this.isClosed) return Effect.fail(closed())
        const compiled = compileIn(fiber)
        if (compiled instanceof GraphError) return Effect.fail(compiled)
        const number = this.openOwner("compute")
        const owner = this.state.owners.get(number)!
        const wait = this.waits.expect()
        const finish = this.observers.follow(number, compiled.plan.size, options.callbacks)
        const wishes = options.keepGoing ? exposed(compiled) : undefined
        const answer = this.submitPlan(compiled, number, fiber, { wait, wishes, keepsSlot: options.keepsSlot })
        const targets = answer._tag === "Rejected" ? [] : liveTargets(compiled, answer)
        const results: Effect.Effect<A, E | GraphError | Starved> = answer._tag === "Rejected"
          ? Effect.andThen(Effect.sync(() => this.waits.ignore(wait)), Effect.fail(refused(answer)))
          : this.untilOver(
            wait,
            owner,
            targets,
            options,
            restore,
            () => collect(this.state.owners.has(number) ? targets : undefined, owner.roots)
          )
        return Effect.onExit(
          results,
          (exit) => Effect.andThen(this.closeCompute(number, wait), Effect.sync(() => finish(exit)))
        )
      })
    )
  }

  /**
   * Reads when the targets are over: with their wait, or later, in code that its task's end does not interrupt, or when a
   * result was lost meanwhile.
   */
  private untilOver<A, E>(
    wait: number,
    owner: Owner,
    targets: ReadonlyArray<TaskId>,
    { keepGoing, keepsSlot }: ComputeOptions,
    restore: <B, F>(effect: Effect.Effect<B, F>) => Effect.Effect<B, F>,
    read: () => Effect.Effect<A, E>
  ): Effect.Effect<A, E | Starved> {
    const mode = keepGoing ? "all" : "firstFailure"
    const claims = () => targets.map((task) => makeClaim(owner, task))
    const readOrWait = (): Effect.Effect<A, E | Starved> =>
      !this.state.owners.has(owner.id) || this.view.haveEnded(targets, mode)
        ? read()
        : Effect.flatMap(restore(this.waits.forClaims(claims(), mode, keepsSlot)), readOrWait)
    return Effect.flatMap(restore(this.waits.join(wait)), readOrWait)
  }

  /** The world of a submission from this fiber. */
  private runIn(fiber: Fiber.Fiber<unknown, unknown>, cache: ResultCache | undefined): Run {
    const { context } = fiber
    const annotations = Context.get(context, Annotations)
    return {
      context,
      annotations,
      defaults: defaultsFrom(annotations, attemptOf(this, fiber)),
      fork: Effect.runForkWith(context),
      cache: cache === undefined ? undefined : this.observers.cache(cache)
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

  /**
   * Takes a worker for lost, with all that runs there and all results that it holds. What runs there is interrupted, and `rest`
   * of the worker returns when that has ended; but nobody has to wait for it, and nothing that it brings counts.
   */
  loseWorker(worker: FiberWorker): void {
    this.losses++
    const scopes = worker.lose()
    this.ask({ _tag: "WorkerLost", now: this.now(), worker: worker.index })
    // Before anything starts elsewhere: what the lost bodies have submitted would hold its keys.
    for (const scope of scopes) this.closeNow(scope)
    worker.interrupt()
  }

  private closeNow(scope: Scope.Scope): void {
    const owner = this.owners.find(scope)
    if (owner === undefined) return
    const wait = this.waits.expect()
    const reason = "the worker was lost that ran its body"
    this.ask({ _tag: "OwnerClosed", now: this.now(), owner, by: "scheduler", reason, wait, waiter: -1, attempt: 0 })
    this.waits.ignore(wait)
  }

  /** Cancels everything and returns when nothing is running any more. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.isClosed = true
    // Others may be closing at the moment, or an owner of a fired task has closed while its finalizers run: what they wait for
    // is awaited here too.
    const owners = new Set([...this.state.owners.keys(), ...this.closing, ...this.detached.owners()])
    return Effect.forEach(owners, (owner) => this.closeOwner(owner, "scheduler"), {
      // At once: a finalizer of one may wait for a task of another.
      concurrency: "unbounded",
      discard: true
    }).pipe(
      Effect.andThen(Effect.forEach(this.workers, (worker) => worker.rest, { discard: true })),
      Effect.andThen(Effect.sync(() => {
        this.alarm?.interruptUnsafe()
        this.observers.close()
      }))
    )
  })
}

const liveTargets = ({ targets }: Compiled, { ids }: Submitted): ReadonlyArray<TaskId> =>
  targets.map((target) => target >= 0 ? ids[target]! : ~target)

const notATask = (key: string, returned: unknown): GraphError => {
  const dependency = `what its function returned, ${format(returned)}`
  return new GraphError({ reason: { _tag: "InvalidDependency", key, dependency, why: "it is no task" } })
}

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
