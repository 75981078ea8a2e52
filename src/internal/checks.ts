/**
 * What layers and added workers ask of their options alike.
 *
 * @internal
 */
import { GraphError } from "../SkeinError.ts"

/** An option has a value that it must not have. */
export const invalidOption = (option: string, value: unknown, expected: string): GraphError =>
  new GraphError({ reason: { _tag: "InvalidOption", option, value, expected } })

/** Why this is no count of anything; `undefined` if it is one. */
export const countFault = (option: string, value: number): GraphError | undefined =>
  Number.isInteger(value) && value > 0 ? undefined : invalidOption(option, value, "a positive whole number")

/** What the concurrency of one worker of several is called. */
export const concurrencyOf = (worker: string): string => `concurrency of worker ${JSON.stringify(worker)}`
