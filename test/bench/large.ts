/**
 * Large values: what they cost on their way to threads and back, beside a clone, in interleaved rounds. Wall time for buffers;
 * processor time of the main thread alone for graphs of objects, which no neighbour disturbs.
 */
import * as Portable from "skein/Portable"
import * as Task from "skein/Task"
import { threadMicros } from "./processor.ts"
import type { Measured } from "./threads.ts"
import * as pools from "./threads/pools.ts"
import * as skein from "./threads/skein.ts"

export interface Contestant {
  readonly name: string
  /** Returns the last value. */
  readonly run: () => Promise<unknown>
}

const quartile = (samples: ReadonlyArray<number>): number =>
  samples.toSorted((a, b) => a - b)[(samples.length - 1) >> 2]!

const wall = (): number => performance.now() * 1000

/** The lower quartile of each contestant by this clock, in interleaved rounds. */
export const interleaved = async (
  contestants: ReadonlyArray<Contestant>,
  rounds: number,
  now: () => number
): Promise<Measured["figures"]> => {
  const samples = contestants.map((): Array<number> => [])
  for (let round = -1; round < rounds; round++) {
    for (const [i, { run }] of contestants.entries()) {
      globalThis.gc!()
      const start = now()
      await run()
      // The first round is a rehearsal.
      if (round >= 0) samples[i]!.push(now() - start)
    }
  }
  return contestants.map(({ name }, i) => [name, quartile(samples[i]!)])
}

const expect = (what: string, found: unknown, expected: unknown): void => {
  if (found !== expected) throw new Error(`${what}: ${String(found)}, not ${String(expected)}`)
}

const megabytes = 64
const length = megabytes * 131_072
const records = 30_000

export const measureLarge = async (isQuick: boolean): Promise<ReadonlyArray<Measured>> => {
  const runner = await skein.open(2)
  const [floor, ...unused] = await pools.open(2)
  await Promise.all(unused.map((pool) => pool.close()))
  const mover = await pools.openMover()
  // Threads that copy leave garbage, which others would pay for.
  const copying = await skein.open(2)
  const rounds = isQuick ? 3 : 9
  const { endOf, lastOf, next, rows } = skein.work
  const own = new Float64Array(length)
  let moved = new Float64Array(length)
  let bare = new Float64Array(length)
  const shared = new Float64Array(new SharedArrayBuffer(8 * length))
  let most = 0
  /** Runs with the growth of buffers of this thread noted. */
  const grown = async (run: () => Promise<void>): Promise<void> => {
    const before = process.memoryUsage().arrayBuffers
    await run()
    most = Math.max(most, process.memoryUsage().arrayBuffers - before)
  }
  const buffers = await interleaved(
    [
      {
        name: "Skein, Portable.move",
        run: () =>
          grown(async () => {
            const [back] = await runner.compute([skein.nextMoved(Portable.move(moved))])
            expect("The moved array", back!.length, length)
            moved = back as Float64Array<ArrayBuffer>
          })
      },
      {
        name: "floor, moved",
        run: async () => {
          bare = await mover.run(bare)
          expect("The array that bare threads move", bare.length, length)
        }
      },
      {
        name: "Skein, shared memory",
        run: () =>
          grown(async () => {
            const [back] = await runner.compute([next(shared)])
            expect("The shared array", back!.length, length)
          })
      },
      {
        name: "Skein, an array as it is",
        run: async () => {
          const [back] = await copying.compute([next(own)])
          expect("The array", back!.length, length)
        }
      },
      {
        name: "floor, a clone",
        run: async () => {
          const back = await floor!.run({ body: "next", x: own }) as Float64Array
          expect("The clone", back.length, length)
        }
      }
    ],
    rounds,
    wall
  )
  if (most >= 1024 * 1024) throw new Error(`Buffers grew by ${most} bytes while arrays were moved or shared`)
  const several = await interleaved(
    [
      {
        name: "Skein",
        run: async () => void await runner.compute([0, 1, 2, 3, 4, 5, 6, 7].map((i) => endOf(own, i)))
      },
      {
        name: "floor, clones",
        run: async () =>
          void await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map((i) => floor!.run({ body: "endOfPair", x: [own, i] })))
      }
    ],
    isQuick ? 2 : 5,
    wall
  )
  const objects = await interleaved(
    [
      {
        name: "Skein, thread to thread",
        run: async () => {
          const [last] = await runner.compute([lastOf(rows(records))])
          expect("The last of the records", last, records - 1)
        }
      },
      {
        name: "Skein, the same with 10 records",
        run: async () => void await runner.compute([lastOf(rows(10))])
      },
      {
        name: "Skein, read here",
        run: async () => {
          const [last] = await runner.compute([Task.map(rows(records), (rows) => rows.at(-1)!.id)])
          expect("The last of the records", last, records - 1)
        }
      },
      {
        name: "floor, clones",
        run: async () => {
          const made = await floor!.run({ body: "rows", x: records })
          expect("The last of the records", await floor!.run({ body: "lastOf", x: made }), records - 1)
        }
      }
    ],
    rounds,
    threadMicros
  )
  await Promise.all([runner.close(), copying.close(), floor!.close(), mover.close()])
  const growth = `While arrays were moved or shared, buffers of the main thread grew by ${
    Math.max(0, most)
  } bytes at most.`
  return [
    { title: `${megabytes} MiB to a thread and back`, note: `Wall time. ${growth}`, figures: buffers },
    { title: `${megabytes} MiB that eight tasks take`, note: "Wall time of all eight.", figures: several },
    { title: `${records.toLocaleString("en")} records`, note: "Processor time of the main thread.", figures: objects }
  ]
}
