/** The bodies that every pool of threads runs. */
import { primes as countPrimes } from "../../../examples/primes.ts"

/** A task that costs nothing: what is measured is the way there and back. */
export const tiny = (x: number): number => x + 1

/** Keeps a core busy for a millisecond. */
export const millisecond = (x: number): number => {
  const end = performance.now() + 1
  while (performance.now() < end);
  return x
}

export const primes = ({ from, to }: { readonly from: number; readonly to: number }): number => countPrimes(from, to)

/** Adds one to each number of a large array, and gives the array back. */
export const next = (numbers: Float64Array): Float64Array => {
  for (let i = 0; i < numbers.length; i += 512) numbers[i]! += 1
  return numbers
}

export const endOf = (numbers: Float64Array, i: number): number => numbers.at(-1)! + i

const endOfPair = ([numbers, i]: readonly [Float64Array, number]): number => endOf(numbers, i)

export interface Row {
  readonly id: number
  readonly name: string
  readonly at: number
  readonly ok: boolean
  readonly tags: ReadonlyArray<string>
}

export const rows = (count: number): ReadonlyArray<Row> =>
  Array.from({ length: count }, (_, id) => ({ id, name: `name${id}`, at: id / 3, ok: true, tags: ["a", "b"] }))

export const lastOf = (rows: ReadonlyArray<Row>): number => rows.at(-1)!.id

/** What the pools of the peers take: one function, with the name of the body. */
const bodies = { tiny, millisecond, primes, next, endOfPair, rows, lastOf } as const

export interface Call {
  readonly body: keyof typeof bodies
  readonly x: any
}

const call = ({ body, x }: Call): unknown => bodies[body](x)

export default call
