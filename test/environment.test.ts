import { assert, describe, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { constantCase } from "effect/String"
import { readFileSync } from "node:fs"
import * as Client from "skein/Client"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { variables } from "../src/internal/client/environment.ts"
import { checksOfLayers } from "../src/internal/client/layer.ts"
import { errorOf } from "./support.ts"

type Env = Readonly<Record<string, string>>

const under = (env: Env) => Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env })))

/** What an effect does in a layer with these variables. */
const within = <A, E>(
  env: Env,
  self: Effect.Effect<A, E, Client.Client | Scheduler.Scheduler>,
  options?: Skein.Options
) => self.pipe(Effect.provide(Skein.layerFromEnv(options), { local: true }), under(env))

const slots = Effect.map(Scheduler.stats, ({ workers }) => workers.map(({ slots }) => slots))

describe("Skein.layerFromEnv", () => {
  it.effect("K2: a layer takes its options from variables with their names", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* within({}, slots), [8])
      assert.deepStrictEqual(yield* within({ SKEIN_CONCURRENCY: "3" }, slots), [3])
      const tags = Effect.map(Scheduler.stats, ({ tags }) => tags)
      assert.deepStrictEqual(yield* within({ SKEIN_TAGS: "db=2, api=4" }, tags), {
        api: { limit: 4, used: 0 },
        db: { limit: 2, used: 0 }
      })
      const rate = Effect.map(Scheduler.stats, ({ rate }) => rate)
      assert.deepStrictEqual(yield* within({ SKEIN_RATE_STARTS: "10", SKEIN_RATE_PER: "2 seconds" }, rate), {
        starts: 10,
        perMillis: 2000,
        left: 10
      })
      const three = Client.compute([1, 2, 3].map((n) => Task.make(Effect.succeed(n))))
      const refused = yield* errorOf(within({ SKEIN_LIMITS_TASKS: "2" }, three))
      assert.include(refused.message, "The number of tasks")
      const pool = { SKEIN_ELASTIC_MIN: "2", SKEIN_ELASTIC_MAX: "5", SKEIN_ELASTIC_CONCURRENCY: "4" }
      assert.deepStrictEqual(yield* within(pool, slots), [4, 4])
    }))

  it.effect("K2: options in code take precedence over variables", () =>
    Effect.gen(function*() {
      const env = { SKEIN_CONCURRENCY: "3", SKEIN_STORIES: "10" }
      assert.deepStrictEqual(yield* within(env, slots, { concurrency: 5 }), [5])
      assert.deepStrictEqual(yield* within(env, slots, { concurrency: undefined }), [3])
    }))

  const wrong: ReadonlyArray<readonly [Env, string, string]> = [
    [{ SKEIN_CONCURRENCY: "many" }, "SKEIN_CONCURRENCY", "a positive whole number, or \"unbounded\""],
    [{ SKEIN_CONCURRENCY: "0" }, "SKEIN_CONCURRENCY", "a positive whole number, or \"unbounded\""],
    [
      { SKEIN_PLACEMENT: "best" },
      "SKEIN_PLACEMENT",
      "\"steady\", \"leastLoad\", \"lru\", \"plainRandom\", \"twoBin\", \"weighted\""
    ],
    [{ SKEIN_GRACE: "5" }, "SKEIN_GRACE", "a duration above zero, such as \"5 seconds\""],
    [{ SKEIN_TAGS: "db" }, "SKEIN_TAGS", "limits by name, such as a=2,b=4"],
    [{ SKEIN_TAGS: "host:*=2" }, "SKEIN_TAGS", "limits by name, such as a=2,b=4"],
    [{ SKEIN_RATE_STARTS: "5" }, "SKEIN_RATE_PER", "a duration above zero, such as \"5 seconds\""],
    [{ SKEIN_TAGS: "db=some" }, "SKEIN_TAGS", "limits by name, such as a=2,b=4"],
    [
      { SKEIN_LIMITS_DEPENDENCIES_LOST: "-1" },
      "SKEIN_LIMITS_DEPENDENCIES_LOST",
      "a positive whole number, or Infinity"
    ],
    [{ SKEIN_ELASTIC_MIN: "1", SKEIN_ELASTIC_MAX: "2" }, "SKEIN_ELASTIC_CONCURRENCY", "a positive whole number"],
    [
      { SKEIN_ELASTIC_MIN: "3", SKEIN_ELASTIC_MAX: "2", SKEIN_ELASTIC_CONCURRENCY: "1" },
      "SKEIN_ELASTIC_MIN",
      "a whole number from 0 to elastic.max"
    ],
    [{ SKEIN_BUDGET_TARGET: "9", SKEIN_BUDGET_PAUSE: "1" }, "SKEIN_BUDGET_TARGET", "no more than pause"]
  ]
  for (const [env, name, expected] of wrong) {
    it.effect(`Bad input: ${JSON.stringify(env)} fails and names ${name}`, () =>
      Effect.gen(function*() {
        const error = yield* errorOf(within(env, Effect.void))
        assert.instanceOf(error, Config.ConfigError)
        assert.include(error.message, expected)
        assert.include(error.message, `["${name}"]`)
      }))
  }

  it("K2: every option that a text can say has a variable, and docs/options.md lists them", () => {
    const read = new Set(variables().map(({ path: [option] }) => option))
    assert.deepStrictEqual(Object.keys(checksOfLayers).filter((option) => !read.has(option)), ["onStart", "workers"])
    const page = readFileSync("docs/options.md", "utf8")
    const listed = Array.from(
      page.matchAll(/^\| `(SKEIN_\w*)\.\.\.` +\|([^|]*)\|$/gm),
      ([, prefix, options]) =>
        Array.from(options!.matchAll(/`(\w+)`/g), ([, option]) => `${prefix}${constantCase(option!)}`)
    ).flat()
    assert.sameMembers(listed, variables().map(({ name }) => name))
  })
})

