/**
 * Failures caused by the runtime, and not by a body or by options.
 *
 * @internal
 */
import { DependenciesGone, NoSuitableWorker, Released, Starved, TaskCancelled, WorkerKilled } from "../../SkeinError.ts"
import type { RuntimeFailure } from "../../SkeinError.ts"
import { isA } from "../values/looks.ts"

/** Whether an error is a `RuntimeFailure`, of the task itself or of one that it joined. */
export const isRuntimeFailure = (error: unknown): error is RuntimeFailure =>
  kinds.some((kind) => isA<unknown>(error, kind)) ||
  // For a task restricted by its options it is an error of the options, and for a body that waited for workers its own error.
  (isA(error, NoSuitableWorker) && error.key !== undefined && Object.keys(error.restriction).length === 0)

const kinds = [DependenciesGone, Released, Starved, TaskCancelled, WorkerKilled]
