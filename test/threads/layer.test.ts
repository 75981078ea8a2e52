/** Tasks of a scheduler in real threads. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, ConfigProvider, Effect, Fiber, Layer, Schedule } from "effect"
import * as TestClock from "effect/testing/TestClock"
import { readFileSync, writeFileSync } from "node:fs"
import { pathToFileURL } from "node:url"
import { Worker } from "node:worker_threads"
import type { WorkerOptions } from "node:worker_threads"
import { Client, Future, Portable, Scheduler, Skein, Task } from "../../src/index.ts"
import type { SkeinError } from "../../src/SkeinError.ts"
import { Threads } from "../../src/threads/index.ts"
import type { Options } from "../../src/threads/Threads.ts"
import { Greet, Missing } from "./files/names.ts"
import type * as nesting from "./files/nested.ts"
import type * as functions from "./files/work.ts"
import { endingWith, lines, temporary, threadsLeft, withWorkers } from "./pools.ts"

const url = (name: string): URL => new URL(`./files/${name}`, import.meta.url)

const work = Portable.module<typeof functions>()(url("work.ts"))
const { dieOnce, double, ends, exit, kept, lastOf, place, rows, spin, stall } = work.tasks

type Given = Partial<Options> & { readonly tasks?: ReadonlyArray<Portable.Any> }

/** Runs a program with threads, none of which is left afterwards. */
const withThreads = <A>(
  program: Effect.Effect<A, unknown, any>,
  options: Given = {},
  warnings: Array<string> = []
): Effect.Effect<A, unknown> => {
  const layer = Threads.layer({ size: 1, tasks: [work], ...options })
  return endingWith(program, withWorkers(layer as Workers, warnings), Effect.sync(threadsLeft))
}

type Workers = Layer.Layer<never, unknown, Scheduler.Scheduler>

/** The message of the failure of a layer. */
const failure = (options: Given): Effect.Effect<string> =>
  Effect.map(
    Effect.flip(withThreads(Effect.void, options)),
    (error) => (error as Error).message
  ) as Effect.Effect<string>

