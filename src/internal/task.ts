/**
 * Tasks at run time: what the typed face of `Task` makes and the compiler reads.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import { format } from "effect/Formatter"
import { identity } from "effect/Function"
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Pipeable from "effect/Pipeable"
import * as Predicate from "effect/Predicate"
import type * as Schedule from "effect/Schedule"
import { keyAt } from "../engine/State.ts"
import type { Claim, Submission } from "../engine/State.ts"
import type { Future } from "../Future.ts"
import type { SchedulerCore } from "./schedulerCore.ts"

export const TaskTypeId = "~skein/Task"
export const FutureTypeId = "~skein/Future"

/** The function of a `map` body. */
export type Plain = (values: unknown) => unknown

/** What runs when the inputs are there. */
export type Body =
  | {
    readonly _tag: "effect"
    readonly run: (values: unknown) => Effect.Effect<unknown, unknown, unknown>
    /** What `run` gives, where it is a constant: `run` may throw, and is called in the fiber of the attempt alone. */
    readonly constant?: Effect.Effect<unknown, unknown, unknown>
  }
  /** A plain function: no service, no scope, no failure but a defect. */
  | { readonly _tag: "map"; readonly run: Plain }
  | { readonly _tag: "flatMap"; readonly run: (values: unknown) => TaskImpl }
  /** Ends with the exit of its one dependency. */
  | { readonly _tag: "exit" }
  | PlainValue

/** A value that is there from the start. */
interface PlainValue {
  readonly _tag: "value"
  readonly value: unknown
}

/** The options of a task, durations in milliseconds. */
export interface TaskOptions {
  readonly key?: string | undefined
  readonly label?: string | undefined
  readonly priority?: number | undefined
  readonly pure?: boolean | undefined
  readonly after?: ReadonlyArray<Handle> | undefined
  readonly timeoutMillis?: number | undefined
  readonly deadlineMillis?: number | undefined
  readonly dependencyTimeoutMillis?: number | undefined
  readonly graceMillis?: number | undefined
  readonly idempotent?: boolean | undefined
  readonly retry?: Schedule.Schedule<unknown, unknown, unknown, unknown> | undefined
  /** The scope of the body is that of the result. */
  readonly resource?: boolean | undefined
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
 * A task. `inputs` are those of the moment it was made, as `scan` gives them. `handles` has the dependencies found in them,
 * in the order of a walk, then those of `after`.
 * `stamp` and `index` belong to the compiler: a mark on the object is ten times cheaper than a map of a million tasks.
 */
export class TaskImpl extends Pipeable.Class {
  readonly [TaskTypeId] = TaskTypeId
  /** The function of a `map` body, which needs no object of its own. */
  readonly plain: Plain | undefined
  /** Any other body. */
  private readonly other: Body | undefined
  readonly inputs: unknown
  readonly shape: Shape
  readonly handles: ReadonlyArray<Handle>
  readonly options: TaskOptions
  readonly misplaced: Misplaced | undefined
  stamp = 0
  index = 0

  constructor(
    body: Body,
    inputs: unknown,
    shape: Shape,
    handles: ReadonlyArray<Handle>,
    options: TaskOptions,
    misplaced: Misplaced | undefined
  ) {
    super()
    this.plain = body._tag === "map" ? body.run : undefined
    this.other = body._tag === "map" ? undefined : body
    this.inputs = inputs
    this.shape = shape
    this.handles = handles
    this.options = options
    this.misplaced = misplaced
  }

