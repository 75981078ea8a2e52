import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Client from "skein/Client"
import * as Dependency from "skein/Dependency"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { defaultLimits } from "../src/engine/protocol/Settings.ts"
import { homeOfFuture } from "../src/internal/bodies/home.ts"
import type { Mistake } from "../src/internal/tasks/mistake.ts"
import { implOf } from "../src/internal/tasks/task.ts"
import { inScheduler, type Log, note } from "./harness.ts"
import { causeOf, defectsIn, errorsIn, mistakeOf } from "./support.ts"

/** What untyped code may give where something else belongs. */
const values = {
  "NaN": NaN,
  "-1": -1,
  "0": 0,
  "0.5": 0.5,
  "Infinity": Infinity,
  "a bigint": 5n,
  "true": true,
  "an empty string": "",
  "digits": "3",
  "an empty array": [],
  "an array": ["a"],
  "an empty record": {},
  "a record": { strange: 1 },
  "null": null,
  "a function": () => 1,
  "a symbol": Symbol("s"),
  "a Map": new Map([["a", 1]]),
  "a Date": new Date(0)
}

type Value = keyof typeof values

const all = Object.keys(values) as ReadonlyArray<Value>

/** Which of the values an option takes. */
type Taken<O> = Readonly<Record<keyof Required<O>, ReadonlyArray<Value>>>

const nothing: ReadonlyArray<Value> = []
const lengths = ["0.5", "Infinity", "a bigint"] as const
const orNone = [...lengths, "0"] as const
const names = ["an empty string", "digits"] as const
const flags = ["true"] as const

const terms: Taken<Skein.WorkerTerms> = {
  ttl: lengths,
  restart: nothing,
  maxTasks: nothing,
  maxAge: lengths,
  onStart: nothing
}

const scheduling: Taken<Skein.SchedulingOptions> = {
  sourceSaturation: ["0.5", "Infinity"],
  budget: nothing,
  aging: nothing,
  rate: nothing,
  shares: ["an empty record", "a record"]
}

const layers: Taken<Skein.Options> = {
  ...terms,
  ...scheduling,
  concurrency: nothing,
  highWaterMark: ["0"],
  placement: ["a function"],
  workers: nothing,
  tags: ["an empty record", "a record"],
  elastic: nothing,
  limits: ["an empty record"],
  grace: lengths,
  computationWindow: orNone,
  waitForWorkers: orNone,
  stories: nothing
}

const workers: Taken<Skein.WorkerOptions> = {
  ...terms,
  id: ["digits"],
  concurrency: nothing,
  resources: ["an empty record", "a record"],
  labels: ["an empty array", "an array"],
  highWaterMark: ["0"]
}

const pools: Taken<Skein.ElasticOptions> = {
  ...terms,
  min: ["0"],
  max: nothing,
  concurrency: nothing,
  idle: lengths,
  id: ["digits"]
}

const restarts: Taken<Skein.RestartOptions> = { times: ["Infinity"], within: lengths, minRunTime: orNone }

const levels = ["0", "0.5", "Infinity"] as const

const budgets: Taken<Skein.BudgetOptions> = { target: levels, pause: levels, sizeOf: ["a function"] }

const regions: Taken<Client.Annotations> = {
  label: names,
  priority: ["-1", "0", "0.5"],
  share: ["digits"],
  namespace: ["digits"],
  retry: ["an empty record"],
  grace: lengths,
  idempotent: flags
}

const tasks: Taken<Task.Options> = {
  key: ["digits"],
  label: names,
  priority: regions.priority,
  // Of a task that has neither a key nor a name.
  pure: nothing,
  after: ["an empty array"],
  follow: ["an empty array"],
  timeout: lengths,
  deadline: lengths,
  dependencyTimeout: lengths,
  grace: lengths,
  retry: ["an empty record"],
  idempotent: flags,
  workers: ["an array"],
  // Without what they are about.
  allowOthers: nothing,
  keepResources: nothing,
  locality: ["a function"],
  resources: ["an empty record", "a record"],
  tags: ["an array"],
  inline: flags,
  waitForWorkers: orNone
}

