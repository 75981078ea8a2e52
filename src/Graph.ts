/**
 * Tasks under keys: graphs as values, which can be built key by key, imported, culled, pictured and computed.
 *
 * `Client.compute(graph)` runs a graph and gives a record of all values. {@link get} runs what some keys need. Where a
 * picture or an order is wanted, a task or any shape of tasks will do in place of a graph.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import type * as EffectGraph from "effect/Graph"
import type { Pipeable } from "effect/Pipeable"
import type * as Schema from "effect/Schema"
import type { Client as ClientService, ComputeOptions, Failure, Mode, Result } from "./Client.ts"
import * as Client from "./Client.ts"
import type { Status } from "./Future.ts"
import type { Lifted, Needs, Services, Upstream } from "./Inputs.ts"
import * as internal from "./internal/graph.ts"
import * as imports from "./internal/graphImport.ts"
import { nodesOf } from "./internal/graphNodes.ts"
import * as pictures from "./internal/graphPictures.ts"
import { normalize } from "./internal/options.ts"
import { make as makeTask, noOptions } from "./internal/task.ts"
import type { TaskEvent } from "./Scheduler.ts"
import type { DependencyFailed } from "./SkeinError.ts"
import { GraphError } from "./SkeinError.ts"
import type { OptionErrors, Options, OptionServices, Task } from "./Task.ts"

/** @internal */
export declare const TypeId: unique symbol

/**
 * A keyed set of tasks: `Tasks` is a record of them. Immutable.
 *
 * **Details**
 *
 * Within a graph, a task's key is the graph's, whatever key it had. A task that other tasks of the graph have as an input is
 * the same task wherever it is named.
 *
 * @category models
 * @since 0.1.0
 */
export interface Graph<in out Tasks = {}> extends Pipeable {
  readonly "~skein/Graph": "~skein/Graph"
  readonly [TypeId]: { readonly _Tasks: (_: Tasks) => Tasks }
  /** The tasks under their keys. */
  readonly tasks: Tasks
}

/**
 * A graph whose keys are known only at run time.
 *
 * @category models
 * @since 0.1.0
 */
export type Untyped<E = unknown, R = never> = Graph<Readonly<Record<string, Task<unknown, E, R>>>>

type KeyOf<T> = keyof T & string

type Simplify<T> = { readonly [K in keyof T]: T[K] } & {}

/** @internal */
export type Added<T, K extends string, N> = Simplify<Omit<T, K> & { readonly [P in K]: N }>

/** A key that the graph does not have, as far as the types know both. */
type Free<T, K extends string> = string extends K ? unknown
  : string extends keyof T ? unknown
  : K extends keyof T ? { readonly "this key is taken": K }
  : unknown

type Dependencies<T, D extends ReadonlyArray<string>> = { readonly [P in D[number]]: P extends keyof T ? T[P] : never }

type ValuesAt<T, D extends ReadonlyArray<string>> = {
  readonly [P in D[number]]: P extends keyof T ? T[P] extends Task<infer A, any, any> | undefined ? A : never : never
}

type ErrorsOf<T, D extends ReadonlyArray<string>, E, O> = E | Upstream<Dependencies<T, D>> | OptionErrors<O>

type ServicesOf<T, D extends ReadonlyArray<string>, R, O> =
  | Needs<R>
  | Services<Dependencies<T, D>>
  | OptionServices<O>

const impl = (graph: unknown): internal.GraphImpl => graph as internal.GraphImpl

/**
 * Whether a value is a `Graph`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isGraph = (u: unknown): u is Graph<Readonly<Record<string, Task<unknown, unknown, unknown>>>> =>
  internal.isGraph(u)

/**
 * The graph without tasks.
 *
 * @category constructors
 * @since 0.1.0
 */
export const empty: Graph = internal.fromEntries(new Map()) as any

