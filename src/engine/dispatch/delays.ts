/**
 * When tasks may start at all: rates and pauses. A task that they hold back stays ready; it takes nothing, and withholds nothing
 * from others.
 *
 * A rate is a log of its last starts. The next start may be when the oldest of them is as old as the interval, so no interval of
 * that length has more starts, wherever it begins. Windows or buckets would allow nearly twice as many. A start counts when an
 * attempt is given to a worker: the first one, a retry, and one after a loss alike.
 *
 * All tasks of a crowd have the same tags and the same group, so rates and pauses hold back whole crowds (`held.ts`).
 *
 * @since 0.1.0
 */
import type { PauseTarget, Rate } from "../protocol/Event.ts"
import type { TaskId } from "../protocol/ids.ts"
import { newLog } from "../state/Extras.ts"
import type { RateLog } from "../state/Extras.ts"
import type { Crowd } from "../state/Queue.ts"
import type { State } from "../state/State.ts"
import * as held from "./held.ts"
import { canStart } from "./room.ts"

/** Whether a tag stands for each tag that begins like it. */
export const isPattern = (tag: string): boolean => tag.endsWith("*")

export const prefixOf = (pattern: string): string => pattern.slice(0, -1)

/** Whether a tag is this tag, or fits this pattern. */
export const isMeant = (tag: string, by: string): boolean => isPattern(by) ? tag.startsWith(prefixOf(by)) : tag === by

/** The rate of a tag: its own, or that of the longest pattern that it fits. */
const ruleOf = ({ delays: { patterns } }: State, tag: string): Rate | undefined => {
  let longest = -1
  let rule: Rate | undefined
  for (const [prefix, rate] of patterns) {
    if (prefix.length <= longest || !tag.startsWith(prefix)) continue
    longest = prefix.length
    rule = rate
  }
  return rule
}

/** The rate of a tag with its log, if it has one. */
const rateOf = (state: State, tag: string): RateLog | undefined => {
  const { patterns, rates } = state.delays
  const known = rates.get(tag)
  if (known !== undefined || patterns.size === 0) return known
  const rule = ruleOf(state, tag)
  if (rule === undefined) return undefined
  if (rates.size > 2 * state.delays.kept + 64) sweep(state)
  const made = newLog(rule, true)
  rates.set(tag, made)
  return made
}

/** Drops rates of patterns whose last start is too old to count. */
const sweep = (state: State): void => {
  const { rates } = state.delays
  for (const [tag, { isOfPattern, log, next, rate }] of rates) {
    const last = log.at(next - 1)
    if (isOfPattern && (last === undefined || last + rate.perMillis <= state.now)) rates.delete(tag)
  }
  state.delays.kept = rates.size
}

/** The moment from which a rate allows another start. */
const freeAt = ({ log, next, rate: { perMillis, starts } }: RateLog): number =>
  log.length < starts ? -Infinity : log[next]! + perMillis

/** What holds a task back until a moment, which may be `Infinity`. */
export type Delay =
  | { readonly _tag: "Paused"; readonly of: PauseTarget; readonly until: number }
  /** The rate of a tag, or without a tag that of all starts. */
  | { readonly _tag: "RateLimited"; readonly tag: string | undefined; readonly rate: Rate; readonly until: number }

/** What of tasks decides which pauses and rates they wait for. */
type Delayed = Pick<Crowd, "group" | "tags">

/** What holds such tasks back for longest. */
export const delayOf = (state: State, { group, tags }: Delayed): Delay | undefined => {
  const { delays, now } = state
  let longest: Delay | undefined
  const add = (delay: Delay): void => {
    if (delay.until > (longest?.until ?? now)) longest = delay
  }
  if (delays.paused !== undefined) add({ _tag: "Paused", of: {}, until: delays.paused })
  const ofGroup = group === undefined ? undefined : delays.groups.get(group)
  if (ofGroup !== undefined) add({ _tag: "Paused", of: { group: group! }, until: ofGroup })
  for (const tag of tags) {
    const until = delays.tags.get(tag)
    if (until !== undefined) add({ _tag: "Paused", of: { tag }, until })
  }
  for (const [tag, until] of delays.tagPatterns) {
    if (tags.some((each) => isMeant(each, tag))) add({ _tag: "Paused", of: { tag }, until })
  }
  if (delays.rate !== undefined) {
    add({ _tag: "RateLimited", tag: undefined, rate: delays.rate.rate, until: freeAt(delays.rate) })
  }
  for (const tag of tags) {
    const log = rateOf(state, tag)
    if (log !== undefined) add({ _tag: "RateLimited", tag, rate: log.rate, until: freeAt(log) })
  }
  return longest
}

