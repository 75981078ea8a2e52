import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { pipe } from "effect/Function"
import * as EffectGraph from "effect/Graph"
import * as Schema from "effect/Schema"
import * as Client from "skein/Client"
import * as Scheduler from "skein/Scheduler"
import type { SubmitError } from "skein/SkeinError"
import * as Task from "skein/Task"
import * as TaskGraph from "skein/TaskGraph"
import { inQuietScheduler, inScheduler } from "./harness.ts"
import { longOr } from "./long.ts"
import { mistakeOf } from "./support.ts"

const inc = (n: number) => n + 1
const add = (a: number, b: number) => a + b
const sum = (numbers: ReadonlyArray<number>) => numbers.reduce(add, 0)

/** A graph that logs what runs. */
const logged = (log: Array<string>) => {
  const run = <A>(name: string, value: A) => Effect.sync(() => (log.push(name), value))
  return TaskGraph.empty.pipe(
    TaskGraph.add("x", Task.make(run("x", 1))),
    TaskGraph.add("y", ["x"], ({ x }) => run("y", x + 1)),
    TaskGraph.add("z", ["x", "y"], ({ x, y }) => run("z", x + y)),
    TaskGraph.add("other", ["x"], ({ x }) => run("other", -x))
  )
}

const reasonOf = <A, R>(effect: Effect.Effect<A, unknown, R>) =>
  Effect.map(Effect.flip(effect), (error) => (error as SubmitError).reason)