const submissions: Taken<Client.SubmitOptions> = { cache: ["a Map"], passes: ["an empty array"], conflict: nothing }

const computes: Taken<Client.ComputeOptions> = {
  ...submissions,
  mode: nothing,
  callbacks: ["an empty record"]
}

const everywhere: Taken<Scheduler.RunOnEachOptions> = { mode: nothing, label: names }

const waits: Taken<Scheduler.AwaitWorkersOptions> = { connectTimeout: orNone, stableTimeout: orNone }

const rates: Taken<Skein.Rate> = { starts: nothing, per: lengths }

const pauses: Taken<Scheduler.PauseOptions> = { tag: ["digits"], group: ["digits"], for: orNone }

const joinings: Taken<Future.JoinAllOptions> = { mode: nothing }

const callbacks: Taken<Client.Callbacks> = {
  start: ["a function"],
  startState: ["a function"],
  beforeTask: ["a function"],
  afterTask: ["a function"],
  onExit: ["a function"]
}

type Given = Readonly<Record<string, any>>

const one = { id: "a", concurrency: 1 }
const pool = { min: 0, max: 1, concurrency: 1 }

const layered = (options: Given) => Effect.provide(Effect.void, Skein.layer(options))

/** Those that leave have their names for a while. */
let added = 0

const noting = (log: Log) => Task.make(note(log, "ran"))

const withFuture = (use: (future: Future.Future<void>) => Effect.Effect<unknown, unknown, any>) =>
  Effect.flatMap(Client.submit(Task.make(Effect.void)), use)

/** Everything that takes options, and what it does with them. */
const takers: ReadonlyArray<
  readonly [string, Taken<any>, (options: Given, log: Log) => Effect.Effect<unknown, unknown, any>]
> = [
  ["a layer", layers, layered],
  ["a worker of a layer", workers, (options) => layered({ workers: [{ ...one, ...options }] })],
  [
    "a worker that is added",
    workers,
    (options) => Scheduler.addWorker({ id: `${++added} more`, concurrency: 1, ...options })
  ],
  ["a pool", pools, (options) => layered({ elastic: { ...pool, ...options } })],
  ["a restart", restarts, (options) => layered({ restart: { times: 1, within: 1, ...options } })],
  ["a budget", budgets, (options) => layered({ budget: { pause: Infinity, ...options } })],
  ["a task", tasks, (options, log) => Client.compute(Task.make(note(log, "ran"), { label: "x", ...options }))],
  ["a region", regions, (options, log) => Client.annotate(Client.compute(noting(log)), options)],
  ["a compute", computes, (options, log) => Client.compute(noting(log), options)],
  ["a map", computes, (options, log) => Client.forEach([1], () => note(log, "ran"), options)],
  ["a submission", submissions, (options, log) => Client.submit(noting(log), options)],
  ["callbacks", callbacks, (options, log) => Client.compute(noting(log), { callbacks: options })],
  ["runOnEach", everywhere, (options, log) => Scheduler.runOnEach(note(log, "ran"), options)],
  ["a joinAll", joinings, (options) => withFuture((future) => Future.joinAll([future], options))],
  ["awaitWorkers", waits, (options) => Scheduler.awaitWorkers(1, options)],
  ["a rate of a layer", rates, (options) => layered({ rate: { starts: 1, per: 1, ...options } })],
  ["a rate of a tag", rates, (options) => layered({ tags: { a: { rate: { starts: 1, per: 1, ...options } } } })],
  ["a pause", pauses, (options) => Effect.andThen(Scheduler.pause(options), Scheduler.resume())]
]

/** Why options were refused, if they were. */
const refusalOf = (effect: Effect.Effect<unknown, unknown, any>) =>
  Effect.map(
    Effect.exit(Effect.scoped(effect as Effect.Effect<unknown, unknown>)),
    (exit) =>
      Exit.isSuccess(exit)
        ? undefined
        : [...errorsIn(exit.cause), ...defectsIn(exit.cause)].find(isAboutOption)?.reason.option
  )

