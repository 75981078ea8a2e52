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
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import type * as FiberScheduler from "effect/Scheduler"
import { advance } from "../../engine/Engine.ts"
import { isPresent } from "../../engine/events/attempts.ts"
import { maySettle } from "../../engine/events/settled.ts"
import { areInputsThere } from "../../engine/life/groups.ts"
import { isSpent } from "../../engine/life/spent.ts"
import { succeeded } from "../../engine/protocol/Event.ts"
import type { Ending, Event, TaskEnded } from "../../engine/protocol/Event.ts"
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Instruction, Out, Overdue } from "../../engine/protocol/Instruction.ts"
import { Flag, hasEnded, Phase } from "../../engine/protocol/Phase.ts"
import type { Phase as PhaseOf } from "../../engine/protocol/Phase.ts"
import type { Identity } from "../../engine/protocol/Plan.ts"
import type { SchedulerSettings } from "../../engine/protocol/Settings.ts"
import type { Log } from "../../engine/protocol/Transition.ts"
import { dependenciesOf, dependencyRows } from "../../engine/state/dependencies.ts"
import { keyOf, placeOf, settingsOf } from "../../engine/state/lookups.ts"
import { make as makeState } from "../../engine/state/State.ts"
import type { State } from "../../engine/state/State.ts"
import { liveOf } from "../../engine/state/Submission.ts"
import type { Place, Submission } from "../../engine/state/Submission.ts"
import { Fifo } from "../../engine/structures/fifo.ts"
import { GraphError } from "../../SkeinError.ts"
import { defaultsOfChildren } from "../bodies/annotations.ts"
import { isFor, runAt, runOf, taskAt } from "../bodies/livePlan.ts"
import type { LivePlan, Run } from "../bodies/livePlan.ts"
import { retryOf } from "../bodies/retries.ts"
import type { Step } from "../bodies/retries.ts"
import { endingGiven, withoutInterrupts } from "../bodies/signals.ts"
import { compile } from "../plans/compile.ts"
import type { Live } from "../plans/compile.ts"
import type { Past } from "../plans/rerun.ts"
import { captureAsyncScope } from "../platform/asyncScope.ts"
import type { AsyncScope } from "../platform/asyncScope.ts"
import { monotonicMillis, Time } from "../platform/time.ts"
import { measured } from "../settings/fairness.ts"
import type { SizeOf } from "../settings/fairness.ts"
import { safe } from "../settings/schemes.ts"
import { namedBy } from "../tasks/keys.ts"
import type { Named } from "../tasks/keys.ts"
import { isTask, noHandles, noOptions, TaskImpl } from "../tasks/task.ts"
import type { FutureImpl } from "../tasks/task.ts"
import { briefResult } from "../text/brief.ts"
import { releaseText } from "../text/reasonText.ts"
import { warning } from "../text/warnings.ts"
import { foreignText, keepOneCopy } from "../values/strangers.ts"
import { View } from "../views/view.ts"
import { Copies } from "../workers/copying.ts"
import { Crew } from "../workers/crew.ts"
import type { FiberWorker } from "../workers/fiberWorker.ts"
import { soon, Wire } from "../workers/wire.ts"
import type { Message } from "../workers/wire.ts"
import { Computes } from "./computes.ts"
import { Detached } from "./detached.ts"
import { Life } from "./life.ts"
import { Observers } from "./observers.ts"
import { nothing, Outbox } from "./outbox.ts"
import type { Answer, Carrier, Write } from "./outbox.ts"
import { overdueLine } from "./overdue.ts"
import { Owners } from "./ownership.ts"
import { refused, Submissions } from "./submissions.ts"
import { Taping } from "./tape.ts"
import type { Tape } from "./tape.ts"
import { Waits } from "./waiters.ts"

type Mutable<A> = { -readonly [K in keyof A]: A[K] }

const inputsLost: Ending = { _tag: "InputsLost" }

/** After this many instructions, or this long by the layer's clock, the pump lets timers and I/O have a turn. */
export const turn = { instructions: 2048, millis: 10 } as const

let cores = 0

