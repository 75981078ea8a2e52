/**
 * Keyed graphs at run time: entries that name tasks, and the resulting tasks.
 *
 * @internal
 */
import { NodeInspectSymbol } from "effect/Inspectable"
import type { Inspectable } from "effect/Inspectable"
import * as Pipeable from "effect/Pipeable"
import { hasProperty } from "effect/Predicate"
import { SubmitError } from "../../SkeinError.ts"
import { depthFirst } from "../plans/depthFirst.ts"
import { scan } from "../tasks/inputs.ts"
import { makeTask, remakeTask } from "../tasks/makeTask.ts"
import { key as checkKey, withInvalid } from "../tasks/options.ts"
import { isTask, noOptions } from "../tasks/task.ts"
import type { Handle, Invalid, TaskImpl, TaskOptions } from "../tasks/task.ts"
import { Cycle, MissingDependency } from "../text/reasons.ts"
import { cutList, quote } from "../text/text.ts"
import { byReference } from "../values/identity.ts"
import { TaskGraphTypeId, thisCopy } from "../values/typeIds.ts"

/** A task as it was put into a graph, and its default label. */
export interface Entry {
  readonly task: TaskImpl
  readonly label: string | undefined
}

export type Entries = ReadonlyMap<string, Entry>

export type Tasks = Readonly<Record<string, TaskImpl>>

export interface GraphImpl extends Pipeable.Pipeable, Inspectable {
  readonly [TaskGraphTypeId]: typeof thisCopy
  /** The tasks under their keys. Formed when first read, so that a graph built key by key costs no more than one made at once. */
  readonly tasks: Tasks
  readonly source: Source
}

/** The origin of a graph: entries, or another graph and one more entry. */
type Source =
  | { readonly _tag: "entries"; readonly entries: Entries }
  | { readonly _tag: "added"; readonly to: GraphImpl; readonly key: string; readonly entry: Entry }

/** Of all graphs. */
const prototype = Object.defineProperties(Object.create(Pipeable.Prototype), {
  ...byReference,
  toJSON: { value: toJson },
  [NodeInspectSymbol]: { value: toJson },
  toString: {
    value(this: GraphImpl): string {
      return `TaskGraph(${cutList(Array.from(entriesOf(this).keys()), quote)})`
    }
  }
})

function toJson(this: GraphImpl): unknown {
  return { _id: "TaskGraph", tasks: Array.from(entriesOf(this).keys()) }
}

const make = (source: Source): GraphImpl => {
  let tasks: Tasks | undefined
  const graph = Object.create(prototype)
  return Object.defineProperties(graph, {
    [TaskGraphTypeId]: { value: thisCopy },
    source: { value: source },
    tasks: { enumerable: true, get: () => tasks ??= tasksOf(entriesOf(graph)) }
  })
}

export const fromEntries = (entries: Entries): GraphImpl => make({ _tag: "entries", entries })

export const isTaskGraph = (u: unknown): u is GraphImpl => isAnyGraph(u) && u[TaskGraphTypeId] === thisCopy

/** Whether it is a graph of this or another copy of Skein. */
export const isAnyGraph = (u: unknown): u is GraphImpl => hasProperty(u, TaskGraphTypeId)

/** The graph that stands for an argument: one that every scheduler refuses, if another copy of Skein made it. */
const own = (graph: GraphImpl): GraphImpl =>
  isTaskGraph(graph) ? graph : fromEntries(
    new Map([["graph", { task: refused("graph", graph, "a graph"), label: undefined }]])
  )

export const add = (graph: GraphImpl, key: string, entry: Entry): GraphImpl =>
  make({ _tag: "added", to: own(graph), key, entry })

/** The entries of a graph, oldest first. */
export const entriesOf = (graph: GraphImpl): Entries => {
  const added: Array<readonly [string, Entry]> = []
  let { source } = graph
  while (source._tag === "added") {
    added.push([source.key, source.entry])
    source = source.to.source
  }
  if (added.length === 0) return source.entries
  const entries = new Map(source.entries)
  for (const [key, entry] of added.toReversed()) {
    const isTaken = entries.has(key) && entries.get(key)!.task !== entry.task
    entries.set(key, isTaken ? { ...entry, task: refused("key", key, "one that the graph does not have yet") } : entry)
  }
  return entries
}

