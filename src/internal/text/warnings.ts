/**
 * Warnings of the scheduler in the log of a program. A logger that throws, or an error that cannot be printed, must not stop the
 * scheduler.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { looked, unreadable } from "../values/looks.ts"
import { brief } from "./brief.ts"
import { prettyCause } from "./fact.ts"

/** Writes a warning, in plain words if a logger cannot print its arguments. */
export const warning = (...lines: ReadonlyArray<unknown>): Effect.Effect<void> => told(Effect.logWarning, lines)

/** Writes that something ended that should not have. */
export const fatal = (...lines: ReadonlyArray<unknown>): Effect.Effect<void> => told(Effect.logFatal, lines)

const told = (
  log: (...lines: ReadonlyArray<unknown>) => Effect.Effect<void>,
  lines: ReadonlyArray<unknown>
): Effect.Effect<void> =>
  // Some values throw even when asked whether they are causes.
  Effect.suspend(() => log(...lines)).pipe(
    Effect.catchCause(() => log(...lines.map(textOf))),
    Effect.exit,
    Effect.asVoid
  )

const textOf = (line: unknown): string =>
  typeof line === "string" ? line : looked(() => Cause.isCause(line) ? prettyCause(line) : brief(line), unreadable)
