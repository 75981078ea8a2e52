import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import * as Client from "skein/Client"
import * as Dependency from "skein/Dependency"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import { DependencyFailed, TaskInfo } from "skein/SkeinError"
import * as Task from "skein/Task"
import * as TaskGraph from "skein/TaskGraph"
import { Faults, Simulation } from "skein/testing"
import * as Worker from "skein/Worker"
import { references } from "../scripts/order-table.ts"
import { ambientIn } from "../src/internal/bodies/ambient.ts"
import type { Compiled } from "../src/internal/bodies/livePlan.ts"
import { compile, nobody } from "../src/internal/plans/compile.ts"
import type { TaskImpl } from "../src/internal/tasks/task.ts"
import { Chance } from "./chance.ts"
import { endless, inScheduler, type Log, note, turns } from "./harness.ts"
import { longOr } from "./long.ts"
import { errorOf, infoOf, mistakeOf } from "./support.ts"

type Passes = ReadonlyArray<Client.Pass>

const none: Passes = []
const fuse: Passes = ["fuse"]
const inline: Passes = ["inline"]
const both: Passes = ["inline", "fuse"]

/** How many tasks a computation has become. */
const counted = <A, E, R>(
  compute: (options: { readonly callbacks: Client.Callbacks }) => Effect.Effect<A, E, R>
): Effect.Effect<readonly [A, number], E, R> =>
  Effect.suspend(() => {
    let count = 0
    return Effect.map(
      compute({ callbacks: { startState: (tasks) => void (count += tasks) } }),
      (value) => [value, count] as const
    )
  })

/** What a cause says, without what tells one run from another: stacks, and the numbers of automatic keys. */
const told = (cause: Cause.Cause<unknown>): unknown => ({
  info: plain(infoOf(cause)),
  reasons: cause.reasons.map((reason) => ({
    tag: reason._tag,
    info: plain(Context.getOrUndefined(Context.makeUnsafe<TaskInfo>(reason.annotations), TaskInfo)),
    error: Cause.isFailReason(reason) ? toldOf(reason.error) : Cause.isDieReason(reason) ? String(reason.defect) : "-"
  }))
})

const toldOf = (error: unknown): unknown =>
  error instanceof DependencyFailed
    ? plain({
      key: error.key,
      label: error.label,
      root: error.root,
      path: error.path,
      message: error.message,
      cause: told(error.cause),
      error: toldOf(error.error)
    })
    : error instanceof Error
    ? error.message
    : error

