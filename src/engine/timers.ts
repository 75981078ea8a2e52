/**
 * What is due when. A heap by time; an entry whose attempt or task is gone is dropped when it comes up, so that the
 * common case, a timer that never fires, costs nothing to cancel.
 *
 * @since 0.1.0
 */
import type { Out } from "./Instruction.ts"
import type { State, TaskId, Timer } from "./State.ts"

const isBefore = (a: Timer, b: Timer): boolean => a.at < b.at || (a.at === b.at && a.sequence < b.sequence)

/** Arms a timer `millis` from now. */
export const arm = (state: State, kind: Timer["kind"], task: TaskId, serial: number, millis: number): void => {
  const timer: Timer = { at: state.now + millis, sequence: state.nextTimer++, kind, task, serial }
  const timers = state.timers
  let index = timers.push(timer) - 1
  while (index > 0) {
    const parent = (index - 1) >> 1
    if (!isBefore(timer, timers[parent]!)) break
    timers[index] = timers[parent]!
    index = parent
  }
  timers[index] = timer
}

/** Takes the first timer out if it is due. */
export const due = (state: State): Timer | undefined => {
  const first = state.timers[0]
  if (first === undefined || first.at > state.now) return undefined
  dropFirst(state.timers)
  return first
}

/** Drops timers at the front that mean nothing any more, and asks to be woken for the next. */
export const schedule = (
  state: State,
  isStale: (state: State, timer: Timer) => boolean,
  out: Out
): void => {
  const timers = state.timers
  while (timers.length > 0 && isStale(state, timers[0]!)) dropFirst(timers)
  if (timers.length === 0) {
    state.wakeAt = Infinity
    return
  }
  const at = timers[0]!.at
  if (at === state.wakeAt) return
  state.wakeAt = at
  out.push({ _tag: "WakeAt", at })
}

const dropFirst = (timers: Array<Timer>): void => {
  const last = timers.pop()!
  if (timers.length === 0) return
  let index = 0
  for (;;) {
    let child = 2 * index + 1
    if (child >= timers.length) break
    if (child + 1 < timers.length && isBefore(timers[child + 1]!, timers[child]!)) child++
    if (!isBefore(timers[child]!, last)) break
    timers[index] = timers[child]!
    index = child
  }
  timers[index] = last
}
