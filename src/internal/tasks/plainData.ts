/**
 * A first look at inputs: most are plain data without any task, and are told apart from the others here without a path, a list of
 * keys or a copy.
 *
 * @internal
 */
import { isMeant } from "../values/strangers.ts"
import { maxDepth } from "./misplaced.ts"

/** What a look finds: `data` has no task now, `frozen` will never have one, and of `unclear` a walk has to tell. */
type Found = "unclear" | "data" | "frozen"

/** Frozen data without tasks. It cannot change, so it is searched once. */
const known = new WeakSet<object>()

/** A search of fewer values costs no more than a look into the set. */
const worthKnowing = 32

/** How often large data that may change was searched. */
const searches = new WeakMap<object, number>()

/** To search this many values takes as long as to run a hundred tasks. */
const large = 10_000
const often = 10

/** The values looked at in this look. */
let seen = 0

let advice: string | undefined
let isAdvised = false

/** Whether `value`, at this depth of inputs, has no task, future or policy in it and nothing that is refused, for certain. */
export const isPlainData = (value: unknown, depth: number): boolean => {
  if (typeof value !== "object" || value === null) return true
  seen = 0
  return look(value, depth, false) !== "unclear"
}

/** `isWithin` says whether all of it lies within frozen data. */
const look = (value: object, depth: number, isWithin: boolean): Found => {
  if (isMeant(value)) return "frozen"
  const isArray = Array.isArray(value)
  const prototype = Object.getPrototypeOf(value)
  if (depth >= maxDepth || (prototype !== (isArray ? Array.prototype : Object.prototype) && prototype !== null)) {
    return "unclear"
  }
  const isWhole = depth <= 1
  const isFrozen = (isWhole || isWithin) && Object.isFrozen(value)
  if (isFrozen && known.has(value)) return "frozen"
  const before = seen
  const found = isArray ? lookAtItems(value, depth, isFrozen) : lookAtFields(value as Fields, depth, isFrozen)
  if (found === "unclear" || Object.getOwnPropertySymbols(value).length > 0) return "unclear"
  const size = seen - before
  if (found === "data" || !hasDataOnly(value)) {
    if (isWhole && size >= large) count(value, size)
    return "data"
  }
  if (isWhole && size >= worthKnowing) known.add(value)
  return "frozen"
}

type Fields = Readonly<Record<string, unknown>>

const lookAtItems = (items: ReadonlyArray<unknown>, depth: number, isFrozen: boolean): Found => {
  let areFrozen = isFrozen
  seen += items.length
  for (let i = 0; i < items.length; i++) {
    const item = items[i]
    if (typeof item !== "object" || item === null) continue
    const inside = look(item, depth + 1, areFrozen)
    if (inside === "unclear") return inside
    if (inside === "data") areFrozen = false
  }
  return areFrozen ? "frozen" : "data"
}

const lookAtFields = (fields: Fields, depth: number, isFrozen: boolean): Found => {
  let areFrozen = isFrozen
  for (const key in fields) {
    seen++
    const field = fields[key]
    if (typeof field !== "object" || field === null) continue
    const inside = look(field, depth + 1, areFrozen)
    if (inside === "unclear") return inside
    if (inside === "data") areFrozen = false
  }
  return areFrozen ? "frozen" : "data"
}

/** Whether something frozen has no accessors, which may give another value each time. */
const hasDataOnly = (value: object): boolean => {
  for (const key in value) if (Object.getOwnPropertyDescriptor(value, key)?.get !== undefined) return false
  return true
}

/** Counts the searches of a large object, and has a warning written once. */
const count = (value: object, size: number): void => {
  if (isAdvised) return
  const times = (searches.get(value) ?? 0) + 1
  searches.set(value, times)
  if (times < often) return
  isAdvised = true
  advice = `An input of ${size} values was searched for tasks ${often} times. `
    + "Task.value(input) passes it on without a search, and an input that is frozen at every level is searched once"
}

/** A warning that is due, once a program. */
export const takeAdvice = (): string | undefined => {
  if (advice === undefined) return undefined
  const due = advice
  advice = undefined
  return due
}
