/**
 * Access to the bits of rare features in use.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import { Flag } from "../protocol/Phase.ts"
import type { State } from "./State.ts"
import { Use } from "./Use.ts"

/** Whether something other than the rule for plain tasks may hold for a task at this place. */
export const isRare = (state: State, task: TaskId, look: number): boolean =>
  ((state.uses & look) | (state.tasks.flags[task]! & Flag.rare)) !== 0

/** Whether a rare feature is in use. */
export const isUsed = (state: State, use: number): boolean => (state.uses & use) !== 0

/** A rare feature is used from now on. */
export const use = (state: State, bit: number): void => {
  state.uses |= bit
}

const kept = Use.steering | Use.ahead | Use.counting | Use.watching | Use.kinds | Use.home | Use.away

/** The bits of the features that have data now. */
export const usesNow = (state: State): number => {
  const { balance: { overtaken, shares }, crew, delays, keeping, workers } = state
  let uses = state.uses & kept
  if (state.demanding > 0 || overtaken.size > 0 || shares.size > 0) uses |= Use.demands
  if (keeping.size > 0 || workers.some(isAwaited)) uses |= Use.waits
  if (state.resources > 0) uses |= Use.resources
  if (state.timers.heap.length > 0) uses |= Use.timers
  if (delays.held.length > 0 || isAnyPaused(state)) uses |= Use.delays
  if (crew.takers === 0) uses |= Use.noTaker
  if (crew.draining > 0) uses |= Use.draining
  return uses
}

/** Whether something is paused. */
export const isAnyPaused = ({ delays: { groups, paused, tagPatterns, tags } }: State): boolean =>
  paused !== undefined || tags.size > 0 || tagPatterns.size > 0 || groups.size > 0

const isAwaited = ({ rejoining }: State["workers"][number]): boolean => rejoining.size > 0
