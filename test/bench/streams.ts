/**
 * Streams: microseconds of processor time an item, beside `Stream.mapEffect`, bare fibers and an async generator of promises. Rounds are
 * interleaved, and ratios are medians of pairs of one round.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"

export interface Way {
  readonly name: string
  readonly run: (items: Iterable<number>, window: number) => Promise<number>
}

const most = 4096
const runtime = ManagedRuntime.make(Skein.layer({ concurrency: most }))

const sum = <E>(stream: Stream.Stream<number, E, Client.Client>): Promise<number> =>
  runtime.runPromise(Stream.runFold(stream, () => 0, (total, n: number) => total + n))

export type Body = "sync" | "promise"

const bodyOf = (body: Body) =>
  body === "sync"
    ? (n: number) => Effect.sync(() => n + 1)
    : (n: number) => Effect.promise(() => Promise.resolve(n + 1))

const mapped = (body: Body, unordered: boolean): Way["run"] => (items, concurrency) =>
  sum(Stream.fromIterable(items, { chunkSize: 1 }).pipe(Stream.mapEffect(bodyOf(body), { concurrency, unordered })))

const streamed = (body: Body, unordered: boolean): Way["run"] => (items, outstanding) =>
  sum(Client.stream(items, bodyOf(body), { outstanding, unordered }))

/** What p-map's iterable does, in as much time: a window of calls, whose results are read in order. */
async function* windowed<A, B>(items: Iterable<A>, f: (item: A) => Promise<B>, window: number): AsyncIterable<B> {
  const open: Array<Promise<B>> = []
  const call = async (item: A) => f(await item)
  for (const item of items) {
    if (open.length === window) yield await open.shift()!
    open.push(call(item))
  }
  for (const each of open) yield await each
}

const promises: Way["run"] = async (items, window) => {
  let total = 0
  for await (const n of windowed(items, (n) => Promise.resolve(n + 1), window)) total += n
  return total
}

/** A bare fiber for each item, in a window: the least that any scheduler of effects pays. */
const fibers: Way["run"] = (items, window) =>
  new Promise((resolve) => {
    const left = items[Symbol.iterator]()
    const body = bodyOf("promise")
    let total = 0
    let open = 0
    const launch = (): void => {
      const { done, value } = left.next()
      if (done === true) {
        if (open === 0) resolve(total)
        return
      }
      open++
      Effect.runFork(body(value)).addObserver((exit) => {
        open--
        total += Exit.isSuccess(exit) ? exit.value : NaN
        launch()
      })
    }
    for (let n = 0; n < window; n++) launch()
  })

export const waysOf = (body: Body): ReadonlyArray<Way> => [
  { name: "mapEffect, unordered, chunks of one", run: mapped(body, true) },
  { name: "mapEffect, ordered, chunks of one", run: mapped(body, false) },
  {
    name: "mapEffect, unordered",
    run: (items, concurrency) =>
      sum(Stream.fromIterable(items).pipe(Stream.mapEffect(bodyOf(body), { concurrency, unordered: true })))
  },
  { name: "stream, unordered", run: streamed(body, true) },
  { name: "stream, ordered", run: streamed(body, false) },
  {
    name: "forEach, all at once",
    run: (items) =>
      runtime.runPromise(
        Effect.map(Client.forEach(items, bodyOf(body)), (all) => all.reduce((total, n) => total + n, 0))
      )
  },
  ...body === "sync" ? [] : [
    { name: "bare fibers", run: fibers },
    { name: "a window of promises", run: promises }
  ]
]

function* numbers(count: number) {
  for (let n = 0; n < count; n++) yield n
}

const processorMicros = (): number => {
  const { system, user } = process.cpuUsage()
  return user + system
}

const median = (samples: ReadonlyArray<number>): number => samples.toSorted((a, b) => a - b)[samples.length >> 1]!

/** Microseconds of processor time an item in each round, by way. Throws on a wrong answer. */
const roundsOf = async (
  ways: ReadonlyArray<Way>,
  count: number,
  window: number,
  rounds: number
): Promise<ReadonlyArray<ReadonlyArray<number>>> => {
  const samples = ways.map((): Array<number> => [])
  for (let round = -2; round < rounds; round++) {
    for (const [i, { name, run }] of ways.entries()) {
      const since = processorMicros()
      const answer = await run(numbers(count), window)
      const micros = processorMicros() - since
      if (answer !== count * (count + 1) / 2) throw new Error(`${name}: ${answer}`)
      // The first rounds are rehearsals.
      if (round >= 0) samples[i]!.push(micros / count)
    }
  }
  return samples
}

export interface Row {
  readonly name: string
  readonly micros: number
  /** Medians of the ratios to each base, of pairs in one round. */
  readonly ratios: ReadonlyArray<number>
}

