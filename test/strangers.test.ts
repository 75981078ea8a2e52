import { assert, describe, it, vi } from "@effect/vitest"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as vm from "node:vm"
import * as Client from "skein/Client"
import * as Dependency from "skein/Dependency"
import * as Future from "skein/Future"
import * as Progress from "skein/Progress"
import * as Task from "skein/Task"
import * as TaskGraph from "skein/TaskGraph"
import { ProgressBar } from "skein/terminal"
import { InterruptSweep, Simulation, World } from "skein/testing"
import { inScheduler, type Log, note } from "./harness.ts"
import { causeOf, defectsIn, exitNow, mistakeOf, refusalOf, submitErrorOf } from "./support.ts"

/** What the compiler would refuse. */
const untyped = (value: unknown): any => value

const defectOf = (cause: Cause.Cause<unknown>): string => String(defectsIn(cause)[0])

const one = Task.make(Effect.succeed(1), { key: "one" })

function* steps(): Generator<number, number> {
  yield 1
  return 2
}

async function* lateSteps() {
  yield 1
}

/** A query of a database library, which runs when it is awaited. */
class Query {
  static runs = 0
  // oxlint-disable-next-line no-thenable
  then(): void {
    Query.runs++
  }
}

describe("results", () => {
  const works: ReadonlyArray<readonly [name: string, make: () => unknown, said: string]> = [
    ["an Effect", () => Effect.asVoid(Effect.never), "an Effect, which nothing runs"],
    ["a Task", () => Task.sync(() => 1), "a Task, which nothing runs: use Task.flatMap"],
    ["a promise", () => Promise.reject(new Error("unseen")), "a Promise"],
    ["a promise of another realm", () => vm.runInNewContext("Promise.reject(new Error('unseen'))"), "a Promise"],
    ["a query that runs when it is awaited", () => new Query(), "a thenable, such as a query"],
    ["a generator", () => steps(), "a generator, which nothing runs: "],
    ["an async generator", () => lateSteps(), "a generator, which nothing runs: "],
    // oxlint-disable-next-line no-thenable
    ["a record with a function then", () => Object.fromEntries([["then", () => {}]]), "a thenable, such as a query"]
  ]
  for (const [name, make, said] of works) {
    it.effect(`F1: ${name} is no result of a function, and the task says what to do`, () =>
      Effect.gen(function*() {
        Query.runs = 0
        const wrongs: ReadonlyArray<Task.Task<unknown>> = [
          Task.map(one, untyped(make), { key: "x" }),
          Task.sync(untyped(make), { key: "x" })
        ]
        for (const wrong of wrongs) {
          const defect = defectOf(yield* causeOf(Client.compute(wrong)))
          assert.include(defect, `TypeError: The function of task "x" returned ${said}`)
        }
        assert.strictEqual(Query.runs, 0)
      }).pipe(inScheduler()))

    it.effect(`F1: ${name} is no result of an effect`, () =>
      Effect.gen(function*() {
        Query.runs = 0
        const effect: Effect.Effect<unknown> = Effect.sync(untyped(make))
        const wrongs: ReadonlyArray<Task.Task<unknown, unknown>> = [
          Task.make(effect, { key: "x" }),
          Task.make(one, () => effect, { key: "x" }),
          Task.resource(effect, { key: "x" }),
          TaskGraph.make({ x: Task.make(effect) }).tasks.x
        ]
        for (const wrong of wrongs) {
          const defect = defectOf(yield* causeOf(Client.compute(wrong)))
          assert.include(defect, `TypeError: The effect of task "x" gave ${said.split(":")[0]}`)
        }
        const fused = Client.compute(Task.map(Task.make(effect, { key: "x" }), () => 1), { passes: ["fuse"] })
        assert.include(defectOf(yield* causeOf(fused)), "The effect of task \"x\" gave")
        assert.strictEqual(Query.runs, 0)
      }).pipe(inScheduler()))

    it.effect(`F1: ${name} is a result for who means it`, () =>
      Effect.gen(function*() {
        const meant = untyped(Task.value(make()))
        if (said === "a Promise") meant.then(undefined, () => {})
        const tasks: ReadonlyArray<Task.Task<unknown>> = [
          Task.sync(() => meant),
          Task.make([], () => Effect.sync(() => meant)),
          Task.fn(() => meant)(),
          // A task among inputs is a dependency, whatever else it is.
          ...(Task.isTask(meant) ? [] : [Task.map({ meant }, ({ meant }) => meant)])
        ]
        for (const task of tasks) {
          const future = yield* Client.submit(task)
          yield* Future.await(future)
          const polled = yield* exitNow(future)
          assert.isTrue(polled !== undefined && Exit.isSuccess(polled) && polled.value === meant)
        }
      }).pipe(inScheduler()))
  }

  it.effect("F1: Effect.fail is no value, and neither is Effect.succeed, though both give an Exit", () =>
    Effect.gen(function*() {
      for (const effect of [Effect.fail("no"), Effect.succeed(1)]) {
        const defect = defectOf(yield* causeOf(Client.compute(Task.map(one, untyped(() => effect), { key: "x" }))))
        assert.include(defect, "returned an Exit, as Effect.succeed and Effect.fail do: use Task.make, or Task.value")
      }
      const exits = yield* Client.compute([
        Task.make(Effect.exit(Effect.fail("no"))),
        Task.map(Task.exit(one), (exit) => exit as unknown)
      ])
      assert.deepStrictEqual(exits, [Exit.fail("no"), Exit.succeed(1)])
    }).pipe(inScheduler()))

  it.effect("F1: a future is a result only if it is an input, or meant", () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(one)
      const given = () => untyped({ handed: future })
      const wrong = Task.make([], () => Effect.sync(() => given().handed as unknown), { key: "x" })
      assert.include(defectOf(yield* causeOf(Client.compute(wrong))), "gave a Future, for which nothing waits")
      const meant = yield* Client.compute(Task.sync(() => Task.value(future)))
      assert.strictEqual(yield* Future.join(meant), 1)
    }).pipe(inScheduler()))

  it.effect("F1: a function of Task.fn or TaskGraph.call returns no task", () =>
    Effect.gen(function*() {
      const call = (): any => one
      for (const wrong of [Task.fn(call, { key: "x" })(), Task.withOptions(TaskGraph.call(call), { key: "x" })]) {
        const defect = defectOf(yield* causeOf(Client.compute(wrong as Task.Task<unknown>)))
        assert.include(defect, "The effect of task \"x\" gave a Task, which nothing runs: use Task.flatMap")
      }
    }).pipe(inScheduler()))

  it.effect("F1: a generator function is a body wherever an effect is, and none of a plain function", () =>
    Effect.gen(function*() {
      let runs = 0
      const gen = function*(): Generator<Effect.Effect<number>, number, never> {
        runs++
        return yield* Effect.succeed(1)
      }
      const registry = { x: gen }
      const json = yield* TaskGraph.fromJson({ tasks: [{ key: "x", dependencies: [] }] }, registry)
      const bodies: ReadonlyArray<Effect.Effect<unknown, unknown, any>> = [
        Client.compute(Task.make([], gen)),
        Client.compute(Task.resource([], gen)),
        Client.compute(one.pipe(Task.make(gen))),
        Client.compute(Task.fn(gen)()),
        Client.compute(Task.fn("x")(gen)()),
        Client.compute(TaskGraph.call(gen)),
        Effect.map(Client.compute(TaskGraph.add(TaskGraph.empty, "x", [], untyped(gen))), (values: any) => values.x),
        Effect.map(Client.compute(json), ({ x }) => x),
        Effect.map(Client.forEach([1], untyped(gen)), ([value]) => value)
      ]
      for (const body of bodies) assert.strictEqual(yield* body, 1)
      assert.strictEqual(runs, bodies.length)
      const refused: ReadonlyArray<Effect.Effect<unknown, unknown, any>> = [
        Client.compute(Task.map(one, untyped(gen))),
        Client.compute(Task.sync(untyped(gen)))
      ]
      for (const body of refused) {
        const defect = defectOf(yield* causeOf(body))
        assert.include(defect, "a generator, which nothing runs: give the generator function to Task.make or Task.fn")
      }
      const flat = yield* submitErrorOf(Client.compute(Task.flatMap(one, untyped(gen))))
      assert.include(flat.message, "what its function returned, a generator: it is no task")
      const given = defectOf(yield* causeOf(Client.compute(Task.make(untyped(gen())))))
      assert.match(given, /^TypeError: The body of the task is .* instead of an Effect: wrap .* with Effect.gen\.$/)
      const late = defectOf(yield* causeOf(Client.compute(Task.make([], untyped(lateSteps)))))
      assert.include(late, "instead of an Effect: an async generator cannot be one")
      assert.strictEqual(runs, bodies.length)
    }).pipe(inScheduler()))

  it.effect("F1: a generator function as a body is begun anew by each attempt, and closed when its task is cancelled", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      let attempts = 0
      const body = function*({ one }: { readonly one: number }) {
        const mine = ++attempts
        yield* Effect.addFinalizer(() => Effect.sync(() => void log.push(`closed ${mine}`)))
        if (mine < 3) yield* Effect.fail("again")
        return one + mine
      }
      const task = Task.make({ one }, body, { retry: Schedule.recurs(5) })
      assert.strictEqual(yield* Client.compute(task), 4)
      assert.deepStrictEqual(log, ["closed 1", "closed 2", "closed 3"])
    }).pipe(inScheduler()))

  it.effect("F1: a function alone is no target, since it waits for its input in a pipe", () =>
    Effect.gen(function*() {
      for (const open of [Task.make(() => Effect.succeed(1)), Task.map(() => 1), Task.flatMap(() => one)]) {
        const { message } = yield* submitErrorOf(Client.compute(untyped(open)))
        assert.include(message, "a function: it is no task; call it with the task that it waits for")
      }
      const refused = yield* mistakeOf(Client.submit(untyped(Task.map(() => 1))))
      assert.include(refused.message, "it is no task; call it with")
    }).pipe(Effect.scoped, inScheduler()))

  it.effect("G8: a tuple of another length than tuple is refused", () =>
    Effect.gen(function*() {
      const twice = (n: number): ReadonlyArray<number> => [n, n]
      for (const tuple of [1, 3]) {
        const defect = defectOf(yield* causeOf(Client.compute(Task.fn(twice, { tuple })(1)[0]!)))
        assert.include(
          defect,
          `The function "twice" with the option tuple ${tuple} gave a tuple of 2: give a tuple of ${tuple}`
        )
      }
      const single: (n: number) => any = (n) => n
      const defect = defectOf(yield* causeOf(Client.compute(Task.fn(single, { tuple: 1 })(5)[0]!)))
      assert.include(defect, "with the option tuple 1 gave 5")
    }).pipe(inScheduler()))

  it.effect("G17: an async function in the registry is told what to do, and its failure ends no process", () =>
    Effect.gen(function*() {
      const registry = { load: async () => Promise.reject(new Error("unseen")) }
      const graph = yield* TaskGraph.fromJson({ tasks: [{ key: "load", dependencies: [] }] }, registry)
      assert.strictEqual(
        defectOf(yield* causeOf(Client.compute(graph))),
        "TypeError: The function of task \"load\" returned a Promise instead of an Effect: wrap it with Effect.tryPromise."
      )
    }).pipe(inScheduler()))

  it.effect("G17: a dependency of the name __proto__ is a dependency, also beside one that is followed", () =>
    Effect.gen(function*() {
      const json = JSON.parse(
        "{ \"tasks\": [{ \"key\": \"__proto__\", \"task\": \"one\", \"dependencies\": [] }," +
          " { \"key\": \"x\", \"dependencies\": [\"__proto__\"], \"follow\": [\"__proto__\"] }] }"
      )
      const graph = yield* TaskGraph.fromJson(json, {
        one: () => ({ polluted: 1 }),
        x: (values) => [Object.keys(values), values.polluted]
      })
      assert.deepStrictEqual(yield* TaskGraph.compute(graph, "x" as never), [["__proto__"], undefined] as never)
    }).pipe(inScheduler()))
})

