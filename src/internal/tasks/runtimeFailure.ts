/**
 * What the runtime did to a task, as against what its body and its options did.
 *
 * @internal
 */
import { DependenciesGone, NoSuitableWorker, Released, Starved, TaskCancelled, WorkerKilled } from "../../SkeinError.ts"
import type { RuntimeFailure } from "../../SkeinError.ts"
import { isA } from "../values/looks.ts"

/** Whether an error is a `RuntimeFailure`, of the task itself or of one that it joined. */
export const isRuntimeFailure = (error: unknown): error is RuntimeFailure =>
  kinds.some((kind) => isA<unknown>(error, kind)) ||
  // Of a task that its options restrict it is an error of those, and of a body that waited for workers one of its own.
  (isA(error, NoSuitableWorker) && error.key !== undefined && Object.keys(error.restriction).length === 0)

const kinds = [DependenciesGone, Released, Starved, TaskCancelled, WorkerKilled]
