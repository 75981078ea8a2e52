import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { inQuietScheduler, inScheduler, type Log, note } from "./harness.ts"
import { errorOf, submitErrorOf } from "./support.ts"

const value = <A>(a: A, key: string) => Task.make(Effect.succeed(a), { key })

/** How a computation ended. */
const endOf = (exit: Exit.Exit<unknown, unknown>): unknown =>
  Exit.isSuccess(exit) ? exit.value : Exit.hasInterrupts(exit) ? "interrupted" : Exit.findErrorOption(exit)

const recorder = () => {
  const calls: Array<any> = []
  const callbacks: Client.Callbacks = {
    start: () => void calls.push("start"),
    startState: (tasks) => void calls.push(["startState", tasks]),
    beforeTask: (key) => void calls.push(["before", key]),
    afterTask: (key, outcome) => void calls.push(["after", key, outcome]),
    onExit: (exit) => void calls.push(["onExit", endOf(exit)])
  }
  return { calls, callbacks }
}

/** Runs `program` and gives what is logged at level Warn or above meanwhile. */
const warnings = <A, E, R>(program: Effect.Effect<A, E, R>) => {
  const logged: Array<unknown> = []
  const logger = Logger.make(({ logLevel, message }) => {
    if (logLevel === "Warn" || logLevel === "Error" || logLevel === "Fatal") logged.push(message)
  })
  return program.pipe(Effect.andThen(Effect.sync(() => logged)), Effect.provide(Logger.layer([logger])))
}

const summary = (events: ReadonlyArray<Scheduler.TaskEvent>) => events.map(({ from, to }) => `${from ?? ""}>${to}`)