describe("tasks in threads", () => {
  it.live("K1, K2: the environment chooses threads for a program that names them", () =>
    Effect.gen(function*() {
      const layer = Skein.layerFromEnv({}, { threads: (size) => Threads.layer({ size, tasks: [work] }) })
      const env = (text: string) => ConfigProvider.layer(ConfigProvider.fromEnv({ env: { SKEIN_BACKEND: text } }))
      const workers = Effect.map(Scheduler.stats, ({ workers }) => workers.map(({ id }) => id))
      const program = Effect.all([Client.compute(double(4)), workers])
      const run = (text: string) => program.pipe(Effect.provide(layer, { local: true }), Effect.provide(env(text)))
      assert.deepStrictEqual(yield* run("threads:1"), [8, ["local", "threads-1"]])
      assert.deepStrictEqual(yield* run("sequential"), [8, ["local"]])
      assert.strictEqual(threadsLeft(), 0)
    }))

  it.live("K7: a large array that several tasks take is shared, and neither side loses its own", () =>
    withThreads(
      Effect.gen(function*() {
        const array = new Float64Array(50_000).fill(3)
        assert.deepStrictEqual(yield* Client.compute(ends(array, 0)), [false, 3, 3])
        const all = yield* Client.compute(Array.from({ length: 6 }, (_, i) => ends(array, i)))
        assert.deepStrictEqual(all, all.map(() => [true, 3, 3]))
        assert.strictEqual(array.length, 50_000)
        const [first, second] = yield* Client.compute([kept(), kept()])
        assert.deepStrictEqual([first.at(-1), second.at(-1)], [4, 4])
        assert.deepStrictEqual(yield* Client.compute([ends(kept(), 0)]), [[false, 4, 4]])
      }),
      { size: 2 }
    ))

  it.live("K7: large results go from thread to thread, and are values where they are read", () =>
    withThreads(
      Effect.gen(function*() {
        const made = yield* Client.submit(rows(5000))
        const ends = yield* Client.compute([lastOf(made, 1), lastOf(made, 2), Task.map(made, (rows) => rows.length)])
        assert.deepStrictEqual(ends, [5000, 5001, 5000])
        assert.deepStrictEqual((yield* Future.join(made)).at(-1), { id: 4999, name: "row 4999" })
      }),
      { size: 2 }
    ))

  it.live("K1: functions of a module run in several threads", () =>
    withThreads(
      Effect.gen(function*() {
        const values = yield* Client.compute(Array.from({ length: 100 }, (_, i) => double(i)))
        assert.deepStrictEqual(values, Array.from({ length: 100 }, (_, i) => 2 * i))
        const [there] = yield* Client.compute([place()])
        assert.notStrictEqual(there, `${process.pid}:0`)
      }),
      { size: 2 }
    ))

  it.live("K1: named tasks run in threads whose entry serves them, beside modules", () =>
    Effect.gen(function*() {
      const values = yield* withThreads(
        Client.compute([Greet({ name: "Ada" }), double(21)]),
        { tasks: [work, Greet], entry: url("entry.ts") }
      )
      assert.deepStrictEqual(values, ["Hello, Ada", 42])
    }))

  it.live("N1: a body in a thread submits functions, which run there, and named tasks, for which it gives its slot away", () =>
    Effect.gen(function*() {
      const parents = Portable.module<typeof nesting>()(url("nested.ts"))
      const result = yield* withThreads(Client.compute(parents.tasks.nested(21)), { tasks: [work, parents] })
      assert.deepStrictEqual(result, { isHere: true, twice: 42 })
    }))

  it.effect("W20: functions that a body in a thread submits go by the clock of the program", () =>
    Effect.gen(function*() {
      const parents = Portable.module<typeof nesting>()(url("nested.ts"))
      const program = Effect.gen(function*() {
        const running = yield* Effect.forkChild(Client.compute(parents.tasks.limited()))
        const turn = Effect.promise(() => new Promise((resume) => setImmediate(resume)))
        while (running.pollUnsafe() === undefined) {
          yield* turn
          yield* TestClock.adjust("1 second")
        }
        return yield* Fiber.join(running)
      })
      assert.strictEqual(yield* withThreads(program, { tasks: [parents] }), "late")
    }))

  it.live("W16: a pool runs the tasks that ask for it, by its name or as threads", () =>
    Effect.forEach([undefined, "cpu"], (id) =>
      withThreads(
        Effect.gen(function*() {
          const name = id ?? "threads"
          const { workers } = yield* Scheduler.stats
          assert.deepStrictEqual(workers.map(({ id }) => id), ["local", `${name}-1`])
          assert.strictEqual(yield* Client.compute(Task.withOptions(double(4), { workers: { labels: [name] } })), 8)
        }),
        { id }
      )))

  it.live("W16: a pool with a name of its own has the label of its kind too, and no label twice", () =>
    withThreads(
      Effect.gen(function*() {
        const seen = new Map<string, ReadonlyArray<string>>()
        const task = Task.withOptions(double(4), {
          workers: { labels: ["threads"] },
          locality: ({ id, labels }) => {
            seen.set(id, labels)
            return 1
          }
        })
        assert.strictEqual(yield* Client.compute(task), 8)
        assert.deepStrictEqual(seen.get("cpu-1"), ["cpu", "threads", "fast"])
      }),
      { id: "cpu", labels: ["fast", "threads", "cpu"] }
    ))

  it.live("W16, C13: a function of a module that a pool serves has no handler on fibers, and the failure says what to check", () =>
    withThreads(Effect.gen(function*() {
      const error = yield* Effect.flip(Client.compute(Task.withOptions(double(4), { key: "x", workers: ["local"] })))
      assert.strictEqual(
        error.message,
        "Task \"x\" needs a worker that is \"local\": there is none that takes tasks and can run it. " +
          "Check the names, and that its body can run there. " +
          "Add a worker with Scheduler.addWorker, or let the task wait with waitForWorkers."
      )
    })))

  it.live("W16: of two pools that serve different modules each runs its own, and a task that both serve runs in either", () =>
    Effect.gen(function*() {
      const parents = Portable.module<typeof nesting>()(url("nested.ts"))
      const first = Threads.layer({ size: 1, tasks: [work], id: "first" })
      const second = Threads.layer({ size: 1, tasks: [work, parents], id: "second" })
      const places = yield* Client.compute([
        Task.withOptions(place(), { workers: { labels: ["first"] } }),
        Task.withOptions(place(), { workers: { labels: ["second"] } }),
        ...Array.from({ length: 20 }, (_, i) => parents.tasks.nested(i)),
        ...Array.from({ length: 20 }, (_, i) => double(i))
      ]).pipe(Effect.provide(Layer.mergeAll(first, second).pipe(Layer.provideMerge(Skein.layer()))))
      assert.notStrictEqual(places[0], places[1])
      const twice = Array.from({ length: 20 }, (_, i) => 2 * i)
      assert.deepStrictEqual(places.slice(2, 22), twice.map((twice) => ({ isHere: true, twice })))
      assert.deepStrictEqual(places.slice(22), twice)
      assert.strictEqual(threadsLeft(), 0)
    }))

  it.live("W14: a thread retires after a number of tasks, and a fresh one takes its place", () =>
    withThreads(
      Effect.gen(function*() {
        const places = yield* Effect.forEach([1, 2, 3], () => Client.compute(place()))
        assert.strictEqual(new Set(places).size, 3)
      }),
      { maxTasks: 1, spare: true }
    ))

  it.live("W15: the layer of an entry is built in the thread, and closed with it", () =>
    Effect.gen(function*() {
      const file = yield* temporary
      process.env["SKEIN_TEST_CLOSED"] = file
      yield* withThreads(Client.compute(Greet({ name: "Ada" })), { tasks: [Greet], entry: url("entry.ts") })
      delete process.env["SKEIN_TEST_CLOSED"]
      assert.strictEqual(readFileSync(file, "utf8"), "closed\n")
    }))
})