describe("SKEIN_BACKEND", () => {
  const three = Effect.map(
    Client.compute([1, 2, 3].map((n) => Task.make(Effect.as(Effect.yieldNow, n)))),
    (numbers) => numbers.length
  )

  it.effect("K2: names where bodies run: in sequence, or as fibers in so many slots", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* within({ SKEIN_BACKEND: "sequential" }, slots), [1])
      assert.deepStrictEqual(yield* within({ SKEIN_BACKEND: "fibers:3" }, slots), [3])
      assert.deepStrictEqual(yield* within({ SKEIN_BACKEND: "fibers" }, slots), [8])
      assert.deepStrictEqual(yield* within({ SKEIN_BACKEND: "fibers", SKEIN_CONCURRENCY: "5" }, slots), [5])
      assert.deepStrictEqual(yield* within({ SKEIN_BACKEND: "fibers:3", SKEIN_CONCURRENCY: "5" }, slots), [3])
      const [ofCores] = yield* within({ SKEIN_BACKEND: "fibers:cores" }, slots)
      assert.strictEqual(ofCores, Skein.effectiveConcurrency("cores"))
      assert.strictEqual(yield* within({ SKEIN_BACKEND: "sequential" }, three), 3)
    }))

  it.effect("K2: workers that the code says take precedence", () =>
    Effect.gen(function*() {
      const env = { SKEIN_BACKEND: "sequential" }
      assert.deepStrictEqual(yield* within(env, slots, { concurrency: 4 }), [4])
      assert.deepStrictEqual(yield* within(env, slots, { workers: [{ id: "a", concurrency: 2 }] }), [2])
    }))

  it.effect("K2: a name of the program adds the workers of its layer, with the size after it", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const backend = (name: string) => (size: Skein.Size) =>
        Layer.effectDiscard(Effect.andThen(
          Scheduler.addWorker({ id: `${name} of ${size}`, concurrency: 1 }),
          Effect.sync(() => seen.push(name))
        ))
      const layer = Skein.layerFromEnv({ concurrency: 2 }, { farm: backend("farm"), fibers: backend("fibers") })
      const ids = Effect.map(Scheduler.stats, ({ workers }) => workers.map(({ id }) => id))
      const under_ = (text: string) => ids.pipe(Effect.provide(layer, { local: true }), under({ SKEIN_BACKEND: text }))
      assert.deepStrictEqual(yield* under_("farm:-2"), ["local", "farm of -2"])
      assert.deepStrictEqual(yield* under_("farm"), ["local", "farm of cores"])
      assert.deepStrictEqual(yield* under_("sequential"), ["local", "fibers of cores"])
      assert.deepStrictEqual(seen, ["farm", "farm", "fibers"])
    }))

  for (const text of ["threads", "fibers:0", "fibers:many", "fibers:2:3", "sequential:2", "http://scheduler:8786"]) {
    it.effect(`K2: the backend ${JSON.stringify(text)} is refused, with the words that there are`, () =>
      Effect.gen(function*() {
        const error = yield* errorOf(within({ SKEIN_BACKEND: text }, Effect.void))
        assert.instanceOf(error, Config.ConfigError)
        assert.include(error.message, `one of "sequential", "fibers", "fibers:4", "fibers:cores", "fibers:-1"`)
        assert.include(error.message, `["SKEIN_BACKEND"]`)
      }))
  }

  it("A10: a size is a number of workers, all cores, or all but some", () => {
    const all = Skein.effectiveConcurrency("cores")
    assert.isAtLeast(all, 1)
    assert.strictEqual(Skein.effectiveConcurrency(-1), all)
    assert.strictEqual(Skein.effectiveConcurrency(7), 7)
    assert.strictEqual(Skein.effectiveConcurrency(-1000), 1)
    for (const size of [0, 1.5, Number.NaN, "all"]) {
      assert.throws(() => Skein.effectiveConcurrency(size as never), /a whole number other than 0/)
    }
  })
})

