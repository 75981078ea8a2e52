import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Client from "skein/Client"
import * as Task from "skein/Task"
import { references } from "../scripts/order-table.ts"
import { numbersFrom } from "./chance.ts"
import { inQuietScheduler } from "./harness.ts"

/** For each task, those it depends on. */
type Rows = ReadonlyArray<ReadonlyArray<number>>

const shuffled = <A>(items: ReadonlyArray<A>, next: () => number): Array<A> =>
  items.map((item) => [next(), item] as const).toSorted(([a], [b]) => a - b).map(([, item]) => item)

const isSink = (rows: Rows): (task: number) => boolean => {
  const used = new Set(rows.flat())
  return (task) => !used.has(task)
}

/** The tasks in the order in which their bodies run, when they are made and asked for in the order of `made`. */
const runOrder = (rows: Rows, made: ReadonlyArray<number>, keyOf: (task: number) => string | undefined) =>
  Effect.gen(function*() {
    const ran: Array<number> = []
    const tasks = new Map<number, Task.Task<unknown>>()
    const make = (number: number): Task.Task<unknown> => {
      const present = tasks.get(number)
      if (present !== undefined) return present
      const task = Task.map(rows[number]!.map(make), () => void ran.push(number), { key: keyOf(number) })
      tasks.set(number, task)
      return task
    }
    for (const number of made) make(number)
    yield* Client.compute(made.filter(isSink(rows)).map(make))
    return ran
  })

/** The most results held at any moment: see golden/README.md. */
const peakHeld = (rows: Rows, ran: ReadonlyArray<number>): number => {
  const waiting = rows.map(() => 0)
  for (const row of rows) for (const dependency of new Set(row)) waiting[dependency]!++
  let held = 0
  let peak = 0
  for (const task of ran) {
    peak = Math.max(peak, ++held)
    for (const dependency of new Set(rows[task])) if (--waiting[dependency]! === 0) held--
  }
  return peak
}

const assertTopological = (rows: Rows, ran: ReadonlyArray<number>) => {
  assert.deepStrictEqual(ran.toSorted((a, b) => a - b), rows.map((_, i) => i))
  const place = new Map(ran.map((task, i) => [task, i]))
  rows.forEach((row, task) => row.forEach((dependency) => assert.isBelow(place.get(dependency)!, place.get(task)!)))
}

describe("order", () => {
  for (const { best, graph, name } of references()) {
    it.effect(`O4: on one slot ${name} holds at most ${best} results, as Dask does, however it is built and named`, () =>
      Effect.gen(function*() {
        const all = graph.map((_, i) => i)
        const peaks: Array<number> = []
        for (let seed = 0; seed < 5; seed++) {
          const next = numbersFrom(seed * 7919)
          const rows = seed === 0 ? graph : graph.map((row) => shuffled(row, next))
          const names = shuffled(all, next)
          const ran = yield* runOrder(
            rows,
            seed === 0 ? all : shuffled(all, next),
            (task) => seed % 2 === 0 ? `k${names[task]}` : undefined
          )
          assertTopological(graph, ran)
          peaks.push(peakHeld(graph, ran))
        }
        assert.isAtMost(Math.max(...peaks), best)
        assert.lengthOf(new Set(peaks), 1, peaks.join(", "))
      }).pipe(inQuietScheduler({ concurrency: 1 })))
  }
})
