/**
 * Placement schemes of layers, made safe for the engine.
 *
 * @internal
 */
import * as Result from "effect/Result"
import type { Scheme } from "../../engine/protocol/Settings.ts"
import { brief } from "../text/brief.ts"
import { describeError } from "../text/rendering.ts"

/** The schemes that have a name. */
export const schemeNames = [
  "steady",
  "leastLoad",
  "lru",
  "plainRandom",
  "twoBin",
  "weighted"
] as const satisfies ReadonlyArray<
  Scheme
>

export const isScheme = (scheme: unknown): scheme is Scheme =>
  typeof scheme === "function" || (schemeNames as ReadonlyArray<unknown>).includes(scheme)

/** Whether a scheme may draw. */
export const isRandom = (scheme: Scheme): boolean => scheme !== "steady" && scheme !== "leastLoad" && scheme !== "lru"

/** The same scheme. If it throws or returns no index, it warns once and leaves the choice to the default. */
export const safe = (scheme: Scheme, warn: (line: string) => void): Scheme => {
  if (typeof scheme !== "function") return scheme
  let hasWarned = false
  return (workers, random) => {
    const result = Result.try((): unknown => scheme(workers, random))
    const index = Result.isSuccess(result) ? result.success : -1
    if (typeof index === "number" && workers[index] !== undefined) return index
    const what = Result.isSuccess(result) ? `gave ${brief(index)}` : `threw ${describeError(result.failure)}`
    if (!hasWarned) warn(`The placement scheme ${what}, so the worker with the greatest share of free slots is taken`)
    hasWarned = true
    return -1
  }
}
