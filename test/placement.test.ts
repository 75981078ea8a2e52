import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import { TestClock } from "effect/testing"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Placement from "skein/Placement"
import * as Scheduler from "skein/Scheduler"
import type * as Skein from "skein/Skein"
import { DependencyFailed, ImpossibleDependency, NoSuitableWorker, TaskRescheduled, TaskUnmet } from "skein/SkeinError"
import * as Task from "skein/Task"
import { Faults, Simulation } from "skein/testing"
import * as Worker from "skein/Worker"
import { endless, fib, gate, inScheduler, type Log, note, turns } from "./harness.ts"
import { causeOf, defectsIn, errorOf, explanationOf, mistakeOf } from "./support.ts"

const one = (id: string, ...labels: ReadonlyArray<string>): Skein.WorkerOptions => ({ id, concurrency: 1, labels })

const on = (...workers: ReadonlyArray<Skein.WorkerOptions>) => inScheduler({ workers })

const where = Effect.map(Worker.current, ({ id }) => id)

/** Says where it runs once everybody has started. */
const whereSlowly = Effect.andThen(Effect.yieldNow, where)

describe("restrictions", () => {
  it.effect("W6: tasks run on the workers that they name", () =>
    Effect.gen(function*() {
      const tasks = Array.from({ length: 6 }, (_, i) => Task.make(where, { workers: [i < 4 ? "io" : "cpu"] }))
      const found = yield* Client.compute(Task.all(tasks))
      assert.deepStrictEqual(found, ["io", "io", "io", "io", "cpu", "cpu"])
    }).pipe(inScheduler({ workers: [{ id: "cpu", concurrency: 2 }, one("io")] })))

  it.effect("W6: tasks run where the labels are that they name, all of them, and bodies see the labels", () =>
    Effect.gen(function*() {
      const labelled = (...labels: ReadonlyArray<string>) => Task.make(whereSlowly, { workers: { labels } })
      const both = Task.make(whereSlowly, { workers: { ids: ["a", "b"], labels: ["gpu"] } })
      const found = yield* Client.compute([labelled("gpu"), labelled("gpu", "large"), labelled("large"), both])
      assert.deepStrictEqual(found, ["b", "c", "c", "b"])
      const labels = Task.make(Effect.map(Worker.current, (worker) => worker.labels), { workers: ["c"] })
      assert.deepStrictEqual(yield* Client.compute(labels), ["large", "gpu"])
    }).pipe(on(one("a"), one("b", "gpu"), one("c", "large", "gpu"))))

  it.effect("W6: workers that are named later take the place of those before, names and labels", () =>
    Effect.gen(function*() {
      const named = Task.make(where, { workers: ["a"] }).pipe(Task.withOptions({ workers: { labels: ["gpu"] } }))
      const labelled = Task.make(where, { workers: { labels: ["gpu"] } }).pipe(Task.withOptions({ workers: ["a"] }))
      assert.deepStrictEqual(yield* Client.compute([named, labelled]), ["b", "a"])
    }).pipe(on(one("a"), one("b", "gpu"))))

  it.effect("W6: a worker that is added has labels too, and takes at once what waits for them", () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(
        Task.make(where, { key: "x", workers: { labels: ["gpu"] }, waitForWorkers: Duration.infinity })
      )
      assert.deepStrictEqual((yield* explanationOf("x"))?.because, {
        _tag: "NoSuitableWorker",
        restriction: { labels: ["gpu"] },
        unmet: [],
        never: [],
        until: undefined
      })
      yield* Scheduler.addWorker(one("late", "gpu"))
      assert.strictEqual(yield* Future.join(future), "late")
    }).pipe(on(one("a"))))

  it.effect("W6: with allowOthers a task runs elsewhere as long as none of its workers takes tasks", () =>
    Effect.gen(function*() {
      const loose = Task.make(where, { workers: ["a", "gone"], allowOthers: true })
      const lost = Task.make(where, { workers: ["gone"], allowOthers: true })
      assert.deepStrictEqual(yield* Client.compute([loose, loose, lost]), ["a", "a", "b"])
      yield* Faults.loseWorker("a")
      assert.strictEqual(yield* Client.compute(loose), "b")
    }).pipe(on({ id: "a", concurrency: 1 }, { id: "b", concurrency: 8 })))

  it.effect("W6: a task that waits for its worker holds up nothing that may run elsewhere", () =>
    Effect.gen(function*() {
      const log: Log = []
      const passing = gate()
      const futures = yield* Client.submitAll([
        Task.make(passing.pass, { workers: ["a"] }),
        Task.make(note(log, "waits"), { workers: ["a"] }),
        Task.make(note(log, "elsewhere"))
      ])
      yield* passing.arrived(1)
      yield* Future.join(futures[2])
      assert.deepStrictEqual(log, ["elsewhere"])
      yield* passing.open
      yield* Future.joinAll(futures)
    }).pipe(on(one("a"), one("b"))))

  it.effect("W6: restrictions that say nothing or contradict themselves are refused before anything starts", () =>
    Effect.gen(function*() {
      const log: Log = []
      const bad: ReadonlyArray<Task.Options> = [
        { workers: [] },
        { workers: {} },
        { workers: { labels: [] } },
        { workers: { ids: [""] } },
        { workers: "a" as never },
        { workers: { labels: ["x"], ids: "a" as never } },
        { allowOthers: true },
        { allowOthers: 1 as never, workers: ["a"] },
        { locality: 3 as never },
        { waitForWorkers: "soon" as never }
      ]
      for (const options of bad) {
        const { message, reason } = yield* mistakeOf(
          Client.compute(Task.make(note(log, "x"), { key: "x", ...options }))
        )
        assert.deepInclude(reason, { _tag: "InvalidOption", key: "x", option: Object.keys(options)[0]! }, message)
      }
      const mended = Task.make(where, { allowOthers: true }).pipe(Task.withOptions({ workers: ["a"] }))
      assert.strictEqual(yield* Client.compute(mended), "a")
      assert.deepStrictEqual(log, [])
      const added = yield* mistakeOf(Scheduler.addWorker({ id: "b", concurrency: 1, labels: [""] }))
      assert.include(added.message, "labels of worker \"b\"")
    }).pipe(on(one("a"))))
})

