/**
 * Whose failure it is, where several tasks ran as one.
 *
 * @internal
 */
import * as Context from "effect/Context"
import type { Registered } from "../../engine/protocol/Registered.ts"

/** What a fused task writes on the cause of its failure. */
export class FailedPart extends Context.Service<FailedPart, {
  /** The fused task: another one may pass the cause on. */
  readonly submission: Registered
  readonly index: number
  /** From the part that failed to the last but one, in the order in which they need each other. */
  readonly path: ReadonlyArray<{ readonly key: string; readonly label: string | undefined }>
  /** Which attempt at the part it was. */
  readonly attempt: number
}>()("skein/internal/FailedPart") {}
