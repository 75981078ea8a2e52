import { assert, describe, it } from "@effect/vitest"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { inspect } from "node:util"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as SkeinError from "skein/SkeinError"
import * as Task from "skein/Task"
import * as TaskGraph from "skein/TaskGraph"
import { defaultLimits } from "../src/engine/protocol/Settings.ts"
import { inScheduler, type Log, note } from "./harness.ts"
import { causeOf, defectsIn, mistakeOf, nothingIsLeft, submitErrorOf } from "./support.ts"

const task = Task.make(Effect.succeed(1), { key: "x" })

const defectOf = (cause: Cause.Cause<unknown>): string => String(defectsIn(cause)[0])

describe("the input of forEach", () => {
  const broken = function*(log: Log) {
    yield 1
    log.push("read")
    throw new Error("disk gone")
  }

  it.effect("F15: a failure of the input reaches the caller, and nothing of it starts", () =>
    Effect.gen(function*() {
      for (const mode of ["failFast", "collect"] as const) {
        const log: Log = []
        const cause = yield* causeOf(Client.forEach(broken(log), () => note(log, "ran"), { mode }))
        assert.strictEqual(defectOf(cause), "Error: disk gone")
        assert.deepStrictEqual(log, ["read"])
        yield* nothingIsLeft
      }
    }).pipe(inScheduler()))

  const endless = function*(log: Log) {
    // An input that is given up is told so.
    using _ = { [Symbol.dispose]: () => void log.push("closed") }
    for (let i = 0;; i++) yield i
  }

  it("F15: limits.tasks is 10 million unless told, which ends an input without end", () => {
    assert.strictEqual(defaultLimits.tasks, 10_000_000)
  })

  it.effect("F15: an input without end is read as far as limits.tasks allows, and then refused", () =>
    Effect.gen(function*() {
      const log: Log = []
      const { reason } = yield* submitErrorOf(Client.forEach(endless(log), () => note(log, "ran")))
      assert.deepInclude(reason, { _tag: "LimitExceeded", limit: "tasks", value: 11, max: 10 })
      assert.deepStrictEqual(log, ["closed"])
    }).pipe(inScheduler({ limits: { tasks: 10 } })))

  it.live("F15: reading an input without end lets others have a turn, is interrupted by a timeout, and closes it once", () =>
    Effect.gen(function*() {
      const numbers = (seen: { read: number; closed: number }): Iterable<number> => ({
        [Symbol.iterator]: () => ({
          next: () => ({ done: false, value: seen.read++ }),
          return: (value) => {
            seen.closed++
            return { done: true, value }
          }
        })
      })
      const seen = { read: 0, closed: 0 }
      const run = Client.forEach(numbers(seen), () => Effect.void)
      const reading = yield* Effect.forkChild(run, { startImmediately: true })
      const first = seen.read
      assert.isAtLeast(first, 16)
      assert.isAtMost(first, 2048)
      yield* Effect.yieldNow
      assert.isAbove(seen.read, first)
      assert.isAtMost(seen.read, 3 * 2048)
      yield* Fiber.interrupt(reading)
      const { closed, read } = seen
      yield* Effect.yieldNow
      assert.deepStrictEqual([closed, seen], [1, { closed: 1, read }])
    }).pipe(inScheduler()))

  it.effect("F15: a failure to close an input that is refused reaches the caller, and it is closed once", () =>
    Effect.gen(function*() {
      const log: Log = []
      const input: Iterable<number> = {
        [Symbol.iterator]: () => ({
          next: () => ({ done: false, value: 1 }),
          return: () => {
            log.push("closed")
            throw new Error("it cannot be closed")
          }
        })
      }
      const cause = yield* causeOf(Client.forEach(input, () => Effect.void))
      assert.deepStrictEqual(log, ["closed"])
      assert.include(defectsIn(cause).map(String), "Error: it cannot be closed")
    }).pipe(inScheduler({ limits: { tasks: 10 } })))

  it.effect("A2: the options of all items may be given at once", () =>
    Effect.gen(function*() {
      const keys = yield* Client.forEach([1, 2], () => Effect.map(Client.submit(task), () => 0), {
        task: { label: "item" }
      })
      assert.deepStrictEqual(keys, [0, 0])
      const labels: Array<string> = []
      const callbacks = { beforeTask: (key: string) => void labels.push(key.split("#")[0]!) }
      yield* Client.forEach([1, 2], () => Effect.void, { callbacks, task: { label: "item" } })
      assert.deepStrictEqual(labels, ["item", "item"])
    }).pipe(inScheduler()))
})

