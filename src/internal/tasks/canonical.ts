/**
 * The canonical encoding of plain data: equal data, and only equal data, have equal encodings. Pure keys are made of it.
 *
 * @internal
 */
import * as Predicate from "effect/Predicate"
import { looked } from "../values/looks.ts"

/** An encoding, or where and why there is none. */
export type Encoded = { readonly text: string } | { readonly path: string; readonly why: string }

/** Data nested deeper than this has no encoding, because the walk uses the stack. */
const maxNesting = 1000

/** Encodes tasks and futures, returns the value that something stands for, or `undefined` for other objects. */
type OfHandle = (object: object) => Encoded | { readonly value: unknown } | undefined

/** Encodes `value`, which is at `path`. */
export const encode = (value: unknown, handle: OfHandle, path: string): Encoded => {
  const walk = new Walk(handle, path)
  const text = looked(() => walk.textOf(value), undefined)
  if (text === undefined) return { path, why: "it throws when it is looked at, or is nested too deeply" }
  return walk.failure ?? { text }
}

class Walk {
  /** The first part that has no encoding. */
  failure: Encoded | undefined
  private readonly seen = new Set<object>()
  /** The keys that lead to the part that is being encoded. They become a path only when that part is refused. */
  private readonly way: Array<string | number> = []
  private readonly handle: OfHandle
  private readonly path: string

  constructor(handle: OfHandle, path: string) {
    this.handle = handle
    this.path = path
  }

  textOf(item: unknown): string {
    if (typeof item === "string") return JSON.stringify(item)
    if (typeof item === "function" || typeof item === "symbol") return this.refuse(`it is a ${typeof item}`)
    if (typeof item !== "object" || item === null) return ofPrimitive(item)
    const known = this.handle(item)
    if (known !== undefined) {
      if ("value" in known) return this.textOf(known.value)
      return "text" in known ? known.text : this.refuse(known.why)
    }
    const { seen } = this
    if (seen.has(item)) return this.refuse("it contains itself")
    if (seen.size === maxNesting) return this.refuse("it is nested too deeply", 40)
    seen.add(item)
    const text = this.ofObject(item)
    seen.delete(item)
    return text
  }

  private refuse(why: string, length = Infinity): string {
    if (this.failure !== undefined) return ""
    const at = this.path + this.way.map((key) => typeof key === "number" ? `[${key}]` : `.${key}`).join("")
    this.failure = { path: at.length > length ? `${at.slice(0, length)}...` : at, why }
    return ""
  }

  private ofObject(object: object): string {
    if (Array.isArray(object)) return this.ofArray(object)
    if (ArrayBuffer.isView(object)) return ofView(object)
    const prototype = Object.getPrototypeOf(object)
    if (prototype === Object.prototype || prototype === null) return this.ofRecord(object as Record<string, unknown>)
    // A subclass may have state that is not visible here, and so may additional fields.
    if (Object.getPrototypeOf(prototype) === Object.prototype && Object.keys(object).length === 0) {
      if (Predicate.isDate(object)) return `Date(${object.getTime()})`
      if (object instanceof Map) {
        return `Map(${Array.from(object, ([k, v]) => `${this.textOf(k)}:${this.textOf(v)}`).sort().join(",")})`
      }
      if (object instanceof Set) return `Set(${Array.from(object, (item) => this.textOf(item)).sort().join(",")})`
    }
    const hasMore = isBuiltIn(object) && Object.keys(object).length > 0
    return this.refuse(hasMore ? `${instanceOf(object)} with fields of its own` : instanceOf(object))
  }

  private ofArray(array: ReadonlyArray<unknown>): string {
    if (Object.keys(array).length > array.length) return this.refuse("it is an array with properties of its own")
    if (Object.getPrototypeOf(array) !== Array.prototype) return this.refuse(instanceOf(array))
    let text = "["
    for (let i = 0; i < array.length; i++) {
      if (i > 0) text += ","
      const item = array[i]
      // A hole differs from `undefined`.
      text += item === undefined && !(i in array) ? "hole" : this.ofMember(i, item)
    }
    return `${text}]`
  }

  private ofRecord(record: Record<string, unknown>): string {
    if (Object.getOwnPropertySymbols(record).length > 0) return this.refuse("it has a symbol for a key")
    let text = ""
    for (const key of Object.keys(record).sort()) {
      text += `${text === "" ? "{" : ","}${JSON.stringify(key)}:${this.ofMember(key, record[key])}`
    }
    return text === "" ? "{}" : `${text}}`
  }

  private ofMember(key: string | number, item: unknown): string {
    this.way.push(key)
    const text = this.textOf(item)
    this.way.pop()
    return text
  }
}

const isBuiltIn = (object: object): boolean =>
  Predicate.isDate(object) || object instanceof Map || object instanceof Set

const instanceOf = (object: object): string =>
  `it is an instance of ${Object.getPrototypeOf(object).constructor?.name || "a class"}`

const ofPrimitive = (value: unknown): string => {
  if (typeof value === "bigint") return `${value}n`
  return Object.is(value, -0) ? "-0" : String(value)
}

const ofView = (view: ArrayBufferView): string => {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
  let text = ""
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0")
  return `${view.constructor.name}(${text})`
}
