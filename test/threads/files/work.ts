/** Functions that run in threads and processes. */
import { Effect } from "effect"
import { appendFileSync, existsSync } from "node:fs"
import { threadId } from "node:worker_threads"

export const double = (n: number): number => 2 * n

export const place = (): string => `${process.pid}:${threadId}`

export const sizeOf = (bytes: Uint8Array): number => bytes.byteLength

export const wait = (millis: number): Effect.Effect<string> => Effect.as(Effect.sleep(millis), "waited")

/** Computes for ever, after it has said so in a file. */
export const spin = (file: string): number => {
  appendFileSync(file, "begun\n")
  for (;;) if (Math.sqrt(2) < 1) return 0
}

/** Waits for ever, without a turn of the event loop, after it has said so in a file. */
export const stall = (file: string): string => {
  appendFileSync(file, "begun\n")
  return Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

/** Ends its thread or process, unless the file says that it did so before. */
export const dieOnce = (file: string): string => {
  if (existsSync(file)) return "again"
  appendFileSync(file, "begun\n")
  process.exit(3)
}

export interface Row {
  readonly id: number
  readonly name: string
}

export const rows = (count: number): ReadonlyArray<Row> =>
  Array.from({ length: count }, (_, id) => ({ id, name: `row ${id}` }))

export const lastOf = (rows: ReadonlyArray<Row>, plus: number): number => rows.at(-1)!.id + plus

/** What a body sees of a large array: whether its memory is shared, and the first and the last number. */
export const ends = (view: Float64Array, _: number): ReadonlyArray<boolean | number> => [
  view.buffer instanceof SharedArrayBuffer,
  view[0]!,
  view.at(-1)!
]

const table = new Float64Array(50_000).fill(4)

/** An array that this thread keeps. */
export const kept = (): Float64Array => table

export const exit = (): void => process.exit(3)

export const fault = (): void => void process.kill(process.pid, "SIGSEGV")

/** Counts its runs in memory that all threads share. */
export const counted = (runs: Int32Array, own: number, inputs: ReadonlyArray<number>): number => {
  Atomics.add(runs, own, 1)
  return inputs.reduce((total, value) => (total * 31 + value) % 1_000_003, own)
}

/** Computes for ever, after it has said so in shared memory. */
export const spinAloud = (words: Int32Array): number => {
  Atomics.store(words, 0, 1)
  Atomics.notify(words, 0)
  for (;;) if (Math.sqrt(2) < 1) return 0
}
