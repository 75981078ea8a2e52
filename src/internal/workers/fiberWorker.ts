/**
 * The worker actor inside a process: each attempt is a fiber, which is watched until it has ended, finalizers included.
 *
 * ```text
 * [engine] -- Start, Stop, Forget --> [worker] -- runs --> [one fiber an attempt]
 *          <-- TaskEnded ------------
 * ```
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { interrupted } from "../../engine/protocol/Event.ts"
import type { Ending } from "../../engine/protocol/Event.ts"
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Finalize, Stop } from "../../engine/protocol/Instruction.ts"
import { originsOf } from "../../engine/protocol/Registered.ts"
import { TaskTimeout } from "../../SkeinError.ts"
import { Attempt, attemptOf } from "../bodies/attempt.ts"
import type { Obstacle } from "../bodies/attempt.ts"
import { assembled, bodyOf, strayResult, valueOf } from "../bodies/bodies.ts"
import { runOf } from "../bodies/livePlan.ts"
import type { LivePlan, Run } from "../bodies/livePlan.ts"
import { missedBy } from "../bodies/missed.ts"
import { delayOf, isDone, isRetriable, retryOf } from "../bodies/retries.ts"
import { endingOf, missedIn, withoutInterrupts, withoutSignals } from "../bodies/signals.ts"
import type { TaskImpl } from "../tasks/task.ts"
import { Worker } from "../tasks/worker.ts"
import { quote } from "../text/text.ts"
import { looked } from "../values/looks.ts"
import { keptIn } from "./kept.ts"
import { Resources } from "./resources.ts"
import { Results } from "./results.ts"
import type { Supervisor } from "./supervisor.ts"

/** One attempt of a task. */
interface Order {
  readonly task: TaskId
  readonly attempt: number
}

export class FiberWorker {
  /** Its row in the engine's table, from the moment in which it joins. */
  index = -1
  readonly name: string
  readonly labels: ReadonlyArray<string>
  readonly results = new Results()
  private readonly scheduler: Supervisor
  private readonly mailbox: Supervisor["mailbox"]
  private readonly attempts: Supervisor["attempts"]
  private readonly inputs: Supervisor["inputs"]
  private readonly waits: Supervisor["waits"]
  /** The attempts that have not ended within the call that started them. */
  private readonly fibers = new Map<TaskId, Fiber.Fiber<unknown, unknown>>()
  /** The number of attempts inside the call that starts them, which are not in `fibers` yet. */
  private starting = 0
  /** The fibers that close the scopes of ended bodies. */
  private readonly closing = new Set<Fiber.Fiber<unknown, unknown>>()
  /** Whether the worker is lost: its attempts report nothing and leave no results. */
  isLost = false
  private readonly resources = new Resources(this.closing)

  constructor(scheduler: Supervisor, name: string, labels: ReadonlyArray<string>) {
    this.scheduler = scheduler
    this.mailbox = scheduler.mailbox
    this.attempts = scheduler.attempts
    this.inputs = scheduler.inputs
    this.waits = scheduler.waits
    this.name = name
    this.labels = labels
  }

  start(id: TaskId, attempt: number, plan: LivePlan, index: number): void {
    const f = plan.functions[index]
    // A body that may observe the scheduler must see all ends.
    if (f === undefined && plan.nodes[index]!.plain === undefined) this.mailbox.catchUp()
    // Cancelled in the same turn in which it was started: the body never runs.
    if (this.attempts.isStopping(id, attempt)) return this.report(id, attempt, interrupted)
    // Inputs are read now: by the time the body gets to them, the worker that holds them may be lost.
    if (f !== undefined) {
      const inputs = this.inputs.of(id)
      return this.startPlain(id, attempt, plan, index, () => valueOf(f, inputs, this.attempts, id))
    }
    const task = plan.nodes[index]!
    const { plain } = task
    if (plain === undefined) return this.startInScope({ task: id, attempt }, task, runOf(plan, index))
    const inputs = this.inputsOf(id, task)
    this.startPlain(
      id,
      attempt,
      plan,
      index,
      () => valueOf(plain, assembled(task, inputs), this.attempts, id)
    )
  }

