/**
 * Reasons as errors: why a submission is refused and why a task cannot start, each with its text.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import { hasProperty } from "effect/Predicate"
import type { Refusal } from "../../engine/protocol/Instruction.ts"
import type { PhaseName } from "../../engine/protocol/Phase.ts"
import type { Group, Policy, Tally } from "../../engine/protocol/policies.ts"
import type { Impossibility } from "../../engine/protocol/Reason.ts"
import { Fact } from "./fact.ts"
import { needText } from "./policyText.ts"
import { describeError, join } from "./rendering.ts"
import { cutList, inLine, quote } from "./text.ts"

/**
 * The state of a task. `released`: its result is gone.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Status = PhaseName | "released"

/** Reasons are sentences of this library, with keys in them. */
const longestReason = 1000

// ---- why a submission is refused

/**
 * The graph has a cycle. `path` leads from a key back to itself.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class Cycle extends Fact("Cycle")<{
  readonly path: ReadonlyArray<string>
}> {
  override get message(): string {
    return `The graph has a cycle: ${join(this.path)}. Remove one of these edges.`
  }
}

/**
 * Nothing defines a key on which tasks depend.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class MissingDependency extends Fact("MissingDependency")<{
  readonly key: string
  readonly dependents: ReadonlyArray<string>
}> {
  override get message(): string {
    return `Nothing defines ${quote(this.key)}, on which ${cutList(this.dependents, quote)} ${
      this.dependents.length === 1 ? "depends" : "depend"
    }. Add a task with that key, or put its value in the cache.`
  }
}

/**
 * A graph has no task with this key. `known` has the keys of the graph.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class UnknownKey extends Fact("UnknownKey")<{
  readonly key: string
  readonly known: ReadonlyArray<string>
}> {
  override get message(): string {
    const known = this.known.length === 0 ? "none" : cutList(this.known, quote)
    return `There is no task ${quote(this.key)} in this graph. Known keys: ${known}.`
  }
}

/**
 * A task names a function that nothing has: an imported graph one that is not in its registry, or a portable task one without a
 * handler. `known` has the names of those that there are.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class UnknownFunction extends Fact("UnknownFunction")<{
  readonly key: string
  readonly name: string
  readonly known: ReadonlyArray<string>
}> {
  override get message(): string {
    const known = this.known.length === 0 ? "none" : cutList(this.known, quote)
    return `There is no function ${quote(this.name)}, which task ${quote(this.key)} needs. Known functions: ${known}.`
  }
}

/**
 * Another task has the key. With `pure`, both tasks are pure, but have different functions or arguments.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class KeyConflict extends Fact("KeyConflict")<{
  readonly key: string
  readonly why: string
  readonly pure?: true
  /** The graph of the live task that has it, where the submission said `conflict: "refuse"`. */
  readonly graph?: number | undefined
}> {
  override get message(): string {
    return `The key ${quote(this.key)} is taken: ${inLine(this.why, longestReason)}. ` +
      (this.pure === true
        ? "Make the function once, outside of what calls it, and pass what it closes over as an argument; or give it " +
          "another name."
        : this.graph !== undefined
        ? "Wait for its end, say conflict: \"replace\", or submit the same Task object with conflict: \"join\"."
        : "Submit the same Task object, or choose another key.")
  }
}

/**
 * A task cannot depend on what it names. `key` is absent if the request itself, not one of its tasks, holds the dependency.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class InvalidDependency extends Fact("InvalidDependency")<{
  readonly key: string | undefined
  readonly dependency: string
  readonly why: string
}> {
  override get message(): string {
    const why = `${inLine(this.dependency)}: ${inLine(this.why, longestReason)}.`
    return this.key === undefined
      ? `The request cannot use ${why}`
      : `Task ${quote(this.key)} cannot depend on ${why}`
  }
}

/**
 * An argument of a pure task has no canonical encoding.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class InvalidArgument extends Fact("InvalidArgument")<{
  readonly key: string
  readonly path: string
  readonly why: string
}> {
  override get message(): string {
    return `Task ${quote(this.key)} is pure, but its ${inLine(this.path)} has no canonical encoding: ${
      inLine(this.why, longestReason)
    }. ` +
      "Pass plain data or a keyed task, or give the task a key of its own."
  }
}

/**
 * A payload without tasks in it is none for its portable task. One with tasks in it is known when they have ended: then the task
 * itself dies.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class InvalidPayload extends Fact("InvalidPayload")<{
  readonly key: string
  /** What runs it, as in `Portable.make`. */
  readonly name: string
  /** What its schema says, with the path of the value. */
  readonly why: string
}> {
  override get message(): string {
    return `Task ${quote(this.key)} cannot be sent to ${
      quote(this.name)
    }, because its payload is not what the schema of ` +
      `${quote(this.name)} says: ${inLine(this.why, longestReason)}.`
  }
}

