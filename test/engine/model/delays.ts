/** Rates and pauses: until when tasks must not start (W22, W23). */
import type { PauseTarget, Rate, StartsPaused } from "../../../src/engine/protocol/Event.ts"
import type { Facts, Task } from "./facts.ts"

const fits = (tag: string, by: string): boolean => by.endsWith("*") ? tag.startsWith(by.slice(0, -1)) : tag === by

/** The rate of a tag: its own, or that of the longest pattern that it fits. */
const rateFor = ({ rates }: Facts, tag: string): Rate | undefined => {
  const own = rates.get(tag)
  if (own !== undefined) return own
  const patterns = [...rates.keys()].filter((each) => each.endsWith("*") && fits(tag, each))
  const longest = patterns.toSorted((a, b) => b.length - a.length)[0]
  return longest === undefined ? undefined : rates.get(longest)
}

/** A rate changes: as many starts as the former one allowed are known. */
export const setRate = (model: Facts, tag: string, rate: Rate | undefined): void => {
  const before = new Map(Array.from(model.startsBy.keys(), (each) => [each, rateFor(model, each)]))
  if (rate === undefined) model.rates.delete(tag)
  else model.rates.set(tag, rate)
  for (const [each, former] of before) {
    if (former === undefined || rateFor(model, each) === undefined) model.startsBy.delete(each)
    else model.startsBy.set(each, model.startsBy.get(each)!.slice(-former.starts))
  }
}

const isUsedUp = (starts: ReadonlyArray<number>, { perMillis, starts: most }: Rate, now: number): boolean =>
  starts.filter((at) => at + perMillis > now).length >= most

const nameOf = ({ group, tag }: PauseTarget): string => JSON.stringify([tag, group])

export const pause = (model: Facts, { forMillis = Infinity, of }: StartsPaused): void => {
  const name = nameOf(of)
  const until = Math.max(model.now + forMillis, model.pauses.get(name)?.until ?? -Infinity)
  model.pauses.set(name, { of, until })
}

export const resume = (model: Facts, of: PauseTarget): void => void model.pauses.delete(nameOf(of))

/** The time has come: pauses end. */
export const endPauses = (model: Facts): void => {
  for (const [name, { until }] of model.pauses) if (until <= model.now) model.pauses.delete(name)
}

/** Whether all of a group wait in queues of their own. */
export const pausedGroup = ({ pauses }: Facts, { owner: { group } }: Task): string | undefined =>
  group !== undefined && pauses.has(nameOf({ group })) ? group : undefined

/** Whether a pause holds a task back; of tags it does not matter to tasks that were sent ahead. */
export const isPaused = ({ now, pauses }: Facts, { owner, settings: { demand } }: Task): boolean =>
  [...pauses.values()].some(({ of: { group, tag }, until }) => {
    if (until <= now) return false
    if (tag !== undefined) return (demand?.tags ?? []).some((each) => fits(each, tag))
    return group === undefined || group === owner.group
  })

/** Why a task must not start now. */
export const delayOf = (model: Facts, task: Task): string | undefined => {
  if (isPaused(model, task)) return "W23: it is paused"
  const { rate } = model.fairness
  if (rate !== undefined && isUsedUp(model.allStarts, rate, model.now)) return "W22: the rate of the layer is used up"
  for (const tag of task.settings.demand?.tags ?? []) {
    const own = rateFor(model, tag)
    const starts = model.startsBy.get(tag) ?? []
    if (own !== undefined && isUsedUp(starts, own, model.now)) return `W22: the rate of tag ${tag} is used up`
  }
  return undefined
}

export const isDelayed = (model: Facts, task: Task): boolean => delayOf(model, task) !== undefined

/** Judges a start. */
export const judgeDelay = (model: Facts, task: Task): void => {
  const delay = delayOf(model, task)
  if (delay !== undefined) model.complain(`${delay}, and ${task.name} starts`)
}

/** Counts a start. */
export const countStart = (model: Facts, task: Task): void => {
  if (model.fairness.rate !== undefined) model.allStarts.push(model.now)
  for (const tag of task.settings.demand?.tags ?? []) {
    if (rateFor(model, tag) === undefined) continue
    model.startsBy.set(tag, [...model.startsBy.get(tag) ?? [], model.now])
  }
}
