/**
 * Tasks and futures that a walk through inputs does not reach, or that it could not replace by their values: they are
 * refused in words that say where they lie.
 *
 * @internal
 */
import { isLeaf } from "./dependency.ts"
import { isRecord } from "./task.ts"
import type { Misplaced } from "./task.ts"

/** How deep handles are looked for. */
export const maxDepth = 5

/** How many values are looked at below that depth, for handles that nobody would find. */
export const maxSearched = 100_000

export type Path = Array<string | number>

export type Members = Record<string | number, unknown>

/** A walk, as far as it looks for what nobody would find. */
export interface Search {
  /** The way from the inputs to what is being looked at. */
  readonly path: Path
  /** What has been searched below the depth, and how much more may be. */
  readonly searched: Set<object>
  left: number
}

/** What a copy with values in the places of tasks would lose: it is better refused than lost. */
export const uncopied = (whole: object, holdsTask: boolean, path: Path): Misplaced | undefined => {
  if (holdsTask && Array.isArray(whole) && Object.keys(whole).length > whole.length) {
    return { what: `what is in ${display(path)}`, why: "it is an array with properties of its own; use a plain record" }
  }
  for (const symbol of Object.getOwnPropertySymbols(whole)) {
    if (holdsTask || isLeaf((whole as Record<symbol, unknown>)[symbol])) {
      return {
        what: `what is in ${display(path)}`,
        why: `it holds tasks or futures and has the key ${String(symbol)}; use a plain record whose keys are strings`
      }
    }
  }
  return undefined
}

/** A task or future in what is passed on as it is. */
export const intoCollection = (value: unknown, path: Path): Misplaced | undefined => {
  if (!(value instanceof Map || value instanceof Set)) return undefined
  for (const [key, item] of value.entries()) {
    if (isLeaf(key) || isLeaf(item)) return at(path, `, in a ${value instanceof Map ? "Map" : "Set"}`)
  }
  return undefined
}

/** Where a task or future lies in what is too deep to be searched for values: in arrays and records, as far as the work is bounded. */
export const deeper = (root: object, search: Search): Misplaced | undefined => {
  const { path, searched } = search
  if (searched.has(root)) return undefined
  searched.add(root)
  const stack: Array<Spot> = [{ value: root as Members, key: "", within: undefined }]
  for (let spot = stack.pop(); spot !== undefined; spot = stack.pop()) {
    const whole = spot.value
    for (const key of Array.isArray(whole) ? whole.keys() : Object.keys(whole)) {
      if (search.left-- <= 0) return undefined
      const value = whole[key]
      if (typeof value !== "object" || value === null) continue
      if (isLeaf(value)) return at([...path, ...wayTo(spot), key])
      if (searched.has(value) || !(Array.isArray(value) || isRecord(value))) continue
      searched.add(value)
      stack.push({ value: value as Members, key, within: spot })
    }
  }
  return undefined
}

/** A place below the depth. The way to it is written down only when it is asked for. */
interface Spot {
  readonly value: Members
  readonly key: string | number
  readonly within: Spot | undefined
}

const wayTo = (spot: Spot): Path => {
  const way: Path = []
  for (let at = spot; at.within !== undefined; at = at.within) way.push(at.key)
  return way.reverse()
}

const at = (path: Path, where = ""): Misplaced => ({
  what: `the task or future at ${display(path)}${where}`,
  why: "inputs are searched in arrays and records to depth 5, not deeper and not in a Map or Set"
})

/** A path as code would write it. */
const display = (path: Path): string =>
  path.reduce<string>((text, each) => {
    const key = String(each)
    if (/^\d+$/.test(key)) return `${text}[${key}]`
    return /^[\w$]+$/.test(key) ? `${text}.${key}` : `${text}[${JSON.stringify(key)}]`
  }, "inputs")