describe("no suitable worker", () => {
  it.effect("C13: the task ends at its submission with what it was restricted to, its dependents with DependencyFailed", () =>
    Effect.gen(function*() {
      const log: Log = []
      const up = Task.make(note(log, "up"))
      const x = Task.make(up, () => note(log, "x"), { key: "x", workers: { ids: ["c"], labels: ["gpu"] } })
      const error = yield* errorOf(Client.compute(x))
      assert.instanceOf(error, NoSuitableWorker)
      assert.deepInclude(error, { key: "x", restriction: { workers: ["c"], labels: ["gpu"] }, millis: 0 })
      assert.strictEqual(
        error.message,
        "Task \"x\" needs a worker that is \"c\" and has the label \"gpu\": there is none that takes tasks and can run it. " +
          "Check the names, and that its body can run there. " +
          "Add a worker with Scheduler.addWorker, or let the task wait with waitForWorkers."
      )
      const below = yield* errorOf(Client.compute(Task.map(x, () => 0, { key: "below" })))
      assert.instanceOf(below, DependencyFailed)
      assert.deepStrictEqual([below.root, below.path], ["x", ["x", "below"]])
      assert.instanceOf(below.error, NoSuitableWorker)
      assert.deepStrictEqual(log, [])
    }).pipe(on(one("a"))))

  it.effect("C13, W5: amounts that no worker has in all are a restriction too, those that are held by others are not", () =>
    Effect.gen(function*() {
      const passing = gate()
      const memory = (amount: number) =>
        Task.make(Effect.andThen(passing.pass, where), { key: `m${amount}`, resources: { memory: amount } })
      const futures = yield* Client.submitAll([memory(3), memory(4)])
      const error = yield* errorOf(Client.compute(memory(5)))
      assert.instanceOf(error, NoSuitableWorker)
      assert.deepStrictEqual(error.restriction, { resources: { memory: 5 } })
      assert.include(
        error.message,
        "Task \"m5\" needs a worker that has 5 memory: there is none that takes tasks and can run it."
      )
      yield* passing.open
      assert.deepStrictEqual(yield* Future.joinAll(futures), ["a", "a"])
    }).pipe(on({ ...one("a"), resources: { memory: 4 } })))

  it.effect("C13: a task waits as long as it says, or else as long as the layer says", () =>
    Effect.gen(function*() {
      const options = { workers: ["b"] } as const
      const own = yield* Client.submit(Task.make(where, { ...options, waitForWorkers: "3 seconds" }))
      const common = yield* Client.submit(Task.make(where, options))
      const never = yield* Client.submit(Task.make(where, { ...options, waitForWorkers: 0 }))
      const ever = yield* Client.submit(Task.make(where, { ...options, waitForWorkers: Duration.infinity }))
      const standing = Effect.forEach([own, common, never, ever], (future) =>
        Effect.map(Future.metadata(future), ({ status }) => status))
      assert.deepStrictEqual(yield* standing, ["ready", "ready", "failed", "ready"])
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(yield* standing, ["failed", "ready", "failed", "ready"])
      assert.deepInclude(yield* errorOf(Future.join(own)), { _tag: "NoSuitableWorker", millis: 3000 })
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* standing, ["failed", "failed", "failed", "ready"])
      yield* TestClock.adjust("1 day")
      yield* Scheduler.addWorker(one("b"))
      assert.strictEqual(yield* Future.join(ever), "b")
    }).pipe(inScheduler({ workers: [one("a")], waitForWorkers: "5 seconds" })))

  it.effect("C13: when the last worker of a waiting task is lost it waits for another, and what runs starts there", () =>
    Effect.gen(function*() {
      const passing = gate()
      const options = { workers: { labels: ["gpu"] }, waitForWorkers: "1 second" } as const
      const running = yield* Client.submit(Task.make(Effect.andThen(passing.pass, where), options))
      const queued = yield* Client.submit(Task.make(where, options))
      yield* passing.arrived(1)
      yield* Faults.loseWorker("b")
      yield* TestClock.adjust("999 millis")
      yield* Scheduler.addWorker(one("c", "gpu"))
      yield* passing.open
      assert.deepStrictEqual(yield* Future.joinAll([running, queued]), ["c", "c"])
    }).pipe(on(one("a"), one("b", "gpu"))))

  it.effect("C13: a wait of the layer that is no duration is refused", () =>
    Effect.gen(function*() {
      const error = yield* mistakeOf(Effect.void.pipe(inScheduler({ waitForWorkers: "soon" as never })))
      assert.include(error.message, "waitForWorkers")
    }))

  it.effect("C13: a task that is cancelled while it waits for a worker leaves nothing behind", () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(
        Task.make(where, { workers: ["b"], waitForWorkers: "1 second" })
      )
      yield* Future.cancel(future)
      assert.strictEqual((yield* Future.metadata(future)).status, "cancelled")
      yield* TestClock.adjust("2 seconds")
    }).pipe(on(one("a"))))
})