describe("Graph: building", () => {
  it.effect("G1: a graph of tasks, added key by key, gives a record of all values", () => {
    const log: Array<string> = []
    return Effect.gen(function*() {
      const graph = logged(log)
      assert.deepStrictEqual(yield* Client.compute(graph), { x: 1, y: 2, z: 3, other: -1 })
      assert.deepStrictEqual(log.toSorted(), ["other", "x", "y", "z"])
      assert.deepStrictEqual(TaskGraph.keys(graph), ["x", "y", "z", "other"])
      assert.deepStrictEqual(TaskGraph.dependencies(graph), { x: [], y: ["x"], z: ["x", "y"], other: ["x"] })
    }).pipe(inScheduler())
  })

  it.effect("the key is the task's key and label, unless it has a label", () =>
    Effect.gen(function*() {
      const seen: Array<readonly [string, string | undefined]> = []
      yield* Scheduler.listen(({ from, key, label }) => from === undefined && seen.push([key, label]))
      yield* Client.compute(TaskGraph.make({
        a: Task.make(Effect.void, { key: "other" }),
        b: Task.make(Effect.void, { label: "own" })
      }))
      assert.deepStrictEqual(seen, [["a", "a"], ["b", "own"]])
    }).pipe(inScheduler()))

  it.effect("a task that others have as an input is the same task under its key, whatever the order", () => {
    const log: Array<string> = []
    const raw = Task.make(Effect.sync(() => log.push("raw")))
    const between = Task.map({ raw }, ({ raw }) => raw)
    const rows = Task.make({ deep: [between] }, ({ deep }) => Effect.succeed(deep[0]), { after: raw })
    return Effect.gen(function*() {
      for (const graph of [TaskGraph.make({ raw, rows }), TaskGraph.make({ rows, raw })]) {
        assert.deepStrictEqual(yield* Client.compute(graph), { raw: 1, rows: 1 })
        assert.deepStrictEqual(log.splice(0), ["raw"])
      }
      const grown = TaskGraph.empty.pipe(TaskGraph.add("rows", rows), TaskGraph.add("raw", raw))
      assert.deepStrictEqual<object>(TaskGraph.dependencies(grown), {
        raw: [],
        "task#2": ["raw"],
        rows: ["task#2", "raw"]
      })
      assert.deepStrictEqual(yield* Client.compute(grown), { rows: 1, raw: 1 })
    }).pipe(inScheduler())
  })

  it.effect("graphs that grow out of each other share runs", () => {
    const log: Array<string> = []
    return Effect.gen(function*() {
      const small = TaskGraph.empty.pipe(
        TaskGraph.add("x", Task.make(Effect.sync(() => log.push("x")))),
        TaskGraph.add("y", ["x"], ({ x }) => Effect.as(Effect.yieldNow, x))
      )
      const large = small.pipe(TaskGraph.add("z", ["y"], ({ y }) => Effect.succeed(y + 1)))
      const both = Effect.all([Client.compute(small), Client.compute(large)], { concurrency: 2 })
      assert.deepStrictEqual(yield* both, [{ x: 1, y: 1 }, { x: 1, y: 1, z: 2 }])
      assert.strictEqual(small.tasks.y, large.tasks.y)
    }).pipe(inScheduler())
  })

  it.effect("a graph is left as it was by what is added to it", () =>
    Effect.gen(function*() {
      const one = TaskGraph.add(TaskGraph.empty, "x", Task.succeed(1))
      const two = TaskGraph.add(one, "y", ["x"], ({ x }) => Effect.succeed(x + 1))
      const other = TaskGraph.add(one, "y", Task.succeed("other"))
      assert.deepStrictEqual(TaskGraph.keys(TaskGraph.empty), [])
      assert.deepStrictEqual(yield* Client.compute(one), { x: 1 })
      assert.deepStrictEqual(yield* Client.compute(two), { x: 1, y: 2 })
      assert.deepStrictEqual(yield* Client.compute(other), { x: 1, y: "other" })
      assert.deepStrictEqual(yield* Client.compute(TaskGraph.empty), {})
      assert.isTrue(TaskGraph.isTaskGraph(one))
      assert.isFalse(TaskGraph.isTaskGraph(one.tasks.x))
    }).pipe(inScheduler()))

  it.effect("a key that is taken is refused before anything starts", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const key: string = "x"
      const graph = logged(log).pipe(TaskGraph.add(key, Task.succeed(2)))
      const { reason } = yield* mistakeOf(Client.compute(graph))
      assert.deepInclude(reason, { _tag: "InvalidOption", option: "key", value: "x" })
      assert.deepStrictEqual(log, [])
    }).pipe(inScheduler()))

  it.effect("keys that name properties of objects are keys like others", () =>
    Effect.gen(function*() {
      const graph = TaskGraph.empty.pipe(
        TaskGraph.add("constructor", Task.succeed(1)),
        TaskGraph.add("toString", ["constructor"], ({ constructor }) => Effect.succeed(constructor + 1))
      )
      const values = yield* Client.compute(graph)
      assert.deepStrictEqual(Object.entries(values), [["constructor", 1], ["toString", 2]] as never)
      const untyped = yield* TaskGraph.fromRecord({ x: 1 })
      assert.deepInclude(yield* reasonOf(TaskGraph.compute(untyped, "valueOf")), { _tag: "UnknownKey", key: "valueOf" })
    }).pipe(inScheduler()))

  it.effect("failures of nodes reach what depends on them, under the keys of the graph", () =>
    Effect.gen(function*() {
      const graph = TaskGraph.empty.pipe(
        TaskGraph.add("bad", Task.make(Effect.fail("no" as const))),
        TaskGraph.add("below", ["bad"], ({ bad }) => Effect.succeed(bad))
      )
      const error = yield* Effect.flip(TaskGraph.compute(graph, "below"))
      assert.deepInclude(error, { _tag: "DependencyFailed", root: "bad", error: "no", path: ["bad", "below"] })
    }).pipe(inScheduler()))
})

