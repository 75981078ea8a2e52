/**
 * Limits of tags, and pauses.
 *
 * @since 0.1.0
 */
import * as amounts from "../dispatch/amounts.ts"
import { setRate } from "../dispatch/delays.ts"
import * as ready from "../dispatch/ready.ts"
import type { StartsPaused, StartsResumed, TagLimited } from "../protocol/Event.ts"
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
  const { groups, tags } = state.delays
  const until = (present = -Infinity): number => Math.max(present, state.now + forMillis)
  use(state, Use.delays)
  if (of.tag !== undefined) tags.set(of.tag, until(tags.get(of.tag)))
  else if (of.group === undefined) state.delays.paused = until(state.delays.paused)
  else {
    const isNew = !groups.has(of.group)
    groups.set(of.group, until(groups.get(of.group)))
    if (!isNew) return
    if (groups.size === 1) ready.demand(state)
    moveGroup(state, of.group)
  }
}

/** Handles {@link StartsResumed}. */
export const resume = (state: State, { of }: StartsResumed): void => {
  if (of.tag !== undefined) state.delays.tags.delete(of.tag)
  else if (of.group === undefined) state.delays.paused = undefined
  else resumeGroup(state, of.group)
}

const resumeGroup = (state: State, group: string): void => {
  const { groups } = state.delays
  if (!groups.delete(group)) return
  moveGroup(state, group)
  if (groups.size === 0) ready.demand(state, -1)
}

/** Ends the pauses whose time is over. */
export const endPauses = (state: State): void => {
  if (!isUsed(state, Use.delays)) return
  const { groups, paused, tags } = state.delays
  if (paused !== undefined && paused <= state.now) state.delays.paused = undefined
  for (const [tag, until] of tags) if (until <= state.now) tags.delete(tag)
  for (const [group, until] of groups) if (until <= state.now) resumeGroup(state, group)
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
