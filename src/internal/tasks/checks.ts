/**
 * Checks of options: tables with one check for each option. Unknown options, and values that fail their check, are refused before
 * anything starts: by tasks and regions, by layers and workers, and by functions with options.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import { isAmount } from "../../engine/views/workers.ts"
import { UnknownKey } from "../text/reasons.ts"
import { millisOf } from "./durations.ts"
import { Mistake } from "./mistake.ts"
import { isEither, isRecord, isTask } from "./task.ts"
import type { Invalid, Pass } from "./task.ts"

/** The fault in the value of an option, if any. */
export type Check = (option: string, value: unknown) => Invalid | undefined

/** A check for each option; the compiler compares them with the type of the options. */
export type Checks<O> = Readonly<Record<keyof Required<O>, Check>>

type Table = Readonly<Record<string, Check>>

const nothing: ReadonlyArray<Invalid> = []

/**
 * All faults in options. An option that is `undefined` is absent. An index in place of options counts as none, because functions
 * that are called for each item get one.
 */
export const invalidIn = (options: unknown, checks: Table): ReadonlyArray<Invalid> => {
  if (options === undefined || typeof options === "number") return nothing
  if (!holdsValues(options) || isTask(options)) {
    return [{ option: "options", value: options, expected: "a record of options" }]
  }
  let found: Array<Invalid> | undefined
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined) continue
    const check = Object.hasOwn(checks, option) ? checks[option]! : strange(checks)
    const invalid = check(option, value)
    if (invalid === undefined) continue
    found ??= []
    found.push(invalid.option === option ? invalid : { ...invalid, within: option })
  }
  return found ?? nothing
}

/** A typo must not pass silently. */
const strange = (checks: Table): Check => (option, value) => ({ option, value, expected: Object.keys(checks) })

/** The mistake in options that a table checks, if any; `of` names their owner. */
export const optionsFault = (options: unknown, checks: Table, of = ""): Mistake | undefined =>
  faultOf(invalidIn(options, checks)[0], of)

const faultOf = (invalid: Invalid | undefined, of: string): Mistake | undefined =>
  invalid && mistake({ ...invalid, option: `${invalid.option}${of}` }, undefined)

const mistake = ({ expected, option, value }: Invalid, key: string | undefined): Mistake =>
  typeof expected === "string"
    ? new Mistake({ _tag: "InvalidOption", key, option, value, expected })
    : new Mistake({ _tag: "UnknownOption", key, option, known: "known" in expected ? expected.known : expected })

/** What an option must be, in words. */
export const expectedOf = ({ expected }: Invalid): string =>
  typeof expected === "string" ? expected : ("known" in expected ? expected.known : expected).join(", ")

/** The fault in an option of the task with this key: a mistake, unless it names a key that a graph does not have. */
export const reasonOf = (invalid: Invalid, key: string | undefined): UnknownKey | Mistake => {
  const { expected, value } = invalid
  return typeof expected === "object" && "known" in expected
    ? new UnknownKey({ key: String(value), known: expected.known })
    : mistake(invalid, key)
}

/** The mistake in a value that is no option itself; `undefined` if it is valid. */
export const valueFault = (check: Check, name: string, value: unknown): Mistake | undefined =>
  faultOf(check(name, value), "")

/** An invalid value of an option. */
export const invalidOption = (option: string, value: unknown, expected: string): Mistake =>
  mistake({ option, value, expected }, undefined)

/** Whether a value may be a record. Other objects without fields, such as a `Map`, are a mistake. */
export const holdsValues = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value) &&
  (isRecord(value) || Object.keys(value).length > 0)

/** The entries of a record, without those that are `undefined`. */
export const said = <A extends object>(record: A): Partial<A> =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as Partial<A>

/** Whether this is a list of at least one name. */
export const isNames = (names: unknown): names is ReadonlyArray<string> =>
  Array.isArray(names) && names.length > 0 && names.every(isName)

export const isName = (name: unknown): boolean => typeof name === "string" && name !== ""

export const isCount = (value: unknown): boolean => Number.isInteger(value) && (value as number) > 0

// ---- making checks

export const checkOf = (expected: string, holds: (value: unknown) => boolean): Check => (option, value) =>
  holds(value) ? undefined : { option, value, expected }

/** An option that contains others, some of which are required. */
export const recordOf =
  <O>(checks: Checks<O>, needed: ReadonlyArray<keyof O & string> = []): Check => (option, value) => {
    if (!holdsValues(value)) return { option, value, expected: `a record with ${Object.keys(checks).join(", ")}` }
    const missing = needed.find((each) => (value as O)[each] === undefined)
    const invalid = invalidIn(value, checks)[0] ?? (missing && checks[missing](missing, undefined))
    return invalid && { ...invalid, option: `${option}.${invalid.option}` }
  }

