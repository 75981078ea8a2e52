/**
 * The backends. On each of them bodies run on two workers with one slot, `pool-1` and `pool-2`, and what is written as a function
 * of the test runs here.
 */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Client from "skein/Client"
import * as Portable from "skein/Portable"
import { Processes } from "skein/processes"
import type * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import { Threads } from "skein/threads"
import { backendFromEnvironment } from "../../src/internal/client/environment.ts"
import { implementationsOf } from "../../src/internal/portable/modules.ts"
import { elsewhere } from "../testing/elsewhere.ts"
import { Handlers, makers } from "./names.ts"
import * as functions from "./work.ts"

const here = (file: string): URL => new URL(file, import.meta.url)

/** The functions of `work.ts`, as tasks. */
export const work = Portable.module<typeof functions>()(here("work.ts"), { errors: [functions.Refused] })

const tasks = [work, ...makers] as const

/** What a story needs. */
export type Services = Client.Client | Scheduler.Scheduler | Portable.Handlers<typeof makers[number]>

type Backend = Layer.Layer<Services, unknown>

const settings = { grace: "1 second", tags: { db: 1 } } as const

/** A scheduler with a worker of its own for functions of the test. */
const local = Skein.layer({ ...settings, workers: [{ id: "local", concurrency: 4 }] })

const restart = { times: 20, within: "1 minute" } as const

const pool = { id: "pool", size: 2, restart, tasks } as const

const fibers: Backend = Layer.provideMerge(
  Handlers,
  Skein.layer({
    ...settings,
    workers: ["pool-1", "pool-2"].map((id) => ({ id, concurrency: 1, labels: ["pool"], restart }))
  })
) as Backend

/** The real far side in this process, over a link by which all values are cloned. */
const link: Backend = elsewhere(tasks, Handlers, {
  here: local,
  id: (worker) => `pool-${worker + 1}`,
  labels: () => ["pool"],
  terms: { restart: { times: 20, withinMillis: 60_000, minRunMillis: 0 } },
  implementations: implementationsOf(here("work.ts").href, functions)
}) as Backend

const threads: Backend = Layer.provideMerge(Threads.layer({ ...pool, entry: here("threadEntry.ts") }), local)

const processes: Backend = Layer.provideMerge(Processes.layer({ ...pool, entry: here("processEntry.ts") }), local)

const backends: Readonly<Record<string, Backend>> = { fibers, link, threads, processes }

/** All backends, or the one that the environment names, in the words of `Skein.layerFromEnv`. */
export const chosen = (
  env: { readonly SKEIN_BACKEND?: string | undefined }
): ReadonlyArray<readonly [name: string, backend: Backend]> => {
  const named = backendFromEnvironment(Object.keys(backends)).parse(ConfigProvider.fromEnv({ env: { ...env } as {} }))
  const backend = Effect.runSync(named)
  if (backend === undefined) return Object.entries(backends)
  const { name, size = 2 } = backend
  if (size !== 2) throw new Error(`The stories are about two workers: SKEIN_BACKEND=${name}:2, not ${name}:${size}.`)
  return [[name, backends[name]!]]
}
