/** Pools of threads behind one face: a promise for a call. */
import { fileURLToPath } from "node:url"
import { Worker } from "node:worker_threads"
import { Piscina } from "piscina"
import { FixedThreadPool } from "poolifier"
import { Tinypool } from "tinypool"
import workerpool from "workerpool"
import type { Call } from "./work.ts"

export interface Pool {
  readonly name: string
  readonly run: (call: Call) => Promise<unknown>
  readonly close: () => Promise<unknown>
}

const fileOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** Bare threads. Calls of one turn travel as one message, half of them to each thread. */
const floor = async (threads: number): Promise<Pool> => {
  const workers = Array.from({ length: threads }, () => new Worker(fileOf("floor.ts")))
  await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once("online", resolve))))
  const waiting: Array<(value: unknown) => void> = []
  let calls: Array<Call> = []
  const flush = (): void => {
    const first = waiting.length - calls.length
    const each = Math.ceil(calls.length / threads)
    for (let i = 0; i < threads && i * each < calls.length; i++) {
      workers[i]!.postMessage([first + i * each, calls.slice(i * each, (i + 1) * each)])
    }
    calls = []
  }
  for (const worker of workers) {
    worker.on("message", ([first, values]: readonly [number, ReadonlyArray<unknown>]) => {
      values.forEach((value, i) => waiting[first + i]!(value))
    })
  }
  return {
    name: "floor",
    run: (call) =>
      new Promise((resolve) => {
        if (calls.length === 0) queueMicrotask(flush)
        calls.push(call)
        waiting.push(resolve)
      }),
    close: () => Promise.all(workers.map((worker) => worker.terminate()))
  }
}

/** A bare thread to which an array is moved, and which moves it back. */
export const openMover = async () => {
  const worker = new Worker(fileOf("mover.ts"))
  await new Promise((resolve) => worker.once("online", resolve))
  return {
    run: (numbers: Float64Array<ArrayBuffer>): Promise<Float64Array<ArrayBuffer>> =>
      new Promise((resolve) => {
        worker.once("message", resolve)
        worker.postMessage(numbers, [numbers.buffer])
      }),
    close: () => worker.terminate()
  }
}

const piscina = (threads: number): Pool => {
  const pool = new Piscina({ filename: fileOf("work.ts"), minThreads: threads, maxThreads: threads })
  return { name: "piscina", run: (call) => pool.run(call), close: () => pool.destroy() }
}

/** Piscina with 16 calls at once in each thread, its fastest setting here. */
const piscina16 = (threads: number): Pool => {
  const pool = new Piscina({
    filename: fileOf("work.ts"),
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker: 16
  })
  return { name: "piscina x16", run: (call) => pool.run(call), close: () => pool.destroy() }
}

const tinypool = (threads: number): Pool => {
  const pool = new Tinypool({ filename: fileOf("work.ts"), minThreads: threads, maxThreads: threads })
  return { name: "tinypool", run: (call) => pool.run(call), close: () => pool.destroy() }
}

const workerpoolOf = (threads: number): Pool => {
  const pool = workerpool.pool(fileOf("workerpool.ts"), {
    minWorkers: threads,
    maxWorkers: threads,
    workerType: "thread"
  })
  return {
    name: "workerpool",
    run: (call) => Promise.resolve(pool.exec("call", [call])),
    close: () => Promise.resolve(pool.terminate())
  }
}

const poolifier = (threads: number): Pool => {
  const pool = new FixedThreadPool(threads, fileOf("poolifier.ts"))
  return { name: "poolifier", run: (call) => pool.execute(call), close: () => pool.destroy() }
}

export const open = async (threads: number): Promise<ReadonlyArray<Pool>> => [
  await floor(threads),
  piscina(threads),
  piscina16(threads),
  tinypool(threads),
  workerpoolOf(threads),
  poolifier(threads)
]
