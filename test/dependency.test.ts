import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import * as Client from "skein/Client"
import * as Dependency from "skein/Dependency"
import * as Future from "skein/Future"
import { DependencyFailed, ImpossibleDependency, type SubmitError, TaskSkipped } from "skein/SkeinError"
import * as Task from "skein/Task"
import * as TaskGraph from "skein/TaskGraph"
import { Interpreter, Simulation } from "skein/testing"
import * as Worker from "skein/Worker"
import { inScheduler, type Log, note } from "./harness.ts"
import { explanationOf, refusalOf } from "./support.ts"

const failureOf = <A, E>(exit: Exit.Exit<A, E>): E => Option.getOrThrow(Exit.findErrorOption(exit))

const good = Task.make(Effect.succeed(1), { key: "good" })
const bad = Task.make(Effect.fail("no" as const), { key: "bad" })
const skipped = Task.make(Worker.skip, { key: "skipped" })
const endless = Task.make(Effect.never as Effect.Effect<string>, { key: "endless" })

const wide = inScheduler({ concurrency: 4 })

/** What each exit came to, in a word. */
const words = (exits: ReadonlyArray<Exit.Exit<unknown, unknown> | undefined>): ReadonlyArray<string> =>
  exits.map((exit) => exit === undefined ? "open" : Exit.isSuccess(exit) ? "good" : "bad")

