/** @internal */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Client from "../../Client.ts"
import type { Scheduler } from "../../Scheduler.ts"
import * as Skein from "../../Skein.ts"
import type { GraphError, Root, RuntimeFailure } from "../../SkeinError.ts"
import type { Task } from "../../Task.ts"
import { holdsValues } from "../tasks/checks.ts"

/** The options of a scheduler, and what a failure does: `Client.Mode`. */
export interface RunOptions<M extends Client.Mode> extends Skein.Options {
  readonly errors?: M | undefined
}

export const run = <A, E, R, const M extends Client.Mode = "failFast">(
  task: Task<A, E, R>,
  options?: RunOptions<M>
): Effect.Effect<
  M extends "collect" ? Exit.Exit<A, E | RuntimeFailure> : A,
  GraphError | (M extends "collect" ? never : RuntimeFailure | (M extends "continue" ? Root<E> : E)),
  Exclude<R, Client.Client | Scheduler>
> => {
  const { errors, ...layer }: RunOptions<M> = { ...options }
  // What is no record is refused by the layer.
  const layerOptions = holdsValues(options) ? layer : options
  return Effect.provide(Client.compute(task, { errors }), Skein.layer(layerOptions), { local: true }) as any
}
