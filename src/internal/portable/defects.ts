/**
 * Defects as plain data: errors with name, message, stack and causes, and any other value as far as a clone keeps it.
 *
 * @internal
 */
import * as Result from "effect/Result"
import { describeError } from "../text/rendering.ts"
import { isA, looked } from "../values/looks.ts"

/** A defect that `structuredClone` keeps. */
export type WireDefect =
  | {
    readonly _tag: "Error"
    readonly name: string
    readonly message: string
    readonly stack: string | undefined
    /** Fields with primitive values, such as `code`. */
    readonly fields: ReadonlyArray<readonly [name: string, value: unknown]>
    readonly cause: WireDefect | undefined
  }
  | { readonly _tag: "Value"; readonly value: unknown }

/** How many errors of a chain of causes travel. */
const maxCauses = 16

/** Never fails: what cannot be read or cloned is described in words. */
export const encodeDefect = (defect: unknown, left = maxCauses): WireDefect =>
  isA(defect, Error) ? ofError(defect, left) : ofValue(defect)

const ofError = (error: Error, left: number): WireDefect => {
  const text = (field: "name" | "message" | "stack"): string | undefined => {
    const found = looked((): unknown => error[field], undefined)
    return typeof found === "string" ? found : undefined
  }
  const cause = left > 1 ? looked(() => error.cause, undefined) : undefined
  return {
    _tag: "Error",
    name: text("name") ?? "Error",
    message: text("message") ?? describeError(error),
    stack: text("stack"),
    fields: looked(() => Object.entries(error).filter(isPrimitive), []),
    cause: cause === undefined ? undefined : encodeDefect(cause, left - 1)
  }
}

const own: ReadonlySet<string> = new Set(["name", "message", "stack", "cause", "__proto__"])

const isPrimitive = ([name, value]: readonly [string, unknown]): boolean =>
  !own.has(name) && (value === null || !["function", "object", "symbol"].includes(typeof value))

const ofValue = (value: unknown): WireDefect => {
  // Getters and proxies may answer differently the next time: the clone is what travels.
  const clone = Result.try(() => structuredClone(value))
  return Result.isSuccess(clone)
    ? { _tag: "Value", value: clone.success }
    : encodeDefect(new Error(describeError(value)))
}

export const decodeDefect = (wire: WireDefect): unknown => {
  if (wire._tag === "Value") return wire.value
  const { cause, fields, message, name, stack } = wire
  const error = new Error(message, cause === undefined ? {} : { cause: decodeDefect(cause) })
  const hidden = { configurable: true, writable: true }
  if (name !== "Error") Object.defineProperty(error, "name", { ...hidden, value: name })
  Object.defineProperty(error, "stack", { ...hidden, value: stack ?? `${name}: ${message}` })
  for (const [field, value] of fields) {
    Object.defineProperty(error, field, { ...hidden, enumerable: true, value })
  }
  return error
}
