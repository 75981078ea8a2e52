import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as SkeinError from "skein/SkeinError"
import * as Task from "skein/Task"
import * as TaskGraph from "skein/TaskGraph"
import { Interpreter, World } from "skein/testing"
import * as Worker from "skein/Worker"
import { gate, inScheduler, type Log, note, turns } from "./harness.ts"
import { explanationOf, infoOf, mistakeOf, submitErrorOf } from "./support.ts"

/** A task with the key "step" that gives this, and another object each time. */
const step = (value: number, log: Log = []) => Task.make(Effect.as(note(log, `${value}`), value), { key: "step" })

const both = <A, E, R>(effects: ReadonlyArray<Effect.Effect<A, E, R>>) =>
  Effect.all(effects, { concurrency: "unbounded" })

describe("a key and its graph", () => {
  it.effect("G10: another task under a live key is another run, while that one runs and while its result is held", () =>
    Effect.gen(function*() {
      const door = gate()
      const first = yield* Client.submit(Task.make(Effect.as(door.pass, 1), { key: "k" }))
      const other = Task.make(Effect.succeed(2), { key: "k" })
      assert.strictEqual(yield* Client.compute(other), 2)
      yield* door.open
      assert.strictEqual(yield* Future.join(first), 1)
      assert.deepStrictEqual(yield* Client.compute({ deep: Task.map(other, (n) => n) }), { deep: 2 })
      assert.strictEqual(yield* Future.join(first), 1)
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("G10: requests that build the same keyed TaskGraph at once all succeed", () =>
    Effect.gen(function*() {
      const request = (n: number) =>
        Client.compute(TaskGraph.empty.pipe(
          TaskGraph.add("user", Task.make(Effect.as(Effect.yieldNow, n))),
          TaskGraph.add("answer", ["user"], ({ user }) => Effect.as(Effect.yieldNow, user * 10))
        ))
      assert.deepStrictEqual(
        yield* both([1, 2, 3].map(request)),
        [1, 2, 3].map((user) => ({ user, answer: user * 10 }))
      )
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("G10: Client.forEach gives keys to its items in each call anew", () =>
    Effect.gen(function*() {
      const all = (factor: number) =>
        Client.forEach([1, 2], (n) => Effect.as(Effect.yieldNow, n * factor), { task: (n) => ({ key: `item ${n}` }) })
      assert.deepStrictEqual(yield* both([all(10), all(100)]), [[10, 20], [100, 200]])
      const twice = yield* submitErrorOf(
        Client.forEach([1, 1], Effect.succeed, { task: (n) => ({ key: `item ${n}` }) })
      )
      assert.deepInclude(twice.reason, {
        _tag: "KeyConflict",
        key: "item 1",
        why: "another task of this graph has it"
      })
    }).pipe(inScheduler({ concurrency: 3 })))

  it.effect("G10, N5: bodies that compute steps of one name do not meet", () =>
    Effect.gen(function*() {
      const outer = (n: number) => Task.make(Client.compute(step(n)), { key: `outer ${n}` })
      assert.deepStrictEqual(yield* Client.compute([outer(1), outer(2), outer(3)]), [1, 2, 3])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("G10, G14: flatMap tasks that return graphs with steps of one name do not meet", () =>
    Effect.gen(function*() {
      const flat = (n: number) => Task.flatMap(n, (n) => Task.map(step(n), (value) => value), { key: "step" })
      for (const n of [1, 2, 3]) assert.strictEqual(yield* Client.compute(flat(n)), n)
      const list = [1, 2, 3].map((n) => Task.withOptions(flat(n), { key: `flat ${n}` }))
      assert.deepStrictEqual(yield* Client.compute(list), [1, 2, 3])
      const twice = Task.flatMap(1, () => Task.all([step(1), step(2)]))
      assert.strictEqual((yield* submitErrorOf(Client.compute(twice))).reason._tag, "KeyConflict")
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("G10: a future of another graph takes no key of the graph that uses it", () =>
    Effect.gen(function*() {
      const other = yield* Client.submit(step(1))
      assert.deepStrictEqual(yield* Client.compute(Task.all([other, step(2)])), [1, 2])
    }).pipe(inScheduler()))

  it.effect("A1: a task object is joined although other tasks have taken its key since", () =>
    Effect.gen(function*() {
      const log: Log = []
      const [one, two] = [step(1, log), step(2, log)]
      const futures = yield* Effect.forEach([one, two, one, two, one], (task) => Client.submit(task))
      assert.deepStrictEqual(yield* Future.joinAll(futures), [1, 2, 1, 2, 1])
      assert.deepStrictEqual(log, ["1", "2"])
      // One goes, and the other stays joined.
      yield* Effect.forEach([0, 2, 4], (i) => Future.release(futures[i]!))
      assert.deepStrictEqual(yield* Client.compute([two]), [2])
      assert.deepStrictEqual(log, ["1", "2"])
      assert.deepStrictEqual(yield* Client.compute([one]), [1])
      assert.deepStrictEqual(log, ["1", "2", "1"])
    }).pipe(inScheduler()))

  it.effect("F11, G10: a retry of tasks of one key from two graphs runs both again", () =>
    Effect.gen(function*() {
      let isBroken = true
      const flaky = (value: number) =>
        Task.make(Effect.suspend(() => isBroken ? Effect.fail("broken") : Effect.succeed(value)), { key: "k" })
      const old = yield* Effect.forEach([flaky(1), flaky(2)], (task) => Client.submit(task))
      yield* Future.awaitAll(old)
      isBroken = false
      assert.deepStrictEqual(yield* Future.joinAll(yield* Client.retryAll(old)), [1, 2])
      const other = yield* Client.submit(step(3))
      assert.deepStrictEqual(yield* Future.joinAll([yield* Client.retry(old[0]!), other]), [1, 3])
    }).pipe(inScheduler()))

  it.effect("F7: a key names all direct dependencies that have it", () =>
    Effect.gen(function*() {
      const runs: Array<string> = []
      let isLost = true
      const source = (name: string) => Task.sync(() => runs.push(name), { key: "k" })
      const other = yield* Client.submit(source("other"))
      const task = Task.make(
        [other, source("own")],
        (values) =>
          Effect.suspend(() => isLost ? (isLost = false, Worker.dependenciesLost("k")) : Effect.succeed(values))
      )
      assert.deepStrictEqual(yield* Client.compute(task), [3, 4])
      assert.sameMembers(runs, ["other", "own", "other", "own"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.live("T6: the interpreter keeps keys of graphs apart", () =>
    Effect.gen(function*() {
      const flat = (n: number) => Task.flatMap(n, step)
      const found = yield* World.withSeed(Interpreter.run([flat(1), flat(2)]), 1)
      assert.deepStrictEqual(found, [Exit.succeed(1), Exit.succeed(2)])
    }))
})

describe("pure tasks of several graphs", () => {
  const times = (factor: number) => Task.fn((n: number) => n * factor, { name: "times", pure: true })

  it.effect("G9: functions of one name do not answer for each other", () =>
    Effect.gen(function*() {
      const held = yield* Client.submit(times(10)(2))
      assert.strictEqual(yield* Client.compute(times(100)(2)), 200)
      assert.strictEqual(yield* Future.join(held), 20)
      const error = yield* submitErrorOf(Client.compute([times(10)(2), times(100)(2)]))
      assert.strictEqual(
        error.message,
        "The key \"times(2)\" is taken: a call of another function of this graph has it. Make the function once, outside of " +
          "what calls it, and pass what it closes over as an argument; or give it another name."
      )
    }).pipe(inScheduler()))

  it.effect("G9: calls do not answer for calls on other tasks of the same key", () =>
    Effect.gen(function*() {
      const double = Task.fn((n: number) => n * 2, { name: "double", pure: true })
      const half = Task.fn((n: number) => n / 2, { name: "half", pure: true })
      const held = yield* Client.submitAll([double(step(1)), half(double(step(1)))].slice(0, 1))
      const deep = yield* Client.submit(half(double(step(10))))
      assert.strictEqual(yield* Client.compute(double(step(2))), 4)
      assert.strictEqual(yield* Client.compute(half(double(step(20)))), 20)
      assert.deepStrictEqual(yield* Future.joinAll([...held, deep]), [2, 10])
      // Far down, where keys are digests.
      const chain = (n: number) => Array.from({ length: 20 }).reduce<Task.Task<number>>((task) => double(task), step(n))
      const kept = yield* Client.submit(chain(1))
      assert.strictEqual(yield* Client.compute(chain(3)), 3 * 2 ** 20)
      assert.strictEqual(yield* Future.join(kept), 2 ** 20)
    }).pipe(inScheduler()))

  it.effect("G9: with a key of its own a pure task is the same as one of the same function and arguments", () =>
    Effect.gen(function*() {
      const log: Log = []
      const load = ({ id }: { readonly id: number }) => Effect.as(note(log, `${id}`), id * 10)
      const user = (id: number, key = `user ${id}`) => Task.make({ id }, load, { key, pure: true })
      const held = yield* Client.submit(user(1))
      assert.deepStrictEqual(yield* Client.compute([user(1), user(1), user(2)]), [10, 10, 20])
      assert.deepStrictEqual(log, ["1", "2"])
      const same = yield* Client.submit(user(3, "same"))
      assert.strictEqual(yield* Client.compute(user(4, "same")), 40)
      assert.deepStrictEqual(yield* Future.joinAll([held, same]), [10, 30])
      const conflict = yield* submitErrorOf(Client.compute([user(3, "same"), user(4, "same")]))
      assert.deepInclude(conflict.reason, { _tag: "KeyConflict", key: "same", pure: true })
      const members = Task.fn((n: number) => [n, n + 1] as const, { name: "pair", tuple: 2, pure: true })(1)
      const renamed = yield* Effect.forEach(members, (task) => Client.submit(Task.withOptions(task, { key: "m" })))
      assert.deepStrictEqual(yield* Future.joinAll(renamed), [1, 2])
    }).pipe(inScheduler()))

  it.effect("G9: what has no encoding makes a pure task with a key the same as itself alone", () =>
    Effect.gen(function*() {
      const pick = ({ of }: { readonly of: { readonly value: number } }) => of.value
      class Box {
        value = 0
      }
      const task = (value: number) =>
        Task.map({ of: Object.assign(new Box(), { value }) }, pick, { key: "box", pure: true })
      const one = task(1)
      const held = yield* Client.submit(one)
      assert.deepStrictEqual([yield* Client.compute(task(2)), yield* Client.compute(one), yield* Future.join(held)], [
        2,
        1,
        1
      ])
    }).pipe(inScheduler()))
})

describe("namespaces", () => {
  const shared = Client.annotate({ namespace: "shared" })

  it.effect("G10: in a namespace another task under a live key is a KeyConflict, and the same object joins", () =>
    Effect.gen(function*() {
      const log: Log = []
      const task = step(1, log)
      const held = yield* shared(Client.submit(task))
      const error = yield* submitErrorOf(shared(Client.compute(step(2))))
      assert.strictEqual(
        error.message,
        "The key \"step\" is taken: another task in the namespace \"shared\" has it. " +
          "Submit the same Task object, or choose another key."
      )
      assert.strictEqual(yield* shared(Client.compute(task)), 1)
      assert.deepStrictEqual(log, ["1"])
      // Outside it, and in another one, it is another run.
      assert.strictEqual(yield* Client.compute(step(3)), 3)
      assert.strictEqual(yield* Client.annotate(Client.compute(step(4)), { namespace: "other" }), 4)
      yield* Future.release(held)
      assert.strictEqual(yield* shared(Client.compute(step(5))), 5)
    }).pipe(inScheduler()))

  it.effect("G10: a task object has a run of its own in each namespace", () =>
    Effect.gen(function*() {
      const log: Log = []
      const task = step(1, log)
      yield* Client.submit(task)
      yield* shared(Client.submit(task))
      yield* turns()
      assert.deepStrictEqual(log, ["1", "1"])
    }).pipe(inScheduler()))

  it.effect("G10, G16: namespaces nest, and reach what bodies submit and flatMap tasks return", () =>
    Effect.gen(function*() {
      yield* shared(Client.submit(step(1)))
      const inner = Client.annotate({ namespace: "inner" })
      yield* shared(inner(Client.submit(step(2))))
      const conflicts = [
        shared(Client.compute(Task.make(Client.compute(step(3))))),
        shared(Client.compute(Task.flatMap(1, () => step(4)))),
        shared(inner(Client.compute(step(5)))),
        shared(Client.compute(Task.make(inner(Client.compute(step(6)))))),
        Client.annotate(Client.compute(step(7)), { namespace: "shared/inner" })
      ]
      const named: Array<string> = []
      for (const each of conflicts) {
        const { reason } = yield* submitErrorOf(each as Effect.Effect<unknown, unknown, Client.Client>)
        if (reason._tag === "KeyConflict") named.push(reason.why)
      }
      const [outside, within] = ["shared", "shared/inner"].map((name) =>
        `another task in the namespace "${name}" has it`
      )
      assert.deepStrictEqual(named, [outside, outside, within, within, within])
      assert.strictEqual(yield* inner(Client.compute(step(8))), 8)
    }).pipe(inScheduler()))

  it.effect("G9: in a namespace equal calls of one function join, and those of two functions conflict", () =>
    Effect.gen(function*() {
      const log: Log = []
      const f = Task.fn((n: number) => Effect.as(note(log, "f"), n), { name: "f", pure: true })
      const g = Task.fn((n: number) => Effect.as(note(log, "g"), -n), { name: "f", pure: true })
      yield* shared(Client.submit(f(1)))
      assert.strictEqual(yield* shared(Client.compute(f(1))), 1)
      assert.deepInclude((yield* submitErrorOf(shared(Client.compute(g(1))))).reason, {
        _tag: "KeyConflict",
        pure: true
      })
      assert.strictEqual(yield* Client.compute(g(1)), -1)
      assert.deepStrictEqual(log, ["f", "g"])
    }).pipe(inScheduler()))

  it.effect("F11, G10: in a namespace a key that another task has taken meanwhile is a conflict of a retry", () =>
    Effect.gen(function*() {
      const failing = Task.make(Effect.fail("no"), { key: "step" })
      const old = yield* shared(Client.submit(Task.map(failing, () => 0)))
      yield* Future.await(old)
      const outside = yield* Client.submit(step(1))
      assert.strictEqual((yield* Future.await(yield* Client.retry(old)))._tag, "Failure")
      const other = yield* shared(Client.submit(step(2)))
      assert.deepInclude((yield* submitErrorOf(Client.retry(old))).reason, { _tag: "KeyConflict", key: "step" })
      assert.deepStrictEqual(yield* Future.joinAll([outside, other]), [1, 2])
    }).pipe(inScheduler()))

  it.effect("F3: a namespace that is no name is refused", () =>
    Effect.gen(function*() {
      const error = yield* mistakeOf(Client.annotate(Client.compute(step(1)), { namespace: "" }))
      assert.include(error.message, "The option namespace")
    }).pipe(inScheduler()))
})

describe("caches", () => {
  it.effect("R1: a graph that a flatMap task returned takes nothing for its own keys from a cache, but for calls and in a namespace", () =>
    Effect.gen(function*() {
      const log: Log = []
      const f = Task.fn((n: number) => Effect.as(note(log, `f(${n})`), n * 2), { name: "f", pure: true })
      const flat = (n: number) => Task.flatMap(n, (n) => Task.all([step(n, log), f(n)]))
      for (const passes of [[], ["fuse"]] as const) {
        log.length = 0
        const cache = new Map<string, unknown>()
        for (let round = 0; round < 2; round++) {
          assert.deepStrictEqual(yield* Client.compute([flat(1), flat(2)], { cache, passes }), [[1, 2], [2, 4]])
        }
        assert.sameMembers([...cache.keys()], ["f(1)", "f(2)"])
        assert.sameMembers(log, ["1", "2", "1", "2", "f(1)", "f(2)"])
      }
      const shared = new Map<string, unknown>()
      for (const n of [1, 2]) {
        const value = yield* Client.annotate(Client.compute(flat(n), { cache: shared }), { namespace: "n" })
        assert.deepStrictEqual(value, [1, n * 2])
      }
    }).pipe(inScheduler()))

  it.effect("R1: what a flatMap task returned adds nothing under its own keys, so no other graph takes it", () =>
    Effect.gen(function*() {
      for (const passes of [[], ["fuse"]] as const) {
        const cache = new Map<string, unknown>()
        const flat = Task.flatMap(1, () => Task.map(step(1), (n) => n + 1))
        assert.strictEqual(yield* Client.compute(flat, { cache, passes }), 2)
        assert.strictEqual(yield* Client.compute(step(3), { cache, passes }), 3)
        assert.deepStrictEqual([...cache], [["step", 3]])
      }
    }).pipe(inScheduler()))

  it.effect("R1: another task under a key of a cache takes its result, which is what a cache is for", () =>
    Effect.gen(function*() {
      const cache = new Map<string, unknown>()
      const held = yield* Client.submit(step(1), { cache })
      yield* Future.join(held)
      assert.strictEqual(yield* Client.compute(step(2), { cache }), 1)
      assert.strictEqual(yield* Client.compute(step(2)), 2)
    }).pipe(inScheduler()))
})

describe("who asks by key", () => {
  it.effect("V11: explain takes the newest live task of a key and counts the others, or one by its graph", () =>
    Effect.gen(function*() {
      const door = gate()
      const wait = (value: number) => Task.make(Effect.as(door.pass, value), { key: "k" })
      const [first, second] = [yield* Client.submit(wait(1)), yield* Client.submit(wait(2))]
      yield* turns()
      const [{ graph: one }, { graph: two }] = [yield* Future.metadata(first), yield* Future.metadata(second)]
      assert.notStrictEqual(one, two)
      const newest = yield* explanationOf("k")
      assert.deepInclude(newest, { key: "k", graph: two, more: 1, status: "ready" })
      const older = yield* explanationOf({ key: "k", graph: one })
      assert.deepInclude(older, { key: "k", graph: one, status: "running" })
      assert.notProperty(older, "more")
      assert.isTrue(Option.isNone(yield* Scheduler.explain({ key: "k", graph: 99 })))
      assert.deepStrictEqual((yield* Scheduler.dump).tasks.map(({ graph, key }) => [key, graph]), [["k", one], [
        "k",
        two
      ]])
      yield* door.open
      assert.deepStrictEqual(yield* Future.joinAll([first, second]), [1, 2])
      const events = (name: Scheduler.TaskName) =>
        Effect.map(Scheduler.story(name), (story) => story.map(({ graph, to }) => [graph, to]))
      const lives = (graph: number) => ["waiting", "ready", "assigned", "running", "succeeded"].map((to) => [graph, to])
      assert.deepStrictEqual(yield* events("k"), lives(two))
      assert.deepStrictEqual(yield* events({ key: "k", graph: one }), lives(one))
    }).pipe(inScheduler({ concurrency: 1, stories: 100 })))

  it.effect("V10, V11: lists of keys have the graph where two tasks of one key meet, and only there", () =>
    Effect.gen(function*() {
      const door = gate()
      const wait = (value: number, key = "k") => Task.make(Effect.as(door.pass, value), { key })
      const [first, second] = [yield* Client.submit(wait(1)), yield* Client.submit(wait(2))]
      const third = yield* Client.submit(wait(3, "other"))
      const below = yield* Client.submit(Task.map([first, second, third], () => 0, { key: "below" }))
      const [one, two] = [(yield* Future.metadata(first)).graph, (yield* Future.metadata(second)).graph]
      const keys = [`k (graph ${one})`, `k (graph ${two})`, "other"]
      assert.deepStrictEqual((yield* explanationOf("below"))?.because, { _tag: "WaitsForDependencies", keys })
      const { owners, tasks } = yield* Scheduler.dump
      assert.deepStrictEqual(tasks.find(({ key }) => key === "below")?.waitsOn, keys)
      assert.deepStrictEqual(owners.map(({ claims }) => claims), [[...keys, "below"]])
      const alone = yield* Client.submit(Task.map([second, third], () => 0, { key: "alone" }))
      assert.deepInclude((yield* explanationOf("alone"))?.because, { keys: ["k", "other"] })
      // The one that is told of counts too.
      yield* Client.submit(Task.map(first, () => 0, { key: "k" }))
      assert.deepInclude((yield* explanationOf("k"))?.because, { keys: keys.slice(0, 1) })
      yield* door.open
      yield* Future.joinAll([below, alone])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("V8, G17: two futures of one key are two nodes of a picture, and two futures of one task are one", () =>
    Effect.gen(function*() {
      const one = step(1)
      const [first, again] = yield* Client.submitAll([one, one])
      const second = yield* Client.submit(step(2))
      const { graph } = yield* Future.metadata(second)
      assert.deepStrictEqual(TaskGraph.dependencies(Task.map([first, again, second], () => 0, { key: "sum" })), {
        sum: ["step", `step (graph ${graph})`],
        step: [],
        [`step (graph ${graph})`]: []
      })
      const own = TaskGraph.dependencies(Task.map([second, step(3)], () => 0, { key: "sum" }))
      assert.deepStrictEqual(own, { sum: [`step (graph ${graph})`, "step"], step: [], [`step (graph ${graph})`]: [] })
    }).pipe(inScheduler()))

  it.effect("V8: of tasks of one key the newest gives the state, however late the others end", () =>
    Effect.gen(function*() {
      const events: Array<Scheduler.TaskEvent> = []
      yield* Scheduler.listen((event) => events.push(event))
      const door = gate()
      const held = yield* Client.submit(Task.make(Effect.as(door.pass, 1), { key: "k" }))
      yield* Effect.exit(Client.compute(Task.make(Effect.fail("no"), { key: "k" })))
      yield* door.open
      yield* Future.join(held)
      assert.deepStrictEqual([...TaskGraph.states(events)], [["k", "failed"]])
      const { graph } = yield* Future.metadata(held)
      assert.deepStrictEqual([...TaskGraph.states(events.filter((event) => event.graph === graph))], [[
        "k",
        "succeeded"
      ]])
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("F12: failures of tasks of one key in several graphs are several in a report", () =>
    Effect.gen(function*() {
      const flat = (n: number) =>
        Task.flatMap(n, () => Task.map(Task.make(Effect.fail(`no ${n}`), { key: "k" }), () => 0))
      const report = SkeinError.report(yield* Client.compute({ a: flat(1), b: flat(2) }, { mode: "collect" }))
      const told = report.failures.map(({ heldUp, root }) => [root, heldUp])
      assert.deepStrictEqual(told, [["k", ["a"]], ["k", ["b"]]])
    }).pipe(inScheduler()))

  it.effect("F12: a path has the graph of keys that are in it twice", () =>
    Effect.gen(function*() {
      const flat = Task.flatMap(1, () => Task.make(Effect.fail("no"), { key: "step" }), { key: "step" })
      const exit = yield* Effect.exit(Client.compute(Task.map(flat, () => 0, { key: "below" })))
      const path = Exit.isFailure(exit) ? infoOf(exit.cause)?.path ?? [] : []
      assert.lengthOf(path, 3)
      assert.match(path[0]!, /^step \(graph \d+\)$/)
      assert.match(path[1]!, /^step \(graph \d+\)$/)
      assert.notStrictEqual(path[0], path[1])
      assert.strictEqual(path[2], "below")
    }).pipe(inScheduler()))

  it.effect("F12: a failure says in which graph its key is", () =>
    Effect.gen(function*() {
      const failing = () => Task.make(Effect.fail("no"), { key: "k" })
      const futures = [yield* Client.submit(failing()), yield* Client.submit(failing())]
      const graphs = yield* Effect.forEach(futures, (future) =>
        Effect.map(Future.await(future), (exit) =>
          Exit.isFailure(exit) ? infoOf(exit.cause)?.graph : undefined))
      assert.deepStrictEqual(
        graphs,
        yield* Effect.forEach(futures, (future) =>
          Effect.map(Future.metadata(future), ({ graph }) => graph))
      )
    }).pipe(inScheduler()))
})