/**
 * A graph of the tasks of a record.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <const T extends { readonly [K in keyof T]: Task<any, any, any> }>(
  tasks: T
): Graph<Simplify<T>> =>
  internal.fromEntries(
    new Map(Object.entries(tasks).map(([key, task]) => [key, { task: internal.toTask(task), label: key }]))
  ) as any

/**
 * Adds a task, or an effect of the values of tasks that the graph has, under a new key.
 *
 * **Details**
 *
 * The key is the task's key and, unless it has one, its label. A key that is taken does not compile; where the types cannot
 * know, it is a `GraphError` at submission.
 *
 * **Example** (A graph key by key)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Graph, Skein, Task } from "skein"
 *
 * const graph = Graph.empty.pipe(
 *   Graph.add("x", Task.succeed(1)),
 *   Graph.add("y", ["x"], ({ x }) => Effect.succeed(x + 1)),
 *   Graph.add("z", ["x", "y"], ({ x, y }) => Effect.succeed(x + y))
 * )
 * const program = Client.compute(graph).pipe(Effect.provide(Skein.layer()))
 * program // => { x: 1, y: 2, z: 3 }
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const add: {
  <const K extends string, N extends Task<any, any, any>>(
    key: K,
    task: N
  ): <T>(self: Graph<T> & Free<T, K>) => Graph<Added<T, K, N>>
  <T, const K extends string, const D extends ReadonlyArray<string>, A, E, R, const O extends Options = {}>(
    key: K,
    dependencies: D & ReadonlyArray<KeyOf<T>>,
    run: (values: ValuesAt<T, D>) => Effect.Effect<A, E, R>,
    options?: O
  ): (self: Graph<T> & Free<T, K>) => Graph<Added<T, K, Task<A, ErrorsOf<T, D, E, O>, ServicesOf<T, D, R, O>>>>
  <T, const K extends string, N extends Task<any, any, any>>(
    self: Graph<T> & Free<T, K>,
    key: K,
    task: N
  ): Graph<Added<T, K, N>>
  <T, const K extends string, const D extends ReadonlyArray<string>, A, E, R, const O extends Options = {}>(
    self: Graph<T> & Free<T, K>,
    key: K,
    dependencies: D & ReadonlyArray<KeyOf<T>>,
    run: (values: ValuesAt<T, D>) => Effect.Effect<A, E, R>,
    options?: O
  ): Graph<Added<T, K, Task<A, ErrorsOf<T, D, E, O>, ServicesOf<T, D, R, O>>>>
} = dual(
  (args) => internal.isGraph(args[0]),
  (self: internal.GraphImpl, key: string, what: unknown, run?: (values: any) => any, options?: Options): any =>
    internal.add(self, key, {
      task: run === undefined ? internal.toTask(what) : dependent(what as ReadonlyArray<string>, run, options),
      label: key
    })
)

const dependent = (keys: ReadonlyArray<string>, run: (values: any) => any, options: Options | undefined) =>
  makeTask({ _tag: "effect", run }, Object.fromEntries(keys.map((key) => [key, internal.ref(key)])), normalize(options))

/**
 * Stands for the value of another task of the same graph, in {@link fromRecord} and in {@link call}. Any other string is
 * just a string. Outside a graph that has the key it is a `GraphError`.
 *
 * @category untyped
 * @since 0.1.0
 */
export const ref = (key: string): Task<any> => internal.ref(key) as any

/**
 * A call of a function, with {@link ref}s and other calls anywhere in its arguments. The function returns an `Effect` or a
 * plain value; its name is the task's label.
 *
 * @category untyped
 * @since 0.1.0
 */
export const call = <P extends ReadonlyArray<any>, Return, const I extends { readonly [K in keyof P]: Lifted<P[K]> }>(
  f: (...args: P) => Return,
  ...args: I
): Return extends Effect.Effect<infer A, infer E, infer R> ? Task<A, E | Upstream<I>, Needs<R> | Services<I>>
  : Task<Return, Upstream<I>, Services<I>> =>
  makeTask(
    { _tag: "effect", run: (values) => imports.toEffect(f(...values as any)) },
    args,
    f.name === "" ? noOptions : { label: f.name }
  ) as any

