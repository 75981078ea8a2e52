/**
 * Every error of Skein, each with the keys it concerns and a message that says what to do next.
 *
 * A `GraphError` comes before anything starts. `DependencyFailed` is the typed failure of a task whose dependency failed.
 * The errors of options (`TaskTimeout`, `DependencyTimeout`) are in a task's type when the option is. `RuntimeFailure` is
 * what the runtime can do to any task; every verb that observes a task adds it.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import { format } from "effect/Formatter"
import type { Status } from "./Future.ts"

const join = (keys: ReadonlyArray<string>): string => keys.join(" -> ")

const quote = (key: string): string => JSON.stringify(key)

/**
 * Why a graph was refused.
 *
 * @category models
 * @since 0.1.0
 */
export type GraphReason =
  /** `path` leads from a key back to itself. */
  | { readonly _tag: "Cycle"; readonly path: ReadonlyArray<string> }
  | { readonly _tag: "MissingDependency"; readonly key: string; readonly dependents: ReadonlyArray<string> }
  | { readonly _tag: "UnknownKey"; readonly key: string; readonly known: ReadonlyArray<string> }
  | { readonly _tag: "KeyConflict"; readonly key: string; readonly why: string }
  /** `key` is absent where the request itself, not a task of it, holds the dependency. */
  | {
    readonly _tag: "InvalidDependency"
    readonly key: string | undefined
    readonly dependency: string
    readonly why: string
  }
  /** `key` is absent where the option is one of a layer or a worker. */
  | {
    readonly _tag: "InvalidOption"
    readonly key?: string | undefined
    readonly option: string
    readonly value: unknown
    readonly expected: string
  }
  | { readonly _tag: "InvalidArgument"; readonly key: string; readonly path: string; readonly why: string }
  /**
   * Bodies submit from inside bodies deeper than `max`, flatMap tasks unfold into flatMap tasks deeper than `max`, or more
   * than `max` tasks wait inside their bodies.
   */
  | { readonly _tag: "NestingLimit"; readonly of: "nesting" | "unfolding" | "seceded"; readonly max: number }
  /** More than the layer's `limits` allow: `tasks` or `depth` of this graph, or `live` tasks with it. */
  | {
    readonly _tag: "LimitExceeded"
    readonly limit: "tasks" | "depth" | "live"
    readonly value: number
    readonly max: number
  }
  /** There is nothing to run again: the task has not ended, has succeeded, or its record is gone. */
  | { readonly _tag: "NotRetriable"; readonly key: string; readonly status: Status; readonly why: string }
  /** The scheduler or the owner has closed. */
  | { readonly _tag: "Closed"; readonly what: string }

const limitWords = {
  tasks: "The number of tasks of this graph is",
  depth: "The number of tasks on the longest way through this graph is",
  live: "With this graph the number of live tasks would be"
} as const

const nestingWords = {
  nesting: "Bodies submit tasks from inside bodies too deep",
  unfolding: "flatMap tasks return flatMap tasks too deep",
  seceded: "Too many tasks wait inside their bodies at once"
} as const

const describeReason = (reason: GraphReason): string => {
  switch (reason._tag) {
    case "Cycle":
      return `The graph has a cycle: ${join(reason.path)}. Remove one of these edges.`
    case "MissingDependency":
      return `Nothing defines ${quote(reason.key)}, on which ${
        reason.dependents.map(quote).join(", ")
      } depends. Add a task with that key, or put its value in the cache.`
    case "UnknownKey":
      return `There is no task ${quote(reason.key)} in this graph. Known keys: ${known(reason.known)}.`
    case "KeyConflict":
      return `The key ${quote(reason.key)} is taken: ${reason.why}. ` +
        "Submit the same Task object, make both tasks pure, or choose another key."
    case "InvalidDependency":
      return reason.key === undefined
        ? `The request cannot use ${reason.dependency}: ${reason.why}.`
        : `Task ${quote(reason.key)} cannot depend on ${reason.dependency}: ${reason.why}.`
    case "InvalidOption": {
      const option = reason.key === undefined ? reason.option : `${reason.option} of task ${quote(reason.key)}`
      return `The option ${option} cannot be ${format(reason.value)}: expected ${reason.expected}.`
    }
    case "InvalidArgument":
      return `Task ${quote(reason.key)} is pure, but its ${reason.path} has no canonical encoding: ${reason.why}. ` +
        "Pass plain data or a keyed task, or give the task a key of its own."
    case "NestingLimit":
      return `${
        nestingWords[reason.of]
      } (limit ${reason.max}). Check that the recursion ends, or raise limits.${reason.of} ` +
        "of the layer."
    case "LimitExceeded":
      return `${limitWords[reason.limit]} ${reason.value}, and the layer's limits.${reason.limit} is ${reason.max}. ` +
        "Split the work, or raise the limit."
    case "NotRetriable":
      return `Task ${quote(reason.key)} cannot be run again: ${reason.why}.`
    case "Closed":
      return `The ${reason.what} has closed and takes no more tasks.`
  }
}

