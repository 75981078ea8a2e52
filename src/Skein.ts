/**
 * Layers: a scheduler inside your program, with fiber workers.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Limits } from "./engine/protocol/Settings.ts"
import type { Client } from "./internal/client/client.ts"
import { backendFromEnvironment, backendIn, fromEnvironment, wordsFor } from "./internal/client/environment.ts"
import type { Backend } from "./internal/client/environment.ts"
import * as internal from "./internal/client/layer.ts"
import type { Services } from "./internal/client/layer.ts"
import type { Scheduler } from "./internal/client/scheduler.ts"
import * as cores from "./internal/platform/cores.ts"
import type { Options } from "./internal/settings/layerOptions.ts"
import { checkOf, holdsValues, invalidOption, said, valueFault } from "./internal/tasks/checks.ts"

export type { Services } from "./internal/client/layer.ts"

export type {
  BudgetOptions,
  ElasticOptions,
  Options,
  Rate,
  RestartOptions,
  SchedulingOptions,
  TagOptions,
  WorkerOptions,
  WorkerTerms
} from "./internal/settings/layerOptions.ts"

export type {
  /**
   * Upper bounds. Beyond `tasks` of one graph, `depth` of one graph, `live` tasks at once, `nesting` of submissions from inside
   * bodies (defaults to 10,000), `unfolding` of flatMap tasks into flatMap tasks (200,000), and `seceded` tasks that wait inside
   * their bodies at once (100,000), submissions and waits are refused. `refusals`: how often one recursion may reach one of the
   * last three before it launches nothing more (100). `deaths`: how many workers may be lost while they run a task before it is
   * not started again (4). `dependenciesLost`: how often a body may report dependencies as lost before its task ends (20).
   * `overtakes`: how many tasks of higher rank may take resources or tags that a ready task waits for before it goes first (100).
   * `lineage`: over how many submissions, each made from a result of the one before, released tasks are remembered at least, so
   * that lost results can be computed again (1000). Each is a positive whole number, or `Infinity`.
   *
   * @stability unstable
   * @category models
   * @since 0.1.0
   */
  Limits
}

/**
 * Makes a scheduler inside this process, and a client of it, which close with the scope.
 *
 * **When to use**
 *
 * For two schedulers in one program: give each a service of your own. With one scheduler use {@link layer}.
 *
 * **Example** (A scheduler of its own for slow work)
 *
 * ```ts import.meta.vitest
 * import { Context, Effect, Layer } from "effect"
 * import { Client, Skein, Task, Worker } from "skein"
 *
 * class Slow extends Context.Service<Slow, Client.Client["Service"]>()("app/Slow") {
 *   static readonly layer = Layer.effect(
 *     this,
 *     Effect.map(Skein.make({ workers: [{ id: "slow", concurrency: 1 }] }), ({ client }) => client)
 *   )
 * }
 * const onSlow = Effect.provideServiceEffect(Client.Client, Slow)
 *
 * const where = Task.make(Effect.map(Worker.current, ({ id }) => id))
 * const program = Effect.all([Client.compute(where), onSlow(Client.compute(where))])
 * program.pipe(Effect.provide([Skein.layer(), Slow.layer])) // => ["local", "slow"]
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const make = <E = never, R = never>(
  options: Options<E, R> = {}
): Effect.Effect<Services, E, Exclude<R, Scope.Scope> | Scope.Scope> => internal.make(options)

/**
 * A scheduler inside this process, and a client of it.
 *
 * **Details**
 *
 * Tasks run as fibers of your program, as many at once as the workers have slots. The close of the layer interrupts everything
 * that runs, and returns when the finalizers have run. Time is the `Clock` in the context of the layer; bodies use the clock of
 * their submitter. The layer fails only if an `onStart` fails, with its error; options that cannot be are a defect.
 *
 * **Gotchas**
 *
 * Layers are shared by reference: keep the layer in a constant to use one scheduler in several places.
 *
 * **Example** (Eight tasks at once)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Skein, Task } from "skein"
 *
 * const squares = Task.all([1, 2, 3].map((n) => Task.make(Effect.succeed(n * n))))
 * const program = Client.compute(squares).pipe(Effect.provide(Skein.layer({ concurrency: 8 })))
 * program // => [1, 4, 9]
 * ```
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layer = <E = never, R = never>(
  options: Options<E, R> = {}
): Layer.Layer<Client | Scheduler, E, Exclude<R, Scope.Scope>> => Layer.effectContext(internal.makeContext(options))

/**
 * Options of {@link layerConfig}: those of a layer, and the backend.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface ConfigOptions extends Options {
  /** Where bodies run, in the words of `SKEIN_BACKEND`; see {@link layerFromEnv}. Slots and workers of other options take precedence. */
  readonly backend?: string | undefined
}

