/**
 * Every error of Skein, each with the keys it concerns and a message that says what to do next.
 *
 * A `SubmitError` comes before anything starts. `DependencyFailed` is the typed failure of a task whose dependency failed. The
 * errors of options (`TaskTimeout`, `DependencyTimeout`, `ImpossibleDependency`) are in the type of a task with that option, and
 * `TaskSkipped` where a body may skip its task. `SkeinError` is what the runtime can do to any task, under a `reason`; every verb
 * that observes a task adds it.
 *
 * @stability unstable
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Exit from "effect/Exit"
import type { Restriction } from "./engine/protocol/Plan.ts"
import { definePath, Fact, infoKey, infoOf, plainError, prettyCause } from "./internal/text/fact.ts"
import type { ImpossibleReason, SubmitReason } from "./internal/text/reasons.ts"
import { releaseText, restrictionText } from "./internal/text/reasonText.ts"
import { asError, describeError, named } from "./internal/text/rendering.ts"
import * as reports from "./internal/text/report.ts"
import { cutList, inLine, quote } from "./internal/text/text.ts"

export type { ImpossibleReason, SubmitReason } from "./internal/text/reasons.ts"
export {
  Apart,
  Away,
  CannotTravel,
  Closed,
  Cycle,
  DuplicateWorker,
  InvalidArgument,
  InvalidDependency,
  InvalidPayload,
  KeyConflict,
  LimitExceeded,
  Locality,
  MissingDependency,
  NestingLimit,
  NotRetriable,
  UnknownFunction,
  UnknownKey,
  Unmet,
  Unreachable,
  WorkerFailed
} from "./internal/text/reasons.ts"

/**
 * A body fails with this to give its place up: the task goes back to the queue, and no attempt is counted. See `Worker.reschedule`.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class TaskRescheduled extends Data.TaggedError("TaskRescheduled") {
  declare readonly "~skein/Signal": true
  override get message(): string {
    return "Worker.reschedule gives up the place of a task; outside the body of one it means nothing"
  }
}

/**
 * A body fails with this to report that results of dependencies are gone. The dependencies run again, then the body does, and no
 * attempt is counted. See `Worker.dependenciesLost`.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class DependenciesLost extends Data.TaggedError("DependenciesLost")<{
  /** Tasks and futures that the task depends on, or their keys. */
  readonly dependencies: ReadonlyArray<unknown>
}> {
  declare readonly "~skein/Signal": true
  override get message(): string {
    return "Worker.dependenciesLost lets dependencies of a task run again; outside the body of one it means nothing"
  }
}

