/**
 * The worker actor inside a process: each attempt is a fiber, started when the engine says so and watched until it has
 * ended, its finalizers included.
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
import type * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import type { Ending } from "../engine/Event.ts"
import type { Start, Stop } from "../engine/Instruction.ts"
import type { TaskId } from "../engine/State.ts"
import { GraphError, TaskTimeout } from "../SkeinError.ts"
import { Worker } from "../Worker.ts"
import { Attempt } from "./attempt.ts"
import { Results } from "./results.ts"
import type { Run } from "./compile.ts"
import type { SchedulerCore } from "./schedulerCore.ts"
import { assemble, isTask } from "./task.ts"
import type { TaskImpl } from "./task.ts"

const succeeded: Ending = { _tag: "Succeeded" }
const interrupted: Ending = { _tag: "Interrupted" }

type Step = (now: number, input: unknown) => Effect.Effect<[unknown, Duration.Duration], unknown, unknown>

export class FiberWorker {
  readonly index: number
  readonly name: string
  readonly results = new Results()
  private readonly core: SchedulerCore
  /** The attempts that have not ended within the call that started them. */
  private readonly fibers = new Map<TaskId, Fiber.Fiber<unknown, unknown>>()
  /** The state of retry schedules, from the first failure of a task to its end. */
  private readonly schedules = new Map<TaskId, Step>()

  constructor(core: SchedulerCore, index: number, name: string) {
    this.core = core
    this.index = index
    this.name = name
  }

  /** Fibers that are running now. */
  get live(): number {
    return this.fibers.size
  }

  start(order: Start, task: TaskImpl, run: Run): void {
    if (this.core.isStopping(order.task, order.attempt)) {
      // Cancelled in the same turn in which it was started: the body never runs.
      this.report(order.task, order.attempt, interrupted)
      return
    }
    if (task.body._tag === "map") this.startPlain(order, task.body.run, task, run)
    else this.startInScope(order, task, run)
  }

  /** A plain function needs neither scope nor services. */
  private startPlain(order: Start, f: (values: unknown) => unknown, task: TaskImpl, run: Run): void {
    const fiber = run.fork(Effect.sync(() => f(this.inputsOf(order, task))))
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) this.ended(order, task, run, exit)
    else this.watch(order, fiber, (exit) => this.ended(order, task, run, exit))
  }

  private startInScope(order: Start, task: TaskImpl, run: Run): void {
    const scope = Scope.makeUnsafe()
    const context = this.contextFor(order, run, scope)
    const fork = Effect.runForkWith(context)
    const fiber = fork(this.bodyOf(order, task))
    const close = (exit: Exit.Exit<unknown, unknown>): void => {
      if (scope.state._tag === "Empty") this.ended(order, task, run, exit)
      else this.closeScope(order, task, run, exit, scope, context)
    }
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) close(exit)
    else this.watch(order, fiber, close)
  }

  private contextFor(order: Start, run: Run, scope: Scope.Scope): Context.Context<never> {
    const attempt = new Attempt(this.core, this.name, order)
    return Context.add(Context.add(run.context, Worker, attempt), Scope.Scope, scope) as Context.Context<never>
  }

  /** The attempt counts as running until everything that it acquired or submitted has been closed. */
  private closeScope(
    order: Start,
    task: TaskImpl,
    run: Run,
    exit: Exit.Exit<unknown, unknown>,
    scope: Scope.Closeable,
    context: Context.Context<never>
  ): void {
    const closing = Effect.runForkWith(context)(Effect.exit(Scope.close(scope, exit)), { uninterruptible: true })
    const done = (closed: Exit.Exit<Exit.Exit<void>>): void => {
      const both = Exit.isSuccess(closed) && Exit.isFailure(closed.value) ? Exit.asVoidAll([exit, closed.value]) : exit
      this.ended(order, task, run, Exit.isFailure(both) ? both : exit)
    }
    const closed = closing.pollUnsafe()
    if (closed !== undefined) done(closed)
    else closing.addObserver(done)
  }

  private watch(
    { task }: Start,
    fiber: Fiber.Fiber<unknown, unknown>,
    ended: (exit: Exit.Exit<unknown, unknown>) => void
  ): void {
    this.fibers.set(task, fiber)
    fiber.addObserver((exit) => {
      this.fibers.delete(task)
      ended(exit)
    })
  }

  private bodyOf(order: Start, task: TaskImpl): Effect.Effect<unknown, unknown> {
    const { body } = task
    switch (body._tag) {
      case "effect": {
        if (task.shape === "none" && task.inputs === undefined) return body.run(undefined) as Effect.Effect<unknown>
        return Effect.suspend(() => body.run(this.inputsOf(order, task))) as Effect.Effect<unknown>
      }
      case "flatMap":
      case "map":
        return Effect.sync(() => body.run(this.inputsOf(order, task)))
      case "exit":
        return Effect.succeed(this.core.view.exitOf(order.inputs[0]!))
      case "value":
        return Effect.succeed(body.value)
    }
  }

  private inputsOf({ holders, inputs }: Start, task: TaskImpl): unknown {
    if (task.shape === "none") return task.inputs
    const values = new Array<unknown>(inputs.length)
    for (let i = 0; i < inputs.length; i++) {
      const holder = holders === undefined ? this : this.core.workers[holders[i]!]
      values[i] = holder?.results.get(inputs[i]!)
    }
    return assemble(task, values)
  }

  private ended(order: Start, task: TaskImpl, run: Run, exit: Exit.Exit<unknown, unknown>): void {
    if (Exit.isSuccess(exit)) {
      if (task.body._tag === "flatMap") this.core.expand(order, exit.value, run, this)
      else this.succeed(order, task, run, exit.value)
      return
    }
    const cause = Cause.fromReasons(exit.cause.reasons.filter((reason) => !Cause.isInterruptReason(reason)))
    if (cause.reasons.length > 0) this.failed(order, task, run, cause)
    else if (this.core.hasTimedOut(order.task)) this.timedOut(order, task, run)
    else this.report(order.task, order.attempt, interrupted)
  }

  private succeed(order: Start, { body }: TaskImpl, run: Run, value: unknown): void {
    this.results.set(order.task, value)
    if (run.cache !== undefined && body._tag !== "value") this.core.cache(order.task, value)
    this.report(order.task, order.attempt, succeeded)
  }

  private timedOut(order: Start, task: TaskImpl, run: Run): void {
    const { retry, timeoutMillis } = task.options
    if (retry === undefined) return this.report(order.task, order.attempt, interrupted)
    const key = this.core.keyOf(order.task)
    const error = new TaskTimeout({ key, of: "attempt", millis: timeoutMillis! })
    this.decide(order, run, retry, error, () => this.report(order.task, order.attempt, interrupted))
  }

  private failed(order: Start, task: TaskImpl, run: Run, cause: Cause.Cause<unknown>): void {
    const error = Cause.findErrorOption(cause)
    const { retry } = task.options
    const isFinal = retry === undefined || error._tag === "None" || cause.reasons.some(Cause.isDieReason) ||
      !isRetriable(error.value)
    if (isFinal) this.fail(order.task, order.attempt, cause)
    else this.decide(order, run, retry, error.value, () => this.fail(order.task, order.attempt, cause))
  }

  /** Reports a failure, whose cause is kept for those who observe it. */
  fail(task: TaskId, attempt: number, cause: Cause.Cause<unknown>): void {
    const failure = this.core.keepCause(cause)
    this.report(task, attempt, { _tag: "Failed", failure, defect: Cause.findErrorOption(cause)._tag === "None" })
  }

  /** Asks the task's schedule whether and when to try again. */
  private decide(
    order: Start,
    run: Run,
    retry: Schedule.Schedule<unknown, unknown, unknown, unknown>,
    error: unknown,
    giveUp: () => void
  ): void {
    const decision: Effect.Effect<[unknown, Duration.Duration], unknown> = Effect.suspend(() => {
      const present = this.schedules.get(order.task)
      const step = present === undefined
        ? Effect.tap(Schedule.toStep(retry), (step) => Effect.sync(() => this.schedules.set(order.task, step as Step)))
        : Effect.succeed(present)
      return Effect.flatMap(step, (step) => (step as Step)(this.core.now(), error))
    }) as Effect.Effect<[unknown, Duration.Duration], unknown>
    const fiber = run.fork(decision)
    const decided = (exit: Exit.Exit<[unknown, Duration.Duration], unknown>): void => {
      if (Exit.isSuccess(exit)) {
        const delayMillis = Duration.toMillis(exit.value[1])
        this.report(order.task, order.attempt, { _tag: "Retried", delayMillis })
      } else if (isDone(exit.cause)) giveUp()
      else this.fail(order.task, order.attempt, exit.cause)
    }
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) decided(exit)
    else fiber.addObserver(decided)
  }

  report(task: TaskId, attempt: number, ending: Ending): void {
    this.core.ended(task, attempt, ending)
  }

  stop({ task }: Stop): void {
    this.fibers.get(task)?.interruptUnsafe()
  }

  forget(task: TaskId, holdsResult: boolean): void {
    if (holdsResult) this.results.delete(task)
    if (this.schedules.size > 0) this.schedules.delete(task)
  }
}

const isDone = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.some((reason) => Cause.isFailReason(reason) && Cause.isDone(reason.error))

/** Failures of the runtime and of dependencies do not get better by trying again. */
const isRetriable = (error: unknown): boolean =>
  !(error instanceof GraphError) && !isTask(error) && !hasTag(error, notRetried)

const notRetried: ReadonlySet<unknown> = new Set(["DependencyFailed", "TaskCancelled", "Starved", "Released"])

const hasTag = (error: unknown, tags: ReadonlySet<unknown>): boolean =>
  typeof error === "object" && error !== null && "_tag" in error && tags.has(error._tag)