describe("callbacks", () => {
  it.effect("V1: start, startState, before and after each task, and onExit are called in this order", () =>
    Effect.gen(function*() {
      const { callbacks, calls } = recorder()
      const a = value(1, "a")
      const b = Task.map({ a }, ({ a }) => a + 1, { key: "b" })
      assert.strictEqual(yield* Client.compute(b, { callbacks }), 2)
      assert.deepStrictEqual(calls, [
        "start",
        ["startState", 2],
        ["before", "a"],
        ["after", "a", "succeeded"],
        ["before", "b"],
        ["after", "b", "succeeded"],
        ["onExit", 2]
      ])
    }).pipe(inQuietScheduler()))

  it.effect("V1: a failed dependency is an end without a beginning, and onExit has the failure of the run", () =>
    Effect.gen(function*() {
      const { callbacks, calls } = recorder()
      const b = Task.map(Task.make(Effect.fail("no"), { key: "a" }), () => 0, { key: "b" })
      const error = yield* errorOf(Client.compute(b, { callbacks }))
      assert.deepStrictEqual(calls, [
        "start",
        ["startState", 2],
        ["before", "a"],
        ["after", "a", "failed"],
        ["after", "b", "upstreamFailed"],
        ["onExit", Option.some(error)]
      ])
    }).pipe(inScheduler()))

  it.effect("V1: onExit comes last on every exit, after the finalizers of what was interrupted", () =>
    Effect.gen(function*() {
      const { callbacks, calls } = recorder()
      const started = yield* Deferred.make<void>()
      const endless = Task.make(
        Effect.andThen(Deferred.succeed(started, undefined), Effect.never).pipe(
          Effect.onInterrupt(() => Effect.andThen(Effect.yieldNow, Effect.sync(() => calls.push("finalized"))))
        ),
        { key: "endless" }
      )
      const fiber = yield* Effect.forkChild(Client.compute(endless, { callbacks }))
      yield* Deferred.await(started)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(calls, [
        "start",
        ["startState", 1],
        ["before", "endless"],
        "finalized",
        ["after", "endless", "cancelled"],
        ["onExit", "interrupted"]
      ])
    }).pipe(inScheduler()))

  it.effect("V1: what is refused before anything starts calls nothing, an empty request only start and onExit", () =>
    Effect.gen(function*() {
      const refused = recorder()
      yield* submitErrorOf(Client.compute([value(1, "k"), value(2, "k")], { callbacks: refused.callbacks }))
      assert.deepStrictEqual(refused.calls, [])
      const empty = recorder()
      yield* Client.compute([], { callbacks: empty.callbacks })
      assert.deepStrictEqual(empty.calls, ["start", ["startState", 0], ["onExit", []]])
    }).pipe(inScheduler()))

  it.effect("V1: callbacks follow their own computation alone, retries and flatMap graphs included", () =>
    Effect.gen(function*() {
      const { callbacks, calls } = recorder()
      const gate = yield* Deferred.make<void>()
      const other = yield* Effect.forkChild(Client.compute(Task.make(Deferred.await(gate), { key: "other" })))
      yield* Effect.yieldNow
      let runs = 0
      const flaky = Task.make(Effect.suspend(() => ++runs === 1 ? Effect.fail("once") : Effect.succeed(runs)), {
        key: "flaky",
        retry: Schedule.recurs(1)
      })
      const nested = Task.make(Client.compute(value(1, "nested")), { key: "outer" })
      const flat = Task.flatMap([flaky, nested], () => value(3, "inner"), { key: "flat" })
      yield* Client.compute(flat, { callbacks })
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(other)
      assert.deepStrictEqual(calls.filter((call) => call[0] === "before"), [
        ["before", "flaky"],
        ["before", "outer"],
        ["before", "flaky"],
        ["before", "flat"],
        ["before", "inner"]
      ])
      assert.deepStrictEqual(
        new Set(calls.filter((call) => call[0] === "after").map((call) => call[1])),
        new Set(["flaky", "flat", "inner", "outer"])
      )
    }).pipe(inScheduler({ concurrency: 3 })))

  it.effect("V1: callbacks of a compute inside a body follow that compute", () =>
    Effect.gen(function*() {
      const { callbacks, calls } = recorder()
      const outer = Task.make(Client.compute([value(1, "inner")], { callbacks }), { key: "outer" })
      yield* Client.compute([outer, value(2, "beside")])
      assert.deepStrictEqual(calls, [
        "start",
        ["startState", 1],
        ["before", "inner"],
        ["after", "inner", "succeeded"],
        ["onExit", [1]]
      ])
    }).pipe(inScheduler()))

  it.effect("V3: a callback that throws is logged and not called again; the others and the run go on", () =>
    Effect.gen(function*() {
      for (const broken of ["start", "startState", "beforeTask", "afterTask", "onExit"] as const) {
        const { callbacks, calls } = recorder()
        let thrown = 0
        const faulty = {
          ...callbacks,
          [broken]: () => {
            thrown++
            throw new Error(`${broken} is broken`)
          }
        }
        const logged = yield* warnings(
          Effect.gen(function*() {
            const b = Task.map(value(1, "a"), (a) => a + 1, { key: "b" })
            assert.strictEqual(yield* Client.compute(b, { callbacks: faulty }), 2)
            yield* Effect.yieldNow
          }).pipe(inScheduler())
        )
        assert.strictEqual(thrown, 1)
        assert.lengthOf(logged, 1, broken)
        const kinds = ["start", "startState", "before", "after", "onExit"].filter((kind) => !broken.startsWith(kind))
        for (const kind of kinds) assert.isTrue(calls.some((call) => call === kind || call[0] === kind), kind)
      }
    }))

  it.effect("V3: so are a callback, a listener and a cache that fail later, as async functions do", () =>
    Effect.gen(function*() {
      let calls = 0
      const late = () => {
        calls++
        return Promise.reject(new Error("too late"))
      }
      const logged = yield* warnings(
        Effect.gen(function*() {
          yield* Scheduler.listen(late)
          const cache = { has: () => false, get: () => undefined, set: late }
          for (let i = 0; i < 2; i++) {
            const run = Client.compute(value(1, "a"), {
              callbacks: { start: late, afterTask: late, onExit: late },
              cache
            })
            assert.strictEqual(yield* run, 1)
            yield* Effect.promise(() => Promise.resolve())
          }
          yield* Effect.yieldNow
        }).pipe(Effect.scoped, inScheduler())
      )
      // One of the listener, and four of each run.
      assert.lengthOf(logged, 9)
      assert.isBelow(calls, 20)
    }))
})