describe("Dependency as an input", () => {
  it.effect("D14: gives each member's exit in its place, with its own error", () =>
    Effect.gen(function*() {
      const task = Task.map(
        { list: Dependency.all([good, bad], { on: "completion" }), by: Dependency.rule("allDone", { bad, skipped }) },
        ({ by, list }) => [list, by] as const
      )
      const [list, by] = yield* Client.compute(task)
      assert.deepStrictEqual(list[0], Exit.succeed(1))
      assert.strictEqual(failureOf(list[1]), "no")
      assert.strictEqual(failureOf(by.bad), "no")
      assert.deepStrictEqual(failureOf(by.skipped), new TaskSkipped({ key: "skipped", root: "skipped" }))
    }).pipe(wide))

  it.effect("D1, D14: any starts at the first success, with undefined for what has not ended", () =>
    Effect.gen(function*() {
      const task = Task.map(
        { a: good, some: Dependency.any([endless, good, bad]) },
        ({ a, some }) => [a, words(some)] as const
      )
      const [a, some] = yield* Client.compute(task)
      assert.strictEqual(a, 1)
      assert.include(some, "open")
      assert.include(some, "good")
    }).pipe(wide))

  it.effect("D1: stands alone, nested, beside values, and beside after", () =>
    Effect.gen(function*() {
      const log: Log = []
      const first = Task.make(note(log, "first"), { key: "first" })
      const options = { after: first, key: "x" }
      const alone = Task.make(Dependency.all([good]), (exits) => Effect.as(note(log, "x"), words(exits)), options)
      const deep = Task.map([{ n: 1, all: [Dependency.all({ a: good })] }], (values) => values)
      assert.deepStrictEqual(yield* Client.compute(alone), ["good"])
      assert.deepStrictEqual(log, ["first", "x"])
      assert.deepStrictEqual(yield* Client.compute(deep), [{ n: 1, all: [{ a: Exit.succeed(1) }] }])
    }).pipe(wide))

  it.effect("D2, D3: what can never be met ends the task in that moment, and below it is an ordinary failure", () =>
    Effect.gen(function*() {
      const log: Log = []
      const x = Task.make(Dependency.all([bad, endless], { on: "failure" }), () => note(log, "x"), { key: "x" })
      const impossible = Task.make(Dependency.any([bad], { on: "success" }), () => note(log, "y"), { key: "y" })
      const below = Task.make(impossible, () => note(log, "z"), { key: "z" })
      const future = yield* Client.submit(x)
      const exit = yield* Effect.exit(Client.compute(below))
      const error = failureOf(exit)
      assert.instanceOf(error, DependencyFailed)
      assert.strictEqual(error.root, "y")
      assert.instanceOf(error.error, ImpossibleDependency)
      assert.deepInclude(error.error.reason, { _tag: "Unreachable", refusedBy: ["bad"] })
      assert.strictEqual(
        error.error.message,
        "Task \"y\" can never start: it needs its one input to succeed (1 failed). " +
          "Look at \"bad\", or choose a policy that allows it."
      )
      assert.strictEqual(yield* Future.status(future), "waiting")
      assert.deepStrictEqual(log, [])
    }).pipe(wide))

  it.effect("D3, F2: all on success fails as plain inputs do", () =>
    Effect.gen(function*() {
      const error = failureOf(
        yield* Effect.exit(Client.compute(Task.map(Dependency.all([bad]), () => 1, { key: "x" })))
      )
      assert.instanceOf(error, DependencyFailed)
      assert.strictEqual(error.error, "no")
    }).pipe(wide))

  it.effect("D13: two of three, and the loser that nobody else wants is cancelled", () =>
    Effect.gen(function*() {
      const log: Log = []
      const slow = Task.make(Effect.never.pipe(Effect.onInterrupt(() => note(log, "cancelled"))), { key: "slow" })
      const other = Task.make(Effect.succeed(2))
      const hold = yield* Deferred.make<void>()
      const task = Task.make(
        Dependency.atLeast(2, [good, slow, other], { losers: "cancel" }),
        (exits) => Effect.as(Deferred.await(hold), words(exits))
      )
      const future = yield* Client.submit(task)
      while (log.length === 0) yield* Effect.yieldNow
      assert.strictEqual(yield* Future.status(future), "running")
      yield* Deferred.succeed(hold, undefined)
      assert.deepStrictEqual(yield* Future.join(future), ["good", "open", "good"])
    }).pipe(wide))

  it.effect("D13: a loser that somebody claims goes on", () =>
    Effect.gen(function*() {
      const claimed = yield* Client.submit(endless)
      const task = Task.map(Dependency.any([good, claimed], { losers: "cancel" }), words)
      assert.deepStrictEqual(yield* Client.compute(task), ["good", "open"])
      assert.strictEqual(yield* Future.status(claimed), "running")
    }).pipe(wide))

  for (const slots of [[2], [2, 2]]) {
    it.effect(`D13: on ${slots.length} workers, a loser of another submission that nobody else wants is forgotten before the body starts`, () =>
      Effect.gen(function*() {
        const gate = yield* Deferred.make<void>()
        const quick = Task.make(Deferred.await(gate))
        // Below something that does not end, so that it leaves no trace at its cancellation.
        const waiting = Task.make({ endless }, ({ endless }) => Effect.succeed(endless), { key: "waiting" })
        const first = yield* Client.submit(waiting)
        const future = yield* Client.submit(Task.map(Dependency.any([quick, waiting], { losers: "cancel" }), words))
        yield* Future.release(first)
        yield* Deferred.succeed(gate, undefined)
        assert.deepStrictEqual(yield* Future.join(future), ["good", "open"])
      }).pipe(inScheduler({ workers: slots.map((concurrency, i) => ({ id: `w${i}`, concurrency })) })))
  }

  it.effect("D9: members that ended before the submission count at once", () =>
    Effect.gen(function*() {
      const futures = yield* Client.submitAll([good, bad, skipped])
      yield* Future.awaitAll(futures)
      const [a, b, c] = futures
      const exits = yield* Client.compute(Task.map(Dependency.all([a, b, c], { on: "completion" }), words))
      assert.deepStrictEqual(exits, ["good", "bad", "bad"])
      const error = failureOf(yield* Effect.exit(Client.compute(Task.map(Dependency.any([b, c]), words))))
      assert.instanceOf(error, ImpossibleDependency)
    }).pipe(wide))

  it.effect("F5: a task that is tried again has the exits that there are by then", () =>
    Effect.gen(function*() {
      const seen: Array<ReadonlyArray<string>> = []
      const slow = Task.make(Effect.sleep("1 second"))
      const task = Task.make(Dependency.any([slow, good]), (exits) =>
        Effect.suspend(() => seen.push(words(exits)) < 2 ? Effect.fail("again") : Effect.void), {
        retry: Schedule.spaced("2 seconds")
      })
      const future = yield* Client.submit(task)
      yield* TestClock.adjust("3 seconds")
      yield* Future.join(future)
      assert.deepStrictEqual(seen, [["open", "good"], ["good", "good"]])
    }).pipe(wide))

  it.effect("F3: a failure that a policy takes is no failure of the computation, in any mode", () =>
    Effect.gen(function*() {
      const task = Task.map(Dependency.any([bad, good, skipped]), () => "met")
      for (const mode of ["failFast", "continue"] as const) {
        assert.strictEqual(yield* Client.compute(task, { mode }), "met")
      }
      const failing = Task.map(Dependency.any([bad]), () => "met", { key: "x" })
      const exit = yield* Effect.exit(Client.compute(failing, { mode: "continue" }))
      assert.deepStrictEqual(Exit.isFailure(exit) ? exit.cause.reasons.length : 0, 1)
      assert.instanceOf(failureOf(exit), ImpossibleDependency)
    }).pipe(wide))
})

