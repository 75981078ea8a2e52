/**
 * How far ahead a worker is sent attempts: as many as keep it at work for a few milliseconds, by the smoothed time of bodies with
 * the same name. Then a message has many starts of small bodies, and few of long ones, which other workers could run. A line is
 * filled up when half of it is gone. Near the end it has no more than its share of what is left, so that workers end together.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import { mayRepeat, settingsOf } from "../state/lookups.ts"
import type { State } from "../state/State.ts"
import type { WorkerRecord } from "../state/WorkerRecord.ts"

/** The work in a line, for each slot: long enough for the time slice of another process. */
export const horizonMicros = 4000

/** The attempts in a line, for each slot, however long their bodies are; and where nothing is known of these yet. */
export const least = 2

/** The number of a task's name, which tells tasks with the same body; 0 for a local task. */
const nameOf = ({ tasks: { index, submission } }: State, task: TaskId): number =>
  Math.abs(submission[task]!.plan.portable?.[index[task]!] ?? 0)

/** Notes how long the body of a task took. */
export const note = (state: State, task: TaskId, micros: number): void => {
  const name = nameOf(state, task)
  if (name > 0) state.paces.set(name, smoothed(state.paces.get(name), micros))
}

/** The smoothed time of bodies after one more. */
export const smoothed = (before: number | undefined, micros: number): number =>
  before === undefined ? micros : 0.7 * before + 0.3 * micros

/** How long the body of a task is likely to take, in whole microseconds, so that sums are exact. */
export const likely = (state: State, task: TaskId): number =>
  Math.max(1, Math.round(state.paces.get(nameOf(state, task)) ?? horizonMicros))

/** Whether a task may go ahead: not if its time runs from its start, nor if it must not be sent twice. */
export const mayGoAhead = (state: State, task: TaskId): boolean =>
  settingsOf(state, task)?.timeoutMillis === undefined && mayRepeat(state, task)

/**
 * Whether half of a line is gone: of what it may have, and of what it had last, which is less near the end. Else it would be filled
 * up by one attempt at each end.
 */
export const isLow = ({ full, line, sent, slots }: Pick<WorkerRecord, "full" | "line" | "sent" | "slots">): boolean =>
  sent.size <= least * slots / 2 || (2 * sent.size <= full && 2 * line <= horizonMicros * slots)

/** Whether a body that takes so long fits into a line of which `share` is the most. */
export const fits = (
  { line, sent, slots }: Pick<WorkerRecord, "line" | "sent" | "slots">,
  micros: number,
  share: number
) => sent.size < share && (sent.size < least * slots || line + micros <= horizonMicros * slots)

/** The most attempts in the line of a worker, if so many are left for workers with so many slots. */
export const shareOf = ({ slots }: Pick<WorkerRecord, "slots">, left: number, allSlots: number): number =>
  Math.ceil(left * slots / (2 * allSlots))