describe("Skein.layerConfig", () => {
  it.effect("K2: options are configs, one by one or as a whole", () =>
    Effect.gen(function*() {
      const layer = Skein.layerConfig({
        concurrency: Config.Int("JOBS"),
        tags: Config.succeed({ db: 2 }),
        limits: { nesting: Config.Int("DEPTH").pipe(Config.withDefault(10)) },
        placement: Config.Literals(["steady", "lru"], "PLACE").pipe(Config.withDefault("steady"))
      })
      assert.deepStrictEqual(yield* slots.pipe(Effect.provide(layer), under({ JOBS: "6" })), [6])
      const whole = Skein.layerConfig(Config.map(Config.Int("JOBS"), (concurrency): Skein.Options => ({ concurrency })))
      assert.deepStrictEqual(yield* slots.pipe(Effect.provide(whole), under({ JOBS: "7" })), [7])
      const error = yield* errorOf(Effect.provide(slots, layer).pipe(under({ JOBS: "six" })))
      assert.instanceOf(error, Config.ConfigError)
    }))

  it.effect("K2: the backend may be a config, in the words of SKEIN_BACKEND; another word is refused with these", () =>
    Effect.gen(function*() {
      const farm = (size: Skein.Size) =>
        Layer.effectDiscard(Scheduler.addWorker({ id: `farm of ${size}`, concurrency: 1 }))
      const backend = Config.String("WHERE").pipe(Config.withDefault(undefined))
      const of = (env: Env, options?: Skein.Options) =>
        Effect.map(Scheduler.stats, ({ workers }) => workers.map(({ id, slots }) => `${id} ${slots}`)).pipe(
          Effect.provide(Skein.layerConfig({ ...options, backend } as {}, { farm }), { local: true }),
          under(env)
        )
      assert.deepStrictEqual(yield* of({}), ["local 8"])
      assert.deepStrictEqual(yield* of({ WHERE: "fibers:3" }), ["local 3"])
      assert.deepStrictEqual(yield* of({ WHERE: "sequential" }), ["local 1"])
      assert.deepStrictEqual(yield* of({ WHERE: "farm:2" }), ["local 8", "farm of 2 1"])
      const own = Skein.layerConfig({ backend: Config.succeed("sequential"), concurrency: Config.succeed(4) })
      assert.deepStrictEqual(yield* Effect.provide(slots, own), [4])
      const error = yield* errorOf(of({ WHERE: "threads:2" }))
      assert.instanceOf(error, Config.ConfigError)
      assert.include(error.message, `one of "sequential", "fibers", "fibers:4", "fibers:cores", "fibers:-1", "farm", `)
    }))
})
