import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Client from "skein/Client"
import * as Dependency from "skein/Dependency"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import type { SubmitError, SubmitReason } from "skein/SkeinError"
import * as Task from "skein/Task"
import * as TaskGraph from "skein/TaskGraph"
import type { Mistake } from "../src/internal/tasks/mistake.ts"
import { inScheduler, type Log, note } from "./harness.ts"
import { defectsIn, mistakeOf, nothingIsLeft, reasonOf, submitErrorOf } from "./support.ts"

const one = Task.make(Effect.succeed(1))

/** The request is refused with this reason and message by every verb that submits, and nothing of it starts. */
const refused = (
  make: (log: Log) => Task.Task<unknown, unknown>,
  reason: Partial<SubmitReason | Mistake["reason"]> & Pick<SubmitReason | Mistake["reason"], "_tag">,
  message: string
) =>
  Effect.gen(function*() {
    const log: Log = []
    const innocent = Task.make(note(log, "innocent"))
    const verbs = (
      task: Task.Task<unknown, unknown>
    ): ReadonlyArray<Effect.Effect<unknown, unknown, Client.Client>> => [
      Client.compute(task),
      Client.compute({ innocent, task }),
      Client.compute([innocent, Task.map({ innocent, task }, () => 0)], { mode: "continue" }),
      Client.compute(task, { mode: "collect" }),
      Effect.scoped(Client.submit(task)),
      Effect.scoped(Client.submitAll([innocent, task])),
      Client.forEach([task], () => note(log, "item"))
    ]
    const isMistake = reason._tag === "InvalidOption"
    const refusalOf = isMistake ? mistakeOf : submitErrorOf
    for (const verb of verbs(make(log))) {
      const error = yield* refusalOf(verb)
      assert.deepInclude(error.reason as object, reason)
      assert.strictEqual(error.message, message)
      const name = isMistake ? "IllegalArgumentError" : "SubmitError"
      assert.include(Cause.pretty(Cause.fail(error)), `${name}: ${message}`)
    }
    yield* Effect.yieldNow
    assert.deepStrictEqual(log, [])
    // In the graph of a flatMap it is a failure of the flatMap task.
    const flat = yield* refusalOf(Client.compute(Task.flatMap(0, () => make(log))))
    assert.strictEqual(flat.message, message)
    yield* nothingIsLeft
    assert.deepStrictEqual(log, [])
    assert.strictEqual(yield* Client.compute(one), 1)
  })

describe("keys", () => {
  it.effect("Bad input: two tasks of one graph with the same key are a KeyConflict", () =>
    refused(
      (log) => Task.all([Task.make(note(log, "a"), { key: "k" }), Task.make(note(log, "b"), { key: "k" })]),
      { _tag: "KeyConflict", key: "k" },
      "The key \"k\" is taken: another task of this graph has it. Submit the same Task object, or choose another key."
    ).pipe(inScheduler()))

  it.effect("Bad input: one pure task does not make a key shared", () =>
    refused(
      (log) => Task.all([Task.make(note(log, "a"), { key: "k", pure: true }), Task.make(note(log, "b"), { key: "k" })]),
      { _tag: "KeyConflict", key: "k" },
      "The key \"k\" is taken: another task of this graph has it. Submit the same Task object, or choose another key."
    ).pipe(inScheduler()))

  it.effect("Bad input: an empty key is refused", () =>
    refused(
      (log) => Task.make(note(log, "a"), { key: "", label: "load" }),
      { _tag: "InvalidOption", option: "key", value: "" },
      "The option key of task \"load\" cannot be \"\": expected a non-empty string."
    ).pipe(inScheduler()))
})

