/**
 * Inputs of tasks: tasks and futures among them are found when the task is made, and replaced by their values when it starts.
 *
 * @internal
 */
import { identity } from "effect/Function"
import * as Predicate from "effect/Predicate"
import type { Group } from "../../engine/protocol/policies.ts"
import { foreignText, isIterator, isMeant } from "../values/strangers.ts"
import { isDependency, isLeaf } from "./dependency.ts"
import type { DependencyImpl } from "./dependency.ts"
import { deeper, maxDepth, maxSearched, notTaken, uncopied } from "./misplaced.ts"
import type { Members, Search } from "./misplaced.ts"
import { isPlainData } from "./plainData.ts"
import { isEither, isHandle, isPlainValue, isRecord, isTask, noHandles } from "./task.ts"
import type { FutureImpl, Handle, Invalid, Misplaced, PlainValue, Shape, TaskImpl } from "./task.ts"

/** The result of a walk through inputs. */
export interface Scan {
  readonly shape: Shape
  /**
   * The inputs at this moment. Arrays and records that hold tasks are copies, in which all other objects are `Given`; with the
   * shape "none" they are the original.
   */
  readonly inputs: unknown
  /** In the order of the walk. */
  readonly handles: ReadonlyArray<Handle>
  readonly misplaced: Misplaced | undefined
  /** The handles with policies, and the fault of one, if any. */
  readonly groups?: ReadonlyArray<Group> | undefined
  readonly invalid?: Invalid | undefined
}

/** A part of inputs without tasks, which is passed on as it is. */
export class Given {
  readonly value: unknown

  constructor(value: unknown) {
    this.value = value
  }
}

