/**
 * What layers and added workers ask of their options alike.
 *
 * @internal
 */
import type { Mode } from "../Client.ts"
import type { WorkerOptions } from "../Skein.ts"
import { GraphError } from "../SkeinError.ts"
import { amountsFault, isNames, unknownIn } from "./options.ts"

/** An option has a value that it must not have. */
export const invalidOption = (option: string, value: unknown, expected: string): GraphError =>
  new GraphError({ reason: { _tag: "InvalidOption", option, value, expected } })

/** Why there is an option that is none of these; `undefined` if there is not. `of` says whose they are. */
export const unknownOption = (
  options: object | undefined,
  names: Readonly<Record<string, true>>,
  of = ""
): GraphError | undefined => {
  // Untyped code may give anything, and a function that is called once for each item its index.
  const unknown = typeof options === "object" && options !== null ? unknownIn(options, names) : undefined
  return unknown && invalidOption(`${unknown.option}${of}`, unknown.value, unknown.expected)
}

/**
 * Why this is no value of an option that holds others, or holds one that is none of these; `undefined` if it is one. `of` says
 * whose it is.
 */
export const recordFault = (
  option: string,
  value: unknown,
  names: Readonly<Record<string, true>>,
  of = ""
): GraphError | undefined => {
  if (!isObject(value)) return invalidOption(`${option}${of}`, value, `a record with ${Object.keys(names).join(", ")}`)
  const unknown = unknownIn(value, names)
  return unknown && invalidOption(`${option}.${unknown.option}${of}`, unknown.value, unknown.expected)
}

export const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Why this is no name; `undefined` if it is one. */
export const nameFault = (option: string, name: unknown): GraphError | undefined =>
  typeof name === "string" && name !== "" ? undefined : invalidOption(option, name, "a non-empty string")

/** Why this is no count of anything; `undefined` if it is one. */
export const countFault = (option: string, value: number): GraphError | undefined =>
  Number.isInteger(value) && value > 0 ? undefined : invalidOption(option, value, "a positive whole number")

/** What is wrong with what a worker of these options would be, if anything is. */
export const workerFault = (
  { concurrency, highWaterMark, id, labels, resources = {} }: WorkerOptions
): GraphError | undefined =>
  countFault(concurrencyOf(id), concurrency) ?? labelsFault(id, labels) ?? resourcesFault(id, resources) ??
    (highWaterMark === undefined
      ? undefined
      : markFault(`highWaterMark of worker ${JSON.stringify(id)}`, highWaterMark))

const labelsFault = (worker: string, labels: unknown): GraphError | undefined =>
  labels === undefined || (Array.isArray(labels) && (labels.length === 0 || isNames(labels)))
    ? undefined
    : invalidOption(`labels of worker ${JSON.stringify(worker)}`, labels, "an array of words")

/** What is wrong with this as a high-water mark, if anything is. */
export const markFault = (option: string, mark: number): GraphError | undefined =>
  mark === 0 || countFault(option, mark) === undefined
    ? undefined
    : invalidOption(option, mark, "a positive whole number, or 0 for no limit")

const modes: ReadonlyArray<unknown> = ["failFast", "continue", "collect"] satisfies ReadonlyArray<Mode>

/** Why this is no mode of errors; `undefined` if it is one. */
export const modeFault = (mode: Mode): GraphError | undefined =>
  modes.includes(mode) ? undefined : invalidOption("errors", mode, "\"failFast\", \"continue\" or \"collect\"")

/** What the concurrency of one worker of several is called. */
export const concurrencyOf = (worker: string): string => `concurrency of worker ${JSON.stringify(worker)}`

/** What is wrong with the resources of a worker. */
const resourcesFault = (worker: string, resources: unknown): GraphError | undefined => {
  const fault = amountsFault(resources, ` of worker ${JSON.stringify(worker)}`)
  return fault && invalidOption(fault.option, fault.value, fault.expected)
}