describe("inputs and targets", () => {
  const refusal = (inputs: unknown) => Effect.map(refusalOf(Client.compute(untyped(inputs))), ({ message }) => message)

  it.effect("G2: an Effect among targets or inputs is refused, and the error says what to do", () =>
    Effect.gen(function*() {
      const never = Effect.asVoid(Effect.never)
      const ofEffect =
        "the Effect at inputs[1]: nothing here runs it; make a task of it with Task.make, or use Task.value to hand it on as it is."
      assert.strictEqual(yield* refusal([one, never]), `The request cannot use ${ofEffect}`)
      assert.include(
        yield* refusal([one, Effect.fail("no")]),
        "the Exit at inputs[1]: it is an Effect, as Effect.succeed"
      )
      assert.include(yield* refusal({ a: { b: Effect.fail("no") } }), "the Exit at inputs.a.b")
      assert.strictEqual(
        yield* refusal(Task.map([1, never], untyped(() => 1), { key: "x" })),
        `Task "x" cannot depend on ${ofEffect}`
      )
      for (const task of [Task.all(untyped([1, never])), Task.fn((..._: ReadonlyArray<unknown>) => 1)(1, never)]) {
        assert.include(yield* refusal(task), `cannot depend on ${ofEffect}`)
      }
      const futures = untyped([yield* Client.submit(one), never])
      assert.include(defectOf(yield* causeOf(Future.joinAll(futures))), `The request cannot use ${ofEffect}`)
      assert.deepStrictEqual(yield* Client.forEach([Effect.succeed(1)], (effect) => effect), [1])
    }).pipe(inScheduler()))

  it.effect("F3: a promise beside targets is refused", () =>
    Effect.gen(function*() {
      const said = "The request cannot use a Promise: it is no task; make one with Task.make and Effect.tryPromise."
      assert.strictEqual(yield* refusal([one, Promise.reject(new Error("unseen"))]), said)
      assert.strictEqual(yield* refusal({ one, late: Promise.resolve(1) }), said)
    }).pipe(inScheduler()))

  it.effect("G2: an iterator is not taken for an empty record", () =>
    Effect.gen(function*() {
      const tasks = new Map([["one", one]])
      const generator = function*() {
        yield one
      }
      const why = "it is read step by step, and nothing here reads it; make an array of it, as in [...it]."
      assert.strictEqual(yield* refusal(tasks.values()), `The request cannot use the iterator at inputs: ${why}`)
      assert.strictEqual(yield* refusal(generator()), `The request cannot use the iterator at inputs: ${why}`)
      assert.include(yield* refusal(Task.all(generator())), `cannot depend on the iterator at inputs: ${why}`)
      assert.include(yield* refusal(Task.map({ some: tasks.values() }, () => 1)), "the iterator at inputs.some")
      const numbers = [1, 2].values()
      assert.strictEqual(yield* Client.compute(Task.map(Task.value(numbers), (it) => it)), Task.value(numbers))
    }).pipe(inScheduler()))

  it.effect("G2: a task anywhere within a Map, a Set or an Error is not overlooked", () =>
    Effect.gen(function*() {
      const map = new Map([["k", [one]]])
      assert.include(yield* refusal({ map }), "the task or future at inputs.map, in a Map")
      assert.include(
        yield* refusal({ set: new Set([{ deep: { one } }]) }),
        "the task or future at inputs.set, in a Set"
      )
      assert.include(yield* refusal(new Map([["k", new Set([one])]])), "the task or future at inputs, in a Map")
      assert.include(
        yield* refusal({ error: new Error("no", { cause: one }) }),
        "the task or future at inputs.error, in an Error: inputs are searched in arrays and records to depth 5, " +
          "not deeper and not in an Error."
      )
      assert.include(yield* refusal([Object.assign(new Error("no"), { of: [one] })]), "inputs[0], in an Error")
      assert.include(yield* refusal({ a: [[[[[[new Map([["k", one]])]]]]]] }), "inputs.a[0]")
      assert.deepStrictEqual(yield* Client.compute({ map: new Map([["k", [1]]]) }), { map: new Map([["k", [1]]]) })
    }).pipe(inScheduler()))

  class Tasks extends Array<unknown> {}
  class Celsius {
    readonly reading = one
    constructor() {
      Object.defineProperty(this, "fahrenheit", { enumerable: true, get: () => 1 })
    }
  }
  class Hidden {
    readonly reading = one
    constructor() {
      Object.defineProperty(this, "unit", { value: "C" })
    }
  }
  const unfaithful: ReadonlyArray<readonly [string, unknown, string]> = [
    [
      "a subclass of Array",
      Tasks.from([one]),
      "it holds tasks or futures and is an instance of Tasks; use a plain array"
    ],
    ["an instance with an accessor", new Celsius(), "and has the accessor \"fahrenheit\"; use a plain record"],
    ["an instance with a hidden field", new Hidden(), "and has a field that is not enumerable; use a plain record"],
    [
      "a record with a hidden field",
      Object.defineProperty({ one }, "x", { value: 1 }),
      "a field that is not enumerable"
    ]
  ]
  for (const [name, inputs, why] of unfaithful) {
    it.effect(`G2: ${name} that holds a task cannot be copied faithfully, so it is refused`, () =>
      Effect.gen(function*() {
        assert.include(yield* refusal({ n: inputs }), `The request cannot use what is in inputs.n: `)
        assert.include(yield* refusal({ n: inputs }), why)
      }).pipe(inScheduler()))
  }

  it.effect("G9: an instance of a subclass of Array, or a Date with fields, shares no key with plain data", () =>
    Effect.gen(function*() {
      class Ids extends Array<number> {}
      const load = Task.fn(function load(_: unknown) {
        return 1
      }, { pure: true })
      assert.include(yield* refusal(load(Ids.from([1, 2]))), "its arguments[0] has no canonical encoding")
      assert.include(yield* refusal(load(Ids.from([1, 2]))), "it is an instance of Ids")
      assert.include(
        yield* refusal(load(Object.assign(new Map(), { more: 1 }))),
        "it is an instance of Map with fields of its own"
      )
      assert.strictEqual(yield* Client.compute(load([1, 2])), 1)
    }).pipe(inScheduler()))

  it.effect("W6: a typo beside ids or labels is refused, and nothing runs where it must not", () =>
    Effect.gen(function*() {
      const log: Log = []
      const workers = untyped({ ids: ["local"], label: ["gpu"] })
      assert.strictEqual(
        yield* refusal(Task.make([], () => note(log, "ran"), { key: "x", workers })),
        "There is no option workers.label of task \"x\". Known options: ids, labels."
      )
      assert.deepStrictEqual(log, [])
    }).pipe(inScheduler()))

  it.effect("G4, V11: keys of graphs are checked where they are given", () =>
    Effect.gen(function*() {
      const graph = TaskGraph.make({ one, two: Task.sync(() => 2) })
      assert.strictEqual(
        yield* refusal(TaskGraph.pick(graph, ["three" as "two"])),
        "There is no task \"three\" in this graph. Known keys: \"one\", \"two\"."
      )
      const automatic = [
        TaskGraph.make({ "load#1": Task.sync(() => 1) }),
        TaskGraph.add(TaskGraph.empty, "load#1", Task.sync(() => 1)),
        yield* TaskGraph.fromRecord({ "load#1": Task.sync(() => 1) })
      ]
      for (const each of automatic) {
        assert.include(
          yield* refusal(each),
          "cannot be \"load#1\": expected one that does not end as automatic keys do"
        )
      }
    }).pipe(inScheduler()))
})

