/**
 * Compares the results of a scheduler with those of the interpreter.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import { format } from "effect/Formatter"
import type { Mode } from "../../Client.ts"
import { isA } from "../../internal/values/looks.ts"
import { DependencyFailed, ImpossibleDependency, SubmitError, TaskSkipped } from "../../SkeinError.ts"
import { plainKey } from "./faults.ts"
import { nameOfHostile } from "./hostile.ts"
import type { Interpreter } from "./interpreter.ts"

type AnyExit = Exit.Exit<unknown, unknown>

/** The differences, a sentence each. */
export const differences = (
  mode: Mode,
  actual: AnyExit,
  interpreter: Interpreter,
  interpreted: Exit.Exit<Exit.Exit<ReadonlyArray<number>, unknown>, unknown>
): ReadonlyArray<string> => {
  if (Exit.isFailure(interpreted)) return [`the interpreter cannot say: ${Cause.pretty(interpreted.cause)}`]
  if (Exit.isFailure(interpreted.value)) return refusals(actual, interpreted.value.cause)
  const ids = interpreted.value.value
  if (mode === "collect") {
    if (Exit.isFailure(actual)) return [`the computation failed: ${Cause.pretty(actual.cause)}`]
    const exits = actual.value as ReadonlyArray<AnyExit>
    return ids.flatMap((id, place) => difference(exits[place]!, interpreter, [id], `target ${place}`))
  }
  if (Exit.isFailure(actual)) {
    const untold = mode === "continue" ? untoldBy(actual, interpreter, ids) : []
    return [...difference(actual, interpreter, ids, "the computation"), ...untold]
  }
  const values = actual.value as ReadonlyArray<unknown>
  return ids.flatMap((id, place) => difference(Exit.succeed(values[place]), interpreter, [id], `target ${place}`))
}

const refusals = (actual: AnyExit, expected: Cause.Cause<unknown>): ReadonlyArray<string> => {
  const refusal = (exit: AnyExit): string | undefined => {
    const error = Exit.findErrorOption(exit)
    return error._tag === "Some" && isA(error.value, SubmitError) ? error.value.reason._tag : undefined
  }
  const reason = refusal(Exit.failCause(expected))
  if (reason === undefined) return [`the interpreter died: ${Cause.pretty(expected)}`]
  return refusal(actual) === reason ? [] : [`the graph was not refused as ${reason}`]
}

/** `ids` are the tasks whose end this may be. */
const difference = (
  actual: AnyExit,
  interpreter: Interpreter,
  ids: ReadonlyArray<number>,
  what: string
): ReadonlyArray<string> => {
  if (ids.some((id) => interpreter.rows.isOpen(id))) return []
  if (Exit.isSuccess(actual)) {
    const expected = interpreter.rows.exitOf(ids[0]!)
    if (Exit.isFailure(expected)) {
      return [`${what} succeeded with ${format(actual.value)}, not failed with ${words(expected)}`]
    }
    return isSame(actual.value, expected.value)
      ? []
      : [`${what} gave ${format(actual.value)} in place of ${format(expected.value)}`]
  }
  const roots = rootsOf(actual)
  const possible = ids.flatMap((id) => interpreter.rows.possible(id)).flatMap((cause) => rootsOf(Exit.failCause(cause)))
  const stray = roots.filter((root) => !possible.some((each) => isSame(root, each)))
  if (stray.length === 0 && possible.length > 0) return []
  const expected = possible.length === 0 ? "a success" : possible.map((root) => format(root)).join(" or ")
  return [`${what} failed with ${stray.map((root) => format(root)).join(", ")} in place of ${expected}`]
}

/** A computation that goes on reports every root failure, at any depth. */
const untoldBy = (actual: AnyExit, interpreter: Interpreter, ids: ReadonlyArray<number>): ReadonlyArray<string> => {
  const told = rootsOf(actual)
  return interpreter.rows.roots(ids).flatMap((cause) => rootsOf(Exit.failCause(cause))).flatMap((root) =>
    told.some((each) => isSame(each, root)) ? [] : [`the computation does not tell ${format(root)}`]
  )
}

const words = (exit: AnyExit): string => rootsOf(exit).map((root) => format(root)).join(", ")

/** A failure without its path: typed errors and defects. */
const rootsOf = (exit: AnyExit): ReadonlyArray<unknown> =>
  Exit.isSuccess(exit) ? [] : exit.cause.reasons.map((reason) => {
    if (Cause.isFailReason(reason)) {
      const error = typedErrorOf(reason.error)
      // A skip reaches dependents under their own key.
      if (isA(error, TaskSkipped)) return new TaskSkipped({ key: error.root, root: error.root })
      return error
    }
    return Cause.isDieReason(reason) ? nameOfHostile(reason.defect) ?? reason.defect : "interrupted"
  })

/** That of the task that failed first; what nobody can look at by its name. */
const typedErrorOf = (given: unknown): unknown => {
  const error = isA(given, DependencyFailed) ? given.error : given
  return nameOfHostile(error) ?? error
}

const tagOf = (u: unknown): unknown => typeof u === "object" && u !== null && "_tag" in u ? u._tag : undefined

/** Equal but for numbers in automatic keys, for stacks, and for which of several failures an absorbed exit has. */
const isSame = (a: unknown, b: unknown): boolean => {
  if (Equal.equals(a, b)) return true
  if (typeof a === "string" && typeof b === "string") return plainKey(a) === plainKey(b)
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false
  if (Exit.isExit(a) && Exit.isExit(b)) {
    return Exit.isSuccess(a) && Exit.isSuccess(b) ? isSame(a.value, b.value) : Exit.isFailure(a) && Exit.isFailure(b)
  }
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false
  // How many had ended by then depends on the order of events.
  if (isA(a, ImpossibleDependency) && isA(b, ImpossibleDependency)) {
    if (a.reason._tag !== "Unreachable" || b.reason._tag !== "Unreachable") return isSame(a.key, b.key)
    return isSame(a.key, b.key) && a.reason.of === b.reason.of && isSame(a.reason.policy, b.reason.policy)
  }
  if (isA(a, Error) && isA(b, Error) && tagOf(a) === undefined) return a.message === b.message
  const own = Object.keys(a).filter((key) => !unimportant.has(key))
  return own.length === Object.keys(b).filter((key) => !unimportant.has(key)).length &&
    own.every((key) => isSame((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]))
}

const unimportant: ReadonlySet<string> = new Set(["stack", "cause"])
