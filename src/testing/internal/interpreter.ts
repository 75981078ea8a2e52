/**
 * The sequential interpreter: what a graph means, without a scheduler. One task runs after the other, in static order,
 * each when something asks for it.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Client from "../../Client.ts"
import { reasonOf } from "../../engine/protocol/Event.ts"
import type { WaitMode } from "../../engine/protocol/Event.ts"
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Outcome } from "../../engine/protocol/Outcome.ts"
import { isDefault } from "../../engine/protocol/policies.ts"
import type { Group } from "../../engine/protocol/policies.ts"
import type { Going, Reason } from "../../engine/protocol/Reason.ts"
import type { Place, Registered } from "../../engine/protocol/Registered.ts"
import { defaultLimits } from "../../engine/protocol/Settings.ts"
import type { Claim } from "../../engine/views/claims.ts"
import { ambientIn } from "../../internal/bodies/ambient.ts"
import { Attempt } from "../../internal/bodies/attempt.ts"
import type { Home, Seat } from "../../internal/bodies/home.ts"
import { missedBy } from "../../internal/bodies/missed.ts"
import { isDone, isRetriable, retryOf } from "../../internal/bodies/retries.ts"
import { endingGiven, endingOf, missedIn, withoutInterrupts, withoutSignals } from "../../internal/bodies/signals.ts"
import { make as makeClient } from "../../internal/client/makeClient.ts"
import { compile } from "../../internal/plans/compile.ts"
import { policiesOf } from "../../internal/tasks/dependency.ts"
import { assemble, scan } from "../../internal/tasks/inputs.ts"
import type { Named } from "../../internal/tasks/keys.ts"
import { isRefused, refuse } from "../../internal/tasks/mistake.ts"
import { FutureImpl, isTask } from "../../internal/tasks/task.ts"
import type { Handle, TaskImpl } from "../../internal/tasks/task.ts"
import { InvalidDependency, SubmitError, TaskTimeout } from "../../SkeinError.ts"
import { Worker } from "../../Worker.ts"
import { Rows } from "./rows.ts"
import type { Row } from "./rows.ts"

/** The ends of other tasks that an attempt has seen. */
interface Seen {
  readonly failures: Array<Outcome>
  hasWaited: boolean
  isOpen: boolean
}

/** The effect that an attempt runs in place of its body. */
export type Wrap = (submission: Registered, index: number, attempt: number, body: Body) => Body

type Body = Effect.Effect<unknown, unknown>

const timedOut = Symbol("timed out")

/** As much of a home as programs of the interpreter ask for. */
type Stage = Pick<Home, "desk" | "name" | "owners" | "settling" | "waits"> & {
  readonly computes: Pick<Home["computes"], "run">
  readonly submissions: Pick<Home["submissions"], "submit">
  readonly view: Partial<Home["view"]>
}

export class Interpreter implements Stage {
  readonly name = "interpreter"
  readonly isLost = false
  readonly rows = new Rows(this.name)
  readonly view = this.rows.view
  /** What the attempts that run now have seen fail, by number. */
  private readonly seen = new Map<number, Seen>()
  /** How often the body of a task has reported dependencies as lost. */
  private readonly reports = new Map<TaskId, number>()
  private readonly wrap: Wrap
  /** Whether tasks may be lost with their workers: tasks that must not run twice then end in some orders of events. */
  private readonly losesWorkers: boolean
  /** What closes the resources that results own, in the order in which they were acquired. */
  private readonly open: Array<Effect.Effect<void>> = []
  private next = 1

  constructor(wrap: Wrap = (_submission, _index, _attempt, body) => body, losesWorkers = false) {
    this.wrap = wrap
    this.losesWorkers = losesWorkers
  }

  get home(): Home {
    return this as unknown as Home
  }

  /** Runs the tasks of a shape, and returns the rows of its handles. */
  interpret(shape: unknown): Effect.Effect<ReadonlyArray<TaskId>, SubmitError> {
    return Effect.withFiber((fiber) => {
      const context = Context.add(fiber.context, Client.Client, makeClient(this.home)) as Context.Context<never>
      return Effect.flatMap(
        this.register(scan(shape).handles, context, undefined),
        (ids) => Effect.as(this.evaluateAll(ids), ids)
      ).pipe(Effect.ensuring(this.closeResources))
    })
  }

  /** Here results are held to the end; a resource made from another is closed before that. */
  private readonly closeResources: Effect.Effect<void> = Effect.suspend(() => {
    const close = this.open.pop()
    return close === undefined ? Effect.void : Effect.andThen(close, this.closeResources)
  })