  /** A plain function needs neither scope nor services, and ends within the call that starts it, unless its fiber must yield. */
  private startPlain(id: TaskId, attempt: number, plan: LivePlan, index: number, body: () => unknown): void {
    const { nodes } = plan
    const run = runOf(plan, index)
    const fiber = run.fork(this.wired(id, Effect.sync(body)))
    const exit = fiber.pollUnsafe()
    if (exit === undefined) this.watchPlain({ task: id, attempt }, nodes[index]!, run, fiber)
    // The path of most tasks, without an object for the order. `ended` handles all other cases.
    else if (
      Exit.isSuccess(exit) && run.cache === undefined && !this.isLost && !this.attempts.isStopping(id, attempt)
    ) {
      this.results.set(id, exit.value)
      this.mailbox.endedAtOnce(id, attempt, exit.value)
    } else this.ended({ task: id, attempt }, nodes[index]!, run, exit)
  }

  private watchPlain(order: Order, task: TaskImpl, run: Run, fiber: Fiber.Fiber<unknown, unknown>): void {
    this.watch(order, fiber, (exit) => this.ended(order, task, run, exit))
  }

  private startInScope(order: Order, task: TaskImpl, run: Run): void {
    const scope = Scope.makeUnsafe()
    const context = this.contextFor(order, run, scope)
    const fiber = this.launch(context, this.wired(order.task, this.bodyOf(order, task)))
    const close = (given: Exit.Exit<unknown, unknown>): void => {
      const exit = this.checked(order, task, given)
      if (task.options.resource === true && Exit.isSuccess(exit) && this.counts(order)) {
        const { asyncScope } = run
        this.resources.add(order.task, { scope, exit, context, asyncScope, key: this.attempts.keyOf(order.task) })
        return this.succeed(order.task, order.attempt, task, run, exit.value)
      }
      if (scope.state._tag !== "Empty") return this.closeScope(order, task, run, exit, scope, context)
      // Closed in any case, because a fiber that outlives the body must not open it again.
      Scope.closeUnsafe(scope, exit)
      this.ended(order, task, run, exit)
    }
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return close(exit)
    if (this.isLost) this.scheduler.crew.disown(scope)
    this.watch(order, fiber, close)
  }

  private launch<A, E>(context: Context.Context<never>, effect: Effect.Effect<A, E>): Fiber.Fiber<A, E> {
    this.starting++
    const fiber = Effect.runForkWith(context)(effect)
    this.starting--
    return fiber
  }

  /** The exit of a body; a defect if its effect returned work that nothing would run or wait for. */
  private checked(order: Order, task: TaskImpl, exit: Exit.Exit<unknown, unknown>): Exit.Exit<unknown, unknown> {
    // Most results need no further checks.
    if (Exit.isFailure(exit) || typeof exit.value !== "object" || exit.value === null) return exit
    // The inputs of an attempt that does not count may be gone.
    const inputs = () => this.counts(order) ? assembled(task, this.inputsOf(order.task, task)) : undefined
    const wrong = strayResult(task, exit.value, inputs, this.attempts, order.task)
    return wrong === undefined ? exit : Exit.die(wrong)
  }

  /** Whether the result of an attempt counts. */
  private counts({ attempt, task }: Order): boolean {
    return !this.isLost && !this.attempts.isStopping(task, attempt)
  }

  private contextFor(order: Order, run: Run, scope: Scope.Scope): Context.Context<never> {
    const attempt = new Attempt(
      this.scheduler.home,
      this,
      order.task,
      order.attempt,
      this.attempts.startsOf(order.task),
      scope,
      this.attempts.submissionOf(order.task),
      this.attempts.indexOf(order.task)
    )
    const context = Context.add(Context.add(run.context, Worker, attempt), Scope.Scope, scope) as Context.Context<never>
    attempt.context = context
    attempt.base = run.context
    return context
  }

  /** Closes the scope of an attempt, which counts as running until then. */
  private closeScope(
    order: Order,
    task: TaskImpl,
    run: Run,
    exit: Exit.Exit<unknown, unknown>,
    scope: Scope.Closeable,
    context: Context.Context<never>
  ): void {
    const closing = keptIn(this.closing, context, Effect.exit(Scope.close(scope, exit)))
    const done = (closed: Exit.Exit<Exit.Exit<void>>): void => {
      const both = Exit.isSuccess(closed) && Exit.isFailure(closed.value) ? Exit.asVoidAll([exit, closed.value]) : exit
      this.ended(order, task, run, Exit.isFailure(both) ? both : exit)
    }
    const closed = closing.pollUnsafe()
    if (closed !== undefined) done(closed)
    else closing.addObserver((closed) => this.scheduler.life.guard(() => done(closed)))
  }

