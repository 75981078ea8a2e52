/**
 * Graphs from outside: JSON, and Effect's own `Graph`. Code comes from the program alone, by name.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as EffectGraph from "effect/Graph"
import * as Schema from "effect/Schema"
import { GraphError } from "../SkeinError.ts"
import { checked, ref } from "./graph.ts"
import type { Entry, GraphImpl } from "./graph.ts"
import type { Node } from "./graphNodes.ts"
import { makeTask } from "./makeTask.ts"
import { toEffect } from "./task.ts"

/** One task of a graph as JSON. */
export const JsonTask = Schema.Struct({
  key: Schema.NonEmptyString,
  task: Schema.optionalKey(Schema.NonEmptyString),
  args: Schema.optionalKey(Schema.Json),
  label: Schema.optionalKey(Schema.String),
  kind: Schema.optionalKey(Schema.Literals(["effect", "map", "flatMap", "exit", "value", "future"])),
  dependencies: Schema.Array(Schema.String),
  after: Schema.optionalKey(Schema.Array(Schema.String)),
  position: Schema.optionalKey(Schema.Int),
  state: Schema.optionalKey(Schema.String)
})

/** A graph as JSON. */
export const Json = Schema.Struct({ tasks: Schema.Array(JsonTask) })

type JsonTaskOf = typeof JsonTask.Type

const byPosition = (a: Node, b: Node): number => (a.position ?? -1) - (b.position ?? -1)

export const toJson = (
  nodes: ReadonlyArray<Node>,
  states: ReadonlyMap<string, string> | undefined
): typeof Json.Type => {
  const keys = ({ dependencies }: Node, of: "data" | "after") =>
    dependencies.flatMap(({ kind, node }) => kind === of ? [nodes[node]!.key] : [])
  const tasks = nodes.toSorted(byPosition).map((node): JsonTaskOf => {
    const after = keys(node, "after")
    const state = states?.get(node.key)
    return {
      key: node.key,
      ...(node.label === undefined ? {} : { label: node.label }),
      kind: node.kind,
      dependencies: keys(node, "data"),
      ...(after.length === 0 ? {} : { after }),
      ...(node.position === undefined ? {} : { position: node.position }),
      ...(state === undefined ? {} : { state })
    }
  })
  return { tasks }
}

/** A task to be made: its body takes the values of its dependencies by key. */
interface Spec {
  readonly key: string
  readonly label: string | undefined
  readonly dependencies: ReadonlyArray<string>
  readonly after: ReadonlyArray<string>
  readonly run: (values: Readonly<Record<string, unknown>>) => unknown
}

const fromSpecs = (specs: ReadonlyArray<Spec>): GraphImpl | GraphError => {
  const entries = new Map<string, Entry>()
  for (const { after, dependencies, key, label, run } of specs) {
    if (entries.has(key)) {
      return new GraphError({ reason: { _tag: "KeyConflict", key, why: "another task of this graph has it" } })
    }
    const options = after.length === 0 ? { key, label } : { key, label, after: after.map(ref) }
    const inputs = dependencies.map(ref)
    const runAll = (values: unknown) =>
      Effect.suspend(() =>
        toEffect(run(Object.fromEntries(dependencies.map((name, i) => [name, (values as Array<unknown>)[i]]))))
      )
    entries.set(key, { task: makeTask({ _tag: "effect", run: runAll }, inputs, options), label: undefined })
  }
  return checked(entries, undefined)
}

export type Registry = Readonly<Record<string, (values: any, task: JsonTaskOf) => unknown>>

const decode = Schema.decodeUnknownEffect(Json)

export const fromJson = (
  json: unknown,
  registry: Registry
): Effect.Effect<GraphImpl, GraphError | Schema.SchemaError> =>
  Effect.flatMap(decode(json), ({ tasks }) => {
    const nameOf = ({ key, label, task }: JsonTaskOf): string => task ?? label ?? key
    const unknown = tasks.find((task) => !Object.hasOwn(registry, nameOf(task)))
    if (unknown !== undefined) {
      const option = `task of ${JSON.stringify(unknown.key)}`
      const expected = `a name in the registry (${Object.keys(registry).join(", ")})`
      return Effect.fail(
        new GraphError({ reason: { _tag: "InvalidOption", option, value: nameOf(unknown), expected } })
      )
    }
    return settled(fromSpecs(tasks.map((task) => ({
      key: task.key,
      label: task.label,
      dependencies: task.dependencies,
      after: task.after ?? [],
      run: (values) => registry[nameOf(task)]!(values, task)
    }))))
  })

/** Fails with the error if it is one. */
export const settled = (graph: GraphImpl | GraphError): Effect.Effect<GraphImpl, GraphError> =>
  graph instanceof GraphError ? Effect.fail(graph) : Effect.succeed(graph)

export interface EffectGraphOptions<N, E> {
  readonly key: (node: N, index: number) => string
  readonly run: (node: N, values: Readonly<Record<string, any>>) => unknown
  readonly edge: (edge: E) => "data" | "after"
}

export const fromEffectGraph = <N, E>(
  graph: EffectGraph.DirectedGraph<N, E>,
  { edge, key, run }: EffectGraphOptions<N, E>
): GraphImpl | GraphError => {
  const specs = new Map<number, Spec & { readonly data: Array<string>; readonly order: Array<string> }>()
  for (const [index, node] of EffectGraph.entries(EffectGraph.nodes(graph))) {
    const data: Array<string> = []
    const order: Array<string> = []
    const run_ = (values: Readonly<Record<string, unknown>>) => run(node, values)
    specs.set(index, {
      key: key(node, index),
      label: labelOf(node),
      dependencies: data,
      after: order,
      data,
      order,
      run: run_
    })
  }
  for (const { data, source, target } of EffectGraph.values(EffectGraph.edges(graph))) {
    const { data: values, order } = specs.get(target)!
    const list = edge(data) === "after" ? order : values
    list.push(specs.get(source)!.key)
  }
  return fromSpecs([...specs.values()])
}

const labelOf = (node: unknown): string | undefined =>
  typeof node === "object" && node !== null && "label" in node && typeof node.label === "string"
    ? node.label
    : undefined

/** A node is its own key, has one, or is known by its number. */
export const keyOfNode = (node: unknown, index: number): string => {
  if (typeof node === "string") return node
  return typeof node === "object" && node !== null && "key" in node && typeof node.key === "string"
    ? node.key
    : String(index)
}