/**
 * A body fails with this if it cannot run on the current worker: its task goes to another worker, and no attempt is counted. See
 * `Worker.unmet`.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class TaskUnmet extends Data.TaggedError("TaskUnmet")<{ readonly why: string }> {
  declare readonly "~skein/Signal": true
  override get message(): string {
    return `Worker.unmet sends a task to another worker; outside the body of one it means nothing (${inLine(this.why)})`
  }
}

/**
 * The signals that a body may fail with to instruct the scheduler. A task never fails with one, and its type never has one.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export type Signal = TaskRescheduled | TaskUnmet | DependenciesLost

/**
 * A submission that is refused, before anything of it starts; `reason` says why. What a program can never do right, such as an
 * option that does not exist, is no `SubmitError`: it dies of a `Cause.IllegalArgumentError`.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class SubmitError extends Fact("SubmitError")<{ readonly reason: SubmitReason }> {
  override get message(): string {
    return this.reason.message
  }
}

/**
 * `Scheduler.pause` was given the name of a tag or a group that nothing has. `known` has the names of those that there are.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class UnknownTarget extends Fact("UnknownTarget")<{
  readonly of: "tag" | "group"
  readonly name: string
  readonly known: ReadonlyArray<string>
}> {
  override get message(): string {
    const known = this.known.length === 0 ? "none" : cutList(this.known, quote)
    const instead = this.of === "tag"
      ? "Name it in the option tags of the layer, or give it to a task first."
      : "Fire a task into it first."
    return `There is no ${this.of} ${quote(this.name)} to pause. Known: ${known}. ${instead}`
  }
}

/**
 * A dependency failed, so this task never started.
 *
 * `root` is the key of the task that failed first and `error` its typed error; `path` has the keys from root to this
 * task; `cause` is the root's whole cause, with its stack.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class DependencyFailed<out E> extends Fact("DependencyFailed")<{
  readonly key: string
  readonly label?: string | undefined
  readonly root: string
  readonly error: unknown
  readonly path: ReadonlyArray<string>
  readonly cause: Cause.Cause<unknown>
}> {
  declare readonly error: E

  constructor(args: {
    readonly key: string
    readonly label?: string | undefined
    readonly root: string
    readonly error: E
    readonly path: ReadonlyArray<string>
    readonly cause: Cause.Cause<unknown>
  }) {
    const { cause, error, key, label, root } = args
    super((label === undefined ? { key, root } : { key, label, root }) as typeof args)
    // Not enumerable: Node prints enumerable fields after the stack, which has the path, and the cause, which is the error.
    Object.defineProperty(this, "error", { configurable: true, writable: true, value: error })
    // The path may be long, so it is built when it is read.
    definePath(this, args)
    Object.defineProperty(this, "cause", { configurable: true, writable: true, value: asError(cause) })
  }

  override get message(): string {
    const root = named(this.root, infoOf(this.cause)?.label)
    return `Task ${named(this.key, this.label)} did not start, because ${root} failed: ${describeError(this.error)}`
  }

  override toJSON(): object {
    const { error, path } = this
    return Object.assign({}, super.toJSON(), { path, error: plainError(error) })
  }
}

/**
 * A time limit of a task has passed: `timeout` of one attempt from its start, or `deadline` from the submission.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class TaskTimeout extends Fact("TaskTimeout")<{
  readonly key: string
  readonly of: "attempt" | "deadline"
  readonly millis: number
}> {
  override get message(): string {
    return this.of === "attempt"
      ? `An attempt of task ${quote(this.key)} took longer than its timeout of ${this.millis} ms and was interrupted.`
      : `Task ${quote(this.key)} had not ended ${this.millis} ms after its submission, its deadline.`
  }
}

/**
 * A task was not assigned to a worker within its `dependencyTimeout` from submission.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class DependencyTimeout extends Fact("DependencyTimeout")<{
  readonly key: string
  readonly millis: number
}> {
  override get message(): string {
    return `Task ${quote(this.key)} was not started within ${this.millis} ms of its submission, its dependencyTimeout.`
  }
}

/**
 * A task was skipped, so it has no value: by its body, by a rule over its dependencies, or because a dependency was skipped.
 * `root` is the key of the task that was skipped first.
 *
 * **Details**
 *
 * `Worker.skip` fails with this. A body that fails with this, its own or that of a task it joined, ends its task as skipped.
 * Dependents of a skipped task fail with this too, not with `DependencyFailed`: nothing went wrong.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class TaskSkipped extends Fact("TaskSkipped")<{ readonly key: string; readonly root: string }> {
  override get message(): string {
    const why = this.key === this.root ? "" : `, because ${quote(this.root)} was`
    return `Task ${quote(this.key)} was skipped${why}, so it has no value. ` +
      "A task that should run all the same takes it through a Dependency, such as Dependency.rule(\"noneFailed\", [...])."
  }
}

export type {
  /**
   * The workers on which a task may run: those with one of these ids, if any are named, with all of these labels, and with at
   * least these total amounts of resources.
   *
   * @stability unstable
   * @category models
   * @since 0.1.0
   */
  Restriction
}

/**
 * A task never starts: one of its policies can never be met, or its own restrictions rule out every worker. For its dependents
 * this is an ordinary typed failure.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class ImpossibleDependency extends Fact("ImpossibleDependency")<{
  readonly key: string
  readonly reason: ImpossibleReason
}> {
  override get message(): string {
    return `Task ${quote(this.key)} ${
      this.reason._tag === "Unreachable" ? "can never start" : "can run nowhere"
    }: ${this.reason.message}`
  }
}

/**
 * A task was cancelled. `by` names who asked: the key of a task, or an owner such as a scope or a compute.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class TaskCancelled extends Fact("TaskCancelled")<{
  readonly key: string
  readonly by: string
  readonly why: string
  /** The task that runs in its place, after a submission with `conflict: "replace"`: its key and the number of its graph. */
  readonly replacement?: { readonly key: string; readonly graph: number } | undefined
}> {
  override get message(): string {
    const { replacement } = this
    const instead = replacement === undefined ? "" : ` (${quote(replacement.key)} of graph ${replacement.graph})`
    return `Task ${quote(this.key)} was cancelled by ${inLine(this.by)}: ${inLine(this.why)}${instead}.`
  }
}

