/**
 * The form in which the most frequent messages travel. A clone costs by the object and by the name of each field, so a message with
 * one start, or with one end, and nothing else is one flat array.
 *
 * @internal
 */
import type { Batch, Down, Report, Up } from "./messages.ts"

/** How many ends were heard of, the five numbers of the start, and its payload. */
type LoneStart = readonly [
  heard: number,
  seat: number,
  name: number,
  number: number,
  serial: number,
  flags: number,
  payload: unknown
]

type LoneEnd = readonly [seat: number, end: number, micros: number, value: unknown]

export type PackedDown = Down | LoneStart

export type PackedUp = Up | LoneEnd

/** The number of fields of a batch, or of a report, that has starts, or ends, alone. */
const fieldsOfPlain = 4

const isPlain = (message: Batch | Report): boolean => Object.keys(message).length === fieldsOfPlain

export const packedDown = (down: Down): PackedDown => {
  if (down._tag !== "Batch" || down.payloads.length !== 1 || !isPlain(down)) return down
  const { heard, payloads, starts } = down
  return [heard, starts[0]!, starts[1]!, starts[2]!, starts[3]!, starts[4]!, payloads[0]]
}

export const unpackedDown = (message: PackedDown): Down => {
  if (!isPacked(message)) return message
  const [heard, seat, name, number, serial, flags, payload] = message
  return { _tag: "Batch", heard, starts: [seat, name, number, serial, flags], payloads: [payload] }
}

export const packedUp = (up: Up): PackedUp => {
  if (up._tag !== "Report" || up.values.length !== 1 || !isPlain(up)) return up
  const { ends, times, values } = up
  return [ends[0]!, ends[1]!, times[0]!, values[0]]
}

export const unpackedUp = (message: PackedUp): Up => {
  if (!isPacked(message)) return message
  const [seat, end, micros, value] = message
  return { _tag: "Report", ends: [seat, end], values: [value], times: [micros] }
}

const isPacked = (message: object): message is ReadonlyArray<unknown> => Array.isArray(message)