/**
 * A graph of a dictionary, as in dask: a value is a literal, a {@link call} or any other task, or a {@link ref}, which
 * makes an alias. Literals may hold refs too.
 *
 * **Details**
 *
 * A cycle fails with its path and a missing key with its dependents, before anything starts. Keys that `cache` has are
 * taken from there, whatever the values are. The idea and the format are dask's.
 *
 * **Example** (A dictionary)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Graph, Skein } from "skein"
 *
 * const sum = (numbers: ReadonlyArray<number>) => numbers.reduce((a, b) => a + b, 0)
 * const program = Effect.gen(function*() {
 *   const graph = yield* Graph.fromRecord({
 *     x: 1,
 *     y: Graph.call((x: number) => x + 1, Graph.ref("x")),
 *     z: Graph.call(sum, [Graph.ref("x"), Graph.ref("y"), 10])
 *   })
 *   return yield* Graph.get(graph, ["z", ["x", "y"]])
 * }).pipe(Effect.provide(Skein.layer()))
 * program // => [13, [1, 2]]
 * ```
 *
 * @category untyped
 * @since 0.1.0
 */
export const fromRecord = <const I extends Readonly<Record<string, unknown>>>(
  record: I,
  options?: { readonly cache?: Cache | undefined }
): Effect.Effect<Untyped<unknown, Services<I>>, GraphError> =>
  Effect.suspend(() => imports.settled(internal.fromRecord(record, options?.cache))) as any

/**
 * Results by key. A `Map` will do.
 *
 * @category untyped
 * @since 0.1.0
 */
export interface Cache extends internal.Cached {}

/**
 * Keys in any nesting of arrays and records.
 *
 * @category models
 * @since 0.1.0
 */
export type KeyShape<K extends string> = K | ReadonlyArray<KeyShape<K>> | { readonly [name: string]: KeyShape<K> }

/** @internal */
export type Selected<T, S> = S extends KeyOf<T> ? T[S] : { readonly [P in keyof S]: Selected<T, S[P]> }

/**
 * Runs what the keys in `shape` need, and gives their values in the same shape.
 *
 * **Details**
 *
 * Each task runs once, however often its key is there; a shape without keys gives itself and runs nothing. A key that the
 * graph does not have is a `GraphError` before anything starts.
 *
 * @category computing
 * @since 0.1.0
 */
export const get: {
  <T, const S, const M extends Mode = "failFast">(
    self: Graph<T>,
    shape: S & KeyShape<KeyOf<T>>,
    options?: ComputeOptions<M>
  ): Effect.Effect<
    Result<Selected<T, S>, M>,
    Failure<Selected<T, S>, M> | GraphError,
    Needs<Services<Selected<T, S>>> | ClientService
  >
  <T, const S, const M extends Mode = "failFast">(
    shape: S & KeyShape<KeyOf<T>>,
    options?: ComputeOptions<M>
  ): (self: Graph<T>) => Effect.Effect<
    Result<Selected<T, S>, M>,
    Failure<Selected<T, S>, M> | GraphError,
    Needs<Services<Selected<T, S>>> | ClientService
  >
} = dual(
  (args) => internal.isGraph(args[0]),
  (self: internal.GraphImpl, shape: unknown, options?: ComputeOptions): any =>
    Effect.suspend(() => {
      const { tasks } = self
      const places = new Map<string, number>()
      mapKeys(shape, (key) => places.has(key) ? undefined : places.set(key, places.size))
      for (const key of places.keys()) {
        if (!Object.hasOwn(tasks, key)) return unknownKey(key, Object.keys(tasks))
      }
      if (places.size === 0) return Effect.succeed(shape)
      const wanted = Array.from(places.keys(), (key) => tasks[key] as unknown as Task<unknown>)
      return Effect.map(Client.compute(wanted, options), (results) =>
        mapKeys(shape, (key) => (results as ReadonlyArray<unknown>)[places.get(key)!]))
    })
)

const unknownKey = (key: string, known: ReadonlyArray<string>): Effect.Effect<never, GraphError> =>
  Effect.fail(new GraphError({ reason: { _tag: "UnknownKey", key, known } }))

const mapKeys = (shape: unknown, f: (key: string) => unknown): unknown => {
  if (typeof shape === "string") return f(shape)
  if (Array.isArray(shape)) return shape.map((item) => mapKeys(item, f))
  return Object.fromEntries(Object.entries(shape as object).map(([name, item]) => [name, mapKeys(item, f)]))
}

