/**
 * When other cores pay: the same tasks on fibers, on two threads and in two processes, in one process, in interleaved rounds. Times are
 * lower quartiles of wall time, in microseconds a task.
 */
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Client from "skein/Client"
import * as Portable from "skein/Portable"
import { Processes } from "skein/processes"
import type * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import type * as Task from "skein/Task"
import { Threads } from "skein/threads"
import type * as Work from "./threads/cores.ts"
import { spin } from "./threads/cores.ts"

const module = Portable.module<typeof Work>()(new URL("./threads/cores.ts", import.meta.url))
const { giveBack, next } = module.tasks

/** What is measured: a name, the number of tasks, and each of them. The result of each is checked. */
interface Row {
  readonly name: string
  readonly tasks: number
  readonly task: (i: number) => Task.Task<unknown, unknown>
}

interface Backend {
  readonly name: string
  readonly run: (tasks: ReadonlyArray<Task.Task<unknown, unknown>>) => Promise<ReadonlyArray<unknown>>
  readonly close: () => Promise<void>
}

/** A row with a figure for each column, or `undefined` where the column does not apply. */
export type Measured = readonly [name: string, ...figures: ReadonlyArray<number | undefined>]

const open = async (
  name: string,
  workers: Layer.Layer<never, unknown, Scheduler.Scheduler>
): Promise<Backend> => {
  const runtime = ManagedRuntime.make(workers.pipe(Layer.provideMerge(Skein.layer())))
  await runtime.context()
  return {
    name,
    run: (tasks) => runtime.runPromise(Client.compute(tasks)),
    close: () => runtime.dispose()
  }
}

/** How many turns of `spin` take a microsecond here. */
const turnsInMicro = (): number => {
  const rates = Array.from({ length: 30 }, () => {
    const start = performance.now()
    spin(200_000)
    return 200 / (performance.now() - start)
  })
  return rates.toSorted((a, b) => a - b).at(-1)!
}

const quartile = (samples: ReadonlyArray<number>): number =>
  samples.toSorted((a, b) => a - b)[(samples.length - 1) >> 2]!

const interleaved = async (
  row: Row,
  contestants: ReadonlyArray<{ readonly backend: Backend; readonly task: Row["task"] }>,
  rounds: number
): Promise<ReadonlyArray<number>> => {
  const samples = contestants.map((): Array<number> => [])
  for (let round = -1; round < rounds; round++) {
    for (const [i, { backend, task }] of contestants.entries()) {
      globalThis.gc!()
      const tasks = Array.from({ length: row.tasks }, (_, i) => task(i))
      const start = performance.now()
      const values = await backend.run(tasks)
      // The first round is a rehearsal.
      if (round >= 0) samples[i]!.push((performance.now() - start) * 1000 / row.tasks)
      if (values.length !== row.tasks) throw new Error(`${row.name}, ${backend.name}: ${values.length} values`)
    }
  }
  return samples.map(quartile)
}

export const measure = async (isQuick: boolean): Promise<{
  readonly bodies: ReadonlyArray<Measured>
  readonly payloads: ReadonlyArray<Measured>
}> => {
  const fibers = await open("fibers", Layer.empty)
  const threads = await open("threads", Threads.layer({ size: 2, tasks: [module] }))
  const processes = await open("processes", Processes.layer({ size: 2, tasks: [module] }))
  const turns = turnsInMicro()
  const rounds = isQuick ? 3 : 9

  const bodies: Array<Measured> = []
  for (const [micros, tasks] of [[0, 5000], [5, 5000], [20, 2000], [100, 1000], [1000, 200], [10_000, 20]] as const) {
    const name = micros < 1000 ? `${micros} µs` : `${micros / 1000} ms`
    const task = (i: number): Task.Task<unknown> => module.tasks.spin(Math.round(micros * turns) + (i % 2))
    const contestants = [fibers, threads, processes].map((backend) => ({ backend, task }))
    bodies.push([name, ...await interleaved({ name, tasks, task }, contestants, rounds)])
  }

  const payloads: Array<Measured> = []
  for (const [kibibytes, tasks] of [[1, 1000], [64, 200], [1024, 20]] as const) {
    const name = kibibytes < 1024 ? `${kibibytes} KiB` : `${kibibytes / 1024} MiB`
    const numbers = (): Float64Array<ArrayBuffer> => new Float64Array(kibibytes * 128)
    const copied = (): Task.Task<unknown> => next(numbers())
    const contestants = [
      { backend: threads, task: copied },
      { backend: threads, task: () => giveBack(Portable.move(numbers())) },
      { backend: processes, task: copied }
    ]
    payloads.push([name, ...await interleaved({ name, tasks, task: copied }, contestants, rounds)])
  }
  for (const backend of [fibers, threads, processes]) await backend.close()
  return { bodies, payloads }
}
