/** @internal */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import { dual } from "effect/Function"
import * as Layer from "effect/Layer"
import type { Root, SkeinError, SubmitError } from "../../SkeinError.ts"
import type { Options } from "../settings/layerOptions.ts"
import { holdsValues, subjectFirst } from "../tasks/checks.ts"
import type { Mode } from "../tasks/checks.ts"
import type { Task } from "../tasks/handles.ts"
import type { IsAny } from "../values/isAny.ts"
import { withClient } from "./client.ts"
import type { Client } from "./client.ts"
import type { ModeIn } from "./computing.ts"
import { makeContext } from "./layer.ts"
import type { Scheduler } from "./scheduler.ts"

/** The options of a scheduler, and what a failure does: `Client.Mode`. */
export interface RunOptions<M extends Mode> extends Options {
  readonly mode?: M | undefined
}

/** What the run of a task gives. */
type Run<A, E, R, M extends Mode> = Effect.Effect<
  M extends "collect" ? Exit.Exit<A, E | SkeinError> : A,
  SubmitError | (M extends "collect" ? never : SkeinError | (M extends "continue" ? Root<E> : E)),
  Exclude<R, Client | Scheduler>
>

/** What a run gives or, of options alone, the function that runs. */
type RunOf<Arg, M extends Mode> = IsAny<Arg> extends true ? Run<any, any, never, M>
  : [Arg] extends [Task<infer A, infer E, infer R>] ? Run<A, E, R, M>
  : <A, E, R>(task: Task<A, E, R>) => Run<A, E, R, ModeIn<Arg>>

export const run: <const Arg extends Task<any, any, any> | RunOptions<Mode>, const M extends Mode = "failFast">(
  taskOrOptions: Arg,
  options?: RunOptions<M> | number
) => RunOf<Arg, M> = dual(
  subjectFirst,
  (task: Task<unknown>, options?: RunOptions<Mode>): any =>
    runOne(task, typeof options === "number" ? undefined : options)
)

const runOne = (task: Task<unknown>, options: RunOptions<Mode> | undefined): Effect.Effect<unknown, unknown> => {
  const { mode, ...layer } = { ...options }
  // The layer refuses anything but a record.
  const layerOptions = options === undefined || holdsValues(options) ? layer : options
  return Effect.provide(
    withClient((client) => client.compute(task, { mode })),
    Layer.effectContext(makeContext(layerOptions)),
    { local: true }
  )
}
