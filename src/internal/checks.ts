/**
 * What layers and added workers ask of their options alike.
 *
 * @internal
 */
import { GraphError } from "../SkeinError.ts"
import { amountsFault, unknownIn } from "./options.ts"

/** An option has a value that it must not have. */
export const invalidOption = (option: string, value: unknown, expected: string): GraphError =>
  new GraphError({ reason: { _tag: "InvalidOption", option, value, expected } })

/** Why there is an option that is none of these; `undefined` if there is not. */
export const unknownOption = (
  options: object | undefined,
  names: Readonly<Record<string, true>>
): GraphError | undefined => {
  // Untyped code may give anything, and a function that is called once for each item its index.
  const unknown = typeof options === "object" && options !== null ? unknownIn(options, names) : undefined
  return unknown && new GraphError({ reason: { _tag: "InvalidOption", ...unknown } })
}

/** Why this is no count of anything; `undefined` if it is one. */
export const countFault = (option: string, value: number): GraphError | undefined =>
  Number.isInteger(value) && value > 0 ? undefined : invalidOption(option, value, "a positive whole number")

/** What the concurrency of one worker of several is called. */
export const concurrencyOf = (worker: string): string => `concurrency of worker ${JSON.stringify(worker)}`

/** What is wrong with the resources of a worker. */
export const resourcesFault = (worker: string, resources: unknown): GraphError | undefined => {
  const fault = amountsFault(`resources of worker ${JSON.stringify(worker)}`, resources)
  return fault && invalidOption(fault.option, fault.value, fault.expected)
}