  keyOf(id: TaskId): string {
    return this.rows.keyOf(id)
  }

  // ---- registering

  private register(
    handles: ReadonlyArray<Handle>,
    context: Context.Context<never>,
    parent: Place | undefined
  ): Effect.Effect<ReadonlyArray<TaskId>, SubmitError> {
    const run = ambientIn(context)
    const compiled = compile(handles, this, run)
    return isRefused(compiled)
      ? refuse(compiled)
      : Effect.succeed(this.rows.add(compiled, run, parent))
  }

  find(): TaskId {
    return -1
  }

  namedOf(id: TaskId): Named | undefined {
    return this.rows.namedOf(id)
  }

  runs(): ReadonlyArray<never> {
    return []
  }

  isSpent(): boolean {
    return false
  }

  refuse({ home }: FutureImpl): string | undefined {
    return home === this.home ? undefined : "it belongs to another scheduler"
  }

  // ---- running

  private evaluateAll(ids: ReadonlyArray<TaskId>): Effect.Effect<void> {
    return Effect.forEach(ids, (id) => this.evaluate(id), { discard: true })
  }

  /** Runs a task and its dependencies, as far as they have not run. */
  private evaluate(id: TaskId): Effect.Effect<void> {
    return Effect.suspend(() => Effect.forEach(this.rows.missing(id), (each) => this.runRow(each), { discard: true }))
  }

  private runRow(id: TaskId): Effect.Effect<void> {
    return Effect.suspend(() => {
      const row = this.rows.at(id)
      if (row.ended !== undefined) return Effect.void
      const policies = policiesOf(this.rows.taskOf(id))
      if (policies !== undefined) return this.runGrouped(id, policies)
      const failed = this.rows.dependenciesOf(id).filter((each) => this.rows.at(each).ended!.outcome !== undefined)
      if (failed.length > 0 && this.rows.taskOf(id).body._tag !== "exit") {
        const { reason, trail } = this.rows.at(failed[0]!).ended!.outcome!
        const possible = failed.flatMap((each) => this.rows.at(each).ended!.possible)
        const isOpen = this.isOpenSoFar(id)
        row.ended = {
          outcome: { reason, trail: { task: this.rows.keyOf(id), from: trail } },
          possible,
          starts: 0,
          isOpen
        }
        return Effect.void
      }
      return this.attempt(id, 1, undefined, this.isOpenSoFar(id))
    })
  }

  /**
   * Goes by policies when all that they are over has ended. What they come to does not depend on the order of ends, but which
   * exits the body is given may, and who is named.
   */
  private runGrouped(id: TaskId, policies: ReadonlyArray<Group>): Effect.Effect<void> {
    const all = this.rows.dependenciesOf(id)
    const isOpen = this.isOpenSoFar(id) || policies.some(dependsOnTime)
    const inGroup = (place: number): Group | undefined => policies.find(({ from, to }) => place >= from && place < to)
    const refusals = all.filter((each, place) => {
      const group = inGroup(place)
      return this.rows.at(each).ended!.outcome !== undefined && (group === undefined || isDefault(group))
    })
    const own = policies.flatMap((group): ReadonlyArray<Reason> => {
      if (isDefault(group)) return []
      const members = all.slice(group.from, group.to)
      const verdict = this.rows.verdictOf(group, members)
      if (verdict === "run") return []
      return [verdict === "skip" ? { _tag: "Skipped" } : this.rows.impossible(group, members)]
    })
    const row = this.rows.at(id)
    const task = this.rows.keyOf(id)
    const refused = refusals.map((each): Outcome => {
      const { reason, trail } = this.rows.at(each).ended!.outcome!
      return { reason, trail: { task, from: trail } }
    })
    const ends = [
      ...refused,
      ...own.map((reason): Outcome => ({ reason, trail: { task, from: undefined, where: this.rows.whereOf(id) } }))
    ]
    if (ends.length === 0) return this.attempt(id, 1, undefined, isOpen)
    const possible = [...refusals.flatMap((each) => this.rows.at(each).ended!.possible), ...ends.slice(refused.length)]
    // A rule may name itself, or what was skipped before.
    const isVague = own.some(({ _tag }) => _tag === "Skipped")
    row.ended = { outcome: ends[0]!, possible, starts: 0, isOpen: isOpen || isVague }
    return Effect.void
  }

  /** Whether the dependencies of a task, or a limit of its own, leave its end open. */
  private isOpenSoFar(id: TaskId): boolean {
    const { deadlineMillis, dependencyTimeoutMillis } = this.rows.taskOf(id).options
    return (deadlineMillis ?? dependencyTimeoutMillis) !== undefined ||
      (this.losesWorkers && !this.rows.mayRepeat(id)) ||
      this.rows.dependenciesOf(id).some((each) => this.rows.isOpen(each))
  }

