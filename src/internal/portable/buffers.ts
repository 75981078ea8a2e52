/**
 * Large buffers in what travels, which are worth more than a clone.
 *
 * @internal
 */
import { isA, looked } from "../values/looks.ts"
import { isGiven } from "./moved.ts"

/** The bytes beyond which a buffer is large. */
const largeBuffer = 65_536

/** How deep, and at how many entries of each array or record, a look for buffers goes. */
const depth = 2
const entries = 64

const isRecordOrArray = (value: object): boolean => {
  if (Array.isArray(value)) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Whether this is a large buffer, or a view of so much of one, that is neither shared nor given away. */
const isLarge = (value: object): value is ArrayBuffer | ArrayBufferView => {
  const isView = ArrayBuffer.isView(value)
  const buffer = isView ? value.buffer : value
  return buffer instanceof ArrayBuffer && (value as ArrayBuffer | ArrayBufferView).byteLength > largeBuffer &&
    !buffer.resizable && !isGiven(buffer)
}

const searched = (value: unknown, left: number): boolean => {
  if (typeof value !== "object" || value === null) return false
  if (isLarge(value)) return true
  if (left === 0 || !isRecordOrArray(value)) return false
  let looks = 0
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length && i < entries; i++) if (searched(value[i], left - 1)) return true
    return false
  }
  for (const key in value) {
    if (++looks > entries) return false
    if (searched((value as Readonly<Record<string, unknown>>)[key], left - 1)) return true
  }
  return false
}

/** Whether a value is a large buffer, or has one in the first entries of its outer two levels. */
export const hasLargeBuffer = (value: unknown): boolean =>
  typeof value === "object" && value !== null && looked(() => searched(value, depth), false)

const none: ReadonlyArray<number> = []

/** The positions of values that have large buffers. The way of most is one call for all of them. */
export const positionsOfLarge = (values: ReadonlyArray<unknown>): ReadonlyArray<number> => {
  const all = looked(() => values.some((value) => searched(value, depth)), true)
  return all ? values.flatMap((value, i) => hasLargeBuffer(value) ? [i] : []) : none
}

/** A value in which its large buffers are replaced. The value itself, and all else in it, stay as they are. */
export const replaceLarge = (
  value: unknown,
  replace: (buffer: ArrayBuffer | ArrayBufferView) => ArrayBufferLike | ArrayBufferView
): unknown => {
  const done = new Map<unknown, unknown>()
  const go = (value: unknown, left: number): unknown => {
    if (typeof value !== "object" || value === null) return value
    if (done.has(value)) return done.get(value)
    if (isLarge(value)) {
      const replaced = replace(value)
      done.set(value, replaced)
      return replaced
    }
    if (left === 0 || !isRecordOrArray(value)) return value
    const keys = Object.keys(value).slice(0, entries)
    let copy: Record<string, unknown> | undefined
    for (const key of keys) {
      const before = (value as Readonly<Record<string, unknown>>)[key]
      const after = go(before, left - 1)
      if (after === before) continue
      copy ??= (Array.isArray(value) ? value.slice() : { ...value }) as Record<string, unknown>
      Object.defineProperty(copy, key, { configurable: true, enumerable: true, writable: true, value: after })
    }
    return copy ?? value
  }
  return go(value, depth)
}

// The views that a clone keeps, whatever class a user or Node has made of them.
const kinds: ReadonlyArray<new(memory: ArrayBufferLike) => ArrayBufferView> = [
  Float64Array,
  Float32Array,
  Uint8Array,
  Int32Array,
  Uint32Array,
  Int16Array,
  Uint16Array,
  Uint8ClampedArray,
  Int8Array,
  BigInt64Array,
  BigUint64Array,
  DataView
]

/** A view of the same kind of a whole memory. */
export const viewOf = (view: ArrayBufferView, memory: ArrayBufferLike): ArrayBufferView => {
  const Kind = kinds.find((kind) => isA(view, kind))
  return Kind === undefined ? view : new Kind(memory)
}

/** A copy of what the buffer has, or the view shows, that nobody else has. */
export const copied = (buffer: ArrayBuffer | ArrayBufferView): ArrayBuffer | ArrayBufferView => {
  if (!ArrayBuffer.isView(buffer)) return buffer.slice(0)
  const { buffer: whole, byteLength, byteOffset } = buffer
  return viewOf(buffer, (whole as ArrayBuffer).slice(byteOffset, byteOffset + byteLength))
}

/** A value to send whose large buffers are copies, and these, which are given away with it. The buffers of the value stay whole. */
export const withCopies = (value: unknown): { readonly value: unknown; readonly moved: ReadonlyArray<ArrayBuffer> } => {
  const moved: Array<ArrayBuffer> = []
  const sent = replaceLarge(value, (buffer) => {
    const copy = copied(buffer)
    // A view of a kind that is not known stays as it is.
    if (copy !== buffer) moved.push((ArrayBuffer.isView(copy) ? copy.buffer : copy) as ArrayBuffer)
    return copy
  })
  return { value: sent, moved }
}
