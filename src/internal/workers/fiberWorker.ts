/**
 * The worker actor inside a process: each attempt is a fiber, which is watched until it has ended, finalizers included.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Finalize, Overdue, Stop } from "../../engine/protocol/Instruction.ts"
import { keyAt } from "../../engine/protocol/Registered.ts"
import type { Registered } from "../../engine/protocol/Registered.ts"
import { Attempt, attemptOf, contextIn } from "../bodies/attempt.ts"
import type { Host, Obstacle } from "../bodies/attempt.ts"
import { assembled, bodyOf, calledOn, strayResult, valueOf } from "../bodies/bodies.ts"
import { hearingOf } from "../bodies/hearing.ts"
import type { Home } from "../bodies/home.ts"
import { ambientOf } from "../bodies/livePlan.ts"
import type { Ambient, LivePlan } from "../bodies/livePlan.ts"
import type { Plain, TaskImpl } from "../tasks/task.ts"
import { keptIn } from "./kept.ts"
import type { Setup, WorkerPort, WorkerReports } from "./port.ts"
import { Resources } from "./resources.ts"
import { Results } from "./results.ts"

/** An attempt of which more must be known than its end. */
interface Order {
  readonly task: TaskId
  readonly attempt: number
  readonly number: number
  readonly submission: Registered
  readonly index: number
  readonly inputs: ReadonlyArray<unknown> | undefined
  /** The task, and its ambient. A lost attempt may outlive the plan of its submission. */
  readonly node: TaskImpl
  readonly ambient: Ambient
  fiber: Fiber.Fiber<unknown, unknown> | undefined
  /** Whether the worker was told to stop it. */
  isStopped: boolean
}

const orderOf = (
  task: TaskId,
  attempt: number,
  number: number,
  submission: Registered,
  index: number,
  inputs: ReadonlyArray<unknown> | undefined
): Order => {
  const plan = submission.plan as LivePlan
  return {
    task,
    attempt,
    number,
    submission,
    index,
    inputs,
    node: plan.nodes[index]!,
    ambient: ambientOf(plan, index),
    fiber: undefined,
    isStopped: false
  }
}

/** The call of a plain function that takes the results of its dependencies. */
const callOf =
  (f: Plain, inputs: ReadonlyArray<unknown> | undefined, submission: Registered, index: number) => (): unknown =>
    valueOf(f, inputs, keyAt, submission, index)

/** The call of any other plain function. */
const callAssembled =
  (f: Plain, node: TaskImpl, inputs: ReadonlyArray<unknown> | undefined, submission: Registered, index: number) =>
  (): unknown => valueOf(f, assembled(node, inputs), keyAt, submission, index)

/** Most effects have no tag: to read one is cheaper than to ask whether there is one. */
const isExit = (effect: Effect.Effect<unknown, unknown>): effect is Exit.Exit<unknown, unknown> =>
  (effect as { readonly _tag?: unknown })._tag !== undefined && Exit.isExit(effect)

/** The end of an attempt that was told to stop. */
const cut = Exit.failCause(Cause.interrupt())

export class FiberWorker implements WorkerPort {
  readonly host: Host = this
  serial = -1
  readonly name: string
  readonly labels: ReadonlyArray<string>
  readonly kind = "local"
  isLost = false
  readonly keepsResults = false
  readonly handsOver = false
  readonly ahead = 0
  readonly begun = undefined
  /** What an attempt runs in place of its body. Simulations run bodies with faults. */
  protected readonly around:
    | ((
      body: Effect.Effect<unknown, unknown>,
      submission: Registered,
      index: number,
      number: number
    ) => Effect.Effect<unknown, unknown>)
    | undefined = undefined
  private readonly home: Home
  private readonly reports: WorkerReports
  private readonly guard: Setup["guard"]
  private readonly results = new Results()
  /** The attempts that have not ended within the call that started them. */
  private readonly fibers = new Map<TaskId, Order>()
  /** The number of attempts inside the call that starts them, which are not in `fibers` yet. */
  private starting = 0
  /** The fibers that close the scopes of ended bodies. */
  private readonly closing = new Set<Fiber.Fiber<unknown, unknown>>()
  private readonly resources = new Resources(this.closing)

  constructor({ guard, home, labels, name, reports }: Setup) {
    this.name = name
    this.labels = labels
    this.home = home
    this.reports = reports
    this.guard = guard
  }

  get parts(): ReadonlyArray<object> {
    return [this.resources]
  }

  get held(): number {
    return this.results.size
  }

  start(
    task: TaskId,
    attempt: number,
    number: number,
    submission: Registered,
    index: number,
    inputs: ReadonlyArray<unknown> | undefined
  ): void {
    // The worker was lost before the message arrived.
    if (this.isLost) return
    const { functions, nodes } = submission.plan as LivePlan
    const f = functions[index]
    if (f !== undefined) {
      return this.startPlain(task, attempt, number, submission, index, callOf(f, inputs, submission, index))
    }
    const node = nodes[index]!
    const { plain } = node
    if (plain === undefined) {
      const order = orderOf(task, attempt, number, submission, index, inputs)
      return this.startBody(order, this.bodyOf(order))
    }
    const body = callAssembled(plain, node, inputs, submission, index)
    this.startPlain(task, attempt, number, submission, index, body)
  }

