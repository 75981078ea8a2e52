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
import type { GraphError } from "../SkeinError.ts"
import { countFault, invalidOption, recordFault } from "./checks.ts"
import type { Names } from "./options.ts"

/** What the scheduler actor must know of it. */
export interface Rules {
  readonly fairness: Fairness
  /** The size of a result, if the layer says what it is. */
  readonly sizeOf: SizeOf | undefined
}

export type SizeOf = (result: unknown) => number

const isPositive = (value: unknown): boolean => typeof value === "number" && value > 0

const isLevel = (value: unknown): boolean => typeof value === "number" && value >= 0

const positive = "a number above zero"

const namesOfBudget: Names<BudgetOptions> = { target: true, pause: true, sizeOf: true }

/** What is wrong with these options, if anything is. */
const faultOf = ({ aging, budget, sourceSaturation, shares }: SchedulingOptions): GraphError | undefined => {
  if (sourceSaturation !== undefined && !isPositive(sourceSaturation)) {
    return invalidOption("sourceSaturation", sourceSaturation, positive)
  }
  for (const [share, weight] of Object.entries(shares ?? {})) {
    if (!isPositive(weight) || weight === Infinity) return invalidOption(`shares.${share}`, weight, positive)
  }
  const fault = aging === undefined ? undefined : countFault("aging", aging)
  if (fault !== undefined || budget === undefined) return fault
  const stranger = recordFault("budget", budget, namesOfBudget)
  if (stranger !== undefined) return stranger
  const { pause, target } = budget
  for (const [name, value] of Object.entries({ target, pause })) {
    if (value !== undefined && !isLevel(value)) return invalidOption(`budget.${name}`, value, "a number, zero or above")
  }
  if (target === undefined && pause === undefined) return invalidOption("budget", budget, "a target, a pause or both")
  return (target ?? 0) > (pause ?? Infinity) ? invalidOption("budget.target", target, "no more than pause") : undefined
}

/** The rules of a layer with these options. */
export const rulesOf = (
  options: SchedulingOptions,
  context: Context.Context<never>
): Effect.Effect<Rules, GraphError> => {
  const fault = faultOf(options)
  if (fault !== undefined) return Effect.fail(fault)
  const { aging, budget, sourceSaturation, shares } = options
  const fairness = fairnessOf({
    sourceSaturation: sourceSaturation ?? Infinity,
    budget: budget && { target: budget.target ?? Infinity, pause: budget.pause ?? Infinity },
    aging: aging ?? Infinity,
    weights: new Map(Object.entries(shares ?? {}))
  })
  return Effect.succeed({ fairness, sizeOf: budget?.sizeOf && measured(budget.sizeOf, context) })
}

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