describe("Graph: dictionaries", () => {
  it.effect("G1: literals, calls and aliases of a dictionary have their values, each once", () => {
    const log: Array<string> = []
    const logged = (n: number) => Effect.sync(() => (log.push("ran"), n * 10))
    return Effect.gen(function*() {
      const graph = yield* TaskGraph.fromRecord({
        alias: TaskGraph.ref("y"),
        x: 1,
        y: TaskGraph.call(logged, TaskGraph.ref("x")),
        z: TaskGraph.call(add, TaskGraph.ref("alias"), TaskGraph.ref("y")),
        task: Task.map({ z: TaskGraph.ref("z") }, ({ z }) => z)
      })
      assert.deepStrictEqual(yield* Client.compute(graph), { alias: 10, x: 1, y: 10, z: 20, task: 20 })
      assert.deepStrictEqual(log, ["ran"])
      assert.deepStrictEqual(TaskGraph.dependencies(graph), { x: [], y: ["x"], z: ["y"], task: ["z"], alias: ["y"] })
    }).pipe(inScheduler())
  })

  it.effect("G2: refs nested in arrays, records, instances and calls are replaced; strings that look like keys are not", () => {
    class Point {
      readonly x: unknown
      constructor(x: unknown) {
        this.x = x
      }
    }
    return Effect.gen(function*() {
      const graph = yield* TaskGraph.fromRecord({
        x: 1,
        all: TaskGraph.call((...args: Array<any>) => args, "x", [TaskGraph.ref("x"), ["x", {
          deep: TaskGraph.ref("x")
        }]]),
        instance: TaskGraph.call((point: any) => point, new Point(TaskGraph.ref("x"))),
        nested: TaskGraph.call(
          add,
          TaskGraph.call(inc, TaskGraph.ref("x")),
          TaskGraph.call(sum, [TaskGraph.ref("x"), 5])
        ),
        list: ["x", TaskGraph.ref("nested"), { x: TaskGraph.ref("x") }]
      })
      const values = yield* Client.compute(graph)
      assert.deepStrictEqual(values["all"], ["x", [1, ["x", { deep: 1 }]]])
      assert.instanceOf(values["instance"], Point)
      assert.strictEqual(values["instance"].x, 1)
      assert.strictEqual(values["nested"], 8)
      assert.deepStrictEqual(values["list"], ["x", 8, { x: 1 }])
    }).pipe(inScheduler())
  })

  it.effect("G5: a missing dependency is found with its dependents before any task starts", () =>
    Effect.gen(function*() {
      const reason = yield* reasonOf(TaskGraph.fromRecord({
        a: TaskGraph.call(inc, TaskGraph.ref("gone")),
        b: TaskGraph.call(inc, TaskGraph.call(inc, TaskGraph.ref("gone"))),
        c: TaskGraph.call(inc, TaskGraph.ref("a")),
        d: TaskGraph.ref("gone"),
        e: [TaskGraph.ref("d")]
      }))
      assert.deepInclude(reason, { _tag: "MissingDependency", key: "gone", dependents: ["a", "b", "d"] })
    }))

  it.effect("G5: falsy results in the cache count as present, also in place of an entry", () =>
    Effect.gen(function*() {
      for (const value of [0, "", false, null, undefined]) {
        const cache = new Map<string, unknown>([["cached", value], ["entry", value]])
        const graph = yield* TaskGraph.fromRecord({
          entry: TaskGraph.call(() => "not this"),
          list: [TaskGraph.ref("cached"), TaskGraph.ref("entry")]
        }, { cache })
        assert.deepStrictEqual(yield* TaskGraph.compute(graph, "list"), [value, value])
      }
    }).pipe(inScheduler()))

  it.effect("R1: a cache given to a run seeds results and receives new ones", () =>
    Effect.gen(function*() {
      const cache = new Map<string, unknown>([["x", 0]])
      const graph = yield* TaskGraph.fromRecord({
        x: TaskGraph.call(() => Effect.die("x is cached")),
        y: TaskGraph.call(inc, TaskGraph.ref("x"))
      })
      assert.deepStrictEqual(yield* TaskGraph.compute(graph, ["y"], { cache }), [1])
      assert.deepStrictEqual(cache, new Map([["x", 0], ["y", 1]]))
    }).pipe(inScheduler()))

  it.effect("G6: a cycle is refused with its path before any task starts", () =>
    Effect.gen(function*() {
      const cycle = (record: Record<string, unknown>) => reasonOf(TaskGraph.fromRecord(record))
      const call = (key: string) => TaskGraph.call(inc, TaskGraph.ref(key))
      assert.deepInclude(yield* cycle({ a: call("b"), b: call("a") }), { _tag: "Cycle", path: ["a", "b", "a"] })
      assert.deepInclude(yield* cycle({ a: call("a") }), { _tag: "Cycle", path: ["a", "a"] })
      assert.deepInclude(yield* cycle({ a: TaskGraph.ref("b"), b: TaskGraph.ref("a") }), {
        _tag: "Cycle",
        path: ["a", "b", "a"]
      })
      const long = yield* cycle({
        x: 1,
        y: call("c"),
        a: TaskGraph.call(inc, call("b")),
        b: [TaskGraph.ref("c"), "x"],
        c: call("a")
      })
      assert.deepInclude(long, { _tag: "Cycle", path: ["c", "a", "b", "c"] })
    }))

  it.effect("a ref outside a graph that has its key is refused", () =>
    Effect.gen(function*() {
      const { reason } = yield* mistakeOf(Client.compute([TaskGraph.ref("x")]))
      assert.deepInclude(reason, { _tag: "InvalidOption", option: "TaskGraph.ref", value: "x" })
    }).pipe(inScheduler()))

  it.effect("G15: a chain tens of thousands deep is checked, computed, pictured and sent as JSON without a stack overflow", () =>
    Effect.gen(function*() {
      const size = longOr(100_000, 15_000)
      const record: Record<string, unknown> = { t0: 0 }
      for (let i = 1; i < size; i++) record[`t${i}`] = TaskGraph.call(inc, TaskGraph.ref(`t${i - 1}`))
      const graph = yield* TaskGraph.fromRecord(record)
      assert.strictEqual(yield* TaskGraph.compute(graph, `t${size - 1}`), size - 1)
      assert.strictEqual(TaskGraph.order(graph)[`t${size - 1}`], size - 1)
      assert.strictEqual(TaskGraph.toMermaid(graph).split("\n").length, 2 * size)
      assert.strictEqual(TaskGraph.toJson(graph).tasks.length, size)
      assert.strictEqual(TaskGraph.keys(TaskGraph.pick(graph, ["t7"])).length, 8)
      record["t0"] = TaskGraph.ref(`t${size - 1}`)
      const reason = yield* reasonOf(TaskGraph.fromRecord(record))
      assert.strictEqual(reason._tag === "Cycle" ? reason.path.length : 0, size + 1)
    }).pipe(inQuietScheduler()))
})