  private watch(
    { attempt, task }: Order,
    fiber: Fiber.Fiber<unknown, unknown>,
    ended: (exit: Exit.Exit<unknown, unknown>) => void
  ): void {
    this.fibers.set(task, fiber)
    fiber.addObserver((exit) => {
      this.fibers.delete(task)
      this.waits.bodyEnded(attempt)
      this.scheduler.life.guard(() => ended(exit))
    })
    // The worker was lost inside the call that started it, before it was in `fibers`.
    if (this.isLost) fiber.interruptUnsafe()
  }

  private bodyOf({ task: id }: Order, task: TaskImpl): Effect.Effect<unknown, unknown> {
    const inputs = task.kind === "exit"
      ? [this.inputs.exitOfOnly(id)]
      : this.inputsOf(id, task)
    return bodyOf(task, inputs, this.attempts, id)
  }

  private wired(id: TaskId, body: Effect.Effect<unknown, unknown>): Effect.Effect<unknown, unknown> {
    const { line } = this.scheduler
    return line === undefined ? body : line.body(id, body)
  }

  private inputsOf(id: TaskId, task: TaskImpl): Array<unknown> | undefined {
    return task.shape === "none" ? undefined : this.inputs.of(id)
  }

  private ended(order: Order, task: TaskImpl, run: Run, exit: Exit.Exit<unknown, unknown>): void {
    this.waits.attemptEnded(order.attempt)
    if (this.isLost) return
    if (this.attempts.isStopping(order.task, order.attempt)) return this.stopped(order, task, run)
    if (Exit.isSuccess(exit)) {
      if (task.kind === "flatMap") {
        this.scheduler.expansion.expand(order.task, order.attempt, exit.value, run, this)
      } else this.succeed(order.task, order.attempt, task, run, exit.value)
      return
    }
    const cause = withoutInterrupts(exit.cause)
    const own = withoutSignals(cause)
    if (own.reasons.length > 0) this.failed(order, task, run, own)
    else if (cause.reasons.length === 0) this.report(order.task, order.attempt, interrupted)
    else this.signalled(order, task, cause)
  }

  /** Reports the ending that a body's signal asks for. */
  private signalled({ attempt, task }: Order, { handles }: TaskImpl, cause: Cause.Cause<unknown>): void {
    const missed = missedIn(cause)
    const ending = endingOf(cause)
    if (missed === undefined || ending._tag === "Skipped") return this.report(task, attempt, ending)
    const key = this.attempts.keyOf(task)
    const found = looked(
      () => missedBy(missed, handles, key, this.inputs.placesOf(task), originsOf),
      new TypeError(`What task ${quote(key)} named in Task.dependenciesLost throws when it is looked at.`)
    )
    if (found instanceof TypeError) return this.fail(task, attempt, Cause.die(found))
    this.inputs.haveBeenLost = true
    this.report(task, attempt, { _tag: "DependenciesLost", ...found })
  }

  /** Ends a stopping attempt, whose outcome was fixed at the request. Only a timeout may be tried again. */
  private stopped(order: Order, task: TaskImpl, run: Run): void {
    if (this.attempts.hasTimedOut(order.task)) this.timedOut(order, task, run)
    else this.report(order.task, order.attempt, interrupted)
  }

  private succeed(id: TaskId, attempt: number, task: TaskImpl, run: Run, value: unknown): void {
    if (this.isLost) return
    this.results.set(id, value)
    if (run.cache !== undefined && task.kind !== "value") this.scheduler.caching.add(id, value)
    this.mailbox.succeeded(id, attempt, value)
  }

  private timedOut(order: Order, task: TaskImpl, run: Run): void {
    const { timeoutMillis } = task.options
    const retry = retryOf(task, run)
    if (retry === undefined) return this.report(order.task, order.attempt, interrupted)
    const key = this.attempts.keyOf(order.task)
    const error = new TaskTimeout({ key, of: "attempt", millis: timeoutMillis! })
    this.decide(order, run, retry, error, () => this.report(order.task, order.attempt, interrupted))
  }

  private failed(order: Order, task: TaskImpl, run: Run, cause: Cause.Cause<unknown>): void {
    const error = Cause.findErrorOption(cause)
    const retry = retryOf(task, run)
    const isFinal = retry === undefined || error._tag === "None" || cause.reasons.some(Cause.isDieReason) ||
      !isRetriable(error.value)
    if (isFinal) this.fail(order.task, order.attempt, cause)
    else this.decide(order, run, retry, error.value, () => this.fail(order.task, order.attempt, cause))
  }

  /** Reports a schedule that failed by itself, or that was interrupted with its task. */
  private scheduleFailed({ attempt, task }: Order, cause: Cause.Cause<unknown>): void {
    const rest = withoutInterrupts(cause)
    if (rest.reasons.length === 0) this.report(task, attempt, interrupted)
    else this.fail(task, attempt, rest)
  }

