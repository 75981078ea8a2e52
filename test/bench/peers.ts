/** The peers: what people use in JavaScript for graphs of tasks, each as its documentation says. */
import { auto } from "async"
import * as Effect from "effect/Effect"
import { type DependencyList, PGraph, type PGraphNode } from "p-graph"
import PQueue from "p-queue"
import { type Contestant, slots } from "./contestant.ts"
import { type Body, combine, combineAt, fold, foldSinks, type Graph } from "./shapes.ts"

const finish = (body: Body, value: number): number | Promise<number> => body === "sync" ? value : Promise.resolve(value)

/** What a task takes, from an array by index. */
const take = <A>({ dependencies: { offsets, values } }: Graph, index: number, from: ReadonlyArray<A>): Array<A> => {
  const taken: Array<A> = []
  for (let e = offsets[index]!; e < offsets[index + 1]!; e++) taken.push(from[values[e]!]!)
  return taken
}

const pGraph: Contestant = {
  name: "p-graph",
  note: "p-graph: passes no results on, so its bodies share an array; the graph is built from string keys and pairs",
  refuses: (graph) =>
    graph.size > 200_000 && graph.shape !== "chain"
      ? "p-graph takes 60 to 140 µs a task at 1,000,000 (minutes), but for the chain"
      : undefined,
  run: async (graph, body) => {
    const { dependencies, size } = graph
    const start = performance.now()
    const values = Array<number>(size).fill(0)
    const nodes = new Map<string, PGraphNode>()
    const edges: DependencyList = []
    for (let i = 0; i < size; i++) {
      const key = `t${i}`
      nodes.set(key, {
        run: () => {
          const value = combineAt(dependencies, i, values)
          if (body === "sync") {
            values[i] = value
            return
          }
          return Promise.resolve(value).then((resolved) => {
            values[i] = resolved
          })
        }
      })
      for (let e = dependencies.offsets[i]!; e < dependencies.offsets[i + 1]!; e++) {
        edges.push([`t${dependencies.values[e]!}`, key])
      }
    }
    const built = new PGraph(nodes, edges)
    const submitted = performance.now()
    await built.run({ concurrency: slots })
    const end = performance.now()
    return { answer: foldSinks(graph, values), millis: { build: submitted - start, run: end - submitted } }
  }
}

const asyncAuto: Contestant = {
  name: "async.auto",
  note: "async.auto: passes results by name; its bodies call back in a microtask, or it overflows the stack",
  refuses: (graph) => graph.size > 2000 ? "async.auto is quadratic (about 1 ms a task at 10,000)" : undefined,
  run: async (graph, body) => {
    const { dependencies, sinks, size } = graph
    const start = performance.now()
    const tasks: Parameters<typeof auto>[0] = {}
    for (let i = 0; i < size; i++) {
      const names: Array<string> = []
      for (let e = dependencies.offsets[i]!; e < dependencies.offsets[i + 1]!; e++) {
        names.push(`t${dependencies.values[e]!}`)
      }
      const reply = (value: number, callback: (error: null, value: number) => void) => {
        // Called back at once, it would recurse: a few hundred tasks overflow the stack.
        if (body === "sync") queueMicrotask(() => callback(null, value))
        else void Promise.resolve(value).then((resolved) => callback(null, resolved))
      }
      tasks[`t${i}`] = names.length === 0
        ? (callback) => reply(combine(i, []), callback)
        : [...names, (results, callback) => reply(combine(i, names.map((name) => results[name]!)), callback)]
    }
    const submitted = performance.now()
    const results = await auto(tasks, slots)
    const end = performance.now()
    return {
      answer: fold(Array.from(sinks, (i) => results[`t${i}`]!)),
      millis: { build: submitted - start, run: end - submitted }
    }
  }
}

const pQueue: Contestant = {
  name: "p-queue",
  note: "p-queue: a promise an edge (Promise.all), bodies through the queue, results through the promises",
  run: async (graph, body) => {
    const start = performance.now()
    const queue = new PQueue({ concurrency: slots })
    const promises: Array<Promise<number>> = []
    for (let i = 0; i < graph.size; i++) {
      const inputs = take(graph, i, promises)
      promises.push(
        inputs.length === 0
          ? queue.add(async () => finish(body, combine(i, [])))
          : Promise.all(inputs).then((values) => queue.add(async () => finish(body, combine(i, values))))
      )
    }
    const results = await Promise.all(Array.from(graph.sinks, (i) => promises[i]!))
    const end = performance.now()
    return { answer: fold(results), millis: { run: end - start } }
  }
}

const effectForEach: Contestant = {
  name: "Effect.forEach",
  note: "Effect.forEach: level by level, a barrier after each; finding the levels is counted; results in one array",
  run: async (graph, body) => {
    const { dependencies } = graph
    const start = performance.now()
    const levels = levelsOf(graph)
    const values = Array<number>(graph.size).fill(0)
    const step = body === "sync"
      ? (i: number) => Effect.sync(() => combineAt(dependencies, i, values))
      : (i: number) => Effect.promise(() => Promise.resolve(combineAt(dependencies, i, values)))
    await Effect.runPromise(Effect.forEach(
      levels,
      (level) =>
        Effect.map(Effect.forEach(level, step, { concurrency: slots }), (results) => {
          for (let k = 0; k < level.length; k++) values[level[k]!] = results[k]!
        }),
      { discard: true }
    ))
    const end = performance.now()
    return { answer: foldSinks(graph, values), millis: { run: end - start } }
  }
}

const levelsOf = ({ dependencies: { offsets, values }, size }: Graph): Array<Array<number>> => {
  const depths = new Int32Array(size)
  const levels: Array<Array<number>> = []
  for (let i = 0; i < size; i++) {
    let depth = 0
    for (let e = offsets[i]!; e < offsets[i + 1]!; e++) depth = Math.max(depth, depths[values[e]!]! + 1)
    depths[i] = depth
    if (depth === levels.length) levels.push([])
    levels[depth]!.push(i)
  }
  return levels
}

export const peers: ReadonlyArray<Contestant> = [pGraph, pQueue, effectForEach, asyncAuto]
