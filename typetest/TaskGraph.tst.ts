import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import { pipe } from "effect/Function"
import type { SchemaError } from "effect/Schema"
import { Client, Task, TaskGraph, Worker } from "skein"
import type { DependencyFailed, SkeinError, SubmitError, TaskTimeout } from "skein/SkeinError"
import { describe, expect, it } from "tstyche"

const ignore = (_: unknown): void => {}

class LoadError extends Data.TaggedError("LoadError")<{ url: string }> {}
class BadRow extends Data.TaggedError("BadRow")<{ line: number }> {}
class Db extends Context.Service<Db, { query: (text: string) => Effect.Effect<string> }>()("Db") {}

const raw = Task.make(
  Effect.flatMap(Db, (db) => db.query("a").pipe(Effect.tap(Effect.fail(new LoadError({ url: "x" })))))
)

const graph = TaskGraph.empty.pipe(
  TaskGraph.add("raw", raw),
  TaskGraph.add("one", Task.succeed(1)),
  TaskGraph.add(
    "rows",
    ["raw"],
    ({ raw }) => raw === "" ? Effect.fail(new BadRow({ line: 1 })) : Effect.succeed([raw])
  ),
  TaskGraph.add("size", ["rows", "one"], ({ one, rows }) => Effect.succeed(rows.length + one), { timeout: "1 second" })
)

describe("variance", () => {
  it("G1: a graph is covariant in its tasks", () => {
    expect<TaskGraph.TaskGraph<{ a: Task.Task<1> }>>().type.toBeAssignableTo<
      TaskGraph.TaskGraph<{ a: Task.Task<number> }>
    >()
    expect<TaskGraph.TaskGraph<{ a: Task.Task<1>; b: Task.Task<2> }>>().type.toBeAssignableTo<
      TaskGraph.TaskGraph<{ a: Task.Task<number> }>
    >()
    expect<TaskGraph.TaskGraph<{ a: Task.Task<number> }>>().type.not.toBeAssignableTo<
      TaskGraph.TaskGraph<{ a: Task.Task<1> }>
    >()
  })
})

