/**
 * Limits of tags, and pauses.
 *
 * @since 0.1.0
 */
import * as amounts from "../dispatch/amounts.ts"
import { isPattern, releaseTagged, setRate } from "../dispatch/delays.ts"
import * as ready from "../dispatch/ready.ts"
import type { PauseTarget, StartsPaused, StartsResumed, TagLimited } from "../protocol/Event.ts"
import type { TaskId } from "../protocol/ids.ts"
import { Phase } from "../protocol/Phase.ts"
import type { State } from "../state/State.ts"
import { Use } from "../state/Use.ts"
import { isUsed, use } from "../state/uses.ts"

/** Handles {@link TagLimited}. */
export const limit = (state: State, event: TagLimited): void => {
  amounts.limit(state, event)
  setRate(state, event.tag, event.rate)
}

/** Handles {@link StartsPaused}. */
export const pause = (state: State, { forMillis = Infinity, of }: StartsPaused): void => {
  const { delays } = state
  const former = endOf(state, of)
  const until = Math.max(former ?? -Infinity, state.now + forMillis)
  use(state, Use.delays)
  if (of.tag !== undefined) pausesOf(state, of.tag).set(of.tag, until)
  else if (of.group === undefined) delays.paused = until
  else {
    delays.groups.set(of.group, until)
    if (former === undefined) {
      if (delays.groups.size === 1) ready.demand(state)
      moveGroup(state, of.group)
    }
  }
  if (former === undefined) delays.endsAt = Math.min(delays.endsAt, until)
  else noteFirstEnd(state, former)
}

/** Handles {@link StartsResumed}. */
export const resume = (state: State, { of }: StartsResumed): void => {
  const former = endOf(state, of)
  if (former === undefined) return
  if (of.tag !== undefined) {
    pausesOf(state, of.tag).delete(of.tag)
    releaseTagged(state, of.tag)
  } else if (of.group === undefined) state.delays.paused = undefined
  else resumeGroup(state, of.group)
  noteFirstEnd(state, former)
}

/** The pauses of tags, or those of patterns. */
const pausesOf = ({ delays: { tagPatterns, tags } }: State, tag: string): Map<string, number> =>
  isPattern(tag) ? tagPatterns : tags

/** When a pause of this ends. */
const endOf = (state: State, { group, tag }: PauseTarget): number | undefined => {
  if (tag !== undefined) return pausesOf(state, tag).get(tag)
  return group === undefined ? state.delays.paused : state.delays.groups.get(group)
}

/** Updates the time at which the first pause ends, after a pause that would have ended at `former` was changed or removed. */
const noteFirstEnd = ({ delays }: State, former: number): void => {
  if (former > delays.endsAt) return
  delays.endsAt = delays.paused ?? Infinity
  for (const pauses of [delays.tags, delays.tagPatterns, delays.groups]) {
    for (const until of pauses.values()) delays.endsAt = Math.min(delays.endsAt, until)
  }
}

const resumeGroup = (state: State, group: string): void => {
  const { groups } = state.delays
  if (!groups.delete(group)) return
  moveGroup(state, group)
  if (groups.size === 0) ready.demand(state, -1)
}

/** Ends the pauses whose time is over. */
export const endPauses = (state: State): void => {
  if (!isUsed(state, Use.delays) || state.delays.endsAt > state.now) return
  const { groups, paused, tagPatterns, tags } = state.delays
  if (paused !== undefined && paused <= state.now) state.delays.paused = undefined
  for (const pauses of [tags, tagPatterns]) {
    for (const [tag, until] of pauses) if (until <= state.now) pauses.delete(tag)
  }
  for (const [group, until] of groups) if (until <= state.now) resumeGroup(state, group)
  noteFirstEnd(state, state.delays.endsAt)
}

/** The ready tasks of a group that is paused wait in queues of their own. */
const moveGroup = (state: State, group: string): void => {
  const { phase, submission, used } = state.tasks
  const members: Array<TaskId> = []
  for (let task = 0; task < used; task++) {
    if (phase[task] === Phase.ready && submission[task]!.owner.group === group) members.push(task)
  }
  ready.move(state, members)
}
