/**
 * The canonical encoding of plain data: equal data, and only equal data, have equal encodings. Pure keys are made of it.
 *
 * @internal
 */
import * as Predicate from "effect/Predicate"
import { looked } from "../values/looks.ts"

/** An encoding, or the place and the reason why there is none. */
export type Encoded = { readonly text: string } | { readonly path: string; readonly why: string }

/** Data nested deeper than this has no encoding: a stack must hold the walk. */
const maxNesting = 1000

/**
 * Encodes `value`; `handle` encodes tasks and futures, gives the value that something stands for, or returns `undefined` for
 * other values.
 */
export const encode = (
  value: unknown,
  handle: (value: unknown) => Encoded | { readonly value: unknown } | undefined,
  path: string
): Encoded => {
  const seen = new Set<object>()
  let failure: Encoded | undefined
  const refuse = (at: string, why: string): string => {
    failure ??= { path: at, why }
    return ""
  }
  const ofArray = (array: ReadonlyArray<unknown>, at: string): string => {
    if (Object.keys(array).length > array.length) return refuse(at, "it is an array with properties of its own")
    if (Object.getPrototypeOf(array) !== Array.prototype) return refuse(at, instanceOf(array))
    // A hole is not an undefined.
    return `[${Array.from(array, (item, i) => i in array ? go(item, `${at}[${i}]`) : "hole").join(",")}]`
  }
  const ofRecord = (record: Record<string, unknown>, at: string): string => {
    if (Object.getOwnPropertySymbols(record).length > 0) return refuse(at, "it has a symbol for a key")
    const entries = Object.keys(record).sort().map((key) => `${JSON.stringify(key)}:${go(record[key], `${at}.${key}`)}`)
    return `{${entries.join(",")}}`
  }
  const ofObject = (object: object, at: string): string => {
    if (Array.isArray(object)) return ofArray(object, at)
    if (ArrayBuffer.isView(object)) return ofView(object)
    const prototype = Object.getPrototypeOf(object)
    if (prototype === Object.prototype || prototype === null) return ofRecord(object as Record<string, unknown>, at)
    // A subclass may have more to it than can be seen here, and so may fields of one's own.
    if (Object.getPrototypeOf(prototype) === Object.prototype && Object.keys(object).length === 0) {
      if (Predicate.isDate(object)) return `Date(${object.getTime()})`
      if (object instanceof Map) {
        return `Map(${Array.from(object, ([k, v]) => `${go(k, at)}:${go(v, at)}`).sort().join(",")})`
      }
      if (object instanceof Set) return `Set(${Array.from(object, (item) => go(item, at)).sort().join(",")})`
    }
    return refuse(at, instanceOf(object))
  }
  const go = (item: unknown, at: string): string => {
    const known = handle(item)
    if (known !== undefined) {
      if ("value" in known) return go(known.value, at)
      return "text" in known ? known.text : refuse(at, known.why)
    }
    if (typeof item === "function" || typeof item === "symbol") return refuse(at, `it is a ${typeof item}`)
    if (typeof item !== "object" || item === null) return ofPrimitive(item)
    if (seen.has(item)) return refuse(at, "it contains itself")
    if (seen.size === maxNesting) return refuse(`${at.slice(0, 40)}...`, "it is nested too deeply")
    seen.add(item)
    const text = ofObject(item, at)
    seen.delete(item)
    return text
  }
  const text = looked(() => go(value, path), undefined)
  if (text === undefined) return { path, why: "it throws when it is looked at, or is nested too deeply" }
  return failure ?? { text }
}

const instanceOf = (object: object): string =>
  `it is an instance of ${Object.getPrototypeOf(object).constructor?.name || "a class"}`

const ofPrimitive = (value: unknown): string => {
  if (typeof value === "string") return JSON.stringify(value)
  if (typeof value === "bigint") return `${value}n`
  return Object.is(value, -0) ? "-0" : String(value)
}

const ofView = (view: ArrayBufferView): string => {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
  let text = ""
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0")
  return `${view.constructor.name}(${text})`
}