/**
 * A body elsewhere has submitted a named task with an option that does not travel to its scheduler.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class CannotTravel extends Fact("CannotTravel")<{
  readonly key: string
  readonly option: string
  readonly why: string
}> {
  override get message(): string {
    return `Task ${quote(this.key)} cannot have the option ${inLine(this.option)} where a body elsewhere submits it: ${
      inLine(this.why)
    }. Use workers.`
  }
}

const nestingWords = {
  nesting: "Bodies submit tasks from inside bodies too deep",
  unfolding: "flatMap tasks return flatMap tasks too deep",
  seceded: "Too many tasks wait inside their bodies at once"
} as const

/**
 * Bodies nest or unfold too deep, or too many tasks wait inside their bodies.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class NestingLimit extends Fact("NestingLimit")<{
  readonly of: "nesting" | "unfolding" | "seceded"
  readonly max: number
  /** How often this recursion was refused, if it launches nothing more. */
  readonly refusals?: number | undefined
}> {
  override get message(): string {
    const again = this.refusals === undefined
      ? ""
      : `, ${this.refusals} times in one recursion, which launches nothing more`
    return `${nestingWords[this.of]} (limit ${this.max})${again}. ` +
      `Check that the recursion ends, or raise limits.${this.of} of the layer.`
  }
}

const limitWords = {
  tasks: "The number of tasks of this graph is",
  depth: "The number of tasks on the longest way through this graph is",
  live: "With this graph the number of live tasks would be"
} as const

/**
 * More than the layer's `limits` allow: `tasks` or `depth` of this graph, or `live` tasks with it.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class LimitExceeded extends Fact("LimitExceeded")<{
  readonly limit: "tasks" | "depth" | "live"
  readonly value: number
  readonly max: number
}> {
  override get message(): string {
    return `${limitWords[this.limit]} ${this.value}, and the layer's limits.${this.limit} is ${this.max}. ` +
      "Split the work, or raise the limit."
  }
}

/**
 * There is nothing to run again: the task has not ended, has succeeded, or its record is gone.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class NotRetriable extends Fact("NotRetriable")<{
  readonly key: string
  readonly status: Status
  readonly why: string
}> {
  override get message(): string {
    return `Task ${quote(this.key)} cannot be run again: ${this.why}.`
  }
}

/**
 * The `onStart` of the layer failed for a worker that was added, or its thread or process did not start. The failure of a worker's
 * own `onStart` is in the type of `Scheduler.addWorker`.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class WorkerFailed extends Fact("WorkerFailed")<{
  readonly worker: string
  readonly cause: Cause.Cause<unknown>
}> {
  override get message(): string {
    const error = Cause.squash(this.cause)
    const why = hasProperty(error, "_tag") && error._tag === "LinkFailed" && hasProperty(error, "why")
      ? `: ${String(error.why)}`
      : `, because its onStart failed: ${describeError(error)}`
    return `Worker ${quote(this.worker)} was not started${why}`
  }
}

/**
 * The scheduler or the scope has closed, or the worker of the body that submits was lost. For plain code (`skein/promise`) the client
 * has closed, or the body has ended.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class Closed extends Fact("Closed")<{
  readonly what: "scheduler" | "worker" | "scope" | "client" | "body"
}> {
  override get message(): string {
    return closedTexts[this.what]
  }
}

const closedTexts: Record<Closed["what"], string> = {
  scheduler: "The scheduler has closed and takes no more tasks. Submit while its layer is open.",
  scope: "The scope has closed and takes no more tasks. Submit in a scope that is open.",
  worker: "The worker that ran this body was lost, so the body submits nothing more.",
  client:
    "The client has closed and takes no more tasks. Submit while it is open: await all calls before its block ends.",
  body: "The body has ended and takes no more tasks. Await what it starts before it returns."
}

/**
 * There is a worker with this id already.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class DuplicateWorker extends Fact("DuplicateWorker")<{ readonly worker: string }> {
  override get message(): string {
    return `There is a worker ${quote(this.worker)} already. Choose another id, or wait until that worker has left.`
  }
}

/**
 * Why a submission, or a worker, was refused.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export type SubmitReason =
  | Cycle
  | MissingDependency
  | UnknownKey
  | UnknownFunction
  | KeyConflict
  | InvalidDependency
  | InvalidArgument
  | InvalidPayload
  | CannotTravel
  | NestingLimit
  | LimitExceeded
  | NotRetriable
  | DuplicateWorker
  | WorkerFailed
  | Closed

/** The reason for which the engine refused a plan. */
export const refusalReason = (refusal: Refusal): SubmitReason => {
  switch (refusal._tag) {
    case "NestingLimit":
      return new NestingLimit(refusal)
    case "LimitExceeded":
      return new LimitExceeded(refusal)
    case "Gone":
      return new Closed({ what: "scope" })
  }
}

