/**
 * The submission of one graph: how long it takes, and the longest time for which timers and I/O had no turn meanwhile. Beside it
 * the same submission in one piece, in interleaved rounds.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Scope from "effect/Scope"
import { PerformanceObserver } from "node:perf_hooks"
import * as Client from "skein/Client"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { Pieces } from "../../src/internal/settings/turn.ts"
import { slots } from "./contestant.ts"
import { threadMicros } from "./processor.ts"
import { make } from "./shapes.ts"
import type { Graph, ShapeName } from "./shapes.ts"
import { build, targetsOf } from "./skein.ts"

export interface Submission {
  /** Microseconds of processor time a task. */
  readonly micros: number
  /** Milliseconds of the longest block of the event loop. */
  readonly block: number
  /** The same without garbage collections: of a heap with a million tasks, one takes longer than any step of ours. */
  readonly own: number
}

/** A task over a table, in microseconds. */
export interface TableInput {
  readonly name: string
  readonly micros: number
}

const layer = Skein.layer({ concurrency: slots })

const ways = {
  turns: ManagedRuntime.make(layer),
  atOnce: ManagedRuntime.make(
    Layer.provide(layer, Layer.succeed(Pieces, { atOnce: Infinity, steps: 2048, perTurn: 128 }))
  )
}

export type Way = keyof typeof ways

const cpu = (): number => threadMicros() / 1000

/** Garbage collections of this thread: when they began, and how long they took, in milliseconds of the wall clock. */
const collections: Array<{ readonly at: number; readonly millis: number }> = []

new PerformanceObserver((list) => {
  for (const { duration, startTime } of list.getEntries()) collections.push({ at: startTime, millis: duration })
}).observe({ entryTypes: ["gc"] })

/** Measures the work between turns of the event loop. */
const heartbeat = () => {
  const beats: Array<{ readonly from: number; readonly to: number; readonly millis: number }> = []
  let isOver = false
  let last = cpu()
  let from = performance.now()
  const beat = (): void => {
    const [now, to] = [cpu(), performance.now()]
    beats.push({ from, to, millis: now - last })
    last = now
    from = to
    if (!isOver) setImmediate(beat)
  }
  setImmediate(beat)
  return async (): Promise<Pick<Submission, "block" | "own">> => {
    isOver = true
    await new Promise((resolve) => setImmediate(resolve))
    // The observer is told later.
    await new Promise((resolve) => setTimeout(resolve, 20))
    const own = beats.map(({ from, millis, to }) => {
      const inBlock = collections.filter(({ at }) => at >= from && at < to)
      return millis - inBlock.reduce((sum, each) => sum + each.millis, 0)
    })
    collections.length = 0
    return { block: Math.max(...beats.map(({ millis }) => millis)), own: Math.max(...own) }
  }
}

const submitOnce = async (way: Way, graph: Graph): Promise<Submission> => {
  const runtime = ways[way]
  await runtime.context()
  const targets = targetsOf(graph, build(graph, "sync"))
  if (graph.size > 20_000) globalThis.gc!()
  const scope = Scope.makeUnsafe()
  await new Promise((resolve) => setImmediate(resolve))
  const stop = heartbeat()
  const began = cpu()
  let spent = 0
  const submitted = Effect.tap(Client.submitAll(targets), () => Effect.sync(() => spent = cpu() - began))
  await runtime.runPromise(Effect.provideContext(submitted, Context.make(Scope.Scope, scope)))
  const blocks = await stop()
  await runtime.runPromise(Scope.close(scope, await runtime.runPromiseExit(Effect.void)))
  return { micros: spent * 1000 / graph.size, ...blocks }
}

const quartile = (samples: ReadonlyArray<number>): number =>
  samples.toSorted((a, b) => a - b)[(samples.length - 1) >> 2]!

/** Lower quartiles of the time, and the median of the longest blocks. */
export const measure = async (
  shape: ShapeName,
  size: number,
  rounds: number
): Promise<Readonly<Record<Way, Submission>>> => {
  const graph = make(shape, size)
  const samples: Record<Way, Array<Submission>> = { turns: [], atOnce: [] }
  for (let round = -1; round < rounds; round++) {
    for (const way of ["turns", "atOnce"] as const) {
      const sample = await submitOnce(way, graph)
      // The first round is a rehearsal.
      if (round >= 0) samples[way].push(sample)
    }
  }
  const median = (way: Way, name: "block" | "own"): number =>
    samples[way].map((sample) => sample[name]).toSorted((a, b) => a - b)[samples[way].length >> 1]!
  const summary = (way: Way): Submission => ({
    micros: quartile(samples[way].map(({ micros }) => micros)),
    block: median(way, "block"),
    own: median(way, "own")
  })
  return { turns: summary("turns"), atOnce: summary("atOnce") }
}

/** What it costs to make a task whose input is a table of 10,000 rows, beside a plain loop over all its values. */
export const measureTables = (rounds: number): ReadonlyArray<TableInput> => {
  const table = () =>
    Array.from({ length: 10_000 }, (_, i) => ({ id: i, name: `row ${i}`, x: i / 3, y: -i, isOdd: i % 2 === 1 }))
  const rows = table()
  // `Task.value` marks it: it is not searched again.
  const marked = table()
  const frozen = Object.freeze(table().map((row) => Object.freeze(row)))
  let seen = 0
  const ways: ReadonlyArray<readonly [name: string, times: number, make: () => unknown]> = [
    ["loop over all values", 1, () => {
      for (const row of rows) {
        for (const name of Object.keys(row)) if (row[name as keyof typeof row] !== undefined) seen++
      }
    }],
    ["plain", 1, () => Task.map([rows], ([given]) => given.length)],
    ["frozen", 100, () => Task.map([frozen], ([given]) => given.length)],
    ["Task.value", 100, () => Task.map([Task.value(marked)], ([given]) => given.length)],
    ["Task.succeed", 100, () => Task.map([Task.succeed(rows)], ([given]) => given.length)]
  ]
  const samples = ways.map((): Array<number> => [])
  for (let round = -1; round < rounds; round++) {
    for (const [i, [, times, make]] of ways.entries()) {
      const began = performance.now()
      for (let k = 0; k < times; k++) make()
      if (round >= 0) samples[i]!.push((performance.now() - began) * 1000 / times)
    }
  }
  return ways.map(([name], i) => ({ name, micros: quartile(samples[i]!) }))
}
