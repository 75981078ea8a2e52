/** What a listener and a progress report add to a run, in processor time: neighbours of the process do not count. */
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Client from "skein/Client"
import * as Progress from "skein/Progress"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import { slots } from "./contestant.ts"
import { threadMicros } from "./processor.ts"
import { fold, type Graph } from "./shapes.ts"
import { build, targetsOf } from "./skein.ts"

/** Microseconds a task. */
export interface Listening {
  readonly nobody: number
  readonly listen: number
  readonly progress: number
}

type Way = <A, E>(
  effect: Effect.Effect<A, E, Client.Client>
) => Effect.Effect<A, E, Client.Client | Scheduler.Scheduler>

const ways: { readonly [K in keyof Listening]: Way } = {
  nobody: (effect) => effect,
  listen: (effect) => Effect.scoped(Effect.andThen(Scheduler.listen(() => {}), effect)),
  progress: Progress.withProgress(() => {}, { interval: "1 hour" })
}

const rounds = 40

/** Lower quartiles of interleaved runs. */
export const measure = async (graph: Graph): Promise<Listening> => {
  const runtime = ManagedRuntime.make(Skein.layer({ concurrency: slots }))
  const once = async (way: Way): Promise<number> => {
    const start = threadMicros()
    const targets = targetsOf(graph, build(graph, "sync"))
    const answer = await runtime.runPromise(way(Effect.map(Client.compute(targets), fold)))
    if (answer !== graph.answer) throw new Error(`wrong answer: ${answer}, not ${graph.answer}`)
    return (threadMicros() - start) / graph.size
  }
  const samples: Record<keyof Listening, Array<number>> = { nobody: [], listen: [], progress: [] }
  for (let round = 0; round < rounds; round++) {
    for (const name of names) samples[name].push(await once(ways[name]))
  }
  await runtime.dispose()
  const lowerQuartile = (of: Array<number>): number => of.sort((a, b) => a - b)[of.length >> 2]!
  return {
    nobody: lowerQuartile(samples.nobody),
    listen: lowerQuartile(samples.listen),
    progress: lowerQuartile(samples.progress)
  }
}

const names = ["nobody", "listen", "progress"] as const
