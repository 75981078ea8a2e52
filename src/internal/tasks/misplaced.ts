/**
 * Tasks and futures that a walk through inputs does not reach, or that it could not replace: they are refused with their
 * location.
 *
 * @internal
 */
import * as Exit from "effect/Exit"
import { quote } from "../text/text.ts"
import { foreignText, isEffectOnly, isIterator, keepOneCopy } from "../values/strangers.ts"
import { TaskGraphTypeId } from "../values/typeIds.ts"
import { isLeaf } from "./dependency.ts"
import { isRecord } from "./task.ts"
import type { Misplaced } from "./task.ts"

/** The depth to which handles are found. */
export const maxDepth = 5

/** How many values are inspected below that depth for misplaced handles. */
export const maxSearched = 100_000

export type Path = Array<string | number>

export type Members = Record<string | number, unknown>

/** The state of a walk that looks for misplaced handles. */
export interface Search {
  /** The path from the inputs to the current value. */
  readonly path: Path
  /** The values searched below the depth, and the rest of the budget. */
  readonly searched: Set<object>
  left: number
}

/** What a copy with values in place of tasks would lose, which is refused. */
export const uncopied = (whole: object, holdsTask: boolean, path: Path): Misplaced | undefined => {
  const symbols = Object.getOwnPropertySymbols(whole)
  if (holdsTask) {
    const why = lossIn(whole, symbols)
    return why === undefined ? undefined : { what: `what is in ${display(path)}`, why }
  }
  const holds = symbols.find((symbol) => isLeaf((whole as Record<symbol, unknown>)[symbol]))
  return holds === undefined ? undefined : { what: `what is in ${display(path)}`, why: underSymbol(holds) }
}

const underSymbol = (symbol: symbol): string =>
  `it holds tasks or futures and has the key ${String(symbol)}; use a plain record whose keys are strings`

/** Why a copy of something that holds tasks would differ from it. */
const lossIn = (whole: object, [symbol]: ReadonlyArray<symbol>): string | undefined => {
  const isArray = Array.isArray(whole)
  const keys = Object.keys(whole)
  if (isArray && keys.length > whole.length) return "it is an array with properties of its own; use a plain record"
  if (symbol !== undefined) return underSymbol(symbol)
  if (isArray) {
    return Object.getPrototypeOf(whole) === Array.prototype
      ? undefined
      : `it holds tasks or futures and is an instance of ${classOf(whole)}; use a plain array`
  }
  // A graph means the record of its tasks.
  if (TaskGraphTypeId in whole) return undefined
  if (Object.getOwnPropertyNames(whole).length > keys.length) {
    return "it holds tasks or futures and has a field that is not enumerable; use a plain record"
  }
  if (isRecord(whole)) return undefined
  const accessor = keys.find((key) => !Object.hasOwn(Object.getOwnPropertyDescriptor(whole, key)!, "value"))
  return accessor === undefined
    ? undefined
    : `it holds tasks or futures and has the accessor ${quote(accessor)}; use a plain record`
}

const classOf = (value: object): string => value.constructor.name || "a class"

/** The fault in a value that is passed on as it is, if any. */
export const notTaken = (value: object, search: Search): Misplaced | undefined => {
  const { path } = search
  const foreign = foreignText(value)
  if (foreign !== undefined) return { what: `${foreign}, at ${display(path)}`, why: keepOneCopy }
  if (isEffectOnly(value)) return misplacedEffect(value, path)
  if (isIterator(value)) {
    const why = "it is read step by step, and nothing here reads it; make an array of it, as in [...it]"
    return { what: `the iterator at ${display(path)}`, why }
  }
  return intoCollection(value, search)
}

const misplacedEffect = (value: object, path: Path): Misplaced => {
  const [name, note] = Exit.isExit(value)
    ? ["Exit", "it is an Effect, as Effect.succeed and Effect.fail give it, and"]
    : ["Effect", ""]
  const why = `${note} nothing here runs it; make a task of it with Task.make, or use Task.value to hand it on as it is`
  return { what: `the ${name} at ${display(path)}`, why: why.trimStart() }
}

/** A task or future in a Map, a Set or an Error, and in the arrays and records there. */
const intoCollection = (value: object, search: Search): Misplaced | undefined => {
  const name = value instanceof Map
    ? "a Map"
    : value instanceof Set
    ? "a Set"
    : value instanceof Error
    ? "an Error"
    : ""
  if (name === "") return undefined
  for (const item of membersOf(value)) {
    const isObject = typeof item === "object" && item !== null
    if (isObject && (isLeaf(item) || (isSearched(item) && deeper(item, search) !== undefined))) {
      return at(search.path, `, in ${name}`)
    }
  }
  return undefined
}

function* membersOf(value: Map<unknown, unknown> | Set<unknown> | object): Iterable<unknown> {
  if (value instanceof Set) yield* value
  else if (value instanceof Map) { for (const entry of value) yield* entry }
  // The `cause` of an error is not enumerable.
  else for (const key of Object.getOwnPropertyNames(value)) yield (value as Members)[key]
}

const isCollection = (value: object): boolean => value instanceof Map || value instanceof Set || value instanceof Error

/** Whether a value is inspected below the depth. */
const isSearched = (value: object): boolean => Array.isArray(value) || isRecord(value) || isCollection(value)

/** Where a task or future is in a part that is too deep: in arrays, records and collections, within the budget. */
export const deeper = (root: object, search: Search): Misplaced | undefined => {
  const { path, searched } = search
  if (searched.has(root)) return undefined
  searched.add(root)
  const stack: Array<Spot> = [{ value: root as Members, key: "", within: undefined }]
  for (let spot = stack.pop(); spot !== undefined; spot = stack.pop()) {
    const whole = isCollection(spot.value) ? Array.from(membersOf(spot.value)) as unknown as Members : spot.value
    for (const key of Array.isArray(whole) ? whole.keys() : Object.keys(whole)) {
      if (search.left-- <= 0) return undefined
      const value = whole[key]
      if (typeof value !== "object" || value === null) continue
      if (isLeaf(value)) return at([...path, ...wayTo(spot), key])
      if (searched.has(value) || !isSearched(value)) continue
      searched.add(value)
      stack.push({ value: value as Members, key, within: spot })
    }
  }
  return undefined
}

/** A location below the depth. The path is built only on request. */
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
  why: `inputs are searched in arrays and records to depth 5, not deeper and not in ${
    where.endsWith("an Error") ? "an Error" : "a Map or Set"
  }`
})

/** A path as code would write it. */
const display = (path: Path): string =>
  path.reduce<string>((text, each) => {
    const key = String(each)
    if (/^\d+$/.test(key)) return `${text}[${key}]`
    return /^[\w$]+$/.test(key) ? `${text}.${key}` : `${text}[${quote(key)}]`
  }, "inputs")