/** The same moment, on the way of each dispatch: nothing is made. `-Infinity` if nothing holds them back. */
const startsAt = (state: State, { group, tags }: Delayed): number => {
  const { groups, paused, patterns, rate, rates, tagPatterns, tags: pausedTags } = state.delays
  let at = paused ?? -Infinity
  if (rate !== undefined) at = Math.max(at, freeAt(rate))
  if (group !== undefined) at = Math.max(at, groups.get(group) ?? -Infinity)
  const isAnyLimited = rates.size > 0 || patterns.size > 0
  for (let i = 0; i < tags.length; i++) {
    const log = isAnyLimited ? rateOf(state, tags[i]!) : undefined
    if (log !== undefined) at = Math.max(at, freeAt(log))
    if (pausedTags.size > 0) at = Math.max(at, pausedTags.get(tags[i]!) ?? -Infinity)
    for (const [tag, until] of tagPatterns) if (isMeant(tags[i]!, tag)) at = Math.max(at, until)
  }
  return at
}

/** Whether everything is paused. */
export const isPaused = ({ delays: { paused }, now }: State): boolean => paused !== undefined && paused > now

/** Whether rates or pauses hold the tasks of a crowd back. */
export const isHeldBack = (state: State, crowd: Delayed): boolean => startsAt(state, crowd) > state.now

/** The same in a dispatch, for a crowd with ready tasks: no dispatch looks at the crowd before it may start again. */
export const mustWait = (state: State, crowd: Crowd): boolean => {
  const at = startsAt(state, crowd)
  if (at <= state.now) return false
  held.hold(state, crowd, at)
  return true
}

/** Counts a start. Returns whether a rate allows no other now. */
export const noteStart = (state: State, tags: ReadonlyArray<string> | undefined): boolean => {
  const { patterns, rate, rates } = state.delays
  let isUsedUp = rate !== undefined && count(state, rate)
  if (tags === undefined || rates.size + patterns.size === 0) return isUsedUp
  for (const tag of tags) {
    const log = rateOf(state, tag)
    if (log !== undefined && count(state, log)) isUsedUp = true
  }
  return isUsedUp
}

const count = (state: State, log: RateLog): boolean => {
  const { rate: { starts } } = log
  if (log.log.length < starts) log.log.push(state.now)
  else {
    log.log[log.next] = state.now
    log.next = (log.next + 1) % starts
  }
  return freeAt(log) > state.now
}

/** Sets the rate of a tag or a pattern, or ends it. Starts that are known count on. */
export const setRate = (state: State, tag: string, rate: Rate | undefined): void => {
  const { patterns, rates } = state.delays
  if (isPattern(tag)) {
    if (rate === undefined) patterns.delete(prefixOf(tag))
    else patterns.set(prefixOf(tag), rate)
    for (const [each, { isOfPattern }] of rates) {
      if (isOfPattern && isMeant(each, tag)) change(state, each, ruleOf(state, each), true)
    }
  } else change(state, tag, rate ?? ruleOf(state, tag), rate === undefined)
  releaseTagged(state, tag)
}

/** What holds back tasks with this tag, or with those of a pattern, has changed. */
export const releaseTagged = (state: State, by: string): void =>
  held.releaseThose(state, ({ tags }) => tags.some((tag) => isMeant(tag, by)))

const change = ({ delays: { rates } }: State, tag: string, rate: Rate | undefined, isOfPattern: boolean): void => {
  const former = rates.get(tag)
  if (rate === undefined) {
    rates.delete(tag)
    return
  }
  const changed = newLog(rate, isOfPattern)
  if (former !== undefined) {
    // One by one: a log may be longer than a call may have arguments.
    const { log, next } = former
    for (let i = Math.max(0, log.length - rate.starts); i < log.length; i++) {
      changed.log.push(log[(next + i) % log.length]!)
    }
  }
  rates.set(tag, changed)
}

/** The paused group of a task, if it is in one. */
export const pausedGroupOf = (
  { delays: { groups }, tasks: { submission } }: State,
  task: TaskId
): string | undefined => {
  if (groups.size === 0) return undefined
  const { group } = submission[task]!.owner
  return group !== undefined && groups.has(group) ? group : undefined
}

/** When the first start falls due. Without a free slot or a pool that grows, the end of an attempt is the next moment for a start. */
export const dueAt = (state: State): number => {
  const { crew: { pool }, delays: { held: [first] } } = state
  if (first === undefined || isPaused(state)) return Infinity
  return pool !== undefined || canStart(state) ? first.heldUntil : Infinity
}

/** When the engine must be woken for a start that falls due, or for the end of a pause. */
export const wakesAt = (state: State): number => Math.min(dueAt(state), state.delays.endsAt)