  get body(): Body {
    return this.other ?? { _tag: "map", run: this.plain! }
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

/** A future behind its typed face. Untyped code may give anything: what is no future is a defect that says so. */
export const implOf = (future: Future<unknown, unknown>): FutureImpl => {
  if (!isFuture(future)) throw new TypeError(`Expected a Future, found ${strangerText(future)}.`)
  return future
}

const strangerText = (value: unknown): string => {
  if (isTask(value)) return "a Task: submit it with Client.submit, or run it with Client.compute"
  if (Effect.isEffect(value)) return "an Effect: yield it first, if it gives a Future"
  return value instanceof Promise ? "a Promise" : format(value)
}

/** What a function gave, as an effect. */
export const toEffect = (result: unknown): Effect.Effect<any, any, any> =>
  Effect.isEffect(result) ? result : Effect.succeed(result)

/** Whether the value of `u` must be waited for. Plain values (`Task.succeed`) are there already. */
export const isHandle = (u: unknown): u is Handle => (isTask(u) && !isPlainValue(u)) || isFuture(u)

/** A `Task.succeed` without options stands for its value wherever it is an input. */
export const isPlainValue = (task: TaskImpl): boolean =>
  task.plain === undefined && task.body._tag === "value" && task.options === noOptions

/** How the handles lie in the inputs; the common ways are put together without a walk. */
export type Shape = "none" | "single" | "array" | "record" | "nested"

/** How deep handles are looked for. */
export const maxDepth = 5

/** How many values are looked at below that depth, for handles that nobody would find. */
const maxSearched = 100_000

/** Tasks or futures that a walk does not reach, or that cannot be replaced by their values. */
export interface Misplaced {
  readonly what: string
  readonly why: string
}

/** What a walk through inputs finds. */
export interface Scan {
  readonly shape: Shape
  /**
   * The inputs of this moment. Arrays and records that hold tasks are copies, in which all other objects are `Given`; with
   * the shape "none" they are what was given.
   */
  readonly inputs: unknown
  /** In the order of the walk. */
  readonly handles: ReadonlyArray<Handle>
  readonly misplaced: Misplaced | undefined
}

/** A part of inputs that holds no task and is passed on as it is, whatever becomes of it. */
export class Given {
  readonly value: unknown

  constructor(value: unknown) {
    this.value = value
  }
}

export const scan = (inputs: unknown): Scan => {
  if (typeof inputs !== "object" || inputs === null) return without(inputs, undefined)
  if (isHandle(inputs)) return { shape: "single", inputs, handles: [inputs], misplaced: undefined }
  if (Array.isArray(inputs) && areHandles(inputs)) {
    if (inputs.length === 0) return without(inputs, undefined)
    const handles = inputs.slice()
    return { shape: "array", inputs: handles, handles, misplaced: undefined }
  }
  const found: Found = { handles: [], tasks: 0, misplaced: undefined, path: [], searched: new Set(), left: maxSearched }
  const taken = take(inputs, found)
  const { handles, misplaced, tasks } = found
  if (tasks === 0) return without(inputs, misplaced)
  return { shape: isRecordOfHandles(taken as object) ? "record" : "nested", inputs: taken, handles, misplaced }
}

const without = (inputs: unknown, misplaced: Misplaced | undefined): Scan => ({
  shape: "none",
  inputs,
  handles: noHandles,
  misplaced
})

const isRecordOfHandles = (inputs: object): boolean =>
  isRecord(inputs) && Object.values(inputs).every(isHandle) && !Object.hasOwn(inputs, protoKey)

/** Whether every place of an array has a handle; `every` would pass over holes. */
const areHandles = (values: ReadonlyArray<unknown>): values is ReadonlyArray<Handle> => {
  for (let i = 0; i < values.length; i++) if (!isHandle(values[i])) return false
  return true
}

type Path = Array<string | number>

type Members = Record<string | number, unknown>

interface Found {
  readonly handles: Array<Handle>
  /** Handles and plain values. */
  tasks: number
  misplaced: Misplaced | undefined
  /** The way from the inputs to what is being looked at. */
  readonly path: Path
  /** What has been searched below the depth, and how much more may be. */
  readonly searched: Set<object>
  left: number
}

/** `value` as it is kept: a copy if it is an array or a record that holds a task. */
const take = (value: unknown, found: Found): unknown => {
  if (typeof value !== "object" || value === null) return value
  if (isEither(value)) {
    found.tasks++
    if (isHandle(value)) found.handles.push(value)
    return value
  }
  if (!isWalkable(value)) found.misplaced ??= intoCollection(value, found.path)
  else if (found.path.length === maxDepth) found.misplaced ??= deeper(value, found)
  else return takeMembers(value as Members, found)
  return value
}

const takeMembers = (whole: Members, found: Found): unknown => {
  let copy: Members | undefined
  for (const key of Array.isArray(whole) ? whole.keys() : Object.keys(whole)) {
    const before = found.tasks
    found.path.push(key)
    const taken = take(whole[key], found)
    found.path.pop()
    if (found.tasks > before) (copy ??= copyOf(whole))[key] = taken
  }
  found.misplaced ??= uncopied(whole, copy !== undefined, found.path)
  return copy ?? whole
}

/** A copy in which no object but tasks and futures will be looked into. */
const copyOf = (whole: Members): Members => {
  if (Array.isArray(whole)) return whole.map(given) as unknown as Members
  const copy = copyRecord(whole)
  for (const key of Object.keys(copy)) copy[key] = given(copy[key])
  return copy
}

/** A key `__proto__` is a field too: a spread defines it, and what is defined can be assigned. */
const copyRecord = (record: Members): Members => {
  const prototype = Object.getPrototypeOf(record)
  return prototype === Object.prototype ? { ...record } : Object.setPrototypeOf({ ...record }, prototype)
}

const given = (value: unknown): unknown =>
  typeof value === "object" && value !== null && !isEither(value) ? new Given(value) : value

const isEither = (value: unknown): value is TaskImpl | FutureImpl => isTask(value) || isFuture(value)

const at = (path: Path, where = ""): Misplaced => ({
  what: `the task or future at ${display(path)}${where}`,
  why: "inputs are searched in arrays and records to depth 5, not deeper and not in a Map or Set"
})

/** What a copy with values in the places of tasks would lose: it is better refused than lost. */
const uncopied = (whole: object, holdsTask: boolean, path: Path): Misplaced | undefined => {
  if (holdsTask && Array.isArray(whole) && Object.keys(whole).length > whole.length) {
    return { what: `what is in ${display(path)}`, why: "it is an array with properties of its own; use a plain record" }
  }
  for (const symbol of Object.getOwnPropertySymbols(whole)) {
    if (holdsTask || isEither((whole as Record<symbol, unknown>)[symbol])) {
      return {
        what: `what is in ${display(path)}`,
        why: `it holds tasks or futures and has the key ${String(symbol)}; use a plain record whose keys are strings`
      }
    }
  }
  return undefined
}

const intoCollection = (value: unknown, path: Path): Misplaced | undefined => {
  if (!(value instanceof Map || value instanceof Set)) return undefined
  for (const [key, item] of value.entries()) {
    if (isEither(key) || isEither(item)) return at(path, `, in a ${value instanceof Map ? "Map" : "Set"}`)
  }
  return undefined
}

/** A place below the depth. The way to it is written down only when it is asked for. */
interface Place {
  readonly value: Members
  readonly key: string | number
  readonly within: Place | undefined
}

/** Where a task or future lies in what is too deep to be searched for values: in arrays and records, as far as the work is bounded. */
const deeper = (root: object, found: Found): Misplaced | undefined => {
  const { path, searched } = found
  if (searched.has(root)) return undefined
  searched.add(root)
  const stack: Array<Place> = [{ value: root as Members, key: "", within: undefined }]
  for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
    const whole = place.value
    for (const key of Array.isArray(whole) ? whole.keys() : Object.keys(whole)) {
      if (found.left-- <= 0) return undefined
      const value = whole[key]
      if (typeof value !== "object" || value === null) continue
      if (isEither(value)) return at([...path, ...wayTo(place), key])
      if (searched.has(value) || !(Array.isArray(value) || isRecord(value))) continue
      searched.add(value)
      stack.push({ value: value as Members, key, within: place })
    }
  }
  return undefined
}

const wayTo = (place: Place): Path => {
  const way: Path = []
  for (let at = place; at.within !== undefined; at = at.within) way.push(at.key)
  return way.reverse()
}

/** A path as code would write it. */
const display = (path: Path): string =>
  path.reduce<string>((text, each) => {
    const key = String(each)
    if (/^\d+$/.test(key)) return `${text}[${key}]`
    return /^[\w$]+$/.test(key) ? `${text}.${key}` : `${text}[${JSON.stringify(key)}]`
  }, "inputs")

export const isRecord = (value: object): boolean => {
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
      return fill(task, () => values[i++])
    }
  }
}

