/** @internal */
import * as Effect from "effect/Effect"
import * as Client from "../Client.ts"
import type { Scheduler } from "../Scheduler.ts"
import * as Skein from "../Skein.ts"
import type { GraphError, RuntimeFailure } from "../SkeinError.ts"
import type { Task } from "../Task.ts"

export const run = <A, E, R>(
  task: Task<A, E, R>,
  options?: Skein.Options
): Effect.Effect<A, E | GraphError | RuntimeFailure, Exclude<R, Client.Client | Scheduler>> =>
  Effect.provide(Client.compute(task), Skein.layer(options), { local: true }) as any
