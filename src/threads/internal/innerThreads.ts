/**
 * How many threads native libraries start by themselves: they read it from the environment, when they are loaded.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** The variables of OpenMP, OpenBLAS, MKL, BLIS, Accelerate and NumExpr, as joblib sets them. */
const variables = [
  "OMP_NUM_THREADS",
  "OPENBLAS_NUM_THREADS",
  "MKL_NUM_THREADS",
  "BLIS_NUM_THREADS",
  "VECLIB_MAXIMUM_THREADS",
  "NUMEXPR_NUM_THREADS"
]

/** How many layers hold each variable that this file has set. */
const holders = new Map<string, number>()

/** The variables that must be set for so many threads. What the environment says already, it says on purpose. */
export const capsFor = (
  threads: number,
  environment: Readonly<Record<string, string | undefined>>
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    variables
      .filter((name) => environment[name] === undefined || holders.has(name))
      .map((name) => [name, String(threads)])
  )

/**
 * Sets variables of this process until the scope closes: native code in a thread has the environment of the process. Of several
 * layers the first decides, and the last to close removes them.
 */
export const setHere = (
  caps: Readonly<Record<string, string>>,
  environment: Record<string, string | undefined>
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(Effect.acquireRelease(
    Effect.sync(() => {
      for (const [name, value] of Object.entries(caps)) {
        environment[name] ??= value
        holders.set(name, (holders.get(name) ?? 0) + 1)
      }
    }),
    () =>
      Effect.sync(() => {
        for (const name of Object.keys(caps)) {
          const left = holders.get(name)! - 1
          if (left > 0) holders.set(name, left)
          else if (holders.delete(name)) delete environment[name]
        }
      })
  ))
