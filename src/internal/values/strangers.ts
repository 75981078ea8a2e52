/**
 * Values that are most likely a mistake where they stand: work that nothing there would run or wait for, and what another copy
 * of Skein made.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { constVoid } from "effect/Function"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { DependencyTypeId, FutureTypeId, TaskTypeId, thisCopy } from "./typeIds.ts"

/** What the compiler knows of that which `Task.value` was given. No such field is there. */
export interface MeantAsValue {
  readonly "~skein/Meant": true
}

/** What `Task.value` was given. */
const meant = new WeakSet<object>()

/** Few programs need that: the rest do not pay for it. */
let isAnyMeant = false

/** Says that a value is meant as one, whatever it looks like. */
export const mean = <A>(value: A): A => {
  if (Predicate.isObjectKeyword(value)) {
    meant.add(value)
    isAnyMeant = true
  }
  return value
}

export const isMeant = (value: object): boolean => isAnyMeant && meant.has(value)

/** Whether something is a promise, of whatever realm, or a query of a library that runs when it is awaited. */
export const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  Predicate.hasProperty(value, "then") && typeof value.then === "function"

/** Whether something is an Effect and no error: those of Effect's making are values. */
export const isEffectOnly = (value: unknown): boolean => Effect.isEffect(value) && !(value instanceof Error)

/** What stands for work. `Effect.succeed` and `Effect.fail` give an `Exit`. */
export type Work = "an Effect" | "an Exit" | "a Task" | "a Future" | "a Promise" | "a thenable"

/** What kind of work an object is. Arrays and plain records cost two looks. */
export const workIn = (value: object): Work | undefined => {
  const prototype = Object.getPrototypeOf(value)
  const isData = prototype === Array.prototype || prototype === Object.prototype || prototype === null
  if (!isData) {
    if (TaskTypeId in value) return "a Task"
    if (FutureTypeId in value) return "a Future"
    if (isEffectOnly(value)) return Exit.isExit(value) ? "an Exit" : "an Effect"
  }
  return "then" in value && isThenable(value) ? nameOfThenable(value) : undefined
}

/** Not every thenable does something when it is looked at, but every one does when `then` is called. */
const nameOfThenable = (value: object): "a Promise" | "a thenable" =>
  value instanceof Promise || Object.prototype.toString.call(value) === "[object Promise]" ? "a Promise" : "a thenable"

/**
 * Takes note of the failure of a promise that is refused, which would be an unhandled rejection and end the process. A promise
 * of a library that does its work when `then` is called does not begin with it.
 */
export const hush = (value: unknown): void => {
  Result.try(() => Promise.prototype.then.call(value as Promise<unknown>, undefined, constVoid))
}

const kinds = { [TaskTypeId]: "Task", [FutureTypeId]: "Future", [DependencyTypeId]: "Dependency" }

const ids = Object.keys(kinds) as ReadonlyArray<keyof typeof kinds>

/** What a thing of Skein that another copy made says of itself. */
export const foreignText = (value: unknown): string | undefined => {
  if (typeof value !== "object" || value === null) return undefined
  const id = ids.find((id) => id in value)
  return id === undefined || (value as Record<string, unknown>)[id] === thisCopy
    ? undefined
    : `a ${kinds[id]} of another copy of Skein`
}

/** Whether a value is read once, step by step, such as a generator. It has no members. */
export const isIterator = (value: object): boolean =>
  "next" in value && typeof value.next === "function" && (Symbol.iterator in value || Symbol.asyncIterator in value)

/** What to do about it. */
export const keepOneCopy = "the program has loaded Skein twice; keep one version of it (npm ls skein)"
