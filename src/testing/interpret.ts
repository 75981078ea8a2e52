/**
 * The sequential interpreter: what a graph means, without a scheduler. One task runs after the other, in static order,
 * each when something asks for it.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Client from "../Client.ts"
import type { WaitMode } from "../engine/Event.ts"
import { keyAt, submitterOf } from "../engine/State.ts"
import type { Claim, Outcome, Place, Reason, Submission, TaskId, Where } from "../engine/State.ts"
import type { Exits, Needs, Services } from "../Inputs.ts"
import { Attempt } from "../internal/attempt.ts"
import { exitOf, rootCause } from "../internal/causes.ts"
import { compile, runIn } from "../internal/compile.ts"
import type { Compiled, LivePlan, Run } from "../internal/compile.ts"
import { assemble, replace, scan } from "../internal/inputs.ts"
import type { SchedulerCore } from "../internal/schedulerCore.ts"
import { withoutSignals } from "../internal/signals.ts"
import { FutureImpl, isTask } from "../internal/task.ts"
import type { Handle, TaskImpl } from "../internal/task.ts"
import { GraphError, TaskTimeout } from "../SkeinError.ts"
import { Worker } from "../Worker.ts"

/** One task, and how it ended. */
interface Row {
  readonly submission: Submission
  readonly index: number
  readonly run: Run
  ended: Ended | undefined
}

/** How a task ended, and for one without success, every failure that could have been the first. */
interface Ended {
  readonly value?: unknown
  readonly outcome: Outcome | undefined
  readonly possible: ReadonlyArray<Outcome>
  readonly starts: number
  /** A time limit may or may not have struck on the way to this end: that depends on the order of things. */
  readonly isOpen: boolean
}

/** What an attempt has seen of other tasks. */
interface Seen {
  readonly failures: Array<Outcome>
  hasWaited: boolean
  isOpen: boolean
}

/** What an attempt runs in place of its body. */
export type Wrap = (submission: Submission, index: number, attempt: number, body: Body) => Body

type Body = Effect.Effect<unknown, unknown>

const timedOut = Symbol("timed out")

/** What the verbs of `Client` and `Future` see in place of a scheduler. */
type Stage =
  & Pick<
    SchedulerCore,
    "name" | "submit" | "compute" | "cancel" | "release" | "keep" | "keyOf"
  >
  & {
    readonly view: Partial<SchedulerCore["view"]>
    readonly waits: Pick<SchedulerCore["waits"], "abandon" | "away" | "forClaims" | "rejoin" | "secede">
  }

export class Interpreter implements Stage {
  readonly name = "interpreter"
  /** As much of a state as attempts look at. */
  readonly state = { tasks: { index: new Array<number>(), submission: new Array<Submission>() } }
  private readonly rows: Array<Row> = []
  private readonly causes = new Map<number, Cause.Cause<unknown>>()
  /** What the attempts that run now have seen fail, by number. */
  private readonly seen = new Map<number, Seen>()
  private readonly wrap: Wrap
  /** Tasks may be lost with their workers: what must not run twice then ends in some orders of things. */
  private readonly losesWorkers: boolean
  /** What closes the resources that results own, in the order in which they were acquired. */
  private readonly open: Array<Effect.Effect<void>> = []
  private next = 1

  constructor(wrap: Wrap = (_submission, _index, _attempt, body) => body, losesWorkers = false) {
    this.wrap = wrap
    this.losesWorkers = losesWorkers
  }

  private get core(): SchedulerCore {
    return this as unknown as SchedulerCore
  }

  /** Runs what the shape holds, and gives the rows of its handles. */
  interpret(shape: unknown): Effect.Effect<ReadonlyArray<TaskId>, GraphError> {
    return Effect.withFiber((fiber) => {
      const context = Context.add(fiber.context, Client.Client, Client.make(this.core)) as Context.Context<never>
      return Effect.flatMap(
        this.register(scan(shape).handles, context, undefined),
        (ids) => Effect.as(this.evaluateAll(ids), ids)
      ).pipe(Effect.ensuring(this.closeResources))
    })
  }

