/**
 * Recursion by tasks: fib(n), each call a task that launches two others, in the three ways in which a task can do so; beside
 * them the same number of independent tasks, and plain recursion with fibers and with promises.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { threadMicros } from "./processor.ts"

/** fib(n) without tasks. */
const answerOf = (n: number): number => n < 2 ? n : answerOf(n - 1) + answerOf(n - 2)

/** How often fib is called for fib(n). */
export const callsOf = (n: number): number => 2 * answerOf(n + 1) - 1

/** One way to come to fib(n); each call is one unit of work. */
export interface Way {
  readonly name: string
  /** Gives the answer, and the milliseconds of processor time that it took. */
  readonly run: (n: number, slots: number) => Promise<readonly [answer: number, millis: number]>
}

type Fib = Task.Task<number, any, Client.Client>

const leaf = (n: number): Fib => Task.make(Effect.succeed(n))

/** A graph instead of a result: no body waits. */
const byFlatMap = (n: number): Fib =>
  n < 2
    ? leaf(n)
    : Task.flatMap([], () => Task.map([byFlatMap(n - 1), byFlatMap(n - 2)], ([a, b]) => a + b)) as Fib

/** A computation inside a body, which waits for all of it. */
const byCompute = (n: number): Fib =>
  n < 2
    ? leaf(n)
    : Task.make(Effect.map(
      Effect.suspend(() => Client.compute([byCompute(n - 1), byCompute(n - 2)])),
      ([a, b]) => a + b
    ))

/** The same with leaves that run. */
const byComputeSync = (n: number): Fib =>
  n < 2
    ? Task.make(Effect.sync(() => n))
    : Task.make(Effect.map(
      Effect.suspend(() => Client.compute([byComputeSync(n - 1), byComputeSync(n - 2)])),
      ([a, b]) => a + b
    ))

/** The same with generators as bodies. */
const byComputeGen = (n: number): Fib => n < 2 ? leaf(n) : Task.make(Effect.suspend(() => computeBoth(n)))

const computeBoth = Effect.fnUntraced(function*(n: number) {
  const [a, b] = yield* Client.compute([byComputeGen(n - 1), byComputeGen(n - 2)])
  return a + b
})

/** Futures, each joined by itself. */
const byJoin = (n: number): Fib => n < 2 ? leaf(n) : Task.make(Effect.suspend(() => joinBoth(n))) as Fib

const joinBoth = Effect.fnUntraced(function*(n: number) {
  const a = yield* Client.submit(byJoin(n - 1))
  const b = yield* Client.submit(byJoin(n - 2))
  return (yield* Future.join(a)) + (yield* Future.join(b))
})

const processorTime = (): number => threadMicros() / 1000

const byTasks = (name: string, program: (n: number) => Effect.Effect<number, any, Client.Client>): Way => ({
  name,
  run: async (n, slots) => {
    const runtime = ManagedRuntime.make(Skein.layer({ concurrency: slots }))
    await runtime.context()
    const since = processorTime()
    const answer = await runtime.runPromise(program(n))
    const millis = processorTime() - since
    await runtime.dispose()
    return [answer, millis]
  }
})

/** Independent tasks, as many as fib is called; those of the leaves add up to the answer. */
const flat = (n: number): Effect.Effect<number, any, Client.Client> =>
  Effect.suspend(() => {
    const [answer, calls] = [answerOf(n), callsOf(n)]
    const tasks = Array.from({ length: calls }, (_, i) => leaf(i < answer ? 1 : 0))
    return Effect.map(Client.compute(tasks), (values) => values.reduce((a, b) => a + b, 0))
  })

const plain = (name: string, run: (n: number) => Promise<number>): Way => ({
  name,
  run: async (n) => {
    const since = processorTime()
    const answer = await run(n)
    return [answer, processorTime() - since]
  }
})

const fibers = (n: number): Effect.Effect<number> => n < 2 ? Effect.succeed(n) : forkBoth(n)

const forkBoth: (n: number) => Effect.Effect<number> = Effect.fnUntraced(function*(n: number) {
  const a = yield* Effect.forkChild(fibers(n - 1), { startImmediately: true })
  const b = yield* Effect.forkChild(fibers(n - 2), { startImmediately: true })
  return (yield* Fiber.join(a)) + (yield* Fiber.join(b))
})

const promises = async (n: number): Promise<number> => {
  if (n < 2) return n
  const [a, b] = await Promise.all([promises(n - 1), promises(n - 2)])
  return a + b
}

export const ways: ReadonlyArray<Way> = [
  byTasks("flatMap", (n) => Client.compute(byFlatMap(n))),
  byTasks("compute", (n) => Client.compute(byCompute(n))),
  byTasks("compute, Effect.sync", (n) => Client.compute(byComputeSync(n))),
  byTasks("compute, generators", (n) => Client.compute(byComputeGen(n))),
  byTasks("submit + join", (n) => Client.compute(byJoin(n))),
  byTasks("flat", flat),
  plain("fibers", (n) => Effect.runPromise(fibers(n))),
  plain("promises", promises)
]

/** Bytes of the heap a call of each way, in runs that are too small for a collection. */
export const bytesACall = async (): Promise<ReadonlyArray<number>> => {
  const [n, samples] = [12, 9]
  const bytes: Array<number> = []
  for (const way of ways) {
    const grown: Array<number> = []
    for (let i = 0; i < samples; i++) {
      globalThis.gc?.()
      const before = process.memoryUsage().heapUsed
      await way.run(n, 1)
      grown.push(process.memoryUsage().heapUsed - before)
    }
    // A collection gives less than nothing.
    const kept = grown.filter((each) => each > 0).toSorted((a, b) => a - b)
    bytes.push(kept[kept.length >> 1]! / callsOf(n))
  }
  return bytes
}

const rounds = 7
const rehearsals = 3

/** Lower quartiles of microseconds of processor time a call, by way, for each n and number of slots. Throws on a wrong answer. */
export const measure = async (
  sizes: ReadonlyArray<number>,
  slots: ReadonlyArray<number>
): Promise<ReadonlyArray<{ readonly n: number; readonly slots: number; readonly micros: ReadonlyArray<number> }>> => {
  const attempt = async (way: Way, n: number, slots: number): Promise<number> => {
    const [answer, millis] = await way.run(n, slots)
    if (answer !== answerOf(n)) throw new Error(`${way.name}: fib(${n}) is ${answerOf(n)}, not ${answer}`)
    return millis * 1000 / callsOf(n)
  }
  const cells = sizes.flatMap((n) => slots.map((slots) => ({ n, slots, samples: ways.map((): Array<number> => []) })))
  for (let round = 0; round < rounds; round++) {
    for (const { n, samples, slots } of cells) {
      for (const [i, way] of ways.entries()) {
        for (let j = 0; j < rehearsals; j++) await attempt(way, Math.min(n, 14), slots)
        samples[i]!.push(await attempt(way, n, slots))
      }
    }
  }
  const quartile = (samples: ReadonlyArray<number>): number => samples.toSorted((a, b) => a - b)[samples.length >> 2]!
  return cells.map(({ n, samples, slots }) => ({ n, slots, micros: samples.map(quartile) }))
}
