/**
 * Tasks at run time: what the typed face of `Task` makes and the compiler reads.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Pipeable from "effect/Pipeable"
import * as Predicate from "effect/Predicate"
import type * as Schedule from "effect/Schedule"
import { keyAt } from "../engine/State.ts"
import type { Claim, Submission } from "../engine/State.ts"
import type { SchedulerCore } from "./schedulerCore.ts"

export const TaskTypeId = "~skein/Task"
export const FutureTypeId = "~skein/Future"

/** What runs when the inputs are there. */
export type Body =
  | {
    readonly _tag: "effect"
    readonly run: (values: unknown) => Effect.Effect<unknown, unknown, unknown>
    /** What `run` gives, where it is a constant: `run` may throw, and is called in the fiber of the attempt alone. */
    readonly constant?: Effect.Effect<unknown, unknown, unknown>
  }
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
  /** What is wrong with the options; told when the task is submitted. */
  readonly invalid?: ReadonlyArray<Invalid>
}

export interface Invalid {
  readonly option: string
  readonly value: unknown
  readonly expected: string
}

export type Handle = TaskImpl | FutureImpl

export const noOptions: TaskOptions = {}
export const noHandles: ReadonlyArray<Handle> = []

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

  [NodeInspectSymbol](): unknown {
    return this.toJSON()
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

  [NodeInspectSymbol](): unknown {
    return this.toJSON()
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

const nothingFound: Scan = { shape: "none", handles: noHandles, misplaced: undefined }

export const scan = (inputs: unknown): Scan => {
  if (typeof inputs !== "object" || inputs === null) return nothingFound
  if (isHandle(inputs)) return { shape: "single", handles: [inputs], misplaced: undefined }
  if (Array.isArray(inputs) && areHandles(inputs)) {
    return inputs.length === 0 ? nothingFound : { shape: "array", handles: inputs.slice(), misplaced: undefined }
  }
  const found: Found = { handles: [], hasPlainValue: false, misplaced: undefined, path: [] }
  collect(inputs, found)
  const { handles, hasPlainValue, misplaced } = found
  if (handles.length === 0 && !hasPlainValue) return { shape: "none", handles: noHandles, misplaced }
  return { shape: isRecordOfHandles(inputs) ? "record" : "nested", handles, misplaced }
}

const isRecordOfHandles = (inputs: object): boolean =>
  isRecord(inputs) && Object.values(inputs).every(isHandle) && !Object.hasOwn(inputs, protoKey)

/** Whether every place of an array has a handle; `every` would pass over holes. */
const areHandles = (values: ReadonlyArray<unknown>): values is ReadonlyArray<Handle> => {
  for (let i = 0; i < values.length; i++) if (!isHandle(values[i])) return false
  return true
}

interface Found {
  readonly handles: Array<Handle>
  hasPlainValue: boolean
  misplaced: string | undefined
  /** The way from the inputs to what is being looked at. */
  readonly path: Array<string>
}

const collect = (value: unknown, found: Found): void => {
  const { path } = found
  if (isHandle(value)) found.handles.push(value)
  else if (isTask(value)) found.hasPlainValue = true
  else if (!isWalkable(value)) found.misplaced ??= pathIntoCollection(value, path)
  else if (path.length === maxDepth) found.misplaced ??= pathDeeper(value, path)
  else {
    for (const key of Object.keys(value)) {
      path.push(key)
      collect((value as Record<string, unknown>)[key], found)
      path.pop()
    }
  }
}

const isEither = (value: unknown): boolean => isTask(value) || isFuture(value)

const pathIntoCollection = (value: unknown, path: ReadonlyArray<string>): string | undefined => {
  if (!(value instanceof Map || value instanceof Set)) return undefined
  for (const [key, item] of value.entries()) {
    if (isEither(key) || isEither(item)) return `${display(path)}, in a ${value instanceof Map ? "Map" : "Set"}`
  }
  return undefined
}

/** Where a task or future lies in what is too deep to be searched for values: in arrays and records, at any depth. */
const pathDeeper = (root: object, from: ReadonlyArray<string>): string | undefined => {
  const seen = new Set<object>([root])
  const stack: Array<readonly [value: object, path: ReadonlyArray<string>]> = [[root, from]]
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const [object, path] = top
    for (const [key, value] of Object.entries(object)) {
      if (isEither(value)) return display([...path, key])
      if (typeof value !== "object" || value === null || seen.has(value)) continue
      seen.add(value)
      if (Array.isArray(value) || isRecord(value)) stack.push([value, [...path, key]])
    }
  }
  return undefined
}

/** A path as code would write it. */
const display = (path: ReadonlyArray<string>): string =>
  path.reduce(
    (text, key) =>
      /^\d+$/.test(key)
        ? `${text}[${key}]`
        : /^[\w$]+$/.test(key)
        ? `${text}.${key}`
        : `${text}[${JSON.stringify(key)}]`,
    "inputs"
  )

const isRecord = (value: object): boolean => {
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Whether a walk goes into `value`: arrays, records and instances of a user's own classes. */
const isWalkable = (value: unknown): value is object =>
  typeof value === "object" && value !== null && (Array.isArray(value) || isRecord(value) || !isOpaque(value))

/** Objects that are passed on as they are: built-in ones, handles, and everything of Effect's. */
const isOpaque = (value: object): boolean =>
  value instanceof Map || value instanceof Set || Predicate.isDate(value) || value instanceof Error ||
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
      return task.options.after === undefined ? values : values.slice(0, (task.inputs as ReadonlyArray<unknown>).length)
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

/** The one key whose assignment would not make a field. */
const protoKey = "__proto__"
const ownField = { configurable: true, enumerable: true, writable: true }

/** A copy of `shape` with each handle replaced, and each `Task.succeed`; parts without them are shared. */
export const replace = (
  shape: unknown,
  valueOf: (handle: Handle) => unknown,
  ofPlain: (value: unknown) => unknown = identity
): unknown => {
  const go = (value: unknown, depth: number): unknown => {
    if (isHandle(value)) return valueOf(value)
    if (isTask(value)) return value.body._tag === "value" ? ofPlain(value.body.value) : value
    if (depth >= maxDepth || !isWalkable(value) || !holdsTask(value, depth)) return value
    if (Array.isArray(value)) return value.map((item) => go(item, depth + 1))
    const copy: Record<string, unknown> = Object.create(Object.getPrototypeOf(value))
    for (const key of Object.keys(value)) {
      const member = go((value as Record<string, unknown>)[key], depth + 1)
      if (key === protoKey) Object.defineProperty(copy, key, { ...ownField, value: member })
      else copy[key] = member
    }
    return copy
  }
  return Array.isArray(shape) && areHandles(shape) ? shape.map(valueOf) : go(shape, 0)
}

const holdsTask = (value: unknown, depth: number): boolean => {
  if (isEither(value)) return true
  if (depth >= maxDepth || !isWalkable(value)) return false
  return Object.values(value).some((item) => holdsTask(item, depth + 1))
}

/** A task has the inputs of this moment: an array that is changed later changes nothing. */
export const make = (body: Body, inputs: unknown, options: TaskOptions): TaskImpl => {
  const { handles, misplaced, shape } = scan(inputs)
  const own = shape === "array" ? handles : inputs
  if (options.after === undefined) return new TaskImpl(body, own, shape, handles, options, misplaced)
  const after = scan(options.after)
  return new TaskImpl(body, own, shape, [...handles, ...after.handles], options, misplaced ?? after.misplaced)
}