  /** Here results are held to the end: one that was made of another is closed before that. */
  private readonly closeResources: Effect.Effect<void> = Effect.suspend(() => {
    const close = this.open.pop()
    return close === undefined ? Effect.void : Effect.andThen(close, this.closeResources)
  })

  exitOf(id: TaskId): Exit.Exit<unknown, unknown> {
    const { outcome, value } = this.rows[id]!.ended!
    return outcome === undefined ? Exit.succeed(value) : exitOf(outcome, this.causeOf, this.whereOf(id))
  }

  /** Whether another order of things may give another end. */
  isOpen(id: TaskId): boolean {
    return this.rows[id]!.ended!.isOpen
  }

  /** The causes of all failures that could have been the first on the way to this one. */
  possible(id: TaskId): ReadonlyArray<Cause.Cause<unknown>> {
    return this.rows[id]!.ended!.possible.map((outcome) => rootCause(outcome, this.causeOf))
  }

  private readonly causeOf = (failure: number): Cause.Cause<unknown> => this.causes.get(failure)!

  private whereOf(id: TaskId): Where {
    const { ended, index, submission } = this.rows[id]!
    const label = submission.plan.settings.get(index)?.label
    return { attempt: ended?.starts ?? 0, label, submitter: submitterOf(submission), worker: this.name }
  }

  keyOf(id: TaskId): string {
    const { index, submission } = this.rows[id]!
    return keyAt(submission, index)
  }

  // ---- registering

  private register(
    handles: ReadonlyArray<Handle>,
    context: Context.Context<never>,
    parent: Submission["parent"]
  ): Effect.Effect<ReadonlyArray<TaskId>, GraphError> {
    const run = runIn(context)
    const compiled = compile(handles, this, run)
    return compiled instanceof GraphError ? Effect.fail(compiled) : Effect.succeed(this.add(compiled, run, parent))
  }

  private add({ plan, targets }: Compiled, run: Run, parent: Submission["parent"]): ReadonlyArray<TaskId> {
    const first = this.rows.length
    const ids = Int32Array.from({ length: plan.size }, (_, index) => first + index)
    const submission = { plan, ids, sequence: first + 1, parent } as unknown as Submission
    for (let index = 0; index < plan.size; index++) {
      this.rows.push({ submission, index, run, ended: undefined })
      this.state.tasks.index.push(index)
      this.state.tasks.submission.push(submission)
    }
    return targets.map((target) => target >= 0 ? first + target : ~target)
  }

  find(): TaskId {
    return -1
  }

  taskOf(id: TaskId): TaskImpl {
    const { index, submission } = this.rows[id]!
    return (submission.plan as LivePlan).nodes[index]!
  }

  placeOf(id: TaskId): Place {
    return this.rows[id]!
  }

  refuse({ core }: FutureImpl): string | undefined {
    return core === this.core ? undefined : "it belongs to another scheduler"
  }

  // ---- running

  private evaluateAll(ids: ReadonlyArray<TaskId>): Effect.Effect<void> {
    return Effect.forEach(ids, (id) => this.evaluate(id), { discard: true })
  }

  /** Runs a task and what it depends on, as far as they have not run. */
  private evaluate(id: TaskId): Effect.Effect<void> {
    return Effect.suspend(() => Effect.forEach(this.missing(id), (each) => this.runRow(each), { discard: true }))
  }

  private dependenciesOf(id: TaskId): ReadonlyArray<TaskId> {
    const { index, submission: { ids, plan: { offsets, targets } } } = this.rows[id]!
    const own = targets.subarray(offsets[index], offsets[index + 1])
    return Array.from(own, (target) => target >= 0 ? ids[target]! : ~target)
  }

