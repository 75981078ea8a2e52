/**
 * What the scheduler writes to the log of a program. No logger that throws, and no error that cannot be printed, may keep it
 * from what it does next.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { looked, unreadable } from "../values/looks.ts"
import { brief } from "./brief.ts"
import { prettyCause } from "./fact.ts"

/** Writes a warning, in plain words where a logger cannot print what it is given. */
export const warning = (...lines: ReadonlyArray<unknown>): Effect.Effect<void> => told(Effect.logWarning, lines)

/** Writes that something ended which should not have. */
export const fatal = (...lines: ReadonlyArray<unknown>): Effect.Effect<void> => told(Effect.logFatal, lines)

const told = (
  log: (...lines: ReadonlyArray<unknown>) => Effect.Effect<void>,
  lines: ReadonlyArray<unknown>
): Effect.Effect<void> =>
  // Even to be asked whether they are causes is too much for some values.
  Effect.suspend(() => log(...lines)).pipe(
    Effect.catchCause(() => log(...lines.map(textOf))),
    Effect.exit,
    Effect.asVoid
  )

const textOf = (line: unknown): string =>
  typeof line === "string" ? line : looked(() => Cause.isCause(line) ? prettyCause(line) : brief(line), unreadable)