/** @internal */
export type Culled<T, K> = Simplify<
  & { readonly [P in keyof T as P extends K ? P : never]: T[P] }
  & {
    readonly [P in keyof T as P extends K ? never : P]?: T[P]
  }
>

/**
 * The graph of some tasks and those that they depend on.
 *
 * @category combinators
 * @since 0.1.0
 */
export const cull: {
  <T, const K extends string>(keys: ReadonlyArray<K & KeyOf<T>>): (self: Graph<T>) => Graph<Culled<T, K>>
  <T, const K extends string>(self: Graph<T>, keys: ReadonlyArray<K & KeyOf<T>>): Graph<Culled<T, K>>
} = dual(2, (self: internal.GraphImpl, keys: ReadonlyArray<string>): any => internal.cull(self, keys))

/**
 * The keys of a graph.
 *
 * @category getters
 * @since 0.1.0
 */
export const keys = <T>(self: Graph<T>): ReadonlyArray<KeyOf<T>> => Object.keys(impl(self).tasks) as any

type ByKey<S, A> = S extends Graph<infer T> ? { readonly [K in keyof T]-?: A } : { readonly [key: string]: A }

/** The facts of each node, under its key; aliases have those of their target. */
const byKey = <A>(
  source: unknown,
  f: (node: ReturnType<typeof nodesOf>[number], all: ReturnType<typeof nodesOf>) => A
) => {
  const nodes = nodesOf(source)
  const facts = new Map(nodes.map((node) => [node.key, f(node, nodes)]))
  return facts
}

/**
 * The keys of the direct dependencies of each task, `after` included. Tasks without a key are there too, under the names
 * that a new scheduler would give them.
 *
 * @category getters
 * @since 0.1.0
 */
export const dependencies = <S>(source: S): ByKey<S, ReadonlyArray<string>> => {
  const found = byKey(source, ({ dependencies }, all) => dependencies.map(({ node }) => all[node]!.key))
  if (internal.isGraph(source)) aliased(source, (key, target) => found.set(key, [target]))
  return Object.fromEntries(found) as any
}

/**
 * The static position of each task: the order in which one slot runs them, so that few results are held at once. Everything
 * reachable counts, also tasks without a key.
 *
 * @category getters
 * @since 0.1.0
 */
export const order = <S>(source: S): ByKey<S, number> => {
  const found = byKey(source, ({ position }) => position)
  if (internal.isGraph(source)) aliased(source, (key, target) => found.set(key, found.get(target)))
  return Object.fromEntries(Array.from(found).filter(([, position]) => position !== undefined)) as any
}

/** Names every key whose task has another. */
const aliased = ({ tasks }: internal.GraphImpl, f: (key: string, target: string) => void): void => {
  for (const [key, { options }] of Object.entries(tasks)) {
    if (options.key !== undefined && options.key !== key) f(key, options.key)
  }
}

/**
 * How pictures are drawn.
 *
 * @category options
 * @since 0.1.0
 */
export interface PictureOptions {
  /** A status word a key, such as {@link states} gives: pictures show them by colors and a legend. */
  readonly states?: ReadonlyMap<string, string> | undefined
}

/**
 * The graph for Mermaid. Tasks look as they are made: plain functions are round, `flatMap` has double sides, values are
 * pills, futures circles. Edges lead from dependencies to dependents.
 *
 * **Example** (A task and what it needs)
 *
 * ```ts import.meta.vitest
 * import { Graph, Task } from "skein"
 *
 * const x = Task.map([], () => 1, { key: "x" })
 * const y = Task.map({ x }, ({ x }) => x + 1, { key: "y" })
 * Graph.toMermaid(y).split("\n") // => ["flowchart TD", "  0(\"x\")", "  1(\"y\")", "  0 --> 1"]
 * ```
 *
 * @category pictures
 * @since 0.1.0
 */
export const toMermaid = (
  source: unknown,
  options?: PictureOptions & { readonly direction?: EffectGraph.MermaidDirection | undefined }
): string => pictures.toMermaid(nodesOf(source), { states: options?.states, direction: options?.direction ?? "TD" })

/**
 * The graph in the DOT language of GraphViz.
 *
 * @category pictures
 * @since 0.1.0
 */
