/**
 * Crowds that wait for a rate or the end of a pause, in a heap by the moment until which they wait at least. A dispatch looks at
 * those alone whose moment has come: thousands of tags that wait for their rates cost the starts of others nothing.
 *
 * That moment comes earlier only when a rate changes or a pause is resumed, which releases the crowds that it concerns. It comes
 * later with each start and each pause, so a crowd that is looked at again may have to wait on.
 *
 * @since 0.1.0
 */
import type { Crowd } from "../state/Queue.ts"
import type { State } from "../state/State.ts"
import { Use } from "../state/Use.ts"
import { use } from "../state/uses.ts"
import { insert, remove } from "../structures/heap.ts"

/** A crowd has its first queue. */
export const enter = (state: State, crowd: Crowd): void => {
  state.crowds.set(crowd.name, crowd)
  state.awake.add(crowd)
}

/** A crowd has no queue any more. */
export const leave = (state: State, crowd: Crowd): void => {
  state.crowds.delete(crowd.name)
  if (!state.awake.delete(crowd)) take(state, crowd)
}

/** A crowd waits until this moment at least. */
export const hold = (state: State, crowd: Crowd, until: number): void => {
  if (!state.awake.delete(crowd)) return
  crowd.heldUntil = until
  insert(state, state.delays.held, crowd, isBefore)
  use(state, Use.delays)
}

const take = (state: State, crowd: Crowd): void => {
  crowd.heldUntil = -Infinity
  remove(state, state.delays.held, crowd, isBefore)
}

const isBefore = (_: State, a: Crowd, b: Crowd): boolean => a.heldUntil < b.heldUntil

const release = (state: State, crowd: Crowd): void => {
  take(state, crowd)
  state.awake.add(crowd)
}

/** The crowds whose moment has come may start again. */
export const releaseDue = (state: State): void => {
  const { held } = state.delays
  while (held.length > 0 && held[0]!.heldUntil <= state.now) release(state, held[0]!)
}

/** Something that holds back crowds for which this is true has changed. */
export const releaseThose = (state: State, isMeant: (crowd: Crowd) => boolean): void => {
  for (const crowd of state.delays.held.filter(isMeant)) release(state, crowd)
}

/** No queue is in a crowd. */
export const clear = ({ awake, crowds, delays: { held } }: State): void => {
  crowds.clear()
  awake.clear()
  held.length = 0
}