describe("unmet", () => {
  const only = (id: string) =>
    Effect.flatMap(where, (worker) => worker === id ? Effect.succeed(worker) : Worker.unmet(`not ${id}`))

  for (const isAway of [false, true]) {
    const leave = isAway ? Worker.secede : Effect.void
    const how = isAway ? ", seceded" : ""

    it.effect(`D10: the task goes to another worker until it is met${how}`, () =>
      Effect.gen(function*() {
        const tried: Log = []
        const body = Effect.andThen(Effect.flatMap(where, (worker) => note(tried, worker)), leave)
        const task = Task.make(Effect.andThen(body, only("c")), { key: "x" })
        assert.strictEqual(yield* Client.compute(task), "c")
        assert.deepStrictEqual(tried, ["a", "b", "c"])
      }).pipe(on(one("a"), one("b"), one("c"))))

    it.effect(`D10: a body that is unmet everywhere ends ImpossibleDependency, with all its reasons${how}`, () =>
      Effect.gen(function*() {
        const x = Task.make(Effect.andThen(leave, Worker.unmet("no disk")), { key: "x" })
        const error = yield* errorOf(Client.compute(x))
        assert.instanceOf(error, ImpossibleDependency)
        assert.deepInclude(error.reason, {
          _tag: "Unmet",
          on: [{ worker: "a", why: "no disk" }, { worker: "b", why: "no disk" }]
        })
        assert.strictEqual(
          error.message,
          "Task \"x\" can run nowhere: its body said that it cannot run on \"a\" (no disk), \"b\" (no disk), and no other " +
            "worker on which it may run takes tasks. Add one that it can run on, or let it wait for one with waitForWorkers."
        )
        const below = yield* errorOf(Client.compute(Task.map(x, () => 0)))
        assert.instanceOf(below, DependencyFailed)
        assert.instanceOf(below.error, ImpossibleDependency)
      }).pipe(on(one("a"), one("b"))))
  }

  it.effect("D10: it is no attempt, neither for the body nor for its retries, which keep away from the worker too", () =>
    Effect.gen(function*() {
      const attempts: Array<readonly [string, number]> = []
      const body = Effect.gen(function*() {
        const { attempt, id: worker } = yield* Worker.current
        attempts.push([worker, attempt])
        if (worker === "a") return yield* Worker.unmet("not here")
        return yield* Effect.fail("no")
      })
      const error = yield* errorOf(Client.compute(Task.make(body, { retry: Schedule.recurs(2) })))
      assert.strictEqual(error, "no")
      assert.deepStrictEqual(attempts, [["a", 1], ["b", 1], ["b", 2], ["b", 3]])
    }).pipe(on(one("a"), one("b"))))

  it.effect("D10: with waitForWorkers it waits for a new worker", () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(Task.make(only("new"), { key: "x", waitForWorkers: "5 seconds" }))
      const late = yield* Client.submit(Task.make(only("none"), { waitForWorkers: "5 seconds" }))
      yield* turns()
      assert.deepInclude((yield* explanationOf("x"))?.because, {
        _tag: "NoSuitableWorker",
        unmet: [{ worker: "a", why: "not new" }]
      })
      yield* TestClock.adjust("4 seconds")
      yield* Scheduler.addWorker(one("new"))
      assert.strictEqual(yield* Future.join(future), "new")
      yield* TestClock.adjust("5 seconds")
      assert.instanceOf(yield* errorOf(Future.join(late)), ImpossibleDependency)
    }).pipe(on(one("a"))))

  it.effect("D10: its dependencies do not run again, and its restriction holds", () =>
    Effect.gen(function*() {
      const log: Log = []
      const up = Task.make(note(log, "up"))
      const x = Task.make(up, () => Effect.andThen(Effect.flatMap(where, (worker) => note(log, worker)), only("c")), {
        workers: ["a", "b"]
      })
      const error = yield* errorOf(Client.compute(x))
      assert.instanceOf(error, ImpossibleDependency)
      assert.deepStrictEqual(log.toSorted(), ["a", "b", "up"])
    }).pipe(on(one("a"), one("b"), one("c"))))

  it.effect("D10: a body that also fails or dies does just that", () =>
    Effect.gen(function*() {
      const failing = Task.make(Effect.all([Worker.unmet("no"), Effect.fail("own")], { concurrency: 2 }))
      const both = Task.make(Effect.ensuring(Worker.unmet("no"), Effect.die("dead")))
      const exit = yield* Effect.exit(Client.compute(both))
      assert.isTrue(Exit.isFailure(exit) && exit.cause.reasons.some(Cause.isDieReason))
      assert.instanceOf(yield* errorOf(Client.compute(failing)), ImpossibleDependency)
    }).pipe(on(one("a"))))

  it.effect("D10: one that is asked to stop stops", () =>
    Effect.gen(function*() {
      const log: Log = []
      const body = endless(log, "x").pipe(Effect.onInterrupt(() => Effect.void), Effect.andThen(Worker.unmet("no")))
      const future = yield* Client.submit(Task.make(body))
      yield* turns()
      yield* Future.cancel(future)
      assert.deepStrictEqual(log, ["x starts", "x is finalized"])
    }).pipe(on(one("a"), one("b"))))

  it.effect("D11: with retrySame the task may run on the same worker again, behind what is ready", () =>
    Effect.gen(function*() {
      const log: Log = []
      let busy = 2
      const body = Effect.andThen(
        note(log, "x"),
        Effect.suspend(() => busy-- > 0 ? Worker.unmet("busy", { retrySame: true }) : Effect.succeed("done"))
      )
      const [value] = yield* Client.compute([Task.make(body), Task.make(note(log, "other"))])
      assert.strictEqual(value, "done")
      assert.deepStrictEqual(log, ["x", "other", "x", "x"])
    }).pipe(on(one("a"))))

  it.effect("D10: a signal that is caught in the body says what it means", () =>
    Effect.gen(function*() {
      const signals = Effect.all([
        Effect.flip(Worker.unmet("no")),
        Effect.flip(Worker.unmet("no", { retrySame: true }))
      ])
      const [unmet, reschedule] = yield* Client.compute(Task.make(signals))
      assert.instanceOf(unmet, TaskUnmet)
      assert.include(unmet.message, "outside the body of one it means nothing")
      assert.instanceOf(reschedule, TaskRescheduled)
    }).pipe(inScheduler()))

  it.effect("D10: requireLabels goes on only where the labels are", () =>
    Effect.gen(function*() {
      const log: Log = []
      const needs = (...labels: ReadonlyArray<string>) =>
        Task.make(
          Effect.andThen(Worker.requireLabels(...labels), Effect.flatMap(where, (worker) => note(log, worker))),
          {
            key: "x"
          }
        )
      assert.strictEqual(yield* Client.compute(needs("gpu", "large")), "c")
      assert.strictEqual(yield* Client.compute(needs()), "a")
      const error = yield* errorOf(Client.compute(needs("gpu", "tape")))
      assert.deepInclude((error as ImpossibleDependency).reason, {
        _tag: "Unmet",
        on: [
          { worker: "a", why: "it lacks the labels \"gpu\", \"tape\"" },
          { worker: "b", why: "it lacks the label \"tape\"" },
          { worker: "c", why: "it lacks the label \"tape\"" }
        ]
      })
      assert.deepStrictEqual(log, ["c", "a"])
    }).pipe(on(one("a"), one("b", "gpu"), one("c", "large", "gpu"))))

  it.effect("D10: requireThat runs a body only where its condition holds", () =>
    Effect.gen(function*() {
      const log: Log = []
      const isOn = (id: string) => Effect.map(where, (worker) => worker === id)
      const body = Effect.flatMap(where, (worker) => note(log, worker))
      assert.strictEqual(yield* Client.compute(Task.make(body.pipe(Worker.requireThat(isOn("b"))))), "b")
      assert.strictEqual(yield* errorOf(Client.compute(Task.make(Worker.requireThat(body, Effect.fail("own"))))), "own")
      const nowhere = yield* errorOf(Client.compute(Task.make(Worker.requireThat(body, isOn("z")))))
      assert.instanceOf(nowhere, ImpossibleDependency)
      assert.deepStrictEqual(log, ["b"])
    }).pipe(on(one("a"), one("b"))))

  it.effect("D10: a condition or a body of requireThat that is no Effect is a defect that says so", () =>
    Effect.gen(function*() {
      const late = () => Promise.reject(new Error("unseen"))
      const wrongs: ReadonlyArray<readonly [Effect.Effect<unknown, unknown, Worker.Worker>, string, string]> = [
        [
          Worker.requireThat(where, (() => false) as never),
          "condition of Worker.requireThat is () => false",
          "sync, or with Effect.suspend if it gives an effect"
        ],
        [Worker.requireThat(where, true as never), "condition of Worker.requireThat is true", "succeed"],
        [Worker.requireThat(where, late() as never), "condition of Worker.requireThat is a Promise", "tryPromise"],
        [Worker.requireThat(5 as never, Effect.succeed(true)), "body of Worker.requireThat is 5", "succeed"]
      ]
      for (const [wrong, said, way] of wrongs) {
        const [defect] = defectsIn(yield* causeOf(Client.compute(Task.make(wrong))))
        assert.strictEqual(String(defect), `TypeError: The ${said} instead of an Effect: wrap it with Effect.${way}.`)
      }
    }).pipe(on(one("a"))))

  it.effect("D10: what would be unmet somewhere may end in any way that depends on the workers, as the interpreter says", () =>
    Effect.gen(function*() {
      const graph = () => {
        const x = Task.make(only("w1"), { label: "x" })
        return Task.map([x, Task.exit(x)], () => 0)
      }
      const report = yield* Simulation.run(graph, { seeds: 30 })
      assert.strictEqual(report.schedules, 30)
    }))
})

