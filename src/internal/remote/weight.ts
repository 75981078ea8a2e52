/**
 * An estimate of how much there is to copy of a value, from a bounded look at it.
 *
 * @internal
 */
import { isA, looked } from "../values/looks.ts"

/** Bytes from which a graph of objects is large. */
const large = 65_536

/** How many values a look takes in. Whatever holds more is large. */
const mostLooks = 512

/** How many entries of a longer collection are looked at: the others count as these do. */
const sampled = 16

/** How many fields of a record are looked at. */
const mostFields = 64

/**
 * Whether a value is large without its buffers. Its cost is bounded: of a collection of more than 16 entries only 16 are looked at,
 * evenly spread.
 */
export const isLarge = (value: unknown): boolean =>
  typeof value === "string" ? value.length >= large : isObject(value) && looked(() => new Look().isLarge(value), false)

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

class Look {
  private left = mostLooks

  isLarge(value: object): boolean {
    return this.weigh(value) >= large
  }

  /** The estimated bytes of a value; infinite if it has too many parts. */
  private weigh(value: unknown): number {
    if (typeof value === "string") return 8 + value.length
    if (!isObject(value)) return 8
    if (--this.left < 0) return Infinity
    // Buffers are copied as blocks, so their bytes cost little.
    if (ArrayBuffer.isView(value) || isA(value, ArrayBuffer) || isA(value, SharedArrayBuffer)) return 16
    if (Array.isArray(value)) return this.ofArray(value)
    if (isA(value, Map)) return 2 * this.ofFirst(value.entries(), value.size)
    if (isA(value, Set)) return this.ofFirst(value.values(), value.size)
    return this.ofRecord(value as Readonly<Record<string, unknown>>)
  }

  private ofArray(values: ReadonlyArray<unknown>): number {
    const { length } = values
    const count = Math.min(length, sampled)
    let sum = 0
    for (let i = 0; i < count && sum < Infinity; i++) sum += this.weigh(values[Math.floor(i * length / count)])
    return 16 + extrapolated(sum, count, length)
  }

  private ofFirst(values: Iterable<unknown>, size: number): number {
    let sum = 0
    let count = 0
    for (const value of values) {
      sum += this.weigh(value)
      if (++count === sampled || sum === Infinity) break
    }
    return 16 + extrapolated(sum, count, size)
  }

  private ofRecord(record: Readonly<Record<string, unknown>>): number {
    const keys = Object.keys(record)
    const count = Math.min(keys.length, mostFields)
    let sum = 0
    for (let i = 0; i < count && sum < Infinity; i++) sum += 8 + this.weigh(record[keys[i]!])
    return 16 + extrapolated(sum, count, keys.length)
  }
}

const extrapolated = (sum: number, count: number, length: number): number => count === 0 ? 0 : sum * length / count