const isAboutOption = (error: unknown): error is Mistake => Cause.isIllegalArgumentError(error)

describe("options", () => {
  for (const [taker, options, use] of takers) {
    for (const [option, taken] of Object.entries(options)) {
      const some = taken.length === 0 ? "none" : taken.join(", ")
      it.effect(`Bad input: of values of all sorts ${option} of ${taker} takes ${some}, and is refused by name for the rest`, () =>
        Effect.gen(function*() {
          const log: Log = []
          for (const value of all) {
            const refused = yield* refusalOf(use({ [option]: values[value] }, log))
            if (taken.includes(value)) assert.isUndefined(refused, value)
            else {
              assert.include(refused ?? "nothing", option, value)
              assert.deepStrictEqual(log, [], value)
            }
            log.length = 0
          }
        }).pipe(inScheduler({ workers: [one] })))
    }
  }

  const wholes: ReadonlyArray<readonly [string, (options: any) => Effect.Effect<unknown, unknown, any>]> = [
    ["a layer", layered],
    ["a task", (options) => Client.compute(Task.map([], () => 1, options))],
    ["other options of a task", (options) => Client.compute(Task.withOptions(noting([]), options))],
    ["a region", (options) => Client.annotate(Client.compute(noting([])), options)],
    ["a compute", (options) => Client.compute(noting([]), options)],
    ["a submission", (options) => Client.submit(noting([]), options)],
    ["runOnEach", (options) => Scheduler.runOnEach(Effect.void, options)],
    ["awaitWorkers", (options) => Scheduler.awaitWorkers(1, options)],
    ["Task.run", (options) => Task.run(noting([]), options)]
  ]
  for (const [taker, use] of wholes) {
    it.effect(`Bad input: what is no record is refused as the options of ${taker}, but for an index`, () =>
      Effect.gen(function*() {
        for (const value of ["true", "an empty string", "an empty array", "null", "a symbol", "a Map"] as const) {
          assert.strictEqual(yield* refusalOf(use(values[value])), "options", value)
        }
        assert.isUndefined(yield* refusalOf(use(0)))
      }).pipe(inScheduler()))
  }

  const missing: ReadonlyArray<readonly [string, Given]> = [
    ["elastic.min", { elastic: { max: 1, concurrency: 1 } }],
    ["elastic.max", { elastic: { min: 0, concurrency: 1 } }],
    ["elastic.concurrency", { elastic: { min: 0, max: 1 } }],
    ["restart.times", { restart: { within: 1 } }],
    ["concurrency of worker \"a\"", { workers: [{ id: "a" }] }],
    ["budget", { budget: { sizeOf: () => 1 } }],
    ["budget.target", { budget: { target: 2, pause: 1 } }],
    ["shares.a", { shares: { a: Infinity } }],
    ["tags.a", { tags: { b: 1, a: undefined } }],
    ["limits.live", { limits: { live: 0 } }]
  ]
  for (const [option, options] of missing) {
    it.effect(`Bad input: a layer is refused for ${option}`, () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* refusalOf(layered(options)), option)
      }))
  }

  it.effect("Bad input: a limit that is undefined is the one that holds unless told", () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(Task.succeed(1))
      const { nesting, tasks } = homeOfFuture(implOf(future)).limits
      assert.deepStrictEqual([nesting, tasks], [defaultLimits.nesting, 5])
    }).pipe(Effect.scoped, inScheduler({ limits: { tasks: 5, nesting: undefined } as object })))

  it.effect("Bad input: options of a class of one's own are options, by name", () =>
    Effect.gen(function*() {
      class Settings {
        readonly concurrency = 2
        readonly limits = new (class Limits {
          readonly tasks = 5
        })()
      }
      assert.isUndefined(yield* refusalOf(layered(new Settings() as object)))
      assert.strictEqual(
        yield* refusalOf(layered(
          new (class extends Settings {
            readonly slots = 1
          })() as object
        )),
        "slots"
      )
    }))

  it.effect("Bad input: a duration of units that are none is refused", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* refusalOf(layered({ grace: { second: 5 } })), "grace")
      assert.strictEqual(yield* refusalOf(layered({ waitForWorkers: { seconds: NaN } })), "waitForWorkers")
      assert.isUndefined(yield* refusalOf(layered({ grace: { seconds: 5, milliseconds: undefined } })))
    }))
})