describe("wrong calls", () => {
  const untyped = (value: unknown): any => value

  it.effect("F1: where a Future is expected, anything else is a defect that says what to do", () =>
    Effect.gen(function*() {
      const asTask =
        "TypeError: Expected a Future, found a Task: submit it with Client.submit, or run it with Client.compute."
      const calls: ReadonlyArray<(value: any) => Effect.Effect<unknown, unknown, any>> = [
        Future.join,
        Future.await,
        Future.poll,
        Future.status,
        Future.metadata,
        (value) => Future.awaitFirst([value]),
        (value) => Future.awaitFirstFailure([value]),
        Future.cancel,
        Future.release,
        (value) => Effect.scoped(Future.keep(value))
      ]
      for (const call of calls) {
        assert.strictEqual(defectOf(yield* causeOf(call(task))), asTask)
      }
      assert.strictEqual(
        defectOf(yield* causeOf(Future.awaitFirst(untyped(yield* Client.submit(task))))),
        "IllegalArgumentError: The request cannot use Future(\"x\"): it is no array of futures."
      )
      assert.strictEqual(
        defectOf(yield* causeOf(Future.join(untyped(Effect.succeed(1))))),
        "TypeError: Expected a Future, found an Effect: yield it first, if it gives a Future."
      )
      assert.strictEqual(
        defectOf(yield* causeOf(Future.join(untyped(Promise.resolve(1))))),
        "TypeError: Expected a Future, found a Promise."
      )
      assert.strictEqual(
        defectOf(yield* causeOf(Future.join(untyped(undefined)))),
        "TypeError: Expected a Future, found undefined."
      )
    }).pipe(inScheduler()))

  it.effect("F3: an effect or a promise is nothing to compute or submit, and the error says what to do", () =>
    Effect.gen(function*() {
      const ofEffect =
        "The request cannot use an Effect: it is no task; make one of it with Task.make, or run the effect itself."
      const ofPromise =
        "The request cannot use a Promise: it is no task; make one with Task.make and Effect.tryPromise."
      const verbs: ReadonlyArray<(work: any) => Effect.Effect<unknown, unknown, Client.Client>> = [
        (work) => Effect.scoped(Client.submit(work)),
        (work) => Effect.scoped(Client.submitAll([task, work])),
        Client.fireAndForget
      ]
      for (const verb of verbs) {
        assert.strictEqual((yield* mistakeOf(verb(Effect.succeed(1)))).message, ofEffect)
        assert.strictEqual((yield* mistakeOf(verb(Promise.resolve(1)))).message, ofPromise)
      }
      // A shape holds values, which may come from data.
      assert.strictEqual((yield* submitErrorOf(Client.compute(untyped(Effect.succeed(1))))).message, ofEffect)
      assert.strictEqual((yield* submitErrorOf(Client.compute(untyped(Promise.resolve(1))))).message, ofPromise)
    }).pipe(inScheduler()))

  it.effect("F3: an unknown mode is refused by every verb", () =>
    Effect.gen(function*() {
      const options = untyped({ mode: "bogus" })
      const expected = "The option mode cannot be \"bogus\": expected \"failFast\", \"continue\" or \"collect\"."
      const log: Log = []
      const verbs: ReadonlyArray<Effect.Effect<unknown, unknown, Client.Client>> = [
        Client.compute(task, options),
        Task.run(task, options),
        Client.forEach([1], () => note(log, "ran"), options)
      ]
      for (const verb of verbs) assert.strictEqual((yield* mistakeOf(verb)).message, expected)
      const future = yield* Client.submit(task)
      for (const mode of ["bogus", "collect"]) {
        assert.strictEqual(
          defectOf(yield* causeOf(Future.joinAll([future], untyped({ mode })))),
          `IllegalArgumentError: The option mode cannot be "${mode}": expected "failFast" or "continue".`
        )
      }
      assert.deepStrictEqual(log, [])
    }).pipe(inScheduler()))

  it.effect("V11: a key that looks like an automatic one is refused", () =>
    Effect.gen(function*() {
      for (const key of ["task#1", "load#22"]) {
        const { message } = yield* mistakeOf(Client.compute(Task.make(Effect.succeed(1), { key })))
        assert.include(message, `cannot be "${key}": expected one that does not end as automatic keys do`)
      }
      for (const key of ["#", "a#b", "#1a"]) {
        assert.strictEqual(yield* Client.compute(Task.make(Effect.succeed(1), { key })), 1)
      }
    }).pipe(inScheduler()))

  it.effect("F3: Task.run takes the mode of errors", () =>
    Effect.gen(function*() {
      const failing = Task.map(Task.make(Effect.fail("no" as const)), () => 0)
      assert.strictEqual(yield* Effect.flip(Task.run(failing, { mode: "continue" })), "no")
      assert.isTrue(Exit.isFailure(yield* Task.run(failing, { mode: "collect" })))
      assert.propertyVal(yield* Effect.flip(Task.run(failing)), "_tag", "DependencyFailed")
    }))

  it.effect("F1: a plain function that gives a Promise is a defect that names the task and the way out", () =>
    Effect.gen(function*() {
      const late = () => Promise.reject(new Error("unseen"))
      const wrongs: ReadonlyArray<Task.Task<unknown>> = [
        Task.map(1, untyped(late), { key: "x" }),
        Task.sync(untyped(late), { key: "x" })
      ]
      for (const wrong of wrongs) {
        assert.strictEqual(
          defectOf(yield* causeOf(Client.compute(wrong))),
          "TypeError: The function of task \"x\" returned a Promise: use Task.make, and Effect.tryPromise around it."
        )
      }
    }).pipe(inScheduler()))

  it.effect("F1: so is one that gives an Effect; exits, errors and what it was given are values", () =>
    Effect.gen(function*() {
      const never = Effect.asVoid(Effect.never)
      const wrongs: ReadonlyArray<Task.Task<unknown>> = [
        Task.map(1, untyped(() => never), { key: "x" }),
        Task.map({ one: Task.make(Effect.succeed(1)) }, untyped(() => never), { key: "x" }),
        Task.sync(untyped(() => never), { key: "x" })
      ]
      for (const wrong of wrongs) {
        assert.strictEqual(
          defectOf(yield* causeOf(Client.compute(wrong))),
          "TypeError: The function of task \"x\" returned an Effect, which nothing runs: " +
            "use Task.make, or Task.value to hand it on as it is."
        )
      }
      const error = new SkeinError.TaskSkipped({ key: "x", root: "x" })
      assert.deepStrictEqual(
        yield* Client.compute([
          Task.map([], () => Task.value(Exit.fail("no"))),
          Task.map([], () => error),
          Task.map({ never: Task.value(never), task }, ({ never }) => never),
          Task.all(Task.value(never)),
          Task.map([], () => ({ never }))
        ]),
        untyped([Exit.fail("no"), error, never, never, { never }])
      )
    }).pipe(inScheduler()))

  it.effect("F1: so is a promise from any other function, or in place of the effect; its failure ends no process", () =>
    Effect.gen(function*() {
      const late = (): Effect.Effect<never> => untyped(Promise.reject(new Error("unseen")))
      const said =
        "TypeError: The function of task \"x\" returned a Promise instead of an Effect: wrap it with Effect.tryPromise."
      const withKey = { key: "x" } as const
      for (
        const wrong of [
          Task.make([], late, withKey),
          Task.fn(late, withKey)(),
          TaskGraph.make({ x: Task.fn(late, withKey)() }).tasks.x
        ]
      ) {
        assert.strictEqual(defectOf(yield* causeOf(Client.compute(wrong as Task.Task<unknown>))), said)
      }
      assert.strictEqual(
        defectOf(yield* causeOf(Client.compute(Task.make(late(), withKey)))),
        "TypeError: The body of the task is a Promise instead of an Effect: wrap it with Effect.tryPromise."
      )
      assert.include(
        (yield* submitErrorOf(Client.compute(Task.flatMap([], (): Task.Task<never> => untyped(late()), withKey))))
          .message,
        "what its function returned, a Promise"
      )
    }).pipe(inScheduler()))

  it.effect("F1: what is neither task nor future is no input of Task.exit, and the scheduler goes on", () =>
    Effect.gen(function*() {
      for (const [wrong, said] of [[3, "3"], [[task], "[Task("], [undefined, "undefined"]] as const) {
        const { message } = yield* submitErrorOf(Client.compute(Task.exit(untyped(wrong) as typeof task)))
        assert.include(message, `Task "task" cannot depend on ${said}`)
        assert.include(message, "Task.exit takes a task or a future")
      }
      assert.strictEqual(yield* Client.compute(task), 1)
    }).pipe(inScheduler()))

  it.effect("F1: a future or a client where it does not belong is named, and not written out", () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(task)
      const client = yield* Client.Client
      const shared = Array.from({ length: 40 }).reduce<unknown>((inner) => [inner, inner], 0)
      const returned = (value: unknown) =>
        submitErrorOf(Client.compute(Task.flatMap([], (): typeof task => untyped(value))))
      assert.include((yield* returned(future)).message, "its function returned, Future(\"x\"): it is no task")
      assert.include((yield* returned(client)).message, "its function returned, Client: it is no task")
      assert.include((yield* returned(shared)).message, "its function returned, an array of 2: it is no task")
      assert.strictEqual(
        (yield* mistakeOf(Client.fireAndForget(untyped(future) as typeof task))).message,
        "The request cannot use Future(\"x\"): it is no task."
      )
      assert.include(
        defectOf(
          yield* causeOf(Client.compute(Task.make([], (): Effect.Effect<never> => untyped({ client }), { key: "y" })))
        ),
        "returned {\"client\":Client} instead of an Effect"
      )
      assert.include(
        (yield* mistakeOf(Client.compute(task, { mode: untyped(client) as "continue" }))).message,
        "The option mode cannot be Client"
      )
    }).pipe(Effect.scoped, inScheduler()))
})

