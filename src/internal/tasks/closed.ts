/**
 * What a closed scheduler, worker or scope says.
 *
 * @internal
 */
import { GraphError } from "../../SkeinError.ts"

/** Why nothing more is taken. */
export const closed = (what: "scheduler" | "worker" | "scope"): GraphError =>
  new GraphError({ reason: { _tag: "Closed", what } })
