/**
 * Facts of one live task, or of one worker, by its row. Facts by submission are in `Submission.ts`.
 *
 * @since 0.1.0
 */
import { rowOf } from "../protocol/home.ts"
import type { TaskId, WorkerId } from "../protocol/ids.ts"
import type { Where } from "../protocol/Outcome.ts"
import { Flag, hasEnded, Phase } from "../protocol/Phase.ts"
import type { Settings, TaskKind } from "../protocol/Plan.ts"
import { keyAt, kindAt, labelAt, mayRepeatAt, saidAt, submitterOf } from "../protocol/Registered.ts"
import { namesOf } from "../structures/path.ts"
import type { Named } from "../structures/path.ts"
import { extrasOf } from "./rare.ts"
import type { State } from "./State.ts"
import type { Place } from "./Submission.ts"
import type { WorkerRecord } from "./WorkerRecord.ts"

/** The settings of a live task, if it has any beyond the default. */
export const settingsOf = (state: State, task: TaskId): Settings | undefined => {
  const settings = state.tasks.submission[task]!.plan.settings
  return settings.size === 0 ? undefined : settings.get(state.tasks.index[task]!)
}

/** The number of the worker in a row, or -1. */
export const serialAt = ({ workers }: State, row: number): WorkerId => row < 0 ? -1 : workers[row]!.serial

/** The number of the worker that runs a task or holds its result, or -1. */
export const workerOf = (state: State, task: TaskId): WorkerId => serialAt(state, state.tasks.worker[task]!)

/** The worker with this number, if its row has not gone to another. */
export const workerWith = ({ workers }: State, serial: WorkerId): WorkerRecord | undefined =>
  workers.find((worker) => worker.serial === serial)

/** The phase of the task in a row; `free` for none. */
export const phaseOf = (state: State, task: TaskId): Phase => state.tasks.phase[task] as Phase

/** The key of a live task. */
export const keyOf = (state: State, task: TaskId): string =>
  keyAt(state.tasks.submission[task]!, state.tasks.index[task]!)

/**
 * The keys of live tasks, for a list; where two tasks of different graphs have one key, with the numbers of their graphs.
 * `beside` is what the list is about, or -1.
 */
export const keysOf = (state: State, tasks: Iterable<TaskId>, beside: TaskId = -1): ReadonlyArray<string> => {
  const { index, submission } = state.tasks
  const named = (task: TaskId): Named => ({
    key: keyAt(submission[task]!, index[task]!),
    graph: submission[task]!.number
  })
  return namesOf(Array.from(tasks, named), beside < 0 ? undefined : named(beside))
}

/** The label of a live task. */
export const labelOf = (state: State, task: TaskId): string | undefined =>
  labelAt(state.tasks.submission[task]!, state.tasks.index[task]!)

/** The number of a live task among all tasks of this engine, which distinguishes it from others in the same row. */
export const sequenceOf = (state: State, task: TaskId): number =>
  state.tasks.submission[task]!.sequence + state.tasks.index[task]!

/** Where a live task was registered. */
export const placeOf = ({ tasks: { index, submission } }: State, task: TaskId): Place => ({
  submission: submission[task]!,
  index: index[task]!
})

/** Where a live task ran. */
export const whereOf = (state: State, task: TaskId): Where => {
  const { starts, submission, worker } = state.tasks
  return {
    attempt: starts[task]!,
    label: labelOf(state, task),
    graph: submission[task]!.number,
    submitter: submitterOf(submission[task]!),
    worker: nameOfWorker(state, worker[task]!)
  }
}

/** How long an attempt of a live task may go on after it was asked to stop. */
export const graceOf = (state: State, task: TaskId): number =>
  saidAt(state.tasks.submission[task]!, state.tasks.index[task]!, "graceMillis") ?? state.graceMillis

/** The workers that may run a live task. */
export const kindOf = ({ tasks: { index, submission } }: State, task: TaskId): TaskKind =>
  kindAt(submission[task]!, index[task]!)

/** Whether there is a worker that takes tasks, now or once it has started, and is of a kind that may run this one. */
export const hasTaker = (state: State, task: TaskId): boolean => {
  const { remoteTakers, takers } = state.crew
  const kind = kindOf(state, task)
  return (takers > 0 && kind !== "remote") || (remoteTakers > 0 && kind !== "local")
}

/** Whether a live task may be started again once it may have started. */
export const mayRepeat = ({ tasks }: State, task: TaskId): boolean =>
  mayRepeatAt(tasks.submission[task]!, tasks.index[task]!)

/** Whether a task holds its dependencies: it may still need them, or its result lives only as long as they do. */
export const holdsDependencies = (state: State, task: TaskId): boolean => {
  const phase = phaseOf(state, task)
  if (!hasEnded(phase)) return true
  return phase === Phase.succeeded && (state.tasks.flags[task]! & (Flag.resource | Flag.retains)) !== 0
}

/** The name of the worker that runs a task or has made its result, by its entry in the table; `undefined` for none. */
export const nameOfWorker = ({ workers }: State, worker: number): string | undefined => workers[rowOf(worker)]?.name

/** Whether a task is stopping because it was settled with a value. */
export const isGivenValue = (state: State, task: TaskId): boolean => {
  const extras = extrasOf(state, task)
  return extras?.isGiven === true && extras.outcome === undefined
}

/** Whether the outcome of a task that has not ended is fixed. */
export const isEndFixed = (state: State, task: TaskId): boolean => {
  const extras = extrasOf(state, task)
  return extras !== undefined && (extras.outcome !== undefined || extras.isGiven === true)
}
