/**
 * What follows from the events of one step: tasks that have ended are settled, and tasks that lost their last user are
 * cancelled, until nothing follows any more. A list instead of recursion keeps the stack flat and the order plain.
 *
 * @since 0.1.0
 */
import type { Out } from "../protocol/Instruction.ts"
import type { State } from "../state/State.ts"
import { abandon } from "./cancel.ts"
import { settle } from "./ends.ts"

/** Works the agenda off. */
export const propagate = (state: State, out: Out): void => {
  const agenda = state.agenda
  for (let entry = agenda.shift(); entry !== undefined; entry = agenda.shift()) {
    if (entry >= 0) settle(state, entry, out)
    else abandon(state, ~entry, out)
  }
}
