/**
 * How errors show a wrong value: whole if it is small. A value that references a scheduler, or many shared objects, would be
 * printed until memory ends.
 *
 * @internal
 */
import { format } from "effect/Formatter"
import { looked, unreadableAs } from "../values/looks.ts"
import { hush, workIn } from "../values/strangers.ts"
import { inLine } from "./text.ts"

/** The text of `format` for a value that throws. */
const notRead = "[inspection threw]"

/** How many values of it are read. */
const most = 100

export const brief = (value: unknown): string => {
  // `format` tolerates values that throw.
  const isSmall = looked(() => leftAfter(value, most, new Set()) > 0, true)
  const text = looked(() => isSmall ? format(value) : nameOf(value), notRead)
  return inLine(text === notRead ? unreadableAs(value) : text)
}

/** How many more values may be printed after this one; a shared value is printed at each reference, except within itself. */
const leftAfter = (value: unknown, before: number, around: Set<unknown>): number => {
  let left = before - 1
  if (typeof value !== "object" || value === null || around.has(value) || left <= 0) return left
  if (value.toString !== Object.prototype.toString && !Array.isArray(value)) return left
  if (sizeOf(value) > left) return 0
  around.add(value)
  for (const member of membersOf(value)) left = leftAfter(member, left, around)
  around.delete(value)
  return left
}

const sizeOf = (value: object): number =>
  Array.isArray(value) ? value.length : value instanceof Map || value instanceof Set ? value.size : 0

function* membersOf(value: object): Iterable<unknown> {
  if (value instanceof Map || value instanceof Set) yield* value
  // `format` handles getters.
  for (const key of Reflect.ownKeys(value)) yield Reflect.getOwnPropertyDescriptor(value, key)?.value
}

const nameOf = (value: unknown): string => {
  if (Array.isArray(value)) return `an array of ${value.length}`
  const name = (value as object).constructor?.name
  return name === undefined || name === "Object" ? "a large object" : `a large object of class ${name}`
}

/** The same for the return value of a function in place of work. */
export const briefResult = (returned: unknown): string => {
  const work = typeof returned === "object" && returned !== null ? looked(() => workIn(returned), undefined) : undefined
  if (work === "a generator") return work
  if (work !== "a Promise" && work !== "a thenable") return brief(returned)
  hush(returned)
  return work
}
