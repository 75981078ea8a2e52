/**
 * Tasks at run time: what the typed face of `Task` makes and the compiler reads.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
import * as Pipeable from "effect/Pipeable"
import type * as Schedule from "effect/Schedule"
import { keyAt } from "../engine/State.ts"
import type { Claim, Submission } from "../engine/State.ts"
import type { SchedulerCore } from "./schedulerCore.ts"

export const TaskTypeId = "~skein/Task"
export const FutureTypeId = "~skein/Future"

/** What runs when the inputs are there. */
export type Body =
  | { readonly _tag: "effect"; readonly run: (values: unknown) => Effect.Effect<unknown, unknown, unknown> }
  /** A plain function: no service, no scope, no failure but a defect. */
  | { readonly _tag: "map"; readonly run: (values: unknown) => unknown }
  | { readonly _tag: "flatMap"; readonly run: (values: unknown) => TaskImpl }
  /** Ends with the exit of its one dependency. */
  | { readonly _tag: "exit" }
  /** A value that is there from the start. */
  | { readonly _tag: "value"; readonly value: unknown }

/** The options of a task, durations in milliseconds. */
export interface TaskOptions {
  readonly key?: string | undefined
  readonly label?: string | undefined
  readonly priority?: number | undefined
  readonly pure?: boolean | undefined
  readonly after?: unknown
  readonly timeoutMillis?: number | undefined
  readonly deadlineMillis?: number | undefined
  readonly dependencyTimeoutMillis?: number | undefined
  readonly retry?: Schedule.Schedule<unknown, unknown, unknown, unknown> | undefined
  /** The name that a pure key begins with. */
  readonly name?: string | undefined
  /** What was wrong with the options; told when the task is submitted. */
  readonly invalid?: { readonly option: string; readonly value: unknown; readonly expected: string } | undefined
}

export type Handle = TaskImpl | FutureImpl

export const noOptions: TaskOptions = {}
const noHandles: ReadonlyArray<Handle> = []

/**
 * A task. `handles` has the dependencies found in `inputs`, in the order of a walk through them, then those of `after`.
 * `stamp` and `index` belong to the compiler: a mark on the object is ten times cheaper than a map of a million tasks.
 */
export class TaskImpl extends Pipeable.Class {
  readonly [TaskTypeId] = TaskTypeId
  readonly body: Body
  readonly inputs: unknown
  readonly shape: Shape
  readonly handles: ReadonlyArray<Handle>
  readonly options: TaskOptions
  readonly misplaced: string | undefined
  stamp = 0
  index = 0

  constructor(
    body: Body,
    inputs: unknown,
    shape: Shape,
    handles: ReadonlyArray<Handle>,
    options: TaskOptions,
    misplaced: string | undefined
  ) {
    super()
    this.body = body
    this.inputs = inputs
    this.shape = shape
    this.handles = handles
    this.options = options
    this.misplaced = misplaced
  }

  toJSON(): unknown {
    const { key, label } = this.options
    return { _id: "Task", body: this.body._tag, key, label, dependencies: this.handles.length }
  }
}

/** A submitted task. */
export class FutureImpl extends Pipeable.Class {
  readonly [FutureTypeId] = FutureTypeId
  readonly core: SchedulerCore
  readonly claim: Claim
  /** Where the task was registered: what is known of it even when its row belongs to another. */
  readonly submission: Submission
  readonly index: number

  constructor(core: SchedulerCore, claim: Claim, submission: Submission, index: number) {
    super()
    this.core = core
    this.claim = claim
    this.submission = submission
    this.index = index
  }

  get key(): string {
    return keyAt(this.submission, this.index)
  }

  toJSON(): unknown {
    return { _id: "Future", key: this.key }
  }
}

export const isTask = (u: unknown): u is TaskImpl => u instanceof TaskImpl
export const isFuture = (u: unknown): u is FutureImpl => u instanceof FutureImpl

/** Whether the value of `u` must be waited for. Plain values (`Task.succeed`) are there already. */
export const isHandle = (u: unknown): u is Handle => (isTask(u) && !isPlainValue(u)) || isFuture(u)

/** A `Task.succeed` without options stands for its value wherever it is an input. */
export const isPlainValue = (task: TaskImpl): boolean => task.body._tag === "value" && task.options === noOptions

/** How the handles lie in the inputs; the common ways are put together without a walk. */
export type Shape = "none" | "single" | "array" | "record" | "nested"

/** How deep handles are looked for. */
export const maxDepth = 5

/** What a walk through inputs finds. */
export interface Scan {
  readonly shape: Shape
  /** In the order of the walk. */
  readonly handles: ReadonlyArray<Handle>
  /** Where a handle lies too deep, or in a Map or Set, to be found. */
  readonly misplaced: string | undefined
}