describe("options", () => {
  const cases: ReadonlyArray<readonly [Task.Options, string]> = [
    [{ priority: Number.NaN }, "The option priority of task \"x\" cannot be NaN: expected a finite number."],
    [{ priority: Infinity }, "The option priority of task \"x\" cannot be Infinity: expected a finite number."],
    [
      { timeout: 0 },
      "The option timeout of task \"x\" cannot be 0: expected a duration above zero, such as \"5 seconds\"."
    ],
    [
      { timeout: -5 },
      "The option timeout of task \"x\" cannot be -5: expected a duration above zero, such as \"5 seconds\"."
    ],
    [
      { timeout: Number.NaN },
      "The option timeout of task \"x\" cannot be NaN: expected a duration above zero, such as \"5 seconds\"."
    ],
    [
      { deadline: "0 seconds" },
      "The option deadline of task \"x\" cannot be \"0 seconds\": expected a duration above zero, such as \"5 seconds\"."
    ],
    [
      { dependencyTimeout: "-1 second" },
      "The option dependencyTimeout of task \"x\" cannot be \"-1 second\": expected a duration above zero, such as \"5 seconds\"."
    ],
    [
      { timeout: "soon" as "1 second" },
      "The option timeout of task \"x\" cannot be \"soon\": expected a duration above zero, such as \"5 seconds\"."
    ]
  ]
  const untyped: ReadonlyArray<readonly [object, string]> = [
    [
      { retry: 5 },
      "The option retry of task \"x\" cannot be 5: expected a Schedule, such as Schedule.recurs(3), or options as in { times: 3 }."
    ],
    [{ retry: { times: -1 } }, "retry.times of task \"x\" cannot be -1: expected a whole number from 0, or Infinity."],
    [{ retry: { while: true } }, "retry.while of task \"x\" cannot be true: expected a function."],
    [{ retry: { schedule: 3 } }, "retry.schedule of task \"x\" cannot be 3: expected a Schedule"],
    [
      { after: "k" },
      "The option after of task \"x\" cannot be \"k\": expected a task, a future, a Dependency, or an array of them."
    ],
    [{ after: [one, 5] }, "expected a task, a future, a Dependency, or an array of them."]
  ]
  for (const [options, message] of untyped) {
    it.effect(`Bad input: ${Object.keys(options)[0]!} that no type allows is refused: ${message}`, () =>
      Effect.gen(function*() {
        const log: Log = []
        const task: Task.Task<unknown, unknown> = Task.make(note(log, "x"), { key: "x", ...options })
        const error = yield* mistakeOf(Client.compute(task))
        assert.deepInclude(error.reason, { _tag: "InvalidOption", key: "x" })
        assert.match(error.message, new RegExp(`The option ${Object.keys(options)[0]!}\\b`))
        assert.include(error.message, message)
        assert.deepStrictEqual(log, [])
      }).pipe(inScheduler()))
  }

  it.effect("Bad input: a key that is not a string is refused", () =>
    refused(
      (log) => Task.make(note(log, "x"), { key: 5 as unknown as string, label: "x" }),
      { _tag: "InvalidOption", key: "x", option: "key" },
      "The option key of task \"x\" cannot be 5: expected a non-empty string."
    ).pipe(inScheduler()))

  for (const tuple of [-1, 1.5, Number.NaN, Infinity]) {
    it.effect(`Bad input: tuple ${tuple} is refused when the first member is submitted`, () =>
      Effect.gen(function*() {
        const f = Task.fn((n: number) => [n], { tuple, label: "x" })
        const [first]: ReadonlyArray<Task.Task<number>> = f(1)
        const error = yield* mistakeOf(Client.compute(first!))
        assert.strictEqual(error.message, `The option tuple of task "x" cannot be ${tuple}: expected a whole number.`)
      }).pipe(inScheduler()))
  }

  it.effect("Bad input: a mode of errors that does not exist is a defect of compute and of joinAll", () =>
    Effect.gen(function*() {
      const options = { mode: "bogus" as Client.Mode }
      const message = "The option mode cannot be \"bogus\": expected \"failFast\", \"continue\" or \"collect\"."
      assert.strictEqual((yield* mistakeOf(Client.compute(one, options))).message, message)
      const exit = yield* Effect.exit(Future.joinAll([], options as never))
      const expected = "The option mode cannot be \"bogus\": expected \"failFast\" or \"continue\"."
      assert.include(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "", expected)
    }).pipe(inScheduler()))

  for (const [options, message] of cases) {
    it.effect(`Bad input: ${message}`, () =>
      refused(
        (log) => Task.make(note(log, "x"), { key: "x", ...options }) as Task.Task<string>,
        { _tag: "InvalidOption", key: "x", option: Object.keys(options)[0]! },
        message
      ).pipe(inScheduler()))
  }

  it.effect("Bad input: a wrong option replaced by a right one is no fault", () =>
    Effect.gen(function*() {
      const wrong = Task.make(Effect.succeed(1), { timeout: 0, priority: Number.NaN })
      yield* mistakeOf(Client.compute(wrong))
      assert.strictEqual(yield* Client.compute(Task.withOptions(wrong, { timeout: "1 second", priority: 1 })), 1)
      yield* mistakeOf(Client.compute(Task.withOptions(wrong, { timeout: "1 second" })))
    }).pipe(inScheduler()))

  it.effect("Bad input: nor is one that lies in a wrong option, in a Dependency or in an amount", () =>
    Effect.gen(function*() {
      const other = Task.make(Effect.succeed(0))
      const wrong = Task.make(Effect.succeed(1), {
        after: Dependency.atLeast(2, [other]),
        follow: Dependency.atLeast(3, [other]),
        resources: { gpu: -1 }
      }) as Task.Task<number>
      const told = (options: Task.Options) =>
        Effect.map(
          mistakeOf(Client.compute(Task.withOptions(wrong, options) as Task.Task<number>)),
          ({ reason }) => reason._tag === "InvalidOption" && [reason.option, reason.value]
        )
      assert.deepStrictEqual(yield* told({ follow: other, resources: { cpu: 1 } }), ["count of Dependency.atLeast", 2])
      assert.deepStrictEqual(yield* told({ after: other, resources: { cpu: 1 } }), ["count of Dependency.atLeast", 3])
      assert.deepStrictEqual(yield* told({ after: other, follow: other }), ["resources.gpu", -1])
      const right = Task.withOptions(wrong, { after: other, follow: other, resources: { cpu: 1 } })
      assert.strictEqual(yield* Client.compute(right as Task.Task<number>), 1)
    }).pipe(inScheduler({ workers: [{ id: "w", concurrency: 2, resources: { cpu: 1 } }] })))

  it.effect("Bad input: what is wrong with a Dependency among the inputs stays, whatever the options say", () =>
    Effect.gen(function*() {
      const other = Task.make(Effect.succeed(0))
      const wrong = Task.make([Dependency.atLeast(2, [other])], () => Effect.succeed(1))
      const error = yield* mistakeOf(Client.compute(Task.withOptions(wrong, { after: other })))
      assert.include(error.message, "count of Dependency.atLeast")
    }).pipe(inScheduler()))

  it.effect("Bad input: a duration without end is no limit", () =>
    Effect.gen(function*() {
      const task = Task.make(Effect.succeed(1), {
        timeout: Infinity,
        deadline: Infinity,
        dependencyTimeout: "Infinity"
      })
      assert.strictEqual(yield* Client.compute(task), 1)
    }).pipe(inScheduler()))
})

