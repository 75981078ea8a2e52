/**
 * The threads or processes of a layer, as workers of its scheduler.
 *
 * @internal
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { coreOf, Scheduler } from "../../internal/client/scheduler.ts"
import { nestedVerbs } from "../../internal/nested/nearSide.ts"
import { cores, countOf, isSize } from "../../internal/platform/cores.ts"
import { handlersElsewhere, itemOf } from "../../internal/portable/items.ts"
import type { Item } from "../../internal/portable/items.ts"
import { RemoteWorker } from "../../internal/remote/remoteWorker.ts"
import type { RestartOptions, WorkerTerms } from "../../internal/settings/layerOptions.ts"
import { checksOfTerms, postingOf } from "../../internal/settings/terms.ts"
import {
  checkOf,
  count,
  durationAboveZero,
  isCount,
  isNames,
  name,
  optionsFault,
  said
} from "../../internal/tasks/checks.ts"
import type { Checks } from "../../internal/tasks/checks.ts"
import { millisIn } from "../../internal/tasks/durations.ts"
import { Mistake } from "../../internal/tasks/mistake.ts"
import { describeError } from "../../internal/text/rendering.ts"
import { quote } from "../../internal/text/text.ts"
import { warning } from "../../internal/text/warnings.ts"
import type { RemotePosting } from "../../internal/workers/port.ts"
import type { CommonOptions } from "./options.ts"
import { orHere } from "./orHere.ts"
import type { Seat, Start } from "./side.ts"
import { startHere } from "./startHere.ts"
import { Parties } from "./transport.ts"

/** What differs between threads and processes. */
export interface Backend {
  /** "threads" or "processes": a label of the workers, and the name of the pool unless it has one. */
  readonly kind: string
  /** The public name of `serve`. */
  readonly serve: string
  readonly start: (seat: Seat, pool: Pool) => Start
  /** Prepares the environment, before anything starts. */
  readonly prepare?: ((pool: Pool) => Effect.Effect<void, never, Scope.Scope>) | undefined
}

export interface Pool {
  readonly id: string
  readonly size: number
  /** The cores that this process may use. */
  readonly cores: number
}

type AnyOptions = CommonOptions<unknown, any>

const size = checkOf(
  "\"cores\", a positive whole number, or a negative one: -1 for all cores, -2 for all but one",
  isSize
)

/** The checks of the options that threads and processes have in common. */
export const checksOfPools: Checks<CommonOptions> = {
  ...checksOfTerms,
  size,
  tasks: checkOf(
    "an array of what Portable.make and Portable.module have made",
    (tasks) => Array.isArray(tasks) && tasks.length > 0 && tasks.every((each) => itemOf(each) !== undefined)
  ),
  concurrency: checkOf("a positive whole number", isCount),
  id: name,
  labels: checkOf("an array of words", (labels) => isNames(labels) || (Array.isArray(labels) && labels.length === 0)),
  entry: checkOf("a URL, such as new URL(\"./entry.ts\", import.meta.url)", (value) => value instanceof URL),
  spare: checkOf("true or false", (value) => typeof value === "boolean"),
  stuck: durationAboveZero,
  closing: durationAboveZero,
  innerThreads: count
}

/** Three in a minute, as of a pool of a layer. */
const restart: RestartOptions = { times: 3, within: "1 minute" }

/** How long the other side may take to close its layer. */
const defaultClosing = 30_000

/** The most attempts that are sent to a worker beyond its slots; how many are is up to the engine. */
const ahead = 4096

/** What a worker lacks to serve these items, given the names that it has told. */
const lackIn = (items: ReadonlyArray<Item>, backend: Backend) => (names: ReadonlyArray<string>): string | undefined => {
  const served = new Set(names)
  const missing = items.flatMap((item) => item._tag === "Name" && !served.has(item.name) ? [quote(item.name)] : [])
  if (missing.length > 0) {
    const others = names.length === 0 ? "no task" : names.map((each) => quote(each)).join(", ")
    return `it serves ${others}, and not ${
      missing.join(", ")
    }: give the layer of its handler to ${backend.serve} in its entry`
  }
  for (const item of items) {
    if (item._tag !== "Module") continue
    if (!names.some((each) => each.startsWith(`${item.module.url}#`))) return `${item.module.url} exports no function`
    item.module.learn(names)
  }
  return undefined
}

/** Adds the workers of a pool to the scheduler, and returns the handlers of their tasks. */
export const open = (
  backend: Backend,
  options: AnyOptions,
  checks: Checks<any>
): Effect.Effect<Context.Context<never>, unknown, Scheduler | Scope.Scope> =>
  Effect.gen(function*() {
    const fault = optionsFault(options, { ...checksOfPools, ...checks }) ?? absent(options)
    if (fault !== undefined) return yield* Effect.die(fault)
    const context = yield* Effect.context<never>()
    const core = coreOf(yield* Scheduler)
    const { concurrency = 1, entry, id = backend.kind, labels = [], tasks } = options
    const items = tasks.map((each) => itemOf(each)!)
    const seat: Seat = {
      entry: entry?.href,
      modules: items.flatMap((item) => item._tag === "Module" ? [item.module.url] : [])
    }
    const available = cores()
    const pool = { id, size: countOf(options.size, available), cores: available }
    yield* backend.prepare?.(pool) ?? Effect.void
    const parties = new Parties({
      start: orHere(backend.start(seat, pool), startHere(seat, backend.serve), (error) => {
        const text = `There can be no ${backend.kind} here, so their tasks run in this one and hold each other up`
        Effect.runForkWith(context)(warning(`${text}: ${describeError(error)}`))
      }),
      lack: lackIn(items, backend),
      size: pool.size,
      spare: options.spare ?? false,
      closeMillis: millisIn(options.closing) ?? defaultClosing,
      stuckMillis: millisIn(options.stuck),
      told: (worker, millis, stack) => {
        const where = stack === undefined ? "" : ` It is at work here:\n${stack}`
        const text = `Worker ${quote(worker)} has let its event loop wait for ${millis} ms.${where}`
        Effect.runForkWith(context)(warning(text))
      }
    })
    yield* Effect.addFinalizer(() => parties.close)
    const terms = said({ restart, ...said(termsIn(options)) })
    const own = [...new Set([id, backend.kind, ...labels])]
    const postings = Array.from({ length: pool.size }, (_, i) => {
      return postingOf({ id: `${id}-${i + 1}`, concurrency, labels: own, ...terms }, {}, context)
    })
    const mistake = postings.find((each) => each instanceof Mistake)
    if (mistake !== undefined) return yield* Effect.die(mistake)
    yield* Effect.forEach(postings, (posting) => {
      const remote: RemotePosting = {
        ...posting as RemotePosting,
        kind: "remote",
        ahead,
        handsOver: true,
        port: (setup) =>
          new RemoteWorker(setup, parties.transport, { slots: concurrency, ahead, verbs: nestedVerbs(items) })
      }
      return core.crew.add(remote)
    }, { concurrency: "unbounded", discard: true })
    return handlersElsewhere(items, context)
  })

const absent = (options: AnyOptions): Mistake | undefined =>
  optionsFault({ size: options.size ?? 0, tasks: options.tasks ?? [] }, { size, tasks: checksOfPools.tasks })

const termsIn = ({ maxAge, maxTasks, onStart, restart, ttl }: AnyOptions): WorkerTerms<unknown, any> => ({
  maxAge,
  maxTasks,
  onStart,
  restart,
  ttl
})