export class SchedulerCore implements Carrier, Live, Past {
  readonly name = `scheduler${++cores}`
  readonly state: State
  /** Where the engine writes transitions. */
  readonly log: Mutable<Log> = { tasks: undefined, workers: undefined }
  readonly workers: Array<FiberWorker> = []
  readonly observers: Observers
  readonly waits = new Waits(this)
  readonly detached = new Detached(this)
  readonly owners = new Owners(this)
  readonly submissions = new Submissions(this)
  readonly computes = new Computes(this)
  readonly life = new Life(this)
  readonly crew = new Crew(this)
  readonly copies = new Copies(this)
  readonly view: View
  readonly wire: Wire | undefined
  /** The state of retry schedules, from the first failure of a task to its end, whichever workers it comes to. */
  readonly schedules = new Map<TaskId, Step>()
  private readonly clock: Clock.Clock
  readonly time: Time
  readonly context: Context.Context<never>
  private readonly dispatcher: FiberScheduler.SchedulerDispatcher
  /** That of the layer. */
  private readonly asyncScope: AsyncScope = captureAsyncScope()
  /** The one in which the pump is, while it is at work. */
  private entered: AsyncScope | undefined
  private readonly causes = new Map<number, Cause.Cause<unknown>>()
  /** The values of literals that are the results of other tasks, too: no worker holds them. */
  private readonly adopted = new Map<TaskId, unknown>()
  private readonly outbox = new Outbox(
    this.workers,
    this.crew,
    this.causes,
    this.schedules,
    this.adopted,
    (task) => this.view.resultOf(task),
    (task, value) => this.cacheWrite(task, value)
  )
  private readonly tape: Tape | undefined
  /** Where the engine puts its instructions: the outbox, behind the tape if there is one. */
  private readonly out: Out
  /** Task and attempt of plain functions that have ended, and of which the engine has not been told; see {@link endedAtOnce}. */
  private readonly ends = new Fifo<number>()
  private readonly taskEnded: Mutable<TaskEnded> = { _tag: "TaskEnded", now: 0, task: 0, attempt: 0, ending: succeeded }
  private readonly sizeOf: SizeOf | undefined
  /** Ends may wait in `ends`. */
  private readonly savesUpEnds: boolean
  private isAwake = false
  /** Whether a result was ever lost, with its worker or because a body said so. */
  hasLost = false
  private alarm: Fiber.Fiber<void> | undefined
  private nextCause = 1

  constructor(
    context: Context.Context<never>,
    clock: Clock.Clock,
    scheduler: FiberScheduler.Scheduler,
    settings: SchedulerSettings,
    sizeOf: SizeOf | undefined
  ) {
    this.context = context
    const warn = (...line: ReadonlyArray<unknown>): void => this.warn(...line)
    this.state = makeState({ ...settings, scheme: safe(settings.scheme, warn) })
    this.sizeOf = sizeOf && measured(sizeOf, warn)
    this.clock = clock
    this.time = new Time(clock)
    this.dispatcher = scheduler.makeDispatcher()
    this.observers = new Observers(warn, this.time)
    this.view = new View(this.state, this.workers, this.causes, this.adopted, this.time)
    this.wire = Context.get(context, Wire)
    this.savesUpEnds = this.wire === undefined && sizeOf === undefined
    this.wire?.opened(this)
    this.tape = Context.get(context, Taping)?.(settings)
    this.out = this.tape?.through(this.state, this.outbox) ?? this.outbox
  }

  /** A moment of the monotonic clock. */
  now(): number {
    return monotonicMillis(this.clock)
  }

  // ---- the mailbox

  /** Applies an event and says what it submitted, or why it did not. What follows from it is carried out by the pump, later. */
  ask(event: Event): Answer {
    const result = Result.try(() => {
      this.catchUp()
      return this.apply(event)
    })
    if (Result.isSuccess(result)) return result.success
    // Half a step has been taken: nothing that follows could be relied on.
    this.life.fail(result.failure)
    throw result.failure
  }

