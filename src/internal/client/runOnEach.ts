/**
 * Runs an effect once on every worker.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import { takersOf } from "../../engine/views/workers.ts"
import { givenEffect } from "../bodies/bodies.ts"
import type { SchedulerCore } from "../driver/schedulerCore.ts"
import { mode, optionsFault, text } from "../tasks/checks.ts"
import type { Checks, Mode } from "../tasks/checks.ts"
import { makeTask } from "../tasks/makeTask.ts"
import { normalize } from "../tasks/options.ts"
import type { TaskImpl } from "../tasks/task.ts"
import { computeShape } from "./computing.ts"

/**
 * Options of {@link runOnEach}.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface RunOnEachOptions<M extends Mode = Mode> {
  /** The effect of a failure on the runs of other workers, as in `Client.compute`. Defaults to `failFast`. */
  readonly mode?: M | undefined
  /** The label of the tasks. Defaults to "runOnEach". */
  readonly label?: string | undefined
}

const checks: Checks<RunOnEachOptions> = { mode, label: text }

/** Runs `effect` as a task on each worker that takes tasks, and returns the results by the names of the workers. */
export const runOnEach = (
  core: SchedulerCore,
  effect: Effect.Effect<unknown, unknown, unknown>,
  options: RunOnEachOptions | undefined
): Effect.Effect<ReadonlyMap<string, unknown>, unknown> =>
  Effect.suspend(() => {
    const given = givenEffect("The effect of Scheduler.runOnEach", effect)
    if (given !== effect) return given as Effect.Effect<never>
    const fault = optionsFault(options, checks)
    if (fault !== undefined) return Effect.die(fault)
    const { label = "runOnEach", ...rest } = options ?? {}
    const workers = takersOf(core.state).flatMap(({ kind, name }) => kind === "local" ? [name] : [])
    const tasks = workers.map((worker) => taskOn(worker, effect, label))
    const values = computeShape(core, tasks, rest) as Effect.Effect<ReadonlyArray<unknown>, unknown>
    return Effect.map(values, (each) => new Map(workers.map((worker, i) => [worker, each[i]])))
  })

/**
 * A task that runs once on this worker, at the highest priority: not again after a loss of the worker, and not at all once the
 * worker and its replacements are gone.
 */
const taskOn = (worker: string, effect: Effect.Effect<unknown, unknown, unknown>, label: string): TaskImpl =>
  makeTask(
    { _tag: "effect", run: () => effect, constant: effect },
    undefined,
    normalize({
      workers: [worker],
      label,
      priority: Number.MAX_SAFE_INTEGER,
      waitForWorkers: 0,
      idempotent: false
    })
  )