export const scan = (inputs: unknown): Scan => {
  if (isHandle(inputs)) return { shape: "single", handles: [inputs], misplaced: undefined }
  if (!isWalkable(inputs)) return { shape: "none", handles: noHandles, misplaced: collectionHolding(inputs, "inputs") }
  if (Array.isArray(inputs) && inputs.length > 0 && inputs.every(isHandle)) {
    return { shape: "array", handles: inputs.slice(), misplaced: undefined }
  }
  const found: Found = { handles: [], hasPlainValue: false, misplaced: undefined }
  collect(inputs, 0, "inputs", found)
  const { handles, hasPlainValue, misplaced } = found
  if (handles.length === 0 && !hasPlainValue) return { shape: "none", handles: noHandles, misplaced }
  const shape = isRecord(inputs) && Object.values(inputs).every(isHandle) ? "record" : "nested"
  return { shape, handles, misplaced }
}

interface Found {
  readonly handles: Array<Handle>
  hasPlainValue: boolean
  misplaced: string | undefined
}

const collect = (value: unknown, depth: number, path: string, found: Found): void => {
  if (isHandle(value)) {
    if (depth <= maxDepth) found.handles.push(value)
    else found.misplaced ??= path
  } else if (isTask(value)) {
    found.hasPlainValue = true
  } else if (isWalkable(value)) {
    if (depth > maxDepth) return
    for (const key of Object.keys(value)) {
      collect((value as Record<string, unknown>)[key], depth + 1, depth < 2 ? `${path}.${key}` : path, found)
    }
  } else {
    found.misplaced ??= collectionHolding(value, path)
  }
}

const collectionHolding = (value: unknown, path: string): string | undefined => {
  if (!(value instanceof Map || value instanceof Set)) return undefined
  for (const [key, item] of value.entries()) {
    if (isHandle(key) || isHandle(item)) return `${path} (inside a ${value instanceof Map ? "Map" : "Set"})`
  }
  return undefined
}

const isRecord = (value: object): boolean => {
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Whether a walk goes into `value`: arrays, records and instances of a user's own classes. */
const isWalkable = (value: unknown): value is object =>
  typeof value === "object" && value !== null && (Array.isArray(value) || isRecord(value) || !isOpaque(value))

/** Objects that are passed on as they are: built-in ones, handles, and everything of Effect's. */
const isOpaque = (value: object): boolean =>
  value instanceof Map || value instanceof Set || value instanceof Date || value instanceof Error ||
  value instanceof Promise || value instanceof RegExp || ArrayBuffer.isView(value) || value instanceof ArrayBuffer ||
  isTask(value) || isFuture(value) || isOfEffect(value)

const isOfEffect = (value: object): boolean => {
  for (const key in value) if (key.startsWith("~effect/")) return true
  return false
}

/** Puts values in the places of the handles of `inputs`; `values` are in the order of the walk. */
export const assemble = (task: TaskImpl, values: ReadonlyArray<unknown>): unknown => {
  switch (task.shape) {
    case "none":
      return task.inputs
    case "single":
      return values[0]
    case "array":
      return values.length === task.handles.length ? values : values.slice(0, countOfInputs(task))
    case "record": {
      const record: Record<string, unknown> = {}
      let i = 0
      for (const key in task.inputs as object) record[key] = values[i++]
      return record
    }
    case "nested": {
      let i = 0
      return replace(task.inputs, () => values[i++])
    }
  }
}

const countOfInputs = (task: TaskImpl): number => (task.inputs as ReadonlyArray<unknown>).length

/** A copy of `shape` with each handle replaced; parts without handles are shared. */
export const replace = (shape: unknown, valueOf: (handle: Handle) => unknown): unknown => {
  const go = (value: unknown, depth: number): unknown => {
    if (isHandle(value)) return valueOf(value)
    if (isTask(value)) return value.body._tag === "value" ? value.body.value : value
    if (depth >= maxDepth || !isWalkable(value) || !holdsTask(value, depth)) return value
    if (Array.isArray(value)) return value.map((item) => go(item, depth + 1))
    const copy: Record<string, unknown> = Object.create(Object.getPrototypeOf(value))
    for (const key of Object.keys(value)) copy[key] = go((value as Record<string, unknown>)[key], depth + 1)
    return copy
  }
  return go(shape, 0)
}

const holdsTask = (value: unknown, depth: number): boolean => {
  if (isTask(value) || isFuture(value)) return true
  if (depth >= maxDepth || !isWalkable(value)) return false
  return Object.values(value).some((item) => holdsTask(item, depth + 1))
}

export const make = (body: Body, inputs: unknown, options: TaskOptions): TaskImpl => {
  const { handles, misplaced, shape } = scan(inputs)
  if (options.after === undefined) return new TaskImpl(body, inputs, shape, handles, options, misplaced)
  const all = [...handles, ...scan(options.after).handles]
  return new TaskImpl(body, inputs, shape, all, options, misplaced)
}