/**
 * A wait that could never end: it would close a cycle, or it keeps its slot or resources, and none are left for the tasks that it
 * waits for.
 *
 * **Details**
 *
 * Each pair names a waiting key and the key that it waits for. A pair with `"slot"`, `"resources"` or `"tag"` means that the
 * second task keeps that while it waits itself. The tasks are not affected. The same wait without `Worker.keepSlot`, by a task without
 * `keepResources`, can end.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class Starved extends Fact("Starved")<{
  readonly waits: ReadonlyArray<readonly [waiting: string, awaited: string, of?: "slot" | "resources" | "tag"]>
}> {
  override get message(): string {
    const told = cutList(
      this.waits,
      ([from, to, of]) =>
        `${quote(from)} waits for ${of === undefined ? quote(to) : `the ${of} that ${quote(to)} keeps`}`
    )
    const lacks = this.waits.flatMap(([, , of]) => of === undefined || of === "slot" ? [] : [of])
    if (lacks.length > 0) {
      const what = lacks.includes("resources") ? "resources" : "tags"
      return `This wait keeps what it holds and could never end: ${told}. Wait without Worker.keepSlot or keepResources, or allow ` +
        `more ${what}.`
    }
    if (this.waits.some(([, , of]) => of === "slot")) {
      return `This wait keeps its slot and could never end: ${told}. Wait without Worker.keepSlot, or allow more slots.`
    }
    return this.waits.at(-1)?.[1] === this.waits[0]?.[0]
      ? `This wait would close a cycle: ${told}. Let one of them go on without waiting.`
      : `This wait keeps what it holds and could never end, for no worker takes tasks: ${told}.`
  }
}

/**
 * The result is gone: its future was released with `Future.release`, or its owner has closed.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class Released extends Fact("Released")<{
  readonly key: string
  /** The owner of the future: a scope, one compute, or for plain code (`skein/promise`) the client or a body. */
  readonly owner: string
  /** The caller of `Future.release`: the key of a task, or "program". Absent if the owner closed. */
  readonly by?: string | undefined
  /** The key of the task in whose body its scope was. Absent outside of bodies. */
  readonly body?: string | undefined
}> {
  override get message(): string {
    const instead = this.owner === "client"
      ? "Await it before the client closes, as in \"return await\"."
      : this.owner === "body"
      ? "Await it in that body, and return what it gives."
      : this.by === undefined && this.body !== undefined
      ? "Return a task in place of the future (Task.flatMap), or take it over with Future.keep in a scope that lives on."
      : "Join it earlier, or take it over with Future.keep before that."
    return `The result of ${quote(this.key)} ${releaseText(this)}. ${instead}`
  }
}

/**
 * A result that a worker elsewhere has sent as bytes cannot be made a value again. `why` is what its reader says.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class Unreadable extends Fact("Unreadable")<{
  readonly key: string
  readonly why: string
}> {
  override get message(): string {
    return `The result of task ${quote(this.key)} cannot be read: ${
      inLine(this.why)
    }. Submit the task anew, or let it return less.`
  }
}

const tooFarBack =
  "released and further back than Skein.layer's limits.lineage submissions. Allow more, keep what is made often,"

/**
 * A task was lost with its worker and is not started again. `deaths`: too many workers were lost while they ran it. `lost`: it
 * may have run, and has `idempotent: false`. `forgotten`: a lost result needs it, and it is further back than `limits.lineage`
 * submissions.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class WorkerKilled extends Fact("WorkerKilled")<{
  readonly key: string
  /** How many workers were lost while they ran the task. */
  readonly deaths: number
  readonly why: "deaths" | "lost" | "forgotten"
}> {
  override get message(): string {
    if (this.why === "forgotten") {
      return `A result was lost with its worker that was made of what task ${quote(this.key)} had made, which is ` +
        `${tooFarBack} and submit it anew.`
    }
    if (this.why === "deaths") {
      return `Task ${quote(this.key)} is not started again: ${this.deaths} workers were lost while they ran it. ` +
        "Look for what kills them in its body; Skein.layer's limits.deaths says how many may be lost."
    }
    const what = this.deaths > 0 ? "The worker was lost that ran" : "The worker was lost that held the result of"
    return `${what} task ${quote(this.key)}, which is not started twice, for it has idempotent: false. ` +
      "Find out what it did, and submit it anew if it must run."
  }
}

