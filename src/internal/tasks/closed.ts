/**
 * The refusal by a closed scheduler, worker or scope.
 *
 * @internal
 */
import { SubmitError } from "../../SkeinError.ts"
import { Closed } from "../text/reasons.ts"

/** The refusal of submissions. */
export const closed = (what: "scheduler" | "worker" | "scope"): SubmitError =>
  new SubmitError({ reason: new Closed({ what }) })
