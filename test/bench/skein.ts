/** Skein through its public API, as a contestant and as a subject of `memory.ts`. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Client from "skein/Client"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { Mailbox } from "../../src/internal/driver/mailbox.ts"
import { type Contestant, slots } from "./contestant.ts"
import { type Body, combine, fold, type Graph } from "./shapes.ts"

type Numbers = Array<Task.Task<number>>

const makeRuntime = () => ManagedRuntime.make(Skein.layer({ concurrency: slots }))

/** The tasks of a graph. With a gate, those without dependencies take the gate's value as an input and ignore it. */
export const build = (graph: Graph, body: Body, gate?: Task.Task<number>): Numbers => {
  const { dependencies: { offsets, values }, size } = graph
  const make = body === "sync" ? plain : promised
  const tasks: Numbers = []
  for (let i = 0; i < size; i++) {
    const inputs: Numbers = []
    for (let e = offsets[i]!; e < offsets[i + 1]!; e++) inputs.push(tasks[values[e]!]!)
    tasks.push(inputs.length === 0 && gate !== undefined ? Task.map([gate], () => combine(i, [])) : make(i, inputs))
  }
  return tasks
}

/** A function of the inputs, run in a fiber of its own, as the floor does. */
const plain = (i: number, inputs: Numbers): Task.Task<number> => Task.map(inputs, (taken) => combine(i, taken))

const promised = (i: number, inputs: Numbers): Task.Task<number> =>
  Task.make(inputs, (taken) => Effect.promise(() => Promise.resolve(combine(i, taken))))

export const targetsOf = (graph: Graph, tasks: Numbers): Numbers => Array.from(graph.sinks, (i) => tasks[i]!)

/** One for all runs, as an app has one. */
export const runtime = makeRuntime()

/** When the last graph was entered: its event is the only one with a plan. */
let enteredAt = 0

const ask = Mailbox.prototype.ask
Mailbox.prototype.ask = function(event) {
  const answer = ask.call(this, event)
  if (event._tag === "GraphSubmitted") enteredAt = performance.now()
  return answer
}

export const skein: Contestant = {
  name: "Skein",
  note: "Skein: building, submission and run counted in its total; its run is from the end of submission to results",
  run: async (graph, body) => {
    await runtime.context()
    const start = performance.now()
    const targets = targetsOf(graph, build(graph, body))
    const built = performance.now()
    // A fiber runs at once until it first waits, which is when all tasks are entered and nothing has run yet. A large graph is
    // entered later, when its walk is over.
    const fiber = runtime.runFork(Client.compute(targets))
    const begun = performance.now()
    enteredAt = begun
    const results = await Effect.runPromise(Fiber.join(fiber))
    const end = performance.now()
    const submitted = Math.max(begun, enteredAt)
    const millis = { build: built - start, submission: submitted - built, run: end - submitted }
    return { answer: fold(results), millis }
  }
}

export interface Gated {
  /** The user's own objects: nothing is submitted yet. */
  readonly tasks: Numbers
  /** Submits, and resolves when the gate runs and everything else waits for it. */
  readonly submit: () => Promise<void>
  /** Opens the gate and gives the answer. */
  readonly open: () => Promise<number>
  readonly dispose: () => Promise<void>
}

export const gated = async (graph: Graph): Promise<Gated> => {
  const runtime = makeRuntime()
  await runtime.context()
  const started = Deferred.makeUnsafe<void>()
  const opened = Deferred.makeUnsafe<number>()
  const gate = Task.make(Effect.andThen(Deferred.succeed(started, undefined), Deferred.await(opened)))
  const tasks = build(graph, "sync", gate)
  let answer: Promise<number> | undefined
  return {
    tasks,
    submit: async () => {
      answer = runtime.runPromise(Effect.map(Client.compute(targetsOf(graph, tasks)), fold))
      await runtime.runPromise(Deferred.await(started))
    },
    open: async () => {
      await runtime.runPromise(Deferred.succeed(opened, 0))
      return answer!
    },
    dispose: () => runtime.dispose()
  }
}