export const scan = (inputs: unknown): Scan => {
  if (typeof inputs !== "object" || inputs === null) return without(inputs, undefined)
  if (Array.isArray(inputs)) {
    if (inputs.length === 0) return without(inputs, undefined)
    if (areHandles(inputs)) {
      const handles = inputs.slice()
      return { shape: "array", inputs: handles, handles, misplaced: undefined }
    }
  } else if (isHandle(inputs)) return { shape: "single", inputs, handles: [inputs], misplaced: undefined }
  if (isPlainData(inputs, 0)) return without(inputs, undefined)
  const found: Found = {
    handles: [],
    groups: undefined,
    invalid: undefined,
    tasks: 0,
    misplaced: undefined,
    path: [],
    searched: new Set(),
    left: maxSearched
  }
  const taken = take(inputs, found)
  const { groups, handles, invalid, misplaced, tasks } = found
  if (tasks === 0) return without(inputs, misplaced)
  const shape = isRecordOfHandles(taken as object) ? "record" : "nested"
  return { shape, inputs: taken, handles, misplaced, groups, invalid }
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

interface Found extends Search {
  readonly handles: Array<Handle>
  groups: Array<Group> | undefined
  invalid: Invalid | undefined
  /** Handles, plain values and dependencies with a policy. */
  tasks: number
  misplaced: Misplaced | undefined
}

/** `value` as it is stored: a copy if it is an array or a record that holds a task. */
const take = (value: unknown, found: Found): unknown => {
  if (typeof value !== "object" || value === null) return value
  if (isEither(value)) {
    found.tasks++
    if (isHandle(value)) found.handles.push(value)
    return value
  }
  if (isDependency(value)) return takeDependency(value, found)
  if (isMeant(value)) return value
  if (!isWalkable(value)) found.misplaced ??= notTaken(value, found)
  else if (found.path.length === maxDepth) found.misplaced ??= deeper(value, found)
  else return takeMembers(value as Members, found)
  return value
}

/** Its members lie side by side among the handles. */
const takeDependency = (dependency: DependencyImpl, found: Found): DependencyImpl => {
  const { handles, invalid, policy } = dependency
  const from = found.handles.length
  found.tasks++
  found.handles.push(...handles)
  found.groups ??= []
  found.groups.push({ of: "inputs", from, to: from + handles.length, policy })
  found.invalid ??= invalid
  return dependency
}

const takeMembers = (whole: Members, found: Found): unknown => {
  let copy: Members | undefined
  // A look that fails is in vain, so members are looked at in the outermost level alone, until one is both data and tasks.
  let isLooking = found.path.length === 0
  for (const key of Array.isArray(whole) ? whole.keys() : Object.keys(whole)) {
    const value = whole[key]
    if (isLooking && isPlainData(value, 1)) continue
    const before = found.tasks
    found.path.push(key)
    const taken = take(value, found)
    found.path.pop()
    if (isLooking && !isEither(value)) isLooking = false
    if (found.tasks > before) (copy ??= copyOf(whole))[key] = taken
  }
  found.misplaced ??= uncopied(whole, copy !== undefined, found.path)
  return copy ?? whole
}

/** A copy in which only tasks and futures will be replaced. */
const copyOf = (whole: Members): Members => {
  if (Array.isArray(whole)) return whole.map(given) as unknown as Members
  const copy = copyRecord(whole)
  for (const key of Object.keys(copy)) copy[key] = given(copy[key])
  return copy
}

/** A key `__proto__` is a field too: a spread defines it, and a defined field can be assigned. */
const copyRecord = (record: Members): Members => {
  const prototype = Object.getPrototypeOf(record)
  return prototype === Object.prototype ? { ...record } : Object.setPrototypeOf({ ...record }, prototype)
}

const given = (value: unknown): unknown =>
  typeof value === "object" && value !== null && !isLeaf(value) ? new Given(value) : value

/** Whether a walk goes into `value`: arrays, records and instances of a user's own classes. */
const isWalkable = (value: unknown): value is object =>
  typeof value === "object" && value !== null && (Array.isArray(value) || isRecord(value) || !isOpaque(value))

/** Objects that are passed on as they are, if at all: built-in ones, and those of Skein and Effect. */
const isOpaque = (value: object): boolean =>
  value instanceof Map || value instanceof Set || Predicate.isDate(value) || value instanceof Error ||
  value instanceof Promise || value instanceof RegExp || ArrayBuffer.isView(value) || value instanceof ArrayBuffer ||
  isEither(value) || isDependency(value) || foreignText(value) !== undefined || isIterator(value) || isOfEffect(value)

const isOfEffect = (value: object): boolean => {
  for (const key in value) if (key.startsWith("~effect/")) return true
  return false
}

/** The members of a set or an iterator, for verbs that take these too; any other shape as it is. */
export const listed = (shape: unknown): unknown =>
  typeof shape === "object" && shape !== null && (shape instanceof Set || isIterator(shape)) && !isMeant(shape) &&
    Symbol.iterator in shape
    ? Array.from(shape as Iterable<unknown>)
    : shape

/** Puts values in the places of the handles of `inputs`; `values` are in the order of the walk. */
export const assemble = (task: TaskImpl, values: ReadonlyArray<unknown>): unknown => {
  switch (task.shape) {
    case "none":
      return task.inputs
    case "single":
      return values[0]
    case "array":
      return task.options.after === undefined && task.options.follow === undefined
        ? values
        : values.slice(0, (task.inputs as ReadonlyArray<unknown>).length)
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

/** The replaceable values in scanned inputs. */
type Leaf = TaskImpl | FutureImpl | DependencyImpl | Given

/** A copy of scanned inputs. */
export const rewrite = (taken: unknown, f: (leaf: Leaf) => unknown): unknown => {
  const go = (value: unknown): unknown => {
    if (typeof value !== "object" || value === null) return value
    if (value instanceof Given || isLeaf(value)) return f(value)
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
  // An array of handles alone need not be inspected.
  if (shape === "array") return (inputs as ReadonlyArray<Handle>).map((handle) => ofHandle(handle))
  return rewrite(inputs, (leaf) => {
    if (leaf instanceof Given) return leaf.value
    if (isDependency(leaf)) return leaf.shaped(leaf.handles.map(ofHandle))
    return isTask(leaf) && isPlainValue(leaf) ? ofPlain((leaf.body as PlainValue).value) : ofHandle(leaf)
  })
}

/** The keys on the way from the outermost array or record to a value in it. */
export type Path = ReadonlyArray<string | number>

/**
 * Where `assemble` puts the values of handles, in the order of the walk; `undefined` for a value that has no place of its own, as
 * the dependencies of a rule. Values of tasks that only come before are not in it.
 */
export const pathsOf = ({ inputs, shape }: Pick<Scan, "inputs" | "shape">): ReadonlyArray<Path | undefined> => {
  const paths: Array<Path | undefined> = []
  const go = (value: unknown, path: Path): void => {
    if (typeof value !== "object" || value === null || value instanceof Given) return
    if (isDependency(value)) { for (const _ of value.handles) paths.push(undefined) }
    else if (isLeaf(value)) {
      if (isHandle(value)) paths.push(path.includes(protoKey) ? undefined : path)
    } else {
      const isArray = Array.isArray(value)
      for (const key of Object.keys(value)) go((value as Members)[key], [...path, isArray ? Number(key) : key])
    }
  }
  if (shape !== "none") go(inputs, [])
  return paths
}

/** `fill` for a shape as it was given. */
export const replace = (
  shape: unknown,
  ofHandle: (handle: Handle) => unknown,
  ofPlain?: (value: unknown) => unknown
): unknown => fill(scan(shape), ofHandle, ofPlain)
