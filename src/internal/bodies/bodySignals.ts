/**
 * Signals: failures by which a body instructs the scheduler. `signals.ts` reads them.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import { DependenciesLost, TaskRescheduled, TaskSkipped, TaskUnmet } from "../../SkeinError.ts"
import type { Future, Task } from "../tasks/handles.ts"
import { Worker } from "../tasks/worker.ts"
import { cutList, quote } from "../text/text.ts"
import { keyOfBody, missingLabels } from "./attempt.ts"
import { givenEffect } from "./bodies.ts"

/**
 * A body fails with this to give its place up: the task goes back to the queue and runs again.
 *
 * **When to use**
 *
 * When a body cannot go on yet, or other tasks should go first, and waiting would only take a slot from them.
 *
 * **Details**
 *
 * The slot is free at once. The task ranks behind all ready tasks of its priority, as if it had just been submitted as a
 * computation of its own. The attempt is not charged: `Worker.current` and `retry` count as if the body had not run, and
 * dependencies keep their results. `timeout` starts over, `deadline` goes on. What the body submitted or acquired ends with it. A
 * body that also fails or dies does just that, and a body that was asked to stop stops. The idea is dask.distributed's
 * `Reschedule`.
 *
 * **Gotchas**
 *
 * If no other task is ready, the body runs again at once. To wait for something, wait for it.
 *
 * **Example** (Let the others go first)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Task, Worker } from "skein"
 *
 * const log: Array<string> = []
 * const polite = Task.make(Effect.suspend(() => log.push("polite") === 1 ? Worker.reschedule : Effect.succeed(log)))
 * const other = Task.sync(() => log.push("other"))
 * Task.run(Task.map([polite, other], ([log]) => log), { concurrency: 1 }) // => ["polite", "other", "polite"]
 * ```
 *
 * @stability unstable
 * @category completion
 * @since 0.1.0
 */
export const reschedule: Effect.Effect<never, TaskRescheduled, Worker> = Effect.suspend(() =>
  Effect.fail(new TaskRescheduled())
)

/**
 * A body fails with this to report that results of dependencies are gone. The dependencies run again, then the body does.
 *
 * **When to use**
 *
 * When results stand for something outside the program that may disappear: a file, a row, a session.
 *
 * **Details**
 *
 * Names direct dependencies, including those of `after` and those behind barriers: the tasks or futures themselves, or their
 * keys. Their own dependencies run again as far as they were released. The attempt is not charged: `Worker.current` and `retry`
 * count as if the body had not run. If several tasks report the same dependency, it runs once; a body that had started before
 * that just runs again. Running dependents go on with the inputs that they have; those that have not started wait. A `Task.exit`
 * stands for the task whose exit it is, a resource is finalized before it is acquired again, and a `flatMap` task calls its
 * function again.
 *
 * A task ends with `DependenciesGone` at its 20th report (`limits.dependenciesLost` of the layer), or if it reports a dependency
 * that must not run twice (`idempotent: false`). Naming anything but a direct dependency is a defect.
 *
 * **Gotchas**
 *
 * Futures of dependencies that run again are unsettled meanwhile. Results from a `cache` come from it again.
 *
 * **Example** (Write a removed file again)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Task, Worker } from "skein"
 *
 * const files = new Map<string, number>()
 * const log: Array<string> = []
 * const write = Task.sync(() => {
 *   log.push("write")
 *   files.set("squares", 49)
 *   // The first time it is removed at once.
 *   if (log.length === 1) files.delete("squares")
 *   return "squares"
 * }, { key: "write" })
 * const read = Task.make(write, (name) => files.has(name) ? Effect.succeed(files.get(name)) : Worker.dependenciesLost(write))
 * Effect.map(Task.run(read), (value) => [value, log]) // => [49, ["write", "write"]]
 * ```
 *
 * @stability unstable
 * @category completion
 * @since 0.1.0
 */
export const dependenciesLost = (
  ...dependencies: readonly [Named, ...ReadonlyArray<Named>]
): Effect.Effect<never, DependenciesLost, Worker> =>
  Effect.suspend(() => Effect.fail(new DependenciesLost({ dependencies })))

/** A dependency as its dependent may name it. */
type Named = Task<any, any, any> | Future<any, any> | string

/**
 * A body fails with this to end its task as skipped: it chose not to do its work, and nothing went wrong.
 *
 * **When to use**
 *
 * For branches: the tasks of a branch that is not chosen never run, and tasks where branches meet take the results that exist.
 *
 * **Details**
 *
 * A task that depends on a skipped one is skipped too and never starts, at any distance. A `Dependency` with another policy
 * decides otherwise, and `Task.exit` gives the failure as a value. Asking for the value of a skipped task fails with the typed
 * error `TaskSkipped`. A body that passes on the `TaskSkipped` of a task it joined is skipped too. A skip is never tried again. A
 * body that also fails or dies does just that. The idea is Airflow's.
 *
 * **Example** (A branch that is not taken)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Task, Worker } from "skein"
 *
 * const rows = Task.make(Effect.succeed([] as Array<string>))
 * const report = Task.make({ rows }, ({ rows }) => rows.length === 0 ? Worker.skip : Effect.succeed(rows.join()))
 * const mail = Task.map({ report }, ({ report }) => `sent ${report}`, { key: "mail" })
 * Task.run(mail).pipe(Effect.catchTag("TaskSkipped", ({ key }) => Effect.succeed(`${key} was skipped`))) // => "mail was skipped"
 * ```
 *
 * @stability unstable
 * @category completion
 * @since 0.1.0
 */