/**
 * A scheduler with options from wrapped configs, and a client of it. A wrong option, such as a backend with an unknown name, is a
 * `ConfigError` that says what is expected.
 *
 * **Example** (Slots from a variable of your own)
 *
 * ```ts import.meta.vitest
 * import { Config, ConfigProvider, Effect } from "effect"
 * import { Client, Skein, Task } from "skein"
 *
 * const layer = Skein.layerConfig({
 *   concurrency: Config.Int("JOBS").pipe(Config.withDefault(4)),
 *   limits: { nesting: Config.Int("DEPTH") }
 * })
 *
 * const env = ConfigProvider.layer(ConfigProvider.fromEnv({ env: { JOBS: "2", DEPTH: "100" } }))
 * Client.compute(Task.succeed(1)).pipe(Effect.provide(layer), Effect.provide(env)) // => 1
 * ```
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = <H = never, EB = never, RB = never>(
  options: Config.Wrap<ConfigOptions>,
  backends?: Backends<H, EB, RB> & ([H] extends [never] ? unknown : { readonly fibers: unknown })
): Layer.Layer<Client | Scheduler | H, EB | Config.ConfigError, Exclude<RB, Client | Scheduler | Scope.Scope>> =>
  Layer.unwrap(Effect.gen(function*() {
    const { backend: word, ...own } = yield* Config.unwrap(options)
    const backend = word === undefined ? undefined : backendIn(word, namesOf(backends))
    if (word !== undefined && backend === undefined) {
      return yield* refusedBy(invalidOption("backend", word, `one of ${wordsFor(namesOf(backends))}`))
    }
    return yield* on(backend, { ...slotsOf(backend, own), ...said(own) }, backends)
  })) as any

/**
 * How many threads or processes: a number; `"cores"`, for one on each core that this process may use; or a negative number, as in
 * joblib: -1 means one on each core, -2 one fewer, and so on down to one.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Size = cores.Size

/**
 * The number that a size means on this machine. Its cores are those to which this process is bound, within the quota of its
 * container, rounded up.
 *
 * **Example** (All cores but one)
 *
 * ```ts import.meta.vitest
 * import { Skein } from "skein"
 *
 * const layer = Skein.layer({ concurrency: Skein.effectiveConcurrency(-2) })
 * Skein.effectiveConcurrency(4) // => 4
 * ```
 *
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const effectiveConcurrency = (size: Size): number => {
  const fault = valueFault(checkOf("\"cores\", or a whole number other than 0", cores.isSize), "size", size)
  if (fault !== undefined) throw fault
  return cores.countOf(size, cores.cores())
}

/**
 * Backends beside fibers that `SKEIN_BACKEND` may name, each as the layer that adds its workers to the scheduler.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Backends<H = never, E = never, R = never> {
  readonly [name: string]: (size: Size) => Layer.Layer<H, E, R>
}

/**
 * A scheduler with options and a backend from variables of the environment, and a client of it. `options` take precedence.
 *
 * **Details**
 *
 * A variable has the name of its option: `SKEIN_CONCURRENCY`, `SKEIN_PLACEMENT`, `SKEIN_GRACE`, `SKEIN_LIMITS_TASKS`,
 * `SKEIN_ELASTIC_MAX`, `SKEIN_RATE_STARTS`. Durations have a unit, as in `30 seconds`; `SKEIN_TAGS` and `SKEIN_SHARES` are pairs,
 * as in `db=2,api=4`. They are read through the `ConfigProvider` in context. A wrong value is a `ConfigError` that names the
 * variable and says what is expected. `workers`, `onStart` and functions come from code alone.
 *
 * `SKEIN_BACKEND` says where bodies run: `sequential`, one at a time; `fibers:8`, as fibers in so many slots; or a name of `backends`
 * with its size, such as `threads:cores`, `processes:4` or `threads:-1`. Without a size a backend has as many workers as there are
 * cores, and fibers have `SKEIN_CONCURRENCY` slots. If layers of `backends` give handlers, an entry `fibers` must give the
 * same ones: its layer is used for `sequential`, for `fibers`, and if the variable is not set.
 *
 * **Example** (Slots and a pool limit from the environment)
 *
 * ```ts import.meta.vitest
 * import { ConfigProvider, Effect } from "effect"
 * import { Scheduler, Skein } from "skein"
 *
 * const env = ConfigProvider.layer(ConfigProvider.fromEnv({ env: { SKEIN_BACKEND: "fibers:16", SKEIN_TAGS: "db=2" } }))
 * const program = Effect.map(Scheduler.stats, ({ tags, workers }) => [workers[0]!.slots, tags!["db"]!.limit])
 * program.pipe(Effect.provide(Skein.layerFromEnv()), Effect.provide(env)) // => [16, 2]
 * ```
 *
 * **Example** (Threads, if the environment says so)
 *
 * ```ts
 * import { Portable, Skein } from "skein"
 * import { Threads } from "skein/threads"
 * import type * as functions from "./work.ts"
 *
 * const work = Portable.module<typeof functions>()(new URL("./work.ts", import.meta.url))
 * export const layer = Skein.layerFromEnv({}, { threads: (size) => Threads.layer({ size, tasks: [work] }) })
 * // SKEIN_BACKEND=threads:cores node main.ts
 * ```
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerFromEnv = <
  E = never,
  R = never,
  H = never,
  EB = never,
  RB = never
>(
  options: Options<E, R> = {},
  backends?: Backends<H, EB, RB> & ([H] extends [never] ? unknown : { readonly fibers: unknown })
): Layer.Layer<
  Client | Scheduler | H,
  E | EB | Config.ConfigError,
  Exclude<R | RB, Client | Scheduler | Scope.Scope>
> => {
  return Layer.unwrap(Effect.gen(function*() {
    const backend = yield* backendFromEnvironment(namesOf(backends))
    const found = yield* fromEnvironment()
    const all = holdsValues(options) ? { ...found, ...slotsOf(backend, options), ...said(options) } : options
    return yield* on(backend, all, backends)
  })) as any
}

/** The names of all backends that may be meant. */
const namesOf = (backends: Backends<any, any, any> = {}): ReadonlyArray<string> => [
  ...new Set(["sequential", "fibers", ...Object.keys(backends)])
]

