/** Each verb of a body, in a body elsewhere: on a link in memory, in a thread and in a process. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Portable from "skein/Portable"
import { Processes } from "skein/processes"
import * as Skein from "skein/Skein"
import { Threads } from "skein/threads"
import * as Worker from "skein/Worker"
import { implementationsOf } from "../src/internal/portable/modules.ts"
import { elsewhere } from "./testing/elsewhere.ts"
import * as walking from "./threads/files/verbs.ts"
import * as functions from "./threads/files/work.ts"

const url = (name: string): URL => new URL(`./threads/files/${name}`, import.meta.url)

const work = Portable.module<typeof functions>()(url("work.ts"))
const walks = Portable.module<typeof walking>()(url("verbs.ts"))
const tasks = [work, walks] as const

const implementations = [
  ...implementationsOf(work.url.href, functions),
  ...implementationsOf(walks.url.href, walking)
]

/** Services and values, which are no verbs. */
const others: Readonly<Record<string, ReadonlyArray<string>>> = {
  Client: ["Client", "CurrentAnnotations", "defaultGroup"],
  Future: [],
  Worker: ["Worker"]
}

const everyVerbWorks = Effect.gen(function*() {
  const found = yield* Client.compute(walks.tasks.walk())
  const faults = Object.entries(found).filter(([, told]) => told !== "works")
  assert.deepStrictEqual(faults, [])
})

describe("verbs in a body elsewhere", () => {
  it("N1: there is a check for each", () => {
    for (const [module, exports] of Object.entries({ Client, Future, Worker })) {
      const known = [...others[module]!, ...walking.verbs[module]!].sort()
      assert.deepStrictEqual(Object.keys(exports).sort(), known)
    }
  })

  it.live("N1: all of them work on a link in memory", () =>
    Effect.provide(everyVerbWorks, elsewhere(tasks, Layer.empty, { implementations, workers: 1 })))

  it.live("N1: all of them work in a thread", () =>
    Effect.provide(
      everyVerbWorks,
      Threads.layer({ size: 1, tasks }).pipe(Layer.provideMerge(Skein.layer()))
    ))

  it.live("N1: all of them work in a process", () =>
    Effect.provide(
      everyVerbWorks,
      Processes.layer({ size: 1, tasks }).pipe(Layer.provideMerge(Skein.layer()))
    ))
})