export const skip: Effect.Effect<never, TaskSkipped, Worker> = Effect.withFiber((fiber) => {
  const key = keyOfBody(fiber) ?? "task"
  return Effect.fail(new TaskSkipped({ key, root: key }))
})

/**
 * A body fails with this if it cannot run on the current worker: its task goes to another worker, and never to this one again.
 *
 * **When to use**
 *
 * When only the body can find out whether it can run on a worker: a missing file, a device that does not answer. Use labels for
 * what is known in advance; see the option `workers`.
 *
 * **Details**
 *
 * The slot is free at once. The attempt is not charged: `Worker.current` and `retry` count as if the body had not run, and
 * dependencies keep their results. Retries avoid the worker too. When the body has refused every worker on which it may run, the
 * task ends with `ImpossibleDependency`, which has all the reasons; with `waitForWorkers` it first waits that long for a new
 * worker. A worker that comes back under an old name is a new one. With `retrySame` the task only gives its place up, as with
 * {@link reschedule}: the worker is busy, and may be right later. A body that also fails or dies does just that. The idea is
 * IPython's `UnmetDependency`.
 *
 * **Example** (A file that one worker has)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Skein, Task, Worker } from "skein"
 *
 * const disk = new Map([["b", "3,4,5"]])
 * const read = Task.make(Effect.gen(function*() {
 *   const { id: worker } = yield* Worker.current
 *   const file = disk.get(worker)
 *   return file === undefined ? yield* Worker.unmet("the file is not here") : `${worker}: ${file}`
 * }))
 * const workers = [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1 }]
 * Client.compute(read).pipe(Effect.provide(Skein.layer({ workers }))) // => "b: 3,4,5"
 * ```
 *
 * @stability unstable
 * @category completion
 * @since 0.1.0
 */
export const unmet = <const O extends { readonly retrySame?: boolean | undefined } = {}>(
  why: string,
  options?: O
): Effect.Effect<never, O extends { readonly retrySame: true } ? TaskRescheduled : TaskUnmet, Worker> =>
  Effect.suspend(() =>
    Effect.fail(options?.retrySame === true ? new TaskRescheduled() : new TaskUnmet({ why }))
  ) as never

/**
 * Succeeds if the current worker has all of these labels, and is {@link unmet} otherwise.
 *
 * **When to use**
 *
 * In a body that finds out as it runs what it needs. If a task always needs the labels, use `workers`, so that it never starts
 * without them.
 *
 * **Example** (Large inputs need a large worker)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Skein, Task, Worker } from "skein"
 *
 * const sum = (rows: ReadonlyArray<number>) =>
 *   Task.make(Effect.gen(function*() {
 *     if (rows.length > 2) yield* Worker.requireLabels("large")
 *     const { id: worker } = yield* Worker.current
 *     return `${worker}: ${rows.length}`
 *   }))
 * const workers = [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1, labels: ["large"] }]
 * Client.compute(sum([1, 2, 3])).pipe(Effect.provide(Skein.layer({ workers }))) // => "b: 3"
 * ```
 *
 * @stability unstable
 * @category completion
 * @since 0.1.0
 */
export const requireLabels = (...labels: ReadonlyArray<string>): Effect.Effect<void, TaskUnmet, Worker> =>
  Effect.flatMap(Worker, (worker) => {
    const missing = missingLabels(worker, labels)
    if (missing.length === 0) return Effect.void
    const lacked = cutList(missing, quote)
    return unmet(`it lacks the ${missing.length === 1 ? "label" : "labels"} ${lacked}`)
  })

/**
 * A body that runs only if a condition holds: if the condition returns `false`, the task is {@link unmet}.
 *
 * **Details**
 *
 * The condition runs on the worker, in the attempt, before the body. If it fails, so does the body. The idea is IPython's
 * `depend`.
 *
 * **Example** (Where the file is)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Skein, Task, Worker } from "skein"
 *
 * const where = Effect.map(Worker.current, ({ id }) => id)
 * const isThere = Effect.map(where, (worker) => worker === "b")
 * const read = Task.make(where.pipe(Worker.requireThat(isThere)))
 * const workers = [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1 }]
 * Client.compute(read).pipe(Effect.provide(Skein.layer({ workers }))) // => "b"
 * ```
 *
 * @stability unstable
 * @category completion
 * @since 0.1.0
 */
export const requireThat: {
  <E2, R2>(
    condition: Effect.Effect<boolean, E2, R2>
  ): <A, E, R>(body: Effect.Effect<A, E, R>) => Effect.Effect<A, E | E2 | TaskUnmet, R | R2 | Worker>
  <A, E, R, E2, R2>(
    body: Effect.Effect<A, E, R>,
    condition: Effect.Effect<boolean, E2, R2>
  ): Effect.Effect<A, E | E2 | TaskUnmet, R | R2 | Worker>
} = dual(
  2,
  <A, E, R, E2, R2>(body: Effect.Effect<A, E, R>, condition: Effect.Effect<boolean, E2, R2>) => {
    const guarded = givenEffect("The body of Worker.requireThat", body)
    return Effect.flatMap(
      givenEffect("The condition of Worker.requireThat", condition),
      (holds): Effect.Effect<A, E | TaskUnmet, R | Worker> =>
        holds ? guarded : unmet("its condition does not hold there")
    )
  }
)