describe("pure tasks", () => {
  it.effect("Bad input: pure without a name or a key is refused", () =>
    refused(
      (log) => Task.make(note(log, "x"), { pure: true, label: "load" }),
      { _tag: "InvalidOption", key: "load", option: "pure", value: true },
      "The option pure of task \"load\" cannot be true: expected a key, or a function with a name, beside it."
    ).pipe(inScheduler()))

  const load = (log: Log) =>
    Task.fn(function load(_: unknown): string {
      log.push("load")
      return "loaded"
    }, { pure: true })

  class Opaque {
    readonly x = 1
  }

  const circular: Array<unknown> = [1]
  circular.push(circular)

  const cases: ReadonlyArray<readonly [unknown, path: string, why: string]> = [
    [() => 1, "arguments[0]", "it is a function"],
    [{ deep: [1, Symbol("s")] }, "arguments[0].deep[1]", "it is a symbol"],
    [{ a: new Opaque() }, "arguments[0].a", "it is an instance of Opaque"],
    [/x/, "arguments[0]", "it is an instance of RegExp"],
    [new URL("http://x"), "arguments[0]", "it is an instance of URL"],
    [circular, "arguments[0][1]", "it contains itself"],
    [{ [Symbol("s")]: 1 }, "arguments[0]", "it has a symbol for a key"],
    [Object.assign([1], { extra: 2 }), "arguments[0]", "it is an array with properties of its own"],
    [new (class Odd extends Map {})(), "arguments[0]", "it is an instance of Odd"],
    [new Map([[1, { f: () => 1 }]]), "arguments[0].f", "it is a function"],
    [Task.make(Effect.succeed(1)), "arguments[0]", "it is a task without a key"]
  ]
  for (const [argument, path, why] of cases) {
    it.effect(`G9: a pure call whose ${path} cannot be encoded, since ${why}, is refused`, () =>
      refused(
        (log) => load(log)(argument),
        { _tag: "InvalidArgument", key: "load", path, why },
        `Task "load" is pure, but its ${path} has no canonical encoding: ${why}. ` +
          "Pass plain data or a keyed task, or give the task a key of its own."
      ).pipe(inScheduler()))
  }
})

it.effect("G9: a pure call whose argument is nested without end is refused, not a stack overflow", () =>
  Effect.gen(function*() {
    const nested: Array<unknown> = []
    let inmost = nested
    for (let i = 0; i < 20_000; i++) {
      const next: Array<unknown> = []
      inmost.push(next)
      inmost = next
    }
    const error = yield* submitErrorOf(
      Client.compute(Task.fn(function load(_: unknown) {}, { pure: true })(nested))
    )
    assert.deepInclude(error.reason, { _tag: "InvalidArgument", key: "load", why: "it is nested too deeply" })
    assert.include(error.message, "its arguments[0][0][0]")
  }).pipe(inScheduler()))

