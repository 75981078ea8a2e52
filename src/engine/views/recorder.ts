/**
 * Records the instructions of a step as complete objects, for a driver that sends them elsewhere, and for tests.
 *
 * @since 0.1.0
 */
import { isSent } from "../dispatch/ahead.ts"
import type { Engine } from "../protocol/Engine.ts"
import type { TaskId, WorkerId } from "../protocol/ids.ts"
import type { Forget, Instruction, Out, Start } from "../protocol/Instruction.ts"
import { dependencyRows } from "../state/dependencies.ts"
import { serialAt } from "../state/lookups.ts"
import { open } from "../state/State.ts"
import type { State } from "../state/State.ts"

export class Recorder implements Out {
  readonly instructions: Array<Instruction> = []
  private readonly state: State

  constructor(engine: Engine) {
    this.state = open(engine)
  }

  push(instruction: Exclude<Instruction, Start | Forget>): void {
    this.instructions.push(
      instruction._tag === "Submitted" ? { ...instruction, ids: instruction.ids.slice() } : instruction
    )
  }

  start(task: TaskId): void {
    this.instructions.push(startOf(this.state, task))
  }

  forget(task: TaskId, row: number): void {
    this.instructions.push({ _tag: "Forget", task, holder: serialAt(this.state, row) })
  }
}

const startOf = (state: State, task: TaskId): Start => {
  const { attempt, starts, worker } = state.tasks
  const inputs = dependencyRows(state, task)
  return {
    _tag: "Start",
    task,
    attempt: attempt[task]!,
    number: starts[task]!,
    worker: serialAt(state, worker[task]!),
    inputs,
    holders: holdersOf(state, worker[task]!, inputs),
    ...(isSent(state, task) && { ahead: true as const })
  }
}

const holdersOf = (
  state: State,
  worker: number,
  inputs: ReadonlyArray<TaskId>
): ReadonlyArray<WorkerId> | undefined => {
  const holders = inputs.map((input) => input < 0 ? -1 : state.tasks.worker[input]!)
  return holders.every((holder) => holder === worker) ? undefined : holders.map((row) => serialAt(state, row))
}