const plain = (value: unknown): unknown =>
  value === undefined ? undefined : JSON.parse(JSON.stringify(value).replaceAll(/#\d+(\.\d+)?/g, "#"))

const toldExit = (exit: Exit.Exit<unknown, unknown>): unknown =>
  Exit.isSuccess(exit) ? { value: toldValue(exit.value) } : told(exit.cause)

/** A value in which exits are told. */
const toldValue = (value: unknown): unknown => {
  if (Exit.isExit(value)) return toldExit(value)
  if (Array.isArray(value)) return value.map(toldValue)
  return value
}

/** What a program gives without passes and with `passes`, in schedulers of their own. */
const compared = Effect.fnUntraced(function*(
  program: (passes: Passes) => Effect.Effect<unknown, unknown, any>,
  passes: Passes = fuse,
  options?: Skein.Options
) {
  const run = (passes: Passes) => Effect.map(Effect.exit(program(passes)), toldExit).pipe(inScheduler(options))
  const expected = yield* run(none)
  assert.deepStrictEqual(yield* run(passes), expected)
  return (expected as { readonly value?: unknown }).value
})

describe("policies and skips", () => {
  const cheap = Task.make(Effect.succeed(1), { key: "cheap", inline: true })
  const bad = Task.make(Effect.fail("no"), { key: "bad" })

  it.effect("G13, D13: what a policy counts is not inlined", () =>
    Effect.gen(function*() {
      const enough = Dependency.any([bad, cheap])
      const hosts = [
        Task.make({ enough }, ({ enough }) => Effect.succeed(enough.map((exit) => exit?._tag))),
        Task.make(Effect.succeed("after"), { after: enough }),
        Task.make(Effect.succeed("follow"), { follow: enough }),
        Task.make(Effect.succeed("all"), { follow: [cheap] })
      ]
      for (const host of hosts) {
        const plainly = yield* Client.compute(host)
        assert.deepStrictEqual(yield* Client.compute(host, { passes: both }), plainly)
      }
    }).pipe(inScheduler()))

  it.effect("G13, G19: a skipped part of a fused task is the root of that", () =>
    Effect.gen(function*() {
      const a = Task.make(Effect.andThen(Effect.yieldNow, Worker.skip), { key: "a" })
      const b = Task.make(a, (value) => Effect.succeed(value), { key: "b" })
      const c = Task.make(b, (value) => Effect.succeed(value), { key: "c" })
      const d = Task.make({ c, z: Task.make(Effect.void) }, ({ c }) => Effect.succeed(c), { key: "d" })
      for (const passes of [none, both]) {
        for (const task of [c, d]) {
          const key = task === c ? "c" : "d"
          const cause = yield* Effect.flip(Effect.sandbox(Client.compute(task, { passes })))
          const { error } = cause.reasons[0] as Cause.Fail<unknown>
          assert.deepInclude(error, { _tag: "TaskSkipped", key, root: "a" })
          assert.deepInclude(infoOf(cause), { key, root: "a", path: ["a", "b", "c", "d"].slice(0, task === c ? 3 : 4) })
        }
      }
    }).pipe(inScheduler()))

  it.effect("G13: tasks that are after another without a policy are fused", () =>
    Effect.gen(function*() {
      const first = Task.make(Effect.void)
      const task = Task.make(Effect.succeed(2), { after: first })
      const [value, count] = yield* counted((options) => Client.compute(task, { ...options, passes: fuse }))
      assert.deepStrictEqual([value, count], [2, 1])
    }).pipe(inScheduler()))
})

describe("fuse", () => {
  const log: Log = []
  const step = (name: string, before: ReadonlyArray<Task.Task<number>>, options: Task.Options = {}) =>
    Task.map(before, (values) => {
      log.push(name)
      return values.reduce((a, b) => a + b, 1)
    }, { key: name, ...options }) as Task.Task<number>

  it.effect("G13: a chain is one task with one start, and its bodies run once each, in order", () =>
    inScheduler()(Effect.gen(function*() {
      // a -> b -> c -> d
      const [a, b] = [step("a", []), Task.make([step("a2", [])], ([n]) => Effect.sync(() => (log.push("b"), n + 1)))]
      const c = step("c", [a])
      const d = step("d", [c])
      for (const [passes, tasks] of [[none, 5], [fuse, 2]] as const) {
        log.length = 0
        const started: Array<string> = []
        const [values, count] = yield* counted(({ callbacks }) =>
          Client.compute([d, b], {
            passes,
            callbacks: { ...callbacks, beforeTask: (key) => void started.push(key) }
          })
        )
        assert.deepStrictEqual(values, [3, 2])
        assert.strictEqual(count, tasks)
        assert.lengthOf(started, tasks)
        assert.deepStrictEqual(log.toSorted(), ["a", "a2", "b", "c", "d"])
      }
    })))

  it.effect("G13: what is asked for, what two need, and what needs two stay tasks of their own", () =>
    inScheduler()(Effect.gen(function*() {
      //  a -> b -> c -> e
      //        \-> d -/      c is asked for too
      const b = step("b", [step("a", [])])
      const c = step("c", [b])
      const e = step("e", [c, step("d", [b])])
      const [values, count] = yield* counted((options) => Client.compute({ c, e }, { passes: fuse, ...options }))
      assert.deepStrictEqual(values, { c: 3, e: 7 })
      // Only a and b are one.
      assert.strictEqual(count, 4)
    })))

  it.effect("G13: what has a schedule, a limit, a resource, or shares its run is not fused, and neither is what asks for more than its neighbours", () =>
    inScheduler()(Effect.gen(function*() {
      const pure = Task.fn((n: number) => n + 1, { name: "pure", pure: true })
      const over = (middle: (before: Task.Task<number>) => Task.Task<number, unknown>) =>
        step("last", [step("next", [middle(step("first", [])) as Task.Task<number>])])
      const middles: ReadonlyArray<
        readonly [count: number, middle: (n: Task.Task<number>) => Task.Task<number, unknown>]
      > = [
        [1, (n) => step("m", [n])],
        [1, (n) => step("m", [n], { label: "l" })],
        [3, (n) => step("m", [n], { retry: Schedule.recurs(1) })],
        [3, (n) => step("m", [n], { timeout: "1 hour" })],
        [3, (n) => step("m", [n], { deadline: "1 hour" })],
        [3, (n) => step("m", [n], { dependencyTimeout: "1 hour" })],
        [3, (n) => step("m", [n], { priority: 1 })],
        [3, (n) => step("m", [n], { idempotent: false })],
        [3, (n) => step("m", [n], { workers: ["local"] })],
        [3, (n) => Task.flatMap([n], ([n]) => Task.succeed(n + 1))],
        [3, (n) => Task.resource([n], ([n]) => Effect.succeed(n + 1))],
        // What comes before it runs with it: whoever shares the run finds it by its key.
        [2, (n) => pure(n)]
      ]
      for (const [tasks, middle] of middles) {
        const [value, count] = yield* counted((options) => Client.compute(over(middle), { passes: fuse, ...options }))
        assert.deepStrictEqual([value, count], [4, tasks], String(middle))
      }
      const alike = { priority: 2, workers: ["local"], grace: "1 second" } as const
      const chain = step("last", [step("first", [], alike)], alike)
      const [, count] = yield* counted((options) => Client.compute(chain, { passes: fuse, ...options }))
      assert.strictEqual(count, 1)
    })))

  it.effect("G13: a failing part is reported under its own key and label, whichever it is, wherever it is seen", () =>
    Effect.gen(function*() {
      const failures: ReadonlyArray<Effect.Effect<never, unknown>> = [
        Effect.fail("sad"),
        Effect.die(new Error("bug")),
        Effect.fail({ _tag: "Typed" })
      ]
      for (const failure of failures) {
        for (const failing of ["a", "b", "c", "d"]) {
          const body = (name: string) => (): Effect.Effect<number, unknown> =>
            name === failing ? failure : Effect.succeed(1)
          const make = (name: string, before: ReadonlyArray<Task.Task<number, unknown>>) =>
            Task.make(before, body(name), { key: name, label: `label of ${name}` })
          // a -> b -> c -> d -> [e, f, exit of d], of which f has no key
          const d = make("d", [make("c", [make("b", [make("a", [])])])])
          const e = make("e", [d])
          const f = Task.map(d, (n) => n, { label: "f" })
          const exit = Task.exit(d)
          for (const mode of ["failFast", "continue", "collect"] as const) {
            yield* compared((passes) => Client.compute([d, e, f, exit], { mode, passes }))
            // And where nobody else needs the end of the chain.
            yield* compared((passes) => Client.compute(e, { mode, passes }))
            yield* compared((passes) => Client.compute([f, exit], { mode, passes }))
          }
        }
      }
    }))

  it.effect("G13: the schedule and the grace of a region hold for each part; none runs again for another", () =>
    Effect.gen(function*() {
      const program = Effect.fnUntraced(function*(passes: Passes) {
        const log: Log = []
        const flaky = (name: string, failures: number, before: ReadonlyArray<Task.Task<unknown, unknown>>) =>
          Task.make(before, () =>
            Effect.flatMap(Worker.current, ({ attempt, key }) => {
              log.push(`${key} ${attempt}`)
              return attempt <= failures ? Effect.fail(`${name} ${attempt}`) : Effect.succeed(name)
            }), { key: name })
        const chain = flaky("c", 2, [flaky("b", 0, [flaky("a", 1, [])])])
        const region = { retry: Schedule.recurs(2) }
        const value = yield* Client.annotate(Client.compute(chain, { passes }), region)
        const failing = yield* Effect.exit(Client.annotate(
          Client.compute(flaky("g", 0, [flaky("f", 3, [flaky("e", 2, [])])]), { passes }),
          region
        ))
        return [value, toldExit(failing), log]
      })
      const [, , log] = (yield* compared(program)) as [unknown, unknown, Log]
      assert.deepStrictEqual(log, ["a 1", "a 2", "b 1", "c 1", "c 2", "c 3", "e 1", "e 2", "e 3", "f 1", "f 2", "f 3"])
    }))

  it.effect("G13: a part that gives its place up runs again alone, and others go first", () =>
    compared(
      (passes) =>
        Effect.gen(function*() {
          const log: Log = []
          const polite = Task.make(
            [Task.map([], () => log.push("a"))],
            () => Effect.suspend(() => log.push("b") === 2 ? Worker.reschedule : Effect.void)
          )
          const other = Task.map([], () => log.push("other"))
          yield* Client.compute([Task.map(polite, () => log.push("c")), other], { passes })
          return log
        }),
      fuse,
      { concurrency: 1 }
    ).pipe(
      Effect.map((log) => assert.deepStrictEqual(log, ["a", "b", "other", "b", "c"]))
    ))

  it.effect("G13: what a part acquires and submits ends with it, before the next begins", () =>
    compared(
      (passes) =>
        Effect.gen(function*() {
          const log: Log = []
          const opens = (name: string) =>
            Effect.gen(function*() {
              yield* Effect.acquireRelease(note(log, `open ${name}`), () => note(log, `close ${name}`))
              yield* Client.submit(Task.make(endless(log, `child of ${name}`)))
              yield* turns()
              return (yield* Worker.current).key
            })
          const a = Task.make([], () => opens("a"), { key: "a" })
          const b = Task.make(a, () => opens("b"), { key: "b" })
          const c = Task.make(b, (key) => Effect.as(opens("c"), key), { key: "c" })
          return [yield* Client.compute(c, { passes }), ...log]
        }),
      fuse,
      { concurrency: 2 }
    ).pipe(
      Effect.map((log) =>
        assert.deepStrictEqual(
          log,
          [
            "b",
            ...["a", "b", "c"].flatMap((name) => [
              `open ${name}`,
              `child of ${name} starts`,
              `child of ${name} is finalized`,
              `close ${name}`
            ])
          ]
        )
      )
    ))

  it.effect("G13: a finalizer of a part that dies is a failure of that part", () =>
    compared((passes) => {
      const a = Task.make([], () => Effect.addFinalizer(() => Effect.die("finalizer")), { key: "a" })
      const b = Task.map(a, () => 1, { key: "b" })
      return Client.compute(b, { passes })
    }))

  it.effect("G13: a part that waits gives the slot away, and takes it again before the next", () =>
    compared(
      (passes) =>
        Effect.gen(function*() {
          const fib = (n: number): Task.Task<number, any, any> =>
            n < 2 ? Task.succeed(n) : Task.map(
              Task.make([Task.succeed(n)], ([n]) => Client.compute([fib(n - 1), fib(n - 2)], { passes })),
              ([a, b]) => a + b
            )
          const away = Task.make([], () => Worker.secede)
          const after = Task.make(away, () => Effect.map(Worker.current, ({ id }) => id))
          return yield* Client.compute([fib(10), after], { passes })
        }),
      fuse,
      { concurrency: 1 }
    ).pipe(Effect.map((values) => assert.deepStrictEqual(values, [55, "local"]))))

  it.effect("G13: a cancelled chain stops at its part, and no further one runs", () =>
    compared((passes) =>
      Effect.gen(function*() {
        const log: Log = []
        const chain = Task.make(Task.make(note(log, "a")), () => endless(log, "b"), { key: "b" })
        const future = yield* Client.submit(Task.map(chain, () => log.push("c"), { key: "c" }), { passes })
        yield* turns()
        yield* Future.cancel(future, { by: "me" })
        // Its annotations say that the chain had begun.
        return [String(yield* errorOf(Future.join(future))), ...log]
      })
    ).pipe(
      Effect.map((found) => assert.deepStrictEqual((found as Log).slice(1), ["a", "b starts", "b is finalized"]))
    ))

  it.effect("G13: the cache gets the results of parts with keys, and has those that it knows", () =>
    compared((passes) =>
      Effect.gen(function*() {
        const log: Log = []
        const step = (key: string, before: ReadonlyArray<Task.Task<unknown>>) =>
          Task.make(before, () => note(log, key), { key })
        const chain = step("c", [step("b", [step("a", [])])])
        const cache = new Map<string, unknown>()
        yield* Client.compute(chain, { cache, passes })
        const full = [...cache]
        cache.delete("c")
        yield* Client.compute(chain, { cache, passes })
        return [full, log]
      })
    ).pipe(
      Effect.map((found) => assert.deepStrictEqual(found, [[["a", "a"], ["b", "b"], ["c", "c"]], ["a", "b", "c", "c"]]))
    ))

  it.effect("G13: whoever asks for the end of a chain while it runs joins it", () =>
    inScheduler()(Effect.gen(function*() {
      const log: Log = []
      const chain = Task.make(Task.make(Effect.andThen(turns(), note(log, "a"))), () => note(log, "b"), { key: "b" })
      const found = yield* Effect.all(
        [Client.compute(chain, { passes: fuse }), Client.compute(chain, { passes: fuse }), Client.compute(chain)],
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual([found, log], [["b", "b", "b"], ["a", "b"]])
    })))

  it.effect("G13: graphs that flatMap tasks return are written anew too", () =>
    inScheduler()(Effect.gen(function*() {
      const inner = Task.map(Task.map([], () => 1, { key: "x" }), (n) => n + 1, { key: "y" })
      const flat = Task.flatMap([], () => inner, { key: "flat" })
      const started = yield* Effect.forEach([none, fuse], (passes) =>
        Effect.gen(function*() {
          const keys: Array<string> = []
          yield* Scheduler.listen(({ key, to }) => void (to === "running" && keys.push(key)))
          assert.strictEqual(yield* Client.compute(flat, { passes }), 2)
          return keys
        }).pipe(Effect.scoped))
      assert.deepStrictEqual(started, [["flat", "x", "y"], ["flat", "y"]])
    })))

  it.effect("G13: a part of a lost worker's chain is not charged; the chain begins anew elsewhere", () =>
    inScheduler({ workers: [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1 }] })(Effect.gen(function*() {
      const log: Log = []
      const on = (name: string) =>
        Effect.flatMap(Worker.current, ({ attempt, id: worker }) => note(log, `${name} on ${worker} (${attempt})`))
      const b = Task.make(
        Task.make(on("a")),
        () => Effect.flatMap(on("b"), (at) => at.includes("on a") ? Effect.never : Effect.succeed(at))
      )
      const future = yield* Client.submit(Task.map(b, (at) => at), { passes: fuse })
      yield* turns()
      yield* Faults.loseWorker("a")
      assert.strictEqual(yield* Future.join(future), "b on b (1)")
      assert.deepStrictEqual(log, ["a on a (1)", "b on a (1)", "a on b (1)", "b on b (1)"])
    })))

  it.effect("G13, F11, F13: what failed in a chain is retried, and rerun inline, as that chain", () =>
    inScheduler()(Effect.gen(function*() {
      const files = new Set<string>()
      const read = Task.make(Effect.suspend(() => files.has("x") ? Effect.succeed("x") : Effect.fail("no x")), {
        key: "read"
      })
      const chain = Task.map(Task.map([read], ([text]) => text.length), (n) => n + 1, { key: "end" })
      const future = yield* Client.submit(chain, { passes: fuse })
      const error = yield* errorOf(Future.join(future))
      assert.deepInclude(error, { root: "read", error: "no x" })
      assert.strictEqual(yield* errorOf(Future.rerunInline(future) as Effect.Effect<unknown, unknown>), "no x")
      files.add("x")
      assert.strictEqual(yield* Future.join(yield* Client.retry(future)), 2)
    })))

  it.effect("G13, trap 19: fifty fibers with annotations of their own see their own in fused parts, and in what these submit", () =>
    Effect.gen(function*() {
      const run = Effect.gen(function*() {
        const nap = Effect.flatMap(Random.nextIntBetween(0, 20), (millis) => Effect.sleep(millis))
        const child = Effect.scoped(Effect.gen(function*() {
          const future = yield* Client.submit(Task.map(Task.make(nap), () => 1), { passes: fuse })
          const { label, priority } = yield* Future.metadata(future)
          return { key: (yield* Worker.current).key.split("#")[0], label, priority }
        }))
        const seen = Task.make(Task.make(nap), () => Effect.tap(child, () => nap))
        return yield* Client.compute(Task.make(seen, (first) => Effect.map(child, (second) => [first, second])), {
          passes: fuse
        })
      })
      const all = Effect.forEach(
        Array.from({ length: 50 }, (_, n) => n),
        (n) => Client.annotate(run, { label: `l${n}`, priority: n }),
        { concurrency: "unbounded" }
      ).pipe(Random.withSeed(19), Effect.provide(Skein.layer({ concurrency: 5 })))
      const fiber = yield* Effect.forkChild(all)
      yield* TestClock.adjust("1 minute")
      for (const [n, seen] of (yield* Fiber.join(fiber)).entries()) {
        const own = { key: `l${n}`, label: `l${n}`, priority: n }
        assert.deepStrictEqual(seen, [own, own])
      }
    }))
})

describe("inline", () => {
  it.effect("G13: constants and cheap tasks are computed in each task that needs them", () =>
    inScheduler()(Effect.gen(function*() {
      let runs = 0
      const graph = TaskGraph.make({
        two: Task.succeed(2),
        double: Task.map([TaskGraph.ref("two")] as const, ([n]) => (runs++, n * 2), { inline: true }),
        x: Task.map([TaskGraph.ref("double"), TaskGraph.ref("two")] as const, ([a, b]) => a + b),
        y: Task.make({ n: TaskGraph.ref("double") }, ({ n }) => Effect.succeed(n))
      })
      for (const [passes, tasks, doubles] of [[none, 4, 1], [fuse, 4, 1], [inline, 2, 2]] as const) {
        runs = 0
        const [values, count] = yield* counted((options) =>
          TaskGraph.compute(graph, ["x", "y"], { passes, ...options })
        )
        assert.deepStrictEqual(values, [6, 4])
        assert.deepStrictEqual([count, runs], [tasks, doubles])
      }
    })))

  it.effect("G13: what is asked for, what has two inputs, and what asks for anything are not inlined", () =>
    inScheduler()(Effect.gen(function*() {
      const cheap = (options: Task.Options) => Task.map([Task.sync(() => 1)], ([n]) => n, { inline: true, ...options })
      const needed = (task: Task.Task<number, any, any>) => [Task.map(task, (n) => n), Task.map(task, (n) => n)]
      const count = (shape: ReadonlyArray<Task.Task<unknown, any, any>>) =>
        Effect.map(counted((options) => Client.compute(shape, { passes: inline, ...options })), ([, count]) => count)
      assert.strictEqual(yield* count(needed(cheap({}))), 3)
      assert.strictEqual(yield* count(needed(cheap({ key: "k", label: "l" }))), 3)
      const asked = cheap({})
      assert.strictEqual(yield* count([asked, ...needed(asked)]), 4)
      assert.strictEqual(
        yield* count(needed(Task.map([Task.sync(() => 1), Task.sync(() => 2)], () => 1, { inline: true }))),
        5
      )
      for (const options of [{ timeout: 9 }, { retry: Schedule.recurs(1) }, { workers: ["local"] }]) {
        assert.strictEqual(yield* count(needed(cheap(options))), 4)
      }
      // These have to have it: one waits for its graph, one for its end.
      assert.strictEqual(yield* count([Task.flatMap(cheap({}), (n) => Task.succeed(n)), Task.exit(cheap({}))]), 6)
    })))

  it.effect("G13, F7: what is computed in a task, and missed by it, is computed there again", () =>
    Effect.gen(function*() {
      for (const passes of [none, fuse, inline, both]) {
        for (const isByKey of [false, true]) {
          const log: Log = []
          const source = Task.make(note(log, "source"), { key: "source" })
          const far = Task.make(source, () => note(log, "far"), { key: "far", inline: true })
          const made = Task.make(far, () => note(log, "near"), { key: "near", inline: true })
          const other = Task.make(note(log, "other"), { key: "other" })
          let misses = 2
          const down = Task.make({ near: made, other }, ({ near }) =>
            Effect.gen(function*() {
              const { attempt } = yield* Worker.current
              if (misses-- > 0) return yield* Worker.dependenciesLost(isByKey ? "near" : made, other)
              return [near, attempt]
            }))
          assert.deepStrictEqual(yield* Client.compute(down, { passes }), ["near", 1])
          const count = (name: string) => log.filter((each) => each === name).length
          assert.deepStrictEqual([count("near"), count("other")], [3, 3], passes.join())
        }
      }
    }).pipe(inScheduler()))

  it.effect("G13: a cheap task that dies fails each that needs it, as itself", () =>
    Effect.gen(function*() {
      const cheap = Task.map([], (): number => {
        throw new Error("bug")
      }, { key: "cheap", label: "l", inline: true })
      const shape = [Task.map(cheap, (n) => n, { key: "x" }), Task.make(cheap, (n) => Effect.succeed(n), { key: "y" })]
      yield* compared((passes) => Client.compute(shape, { mode: "collect", passes }), inline)
      yield* compared((passes) => Client.compute(shape, { passes }), inline)
      // One failure for each attempt at it.
      const exit = yield* Effect.exit(Client.compute(shape, { mode: "continue", passes: inline })).pipe(inScheduler())
      assert.lengthOf(Exit.isFailure(exit) ? exit.cause.reasons : [], 2)
    }))

  it.effect("G13: the attempts, the schedule and the limit of a task are its own, whatever is inlined in it", () =>
    compared((passes) =>
      Effect.gen(function*() {
        const cheap = Task.map([], () => 1, { inline: true })
        const flaky = Task.make(cheap, (n) =>
          Effect.flatMap(Worker.current, ({ attempt, key }) =>
            attempt < 3 ? Effect.fail("again") : Effect.succeed([key, attempt, n])), {
          key: "flaky",
          retry: Schedule.recurs(5)
        })
        const slow = Task.make(cheap, () =>
          Effect.flatMap(Worker.current, ({ attempt }) =>
            attempt < 3 ? Effect.never : Effect.succeed(attempt)), {
          timeout: "1 second",
          retry: Schedule.recurs(3)
        })
        const fiber = yield* Effect.forkChild(Client.compute([flaky, slow], { passes }))
        yield* TestClock.adjust("1 minute")
        return yield* Fiber.join(fiber)
      }), both).pipe(Effect.map((values) => assert.deepStrictEqual(values, [["flaky", 3, 1], 3]))))

  it.effect("G13: passes that are not there are refused before anything starts", () =>
    inScheduler()(Effect.gen(function*() {
      let ran = 0
      const task = Task.sync(() => ++ran)
      const passes = ["cull"] as ReadonlyArray<unknown> as Passes
      for (
        const program of [
          Client.compute(task, { passes }),
          Client.submit(task, { passes }),
          Client.forEach([1], () => Effect.succeed(1), { passes })
        ]
      ) {
        const { reason } = yield* mistakeOf(program as Effect.Effect<unknown, unknown, Client.Client>)
        assert.deepInclude(reason, { _tag: "InvalidOption", option: "passes" })
      }
      assert.strictEqual(ran, 0)
    })))
})

/** A graph of numbers and edges, and what its bodies did when it was computed. */
const randomGraph = (seed: number) => {
  const chance = new Chance(seed)
  const size = 2 + chance.below(14)
  const failing = chance.with(0.6) ? chance.below(size) : -1
  const defect = chance.with(0.3)
  const isNamed = chance.with(0.5)
  const runs = Array.from({ length: size }, () => 0)
  // Of those that miss something once, what; taken out when they have said so.
  const missing = new Map<number, Task.Task<number, unknown>>()
  const missed = new Set<number>()
  const tasks: Array<Task.Task<number, unknown>> = []
  for (let i = 0; i < size; i++) {
    const degree = chance.weighted([[2, 0], [6, 1], [2, 2], [1, 3]])
    // Mostly the last ones: chains.
    const before = Array.from(
      { length: degree },
      () => tasks[Math.max(0, i - 1 - chance.below(chance.with(0.7) ? 2 : i))]
    )
      .filter((task) => task !== undefined)
    const options: Task.Options = {
      label: chance.with(0.5) ? `l${i}` : undefined,
      key: isNamed ? `k${i}` : undefined,
      priority: chance.with(0.1) ? chance.below(2) : undefined,
      // What fails once for each that needs it may reach them on other ways.
      inline: chance.with(0.3) && i !== failing ? true : undefined
    }
    const value = (values: ReadonlyArray<number>): number => {
      runs[i]!++
      if (i === failing && defect) throw new Error(`bug ${i}`)
      return values.reduce((sum, each) => (sum * 31 + each) % 10007, i + 1)
    }
    const task = before.length > 0 && chance.with(0.1)
      ? Task.map(Task.exit(before[0]!), (exit) => value([Exit.isSuccess(exit) ? exit.value : 0]), options)
      : before.length === 0 && i !== failing && chance.with(0.3)
      ? Task.withOptions(Task.succeed(i), { label: options.label, key: options.key })
      : chance.with(0.5)
      ? Task.make(
        before,
        (values) =>
          Effect.suspend((): Effect.Effect<number, unknown, Worker.Worker> => {
            const lost = missed.has(i) ? undefined : missing.get(i)
            missed.add(i)
            if (lost !== undefined) return Worker.dependenciesLost(isNamed ? `k${tasks.indexOf(lost)}` : lost)
            return i === failing && !defect ? Effect.fail(`sad ${i}`) : Effect.succeed(value(values as never))
          }),
        options
      )
      : Task.map(before, (values) => {
        if (i === failing && !defect) throw new Error(`sad ${i}`)
        return value(values)
      }, options)
    if (before.length > 0 && seed % 3 === 0 && chance.with(0.4)) missing.set(i, chance.pick(before)!)
    tasks.push(task)
  }
  const begin = () => {
    runs.fill(0)
    missed.clear()
  }
  const targets = tasks.filter((_, i) => i === size - 1 || chance.with(0.15))
  return {
    tasks,
    targets,
    runs,
    begin,
    misses: missing.size > 0,
    isCheap: (i: number) => (tasks[i] as unknown as TaskImpl).options.inline === true
  }
}

/** A failure that comes over several ways at once names one of them. */
const withoutPaths = (exits: unknown): unknown =>
  JSON.parse(JSON.stringify(exits, (name, value) => name === "path" ? undefined : value))

type End = readonly [exits: unknown, counts: ReadonlyArray<unknown>]

/** The plan of some tasks, as a scheduler would run it. */
const planOf = (tasks: ReadonlyArray<unknown>, passes: Passes): Compiled => {
  return compile(
    tasks as ReadonlyArray<TaskImpl>,
    nobody,
    ambientIn(Context.empty(), undefined, undefined, passes)
  ) as Compiled
}

/** The most results held at any moment on one slot, when all are let go of but the targets. */
const peakHeld = ({ plan: { offsets, positions, size, targets }, targets: wanted }: Compiled): number => {
  const rows = Array.from({ length: size }, (_, i) => new Set(targets.subarray(offsets[i], offsets[i + 1])))
  const users = rows.map((_, i) => rows.filter((row) => row.has(i)).length + (wanted.includes(i) ? 1 : 0))
  let held = 0
  let peak = 0
  for (const task of [...rows.keys()].toSorted((a, b) => positions[a]! - positions[b]!)) {
    peak = Math.max(peak, ++held)
    for (const dependency of rows[task]!) if (--users[dependency]! === 0) held--
  }
  return peak
}

describe("passes", () => {
  for (let from = 0; from < longOr(300, 100); from += 100) {
    it.effect(
      `G13: random graphs end as they do without passes, and run as often (seeds ${from} to ${from + 99})`,
      () =>
        Effect.gen(function*() {
          for (let seed = from; seed < from + 100; seed++) {
            const { begin, isCheap, misses, runs, targets } = randomGraph(seed)
            for (const concurrency of [1, 3]) {
              const ends = yield* Effect.forEach([none, fuse, inline, both], (passes) =>
                Effect.gen(function*() {
                  begin()
                  const exits = yield* Client.compute(targets, { mode: "collect", passes })
                  return [
                    toldValue(exits),
                    // How much is held yet when something is missed is a matter of time.
                    runs.map((count, i) => misses || (isCheap(i) && passes.includes("inline")) ? "?" : count)
                  ]
                }).pipe(inScheduler({ concurrency })))
              const [[exits, counts], [fused, fusedCounts], ...inlined] = ends as unknown as readonly [
                End,
                End,
                End,
                End
              ]
              assert.deepStrictEqual(fused, exits, `seed ${seed}`)
              assert.deepStrictEqual(fusedCounts, counts, `seed ${seed}`)
              for (const [other, otherCounts] of inlined) {
                assert.deepStrictEqual(withoutPaths(other), withoutPaths(exits), `seed ${seed}`)
                for (const [i, count] of otherCounts.entries()) {
                  if (count !== "?") assert.strictEqual(count, counts[i], `seed ${seed}`)
                }
              }
            }
          }
        })
    )
  }

  it("G13: no pass makes more tasks, or has more results held at a time on one slot", () => {
    let saved = 0
    for (let seed = 0; seed < 500; seed++) {
      const { targets } = randomGraph(seed)
      const before = planOf(targets, none)
      for (const passes of [fuse, inline, both]) {
        const after = planOf(targets, passes)
        saved += before.plan.size - after.plan.size
        assert.isAtMost(after.plan.size, before.plan.size)
        assert.isAtMost(peakHeld(after), peakHeld(before), `seed ${seed}, ${passes.join()}`)
      }
    }
    assert.isAbove(saved, 1000)
  })

  it("G13: fused, the graphs of reference hold no more results than before", () => {
    for (const { graph, name } of references().filter(({ graph }) => graph.length < 2000)) {
      const tasks: Array<Task.Task<unknown>> = []
      tasks.length = graph.length
      const make = (i: number): Task.Task<unknown> => tasks[i] ??= Task.map(graph[i]!.map(make), () => i)
      const used = new Set(graph.flat())
      const sinks = graph.flatMap((_, i) => used.has(i) ? [] : [make(i)])
      const [before, after] = [planOf(sinks, none), planOf(sinks, fuse)]
      assert.isAtMost(peakHeld(after), peakHeld(before), name)
    }
  })

  it.live("G13, T6: simulated schedules of bodies that compute with passes agree with the interpreter", () =>
    Effect.gen(function*() {
      const subject = () => {
        const add = (n: number) => (m: number) => Effect.as(Effect.yieldNow, n + m)
        const chain = (n: number) => Task.make(Task.make(Task.make(Effect.succeed(n)), add(1)), add(2))
        const fails = Task.map(Task.make(chain(1), () => Effect.fail("sad"), { key: "f" }), () => 1, { key: "g" })
        return Task.make(Effect.gen(function*() {
          const [a, b, exit] = yield* Client.compute([chain(1), Task.map(chain(5), (n) => n), Task.exit(fails)], {
            passes: both
          })
          return [a, b, Exit.isFailure(exit) && infoOf(exit.cause)?.path]
        }))
      }
      const { schedules } = yield* Simulation.run(subject, { seeds: 50, faults: Faults.none })
      assert.isAtLeast(schedules, 50)
    }))

  it.effect("G13: a chain of tens of thousands is one task, and no deeper on the stack", () =>
    Effect.gen(function*() {
      const size = longOr(100_000, 30_000)
      let task: Task.Task<number, unknown> = Task.map([], () => 0)
      for (let i = 1; i < size; i++) {
        task = i % 2 === 0 ? Task.map([task], ([n]) => n + 1) : Task.make([task], ([n]) => Effect.succeed(n + 1))
      }
      const [value, count] = yield* counted((options) => Client.compute(task, { passes: fuse, ...options }))
      assert.deepStrictEqual([value, count], [size - 1, 1])
    }).pipe(inScheduler()))
})