  /** A task and its dependencies that have not run: dependencies first, and those of one plan in static order. */
  private missing(id: TaskId): ReadonlyArray<TaskId> {
    const found = new Set<TaskId>()
    const stack = [id]
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      if (found.has(top) || this.rows[top]!.ended !== undefined) continue
      found.add(top)
      stack.push(...this.dependenciesOf(top))
    }
    const position = (row: TaskId): number => {
      const { index, submission } = this.rows[row]!
      return submission.plan.positions[index]!
    }
    const sequence = (row: TaskId): number => this.rows[row]!.submission.sequence
    return [...found].sort((a, b) => sequence(a) - sequence(b) || position(a) - position(b))
  }

  private runRow(id: TaskId): Effect.Effect<void> {
    return Effect.suspend(() => {
      const row = this.rows[id]!
      if (row.ended !== undefined) return Effect.void
      const failed = this.dependenciesOf(id).filter((each) => this.rows[each]!.ended!.outcome !== undefined)
      if (failed.length > 0 && this.taskOf(id).body._tag !== "exit") {
        const { reason, trail } = this.rows[failed[0]!]!.ended!.outcome!
        const possible = failed.flatMap((each) => this.rows[each]!.ended!.possible)
        const isOpen = this.isOpenSoFar(id)
        row.ended = { outcome: { reason, trail: { task: this.keyOf(id), from: trail } }, possible, starts: 0, isOpen }
        return Effect.void
      }
      return this.attempt(id, 1, undefined, this.isOpenSoFar(id))
    })
  }

  /** Whether what a task depends on, or a limit of its own, leaves its end open. */
  private isOpenSoFar(id: TaskId): boolean {
    const { deadlineMillis, dependencyTimeoutMillis, idempotent } = this.taskOf(id).options
    return (deadlineMillis ?? dependencyTimeoutMillis) !== undefined ||
      (this.losesWorkers && idempotent === false) ||
      this.dependenciesOf(id).some((each) => this.isOpen(each))
  }

  private attempt(id: TaskId, number: number, step: Step | undefined, isOpen: boolean): Effect.Effect<void> {
    return Effect.suspend(() => {
      const row = this.rows[id]!
      const serial = this.next++
      this.seen.set(serial, { failures: [], hasWaited: false, isOpen })
      return Effect.flatMap(this.runBody(row, id, number, serial), (exit) => {
        const seen = this.seen.get(serial)!
        this.seen.delete(serial)
        // While a body waits, its timeout runs, and how long it waits depends on others.
        const { retry, timeoutMillis } = this.taskOf(id).options
        if (seen.hasWaited && timeoutMillis !== undefined) seen.isOpen = true
        // Which of several failures comes first may decide whether there is another attempt.
        if (retry !== undefined && new Set(seen.failures.map(({ reason }) => reason)).size > 1) seen.isOpen = true
        if (Exit.isSuccess(exit)) {
          if (this.taskOf(id).body._tag === "flatMap") return this.expand(id, exit.value, number, seen)
          row.ended = { value: exit.value, outcome: undefined, possible: [], starts: number, isOpen: seen.isOpen }
          return Effect.void
        }
        const own = withoutSignals(withoutInterrupts(exit.cause))
        // It is no attempt, and there is nobody here to give its place to.
        const isRescheduled = own.reasons.length === 0 && exit.cause.reasons.some(Cause.isFailReason)
        if (isRescheduled) return Effect.andThen(Effect.yieldNow, this.attempt(id, number, step, seen.isOpen))
        return this.failed(id, number, step, own, seen)
      })
    })
  }

  private runBody(
    { index, run, submission }: Row,
    id: TaskId,
    number: number,
    serial: number
  ): Effect.Effect<Exit.Exit<unknown, unknown>> {
    return Effect.suspend(() => {
      const task = this.taskOf(id)
      const { timeoutMillis } = task.options
      const scope = Scope.makeUnsafe()
      const attempt = new Attempt(this.core, this.name, id, serial, number, scope)
      const context = Context.add(Context.add(run.context, Worker, attempt), Scope.Scope, scope) as Context.Context<
        never
      >
      const body = this.bodyOf(id, task)
      const wrapped = task.body._tag === "value" || task.body._tag === "exit"
        ? body
        : this.wrap(submission, index, number, body)
      const limited = timeoutMillis === undefined
        ? wrapped
        : Effect.timeoutOrElse(wrapped, { duration: timeoutMillis, orElse: () => Effect.die(timedOut) })
      // A fiber of its own: a body may interrupt itself.
      return Effect.flatMap(
        Effect.forkChild(Effect.provideContext(limited, context)),
        (fiber) =>
          Effect.flatMap(Fiber.await(fiber), (exit) => {
            if (task.options.resource === true && Exit.isSuccess(exit)) {
              this.open.push(Effect.asVoid(Effect.exit(Scope.close(scope, exit))))
              return Effect.succeed(exit)
            }
            return Effect.map(Effect.exit(Scope.close(scope, exit)), (closed) => {
              const both = Exit.isFailure(closed) ? Exit.asVoidAll([exit, closed]) : exit
              return Exit.isFailure(both) ? both : exit
            })
          })
      )
    })
  }

  private bodyOf(id: TaskId, task: TaskImpl): Body {
    const { body, inputs, shape } = task
    if ("effect" in body) return body.effect as Body
    const dependencies = this.dependenciesOf(id)
    switch (body._tag) {
      case "value":
        return Effect.succeed(body.value)
      case "exit":
        return Effect.succeed(this.exitOf(dependencies[0]!))
    }
    const values = dependencies.map((each) => this.rows[each]!.ended!.value)
    const whole = shape === "none" ? inputs : assemble(task, values)
    return body._tag === "effect"
      ? Effect.suspend(() => body.run(whole) as Body)
      : Effect.sync(() => body.run(whole))
  }

  /** The task stands for the one that its body returned. */
  private expand(id: TaskId, returned: unknown, starts: number, seen: Seen): Effect.Effect<void> {
    const row = this.rows[id]!
    const { index, run, submission } = row
    if (!isTask(returned)) {
      const reason = {
        _tag: "InvalidDependency",
        key: this.keyOf(id),
        dependency: "a result",
        why: "it is no task"
      } as const
      return this.end(id, starts, Cause.fail(new GraphError({ reason })), seen)
    }
    return this.register([returned], run.context, { submission, index }).pipe(
      Effect.flatMap(([target]) =>
        Effect.map(this.evaluate(target!), () => {
          const { isOpen, outcome, possible, value } = this.rows[target!]!.ended!
          const rest = { possible, starts, isOpen: isOpen || seen.isOpen }
          row.ended = outcome === undefined
            ? { value, outcome, ...rest }
            : { outcome: alias(outcome, this.keyOf(id)), ...rest }
        })
      ),
      Effect.catch((error) => this.end(id, starts, Cause.fail(error), seen))
    )
  }

  private failed(
    id: TaskId,
    number: number,
    step: Step | undefined,
    cause: Cause.Cause<unknown>,
    seen: Seen
  ): Effect.Effect<void> {
    const { retry, timeoutMillis } = this.taskOf(id).options
    const isLate = cause.reasons.some((reason) => Cause.isDieReason(reason) && reason.defect === timedOut)
    const error = isLate
      ? new TaskTimeout({ key: this.keyOf(id), of: "attempt", millis: timeoutMillis! })
      : cause.reasons.every(Cause.isFailReason)
      ? cause.reasons[0]?.error
      : undefined
    const giveUp = isLate
      ? this.endBy(id, number, { _tag: "TimedOut", of: "attempt", millis: timeoutMillis! }, seen)
      : this.end(id, number, cause, seen)
    if (retry === undefined || error === undefined || !isRetriable(error)) return giveUp
    const steps = step === undefined ? Schedule.toStep(retry) as unknown as Effect.Effect<Step> : Effect.succeed(step)
    return Effect.flatMap(
      steps,
      (next) =>
        Effect.clockWith((clock) =>
          Effect.flatMap(Effect.exit(next(clock.currentTimeMillisUnsafe(), error)), (decided) => {
            if (Exit.isSuccess(decided)) {
              const delay = Duration.toMillis(decided.value[1])
              const pause = delay > 0 ? Effect.sleep(delay) : Effect.void
              return Effect.andThen(pause, this.attempt(id, number + 1, next, seen.isOpen))
            }
            const isDone = decided.cause.reasons.some((reason) =>
              Cause.isFailReason(reason) && Cause.isDone(reason.error)
            )
            return isDone ? giveUp : this.end(id, number, decided.cause, seen)
          })
        )
    ).pipe(Effect.provideContext(this.rows[id]!.run.context))
  }

  /** Ends a task with this cause; one without reasons is an interruption by its own body. */
  private end(id: TaskId, starts: number, cause: Cause.Cause<unknown>, seen: Seen): Effect.Effect<void> {
    return Effect.suspend(() => {
      const key = this.keyOf(id)
      if (cause.reasons.length === 0) {
        return this.endBy(
          id,
          starts,
          { _tag: "Cancelled", task: key, by: key, reason: "its body interrupted itself" },
          seen
        )
      }
      const failure = this.causes.size + 1
      this.causes.set(failure, cause)
      const defect = Cause.findErrorOption(cause)._tag === "None"
      return this.endBy(id, starts, { _tag: "Failed", failure, defect }, seen)
    })
  }

  private endBy(id: TaskId, starts: number, reason: Reason, seen: Seen): Effect.Effect<void> {
    return Effect.sync(() => {
      const trail = { task: this.keyOf(id), from: undefined, where: { ...this.whereOf(id), attempt: starts } }
      const outcome = { reason, trail }
      this.rows[id]!.ended = { outcome, possible: [outcome, ...seen.failures], starts, isOpen: seen.isOpen }
    })
  }

  // ---- what bodies ask for

  /** Notes what an attempt sees fail: in another schedule that could have come first. */
  private note(fiber: Fiber.Fiber<unknown, unknown>, ids: ReadonlyArray<TaskId>): void {
    const attempt = Context.getOrUndefined(fiber.context, Worker)
    const seen = attempt instanceof Attempt ? this.seen.get(attempt.serial) : undefined
    if (seen === undefined) return
    seen.hasWaited = true
    for (const id of ids) {
      seen.failures.push(...this.rows[id]!.ended!.possible)
      seen.isOpen ||= this.isOpen(id)
    }
  }

  private parentOf(fiber: Fiber.Fiber<unknown, unknown>): Submission["parent"] {
    const attempt = Context.getOrUndefined(fiber.context, Worker)
    return attempt instanceof Attempt && attempt.core === this.core ? this.rows[attempt.task] : undefined
  }

  readonly submit: SchedulerCore["submit"] = (handles, _scope, fiber) =>
    Effect.map(
      this.register(handles, fiber.context, this.parentOf(fiber)),
      (ids) =>
        ids.map((id) => {
          const { index, submission } = this.rows[id]!
          const claim = { task: id, state: "live", owner: { name: "scope" }, outcome: undefined } as unknown as Claim
          return new FutureImpl(this.core, claim, submission, index)
        })
    )

  readonly compute: SchedulerCore["compute"] = (handles, _options, collect) =>
    Effect.withFiber((fiber) =>
      Effect.flatMap(
        this.register(handles, fiber.context, this.parentOf(fiber)),
        (ids) =>
          Effect.flatMap(Effect.andThen(this.waits.waiting(fiber), this.evaluateAll(ids)), () => {
            this.note(fiber, ids)
            return collect(ids, [])
          })
      )
    )

  /** Nothing asks for what is fired: it is checked, and does not run. */
  readonly detached = {
    fire: (task: TaskImpl, _group: string, fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<void, GraphError> =>
      Effect.asVoid(this.register([task], fiber.context, this.parentOf(fiber))),
    cancel: () => Effect.void
  }

  readonly cancel: SchedulerCore["cancel"] = () => Effect.void
  readonly release: SchedulerCore["release"] = () => Effect.void
  readonly keep: SchedulerCore["keep"] = (future) => Effect.succeed(future)

  readonly waits = {
    forClaims: (claims: ReadonlyArray<Claim>, mode: WaitMode): Effect.Effect<void> =>
      Effect.withFiber((fiber) => {
        const ids = claims.map(({ task }) => task)
        const needed = mode === "firstCompleted" ? ids.slice(0, 1) : ids
        const evaluated = Effect.andThen(this.waits.waiting(fiber), this.evaluateAll(needed))
        return Effect.map(evaluated, () => this.note(fiber, needed))
      }),
    /** From now on its time limit may strike, whatever becomes of the wait. */
    waiting: (fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<void> => Effect.sync(() => this.note(fiber, [])),
    secede: (attempt: Attempt): Effect.Effect<void> => Effect.asVoid(this.waits.away(attempt)),
    away: ({ serial }: Attempt): Effect.Effect<number> =>
      Effect.sync(() => {
        const seen = this.seen.get(serial)
        if (seen !== undefined) seen.hasWaited = true
        return 0
      }),
    abandon: () => Effect.void,
    rejoin: () => Effect.void
  }

  readonly view = {
    isSettled: ({ task }: Claim): boolean => this.rows[task]!.ended !== undefined,
    hasSucceeded: ({ task }: Claim): boolean => {
      const { ended } = this.rows[task]!
      return ended !== undefined && ended.outcome === undefined
    },
    statusOf: ({ task }: Claim) => {
      const ended = this.rows[task]!.ended
      return ended === undefined ? "waiting" : ended.outcome === undefined ? "succeeded" : "failed"
    },
    exitOfClaim: ({ claim }: FutureImpl) => this.exitOf(claim.task),
    exitOf: (id: TaskId) => this.exitOf(id),
    firstFailed: (targets: ReadonlyArray<TaskId>) => {
      const failed = targets.find((id) => this.rows[id]!.ended!.outcome !== undefined)
      return failed === undefined ? undefined : this.exitOf(failed) as Exit.Exit<never, unknown>
    },
    rootsOf: (targets: ReadonlyArray<TaskId>) => {
      const outcomes = targets.flatMap((id) => this.rows[id]!.ended!.outcome ?? [])
      const byReason = new Map(outcomes.map((outcome) => [outcome.reason, rootCause(outcome, this.causeOf)]))
      return byReason.size === 0
        ? undefined
        : Cause.fromReasons([...byReason.values()].flatMap(({ reasons }) => reasons))
    },
    rootOfClaim: ({ claim: { task } }: FutureImpl): readonly [object, Cause.Cause<unknown>] | undefined => {
      const outcome = this.rows[task]!.ended?.outcome
      return outcome === undefined ? undefined : [outcome.reason, rootCause(outcome, this.causeOf)]
    }
  } as const
}

const withoutInterrupts = ({ reasons }: Cause.Cause<unknown>): Cause.Cause<unknown> =>
  Cause.fromReasons(reasons.filter((reason) => !Cause.isInterruptReason(reason)))

type Step = (now: number, input: unknown) => Effect.Effect<[unknown, Duration.Duration], unknown>

const alias = ({ reason, trail }: Outcome, key: string): Outcome => ({
  reason,
  trail: { task: key, from: trail, isAlias: true }
})

const notRetried: ReadonlySet<unknown> = new Set([
  "GraphError",
  "DependencyFailed",
  "TaskCancelled",
  "Starved",
  "Released",
  "WorkerKilled"
])

const isRetriable = (error: unknown): boolean =>
  !(typeof error === "object" && error !== null && "_tag" in error && notRetried.has(error._tag))

/**
 * Says what a graph means: runs its tasks one after the other, without a scheduler, and gives the exit of each.
 *
 * **When to use**
 *
 * As an oracle: a scheduler must give the same values and the same typed failures, whatever the order in which things happen.
 *
 * **Details**
 *
 * Bodies may submit, compute, join and gather; what they submit runs when something asks for it. Attempts, retries and timeouts
 * of attempts count; slots, priorities, deadlines, ownership and cancellation do not exist here, and what is fired and
 * forgotten does not run. Where several dependencies
 * of a task fail, a scheduler may come upon another of them first.
 *
 * **Example** (Values and failures)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit } from "effect"
 * import { Task } from "skein"
 * import * as Testing from "skein/testing"
 *
 * const one = Task.make(Effect.succeed(1))
 * const none = Task.make(Effect.fail("no"))
 * const both = Task.all([one, none])
 * Testing.interpret({ one, both }).pipe(Effect.map(({ one, both }) => [Exit.isSuccess(one), Exit.isSuccess(both)])) // => [true, false]
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const interpret = <const I>(
  targets: I
): Effect.Effect<Exits<I>, GraphError, Exclude<Needs<Services<I>>, Client.Client>> =>
  Effect.suspend(() => {
    const interpreter = new Interpreter()
    return Effect.map(interpreter.interpret(targets), (ids) => {
      let place = 0
      return replace(targets, () => interpreter.exitOf(ids[place++]!), Exit.succeed)
    })
  }) as any