describe("TaskGraph", () => {
  it("G18: a graph's type has the values, errors and requirements of every node", () => {
    expect(graph).type.toBe<
      TaskGraph.TaskGraph<{
        readonly raw: Task.Task<string, LoadError, Db>
        readonly one: Task.Task<number>
        readonly rows: Task.Task<Array<string>, BadRow | DependencyFailed<LoadError>, Db>
        readonly size: Task.Task<number, DependencyFailed<BadRow | LoadError> | TaskTimeout, Db>
      }>
    >()
  })

  it("G18: computing a graph gives a record of all values, and fails and needs as its nodes do", () => {
    expect(Client.compute(graph)).type.toBe<
      Effect.Effect<
        { raw: string; one: number; rows: Array<string>; size: number },
        | LoadError
        | BadRow
        | DependencyFailed<LoadError>
        | DependencyFailed<BadRow | LoadError>
        | TaskTimeout
        | SubmitError
        | SkeinError,
        Db | Client.Client
      >
    >()
  })

  it("G18: adding is data-first too", () => {
    const x = TaskGraph.add(TaskGraph.empty, "x", Task.succeed("x"))
    const y = TaskGraph.add(x, "y", ["x"], ({ x }) => Effect.succeed(x.length))
    expect(Client.compute(y)).type.toBe<
      Effect.Effect<{ x: string; y: number }, SubmitError | SkeinError, Client.Client>
    >()
  })

  it("G18: a key that the graph does not have does not compile", () => {
    // @ts-expect-error Argument of type '["raww"]' is not assignable
    graph.pipe(TaskGraph.add("bad", ["raww"], () => Effect.void))
    // @ts-expect-error Argument of type
    TaskGraph.add(graph, "bad", ["raw", "other"], () => Effect.void)
    // @ts-expect-error Argument of type '["raw", "raww"]' is not assignable
    ignore(TaskGraph.compute(graph, ["raw", "raww"]))
    // @ts-expect-error Type 'string' is not assignable to type 'never'
    TaskGraph.pick(graph, ["raww"])
  })

  it("G18: a wrongly typed edge does not compile", () => {
    // @ts-expect-error Property 'toUpperCase' does not exist on type 'number'
    graph.pipe(TaskGraph.add("bad", ["one"], ({ one }) => Effect.succeed(one.toUpperCase())))
    // @ts-expect-error Property 'one' does not exist
    graph.pipe(TaskGraph.add("bad", ["raw"], ({ one }) => Effect.succeed(one)))
  })

  it("a key that is taken does not compile", () => {
    // @ts-expect-error Property '"this key is taken"' is missing
    graph.pipe(TaskGraph.add("raw", Task.succeed(1)))
    // @ts-expect-error Property '"this key is taken"' is missing
    TaskGraph.add(graph, "raw", Task.succeed(1))
  })

  it("G3: values of keys have the shape of the request, and fail and need as those keys do", () => {
    expect(TaskGraph.compute(graph, ["one", { deep: ["one", "one"] }])).type.toBe<
      Effect.Effect<[number, { deep: [number, number] }], SubmitError | SkeinError, Client.Client>
    >()
    expect(graph.pipe(TaskGraph.compute("raw"))).type.toBe<
      Effect.Effect<string, LoadError | SubmitError | SkeinError, Db | Client.Client>
    >()
    expect(TaskGraph.compute(graph, { one: "one" }, { mode: "collect" })).type.toBe<
      Effect.Effect<{ one: Exit.Exit<number, SkeinError> }, SubmitError, Client.Client>
    >()
  })

  it("G7: a picked graph has the keys asked for, and perhaps others", () => {
    expect(TaskGraph.pick(graph, ["rows"])).type.toBe<
      TaskGraph.TaskGraph<{
        readonly rows: Task.Task<Array<string>, BadRow | DependencyFailed<LoadError>, Db>
        readonly raw?: Task.Task<string, LoadError, Db>
        readonly one?: Task.Task<number>
        readonly size?: Task.Task<number, DependencyFailed<BadRow | LoadError> | TaskTimeout, Db>
      }>
    >()
    expect(TaskGraph.compute(TaskGraph.pick(graph, ["one"]), "one")).type.toBe<
      Effect.Effect<number, SubmitError | SkeinError, Client.Client>
    >()
  })

  it("keys, dependencies and positions go by key", () => {
    expect(TaskGraph.keys(graph)).type.toBe<ReadonlyArray<"raw" | "one" | "rows" | "size">>()
    expect(TaskGraph.order(graph)).type.toBe<
      { readonly raw: number; readonly one: number; readonly rows: number; readonly size: number }
    >()
    expect(TaskGraph.dependencies(raw)).type.toBe<{ readonly [key: string]: ReadonlyArray<string> }>()
  })

  it("G17: what is drawn, ordered or written down is a shape of tasks", () => {
    for (const view of [TaskGraph.toMermaid, TaskGraph.toGraphViz, TaskGraph.toJson, TaskGraph.toGraph] as const) {
      expect(view).type.toBeCallableWith(graph)
      expect(view).type.toBeCallableWith({ raw, more: [raw, { graph }] })
      expect(view).type.not.toBeCallableWith(42)
    }
    expect(TaskGraph.order).type.toBeCallableWith([raw])
    expect(TaskGraph.order).type.not.toBeCallableWith(42)
    expect(TaskGraph.dependencies).type.not.toBeCallableWith(Effect.void)
  })

  it("G20: views go into a pipe as they are, and with their options", () => {
    expect(pipe(raw, TaskGraph.toMermaid)).type.toBe<string>()
    expect(pipe({ raw }, TaskGraph.toMermaid({ direction: "LR", nodeLabel: ({ key }) => key }))).type.toBe<string>()
    expect(pipe([raw], TaskGraph.toGraphViz({ graphName: "g" }))).type.toBe<string>()
    expect(pipe(graph, TaskGraph.toJson({ states: new Map() }))).type.toBe<TaskGraph.Json>()
    expect(pipe([raw], TaskGraph.order)).type.toBe<{ readonly [key: string]: number }>()
    expect([raw].map((task) => TaskGraph.toJson(task))).type.toBe<Array<TaskGraph.Json>>()
    expect(TaskGraph.toMermaid({ raw })).type.toBe<string>()
    expect(TaskGraph.toMermaid({ states: raw })).type.toBe<string>()
    expect(TaskGraph.toMermaid({} as Record<string, typeof raw>)).type.toBe<string>()
    expect(TaskGraph.toGraphViz).type.not.toBeCallableWith(raw, { name: "g" })
  })

  it("an untyped graph needs what its calls need", () => {
    const load = (name: string) => Effect.flatMap(Db, (db) => db.query(name))
    expect(TaskGraph.fromRecord({ x: 1, y: TaskGraph.call(load, TaskGraph.ref("x")) })).type.toBe<
      Effect.Effect<TaskGraph.Untyped<unknown, Db>, SubmitError>
    >()
    const record: Record<string, unknown> = {}
    expect(TaskGraph.fromRecord(record)).type.toBe<Effect.Effect<TaskGraph.Untyped, SubmitError>>()
    // @ts-expect-error Argument of type 'number' is not assignable to parameter of type 'Lifted<string>'
    TaskGraph.call(load, 1)
  })

  it("an imported graph fails and needs as its registry does", () => {
    const registry = {
      load: () => Effect.flatMap(Db, (db) => db.query("x")),
      check: ({ load }: { load: string }) =>
        load === "" ? Effect.fail(new LoadError({ url: "" })) : Effect.succeed(load),
      plain: () => 1
    }
    expect(TaskGraph.fromJson({}, registry)).type.toBe<
      Effect.Effect<TaskGraph.Untyped<LoadError | DependencyFailed<LoadError>, Db>, SubmitError | SchemaError>
    >()
  })
})

describe("signals", () => {
  it("F10: they are in no task's error", () => {
    const polite = TaskGraph.empty.pipe(
      TaskGraph.add("raw", raw),
      TaskGraph.add("polite", ["raw"], ({ raw }) => raw === "" ? Worker.reschedule : Effect.succeed(1))
    )
    expect(polite.tasks.polite).type.toBe<Task.Task<number, DependencyFailed<LoadError>, Db>>()
  })
})
