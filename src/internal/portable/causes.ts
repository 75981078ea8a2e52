/**
 * Causes as plain data. Typed errors cross by the codec of their task, signals of Skein by their tag, and what has no codec as a
 * defect in words: then the task fails alone.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Result from "effect/Result"
import { DependenciesLost, TaskRescheduled, TaskSkipped, TaskUnmet } from "../../SkeinError.ts"
import { quote } from "../text/text.ts"
import { isA, looked, unreadable } from "../values/looks.ts"
import { decodeDefect, encodeDefect } from "./defects.ts"
import type { WireDefect } from "./defects.ts"
import { errorWay } from "./errors.ts"
import { shown } from "./named.ts"
import type { Codec, Implementation, Way } from "./named.ts"

/** A failure by which a body instructs the scheduler. */
type WireSignal =
  | { readonly _tag: "TaskRescheduled" }
  | { readonly _tag: "TaskUnmet"; readonly why: string }
  | { readonly _tag: "TaskSkipped"; readonly key: string; readonly root: string }
  | { readonly _tag: "DependenciesLost"; readonly dependencies: ReadonlyArray<string> }

type WireReason =
  | { readonly _tag: "Fail"; readonly error: unknown }
  | { readonly _tag: "Signal"; readonly signal: WireSignal }
  | { readonly _tag: "Die"; readonly defect: WireDefect }
  | { readonly _tag: "Interrupt"; readonly fiberId: number | undefined }

/** A cause that `structuredClone` keeps. */
export type WireCause = ReadonlyArray<WireReason>

/** A name with its codec; without one, only errors of Skein are typed. */
type Of = Implementation["named"] | undefined

const ways = new WeakMap<Codec, Way>()

let bare: Way | undefined

/** How the errors of a name travel. Most tasks never fail, so it is made when one does. */
const wayOfErrors = (of: Of): Way => {
  if (of === undefined) return bare ??= errorWay(undefined)
  let way = ways.get(of.codec)
  if (way === undefined) ways.set(of.codec, way = errorWay(of.codec.error))
  return way
}

/** Never fails. */
export const encodeCause = (of: Of, { reasons }: Cause.Cause<unknown>): WireCause =>
  reasons.map((reason): WireReason => {
    if (Cause.isInterruptReason(reason)) return { _tag: "Interrupt", fiberId: reason.fiberId }
    if (Cause.isDieReason(reason)) return { _tag: "Die", defect: encodeDefect(reason.defect) }
    const { error } = reason
    const signal = looked(() => signalOf(error), undefined)
    if (signal !== undefined) return { _tag: "Signal", signal }
    const encoded = wayOfErrors(of).encode(error)
    return Result.isSuccess(encoded)
      ? { _tag: "Fail", error: encoded.success }
      : { _tag: "Die", defect: encodeDefect(strandedAs(of?.name, "error", encoded.failure, error)) }
  })

export const decodeCause = (of: Of, wire: WireCause): Cause.Cause<unknown> =>
  Cause.fromReasons(wire.map((reason): Cause.Reason<unknown> => {
    switch (reason._tag) {
      case "Interrupt":
        return Cause.makeInterruptReason(reason.fiberId)
      case "Die":
        return Cause.makeDieReason(decodeDefect(reason.defect))
      case "Signal":
        return Cause.makeFailReason(signalFrom(reason.signal))
      case "Fail": {
        const decoded = wayOfErrors(of).decode(reason.error)
        return Result.isSuccess(decoded)
          ? Cause.makeFailReason(decoded.success)
          : Cause.makeDieReason(strandedAs(of?.name, "error", decoded.failure))
      }
    }
  }))

/** The defect for an error that would not travel, if it would not. */
export const strandedError = (of: Implementation["named"], error: unknown): TypeError | undefined => {
  if (looked(() => signalOf(error), undefined) !== undefined) return undefined
  const fault = wayOfErrors(of).check(error)
  return fault === undefined ? undefined : strandedAs(of.name, "error", fault, error)
}

/** What of a task does not travel. */
export type Travelling = "payload" | "result" | "error"

/** The defect of a task whose value does not travel; `fault` says why, and where in the value. */
export const stranded = (name: string, what: Travelling, fault: string): TypeError => strandedAs(name, what, fault)

const strandedAs = (name: string | undefined, what: Travelling, fault: string, cause?: unknown): TypeError => {
  const whole = name === undefined ? `An ${what}` : `The ${what} of ${quote(shown(name))}`
  return new TypeError(`${whole} does not travel: ${fault}.`, cause === undefined ? {} : { cause })
}

const signalOf = (error: unknown): WireSignal | undefined => {
  if (isA(error, TaskRescheduled)) return { _tag: "TaskRescheduled" }
  if (isA(error, TaskUnmet)) return { _tag: "TaskUnmet", why: looked(() => String(error.why as unknown), unreadable) }
  if (isA(error, TaskSkipped)) return { _tag: "TaskSkipped", key: error.key, root: error.root }
  if (!isA(error, DependenciesLost)) return undefined
  // Tasks and futures do not travel: a body in another process knows keys.
  const keys = error.dependencies.filter((each) => typeof each === "string")
  return { _tag: "DependenciesLost", dependencies: keys }
}

const signalFrom = (signal: WireSignal): unknown => {
  switch (signal._tag) {
    case "TaskRescheduled":
      return new TaskRescheduled()
    case "TaskUnmet":
      return new TaskUnmet(signal)
    case "TaskSkipped":
      return new TaskSkipped(signal)
    case "DependenciesLost":
      return new DependenciesLost(signal)
  }
}
