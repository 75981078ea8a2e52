/**
 * The floor: the least that a scheduler can do that starts one Effect fiber a task.
 *
 * Its graph and its bodies are ready-made, ready tasks are a stack, results are one array, and nothing can fail, be
 * cancelled or be named. Exits go to an inbox that one microtask drains, so the stack stays flat whatever the depth.
 *
 * Every task has a body of its own, a function of its inputs' values, as a user's tasks have; the executor gathers those
 * values and hands them over when the task starts, as whoever runs other people's functions must.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import { type Contestant, slots } from "./contestant.ts"
import { type Body, combine, foldSinks, type Graph } from "./shapes.ts"

const runFork = Effect.runForkWith(Context.empty())

export const floor: Contestant = {
  name: "floor",
  note: "floor: arrays and bodies ready-made before the clock starts, one fiber a task, results in one array",
  run: async (graph, body) => {
    const values = Array<number>(graph.size).fill(0)
    const bodies = makeBodies(graph, body)
    const start = performance.now()
    await execute(graph, body, bodies, values)
    return { answer: foldSinks(graph, values), millis: { run: performance.now() - start } }
  }
}

type Run = (inputs: ReadonlyArray<number>) => number

const makeBodies = (
  graph: Graph,
  body: Body
): ReadonlyArray<Run | ((inputs: ReadonlyArray<number>) => Promise<number>)> =>
  Array.from({ length: graph.size }, (_, i) =>
    body === "sync"
      ? (inputs: ReadonlyArray<number>) => combine(i, inputs)
      : (inputs: ReadonlyArray<number>) => Promise.resolve(combine(i, inputs)))

const execute = (
  { dependencies, dependents, size }: Graph,
  body: Body,
  bodies: ReadonlyArray<(inputs: ReadonlyArray<number>) => any>,
  values: Array<number>
): Promise<void> =>
  new Promise((resolve, reject) => {
    const missing = new Int32Array(size)
    const ready = new Int32Array(size)
    let readyCount = 0
    for (let i = size - 1; i >= 0; i--) {
      missing[i] = dependencies.offsets[i + 1]! - dependencies.offsets[i]!
      if (missing[i] === 0) ready[readyCount++] = i
    }
    let free = slots
    let left = size
    let inboxTasks: Array<number> = []
    let inboxExits: Array<Exit.Exit<number>> = []
    let scheduled = false

    const arrived = (task: number, exit: Exit.Exit<number>) => {
      inboxTasks.push(task)
      inboxExits.push(exit)
      if (scheduled) return
      scheduled = true
      queueMicrotask(drain)
    }
    const drain = () => {
      for (let at = 0; at < inboxTasks.length; at++) {
        settle(inboxTasks[at]!, inboxExits[at]!)
        startReady()
        if (at === 1023) {
          inboxTasks = inboxTasks.slice(1024)
          inboxExits = inboxExits.slice(1024)
          at = -1
        }
      }
      inboxTasks.length = 0
      inboxExits.length = 0
      scheduled = false
      if (left === 0) resolve()
    }
    const settle = (task: number, exit: Exit.Exit<number>) => {
      if (exit._tag === "Failure") return reject(exit.cause)
      values[task] = exit.value
      free++
      left--
      const end = dependents.offsets[task + 1]!
      for (let e = dependents.offsets[task]!; e < end; e++) {
        const dependent = dependents.values[e]!
        if (--missing[dependent]! === 0) ready[readyCount++] = dependent
      }
    }
    const effectOf = (task: number): Effect.Effect<number> => {
      const from = dependencies.offsets[task]!
      const inputs = new Array<number>(dependencies.offsets[task + 1]! - from)
      for (let i = 0; i < inputs.length; i++) inputs[i] = values[dependencies.values[from + i]!]!
      const run = bodies[task]!
      return body === "sync" ? Effect.sync(() => run(inputs)) : Effect.promise(() => run(inputs))
    }
    const startReady = () => {
      while (free > 0 && readyCount > 0) {
        const task = ready[--readyCount]!
        free--
        const fiber = runFork(effectOf(task))
        const exit = fiber.pollUnsafe()
        if (exit === undefined) fiber.addObserver((later) => arrived(task, later))
        else arrived(task, exit)
      }
    }
    startReady()
  })