/**
 * A body reported that results of dependencies are gone, and the dependencies are not run again. `limit`: it has reported that
 * too often. `idempotent`: `keys` have `idempotent: false`, so they are not started twice. `forgotten`: `keys` are further back
 * than `limits.lineage` submissions.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class DependenciesGone extends Fact("DependenciesGone")<{
  readonly key: string
  /** The dependencies that it named last, or the tasks that must not start twice or are too far back. */
  readonly keys: ReadonlyArray<string>
  /** How often it has reported that dependencies are lost. */
  readonly reports: number
  readonly why: "limit" | "idempotent" | "forgotten"
}> {
  override get message(): string {
    const keys = cutList(this.keys, quote)
    if (this.why === "limit") {
      return `Task ${quote(this.key)} has reported ${this.reports} times that dependencies are lost` +
        `${
          keys === "" ? "" : `, ${keys} the last time`
        }. Look for what removes what they make, or in its body for how it looks ` +
        "for that; Skein.layer's limits.dependenciesLost says how often is too often."
    }
    if (this.why === "forgotten") {
      return `Task ${
        quote(this.key)
      } reported that dependencies are lost, and to make them again ${keys} would be needed, ` +
        `which is ${tooFarBack} and submit them anew.`
    }
    return `Task ${
      quote(this.key)
    } reported that dependencies are lost, and to make them again ${keys} would have to be ` +
      "started twice, in spite of idempotent: false. Find out what became of what they made, and submit them anew if they must run."
  }
}

/**
 * No worker takes tasks that could run this one, and none came within `millis`.
 *
 * **Details**
 *
 * `millis` is the `waitForWorkers` of the task or its layer. `restriction` says on which workers the task may run; it is empty if
 * any worker may. A task that an option restricts fails with this, and so does `Scheduler.awaitWorkers`, with no `key`. For any
 * other task this is a reason of {@link SkeinError}.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class NoSuitableWorker extends Fact("NoSuitableWorker")<{
  readonly key: string | undefined
  readonly restriction: Restriction
  readonly millis: number
}> {
  override get message(): string {
    const which = restrictionText(this.restriction)
    const longer = this.millis > 0 ? " for longer" : ""
    if (which !== "" && this.key !== undefined) {
      const waited = this.millis === 0 ? "" : `, and none came within ${this.millis} ms`
      return `Task ${
        quote(this.key)
      } needs a worker that ${which}: there is none that takes tasks and can run it${waited}. ` +
        "Check the names, and that its body can run there. " +
        `Add a worker with Scheduler.addWorker, or let the task wait${longer} with waitForWorkers.`
    }
    const who = this.key === undefined ? "There is no worker" : `Task ${quote(this.key)} has no worker`
    const wait = this.millis > 0 ? `, and none came within ${this.millis} ms` : ""
    const how = this.key === undefined ? "connectTimeout" : "waitForWorkers"
    return `${who}: none takes tasks${wait}. Add one with Scheduler.addWorker, or wait for it${longer} with ${how}.`
  }
}

/**
 * What the runtime can do to any task.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export type SkeinReason =
  | TaskCancelled
  | WorkerKilled
  | NoSuitableWorker
  | DependenciesGone
  | Starved
  | Released
  | Unreadable

/**
 * A failure that the runtime can cause to any task; `reason` says which.
 *
 * **Details**
 *
 * A failure of this kind passes through dependents unchanged: it is not wrapped in `DependencyFailed`. `Effect.catchReason`,
 * `Effect.catchReasons` and `Effect.unwrapReason` handle reasons one by one.
 *
 * **Example** (Handle one reason)
 *
 * ```ts
 * Future.join(future).pipe(Effect.catchReason("SkeinError", "TaskCancelled", () => Effect.succeed(undefined)))
 * ```
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class SkeinError extends Fact("SkeinError")<{ readonly reason: SkeinReason }> {
  override get message(): string {
    return this.reason.message
  }
}

/**
 * The errors of a computation beside those of its tasks: a refused submission, or the runtime.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export type Unexpected = SubmitError | SkeinError

/**
 * The typed error of the task that failed first: the one inside `DependencyFailed`, or the error itself.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Root<E> = E extends DependencyFailed<infer X> ? X : E

/**
 * Returns the typed error of the task that failed first: the one inside `DependencyFailed`, or the error itself.
 *
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const root = <E>(error: E): Root<E> => (error instanceof DependencyFailed ? error.error : error) as Root<E>

/**
 * Where a failure happened: an annotation on the `Cause` of every failed task, whatever its error.
 *
 * **Example** (Read it)
 *
 * ```ts
 * Context.getOption(Cause.annotations(cause), SkeinError.TaskInfo)
 * ```
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export class TaskInfo extends Context.Service<TaskInfo, {
  readonly key: string
  /**
   * The number of its graph, within which its key is unique: a submission, a compute, or the graph that a flatMap task returned.
   */
  readonly graph: number
  readonly label: string | undefined
  /** Which start of the task it was, from 1; 0 if it never started. */
  readonly attempt: number
  readonly worker: string | undefined
  /** The key of the task from whose body it was submitted, or "program". */
  readonly submitter: string
  /** The key of the task that failed first. */
  readonly root: string
  /** The keys from the root to this task. */
  readonly path: ReadonlyArray<string>
}>()(infoKey) {}