/** An option that has a value for each of some names. */
export const byName = (expected: string, check: Check): Check => (option, value) => {
  if (!holdsValues(value)) return { option, value, expected }
  for (const [name, each] of Object.entries(value)) {
    const invalid = check(`${option}.${name}`, each)
    if (invalid !== undefined) return invalid
  }
  return undefined
}

/** Dies of wrong options. */
export const dieOfOptions = (options: unknown, checks: Table): Effect.Effect<void> =>
  Effect.suspend(() => {
    const fault = optionsFault(options, checks)
    return fault === undefined ? Effect.void : Effect.die(fault)
  })

// ---- the common ones

/** Checked elsewhere. */
export const anything: Check = () => undefined

export const flag = checkOf("true or false", (value) => typeof value === "boolean")

export const text = checkOf("a string", (value) => typeof value === "string")

export const name = checkOf("a non-empty string", isName)

export const names = checkOf("a non-empty array of names", isNames)

export const count = checkOf("a positive whole number", isCount)

/** The slots of a worker. */
export const slots = checkOf(
  "a positive whole number, or \"unbounded\"",
  (value) => isCount(value) || value === "unbounded"
)

const isCountOrNone = (value: unknown): boolean => value === 0 || isCount(value)

export const countOrNone = checkOf("a whole number from 0", isCountOrNone)

export const countOrNoneOrInfinity = checkOf(
  "a whole number from 0, or Infinity",
  (value) => value === Infinity || isCountOrNone(value)
)

/** A probability. */
export const rate = checkOf("a number from 0 to 1", (value) => typeof value === "number" && value >= 0 && value <= 1)

export const countOrInfinity = checkOf(
  "a positive whole number, or Infinity",
  (value) => isCount(value) || value === Infinity
)

/** The high-water mark of a worker: how many attempts it carries at most. */
export const highWaterMark = checkOf(
  "a positive whole number, or 0 for no limit",
  (value) => isCount(value) || value === 0
)

export const effect = checkOf("an effect, such as Effect.acquireRelease(open, close)", Effect.isEffect)

export const durationAboveZero = checkOf(
  "a duration above zero, such as \"5 seconds\"",
  (value) => millisOf(value) > 0
)

/** It may be zero, or infinite. */
export const duration = checkOf("a duration, such as \"5 seconds\"", (value) => millisOf(value) >= 0)

/** Amounts of resources. */
export const amounts = byName(
  "amounts by name, such as { gpu: 1 }",
  checkOf("a number above zero with at most three decimals", isAmount)
)

const modes: ReadonlyArray<unknown> = ["failFast", "continue", "collect"] satisfies ReadonlyArray<Mode>

/** The mode of failures. */
export const mode = checkOf("\"failFast\", \"continue\" or \"collect\"", (value) => modes.includes(value))

/** The same where exits have a verb of their own. */
export const modeOfValues = checkOf(
  "\"failFast\" or \"continue\"",
  (value) => value !== "collect" && modes.includes(value)
)

/** The options of a verb that is called for each item, where an index stands in their place. */
export const given = <O extends object>(options: O | number | undefined): O | undefined =>
  typeof options === "number" ? undefined : options

/** Whether these arguments of a function with options begin with its subject. Otherwise they are its options alone. */
export const subjectFirst = ({ 0: first, length }: IArguments): boolean =>
  length !== 1 || !holdsValues(first) || !isRecord(first)

/** Whether arguments are those of the form for `pipe`: a function, and neither another function nor a task after it. */
export const isForPipe = (first: unknown, second: unknown): boolean =>
  typeof first === "function" && typeof second !== "function" && !isEither(second)

const ways: ReadonlyArray<unknown> = ["fuse", "inline"] satisfies ReadonlyArray<Pass>

export const passes = checkOf(
  "an array of \"fuse\" and \"inline\"",
  (value) => Array.isArray(value) && value.every((pass) => ways.includes(pass))
)

const conflicts: ReadonlyArray<unknown> = ["join", "refuse", "replace"]

/** What becomes of a task whose key another has. */
export const conflict = checkOf("\"join\", \"refuse\" or \"replace\"", (value) => conflicts.includes(value))

const isFunction = (value: unknown): boolean => typeof value === "function"

/** Callbacks. */
export const callback = checkOf("a function", isFunction)

const hasFunctions = (value: unknown, named: ReadonlyArray<string>): boolean =>
  typeof value === "object" && value !== null &&
  named.every((each) => isFunction((value as Readonly<Record<string, unknown>>)[each]))

/** A cache of results by key. */
export const cache = checkOf(
  "an object with the functions has, get and set, such as a Map",
  (value) => hasFunctions(value, ["has", "get", "set"])
)
/**
 * The effect of a failure on the rest of a computation: `failFast` stops it, `continue` runs everything that is not downstream
 * and then fails with every root failure, `collect` returns an `Exit` for each leaf.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */

export type Mode = "failFast" | "continue" | "collect"