/** A task that every scheduler refuses, with the reason. */
const refused = (option: string, value: unknown, expected: Invalid["expected"], key?: string): TaskImpl =>
  makeTask({ _tag: "value", value: undefined }, undefined, {
    key,
    invalid: [{ option, value, expected }]
  })

/** Stands for the task of a graph that has `key`. */
export const ref = (key: string): TaskImpl => {
  const task = refused("TaskGraph.ref", key, "the key of a task of the graph around it")
  refs.set(task, key)
  return task
}

const refs = new WeakMap<TaskImpl, string>()

/** The key that a placeholder stands for. */
export const keyOfRef = (task: TaskImpl): string | undefined => refs.get(task)

/** What a task or placeholder depends on directly within a graph. */
const dependenciesIn = (entries: Entries) => (task: TaskImpl): ReadonlyArray<TaskImpl> => {
  const key = keyOfRef(task)
  if (key === undefined) return task.handles.filter(isTask)
  const target = entries.get(key)?.task
  return target === undefined ? [] : [target]
}

/** The tasks of a graph, named by their keys, with placeholders replaced in them and in everything between them. */
const tasksOf = (entries: Entries): Tasks => {
  const names = new Map<TaskImpl, readonly [key: string, label: string | undefined]>()
  for (const [key, { label, task }] of entries) if (!names.has(task)) names.set(task, [key, label])
  const made = new Map<TaskImpl, TaskImpl>()
  const madeOf = (task: TaskImpl): TaskImpl => made.get(task) ?? task
  depthFirst(Array.from(entries.values(), ({ task }) => task), dependenciesIn(entries), (task) => {
    const key = keyOfRef(task)
    const target = key === undefined ? undefined : entries.get(key)?.task
    made.set(task, target === undefined ? renamed(task, names.get(task), madeOf) : madeOf(target))
  })
  return Object.fromEntries(Array.from(entries, ([key, { task }]) => [key, madeOf(task)]))
}

/** The last copy of a task: graphs that grow out of each other have their tasks in common, and so can share runs. */
const copies = new WeakMap<TaskImpl, TaskImpl>()

/** `task` under its key in a graph, with its dependencies replaced; the task itself if nothing changes. */
const renamed = (
  task: TaskImpl,
  name: readonly [key: string, label: string | undefined] | undefined,
  madeOf: (task: TaskImpl) => TaskImpl
): TaskImpl => {
  // Of another copy of Skein: whatever computes the graph refuses it.
  if (!isTask(task)) return task
  const options = named(task.options, name)
  const swap = (handle: Handle): Handle => isTask(handle) ? madeOf(handle) : handle
  const isSame = task.handles.every((handle) => swap(handle) === handle)
  if (isSame && options === task.options) return task
  const copy = copies.get(task)
  if (copy !== undefined && areAlike(copy.options, options) && areSwapped(task, copy, swap)) return copy
  const fresh = remakeTask(task, swappedIn(options, swap), swap)
  copies.set(task, fresh)
  return fresh
}

/** Options with `swap` of all that they name. */
const swappedIn = (options: TaskOptions, swap: (handle: Handle) => Handle): TaskOptions => {
  const { after, follow } = options
  if (after === undefined && follow === undefined) return options
  return {
    ...options,
    ...(after !== undefined && { after: after.map(swap) }),
    ...(follow !== undefined && { follow: follow.map(swap) })
  }
}

const named = (options: TaskOptions, name: readonly [string, string | undefined] | undefined): TaskOptions => {
  if (name === undefined) return options
  const [key, given] = name
  const label = options.label ?? given
  // Imports have their keys already, and those of tasks without one may have come from there.
  if (options.key === key && options.label === label) return options
  const wrong = checkKey("key", key)
  const all = { ...options, key, label }
  return wrong === undefined ? all : withInvalid(all, wrong)
}

const areAlike = (a: TaskOptions, b: TaskOptions): boolean => a.key === b.key && a.label === b.label

const areSwapped = (task: TaskImpl, copy: TaskImpl, swap: (handle: Handle) => Handle): boolean =>
  task.handles.length === copy.handles.length && task.handles.every((handle, i) => swap(handle) === copy.handles[i])

