/**
 * Checks of timers (S2).
 *
 * @since 0.1.0
 */
import { isLimited } from "../dispatch/amounts.ts"
import { delayOf, dueAt, isPaused } from "../dispatch/delays.ts"
import { workersFor } from "../dispatch/placement.ts"
import { isFree } from "../dispatch/room.ts"
import { Flag, Phase } from "../protocol/Phase.ts"
import { graceOf, phaseOf, sequenceOf, settingsOf } from "../state/lookups.ts"
import type { Crowd } from "../state/Queue.ts"
import type { Timer } from "../state/Timer.ts"
import { mostTimers } from "../state/timers.ts"
import { has, withParents } from "./facts.ts"
import type { Rule } from "./facts.ts"

/** S2: every needed timer is armed, and the engine has asked to be woken for the first. */
export const timers: Rule = function*(state, { isArmed, live, name }) {
  const { tasks, timers: { heap } } = state
  for (const [timer, parent, place] of withParents(heap)) {
    if ((timer.at - parent.at || timer.sequence - parent.sequence) < 0) {
      yield `S2: timer ${place} comes before its parent`
    }
  }
  if (heap.length > mostTimers(state)) yield `S2: ${heap.length} timers are kept`
  const { groups, paused = Infinity, tagPatterns, tags } = state.delays
  const ends = [paused, ...tags.values(), ...tagPatterns.values(), ...groups.values()]
  const next = Math.min(heap[0]?.at ?? Infinity, state.crew.watchAt, dueAt(state), ...ends)
  if (state.timers.wakeAt !== next) yield "S2: nobody will wake the engine"
  // Others wait for a slot or for units too, whose end is an event.
  const isNext = (crowd: Crowd): boolean =>
    !isLimited(state, crowd) && workersFor(state, crowd).some((worker) => isFree(state, worker))
  const due = isPaused(state)
    ? []
    : Array.from(state.crowds.values(), (crowd) => isNext(crowd) ? delayOf(state, crowd)?.until ?? Infinity : Infinity)
  if (dueAt(state) > Math.min(...due)) yield "S2: the moment of the next delayed start is too late"
  for (const [task, { overdue }] of state.stopping) {
    const grace = graceOf(state, task)
    const isReported = grace === Infinity || overdue || isArmed(task, "grace", tasks.attempt[task]!)
    if (!isReported) yield `S2: nobody will report that ${name(task)} does not stop`
  }
  for (const task of live) {
    const phase = phaseOf(state, task)
    const settings = settingsOf(state, task)
    const isOpen = phase < Phase.releasing && (phase !== Phase.stopping || has(state, task, Flag.timedOut))
    if (settings === undefined || !isOpen) continue
    const serial = sequenceOf(state, task)
    const isFirst = !has(state, task, Flag.recomputed)
    const isUnbegun = tasks.starts[task] === 0 && !has(state, task, Flag.begun)
    const expected: ReadonlyArray<readonly [Timer["kind"], number, boolean]> = [
      ["deadline", serial, settings.deadlineMillis !== undefined && isFirst],
      ["dependencies", serial, settings.dependencyTimeoutMillis !== undefined && isUnbegun && isFirst],
      [
        "timeout",
        tasks.attempt[task]!,
        settings.timeoutMillis !== undefined && phase > Phase.assigned && phase <= Phase.rejoining
      ]
    ]
    for (const [kind, number, isExpected] of expected) {
      if (isExpected && !isArmed(task, kind, number)) yield `S2: the ${kind} of ${name(task)} is not armed`
    }
  }
}