describe("Dependency in after and follow", () => {
  it.effect("D7: a task starts after the ends that its policy asks for, and not before", () =>
    Effect.gen(function*() {
      const log: Log = []
      const slow = (name: string, seconds: number, fails = false) =>
        Task.make(
          Effect.andThen(
            Effect.sleep(`${seconds} seconds`),
            Effect.andThen(note(log, name), fails ? Effect.fail("no") : Effect.void)
          ),
          { key: name }
        )
      const [one, two, three] = [slow("one", 1, true), slow("two", 2), slow("three", 3)]
      const first = Task.make(note(log, "first"), { after: Dependency.any([one, two, three]) })
      const last = Task.make(note(log, "last"), { after: Dependency.all([one, two, three], { on: "completion" }) })
      const both = Task.make(note(log, "both"), { after: [two, Dependency.any([one, two], { on: "failure" })] })
      const futures = yield* Client.submitAll([first, last, both])
      yield* TestClock.adjust("4 seconds")
      yield* Future.joinAll(futures)
      const metadata = yield* Effect.forEach(futures, (future) => Future.metadata(future))
      assert.deepStrictEqual(metadata.map(({ started }) => started), [2000, 3000, 2000])
      assert.sameMembers(log.slice(1, 4), ["two", "first", "both"])
    }).pipe(inScheduler({ concurrency: 8 })))

  it.effect("D8: follow gates time like after, and a failure of what is followed is impossible", () =>
    Effect.gen(function*() {
      const log: Log = []
      const first = Task.make(note(log, "first"))
      yield* Client.compute(Task.make(note(log, "second"), { follow: first }))
      assert.deepStrictEqual(log, ["first", "second"])
      const error = failureOf(
        yield* Effect.exit(Client.compute(Task.make(note(log, "x"), { follow: [first, bad], key: "x" })))
      )
      assert.instanceOf(error, ImpossibleDependency)
      assert.deepInclude(error.reason, { _tag: "Unreachable", of: "follow", refusedBy: ["bad"] })
      yield* Client.compute(Task.make(note(log, "any"), { follow: Dependency.any([bad, first]), after: first }))
      assert.strictEqual(log.at(-1), "any")
    }).pipe(wide))

  const two = inScheduler({ workers: [{ id: "w1", concurrency: 1 }, { id: "w2", concurrency: 1 }] })
  const place = Effect.map(Worker.current, ({ id }) => id)

  it.effect("D8: a task runs on the worker on which ran what it follows", () =>
    Effect.gen(function*() {
      const first = Task.make(place, { workers: ["w2"] })
      const all = Array.from({ length: 4 }, () => Task.make(place, { follow: first }))
      assert.deepStrictEqual(yield* Client.compute(all), ["w2", "w2", "w2", "w2"])
      const failing = Task.make(Effect.fail("no"), { workers: ["w2"] })
      const after = Task.make(place, { follow: Dependency.any([failing], { on: "failure" }) })
      assert.strictEqual(yield* Client.compute(after), "w2")
      const flat = Task.flatMap({ first }, () => Task.make(place, { workers: ["w2"] }))
      assert.strictEqual(yield* Client.compute(Task.make(place, { follow: flat })), "w2")
    }).pipe(two))

  it.effect("D8: what ran apart cannot be followed, but any of it can", () =>
    Effect.gen(function*() {
      const [a, b] = [Task.make(place, { workers: ["w1"] }), Task.make(place, { workers: ["w2"] })]
      const error = failureOf(yield* Effect.exit(Client.compute(Task.make(place, { follow: [a, b], key: "x" }))))
      assert.instanceOf(error, ImpossibleDependency)
      assert.deepInclude(error.reason, { _tag: "Apart", workers: ["w1", "w2"] })
      assert.include(error.message, "\"w1\" and \"w2\"")
      const any = Task.make(place, { follow: Dependency.any([a, b]), workers: ["w2"], after: [a, b] })
      assert.strictEqual(yield* Client.compute(any), "w2")
      const elsewhere = Task.make(place, { follow: a, workers: ["w2"], key: "y" })
      const away = failureOf(yield* Effect.exit(Client.compute(elsewhere)))
      assert.instanceOf(away, ImpossibleDependency)
      assert.deepInclude(away.reason, { _tag: "Away", workers: ["w1"] })
    }).pipe(two))

  it.effect("D8: while that worker is busy it waits, and explain says for which; a retry stays there", () =>
    Effect.gen(function*() {
      const first = yield* Client.submit(Task.make(place, { workers: ["w2"] }))
      yield* Future.join(first)
      const busy = yield* Client.submit(Task.make(Effect.sleep("1 second"), { workers: ["w2"], key: "busy" }))
      const log: Log = []
      const body = Effect.andThen(Effect.flatMap(place, (worker) => note(log, worker)), Effect.fail("again"))
      const task = Task.make(body, { follow: first, key: "x", retry: Schedule.recurs(1) })
      const future = yield* Client.submit(task)
      yield* TestClock.adjust("500 millis")
      assert.deepStrictEqual((yield* explanationOf("x"))?.because, {
        _tag: "NoFreeSlot",
        ahead: 0,
        running: ["busy"],
        on: ["w2"]
      })
      yield* TestClock.adjust("1 second")
      yield* Future.join(busy)
      yield* Effect.exit(Future.join(future))
      assert.deepStrictEqual(log, ["w2", "w2"])
    }).pipe(two))

  it.effect("D7: options that are replaced take their policies with them, and others stay", () =>
    Effect.gen(function*() {
      const log: Log = []
      const task = Task.make(note(log, "x"), {
        after: Dependency.any([bad]),
        follow: Dependency.any([good, bad]),
        key: "x"
      })
      const plain = Task.withOptions(task, { after: good })
      yield* Client.compute(plain)
      assert.deepStrictEqual(log, ["x"])
      const other = Task.withOptions(task, { follow: good })
      assert.instanceOf(failureOf(yield* Effect.exit(Client.compute(other))), ImpossibleDependency)
    }).pipe(wide))

  it.effect("D12, G19: rules run, skip or end a task by what came before it", () =>
    Effect.gen(function*() {
      const members = [good, bad, skipped]
      const end = (rule: Dependency.Rule, of: ReadonlyArray<Task.Task<number | never, unknown>>) =>
        Effect.map(
          Effect.exit(Client.compute(Task.make(Effect.succeed("ran"), { after: Dependency.rule(rule, of), key: "x" }))),
          (exit) => {
            if (Exit.isSuccess(exit)) return exit.value
            const error: unknown = failureOf(exit)
            return error instanceof TaskSkipped ? "skipped" : error instanceof ImpossibleDependency ? "impossible" : "?"
          }
        )
      const table: Array<readonly [string, ReadonlyArray<string>]> = []
      for (const rule of Dependency.rules) {
        const row: Array<string> = []
        for (const  of of[[good], [bad], [skipped], members]) row.push(yield* end(rule, of))
        table.push([rule, row])
      }
      assert.deepStrictEqual(table, [
        ["allSuccess", ["ran", "impossible", "skipped", "impossible"]],
        ["allFailed", ["skipped", "ran", "skipped", "skipped"]],
        ["allDone", ["ran", "ran", "ran", "ran"]],
        ["oneSuccess", ["ran", "impossible", "skipped", "ran"]],
        ["oneFailed", ["skipped", "ran", "skipped", "ran"]],
        ["oneDone", ["ran", "ran", "skipped", "ran"]],
        ["noneFailed", ["ran", "impossible", "ran", "impossible"]],
        ["noneFailedOneSuccess", ["ran", "impossible", "skipped", "impossible"]],
        ["noneSkipped", ["ran", "ran", "skipped", "skipped"]],
        ["always", ["ran", "ran", "ran", "ran"]]
      ])
    }).pipe(wide))

  it.effect("V11: explain says what a policy still needs", () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(good)
      yield* Future.join(future)
      yield* Client.submit(Task.make(Effect.void, { after: Dependency.atLeast(2, [future, endless, bad]), key: "x" }))
      yield* Effect.yieldNow
      const explained = yield* explanationOf("x")
      assert.strictEqual(explained?.because._tag, "WaitsForDependencies")
      const [need] = explained!.because._tag === "WaitsForDependencies" ? explained!.because.needs! : []
      assert.deepStrictEqual([need!.of, need!.size, need!.ended.success, need!.keys[0]], ["after", 3, 1, "endless"])
    }).pipe(wide))
})