describe("listeners and events", () => {
  it.effect("V3: a listener that throws is logged once and not called again; others hear everything", () =>
    Effect.gen(function*() {
      let thrown = 0
      const heard: Array<Scheduler.TaskEvent> = []
      const logged = yield* warnings(
        Effect.gen(function*() {
          yield* Scheduler.listen(() => {
            thrown++
            throw new Error("broken")
          })
          yield* Scheduler.listen((event) => heard.push(event))
          assert.deepStrictEqual(yield* Client.compute([value(1, "a"), value(2, "b")]), [1, 2])
          yield* Effect.yieldNow
        }).pipe(inScheduler())
      )
      assert.deepStrictEqual([thrown, logged.length], [1, 1])
      assert.deepStrictEqual(summary(heard.filter(({ key }) => key === "b")), [
        ">waiting",
        "waiting>ready",
        "ready>assigned",
        "assigned>running",
        "running>succeeded",
        "succeeded>released"
      ])
    }))

  it.effect("V3: listeners that stop and throw as they are told take no transition from those around them", () =>
    Effect.gen(function*() {
      const heard: Array<Array<string>> = [[], [], []]
      const calls = { leaves: 0, throws: 0 }
      const scope = yield* Scope.make()
      const logged = yield* warnings(
        Effect.gen(function*() {
          const hear = (log: Array<string>) => Scheduler.listen(({ key, to }) => void log.push(`${key} ${to}`))
          yield* hear(heard[0]!)
          yield* Scope.provide(
            Scheduler.listen(() => {
              if (++calls.leaves < 3) return
              Effect.runSync(Scope.close(scope, Exit.void))
              throw new Error("left")
            }),
            scope
          )
          yield* hear(heard[1]!)
          yield* Scheduler.listen(() => {
            if (++calls.throws === 5) throw new Error("broken")
          })
          yield* hear(heard[2]!)
          yield* Client.compute([value(1, "a"), value(2, "b")])
          yield* Effect.yieldNow
        }).pipe(inScheduler())
      )
      assert.deepStrictEqual(calls, { leaves: 3, throws: 5 })
      assert.lengthOf(logged, 2)
      assert.lengthOf(heard[0]!, 12)
      assert.deepStrictEqual(heard[1], heard[0])
      assert.deepStrictEqual(heard[2], heard[0])
    }))

  it.effect("V3: a listener may submit, look and stop listening from within, and the run goes on", () =>
    Effect.gen(function*() {
      const services = yield* Effect.context<Client.Client | Scheduler.Scheduler>()
      let looks = 0
      yield* Scheduler.listen(() => {
        looks++
        Effect.runSyncWith(services)(Effect.andThen(Scheduler.dump, Scheduler.stats))
        if (looks === 3) Effect.runForkWith(services)(Client.compute(value(0, "by the listener")))
      })
      assert.deepStrictEqual(yield* Client.compute([value(1, "a"), value(2, "b")]), [1, 2])
      yield* Effect.yieldNow
      assert.isAbove(looks, 10)
    }).pipe(inQuietScheduler()))

  it.effect("V2: events stream what happens from the subscription on, to each subscriber all of it", () =>
    Effect.gen(function*() {
      const follow = Effect.forkChild(
        Stream.runCollect(Stream.takeUntil(Scheduler.events, ({ to }) => to === "released")),
        {
          startImmediately: true
        }
      )
      yield* Client.compute(value(0, "before"))
      const first = yield* follow
      const second = yield* follow
      yield* Effect.yieldNow
      yield* Client.compute(value(1, "a"))
      const events = yield* Fiber.join(first)
      assert.deepStrictEqual([...events].map(({ key }) => key), Array.from({ length: 6 }, () => "a"))
      assert.deepStrictEqual([...yield* Fiber.join(second)], [...events])
    }).pipe(inQuietScheduler()))

  it.effect("V2: events end after the last one when the scheduler closes, and at once when it has closed", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const services = yield* Layer.buildWithScope(Skein.layer(), scope)
      const { events } = Context.get(services, Scheduler.Scheduler)
      const fiber = yield* Effect.forkChild(Stream.runCollect(events), { startImmediately: true })
      yield* Effect.forkChild(Effect.provide(Client.compute(Task.make(Effect.never, { key: "endless" })), services), {
        startImmediately: true
      })
      yield* Effect.yieldNow
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(summary(yield* Fiber.join(fiber)).slice(-3), [
        "running>stopping",
        "stopping>cancelled",
        "cancelled>released"
      ])
      assert.deepStrictEqual(yield* Stream.runCollect(events), [])
    }))

  it.effect("V3: all listeners hear one order, also when one of them submits", () =>
    Effect.gen(function*() {
      const services = yield* Effect.context<Client.Client | Scheduler.Scheduler>()
      const heard: Array<Array<string>> = [[], [], []]
      const hear = (log: Array<string>) =>
        Scheduler.listen(({ key, to }) => {
          log.push(`${key} ${to}`)
        })
      yield* hear(heard[0]!)
      let isFirst = true
      yield* Scheduler.listen(() => {
        if (!isFirst) return
        isFirst = false
        Effect.runForkWith(services)(Client.compute(value(0, "caused")))
        Effect.runForkWith(services)(Effect.scoped(Effect.andThen(hear(heard[2]!), Effect.never)))
      })
      yield* hear(heard[1]!)
      yield* Client.compute(value(1, "cause"))
      yield* Effect.yieldNow
      assert.deepStrictEqual(heard[0]!.slice(0, 8), [
        "cause waiting",
        "cause ready",
        "cause assigned",
        "cause running",
        "caused waiting",
        "caused ready",
        "caused assigned",
        "caused running"
      ])
      assert.deepStrictEqual(heard[1], heard[0])
      // What happened before it began to listen is not told to the third.
      assert.deepStrictEqual(heard[2], heard[0]!.slice(8))
    }).pipe(inQuietScheduler()))

  it.effect("V3: a cache that cancels when it is told a flatMap's result finds the event applied, and all hear one order", () =>
    Effect.gen(function*() {
      const services = yield* Effect.context<Client.Client | Scheduler.Scheduler>()
      const heard: Array<string> = []
      yield* Scheduler.listen(({ key, to }) => {
        heard.push(`${key} ${to}`)
      })
      const victim = yield* Client.submit(Task.make(Effect.never, { key: "victim" }))
      const written: Array<readonly [string, unknown, number]> = []
      const cache = {
        has: () => false,
        get: () => undefined,
        set: (key: string, value: unknown) => {
          const dump = Effect.runSyncWith(services)(Scheduler.dump)
          written.push([
            key,
            value,
            dump.tasks.filter(({ key, state }) => key === "outer" && state === "waiting").length
          ])
          Effect.runForkWith(services)(Future.cancel(victim, { wait: false }))
        }
      }
      const inner = Task.flatMap(1, () => Task.make(Effect.succeed(9)), { key: "inner" })
      const outer = Task.flatMap(1, () => inner, { key: "outer" })
      // In a namespace the key of what flatMap returns is one of the cache too.
      assert.strictEqual(yield* Client.annotate(Client.compute(outer, { cache }), { namespace: "n" }), 9)
      // The inner one is forgotten in the step in which both end, and is written all the same.
      assert.deepStrictEqual(written, [["inner", 9, 0], ["outer", 9, 0]])
      assert.isBelow(heard.indexOf("outer succeeded"), heard.indexOf("victim stopping"))
    }).pipe(inScheduler()))
})

