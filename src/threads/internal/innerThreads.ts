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

/** The variables that must be set for so many threads. What the environment says already, it says on purpose. */
export const capsFor = (
  threads: number,
  environment: Readonly<Record<string, string | undefined>>
): Readonly<Record<string, string>> =>
  Object.fromEntries(variables.filter((name) => environment[name] === undefined).map((name) => [name, String(threads)]))

/** Sets variables of this process until the scope closes: native code in a thread has the environment of the process. */
export const setHere = (
  caps: Readonly<Record<string, string>>,
  environment: Record<string, string | undefined>
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(Effect.acquireRelease(
    Effect.sync(() => Object.assign(environment, caps)),
    () =>
      Effect.sync(() => {
        for (const name of Object.keys(caps)) delete environment[name]
      })
  ))