describe("a Dependency that makes no sense", () => {
  const refusal = (task: Task.Task<unknown, unknown>) =>
    Effect.map(refusalOf(Client.compute(task)), ({ message }) => message)

  it.effect("D2: is refused before anything starts", () =>
    Effect.gen(function*() {
      const neither = "neither" as "success"
      const of = (dependency: unknown) => Task.map(dependency, () => 1, { key: "x" })
      assert.deepStrictEqual(
        yield* Effect.forEach([
          of(Dependency.any([good], { on: neither })),
          of(Dependency.atLeast(0, [good])),
          of(Dependency.atLeast(2, [good])),
          of(Dependency.atLeast(1.5, [good, bad])),
          of(Dependency.rule("allFine" as "allDone", [good])),
          of(Dependency.any([1] as never)),
          of(Dependency.any(good as never)),
          Task.make(Effect.void, { key: "x", after: Dependency.atLeast(3, [good, bad]) }),
          of(Dependency.any([good], { losers: "kill" as "cancel" }))
        ], refusal),
        [
          "The option on of Dependency.any of task \"x\" cannot be \"neither\": expected one of \"success\", \"failure\", \"completion\".",
          "The option count of Dependency.atLeast of task \"x\" cannot be 0: expected a whole number from 1 to 1, the number of its members.",
          "The option count of Dependency.atLeast of task \"x\" cannot be 2: expected a whole number from 1 to 1, the number of its members.",
          "The option count of Dependency.atLeast of task \"x\" cannot be 1.5: expected a whole number from 1 to 2, the number of its members.",
          "The option Dependency.rule of task \"x\" cannot be \"allFine\": expected one of " +
          Dependency.rules.map((rule) => JSON.stringify(rule)).join(", ") + ".",
          "The option Dependency.any of task \"x\" cannot be [1]: expected an array or a record of tasks and futures.",
          "The option Dependency.any of task \"x\" cannot be Task(\"good\"): expected an array or a record of tasks and futures.",
          "The option count of Dependency.atLeast of task \"x\" cannot be 3: expected a whole number from 1 to 2, the number of its members.",
          "The option losers of Dependency.any of task \"x\" cannot be \"kill\": expected \"cancel\", or nothing to keep them."
        ]
      )
    }).pipe(wide))

  it.effect("D5: an unknown key, or the task's own, is refused at submission, in a policy too", () =>
    Effect.gen(function*() {
      const reasonOf = (record: Readonly<Record<string, unknown>>) =>
        Effect.map(Effect.exit(TaskGraph.fromRecord(record)), (exit) => failureOf(exit).reason._tag)
      const any = (...keys: ReadonlyArray<string>) =>
        Task.map(Dependency.any(keys.map((key) => TaskGraph.ref(key))), words)
      assert.strictEqual(yield* reasonOf({ a: good, x: any("a", "nobody") }), "MissingDependency")
      assert.strictEqual(yield* reasonOf({ a: good, x: any("a", "x") }), "Cycle")
      const graph = yield* TaskGraph.fromRecord({ a: good, b: bad, x: any("a", "b") })
      const met = yield* Client.compute(graph.tasks.x as Task.Task<ReadonlyArray<string>, unknown>)
      assert.strictEqual(met[0], "good")
    }).pipe(wide))

  it.effect("a request asks for tasks, not for policies", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(Client.compute({ x: Dependency.any([good]) as never }))
      assert.match(
        (failureOf(exit) as SubmitError).message,
        /The request cannot use a Dependency: a policy is for the inputs of a task/
      )
    }).pipe(wide))

  it.effect("G9: the key of a pure call says which policy its arguments have", () =>
    Effect.gen(function*() {
      const log: Log = []
      const count = Task.fn((exits: ReadonlyArray<unknown>) => Effect.as(note(log, "ran"), exits.length), {
        pure: true,
        name: "count"
      })
      const one = count(Dependency.any([good, bad]) as never)
      const same = count(Dependency.any([good, bad]) as never)
      const other = count(Dependency.all([good, bad], { on: "completion" }) as never)
      assert.deepStrictEqual(yield* Client.compute([one, same, other]), [2, 2, 2])
      assert.deepStrictEqual(log, ["ran", "ran"])
    }).pipe(wide))
})

