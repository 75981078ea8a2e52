/**
 * Writes the instructions of a step down, each as an object that says all there is to know: for a driver that sends them
 * elsewhere, and for tests.
 *
 * @since 0.1.0
 */
import type { Forget, Instruction, Out, Start } from "./Instruction.ts"
import type { State, Submission, TaskId } from "./State.ts"

export class Recorder implements Out {
  readonly instructions: Array<Instruction> = []

  push(instruction: Exclude<Instruction, Start | Forget>): void {
    this.instructions.push(instruction)
  }

  start(state: State, task: TaskId): void {
    this.instructions.push(startOf(state, task))
  }

  forget(task: TaskId, holder: number): void {
    this.instructions.push({ _tag: "Forget", task, holder })
  }
}

const startOf = (state: State, task: TaskId): Start => {
  const { attempt, index, starts, submission, worker } = state.tasks
  const inputs = inputsOf(submission[task]!, index[task]!)
  return {
    _tag: "Start",
    task,
    attempt: attempt[task]!,
    number: starts[task]!,
    worker: worker[task]!,
    inputs,
    holders: holdersOf(state, worker[task]!, inputs)
  }
}

/** The dependencies of a task of a submission, in the order in which the plan lists them. */
const inputsOf = ({ ids, plan: { offsets, targets } }: Submission, index: number): ReadonlyArray<TaskId> =>
  Array.from(
    targets.subarray(offsets[index], offsets[index + 1]),
    (target) => target >= 0 ? ids[target]! : ~target
  )

const holdersOf = (
  state: State,
  worker: number,
  inputs: ReadonlyArray<TaskId>
): ReadonlyArray<number> | undefined => {
  const holders = inputs.map((input) => state.tasks.worker[input]!)
  return holders.every((holder) => holder === worker) ? undefined : holders
}