// ---- why a task can never start

/**
 * The body reported on each of these workers that it cannot run there, and no other worker takes tasks. See `Worker.unmet`.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class Unmet extends Fact("Unmet")<{
  readonly on: ReadonlyArray<{ readonly worker: string; readonly why: string }>
}> {
  override get message(): string {
    const said = cutList(this.on.map(({ why, worker }) => `${quote(worker)} (${inLine(why)})`), (said) => said)
    return `its body said that it cannot run on ${said}, and no other worker on which it may run takes tasks. ` +
      "Add one that it can run on, or let it wait for one with waitForWorkers."
  }
}

/**
 * The `locality` is below 0 for each of these workers. With `fault`, it returned no number for one of them.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class Locality extends Fact("Locality")<{
  readonly workers: ReadonlyArray<string>
  readonly fault: string | undefined
}> {
  override get message(): string {
    return this.fault === undefined
      ? `its locality is below 0 for every worker on which it may run: ${cutList(this.workers, quote)}. ` +
        "Give 0 for those where it may run."
      : `its locality ${this.fault}. Give a number for every worker.`
  }
}

/**
 * The followed tasks ran on these workers, but not enough of them on one.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class Apart extends Fact("Apart")<{
  readonly workers: ReadonlyArray<string>
}> {
  override get message(): string {
    return `what it follows ran on ${cutList(this.workers, quote, " and ")}, and on none of them enough of it. ` +
      "Let what it follows run in one place (workers, locality), or follow any of it."
  }
}

/**
 * The followed tasks ran on these workers, none of which takes tasks and may run this one.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class Away extends Fact("Away")<{
  readonly workers: ReadonlyArray<string>
}> {
  override get message(): string {
    return `what it follows ran on ${cutList(this.workers, quote, " and ")}, and no worker there takes tasks and ` +
      "may run it. Use after where the place does not matter."
  }
}

/**
 * Too many dependencies of a set have ended otherwise for its policy to be met. See `Dependency`.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class Unreachable extends Fact("Unreachable")<{
  readonly of: Group["of"]
  readonly policy: Policy
  /** The size of the set, and the number of its ends of each kind. */
  readonly size: number
  readonly ended: Tally
  /** The keys of the first few that ended otherwise. */
  readonly refusedBy: ReadonlyArray<string>
}> {
  override get message(): string {
    const { ended, of, policy, size } = this
    const open = size - ended.success - ended.failed - ended.upstreamFailed - ended.skipped
    const counts = [
      [ended.success, "succeeded"],
      [ended.failed, "failed"],
      [ended.upstreamFailed, "upstream failed"],
      [ended.skipped, "skipped"],
      [open, "open"]
    ] as const
    const told = counts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`).join(", ")
    return `it needs ${needText(of, policy, size)} (${told}). Look at ${
      cutList(this.refusedBy, quote)
    }, or choose a policy ` +
      "that allows it."
  }
}

/**
 * Why a task can never start.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export type ImpossibleReason = Unmet | Locality | Apart | Away | Unreachable

/** The reason for which the engine says that a task can never start. */
export const impossibleReason = (why: Impossibility): ImpossibleReason => {
  switch (why._tag) {
    case "Unmet":
      return new Unmet(why)
    case "Locality":
      return new Locality(why)
    case "Apart":
      return new Apart(why)
    case "Away":
      return new Away(why)
    case "Unreachable":
      return new Unreachable(why)
  }
}