describe("other arguments", () => {
  it.effect("Bad input: what is no effect is refused by runOnEach before anything starts, in words", () =>
    Effect.gen(function*() {
      const log: Log = []
      yield* Scheduler.listen(({ key }) => log.push(key))
      const failing = Promise.reject(new Error("nobody sees it"))
      for (const [body, found] of [[5, "5"], [() => 1, "() => 1"], [failing, "a Promise"]] as const) {
        const [defect] = defectsIn(yield* causeOf(Scheduler.runOnEach(body as unknown as Effect.Effect<void>)))
        assert.include(String(defect), `The effect of Scheduler.runOnEach is ${found} instead of an Effect`)
      }
      assert.deepStrictEqual(log, [])
    }).pipe(inScheduler()))

  it.effect("Bad input: a tag that is no name is refused by limitTag", () =>
    Effect.gen(function*() {
      for (const tag of ["", 5, 5n, null]) {
        assert.deepInclude((yield* mistakeOf(Scheduler.limitTag(tag as string, 1))).reason, { option: "tag" })
      }
    }).pipe(inScheduler()))

  it.effect("Bad input: what is no function is a defect of listen that says so", () =>
    Effect.gen(function*() {
      const f = 5 as never
      for (const [listen, name] of [[Scheduler.listen(f), "f"], [Scheduler.listen(() => {}, f), "end"]] as const) {
        const [defect] = defectsIn(yield* causeOf(listen))
        assert.deepInclude((defect as Mistake).reason, { option: `${name} of listen`, value: 5 })
      }
    }).pipe(inScheduler()))

  it.effect("Bad input: what is no array is refused by submitAll and retryAll", () =>
    Effect.gen(function*() {
      const submitted = yield* mistakeOf(Client.submitAll(5 as never))
      assert.strictEqual(submitted.message, "The request cannot use 5: it is no array, record, set or graph of tasks.")
      const retried = yield* mistakeOf(Client.retryAll(null as never))
      assert.strictEqual(retried.message, "The request cannot use null: it is no array of futures.")
    }).pipe(inScheduler()))
})

describe("replaced options", () => {
  const body = Effect.succeed(1)
  const member = Task.make(body)

  it.effect("Bad input: a wrong part of an option goes when the whole option is replaced", () =>
    Effect.gen(function*() {
      const wrong = Task.make(body, { resources: { gpu: 0 }, after: Dependency.atLeast(0, [member]), tags: [] })
      const one = Task.withOptions(wrong, { resources: { gpu: 1 } })
      assert.deepInclude((yield* mistakeOf(Client.compute(one))).reason, { option: "count of Dependency.atLeast" })
      const two = Task.withOptions(one, { after: Dependency.any([member]) })
      assert.deepInclude((yield* mistakeOf(Client.compute(two))).reason, { option: "tags" })
      assert.strictEqual(yield* Client.compute(Task.withOptions(two, { tags: ["db"] })), 1)
    }).pipe(inScheduler({ workers: [{ id: "a", concurrency: 1, resources: { gpu: 1 } }] })))

  it.effect("W5: resources that are replaced by none are none", () =>
    Effect.gen(function*() {
      const greedy = Task.make(body, { resources: { gpu: 1 }, keepResources: true })
      const modest = Task.withOptions(greedy, { resources: {} })
      assert.deepInclude((yield* mistakeOf(Client.compute(modest))).reason, { option: "keepResources" })
      assert.strictEqual(yield* Client.compute(Task.withOptions(modest, { keepResources: false })), 1)
    }).pipe(inScheduler()))
})