  private attempt(id: TaskId, number: number, step: Step | undefined, isOpen: boolean): Effect.Effect<void> {
    return Effect.suspend(() => {
      const row = this.rows.at(id)
      const serial = this.next++
      this.seen.set(serial, { failures: [], hasWaited: false, isOpen })
      return Effect.flatMap(this.runBody(row, id, number, serial), (exit) => {
        const seen = this.seen.get(serial)!
        this.seen.delete(serial)
        // While a body waits, its timeout runs, and how long it waits depends on others.
        const task = this.rows.taskOf(id)
        const { timeoutMillis } = task.options
        const retry = retryOf(task, row.ambient)
        if (seen.hasWaited && timeoutMillis !== undefined) seen.isOpen = true
        // Which of several failures comes first may decide whether there is another attempt.
        if (retry !== undefined && new Set(seen.failures.map(({ reason }) => reason)).size > 1) seen.isOpen = true
        if (Exit.isSuccess(exit)) {
          if (this.rows.taskOf(id).body._tag === "flatMap") return this.expand(id, exit.value, number, seen)
          row.ended = { value: exit.value, outcome: undefined, possible: [], starts: number, isOpen: seen.isOpen }
          return Effect.void
        }
        const own = withoutSignals(withoutInterrupts(exit.cause))
        const isSignal = own.reasons.length === 0 && exit.cause.reasons.some(Cause.isFailReason)
        if (isSignal && endingOf(exit.cause)._tag === "Skipped") {
          return this.endBy(id, number, { _tag: "Skipped" }, seen)
        }
        const missed = isSignal ? missedIn(exit.cause) : undefined
        if (missed !== undefined) return this.makeAnew(id, number, step, missed, seen)
        // The attempt is not charged, and there is no other task here.
        if (isSignal && endingOf(exit.cause)._tag === "Unmet") return this.unmet(id, number, seen)
        if (isSignal) return Effect.andThen(Effect.yieldNow, this.attempt(id, number, step, seen.isOpen))
        return this.failed(id, number, step, own, seen)
      })
    })
  }

  /**
   * Dependencies that a body reports as lost run again, then the body does. No other task can have reported them: here one runs
   * after the other.
   */
  private makeAnew(
    id: TaskId,
    number: number,
    step: Step | undefined,
    missed: ReadonlyArray<unknown>,
    seen: Seen
  ): Effect.Effect<void> {
    const dependencies = this.rows.dependenciesOf(id)
    const { handles } = this.rows.taskOf(id)
    const rowsBefore = ({ index, submission }: Place): ReadonlyArray<Row> =>
      this.rows.dependenciesOf(submission.ids[index]!).map((each) => this.rows.at(each))
    const direct = dependencies.map((each) => this.rows.at(each))
    const found = missedBy(missed, handles, this.rows.keyOf(id), direct, rowsBefore)
    if (found instanceof TypeError) return this.end(id, number, Cause.die(found), seen)
    const behind = (found.behind ?? []).map(([first, ...others]) =>
      others.reduce((row, place) => this.rows.dependenciesOf(row)[place]!, dependencies[first!]!)
    )
    const lost = [...new Set([...found.places.map((place) => dependencies[place]!), ...behind])]
    const reports = (this.reports.get(id) ?? 0) + 1
    this.reports.set(id, reports)
    const end = (reason: Going, rows: ReadonlyArray<TaskId>): Effect.Effect<void> => {
      const keys = rows.map((each) => this.rows.keyOf(each))
      return this.endBy(id, number, { _tag: "DependenciesGone", keys, reports, reason }, seen)
    }
    if (reports >= defaultLimits.dependenciesLost) return end("limit", lost)
    const final = lost.filter((each) => !this.rows.mayRepeat(each))
    if (final.length > 0) return end("idempotent", final)
    for (const each of this.rows.throughExits(lost)) this.rows.at(each).ended = undefined
    return Effect.andThen(this.evaluateAll(lost), this.attempt(id, number, step, seen.isOpen))
  }

  /** There is no other worker here; in a scheduler there may be one. */
  private unmet(id: TaskId, number: number, seen: Seen): Effect.Effect<void> {
    seen.isOpen = true
    return this.endBy(id, number, { _tag: "Impossible", why: { _tag: "Unmet", on: [] } }, seen)
  }