describe("the tables", () => {
  it("D1, D3, D12: isMet and isUnreachable are two sides of decide", () => {
    const any = Dependency.policy(Dependency.any([good, bad]))
    assert.deepStrictEqual(any, { _tag: "AtLeast", count: 1, on: "success", losers: undefined })
    assert.isTrue(Dependency.isMet(any, ["success", undefined]))
    assert.isFalse(Dependency.isMet(any, ["failed", undefined]))
    assert.isFalse(Dependency.isUnreachable(any, ["failed", undefined]))
    assert.isTrue(Dependency.isUnreachable(any, ["failed", "skipped"]))
    assert.strictEqual(Dependency.decide({ _tag: "Rule", rule: "allFailed" }, ["success", undefined]), "skip")
  })

  it("a dependency is known as one", () => {
    assert.isTrue(Dependency.isDependency(Dependency.any([good])))
    assert.isFalse(Dependency.isDependency(good))
    assert.deepStrictEqual(JSON.parse(JSON.stringify(Dependency.any([good]))), {
      _id: "Dependency",
      policy: "any",
      dependencies: 1
    })
  })
})

describe("a retry of a future", () => {
  it.effect("F11: of an impossible task runs the failed members again, and goes by its policy", () =>
    Effect.gen(function*() {
      let isUp = false
      const flaky = Task.make(Effect.suspend(() => isUp ? Effect.succeed(1) : Effect.fail("down")), { key: "flaky" })
      const task = Task.map(Dependency.any([flaky, bad]), words, { key: "x" })
      const future = yield* Client.submit(task)
      assert.isTrue(Exit.isFailure(yield* Future.await(future)))
      isUp = true
      const again = yield* Client.retry(future)
      assert.include(yield* Future.join(again), "good")
    }).pipe(wide))

  it.effect("rerunInline gives the body exits as the scheduler did", () =>
    Effect.gen(function*() {
      const seen: Array<ReadonlyArray<string>> = []
      const task = Task.make(
        { n: good, all: Dependency.all([good, bad], { on: "completion" }) },
        ({ all, n }) => Effect.suspend(() => Effect.fail(`${n}: ${seen.push(words(all))}`)),
        { key: "x" }
      )
      const future = yield* Client.submit(task)
      yield* Future.await(future)
      yield* Effect.exit(Future.rerunInline(future))
      assert.deepStrictEqual(seen, [["good", "bad"], ["good", "bad"]])
    }).pipe(wide))
})

