/** The bodies of `cores.ts`. */
import * as Portable from "skein/Portable"

/** Computes for so many turns, with one number as its input and one as its result. */
export const spin = (turns: number): number => {
  let x = turns
  for (let i = 0; i < turns; i++) x = (x * 1103515245 + 12345) % 2147483648
  return x
}

/** Touches each page of a buffer and returns it. */
export const next = (numbers: Float64Array): Float64Array => {
  for (let i = 0; i < numbers.length; i += 512) numbers[i]! += 1
  return numbers
}

/** The same, and gives the buffer away. */
export const giveBack = (numbers: Float64Array<ArrayBuffer>): Float64Array =>
  Portable.move(next(numbers) as typeof numbers)