  /** The door of the engine: what all events pass. */
  apply(event: Event): Answer {
    const { log, observers, outbox, state, tape } = this
    if (this.life.failure !== undefined) return nothing
    log.tasks = observers.wanted
    outbox.answer = nothing
    tape?.event(event)
    advance(state, event, this.out, log)
    tape?.applied()
    const { answer } = outbox
    observers.tell()
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
  endedAtOnce(task: TaskId, attempt: number, result: unknown): void {
    if (this.savesUpEnds && this.outbox.startsNext) {
      this.ends.push(task)
      this.ends.push(attempt)
    } else this.succeeded(task, attempt, result)
  }

  /** A worker has the result of an attempt. */
  succeeded(task: TaskId, attempt: number, result: unknown): void {
    const { sizeOf } = this
    this.ended(task, attempt, sizeOf === undefined ? succeeded : { _tag: "Succeeded", size: sizeOf(result) })
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

  /** What was carried out last, a start by the number of its task. */
  get lastCarried(): Instruction | number | undefined {
    return this.outbox.last
  }

  /** Whether what was asked for last has been carried out. */
  get isAtRest(): boolean {
    return !this.isAwake
  }

  private wake(): void {
    this.isAwake = true
    if (this.wire === undefined) soon(this.enter)
    else this.wire.defer(this.enter)
  }

  /**
   * The pump works in the async context of the task that starts next: mostly all starts of a turn are of one request, and need
   * not enter it one by one. Whatever else runs code of users enters the context where that belongs.
   */
  private readonly enter = (): void => {
    const { nextStart } = this.outbox
    this.entered = nextStart < 0 ? this.asyncScope : this.asyncScopeOf(nextStart)
    this.entered.runInAsyncScope(this.pump)
    this.entered = undefined
  }

  /** The async context of whoever submitted a live task first; that of the layer for others. */
  asyncScopeOf(task: TaskId): AsyncScope {
    const { index, submission } = this.state.tasks
    const plan = submission[task]?.plan as LivePlan | undefined
    return plan === undefined ? this.asyncScope : runOf(plan, index[task]!).asyncScope
  }

  /** Carries instructions out until none is left or the turn is over; then timers and I/O go first. */
  private readonly pump = (): void => this.life.guard(this.carryAll)

  private readonly carryAll = (): void => {
    const { outbox } = this
    if (this.life.failure !== undefined) return
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
    this.dispatcher.scheduleTask(this.enter, 0)
  }

  start(task: TaskId, attempt: number): void {
    if (this.wire === undefined) this.startNow(task, attempt)
    else this.carry("Start", task, attempt, () => this.startNow(task, attempt))
  }

  private startNow(task: TaskId, attempt: number): void {
    const { index, submission, worker } = this.state.tasks
    if (this.hasLost) {
      // The worker to which it was sent was lost before it began.
      if (!isPresent(this.state, task, attempt)) return
      if (!this.hasInputs(task) && !this.isStopping(task, attempt)) return this.ended(task, attempt, inputsLost)
    }
    const plan = submission[task]!.plan as LivePlan
    const place = index[task]!
    const to = this.workers[worker[task]!]!
    const { asyncScope } = runOf(plan, place)
    if (asyncScope === this.entered) to.start(task, attempt, plan, place)
    else asyncScope.runInAsyncScope(() => to.start(task, attempt, plan, place))
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
      case "Copy":
        return this.copies.make(instruction)
      case "WaitEnded": {
        const end = (): void => this.waits.end(instruction.wait, instruction.starved)
        return this.wire === undefined ? end() : this.wire.carryLast(end)
      }
      case "WakeAt":
        // Most attempts that are asked to stop have stopped by now: no alarm rings for what is not due any more.
        if (instruction.at !== this.state.wakeAt) return
        return this.asyncScope.runInAsyncScope(() => this.setAlarm(instruction.at))
      case "Overdue":
        return this.asyncScopeOf(instruction.task).runInAsyncScope(() => this.warnOverdue(instruction))
      case "StartWorker":
        return this.asyncScope.runInAsyncScope(() => this.crew.start())
      case "WorkerLeft":
        return this.asyncScope.runInAsyncScope(() => this.crew.depart())
      case "WorkerExpired":
        return this.asyncScope.runInAsyncScope(() => this.crew.bury())
      default:
        return
    }
  }

  private setAlarm(at: number): void {
    this.alarm?.interruptUnsafe()
    const sleep = this.clock.sleep(Duration.millis(Math.max(0, at - this.now())))
    const ring = Effect.sync(() => {
      // A sleep of a fraction of a millisecond may end a little early by the clock: asked again, it might not go on at all.
      this.life.guard(() => this.ask({ _tag: "TimeCame", now: Math.max(at, this.now()) }))
    })
    this.alarm = Effect.runForkWith(this.context)(Effect.andThen(sleep, ring))
  }

  /** No alarm rings any more. */
  silence(): void {
    this.alarm?.interruptUnsafe()
  }

  private warnOverdue(overdue: Overdue): void {
    const { attempt, task, worker } = overdue
    if (!this.isStopping(task, attempt)) return
    const line = overdueLine(this.state, overdue, this.workers[worker]!.obstacleOf(task))
    this.warn(line)
  }

  warn(...line: ReadonlyArray<unknown>): void {
    Effect.runForkWith(this.context)(warning(...line))
  }

  sleep(millis: number): Effect.Effect<void> {
    return this.clock.sleep(Duration.millis(millis))
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
    const isMeant = cache !== undefined && isFor(cache, taskAt({ submission: submission[task]!, index: index[task]! }))
    const key = isMeant ? plan.settings.get(index[task]!)?.key : undefined
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
    if (settingsOf(this.state, task)?.policies !== undefined) return areInputsThere(this.state, task)
    return dependenciesOf(this.state, task).every((input) => hasEnded(this.state.tasks.phase[input] as PhaseOf))
  }

  /** Where what a task depends on was registered; nothing for what it has let go of. */
  dependenciesOf(task: TaskId): ReadonlyArray<Place | undefined> {
    return dependencyRows(this.state, task).map((each) => each < 0 ? undefined : placeOf(this.state, each))
  }

  /** The task that `task` depends on alone. */
  inputOf(task: TaskId): TaskId {
    const { index, submission } = this.state.tasks
    const { offsets, targets } = submission[task]!.plan
    return liveOf(submission[task]!, targets[offsets[index[task]!]!]!)
  }

  /** The results of all that a task depends on, from the workers that hold them. */
  inputsOf(task: TaskId): Array<unknown> {
    const { state: { tasks: { index, submission, worker } }, workers } = this
    const { ids, plan: { offsets, targets } } = submission[task]!
    const from = offsets[index[task]!]!
    const values = new Array<unknown>(offsets[index[task]! + 1]! - from)
    // A look-up of the holder is a cache miss in a large table.
    const only = workers.length === 1 && !this.state.hasLiterals ? workers[0] : undefined
    for (let i = 0; i < values.length; i++) {
      const target = targets[from + i]!
      const input = target >= 0 ? ids[target]! : ~target
      values[i] = only === undefined && worker[input]! < 0
        ? this.view.resultOf(input)
        : (only ?? workers[worker[input]!])?.results.get(input)
    }
    if (this.state.needs.size > 0 && this.state.needs.has(task)) this.putExits(task, values)
    return values
  }

  /** Puts exits in the places of inputs that have a policy, and nothing for those that have not ended. */
  private putExits(task: TaskId, values: Array<unknown>): void {
    const { groups } = this.state.needs.get(task)!
    const rows = dependencyRows(this.state, task)
    for (const { from, of, to } of groups) {
      if (of !== "inputs") continue
      for (let place = from; place < to; place++) {
        const input = rows[place]!
        const hasCome = input >= 0 && hasEnded(this.state.tasks.phase[input] as PhaseOf)
        values[place] = hasCome ? this.view.exitOf(input) : undefined
      }
    }
  }

  keepCause(cause: Cause.Cause<unknown>): number {
    const number = this.nextCause++
    this.causes.set(number, cause)
    return number
  }

  /** Somebody outside says how the task of a future ended; says whether that counts. */
  settle({ claim }: FutureImpl, exit: Exit.Exit<unknown, unknown>): boolean {
    this.catchUp()
    const { task } = claim
    if (claim.state !== "live" || !maySettle(this.state, task)) return false
    if (Exit.isSuccess(exit)) this.outbox.given.set(task, exit.value)
    const ending = Exit.isSuccess(exit)
      ? succeeded
      : endingGiven(withoutInterrupts(exit.cause), (cause) => this.keepCause(cause))
    const isTaken = this.ask({ _tag: "TaskSettled", now: this.now(), task, ending })._tag === "Submitted"
    if (!isTaken) this.outbox.given.delete(task)
    return isTaken
  }

  /** A flatMap body has returned a task: submits it in place of the attempt. */
  expand(task: TaskId, attempt: number, returned: unknown, run: Run, worker: FiberWorker): void {
    if (this.wire === undefined) this.expandNow(task, attempt, returned, run, worker)
    else this.carry("Ended", task, attempt, () => this.expandNow(task, attempt, returned, run, worker))
  }

  private expandNow(task: TaskId, attempt: number, returned: unknown, run: Run, worker: FiberWorker): void {
    const inner = innerOf(run)
    const compiled = isTask(returned) ? compile([returned], this, inner) : notATask(this.keyOf(task), returned)
    if (compiled instanceof GraphError) return worker.fail(task, attempt, Cause.fail(compiled))
    const { plan, targets } = compiled
    const { index, submission } = placeOf(this.state, task)
    const answer = this.ask({ _tag: "TaskExpanded", now: this.now(), task, attempt, plan, target: targets[0]! })
    if (answer._tag === "Rejected") return worker.fail(task, attempt, Cause.fail(refused(answer)))
    // The attempt may be over by now, and its row free.
    if (answer === nothing) return
    if ((submission.plan as LivePlan).isUnfolded) spend(submission, index)
    plan.isUnfolded = true
  }

  // ---- compiling

  find(identity: Identity): TaskId {
    return this.state.keys.get(identity) ?? -1
  }

  isSpent(id: TaskId): boolean {
    return isSpent(this.state, id)
  }

  namedOf(id: TaskId): Named | undefined {
    return namedBy(settingsOf(this.state, id))
  }

  placeOf(id: TaskId): Place {
    return placeOf(this.state, id)
  }

  refuse({ claim, core }: FutureImpl): string | undefined {
    if (core !== this) return "it belongs to another scheduler; join it there and pass the value"
    if (claim.state === "released") return `its result ${releaseText(this.view.releaseOf(claim))}`
    return claim.state === "cancelled" ? "it was cancelled" : undefined
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
}

/** The world of a graph that a flatMap task returned. */
const innerOf = (run: Run): Run => {
  const { annotations: { namespace }, cache, defaults } = run
  if (defaults === undefined && cache === undefined) return run
  return {
    ...run,
    defaults: defaults && defaultsOfChildren(defaults),
    cache: cache && namespace === undefined ? { ...cache, forCallsAlone: true } : cache
  }
}

/**
 * Drops the functions and inputs of a plan that has done its work: it was returned by a flatMap task, and all that is left of it
 * is one that stands for another by now. Nobody has a future of that, and what it stands in for runs itself again if it must. A
 * loop would otherwise hold those of all its rounds. One with a key may be joined, or run again for others.
 */
const spend = ({ ids, plan }: Submission, index: number): void => {
  if (plan.settings.size > 0 || ids.some((id, other) => id >= 0 && other !== index)) return
  const { functions, nodes } = plan as unknown as { functions: Array<unknown>; nodes: Array<TaskImpl> }
  for (let i = 0; i < nodes.length; i++) {
    functions[i] = undefined
    nodes[i] = spentTask
  }
}

const spentTask = new TaskImpl({ _tag: "value", value: undefined }, undefined, "none", noHandles, noOptions, undefined)

const notATask = (key: string, returned: unknown): GraphError => {
  const foreign = foreignText(returned)
  const dependency = `what its function returned, ${foreign ?? briefResult(returned)}`
  const why = foreign === undefined ? "it is no task" : keepOneCopy
  return new GraphError({ reason: { _tag: "InvalidDependency", key, dependency, why } })
}
