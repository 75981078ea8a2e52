/**
 * Which ready tasks rates and pauses hold back, as explanations name them.
 *
 * @since 0.1.0
 */
import { delayOf, pausedGroupOf } from "../dispatch/delays.ts"
import type { Delay } from "../dispatch/delays.ts"
import { suits, wantedOf } from "../dispatch/placement.ts"
import type { Engine } from "../protocol/Engine.ts"
import type { TaskId } from "../protocol/ids.ts"
import { Phase } from "../protocol/Phase.ts"
import type { Lane } from "../state/Queue.ts"
import { open } from "../state/State.ts"
import type { State } from "../state/State.ts"

/**
 * How many of the tasks that wait could start, but for a rate or a pause.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Delayed {
  /** Tasks that wait for the rate of one of their tags, or of the layer. */
  readonly rateLimited: number
  readonly paused: number
}

const none: Delayed = { rateLimited: 0, paused: 0 }

/** Whether anything may hold tasks back at all. */
const isAny = ({ delays: { groups, patterns, paused, rate, rates, tags } }: State): boolean =>
  paused !== undefined || rate !== undefined || rates.size + patterns.size + tags.size + groups.size > 0

/** All ready tasks that are held back. Costs a look at each queue, not at each task. */
export const delayedIn = (engine: Engine): Delayed => {
  const state = open(engine)
  if (!isAny(state)) return none
  const found = { rateLimited: 0, paused: 0 }
  const add = (delay: Delay | undefined, lanes: ReadonlyArray<Lane>): void => {
    if (delay === undefined) return
    for (const { members } of lanes) found[fieldOf[delay._tag]] += members.count
  }
  for (const { crowd, lanes } of state.queues.values()) {
    if (crowd.workers.length > 0) add(delayOf(state, crowd), lanes)
  }
  // Tasks that ask for a slot alone are in no queue: only a pause of everything holds them back.
  if (state.delays.paused === undefined) return found
  const delay = delayOf(state, plain)
  for (const lane of [...state.lanes, ...state.portableLanes, ...state.remoteLanes]) {
    if (state.workers.some((worker) => suits(state, worker, { demand: undefined, kind: lane.kind }))) add(delay, [lane])
  }
  return found
}

const plain = { group: undefined, tags: [] }

const fieldOf: Readonly<Record<Delay["_tag"], keyof Delayed>> = { RateLimited: "rateLimited", Paused: "paused" }

/** The field under which a task counts, if it is ready and held back. */
export const delayedAs = (engine: Engine, task: TaskId): keyof Delayed | undefined => {
  const state = open(engine)
  if (state.tasks.phase[task] !== Phase.ready || !isAny(state)) return undefined
  const wanted = wantedOf(state, task)
  if (!state.workers.some((worker) => suits(state, worker, wanted))) return undefined
  const delay = delayOf(state, { group: pausedGroupOf(state, task), tags: wanted.demand?.tags ?? [] })
  return delay && fieldOf[delay._tag]
}
