/**
 * What a layer says about the order of starts, made ready for the engine.
 *
 * @internal
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { fairnessOf } from "../engine/fairness.ts"
import type { Fairness } from "../engine/fairness.ts"
import type { BudgetOptions, SchedulingOptions } from "../Skein.ts"
import { byName, checkOf, count, recordOf } from "./checks.ts"
import type { Check, Checks } from "./checks.ts"

/** What the scheduler actor must know of it. */
export interface Rules {
  readonly fairness: Fairness
  /** The size of a result, if the layer says what it is. */
  readonly sizeOf: SizeOf | undefined
}

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
export const rulesOf = (
  { aging, budget, shares, sourceSaturation }: SchedulingOptions,
  context: Context.Context<never>
): Rules => ({
  fairness: fairnessOf({
    sourceSaturation: sourceSaturation ?? Infinity,
    budget: budget && { target: budget.target ?? Infinity, pause: budget.pause ?? Infinity },
    aging: aging ?? Infinity,
    weights: new Map(Object.entries(shares ?? {}))
  }),
  sizeOf: budget?.sizeOf && measured(budget.sizeOf, context)
})

/** A user's measure, in whole units: 1 for what it throws at, or gives no size of. The first time is logged. */
const measured = (sizeOf: (result: unknown) => number, context: Context.Context<never>) => {
  let isBroken = false
  return (result: unknown): number => {
    const exit = Effect.runSyncExit(Effect.sync(() => sizeOf(result)))
    const size = Exit.isSuccess(exit) ? Math.ceil(exit.value) : NaN
    if (size >= 0 && size < Infinity) return size
    if (!isBroken) {
      const found = Exit.isSuccess(exit) ? exit.value : exit.cause
      Effect.runForkWith(context)(Effect.logWarning("sizeOf gave no size of a result, which counts as 1", found))
    }
    isBroken = true
    return 1
  }
}
