/**
 * Reasons as data: why graphs are refused and why tasks cannot start.
 *
 * @internal
 */
import type * as Cause from "effect/Cause"
import type { LimitExceeded, NestingLimit } from "../../engine/protocol/Instruction.ts"
import type { PhaseName } from "../../engine/protocol/Phase.ts"
import type { Impossibility } from "../../engine/protocol/Reason.ts"

/**
 * The state of a task. `released`: its result is gone.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Status = PhaseName | "released"

/**
 * Why a graph was refused.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type SubmitReason =
  /** `path` leads from a key back to itself. */
  | { readonly _tag: "Cycle"; readonly path: ReadonlyArray<string> }
  | { readonly _tag: "MissingDependency"; readonly key: string; readonly dependents: ReadonlyArray<string> }
  | { readonly _tag: "UnknownKey"; readonly key: string; readonly known: ReadonlyArray<string> }
  /** `pure`: both tasks are pure, but have different functions or arguments. */
  | { readonly _tag: "KeyConflict"; readonly key: string; readonly why: string; readonly pure?: true }
  /** `key` is absent if the request itself, not one of its tasks, holds the dependency. */
  | {
    readonly _tag: "InvalidDependency"
    readonly key: string | undefined
    readonly dependency: string
    readonly why: string
  }
  /** `key` is absent for an option of a layer or a worker. */
  | {
    readonly _tag: "InvalidOption"
    readonly key?: string | undefined
    readonly option: string
    readonly value: unknown
    readonly expected: string
  }
  /** There is no such option. `key` is absent for an option of a layer or a worker. */
  | {
    readonly _tag: "UnknownOption"
    readonly key?: string | undefined
    readonly option: string
    readonly known: ReadonlyArray<string>
  }
  | { readonly _tag: "InvalidArgument"; readonly key: string; readonly path: string; readonly why: string }
  /** Bodies nest or unfold too deep, or too many tasks wait inside their bodies. */
  | NestingLimit
  /** More than the layer's `limits` allow: `tasks` or `depth` of this graph, or `live` tasks with it. */
  | LimitExceeded
  /** There is nothing to run again: the task has not ended, has succeeded, or its record is gone. */
  | { readonly _tag: "NotRetriable"; readonly key: string; readonly status: Status; readonly why: string }
  /** The `onStart` of a worker failed. */
  | { readonly _tag: "WorkerFailed"; readonly worker: string; readonly cause: Cause.Cause<unknown> }
  /** The scheduler or the owner has closed, or the worker of the body that submits was lost. */
  | { readonly _tag: "Closed"; readonly what: string }

/**
 * Why a task can never start.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type ImpossibleReason =
  /** Its body reported on each of these workers that it cannot run there, and no other worker takes tasks. See `Worker.unmet`. */
  | { readonly _tag: "Unmet"; readonly on: ReadonlyArray<{ readonly worker: string; readonly reason: string }> }
  /** Its `locality` is below 0 for each of these workers. With `fault`, it returned no number for one of them. */
  | { readonly _tag: "Locality"; readonly workers: ReadonlyArray<string>; readonly fault: string | undefined }
  /** The followed tasks ran on these workers, but not enough of them on one. */
  | { readonly _tag: "Apart"; readonly workers: ReadonlyArray<string> }
  /** The followed tasks ran on these workers, none of which takes tasks and may run this one. */
  | { readonly _tag: "Away"; readonly workers: ReadonlyArray<string> }
  /** Too many dependencies of a set have ended otherwise for its policy to be met. See `Dependency`. */
  | Extract<Impossibility, { readonly _tag: "Unreachable" }>
