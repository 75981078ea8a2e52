/**
 * Graphs from outside: JSON, and Effect's own `Graph`. Code comes from the program alone, by name.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as EffectGraph from "effect/Graph"
import * as Schema from "effect/Schema"
import { rules } from "../../engine/protocol/policies.ts"
import type { Policy } from "../../engine/protocol/policies.ts"
import { SubmitError } from "../../SkeinError.ts"
import { checkOf, holdsValues, valueFault } from "../tasks/checks.ts"
import { listedIn, makeDependency } from "../tasks/dependency.ts"
import { makeTask } from "../tasks/makeTask.ts"
import type { Mistake } from "../tasks/mistake.ts"
import { noOptions, toEffect } from "../tasks/task.ts"
import type { TaskOptions } from "../tasks/task.ts"
import { KeyConflict, UnknownFunction } from "../text/reasons.ts"
import { checked, ref } from "./graph.ts"
import type { Entry, GraphImpl } from "./graph.ts"
import type { Node } from "./graphNodes.ts"

const JsonOn = Schema.Literals(["success", "failure", "completion"])

/** A group of the dependencies of a task, and its policy. */
export const JsonGroup = Schema.Struct({
  of: Schema.Literals(["inputs", "after", "follow"]),
  dependencies: Schema.Array(Schema.String),
  policy: Schema.Union([
    Schema.TaggedStruct("All", { on: JsonOn }),
    Schema.TaggedStruct("AtLeast", {
      count: Schema.Int,
      on: JsonOn,
      losers: Schema.optionalKey(Schema.Literals(["cancel"]))
    }),
    Schema.TaggedStruct("Rule", { rule: Schema.Literals(rules) })
  ])
})

