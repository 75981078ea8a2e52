/**
 * Timers in a heap by time. A stale entry stays until it comes up, so that the common case, a timer that never fires, costs
 * nothing to cancel. When the heap has doubled since the last time, or is many times the number of live tasks, all stale entries
 * are dropped: they do not pile up behind a long-lived timer.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import type { Out } from "../protocol/Instruction.ts"
import type { State } from "./State.ts"
import type { Timer } from "./Timer.ts"
import { Use } from "./Use.ts"
import { use } from "./uses.ts"

const isBefore = (a: Timer, b: Timer): boolean => a.at < b.at || (a.at === b.at && a.sequence < b.sequence)

/** Arms a timer `millis` from now. */
export const arm = (state: State, kind: Timer["kind"], task: TaskId, serial: number, millis: number): void => {
  const timer: Timer = { at: state.now + millis, sequence: state.next.timer++, kind, task, serial }
  const timers = state.timers.heap
  use(state, Use.timers)
  let index = timers.push(timer) - 1
  while (index > 0) {
    const parent = (index - 1) >> 1
    if (!isBefore(timer, timers[parent]!)) break
    timers[index] = timers[parent]!
    index = parent
  }
  timers[index] = timer
}

/** More than the timers of any live task that are not stale. */
const mostOfTask = 8

/** The number of timers above which stale ones are dropped. */
export const mostTimers = ({ tasks, timers: { kept: timersKept } }: State): number =>
  Math.max(64, Math.min(2 * timersKept, mostOfTask * tasks.size))

/** Takes the first timer out if it is due. */
export const due = (state: State): Timer | undefined => {
  const first = state.timers.heap[0]
  if (first === undefined || first.at > state.now) return undefined
  dropFirst(state.timers.heap)
  return first
}

/**
 * Drops stale timers, at the front or all of them, and asks to be woken for the next timer, for the next check of the workers, or
 * at `startsAt`, when a pause ends or a start falls due.
 */
export const schedule = (
  state: State,
  isStale: (state: State, timer: Timer) => boolean,
  startsAt: number,
  out: Out
): void => {
  const timers = state.timers.heap
  if (timers.length > mostTimers(state)) dropStale(state, isStale)
  while (timers.length > 0 && isStale(state, timers[0]!)) dropFirst(timers)
  if (timers.length === 0) state.timers.kept = 0
  const at = Math.min(timers.length === 0 ? Infinity : timers[0]!.at, state.crew.watchAt, startsAt)
  if (at === state.timers.wakeAt) return
  state.timers.wakeAt = at
  if (at !== Infinity) out.push({ _tag: "WakeAt", at })
}

/**
 * Costs the length of the heap, which has doubled since the last time, or of whose tasks a part has ended: a constant for each
 * armed timer and each ended task.
 */
const dropStale = (state: State, isStale: (state: State, timer: Timer) => boolean): void => {
  const timers = state.timers.heap
  let kept = 0
  for (const timer of timers) if (!isStale(state, timer)) timers[kept++] = timer
  timers.length = kept
  state.timers.kept = kept
  for (let index = (kept >> 1) - 1; index >= 0; index--) sink(timers, index, timers[index]!)
}

const dropFirst = (timers: Array<Timer>): void => {
  const last = timers.pop()!
  if (timers.length > 0) sink(timers, 0, last)
}

/** Moves a timer down from `index` to its place. */
const sink = (timers: Array<Timer>, index: number, timer: Timer): void => {
  for (;;) {
    let child = 2 * index + 1
    if (child >= timers.length) break
    if (child + 1 < timers.length && isBefore(timers[child + 1]!, timers[child]!)) child++
    if (!isBefore(timers[child]!, timer)) break
    timers[index] = timers[child]!
    index = child
  }
  timers[index] = timer
}
