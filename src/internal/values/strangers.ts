/**
 * Values that are most likely a mistake: work that nothing would run or wait for, and objects of another copy of Skein.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { constVoid } from "effect/Function"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { looked } from "./looks.ts"
import { DependencyTypeId, FutureTypeId, TaskGraphTypeId, TaskTypeId, thisCopy } from "./typeIds.ts"

/** The type mark of `Task.value`. The field does not exist at run time. */
export interface MeantAsValue {
  readonly "~skein/Meant": true
}

/** The values marked by `Task.value`. */
const meant = new WeakSet<object>()

/** Whether the mark is used at all, so that other programs do not pay for it. */
let isAnyMeant = false

/** Marks a value as a value, whatever it looks like. */
export const mean = <A>(value: A): A => {
  if (Predicate.isObjectKeyword(value)) {
    meant.add(value)
    isAnyMeant = true
  }
  return value
}

export const isMeant = (value: object): boolean => isAnyMeant && meant.has(value)

/** Whether something is a promise of any realm, or a query of a library that runs when it is awaited. */
export const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  Predicate.hasProperty(value, "then") && typeof value.then === "function"

/** Whether something is an Effect and no error: errors made by Effect are Effects, but count as values. */
export const isEffectOnly = (value: unknown): boolean => Effect.isEffect(value) && !(value instanceof Error)

/** Whether something stands for work. `Effect.succeed` and `Effect.fail` return an `Exit`. */
export type Work = "an Effect" | "an Exit" | "a Task" | "a Future" | "a Promise" | "a thenable" | "a generator"

/** The kind of work of an object. Arrays and plain records cost two checks. */
export const workIn = (value: object): Work | undefined => {
  const prototype = Object.getPrototypeOf(value)
  const isData = prototype === Array.prototype || prototype === Object.prototype || prototype === null
  if (!isData) {
    if (TaskTypeId in value) return "a Task"
    if (FutureTypeId in value) return "a Future"
    if (isEffectOnly(value)) return Exit.isExit(value) ? "an Exit" : "an Effect"
    if (isGenerator(value)) return "a generator"
  }
  return "then" in value && isThenable(value) ? nameOfThenable(value) : undefined
}

/** Not every thenable acts when it is read, but every one does when `then` is called. */
const nameOfThenable = (value: object): "a Promise" | "a thenable" =>
  value instanceof Promise || Object.prototype.toString.call(value) === "[object Promise]" ? "a Promise" : "a thenable"

/**
 * Handles the rejection of a refused promise, which would otherwise end the process as an unhandled rejection. A library's
 * promise that works only when `then` is called is not started by this.
 */
export const hush = (value: unknown): void => {
  Result.try(() => Promise.prototype.then.call(value as Promise<unknown>, undefined, constVoid))
}

const kinds = {
  [TaskTypeId]: "Task",
  [FutureTypeId]: "Future",
  [DependencyTypeId]: "Dependency",
  [TaskGraphTypeId]: "TaskGraph"
}

const ids = Object.keys(kinds) as ReadonlyArray<keyof typeof kinds>

/** The description of an object that another copy of Skein made. */
export const foreignText = (value: unknown): string | undefined => {
  if (typeof value !== "object" || value === null) return undefined
  const id = ids.find((id) => id in value)
  return id === undefined || (value as Record<string, unknown>)[id] === thisCopy
    ? undefined
    : `a ${kinds[id]} of another copy of Skein`
}

/** The member of a refused list that another copy of Skein made; the whole list if there is none. */
export const strangest = (members: ReadonlyArray<unknown>, whole: unknown): unknown =>
  looked(() => members.find((member) => foreignText(member) !== undefined), undefined) ?? whole

/** Whether a value can be iterated once, such as a generator, which has no members. */
export const isIterator = (value: object): boolean =>
  "next" in value && typeof value.next === "function" && (Symbol.iterator in value || Symbol.asyncIterator in value)

/** Whether a value is what a generator function returned that a body may run as in `Effect.gen`. */
export const isSteps = (value: unknown): value is Generator<Effect.Effect<unknown, unknown, unknown>, unknown, never> =>
  Predicate.hasProperty(value, "next") && Object.prototype.toString.call(value) === "[object Generator]"

/** The same for generator functions of any kind. None of its body has run. */
export const isGenerator = (value: unknown): boolean =>
  Predicate.hasProperty(value, "next") &&
  /^\[object (Async)?Generator\]$/.test(Object.prototype.toString.call(value))

/** Whether a value is a generator function. */
export const isGeneratorFunction = (value: unknown): boolean =>
  /^\[object (Async)?GeneratorFunction\]$/.test(Object.prototype.toString.call(value))

/** What to do about it. */
export const keepOneCopy = "the program has loaded Skein twice; keep one version of it (npm ls skein)"