describe("story", () => {
  it.effect("V2: the story of a key has its transitions in order, each with its cause, time, worker and attempt", () =>
    Effect.gen(function*() {
      let runs = 0
      const flaky = Task.make(Effect.suspend(() => ++runs === 1 ? Effect.fail("once") : Effect.succeed(runs)), {
        key: "flaky",
        label: "load",
        retry: Schedule.max([Schedule.recurs(1), Schedule.spaced("5 seconds")])
      })
      const fiber = yield* Effect.forkChild(Client.compute(Task.map(flaky, () => 0, { key: "below" })))
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(fiber)
      const story = yield* Scheduler.story("flaky")
      assert.deepStrictEqual(
        story.map(({ at, attempt, cause, from, to, worker }) => [at, from, to, worker, attempt, cause]),
        [
          [0, undefined, "waiting", undefined, 0, "GraphSubmitted"],
          [0, "waiting", "ready", undefined, 0, "GraphSubmitted"],
          [0, "ready", "assigned", "local", 1, "GraphSubmitted"],
          [0, "assigned", "running", "local", 1, "GraphSubmitted"],
          [0, "running", "waiting", "local", 1, "TaskEnded"],
          [5000, "waiting", "ready", "local", 1, "TimeCame"],
          [5000, "ready", "assigned", "local", 2, "TimeCame"],
          [5000, "assigned", "running", "local", 2, "TimeCame"],
          [5000, "running", "succeeded", "local", 2, "TaskEnded"],
          [5000, "succeeded", "released", "local", 2, "TaskEnded"]
        ]
      )
      for (const { key, label } of story) assert.deepStrictEqual([key, label], ["flaky", "load"])
      assert.deepStrictEqual(summary(yield* Scheduler.story("below")).at(-1), "succeeded>released")
      assert.deepStrictEqual(yield* Scheduler.story("nobody"), [])
    }).pipe(inScheduler({ stories: 100 })))

  it.effect("V2: stories remember the last n transitions of all keys together, oldest first", () =>
    Effect.gen(function*() {
      for (let i = 0; i < 5; i++) yield* Client.compute(value(i, "k"))
      const story = yield* Scheduler.story("k")
      assert.deepStrictEqual(summary(story), ["running>succeeded", "succeeded>released", ...whole])
      assert.deepStrictEqual(story.map(({ at }) => at), story.map(() => 0))
      const none = yield* Scheduler.story("k").pipe(inQuietScheduler())
      assert.deepStrictEqual(none, [])
    }).pipe(inScheduler({ stories: 8 })))
})