describe("what untyped code gives", () => {
  const refused = (effect: Effect.Effect<unknown, unknown, Client.Client>) =>
    Effect.map(mistakeOf(effect), ({ message }) => message)
  const untyped = { Client, Task, TaskGraph } as any

  it.effect("F1: a body that is no effect is called a body, and not what a function returned", () =>
    Effect.gen(function*() {
      const bodies = [
        [5, "5 instead of an Effect: wrap it with Effect.succeed."],
        [Promise.reject(new Error("no")), "a Promise instead of an Effect: wrap it with Effect.tryPromise."]
      ] as const
      for (const make of [untyped.Task.make, untyped.Task.resource]) {
        for (const [body, text] of bodies) {
          const defect = defectOf(yield* causeOf(Client.compute(make(body))))
          assert.strictEqual(defect, `TypeError: The body of the task is ${text}`)
        }
      }
    }).pipe(inScheduler()))

  it.effect("F1: what cannot be iterated over or called is refused by forEach and fn", () =>
    Effect.gen(function*() {
      const f = () => Effect.succeed(1)
      const { fn, withOptions } = untyped.Task
      const { forEach } = untyped.Client
      const input = "expected an array, or something else to iterate over."
      const found = yield* Effect.forEach([
        forEach(5, f),
        forEach([1], 5),
        Effect.suspend(() => Client.compute(fn(5)(1))),
        Effect.suspend(() => Client.compute(withOptions(5, { key: "k" })))
      ], refused)
      assert.deepStrictEqual(found, [
        `The option input of Client.forEach cannot be 5: ${input}`,
        "The option function of Client.forEach cannot be 5: expected a function.",
        "The option function of Task.fn cannot be 5: expected a function.",
        "The option task of Task.withOptions of task \"k\" cannot be 5: expected a task."
      ])
    }).pipe(inScheduler()))

  it.effect("F1: a task in the place of options is refused as no options", () =>
    Effect.gen(function*() {
      const message = yield* refused(Effect.suspend(() => Client.compute(untyped.Task.make(() => 1, task))))
      assert.strictEqual(message, "The option options cannot be Task(\"x\"): expected a record of options.")
    }).pipe(inScheduler()))

  it.effect("V11, F1: what is no name of a task is refused by story, explain and explainAll, and explainText says what it got", () =>
    Effect.gen(function*() {
      type Look = (value: unknown) => Effect.Effect<unknown, never, Scheduler.Scheduler>
      const { explain, explainAll, story } = Scheduler as unknown as Record<"explain" | "explainAll" | "story", Look>
      const name = "expected a key, or a record with a key and the number of a graph."
      const names = "expected an array, or something else with names of tasks to iterate over; for one name use " +
        "Scheduler.explain."
      const found = yield* Effect.forEach([explain(undefined), story(5), explainAll("t"), explainAll(5)], causeOf)
      assert.deepStrictEqual(found.map(defectOf), [
        `IllegalArgumentError: The option name cannot be undefined: ${name}`,
        `IllegalArgumentError: The option name cannot be 5: ${name}`,
        `IllegalArgumentError: The option names of explainAll cannot be "t": ${names}`,
        `IllegalArgumentError: The option names of explainAll cannot be 5: ${names}`
      ])
      const text =
        "Expected an Explanation, found undefined. Scheduler.explain gives an Option, which is none for a task that is not live."
      assert.throws(() => Scheduler.explainText(untyped.none), TypeError, text)
    }).pipe(inScheduler()))

  it.effect("G17, F1: graphs from outside take records of tasks and of functions", () =>
    Effect.gen(function*() {
      const found: ReadonlyArray<string> = yield* Effect.forEach([
        untyped.TaskGraph.fromJson({ tasks: [] }),
        untyped.TaskGraph.fromRecord(5),
        untyped.TaskGraph.fromRecord([TaskGraph.ref("a")])
      ], refused)
      assert.match(found[0]!, /^The option registry cannot be undefined: expected functions by name/)
      assert.match(found[1]!, /^The option record of TaskGraph.fromRecord cannot be 5: expected a record of literals/)
      assert.match(found[2]!, /^The option record of TaskGraph.fromRecord cannot be \[/)
    }).pipe(inScheduler()))

  it.effect("F1: a group that is no text is a defect", () =>
    Effect.gen(function*() {
      const verbs: ReadonlyArray<Effect.Effect<unknown, unknown, Client.Client>> = [
        untyped.Client.awaitGroup(5),
        untyped.Client.cancelGroup(5)
      ]
      for (const verb of verbs) {
        assert.include(defectOf(yield* causeOf(verb)), "The option group cannot be 5: expected a string.")
      }
    }).pipe(inScheduler()))

  it("G17: tasks and graphs are short in texts", () => {
    const graph = TaskGraph.make({ a: task })
    assert.deepStrictEqual(
      [task, Task.make(Effect.void, { label: "load" }), Task.make(Effect.void), graph].map((each: unknown) =>
        String(each)
      ),
      ["Task(\"x\")", "Task(load)", "Task", "TaskGraph(\"a\")"]
    )
    assert.strictEqual(inspect(TaskGraph.add(graph, "b", task)), "{ _id: 'TaskGraph', tasks: [ 'a', 'b' ] }")
    assert.strictEqual(JSON.stringify(TaskGraph.empty), "{\"_id\":\"TaskGraph\",\"tasks\":[]}")
  })
})