describe("locality", () => {
  it.effect("W2: a task goes where it is preferred most, and elsewhere while that worker is busy", () =>
    Effect.gen(function*() {
      const passing = gate()
      const locality = ({ id }: Task.WorkerInfo) => id === "c" ? 2 : id === "b" ? 1 : 0
      const slow = Task.make(Effect.andThen(passing.pass, where), { locality })
      const futures = yield* Client.submitAll([slow, slow, slow].map((task) => Task.withOptions(task, { label: "x" })))
      yield* passing.arrived(3)
      yield* passing.open
      assert.deepStrictEqual(yield* Future.joinAll(futures), ["c", "b", "a"])
    }).pipe(on(one("a"), one("b"), one("c"))))

  it.effect("W2: below 0 everywhere, it ends ImpossibleDependency", () =>
    Effect.gen(function*() {
      const locality = ({ labels }: Task.WorkerInfo) => labels.includes("gpu") ? -1 : 0
      assert.strictEqual(yield* Client.compute(Task.make(where, { locality })), "a")
      const error = yield* errorOf(Client.compute(Task.make(where, { key: "x", locality, workers: ["b"] })))
      assert.deepInclude((error as ImpossibleDependency).reason, { _tag: "Locality", workers: ["b"], fault: undefined })
      assert.strictEqual(
        (error as Error).message,
        "Task \"x\" can run nowhere: its locality is below 0 for every worker on which it may run: \"b\". Give 0 for those " +
          "where it may run."
      )
    }).pipe(on(one("a"), one("b", "gpu"))))

  it.effect("W2: it is asked once for each worker, however many tasks share it", () =>
    Effect.gen(function*() {
      const asked: Log = []
      const locality = ({ id }: Task.WorkerInfo) => asked.push(id)
      const tasks = Array.from({ length: 20 }, () => Task.make(whereSlowly, { locality }))
      yield* Client.compute(tasks)
      yield* Scheduler.addWorker(one("c"))
      yield* Client.compute(tasks)
      assert.deepStrictEqual(asked, ["a", "b", "c"])
    }).pipe(on(one("a"), one("b"))))

  it.effect("W2: one that throws, or gives no number, ends its task and nothing else", () =>
    Effect.gen(function*() {
      const broken = (locality: () => number) => errorOf(Client.compute(Task.make(where, { key: "x", locality })))
      const thrown = yield* broken(() => {
        throw new RangeError("boom")
      })
      assert.instanceOf(thrown, ImpossibleDependency)
      assert.include(
        thrown.message,
        "its locality threw RangeError: boom for worker \"a\". Give a number for every worker."
      )
      for (const wrong of [NaN, undefined, "1", Promise.reject(new Error("late"))]) {
        assert.instanceOf(yield* broken(() => wrong as number), ImpossibleDependency)
      }
      assert.strictEqual(yield* Client.compute(Task.make(where)), "a")
    }).pipe(on(one("a"))))
})