describe("dependencies", () => {
  const place = "inputs are searched in arrays and records to depth 5, not deeper and not in a Map or Set"

  const misplaced: ReadonlyArray<readonly [string, unknown]> = [
    ["inputs[0][0][0][0][0][0]", [[[[[[one]]]]]]],
    ["inputs.a.b.c.d.e.f.g[0]", { a: { b: { c: { d: { e: { f: { g: [one] } } } } } } }],
    ["inputs.a.b.c.d.e.f", { fine: one, a: { b: { c: { d: { e: { f: Task.succeed(1) } } } } } }],
    ["inputs[\"a b\"], in a Map", { "a b": new Map([["k", one]]) }],
    ["inputs.keys, in a Map", { keys: new Map([[one, 1]]) }],
    ["inputs, in a Set", new Set([one])],
    ["inputs.set, in a Set", { set: new Set([Task.succeed(1)]) }]
  ]
  for (const [at, inputs] of misplaced) {
    it.effect(`Bad input: a task at ${at} is not overlooked`, () =>
      refused(
        (log) => Task.make(inputs, () => note(log, "x"), { key: "x" }),
        { _tag: "InvalidDependency", key: "x" },
        `Task "x" cannot depend on the task or future at ${at}: ${place}.`
      ).pipe(inScheduler()))
  }

  it.effect("Bad input: a task too deep within after is not overlooked", () =>
    Effect.gen(function*() {
      const after = [[one]] as unknown as Task.Task<1>
      const error = yield* mistakeOf(Client.compute(Task.make(Effect.void, { key: "x", after })))
      assert.deepInclude(error.reason, { _tag: "InvalidOption", key: "x", option: "after" })
    }).pipe(inScheduler()))

  it.effect("Bad input: a task stays where it cannot be under other options", () =>
    Effect.gen(function*() {
      const hidden = Task.map({ one, part: { keys: new Map([["k", one]]) } }, () => 0)
      const error = yield* submitErrorOf(Client.compute(Task.withOptions(hidden, { key: "x" })))
      assert.include(error.message, "Task \"x\" cannot depend on the task or future at inputs.part.keys, in a Map")
    }).pipe(inScheduler()))

  const symbol = Symbol("s")
  const lossy: ReadonlyArray<readonly [string, unknown, why: string]> = [
    ["a symbol beside a task", { n: { [symbol]: 7, one } }, "and has the key Symbol(s)"],
    ["a task under a symbol", { n: { [symbol]: one } }, "and has the key Symbol(s)"],
    ["a symbol beside tasks alone", { n: one, [symbol]: 7 }, "and has the key Symbol(s)"],
    ["an array with properties", { n: Object.assign([1, one], { more: 1 }) }, "an array with properties of its own"]
  ]
  for (const [name, inputs, why] of lossy) {
    it.effect(`Bad input: ${name} would be lost, so it is refused`, () =>
      Effect.gen(function*() {
        const error = yield* submitErrorOf(Client.compute(Task.map(inputs, () => 0, { key: "x" })))
        assert.deepInclude(error.reason, { _tag: "InvalidDependency", key: "x" })
        assert.include(error.message, why)
        assert.include(error.message, "use a plain record")
      }).pipe(inScheduler()))
  }

  it.effect("Bad input: joinAll refuses a future where nobody looks as compute does, with a defect", () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(one)
      const causes = [
        [new Map([["k", future]]), "inputs, in a Map"],
        [{ a: [[[[[[future]]]]]] }, "inputs.a[0][0][0][0][0][0]"]
      ] as const
      for (const [shape, at] of causes) {
        const exit = yield* Effect.exit(Future.joinAll(shape as unknown))
        const [defect] = Exit.isFailure(exit) ? defectsIn(exit.cause) : []
        assert.strictEqual(
          String(defect),
          `IllegalArgumentError: The request cannot use the task or future at ${at}: ${place}.`
        )
      }
    }).pipe(inScheduler()))

  it.effect("Bad input: what is no task cannot be submitted", () =>
    Effect.gen(function*() {
      const five = 5 as unknown as Task.Task<number>
      const message = "The request cannot use 5: it is no task."
      assert.strictEqual((yield* mistakeOf(Client.submit(five))).message, message)
      assert.strictEqual((yield* mistakeOf(Client.submitAll([one, five]))).message, message)
      yield* nothingIsLeft
    }).pipe(inScheduler()))

  it.effect("Bad input: a shape of TaskGraph.compute with something that is no key is refused", () =>
    Effect.gen(function*() {
      const graph = TaskGraph.make({ x: one })
      for (const wrong of [null, 5, new Map()]) {
        const error = yield* mistakeOf(TaskGraph.compute(graph, ["x", wrong] as unknown as ["x"]))
        assert.deepInclude(error.reason, { _tag: "InvalidOption", option: "shape of TaskGraph.compute", value: wrong })
      }
    }).pipe(inScheduler()))

  it.effect("Bad input: looking for tasks in deep plain data takes time in its size alone", () =>
    Effect.gen(function*() {
      let reads = 0
      const read = () => {
        reads++
        return 0
      }
      let list: object | undefined
      for (let i = 0; i < 32_000; i++) list = Object.defineProperty({ list }, "i", { enumerable: true, get: read })
      assert.strictEqual(yield* Client.compute(Task.map(list, () => "done")), "done")
      assert.strictEqual(reads, 32_000)
      const found: { one: unknown; list: unknown } = { one, list: undefined }
      const error = yield* submitErrorOf(Client.compute(Task.map([[[[[[[found]]]]]]], () => 0)))
      assert.include(error.message, "inputs[0][0][0][0][0][0][0].one")
      const wide = Array.from({ length: 1_000_000 }, () => 0)
      assert.strictEqual(yield* Client.compute(Task.map([[[[[[wide]]]]]], () => "done")), "done")
    }).pipe(inScheduler()))

  it.effect("Bad input: a request that hides a task where nobody looks is refused itself", () =>
    Effect.gen(function*() {
      const error = yield* submitErrorOf(Client.compute({ map: new Map([["k", one]]) }))
      assert.strictEqual(error.message, `The request cannot use the task or future at inputs.map, in a Map: ${place}.`)
      assert.deepInclude(error.reason, { _tag: "InvalidDependency", key: undefined })
    }).pipe(inScheduler()))

  it.effect("Bad input: a task five levels down is found, and plain data may be deeper or go round in circles", () =>
    Effect.gen(function*() {
      const circular: { self?: unknown; deep: unknown } = { deep: [[[[[[[[1]]]]]]]] }
      circular.self = circular
      const result = yield* Client.compute(
        Task.map({ a: { b: { c: { d: { e: one } } } }, circular }, (values) => values)
      )
      assert.deepStrictEqual(result.a, { b: { c: { d: { e: 1 } } } })
      assert.strictEqual(result.circular, circular)
    }).pipe(inScheduler()))

  it.effect("Bad input: submitAll finds tasks five levels down, and refuses what is deeper", () =>
    Effect.gen(function*() {
      const futures = yield* Client.submitAll([[[[[one]]]]])
      assert.strictEqual(yield* Future.join(futures[0][0][0][0][0]), 1)
      yield* mistakeOf(Client.submitAll([[[[[[one]]]]]] as never))
      yield* mistakeOf(Client.submitAll({ a: { b: { c: { d: { e: { f: one } } } } } } as never))
    }).pipe(Effect.scoped, inScheduler()))

  it.effect("Bad input: a released Future cannot be a dependency or a target", () =>
    Effect.gen(function*() {
      const future = yield* Effect.scoped(Client.submit(Task.make(Effect.succeed(1), { key: "gone" })))
      const why = "the future \"gone\": its result was released when its scope closed."
      const below = Task.map({ future }, () => 0, { key: "x" })
      assert.strictEqual((yield* submitErrorOf(Client.compute(below))).message, `Task "x" cannot depend on ${why}`)
      assert.strictEqual((yield* submitErrorOf(Client.submit(below))).message, `Task "x" cannot depend on ${why}`)
      assert.strictEqual((yield* submitErrorOf(Client.compute({ future }))).message, `The request cannot use ${why}`)
      const error = yield* reasonOf(Future.join(future))
      assert.strictEqual(error._tag, "Released")
      assert.strictEqual(
        (error as Error).message,
        "The result of \"gone\" was released when its scope closed. " +
          "Join it earlier, or take it over with Future.keep before that."
      )
    }).pipe(inScheduler()))

  it.effect("Bad input: a Future of another scheduler cannot be a dependency", () =>
    Effect.gen(function*() {
      const foreign = yield* Client.submit(Task.make(Effect.succeed(1), { key: "far" }))
      const inner = Effect.gen(function*() {
        const message = yield* submitErrorOf(Client.compute(Task.map({ foreign }, () => 0, { key: "x" })))
        assert.strictEqual(
          message.message,
          "Task \"x\" cannot depend on the future \"far\": it belongs to another scheduler; join it there and pass the value."
        )
        assert.strictEqual(yield* Future.join(foreign), 1)
        yield* nothingIsLeft
      })
      yield* Effect.provide(inner, Skein.layer(), { local: true })
    }).pipe(inScheduler()))

  it.effect("Bad input: a task has the inputs of the moment it was made, so no array makes a cycle afterwards", () =>
    Effect.gen(function*() {
      const inputs: Array<Task.Task<unknown, unknown>> = [one]
      const first = Task.all(inputs)
      inputs.push(Task.map(first, () => "round"))
      assert.deepStrictEqual(yield* Client.compute(first), [1])
      inputs.length = 0
      assert.deepStrictEqual(yield* Client.compute(first), [1])
      const waiting: Array<Task.Task<unknown, unknown>> = [one, one]
      const later = Task.all(waiting, { after: one })
      waiting.length = 1
      assert.deepStrictEqual(yield* Client.compute(later), [1, 1])
    }).pipe(inScheduler()))
})