/** One task of a graph as JSON. */
export const JsonTask = Schema.Struct({
  key: Schema.NonEmptyString,
  task: Schema.optionalKey(Schema.NonEmptyString),
  args: Schema.optionalKey(Schema.Json),
  label: Schema.optionalKey(Schema.String),
  kind: Schema.optionalKey(Schema.Literals(["effect", "map", "flatMap", "exit", "value", "future"])),
  dependencies: Schema.Array(Schema.String),
  after: Schema.optionalKey(Schema.Array(Schema.String)),
  follow: Schema.optionalKey(Schema.Array(Schema.String)),
  policies: Schema.optionalKey(Schema.Array(JsonGroup)),
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
  const keys = ({ dependencies }: Node, of: Node["dependencies"][number]["kind"]) =>
    dependencies.flatMap(({ kind, node }) => kind === of ? [nodes[node]!.key] : [])
  const tasks = nodes.toSorted(byPosition).map((node): JsonTaskOf => {
    const after = keys(node, "after")
    const follow = keys(node, "follow")
    const policies = node.policies.map(({ nodes: members, of, policy }) => ({
      of,
      dependencies: members.map((each) => nodes[each]!.key),
      policy: plainPolicy(policy)
    }))
    const state = states?.get(node.key)
    return {
      key: node.key,
      ...(node.label === undefined ? {} : { label: node.label }),
      kind: node.kind,
      dependencies: keys(node, "data"),
      ...(after.length === 0 ? {} : { after }),
      ...(follow.length === 0 ? {} : { follow }),
      ...(policies.length === 0 ? {} : { policies }),
      ...(node.position === undefined ? {} : { position: node.position }),
      ...(state === undefined ? {} : { state })
    }
  })
  return { tasks }
}

/** Without absent fields. */
const plainPolicy = (policy: Policy): JsonGroupOf["policy"] => {
  if (policy._tag !== "AtLeast") return policy
  const { _tag, count, losers, on } = policy
  return losers === undefined ? { _tag, count, on } : { _tag, count, on, losers }
}

type JsonGroupOf = typeof JsonGroup.Type

/** A task to make: its body takes the values of its dependencies by key. */
interface Spec {
  readonly key: string
  readonly label: string | undefined
  readonly dependencies: ReadonlyArray<string>
  readonly after: ReadonlyArray<string>
  readonly follow?: ReadonlyArray<string>
  readonly policies?: ReadonlyArray<JsonGroupOf>
  readonly run: (values: Readonly<Record<string, unknown>>) => unknown
}

const fromSpecs = (specs: ReadonlyArray<Spec>): GraphImpl | SubmitError => {
  const entries = new Map<string, Entry>()
  for (const { after, dependencies, follow = [], key, label, policies = [], run } of specs) {
    if (entries.has(key)) {
      return new SubmitError({ reason: new KeyConflict({ key, why: "another task of this graph has it" }) })
    }
    const { inputs, options, recordOf } = policies.length + follow.length === 0
      ? plain({ after, dependencies })
      : grouped({ after, dependencies, follow, policies })
    const runAll = (values: unknown) => toEffect(run(recordOf(values as ReadonlyArray<unknown>)))
    entries.set(key, {
      task: makeTask({ _tag: "effect", run: runAll }, inputs, { ...options, key, label }),
      label: undefined
    })
  }
  return checked(entries, undefined)
}

interface Given {
  readonly inputs: unknown
  readonly options: TaskOptions
  /** The values of the inputs, by the names of the dependencies that gave them. */
  readonly recordOf: (values: ReadonlyArray<unknown>) => Readonly<Record<string, unknown>>
}

const plain = ({ after, dependencies }: Pick<Spec, "after" | "dependencies">): Given => ({
  inputs: dependencies.map(ref),
  options: after.length === 0 ? noOptions : { after: after.map(ref) },
  recordOf: (values) => Object.fromEntries(dependencies.map((name, i) => [name, values[i]]))
})

/** The inputs of a task with policies: a record of the plain dependencies, and one for each group. */
const grouped = (
  { after, dependencies, follow, policies }: Required<Pick<Spec, "after" | "dependencies" | "follow" | "policies">>
): Given => {
  const groups = (of: JsonGroupOf["of"]) =>
    policies.filter((group) => group.of === of).map(({ dependencies, policy }) =>
      makeDependency(nameOfPolicy(policy), policy, refsOf(dependencies))
    )
  const inGroups = new Set(policies.flatMap((group) => group.dependencies.map((name) => `${group.of} ${name}`)))
  const single = (of: JsonGroupOf["of"], names: ReadonlyArray<string>) =>
    names.filter((name) => !inGroups.has(`${of} ${name}`))
  const first = listedIn("after", [...single("after", after).map(ref), ...groups("after")])
  const followed = listedIn("follow", [...single("follow", follow).map(ref), ...groups("follow")])
  const invalid = [...first.invalid, ...followed.invalid]
  const options = {
    ...(first.handles.length > 0 && { after: first.handles, afterGroups: first.groups }),
    ...(followed.handles.length > 0 && { follow: followed.handles, followGroups: followed.groups }),
    ...(invalid.length > 0 && { invalid })
  }
  return {
    inputs: [refsOf(single("inputs", dependencies)), ...groups("inputs")],
    options,
    // By assignment, a name like __proto__ would not become a field.
    recordOf: (values) => Object.fromEntries(values.flatMap((each) => Object.entries(each as object)))
  }
}

const refsOf = (names: ReadonlyArray<string>) => Object.fromEntries(names.map((name) => [name, ref(name)]))

const nameOfPolicy = ({ _tag }: Policy): string => _tag === "All" ? "all" : _tag === "Rule" ? "rule" : "atLeast"

export type Registry = Readonly<Record<string, (values: any, task: JsonTaskOf) => unknown>>

const registryFault = (registry: unknown): Mistake | undefined =>
  valueFault(checkOf("functions by name, such as { add: ({ a, b }) => a + b }", holdsValues), "registry", registry)

const decode = Schema.decodeUnknownEffect(Json)

export const fromJson = (
  json: unknown,
  registry: Registry
): Effect.Effect<GraphImpl, SubmitError | Schema.SchemaError> =>
  Effect.flatMap(decode(json), ({ tasks }) => {
    const invalid = registryFault(registry)
    if (invalid !== undefined) return Effect.die(invalid)
    const nameOf = ({ key, label, task }: JsonTaskOf): string => task ?? label ?? key
    const unknown = tasks.find((task) => !Object.hasOwn(registry, nameOf(task)))
    if (unknown !== undefined) {
      const reason = new UnknownFunction({
        key: unknown.key,
        name: nameOf(unknown),
        known: Object.keys(registry)
      })
      return Effect.fail(new SubmitError({ reason }))
    }
    return settled(fromSpecs(tasks.map((task) => ({
      key: task.key,
      label: task.label,
      dependencies: task.dependencies,
      after: task.after ?? [],
      follow: task.follow ?? [],
      policies: task.policies ?? [],
      run: (values) => registry[nameOf(task)]!(values, task)
    }))))
  })

/** Fails with the error if it is one. */
export const settled = (graph: GraphImpl | SubmitError): Effect.Effect<GraphImpl, SubmitError> =>
  graph instanceof SubmitError ? Effect.fail(graph) : Effect.succeed(graph)

export interface EffectGraphOptions<N, E> {
  readonly key: (node: N, index: number) => string
  readonly run: (node: N, values: Readonly<Record<string, any>>) => unknown
  readonly edge: (edge: E) => "data" | "after"
}

export const fromGraph = <N, E>(
  graph: EffectGraph.DirectedGraph<N, E>,
  { edge, key, run }: EffectGraphOptions<N, E>
): GraphImpl | SubmitError => {
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
