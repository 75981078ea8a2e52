/**
 * Buffers that a user gives away: they are moved to another thread, not copied.
 *
 * @internal
 */
import { isA, looked } from "../values/looks.ts"

const given = new WeakSet<ArrayBuffer>()

/** Whether the mark is used at all, so that other programs do not pay for it. */
let isAnyGiven = false

/**
 * Marks a buffer as given away, and returns it. A view of a part becomes a copy of that part, for a move would empty the whole
 * buffer, of which others may have views.
 */
export const give = <A extends ArrayBuffer | ArrayBufferView>(buffer: A): A => {
  const whole = ArrayBuffer.isView(buffer) ? wholeView(buffer) : buffer
  const bytes: ArrayBufferLike = ArrayBuffer.isView(whole) ? whole.buffer : whole
  // Shared memory is never copied.
  if (!isA(bytes, ArrayBuffer)) return buffer
  given.add(bytes)
  isAnyGiven = true
  return whole as A
}

const wholeView = (view: ArrayBufferView): ArrayBufferView => {
  const { buffer, byteLength, byteOffset } = view
  if (!isA(buffer, ArrayBuffer) || byteLength === buffer.byteLength) return view
  const part = buffer.slice(byteOffset, byteOffset + byteLength)
  // A Buffer of Node, which is most often a part of a pool, arrives as the array that it is.
  const type = isA(view, Uint8Array) ? Uint8Array : view.constructor as new(buffer: ArrayBuffer) => ArrayBufferView
  return new type(part)
}

export const isGiven = (buffer: ArrayBuffer): boolean => isAnyGiven && given.has(buffer)

/** The marked buffers in a value that is about to be sent. */
export const givenIn = (value: unknown): ReadonlyArray<ArrayBuffer> =>
  // What cannot be looked at cannot be cloned either, and the clone says so.
  isAnyGiven ? looked(() => buffersIn(value), []).filter(isGiven) : []

/** All buffers in plain data: in arrays, records, maps and sets. */
export const buffersIn = (value: unknown): ReadonlyArray<ArrayBuffer> => {
  const seen = new Set<unknown>()
  const found: Array<ArrayBuffer> = []
  const stack = [value]
  while (stack.length > 0) {
    const next = stack.pop()
    if (typeof next !== "object" || next === null || seen.has(next)) continue
    seen.add(next)
    if (ArrayBuffer.isView(next)) stack.push(next.buffer)
    else if (isA(next, ArrayBuffer)) found.push(next)
    else if (isA(next, Map)) {
      for (const [key, value] of next) stack.push(key, value)
    } else if (isA(next, Set) || Array.isArray(next)) {
      for (const value of next as Iterable<unknown>) if (typeof value === "object") stack.push(value)
    } else for (const value of Object.values(next)) stack.push(value)
  }
  return found
}