describe("Graph: getting", () => {
  it.effect("G3: values have the shape of the request, duplicates included", () => {
    const log: Array<string> = []
    return Effect.gen(function*() {
      const graph = logged(log)
      assert.deepStrictEqual(yield* TaskGraph.compute(graph, ["z", ["x", ["z"]], { y: "y", none: [] }]), [3, [1, [3]], {
        y: 2,
        none: []
      }])
      assert.deepStrictEqual(yield* graph.pipe(TaskGraph.compute("y")), 2)
      const deep = yield* TaskGraph.compute(graph, [[[[[[[["x"]]]]]]]])
      assert.deepStrictEqual(deep, [[[[[[[[1]]]]]]]])
    }).pipe(inScheduler())
  })

  it.effect("G3: an empty request gives an empty result and runs nothing", () => {
    const log: Array<string> = []
    return Effect.gen(function*() {
      assert.deepStrictEqual(yield* TaskGraph.compute(logged(log), []), [])
      assert.deepStrictEqual(yield* TaskGraph.compute(logged(log), { a: [], b: {} }), { a: [], b: {} })
      assert.deepStrictEqual(log, [])
    }).pipe(inScheduler())
  })

  it.effect("G4: an unknown key is refused with the known ones before any task starts", () => {
    const log: Array<string> = []
    return Effect.gen(function*() {
      const graph = logged(log)
      const reason = yield* reasonOf(TaskGraph.compute(graph, ["x", { deep: "nope" as "x" }]))
      assert.deepInclude(reason, { _tag: "UnknownKey", key: "nope", known: ["x", "y", "z", "other"] })
      assert.deepStrictEqual(log, [])
    }).pipe(inScheduler())
  })

  it.effect("G7: only ancestors of requested keys run, each once", () => {
    const log: Array<string> = []
    return Effect.gen(function*() {
      yield* TaskGraph.compute(logged(log), ["z", "y", "z"])
      assert.deepStrictEqual(log, ["x", "y", "z"])
    }).pipe(inScheduler())
  })

  it.effect("G7: a picked graph has the requested keys and their ancestors", () => {
    const log: Array<string> = []
    return Effect.gen(function*() {
      const picked = TaskGraph.pick(logged(log), ["y"])
      assert.deepStrictEqual(TaskGraph.keys(picked), ["x", "y"])
      assert.deepStrictEqual(yield* Client.compute(picked), { x: 1, y: 2 })
      assert.deepStrictEqual(log, ["x", "y"])
      const unknown = TaskGraph.pick(logged(log), ["nope" as "x"])
      assert.deepInclude(yield* reasonOf(Client.compute(unknown)), {
        _tag: "UnknownKey",
        key: "nope",
        known: ["x", "y", "z", "other"]
      })
    }).pipe(inScheduler())
  })

  it.effect("the mode collect gives an exit for each key", () =>
    Effect.gen(function*() {
      const graph = TaskGraph.make({ good: Task.succeed(1), bad: Task.make(Effect.fail("no")) })
      const { bad, good } = yield* TaskGraph.compute(graph, { good: "good", bad: "bad" }, { mode: "collect" })
      assert.deepStrictEqual([good._tag, bad._tag], ["Success", "Failure"])
    }).pipe(inScheduler()))

  it("O3: the order has every reachable task at its own position, dependencies first", () => {
    const unnamed = Task.map([], () => 1)
    const graph = TaskGraph.make({ b: Task.map([unnamed], ([n]) => n), a: Task.map([unnamed], ([n]) => n) })
    const positions = TaskGraph.order(graph)
    assert.sameMembers(Object.values(positions), [0, 1, 2])
    assert.strictEqual((positions as Record<string, number>)["task#1"], 0)
    assert.deepStrictEqual(TaskGraph.order(TaskGraph.empty), {})
  })

  it.effect("O3: one slot runs a graph in its static order", () => {
    const log: Array<string> = []
    return Effect.gen(function*() {
      const record: Record<string, unknown> = {}
      const call = (name: string, keys: ReadonlyArray<string>) =>
        TaskGraph.call((..._: ReadonlyArray<unknown>) => Effect.sync(() => log.push(name)), keys.map(TaskGraph.ref))
      for (let i = 0; i < 4; i++) {
        record[`read${i}`] = call(`read${i}`, [])
        record[`left${i}`] = call(`left${i}`, [`read${i}`])
        record[`right${i}`] = call(`right${i}`, [`read${i}`])
      }
      record["all"] = call("all", Object.keys(record).filter((key) => !key.startsWith("read")))
      const graph = yield* TaskGraph.fromRecord(record)
      const positions = TaskGraph.order(graph)
      yield* Client.compute(graph)
      assert.deepStrictEqual(log, TaskGraph.keys(graph).toSorted((a, b) => positions[a]! - positions[b]!))
    }).pipe(inScheduler({ concurrency: 1 }))
  })

  it.effect("G8: calls of wrapped functions are nodes; one that the graph names goes by that name alone", () => {
    const log: Array<string> = []
    return Effect.gen(function*() {
      const add = Task.fn((a: number, b: number) => (log.push(`${a} + ${b}`), a + b), { name: "add", pure: true })
      const three = add(1, 2)
      const graph = TaskGraph.make({ three, six: add(three, add(1, 2)), seven: add(three, 4) })
      assert.deepStrictEqual(yield* Client.compute(graph), { three: 3, six: 6, seven: 7 })
      assert.sameMembers(log, ["1 + 2", "1 + 2", "3 + 3", "3 + 4"])
    }).pipe(inScheduler())
  })

  it.effect("a graph within a shape has its values in its place", () =>
    Effect.gen(function*() {
      const { graph, one } = yield* Client.compute({
        graph: TaskGraph.make({ x: Task.succeed(1), y: Task.make(Effect.succeed(2)) }),
        one: 1
      })
      assert.deepStrictEqual([graph.tasks, one], [{ x: 1, y: 2 }, 1])
    }).pipe(inScheduler()))
})

