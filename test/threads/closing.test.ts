/** Layers of threads and processes that close in the midst of everything: while they start, begin bodies, and send. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { Client, Portable, Skein } from "../../src/index.ts"
import { Processes } from "../../src/processes/index.ts"
import { Threads } from "../../src/threads/index.ts"
import type * as functions from "./files/work.ts"

const work = Portable.module<typeof functions>()(new URL("./files/work.ts", import.meta.url))
const { double, wait } = work.tasks

const turn = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))

const left = (): ReadonlyArray<string> =>
  process.getActiveResourcesInfo().filter((each) => /Worker|MessagePort|ProcessWrap/.test(each))

/** Tiny bodies, bodies that wait, and payloads that take their time on the way. */
const program = Client.compute([
  Array.from({ length: 200 }, (_, i) => double(i)),
  Array.from({ length: 4 }, () => wait(1e9)),
  Array.from({ length: 4 }, () => work.tasks.sizeOf(new Uint8Array(1 << 20)))
])

const layers = {
  threads: Threads.layer({ size: 2, tasks: [work] }),
  processes: Processes.layer({ size: 2, tasks: [work] })
}

/** How many turns of the event loop pass before the close: most of the later ones are for running bodies. */
const moments = { threads: [0, 1, 3, 10, 1000, 20_000], processes: [0, 1, 10, 10_000] }

describe("layers that close in the midst", () => {
  for (const kind of ["threads", "processes"] as const) {
    it.live(`C4: of ${kind} nothing is left, whenever they close`, () =>
      Effect.gen(function*() {
        for (const turns of moments[kind]) {
          const layer = layers[kind].pipe(Layer.provideMerge(Skein.layer()))
          const running = yield* Effect.forkChild(Effect.provide(program, layer, { local: true }))
          yield* Effect.repeat(turn, { times: turns })
          yield* Fiber.interrupt(running)
          yield* Effect.repeat(turn, { times: 2 })
          assert.deepStrictEqual(left(), [], `closed after ${turns} turns`)
        }
      }))
  }
})