describe("schemes", () => {
  const three = [{ id: "a", concurrency: 2 }, { id: "b", concurrency: 2 }, { id: "c", concurrency: 2 }]

  /** Where tasks ran that came one by one. */
  const oneByOne = (count: number) =>
    Effect.forEach(Array.from({ length: count }), () => Client.compute(Task.make(where)))

  it.effect("W3: without a scheme what comes one by one stays where it is; leastLoad and lru spread it", () =>
    Effect.gen(function*() {
      const by = (placement?: Placement.Scheme) => oneByOne(4).pipe(inScheduler({ workers: three, placement }))
      assert.deepStrictEqual(yield* by(), ["a", "a", "a", "a"])
      assert.deepStrictEqual(yield* by(Placement.steady), ["a", "a", "a", "a"])
      assert.deepStrictEqual(yield* by(Placement.leastLoad), ["a", "b", "c", "a"])
      assert.deepStrictEqual(yield* by(Placement.lru), ["a", "b", "c", "a"])
    }))

  const { plainRandom, twoBin, weighted } = Placement
  for (const [name, placement] of Object.entries({ plainRandom, twoBin, weighted })) {
    it.effect(`W3: a seed of the layer's Random fixes the sequence of ${name}, and every event`, () =>
      Effect.gen(function*() {
        const run = (seed: string) =>
          Effect.gen(function*() {
            const log: Array<string> = []
            yield* Scheduler.listen((event) => log.push(JSON.stringify(event)))
            const places = yield* oneByOne(12)
            return { places, log: log.join("\n") }
          }).pipe(inScheduler({ workers: three, placement }), Random.withSeed(seed))
        const once = yield* run("one")
        assert.deepStrictEqual(yield* run("one"), once)
        assert.notDeepEqual((yield* run("two")).places, once.places)
        assert.isAbove(new Set(once.places).size, 1)
      }))
  }

  it.effect("W3: a scheme goes by what tasks ask for", () =>
    Effect.gen(function*() {
      const tasks = Array.from({ length: 6 }, () =>
        Task.make(where, { workers: ["b", "c"], locality: ({ id }) => id === "c" ? 1 : 0 }))
      assert.deepStrictEqual(
        yield* Effect.forEach(tasks, (task) =>
          Client.compute(task)),
        Array(6).fill("c")
      )
    }).pipe(inScheduler({ workers: three, placement: Placement.lru })))

  it.effect("W3: a function of one's own chooses; one that throws, or gives no index, warns once and breaks nothing", () =>
    Effect.gen(function*() {
      const by = (choose: Parameters<typeof Placement.make>[0]) =>
        oneByOne(3).pipe(inScheduler({ workers: three, placement: Placement.make(choose) }))
      assert.deepStrictEqual(yield* by((workers) => workers.findIndex(({ id }) => id === "b")), ["b", "b", "b"])
      const lines: Array<unknown> = []
      const logger = Logger.make(({ message }) => {
        lines.push(message)
      })
      const broken = by(() => {
        throw new RangeError("boom")
      })
      assert.deepStrictEqual(yield* Effect.provide(broken, Logger.layer([logger])), ["a", "a", "a"])
      assert.deepStrictEqual(yield* Effect.provide(by(() => 9), Logger.layer([logger])), ["a", "a", "a"])
      assert.deepStrictEqual(lines.flat(), [
        "The placement scheme threw RangeError: boom, so the worker with the greatest share of free slots is taken",
        "The placement scheme gave 9, so the worker with the greatest share of free slots is taken"
      ])
    }))

  it.effect("W3: what is no scheme is refused", () =>
    Effect.gen(function*() {
      const error = yield* mistakeOf(Effect.void.pipe(inScheduler({ placement: "best" as never })))
      assert.include(error.message, "The option placement cannot be \"best\"")
    }))
})