describe("options of observers and simulations", () => {
  it.effect("F1: those of progress, of the bar and of tests are checked", () =>
    Effect.gen(function*() {
      const wrongs: ReadonlyArray<readonly [Effect.Effect<unknown, unknown, any>, string]> = [
        [Stream.runDrain(Progress.changes(untyped({ intervall: 5 }))), "There is no option intervall."],
        [Progress.withProgress(Effect.void, () => {}, { interval: 0 }), "The option interval cannot be 0"],
        [ProgressBar.show(Effect.void, untyped({ color: true })), "There is no option color."],
        [Simulation.run(one, { seeds: 0 }), "The option seeds cannot be 0"],
        [Simulation.run(one, untyped({ fault: {} })), "There is no option fault."],
        [Simulation.run(one, { faults: { fail: 2 } }), "The option faults.fail cannot be 2"],
        [Simulation.replay(one, 1, { abandon: -1 }), "The option abandon cannot be -1"],
        [World.withSeed(Effect.void, 1, { operations: 0 }), "The option operations cannot be 0"],
        [
          InterruptSweep.run(Effect.void, { check: () => Effect.void, budgets: [0] }),
          "The option budgets cannot be"
        ]
      ]
      for (const [wrong, said] of wrongs) assert.include(defectOf(yield* causeOf(wrong)), said)
    }).pipe(inScheduler()))

  it.effect("V8: a report that is a generator function is told what to do", () =>
    Effect.gen(function*() {
      const logged: Array<any> = []
      const logger = Logger.make(({ cause }) => void logged.push(cause))
      yield* Progress.withProgress(Client.compute(one), untyped(steps)).pipe(Effect.provide(Logger.layer([logger])))
      assert.include(defectOf(logged[0]), "The report returned a generator, which nothing runs: use Effect.fn around")
    }).pipe(inScheduler()))

  it.effect("V8: an async report is told what to do, and its failure ends no process", () =>
    Effect.gen(function*() {
      const logged: Array<any> = []
      const report = untyped(() => Promise.reject(new Error("unseen")))
      const logger = Logger.make(({ cause, message }) => void logged.push(message, cause))
      yield* Progress.withProgress(Client.compute(one), report).pipe(Effect.provide(Logger.layer([logger])))
      assert.include(String(logged[0]), "A progress report failed")
      assert.include(
        defectOf(logged[1]),
        "The report returned a Promise: return nothing, or an Effect"
      )
    }).pipe(inScheduler()))
})