/**
 * Renders a failure for people: a short first line, the path of the failure, where it happened, and the causes with the user's
 * own stack frames. Frames of this library, of Effect and of Node are left out.
 *
 * **Details**
 *
 * Accepts the `Cause` of any task, and any other cause. Each of several failures is rendered, in the order of the cause. The
 * middle of a long path is left out. `Cause.pretty` and Effect's loggers show the same facts, in Effect's form.
 *
 * **Example** (Print what went wrong)
 *
 * ```ts
 * program.pipe(Effect.tapCause((cause) => Console.error(SkeinError.pretty(cause))))
 * ```
 *
 * @stability unstable
 * @category formatting
 * @since 0.1.0
 */
export const pretty: (cause: Cause.Cause<unknown>) => string = prettyCause

/** Exits by name or by place, as `mode: "collect"` gives them. */
type Exits = Readonly<Record<string, Exit.Exit<any, any>>> | ReadonlyArray<Exit.Exit<any, any>>

type Members<S> = S extends ReadonlyArray<infer X> ? X : S[keyof S]

type ValueOf<X> = X extends Exit.Exit<infer A, any> ? A : never

type ErrorOf<X> = X extends Exit.Exit<any, infer E> ? E : never

/**
 * A root failure, and the tasks that it held up.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Failure<out E> {
  /** The key of the task that failed first. */
  readonly root: string
  /** The name of that task among the exits; `undefined` if it is not among them. */
  readonly name: string | undefined
  /** Its cause. If it is not among the exits, the cause of the first task that it held up. */
  readonly cause: Cause.Cause<E>
  /** The names of the tasks that never started because of it. */
  readonly heldUp: ReadonlyArray<string>
}

/**
 * The outcome of a computation with `mode: "collect"`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Report<S extends Exits> {
  /** Each name with its exit, all of one type: `Exit.isFailure` takes them in a loop. */
  readonly exits: ReadonlyArray<readonly [name: string, exit: Exit.Exit<ValueOf<Members<S>>, ErrorOf<Members<S>>>]>
  /** The values of the tasks that succeeded. */
  readonly values: { readonly [K in keyof S]?: ValueOf<S[K]> | undefined }
  /** Each root failure, once. */
  readonly failures: ReadonlyArray<Failure<ErrorOf<Members<S>>>>
  /** The names of the skipped tasks, where nothing went wrong. */
  readonly skipped: ReadonlyArray<string>
}

/**
 * Sorts the exits of a computation with `mode: "collect"` into values, root failures with the tasks that they held up, and
 * skipped tasks.
 *
 * **Example** (One culprit, two that waited for it)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Skein, SkeinError, Task } from "skein"
 *
 * const load = Task.make(Effect.fail("503"), { key: "load" })
 * const clean = Task.map(load, (rows) => rows, { key: "clean" })
 * const chart = Task.map(clean, (rows) => rows, { key: "chart" })
 * const other = Task.sync(() => 7)
 * const program = Client.compute({ load, clean, chart, other }, { mode: "collect" }).pipe(
 *   Effect.map(SkeinError.report),
 *   Effect.map(({ failures, values }) => [values, failures.map(({ heldUp, root }) => [root, heldUp])]),
 *   Effect.provide(Skein.layer())
 * )
 * program // => [{ other: 7 }, [["load", ["clean", "chart"]]]]
 * ```
 *
 * @stability unstable
 * @category formatting
 * @since 0.1.0
 */
export const report: <const S extends Exits>(exits: S) => Report<S> = reports.report as never

/**
 * Renders a report for people: counts by outcome, and each failure as {@link pretty} shows it, with the tasks that it held up.
 *
 * @stability unstable
 * @category formatting
 * @since 0.1.0
 */
export const prettyReport: (report: Report<any>) => string = reports.prettyReport as never