describe("threads that are lost", () => {
  it.live("C8, W13: a spin is ended when its grace is over, with its thread, and the next task runs in another; that uses up no restart", () =>
    Effect.gen(function*() {
      const file = yield* temporary
      const warnings: Array<string> = []
      yield* withThreads(
        Effect.gen(function*() {
          for (const begun of [1, 2]) {
            yield* Effect.scoped(Effect.gen(function*() {
              yield* Client.submit(spin(file))
              yield* lines(file, begun)
            }))
          }
          assert.strictEqual(yield* Client.compute(double(2)), 4)
        }),
        { size: 1, restart: { times: 1, within: "1 hour" } },
        warnings
      )
      assert.notMatch(warnings.join("\n"), /is not replaced/)
      assert.match(
        warnings.join("\n"),
        /Worker "threads-1" was lost: its event loop has not turned since task "spin#1" was asked to stop/
      )
    }))

  it.live("F8, W13: a task that ends its thread runs again in a fresh one", () =>
    Effect.gen(function*() {
      const file = yield* temporary
      const warnings: Array<string> = []
      const program = Effect.gen(function*() {
        assert.strictEqual(yield* Client.compute(dieOnce(file)), "again")
      })
      yield* withThreads(program, {}, warnings)
      assert.match(warnings[0]!, /Worker "threads-1" was lost: something in it called process.exit\(3\)/)
    }))

  it.live("W13: when its restarts are used up, the log says that a thread is not replaced, and which option says so", () =>
    Effect.gen(function*() {
      const warnings: Array<string> = []
      const options = { size: 1, restart: { times: 1, within: "1 hour" } } as const
      yield* Effect.flip(withThreads(Client.compute(exit()), options, warnings))
      assert.match(
        warnings.join("\n"),
        /Worker "threads-1" is not replaced: its option restart allows at most 1 within 3600000 ms/
      )
    }))

  it.live("F8: a task that ends every thread is blamed", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        withThreads(Client.compute(exit()), { restart: { times: 9, within: "1 minute" } })
      )
      assert.match(String(error), /WorkerKilled|four|4/)
    }))

  it.live("W10: a thread whose event loop does not turn for its ttl is lost, and ended", () =>
    Effect.gen(function*() {
      const file = yield* temporary
      const warnings: Array<string> = []
      const error = yield* Effect.flip(withThreads(
        Client.compute(Task.withOptions(stall(file), { idempotent: false })),
        { ttl: "1 second" },
        warnings
      ))
      assert.strictEqual((error as SkeinError).reason._tag, "WorkerKilled")
      assert.match(warnings[0]!, /Worker "threads-1" was not heard for 1000 ms, its ttl/)
    }))

  it.live("W11: a thread whose event loop does not turn is told about", () =>
    Effect.gen(function*() {
      const file = yield* temporary
      const warnings: Array<string> = []
      yield* withThreads(
        Effect.scoped(Effect.gen(function*() {
          yield* Client.submit(stall(file))
          yield* Effect.sync(() => warnings.length).pipe(
            Effect.repeat({ until: (count) => count > 0, schedule: Schedule.spaced("2 millis") })
          )
        })),
        { stuck: "10 millis" },
        warnings
      )
      assert.match(warnings[0]!, /^Worker "threads-1" has let its event loop wait for 10 ms\./)
    }))
})

