/**
 * The nodes that a scheduler would run for a graph, a task or a shape of tasks, with their names and edges.
 *
 * @internal
 */
import * as Context from "effect/Context"
import { order } from "../../engine/order/order.ts"
import type { Group, Policy } from "../../engine/protocol/policies.ts"
import { ambientIn } from "../bodies/ambient.ts"
import type { Compiled } from "../bodies/livePlan.ts"
import { compile, nobody } from "../plans/compile.ts"
import { depthFirst } from "../plans/depthFirst.ts"
import { policiesOf } from "../tasks/dependency.ts"
import { scan } from "../tasks/inputs.ts"
import { isRefused } from "../tasks/mistake.ts"
import { isFuture, isTask } from "../tasks/task.ts"
import type { Body, Handle, TaskImpl } from "../tasks/task.ts"
import { shortText } from "../text/policyText.ts"
import { isTaskGraph } from "./graph.ts"

/** A task, or a future that tasks depend on. */
export interface Node {
  readonly key: string
  readonly label: string | undefined
  readonly kind: Body["_tag"] | "future"
  /** Static position; a future has none. */
  readonly position: number | undefined
  readonly dependencies: ReadonlyArray<Dependency>
  /** Sets of dependencies with a policy, by the keys of their members. */
  readonly policies: ReadonlyArray<NamedGroup>
}

export interface NamedGroup {
  readonly of: Group["of"]
  readonly nodes: ReadonlyArray<number>
  readonly policy: Policy
}

export interface Dependency {
  readonly node: number
  /** Whether it gives a value or only orders, and may also determine the worker. */
  readonly kind: "data" | "after" | "follow"
  /** Its policy in a word; empty for the default. */
  readonly policy: string
}

/** The nodes that computing `source` would run, dependencies first, then the futures that they depend on. */
export const nodesOf = (source: unknown): ReadonlyArray<Node> => {
  const shape = isTaskGraph(source) ? source.tasks : source
  const { handles } = scan(shape)
  const compiled = compile(handles, nobody, noRun)
  const { edges, keys, tasks } = isRefused(compiled) ? asTheyStand(handles) : asPlanned(compiled)
  const nameOf = namer(keys)
  // By submission, because a task may have several futures.
  const futures = new Map<string, { readonly place: number; readonly handle: Handle | undefined }>()
  const placeOf = (edge: number, handle: Handle | undefined): number => {
    if (edge >= 0) return edge
    const identity = isFuture(handle) ? `${handle.home.name} ${handle.submission.sequence + handle.index}` : ""
    const place = futures.get(identity)?.place ?? tasks.length + futures.size
    futures.set(identity, { place, handle })
    return place
  }
  const nodes = tasks.map((task, i): Node => ({
    key: keys[i] ?? nameOf(task, i),
    label: task.options.label,
    kind: task.kind,
    position: edges.positions[i]!,
    ...dependenciesOf(task, edges.targets.subarray(edges.offsets[i], edges.offsets[i + 1]), placeOf)
  }))
  for (const handle of handles) if (isFuture(handle)) placeOf(-1, handle)
  const taken = new Set(nodes.map(({ key }) => key))
  return [...nodes, ...Array.from(futures.values(), ({ handle }) => futureNode(freeName(handle, taken)))]
}

/** The key of a future; with the number of its graph where another node has that key. */
const freeName = (handle: Handle | undefined, taken: Set<string>): string => {
  const key = isFuture(handle) ? handle.key : "future"
  const name = isFuture(handle) && taken.has(key) ? `${key} (graph ${handle.submission.number})` : key
  taken.add(name)
  return name
}

const futureNode = (key: string): Node => ({
  key,
  label: undefined,
  kind: "future",
  position: undefined,
  dependencies: [],
  policies: []
})

const noRun = ambientIn(Context.empty())

/** Edges as rows; a target below 0 is a future. */
interface Rows {
  readonly offsets: Int32Array
  readonly targets: Int32Array
  readonly positions: Int32Array
}

interface Listed {
  readonly tasks: ReadonlyArray<TaskImpl>
  readonly keys: ReadonlyArray<string | undefined>
  readonly edges: Rows
}

const asPlanned = ({ plan }: Compiled): Listed => ({
  tasks: plan.nodes,
  keys: plan.nodes.map((node, i) => plan.settings.get(i)?.key ?? node.options.key),
  edges: plan
})

/** The nodes of a graph that would be refused, so that it can still be drawn. */
const asTheyStand = (handles: ReadonlyArray<Handle>): Listed => {
  const places = new Map<TaskImpl, number>()
  const rows: Array<ReadonlyArray<number>> = []
  depthFirst(handles.filter(isTask), (task) => task.handles.filter(isTask), (task) => {
    rows.push(task.handles.map((handle) => isTask(handle) ? places.get(handle) ?? -1 : -1))
    places.set(task, places.size)
  })
  const tasks = [...places.keys()]
  const plain = toRows(rows.map((row) => [...new Set(row)].filter((target) => target >= 0)))
  return {
    tasks,
    keys: tasks.map((task) => task.options.key),
    edges: { ...toRows(rows), positions: order(plain) }
  }
}

const toRows = (rows: ReadonlyArray<ReadonlyArray<number>>) => {
  const offsets = new Int32Array(rows.length + 1)
  for (let i = 0; i < rows.length; i++) offsets[i + 1] = offsets[i]! + rows[i]!.length
  return { offsets, targets: Int32Array.from(rows.flat()) }
}

/** Names tasks without a key as a new scheduler names those of its first submission. */
const namer = (keys: ReadonlyArray<string | undefined>) => {
  const taken = new Set(keys)
  return (task: TaskImpl, index: number): string => {
    const name = `${task.options.label ?? "task"}#${index + 1}`
    return taken.has(name) ? `${name} (without a key)` : name
  }
}

const dependenciesOf = (
  task: TaskImpl,
  targets: Int32Array,
  placeOf: (edge: number, handle: Handle | undefined) => number
): Pick<Node, "dependencies" | "policies"> => {
  const { after = [], follow = [] } = task.options
  const firstFollow = targets.length - follow.length
  const firstAfter = firstFollow - after.length
  const places = Array.from(targets, (target, i) => placeOf(target, task.handles[i]))
  const groups = policiesOf(task) ?? []
  const found = new Map<number, Dependency>()
  places.forEach((node, i) => {
    if (found.has(node)) return
    const group = groups.find(({ from, to }) => i >= from && i < to)
    const kind = i < firstAfter ? "data" : i < firstFollow ? "after" : "follow"
    found.set(node, { node, kind, policy: group === undefined ? "" : shortText(group.policy) })
  })
  const policies = groups.map(({ from, of, policy, to }) => ({ of, nodes: places.slice(from, to), policy }))
  return { dependencies: [...found.values()], policies }
}