  /** A plain function needs neither scope nor services, and ends within the call that starts it, unless its fiber must yield. */
  private startPlain(
    task: TaskId,
    attempt: number,
    number: number,
    submission: Registered,
    index: number,
    body: () => unknown
  ): void {
    const plan = submission.plan as LivePlan
    const ambient = ambientOf(plan, index)
    const effect = Effect.sync(body)
    const fiber = ambient.fork(this.around === undefined ? effect : this.around(effect, submission, index, number))
    const exit = fiber.pollUnsafe()
    if (exit === undefined) {
      this.watchPlain(orderOf(task, attempt, number, submission, index, undefined), fiber)
      // The path of most tasks, without an object for the order. `ended` handles all other cases.
    } else if (Exit.isSuccess(exit) && ambient.cache === undefined && !this.isLost) {
      this.results.set(task, exit.value)
      this.reports.endedAtOnce(task, attempt, exit.value)
    } else this.ended(task, attempt, plan.nodes[index]!, exit)
  }

  private watchPlain(order: Order, fiber: Fiber.Fiber<unknown, unknown>): void {
    this.watch(order, fiber, (exit) => this.orderEnded(order, exit))
  }

  private bodyOf({ ambient, index, inputs, node, number, submission }: Order): Effect.Effect<unknown, unknown> {
    const { around } = this
    if (around !== undefined) return around(bodyOf(node, inputs, keyAt, submission, index), submission, index, number)
    const { body } = node
    const here = body._tag === "effect" ? body.here?.(ambient.context) : undefined
    // A handler that is a plain function has ended then: it needs neither a fiber nor a scope.
    return here === undefined ? bodyOf(node, inputs, keyAt, submission, index) : calledOn(here, node, inputs)
  }

  private startBody(order: Order, body: Effect.Effect<unknown, unknown>): void {
    const { ambient, node } = order
    if (node.options.resource === true) return this.startInScope(order, body)
    // What has ended needs no fiber to say so, and a function that gives a graph neither scope nor services.
    if (isExit(body)) return this.orderEnded(order, this.checked(order, body))
    if (node.kind !== "flatMap") return this.startInScope(order, body)
    const fiber = ambient.fork(body)
    const close = (exit: Exit.Exit<unknown, unknown>): void => this.orderEnded(order, this.checked(order, exit))
    const exit = fiber.pollUnsafe()
    if (exit === undefined) this.watch(order, fiber, close)
    else close(exit)
  }

  private startInScope(order: Order, body: Effect.Effect<unknown, unknown>): void {
    const scope = Scope.makeUnsafe()
    const { ambient, attempt: serial, index, number, submission, task } = order
    const attempt = new Attempt(this.home, this, task, serial, number, scope, submission, index)
    attempt.ambient = ambient
    const fiber = this.launch(contextIn(ambient.context, attempt, scope), body)
    const exit = fiber.pollUnsafe()
    if (exit === undefined) this.watchInScope(order, scope, attempt, fiber)
    else this.endInScope(order, scope, attempt, exit)
  }

  private watchInScope(
    order: Order,
    scope: Scope.Closeable,
    attempt: Attempt,
    fiber: Fiber.Fiber<unknown, unknown>
  ): void {
    this.watch(order, fiber, (exit) => this.endInScope(order, scope, attempt, exit))
  }

  /** A body has ended that has a scope. */
  private endInScope(
    order: Order,
    scope: Scope.Closeable,
    attempt: Attempt,
    given: Exit.Exit<unknown, unknown>
  ): void {
    const { node, task } = order
    const exit = this.checked(order, given)
    if (node.options.resource === true && Exit.isSuccess(exit) && !order.isStopped && !this.isLost) {
      const { ambient: { asyncScope }, index, submission } = order
      this.resources.add(task, { scope, exit, context: attempt.context!, asyncScope, key: keyAt(submission, index) })
      return this.ended(task, order.attempt, node, exit)
    }
    if (scope.state._tag !== "Empty") return this.closeScope(order, exit, scope, attempt)
    // Closed in any case, because a fiber that outlives the body must not open it again.
    Scope.closeUnsafe(scope, exit)
    this.orderEnded(order, exit)
  }

  private launch<A, E>(context: Context.Context<never>, effect: Effect.Effect<A, E>): Fiber.Fiber<A, E> {
    this.starting++
    const fiber = Effect.runForkWith(context)(effect)
    this.starting--
    return fiber
  }

  /** The exit of a body; a defect if its effect returned work that nothing would run or wait for. */
  private checked(
    { index, inputs, node, submission }: Order,
    exit: Exit.Exit<unknown, unknown>
  ): Exit.Exit<unknown, unknown> {
    // Most results need no further checks.
    if (Exit.isFailure(exit) || typeof exit.value !== "object" || exit.value === null) return exit
    const wrong = strayResult(node, exit.value, () => assembled(node, inputs), keyAt, submission, index)
    return wrong === undefined ? exit : Exit.die(wrong)
  }