describe("graphs with policies", () => {
  const graph = TaskGraph.empty.pipe(
    TaskGraph.add("a", good),
    TaskGraph.add("b", bad),
    TaskGraph.add("x", Task.map(Dependency.any([good, bad]), words)),
    TaskGraph.add("y", Task.make(Effect.succeed(1), { after: Dependency.rule("allDone", [bad]), follow: good }))
  )

  it.effect("G17, V8: pictures say which edges have a policy", () =>
    Effect.gen(function*() {
      const picture = TaskGraph.toMermaid(graph)
      for (const word of ["any", "after allDone", "follow"]) assert.include(picture, `"${word}"`)
      assert.deepStrictEqual(
        yield* Client.compute({ x: graph.tasks.x, y: graph.tasks.y }, { mode: "continue" }).pipe(
          Effect.map(({ x, y }) => [x.includes("good"), y])
        ),
        [true, 1]
      )
    }).pipe(wide))

  it.effect("G17: JSON carries policies there and back", () =>
    Effect.gen(function*() {
      const json = JSON.parse(JSON.stringify(TaskGraph.toJson(graph)))
      const registry = {
        a: () => 1,
        b: () => Effect.fail("no"),
        x: (values: Record<string, Exit.Exit<unknown>>) => words([values.a, values.b]),
        y: () => "y"
      }
      const back = yield* TaskGraph.fromJson(json, registry)
      const again = TaskGraph.toJson(back)
      assert.deepStrictEqual(
        again.tasks.map(({ policies }) => policies),
        TaskGraph.toJson(graph).tasks.map(({ policies }) => policies)
      )
      const { x, y } = back.tasks as Readonly<Record<string, Task.Task<unknown, unknown>>>
      const [exits, value] = yield* Client.compute([x!, y!])
      assert.strictEqual((exits as ReadonlyArray<string>)[0], "good")
      assert.strictEqual(value, "y")
    }).pipe(wide))
})

