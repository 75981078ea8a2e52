/**
 * The part that failed, if several tasks ran as one.
 *
 * @internal
 */
import * as Context from "effect/Context"
import type { Registered } from "../../engine/protocol/Registered.ts"

/** The annotation of a fused task on the cause of its failure. */
export class FailedPart extends Context.Service<FailedPart, {
  /** The fused task, because another task may pass the cause on. */
  readonly submission: Registered
  readonly index: number
  /** The keys from the part that failed to the last but one, in order of dependency. */
  readonly path: ReadonlyArray<{ readonly key: string; readonly label: string | undefined }>
  /** The number of the attempt at the part. */
  readonly attempt: number
}>()("skein/internal/FailedPart") {}