const whole = [
  ">waiting",
  "waiting>ready",
  "ready>assigned",
  "assigned>running",
  "running>succeeded",
  "succeeded>released"
]

describe("metadata", () => {
  it.effect("V4: a task's metadata has what was asked for and where it stands, from submission to end", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1000)
      const gate = yield* Deferred.make<number>()
      const up = yield* Client.submit(Task.make(Deferred.await(gate), { key: "up" }))
      const options = { key: "x", label: "load", priority: 2, after: Task.make(Effect.succeed(0), { key: "first" }) }
      const x = yield* Client.submit(Task.make({ up }, () => Effect.delay(Effect.succeed(1), "2 seconds"), options))
      const common = {
        key: "x",
        graph: 2,
        label: "load",
        priority: 2,
        submitter: "program",
        dependencies: ["up", "first"],
        submitted: 1000
      }
      const none = { worker: undefined, started: undefined, completed: undefined, attempts: [] }
      assert.deepStrictEqual(yield* Future.metadata(x), { ...common, status: "waiting", ...none })
      yield* TestClock.adjust("1 second")
      yield* Deferred.succeed(gate, 1)
      yield* TestClock.adjust("1 second")
      const running = { attempt: 1, worker: "local", started: 2000, completed: undefined }
      const now = { worker: "local", started: 2000, completed: undefined, attempts: [running] }
      assert.deepStrictEqual(yield* Future.metadata(x), { ...common, status: "running", ...now })
      yield* TestClock.adjust("1 second")
      yield* Future.release(up)
      const ended = { worker: "local", started: 2000, completed: 4000, attempts: [{ ...running, completed: 4000 }] }
      assert.deepStrictEqual(yield* Future.metadata(x), { ...common, status: "succeeded", ...ended })
      yield* Future.release(x)
      assert.deepStrictEqual(yield* Future.metadata(x), { ...common, status: "released", ...none })
    }).pipe(inScheduler()))

  it.effect("V4: each attempt is on record with its times and its worker", () =>
    Effect.gen(function*() {
      let runs = 0
      const body = Effect.delay(
        Effect.suspend(() => ++runs < 3 ? Effect.fail("not yet") : Effect.succeed(runs)),
        "1 second"
      )
      const retry = Schedule.max([Schedule.recurs(5), Schedule.spaced("10 seconds")])
      const future = yield* Client.submit(Task.make(body, { key: "x", retry }))
      yield* TestClock.adjust("6 seconds")
      const pause = yield* Future.metadata(future)
      const first = { attempt: 1, worker: "local", started: 0, completed: 1000 }
      assert.deepStrictEqual([pause.status, pause.attempts], ["waiting", [first]])
      yield* TestClock.adjust("20 seconds")
      const { attempts, completed, started, status } = yield* Future.metadata(future)
      assert.deepStrictEqual({ completed, started, status }, {
        completed: 23_000,
        started: 22_000,
        status: "succeeded"
      })
      assert.deepStrictEqual(attempts, [
        first,
        { attempt: 2, worker: "local", started: 11_000, completed: 12_000 },
        { attempt: 3, worker: "local", started: 22_000, completed: 23_000 }
      ])
    }).pipe(inScheduler()))

  it.effect("V4: metadata of a failed dependent, a cancelled task and a child tell what they are", () =>
    Effect.gen(function*() {
      const below = yield* Client.submit(Task.map(Task.make(Effect.fail("no"), { key: "x" }), () => 0, { key: "y" }))
      yield* Future.await(below)
      const failed = yield* Future.metadata(below)
      assert.deepStrictEqual([failed.status, failed.started, failed.completed, failed.attempts], [
        "upstreamFailed",
        undefined,
        0,
        []
      ])
      const endless = yield* Client.submit(Task.make(Effect.never))
      yield* Future.cancel(endless)
      assert.strictEqual((yield* Future.metadata(endless)).status, "cancelled")
      const child = Effect.flatMap(Client.submit(Task.make(Effect.succeed(1))), Future.metadata)
      assert.strictEqual((yield* Client.compute(Task.make(child, { key: "parent" }))).submitter, "parent")
    }).pipe(inScheduler()))

  it.effect("V4: dependencies keep their names when their rows have gone to other tasks", () =>
    Effect.gen(function*() {
      const keyed = Task.make(Effect.succeed(1), { key: "keyed" })
      const held = yield* Client.submit(keyed)
      const future = yield* Client.submit(Task.make(Effect.succeed(2), { label: "auto" }))
      const x = yield* Client.submit(Task.all({ keyed, future }))
      yield* Future.await(x)
      const names = [held.key, future.key]
      yield* Future.release(held)
      yield* Future.release(future)
      yield* Client.submitAll([value(1, "a"), value(2, "b"), value(3, "c")])
      assert.deepStrictEqual((yield* Future.metadata(x)).dependencies, names)
    }).pipe(inScheduler()))
})

