/**
 * Views of graphs: their order, pictures, JSON and Effect's own graphs. The typed interface of the modules beside this one;
 * `TaskGraph` exports it.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import type * as EffectGraph from "effect/Graph"
import type * as Schema from "effect/Schema"
import type { DependencyFailed, SubmitError } from "../../SkeinError.ts"
import type { Handle, Needs } from "../tasks/shapes.ts"
import { isEither, isRecord } from "../tasks/task.ts"
import type { Status } from "../text/reasons.ts"
import type { TaskEvent } from "../views/events.ts"
import * as internal from "./graph.ts"
import * as imports from "./graphImport.ts"
import { nodesOf } from "./graphNodes.ts"
import * as pictures from "./graphPictures.ts"
import type { TaskGraph, Untyped } from "./typed.ts"

type IsAny<A> = 0 extends 1 & A ? true : false

/**
 * What is drawn or ordered: a graph, a task, a future, or arrays and records of these, nested too.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Shape = Handle | TaskGraph<any> | ReadonlyArray<Shape> | { readonly [name: string]: Shape }

type ByKey<S, A> = S extends TaskGraph<infer T> ? { readonly [K in keyof T]-?: A } : { readonly [key: string]: A }

/** The facts of each node, under its key; aliases have those of their target. */
const byKey = <A>(
  source: Shape,
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
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const dependencies = <S extends Shape>(source: S): ByKey<S, ReadonlyArray<string>> => {
  const found = byKey(source, ({ dependencies }, all) => dependencies.map(({ node }) => all[node]!.key))
  if (internal.isTaskGraph(source)) aliased(source, (key, target) => found.set(key, [target]))
  return Object.fromEntries(found) as any
}

/**
 * The static position of each task: the order in which one slot runs them, so that few results are held at once. Everything
 * reachable counts, also tasks without a key.
 *
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const order = <S extends Shape>(source: S): ByKey<S, number> => {
  const found = byKey(source, ({ position }) => position)
  if (internal.isTaskGraph(source)) aliased(source, (key, target) => found.set(key, found.get(target)))
  return Object.fromEntries(Array.from(found).filter(([, position]) => position !== undefined)) as any
}

/** Names every key whose task has another. */
const aliased = ({ tasks }: internal.GraphImpl, f: (key: string, target: string) => void): void => {
  for (const [key, { options }] of Object.entries(tasks)) {
    if (options.key !== undefined && options.key !== key) f(key, options.key)
  }
}

/** Whether the only argument of a view is a record of its options: no value of it may be a part of a shape. */
const isOptionsAlone = ({ 0: first, length }: IArguments): boolean => {
  if (length !== 1 || typeof first !== "object" || first === null || !isRecord(first)) return false
  const values = Object.values(first)
  return values.length > 0 && !values.some(isShape)
}

const isShape = (value: unknown): boolean =>
  typeof value === "object" && value !== null &&
  (isEither(value) || internal.isTaskGraph(value) || Array.isArray(value) || isRecord(value))

/** A view that takes its options alone in a pipe. */
const view = <O, A>(draw: (source: Shape, options: O | undefined) => A): any =>
  dual((args) => !isOptionsAlone(args), draw)

/**
 * How pictures are drawn.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface PictureOptions {
  /** A status word for each key, such as from {@link states}: pictures show them by colors and a legend. */
  readonly states?: ReadonlyMap<string, string> | undefined
  /** The text of a node, which may have several lines. Defaults to its key and its label. */
  readonly nodeLabel?: ((node: GraphNode) => string) | undefined
}

/**
 * How Mermaid pictures are drawn.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface MermaidOptions extends PictureOptions {
  /** Defaults to top to bottom. */
  readonly direction?: EffectGraph.MermaidDirection | undefined
}

/**
 * How GraphViz pictures are drawn.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface GraphVizOptions extends PictureOptions {
  /** Defaults to "skein". */
  readonly graphName?: string | undefined
}

/**
 * The graph for Mermaid. The shape of a node shows its kind: plain functions are round, `flatMap` has double sides, values are
 * pills, futures circles. Edges lead from dependencies to dependents.
 *
 * **Example** (A task and what it needs)
 *
 * ```ts import.meta.vitest
 * import { Task, TaskGraph } from "skein"
 *
 * const x = Task.sync(() => 1, { key: "x" })
 * const y = Task.map({ x }, ({ x }) => x + 1, { key: "y" })
 * TaskGraph.toMermaid(y).split("\n") // => ["flowchart TD", "  0(\"x\")", "  1(\"y\")", "  0 --> 1"]
 * ```
 *
 * @stability unstable
 * @category converting
 * @since 0.1.0
 */
export const toMermaid: {
  (options: MermaidOptions): (source: Shape) => string
  (source: Shape, options?: MermaidOptions): string
} = view((source, options: MermaidOptions | undefined) =>
  pictures.toMermaid(nodesOf(source), { ...options, direction: options?.direction ?? "TD" })
)

/**
 * The graph in the DOT language of GraphViz.
 *
 * @stability unstable
 * @category converting
 * @since 0.1.0
 */
export const toGraphViz: {
  (options: GraphVizOptions): (source: Shape) => string
  (source: Shape, options?: GraphVizOptions): string
} = view((source, options: GraphVizOptions | undefined) =>
  pictures.toGraphViz(nodesOf(source), { ...options, graphName: options?.graphName ?? "skein" })
)