describe("two copies of Skein", () => {
  const copy = async () => {
    vi.resetModules()
    const [other, client, skein, dependency, graph] = await Promise.all([
      import("skein/Task"),
      import("skein/Client"),
      import("skein/Skein"),
      import("skein/Dependency"),
      import("skein/TaskGraph")
    ])
    return { Task: other, Client: client, Skein: skein, Dependency: dependency, TaskGraph: graph }
  }

  it.effect("F3: guards know what another copy made, so that code that asks them takes none of it for a value", () =>
    Effect.gen(function*() {
      const other = yield* Effect.promise(copy)
      const theirs = other.Task.make(Effect.succeed(1), { key: "theirs" })
      const policy = other.Dependency.any([theirs])
      const graph = other.TaskGraph.make({ theirs })
      const future = yield* other.Client.submit(theirs).pipe(
        Effect.provide(other.Skein.layer(), { local: true }),
        Effect.scoped
      )
      const guards = [Task.isTask, Future.isFuture, Dependency.isDependency, TaskGraph.isTaskGraph]
      const values: ReadonlyArray<unknown> = [
        theirs,
        future,
        policy,
        graph,
        one,
        TaskGraph.empty,
        Effect.void,
        {},
        null,
        "x"
      ]
      const known = values.map((value) => guards.findIndex((guard) => guard(value)))
      assert.deepStrictEqual(known, [0, 1, 2, 3, 0, 3, -1, -1, -1, -1])
      assert.isTrue(other.Task.isTask(one))
      const verbs: ReadonlyArray<Effect.Effect<unknown, unknown, any>> = [
        Client.compute(graph),
        Client.compute(other.TaskGraph.empty),
        Client.compute(untyped({ deep: other.TaskGraph.empty })),
        TaskGraph.compute(untyped(other.TaskGraph.empty), []),
        Client.compute(TaskGraph.pick(other.TaskGraph.empty, [])),
        Client.compute(TaskGraph.add(other.TaskGraph.empty, "x", Task.succeed(1))),
        Client.compute(untyped({ deep: future })),
        Client.compute(Task.map({ policy }, untyped(() => 1))),
        Client.compute(TaskGraph.add(graph, "x", Task.succeed(1))),
        Client.compute(TaskGraph.pick(graph, ["theirs"])),
        TaskGraph.compute(graph, "theirs"),
        Client.compute(Task.withOptions(theirs, { key: "x" })),
        Client.compute(Task.all([Dependency.any([theirs])])),
        Client.compute(Task.all([Dependency.all({ one, theirs })])),
        Client.compute(Task.map(one, () => 1, { after: theirs })),
        Client.compute(Task.map(one, () => 1, { after: [one, theirs], label: "x" })),
        Client.compute(Task.map(one, () => 1, { follow: [policy] })),
        Client.submitAll([theirs])
      ]
      for (const [i, verb] of verbs.entries()) {
        const { message } = yield* refusalOf(verb)
        assert.match(message, /of another copy of Skein\b.*the program has loaded Skein twice/, `${i}`)
      }
    }).pipe(inScheduler()))

  it.effect("F3: a task of another copy is named as such wherever it is given", () =>
    Effect.gen(function*() {
      const other = yield* Effect.promise(copy)
      assert.notStrictEqual(other.Task, Task)
      const theirs = other.Task.make(Effect.succeed(1), { key: "theirs" })
      const why = "the program has loaded Skein twice; keep one version of it (npm ls skein)"
      const verbs: ReadonlyArray<readonly [string, Effect.Effect<unknown, unknown, any>]> = [
        ["the request", Client.compute(theirs)],
        ["among targets", Client.compute([one, theirs])],
        ["an input", Client.compute(Task.map({ theirs }, () => 1))],
        ["the input", Client.compute(Task.map(theirs, () => 1))],
        ["submitted", Effect.scoped(Client.submit(theirs))],
        ["fired", Client.fireAndForget(theirs)],
        ["of Task.exit", Client.compute(Task.exit(theirs))],
        ["what a flatMap returns", Client.compute(Task.flatMap([], () => theirs))],
        ["in a graph", Client.compute(TaskGraph.make({ theirs }))]
      ]
      for (const [name, verb] of verbs) {
        const { message } = yield* refusalOf(verb)
        assert.include(message, "a Task of another copy of Skein", name)
        assert.include(message, why, name)
      }
      const asFuture = theirs as unknown as Future.Future<number>
      assert.include(defectOf(yield* causeOf(Future.join(asFuture))), "found a Task of another copy of Skein")
      const layer = other.Skein.layer()
      const cause = yield* causeOf(Client.compute(one).pipe(Effect.provide(layer, { local: true })))
      assert.include(defectOf(cause), `The layer is one of another copy of Skein: ${why}.`)
    }).pipe(inScheduler()))
})
