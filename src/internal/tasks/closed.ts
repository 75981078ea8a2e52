/**
 * The refusal by a closed scheduler, worker or scope.
 *
 * @internal
 */
import { GraphError } from "../../SkeinError.ts"

/** The refusal of submissions. */
export const closed = (what: "scheduler" | "worker" | "scope"): GraphError =>
  new GraphError({ reason: { _tag: "Closed", what } })