  private runBody(
    { index, ambient, submission }: Row,
    id: TaskId,
    number: number,
    serial: number
  ): Effect.Effect<Exit.Exit<unknown, unknown>> {
    return Effect.suspend(() => {
      const task = this.rows.taskOf(id)
      const { timeoutMillis } = task.options
      const scope = Scope.makeUnsafe()
      const attempt = new Attempt(this.home, this, id, serial, number, scope, submission, index)
      const context = Context.add(Context.add(ambient.context, Worker, attempt), Scope.Scope, scope) as Context.Context<
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
    const dependencies = this.rows.dependenciesOf(id)
    switch (body._tag) {
      case "value":
        return Effect.succeed(body.value)
      case "exit":
        return Effect.succeed(this.rows.exitOf(dependencies[0]!))
    }
    const groups = policiesOf(task)
    const isExit = (place: number): boolean => groups?.some(({ from, to }) => place >= from && place < to) === true
    const values = dependencies.map((each, place) =>
      isExit(place) ? this.rows.exitOf(each) : this.rows.at(each).ended!.value
    )
    const whole = shape === "none" ? inputs : assemble(task, values)
    return body._tag === "effect"
      ? Effect.suspend(() => body.run(whole) as Body)
      : Effect.sync(() => body.run(whole))
  }

  /** The task stands for the one that its body returned. */
  private expand(id: TaskId, returned: unknown, starts: number, seen: Seen): Effect.Effect<void> {
    const row = this.rows.at(id)
    const { index, ambient, submission } = row
    if (!isTask(returned)) {
      const reason = new InvalidDependency({
        key: this.rows.keyOf(id),
        dependency: "a result",
        why: "it is no task"
      })
      return this.end(id, starts, Cause.fail(new SubmitError({ reason })), seen)
    }
    return this.register([returned], ambient.context, { submission, index }).pipe(
      Effect.flatMap(([target]) =>
        Effect.map(this.evaluate(target!), () => {
          row.inner = target
          const { isOpen, outcome, possible, value } = this.rows.at(target!).ended!
          const rest = { possible, starts, isOpen: isOpen || seen.isOpen }
          row.ended = outcome === undefined
            ? { value, outcome, ...rest }
            : { outcome: alias(outcome, this.rows.keyOf(id)), ...rest }
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
    const task = this.rows.taskOf(id)
    const { timeoutMillis } = task.options
    const retry = retryOf(task, this.rows.at(id).ambient)
    const isLate = cause.reasons.some((reason) => Cause.isDieReason(reason) && reason.defect === timedOut)
    const error = isLate
      ? new TaskTimeout({ key: this.rows.keyOf(id), of: "attempt", millis: timeoutMillis! })
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
            return isDone(decided.cause) ? giveUp : this.end(id, number, decided.cause, seen)
          })
        )
    ).pipe(Effect.provideContext(this.rows.at(id).ambient.context))
  }

  /** Ends a task with this cause; one without reasons is an interruption by its own body. */
  private end(id: TaskId, starts: number, cause: Cause.Cause<unknown>, seen: Seen): Effect.Effect<void> {
    return Effect.suspend(() => {
      const key = this.rows.keyOf(id)
      if (cause.reasons.length === 0) {
        return this.endBy(
          id,
          starts,
          { _tag: "Cancelled", task: key, by: key, reason: "its body interrupted itself" },
          seen
        )
      }
      const failure = this.rows.keepCause(cause)
      const defect = Cause.findErrorOption(cause)._tag === "None"
      return this.endBy(id, starts, { _tag: "Failed", failure, defect }, seen)
    })
  }

  private endBy(id: TaskId, starts: number, reason: Reason, seen: Seen): Effect.Effect<void> {
    return Effect.sync(() => {
      const trail = { task: this.rows.keyOf(id), from: undefined, where: { ...this.rows.whereOf(id), attempt: starts } }
      const outcome = { reason, trail }
      this.rows.at(id).ended = { outcome, possible: [outcome, ...seen.failures], starts, isOpen: seen.isOpen }
    })
  }

  // ---- what bodies ask for

  /** Records failures that an attempt sees: in another schedule they could have come first. */
  private note(fiber: Fiber.Fiber<unknown, unknown>, ids: ReadonlyArray<TaskId>): void {
    const attempt = Context.getOrUndefined(fiber.context, Worker)
    const seen = attempt instanceof Attempt ? this.seen.get(attempt.serial) : undefined
    if (seen === undefined) return
    seen.hasWaited = true
    for (const id of ids) {
      seen.failures.push(...this.rows.at(id).ended!.possible)
      seen.isOpen ||= this.rows.isOpen(id)
    }
  }

  /** In a scheduler the task may have ended before it is settled. */
  private settle({ claim: { task } }: FutureImpl, exit: Exit.Exit<unknown, unknown>): boolean {
    const row = this.rows.at(task)
    if (row.ended !== undefined) return false
    const rest = { possible: [], starts: 0, isOpen: true }
    if (Exit.isSuccess(exit)) {
      row.ended = { value: exit.value, outcome: undefined, ...rest }
      return true
    }
    const key = this.rows.keyOf(task)
    const ending = endingGiven(withoutInterrupts(exit.cause), (cause) => this.rows.keepCause(cause))
    row.ended = {
      outcome: {
        reason: reasonOf(ending, key),
        trail: { task: key, from: undefined, where: this.rows.whereOf(task) }
      },
      ...rest
    }
    return true
  }

  private parentOf(fiber: Fiber.Fiber<unknown, unknown>): Place | undefined {
    const attempt = Context.getOrUndefined(fiber.context, Worker)
    return attempt instanceof Attempt && attempt.home === this.home ? this.rows.at(attempt.task) : undefined
  }

  readonly submissions: Stage["submissions"] = {
    submit: (handles, _scope, fiber) =>
      Effect.map(
        this.register(handles, fiber.context, this.parentOf(fiber)),
        (ids) =>
          ids.map((id) => {
            const { index, submission } = this.rows.at(id)
            const claim = { task: id, state: "live", owner: { name: "scope" }, outcome: undefined } as unknown as Claim
            return new FutureImpl(this.home, claim, submission, index, undefined)
          })
      )
  }

  readonly computes: Stage["computes"] = {
    run: (handles, _options, collect) =>
      Effect.withFiber((fiber) =>
        Effect.flatMap(
          this.register(handles, fiber.context, this.parentOf(fiber)),
          (ids) =>
            Effect.flatMap(Effect.andThen(this.waits.waiting(fiber), this.evaluateAll(ids)), () => {
              this.note(fiber, ids)
              return collect(ids, { roots: [], targets: [] })
            })
        )
      )
  }

  /** Fired tasks are checked, and do not run, because nothing asks for their results. */
  readonly detached = {
    fire: (task: TaskImpl, _group: string, fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<void, SubmitError> =>
      Effect.asVoid(this.register([task], fiber.context, this.parentOf(fiber))),
    cancel: () => Effect.void
  }

  readonly desk: Stage["desk"] = { isUsed: false, bring: () => undefined }

  readonly settling: Stage["settling"] = { settle: (future, exit) => this.settle(future, exit) }

  readonly owners: Stage["owners"] = {
    cancel: () => Effect.void,
    closeScope: (scope, exit) => Scope.close(scope, exit),
    keep: (future) => Effect.succeed(future),
    release: () => Effect.void
  }

  readonly waits = {
    forFutures: (futures: ReadonlyArray<FutureImpl>, mode: WaitMode): Effect.Effect<void> =>
      Effect.withFiber((fiber) => {
        const ids = futures.map(({ claim: { task } }) => task)
        const needed = mode === "firstCompleted" ? ids.slice(0, 1) : ids
        const evaluated = Effect.andThen(this.waits.waiting(fiber), this.evaluateAll(needed))
        return Effect.map(evaluated, () => this.note(fiber, needed))
      }),
    /** From now on its time limit may strike, whatever becomes of the wait. */
    waiting: (fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<void> => Effect.sync(() => this.note(fiber, [])),
    secede: (attempt: Seat): Effect.Effect<void> => Effect.asVoid(this.waits.away(attempt)),
    away: ({ serial }: Seat): Effect.Effect<number> =>
      Effect.sync(() => {
        const seen = this.seen.get(serial)
        if (seen !== undefined) seen.hasWaited = true
        return 0
      }),
    abandon: () => Effect.void,
    // Programs that it interprets have no streams.
    stand: () => 0,
    addTo: () => undefined,
    untilReport: () => Effect.void,
    endStanding: () => undefined,
    counted: <A, E, R>(wait: () => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => Effect.suspend(wait),
    rejoin: () => Effect.void
  }
}

/** Whether a task may start before all of a group have ended: then its body sees what there is by then. */
const dependsOnTime = ({ of, policy }: Group): boolean =>
  of === "inputs" &&
  (policy._tag === "AtLeast" ||
    (policy._tag === "Rule" && ["oneSuccess", "oneFailed", "oneDone", "always"].includes(policy.rule)))

type Step = (now: number, input: unknown) => Effect.Effect<[unknown, Duration.Duration], unknown>

const alias = ({ reason, trail }: Outcome, key: string): Outcome => ({
  reason,
  trail: { task: key, from: trail, isAlias: true }
})