describe("dump and stats", () => {
  it.effect("V10: the dump has every key with its state, what it waits for, and who holds and wants what", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<number>()
      const running = Task.make(Deferred.await(gate), { key: "running", label: "load" })
      const waiting = Task.map({ running }, () => 0, { key: "waiting" })
      const queued = Task.make(Effect.succeed(1), { key: "queued" })
      const done = yield* Client.submit(value(1, "done"))
      yield* Future.await(done)
      yield* Client.submitAll([waiting, queued])
      yield* Effect.yieldNow
      const { queue, tasks, workers } = yield* Scheduler.dump
      const of = (key: string) => tasks.find((task) => task.key === key)!
      assert.deepStrictEqual(Object.fromEntries(tasks.map(({ key, state }) => [key, state])), {
        done: "succeeded",
        queued: "ready",
        running: "running",
        waiting: "waiting"
      })
      assert.deepInclude(of("running"), { label: "load", worker: "local", holdsSlot: true, dependents: 1 })
      assert.deepStrictEqual(of("waiting").waitsOn, ["running"])
      assert.deepInclude(of("done"), { held: true, worker: "local" })
      assert.deepStrictEqual(queue, ["queued"])
      assert.deepStrictEqual(workers.map(({ id, running }) => [id, running]), [["local", ["running"]]])
      const plain = yield* Scheduler.dump
      assert.deepStrictEqual(JSON.parse(JSON.stringify(plain)), JSON.parse(JSON.stringify(yield* Scheduler.dump)))
      yield* Deferred.succeed(gate, 1)
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("V10: a dump shows how tasks failed, and is empty when all scopes are closed", () =>
    Effect.gen(function*() {
      const below = Task.map(Task.make(Effect.fail("no"), { key: "x" }), () => 0, { key: "y" })
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Future.await(yield* Client.submit(below))
        const { tasks } = yield* Scheduler.dump
        assert.deepStrictEqual(tasks.map(({ key, outcome, state }) => ({ key, outcome, state })), [
          { key: "y", outcome: { reason: "Failed", path: ["x", "y"] }, state: "upstreamFailed" }
        ])
      }))
      const { owners, tasks, waits } = yield* Scheduler.dump
      assert.deepStrictEqual({ owners, tasks, waits }, { owners: [], tasks: [], waits: [] })
    }).pipe(inQuietScheduler()))

  it.effect("V10: stats count tasks by where they stand, held results, owners, waits and slots", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<number>()
      const log: Log = []
      const done = yield* Client.submit(value(1, "done"))
      yield* Future.await(done)
      const running = Task.make(Deferred.await(gate))
      const futures = yield* Client.submitAll([running, Task.map(running, () => 0), Task.make(note(log, "queued"))])
      const waiter = yield* Effect.forkChild(Future.joinAll(futures), { startImmediately: true })
      const { held, owners, tasks, waits, workers } = yield* Scheduler.stats
      const standing = Object.fromEntries(Object.entries(tasks).filter(([, count]) => count > 0))
      assert.deepStrictEqual({ held, owners, standing, waits, workers }, {
        held: 1,
        owners: 1,
        standing: { ready: 1, running: 1, succeeded: 1, waiting: 1 },
        waits: 1,
        workers: [{ id: "local", phase: "open", slots: 1, running: 1 }]
      })
      yield* Deferred.succeed(gate, 1)
      assert.isTrue(Exit.isSuccess(yield* Fiber.await(waiter)))
    }).pipe(inQuietScheduler({ concurrency: 1 })))
})
