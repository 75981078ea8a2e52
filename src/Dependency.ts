/**
 * Policies for sets of dependencies other than "all must succeed": any of them, some number of them, failures, ends of any kind,
 * or a trigger rule.
 *
 * A `Dependency` takes the place of a task: among the inputs of a task, in `after` and in `follow`. `all` and `any` are those of
 * IPython's `Dependency`; the rules are ten of Airflow's trigger rules.
 *
 * @stability unstable
 * @since 0.1.0
 */
import type * as Exit from "effect/Exit"
import { hasProperty } from "effect/Predicate"
import { decide as decideBy, rules as allRules } from "./engine/protocol/policies.ts"
import type {
  EndKind as OutcomeOf,
  On as OnOf,
  Policy as PolicyOf,
  Rule as RuleOf,
  Verdict as VerdictOf
} from "./engine/protocol/policies.ts"
import { invalidIn } from "./internal/tasks/checks.ts"
import type { Checks } from "./internal/tasks/checks.ts"
import { losers, makeDependency, on } from "./internal/tasks/dependency.ts"
import type { DependencyImpl } from "./internal/tasks/dependency.ts"
import type { Dependency, Future, Task } from "./internal/tasks/handles.ts"
import type { Errors, Handle, Services } from "./internal/tasks/shapes.ts"
import { DependencyTypeId } from "./internal/values/typeIds.ts"
import type { ImpossibleDependency, SkeinError, TaskSkipped } from "./SkeinError.ts"

export type { Dependency } from "./internal/tasks/handles.ts"

export type { Raises } from "./internal/tasks/shapes.ts"

/**
 * The ends that count: `failure` is every end except success and skip, whatever its cause; `completion` is any end.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type On = OnOf

/**
 * How a dependency ended, as policies see it: `failed` by itself, `upstreamFailed` because of what it depended on.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Outcome = OutcomeOf

/**
 * The names of the rules, in the words of Airflow, which has some more.
 *
 * - `allSuccess`: all succeeded. With a failure it can never be met; otherwise one that was skipped skips the task.
 * - `allFailed`: all failed; otherwise the task is skipped.
 * - `allDone`: all ended, however they did.
 * - `oneSuccess`: at the first success. Without one it can never be met, and if all were skipped the task is skipped.
 * - `oneFailed`: at the first failure; without one the task is skipped.
 * - `oneDone`: at the first that succeeded or failed by itself; without one the task is skipped.
 * - `noneFailed`: all ended, and none failed. With a failure it can never be met.
 * - `noneFailedOneSuccess`: all ended, none failed, and at least one succeeded: what a task needs where branches meet. With a
 *   failure it can never be met; if all were skipped the task is skipped. Airflow's `none_failed_min_one_success`.
 * - `noneSkipped`: all ended, and none was skipped; otherwise the task is skipped.
 * - `always`: at once.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Rule = RuleOf

/**
 * A policy as plain data, as errors and `Scheduler.explain` name it.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Policy = PolicyOf

/**
 * The verdict on a set of dependencies: the task may `run`, the rule skips it, or the policy can never be met.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Verdict = VerdictOf

/**
 * Every rule.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export const rules: ReadonlyArray<Rule> = allRules

/** Members: an array, a tuple or a record of tasks and futures. */
type Members<M> = ReadonlyArray<Handle> | ({ readonly [K in keyof M]: Handle } & object)

type ExitOf<H> = H extends Task<infer A, infer E, any> ? Exit.Exit<A, E | SkeinError>
  : H extends Future<infer A, infer E> ? Exit.Exit<A, E | SkeinError>
  : never

/** The exits of members that have all ended when the task starts. */
type Ended<M> = { -readonly [K in keyof M]: ExitOf<M[K]> }

/** The exits of members of which some may be open when the task starts. */
type Known<M> = { -readonly [K in keyof M]: ExitOf<M[K]> | undefined }

type OnIn<O> = O extends { readonly on: infer X extends On } ? X : "success"

/** A policy about any end can always be met. */
type Unreachable<X extends On> = X extends "completion" ? never : ImpossibleDependency

/**
 * Options of {@link all}.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface AllOptions {
  /** The ends that count. Defaults to `success`. */
  readonly on?: On | undefined
}