describe("the sequential interpreter", () => {
  it.effect("D2, D12: goes by policies", () =>
    Effect.gen(function*() {
      const all = Task.map(Dependency.all([good, bad, skipped], { on: "completion" }), words)
      const none = Task.map(Dependency.rule("noneFailed", [good, bad]), words, { key: "none" })
      const one = Task.map(Dependency.rule("allFailed", [good]), words, { key: "one" })
      const plain = Task.make(Effect.succeed(1), { after: Dependency.any([bad, good]) })
      const exits = yield* Interpreter.run({ all, none, one, plain })
      assert.deepStrictEqual(exits.all, Exit.succeed(["good", "bad", "bad"]))
      assert.instanceOf(failureOf(exits.none), ImpossibleDependency)
      assert.deepStrictEqual(failureOf(exits.one), new TaskSkipped({ key: "one", root: "one" }))
      assert.deepStrictEqual(exits.plain, Exit.succeed(1))
    }))

  it.effect("T6: simulated schedules of policies and skips agree with it", () =>
    Effect.gen(function*() {
      const program = () => {
        const a = Task.make(Effect.as(Effect.yieldNow, 1), { key: "a" })
        const b = Task.make(Effect.andThen(Effect.yieldNow, Effect.fail("no")), { key: "b" })
        const c = Task.make({ a }, ({ a }) => a > 0 ? Worker.skip : Effect.succeed(a), { key: "c" })
        const met = Task.map(Dependency.all([a, b, c], { on: "completion" }), words, { key: "met" })
        const after = Task.make(Effect.succeed("after"), { key: "after", after: Dependency.atLeast(1, [a, b, c]) })
        const never = Task.map(Dependency.any([b, c]), words, { key: "never" })
        const ruled = Task.map(
          { met, none: Dependency.rule("noneFailed", [a, c]) },
          ({ met, none }) => [...met, ...words(none)],
          { key: "ruled" }
        )
        return [met, after, never, ruled, Task.exit(c)]
      }
      yield* Simulation.run(program, { seeds: 60 })
    }))
})