describe("layers", () => {
  const cases: ReadonlyArray<readonly [Skein.Options, string]> = [
    [{ concurrency: 0 }, "The option concurrency cannot be 0: expected a positive whole number, or \"unbounded\"."],
    [{ concurrency: -1 }, "The option concurrency cannot be -1: expected a positive whole number, or \"unbounded\"."],
    [{ concurrency: 1.5 }, "The option concurrency cannot be 1.5: expected a positive whole number, or \"unbounded\"."],
    [
      { concurrency: Number.NaN },
      "The option concurrency cannot be NaN: expected a positive whole number, or \"unbounded\"."
    ],
    [
      { concurrency: Infinity },
      "The option concurrency cannot be Infinity: expected a positive whole number, or \"unbounded\"."
    ],
    [
      { limits: { taks: 3 } as object },
      "There is no option limits.taks. Known options: tasks, depth, live, nesting, unfolding, seceded, refusals, deaths, dependenciesLost, overtakes, lineage."
    ],
    [{ stories: 0 }, "The option stories cannot be 0: expected a positive whole number."],
    [{ workers: [] }, "The option workers cannot be []: expected at least one worker, or waitForWorkers."],
    [
      { workers: [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 0 }] },
      "The option concurrency of worker \"b\" cannot be 0: expected a positive whole number, or \"unbounded\"."
    ],
    [
      { workers: [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1 }, { id: "a", concurrency: 2 }] },
      "The option workers cannot be [\"a\",\"b\",\"a\"]: expected a different id for each worker."
    ],
    [
      { workers: [{ id: "a", concurrency: 1, resources: { gpu: 0 } }] },
      "The option resources.gpu of worker \"a\" cannot be 0: expected a number above zero with at most three decimals."
    ],
    [
      { restart: { times: 1 } as Skein.RestartOptions },
      "The option restart.within cannot be undefined: expected a duration above zero, such as \"5 seconds\"."
    ],
    [
      { workers: [{ id: "a", concurrency: 1, restart: { times: 1 } as Skein.RestartOptions }] },
      "The option restart.within of worker \"a\" cannot be undefined: expected a duration above zero, such as \"5 seconds\"."
    ],
    [
      { elastic: { min: 0, max: 1, concurrency: 1, restart: { times: 1 } as Skein.RestartOptions } },
      "The option elastic.restart.within cannot be undefined: expected a duration above zero, such as \"5 seconds\"."
    ],
    ...([["restart", "times, within, minRunTime"], ["budget", "target, pause, sizeOf"]] as const).flatMap(
      ([option, named]) =>
        [null, 3, []].map((wrong) =>
          [
            { [option]: wrong },
            `The option ${option} cannot be ${JSON.stringify(wrong)}: expected a record with ${named}.`
          ] as const
        )
    ),
    [
      { elastic: null as never },
      "The option elastic cannot be null: expected a record with ttl, restart, maxTasks, maxAge, onStart, min, max, concurrency, idle, id."
    ],
    ...[undefined, "", 5, null].map((id) =>
      [
        { workers: [{ id: "a", concurrency: 1 }, { id: id as string, concurrency: 1 }] },
        `The option workers[1].id cannot be ${JSON.stringify(id)}: expected a non-empty string.`
      ] as const
    ),
    ...[null, 5, []].map((worker) =>
      [
        { workers: [worker as never] },
        `The option workers[0] cannot be ${
          JSON.stringify(worker)
        }: expected a worker, such as { id: "a", concurrency: 1 }.`
      ] as const
    ),
    [
      { workers: 2 as never },
      "The option workers cannot be 2: expected an array of workers, such as [{ id: \"a\", concurrency: 1 }]."
    ],
    ...[["db"], "db", null, 2].map((tags) =>
      [
        { tags: tags as never },
        `The option tags cannot be ${JSON.stringify(tags)}: expected limits by name, such as { db: 2 }.`
      ] as const
    ),
    [
      { tags: { db: 0 } },
      "The option tags.db cannot be 0: expected a positive whole number, or a record with limit and rate."
    ],
    [
      { concurrency: 2, workers: [{ id: "a", concurrency: 1 }] },
      "The option concurrency cannot be 2: expected no value beside workers, whose own concurrency counts."
    ],
    [
      { elastic: { min: 0, max: 1, concurrency: "unbounded" as never } },
      "The option elastic.concurrency cannot be \"unbounded\": expected a positive whole number (with unbounded workers a pool never grows)."
    ],
    [
      { workers: [{ id: "a", concurrency: "unbounded" }], elastic: { min: 0, max: 1, concurrency: 1 } },
      "The option concurrency of worker \"a\" cannot be \"unbounded\": expected a positive whole number beside elastic, for a pool grows only while no slot is free."
    ],
    [
      { concurrency: "unbounded", sourceSaturation: 0.5 },
      "The option sourceSaturation cannot be 0.5: expected no value beside unbounded slots, of which a share is no limit."
    ]
  ]
  for (const [options, message] of cases) {
    it.effect(`Bad input: ${message}`, () =>
      Effect.gen(function*() {
        for (
          const attempt of [Client.compute(one).pipe(Effect.provide(Skein.layer(options))), Task.run(one, options)]
        ) {
          const error = yield* mistakeOf(attempt)
          assert.strictEqual(error.message, message)
        }
      }))
  }

  it.effect("Bad input: a worker that is added is checked like the first", () =>
    Effect.gen(function*() {
      const add = (id: string, concurrency: number | "unbounded") => mistakeOf(Scheduler.addWorker({ id, concurrency }))
      assert.strictEqual(
        (yield* add("new", 0)).message,
        "The option concurrency of worker \"new\" cannot be 0: expected a positive whole number, or \"unbounded\"."
      )
      const { message } = yield* add("new", "unbounded").pipe(
        inScheduler({ elastic: { min: 0, max: 1, concurrency: 1 } })
      )
      assert.include(message, "expected a positive whole number beside elastic")
      const taken = yield* submitErrorOf(Scheduler.addWorker({ id: "local", concurrency: 1 }))
      assert.deepInclude(taken.reason, { _tag: "DuplicateWorker", worker: "local" })
      assert.strictEqual(
        taken.message,
        "There is a worker \"local\" already. Choose another id, or wait until that worker has left."
      )
      const greedy = yield* mistakeOf(
        Scheduler.addWorker({ id: "new", concurrency: 1, resources: { gpu: 1.0001 } })
      )
      assert.strictEqual(
        greedy.message,
        "The option resources.gpu of worker \"new\" cannot be 1.0001: expected a number above zero with at most three decimals."
      )
      for (const id of [undefined, "", 5, null]) {
        assert.strictEqual(
          (yield* add(id as string, 1)).message,
          `The option id cannot be ${JSON.stringify(id)}: expected a non-empty string.`
        )
      }
      assert.strictEqual(
        (yield* mistakeOf(Scheduler.addWorker(null as never))).message,
        "The option worker cannot be null: expected a worker, such as { id: \"a\", concurrency: 1 }."
      )
      assert.lengthOf((yield* Scheduler.stats).workers, 1)
      assert.strictEqual(
        (yield* mistakeOf(Scheduler.limitTag("db", 0.5))).message,
        "The option limit of tag \"db\" cannot be 0.5: expected a positive whole number, or a record with limit and rate."
      )
    }).pipe(inScheduler()))
})