/** The layer with these options, on a backend. */
const on = <E, R>(
  backend: Backend | undefined,
  options: Options<E, R>,
  backends: Backends<any, any, any> = {}
): Effect.Effect<Layer.Layer<any, any, any>, Config.ConfigError> =>
  Effect.map(layerOf<E, R>(options), (layer) => {
    const more = backends[backend === undefined || backend.name === "sequential" ? "fibers" : backend.name]
    return more === undefined ? layer : Layer.provideMerge(more(backend?.size ?? "cores"), layer)
  })

/** The slots of a backend of fibers, unless the code says which workers there are. */
const slotsOf = (
  backend: Backend | undefined,
  { concurrency, elastic, workers }: Options<any, any>
): Options => {
  if ((concurrency ?? elastic ?? workers) !== undefined) return {}
  const size = backend?.name === "sequential" ? 1 : backend?.name === "fibers" ? backend.size : undefined
  return size === undefined ? {} : { concurrency: effectiveConcurrency(size) }
}

/** The layer with options that a configuration brings, where a wrong one is no mistake of the program. */
const layerOf = <E, R>(
  options: Options<E, R>
): Effect.Effect<Layer.Layer<Client | Scheduler, E, Exclude<R, Scope.Scope>>, Config.ConfigError> => {
  const mistake = internal.mistakeIn(options)
  return mistake === undefined ? Effect.succeed(layer(options)) : refusedBy(mistake)
}

const refusedBy = ({ message }: Error): Effect.Effect<never, Config.ConfigError> =>
  Effect.fail(new Config.ConfigError(new ConfigProvider.SourceError({ message })))

/**
 * One task at a time, in static order: the simplest deterministic backend, for tests and for debugging.
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerSequential: Layer.Layer<Client | Scheduler> = layer({ concurrency: 1 })