  /** Closes the scope of an attempt, which counts as running until then. */
  private closeScope(
    order: Order,
    exit: Exit.Exit<unknown, unknown>,
    scope: Scope.Closeable,
    attempt: Attempt
  ): void {
    const rest = this.home.owners.closeScope(scope, exit, attempt)
    if (rest === undefined) return this.orderEnded(order, exit)
    const closing = keptIn(this.closing, attempt.context!, Effect.exit(rest))
    const done = (closed: Exit.Exit<Exit.Exit<void>>): void => {
      const both = Exit.isSuccess(closed) && Exit.isFailure(closed.value) ? Exit.asVoidAll([exit, closed.value]) : exit
      this.orderEnded(order, Exit.isFailure(both) ? both : exit)
    }
    const closed = closing.pollUnsafe()
    if (closed !== undefined) done(closed)
    else closing.addObserver((closed) => this.guard(() => done(closed)))
  }

  private watch(
    order: Order,
    fiber: Fiber.Fiber<unknown, unknown>,
    ended: (exit: Exit.Exit<unknown, unknown>) => void
  ): void {
    const { attempt, task } = order
    order.fiber = fiber
    this.fibers.set(task, order)
    fiber.addObserver((exit) => {
      this.fibers.delete(task)
      this.reports.bodyEnded(attempt)
      this.guard(() => ended(exit))
    })
    // The worker was lost inside the call that started it, before it was in `fibers`.
    if (this.isLost) fiber.interruptUnsafe()
  }

  /** Reports the end of an attempt. The result of one that was told to stop is dropped here. */
  private orderEnded({ attempt, isStopped, node, task }: Order, exit: Exit.Exit<unknown, unknown>): void {
    this.ended(task, attempt, node, isStopped && Exit.isSuccess(exit) ? cut : exit)
  }

  private ended(task: TaskId, attempt: number, { kind }: TaskImpl, exit: Exit.Exit<unknown, unknown>): void {
    this.reports.attemptEnded(attempt)
    if (this.isLost) return
    if (Exit.isFailure(exit)) return this.reports.failed(task, attempt, exit.cause)
    if (kind === "flatMap") return this.reports.expanded(task, attempt, exit.value)
    this.results.set(task, exit.value)
    this.reports.succeeded(task, attempt, exit.value)
  }

  stop(stop: Stop): void {
    const order = this.fibers.get(stop.task)
    if (order?.attempt !== stop.attempt) return
    order.isStopped = true
    this.reports.stopCame(stop, hearingOf(this.home, order.fiber!, stop.attempt))
    this.interruptFiber(order)
  }

  /** The body handles the interruption in its own async context. */
  private interruptFiber({ fiber, ambient: { asyncScope } }: Order): void {
    asyncScope.runInAsyncScope(() => fiber!.interruptUnsafe())
  }

  inquire(order: Overdue): void {
    this.reports.overdue(order, this.obstacleTo(order))
  }

  private obstacleTo({ attempt, task }: Overdue): Obstacle {
    const order = this.fibers.get(task)
    if (order?.attempt !== attempt) return "ending"
    const shields = attemptOf(this.home, order.fiber!)?.shields ?? 0
    return shields > 0 ? "shielded" : "body"
  }

  finalize({ attempt, task }: Finalize): void {
    // The worker was lost before.
    if (!this.resources.has(task)) return
    this.resources.close(task, () => {
      if (!this.isLost) this.guard(() => this.reports.finalized(task, attempt))
    })
  }

  hold(task: TaskId, value: unknown): void {
    this.results.set(task, value)
  }

  adopt(task: TaskId, from: TaskId): void {
    this.results.set(task, this.results.get(from))
  }

  copy(copy: number, task: TaskId, value: unknown): void {
    this.results.set(task, value)
    this.reports.copied(copy)
  }

  drop(task: TaskId): void {
    // The results of a lost worker are gone.
    if (!this.isLost) this.results.delete(task)
  }

  peek(task: TaskId): unknown {
    return this.results.get(task)
  }

  /** Attempts begin here in the call that sends them. */
  begin(): void {}

  takeBack(): void {}

  /** Nothing is away here. */
  fetch(request: number): void {
    this.reports.missing(request)
  }

  lose(): void {
    this.isLost = true
    this.results.clear()
  }

  interrupt(): void {
    for (const order of Array.from(this.fibers.values())) this.interruptFiber(order)
    this.resources.closeAll()
  }

  abort(): void {
    this.isLost = true
    // The exception may have come from inside a start.
    this.starting = 0
    this.interrupt()
  }

  readonly rest: Effect.Effect<void> = Effect.suspend(() => {
    const running = [...Array.from(this.fibers.values(), ({ fiber }) => fiber!), ...this.closing]
    if (running.length > 0) return Effect.andThen(Fiber.awaitAll(running), this.rest)
    // A body may ask this within the call that starts it.
    return this.starting > 0 ? Effect.andThen(Effect.yieldNow, this.rest) : Effect.void
  })
}