describe("what has closed", () => {
  it.effect("Bad input: submitting in a closed scope is refused, every time", () =>
    Effect.gen(function*() {
      const log: Log = []
      const scope = yield* Scope.make()
      yield* Scope.close(scope, Exit.void)
      for (let i = 0; i < 3; i++) {
        const error = yield* submitErrorOf(Client.submit(Task.make(note(log, "x"))).pipe(Scope.provide(scope)))
        assert.deepInclude(error.reason, { _tag: "Closed", what: "scope" })
        assert.strictEqual(
          error.message,
          "The scope has closed and takes no more tasks. Submit in a scope that is open."
        )
      }
      assert.deepStrictEqual(log, [])
    }).pipe(inScheduler()))

  it.effect("Bad input: a scheduler that has closed takes nothing more", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(Skein.layer(), scope)
      assert.strictEqual(yield* Client.compute(one).pipe(Effect.provideContext(context)), 1)
      yield* Scope.close(scope, Exit.void)
      for (
        const verb of [
          Client.compute(one),
          Client.submit(one),
          Client.submitAll([one]),
          Client.forEach([1], Effect.succeed)
        ]
      ) {
        const error = yield* submitErrorOf(
          Effect.scoped(verb as Effect.Effect<unknown, unknown, Client.Client>).pipe(
            Effect.provideContext(context)
          )
        )
        assert.strictEqual(
          error.message,
          "The scheduler has closed and takes no more tasks. Submit while its layer is open."
        )
      }
    }))
})