/** The requested tasks and the keyed ones that they depend on. */
export const pick = (graph: GraphImpl, keys: ReadonlyArray<string>): GraphImpl => {
  if (!isTaskGraph(graph)) return own(graph)
  const { tasks } = graph
  const wanted = new Set(keys)
  const needed = new Set<TaskImpl>()
  const taskOf = (key: string): TaskImpl =>
    Object.hasOwn(tasks, key) ? tasks[key]! : refused("key", key, { known: Object.keys(tasks) }, key)
  depthFirst(keys.map(taskOf), (task) => task.handles.filter(isTask), (task) => void needed.add(task))
  const isKept = (key: string): boolean =>
    wanted.has(key) || (needed.has(tasks[key]!) && tasks[key]!.options.key === key)
  const kept = Object.keys(tasks).filter(isKept)
  const unknown = keys.filter((key) => !Object.hasOwn(tasks, key))
  return fromEntries(new Map([...kept, ...unknown].map((key) => [key, { task: taskOf(key), label: undefined }])))
}

/** A cached result for {@link fromRecord}. */
export interface Cached {
  readonly has: (key: string) => boolean
  readonly get: (key: string) => unknown
}

/** A graph from a dictionary of literals, tasks and placeholders, or its fault. */
export const fromRecord = (
  record: Readonly<Record<string, unknown>>,
  cache: Cached | undefined
): GraphImpl | SubmitError => {
  const entries = new Map<string, Entry>()
  for (const key of Object.keys(record)) {
    const task = cache?.has(key) === true ? literal(cache.get(key)) : toTask(record[key])
    entries.set(key, { task, label: undefined })
  }
  return checked(entries, cache)
}

/** A literal as a node of its own, even where it would otherwise be a plain value. */
const literal = (value: unknown): TaskImpl => makeTask({ _tag: "value", value }, undefined, noOptions)

/** The value of an entry, as a task. A plain value gets a node of its own. */
export const toTask = (value: unknown): TaskImpl => {
  if (isTask(value)) return value
  const { handles, misplaced } = scan(value)
  if (handles.length === 0 && misplaced === undefined) return literal(value)
  return makeTask({ _tag: "map", run: (values) => values }, value, noOptions)
}

/** Checks that every placeholder has its task, without cycles. Missing tasks are taken from the cache. */
export const checked = (given: Entries, cache: Cached | undefined): GraphImpl | SubmitError => {
  const entries = new Map(given)
  const missing = new Set<string>()
  const order: Array<TaskImpl> = []
  const find = (task: TaskImpl): ReadonlyArray<TaskImpl> => {
    const key = keyOfRef(task)
    if (key !== undefined && !entries.has(key)) {
      if (cache?.has(key) === true) entries.set(key, { task: literal(cache.get(key)), label: undefined })
      else missing.add(key)
    }
    return dependenciesIn(entries)(task)
  }
  const cycle = depthFirst(Array.from(entries.values(), ({ task }) => task), find, (task) => void order.push(task))
  const names = new Map<TaskImpl, string>()
  for (const [key, { task }] of entries) if (!names.has(task)) names.set(task, key)
  if (missing.size > 0) {
    const [key] = missing
    const dependents = dependentsOf(key!, entries, order, names)
    return new SubmitError({ reason: new MissingDependency({ key: key!, dependents }) })
  }
  if (cycle !== undefined) return new SubmitError({ reason: new Cycle({ path: keysOfCycle(cycle, names) }) })
  return fromEntries(entries)
}

/** The keys that refer to `missing`, directly or through tasks without a key. */
const dependentsOf = (
  missing: string,
  entries: Entries,
  order: ReadonlyArray<TaskImpl>,
  names: ReadonlyMap<TaskImpl, string>
): ReadonlyArray<string> => {
  const touching = new Set<TaskImpl>()
  const isOpen = (task: TaskImpl): boolean => touching.has(task) && (!names.has(task) || keyOfRef(task) === missing)
  for (const task of order) {
    if (keyOfRef(task) === missing || (keyOfRef(task) === undefined && dependenciesIn(entries)(task).some(isOpen))) {
      touching.add(task)
    }
  }
  return Array.from(entries).flatMap(([key, { task }]) => touching.has(task) ? [key] : [])
}

const keysOfCycle = (cycle: ReadonlyArray<TaskImpl>, names: ReadonlyMap<TaskImpl, string>): ReadonlyArray<string> => {
  const keys = cycle.slice(1).flatMap((task) => names.get(task) ?? [])
  return [keys.at(-1)!, ...keys]
}