describe("threads that do not start", () => {
  it.live("X2: a module that cannot be loaded fails the layer, with the reason in words", () =>
    Effect.gen(function*() {
      const broken = (name: string): Given => ({ tasks: [Portable.module<{}>()(url(name))] })
      assert.match(
        yield* failure(broken("none.ts")),
        /^Worker "threads-1" was not started: .*none\.ts could not be loaded: .*Cannot find module/
      )
      assert.match(yield* failure(broken("throws.ts")), /throws\.ts could not be loaded: RangeError: at load/)
      assert.match(yield* failure(broken("silent.ts")), /silent\.ts exports no function/)
    }))

  it.live("X2: so does an entry that cannot be loaded, serves nothing, or lacks a task of the layer", () =>
    Effect.gen(function*() {
      const tasks = [Greet, Missing]
      assert.match(yield* failure({ tasks, entry: url("none.ts") }), /none\.ts could not be loaded/)
      const broken = yield* temporary
      writeFileSync(`${broken}.ts`, "enum A { b }\n")
      assert.match(
        yield* failure({ tasks, entry: pathToFileURL(`${broken}.ts`) }),
        /could not be loaded: SyntaxError: TypeScript enum is not supported.*\(.*file\.ts:1\)/
      )
      assert.match(yield* failure({ tasks, entry: url("silent.ts") }), /silent\.ts does not call Threads\.serve/)
      assert.match(
        yield* failure({ tasks, entry: url("entry.ts") }),
        /it serves "Greet", and not "Missing": give the layer of its handler to Threads\.serve/
      )
      const spawn = (options: WorkerOptions) => new Worker(url("silent.ts"), options)
      assert.match(yield* failure({ tasks, spawn }), /its entry came to its end without a call of Threads\.serve/)
    }))

  it.live("K8: where there can be no threads, fibers of this process run their tasks, after one warning", () =>
    Effect.gen(function*() {
      const warnings: Array<string> = []
      const spawn = () => {
        throw Object.assign(new Error("Access to this API has been restricted"), { code: "ERR_ACCESS_DENIED" })
      }
      const program = Client.compute([Greet({ name: "Ada" }), place()])
      const values = yield* withThreads(
        program,
        { size: 2, tasks: [work, Greet], entry: url("entry.ts"), spawn },
        warnings
      )
      assert.deepStrictEqual(values, ["Hello, Ada", `${process.pid}:0`])
      assert.deepStrictEqual(warnings, [
        "There can be no threads here, so their tasks run in this one and hold each other up: Error: Access to this API has been restricted"
      ])
    }))

  it.live("K8: a thread that the system refuses to start by an event is replaced by fibers too", () =>
    Effect.gen(function*() {
      const warnings: Array<string> = []
      // A thread whose start fails tells so when it would have begun.
      const spawn = () => {
        const worker = new Worker("", { eval: true })
        const error = Object.assign(new Error("Worker initialization failure: EAGAIN"), {
          code: "ERR_WORKER_INIT_FAILED"
        })
        setImmediate(() => worker.emit("error", error))
        return worker
      }
      const places = yield* withThreads(Client.compute([place(), place()]), { size: 2, spawn }, warnings)
      assert.deepStrictEqual(places, [`${process.pid}:0`, `${process.pid}:0`])
      assert.deepStrictEqual(warnings, [
        "There can be no threads here, so their tasks run in this one and hold each other up: " +
        "Error: Worker initialization failure: EAGAIN"
      ])
    }))

  it.effect("A10: wrong options are mistakes, before anything starts", () =>
    Effect.gen(function*() {
      const wrong = (options: object) =>
        Effect.map(Effect.sandbox(withThreads(Effect.void, options as Given)).pipe(Effect.flip), (cause) =>
          Cause.pretty(cause))
      assert.match(
        yield* wrong({ size: 0 }),
        /The option size cannot be 0: expected "cores", a positive whole number, or a negative one/
      )
      assert.match(
        yield* wrong({ tasks: [1] }),
        /The option tasks cannot be .*: expected an array of what Portable\.make and Portable\.module have made/
      )
      assert.match(yield* wrong({ stick: 1 }), /stick/)
    }))
})