export const toGraphViz = (
  source: unknown,
  options?: PictureOptions & { readonly name?: string | undefined }
): string => pictures.toGraphViz(nodesOf(source), { states: options?.states, name: options?.name ?? "skein" })

/**
 * The last status of each key among events of a scheduler: what pictures of executed graphs are colored by. A released
 * result leaves the status as it was.
 *
 * @category pictures
 * @since 0.1.0
 */
export const states = (events: Iterable<TaskEvent>): Map<string, Exclude<Status, "released">> => {
  const last = new Map<string, Exclude<Status, "released">>()
  for (const { key, to } of events) if (to !== "released") last.set(key, to)
  return last
}

/**
 * The nodes and edges as one of Effect's own graphs. Edges lead from dependencies to dependents and say whether they carry a
 * value.
 *
 * @category converting
 * @since 0.1.0
 */
export const toEffectGraph = (
  source: unknown
): EffectGraph.DirectedGraph<EffectNode, "data" | "after"> => pictures.toEffectGraph(nodesOf(source))

/**
 * A task in one of Effect's graphs. `kind` is the constructor that made it.
 *
 * @category models
 * @since 0.1.0
 */
export interface EffectNode extends pictures.PlainNode {}

type Errors<Return> = Return extends Effect.Effect<any, infer E, any> ? E : never

type Requirements<Return> = Return extends Effect.Effect<any, any, infer R> ? Needs<R> : never

type Made<Return> = Untyped<
  [Errors<Return>] extends [never] ? never : Errors<Return> | DependencyFailed<Errors<Return>>,
  Requirements<Return>
>

/**
 * What {@link fromEffectGraph} can be told.
 *
 * @category options
 * @since 0.1.0
 */
export interface FromEffectGraphOptions<N, E, Return> {
  /** What a node does with the values of its dependencies, by key: an effect or a plain value. */
  readonly run: (node: N, values: Readonly<Record<string, any>>) => Return
  /** The node's key; the node itself if it is a string, its field `key`, or its number, unless told. */
  readonly key?: ((node: N, index: number) => string) | undefined
  /** Whether an edge carries a value; those with the data "after" do not, unless told. */
  readonly edge?: ((edge: E) => "data" | "after") | undefined
}

/**
 * A graph of one of Effect's graphs, whose edges lead from dependencies to dependents.
 *
 * @category converting
 * @since 0.1.0
 */
export const fromEffectGraph = <N, E, Return>(
  graph: EffectGraph.DirectedGraph<N, E>,
  options: FromEffectGraphOptions<N, E, Return>
): Effect.Effect<Made<Return>, GraphError> =>
  Effect.suspend(() => {
    const { edge = (data) => data === "after" ? "after" : "data", key = imports.keyOfNode, run } = options
    return imports.settled(imports.fromEffectGraph(graph, { edge, key, run }))
  }) as any

/**
 * One task of a graph as JSON. `task` and `args` are read by {@link fromJson} alone: the name of the code, which is the
 * label or the key unless told, and data for it.
 *
 * @category models
 * @since 0.1.0
 */
export interface JsonTask extends Schema.Schema.Type<typeof imports.JsonTask> {}

/**
 * A graph as JSON: plain data.
 *
 * @category models
 * @since 0.1.0
 */
export interface Json {
  readonly tasks: ReadonlyArray<JsonTask>
}

/**
 * The graph as plain data, in static order: keys, labels, dependencies, positions and, with `states`, states.
 *
 * @category converting
 * @since 0.1.0
 */
export const toJson = (source: unknown, options?: PictureOptions): Json =>
  imports.toJson(nodesOf(source), options?.states)

/**
 * A graph of JSON. What tasks do comes from `registry` by name, never from the JSON: a function of the values of the
 * dependencies by key, and of the task's entry, to an effect or a plain value.
 *
 * @category converting
 * @since 0.1.0
 */
export const fromJson = <const F extends Readonly<Record<string, (values: any, task: JsonTask) => unknown>>>(
  json: unknown,
  registry: F
): Effect.Effect<Made<ReturnType<F[keyof F]>>, GraphError | Schema.SchemaError> =>
  imports.fromJson(json, registry) as any
