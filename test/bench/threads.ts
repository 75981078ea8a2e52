/**
 * Threads: Skein beside bare threads and the peers, in one process, in interleaved rounds. Times are lower quartiles of wall time;
 * compare ratios within one run. With other work on the cores bare threads are late too.
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel"
import type { Worker } from "node:worker_threads"
import * as pools from "./threads/pools.ts"
import * as skein from "./threads/skein.ts"
import { Tiny } from "./threads/tasks.ts"
import type { Call } from "./threads/work.ts"

/** One contestant of a bench. */
interface Contestant {
  readonly name: string
  /** Returns the last value. */
  readonly run: () => Promise<unknown>
}

/** A table: a title, a note, and for each contestant its figure. */
export interface Measured {
  readonly title: string
  readonly note: string
  readonly figures: ReadonlyArray<readonly [name: string, micros: number]>
}

const quartile = (samples: ReadonlyArray<number>): number =>
  samples.toSorted((a, b) => a - b)[(samples.length - 1) >> 2]!

const interleaved = async (
  contestants: ReadonlyArray<Contestant>,
  rounds: number,
  expected: unknown,
  each: number
): Promise<Measured["figures"]> => {
  const samples = contestants.map((): Array<number> => [])
  for (let round = -1; round < rounds; round++) {
    for (const [i, { name, run }] of contestants.entries()) {
      globalThis.gc!()
      const start = performance.now()
      const last = await run()
      // The first round is a rehearsal.
      if (round >= 0) samples[i]!.push((performance.now() - start) * 1000 / each)
      if (last !== expected) throw new Error(`${name}: ${String(last)}, not ${String(expected)}`)
    }
  }
  return contestants.map(({ name }, i) => [name, quartile(samples[i]!)])
}

/** The threads that start meanwhile. */
const threadsIn = async <A>(open: () => Promise<A>): Promise<readonly [A, ReadonlyArray<Worker>]> => {
  const workers: Array<Worker> = []
  const note = (message: unknown): void => void workers.push((message as { readonly worker: Worker }).worker)
  subscribe("worker_threads", note)
  const opened = await open()
  unsubscribe("worker_threads", note)
  return [opened, workers]
}

/** The share of the time that the least busy of some threads is at work during a run: the middle one of some runs. */
const utilization = async (workers: ReadonlyArray<Worker>, run: () => Promise<unknown>): Promise<number> => {
  const least: Array<number> = []
  for (let round = 0; round < 5; round++) {
    const before = workers.map(({ performance }) => performance.eventLoopUtilization())
    await run()
    const shares = workers.map(({ performance }, i) => performance.eventLoopUtilization(before[i]).utilization)
    least.push(Math.min(...shares))
  }
  return least.toSorted((a, b) => a - b)[2]!
}

const figureOf = (measured: Measured["figures"], name: string): number => measured.find(([each]) => each === name)![1]

const range = (n: number): ReadonlyArray<number> => Array.from({ length: n }, (_, i) => i)

const allAtOnce = (pool: pools.Pool, n: number, call: (i: number) => Call): Contestant => ({
  name: pool.name,
  run: async () => (await Promise.all(range(n).map((i) => pool.run(call(i))))).at(-1)
})

const graph = (name: string, runner: skein.Runner, n: number, task: (i: number) => any): Contestant => ({
  name,
  run: async () => (await runner.compute(range(n).map(task))).at(-1)
})

export const measure = async (threads: number, isQuick: boolean): Promise<ReadonlyArray<Measured>> => {
  const [runner, workers] = await threadsIn(() => skein.open(threads))
  const others = await pools.open(threads)
  const [floor] = others
  const single = await skein.open(1)
  const [bareSingle, ...unused] = await pools.open(1)
  await Promise.all(unused.map((pool) => pool.close()))
  const rounds = isQuick ? 3 : 9
  const many = 10_000
  const few = 300
  const { millisecond, primes, tiny } = skein.work
  const slice = (i: number) => ({ from: i * 20_000, to: (i + 1) * 20_000 })
  const slices = 60

  const tinies = await interleaved(
    [
      ...others.map((pool) => allAtOnce(pool, many, (x) => ({ body: "tiny", x }))),
      graph("Skein", runner, many, (i) => tiny(i)),
      graph("Skein, schemas", runner, many, (i) => Tiny(i)),
      graph("Skein, fibers", runner, many, (i) => skein.tinyFiber(i))
    ],
    rounds,
    many,
    many
  )
  const singly = await interleaved(
    [
      ...others.map((pool): Contestant => ({
        name: pool.name,
        run: async () => {
          let last: unknown
          for (let x = 0; x < few; x++) last = await pool.run({ body: "tiny", x })
          return last
        }
      })),
      {
        name: "Skein",
        run: async () => {
          let last: unknown
          for (let x = 0; x < few; x++) [last] = await runner.compute([tiny(x)])
          return last
        }
      }
    ],
    rounds,
    few,
    few
  )
  const streamed = await interleaved(
    [1, 4, 16, 64].map((batch): Contestant => ({
      name: batch === 1 ? "Skein" : `Skein, batch: ${batch}`,
      run: () => runner.stream(range(many).map((i) => tiny(i)), batch)
    })),
    rounds,
    many,
    many
  )
  const busy = await interleaved(
    [
      ...others.map((pool) => allAtOnce(pool, few, (x) => ({ body: "millisecond", x }))),
      graph("Skein", runner, few, (i) => millisecond(i))
    ],
    rounds,
    few - 1,
    few
  )
  const share = await utilization(workers, () => runner.compute(range(few).map((i) => millisecond(i))))
  const last = await bareSingle!.run({ body: "primes", x: slice(slices - 1) })
  const scaled = await interleaved(
    [
      { ...allAtOnce(floor!, slices, (i) => ({ body: "primes", x: slice(i) })), name: `floor, ${threads} threads` },
      { ...allAtOnce(bareSingle!, slices, (i) => ({ body: "primes", x: slice(i) })), name: "floor, 1 thread" },
      graph(`Skein, ${threads} threads`, runner, slices, (i) => primes(slice(i))),
      graph("Skein, 1 thread", single, slices, (i) => primes(slice(i)))
    ],
    rounds,
    last,
    slices
  )
  const speedUp = (of: string): number =>
    figureOf(scaled, `${of}, 1 thread`) / figureOf(scaled, `${of}, ${threads} threads`)
  const [bareUp, ownUp] = [speedUp("floor"), speedUp("Skein")]
  const ups = `${threads} threads are ${bareUp.toFixed(2)} times as fast as one bare, ${
    ownUp.toFixed(2)
  } times with Skein`
  await Promise.all([runner.close(), single.close()])
  // Not every peer says that it has closed.
  const closed = Promise.all([...others, bareSingle!].map((pool) => pool.close()))
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 2000))])
  return [
    { title: `${many.toLocaleString("en")} tiny tasks on ${threads} threads`, note: "All at once.", figures: tinies },
    { title: "Tiny tasks one at a time", note: "Each is awaited before the next.", figures: singly },
    {
      title: `${many.toLocaleString("en")} tiny items of a stream, in batches`,
      note: "So many items in a task, at most 1,024 taken and not used.",
      figures: streamed
    },
    {
      title: "Bodies of a millisecond",
      note: `${few} of them at once; 500 is the ideal of two cores. Skein's threads are busy for ${
        (100 * share).toFixed(0)
      }% of the time.`,
      figures: busy
    },
    {
      title: "Counting primes",
      note: `${slices} slices of the numbers to 1.2 million. ${ups}: ${(ownUp / bareUp).toFixed(2)} of that.`,
      figures: scaled
    }
  ]
}
