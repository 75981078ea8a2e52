/**
 * Mistakes of a program, such as options that cannot be. They are defects: no typed failure, because no program handles them.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { SubmitError } from "../../SkeinError.ts"
import type { SubmitReason } from "../../SkeinError.ts"
import { brief } from "../text/brief.ts"
import { inLine, quote } from "../text/text.ts"
import { looked } from "../values/looks.ts"
import { foreignText, keepOneCopy } from "../values/strangers.ts"

/** What is wrong with an option. `key` is absent for an option of a layer, a worker or a function. */
export type Wrong =
  | {
    readonly _tag: "InvalidOption"
    readonly key?: string | undefined
    readonly option: string
    readonly value: unknown
    readonly expected: string
  }
  /** There is no such option. */
  | {
    readonly _tag: "UnknownOption"
    readonly key?: string | undefined
    readonly option: string
    readonly known: ReadonlyArray<string>
  }

export class Mistake extends Cause.IllegalArgumentError {
  declare readonly reason: Wrong

  constructor(reason: Wrong) {
    super(textOf(reason))
    // Not enumerable: the message says it.
    Object.defineProperty(this, "reason", { value: reason })
  }
}

const textOf = (reason: Wrong): string => {
  const option = reason.key === undefined
    ? inLine(reason.option)
    : `${inLine(reason.option)} of task ${quote(reason.key)}`
  return reason._tag === "InvalidOption"
    ? `The option ${option} cannot be ${refusedText(reason.value, reason.expected)}.`
    : `There is no option ${option}. Known options: ${reason.known.join(", ")}.`
}

/** A wrong value, and what to do about it. */
const refusedText = (value: unknown, expected: string): string => {
  const foreign = looked(() => foreignText(value), undefined)
  return foreign === undefined ? `${brief(value)}: expected ${expected}` : `${foreign}: ${keepOneCopy}`
}

/** Why a submission is refused: what data can bring about, or a mistake. */
export type Refused = SubmitError | Mistake

export const isRefused = (value: unknown): value is Refused => value instanceof SubmitError || value instanceof Mistake

/** The refusal for a reason, or the mistake. */
export const refusalOf = (fault: SubmitReason | Mistake): Refused =>
  fault instanceof Mistake ? fault : new SubmitError({ reason: fault })

/** The cause of a task that is refused. */
export const causeOfRefusal = (refused: Refused): Cause.Cause<SubmitError> =>
  refused instanceof Mistake ? Cause.die(refused) : Cause.fail(refused)

/** Fails for a reason, and dies of a mistake. */
export const refuse = (refused: Refused): Effect.Effect<never, SubmitError> => Effect.failCause(causeOfRefusal(refused))