/** The one key whose assignment would not make a field. */
const protoKey = "__proto__"

/** What is replaced in inputs that `scan` took. */
type Leaf = TaskImpl | FutureImpl | Given

/** A copy of what `scan` took. */
const rewrite = (taken: unknown, f: (leaf: Leaf) => unknown): unknown => {
  const go = (value: unknown): unknown => {
    if (typeof value !== "object" || value === null) return value
    if (value instanceof Given || isEither(value)) return f(value)
    if (Array.isArray(value)) return value.map(go)
    const copy = copyRecord(value as Members)
    for (const key of Object.keys(copy)) copy[key] = go(copy[key])
    return copy
  }
  return go(taken)
}

/** Inputs with each handle replaced, and each `Task.succeed`; parts without them are shared. */
export const fill = (
  { inputs, shape }: Pick<Scan, "inputs" | "shape">,
  ofHandle: (handle: Handle) => unknown,
  ofPlain: (value: unknown) => unknown = identity
): unknown => {
  if (shape === "none") return inputs
  // An array of nothing but handles: there is no need to look at them.
  if (shape === "array") return (inputs as ReadonlyArray<Handle>).map((handle) => ofHandle(handle))
  return rewrite(inputs, (leaf) => {
    if (leaf instanceof Given) return leaf.value
    return isTask(leaf) && isPlainValue(leaf) ? ofPlain((leaf.body as PlainValue).value) : ofHandle(leaf)
  })
}

/** `fill` for a shape as it was given. */
export const replace = (
  shape: unknown,
  ofHandle: (handle: Handle) => unknown,
  ofPlain?: (value: unknown) => unknown
): unknown => fill(scan(shape), ofHandle, ofPlain)

/** A task has the inputs of this moment: an array or a record that is changed later changes nothing. */
export const make = (body: Body, inputs: unknown, options: TaskOptions): TaskImpl => {
  const { handles, inputs: own, misplaced, shape } = scan(inputs)
  const all = options.after === undefined ? handles : [...handles, ...options.after]
  return new TaskImpl(body, own, shape, all, options, misplaced)
}

/** The same work with other options, and with `swap` of each task or future that it depends on. */
export const remake = (
  { body, handles, inputs, misplaced, options: { after }, shape }: TaskImpl,
  options: TaskOptions,
  swap?: (handle: Handle) => Handle
): TaskImpl => {
  const data = after === undefined ? handles : handles.slice(0, handles.length - after.length)
  const swapped = swap === undefined ? data : data.map(swap)
  const own = swap === undefined || shape === "none"
    ? inputs
    : shape === "array"
    ? swapped
    : rewrite(inputs, (leaf) => isHandle(leaf) ? swap(leaf) : leaf)
  const all = options.after === undefined ? swapped : [...swapped, ...options.after]
  return new TaskImpl(body, own, shape, all, options, misplaced)
}
