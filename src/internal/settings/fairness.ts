/**
 * The layer's options about the order of starts, prepared for the engine.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Rate as EngineRate, TagLimit } from "../../engine/protocol/Event.ts"
import { fairnessOf } from "../../engine/protocol/fairness.ts"
import type { Fairness } from "../../engine/protocol/fairness.ts"
import { byName, checkOf, count, durationAboveZero, holdsValues, isCount, recordOf } from "../tasks/checks.ts"
import type { Check, Checks } from "../tasks/checks.ts"
import { millisOf } from "../tasks/durations.ts"
import type { BudgetOptions, Rate, SchedulingOptions, TagOptions } from "./layerOptions.ts"

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

export const rateOf = ({ per, starts }: Rate): EngineRate => ({ starts, perMillis: millisOf(per) })

export const rate = recordOf<Rate>({ starts: count, per: durationAboveZero }, ["starts", "per"])

const tagRecord = recordOf<TagOptions>({ limit: count, rate })

const ofTags = "a positive whole number, or a record with limit and rate"

/** The limits of one tag. */
export const limitsOfTag = (tag: string): Check => (option, value) => {
  if (!holdsValues(value)) return isPattern(tag) ? ofPatterns(option, value) : orRecord(option, value)
  const invalid = tagRecord(option, value)
  if (invalid !== undefined) return invalid
  const { limit, rate } = value as TagOptions
  if (isPattern(tag) && limit !== undefined) return ofPatterns(`${option}.limit`, limit)
  return limit === undefined && rate === undefined ? { option, value, expected: "a limit, a rate or both" } : undefined
}

const orRecord = checkOf(ofTags, isCount)

const ofPatterns = checkOf("a record with a rate alone, for the name of a tag that ends in *", () => false)

const isPattern = (tag: string): boolean => tag.endsWith("*")

/** The limits of tags by name. */
export const tags: Check = (option, value) => {
  if (!holdsValues(value)) return { option, value, expected: "limits by name, such as { db: 2 }" }
  for (const [tag, each] of Object.entries(value)) {
    const invalid = limitsOfTag(tag)(`${option}.${tag}`, each)
    if (invalid !== undefined) return invalid
  }
  return undefined
}

/** The limits of a tag for the engine. */
export const limitOf = (tag: string, limits: number | TagOptions | undefined): TagLimit => {
  const { limit, rate }: TagOptions = typeof limits === "number" ? { limit: limits } : limits ?? {}
  return { tag, limit, rate: rate && rateOf(rate) }
}

export const checksOfScheduling: Checks<SchedulingOptions> = {
  sourceSaturation: checkOf(positive, (value) => isNumber(value) && value > 0),
  budget,
  aging: count,
  rate,
  shares: byName(
    "weights by name, such as { alice: 3 }",
    checkOf(positive, (value) => isNumber(value) && value > 0 && value < Infinity)
  )
}

/** The rules of a layer with these options. */
export const rulesOf = ({ aging, budget, rate, shares, sourceSaturation }: SchedulingOptions): Fairness =>
  fairnessOf({
    sourceSaturation: sourceSaturation ?? Infinity,
    budget: budget && { target: budget.target ?? Infinity, pause: budget.pause ?? Infinity },
    aging: aging ?? Infinity,
    rate: rate && rateOf(rate),
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