/**
 * The last status of each key among events of a scheduler, for pictures of executed graphs. Releasing a result does not change
 * the status.
 *
 * **Gotchas**
 *
 * Give tasks keys, or put them into a graph: a task without a key has another number in each run, which the picture knows only
 * for the first submission to a scheduler. Of several tasks with one key the newest counts. Filter events by `graph` for the
 * states of one graph.
 *
 * **Example** (What became of a graph)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Scheduler, Skein, Task, TaskGraph } from "skein"
 *
 * const graph = TaskGraph.make({ good: Task.succeed(1), bad: Task.make(Effect.fail("no")) })
 * const program = Effect.gen(function*() {
 *   const events: Array<Scheduler.TaskEvent> = []
 *   yield* Scheduler.listen((event) => events.push(event))
 *   yield* Client.compute(graph, { mode: "collect" })
 *   return [...TaskGraph.states(events)]
 * }).pipe(Effect.scoped, Effect.provide(Skein.layer()))
 * program // => [["good", "succeeded"], ["bad", "failed"]]
 * ```
 *
 * @stability unstable
 * @category converting
 * @since 0.1.0
 */
export const states = (events: Iterable<TaskEvent>): Map<string, Exclude<Status, "released">> => {
  const last = new Map<string, { readonly serial: number; readonly to: Exclude<Status, "released"> }>()
  for (const { from, key, serial, to } of events) {
    if (to === "released" || (to === "releasing" && from === "succeeded")) continue
    const known = last.get(key)
    if (known !== undefined && serial < known.serial) continue
    last.set(key, { serial, to })
  }
  return new Map(Array.from(last, ([key, { to }]) => [key, to]))
}

/**
 * The nodes and edges as one of Effect's own graphs. Edges lead from dependencies to dependents and say whether they carry a
 * value.
 *
 * @stability unstable
 * @category converting
 * @since 0.1.0
 */
export const toGraph = (
  source: Shape
): EffectGraph.DirectedGraph<GraphNode, "data" | "after" | "follow"> => pictures.toGraph(nodesOf(source))

/**
 * A task in one of Effect's graphs. `kind` is the constructor that made it.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface GraphNode extends pictures.PlainNode {}

type Errors<Return> = IsAny<Return> extends true ? unknown
  : Return extends Effect.Effect<any, infer E, any> ? E
  : never

type Requirements<Return> = IsAny<Return> extends true ? never
  : Return extends Effect.Effect<any, any, infer R> ? Needs<R>
  : never

type Made<Return> = Untyped<
  [Errors<Return>] extends [never] ? never : Errors<Return> | DependencyFailed<Errors<Return>>,
  Requirements<Return>
>

/**
 * Options of {@link fromGraph}.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface FromGraphOptions<N, E, Return> {
  /** The body of a node: takes the values of its dependencies by key, and returns an effect or a plain value. */
  readonly run: (node: N, values: Readonly<Record<string, any>>) => Return
  /** The key of a node. Defaults to the node itself if it is a string, else to its field `key`, or its number. */
  readonly key?: ((node: N, index: number) => string) | undefined
  /** Whether an edge carries a value. Defaults to all edges but those with the data "after". */
  readonly edge?: ((edge: E) => "data" | "after") | undefined
}

/**
 * A graph from one of Effect's graphs, whose edges lead from dependencies to dependents.
 *
 * @stability unstable
 * @category converting
 * @since 0.1.0
 */
export const fromGraph = <N, E, Return>(
  graph: EffectGraph.DirectedGraph<N, E>,
  options: FromGraphOptions<N, E, Return>
): Effect.Effect<Made<Return>, SubmitError> =>
  Effect.suspend(() => {
    const { edge = (data) => data === "after" ? "after" : "data", key = imports.keyOfNode, run } = options
    return imports.settled(imports.fromGraph(graph, { edge, key, run }))
  }) as any

/**
 * One task of a graph as JSON. `task` and `args` are read by {@link fromJson} alone: the name of the code, which defaults to the
 * label or the key, and data for it.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface JsonTask extends Schema.Schema.Type<typeof imports.JsonTask> {}

/**
 * A graph as JSON: plain data.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Json {
  readonly tasks: ReadonlyArray<JsonTask>
}

/**
 * The graph as plain data, in static order: keys, labels, dependencies, positions and, with `states`, states.
 *
 * @stability unstable
 * @category converting
 * @since 0.1.0
 */
export const toJson: {
  (options: Pick<PictureOptions, "states">): (source: Shape) => Json
  (source: Shape, options?: Pick<PictureOptions, "states">): Json
} = view((source, options: Pick<PictureOptions, "states"> | undefined) =>
  imports.toJson(nodesOf(source), options?.states)
)

/**
 * A graph from JSON. The code of tasks comes from `registry` by name, never from the JSON: functions of the values of the
 * dependencies by key, and of the task's entry, that return an effect or a plain value.
 *
 * @stability unstable
 * @category converting
 * @since 0.1.0
 */
export const fromJson = <const F extends Readonly<Record<string, (values: any, task: JsonTask) => unknown>>>(
  json: unknown,
  registry: F
): Effect.Effect<Made<ReturnType<F[keyof F]>>, SubmitError | Schema.SchemaError> =>
  imports.fromJson(json, registry) as any