/**
 * Options of {@link any} and {@link atLeast}.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface QuorumOptions extends AllOptions {
  /**
   * `cancel`: when enough members have ended as they should, this task gives up the others, which are cancelled unless something
   * else wants them. By default they go on, and are held until this task has ended.
   */
  readonly losers?: "cancel" | undefined
}

const typed = (dependency: DependencyImpl): any => dependency

/**
 * Whether a value is a `Dependency`.
 *
 * @stability unstable
 * @category guards
 * @since 0.1.0
 */
export const isDependency = (u: unknown): u is Dependency<unknown, unknown, unknown, unknown> =>
  hasProperty(u, DependencyTypeId)

/**
 * All members must end as `on` says, by default with success.
 *
 * **Details**
 *
 * `on: "success"` asks for the same as plain inputs and `after`, and ends a dependent with the same errors, but its values are
 * exits. With `on: "failure"`, a member that succeeds or is skipped makes the task impossible. With `on: "completion"`, the task
 * starts when all members have ended.
 *
 * **Example** (Clean up whatever happened)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit } from "effect"
 * import { Dependency, Task } from "skein"
 *
 * const good = Task.make(Effect.succeed(1))
 * const bad = Task.make(Effect.fail("no"))
 * const report = Task.map({ steps: Dependency.all([good, bad], { on: "completion" }) }, ({ steps }) =>
 *   steps.map((exit) => Exit.isSuccess(exit)))
 * Task.run(report) // => [true, false]
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const all = <const M extends Members<M>, const O extends AllOptions = {}>(
  members: M,
  options?: O
): Dependency<
  Ended<M>,
  OnIn<O> extends "success" ? Errors<M> : "success" extends OnIn<O> ? Errors<M> : never,
  OnIn<O> extends "success" ? never : Unreachable<OnIn<O>>,
  Services<M>
> =>
  typed(
    makeDependency("all", { _tag: "All", on: options?.on ?? "success" }, members, invalidIn(options, checksOfAll)[0])
  )

const checksOfAll: Checks<AllOptions> = { on }

const checksOfQuorum: Checks<QuorumOptions> = { on, losers }

/**
 * One member must end as `on` says, by default with success. The task starts at the first that does.
 *
 * **Details**
 *
 * When no member can, the task ends with `ImpossibleDependency`. Members that have not ended when the task starts are `undefined`
 * among its values. Which members end first depends on timing. Without members the task starts at once.
 *
 * **Example** (The mirror that answers first)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit } from "effect"
 * import { Dependency, Task } from "skein"
 *
 * const mirrors = [Task.make(Effect.never), Task.make(Effect.succeed("text")), Task.make(Effect.fail("down"))]
 * const text = Task.map({ found: Dependency.any(mirrors, { losers: "cancel" }) }, ({ found }) =>
 *   found.flatMap((exit) => exit !== undefined && Exit.isSuccess(exit) ? [exit.value] : []))
 * Task.run(text, { concurrency: 3 }) // => ["text"]
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const any = <const M extends Members<M>, const O extends QuorumOptions = {}>(
  members: M,
  options?: O
): Dependency<Known<M>, never, Unreachable<OnIn<O>>, Services<M>> =>
  typed(makeDependency("any", quorum(1, options), members, invalidIn(options, checksOfQuorum)[0]))

/**
 * At least `count` members must end as `on` says, by default with success. The task starts when enough have.
 *
 * **Details**
 *
 * When too many have ended otherwise, the task ends with `ImpossibleDependency`. A count that is not a whole number from 1 to the
 * number of members is a `SubmitError` at submission.
 *
 * **Example** (Two of three)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit } from "effect"
 * import { Dependency, Task } from "skein"
 *
 * const votes = { ann: Task.make(Effect.never), bob: Task.make(Effect.succeed("yes")), eve: Task.make(Effect.succeed("no")) }
 * const count = Task.map({ votes: Dependency.atLeast(2, votes, { losers: "cancel" }) }, ({ votes }) =>
 *   Object.entries(votes).flatMap(([who, exit]) => exit !== undefined && Exit.isSuccess(exit) ? [`${who}: ${exit.value}`] : []))
 * Task.run(count, { concurrency: 3 }) // => ["bob: yes", "eve: no"]
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const atLeast = <const M extends Members<M>, const O extends QuorumOptions = {}>(
  count: number,
  members: M,
  options?: O
): Dependency<Known<M>, never, Unreachable<OnIn<O>>, Services<M>> =>
  typed(makeDependency("atLeast", quorum(count, options), members, invalidIn(options, checksOfQuorum)[0]))

const quorum = (count: number, options: QuorumOptions | undefined): Policy => ({
  _tag: "AtLeast",
  count,
  on: options?.on ?? "success",
  losers: options?.losers
})

/** Rules that wait for all members, so that none is open when the task starts. */
type Waiting = "allSuccess" | "allFailed" | "allDone" | "noneFailed" | "noneFailedOneSuccess" | "noneSkipped"