describe("keys along an edge", () => {
  it.effect("G10: a task with the key of one of its own dependencies is refused, however far that is", () =>
    Effect.gen(function*() {
      const a = Task.sync(() => 1, { key: "a" })
      const direct = Task.map(a, (a) => a + 10, { key: "a" })
      const far = Task.map({ b: Task.map(a, (a) => a) }, ({ b }) => b + 100, { key: "a" })
      for (const task of [direct, far]) {
        const error: any = yield* Effect.flip(Client.compute(task))
        assert.deepInclude(error.reason, {
          _tag: "KeyConflict",
          key: "a",
          why: "another task of this graph has it"
        })
      }
    }).pipe(Effect.provide(Skein.layer())))
})

describe("options that do not exist", () => {
  // Beside an option that there is, the compiler lets a typo pass.
  const typo: object = { prioritty: 1 }
  const one = Task.succeed(1)
  const provided = (options: Skein.Options) => Effect.provide(Effect.void, Skein.layer(options))
  const onceASecond = { times: 1, within: "1 second" } as const
  const pool = { min: 0, max: 1, concurrency: 1 }
  const optionOf: Readonly<Record<string, string>> = {
    "a worker": "prioritty of worker \"a\"",
    restart: "restart.prioritty",
    "restart of a worker": "restart.prioritty of worker \"a\"",
    elastic: "elastic.prioritty",
    "restart of elastic": "elastic.restart.prioritty",
    "Dependency.all": "prioritty of Dependency.all",
    "Dependency.any": "prioritty of Dependency.any",
    "Dependency.atLeast": "prioritty of Dependency.atLeast",
    budget: "budget.prioritty"
  }
  const takers: ReadonlyArray<readonly [string, Effect.Effect<unknown, unknown, any>]> = [
    ["Task.make", Client.compute(Task.make(Effect.void, { label: "x", ...typo }))],
    ["Task.resource", Client.compute(Task.resource(Effect.void, { label: "x", ...typo }))],
    ["Task.map", Client.compute(Task.map(one, (n) => n, { label: "x", ...typo }))],
    ["Task.fn", Client.compute(Task.fn(() => 1, { label: "x", ...typo })())],
    ["Task.fn, pure", Client.compute(Task.fn(() => 1, { name: "f", pure: true, ...typo })())],
    ["Task.flatMap", Client.compute(Task.flatMap(one, () => one, { label: "x", ...typo }))],
    ["Task.withOptions", Client.compute(Task.withOptions(one, { label: "x", ...typo }))],
    ["Dependency.all", Client.compute(Task.all(Dependency.all([one], { on: "success", ...typo })))],
    ["Dependency.any", Client.compute(Task.all(Dependency.any([one], { losers: "cancel", ...typo })))],
    ["Dependency.atLeast", Client.compute(Task.all(Dependency.atLeast(1, [one], { losers: "cancel", ...typo })))],
    ["Client.annotate", Client.annotate({ label: "x", ...typo })(Client.compute(one))],
    ["Client.compute", Client.compute(one, { mode: "failFast", ...typo })],
    ["Client.forEach", Client.forEach([1], Effect.succeed, { mode: "failFast", ...typo })],
    ["the task of Client.forEach", Client.forEach([1], Effect.succeed, { task: { label: "x", ...typo } })],
    ["Client.submit", Effect.scoped(Client.submit(one, { cache: new Map(), ...typo }))],
    ["Client.submitAll", Effect.scoped(Client.submitAll([one], { cache: new Map(), ...typo }))],
    ["Client.fireAndForget", Client.fireAndForget(one, { group: "g", ...typo })],
    ["Skein.layer", Effect.provide(Effect.void, Skein.layer({ concurrency: 1, ...typo }))],
    ["a worker", Effect.provide(Effect.void, Skein.layer({ workers: [{ id: "a", concurrency: 1, ...typo }] }))],
    ["a worker", Effect.scoped(Scheduler.addWorker({ id: "a", concurrency: 1, ...typo }))],
    ["Scheduler.awaitWorkers", Scheduler.awaitWorkers(1, { connectTimeout: "1 second", ...typo })],
    ["restart", provided({ restart: { times: 1, within: "1 second", ...typo } })],
    ["restart of a worker", provided({ workers: [{ id: "a", concurrency: 1, restart: { ...onceASecond, ...typo } }] })],
    ["elastic", provided({ elastic: { min: 0, max: 1, concurrency: 1, ...typo } })],
    ["restart of elastic", provided({ elastic: { ...pool, restart: { ...onceASecond, ...typo } } })],
    ["budget", provided({ budget: { target: 1, ...typo } })]
  ]
  for (const [name, program] of takers) {
    it.effect(`Bad input: an option that ${name} does not have is refused with the names of those that there are`, () =>
      Effect.gen(function*() {
        const error = yield* mistakeOf(program as Effect.Effect<unknown, unknown, Client.Client>)
        const option = optionOf[name] ?? "prioritty"
        assert.deepInclude(error.reason, { _tag: "UnknownOption", option })
        assert.match(error.message, /^There is no option .*prioritty.*\. Known options: \w+(, \w+)*\.$/)
      }).pipe(inScheduler()))
  }

  const defects: ReadonlyArray<
    readonly [string, (future: Future.Future<number>) => Effect.Effect<unknown, unknown, any>]
  > = [
    ["Future.joinAll", (future) => Future.joinAll([future], typo)],
    ["Future.cancel", (future) => Future.cancel(future, { wait: true, ...typo })],
    ["Client.cancelGroup", () => Client.cancelGroup("g", { wait: true, ...typo })]
  ]
  for (const [name, program] of defects) {
    it.effect(`Bad input: an option that ${name} does not have is a defect that says so`, () =>
      Effect.gen(function*() {
        const future = yield* Client.submit(one)
        const { reason } = yield* mistakeOf(program(future))
        assert.deepInclude(reason, { _tag: "UnknownOption", option: "prioritty" })
      }).pipe(inScheduler()))
  }

  it.effect("Bad input: an option that is undefined, or an index in place of options, is none", () =>
    Effect.gen(function*() {
      const nothing: object = { prioritty: undefined }
      assert.strictEqual(yield* Client.compute(Task.make(Effect.succeed(1), { label: "x", ...nothing })), 1)
      const submit = Client.submit as (
        task: Task.Task<number>,
        index: number
      ) => Effect.Effect<unknown, SubmitError, Client.Client | Scope.Scope>
      yield* Effect.forEach([one, one], submit)
    }).pipe(inScheduler()))
})