const known = (keys: ReadonlyArray<string>): string =>
  keys.length === 0
    ? "none"
    : keys.slice(0, 8).map(quote).join(", ") + (keys.length > 8 ? `, and ${keys.length - 8} more` : "")

/**
 * A graph that cannot run. Nothing of it has started.
 *
 * @category errors
 * @since 0.1.0
 */
export class GraphError extends Data.TaggedError("GraphError")<{ readonly reason: GraphReason }> {
  override get message(): string {
    return describeReason(this.reason)
  }
}

/**
 * A dependency failed, so this task never started.
 *
 * `root` is the key of the task that failed first and `error` its typed error; `path` has the keys from root to this
 * task; `cause` is the root's whole cause, with its stack.
 *
 * @category errors
 * @since 0.1.0
 */
export class DependencyFailed<out E> extends Data.TaggedError("DependencyFailed")<{
  readonly key: string
  readonly root: string
  readonly error: unknown
  readonly path: ReadonlyArray<string>
  readonly cause: Cause.Cause<unknown>
}> {
  declare readonly error: E
  override get message(): string {
    return `Task ${quote(this.key)} did not start, because ${quote(this.root)} failed: ${describeError(this.error)} ` +
      `(${join(this.path)})`
  }
}

const describeError = (error: unknown): string => {
  if (error instanceof Error) {
    const tag = "_tag" in error && typeof error._tag === "string" ? error._tag : error.name
    return error.message === "" ? tag : `${tag}: ${error.message}`
  }
  return typeof error === "string" ? error : format(error)
}

/**
 * A time limit of a task has passed: `timeout` of one attempt from its start, or `deadline` from the submission.
 *
 * @category errors
 * @since 0.1.0
 */
export class TaskTimeout extends Data.TaggedError("TaskTimeout")<{
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
 * @category errors
 * @since 0.1.0
 */
export class DependencyTimeout extends Data.TaggedError("DependencyTimeout")<{
  readonly key: string
  readonly millis: number
}> {
  override get message(): string {
    return `Task ${quote(this.key)} was not started within ${this.millis} ms of its submission, its dependencyTimeout.`
  }
}

/**
 * A task was cancelled. `by` names who asked: the key of a task, or an owner such as a scope or a compute.
 *
 * @category errors
 * @since 0.1.0
 */
export class TaskCancelled extends Data.TaggedError("TaskCancelled")<{
  readonly key: string
  readonly by: string
  readonly reason: string
}> {
  override get message(): string {
    return `Task ${quote(this.key)} was cancelled by ${this.by}: ${this.reason}.`
  }
}

/**
 * A wait that could never end: it would close a cycle, or it keeps its slot and no other is left for what it waits for.
 *
 * **Details**
 *
 * Each pair says which key waits for which; one with `"slot"`, that it waits for the slot which the other keeps while it waits
 * itself. The tasks are not affected. Where a slot lacks, the same wait without `keepSlot` can end.
 *
 * @category errors
 * @since 0.1.0
 */
export class Starved extends Data.TaggedError("Starved")<{
  readonly waits: ReadonlyArray<readonly [waiting: string, awaited: string, of?: "slot"]>
}> {
  override get message(): string {
    const told = this.waits.map(([from, to, of]) =>
      `${quote(from)} waits for ${of === undefined ? quote(to) : `the slot that ${quote(to)} keeps`}`
    ).join(", ")
    if (this.waits.some(([, , of]) => of === "slot")) {
      return `This wait keeps its slot and could never end: ${told}. Wait without keepSlot, or allow more slots.`
    }
    return this.waits.at(-1)?.[1] === this.waits[0]?.[0]
      ? `This wait would close a cycle: ${told}.`
      : `This wait keeps its slot and could never end, for no worker takes tasks: ${told}.`
  }
}

/**
 * The result is gone: the owner of the last claim on it has closed.
 *
 * @category errors
 * @since 0.1.0
 */
export class Released extends Data.TaggedError("Released")<{ readonly key: string; readonly owner: string }> {
  override get message(): string {
    return `The result of ${quote(this.key)} was released when its ${this.owner} closed. ` +
      "Join it earlier, or take it over with Client.keep before that."
  }
}

/**
 * What the runtime can do to any task.
 *
 * @category errors
 * @since 0.1.0
 */
export type RuntimeFailure = TaskCancelled | Starved | Released

/**
 * The typed error of the task that failed first: what `DependencyFailed` carries, or the error itself.
 *
 * @category utils
 * @since 0.1.0
 */
export type Root<E> = E extends DependencyFailed<infer X> ? X : E

/**
 * Where a failure happened. An annotation on the `Cause` of every failed task, whatever its error is.
 *
 * **Example** (Read it)
 *
 * ```ts
 * Context.getOption(Cause.annotations(cause), SkeinError.TaskInfo)
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export class TaskInfo extends Context.Service<TaskInfo, {
  readonly key: string
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
}>()("skein/SkeinError/TaskInfo") {}