/** What a rule can end a task with. */
type Ruled<R extends Rule, E> = R extends "allSuccess" | "oneSuccess" | "noneFailedOneSuccess"
  ? ImpossibleDependency | Extract<E, TaskSkipped>
  : R extends "noneFailed" ? ImpossibleDependency
  : R extends "noneSkipped" ? Extract<E, TaskSkipped>
  : R extends "allDone" | "always" ? never
  : TaskSkipped

/**
 * A trigger rule decides whether the task runs, is skipped, or can never run. See {@link Rule}.
 *
 * **Details**
 *
 * The verdict depends on how the members end, not on their order, and is given as soon as it is certain.
 *
 * **Example** (Where branches meet)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit } from "effect"
 * import { Dependency, Task, Worker } from "skein"
 *
 * const taken = Task.make(Effect.succeed("left"))
 * const other = Task.make(Worker.skip)
 * const met = Task.map([Dependency.rule("noneFailedOneSuccess", [taken, other])], ([branches]) =>
 *   branches.flatMap((exit) => Exit.isSuccess(exit) ? [exit.value] : []))
 * Task.run(met) // => ["left"]
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const rule = <const N extends Rule, const M extends Members<M>>(
  name: N,
  members: M
): Dependency<N extends Waiting ? Ended<M> : Known<M>, never, Ruled<N, Errors<M>>, Services<M>> =>
  typed(makeDependency("rule", { _tag: "Rule", rule: name }, members))

/**
 * The policy of a dependency, as plain data.
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const policy = (self: Dependency<unknown, unknown, unknown, unknown>): Policy =>
  (self as unknown as DependencyImpl).policy

/**
 * The verdict of a policy on these outcomes, one for each member, `undefined` for a member that has not ended. Returns
 * `undefined` while the verdict is open.
 *
 * **Example** (Two of three)
 *
 * ```ts import.meta.vitest
 * import { Dependency } from "skein"
 *
 * const two: Dependency.Policy = { _tag: "AtLeast", count: 2, on: "success" }
 * const verdict = Dependency.decide(two, ["success", undefined, "failed"])
 * const last = Dependency.decide(two, ["success", "failed", "failed"])
 * const both = [verdict, last] // => [undefined, "upstreamFailed"]
 * ```
 *
 * @stability unstable
 * @category algorithms
 * @since 0.1.0
 */
export const decide = (
  policy: Policy,
  outcomes: ReadonlyArray<Outcome | undefined>
): Verdict | undefined => {
  const tally = { success: 0, failed: 0, upstreamFailed: 0, skipped: 0 }
  for (const outcome of outcomes) if (outcome !== undefined) tally[outcome]++
  return decideBy(policy, outcomes.length, tally)
}

/**
 * Whether a policy is met by these outcomes. IPython's `check`.
 *
 * @stability unstable
 * @category predicates
 * @since 0.1.0
 */
export const isMet = (policy: Policy, outcomes: ReadonlyArray<Outcome | undefined>): boolean =>
  decide(policy, outcomes) === "run"

/**
 * Whether a policy can never be met after these outcomes. IPython's `unreachable`.
 *
 * @stability unstable
 * @category predicates
 * @since 0.1.0
 */
export const isUnreachable = (policy: Policy, outcomes: ReadonlyArray<Outcome | undefined>): boolean => {
  const verdict = decide(policy, outcomes)
  return verdict !== undefined && verdict !== "run"
}