const pictured = () => {
  const raw = Task.make(Effect.succeed("a"), { key: "raw" })
  const bad = Task.make({ raw }, () => Effect.fail("no"), { key: "bad", label: "say \"no\"" })
  const sum = Task.map([raw, Task.exit(bad)], ([raw]) => raw, { label: "sum" })
  return { sum, last: Task.flatMap({ raw }, ({ raw }) => Task.succeed(raw), { key: "last", after: sum }) }
}

describe("Graph: pictures", () => {
  it("G20: shapes come through a pipe, with a record of options alone, and a record of tasks is a shape", () => {
    const x = Task.sync(() => 1, { key: "x" })
    const states = Task.map({ x }, ({ x }) => x + 1, { key: "states" })
    const drawn = ["flowchart LR", "  0(\"x!\")", "  1(\"states!\")", "  0 --> 1"]
    const nodeLabel = ({ key }: TaskGraph.GraphNode) => `${key}!`
    const mermaid = TaskGraph.toMermaid({ direction: "LR", nodeLabel, states: undefined })
    for (const shape of [states, { states }, [x, states], TaskGraph.make({ x, states })]) {
      assert.deepStrictEqual(pipe(shape, mermaid).split("\n"), drawn)
    }
    assert.strictEqual(TaskGraph.toMermaid({ states }), pipe({ states }, TaskGraph.toMermaid))
    const none: Record<string, Task.Task<number>> = {}
    assert.strictEqual(TaskGraph.toMermaid(none), "flowchart TD")
    assert.include(states.pipe(TaskGraph.toGraphViz({ graphName: "flow", nodeLabel })), "digraph \"flow\"")
    assert.include(TaskGraph.toGraphViz(states, { nodeLabel }), "label=\"x!\"")
    const json = states.pipe(TaskGraph.toJson({ states: new Map([["x", "running"]]) }))
    assert.deepStrictEqual(json, TaskGraph.toJson({ states }, { states: new Map([["x", "running"]]) }))
    assert.deepStrictEqual(states.pipe(TaskGraph.order), { x: 0, states: 1 })
    assert.deepStrictEqual(states.pipe(TaskGraph.dependencies), { x: [], states: ["x"] })
  })

  it("G17: a Mermaid picture of any shape shows keys, labels, kinds and edges", () => {
    assert.deepStrictEqual(TaskGraph.toMermaid(pictured(), { direction: "LR" }).split("\n"), [
      "flowchart LR",
      "  0[\"raw\"]",
      "  1[\"bad<br/>say #quot;no#quot;\"]",
      "  2{{\"task#35;3\"}}",
      "  3(\"sum#35;4\")",
      "  4[[\"last\"]]",
      "  0 --> 1",
      "  1 --> 2",
      "  0 --> 3",
      "  2 --> 3",
      "  0 --> 4",
      "  3 -->|\"after\"| 4"
    ])
  })

  it.effect("V8: a picture of an executed graph shows states by classes and a legend", () =>
    Effect.gen(function*() {
      const events: Array<Scheduler.TaskEvent> = []
      yield* Scheduler.listen((event) => events.push(event))
      const shape = pictured()
      yield* Client.compute(shape)
      const states = TaskGraph.states(events)
      assert.deepInclude(Object.fromEntries(states), { raw: "succeeded", bad: "failed", last: "succeeded" })
      assert.deepStrictEqual(TaskGraph.toMermaid(shape, { states }).split("\n").slice(12), [
        "  subgraph legend",
        "    direction LR",
        "    legend0[\"succeeded (4)\"]",
        "    legend1[\"failed (1)\"]",
        "  end",
        "  classDef state0 fill:#dcfce7,stroke:#15803d,color:#111827",
        "  class 0,2,3,4,legend0 state0",
        "  classDef state1 fill:#fee2e2,stroke:#b91c1c,color:#111827",
        "  class 1,legend1 state1"
      ])
    }).pipe(inScheduler()))

  it("G17: a GraphViz picture shows the same, with colors and a legend for states", () => {
    const states = new Map([["raw", "running"], ["last", "my \"own\" word"]])
    assert.deepStrictEqual(TaskGraph.toGraphViz(pictured(), { states, graphName: "flow" }).split("\n"), [
      "digraph \"flow\" {",
      "  \"0\" [label=\"raw\"];",
      "  \"1\" [label=\"bad\\nsay \\\"no\\\"\"];",
      "  \"2\" [label=\"task#3\"];",
      "  \"3\" [label=\"sum#4\"];",
      "  \"4\" [label=\"last\"];",
      "  \"0\" -> \"1\" [label=\"\"];",
      "  \"1\" -> \"2\" [label=\"\"];",
      "  \"0\" -> \"3\" [label=\"\"];",
      "  \"2\" -> \"3\" [label=\"\"];",
      "  \"0\" -> \"4\" [label=\"\"];",
      "  \"3\" -> \"4\" [label=\"after\"];",
      "  \"0\" [style=filled, fillcolor=\"#dbeafe\", color=\"#1d4ed8\", fontcolor=\"#111827\"];",
      "  subgraph \"cluster_legend\" {",
      "    label=\"legend\";",
      "    \"legend0\" [label=\"running (1)\", style=filled, fillcolor=\"#dbeafe\", color=\"#1d4ed8\", fontcolor=\"#111827\"];",
      "    \"legend1\" [label=\"my _own_ word (1)\"];",
      "  }",
      "}"
    ])
  })

  it("equal pure calls are one node in a picture, as in a run", () => {
    const load = Task.fn((name: string) => name, { name: "load", pure: true })
    assert.deepStrictEqual(TaskGraph.dependencies([load("a"), load("a"), load("b")]), {
      "load(\"a\")": [],
      "load(\"b\")": []
    })
  })

  it.effect("a future that tasks depend on is in the picture", () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(Task.make(Effect.succeed(1), { key: "live" }))
      const task = Task.map([future, future], ([n]) => n, { key: "task" })
      assert.deepStrictEqual(TaskGraph.dependencies({ task, future }), { task: ["live"], live: [] })
      assert.deepStrictEqual(TaskGraph.order({ task, future }), { task: 0 })
      assert.include(TaskGraph.toMermaid(task), "1((\"live\"))")
    }).pipe(inScheduler()))

  it("a graph that would be refused can be pictured", () => {
    const left = Task.map([], () => 1, { key: "same" })
    const right = Task.map([left], ([n]) => n, { key: "same" })
    assert.deepStrictEqual(TaskGraph.toMermaid(right).split("\n"), [
      "flowchart TD",
      "  0(\"same\")",
      "  1(\"same\")",
      "  0 --> 1"
    ])
  })

  it("the last status of a key outlives its result", () => {
    const event = (key: string, to: Scheduler.TaskEvent["to"]) => ({ key, to }) as Scheduler.TaskEvent
    const events = [event("a", "running"), event("a", "succeeded"), event("b", "waiting"), event("a", "released")]
    assert.deepStrictEqual([...TaskGraph.states(events)], [["a", "succeeded"], ["b", "waiting"]])
  })
})