  /** Reports a failure, whose cause is kept for those who observe it. */
  fail(task: TaskId, attempt: number, cause: Cause.Cause<unknown>): void {
    if (this.isLost) return
    const failure = this.scheduler.failures.keep(cause)
    this.report(task, attempt, { _tag: "Failed", failure, defect: Cause.findErrorOption(cause)._tag === "None" })
  }

  /** Asks the task's schedule whether and when to try again. */
  private decide(
    order: Order,
    run: Run,
    retry: Schedule.Schedule<unknown, unknown, unknown, unknown>,
    error: unknown,
    giveUp: () => void
  ): void {
    const context = this.contextFor(order, run, Scope.makeUnsafe())
    const fiber = this.launch(
      context,
      Effect.scoped(delayOf(this.scheduler.schedules, this.scheduler.time, order.task, retry, error))
    )
    const decided = (exit: Exit.Exit<[unknown, Duration.Duration], unknown>): void => {
      this.waits.attemptEnded(order.attempt)
      if (this.isLost) return
      if (Exit.isSuccess(exit)) {
        const delayMillis = Duration.toMillis(exit.value[1])
        this.report(order.task, order.attempt, { _tag: "Retried", delayMillis })
      } else if (isDone(exit.cause)) giveUp()
      else this.scheduleFailed(order, exit.cause)
    }
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) decided(exit)
    else this.watch(order, fiber, decided as (exit: Exit.Exit<unknown, unknown>) => void)
  }

  report(task: TaskId, attempt: number, ending: Ending): void {
    this.mailbox.ended(task, attempt, ending)
  }

  stop(stop: Stop): void {
    const { task } = stop
    const fiber = this.fibers.get(task)
    if (fiber === undefined) return
    this.waits.stopComes(stop, fiber)
    this.stopFiber(task, fiber)
  }

  /** The body handles the interruption in its own async context. */
  private stopFiber(task: TaskId, fiber: Fiber.Fiber<unknown, unknown>): void {
    this.scheduler.scopes.of(task).runInAsyncScope(() => fiber.interruptUnsafe())
  }

  /** What keeps an attempt from ending. */
  obstacleOf(task: TaskId): Obstacle {
    const fiber = this.fibers.get(task)
    if (fiber === undefined) return "ending"
    const shields = attemptOf(this.scheduler.home, fiber)?.shields ?? 0
    return shields > 0 ? "shielded" : "body"
  }

  /** Runs the finalizers of a result that was released. */
  finalize({ attempt, task }: Finalize): void {
    // The worker was lost before.
    if (!this.resources.has(task)) return
    if (this.scheduler.schedules.size > 0) this.scheduler.schedules.delete(task)
    this.resources.close(task, () => {
      if (!this.isLost) this.scheduler.life.guard(() => this.mailbox.finalized(task, attempt))
    })
  }

  /** Marks the worker as lost. Returns the scopes of running bodies and of results. */
  lose(): ReadonlyArray<Scope.Scope> {
    this.isLost = true
    this.results.clear()
    const owned = this.resources.scopes()
    const running = Array.from(this.fibers).flatMap(([task, fiber]) => {
      const attempt = attemptOf(this.scheduler.home, fiber)
      // A plain function runs in the context of its submitter, which may be a body on another worker.
      return attempt?.task === task && attempt.scope !== undefined ? [attempt.scope] : []
    })
    return [...running, ...owned]
  }

  /** Interrupts everything that runs here, and closes the resources of results, which nothing else would. */
  interrupt(): void {
    for (const [task, fiber] of Array.from(this.fibers)) this.stopFiber(task, fiber)
    this.resources.closeAll()
  }

  /** Stops everything at once, for good: the scheduler has failed. */
  abort(): void {
    this.isLost = true
    // The exception may have come from inside a start.
    this.starting = 0
    this.interrupt()
  }

  /** Returns when nothing runs here any more, finalizers included. */
  readonly rest: Effect.Effect<void> = Effect.suspend(() => {
    const running = [...this.fibers.values(), ...this.closing]
    if (running.length > 0) return Effect.andThen(Fiber.awaitAll(running), this.rest)
    // A body may ask this within the call that starts it.
    return this.starting > 0 ? Effect.andThen(Effect.yieldNow, this.rest) : Effect.void
  })

  /** Drops a result. */
  discard(task: TaskId): void {
    // The results of a lost worker are gone.
    if (!this.isLost) this.results.delete(task)
  }
}
