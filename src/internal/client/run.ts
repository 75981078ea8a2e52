/** @internal */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type { Root, SkeinError, SubmitError } from "../../SkeinError.ts"
import type { Options } from "../settings/layerOptions.ts"
import { holdsValues } from "../tasks/checks.ts"
import type { Mode } from "../tasks/checks.ts"
import type { Task } from "../tasks/handles.ts"
import { withHome } from "./client.ts"
import type { Client } from "./client.ts"
import { computeTargets } from "./computing.ts"
import { makeContext } from "./layer.ts"
import type { Scheduler } from "./scheduler.ts"

/** The options of a scheduler, and what a failure does: `Client.Mode`. */
export interface RunOptions<M extends Mode> extends Options {
  readonly errors?: M | undefined
}

export const run = <A, E, R, const M extends Mode = "failFast">(
  task: Task<A, E, R>,
  options?: RunOptions<M>
): Effect.Effect<
  M extends "collect" ? Exit.Exit<A, E | SkeinError> : A,
  SubmitError | (M extends "collect" ? never : SkeinError | (M extends "continue" ? Root<E> : E)),
  Exclude<R, Client | Scheduler>
> => {
  const { errors, ...layer }: RunOptions<M> = { ...options }
  // The layer refuses anything but a record.
  const layerOptions = options === undefined || holdsValues(options) ? layer : options
  return Effect.provide(
    withHome((home) => computeTargets(home, task, { errors })),
    Layer.effectContext(makeContext(layerOptions)),
    { local: true }
  ) as any
}