export const compare = async (
  ways: ReadonlyArray<Way>,
  bases: ReadonlyArray<string>,
  count: number,
  window: number,
  rounds: number
): Promise<ReadonlyArray<Row>> => {
  const samples = await roundsOf(ways, count, window, rounds)
  const of = (name: string) => samples[ways.findIndex((way) => way.name === name)]!
  return ways.map(({ name }, i) => ({
    name,
    micros: median(samples[i]!),
    ratios: bases.map((base) => median(samples[i]!.map((each, round) => each / of(base)[round]!)))
  }))
}

/** Ends that come one by one, each in a turn of the event loop of its own. */
const oneByOne = (): (n: number) => Effect.Effect<number> => {
  const parked: Array<() => void> = []
  let isOn = false
  const tick = (): void => {
    const next = parked.shift()
    isOn = next !== undefined
    if (next === undefined) return
    next()
    setImmediate(tick)
  }
  return (n) =>
    Effect.callback((resume) => {
      parked.push(() => resume(Effect.succeed(n + 1)))
      if (isOn) return
      isOn = true
      setImmediate(tick)
    })
}

export const waysOneByOne: ReadonlyArray<Way> = [
  {
    name: "mapEffect, unordered",
    run: (items, concurrency) =>
      sum(Stream.fromIterable(items).pipe(Stream.mapEffect(oneByOne(), { concurrency, unordered: true })))
  },
  ...[true, false].map((unordered): Way => ({
    name: `stream, ${unordered ? "unordered" : "ordered"}`,
    run: (items, outstanding) => sum(Client.stream(items, oneByOne(), { outstanding, unordered }))
  }))
]

/** Several items in a task, of bodies that cost less than one. */
export const waysInBatches: ReadonlyArray<Way> = [1, 4, 16, 64].map((batch) => ({
  name: `batch: ${batch}`,
  run: (items, outstanding) =>
    sum(Client.stream(items, (n: number) => Effect.succeed(n + 1), { batch, outstanding, unordered: true }))
}))

/** Futures of tasks that end together, of which the results are read as they end, and dropped. */
export const completed: Way = {
  name: "asCompleted, with join and release",
  run: (items) =>
    runtime.runPromise(Effect.scoped(Effect.gen(function*() {
      const futures = yield* Client.submitAll(Array.from(items, (n) => Task.make(bodyOf("sync")(n))))
      return yield* Client.asCompleted(futures, { release: true }).pipe(
        Stream.mapEffect(Future.join),
        Stream.runFold(() => 0, (total, n) => total + n)
      )
    })))
}

/** The same with futures that are added as others end, a hundred open at a time. */
export const addedMeanwhile: Way = {
  name: "completions, added meanwhile",
  run: (items) =>
    runtime.runPromise(Effect.scoped(Effect.gen(function*() {
      const left = items[Symbol.iterator]()
      const ends = yield* Client.completions<Future.Future<number>>([], { release: true })
      const addMore = (count: number) =>
        Effect.gen(function*() {
          const tasks: Array<Task.Task<number>> = []
          while (tasks.length < count) {
            const { done, value } = left.next()
            if (done === true) break
            tasks.push(Task.make(bodyOf("sync")(value)))
          }
          yield* ends.add(...yield* Client.submitAll(tasks))
        })
      yield* addMore(100)
      return yield* ends.stream.pipe(
        Stream.runFoldEffect(() => 0, (total, future) =>
          Effect.andThen(addMore(1), Effect.map(Future.join(future), (n) => total + n)))
      )
    })))
}

export const submitted: Way = {
  name: "submitAll and joinAll",
  run: (items) =>
    runtime.runPromise(Effect.scoped(Effect.gen(function*() {
      const futures = yield* Client.submitAll(Array.from(items, (n) => Task.make(bodyOf("sync")(n))))
      return (yield* Future.joinAll(futures)).reduce((total, n) => total + n, 0)
    })))
}

/** The bytes of the heap after each tenth of a stream of items that are made lazily; `beside`: while another task stays live. */
export const heaps = (count: number, beside: boolean): Promise<ReadonlyArray<number>> => {
  const after: Array<number> = []
  let seen = 0
  const program = Effect.gen(function*() {
    if (beside) yield* Client.submit(Task.make(Effect.never))
    yield* Client.stream(numbers(count), (n) => Effect.sync(() => n + 1), { outstanding: 64 }).pipe(
      Stream.runForEachArray((chunk) =>
        Effect.sync(() => {
          const tenths = Math.floor(10 * (seen + chunk.length) / count)
          const isNext = tenths > Math.floor(10 * seen / count)
          seen += chunk.length
          if (!isNext) return
          globalThis.gc!()
          after.push(process.memoryUsage().heapUsed)
        })
      )
    )
    return after
  })
  return Effect.runPromise(Effect.scoped(program).pipe(Effect.provide(Skein.layer({ concurrency: 8 }))))
}

export const close = (): Promise<void> => runtime.dispose()