describe("Graph: exchange", () => {
  const registry = {
    one: () => 1,
    inc: (values: { one: number }) => Effect.succeed(values.one + 1),
    scale: (values: Record<string, number>, { args }: TaskGraph.JsonTask) => Object.values(values)[0]! * Number(args)
  }

  it.effect("G17, X1: a graph comes back from JSON by names in a registry", () =>
    Effect.gen(function*() {
      const graph = TaskGraph.empty.pipe(
        TaskGraph.add("one", Task.succeed(1)),
        TaskGraph.add("two", ["one"], ({ one }) => Effect.succeed(one + 1), {
          label: "inc",
          after: Task.make(Effect.void, { key: "x" })
        })
      )
      const json = TaskGraph.toJson(graph, { states: new Map([["one", "succeeded"]]) })
      assert.deepStrictEqual(json, {
        tasks: [
          { key: "one", label: "one", kind: "value", dependencies: [], position: 0, state: "succeeded" },
          { key: "x", kind: "effect", dependencies: [], position: 1 },
          { key: "two", label: "inc", kind: "effect", dependencies: ["one"], after: ["x"], position: 2 }
        ]
      })
      const text = JSON.stringify(json)
      const back = yield* TaskGraph.fromJson(JSON.parse(text), { ...registry, x: () => "x" })
      assert.deepStrictEqual(yield* Client.compute(back), { one: 1, x: "x", two: 2 })
      assert.deepStrictEqual(TaskGraph.dependencies(back), { one: [], x: [], two: ["one", "x"] })
    }).pipe(inScheduler()))

  it.effect("G17: tasks of JSON name their code and give it data", () =>
    Effect.gen(function*() {
      const graph = yield* TaskGraph.fromJson({
        tasks: [
          { key: "a", task: "one", dependencies: [] },
          { key: "b", task: "scale", args: 5, dependencies: ["a"] },
          { key: "c", task: "scale", args: 7, dependencies: ["b"] }
        ]
      }, registry)
      assert.deepStrictEqual(yield* TaskGraph.compute(graph, ["c"]), [35])
    }).pipe(inScheduler()))

  it.effect("G17: JSON with an unknown name, a wrong shape, a missing key, a cycle or a key twice is refused", () =>
    Effect.gen(function*() {
      const refusal = (...tasks: ReadonlyArray<unknown>) => Effect.flip(TaskGraph.fromJson({ tasks }, registry))
      const reason = (...tasks: ReadonlyArray<unknown>) =>
        Effect.map(refusal(...tasks), (error) => (error as SubmitError).reason)
      const one = { key: "a", task: "one", dependencies: [] }
      assert.deepInclude(yield* reason(one, { key: "b", task: "toString", dependencies: [] }), {
        _tag: "UnknownFunction",
        key: "b",
        name: "toString",
        known: ["one", "inc", "scale"]
      })
      assert.isTrue(Schema.isSchemaError(yield* refusal({ key: "", dependencies: [] })))
      assert.isTrue(Schema.isSchemaError(yield* refusal({ key: "a", dependencies: "b" })))
      assert.deepInclude(yield* reason({ ...one, dependencies: ["b"] }), {
        _tag: "MissingDependency",
        key: "b",
        dependents: ["a"]
      })
      assert.deepInclude(yield* reason({ ...one, after: ["a"] }), { _tag: "Cycle", path: ["a", "a"] })
      assert.deepInclude(yield* reason(one, one), { _tag: "KeyConflict", key: "a" })
    }))

  it.effect("G17: a graph goes to Effect's Graph and back", () =>
    Effect.gen(function*() {
      const drawn = TaskGraph.toGraph(pictured())
      assert.deepStrictEqual([...EffectGraph.values(EffectGraph.nodes(drawn))], [
        { key: "raw", label: undefined, kind: "effect" },
        { key: "bad", label: "say \"no\"", kind: "effect" },
        { key: "task#3", label: undefined, kind: "exit" },
        { key: "sum#4", label: "sum", kind: "map" },
        { key: "last", label: undefined, kind: "flatMap" }
      ])
      const back = yield* TaskGraph.fromGraph(drawn, {
        run: ({ key }, values) => Effect.succeed(`${key}(${Object.keys(values).join()})`)
      })
      assert.strictEqual(yield* TaskGraph.compute(back, "sum#4"), "sum#4(raw,task#3)")
      const edges = (graph: typeof drawn) => [...EffectGraph.values(EffectGraph.edges(graph))]
      assert.deepStrictEqual(edges(TaskGraph.toGraph(back)), edges(drawn))
    }).pipe(inScheduler()))

  it.effect("G17: any directed graph of Effect becomes tasks; one with a cycle is refused", () =>
    Effect.gen(function*() {
      const numbers = EffectGraph.directed<number, string>((graph) => {
        const [two, three] = [EffectGraph.addNode(graph, 2), EffectGraph.addNode(graph, 3)]
        EffectGraph.addEdge(graph, two, three, "feeds")
      })
      const options = {
        key: (n: number) => `n${n}`,
        run: (n: number, values: Record<string, number>) => n + sum(Object.values(values))
      }
      const graph = yield* TaskGraph.fromGraph(numbers, options)
      assert.deepStrictEqual(yield* Client.compute(graph), { n2: 2, n3: 5 })
      const cyclic = EffectGraph.mutate(numbers, (graph) => void EffectGraph.addEdge(graph, 1, 0, "back"))
      const reason = yield* reasonOf(TaskGraph.fromGraph(cyclic, options))
      assert.deepInclude(reason, { _tag: "Cycle", path: ["n2", "n3", "n2"] })
    }).pipe(inScheduler()))
})
