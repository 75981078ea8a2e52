/**
 * The layer's options about the order of starts, prepared for the engine.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { fairnessOf } from "../../engine/protocol/fairness.ts"
import type { Fairness } from "../../engine/protocol/fairness.ts"
import { byName, checkOf, count, recordOf } from "../tasks/checks.ts"
import type { Check, Checks } from "../tasks/checks.ts"
import type { BudgetOptions, SchedulingOptions } from "./layerOptions.ts"

/** The size of a result. */
export type SizeOf = (result: unknown) => number

const isNumber = (value: unknown): value is number => typeof value === "number"

const level = checkOf("a number, zero or above", (value) => isNumber(value) && value >= 0)

const budgetRecord = recordOf<BudgetOptions>({
  target: level,
  pause: level,
  sizeOf: checkOf("a function from a result to a number", (value) => typeof value === "function")
})

const budget: Check = (option, value) => {
  const invalid = budgetRecord(option, value)
  if (invalid !== undefined) return invalid
  const { pause, target } = value as BudgetOptions
  if (target === undefined && pause === undefined) return { option, value, expected: "a target, a pause or both" }
  return (target ?? 0) > (pause ?? Infinity)
    ? { option: `${option}.target`, value: target, expected: "no more than pause" }
    : undefined
}

const positive = "a number above zero"

export const checksOfScheduling: Checks<SchedulingOptions> = {
  sourceSaturation: checkOf(positive, (value) => isNumber(value) && value > 0),
  budget,
  aging: count,
  shares: byName(
    "weights by name, such as { alice: 3 }",
    checkOf(positive, (value) => isNumber(value) && value > 0 && value < Infinity)
  )
}

/** The rules of a layer with these options. */
export const rulesOf = ({ aging, budget, shares, sourceSaturation }: SchedulingOptions): Fairness =>
  fairnessOf({
    sourceSaturation: sourceSaturation ?? Infinity,
    budget: budget && { target: budget.target ?? Infinity, pause: budget.pause ?? Infinity },
    aging: aging ?? Infinity,
    weights: new Map(Object.entries(shares ?? {}))
  })

/** A user's measure, in whole units: 1 if it throws or returns no size, with one warning. */
export const measured = (sizeOf: SizeOf, warn: (...line: ReadonlyArray<unknown>) => void): SizeOf => {
  let isBroken = false
  return (result) => {
    const exit = Effect.runSyncExit(Effect.sync(() => sizeOf(result)))
    const size = Exit.isSuccess(exit) && typeof exit.value === "number" ? Math.ceil(exit.value) : NaN
    if (size >= 0 && size < Infinity) return size
    if (!isBroken) {
      warn("sizeOf gave no size of a result, which counts as 1", Exit.isSuccess(exit) ? exit.value : exit.cause)
    }
    isBroken = true
    return 1
  }
}
