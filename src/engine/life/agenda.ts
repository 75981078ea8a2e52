/**
 * The consequences within one step: ended tasks notify others, and tasks that lost their last user are cancelled, until nothing
 * is left. A list in place of recursion keeps the stack flat and the order simple.
 *
 * @since 0.1.0
 */
import type { Out } from "../protocol/Instruction.ts"
import type { State } from "../state/State.ts"
import { abandon } from "./cancel.ts"
import { tellEnd } from "./ends.ts"

/** Works through the agenda. */
export const propagate = (state: State, out: Out): void => {
  const agenda = state.step.agenda
  for (let entry = agenda.shift(); entry !== undefined; entry = agenda.shift()) {
    if (entry >= 0) tellEnd(state, entry, out)
    else abandon(state, ~entry, out)
  }
}