describe("high-water marks", () => {
  /** How many bodies are away at once at most, of ten that secede and wait for the gate. */
  const mostAway = Effect.gen(function*() {
    const passing = gate()
    const body = Worker.seceded(passing.pass)
    const futures = yield* Client.submitAll(Array.from({ length: 10 }, (_, i) => Task.make(body, { label: `${i}` })))
    yield* turns(30)
    const count = passing.count()
    yield* passing.open
    yield* Future.joinAll(futures)
    return count
  })

  it.effect("W4: a worker carries no more attempts than its mark, those that wait included", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* mostAway.pipe(inScheduler({ concurrency: 1, highWaterMark: 3 })), 3)
      assert.strictEqual(
        yield* mostAway.pipe(
          inScheduler({ workers: [{ ...one("a"), highWaterMark: 2 }, { ...one("b"), highWaterMark: 2 }] })
        ),
        4
      )
      for (const highWaterMark of [undefined, 0]) {
        assert.strictEqual(yield* mostAway.pipe(inScheduler({ concurrency: 1, highWaterMark })), 10)
      }
    }))

  it.effect("W4: recursion by waiting ends at any mark, and breadth stays within it", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Client.compute(fib(10)), 55)
    }).pipe(inScheduler({ concurrency: 1, highWaterMark: 1 })))

  it.effect("W4: a mark that is no count is refused, and so is one beside workers", () =>
    Effect.gen(function*() {
      for (const highWaterMark of [-1, 1.5, NaN]) {
        const error = yield* mistakeOf(Effect.void.pipe(inScheduler({ highWaterMark })))
        assert.include(error.message, "The option highWaterMark cannot be")
        const added = yield* mistakeOf(Scheduler.addWorker({ ...one("b"), highWaterMark }))
        assert.include(added.message, "highWaterMark of worker \"b\"")
      }
      yield* mistakeOf(Effect.void.pipe(inScheduler({ workers: [one("a")], highWaterMark: 2 })))
    }).pipe(on(one("a"))))
})
